/* oxpart.h
 * A reader of a counted part: what is wrong inside stays inside, and the reading goes on
 * behind it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_OXPART_H
#define OUTLOOKHTTP_OXPART_H

#include "field.h"

/* The next size bytes of reader, fewer if the message ends before. */
static inline struct reader reader_part(const struct reader *reader, uint32_t size)
{
    struct reader part = *reader;
    uint64_t end = (uint64_t)reader->pos + size;
    if (end < part.len) {
        part.len = (uint32_t)end;
    }
    if (end < part.whole) {
        part.whole = (uint32_t)end;
    }
    return part;
}

/* True if the message, as it was sent, is shorter than the size that was announced. */
static inline bool reader_lacks(const struct reader *reader, uint32_t size)
{
    return !reader->failed && reader->whole != UINT32_MAX && size > reader->whole - reader->pos;
}

/* Goes on behind the part. What the capture lacks ends the reading without a word. */
static inline void reader_resume(struct reader *reader, const struct reader *part)
{
    reader->values = part->values;
    reader->pos = part->len;
    if (part->whole > part->len) {
        reader->failed = true;
    }
}

#endif
