/* timing.h
 * Where the time of a request goes: until it is sent, until its answer begins, until that is through. Of MAPI/HTTP and
 * of the calls of RPC over HTTP alike, on each leg.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_TIMING_H
#define OUTLOOKHTTP_TIMING_H

#include "bodies.h"
#include "conn.h"
#include "operations.h"

/* Request types and operations of all interfaces in one row of numbers, for tables and filters. */
#define OPERATION_CALLS 64u    /* the first that is no request type */
#define OPERATION_OF_EACH 32u  /* of an interface; what is above has the last of these numbers */
#define OPERATION_INTERFACES 7 /* enum rpc_interface */
#define OPERATIONS (OPERATION_CALLS + OPERATION_INTERFACES * OPERATION_OF_EACH)
#define OPERATION_TEXT_MAX 48

uint16_t operation_of_type(uint8_t type); /* enum mapi_type */
uint16_t operation_of_call(enum rpc_interface interface, uint16_t opnum);
/* The name of an operation, without its interface; "operation 77" where the specification has none. */
const char *operation_call_text(char to[OPERATION_TEXT_MAX], enum rpc_interface interface, uint16_t opnum);
/* "Execute", "NSPI NspiQueryRows". */
const char *operation_text(char to[OPERATION_TEXT_MAX], uint16_t operation);

/* In nanoseconds. */
struct times {
    int64_t request;  /* from its first to its last byte */
    int64_t wait;     /* from there to the first byte of the answer */
    int64_t response; /* from there to its last byte */
};

struct leg;
struct mapi_message;

/* One request that was answered, on one leg. */
struct timing {
    struct times times;
    int64_t working;                 /* of times.response: until the server said DONE; 0 if it does not say */
    int64_t server_ns;               /* how long it took by X-ElapsedTime; -1 if that is not told */
    struct when asked, ended;        /* first byte of the request, last of the answer */
    const struct conn *conn;         /* that the request came on */
    const struct leg *vc_leg;        /* of a call, else NULL */
    const struct mapi_message *sent; /* the response, of MAPI/HTTP, else NULL */
    const struct timing *below;      /* the same request on the leg behind; NULL: not captured, or not paired */
    const struct conn *unanswered; /* where it was passed on to and not answered, all of which was captured; or NULL */
    int64_t passed_on;             /* that long behind its end; of those that have unanswered */
    uint16_t operation;
    uint8_t leg;        /* 0 is the one seen first */
    uint16_t closed[2]; /* by enum way: how long who sends that way did not read, in tenths of a second */
};

#define TIMING_LEGS 8
#define SLOWEST_KEPT 10

/* Of all of one operation on one leg. */
struct type_times {
    uint32_t count;
    int64_t request, wait, response, longest; /* sums, and the longest of all three together */
    uint32_t told;                            /* how many have X-ElapsedTime */
    int64_t server_ns;                        /* the sum of these */
};

struct timings {
    struct timing slowest[SLOWEST_KEPT]; /* the slowest first; of each request the leg that is next to the client */
    unsigned slow;
    struct type_times *types[TIMING_LEGS]; /* by operation; NULL: none on that leg */
};

static inline int64_t times_total(const struct times *times)
{
    return times->request + times->wait + times->response;
}

/* Whether they can be: no step took less than nothing. */
static inline bool times_possible(const struct times *times)
{
    return times->request >= 0 && times->wait >= 0 && times->response >= 0;
}

/* Takes a request into account. front: no leg before it was captured. What waits in health is the caller's to keep away. */
void timing_note(struct track *track, const struct timing *timing, bool front);
void timing_count_closed(struct timing *timing, const struct conn *link, enum way way);
/* How long an end did not read while that request was under way; link: the connection that carries what it is sent, or
 * NULL. Few ends ever close their window. */
static inline void timing_note_closed(struct timing *timing, const struct conn *link, enum way way)
{
    if (link && link->shut) {
        timing_count_closed(timing, link, way);
    }
}
/* A copy that lives as long as the track. */
const struct timing *timing_keep(struct track *track, const struct timing *timing);

#endif
