/* address.c
 * Addresses of IP as text.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "chars.h"
#include "tcp.h"

/* ---- From text --------------------------------------------------------------------- */

/* Four numbers of a byte each, to the end of text. */
static bool read_ipv4(struct span text, uint8_t addr[4])
{
    for (unsigned i = 0; i < 4; i++) {
        unsigned number = 0;
        size_t digits = 0;
        while (digits < text.len && digits < 4 && is_digit(text.ptr[digits])) {
            number = number * 10 + (unsigned)(text.ptr[digits++] - '0');
        }
        if (digits == 0 || number > UINT8_MAX || (i < 3 && (digits == text.len || text.ptr[digits] != '.'))) {
            return false;
        }
        addr[i] = (uint8_t)number;
        text = span_skip(text, digits + (i < 3));
    }
    return text.len == 0;
}

/* Groups of four hexadecimal digits, or "::" once for groups of zero; the last two may be an address of IPv4. */
static bool read_ipv6(struct span text, uint8_t addr[16])
{
    uint8_t read[16] = { 0 };
    size_t used = 0, gap = sizeof(read) + 1;
    if (text.len >= 2 && text.ptr[0] == ':') {
        if (text.ptr[1] != ':') {
            return false;
        }
        gap = 0;
        text = span_skip(text, 2);
    }
    while (text.len > 0) {
        unsigned group = 0;
        size_t digits = 0;
        if (used <= 12 && read_ipv4(text, read + used)) {
            used += 4;
            text.len = 0;
            break;
        }
        while (digits < text.len && digits < 4 && hex_value(text.ptr[digits]) >= 0) {
            group = group << 4 | (unsigned)hex_value(text.ptr[digits++]);
        }
        if (digits == 0 || used == sizeof(read)) {
            return false;
        }
        read[used++] = (uint8_t)(group >> 8);
        read[used++] = (uint8_t)group;
        text = span_skip(text, digits);
        if (text.len == 0) {
            break;
        }
        if (text.ptr[0] != ':' || text.len == 1) {
            return false;
        }
        text = span_skip(text, 1);
        if (text.ptr[0] == ':') {
            if (gap <= sizeof(read)) {
                return false;
            }
            gap = used;
            text = span_skip(text, 1);
        }
    }
    if (gap > sizeof(read) ? used != sizeof(read) : used == sizeof(read)) {
        return false;
    }
    memset(addr, 0, 16);
    const size_t before = gap > sizeof(read) ? used : gap, after = used - before;
    memcpy(addr, read, before);
    memcpy(addr + 16 - after, read + before, after);
    return true;
}

bool address_read(struct span text, struct endpoint *endpoint)
{
    uint8_t addr[16] = { 0 };
    const uint8_t family = read_ipv4(text, addr) ? 4 : text.len >= 2 && read_ipv6(text, addr) ? 6 : 0;
    if (family) {
        endpoint->family = family;
        memcpy(endpoint->addr, addr, sizeof(endpoint->addr));
    }
    return family != 0;
}

/* ---- To text ----------------------------------------------------------------------- */

/* Without printf: each frame of a connection that is shown has two of them. */
static char *append_ipv4(char *to, const uint8_t addr[4])
{
    for (int i = 0; i < 4; i++) {
        if (i > 0) {
            *to++ = '.';
        }
        to = append_decimal(to, addr[i]);
    }
    return to;
}

static char *append_group(char *to, uint16_t group)
{
    for (int shift = 12; shift >= 0; shift -= 4) {
        if (group >> shift != 0 || shift == 0) {
            *to++ = "0123456789abcdef"[group >> shift & 0xF];
        }
    }
    return to;
}

/* RFC 5952: the longest run of two or more zero groups becomes "::", the first of equals. */
static char *append_ipv6(char *to, const uint8_t addr[16])
{
    int best = -1, best_len = 1;
    for (int i = 0; i < 8; i++) {
        int len = 0;
        while (i + len < 8 && get_be16(addr + 2 * (i + len)) == 0) {
            len++;
        }
        if (len > best_len) {
            best = i;
            best_len = len;
        }
        i += len;
    }
    for (int i = 0; i < 8; i++) {
        if (i == best) {
            to = append_text(to, "::");
            i += best_len - 1;
            continue;
        }
        if (i > 0 && (best < 0 || i != best + best_len)) {
            *to++ = ':';
        }
        to = append_group(to, get_be16(addr + 2 * i));
    }
    *to = '\0';
    return to;
}

void ipv6_format(const uint8_t addr[16], char text[IPV6_TEXT_MAX])
{
    append_ipv6(text, addr);
}

/* An address as a URL has it, in brackets where it has colons. */
static char *append_host(char *to, const struct endpoint *endpoint)
{
    static const uint8_t mapped[12] = { [10] = 0xFF, [11] = 0xFF };
    const uint8_t *a = endpoint->addr;
    if (endpoint->family == 4) {
        return append_ipv4(to, a);
    }
    *to++ = '[';
    if (memcmp(a, mapped, sizeof(mapped)) == 0) {
        to = append_ipv4(append_text(to, "::ffff:"), a + sizeof(mapped));
    } else {
        to = append_ipv6(to, a);
    }
    *to++ = ']';
    return to;
}

void endpoint_format(const struct endpoint *endpoint, char text[ENDPOINT_TEXT_MAX])
{
    char *to = append_host(text, endpoint);
    *to++ = ':';
    append_decimal(to, endpoint->port);
}

void address_format(const struct endpoint *endpoint, char text[ADDRESS_TEXT_MAX])
{
    text[0] = '\0';
    if (endpoint->family == 4) {
        append_ipv4(text, endpoint->addr);
    } else if (endpoint->family == 6) {
        append_ipv6(text, endpoint->addr);
    }
}
