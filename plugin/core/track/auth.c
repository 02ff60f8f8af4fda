/* auth.c
 * The state of logons: requests and their answers, legs, users, connections.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "auth_private.h"
#include "chars.h"

#include <stdio.h>

/* ---- digests and tables -------------------------------------------------------------- */

/* FNV-1a of 64 bits; it tells values apart, it protects nothing. */
static uint64_t digest_bytes(uint64_t seed, const void *data, size_t len)
{
    const uint8_t *p = data;
    uint64_t hash = seed ^ UINT64_C(0xCBF29CE484222325);
    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ p[i]) * UINT64_C(0x100000001B3);
    }
    return (hash ^ hash >> 32) | 1;      /* 0 says "none" */
}

static uint64_t digest_nocase(uint64_t seed, struct span s)
{
    uint64_t hash = seed ^ UINT64_C(0xCBF29CE484222325);
    for (size_t i = 0; i < s.len; i++) {
        hash = (hash ^ lower(s.ptr[i])) * UINT64_C(0x100000001B3);
    }
    return (hash ^ hash >> 32) | 1;
}

static uint64_t digest_text(uint64_t seed, const char *text)
{
    return digest_nocase(seed, span_of((const uint8_t *)text, strlen(text)));
}

static uint32_t fold(uint64_t digest)
{
    return hash_bytes(&digest, sizeof(digest), 0);
}

/* An item of one of the tables that are searched by a digest alone. */
static void *keyed_find(const struct table *table, uint64_t key)
{
    for (struct item *item = table_first(table, fold(key)); item; item = table_next(item)) {
        if (((struct keyed *)item)->key == key) {
            return item;
        }
    }
    return NULL;
}

static void *keyed_make(struct aworld *world, struct table *table, uint64_t key, size_t size)
{
    struct keyed *found = keyed_find(table, key);
    if (!found) {
        found = arena_new(&world->arena, size);
        found->key = key;
        table_add(&world->arena, table, &found->item, fold(key));
    }
    return found;
}

const struct challenge *challenge_find(const struct aworld *world, uint64_t digest)
{
    return keyed_find(&world->challenges, digest);
}

const char *auth_keep(struct aworld *world, const char *text)
{
    const char *kept = track_text(world->track, text);
    return kept ? kept : "";
}

static const char *keep_span(struct aworld *world, struct span s)
{
    char text[HTTP_NAME_MAX];
    chars_copy(text, sizeof(text), s);
    return auth_keep(world, text);
}

struct site *site_of(struct aworld *world, const char *host, uint32_t leg)
{
    return keyed_make(world, &world->sites, digest_text(0x517E + (uint64_t)leg, host), sizeof(struct site));
}

/* ---- users --------------------------------------------------------------------------- */

struct name {
    struct span local, domain;
    bool upn;
};

static struct name name_of(const char *user)
{
    struct span all = span_of((const uint8_t *)user, strlen(user));
    struct name name = { .local = all };
    size_t slash = span_until(all, '\\'), at = span_until(all, '@');
    if (slash < all.len) {
        name.domain = span_of(all.ptr, slash);
        name.local = span_skip(all, slash + 1);
        at = span_until(name.local, '@');
        if (at < name.local.len) {       /* a UPN with a domain before it: the domain says nothing more */
            name.domain = span_of(all.ptr, 0);
            name.local.len = at;
        }
    } else if (at < all.len) {
        name.local = span_of(all.ptr, at);
        name.domain = span_skip(all, at + 1);
        name.upn = true;
    }
    return name;
}

static bool spans_equal_nocase(struct span a, struct span b)
{
    if (a.len != b.len) {
        return false;
    }
    for (size_t i = 0; i < a.len; i++) {
        if (lower(a.ptr[i]) != lower(b.ptr[i])) {
            return false;
        }
    }
    return true;
}

static bool texts_equal_nocase(const char *a, const char *b)
{
    return spans_equal_nocase(span_of((const uint8_t *)a, strlen(a)), span_of((const uint8_t *)b, strlen(b)));
}

bool users_differ(const char *a, const char *b)
{
    struct name one = name_of(a), other = name_of(b);
    if (!spans_equal_nocase(one.local, other.local)) {
        return true;
    }
    if (one.domain.len == 0 || other.domain.len == 0 || one.upn != other.upn ||
        spans_equal_nocase(one.domain, other.domain)) {
        return false;
    }
    /* A domain has a short name and a DNS name. */
    return (span_until(one.domain, '.') < one.domain.len) == (span_until(other.domain, '.') < other.domain.len);
}

/* ---- accounts -------------------------------------------------------------------------- */

static struct account *account_of(struct aworld *world, const char *user, const char *host, const char *scheme)
{
    uint64_t key = digest_text(digest_text(digest_text(0xACC0, user), host), scheme);
    uint32_t hash = fold(key);
    for (struct item *item = table_first(&world->accounts, hash); item; item = table_next(item)) {
        struct account *account = (struct account *)item;
        if (account->scheme == scheme && texts_equal_nocase(account->user, user) &&
            texts_equal_nocase(account->host, host)) {
            return account;
        }
    }
    struct account *account = arena_new(&world->arena, sizeof(*account));
    account->user = user;
    account->host = host;
    account->scheme = scheme;
    account->servers = "";
    account->slowest = -1;
    account->index = world->row_count;
    table_add(&world->arena, &world->accounts, &account->item, hash);
    if (world->row_count == world->row_room) {
        uint32_t room = world->row_room ? world->row_room * 2 : 16;
        struct account **rows = arena_new(&world->arena, room * sizeof(struct account *));
        if (world->row_count) {
            memcpy(rows, world->rows, world->row_count * sizeof(struct account *));
        }
        arena_give_back(&world->arena, world->rows, world->row_room * sizeof(struct account *));
        world->rows = rows;
        world->row_room = room;
    }
    world->rows[world->row_count++] = account;
    return account;
}

static void account_seen(struct account *account, struct when when)
{
    if (!account->start.frame) {
        account->start = when;
    }
    account->last = when;
}

static void account_server(struct aworld *world, struct account *account, const char *server)
{
    char text[ACCOUNT_SERVERS * (AUTH_DNS_COMPUTER_MAX + 2)];
    size_t used = 0;
    if (!server || !server[0]) {
        return;
    }
    for (unsigned i = 0; i < ACCOUNT_SERVERS; i++) {
        if (!account->server[i]) {
            account->server[i] = server;
            text[0] = '\0';
            for (unsigned j = 0; j <= i; j++) {
                used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", j ? ", " : "", account->server[j]);
            }
            account->servers = auth_keep(world, text);
            return;
        }
        if (account->server[i] == server) {
            return;
        }
    }
}

static void account_connection(struct aworld *world, struct account *account, struct aconn *conn)
{
    if (!conn->counted) {
        conn->counted = account;
        account->connections++;
    }
    if (conn->counted == account) {
        return;
    }
    const void *pair[2] = { account, conn };
    uint32_t hash = hash_bytes(pair, sizeof(pair), 0);
    for (struct item *item = table_first(&world->account_conns, hash); item; item = table_next(item)) {
        const struct account_conn *found = (const struct account_conn *)item;
        if (found->account == account && found->conn == conn) {
            return;
        }
    }
    struct account_conn *add = arena_new(&world->arena, sizeof(*add));
    add->account = account;
    add->conn = conn;
    table_add(&world->arena, &world->account_conns, &add->item, hash);
    account->connections++;
}

/* ---- what is outstanding -------------------------------------------------------------- */

static struct same **same_slot(const struct aworld *world, uint64_t id)
{
    return &world->slot[fold(id) & (world->slots - 1)];
}

static void sames_grow(struct aworld *world)
{
    struct same **old = world->slot;
    uint32_t old_slots = world->slots;
    world->slots = old_slots ? old_slots * 2 : 64;
    world->slot = arena_new(&world->arena, world->slots * sizeof(struct same *));
    for (uint32_t i = 0; i < old_slots; i++) {
        for (struct same *same = old[i]; same;) {
            struct same *next = same->next, **slot = same_slot(world, same->id);
            same->next = *slot;
            *slot = same;
            same = next;
        }
    }
    arena_give_back(&world->arena, old, old_slots * sizeof(struct same *));
}

static struct same *same_make(struct aworld *world, uint64_t id)
{
    if (world->sames >= world->slots) {
        sames_grow(world);
    }
    struct same **slot = same_slot(world, id);
    for (struct same *same = *slot; same; same = same->next) {
        if (same->id == id) {
            return same;
        }
    }
    struct same *same = world->free_sames;
    if (same) {
        world->free_sames = same->next;
    } else {
        same = arena_new(&world->arena, sizeof(*same));
    }
    same->id = id;
    same->newest = NULL;
    same->next = *slot;
    *slot = same;
    world->sames++;
    return same;
}

static void same_drop(struct aworld *world, struct same *same)
{
    struct same **place = same_slot(world, same->id);
    while (*place != same) {
        place = &(*place)->next;
    }
    *place = same->next;
    same->next = world->free_sames;
    world->free_sames = same;
    world->sames--;
}

/* The request is no longer outstanding; its answer may still come. */
static void request_settle(struct aworld *world, struct arequest *request)
{
    struct same *same = request->same;
    if (!same) {
        return;
    }
    if (request->newer) {
        request->newer->older = request->older;
    } else {
        same->newest = request->older;
    }
    if (request->older) {
        request->older->newer = request->newer;
    }
    request->same = NULL;
    request->newer = request->older = NULL;
    if (!same->newest) {
        same_drop(world, same);
    }
}

/* Takes the oldest request of the connection away. */
static void request_release(struct aconn *conn)
{
    struct arequest *request = conn->first;
    request_settle(conn->world, request);
    if (request->parent) {
        request->parent->child = NULL;
    }
    if (request->child) {
        request->child->parent = NULL;
    }
    conn->first = request->next;
    if (!conn->first) {
        conn->last = NULL;
    }
    conn->outstanding--;
    request->next = conn->world->free_requests;
    conn->world->free_requests = request;
}

static void release_all(struct aconn *conn)
{
    conn->passed_over = 0;
    while (conn->first) {
        request_release(conn);
    }
}

static struct arequest *request_add(struct aconn *conn, struct when when)
{
    struct aworld *world = conn->world;
    struct arequest *request = world->free_requests;
    if (request) {
        world->free_requests = request->next;
        memset(request, 0, sizeof(*request));
    } else {
        request = arena_new(&world->arena, sizeof(*request));
    }
    request->conn = conn;
    request->when = when;
    request->leg = NO_NUMBER;
    request->scheme = request->user = request->host = "";
    if (conn->last) {
        conn->last->next = request;
    } else {
        conn->first = request;
    }
    conn->last = request;
    conn->outstanding++;
    return request;
}

/* ---- legs ------------------------------------------------------------------------------ */

static bool is_loopback(const struct endpoint *end)
{
    static const uint8_t v6[16] = { [15] = 1 };
    return end->family == 4 ? end->addr[0] == 127 : memcmp(end->addr, v6, sizeof(v6)) == 0;
}

/* Whether a request passes on what the other one brought, as far as ends and times say.
 * A device may keep the client's address. The client may ask again elsewhere, but not within
 * the time a device takes. */
static bool may_pass_on(const struct arequest *before, const struct arequest *request, bool strong)
{
    const struct aconn *a = before->conn, *b = request->conn;
    int64_t age = request->when.ns - before->when.ns;
    if (before->child || before->leg == NO_NUMBER || age > (strong ? RELAY_WAIT : RELAY_WAIT_WEAK)) {
        return false;
    }
    if (endpoint_equal(conn_server(a->link), conn_server(b->link))) {
        /* Only a copy behind an address translation goes to the same server again. */
        return strong && !same_address(&a->link->client, &b->link->client) && age <= COPY_WAIT;
    }
    /* The device that passed it on once may do so again, to another server. */
    return before->leg == 0 || !same_address(&a->link->client, &b->link->client) || same_address(conn_server(a->link), &b->link->client);
}

/* The leg of a request among those that are the same. */
static void request_leg(struct aconn *conn, struct arequest *request, uint64_t id, bool strong)
{
    struct same *same = same_make(conn->world, id);
    const struct arequest *sibling = NULL, *sender = NULL;
    struct arequest *parent = NULL, *before_sibling = NULL;
    unsigned looked_at = 0;
    for (struct arequest *other = same->newest; other && looked_at < RELAYS_LOOKED_AT; other = other->older) {
        looked_at++;
        if (other->conn == conn) {
            continue;
        }
        if (may_pass_on(other, request, strong)) {
            parent = parent ? parent : other;
        } else if (endpoint_equal(conn_server(other->conn->link), conn_server(conn->link))) {
            sibling = sibling ? sibling : other;
        } else if (same_address(&other->conn->link->client, &conn->link->client) && !is_loopback(&conn->link->client)) {
            sender = sender ? sender : other;
        }
    }
    /* Sent again to where one went before: the same leg, whichever request it passes on. */
    if (sibling) {
        looked_at = 0;
        for (struct arequest *other = same->newest; other && looked_at < RELAYS_LOOKED_AT; other = other->older) {
            looked_at++;
            if (!before_sibling && other->conn != conn && other->leg + 1 == sibling->leg &&
                may_pass_on(other, request, strong)) {
                before_sibling = other;
            }
        }
        parent = before_sibling;
        request->leg = sibling->leg;
    } else if (!parent && sender) {
        request->leg = sender->leg;
    }
    if (parent && parent->leg + 1 < LEGS_MAX) {
        request->leg = parent->leg + 1;
        request->parent = parent;
        parent->child = request;
        parent->passed_on = true;
    }
    request->relayed = request->leg != NO_NUMBER && request->leg > 0;
    request->same = same;
    request->older = same->newest;
    if (same->newest) {
        same->newest->newer = request;
    }
    same->newest = request;
}

/* ---- heads -------------------------------------------------------------------------------- */

struct fields {
    struct span authorization, request_id, request_type, client_info, user_identity, client_request_id, host;
    struct span outlook_session, context;        /* cookies */
    struct span persistent_auth;
    bool has_authorization, chunked, close;
    size_t content_length;       /* digits beyond what a small body has count as one */
    unsigned offers;             /* bits of enum auth_scheme */
    bool lower_case, other_case; /* of WWW-Authenticate */
};

static bool is_context_cookie(struct span name)
{
    return span_equals_nocase(name, "MapiContext") || span_equals_nocase(name, "sid");
}

static struct span bare(struct span s)
{
    while (s.len >= 2) {
        uint8_t last = s.ptr[s.len - 1];
        if (!(s.ptr[0] == '"' && last == '"') && !(s.ptr[0] == '{' && last == '}')) {
            break;
        }
        s = span_of(s.ptr + 1, s.len - 2);
    }
    return s;
}

static void scan_cookies(struct span value, struct fields *fields)
{
    size_t pos = 0;
    struct span name, content;
    while (http_cookie_next(value, &pos, &name, &content)) {
        if (span_equals_nocase(name, "OutlookSession") && !fields->outlook_session.len) {
            fields->outlook_session = bare(content);
        } else if (is_context_cookie(name) && !fields->context.len) {
            fields->context = content;
        }
    }
}

static void scan_set_cookie(struct span value, struct fields *fields)
{
    size_t pos = 0;
    struct span name, content;
    if (http_cookie_next(value, &pos, &name, &content) && is_context_cookie(name)) {
        fields->context = content;
    }
}

static bool holds_word(struct span list, const char *word)
{
    while (list.len > 0) {
        size_t len = span_until(list, ',');
        if (span_equals_nocase(span_trim(span_of(list.ptr, len)), word)) {
            return true;
        }
        list = span_skip(list, len < list.len ? len + 1 : len);
    }
    return false;
}

static void scan_request(struct span name, struct span value, struct fields *fields)
{
    const struct {
        const char *name;
        struct span *place;
    } copied[] = {
        { "X-RequestId", &fields->request_id }, { "X-RequestType", &fields->request_type },
        { "X-ClientInfo", &fields->client_info }, { "X-User-Identity", &fields->user_identity },
        { "client-request-id", &fields->client_request_id }, { "Host", &fields->host }
    };
    if (span_equals_nocase(name, "Authorization")) {
        if (!fields->has_authorization) {
            fields->authorization = value;
            fields->has_authorization = true;
        }
    } else if (span_equals_nocase(name, "Cookie")) {
        scan_cookies(value, fields);
    } else if (span_equals_nocase(name, "Content-Length")) {
        fields->content_length = value.len > 2 ? 1000 : 0;
        for (size_t i = 0; i < value.len && value.len <= 2; i++) {
            fields->content_length = fields->content_length * 10 + (value.ptr[i] & 0x0Fu);
        }
    } else if (span_equals_nocase(name, "Transfer-Encoding")) {
        fields->chunked |= holds_word(value, "chunked");
    } else {
        for (size_t i = 0; i < sizeof(copied) / sizeof(copied[0]); i++) {
            if (span_equals_nocase(name, copied[i].name)) {
                if (!copied[i].place->len) {
                    *copied[i].place = value;
                }
                return;
            }
        }
    }
}

/* Of several challenges with a token the one of the request's scheme counts. */
static void scan_challenge(struct span name, struct span value, struct fields *fields, struct auth_token *token,
                           enum auth_scheme wanted)
{
    static const char in_lower_case[] = "www-authenticate";
    struct auth_token found;
    if (memcmp(name.ptr, in_lower_case, name.len) == 0) {
        fields->lower_case = true;
    } else {
        fields->other_case = true;
    }
    fields->offers |= auth_schemes_offered(value);
    auth_token_decode(value, &found);
    bool has_token = found.step == AUTH_STEP_TYPE2 || found.step == AUTH_STEP_AP_REP || found.step == AUTH_STEP_TOKEN;
    if (has_token && (token->step == AUTH_STEP_NONE || (found.scheme == wanted && token->scheme != wanted))) {
        *token = found;
    }
}

static void scan_response(struct span name, struct span value, struct fields *fields, struct auth_token *token,
                          enum auth_scheme wanted)
{
    if (span_equals_nocase(name, "WWW-Authenticate")) {
        scan_challenge(name, value, fields, token, wanted);
    } else if (span_equals_nocase(name, "Persistent-Auth")) {
        fields->persistent_auth = value;
    } else if (span_equals_nocase(name, "Connection")) {
        fields->close |= holds_word(value, "close");
    } else if (span_equals_nocase(name, "Set-Cookie")) {
        scan_set_cookie(value, fields);
    }
}

/* "{GUID}:7": the GUID; else all of it. */
static struct span before_counter(struct span s)
{
    size_t digits = 0;
    while (digits < s.len && is_digit(s.ptr[s.len - 1 - digits])) {
        digits++;
    }
    if (digits > 0 && digits < s.len && s.ptr[s.len - 1 - digits] == ':') {
        s.len -= digits + 1;
    }
    return s;
}

/* From the path on, also of an absolute URI. */
static struct span path_of(struct span uri)
{
    struct span path = uri;
    if (uri.len > 0 && uri.ptr[0] != '/') {
        for (size_t i = 0; i + 2 < uri.len; i++) {
            if (uri.ptr[i] == ':' && uri.ptr[i + 1] == '/' && uri.ptr[i + 2] == '/') {
                path = span_skip(uri, i + 3);
                return span_skip(path, span_until(path, '/'));
            }
        }
    }
    return path;
}

/* ---- what is shown -------------------------------------------------------------------------- */

static const char *scheme_name(const struct auth_token *token)
{
    switch (token->scheme) {
    case AUTH_BASIC:
        return "Basic";
    case AUTH_NTLM:
        return "NTLM";
    case AUTH_NEGOTIATE:
        return token->is_ntlm ? "Negotiate/NTLM" : token->is_kerberos ? "Negotiate/Kerberos" : "Negotiate";
    case AUTH_BEARER:
        return "Bearer";
    default:
        return "";
    }
}

static struct auth_shown *show(struct aworld *world, const char *scheme, const char *step, const char *user)
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

static const char *target_name(struct aworld *world, const struct ntlm_target *target)
{
    return auth_keep(world, target->dns_computer[0] ? target->dns_computer : target->nb_computer);
}

/* ---- requests ------------------------------------------------------------------------------- */

static void find_leg(struct aconn *conn, struct arequest *request, const struct http_head *head,
                     const struct fields *fields)
{
    uint64_t id;
    bool strong = fields->request_id.len > 0;
    if (strong) {
        id = digest_nocase(digest_nocase(0x1D01, fields->request_id), fields->request_type);
    } else {
        struct span also = fields->outlook_session.len ? fields->outlook_session : fields->client_request_id;
        if (!also.len) {
            also = fields->has_authorization ? fields->host : also;
        }
        struct span path = path_of(head->uri);
        id = digest_bytes(digest_bytes(0x1D02, head->method.ptr, head->method.len), path.ptr, path.len);
        id = digest_bytes(digest_nocase(id, also), fields->authorization.ptr, fields->authorization.len);
        if (!also.len) {
            id = 0;              /* nothing tells it from another client's */
        }
    }
    if (id) {
        request_leg(conn, request, id, strong);
    }
    if (request->leg == NO_NUMBER) {
        request->leg = conn->leg == NO_NUMBER ? 0 : conn->leg;
    }
    if (request->relayed || conn->leg == NO_NUMBER) {
        conn->leg = request->leg;
    }
}

static void find_identities(struct arequest *request, const struct fields *fields)
{
    const struct span values[ID_KINDS] = {
        [ID_CLIENT_INFO] = bare(before_counter(fields->client_info)),
        [ID_REQUEST_ID] = bare(before_counter(fields->request_id)), [ID_USER_IDENTITY] = fields->user_identity,
        [ID_OUTLOOK_SESSION] = fields->outlook_session, [ID_CONTEXT] = fields->context
    };
    for (unsigned kind = 0; kind < ID_KINDS; kind++) {
        if (values[kind].len > 0) {
            request->identity[kind] = digest_nocase(0x1DE0 + kind, values[kind]);
        }
    }
}

static uint64_t refusals_key(const struct arequest *request)
{
    uint64_t who = request->user[0] ? digest_text(0x3EF0, request->user) :
                   request->identity[ID_CLIENT_INFO] ? request->identity[ID_CLIENT_INFO] :
                   request->identity[ID_OUTLOOK_SESSION];
    return who ? digest_text(who + request->leg, request->host) : 0;
}

static struct peer *peer_of(struct aconn *conn, const struct arequest *request)
{
    uint64_t key = digest_bytes(0x9EE0 + (uint64_t)request->leg, conn->link->client.addr, address_length(&conn->link->client));
    return keyed_make(conn->world, &conn->world->peers, digest_text(key, request->host), sizeof(struct peer));
}

static struct pending *pending_of(struct aconn *conn)
{
    struct aworld *world = conn->world;
    if (!conn->pending) {
        conn->pending = world->free_pending;
        if (conn->pending) {
            world->free_pending = conn->pending->next;
            memset(conn->pending, 0, sizeof(*conn->pending));
        } else {
            conn->pending = arena_new(&world->arena, sizeof(*conn->pending));
        }
    }
    return conn->pending;
}

/* A challenge in lower case: whether it is answered, or passed by. */
static void note_lower(struct aconn *conn, struct arequest *request, struct when when)
{
    struct peer *peer = request->peer;
    if (conn->world->lower_answered || (!conn->more->lower_frame && !peer->lower_frame)) {
        return;
    }
    bool empty = request->step == AUTH_STEP_EMPTY || request->step == AUTH_STEP_NONE;
    if (!empty) {
        conn->world->lower_answered = true;
        return;
    }
    bool bearer = request->has_authorization && request->scheme_id == AUTH_BEARER;
    if (conn->more->lower_frame) {
        pending_of(conn)->repeated = bearer == conn->more->lower_bearer && bearer == request->has_authorization;
    } else if (when.ns - peer->lower_ns >= SECOND && ++peer->lower_rounds >= LOWER_ROUNDS) {
        struct aconn_more *more = aconn_more(conn);
        more->lower_frame = peer->lower_frame;
        more->lower_host = request->host;
        more->lower_leg = request->leg;
        pending_of(conn)->repeated = true;
    }
}

/* Empty Bearers of one client: a token or another scheme ends the series. */
static void note_bearer(struct aconn *conn, const struct arequest *request)
{
    if (!request->has_authorization || !request->identity[ID_CLIENT_INFO] || request->step == AUTH_STEP_EMPTY) {
        return;
    }
    struct rounds *rounds = keyed_find(&conn->world->rounds, request->identity[ID_CLIENT_INFO] + request->leg);
    if (rounds) {
        rounds->count = 0;
        rounds->told = false;
    }
}

static void note_type3(struct aconn *conn, const struct arequest *request, struct when when,
                       const struct auth_token *token)
{
    aconn_more(conn)->type3_frame = when.frame;
    struct pending *pending = conn->pending;
    if (!token->ntlmv2 || !token->target.present || !request->account || (pending && pending->frame)) {
        return;
    }
    pending = pending_of(conn);
    pending->frame = when.frame;
    pending->leg = request->leg;
    pending->account = request->account;
    pending->user = request->user;
    pending->digest = token->target.names_digest;
    pending->has_timestamp = token->target.has_timestamp;
    pending->nb_name = auth_keep(conn->world, token->target.nb_computer);
    pending->dns_name = auth_keep(conn->world, token->target.dns_computer);
    const struct aconn *before = request->parent ? request->parent->conn : NULL;
    pending->client_side = before && before->more->type2_digest == token->target.names_digest ? before : NULL;
}

/* The user by whose name the owner of a connection is compared: Kerberos hides it. */
static const char *who_of(const struct arequest *request, const struct fields *fields, struct aworld *world)
{
    if (request->user[0] || !request->kerberos) {
        return request->user;
    }
    return fields->user_identity.len ? keep_span(world, fields->user_identity) : "";
}

static void find_stranger(struct aconn *conn, struct arequest *request)
{
    const struct owner *stranger = NULL;
    if (request->has_authorization || conn->owned == OWNED_NOT || conn->shared_told || !conn->owner[0] ||
        conn_server(conn->link)->port == BACKEND_PORT) {
        return;
    }
    for (unsigned kind = 0; kind < ID_KINDS; kind++) {
        const struct owner *owner = request->identity[kind] ?
            keyed_find(&conn->world->owners, request->identity[kind]) : NULL;
        if (!owner || owner->ambiguous) {
            continue;
        }
        if (!users_differ(owner->user, conn->owner)) {
            return;
        }
        stranger = stranger ? stranger : owner;
    }
    request->stranger = stranger;
}

static const struct auth_shown *take_request(struct aconn *conn, struct when when, const struct http_head *head,
                                             uint32_t *leg)
{
    struct aworld *world = conn->world;
    struct fields fields;
    struct auth_token token;
    struct span name, value;
    size_t pos = 0;

    memset(&fields, 0, sizeof(fields));
    while (http_head_next(head, &pos, &name, &value)) {
        scan_request(name, value, &fields);
    }
    auth_token_decode(fields.authorization, &token);
    if (conn->outstanding == OUTSTANDING_MAX) {
        request_release(conn);   /* its answer, the next one, is passed over */
        conn->passed_over++;
    }
    struct arequest *request = request_add(conn, when);
    request->has_authorization = fields.has_authorization;
    request->step = (uint8_t)token.step;
    request->scheme_id = (uint8_t)token.scheme;
    request->final = token.final;
    request->anonymous = token.anonymous;
    request->ntlm = token.is_ntlm;
    request->kerberos = token.is_kerberos;
    request->bindings = token.has_channel_bindings;
    memcpy(request->bound_to, token.channel_bindings, sizeof(request->bound_to));
    request->waits = span_equals_nocase(fields.request_type, "NotificationWait");
    request->opens = span_equals_nocase(fields.request_type, "Connect") ||
                     span_equals_nocase(fields.request_type, "Bind");
    request->in_channel = span_equals_nocase(head->method, "RPC_IN_DATA") && fields.content_length > 16;
    request->host = keep_span(world, fields.host);
    if (!request->host[0]) {
        char text[ENDPOINT_TEXT_MAX];
        endpoint_format(conn_server(conn->link), text);
        request->host = auth_keep(world, text);
    }
    if (fields.has_authorization) {
        request->scheme = scheme_name(&token);
        request->user = auth_keep(world, token.user);
    }
    find_leg(conn, request, head, &fields);
    *leg = request->leg;
    find_identities(request, &fields);
    request->peer = peer_of(conn, request);
    bool tries = (token.scheme == AUTH_NTLM || token.scheme == AUTH_NEGOTIATE) && token.step != AUTH_STEP_EMPTY;
    if (tries && !request->peer->tried) {
        request->peer->tried = request->scheme;
        request->peer->tried_frame = when.frame;
        request->peer->tried_stream = conn->link->stream;
    }
    note_lower(conn, request, when);
    note_bearer(conn, request);
    if (token.final) {
        request->refusals = refusals_key(request);
        request->account = account_of(world, request->user, request->host, request->scheme);
        account_seen(request->account, when);
        if (!request->relayed) {
            account_connection(world, request->account, conn);
        }
        conn->credentials.account = request->account;
        conn->credentials.when = when;
        conn->credentials.refusals = request->refusals;
        conn->credentials.leg = request->leg;
        conn->credentials.answered = false;
        conn->credentials.relayed = request->relayed;
        request->user = who_of(request, &fields, world);
    }
    if (token.step == AUTH_STEP_TYPE1) {
        conn->owned = OWNED_NOT;         /* a handshake of one's own begins */
    } else if (token.step == AUTH_STEP_TYPE3) {
        if (request->account) {
            account_server(world, request->account, conn->more->type2_server);
        }
        note_type3(conn, request, when, &token);
    }
    find_stranger(conn, request);
    if (request->stranger && conn->owned == OWNED) {
        judge_stranger(conn, request, when);
    }
    if (!fields.has_authorization || token.scheme == AUTH_OTHER) {
        return NULL;
    }
    static const char *const steps[] = {
        [AUTH_STEP_NONE] = "", [AUTH_STEP_EMPTY] = "", [AUTH_STEP_TYPE1] = "type1", [AUTH_STEP_TYPE2] = "type2",
        [AUTH_STEP_TYPE3] = "type3", [AUTH_STEP_AP_REQ] = "credentials", [AUTH_STEP_AP_REP] = "",
        [AUTH_STEP_BASIC] = "credentials", [AUTH_STEP_BEARER] = "credentials", [AUTH_STEP_TOKEN] = ""
    };
    struct auth_shown *shown = show(world, request->scheme, steps[token.step], auth_keep(world, token.user));
    shown->row = request->account ? request->account->index : NO_NUMBER;
    return shown;
}

/* ---- answers ---------------------------------------------------------------------------------- */

/* From his own credentials the server took: what comes with them is this user's. */
static void learn(struct aworld *world, uint64_t key, unsigned kind, const char *user, const struct aconn *conn,
                  struct when when)
{
    struct owner *owner = key && user[0] ? keyed_make(world, &world->owners, key, sizeof(*owner)) : NULL;
    if (!owner) {
        return;
    }
    if (!owner->user) {
        owner->user = user;
        owner->kind = (uint8_t)kind;
        owner->frame = when.frame;
        owner->stream = conn->link->stream;
    } else if (owner->user != user && users_differ(owner->user, user)) {
        owner->ambiguous = true;
    }
}

static void account_time(struct account *account, int64_t ns)
{
    if (ns > account->slowest) {
        account->slowest = ns;
    }
}

static void judge_wait(struct aconn *conn, const struct arequest *request, struct when when, bool accepted,
                       unsigned status)
{
    const struct wait wait = { request->account, request->leg, request->when, request->below, status, accepted };
    if (request->parent && !request->parent->below.frame) {
        request->parent->below = when;
    }
    judge_time(conn, &wait, when);
}

static void clear_refusals(struct aworld *world, uint64_t key)
{
    struct refusals *refusals = key ? keyed_find(&world->refusals, key) : NULL;
    if (refusals) {
        refusals->count = 0;
    }
}

/* The connection's owner, once the server has taken credentials. */
static void own(struct aconn *conn, const struct arequest *request, const struct fields *fields)
{
    bool denied = span_equals_nocase(fields->persistent_auth, "false");
    conn->owned = OWNED_NOT;
    conn->shared_told = false;
    conn->owner = request->user;
    conn->owner_scheme = request->scheme;
    conn->owner_frame = request->when.frame;
    if (request->ntlm) {
        conn->owned = denied ? OWNED_NOT : OWNED;
    } else if (request->kerberos && !denied) {
        conn->owned = span_equals_nocase(fields->persistent_auth, "true") ? OWNED : OWNED_PERHAPS;
    }
}

static void accept(struct aconn *conn, struct arequest *request, struct when when, const struct fields *fields,
                   unsigned status)
{
    struct aworld *world = conn->world;
    struct account *account = request->account;
    bool first = !request->answered;
    clear_refusals(world, request->refusals);
    own(conn, request, fields);
    for (unsigned kind = 0; kind < ID_KINDS; kind++) {
        learn(world, request->identity[kind], kind, request->user, conn, request->when);
    }
    if (request->opens && fields->context.len) {
        learn(world, digest_nocase(0x1DE0 + ID_CONTEXT, fields->context), ID_CONTEXT, request->user, conn, when);
    }
    account_seen(account, when);
    if (!first) {
        return;
    }
    struct site *site = site_of(world, request->host, request->leg);
    if (request->user[0]) {
        site->several |= site->accepted && users_differ(site->accepted, request->user);
        site->accepted = site->accepted ? site->accepted : request->user;
    }
    if (!request->relayed) {
        account->accepted++;
    }
    if (!request->waits && !(request->in_channel && status >= 200)) {
        if (!request->relayed) {
            account_time(account, when.ns - request->when.ns);
        }
        if (request->scheme_id != AUTH_BEARER && (request->ntlm || conn->accepted != account)) {
            judge_wait(conn, request, when, true, status);
        }
    }
    conn->accepted = account;
    request->answered = true;
    conn->credentials.answered |= conn->credentials.when.frame == request->when.frame;
}

static void refuse(struct aconn *conn, struct arequest *request, struct when when, const struct http_head *head)
{
    struct aworld *world = conn->world;
    struct account *account = request->account;
    account_seen(account, when);
    if (conn->accepted == account) {
        conn->accepted = NULL;
    }
    if (!request->relayed) {
        account->refused++;
        account_time(account, when.ns - request->when.ns);
    }
    if (!account->first_refusal.frame) {
        account->first_refusal = when;
    }
    if (request->scheme_id != AUTH_BEARER && !request->answered) {
        judge_wait(conn, request, when, false, head->status);
    }
    request->answered = true;
    conn->credentials.answered |= conn->credentials.when.frame == request->when.frame;
    conn->owned = OWNED_NOT;
    if (request->bindings) {
        judge_bindings(conn, request, when);
    }
    struct refusals *refusals = request->refusals ?
        keyed_make(world, &world->refusals, request->refusals, sizeof(*refusals)) : NULL;
    if (!refusals || request->when.frame <= refusals->mark) {
        return;
    }
    if (refusals->count < REFUSALS_TOLD) {
        refusals->frame[refusals->count] = when.frame;
    }
    refusals->mark = when.frame;
    if (++refusals->count == REFUSALS_TOLD) {
        judge_refusal(conn, request, when, refusals, head);
    }
}

static void note_challenge(struct aconn *conn, const struct arequest *request, struct when when,
                           const struct auth_token *token)
{
    struct aworld *world = conn->world;
    struct aconn_more *more = aconn_more(conn);
    more->type2_frame = when.frame;
    more->type2_digest = token->target.present ? token->target.names_digest : 0;
    more->type2_server = target_name(world, &token->target);
    if (!token->target.present) {
        return;
    }
    struct challenge *challenge = keyed_make(world, &world->challenges, token->target.names_digest, sizeof(*challenge));
    if (challenge->carriers == CARRIERS) {
        memmove(challenge->carrier, challenge->carrier + 1, sizeof(challenge->carrier) - sizeof(challenge->carrier[0]));
        challenge->carriers--;
    }
    struct carrier *carrier = &challenge->carrier[challenge->carriers++];
    carrier->conn = conn;
    carrier->frame = when.frame;
    carrier->leg = request ? request->leg : conn->leg;
}

static void note_round(struct aconn *conn, const struct arequest *request, struct when when)
{
    uint64_t client = request->identity[ID_CLIENT_INFO];
    if (request->scheme_id != AUTH_BEARER || request->step != AUTH_STEP_EMPTY || !client) {
        return;
    }
    struct rounds *rounds = keyed_make(conn->world, &conn->world->rounds, client + request->leg, sizeof(*rounds));
    if (request->when.frame <= rounds->mark) {
        return;
    }
    if (rounds->count < BEARER_ROUNDS) {
        rounds->frame[rounds->count] = when.frame;
    }
    rounds->count++;
    rounds->mark = when.frame;
    rounds->conn = conn;
    conn->rounds = rounds;
}

/* A 401 to whom it may concern. */
static void challenged(struct aconn *conn, struct arequest *request, struct when when, const struct http_head *head,
                       const struct fields *fields)
{
    if (request->parent) {
        request->parent->below_offers = (uint8_t)fields->offers;
        request->parent->below_answered = true;
        request->parent->below_lower = fields->lower_case && !fields->other_case;
    }
    if (fields->offers == 1u << AUTH_BASIC) {
        judge_offer(conn, request, when, head);
    }
    note_round(conn, request, when);
    bool unasked = request->step == AUTH_STEP_NONE || request->step == AUTH_STEP_EMPTY;
    if (unasked && fields->lower_case && !fields->other_case && !conn->world->lower_answered) {
        struct aconn_more *more = aconn_more(conn);
        more->lower_frame = when.frame;
        more->lower_leg = request->leg;
        more->lower_host = request->host;
        more->lower_bearer = request->has_authorization && request->scheme_id == AUTH_BEARER;
        more->lower_close = fields->close;
        more->lower_seen = request->below_answered && !request->below_lower && request->below_offers;
        request->peer->lower_frame = when.frame;
        request->peer->lower_ns = when.ns;
    }
}

/* What the answer says of the credentials; NULL: nothing. */
static const char *judge_answer(struct aconn *conn, struct arequest *request, struct when when,
                                const struct http_head *head, const struct fields *fields,
                                const struct auth_token *token)
{
    unsigned status = head->status;
    if (status == 401) {
        /* After an AP-REQ SPNEGO may go on, with another token or another mechanism (RFC 4559 5). */
        bool goes_on = request->kerberos && token->step != AUTH_STEP_NONE && token->neg_state != 2;
        if (request->final && !goes_on) {
            refuse(conn, request, when, head);
        }
        if (!request->has_authorization) {
            conn->owned = OWNED_NOT;
        }
        challenged(conn, request, when, head, fields);
        if (request->final && !goes_on) {
            return "rejected";
        }
        return token->step == AUTH_STEP_TYPE2 ? "type2" : fields->offers ? "challenge" : NULL;
    }
    if (status == 100) {
        /* A server may invite the body before it looks at Basic. */
        if (request->step != AUTH_STEP_TYPE3 || !request->final) {
            return NULL;
        }
        accept(conn, request, when, fields, status);
        return "accepted";
    }
    if (status < 200 || status > 299) {
        return request->final && status >= 200 ? "" : NULL;
    }
    if (request->final) {
        accept(conn, request, when, fields, status);
        return "accepted";
    }
    if (!request->has_authorization && conn->owned == OWNED_PERHAPS) {
        conn->owned = OWNED;     /* MS-N2HT: the connection is authenticated, not the request */
        if (request->stranger) {
            judge_stranger(conn, request, when);
        }
    }
    return request->anonymous ? "accepted" : NULL;
}

static const struct auth_shown *take_response(struct aconn *conn, struct when when, const struct http_head *head,
                                              uint32_t *leg)
{
    struct aworld *world = conn->world;
    struct arequest *request = conn->passed_over ? NULL : conn->first;
    struct fields fields;
    struct auth_token token;
    struct span name, value;
    size_t pos = 0;

    memset(&fields, 0, sizeof(fields));
    memset(&token, 0, sizeof(token));
    token.neg_state = -1;
    while (http_head_next(head, &pos, &name, &value)) {
        scan_response(name, value, &fields, &token, request ? (enum auth_scheme)request->scheme_id : AUTH_NONE);
    }
    if (head->status == 407) {
        conn->proxy_auth = true;
    }
    *leg = request ? request->leg : conn->leg;
    bool asked = request && request->final && !request->answered;
    struct when sent = request ? request->when : when;
    if (head->status == 401 && token.step == AUTH_STEP_TYPE2) {
        note_challenge(conn, request, when, &token);
    }
    const char *step = request ? judge_answer(conn, request, when, head, &fields, &token) :
                       head->status == 401 && token.step == AUTH_STEP_TYPE2 ? "type2" :
                       head->status == 401 && fields.offers ? "challenge" : NULL;
    struct auth_shown *shown = NULL;
    if (step) {
        bool offer = strcmp(step, "challenge") == 0, type2 = strcmp(step, "type2") == 0;
        const char *scheme = type2 ? scheme_name(&token) : offer || !request ? "" : request->scheme;
        if (offer && fields.offers && (fields.offers & (fields.offers - 1)) == 0) {
            struct auth_token only = { .scheme = AUTH_NONE };
            while (!(fields.offers >> only.scheme & 1)) {
                only.scheme = (enum auth_scheme)(only.scheme + 1);
            }
            scheme = scheme_name(&only);
        }
        shown = show(world, scheme, step, request && request->final && !type2 ? request->account->user : "");
        if (type2) {
            shown->challenge_server = conn->more->type2_server;
            shown->challenge_time = token.target.timestamp;
        }
        if (request && request->final && !type2) {
            shown->row = request->account->index;
            shown->credentials_frame = sent.frame;
            shown->time_ns = asked ? when.ns - sent.ns : -1;
        }
    }
    bool ends = head->status >= 200 || head->status == 101;
    if (ends && conn->passed_over) {
        conn->passed_over--;
    } else if (ends && request) {
        request_release(conn);
    }
    return shown;
}

/* ---- events --------------------------------------------------------------------------------------- */

static const struct aconn_more nothing_more;

struct aconn_more *aconn_more(struct aconn *conn)
{
    if (conn->more == &nothing_more) {
        conn->more = arena_new(&conn->world->arena, sizeof(*conn->more));
    }
    return (struct aconn_more *)(uintptr_t)conn->more;
}

struct aworld *aworld_new(struct track *track)
{
    struct aworld *world = arena_new(&track->arena, sizeof(*world));
    world->track = track;
    world->arena = track->arena;
    return world;
}

struct aconn *aconn_new(struct aworld *world, const struct conn *link)
{
    struct aconn *conn = arena_new(&world->arena, sizeof(*conn));
    conn->world = world;
    conn->link = link;
    conn->more = &nothing_more;
    conn->leg = NO_NUMBER;
    conn->owner = conn->owner_scheme = "";
    return conn;
}

const struct auth_shown *auth_head(struct aconn *conn, struct when when, enum way way, const struct http_head *head,
                                   uint32_t *leg)
{
    *leg = NO_NUMBER;
    if (head->is_request != (way == WAY_TO_SERVER)) {
        return NULL;
    }
    return head->is_request ? take_request(conn, when, head, leg) : take_response(conn, when, head, leg);
}

void auth_accepted(struct aconn *conn, struct when when)
{
    struct account *account = conn->credentials.account;
    if (!account) {
        return;
    }
    clear_refusals(conn->world, conn->credentials.refusals);
    account_seen(account, when);
    if (conn->credentials.answered) {
        return;
    }
    conn->credentials.answered = true;
    account->accepted += !conn->credentials.relayed;
    if (conn->lost) {
        return;                  /* the answer may have come in the gap */
    }
    if (!conn->credentials.relayed) {
        account_time(account, when.ns - conn->credentials.when.ns);
    }
    const struct wait wait = {
        .account = account, .leg = conn->credentials.leg, .sent = conn->credentials.when, .accepted = true
    };
    judge_time(conn, &wait, when);
}

void auth_lost(struct aconn *conn, enum way way)
{
    (void)way;
    conn->lost = true;
    release_all(conn);
}

bool aconn_whole(const struct aconn *conn)
{
    return !conn->lost && conn_doubt(conn->link, NULL) == DOUBT_NONE;
}

static void settle_pending(struct aconn *conn, struct when when)
{
    struct pending *pending = conn->pending;
    if (pending->frame) {
        judge_type3(conn, when);
    }
    if (pending->repeated) {
        judge_lower(conn, when, "the client sends another request without credentials");
    }
    conn->pending = NULL;
    pending->next = conn->world->free_pending;
    conn->world->free_pending = pending;
}

void auth_end_of_frame(struct aconn *conn, struct when when, bool ended, enum way by)
{
    if (conn->pending) {
        settle_pending(conn, when);
    }
    if (!ended) {
        return;
    }
    if (!conn->ended) {
        conn->ended = true;
        if (by == WAY_TO_SERVER && !conn->more->lower_close) {
            judge_lower(conn, when, "the client closes its connection");
        }
        if (conn->rounds) {
            judge_rounds(conn, when);
        }
    }
    if (by == WAY_TO_CLIENT) {
        release_all(conn);
        return;
    }
    for (struct arequest *request = conn->first; request; request = request->next) {
        request_settle(conn->world, request);    /* an answer may still come */
    }
}

const struct verdict *aworld_take_verdicts(struct aworld *world)
{
    return verdict_take(&world->verdicts);
}

/* ---- rows --------------------------------------------------------------------------------------------- */

uint32_t aworld_rows(const struct aworld *world)
{
    return world->row_count;
}

bool aworld_row(const struct aworld *world, uint32_t index, struct auth_row *row)
{
    if (index >= world->row_count) {
        return false;
    }
    const struct account *account = world->rows[index];
    *row = (struct auth_row){
        .user = account->user, .host = account->host, .scheme = account->scheme,
        .connections = account->connections, .accepted = account->accepted, .refused = account->refused,
        .slowest_ns = account->slowest, .challenge_servers = account->servers,
        .first_refusal = account->first_refusal, .start = account->start, .last = account->last,
        .verdict = account->has_verdict ? (enum verdict_kind)account->verdict : VERDICT_KINDS,
        .verdict_frame = account->verdict_frame, .where = (enum verdict_where)account->where,
        .where_seen = account->where_seen
    };
    return true;
}

uint32_t aconn_row(const struct aconn *conn)
{
    return conn->credentials.account ? conn->credentials.account->index : NO_NUMBER;
}
