/* outlook.c
 * Ties state and judgement of one capture file together.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "outlook.h"

#include "bodies.h"
#include "client.h"
#include "envelope.h"
#include "objects.h"
#include "points.h"
#include "rop_text.h"
#include "session.h"

const struct judge_limits *outlook_usual_limits(void)
{
    return &judge_limits_default;
}

struct outlook *outlook_new(const struct arena *arena, const struct judge_prefs *prefs)
{
    struct outlook *outlook = arena_new(arena, sizeof(*outlook));
    outlook->judge = judge_new(arena, prefs);
    track_init(&outlook->track, arena, judge_hear, outlook->judge);
    outlook->rpch = rpch_state_new(&outlook->track);
    outlook->logons = logon_state_new(&outlook->track);
    outlook->mapi = mapi_state_new(&outlook->track, outlook->logons);
    return outlook;
}

void outlook_captured(struct outlook *outlook, uint32_t interface, struct when when)
{
    track_captured(&outlook->track, interface, when);
}

void outlook_heard(struct outlook *outlook, const struct endpoint *end, struct when when)
{
    track_server_heard(&outlook->track, end, when);
}

void outlook_refused(struct outlook *outlook, const struct endpoint *end, struct when when)
{
    track_server_refused(&outlook->track, end, when);
}

const struct verdict *outlook_take_verdicts(struct outlook *outlook)
{
    return judge_take(outlook->judge);
}

/* Room for what is decompressed while a body is read, and what that says of the client. */
struct scratch {
    const struct arena *arena;
    bool broken; /* what is read */
    struct client_facts client;
    struct piece_of_scratch {
        struct piece_of_scratch *next;
        size_t size;
        uint8_t bytes[];
    } * first;
};

static uint8_t *scratch_room(void *ctx, size_t size)
{
    struct scratch *scratch = ctx;
    struct piece_of_scratch *piece = arena_new(scratch->arena, sizeof(*piece) + size);
    piece->next = scratch->first;
    piece->size = size;
    scratch->first = piece;
    return piece->bytes;
}

static void see_client(void *ctx, const struct field_value *value)
{
    if (client_facts_has(value->field)) {
        client_facts_see(&((struct scratch *)ctx)->client, value);
    }
}

static void read_facts(const struct mapi_message *message, struct span body, struct mapi_facts *facts,
                       const struct field_sink *sink, struct rop_host *host)
{
    struct reader reader;
    reader_init(&reader, body.ptr, (uint32_t)body.len, (uint32_t)body.len, sink);
    mapi_read_body(&reader, (enum mapi_type)message->type, message->is_response, facts, host);
}

/* ROPs have a word of their own for what is broken in them. */
static void note_broken(void *ctx, const struct issue_kind *kind, uint32_t offset, const char *what)
{
    struct scratch *scratch = ctx;
    (void)offset;
    (void)what;
    scratch->broken |= !kind;
}

/* The same, and the session learns from the ROPs. */
static void learn_facts(struct mapi_conn *conn, struct mapi_message *message, struct span body,
                        struct mapi_facts *facts)
{
    struct scratch scratch = { .arena = &conn->world->track->arena };
    const bool tells = !message->is_response && (message->type == MAPI_CONNECT || message->type == MAPI_EXECUTE);
    const struct field_sink sink = { .ctx = &scratch,
                                     .room = scratch_room,
                                     .issue = note_broken,
                                     .value = tells ? see_client : NULL };
    struct rop_host host;
    struct rop_message *rops = mapi_conn_rops(conn, message);
    if (rops) {
        rop_message_learn(rops, &host);
    }
    read_facts(message, body, facts, &sink, rops ? &host : NULL);
    if (rops) {
        rop_message_end(rops);
    }
    message->broken = scratch.broken;
    if (client_facts_any(&scratch.client)) {
        mapi_conn_told(conn, message, &scratch.client);
    }
    while (scratch.first) {
        struct piece_of_scratch *piece = scratch.first;
        scratch.first = piece->next;
        arena_give_back(scratch.arena, piece, sizeof(*piece) + piece->size);
    }
}

bool outlook_body_is_complete(const struct mapi_message *message, struct span body)
{
    static const struct field_sink quiet; /* calls nobody */
    struct mapi_facts facts = { 0 };
    const size_t offset = mapi_body_offset(message->is_response, body);
    if (offset < body.len && !mapi_message_failed(message)) {
        read_facts(message, span_skip(body, offset), &facts, &quiet, NULL);
    }
    return facts.complete;
}

void outlook_learn_body(struct mapi_conn *conn, struct mapi_message *message, struct span body, struct span sentence)
{
    struct mapi_facts facts = { 0 };
    const size_t offset = mapi_body_offset(message->is_response, body);
    if (offset < body.len && mapi_message_failed(message)) {
        if (sentence.len == 0)
            sentence = span_skip(body, offset);
    } else if (offset < body.len) {
        learn_facts(conn, message, span_skip(body, offset), &facts);
    } else if (!message->is_response && message->type == MAPI_EXECUTE) {
        mapi_conn_rops_unread(conn, message);
    }
    mapi_conn_facts(conn, message, &facts, sentence);
}

void outlook_mark_show(const struct vc_mark *mark, struct vc_snapshot *snapshot)
{
    vc_mark_show(mark, snapshot);
}

void outlook_place_show(const struct vc_place *place, uint32_t *vc, uint32_t *leg)
{
    *vc = vc_place_connection(place);
    *leg = vc_place_leg(place);
}

uint32_t outlook_message_leg(const struct outlook *outlook, const struct mapi_message *message)
{
    return mapi_state_leg(outlook->mapi, message->row, message->leg);
}

uint32_t outlook_victim_leg(const struct outlook *outlook, const struct victim *victim)
{
    return victim->vc != NO_NUMBER ? rpch_state_leg(outlook->rpch, victim->row, victim->leg) :
                                     mapi_state_leg(outlook->mapi, victim->row, victim->leg);
}

uint32_t outlook_connection_number(const struct outlook *outlook, uint32_t row)
{
    return rpch_state_number(outlook->rpch, row);
}

void outlook_replay_rops(struct rop_message *rops, struct rop_host *host, struct property_names *names)
{
    rop_message_replay(rops, host, names);
}

uint32_t outlook_rops_frame(const struct rop_message *rops)
{
    return rops->frame;
}

void outlook_say_rops(const struct rop_message *rops, struct text *text)
{
    rop_message_summary(rops, text);
}

void outlook_begin_rops(struct outlook *outlook, struct rop_session **session, uint32_t code_page)
{
    *session = rop_session_new(&outlook->track, code_page);
}

void outlook_missed_rops(struct rop_session *session)
{
    if (session) {
        rop_session_missed(session);
    }
}

struct rop_message *outlook_learn_rops(struct outlook *outlook, struct rop_session **session, bool response,
                                       struct when when, struct rop_message *request, struct rop_host *host)
{
    if (!*session) {
        *session = rop_session_new(&outlook->track, 0);
    }
    struct rop_message *message = rop_message_new(*session, response, when.frame, when.ns, request);
    rop_message_learn(message, host);
    return message;
}

void outlook_end_rops(struct rop_message *rops)
{
    rop_message_end(rops);
}

void outlook_carried_rops(struct outlook *outlook, uint32_t row, const struct rop_message *rops)
{
    rpch_state_rops(outlook->rpch, row, rops);
}

void outlook_learn_client(struct outlook *outlook, struct client **slot, uint32_t row, const struct endpoint *from,
                          struct when when, const struct client_facts *facts)
{
    struct track *track = &outlook->track;
    struct client_told told = { .version = 0 };
    client_told_facts(track, &told, facts);
    if (row != NO_NUMBER) {
        rpch_state_told(outlook->rpch, row, &told);
        return;
    }
    const char *name = told.name ? told.name : "";
    const struct client_name who = { .user = span_of((const uint8_t *)name, strlen(name)), .address = from };
    if (from) {
        client_join(track, slot, CLIENT_RPC_TCP, &who, when);
    }
    if (client_facts_any(facts)) {
        client_tell(track, *slot, CLIENT_RPC_TCP, &told);
    }
}

uint16_t outlook_operation_of_type(uint8_t type)
{
    return operation_of_type(type);
}

uint16_t outlook_operation_of_call(uint8_t interface, uint16_t opnum)
{
    return operation_of_call((enum rpc_interface)interface, opnum);
}

const char *outlook_operation_text(char to[OPERATION_TEXT_MAX], uint16_t operation)
{
    return operation_text(to, operation);
}

const char *outlook_call_text(char to[OPERATION_TEXT_MAX], uint8_t interface, uint16_t opnum)
{
    return operation_call_text(to, (enum rpc_interface)interface, opnum);
}
