/* page_text.h
 * 8-bit text of a code page as UTF-8.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_PAGE_TEXT_H
#define OUTLOOKHTTP_PAGE_TEXT_H

#include "code_pages.h"
#include "compat.h"

/* NULL where that cannot be done, or changes nothing. */
char *page_text(wmem_allocator_t *scope, const void *bytes, int len, unsigned code_page);
/* A page_to_utf8. */
size_t page_to_text(void *ctx, struct span text, uint16_t code_page, uint8_t *to, size_t room);

#endif
