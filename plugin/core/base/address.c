/* address.c
 * Addresses of IP as text.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "chars.h"
#include "tcp.h"

#include <stdio.h>

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

void address_format(const struct endpoint *endpoint, char text[ADDRESS_TEXT_MAX])
{
    const uint8_t *p = endpoint->addr;
    text[0] = '\0';
    if (endpoint->family == 4) {
        snprintf(text, ADDRESS_TEXT_MAX, "%u.%u.%u.%u", p[0], p[1], p[2], p[3]);
    } else if (endpoint->family == 6) {
        ipv6_format(p, text);
    }
}
