/* recycle.c
 * Channels that succeed each other (MS-RPCH 3.2.1.5.3.2 to 3.2.1.5.3.5).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "vconn_private.h"

#define SEARCH_MAX 64 /* legs looked at for one successor */

static void recycling_begins(struct leg *leg, enum role role)
{
    leg->recycling[role] = true;
    if (leg->state != LEG_CLOSED) {
        leg->joined = true;
        leg_set_running(leg);
    }
}

/* The successor takes over. */
static void succeed(struct leg *leg, enum role role)
{
    struct channel *successor = leg_coming(leg, role);
    if (successor) {
        leg->current[role]->replaced = true;
        leg->turn->replaced[role] = leg->current[role];
        leg->current[role] = successor;
        leg_occupy(leg, role);
        if (role == ROLE_IN) {
            leg->mark_bytes = 0;
        }
    }
    recycling_ends(leg, role);
    turn_awaits(leg, role, TURN_NOTHING);
    if (leg->joined) {
        emit_leg(EVENT_JOINED, leg);
    }
}

void succeed_at_end(struct leg *leg, struct channel *channel, enum way by)
{
    const enum role role = channel->role;
    const bool awaited = role == ROLE_OUT && by == WAY_TO_CLIENT && leg_step(leg, role) == TURN_ANSWER;
    const struct when since = awaited ? leg->turn->since[role] : leg_now(leg);
    succeed(leg, role);
    if (awaited) {
        turn_awaits(leg, role, TURN_ANSWER);
        leg->turn->since[role] = since;
        leg->turn->gone[role] = channel;
    }
}

/* The leg whose channel this one succeeds: the n-th connection with a successor's cookie
 * belongs to the n-th leg that has the predecessor. */
static struct leg *predecessor_leg(struct vc *vc, const struct channel *channel, const uint8_t before[16],
                                   const uint8_t cookie[16])
{
    enum role role = channel->role;
    if (!vc->handing) {
        vc->handing = world_new(vc->world, 2 * sizeof(*vc->handing));
    }
    struct handing *handing = &vc->handing[role];
    if (!handing->leg || memcmp(handing->successor, cookie, 16) != 0) {
        handing->leg = vc->legs;
        memcpy(handing->successor, cookie, 16);
    }
    unsigned looked_at = 0;
    for (struct leg *leg = handing->leg; leg && looked_at < SEARCH_MAX; leg = leg->next, looked_at++) {
        const struct channel *current = leg->current[role];
        if (leg->hop == channel->conn->hop && current && !leg_coming(leg, role) &&
            (!current->has_cookie || memcmp(current->cookie, before, 16) == 0)) {
            handing->leg = leg;
            return leg;
        }
    }
    return NULL;
}

static void note_turning(struct place *place, struct leg *leg)
{
    if (place) {
        struct leg *other = place->turning;
        place->turning = other && other != leg && leg_step(other, ROLE_OUT) == TURN_SUCCESSOR ? NULL : leg;
    }
}

/* Another virtual connection of this client that is being opened lacks its OUT. */
static bool is_of_another(const struct channel *channel)
{
    const struct leg *leg = channel->place->newest[ROLE_IN];
    return pairing_is_open(channel) ||
           (leg && !leg->joined && !leg->current[ROLE_OUT] && begin_together(leg->start.ns, channel->request.ns));
}

void successor_guess(struct channel *channel)
{
    struct place *place = channel->place;
    struct leg *leg = place ? place->turning : NULL;
    if (!place || channel->leg || channel->role != ROLE_OUT || channel->first_rts.frame) {
        return;
    }
    place->nameless = channel->request;
    if (!leg || leg_step(leg, ROLE_OUT) != TURN_SUCCESSOR || leg_coming(leg, ROLE_OUT) ||
        channel->request.frame < leg->turn->since[ROLE_OUT].frame || is_of_another(channel)) {
        return;
    }
    channel->leg = leg;
    channel->is_successor = channel->guessed = true;
    leg_turn(leg)->coming[ROLE_OUT] = channel;
    turn_awaits(leg, ROLE_OUT, TURN_ANSWER);
    pairing_leave(channel);
}

void successor_ends(struct channel *channel, enum way by)
{
    struct leg *leg = channel->leg;
    const bool awaited = leg_step(leg, channel->role) == TURN_ANSWER;
    recycling_ends(leg, channel->role);
    if (awaited && by == WAY_TO_CLIENT && conn_ended_by(channel_tcp(channel), WAY_TO_CLIENT)) {
        leg->turn->lost[channel->role] = channel;
    }
}

/* A cookie alone: the successor's, on its predecessor (A5, A6) or on a connection to the
 * server that stays the same (IN_R2/A2, OUT_R2/A4). */
static void cookie_pdu(struct channel *channel, const struct rts_pdu *rts, struct pdu_outcome *outcome)
{
    struct leg *leg = channel->leg;
    if (rts->cookies == 0) {
        return;
    }
    enum role role = channel->role;
    struct channel *coming = leg_coming(leg, role);
    if (coming && coming != channel) {
        if (memcmp(coming->cookie, rts->cookie[0], sizeof(coming->cookie)) == 0) {
            /* To the server B1 follows, after what was queued. */
            channel->seen_eof = channel->conn->hop == RTS_HOP_HTTP;
            succeed(leg, role);
        } else {
            outcome->unexpected = "it names another successor than the one that was announced";
        }
        return;
    }
    if (channel->conn->hop == RTS_HOP_HTTP) {
        if (!leg->recycling[role] && leg_whole(leg)) {
            outcome->unexpected = "no successor was announced";
        }
        recycling_ends(leg, role);
        channel->seen_eof |=
            leg->current[role] == channel; /* whatever becomes of the successor, which was not captured */
        return;
    }
    channel_learn_cookie(channel, rts->cookie[0]);
    /* IN_R2 is over for the server here, OUT_R2 only begins. */
    if (role == ROLE_OUT) {
        recycling_begins(leg, role);
    } else {
        recycling_ends(leg, role);
    }
}

/* A successor of a channel that was lost with its own first PDU takes over what was before both. */
static void take_over_lost(struct leg *leg, enum role role, const uint8_t before[16])
{
    const struct channel *current = leg->current[role];
    if (!current->over || !current->has_cookie || memcmp(current->cookie, before, 16) == 0 || current->refused) {
        return;
    }
    if (leg->joined && leg->state == LEG_CLOSED) {
        leg->ended_frame = 0;
        leg_set_running(leg);
    }
    succeed(leg, role);
}

/* The first PDU of a successor. Its predecessor may not have been captured. */
static void successor_pdu(struct channel *channel, const struct rts_pdu *rts, struct pdu_outcome *outcome)
{
    enum role role = channel->role;
    if (channel->leg) {
        outcome->unexpected = "the channel has had its first PDU already";
        return;
    }
    if (rts->cookies < 3) {
        return;
    }
    struct vc *vc = vc_of_cookie(channel->conn->world, rts->cookie[0]);
    channel_learn_cookie(channel, rts->cookie[2]);
    channel->is_successor = true;
    struct leg *same = leg_of_ends(vc, channel);
    struct leg *succeeded = same ? same : predecessor_leg(vc, channel, rts->cookie[1], rts->cookie[2]);
    struct leg *leg = succeeded ? succeeded : leg_lacking(vc, channel);
    recycling_begins(leg, role);
    if (succeeded) {
        channel->leg = leg;
        channel->lifetime = leg->current[role]->lifetime;
        leg_turn(leg)->coming[role] = channel;
        turn_awaits(leg, role, TURN_ANSWER);
        pairing_leave(channel);
        take_over_lost(leg, role, rts->cookie[1]);
        leg_compare(leg);
    } else {
        leg_put(leg, channel);
    }
    if (rts->has_lifetime) {
        channel->lifetime = rts->lifetime;
    }
    if (role == ROLE_OUT && rts->has_window) {
        flow_window(channel, rts->window);
    } else if (role == ROLE_IN && leg->hop == RTS_HOP_HTTP && leg->in_window) {
        /* The same proxy keeps its window (IN_R2); another one tells its own in IN_R1/A4. */
        flow_window(channel, leg->in_window);
    }
}

/* A case for each PDU of MS-RPCH 2.2.4 that a recycling has; where two look alike they do the same here. */
static void advance(struct channel *channel, unsigned id, const struct rts_pdu *rts, struct pdu_outcome *outcome)
{
    struct leg *leg = channel->leg;
    enum role role = id < RTS_OUT_R1_A1 ? ROLE_IN : ROLE_OUT;
    struct channel *current = leg->current[role], *coming = leg_coming(leg, role);
    switch (id) {
    case RTS_OUT_R1_A1:
    case RTS_OUT_R1_A2:
    case RTS_OUT_R2_A1:
    case RTS_OUT_R2_A2:
        if (leg->state == LEG_OPENING) {
            outcome->unexpected = "the virtual connection is not open yet";
        }
        recycling_begins(leg, role);
        if (leg->hop == RTS_HOP_HTTP && !coming) {
            note_turning(channel->place, leg);
            turn_awaits(leg, role, TURN_SUCCESSOR);
        }
        break;
    case RTS_IN_R1_A3:
    case RTS_IN_R1_A4:
    case RTS_IN_R2_A4:
    case RTS_OUT_R1_A5:
    case RTS_OUT_R1_A6:
    case RTS_OUT_R2_A5:
    case RTS_OUT_R2_A6:
        recycling_begins(leg, role);
        turn_awaits(leg, role, TURN_NOTHING);
        if (rts->has_timeout) {
            leg->timeout_ms[role] = rts->timeout_ms;
        }
        if (id == RTS_IN_R1_A4 && rts->has_window) {
            flow_in_proxy(leg, coming ? coming : current, rts->window);
        }
        break;
    case RTS_IN_R1_A5:
    case RTS_IN_R1_A6:
    case RTS_IN_R2_A2:
    case RTS_IN_R2_A5:
    case RTS_OUT_R2_A4:
        turn_awaits(leg, role, TURN_NOTHING);
        cookie_pdu(channel, rts, outcome);
        break;
    case RTS_IN_R1_B1: /* the predecessor's last PDU */
        channel->seen_eof = true;
        if (coming && coming != channel) {
            succeed(leg, role);
        }
        break;
    case RTS_IN_R1_B2: /* the server's window, to the successor */
    case RTS_OUT_R1_A11:
        if (coming == channel) {
            succeed(leg, role);
        }
        if (rts->has_window) {
            flow_window(channel, rts->window);
        }
        break;
    case RTS_OUT_R1_A8:
    case RTS_OUT_R2_A8:
        if (rts->cookies && current && !coming && leg->recycling[role]) {
            memcpy(current->cookie, rts->cookie[0], 16);
        }
        break;
    case RTS_OUT_R1_A9:
    case RTS_OUT_R1_A10:
    case RTS_OUT_R2_B1:
    case RTS_OUT_R2_B3:
        /* The predecessor's last PDU; B1 on a connection that stays the same ends nothing. */
        if (coming != channel) {
            channel->seen_eof = id != RTS_OUT_R2_B1 && (id != RTS_OUT_R1_A9 || coming);
            succeed(leg, role);
        }
        break;
    case RTS_OUT_R2_B2: /* the server did not accept the successor */
        recycling_ends(leg, role);
        turn_refused(leg, role, coming, NULL);
        break;
    default:
        break;
    }
}

/* Which of two sequences a recycling follows, once a PDU can only be of one. */
static void remember_sequence(struct leg *leg, unsigned id)
{
    unsigned own = id < RTS_IN_R2_A1  ? RTS_CTX_IN_R1 :
                   id < RTS_OUT_R1_A1 ? RTS_CTX_IN_R2 :
                   id < RTS_OUT_R2_A1 ? RTS_CTX_OUT_R1 :
                                        RTS_CTX_OUT_R2;
    enum role role = own & SEQUENCE_IN ? ROLE_IN : ROLE_OUT;
    if (leg->recycling[role] && !(leg->context & sequence_of(role) & ~own)) {
        leg->context |= (uint16_t)own;
    }
}

void recycling_pdu(struct channel *channel, unsigned id, const struct rts_pdu *rts, bool certain,
                   struct pdu_outcome *outcome)
{
    switch (id) {
    case RTS_IN_R1_A1:
    case RTS_IN_R1_A2:
    case RTS_IN_R2_A1:
    case RTS_OUT_R1_A3:
    case RTS_OUT_R1_A4:
    case RTS_OUT_R2_A3:
        successor_pdu(channel, rts, outcome);
        break;
    default:
        if (channel->leg) {
            advance(channel, id, rts, outcome);
        }
        break;
    }
    if (certain && channel->leg) {
        remember_sequence(channel->leg, id);
    }
}
