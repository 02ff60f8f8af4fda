/* body.c
 * An IN body on its way over a device: up to a mark in it, it is acknowledged before the
 * device and awaited behind it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "vconn_private.h"

/* Whether the body is there up to the mark. Where segments stood in another order, what came late was not counted. */
static bool has_arrived(const struct channel *there, uint64_t mark)
{
    const struct conn *link = channel_tcp(there);
    return there->bytes[WAY_TO_SERVER] >= mark || (link->tcp.damage && conn_doubt(link, NULL) == DOUBT_NONE);
}

/* at: the leg of the frame. */
static void follow_mark(struct leg *leg, const struct leg *at)
{
    const struct channel *in = leg->current[ROLE_IN];
    if (!in || !leg->mark_bytes || leg->mark_frame) {
        return;
    }
    const struct tcp_half *half = &channel_tcp(in)->tcp.half[WAY_TO_SERVER];
    if (!leg->mark_acked && half->has_acked && (int32_t)(half->acked - leg->mark_end) >= 0) {
        leg->mark_acked = leg_now(leg).ns;
    }
    const struct leg *behind = leg_behind(leg);
    if (!behind) {
        return;
    }
    const struct channel *there = behind->current[ROLE_IN];
    bool arrived = there && has_arrived(there, leg->mark_bytes);
    if (arrived) {
        leg->mark_bytes = 0;
    }
    if (leg->mark_acked) {
        struct event event = leg_event(EVENT_BODY_AWAITED, leg);
        event.rpch.body.at = at;
        event.rpch.body.arrived = arrived;
        emit_rpch(&event);
    }
}

void body_follow(struct leg *leg)
{
    if (leg->hop != RTS_HOP_HTTP) {
        return;
    }
    follow_mark(leg, leg);
    if (leg->prev && leg_behind(leg->prev) == leg) {
        follow_mark(leg->prev, leg);
    }
}

void body_pdu(struct channel *channel)
{
    struct leg *leg = channel->leg;
    body_follow(leg);
    if (!leg->mark_bytes && leg->current[ROLE_IN] == channel) {
        leg->mark_bytes = channel->bytes[WAY_TO_SERVER];
        leg->mark_frame = leg_now(leg).frame;
        leg->mark_acked = 0;
    }
}

void body_segment(struct leg *leg, const struct segment *segment)
{
    /* The body byte that the mark stands behind ends in this frame. */
    if (leg->mark_bytes && leg->mark_frame == segment->when.frame && segment->way == WAY_TO_SERVER && segment->len) {
        leg->mark_end = segment->seq + segment->len;
        leg->mark_frame = 0;
    }
}
