/* test_vconn_legs.c
 * Legs of virtual connections, and which of them a retry or a successor belongs to. Expectations come from
 * MS-RPCH and from what the plugin promises its users.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "balanced.h"
#include "rpch_state.h"
#include "scene.h"

/* On a balancer each cookie appears once a side; the order says which half is whose. */
static void test_legs(void)
{
    struct scene s;
    scene_begin(&s);
    struct tap out0 = tap_http(&s, CLIENT ":1001", LB), out1 = tap_http(&s, "10.0.0.4:2001", A);
    struct tap in0 = tap_http(&s, CLIENT ":1002", LB), in1 = tap_http(&s, "10.0.0.4:2002", A);
    struct tap *pairs[2][2] = { { &in0, &out0 }, { &in1, &out1 } };
    for (int leg = 0; leg < 2; leg++) {
        tap_request(pairs[leg][1], HTTP_RPC_OUT_DATA);
        send_a1(pairs[leg][1], 10);
        CHECK_INT(pairs[leg][1]->now.leg, leg);
    }
    for (int leg = 0; leg < 2; leg++) {
        tap_request(pairs[leg][0], HTTP_RPC_IN_DATA);
        send_b1(pairs[leg][0], 10);
        CHECK_INT(pairs[leg][0]->now.leg, leg);
        CHECK_INT(pairs[leg][0]->now.vc, 0);
        CHECK_INT(pairs[leg][0]->now.out_stream, leg);
    }
    for (int leg = 1; leg >= 0; leg--) {
        tap_status(pairs[leg][1], 200);
        send_a3(pairs[leg][1]);
        send_c2(pairs[leg][1]);
        CHECK_STR(pairs[leg][1]->now.state, "open");
    }
    CHECK_INT(s.world->rows.count, 2);
    SILENT(&s);
    scene_end(&s);
}

/* Any number of legs, one client for all of them. */
static void test_many_legs(void)
{
    enum { LEGS = 5 };
    struct scene s;
    scene_begin(&s);
    struct tap in[LEGS], out[LEGS];
    for (int i = 0; i < LEGS; i++) {
        char client[32], server[32];
        snprintf(client, sizeof(client), "10.0.0.1:%d", 1000 + 2 * i);
        snprintf(server, sizeof(server), "10.0.1.%d:80", i);
        in[i] = tap_http(&s, client, server);
        snprintf(client, sizeof(client), "10.0.0.1:%d", 1001 + 2 * i);
        out[i] = tap_http(&s, client, server);
        tap_request(&in[i], HTTP_RPC_IN_DATA);
        send_b1(&in[i], 10);
        CHECK_INT(in[i].now.leg, i);
    }
    for (int i = 0; i < LEGS; i++) {
        tap_request(&out[i], HTTP_RPC_OUT_DATA);
        send_a1(&out[i], 10);
        CHECK_INT(out[i].now.leg, i);
        CHECK_INT(out[i].now.in_stream, 2 * (unsigned)i);
    }
    CHECK_INT(s.world->rows.count, LEGS);
    SILENT(&s);
    scene_end(&s);
}

/* A 401 first: on the same TCP connection, with the first PDU sent both times. */
static void test_retry_after_401(void)
{
    struct scene s;
    scene_begin(&s);
    struct tap in = tap_http(&s, CLIENT ":1001", A), out = tap_http(&s, CLIENT ":1002", A);
    struct http_info bare = http_request(HTTP_RPC_OUT_DATA);
    set_step(&bare, AUTH_STEP_NONE);
    tap_head(&out, &bare);
    send_a1(&out, 10);
    tap_status(&out, 401);
    tap_request(&out, HTTP_RPC_OUT_DATA);
    CHECK_INT(out.now.vc, NO_NUMBER);
    send_a1(&out, 10);
    CHECK_INT(out.now.vc, 0);
    CHECK_INT(out.now.leg, 0);
    CHECK(!out.outcome.unexpected);
    CHECK_INT(out.outcome.channel_bytes, 76);
    tap_request(&in, HTTP_RPC_IN_DATA);
    send_b1(&in, 10);
    tap_status(&out, 200);
    send_a3(&out);
    send_c2(&out);
    CHECK_STR(out.now.state, "open");
    CHECK_INT(s.world->rows.count, 1);
    SILENT(&s);
    scene_end(&s);
}

/* Two legs were challenged: a retry belongs to the one that used its connection, else its server, else to the lowest. */
static void test_retry_finds_its_leg(void)
{
    static const struct {
        const char *servers[2];
        bool same_conn;
        int leg;
    } rows[] = {
        { { LB, A }, false, 1 }, { { A, A }, false, 0 },  { { A, A }, true, 1 },
        { { LB, A }, true, 1 },  { { LB, B }, false, 0 },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (int role = 0; role < 2; role++) {
            const enum http_method method = role ? HTTP_RPC_OUT_DATA : HTTP_RPC_IN_DATA;
            void (*const first)(struct tap *, unsigned) = role ? send_a1 : send_b1;
            struct scene s;
            scene_begin(&s);
            struct tap front = tap_http(&s, CLIENT ":1001", rows[i].servers[0]);
            struct tap back = tap_http(&s, "10.0.0.4:2001", rows[i].servers[1]);
            struct tap *taps[] = { &front, &back };
            for (int leg = 0; leg < 2; leg++) {
                tap_request(taps[leg], method);
                first(taps[leg], 10);
                CHECK_INT(taps[leg]->now.leg, leg);
            }
            tap_status(&back, 401);
            tap_status(&front, 401);
            struct tap other = tap_http(&s, "10.0.0.4:2002", A);
            struct tap *again = rows[i].same_conn ? &back : &other;
            tap_request(again, method);
            first(again, 10);
            CHECK_INT(again->now.leg, rows[i].leg);
            scene_end(&s);
        }
    }
}

/* NTLM: type 1 without a body and without a target, type 3 on the same connection. */
static void test_ntlm_steps(void)
{
    struct scene s;
    scene_begin(&s);
    struct tap in = tap_http(&s, CLIENT ":1001", A), out = tap_http(&s, CLIENT ":1002", A);
    struct tap *taps[] = { &in, &out };
    for (int i = 0; i < 2; i++) {
        struct http_info type1 = http_request(i ? HTTP_RPC_OUT_DATA : HTTP_RPC_IN_DATA);
        set_step(&type1, AUTH_STEP_TYPE1);
        type1.content_length = 0;
        type1.has_target = false;
        type1.target[0] = '\0';
        tap_head(taps[i], &type1);
        CHECK(taps[i]->has_channel);
        struct http_info type2 = http_response(401);
        type2.challenge_in_progress = true;
        strcpy(type2.challenge_server, "EX1");
        tap_head(taps[i], &type2);
        struct http_info type3 = http_request(i ? HTTP_RPC_OUT_DATA : HTTP_RPC_IN_DATA);
        set_step(&type3, AUTH_STEP_TYPE3);
        strcpy(type3.auth.user, "EXAMPLE\\alice");
        tap_head(taps[i], &type3);
        if (i) {
            send_a1(taps[i], 10);
        } else {
            send_b1(taps[i], 10);
        }
    }
    tap_status(&out, 200);
    send_a3(&out);
    send_c2(&out);
    struct leg_row row;
    rpch_state_row(s.world, 0, &row);
    CHECK_STR(row.user, "EXAMPLE\\alice (NTLM)");
    CHECK_INT(s.world->rows.count, 1);
    SILENT(&s);
    scene_end(&s);
}

/* Both halves closed and opened again with the same cookie: the same leg, a new attempt. */
static void test_retry_after_close(void)
{
    struct scene s;
    scene_begin(&s);
    struct tap in = tap_http(&s, CLIENT ":1001", A), out = tap_http(&s, CLIENT ":1002", A);
    open_both(&in, &out, 10);
    tap_fin(&in, UP);
    tap_fin(&out, UP);
    CHECK_STR(out.now.state, "closed");
    struct tap in2 = tap_http(&s, CLIENT ":1003", A), out2 = tap_http(&s, CLIENT ":1004", A);
    tap_request(&out2, HTTP_RPC_OUT_DATA);
    send_a1(&out2, 10);
    CHECK_INT(out2.now.leg, 0);
    CHECK_STR(out2.now.state, "opening");
    tap_request(&in2, HTTP_RPC_IN_DATA);
    send_b1(&in2, 10);
    CHECK_INT(in2.now.leg, 0);
    CHECK_INT(in2.now.in_stream, 2);
    CHECK_INT(in2.now.out_stream, 3);
    tap_status(&out2, 200);
    send_a3(&out2);
    send_c2(&out2);
    CHECK_STR(out2.now.state, "open");
    CHECK_INT(s.world->rows.count, 1);
    SILENT(&s);
    scene_end(&s);
}

/* Both legs closed: each retry finds its own by the server it goes to. */
static void test_retry_on_two_legs(void)
{
    struct scene s;
    scene_begin(&s);
    struct tap in0 = tap_http(&s, CLIENT ":1001", LB), in1 = tap_http(&s, "10.0.0.4:2001", A);
    tap_request(&in0, HTTP_RPC_IN_DATA);
    send_b1(&in0, 10);
    tap_request(&in1, HTTP_RPC_IN_DATA);
    send_b1(&in1, 10);
    CHECK_INT(in1.now.leg, 1);
    tap_status(&in1, 503);
    tap_status(&in0, 503);
    tap_fin(&in1, DOWN);
    tap_fin(&in0, DOWN);
    s.log[0] = '\0';
    struct tap in0b = tap_http(&s, CLIENT ":1005", LB), in1b = tap_http(&s, "10.0.0.4:2005", B);
    tap_request(&in0b, HTTP_RPC_IN_DATA);
    send_b1(&in0b, 10);
    CHECK_INT(in0b.now.leg, 0);
    tap_request(&in1b, HTTP_RPC_IN_DATA);
    send_b1(&in1b, 10);
    CHECK_INT(in1b.now.leg, 1);
    CHECK_INT(s.world->rows.count, 2);
    SILENT(&s);
    scene_end(&s);
}

/* A device passes a virtual connection on with the same cookie: leg 0 before it, leg 1 behind. */
static void begin_two_legs(struct scene *s, struct tap in[2], struct tap out[2])
{
    for (int leg = 0; leg < 2; leg++) {
        in[leg] = tap_http(s, leg ? "10.0.0.4:2001" : "10.0.0.1:1001", leg ? "10.0.0.82:80" : "10.0.0.4:80");
        out[leg] = tap_http(s, leg ? "10.0.0.4:2002" : "10.0.0.1:1002", leg ? "10.0.0.82:80" : "10.0.0.4:80");
        open_both(&in[leg], &out[leg], 10);
        CHECK_INT(in[leg].now.leg, leg);
        CHECK_INT(out[leg].now.leg, leg);
    }
}

/* Both legs wait for IN: the retry belongs to the one whose server it goes to, not to the lower. */
static void test_retry_by_server(void)
{
    struct scene s;
    struct tap in[2], out[2];
    scene_begin(&s);
    begin_two_legs(&s, in, out);
    tap_fin(&in[0], UP);
    tap_fin(&in[1], UP);
    struct tap behind = tap_http(&s, "10.0.0.4:2003", "10.0.0.82:80");
    tap_request(&behind, HTTP_RPC_IN_DATA);
    send_b1(&behind, 10);
    CHECK_INT(behind.now.leg, 1);
    struct tap before = tap_http(&s, "10.0.0.1:1003", "10.0.0.4:80");
    tap_request(&before, HTTP_RPC_IN_DATA);
    send_b1(&before, 10);
    CHECK_INT(before.now.leg, 0);
    scene_end(&s);
}

/* Each successor's cookie begins the count of legs anew. */
static void test_recycled_again_on_two_legs(void)
{
    struct scene s;
    struct tap in[2], out[2], next;
    scene_begin(&s);
    begin_two_legs(&s, in, out);
    for (unsigned cookie = 13; cookie < 16; cookie++) {
        for (int leg = 0; leg < 2; leg++) {
            char client[32];
            snprintf(client, sizeof(client), "10.0.0.%d:%u", leg ? 4 : 1, 3000 + cookie);
            next = tap_http(&s, client, leg ? "10.0.0.82:80" : "10.0.0.4:80");
            tap_request(&next, HTTP_RPC_IN_DATA);
            RTS(&next, UP, 4, "6333", .cookie = { 10, cookie - 1, cookie });
            CHECK_INT(next.now.leg, leg);
            CHECK(!next.outcome.unexpected);
            tap_fin(&in[leg], UP);
            in[leg] = next;
        }
    }
    CHECK_INT(s.world->rows.count, 2);
    scene_end(&s);
}

int main(void)
{
    test_legs();
    test_many_legs();
    test_retry_after_401();
    test_retry_finds_its_leg();
    test_ntlm_steps();
    test_retry_after_close();
    test_retry_on_two_legs();
    test_retry_by_server();
    test_recycled_again_on_two_legs();
    transcript_end(__FILE__);
    return unit_end();
}
