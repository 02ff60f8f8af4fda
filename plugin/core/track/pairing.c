/* pairing.c
 * What pairs channels without RTS: the same client and target, and OutlookSession or
 * SessionId.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "vconn_private.h"

struct place *world_place(struct rpch_state *world, const struct rpch_conn *conn, const char *target)
{
    const struct arena *arena = &world->track->arena;
    const struct endpoint *client = &conn->link->client;
    uint32_t hash = hash_bytes(arena, client->addr, address_length(client), 2) ^
                    (target ? hash_bytes(arena, target, strlen(target), 3) : 0);
    for (struct item *item = table_first(&world->places, hash); item; item = table_next(item)) {
        struct place *place = (struct place *)item;
        if (place->target == target && place->hop == conn->hop && same_address(&place->client, client)) {
            return place;
        }
    }
    struct place *place = world_new(world, sizeof(*place));
    place->target = target;
    place->hop = conn->hop;
    place->client = *client;
    table_add(arena, &world->places, &place->item, hash);
    return place;
}

static struct outlook_session *world_session(struct rpch_state *world, const struct place *place, const char *id)
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

void pairing_leave_place(struct channel *channel)
{
    if (channel->counted) {
        channel->counted = false;
        channel->place->unpaired[channel->role]--;
    }
}

void pairing_wait(struct channel *channel)
{
    struct place *place = channel->place;
    struct channel_more *more = channel->more;
    channel->counted = true;
    place->unpaired[channel->role]++;
    place->latest[channel->role] = channel->request.ns;
    const char *id = !more ? NULL : more->outlook_session ? more->outlook_session : more->session_id;
    if (!channel->target || !id) {
        return;
    }
    struct outlook_session *session = world_session(channel->conn->world, place, id);
    more->session = session;
    more->older = session->newest;
    if (session->newest) {
        session->newest->more->newer = channel;
    }
    session->newest = channel;
}

void pairing_leave(struct channel *channel)
{
    struct channel_more *more = channel->more;
    pairing_leave_place(channel);
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
            if (!begin_together(other->request.ns, channel->request.ns)) {
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

void pairing_numbered(struct channel *out)
{
    struct place *place = out->place;
    if (place && out->role == ROLE_OUT && place->numbered[0] != out) {
        place->numbered[1] = place->numbered[0];
        place->numbered[0] = out;
    }
}

static bool lacks_in(const struct channel *out, const struct channel *in)
{
    return out && out->role == ROLE_OUT && out->leg && out->place == in->place && !out->over && !out->refused &&
           channel_in_use(out) && !leg_other(out) && channel_tcp(out)->server == channel_tcp(in)->server &&
           in->request.ns - out->request.ns <= PAIRING_WINDOW;
}

struct channel *pairing_waiting_out(const struct channel *in)
{
    const struct place *place = in->place;
    if (!place || in->role != ROLE_IN || in->leg || !lacks_in(place->numbered[0], in) ||
        lacks_in(place->numbered[1], in)) {
        return NULL;
    }
    return place->numbered[0];
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
