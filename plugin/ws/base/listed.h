/* listed.h
 * Of which protocols a frame is, as Wireshark lists them: its menus Follow and Protocol Preferences look there.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_LISTED_H
#define OUTLOOKHTTP_LISTED_H

#include "compat.h"

/* Wireshark lists a protocol when it calls its dissector; of what stands in a frame's tree without that, its postdissector
 * lists the protocol by this, once all else is done with the frame. */
void listed_add(packet_info *pinfo, int proto);
/* How many at the end of the list came that way: they say nothing of what the frame's own bytes were read as. */
unsigned listed_added(packet_info *pinfo);

#endif
