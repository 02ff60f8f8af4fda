/* half_closed.c
 * Clients of MAPI/HTTP that close their side directly behind what they have asked: they may still read the answer.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "session_private.h"

#define DIRECTLY SECOND                /* who closes later has waited for the answer, and gives up */
#define HALF_CLOSED_LONG (60 * SECOND) /* servers answer in seconds */

struct half_closed {
    struct half_closed *next;
    struct mapi_conn *conn;
};

bool half_closed_directly(const struct mapi_conn *conn, struct when when)
{
    const struct exchange *asked = conn->link->asked->last;
    const struct exchange *request = asked || !conn->reply ? asked : conn->reply->request;
    return request && request->ended && when.ns - request->end.ns < DIRECTLY;
}

void half_closed_wait(struct mapi_conn *conn)
{
    struct mapi_state *world = conn->world;
    struct half_closed *waiting = spare_take(&world->arena, &world->free_half_closed, sizeof(*waiting));
    waiting->conn = conn;
    conn->half_closed = true;
    if (world->half_closed_last) {
        world->half_closed_last->next = waiting;
    } else {
        world->half_closed_first = waiting;
    }
    world->half_closed_last = waiting;
}

void half_closed_tell(struct mapi_conn *conn, struct when when)
{
    if (!conn->half_closed) {
        return;
    }
    conn->half_closed = false;
    if (conn->reply && conn->reply->abandoned) {
        reply_emit(conn->reply, EVENT_RESPONSE_CUT, when);
    }
    for (struct exchange *request = conn->link->asked->first; request; request = request->next) {
        if (request->abandoned && !request->left) {
            request_emit(request, EVENT_REQUEST_UNANSWERED, when);
        }
    }
}

void half_closed_time_passed(struct mapi_state *world, struct when when)
{
    while (world->half_closed_first) {
        struct half_closed *waiting = world->half_closed_first;
        struct mapi_conn *conn = waiting->conn;
        if (conn->half_closed && track_waited(world->track, conn->link->ended_ns) < HALF_CLOSED_LONG) {
            return;
        }
        world->half_closed_first = waiting->next;
        if (!waiting->next) {
            world->half_closed_last = NULL;
        }
        spare_give(&world->free_half_closed, waiting);
        /* While an answer comes it is read. */
        if (!conn->reply) {
            half_closed_tell(conn, when);
        }
    }
}
