/* expect.h
 * Bodies that wait for a 100 that does not come (RFC 9110 10.1.1), of both protocols.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_EXPECT_H
#define OUTLOOKHTTP_EXPECT_H

#include "exchange.h"
#include "finding.h"

/* Whether a request without a byte of its body waits for that, here or on the leg before; waited: since its head. NULL:
 * no request. */
bool expect_waits(const struct judge *judge, const struct exchange *request, int64_t waited);
/* The same of one of MAPI/HTTP whose connection has ended. */
bool expect_mapi(const struct judge *judge, const struct exchange *request);
/* "; ... Expect ...; inferred: ...; next: ...", and whose doing it is. */
void say_expect(struct finding *finding, const struct exchange *request);

#endif
