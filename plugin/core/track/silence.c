/* silence.c
 * Data after a long idle time that is not answered.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "vconn_private.h"

#define DROP_IDLE (60 * SECOND) /* less than the idle time-outs of devices between */
#define DROP_REPEATS 3          /* one or two may be lost on the way */
/* A SPAN copy without an IP identification (IPv6) is told by its time: no stack repeats
 * data as soon as this. */
#define COPY_WINDOW (50 * MILLISECOND)

/* Of what that end sent; NULL: nothing that waits for an answer. */
static struct probe *probe_of(const struct rpch_conn *conn, enum way way)
{
    return conn->probe && conn->probe[way].probing ? &conn->probe[way] : NULL;
}

static void tell_unanswered(struct rpch_conn *conn, enum way way, bool by_reset)
{
    struct channel *channel = conn->channel;
    if (!channel || conn->went_silent) {
        return;
    }
    if (conn_whole(channel)) {
        conn->went_silent = true;
        conn->probe[way].probing = false;
        channel_number(channel);
    }
    struct event event = channel_event(EVENT_DATA_UNANSWERED, channel);
    event.rpch.silence.conn = conn;
    event.rpch.silence.way = way;
    event.rpch.silence.by_reset = by_reset;
    emit_rpch(&event);
}

/* Data that follows a long idle time, and its repetition. Anything that begins before
 * the end of the stream is no new data: keep-alive probes repeat the last byte. */
static void watch_silence(struct rpch_conn *conn, const struct segment *segment, bool new_data)
{
    struct probe *probe = probe_of(conn, segment->way);
    /* The way was there while the other end answered, be it a keep-alive probe. */
    const int64_t heard = conn->heard[!segment->way], now = segment->when.ns;
    const int64_t idle = now - (heard > conn->last_data ? heard : conn->last_data);
    if (segment->len == 0) {
        return;
    }
    if (probe && segment->seq == probe->probe_seq && !new_data) {
        bool copy = segment->ip_id ? segment->ip_id == probe->probe_id : now - probe->probe_last < COPY_WINDOW;
        probe->probe_id = segment->ip_id;
        if (copy) {
            return;
        }
        probe->probe_last = now;
        if (probe->repeats < DROP_REPEATS && ++probe->repeats == DROP_REPEATS) {
            tell_unanswered(conn, segment->way, false);
        }
        return;
    }
    if (!new_data || probe) {
        return;
    }
    if (conn->last_data && idle >= DROP_IDLE) {
        if (!conn->probe) {
            conn->probe = world_new(conn->world, 2 * sizeof(*conn->probe));
        }
        conn->probe[segment->way] = (struct probe){ .probing = true,
                                                    .probe_id = segment->ip_id,
                                                    .probe_seq = segment->seq,
                                                    .probe_frame = segment->when.frame,
                                                    .probe_last = now,
                                                    .probe_idle = idle };
    }
    conn->last_data = now;
}

void silence_segment(struct rpch_conn *conn, const struct segment *segment)
{
    struct probe *other = probe_of(conn, !segment->way);
    bool new_data = conn_segment(conn->link, segment);
    /* Of what has no room with its receiver nothing is acknowledged, but it is answered (RFC 9293 3.8.6.1). */
    const bool no_room = other && segment->window == 0 && segment->ack == other->probe_seq;
    if (other && segment->has_ack && !segment->rst && (no_room || (int32_t)(segment->ack - other->probe_seq) > 0)) {
        other->probing = false;
    }
    watch_silence(conn, segment, new_data);
    if (!segment->fin && !segment->rst) {
        conn->heard[segment->way] = segment->when.ns;
    }
    if (other && segment->rst) {
        tell_unanswered(conn, !segment->way, true);
    }
}
