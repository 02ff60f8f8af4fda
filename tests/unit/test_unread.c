/* test_unread.c
 * Receive windows that are closed, or next to it, while the other end has something to send (RFC 9293 3.8.6, RFC 1122
 * 4.2.3.3), and whom that blames.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "blame.h"
#include "rpch_state.h"
#include "scene.h"

#define LEAST (10 * SECOND)

static void send_window(struct tap *tap, enum way way, uint32_t window, uint32_t room)
{
    struct segment segment = segment_of(tap, way, 0);
    segment.window = window;
    segment.room = room;
    tap_frame(tap);
    tap_segment(tap, segment);
}

static void probe(struct tap *tap, enum way way, uint32_t len)
{
    tap_data(tap, way, len);
}

static const struct conn *open_connection(struct scene *scene, struct tap *in, struct tap *out)
{
    scene_begin(scene);
    *in = tap_http(scene, "10.0.0.1:50001", "10.0.0.80:80");
    *out = tap_http(scene, "10.0.0.1:50002", "10.0.0.80:80");
    open_both(in, out, 1);
    return rpch_conn_conn(out->conn);
}

/* What is sent into it, and for how long it has to be closed. */
static void test_windows(void)
{
    static const struct {
        uint32_t window, room, sent; /* by the client; bytes of the server's, 0: nothing */
        double wait;
        bool unread;
    } rows[] = {
        { 0, 0, 1, 10, true },      { 0, 0, 1, 9.9, false },   { 0, 0, 0, 60, false },     { 1, 100, 100, 60, true },
        { 1, 100, 99, 60, false },  { 1, 535, 535, 60, true }, { 1, 536, 536, 60, false }, { 1, 0, 1, 60, false },
        { 65535, 0, 1, 60, false }, { 0, 0, 100, 60, false }, /* it was opened, which was not captured */
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct scene scene;
        struct tap in, out;
        const struct conn *conn = open_connection(&scene, &in, &out);
        send_window(&out, UP, rows[i].window, rows[i].room);
        if (rows[i].sent) {
            probe(&out, DOWN, rows[i].sent);
        }
        scene_wait(&scene, rows[i].wait);
        tap_ack(&in, UP); /* the time goes on */
        CHECK_INT(conn_unread(conn, WAY_TO_SERVER, LEAST) != NULL, rows[i].unread);
        CHECK(!conn_unread(conn, WAY_TO_CLIENT, LEAST));
        const struct unread unread = blame_unread(scene.outlook->judge, out.conn->channel->leg);
        CHECK_INT(unread.link != NULL, rows[i].unread);
        CHECK(!unread.link || (unread.link == conn && unread.by_client && unread.where == WHERE_CLIENT));
        send_window(&out, UP, 65535, 0);
        CHECK(!conn_unread(conn, WAY_TO_SERVER, LEAST));
        scene_end(&scene);
    }
}

/* The server's end does not read what IN carries. */
static void test_server(void)
{
    struct scene scene;
    struct tap in, out;
    open_connection(&scene, &in, &out);
    const struct conn *conn = rpch_conn_conn(in.conn);
    send_window(&in, DOWN, 0, 0);
    probe(&in, UP, 1);
    scene_wait(&scene, 20);
    tap_ack(&out, UP);
    const struct unread unread = blame_unread(scene.outlook->judge, in.conn->channel->leg);
    CHECK(unread.link == conn && !unread.by_client && unread.where == WHERE_UNKNOWN);
    scene_end(&scene);
}

/* How long it was closed within a span, with what was open for less than a second. */
static void test_closed_within(void)
{
    struct scene scene;
    struct tap in, out;
    const struct conn *conn = open_connection(&scene, &in, &out);
    const int64_t begin = scene_now(&scene).ns;
    scene_wait(&scene, 1);
    send_window(&out, UP, 0, 0);
    probe(&out, DOWN, 1);
    scene_wait(&scene, 5);
    send_window(&out, UP, 65535, 0);
    const int64_t end = scene_now(&scene).ns;
    const int64_t closed = conn_closed_within(conn, WAY_TO_SERVER, begin, end);
    CHECK(closed >= 5 * SECOND && closed < 6 * SECOND);
    CHECK_INT(conn_closed_within(conn, WAY_TO_SERVER, end - SECOND, end), SECOND);
    CHECK_INT(conn_closed_within(conn, WAY_TO_SERVER, end, end + SECOND), 0);
    CHECK_INT(conn_closed_within(conn, WAY_TO_CLIENT, begin, end), 0);
    scene_end(&scene);
}

int main(void)
{
    test_windows();
    test_server();
    test_closed_within();
    transcript_end(__FILE__);
    return unit_end();
}
