/* blame.h
 * Who ended a channel, and whose doing that was: the one place where it is judged, from which end
 * closed first on which leg, what was outstanding, and what else ended when.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_BLAME_H
#define OUTLOOKHTTP_BLAME_H

#include "rpch.h"
#include "unread.h"

#define BLAME_TEXT_MAX 360
#define CUT_LOGS                                                                                                   \
    "the logs of firewalls, proxies and balancers on the way at this time, their limits for long bodies, and the " \
    "server's event log"

/* Whose doing it was, and what that follows from, as it stands behind "inferred: ". */
struct blame {
    enum verdict_where where;
    bool seen;
    const struct conn *hop; /* as in struct finding */
    char why[BLAME_TEXT_MAX];
};

/* Whether the server's end ended it because the client was not there any more, on this half or the other. */
bool blame_client_gone(const struct channel *channel);
/* Whether the server's end closed the channel's connection of its own accord, and neither a refusal,
 * a recycling, a silence before nor a client that was gone explains it. */
bool blame_server_ended(const struct channel *channel);
/* Whether an end of its leg does not read: the client OUT, or the server's end IN. link NULL: both do. */
struct unread blame_unread(const struct judge *judge, const struct leg *leg);
/* Whether the device did it: of the leg behind, which is whole, this channel was the first to end, by its own side. */
bool blame_device_ended(const struct channel *channel);
/* Of a channel in use that the server's end has closed now. */
struct blame blame_cut(const struct leg *leg, const struct channel *channel, struct when now);
/* The other half in the second behind such an end; MAY: it is not over, or not all was captured. */
enum half { HALF_ENDED, HALF_MAY_END, HALF_STAYED };
/* The same after idle time. */
struct blame blame_idle(const struct judge *judge, const struct channel *channel, int64_t idle_ns, struct when at,
                        enum half other);
/* Of data towards that end which nobody answers, after idle time. */
struct blame blame_silence(const struct channel *channel, enum way way, int64_t idle_ns);
/* Of a channel without its other half. */
struct blame blame_alone(const struct channel *channel);

/* How long the channel may be idle by what was announced, 0 if nothing was. */
int64_t channel_interval(const struct channel *channel);

#endif
