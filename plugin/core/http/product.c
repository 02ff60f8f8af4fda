/* product.c
 * What header lines say of programs.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "product.h"

#include "chars.h"
#include "tcp.h"
#include "version.h"

struct http_product http_product_read(struct span value)
{
    value = span_trim(value);
    const size_t len = span_until(value, '/');
    struct http_product product = { .name = span_trim(span_of(value.ptr, len)) };
    if (len < value.len) {
        product.version = version_read(span_skip(value, len + 1));
    }
    return product;
}

uint64_t http_outlook_version(struct span user_agent)
{
    static const char *const names[] = { "Microsoft Outlook ", "MAPI " };
    for (size_t at = 0; at < user_agent.len; at++) {
        const struct span rest = span_skip(user_agent, at);
        if (at > 0 && is_token_char(user_agent.ptr[at - 1])) {
            continue; /* inside a word */
        }
        for (size_t i = 0; i < COUNT_OF(names); i++) {
            const uint64_t version =
                span_starts_nocase(rest, names[i]) ? version_read(span_skip(rest, strlen(names[i]))) : 0;
            if (version) {
                return version;
            }
        }
    }
    return 0;
}

struct endpoint http_forwarded_for(struct span value)
{
    struct endpoint address = { .family = 0 };
    struct span first = { .len = 0 };
    if (!span_next(&value, ',', &first)) {
        return address;
    }
    first = span_unquoted(span_trim(first));
    if (first.len > 0 && first.ptr[0] == '[') { /* "[2001:db8::1]:51234" */
        const size_t end = span_until(first, ']');
        first = end < first.len ? span_of(first.ptr + 1, end - 1) : first;
    } else if (span_until(first, '.') < span_until(first, ':')) { /* "192.0.2.1:51234" */
        first.len = span_until(first, ':');
    }
    address_read(first, &address);
    return address;
}
