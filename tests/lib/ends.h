/* ends.h
 * Ends of TCP connections as scenes write them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_TEST_ENDS_H
#define OUTLOOKHTTP_TEST_ENDS_H

#include "tcp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An end "10.0.0.1:80" or "v6.1:80", which stands for [2001:db8::1]:80. */
static inline struct endpoint end_of(const char *text)
{
    struct endpoint end = { .family = 4 };
    unsigned a, b, c, d, port;
    if (sscanf(text, "v6.%u:%u", &a, &port) == 2) {
        static const uint8_t prefix[4] = { 0x20, 0x01, 0x0D, 0xB8 };
        end.family = 6;
        memcpy(end.addr, prefix, sizeof(prefix));
        end.addr[15] = (uint8_t)a;
    } else if (sscanf(text, "%u.%u.%u.%u:%u", &a, &b, &c, &d, &port) == 5) {
        end.addr[0] = (uint8_t)a;
        end.addr[1] = (uint8_t)b;
        end.addr[2] = (uint8_t)c;
        end.addr[3] = (uint8_t)d;
    } else {
        abort();
    }
    end.port = (uint16_t)port;
    return end;
}

#endif
