/* vconn_private.h
 * What vconn.c, flow.c, vjudge.c and view.c share. Everything here lives in the world's
 * arena; a virtual connection with its two TCP connections stays below 1.25 KiB.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_VCONN_PRIVATE_H
#define OUTLOOKHTTP_VCONN_PRIVATE_H

#include "say.h"
#include "tables.h"
#include "vconn.h"

#define HANDSHAKE_WAIT (5 * SECOND)
#define PAIRING_WINDOW (5 * SECOND)
#define LONE_WAIT (120 * SECOND)
#define BUFFERED_WAIT (2 * SECOND)
#define IDLE_LEAST (10 * SECOND)
#define GONE_WINDOW (1 * SECOND)
#define DROP_IDLE (60 * SECOND)
#define DROP_REPEATS 3

enum role { ROLE_IN = 0, ROLE_OUT = 1 };

/* ---- TCP -------------------------------------------------------------------------- */

struct probe {                   /* data after a long idle time, not acknowledged so far */
    bool probing;
    uint8_t repeats;             /* of that data */
    uint16_t probe_id;
    uint32_t probe_seq, probe_end;
    uint32_t probe_frame;        /* the data's first frame */
    int64_t probe_last, probe_idle;
};

struct server;

enum asked { ASKED_NOTHING, ASKED_CHANNEL, ASKED_ECHO, ASKED_OTHER };

struct vtcp {
    struct vworld *world;
    uint32_t stream;
    uint8_t hop;                 /* enum rts_hop */
    uint8_t asked;               /* enum asked, of the last request */
    uint8_t asked_role;          /* enum role, of an echo request */
    uint8_t ended_by;            /* enum way: the end that sent the FIN or RST */
    bool ended, ended_by_rst, drop_told;
    bool saw_challenge;          /* a 401 with a token in it */
    uint32_t ended_frame;
    struct endpoint client;
    struct server *server;
    struct tcp_flow tcp;
    struct probe *probe;         /* by enum way: who sent; NULL before the first */
    int64_t last_ns;             /* of the last frame up to the end */
    int64_t last_data;           /* any payload, either way; 0 before the first */
    struct channel *channel;     /* of the last request; NULL after an echo or other request */
    struct names *names;         /* who answered here; NULL: nobody gave a name */
};

struct names {
    const char *front_end, *challenge, *persist_name, *persist;
};

/* ---- channels, legs, connections ------------------------------------------------- */

/* What few channels have. */
struct channel_more {
    const char *outlook_session, *session_id;
    struct session *session;     /* where it waits for its other half, or NULL */
    struct channel *newer, *older;       /* in that session */
    struct channel *waiting_next;        /* world->waiting_first ... */
    struct when idle_at;         /* the end that may be an idle time-out, waiting for hindsight */
    int64_t idle_for;
};

struct channel {
    struct vtcp *conn;
    struct leg *leg;             /* NULL: not numbered */
    struct place *place;         /* channels of the same client and target */
    struct channel_more *more;   /* or NULL */
    const char *target, *user;
    uint8_t role;                /* enum role */
    uint8_t step;                /* enum http_auth_step of the request */
    bool v1 : 1, final : 1, over : 1, challenged : 1, refused : 1, refusal_told : 1, seen_eof : 1;
    bool replaced : 1, is_successor : 1, has_cookie : 1, has_limit : 1, counted : 1, lone_told : 1, lifetime_told : 1;
    bool window_told : 1, paired : 1, lone_due : 1, rpc_seen : 1;
    bool again : 1;              /* after another of its role on this connection */
    uint16_t challenge_status;
    uint32_t challenge_frame;
    uint8_t cookie[16];
    struct when request, first_rts;      /* request: the first RTS PDU where there is no HTTP */
    int64_t last_body;           /* any body byte, either way */
    uint64_t bytes[2];           /* body bytes by enum way */
    uint64_t rpc_sent;           /* 3.2.1.1.4 BytesSent, of the channel's data direction */
    uint64_t limit;              /* what the receiver allowed to be sent in all */
    uint64_t lifetime;           /* announced, 0 if not */
};

enum leg_state { LEG_OPENING, LEG_OPEN, LEG_RECYCLING, LEG_CLOSED };
enum difference { SAME_SERVER, DIFFER_PEER, DIFFER_FRONT_END, DIFFER_PERSISTENCE, DIFFER_CHALLENGE };

struct leg {
    struct vc *vc;
    struct leg *next, *prev;
    struct leg *vacant_next[2];
    uint32_t number, row;
    uint8_t hop;                 /* enum rts_hop */
    uint8_t state;               /* enum leg_state */
    bool vacant[2];              /* the role's connection was challenged or closed: the next one is a retry */
    bool recycling[2];
    bool joined : 1;             /* C2 (C1, B3) or what can only follow it was seen */
    bool explained : 1;          /* a 4xx on either channel */
    bool failed : 1;             /* closed, retried or refused before it was joined: cause says how */
    bool differ_told : 1, handshake_told : 1, target_told : 1, joined_told : 1, late_out_told : 1, late_in_told : 1;
    bool idle_told : 1;
    bool withheld : 1;           /* a verdict from absence was due and could not be told */
    bool ended_by_rst : 1, has_verdict : 1, where_seen : 1;
    uint8_t difference;          /* enum difference */
    uint16_t context;            /* enum rts_context: which sequence a recycling follows */
    struct channel *current[2];  /* by enum role */
    struct leg_turn *turn;       /* NULL before the first */
    uint32_t attempt_frame;      /* where a further attempt began, 0 in the first */
    struct when start, last;
    struct when got_200, got_a3;
    int64_t sent_at;             /* when both first PDUs had been sent */
    int64_t setup_ns;            /* -1 before it opened */
    int64_t mark_acked;          /* IN body: when the client's leg acknowledged the mark, 0 if not yet */
    uint64_t mark_bytes;         /* body bytes up to the mark, 0 if there is none */
    uint32_t mark_end;           /* sequence number behind the mark */
    uint32_t mark_frame;
    uint32_t timeout_ms[2];      /* announced for that channel, 0 if not */
    uint32_t keepalive_ms;
    uint32_t window[2];          /* the receiver's whole window, 0 if not announced */
    uint32_t calls, faults;
    int64_t longest_idle;
    uint32_t fail_frame;
    uint8_t fail_cause;          /* enum fail_cause */
    uint8_t ended_by;            /* enum way */
    uint8_t verdict, severity, where;
    uint32_t verdict_frame;
    uint32_t ended_frame;        /* 0 while it lives */
    const char *user, *request_id;
};

struct leg_turn {                /* by enum role */
    struct channel *coming[2];   /* successor under way */
    struct channel *before[2];   /* of an attempt before, where the present one has none so far */
};

static inline struct channel *leg_coming(const struct leg *leg, enum role role)
{
    return leg->turn ? leg->turn->coming[role] : NULL;
}

static inline struct channel *leg_before(const struct leg *leg, enum role role)
{
    return leg->turn ? leg->turn->before[role] : NULL;
}

struct vc {
    struct item item;            /* in world->cookies, if it has one */
    struct vworld *world;
    uint32_t number;
    uint32_t leg_count;
    bool has_cookie;
    uint8_t cookie[16];
    struct leg *legs, *last_leg;
    struct leg *lacking[2][2];   /* by hop and role: no leg before it lacks that role */
    struct leg *vacant[2];       /* by role */
    struct handing *handing;     /* by role; NULL before the first successor */
};

struct handing {
    struct leg *leg;             /* where the search for a successor goes on, or NULL */
    uint8_t successor[16];       /* whose search that is */
};

/* ---- tables ----------------------------------------------------------------------- */

/* The server end of TCP connections: who ended when. */
struct server {
    struct item item;
    struct endpoint end;
    uint32_t open;               /* claimed connections */
    uint32_t waiting;            /* of its channels, in world->waiting_first */
    struct leg *end_leg[2];      /* whose channel in use the server ended last, and one of another vc */
    struct when ended[2];
    struct when foreign_end;     /* of a connection without such a channel */
    const struct vc *foreign_vc; /* that connection's, or NULL */
    struct when told;            /* server_gone, or the last end that belongs to it */
};

static inline const struct endpoint *server_end(const struct vtcp *conn)
{
    return &conn->server->end;
}

/* Channels of one client address and target whose virtual connection is not known. */
struct place {
    struct item item;
    const char *target;
    uint8_t family, addr[16], hop;
    uint32_t unpaired[2];        /* by enum role */
    int64_t latest[2];           /* request of the newest of them */
};

/* The same with one OutlookSession or SessionId, newest first; none has its other half. */
struct session {
    struct item item;
    const struct place *place;
    const char *id;
    struct channel *newest;
};

struct vworld {
    struct arena arena;
    struct vprefs prefs;
    struct table cookies, servers, places, sessions, texts;
    struct leg **rows;
    uint32_t row_count, row_room, vc_count;
    struct channel *waiting_first, *waiting_last;    /* idle_closed that needs hindsight, oldest first */
    struct verdict_list verdicts;
};

/* ---- vconn.c ---------------------------------------------------------------------- */

const char *world_intern(struct vworld *world, const char *text);    /* NULL for "" */
struct server *world_server(struct vworld *world, const struct endpoint *end);
/* Gives the channel a virtual connection and a leg if it has none, with its other half if
 * OutlookSession or SessionId tells it. */
void channel_number(struct channel *channel, struct when when);
struct channel *leg_other(const struct channel *channel);        /* the other half, or NULL */
struct channel_more *channel_more(struct channel *channel);      /* made on first use */
bool leg_sent(const struct leg *leg);            /* both first PDUs were sent */
int64_t channel_start(const struct channel *channel);
uint32_t channel_frame(const struct channel *channel);           /* of its first PDU, else of its request */

static inline enum way data_way(const struct channel *channel)
{
    return channel->role == ROLE_IN ? WAY_TO_SERVER : WAY_TO_CLIENT;
}

/* ---- flow.c ----------------------------------------------------------------------- */

void flow_segment(struct vtcp *conn, const struct segment *segment);
enum doubt conn_doubt(const struct vtcp *conn, uint32_t *frame); /* frame: where the gap is, 0 if not known */
bool leg_whole(const struct leg *leg);           /* both connections, as far as there are two */
void flow_window(struct channel *channel, uint32_t window);
void flow_ack(struct channel *channel, uint32_t received, uint32_t available);

/* ---- vjudge.c -------------------------------------------------------------------- */

enum fail_cause { FAIL_NONE, FAIL_CLOSED, FAIL_RESET, FAIL_RETRIED, FAIL_REFUSED, FAIL_TIME };

void judge_pairing(struct leg *leg, struct when when);   /* servers and targets */
void judge_joined(struct leg *leg, struct when when);
void judge_handshake(struct leg *leg, struct when when); /* also the time since it was due */
void judge_lone(struct channel *channel, struct when when, bool closed);
void judge_refused(struct channel *channel, struct when when, const struct http_info *info);
void judge_torn(struct channel *channel, struct when when);      /* closed after a 401 or 407 */
void judge_end(struct channel *channel, struct when when, bool was_open, int64_t idle);
void judge_foreign_end(struct vworld *world, struct server *server, const struct vc *vc, struct when when);
void judge_waiting(struct vworld *world, struct when when);
void judge_drop(struct vtcp *conn, struct when when, enum way data, bool by_reset);
void judge_buffered_out(struct leg *leg, struct when when, bool is_a3);
void judge_withheld_out(struct leg *leg, struct when when);      /* OUT ends without any response */
void judge_buffered_in(struct leg *leg, struct when when);
void judge_call(struct channel *channel, struct when when, const struct pdu_header *header, uint32_t status);
void judge_lifetime(struct channel *channel, struct when when);
void judge_window(struct channel *channel, struct when when);

#endif
