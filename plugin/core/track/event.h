/* event.h
 * What state says has happened. Each is emitted when the state of its step is complete; the
 * comment says what the members mean. Objects are read only, and in the state that the event
 * leaves.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_EVENT_H
#define OUTLOOKHTTP_EVENT_H

#include "conn.h"
#include "tcp.h"

enum event_kind {
    /* ---- RPC over HTTP: event.rpch --------------------------------------------------- */

    /* leg: its two halves are known, or more of them: a successor, or a response, which may
     * name its server. peers. */
    EVENT_PAIRED,
    /* leg: the virtual connection is open (C2, C1, B3, or what can only follow); or a
     * successor has taken over on one that is. */
    EVENT_JOINED,
    /* leg: both first PDUs were sent, it is not open, and time has passed on it. */
    EVENT_NOT_JOINED,
    /* leg: its attempt is over before it was open; a further one, or another request on its
     * connection, is about to begin. Each of them tells it. */
    EVENT_LEG_FAILED,
    /* channel: closed, or long enough there, without its other half. It is numbered where
     * that is certain (channel->alone). */
    EVENT_ALONE,
    /* channel: http is the first response that ends it, and no step of a logon. */
    EVENT_REFUSED,
    /* channel: its connection closed behind a 401 or 407 that asks for more. */
    EVENT_CHALLENGE_LEFT,
    /* channel: a request for it begins; it need not be numbered */
    EVENT_CHANNEL_ASKED,
    /* leg: got_200 or, if is_a3, got_a3 has come on OUT. */
    EVENT_OUT_CAME,
    /* leg: its OUT channel ends, by its connection or another request on it. */
    EVENT_OUT_ENDED,
    /* leg: the IN body up to its mark was acknowledged (mark_acked); arrived: it has now come
     * on the leg behind. It came with a frame of at. */
    EVENT_BODY_AWAITED,
    /* channel: its connection ends; was_open: and the virtual connection was in use, idle for
     * that time. */
    EVENT_CHANNEL_ENDED,
    /* channel, or NULL: its connection was ended (conn), and nothing has followed from that so far. */
    EVENT_CONN_ENDED,
    /* conn, channel: data after a long idle time (the probe of that way) is sent again and
     * again, or answered by RST (by_reset). */
    EVENT_DATA_UNANSWERED,
    /* channel: what its request owes (awaited) has not come for a long time, or the connection has ended before. */
    EVENT_AWAITED,
    /* leg: unanswered, the oldest call that should have had an answer; heard with every segment. */
    EVENT_CALL_AWAITED,
    /* channel: it is to be replaced, and no successor was asked for (TURN_SUCCESSOR), or that was not accepted
     * (TURN_ANSWER), for a long time, up to its end, or for good (status, or 0: OUT_R2/B2). */
    EVENT_NOT_REPLACED,
    /* channel: call, a fault or bind_nak with that status. */
    EVENT_CALL_FAILED,
    /* channel: it has carried more than its lifetime. */
    EVENT_LIFETIME_PASSED,
    /* channel: more RPC PDUs were sent than the receiver allowed. */
    EVENT_WINDOW_PASSED,
    /* Time has passed: a segment came on that connection (conn), of that leg, if it is a channel's. */
    EVENT_SEGMENT_PASSED,

    /* ---- MAPI/HTTP ------------------------------------------------------------------ */

    /* session.side: Connect or Bind succeeded, the session begins there or begins anew */
    EVENT_SESSION_BEGAN,
    /* session.request: a request, with the frame that it begins in */
    EVENT_REQUEST_BEGAN,
    /* session.request: the head of its final response came */
    EVENT_STATUS,
    /* session.request: its response goes on, the first time since another request of its context began */
    EVENT_OVERLAP_SHOWN,
    /* session.reply: it went on after a silence that X-PendingPeriod rules out, or its PENDING
     * came several at once */
    EVENT_RESPONSE_LATE,
    /* session.reply: a response, whole or cut, with its request if that is known; its session
     * has not learned from it yet */
    EVENT_RESPONSE_ENDED,
    /* session.reply: an end closed the connection under it, once for each response */
    EVENT_RESPONSE_CUT,
    /* session.request: an end closed the connection and no response had begun, once each */
    EVENT_REQUEST_UNANSWERED,
    /* session.conn: its connection was ended, and nothing has followed from that so far */
    EVENT_SESSION_CONN_ENDS,
    /* session.dropped: what its request was (silent->dropped) has never been acknowledged, and the server has now
     * answered something that this client sent later, on another connection */
    EVENT_REQUEST_DROPPED,
    /* session.conn, or NULL: a frame is done, behind all else in it */
    EVENT_SESSION_TIME_PASSED,

    /* ---- logons, of both ------------------------------------------------------------ */
    EVENT_CHALLENGE_MISSING, /* type3: the frame with a type 3 is complete, and no type 2 of its connection fits it */
    EVENT_CREDENTIALS_ANSWERED, /* answer: final credentials got their first answer, for good or ill */
    EVENT_CREDENTIALS_REFUSED,  /* answer: final credentials got a 401; follows ANSWERED */
    EVENT_OFFER,                /* answer: a 401 says what the server offers; follows REFUSED */
    EVENT_STRANGER, /* request: the first without credentials, and of another user, that the server takes for
                                  * the connection's owner's since he logged on */
    EVENT_CHALLENGE_UNANSWERED, /* unanswered: what a client does after a challenge in lower case */
    EVENT_BEARERS_EMPTY,        /* rounds: their last connection ends */
    EVENT_TOKEN_LEFT,           /* left: nothing has come after the refusal of a token */
    EVENT_NO_CHALLENGE,         /* tried: one more handshake in a row came to nothing at its challenge */

    /* ---- of both protocols ---------------------------------------------------------- */
    EVENT_SERVER_ANSWERED, /* answered: the first data from its server has come on that connection */
    EVENT_SERVER_REFUSED,  /* refused: it answered a SYN by RST */

    EVENT_KINDS
};

struct channel;
struct http_info;
struct leg;
struct pdu_header;
struct rpch_conn;
struct side; /* session.h */
struct exchange;
struct reply;
struct mapi_conn;
/* What a client does after a challenge in lower case. */
enum passed_by { PASSED_BY_CLOSE, PASSED_BY_REQUEST };

/* logon_state.h */
struct logon_conn;
struct lone_type3;
struct logon_answer;
struct left_token;
struct rounds;
struct tried;

struct event {
    enum event_kind kind;
    struct when when; /* the frame that it came with */
    union {
        struct { /* RPC over HTTP (rpch_state.h) */
            const struct channel *channel;
            const struct leg *leg; /* the channel's, if that is numbered */
            union {
                struct {
                    unsigned difference;           /* enum difference, as it shows now */
                    const struct channel *pair[2]; /* that differ */
                } peers;
                const struct http_info *http;
                bool is_a3;
                struct {
                    const struct leg *at;
                    bool arrived;
                } body;
                struct {
                    bool was_open;
                    int64_t idle_ns;
                } end;
                const struct call *unanswered;
                struct {
                    int what;   /* enum awaited */
                    int64_t ns; /* for so long */
                } awaited;
                struct {
                    int step;                     /* enum turn_step */
                    bool refused;                 /* by http, or by OUT_R2/B2 */
                    const struct channel *asked;  /* the successor, or NULL */
                    const struct http_info *http; /* or NULL */
                    int64_t ns;                   /* waited for so long */
                } turn;
                const struct rpch_conn *conn;
                struct {
                    const struct rpch_conn *conn;
                    enum way way;
                    bool by_reset;
                } silence;
                struct {
                    const struct pdu_header *header;
                    uint32_t status;
                } call;
            };
        } rpch;
        const struct conn *answered;
        const struct server *refused;
        union { /* MAPI/HTTP (session.h), by kind, as said there */
            const struct side *side;
            const struct exchange *request;
            const struct reply *reply;
            const struct mapi_conn *conn;
            struct {
                const struct mapi_conn *silent;
                const struct conn *answered;
            } dropped;
        } session;
        union { /* logons (logon_state.h), by kind, as said there */
            const struct lone_type3 *type3;
            const struct logon_answer *answer;
            const struct exchange *request;
            const struct rounds *rounds;
            const struct left_token *left;
            const struct tried *tried;
            struct {
                const struct logon_conn *conn;
                enum passed_by then;
            } unanswered;
        } logon;
    };
};

#endif
