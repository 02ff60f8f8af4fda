/* dropped.c
 * Requests of MAPI/HTTP after long idle time that nobody acknowledges, while their server answers elsewhere.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "session_private.h"

#define DROP_IDLE_MOST (900 * SECOND) /* after that the server may have let go of it, too */
#define DROP_REPEATS 3                /* one or two may be lost on the way */
/* A SPAN copy without an IP identification (IPv6) is told by its time: no stack repeats data as soon. */
#define COPY_WINDOW (50 * MILLISECOND)

static void watch(struct mapi_conn *conn, const struct segment *segment)
{
    const struct conn *link = conn->link;
    if (link->late_ns > DROP_IDLE_MOST || (conn->dropped && conn->dropped->queued)) {
        return;
    }
    if (!conn->dropped) {
        conn->dropped = arena_new(&conn->world->arena, sizeof(*conn->dropped));
    }
    *conn->dropped = (struct dropped){ .watched = true,
                                       .ip_id = segment->ip_id,
                                       .seq = segment->seq,
                                       .frame = segment->when.frame,
                                       .leg = NO_NUMBER,
                                       .idle_ns = link->late_ns,
                                       .last = segment->when.ns };
}

static void go_silent(struct mapi_conn *conn, struct when when)
{
    struct dropped *dropped = conn->dropped;
    struct hosts *hosts = conn->link->hosts;
    const struct exchange *request = conn->link->asked->last;
    dropped->silent = dropped->queued = true;
    dropped->third = when;
    if (request && request->message) {
        dropped->type = request->type;
        dropped->leg = request->leg;
        dropped->side = request->by_guid ? NULL : request->side;
    }
    if (hosts->silent_last) {
        hosts->silent_last->dropped->next = conn;
    } else {
        hosts->silent_first = conn;
    }
    hosts->silent_last = conn;
}

static void repeated(struct mapi_conn *conn, const struct segment *segment)
{
    struct dropped *dropped = conn->dropped;
    const int64_t now = segment->when.ns;
    const bool copy = segment->ip_id ? segment->ip_id == dropped->ip_id : now - dropped->last < COPY_WINDOW;
    dropped->ip_id = segment->ip_id;
    if (copy) {
        return;
    }
    dropped->last = now;
    if (dropped->repeats < DROP_REPEATS && ++dropped->repeats == DROP_REPEATS) {
        go_silent(conn, segment->when);
    }
}

/* The server answers something that the client sent after the third time. */
static void answered_elsewhere(const struct mapi_conn *conn, struct when when)
{
    const struct conn *link = conn->link;
    struct hosts *hosts = link->hosts;
    while (hosts->silent_first && link->sent.ns > hosts->silent_first->dropped->third.ns) {
        struct mapi_conn *silent = hosts->silent_first;
        hosts->silent_first = silent->dropped->next;
        if (!hosts->silent_first) {
            hosts->silent_last = NULL;
        }
        silent->dropped->queued = false;
        if (silent->dropped->silent && silent != conn) {
            emit(conn->world->track,
                 &(struct event){ .kind = EVENT_REQUEST_DROPPED, .when = when, .session.dropped = { silent, link } });
        }
    }
}

void dropped_segment(struct mapi_conn *conn, const struct segment *segment, bool new_data)
{
    struct dropped *dropped = conn->dropped;
    if (segment->way == WAY_TO_CLIENT) {
        if (dropped) {
            dropped->watched = dropped->silent = false;
        }
        if (new_data) {
            answered_elsewhere(conn, segment->when);
        }
        return;
    }
    if (new_data && conn->link->late_ns && !(dropped && dropped->watched)) {
        watch(conn, segment);
    } else if (dropped && dropped->watched && !new_data && segment->len > 1 && segment->seq == dropped->seq) {
        repeated(conn, segment);
    }
}
