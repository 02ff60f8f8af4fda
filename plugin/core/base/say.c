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

const char *endpoint_text(char to[ENDPOINT_TEXT_MAX], const struct endpoint *endpoint)
{
    endpoint_format(endpoint, to);
    return to;
}

const char *seconds_text(char to[SECONDS_TEXT_MAX], int64_t ns)
{
    const int64_t tenths = (ns + 50 * MILLISECOND) / (100 * MILLISECOND), ms = (ns + MILLISECOND / 2) / MILLISECOND;
    if (tenths > 0) {
        snprintf(to, SECONDS_TEXT_MAX, "%" PRId64 ".%" PRId64 " s", tenths / 10, tenths % 10);
    } else if (ms > 0) {
        snprintf(to, SECONDS_TEXT_MAX, "%" PRId64 " ms", ms);
    } else {
        snprintf(to, SECONDS_TEXT_MAX, "less than 1 ms");
    }
    return to;
}

void say_endpoint(struct text *text, const struct endpoint *endpoint)
{
    char name[ENDPOINT_TEXT_MAX];
    say(text, "%s", endpoint_text(name, endpoint));
}
