/* code_pages.h
 * 8-bit text by the code pages of Windows that have a byte for each character.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_CODE_PAGES_H
#define OUTLOOKHTTP_CODE_PAGES_H

#include "bytes.h"

/* The characters of bytes 0x80 to 0xFF, U+FFFD where the page has none; NULL for a page that is not known. */
const uint16_t *code_page_upper(uint32_t page);

/* Whether it is one of the pages whose characters are a byte or two: 932, 936, 949, 950. */
bool code_page_is_double(uint32_t page);

/* Pages that text of servers and messages is in. */
struct code_page_name {
    uint16_t page;
    const char *mime, *iconv; /* as IANA and as iconv() name it */
};
/* NULL for one that is not known. */
const struct code_page_name *code_page_name(uint32_t page);

#endif
