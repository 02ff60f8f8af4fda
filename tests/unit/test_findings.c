/* test_findings.c
 * What is remembered of findings on virtual connections: once of an attempt, of a channel, of
 * a way; what could not be told, and of which attempt; what is numbered where nothing is told;
 * that rules go by the judge's limits.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "scene.h"

#define CLIENT "10.0.0.1"
#define LB "10.0.0.4:80"
#define A "10.0.0.81:80"
#define B "10.0.0.82:80"

struct pair {
    struct tap in, out;
};

static struct pair pair_to(struct scene *scene, const char *in, const char *out)
{
    char client[32];
    snprintf(client, sizeof(client), CLIENT ":%u", 1001 + 2 * scene->streams);
    struct pair pair = { .in = tap_http(scene, client, in) };
    snprintf(client, sizeof(client), CLIENT ":%u", 1002 + 2 * scene->streams);
    pair.out = tap_http(scene, client, out);
    return pair;
}

/* Bytes are missing; both ends went on. */
static void damage(struct tap *tap, enum way way)
{
    tap_lose(tap, way, 40);
    tap_ack(tap, way);
}

static struct leg_row row_of(struct scene *scene, uint32_t index)
{
    struct leg_row row;
    CHECK(rpch_state_row(scene->world, index, &row));
    return row;
}

/* Each attempt on a leg is told anew, and its row keeps the gravest of all. */
static void test_attempts(void)
{
    struct scene s;
    scene_begin(&s);
    for (int attempt = 0; attempt < 2; attempt++) {
        struct pair p = pair_to(&s, A, attempt ? B : A);
        start_both(&p.in, &p.out, 10);
        if (attempt) {
            EXPECT(&s, "proxies_differ:note@%u/0.0", s.frame);
        }
        take_out(&p.out);
        tap_fin(&p.out, DOWN);
        EXPECT(&s, "%s:warning@%u/0.0", attempt ? "backend_mismatch" : "never_joined", s.frame);
        tap_fin(&p.in, UP);
    }
    SILENT(&s);
    CHECK_INT(row_of(&s, 0).verdict.kind, V_NEVER_JOINED);
    scene_end(&s);
    scene_begin(&s);
    for (int attempt = 0; attempt < 2; attempt++) {
        struct pair p = pair_to(&s, A, A);
        start_both(&p.in, &p.out, 10);
        take_out(&p.out);
        tap_fin(&p.out, DOWN);
        EXPECT(&s, "never_joined:warning@%u/0.0", s.frame);
        tap_fin(&p.in, UP);
    }
    scene_end(&s);
}

/* Halves that were never joined are told of once, whatever comes to light afterwards. */
static void test_one_of_two(void)
{
    struct scene s;
    scene_begin(&s);
    struct pair p = pair_to(&s, A, A);
    start_both(&p.in, &p.out, 10);
    send_a3(&p.out);
    scene_wait(&s, 6);
    tap_ack(&p.in, DOWN);
    EXPECT(&s, "never_joined:warning@%u/0.0", s.frame);
    struct http_info info = http_response(200);
    strcpy(info.front_end, "EX1");
    tap_head(&p.out, &info);
    info.status = 100;
    strcpy(info.front_end, "EX2");
    tap_head(&p.in, &info);
    info.status = 200;
    tap_head(&p.in, &info);
    EXPECT(&s, "proxies_differ:note@%u/0.0", s.frame);
    tap_ack(&p.in, DOWN);
    tap_fin(&p.in, UP);
    SILENT(&s);
    scene_end(&s);
}

/* What could not be told is said of the attempt that it was due in, and of no other. */
static void test_withheld(void)
{
    struct scene s;
    for (int finding = 0; finding < 2; finding++) {
        scene_begin(&s);
        struct pair p = pair_to(&s, A, A);
        start_both(&p.in, &p.out, 10);
        tap_status(&p.out, 200);
        RTS(&p.out, DOWN, 0x01, "");
        damage(&p.in, UP);
        scene_wait(&s, 6);
        tap_ack(&p.in, DOWN);
        CHECK(row_of(&s, 0).verdict.cannot_tell);
        tap_fin(&p.in, UP);
        tap_fin(&p.out, UP);
        SILENT(&s);
        p = pair_to(&s, A, A);
        open_both(&p.in, &p.out, 10);
        damage(&p.in, UP);
        if (finding) {
            tap_rpc_status(&p.out, DOWN, RPC_FAULT, 40, 5);
            EXPECT(&s, "failed:note@%u/0.0", s.frame);
        }
        CHECK(!row_of(&s, 0).verdict.cannot_tell);
        scene_wait(&s, 100);
        damage(&p.in, DOWN);
        tap_fin(&p.in, DOWN); /* idle_closed would be due */
        CHECK(row_of(&s, 0).verdict.cannot_tell);
        SILENT(&s);
        scene_end(&s);
    }
}

/* These are withheld without a word in the row of a leg that is joined. */
static void test_quiet(void)
{
    struct scene s;
    enum { WINDOW, CHALLENGE, OUT_HELD, IN_HELD, KINDS };
    for (int kind = 0; kind < KINDS; kind++) {
        for (int whole = 0; whole < 2; whole++) {
            scene_begin(&s);
            struct pair p = pair_to(&s, LB, LB), behind = { .in = tap_http(&s, "10.0.0.4:2001", A) };
            behind.out = tap_http(&s, "10.0.0.4:2002", A);
            struct http_info info = http_request(HTTP_RPC_OUT_DATA);
            set_step(&info, AUTH_STEP_TYPE1);
            tap_head(&p.out, &info);
            RTS(&p.out, UP, 0, "6330", .cookie = { 10, 11 }, .window = 1000);
            tap_request(&p.in, HTTP_RPC_IN_DATA);
            send_b1(&p.in, 10);
            const char *told = NULL;
            switch (kind) {
            case WINDOW:
                send_c2(&p.out);
                if (!whole) {
                    damage(&p.out, UP);
                }
                tap_rpc(&p.out, DOWN, RPC_RESPONSE, 1001);
                told = "window_exceeded:warning@%u/0.0";
                break;
            case CHALLENGE:
                send_c2(&p.out);
                tap_status(&p.out, 401);
                if (!whole) {
                    damage(&p.out, DOWN);
                }
                tap_fin(&p.out, UP);
                told = "refused:warning@%u/0.0";
                break;
            case OUT_HELD:
                start_both(&behind.in, &behind.out, 10);
                tap_status(&behind.out, 200);
                scene_wait(&s, 3);
                if (!whole) {
                    damage(&p.out, UP);
                }
                send_c2(&behind.out);
                send_c2(&p.out);
                tap_fin(&p.out, DOWN);
                told = "buffered:warning@%u/0.0";
                break;
            default:
                send_c2(&p.out);
                tap_request(&behind.out, HTTP_RPC_OUT_DATA);
                send_a1(&behind.out, 10);
                tap_request(&behind.in, HTTP_RPC_IN_DATA);
                if (!whole) {
                    damage(&p.in, DOWN);
                }
                tap_ack(&p.in, DOWN);
                scene_wait(&s, 3);
                tap_ack(&p.in, DOWN);
                told = "buffered:warning@%u/0.0";
                break;
            }
            char expected[64];
            snprintf(expected, sizeof(expected), told, s.frame);
            unit_check_str(s.log, whole ? expected : "", __FILE__, __LINE__, told);
            s.log[0] = '\0';
            struct leg_row row = row_of(&s, 0);
            CHECK(!row.verdict.cannot_tell);
            CHECK_INT(row.verdict.kind == VERDICT_KINDS, !whole);
            scene_end(&s);
        }
    }
}

/* One device may hold back both ways: once each. */
static void test_held_back_both_ways(void)
{
    struct scene s;
    scene_begin(&s);
    struct pair p = pair_to(&s, LB, LB), behind = { .in = tap_http(&s, "10.0.0.4:2001", A) };
    behind.out = tap_http(&s, "10.0.0.4:2002", A);
    tap_request(&p.out, HTTP_RPC_OUT_DATA);
    send_a1(&p.out, 10);
    tap_request(&behind.out, HTTP_RPC_OUT_DATA);
    send_a1(&behind.out, 10);
    tap_request(&behind.in, HTTP_RPC_IN_DATA);
    tap_request(&p.in, HTTP_RPC_IN_DATA);
    send_b1(&p.in, 10);
    tap_ack(&p.in, DOWN);
    tap_status(&behind.out, 200);
    send_a3(&behind.out);
    scene_wait(&s, 3);
    tap_ack(&p.in, DOWN);
    EXPECT(&s, "buffered:warning@%u/0.0", s.frame);
    tap_status(&p.out, 200);
    EXPECT(&s, "buffered:warning@%u/0.0", s.frame);
    send_a3(&p.out);
    SILENT(&s);
    scene_end(&s);
}

/* A channel without RTS is numbered where it is certain that it is one of its own. */
static void test_numbered(void)
{
    struct scene s;
    for (int whole = 0; whole < 2; whole++) {
        struct conn_past past = { .syn = whole, .syn_ack = true, .has_next = true };
        const uint32_t number = whole ? 0 : NO_NUMBER;
        /* alone */
        scene_begin(&s);
        struct tap tap = tap_open_past(&s, RTS_HOP_HTTP, CLIENT ":1001", A, past);
        tap_request(&tap, HTTP_RPC_OUT_DATA);
        scene_wait(&s, 121);
        tap_ack(&tap, DOWN);
        CHECK_INT(tap.now.vc, number);
        CHECK_INT(s.world->rows.count, whole);
        scene_end(&s);
        /* left behind a challenge */
        scene_begin(&s);
        tap = tap_open_past(&s, RTS_HOP_HTTP, CLIENT ":1001", A, past);
        struct http_info info = http_request(HTTP_RPC_OUT_DATA);
        set_step(&info, AUTH_STEP_TYPE1);
        tap_head(&tap, &info);
        struct http_info challenge = http_response(401);
        challenge.challenge_in_progress = true;
        tap_head(&tap, &challenge);
        tap_fin(&tap, UP);
        CHECK_INT(tap.now.vc, number);
        scene_end(&s);
        /* silent */
        scene_begin(&s);
        tap = tap_open_past(&s, RTS_HOP_HTTP, CLIENT ":1001", A, past);
        tap_request(&tap, HTTP_RPC_OUT_DATA);
        tap_ack(&tap, DOWN);
        scene_wait(&s, 70);
        tap_data(&tap, UP, 30);
        for (int i = 0; i < 3; i++) {
            CHECK_INT(tap.now.vc, number); /* no PDU for so long */
            tap_again(&tap);
        }
        CHECK_INT(tap.now.vc, number);
        scene_end(&s);
    }
}

/* What hindsight has settled plays no part in what the server does later. */
static void test_hindsight_over(void)
{
    struct scene s;
    scene_begin(&s);
    struct pair p = pair_to(&s, A, A), q = pair_to(&s, A, A);
    open_both(&p.in, &p.out, 10);
    open_both(&q.in, &q.out, 20);
    scene_wait(&s, 100);
    tap_ack(&q.in, UP);
    tap_fin(&p.out, DOWN);
    scene_wait(&s, 2);
    tap_rpc(&q.in, UP, RPC_REQUEST, 100);
    EXPECT(&s, "idle_closed:warning@%u/0.0", s.frame);
    tap_fin(&q.in, DOWN); /* in use: no idle time-out */
    SILENT(&s);
    struct endpoint server = end_of(A);
    s.frame++;
    track_server_heard(&s.outlook->track, &server, scene_now(&s));
    scene_collect(&s);
    SILENT(&s);
    scene_end(&s);
}

/* An end behind a challenge tells nothing of the server. */
static void test_challenge_is_no_end(void)
{
    struct scene s;
    scene_begin(&s);
    struct pair p = pair_to(&s, A, A), q = pair_to(&s, A, A);
    open_both(&p.in, &p.out, 10);
    scene_wait(&s, 100);
    struct http_info info = http_request(HTTP_RPC_OUT_DATA);
    set_step(&info, AUTH_STEP_TYPE1);
    tap_head(&q.out, &info);
    tap_status(&q.out, 401);
    tap_fin(&p.out, DOWN);
    SILENT(&s);
    tap_fin(&q.out, DOWN);
    EXPECT(&s, "refused:warning@%u/1.0", s.frame);
    scene_wait(&s, 2);
    tap_ack(&q.in, DOWN);
    EXPECT(&s, "idle_closed:warning@%u/0.0", s.frame);
    scene_end(&s);
}

/* The judge's limits, in the place of the defaults. */
static void test_limits(void)
{
    struct judge_limits limits = judge_limits_default;
    struct scene s;
    limits.handshake_wait = 60 * SECOND;
    scene_begin(&s);
    s.prefs.limits = &limits;
    s.outlook = outlook_new(&s.arena, &s.prefs);
    s.world = s.outlook->rpch;
    struct pair p = pair_to(&s, A, A);
    start_both(&p.in, &p.out, 10);
    take_out(&p.out);
    scene_wait(&s, 59);
    tap_ack(&p.in, UP);
    SILENT(&s);
    scene_wait(&s, 2);
    tap_ack(&p.in, UP);
    EXPECT(&s, "never_joined:warning@%u/0.0", s.frame);
    scene_end(&s);
}

int main(void)
{
    test_attempts();
    test_one_of_two();
    test_withheld();
    test_quiet();
    test_held_back_both_ways();
    test_numbered();
    test_hindsight_over();
    test_challenge_is_no_end();
    test_limits();
    transcript_end(__FILE__);
    return unit_end();
}
