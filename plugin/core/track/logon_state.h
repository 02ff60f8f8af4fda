/* logon_state.h
 * What is known of logons, as those who hear of them read it. It lives in the world's arena,
 * and only track changes it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_LOGON_STATE_H
#define OUTLOOKHTTP_LOGON_STATE_H

#include "auth.h"
#include "author.h"
#include "credentials.h"
#include "exchange.h"
#include "tables.h"

/* ---- connections ------------------------------------------------------------------------ */

/* Whether the server takes requests without credentials for the user's who logged on. */
enum owned { OWNED_NOT, OWNED_PERHAPS, OWNED };

#define SERIES_KEPT 3

/* Who has said that the connection that a type 2 came on ends behind it. */
enum ends_behind { ENDS_NOT_SAID, ENDS_BY_REQUEST, ENDS_BY_ANSWER };

/* What a connection with NTLM, or with a challenge in lower case, has besides. */
struct logon_conn_more {
    uint64_t type2_digest; /* of the last type 2 here: its target information */
    uint64_t type2_token;  /* and all of it */
    uint32_t type2_frame, type3_frame;
    const char *type2_server;
    uint8_t type2_ends;             /* enum ends_behind */
    uint32_t answered_frame;        /* the type 3 to that type 2, where it went on another connection, else 0 */
    const struct conn *answered_on; /* that one */
    const char *workstation;        /* of the last type 3 with a user, NULL if it names none */

    /* handshakes that began since the last type 3, or with that where none began since */
    uint64_t type1_who; /* X-ClientInfo or OutlookSession of the last type 1, 0: none */
    uint32_t type1_count;
    const char *type3_user; /* of a type 3 since, else NULL */

    /* type 2 without a type 3 so far */
    struct tried *open_by;
    uint32_t open_frame[SERIES_KEPT];
    uint8_t open;
    bool waits; /* in the order of time, for the first 30 s */
    int64_t open_ns;
    struct logon_conn *before, *after;

    /* An answer of 2xx to what was not captured before it, by a tap of two ports or a gap; else 0. */
    uint32_t unasked_frame;

    uint32_t lower_frame; /* a challenge in lower case that nobody answered so far */
    uint32_t lower_leg;
    bool lower_bearer; /* it answered an empty Bearer */
    bool lower_close;  /* the server closes after it */
    bool lower_seen;   /* the next leg has it in another case */
    const char *lower_host;
    const struct peer *lower_peer;
    const struct site *lower_site;
};

struct logon_conn {
    struct logon_state *world;
    struct conn *link; /* the TCP connection */
    struct queue asked;
    uint8_t owned; /* enum owned */
    bool lost : 1, proxy_auth : 1, ended : 1;
    bool forwarded : 1; /* a request says that a device sent it for another (X-Forwarded-For) */
    bool shared : 1;    /* a stranger's request was taken for the owner's */
    uint8_t proxy_asks; /* of the last response: auth_proxy_asks() of its request where it is a 407, else 0 */

    struct { /* the last final credentials */
        struct account *account;
        struct when when;
        uint64_t refusals;
        uint32_t leg;
        bool answered, relayed;
        bool by_pdu; /* accepted, by a PDU alone */
    } credentials;
    const struct account *accepted; /* accepted here before */
    const struct account *counted;  /* the first account that counts this connection */

    uint32_t owner_frame;
    uint64_t owner_client; /* X-ClientInfo of his credentials, 0: none */
    const char *owner;     /* user */
    const char *owner_scheme;

    struct pending *pending;            /* or NULL */
    const struct logon_conn_more *more; /* own, or one that says nothing; changed through logon_conn_more() alone */
    struct rounds *rounds;              /* of empty Bearers, the last here */
};

/* ---- whom and what logons are about ---------------------------------------------------- */

#define ACCOUNT_SERVERS 4

struct account { /* a row of the report */
    struct keyed keyed;
    uint32_t index;
    const char *user, *host, *scheme;
    uint32_t connections, accepted, refused;
    int64_t slowest;
    const char *server[ACCOUNT_SERVERS];
    const char *servers; /* the same, joined */
    struct when first_refusal, start, last;
    void *memo; /* the judge's */
};

struct carrier { /* of a challenge */
    struct logon_conn *conn;
    uint32_t frame, leg;
};

#define REFUSALS_KEPT 3

enum auth_way { BY_BASIC, BY_NTLM, BY_KERBEROS, BY_BEARER, AUTH_WAYS };

/* Refusals in a row of one user for one host and leg, by one way. */
struct refusals {
    struct keyed keyed;
    uint32_t count;
    uint32_t frame[REFUSALS_KEPT]; /* of the first of them */
    uint64_t token[REFUSALS_KEPT];
    uint32_t mark;   /* the frame of the last that counted */
    int64_t mark_ns; /* and its time */
    bool left;       /* told to be the last: nothing came after it */
};

/* The last token of a client that its host refused by 401, while nothing with credentials has come from its address
 * since. */
struct left_token {
    struct keyed keyed;
    struct left_token *next; /* in the order of time */
    int64_t queued_ns;
    bool queued, open; /* open: nothing has come since */
    uint32_t leg;
    uint32_t asked_frame; /* the request */
    struct when when;     /* the refusal */
    const struct logon_conn *conn;
    const struct account *account;
    const char *user, *site, *reason; /* reason: "" if it gives none */
    struct refusals *refusals;        /* whose count it stands in, or NULL */
};

enum name_form { NAME_SAM, NAME_UPN, NAME_FORMS }; /* EXAMPLE\\alice or alice; alice@example.test */

/* What belongs to one user, by his own credentials. */
struct owner {
    struct keyed keyed;
    uint8_t kind;                 /* enum identity_kind */
    bool ambiguous;               /* two users' */
    const char *user;             /* the first name */
    const char *name[NAME_FORMS]; /* as far as they are known */
    uint32_t frame, stream;
    int64_t last_ns; /* when it last came with his credentials */
};

/* What stands in a row: the last ones. */
struct in_a_row {
    uint32_t count;
    struct place_of {
        const struct logon_conn *conn;
        uint32_t frame;
        bool by_server; /* the server ended its connection, and was not asked to */
        bool asked;     /* the request asks for the end of its connection */
    } at[SERIES_KEPT];
    bool behind; /* the last has a type 2 on the next leg */
};

/* What one client came to at one host: by its X-ClientInfo, else OutlookSession, else address. */
struct tried {
    struct keyed keyed;
    const char *host, *told_by;
    uint32_t accepted_frame; /* the last acceptance */
    struct way_accepted {
        uint32_t frame; /* 0: never */
        const char *scheme;
    } way[AUTH_WAYS];
    struct in_a_row *bare;     /* 401 to type 1, without a token; or NULL */
    struct in_a_row *left;     /* type 2 without a type 3; or NULL */
    const struct in_a_row *of; /* which of them the event tells */
    void *memo;                /* the judge's */
};

/* A client address and the host it asks, on one leg. */
struct peer {
    struct keyed keyed;
    const char *tried; /* the last scheme of NTLM or Negotiate that was the first at its virtual directory */
    uint64_t tried_at; /* the virtual directory of that: a server may offer others elsewhere */
    uint32_t tried_frame, tried_stream;
    uint32_t lower_frame; /* the last challenge in lower case */
    int64_t lower_ns;
    uint8_t lower_rounds;
    bool lower_answered;  /* it read one */
    bool knows;           /* it sent credentials */
    uint8_t proxy_asks;   /* 407 in a row to requests without credentials for a proxy, each sent after the one before */
    uint32_t proxy_frame; /* the last of them */
    void *memo;           /* the judge's */
};

/* A host on one leg. */
struct site {
    struct keyed keyed;
    void *memo; /* the judge's */
};

/* What one server has taken by one way, of a host on one leg: its address, and its front end where that is named. */
struct taken {
    struct keyed keyed;
    const char *user; /* the first that was accepted, NULL if none had a name */
    bool several;     /* and others */
    bool unbound;     /* a type 3 whose channel bindings cannot match there: nobody asks for them */
};

#define ROUNDS_KEPT 3

/* Empty Bearers of one X-ClientInfo on one leg, with neither token nor other scheme between. */
struct rounds {
    struct keyed keyed;
    uint32_t count, mark;          /* mark: the frame of the last answer */
    uint32_t frame[ROUNDS_KEPT];   /* of the first answers */
    const struct logon_conn *conn; /* of the last */
    void *memo;                    /* the judge's, of this series */
};

/* ---- what events bring ------------------------------------------------------------------ */

/* A type 3 on a connection that did not carry its type 2. */
struct lone_type3 {
    const struct logon_conn *conn;
    uint32_t leg;
    const struct account *account;
    const char *user;
    const char *nb_name, *dns_name;       /* of the server that its target information names, "" if none */
    bool has_timestamp;                   /* it fits one challenge alone */
    const struct logon_conn *client_side; /* on the leg before, if that carried the type 2 too, or NULL */
    const struct carrier *same_leg;       /* of the type 2: the handshake is torn; or NULL */
    uint8_t torn_by;                      /* enum torn_by, of that */
    const struct carrier *before;         /* of the same on a leg before, or NULL */
    bool version1;                        /* without an NTLMv2 response, which tells its challenge */
    bool interleaved;                     /* this connection carried a newer type 2 than the one it answers */
    uint32_t newest;                      /* then: the newest one, frame */
};

/* Who ended the connection that the type 2 came on, before the type 3 was sent. */
enum torn_by {
    TORN_BY_SENDER,  /* nobody, or who sends the type 3 */
    TORN_BY_REQUEST, /* the same: the type 1 asks for that */
    TORN_BY_ANSWER,  /* the type 2 says so */
    TORN_BY_SERVER   /* the server's end, though nobody had said so */
};

static inline bool lone_torn_by_server(const struct lone_type3 *type3)
{
    return type3->torn_by == TORN_BY_ANSWER || type3->torn_by == TORN_BY_SERVER;
}

/* An answer to a request. */
struct logon_answer {
    const struct logon_conn *conn;
    const struct exchange *request;   /* NULL: an RTS PDU answers */
    const struct http_origin *origin; /* of a 401, 456 or 457, else NULL */
    unsigned status;                  /* 0: an RTS PDU */
    const struct account *account;    /* of its final credentials, or NULL */
    uint32_t leg;
    struct when sent;  /* the credentials: their frame, and when the server had all it waited for */
    struct when below; /* as in the request */
    int64_t time_ns;   /* from there to the answer */
    int64_t work_ns;   /* that was taken off (X-ElapsedTime) */
    bool accepted;
    bool checked;                    /* the time until the answer is what checking them took */
    const struct refusals *refusals; /* this one counted, or NULL */
    const struct taken *taken;       /* of a refusal: what that server takes by the same way, or NULL */
    unsigned offers;                 /* bits of enum auth_scheme */
    uint8_t krb_error;               /* of a KRB-ERROR with which the ticket was refused, 0: none */
    const char *reason;              /* that a refusal of Bearer gives, "" or NULL if none */
};

/* Whether two names can be told to be two users: local parts that differ, or domains of the
 * same form. */
bool users_differ(const char *a, const char *b);
/* The same, but alice@example.test may be EXAMPLE\\smith: only names of one form tell. */
bool users_named_apart(const char *a, const char *b);
/* Whether the certificate of a connection is that of a request's channel bindings. */
bool request_bound_to(const struct exchange *request, const struct tls_leaf *leaf);
/* Whether it goes where the server judges its bindings, and sees that they are not its own; or was passed on, and refused
 * there. */
bool request_bound_in_vain(const struct exchange *request);

/* What its server takes by the same way, NULL if nothing so far; front_end: as its answer names it, or empty. */
const struct taken *taken_find(const struct exchange *request, struct span front_end);
/* Whether that are credentials of others than this user: then the server can check them. taken may be NULL. */
bool taken_of_others(const struct taken *taken, const struct exchange *request);

/* Whether the server took the last credentials on that connection. */
bool logon_was_accepted(const struct logon_conn *conn);

/* The account of a row, NULL if there are no so many. */
const struct account *logon_state_account(const struct logon_state *world, uint32_t index);

#endif
