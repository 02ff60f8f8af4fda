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
    struct side_memo *next, *before;   /* in judge->losing, while it is */
    uint32_t lost_frame, proven_frame; /* last refusal that was no expiration; a success since */
    uint8_t context;                   /* enum context_state, and the frame that showed it */
    uint32_t context_frame;
};

/* A finding that what follows can make void or another one. */
struct held {
    struct held *next; /* free ones */
    struct finding finding;
    bool known; /* how long the context lives */
    uint32_t code;
    size_t seen_len; /* how much of the words says what was seen of the refusal itself */
    int64_t idle_ns;
    uint64_t client; /* X-ClientInfo of the request, a digest; 0: none */
};

/* What is told of a side only when more is captured, or NULL. */
static inline const struct finding *side_memo_held(const struct side_memo *memo)
{
    return memo->lost && memo->lost->known ? &memo->lost->finding : NULL;
}

#endif
