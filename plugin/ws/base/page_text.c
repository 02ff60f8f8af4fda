/* page_text.c
 * 8-bit text of a code page as UTF-8.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "page_text.h"

#include <errno.h>

#define ESCAPE 0x1B

static const char replacement[] = "\xEF\xBF\xBD"; /* U+FFFD */

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

size_t page_to_text(void *ctx _U_, struct span text, uint16_t code_page, uint8_t *to, size_t room)
{
    const struct code_page_name *name = code_page_name(code_page);
    GIConv converter = name ? g_iconv_open("UTF-8", name->iconv) : (GIConv)-1;
    char *in = (char *)text.ptr, *out = (char *)to;
    gsize left = text.len, free_room = room;
    if (converter == (GIConv)-1)
        return 0;
    while (left > 0 && g_iconv(converter, &in, &left, &out, &free_room) == (gsize)-1) {
        if (errno == E2BIG || left == 0 || free_room < sizeof replacement - 1)
            break;
        memcpy(out, replacement, sizeof replacement - 1);
        out += sizeof replacement - 1;
        free_room -= sizeof replacement - 1;
        in++;
        left--;
    }
    g_iconv(converter, NULL, NULL, &out, &free_room); /* what it kept to put characters together */
    g_iconv_close(converter);
    return room - free_room;
}
