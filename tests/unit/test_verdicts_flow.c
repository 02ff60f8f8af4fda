/* test_verdicts_flow.c
 * Verdicts on what flows: what a device holds back, clocks that differ, calls that fail, lifetimes and windows, each
 * with its healthy counterpart.
 * Expectations come from MS-RPCH and from what the plugin promises its users.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "pairs.h"

/* ---- A device that holds back ------------------------------------------------------------ */

static void test_buffered_out(void)
{
    struct scene s;
    for (int late = 0; late < 3; late++) {
        scene_begin(&s);
        struct pair front = make_pair(&s, LB, LB);
        struct tap out1 = tap_http(&s, "10.0.0.4:2001", A), in1 = tap_http(&s, "10.0.0.4:2002", A);
        start_both(&front.in, &front.out, 10);
        tap_ack(&front.in, DOWN);
        start_both(&in1, &out1, 10);
        tap_status(&out1, 200);
        if (late != 2) {
            tap_status(&front.out, 200);
        }
        send_a3(&out1);
        scene_wait(&s, late ? 2 : 1.5);
        SILENT(&s);
        if (late == 2) {
            tap_status(&front.out, 200);
            EXPECT(&s, "buffered:warning@%u/0.0", s.frame);
        }
        send_a3(&front.out);
        if (late == 1) {
            EXPECT(&s, "buffered:warning@%u/0.0", s.frame);
            CHECK(strstr(s.last_text, LB));
            CHECK_INT(s.where, WHERE_DEVICE);
        }
        SILENT(&s);
        scene_end(&s);
    }
}

static void test_buffered_in(void)
{
    struct scene s;
    enum { PROMPT, LATE, NEVER, UNKNOWN, KINDS };
    for (int kind = 0; kind < KINDS; kind++) {
        scene_begin(&s);
        struct pair front = make_pair(&s, LB, LB);
        struct tap out1 = tap_http(&s, "10.0.0.4:2001", A), in1 = tap_http(&s, "10.0.0.4:2002", A);
        tap_request(&front.out, HTTP_RPC_OUT_DATA);
        send_a1(&front.out, 10);
        tap_request(&out1, HTTP_RPC_OUT_DATA);
        send_a1(&out1, 10);
        if (kind != UNKNOWN) {
            tap_request(&in1, HTTP_RPC_IN_DATA);
        }
        tap_request(&front.in, HTTP_RPC_IN_DATA);
        send_b1(&front.in, 10);
        tap_ack(&front.in, DOWN);
        scene_wait(&s, kind == PROMPT ? 1.5 : 2);
        if (kind == NEVER || kind == UNKNOWN) {
            tap_ack(&front.in, UP);
            if (kind == NEVER) {
                EXPECT(&s, "buffered:warning@%u/0.0", s.frame);
            }
        } else {
            send_b1(&in1, 10);
            if (kind == LATE) {
                EXPECT(&s, "buffered:warning@%u/0.1", s.frame);
            }
        }
        SILENT(&s);
        scene_end(&s);
    }
}

/* A capture behind the device, merged in with a clock that is three seconds ahead; or the halves of it reversed: what
 * is there first is leg 0. Times across the legs say nothing from then on. */
static void test_clocks_differ(void)
{
    struct scene s;
    for (int swapped = 0; swapped < 2; swapped++) {
        scene_begin(&s);
        struct pair front = make_pair(&s, LB, LB);
        struct tap out1 = tap_http(&s, "10.0.0.4:2001", A), in1 = tap_http(&s, "10.0.0.4:2002", A);
        struct tap *first_in = swapped ? &in1 : &front.in, *first_out = swapped ? &out1 : &front.out;
        struct tap *then_in = swapped ? &front.in : &in1, *then_out = swapped ? &front.out : &out1;
        start_both(first_in, first_out, 10);
        tap_ack(first_in, DOWN);
        tap_status(first_out, 200);
        send_a3(first_out);
        send_c2(first_out);
        scene_wait(&s, 3);
        start_both(then_in, then_out, 10);
        tap_status(then_out, 200);
        send_a3(then_out);
        send_c2(then_out);
        tap_rpc(first_in, UP, RPC_REQUEST, 72);
        tap_ack(first_in, DOWN);
        scene_wait(&s, 3);
        tap_rpc(then_in, UP, RPC_REQUEST, 72);
        SILENT(&s);
        scene_end(&s);
    }
}

/* A clock that is set back ends nothing that waits, and one that goes on waits from there. */
static void test_clock_set_back(void)
{
    struct scene s;
    for (int goes_on = 0; goes_on < 2; goes_on++) {
        scene_begin(&s);
        struct pair p = make_pair(&s, A, A);
        start_both(&p.in, &p.out, 10);
        take_out(&p.out);
        scene_wait(&s, -3600);
        tap_ack(&p.in, DOWN);
        tap_ack(&p.out, UP);
        scene_wait(&s, goes_on ? 6 : 4);
        tap_ack(&p.in, DOWN);
        if (goes_on) {
            EXPECT(&s, "never_joined:warning@%u/0.0", s.frame);
        }
        SILENT(&s);
        scene_end(&s);
    }
}

/* ---- Calls and limits --------------------------------------------------------------------- */

static void test_calls(void)
{
    struct scene s;
    scene_begin(&s);
    struct pair p = open_pair(&s, A, A, 10);
    tap_rpc(&p.in, UP, RPC_BIND, 72);
    tap_rpc_status(&p.out, DOWN, RPC_BIND_NAK, 24, 2);
    EXPECT(&s, "failed:note@%u/0.0", s.frame);
    CHECK(strstr(s.last_text, "bind_nak"));
    tap_rpc(&p.in, UP, RPC_REQUEST, 72);
    tap_rpc_status(&p.out, DOWN, RPC_FAULT, 32, 0x1C010002);
    EXPECT(&s, "failed:note@%u/0.0", s.frame);
    CHECK(strstr(s.last_text, "nca_s_op_rng_error") && strstr(s.last_text, "0x1c010002"));
    tap_rpc(&p.out, DOWN, RPC_RESPONSE, 32);
    SILENT(&s);
    struct leg_row row;
    rpch_state_row(s.world, 0, &row);
    CHECK_INT(row.calls, 1);
    CHECK_INT(row.faults, 2);
    CHECK_INT(row.verdict.kind, V_CALL_FAILED);
    scene_end(&s);
}

static void test_lifetime(void)
{
    struct scene s;
    scene_begin(&s);
    struct pair p = make_pair(&s, A, A);
    tap_request(&p.out, HTTP_RPC_OUT_DATA);
    send_a1(&p.out, 10);
    tap_request(&p.in, HTTP_RPC_IN_DATA);
    RTS(&p.in, UP, 0, "63345C", .cookie = { 10, 12 }, .lifetime = 131072);
    tap_status(&p.out, 200);
    send_a3(&p.out);
    RTS(&p.out, DOWN, 0, "602", .window = 262144);
    tap_rpc(&p.in, UP, RPC_REQUEST, 65535);
    tap_rpc(&p.in, UP, RPC_REQUEST, (uint16_t)(131072 - 65535 - 104));
    CHECK_INT(p.in.outcome.channel_bytes, 131072);
    SILENT(&s); /* RTS PDUs count for the lifetime (3.2.2.1.3) */
    RTS(&p.in, UP, 1, "");
    EXPECT(&s, "lifetime_exceeded:warning@%u/0.0", s.frame);
    RTS(&p.in, UP, 1, "");
    SILENT(&s);
    scene_end(&s);
}

static void test_window(void)
{
    struct scene s;
    enum { EXACT, BEYOND, ACKNOWLEDGED, STRANGE_ACK, GAP, KINDS };
    for (int kind = 0; kind < KINDS; kind++) {
        scene_begin(&s);
        struct pair p = make_pair(&s, A, A);
        tap_request(&p.out, HTTP_RPC_OUT_DATA);
        RTS(&p.out, UP, 0, "6330", .cookie = { 10, 11 }, .window = 8192);
        tap_request(&p.in, HTTP_RPC_IN_DATA);
        send_b1(&p.in, 10);
        tap_status(&p.out, 200);
        send_a3(&p.out);
        send_c2(&p.out);
        if (kind == GAP) {
            tap_lose(&p.in, UP, 40);
            tap_ack(&p.in, UP);
        }
        tap_rpc(&p.out, DOWN, RPC_RESPONSE, 4096);
        RTS(&p.out, DOWN, 1, ""); /* RTS PDUs do not count (3.2.1.1.4) */
        tap_rpc(&p.out, DOWN, RPC_RESPONSE, 4096);
        SILENT(&s);
        if (kind == ACKNOWLEDGED || kind == STRANGE_ACK) {
            RTS(&p.in, UP, 2, "D1", .destination = RTS_FD_OUT_PROXY, .received = 4096, .available = 8192,
                .ack_cookie = kind == ACKNOWLEDGED ? 11 : 99);
        }
        if (kind != EXACT) {
            tap_rpc(&p.out, DOWN, RPC_RESPONSE, 4096);
            if (kind == BEYOND || kind == STRANGE_ACK) {
                EXPECT(&s, "window_exceeded:warning@%u/0.0", s.frame);
                CHECK(strstr(s.last_text, "12288") && strstr(s.last_text, "8192"));
            }
        }
        SILENT(&s);
        scene_end(&s);
    }
    /* The client's side of it: C2 tells the window, the ack comes on OUT. */
    scene_begin(&s);
    struct pair p = make_pair(&s, A, A);
    start_both(&p.in, &p.out, 10);
    tap_status(&p.out, 200);
    send_a3(&p.out);
    RTS(&p.out, DOWN, 0, "602", .window = 8192);
    tap_rpc(&p.in, UP, RPC_REQUEST, 8192);
    RTS(&p.out, DOWN, 2, "D1", .destination = RTS_FD_CLIENT, .received = 8192, .available = 8192, .ack_cookie = 12);
    tap_rpc(&p.in, UP, RPC_REQUEST, 8192);
    SILENT(&s);
    tap_rpc(&p.in, UP, RPC_REQUEST, 16);
    EXPECT(&s, "window_exceeded:warning@%u/0.0", s.frame);
    scene_end(&s);
    /* Bytes Received wraps at 32 bits. */
    scene_begin(&s);
    p = open_pair(&s, A, A, 10);
    const uint32_t step = 60000;
    uint64_t sent = 0;
    transcript_off = true;
    for (unsigned i = 0; i < 80000; i++) {
        sent += step;
        tap_rpc(&p.out, DOWN, RPC_RESPONSE, (uint16_t)step);
        RTS(&p.in, UP, 2, "D1", .destination = RTS_FD_OUT_PROXY, .received = (uint32_t)sent, .available = 65536,
            .ack_cookie = 11);
    }
    transcript_off = false;
    CHECK(sent > UINT32_MAX);
    SILENT(&s);
    scene_end(&s);
    /* Between proxy and server only what has no destination counts. */
    scene_begin(&s);
    struct tap out = tap_open(&s, RTS_HOP_TCP, "10.0.0.81:3002", "10.0.0.90:6004");
    struct tap in = tap_open(&s, RTS_HOP_TCP, "10.0.0.81:3001", "10.0.0.90:6004");
    RTS(&out, UP, 0x10, "63340", .cookie = { 10, 11 }, .window = 8192);
    RTS(&in, UP, 8, "63302CB", .cookie = { 10, 12 });
    RTS(&in, DOWN, 0, "06", .window = 8192);
    RTS(&out, DOWN, 0, "602");
    tap_rpc(&out, DOWN, RPC_RESPONSE, 8192);
    RTS(&out, UP, 2, "1", .received = 8192, .available = 8192, .ack_cookie = 11);
    tap_rpc(&out, DOWN, RPC_RESPONSE, 8192);
    tap_rpc(&in, UP, RPC_REQUEST, 8192);
    SILENT(&s);
    RTS(&in, UP, 2, "D1", .destination = RTS_FD_OUT_PROXY, .received = 16384, .available = 8192, .ack_cookie = 12);
    tap_rpc(&in, UP, RPC_REQUEST, 16);
    EXPECT(&s, "window_exceeded:warning@%u/0.0", s.frame);
    scene_end(&s);
}

int main(void)
{
    test_buffered_out();
    test_buffered_in();
    test_clocks_differ();
    test_clock_set_back();
    test_calls();
    test_lifetime();
    test_window();
    transcript_end(__FILE__);
    return unit_end();
}
