/* exchange.c
 * Requests and which responses answer them, and the same request on several legs.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "session_private.h"

#define REMEMBERED_MAX 32        /* requests of one connection, by logons; MAPI/HTTP awaits all that it has */
#define NAMED_LOOKED_AT 64       /* requests of a connection, for the one that a response names */
#define SAME_LOOKED_AT 64        /* requests that are the same */
#define RELAY_WAIT (30 * SECOND) /* what comes later is sent again, not passed on */
#define RELAY_WAIT_WEAK (5 * SECOND)
#define COPY_WAIT (1 * SECOND)

/* ---- requests by what they are ------------------------------------------------------------ */

static struct exchange **slot_of(const struct exchanges *all, uint64_t id)
{
    return &all->slot[(uint32_t)(id ^ id >> 32) & (all->slots - 1)];
}

static void put(struct exchange **place, struct exchange *request)
{
    request->place = place;
    request->older = *place;
    if (request->older) {
        request->older->place = &request->older;
    }
    *place = request;
}

static void note_id(struct exchange *request, uint64_t id)
{
    struct track *track = request->link->track;
    struct exchanges *all = &track->exchanges;
    if (all->count == all->slots) {
        struct exchanges old = *all;
        all->slots = old.slots ? old.slots * 2 : 64;
        all->slot = arena_new(&track->arena, all->slots * sizeof(*all->slot));
        for (uint32_t i = 0; i < old.slots; i++) {
            struct exchange *newest_last = NULL;
            for (struct exchange *one = old.slot[i], *older; one; one = older) {
                older = one->older;
                one->older = newest_last;
                newest_last = one;
            }
            for (struct exchange *one = newest_last, *newer; one; one = newer) {
                newer = one->older;
                put(slot_of(all, one->id), one);
            }
        }
        arena_give_back(&track->arena, old.slot, old.slots * sizeof(*old.slot));
    }
    request->id = id;
    put(slot_of(all, id), request);
    all->count++;
}

static void forget_id(struct exchange *request)
{
    if (!request->id) {
        return;
    }
    *request->place = request->older;
    if (request->older) {
        request->older->place = request->place;
    }
    request->id = 0;
    request->link->track->exchanges.count--;
}

/* ---- where requests of MAPI/HTTP stand ---------------------------------------------------- */

static struct chain *chain_of(const struct exchange *request, enum standing where)
{
    return where == OF_SIDE ? &request->side->asking : &request->conn->fresh;
}

void request_leave(struct exchange *request, enum standing where)
{
    if (!request->stands[where].in) {
        return;
    }
    struct chain *chain = chain_of(request, where);
    struct exchange *next = request->stands[where].next, *prev = request->stands[where].prev;
    *(prev ? &prev->stands[where].next : &chain->first) = next;
    *(next ? &next->stands[where].prev : &chain->last) = prev;
    memset(&request->stands[where], 0, sizeof(request->stands[where]));
}

void request_enter(struct exchange *request, enum standing where)
{
    struct chain *chain = chain_of(request, where);
    const bool at_end = where == OF_FRAME;
    request->stands[where].in = true;
    request->stands[where].next = at_end ? NULL : chain->first;
    request->stands[where].prev = at_end ? chain->last : NULL;
    struct exchange *next = request->stands[where].next, *prev = request->stands[where].prev;
    *(prev ? &prev->stands[where].next : &chain->first) = request;
    *(next ? &next->stands[where].prev : &chain->last) = request;
}

/* ---- the lives of requests ------------------------------------------------------------------ */

void request_miss_response(const struct exchange *request, struct when when)
{
    if (request->side && !request->by_guid && !request->left) {
        request->side->unsure_frame = when.frame;
    }
}

void exchange_settle(struct exchange *request)
{
    request->settled = true;
    if (!request->conn) {
        forget_id(request); /* MAPI/HTTP finds it by this until the end of its response */
    }
}

void exchange_forget(struct exchange *request)
{
    exchange_settle(request);
    request->forgotten = true;
}

struct passed { /* a request as it was first seen, whether answered or not */
    uint64_t id;
    const struct conn *conn;
    struct session *session; /* that it began, NULL if none so far */
    uint32_t leg, came_from;
    struct passed *next; /* of the same slot */
};

/* The last ones, found by their id: where one is overwritten, it is the oldest, whatever the hash says. */
struct passed_ring {
    struct passed *slot[PASSED];
    struct passed of[PASSED];
    uint32_t next;
};

static struct passed *find_in_ring(const struct passed_ring *ring, uint64_t id)
{
    struct passed *one = ring->slot[id % PASSED];
    while (one && one->id != id) {
        one = one->next;
    }
    return one;
}

static void put_in_ring(struct passed_ring *ring, struct passed passed)
{
    struct passed *one = &ring->of[ring->next++ % PASSED];
    if (one->conn) {
        struct passed **place = &ring->slot[one->id % PASSED];
        while (*place != one) {
            place = &(*place)->next;
        }
        *place = one->next;
    }
    passed.next = ring->slot[passed.id % PASSED];
    *one = passed;
    ring->slot[passed.id % PASSED] = one;
}

/* ---- which leg is in front, by other means than time ------------------------------------------- */

static uint32_t address_digest(const struct conn *link, const struct endpoint *address)
{
    return (uint32_t)hash_keyed(&link->track->arena.key, 0xF0A1, address->addr, address_length(address)) | 1;
}

void exchange_came_from(struct exchange *request, const struct endpoint *address)
{
    request->came_from = address->family ? address_digest(request->link, address) : 0;
}

static bool came_over(uint32_t came_from, const struct conn *front)
{
    return came_from && came_from == address_digest(front, &front->client);
}

bool exchange_came_over(const struct exchange *request, const struct conn *front)
{
    return came_over(request->came_from, front);
}

static bool comes_before(const struct exchange *request, uint32_t first_came_from, const struct conn *first)
{
    const struct conn *second = request->link;
    return clocks_second_in_front(second, first, came_over(first_came_from, second),
                                  exchange_came_over(request, first));
}

static void join_legs(struct exchange *before, struct exchange *request)
{
    if (before->after) {
        before->after->before = NULL;
        before->after->front = NULL;
    }
    before->after = request;
    before->passed_on = true;
    request->before = before;
    request->front = before->link;
    request->front_expects = before->expects ? before->begin.frame : 0;
}

/* Where nothing else tells it. */
static uint32_t least_leg(const struct conn *link)
{
    return clocks_behind(link->track, &link->client, conn_server(link)) ? 1 : 0;
}

/* Nothing of the one says anything of the other. */
static void part_legs(struct exchange *before, struct exchange *request, void (*stands_alone)(struct exchange *request))
{
    if (!before || !request || !before->link->asked->cookie || !request->link->asked->cookie ||
        before->link->asked->cookie == request->link->asked->cookie) {
        return;
    }
    before->after = NULL;
    before->passed_on = false;
    before->below = (struct when){ .frame = 0 };
    before->below_offers = 0;
    before->below_answered = before->below_lower = before->below_type2 = false;
    request->before = NULL;
    request->front = NULL;
    request->leg = request->link->asked->leg = least_leg(request->link);
    request->relayed = request->leg > 0;
    stands_alone(request);
}

void exchange_of_cookie(struct conn *link, const uint8_t cookie[16], void (*stands_alone)(struct exchange *request))
{
    struct exchange *request = link->asked ? link->asked->last : NULL;
    if (!request) {
        return;
    }
    link->asked->cookie = (uint16_t)(hash_bytes(&link->track->arena, cookie, 16, 0xC00) | 1);
    part_legs(request->before, request, stands_alone);
    part_legs(request, request->after, stands_alone);
}

static void link_legs(struct exchange *before, struct exchange *request)
{
    if (request->begin.ns < before->begin.ns) {
        clocks_doubt(before->link, request->link, exchange_came_over(request, before->link));
    }
    join_legs(before, request);
}

/* It leaves, and the next leg still has it. */
static void note_gone_first(const struct exchange *request)
{
    if (request->message && request->after->conn) {
        struct gone_first *gone = arena_new(&request->link->track->arena, sizeof(*gone));
        *gone = (struct gone_first){ request->link, request->side, request->status, request->message->response_frame };
        request->after->gone_first = gone;
    }
}

void exchange_leave(struct exchange *request)
{
    request->left = true;
    request_leave(request, OF_SIDE);
    request_leave(request, OF_FRAME);
    if (request->before) {
        request->before->after = NULL;
    }
    if (request->after) {
        request->after->before = NULL;
        request->after->told_before = conn_doubt(request->link, NULL) == DOUBT_NONE;
        request->after->front = request->link->ended ? request->link : NULL;
        note_gone_first(request);
    }
    request->before = request->after = NULL;
    if (request->overlapped_by) {
        request->overlapped_by->overlaps = NULL;
    }
    if (request->overlaps) {
        request->overlaps->overlapped_by = NULL;
    }
    request->overlaps = request->overlapped_by = NULL;
    if (request->message) {
        ((struct record *)request->message)->request = NULL;
    }
    if (request->conn && request->conn->sending == request) {
        request->conn->sending = NULL;
    }
}

void exchange_free(struct exchange *request)
{
    exchange_leave(request);
    forget_id(request);
    spare_give(&request->link->track->exchanges.free, request);
}

/* Takes the oldest off the queue. */
static struct exchange *pop(struct conn *link)
{
    struct exchange *request = link->asked->first;
    struct queue *queue = link->asked;
    queue->first = request->next;
    if (!queue->first) {
        queue->last = NULL;
    }
    queue->count--;
    if (queue->remembered == request) {
        queue->remembered = request->next;
        queue->remembered_count--;
    }
    if (request->conn && request->conn->awaited == request) {
        request->conn->awaited = request->next;
    }
    request->next = NULL;
    return request;
}

void exchange_drop(struct conn *link)
{
    exchange_free(pop(link));
}

void exchange_drop_forgotten(struct conn *link)
{
    while (link->asked->first != link->asked->remembered) {
        exchange_drop(link);
    }
}

static void forget_oldest(struct conn *link)
{
    struct queue *queue = link->asked;
    exchange_forget(queue->remembered);
    queue->remembered = queue->remembered->next;
    queue->remembered_count--;
    if (!queue->first->conn) {
        exchange_drop(link);
        queue->passed_over++;
    }
}

void exchange_forget_all(struct conn *link)
{
    while (link->asked->remembered) {
        forget_oldest(link);
    }
    link->asked->passed_over = 0;
}

struct exchange *exchange_begin(struct conn *link, struct mapi_conn *conn, struct when when)
{
    struct queue *queue = link->asked;
    if (queue->remembered_count == REMEMBERED_MAX) {
        forget_oldest(link);
    }
    struct exchange *request = spare_take(&link->track->arena, &link->track->exchanges.free, sizeof(*request));
    request->link = link;
    request->conn = conn;
    request->begin = when;
    request->leg = NO_NUMBER;
    request->idle_ns = -1;
    request->scheme = request->user = request->site = "";
    *(queue->last ? &queue->last->next : &queue->first) = request;
    queue->last = request;
    queue->count++;
    queue->remembered = queue->remembered ? queue->remembered : request;
    queue->remembered_count++;
    if (conn && !conn->awaited) {
        conn->awaited = request;
    }
    return request;
}

/* ---- which response answers ------------------------------------------------------------------ */

struct exchange *exchange_oldest(const struct conn *link)
{
    return link->asked->passed_over ? NULL : link->asked->first;
}

static struct exchange *find_named(const struct conn *link, const struct request_id *id)
{
    struct exchange *request = link->asked->first;
    for (unsigned looked_at = 0; request && looked_at < NAMED_LOOKED_AT; request = request->next, looked_at++) {
        if (request->has_counter && request->counter == id->counter && request->guid == id->guid) {
            return request;
        }
    }
    return NULL;
}

/* The request that a response answers was not captured: those sent before it will not be
 * answered any more. */
static void pass_requests(struct conn *link, const struct request_id *id, struct when when)
{
    for (struct exchange *first = link->asked->first;
         first && first->has_counter && first->guid == id->guid && first->counter < id->counter;
         first = link->asked->first) {
        request_miss_response(first, when);
        exchange_drop(link);
    }
}

struct exchange *exchange_answered(struct conn *link, struct when when, const struct request_id *id)
{
    struct exchange *named = id ? find_named(link, id) : NULL, *oldest = link->asked->first;
    if (!named && link->knows_more) {
        return NULL; /* it answers what stands later, or was not captured */
    }
    if (named) {
        while (link->asked->first != named) {
            exchange_drop(link);
        }
        link->asked->passed_over = 0;
    } else if (id && oldest && oldest->has_counter && conn_doubt(link, NULL) != DOUBT_NONE) {
        pass_requests(link, id, when);
        return NULL;
    } else if (link->asked->passed_over) {
        link->asked->passed_over--;
        return NULL;
    }
    return oldest ? pop(link) : NULL;
}

/* ---- legs ------------------------------------------------------------------------------------- */

static bool is_loopback(const struct endpoint *end)
{
    static const uint8_t v6[16] = { [15] = 1 };
    return end->family == 4 ? end->addr[0] == 127 : memcmp(end->addr, v6, sizeof(v6)) == 0;
}

/* Whether addresses say so too, where the request itself says nothing: of the device, of the client, or of the host on
 * which all of it was captured. */
static bool ends_fit(const struct conn *front, const struct exchange *request)
{
    const struct conn *back = request->link;
    return same_address(conn_server(front), &back->client) || same_address(&front->client, &back->client) ||
           is_loopback(&back->client) || exchange_came_over(request, front) || way_is_known(front, back);
}

/* Whether a request passes on what the other one brought, as far as ends and times say.
 * A device may keep the client's address. The client may ask again elsewhere, but not within
 * the time a device takes. */
static bool may_pass_on(const struct exchange *before, const struct exchange *request, enum likeness like)
{
    const struct conn *a = before->link, *b = request->link;
    int64_t age = request->begin.ns - before->begin.ns;
    if ((before->after && !before->after->forgotten) || before->leg == NO_NUMBER ||
        age > (like == LIKE_REQUEST ? RELAY_WAIT : RELAY_WAIT_WEAK) || comes_before(request, before->came_from, a)) {
        return false;
    }
    if (endpoint_equal(conn_server(a), conn_server(b))) {
        /* Only a copy behind an address translation goes to the same server again. */
        return like == LIKE_REQUEST && !same_address(&a->client, &b->client) && age <= COPY_WAIT;
    }
    if (like == LIKE_MANY && !ends_fit(a, request)) {
        return false;
    }
    /* The device that passed it on once may do so again, to another server. */
    return before->leg == 0 || !same_address(&a->client, &b->client) || same_address(conn_server(a), &b->client);
}

/* A client that closed its sending side behind what it asked waits for the answer: what comes from where that went passes it
 * on all the same. */
static bool is_settled(const struct exchange *other, const struct exchange *request)
{
    const struct conn *a = other->link, *b = request->link;
    return other->settled &&
           (other->forgotten || a->ended_by_rst ||
            !(same_address(conn_server(a), &b->client) || exchange_came_over(request, a) || way_is_known(a, b)));
}

/* What another request is to one, if it is the same. */
enum kin { KIN_BEFORE, KIN_SIBLING, KIN_SENDER, KIN_NONE };

static enum kin kin_of(const struct exchange *other, const struct exchange *request, enum likeness like)
{
    const struct conn *a = other->link, *b = request->link;
    return is_settled(other, request)                                       ? KIN_NONE :
           may_pass_on(other, request, like)                                ? KIN_BEFORE :
           endpoint_equal(conn_server(a), conn_server(b))                   ? KIN_SIBLING :
           same_address(&a->client, &b->client) && !is_loopback(&b->client) ? KIN_SENDER :
                                                                              KIN_NONE;
}

/* The next older one of those that are the same, on other connections. */
static struct exchange *next_same(const struct exchange *after, const struct exchange *request, unsigned *looked_at)
{
    struct exchange *other = after->older;
    for (; other && *looked_at < SAME_LOOKED_AT; other = other->older) {
        *looked_at += other->id == request->id;
        if (other->id == request->id && other->link != request->link) {
            return other;
        }
    }
    return NULL;
}

/* The newest on the leg before that may pass it on; or, where that was not seen to wait any
 * more, the newest whose next leg was not seen. */
static struct exchange *find_before(const struct exchange *request, enum likeness like, bool waits)
{
    unsigned looked_at = 0;
    for (struct exchange *other = next_same(request, request, &looked_at); other;
         other = next_same(other, request, &looked_at)) {
        if (other->leg + 1 == request->leg &&
            (waits ? !is_settled(other, request) && may_pass_on(other, request, like) :
                     !other->after && !other->left)) {
            return other;
        }
    }
    return NULL;
}

/* Tells the leg by the newest of each kind. */
static struct exchange *find_kin(struct exchange *request, enum likeness like)
{
    struct exchange *kin[KIN_NONE + 1] = { NULL };
    unsigned looked_at = 0;
    for (struct exchange *other = next_same(request, request, &looked_at); other;
         other = next_same(other, request, &looked_at)) {
        struct exchange **first = &kin[kin_of(other, request, like)];
        *first = *first ? *first : other;
    }
    struct exchange *before = kin[KIN_BEFORE];
    if (kin[KIN_SIBLING]) {
        /* Sent again to where one went before: the same leg, whichever request it passes on. */
        request->leg = kin[KIN_SIBLING]->leg;
        before = find_before(request, like, true);
    } else if (!before && kin[KIN_SENDER]) {
        request->leg = kin[KIN_SENDER]->leg;
    }
    if (!before || before->leg + 1 >= LEGS_MAX) {
        return NULL;
    }
    request->leg = before->leg + 1;
    return before;
}

/* What stands first is a leg behind: the number that it has, or gets now, and the one before that is this one's. */
static void come_before(struct exchange *request, const struct conn *first, uint32_t *leg)
{
    clocks_doubt(request->link, first, true);
    *leg = *leg == 0 || *leg == NO_NUMBER ? 1 : *leg;
    request->leg = *leg - 1;
}

/* The same under way on a leg behind, which stands before it. What a user may send twice, once for each of two connections, is no
 * such: what stands behind the device then is what came of the other one. */
static bool find_behind(struct exchange *request)
{
    unsigned looked_at = 0;
    for (struct exchange *other = next_same(request, request, &looked_at); other;
         other = next_same(other, request, &looked_at)) {
        if (!comes_before(request, other->came_from, other->link)) {
            continue;
        }
        come_before(request, other->link, &other->leg);
        other->relayed = true;
        if (other->link->asked) {
            other->link->asked->leg = other->leg;
        }
        if (!other->before && !other->left && other->status == 0) {
            join_legs(request, other);
        }
        return true;
    }
    return false;
}

/* One that was answered before it came here: of another client, to another server, so it is the same on the other side of a
 * device, and the clocks differ. */
static void tell_by_passed(struct exchange *request, struct passed *passed)
{
    const struct conn *other = passed->conn;
    if (comes_before(request, passed->came_from, other)) {
        come_before(request, other, &passed->leg);
    } else if (passed->leg + 1 < LEGS_MAX) {
        request->leg = passed->leg + 1;
        clocks_doubt(other, request->link, exchange_came_over(request, other));
    }
}

static void find_passed(struct exchange *request, uint64_t id)
{
    struct exchanges *all = &request->link->track->exchanges;
    if (!all->passed) {
        all->passed = arena_new(&request->link->track->arena, sizeof(*all->passed));
    }
    struct passed *passed = find_in_ring(all->passed, id);
    const struct conn *other = passed ? passed->conn : NULL;
    const uint32_t leg = request->leg == NO_NUMBER ? least_leg(request->link) : request->leg;
    const bool first = request->leg == NO_NUMBER || leg == 0;
    if (request->leg == NO_NUMBER && other && other->server != request->link->server &&
        !same_address(&other->client, &request->link->client)) {
        tell_by_passed(request, passed);
    }
    if (other && other->server == request->link->server) {
        passed->conn = request->link;
        passed->leg = leg;
        passed->came_from = request->came_from;
    } else if (!other && first) { /* behind a device it is not as it was first seen */
        put_in_ring(all->passed,
                    (struct passed){ .id = id, .conn = request->link, .leg = leg, .came_from = request->came_from });
    }
}

void exchange_find_leg(struct exchange *request, uint64_t id, enum likeness like)
{
    struct exchange *before = NULL;
    uint32_t *shown = &request->link->asked->leg;
    if (id) {
        note_id(request, id);
        before = like == LIKE_REQUEST && find_behind(request) ? NULL : find_kin(request, like);
    }
    if (id && like == LIKE_REQUEST) {
        find_passed(request, id);
    }
    const uint32_t least = least_leg(request->link);
    if (request->leg == NO_NUMBER && least > 0) {
        request->leg = *shown == NO_NUMBER || *shown < least ? least : *shown;
    }
    request->relayed = request->leg != NO_NUMBER && request->leg > 0;
    if (request->leg == NO_NUMBER) {
        request->leg = *shown == NO_NUMBER ? 0 : *shown;
    }
    if (request->relayed || *shown == NO_NUMBER) {
        *shown = request->leg;
    }
    if (!before && id && like == LIKE_REQUEST) {
        before = find_before(request, like, false);
    }
    if (before) {
        link_legs(before, request);
        if (like == LIKE_USER) {
            way_note(before->link, request->link);
        }
    }
}

struct session **exchange_session(const struct exchange *request)
{
    const struct passed_ring *ring = request->link->track->exchanges.passed;
    struct passed *passed = ring && request->id ? find_in_ring(ring, request->id) : NULL;
    return passed ? &passed->session : NULL;
}
