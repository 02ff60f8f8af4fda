/* timing.c
 * Where the time of requests goes: the slowest of them, and each type's.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "timing.h"

#include "emsmdb.h"

#include <stdio.h>

uint16_t operation_of_type(uint8_t type)
{
    return type < MAPI_TYPES ? type : MAPI_UNKNOWN;
}

uint16_t operation_of_call(enum rpc_interface interface, uint16_t opnum)
{
    const unsigned number = opnum < OPERATION_OF_EACH ? opnum : OPERATION_OF_EACH - 1;
    return (uint16_t)(OPERATION_CALLS + (unsigned)interface * OPERATION_OF_EACH + number);
}

static const char *call_name(enum rpc_interface interface, uint16_t opnum)
{
    if (interface == RPC_EMSMDB || interface == RPC_ASYNC_EMSMDB) {
        return emsmdb_method_name(interface == RPC_EMSMDB ? EMSMDB : EMSMDB_ASYNC, opnum);
    }
    return rpc_operation_name(interface, opnum);
}

const char *operation_call_text(char to[OPERATION_TEXT_MAX], enum rpc_interface interface, uint16_t opnum)
{
    const char *name = call_name(interface, opnum);
    if (name) {
        snprintf(to, OPERATION_TEXT_MAX, "%s", name);
    } else {
        snprintf(to, OPERATION_TEXT_MAX, "operation %u", opnum);
    }
    return to;
}

const char *operation_text(char to[OPERATION_TEXT_MAX], uint16_t operation)
{
    char name[OPERATION_TEXT_MAX];
    if (operation < OPERATION_CALLS) {
        const char *type = mapi_type_name((enum mapi_type)operation);
        snprintf(to, OPERATION_TEXT_MAX, "%s", type ? type : operation == MAPI_NONE ? "(none)" : "(unknown)");
        return to;
    }
    const unsigned number = operation - OPERATION_CALLS, opnum = number % OPERATION_OF_EACH;
    const enum rpc_interface interface = (enum rpc_interface)(number / OPERATION_OF_EACH);
    if (opnum == OPERATION_OF_EACH - 1) {
        snprintf(name, sizeof(name), "operation %u and above", opnum);
    } else {
        operation_call_text(name, interface, (uint16_t)opnum);
    }
    snprintf(to, OPERATION_TEXT_MAX, "%.15s %.31s", rpc_interface_name(interface), name);
    return to;
}

static struct timings *timings_of(struct track *track)
{
    if (!track->timings) {
        track->timings = arena_new(&track->arena, sizeof(*track->timings));
    }
    return track->timings;
}

static void note_slow(struct timings *timings, const struct timing *timing)
{
    unsigned at = timings->slow;
    const int64_t total = times_total(&timing->times);
    while (at > 0 && times_total(&timings->slowest[at - 1].times) < total) {
        at--;
    }
    if (at == SLOWEST_KEPT) {
        return;
    }
    if (timings->slow < SLOWEST_KEPT) {
        timings->slow++;
    }
    for (unsigned i = timings->slow - 1; i > at; i--) {
        timings->slowest[i] = timings->slowest[i - 1];
    }
    timings->slowest[at] = *timing;
}

void timing_note(struct track *track, const struct timing *timing, bool front)
{
    struct timings *timings = timings_of(track);
    const unsigned leg = timing->leg < TIMING_LEGS ? timing->leg : TIMING_LEGS - 1;
    if (!timings->types[leg]) {
        timings->types[leg] = arena_new(&track->arena, OPERATIONS * sizeof(*timings->types[leg]));
    }
    struct type_times *type = &timings->types[leg][timing->operation];
    const int64_t total = times_total(&timing->times);
    type->count++;
    type->request += timing->times.request;
    type->wait += timing->times.wait;
    type->response += timing->times.response;
    type->longest = total > type->longest ? total : type->longest;
    if (timing->server_ns >= 0) {
        type->told++;
        type->server_ns += timing->server_ns;
    }
    if (front) {
        note_slow(timings, timing);
    }
}

void timing_count_closed(struct timing *timing, const struct conn *link, enum way way)
{
    const int64_t tenths = conn_closed_within(link, way, timing->asked.ns, timing->ended.ns) / (SECOND / 10);
    timing->closed[way] = (uint16_t)(tenths < UINT16_MAX ? tenths : UINT16_MAX);
}

const struct timing *timing_keep(struct track *track, const struct timing *timing)
{
    struct timing *kept = arena_new(&track->arena, sizeof(*kept));
    *kept = *timing;
    return kept;
}
