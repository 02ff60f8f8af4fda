/* session.c
 * Sessions and their legs: whose a request is, and what a session learns from each response
 * (MS-OXCMAPIHTTP 3.1.5, 3.2.5).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "session_private.h"

#include "client.h"
#include "names.h"

/* The legs of a session stand in their order, and the one next to the client says whose it is. */
static void put_side(struct session *session, struct side *side)
{
    struct side *outer = session->sides, **link = &session->sides;
    while (*link && (*link)->number <= side->number) {
        link = &(*link)->next;
    }
    side->next = *link;
    *link = side;
    if (outer && side == session->sides) {
        client_move(session->world->track, &outer->whose, &side->whose, CLIENT_MAPI_HTTP, &side->client, side->start);
    }
}

/* What was counted before it showed that it is behind a device. */
static void order_sides(struct session *session)
{
    const struct track *track = session->world->track;
    struct side *side = session->sides;
    if (!side || side->number > 0 || !clocks_behind(track, &side->client, &side->server)) {
        return;
    }
    struct side *next = side->next;
    side->number = 1;
    if (next && next->number == 1) { /* it was taken for the leg behind, or is none */
        next->number = clocks_behind(track, &next->client, &next->server) ? 2 : 0;
        session->sides = side->next;
        put_side(session, side);
        client_move(session->world->track, &side->whose, &next->whose, CLIENT_MAPI_HTTP, &next->client, next->start);
    }
}

struct between {
    struct keyed keyed;
    struct side *first, *last;
};

static void note_hosts(struct mapi_state *world, struct side *side)
{
    const uint64_t key = clocks_leg_key(world->track, &side->client, &side->server);
    struct between *between = keyed_make(&world->arena, &world->between, key, sizeof(*between));
    *(between->last ? &between->last->next_between : &between->first) = side;
    between->last = side;
}

/* Once more legs are known to be behind a device. */
static void order_sessions(struct mapi_state *world)
{
    uint64_t key;
    while (clocks_take_behind(world->track, &key)) {
        const struct between *between = keyed_find(&world->between, key);
        for (const struct side *side = between ? between->first : NULL; side; side = side->next_between) {
            order_sides(side->session);
        }
    }
}

static struct side *session_side(struct session *session, const struct exchange *request)
{
    uint32_t leg = request->leg == NO_NUMBER ? 0 : request->leg;
    struct mapi_state *world = session->world;
    if (leg >= LEGS_MAX) {
        return NULL;
    }
    order_sessions(world);
    for (struct side *side = session->sides; side; side = side->next) {
        if (side->number == leg) {
            return side;
        }
    }
    struct side *side = arena_new(&world->arena, sizeof(*side));
    side->session = session;
    side->number = leg;
    side->client = request->conn->link->client;
    side->server = request->conn->link->server->end;
    side->start = side->last = request->begin;
    side->expiration_ns = side->period_ns = -1;
    side->slowest_ns = -1;
    side->set_back = world->track->set_back;
    put_side(session, side);
    note_hosts(world, side);
    side->row = rows_add(&world->arena, &world->rows, side);
    return side;
}

static struct session *new_session(struct mapi_state *world, const struct reply *reply, struct exchange *request)
{
    struct session *session = arena_new(&world->arena, sizeof(*session));
    session->world = world;
    session->number = world->sessions++;
    session->endpoint = request->endpoint;
    session->created_frame = reply->message->end.frame;
    session->mailbox = request->message->mailbox;
    session->application = request->message->client_application;
    session->client = request->identity[ID_CLIENT_INFO];
    return session;
}

void session_fill_message(struct mapi_message *message, const struct session *session, const struct side *side)
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

/* Lets go of connections that are over. since: not before the response that cookies are
 * compared with, so that what is missing of them counts. */
static void prune_uses(struct side *side, bool since)
{
    struct mapi_state *world = side->session->world;
    for (struct use **link = &side->used; *link;) {
        struct use *use = *link;
        if (!use->conn->over) {
            link = &use->next;
            continue;
        }
        if (since && conn_missed_since(use->conn->link, side->success_began)) {
            side->missed = use->conn;
        }
        *link = use->next;
        side->used_count--;
        spare_give(&world->free_uses, use);
    }
}

static void note_use(struct side *side, struct mapi_conn *conn)
{
    struct mapi_state *world = side->session->world;
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
    struct use *use = spare_take(&world->arena, &world->free_uses, sizeof(*use));
    use->conn = conn;
    use->next = side->used;
    side->used = use;
    side->used_count++;
}

/* Whether a Connect or Bind begins another session, whatever its cookies say: for another mailbox, or by
 * another client. */
static bool contradicts(const struct session *session, const struct exchange *request)
{
    const char *mailbox = request->message->mailbox;
    const uint64_t client = request->identity[ID_CLIENT_INFO];
    return (session->mailbox && mailbox && session->mailbox != mailbox) ||
           (session->client && client && session->client != client);
}

/* Whether it was left before; where clocks differ, that may have been seen on the leg behind alone. */
static bool is_released(const struct session *session, const struct exchange *request)
{
    if (session->released_frame && session->world->track->clocks_doubted) {
        for (const struct side *side = session->sides; side; side = side->next) {
            if (side->number == request->leg) {
                return side->left_frame != 0;
            }
        }
    }
    return session->released_frame != 0;
}

/* Whose request it is: by its cookies, the leg before, or its X-RequestId. */
static struct session *session_of(struct exchange *request, const struct sent *sent, unsigned count)
{
    const bool connects = is_connect(request->type);
    const struct exchange *before = request->before;
    struct session *session = jar_session_of(sent, count);
    request->from_cookies = session && !is_released(session, request) && !(connects && contradicts(session, request));
    if (request->from_cookies) {
        return session;
    }
    if (before && before->session && !before->by_guid) {
        return before->session;
    }
    const struct series *series = connects ? NULL : request->series;
    session = series && !series->shared[request->endpoint] ? series->session[request->endpoint] : NULL;
    request->by_guid = session != NULL;
    return session && !is_released(session, request) ? session : NULL;
}

/* Where the clock of the capture was set back, what is remembered of the session goes with it. */
static void clock_of_side(struct side *side, struct when when)
{
    const int64_t all = side->session->world->track->set_back, back = all - side->set_back;
    if (back) {
        jar_set_back(side, back);
        side->success.ns -= back;
        side->set_back = all;
        side->last.ns = when.ns;
    }
}

void session_find(struct exchange *request, const struct http_fields *fields, struct span path)
{
    struct sent sent[SENT_MAX];
    unsigned count = jar_read_sent(request, fields, sent);
    struct session *session = session_of(request, sent, count);
    if (is_connect(request->type) && !request->from_cookies) {
        jar_note_brought(request->conn->world, sent, count, request->endpoint);
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
    clock_of_side(side, request->begin);
    if (!is_connect(request->type)) {
        jar_check(request, sent, count, path, request->begin);
    }
    if (request->by_guid) {
        return; /* for what events bring only: a session is told by its cookies */
    }
    side->last = request->begin;
    request->conn->side = side;
    session_fill_message(request->message, session, side);
    if (side->success.frame) {
        const int64_t idle = request->begin.ns - side->success.ns;
        request->idle_ns = side->asking.first || idle < 0 ? 0 : idle;
        request->idle_from = side->success.frame;
    }
    if (!is_connect(request->type)) {
        sequence_note_overlap(request);
        sequence_note_counter(request);
    }
    request_enter(request, OF_SIDE);
}

/* The request of this response was not captured: the client now knows cookies that belong
 * to a session, but on which leg is not known. */
void session_miss_request(const struct reply *reply, struct when when)
{
    for (unsigned i = 0; i < reply->cookie_count; i++) {
        const struct session *session = jar_owner_given(reply, &reply->cookies[i]);
        for (struct side *side = session ? session->sides : NULL; side; side = side->next) {
            side->unsure_frame = when.frame;
        }
    }
}

static bool body_is_success(const struct reply *reply)
{
    bool unbound = reply->request->type == MAPI_UNBIND && reply->error_code == OX_UNBIND_SUCCESS;
    return (!reply->has_status || reply->status_code == 0) && (!reply->has_error || reply->error_code == 0 || unbound);
}

/* The session that the same request has begun on another leg, which was answered before this one was asked, or is not
 * linked with it. NULL: none. */
static struct session *session_beyond(const struct exchange *request)
{
    struct session *const *kept = exchange_session(request);
    struct session *session = kept ? *kept : NULL;
    order_sessions(request->conn->world);
    if (!session || session->endpoint != request->endpoint || contradicts(session, request)) {
        return NULL;
    }
    for (const struct side *side = session->sides; side; side = side->next) {
        if (side->number == request->leg) {
            return NULL; /* sent again */
        }
    }
    return session;
}

/* A session begins; its legs begin with the one next to the client. */
static void begin_session(struct reply *reply)
{
    struct exchange *request = reply->request, *outer = request;
    struct mapi_state *world = reply->conn->world;
    struct session *session = request->session ? request->session : session_beyond(request);
    if (!session) {
        session = new_session(world, reply, request);
    }
    for (unsigned i = 0; outer->before && i < LEGS_MAX; i++) {
        outer = outer->before;
    }
    for (struct exchange *leg = outer; leg && leg != request; leg = leg->after) {
        leg->session = session;
        request_leave(leg, OF_SIDE);
        leg->side = session_side(session, leg);
        session_fill_message(leg->message, session, leg->side);
        if (leg->side) {
            leg->conn->side = leg->side;
            request_enter(leg, OF_SIDE);
        }
    }
    request->session = session;
    request_leave(request, OF_SIDE);
    request->side = session_side(session, request);
    session_fill_message(request->message, session, request->side);
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
    struct session **kept = exchange_session(request);
    if (kept) {
        *kept = session;
    }
    session_client(outer, reply);
    struct side *side = request->side;
    if (!side) {
        return;
    }
    request->conn->side = side;
    side->user = reply->conn->user ? reply->conn->user : reply->conn->identity;
    /* Old and new cookies are never mixed (3.1.5.6). */
    side->jar_count = 0;
    side->secure_returned = false;
    side->left_frame = 0;
    side->rops = NULL; /* another context has other objects */
    side->code_page = request->message->code_page;
    sequence_note_counter(request);
    const struct event event = { .kind = EVENT_SESSION_BEGAN, .when = reply->message->end, .session.side = side };
    emit(world->track, &event);
}

static void learn_success(struct side *side, struct reply *reply)
{
    struct exchange *request = reply->request;
    struct when when = reply->message->end;
    struct mapi_conn *conn = reply->conn;
    bool beside = is_notification(request) || request->type == MAPI_PING;
    jar_fill(side, reply, !request->out_of_order, beside); /* else others may be newer */
    jar_own_all(side->session, reply, is_connect(request->type));
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
    if (!side->user) {
        side->user = conn->user;
    }
    if (!side->session->user) {
        side->session->user = conn->user;
        if (is_connect(request->type)) {
            session_client(request, reply);
        }
    }
}

static void add_name(const char **names, uint8_t *count, const char *name)
{
    if (!name || *count == NAMES_MAX) {
        return;
    }
    for (unsigned i = 0; i < *count; i++) {
        if (names[i] == name) {
            return;
        }
    }
    names[(*count)++] = name;
}

static void learn_report(struct side *side, struct reply *reply)
{
    const struct exchange *request = reply->request;
    const struct mapi_message *message = reply->message;
    bool answered = reply->status == 200 && !reply->cut && !reply->undone;
    add_name(side->front, &side->front_count, reply->front_end);
    add_name(side->behind, &side->back_count, reply->back_name);
    side->exchange |= reply->exchange;
    if (is_server_side(request) && !side->exchange) {
        add_name(side->behind, &side->back_count, reply->peer);
    }
    if (message->has_code) {
        side->has_code = true;
        side->last_code = message->code;
    }
    if (answered && message->has_code && !mapi_code_is_failure(message->code)) {
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

/* The surest kind of name that this response and the last success of its session have tells
 * whether another back end answered; on the leg before that is told by its request. */
static void compare_back_end(struct reply *reply)
{
    const struct exchange *request = reply->request;
    const struct side *side = request->side;
    if (!side || request->by_guid || !side->success.frame) {
        return;
    }
    for (int i = BACK_TARGET; i <= BACK_PEER; i++) {
        const char *here = reply->back.name[i];
        if (i == BACK_PEER) {
            bool peers = is_server_side(request) && !side->exchange && !reply->exchange;
            here = peers && reply->status == 200 ? reply->peer : NULL;
        }
        if (here && side->back.name[i]) {
            reply->back_kind = (uint8_t)i;
            reply->back_differs = here != side->back.name[i];
            break;
        }
    }
    struct there *front = request->before ? &request->before->there : NULL;
    if (front && reply->back_differs && reply->back_kind == BACK_PEER) {
        front->peer = reply->peer;
        front->peer_before = side->back.shown[BACK_PEER];
        front->peer_frame = request->begin.frame;
    } else if (front && request->there.peer) {
        front->peer = request->there.peer;
        front->peer_before = request->there.peer_before;
        front->peer_frame = request->there.peer_frame;
    }
}

/* What a whole answer says of its session, as one side of it was captured. */
static void side_answered(struct side *side, struct reply *reply, struct when when)
{
    const uint8_t type = reply->request->type;
    clock_of_side(side, when);
    side->last = when;
    learn_report(side, reply);
    if (reply_is_success(reply)) {
        learn_success(side, reply);
    }
    if (is_disconnect(type) && reply_is_success(reply) && body_is_success(reply)) {
        side->session->released_frame = side->left_frame = when.frame;
        side->left_type = type;
    }
    session_fill_message(reply->message, side->session, side);
}

void session_finish(struct reply *reply, struct when when)
{
    struct exchange *request = reply->request;
    struct mapi_message *message = reply->message;
    if (request) {
        const bool succeeded = reply_is_success(reply) && body_is_success(reply);
        if (is_connect(request->type) && !succeeded) {
            session_client_refused(reply);
        } else if (is_connect(request->type) && request->endpoint) {
            begin_session(reply);
        }
        struct side *side = request->by_guid ? NULL : request->side;
        struct side *of_conn = reply->conn->side;
        if (!side && of_conn && reply->cookie_count && of_conn->session->endpoint == request->endpoint) {
            of_conn->unsure_frame = when.frame; /* asked before the session's own answer was captured */
        }
        compare_back_end(reply);
        reply_emit(reply, EVENT_RESPONSE_ENDED, when);
        if (!reply->cut) {
            const int64_t unit = message->elapsed_in_seconds ? SECOND : MILLISECOND;
            auth_response_end(reply->conn->auth, request, when, reply->server_ms >= 0 ? reply->server_ms * unit : -1);
        }
        if (request->before && !reply->cut && !reply->undone) {
            request->before->there.whole_frame = when.frame;
        }
        if (side) {
            side_answered(side, reply, when);
        }
        if (reply->conn->sending == request) {
            request_leave(request, OF_SIDE);
            request->over = true;
        } else {
            exchange_free(request);
        }
    } else {
        reply_emit(reply, EVENT_RESPONSE_ENDED, when);
    }
    reply->conn->last_answer = when;
    reply_free(reply);
}
