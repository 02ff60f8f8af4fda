/* calls.c
 * Binds and calls of a leg that wait for their answers (C706 12.6.4, MS-RPCE 3.3.1.5).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "timing.h"
#include "vconn_private.h"

#define FIRST_FRAGMENT 0x01 /* pfc_flags */
#define LAST_FRAGMENT 0x02
#define EARLIES 2 /* calls that were answered before they were sent: one may be a number that is used again */

static struct calls *calls_of(struct leg *leg)
{
    if (!leg->pending) {
        leg->pending = world_new(leg->vc->world, sizeof(*leg->pending));
    }
    return leg->pending;
}

/* The place of that call in the list, or of its end. */
static struct call **find_call(struct calls *calls, uint32_t id)
{
    struct call **place = &calls->first;
    while (*place && (*place)->id != id) {
        place = &(*place)->next;
    }
    return place;
}

static void remove_call(struct leg *leg, struct call **place)
{
    struct calls *calls = leg->pending;
    struct call *call = *place;
    *place = call->next;
    if (calls->last == call) {
        calls->last = NULL;
        for (struct call *left = calls->first; left; left = left->next) {
            calls->last = left;
        }
    }
    calls->count--;
    spare_give(&leg->vc->world->free_calls, call);
}

void calls_unsure(struct leg *leg)
{
    while (leg->pending && leg->pending->first) {
        remove_call(leg, &leg->pending->first);
    }
}

void calls_forget(struct leg *leg)
{
    calls_unsure(leg);
    if (leg->pending) {
        struct answered_calls *answered = leg->pending->answered;
        memset(leg->pending, 0, sizeof(*leg->pending));
        leg->pending->answered = answered;
    }
}

static enum rpc_interface interface_of(const struct calls *calls, uint16_t context)
{
    for (unsigned i = 0; i < calls->bounds; i++) {
        if (calls->bound[i].context == context) {
            return (enum rpc_interface)calls->bound[i].interface;
        }
    }
    return RPC_INTERFACE_UNKNOWN;
}

static void note_bound(struct calls *calls, const struct pdu_call *bind)
{
    for (unsigned i = 0; i < bind->bound_count; i++) {
        unsigned at = 0;
        while (at < calls->bounds && calls->bound[at].context != bind->bound[i].context) {
            at++;
        }
        if (at == BOUNDS_KEPT) {
            return; /* calls of a context that is not known are taken for those that wait */
        }
        calls->bound[at].context = bind->bound[i].context;
        calls->bound[at].interface = bind->bound[i].interface;
        calls->bounds = (uint8_t)(at == calls->bounds ? at + 1 : calls->bounds);
    }
}

static void tell_call(const struct call *call, struct pdu_outcome *outcome)
{
    outcome->is_call = call->ptype == RPC_REQUEST;
    outcome->interface = call->interface;
    outcome->opnum = call->opnum;
}

static void asked(struct leg *leg, const struct pdu_header *header, struct when first, struct pdu_outcome *outcome)
{
    struct calls *calls = calls_of(leg);
    struct call **place = find_call(calls, header->call_id), *call = *place;
    const bool answered_before = header->call_id > calls->highest && header->call_id == calls->early;
    if (header->call_id > calls->highest) {
        leg->skewed |= header->call_id <= calls->early && ++calls->earlies >= EARLIES;
        calls->highest = header->call_id;
    }
    if (call && (header->pfc_flags & FIRST_FRAGMENT)) {
        remove_call(leg, place); /* the number is used again: its answer was not captured */
        call = NULL;
    }
    if (!call && (!(header->pfc_flags & FIRST_FRAGMENT) || answered_before)) {
        return; /* its beginning was not captured, or it was answered already */
    }
    if (!call) {
        if (calls->count == CALLS_KEPT) {
            calls->lost = true;
            remove_call(leg, &calls->first);
        }
        call = spare_take(&leg->vc->world->track->arena, &leg->vc->world->free_calls, sizeof(*call));
        call->id = header->call_id;
        call->ptype = header->ptype;
        call->opnum = header->call.opnum;
        call->begin = leg_now(leg);
        call->first = first;
        *(calls->last ? &calls->last->next : &calls->first) = call;
        calls->last = call;
        calls->count++;
    }
    if (header->ptype == RPC_REQUEST) {
        call->interface = (uint8_t)interface_of(calls, header->call.context);
        call->waits = rpc_call_waits((enum rpc_interface)call->interface, call->opnum);
    } else {
        note_bound(calls, &header->call);
    }
    call->last = leg_now(leg);
    call->sent |= (header->pfc_flags & LAST_FRAGMENT) != 0;
    call->sent_at = leg_now(leg);
    tell_call(call, outcome);
}

/* ---- where the time of calls goes ------------------------------------------------------- */

/* The leg on which the same calls came before they were passed on to this one, NULL if that was not captured. */
static const struct leg *leg_before_device(const struct leg *leg)
{
    return leg->prev && leg_behind(leg->prev) == leg ? leg->prev : NULL;
}

static void keep_answered(struct leg *leg, const struct call *call, const struct timing *timing)
{
    struct calls *calls = leg->pending;
    if (!calls->answered) {
        calls->answered = world_new(leg->vc->world, sizeof(*calls->answered));
    }
    const unsigned at = calls->answered->next++ % CALLS_ANSWERED;
    calls->answered->call[at].id = call->id;
    calls->answered->call[at].timing = timing_keep(leg->vc->world->track, timing);
}

/* The same call behind the device: its number goes through unchanged. */
static const struct timing *find_answered(const struct leg *leg, const struct call *call)
{
    const struct leg *behind = leg_behind(leg);
    const struct answered_calls *answered = behind && behind->pending ? behind->pending->answered : NULL;
    for (unsigned i = 0; answered && i < CALLS_ANSWERED; i++) {
        const struct timing *timing = answered->call[(answered->next - 1 - i) % CALLS_ANSWERED].timing;
        if (timing && answered->call[(answered->next - 1 - i) % CALLS_ANSWERED].id == call->id) {
            return timing->ended.frame > call->begin.frame ? timing : NULL;
        }
    }
    return NULL;
}

/* The same call behind the device, without an answer so far; NULL if there is none, or not all was captured. */
static const struct call *find_unanswered(const struct leg *leg, const struct call *call)
{
    const struct leg *behind = leg_behind(leg);
    const struct call *other = behind && behind->pending && leg_whole(behind) ? leg_calls(behind) : NULL;
    while (other && (other->id != call->id || !call_lacks_answer(other))) {
        other = other->next;
    }
    return other;
}

/* The call was answered to its end. Its two halves came on two connections, whose clocks must be one. */
static const struct times *note_times(struct leg *leg, const struct call *call)
{
    struct track *track = leg->vc->world->track;
    const struct channel *in = leg->current[ROLE_IN], *asked_on = in ? in : leg->current[ROLE_OUT];
    if (!call->sent || !call->answer.frame || leg->skewed || !asked_on || call->ptype != RPC_REQUEST) {
        return NULL;
    }
    const struct when now = leg_now(leg);
    struct timing timing = { .server_ns = -1,
                             .asked = call->first,
                             .ended = now,
                             .conn = channel_tcp(asked_on),
                             .vc_leg = leg,
                             .below = find_answered(leg, call),
                             .operation = operation_of_call((enum rpc_interface)call->interface, call->opnum),
                             .leg = (uint8_t)(leg->number < TIMING_LEGS ? leg->number : TIMING_LEGS - 1) };
    timing.times = (struct times){ .request = call->sent_at.ns - call->first.ns,
                                   .wait = call->answer.ns - call->sent_at.ns,
                                   .response = now.ns - call->answer.ns };
    if (!times_possible(&timing.times)) {
        return NULL;
    }
    struct times *shown = world_new(leg->vc->world, sizeof(*shown));
    *shown = timing.times;
    timing_note_closed(&timing, leg->current[ROLE_OUT] ? channel_tcp(leg->current[ROLE_OUT]) : NULL, WAY_TO_SERVER);
    timing_note_closed(&timing, in ? channel_tcp(in) : NULL, WAY_TO_CLIENT);
    const struct call *other = timing.below ? NULL : find_unanswered(leg, call);
    if (other && leg_behind(leg)->current[ROLE_IN]) {
        timing.unanswered = channel_tcp(leg_behind(leg)->current[ROLE_IN]);
        timing.passed_on = other->sent_at.ns - call->sent_at.ns;
    }
    if (!call->waits) {
        const bool front = !leg_before_device(leg);
        if (!front) {
            keep_answered(leg, call, &timing);
        }
        timing_note(track, &timing, front);
    }
    return shown;
}

/* Whether anything is left that a client still needs the connection for. */
static void note_session(struct calls *calls, const struct call *call)
{
    const int holds = call->ptype == RPC_REQUEST ? rpc_call_holds((enum rpc_interface)call->interface, call->opnum) : 0;
    calls->released = holds < 0 && calls->holds == 1;
    if ((holds > 0 && calls->holds < INT16_MAX) || (holds < 0 && calls->holds > 0)) {
        calls->holds = (int16_t)(calls->holds + holds);
    }
}

/* It answers what was not sent before: by a number that is sent later, or a bind, with which all begins. */
static void answered_early(struct leg *leg, const struct pdu_header *header)
{
    struct calls *calls = calls_of(leg);
    if (header->call_id <= calls->highest) {
        return;
    }
    calls->early = header->call_id > calls->early ? header->call_id : calls->early;
    leg->skewed |= leg->current[ROLE_IN] && (header->ptype == RPC_BIND_ACK || header->ptype == RPC_ALTER_CONTEXT_RESP);
}

static void answered(struct leg *leg, const struct pdu_header *header, struct when first, struct pdu_outcome *outcome)
{
    struct call **place = leg->pending ? find_call(leg->pending, header->call_id) : NULL;
    if (!place || !*place) {
        answered_early(leg, header);
        return;
    }
    struct call *call = *place;
    call->answer = call->answering ? call->answer : first;
    call->answering = true;
    call->last = leg_now(leg);
    tell_call(call, outcome);
    if (header->pfc_flags & LAST_FRAGMENT) {
        outcome->times = note_times(leg, call);
        note_session(leg->pending, call);
    }
    if ((header->pfc_flags & LAST_FRAGMENT) || header->ptype == RPC_BIND_NAK) {
        remove_call(leg, place);
    }
}

void calls_pdu(struct leg *leg, enum way way, const struct pdu_header *header, struct when first,
               struct pdu_outcome *outcome)
{
    switch (header->ptype) {
    case RPC_REQUEST:
    case RPC_BIND:
    case RPC_ALTER_CONTEXT:
        if (way == WAY_TO_SERVER) {
            asked(leg, header, first, outcome);
        }
        break;
    case RPC_ORPHANED: /* the client waits no longer (C706 12.6.4.8) */
        if (way == WAY_TO_SERVER && leg->pending && *find_call(leg->pending, header->call_id)) {
            remove_call(leg, find_call(leg->pending, header->call_id));
        }
        break;
    case RPC_RESPONSE:
    case RPC_FAULT:
    case RPC_BIND_ACK:
    case RPC_BIND_NAK:
    case RPC_ALTER_CONTEXT_RESP:
        if (way == WAY_TO_CLIENT) {
            answered(leg, header, first, outcome);
        }
        break;
    default:
        break;
    }
}

void calls_missed(struct leg *leg)
{
    if (leg->pending) {
        leg->pending->lost = true;
    }
}
