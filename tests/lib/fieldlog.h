/* fieldlog.h
 * A sink whose every event goes into the transcript, and inputs damaged at each place.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_FIELDLOG_H
#define OUTLOOKHTTP_FIELDLOG_H

#include "field.h"
#include "transcript.h"

static uint8_t fieldlog_pool[1 << 20];
static size_t fieldlog_used;

static inline void fieldlog_value(void *ctx, const struct field_value *value)
{
    uint32_t sum = 0;
    (void)ctx;
    for (uint32_t i = 0; i < value->len; i++) {
        sum = sum * 31 + value->bytes[i];
    }
    transcript("%s@%u+%u=%llu %x %s", value->field->filter, value->offset, value->len,
               (unsigned long long)value->number, sum, value->text ? value->text : "-");
}

static inline void fieldlog_open(void *ctx, const char *label, uint32_t offset)
{
    (void)ctx;
    transcript("{ %s@%u", label, offset);
}

static inline void fieldlog_close(void *ctx, uint32_t end, const char *summary)
{
    (void)ctx;
    transcript("} %u %s", end, summary ? summary : "-");
}

static inline void fieldlog_issue(void *ctx, const struct issue_kind *kind, uint32_t offset, const char *what)
{
    (void)kind;
    (void)ctx;
    transcript("! %u %s", offset, what);
}

static inline uint8_t *fieldlog_room(void *ctx, size_t size)
{
    (void)ctx;
    if (size > sizeof(fieldlog_pool) - fieldlog_used) {
        return NULL;
    }
    fieldlog_used += size;
    return fieldlog_pool + fieldlog_used - size;
}

static inline void fieldlog_enter(void *ctx, const uint8_t *bytes, uint32_t len, const char *name)
{
    (void)ctx;
    (void)bytes;
    transcript("> %s %u", name, len);
}

static inline void fieldlog_leave(void *ctx)
{
    (void)ctx;
    transcript("<");
}

static const struct field_sink fieldlog_sink = { NULL,           fieldlog_value, fieldlog_open,
                                                 fieldlog_close, fieldlog_issue, fieldlog_room,
                                                 fieldlog_enter, fieldlog_leave, NULL };

typedef void (*fieldlog_reader)(struct reader *reader);

/* What one reader says of these bytes, of which whole were sent. */
static inline void fieldlog_once(const uint8_t *bytes, uint32_t len, uint32_t whole, fieldlog_reader read)
{
    struct reader reader;
    uint8_t *copy = malloc(len ? len : 1); /* a sanitizer sees a read past the end */
    if (!copy) {
        abort();
    }
    memcpy(copy, bytes, len);
    fieldlog_used = 0;
    reader_init(&reader, copy, len, whole, &fieldlog_sink);
    read(&reader);
    transcript("at %u%s depth %u values %u", reader.pos, reader.failed ? " failed" : "", reader.depth,
               reader.spent.values);
    free(copy);
}

/* What it says of the bytes whole, cut by their sender and by the capture, and damaged. */
static inline void fieldlog_all(const char *name, const uint8_t *bytes, uint32_t len, fieldlog_reader read)
{
    static const uint8_t flip[] = { 0x01, 0x02, 0x40, 0x80, 0xFF };
    static uint8_t copy[600];
    transcript_fold();
    fieldlog_once(bytes, len, len, read);
    transcript_unfold(name);
    if (len == 0 || len > sizeof(copy)) {
        return;
    }
    transcript_fold();
    for (uint32_t i = 0; i < len; i += 1 + len / 60) {
        for (size_t k = 0; k < sizeof(flip); k++) {
            memcpy(copy, bytes, len);
            copy[i] ^= flip[k];
            fieldlog_once(copy, len, len, read);
        }
        fieldlog_once(bytes, i, i, read);
        fieldlog_once(bytes, i, len, read);
    }
    transcript_unfold("    damaged");
}

#endif
