/* rpch_memo.h
 * What the judge remembers of virtual connections, on their objects' memos.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_RPCH_MEMO_H
#define OUTLOOKHTTP_RPCH_MEMO_H

#include "finding.h"
#include "rpch_state.h"

/* leg->attempt_memo; begins with what was told of it */
struct attempt_memo {
    struct once once;
    struct once late[2]; /* buffered, by enum role: a device may hold back both ways */
};

/* leg->memo. What is withheld is so of the present attempt, and counts only if that has a
 * memo. */
struct leg_memo {
    struct result result;
};

/* The memos of a connection and a channel are each a struct once. */

/* server->memo[CONN_RPCH]: who ended when. */
struct server_ends {
    const struct server *of;
    uint32_t waiting;             /* of its channels, in judge->idle_first */
    const struct leg *end_leg[2]; /* whose channel in use it ended last, and one of another vc */
    struct when ended[2];
    struct when foreign_end;     /* of a connection without such a channel */
    const struct vc *foreign_vc; /* that connection's, or NULL */
    struct when told;            /* server_gone, or the last end that belongs to it */
};

/* An end that may be an idle time-out, unless the server turns out to be gone. */
struct idle_end {
    struct idle_end *next;
    const struct channel *channel;
    struct server_ends *server;
    int64_t idle_ns;
    struct finding finding; /* begun with the end; words and frame are those of hindsight */
};

#endif
