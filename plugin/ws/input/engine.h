/* engine.h
 * Walks a claimed stream.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_ENGINE_H
#define OUTLOOKHTTP_ENGINE_H

#include "info.h"
#include "stream.h"

/* How the bytes reached us. tcp and tls are never asked for more of them: what is not whole is
 * carried here, the same on every version and in every pass. */
struct delivery {
    bool frame_bytes; /* tvb lies in the frame itself: its sequence number is known */
    bool direct;      /* by the postdissector */
};

/* Dissects one stretch of a stream from where it stands. */
void engine_run(struct stream *stream, const struct tcp_frame *tcp, enum way way, tvbuff_t *tvb, packet_info *pinfo,
                proto_tree *tree, const struct delivery *delivery);

/* Of a message of http's whose rest will not come, for a gap or an end, the head counts, and what there is of its page
 * (first pass). */
void engine_give_up_rest(struct stream *stream, enum way way, packet_info *pinfo, struct cursor *at);

/* Whether tcp hands over in order only, whatever the order of frames. */
bool engine_reassembles_out_of_order(void);

/* Tells state about a head that http dissected itself and moves the flow behind it
 * (first pass). Returns how long the message is: the head alone where PDUs follow, else
 * head and body. */
size_t engine_head(struct stream *stream, enum way way, packet_info *pinfo, const struct http_head *head,
                   const struct http_info *info);

#endif
