/* slow.c
 * The slowest requests, and where the time of each type goes: network, device or server.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "slow.h"

#include "clocks.h"
#include "logon_state.h"
#include "mapi.h"
#include "rpch_state.h"
#include "sender.h"

#include <stdio.h>

#define SLOW_FROM SECOND /* what is answered sooner nobody waits for */
#define SLOW_TYPES_MAX 64
#define SLOW_TYPES_SAID 5 /* on the screen; JSON has all of those */

/* "1.2 ms", "12.3 s", in room that lasts as long as the caller's block. */
static const char *took_text(char to[SECONDS_TEXT_MAX], int64_t ns)
{
    const int64_t tenths = ns / (MILLISECOND / 10);
    if (ns >= SECOND) {
        return seconds_text(to, ns);
    }
    snprintf(to, SECONDS_TEXT_MAX, "%u.%u ms", (unsigned)(tenths / 10), (unsigned)(tenths % 10));
    return to;
}
#define TOOK(ns) took_text((char[SECONDS_TEXT_MAX]){ 0 }, ns)

const char *slow_where_name(enum slow_where where)
{
    static const char *const names[] = {
        [SLOW_NOT] = "",          [SLOW_NETWORK] = "NETWORK", [SLOW_DEVICE] = "NETWORK DEVICE",
        [SLOW_CLIENT] = "CLIENT", [SLOW_SERVER] = "SERVER",   [SLOW_CANNOT_TELL] = "CANNOT TELL"
    };
    return names[where];
}

/* ---- Where the time went ---------------------------------------------------------------- */

/* Bytes under way, both ways. */
static int64_t transfer_of(const struct slow_leg *leg)
{
    return leg->times.request + leg->times.response - leg->working;
}

/* What was behind the leg: nothing came, or a server of MAPI/HTTP said that it is at work. */
static int64_t behind_of(const struct slow_leg *leg)
{
    return leg->times.wait + leg->working;
}

static void decide(struct slow_row *row, enum slow_where where, bool seen)
{
    row->where = where;
    row->seen = seen;
}

/* The last leg whose time can be compared with those before it. */
static unsigned last_comparable(const struct slow_row *row)
{
    unsigned last = 0;
    while (last + 1 < row->legs && !row->leg[last + 1].clocks_differ) {
        last++;
    }
    return last;
}

/* Whether half of the time went between two legs, both of which were captured. */
static bool is_device(struct slow_row *row, unsigned last)
{
    for (unsigned i = 0; i < last; i++) {
        const int64_t between = behind_of(&row->leg[i]) - times_total(&row->leg[i + 1].times);
        if (between >= row->total / 2) {
            snprintf(row->why, sizeof(row->why), "%s of it passed between leg %u and leg %u", TOOK(between),
                     row->leg[i].leg, row->leg[i + 1].leg);
            decide(row, SLOW_DEVICE, true);
            return true;
        }
    }
    return false;
}

/* Whether half of the time bytes were under way. They come as slowly as the leg behind lets them: the last leg on which
 * they do is meant. */
static bool is_network(struct slow_row *row, unsigned last)
{
    for (unsigned i = last + 1; i-- > 0;) {
        const struct slow_leg *leg = &row->leg[i];
        const int64_t under_way = transfer_of(leg);
        if (under_way >= row->total / 2) {
            snprintf(row->why, sizeof(row->why), "bytes were under way for %s on leg %u%s", TOOK(under_way), leg->leg,
                     i == 0 && i == last ? "" : ", the last of those in this file where they are slow");
            decide(row, SLOW_NETWORK, true);
            return true;
        }
    }
    return false;
}

/* X-ElapsedTime: as the server told it, on whichever leg it was seen. */
static int64_t server_time(const struct slow_row *row)
{
    int64_t told = -1;
    for (unsigned i = 0; i < row->legs; i++) {
        told = row->leg[i].server_ns >= 0 ? row->leg[i].server_ns : told;
    }
    return told;
}

/* It was passed on, and nobody had answered when the client got its answer. */
static bool is_unanswered(struct slow_row *row, unsigned last)
{
    if (!row->unanswered || last + 1 != row->legs || clocks_differ(row->leg[last].conn, row->unanswered)) {
        return false;
    }
    const bool late = row->passed_on >= row->total / 2;
    snprintf(row->why, sizeof(row->why), "passed on to %s after %s, where nothing had answered by then",
             ENDPOINT(conn_server(row->unanswered)), TOOK(row->passed_on > 0 ? row->passed_on : 0));
    decide(row, late ? SLOW_DEVICE : SLOW_SERVER, late);
    return true;
}

static void judge_behind(struct slow_row *row, unsigned last)
{
    const struct slow_leg *leg = &row->leg[last];
    const int64_t told = server_time(row), waited = behind_of(leg);
    if (told >= row->total / 2) {
        snprintf(row->why, sizeof(row->why), "the server took %s by X-ElapsedTime", TOOK(told));
        decide(row, SLOW_SERVER, true);
    } else if (leg->round_trip >= waited / 2 && leg->round_trip > 0) {
        snprintf(row->why, sizeof(row->why), "a round trip takes %s on leg %u", TOOK(leg->round_trip), leg->leg);
        decide(row, SLOW_NETWORK, true);
    } else if (told >= 0) {
        snprintf(
            row->why, sizeof(row->why),
            "the server took only %s by X-ElapsedTime, which counts no logon: network, device or logon behind leg %u",
            TOOK(told), leg->leg);
        decide(row, SLOW_CANNOT_TELL, false);
    } else if (last + 1 < row->legs) {
        snprintf(row->why, sizeof(row->why), "behind leg %u, but the clocks of leg %u differ: server or device",
                 leg->leg, row->leg[last + 1].leg);
        decide(row, SLOW_CANNOT_TELL, false);
    } else if (is_unanswered(row, last)) {
        return;
    } else if (last > 0) {
        snprintf(row->why, sizeof(row->why), "%s of it passed behind leg %u, the last one in this file", TOOK(waited),
                 leg->leg);
        decide(row, SLOW_SERVER, false);
    } else {
        snprintf(row->why, sizeof(row->why),
                 "%s of it passed behind leg %u: server, or a device whose other side is not in this file",
                 TOOK(waited), leg->leg);
        decide(row, SLOW_CANNOT_TELL, false);
    }
}

static bool is_closed(const struct slow_row *row, unsigned leg, enum way way)
{
    return row->leg[leg].closed[way] >= row->total / 2;
}

static void say_closed(struct slow_row *row, unsigned leg, const char *who, const char *besides)
{
    const enum way way = row->leg[leg].closed[WAY_TO_SERVER] >= row->total / 2 ? WAY_TO_SERVER : WAY_TO_CLIENT;
    snprintf(row->why, sizeof(row->why), "%s did not read for %s: its receive window was closed on leg %u%s", who,
             TOOK(row->leg[leg].closed[way]), row->leg[leg].leg, besides);
}

/* The client's side of the first leg in this file may be that of a device. */
static bool is_clients_own(const struct slow_leg *leg)
{
    const struct logon_conn *logon = leg->conn->logon;
    return sender_at(leg->conn, leg->leg, logon && logon->forwarded) == SENDER_CLIENT;
}

/* The answer was not taken on that leg. */
static void judge_unread(struct slow_row *row, unsigned leg)
{
    if (leg > 0) {
        say_closed(row, leg, "the device that is its client", ", though its own client did");
        decide(row, SLOW_DEVICE, false);
    } else if (is_clients_own(&row->leg[0])) {
        say_closed(row, leg, "the client", "");
        decide(row, SLOW_CLIENT, false);
    } else {
        say_closed(row, leg, "the device that is its client", ", perhaps because its own client did not");
        decide(row, SLOW_CANNOT_TELL, false);
    }
}

/* Whether somebody did not read for half of the time. Who passes on waits for those beyond: the answer for the client's
 * side, the request for the server's. */
static bool is_unread(struct slow_row *row)
{
    for (unsigned i = 0; i < row->legs; i++) {
        if (is_closed(row, i, WAY_TO_SERVER)) {
            judge_unread(row, i);
            return true;
        }
    }
    for (unsigned i = row->legs; i-- > 0;) {
        if (is_closed(row, i, WAY_TO_CLIENT)) {
            const bool behind = i + 1 < row->legs, server = !behind && i > 0;
            say_closed(row, i,
                       server ? "the server" :
                       behind ? "the device" :
                                "what answers there",
                       behind ? ", though the leg behind took all" :
                       server ? "" :
                                ": server, or a device that waits for it");
            decide(row, behind ? SLOW_DEVICE : server ? SLOW_SERVER : SLOW_CANNOT_TELL, false);
            return true;
        }
    }
    return false;
}

static void judge(struct slow_row *row)
{
    const unsigned last = last_comparable(row);
    if (row->total >= SLOW_FROM && !is_unread(row) && !is_device(row, last) && !is_network(row, last)) {
        judge_behind(row, last);
    }
}

/* ---- Rows ------------------------------------------------------------------------------- */

static void add_leg(struct slow_row *row, const struct timing *timing, const struct timing *before)
{
    struct slow_leg *leg = &row->leg[row->legs++];
    *leg =
        (struct slow_leg){ .leg = timing->leg,
                           .stream = timing->conn->stream,
                           .times = timing->times,
                           .working = timing->working,
                           .server_ns = timing->server_ns,
                           .round_trip = timing->conn->round_trip > 0 ? timing->conn->round_trip * INT64_C(1000) : -1,
                           .conn = timing->conn,
                           .closed = { timing->closed[0] * (SECOND / 10), timing->closed[1] * (SECOND / 10) },
                           .clocks_differ = before && clocks_differ(before->conn, timing->conn) };
}

bool slow_row(const struct track *track, unsigned index, struct slow_row *row)
{
    const struct timings *timings = track ? track->timings : NULL;
    if (!timings || index >= timings->slow) {
        return false;
    }
    const struct timing *first = &timings->slowest[index];
    *row = (struct slow_row){ .vc = first->vc_leg ? first->vc_leg->vc->number : NO_NUMBER,
                              .session = first->sent ? first->sent->session : NO_NUMBER,
                              .asked_frame = first->asked.frame,
                              .ended_frame = first->ended.frame,
                              .total = times_total(&first->times) };
    operation_text(row->operation, first->operation);
    const struct timing *before = NULL;
    for (const struct timing *leg = first; leg && row->legs < TIMING_LEGS; leg = leg->below) {
        add_leg(row, leg, before);
        row->unanswered = leg->unanswered;
        row->passed_on = leg->passed_on;
        before = leg;
    }
    judge(row);
    return true;
}

static int64_t type_total(const struct type_times *type)
{
    return type->request + type->wait + type->response;
}

static const struct type_times *type_at(const struct timings *timings, unsigned number)
{
    const struct type_times *types = timings->types[number / OPERATIONS];
    return types && types[number % OPERATIONS].count > 0 ? &types[number % OPERATIONS] : NULL;
}

/* Those that took longest in all, the first first; how many. */
static unsigned longest_types(const struct timings *timings, uint16_t order[SLOW_TYPES_MAX])
{
    unsigned count = 0;
    for (unsigned number = 0; number < TIMING_LEGS * OPERATIONS; number++) {
        const struct type_times *type = type_at(timings, number);
        unsigned at = count;
        while (type && at > 0 && type_total(type_at(timings, order[at - 1])) < type_total(type)) {
            at--;
        }
        if (!type || at == SLOW_TYPES_MAX) {
            continue;
        }
        count += count < SLOW_TYPES_MAX;
        memmove(&order[at + 1], &order[at], (count - 1 - at) * sizeof(order[0]));
        order[at] = (uint16_t)number;
    }
    return count;
}

bool slow_type_row(const struct track *track, unsigned index, struct slow_type_row *row)
{
    const struct timings *timings = track ? track->timings : NULL;
    uint16_t order[SLOW_TYPES_MAX];
    if (!timings || index >= longest_types(timings, order)) {
        return false;
    }
    const struct type_times *type = type_at(timings, order[index]);
    *row = (struct slow_type_row){ .leg = order[index] / OPERATIONS,
                                   .count = type->count,
                                   .average = { .request = type->request / type->count,
                                                .wait = type->wait / type->count,
                                                .response = type->response / type->count },
                                   .longest = type->longest,
                                   .server_ns = type->told ? type->server_ns / type->told : -1 };
    operation_text(row->operation, (uint16_t)(order[index] % OPERATIONS));
    return true;
}

/* ---- Text ------------------------------------------------------------------------------- */

static void say_times(struct text *text, const struct times *times)
{
    say(text, "request %s, wait %s, response %s", TOOK(times->request), TOOK(times->wait), TOOK(times->response));
}

void slow_row_head(struct text *text, const struct slow_row *row)
{
    say(text, "%s, %s", row->operation, TOOK(row->total));
    if (row->vc != NO_NUMBER) {
        say(text, ", connection %u", row->vc);
    } else if (row->session != NO_NUMBER) {
        say(text, ", session %u", row->session);
    }
    say(text, ", frames %u to %u", row->asked_frame, row->ended_frame);
}

void slow_row_legs(struct text *text, const struct slow_row *row)
{
    for (unsigned i = 0; i < row->legs; i++) {
        const struct slow_leg *leg = &row->leg[i];
        say(text, "; leg %u to ", leg->leg);
        say_endpoint(text, conn_server(leg->conn));
        say(text, ": ");
        say_times(text, &leg->times);
        if (leg->working > 0) {
            say(text, " (%s of it at work)", TOOK(leg->working));
        }
        if (leg->round_trip >= 0) {
            say(text, ", round trip %s", TOOK(leg->round_trip));
        }
        if (leg->server_ns >= 0) {
            say(text, ", X-ElapsedTime %s", TOOK(leg->server_ns));
        }
    }
    if (row->where == SLOW_CANNOT_TELL) {
        say(text, "; CANNOT TELL: %s", row->why);
    } else if (row->where != SLOW_NOT) {
        say(text, "; %s (%s): %s", slow_where_name(row->where), row->seen ? "seen" : "inferred", row->why);
    }
}

static void slow_type_say(struct text *text, const struct slow_type_row *row)
{
    say(text, "%s, leg %u, %u of them: ", row->operation, row->leg, row->count);
    say_times(text, &row->average);
    say(text, " on average, longest %s", TOOK(row->longest));
    if (row->server_ns >= 0) {
        say(text, ", X-ElapsedTime %s", TOOK(row->server_ns));
    }
}

void slow_say(const struct track *track, struct out *out)
{
    struct slow_row row;
    struct slow_type_row type;
    for (unsigned i = 0; slow_row(track, i, &row); i++) {
        struct text line = { .used = 0 };
        slow_row_head(&line, &row);
        slow_row_legs(&line, &row);
        out_say(out, "%s\n", line.s);
    }
    for (unsigned i = 0; i < SLOW_TYPES_SAID && slow_type_row(track, i, &type); i++) {
        struct text line = { .used = 0 };
        slow_type_say(&line, &type);
        out_say(out, "%s\n", line.s);
    }
}

/* ---- JSON ------------------------------------------------------------------------------- */

static void times_members(struct json *json, const struct times *times)
{
    json_seconds(json, "request", times->request);
    json_seconds(json, "wait", times->wait);
    json_seconds(json, "response", times->response);
}

static void leg_object(struct json *json, const struct slow_leg *leg)
{
    json_object(json, NULL);
    json_number(json, "leg", leg->leg);
    json_string(json, "server", ENDPOINT(conn_server(leg->conn)));
    json_number(json, "stream", leg->stream);
    times_members(json, &leg->times);
    json_seconds(json, "working", leg->working);
    json_seconds(json, "round_trip", leg->round_trip);
    json_seconds(json, "x_elapsed_time", leg->server_ns);
    json_end_object(json);
}

static void row_object(struct json *json, const struct slow_row *row)
{
    json_object(json, NULL);
    json_string(json, "operation", row->operation);
    json_number_or_null(json, "connection", row->vc);
    json_number_or_null(json, "session", row->session);
    json_number(json, "first_frame", row->asked_frame);
    json_number(json, "last_frame", row->ended_frame);
    json_seconds(json, "seconds", row->total);
    json_string(json, "where", row->where == SLOW_NOT ? NULL : slow_where_name(row->where));
    json_bool(json, "seen", row->seen);
    json_string(json, "why", row->where == SLOW_NOT ? NULL : row->why);
    json_array(json, "legs");
    for (unsigned i = 0; i < row->legs; i++) {
        leg_object(json, &row->leg[i]);
    }
    json_end_array(json);
    json_end_object(json);
}

void slow_json(const struct track *track, struct json *json)
{
    struct slow_row row;
    struct slow_type_row type;
    json_array(json, "slow");
    for (unsigned i = 0; slow_row(track, i, &row); i++) {
        row_object(json, &row);
    }
    json_end_array(json);
    json_array(json, "slow_types");
    for (unsigned i = 0; slow_type_row(track, i, &type); i++) {
        json_object(json, NULL);
        json_string(json, "operation", type.operation);
        json_number(json, "leg", type.leg);
        json_number(json, "count", type.count);
        times_members(json, &type.average);
        json_seconds(json, "longest", type.longest);
        json_seconds(json, "x_elapsed_time", type.server_ns);
        json_end_object(json);
    }
    json_end_array(json);
}
