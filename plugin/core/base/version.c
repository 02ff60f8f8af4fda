/* version.c
 * Versions of programs.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "version.h"

#include "chars.h"

#include <stdio.h>

#define PARTS 4

/* A number of 16 bits; false for anything else. */
static bool take_number(struct span *text, uint32_t *number)
{
    size_t len = 0;
    *number = 0;
    for (; len < text->len && is_digit(text->ptr[len]); len++) {
        *number = *number * 10 + (uint32_t)(text->ptr[len] - '0');
        if (*number > UINT16_MAX) {
            return false;
        }
    }
    *text = span_skip(*text, len);
    return len > 0;
}

uint64_t version_read(struct span text)
{
    uint64_t version = 0;
    unsigned parts = 0;
    for (uint32_t number; parts < PARTS; parts++) {
        if (parts > 0) {
            if (text.len < 2 || text.ptr[0] != '.' || !is_digit(text.ptr[1])) {
                break;
            }
            text = span_skip(text, 1);
        }
        if (!take_number(&text, &number)) {
            return 0;
        }
        version |= (uint64_t)number << (48 - 16 * parts);
    }
    return parts >= 2 ? version : 0;
}

const char *version_text(char to[VERSION_TEXT_MAX], uint64_t version)
{
    to[0] = '\0';
    if (version) {
        snprintf(to, VERSION_TEXT_MAX, "%u.%u.%u.%u", (unsigned)(version >> 48), (unsigned)(version >> 32 & 0xFFFF),
                 (unsigned)(version >> 16 & 0xFFFF), (unsigned)(version & 0xFFFF));
    }
    return to;
}
