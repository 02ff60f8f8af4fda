/* vconn.c
 * Virtual connections of RPC over HTTP: their PDUs and segments (MS-RPCH 3.2).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "auth.h"
#include "rop_totals.h"
#include "vconn_private.h"

#define FIRST_FRAGMENT 0x01 /* pfc_flags */

/* ---- The world -------------------------------------------------------------------- */

struct rpch_state *rpch_state_new(struct track *track)
{
    struct rpch_state *world = arena_new(&track->arena, sizeof(*world));
    world->track = track;
    return world;
}

struct rpch_conn *rpch_conn_new(struct rpch_state *world, struct conn *link, enum rts_hop hop, int64_t first_ns)
{
    struct rpch_conn *conn = world_new(world, sizeof(*conn));
    conn->world = world;
    conn->link = link;
    conn->hop = hop == RTS_HOP_TCP ? RTS_HOP_TCP : RTS_HOP_HTTP;
    conn->last_ns = first_ns;
    return conn;
}

struct conn *rpch_conn_conn(const struct rpch_conn *conn)
{
    return conn->link;
}

void rpch_conn_may_be_ours(struct rpch_conn *conn)
{
    conn->by_calls = true;
}

bool rpch_conn_by_calls(const struct rpch_conn *conn)
{
    return conn->by_calls;
}

void rpch_conn_give_back(struct rpch_conn *conn)
{
    conn_disown(conn->link);
    if (conn->channel) {
        pairing_leave(conn->channel);
        conn->channel->over = true;
        conn->channel = NULL;
    }
    conn->asked = ASKED_OTHER;
}

struct conn *rpch_conn_in(const struct rpch_conn *conn)
{
    const struct channel *out = conn->channel;
    const struct channel *in = out && out->role == ROLE_OUT && out->leg ? out->leg->current[ROLE_IN] : NULL;
    return in ? in->conn->link : NULL;
}

/* ---- PDUs ------------------------------------------------------------------------- */

static unsigned identify(const struct rpch_conn *conn, enum way way, enum rts_channel channel, unsigned context,
                         const struct rts_pdu *rts, uint8_t index[RTS_MAX_CANDIDATES], struct pdu_outcome *outcome)
{
    struct rts_place place = { channel, conn->hop, way == WAY_TO_SERVER ? RTS_TO_SERVER : RTS_TO_CLIENT, context };
    return rts_identify(rts, &place, index, outcome->name, &outcome->misplaced);
}

/* Whether the PDU may stand on this channel of this connection. */
static bool may_be_on(const struct rpch_conn *conn, enum way way, enum rts_channel channel, const struct rts_pdu *rts)
{
    struct pdu_outcome outcome;
    uint8_t index[RTS_MAX_CANDIDATES];
    return identify(conn, way, channel, 0, rts, index, &outcome) > 0 && !outcome.misplaced;
}

/* A channel whose request was not seen, or that has none: between proxies and server. */
static struct channel *channel_from_pdu(struct rpch_conn *conn, enum way way, const struct rts_pdu *rts)
{
    if (conn->asked != ASKED_NOTHING) {
        return NULL;
    }
    enum role role = way == WAY_TO_SERVER ? ROLE_IN : ROLE_OUT;
    if (rts) {
        bool in = may_be_on(conn, way, RTS_IN, rts), out = may_be_on(conn, way, RTS_OUT, rts);
        if (in == out) {
            return NULL;
        }
        role = in ? ROLE_IN : ROLE_OUT;
    }
    struct channel *channel = channel_new(conn, role);
    if (!rts) {
        /* Bare RPC from the first byte on is version 1. */
        channel->v1 = conn->hop == RTS_HOP_TCP && conn->link->tcp.syn;
    }
    channel->place = world_place(conn->world, conn, NULL);
    channel->request.ns = conn->world->now.ns;
    return channel;
}

/* What CONN/A1, A2, B1 or B2 brings: each has only some of it. */
static void first_pdu(struct channel *channel, const struct rts_pdu *rts, struct pdu_outcome *outcome)
{
    if (channel->has_cookie) {
        outcome->unexpected = "the channel has had its first PDU already";
    } else if (rts->cookies >= 2) {
        channel_learn_cookie(channel, rts->cookie[1]);
        channel_place(channel, rts->cookie[0]);
        if (channel_tcp(channel)->logon) {
            auth_cookie(channel_tcp(channel)->logon, rts->cookie[0]);
        }
    }
    if (rts->has_lifetime) {
        channel->lifetime = rts->lifetime;
    }
    /* A1's window is the client's for OUT; A2's is the OUT proxy's for what the server sends. */
    if (channel->role == ROLE_OUT && rts->has_window) {
        flow_window(channel, rts->window);
    }
    struct leg *leg = channel->leg;
    if (leg && rts->has_keepalive) {
        leg->keepalive_ms = rts->keepalive_ms;
    }
    if (leg && rts->has_timeout) {
        leg->timeout_ms[ROLE_IN] = rts->timeout_ms;
    }
}

/* CONN, MS-RPCH 3.2.1.5.3.1. */
static void opening_pdu(struct channel *channel, unsigned id, const struct rts_pdu *rts, struct pdu_outcome *outcome)
{
    static const char open_already[] = "the virtual connection is open already";
    struct leg *leg = channel->leg;
    switch (id) {
    case RTS_CONN_A1:
    case RTS_CONN_A2:
    case RTS_CONN_B1:
    case RTS_CONN_B2:
        first_pdu(channel, rts, outcome);
        break;
    case RTS_CONN_A3:
        if (leg && leg->joined && leg->got_a3.frame) {
            outcome->unexpected = open_already;
        } else if (leg) {
            leg->timeout_ms[ROLE_OUT] = rts->timeout_ms;
            leg_out_came(leg, true);
        }
        break;
    case RTS_CONN_B3:
        if (rts->has_window) {
            flow_window(channel, rts->window);
        }
        if (leg) {
            leg_join(leg, false);
        }
        break;
    default: /* C1 and C2 */
        if (id == RTS_CONN_C2 && leg && !leg->got_a3.frame) {
            outcome->unexpected = "CONN/A3 has not come before it";
        }
        if (leg && leg_is_open(leg) && leg->setup_ns >= 0 && leg_sent(leg)) {
            outcome->unexpected = open_already;
        } else if (leg) {
            leg->timeout_ms[ROLE_IN] = rts->timeout_ms;
            /* Both carry the IN proxy's window: it binds the client, not the IN proxy. */
            if (id == RTS_CONN_C2 && rts->has_window) {
                flow_in_proxy(leg, leg->current[ROLE_IN], rts->window);
            }
            leg_join(leg, true);
        }
        break;
    }
}

static void rts_pdu(struct channel *channel, enum way way, const struct rts_pdu *rts, struct pdu_outcome *outcome)
{
    struct rpch_conn *conn = channel->conn;
    uint8_t index[RTS_MAX_CANDIDATES];
    unsigned context = channel->leg ? channel->leg->context : 0;
    unsigned count = identify(conn, way, rts_channel_of(channel->role), context, rts, index, outcome);
    if (count == 0) {
        if (rts->well_formed) {
            outcome->unexpected = "no PDU of MS-RPCH 2.2.4 has these flags and commands";
        }
        return;
    }
    if (outcome->misplaced) {
        return;
    }
    if (channel->seen_eof && way == data_way(channel)) {
        outcome->unexpected = "the channel's last PDU has been sent already";
    }
    if (!channel->first_rts.frame) {
        channel->first_rts = conn->world->now;
        if (!channel->request.frame && !channel->leg) {
            channel->request.ns = channel->first_rts.ns;
        }
    }
    if (index[0] <= RTS_CONN_C2) {
        opening_pdu(channel, index[0], rts, outcome);
    } else if (index[0] <= RTS_OUT_R2_C1) {
        recycling_pdu(channel, index[0], rts, count == 1, outcome);
    } else if (index[0] == RTS_KEEP_ALIVE && channel->leg) {
        channel->leg->keepalive_ms = rts->keepalive_ms;
    } else {
        flow_acknowledge(channel, rts);
    }
    if (!conn_whole(channel) || (channel->leg && !leg_whole(channel->leg))) {
        outcome->unexpected = NULL; /* it may follow from what was not captured */
    }
}

static void rpc_pdu(struct channel *channel, enum way way, const struct pdu_header *header, uint32_t status,
                    struct when first, struct pdu_outcome *outcome)
{
    struct leg *leg = channel->leg;
    channel->rpc_seen = true;
    if (leg && !channel->v1) {
        if (way == WAY_TO_CLIENT && channel->role == ROLE_OUT) {
            leg_join(leg, true); /* the server answers: both halves have met */
        } else if (leg->state == LEG_OPENING && (!leg_other(channel) || !leg_whole(leg))) {
            leg_set_running(leg); /* the client sends calls once it has had C2 */
        }
    }
    if (way == data_way(channel) && !channel->v1) {
        flow_sent(channel, header->frag_length);
    }
    if (channel->conn->by_calls && !leg) {
        return;
    }
    if (leg) {
        calls_pdu(leg, way, header, first, outcome);
    }
    if (header->ptype == RPC_FAULT || header->ptype == RPC_BIND_NAK) {
        channel_number(channel);
        channel->leg->faults++;
        struct event event = channel_event(EVENT_CALL_FAILED, channel);
        event.rpch.call.header = header;
        event.rpch.call.status = status;
        emit_rpch(&event);
    } else if (leg && header->ptype == RPC_REQUEST && (header->pfc_flags & FIRST_FRAGMENT)) {
        leg->calls++;
    }
}

/* Where the first byte of the PDU that is not whole came; frame 0: there is none. */
static void note_begun(struct rpch_conn *conn, enum way way, struct when when)
{
    if (!conn->begun && when.frame) {
        conn->begun = world_new(conn->world, 2 * sizeof(*conn->begun));
    }
    if (conn->begun) {
        conn->begun[way] = when;
    }
}

void rpch_conn_pdu(struct rpch_conn *conn, struct when when, enum way way, const struct pdu_header *header,
                   const struct rts_pdu *rts, uint32_t status, struct pdu_outcome *outcome)
{
    const struct when first = conn->begun && conn->begun[way].frame ? conn->begun[way] : when;
    memset(outcome, 0, sizeof(*outcome));
    note_begun(conn, way, (struct when){ 0 });
    conn_at(conn, when);
    conn->by_calls &= !rts;
    struct channel *channel = conn->channel;
    if (!channel) {
        channel = channel_from_pdu(conn, way, rts);
    }
    if (!channel) {
        if (rts) {
            uint8_t index[RTS_MAX_CANDIDATES];
            enum rts_channel asked = conn->asked == ASKED_ECHO ? rts_channel_of(conn->asked_role) : RTS_ANY_CHANNEL;
            identify(conn, way, asked, 0, rts, index, outcome);
        }
        return;
    }
    if (rts) {
        rts_pdu(channel, way, rts, outcome);
    } else {
        rpc_pdu(channel, way, header, status, first, outcome);
    }
    channel_touch(channel, way, header->frag_length);
    struct leg *leg = channel->leg;
    if (leg) {
        leg->last = conn->world->now;
        if (channel->role == ROLE_OUT && way == WAY_TO_CLIENT && channel_in_use(channel)) {
            turn_answered(leg, ROLE_OUT);
        }
        if (channel->role == ROLE_IN && way == WAY_TO_SERVER) {
            body_pdu(channel);
        }
    }
    outcome->channel = channel_shown(channel);
    outcome->channel_bytes = channel->bytes[0] + channel->bytes[1];
}

void rpch_conn_skipped(struct rpch_conn *conn, struct when when, enum way way, uint32_t bytes)
{
    conn_at(conn, when);
    if (conn->channel) {
        /* What was passed over may have been calls: what was sent is no longer known. */
        conn->channel->has_limit = false;
        if (conn->channel->leg) {
            calls_missed(conn->channel->leg);
        }
        channel_touch(conn->channel, way, bytes);
    }
}

void rpch_conn_gap(struct rpch_conn *conn, struct when when, enum way way)
{
    conn_at(conn, when);
    if (conn->channel) {
        conn->channel->has_limit = false;
        if (conn->channel->leg && way == WAY_TO_CLIENT) {
            calls_unsure(conn->channel->leg);
        }
    }
}

void rpch_conn_halfway(struct rpch_conn *conn, struct when when, enum way way, enum halfway what, uint32_t bytes)
{
    conn_at(conn, when);
    if (what != HALFWAY_PDU) {
        note_begun(conn, way, (struct when){ 0 });
    } else if (!conn->begun || conn->begun[way].frame == 0) {
        note_begun(conn, way, when);
    }
    if (what == HALFWAY_PDU && bytes != conn->halfway_bytes[way] && conn->channel) {
        channel_touch(conn->channel, way, 0);
    }
    conn->halfway[way] = (uint8_t)what;
    conn->halfway_bytes[way] = bytes;
}

/* ---- Segments --------------------------------------------------------------------- */

static void emit_passed(const struct rpch_conn *conn)
{
    struct event event = { .kind = EVENT_SEGMENT_PASSED, .when = conn->world->now };
    event.rpch.leg = conn->channel ? conn->channel->leg : NULL;
    event.rpch.conn = conn;
    emit(conn->world->track, &event);
}

static void emit_ended(const struct rpch_conn *conn)
{
    struct event event = { .kind = EVENT_CONN_ENDED, .when = conn->world->now, .rpch.channel = conn->channel };
    event.rpch.leg = conn->channel ? conn->channel->leg : NULL;
    event.rpch.conn = conn;
    emit(conn->world->track, &event);
}

static void leg_segment(struct leg *leg)
{
    if (!leg->joined && leg->sent_at) {
        emit_leg(EVENT_NOT_JOINED, leg);
    }
    const struct call *call = leg_unanswered(leg);
    if (call && leg_is_open(leg)) {
        struct event event = leg_event(EVENT_CALL_AWAITED, leg);
        event.rpch.unanswered = call;
        emit_rpch(&event);
    }
    body_follow(leg);
}

static void rpch_conn_end(struct rpch_conn *conn, const struct segment *segment)
{
    if (!conn_end(conn->link, segment)) {
        return;
    }
    emit_ended(conn);
    if (conn->channel && !conn->channel->over) {
        channel_leaves(conn->channel, segment->rst ? FAIL_RESET : FAIL_CLOSED, segment->way);
    }
}

void rpch_conn_segment(struct rpch_conn *conn, const struct segment *segment)
{
    struct channel *channel = conn->channel;
    conn_at(conn, segment->when);
    silence_segment(conn, segment);
    struct channel *asked = conn->asked == ASKED_ECHO ? conn->echo : channel;
    if (asked) {
        awaited_follow(asked, false, segment->way);
    }
    if (channel && channel->leg) {
        channel->leg->last = segment->when;
        if (channel->role == ROLE_IN) {
            body_segment(channel->leg, segment);
        }
    }
    bool ends = !conn->link->ended && (segment->fin || segment->rst);
    rpch_conn_end(conn, segment);
    if (asked && ends) {
        awaited_follow(asked, true, segment->way);
    }
    if (channel) {
        channel_alone(channel, false);
    }
    if (channel && channel->leg && !channel->replaced) {
        turn_follow(channel->leg, ROLE_IN, false, segment->way);
        turn_follow(channel->leg, ROLE_OUT, false, segment->way);
        leg_segment(channel->leg);
    }
    conn_tell_answered(conn->link, segment->when);
    emit_passed(conn);
}

/* ---- SYN ---------------------------------------------------------------------------- */

#define SYN_LATE (100 * MILLISECOND) /* nobody sends a SYN again so soon */

static struct lost_syn *kept_syn(struct rpch_state *world, const struct endpoint *client, const struct endpoint *server)
{
    for (unsigned i = 0; i < SYNS_KEPT; i++) {
        struct lost_syn *syn = &world->syn[i];
        if (endpoint_equal(&syn->client, client) && endpoint_equal(&syn->server, server)) {
            return syn;
        }
    }
    return NULL;
}

/* Its answer stands before it: directions are written by cards of many queues, one behind the other. */
static bool is_late_syn(const struct lost_syn *answered, struct when when, bool answer)
{
    return !answer && when.ns - answered->first.ns < SYN_LATE && answered->first.ns - when.ns < SYN_LATE;
}

void rpch_state_syn(struct rpch_state *world, const struct endpoint *from, const struct endpoint *to, struct when when,
                    bool answer)
{
    const struct endpoint *client = answer ? to : from, *end = answer ? from : to;
    const struct server *server = track_find_server(world->track, end);
    if (!server || !server->met[CONN_RPCH]) {
        return;
    }
    struct lost_syn *syn = kept_syn(world, client, end);
    if (syn && (syn->first.frame || is_late_syn(syn, when, answer))) {
        syn->count++;
        syn->first.frame = answer ? 0 : syn->first.frame;
        return;
    }
    if (!syn) {
        syn = &world->syn[world->next_syn++ % SYNS_KEPT];
        world->syns_lost |= syn->first.frame != 0;
    }
    *syn = (struct lost_syn){ .client = *client, .server = *end, .first = when, .count = 1 };
    syn->first.frame = answer ? 0 : when.frame;
}

const struct lost_syn *lost_syn_of(const struct rpch_state *world, const struct conn *link, int64_t since)
{
    for (unsigned i = 0; i < SYNS_KEPT; i++) {
        const struct lost_syn *syn = &world->syn[i];
        if (syn->first.frame && same_address(&syn->client, &link->client) &&
            endpoint_equal(&syn->server, conn_server(link)) && syn->first.ns >= since - PAIRING_WINDOW) {
            return syn;
        }
    }
    return NULL;
}

uint32_t rpch_state_number(const struct rpch_state *world, uint32_t row)
{
    const struct leg *leg = rows_at(&world->rows, row);
    return leg ? leg->vc->number : NO_NUMBER;
}

void rpch_state_rops(struct rpch_state *world, uint32_t row, const struct rop_message *rops)
{
    struct leg *leg = rows_at(&world->rows, row);
    if (!leg) {
        return;
    }
    if (!leg->rops) {
        leg->rops = arena_new(&world->track->arena, sizeof(*leg->rops));
    }
    rop_totals_add(leg->rops, rops);
}
