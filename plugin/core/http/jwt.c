/* jwt.c
 * The name in the token of a Bearer (RFC 7519), if it is plain.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "credentials_private.h"

#include "chars.h"

/* Takes a string, its quotes dropped; false if there is none or it is escaped, which no
 * name is. */
static bool json_string(struct span *s, struct span *string)
{
    *string = span_of(s->ptr, 0);
    if (s->len == 0 || s->ptr[0] != '"') {
        return false;
    }
    bool plain = true;
    size_t i = 1;
    for (; i < s->len && s->ptr[i] != '"'; i++) {
        if (s->ptr[i] == '\\') {
            plain = false;
            i++;
        }
    }
    if (i >= s->len) {
        *s = span_of(s->ptr, 0);
        return false;
    }
    *string = span_of(s->ptr + 1, i - 1);
    *s = span_skip(*s, i + 1);
    return plain;
}

struct span jwt_name(struct span s)
{
    static const char *const claims[] = { "upn", "preferred_username", "smtp" };
    enum { CLAIMS = 3 };
    unsigned best = CLAIMS, depth = 0;
    struct span name = { NULL, 0 }, key = { NULL, 0 };
    bool has_key = false;
    s = span_trim(s);
    if (s.len == 0 || s.ptr[0] != '{') {
        return name;
    }
    while (s.len > 0) {
        uint8_t c = s.ptr[0];
        if (c == '"') {
            struct span string;
            bool plain = json_string(&s, &string);
            struct span rest = span_trim(s);
            if (depth == 1 && rest.len > 0 && rest.ptr[0] == ':') {
                key = plain ? string : span_of(s.ptr, 0);
                has_key = true;
            } else if (depth == 1 && has_key) {
                for (unsigned i = 0; plain && string.len > 0 && i < best; i++) {
                    if (span_same(key, (const uint8_t *)claims[i], strlen(claims[i]))) {
                        best = i;
                        name = string;
                    }
                }
                has_key = false;
            }
            continue;
        }
        if (c == '{' || c == '[') {
            depth++;
        } else if ((c == '}' || c == ']') && depth > 0) {
            depth--;
        }
        if (c == ',' || c == '{' || c == '[') {
            has_key = false;
        }
        s = span_skip(s, 1);
    }
    return depth == 0 ? name : (struct span){ NULL, 0 };
}
