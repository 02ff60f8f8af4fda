/* sender.h
 * Who is the client of a connection.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_SENDER_H
#define OUTLOOKHTTP_SENDER_H

#include "conn.h"

/* Whether the client of the connection is a device, or may be one: the leg before was seen, X-Forwarded-For says so, or
 * clocks that differ hide which leg is in front. */
enum sender { SENDER_CLIENT, SENDER_BEHIND, SENDER_FORWARDED, SENDER_UNORDERED };
/* leg: on which of the device's sides the connection is, from 0 on, NO_NUMBER if not known. */
enum sender sender_at(const struct conn *link, uint32_t leg, bool forwarded);

#endif
