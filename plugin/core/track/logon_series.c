/* logon_series.c
 * What comes several times in a row: credentials that are refused, and handshakes of NTLM that end
 * at their challenge.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "logon_private.h"
#include "event.h"

#define CHALLENGE_WAIT (30 * SECOND) /* longer than a client takes to compute a type 3 */
/* Sessions of one client that share an expired token learn of it one by one, until it has another one: that takes a
 * few seconds, where nobody is asked. */
#define TOKEN_RENEWED (10 * SECOND)
#define TOKEN_WAIT (60 * SECOND) /* longer than a user takes to sign in, or than any token service takes */

const struct logon_conn_more nothing_more;

struct logon_conn_more *logon_conn_more(struct logon_conn *conn)
{
    if (conn->more == &nothing_more) {
        conn->more = arena_new(&conn->world->arena, sizeof(*conn->more));
    }
    return (struct logon_conn_more *)(uintptr_t)conn->more;
}

/* ---- refusals --------------------------------------------------------------------------- */

enum auth_way way_of_logon(const struct exchange *request)
{
    return request->ntlm                        ? BY_NTLM :
           request->kerberos                    ? BY_KERBEROS :
           request->scheme_id == AUTH_BEARER    ? BY_BEARER :
           request->scheme_id == AUTH_NEGOTIATE ? BY_KERBEROS :
                                                  BY_BASIC;
}

uint64_t refusals_key(const struct exchange *request)
{
    const struct logon_state *world = request->logon->world;
    uint64_t who = request->user[0]                  ? digest_text(world, 0x3EF0, request->user) :
                   request->identity[ID_CLIENT_INFO] ? request->identity[ID_CLIENT_INFO] :
                                                       request->identity[ID_OUTLOOK_SESSION];
    if (!who && request->scheme_id == AUTH_BEARER && !request->relayed && !request->logon->forwarded) {
        const struct endpoint *client = &request->link->client;
        who = digest_bytes(world, 0x3EF1, client->addr, address_length(client)); /* unless a device stands for many */
    }
    return who ? digest_text(world, who + request->leg + ((uint64_t)way_of_logon(request) << 8), request->site) : 0;
}

void clear_refusals(struct logon_state *world, uint64_t key)
{
    struct refusals *refusals = key ? keyed_find(&world->refusals, key) : NULL;
    if (refusals) {
        refusals->count = 0;
        refusals->left = false;
    }
}

/* Of a Bearer token, which several sessions share until it expires; all others are made anew for each logon,
 * or typed. Where it still comes much later, the client sends it again and again. */
static bool counted_before(const struct refusals *refusals, const struct exchange *request)
{
    if (request->begin.ns - refusals->mark_ns >= TOKEN_RENEWED) {
        return false;
    }
    for (unsigned i = 0; request->scheme_id == AUTH_BEARER && i < refusals->count && i < REFUSALS_KEPT; i++) {
        if (refusals->token[i] == request->token) {
            return true;
        }
    }
    return false;
}

const struct refusals *count_refusal(struct logon_state *world, const struct exchange *request, struct when when)
{
    struct refusals *refusals =
        request->refusals ? keyed_make(&world->arena, &world->refusals, request->refusals, sizeof(*refusals)) : NULL;
    if (!refusals || request->begin.frame <= refusals->mark || counted_before(refusals, request)) {
        return NULL;
    }
    if (request->logon->more->unasked_frame > refusals->mark) {
        refusals->count = 0;
    }
    if (refusals->count < REFUSALS_KEPT) {
        refusals->frame[refusals->count] = when.frame;
        refusals->token[refusals->count] = request->token;
    }
    refusals->mark = when.frame;
    refusals->mark_ns = when.ns;
    refusals->count++;
    return refusals;
}

/* ---- tokens ------------------------------------------------------------------------------ */

/* By its address: a client may come back with another name of its session. */
static uint64_t left_key(const struct exchange *request)
{
    const struct logon_state *world = request->logon->world;
    const struct endpoint *client = &request->link->client;
    const uint64_t key = digest_bytes(world, 0x1EF7 + (uint64_t)request->leg, client->addr, address_length(client));
    return digest_text(world, key, request->site);
}

static void queue_left(struct logon_state *world, struct left_token *left)
{
    left->queued_ns = left->when.ns;
    left->next = NULL;
    left->queued = true;
    *(world->left_last ? &world->left_last->next : &world->left_first) = left;
    world->left_last = left;
}

void note_left_token(struct logon_conn *conn, const struct exchange *request, struct when when, const char *reason)
{
    struct logon_state *world = conn->world;
    if (request->relayed) {
        return; /* of a request that was passed on it is told where its client is */
    }
    struct left_token *left = keyed_make(&world->arena, &world->left, left_key(request), sizeof(*left));
    left->open = true;
    left->conn = conn;
    left->account = request->account;
    left->user = request->user;
    left->site = request->site;
    left->reason = reason;
    left->leg = request->leg;
    left->asked_frame = request->begin.frame;
    left->when = when;
    left->refusals = request->refusals ? keyed_find(&world->refusals, request->refusals) : NULL;
    if (!left->queued) {
        queue_left(world, left);
    }
}

struct fresh {
    struct keyed keyed; /* by site */
    uint32_t frame;     /* of the last token that was not known before */
};

static uint64_t fresh_key(struct logon_state *world, const char *site)
{
    return digest_text(world, 0xF2E5, site);
}

/* Whoever sends it: of a client whose connections were not all captured, or that a device hides. */
static void note_fresh(const struct exchange *request)
{
    struct logon_state *world = request->logon->world;
    if (request->scheme_id == AUTH_BEARER && !keyed_find(&world->tokens, request->token)) {
        keyed_make(&world->arena, &world->tokens, request->token, sizeof(struct keyed));
        struct fresh *fresh = keyed_make(&world->arena, &world->fresh, fresh_key(world, request->site), sizeof(*fresh));
        fresh->frame = request->begin.frame;
    }
}

/* A token came for that host that was not known when this one was refused: it may be this client's. Where clocks differ,
 * what came later does not show. */
static bool may_be_followed(struct logon_state *world, const struct left_token *left)
{
    const struct fresh *fresh = keyed_find(&world->fresh, fresh_key(world, left->site));
    return world->track->clocks_doubted || (fresh && fresh->frame > left->when.frame);
}

void token_followed(const struct exchange *request)
{
    struct logon_state *world = request->logon->world;
    note_fresh(request);
    struct left_token *left = world->left_first ? keyed_find(&world->left, left_key(request)) : NULL;
    if (left) {
        left->open = false;
    }
}

static void leave_token(struct logon_state *world, struct left_token *left, struct when when)
{
    left->open = false;
    if (may_be_followed(world, left)) {
        return;
    }
    if (left->refusals) {
        if (left->refusals->left) {
            return;
        }
        left->refusals->left = true;
    }
    emit(world->track, &(struct event){ .kind = EVENT_TOKEN_LEFT, .when = when, .logon.left = left });
}

static void tokens_time(struct logon_state *world, struct when when)
{
    while (world->left_first && when.ns - world->left_first->queued_ns >= TOKEN_WAIT) {
        struct left_token *left = world->left_first;
        world->left_first = left->next;
        world->left_last = left->next ? world->left_last : NULL;
        left->queued = false;
        if (left->open && when.ns - left->when.ns < TOKEN_WAIT) {
            queue_left(world, left); /* it was refused again since */
        } else if (left->open) {
            leave_token(world, left, when);
        }
    }
}

/* ---- handshakes ---------------------------------------------------------------------------- */

struct tried *tried_of(struct logon_conn *conn, const struct exchange *request)
{
    struct logon_state *world = conn->world;
    const struct endpoint *client = &conn->link->client;
    uint64_t who =
        request->identity[ID_CLIENT_INFO]     ? request->identity[ID_CLIENT_INFO] :
        request->identity[ID_OUTLOOK_SESSION] ? request->identity[ID_OUTLOOK_SESSION] :
                                                digest_bytes(world, 0x7E1ED, client->addr, address_length(client));
    struct tried *tried =
        keyed_make(&world->arena, &world->tried, digest_text(world, who, request->site), sizeof(*tried));
    if (!tried->host) {
        tried->host = request->site;
        tried->told_by = request->identity[ID_CLIENT_INFO]     ? "X-ClientInfo" :
                         request->identity[ID_OUTLOOK_SESSION] ? "OutlookSession" :
                                                                 "address";
    }
    return tried;
}

/* One that has begun, or NULL. */
static void forget(struct in_a_row *series)
{
    if (series) {
        series->count = 0;
    }
}

void note_way_accepted(const struct exchange *request, struct when when)
{
    struct tried *tried = request->tried;
    if (tried) {
        tried->accepted_frame = when.frame;
        tried->way[way_of_logon(request)] = (struct way_accepted){ when.frame, request->scheme };
        forget(tried->bare);
        forget(tried->left);
    }
    if (request->logon->more->open) {
        logon_conn_more(request->logon)->open = 0;
    }
}

/* place: where tried has the series; healthy clients have none. */
static struct in_a_row *add(struct in_a_row **place, struct place_of of)
{
    if (!*place) {
        *place = arena_new(&of.conn->world->arena, sizeof(**place));
    }
    struct in_a_row *series = *place;
    if (series->count >= SERIES_KEPT) {
        memmove(series->at, series->at + 1, sizeof(series->at) - sizeof(series->at[0]));
    }
    series->at[series->count < SERIES_KEPT ? series->count : SERIES_KEPT - 1] = of;
    series->count++;
    return series;
}

static void emit_series(const struct logon_conn *conn, struct tried *tried, const struct in_a_row *series,
                        struct when when)
{
    tried->of = series;
    if (series && series->count >= SERIES_KEPT) {
        emit(conn->world->track, &(struct event){ .kind = EVENT_NO_CHALLENGE, .when = when, .logon.tried = tried });
    }
}

void note_bare(struct logon_conn *conn, const struct exchange *request, struct when when, unsigned offers, bool type2)
{
    struct tried *tried = request->tried;
    if (!tried || request->step != AUTH_STEP_TYPE1) {
        return;
    }
    if (type2) {
        forget(tried->bare);
        return;
    }
    if (offers == 1u << AUTH_BASIC) {
        return;
    }
    add(&tried->bare, (struct place_of){ .conn = conn, .frame = when.frame })->behind = request->below_type2;
    emit_series(conn, tried, tried->bare, when);
}

static void unlink_waiting(struct logon_conn *conn)
{
    struct logon_conn_more *more = logon_conn_more(conn);
    struct logon_state *world = conn->world;
    if (!more->waits) {
        return;
    }
    *(more->before ? &logon_conn_more(more->before)->after : &world->waiting_first) = more->after;
    *(more->after ? &logon_conn_more(more->after)->before : &world->waiting_last) = more->before;
    more->before = more->after = NULL;
    more->waits = false;
}

void note_open_challenge(struct logon_conn *conn, const struct exchange *request, struct when when)
{
    struct logon_conn_more *more = logon_conn_more(conn);
    struct logon_state *world = conn->world;
    unlink_waiting(conn);
    if (!request || !request->tried) {
        more->open = 0;
        return;
    }
    more->open_by = request->tried;
    more->open_frame[more->open < SERIES_KEPT ? more->open : SERIES_KEPT - 1] = when.frame;
    more->open += more->open < SERIES_KEPT;
    more->open_ns = when.ns;
    more->waits = true;
    more->before = world->waiting_last;
    *(world->waiting_last ? &logon_conn_more(world->waiting_last)->after : &world->waiting_first) = conn;
    world->waiting_last = conn;
}

static void close_challenge(struct logon_conn *conn)
{
    if (conn->more->open || conn->more->waits) {
        unlink_waiting(conn);
        logon_conn_more(conn)->open = 0;
    }
}

/* Takes one out of those that nobody answered. */
static void take_out(struct in_a_row *series, const struct logon_conn *conn, uint32_t frame)
{
    const uint32_t kept = series->count < SERIES_KEPT ? series->count : SERIES_KEPT;
    for (uint32_t i = 0; i < kept; i++) {
        if (series->at[i].conn == conn && series->at[i].frame == frame) {
            memmove(series->at + i, series->at + i + 1, (kept - i - 1) * sizeof(series->at[0]));
            series->count = kept - 1;
            return;
        }
    }
}

void challenges_answered(struct logon_conn *conn)
{
    const struct logon_conn_more *more = conn->more;
    struct in_a_row *left = more->open_by ? more->open_by->left : NULL;
    for (uint32_t i = left ? SERIES_KEPT : 0; i > 0; i--) {
        if (i <= left->count && left->at[i - 1].conn == conn) {
            take_out(left, conn, left->at[i - 1].frame);
        }
    }
    close_challenge(conn);
}

void challenge_answered_on(const struct carrier *carrier, const struct conn *link, uint32_t frame)
{
    struct logon_conn_more *more = logon_conn_more(carrier->conn);
    if (more->type2_frame == carrier->frame) {
        more->answered_frame = frame;
        more->answered_on = link;
    }
    for (uint8_t i = 0; i < more->open; i++) {
        if (more->open_frame[i] == carrier->frame) {
            memmove(more->open_frame + i, more->open_frame + i + 1,
                    (more->open - i - 1u) * sizeof(more->open_frame[0]));
            more->open--;
            if (more->open == 0) {
                close_challenge(carrier->conn);
            }
            return;
        }
    }
    if (more->open_by && more->open_by->left) {
        take_out(more->open_by->left, carrier->conn, carrier->frame);
    }
}

/* No type 3 came after those on this connection. */
static void leave_challenges(struct logon_conn *conn, struct when when, bool by_server)
{
    const struct logon_conn_more *more = conn->more;
    struct tried *tried = more->open_by;
    const uint8_t open = more->open;
    const bool asked = more->type2_ends == ENDS_BY_REQUEST;
    by_server = (by_server && !asked) || more->type2_ends == ENDS_BY_ANSWER;
    close_challenge(conn);
    for (unsigned i = 0; i < open && !conn->lost; i++) {
        if (more->open_frame[i] > tried->accepted_frame) {
            add(&tried->left, (struct place_of){ conn, more->open_frame[i], by_server, asked });
        }
    }
    if (open && !conn->lost) {
        emit_series(conn, tried, tried->left, when);
    }
}

void series_time(struct logon_state *world, struct when when)
{
    tokens_time(world, when);
    while (world->waiting_first && when.ns - world->waiting_first->more->open_ns >= CHALLENGE_WAIT) {
        leave_challenges(world->waiting_first, when, false);
    }
}

void challenge_conn_ended(struct logon_conn *conn, struct when when, bool by_server)
{
    if (conn->more->open) {
        leave_challenges(conn, when, by_server);
    }
}
