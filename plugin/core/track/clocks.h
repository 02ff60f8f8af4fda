/* clocks.h
 * Whether times before a device can be compared with times behind it. Two captures that were merged, or one of two
 * cards, may have clocks that differ; an effect that stands before its cause shows it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_CLOCKS_H
#define OUTLOOKHTTP_CLOCKS_H

#include "conn.h"

/* An effect stands before its cause on these two: a response on the front leg before it stands on the back leg, or
 * a request on the back leg before it stands on the front leg. From then on it holds for all connections to and
 * from the same two addresses of that device. */
void clocks_doubt(const struct conn *front, const struct conn *back);
/* Whether clocks_doubt() was said: no time of one may be compared with one of the other. */
bool clocks_differ(const struct conn *front, const struct conn *back);

#endif
