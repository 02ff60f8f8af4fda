/* mapi.c
 * Sessions of MAPI/HTTP: requests and their responses, the cookies that tell whose they are,
 * legs, and what a session learns from each response (MS-OXCMAPIHTTP 3.1.5, 3.2.5). What is
 * wrong is judged in mjudge.c.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "mapi_private.h"

#include "chars.h"
#include "exch.h"

#include <stddef.h>
#include <stdio.h>

#define TAGS_FIRST 2             /* room: PROCESSING and DONE */
#define SENT_MAX 40              /* cookies of one request */
#define TEXT_MAX 256
#define BUNCH_WINDOW (50 * MILLISECOND)

/* ---- The world -------------------------------------------------------------------- */

struct mworld *mworld_new(const struct arena *arena, struct aworld *auth)
{
    struct mworld *world = arena_new(arena, sizeof(*world));
    world->arena = *arena;
    world->auth = auth;
    return world;
}

const char *mworld_text(struct mworld *world, const char *text)
{
    return text_keep(&world->arena, &world->texts, text);
}

static const char *keep_span(struct mworld *world, struct span span)
{
    char text[TEXT_MAX];
    if (span.len == 0) {
        return NULL;
    }
    chars_copy(text, sizeof(text), span);
    return mworld_text(world, text);
}

static uint32_t hash_endpoint(const struct endpoint *end)
{
    return hash_bytes(end->addr, address_length(end), end->port);
}

struct server *mworld_find_server(struct mworld *world, const struct endpoint *end)
{
    uint32_t hash = hash_endpoint(end);
    for (struct item *item = table_first(&world->servers, hash); item; item = table_next(item)) {
        struct server *server = (struct server *)item;
        if (endpoint_equal(&server->end, end)) {
            return server;
        }
    }
    return NULL;
}

static struct server *world_server(struct mworld *world, const struct endpoint *end)
{
    struct server *server = mworld_find_server(world, end);
    if (!server) {
        server = arena_new(&world->arena, sizeof(*server));
        server->end = *end;
        table_add(&world->arena, &world->servers, &server->item, hash_endpoint(end));
    }
    return server;
}

struct mconn *mconn_new(struct mworld *world, uint32_t stream, const struct endpoint *client,
                        const struct endpoint *server, const struct conn_past *past)
{
    struct mconn *conn = arena_new(&world->arena, sizeof(*conn));
    conn->world = world;
    conn->stream = stream;
    conn->client = *client;
    conn->server_end = *server;
    conn->server = world_server(world, server);
    conn->server->open++;
    conn->tls = past->tls;
    tcp_flow_start(&conn->tcp, past);
    conn->auth = aconn_new(world->auth, stream, &conn->client, &conn->server_end, &conn->tcp, past->tls);
    return conn;
}

struct aconn *mconn_auth(const struct mconn *conn)
{
    return conn->auth;
}

enum doubt mconn_doubt(const struct mconn *conn)
{
    uint32_t frame;
    return tcp_flow_doubt(&conn->tcp, &frame);
}

const struct verdict *mworld_take_verdicts(struct mworld *world)
{
    return verdict_take(&world->verdicts);
}

/* ---- Types of requests -------------------------------------------------------------- */

bool is_notification(const struct request *request)
{
    return request->type == MAPI_NOTIFICATION_WAIT;
}

bool is_connect(uint8_t type)
{
    return type == MAPI_CONNECT || type == MAPI_BIND;
}

bool is_disconnect(uint8_t type)
{
    return type == MAPI_DISCONNECT || type == MAPI_UNBIND;
}

bool is_server_side(const struct request *request)
{
    return request->leg != NO_NUMBER && request->leg > 0 && !request->there.conn;
}

/* ---- Heads ---------------------------------------------------------------------------- */

struct fields {
    struct span request_type, request_id, client_application, content_type, code, period, expiration, elapsed, host;
    struct span location, identity, front_end, be_server, be_target, be_status, server_request_id, server, via;
    struct span failure, diag, date, authorization, proxy_authorization, transfer, length, connection, expect;
    struct span proxy_challenge;
    bool sets_cookies, sends_cookies;
};

static void read_fields(const struct http_head *head, struct fields *fields)
{
    static const struct {
        const char *name;
        size_t len, offset;
    } rows[] = {
#define FIELD(name, member) { name, sizeof(name) - 1, offsetof(struct fields, member) }
        FIELD("X-RequestType", request_type), FIELD("X-RequestId", request_id), FIELD("Host", host),
        FIELD("X-ClientApplication", client_application), FIELD("Content-Type", content_type),
        FIELD("X-ResponseCode", code), FIELD("X-PendingPeriod", period), FIELD("X-ExpirationInfo", expiration),
        FIELD("X-ElapsedTime", elapsed), FIELD("Location", location), FIELD("X-User-Identity", identity),
        FIELD("X-FEServer", front_end), FIELD("X-BEServer", be_server), FIELD("X-CalculatedBETarget", be_target),
        FIELD("X-BackEndHttpStatus", be_status), FIELD("request-id", server_request_id), FIELD("Server", server),
        FIELD("Via", via), FIELD("X-FailureContext", failure), FIELD("X-DiagInfo", diag), FIELD("Date", date),
        FIELD("Authorization", authorization), FIELD("Proxy-Authorization", proxy_authorization),
        FIELD("Transfer-Encoding", transfer), FIELD("Content-Length", length), FIELD("Connection", connection),
        FIELD("Expect", expect), FIELD("Proxy-Authenticate", proxy_challenge)
#undef FIELD
    };
    size_t pos = 0;
    struct span name, value;
    memset(fields, 0, sizeof(*fields));
    while (http_head_next(head, &pos, &name, &value)) {
        if (name.len == 6 && span_equals_nocase(name, "Cookie")) {
            fields->sends_cookies = true;
            continue;
        }
        if (name.len == 10 && span_equals_nocase(name, "Set-Cookie")) {
            fields->sets_cookies = true;
            continue;
        }
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            if (name.len == rows[i].len && span_equals_nocase(name, rows[i].name)) {
                struct span *field = (struct span *)((char *)fields + rows[i].offset);
                if (!field->ptr) {
                    *field = value;
                }
                break;
            }
        }
    }
}

/* -1 where it is no number. */
static int64_t read_number(struct span s)
{
    uint64_t number = 0;
    s = span_trim(s);
    if (s.len == 0 || s.len > 15) {
        return -1;
    }
    for (size_t i = 0; i < s.len; i++) {
        if (!is_digit(s.ptr[i])) {
            return -1;
        }
        number = number * 10 + (uint64_t)(s.ptr[i] - '0');
    }
    return (int64_t)number;
}

static struct span path_of(struct span uri, struct span *query)
{
    if (span_starts_nocase(uri, "http://") || span_starts_nocase(uri, "https://")) {
        struct span rest = span_skip(uri, span_until(uri, ':') + 3);
        uri = span_skip(rest, span_until(rest, '/'));
    }
    size_t len = span_until(uri, '?');
    *query = len < uri.len ? span_skip(uri, len + 1) : span_of(uri.ptr, 0);
    return span_of(uri.ptr, len);
}

/* 1 emsmdb, 2 nspi, 0 neither. */
static uint8_t endpoint_of(struct span path)
{
    static const char *const paths[] = { "/mapi/emsmdb", "/mapi/nspi" };
    for (uint8_t i = 0; i < 2; i++) {
        size_t len = strlen(paths[i]);
        if (span_starts_nocase(path, paths[i]) && (path.len == len || path.ptr[len] == '/')) {
            return i + 1;
        }
    }
    return 0;
}

static bool is_mapi_type(struct span content_type)
{
    return span_equals_nocase(span_trim(span_of(content_type.ptr, span_until(content_type, ';'))),
                              "application/mapi-http");
}

bool mapi_is_request(const struct http_head *head)
{
    struct span query, value;
    if (!head->is_request) {
        return false;
    }
    if (endpoint_of(path_of(head->uri, &query))) {
        return true;
    }
    return (http_head_find(head, "X-RequestType", &value) && value.len > 0) ||
           (http_head_find(head, "Content-Type", &value) && is_mapi_type(value));
}

static struct span mailbox_of(struct span query)
{
    while (query.len > 0) {
        size_t len = span_until(query, '&');
        struct span pair = span_of(query.ptr, len);
        if (span_starts_nocase(pair, "MailboxId=")) {
            return span_skip(pair, sizeof("MailboxId=") - 1);
        }
        query = span_skip(query, len < query.len ? len + 1 : len);
    }
    return query;
}

static uint64_t digest_of(const uint8_t *p, size_t len)
{
    return hash_bytes(p, len, 0) | (uint64_t)hash_bytes(p, len, UINT32_C(0x9E3779B9)) << 32;
}

/* "{GUID}:counter", letters of the GUID in any case. False where there is no counter. */
static bool read_request_id(struct span value, uint64_t *guid, uint32_t *counter)
{
    uint8_t text[64];
    size_t len = value.len;
    while (len > 0 && value.ptr[len - 1] != ':') {
        len--;
    }
    int64_t number = len > 1 ? read_number(span_skip(value, len)) : -1;
    if (number < 0 || number > UINT32_MAX || len > sizeof(text)) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        text[i] = lower(value.ptr[i]);
    }
    *guid = digest_of(text, len);
    *counter = (uint32_t)number;
    return true;
}

/* ---- Cookie values ---------------------------------------------------------------------- */

static struct value *find_value(struct mworld *world, uint64_t digest, uint8_t endpoint)
{
    uint32_t hash = (uint32_t)(digest ^ digest >> 32) + endpoint;
    for (struct item *item = table_first(&world->values, hash); item; item = table_next(item)) {
        struct value *value = (struct value *)item;
        if (value->digest == digest && value->owner->endpoint == endpoint) {
            return value;
        }
    }
    return NULL;
}

/* The only session that was given that value, or NULL. */
static struct session *owner_of(struct mworld *world, uint64_t digest, uint8_t endpoint)
{
    const struct value *value = find_value(world, digest, endpoint);
    return value && !value->shared ? value->owner : NULL;
}

static void own_value(struct session *session, uint64_t digest)
{
    struct mworld *world = session->world;
    struct value *value = find_value(world, digest, session->endpoint);
    if (value) {
        value->shared |= value->owner != session;
        return;
    }
    value = arena_new(&world->arena, sizeof(*value));
    value->digest = digest;
    value->owner = session;
    table_add(&world->arena, &world->values, &value->item, (uint32_t)(digest ^ digest >> 32) + session->endpoint);
}

static struct span unquoted(struct span value)
{
    value = span_trim(value);
    if (value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"') {
        value = span_of(value.ptr + 1, value.len - 2);
    }
    return value;
}

static bool name_is(struct span name, const char *text)
{
    size_t len = strlen(text);
    return name.len == len && memcmp(name.ptr, text, len) == 0;
}

/* ---- Set-Cookie (RFC 6265 5.2) ------------------------------------------------------------ */

static void read_attribute(struct mworld *world, struct span name, struct span value, struct when when,
                           struct span date, struct cookie *cookie, bool *max_age)
{
    int64_t seconds, now;
    if (span_equals_nocase(name, "Path")) {
        if (value.len > 0 && value.ptr[0] == '/') {
            cookie->path = keep_span(world, value);
        }
    } else if (span_equals_nocase(name, "Secure")) {
        cookie->secure = true;
    } else if (span_equals_nocase(name, "Domain")) {
        cookie->host = NULL;
    } else if (span_equals_nocase(name, "Max-Age")) {
        int64_t age = read_number(value);
        *max_age = true;
        if (age > 0) {
            cookie->expires = age < INT64_C(1000000000) ? when.ns + age * SECOND : INT64_MAX;
        } else {
            cookie->deleted = age == 0 || (value.len > 0 && value.ptr[0] == '-');
        }
    } else if (span_equals_nocase(name, "Expires") && !*max_age && http_date_decode(value, &seconds)) {
        /* By the server's own clock, where it tells it. */
        if (!http_date_decode(date, &now)) {
            now = when.ns / SECOND;
        }
        int64_t left = seconds - now;
        cookie->deleted = left <= 0;
        cookie->expires = left < INT64_C(1000000000) ? when.ns + left * SECOND : INT64_MAX;
    }
}

static const char *default_path(struct mworld *world, struct span path)
{
    while (path.len > 1 && path.ptr[path.len - 1] != '/') {
        path.len--;
    }
    if (path.len > 1) {
        path.len--;
    }
    return path.len > 0 ? keep_span(world, path) : mworld_text(world, "/");
}

static void read_set_cookie(struct reply *reply, struct span text, const struct fields *fields)
{
    struct mworld *world = reply->conn->world;
    size_t pos = 0;
    struct span name, value;
    if (reply->cookie_count == JAR_MAX || !http_cookie_next(text, &pos, &name, &value) || name.len == 0) {
        return;
    }
    value = unquoted(value);
    struct exch_context context;
    if (span_equals_nocase(name, "MapiContext") && exch_context_decode(value, &context)) {
        reply->back.name[BACK_CONTEXT] = mworld_text(world, context.server);
    }
    if (exch_is_balancer_cookie(name)) {
        return;
    }
    struct cookie *cookie = &reply->cookies[reply->cookie_count++];
    memset(cookie, 0, sizeof(*cookie));
    cookie->name = keep_span(world, name);
    cookie->digest = digest_of(value.ptr, value.len);
    cookie->expires = INT64_MAX;
    cookie->deleted = value.len == 0;
    cookie->frame = reply->message->begin.frame;
    if (reply->request) {
        cookie->host = reply->request->host;
        cookie->path = reply->request->path;
    }
    bool max_age = false, deleted = cookie->deleted;
    while (http_cookie_next(text, &pos, &name, &value)) {
        read_attribute(world, name, unquoted(value), reply->message->begin, fields->date, cookie, &max_age);
    }
    cookie->deleted |= deleted;
    if (!cookie->path) {
        cookie->path = mworld_text(world, "/");
    }
}

/* ---- Cookie (RFC 6265 5.4) ------------------------------------------------------------------ */

struct sent {                    /* a cookie of a request */
    struct span name;
    uint64_t digest;
    size_t len;
    struct session *owner;
};

static unsigned read_sent(struct mworld *world, const struct http_head *head, uint8_t endpoint,
                          struct sent sent[SENT_MAX])
{
    unsigned count = 0;
    size_t at = 0;
    struct span field, list;
    while (http_head_next(head, &at, &field, &list)) {
        size_t pos = 0;
        struct span name, value;
        if (field.len != 6 || !span_equals_nocase(field, "Cookie")) {
            continue;
        }
        while (count < SENT_MAX && http_cookie_next(list, &pos, &name, &value)) {
            value = unquoted(value);
            if (exch_is_balancer_cookie(name)) {
                continue;
            }
            sent[count].name = name;
            sent[count].digest = digest_of(value.ptr, value.len);
            sent[count].len = value.len;
            /* MapiRouting names a mailbox, which several sessions have. */
            bool tells = value.len > 0 && !span_equals_nocase(name, "MapiRouting");
            sent[count].owner = tells ? owner_of(world, sent[count].digest, endpoint) : NULL;
            count++;
        }
    }
    return count;
}

/* Where cookies point to several sessions, the longest value decides. */
static struct session *session_of_cookies(const struct sent *sent, unsigned count)
{
    const struct sent *best = NULL;
    for (unsigned i = 0; i < count; i++) {
        if (sent[i].owner && (!best || sent[i].len > best->len)) {
            best = &sent[i];
        }
    }
    return best ? best->owner : NULL;
}

static bool path_matches(const char *cookie, struct span path)
{
    size_t len = strlen(cookie);
    if (path.len < len || memcmp(path.ptr, cookie, len) != 0) {
        return false;
    }
    return path.len == len || cookie[len - 1] == '/' || path.ptr[len] == '/';
}

static bool cookie_applies(const struct cookie *cookie, const struct request *request, struct span path,
                           struct when when)
{
    return !cookie->deleted && !cookie->uncertain && cookie->expires > when.ns && path_matches(cookie->path, path) &&
           (!cookie->host || cookie->host == request->host) &&
           (!cookie->secure || request->conn->tls || request->side->secure_returned);
}

static enum cookie_fault compare_cookie(const struct cookie *cookie, const struct session *session,
                                        const struct sent *sent, unsigned count, uint64_t *digest)
{
    enum cookie_fault fault = COOKIE_MISSING;
    for (unsigned i = 0; i < count; i++) {
        if (!name_is(sent[i].name, cookie->name)) {
            continue;
        }
        uint64_t is = sent[i].digest;
        if (is == cookie->digest || (cookie->newer && is == cookie->newer) ||
            (cookie->before && is == cookie->before)) {
            return COOKIE_FINE;
        }
        *digest = is;
        fault = sent[i].owner == session ? COOKIE_STALE : COOKIE_FOREIGN;
    }
    return fault;
}

/* Compares what the request carries with what the client was given last on this leg. */
static void check_cookies(struct request *request, const struct sent *sent, unsigned count, struct span path,
                          struct when when)
{
    struct side *side = request->side;
    /* A response that nobody saw may have brought newer ones. */
    bool missed = side->unsure_frame != 0 || (request->ids && request->ids->jump_frame > side->success_began);
    request->jar_known = side->success.frame != 0 && !missed;
    unsigned looked_at = 0;
    for (const struct request *other = side->asking.first; other && looked_at < SEARCH_MAX;
         other = other->stands[OF_SIDE].next, looked_at++) {
        request->jar_known &= other->answered;   /* else its response may have passed unseen */
    }
    request->jar_known &= looked_at < SEARCH_MAX;
    request->carried = side->success.frame != 0;
    for (unsigned i = 0; i < side->jar_count && !side->secure_returned; i++) {
        uint64_t digest;
        side->secure_returned = side->jar[i].secure && !request->conn->tls &&
                                compare_cookie(&side->jar[i], side->session, sent, count, &digest) == COOKIE_FINE;
    }
    for (unsigned i = 0; i < side->jar_count; i++) {
        struct cookie *cookie = &side->jar[i];
        uint64_t digest = 0;
        if (!cookie_applies(cookie, request, path, when)) {
            continue;
        }
        enum cookie_fault fault = compare_cookie(cookie, side->session, sent, count, &digest);
        if (fault == COOKIE_FINE) {
            continue;
        }
        request->carried &= fault == COOKIE_STALE;
        cookie->unseen |= missed;        /* until a response is seen to set it */
        if (cookie->unseen) {
            request->unseen = true;
            continue;
        }
        if (request->fault == COOKIE_FINE) {
            request->fault = (uint8_t)fault;
            request->fault_name = cookie->name;
            request->fault_frame = cookie->frame;
            request->fault_digest = (uint32_t)digest;
        } else if (request->fault_count < UINT8_MAX) {
            request->fault_count++;
        }
    }
}

/* What the client was given by a complete success; or by another response, of which it may
 * know or not. */
static void fill_jar(struct side *side, const struct reply *reply, bool success, bool beside)
{
    struct mworld *world = side->session->world;
    for (unsigned i = 0; i < reply->cookie_count; i++) {
        const struct cookie *from = &reply->cookies[i];
        struct cookie *to = NULL;
        for (unsigned j = 0; j < side->jar_count && !to; j++) {
            if (side->jar[j].name == from->name && side->jar[j].path == from->path) {
                to = &side->jar[j];
            }
        }
        if (!success) {
            if (to) {
                to->newer = from->digest;
                to->uncertain |= from->deleted;
            }
            continue;
        }
        if (!to && side->jar_count == side->jar_room) {
            unsigned room = side->jar_room ? side->jar_room * 2u : 2u;
            if (room > JAR_MAX) {
                continue;
            }
            struct cookie *jar = arena_new(&world->arena, room * sizeof(*jar));
            if (side->jar_count) {
                memcpy(jar, side->jar, side->jar_count * sizeof(*jar));
            }
            side->jar = jar;
            side->jar_room = (uint8_t)room;
        }
        if (!to) {
            to = &side->jar[side->jar_count++];
            memset(to, 0, sizeof(*to));
        }
        uint64_t before = beside && to->digest != from->digest ? to->digest : 0;
        *to = *from;
        to->before = before;
    }
}

/* ---- Sessions ---------------------------------------------------------------------------- */

static void add_row(struct mworld *world, struct side *side)
{
    if (world->row_count == world->row_room) {
        uint32_t room = world->row_room ? world->row_room * 2 : 16;
        struct side **rows = arena_new(&world->arena, room * sizeof(*rows));
        if (world->row_count) {
            memcpy(rows, world->rows, world->row_count * sizeof(*rows));
        }
        world->rows = rows;
        world->row_room = room;
    }
    side->row = world->row_count;
    world->rows[world->row_count++] = side;
}

static struct side *session_side(struct session *session, const struct request *request)
{
    uint32_t leg = request->leg == NO_NUMBER ? 0 : request->leg;
    struct mworld *world = session->world;
    if (leg >= LEGS_MAX) {
        return NULL;
    }
    for (struct side *side = session->sides; side; side = side->next) {
        if (side->number == leg) {
            return side;
        }
    }
    struct side *side = arena_new(&world->arena, sizeof(*side));
    side->session = session;
    side->number = leg;
    side->client = request->conn->client;
    side->server = request->conn->server_end;
    side->start = side->last = request->begin;
    side->expiration_ns = side->period_ns = -1;
    side->slowest_ns = -1;
    if (session->last_side) {
        session->last_side->next = side;
    } else {
        session->sides = side;
    }
    session->last_side = side;
    add_row(world, side);
    return side;
}

static struct session *new_session(struct mworld *world, const struct reply *reply, struct request *request)
{
    struct session *session = arena_new(&world->arena, sizeof(*session));
    session->world = world;
    session->number = world->sessions++;
    session->endpoint = request->endpoint;
    session->created_frame = reply->message->end.frame;
    session->mailbox = request->message->mailbox;
    session->application = request->message->client_application;
    return session;
}

static void message_session(struct mapi_message *message, const struct session *session, const struct side *side)
{
    if (!session) {
        return;
    }
    message->session = session->number;
    message->mailbox = session->mailbox ? session->mailbox : message->mailbox;
    message->user_dn = session->user_dn ? session->user_dn : message->user_dn;
    message->client_application = session->application ? session->application : message->client_application;
    if (side) {
        message->row = side->row;
        if (message->leg == NO_NUMBER) {
            message->leg = side->number;
        }
    }
}

/* ---- Connections of a session --------------------------------------------------------------- */

bool mconn_missed_since(const struct mconn *conn, const struct side *side)
{
    return tcp_flow_missed_since(&conn->tcp, conn->met_frame, side->success_began);
}

/* Lets go of connections that are over. since: not before the response that cookies are
 * compared with, so that what is missing of them counts. */
static void prune_uses(struct side *side, bool since)
{
    struct mworld *world = side->session->world;
    for (struct use **link = &side->used; *link;) {
        struct use *use = *link;
        if (!use->conn->over) {
            link = &use->next;
            continue;
        }
        if (since && mconn_missed_since(use->conn, side)) {
            side->missed = use->conn;
        }
        *link = use->next;
        side->used_count--;
        use->next = world->free_uses;
        world->free_uses = use;
    }
}

static void note_use(struct side *side, struct mconn *conn)
{
    struct mworld *world = side->session->world;
    for (const struct use *use = side->used; use; use = use->next) {
        if (use->conn == conn) {
            return;
        }
    }
    prune_uses(side, true);
    if (side->used_count == USED_MAX) {
        side->used_more = true;
        return;
    }
    struct use *use = world->free_uses;
    if (use) {
        world->free_uses = use->next;
    } else {
        use = arena_new(&world->arena, sizeof(*use));
    }
    use->conn = conn;
    use->next = side->used;
    side->used = use;
    side->used_count++;
}

/* ---- Requests -------------------------------------------------------------------------- */

static struct series *world_series(struct mworld *world, uint64_t guid)
{
    uint32_t hash = (uint32_t)(guid ^ guid >> 32);
    for (struct item *item = table_first(&world->series, hash); item; item = table_next(item)) {
        struct series *series = (struct series *)item;
        if (series->guid == guid) {
            return series;
        }
    }
    struct series *series = arena_new(&world->arena, sizeof(*series));
    series->guid = guid;
    table_add(&world->arena, &world->series, &series->item, hash);
    return series;
}

static struct ids *series_ids(struct mworld *world, struct series *series, uint32_t leg)
{
    struct ids *ids = series->ids;
    while (ids && ids->leg != leg) {
        ids = ids->next;
    }
    if (!ids && leg < LEGS_MAX) {
        ids = arena_new(&world->arena, sizeof(*ids));
        ids->leg = leg;
        ids->next = series->ids;
        series->ids = ids;
    }
    return ids;
}

/* How many of the counters between two were sent. */
static uint32_t ids_between(const struct ids *ids, uint32_t low, uint32_t high)
{
    uint32_t found = 0;
    for (unsigned i = 0; i < ids->count; i++) {
        found += ids->recent[i] > low && ids->recent[i] < high;
    }
    return found;
}

/* A counter that skips: there are requests that the capture does not hold. NotificationWait
 * may count with the others or apart. */
static void note_id(struct request *request)
{
    struct ids *ids = series_ids(request->conn->world, request->series, request->leg == NO_NUMBER ? 0 : request->leg);
    uint32_t counter = request->counter;
    unsigned which = is_notification(request);
    request->ids = ids;
    if (!ids) {
        return;
    }
    if (is_connect(request->type)) {
        ids->known[0] = ids->known[1] = false;
    }
    uint32_t last = ids->last[which];
    if (ids->known[which] && counter > last && counter - last - 1 > ids_between(ids, last, counter)) {
        ids->jump_frame = request->begin.frame;
    }
    if (!ids->known[which] || counter > last) {
        ids->known[which] = true;
        ids->last[which] = counter;
    }
    for (unsigned i = 0; i < ids->count; i++) {
        if (ids->recent[i] == counter) {
            return;
        }
    }
    ids->recent[ids->at] = counter;
    ids->at = (uint8_t)((ids->at + 1) % IDS_MAX);
    ids->count = ids->count < IDS_MAX ? (uint8_t)(ids->count + 1) : IDS_MAX;
}

static struct request *request_new(struct mconn *conn)
{
    struct mworld *world = conn->world;
    struct request *request = world->free_requests;
    if (request) {
        world->free_requests = request->next;
        memset(request, 0, sizeof(*request));
    } else {
        request = arena_new(&world->arena, sizeof(*request));
    }
    request->conn = conn;
    request->leg = NO_NUMBER;
    request->idle_ns = -1;
    return request;
}

static struct chain *chain_of(const struct request *request, enum standing where)
{
    return where == OF_SIDE ? &request->side->asking
         : where == OF_SERIES ? &request->series->asking : &request->conn->fresh;
}

static void leave(struct request *request, enum standing where)
{
    if (!request->stands[where].in) {
        return;
    }
    struct chain *chain = chain_of(request, where);
    struct request *next = request->stands[where].next, *prev = request->stands[where].prev;
    *(prev ? &prev->stands[where].next : &chain->first) = next;
    *(next ? &next->stands[where].prev : &chain->last) = prev;
    memset(&request->stands[where], 0, sizeof(request->stands[where]));
}

static void enter(struct request *request, enum standing where)
{
    struct chain *chain = chain_of(request, where);
    const bool at_end = where == OF_FRAME;
    request->stands[where].in = true;
    request->stands[where].next = at_end ? NULL : chain->first;
    request->stands[where].prev = at_end ? chain->last : NULL;
    struct request *next = request->stands[where].next, *prev = request->stands[where].prev;
    *(prev ? &prev->stands[where].next : &chain->first) = request;
    *(next ? &next->stands[where].prev : &chain->last) = request;
}

/* Takes it off its connection's queue, where it may stand anywhere. */
static void leave_queue(struct request *request)
{
    struct mconn *conn = request->conn;
    struct request **link = &conn->first, *before = NULL;
    while (*link && *link != request) {
        before = *link;
        link = &before->next;
    }
    if (!*link) {
        return;
    }
    *link = request->next;
    if (conn->last == request) {
        conn->last = before;
    }
    if (conn->untold == request) {
        conn->untold = request->next;
    }
    request->next = NULL;
    conn->count--;
}

/* Nothing more will be learned of it. */
static void request_free(struct request *request)
{
    struct mconn *conn = request->conn;
    struct mworld *world = conn->world;
    leave(request, OF_SIDE);
    leave(request, OF_SERIES);
    if (request->front) {
        request->front->behind = NULL;
    }
    if (request->behind) {
        request->behind->front = NULL;
    }
    if (request->overlapped_by) {
        request->overlapped_by->overlaps = NULL;
    }
    if (request->overlaps) {
        request->overlaps->overlapped_by = NULL;
    }
    if (request->message) {
        ((struct record *)request->message)->request = NULL;
    }
    if (conn->sending == request) {
        conn->sending = NULL;
    }
    leave(request, OF_FRAME);
    request->conn = NULL;
    request->next = world->free_requests;
    world->free_requests = request;
}

static void request_drop(struct request *request)
{
    leave_queue(request);
    request_free(request);
}

/* The same request on the leg before. */
static struct request *find_front(const struct request *request)
{
    unsigned looked_at = 0;
    if (request->leg == NO_NUMBER || request->leg == 0) {
        return NULL;
    }
    for (struct request *other = request->series->asking.first; other && looked_at < SEARCH_MAX;
         other = other->stands[OF_SERIES].next, looked_at++) {
        if (other->conn != request->conn && other->leg == request->leg - 1 && other->counter == request->counter &&
            other->type == request->type && !other->behind) {
            return other;
        }
    }
    return NULL;
}

static void note_other(struct request *request, const struct request *other)
{
    request->other.frame = other->begin.frame;
    request->other.stream = other->conn->stream;
    request->other.type = other->type;
    request->other.status = other->status;
    request->other.conn = other->conn;
}

static void note_overlap(struct request *request)
{
    unsigned looked_at = 0;
    if (is_notification(request)) {
        return;
    }
    for (struct request *other = request->side->asking.first; other && looked_at < SEARCH_MAX;
         other = other->stands[OF_SIDE].next, looked_at++) {
        bool resend = other->has_counter && request->has_counter && other->series == request->series &&
                      other->counter == request->counter;
        if (is_notification(other) || other->done || resend || other->overlapped_by) {
            continue;
        }
        request->overlaps = other;
        other->overlapped_by = request;
        note_other(request, other);
        return;
    }
}

static void remember_id(struct side *side, uint32_t counter, enum outcome outcome)
{
    for (unsigned i = 0; i < RECENT_MAX; i++) {
        if (side->recent[i].used && side->recent[i].counter == counter) {
            side->recent[i].outcome = (uint8_t)outcome;
            return;
        }
    }
    if (outcome == OUTCOME_NONE) {
        unsigned i = side->recent_next++ % RECENT_MAX;
        side->recent[i].used = true;
        side->recent[i].counter = counter;
        side->recent[i].outcome = OUTCOME_NONE;
    }
}

static bool may_be_sent_again(const struct side *side, uint32_t counter)
{
    for (unsigned i = 0; i < RECENT_MAX; i++) {
        if (side->recent[i].used && side->recent[i].counter == counter) {
            return side->recent[i].outcome != OUTCOME_ANSWERED;
        }
    }
    return false;
}

/* X-RequestId of a context rises (2.2.3.3.2); NotificationWait counts apart. */
static void note_counter(struct request *request)
{
    struct side *side = request->side;
    unsigned which = is_notification(request);
    if (!request->has_counter) {
        return;
    }
    if (is_connect(request->type) || side->guid != request->series->guid) {
        side->guid = request->series->guid;
        side->has_counter[0] = side->has_counter[1] = false;
        memset(side->recent, 0, sizeof(side->recent));
    }
    if (side->has_counter[which] && request->counter < side->counter[which]) {
        if (may_be_sent_again(side, request->counter)) {
            return;
        }
        request->below = side->counter[which];
        request->below_frame = side->counter_frame[which];
    }
    side->has_counter[which] = true;
    side->counter[which] = request->counter;
    side->counter_frame[which] = request->begin.frame;
    remember_id(side, request->counter, OUTCOME_NONE);
}

static bool contradicts(const struct session *session, const struct mapi_message *message)
{
    return session->mailbox && message->mailbox && session->mailbox != message->mailbox;
}

/* Whose request it is. */
static void find_session(struct request *request, const struct http_head *head, const struct fields *fields,
                         struct span path)
{
    struct mworld *world = request->conn->world;
    struct sent sent[SENT_MAX];
    unsigned count = fields->sends_cookies ? read_sent(world, head, request->endpoint, sent) : 0;
    struct session *session = session_of_cookies(sent, count);
    if (session && (session->released_frame || (is_connect(request->type) && contradicts(session, request->message)))) {
        session = NULL;
    }
    request->from_cookies = session != NULL;
    if (!session && request->front) {
        session = request->front->by_guid ? NULL : request->front->session;
    }
    if (!session && request->series && !is_connect(request->type) && !request->series->shared[request->endpoint]) {
        session = request->series->session[request->endpoint];
        request->by_guid = session != NULL;
        if (session && session->released_frame) {
            session = NULL;
        }
    }
    if (!session) {
        return;
    }
    request->session = session;
    request->side = session_side(session, request);
    struct side *side = request->side;
    if (!side) {
        return;
    }
    note_use(side, request->conn);
    if (!is_connect(request->type)) {
        check_cookies(request, sent, count, path, request->begin);
    }
    if (request->by_guid) {
        return;                  /* for the verdict only: a session is told by its cookies */
    }
    side->last = request->begin;
    request->conn->side = side;
    message_session(request->message, session, side);
    if (side->success.frame) {
        request->idle_ns = side->asking.first ? 0 : request->begin.ns - side->success.ns;
        request->idle_from = side->success.frame;
    }
    if (!is_connect(request->type)) {
        note_overlap(request);
        note_counter(request);
    }
    enter(request, OF_SIDE);
}

static void note_user(struct mconn *conn, const struct auth_shown *shown)
{
    char text[TEXT_MAX];
    if (!shown || !shown->user[0]) {
        return;
    }
    snprintf(text, sizeof(text), "%s (%s)", shown->user, shown->scheme);
    conn->user = mworld_text(conn->world, text);
}

static const struct auth_shown *keep_shown(struct mworld *world, const struct auth_shown *shown)
{
    struct auth_shown *copy = shown ? arena_new(&world->arena, sizeof(*copy)) : NULL;
    if (copy) {
        *copy = *shown;
    }
    return copy;
}

static struct mapi_message *message_new(struct mconn *conn, struct when when, bool is_response)
{
    struct record *record = arena_new(&conn->world->arena, sizeof(*record));
    struct mapi_message *message = &record->shown;
    message->is_response = is_response;
    message->begin = when;
    message->session = message->leg = message->row = NO_NUMBER;
    message->elapsed_ns = -1;
    return message;
}

static bool says_close(struct span connection)
{
    return span_starts_nocase(connection, "close");
}

/* One that gets its answer only when something gave way before is not in use any more. */
static void begin_request(struct request *request, const struct http_head *head, const struct fields *fields)
{
    struct mconn *conn = request->conn;
    struct mworld *world = conn->world;
    struct mapi_message *message = request->message;
    struct span query, path = path_of(head->uri, &query);
    uint64_t guid;
    request->type = (uint8_t)(fields->request_type.ptr ? mapi_type_of(fields->request_type) : MAPI_NONE);
    request->endpoint = endpoint_of(path);
    if (!request->endpoint) {
        request->endpoint = mapi_type_is_nspi((enum mapi_type)request->type) ? 2 :
                            mapi_type_is_emsmdb((enum mapi_type)request->type) ? 1 : 0;
    }
    request->host = keep_span(world, fields->host);
    request->path = default_path(world, path);
    request->auth_len = (uint32_t)fields->authorization.len;
    request->has_expect = fields->expect.len > 0;
    request->proxy_step = fields->proxy_authorization.len > 0;
    message->type = request->type;
    message->type_name = request->type == MAPI_UNKNOWN ? keep_span(world, fields->request_type) : NULL;
    message->endpoint = request->endpoint;
    message->leg = request->leg == NO_NUMBER ? 0 : request->leg;
    if (is_connect(request->type)) {
        message->mailbox = keep_span(world, mailbox_of(query));
        message->client_application = keep_span(world, fields->client_application);
        conn->identity = keep_span(world, fields->identity);
    }
    if (fields->request_id.ptr && read_request_id(fields->request_id, &guid, &request->counter)) {
        request->has_counter = true;
        request->series = world_series(world, guid);
        request->front = find_front(request);
        if (request->front) {
            request->front->behind = request;
            memset(&request->front->there, 0, sizeof(request->front->there));
            request->front->there.conn = conn;
            request->front->there.frame = request->begin.frame;
        }
        enter(request, OF_SERIES);
        note_id(request);
    }
    find_session(request, head, fields, path);
    enter(request, OF_FRAME);
}

/* The client may have been given cookies that nobody saw. */
static void miss_response(const struct request *request, struct when when)
{
    if (request->side && !request->by_guid) {
        request->side->unsure_frame = when.frame;
    }
}

static struct mapi_message *request_head(struct mconn *conn, struct when when, const struct http_head *head,
                                         const struct auth_shown *shown, uint32_t leg)
{
    struct fields fields;
    if (conn->unsure) {
        /* Clients do not pipeline: what went before was answered in the gap, or never will be. */
        while (conn->first) {
            miss_response(conn->first, when);
            request_drop(conn->first);
        }
        conn->unsure = false;
    }
    if (conn->sending && conn->sending->over) {
        request_free(conn->sending);
    }
    struct request *request = request_new(conn);
    request->begin = when;
    request->leg = leg;
    if (conn->last) {
        conn->last->next = request;
    } else {
        conn->first = request;
    }
    conn->last = request;
    conn->untold = conn->untold ? conn->untold : request;
    conn->count++;
    conn->sending = request;
    request->head_method = span_equals_nocase(head->method, "HEAD");
    read_fields(head, &fields);
    conn->expected_end = says_close(fields.connection) || head->version_minor == 0;
    note_user(conn, shown);
    if (!mapi_is_request(head)) {
        return NULL;
    }
    request->message = message_new(conn, when, false);
    request->message->auth = keep_shown(conn->world, shown);
    ((struct record *)request->message)->request = request;
    begin_request(request, head, &fields);
    return request->message;
}

/* ---- Responses ---------------------------------------------------------------------------- */

bool reply_is_success(const struct reply *reply)
{
    return reply->status == 200 && reply->message->has_code && reply->message->code == 0 && !reply->cut;
}

static struct reply *reply_new(struct mconn *conn)
{
    struct mworld *world = conn->world;
    struct reply *reply = world->free_replies;
    if (reply) {
        world->free_replies = reply->next;
        memset(reply, 0, sizeof(*reply));
    } else {
        reply = arena_new(&world->arena, sizeof(*reply));
    }
    reply->conn = conn;
    reply->period_ns = reply->expiration_ns = reply->server_ms = reply->interval_ns = -1;
    reply->meaning = -1;
    return reply;
}

static void reply_free(struct reply *reply)
{
    struct mworld *world = reply->conn->world;
    if (reply->message) {
        ((struct record *)reply->message)->reply = NULL;
    }
    reply->next = world->free_replies;
    world->free_replies = reply;
}

/* It goes on, but nobody can follow it. */
static void give_up_reply(struct mconn *conn, struct when when)
{
    struct reply *reply = conn->reply;
    conn->reply = NULL;
    if (!reply) {
        return;
    }
    if (reply->request) {
        miss_response(reply->request, when);
    }
    if (reply->request) {
        request_free(reply->request);
    }
    reply_free(reply);
}

/* The request that a response answers was not captured: those sent before it will not be
 * answered any more. */
static void pass_requests(struct mconn *conn, uint64_t guid, uint32_t counter, struct when when)
{
    while (conn->first && conn->first->has_counter && conn->first->series->guid == guid &&
           conn->first->counter < counter) {
        miss_response(conn->first, when);
        request_drop(conn->first);
    }
}

static struct request *find_named(const struct mconn *conn, uint64_t guid, uint32_t counter)
{
    struct request *request = conn->first;
    for (unsigned looked_at = 0; request && looked_at < QUEUE_MAX; request = request->next, looked_at++) {
        if (request->has_counter && request->counter == counter && request->series->guid == guid) {
            return request;
        }
    }
    return NULL;
}

/* The request a response answers: the oldest, unless its X-RequestId says another of the oldest ones. */
static struct request *take_request(struct mconn *conn, const struct fields *fields, struct when when)
{
    struct request *found = conn->first;
    uint64_t guid;
    uint32_t counter;
    if (fields->request_id.ptr && read_request_id(fields->request_id, &guid, &counter)) {
        struct request *named = find_named(conn, guid, counter);
        if (named) {
            found = named;
        } else if (found && found->has_counter && mconn_doubt(conn) != DOUBT_NONE) {
            pass_requests(conn, guid, counter, when);
            return NULL;
        }
    }
    if (!found) {
        return NULL;
    }
    while (conn->first != found) {
        request_drop(conn->first);
    }
    leave_queue(found);
    return found;
}

static const char *first_label(struct mworld *world, struct span name)
{
    char text[HTTP_NAME_MAX];
    bool digits = true;
    if (name.len == 0) {
        return NULL;
    }
    chars_copy(text, sizeof(text), name);
    for (char *c = text; *c; c++) {
        *c = (char)lower((uint8_t)*c);
        digits &= is_digit((uint8_t)*c) || *c == '.' || *c == ':' || *c == '[' || *c == ']';
    }
    char *dot = digits ? NULL : strchr(text, '.');
    if (dot && dot > text) {
        *dot = '\0';
    }
    return mworld_text(world, text);
}

static void add_name(struct mworld *world, const char **names, uint8_t *count, const char **list, const char *name)
{
    char text[TEXT_MAX];
    if (!name || *count == NAMES_MAX) {
        return;
    }
    for (unsigned i = 0; i < *count; i++) {
        if (names[i] == name) {
            return;
        }
    }
    names[(*count)++] = name;
    snprintf(text, sizeof(text), "%s%s%s", *list ? *list : "", *list ? ", " : "", name);
    *list = mworld_text(world, text);
}

/* Who answered: the names it gives, and on the server-side leg the other end. */
static void read_back_end(struct reply *reply, const struct fields *fields)
{
    struct mworld *world = reply->conn->world;
    reply->front_end = keep_span(world, fields->front_end);
    struct span target = fields->be_target;
    if (span_starts_nocase(target, "Server~")) {         /* as in X-BackEndCookie: Server~name~version */
        target = span_skip(target, 7);
        target.len = span_until(target, '~');
    }
    reply->back_name = keep_span(world, target.len ? target : fields->be_server);
    reply->back.name[BACK_TARGET] = first_label(world, target);
    reply->back.shown[BACK_TARGET] = keep_span(world, target);
    reply->back.name[BACK_SERVER] = first_label(world, fields->be_server);
    reply->back.shown[BACK_SERVER] = keep_span(world, fields->be_server);
    if (reply->back.name[BACK_CONTEXT]) {
        const char *full = reply->back.name[BACK_CONTEXT];
        reply->back_name = reply->back_name ? reply->back_name : full;
        reply->back.shown[BACK_CONTEXT] = full;
        reply->back.name[BACK_CONTEXT] = first_label(world, span_of((const uint8_t *)full, strlen(full)));
    }
    reply->exchange = reply->back_name || reply->front_end;
    char peer[ENDPOINT_TEXT_MAX];
    endpoint_format(&reply->conn->server_end, peer);
    reply->peer = mworld_text(world, peer);
}

static void read_failure(struct reply *reply, const struct http_head *head, const struct fields *fields)
{
    struct mworld *world = reply->conn->world;
    struct http_info info;
    struct span query;
    http_info_decode(head, &info);
    reply->author = (uint8_t)info.author;
    reply->server_header = keep_span(world, fields->server);
    reply->via = keep_span(world, fields->via);
    reply->failure = keep_span(world, fields->failure);
    reply->diag = keep_span(world, fields->diag);
    reply->backend_status = keep_span(world, fields->be_status);
    struct span location = fields->location;
    reply->to_mapi = location.len > 0 && endpoint_of(path_of(location, &query)) != 0;
    location.len = span_until(location, '?');            /* what is behind may be a secret */
    reply->location = keep_span(world, location);
}

static bool ends_with_connection(const struct reply *reply, const struct fields *fields, bool head_asked)
{
    return !fields->transfer.ptr && !fields->length.ptr && !head_asked && reply->status != 204 && reply->status != 304;
}

static void note_answer(struct request *request, const struct reply *reply, struct when when)
{
    enum outcome outcome = OUTCOME_ANSWERED;
    request->answered = true;
    request->status = reply->status;
    if (reply->status == 401 || reply->status == 407 || reply->status / 100 == 3 || reply->status == 503) {
        outcome = OUTCOME_AGAIN;
    }
    if (request->side && request->has_counter && !request->by_guid && request->side->guid == request->series->guid) {
        remember_id(request->side, request->counter, outcome);
    }
    if (request->front) {
        request->front->there.status = reply->status;
        request->front->there.status_frame = when.frame;
    }
    if (request->overlapped_by) {
        request->overlapped_by->other.status = reply->status;
        mjudge_status(request->overlapped_by, when);
    }
    if (request->overlaps && !request->overlaps->other.frame) {
        note_other(request->overlaps, request);
    }
    mjudge_status(request, when);
}

/* The request of this response was not captured: the client now knows cookies that belong
 * to a session, but on which leg is not known. */
static void miss_request(const struct reply *reply, struct when when)
{
    for (unsigned i = 0; i < reply->cookie_count; i++) {
        const struct session *session = owner_of(reply->conn->world, reply->cookies[i].digest,
                                                 reply->message->endpoint);
        for (struct side *side = session ? session->sides : NULL; side; side = side->next) {
            side->unsure_frame = when.frame;
        }
    }
}

static struct mapi_message *response_head(struct mconn *conn, struct when when, const struct http_head *head,
                                          const struct auth_shown *shown, uint32_t leg)
{
    struct fields fields;
    give_up_reply(conn, when);
    read_fields(head, &fields);
    struct request *request = take_request(conn, &fields, when);
    if (!request && conn->side) {
        conn->side->unsure_frame = when.frame;
    }
    note_user(conn, shown);
    conn->expected_end |= says_close(fields.connection) || head->version_minor == 0;
    if (request ? !request->message : !fields.request_type.len && !is_mapi_type(fields.content_type)) {
        if (request) {
            request_free(request);
        }
        return NULL;
    }
    struct reply *reply = reply_new(conn);
    struct mapi_message *message = message_new(conn, when, true);
    ((struct record *)message)->reply = reply;
    conn->reply = reply;
    reply->message = message;
    reply->request = request;
    reply->status = head->status;
    reply->last_bytes = when;
    message->auth = keep_shown(conn->world, shown);
    message->leg = leg == NO_NUMBER ? 0 : leg;
    if (request) {
        message->type = request->type;
        message->type_name = request->message->type_name;
        message->endpoint = request->endpoint;
        message->leg = request->message->leg;
        message->request_frame = request->ended ? request->end.frame : 0;
        message->mailbox = request->message->mailbox;
        message->client_application = request->message->client_application;
        message->user_dn = request->message->user_dn;
        if (request->session && !request->by_guid) {
            message_session(message, request->session, request->side);
        }
    } else {
        message->type = (uint8_t)(fields.request_type.ptr ? mapi_type_of(fields.request_type) : MAPI_NONE);
        message->type_name = message->type == MAPI_UNKNOWN ? keep_span(conn->world, fields.request_type) : NULL;
        message->endpoint = mapi_type_is_nspi((enum mapi_type)message->type) ? 2 :
                            mapi_type_is_emsmdb((enum mapi_type)message->type) ? 1 : 0;
    }
    int64_t code = read_number(fields.code);
    if (code >= 0 && code <= UINT32_MAX) {
        message->has_code = true;
        message->code = (uint32_t)code;
    }
    int64_t period = read_number(fields.period), expiration = read_number(fields.expiration);
    reply->period_ns = period > 0 && period < 86400000 ? period * MILLISECOND : -1;
    reply->expiration_ns = expiration >= 0 && expiration < INT64_C(10000000000) ? expiration * MILLISECOND : -1;
    reply->server_ms = read_number(fields.elapsed);
    reply->page = span_starts_nocase(fields.content_type, "text/");
    reply->content_type = reply->page ? keep_span(conn->world, fields.content_type) : NULL;
    reply->until_close = ends_with_connection(reply, &fields, request && request->head_method);
    reply->proxy_challenge = fields.proxy_challenge.len > sizeof("Negotiate ") - 1;
    reply->scanning = !reply->page && reply->status == 200;
    reply->request_id = keep_span(conn->world, fields.server_request_id);
    meta_scan_init(&reply->scanner);
    if (fields.sets_cookies) {
        size_t pos = 0;
        struct span name, value;
        while (http_head_next(head, &pos, &name, &value)) {
            if (name.len == 10 && span_equals_nocase(name, "Set-Cookie")) {
                read_set_cookie(reply, value, &fields);
            }
        }
    }
    read_back_end(reply, &fields);
    if (reply->status != 200 || reply->page || (message->has_code && message->code != 0)) {
        read_failure(reply, head, &fields);
    }
    if (request) {
        bool connects = is_connect(request->type);
        if (reply->period_ns < 0 && request->side) {
            reply->period_ns = request->side->period_ns;     /* as the server said before */
        }
        if (request->side && !request->by_guid && !connects) {
            fill_jar(request->side, reply, false, false);
            for (unsigned i = 0; reply->status == 200 && message->has_code && message->code == 0 &&
                 i < reply->cookie_count; i++) {
                if (!reply->cookies[i].deleted) {
                    own_value(request->session, reply->cookies[i].digest);
                }
            }
        }
        note_answer(request, reply, when);
    } else {
        miss_request(reply, when);
    }
    return message;
}

struct mapi_message *mconn_head(struct mconn *conn, struct when when, enum way way, const struct http_head *head)
{
    uint32_t leg = NO_NUMBER;
    conn->met_frame = conn->met_frame ? conn->met_frame : when.frame;
    const struct auth_shown *shown = auth_head(conn->auth, when, way, head, &leg);
    if (way == WAY_TO_SERVER) {
        return head->is_request ? request_head(conn, when, head, shown, leg) : NULL;
    }
    if (head->is_request || (head->status < 200 && head->status != 101)) {
        note_user(conn, shown);
        return NULL;
    }
    return response_head(conn, when, head, shown, leg);
}

/* ---- Bodies -------------------------------------------------------------------------------- */

static void add_tag(struct reply *reply, uint8_t tag, struct when when)
{
    struct mapi_message *message = reply->message;
    if (message->tag_count == reply->tag_room && reply->tag_room < MAPI_TAGS_KEPT) {
        uint16_t room = reply->tag_room ? (uint16_t)(reply->tag_room * 2) : TAGS_FIRST;
        struct mapi_tag_time *tags = arena_new(&reply->conn->world->arena, room * sizeof(*tags));
        if (message->tag_count) {
            memcpy(tags, message->tags, message->tag_count * sizeof(*tags));
        }
        message->tags = tags;
        reply->tag_room = room;
    }
    if (message->tag_count < reply->tag_room) {
        message->tag_count++;
    }
    message->tags[message->tag_count - 1].tag = tag;
    message->tags[message->tag_count - 1].when = when;
}

/* Several of them at once after a time in which each had its own turn: by X-PendingPeriod,
 * or as they came before. */
static void note_pending(struct reply *reply, struct when when, struct when before)
{
    struct request *request = reply->request;
    if (request && request->front) {
        request->front->there.pending_frame = when.frame;
        request->front->there.pending_ns = when.ns;
    }
    if (reply->bunch_count && when.ns - reply->bunch_first.ns <= BUNCH_WINDOW) {
        reply->bunch_count++;
    } else {
        reply->bunch_count = 1;
        reply->bunch_first = when;
        reply->bunch_from = before;
        if (request && request->ended && when.ns - reply->message->begin.ns <= BUNCH_WINDOW) {
            reply->bunch_from = request->end;    /* the response itself began only now */
        }
    }
    int64_t silence = reply->bunch_first.ns - reply->bunch_from.ns;
    int64_t turn = reply->interval_ns > 0 && (reply->period_ns < 0 || reply->interval_ns < reply->period_ns) ?
                   reply->interval_ns : reply->period_ns;
    if (reply->bunch_count == 1 && silence >= SECOND && (reply->interval_ns < 0 || silence < reply->interval_ns)) {
        reply->interval_ns = silence;
    }
    if (reply->bunch_count >= 2 && turn > 0 && !reply->late_told && !reply->late_due &&
        silence / 9 * 10 >= turn * (int64_t)reply->bunch_count) {
        reply->late_due = true;
        reply->bunched = true;
        reply->silence_from = reply->bunch_from;
        reply->silence_ns = silence;
    }
}

static void additional_header(struct reply *reply, const struct mapi_meta *meta)
{
    if (span_equals_nocase(meta->name, "X-ResponseCode")) {
        int64_t code = read_number(meta->value);
        if (code >= 0 && code <= UINT32_MAX) {
            reply->message->has_code = true;
            reply->message->code = (uint32_t)code;
        }
    } else if (span_equals_nocase(meta->name, "X-ElapsedTime")) {
        int64_t elapsed = read_number(meta->value);
        reply->server_ms = elapsed >= 0 ? elapsed : reply->server_ms;
    }
}

static void scan(struct reply *reply, struct when when, struct when before, const uint8_t *p, size_t len)
{
    struct mapi_meta meta;
    while (reply->scanning) {
        size_t used = meta_scan(&reply->scanner, p, len, &meta);
        p += used;
        len -= used;
        switch ((enum meta_kind)meta.kind) {
        case META_NOTHING:
            return;
        case META_PROCESSING:
        case META_PENDING:
        case META_DONE:
            add_tag(reply, meta.kind, when);
            if (meta.kind == META_PENDING) {
                note_pending(reply, when, before);
            }
            if (meta.kind == META_DONE) {
                reply->done = true;
                if (reply->request) {
                    reply->request->done = true;
                }
            }
            break;
        case META_HEADER:
            additional_header(reply, &meta);
            break;
        default:
            reply->scanning = false;
            break;
        }
    }
}

void mconn_data(struct mconn *conn, struct when when, enum way way, const uint8_t *p, size_t len)
{
    if (way == WAY_TO_SERVER) {
        if (conn->sending && conn->sending->message) {
            conn->sending->message->body_length += len;
        }
        return;
    }
    struct reply *reply = conn->reply;
    if (!reply) {
        return;
    }
    struct when before = reply->last_bytes;
    int64_t silence = when.ns - before.ns;
    reply->message->body_length += len;
    reply->last_bytes = when;
    if (reply->scanning && !reply->done && reply->period_ns > 0 && !reply->late_told && !reply->late_due &&
        silence > reply->period_ns / 2 * 3 && silence > reply->period_ns + 5 * SECOND) {
        reply->late_due = true;
        reply->silence_from = before;
        reply->silence_ns = silence;
    }
    scan(reply, when, before, p, len);
}

static void reply_ended(struct mconn *conn, struct when when)
{
    struct reply *reply = conn->reply;
    struct mapi_message *message = reply->message;
    struct request *request = reply->request;
    message->end = when;
    conn->reply = NULL;
    reply->next = NULL;
    if (conn->ended_last) {
        conn->ended_last->next = reply;
    } else {
        conn->ended = reply;
    }
    conn->ended_last = reply;
    if (!request) {
        return;
    }
    request->message->response_frame = when.frame;
    if (request->ended && !reply->cut) {
        message->elapsed_ns = when.ns - request->end.ns;
        int64_t ms = message->elapsed_ns / MILLISECOND, apart = ms - reply->server_ms * 1000;
        message->elapsed_in_seconds = reply->server_ms >= 2 && reply->server_ms < 1000000 &&
                                      (apart < 0 ? -apart : apart) <= 1000 + ms / 10;
    }
}

void mconn_end(struct mconn *conn, struct when when, enum way way)
{
    if (way == WAY_TO_CLIENT) {
        if (conn->reply) {
            reply_ended(conn, when);
        }
        return;
    }
    struct request *request = conn->sending;
    if (!request) {
        return;
    }
    conn->sending = NULL;
    request->ended = true;
    request->end = when;
    if (request->message) {
        request->message->end = when;
    }
    if (request->over) {
        request_free(request);
    }
}

/* They may be answered by now; of many it cannot be told any more which, and looking at them
 * with each gap anew would take long. */
static void miss_answers(struct mconn *conn, struct when when)
{
    for (struct request *request = conn->first; request; request = request->next) {
        miss_response(request, when);
        leave(request, OF_SIDE);
    }
    while (conn->count > QUEUE_MAX) {
        request_drop(conn->first);
    }
}

void mconn_lost(struct mconn *conn, struct when when, enum way way)
{
    auth_lost(conn->auth, way);
    conn->unsure = true;
    tcp_flow_give_up(&conn->tcp, &conn->world->arena, way, when.frame);
    if (conn->side) {
        conn->side->unsure_frame = when.frame;
    }
    if (way == WAY_TO_CLIENT) {
        give_up_reply(conn, when);
        miss_answers(conn, when);
        return;
    }
    struct request *request = conn->sending;
    conn->sending = NULL;
    if (request && request->over) {
        request_free(request);
    }
}

/* ---- What bodies say ---------------------------------------------------------------------- */

/* The words of an error page: what stands in its last paragraph, else all of it. */
static void read_sentence(struct span page, char sentence[SENTENCE_MAX])
{
    size_t from = 0;
    for (size_t i = 0; i + 2 < page.len; i++) {
        if (page.ptr[i] == '<' && lower(page.ptr[i + 1]) == 'p' && (page.ptr[i + 2] == '>' || page.ptr[i + 2] == ' ')) {
            from = i;
        }
    }
    if (from == 0) {
        for (size_t i = 0; i + 5 < page.len; i++) {
            if (span_starts_nocase(span_skip(page, i), "<body")) {
                from = i;
            }
        }
    }
    uint8_t text[SENTENCE_MAX - 1];
    size_t used = 0;
    bool inside = false, blank = false;
    for (size_t i = from; i < page.len && used < sizeof(text); i++) {
        uint8_t c = page.ptr[i];
        if (c == '<') {
            inside = true;
        } else if (c == '>' && inside) {
            inside = false;
            blank = true;
        } else if (!inside && (is_blank(c) || c == '\r' || c == '\n')) {
            blank = true;
        } else if (!inside) {
            if (blank && used > 0) {
                text[used++] = ' ';
            }
            blank = false;
            if (used < sizeof(text)) {
                text[used++] = c;
            }
        }
    }
    chars_copy(sentence, SENTENCE_MAX, span_of(text, used));
}

void mconn_facts(struct mconn *conn, struct mapi_message *message, const struct mapi_facts *facts,
                 struct span sentence)
{
    struct record *record = (struct record *)message;
    struct reply *reply = record->reply;
    if (!message->is_response) {
        if (is_connect(message->type) && facts->user_dn.len > 0) {
            message->user_dn = keep_span(conn->world, facts->user_dn);
        }
        return;
    }
    if (!reply) {
        return;
    }
    reply->has_facts = true;
    reply->has_status = facts->has_status;
    reply->has_error = facts->has_error;
    reply->status_code = facts->status;
    reply->error_code = facts->error;
    if (sentence.len > 0) {
        read_sentence(sentence, reply->sentence);
        reply->meaning = sentence_meaning(reply->sentence);
    }
}

uint32_t reply_meaning(const struct reply *reply)
{
    return reply->meaning >= 0 ? (uint32_t)reply->meaning : reply->message->code;
}

/* ---- What a session learns from a response -------------------------------------------------- */

static bool body_is_success(const struct reply *reply)
{
    bool unbound = reply->request->type == MAPI_UNBIND && reply->error_code == 1;    /* UnbindSuccess */
    return (!reply->has_status || reply->status_code == 0) && (!reply->has_error || reply->error_code == 0 || unbound);
}

/* A session begins; its legs begin with the one next to the client. */
static void begin_session(struct reply *reply)
{
    struct request *request = reply->request, *outer = request;
    struct mworld *world = reply->conn->world;
    struct session *session = request->session;
    if (!session) {
        session = new_session(world, reply, request);
    }
    for (unsigned i = 0; outer->front && i < LEGS_MAX; i++) {
        outer = outer->front;
    }
    for (struct request *leg = outer; leg && leg != request; leg = leg->behind) {
        leg->session = session;
        leave(leg, OF_SIDE);
        leg->side = session_side(session, leg);
        if (leg->side) {
            leg->conn->side = leg->side;
            enter(leg, OF_SIDE);
        }
    }
    request->session = session;
    leave(request, OF_SIDE);
    request->side = session_side(session, request);
    if (!session->user_dn) {
        session->user_dn = request->message->user_dn;
    }
    if (!session->user) {
        session->user = reply->conn->user ? reply->conn->user : reply->conn->identity;
    }
    if (request->series) {
        struct session **known = &request->series->session[request->endpoint];
        request->series->shared[request->endpoint] |= *known && *known != session;
        *known = session;
    }
    struct side *side = request->side;
    if (!side) {
        return;
    }
    request->conn->side = side;
    /* Old and new cookies are never mixed (3.1.5.6). */
    side->jar_count = 0;
    side->secure_returned = false;
    side->lost_frame = side->proven_frame = 0;
    side->ended = NULL;
    note_counter(request);
}

static void learn_success(struct side *side, struct reply *reply)
{
    struct request *request = reply->request;
    struct when when = reply->message->end;
    struct mconn *conn = reply->conn;
    bool beside = is_notification(request) || request->type == MAPI_PING;
    fill_jar(side, reply, true, beside);
    for (unsigned i = 0; i < reply->cookie_count; i++) {
        if (!reply->cookies[i].deleted) {
            own_value(side->session, reply->cookies[i].digest);
        }
    }
    side->success = when;
    side->success_began = request->begin.frame;
    side->success_conn = conn;
    side->missed = NULL;
    prune_uses(side, false);
    note_use(side, conn);
    if (request->begin.frame > side->unsure_frame) {
        side->unsure_frame = 0;
    }
    if (reply->expiration_ns >= 0) {
        side->expiration_ns = reply->expiration_ns;
    }
    if (reply->period_ns > 0) {
        side->period_ns = reply->period_ns;
    }
    for (int kind = BACK_TARGET; kind <= BACK_PEER; kind++) {
        bool peer = kind == BACK_PEER && is_server_side(request);
        const char *name = peer ? reply->peer : reply->back.name[kind];
        if (name) {
            side->back.name[kind] = name;
            side->back.shown[kind] = peer ? reply->peer : reply->back.shown[kind];
            side->back_frame[kind] = when.frame;
        }
    }
    if (side->lost_frame && request->begin.frame > side->lost_frame) {
        side->proven_frame = when.frame;
        side->ended = NULL;
    }
    if (!side->session->user) {
        side->session->user = conn->user;
    }
}

static void learn_report(struct side *side, struct reply *reply)
{
    struct mworld *world = side->session->world;
    const struct request *request = reply->request;
    const struct mapi_message *message = reply->message;
    bool answered = reply->status == 200 && !reply->cut;
    add_name(world, side->front, &side->front_count, &side->front_ends, reply->front_end);
    add_name(world, side->behind, &side->back_count, &side->back_ends, reply->back_name);
    side->exchange |= reply->exchange;
    if (is_server_side(request) && !side->exchange) {
        add_name(world, side->behind, &side->back_count, &side->back_ends, reply->peer);
    }
    if (message->has_code) {
        side->has_code = true;
        side->last_code = message->code;
    }
    if (answered && message->has_code && (message->code == 0 || message->code == 14)) {
        side->ok++;
    } else if (reply->status != 401 && reply->status != 407) {
        side->failed++;
        side->request_id = reply->request_id ? reply->request_id : side->request_id;
    }
    /* NotificationWait waits for its own sake. */
    if (message->elapsed_ns > side->slowest_ns && !is_notification(request)) {
        side->slowest_ns = message->elapsed_ns;
        side->slowest_type = message->type;
    }
}

static void finish_reply(struct reply *reply, struct when when)
{
    struct request *request = reply->request;
    struct mapi_message *message = reply->message;
    if (request) {
        if (is_connect(request->type) && reply_is_success(reply) && body_is_success(reply) && request->endpoint) {
            begin_session(reply);
        }
        struct side *side = request->by_guid ? NULL : request->side;
        mjudge_reply(reply, when);
        if (request->front && !reply->cut) {
            request->front->there.whole_frame = when.frame;
        }
        if (side) {
            side->last = when;
            learn_report(side, reply);
            if (reply_is_success(reply)) {
                learn_success(side, reply);
            }
            if (is_disconnect(request->type) && reply_is_success(reply) && body_is_success(reply)) {
                char text[64];
                snprintf(text, sizeof(text), "%s (frame %u)", mapi_type_name((enum mapi_type)request->type),
                         when.frame);
                side->session->released_frame = when.frame;
                side->ended = mworld_text(reply->conn->world, text);
            }
            message_session(message, side->session, side);
        }
        if (reply->conn->sending == request) {
            leave(request, OF_SIDE);
            leave(request, OF_SERIES);
            request->over = true;
        } else {
            request_free(request);
        }
    } else {
        mjudge_reply(reply, when);
    }
    reply->conn->last_answer = when;
    reply_free(reply);
}

/* ---- Segments ------------------------------------------------------------------------------- */

static void end_replies(struct mconn *conn, struct when when)
{
    while (conn->ended) {
        struct reply *reply = conn->ended;
        conn->ended = reply->next;
        if (!conn->ended) {
            conn->ended_last = NULL;
        }
        mjudge_late(reply, when);
        finish_reply(reply, when);
    }
}

/* The client closes under what it waits for. That the server still answers is possible, but
 * the client is not known to listen. */
static void client_closes(struct mconn *conn, struct when when)
{
    if (conn->reply && !conn->reply->end_told) {
        conn->reply->end_told = true;
        mjudge_cut(conn->reply, when);
    }
    while (conn->untold) {
        struct request *request = conn->untold;
        conn->untold = request->next;
        if (request->message) {
            request->end_told = true;
            mjudge_unanswered(request, when);
        }
    }
}

/* Nothing more comes from the server. */
static void connection_over(struct mconn *conn, const struct segment *segment)
{
    bool in_use = false;
    if (conn->reply && conn->reply->until_close && !segment->rst && segment->way == WAY_TO_CLIENT) {
        reply_ended(conn, segment->when);
    }
    if (conn->reply) {
        in_use = true;
        conn->reply->cut = true;
        conn->reply->message->cut = true;
        if (!conn->reply->end_told) {
            mjudge_cut(conn->reply, segment->when);
        }
        reply_ended(conn, segment->when);
    }
    end_replies(conn, segment->when);
    while (conn->first) {
        struct request *request = conn->first;
        if (request->message) {
            in_use = true;
            request->message->cut = !request->ended;
            if (!request->end_told) {
                mjudge_unanswered(request, segment->when);
            }
            if (mconn_doubt(conn) != DOUBT_NONE) {
                miss_response(request, segment->when);
            }
        }
        if (request->front) {
            request->front->there.closed = true;
        }
        request_drop(request);
    }
    if (!in_use && conn->closed_by == WAY_TO_CLIENT && !conn->expected_end && !conn->over) {
        mjudge_idle_end(conn->world, conn->server, conn, segment->when);
    }
    conn->over = true;
}

void mconn_segment(struct mconn *conn, const struct segment *segment)
{
    struct when when = segment->when;
    bool new_data = tcp_flow_segment(&conn->tcp, &conn->world->arena, segment), ended = segment->fin || segment->rst;
    if (segment->len > 0 && !new_data) {
        conn->repeated[segment->way] = when;
    }
    if (segment->way == WAY_TO_SERVER && segment->window == 0 && segment->has_ack && !segment->rst && !segment->syn) {
        conn->zero_window = when;
    }
    while (conn->fresh.first) {
        struct request *request = conn->fresh.first;
        leave(request, OF_FRAME);
        mjudge_request(request, when);
    }
    if (conn->reply) {
        mjudge_late(conn->reply, when);
    }
    end_replies(conn, when);
    if (ended) {
        if (!conn->closed) {
            conn->closed = true;
            conn->closed_by = segment->way;
            conn->by_rst = segment->rst;
            conn->closed_frame = when.frame;
            conn->server->open--;
        }
        if (segment->rst || segment->way == WAY_TO_CLIENT || conn->tcp.half[WAY_TO_CLIENT].ended) {
            connection_over(conn, segment);
        } else {
            client_closes(conn, when);
        }
    }
    auth_end_of_frame(conn->auth, when, ended, segment->way);
    mjudge_loss(conn, when, ended);
    mjudge_waiting(conn->world, when);
}

void mworld_foreign_end(struct mworld *world, const struct endpoint *end, struct when when)
{
    struct server *server = mworld_find_server(world, end);
    if (server) {
        mjudge_idle_end(world, server, NULL, when);
    }
    mjudge_waiting(world, when);
}
