/* clocks.c
 * Clocks that differ between two legs, by the addresses of the device between them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "clocks.h"

#include "hash.h"

static uint64_t hash_address(const struct track *track, uint64_t seed, const struct endpoint *end)
{
    return hash_keyed(&track->arena.key, seed + end->family, end->addr, address_length(end));
}

/* Where the front leg leads to and the back leg comes from: whatever the ports, over one card each. */
static uint64_t key_of(const struct conn *front, const struct conn *back)
{
    const struct track *track = front->track;
    return hash_address(track, hash_address(track, 0xC10C, conn_server(front)), &back->client);
}

/* A leg between two hosts, of a pair whose clocks differ. */
struct unordered {
    struct keyed keyed;
    bool proven; /* on which side of the device it is */
};

static uint64_t key_of_leg(const struct track *track, const struct endpoint *client, const struct endpoint *server)
{
    return hash_address(track, hash_address(track, 0x04DE, client), server);
}

static void note_order(const struct conn *leg, bool proven)
{
    struct track *track = leg->track;
    const uint64_t key = key_of_leg(track, &leg->client, conn_server(leg));
    struct unordered *unordered = keyed_make(&track->arena, &track->clocks, key, sizeof(*unordered));
    unordered->proven |= proven;
}

bool clocks_one_card(const struct conn *front, const struct conn *back)
{
    return same_address(conn_server(front), &back->client) && !same_address(conn_server(back), &front->client);
}

void clocks_doubt(const struct conn *front, const struct conn *back, bool ordered)
{
    struct track *track = front->track;
    const bool proven = ordered || clocks_one_card(front, back);
    track->clocks_doubted = true;
    keyed_make(&track->arena, &track->clocks, key_of(front, back), sizeof(struct keyed));
    if (!proven) { /* whichever of them is taken for the front leg */
        keyed_make(&track->arena, &track->clocks, key_of(back, front), sizeof(struct keyed));
    }
    note_order(front, proven);
    note_order(back, proven);
}

bool clocks_unordered(const struct track *track, const struct endpoint *client, const struct endpoint *server)
{
    const struct unordered *unordered =
        track->clocks_doubted ? keyed_find(&track->clocks, key_of_leg(track, client, server)) : NULL;
    return unordered && !unordered->proven;
}

bool clocks_differ(const struct conn *front, const struct conn *back)
{
    return keyed_find(&front->track->clocks, key_of(front, back)) != NULL;
}

void way_note(const struct conn *front, const struct conn *back)
{
    struct track *track = front->track;
    keyed_make(&track->arena, &track->ways, key_of(front, back), sizeof(struct keyed));
}

bool way_is_known(const struct conn *front, const struct conn *back)
{
    return keyed_find(&front->track->ways, key_of(front, back)) != NULL;
}
