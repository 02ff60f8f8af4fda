/* response.c
 * Responses: what their heads say, and how they end.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "front_failure.h"
#include "logon_state.h"
#include "names.h"
#include "objects.h"
#include "session_private.h"
#include "timing.h"

/* Milliseconds: more is no time that a server means. */
#define PERIOD_MAX INT64_C(86400000)
#define EXPIRATION_MAX INT64_C(10000000000)
#define CIRCLE_SOON (5 * SECOND) /* a client follows a redirection at once; what comes later is another try */

static void give_up(struct mapi_conn *conn, struct when when)
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
        exchange_free(reply->request);
    }
    reply_free(reply);
}

static const char *first_label(struct mapi_state *world, struct span name)
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
static void read_back_end(struct reply *reply, const struct http_fields *fields)
{
    struct mapi_state *world = reply->conn->world;
    reply->front_end = mapi_state_keep(world, fields->front_end);
    struct span target = fields->back_end_target;
    if (span_starts_nocase(target, "Server~")) { /* as in X-BackEndCookie: Server~name~version */
        target = span_skip(target, 7);
        target.len = span_until(target, '~');
    }
    reply->back_name = mapi_state_keep(world, target.len ? target : fields->back_end);
    reply->back.name[BACK_TARGET] = first_label(world, target);
    reply->back.shown[BACK_TARGET] = mapi_state_keep(world, target);
    reply->back.name[BACK_SERVER] = first_label(world, fields->back_end);
    reply->back.shown[BACK_SERVER] = mapi_state_keep(world, fields->back_end);
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

static void read_failure(struct reply *reply, const struct http_fields *fields)
{
    struct mapi_state *world = reply->conn->world;
    struct http_origin origin;
    struct span query;
    struct http_front_says front;
    http_origin_of(fields, NULL, &origin);
    http_front_says(fields->cas_error, fields->failure_context, reply->status, &front);
    reply->author = (uint8_t)origin.author;
    reply->product = origin.product;
    reply->front_failure = (uint8_t)front.failure;
    reply->failure_text = front.text[0] ? track_text(world->track, front.text) : NULL;
    reply->cas_error = mapi_state_keep(world, fields->cas_error);
    reply->server_header = mapi_state_keep(world, fields->server);
    reply->via = mapi_state_keep(world, fields->via);
    reply->retry_after = mapi_state_keep(world, fields->retry_after);
    reply->failure = mapi_state_keep(world, fields->failure_context);
    reply->diag = mapi_state_keep(world, fields->diag_info);
    reply->backend_status = mapi_state_keep(world, fields->back_end_status);
    const struct exchange *request = reply->request;
    reply->bare = reply->status == 401 && fields->challenges.count == 0 && request && !request->has_authorization;
    struct span location = fields->location;
    reply->to_mapi = location.len > 0 && mapi_endpoint(mapi_path(location, &query)) != 0;
    location.len = span_until(location, '?'); /* what is behind may be a secret */
    reply->location = mapi_state_keep(world, location);
}

/* Whether the request asks that host. A port that is not named is aside: a device before it may have another. */
static bool is_host(const struct reply *reply, struct span host)
{
    const char *text = reply->request->host;
    const struct span asked = { (const uint8_t *)text, text ? strlen(text) : 0 };
    const struct span name = jar_host_name(asked), port = span_skip(host, jar_host_name(host).len);
    return name.len > 0 && spans_equal_nocase(name, jar_host_name(host)) &&
           (port.len <= 1 || span_equals_nocase(port, ":80") || span_equals_nocase(port, ":443") ||
            spans_equal_nocase(port, span_skip(asked, name.len)));
}

/* Whether the client is sent back to what it asked for. From clear text to TLS only where it came by TLS all the same: it
 * follows in clear text, on the connection that told it. */
static bool is_circle(const struct reply *reply, struct span location)
{
    const struct exchange *request = reply->request;
    const struct when answered = reply->conn->last_answer;
    struct span query, path = mapi_path(location, &query), host = { NULL, 0 };
    if (!reply->to_mapi || mapi_endpoint(path) != request->endpoint) {
        return false;
    }
    if (span_starts_nocase(location, "http://") || span_starts_nocase(location, "https://")) {
        const struct span rest = span_skip(location, span_until(location, ':') + 3);
        host = span_of(rest.ptr, span_until(rest, '/'));
    }
    return (!host.len || is_host(reply, host)) && (request->link->tls || !span_starts_nocase(location, "https://") ||
                                                   (answered.frame && request->begin.ns - answered.ns <= CIRCLE_SOON));
}

/* A client at a host: several come from one address, by a device or NAT. */
static uint64_t circle_key(const struct exchange *request)
{
    const uint64_t *identity = request->identity;
    const uint64_t client = identity[ID_CLIENT_INFO] ? identity[ID_CLIENT_INFO] :
                            identity[ID_REQUEST_ID]  ? identity[ID_REQUEST_ID] :
                                                       request->link->stream;
    const uint64_t both[] = { request->peer->keyed.key, client };
    return mapi_digest(request->conn->world, (const uint8_t *)both, sizeof(both));
}

/* Logons are steps on the way. */
static void note_circle(struct reply *reply, struct span location)
{
    struct mapi_state *world = reply->conn->world;
    const struct exchange *request = reply->request;
    if (!request || !request->peer || reply->status == 401 || reply->status == 407) {
        return;
    }
    const bool sent_back = reply->status / 100 == 3 && is_circle(reply, location);
    if (!sent_back && world->circles.used == 0) {
        return;
    }
    const uint64_t key = circle_key(request);
    struct circle *circle =
        sent_back ? keyed_make(&world->arena, &world->circles, key, sizeof(*circle)) : keyed_find(&world->circles, key);
    if (circle && !sent_back) {
        circle->count = 0;
    } else if (circle && request->begin.frame > circle->frame) { /* else it did not follow the one before */
        circle->count += circle->count < UINT8_MAX;
        circle->frame = reply->message->begin.frame;
        reply->circles = circle->count;
    }
}

static bool ends_with_connection(const struct reply *reply, const struct http_fields *fields, bool head_asked)
{
    return !fields->transfer_encoding.ptr && !fields->length.ptr && !head_asked && reply->status != 204 &&
           reply->status != 304;
}

/* What the message shows of its request, or without one of its own head. */
static void describe(struct mapi_message *message, const struct reply *reply, const struct http_fields *fields)
{
    const struct exchange *request = reply->request;
    if (!request) {
        message->type = (uint8_t)(fields->request_type.ptr ? mapi_type_of(fields->request_type) : MAPI_NONE);
        message->type_name =
            message->type == MAPI_UNKNOWN ? mapi_state_keep(reply->conn->world, fields->request_type) : NULL;
        message->endpoint = mapi_endpoint_of_type(message->type);
        return;
    }
    message->type = request->type;
    message->look = request->look;
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
}

static void set_code(struct mapi_message *message, int64_t code)
{
    if (code >= 0 && code <= UINT32_MAX) {
        message->has_code = true;
        message->code = (uint32_t)code;
    }
}

static void read_head(struct reply *reply, const struct http_fields *fields)
{
    struct mapi_state *world = reply->conn->world;
    int64_t period = mapi_read_number(fields->pending_period), expiration = mapi_read_number(fields->expiration_info);
    set_code(reply->message, mapi_read_number(fields->response_code));
    reply->period_ns = period > 0 && period < PERIOD_MAX ? period * MILLISECOND : -1;
    reply->expiration_ns = expiration >= 0 && expiration < EXPIRATION_MAX ? expiration * MILLISECOND : -1;
    reply->server_ms = mapi_read_number(fields->elapsed_time);
    reply->page = http_is_page_type(fields->content_type);
    reply->of_endpoint = mapi_is_content_type(fields->content_type);
    reply->content_type = !reply->of_endpoint ? mapi_state_keep(world, fields->content_type) : NULL;
    reply->until_close = ends_with_connection(reply, fields, reply->request && reply->request->head_method);
    reply->proxy_challenge = span_starts_nocase(fields->proxy_authenticate, "Negotiate ");
    reply->scanning = !reply->page && reply->status == 200;
    reply->request_id = mapi_state_keep(world, fields->request_id);
    meta_scan_init(&reply->scanner);
    struct http_lines lines = fields->set_cookies;
    struct span name, value;
    while (http_lines_next(fields->head, "Set-Cookie", &lines, &name, &value)) {
        jar_read_set_cookie(reply, value, fields);
    }
    read_back_end(reply, fields);
    struct server *server = reply->conn->link->server;
    server_note_name(server, 0, reply->front_end);
    server_note_name(server, 1, reply->back.name[reply->back.name[BACK_TARGET] ? BACK_TARGET : BACK_SERVER]);
    if (fields->via.len > 0) {
        server_note_device(server, SIGN_VIA);
    }
    if (reply->status != 200 || reply->page || (reply->message->has_code && reply->message->code != CODE_SUCCESS)) {
        read_failure(reply, fields);
    }
    note_circle(reply, fields->location);
}

/* What its request and its session learn from the head alone. */
static void note_head(struct reply *reply, struct when when)
{
    struct exchange *request = reply->request;
    if (!request) {
        session_miss_request(reply, when);
        return;
    }
    if (!request->side) {
        session_miss_request(reply, when); /* sent before its session was known, with frames in the wrong order */
    }
    if (reply->period_ns < 0 && request->side) {
        reply->period_ns = request->side->period_ns; /* as the server said before */
    }
    if (request->side && !request->by_guid && !is_connect(request->type)) {
        jar_fill(request->side, reply, false, false);
        if (reply_is_success(reply)) {
            jar_own_all(request->session, reply, false);
        }
    }
    sequence_note_answer(request, reply, when);
}

struct mapi_message *response_head(struct mapi_conn *conn, struct when when, const struct http_fields *fields,
                                   const struct auth_shown *shown, struct exchange *request)
{
    const struct http_head *head = fields->head;
    give_up(conn, when);
    if (request && request->left) {
        exchange_free(request);
        request = NULL;
    }
    if (!request && conn->side) {
        conn->side->unsure_frame = when.frame;
    }
    conn->expected_end |= fields->close || head->version_minor == 0;
    conn->kept_ns = mapi_kept_ns(fields->keep_alive);
    if (request ? !request->message : !fields->request_type.len && !mapi_is_content_type(fields->content_type)) {
        if (request) {
            exchange_free(request);
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
    message->status = (uint16_t)head->status;
    message->auth = mapi_state_keep_shown(conn->world, shown);
    message->leg = conn->link->asked->leg == NO_NUMBER ? 0 : conn->link->asked->leg;
    describe(message, reply, fields);
    if (request && is_connect(request->type)) {
        session_hears_answer(conn, fields);
    }
    read_head(reply, fields);
    note_head(reply, when);
    return message;
}

/* Until DONE came the server was still at work, though its answer had begun (3.1.5.6). */
static int64_t time_of_work(const struct mapi_message *message)
{
    for (unsigned i = message->tag_count; i > 0; i--) {
        const struct mapi_tag_time *tag = &message->tags[i - 1];
        if (tag->tag == META_DONE && tag->when.ns >= message->first.ns && tag->when.ns <= message->end.ns) {
            return tag->when.ns - message->first.ns;
        }
    }
    return 0;
}

static void note_times(const struct reply *reply)
{
    struct mapi_message *message = reply->message;
    struct exchange *request = reply->request;
    struct track *track = reply->conn->world->track;
    /* Where only the end of the connection ends it, its last byte came before. */
    const int64_t ended = reply->until_close ? reply->last_bytes.ns : message->end.ns;
    struct timing timing = { .asked = request->message->first,
                             .ended = message->end,
                             .working = time_of_work(message),
                             .server_ns = -1,
                             .conn = reply->conn->link,
                             .sent = message,
                             .below = request->behind,
                             .operation = operation_of_type(request->type),
                             .leg = request->leg == NO_NUMBER ? 0 : (uint8_t)request->leg };
    timing.times = (struct times){ .request = request->end.ns - timing.asked.ns,
                                   .wait = message->first.ns - request->end.ns,
                                   .response = ended - message->first.ns };
    if (!times_possible(&timing.times)) {
        return;
    }
    struct times *shown = arena_new(&track->arena, sizeof(*shown));
    *shown = timing.times;
    message->times = shown;
    if (reply->server_ms >= 0) {
        timing.server_ns = reply->server_ms * (message->elapsed_in_seconds ? SECOND : MILLISECOND);
    }
    if (is_notification(request) || request->look) {
        return;
    }
    timing_note_closed(&timing, timing.conn, WAY_TO_SERVER);
    timing_note_closed(&timing, timing.conn, WAY_TO_CLIENT);
    /* Where that request has ended with its connection, it is known by what is kept of it there. */
    const struct exchange *after = request->after;
    const struct conn *there = after                                         ? after->link :
                               request->there.conn && !request->there.status ? request->there.conn->link :
                                                                               NULL;
    if (!timing.below && there && conn_doubt(there, NULL) == DOUBT_NONE) {
        timing.unanswered = there;
        timing.passed_on = (after ? after->begin.ns : request->there.ns) - request->end.ns;
    }
    if (request->before) {
        request->before->behind = timing_keep(track, &timing);
    }
    timing_note(track, &timing, request->before == NULL && !request->relayed);
}

/* Its framing says that this is all, and DONE is missing (2.2.7): who wrote that framing did not have the rest. A body
 * without any tag may be in a form that nobody can read; only one without any byte cannot. */
static bool lacks_done(const struct reply *reply)
{
    const struct mapi_message *message = reply->message;
    const struct exchange *request = reply->request;
    if (!reply->scanning || reply->done || reply->cut || (message->has_code && message->code != CODE_SUCCESS)) {
        return false;
    }
    return reply->scanner.any || (message->body_length == 0 && reply->of_endpoint && message->has_code && request &&
                                  !request->head_method && request->type != MAPI_PING && request->type != MAPI_NONE);
}

void response_end(struct mapi_conn *conn, struct when when)
{
    struct reply *reply = conn->reply;
    struct mapi_message *message = reply->message;
    struct exchange *request = reply->request;
    message->end = when;
    reply->undone = lacks_done(reply);
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
    if (request->ended && !reply->cut && when.ns >= request->end.ns) {
        message->elapsed_ns = when.ns - request->end.ns;
        int64_t ms = message->elapsed_ns / MILLISECOND, apart = ms - reply->server_ms * 1000;
        message->elapsed_in_seconds =
            reply->server_ms >= 2 && reply->server_ms < 1000000 && (apart < 0 ? -apart : apart) <= 1000 + ms / 10;
        note_times(reply);
    }
}

/* What the head says of a failure stands, whatever came behind it. */
static bool failed_by_head(const struct reply *reply)
{
    return reply->status != 200 || (reply->message->has_code && reply->message->code != CODE_SUCCESS);
}

void response_lose(struct mapi_conn *conn, struct when when)
{
    if (conn->reply && failed_by_head(conn->reply)) {
        conn->reply->cut = conn->reply->lost = true;
        response_end(conn, when);
    }
    give_up(conn, when);
}

static void read_page(struct reply *reply, struct span body)
{
    struct http_page page;
    http_page_read(body, &page);
    reply->author = (uint8_t)http_author_with((enum http_author)reply->author, &page);
    reply->product = page.product ? page.product : reply->product;
    reply->words = page.words;
    memcpy(reply->title, page.title, sizeof(reply->title));
}

/* The code in a body that tells of a failure, 0 if none does. */
static uint32_t failure_in_body(const struct reply *reply)
{
    const struct mapi_message *message = reply->message;
    const uint32_t code = reply->has_error ? reply->error_code : 0;
    if (reply->status != 200 || reply->page || reply_is_foreign(reply) ||
        (message->has_code && message->code != CODE_SUCCESS)) {
        return 0;
    }
    if (reply->has_status && reply->status_code != 0) {
        return reply->status_code;
    }
    return code == OX_ERRORS_RETURNED || (message->type == MAPI_UNBIND && code == OX_UNBIND_SUCCESS) ? 0 : code;
}

void mapi_conn_facts(struct mapi_conn *conn, struct mapi_message *message, const struct mapi_facts *facts,
                     struct span sentence)
{
    struct record *record = (struct record *)message;
    struct reply *reply = record->reply;
    if (!message->is_response) {
        if (is_connect(message->type) && facts->user_dn.len > 0) {
            message->user_dn = mapi_state_keep(conn->world, facts->user_dn);
        }
        message->code_page = facts->code_page;
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
    message->failure = failure_in_body(reply);
    message->failure_of_status = reply->has_status && reply->status_code != 0;
    if (sentence.len > 0) {
        mapi_page_sentence(sentence, reply->sentence);
        reply->meaning = mapi_sentence_code(reply->sentence);
        read_page(reply, sentence);
    }
}

/* The side whose objects an Execute is about; NULL where no session is known. */
static struct side *rops_side(const struct mapi_conn *conn, const struct exchange *request, const struct reply *reply,
                              uint8_t endpoint)
{
    const struct series *series = reply ? reply->series : NULL;
    if (request && (request->side || request->ids)) {
        return request->side;
    }
    return series && conn->side && !series->shared[endpoint] && series->session[endpoint] == conn->side->session ?
               conn->side :
               NULL;
}

/* Where no session is known its X-RequestId tells contexts apart (2.2.3.3.2). */
static struct rop_session **rops_of(struct mapi_conn *conn, const struct exchange *request, const struct reply *reply,
                                    struct side *side)
{
    const struct series *series = reply ? reply->series : NULL;
    if (side) {
        return &side->rops;
    }
    if (request && request->ids) {
        return &request->ids->rops;
    }
    return series && series->ids && !series->ids->next ? &series->ids->rops : &conn->rops;
}

void mapi_conn_rops_unread(struct mapi_conn *conn, struct mapi_message *message)
{
    const struct exchange *request = ((struct record *)message)->request;
    struct side *side =
        request ? rops_side(conn, request, NULL, message->endpoint) : conn->side; /* behind a gap it is forgotten */
    struct rop_session *session = *rops_of(conn, request, NULL, side);
    if (session) {
        rop_session_missed(session);
    }
}

struct rop_message *mapi_conn_rops(struct mapi_conn *conn, struct mapi_message *message)
{
    struct record *record = (struct record *)message;
    struct exchange *request = message->is_response && record->reply ? record->reply->request : record->request;
    if (message->type != MAPI_EXECUTE) {
        return NULL;
    }
    const struct reply *reply = message->is_response ? record->reply : NULL;
    struct side *side = rops_side(conn, request, reply, message->endpoint);
    struct rop_session **session = rops_of(conn, request, reply, side);
    const struct ids *ids = request ? request->ids : NULL;
    struct rop_message *asked = request && message->is_response && request->message ? request->message->rops : NULL;
    if (!*session) {
        *session = rop_session_new(conn->world->track, side ? side->code_page : 0);
        if (side) {
            side->rop_totals =
                side->rop_totals ? side->rop_totals : arena_new(&conn->world->track->arena, sizeof(*side->rop_totals));
            rop_session_count(*session, side->rop_totals);
        }
    }
    if (!message->is_response && ids && ids->jump_frame && ids->jump_frame == request->begin.frame) {
        rop_session_missed(*session);
    }
    message->rops = rop_message_new(*session, message->is_response, message->end.frame, message->end.ns, asked);
    return message->rops;
}
