/* report_rops.c
 * What the report says of ROPs: how many failed, and how often a busy server put clients off. None of that is a finding:
 * many a ROP fails in any mailbox, and whether it matters is known to who misses something.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "names.h"
#include "report_page.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define SORTS_KEPT 64u
#define SORTS_SHOWN 4u
#define HOLDERS_SHOWN 3u
#define ROPS_LINES 4u
#define OX_NOT_FOUND UINT32_C(0x8004010F)
#define OX_NOT_SUPPORTED UINT32_C(0x80040102)
#define OX_NULL_OBJECT 0x4B9u
#define OX_NO_REPLICA_HERE 0x468u

/* A connection or session, by the leg of it that shows most. */
struct holder {
    const struct part *part;
    const struct rop_totals *totals;
};

struct rops {
    struct holder *holders;
    uint32_t count, calls, failed, busy, busy_frame, longest_wait_ms;
    struct rop_failure sorts[SORTS_KEPT]; /* but for those of a busy server */
    uint32_t sort_count;
};

/* Looks for what need not be there, asks what not every store has, is sent to another server, or goes on with what was not
 * opened before. */
static bool is_routine(const struct rop_failure *failure)
{
    if (failure->id == ROP_LOGON) {
        return failure->return_value == OX_WRONG_SERVER;
    }
    switch (failure->return_value) {
    case OX_NOT_FOUND:
    case OX_NOT_SUPPORTED:
    case OX_NULL_OBJECT:
    case OX_NO_REPLICA_HERE:
        return true;
    default:
        return false;
    }
}

/* ---- What was counted ---------------------------------------------------------------------- */

static const struct rop_totals *totals_of(const struct report *report, const struct part *part)
{
    struct session_row session;
    struct leg_row leg;
    if (part->noun == OF_SESSION && mapi_state_row(report->input.mapi, part->row, &session)) {
        return session.rops.totals;
    }
    return part->noun == OF_CONNECTION && rpch_state_row(report->input.rpch, part->row, &leg) ? leg.rops.totals : NULL;
}

/* Behind a device the same ROPs pass again: the leg counts of which most was read. */
static struct holder holder_of(const struct report *report, const struct member *member)
{
    struct holder holder = { .part = NULL };
    for (uint32_t i = 0; i < member->count; i++) {
        const struct rop_totals *totals = totals_of(report, &member->parts[i]);
        if (totals &&
            (!holder.totals || totals->calls + totals->failed > holder.totals->calls + holder.totals->failed)) {
            holder = (struct holder){ &member->parts[i], totals };
        }
    }
    return holder;
}

static void add_sort(struct rops *rops, const struct rop_failure *failure)
{
    uint32_t at = 0;
    while (at < rops->sort_count &&
           (rops->sorts[at].id != failure->id || rops->sorts[at].return_value != failure->return_value)) {
        at++;
    }
    if (at == SORTS_KEPT) {
        return;
    }
    if (at == rops->sort_count) {
        rops->sorts[rops->sort_count++] = *failure;
        return;
    }
    rops->sorts[at].count += failure->count;
    rops->sorts[at].frame = failure->frame < rops->sorts[at].frame ? failure->frame : rops->sorts[at].frame;
}

static void add_holder(struct rops *rops, const struct holder *holder)
{
    const struct rop_totals *totals = holder->totals;
    rops->calls += totals->calls;
    rops->failed += totals->failed - totals->busy;
    if (totals->busy > 0 && (rops->busy == 0 || totals->busy_frame < rops->busy_frame)) {
        rops->busy_frame = totals->busy_frame;
    }
    rops->busy += totals->busy;
    if (totals->longest_wait_ms > rops->longest_wait_ms) {
        rops->longest_wait_ms = totals->longest_wait_ms;
    }
    for (uint32_t i = 0; i < totals->kinds; i++) {
        if (!rop_is_busy(totals->failures[i].id, totals->failures[i].return_value)) {
            add_sort(rops, &totals->failures[i]);
        }
    }
    rops->holders[rops->count++] = *holder;
}

/* What is not routine first, then what came most, then what came first. */
static int by_weight(const void *a, const void *b)
{
    const struct rop_failure *one = a, *other = b;
    if (is_routine(one) != is_routine(other)) {
        return is_routine(one) ? 1 : -1;
    }
    if (one->count != other->count) {
        return one->count > other->count ? -1 : 1;
    }
    if (one->frame != other->frame) {
        return one->frame < other->frame ? -1 : 1;
    }
    return one->id != other->id ? (one->id < other->id ? -1 : 1) :
                                  (one->return_value > other->return_value) - (one->return_value < other->return_value);
}

static struct rops *gather(const struct report *report)
{
    struct rops *rops = arena_new(report->arena, sizeof(*rops));
    rops->holders = arena_new(report->arena, (report->member_count + 1) * sizeof(*rops->holders));
    for (uint32_t i = 0; i < report->member_count; i++) {
        const struct holder holder = holder_of(report, &report->members[i]);
        if (holder.totals) {
            add_holder(rops, &holder);
        }
    }
    if (rops->sort_count > 1) {
        qsort(rops->sorts, rops->sort_count, sizeof(rops->sorts[0]), by_weight);
    }
    return rops;
}

/* ---- The screen ---------------------------------------------------------------------------- */

/* "Logon AccessDenied (frame 33), CreateMessage QuotaExceeded x2 (first in frame 40)", or the routine ones. */
static void say_sorts(struct out *out, const struct rops *rops, bool routine)
{
    uint32_t shown = 0, left = 0;
    for (uint32_t i = 0; i < rops->sort_count; i++) {
        const struct rop_failure *sort = &rops->sorts[i];
        struct text text = { .used = 0 };
        if (is_routine(sort) != routine) {
            continue;
        }
        if (shown == SORTS_SHOWN) {
            left += sort->count;
            continue;
        }
        rop_failure_say(&text, sort);
        out_text(out, shown > 0 ? ", " : routine ? "; often harmless: " : ": ");
        out_text(out, text.s);
        if (sort->count > 1) {
            out_say(out, " x%s", COUNTED(sort->count));
        }
        if (!routine) {
            out_say(out, " (%sframe %" PRIu32 ")", sort->count > 1 ? "first in " : "", sort->frame);
        }
        shown++;
    }
    if (left > 0) {
        out_say(out, " and %s more", COUNTED(left));
    }
}

static uint32_t failures_of(const struct holder *holder, bool busy)
{
    return busy ? holder->totals->busy : holder->totals->failed - holder->totals->busy;
}

/* "in session 0 of alice (NTLM), connection 3 of bob (Basic) and 2 more", those with most first. */
static void say_holders(struct page *page, const struct rops *rops, bool busy)
{
    const struct report *report = page->report;
    bool *shown = arena_new(report->arena, (rops->count + 1) * sizeof(*shown));
    uint32_t count = 0, left = 0;
    out_empty(&page->line);
    out_text(&page->line, "in ");
    for (;;) {
        const struct holder *most = NULL;
        for (uint32_t i = 0; count < HOLDERS_SHOWN && i < rops->count; i++) {
            const uint32_t here = failures_of(&rops->holders[i], busy);
            if (!shown[i] && here > 0 && (!most || here > failures_of(most, busy))) {
                most = &rops->holders[i];
            }
        }
        if (!most) {
            break;
        }
        shown[most - rops->holders] = true;
        out_say(&page->line, "%s%s %" PRIu32, count++ ? ", " : "",
                most->part->noun == OF_SESSION ? "session" : "connection", most->part->number);
        out_text(&page->line, most->part->user[0] ? " of " : "");
        out_text(&page->line, most->part->user);
    }
    for (uint32_t i = 0; i < rops->count; i++) {
        left += !shown[i] && failures_of(&rops->holders[i], busy) > 0;
    }
    if (left > 0) {
        out_say(&page->line, " and %s more", COUNTED(left));
    }
    page_put(page, PAGE_INDENT, 2, "         ", &page->line);
}

static void say_failed(struct page *page, const struct rops *rops)
{
    out_empty(&page->line);
    out_say(&page->line, "%s of ", COUNTED(rops->failed));
    out_count(&page->line, rops->calls, "remote operation (ROP)", "remote operations (ROPs)");
    out_text(&page->line, " failed (filter: rop.failed)");
    say_sorts(&page->line, rops, false);
    say_sorts(&page->line, rops, true);
    page_put(page, PAGE_INDENT, ROPS_LINES, "rops     ", &page->line);
    say_holders(page, rops, false);
}

static void say_busy(struct page *page, const struct rops *rops)
{
    out_empty(&page->line);
    out_text(&page->line, "a busy server told a client ");
    out_count(&page->line, rops->busy, "time", "times");
    out_text(&page->line, " to wait");
    if (rops->longest_wait_ms > 0) {
        out_say(&page->line, ", %s%s", rops->busy > 1 ? "at most " : "",
                SPAN((int64_t)rops->longest_wait_ms * MILLISECOND));
    }
    out_say(&page->line,
            " (filter: rop.backoff, first in frame %" PRIu32 "); see the mailbox's throttling policy, and ",
            rops->busy_frame);
    out_text(&page->line, "what the server was busy with at this time");
    page_put(page, PAGE_INDENT, ROPS_LINES, "put off  ", &page->line);
    say_holders(page, rops, true);
}

void page_rops(struct page *page)
{
    const struct rops *rops = gather(page->report);
    if (rops->busy > 0) {
        say_busy(page, rops);
    }
    if (rops->failed > 0) {
        say_failed(page, rops);
    }
}

/* ---- JSON ---------------------------------------------------------------------------------- */

static void put_holders(struct json *json, const char *key, const struct rops *rops, enum noun noun)
{
    json_array(json, key);
    for (uint32_t i = 0; i < rops->count; i++) {
        if (rops->holders[i].part->noun == noun && rops->holders[i].totals->failed > 0) {
            json_number(json, NULL, rops->holders[i].part->number);
        }
    }
    json_end_array(json);
}

static void put_sort(struct json *json, const struct rop_failure *sort)
{
    char id[8];
    const char *name = rop_name(sort->id);
    snprintf(id, sizeof(id), "0x%02X", sort->id);
    json_object(json, NULL);
    json_string(json, "rop", name ? name : id);
    json_string(json, "error", ox_error_name(sort->return_value));
    json_number(json, "code", sort->return_value);
    json_number(json, "count", sort->count);
    json_number(json, "first_frame", sort->frame);
    json_bool(json, "routine", is_routine(sort));
    json_end_object(json);
}

void rops_json(const struct report *report, struct json *json)
{
    const struct rops *rops = gather(report);
    json_object(json, "rops");
    json_number(json, "calls", rops->calls);
    json_number(json, "failed", rops->failed);
    json_number(json, "put_off", rops->busy);
    json_seconds(json, "longest_wait", rops->longest_wait_ms > 0 ? (int64_t)rops->longest_wait_ms * MILLISECOND : -1);
    json_number_or_null(json, "put_off_frame", rops->busy > 0 ? rops->busy_frame : NO_NUMBER);
    json_array(json, "kinds");
    for (uint32_t i = 0; i < rops->sort_count; i++) {
        put_sort(json, &rops->sorts[i]);
    }
    json_end_array(json);
    put_holders(json, "connections", rops, OF_CONNECTION);
    put_holders(json, "sessions", rops, OF_SESSION);
    json_end_object(json);
}
