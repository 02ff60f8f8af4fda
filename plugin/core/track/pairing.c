/* pairing.c
 * What pairs channels without RTS: the same client and target, and OutlookSession or
 * SessionId.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "vconn_private.h"

#define PAIRING_WINDOW (5 * SECOND)       /* halves with one OutlookSession begin together */

static uint32_t hash_endpoint(const struct vworld *world, const struct endpoint *end, bool with_port, uint32_t seed)
{
    return hash_bytes(&world->track->arena, end->addr, address_length(end), seed + (with_port ? end->port : 0u));
}

struct place *world_place(struct vworld *world, const struct vtcp *conn, const char *target)
{
    uint32_t hash = hash_endpoint(world, &conn->link->client, false, 2) ^
                    (target ? hash_bytes(&world->track->arena, target, strlen(target), 3) : 0);
    for (struct item *item = table_first(&world->places, hash); item; item = table_next(item)) {
        struct place *place = (struct place *)item;
        if (place->target == target && place->hop == conn->hop && place->family == conn->link->client.family &&
            memcmp(place->addr, conn->link->client.addr, address_length(&conn->link->client)) == 0) {
            return place;
        }
    }
    struct place *place = world_new(world, sizeof(*place));
    place->target = target;
    place->hop = conn->hop;
    place->family = conn->link->client.family;
    memcpy(place->addr, conn->link->client.addr, address_length(&conn->link->client));
    table_add(&world->track->arena, &world->places, &place->item, hash);
    return place;
}

static struct outlook_session *world_session(struct vworld *world, const struct place *place, const char *id)
{
    uint32_t hash = hash_bytes(&world->track->arena, id, strlen(id), place->item.hash);
    for (struct item *item = table_first(&world->sessions, hash); item; item = table_next(item)) {
        struct outlook_session *session = (struct outlook_session *)item;
        if (session->id == id && session->place == place) {
            return session;
        }
    }
    struct outlook_session *session = world_new(world, sizeof(*session));
    session->id = id;
    session->place = place;
    table_add(&world->track->arena, &world->sessions, &session->item, hash);
    return session;
}

static void wait_at_place(struct channel *channel)
{
    channel->counted = true;
    channel->place->unpaired[channel->role]++;
    channel->place->latest[channel->role] = channel->request.ns;
}

void pairing_leave_place(struct channel *channel)
{
    if (channel->counted) {
        channel->counted = false;
        channel->place->unpaired[channel->role]--;
    }
}

struct channel_more *channel_more(struct channel *channel)
{
    if (!channel->more) {
        channel->more = world_new(channel->conn->world, sizeof(*channel->more));
    }
    return channel->more;
}

static void session_join(struct channel *channel, struct outlook_session *session)
{
    struct channel_more *more = channel_more(channel);
    more->session = session;
    more->older = session->newest;
    if (session->newest) {
        session->newest->more->newer = channel;
    }
    session->newest = channel;
}

void pairing_wait(struct channel *channel, const char *id)
{
    wait_at_place(channel);
    if (id) {
        session_join(channel, world_session(channel->conn->world, channel->place, id));
    }
}

void pairing_leave_session(struct channel *channel)
{
    struct channel_more *more = channel->more;
    if (!more || !more->session) {
        return;
    }
    if (more->newer) {
        more->newer->more->older = more->older;
    } else {
        more->session->newest = more->older;
    }
    if (more->older) {
        more->older->more->newer = more->newer;
    }
    more->session = NULL;
    more->newer = more->older = NULL;
}

/* The other half by its session, if exactly one unpaired IN and one OUT lie within five
 * seconds of each other. Both walks stop at the third channel at the latest. */
struct channel *pairing_partner(const struct channel *channel)
{
    if (!channel->more || !channel->more->session) {
        return NULL;
    }
    struct channel *partner = NULL;
    for (int direction = 0; direction < 2; direction++) {
        struct channel *other = direction ? channel->more->newer : channel->more->older;
        while (other) {
            int64_t apart = other->request.ns - channel->request.ns;
            if (apart > PAIRING_WINDOW || apart < -PAIRING_WINDOW) {
                break;
            }
            if (other->role == channel->role || partner) {
                return NULL;
            }
            partner = other;
            other = direction ? other->more->newer : other->more->older;
        }
    }
    return partner;
}

bool pairing_is_open(const struct channel *channel)
{
    const struct place *place = channel->place;
    if (!place || place->unpaired[!channel->role] == 0) {
        return false;
    }
    int64_t apart = place->latest[!channel->role] - channel_start(channel);
    return apart > -LONE_WAIT && apart < LONE_WAIT;
}
