/* leg.c
 * Which channels make a leg of a virtual connection, and how it opens and fails
 * (MS-RPCH 3.2.1.5.3.1).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "vconn_private.h"

#define COOKIE_SEED 1
#define SEARCH_MAX 64            /* legs looked at for one retry */

static struct vc *find_vc(struct vworld *world, const uint8_t cookie[16], uint32_t hash)
{
    for (struct item *item = table_first(&world->cookies, hash); item; item = table_next(item)) {
        struct vc *vc = (struct vc *)item;
        if (memcmp(vc->cookie, cookie, sizeof(vc->cookie)) == 0) {
            return vc;
        }
    }
    return NULL;
}

/* cookie is NULL where RTS never got through. */
static struct vc *new_vc(struct vworld *world, const uint8_t *cookie, uint32_t hash)
{
    struct vc *vc = world_new(world, sizeof(*vc));
    vc->world = world;
    vc->number = world->vc_count++;
    if (cookie) {
        vc->has_cookie = true;
        memcpy(vc->cookie, cookie, sizeof(vc->cookie));
        table_add(&world->track->arena, &world->cookies, &vc->item, hash);
    }
    return vc;
}

struct vc *vc_of_cookie(struct vworld *world, const uint8_t cookie[16])
{
    uint32_t hash = hash_bytes(&world->track->arena, cookie, 16, COOKIE_SEED);
    struct vc *vc = find_vc(world, cookie, hash);
    return vc ? vc : new_vc(world, cookie, hash);
}

static void add_row(struct vworld *world, struct leg *leg)
{
    if (world->row_count == world->row_room) {
        uint32_t room = world->row_room ? world->row_room * 2 : 16;
        struct leg **rows = world_new(world, room * sizeof(*rows));
        if (world->row_count) {
            memcpy(rows, world->rows, world->row_count * sizeof(*rows));
        }
        arena_give_back(&world->track->arena, world->rows, world->row_room * sizeof(*rows));
        world->rows = rows;
        world->row_room = room;
    }
    leg->row = world->row_count;
    world->rows[world->row_count++] = leg;
}

static struct leg *new_leg(struct vworld *world, struct vc *vc, uint8_t hop)
{
    struct leg *leg = world_new(world, sizeof(*leg));
    leg->vc = vc;
    leg->number = vc->leg_count++;
    leg->hop = hop;
    leg->setup_ns = -1;
    leg->prev = vc->last_leg;
    if (vc->last_leg) {
        vc->last_leg->next = leg;
    } else {
        vc->legs = leg;
    }
    vc->last_leg = leg;
    for (int role = ROLE_IN; role <= ROLE_OUT; role++) {
        struct leg **lacking = &vc->lacking[hop - RTS_HOP_HTTP][role];
        if (!*lacking) {
            *lacking = leg;
        }
    }
    add_row(world, leg);
    return leg;
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
    struct leg **link = &leg->vc->vacant[role];
    while (*link && *link != leg) {
        link = &(*link)->vacant_next[role];
    }
    if (*link) {
        *link = leg->vacant_next[role];
    }
    leg->vacant[role] = false;
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
        const struct channel *before = leg->current[channel->role] ? leg->current[channel->role] :
                                       leg_before(leg, (enum role)channel->role);
        unsigned rank = before->conn == channel->conn ? 3 :
                        endpoint_equal(conn_server(before->conn->link), conn_server(channel->conn->link)) ? 2 : 1;
        if (!best || rank > best_rank || (rank == best_rank && leg->number < best->number)) {
            best = leg;
            best_rank = rank;
        }
    }
    return best;
}

static struct leg *lacking_leg(struct vc *vc, const struct channel *channel)
{
    struct leg **lacking = &vc->lacking[channel->conn->hop - RTS_HOP_HTTP][channel->role];
    while (*lacking && ((*lacking)->hop != channel->conn->hop || (*lacking)->current[channel->role])) {
        *lacking = (*lacking)->next;
    }
    return *lacking;
}

struct leg *leg_lacking(struct vc *vc, const struct channel *channel)
{
    struct leg *leg = lacking_leg(vc, channel);
    return leg ? leg : new_leg(vc->world, vc, channel->conn->hop);
}

/* ---- What is told of it ------------------------------------------------------------- */

void leg_compare(struct leg *leg, struct when when)
{
    struct event event = leg_event(EVENT_PAIRED, leg, when);
    event.rpch.peers.difference = leg_difference(leg, event.rpch.peers.pair);
    if (event.rpch.peers.difference != SAME_SERVER) {
        leg->difference = (uint8_t)event.rpch.peers.difference;
    }
    emit(leg->vc->world->track, &event);
}

void leg_tell_joined(const struct leg *leg, struct when when)
{
    if (leg->joined) {
        struct event event = leg_event(EVENT_JOINED, leg, when);
        emit(leg->vc->world->track, &event);
    }
}

void leg_tell_failed(const struct leg *leg, struct when when)
{
    if (leg->failed && !leg->joined) {
        struct event event = leg_event(EVENT_LEG_FAILED, leg, when);
        emit(leg->vc->world->track, &event);
    }
}

/* ---- Attempts ---------------------------------------------------------------------- */

void leg_fail(struct leg *leg, struct when when, enum fail_cause cause)
{
    if (leg->joined || leg->failed || !leg_sent(leg)) {
        return;
    }
    leg->failed = true;
    leg->fail_cause = (uint8_t)cause;
    leg->fail_frame = when.frame;
}

struct leg_turn *leg_turn(struct leg *leg)
{
    if (!leg->turn) {
        leg->turn = world_new(leg->vc->world, sizeof(*leg->turn));
    }
    return leg->turn;
}

void leg_no_successor(struct leg *leg, enum role role)
{
    if (leg->turn) {
        leg->turn->coming[role] = NULL;
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
static void leg_begin_again(struct leg *leg, struct when when)
{
    leg->joined = leg->explained = leg->failed = false;
    leg->attempt_memo = NULL;
    leg->recycling[ROLE_IN] = leg->recycling[ROLE_OUT] = false;
    leg_no_successor(leg, ROLE_IN);
    leg_no_successor(leg, ROLE_OUT);
    leg->context = 0;
    leg->difference = SAME_SERVER;
    leg->state = LEG_OPENING;
    leg->got_200.frame = leg->got_a3.frame = 0;
    leg->mark_bytes = 0;
    leg->sent_at = 0;
    leg->ended_frame = 0;
    leg->attempt_frame = when.frame;
}

static bool is_finished(const struct channel *channel)
{
    return channel->over || channel->refused || channel->conn->link->ended;
}

static void leg_replace(struct leg *leg, struct channel *channel, struct when when)
{
    enum role role = (enum role)channel->role;
    struct channel *before = leg->current[role], *other = leg->current[!role];
    leg_fail(leg, when, FAIL_RETRIED);
    leg_tell_failed(leg, when);
    if (before) {
        before->replaced = true;
    }
    leg_occupy(leg, role);
    /* A half that was only challenged is still in the same attempt. */
    if (leg->state == LEG_CLOSED || leg->joined || leg->failed) {
        leg_begin_again(leg, when);
        if (other && is_finished(other)) {
            leg_drop(leg, (enum role)other->role);
        }
    }
}

void leg_put(struct leg *leg, struct channel *channel, struct when when)
{
    if (leg->current[channel->role] || leg_before(leg, (enum role)channel->role)) {
        leg_replace(leg, channel, when);
    }
    leg->current[channel->role] = channel;
    channel->leg = leg;
    if (channel->has_cookie) {
        pairing_leave_place(channel);
    }
    if (!leg->start.frame) {
        leg->start = channel->request.frame ? channel->request : when;
    }
    if (channel->user) {
        leg->user = channel->user;
    }
    struct channel *other = leg_other(channel);
    if (other) {
        pairing_leave_session(channel);
        pairing_leave_session(other);
        pairing_leave_place(channel);
        pairing_leave_place(other);
        channel->paired = other->paired = true;
        if (leg_sent(leg)) {
            leg->sent_at = when.ns;
        }
        leg_compare(leg, when);
    }
}

void leg_join(struct leg *leg, struct when when, bool opened)
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
            leg->setup_ns = start == INT64_MAX ? -1 : when.ns - start;
        }
    }
    if (!leg->joined) {
        leg->joined = true;
        leg_tell_joined(leg, when);
    }
}

/* A connection that was numbered without RTS learns its cookie after all. */
static void adopt_cookie(struct vc *vc, const uint8_t cookie[16])
{
    uint32_t hash = hash_bytes(&vc->world->track->arena, cookie, 16, COOKIE_SEED);
    if (!vc->has_cookie && !find_vc(vc->world, cookie, hash)) {
        vc->has_cookie = true;
        memcpy(vc->cookie, cookie, sizeof(vc->cookie));
        table_add(&vc->world->track->arena, &vc->world->cookies, &vc->item, hash);
    }
}

void channel_place(struct channel *channel, const uint8_t cookie[16], struct when when)
{
    struct leg *leg = channel->leg;
    if (leg) {
        adopt_cookie(leg->vc, cookie);
        if (leg_sent(leg) && !leg->sent_at) {
            leg->sent_at = when.ns;
        }
        return;
    }
    struct vc *vc = vc_of_cookie(channel->conn->world, cookie);
    leg = vacant_leg(vc, channel);
    leg_put(leg ? leg : leg_lacking(vc, channel), channel, when);
}

void channel_number(struct channel *channel, struct when when)
{
    if (channel->leg) {
        return;
    }
    struct channel *partner = pairing_partner(channel);
    struct leg *leg = partner ? partner->leg : NULL;
    if (leg && leg->current[channel->role]) {
        leg = NULL;
    }
    if (!leg) {
        struct vworld *world = channel->conn->world;
        leg = new_leg(world, new_vc(world, NULL, 0), channel->conn->hop);
        if (partner && !partner->leg) {
            leg_put(leg, partner, when);
        }
    }
    leg_put(leg, channel, when);
}
