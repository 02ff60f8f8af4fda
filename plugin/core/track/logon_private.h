/* logon_private.h
 * What the files of logons share: each uses those before it alone. A connection without
 * outstanding requests stays below 192 bytes.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_LOGON_PRIVATE_H
#define OUTLOOKHTTP_LOGON_PRIVATE_H

#include "chars.h"
#include "event.h"
#include "logon_state.h"

#define LOWER_ROUNDS 2 /* without credentials, on further connections: the client does not read the challenge */
#define ECHO_MAX 16    /* bytes of body of a request that only asks for an echo (MS-RPCH 2.1.2.1.5) */
#define REQUEST_ID_LIFE (900 * SECOND) /* as Exchange lets a session context expire */

/* What is looked at at the end of the frame: a type 3, or a repeated request. */
struct pending {
    uint32_t frame; /* of the type 3, 0: none */
    struct lone_type3 type3;
    uint64_t digest;    /* of its target information, 0: none */
    uint64_t challenge; /* then: the type 2 that the same type 3 answers on the leg before, 0: not known */
    bool repeated;      /* without credentials, after a challenge in lower case */
};

#define CARRIERS 4

/* A target information that was given in a type 2, and where, oldest first. */
struct challenge {
    struct keyed keyed;
    struct carrier carrier[CARRIERS];
    uint8_t carriers;
};

struct logon_state {
    struct arena arena;
    struct track *track;
    struct table accounts, account_conns /* further accounts of connections */, challenges, refusals, owners, peers,
        sites, taken, rounds, tried, left, tokens, fresh;
    struct rows rows; /* struct account */
    struct spare *free_pending;
    struct auth_shown shown;                         /* by the last head */
    struct logon_conn *waiting_first, *waiting_last; /* for a type 3 */
    struct left_token *left_first, *left_last;       /* for another token */
};

/* ---- keyed.c: values told apart by digests with the secret of the file; 0 says "none" --- */

uint64_t digest_bytes(const struct logon_state *world, uint64_t seed, const void *data, size_t len);
uint64_t digest_nocase(const struct logon_state *world, uint64_t seed, struct span s);
uint64_t digest_text(const struct logon_state *world, uint64_t seed, const char *text); /* in any case */
const char *auth_keep(struct logon_state *world, const char *text);                     /* the one copy; "" for "" */

/* ---- account.c -------------------------------------------------------------------------- */

enum name_form name_form(const char *user);
struct account *account_of(struct logon_state *world, const char *user, const char *host, const char *scheme);
void account_seen(struct account *account, struct when when);
void account_time(struct account *account, int64_t ns);
void account_server(struct logon_state *world, struct account *account, const char *server);
void account_connection(struct logon_state *world, struct account *account, struct logon_conn *conn);
struct site *site_of(struct logon_state *world, const char *host, uint32_t leg);
/* front_end: X-FEServer, as far as it shows. */
void note_taken(const struct exchange *request, struct span front_end);
enum auth_way way_of_logon(const struct exchange *request);

/* ---- logon_fields.c ------------------------------------------------------------------------ */

/* A request, read. */
struct asked {
    const struct http_fields *fields;
    struct span outlook_session, context; /* cookies */
};

/* A response, read. */
struct response {
    const struct http_fields *fields;
    unsigned status;
    struct span context;              /* the cookie, as it is set */
    unsigned offers;                  /* bits of enum auth_scheme */
    bool names_token_source;          /* where to get another Bearer token */
    bool lower_case, other_case;      /* of WWW-Authenticate */
    struct auth_token token;          /* of the challenge that counts */
    const struct http_origin *origin; /* of a 401, 456 or 457, else NULL */
};

void asked_cookies(struct asked *asked);
void response_cookies(struct response *response);
/* wanted: the scheme of the request. */
void response_challenges(struct response *response, const struct hash_key *key, enum auth_scheme wanted);
/* What a server says against a Bearer token, at most so much of it; "" if nothing. */
#define REASON_MAX 81
void response_reason(const struct response *response, char reason[REASON_MAX]);
/* Without quotes and braces around it. */
struct span without_brackets(struct span s);
/* "{GUID}:7": the GUID; else all of it. */
struct span without_counter(struct span s);
/* From the path on, also of an absolute URI. */
struct span uri_path(struct span uri);
/* "/mapi" of "/mapi/emsmdb/?MailboxId=..." */
struct span first_segment(struct span uri);

/* ---- handshake.c: type 2 and type 3 of NTLM ---------------------------------------------- */

struct pending *pending_of(struct logon_conn *conn); /* of this frame, made on first use */
void note_challenge(struct logon_conn *conn, const struct exchange *request, struct when when,
                    const struct response *response);
void note_type1(struct logon_conn *conn, const struct exchange *request);
void note_type3(struct logon_conn *conn, const struct exchange *request, struct when when,
                const struct auth_token *token);
/* At the end of the frame with a type 3: where its challenge was. */
void settle_type3(struct logon_conn *conn, struct when when);

/* ---- owner.c -------------------------------------------------------------------------------- */

/* A request without credentials: whether it is another user's than the connection's. */
void find_stranger(struct logon_conn *conn, struct exchange *request);
/* From his own credentials the server took: what comes with them is this user's. */
void learn_owner(struct logon_state *world, uint64_t key, unsigned kind, const char *user,
                 const struct logon_conn *conn, struct when when);

/* ---- logon_series.c ------------------------------------------------------------------------ */

struct logon_conn_more *logon_conn_more(struct logon_conn *conn); /* made on first use */
/* Of final credentials; 0: nobody's. */
uint64_t refusals_key(const struct exchange *request);
void clear_refusals(struct logon_state *world, uint64_t key);
/* Counts a refusal of credentials that were sent after the one before it had arrived; NULL: it does not count. */
const struct refusals *count_refusal(struct logon_state *world, const struct exchange *request, struct when when);
/* A 401 refuses a Bearer token, and the client may get another one; reason: what it says against it. */
void note_left_token(struct logon_conn *conn, const struct exchange *request, struct when when, const char *reason);
/* Final credentials come: no token of that client is left. */
void token_followed(const struct exchange *request);
struct tried *tried_of(struct logon_conn *conn, const struct exchange *request);
/* Credentials were accepted: what stood in a row is over. */
void note_way_accepted(const struct exchange *request, struct when when);
/* A 401 to a request; type2: with a token. */
void note_bare(struct logon_conn *conn, const struct exchange *request, struct when when, unsigned offers, bool type2);
/* A type 2 came. */
/* A type 3 to that type 2 came in that frame on another connection: nobody has left it. */
void challenge_answered_on(const struct carrier *carrier, const struct conn *link, uint32_t frame);
void note_open_challenge(struct logon_conn *conn, const struct exchange *request, struct when when);
/* Its type 3 came, however late. */
void challenges_answered(struct logon_conn *conn);
/* Time has passed: challenges and refused tokens that nobody went on with. */
void series_time(struct logon_state *world, struct when when);
void challenge_conn_ended(struct logon_conn *conn, struct when when, bool by_server);

extern const struct logon_conn_more nothing_more;

/* ---- logon_request.c ----------------------------------------------------------------------- */

/* What is shown of a head, but for what a request and an answer have of their own; the world's until the next one. */
struct auth_shown *auth_show(struct logon_state *world, const char *scheme, const char *step, const char *user);
/* A request that shows itself to be another user's than the connection's. */
void emit_stranger(struct logon_conn *conn, const struct exchange *request, struct when when);

/* ---- logon_answer.c ------------------------------------------------------------------------ */

void emit_answer(struct logon_conn *conn, enum event_kind kind, struct when when, const struct logon_answer *answer);

#endif
