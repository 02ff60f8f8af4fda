/* code_pages.h
 * Code pages of Windows by number.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_CODE_PAGES_H
#define OUTLOOKHTTP_CODE_PAGES_H

#include "bytes.h"

/* Writes 8-bit text of a code page as UTF-8, with U+FFFD for what is no character there, as far as there is room. How many
 * bytes that are; 0: such text cannot be read. */
typedef size_t (*page_to_utf8)(void *ctx, struct span text, uint16_t code_page, uint8_t *to, size_t room);

/* Pages that text of servers and messages is in. */
struct code_page_name {
    uint16_t page;
    const char *mime, *iconv; /* as IANA and as iconv() name it */
};
/* NULL for one that is not known. */
const struct code_page_name *code_page_name(uint32_t page);

#endif
