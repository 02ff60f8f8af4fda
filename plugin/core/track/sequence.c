/* sequence.c
 * The order of requests: counters of X-RequestId, and two of one context at a time
 * (MS-OXCMAPIHTTP 2.2.3.3.2, 3.1.5.1).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "session_private.h"

static struct ids *series_ids(struct mapi_state *world, struct series *series, uint32_t leg)
{
    struct ids *ids = series->ids;
    while (ids && ids->leg != leg) {
        ids = ids->next;
    }
    if (!ids && leg < LEGS_MAX) {
        ids = arena_new(&world->arena, sizeof(*ids));
        ids->leg = leg;
        ids->next = series->ids;
        series->ids = ids;
    }
    return ids;
}

/* How many of the counters between two were sent. */
static uint32_t ids_between(const struct ids *ids, uint32_t low, uint32_t high)
{
    uint32_t found = 0;
    for (unsigned i = 0; i < ids->count; i++) {
        found += ids->recent[i].counter > low && ids->recent[i].counter < high;
    }
    return found;
}

static bool was_noted(const struct ids *ids, struct sent_id id)
{
    for (unsigned i = 0; i < ids->count; i++) {
        if (ids->recent[i].counter == id.counter && ids->recent[i].waits == id.waits) {
            return true;
        }
    }
    return false;
}

/* A counter that skips: there are requests that the capture does not hold. NotificationWait
 * may count with the others or apart. */
void sequence_note_id(struct exchange *request)
{
    struct ids *ids = series_ids(request->conn->world, request->series, request->leg == NO_NUMBER ? 0 : request->leg);
    uint32_t counter = request->counter;
    unsigned which = is_notification(request);
    request->ids = ids;
    if (!ids) {
        return;
    }
    if (is_connect(request->type)) { /* they may begin anew, with the same GUID */
        ids->known[0] = ids->known[1] = false;
        ids->count = ids->at = 0;
    }
    if (is_disconnect(request->type)) {
        ids->leaving_frame = request->begin.frame;
    }
    const struct sent_id id = { .counter = counter, .waits = which == 1 };
    uint32_t last = ids->last[which];
    request->again = was_noted(ids, id);
    request->below_again = request->again && ids->known[which] && counter < last;
    if (request->below_again) { /* those before explain no skip */
        ids->known[0] = ids->known[1] = false;
        ids->count = ids->at = 0;
    }
    if (ids->known[which] && counter > last && counter - last - 1 > ids_between(ids, last, counter)) {
        ids->jump_frame = request->begin.frame;
    }
    if (!ids->known[which] || counter > last) {
        ids->known[which] = true;
        ids->last[which] = counter;
    }
    if (was_noted(ids, id)) {
        return;
    }
    ids->recent[ids->at] = id;
    ids->at = (uint8_t)((ids->at + 1) % IDS_MAX);
    ids->count = ids->count < IDS_MAX ? (uint8_t)(ids->count + 1) : IDS_MAX;
}

static bool from_one_host(const struct mapi_conn *one, const struct mapi_conn *other)
{
    return same_address(&one->link->client, &other->link->client);
}

static void note_other(struct exchange *request, const struct exchange *other)
{
    request->other.frame = other->begin.frame;
    request->other.stream = other->conn->link->stream;
    request->other.type = other->type;
    request->other.status = other->status;
    request->other.conn = other->conn;
    request->other.both = false;
    request->other.abandoned = other->abandoned;
}

void sequence_note_overlap(struct exchange *request)
{
    unsigned looked_at = 0;
    if (is_notification(request)) {
        return;
    }
    for (struct exchange *other = request->side->asking.first; other && looked_at < SEARCH_MAX;
         other = other->stands[OF_SIDE].next, looked_at++) {
        bool resend = other->has_counter && request->has_counter && other->guid == request->guid &&
                      other->counter == request->counter;
        const bool had = other->link == request->link && request->link->knows_more; /* its answer, which stands later */
        if (is_notification(other) || other->done || resend || had || other->overlapped_by ||
            !from_one_host(other->conn, request->conn)) {
            continue;
        }
        request->overlaps = other;
        other->overlapped_by = request;
        note_other(request, other);
        return;
    }
}

static void remember_id(struct side *side, uint32_t counter, enum outcome outcome)
{
    for (unsigned i = 0; i < RECENT_MAX; i++) {
        if (side->recent[i].used && side->recent[i].counter == counter) {
            side->recent[i].outcome = (uint8_t)outcome;
            return;
        }
    }
    if (outcome == OUTCOME_NONE) {
        unsigned i = side->recent_next++ % RECENT_MAX;
        side->recent[i].used = true;
        side->recent[i].counter = counter;
        side->recent[i].outcome = OUTCOME_NONE;
    }
}

static bool was_sent(const struct side *side, uint32_t counter)
{
    for (unsigned i = 0; i < RECENT_MAX; i++) {
        if (side->recent[i].used && side->recent[i].counter == counter) {
            return true;
        }
    }
    return false;
}

static bool may_be_sent_again(const struct side *side, uint32_t counter)
{
    for (unsigned i = 0; i < RECENT_MAX; i++) {
        if (side->recent[i].used && side->recent[i].counter == counter) {
            return side->recent[i].outcome != OUTCOME_ANSWERED;
        }
    }
    return false;
}

/* X-RequestId of a context rises (2.2.3.3.2); NotificationWait counts apart. */
void sequence_note_counter(struct exchange *request)
{
    struct side *side = request->side;
    unsigned which = is_notification(request);
    if (!request->has_counter) {
        return;
    }
    if (is_connect(request->type) || side->guid != request->guid) {
        side->guid = request->guid;
        side->has_counter[0] = side->has_counter[1] = false;
        memset(side->recent, 0, sizeof(side->recent));
    }
    if (side->has_counter[which] && request->counter < side->counter[which]) {
        /* Of two connections, each perhaps with a clock of its own, only what one host sent twice is out of order for
         * sure: of another it may be a leg behind. */
        const struct mapi_conn *last = side->counter_conn[which];
        if (may_be_sent_again(side, request->counter) ||
            (last != request->conn && (!was_sent(side, request->counter) || !from_one_host(last, request->conn)))) {
            return;
        }
        request->below_counter = side->counter[which];
        request->below_frame = side->counter_frame[which];
    }
    side->has_counter[which] = true;
    side->counter[which] = request->counter;
    side->counter_frame[which] = request->begin.frame;
    side->counter_conn[which] = request->conn;
    remember_id(side, request->counter, OUTCOME_NONE);
}

/* What the server answered stands on the leg behind before it stands here. */
static void compare_clocks(const struct exchange *request, const struct reply *reply, struct when when)
{
    const struct there *there = &request->there;
    if (there->conn && reply->status == 200 && reply->message->has_code &&
        (there->status ? there->status_ns > when.ns : conn_doubt(there->conn->link, NULL) == DOUBT_NONE)) {
        clocks_doubt(request->link, there->conn->link, there->ordered);
    }
    const struct gone_first *gone = request->gone_first;
    if (gone && gone->status == reply->status) {
        /* What it says now has been passed on already. */
        clocks_doubt(gone->link, request->link, exchange_came_over(request, gone->link));
    }
}

/* The older of two gets more of its answer: until then what is last of it may have been lost, without trace where its
 * connection carries nothing else. */
static bool show_overlap(struct exchange *older)
{
    struct exchange *newer = older->overlapped_by;
    const bool here = older->other.frame > older->begin.frame && !older->other.both;
    const bool there = newer && !newer->other.both;
    older->other.both |= here;
    if (there) {
        newer->other.both = true;
    }
    return here || there;
}

void sequence_note_more(struct exchange *request, struct when when)
{
    if (show_overlap(request)) {
        request_emit(request, EVENT_OVERLAP_SHOWN, when);
    }
}

void sequence_note_answer(struct exchange *request, const struct reply *reply, struct when when)
{
    enum outcome outcome = OUTCOME_ANSWERED;
    request->answered = true;
    request->status = reply->status;
    if (reply->status == 401 || reply->status == 407 || reply->status / 100 == 3 || reply->status == 503) {
        outcome = OUTCOME_AGAIN;
    }
    if (request->side && request->has_counter && !request->by_guid && request->side->guid == request->guid) {
        remember_id(request->side, request->counter, outcome);
    }
    if (request->before) {
        request->before->there.status = reply->status;
        request->before->there.status_frame = when.frame;
        request->before->there.status_ns = when.ns;
    }
    compare_clocks(request, reply, when);
    if (request->link->answers_older && request->overlapped_by && request->overlapped_by->link == request->link) {
        request->overlapped_by->overlaps = NULL; /* the client had this answer by then */
        memset(&request->overlapped_by->other, 0, sizeof(request->overlapped_by->other));
        request->overlapped_by = NULL;
    }
    if (request->overlapped_by) {
        request->overlapped_by->other.status = reply->status;
    }
    show_overlap(request);
    if (request->overlaps && !request->overlaps->other.frame && !request->other.both) {
        note_other(request->overlaps, request);
    }
    request_emit(request, EVENT_STATUS, when);
}
