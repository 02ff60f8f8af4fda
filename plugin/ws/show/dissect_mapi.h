/* dissect_mapi.h
 * Shows MAPI/HTTP; see show_calls.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_DISSECT_MAPI_H
#define OUTLOOKHTTP_DISSECT_MAPI_H

#include "notes.h"

void mapi_register_fields(void);
/* A body whose message was not followed: HTTP/2, or sent twice. */
void mapi_show_stray(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, tvbuff_t *body);
void mapi_show_frame(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, const struct mapi_note *note);

#endif
