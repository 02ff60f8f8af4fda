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

enum http_framing {
    HTTP_FRAMING_LENGTH,
    HTTP_FRAMING_CHUNKED,
    HTTP_FRAMING_OPEN
}; /* OPEN: until the connection ends */

/* The body of a message, as far as it is to come. */
struct http_body {
    union {
        uint64_t left;             /* HTTP_FRAMING_LENGTH */
        struct http_chunks chunks; /* HTTP_FRAMING_CHUNKED */
    };
    uint8_t framing; /* enum http_framing */
};

/* What follows this head (RFC 9112 6.3). chunked: by its Transfer-Encoding; answers_head: the response to HEAD has no
 * body. */
void http_body_begin(struct http_body *body, const struct http_fields *fields, bool chunked, bool answers_head);
/* Takes the next stretch of p that is of one kind: returns how many bytes, with the run of data among them, len 0 if
 * they were framing. 0 where the body has ended, or its chunks are bad. */
size_t http_body_next(struct http_body *body, const uint8_t *p, size_t len, struct span *data);
/* Whether nothing more of it comes, or its chunks are bad; an open one does not end by itself. */
bool http_body_ended(const struct http_body *body);

enum follow_what {
    FOLLOW_MORE, /* nothing further in these bytes; what was not used begins a head: show it again,
                                  * with more behind it */
    FOLLOW_HEAD,
    FOLLOW_DATA, /* a run of the body, chunk framing taken off */
    FOLLOW_END,  /* of the message */
    FOLLOW_LOST  /* no message goes on here; the next call may begin one */
};

struct follow_event {
    enum follow_what what;
    struct http_head head;     /* FOLLOW_HEAD; points into the bytes given */
    struct http_fields fields; /* of it */
    struct span data;          /* FOLLOW_DATA */
};

struct follow { /* all zero: between messages */
    uint8_t state;
    struct http_head_scan scan; /* of the head whose beginning is to be shown again */
    struct http_body body;
};

/* Takes bytes up to the next event and returns how many. answers_head: the response to
 * HEAD has no body. Call until FOLLOW_MORE or FOLLOW_LOST. */
size_t http_follow(struct follow *follow, bool answers_head, const uint8_t *p, size_t len, struct follow_event *event);

/* Whether a message has begun and not ended. until_close: only the end of the connection ends it. */
bool http_follow_inside(const struct follow *follow, bool *until_close);

/* Bytes are missing: forgets the message under way. */
void http_follow_lose(struct follow *follow);

#endif
