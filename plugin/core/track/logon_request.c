/* logon_request.c
 * Requests: whose they are, what credentials they bring, and what of the connection that changes.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "logon_private.h"
#include "product.h"

struct auth_shown *auth_show(struct logon_state *world, const char *scheme, const char *step, const char *user)
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

static const char *keep_span(struct logon_state *world, struct span s)
{
    char text[HTTP_NAME_MAX];
    chars_copy(text, sizeof(text), s);
    return auth_keep(world, text);
}

static void find_leg(struct logon_conn *conn, struct exchange *request, const struct asked *asked)
{
    const struct logon_state *world = conn->world;
    const struct http_fields *fields = asked->fields;
    const struct http_head *head = fields->head;
    const uint64_t seed = (uint64_t)conn->link->kind << 32; /* nothing passes the one on as the other */
    uint64_t id;
    enum likeness like = fields->x_request_id.len > 0 ? LIKE_REQUEST : LIKE_USER;
    if (like == LIKE_REQUEST) {
        id = digest_nocase(world, digest_nocase(world, 0x1D01 + seed, fields->x_request_id), fields->request_type);
    } else {
        struct span also = asked->outlook_session.len ? asked->outlook_session : fields->client_request_id;
        if (!also.len) {
            also = request->has_authorization ? fields->host : also;
            like = request->final ? like : LIKE_MANY;
        }
        struct span path = uri_path(head->uri);
        id = digest_bytes(world, digest_bytes(world, 0x1D02 + seed, head->method.ptr, head->method.len), path.ptr,
                          path.len);
        id = digest_bytes(world, digest_nocase(world, id, also), fields->authorization.ptr, fields->authorization.len);
        if (!also.len) {
            id = 0; /* nothing tells it from another client's */
        }
    }
    exchange_find_leg(request, id, like);
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

void emit_stranger(struct logon_conn *conn, const struct exchange *request, struct when when)
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
    request->directory = digest_nocase(world, 0xD12E, first_segment(fields->head->uri));
    request->waits_ns = -1;
    request->expects = fields->expect.len > 0;
    request->closes = http_ends_connection(fields);
    if (fields->proxy_authorization.len > 0) {
        struct auth_token proxy;
        auth_token_decode(fields->proxy_authorization, NULL, &proxy);
        request->proxy_step = true;
        request->proxy_final = proxy.final;
    }
    request->service = auth_keep(world, token->service);
    request->version1 = token->step == AUTH_STEP_TYPE3 && token->final && !token->ntlmv2;
    request->waits = span_equals_nocase(fields->request_type, "NotificationWait");
    request->opens =
        span_equals_nocase(fields->request_type, "Connect") || span_equals_nocase(fields->request_type, "Bind");
    /* Where responses are followed to their end, they tell how long Connect and Bind worked, too. */
    request->works = fields->request_type.len && !span_equals_nocase(fields->request_type, "PING") &&
                     (!request->opens || request->conn);
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
    token_followed(request);
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

/* Whose it is: its client and leg tell. */
static void find_peer(struct logon_conn *conn, struct exchange *request)
{
    request->peer = peer_of(conn, request);
    request->tried = request->relayed ? NULL : tried_of(conn, request);
    request->peer->knows |= request->final || request->step == AUTH_STEP_TYPE1;
}

/* It was taken for what another client's request became behind a device. */
static void stands_alone(struct exchange *request)
{
    struct logon_conn *conn = request->logon;
    find_peer(conn, request);
    if (request->account) {
        note_credentials(conn, request, request->begin);
    }
}

void auth_cookie(struct logon_conn *conn, const uint8_t cookie[16])
{
    exchange_of_cookie(conn->link, cookie, stands_alone);
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
    if (fields->forwarded_for.len > 0) {
        const struct endpoint address = http_forwarded_for(fields->forwarded_for);
        exchange_came_from(request, &address);
        conn->forwarded = true;
    }
    find_leg(conn, request, &asked);
    find_identities(request, &asked);
    find_peer(conn, request);
    request->peer->proxy_asks = request->proxy_step ? 0 : request->peer->proxy_asks;
    bool tries = (token.scheme == AUTH_NTLM || token.scheme == AUTH_NEGOTIATE) && token.step != AUTH_STEP_EMPTY;
    if (tries && (!request->peer->tried || request->peer->tried_at != request->directory)) {
        request->peer->tried_at = request->directory;
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
    struct auth_shown *shown =
        auth_show(world, request->scheme, auth_step_name(token.step), auth_keep(world, token.user));
    shown->row = request->account ? request->account->index : NO_NUMBER;
    return shown;
}
