/* names.h
 * Names of property tags, property types, error codes and GUIDs. All static.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_NAMES_H
#define OUTLOOKHTTP_NAMES_H

#include "field.h"

/* NULL where there is no name. */

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
    OX_UNBIND_SUCCESS = 1,
    OX_UNKNOWN_USER = 0x3EB,
    OX_LOGIN_PERMISSION = 0x3F2,
    OX_WRONG_SERVER = 0x478,
    OX_SERVER_BUSY = 0x480,
    OX_CLIENT_VERSION_BLOCKED = 0x4DF,
    OX_RPC_HTTP_DISALLOWED = 0x4E0,
    OX_PROTOCOL_DISABLED = 0x7D8,
    OX_NOT_ENCRYPTED = 0x970,
    OX_ERRORS_RETURNED = 0x40380 /* some values could not be given, the rest is there */
};
#define OX_VERSION_MISMATCH UINT32_C(0x80040110)
#define OX_ACCESS_DENIED UINT32_C(0x80070005)

/* "NotFound": error codes and warnings, MS-OXCDATA 2.4. */
const char *ox_error_name(uint32_t code);
/* Well-known GUIDs: providers of entry IDs and property sets. */
const char *ox_guid_name(const uint8_t guid[16]);

/* The same as what is said of a row: of an error code, of a GUID. */
const char *ox_error_text(const struct field_value *value, char room[FIELD_TEXT_MAX]);
const char *ox_guid_text(const struct field_value *value, char room[FIELD_TEXT_MAX]);
/* Of a folder or message id: "0001-00000000010a", replica and counter. */
const char *ox_id_text(const struct field_value *value, char room[FIELD_TEXT_MAX]);
void ox_id_write(const uint8_t id[8], char to[FIELD_TEXT_MAX]);

/* Rows of tables, for .names: MS-OXNSPI 2.2.1.3 and MS-OXCDATA 2.2.5.2; MS-OXNSPI 2.2.1.5. */
extern const struct field_name display_type_names[], code_page_names[];

#endif
