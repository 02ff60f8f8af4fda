/* awaited.c
 * What is owed and does not come: the first PDU behind a request, the response to it, the successor of a channel
 * that is to be replaced (MS-RPCH 3.2.2.4, 3.2.1.5.3).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "vconn_private.h"

/* The first PDU follows its head at once, and its response within a round trip; clients begin to give up after a
 * minute. */
#define AWAITED_LONG (30 * SECOND)
/* A client that leaves sooner was told by its user, or has what it wanted elsewhere. */
#define AWAITED_LEFT (5 * SECOND)
/* A successor is asked for at once, and accepted within a round trip to the server. */
#define TURN_LONG (30 * SECOND)

/* ---- Requests ------------------------------------------------------------------------- */

enum awaited channel_awaits(const struct channel *channel)
{
    if (channel->refused || channel->challenged || channel->replaced || channel->is_successor || channel->v1 ||
        !channel->request.frame) {
        return AWAITED_NOTHING;
    }
    if (channel->is_echo) {
        return channel->accepted ? AWAITED_NOTHING : AWAITED_RESPONSE;
    }
    if (!channel->has_body || channel->rpc_seen) {
        return AWAITED_NOTHING;
    }
    if (!channel->first_rts.frame) {
        return channel->bytes[WAY_TO_SERVER] ? AWAITED_NOTHING : AWAITED_PDU;
    }
    return channel->role == ROLE_OUT && !channel->bytes[WAY_TO_CLIENT] ? AWAITED_RESPONSE : AWAITED_NOTHING;
}

/* Since when it waits. */
static int64_t awaits_since(const struct channel *channel, enum awaited what)
{
    if (what == AWAITED_PDU || channel->is_echo) {
        return channel->request.ns;
    }
    const struct leg *leg = channel->leg;
    const bool later = channel->accepted && leg && leg->got_200.ns > channel->first_rts.ns;
    return later ? leg->got_200.ns : channel->first_rts.ns;
}

/* Of a channel whose connection was captured so far, the row says that it was asked for. */
static void await(struct channel *channel, bool ended, enum way by)
{
    const enum awaited what = channel_awaits(channel);
    const int64_t ns = track_waited(channel->conn->world->track, awaits_since(channel, what));
    /* The server's end cuts what it has not answered: that is told by its end. */
    const bool cut = !channel->is_echo && !channel->accepted;
    /* A client that leaves after its NTLM type 3 may have waited for how that ends, which logons tell of. */
    const bool logs_on = by == WAY_TO_SERVER && channel->step == AUTH_STEP_TYPE3 && !channel->got_status;
    const int64_t least = !ended || logs_on || (by == WAY_TO_CLIENT && cut) ? AWAITED_LONG :
                          by == WAY_TO_SERVER                               ? AWAITED_LEFT :
                                                                              0;
    if (what == AWAITED_NOTHING || ns < least) {
        return;
    }
    if (conn_whole(channel)) {
        channel_number_beside(channel);
    }
    struct event event = channel_event(EVENT_AWAITED, channel);
    event.rpch.awaited.what = what;
    event.rpch.awaited.ns = ns;
    emit_rpch(&event);
}

/* Mostly it has what it is for. */
static inline bool may_await(const struct channel *channel)
{
    return channel->is_echo || !channel->rpc_seen;
}

void awaited_follow(struct channel *channel, bool ended, enum way by)
{
    struct channel *other = leg_other(channel);
    if (may_await(channel)) {
        await(channel, ended, by);
    }
    if (other && !ended && !other->over && may_await(other)) {
        await(other, false, by);
    }
}

/* ---- Recycling ------------------------------------------------------------------------ */

void turn_awaits(struct leg *leg, enum role role, enum turn_step step)
{
    if (step != TURN_NOTHING || leg->turn) {
        leg_turn(leg)->step[role] = (uint8_t)step;
        leg->turn->since[role] = leg_now(leg);
        leg->turn->gone[role] = leg->turn->lost[role] = NULL;
    }
}

void turn_answered(struct leg *leg, enum role role)
{
    if (leg->turn && leg->turn->gone[role]) {
        turn_awaits(leg, role, TURN_NOTHING);
    }
}

static void tell_turn(struct leg *leg, enum role role, const struct channel *asked, const struct http_info *http,
                      bool refused)
{
    const struct channel *gone = leg->turn ? leg->turn->gone[role] : NULL;
    const struct channel *channel = gone ? gone : leg->current[role];
    const enum turn_step step = leg_step(leg, role);
    if (step == TURN_NOTHING || !channel) {
        return;
    }
    struct event event = channel_event(EVENT_NOT_REPLACED, channel);
    event.rpch.turn.step = step;
    event.rpch.turn.refused = refused;
    event.rpch.turn.asked = gone ? leg->current[role] : asked ? asked : leg->turn->lost[role];
    event.rpch.turn.http = http;
    event.rpch.turn.ns = track_waited(leg->vc->world->track, leg->turn->since[role].ns);
    emit_rpch(&event);
    leg->turn->step[role] = TURN_NOTHING;
    leg->turn->gone[role] = leg->turn->lost[role] = NULL;
}

void turn_refused(struct leg *leg, enum role role, const struct channel *asked, const struct http_info *http)
{
    if (leg_step(leg, role) == TURN_NOTHING) {
        turn_awaits(leg, role, TURN_ANSWER); /* asked for where it was not captured */
    }
    tell_turn(leg, role, asked, http, true);
}

void turn_follow(struct leg *leg, enum role role, bool ended, enum way by)
{
    const enum turn_step step = leg_step(leg, role);
    if (step == TURN_NOTHING) {
        return;
    }
    const int64_t ns = track_waited(leg->vc->world->track, leg->turn->since[role].ns);
    /* Both are gone, by the server's end: nothing is left to wait for. */
    const bool both = by == WAY_TO_CLIENT && (leg->turn->gone[role] || leg->turn->lost[role]);
    const int64_t least = !ended || (step == TURN_ANSWER && !both) ? TURN_LONG : by == WAY_TO_SERVER ? AWAITED_LEFT : 0;
    if (ns >= least) {
        tell_turn(leg, role, leg_coming(leg, role), NULL, false);
    }
}
