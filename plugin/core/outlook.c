/* outlook.c
 * Ties state and judgement of one capture file together.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "outlook.h"

#include "bodies.h"
#include "envelope.h"

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

const struct verdict *outlook_take_changed(struct outlook *outlook)
{
    return judge_take_changed(outlook->judge);
}

/* Where the body proper begins: behind the meta-tags and additional headers of a response; body.len if it has none. */
static size_t body_offset(const struct mapi_message *message, struct span body)
{
    struct meta_scanner scanner;
    struct mapi_meta meta;
    size_t used = 0;
    if (body.len == 0 || !message->is_response) {
        return 0;
    }
    meta_scan_init(&scanner);
    do {
        used += meta_scan(&scanner, body.ptr + used, body.len - used, &meta);
    } while (meta.kind >= META_PROCESSING && meta.kind <= META_HEADER);
    return meta.kind == META_BODY ? meta.offset : meta.kind == META_NO_ENVELOPE ? 0 : body.len;
}

static void read_facts(const struct mapi_message *message, struct span body, struct mapi_facts *facts)
{
    static const struct field_sink quiet; /* calls nobody */
    struct reader reader;
    reader_init(&reader, body.ptr, (uint32_t)body.len, (uint32_t)body.len, &quiet);
    mapi_read_body(&reader, (enum mapi_type)message->type, message->is_response, facts, NULL);
}

bool outlook_body_is_complete(const struct mapi_message *message, struct span body)
{
    struct mapi_facts facts = { 0 };
    const size_t offset = body_offset(message, body);
    if (offset < body.len && !mapi_message_failed(message)) {
        read_facts(message, span_skip(body, offset), &facts);
    }
    return facts.complete;
}

void outlook_learn_body(struct mapi_conn *conn, struct mapi_message *message, struct span body, struct span sentence)
{
    struct mapi_facts facts = { 0 };
    const size_t offset = body_offset(message, body);
    if (offset < body.len && mapi_message_failed(message)) {
        if (sentence.len == 0)
            sentence = span_skip(body, offset);
    } else if (offset < body.len) {
        read_facts(message, span_skip(body, offset), &facts);
    }
    mapi_conn_facts(conn, message, &facts, sentence);
}

void outlook_mark_show(const struct vc_mark *mark, struct vc_snapshot *snapshot)
{
    vc_mark_show(mark, snapshot);
}
