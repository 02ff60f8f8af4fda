/* date.h
 * Dates of HTTP. Pure.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_DATE_H
#define OUTLOOKHTTP_DATE_H

#include "chars.h"

/* An HTTP date (RFC 9110 5.6.7, also with dashes as in cookies), seconds since 1970. */
bool http_date_decode(struct span value, int64_t *seconds);

#endif
