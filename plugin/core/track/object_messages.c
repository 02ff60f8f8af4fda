/* object_messages.c
 * Requests and responses of ROPs: read once, when the session learns, and shown by what it knew then.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "objects_private.h"

struct rop_message *rop_message_new(struct rop_session *session, bool response, uint32_t frame, int64_t ns,
                                    struct rop_message *request)
{
    struct rop_message *message = arena_new(&session->track->arena, sizeof(*message));
    message->session = request ? request->session : session;
    message->response = response;
    message->frame = frame;
    message->ns = ns;
    message->other = request;
    message->missed = message->session->missed;
    if (request) {
        request->other = message;
    }
    return message;
}

static struct rop_call call_of(void *ctx, uint32_t number)
{
    const struct rop_message *request = ((const struct rop_message *)ctx)->other;
    return (struct rop_call){ request->notes[number].id, request->notes[number].call_flags };
}

static void fill_host(struct rop_message *message, struct rop_host *host)
{
    *host = (struct rop_host){ .ctx = message };
    if (message->response && message->other) {
        host->has_calls = true;
        host->calls_open = message->other->open;
        host->calls = message->other->count;
        host->call = call_of;
    }
}

/* What stands in the rest of a request may have changed what is known, as a request that the capture lacks may. */
static void request_unread(void *ctx)
{
    struct rop_message *message = ctx;
    message->open = true;
    rop_session_missed(message->session);
}

void rop_message_learn(struct rop_message *message, struct rop_host *host)
{
    fill_host(message, host);
    host->handles = message->response ? rop_response_handles : rop_request_handles;
    host->look = message->response ? rop_response_look : rop_request_look;
    host->took = message->response ? rop_response_took : rop_request_took;
    host->unread = message->response ? NULL : request_unread;
    host->payload_end = message->response ? rop_response_payload_end : NULL;
    host->folder = message->response ? rop_response_folder : NULL;
    host->file = object_name_file;
    if (!message->response) {
        rop_request_await(message);
    } else if (message->other) {
        rop_request_overtaken(message->other->next_pending);
    }
}

void rop_session_missed(struct rop_session *session)
{
    session->missed++;
}

void rop_message_end(struct rop_message *message)
{
    message->session->handles = NULL;
    message->session->handle_count = 0;
    message->session->reading = NULL;
    if (message->session->totals) {
        rop_totals_add(message->session->totals, message);
    }
    if (message->response && message->other) {
        rop_request_settle(message->other);
    }
}

static void look_again(void *ctx, uint32_t number, uint32_t order, const struct rop_took *head, struct rop_known *known)
{
    struct rop_message *message = ctx;
    (void)number;
    (void)head;
    message->shown = order;
    if (order < message->count) {
        *known = rop_note_known(&message->notes[order]);
    }
}

static const struct named_property *find_name(void *ctx, uint16_t id)
{
    const struct rop_message *message = ctx;
    return message->shown < message->count ?
               object_property(message->session, message->notes[message->shown].mapping, id, message->frame) :
               NULL;
}

void rop_message_replay(struct rop_message *message, struct rop_host *host, struct property_names *names)
{
    fill_host(message, host);
    host->look = look_again;
    *names = (struct property_names){ message, find_name };
    host->names = names;
    host->other_frame = message->other ? message->other->frame : 0;
    host->ns = message->other ? message->ns - message->other->ns : 0;
}
