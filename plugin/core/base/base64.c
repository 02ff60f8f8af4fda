/* base64.c
 * Base64.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "base64.h"

#include "chars.h"

int base64_value(uint8_t c, bool url)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (is_digit(c)) {
        return c - '0' + 52;
    }
    return c == (url ? '-' : '+') ? 62 : c == (url ? '_' : '/') ? 63 : -1;
}

size_t base64_decode(struct span s, bool url, uint8_t *out, size_t size)
{
    uint32_t bits = 0;
    unsigned count = 0;
    size_t used = 0;
    for (size_t i = 0; i < s.len && used < size; i++) {
        int value = base64_value(s.ptr[i], url);
        if (value < 0) {
            break;
        }
        bits = (bits << 6 | (uint32_t)value) & 0xFFFFFF;
        count += 6;
        if (count >= 8) {
            count -= 8;
            out[used++] = (uint8_t)(bits >> count);
        }
    }
    return used;
}
