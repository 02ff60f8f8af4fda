/* response.c
 * Responses: what their heads say, and how they end.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "session_private.h"

/* It goes on, but nobody can follow it. */
void response_give_up(struct mconn *conn, struct when when)
{
    struct reply *reply = conn->reply;
    conn->reply = NULL;
    if (!reply) {
        return;
    }
    if (reply->request) {
        request_miss_response(reply->request, when);
    }
    if (reply->request) {
        request_free(reply->request);
    }
    reply_free(reply);
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
    return track_text(world->track, text);
}

/* Who answered: the names it gives, and on the server-side leg the other end. */
static void read_back_end(struct reply *reply, const struct mapi_fields *fields)
{
    struct mworld *world = reply->conn->world;
    reply->front_end = mworld_keep(world, fields->front_end);
    struct span target = fields->be_target;
    if (span_starts_nocase(target, "Server~")) {         /* as in X-BackEndCookie: Server~name~version */
        target = span_skip(target, 7);
        target.len = span_until(target, '~');
    }
    reply->back_name = mworld_keep(world, target.len ? target : fields->be_server);
    reply->back.name[BACK_TARGET] = first_label(world, target);
    reply->back.shown[BACK_TARGET] = mworld_keep(world, target);
    reply->back.name[BACK_SERVER] = first_label(world, fields->be_server);
    reply->back.shown[BACK_SERVER] = mworld_keep(world, fields->be_server);
    if (reply->back.name[BACK_CONTEXT]) {
        const char *full = reply->back.name[BACK_CONTEXT];
        reply->back_name = reply->back_name ? reply->back_name : full;
        reply->back.shown[BACK_CONTEXT] = full;
        reply->back.name[BACK_CONTEXT] = first_label(world, span_of((const uint8_t *)full, strlen(full)));
    }
    reply->exchange = reply->back_name || reply->front_end;
    char peer[ENDPOINT_TEXT_MAX];
    endpoint_format(&reply->conn->link->server->end, peer);
    reply->peer = track_text(world->track, peer);
}

static void read_failure(struct reply *reply, const struct http_head *head, const struct mapi_fields *fields)
{
    struct mworld *world = reply->conn->world;
    struct http_info info;
    struct span query;
    http_info_decode(head, &info);
    reply->author = (uint8_t)info.author;
    reply->server_header = mworld_keep(world, fields->server);
    reply->via = mworld_keep(world, fields->via);
    reply->failure = mworld_keep(world, fields->failure);
    reply->diag = mworld_keep(world, fields->diag);
    reply->backend_status = mworld_keep(world, fields->be_status);
    struct span location = fields->location;
    reply->to_mapi = location.len > 0 && mapi_endpoint(mapi_path(location, &query)) != 0;
    location.len = span_until(location, '?');            /* what is behind may be a secret */
    reply->location = mworld_keep(world, location);
}

static bool ends_with_connection(const struct reply *reply, const struct mapi_fields *fields, bool head_asked)
{
    return !fields->transfer.ptr && !fields->length.ptr && !head_asked && reply->status != 204 && reply->status != 304;
}

struct mapi_message *response_head(struct mconn *conn, struct when when, const struct http_head *head,
                                   const struct auth_shown *shown, uint32_t leg)
{
    struct mapi_fields fields;
    response_give_up(conn, when);
    mapi_read_fields(head, &fields);
    struct request *request = request_take(conn, &fields, when);
    if (!request && conn->side) {
        conn->side->unsure_frame = when.frame;
    }
    mconn_note_user(conn, shown);
    conn->expected_end |= mapi_says_close(fields.connection) || head->version_minor == 0;
    if (request ? !request->message : !fields.request_type.len && !mapi_is_content_type(fields.content_type)) {
        if (request) {
            request_free(request);
        }
        return NULL;
    }
    struct reply *reply = reply_new(conn);
    struct mapi_message *message = mapi_message_new(conn, when, true);
    ((struct record *)message)->reply = reply;
    conn->reply = reply;
    reply->message = message;
    reply->request = request;
    reply->status = head->status;
    reply->last_bytes = when;
    message->auth = mworld_keep_shown(conn->world, shown);
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
            session_fill_message(message, request->session, request->side);
        }
    } else {
        message->type = (uint8_t)(fields.request_type.ptr ? mapi_type_of(fields.request_type) : MAPI_NONE);
        message->type_name = message->type == MAPI_UNKNOWN ? mworld_keep(conn->world, fields.request_type) : NULL;
        message->endpoint = mapi_type_is_nspi((enum mapi_type)message->type) ? 2 :
                            mapi_type_is_emsmdb((enum mapi_type)message->type) ? 1 : 0;
    }
    int64_t code = mapi_read_number(fields.code);
    if (code >= 0 && code <= UINT32_MAX) {
        message->has_code = true;
        message->code = (uint32_t)code;
    }
    int64_t period = mapi_read_number(fields.period), expiration = mapi_read_number(fields.expiration);
    reply->period_ns = period > 0 && period < 86400000 ? period * MILLISECOND : -1;
    reply->expiration_ns = expiration >= 0 && expiration < INT64_C(10000000000) ? expiration * MILLISECOND : -1;
    reply->server_ms = mapi_read_number(fields.elapsed);
    reply->page = span_starts_nocase(fields.content_type, "text/");
    reply->content_type = reply->page ? mworld_keep(conn->world, fields.content_type) : NULL;
    reply->until_close = ends_with_connection(reply, &fields, request && request->head_method);
    reply->proxy_challenge = fields.proxy_challenge.len > sizeof("Negotiate ") - 1;
    reply->scanning = !reply->page && reply->status == 200;
    reply->request_id = mworld_keep(conn->world, fields.server_request_id);
    meta_scan_init(&reply->scanner);
    if (fields.sets_cookies) {
        size_t pos = 0;
        struct span name, value;
        while (http_head_next(head, &pos, &name, &value)) {
            if (name.len == 10 && span_equals_nocase(name, "Set-Cookie")) {
                jar_read_set_cookie(reply, value, &fields);
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
            jar_fill(request->side, reply, false, false);
            for (unsigned i = 0; reply->status == 200 && message->has_code && message->code == 0 &&
                 i < reply->cookie_count; i++) {
                if (!reply->cookies[i].deleted) {
                    jar_own(request->session, reply->cookies[i].digest);
                }
            }
        }
        sequence_note_answer(request, reply, when);
    } else {
        session_miss_request(reply, when);
    }
    return message;
}

void response_end(struct mconn *conn, struct when when)
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

void mconn_facts(struct mconn *conn, struct mapi_message *message, const struct mapi_facts *facts,
                 struct span sentence)
{
    struct record *record = (struct record *)message;
    struct reply *reply = record->reply;
    if (!message->is_response) {
        if (is_connect(message->type) && facts->user_dn.len > 0) {
            message->user_dn = mworld_keep(conn->world, facts->user_dn);
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
        mapi_page_sentence(sentence, reply->sentence);
        reply->meaning = mapi_sentence_code(reply->sentence);
    }
}
