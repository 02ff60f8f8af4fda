/* outstanding.c
 * Requests without their answers, and the same request on several legs.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "logon_private.h"

static struct same **same_slot(const struct aworld *world, uint64_t id)
{
    return &world->slot[digest_fold(id) & (world->slots - 1)];
}

static void sames_grow(struct aworld *world)
{
    struct same **old = world->slot;
    uint32_t old_slots = world->slots;
    world->slots = old_slots ? old_slots * 2 : 64;
    world->slot = arena_new(&world->arena, world->slots * sizeof(struct same *));
    for (uint32_t i = 0; i < old_slots; i++) {
        for (struct same *same = old[i]; same;) {
            struct same *next = same->next, **slot = same_slot(world, same->id);
            same->next = *slot;
            *slot = same;
            same = next;
        }
    }
    arena_give_back(&world->arena, old, old_slots * sizeof(struct same *));
}

static struct same *same_make(struct aworld *world, uint64_t id)
{
    if (world->sames >= world->slots) {
        sames_grow(world);
    }
    struct same **slot = same_slot(world, id);
    for (struct same *same = *slot; same; same = same->next) {
        if (same->id == id) {
            return same;
        }
    }
    struct same *same = world->free_sames;
    if (same) {
        world->free_sames = same->next;
    } else {
        same = arena_new(&world->arena, sizeof(*same));
    }
    same->id = id;
    same->newest = NULL;
    same->next = *slot;
    *slot = same;
    world->sames++;
    return same;
}

static void same_drop(struct aworld *world, struct same *same)
{
    struct same **place = same_slot(world, same->id);
    while (*place != same) {
        place = &(*place)->next;
    }
    *place = same->next;
    same->next = world->free_sames;
    world->free_sames = same;
    world->sames--;
}

/* The request is no longer outstanding; its answer may still come. */
void request_settle(struct aworld *world, struct arequest *request)
{
    struct same *same = request->same;
    if (!same) {
        return;
    }
    if (request->newer) {
        request->newer->older = request->older;
    } else {
        same->newest = request->older;
    }
    if (request->older) {
        request->older->newer = request->newer;
    }
    request->same = NULL;
    request->newer = request->older = NULL;
    if (!same->newest) {
        same_drop(world, same);
    }
}

/* Takes the oldest request of the connection away. */
void request_release(struct aconn *conn)
{
    struct arequest *request = conn->first;
    request_settle(conn->world, request);
    if (request->parent) {
        request->parent->child = NULL;
    }
    if (request->child) {
        request->child->parent = NULL;
    }
    conn->first = request->next;
    if (!conn->first) {
        conn->last = NULL;
    }
    conn->outstanding--;
    request->next = conn->world->free_requests;
    conn->world->free_requests = request;
}

void release_all(struct aconn *conn)
{
    conn->passed_over = 0;
    while (conn->first) {
        request_release(conn);
    }
}

struct arequest *request_add(struct aconn *conn, struct when when)
{
    struct aworld *world = conn->world;
    struct arequest *request = world->free_requests;
    if (request) {
        world->free_requests = request->next;
        memset(request, 0, sizeof(*request));
    } else {
        request = arena_new(&world->arena, sizeof(*request));
    }
    request->conn = conn;
    request->when = when;
    request->leg = NO_NUMBER;
    request->scheme = request->user = request->host = "";
    if (conn->last) {
        conn->last->next = request;
    } else {
        conn->first = request;
    }
    conn->last = request;
    conn->outstanding++;
    return request;
}

/* ---- legs ------------------------------------------------------------------------------ */

static bool is_loopback(const struct endpoint *end)
{
    static const uint8_t v6[16] = { [15] = 1 };
    return end->family == 4 ? end->addr[0] == 127 : memcmp(end->addr, v6, sizeof(v6)) == 0;
}

/* Whether a request passes on what the other one brought, as far as ends and times say.
 * A device may keep the client's address. The client may ask again elsewhere, but not within
 * the time a device takes. */
static bool may_pass_on(const struct arequest *before, const struct arequest *request, bool strong)
{
    const struct aconn *a = before->conn, *b = request->conn;
    int64_t age = request->when.ns - before->when.ns;
    if (before->child || before->leg == NO_NUMBER || age > (strong ? RELAY_WAIT : RELAY_WAIT_WEAK)) {
        return false;
    }
    if (endpoint_equal(conn_server(a->link), conn_server(b->link))) {
        /* Only a copy behind an address translation goes to the same server again. */
        return strong && !same_address(&a->link->client, &b->link->client) && age <= COPY_WAIT;
    }
    /* The device that passed it on once may do so again, to another server. */
    return before->leg == 0 || !same_address(&a->link->client, &b->link->client) || same_address(conn_server(a->link), &b->link->client);
}

/* The leg of a request among those that are the same. */
void request_leg(struct aconn *conn, struct arequest *request, uint64_t id, bool strong)
{
    struct same *same = same_make(conn->world, id);
    const struct arequest *sibling = NULL, *sender = NULL;
    struct arequest *parent = NULL, *before_sibling = NULL;
    unsigned looked_at = 0;
    for (struct arequest *other = same->newest; other && looked_at < RELAYS_LOOKED_AT; other = other->older) {
        looked_at++;
        if (other->conn == conn) {
            continue;
        }
        if (may_pass_on(other, request, strong)) {
            parent = parent ? parent : other;
        } else if (endpoint_equal(conn_server(other->conn->link), conn_server(conn->link))) {
            sibling = sibling ? sibling : other;
        } else if (same_address(&other->conn->link->client, &conn->link->client) && !is_loopback(&conn->link->client)) {
            sender = sender ? sender : other;
        }
    }
    /* Sent again to where one went before: the same leg, whichever request it passes on. */
    if (sibling) {
        looked_at = 0;
        for (struct arequest *other = same->newest; other && looked_at < RELAYS_LOOKED_AT; other = other->older) {
            looked_at++;
            if (!before_sibling && other->conn != conn && other->leg + 1 == sibling->leg &&
                may_pass_on(other, request, strong)) {
                before_sibling = other;
            }
        }
        parent = before_sibling;
        request->leg = sibling->leg;
    } else if (!parent && sender) {
        request->leg = sender->leg;
    }
    if (parent && parent->leg + 1 < LEGS_MAX) {
        request->leg = parent->leg + 1;
        request->parent = parent;
        parent->child = request;
        parent->passed_on = true;
    }
    request->relayed = request->leg != NO_NUMBER && request->leg > 0;
    request->same = same;
    request->older = same->newest;
    if (same->newest) {
        same->newest->newer = request;
    }
    same->newest = request;
}
