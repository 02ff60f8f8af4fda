/* field.c
 * The reader of field.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "field.h"

void reader_init(struct reader *reader, const uint8_t *p, uint32_t len, uint32_t whole, const struct field_sink *sink)
{
    memset(reader, 0, sizeof(*reader));
    reader->p = p;
    reader->len = len;
    reader->whole = whole < len ? len : whole;
    reader->sink = sink;
}

void reader_tell(struct reader *reader, const struct issue_kind *kind, uint32_t offset, const char *what)
{
    if (!reader->failed && reader->sink->issue) {
        reader->sink->issue(reader->sink->ctx, kind, offset, what);
    }
}

void reader_warn(struct reader *reader, uint32_t offset, const char *what)
{
    reader_tell(reader, reader->broken, offset, what);
}

void reader_fail(struct reader *reader, const char *what)
{
    reader_warn(reader, reader->pos, what);
    reader->failed = true;
}

/* Whether need bytes are there; what was sent but not captured ends the reading without
 * a word. */
static bool available(struct reader *reader, uint64_t need, const char *what)
{
    if (reader->failed) {
        return false;
    }
    if (need <= reader->len - reader->pos) {
        return true;
    }
    reader->need = need;
    if (reader->whole > reader->len && (reader->whole == UINT32_MAX || need <= reader->whole - reader->pos)) {
        reader->failed = true;
    } else {
        reader_fail(reader, what);
    }
    return false;
}

bool reader_expect(struct reader *reader, uint32_t count, uint32_t item)
{
    if (reader->failed) {
        return false;
    }
    if (reader->whole > reader->len) {
        return true; /* reads stop where the capture does */
    }
    if ((uint64_t)count * item <= reader->len - reader->pos) {
        return true;
    }
    reader_fail(reader, "A count of more items than there is room for");
    return false;
}

static bool spend(struct reader *reader, uint32_t *on)
{
    if (reader->spent.values + reader->spent.turns >= READER_VALUES_MAX) {
        reader_fail(reader, "More values than are shown of one message");
        return false;
    }
    ++*on;
    return true;
}

void reader_charge(struct reader *reader, uint32_t before)
{
    if (reader->pos == before && !reader->failed) {
        spend(reader, &reader->spent.turns);
    }
}

static void show(struct reader *reader, const struct field *field, uint32_t len, uint64_t number)
{
    if (!spend(reader, &reader->spent.values)) {
        return;
    }
    if (reader->sink->value) {
        char room[FIELD_TEXT_MAX];
        struct field_value value = { field, reader->p + reader->pos, reader->pos, len, number, reader->big_endian,
                                     NULL,  reader->code_page,       false };
        if (field->text) {
            value.text = field->text(&value, room);
        }
        reader->sink->value(reader->sink->ctx, &value);
    }
    reader->pos += len;
}

static void make(struct reader *reader, struct field_value value)
{
    char room[FIELD_TEXT_MAX];
    if (reader->failed || !reader->sink->value || !spend(reader, &reader->spent.values)) {
        return;
    }
    value.offset = reader->pos;
    value.made = true;
    if (value.field->text) {
        value.text = value.field->text(&value, room);
    }
    reader->sink->value(reader->sink->ctx, &value);
}

void reader_made(struct reader *reader, const struct field *field, uint64_t number, const char *text)
{
    make(reader, (struct field_value){ .field = field, .bytes = reader->p, .number = number, .text = text });
}

void reader_made_bytes(struct reader *reader, const struct field *field, const uint8_t *bytes, uint32_t len)
{
    make(reader, (struct field_value){ .field = field, .bytes = bytes, .len = len });
}

static const uint8_t sizes[] = {
    [FIELD_U8] = 1,    [FIELD_U16] = 2,      [FIELD_U32] = 4,  [FIELD_U64] = 8,   [FIELD_I16] = 2,
    [FIELD_I32] = 4,   [FIELD_I64] = 8,      [FIELD_BOOL] = 1, [FIELD_FLOAT] = 4, [FIELD_DOUBLE] = 8,
    [FIELD_GUID] = 16, [FIELD_FILETIME] = 8, [FIELD_IPV4] = 4, [FIELD_IPV6] = 16, [FIELD_ID] = 8
};

uint32_t field_size(uint8_t kind)
{
    return kind < sizeof(sizes) ? sizes[kind] : 0;
}

static uint64_t number_of(uint8_t kind, const uint8_t *p, bool big_endian)
{
    switch (kind) {
    case FIELD_U8:
    case FIELD_BOOL:
        return p[0];
    case FIELD_U16:
        return big_endian ? get_be16(p) : get_le16(p);
    case FIELD_I16:
        return (uint64_t)(int16_t)(big_endian ? get_be16(p) : get_le16(p));
    case FIELD_U32:
        return big_endian ? get_be32(p) : get_le32(p);
    case FIELD_I32:
        return (uint64_t)(int32_t)(big_endian ? get_be32(p) : get_le32(p));
    case FIELD_U64:
    case FIELD_I64:
    case FIELD_FILETIME:
        return big_endian ? (uint64_t)get_be32(p) << 32 | get_be32(p + 4) : get_le64(p);
    case FIELD_ID:
        return (uint64_t)get_be32(p) << 32 | get_be32(p + 4);
    default:
        return 0;
    }
}

uint64_t read_field(struct reader *reader, const struct field *field)
{
    uint32_t len = field_size(field->kind);
    if (!available(reader, len, "The message ends inside a value")) {
        return 0;
    }
    uint64_t number = number_of(field->kind, reader->p + reader->pos, reader->big_endian);
    show(reader, field, len, number);
    return reader->failed ? 0 : number;
}

static uint64_t peek(const struct reader *reader, uint8_t kind)
{
    return reader_left(reader) >= field_size(kind) ? number_of(kind, reader->p + reader->pos, reader->big_endian) : 0;
}

uint8_t peek_u8(const struct reader *reader)
{
    return (uint8_t)peek(reader, FIELD_U8);
}

uint16_t peek_u16(const struct reader *reader)
{
    return (uint16_t)peek(reader, FIELD_U16);
}

uint32_t peek_u32(const struct reader *reader)
{
    return (uint32_t)peek(reader, FIELD_U32);
}

static struct span terminated(struct reader *reader, const struct field *field, uint32_t unit)
{
    struct span text = { NULL, 0 };
    if (reader->failed) {
        return text;
    }
    const uint8_t *p = reader->p + reader->pos;
    uint32_t left = reader->len - reader->pos, len = 0;
    while (left - len >= unit && !(p[len] == 0 && (unit == 1 || p[len + 1] == 0))) {
        len += unit;
    }
    if (left - len < unit) {
        available(reader, (uint64_t)left + 1, "A string without its terminator");
        return text;
    }
    show(reader, field, len + unit, 0);
    if (!reader->failed) {
        text.ptr = p;
        text.len = len;
    }
    return text;
}

struct span read_string8(struct reader *reader, const struct field *field)
{
    return terminated(reader, field, 1);
}

struct span read_string16(struct reader *reader, const struct field *field)
{
    return terminated(reader, field, 2);
}

struct span read_run(struct reader *reader, const struct field *field, uint32_t len)
{
    struct span run = { NULL, 0 };
    if (!available(reader, len, "The message ends inside a value")) {
        return run;
    }
    const uint8_t *p = reader->p + reader->pos;
    show(reader, field, len, 0);
    if (!reader->failed) {
        run.ptr = p;
        run.len = len;
    }
    return run;
}

bool reader_open(struct reader *reader, const char *label)
{
    if (reader->failed) {
        return false;
    }
    if (reader->depth >= READER_DEPTH_MAX) {
        reader_fail(reader, "Nested too deeply");
        return false;
    }
    reader->depth++;
    if (reader->sink->open) {
        reader->sink->open(reader->sink->ctx, label, reader->pos);
    }
    return true;
}

void reader_close(struct reader *reader, const char *summary)
{
    reader->depth--;
    if (reader->sink->close) {
        reader->sink->close(reader->sink->ctx, reader->pos, summary);
    }
}

struct reader reader_part(const struct reader *reader, uint32_t size)
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

bool reader_lacks(const struct reader *reader, uint32_t size)
{
    return !reader->failed && reader->whole != UINT32_MAX && size > reader->whole - reader->pos;
}

void reader_resume(struct reader *reader, const struct reader *part)
{
    reader->spent = part->spent;
    reader->pos = part->len;
    if (part->whole > part->len) {
        reader->failed = true;
    }
}

const char *field_name(const struct field_name *names, uint32_t value)
{
    for (; names && names->name; names++) {
        if (names->value == value) {
            return names->name;
        }
    }
    return NULL;
}
