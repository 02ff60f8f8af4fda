/* request.c
 * The lives of requests and responses: where they stand, which belong together, who hears of
 * them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "session_private.h"

#include <stdio.h>

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

bool reply_is_success(const struct reply *reply)
{
    return reply->status == 200 && reply->message->has_code && reply->message->code == CODE_SUCCESS && !reply->cut;
}

uint32_t reply_meaning(const struct reply *reply)
{
    return reply->meaning >= 0 ? (uint32_t)reply->meaning : reply->message->code;
}

void request_emit(const struct request *request, enum event_kind kind, struct when when)
{
    emit(request->conn->world->track, &(struct event){ .kind = kind, .when = when, .session.request = request });
}

void reply_emit(const struct reply *reply, enum event_kind kind, struct when when)
{
    emit(reply->conn->world->track, &(struct event){ .kind = kind, .when = when, .session.reply = reply });
}

void mconn_note_user(struct mconn *conn, const struct auth_shown *shown)
{
    char text[TEXT_MAX];
    if (!shown || !shown->user[0]) {
        return;
    }
    snprintf(text, sizeof(text), "%s (%s)", shown->user, shown->scheme);
    conn->user = track_text(conn->world->track, text);
}

const struct auth_shown *mworld_keep_shown(struct mworld *world, const struct auth_shown *shown)
{
    struct auth_shown *copy = shown ? arena_new(&world->arena, sizeof(*copy)) : NULL;
    if (copy) {
        *copy = *shown;
    }
    return copy;
}

struct mapi_message *mapi_message_new(struct mconn *conn, struct when when, bool is_response)
{
    struct record *record = arena_new(&conn->world->arena, sizeof(*record));
    struct mapi_message *message = &record->shown;
    message->is_response = is_response;
    message->begin = when;
    message->session = message->leg = message->row = NO_NUMBER;
    message->elapsed_ns = -1;
    return message;
}

struct request *request_new(struct mconn *conn)
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

void request_leave(struct request *request, enum standing where)
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

void request_enter(struct request *request, enum standing where)
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
    if (conn->awaited == request) {
        conn->awaited = request->next;
    }
    request->next = NULL;
    conn->count--;
}

/* Nothing more will be learned of it. */
void request_free(struct request *request)
{
    struct mconn *conn = request->conn;
    struct mworld *world = conn->world;
    request_leave(request, OF_SIDE);
    request_leave(request, OF_SERIES);
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
    request_leave(request, OF_FRAME);
    request->conn = NULL;
    request->next = world->free_requests;
    world->free_requests = request;
}

void request_drop(struct request *request)
{
    leave_queue(request);
    request_free(request);
}

/* The client may have been given cookies that nobody saw. */
void request_miss_response(const struct request *request, struct when when)
{
    if (request->side && !request->by_guid) {
        request->side->unsure_frame = when.frame;
    }
}

/* The request that a response answers was not captured: those sent before it will not be
 * answered any more. */
static void pass_requests(struct mconn *conn, uint64_t guid, uint32_t counter, struct when when)
{
    while (conn->first && conn->first->has_counter && conn->first->series->guid == guid &&
           conn->first->counter < counter) {
        request_miss_response(conn->first, when);
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
struct request *request_take(struct mconn *conn, const struct http_fields *fields, struct when when)
{
    struct request *found = conn->first;
    uint64_t guid;
    uint32_t counter;
    if (fields->x_request_id.ptr && mapi_read_request_id(conn->world, fields->x_request_id, &guid, &counter)) {
        struct request *named = find_named(conn, guid, counter);
        if (named) {
            found = named;
        } else if (found && found->has_counter && conn_doubt(conn->link, NULL) != DOUBT_NONE) {
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

struct reply *reply_new(struct mconn *conn)
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

void reply_free(struct reply *reply)
{
    struct mworld *world = reply->conn->world;
    if (reply->message) {
        ((struct record *)reply->message)->reply = NULL;
    }
    reply->next = world->free_replies;
    world->free_replies = reply;
}
