/* pack.h
 * Numbers in as few bytes as they need, for records that are kept by the thousand. What is
 * unpacked was packed here: nothing is checked.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_PACK_H
#define OUTLOOKHTTP_PACK_H

#include "bytes.h"

#define PACK_MAX 10              /* bytes that one number or pointer takes at most */

/* Seven bits a byte, the lowest first. Returns where the next one goes. */
static inline uint8_t *pack(uint8_t *p, uint64_t value)
{
    for (; value > 0x7F; value >>= 7) {
        *p++ = (uint8_t)(value | 0x80);
    }
    *p++ = (uint8_t)value;
    return p;
}

static inline uint64_t unpack(const uint8_t **p)
{
    uint64_t value = 0;
    unsigned shift = 0;
    for (; **p & 0x80; shift += 7) {
        value |= (uint64_t)(*(*p)++ & 0x7F) << shift;
    }
    return value | (uint64_t)*(*p)++ << shift;
}

static inline uint32_t unpack32(const uint8_t **p)
{
    return (uint32_t)unpack(p);
}

/* A pointer as its distance from another one, which is the same when it is unpacked: the
 * nearer, the fewer bytes. */
static inline uint8_t *pack_pointer(uint8_t *p, const void *from, const void *pointer)
{
    uint64_t apart = (uint64_t)(uintptr_t)pointer - (uint64_t)(uintptr_t)from;
    return pack(p, apart >> 63 ? ~(apart << 1) : apart << 1);
}

static inline void *unpack_pointer(const uint8_t **p, const void *from)
{
    uint64_t apart = unpack(p);
    return (void *)(uintptr_t)((uint64_t)(uintptr_t)from + (apart >> 1 ^ (0 - (apart & 1))));
}

#endif
