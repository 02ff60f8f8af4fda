/* ports.h
 * Connections that come to us by their port.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_PORTS_H
#define OUTLOOKHTTP_PORTS_H

#include "compat.h"

/* The dissector of ports of RPC servers. */
int ports_look_first(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data);
/* The preference for these ports may have changed. */
void ports_changed(void);
/* Behind takeover_handoff(); offers RPC over HTTP for "Decode As", too. */
void ports_handoff(void);

#endif
