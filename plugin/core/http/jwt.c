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

/* A walk over the text of an object, and the best name so far. */
struct walk {
    struct span rest, name, key;
    bool has_key; /* a value is to come, of that key */
    unsigned depth;
    size_t rank; /* of the name among the claims; lower is better */
};

static const char *const claims[] = { "upn", "preferred_username", "smtp" };

static void take_string(struct walk *walk)
{
    struct span string;
    bool plain = json_string(&walk->rest, &string);
    struct span behind = span_trim(walk->rest);
    if (walk->depth != 1) {
        return;
    }
    if (behind.len > 0 && behind.ptr[0] == ':') {
        walk->key = plain ? string : span_of(string.ptr, 0);
        walk->has_key = true;
        return;
    }
    for (size_t i = 0; walk->has_key && plain && string.len > 0 && i < walk->rank; i++) {
        if (span_equals(walk->key, claims[i])) {
            walk->rank = i;
            walk->name = string;
        }
    }
    walk->has_key = false;
}

static void take_sign(struct walk *walk)
{
    uint8_t c = walk->rest.ptr[0];
    bool opens = c == '{' || c == '[';
    if (opens) {
        walk->depth++;
    } else if ((c == '}' || c == ']') && walk->depth > 0) {
        walk->depth--;
    }
    walk->has_key &= !opens && c != ',';
    walk->rest = span_skip(walk->rest, 1);
}

struct span jwt_name(struct span s)
{
    struct walk walk = { .rest = span_trim(s), .rank = COUNT_OF(claims) };
    if (walk.rest.len == 0 || walk.rest.ptr[0] != '{') {
        return walk.name;
    }
    while (walk.rest.len > 0) {
        if (walk.rest.ptr[0] == '"') {
            take_string(&walk);
        } else {
            take_sign(&walk);
        }
    }
    return walk.depth == 0 ? walk.name : span_of(NULL, 0);
}
