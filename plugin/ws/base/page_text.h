/* page_text.h
 * 8-bit text of a code page as UTF-8.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_PAGE_TEXT_H
#define OUTLOOKHTTP_PAGE_TEXT_H

#include "compat.h"

/* NULL where that cannot be done, or changes nothing. */
char *page_text(wmem_allocator_t *scope, const void *bytes, int len, unsigned code_page);

#endif
