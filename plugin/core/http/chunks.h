/* chunks.h
 * Chunked transfer coding (RFC 9112 7.1) as a machine fed byte by byte in pieces.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_CHUNKS_H
#define OUTLOOKHTTP_CHUNKS_H

#include "chars.h"

enum http_chunk_state {
    HTTP_CHUNK_SIZE,
    HTTP_CHUNK_DATA,
    HTTP_CHUNK_DATA_END,
    HTTP_CHUNK_TRAILER,
    HTTP_CHUNK_DONE,
    HTTP_CHUNK_BAD
};

struct http_chunks {
    uint64_t left; /* of the current chunk's data */
    uint16_t line; /* characters of the current line so far; capped at 4096 */
    uint8_t state; /* enum http_chunk_state */
    uint8_t digits;
    bool in_extension;
};

void http_chunks_init(struct http_chunks *chunks);

/* Consumes the next stretch of p: returns how many bytes were used (> 0 unless DONE or
 * BAD or len is 0) and sets *data to the run of chunk data inside them (len 0 if they
 * were framing). Call again for the rest. */
size_t http_chunks_next(struct http_chunks *chunks, const uint8_t *p, size_t len, struct span *data);

#endif
