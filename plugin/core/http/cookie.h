/* cookie.h
 * Cookies (RFC 6265), and those of load balancers that name a server. Pure.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_COOKIE_H
#define OUTLOOKHTTP_COOKIE_H

#include "chars.h"

#define HTTP_NAME_MAX 128 /* of servers and the like, as text */

/* Splits "a=1; b=2" (Cookie) step by step; pos starts at 0. */
bool http_cookie_next(struct span cookies, size_t *pos, struct span *name, struct span *value);

/* A load balancer's persistence cookie whose value names a server and may be
 * compared: unencrypted F5 BIGipServer*, SERVERID, SRV, ARRAffinity, X-BackEndCookie
 * with Server~. Fills server with "10.1.1.100:8080", the FQDN, or for opaque
 * comparable ones "SERVERID=" and a digest of 8 hex digits (never the value). False for
 * rotating, encrypted or unknown cookies. */
bool http_persistence_server(struct span name, struct span value, char server[HTTP_NAME_MAX]);

#define HTTP_BACKEND_COOKIE_MAX 256

/* What an X-BackEndCookie says: "Server~<fqdn>~<version>~<expiry>" or "Database~<guid>~<domain>~<expiry>".
 * False if it does not parse. */
bool http_backend_cookie(struct span value, char text[HTTP_BACKEND_COOKIE_MAX]);

/* Eight hexadecimal digits' worth that tell two values apart for people without showing either;
 * the same in each run. Tables and comparisons use keyed digests. */
uint32_t http_value_mark(struct span value);

#endif
