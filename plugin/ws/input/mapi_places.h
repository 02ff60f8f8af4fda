/* mapi_places.h
 * Where the bytes of the messages of a frame are, while it is under dissection.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_MAPI_PLACES_H
#define OUTLOOKHTTP_MAPI_PLACES_H

#include "notes.h"
#include "store.h"
#include "tcpframe.h"

/* One that http handed over in the frame. */
struct mapi_body {
    struct mapi_body *next;
    tvbuff_t *tvb;
    bool taken; /* by a message of the frame */
};

struct mapi_body *mapi_bodies_kept(packet_info *pinfo);
/* Those of the frame in their order; NULL if there is none: most frames cost but this look. */
static inline struct mapi_body *mapi_bodies_in(packet_info *pinfo)
{
    return store->body_frame == pinfo->num ? mapi_bodies_kept(pinfo) : NULL;
}
void mapi_stash_body(packet_info *pinfo, tvbuff_t *tvb);

/* Finds head and body of each message of the frame. What http has no buffer for stays NULL. */
void mapi_locate(packet_info *pinfo, const struct tcp_frame *tcp, struct mapi_note *note);
/* Behind that: tells whoever follows a session what was captured of each. */
void mapi_show_to_followers(packet_info *pinfo, const struct mapi_note *note);

#endif
