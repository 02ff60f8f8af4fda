/* takeover_private.h
 * How connections are claimed and their bytes handed on: what the files of takeover, each of which uses those before it
 * here, and ports.c share.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_TAKEOVER_PRIVATE_H
#define OUTLOOKHTTP_TAKEOVER_PRIVATE_H

#include "notes.h"
#include "stream.h"
#include "takeover.h"

/* ---- takeover_run.c ------------------------------------------------------------------- */

/* What tcp, or http (by_http), hands over of a claimed connection. */
void takeover_deliver(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, struct stream *stream,
                      const struct tcp_frame *tcp, bool by_http);
/* Dissects what the frame holds from note->source on. Same in all passes. Returns how many bytes of the stream that is. */
uint32_t takeover_run_direct(struct frame_note *note, const struct tcp_frame *tcp, packet_info *pinfo,
                             proto_tree *tree);

/* ---- takeover_claim.c ----------------------------------------------------------------- */

/* Whether the segment, or what tcp and tls made of it, may begin what makes a connection ours. Within a stretch that
 * is looked for only where http had a head. */
bool takeover_may_claim(packet_info *pinfo, const struct tcp_frame *tcp);
/* Claims the connection if the frame shows that it is ours, and dissects what the frame holds of it; NULL if not. */
struct stream *takeover_claim(packet_info *pinfo, proto_tree *tree, const struct tcp_frame *tcp);
/* Claims a connection of which no request was captured, whose segment is PDUs; its bytes are not dissected yet. */
struct stream *takeover_claim_pdus(packet_info *pinfo, const struct tcp_frame *tcp, enum rts_hop hop);
/* Whether the connection was captured from SYN on without a gap: a request of ours would have been seen. */
bool takeover_seen_from_syn(packet_info *pinfo, const struct tcp_frame *tcp);

/* ---- takeover.c ------------------------------------------------------------------------- */

/* Handles without a protocol are called even when the user has switched ours off. */
bool takeover_switched_off(const protocol_t *protocol);

#endif
