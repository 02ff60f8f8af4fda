/* mapi_memo.h
 * What is remembered of the sessions of MAPI/HTTP, for the rules and the report.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_MAPI_MEMO_H
#define OUTLOOKHTTP_MAPI_MEMO_H

#include "finding.h"
#include "session.h"

/* What its requests showed of the context of a session. */
enum context_state { CONTEXT_FINE, CONTEXT_LOST, CONTEXT_EXPIRED };

/* Of a session on one leg: side->memo, NULL while there is nothing to remember. */
struct side_memo {
    struct result result; /* of its row */
    const struct side *side;
    struct held *lost;                 /* refused for its context: what follows decides how grave that is */
    struct held *first, *last;         /* others that wait, oldest first */
    uint32_t lost_frame, proven_frame; /* last refusal that was no expiration; a success since */
    uint8_t context;                   /* enum context_state, and the frame that showed it */
    uint32_t context_frame;
};

/* A finding that what follows can make void or another one. */
struct held {
    struct held *next;            /* in the judge's queue; free ones */
    struct held *before, *behind; /* of the same side */
    struct side_memo *side;       /* NULL: of none */
    const struct server *server;  /* whose end decides */
    struct finding finding;
    /* of session.lost */
    const struct mapi_conn *conn; /* whose end decides */
    bool known;                   /* how long the context lives */
    uint32_t code;
    int64_t idle_ns;
};

/* What is told of a side only when more is captured, or NULL. */
static inline const struct finding *side_memo_held(const struct side_memo *memo)
{
    return memo->lost && memo->lost->known ? &memo->lost->finding : memo->first ? &memo->first->finding : NULL;
}

#endif
