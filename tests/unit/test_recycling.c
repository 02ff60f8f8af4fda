/* test_recycling.c
 * Recycling of the channels of virtual connections, and PDUs out of place. Expectations come from MS-RPCH.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "balanced.h"
#include "rpch_state.h"
#include "scene.h"

/* ---- Recycling --------------------------------------------------------------------- */

/* An open connection on the HTTP hop: VC 10, OUT 11, IN 12. */
struct pair {
    struct tap in, out;
};

static struct pair open_pair(struct scene *s, const char *server)
{
    struct pair pair = { tap_http(s, CLIENT ":1001", server), tap_http(s, CLIENT ":1002", server) };
    open_both(&pair.in, &pair.out, 10);
    return pair;
}

static void check_name(const struct tap *tap, const char *name, int line)
{
    unit_check_str(tap->outcome.name, name, __FILE__, line, "name");
    unit_check(!tap->outcome.misplaced, __FILE__, line, "not misplaced");
    unit_check_str(tap->outcome.unexpected, NULL, __FILE__, line, "unexpected");
}

#define NAMED(tap, name) check_name(tap, name, __LINE__)

static void test_in_r1_http(void)
{
    struct scene s;
    scene_begin(&s);
    struct pair p = open_pair(&s, A);
    struct tap next = tap_http(&s, CLIENT ":1003", A);
    tap_request(&next, HTTP_RPC_IN_DATA);
    RTS(&next, UP, 4, "6333", .cookie = { 10, 12, 13 });
    NAMED(&next, "IN_R1/A1 or IN_R2/A1");
    CHECK_INT(next.now.vc, 0);
    CHECK_INT(next.now.leg, 0);
    CHECK_STR(next.now.state, "recycling");
    CHECK_INT(next.now.in_stream, 0);
    RTS(&p.out, DOWN, 0, "D602", .destination = RTS_FD_CLIENT, .window = 32768);
    NAMED(&p.out, "IN_R1/A4");
    RTS(&p.in, UP, 0, "3", .cookie = { 13 });
    NAMED(&p.in, "IN_R1/A5");
    CHECK_STR(p.in.now.state, "open");
    CHECK_INT(p.in.now.in_stream, next.stream);
    tap_fin(&p.in, DOWN);
    CHECK_STR(p.in.now.state, "open");
    scene_wait(&s, 30);
    tap_rpc(&next, UP, RPC_REQUEST, 100);
    CHECK_STR(next.now.state, "open");
    /* Again, by the other sequence this time. */
    struct tap third = tap_http(&s, CLIENT ":1004", A);
    tap_request(&third, HTTP_RPC_IN_DATA);
    RTS(&third, UP, 4, "6333", .cookie = { 10, 13, 14 });
    NAMED(&third, "IN_R1/A1 or IN_R2/A1");
    RTS(&p.out, DOWN, 0, "D", .destination = RTS_FD_CLIENT);
    NAMED(&p.out, "IN_R2/A4");
    RTS(&next, UP, 0, "3", .cookie = { 14 });
    NAMED(&next, "IN_R2/A5");
    tap_fin(&next, DOWN);
    CHECK_STR(p.out.now.state, "recycling");
    tap_ack(&p.out, UP);
    CHECK_STR(p.out.now.state, "open");
    CHECK_INT(p.out.now.in_stream, third.stream);
    CHECK_INT(s.world->rows.count, 1);
    SILENT(&s);
    scene_end(&s);
}

static void test_out_r1_http(void)
{
    struct scene s;
    scene_begin(&s);
    struct pair p = open_pair(&s, A);
    struct tap next = tap_http(&s, CLIENT ":1003", A);
    RTS(&p.out, DOWN, 4, "D", .destination = RTS_FD_CLIENT);
    NAMED(&p.out, "OUT_R1/A2 or OUT_R2/A2");
    CHECK_STR(p.out.now.state, "recycling");
    struct http_info request = http_request(HTTP_RPC_OUT_DATA);
    request.content_length = 120;
    tap_head(&next, &request);
    RTS(&next, UP, 4, "63330", .cookie = { 10, 11, 21 });
    NAMED(&next, "OUT_R1/A3 or OUT_R2/A3");
    RTS(&p.out, DOWN, 0x10, "D62", .destination = RTS_FD_CLIENT, .timeout_ms = 600000);
    NAMED(&p.out, "OUT_R1/A6");
    RTS(&p.in, UP, 0x10, "D3", .destination = RTS_FD_SERVER, .cookie = { 21 });
    NAMED(&p.in, "OUT_R1/A7");
    RTS(&p.out, DOWN, 0, "A");
    NAMED(&p.out, "OUT_R1/A10");
    tap_fin(&p.out, DOWN);
    RTS(&next, UP, 0, "A");
    NAMED(&next, "OUT_R1/A11");
    tap_status(&next, 200);
    CHECK_STR(next.now.state, "open");
    CHECK_INT(next.now.out_stream, next.stream);
    tap_rpc(&next, DOWN, RPC_RESPONSE, 100);
    SILENT(&s);
    scene_end(&s);
}

static void test_out_r2_http(void)
{
    struct scene s;
    scene_begin(&s);
    struct pair p = open_pair(&s, A);
    struct tap next = tap_http(&s, CLIENT ":1003", A);
    RTS(&p.out, DOWN, 4, "D", .destination = RTS_FD_CLIENT);
    struct http_info request = http_request(HTTP_RPC_OUT_DATA);
    request.content_length = 120;
    tap_head(&next, &request);
    RTS(&next, UP, 4, "63330", .cookie = { 10, 11, 21 });
    RTS(&p.out, DOWN, 0, "DA", .destination = RTS_FD_CLIENT);
    NAMED(&p.out, "OUT_R2/A6");
    RTS(&p.in, UP, 0x10, "D36", .destination = RTS_FD_SERVER, .cookie = { 21 });
    NAMED(&p.in, "OUT_R2/A7");
    RTS(&next, UP, 1, "7");
    NAMED(&next, "OUT_R2/C1");
    RTS(&p.out, DOWN, 0x20, "A");
    NAMED(&p.out, "OUT_R2/B3");
    CHECK_STR(p.out.now.state, "open");
    RTS(&p.out, DOWN, 1, "");
    CHECK(p.out.outcome.unexpected); /* nothing comes after B3 */
    tap_fin(&p.out, DOWN);
    tap_status(&next, 200);
    CHECK_INT(next.now.out_stream, next.stream);
    CHECK_STR(next.now.state, "open");
    SILENT(&s);
    scene_end(&s);
}

/* A6 was lost: C1, which only OUT_R2 has, says which sequence it is. What follows has one
 * name then. */
static void test_out_r2_told_by_c1(void)
{
    for (int with_c1 = 0; with_c1 <= 1; with_c1++) {
        struct scene s;
        scene_begin(&s);
        struct pair p = open_pair(&s, A);
        struct tap next = tap_http(&s, CLIENT ":1003", A);
        RTS(&p.out, DOWN, 4, "D", .destination = RTS_FD_CLIENT);
        NAMED(&p.out, "OUT_R1/A2 or OUT_R2/A2");
        struct http_info request = http_request(HTTP_RPC_OUT_DATA);
        request.content_length = 120;
        tap_head(&next, &request);
        RTS(&next, UP, 4, "63330", .cookie = { 10, 11, 21 });
        NAMED(&next, "OUT_R1/A3 or OUT_R2/A3");
        if (with_c1) {
            RTS(&next, UP, 1, "7");
            NAMED(&next, "OUT_R2/C1");
        }
        RTS(&p.out, DOWN, 4, "D", .destination = RTS_FD_CLIENT);
        NAMED(&p.out, with_c1 ? "OUT_R2/A2" : "OUT_R1/A2 or OUT_R2/A2");
        scene_end(&s);
    }
}

/* Between proxies and server: VC 10, OUT 11, IN 12. */
static struct pair open_tcp_pair(struct scene *s)
{
    struct pair p = { tap_open(s, RTS_HOP_TCP, "10.0.0.81:3001", "10.0.0.90:6004"),
                      tap_open(s, RTS_HOP_TCP, "10.0.0.81:3002", "10.0.0.90:6004") };
    RTS(&p.out, UP, 0x10, "63340", .cookie = { 10, 11 });
    NAMED(&p.out, "CONN/A2");
    CHECK_INT(p.out.now.channel, 2);
    RTS(&p.in, UP, 8, "63302CB", .cookie = { 10, 12 });
    NAMED(&p.in, "CONN/B2");
    CHECK_INT(p.in.now.channel, 1);
    CHECK_INT(p.in.now.out_stream, 1);
    CHECK_STR(p.in.now.state, "opening");
    RTS(&p.in, DOWN, 0, "06");
    NAMED(&p.in, "CONN/B3");
    RTS(&p.out, DOWN, 0, "602");
    NAMED(&p.out, "CONN/C1");
    CHECK_STR(p.out.now.state, "open");
    return p;
}

static void test_in_r1_tcp(void)
{
    struct scene s;
    scene_begin(&s);
    struct pair p = open_tcp_pair(&s);
    struct tap next = tap_open(&s, RTS_HOP_TCP, "10.0.0.82:3003", "10.0.0.90:6004");
    RTS(&next, UP, 0xC, "633302", .cookie = { 10, 12, 13 });
    NAMED(&next, "IN_R1/A2");
    CHECK_INT(next.now.vc, 0);
    CHECK_STR(next.now.state, "recycling");
    RTS(&p.out, DOWN, 0, "D602", .destination = RTS_FD_CLIENT);
    NAMED(&p.out, "IN_R1/A3");
    RTS(&p.in, UP, 0, "3", .cookie = { 13 });
    NAMED(&p.in, "IN_R1/A6");
    RTS(&p.in, UP, 0, "7");
    NAMED(&p.in, "IN_R1/B1");
    RTS(&next, DOWN, 0, "0");
    NAMED(&next, "IN_R1/B2");
    CHECK_STR(next.now.state, "open");
    CHECK_INT(next.now.in_stream, next.stream);
    tap_fin(&p.in, DOWN);
    CHECK_STR(p.in.now.state, "open");
    SILENT(&s);
    scene_end(&s);
}

static void test_in_r2_tcp(void)
{
    struct scene s;
    scene_begin(&s);
    struct pair p = open_tcp_pair(&s);
    RTS(&p.in, UP, 0, "3", .cookie = { 13 });
    NAMED(&p.in, "IN_R1/A6 or IN_R2/A2");
    RTS(&p.out, DOWN, 0, "D", .destination = RTS_FD_CLIENT);
    NAMED(&p.out, "IN_R2/A3");
    /* The cookie is the successor's now: the next sequence names it as predecessor. */
    struct tap next = tap_open(&s, RTS_HOP_TCP, "10.0.0.82:3003", "10.0.0.90:6004");
    RTS(&next, UP, 0xC, "633302", .cookie = { 10, 13, 14 });
    NAMED(&next, "IN_R1/A2");
    CHECK_INT(next.now.leg, 0);
    CHECK_STR(next.now.state, "recycling");
    CHECK_INT(s.world->rows.count, 1);
    scene_end(&s);
}

static void test_out_r1_tcp(void)
{
    struct scene s;
    scene_begin(&s);
    struct pair p = open_tcp_pair(&s);
    RTS(&p.out, DOWN, 4, "D", .destination = RTS_FD_CLIENT);
    NAMED(&p.out, "OUT_R1/A1 or OUT_R2/A1");
    CHECK_STR(p.out.now.state, "recycling");
    struct tap next = tap_open(&s, RTS_HOP_TCP, "10.0.0.82:3003", "10.0.0.90:6004");
    RTS(&next, UP, 0x14, "6333402", .cookie = { 10, 11, 21 });
    NAMED(&next, "OUT_R1/A4");
    RTS(&p.out, DOWN, 0x10, "D62", .destination = RTS_FD_CLIENT);
    NAMED(&p.out, "OUT_R1/A5");
    RTS(&p.in, UP, 0x10, "D3", .destination = RTS_FD_SERVER, .cookie = { 21 });
    NAMED(&p.in, "OUT_R1/A8");
    RTS(&p.out, DOWN, 0, "A");
    NAMED(&p.out, "OUT_R1/A9");
    CHECK_STR(p.out.now.state, "open");
    CHECK_INT(p.out.now.out_stream, next.stream);
    tap_fin(&p.out, UP);
    tap_rpc(&next, DOWN, RPC_RESPONSE, 100);
    CHECK_STR(next.now.state, "open");
    SILENT(&s);
    scene_end(&s);
}

static void test_out_r2_tcp(void)
{
    struct scene s;
    scene_begin(&s);
    struct pair p = open_tcp_pair(&s);
    for (unsigned round = 0; round < 2; round++) {
        RTS(&p.out, DOWN, 4, "D", .destination = RTS_FD_CLIENT);
        NAMED(&p.out, "OUT_R1/A1 or OUT_R2/A1");
        RTS(&p.out, UP, 0, "3", .cookie = { 21 + round });
        NAMED(&p.out, "OUT_R2/A4");
        RTS(&p.out, DOWN, 0, "DA", .destination = RTS_FD_CLIENT);
        NAMED(&p.out, "OUT_R2/A5");
        RTS(&p.in, UP, 0x10, "D3", .destination = RTS_FD_SERVER, .cookie = { 21 + round });
        NAMED(&p.in, "OUT_R2/A8");
        CHECK_STR(p.in.now.state, "recycling");
        RTS(&p.out, DOWN, 0, "A");
        NAMED(&p.out, "OUT_R2/B1");
        CHECK_STR(p.out.now.state, "open");
    }
    RTS(&p.out, DOWN, 4, "D", .destination = RTS_FD_CLIENT);
    RTS(&p.out, UP, 0, "3", .cookie = { 31 });
    RTS(&p.out, DOWN, 0, "9");
    NAMED(&p.out, "OUT_R2/B2");
    CHECK_STR(p.out.now.state, "open");
    EXPECT(&s, "not_recycled:note@%u/0.0", s.frame);
    RTS(&p.out, UP, 2, "E");
    NAMED(&p.out, "Ping Traffic Sent Notify");
    tap_rpc(&p.out, DOWN, RPC_RESPONSE, 100);
    SILENT(&s);
    scene_end(&s);
}

/* Both legs of a balancer recycle: each successor joins its own predecessor. */
static void test_recycling_on_two_legs(void)
{
    struct scene s;
    scene_begin(&s);
    struct tap in0 = tap_http(&s, CLIENT ":1001", LB), out0 = tap_http(&s, CLIENT ":1002", LB);
    struct tap in1 = tap_http(&s, "10.0.0.4:2001", A), out1 = tap_http(&s, "10.0.0.4:2002", A);
    start_both(&in0, &out0, 10);
    start_both(&in1, &out1, 10);
    struct tap *outs[] = { &out1, &out0 };
    for (int i = 0; i < 2; i++) {
        tap_status(outs[i], 200);
        send_a3(outs[i]);
        send_c2(outs[i]);
    }
    struct tap next0 = tap_http(&s, CLIENT ":1003", LB), next1 = tap_http(&s, "10.0.0.4:2003", A);
    struct tap *nexts[] = { &next0, &next1 };
    for (int leg = 0; leg < 2; leg++) {
        tap_request(nexts[leg], HTTP_RPC_IN_DATA);
        RTS(nexts[leg], UP, 4, "6333", .cookie = { 10, 12, 13 });
        CHECK_INT(nexts[leg]->now.leg, leg);
    }
    CHECK_INT(s.world->rows.count, 2);
    SILENT(&s);
    scene_end(&s);
}

/* A successor whose predecessor was not captured still belongs to its connection. */
static void test_successor_alone(void)
{
    struct scene s;
    scene_begin(&s);
    struct tap next = tap_http(&s, CLIENT ":1001", A);
    tap_request(&next, HTTP_RPC_OUT_DATA);
    RTS(&next, UP, 4, "63330", .cookie = { 10, 11, 21 });
    CHECK_INT(next.now.vc, 0);
    CHECK_INT(next.now.out_stream, 0);
    scene_wait(&s, 1000);
    tap_ack(&next, UP);
    tap_fin(&next, UP);
    SILENT(&s);
    scene_end(&s);
}

/* ---- PDUs out of place ---------------------------------------------------------------- */

static void test_unexpected(void)
{
    struct scene s;
    scene_begin(&s);
    struct pair p = open_pair(&s, A);
    send_a1(&p.out, 10);
    CHECK(p.out.outcome.unexpected);
    send_c2(&p.out);
    CHECK(p.out.outcome.unexpected);
    send_a3(&p.out);
    CHECK(p.out.outcome.unexpected);
    send_a1(&p.in, 10);
    CHECK(p.in.outcome.misplaced);
    CHECK_STR(p.in.outcome.name, "CONN/A1");
    RTS(&p.in, UP, 0, "3", .cookie = { 99 });
    CHECK(p.in.outcome.unexpected);
    RTS(&p.in, UP, 0, "777");
    CHECK_STR(p.in.outcome.name, "unknown RTS PDU");
    CHECK(p.in.outcome.unexpected);
    struct tap out = tap_http(&s, CLIENT ":1009", A);
    tap_request(&out, HTTP_RPC_OUT_DATA);
    send_a1(&out, 50);
    RTS(&out, DOWN, 4, "D", .destination = RTS_FD_CLIENT);
    CHECK(out.outcome.unexpected); /* recycling before it was open */
    scene_end(&s);
}

/* A snapped PDU cannot be named, which is nobody's fault. */
static void test_snapped(void)
{
    struct scene s;
    scene_begin(&s);
    struct pair p = open_pair(&s, A);
    struct rts_pdu pdu;
    struct rts_args args = { .window = 1 };
    struct pdu_header header = { .rpc_vers = 5, .ptype = RPC_RTS, .frag_length = 44 };
    rts_make(&pdu, 0, "6", &args);
    pdu.number_of_commands = 3;
    pdu.well_formed = false;
    s.frame++;
    rpch_conn_pdu(p.out.conn, scene_now(&s), DOWN, &header, &pdu, 0, &p.out.outcome);
    CHECK_STR(p.out.outcome.name, "unknown RTS PDU");
    CHECK(!p.out.outcome.unexpected);
    scene_end(&s);
}

int main(void)
{
    test_in_r1_http();
    test_out_r1_http();
    test_out_r2_http();
    test_out_r2_told_by_c1();
    test_in_r1_tcp();
    test_in_r2_tcp();
    test_out_r1_tcp();
    test_out_r2_tcp();
    test_recycling_on_two_legs();
    test_successor_alone();
    test_unexpected();
    test_snapped();
    transcript_end(__FILE__);
    return unit_end();
}
