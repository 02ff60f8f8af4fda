/* logon_answer.c
 * Answers: challenges, and what became of credentials.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "logon_private.h"

/* From when the server has been asked: when it had all of the request, and had said that it wants the body; of IN, whose
 * body ends with the channel, its head. -1 where that is not known. */
static int64_t asked_since(const struct exchange *request)
{
    struct when from = request->begin;
    if (!request->in_channel) {
        if (request->conn && !request->ended && !request->expects) {
            return -1; /* answered before it was sent */
        }
        from = request->ended && request->end.ns > from.ns ? request->end : from;
        from = request->go_on.frame && request->go_on.ns > from.ns ? request->go_on : from;
    }
    return from.ns;
}

/* How long it took for credentials until now, -1 where that is not known. */
static int64_t time_taken(const struct exchange *request)
{
    const int64_t since = asked_since(request);
    return since < 0 ? -1 : track_waited(request->link->track, since);
}

static struct logon_answer answer_to(struct logon_conn *conn, const struct exchange *request, struct when when,
                                     const struct response *response, bool accepted)
{
    const int64_t time_ns = time_taken(request);
    return (struct logon_answer){ .conn = conn,
                                  .time_ns = time_ns,
                                  .request = request,
                                  .origin = response->origin,
                                  .status = response->status,
                                  .account = request->account,
                                  .leg = request->leg,
                                  .sent = { request->begin.frame, when.ns - time_ns },
                                  .below = request->below,
                                  .accepted = accepted,
                                  .offers = response->offers };
}

void emit_answer(struct logon_conn *conn, enum event_kind kind, struct when when, const struct logon_answer *answer)
{
    emit(conn->world->track, &(struct event){ .kind = kind, .when = when, .logon.answer = answer });
}

/* The first answer to credentials of a request whose time counts. */
static void note_checked(struct exchange *request, struct when when, struct logon_answer *answer)
{
    answer->checked = answer->time_ns >= 0;
    if (request->before && !request->before->below.frame) {
        request->before->below = when;
    }
}

/* The connection's owner, once the server has taken credentials. */
static void own(struct logon_conn *conn, const struct exchange *request, const struct http_fields *fields)
{
    bool denied = span_equals_nocase(fields->persistent_auth, "false");
    conn->owned = OWNED_NOT;
    conn->shared = false;
    conn->owner = request->user;
    conn->owner_client = request->identity[ID_CLIENT_INFO];
    conn->owner_scheme = request->scheme;
    conn->owner_frame = request->begin.frame;
    if (request->ntlm) {
        conn->owned = denied ? OWNED_NOT : OWNED;
    } else if (request->kerberos && !denied) {
        conn->owned = span_equals_nocase(fields->persistent_auth, "true") ? OWNED : OWNED_PERHAPS;
    }
}

static void accept(struct logon_conn *conn, struct exchange *request, struct when when, const struct response *response)
{
    struct logon_answer answer = answer_to(conn, request, when, response, true);
    struct logon_state *world = conn->world;
    struct account *account = request->account;
    bool first = !request->credentials_answered;
    clear_refusals(world, request->refusals);
    note_way_accepted(request, when);
    own(conn, request, response->fields);
    for (unsigned kind = 0; kind < ID_KINDS; kind++) {
        learn_owner(world, request->identity[kind], kind, request->user, conn, request->begin);
    }
    if (request->opens && response->context.len) {
        learn_owner(world, digest_nocase(world, 0x1DE0 + ID_CONTEXT, response->context), ID_CONTEXT, request->user,
                    conn, when);
    }
    account_seen(account, when);
    if (!first) {
        return;
    }
    note_taken(request, response->fields->front_end);
    if (!request->relayed && !conn->credentials.by_pdu) {
        account->accepted++;
    }
    if (!request->waits && !(request->in_channel && answer.status >= 200)) {
        if (!request->relayed && !request->works) {
            account_time(account, answer.time_ns);
        }
        if (request->scheme_id != AUTH_BEARER && (request->ntlm || conn->accepted != account)) {
            note_checked(request, when, &answer);
        }
        if (request->works) { /* what it took with them is not known before the end of the response */
            request->waits_ns = answer.time_ns;
            request->waits_at = when.ns;
            request->waits_checked = answer.checked;
            answer.checked = false;
        }
    }
    conn->accepted = account;
    request->credentials_answered = true;
    conn->credentials.answered |= conn->credentials.when.frame == request->begin.frame;
    emit_answer(conn, EVENT_CREDENTIALS_ANSWERED, when, &answer);
}

static void refuse(struct logon_conn *conn, struct exchange *request, struct when when, const struct response *response)
{
    struct account *account = request->account;
    struct logon_answer answer = answer_to(conn, request, when, response, false);
    bool first = !request->credentials_answered;
    account_seen(account, when);
    if (conn->accepted == account) {
        conn->accepted = NULL;
    }
    if (!request->relayed) {
        account->refused++;
        account->accepted -= conn->credentials.by_pdu && conn->credentials.when.frame == request->begin.frame;
        account_time(account, answer.time_ns);
    }
    conn->credentials.by_pdu = false;
    if (!account->first_refusal.frame) {
        account->first_refusal = when;
    }
    if (request->scheme_id != AUTH_BEARER && first) {
        note_checked(request, when, &answer);
    }
    request->credentials_answered = true;
    conn->credentials.answered |= conn->credentials.when.frame == request->begin.frame;
    conn->owned = OWNED_NOT;
    answer.refusals = count_refusal(conn->world, request, when);
    answer.taken = taken_find(request, response->fields->front_end);
    answer.krb_error = response->token.krb_error;
    if (request->scheme_id == AUTH_BEARER) {
        char reason[REASON_MAX];
        response_reason(response, reason);
        answer.reason = auth_keep(conn->world, reason);
    }
    /* Any other 401 to a token refuses a channel for good. */
    const bool goes_on = request->conn ? response->offers >> AUTH_BEARER & 1 : response->names_token_source;
    if (response->status == 401 && request->scheme_id == AUTH_BEARER && goes_on) {
        note_left_token(conn, request, when, answer.reason);
    }
    if (first) {
        emit_answer(conn, EVENT_CREDENTIALS_ANSWERED, when, &answer);
    }
    emit_answer(conn, EVENT_CREDENTIALS_REFUSED, when, &answer);
}

static void note_round(struct logon_conn *conn, const struct exchange *request, struct when when)
{
    uint64_t client = request->identity[ID_CLIENT_INFO];
    if (request->scheme_id != AUTH_BEARER || request->step != AUTH_STEP_EMPTY || !client) {
        return;
    }
    struct rounds *rounds =
        keyed_make(&conn->world->arena, &conn->world->rounds, client + request->leg, sizeof(*rounds));
    if (request->begin.frame <= rounds->mark) {
        return;
    }
    if (rounds->count < ROUNDS_KEPT) {
        rounds->frame[rounds->count] = when.frame;
    }
    rounds->count++;
    rounds->mark = when.frame;
    rounds->conn = conn;
    conn->rounds = rounds;
}

/* A 401 to whom it may concern. */
static void challenged(struct logon_conn *conn, struct exchange *request, struct when when,
                       const struct response *response)
{
    const bool lower = response->lower_case && !response->other_case;
    if (request->before) {
        request->before->below_offers = (uint8_t)response->offers;
        request->before->below_answered = true;
        request->before->below_lower = lower;
        request->before->below_type2 = response->token.step == AUTH_STEP_TYPE2;
        request->before->below_unbound = request_bound_in_vain(request);
    }
    note_round(conn, request, when);
    bool unasked = request->step == AUTH_STEP_NONE || request->step == AUTH_STEP_EMPTY;
    /* A probe that only looks never logs on, whatever it is offered. */
    if (unasked && lower && !request->peer->lower_answered && (!request->look || request->peer->knows)) {
        struct logon_conn_more *more = logon_conn_more(conn);
        more->lower_frame = when.frame;
        more->lower_leg = request->leg;
        more->lower_host = request->site;
        more->lower_peer = request->peer;
        more->lower_site = site_of(conn->world, request->site, request->leg);
        more->lower_bearer = request->has_authorization && request->scheme_id == AUTH_BEARER;
        more->lower_close = response->fields->close;
        more->lower_seen = request->below_answered && !request->below_lower && request->below_offers;
        request->peer->lower_frame = when.frame;
        request->peer->lower_ns = when.ns;
    }
    if (response->offers) {
        const struct logon_answer answer = answer_to(conn, request, when, response, false);
        emit_answer(conn, EVENT_OFFER, when, &answer);
    }
    note_bare(conn, request, when, response->offers, response->token.step == AUTH_STEP_TYPE2);
}

/* A 401; request: NULL if it is not known. Returns the step that it is, NULL if it is none. */
static const char *take_challenge(struct logon_conn *conn, struct exchange *request, struct when when,
                                  const struct response *response)
{
    const struct auth_token *token = &response->token;
    const bool type2 = token->step == AUTH_STEP_TYPE2;
    bool refused = false;
    if (type2) {
        note_challenge(conn, request, when, response);
    }
    if (request) {
        /* After an AP-REQ SPNEGO may go on, with another token or another mechanism (RFC 4559 5). Windows says so of a
         * KRB-ERROR, too, but that takes the ticket for no good. */
        bool goes_on = request->kerberos && token->step != AUTH_STEP_NONE && token->neg_state != 2 && !token->krb_error;
        refused = request->final && !goes_on;
        if (refused) {
            refuse(conn, request, when, response);
        }
        if (!request->has_authorization) {
            conn->owned = OWNED_NOT;
        }
        challenged(conn, request, when, response);
    }
    return refused ? "rejected" : type2 ? "type2" : response->offers ? "challenge" : NULL;
}

/* The same of any other response. */
static const char *take_answer(struct logon_conn *conn, struct exchange *request, struct when when,
                               const struct response *response)
{
    const unsigned status = response->status;
    if (status == 100) { /* a server, or a device before it, may invite the body before it looks at credentials */
        request->go_on = request->go_on.frame ? request->go_on : when;
        return NULL;
    }
    if (request->final && status / 100 == 2) {
        accept(conn, request, when, response);
        return "accepted";
    }
    if (request->final && http_is_credential_status(status)) {
        refuse(conn, request, when, response);
        return "rejected";
    }
    if (status / 100 != 2) {
        return request->final && status >= 200 ? "" : NULL;
    }
    if (!request->has_authorization && conn->owned == OWNED_PERHAPS) {
        conn->owned = OWNED; /* MS-N2HT: the connection is authenticated, not the request */
        if (request->stranger && conn->owner_frame < request->begin.frame) { /* not that of a later owner */
            emit_stranger(conn, request, when);
        }
    }
    return request->anonymous ? "accepted" : NULL;
}

/* The name of a scheme that is the only one, else "". */
static const char *only_scheme(unsigned offers)
{
    enum auth_scheme scheme = AUTH_NONE;
    if (!offers || (offers & (offers - 1))) {
        return "";
    }
    while (!(offers >> scheme & 1)) {
        scheme++;
    }
    return auth_scheme_name(scheme);
}

/* first: nothing has answered the credentials before. */
static const struct auth_shown *show_answer(const struct logon_conn *conn, const struct exchange *request,
                                            struct when when, const struct response *response, const char *step,
                                            bool first)
{
    const bool type2 = strcmp(step, "type2") == 0, offer = strcmp(step, "challenge") == 0;
    const struct account *account = request && request->final && !type2 ? request->account : NULL;
    const char *scheme = type2 ? auth_token_scheme(&response->token) :
                         offer ? only_scheme(response->offers) :
                                 request->scheme;
    struct auth_shown *shown = auth_show(conn->world, scheme, step, account ? account->user : "");
    if (type2) {
        shown->challenge_server = conn->more->type2_server;
        shown->challenge_time = response->token.target.timestamp;
    }
    if (account) {
        shown->row = account->index;
        shown->credentials_frame = request->begin.frame;
        const int64_t since = asked_since(request);
        shown->time_ns = !first || since < 0 ? -1 : when.ns > since ? when.ns - since : 0;
    }
    return shown;
}

unsigned auth_proxy_asks(const struct exchange *request)
{
    const struct peer *peer = request->peer;
    return peer && !request->proxy_step && request->begin.frame > peer->proxy_frame ? peer->proxy_asks + 1u : 0u;
}

/* What asks for credentials for a proxy is a step, unless the client never brings any. */
static void note_proxy(struct logon_conn *conn, const struct exchange *request, struct when when, unsigned status)
{
    const unsigned asks = request && status == 407 ? auth_proxy_asks(request) : 0;
    conn->proxy_asks = asks < UINT8_MAX ? (uint8_t)asks : UINT8_MAX - 1;
    if (asks) {
        request->peer->proxy_asks = conn->proxy_asks;
        request->peer->proxy_frame = when.frame;
    } else if (request && request->peer && status != 407) {
        request->peer->proxy_asks = 0;
    }
}

const struct auth_shown *auth_response(struct logon_conn *conn, struct exchange *request, struct when when,
                                       const struct http_fields *fields)
{
    struct response response = { .fields = fields, .status = fields->head->status };
    struct http_origin origin;
    const char *step = NULL;

    request = request && !request->forgotten ? request : NULL;
    const bool first = request && !request->credentials_answered;
    response_challenges(&response, &conn->world->arena.key, request ? (enum auth_scheme)request->scheme_id : AUTH_NONE);
    response_cookies(&response);
    if (response.status == 401 || http_is_credential_status(response.status)) {
        http_origin_of(fields, NULL, &origin);
        response.origin = &origin;
    }
    if (response.status == 401) {
        step = take_challenge(conn, request, when, &response);
    } else {
        step = request ? take_answer(conn, request, when, &response) : NULL;
    }
    if (!request && response.status / 100 == 2) {
        logon_conn_more(conn)->unasked_frame = when.frame; /* it may have taken what is refused before and after it */
    }
    const struct auth_shown *shown = step ? show_answer(conn, request, when, &response, step, first) : NULL;
    if (status_is_final(response.status)) {
        conn->proxy_auth = response.status == 407; /* a type 3 that comes now may be for the proxy */
        note_proxy(conn, request, when, response.status);
    }
    if (request && status_is_final(response.status)) {
        exchange_forget(request);
    }
    return shown;
}

void auth_response_end(struct logon_conn *conn, struct exchange *request, struct when when, int64_t work_ns)
{
    const int64_t waited = request->waits_ns;
    request->waits_ns = -1;
    /* To Connect and Bind the server says at once that it is at work, most often: what is not known does not count. */
    if (waited < 0 || (work_ns < 0 && !request->opens) || !request->account) {
        return;
    }
    /* What it did behind its status line came after the credentials. */
    const int64_t behind = when.ns - request->waits_at;
    work_ns = work_ns > behind ? work_ns - behind : 0;
    const int64_t ns = waited > work_ns ? waited - work_ns : 0;
    const struct logon_answer answer = { .conn = conn,
                                         .request = request,
                                         .status = 200,
                                         .account = request->account,
                                         .leg = request->leg,
                                         .sent = { request->begin.frame, when.ns - ns },
                                         .below = request->below,
                                         .time_ns = ns,
                                         .work_ns = work_ns,
                                         .accepted = true,
                                         .checked = request->waits_checked };
    if (!request->relayed) {
        account_time(request->account, ns);
    }
    if (answer.checked) {
        emit_answer(conn, EVENT_CREDENTIALS_ANSWERED, when, &answer);
    }
}
