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

/* Its name as MIME has it; NULL for one that has none. room: for the name. */
const char *code_page_charset(uint32_t page, char room[32]);

#endif
