/* veil.c
 * Takes secrets out of a head that somebody wants to read or keep.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "veil.h"

#include "head.h"

enum secret {
    SECRET_CREDENTIALS, /* a scheme, and what follows it */
    SECRET_WHOLE,
    SECRET_COOKIES, /* name=value; name=value */
    SECRET_COOKIE   /* name=value; attributes */
};

static const struct {
    const char *name;
    enum secret secret;
} secrets[] = {
    { "Authorization", SECRET_CREDENTIALS },
    { "Proxy-Authorization", SECRET_CREDENTIALS },
    { "X-CommonAccessToken", SECRET_WHOLE }, /* what a front end of Exchange tells the back end of a user */
    { "Cookie", SECRET_COOKIES },
    { "Set-Cookie", SECRET_COOKIE },
};

/* Line ends of a folded value stay, or the head would have another shape. */
static void veil(uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (p[i] != '\r' && p[i] != '\n') {
            p[i] = '*';
        }
    }
}

/* Behind the scheme; of one word that may be a token itself everything. */
static void veil_credentials(uint8_t *p, size_t len)
{
    size_t scheme = 0;
    while (scheme < len && p[scheme] != ' ' && p[scheme] != '\t' && p[scheme] != '\r' && p[scheme] != '\n') {
        scheme++;
    }
    veil(scheme < len ? p + scheme + 1 : p, scheme < len ? len - scheme - 1 : len);
}

/* The values of cookies, up to that many. Without "=" it is all value. */
static void veil_cookies(uint8_t *p, size_t len, size_t most)
{
    for (size_t at = 0, count = 0; at < len && count < most; count++) {
        size_t end = at, value = at;
        while (end < len && p[end] != ';') {
            end++;
        }
        for (size_t i = at; i < end && value == at; i++) {
            if (p[i] == '=') {
                value = i + 1;
            }
        }
        veil(p + value, end - value);
        at = end + 1;
    }
}

void http_veil_secrets(uint8_t *p, size_t len)
{
    struct http_head head;
    struct span name, value;
    size_t pos = 0;
    if (http_head_parse(p, len, &head) != HTTP_HEAD_OK) {
        return;
    }
    while (http_head_next(&head, &pos, &name, &value)) {
        uint8_t *at = p + (value.ptr - p);
        for (size_t i = 0; value.len > 0 && i < COUNT_OF(secrets); i++) {
            if (!span_equals_nocase(name, secrets[i].name)) {
                continue;
            }
            if (secrets[i].secret == SECRET_CREDENTIALS) {
                veil_credentials(at, value.len);
            } else if (secrets[i].secret == SECRET_WHOLE) {
                veil(at, value.len);
            } else {
                veil_cookies(at, value.len, secrets[i].secret == SECRET_COOKIE ? 1 : SIZE_MAX);
            }
        }
    }
}
