/* silence.c
 * Data after a long idle time that is not answered.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "vconn_private.h"

#define DROP_IDLE (60 * SECOND)  /* less than the idle time-outs of devices between */
#define DROP_REPEATS 3           /* one or two may be lost on the way */
/* A SPAN copy without an IP identification (IPv6) is told by its time: no stack repeats
 * data as soon as this. */
#define COPY_WINDOW (50 * MILLISECOND)

static int32_t behind(uint32_t seq, uint32_t other)
{
    return (int32_t)(seq - other);
}

static void tell_unanswered(struct vtcp *conn, struct when when, enum way way, bool by_reset)
{
    struct channel *channel = conn->channel;
    if (!channel || conn->went_silent) {
        return;
    }
    if (conn_whole(channel)) {
        conn->went_silent = true;
        conn->probe[way].probing = false;
        channel_number(channel, when);
    }
    struct event event = channel_event(EVENT_DATA_UNANSWERED, channel, when);
    event.rpch.silence.conn = conn;
    event.rpch.silence.way = way;
    event.rpch.silence.by_reset = by_reset;
    emit(conn->world->track, &event);
}

/* Data that follows a long idle time, and its repetition. Anything that begins before
 * the end of the stream is no new data: keep-alive probes repeat the last byte. */
static void watch_silence(struct vtcp *conn, const struct segment *segment, bool new_data)
{
    struct probe *half = conn->probe ? &conn->probe[segment->way] : NULL;
    if (segment->len == 0) {
        return;
    }
    int64_t now = segment->when.ns;
    if (half && half->probing && segment->seq == half->probe_seq && !new_data) {
        bool copy = segment->ip_id ? segment->ip_id == half->probe_id : now - half->probe_last < COPY_WINDOW;
        half->probe_id = segment->ip_id;
        if (copy) {
            return;
        }
        half->probe_last = now;
        if (half->repeats < DROP_REPEATS && ++half->repeats == DROP_REPEATS) {
            tell_unanswered(conn, segment->when, segment->way, false);
        }
        return;
    }
    if (!new_data || (half && half->probing)) {
        return;
    }
    if (conn->last_data && now - conn->last_data >= DROP_IDLE) {
        if (!conn->probe) {
            conn->probe = world_new(conn->world, 2 * sizeof(*conn->probe));
        }
        half = &conn->probe[segment->way];
        half->probing = true;
        half->repeats = 0;
        half->probe_seq = segment->seq;
        half->probe_end = segment->seq + segment->len;
        half->probe_id = segment->ip_id;
        half->probe_frame = segment->when.frame;
        half->probe_last = now;
        half->probe_idle = now - conn->last_data;
    }
    conn->last_data = now;
}

void silence_segment(struct vtcp *conn, const struct segment *segment)
{
    struct probe *other = conn->probe ? &conn->probe[!segment->way] : NULL;
    bool new_data = tcp_flow_segment(&conn->link->tcp, &conn->world->track->arena, segment);
    if (segment->has_ack && !segment->rst && other && other->probing && behind(segment->ack, other->probe_seq) > 0) {
        other->probing = false;
    }
    watch_silence(conn, segment, new_data);
    if (segment->rst && other && other->probing) {
        tell_unanswered(conn, segment->when, (enum way)!segment->way, true);
    }
}
