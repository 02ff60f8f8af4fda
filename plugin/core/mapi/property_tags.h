/* property_tags.h
 * Property tags (MS-OXCDATA 2.9), and how a message writes what has one.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_PROPERTY_TAGS_H
#define OUTLOOKHTTP_PROPERTY_TAGS_H

#include "field.h"

/* How a message writes values. */
enum prop_form {
    PROP_ADDRESS_BOOK, /* MS-OXCMAPIHTTP 2.2.1: HasValue bytes, 32-bit counts */
    PROP_ROP,          /* MS-OXCDATA 2.11 in ROP buffers: 16-bit counts of bytes, 32-bit counts of values */
    PROP_EXTENDED      /* MS-OXCDATA 2.11 where COUNT has 32 bits: extended rules (MS-OXORULE 2.2.4) */
};

/* All that they can show, for registration. */
extern const struct field property_tag_layouts[];

/* What is known of a property that a mailbox gave an id from 0x8000 on (MS-OXCDATA 2.6.1). */
struct named_property {
    const char *name; /* of its own, or of its LID */
    uint8_t guid[16];
};

/* Where such are known: reader->known points at it. Whoever gives it owns it. */
struct property_names {
    void *ctx;
    const struct named_property *(*find)(void *ctx, uint16_t id); /* NULL: not known */
};

/* PropertyTag, 4 bytes: shows the tag with its name, and its type and id. Ids from 0x8000 on
 * have names in the address book (the first function); those of a mailbox are its own and
 * shown as a named property. */
uint32_t read_property_tag(struct reader *reader);
uint32_t read_property_tag_of(struct reader *reader, enum prop_form form);
/* The same without a group of its own. */
uint32_t read_tag(struct reader *reader, enum prop_form form);

/* Shows the same of a value whose tag stands elsewhere: with the columns of its row. In a message of very many values this
 * makes room for the values themselves. */
void show_column_tag(struct reader *reader, uint32_t tag, enum prop_form form);

/* NULL if it is the mailbox's own or unknown. */
const char *name_of_tag(uint32_t tag, enum prop_form form);
/* A label for what has this tag: its name, or written to to. reader: whose names it is looked up in, or NULL. */
#define TAG_LABEL_MAX 32
const char *label_of_tag(const struct reader *reader, uint32_t tag, enum prop_form form, char *to);

#endif
