/* mapi_heads.h
 * Shows heads of MAPI/HTTP, and the header lines in front of a response's body.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_MAPI_HEADS_H
#define OUTLOOKHTTP_MAPI_HEADS_H

#include "compat.h"
#include "head.h"

/* Of a head, or else known of the message. */
extern int mapi_hf_request_type, mapi_hf_mailbox_id, mapi_hf_client_application, mapi_hf_response_code;

struct mapi_show {
    packet_info *pinfo;
    proto_tree *tree;
    tvbuff_t *tvb;                       /* the head's */
    const uint8_t *base;                 /* its bytes, at offset 0 of tvb */
    const uint8_t *head;                 /* where it begins among them */
    bool mailbox_id, client_application; /* this message has one */
};

/* A head of that length, at offset of show->tvb; type: its request type as the specification spells it, NULL if it does
 * not know it. */
void mapi_show_head(struct mapi_show *show, int offset, uint32_t len, const struct http_head *head, const char *type);
/* A header line of the head or in front of the body (2.2.7). */
void mapi_show_header(const struct mapi_show *show, struct span name, struct span value);

void mapi_heads_register(void);

#endif
