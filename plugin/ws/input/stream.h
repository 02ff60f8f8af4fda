/* stream.h
 * TCP connections that were claimed for RPC over HTTP.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_STREAM_H
#define OUTLOOKHTTP_STREAM_H

#include "follow.h"
#include "info.h"
#include "notes.h"
#include "rts.h"
#include "tcpframe.h"

/* PHASE_WAIT: the rest of a message that is http's, carried until it is whole. */
enum phase { PHASE_HEAD, PHASE_BODY, PHASE_RESYNC, PHASE_WAIT };

/* What the last request on a connection asked for: it decides how a response is read. */
struct asked {
    uint8_t method; /* enum http_method */
    bool echo, channel;
};

/* Where one direction of a stream stands between two calls of the first pass. */
struct cursor {
    struct http_body body;
    uint8_t phase; /* enum phase */
    bool pdus;     /* the body carries PDUs */
    bool guessed;  /* no head said how the body is framed */
    struct asked asked;
    uint32_t skip;              /* bytes that will be handed over again, already dissected */
    uint32_t pass;              /* rest of a PDU that was not captured whole */
    struct http_head_scan scan; /* of the head that the next begins: */
    struct carry *carry; /* what ended a stretch in the middle of a PDU, a head or a message of http's, or NULL */
};

/* First pass only. */
struct flow {
    struct cursor at;
    uint32_t held;          /* bytes that were dissected directly and that tcp or tls will hand over
                                  * again, at the head of what http asked for */
    uint32_t next_seq;      /* where the next segment continues */
    uint32_t frame, before; /* had_next and next_seq as they were before this frame */
    uint32_t called_in;     /* last frame of which bytes reached the engine */
    bool have_next, had_next;
};

/* The direction was seen up to this sequence number. */
static inline void flow_reached(struct flow *flow, uint32_t end)
{
    if (!flow->have_next || (int32_t)(end - flow->next_seq) > 0)
        flow->next_seq = end;
    flow->have_next = true;
}

/* How http names the ends inside a CONNECT tunnel, for what goes to the server. */
struct tunnel {
    uint16_t port; /* of the request's URI */
    address src, dst;
    uint32_t srcport, destport;
};

struct stream {
    struct rpch_conn *conn;
    const struct tunnel *tunnel; /* or NULL */
    uint8_t hop;                 /* enum rts_hop */
    bool tls;
    struct asked asked;      /* first pass only, from here down */
    bool in_span;            /* the frame is of the latest span */
    uint8_t calls_go;        /* enum way, of a connection that calls alone claimed */
    struct flow flow[2];     /* by enum way */
    struct logon_conn *auth; /* its logon, NULL before the first head */
    const struct vc_mark *last_mark;
    struct vc_span *spans;           /* the latest; for later passes, too */
    uint32_t row;                    /* last one of the report that it belonged to */
    uint32_t given_back;             /* frame from which on it is not ours after all; 0: it is */
    dissector_handle_t owner_before; /* NULL: whose the port is */
};

/* Claims the connection of a frame for either protocol; past is what tcp saw of it before. */
struct conn *stream_conn(packet_info *pinfo, const struct tcp_frame *tcp, conversation_t *conversation,
                         enum conn_kind kind, bool from_client, bool tls, struct conn_past *past);
enum way stream_conn_way(const struct conn *conn, const struct tcp_frame *tcp);

/* Whether it is of the ends of this frame. */
bool stream_conn_is(const struct conn *conn, const struct tcp_frame *tcp);
/* NULL where the connection was not claimed, or has been given back. */
struct stream *stream_find(packet_info *pinfo, const struct tcp_frame *tcp);
bool stream_given_back(packet_info *pinfo, const struct tcp_frame *tcp);
struct stream *stream_claim(packet_info *pinfo, const struct tcp_frame *tcp, enum rts_hop hop, bool from_client,
                            bool tls);
enum way stream_way(const struct stream *stream, const struct tcp_frame *tcp);
/* A head of the stream, for the logon. */
void stream_head(packet_info *pinfo, struct stream *stream, enum way way, const struct http_fields *fields);
/* Ends the first pass over a frame of a claimed connection: the segment itself, then what it
 * proved and the state it leaves. kept: tcp has not handed over what it brings. */
void stream_segment(packet_info *pinfo, struct stream *stream, const struct tcp_frame *tcp, bool kept);

/* The virtual connection that a frame of the connection belongs to, as far as it is known: NULL if it is not. On the first
 * pass behind stream_segment(). */
const struct vc_place *stream_place(const packet_info *pinfo, const struct stream *stream);
/* The same of a frame that was dissected before, whoever it belongs to. */
const struct vc_place *stream_place_of(packet_info *pinfo);

#endif
