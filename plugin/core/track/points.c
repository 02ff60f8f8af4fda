/* points.c
 * Interfaces that frames were captured on, and whether one has ended. Time says little: who waits sends nothing, on no
 * interface. Traffic does: an interface that is without a frame while the others have more segments than ever before has
 * ended, as far as anybody can know.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "points.h"

#define POINTS_MAX 32 /* all that come later are one, of which nothing is said */
#define STOPPED_MIN 8 /* segments elsewhere without a frame on an interface */

struct point {
    uint32_t interface;
    uint32_t left;       /* track->segments when it was left; of the one that frames come from not known yet */
    uint32_t longest;    /* segments elsewhere while it had no frame, the most so far */
    uint32_t left_frame; /* the first on another */
    int64_t last_ns;     /* of the last frame, or of the first of the last ones that follow each other */
};

struct points {
    unsigned count;
    struct point of[POINTS_MAX];
};

/* The number of an interface, from 1 on. */
static uint8_t number_of(struct track *track, uint32_t interface)
{
    struct points *points = track->points;
    for (unsigned i = 0; i < points->count; i++) {
        if (points->of[i].interface == interface) {
            return (uint8_t)(i + 1);
        }
    }
    if (points->count == POINTS_MAX) {
        return POINTS_MAX;
    }
    points->of[points->count++] = (struct point){ .interface = interface, .left = track->segments };
    return (uint8_t)points->count;
}

void track_captured(struct track *track, uint32_t interface, struct when when)
{
    if (!track->points) {
        track->points = arena_new(&track->arena, sizeof(*track->points));
    } else {
        struct point *left = &track->points->of[track->point - 1];
        left->left = track->segments;
        left->left_frame = when.frame;
        left->last_ns = track->now > left->last_ns ? track->now : left->last_ns;
    }
    track->point = number_of(track, interface);
    struct point *point = &track->points->of[track->point - 1];
    const uint32_t without = track->segments - point->left;
    point->longest = without > point->longest ? without : point->longest;
    point->last_ns = when.ns;
}

/* Of a connection, NULL if it is the one that frames come from, or nothing is known of it. */
static const struct point *point_left(const struct conn *conn)
{
    const struct track *track = conn->track;
    const bool known = conn->point && conn->point != track->point && conn->point < POINTS_MAX;
    return known ? &track->points->of[conn->point - 1] : NULL;
}

uint32_t conn_stopped(const struct conn *conn)
{
    const struct point *point = conn->ended ? NULL : point_left(conn);
    const uint32_t without = point ? conn->track->segments - point->left : 0;
    return without > STOPPED_MIN && without > point->longest ? point->left_frame : 0;
}

bool conn_unwatched_since(const struct conn *conn, int64_t since)
{
    const struct point *point = point_left(conn);
    return point && point->last_ns < since;
}
