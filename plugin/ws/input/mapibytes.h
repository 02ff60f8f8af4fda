/* mapibytes.h
 * The bytes of a TCP connection that carries MAPI/HTTP, in their order, and the messages in them. On the first pass only.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_MAPIBYTES_H
#define OUTLOOKHTTP_MAPIBYTES_H

#include "follow.h"
#include "notes.h"
#include "tcpframe.h"

struct mapi_held;

struct mapi_way {
    struct follow follow;
    struct mapi_item *item; /* of the message under way */
    bool have_next;
    uint32_t next_seq;
    struct mapi_held *held;
    unsigned held_count;
    uint32_t acked;       /* by the other end, while acked_at */
    int64_t acked_at;     /* when it first acknowledged what was not captured, 0 if it has not */
    struct carry waiting; /* the beginning of a head */
};

struct mapi_stream {
    struct mapi_conn *conn;
    struct conn *link;
    bool head_asked;        /* the last request was HEAD */
    struct mapi_way way[2]; /* by enum way */
};

/* Of which stream, frame and direction the bytes are. */
struct mapi_feed {
    struct mapi_stream *stream;
    packet_info *pinfo;
    enum way way;
    struct when when;
};

/* Follows bytes that come next: state hears of their messages, and those that end are noted with the frame. */
void mapi_feed_bytes(const struct mapi_feed *feed, const uint8_t *p, uint32_t len);
/* The payload of a segment, once those before it came or will not come. */
void mapi_feed_segment(const struct mapi_feed *feed, const struct tcp_frame *tcp);
/* What a segment acknowledges: bytes of the other end that were not captured so far are passed over in time. */
void mapi_acknowledged(const struct mapi_feed *feed, const struct tcp_frame *tcp);
/* Records that tls has decrypted in this frame so far; followed: how many of them were fed before, and are now. */
void mapi_feed_records(const struct mapi_feed *feed, const struct tcp_frame *tcp, uint32_t *followed);
/* A FIN or RST came: what is under way ends, whole or not. */
void mapi_feed_end(const struct mapi_feed *feed, bool fin, bool rst);

#endif
