/* headlines.h
 * How a report words each verdict, and which of them explains most.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_HEADLINES_H
#define OUTLOOKHTTP_HEADLINES_H

#include "verdict.h"

/* What stands behind "3 of 10 RPC over HTTP connections", "1 of 3 MAPI/HTTP sessions" or "4 logons". NULL for none. */
const char *headline_of(enum verdict_kind kind);
/* The same behind "4 requests". */
const char *headline_of_request(enum verdict_kind kind);
/* Of equals in severity the lower one explains more; VERDICT_KINDS for none. */
unsigned headline_rank(enum verdict_kind kind);

#endif
