/* takeover_private.h
 * How connections are claimed: what takeover.c and ports.c share.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_TAKEOVER_PRIVATE_H
#define OUTLOOKHTTP_TAKEOVER_PRIVATE_H

#include "stream.h"
#include "takeover.h"

/* Handles without a protocol are called even when the user has switched ours off. */
bool takeover_switched_off(const protocol_t *protocol);
/* What tcp, or http (by_http), hands over of a claimed connection. */
void takeover_deliver(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, struct stream *stream,
                      const struct tcp_frame *tcp, bool by_http);
/* Claims a connection of which no request was captured, whose segment is PDUs; its bytes are not dissected yet. */
struct stream *takeover_claim_pdus(packet_info *pinfo, const struct tcp_frame *tcp, enum rts_hop hop);
/* Whether the connection was captured from SYN on without a gap: a request of ours would have been seen. */
bool takeover_seen_from_syn(packet_info *pinfo, const struct tcp_frame *tcp);

#endif
