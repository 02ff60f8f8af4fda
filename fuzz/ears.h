/* ears.h
 * A sink that holds a decoder to its promises: values lie in the buffer that is read, rows are
 * registered, groups are closed, derived buffers stay within their limits. Define
 * EARS_LAYOUTS, what the decoder can show, before including it; EARS_ROOM_MAX and EARS_ASKED_MAX
 * where one derived buffer, or all of a message, may have more than those of extended buffers;
 * EARS_SUMMARY_MAX where no summary is as long as that of an IDSET.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_EARS_H
#define OUTLOOKHTTP_EARS_H

#include "extended_buffer.h"
#include "idsets.h"
#include "registered.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define DERIVED_MAX 600
#ifndef EARS_ROOM_MAX
#define EARS_ROOM_MAX 0xFFFFu
#define EARS_ASKED_MAX EXT_DERIVED_MAX
#endif
#ifndef EARS_SUMMARY_MAX
#define EARS_SUMMARY_MAX IDSET_TEXT_MAX
#endif

struct buffer {
    const uint8_t *p;
    uint32_t len;
};

struct ears {
    struct buffer stack[8];
    unsigned depth, open;
    uint32_t values, issues;
    size_t asked;
    uint8_t *derived[DERIVED_MAX];
    unsigned derived_count;
    bool refuse;
};

static const struct field *const layouts[] = { EARS_LAYOUTS };

static void on_value(void *ctx, const struct field_value *value)
{
    struct ears *ears = ctx;
    const struct buffer *in = &ears->stack[ears->depth];
    assert(value->field->mask == 0);
    assert(registered(layouts, COUNT_OF(layouts), value->field));
    ears->values++;
    assert(ears->values <= READER_VALUES_MAX);
    if (value->made) {
        return;
    }
    assert(value->bytes == in->p + value->offset);
    assert(value->offset <= in->len && value->len <= in->len - value->offset);
    assert(!value->text || value->text[0]);
    /* Each byte is read, so that a sanitizer sees one that is not there. */
    volatile uint8_t seen = 0;
    for (uint32_t i = 0; i < value->len; i++) {
        seen ^= value->bytes[i];
    }
    (void)seen;
}

static void on_open(void *ctx, const char *label, uint32_t offset)
{
    struct ears *ears = ctx;
    assert(label && label[0] && strlen(label) < 128 && offset <= ears->stack[ears->depth].len);
    ears->open++;
    assert(ears->open <= READER_DEPTH_MAX);
}

static void on_close(void *ctx, uint32_t end, const char *summary)
{
    struct ears *ears = ctx;
    assert(!summary || strlen(summary) < EARS_SUMMARY_MAX);
    assert(ears->open > 0 && end <= ears->stack[ears->depth].len);
    ears->open--;
}

static void on_issue(void *ctx, const struct issue_kind *kind, uint32_t offset, const char *what)
{
    (void)kind;
    struct ears *ears = ctx;
    assert(what && what[0] && offset <= ears->stack[ears->depth].len);
    ears->issues++;
}

static uint8_t *on_room(void *ctx, size_t size)
{
    struct ears *ears = ctx;
    assert(size > 0 && size <= EARS_ROOM_MAX);
    ears->asked += size;
    assert(ears->asked <= EARS_ASKED_MAX);
    if (ears->refuse || ears->derived_count == DERIVED_MAX) {
        return NULL;
    }
    uint8_t *room = malloc(size);
    assert(room);
    ears->derived[ears->derived_count++] = room;
    return room;
}

static void on_enter(void *ctx, const uint8_t *bytes, uint32_t len, const char *name)
{
    struct ears *ears = ctx;
    assert(name && len > 0 && len <= EARS_ROOM_MAX);
    ears->depth++;
    assert(ears->depth < 8);
    ears->stack[ears->depth] = (struct buffer){ bytes, len };
}

static void on_leave(void *ctx)
{
    struct ears *ears = ctx;
    assert(ears->depth > 0);
    ears->depth--;
}

/* Letters of one to four bytes, more of them than a summary has. */
static const char *on_utf8(void *ctx, struct span text, uint16_t code_page)
{
    static char words[220];
    const unsigned unit = code_page % 4;
    static const char *const letters[] = { "a", "\xD0\xBF", "\xE4\xBC\x9A", "\xF0\x9F\x98\x80" };
    (void)ctx;
    words[0] = '\0';
    for (size_t i = 0; i < text.len && i < 50; i++) {
        strcat(words, letters[unit]);
    }
    return unit == 0 && text.len == 0 ? NULL : words;
}

/* A copy of exactly these bytes, so that a sanitizer sees a read behind them. */
static struct ears *ears_new(const uint8_t *data, size_t len, bool refuse)
{
    uint8_t *p = malloc(len ? len : 1);
    struct ears *ears = calloc(1, sizeof(*ears));
    assert(p && ears);
    memcpy(p, data, len);
    ears->stack[0] = (struct buffer){ p, (uint32_t)len };
    ears->refuse = refuse;
    return ears;
}

static inline struct field_sink ears_sink(struct ears *ears)
{
    return (struct field_sink){ ears, on_value, on_open, on_close, on_issue, on_room, on_enter, on_leave, on_utf8 };
}

static inline void ears_end(struct ears *ears, const struct reader *reader)
{
    assert(reader->spent.values == ears->values);
    assert(ears->open == 0 && ears->depth == 0 && reader->depth == 0);
    assert(reader->pos <= reader->len);
    for (unsigned i = 0; i < ears->derived_count; i++) {
        free(ears->derived[i]);
    }
    free((void *)ears->stack[0].p);
    free(ears);
}

#endif
