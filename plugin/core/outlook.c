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
    const struct vprefs vprefs = { prefs && prefs->same_proxy_required };
    outlook->rpch = vworld_new(&outlook->track, &vprefs);
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
    const struct verdict *all = vworld_take_verdicts(outlook->rpch);
    append(&all, mworld_take_verdicts(outlook->mapi));
    append(&all, aworld_take_verdicts(outlook->logons));
    append(&all, judge_take(outlook->judge));
    return all;
}
