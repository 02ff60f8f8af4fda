/* say.c
 * Text for people, of bounded length.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "say.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

void say(struct text *text, const char *format, ...)
{
    size_t room = sizeof(text->s) - text->used;
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text->s + text->used, room, format, args);
    va_end(args);
    if (len < 0) {
        return;
    }
    if ((size_t)len < room) {
        text->used += (size_t)len;
        return;
    }
    /* Cut, but not inside a character. */
    text->used = sizeof(text->s) - 1;
    while (text->used > 0 && ((uint8_t)text->s[text->used - 1] & 0xC0) == 0x80) {
        text->used--;
    }
    if (text->used > 0 && (uint8_t)text->s[text->used - 1] >= 0xC0) {
        text->used--;
    }
    text->s[text->used] = '\0';
}

void say_endpoint(struct text *text, const struct endpoint *endpoint)
{
    char name[ENDPOINT_TEXT_MAX];
    endpoint_format(endpoint, name);
    say(text, "%s", name);
}

void say_seconds(struct text *text, int64_t ns)
{
    int64_t tenths = (ns + 50 * MILLISECOND) / (100 * MILLISECOND);
    say(text, "%" PRId64 ".%" PRId64 " s", tenths / 10, tenths % 10);
}

