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

const struct verdict *outlook_take_verdicts(struct outlook *outlook)
{
    return judge_take(outlook->judge);
}
