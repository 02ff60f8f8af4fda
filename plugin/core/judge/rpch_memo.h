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
    uint32_t gone_frame; /* the frame of its first end, where that counts for its server: gone.h */
    bool unopened;       /* in the list of its comeback */
    const struct leg *older_unopened;
};

/* The memos of a connection and a channel are each a struct once. */

#define IDLE_ENDS 8 /* of one server, that are compared */

struct idle_time {    /* after which the server's end closed a channel */
    struct when when; /* frame 0: none */
    int64_t idle_ns;
    const struct channel *channel;
    const struct vc *vc;
    bool told; /* its row has an idle time-out of it */
};

#define COMEBACKS 8 /* clients at one place that are told apart, by their session or user */

struct comeback {
    bool used;
    const char *session, *user; /* session, if it has one; else user, or neither */
    const struct leg *leg;      /* whose channel the server's end closed last, and that channel */
    const struct channel *channel;
    struct when ended;            /* frame 0: the client has come back since */
    const struct channel *before; /* the one before that it closed, or NULL */
    struct when before_ended;
    uint32_t asked_frame;       /* where it came back */
    unsigned count;             /* how often, in a row */
    const struct leg *unopened; /* of that session, the newest that did not open; or NULL */
};

struct comebacks { /* place->memo */
    struct comeback of[COMEBACKS];
    unsigned next;
};

/* server->idle_memo */
struct idle_times {
    struct idle_time of[IDLE_ENDS];
    unsigned next;
};

/* An end that may be an idle time-out, unless the server turns out to be gone; or that was told to be one, with whose
 * doing it is as far as that showed. */
struct idle_end {
    struct idle_end *next;
    const struct channel *channel;
    int64_t idle_ns;
    bool told;
    struct finding finding; /* begun with the end; words and frame are those of hindsight, unless it was told */
};

#endif
