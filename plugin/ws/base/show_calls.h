/* show_calls.h
 * How what follows the streams has things shown: it knows no field and no word for people, so
 * whoever registers the plugin gives it these calls.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_SHOW_CALLS_H
#define OUTLOOKHTTP_SHOW_CALLS_H

#include "compat.h"

struct frame_note;
struct http_head;
struct http_info;
struct mapi_note;
struct pdu_note;
struct vc_place;
struct verdict;

/* Offsets are tvb's; tree may be NULL. Called in each pass, with what the first one noted. */
struct show_calls {
    /* Before what is ours in a frame: clears what tcp wrote. */
    void (*rpch_columns)(packet_info *pinfo);
    void (*rpch_pdu)(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, const struct pdu_note *note);
    void (*rpch_malformed)(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, int offset, unsigned bad_offset);
    void (*rpch_gap)(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, int offset, int len, const char *what);
    void (*rpch_greeting)(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, int offset, int len);
    void (*rpch_head)(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, int offset, const struct http_head *head,
                      const struct http_info *info);
    /* note: NULL if nothing of ours is in the frame; place: where its connection belongs, or NULL. */
    void (*rpch_frame)(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, const struct frame_note *note,
                       const struct vc_place *place);
    /* Behind all that a frame has in Info: the sentences of its verdicts. Either list may be NULL. */
    void (*verdict_columns)(packet_info *pinfo, const struct verdict *of_rpch, const struct verdict *of_mapi);
    /* A body whose message was not followed: HTTP/2, or sent twice. */
    void (*mapi_stray)(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, tvbuff_t *body);
    void (*mapi_frame)(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, const struct mapi_note *note);
    /* Behind all of these in a frame with a tree. */
    void (*frame_end)(packet_info *pinfo);
};

#endif
