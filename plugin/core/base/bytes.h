/* bytes.h
 * Bounded reads from a buffer, for the pure decoders.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_BYTES_H
#define OUTLOOKHTTP_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A run of bytes owned by somebody else; not NUL-terminated. */
struct span {
    const uint8_t *ptr;
    size_t len;
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* A secret: who writes a capture cannot choose values that meet in a table. */
struct hash_key {
    uint64_t half[2];
};

/* Memory that lives as long as the capture, and its secret. alloc() returns zeroed bytes, never
 * NULL; nothing needs to be freed singly. The plugin hands out wmem file scope, the unit
 * tests a list they free at the end. give_back(), if there is one, takes what a table has
 * outgrown. */
struct arena {
    void *(*alloc)(void *ctx, size_t size);
    void *ctx;
    void (*give_back)(void *ctx, void *bytes, size_t size);
    struct hash_key key;
};

static inline void *arena_new(const struct arena *arena, size_t size)
{
    return arena->alloc(arena->ctx, size);
}

static inline void arena_give_back(const struct arena *arena, void *bytes, size_t size)
{
    if (bytes && arena->give_back) {
        arena->give_back(arena->ctx, bytes, size);
    }
}

/* Little-endian reads; the caller has checked the bounds. */
static inline uint16_t get_le16(const uint8_t *p)
{
    return (uint16_t)(p[0] | (unsigned)p[1] << 8);
}

static inline uint32_t get_le32(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t get_le64(const uint8_t *p)
{
    return get_le32(p) | (uint64_t)get_le32(p + 4) << 32;
}

static inline uint16_t get_be16(const uint8_t *p)
{
    return (uint16_t)((unsigned)p[0] << 8 | p[1]);
}

static inline uint32_t get_be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

#endif
