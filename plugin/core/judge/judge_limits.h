/* judge_limits.h
 * From where on something is worth telling. judge.c has the defaults, each with its reason.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_JUDGE_LIMITS_H
#define OUTLOOKHTTP_JUDGE_LIMITS_H

#include <stdint.h>

/* Times are in nanoseconds, and not negative. */
struct judge_limits {
    /* of RPC over HTTP */
    int64_t handshake_wait; /* CONN/C1 or CONN/C2 has not come: the halves were not joined */
    int64_t comeback_wait;  /* a client that asks again within that comes back */
    int64_t buffered_wait;  /* what one leg has and the other not is held back */

    int64_t call_wait; /* a bind or call has not been answered */

    /* of both protocols */
    int64_t idle_least;   /* an end after less idle time is no time-out */
    int64_t gone_window;  /* ends of one server that belong together */
    int64_t expect_wait;  /* who sends no body for that long waits for a 100 */
    int64_t unread_least; /* who keeps his receive window closed for that long does not read */
    int64_t idle_alike;   /* idle times that differ by no more are those of one timer */
    int64_t quiet_alike;  /* the same, of ends that tell nothing else */
    int64_t kept_most;    /* a connection kept after a response is in use for that long */
    int64_t refused_wait; /* a server that refuses connections so long after it ended them was gone then */
    int64_t back_wait;    /* a server that is back answers within that */

    /* of MAPI/HTTP */
    int64_t loss_wait;                            /* for the client to connect anew after its context was refused */
    int64_t answer_wait;                          /* who waits for an answer that long has waited */
    int64_t notification_time;                    /* a NotificationWait may last that long */
    int64_t round_least, round_step, round_slack; /* time-outs of devices: multiples of round_step (> 0) */
    uint32_t big_token;                           /* characters of Authorization */

    /* of logons */
    int64_t slow_above; /* an answer to credentials that were accepted */
    int64_t very_slow_above;
    uint32_t refusals_told; /* in a row, of one user */
    uint32_t bearers_told;  /* empty ones, in a row */
};

extern const struct judge_limits judge_limits_default;

#endif
