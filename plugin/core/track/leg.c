/* leg.c
 * Which channels make a leg of a virtual connection, and how it opens and fails
 * (MS-RPCH 3.2.1.5.3.1).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "client.h"
#include "vconn_private.h"

#define COOKIE_SEED 1
#define SEARCH_MAX 64 /* legs looked at for one retry */

static uint32_t hash_cookie(const struct rpch_state *world, const uint8_t cookie[16])
{
    return hash_bytes(&world->track->arena, cookie, 16, COOKIE_SEED);
}

static struct vc *find_vc(const struct rpch_state *world, const uint8_t cookie[16])
{
    for (struct item *item = table_first(&world->cookies, hash_cookie(world, cookie)); item; item = table_next(item)) {
        struct vc *vc = (struct vc *)item;
        if (memcmp(vc->cookie, cookie, sizeof(vc->cookie)) == 0) {
            return vc;
        }
    }
    return NULL;
}

/* It has no cookie where RTS never got through. */
static struct vc *new_vc(struct rpch_state *world)
{
    struct vc *vc = world_new(world, sizeof(*vc));
    vc->world = world;
    vc->number = world->vc_count++;
    return vc;
}

static void learn_cookie(struct vc *vc, const uint8_t cookie[16])
{
    struct rpch_state *world = vc->world;
    vc->has_cookie = true;
    memcpy(vc->cookie, cookie, sizeof(vc->cookie));
    table_add(&world->track->arena, &world->cookies, &vc->item, hash_cookie(world, cookie));
}

struct vc *vc_of_cookie(struct rpch_state *world, const uint8_t cookie[16])
{
    struct vc *vc = find_vc(world, cookie);
    if (!vc) {
        vc = new_vc(world);
        learn_cookie(vc, cookie);
    }
    return vc;
}

/* It goes before that leg, or behind all others. */
static void put_leg(struct vc *vc, struct leg *leg, struct leg *next)
{
    struct leg *prev = next ? next->prev : vc->last_leg;
    leg->number = prev ? prev->number + 1 : 0;
    leg->prev = prev;
    leg->next = next;
    *(prev ? &prev->next : &vc->legs) = leg;
    *(next ? &next->prev : &vc->last_leg) = leg;
    if (next) {
        memset(vc->lacking, 0, sizeof(vc->lacking)); /* the search for one that lacks a role begins anew */
    }
    for (; next; next = next->next) {
        next->number++;
    }
    vc->leg_count++;
}

static struct leg *new_leg(struct vc *vc, enum rts_hop hop, struct leg *next)
{
    struct rpch_state *world = vc->world;
    struct leg *leg = world_new(world, sizeof(*leg));
    leg->vc = vc;
    leg->hop = hop;
    leg->setup_ns = -1;
    put_leg(vc, leg, next);
    leg->row = rows_add(&world->track->arena, &world->rows, leg);
    return leg;
}

/* The leg in front of those that stand before it says whose the virtual connection is. */
static void take_client(struct leg *leg, const struct channel *channel)
{
    const struct leg *outer = leg->next;
    if (!leg->prev && outer) {
        client_move(leg->vc->world->track, &leg->next->client, &leg->client, CLIENT_RPC_HTTP,
                    &channel_tcp(channel)->client, outer->start);
    }
}

bool leg_is_open(const struct leg *leg)
{
    return leg->state == LEG_OPEN || leg->state == LEG_RECYCLING;
}

void leg_set_running(struct leg *leg)
{
    leg->state = leg->recycling[ROLE_IN] || leg->recycling[ROLE_OUT] ? LEG_RECYCLING : LEG_OPEN;
}

/* The next connection with this cookie in this role is a retry on the same leg. */
void leg_vacate(struct leg *leg, enum role role)
{
    if (leg->vacant[role]) {
        return;
    }
    leg->vacant[role] = true;
    leg->vacant_next[role] = leg->vc->vacant[role];
    leg->vc->vacant[role] = leg;
}

void leg_occupy(struct leg *leg, enum role role)
{
    if (!leg->vacant[role]) {
        return;
    }
    struct leg **link = &leg->vc->vacant[role];
    while (*link != leg) {
        link = &(*link)->vacant_next[role];
    }
    *link = leg->vacant_next[role];
    leg->vacant[role] = false;
}

/* Whether it is the same channel on the other side of a device, by its cookie, and no retry. */
static bool is_same_beyond(const struct channel *before, const struct channel *channel)
{
    const struct conn *link = channel_tcp(channel), *other = channel_tcp(before);
    return !before->challenged && !before->refused && before->has_cookie && channel->has_cookie &&
           memcmp(before->cookie, channel->cookie, sizeof(channel->cookie)) == 0 && other->server != link->server &&
           !same_address(&other->client, &link->client);
}

/* A leg whose channel of this role was challenged or closed. Of several the one that
 * used the same TCP connection or server; else the lowest. */
static struct leg *vacant_leg(const struct vc *vc, const struct channel *channel)
{
    struct leg *best = NULL;
    unsigned best_rank = 0, looked_at = 0;
    for (struct leg *leg = vc->vacant[channel->role]; leg && looked_at < SEARCH_MAX;
         leg = leg->vacant_next[channel->role], looked_at++) {
        if (leg->hop != channel->conn->hop) {
            continue;
        }
        const struct channel *before =
            leg->current[channel->role] ? leg->current[channel->role] : leg_before(leg, channel->role);
        if (is_same_beyond(before, channel)) {
            continue;
        }
        unsigned rank = before->conn == channel->conn                               ? 3 :
                        channel_tcp(before)->server == channel_tcp(channel)->server ? 2 :
                                                                                      1;
        if (!best || rank > best_rank || (rank == best_rank && leg->number < best->number)) {
            best = leg;
            best_rank = rank;
        }
    }
    return best;
}

struct leg *leg_of_ends(const struct vc *vc, const struct channel *channel)
{
    const struct conn *link = channel_tcp(channel);
    struct leg *found[2] = { NULL, NULL }, *leg = vc->legs; /* 1: from the same address, too */
    unsigned count[2] = { 0, 0 };
    for (unsigned looked_at = 0; leg && looked_at < SEARCH_MAX; leg = leg->next, looked_at++) {
        const struct channel *current = leg->current[channel->role];
        const struct conn *other = current ? channel_tcp(current) : NULL;
        if (leg->hop != channel->conn->hop || !other || other->server != link->server) {
            continue;
        }
        if (!current->over && current->has_cookie && channel->has_cookie &&
            memcmp(current->cookie, channel->cookie, sizeof(channel->cookie)) == 0) {
            return NULL; /* the same channel, captured again on its way */
        }
        const unsigned which = same_address(&other->client, &link->client);
        found[which] = leg;
        count[which]++;
    }
    return count[1] == 1 ? found[1] : count[0] + count[1] == 1 ? found[0] : NULL;
}

/* How well the other half of a leg goes with the channel, by the addresses at either end. */
static unsigned goes_with(const struct leg *leg, const struct channel *channel)
{
    const struct channel *other = leg->current[!channel->role];
    const struct conn *link = channel_tcp(channel), *with = other ? channel_tcp(other) : NULL;
    return with ? same_address(&with->client, &link->client) + same_address(conn_server(with), conn_server(link)) : 0;
}

/* Of the legs from there on that lack the channel's role the one that it goes with best, else the first. */
static struct leg *best_lacking(struct leg *from, const struct channel *channel)
{
    struct leg *best = NULL, *leg = from;
    for (unsigned looked_at = 0; leg && looked_at < SEARCH_MAX; leg = leg->next, looked_at++) {
        if (leg->hop == channel->conn->hop && !leg->current[channel->role] &&
            (!best || goes_with(leg, channel) > goes_with(best, channel))) {
            best = leg;
        }
    }
    return best;
}

/* The first leg that stands in the capture before this channel, which is in front of it all the same: NULL if there is none, or
 * there are more legs than devices that anybody has. */
static struct leg *leg_proven_behind(const struct vc *vc, const struct channel *channel)
{
    const bool looks = channel->conn->hop == RTS_HOP_HTTP && vc->leg_count < SEARCH_MAX;
    for (struct leg *leg = looks ? vc->legs : NULL; leg; leg = leg->next) {
        if (leg->hop != RTS_HOP_HTTP) {
            return leg; /* between the RPC proxy and the server */
        }
        for (int role = ROLE_IN; role <= ROLE_OUT; role++) {
            const struct channel *back = leg->current[role] ? leg->current[role] : leg_before(leg, role);
            if (back && channel_comes_before(channel, back)) {
                clocks_doubt(channel_tcp(channel), channel_tcp(back), true);
                return leg;
            }
        }
    }
    return NULL;
}

struct leg *leg_lacking(struct vc *vc, const struct channel *channel)
{
    enum rts_hop hop = channel->conn->hop;
    struct leg ***lacking = &vc->lacking[hop - RTS_HOP_HTTP][channel->role], **link = *lacking ? *lacking : &vc->legs;
    while (*link && ((*link)->hop != hop || (*link)->current[channel->role])) {
        link = &(*link)->next;
    }
    *lacking = link;
    struct leg *leg = *link ? best_lacking(*link, channel) : leg_of_ends(vc, channel);
    if (!leg) {
        leg = new_leg(vc, hop, leg_proven_behind(vc, channel));
        take_client(leg, channel);
    }
    return leg;
}

/* ---- What is told of it ------------------------------------------------------------- */

void leg_compare(struct leg *leg)
{
    struct event event = leg_event(EVENT_PAIRED, leg);
    event.rpch.peers.difference = leg_difference(leg, event.rpch.peers.pair);
    if (event.rpch.peers.difference != SAME_SERVER) {
        leg->difference = event.rpch.peers.difference;
    }
    emit_rpch(&event);
}

void leg_tell_failed(const struct leg *leg)
{
    if (leg->failed && !leg->joined) {
        emit_leg(EVENT_LEG_FAILED, leg);
    }
}

/* What the server sent has come on this leg; there: when it came on the leg behind. */
static void compare_clocks(const struct leg *leg, enum role role, struct when there)
{
    const struct leg *behind = leg_behind(leg);
    const struct channel *front = leg->current[role], *back = behind ? behind->current[role] : NULL;
    if (front && back && (there.frame ? there.ns > leg_now(leg).ns : conn_whole(back))) {
        channels_doubt(front, back);
    }
}

void leg_out_came(struct leg *leg, bool is_a3)
{
    struct when *came = is_a3 ? &leg->got_a3 : &leg->got_200;
    const struct leg *behind = leg_behind(leg);
    if (!came->frame) {
        *came = leg_now(leg);
        if (behind) {
            compare_clocks(leg, ROLE_OUT, is_a3 ? behind->got_a3 : behind->got_200);
        }
        struct event event = leg_event(EVENT_OUT_CAME, leg);
        event.rpch.is_a3 = is_a3;
        emit_rpch(&event);
    }
}

/* ---- Attempts ---------------------------------------------------------------------- */

void leg_fail(struct leg *leg, enum fail_cause cause, enum way by)
{
    if (leg->joined || leg->failed || !leg_sent(leg)) {
        return;
    }
    leg->failed = true;
    leg->fail_cause = cause;
    leg->fail_frame = leg_now(leg).frame;
    leg->fail_ns = leg_now(leg).ns;
    leg->fail_by = by;
}

struct leg_turn *leg_turn(struct leg *leg)
{
    if (!leg->turn) {
        leg->turn = world_new(leg->vc->world, sizeof(*leg->turn));
    }
    return leg->turn;
}

void recycling_ends(struct leg *leg, enum role role)
{
    leg->recycling[role] = false;
    if (leg->turn) {
        leg->turn->coming[role] = NULL;
    }
    /* What this recycling was says nothing about the next. */
    leg->context &= (uint16_t)~sequence_of(role);
    if (leg_is_open(leg)) {
        leg_set_running(leg);
    }
}

/* A channel of an attempt that is over makes room: its successor is a retry. */
void leg_drop(struct leg *leg, enum role role)
{
    leg_turn(leg)->before[role] = leg->current[role];
    leg->current[role] = NULL;
    leg_vacate(leg, role);
}

/* A further attempt on the same leg begins with a clean sheet. */
static void leg_begin_again(struct leg *leg, bool same_out)
{
    leg->joined = leg->explained = leg->failed = false;
    leg->attempt_memo = NULL;
    recycling_ends(leg, ROLE_IN);
    recycling_ends(leg, ROLE_OUT);
    leg->difference = SAME_SERVER;
    leg->state = LEG_OPENING;
    if (!same_out) {
        leg->got_200.frame = leg->got_a3.frame = 0;
    }
    leg->mark_bytes = 0;
    leg->sent_at = 0;
    leg->ended_frame = 0;
    calls_forget(leg);
    leg->attempt_frame = leg_now(leg).frame;
}

static bool is_finished(const struct channel *channel)
{
    return channel->over || channel->refused || channel_tcp(channel)->ended;
}

static void leg_replace(struct leg *leg, struct channel *channel)
{
    enum role role = channel->role;
    struct channel *before = leg->current[role], *other = leg->current[!role];
    leg_fail(leg, FAIL_RETRIED, WAY_TO_SERVER);
    leg_tell_failed(leg);
    if (before) {
        before->replaced = true;
    }
    leg_occupy(leg, role);
    /* A half that was only challenged is still in the same attempt. */
    if (leg->state == LEG_CLOSED || leg->joined || leg->failed) {
        leg_begin_again(leg, role == ROLE_IN && other && !is_finished(other));
        if (other && is_finished(other)) {
            leg_drop(leg, other->role);
        }
    }
}

/* A request behind a device that was answered before it, or that stands there before it was made. */
static void doubt_clocks(const struct leg *leg, const struct channel *channel)
{
    const struct leg *front = leg->prev;
    const struct channel *before =
        front && leg_behind(front) == leg && !channel->is_successor ? front->current[channel->role] : NULL;
    if (before && (before->first_rts.ns > channel->first_rts.ns ||
                   (channel->role == ROLE_OUT ? front->got_200.frame || front->got_a3.frame : leg_is_open(front)))) {
        channels_doubt(before, channel);
    }
    if (before && channel_comes_before(channel, before)) {
        clocks_doubt(channel_tcp(channel), channel_tcp(before), true);
    }
    const struct channel *behind = channel_behind(channel);
    if (behind && behind->has_cookie && channel->has_cookie && behind->first_rts.ns < channel->first_rts.ns &&
        memcmp(behind->cookie, channel->cookie, sizeof(channel->cookie)) == 0) {
        channels_doubt(channel, behind);
    }
}

/* The client sends calls when the server has told it over OUT that the connection is open: no sooner than it asked for that. */
static bool has_called(const struct leg *leg, const struct channel *out)
{
    const struct channel *in = leg->current[ROLE_IN];
    return out->role == ROLE_OUT && in && in->rpc_seen && in->first_rts.frame && conn_whole(in);
}

void leg_put(struct leg *leg, struct channel *channel)
{
    if (leg->current[channel->role] || leg_before(leg, channel->role)) {
        leg_replace(leg, channel);
    }
    leg->skewed |= !leg->current[channel->role] && !leg_before(leg, channel->role) && !channel->is_successor &&
                   (leg->joined || has_called(leg, channel));
    leg->current[channel->role] = channel;
    channel->leg = leg;
    doubt_clocks(leg, channel);
    if (channel->place) {
        channel->place->newest[channel->role] = leg;
    }
    if (channel->has_cookie) {
        pairing_leave_place(channel);
        pairing_numbered(channel);
    }
    leg->last = leg_now(leg);
    if (!leg->start.frame) {
        leg->start = channel->request.frame ? channel->request : leg_now(leg);
    }
    if (channel->user) {
        leg->user = channel->user;
    }
    leg_client(leg);
    struct channel *other = leg_other(channel);
    if (other) {
        pairing_leave(channel);
        pairing_leave(other);
        channel->paired = other->paired = true;
        if (leg_sent(leg)) {
            leg->sent_at = leg_now(leg).ns;
        }
        leg_compare(leg);
    }
}

/* The server joins halves of which one was at its end before the other began. */
static bool is_joined_with_ended(const struct leg *leg)
{
    for (int role = ROLE_IN; role <= ROLE_OUT; role++) {
        const struct channel *channel = leg->current[role], *other = leg->current[!role];
        const struct conn *link = channel ? channel_tcp(channel) : NULL;
        if (link && other && channel->over && link->ended && link->ended_ns < channel_start(other)) {
            return true;
        }
    }
    return false;
}

/* Its proxies serve the path. */
static void note_joined(const struct leg *leg)
{
    for (int role = ROLE_IN; role <= ROLE_OUT; role++) {
        if (leg->current[role]) {
            channel_tcp(leg->current[role])->server->joined = true;
        }
    }
}

void leg_join(struct leg *leg, bool opened)
{
    if (opened && leg->state != LEG_CLOSED) {
        leg_set_running(leg);
        if (leg->setup_ns < 0) {
            int64_t start = INT64_MAX;
            for (int role = ROLE_IN; role <= ROLE_OUT; role++) {
                if (leg->current[role] && channel_start(leg->current[role]) < start) {
                    start = channel_start(leg->current[role]);
                }
            }
            leg->setup_ns = start == INT64_MAX ? -1 : leg_now(leg).ns - start;
        }
    }
    if (!leg->joined) {
        if (opened) {
            leg->opened = leg_now(leg);
        }
        const struct leg *behind = leg_behind(leg);
        if (opened && behind && !behind->joined) {
            compare_clocks(leg, ROLE_OUT, (struct when){ .frame = 0 });
        }
        leg->skewed |= opened && is_joined_with_ended(leg);
        leg->joined = true;
        note_joined(leg);
        leg_client(leg);
        emit_leg(EVENT_JOINED, leg);
    }
}

/* The one leg of this client and target that began together with the channel and lacks its role; NULL where
 * several could be meant. */
static struct leg *leg_beside(const struct channel *channel)
{
    const struct place *place = channel->place;
    const struct rows *rows = &channel->conn->world->rows;
    struct leg *found = NULL;
    if (!place || !channel->has_body || place->unpaired[channel->role] != 1) {
        return NULL;
    }
    for (uint32_t i = 0; i < SEARCH_MAX && i < rows->count; i++) {
        struct leg *leg = rows_at(rows, rows->count - 1 - i);
        const struct channel *other = leg->current[!channel->role];
        if (leg->current[channel->role] || leg_before(leg, channel->role) || leg->state == LEG_CLOSED || !other ||
            other->place != place || !other->first_rts.frame || other->is_successor || is_finished(other)) {
            continue;
        }
        if (!begin_together(channel->request.ns, other->request.ns)) {
            continue;
        }
        if (found) {
            return NULL;
        }
        found = leg;
    }
    return found;
}

/* Its cookie is of another virtual connection than was guessed: that leg never had it. */
static void leave_guess(struct channel *channel)
{
    struct leg *leg = channel->leg;
    enum role role = channel->role;
    leg_occupy(leg, role);
    leg->current[role] = NULL;
    leg->vc->lacking[leg->hop - RTS_HOP_HTTP][role] = NULL;
    if (leg->state == LEG_CLOSED && !is_finished(leg->current[!role])) {
        leg->state = LEG_OPENING;
        leg->explained = leg->failed = false;
        leg->ended_frame = 0;
    }
    channel->guessed = channel->paired = false;
    leg->current[!role]->paired = false;
    channel->leg = NULL;
}

void channel_place(struct channel *channel, const uint8_t cookie[16])
{
    if (channel->guessed && channel_in_use(channel) && leg_other(channel) &&
        memcmp(channel->leg->vc->cookie, cookie, sizeof(channel->leg->vc->cookie)) != 0) {
        leave_guess(channel);
    }
    channel->guessed = false;
    struct leg *leg = channel->leg;
    if (leg) {
        /* A connection that was numbered without RTS learns its cookie after all. */
        if (!leg->vc->has_cookie && !find_vc(leg->vc->world, cookie)) {
            learn_cookie(leg->vc, cookie);
        }
        if (leg_sent(leg) && !leg->sent_at) {
            leg->sent_at = leg_now(leg).ns;
        }
        return;
    }
    struct vc *vc = vc_of_cookie(channel->conn->world, cookie);
    leg = vacant_leg(vc, channel);
    leg_put(leg ? leg : leg_lacking(vc, channel), channel);
}

void channel_number(struct channel *channel)
{
    if (channel->leg) {
        return;
    }
    struct channel *partner = pairing_partner(channel);
    partner = partner || !channel->refused ? partner : pairing_waiting_out(channel);
    struct leg *leg = partner ? partner->leg : NULL;
    if (!leg || leg->current[channel->role]) {
        leg = new_leg(new_vc(channel->conn->world), channel->conn->hop, NULL);
        if (partner && !partner->leg) {
            leg_put(leg, partner);
        }
    }
    leg_put(leg, channel);
}

/* Its leg by client, target and time; false: there is none. */
static bool put_near(struct channel *channel)
{
    struct leg *leg = channel->place && !channel->leg ? channel->place->newest[!channel->role] : NULL;
    const struct channel *other = leg ? leg->current[!channel->role] : NULL;
    const uint32_t ended = other ? channel_tcp(other)->ended_frame : 0;
    if (other && !leg->current[channel->role] && !leg_before(leg, channel->role) && !leg->joined &&
        !(ended && ended < channel->request.frame && channel_tcp(other)->ended_by == WAY_TO_SERVER) &&
        begin_together(channel_start(other), channel_start(channel))) {
        leg_put(leg, channel);
        return true;
    }
    return false;
}

void channel_number_near(struct channel *channel)
{
    /* Where segments are missing, its first PDU may have been of any virtual connection. */
    if (!put_near(channel) && conn_doubt(channel_tcp(channel), NULL) != DOUBT_GAP) {
        channel_number(channel);
    }
}

void channel_number_beside(struct channel *channel)
{
    if (!channel->leg && !pairing_partner(channel)) {
        struct leg *leg = leg_beside(channel);
        if (leg) {
            channel->guessed = true;
            leg_put(leg, channel);
        }
    }
    channel_number(channel);
}
