/* request.c
 * Requests and responses of MAPI/HTTP: what they are, and who hears of them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "session_private.h"

#include <stdio.h>

bool is_notification(const struct exchange *request)
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

bool is_server_side(const struct exchange *request)
{
    return request->leg != NO_NUMBER && request->leg > 0 && !request->there.conn;
}

bool reply_is_success(const struct reply *reply)
{
    return reply->status == 200 && reply->message->has_code && reply->message->code == CODE_SUCCESS && !reply->cut &&
           !reply->undone;
}

bool reply_is_foreign(const struct reply *reply)
{
    const struct exchange *request = reply->request;
    return request && request->type != MAPI_NONE && !request->head_method && !reply->of_endpoint &&
           !reply->message->has_code && !reply->scanner.any;
}

uint32_t reply_meaning(const struct reply *reply)
{
    return reply->meaning >= 0 ? (uint32_t)reply->meaning : reply->message->code;
}

void request_emit(const struct exchange *request, enum event_kind kind, struct when when)
{
    emit(request->conn->world->track, &(struct event){ .kind = kind, .when = when, .session.request = request });
}

void reply_emit(const struct reply *reply, enum event_kind kind, struct when when)
{
    emit(reply->conn->world->track, &(struct event){ .kind = kind, .when = when, .session.reply = reply });
}

void mapi_conn_note_user(struct mapi_conn *conn, const struct auth_shown *shown)
{
    char text[TEXT_MAX];
    if (!shown || !shown->user[0]) {
        return;
    }
    snprintf(text, sizeof(text), "%s (%s)", shown->user, shown->scheme);
    conn->user = track_text(conn->world->track, text);
}

const struct auth_shown *mapi_state_keep_shown(struct mapi_state *world, const struct auth_shown *shown)
{
    struct auth_shown *copy = shown ? arena_new(&world->arena, sizeof(*copy)) : NULL;
    if (copy) {
        *copy = *shown;
    }
    return copy;
}

bool request_crossed(const struct exchange *request)
{
    const struct conn_end *end = conn_end_of(request->link, WAY_TO_CLIENT);
    return request->conn->last_answer.frame && end && !end->rst && end->has_ack &&
           (int32_t)(end->ack - request->begin_seq) <= 0;
}

struct mapi_message *mapi_message_new(struct mapi_conn *conn, struct when when, bool is_response)
{
    struct record *record = arena_new(&conn->world->arena, sizeof(*record));
    struct mapi_message *message = &record->shown;
    message->is_response = is_response;
    message->begin = when;
    message->session = message->leg = message->row = message->client = NO_NUMBER;
    message->elapsed_ns = -1;
    return message;
}

struct reply *reply_new(struct mapi_conn *conn)
{
    struct mapi_state *world = conn->world;
    struct reply *reply = spare_take(&world->arena, &world->free_replies, sizeof(*reply));
    reply->conn = conn;
    reply->period_ns = reply->expiration_ns = reply->server_ms = reply->interval_ns = -1;
    reply->meaning = -1;
    return reply;
}

void reply_free(struct reply *reply)
{
    if (reply->message) {
        ((struct record *)reply->message)->reply = NULL;
    }
    spare_give(&reply->conn->world->free_replies, reply);
}
