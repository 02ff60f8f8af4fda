/* conn.h
 * One TCP connection of the capture, and the server it goes to. Channels, sessions and
 * logons hang on it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_CONN_H
#define OUTLOOKHTTP_CONN_H

#include "tables.h"
#include "tcp.h"
#include "tlscert.h"
#include "track.h"

/* What a connection was claimed for. */
enum conn_kind { CONN_RPCH, CONN_MAPI, CONN_KINDS };

/* How it shows that a device stands at a server's address. SIGN_RETURNED: a request brings its cookie back, which tells
 * of the address that clients speak to, not of those behind it. */
enum device_sign { SIGN_NONE, SIGN_RETURNED, SIGN_VIA, SIGN_PERSISTENCE, SIGN_BACK_ENDS, SIGN_LEG };

/* The server's end of TCP connections. */
struct server {
    struct item item;
    struct endpoint end;
    uint32_t open[CONN_KINDS]; /* connections that nobody has ended */
    bool met[CONN_KINDS];      /* there were any */
    void *memo, *idle_memo;    /* the judge's: gone.c; rpch_memo.h */
    struct when heard; /* it sent something, no end, on a connection that nobody had ended; data on one of others */
    uint32_t strange_frame; /* it sent data on a connection that nobody claimed, the last; 0: it has not */
    const char *names[2];   /* the first front end and back end that were named there, kept text; NULL if none was */
    uint8_t sign;           /* enum device_sign: the first but SIGN_RETURNED */
    bool citrix;            /* its responses set a cookie of Citrix ADC (NetScaler) */
    bool joined;            /* a virtual connection opened over it */
};

struct mapi_conn;

/* Two hosts, whatever the client's ports. */
struct hosts {
    struct item item;
    struct endpoint client;
    struct server *server;
    struct when repeated; /* the last data that was sent again, either way, before it was acknowledged */
    struct mapi_conn *silent_first, *silent_last; /* that went silent, oldest first: session.h */
};

/* The first FIN or RST of one end. */
struct conn_end {
    struct when when;          /* frame 0: it has sent none */
    uint32_t behind;           /* sequence number behind it and what it carries */
    uint32_t ack;              /* if has_ack */
    bool rst : 1, has_ack : 1; /* rst: else FIN */
    bool exact : 1;            /* an RST with the very next sequence number */
    bool knew_more : 1;        /* it acknowledges what was not captured by then: its sender had that first */
    bool reason : 1;           /* an RST with text in it: conn_reason() */
    bool passed_on : 1;        /* by that text another gave a device cause to write it */
    bool other_distance : 1;   /* TTL or hop limit two or more off those of that end's other packets */
    bool out_of_series : 1;    /* that end counts its packets in the IP identification, and this is none of them */
    uint8_t ttl, usual_ttl;    /* where the distance differs */
    uint16_t window;           /* of an RST, as sent */
};

/* What the packets of one end look like, RST aside. */
struct conn_looks {
    uint8_t ttl_least, ttl_most; /* 0: not known */
    uint8_t packets;             /* that were counted, up to LOOKS_ENOUGH */
    uint8_t in_series;           /* of them in a row went on in the IP identification */
    uint16_t ip_id;              /* of the last */
};

/* The receive window of one end that was seen to close it, or to leave less room than for the smallest segment (RFC 1122
 * 4.2.3.3). Of few connections, so that it stands beside them. */
struct conn_window {
    struct when closed; /* since then; frame 0: it is open */
    struct when last;   /* the last that said so */
    /* The other end asked meanwhile whether it is open, or filled it, the last time; 0: neither. */
    uint32_t probe_frame;
    uint32_t room; /* that was left then; 0: none */
    bool silly;    /* there was some */
    struct {       /* the last times that it was, while the other end had something to send, oldest first */
        int64_t from, to;
    } was[4];
};

#define POINT_SEVERAL UINT8_MAX /* interfaces that frames of one connection were captured on */
#define UNHEARD_MOST 3          /* one or two may be lost on the way */

struct conn {
    struct track *track;
    struct endpoint client;
    uint32_t stream; /* tcp.stream */
    struct server *server;
    struct tcp_flow tcp;
    struct queue *asked;         /* of its logon; NULL without one */
    const struct tls_leaf *leaf; /* that the server presented, the caller's; NULL if not known */
    uint32_t met_frame;          /* with its first head, 0 if none */
    uint32_t ended_frame;        /* the first FIN or RST, 0 while nobody has ended it */
    uint8_t kind : 4;            /* enum conn_kind */
    uint8_t ended_by : 4;        /* enum way: the end that sent it */
    uint8_t point;               /* where its frames were captured: points.h; 0: not known */
    bool ended : 1, ended_by_rst : 1;
    bool tls : 1;               /* what we see was decrypted */
    bool resent : 1;            /* the client has sent again what lacks an ACK */
    bool acks : 1;              /* the server's end sends ACKs by themselves */
    bool answers_older : 1;     /* the frame that is taken in: acknowledged before the client's last request was sent */
    bool knows_more : 1;        /* the same: its sender has more of the other end than was captured so far */
    bool asked_acks : 1;        /* asked_ack is known */
    bool gave_up : 1;           /* the server's end ended it, and the client was not there any more */
    bool shut : 1;              /* an end has closed its receive window: track->windows has them */
    bool reused : 1;            /* what ended it was a SYN of another connection with the same ports */
    bool idle_unknown : 1;      /* the clock of the capture was set back since last_data */
    uint8_t unheard : 2;        /* how often the server's end said the same again, or asked whether the client is there,
                                 * since it heard of it; up to UNHEARD_MOST */
    uint16_t set_back;          /* track->set_backs at the last frame */
    uint16_t unacked_id;        /* IP identification of the first segment that waits for an ACK */
    uint32_t unheard_at;        /* the moment in which it said something last, in milliseconds */
    uint32_t unheard_since;     /* and that in which it said first what was not heard, 0 if there is none */
    void *memo;                 /* the judge's */
    const struct conn_end *end; /* by enum way: who sent; NULL while nobody has ended it */
    uint32_t round_trip;        /* of its handshake, in microseconds, 0: not captured */
    struct conn_looks looks[2]; /* by enum way */
    struct logon_conn *logon;   /* NULL without one */
    struct hosts *hosts;
    struct when began;    /* its first frame */
    struct when answered; /* the first data from the server, frame 0: none so far */
    struct when sent;     /* the last new data from the client, frame 0: none so far */
    int64_t last_data;    /* the last new data of either end, 0: none so far */
    int64_t heard_ns;     /* the last of the server's end, be it an ACK, but no end: until then the way was there */
    int64_t late_ns;      /* how long it had been idle when the client sent something, be it a keep-alive probe,
                             * that the server has not answered by anything so far; 0: there is no such thing */
    int64_t ended_ns;     /* the time of that frame */
    uint32_t end_seq;     /* behind the FIN that ended it */
    uint32_t unacked;     /* the client waits for an ACK since that millisecond of the connection, the first is 1;
                             * 0: it does not */
    uint32_t asked_ack;   /* the ACK number with the last request */
    uint32_t sees_ack;    /* with the frame that is taken in */
};

/* Claims a connection; it is the track's. Ends are copied. */
struct conn *conn_new(struct track *track, enum conn_kind kind, uint32_t stream, const struct endpoint *client,
                      const struct endpoint *server, const struct conn_past *past);
/* A segment of it, before conn_end(); true if it brings data not seen before. */
bool conn_segment(struct conn *conn, const struct segment *segment);
/* The last frame with a torn segment (track_torn()) that may be what is missed beside this connection: of its client; or
 * of its server, from where a device may have more addresses than one. 0: none. */
uint32_t conn_torn(const struct conn *conn);
/* The same of what a server's end sent on connections of which the client's was not captured (track_half()). */
uint32_t conn_half_beside(const struct conn *conn);
/* Whether the clock of the capture was set back since the last frame of it. */
static inline bool conn_set_back(const struct conn *conn)
{
    return conn->set_back != conn->track->set_backs;
}
/* Before what a frame carries is taken in: how far its sender had got. */
void conn_sees(struct conn *conn, enum way way, uint32_t seq, uint32_t ack);
/* How much of the client its sender has that was not captured so far, the frame being the server's. */
uint32_t conn_unseen(const struct conn *conn);
/* Whether the client had an answer before it sent what the frame carries, and all of that was captured. */
bool conn_answer_passed(const struct conn *conn);
/* It carries a request. */
void conn_asked(struct conn *conn);
/* Whether something that the client sent in that frame or later may not have been captured. */
bool conn_client_missed_since(const struct conn *conn, uint32_t since);
/* Behind all else of that segment: emits EVENT_SERVER_ANSWERED if it was the one. */
void conn_tell_answered(const struct conn *conn, struct when when);
/* The receive window of that end, if it has been closed for that long at least, by now or by the end of the connection, and
 * the other end had something to send: who owns it does not read. NULL: it is not so. */
const struct conn_window *conn_unread(const struct conn *conn, enum way way, int64_t least);
int64_t conn_unread_for(const struct conn *conn, const struct conn_window *window);
/* For how long between two moments it was, as far as that is remembered, and the other end had something to send. */
int64_t conn_closed_within(const struct conn *conn, enum way way, int64_t from, int64_t to);
/* Whether it was seen closed in that moment or later. */
bool conn_closed_since(const struct conn *conn, enum way way, int64_t from);
/* Whether the client was not there any more at that time, as the server's end had to take it. */
bool conn_client_gone(const struct conn *conn, int64_t now);
/* Whether the sender of a segment knew of the FIN that had ended the connection. */
bool conn_end_was_known(const struct conn *conn, const struct segment *segment);
/* Notes the first FIN or RST; true if this is it. */
bool conn_end(struct conn *conn, const struct segment *segment);
/* It is none of ours after all. */
void conn_disown(struct conn *conn);
/* What that end sent, NULL if neither FIN nor RST. */
static inline const struct conn_end *conn_end_of(const struct conn *conn, enum way way)
{
    return conn->end && conn->end[way].when.frame ? &conn->end[way] : NULL;
}
/* Whether that end closed of its own accord: its FIN or RST does not cover a FIN of the other end,
 * and follows none of its RST. With FINs that cross both did. */
bool conn_ended_by(const struct conn *conn, enum way way);
/* The client closed its sending side only: it was there to read on when the server's end closed, too, and that was not at
 * once, as by one who takes that FIN for the client's leave. */
bool conn_half_closed(const struct conn *conn);
/* The end whose doing the end of the connection is: the one that closed first, but of a half-closed one the server's. */
static inline enum way conn_broken_by(const struct conn *conn)
{
    return conn_half_closed(conn) ? WAY_TO_CLIENT : (enum way)conn->ended_by;
}
/* What that end sent; frame 0 while nobody has ended it. */
static inline struct when conn_broken(const struct conn *conn)
{
    return conn_half_closed(conn) ? conn->end[WAY_TO_CLIENT].when :
                                    (struct when){ .frame = conn->ended_frame, .ns = conn->ended_ns };
}
/* The text in the RST of that end, NULL if there is none: printable, and cut. */
#define RST_REASON_MAX 80
const char *conn_reason(const struct conn *conn, enum way way);
/* The window of the RST of that end where it is a code: the server's end is a Citrix ADC. 0: it is none. */
unsigned conn_reset_code(const struct conn *conn, enum way way);
/* How it shows that the RST of that end is not its own; NULL: it does not. text: room for it. */
#define FOREIGN_TEXT_MAX 120
const char *conn_foreign_rst(const struct conn *conn, enum way way, char text[FOREIGN_TEXT_MAX]);
/* Whether RSTs went to both ends at about the same time: whoever gets one answers none, so one device may have written both,
 * and which stands first says nothing. */
bool conn_reset_both_ways(const struct conn *conn);
/* And one of them shows that it is not its end's own. */
bool conn_reset_by_another(const struct conn *conn);
/* Why absence proves nothing on it. frame, or NULL: where the gap or cut is, 0 if not known. */
enum doubt conn_doubt(const struct conn *conn, uint32_t *frame);
/* Whether something that was not captured may have passed in that frame or later. */
bool conn_missed_since(const struct conn *conn, uint32_t since);

static inline const struct endpoint *conn_server(const struct conn *conn)
{
    return &conn->server->end;
}
/* It goes to Exchange's own back end (2013 and later): its client is Exchange's front end, no device of the network. */
static inline bool conn_is_back_end(const struct conn *conn)
{
    enum { BACK_END_PORT = 444 };
    return conn_server(conn)->port == BACK_END_PORT;
}

/* The server with that end, NULL if no connection was claimed to it. */
struct server *track_find_server(const struct track *track, const struct endpoint *end);
/* Data came from that end on a connection that nobody claimed. */
void track_server_heard(const struct track *track, const struct endpoint *end, struct when when);
/* A response names a front end (0) or a back end (1); or a device shows at the address. name: kept text, or NULL. */
void server_note_name(struct server *server, unsigned which, const char *name);
void server_note_device(struct server *server, enum device_sign sign);
/* That end answered a SYN by RST: emits EVENT_SERVER_REFUSED if it is a server's. */
void track_server_refused(struct track *track, const struct endpoint *end, struct when when);

#endif
