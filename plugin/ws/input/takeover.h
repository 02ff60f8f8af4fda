/* takeover.h
 * How frames come to us.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_TAKEOVER_H
#define OUTLOOKHTTP_TAKEOVER_H

#include "compat.h"

void takeover_register(void);
void takeover_handoff(void);
int takeover_from_http(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data);
int takeover_from_tcp(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data);

#endif
