/* names.c
 * Names of property tags, property types, error codes and GUIDs.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "names.h"

#include "error_names.h"
#include "tag_names.h"

#include <stdio.h>

#define TYPE_MULTIPLE 0x1000u
#define TYPE_INSTANCE 0x2000u /* MultivalueInstance, MS-OXCDATA 2.11.1.3 */

/* MS-OXCDATA 2.11.1 */
FIELD_NAMES(property_type_names, 0x0000, "PtypUnspecified", 0x0001, "PtypNull", 0x0002, "PtypInteger16", 0x0003,
            "PtypInteger32", 0x0004, "PtypFloating32", 0x0005, "PtypFloating64", 0x0006, "PtypCurrency", 0x0007,
            "PtypFloatingTime", 0x000A, "PtypErrorCode", 0x000B, "PtypBoolean", 0x000D,
            "PtypObject or PtypEmbeddedTable", 0x0014, "PtypInteger64", 0x001E, "PtypString8", 0x001F, "PtypString",
            0x0040, "PtypTime", 0x0048, "PtypGuid", 0x00FB, "PtypServerId", 0x00FD, "PtypRestriction", 0x00FE,
            "PtypRuleAction", 0x0102, "PtypBinary", 0x1002, "PtypMultipleInteger16", 0x1003, "PtypMultipleInteger32",
            0x1004, "PtypMultipleFloating32", 0x1005, "PtypMultipleFloating64", 0x1006, "PtypMultipleCurrency", 0x1007,
            "PtypMultipleFloatingTime", 0x1014, "PtypMultipleInteger64", 0x101E, "PtypMultipleString8", 0x101F,
            "PtypMultipleString", 0x1040, "PtypMultipleTime", 0x1048, "PtypMultipleGuid", 0x1102, "PtypMultipleBinary",
            0x3002, "PtypMultipleInteger16, one instance", 0x3003, "PtypMultipleInteger32, one instance", 0x3004,
            "PtypMultipleFloating32, one instance", 0x3005, "PtypMultipleFloating64, one instance", 0x3006,
            "PtypMultipleCurrency, one instance", 0x3007, "PtypMultipleFloatingTime, one instance", 0x3014,
            "PtypMultipleInteger64, one instance", 0x301E, "PtypMultipleString8, one instance", 0x301F,
            "PtypMultipleString, one instance", 0x3040, "PtypMultipleTime, one instance", 0x3048,
            "PtypMultipleGuid, one instance", 0x3102, "PtypMultipleBinary, one instance");

const char *property_type_name(uint16_t type)
{
    return field_name(property_type_names, type);
}

/* Types that stand for one another in requests: a code page or none, the table or the names
 * of its objects (MS-OXOABK 2.2), one instance of several values. */
static bool alike(uint16_t one, uint16_t other)
{
    uint16_t base[2] = { one, other };
    for (unsigned i = 0; i < 2; i++) {
        base[i] &= (uint16_t) ~(TYPE_MULTIPLE | TYPE_INSTANCE);
        if (base[i] == 0x001E || base[i] == 0x000D) {
            base[i] = 0x001F;
        }
    }
    return base[0] == base[1];
}

/* The first row from that value on, of rows in ascending order; count if there is none. */
static size_t first_row(const struct field_name *rows, size_t count, uint32_t value)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (rows[middle].value < value) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

const char *property_tag_name(uint32_t tag)
{
    const uint16_t type = tag & 0xFFFF;
    const char *name = NULL;
    for (size_t i = first_row(tag_names, COUNT_OF(tag_names), tag & 0xFFFF0000);
         i < COUNT_OF(tag_names) && tag_names[i].value >> 16 == tag >> 16; i++) {
        if (tag_names[i].value == tag) {
            return tag_names[i].name;
        }
        /* PtypUnspecified, PtypNull and PtypErrorCode come in the place of any type. */
        bool any = type <= 0x0001 || type == 0x000A;
        if (!name && (any || alike(type, tag_names[i].value & 0xFFFF))) {
            name = tag_names[i].name;
        }
    }
    return name;
}

const char *ox_error_name(uint32_t code)
{
    size_t i = first_row(error_names, COUNT_OF(error_names), code);
    return i < COUNT_OF(error_names) && error_names[i].value == code ? error_names[i].name : NULL;
}

/* As on the wire. Providers: MS-OXCDATA 2.2, MS-OXNSPI 2.2.1.7, MS-OXOCNTC 2.2.2.2.4;
 * property sets: MS-OXPROPS 1.3.2. */
static const struct {
    const char *guid, *name;
} guid_names[] = {
    { "\xDC\xA7\x40\xC8\xC0\x42\x10\x1A\xB4\xB9\x08\x00\x2B\x2F\xE1\x82", "NSPI" },
    { "\x81\x2B\x1F\xA4\xBE\xA3\x10\x19\x9D\x6E\x00\xDD\x01\x0F\x54\x02", "one-off" },
    { "\xC0\x91\xAD\xD3\x51\x9D\xCF\x11\xA4\xA9\x00\xAA\x00\x47\xFA\xA4", "personal distribution list" },
    { "\xFE\x42\xAA\x0A\x18\xC7\x1A\x10\xE8\x85\x0B\x65\x1C\x24\x00\x00", "contacts" },
    { "\x38\xA1\xBB\x10\x05\xE5\x10\x1A\xA1\xBB\x08\x00\x2B\x2A\x56\xC2", "wrapped store" },
    { "\x1B\x55\xFA\x20\xAA\x66\x11\xCD\x9B\xC8\x00\xAA\x00\x2F\xC4\x5A", "mailbox store" },
    { "\x1C\x83\x02\x10\xAA\x66\x11\xCD\x9B\xC8\x00\xAA\x00\x2F\xC4\x5A", "public folder store" },
    { "\x1A\x44\x73\x90\xAA\x66\x11\xCD\x9B\xC8\x00\xAA\x00\x2F\xC4\x5A", "public folders" },
    { "\x28\x03\x02\x00\x00\x00\x00\x00\xC0\x00\x00\x00\x00\x00\x00\x46", "PS_MAPI" },
    { "\x29\x03\x02\x00\x00\x00\x00\x00\xC0\x00\x00\x00\x00\x00\x00\x46", "PS_PUBLIC_STRINGS" },
    { "\x86\x03\x02\x00\x00\x00\x00\x00\xC0\x00\x00\x00\x00\x00\x00\x46", "PS_INTERNET_HEADERS" },
    { "\x02\x20\x06\x00\x00\x00\x00\x00\xC0\x00\x00\x00\x00\x00\x00\x46", "PSETID_Appointment" },
    { "\x03\x20\x06\x00\x00\x00\x00\x00\xC0\x00\x00\x00\x00\x00\x00\x46", "PSETID_Task" },
    { "\x04\x20\x06\x00\x00\x00\x00\x00\xC0\x00\x00\x00\x00\x00\x00\x46", "PSETID_Address" },
    { "\x08\x20\x06\x00\x00\x00\x00\x00\xC0\x00\x00\x00\x00\x00\x00\x46", "PSETID_Common" },
    { "\x0A\x20\x06\x00\x00\x00\x00\x00\xC0\x00\x00\x00\x00\x00\x00\x46", "PSETID_Log" },
    { "\x0E\x20\x06\x00\x00\x00\x00\x00\xC0\x00\x00\x00\x00\x00\x00\x46", "PSETID_Note" },
    { "\x40\x20\x06\x00\x00\x00\x00\x00\xC0\x00\x00\x00\x00\x00\x00\x46", "PSETID_Sharing" },
    { "\x41\x20\x06\x00\x00\x00\x00\x00\xC0\x00\x00\x00\x00\x00\x00\x46", "PSETID_PostRss" },
    { "\x90\xDA\xD8\x6E\x0B\x45\x1B\x10\x98\xDA\x00\xAA\x00\x3F\x13\x05", "PSETID_Meeting" },
    { "\x07\x0E\x00\x11\x1B\xB5\xD6\x40\xAF\x21\xCA\xA8\x5E\xDA\xB1\xD0", "PSETID_CalendarAssistant" },
};

const char *ox_guid_name(const uint8_t guid[16])
{
    for (size_t i = 0; i < COUNT_OF(guid_names); i++) {
        if (memcmp(guid, guid_names[i].guid, 16) == 0) {
            return guid_names[i].name;
        }
    }
    return NULL;
}

const char *ox_error_text(const struct field_value *value, char room[FIELD_TEXT_MAX])
{
    (void)room;
    return ox_error_name((uint32_t)value->number);
}

const char *ox_guid_text(const struct field_value *value, char room[FIELD_TEXT_MAX])
{
    (void)room;
    return ox_guid_name(value->bytes);
}

FIELD_NAMES(display_type_names, 0x000, "DT_MAILUSER", 0x001, "DT_DISTLIST", 0x002, "DT_FORUM", 0x003, "DT_AGENT", 0x004,
            "DT_ORGANIZATION", 0x005, "DT_PRIVATE_DISTLIST", 0x006, "DT_REMOTE_MAILUSER", 0x100, "DT_CONTAINER", 0x101,
            "DT_TEMPLATE", 0x102, "DT_ADDRESS_TEMPLATE", 0x200, "DT_SEARCH");

/* MS-OXNSPI 2.2.1.5 */
FIELD_NAMES(code_page_names, 0x000004B0, "CP_WINUNICODE", 0x00004F25, "CP_TELETEX");

/* MS-OXCDATA 2.2.1.1: REPLID, and GlobalCounter with its most significant byte first. */
void ox_id_write(const uint8_t id[8], char to[FIELD_TEXT_MAX])
{
    snprintf(to, FIELD_TEXT_MAX, "%04x-%02x%02x%02x%02x%02x%02x", (unsigned)get_le16(id), id[2], id[3], id[4], id[5],
             id[6], id[7]);
}

const char *ox_id_text(const struct field_value *value, char room[FIELD_TEXT_MAX])
{
    ox_id_write(value->bytes, room);
    return room;
}
