/* product.h
 * What header lines say of programs: X-ClientApplication and X-ServerApplication (MS-OXCMAPIHTTP 2.2.3), User-Agent
 * (RFC 9110 10.1.5); and of the client of a device (X-Forwarded-For). Pure.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_PRODUCT_H
#define OUTLOOKHTTP_PRODUCT_H

#include "tcp.h"

/* "Outlook/16.0.15928.20006" of X-ClientApplication, "Exchange/15.02.1118.040" of X-ServerApplication. */
struct http_product {
    struct span name; /* empty if there is none */
    uint64_t version; /* version.h; 0: not known */
};
struct http_product http_product_read(struct span value);

/* The version of Outlook in a User-Agent, 0 if there is none: "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook
 * 16.0.4266; Pro)", in newer ones "MAPI 16.0.15928". RPC over HTTP says "MSRPC", which tells nothing. */
uint64_t http_outlook_version(struct span user_agent);

/* The first address of X-Forwarded-For, of family 0 where that is none. Whoever sent the request may have written it. */
struct endpoint http_forwarded_for(struct span value);

#endif
