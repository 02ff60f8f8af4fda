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
    if (run->count > 1) {
        say(text, " x%" PRIu32, run->count);
    }
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
