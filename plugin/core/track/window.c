/* window.c
 * Flow control (MS-RPCH 3.2.1.1.4, 3.2.1.4.1).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "vconn_private.h"

void flow_window(struct channel *channel, uint32_t window)
{
    uint64_t limit = channel->rpc_sent + window;
    if (!channel->has_limit || limit > channel->limit) {
        channel->limit = limit;
    }
    channel->has_limit = true;
}

void flow_in_proxy(struct leg *leg, struct channel *in, uint32_t window)
{
    leg->in_window = window;
    if (in) {
        flow_window(in, window);
    }
}

/* Bytes Received is 32 bits wide and counts on beyond: it is read as the value next to
 * what was sent. A window that shrinks binds only what is sent after the sender knows of
 * it, which cannot be seen here; so the limit never falls. */
static void flow_ack(struct channel *channel, uint32_t received, uint32_t available)
{
    int64_t all = (int64_t)channel->rpc_sent + (int32_t)(received - (uint32_t)channel->rpc_sent);
    if (channel->leg && all > (int64_t)channel->rpc_sent) {
        channel->leg->skewed = true; /* more than was sent */
    }
    uint64_t limit = (all < 0 ? received : (uint64_t)all) + available;
    if (channel->has_limit && limit > channel->limit) {
        channel->limit = limit;
    }
}

/* Flow control is a matter of two neighbours. On the HTTP hop it is that of client and
 * proxy; between proxy and server only what has no destination concerns the neighbour. */
void flow_acknowledge(struct channel *channel, const struct rts_pdu *rts)
{
    struct leg *leg = channel->leg;
    if (!leg || !rts->has_ack) {
        return;
    }
    if (leg->hop == RTS_HOP_TCP) {
        if (!rts->has_destination) {
            flow_ack(channel, rts->ack_received, rts->ack_window);
        }
        return;
    }
    for (unsigned i = 0; i < LEG_CHANNELS; i++) {
        struct channel *known = leg_channel(leg, i);
        if (known && known->has_cookie && memcmp(known->cookie, rts->ack_cookie, 16) == 0) {
            flow_ack(known, rts->ack_received, rts->ack_window);
            return;
        }
    }
    leg->skewed |= !leg->current[!channel->role]; /* before there is anything */
}

void flow_sent(struct channel *channel, uint32_t bytes)
{
    channel->rpc_sent += bytes;
    if (channel->has_limit && channel->rpc_sent > channel->limit) {
        emit_channel(EVENT_WINDOW_PASSED, channel);
    }
}
