/* lz77.c
 * Plain LZ77 with the DIRECT2 encoding.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "lz77.h"

#include "bytes.h"

#define MATCH_MIN 3
#define INLINE_MAX 7 /* three bits of the match itself */
#define NIBBLE_MAX 15
#define BYTE_MAX 255

struct stream {
    const uint8_t *in;
    size_t len, pos;
    size_t nibble_at; /* of the byte whose high half is still unused */
    uint8_t mask;
    bool has_nibble;
    bool short_of; /* something was read behind the end */
};

/* count bytes, little-endian. */
static uint32_t take(struct stream *s, unsigned count)
{
    if (s->len - s->pos < count) {
        s->short_of = true;
        s->pos = s->len;
        return 0;
    }
    uint32_t number = 0;
    for (unsigned i = 0; i < count; i++) {
        number |= (uint32_t)(s->in[s->pos++] ^ s->mask) << 8 * i;
    }
    return number;
}

/* Two long matches share a byte: the first takes the low half. */
static uint32_t take_nibble(struct stream *s)
{
    if (s->has_nibble) {
        s->has_nibble = false;
        return (uint32_t)((s->in[s->nibble_at] ^ s->mask) >> 4);
    }
    s->nibble_at = s->pos;
    uint32_t low = take(s, 1) & 15;
    s->has_nibble = !s->short_of;
    return low;
}

/* The length of a match, 0 if its long form says less than the short forms can. */
static uint64_t match_length(struct stream *s, uint32_t inline_length)
{
    if (inline_length < INLINE_MAX) {
        return inline_length + MATCH_MIN;
    }
    uint32_t nibble = take_nibble(s);
    if (nibble < NIBBLE_MAX) {
        return nibble + INLINE_MAX + MATCH_MIN;
    }
    uint32_t byte = take(s, 1);
    if (byte < BYTE_MAX) {
        return byte + NIBBLE_MAX + INLINE_MAX + MATCH_MIN;
    }
    /* The 16 bits stand for themselves; 0 is followed by 32 (MS-XCA only, no extended
     * buffer needs them). */
    uint32_t length = take(s, 2);
    if (length == 0 && !s->short_of) {
        length = take(s, 4);
    }
    return length < NIBBLE_MAX + INLINE_MAX ? 0 : (uint64_t)length + MATCH_MIN;
}

/* A match may reach into what it is writing. */
static void copy_match(uint8_t *to, size_t distance, size_t length)
{
    if (distance >= length) {
        memcpy(to, to - distance, length);
        return;
    }
    for (size_t i = 0; i < length; i++) {
        to[i] = to[(ptrdiff_t)i - (ptrdiff_t)distance];
    }
}

size_t lz77_decompress(const uint8_t *in, size_t in_len, uint8_t mask, uint8_t *out, size_t out_size, size_t *error_at)
{
    struct stream s = { .in = in, .len = in_len, .mask = mask };
    size_t written = 0;
    uint32_t flags = 0;
    unsigned unused = 0; /* of the flags, from the highest bit down */
    *error_at = LZ77_WHOLE;
    for (;;) {
        if (written == out_size) {
            /* The end bit may need a word of flags of its own. */
            if (unused == 0 && s.len - s.pos == 4) {
                s.pos = s.len;
            }
            if (s.pos < s.len) {
                *error_at = s.pos;
            }
            return written;
        }
        size_t at = s.pos;
        if (unused == 0) {
            flags = take(&s, 4);
            unused = 32;
        }
        unused--;
        if (s.short_of) {
            *error_at = in_len;
            return written;
        }
        if (!(flags >> unused & 1)) {
            uint8_t literal = (uint8_t)take(&s, 1);
            if (s.short_of) {
                *error_at = in_len;
                return written;
            }
            out[written++] = literal;
            continue;
        }
        if (s.pos == s.len) {
            return written;
        }
        at = s.pos;
        uint32_t match = take(&s, 2);
        size_t distance = (match >> 3) + 1;
        uint64_t length = match_length(&s, match & 7);
        if (s.short_of) {
            *error_at = in_len;
            return written;
        }
        if (length == 0 || distance > written) {
            *error_at = at;
            return written;
        }
        if (length > out_size - written) {
            copy_match(out + written, distance, out_size - written);
            *error_at = at;
            return out_size;
        }
        copy_match(out + written, distance, (size_t)length);
        written += (size_t)length;
    }
}
