/* exchange_cookies.h
 * The cookies of Exchange, which nobody documents: what does not parse is opaque. And those
 * of load balancers, which say nothing of a session.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_EXCHANGE_COOKIES_H
#define OUTLOOKHTTP_EXCHANGE_COOKIES_H

#include "cookie.h"

/* MapiContext: "MAPI" and base64 of four zero bytes, a text of which each byte was combined
 * with the byte before by XOR, and a 64-bit number. */
struct exch_context {
    char server[HTTP_NAME_MAX]; /* the back end that made the context */
    char time[32];              /* when, as written: "2022-04-02 13:55:01Z" */
    char number[24];            /* behind the time, as written */
    uint64_t counter;           /* behind the text */
};

bool exch_context_decode(struct span value, struct exch_context *context);

/* MapiRouting: base64 of "RUM:<mailbox guid>:" and a time. */
struct exch_routing {
    char mailbox[40];
    int64_t ns; /* since 1970, UTC */
};

bool exch_routing_decode(struct span value, struct exch_routing *routing);

/* MapiSequence: "<counter>-<base64 of four bytes>". */
bool exch_sequence_decode(struct span value, uint32_t *counter);

/* Whether a cookie of this name is made by a device between (or tells Exchange's front end
 * of a mailbox server): it says nothing of a session. */
bool exch_is_balancer_cookie(struct span name);
/* Whether a device alone makes it, and no front end of Exchange. */
bool exch_is_device_cookie(struct span name);
/* Of those one that Citrix ADC (NetScaler) makes. */
bool exch_is_citrix_cookie(struct span name);

#endif
