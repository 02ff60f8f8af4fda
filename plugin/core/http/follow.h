/* follow.h
 * One direction of an HTTP/1.1 connection, followed from message to message without
 * keeping any of it (RFC 9112). Pure.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_FOLLOW_H
#define OUTLOOKHTTP_FOLLOW_H

#include "chunks.h"
#include "fields.h"

enum follow_what {
    FOLLOW_MORE,                 /* nothing further in these bytes; what was not used begins a head: show it again,
                                  * with more behind it */
    FOLLOW_HEAD,
    FOLLOW_DATA,                 /* a run of the body, chunk framing taken off */
    FOLLOW_END,                  /* of the message */
    FOLLOW_LOST                  /* no message goes on here; the next call may begin one */
};

struct follow_event {
    enum follow_what what;
    struct http_head head;       /* FOLLOW_HEAD; points into the bytes given */
    struct http_fields fields;   /* of it */
    struct span data;            /* FOLLOW_DATA */
};

struct follow {                  /* all zero: between messages */
    uint8_t state;
    struct http_head_scan scan;  /* of the head whose beginning is to be shown again */
    uint64_t left;
    struct http_chunks chunks;
};

/* Takes bytes up to the next event and returns how many. answers_head: the response to
 * HEAD has no body. Call until FOLLOW_MORE or FOLLOW_LOST. */
size_t http_follow(struct follow *follow, bool answers_head, const uint8_t *p, size_t len, struct follow_event *event);

/* Whether a message has begun and not ended. until_close: only the end of the connection ends it. */
bool http_follow_inside(const struct follow *follow, bool *until_close);

/* Bytes are missing: forgets the message under way. */
void http_follow_lose(struct follow *follow);

#endif
