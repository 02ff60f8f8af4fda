/* mapi.c
 * Connections that carry MAPI/HTTP: requests, ends of messages, segments.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "session_private.h"

struct mapi_state *mapi_state_new(struct track *track, struct logon_state *auth)
{
    struct mapi_state *world = arena_new(&track->arena, sizeof(*world));
    world->track = track;
    world->arena = track->arena;
    world->auth = auth;
    return world;
}

struct mapi_conn *mapi_conn_new(struct mapi_state *world, struct conn *link)
{
    struct mapi_conn *conn = arena_new(&world->arena, sizeof(*conn));
    conn->world = world;
    conn->link = link;
    conn->auth = logon_conn_new(world->auth, link);
    return conn;
}

struct logon_conn *mapi_conn_auth(const struct mapi_conn *conn)
{
    return conn->auth;
}

/* A frame of the connection is taken in. */
static void conn_at(struct mapi_conn *conn, struct when when)
{
    struct reply *reply = conn->reply;
    track_at(conn->world->track, when.ns);
    if (reply && conn_set_back(conn->link)) {
        reply->last_bytes.ns = when.ns;
        reply->bunch_count = 0;
        reply->late = false;
    }
}

static void note_there(struct exchange *request, const struct exchange *after, bool ordered)
{
    request->there = (struct there){
        .conn = after->conn,
        .ns = after->begin.ns,
        .frame = after->begin.frame,
        .expects = after->expects,
        .ordered = ordered,
    };
    server_note_device(request->link->server, SIGN_LEG);
}

/* One that gets its answer only when something gave way before is not in use any more. */
static void begin_request(struct exchange *request, const struct http_fields *fields)
{
    struct mapi_conn *conn = request->conn;
    struct mapi_state *world = conn->world;
    struct mapi_message *message = request->message;
    struct span query, path = mapi_path(fields->head->uri, &query);
    struct request_id id;
    request->type = (uint8_t)(fields->request_type.ptr ? mapi_type_of(fields->request_type) : MAPI_NONE);
    request->endpoint = mapi_endpoint(path);
    if (!request->endpoint) {
        request->endpoint = mapi_endpoint_of_type(request->type);
    }
    request->host = mapi_state_keep(world, fields->host);
    request->path = jar_default_path(world, path);
    request->auth_len = (uint32_t)fields->authorization.len;
    message->type = request->type;
    message->type_name = request->type == MAPI_UNKNOWN ? mapi_state_keep(world, fields->request_type) : NULL;
    message->endpoint = request->endpoint;
    message->leg = request->leg == NO_NUMBER ? 0 : request->leg;
    request->has_mailbox = mapi_mailbox(query).len > 0 || mapi_own_mailbox(query);
    if (is_connect(request->type)) {
        message->mailbox = mapi_state_keep(world, mapi_mailbox(query));
        message->client_application = mapi_state_keep(world, fields->client_application);
        conn->identity = mapi_state_keep(world, fields->user_identity);
        session_hears_head(request, fields);
    }
    if (request->before) {
        note_there(request->before, request, exchange_came_over(request, request->before->link));
    } else if (request->after && request->after->conn) {
        note_there(request, request->after, true); /* it stands first, by a clock that differs */
    }
    if (fields->x_request_id.ptr && mapi_read_request_id(world, fields->x_request_id, &id)) {
        request->has_counter = true;
        request->guid = id.guid;
        request->counter = id.counter;
        request->series = keyed_make(&world->arena, &world->series, id.guid, sizeof(*request->series));
        sequence_note_id(request);
    }
    session_find(request, fields, path);
    request_enter(request, OF_FRAME);
}

void mapi_conn_halfway(struct mapi_conn *conn, struct when when, enum way way, size_t bytes)
{
    if (bytes == 0) {
        conn->begun[way] = (struct when){ 0 };
    } else if (conn->begun[way].frame == 0) {
        conn->begun[way] = when;
    }
}

/* The first byte of the head that ends in this frame. */
static struct when take_begun(struct mapi_conn *conn, struct when when, enum way way)
{
    const struct when first = conn->begun[way].frame ? conn->begun[way] : when;
    conn->begun[way] = (struct when){ 0 };
    return first;
}

static struct mapi_message *request_head(struct mapi_conn *conn, struct when when, const struct http_fields *fields)
{
    const struct http_head *head = fields->head;
    struct conn *link = conn->link;
    const bool passed = conn_answer_passed(link);
    while (link->asked->first && (conn->unsure || passed || link->asked->first->left)) {
        /* Clients do not pipeline: what went before was answered in the gap, or before its own frame, or never will
         * be. */
        request_miss_response(link->asked->first, when);
        exchange_drop(link);
    }
    conn->unsure = false;
    conn_asked(link);
    if (conn->sending && conn->sending->over) {
        exchange_free(conn->sending);
    }
    struct exchange *request = exchange_begin(link, conn, when);
    conn->sending = request;
    request->begin_seq = link->tcp.half[WAY_TO_SERVER].next;
    request->body_total = fields->content_length;
    request->head_method = span_equals_nocase(head->method, "HEAD");
    conn->expected_end = fields->close || head->version_minor == 0;
    const struct auth_shown *shown = auth_request(conn->auth, request, fields);
    mapi_conn_note_user(conn, shown);
    if (!mapi_is_request(fields)) {
        return NULL;
    }
    request->message = mapi_message_new(conn, when, false);
    request->message->auth = mapi_state_keep_shown(conn->world, shown);
    request->message->look = request->look;
    ((struct record *)request->message)->request = request;
    begin_request(request, fields);
    return request->message;
}

struct mapi_message *mapi_conn_message(struct mapi_conn *conn, struct when when, enum way way,
                                       const struct http_fields *fields)
{
    const struct http_head *head = fields->head;
    const struct when first = take_begun(conn, when, way);
    struct request_id id;
    conn_at(conn, when);
    conn->link->met_frame = conn->link->met_frame ? conn->link->met_frame : when.frame;
    if (head->is_request) {
        struct mapi_message *asked = way == WAY_TO_SERVER ? request_head(conn, when, fields) : NULL;
        if (asked) {
            asked->first = first;
        }
        return asked;
    }
    if (way == WAY_TO_SERVER) {
        return NULL;
    }
    const bool ends = status_is_final(head->status);
    const bool named = fields->x_request_id.ptr && mapi_read_request_id(conn->world, fields->x_request_id, &id);
    struct exchange *request =
        ends ? exchange_answered(conn->link, when, named ? &id : NULL) : exchange_oldest(conn->link);
    const struct auth_shown *shown = auth_response(conn->auth, request, when, fields);
    mapi_conn_note_user(conn, shown);
    struct mapi_message *message = ends ? response_head(conn, when, fields, shown, request) : NULL;
    if (message) {
        message->first = first;
    }
    if (conn->reply && !request && named) {
        conn->reply->series = keyed_find(&conn->world->series, id.guid);
    }
    return message;
}

void mapi_conn_end(struct mapi_conn *conn, struct when when, enum way way)
{
    conn_at(conn, when);
    if (way == WAY_TO_CLIENT) {
        if (conn->reply) {
            response_end(conn, when);
        }
        return;
    }
    struct exchange *request = conn->sending;
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
        exchange_free(request);
    }
}

/* They may be answered by now. Clients do not pipeline: all but the newest were answered in what is
 * missing, or never will be. */
static void miss_answers(struct mapi_conn *conn, struct when when)
{
    for (struct exchange *request = conn->link->asked->first; request; request = request->next) {
        request_miss_response(request, when);
        request_leave(request, OF_SIDE);
    }
    while (conn->link->asked->count > 1) {
        exchange_drop(conn->link);
    }
}

void mapi_conn_lost(struct mapi_conn *conn, struct when when, enum way way)
{
    auth_lost(conn->auth, way);
    conn->unsure = true;
    tcp_flow_give_up(&conn->link->tcp, &conn->world->arena, way, when.frame);
    if (conn->side) {
        conn->side->unsure_frame = when.frame;
    }
    if (way == WAY_TO_CLIENT) {
        response_lose(conn, when);
        miss_answers(conn, when);
        return;
    }
    struct exchange *request = conn->sending;
    conn->sending = NULL;
    if (request && request->over) {
        exchange_free(request);
    }
}

static void end_replies(struct mapi_conn *conn, struct when when)
{
    while (conn->ended) {
        struct reply *reply = conn->ended;
        conn->ended = reply->next;
        if (!conn->ended) {
            conn->ended_last = NULL;
        }
        pending_tell_late(reply, when);
        session_finish(reply, when);
    }
}

/* The client closes under what it waits for. That the server still answers is possible, but
 * the client is not known to listen: only one that closes directly may. */
static void client_closes(struct mapi_conn *conn, struct when when)
{
    const bool directly = half_closed_directly(conn, when);
    if (conn->reply && !conn->reply->abandoned) {
        pending_tell_overdue(conn->reply, when);
        conn->reply->abandoned = true;
        if (!directly) {
            reply_emit(conn->reply, EVENT_RESPONSE_CUT, when);
        }
    }
    while (conn->awaited) {
        struct exchange *request = conn->awaited;
        conn->awaited = request->next;
        if (request->message) {
            request->abandoned = true;
            if (!directly) {
                request_emit(request, EVENT_REQUEST_UNANSWERED, when);
            }
        }
    }
    if (directly) {
        half_closed_wait(conn);
    }
}

static void emit_conn(const struct mapi_conn *conn, enum event_kind kind, struct when when)
{
    emit(conn->world->track, &(struct event){ .kind = kind, .when = when, .session.conn = conn });
}

/* Nothing more comes from the server. */
static void connection_over(struct mapi_conn *conn, const struct segment *segment)
{
    if (conn->reply && conn->reply->until_close && !segment->rst && segment->way == WAY_TO_CLIENT) {
        response_end(conn, segment->when);
    }
    half_closed_tell(conn, segment->when);
    if (conn->reply) {
        conn->reply->cut = true;
        conn->reply->message->cut = true;
        if (!conn->reply->abandoned) {
            if (segment->way == WAY_TO_SERVER) {
                pending_tell_overdue(conn->reply, segment->when);
            }
            reply_emit(conn->reply, EVENT_RESPONSE_CUT, segment->when);
        }
        response_end(conn, segment->when);
    }
    end_replies(conn, segment->when);
    for (struct exchange *request = conn->link->asked->first; request; request = request->next) {
        if (request->message && !request->left) {
            request->message->cut = !request->ended;
            if (!request->abandoned) {
                request_emit(request, EVENT_REQUEST_UNANSWERED, segment->when);
            }
            if (conn_doubt(conn->link, NULL) != DOUBT_NONE) {
                request_miss_response(request, segment->when);
            }
        }
        exchange_leave(request);
    }
    conn->awaited = NULL;
    exchange_drop_forgotten(conn->link); /* the logons of others may be answered yet */
    conn->over = true;
}

/* The client knew of the server's FIN by then. */
static void note_fresh(struct mapi_conn *conn, const struct segment *segment)
{
    while (conn->fresh.first) {
        struct exchange *request = conn->fresh.first;
        request->after_end = conn_end_was_known(conn->link, segment);
        request_leave(request, OF_FRAME);
        request_emit(request, EVENT_REQUEST_BEGAN, segment->when);
    }
}

void mapi_conn_segment(struct mapi_conn *conn, const struct segment *segment)
{
    struct when when = segment->when;
    conn_at(conn, when);
    bool new_data = conn_segment(conn->link, segment);
    bool ended = segment->fin || segment->rst;
    dropped_segment(conn, segment, new_data);
    note_fresh(conn, segment);
    if (conn->reply) {
        pending_tell_late(conn->reply, when);
    }
    end_replies(conn, when);
    if (ended) {
        if (conn_end(conn->link, segment)) {
            emit_conn(conn, EVENT_SESSION_CONN_ENDS, when);
        }
        if (segment->rst || segment->way == WAY_TO_CLIENT || conn->link->tcp.half[WAY_TO_CLIENT].ended) {
            connection_over(conn, segment);
        } else {
            client_closes(conn, when);
        }
    }
    if (conn->world->half_closed_first) {
        half_closed_time_passed(conn->world, when);
    }
    auth_end_of_frame(conn->auth, when, ended, segment->way);
    conn_tell_answered(conn->link, when);
    emit_conn(conn, EVENT_SESSION_TIME_PASSED, when);
}
