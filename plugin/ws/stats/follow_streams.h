/* follow_streams.h
 * -z follow,rpch and -z follow,mapihttp, and the menu "Follow" from 4.4 on.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_FOLLOW_STREAMS_H
#define OUTLOOKHTTP_FOLLOW_STREAMS_H

void follow_streams_register(void);

#endif
