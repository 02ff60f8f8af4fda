/* rpch_end.c
 * Channels that the server's end closes: an idle time-out, or a server that is gone.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "rpch.h"

#include "blame.h"
#include "gone.h"

/* Whether the server ended a channel in use, by itself and not as announced; first: no other end of this
 * virtual connection came before. */
static bool counts(const struct judge *judge, const struct channel *channel, struct when when, bool *first)
{
    const struct leg *leg = channel->leg;
    const struct conn *link = channel_tcp(channel);
    const struct leg_memo *memo = leg->memo;
    const int64_t idle = when.ns - link->last_data, interval = channel_interval(channel);
    /* Else the client may have ended the other half. */
    if (!leg_other(channel) || !conn_whole(leg_other(channel))) {
        return false;
    }
    *first = leg->state == LEG_OPEN || leg->state == LEG_RECYCLING;
    if (!*first && !(leg->ended_frame && memo && memo->gone_frame == leg->ended_frame)) {
        return false;
    }
    /* It was announced; or the server did not know the connection any more. */
    return !(interval > 0 && idle + judge->limits.idle_alike >= interval) && link->late_ns == 0;
}

void rpch_conn_ended(struct judge *judge, const struct event *event)
{
    const struct channel *channel = event->rpch.channel;
    const struct conn *link = event->rpch.conn->link;
    const struct leg *leg = event->rpch.leg;
    bool first;
    if (link->ended_by != WAY_TO_CLIENT || !leg || channel->v1 || !channel_in_use(channel) || channel->over ||
        channel->seen_eof || channel->refused || blame_client_gone(channel) || blame_unread(judge, leg).by_client ||
        !counts(judge, channel, event->when, &first)) {
        return;
    }
    const struct channel *behind = channel_behind(channel);
    if (behind && channel_tcp(behind)->ended) {
        return; /* a device passes on what happened there */
    }
    if (first) {
        struct leg_memo *memo = memo_in(judge, &leg->memo, sizeof(*memo));
        memo->gone_frame = event->when.frame;
    }
    gone_ended(judge, &(struct gone_end){ .conn = link, .leg = leg, .follows = !first, .behind_seen = behind != NULL },
               event->when);
}

/* The other half, which was busy, ended just before because the device had closed this one behind: the idle half is
 * what it was about. */
static bool follows_busy_half(const struct judge *judge, const struct channel *channel, struct when when)
{
    const struct channel *other = leg_other(channel);
    const struct conn *link = other ? channel_tcp(other) : NULL;
    return link && channel->leg->joined && channel_in_use(channel) && link->ended_by == WAY_TO_CLIENT &&
           when.ns - link->ended_ns <= judge->limits.gone_window && !leg_told(channel->leg, V_CHANNEL_CUT) &&
           blame_device_ended(channel);
}

void rpch_channel_ended(struct judge *judge, const struct event *event)
{
    const struct channel *channel = event->rpch.channel;
    const struct leg *leg = event->rpch.leg;
    const struct conn *link = channel->conn->link;
    const int64_t idle = event->rpch.end.idle_ns;
    rpch_cut_in_clients_name(judge, event);
    if (!blame_server_ended(channel) || once_told(channel->memo, V_NOT_RECYCLED)) {
        return;
    }
    rpch_comeback_ended(judge, event);
    if (rpch_cut(judge, event)) {
        return;
    }
    rpch_call_ended(judge, event);
    if (!leg || !(event->rpch.end.was_open || follows_busy_half(judge, channel, event->when)) || channel->v1 ||
        gone_explains(link->server) || idle < judge->limits.idle_least) {
        return;
    }
    rpch_idle_ended(judge, event);
    if (idle < channel_interval(channel) && !leg_told(leg, V_IDLE_CLOSED)) {
        rpch_idle_closed(judge, event);
    }
}
