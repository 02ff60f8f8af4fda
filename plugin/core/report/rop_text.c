/* rop_text.c
 * What is said of ROPs in one line.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "rop_text.h"

#include "names.h"

#include <inttypes.h>

#define RUNS_SHOWN 8u     /* of a message */
#define FAILURES_SHOWN 4u /* of these, whatever succeeded before them */

static void say_rop(struct text *text, uint8_t id)
{
    const char *name = rop_name(id);
    if (name) {
        say(text, "%s", name);
    } else {
        say(text, "0x%02X", (unsigned)id);
    }
}

static void say_error(struct text *text, uint32_t return_value)
{
    const char *name = ox_error_name(return_value);
    if (name) {
        say(text, "%s", name);
    } else {
        say(text, "0x%08" PRIX32, return_value);
    }
}

static void say_times(struct text *text, uint32_t count)
{
    if (count > 1) {
        say(text, " x%" PRIu32, count);
    }
}

/* ---- a message ---- */

/* Equal ROPs, one behind the other but for those of the other kind. */
struct run {
    const struct rop_note *rop;
    uint32_t count;
};

static bool went_wrong(const struct rop_message *message, const struct rop_note *rop)
{
    return message->response &&
           (rop_return_is_failure(rop->return_value) || rop->id == ROP_BACKOFF || rop->id == ROP_BUFFER_TOO_SMALL);
}

static bool has_rows(uint8_t id)
{
    return id == ROP_QUERY_ROWS || id == ROP_EXPAND_ROW;
}

/* Of the same kind, what is said of both is the same. */
static bool alike(const struct rop_note *one, const struct rop_note *other)
{
    const bool same_value = one->return_value == other->return_value ||
                            !(rop_return_is_failure(one->return_value) || rop_return_is_failure(other->return_value));
    return one->id == other->id && same_value && one->whole == other->whole &&
           (one->rows == other->rows || !(has_rows(one->id) || one->id == ROP_BACKOFF));
}

/* The next of what went wrong, or of what did not, from *at on. */
static bool next_run(const struct rop_message *message, bool wrong, uint32_t *at, struct run *run)
{
    *run = (struct run){ .rop = NULL };
    for (; *at < message->count; (*at)++) {
        const struct rop_note *rop = &message->notes[*at];
        if (went_wrong(message, rop) != wrong) {
            continue;
        }
        if (run->rop && !alike(run->rop, rop)) {
            break;
        }
        run->rop = run->rop ? run->rop : rop;
        run->count++;
    }
    return run->rop != NULL;
}

static uint32_t count_runs(const struct rop_message *message, bool wrong)
{
    struct run run;
    uint32_t count = 0;
    for (uint32_t at = 0; next_run(message, wrong, &at, &run);) {
        count++;
    }
    return count;
}

static void say_run(struct text *text, const struct rop_message *message, const struct run *run)
{
    const struct rop_note *rop = run->rop;
    say_rop(text, rop->id);
    if (message->response && rop_return_is_failure(rop->return_value)) {
        say(text, " ");
        say_error(text, rop->return_value);
    } else if (!rop->whole) {
        say(text, " (incomplete)");
    } else if (message->response && rop->id == ROP_BACKOFF) {
        say(text, " %" PRIu32 " ms", rop->rows);
    } else if (message->response && has_rows(rop->id)) {
        say(text, " %" PRIu32 " row%s", rop->rows, rop->rows == 1 ? "" : "s");
    }
    say_times(text, run->count);
}

static void say_runs(struct text *text, const struct rop_message *message, bool wrong, uint32_t limit)
{
    struct run run;
    uint32_t at = 0;
    for (uint32_t i = 0; i < limit && next_run(message, wrong, &at, &run); i++) {
        say(text, "%s", i > 0 ? ", " : "");
        say_run(text, message, &run);
    }
}

void rop_message_summary(const struct rop_message *message, struct text *text)
{
    const uint32_t right = count_runs(message, false), wrong = count_runs(message, true);
    const uint32_t room = right < RUNS_SHOWN - FAILURES_SHOWN ? RUNS_SHOWN - right : FAILURES_SHOWN;
    const uint32_t failures = wrong < room ? wrong : room;
    const uint32_t others = right < RUNS_SHOWN - failures ? right : RUNS_SHOWN - failures;
    say_runs(text, message, false, others);
    say(text, "%s", others > 0 && failures > 0 ? "; " : "");
    say_runs(text, message, true, failures);
    if (others + failures < right + wrong) {
        say(text, ", ... (%" PRIu32 " ROPs)", message->count);
    } else if (message->count > 0 && !message->response) {
        say(text, " (%" PRIu32 " ROP%s)", message->count, message->count == 1 ? "" : "s");
    }
}

/* ---- a row ---- */

#define KINDS_SHOWN 4u /* of failures */
#define NAMES_SHOWN 3u /* of the ROPs of the slowest message */

/* The kind that came most of those that are not shown yet; of two the one that came first. NULL: none is left. */
static const struct rop_failure *next_kind(const struct rop_totals *totals, const bool shown[ROP_FAILURES_KEPT])
{
    const struct rop_failure *most = NULL;
    for (uint32_t i = 0; i < totals->kinds; i++) {
        if (!shown[i] && (!most || totals->failures[i].count > most->count)) {
            most = &totals->failures[i];
        }
    }
    return most;
}

void rop_failure_say(struct text *text, const struct rop_failure *failure)
{
    say_rop(text, failure->id);
    if (failure->return_value != 0) {
        say(text, " ");
        say_error(text, failure->return_value);
    }
}

static void say_failures(struct text *text, const struct rop_totals *totals)
{
    bool shown[ROP_FAILURES_KEPT] = { false };
    const struct rop_failure *kind;
    uint32_t left = totals->failed;
    for (uint32_t i = 0; i < KINDS_SHOWN && (kind = next_kind(totals, shown)) != NULL; i++) {
        say(text, "%s", i > 0 ? ", " : "");
        rop_failure_say(text, kind);
        say_times(text, kind->count);
        shown[kind - totals->failures] = true;
        left -= kind->count;
    }
    if (left > 0) {
        say(text, ", others");
        say_times(text, left);
    }
}

static void say_slowest(struct text *text, const struct rop_message *response)
{
    const int64_t took = rop_message_took(response);
    const uint32_t runs = count_runs(response->other, false);
    say_runs(text, response->other, false, NAMES_SHOWN);
    say(text, "%s ", runs > NAMES_SHOWN ? ", ..." : "");
    if (took < 1000 * MILLISECOND) {
        say(text, "%.1f ms", (double)took / (double)MILLISECOND);
    } else {
        say(text, "%s", SECONDS(took));
    }
    say(text, " (frame %" PRIu32 ")", response->frame);
}

void rop_row_fill(struct rop_row *row, const struct rop_totals *totals)
{
    *row = (struct rop_row){ .calls = totals ? totals->calls : 0, .totals = totals };
    if (totals && totals->failed > 0) {
        say_failures(&row->failed, totals);
    }
    if (totals && totals->slowest) {
        say_slowest(&row->slowest, totals->slowest);
    }
}
