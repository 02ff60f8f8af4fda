/* torn.c
 * TCP segments that came in IP fragments. Nobody follows them, so what looks absent may have been in them; of the hosts
 * that sent or got one, not of the others: a tunnel with a short MTU tears all day long.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "conn.h"

#include "hash.h"

struct torn {
    struct keyed keyed;
    uint32_t frame; /* the last */
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

static void note(struct track *track, uint64_t key, uint32_t frame)
{
    struct torn *torn = keyed_make(&track->arena, &track->torn, key, sizeof(*torn));
    torn->frame = frame;
}

void track_torn(struct track *track, const struct endpoint *from, const struct endpoint *to, uint32_t frame)
{
    track->has_torn = true;
    note(track, key_of_host(track, from), frame);
    note(track, key_of_host(track, to), frame);
    note(track, key_of_pair(track, from, to), frame);
    note(track, key_of_pair(track, to, from), frame);
}

static uint32_t last_of(const struct track *track, uint64_t key)
{
    const struct torn *torn = keyed_find(&track->torn, key);
    return torn ? torn->frame : 0;
}

uint32_t conn_torn(const struct conn *conn)
{
    const struct track *track = conn->track;
    if (!track->has_torn) {
        return 0;
    }
    const struct endpoint *server = conn_server(conn);
    const bool by_client = conn->asked && (conn->asked->leg == 0 || conn->asked->leg == NO_NUMBER);
    const uint32_t own = last_of(track, key_of_host(track, &conn->client));
    const uint32_t there =
        last_of(track, by_client ? key_of_pair(track, server, &conn->client) : key_of_host(track, server));
    return own > there ? own : there;
}
