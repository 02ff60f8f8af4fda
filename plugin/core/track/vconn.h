/* vconn.h
 * Virtual connections of RPC over HTTP (MS-RPCH 3.2): which channels belong together,
 * in what state they are and what the flow control of both sides says. Pure state: it is fed
 * decoded values in capture order, on the first pass only, emits events (event.h), and hands
 * out snapshots that never change afterwards.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_VCONN_H
#define OUTLOOKHTTP_VCONN_H

#include "conn.h"
#include "info.h"
#include "pdu.h"
#include "rts.h"
#include "tcp.h"

struct rpch_state; /* all connections of a capture file */
struct rpch_conn;  /* one claimed TCP connection */
struct times;      /* timing.h */

/* The world owns everything; all memory comes from the arena. */
struct rpch_state *rpch_state_new(struct track *track);

/* Follows a connection of kind CONN_RPCH whose first frame was at first_ns. hop says whether
 * HTTP or the bare proxy-to-server form (ncacn_http/1.0) runs in it. */
struct rpch_conn *rpch_conn_new(struct rpch_state *world, struct conn *link, enum rts_hop hop, int64_t first_ns);
struct conn *rpch_conn_conn(const struct rpch_conn *conn);
/* Where its channel is OUT: the connection that the IN channel of the same virtual connection is on, if that is
 * known, else NULL. */
struct conn *rpch_conn_in(const struct rpch_conn *conn);

/* Calls alone say that it is a channel: until an RTS PDU comes it may be plain DCE/RPC, and no call numbers it.
 * PDUs both ways say that it is none and never was. */
void rpch_conn_may_be_ours(struct rpch_conn *conn);
bool rpch_conn_by_calls(const struct rpch_conn *conn);
void rpch_conn_give_back(struct rpch_conn *conn);

/* Events. Order inside a frame: HTTP heads and PDUs as they stand in the stream, then
 * rpch_conn_segment() once for the frame. */

/* An HTTP request or final or interim response head on the connection. Any method: one
 * that is not RPC_IN_DATA, RPC_OUT_DATA or RPC_CONNECT ends the channel before it.
 * Content-Length up to 16 on RPC_*_DATA is an echo request, no channel (2.1.2.1.5); 0
 * with credentials under way is an authentication step. */
void rpch_conn_http(struct rpch_conn *conn, struct when when, enum way way, const struct http_info *info);

/* What came of a PDU. */
struct pdu_outcome {
    uint8_t channel;         /* 0 unknown, 1 IN, 2 OUT */
    uint64_t channel_bytes;  /* body bytes of this HTTP channel up to and with this PDU */
    char name[RTS_NAME_MAX]; /* RTS PDUs: "CONN/A1"; else empty */
    bool misplaced;          /* does not belong on this channel, hop or direction: unexpected */
    const char *unexpected;  /* or NULL: why it does not belong in this state (static text) */
    bool is_call;            /* of a call or its answer, of: */
    uint8_t interface;       /* enum rpc_interface */
    uint16_t opnum;
    const struct times *times; /* where the answer ends: where the time went, NULL if that is not known */
};

/* A whole PDU of frag_length bytes. rts is NULL unless ptype is RPC_RTS. status is that of
 * a fault or bind_nak, else 0. */
void rpch_conn_pdu(struct rpch_conn *conn, struct when when, enum way way, const struct pdu_header *header,
                   const struct rts_pdu *rts, uint32_t status, struct pdu_outcome *outcome);

/* Body bytes that are no PDU: skipped to resynchronise, or broken. */
void rpch_conn_skipped(struct rpch_conn *conn, struct when when, enum way way, uint32_t bytes);
/* Bytes are missing before what comes now. Nobody reads them, even if they come late. */
void rpch_conn_gap(struct rpch_conn *conn, struct when when, enum way way);

/* What of that direction has begun and is not whole behind the frame: bytes of it have come, or,
 * where not all was captured, are to come. Of both directions, before rpch_conn_segment(). */
enum halfway { HALFWAY_NOTHING, HALFWAY_HEAD, HALFWAY_PDU };
void rpch_conn_halfway(struct rpch_conn *conn, struct when when, enum way way, enum halfway what, uint32_t bytes);

/* Every TCP segment of a claimed connection, after the events above. */
void rpch_conn_segment(struct rpch_conn *conn, const struct segment *segment);

/* A SYN, with ACK if answer, of a TCP connection that is not claimed, from one end to the other. */
void rpch_state_syn(struct rpch_state *world, const struct endpoint *from, const struct endpoint *to, struct when when,
                    bool answer);

/* The state after a frame, for the generated fields. Peers are those of the server end. What
 * it points at is the world's and does not change. */
struct vc_snapshot {
    uint32_t vc, leg;                          /* NO_NUMBER: not numbered */
    uint8_t channel;                           /* 0, 1 IN, 2 OUT: of this TCP connection's current channel */
    uint32_t in_stream, out_stream;            /* NO_NUMBER: not seen so far */
    const struct endpoint *in_peer, *out_peer; /* or NULL */
    const char *state;                         /* "opening", "open", "recycling", "closed", or NULL */
    const uint8_t *cookie;                     /* 16 bytes, or NULL */
    uint32_t peer_frame; /* first RTS PDU (else request) of the other half of this leg, 0 if not seen so far */
    const char *target;  /* "server:port" or NULL */
    const char *outlook_session, *session_id; /* of this channel's request, or NULL */
};

/* The same in short: what it points at is the world's, and shows the same for ever. */
struct vc_mark {
    const struct leg *leg;                             /* NULL: not numbered */
    const struct rpch_conn *half[2];                   /* IN and OUT; NULL: not seen so far */
    const char *target, *outlook_session, *session_id; /* as in the snapshot */
    uint32_t peer_frame;
    uint8_t channel;
    uint8_t state; /* the leg's */
    bool has_cookie;
};

/* False when the connection carries no channel at this time. */
bool rpch_conn_mark(const struct rpch_conn *conn, struct vc_mark *mark);
void vc_mark_show(const struct vc_mark *mark, struct vc_snapshot *snapshot);

/* Where the current channel of a connection belongs. */
struct vc_place {
    const struct leg *leg; /* NULL: not numbered */
    uint32_t since;        /* the channel's first frame */
    uint8_t channel;
};
/* The numbers of that place, as they are now: of the leg before a device that stood behind it in the capture they change.
 * NO_NUMBER: not numbered. */
uint32_t vc_place_connection(const struct vc_place *place);
uint32_t vc_place_leg(const struct vc_place *place);
/* False when the connection carries no channel at this time. */
bool rpch_conn_place(const struct rpch_conn *conn, struct vc_place *place);

/* The row of the report that the connection's current channel belongs to, NO_NUMBER if none. */
uint32_t rpch_conn_row(const struct rpch_conn *conn);
/* The current channel, NULL if there is none. */
struct channel;
const struct channel *rpch_conn_channel(const struct rpch_conn *conn);

/* The number of the connection of that row, NO_NUMBER if there is no such row. */
uint32_t rpch_state_number(const struct rpch_state *world, uint32_t row);
/* The number that the leg of that row has now: what is numbered by it may stand before what showed its place. No such row:
 * the other. */
uint32_t rpch_state_leg(const struct rpch_state *world, uint32_t row, uint32_t otherwise);

/* Whose the leg of that row of the report is, or the virtual connection of it: client.h. NULL if that is not known. */
struct client;
const struct client *rpch_state_client(const struct rpch_state *world, uint32_t row);

/* A call that the leg of that row carried says something of its client. */
struct client_told;
void rpch_state_told(struct rpch_state *world, uint32_t row, const struct client_told *told);

/* ROPs of EMSMDB were read that the leg of that row of the report carried, if there is such a row. They live as long. */
struct rop_message;
void rpch_state_rops(struct rpch_state *world, uint32_t row, const struct rop_message *rops);

#endif
