/* names.c
 * Names of property tags, property types, error codes and GUIDs.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "names.h"

#include "error_names.h"
#include "tag_names.h"

#include <stdlib.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define TYPE_MULTIPLE 0x1000u
#define TYPE_INSTANCE 0x2000u            /* MultivalueInstance, MS-OXCDATA 2.11.1.3 */

/* MS-OXCDATA 2.11.1 */
const struct field_name property_type_names[] = {
    { 0x0000, "PtypUnspecified" },
    { 0x0001, "PtypNull" },
    { 0x0002, "PtypInteger16" },
    { 0x0003, "PtypInteger32" },
    { 0x0004, "PtypFloating32" },
    { 0x0005, "PtypFloating64" },
    { 0x0006, "PtypCurrency" },
    { 0x0007, "PtypFloatingTime" },
    { 0x000A, "PtypErrorCode" },
    { 0x000B, "PtypBoolean" },
    { 0x000D, "PtypObject or PtypEmbeddedTable" },
    { 0x0014, "PtypInteger64" },
    { 0x001E, "PtypString8" },
    { 0x001F, "PtypString" },
    { 0x0040, "PtypTime" },
    { 0x0048, "PtypGuid" },
    { 0x00FB, "PtypServerId" },
    { 0x00FD, "PtypRestriction" },
    { 0x00FE, "PtypRuleAction" },
    { 0x0102, "PtypBinary" },
    { 0x1002, "PtypMultipleInteger16" },
    { 0x1003, "PtypMultipleInteger32" },
    { 0x1004, "PtypMultipleFloating32" },
    { 0x1005, "PtypMultipleFloating64" },
    { 0x1006, "PtypMultipleCurrency" },
    { 0x1007, "PtypMultipleFloatingTime" },
    { 0x1014, "PtypMultipleInteger64" },
    { 0x101E, "PtypMultipleString8" },
    { 0x101F, "PtypMultipleString" },
    { 0x1040, "PtypMultipleTime" },
    { 0x1048, "PtypMultipleGuid" },
    { 0x1102, "PtypMultipleBinary" },
    { 0x3002, "PtypMultipleInteger16, one instance" },
    { 0x3003, "PtypMultipleInteger32, one instance" },
    { 0x3004, "PtypMultipleFloating32, one instance" },
    { 0x3005, "PtypMultipleFloating64, one instance" },
    { 0x3006, "PtypMultipleCurrency, one instance" },
    { 0x3007, "PtypMultipleFloatingTime, one instance" },
    { 0x3014, "PtypMultipleInteger64, one instance" },
    { 0x301E, "PtypMultipleString8, one instance" },
    { 0x301F, "PtypMultipleString, one instance" },
    { 0x3040, "PtypMultipleTime, one instance" },
    { 0x3048, "PtypMultipleGuid, one instance" },
    { 0x3102, "PtypMultipleBinary, one instance" },
    { 0, NULL }
};

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
        base[i] &= (uint16_t)~(TYPE_MULTIPLE | TYPE_INSTANCE);
        if (base[i] == 0x001E || base[i] == 0x000D) {
            base[i] = 0x001F;
        }
    }
    return base[0] == base[1];
}

const char *property_tag_name(uint32_t tag)
{
    const uint32_t first = tag & 0xFFFF0000;
    const uint16_t type = tag & 0xFFFF;
    size_t low = 0, high = COUNT(tag_names);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (tag_names[middle].tag < first) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    const char *name = NULL;
    for (size_t i = low; i < COUNT(tag_names) && tag_names[i].tag >> 16 == tag >> 16; i++) {
        if (tag_names[i].tag == tag) {
            return tag_names[i].name;
        }
        /* PtypUnspecified, PtypNull and PtypErrorCode come in the place of any type. */
        bool any = type <= 0x0001 || type == 0x000A;
        if (!name && (any || alike(type, tag_names[i].tag & 0xFFFF))) {
            name = tag_names[i].name;
        }
    }
    return name;
}

static int by_code(const void *key, const void *row)
{
    uint32_t code = *(const uint32_t *)key, other = ((const struct field_name *)row)->value;
    return code < other ? -1 : code > other;
}

const char *ox_error_name(uint32_t code)
{
    const struct field_name *row =
        bsearch(&code, error_names, COUNT(error_names), sizeof(error_names[0]), by_code);
    return row ? row->name : NULL;
}

/* As on the wire. Providers: MS-OXCDATA 2.2, MS-OXNSPI 2.2.1.7, MS-OXOCNTC 2.2.2.2.4;
 * property sets: MS-OXPROPS 1.3.2. */
static const struct {
    uint8_t guid[16];
    const char *name;
} guid_names[] = {
    { { 0xDC, 0xA7, 0x40, 0xC8, 0xC0, 0x42, 0x10, 0x1A, 0xB4, 0xB9, 0x08, 0x00, 0x2B, 0x2F, 0xE1, 0x82 },
      "NSPI" },
    { { 0x81, 0x2B, 0x1F, 0xA4, 0xBE, 0xA3, 0x10, 0x19, 0x9D, 0x6E, 0x00, 0xDD, 0x01, 0x0F, 0x54, 0x02 },
      "one-off" },
    { { 0xC0, 0x91, 0xAD, 0xD3, 0x51, 0x9D, 0xCF, 0x11, 0xA4, 0xA9, 0x00, 0xAA, 0x00, 0x47, 0xFA, 0xA4 },
      "personal distribution list" },
    { { 0xFE, 0x42, 0xAA, 0x0A, 0x18, 0xC7, 0x1A, 0x10, 0xE8, 0x85, 0x0B, 0x65, 0x1C, 0x24, 0x00, 0x00 },
      "contacts" },
    { { 0x38, 0xA1, 0xBB, 0x10, 0x05, 0xE5, 0x10, 0x1A, 0xA1, 0xBB, 0x08, 0x00, 0x2B, 0x2A, 0x56, 0xC2 },
      "wrapped store" },
    { { 0x1B, 0x55, 0xFA, 0x20, 0xAA, 0x66, 0x11, 0xCD, 0x9B, 0xC8, 0x00, 0xAA, 0x00, 0x2F, 0xC4, 0x5A },
      "mailbox store" },
    { { 0x1C, 0x83, 0x02, 0x10, 0xAA, 0x66, 0x11, 0xCD, 0x9B, 0xC8, 0x00, 0xAA, 0x00, 0x2F, 0xC4, 0x5A },
      "public folder store" },
    { { 0x1A, 0x44, 0x73, 0x90, 0xAA, 0x66, 0x11, 0xCD, 0x9B, 0xC8, 0x00, 0xAA, 0x00, 0x2F, 0xC4, 0x5A },
      "public folders" },
    { { 0x28, 0x03, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0xC0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x46 },
      "PS_MAPI" },
    { { 0x29, 0x03, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0xC0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x46 },
      "PS_PUBLIC_STRINGS" },
    { { 0x86, 0x03, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0xC0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x46 },
      "PS_INTERNET_HEADERS" },
    { { 0x02, 0x20, 0x06, 0x00, 0x00, 0x00, 0x00, 0x00, 0xC0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x46 },
      "PSETID_Appointment" },
    { { 0x03, 0x20, 0x06, 0x00, 0x00, 0x00, 0x00, 0x00, 0xC0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x46 },
      "PSETID_Task" },
    { { 0x04, 0x20, 0x06, 0x00, 0x00, 0x00, 0x00, 0x00, 0xC0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x46 },
      "PSETID_Address" },
    { { 0x08, 0x20, 0x06, 0x00, 0x00, 0x00, 0x00, 0x00, 0xC0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x46 },
      "PSETID_Common" },
    { { 0x0A, 0x20, 0x06, 0x00, 0x00, 0x00, 0x00, 0x00, 0xC0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x46 },
      "PSETID_Log" },
    { { 0x0E, 0x20, 0x06, 0x00, 0x00, 0x00, 0x00, 0x00, 0xC0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x46 },
      "PSETID_Note" },
    { { 0x40, 0x20, 0x06, 0x00, 0x00, 0x00, 0x00, 0x00, 0xC0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x46 },
      "PSETID_Sharing" },
    { { 0x41, 0x20, 0x06, 0x00, 0x00, 0x00, 0x00, 0x00, 0xC0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x46 },
      "PSETID_PostRss" },
    { { 0x90, 0xDA, 0xD8, 0x6E, 0x0B, 0x45, 0x1B, 0x10, 0x98, 0xDA, 0x00, 0xAA, 0x00, 0x3F, 0x13, 0x05 },
      "PSETID_Meeting" },
    { { 0x07, 0x0E, 0x00, 0x11, 0x1B, 0xB5, 0xD6, 0x40, 0xAF, 0x21, 0xCA, 0xA8, 0x5E, 0xDA, 0xB1, 0xD0 },
      "PSETID_CalendarAssistant" },
};

const char *ox_guid_name(const uint8_t guid[16])
{
    for (size_t i = 0; i < COUNT(guid_names); i++) {
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

const struct field_name display_type_names[] = {
    { 0x000, "DT_MAILUSER" },
    { 0x001, "DT_DISTLIST" },
    { 0x002, "DT_FORUM" },
    { 0x003, "DT_AGENT" },
    { 0x004, "DT_ORGANIZATION" },
    { 0x005, "DT_PRIVATE_DISTLIST" },
    { 0x006, "DT_REMOTE_MAILUSER" },
    { 0x100, "DT_CONTAINER" },
    { 0x101, "DT_TEMPLATE" },
    { 0x102, "DT_ADDRESS_TEMPLATE" },
    { 0x200, "DT_SEARCH" },
    { 0, NULL }
};

/* MS-OXNSPI 2.2.1.5 */
const struct field_name code_page_names[] = {
    { 0x000004B0, "CP_WINUNICODE" },
    { 0x00004F25, "CP_TELETEX" },
    { 0, NULL }
};
