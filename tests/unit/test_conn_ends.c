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

/* RSTs to both ends: whether one device may have written both, and whether one of them shows that it did. */
static void test_reset_both_ways(void)
{
    static const struct {
        enum way first;
        int ms;                     /* from the first to the second */
        bool off_first, off_second; /* not at the very next sequence number */
        bool fin_first, fin_second;
        int client_ttl, server_ttl; /* 0: as it was */
        uint16_t client_id, server_id;
        const char *client_text, *server_text;
        bool both, another;
    } rows[] = {
        { .first = UP, .ms = 50, .both = true },
        { .first = UP, .ms = 51 },
        { .first = DOWN, .ms = 50, .both = true },
        { .first = DOWN, .ms = 51 },
        { .first = UP, .ms = 1, .off_first = true },
        { .first = UP, .ms = 1, .off_second = true },
        { .first = UP, .ms = 1, .fin_first = true },
        { .first = UP, .ms = 1, .fin_second = true },
        { .first = UP, .ms = 51, .client_ttl = 60 },
        { .first = UP, .ms = 1, .client_ttl = 60, .both = true, .another = true },
        { .first = UP, .ms = 1, .server_ttl = 128, .both = true, .another = true },
        { .first = UP, .ms = 1, .client_id = 30000, .both = true },
        { .first = UP, .ms = 1, .server_id = 30000, .both = true, .another = true },
        { .first = UP, .ms = 1, .client_text = "blocked by policy", .both = true, .another = true },
        { .first = DOWN, .ms = 1, .server_text = "blocked by policy", .both = true, .another = true },
    };
    struct scene scene;
    scene_begin(&scene);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct tap tap = some_conn(&scene, 200 + (unsigned)i);
        const struct conn *conn = rpch_conn_conn(tap.conn);
        for (unsigned n = 0; n < 2; n++) {
            const enum way way = n ? (enum way) !rows[i].first : rows[i].first;
            const char *text = way == UP ? rows[i].client_text : rows[i].server_text;
            const int ttl = way == UP ? rows[i].client_ttl : rows[i].server_ttl;
            struct segment segment = end_segment(&tap, way, n ? !rows[i].fin_second : !rows[i].fin_first);
            segment.seq += n ? rows[i].off_second : rows[i].off_first;
            segment.ttl = ttl ? (uint8_t)ttl : segment.ttl;
            segment.ip_id = (uint16_t)(segment.ip_id + (way == UP ? rows[i].client_id : rows[i].server_id));
            segment.reason = (struct span){ (const uint8_t *)text, text ? strlen(text) : 0 };
            scene.frame_ns = n ? rows[i].ms * INT64_C(1000000) : INT64_C(1000000);
            end_frame(&tap, segment);
            CHECK(n || !conn_reset_both_ways(conn));
        }
        scene.frame_ns = INT64_C(1000000);
        CHECK_INT(conn_reset_both_ways(conn), rows[i].both);
        CHECK_INT(conn_reset_by_another(conn), rows[i].another);
    }
    scene_end(&scene);
}

/* The client closes its sending side only: by when the server's end closes, too, and what it sends until then. */
static void test_half_closed(void)
{
    static const struct {
        int data_ms, end_ms; /* behind the client's end; 0: none */
        bool rst, again;     /* the client's end; the server's data is sent again and again */
        bool half;
    } rows[] = {
        { 0, 0, false, false, false },     { 0, 999, false, false, false },   { 0, 1000, false, false, true },
        { 199, 300, false, false, false }, { 200, 300, false, false, true },  { 200, 0, false, false, false },
        { 200, 2000, true, false, false }, { 200, 9000, false, true, false },
    };
    struct scene scene;
    scene_begin(&scene);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct tap tap = some_conn(&scene, 300 + (unsigned)i);
        const struct conn *conn = rpch_conn_conn(tap.conn);
        end_frame(&tap, end_segment(&tap, UP, rows[i].rst));
        tap.seq[UP]++;
        const struct when first = scene_now(&scene);
        if (rows[i].data_ms) {
            scene.ns = first.ns + (rows[i].data_ms - 1) * INT64_C(1000000);
            end_frame(&tap, segment_of(&tap, DOWN, 10));
            for (unsigned n = 0; rows[i].again && n < 3; n++) {
                scene_wait(&scene, 1);
                tap_again(&tap);
            }
        }
        CHECK(!conn_half_closed(conn));
        if (rows[i].end_ms) {
            scene.ns = first.ns + (rows[i].end_ms - 1) * INT64_C(1000000);
            end_frame(&tap, end_segment(&tap, DOWN, false));
        }
        const struct when last = scene_now(&scene);
        CHECK_INT(conn_half_closed(conn), rows[i].half);
        CHECK_INT(conn_broken_by(conn), rows[i].half ? DOWN : UP);
        CHECK_INT(conn_broken(conn).frame, rows[i].half ? last.frame : first.frame);
        CHECK(conn_broken(conn).ns == (rows[i].half ? last.ns : first.ns));
    }
    struct tap tap = some_conn(&scene, 399); /* the server's end closes first */
    const struct conn *conn = rpch_conn_conn(tap.conn);
    end_frame(&tap, end_segment(&tap, DOWN, false));
    scene_wait(&scene, 5);
    end_frame(&tap, end_segment(&tap, UP, false));
    CHECK(!conn_half_closed(conn) && conn_broken_by(conn) == DOWN);
    scene_end(&scene);
}

/* Who closes for what was not captured by then knew more than the capture shows. */
static void test_knew_more(void)
{
    for (int what = 0; what < 5; what++) {
        struct scene scene;
        scene_begin(&scene);
        struct tap tap = what < 4 ? some_conn(&scene, 400) :
                                    tap_open_past(&scene, RTS_HOP_HTTP, "10.0.0.1:1", "10.0.0.80:80",
                                                  (struct conn_past){ .syn = true });
        if (what == 3) { /* a gap, and what stands behind it */
            tap_lose(&tap, DOWN, 10);
            tap_data(&tap, DOWN, 10);
        }
        struct segment segment = end_segment(&tap, UP, false);
        segment.ack += what == 1 || what == 2;
        segment.has_ack = what != 2;
        if (what == 4) {
            CHECK(!rpch_conn_conn(tap.conn)->tcp.half[DOWN].known);
        }
        end_frame(&tap, segment);
        CHECK_INT(conn_end_of(rpch_conn_conn(tap.conn), UP)->knew_more, what == 1 || what > 2);
        scene_end(&scene);
    }
}

/* What the client has acknowledged is not sent again for its sake, though the ACK stands before it; but for a byte, a probe. */
static void test_acknowledged_before(void)
{
    static const struct {
        uint32_t len, acked;
        bool gone;
    } rows[] = { { 20, 20, false }, { 20, 30, false }, { 20, 19, true },
                 { 2, 2, false },   { 1, 1, true },    { 20, 0, true } };
    struct scene scene;
    scene_begin(&scene);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct tap tap = some_conn(&scene, 500 + (unsigned)i);
        struct segment segment = segment_of(&tap, UP, 0);
        segment.ack += rows[i].acked;
        end_frame(&tap, segment);
        tap_data(&tap, DOWN, rows[i].len);
        for (unsigned n = 0; n < 3; n++) {
            scene_wait(&scene, 1);
            tap_again(&tap);
        }
        CHECK_INT(conn_client_gone(rpch_conn_conn(tap.conn), scene.ns), rows[i].gone);
    }
    scene_end(&scene);
}

int main(void)
{
    test_reasons();
    transcript_off = true;
    test_torn();
    test_ends();
    test_reset_both_ways();
    test_half_closed();
    test_knew_more();
    test_acknowledged_before();
    transcript_end(__FILE__);
    return unit_end();
}
