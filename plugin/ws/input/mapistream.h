/* mapistream.h
 * TCP connections that carry MAPI/HTTP.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_MAPISTREAM_H
#define OUTLOOKHTTP_MAPISTREAM_H

#include "tcpframe.h"

/* After all dissectors are through with a frame, on the first pass; then, in all passes.
 * tcp may be NULL where nothing was followed. */
void mapi_first_look(packet_info *pinfo, const struct tcp_frame *tcp);
void mapi_show(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, const struct tcp_frame *tcp);
void mapi_register(void);
void mapi_handoff(void);

#endif
