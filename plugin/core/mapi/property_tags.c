/* property_tags.c
 * Property tags.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "property_tags.h"

#include "layout.h"
#include "names.h"

#include <stdio.h>

#define NAMED_PROPERTIES 0x8000u /* ids from here on are the mailbox's own, MS-OXCPRPT 3.2.5.9 */

/* The ids of a mailbox from 0x8000 on are mapped to names by the mailbox itself; those of
 * the address book are fixed. */
static bool is_named(uint32_t tag, enum prop_form form)
{
    return form != PROP_ADDRESS_BOOK && tag >> 16 >= NAMED_PROPERTIES;
}

const char *name_of_tag(uint32_t tag, enum prop_form form)
{
    return is_named(tag, form) ? NULL : property_tag_name(tag);
}

static const char *address_book_text(const struct field_value *value, char room[FIELD_TEXT_MAX])
{
    (void)room;
    return property_tag_name((uint32_t)value->number);
}

static const char *mailbox_text(const struct field_value *value, char room[FIELD_TEXT_MAX])
{
    (void)room;
    return is_named((uint32_t)value->number, PROP_ROP) ? "named property" : property_tag_name((uint32_t)value->number);
}

/* The same bytes again, by their parts: the type comes first. */
#define TAG(says)                                                                                              \
    AGAIN(X32("tag", "PropertyTag", .text = says)), X16("type", "PropertyType", .names = property_type_names), \
        X16("id", "PropertyId")

static LAYOUT(address_book_tag, TAG(address_book_text));
static LAYOUT(mailbox_tag, TAG(mailbox_text));

static LAYOUT(made_name, STRING8("name", "Name"));
static LAYOUT(made_guid, UUID("guid", "Property set", .text = ox_guid_text));

LAYOUT(property_tag_layouts, INCLUDE(address_book_tag), INCLUDE(mailbox_tag), INCLUDE(made_name), INCLUDE(made_guid));

static const struct named_property *named(const struct reader *reader, uint32_t tag, enum prop_form form)
{
    const struct property_names *names = reader ? reader->known : NULL;
    return names && is_named(tag, form) ? names->find(names->ctx, (uint16_t)(tag >> 16)) : NULL;
}

static void show_property_name(struct reader *reader, uint32_t tag, enum prop_form form)
{
    const struct named_property *property = named(reader, tag, form);
    if (property) {
        reader_made(reader, made_name, 0, property->name);
        reader_made_bytes(reader, made_guid, property->guid, sizeof(property->guid));
    }
}

uint32_t read_tag(struct reader *reader, enum prop_form form)
{
    uint32_t tag = peek_u32(reader);
    read_rows(reader, form == PROP_ADDRESS_BOOK ? address_book_tag : mailbox_tag);
    if (!reader->failed) {
        show_property_name(reader, tag, form);
    }
    return reader->failed ? 0 : tag;
}

void show_column_tag(struct reader *reader, uint32_t tag, enum prop_form form)
{
    const struct field *rows = form == PROP_ADDRESS_BOOK ? address_book_tag : mailbox_tag;
    if (reader->spent.values > READER_VALUES_MAX / 2) {
        return;
    }
    reader_made(reader, &rows[0].inside[0], tag, NULL);
    reader_made(reader, &rows[1], tag & 0xFFFF, NULL);
    reader_made(reader, &rows[2], tag >> 16, NULL);
    show_property_name(reader, tag, form);
}

const char *label_of_tag(const struct reader *reader, uint32_t tag, enum prop_form form, char *to)
{
    const char *name = name_of_tag(tag, form);
    const struct named_property *property = named(reader, tag, form);
    if (name || property) {
        return name ? name : property->name;
    }
    snprintf(to, TAG_LABEL_MAX, "Property 0x%08lX", (unsigned long)tag);
    return to;
}

uint32_t read_property_tag_of(struct reader *reader, enum prop_form form)
{
    char label[TAG_LABEL_MAX];
    uint32_t tag = 0;
    if (reader_open(reader,
                    reader_left(reader) < 4 ? "PropertyTag" : label_of_tag(reader, peek_u32(reader), form, label))) {
        tag = read_tag(reader, form);
        reader_close(reader, NULL);
    }
    return tag;
}

uint32_t read_property_tag(struct reader *reader)
{
    return read_property_tag_of(reader, PROP_ADDRESS_BOOK);
}
