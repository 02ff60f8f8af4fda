/* page_text.c
 * 8-bit text of a code page as UTF-8.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "page_text.h"

#include "code_pages.h"

#define ESCAPE 0x1B

/* Letters of ASCII alone, which mean the same in all of them. */
static bool is_plain(const uint8_t *bytes, int len)
{
    for (int i = 0; i < len; i++) {
        if (bytes[i] >= 0x80 || bytes[i] == ESCAPE)
            return false;
    }
    return true;
}

char *page_text(wmem_allocator_t *scope, const void *bytes, int len, unsigned code_page)
{
    gsize written = 0;
    const struct code_page_name *name = code_page_name(code_page);
    if (!name || is_plain(bytes, len))
        return NULL;
    char *text = g_convert(bytes, len, "UTF-8", name->iconv, NULL, &written, NULL);
    char *kept = text && strlen(text) == written ? wmem_strdup(scope, text) : NULL;
    g_free(text);
    return kept;
}
