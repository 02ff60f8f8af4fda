/* exchange.h
 * One HTTP request with its response on a connection, linked to the same request on the leg
 * before and on the next. Logons and MAPI/HTTP both hang on it; on connections of RPC over
 * HTTP it has a logon's half only. Those who hear of it read it; only track writes it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_EXCHANGE_H
#define OUTLOOKHTTP_EXCHANGE_H

#include "conn.h"

#define LEGS_MAX 8

struct exchange;
struct timing; /* timing.h */

enum identity_kind { ID_CLIENT_INFO, ID_REQUEST_ID, ID_USER_IDENTITY, ID_OUTLOOK_SESSION, ID_CONTEXT, ID_KINDS };

/* The same request on the next leg, as far as it is known. */
struct there {
    const struct mapi_conn *conn; /* NULL: not seen */
    int64_t ns;                   /* when it began there */
    uint32_t frame, status_frame, pending_frame, whole_frame;
    unsigned status; /* 0: no answer so far */
    bool ordered;    /* something else than time proves that this leg is behind */
    bool expects;    /* Expect */
    int64_t pending_ns, status_ns;
    const char *peer, *peer_before; /* a server other than that of the last success answered: both */
    uint32_t peer_frame;
};

/* The same request on the leg before, where that was through first: a device gave up, or clocks differ. */
struct gone_first {
    const struct conn *link;
    const struct side *side; /* or NULL */
    unsigned status;         /* 0: it got none */
    uint32_t frame;          /* in which its response ended, 0 if it had none */
};

/* Requests of MAPI/HTTP that stand somewhere together. */
struct chain {
    struct exchange *first, *last;
};

/* Where a request stands besides its connection's queue: with its session's context, and in the
 * frame it begins in. */
enum standing { OF_SIDE, OF_FRAME, STANDINGS };

struct exchange {
    struct exchange *next; /* on its connection; free ones */
    struct conn *link;
    struct exchange *before, *after; /* the same on the leg before and on the next */
    const struct conn *front;        /* the connection of before; still there once that connection has ended under it */
    uint64_t id; /* stands for what is the same on other legs; 0: nothing can be, or none any more */
    struct exchange *older, **place; /* among those of like ids, newest first */
    struct when begin;
    uint32_t leg;
    bool settled;   /* it is not passed on any more; its response may still come */
    bool forgotten; /* logons await no response to it */
    bool left;      /* MAPI/HTTP awaits none */

    /* ---- its logon ---- */
    struct logon_conn *logon;
    struct when below;       /* the first answer to its credentials on the leg after, frame 0: not seen */
    struct account *account; /* of final credentials, else NULL */
    struct peer *peer;
    const char *scheme, *user;   /* "" where they do not apply */
    uint64_t identity[ID_KINDS]; /* digests, 0: none */
    uint64_t refusals;           /* whose refusals they are counted with, 0: nobody's */
    const char *site;            /* the host, or the server's end where no host is named */
    uint8_t step;                /* enum auth_step */
    uint8_t scheme_id;           /* enum auth_scheme */
    uint8_t below_offers;        /* bits of enum auth_scheme: of the answer on the next leg */
    bool has_authorization, final, anonymous, ntlm, kerberos, bindings;
    uint8_t bound_to[16]; /* where bindings: MsvAvChannelBindings */
    bool relayed;         /* the same request was seen on the leg before */
    bool passed_on;       /* and on the leg after */
    bool waits;           /* NotificationWait */
    bool in_channel;      /* RPC_IN_DATA: its answer comes at the end of the body, if at all */
    bool opens;           /* Connect or Bind */
    bool look;            /* GET, HEAD or OPTIONS without X-RequestType: a probe's or a person's */
    bool options;         /* the last of them */
    bool credentials_answered;
    bool below_lower, below_answered;
    bool below_unbound; /* refused on a leg after, where its channel bindings cannot match */
    uint32_t torn;      /* the frame of its type 3, here or on a leg after, whose challenge is missing; 0: none */
    const struct owner *stranger; /* a request without credentials of this user */
    const char *service;          /* of a Kerberos ticket, "" if it does not tell */
    uint64_t token;               /* stands for its credentials, 0: none */
    uint64_t directory;           /* stands for the virtual directory: the first segment of the path */
    struct tried *tried;          /* by its client at its host; NULL on a leg behind */
    struct when go_on;            /* its 100, frame 0: none */
    int64_t waits_ns;             /* to the status line, which the server's work is part of; -1 if that is not asked */
    int64_t waits_at;             /* then: when that came */
    bool expects;                 /* Expect: the body may never come */
    uint32_t front_expects;       /* the frame in which the same on the leg before has that, 0: it has not */
    bool works;                   /* of MAPI/HTTP: the server does more for it than to look at its credentials */
    bool waits_checked;           /* of waits_ns: as checked of the answer */
    bool version1;                /* a type 3 without an NTLMv2 response */
    bool below_type2;             /* the next leg answered with a type 2 */
    bool closes;                  /* it asks for the end of the connection */
    bool torn_by_server;          /* where torn: the server's end ended the connection of the challenge */
    bool proxy_step, proxy_final; /* Proxy-Authorization; it is answered for good or ill */
    uint32_t came_from;           /* stands for the client's address that X-Forwarded-For names, 0: none */

    /* ---- of MAPI/HTTP ---- */
    struct {
        struct exchange *next, *prev;
        bool in;
    } stands[STANDINGS];
    struct exchange *overlapped_by, *overlaps;
    struct mapi_conn *conn;
    struct mapi_message *message; /* NULL: none of MAPI/HTTP */
    struct session *session;
    struct side *side;
    struct series *series;
    struct ids *ids; /* of its counter, NULL if it has none */
    uint64_t guid;   /* of X-RequestId, with its counter */
    uint32_t counter, auth_len;
    uint8_t type, endpoint;
    bool has_counter, head_method;
    bool out_of_order;       /* a higher counter of its session stands before it in the capture */
    bool again;              /* that counter was sent before */
    bool below_again;        /* the same, and higher ones since: it is sent again, or they
                                  * began anew, which was not captured */
    bool has_mailbox;        /* the URL names one */
    bool ended, answered;    /* sent to its end; its response has begun */
    bool done, over;         /* DONE was seen; answered to the end while it is still being sent */
    const char *host, *path; /* kept text; path: the default one of cookies (RFC 6265 5.1.4) */
    unsigned status;         /* of its response, 0 if none */
    struct when end;
    struct there there;
    /* cookies */
    bool from_cookies;   /* the session was told by a cookie */
    bool by_guid;        /* session only by the GUID of X-RequestId */
    uint8_t fault;       /* enum cookie_fault */
    uint8_t fault_count; /* further cookies with a fault */
    bool carried;        /* each cookie that applies is there with a value this session was given */
    bool jar_known;
    bool unseen; /* another cookie differs, of which it is not known what it should be */
    const char *fault_name;
    uint32_t fault_frame, fault_digest;
    int64_t idle_ns; /* since the last success, -1 if none */
    uint32_t idle_from;
    /* another request of the context under way when this began */
    struct {
        const struct mapi_conn *conn;
        uint32_t frame, stream;
        unsigned status;
        uint8_t type;
        bool both; /* something of the answer to the older of both came after the newer began: it was under way then */
        bool abandoned; /* the client had closed its end under it */
    } other;
    uint32_t below_counter, below_frame; /* X-RequestId went back below this, frame 0 if not */
    bool abandoned;                      /* the client has closed its end under it */
    void *memo;                          /* the judge's */
    int64_t body_total;                  /* Content-Length, -1 if absent */
    const struct timing *behind;         /* the same on the next leg, once that was answered; else NULL */
    uint32_t begin_seq;                  /* of its first byte, if it is not the connection's first */
    const struct gone_first *gone_first; /* or NULL */
    bool told_before;                    /* the same on the leg before was answered, or its connection ended */
    bool after_end;                      /* the client knew that the server had ended the connection when it sent it */
};

/* X-RequestId: "{GUID}:counter" (MS-OXCMAPIHTTP 2.2.3.3.2). */
struct request_id {
    uint64_t guid; /* stands for it */
    uint32_t counter;
};

/* Whether a response is the last to its request: all but interim ones (RFC 9110 15.2). */
static inline bool status_is_final(unsigned status)
{
    return status >= 200 || status == 101;
}

/* ---- the queue of a connection ------------------------------------------------------- */

/* A request begins; conn: NULL if it is a logon's only. Of many without a response logons forget
 * the oldest; where it was theirs only it is let go, and its response passed over. */
struct exchange *exchange_begin(struct conn *link, struct mapi_conn *conn, struct when when);
/* The request that an interim response answers, NULL if it is not known. */
struct exchange *exchange_oldest(const struct conn *link);
/* The request that a final response answers, now the caller's: the oldest, unless its
 * X-RequestId, NULL if it has none, says another; those before that one will not be answered.
 * NULL: it was not captured, or let go. */
struct exchange *exchange_answered(struct conn *link, struct when when, const struct request_id *id);
/* Nothing more will be learned of it. It is in no queue. */
void exchange_free(struct exchange *request);
/* Takes the oldest off the queue and frees it. */
void exchange_drop(struct conn *link);
/* All that logons have forgotten. */
void exchange_drop_forgotten(struct conn *link);
/* It is not passed on any more; its response may still come. */
void exchange_settle(struct exchange *request);
/* Logons await no response to it. */
void exchange_forget(struct exchange *request);
/* The same of all on a connection; what was theirs only is dropped. */
void exchange_forget_all(struct conn *link);
/* MAPI/HTTP awaits none. */
void exchange_leave(struct exchange *request);
/* The client may have been given cookies that nobody saw. */
void request_miss_response(const struct exchange *request, struct when when);

/* ---- of MAPI/HTTP -------------------------------------------------------------------- */

/* Does nothing where it does not stand there. */
void request_leave(struct exchange *request, enum standing where);
void request_enter(struct exchange *request, enum standing where);

/* ---- legs ---------------------------------------------------------------------------- */

/* What requests with one id have in common. */
enum likeness {
    LIKE_MANY,    /* any client may send it: type 1 of NTLM is the same from all programs of one version */
    LIKE_USER,    /* a client's, or a user's */
    LIKE_REQUEST, /* it tells one request of a client from the next */
};

/* Tells the leg of a request by those that are the same, else by those before it on its
 * connection, and what is the same on the leg before. id: stands for what they have in common,
 * 0: nothing. */
void exchange_find_leg(struct exchange *request, uint64_t id, enum likeness like);
/* The virtual connection that a connection's last request belongs to. Like requests of two of them were taken for one that
 * was passed on: each stands for itself from here on, and stands_alone hears of the one that was taken for the later. */
void exchange_of_cookie(struct conn *link, const uint8_t cookie[16], void (*stands_alone)(struct exchange *request));
/* Where the session is kept that it began on whichever leg it was answered first; NULL: it is not kept any more, or nothing
 * tells it from another. */
struct session **exchange_session(const struct exchange *request);
/* What X-Forwarded-For names is kept of a request; whether it names the client of that connection, which then is in front
 * of the device that wrote it. */
void exchange_came_from(struct exchange *request, const struct endpoint *address);
bool exchange_came_over(const struct exchange *request, const struct conn *front);

#endif
