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
struct order {
    struct keyed keyed;
    bool proven;        /* on which side of the device it is */
    bool behind;        /* where proven: behind it */
    struct order *next; /* that was proved to be behind it later */
};

uint64_t clocks_leg_key(const struct track *track, const struct endpoint *client, const struct endpoint *server)
{
    return hash_address(track, hash_address(track, 0x04DE, client), server);
}

/* Whatever the client: a device of which another client showed it. */
static uint64_t key_of_device(const struct track *track, const struct endpoint *server)
{
    return hash_address(track, 0xDE71, server);
}

static void note_order(const struct conn *leg, bool proven, bool behind)
{
    struct track *track = leg->track;
    const uint64_t key = clocks_leg_key(track, &leg->client, conn_server(leg));
    struct order *order = keyed_make(&track->arena, &track->clocks, key, sizeof(*order));
    if (proven && behind && !order->behind) {
        *(track->behind_last ? &track->behind_last->next : &track->behind_first) = order;
        track->behind_last = order;
    }
    order->proven |= proven;
    order->behind |= proven && behind;
    if (!proven || !behind) {
        keyed_make(&track->arena, &track->clocks, key_of_device(track, conn_server(leg)), sizeof(struct keyed));
    }
}

bool clocks_take_behind(struct track *track, uint64_t *key)
{
    const struct order *order = track->behind_first;
    if (!order) {
        return false;
    }
    track->behind_first = order->next;
    track->behind_last = order->next ? track->behind_last : NULL;
    *key = order->keyed.key;
    return true;
}

/* The device passes on from the address that it listens on: the front leg leads to where the back leg comes from. */
static bool one_card(const struct conn *front, const struct conn *back)
{
    return same_address(conn_server(front), &back->client) && !same_address(conn_server(back), &front->client);
}

bool clocks_second_in_front(const struct conn *second, const struct conn *first, bool first_over, bool second_over)
{
    return one_card(second, first) || (first_over && !second_over);
}

void clocks_doubt(const struct conn *front, const struct conn *back, bool ordered)
{
    struct track *track = front->track;
    const bool proven = ordered || one_card(front, back);
    track->clocks_doubted = true;
    keyed_make(&track->arena, &track->clocks, key_of(front, back), sizeof(struct keyed));
    if (!proven) { /* whichever of them is taken for the front leg */
        keyed_make(&track->arena, &track->clocks, key_of(back, front), sizeof(struct keyed));
    }
    note_order(front, proven, false);
    /* All of them may be on one host. */
    note_order(back, proven,
               !same_address(&front->client, &back->client) || !same_address(conn_server(front), conn_server(back)));
}

static const struct order *order_of(const struct track *track, const struct endpoint *client,
                                    const struct endpoint *server)
{
    return track->clocks_doubted ? keyed_find(&track->clocks, clocks_leg_key(track, client, server)) : NULL;
}

bool clocks_unordered(const struct track *track, const struct endpoint *client, const struct endpoint *server)
{
    const struct order *order = order_of(track, client, server);
    return order && !order->proven;
}

bool clocks_behind(const struct track *track, const struct endpoint *client, const struct endpoint *server)
{
    const struct order *order = order_of(track, client, server);
    return order && order->behind;
}

bool clocks_hide_behind(const struct track *track, const struct endpoint *client, const struct endpoint *server)
{
    const struct order *order = order_of(track, client, server);
    return order ? !order->behind : track->clocks_doubted && keyed_find(&track->clocks, key_of_device(track, server));
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
