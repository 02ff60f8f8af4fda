/* test_points.c
 * Captures that were joined, of which one ends before the other.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "points.h"

#include "rpch_state.h"
#include "scene.h"

#define FRONT 7u
#define BACK 3u

static void frame_on(struct tap *tap, uint32_t interface, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        static uint32_t last;
        struct track *track = rpch_conn_conn(tap->conn)->track;
        tap_frame(tap);
        if (!track->points || interface != last) {
            track_captured(track, last = interface, scene_now(tap->scene));
        }
        tap_segment(tap, segment_of(tap, UP, 10));
    }
}

static void test_stopped(uint32_t first)
{
    struct scene scene;
    uint32_t frame = 0;
    scene_begin(&scene);
    struct tap begins = tap_http(&scene, "10.0.0.3:1000", "10.0.0.80:80");
    frame_on(&begins, first, 1);
    struct tap front = tap_http(&scene, "10.0.0.1:1000", "10.0.0.80:80");
    struct tap back = tap_http(&scene, "10.0.0.70:2000", "10.0.0.81:80");
    const struct conn *behind = rpch_conn_conn(back.conn), *before = rpch_conn_conn(front.conn);
    frame_on(&front, FRONT, 1);
    frame_on(&back, BACK, 1);
    const struct when last = scene_now(&scene);
    CHECK(!conn_stopped(before) && !conn_stopped(behind) && !conn_unwatched_since(behind, last.ns));
    frame_on(&front, FRONT, 8); /* as few as anybody may send in between */
    CHECK(!conn_stopped(behind) && conn_doubt(behind, NULL) != DOUBT_STOPPED);
    CHECK(!conn_unwatched_since(behind, last.ns) && conn_unwatched_since(behind, last.ns + 1));
    frame_on(&front, FRONT, 1);
    CHECK(conn_stopped(behind) == last.frame + 1 && !conn_stopped(before));
    CHECK(conn_doubt(behind, &frame) == DOUBT_STOPPED && frame == last.frame + 1);
    CHECK(conn_missed_since(behind, last.frame) && !conn_unwatched_since(before, scene.ns + 1));

    frame_on(&back, BACK, 1); /* it goes on: nine segments without a frame are usual there */
    CHECK(!conn_stopped(behind));
    frame_on(&front, FRONT, 9);
    CHECK(!conn_stopped(behind));
    frame_on(&front, FRONT, 1);
    CHECK(conn_stopped(behind));

    struct segment segment = segment_of(&back, UP, 0); /* what has ended has nothing more to come */
    frame_on(&back, BACK, 1);
    segment.fin = true;
    tap_segment(&back, segment);
    frame_on(&front, FRONT, 40);
    CHECK(!conn_stopped(behind));
    frame_on(&begins, first, 1); /* the very first one is known again */
    const struct when again = scene_now(&scene);
    frame_on(&front, FRONT, 80);
    CHECK_INT(conn_stopped(rpch_conn_conn(begins.conn)), first == BACK ? again.frame + 1 : 0);
    scene_end(&scene);
}

/* One connection, captured in two places: while one of them goes on nothing has ended. */
static void test_in_several(void)
{
    struct scene scene;
    scene_begin(&scene);
    struct tap both = tap_http(&scene, "10.0.0.1:1000", "10.0.0.80:80");
    struct tap other = tap_http(&scene, "10.0.0.2:1000", "10.0.0.80:80");
    frame_on(&both, BACK, 1);
    frame_on(&both, FRONT, 1);
    frame_on(&other, BACK + 1, 40);
    CHECK(!conn_stopped(rpch_conn_conn(both.conn)) && !conn_unwatched_since(rpch_conn_conn(both.conn), scene.ns));
    scene_end(&scene);
}

/* More interfaces than are told apart. */
static void test_many(void)
{
    struct scene scene;
    scene_begin(&scene);
    struct tap front = tap_http(&scene, "10.0.0.1:1000", "10.0.0.80:80");
    for (unsigned i = 0; i < 40; i++) {
        struct tap tap = tap_http(&scene, "10.0.0.2:1000", "10.0.0.80:80");
        frame_on(&tap, i, 1);
        frame_on(&front, 100, 40);
        CHECK((conn_stopped(rpch_conn_conn(tap.conn)) != 0) ==
              (i < 30)); /* the thirty-first may be another one by now */
    }
    scene_end(&scene);
}

int main(void)
{
    transcript_off = true;
    test_stopped(FRONT);
    test_stopped(BACK);
    test_in_several();
    test_many();
    return unit_end();
}
