/* tcp.c
 * The ends of TCP connections, and what was captured of them, so that absence can be told
 * from a gap.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "tcp.h"

/* ---- Endpoints -------------------------------------------------------------------- */

size_t address_length(const struct endpoint *endpoint)
{
    return endpoint->family == 4 ? 4 : 16;
}

bool same_address(const struct endpoint *a, const struct endpoint *b)
{
    /* Lengths that the compiler knows cost no call. */
    return a->family == b->family && (a->family == 4 ? memcmp(a->addr, b->addr, 4) : memcmp(a->addr, b->addr, 16)) == 0;
}

bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
    return a->port == b->port && same_address(a, b);
}

/* ---- What was captured -------------------------------------------------------------- */

static int32_t behind(uint32_t seq, uint32_t other)
{
    return (int32_t)(seq - other);
}

void tcp_flow_start(struct tcp_flow *flow, const struct conn_past *past)
{
    flow->syn = past->syn;
    flow->syn_ack = past->syn_ack;
    flow->gap = past->gap;
    for (int way = WAY_TO_SERVER; way <= WAY_TO_CLIENT; way++) {
        flow->half[way].known = past->has_next;
        flow->half[way].next = past->next_seq[way];
    }
}

static struct tcp_damage *damage_of(struct tcp_flow *flow, const struct arena *arena, enum way way)
{
    if (!flow->damage) {
        flow->damage = arena_new(arena, 2 * sizeof(*flow->damage));
    }
    return &flow->damage[way];
}

static void hole_open(struct tcp_half *half, struct tcp_damage *damage, uint32_t from, uint32_t to, uint32_t frame)
{
    if (half->holes == 0) {
        damage->gap_frame = frame;
    }
    damage->missed_frame = frame;
    if (half->holes == TCP_HOLES) {
        half->lost = true;
        return;
    }
    damage->hole[half->holes].from = from;
    damage->hole[half->holes].to = to;
    half->holes++;
}

static void hole_fill(struct tcp_half *half, struct tcp_damage *damage, uint32_t from, uint32_t to)
{
    for (unsigned i = 0; i < half->holes;) {
        uint32_t a = damage->hole[i].from, b = damage->hole[i].to;
        if (behind(to, a) <= 0 || behind(from, b) >= 0) {
            i++;
        } else if (behind(from, a) <= 0 && behind(to, b) >= 0) {
            damage->hole[i] = damage->hole[--half->holes];
        } else if (behind(from, a) <= 0) {
            damage->hole[i++].from = to;
        } else if (behind(to, b) >= 0) {
            damage->hole[i++].to = from;
        } else {
            damage->hole[i].to = from;
            if (half->holes == TCP_HOLES) {
                half->lost = true;
            } else {
                damage->hole[half->holes].from = to;
                damage->hole[half->holes++].to = b;
            }
            i++;
        }
    }
}

/* What a segment with payload says of the capture, whatever its place. */
static void note_payload(struct tcp_flow *flow, const struct arena *arena, const struct segment *segment)
{
    const bool cut = segment->captured < segment->len;
    if (!flow->damage && !cut && !segment->opaque) {
        return;
    }
    struct tcp_damage *damage = damage_of(flow, arena, segment->way);
    if (cut) {
        damage->cut_frame = damage->cut_frame ? damage->cut_frame : segment->when.frame;
        damage->missed_frame = segment->when.frame;
    }
    if (!(segment->opaque && damage->opaque_frame)) {
        damage->opaque_frame = segment->opaque ? segment->when.frame : 0;
    }
}

/* An end that sends bytes fills holes or moves on; what is skipped is a hole until it is
 * sent again. */
static void half_bytes(struct tcp_flow *flow, const struct arena *arena, const struct segment *segment)
{
    struct tcp_half *half = &flow->half[segment->way];
    uint32_t len = segment->len + (segment->syn ? 1 : 0) + (segment->fin ? 1 : 0);
    uint32_t from = segment->seq, to = from + len;
    if (segment->len) {
        note_payload(flow, arena, segment);
    }
    if (segment->rst) {
        return; /* its sequence number need not continue the stream */
    }
    if (!half->known) {
        half->known = true;
        half->next = to;
        if (half->has_acked && behind(half->acked, to) > 0) { /* a tap of two ports: its ACKs stand before it */
            hole_open(half, damage_of(flow, arena, segment->way), to, half->acked, segment->when.frame);
            half->next = half->acked;
        }
        return;
    }
    if (behind(from, half->next) > 0) {
        hole_open(half, damage_of(flow, arena, segment->way), half->next, from, segment->when.frame);
    } else if (len && half->holes) {
        hole_fill(half, damage_of(flow, arena, segment->way), from, to);
    }
    if (behind(to, half->next) > 0) {
        half->next = to;
    }
}

/* The other end has bytes that were not captured. */
static void half_acknowledged(struct tcp_flow *flow, const struct arena *arena, const struct segment *segment)
{
    const enum way way = segment->way == WAY_TO_SERVER ? WAY_TO_CLIENT : WAY_TO_SERVER;
    struct tcp_half *half = &flow->half[way];
    if (half->known && behind(segment->ack, half->next) > 0) {
        hole_open(half, damage_of(flow, arena, way), half->next, segment->ack, segment->when.frame);
        half->next = segment->ack;
    }
    if (!half->has_acked || behind(segment->ack, half->acked) > 0) {
        half->acked = segment->ack;
        half->has_acked = true;
    }
}

bool tcp_flow_segment(struct tcp_flow *flow, const struct arena *arena, const struct segment *segment)
{
    struct tcp_half *half = &flow->half[segment->way];
    bool new_data = segment->len && (!half->known || behind(segment->seq, half->next) >= 0);
    if (segment->syn) {
        flow->syn |= segment->way == WAY_TO_SERVER;
        flow->syn_ack |= segment->way == WAY_TO_CLIENT;
    }
    half_bytes(flow, arena, segment);
    if (segment->has_ack && !segment->rst) {
        half_acknowledged(flow, arena, segment);
    }
    if (segment->fin || segment->rst) {
        half->ended = true;
    }
    return new_data;
}

void tcp_flow_give_up(struct tcp_flow *flow, const struct arena *arena, enum way way, uint32_t frame)
{
    flow->half[way].lost = true;
    damage_of(flow, arena, way)->missed_frame = frame;
}

enum doubt tcp_flow_doubt(const struct tcp_flow *flow, uint32_t *frame)
{
    *frame = 0;
    if (!flow->syn && !flow->syn_ack) {
        return DOUBT_NO_SYN;
    }
    if (!flow->syn || !flow->syn_ack) {
        return DOUBT_ONE_WAY;
    }
    if (flow->gap) {
        return DOUBT_GAP;
    }
    for (int way = WAY_TO_SERVER; way <= WAY_TO_CLIENT; way++) {
        const struct tcp_half *half = &flow->half[way];
        const struct tcp_damage *damage = flow->damage ? &flow->damage[way] : NULL;
        if (half->holes || half->lost) {
            *frame = damage ? damage->gap_frame : 0;
            return DOUBT_GAP;
        }
        if (damage && damage->cut_frame) {
            *frame = damage->cut_frame;
            return DOUBT_CUT;
        }
        if (damage && damage->opaque_frame) {
            *frame = damage->opaque_frame;
            return DOUBT_OPAQUE;
        }
    }
    return DOUBT_NONE;
}

bool tcp_flow_missed_since(const struct tcp_flow *flow, uint32_t met, uint32_t since)
{
    uint32_t frame;
    enum doubt doubt = tcp_flow_doubt(flow, &frame);
    if (doubt == DOUBT_NONE) {
        return false;
    }
    if (doubt == DOUBT_ONE_WAY || met >= since) {
        return true;
    }
    for (int way = WAY_TO_SERVER; way <= WAY_TO_CLIENT; way++) {
        const struct tcp_damage *damage = flow->damage ? &flow->damage[way] : NULL;
        if (damage && (damage->opaque_frame || damage->missed_frame >= since)) {
            return true;
        }
    }
    return since == 0;
}
