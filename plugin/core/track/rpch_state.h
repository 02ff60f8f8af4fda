/* rpch_state.h
 * The state of virtual connections, for those who read it. Everything here lives in the
 * track's arena; a virtual connection with its two TCP connections stays below 2 KiB.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_RPCH_STATE_H
#define OUTLOOKHTTP_RPCH_STATE_H

#include "conn.h"
#include "tables.h"
#include "vconn.h"

struct timing; /* timing.h */

enum role { ROLE_IN = 0, ROLE_OUT = 1 };

/* ---- TCP -------------------------------------------------------------------------- */

struct probe { /* data after a long idle time, not acknowledged so far */
    bool probing;
    uint8_t repeats; /* of that data */
    uint16_t probe_id;
    uint32_t probe_seq;
    uint32_t probe_frame; /* the data's first frame */
    int64_t probe_last, probe_idle;
};

enum asked { ASKED_NOTHING, ASKED_CHANNEL, ASKED_ECHO, ASKED_OTHER };

struct rpch_conn {
    struct rpch_state *world;
    struct conn *link;         /* the TCP connection */
    uint8_t hop;               /* enum rts_hop */
    uint8_t asked;             /* enum asked, of the last request */
    uint8_t asked_role;        /* enum role, of an echo request */
    bool saw_challenge;        /* a 401 with a token in it */
    bool went_silent;          /* data after a long idle time was not answered, and all was captured */
    bool by_calls;             /* it may be plain DCE/RPC */
    uint8_t halfway[2];        /* enum halfway, by enum way: a head or PDU that is not whole, */
    uint32_t halfway_bytes[2]; /* and so many bytes of it */
    void *memo;                /* the judge's */
    struct probe *probe;       /* by enum way: who sent; NULL before the first */
    int64_t last_ns;           /* of the last frame up to the end */
    int64_t last_data;         /* any payload, either way; 0 before the first */
    int64_t heard[2];          /* the last segment of each end, by enum way, FIN and RST aside; 0 before the first */
    struct channel *channel;   /* of the last request; NULL after an echo or other request */
    struct names *names;       /* who answered here; NULL: nobody gave a name */
    struct when *begun;   /* by enum way: a PDU that is not whole, frame 0 if there is none; NULL before the first */
    struct channel *echo; /* the last echo request, which is no channel; NULL before the first */
};

struct names {
    const char *front_end, *challenge, *persist_name, *persist;
};

/* ---- channels, legs, connections ------------------------------------------------- */

/* What few channels have. */
struct channel_more {
    const char *outlook_session, *session_id;
    struct endpoint forwarded;       /* whom a device says that it speaks for, family 0 if it does not */
    struct outlook_session *session; /* where it waits for its other half, or NULL */
    struct channel *newer, *older;   /* in that session */
};

struct channel {
    struct rpch_conn *conn;
    struct leg *leg;           /* NULL: not numbered */
    struct place *place;       /* channels of the same client and target */
    struct channel_more *more; /* or NULL */
    const char *target, *user;
    uint8_t role;                          /* enum role */
    uint8_t step;                          /* enum auth_step of the request */
    bool v1 : 1, final : 1, anonymous : 1; /* the last two: of those credentials */
    bool proxy_step : 1;                   /* its last request brought Proxy-Authorization */
    bool proxy_final : 1;                  /* Proxy-Authorization is, too */
    bool over : 1, challenged : 1, refused : 1, seen_eof : 1, rpc_seen : 1;
    bool replaced : 1, is_successor : 1, has_cookie : 1, has_limit : 1, counted : 1, paired : 1;
    bool due_alone : 1;      /* closed before its other half came */
    bool alone : 1;          /* it has none, for all that was captured */
    bool again : 1;          /* after another of its role on this connection */
    bool got_status : 1;     /* a final one, also 401, on this channel */
    bool has_body : 1;       /* the request announces PDUs */
    bool accepted : 1;       /* by a status 200 */
    bool is_echo : 1;        /* an echo request (2.1.2.1.5): no channel */
    bool guessed : 1;        /* its place in the leg: by client, target and time alone */
    uint8_t refused_by;      /* enum http_author of the response that refused it */
    uint16_t refused_status; /* and its status */
    uint8_t cookie[16];
    uint32_t challenge_frame;
    uint16_t challenge_status;
    uint16_t auth_len;              /* of Authorization, at most what fits */
    struct when request, first_rts; /* request: the first RTS PDU where there is no HTTP */
    int64_t last_body;              /* any body byte, either way */
    int64_t body_at[2];             /* the last one by enum way, 0 before the first */
    uint64_t bytes[2];              /* body bytes by enum way */
    uint64_t rpc_sent;              /* 3.2.1.1.4 BytesSent, of the channel's data direction */
    uint64_t limit;                 /* what the receiver allowed to be sent in all */
    uint64_t lifetime;              /* announced, 0 if not */
    void *memo;                     /* the judge's */
};

enum leg_state { LEG_OPENING, LEG_OPEN, LEG_RECYCLING, LEG_CLOSED };
enum fail_cause { FAIL_NONE, FAIL_CLOSED, FAIL_RESET, FAIL_RETRIED, FAIL_REFUSED };
/* How it shows that channels did not end on one server, the strongest first. */
enum difference { SAME_SERVER, DIFFER_PEER, DIFFER_FRONT_END, DIFFER_PERSISTENCE, DIFFER_CHALLENGE };

struct leg {
    struct vc *vc;
    struct leg *next, *prev;
    struct leg *vacant_next[2];
    uint32_t number, row;
    uint8_t hop;        /* enum rts_hop */
    uint8_t state;      /* enum leg_state */
    uint8_t difference; /* enum difference: the last that showed in this attempt */
    bool vacant[2];     /* the role's connection was challenged or closed: the next one is a retry */
    bool recycling[2];
    bool joined : 1;    /* C2 (C1, B3) or what can only follow it was seen */
    bool explained : 1; /* a response that refuses either channel */
    bool failed : 1;    /* closed, retried or refused before it was joined: cause says how */
    bool ended_by_rst : 1;
    bool skewed : 1; /* an effect stands on one of its connections before its cause on the other: their clocks differ */
    uint8_t fail_by : 1;        /* enum way: whose doing that was */
    uint8_t ended_by : 1;       /* enum way */
    uint8_t fail_cause;         /* enum fail_cause */
    uint16_t context;           /* enum rts_context: which sequence a recycling follows */
    uint32_t attempt_frame;     /* where a further attempt began, 0 in the first */
    struct channel *current[2]; /* by enum role */
    struct leg_turn *turn;      /* NULL before the first */
    struct when start, last;
    struct when got_200, got_a3;
    struct when opened;  /* by C2, C1 or what the server sent behind it; frame 0: it was not seen to */
    int64_t sent_at;     /* when both first PDUs had been sent */
    int64_t setup_ns;    /* -1 before it opened */
    int64_t mark_acked;  /* IN body: when the client's leg acknowledged the mark, 0 if not yet */
    uint64_t mark_bytes; /* body bytes up to the mark, 0 if there is none */
    uint32_t mark_end;   /* sequence number behind the mark */
    uint32_t mark_frame;
    uint32_t timeout_ms[2]; /* announced for that channel, 0 if not */
    uint32_t keepalive_ms;
    uint32_t in_window; /* the IN proxy's, whole, 0 if not announced */
    uint32_t calls, faults;
    int64_t longest_idle;
    uint32_t fail_frame;
    uint32_t ended_frame; /* 0 while it lives */
    int64_t fail_ns;
    const char *user, *request_id;
    struct calls *pending;   /* NULL before the first */
    struct rop_totals *rops; /* NULL before the first */
    struct client *client;   /* whose it is: client.h. Of the leg next to him alone; NULL: not known, or nobody's */
    void *memo;              /* the judge's, of the leg */
    void *attempt_memo;      /* and of this attempt on it */
};

/* A bind, alter_context or call that has not had its whole answer; its room is used again behind it. */
struct call {
    struct call *next;
    uint32_t id;
    uint16_t opnum;
    uint8_t ptype;                /* enum rpc_ptype of what asked */
    uint8_t interface;            /* enum rpc_interface of a call */
    bool waits : 1;               /* it is of the kind that stays pending in health, or that is not known */
    bool sent : 1, answering : 1; /* its last fragment was sent; the first of the answer has come */
    struct when begin, last;      /* its first and its newest fragment */
    struct when first, sent_at;   /* its first and its last byte */
    struct when answer;           /* the first byte of the answer, frame 0 before it */
    void *memo;                   /* the judge's */
};

/* Calls that were answered behind a device, for the leg before it: those of a moment. */
#define CALLS_ANSWERED 8
struct answered_calls {
    struct {
        uint32_t id;
        const struct timing *timing; /* NULL: none */
    } call[CALLS_ANSWERED];
    unsigned next;
};

#define CALLS_KEPT 32  /* pending on one leg; clients have a few at a time */
#define BOUNDS_KEPT 16 /* presentation contexts of one leg */

struct calls {
    struct call *first, *last;       /* oldest first */
    struct answered_calls *answered; /* NULL before the first */
    uint8_t count, bounds, earlies;
    uint32_t highest, early; /* number of a call that was sent; that was answered before */
    int16_t holds;           /* sessions that its calls began and have not ended */
    bool released;           /* the last call that was answered ended one, and none is left */
    bool lost; /* there were more than are kept, or bytes that may have been some: none is known to be all */
    struct {
        uint16_t context;
        uint8_t interface;
    } bound[BOUNDS_KEPT];
};

/* What a recycling waits for. */
enum turn_step { TURN_NOTHING, TURN_SUCCESSOR, TURN_ANSWER };

struct leg_turn {                /* by enum role */
    struct channel *coming[2];   /* successor under way */
    struct channel *before[2];   /* of an attempt before, where the present one has none so far */
    uint8_t step[2];             /* enum turn_step */
    struct when since[2];        /* that it waits */
    struct channel *gone[2];     /* the predecessor, which ended while the successor had not been accepted */
    struct channel *lost[2];     /* the successor, which the server's end ended before it was accepted */
    struct channel *replaced[2]; /* that in use took over from it */
};

static inline struct channel *leg_coming(const struct leg *leg, enum role role)
{
    return leg->turn ? leg->turn->coming[role] : NULL;
}

/* All of a leg, by number: those in use, then their successors under way, IN before OUT; NULL
 * where there is none. */
#define LEG_CHANNELS 4
static inline struct channel *leg_channel(const struct leg *leg, unsigned number)
{
    return number < 2 ? leg->current[number] : leg_coming(leg, (enum role)(number - 2));
}

/* That a recycling of the role waits for, and since when. */
/* Whether the client has ended what it used the connection for. */
static inline bool leg_is_released(const struct leg *leg)
{
    return leg->pending && leg->pending->released && !leg->pending->first;
}

static inline enum turn_step leg_step(const struct leg *leg, enum role role)
{
    return leg->turn ? (enum turn_step)leg->turn->step[role] : TURN_NOTHING;
}

/* What the channel's request owes and has not shown: the first PDU behind its head, or the response to that; of
 * an echo request its response. */
enum awaited { AWAITED_NOTHING, AWAITED_PDU, AWAITED_RESPONSE };
enum awaited channel_awaits(const struct channel *channel);

static inline struct channel *leg_before(const struct leg *leg, enum role role)
{
    return leg->turn ? leg->turn->before[role] : NULL;
}

struct vc {
    struct item item; /* in world->cookies, if it has one */
    struct rpch_state *world;
    uint32_t number;
    uint32_t leg_count;
    bool has_cookie;
    uint8_t cookie[16];
    struct leg *legs, *last_leg;
    struct leg **lacking[2][2]; /* by hop and role: where legs are linked, none before lacks that role; or NULL */
    struct leg *vacant[2];      /* by role */
    struct handing *handing;    /* by role; NULL before the first successor */
};

struct handing {
    struct leg *leg;       /* where the search for a successor goes on, or NULL */
    uint8_t successor[16]; /* whose search that is */
};

/* ---- tables ----------------------------------------------------------------------- */

/* Channels of one client address and target whose virtual connection is not known. */
struct place {
    struct item item;
    const char *target;
    struct endpoint client; /* that one of its connections, of any port */
    enum rts_hop hop;
    uint32_t unpaired[2];        /* by enum role */
    int64_t latest[2];           /* request of the newest of them */
    struct channel *numbered[2]; /* the two newest OUT that a cookie has numbered, newest first */
    struct leg *newest[2];       /* by enum role: the last that a channel from here took its place in, or NULL */
    struct leg *turning;         /* whose OUT is to be replaced: the last of them, NULL if there are several, or none */
    struct when nameless; /* the last request for OUT that ended or was refused before its first PDU, frame 0: none */
    void *memo;           /* the judge's */
};

#define SYNS_KEPT 8 /* that wait for their answers */

/* A SYN to a server of RPC over HTTP that has not been answered by SYN and ACK. */
struct lost_syn {
    struct endpoint client, server;
    struct when first; /* frame 0: none, or answered */
    uint32_t count;    /* how often it was sent */
};

/* The same with one OutlookSession or SessionId, newest first; none has its other half. */
struct outlook_session {
    struct item item;
    const struct place *place;
    const char *id;
    struct channel *newest;
};

struct rpch_state {
    struct track *track;
    struct when now; /* the frame that is taken in */
    struct table cookies, places, sessions;
    struct rows rows; /* struct leg */
    uint32_t vc_count;
    struct spare *free_calls;
    struct lost_syn syn[SYNS_KEPT];
    unsigned next_syn;
    bool syns_lost; /* there were more of them than are kept */
};

/* A SYN of that connection's client to its server that was sent then or later, or at most some
 * seconds before, and not answered; NULL if there is none. */
const struct lost_syn *lost_syn_of(const struct rpch_state *world, const struct conn *link, int64_t since);

/* ---- what follows from it ----------------------------------------------------------- */

/* Where a rule finds what:
 *   who ended first    channel_tcp(): ended, ended_by, ended_by_rst, ended_frame. Of a leg: ended_by,
 *                      ended_by_rst, ended_frame, of the channel that closed it
 *   body bytes         bytes[way]; last_body, when the last one came, whatever its way
 *   calls              calls and faults of the leg are counted; leg_calls(): those that have no answer so far,
 *                      oldest first; leg_unanswered(): the oldest of them that should have had one
 *   announced          lifetime of a channel; timeout_ms[role], keepalive_ms, in_window of a leg
 *   recycling          recycling[role], leg_coming(); seen_eof, replaced and is_successor of a channel
 *   behind a device    leg_behind(), channel_behind()
 *   half sent          halfway[way] of a rpch_conn: a head or PDU has begun and is not whole
 *   who ended it       conn_ended_by(), which goes by ACK numbers; conn_foreign_rst() */

/* The TCP connection that it runs, or ran, on: another channel may have come on it since. */
static inline const struct conn *channel_tcp(const struct channel *channel)
{
    return channel->conn->link;
}

/* The one of its role on its leg now: neither replaced, nor a successor that has not taken over. */
static inline bool channel_in_use(const struct channel *channel)
{
    return channel->leg && channel->leg->current[channel->role] == channel;
}

/* The other half, or NULL. */
static inline struct channel *leg_other(const struct channel *channel)
{
    return channel->leg ? channel->leg->current[!channel->role] : NULL;
}

/* Where a device passed this leg on, NULL if that was not seen. */
static inline struct leg *leg_behind(const struct leg *leg)
{
    struct leg *behind = leg->next;
    return behind && behind->hop == leg->hop && leg->hop == RTS_HOP_HTTP ? behind : NULL;
}

/* The channel of its role on that leg, NULL if that was not seen. */
static inline const struct channel *channel_behind(const struct channel *channel)
{
    const struct leg *behind = channel->leg ? leg_behind(channel->leg) : NULL;
    return behind ? behind->current[channel->role] : NULL;
}

/* What waits for its answer there, oldest first. */
static inline const struct call *leg_calls(const struct leg *leg)
{
    return leg->pending ? leg->pending->first : NULL;
}

static inline bool call_lacks_answer(const struct call *call)
{
    return !call->waits && call->sent && !call->answering;
}

/* The oldest that was sent whole and of which no fragment of an answer has come, those aside that
 * are pending in health; NULL if there is none. */
static inline const struct call *leg_unanswered(const struct leg *leg)
{
    const struct call *call = leg_calls(leg);
    while (call && !call_lacks_answer(call)) {
        call = call->next;
    }
    return call;
}

/* The same, the newest. */
static inline const struct call *leg_newest_unanswered(const struct leg *leg)
{
    const struct call *newest = NULL;
    for (const struct call *call = leg_unanswered(leg); call; call = call->next) {
        newest = call_lacks_answer(call) ? call : newest;
    }
    return newest;
}

/* Both first PDUs were sent. */
static inline bool leg_sent(const struct leg *leg)
{
    const struct channel *in = leg->current[ROLE_IN], *out = leg->current[ROLE_OUT];
    return in && out && in->first_rts.frame && out->first_rts.frame && !in->challenged && !out->challenged;
}

static inline bool conn_whole(const struct channel *channel)
{
    return conn_doubt(channel_tcp(channel), NULL) == DOUBT_NONE;
}

/* Both connections were captured whole, as far as there are two. */
static inline bool leg_whole(const struct leg *leg)
{
    const struct channel *in = leg->current[ROLE_IN], *out = leg->current[ROLE_OUT];
    return (!in || conn_whole(in)) && (!out || conn_whole(out));
}

static inline int64_t channel_start(const struct channel *channel)
{
    return channel->request.frame ? channel->request.ns : channel->first_rts.ns;
}

/* Of its first PDU, else of its request; 0 if neither was captured. */
static inline uint32_t channel_frame(const struct channel *channel)
{
    return channel->first_rts.frame ? channel->first_rts.frame : channel->request.frame;
}

/* Whether two targets name one server and port; a short name equals the first label of a full
 * one. */
bool same_target(const char *a, const char *b);

const char *leg_state_name(enum leg_state state); /* "opening" ... */

static inline enum way data_way(const struct channel *channel)
{
    return channel->role == ROLE_IN ? WAY_TO_SERVER : WAY_TO_CLIENT;
}

static inline enum rts_channel rts_channel_of(enum role role)
{
    return role == ROLE_IN ? RTS_IN : RTS_OUT;
}

/* As it is shown: version 1 has one channel for both, which is neither. */
static inline enum rts_channel channel_shown(const struct channel *channel)
{
    return channel->v1 ? RTS_ANY_CHANNEL : rts_channel_of(channel->role);
}

#endif
