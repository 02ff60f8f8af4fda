/* cookie.c
 * Cookies, and those of load balancers that name a server.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "cookie.h"

#include "base64.h"
#include "tcp.h"

#include <stdio.h>

bool http_cookie_next(struct span cookies, size_t *pos, struct span *name, struct span *value)
{
    struct span pair;
    while (*pos < cookies.len) {
        struct span rest = span_skip(cookies, *pos);
        span_next(&rest, ';', &pair);
        *pos = cookies.len - rest.len;
        size_t equals = span_until(pair, '=');
        *name = span_trim(span_of(pair.ptr, equals));
        if (name->len > 0) {
            *value = equals < pair.len ? span_trim(span_skip(pair, equals + 1)) : span_skip(pair, equals);
            return true;
        }
    }
    return false;
}

static bool read_hex(struct span s, uint8_t *out, size_t bytes)
{
    if (s.len < bytes * 2) {
        return false;
    }
    for (size_t i = 0; i < bytes; i++) {
        int high = hex_value(s.ptr[2 * i]), low = hex_value(s.ptr[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* zone is a route domain, -1 for none. */
static void format_server(const uint8_t address[16], int zone, unsigned port, char server[HTTP_NAME_MAX])
{
    static const uint8_t mapped[12] = { [10] = 0xFF, [11] = 0xFF };
    char host[IPV6_TEXT_MAX], zone_text[8] = "";
    bool is_ipv4 = memcmp(address, mapped, sizeof(mapped)) == 0;
    if (is_ipv4) {
        snprintf(host, sizeof(host), "%u.%u.%u.%u", address[12], address[13], address[14], address[15]);
    } else {
        ipv6_format(address, host);
    }
    if (zone >= 0) {
        snprintf(zone_text, sizeof(zone_text), "%%%d", zone & 0xFFFF);
    }
    snprintf(server, HTTP_NAME_MAX, is_ipv4 ? "%s%s:%u" : "[%s%s]:%u", host, zone_text, port);
}

static unsigned swap_port(uint64_t port)
{
    return (unsigned)((port & 0xFF) << 8 | port >> 8);
}

/* <address, least byte first>.<port, bytes swapped>.0000 */
static bool f5_plain(struct span value, char server[HTTP_NAME_MAX])
{
    struct span address_text, port_text, rest = value;
    uint64_t address, port;
    if (!span_next(&rest, '.', &address_text) || !span_next(&rest, '.', &port_text) || !span_equals(rest, "0000") ||
        !span_decimal(address_text, UINT32_MAX, &address) || !span_decimal(port_text, UINT16_MAX, &port)) {
        return false;
    }
    uint8_t bytes[16] = { [10] = 0xFF, [11] = 0xFF };
    for (unsigned i = 0; i < 4; i++) {
        bytes[12 + i] = (uint8_t)(address >> (8 * i));
    }
    format_server(bytes, -1, swap_port(port), server);
    return true;
}

/* rd<route domain>o<32 hex digits>o<port> */
static bool f5_route_domain(struct span value, char server[HTTP_NAME_MAX])
{
    uint8_t address[16];
    uint64_t zone, port;
    if (!span_starts_nocase(value, "rd")) {
        return false;
    }
    struct span rest = span_skip(value, 2), zone_text, address_text;
    if (!span_next(&rest, 'o', &zone_text) || !span_next(&rest, 'o', &address_text) || address_text.len != 32 ||
        !span_decimal(zone_text, UINT16_MAX, &zone) || !read_hex(address_text, address, 16) ||
        !span_decimal(rest, UINT16_MAX, &port)) {
        return false;
    }
    format_server(address, (int)zone, (unsigned)port, server);
    return true;
}

/* vi<32 hex digits>.<port, bytes swapped> */
static bool f5_ipv6(struct span value, char server[HTTP_NAME_MAX])
{
    uint8_t address[16];
    uint64_t port;
    if (!span_starts_nocase(value, "vi") || value.len < 36 || value.ptr[34] != '.' ||
        !read_hex(span_skip(value, 2), address, 16) || !span_decimal(span_skip(value, 35), UINT16_MAX, &port)) {
        return false;
    }
    format_server(address, -1, swap_port(port), server);
    return true;
}

/* FNV-1a, 32 bits: what is shown has to be the same in each run. */
static uint32_t fnv1a(struct span value)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < value.len; i++) {
        hash = (hash ^ value.ptr[i]) * 16777619u;
    }
    return hash;
}

/* Stands for a value that is compared but never shown. */
static void digest_server(const char *name, struct span value, char server[HTTP_NAME_MAX])
{
    snprintf(server, HTTP_NAME_MAX, "%s=%08x", name, (unsigned)fnv1a(value));
}

/* <key>=<base64 of the inverted bytes> */
bool http_backend_cookie(struct span value, char text[HTTP_BACKEND_COOKIE_MAX])
{
    uint8_t bytes[HTTP_BACKEND_COOKIE_MAX - 1];
    size_t equals = span_until(value, '=');
    if (equals + 1 < value.len && value.ptr[equals + 1] != '=') {
        value = span_skip(value, equals + 1);
    }
    size_t len = base64_decode(value, false, bytes, sizeof(bytes));
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (uint8_t)~bytes[i];
        if (bytes[i] < 0x20 || bytes[i] > 0x7E) {
            return false;
        }
    }
    struct span whole = span_of(bytes, len);
    if (!span_starts_nocase(whole, "Server~") && !span_starts_nocase(whole, "Database~")) {
        return false;
    }
    chars_copy(text, HTTP_BACKEND_COOKIE_MAX, whole);
    return true;
}

static bool backend_server(struct span value, char server[HTTP_NAME_MAX])
{
    char whole[HTTP_BACKEND_COOKIE_MAX];
    if (!http_backend_cookie(value, whole) || whole[0] == 'D' || whole[0] == 'd') {
        return false;
    }
    struct span text = span_of((const uint8_t *)whole + strlen("Server~"), strlen(whole) - strlen("Server~"));
    size_t len = span_until(text, '~');
    for (size_t i = 0; i < len; i++) {
        if (!(is_digit(text.ptr[i]) || (lower(text.ptr[i]) >= 'a' && lower(text.ptr[i]) <= 'z') ||
              (text.ptr[i] && strchr(".-_", text.ptr[i])))) {
            return false;
        }
    }
    if (len == 0 || len == text.len || len >= HTTP_NAME_MAX) {
        return false;
    }
    chars_copy(server, HTTP_NAME_MAX, span_of(text.ptr, len));
    return true;
}

bool http_persistence_server(struct span name, struct span value, char server[HTTP_NAME_MAX])
{
    static const char *const comparable[] = { "SERVERID", "SRV", "ARRAffinity", "ARRAffinitySameSite" };
    server[0] = '\0';
    value = span_unquoted(value);
    if (span_starts_nocase(name, "BIGipServer")) {
        return f5_plain(value, server) || f5_route_domain(value, server) || f5_ipv6(value, server);
    }
    if (span_equals_nocase(name, "X-BackEndCookie")) {
        return backend_server(value, server);
    }
    for (size_t i = 0; i < COUNT_OF(comparable); i++) {
        if (span_equals(name, comparable[i])) {
            /* HAProxy appends the dates of maxidle and maxlife behind a bar. */
            value.len = span_until(value, '|');
            if (value.len == 0) {
                return false;
            }
            digest_server(comparable[i], value, server);
            return true;
        }
    }
    return false;
}

/* With its bits mixed. */
uint32_t http_value_mark(struct span value)
{
    uint32_t mark = fnv1a(value);
    mark ^= mark >> 15;
    mark *= UINT32_C(0x85EBCA6B);
    return mark ^ mark >> 13;
}
