/* outlook.c
 * Ties state and judgement of one capture file together.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "outlook.h"

struct outlook *outlook_new(const struct arena *arena, const struct judge_prefs *prefs)
{
    struct outlook *outlook = arena_new(arena, sizeof(*outlook));
    outlook->judge = judge_new(arena, prefs);
    track_init(&outlook->track, arena, judge_hear, outlook->judge);
    outlook->rpch = vworld_new(&outlook->track);
    outlook->logons = aworld_new(&outlook->track);
    outlook->mapi = mworld_new(&outlook->track, outlook->logons);
    return outlook;
}

/* Puts more behind list. */
static void append(const struct verdict **list, const struct verdict *more)
{
    while (*list) {
        list = &((struct verdict *)(uintptr_t)*list)->next;
    }
    *list = more;
}

const struct verdict *outlook_take_verdicts(struct outlook *outlook)
{
    const struct verdict *all = judge_take(outlook->judge);
    append(&all, aworld_take_verdicts(outlook->logons));
    return all;
}
