/* auth_private.h
 * What auth.c and ajudge.c share. Everything here lives in the world's arena; a connection
 * without outstanding requests stays below 192 bytes.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_AUTH_PRIVATE_H
#define OUTLOOKHTTP_AUTH_PRIVATE_H

#include "auth.h"
#include "authtoken.h"
#include "say.h"
#include "tables.h"

#define SLOW_ABOVE (2 * SECOND)
#define VERY_SLOW_ABOVE (10 * SECOND)
#define REFUSALS_TOLD 3
#define BEARER_ROUNDS 3
#define LOWER_ROUNDS 2           /* without credentials, on further connections */
#define BACKEND_PORT 444         /* Exchange's own back end, which trusts its front end */

#define OUTSTANDING_MAX 32       /* requests of one connection */
#define RELAYS_LOOKED_AT 8       /* outstanding requests that are the same */
#define LEGS_MAX 8
#define RELAY_WAIT (30 * SECOND) /* what comes later is sent again, not passed on */
#define RELAY_WAIT_WEAK (5 * SECOND)
#define COPY_WAIT (1 * SECOND)

/* ---- what is outstanding ------------------------------------------------------------ */

/* Requests that are one request, outstanding on several connections. */
struct same {
    struct same *next;
    uint64_t id;
    struct arequest *newest;
};

enum identity_kind { ID_CLIENT_INFO, ID_REQUEST_ID, ID_USER_IDENTITY, ID_OUTLOOK_SESSION, ID_CONTEXT, ID_KINDS };

struct arequest {
    struct arequest *next;       /* of the connection, oldest first; or of the free ones */
    struct aconn *conn;
    struct same *same;           /* NULL if nothing can be the same */
    struct arequest *older, *newer;      /* in same */
    struct arequest *parent, *child;     /* on the leg before and after, while outstanding */
    struct when when;
    struct when below;           /* the first answer to its credentials on the leg after, frame 0: not seen */
    uint32_t leg;
    struct account *account;     /* of final credentials, else NULL */
    struct peer *peer;
    const char *scheme, *user;   /* "" where they do not apply */
    uint64_t identity[ID_KINDS]; /* digests, 0: none */
    uint64_t refusals;           /* whose refusals they are counted with, 0: nobody's */
    const char *host;
    uint8_t step;                /* enum auth_step */
    uint8_t scheme_id;           /* enum auth_scheme */
    uint8_t below_offers;        /* bits of enum auth_scheme: of the answer on the next leg */
    bool has_authorization, final, anonymous, ntlm, kerberos, bindings;
    uint8_t bound_to[16];        /* where bindings: MsvAvChannelBindings */
    bool relayed;                /* the same request was seen on the leg before */
    bool passed_on;              /* and on the leg after */
    bool waits;                  /* NotificationWait */
    bool in_channel;             /* RPC_IN_DATA: its answer comes at the end of the body, if at all */
    bool opens;                  /* Connect or Bind */
    bool answered;               /* the credentials were */
    bool below_lower, below_answered;
    uint32_t torn;               /* the frame in which its type 3 was told to be torn, here or on a leg after; 0: not */
    const struct owner *stranger;        /* a request without credentials of this user */
};

/* ---- connections ------------------------------------------------------------------------ */

enum owned { OWNED_NOT, OWNED_PERHAPS, OWNED };

/* A type 3 to judge at the end of the frame, or a repeated request. */
struct pending {
    struct pending *next;        /* of the free ones */
    uint32_t frame, leg;
    struct account *account;
    const char *user, *nb_name, *dns_name;
    uint64_t digest;
    const struct aconn *client_side;     /* on the leg before, if that carried the type 2 too */
    bool has_timestamp;
    bool repeated;               /* without credentials, after a challenge in lower case */
};

/* What a connection with NTLM, or with a challenge in lower case, has besides. */
struct aconn_more {
    uint64_t type2_digest;       /* of the last type 2 here */
    uint32_t type2_frame, type3_frame;
    const char *type2_server;

    uint32_t lower_frame;        /* a challenge in lower case that nobody answered so far */
    uint32_t lower_leg;
    bool lower_bearer;           /* it answered an empty Bearer */
    bool lower_close;            /* the server closes after it */
    bool lower_seen;             /* the next leg has it in another case */
    const char *lower_host;
};

struct aconn {
    struct aworld *world;
    const struct conn *link;     /* the TCP connection */
    struct arequest *first;
    struct arequest *last;
    uint32_t leg;                /* shown before on this connection, NO_NUMBER if not */
    uint32_t passed_over;        /* answers to requests that were let go */
    uint8_t outstanding;
    uint8_t owned;               /* enum owned: whether the server takes requests for the user's without credentials */
    bool lost : 1, proxy_auth : 1, ended : 1, shared_told : 1;

    struct {                     /* the last final credentials */
        struct account *account;
        struct when when;
        uint64_t refusals;
        uint32_t leg;
        bool answered, relayed;
    } credentials;
    const struct account *accepted;      /* accepted here before */
    const struct account *counted;       /* the first account that counts this connection */

    uint32_t owner_frame;
    const char *owner;           /* user */
    const char *owner_scheme;

    struct pending *pending;     /* or NULL */
    const struct aconn_more *more;       /* own, or one that says nothing; changed through aconn_more() alone */
    struct rounds *rounds;       /* of empty Bearers, the last here */
};

/* ---- tables -------------------------------------------------------------------------- */

#define ACCOUNT_SERVERS 4

struct account {                 /* a row of the report */
    struct item item;
    uint32_t index;
    const char *user, *host, *scheme;
    uint32_t connections, accepted, refused;
    int64_t slowest;
    const char *server[ACCOUNT_SERVERS];
    const char *servers;         /* the same, joined */
    struct when first_refusal, start, last;
    bool has_verdict, where_seen, bindings_told;
    uint8_t verdict, severity, where;
    uint32_t verdict_frame;
};

struct account_conn {            /* a further account was used on a connection */
    struct item item;
    const struct account *account;
    const struct aconn *conn;
};

struct keyed {                   /* an item that is found by a digest alone */
    struct item item;
    uint64_t key;
};

struct carrier {
    struct aconn *conn;
    uint32_t frame, leg;
};

#define CARRIERS 4

/* A target information that was given in a type 2, and where, oldest first. */
struct challenge {
    struct keyed keyed;
    struct carrier carrier[CARRIERS];
    uint8_t carriers;
};

/* Refusals in a row of one user for one host and leg. */
struct refusals {
    struct keyed keyed;
    uint32_t count;
    uint32_t frame[REFUSALS_TOLD];
    uint32_t mark;               /* the frame of the last that counted */
};

/* What belongs to one user, by his own credentials. */
struct owner {
    struct keyed keyed;
    uint8_t kind;                /* enum identity_kind */
    bool ambiguous;              /* two users' */
    const char *user;
    uint32_t frame, stream;
};

/* A client address and the host it asks, on one leg. */
struct peer {
    struct keyed keyed;
    const char *tried;           /* the scheme of the first try of NTLM or Negotiate */
    uint32_t tried_frame, tried_stream;
    uint32_t lower_frame;        /* the last challenge in lower case */
    int64_t lower_ns;
    uint8_t lower_rounds;
    bool downgrade_told;
};

/* A host on one leg. */
struct site {
    struct keyed keyed;
    const char *accepted;        /* a user, the first that was accepted */
    bool several;                /* and others */
    bool lower_told;
};

/* Empty Bearers of one X-ClientInfo on one leg. */
struct rounds {
    struct keyed keyed;
    uint32_t count, mark;
    uint32_t frame[BEARER_ROUNDS];
    const struct aconn *conn;    /* of the last */
    bool told;
};

struct aworld {
    struct arena arena;
    struct track *track;
    struct table accounts, account_conns, challenges, refusals, owners, peers, sites, rounds;
    struct account **rows;
    uint32_t row_count, row_room;
    struct same **slot;          /* outstanding requests, by what they are */
    uint32_t slots, sames;
    struct same *free_sames;
    struct arequest *free_requests;
    struct pending *free_pending;
    struct auth_shown shown;     /* by the last head */
    bool lower_answered;         /* a client of the capture read a challenge in lower case */
    struct verdict_list verdicts;
};

/* ---- auth.c --------------------------------------------------------------------------- */

struct aconn_more *aconn_more(struct aconn *conn);       /* made on first use */
const char *auth_keep(struct aworld *world, const char *text);    /* the one copy; "" for "" */
struct site *site_of(struct aworld *world, const char *host, uint32_t leg);
/* Whether two names can be told to be two users: local parts that differ, or domains of the
 * same form. */
bool users_differ(const char *a, const char *b);
const struct challenge *challenge_find(const struct aworld *world, uint64_t digest);
bool aconn_whole(const struct aconn *conn);

/* ---- ajudge.c ------------------------------------------------------------------------- */

void judge_type3(struct aconn *conn, struct when when);
void judge_refusal(struct aconn *conn, const struct arequest *request, struct when when,
                   const struct refusals *refusals, const struct http_head *head);
/* How long credentials waited for their answer. */
struct wait {
    struct account *account;
    uint32_t leg;
    struct when sent, below;     /* below: as in the request */
    unsigned status;             /* of the answer, 0 if it was no response */
    bool accepted;
};

void judge_time(struct aconn *conn, const struct wait *wait, struct when when);
void judge_bindings(struct aconn *conn, const struct arequest *request, struct when when);
void judge_offer(struct aconn *conn, const struct arequest *request, struct when when, const struct http_head *head);
void judge_stranger(struct aconn *conn, const struct arequest *request, struct when when);
/* What happened to a challenge in lower case: "the client closes its connection". */
void judge_lower(struct aconn *conn, struct when when, const char *then);
void judge_rounds(struct aconn *conn, struct when when);

#endif
