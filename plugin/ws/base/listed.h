/* listed.h
 * Of which protocols a frame is, as Wireshark lists them: its menus Follow and Protocol Preferences look there.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_LISTED_H
#define OUTLOOKHTTP_LISTED_H

#include "compat.h"

/* Wireshark lists a protocol when it calls its dissector; of what stands in a frame's tree without that, its postdissector
 * lists the protocol by this, once all else is done with the frame. It stands before all others: what a frame's bytes were
 * read as is behind the protocols that carried them, and the last of the list is Wireshark's to take away. */
void listed_add(packet_info *pinfo, int proto);

#endif
