/* pending.c
 * Bodies of responses as they arrive: meta-tags, and PENDING that comes late or several at once
 * (MS-OXCMAPIHTTP 2.2.7, 3.1.5.4).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "session_private.h"

#define TAGS_FIRST 2                    /* room: PROCESSING and DONE */
#define BUNCH_WINDOW (50 * MILLISECOND) /* what a device held back comes at once */
#define LATE_LEAST (5 * SECOND)         /* servers and networks are not that late by themselves */

static void add_tag(struct reply *reply, uint8_t tag, struct when when)
{
    struct mapi_message *message = reply->message;
    if (message->tag_count == reply->tag_room && reply->tag_room < MAPI_TAGS_KEPT) {
        uint16_t room = reply->tag_room ? (uint16_t)(reply->tag_room * 2) : TAGS_FIRST;
        struct mapi_tag_time *tags = arena_new(&reply->conn->world->arena, room * sizeof(*tags));
        if (message->tag_count) {
            memcpy(tags, message->tags, message->tag_count * sizeof(*tags));
        }
        message->tags = tags;
        reply->tag_room = room;
    }
    if (message->tag_count < reply->tag_room) {
        message->tag_count++;
    }
    message->tags[message->tag_count - 1].tag = tag;
    message->tags[message->tag_count - 1].when = when;
}

/* Several of them at once after a time in which each had its own turn: by X-PendingPeriod,
 * or as they came before. */
static void note_pending(struct reply *reply, struct when when, struct when before)
{
    struct exchange *request = reply->request;
    if (request && request->before) {
        request->before->there.pending_frame = when.frame;
        request->before->there.pending_ns = when.ns;
    }
    if (reply->bunch_count && when.ns - reply->bunch_first.ns <= BUNCH_WINDOW && when.ns >= reply->bunch_first.ns) {
        reply->bunch_count++;
    } else {
        reply->bunch_count = 1;
        reply->bunch_first = when;
        reply->bunch_from = before;
        if (request && request->ended && when.ns - reply->message->begin.ns <= BUNCH_WINDOW) {
            reply->bunch_from = request->end; /* the response itself began only now */
        }
    }
    const int64_t silence = track_waited_until(reply->conn->world->track, reply->bunch_from.ns, reply->bunch_first.ns);
    int64_t turn = reply->interval_ns > 0 && (reply->period_ns < 0 || reply->interval_ns < reply->period_ns) ?
                       reply->interval_ns :
                       reply->period_ns;
    if (reply->bunch_count == 1 && silence >= SECOND && (reply->interval_ns < 0 || silence < reply->interval_ns)) {
        reply->interval_ns = silence;
    }
    if (reply->bunch_count >= 2 && turn > 0 && !reply->late && silence / 9 * 10 >= turn * (int64_t)reply->bunch_count) {
        reply->late = true;
        reply->bunched = true;
        reply->silence_from = reply->bunch_from;
        reply->silence_ns = silence;
    }
}

static void additional_header(struct reply *reply, const struct mapi_meta *meta)
{
    if (span_equals_nocase(meta->name, "X-ResponseCode")) {
        int64_t code = mapi_read_number(meta->value);
        if (code >= 0 && code <= UINT32_MAX) {
            reply->message->has_code = true;
            reply->message->code = (uint32_t)code;
        }
    } else if (span_equals_nocase(meta->name, "X-ElapsedTime")) {
        int64_t elapsed = mapi_read_number(meta->value);
        reply->server_ms = elapsed >= 0 ? elapsed : reply->server_ms;
    }
}

static void scan(struct reply *reply, struct when when, struct when before, const uint8_t *p, size_t len)
{
    struct mapi_meta meta;
    while (reply->scanning) {
        size_t used = meta_scan(&reply->scanner, p, len, &meta);
        p += used;
        len -= used;
        switch ((enum meta_kind)meta.kind) {
        case META_NOTHING:
            return;
        case META_PROCESSING:
        case META_PENDING:
        case META_DONE:
            add_tag(reply, meta.kind, when);
            if (meta.kind == META_PENDING) {
                note_pending(reply, when, before);
            }
            if (meta.kind == META_DONE) {
                reply->done = true;
                if (reply->request) {
                    reply->request->done = true;
                }
            }
            break;
        case META_HEADER:
            additional_header(reply, &meta);
            break;
        default:
            reply->scanning = false;
            break;
        }
    }
}

/* Whether after such a silence PENDING had been due for long. */
static bool is_late(const struct reply *reply, int64_t silence)
{
    return reply->scanning && !reply->done && reply->period_ns > 0 && silence > reply->period_ns / 2 * 3 &&
           silence > reply->period_ns + LATE_LEAST;
}

static void note_late(struct reply *reply, struct when from, int64_t silence)
{
    reply->late = true;
    reply->bunched = false;
    reply->silence_from = from;
    reply->silence_ns = silence;
}

void mapi_conn_data(struct mapi_conn *conn, struct when when, enum way way, const uint8_t *p, size_t len)
{
    track_at(conn->world->track, when.ns);
    if (way == WAY_TO_SERVER) {
        if (conn->sending && conn->sending->message) {
            conn->sending->message->body_length += len;
        }
        return;
    }
    struct reply *reply = conn->reply;
    if (!reply) {
        return;
    }
    if (conn_set_back(conn->link)) {
        reply->last_bytes.ns = when.ns;
        reply->bunch_count = 0;
    }
    struct when before = reply->last_bytes;
    const int64_t silence = track_waited(conn->world->track, before.ns);
    reply->message->body_length += len;
    reply->last_bytes = when;
    if (reply->request && !reply->done) {
        sequence_note_more(reply->request, when);
    }
    if (!reply->late && is_late(reply, silence)) {
        note_late(reply, before, silence);
    }
    scan(reply, when, before, p, len);
}

void pending_tell_late(struct reply *reply, struct when when)
{
    if (reply->late) {
        reply->late = false; /* there may be others */
        reply_emit(reply, EVENT_RESPONSE_LATE, when);
    }
}

/* A machine that sleeps captures nothing meanwhile: when it was late already, something else must have been. */
void pending_tell_overdue(struct reply *reply, struct when when)
{
    const struct track *track = reply->conn->world->track;
    if (reply->late || !is_late(reply, track_waited(track, reply->last_bytes.ns)) ||
        !is_late(reply, track_waited_until(track, reply->last_bytes.ns, track->earlier))) {
        return;
    }
    note_late(reply, reply->last_bytes, track_waited(track, reply->last_bytes.ns));
    reply->overdue = true;
    pending_tell_late(reply, when);
}
