/* work_libc.h
 * Stands before everything else in what is counted (work.h): the bytes that libc walks for core
 * cost, too. A copy or a comparison is counted by its length, which is what it costs at most.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_WORK_LIBC_H
#define OUTLOOKHTTP_WORK_LIBC_H

#include <stdint.h>
#include <string.h>

extern uint64_t work_done;

static inline const void *work_memchr(const void *p, int c, size_t len)
{
    const void *found = memchr(p, c, len);
    work_done += 1 + (found ? (size_t)((const char *)found - (const char *)p) : len) / 8;
    return found;
}

static inline size_t work_bytes(size_t len)
{
    work_done += len / 8;
    return len;
}

#define memchr(p, c, len) ((void *)(uintptr_t)work_memchr(p, c, len))
#define memcpy(to, from, len) memcpy(to, from, work_bytes(len))
#define memmove(to, from, len) memmove(to, from, work_bytes(len))
#define memcmp(a, b, len) memcmp(a, b, work_bytes(len))
#define memset(p, c, len) memset(p, c, work_bytes(len))

#endif
