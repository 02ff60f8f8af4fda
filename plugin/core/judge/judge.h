/* judge.h
 * Hears what state emits, and finds what is wrong. It keeps a memory of its own and writes
 * no state.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_JUDGE_H
#define OUTLOOKHTTP_JUDGE_H

#include "judge_limits.h"
#include "verdict.h"

struct event;
struct judge;

/* What the user decides. All zero: the defaults. */
struct judge_prefs {
    const struct judge_limits *limits; /* copied; NULL: judge_limits_default */
    bool same_proxy_required;          /* rpch.routing.proxies_differ is a warning (Exchange 2007/2010) */
};

/* All memory comes from the arena. prefs: NULL for the defaults. */
struct judge *judge_new(const struct arena *arena, const struct judge_prefs *prefs);
/* For track_init(); judge is a struct judge. */
void judge_hear(void *judge, const struct event *event);

/* What the events since the last call have proved, in the order of enum subject_kind, or NULL;
 * to be shown on the frame of those events. */
const struct verdict *judge_take(struct judge *judge);

#endif
