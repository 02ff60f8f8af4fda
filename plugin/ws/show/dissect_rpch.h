/* dissect_rpch.h
 * Shows RPC over HTTP; see show_calls.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_DISSECT_RPCH_H
#define OUTLOOKHTTP_DISSECT_RPCH_H

#include "info.h"
#include "notes.h"

void rpch_register_fields(void);
void rpch_begin_columns(packet_info *pinfo);     /* before what is ours in a frame: clears what tcp wrote */
void rpch_show_pdu(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, const struct pdu_note *note);
void rpch_show_malformed(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, int offset, unsigned bad_offset);
void rpch_show_gap(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, int offset, int len, const char *what);
void rpch_show_greeting(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, int offset, int len);
void rpch_show_head(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, int offset, const struct http_head *head,
                    const struct http_info *info);
void rpch_show_frame(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, const struct frame_note *note);

#endif
