/* flow.c
 * Data that is not answered, and the flow control of RPC over HTTP (MS-RPCH 3.2.1.1.4, 3.2.1.4.1).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "vconn_private.h"

/* A SPAN copy without an IP identification (IPv6) is told by its time: no stack repeats
 * data as soon as this. */
#define COPY_WINDOW (50 * MILLISECOND)

static int32_t behind(uint32_t seq, uint32_t other)
{
    return (int32_t)(seq - other);
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
            judge_drop(conn, segment->when, segment->way, false);
        }
        return;
    }
    if (!new_data || (half && half->probing)) {
        return;
    }
    if (conn->last_data && now - conn->last_data >= DROP_IDLE) {
        if (!conn->probe) {
            conn->probe = arena_new(&conn->world->arena, 2 * sizeof(*conn->probe));
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

void flow_segment(struct vtcp *conn, const struct segment *segment)
{
    struct probe *other = conn->probe ? &conn->probe[!segment->way] : NULL;
    bool new_data = tcp_flow_segment(&conn->link->tcp, &conn->world->arena, segment);
    if (segment->has_ack && !segment->rst && other && other->probing && behind(segment->ack, other->probe_seq) > 0) {
        other->probing = false;
    }
    watch_silence(conn, segment, new_data);
    if (segment->rst && other && other->probing) {
        judge_drop(conn, segment->when, (enum way)!segment->way, true);
    }
}

bool leg_whole(const struct leg *leg)
{
    uint32_t frame;
    for (int role = ROLE_IN; role <= ROLE_OUT; role++) {
        if (leg->current[role] && conn_doubt(leg->current[role]->conn->link, &frame) != DOUBT_NONE) {
            return false;
        }
    }
    return true;
}

void flow_window(struct channel *channel, uint32_t window)
{
    uint64_t limit = channel->rpc_sent + window;
    if (!channel->has_limit || limit > channel->limit) {
        channel->limit = limit;
    }
    channel->has_limit = true;
}

/* Bytes Received is 32 bits wide and counts on beyond: it is read as the value next to
 * what was sent. A window that shrinks binds only what is sent after the sender knows of
 * it, which cannot be seen here; so the limit never falls. */
void flow_ack(struct channel *channel, uint32_t received, uint32_t available)
{
    int32_t apart = (int32_t)(received - (uint32_t)channel->rpc_sent);
    uint64_t all = channel->rpc_sent + (uint64_t)(int64_t)apart;
    if (apart < 0 && channel->rpc_sent < (uint64_t)(-(int64_t)apart)) {
        all = received;
    }
    uint64_t limit = all + available;
    if (channel->has_limit && limit > channel->limit) {
        channel->limit = limit;
    }
}
