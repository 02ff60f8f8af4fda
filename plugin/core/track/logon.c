/* logon.c
 * Logons: requests and their answers, users, connections.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "logon_private.h"
#include "chars.h"
#include "event.h"

static const char *keep_span(struct logon_state *world, struct span s)
{
    char text[HTTP_NAME_MAX];
    chars_copy(text, sizeof(text), s);
    return auth_keep(world, text);
}

/* ---- what is shown -------------------------------------------------------------------------- */

static struct auth_shown *show(struct logon_state *world, const char *scheme, const char *step, const char *user)
{
    struct auth_shown *shown = &world->shown;
    memset(shown, 0, sizeof(*shown));
    shown->scheme = scheme;
    shown->step = step;
    shown->user = user;
    shown->challenge_server = "";
    shown->time_ns = -1;
    shown->row = NO_NUMBER;
    return shown;
}

/* ---- requests ------------------------------------------------------------------------------- */

static void find_leg(struct logon_conn *conn, struct exchange *request, const struct asked *asked)
{
    const struct logon_state *world = conn->world;
    const struct http_fields *fields = asked->fields;
    const struct http_head *head = fields->head;
    const uint64_t seed = (uint64_t)conn->link->kind << 32; /* nothing passes the one on as the other */
    uint64_t id;
    bool strong = fields->x_request_id.len > 0;
    if (strong) {
        id = digest_nocase(world, digest_nocase(world, 0x1D01 + seed, fields->x_request_id), fields->request_type);
    } else {
        struct span also = asked->outlook_session.len ? asked->outlook_session : fields->client_request_id;
        if (!also.len) {
            also = request->has_authorization ? fields->host : also;
        }
        struct span path = uri_path(head->uri);
        id = digest_bytes(world, digest_bytes(world, 0x1D02 + seed, head->method.ptr, head->method.len), path.ptr,
                          path.len);
        id = digest_bytes(world, digest_nocase(world, id, also), fields->authorization.ptr, fields->authorization.len);
        if (!also.len) {
            id = 0; /* nothing tells it from another client's */
        }
    }
    exchange_find_leg(request, id, strong);
}

static void find_identities(struct exchange *request, const struct asked *asked)
{
    const struct http_fields *fields = asked->fields;
    const struct span values[ID_KINDS] = { [ID_CLIENT_INFO] = without_brackets(without_counter(fields->client_info)),
                                           [ID_REQUEST_ID] = without_brackets(without_counter(fields->x_request_id)),
                                           [ID_USER_IDENTITY] = fields->user_identity,
                                           [ID_OUTLOOK_SESSION] = asked->outlook_session,
                                           [ID_CONTEXT] = asked->context };
    for (unsigned kind = 0; kind < ID_KINDS; kind++) {
        if (values[kind].len > 0) {
            request->identity[kind] = digest_nocase(request->logon->world, 0x1DE0 + kind, values[kind]);
        }
    }
}

static struct peer *peer_of(struct logon_conn *conn, const struct exchange *request)
{
    struct logon_state *world = conn->world;
    const struct endpoint *client = &conn->link->client;
    uint64_t key = digest_bytes(world, 0x9EE0 + (uint64_t)request->leg, client->addr, address_length(client));
    return keyed_make(&world->arena, &world->peers, digest_text(world, key, request->site), sizeof(struct peer));
}

/* A challenge in lower case: whether it is answered, or passed by. */
static void note_lower(struct logon_conn *conn, struct exchange *request, struct when when)
{
    struct peer *peer = request->peer;
    if (peer->lower_answered || (!conn->more->lower_frame && !peer->lower_frame)) {
        return;
    }
    bool empty = request->step == AUTH_STEP_EMPTY || request->step == AUTH_STEP_NONE;
    if (!empty) {
        peer->lower_answered = true;
        return;
    }
    bool bearer = request->has_authorization && request->scheme_id == AUTH_BEARER;
    if (conn->more->lower_frame) {
        pending_of(conn)->repeated = bearer == conn->more->lower_bearer && bearer == request->has_authorization;
    } else if (when.ns - peer->lower_ns >= SECOND && ++peer->lower_rounds >= LOWER_ROUNDS) {
        struct logon_conn_more *more = logon_conn_more(conn);
        more->lower_frame = peer->lower_frame;
        more->lower_host = request->site;
        more->lower_peer = request->peer;
        more->lower_leg = request->leg;
        more->lower_site = site_of(conn->world, request->site, request->leg);
        pending_of(conn)->repeated = true;
    }
}

/* Empty Bearers of one client: a token or another scheme ends the series. */
static void note_bearer(struct logon_conn *conn, const struct exchange *request)
{
    if (!request->has_authorization || !request->identity[ID_CLIENT_INFO] || request->step == AUTH_STEP_EMPTY) {
        return;
    }
    struct rounds *rounds = keyed_find(&conn->world->rounds, request->identity[ID_CLIENT_INFO] + request->leg);
    if (rounds) {
        rounds->count = 0;
        rounds->memo = NULL;
    }
}

/* The user by whose name the owner of a connection is compared: Kerberos hides it. */
static const char *who_of(const struct exchange *request, const struct http_fields *fields, struct logon_state *world)
{
    if (request->user[0] || !request->kerberos) {
        return request->user;
    }
    return fields->user_identity.len ? keep_span(world, fields->user_identity) : "";
}

static void emit_stranger(struct logon_conn *conn, const struct exchange *request, struct when when)
{
    conn->shared = true;
    emit(conn->world->track, &(struct event){ .kind = EVENT_STRANGER, .when = when, .logon.request = request });
}

/* What a request has to be told apart by, and what its credentials are. */
static void describe(struct logon_conn *conn, struct exchange *request, const struct http_fields *fields,
                     const struct auth_token *token)
{
    struct logon_state *world = conn->world;
    request->has_authorization = fields->authorization.ptr != NULL;
    request->step = (uint8_t)token->step;
    request->scheme_id = (uint8_t)token->scheme;
    request->final = token->final;
    request->anonymous = token->anonymous;
    request->ntlm = token->is_ntlm;
    request->kerberos = token->is_kerberos;
    request->bindings = token->has_channel_bindings;
    memcpy(request->bound_to, token->channel_bindings, sizeof(request->bound_to));
    request->options = span_equals(fields->head->method, "OPTIONS");
    request->look = !fields->request_type.len && (request->options || span_equals(fields->head->method, "GET") ||
                                                  span_equals(fields->head->method, "HEAD"));
    request->token = token->digest;
    request->waits_ns = -1;
    request->expects = fields->expect.len > 0;
    request->service = auth_keep(world, token->service);
    request->version1 = token->step == AUTH_STEP_TYPE3 && token->final && !token->ntlmv2;
    request->waits = span_equals_nocase(fields->request_type, "NotificationWait");
    request->opens =
        span_equals_nocase(fields->request_type, "Connect") || span_equals_nocase(fields->request_type, "Bind");
    request->works = fields->request_type.len && !request->opens && !span_equals_nocase(fields->request_type, "PING");
    request->in_channel = span_equals_nocase(fields->head->method, "RPC_IN_DATA") && fields->content_length > ECHO_MAX;
    request->site = keep_span(world, fields->host);
    if (!request->site[0]) {
        char text[ENDPOINT_TEXT_MAX];
        endpoint_format(conn_server(conn->link), text);
        request->site = auth_keep(world, text);
    }
    if (request->has_authorization) {
        request->scheme = auth_token_scheme(token);
        request->user = auth_keep(world, token->user);
    }
}

/* The connection's last credentials. */
static void note_credentials(struct logon_conn *conn, struct exchange *request, struct when when)
{
    struct logon_state *world = conn->world;
    request->refusals = refusals_key(request);
    request->account = account_of(world, request->user, request->site, request->scheme);
    account_seen(request->account, when);
    if (!request->relayed) {
        account_connection(world, request->account, conn);
    }
    conn->credentials.account = request->account;
    conn->credentials.when = when;
    conn->credentials.refusals = request->refusals;
    conn->credentials.leg = request->leg;
    conn->credentials.answered = conn->credentials.by_pdu = false;
    conn->credentials.relayed = request->relayed;
}

const struct auth_shown *auth_request(struct logon_conn *conn, struct exchange *request,
                                      const struct http_fields *fields)
{
    const struct when when = request->begin;
    struct logon_state *world = conn->world;
    struct asked asked = { .fields = fields };
    struct auth_token token;

    asked_cookies(&asked);
    auth_token_decode(fields->authorization, &world->arena.key, &token);
    request->logon = conn;
    describe(conn, request, fields, &token);
    find_leg(conn, request, &asked);
    find_identities(request, &asked);
    request->peer = peer_of(conn, request);
    request->tried = request->relayed ? NULL : tried_of(conn, request);
    request->peer->knows |= token.final || token.step == AUTH_STEP_TYPE1;
    bool tries = (token.scheme == AUTH_NTLM || token.scheme == AUTH_NEGOTIATE) && token.step != AUTH_STEP_EMPTY;
    if (tries && !request->peer->tried) {
        request->peer->tried = request->scheme;
        request->peer->tried_frame = when.frame;
        request->peer->tried_stream = conn->link->stream;
    }
    note_lower(conn, request, when);
    note_bearer(conn, request);
    if (token.final) {
        note_credentials(conn, request, when);
        request->user = who_of(request, fields, world);
    }
    if (token.step == AUTH_STEP_TYPE1) {
        conn->owned = OWNED_NOT; /* a handshake of one's own begins */
        note_type1(conn, request);
    } else if (token.step == AUTH_STEP_TYPE3) {
        if (request->account) {
            account_server(world, request->account, conn->more->type2_server);
        }
        note_type3(conn, request, when, &token);
    }
    find_stranger(conn, request);
    if (request->stranger && conn->owned == OWNED) {
        emit_stranger(conn, request, when);
    }
    if (!request->has_authorization || token.scheme == AUTH_OTHER) {
        return NULL;
    }
    struct auth_shown *shown = show(world, request->scheme, auth_step_name(token.step), auth_keep(world, token.user));
    shown->row = request->account ? request->account->index : NO_NUMBER;
    return shown;
}

/* ---- answers ---------------------------------------------------------------------------------- */

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

static void emit_answer(struct logon_conn *conn, enum event_kind kind, struct when when,
                        const struct logon_answer *answer)
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
    struct site *site = site_of(world, request->site, request->leg);
    if (request->user[0]) {
        site->several |= site->accepted && users_differ(site->accepted, request->user);
        site->accepted = site->accepted ? site->accepted : request->user;
    }
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
    if (request->scheme_id == AUTH_BEARER) {
        char reason[REASON_MAX];
        response_reason(response, reason);
        answer.reason = auth_keep(conn->world, reason);
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
        note_challenge(conn, request, when, token);
    }
    if (request) {
        /* After an AP-REQ SPNEGO may go on, with another token or another mechanism (RFC 4559 5). */
        bool goes_on = request->kerberos && token->step != AUTH_STEP_NONE && token->neg_state != 2;
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
    struct auth_shown *shown = show(conn->world, scheme, step, account ? account->user : "");
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
    const struct auth_shown *shown = step ? show_answer(conn, request, when, &response, step, first) : NULL;
    if (status_is_final(response.status)) {
        conn->proxy_auth = response.status == 407; /* a type 3 that comes now may be for the proxy */
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
    if (waited < 0 || work_ns < 0 || !request->account) {
        return;
    }
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

/* ---- events --------------------------------------------------------------------------------------- */

struct logon_state *logon_state_new(struct track *track)
{
    struct logon_state *world = arena_new(&track->arena, sizeof(*world));
    world->track = track;
    world->arena = track->arena;
    return world;
}

struct logon_conn *logon_conn_new(struct logon_state *world, struct conn *link)
{
    struct logon_conn *conn = arena_new(&world->arena, sizeof(*conn));
    conn->world = world;
    conn->link = link;
    link->logon = conn;
    conn->asked.leg = NO_NUMBER;
    link->asked = &conn->asked;
    conn->more = &nothing_more;
    conn->owner = conn->owner_scheme = "";
    return conn;
}

const struct auth_shown *auth_message(struct logon_conn *conn, struct when when, enum way way,
                                      const struct http_fields *fields, uint32_t *leg)
{
    const bool is_request = fields->head->is_request, ends = !is_request && status_is_final(fields->head->status);
    *leg = NO_NUMBER;
    track_at(conn->world->track, when.ns);
    if (is_request != (way == WAY_TO_SERVER)) {
        return NULL;
    }
    struct exchange *request = is_request ? exchange_begin(conn->link, NULL, when) :
                               ends       ? exchange_answered(conn->link, when, NULL) :
                                            exchange_oldest(conn->link);
    const struct auth_shown *shown =
        is_request ? auth_request(conn, request, fields) : auth_response(conn, request, when, fields);
    *leg = request ? request->leg : conn->link->asked->leg;
    if (ends && request) {
        exchange_free(request);
    }
    return shown;
}

void auth_accepted(struct logon_conn *conn, struct when when)
{
    struct account *account = conn->credentials.account;
    if (!account) {
        return;
    }
    account_seen(account, when);
    if (conn->credentials.answered) {
        return;
    }
    clear_refusals(conn->world, conn->credentials.refusals);
    conn->credentials.answered = conn->credentials.by_pdu = true;
    account->accepted += !conn->credentials.relayed;
    /* How long they took is not known: their status line came before on OUT, and never on IN. */
    const struct logon_answer answer = { .conn = conn,
                                         .account = account,
                                         .leg = conn->credentials.leg,
                                         .sent = conn->credentials.when,
                                         .time_ns = -1,
                                         .accepted = true };
    emit_answer(conn, EVENT_CREDENTIALS_ANSWERED, when, &answer);
}

void auth_request_end(struct logon_conn *conn, struct when when)
{
    struct exchange *request = conn->link->asked->last;
    if (request && !request->ended) {
        request->ended = true;
        request->end = when;
    }
}

void auth_lost(struct logon_conn *conn, enum way way)
{
    (void)way;
    conn->lost = true;
    exchange_forget_all(conn->link);
}

/* Tells what follows a challenge in lower case, where there was one. */
static void pass_by(struct logon_conn *conn, struct when when, enum passed_by then)
{
    if (conn->more->lower_frame && !conn->more->lower_peer->lower_answered) {
        emit(conn->world->track,
             &(struct event){ .kind = EVENT_CHALLENGE_UNANSWERED, .when = when, .logon.unanswered = { conn, then } });
    }
}

static void settle_pending(struct logon_conn *conn, struct when when)
{
    struct pending *pending = conn->pending;
    if (pending->frame) {
        settle_type3(conn, when);
    }
    if (pending->repeated) {
        pass_by(conn, when, PASSED_BY_REQUEST);
    }
    conn->pending = NULL;
    spare_give(&conn->world->free_pending, pending);
}

void auth_end_of_frame(struct logon_conn *conn, struct when when, bool ended, enum way by)
{
    if (conn->pending) {
        settle_pending(conn, when);
    }
    challenge_time(conn->world, when);
    if (!ended) {
        return;
    }
    if (!conn->ended) {
        conn->ended = true;
        if (by == WAY_TO_SERVER && !conn->more->lower_close) {
            pass_by(conn, when, PASSED_BY_CLOSE);
        }
        challenge_conn_ended(conn, when, by == WAY_TO_CLIENT);
        if (conn->rounds && conn->rounds->conn == conn) {
            emit(conn->world->track,
                 &(struct event){ .kind = EVENT_BEARERS_EMPTY, .when = when, .logon.rounds = conn->rounds });
        }
    }
    if (by == WAY_TO_CLIENT) {
        exchange_forget_all(conn->link);
        exchange_drop_forgotten(conn->link);
        return;
    }
    for (struct exchange *request = conn->link->asked->remembered; request; request = request->next) {
        exchange_settle(request);
    }
}

uint32_t logon_conn_row(const struct logon_conn *conn)
{
    return conn->credentials.account ? conn->credentials.account->index : NO_NUMBER;
}
