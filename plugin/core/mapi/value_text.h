/* value_text.h
 * What a property value says, in a few words.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_VALUE_TEXT_H
#define OUTLOOKHTTP_VALUE_TEXT_H

#include "field.h"

/* MS-OXCDATA 2.11.1 */
enum {
    PTYP_UNSPECIFIED = 0x0000,
    PTYP_NULL = 0x0001,
    PTYP_INTEGER16 = 0x0002,
    PTYP_INTEGER32 = 0x0003,
    PTYP_FLOATING32 = 0x0004,
    PTYP_FLOATING64 = 0x0005,
    PTYP_CURRENCY = 0x0006,
    PTYP_FLOATING_TIME = 0x0007,
    PTYP_ERROR_CODE = 0x000A,
    PTYP_BOOLEAN = 0x000B,
    PTYP_OBJECT = 0x000D,
    PTYP_INTEGER64 = 0x0014,
    PTYP_STRING8 = 0x001E,
    PTYP_STRING = 0x001F,
    PTYP_TIME = 0x0040,
    PTYP_GUID = 0x0048,
    PTYP_SERVER_ID = 0x00FB,
    PTYP_RESTRICTION = 0x00FD,
    PTYP_RULE_ACTION = 0x00FE,
    PTYP_BINARY = 0x0102,
    TYPE_MULTIPLE = 0x1000,
    TYPE_INSTANCE = 0x2000,
    TYPE_CODE_PAGE = 0x8000 /* of FastTransfer: a string of the page in the other bits (MS-OXCFXICS 2.2.4.1.1.1) */
};

#define GIST_MAX 96

#define GIST_ID (TYPE_INSTANCE | PTYP_INTEGER64) /* an integer that is the id of a folder or message */

/* The bytes of a value without what comes before it, or a count. */
struct gist {
    uint16_t type; /* PTYP_UNSPECIFIED: nothing to say */
    struct span bytes;
    uint32_t count;
    uint16_t code_page; /* of an 8-bit string, 0: not known */
};

/* Closes what reader_open() opened, with the words, if there is anything to add to what the
 * value's own item says. */
void gist_close(struct reader *reader, const struct gist *gist);

#endif
