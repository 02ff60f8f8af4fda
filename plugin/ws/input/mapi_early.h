/* mapi_early.h
 * Requests whose session only their response names, for who follows it: in one pass the filter lets their own frames
 * not through.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_MAPI_EARLY_H
#define OUTLOOKHTTP_MAPI_EARLY_H

#include "ids.h"

/* Keeps the bytes of a message of this frame that is of no session so far. First pass. */
void mapi_early_keep(const packet_info *pinfo, const struct followed_message *followed);
/* Tells followers of those kept that are of the session and leg of that message. First pass. */
void mapi_early_tell(packet_info *pinfo, const struct mapi_message *message);

#endif
