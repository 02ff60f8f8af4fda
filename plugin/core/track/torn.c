/* torn.c
 * TCP segments that came in IP fragments, and connections of which only the server's end was captured. Nobody follows
 * them, so what looks absent may have been in them; of the hosts that sent or got one, not of the others: a tunnel with
 * a short MTU tears all day long.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "conn.h"

#include "hash.h"

struct torn {
    struct keyed keyed;
    uint32_t frame;      /* the last in fragments */
    uint32_t halves;     /* connections of which the client's end was not captured so far */
    uint32_t half_frame; /* the last from the server's end on such */
};

struct half {
    struct keyed keyed; /* by both ends */
    bool is;            /* nothing of the client's end so far */
};

static uint64_t key_of_host(const struct track *track, const struct endpoint *host)
{
    return hash_keyed(&track->arena.key, 0x7041 + host->family, host->addr, address_length(host));
}

/* A host, and all in the network of another one: what a device sends from comes of one network. */
static uint64_t key_of_pair(const struct track *track, const struct endpoint *host, const struct endpoint *of_net)
{
    const size_t length = of_net->family == 4 ? 3 : 8; /* bytes of a network that everybody has */
    return hash_keyed(&track->arena.key, key_of_host(track, host), of_net->addr, length);
}

static struct torn *torn_of(struct track *track, uint64_t key)
{
    return keyed_make(&track->arena, &track->torn, key, sizeof(struct torn));
}

/* All that is found by one of two hosts, or by both. */
#define SIDES 4
static void torn_between(struct track *track, const struct endpoint *from, const struct endpoint *to,
                         struct torn *found[SIDES])
{
    found[0] = torn_of(track, key_of_host(track, from));
    found[1] = torn_of(track, key_of_host(track, to));
    found[2] = torn_of(track, key_of_pair(track, from, to));
    found[3] = torn_of(track, key_of_pair(track, to, from));
}

void track_torn(struct track *track, const struct endpoint *from, const struct endpoint *to, uint32_t frame)
{
    struct torn *found[SIDES];
    track->has_torn = true;
    torn_between(track, from, to, found);
    for (int i = 0; i < SIDES; i++) {
        found[i]->frame = frame;
    }
}

static uint64_t key_of_ends(const struct track *track, const struct endpoint *server, const struct endpoint *client)
{
    const uint64_t of_server = hash_keyed(&track->arena.key, server->port, server->addr, address_length(server));
    return hash_keyed(&track->arena.key, of_server ^ client->port, client->addr, address_length(client));
}

void track_half(struct track *track, const struct endpoint *server, const struct endpoint *client, uint32_t frame)
{
    struct torn *found[SIDES];
    struct half *half = keyed_make(&track->arena, &track->halves, key_of_ends(track, server, client), sizeof(*half));
    track->has_torn = true;
    torn_between(track, server, client, found);
    for (int i = 0; i < SIDES; i++) {
        found[i]->halves += !half->is;
        found[i]->half_frame = frame;
    }
    half->is = true;
}

void track_half_whole(struct track *track, const struct endpoint *server, const struct endpoint *client)
{
    struct half *half = keyed_find(&track->halves, key_of_ends(track, server, client));
    if (!half || !half->is) {
        return;
    }
    struct torn *found[SIDES];
    torn_between(track, server, client, found);
    for (int i = 0; i < SIDES; i++) {
        found[i]->halves--;
    }
    half->is = false;
}

static uint32_t last_of(const struct track *track, uint64_t key, bool half)
{
    const struct torn *torn = keyed_find(&track->torn, key);
    if (!torn || !half) {
        return torn ? torn->frame : 0;
    }
    return torn->halves ? torn->half_frame : 0;
}

static uint32_t last_beside(const struct conn *conn, bool half)
{
    const struct track *track = conn->track;
    if (!track->has_torn) {
        return 0;
    }
    const struct endpoint *server = conn_server(conn);
    const bool by_client = conn->asked && (conn->asked->leg == 0 || conn->asked->leg == NO_NUMBER);
    const uint32_t own = last_of(track, key_of_host(track, &conn->client), half);
    const uint32_t there =
        last_of(track, by_client ? key_of_pair(track, server, &conn->client) : key_of_host(track, server), half);
    return own > there ? own : there;
}

uint32_t conn_torn(const struct conn *conn)
{
    return last_beside(conn, false);
}

uint32_t conn_half_beside(const struct conn *conn)
{
    return last_beside(conn, true);
}
