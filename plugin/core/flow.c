/* flow.c
 * What was captured of the TCP connections, so that absence can be told from a gap, and
 * the flow control of RPC over HTTP (MS-RPCH 3.2.1.1.4, 3.2.1.4.1).
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

void flow_start(struct vtcp *conn, const struct conn_past *past)
{
    conn->syn = past->syn;
    conn->syn_ack = past->syn_ack;
    conn->gap = past->gap;
    for (int way = WAY_TO_SERVER; way <= WAY_TO_CLIENT; way++) {
        conn->half[way].known = past->has_next;
        conn->half[way].next = past->next_seq[way];
    }
}

static void hole_open(struct half *half, uint32_t from, uint32_t to, uint32_t frame)
{
    if (half->holes == 0) {
        half->gap_frame = frame;
    }
    if (half->holes == HOLES) {
        half->lost = true;
        return;
    }
    half->hole[half->holes].from = from;
    half->hole[half->holes].to = to;
    half->holes++;
}

static void hole_fill(struct half *half, uint32_t from, uint32_t to)
{
    for (unsigned i = 0; i < half->holes;) {
        uint32_t a = half->hole[i].from, b = half->hole[i].to;
        if (behind(to, a) <= 0 || behind(from, b) >= 0) {
            i++;
        } else if (behind(from, a) <= 0 && behind(to, b) >= 0) {
            half->hole[i] = half->hole[--half->holes];
        } else if (behind(from, a) <= 0) {
            half->hole[i++].from = to;
        } else if (behind(to, b) >= 0) {
            half->hole[i++].to = from;
        } else {
            half->hole[i].to = from;
            if (half->holes == HOLES) {
                half->lost = true;
            } else {
                half->hole[half->holes].from = to;
                half->hole[half->holes++].to = b;
            }
            i++;
        }
    }
}

/* An end that sends bytes fills holes or moves on; what is skipped is a hole until it is
 * sent again. */
static void half_bytes(struct half *half, const struct segment *segment)
{
    uint32_t len = segment->len + (segment->syn ? 1 : 0) + (segment->fin ? 1 : 0);
    uint32_t from = segment->seq, to = from + len;
    if (segment->captured < segment->len && !half->cut_frame) {
        half->cut_frame = segment->when.frame;
    }
    if (segment->rst) {
        return;                  /* its sequence number need not continue the stream */
    }
    if (!half->known) {
        half->known = true;
        half->next = to;
        return;
    }
    if (behind(from, half->next) > 0) {
        hole_open(half, half->next, from, segment->when.frame);
    } else if (len && half->holes) {
        hole_fill(half, from, to);
    }
    if (behind(to, half->next) > 0) {
        half->next = to;
    }
}

/* The other end has bytes that were not captured. */
static void half_acknowledged(struct half *half, const struct segment *segment)
{
    if (half->known && behind(segment->ack, half->next) > 0) {
        hole_open(half, half->next, segment->ack, segment->when.frame);
        half->next = segment->ack;
    }
    if (!half->has_acked || behind(segment->ack, half->acked) > 0) {
        half->acked = segment->ack;
        half->has_acked = true;
    }
    if (half->probing && behind(segment->ack, half->probe_seq) > 0) {
        half->probing = false;
    }
}

/* Data that follows a long idle time, and its repetition. Anything that begins before
 * the end of the stream is no new data: keep-alive probes repeat the last byte. */
static void watch_silence(struct vtcp *conn, const struct segment *segment, bool new_data)
{
    struct half *half = &conn->half[segment->way];
    if (segment->len == 0) {
        return;
    }
    int64_t now = segment->when.ns;
    if (half->probing && segment->seq == half->probe_seq && !new_data) {
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
    if (!new_data || half->probing) {
        return;
    }
    if (conn->last_data && now - conn->last_data >= DROP_IDLE) {
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
    struct half *half = &conn->half[segment->way];
    struct half *other = &conn->half[!segment->way];
    bool new_data = segment->len && (!half->known || behind(segment->seq, half->next) >= 0);
    if (segment->syn) {
        conn->syn |= segment->way == WAY_TO_SERVER;
        conn->syn_ack |= segment->way == WAY_TO_CLIENT;
    }
    half_bytes(half, segment);
    if (segment->has_ack && !segment->rst) {
        half_acknowledged(other, segment);
    }
    watch_silence(conn, segment, new_data);
    if (segment->rst && other->probing) {
        judge_drop(conn, segment->when, (enum way)!segment->way, true);
    }
    if (segment->fin || segment->rst) {
        half->ended = true;
    }
}

enum doubt conn_doubt(const struct vtcp *conn, uint32_t *frame)
{
    *frame = 0;
    if (!conn->syn && !conn->syn_ack) {
        return DOUBT_NO_SYN;
    }
    if (!conn->syn || !conn->syn_ack) {
        return DOUBT_ONE_WAY;
    }
    if (conn->gap) {
        return DOUBT_GAP;
    }
    for (int way = WAY_TO_SERVER; way <= WAY_TO_CLIENT; way++) {
        const struct half *half = &conn->half[way];
        if (half->holes || half->lost) {
            *frame = half->gap_frame;
            return DOUBT_GAP;
        }
        if (half->cut_frame) {
            *frame = half->cut_frame;
            return DOUBT_CUT;
        }
    }
    return DOUBT_NONE;
}

bool leg_whole(const struct leg *leg)
{
    uint32_t frame;
    for (int role = ROLE_IN; role <= ROLE_OUT; role++) {
        if (leg->current[role] && conn_doubt(leg->current[role]->conn, &frame) != DOUBT_NONE) {
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
