/* session.h
 * The state of MAPI/HTTP: sessions and their legs, requests, responses and connections. Those
 * who hear of it read it; only track writes it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_SESSION_H
#define OUTLOOKHTTP_SESSION_H

#include "author.h"
#include "envelope.h"
#include "exchange.h"
#include "mapi.h"
#include "response_code.h"
#include "tables.h"

#define JAR_MAX 32    /* cookies of a session on one leg */
#define SEARCH_MAX 64 /* requests of a context that are looked at */
#define USED_MAX 64   /* connections of a session and leg that are looked at for gaps */
#define IDS_MAX 16    /* counters of X-RequestId remembered */
#define RECENT_MAX 8  /* request ids remembered as not answered */
#define NAMES_MAX 8   /* of servers in a row */

/* How a back end is known, the surest first. Only the same kind is compared. */
enum back_kind { BACK_TARGET, BACK_SERVER, BACK_CONTEXT, BACK_PEER, BACK_KINDS };

struct back {
    const char *name[BACK_KINDS];  /* kept text: first label in lower case, or the address; NULL if not told */
    const char *shown[BACK_KINDS]; /* as sent */
};

/* ---- cookies ---------------------------------------------------------------------- */

struct cookie {
    const char *name, *path, *host; /* kept text; host NULL where it does not bind it; of_domain: those below it, too */
    uint64_t digest;                /* of the value of the last complete success */
    uint64_t newer;                 /* set by a response since that is not done or no success */
    uint64_t before;                /* what it was before, if a request beside the others changed it */
    int64_t expires;                /* INT64_MAX: with the session */
    uint32_t frame;                 /* where it was set */
    bool secure, deleted;
    bool of_domain : 1, not_taken : 1; /* not_taken: its Domain is not that of the host that sets it */
    bool uncertain : 1;                /* a response since deletes it */
    bool unseen;                       /* the client was given another value, or none, by a response that was missed */
};

/* A value that a server gave out, or that a client brought to a Connect or Bind. */
struct value {
    struct keyed keyed;    /* with the endpoint */
    struct session *owner; /* NULL: of no session that is known */
    uint32_t given_frame;  /* the last that gave it out, on any leg; 0: none was captured */
    bool names;            /* the response to Connect or Bind gave it: it may name that session */
    bool shared;           /* others had it, too */
};

/* The last two: missing, and as it was set no client brings it back. */
enum cookie_fault { COOKIE_FINE, COOKIE_MISSING, COOKIE_STALE, COOKIE_FOREIGN, COOKIE_NOT_TAKEN, COOKIE_OTHER_PATH };

/* ---- sessions --------------------------------------------------------------------- */

struct session {
    struct mapi_state *world;
    uint32_t number, created_frame;
    uint8_t endpoint;
    const char *mailbox, *user_dn, *application, *user;
    uint64_t client;         /* X-ClientInfo of its Connect or Bind, a digest; 0: none */
    struct side *sides;      /* in the order of their legs */
    uint32_t released_frame; /* of a successful Disconnect or Unbind, 0 while it lives */
};

enum outcome { OUTCOME_NONE, OUTCOME_AGAIN, OUTCOME_ANSWERED }; /* none so far, 401 and the like, another answer */

/* A connection that a session uses. */
struct use {
    struct use *next;
    struct mapi_conn *conn;
};

struct side { /* a session on one leg */
    struct session *session;
    struct side *next, *next_between; /* of the session; between the same two hosts */
    uint32_t number, row;
    struct endpoint client, server;
    struct when start, last;
    struct cookie *jar;
    uint8_t jar_count, jar_room;
    bool secure_returned;   /* cookies for TLS only are sent though this leg is clear: something before ends TLS */
    bool exchange;          /* a header or cookie named a back end: then peers are front ends */
    struct chain asking;    /* without an answer, newest first */
    int64_t expiration_ns;  /* X-ExpirationInfo, -1 if not told */
    int64_t period_ns;      /* X-PendingPeriod, -1 if not told */
    int64_t set_back;       /* track->set_back, as far as it is counted in the times of this */
    struct when success;    /* end of the last response of code 0, frame 0 if none */
    uint32_t unsure_frame;  /* the client may know newer cookies than the jar: a response was missed; 0 if not */
    uint32_t success_began; /* the frame in which its request began */
    struct mapi_conn *success_conn;
    struct use *used;               /* connections that have not ended, or ended after that response */
    const struct mapi_conn *missed; /* one of them ended, and not all of it was captured */
    uint8_t used_count;
    bool used_more;   /* and others */
    struct back back; /* of that response */
    uint32_t back_frame[BACK_KINDS];
    /* X-RequestId of the present GUID */
    uint64_t guid;
    uint32_t counter[2], counter_frame[2]; /* 1: of NotificationWait */
    const struct mapi_conn *counter_conn[2];
    bool has_counter[2];
    struct {
        uint32_t counter;
        bool used;
        uint8_t outcome;
    } recent[RECENT_MAX];
    uint8_t recent_next;
    struct rop_session *rops;      /* server objects of the context on this leg; NULL before the first Execute */
    struct rop_totals *rop_totals; /* of all of its contexts; NULL before the first Execute */
    uint32_t code_page;            /* that its Connect asked for, 0 if not known */
    const char *user;     /* that its Connect or Bind, else its first success, came with; as struct mapi_conn has it */
    struct client *whose; /* of the leg next to the client alone; NULL: not known, or nobody's */
    void *memo;           /* the judge's; a side lasts, EVENT_SESSION_BEGAN says when it begins anew */
    /* report */
    uint32_t ok, failed, last_code;
    bool has_code;
    int64_t slowest_ns;
    uint8_t slowest_type, front_count, back_count;
    const char *front[NAMES_MAX], *behind[NAMES_MAX];
    const char *request_id;
    uint32_t left_frame; /* of a successful Disconnect or Unbind since it began, 0 if none */
    uint8_t left_type;
};

/* ---- requests and responses ------------------------------------------------------- */

/* A counter of X-RequestId, and whether it was a NotificationWait's, which may count apart. */
struct sent_id {
    uint32_t counter;
    bool waits;
};

/* The counters of one GUID on one leg, as they were sent (2.2.3.3.2). */
struct ids {
    struct ids *next;
    uint32_t leg, jump_frame; /* the last request before which others are missing from the capture, 0 if none */
    uint32_t leaving_frame;   /* the last Disconnect or Unbind, 0 if none */
    uint32_t last[2];         /* the highest; 1: of NotificationWait */
    struct sent_id recent[IDS_MAX];
    bool known[2];
    uint8_t count, at;        /* of recent */
    struct rop_session *rops; /* of Executes whose context is not known otherwise */
};

/* Requests with one GUID in X-RequestId. */
struct series {
    struct keyed keyed;         /* by the GUID */
    struct session *session[3]; /* by endpoint */
    bool shared[3];
    struct ids *ids;
};

/* A page that sets a cookie may send a client back to itself once; whoever does so again and again never lets it in. */
#define CIRCLES_MANY 3

/* Of one client at a host. */
struct circle {
    struct keyed keyed;
    uint32_t frame; /* the last redirection that counts */
    uint8_t count;  /* back to the URL that was asked for, each to a request behind the one before, logons aside */
};

struct reply {
    struct reply *next; /* ended in this frame */
    struct mapi_conn *conn;
    struct mapi_message *message;
    struct exchange *request; /* NULL if not captured */
    struct series *series;    /* of a request that was not captured, by the response's own X-RequestId; else NULL */
    struct meta_scanner scanner;
    bool scanning, until_close, page, done, cut;
    bool late, bunched;             /* bytes came after a silence of silence_ns: as several PENDING at once */
    bool overdue;                   /* of late: none had come when the client left */
    bool abandoned;                 /* the client has closed its end under it */
    bool lost;                      /* cut by a gap of the capture: its head is all that is known */
    bool undone;                    /* it ended in order, by its own framing, before DONE */
    bool of_endpoint;               /* application/mapi-http */
    bool exchange, proxy_challenge; /* the latter: SPNEGO with the proxy goes on */
    unsigned status;
    uint8_t author;        /* enum http_author, by the head; once the body is read by its page, too */
    uint8_t front_failure; /* enum http_front_failure */
    int64_t period_ns, expiration_ns, server_ms; /* -1 if absent */
    struct when last_bytes, silence_from;
    int64_t silence_ns;
    struct when bunch_first, bunch_from;
    int64_t interval_ns; /* the shortest from one PENDING to the next so far, -1 if none */
    uint32_t bunch_count;
    uint16_t tag_room;
    struct back back;
    const char *back_name, *peer; /* as it is called; the other end */
    const char *front_end, *request_id, *server_header, *via, *failure, *backend_status, *location, *diag;
    const char *content_type; /* where it is not the endpoint's */
    const char *cas_error;    /* X-CasErrorCode */
    const char *retry_after;  /* Retry-After */
    const char *failure_text; /* as in struct http_front_says, NULL where there is none */
    const char *product;      /* whose page or redirection it is, NULL if not known */
    unsigned words;           /* of the page, enum http_words */
    char title[HTTP_TITLE_MAX];
    bool to_mapi;    /* Location is an endpoint again */
    uint8_t circles; /* of the client at that host, with this one: struct circle; 0: this leads elsewhere */
    bool bare;       /* 401 to a request without credentials, and no WWW-Authenticate */
    struct cookie cookies[JAR_MAX];
    uint8_t cookie_count;
    /* from the body */
    bool has_facts, has_status, has_error;
    uint32_t status_code, error_code;
    char sentence[MAPI_SENTENCE_MAX];
    int32_t meaning; /* the code by its sentence, -1 if it does not tell */
    /* by the names that this response and the last success of its session have */
    bool back_differs; /* another back end answered */
    uint8_t back_kind; /* enum back_kind, by which that is told */
    void *memo;        /* the judge's */
};

/* What a message carries beside what is shown. */
struct record {
    struct mapi_message shown;
    struct exchange *request; /* while it is known */
    struct reply *reply;
};

/* ---- connections ------------------------------------------------------ */

/* A request after long idle time that its server has not acknowledged so far. */
struct dropped {
    bool watched; /* nothing has come from the server since */
    bool silent;  /* and it was sent three times again */
    bool queued;  /* with the hosts */
    uint8_t repeats, type;
    uint16_t ip_id;
    uint32_t seq, leg, frame; /* of the request: of its first byte */
    const struct side *side;  /* NULL: of none that is known */
    int64_t idle_ns, last;    /* before it; when it was sent last */
    struct when third;        /* the third time that it was sent again */
    struct mapi_conn *next;   /* in the queue of the hosts */
};

struct mapi_conn {
    struct mapi_state *world;
    struct conn *link; /* the TCP connection */
    struct logon_conn *auth;
    struct exchange *awaited;         /* the oldest without a response that is not abandoned; NULL if none */
    struct exchange *sending;         /* its body is under way */
    struct chain fresh;               /* began in this frame, oldest first */
    struct reply *reply;              /* under way */
    struct reply *ended, *ended_last; /* in this frame */
    struct side *side;                /* of the last request */
    const char *user;                 /* kept text, with the scheme */
    const char *identity;             /* X-User-Identity */
    struct client_told *told;         /* by the last Connect or Bind, NULL before the first: client.h */
    bool unsure;                      /* which request a response answers: bytes are missing */
    bool over;                        /* nothing comes from the server any more */
    bool expected_end;                /* Connection: close */
    bool half_closed;                 /* by the client, directly behind what it asked: nothing was told of that */
    int64_t kept_ns;                  /* for how long the server keeps it after a response, 0: it did not say */
    struct when last_answer;          /* end of the last response */
    void *memo;                       /* the judge's */
    struct when begun[2];             /* by enum way: a head that is not whole, frame 0 if there is none */
    struct dropped *dropped;          /* or NULL */
    struct rop_session *rops;         /* of Executes of which nothing tells the context */
};

struct mapi_state {
    struct arena arena;
    struct track *track;
    struct logon_state *auth;
    struct table values, series;
    struct table between; /* sides, by the hosts that they are between */
    struct table circles; /* clients that were sent back to what they asked for: response.c */
    uint32_t sessions;
    struct rows rows; /* struct side */
    struct spare *free_replies, *free_uses, *free_half_closed;
    struct half_closed *half_closed_first, *half_closed_last; /* oldest first; some of them are over by now */
};

/* Whether it went out on a kept connection that the server's end closed without having got any of it. */
bool request_crossed(const struct exchange *request);
bool is_notification(const struct exchange *request);
bool is_connect(uint8_t type), is_disconnect(uint8_t type);
/* The code a failing response means: by its sentence where it has one. */
uint32_t reply_meaning(const struct reply *reply);
bool reply_is_success(const struct reply *reply);
/* Nothing in it is the endpoint's: neither its type, nor X-ResponseCode, nor a meta-tag. */
bool reply_is_foreign(const struct reply *reply);
/* The server-side leg: something before it, nothing of the capture behind. */
bool is_server_side(const struct exchange *request);

#endif
