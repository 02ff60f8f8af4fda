/* slow.h
 * The slowest requests, and where the time of each type goes: network, device or server.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_SLOW_H
#define OUTLOOKHTTP_SLOW_H

#include "out.h"
#include "timing.h"

/* Where most of the time of a request went. */
enum slow_where {
    SLOW_NOT,        /* it was not slow */
    SLOW_NETWORK,    /* bytes under way, or an end that takes them slowly */
    SLOW_DEVICE,     /* between two legs that were captured */
    SLOW_CLIENT,     /* it did not read */
    SLOW_SERVER,     /* by X-ElapsedTime, or behind all that was captured of two legs and more */
    SLOW_CANNOT_TELL /* behind the place of capture */
};
const char *slow_where_name(enum slow_where where); /* "NETWORK" ... */

/* A leg of a request, the one next to the client first. */
struct slow_leg {
    uint32_t leg, stream; /* tcp.stream of the request */
    struct times times;
    int64_t working;    /* of times.response: until the server said DONE */
    int64_t server_ns;  /* X-ElapsedTime, -1 if that is not told */
    int64_t round_trip; /* of the connection's handshake, -1 if not captured */
    const struct conn *conn;
    bool clocks_differ; /* from those of the leg before: not compared with it */
    int64_t closed[2];  /* by enum way: how long the end that sends that way did not read what it was sent */
};

struct slow_row {
    char operation[OPERATION_TEXT_MAX];
    uint32_t vc, session; /* NO_NUMBER: none */
    uint32_t asked_frame, ended_frame;
    int64_t total; /* on the first leg */
    struct slow_leg leg[TIMING_LEGS];
    unsigned legs;
    const struct conn
        *unanswered; /* behind the last of them: passed on to it, and not answered; NULL if that was not seen */
    int64_t passed_on;
    enum slow_where where;
    bool seen;     /* else inferred */
    char why[160]; /* "" where it was not slow */
};

/* Of the slowest of the capture, the slowest first; false behind the last. track, here and below: NULL if nothing was
 * followed. */
bool slow_row(const struct track *track, unsigned index, struct slow_row *row);

/* All requests of one type on one leg. */
struct slow_type_row {
    char operation[OPERATION_TEXT_MAX];
    uint32_t leg, count;
    struct times average;
    int64_t longest;
    int64_t server_ns; /* average of X-ElapsedTime; -1 if none has it */
};

/* Of the types that took longest in all, on all legs; what waits in health aside. False behind the last. */
bool slow_type_row(const struct track *track, unsigned index, struct slow_type_row *row);

/* Text without a line end: what it was, how long it took, of which connection or session, and where it stands. */
void slow_row_head(struct text *text, const struct slow_row *row);
/* What goes on behind that, on a line of its own or with more between: each leg, and where the time went. */
void slow_row_legs(struct text *text, const struct slow_row *row);
/* All of them, the slowest first, and behind them the types that took most: a line each, with its line end. Nothing where
 * no request was answered; track may be NULL. */
void slow_say(const struct track *track, struct out *out);
/* The members "slow" and "slow_types". */
void slow_json(const struct track *track, struct json *json);

#endif
