/* properties.c
 * Property values, lists and rows.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "properties.h"

#include "entry_ids.h"
#include "idsets.h"
#include "names.h"
#include "property_scene.h"
#include "value_text.h"

/* ---- rows ---- */

#define FLAG_VALUE 0x00u
#define FLAG_NOT_PRESENT 0x01u
#define FLAG_ERROR 0x0Au

static FIELD_NAMES(flag_names, FLAG_VALUE, "value", FLAG_NOT_PRESENT, "not present", FLAG_ERROR, "error");
static FIELD_NAMES(row_flag_names, 0, "all values, no errors", 1, "values with flags");

static LAYOUT(type_row, X16("type", "PropertyType", .names = property_type_names));
static LAYOUT(has_value, X8("has_value", "HasValue", .names = has_value_names));
static LAYOUT(flag_row, X8("flag", "Flag", .names = flag_names));
static LAYOUT(row_flag, X8("row_flag", "Flags", .names = row_flag_names));
static LAYOUT(value_count, U32("value.count_of_values", "Count of values"));
static LAYOUT(column_count, U32("tag_count", "PropertyTagCount"));
static LAYOUT(column_count16, U16("tag_count", "PropertyTagCount"));
static LAYOUT(binary, COUNT_OF_FORM("value.size", "Count of bytes"), SIZED("value.binary", "Value"));
static LAYOUT(server_id, U16("value.size", "Count of bytes"), REST("value.server_id.data", "ClientData"));

static CHOICES(single_values, CHOICE(PTYP_INTEGER16, ROWS(I16("value.int16", "Value"))),
               CHOICE(PTYP_INTEGER32, ROWS(I32("value.int32", "Value"))),
               CHOICE(PTYP_FLOATING32, ROWS(FLOAT32("value.float", "Value"))),
               CHOICE(PTYP_FLOATING64, ROWS(FLOAT64("value.double", "Value"))),
               CHOICE(PTYP_CURRENCY, ROWS(I64("value.currency", "Value (1/10000)"))),
               CHOICE(PTYP_FLOATING_TIME, ROWS(FLOAT64("value.floating_time", "Value (days since 1899-12-30)"))),
               CHOICE(PTYP_ERROR_CODE, ROWS(X32("value.error_code", "Value", .text = ox_error_text))),
               CHOICE(PTYP_BOOLEAN, ROWS(BOOL("value.boolean", "Value"))),
               CHOICE(PTYP_INTEGER64, ROWS(I64("value.int64", "Value"))),
               CHOICE(PTYP_STRING8, ROWS(STRING8("value.string8", "Value"))),
               CHOICE(PTYP_STRING, ROWS(STRING16("value.string", "Value"))),
               CHOICE(PTYP_TIME, ROWS(TIME("value.time", "Value"))),
               CHOICE(PTYP_GUID, ROWS(UUID("value.guid", "Value", .text = ox_guid_text))));

static void read_tagged(struct reader *reader, enum prop_form tagged, enum prop_form form);

static struct property_scene scene_of(enum prop_form form)
{
    return (struct property_scene){ form, read_tagged };
}

void read_restriction(struct reader *reader, enum prop_form form)
{
    read_restriction_of(reader, scene_of(form));
}

void read_rule_action(struct reader *reader, enum prop_form form)
{
    read_rule_action_of(reader, scene_of(form));
}

uint16_t read_property_type(struct reader *reader)
{
    return (uint16_t)read_field(reader, type_row);
}

/* ---- values ---- */

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), tail = strlen(end);
    return len >= tail && memcmp(text + len - tail, end, tail) == 0;
}

/* Whether binary values of this property are entry IDs: their names tell. */
static bool is_entry_id(uint32_t tag, enum prop_form form)
{
    const char *name = tag >> 16 ? name_of_tag(tag, form) : NULL;
    return name && (ends_with(name, "EntryId") || ends_with(name, "EntryIds") || ends_with(name, "PidTagTemplateid"));
}

static LAYOUT(id_value, ID64("value.id", "Value", .text = ox_id_text));

/* Integers that are ids or change numbers (MS-OXCDATA 2.2.1): their digits stand as the bytes do. */
static bool is_id(uint32_t tag, enum prop_form form)
{
    static const uint16_t ids[] = { 0x6748, 0x6749, 0x674A, 0x674D,
                                    0x67A4 }; /* FolderId, ParentFolderId, Mid, InstID, ChangeNumber */
    for (size_t i = 0; i < COUNT_OF(ids) && form != PROP_ADDRESS_BOOK; i++) {
        if (ids[i] == tag >> 16) {
            return true;
        }
    }
    return false;
}

/* Keys of objects and lists of them, by their properties (MS-OXCFXICS 2.2.1.2), and the ids of what is deleted
 * (2.2.3.2.4.5.1). Who made them otherwise made no mistake: they are bytes. */
#define DELETED_IDS 0x00001102u

static void open_key(struct reader *reader, uint32_t tag, struct span bytes)
{
    const enum ics_value what = tag == DELETED_IDS       ? ICS_XID :
                                tag >> 18 == 0x65E0 >> 2 ? ics_value_of_tag(tag) :
                                                           ICS_BYTES;
    if (what == ICS_BYTES || !ics_value_fits(what, bytes)) {
        return;
    }
    struct reader again = *reader;
    again.pos = (uint32_t)(bytes.ptr - reader->p);
    read_ics_value(&again, what, (uint32_t)bytes.len);
    reader->spent = again.spent;
}

/* COUNT bytes (MS-OXCDATA 2.11.1.1). */
static void read_binary(struct reader *reader, uint32_t tag, enum prop_form form, struct gist *gist)
{
    struct property_scene scene = scene_of(form);
    struct layout_run run = { .reader = reader, .scene = &scene };
    uint32_t len = (uint32_t)read_row(&run, &binary[0]);
    if (reader->failed) {
        return;
    }
    if (len > 0 && is_entry_id(tag, form) && !reader_lacks(reader, len)) {
        read_entry_id(reader, len);
        return;
    }
    gist->bytes = (struct span){ reader->p + reader->pos, len }; /* of none, the size says all */
    read_row(&run, &binary[1]);
    if (!reader->failed) {
        gist->type = PTYP_BINARY;
        if (form != PROP_ADDRESS_BOOK) {
            open_key(reader, tag, gist->bytes);
        }
    }
}

static void read_server_id_of(struct reader *reader, uint32_t len)
{
    if (reader->failed || reader_lacks(reader, len)) {
        reader_fail(reader, "A ServerId longer than the message");
        return;
    }
    if (len == 0) {
        return;
    }
    struct reader part = reader_part(reader, len);
    if (read_field(&part, server_id_ours) == 1) {
        read_rows(&part, server_id_object);
    }
    read_rows(&part, &server_id[1]);
    reader_resume(reader, &part);
}

/* MS-OXCDATA 2.11.1.4: the count has 16 bits everywhere but in FastTransfer streams. */
static void read_server_id(struct reader *reader)
{
    read_server_id_of(reader, (uint32_t)read_field(reader, &server_id[0]));
}

/* One value of a type that is not a multiple. */
static void read_single(struct reader *reader, uint16_t type, uint32_t tag, enum prop_form form, struct gist *gist)
{
    uint32_t start = reader->pos;
    const struct field_choice *rows = layout_choice(single_values, type);
    *gist = (struct gist){ .type = PTYP_UNSPECIFIED };
    switch (type) {
    case PTYP_NULL:
        return;
    case PTYP_OBJECT: /* opened by requests of their own, 2.11.1.5: where one has a value all the same, it is binary */
        if (form == PROP_ADDRESS_BOOK) {
            return;
        }
        read_binary(reader, tag, form, gist);
        return;
    case PTYP_BINARY:
        read_binary(reader, tag, form, gist);
        return;
    case PTYP_SERVER_ID:
        read_server_id(reader);
        return;
    case PTYP_RESTRICTION:
        read_restriction(reader, form);
        return;
    case PTYP_RULE_ACTION:
        read_rule_action(reader, form);
        return;
    default:
        break;
    }
    if (!rows) {
        reader_fail(reader, "A property type that the specification does not have");
        return;
    }
    if (type == PTYP_INTEGER64 && is_id(tag, form)) {
        read_rows(reader, id_value);
        *gist = (struct gist){ .type = GIST_ID, .bytes = { reader->p + start, reader->pos - start } };
        return;
    }
    read_rows(reader, rows->rows);
    if (!reader->failed) {
        uint32_t end = type == PTYP_STRING ? 2 : type == PTYP_STRING8 ? 1 : 0; /* the terminator */
        gist->type = type;
        gist->bytes = (struct span){ reader->p + start, reader->pos - start - end };
        gist->code_page = reader->code_page;
    }
}

/* The fewest bytes that one of several values takes; 0: the type has no multiple. */
static uint32_t least_size(uint16_t type, enum prop_form form, bool marked)
{
    if (!property_type_name(type | TYPE_MULTIPLE)) {
        return 0;
    }
    if (marked) {
        return 1;
    }
    return type == PTYP_BINARY ? form == PROP_ROP ? 2 : 4 : layout_least(layout_choice(single_values, type)->rows);
}

/* Several values (MS-OXCDATA 2.11.1: the count of values has 32 bits). MS-OXCMAPIHTTP
 * 2.2.1.1 has no HasValue byte inside; what Outlook sends to an address book does, before
 * each string and each binary value: accepted if the first value starts with it. */
static void read_multiple(struct reader *reader, uint16_t type, uint32_t tag, enum prop_form form, struct gist *gist)
{
    uint32_t count = (uint32_t)read_field(reader, value_count);
    if (reader->failed) {
        return;
    }
    bool may = type == PTYP_STRING || type == PTYP_STRING8 || type == PTYP_BINARY;
    bool marked = form == PROP_ADDRESS_BOOK && may && count > 0 && value_marked_ahead(reader, 0, type);
    uint32_t least = least_size(type, form, marked);
    if (least == 0) {
        reader_fail(reader, "A property type that the specification does not have");
    }
    if (!reader_expect(reader, count, least)) {
        return;
    }
    for (uint32_t i = 0; i < count && !reader->failed; i++) {
        struct gist one;
        if (marked) {
            uint8_t has = (uint8_t)read_field(reader, has_value);
            if (has != VALUE_PRESENT) {
                if (has != VALUE_ABSENT) {
                    reader_fail(reader, "A HasValue byte that is neither 0x00 nor 0xFF");
                }
                continue;
            }
        }
        read_single(reader, type, tag, form, &one);
    }
    gist->type = type | TYPE_MULTIPLE;
    gist->count = count;
}

/* Types with a HasValue byte before the value (MS-OXCMAPIHTTP 2.2.1.1). */
static bool has_mark(uint16_t type)
{
    return type == PTYP_STRING || type == PTYP_STRING8 || type == PTYP_BINARY || type & TYPE_MULTIPLE;
}

/* A column of MultivalueInstance shows one of the values in each row: a single one
 * (MS-OXCTABL 2.2.2.2.1, MS-OXCDATA 2.11.1.3). */
static uint16_t stored_type(uint16_t type)
{
    return type & TYPE_INSTANCE ? (uint16_t)(type & ~(TYPE_INSTANCE | TYPE_MULTIPLE)) : type;
}

static void read_value(struct reader *reader, uint16_t type, uint32_t tag, enum prop_form form, struct gist *gist)
{
    *gist = (struct gist){ .type = PTYP_UNSPECIFIED };
    type = stored_type(type);
    if (type == PTYP_UNSPECIFIED) {
        /* The value brings its own type. */
        type = stored_type((uint16_t)read_field(reader, type_row));
        if (type == PTYP_UNSPECIFIED) {
            reader_fail(reader, "A value without a type");
        }
    }
    if (form == PROP_ADDRESS_BOOK && has_mark(type)) {
        uint8_t has = (uint8_t)read_field(reader, has_value);
        if (reader->failed || has == VALUE_ABSENT) {
            return;
        }
        if (has != VALUE_PRESENT) {
            reader_warn(reader, reader->pos - 1, "A HasValue byte that is neither 0x00 nor 0xFF");
        }
    }
    if (reader->failed) {
        return;
    }
    if (type & TYPE_MULTIPLE) {
        read_multiple(reader, type & ~TYPE_MULTIPLE, tag, form, gist);
    } else {
        read_single(reader, type, tag, form, gist);
    }
}

void read_property_value_of(struct reader *reader, uint32_t tag, enum prop_form form)
{
    struct gist gist;
    read_value(reader, tag & 0xFFFF, tag, form, &gist);
}

void read_property_value(struct reader *reader, uint16_t type, enum prop_form form)
{
    read_property_value_of(reader, type, form);
}

void read_typed_value(struct reader *reader, enum prop_form form)
{
    read_property_value_of(reader, PTYP_UNSPECIFIED, form);
}

/* tagged is the form of the tag and its place in the mailbox or the address book, form that
 * of the value. */
static void read_tagged(struct reader *reader, enum prop_form tagged, enum prop_form form)
{
    char label[TAG_LABEL_MAX];
    struct gist gist = { .type = PTYP_UNSPECIFIED };
    uint32_t ahead = peek_u32(reader);
    if (!reader_open(reader, reader_left(reader) < 4 ? "Property" : label_of_tag(reader, ahead, tagged, label))) {
        return;
    }
    uint32_t tag = read_tag(reader, tagged);
    if (!reader->failed) {
        read_value(reader, tag & 0xFFFF, tag, form, &gist);
    }
    gist_close(reader, &gist);
}

void read_tagged_value(struct reader *reader, enum prop_form form)
{
    read_tagged(reader, form, form);
}

static void read_flagged(struct reader *reader, uint32_t tag, enum prop_form form, struct gist *gist)
{
    uint8_t flag = (uint8_t)read_field(reader, flag_row);
    if (reader->failed || flag == FLAG_NOT_PRESENT) {
        return;
    }
    if (flag == FLAG_VALUE) {
        read_value(reader, tag & 0xFFFF, tag, form, gist);
    } else if (flag == FLAG_ERROR) {
        read_value(reader, PTYP_ERROR_CODE, tag, form, gist);
    } else {
        reader->pos--;
        reader_fail(reader, "A flag of a value that is none of 0x00, 0x01 and 0x0A");
    }
}

void read_flagged_value(struct reader *reader, uint32_t tag, enum prop_form form)
{
    struct gist gist;
    read_flagged(reader, tag, form, &gist);
}

static void read_flagged_with_type(struct reader *reader, uint32_t tag, enum prop_form form, struct gist *gist)
{
    uint16_t type = (uint16_t)read_field(reader, type_row);
    if (!reader->failed && type == PTYP_UNSPECIFIED && peek_u8(reader) == FLAG_VALUE) {
        reader_fail(reader, "A value without a type");
    }
    if (!reader->failed) {
        read_flagged(reader, (tag & 0xFFFF0000) | type, form, gist);
    }
}

void read_flagged_value_with_type(struct reader *reader, uint32_t tag, enum prop_form form)
{
    struct gist gist;
    read_flagged_with_type(reader, tag, form, &gist);
}

static void read_listed(struct layout_run *run, const struct field *at)
{
    (void)at;
    read_tagged_value(run->reader, form_of(run));
}

static LAYOUT(value_list, COUNT_OF_FORM("value_count", "PropertyValueCount"), TIMES(READ(read_listed, 4)));

void read_value_list(struct reader *reader, enum prop_form form)
{
    struct property_scene scene = scene_of(form);
    struct layout_run run = { .reader = reader, .scene = &scene };
    read_layout(&run, value_list);
}

/* ---- columns and rows ---- */

static struct columns read_tags(struct reader *reader, uint32_t count, enum prop_form form)
{
    struct columns columns = { { NULL, 0 }, 0 };
    if (reader->failed || !reader_expect(reader, count, 4)) {
        return columns;
    }
    const uint8_t *start = reader->p + reader->pos;
    for (uint32_t i = 0; i < count && !reader->failed; i++) {
        read_property_tag_of(reader, form);
    }
    if (!reader->failed) {
        columns.tags.ptr = start;
        columns.tags.len = (size_t)count * 4;
        columns.count = count;
    }
    return columns;
}

struct columns read_tag_list(struct reader *reader, uint32_t count)
{
    return read_tags(reader, count, PROP_ROP);
}

struct columns read_columns(struct reader *reader)
{
    return read_tags(reader, (uint32_t)read_field(reader, column_count), PROP_ADDRESS_BOOK);
}

struct columns read_columns16(struct reader *reader)
{
    return read_tags(reader, (uint32_t)read_field(reader, column_count16), PROP_ROP);
}

uint32_t column_tag(const struct columns *columns, uint32_t i)
{
    return i < columns->count ? get_le32(columns->tags.ptr + (size_t)i * 4) : 0;
}

void read_property_row(struct reader *reader, const struct columns *columns, enum prop_form form)
{
    uint8_t flag = (uint8_t)read_field(reader, row_flag);
    if (!reader->failed && flag > 1) {
        reader->pos--;
        reader_fail(reader, "A flag of a row that is neither 0x00 nor 0x01");
    }
    for (uint32_t i = 0; i < columns->count && !reader->failed; i++) {
        char label[TAG_LABEL_MAX];
        struct gist gist = { .type = PTYP_UNSPECIFIED };
        uint32_t tag = column_tag(columns, i), start = reader->pos;
        if (!reader_open(reader, label_of_tag(reader, tag, form, label))) {
            return;
        }
        show_column_tag(reader, tag, form);
        if (flag == 0) {
            read_value(reader, tag & 0xFFFF, tag, form, &gist);
        } else if ((tag & 0xFFFF) == PTYP_UNSPECIFIED) {
            read_flagged_with_type(reader, tag, form, &gist);
        } else {
            read_flagged(reader, tag, form, &gist);
        }
        gist_close(reader, &gist);
        reader_charge(reader, start);
    }
}

LAYOUT(property_layouts, INCLUDE(property_tag_layouts), INCLUDE(type_row), INCLUDE(has_value), INCLUDE(flag_row),
       INCLUDE(row_flag), INCLUDE(column_count), INCLUDE(column_count16), INCLUDE(value_list), INCLUDE(value_count),
       INCLUDE(binary), INCLUDE(id_value), CHOOSE(single_values), INCLUDE(server_id), INCLUDE(restriction_layouts),
       INCLUDE(rule_layouts), INCLUDE(entry_id_layouts));

/* ---- FastTransfer streams ---- */

uint32_t read_value_count(struct reader *reader)
{
    return (uint32_t)read_field(reader, value_count);
}

uint32_t read_value_size(struct reader *reader)
{
    return (uint32_t)read_field(reader, &binary[0].inside[0]); /* the count of 32 bits */
}

struct gist read_fixed_value(struct reader *reader, uint32_t tag)
{
    struct gist gist;
    read_single(reader, tag & 0xFFFF & ~TYPE_MULTIPLE, tag, PROP_ROP, &gist);
    return gist;
}

struct gist read_sized_value(struct reader *reader, uint32_t tag, uint32_t size)
{
    struct gist gist = { .type = PTYP_UNSPECIFIED };
    const uint16_t type = tag & 0xFFFF;
    if (type == PTYP_SERVER_ID) {
        read_server_id_of(reader, size);
        return gist;
    }
    if (type != PTYP_STRING8 && type != PTYP_STRING && size > 0 && is_entry_id(tag, PROP_ROP)) {
        read_entry_id(reader, size);
        return gist;
    }
    const struct field_choice *string = layout_choice(single_values, type);
    const uint8_t *p = reader->p + reader->pos;
    if (size > 0) {
        read_run(reader, string ? string->rows : &binary[1], size);
    }
    if (!reader->failed) {
        const uint32_t unit = type == PTYP_STRING ? 2 : type == PTYP_STRING8 ? 1 : 0;
        const bool ended = unit && size >= unit && p[size - 1] == 0 && p[size - unit] == 0;
        gist.type = string ? type : PTYP_BINARY;
        gist.bytes = (struct span){ p, ended ? size - unit : size };
        gist.code_page = reader->code_page;
    }
    return gist;
}
