/* rop_common.c
 * What layouts of ROPs have in common.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "rop_private.h"

#include <stdio.h>

FIELD_NAMES(rop_yes_names, 0, "no", 1, "yes");
/* MS-OXCTABL 2.2.2.1.3 */
FIELD_NAMES(rop_table_status_names, 0x00, "TBLSTAT_COMPLETE", 0x09, "TBLSTAT_SORTING", 0x0A, "TBLSTAT_SORT_ERROR", 0x0B,
            "TBLSTAT_SETTING_COLS", 0x0D, "TBLSTAT_SETCOL_ERROR", 0x0E, "TBLSTAT_RESTRICTING", 0x0F,
            "TBLSTAT_RESTRICT_ERROR");
FIELD_NAMES(rop_origin_names, 0, "BOOKMARK_BEGINNING", 1, "BOOKMARK_CURRENT", 2, "BOOKMARK_END", 3, "BOOKMARK_CUSTOM");
/* MS-OXCMSG 2.2.3.1.2: the low four bits */
FIELD_NAMES(rop_recipient_names, 0, "originator", 1, "To", 2, "Cc", 3, "Bcc");

/* MS-OXCDATA 2.2.1.1: REPLID, and GlobalCounter with its most significant byte first. */
const char *rop_id_text(const struct field_value *value, char room[FIELD_TEXT_MAX])
{
    const uint8_t *p = value->bytes;
    snprintf(room, FIELD_TEXT_MAX, "%04x-%02x%02x%02x%02x%02x%02x", (unsigned)get_le16(p), p[2], p[3], p[4], p[5], p[6],
             p[7]);
    return room;
}

/* ---- keepers ---- */

void keep_input(struct layout_run *run, const struct field_value *value)
{
    rop_scene(run)->took.input = (uint16_t)value->number;
}

void keep_output(struct layout_run *run, const struct field_value *value)
{
    rop_scene(run)->took.output = (uint16_t)value->number;
}

void keep_logon(struct layout_run *run, const struct field_value *value)
{
    rop_scene(run)->took.logon = (uint8_t)value->number;
}

void keep_return(struct layout_run *run, const struct field_value *value)
{
    rop_scene(run)->took.return_value = (uint32_t)value->number;
}

void keep_folder(struct layout_run *run, const struct field_value *value)
{
    rop_scene(run)->took.folder = value->number;
}

void keep_message(struct layout_run *run, const struct field_value *value)
{
    rop_scene(run)->took.message = value->number;
}

void keep_mode(struct layout_run *run, const struct field_value *value)
{
    rop_scene(run)->took.mode = (uint8_t)value->number;
}

void keep_rows(struct layout_run *run, const struct field_value *value)
{
    rop_scene(run)->took.rows = (uint32_t)value->number;
}

void keep_code_page(struct layout_run *run, const struct field_value *value)
{
    rop_scene(run)->took.code_page = (uint16_t)value->number;
}

void keep_data(struct layout_run *run, const struct field_value *value)
{
    rop_scene(run)->took.data = (struct span){ value->bytes, value->len };
}

/* ---- steps ---- */

unsigned rop_is_wide(const struct layout_run *run)
{
    return run->last != 0;
}

bool rop_goes_on(const struct layout_run *run, uint64_t ahead)
{
    const struct reader *reader = run->reader;
    const uint8_t next = rop_scene(run)->next;
    if (ahead >= reader_sent(reader)) {
        return ahead == reader_sent(reader);
    }
    if (ahead >= reader_left(reader)) {
        return false;
    }
    const uint8_t id = reader->p[reader->pos + ahead];
    return (next && id == next) || id == ROP_NOTIFY || id == ROP_PENDING || id == ROP_BUFFER_TOO_SMALL;
}

/* What a failing answer has behind its ReturnValue by the specification, some servers leave out: then the next answer
 * begins there, or nothing does. */
void rop_read_always(struct layout_run *run, const struct field *at)
{
    if (rop_scene(run)->took.return_value != 0 && rop_goes_on(run, 0) &&
        (reader_left(run->reader) == 0 || run->reader->p[run->reader->pos] == rop_scene(run)->next)) {
        return;
    }
    read_layout(run, at->inside);
}

void rop_read_tags(struct layout_run *run, const struct field *at)
{
    (void)at;
    struct columns tags = read_tag_list(run->reader, (uint32_t)run->last);
    rop_scene(run)->took.tags = tags;
}

void rop_read_tag(struct layout_run *run, const struct field *at)
{
    (void)at;
    rop_scene(run)->took.property = read_property_tag_of(run->reader, PROP_ROP);
}

void rop_read_tagged(struct layout_run *run, const struct field *at)
{
    (void)at;
    read_tagged_value(run->reader, PROP_ROP);
}

void rop_read_restriction(struct layout_run *run, const struct field *at)
{
    (void)at;
    read_restriction(run->reader, PROP_ROP);
}

void rop_lose(struct layout_run *run, const char *what)
{
    reader_tell(run->reader, &rop_context_unknown, run->reader->pos, what);
    rop_scene(run)->lost = true;
}

bool rop_read_row(struct layout_run *run, const char *label)
{
    const struct rop_columns *columns = rop_scene(run)->known.columns;
    if (!columns) {
        rop_lose(run, rop_scene(run)->known.flags & ROP_KNOWN_EARLIER ?
                          "The columns of this row were set before the capture began" :
                          "The columns of this row are not known");
        return false;
    }
    const struct columns of_row = { { columns->tags, (size_t)columns->count * 4 }, columns->count };
    if (reader_open(run->reader, label)) {
        read_property_row(run->reader, &of_row, PROP_ROP);
        reader_close(run->reader, NULL);
    }
    return true;
}

void rop_read_rows(struct layout_run *run, const struct field *at)
{
    struct reader *reader = run->reader;
    const uint32_t count = (uint32_t)run->last;
    (void)at;
    if (!reader_expect(reader, count, 1)) {
        return;
    }
    for (uint32_t i = 0; i < count && !reader->failed; i++) {
        char label[24];
        snprintf(label, sizeof(label), "Row %lu", (unsigned long)i + 1);
        if (!rop_read_row(run, label)) {
            return;
        }
    }
}

/* ---- structures ---- */

/* MS-OXCDATA 2.11.7 */
static FIELD_NAMES(string_type_names, 0, "no string", 1, "empty", 2, "8-bit", 3, "reduced Unicode", 4, "Unicode");

const struct field rop_typed_string[] = { X8("string_type", "StringType", .names = string_type_names),
                                          KEEP(3),
                                          IF_EQUAL(2, STRING8("string", "String")),
                                          RECALL(3),
                                          IF_EQUAL(3, STRING8("string", "String")),
                                          RECALL(3),
                                          IF_EQUAL(4, STRING16("string", "String")),
                                          END };

/* MS-OXCDATA 2.6.1 */
static FIELD_NAMES(name_kind_names, 0x00, "by LID", 0x01, "by name", 0xFF, "no name");

LAYOUT(rop_property_names,
       LIST("PropertyNames", NULL,
            GROUP("PropertyName", NULL, X8("kind", "Kind", .names = name_kind_names), KEEP(3),
                  UUID("guid", "GUID", .text = ox_guid_text), RECALL(3), IF_EQUAL(0x00, X32("lid", "LID")), RECALL(3),
                  IF_EQUAL(0x01, U8("name_size", "NameSize"), SIZED_STRING16("name", "Name")))));

const struct field rop_input_answer[] = { INPUT, RETURN_VALUE, END };
const struct field rop_output_answer[] = { OUTPUT, RETURN_VALUE, END };
