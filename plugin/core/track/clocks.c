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

void clocks_doubt(const struct conn *front, const struct conn *back)
{
    struct track *track = front->track;
    track->clocks_doubted = true;
    keyed_make(&track->arena, &track->clocks, key_of(front, back), sizeof(struct keyed));
}

bool clocks_differ(const struct conn *front, const struct conn *back)
{
    return keyed_find(&front->track->clocks, key_of(front, back)) != NULL;
}
