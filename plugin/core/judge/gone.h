/* gone.h
 * A server that ends all its connections, in either protocol: which ends belong together, and
 * what is said of it. What each protocol remembers of a server is its own.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_GONE_H
#define OUTLOOKHTTP_GONE_H

#include "finding.h"

/* Whether an end before, if there was one, belongs together with one now. */
static inline bool gone_together(const struct judge *judge, struct when before, struct when now)
{
    return before.frame && now.ns - before.ns <= judge->limits.gone_window;
}

/* Whether ends that belong to one at that time may still come. Time that goes back ends the wait. */
static inline bool gone_may_follow(const struct judge *judge, struct when end, struct when now)
{
    return now.ns - end.ns <= judge->limits.gone_window && now.ns >= end.ns;
}

/* Begins the finding, which is always told; the rule goes on with what the server ended. */
struct finding gone_begin(struct judge *judge, const struct server *server, struct subject subject, struct when when);
/* Says what follows from that, and tells it. */
void gone_tell(struct finding *finding);

#endif
