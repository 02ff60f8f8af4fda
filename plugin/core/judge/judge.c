/* judge.c
 * Hands each event to the rules that hear it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "judge.h"

#include "event.h"
#include "finding.h"

struct judge *judge_new(const struct arena *arena, const struct judge_prefs *prefs)
{
    struct judge *judge = arena_new(arena, sizeof(*judge));
    judge->arena = *arena;
    if (prefs) {
        judge->prefs = *prefs;
    }
    return judge;
}

void judge_hear(void *ear, const struct event *event)
{
    struct judge *judge = ear;
    (void)judge;
    switch (event->kind) {       /* no default: a kind that nobody hears is a warning */
    case EVENT_KINDS:
        break;
    }
}

const struct verdict *judge_take(struct judge *judge)
{
    struct verdict_list all = { NULL, NULL };
    for (int kind = 0; kind < SUBJECTS; kind++) {
        verdict_move(&all, &judge->found[kind]);
    }
    return all.first;
}
