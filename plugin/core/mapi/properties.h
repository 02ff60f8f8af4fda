/* properties.h
 * Property values and rows (MS-OXCDATA 2.8 to 2.11), and the restrictions and rule actions
 * that are values too, as the address book requests of MAPI/HTTP and as ROPs write them.
 *
 * Everything is read through a struct reader: what is broken is an issue at its byte and
 * ends the reading (reader->failed). Nothing is allocated and nothing kept.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_PROPERTIES_H
#define OUTLOOKHTTP_PROPERTIES_H

#include "property_tags.h"
#include "value_text.h"

/* All that they can show, with tags, restrictions, rules and entry IDs, for registration. */
extern const struct field property_layouts[];

/* ---- values ---- */

/* PropertyType, 2 bytes (2.11.1): shows it with its name. */
uint16_t read_property_type(struct reader *reader);
/* PropertyValue (2.11.2) or AddressBookPropertyValue (MS-OXCMAPIHTTP 2.2.1.1) of a type;
 * tag, whose type is used, also says what a binary value is. */
void read_property_value(struct reader *reader, uint16_t type, enum prop_form form);
void read_property_value_of(struct reader *reader, uint32_t tag, enum prop_form form);
/* TypedPropertyValue: type, value (2.11.3; 2.2.1.4). */
void read_typed_value(struct reader *reader, enum prop_form form);
/* TaggedPropertyValue: tag, value (2.11.4; 2.2.1.2). */
void read_tagged_value(struct reader *reader, enum prop_form form);
/* FlaggedPropertyValue: flag, value (2.11.5; 2.2.1.5); of a column with this tag. */
void read_flagged_value(struct reader *reader, uint32_t tag, enum prop_form form);
/* FlaggedPropertyValueWithType: type, flag, value (2.11.6; 2.2.1.6). The id of tag is used. */
void read_flagged_value_with_type(struct reader *reader, uint32_t tag, enum prop_form form);
/* AddressBookPropertyValueList (MS-OXCMAPIHTTP 2.2.1.3): a 32-bit count and tagged values;
 * with PROP_ROP the count has 16 bits, as in RopSetProperties. */
void read_value_list(struct reader *reader, enum prop_form form);

/* ---- columns and rows ---- */

struct columns {
    struct span tags; /* count tags of 4 bytes, in the message; or the caller's own copy */
    uint32_t count;
};

/* LargePropertyTagArray (MS-OXCMAPIHTTP 2.2.1.8), and the same with a count of 16 bits as
 * ROPs have it. No columns when the message ends early. */
struct columns read_columns(struct reader *reader);
struct columns read_columns16(struct reader *reader);
/* count tags of a mailbox. */
struct columns read_tag_list(struct reader *reader, uint32_t count);
uint32_t column_tag(const struct columns *columns, uint32_t i);

/* AddressBookPropertyRow (MS-OXCMAPIHTTP 2.2.1.7) or PropertyRow (MS-OXCDATA 2.8): its
 * flag, then a value for each column. */
void read_property_row(struct reader *reader, const struct columns *columns, enum prop_form form);

/* ---- restrictions ---- */

/* One restriction with those inside it (MS-OXCDATA 2.12), all 12 types, nested as deep as
 * the reader allows. */
void read_restriction(struct reader *reader, enum prop_form form);

/* ---- rules ---- */

/* RuleAction (MS-OXORULE 2.2.5), without a length before it; in the address book with counts
 * of either width. */
void read_rule_action(struct reader *reader, enum prop_form form);

/* ---- FastTransfer streams (MS-OXCFXICS 2.2.4.1) ---- */

/* The count of several values, and the count of bytes of one, 32 bits each. */
uint32_t read_value_count(struct reader *reader);
uint32_t read_value_size(struct reader *reader);
/* One value of a tag whose type has a fixed size, in the encoding of ROPs; what is to be said of it. */
struct gist read_fixed_value(struct reader *reader, uint32_t tag);
/* A string, ServerId or binary value of size bytes, with its terminator where it has one; tag says
 * which, and what a binary value is. */
struct gist read_sized_value(struct reader *reader, uint32_t tag, uint32_t size);

#endif
