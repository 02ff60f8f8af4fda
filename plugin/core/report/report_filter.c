/* report_filter.c
 * Display filters that select what a finding is about, of bounded length and in a form that all versions read.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "report_private.h"

#include <inttypes.h>
#include <stdlib.h>

#define RANGES_MAX 50 /* with the longest numbers some 1,000 characters */

static int by_value(const void *a, const void *b)
{
    const uint32_t one = *(const uint32_t *)a, other = *(const uint32_t *)b;
    return one < other ? -1 : one > other;
}

/* Behind those that follow each other from at on. */
static uint32_t run_end(const uint32_t *numbers, uint32_t count, uint32_t at)
{
    uint32_t end = at + 1;
    while (end < count && numbers[end] - numbers[end - 1] <= 1) {
        end++;
    }
    return end;
}

bool filter_say(struct out *out, const char *field, uint32_t *numbers, uint32_t count)
{
    if (count == 0) {
        return true;
    }
    qsort(numbers, count, sizeof(*numbers), by_value);
    if (numbers[0] == numbers[count - 1]) {
        out_say(out, "%s == %" PRIu32, field, numbers[0]);
        return true;
    }
    out_say(out, "%s in {", field);
    uint32_t at = 0;
    for (unsigned ranges = 0; at < count && ranges < RANGES_MAX; ranges++) {
        const uint32_t end = run_end(numbers, count, at), from = numbers[at], to = numbers[end - 1];
        out_say(out, "%s%" PRIu32, ranges ? ", " : "", from);
        if (to - from == 1) {
            out_say(out, ", %" PRIu32, to);
        } else if (to != from) {
            out_say(out, "..%" PRIu32, to);
        }
        at = end;
    }
    out_text(out, "}");
    return at == count;
}

/* The numbers of those of that noun, or the frames of what belongs to none. */
static uint32_t numbers_of(const struct finding_group *group, bool single, enum noun noun, uint32_t *numbers)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < group->count; i++) {
        const struct part *part = group->members[i].gravest;
        const bool is_single = part->noun == OF_LOGON || part->noun == OF_REQUEST;
        if (single ? is_single : part->noun == noun) {
            numbers[count++] = part->number;
        }
    }
    return count;
}

void filter_group(struct report *report, struct finding_group *group)
{
    static const struct {
        const char *field;
        bool single;
        enum noun noun;
    } kinds[] = { { "rpch.vc", false, OF_CONNECTION },
                  { "mapihttp.session", false, OF_SESSION },
                  { "frame.number", true, OF_LOGON } };
    struct out out = { .arena = report->arena };
    uint32_t *numbers = arena_new(report->arena, group->count * sizeof(*numbers));
    group->filter_whole = true;
    for (unsigned kind = 0; kind < COUNT_OF(kinds); kind++) {
        const uint32_t count = numbers_of(group, kinds[kind].single, kinds[kind].noun, numbers);
        if (count > 0 && out.used > 0) {
            out_text(&out, " or ");
        }
        group->filter_whole &= filter_say(&out, kinds[kind].field, numbers, count);
    }
    group->filter = out_string(&out);
    arena_give_back(report->arena, numbers, group->count * sizeof(*numbers));
}
