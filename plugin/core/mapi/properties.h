/* properties.h
 * Property tags, values, rows, restrictions and entry IDs (MS-OXCDATA), as the address
 * book requests of MAPI/HTTP and as ROPs write them, and the names of their constants.
 *
 * Everything is read through a struct reader: what is broken is an issue at its byte and
 * ends the reading (reader->failed). Nothing is allocated and nothing kept.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_PROPERTIES_H
#define OUTLOOKHTTP_PROPERTIES_H

#include "field.h"

extern const struct field_table property_fields;

/* How a message writes values. */
enum prop_form {
    PROP_ADDRESS_BOOK,   /* MS-OXCMAPIHTTP 2.2.1: HasValue bytes, 32-bit counts */
    PROP_ROP,            /* MS-OXCDATA 2.11 in ROP buffers: 16-bit counts of bytes, 32-bit counts of values */
    PROP_EXTENDED        /* MS-OXCDATA 2.11 where COUNT has 32 bits: extended rules (MS-OXORULE 2.2.4) */
};

/* ---- names; NULL if unknown, all static ---- */

/* "PidTagDisplayName" (MS-OXPROPS 2). The type decides between tags of one id; PtypString8
 * for PtypString, one instance of several values, PtypUnspecified and PtypErrorCode do not
 * change the name. */
const char *property_tag_name(uint32_t tag);
/* "PtypString" (MS-OXCDATA 2.11.1); also of the types with MultivalueInstance (0x3000). The
 * same as rows of a table, for a field of a type elsewhere. */
extern const struct field_name property_type_names[];
const char *property_type_name(uint16_t type);
/* Some of the error codes and warnings of MS-OXCDATA 2.4 and MS-OXNSPI 2.2.1.2. */
enum ox_error {
    OX_UNBIND_SUCCESS = 1, OX_UNKNOWN_USER = 0x3EB, OX_LOGIN_PERMISSION = 0x3F2, OX_WRONG_SERVER = 0x478,
    OX_SERVER_BUSY = 0x480, OX_CLIENT_VERSION_BLOCKED = 0x4DF, OX_RPC_HTTP_DISALLOWED = 0x4E0,
    OX_PROTOCOL_DISABLED = 0x7D8, OX_NOT_ENCRYPTED = 0x970,
    OX_ERRORS_RETURNED = 0x40380 /* some values could not be given, the rest is there */
};
#define OX_VERSION_MISMATCH UINT32_C(0x80040110)
#define OX_ACCESS_DENIED UINT32_C(0x80070005)

/* "NotFound": error codes and warnings, MS-OXCDATA 2.4. */
const char *ox_error_name(uint32_t code);
/* Well-known GUIDs: providers of entry IDs and property sets. */
const char *ox_guid_name(const uint8_t guid[16]);

/* ---- tags and values ---- */

/* PropertyTag, 4 bytes (2.9): shows the tag with its name, and its type and id. Ids from
 * 0x8000 on have names in the address book (the first function); those of a mailbox are its
 * own and shown as a named property. */
uint32_t read_property_tag(struct reader *reader);
uint32_t read_property_tag_of(struct reader *reader, enum prop_form form);
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
    struct span tags;    /* count tags of 4 bytes, in the message; or the caller's own copy */
    uint32_t count;
};

/* LargePropertyTagArray (MS-OXCMAPIHTTP 2.2.1.8), and the same with a count of 16 bits as
 * ROPs have it. No columns when the message ends early. */
struct columns read_columns(struct reader *reader);
struct columns read_columns16(struct reader *reader);
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

/* ---- entry IDs ---- */

/* An EntryID of len bytes: Permanent and Ephemeral (MS-OXNSPI 2.2.9), one-off, message,
 * folder, store and personal contact (MS-OXCDATA 2.2); another one as bytes. Consumes len. */
void read_entry_id(struct reader *reader, uint32_t len);

#endif
