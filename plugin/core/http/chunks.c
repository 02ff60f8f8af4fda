/* chunks.c
 * The chunked transfer coding.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "chunks.h"

#define CHUNK_LINE_MAX 4096

void http_chunks_init(struct http_chunks *chunks)
{
    memset(chunks, 0, sizeof(*chunks));
    chunks->state = HTTP_CHUNK_SIZE;
}

static void start_chunk_line(struct http_chunks *chunks)
{
    chunks->line = 0;
    chunks->digits = 0;
    chunks->in_extension = false;
}

/* What a byte of the framing leads to. */
static enum http_chunk_state chunk_size_byte(struct http_chunks *chunks, uint8_t c)
{
    int digit = hex_value(c);
    if (c == '\n' && chunks->digits > 0) {
        start_chunk_line(chunks);
        return chunks->left ? HTTP_CHUNK_DATA : HTTP_CHUNK_TRAILER;
    }
    /* Leading zeros are legal, so the value is bounded and not the digits alone. */
    if (!chunks->in_extension && digit >= 0 && chunks->digits < 64 && chunks->left >> 59 == 0) {
        chunks->digits++;
        chunks->left = chunks->left << 4 | (uint64_t)digit;
        return HTTP_CHUNK_SIZE;
    }
    chunks->in_extension |= chunks->digits > 0 && (c == ';' || c == '\r' || is_blank(c));
    return c != '\n' && chunks->in_extension && ++chunks->line <= CHUNK_LINE_MAX ? HTTP_CHUNK_SIZE : HTTP_CHUNK_BAD;
}

static enum http_chunk_state chunk_end_byte(struct http_chunks *chunks, uint8_t c)
{
    if (c == '\n') {
        start_chunk_line(chunks);
        return HTTP_CHUNK_SIZE;
    }
    return c == '\r' && chunks->line++ == 0 ? HTTP_CHUNK_DATA_END : HTTP_CHUNK_BAD;
}

static enum http_chunk_state chunk_trailer_byte(struct http_chunks *chunks, uint8_t c)
{
    if (c == '\n') {
        bool empty = chunks->line == 0;
        chunks->line = 0;
        return empty ? HTTP_CHUNK_DONE : HTTP_CHUNK_TRAILER;
    }
    return c == '\r' || ++chunks->line <= CHUNK_LINE_MAX ? HTTP_CHUNK_TRAILER : HTTP_CHUNK_BAD;
}

size_t http_chunks_next(struct http_chunks *chunks, const uint8_t *p, size_t len, struct span *data)
{
    size_t used = 0;
    *data = span_of(p, 0);
    while (used < len) {
        switch (chunks->state) {
        case HTTP_CHUNK_SIZE:
            chunks->state = (uint8_t)chunk_size_byte(chunks, p[used]);
            break;
        case HTTP_CHUNK_DATA: {
            size_t take = chunks->left < len - used ? (size_t)chunks->left : len - used;
            *data = span_of(p + used, take);
            chunks->left -= take;
            if (chunks->left == 0) {
                chunks->state = HTTP_CHUNK_DATA_END;
                start_chunk_line(chunks);
            }
            return used + take;
        }
        case HTTP_CHUNK_DATA_END:
            chunks->state = (uint8_t)chunk_end_byte(chunks, p[used]);
            break;
        case HTTP_CHUNK_TRAILER:
            chunks->state = (uint8_t)chunk_trailer_byte(chunks, p[used]);
            break;
        case HTTP_CHUNK_DONE:
        case HTTP_CHUNK_BAD:
            return used;
        }
        if (chunks->state == HTTP_CHUNK_BAD) {
            return used;
        }
        used++;
    }
    return used;
}
