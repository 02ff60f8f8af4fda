/* test_conn_ends.c
 * How TCP connections end: who closed of his own accord, and whose doing an RST is.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "rpch_state.h"
#include "scene.h"

static struct segment end_segment(struct tap *tap, enum way way, bool rst)
{
    struct segment segment = segment_of(tap, way, 0);
    segment.fin = !rst;
    segment.rst = rst;
    segment.ttl = way == UP ? 128 : 60;
    return segment;
}

static void end_frame(struct tap *tap, struct segment segment)
{
    tap_frame(tap);
    tap_segment(tap, segment);
}

static struct tap some_conn(struct scene *scene, unsigned port)
{
    char client[32];
    snprintf(client, sizeof(client), "10.0.0.1:%u", port);
    struct tap tap = tap_http(scene, client, "10.0.0.80:80");
    for (unsigned i = 0; i < 12; i++) {
        struct segment segment = segment_of(&tap, i % 2 ? DOWN : UP, 10);
        segment.ttl = i % 2 ? 60 : 128;
        end_frame(&tap, segment);
    }
    return tap;
}

/* Who closed of his own accord, by ACK numbers; and whether an RST is its sender's. */
static void test_ends(void)
{
    struct scene scene;
    char text[FOREIGN_TEXT_MAX];
    scene_begin(&scene);
    struct tap tap = some_conn(&scene, 1);
    const struct conn *conn = rpch_conn_conn(tap.conn);
    CHECK(!conn_ended_by(conn, UP) && !conn_ended_by(conn, DOWN));
    end_frame(&tap, end_segment(&tap, UP, false));
    tap.seq[UP]++;
    CHECK(conn_ended_by(conn, UP));
    end_frame(&tap, end_segment(&tap, DOWN, false));
    CHECK(conn_ended_by(conn, UP) && !conn_ended_by(conn, DOWN));

    tap = some_conn(&scene, 2); /* FINs that cross */
    conn = rpch_conn_conn(tap.conn);
    end_frame(&tap, end_segment(&tap, UP, false));
    end_frame(&tap, end_segment(&tap, DOWN, false));
    CHECK(conn_ended_by(conn, UP) && conn_ended_by(conn, DOWN));

    tap = some_conn(&scene, 3); /* the answer stands before what it answers */
    conn = rpch_conn_conn(tap.conn);
    struct segment segment = end_segment(&tap, DOWN, false);
    segment.ack++;
    end_frame(&tap, segment);
    CHECK(!conn_ended_by(conn, DOWN)); /* it may answer a FIN that stands late */
    end_frame(&tap, end_segment(&tap, UP, false));
    CHECK(conn_ended_by(conn, UP) && !conn_ended_by(conn, DOWN));

    tap = some_conn(&scene, 4);
    conn = rpch_conn_conn(tap.conn);
    end_frame(&tap, end_segment(&tap, DOWN, true));
    CHECK(!conn_foreign_rst(conn, DOWN, text));
    end_frame(&tap, end_segment(&tap, UP, true));
    CHECK(conn_foreign_rst(conn, DOWN, text) && conn_ended_by(conn, DOWN) && !conn_ended_by(conn, UP));

    tap = some_conn(&scene, 5);
    conn = rpch_conn_conn(tap.conn);
    segment = end_segment(&tap, DOWN, true);
    segment.ttl = 61;
    end_frame(&tap, segment);
    CHECK(!conn_foreign_rst(conn, DOWN, text));
    tap = some_conn(&scene, 6);
    conn = rpch_conn_conn(tap.conn);
    segment.ttl = 62;
    segment.seq = tap.seq[DOWN];
    end_frame(&tap, segment);
    CHECK(conn_foreign_rst(conn, DOWN, text) && strstr(text, "62"));

    tap = some_conn(&scene, 7);
    conn = rpch_conn_conn(tap.conn);
    segment = end_segment(&tap, DOWN, true);
    segment.ip_id = (uint16_t)(segment.ip_id + 30000);
    end_frame(&tap, segment);
    CHECK(conn_foreign_rst(conn, DOWN, text) && strstr(text, "series"));
    scene_end(&scene);
}

/* The text in an RST: what is shown of it, and whose doing the RST then is. */
static void test_reasons(void)
{
    static const struct {
        const char *bytes, *shown;
        bool foreign;
    } rows[] = {
        { "BIG-IP: [0x2409ad0:5163] Flow expired (sweeper)", "BIG-IP: [0x2409ad0:5163] Flow expired (sweeper)", true },
        { "Go away, we're not home\r\n", "Go away, we're not home", true },
        { "BIG-IP: [0x2409ad0:1162] {peer} TCP RST from remote system",
          "BIG-IP: [0x2409ad0:1162] {peer} TCP RST from remote system", false },
        { "BIG-IP: [0x2409ad0:1940] No available pool member", "BIG-IP: [0x2409ad0:1940] No available pool member",
          false },
        { "blocked abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz by policy", "blocked", true },
        { "reason reason reason reason reason reason reason reason reason reason reason reason reason",
          "reason reason reason reason reason reason reason reason reason reason reason rea", true },
        { "Authorization: Basic YWxpY2U6c2VjcmV0", NULL, false },
        { "GET /mapi/ HTTP/1.1\r\nCookie: a=b\r\n", NULL, false },
        { "\x05\x02\x03\x10", NULL, false },
        { "17", NULL, false },
        { "", NULL, false },
    };
    struct scene scene;
    char text[FOREIGN_TEXT_MAX];
    scene_begin(&scene);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct tap tap = some_conn(&scene, 100 + (unsigned)i);
        const struct conn *conn = rpch_conn_conn(tap.conn);
        struct segment segment = end_segment(&tap, DOWN, true);
        segment.reason = (struct span){ (const uint8_t *)rows[i].bytes, strlen(rows[i].bytes) };
        end_frame(&tap, segment);
        const char *shown = conn_reason(conn, DOWN);
        CHECK(rows[i].shown ? shown && strcmp(shown, rows[i].shown) == 0 : !shown);
        CHECK_INT(conn_foreign_rst(conn, DOWN, text) != NULL, rows[i].foreign);
    }
    scene_end(&scene);
}

static struct endpoint host(const char *text)
{
    struct endpoint end = { .family = 0 };
    CHECK(address_read((struct span){ (const uint8_t *)text, strlen(text) }, &end));
    return end;
}

/* A segment in IP fragments says nothing of connections of other hosts. */
static void test_torn(void)
{
    static const struct {
        const char *from, *to, *client, *server;
        bool relayed, fits;
    } rows[] = {
        { "10.0.0.1", "10.0.0.80", "10.0.0.1", "10.0.0.80", false, true },
        { "10.0.0.80", "10.0.0.1", "10.0.0.1", "10.0.0.80", false, true },
        { "10.0.0.1", "10.0.9.9", "10.0.0.1", "10.0.0.80", false, true },  /* the client's other half, elsewhere */
        { "10.0.0.2", "10.0.0.80", "10.0.0.1", "10.0.0.80", false, true }, /* of one network: of one device? */
        { "10.0.0.80", "10.0.0.2", "10.0.0.1", "10.0.0.80", false, true },
        { "10.0.1.1", "10.0.0.80", "10.0.0.1", "10.0.0.80", false, false }, /* another client of that server */
        { "10.0.0.80", "10.0.1.1", "10.0.0.1", "10.0.0.80", false, false },
        { "10.0.1.1", "10.0.0.80", "10.0.0.1", "10.0.0.80", true, true }, /* a device may have any addresses */
        { "10.0.0.2", "10.0.0.81", "10.0.0.1", "10.0.0.80", false, false },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct scene scene;
        scene_begin(&scene);
        char client[32], server[32];
        snprintf(client, sizeof(client), "%s:50001", rows[i].client);
        snprintf(server, sizeof(server), "%s:80", rows[i].server);
        struct tap tap = tap_http(&scene, client, server);
        struct conn *conn = tap.conn->link;
        struct queue asked = { .leg = rows[i].relayed };
        struct queue *const own = conn->asked;
        conn->asked = &asked;
        const struct endpoint from = host(rows[i].from), to = host(rows[i].to);
        CHECK_INT(conn_torn(conn), 0);
        track_torn(conn->track, &from, &to, 7);
        CHECK_INT(conn_torn(conn), rows[i].fits ? 7 : 0);
        track_torn(conn->track, &from, &to, 9);
        CHECK_INT(conn_torn(conn), rows[i].fits ? 9 : 0);
        CHECK_INT(conn_half_beside(conn), 0);
        track_half(conn->track, &from, &to, 11);
        CHECK_INT(conn_half_beside(conn), rows[i].fits ? 11 : 0);
        track_half(conn->track, &from, &to, 12);
        CHECK_INT(conn_half_beside(conn), rows[i].fits ? 12 : 0);
        track_half_whole(conn->track, &to, &from); /* of another connection */
        CHECK_INT(conn_half_beside(conn), rows[i].fits ? 12 : 0);
        track_half_whole(conn->track, &from, &to);
        CHECK_INT(conn_half_beside(conn), 0);
        CHECK_INT(conn_torn(conn), rows[i].fits ? 9 : 0);
        conn->asked = own;
        scene_end(&scene);
    }
}

int main(void)
{
    test_reasons();
    transcript_off = true;
    test_torn();
    test_ends();
    transcript_end(__FILE__);
    return unit_end();
}
