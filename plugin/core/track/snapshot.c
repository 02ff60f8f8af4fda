/* snapshot.c
 * What the state is shown as on a frame.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "rpch_state.h"

const char *leg_state_name(enum leg_state state)
{
    static const char *const names
        [] = { [LEG_OPENING] = "opening", [LEG_OPEN] = "open", [LEG_RECYCLING] = "recycling", [LEG_CLOSED] = "closed" };
    return names[state];
}

/* The channel that a frame of the connection is of; an echo request if it came to one of its own. */
static const struct channel *channel_of(const struct rpch_conn *conn)
{
    return conn->asked != ASKED_ECHO ? conn->channel : conn->echo && conn->echo->leg ? conn->echo : NULL;
}

bool rpch_conn_mark(const struct rpch_conn *conn, struct vc_mark *mark)
{
    const struct channel *channel = channel_of(conn);
    memset(mark, 0, sizeof(*mark));
    if (!channel) {
        return false;
    }
    const struct leg *leg = channel->leg;
    for (enum role role = ROLE_IN; role <= ROLE_OUT; role++) {
        const struct channel *half = leg ? leg->current[role] : channel->role == role ? channel : NULL;
        mark->half[role] = half && !half->v1 ? half->conn : NULL;
    }
    mark->channel = channel_shown(channel);
    mark->target = channel->target;
    if (channel->more) {
        mark->outlook_session = channel->more->outlook_session;
        mark->session_id = channel->more->session_id;
    }
    if (leg) {
        mark->leg = leg;
        mark->state = leg->state;
        mark->has_cookie = leg->vc->has_cookie;
    }
    const struct channel *other = leg_other(channel);
    if (other) {
        mark->peer_frame = channel_frame(other);
        mark->target = channel->target ? channel->target : other->target;
    }
    return true;
}

void vc_mark_show(const struct vc_mark *mark, struct vc_snapshot *snapshot)
{
    const struct leg *leg = mark->leg;
    const struct rpch_conn *in = mark->half[ROLE_IN], *out = mark->half[ROLE_OUT];
    memset(snapshot, 0, sizeof(*snapshot)); /* what lies between the fields too: it may be compared */
    snapshot->vc = leg ? leg->vc->number : NO_NUMBER;
    snapshot->leg = leg ? leg->number : NO_NUMBER;
    snapshot->channel = mark->channel;
    snapshot->in_stream = in ? in->link->stream : NO_NUMBER;
    snapshot->out_stream = out ? out->link->stream : NO_NUMBER;
    snapshot->in_peer = in ? conn_server(in->link) : NULL;
    snapshot->out_peer = out ? conn_server(out->link) : NULL;
    snapshot->state = leg ? leg_state_name(mark->state) : NULL;
    snapshot->cookie = leg && mark->has_cookie ? leg->vc->cookie : NULL;
    snapshot->peer_frame = mark->peer_frame;
    snapshot->target = mark->target;
    snapshot->outlook_session = mark->outlook_session;
    snapshot->session_id = mark->session_id;
}

bool rpch_conn_place(const struct rpch_conn *conn, struct vc_place *place)
{
    const struct channel *channel = channel_of(conn);
    if (!channel) {
        return false;
    }
    place->leg = channel->leg;
    place->since = channel->request.frame;
    place->channel = channel_shown(channel);
    return true;
}

uint32_t vc_place_connection(const struct vc_place *place)
{
    return place->leg ? place->leg->vc->number : NO_NUMBER;
}

uint32_t vc_place_leg(const struct vc_place *place)
{
    return place->leg ? place->leg->number : NO_NUMBER;
}

uint32_t rpch_conn_row(const struct rpch_conn *conn)
{
    const struct channel *channel = channel_of(conn);
    return channel && channel->leg ? channel->leg->row : NO_NUMBER;
}

const struct channel *rpch_conn_channel(const struct rpch_conn *conn)
{
    return channel_of(conn);
}
