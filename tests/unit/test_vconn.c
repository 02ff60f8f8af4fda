/* test_vconn.c
 * Virtual connections: pairing, legs, retries, recycling, states, rows. Expectations come
 * from MS-RPCH and from what the plugin promises its users.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "rpch_state.h"
#include "scene.h"

#define CLIENT "10.0.0.1"
#define LB "10.0.0.4:80"
#define A "10.0.0.81:80"
#define B "10.0.0.82:80"

static void test_endpoints(void)
{
    char text[ENDPOINT_TEXT_MAX];
    struct endpoint end = end_of("10.0.0.81:80");
    endpoint_format(&end, text);
    CHECK_STR(text, "10.0.0.81:80");
    end = end_of("v6.129:8080");
    endpoint_format(&end, text);
    CHECK_STR(text, "[2001:db8::81]:8080");
    /* RFC 5952: the longest run of zeros, the first of equals, no run of one. */
    static const struct {
        uint16_t group[8];
        const char *text;
    } rows[] = { { { 0, 0, 0, 0, 0, 0, 0, 0 }, "[::]:1" },
                 { { 0, 0, 0, 0, 0, 0, 0, 1 }, "[::1]:1" },
                 { { 0x2001, 0xDB8, 0, 0, 1, 0, 0, 1 }, "[2001:db8::1:0:0:1]:1" },
                 { { 0x2001, 0xDB8, 0, 1, 1, 1, 1, 1 }, "[2001:db8:0:1:1:1:1:1]:1" },
                 { { 0x2001, 0, 0, 1, 0, 0, 0, 1 }, "[2001:0:0:1::1]:1" },
                 { { 0xFE80, 0, 0, 0, 0, 0, 0, 0 }, "[fe80::]:1" },
                 { { 1, 2, 3, 4, 5, 6, 7, 8 }, "[1:2:3:4:5:6:7:8]:1" },
                 { { 0, 0, 0, 0, 0, 0xFFFF, 0x0A00, 0x0001 }, "[::ffff:10.0.0.1]:1" } };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct endpoint six = { .family = 6, .port = 1 };
        for (int g = 0; g < 8; g++) {
            six.addr[2 * g] = (uint8_t)(rows[i].group[g] >> 8);
            six.addr[2 * g + 1] = (uint8_t)rows[i].group[g];
        }
        endpoint_format(&six, text);
        CHECK_STR(text, rows[i].text);
    }
    struct endpoint four = end_of("10.0.0.81:80"), other = end_of("10.0.0.81:81");
    CHECK(!endpoint_equal(&four, &other));
    CHECK(endpoint_equal(&four, &four));
}

/* A healthy connection from the first request to the close by the client. */
static void test_healthy(void)
{
    struct scene s;
    scene_begin(&s);
    struct tap in = tap_http(&s, CLIENT ":1001", A), out = tap_http(&s, CLIENT ":1002", A);
    struct endpoint client = end_of(CLIENT ":1001"), server = end_of(A);
    struct vc_mark mark;
    CHECK(endpoint_equal(&rpch_conn_conn(in.conn)->client, &client) &&
          endpoint_equal(conn_server(rpch_conn_conn(in.conn)), &server));
    CHECK(rpch_conn_conn(in.conn)->tcp.syn && rpch_conn_conn(in.conn)->tcp.syn_ack);
    CHECK(!rpch_conn_mark(in.conn, &mark));
    tap_request(&out, HTTP_RPC_OUT_DATA);
    CHECK(rpch_conn_mark(out.conn, &mark) && !mark.leg);
    CHECK(out.has_channel);
    CHECK_INT(out.now.channel, 2);
    CHECK_INT(out.now.vc, NO_NUMBER);
    CHECK_STR(out.now.target, "ex1.example.test:6004");
    send_a1(&out, 10);
    CHECK_STR(out.outcome.name, "CONN/A1");
    CHECK(!out.outcome.misplaced && !out.outcome.unexpected);
    CHECK_INT(out.outcome.channel, 2);
    CHECK_INT(out.outcome.channel_bytes, 76);
    CHECK_INT(out.now.vc, 0);
    CHECK_INT(out.now.leg, 0);
    CHECK_STR(out.now.state, "opening");
    CHECK(out.now.out_peer && !out.now.in_peer);
    CHECK_INT(out.now.in_stream, NO_NUMBER);
    CHECK_INT(out.now.peer_frame, 0);
    CHECK(out.now.cookie && out.now.cookie[0] == 10);
    uint32_t a1 = s.frame;
    tap_request(&in, HTTP_RPC_IN_DATA);
    send_b1(&in, 10);
    CHECK_STR(in.outcome.name, "CONN/B1");
    CHECK_INT(in.outcome.channel, 1);
    CHECK_INT(in.outcome.channel_bytes, 104);
    CHECK_INT(in.now.vc, 0);
    CHECK_INT(in.now.out_stream, 1);
    CHECK_INT(in.now.in_stream, 0);
    CHECK_INT(in.now.peer_frame, a1);
    char peer[ENDPOINT_TEXT_MAX];
    endpoint_format(in.now.out_peer, peer);
    CHECK_STR(peer, A);
    uint32_t b1 = s.frame;
    tap_status(&out, 200);
    send_a3(&out);
    CHECK_STR(out.outcome.name, "CONN/A3");
    CHECK_STR(out.now.state, "opening");
    CHECK_INT(out.now.peer_frame, b1);
    send_c2(&out);
    CHECK_STR(out.outcome.name, "CONN/C2");
    CHECK_STR(out.now.state, "open");
    CHECK_INT(out.outcome.channel_bytes, 76 + 28 + 44);
    tap_rpc(&in, UP, RPC_BIND, 116);
    CHECK_STR(in.outcome.name, "");
    CHECK_INT(in.outcome.channel_bytes, 104 + 116);
    tap_rpc(&out, DOWN, RPC_BIND_ACK, 60);
    tap_rpc(&in, UP, RPC_REQUEST, 200);
    tap_rpc(&out, DOWN, RPC_RESPONSE, 400);
    scene_wait(&s, 150);
    RTS(&in, UP, 1, "");
    CHECK_STR(in.outcome.name, "Ping");
    RTS(&out, DOWN, 1, "");
    RTS(&in, UP, 2, "5", .keepalive_ms = 60000);
    CHECK_STR(in.outcome.name, "Keep-Alive");
    tap_fin(&in, UP);
    CHECK_STR(in.now.state, "closed");
    tap_fin(&out, UP);
    tap_fin(&out, DOWN);
    tap_fin(&in, DOWN);
    SILENT(&s);

    CHECK_INT(s.world->rows.count, 1);
    struct leg_row row;
    CHECK(rpch_state_row(s.world, 0, &row));
    CHECK(!rpch_state_row(s.world, 1, &row));
    CHECK(rpch_state_row(s.world, 0, &row));
    CHECK_INT(row.vc, 0);
    CHECK_INT(row.leg, 0);
    CHECK_STR(row.user, "EXAMPLE\\alice (Basic)");
    CHECK_STR(row.target, "ex1.example.test:6004");
    CHECK_STR(row.state, "closed");
    CHECK_INT(row.calls, 1);
    CHECK_INT(row.faults, 0);
    CHECK_INT(row.in.stream, 0);
    CHECK_INT(row.out.stream, 1);
    CHECK(row.client.family && row.client.port == 1002);
    CHECK_INT(row.setup_ns, 6 * SECONDS_NS / 1000);
    CHECK(row.longest_idle_ns >= 150 * SECONDS_NS && row.longest_idle_ns < 151 * SECONDS_NS);
    CHECK_INT(row.verdict.kind, VERDICT_KINDS);
    CHECK_INT(row.verdict.where, WHERE_NONE);
    CHECK(!row.verdict.cannot_tell);
    CHECK(strncmp(row.ended, "FIN by client (frame ", 21) == 0);
    CHECK_INT(rpch_conn_row(in.conn), 0);
    CHECK(rpch_conn_mark(in.conn, &mark) && mark.leg && mark.state == LEG_CLOSED);
    scene_end(&s);
}

/* Two connections at a time on one client, and a second one later. */
static void test_interleaved(void)
{
    struct scene s;
    scene_begin(&s);
    struct tap in1 = tap_http(&s, CLIENT ":1001", A), out1 = tap_http(&s, CLIENT ":1002", A);
    struct tap in2 = tap_http(&s, CLIENT ":1003", B), out2 = tap_http(&s, CLIENT ":1004", B);
    tap_request(&out1, HTTP_RPC_OUT_DATA);
    tap_request(&out2, HTTP_RPC_OUT_DATA);
    tap_request(&in2, HTTP_RPC_IN_DATA);
    tap_request(&in1, HTTP_RPC_IN_DATA);
    send_b1(&in2, 20);
    send_a1(&out1, 10);
    send_a1(&out2, 20);
    send_b1(&in1, 10);
    CHECK_INT(in2.now.vc, 0);
    CHECK_INT(out1.now.vc, 1);
    CHECK_INT(out2.now.vc, 0);
    CHECK_INT(in1.now.vc, 1);
    CHECK_INT(in1.now.out_stream, 1);
    CHECK_INT(out2.now.in_stream, 2);
    SILENT(&s);
    scene_end(&s);
}

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

/* Echo requests and other requests are no channels; both end the one before. */
static void test_no_channel(void)
{
    struct scene s;
    scene_begin(&s);
    struct tap tap = tap_http(&s, CLIENT ":1001", A);
    struct http_info echo = http_request(HTTP_RPC_IN_DATA);
    set_step(&echo, AUTH_STEP_NONE);
    for (int length = 0; length <= 16; length += 4) {
        echo.content_length = length;
        tap_head(&tap, &echo);
        CHECK(!tap.has_channel);
        CHECK_INT(rpch_conn_row(tap.conn), NO_NUMBER);
    }
    tap_status(&tap, 200);
    RTS(&tap, DOWN, 0x40, "");
    CHECK_STR(tap.outcome.name, "Echo");
    CHECK(!tap.outcome.misplaced);
    CHECK_INT(tap.outcome.channel, 0);
    echo.content_length = 17;
    tap_head(&tap, &echo);
    CHECK(tap.has_channel);
    struct http_info get = { .is_request = true, .method = HTTP_OTHER_METHOD, .content_length = -1 };
    tap_head(&tap, &get);
    CHECK(!tap.has_channel);
    scene_wait(&s, 1000);
    tap_ack(&tap, UP);
    tap_fin(&tap, UP);
    SILENT(&s);
    CHECK_INT(s.world->rows.count, 0);
    scene_end(&s);
}

/* RPC over HTTP version 1: both directions on one connection, no RTS, no number. */
static void test_v1(void)
{
    struct scene s;
    scene_begin(&s);
    struct tap tap = tap_http(&s, CLIENT ":1001", A);
    struct http_info request = http_request(HTTP_RPC_CONNECT);
    request.v1 = true;
    tap_head(&tap, &request);
    tap_status(&tap, 200);
    tap_rpc(&tap, UP, RPC_BIND, 72);
    tap_rpc(&tap, DOWN, RPC_BIND_ACK, 60);
    CHECK_INT(tap.outcome.channel, 0);
    CHECK_INT(tap.outcome.channel_bytes, 132);
    scene_wait(&s, 500);
    tap_rpc(&tap, UP, RPC_REQUEST, 100);
    SILENT(&s);
    CHECK_INT(s.world->rows.count, 0);
    tap_rpc_status(&tap, DOWN, RPC_FAULT, 32, 5);
    EXPECT(&s, "failed:note@%u/0.0", s.frame);
    tap_fin(&tap, UP);
    SILENT(&s);
    scene_end(&s);
}

/* On an echo connection there is no channel, but the method says which side it would be: a
 * PDU of the other side is out of place (MS-RPCH 2.2.4.4 and 2.2.4.7). */
static void test_echo_sides(void)
{
    struct scene s;
    for (int out = 0; out <= 1; out++) {
        scene_begin(&s);
        struct tap tap = tap_http(&s, CLIENT ":1001", A);
        struct http_info echo = http_request(out ? HTTP_RPC_OUT_DATA : HTTP_RPC_IN_DATA);
        set_step(&echo, AUTH_STEP_NONE);
        echo.content_length = 4;
        tap_head(&tap, &echo);
        tap_status(&tap, 200);
        send_a3(&tap);
        CHECK_STR(tap.outcome.name, "CONN/A3");
        CHECK_INT(tap.outcome.misplaced, !out);
        CHECK_INT(tap.outcome.channel, 0);
        RTS(&tap, UP, 2, "5", .keepalive_ms = 60000);
        CHECK_STR(tap.outcome.name, "Keep-Alive");
        CHECK_INT(tap.outcome.misplaced, out);
        scene_end(&s);
    }
}

/* What a call of the client says about the state. Where both halves were captured whole, only
 * CONN/C2 opens the connection (3.2.2.5.6); where not, a call shows that C2 was had. Nothing
 * reopens what is closed. */
static void test_calls_and_state(void)
{
    struct scene s;
    scene_begin(&s);
    struct tap in = tap_http(&s, CLIENT ":1001", A), out = tap_http(&s, CLIENT ":1002", A);
    start_both(&in, &out, 10);
    tap_rpc(&in, UP, RPC_BIND, 72);
    CHECK_STR(in.now.state, "opening");
    tap_status(&out, 200);
    send_a3(&out);
    send_c2(&out);
    CHECK_STR(out.now.state, "open");
    scene_end(&s);

    struct conn_past no_syn = { 0 };
    scene_begin(&s);
    in = tap_http(&s, CLIENT ":1001", A);
    out = tap_open_past(&s, RTS_HOP_HTTP, CLIENT ":1002", A, no_syn);
    start_both(&in, &out, 10);
    CHECK_STR(in.now.state, "opening");
    tap_rpc(&in, UP, RPC_BIND, 72);
    CHECK_STR(in.now.state, "open");
    tap_fin(&out, UP);
    CHECK_STR(out.now.state, "closed");
    tap_rpc(&in, UP, RPC_REQUEST, 100); /* was on its way */
    CHECK_STR(in.now.state, "closed");
    scene_end(&s);

    /* The same with one half only. */
    scene_begin(&s);
    in = tap_http(&s, CLIENT ":1001", A);
    tap_request(&in, HTTP_RPC_IN_DATA);
    send_b1(&in, 10);
    tap_rpc(&in, UP, RPC_BIND, 72);
    CHECK_STR(in.now.state, "open");
    tap_fin(&in, UP);
    CHECK_STR(in.now.state, "closed");
    tap_rpc(&in, UP, RPC_REQUEST, 100);
    CHECK_STR(in.now.state, "closed");
    scene_end(&s);
}

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

/* ---- Without RTS ---------------------------------------------------------------------- */

static void session_request(struct tap *tap, enum http_method method, const char *session)
{
    struct http_info info = http_request(method);
    strcpy(info.outlook_session, session);
    tap_head(tap, &info);
}

/* One IN and one OUT of a session within five seconds belong together where no first PDU
 * got through; the refusal numbers both. */
static void test_session_pairs(void)
{
    struct scene s;
    scene_begin(&s);
    struct tap in = tap_http(&s, CLIENT ":1001", A), out = tap_http(&s, CLIENT ":1002", A);
    session_request(&in, HTTP_RPC_IN_DATA, "1111");
    CHECK_STR(in.now.outlook_session, "1111");
    scene_wait(&s, 4.5);
    session_request(&out, HTTP_RPC_OUT_DATA, "1111");
    CHECK_INT(out.now.vc, NO_NUMBER);
    tap_status(&out, 503);
    EXPECT(&s, "refused:warning@%u/0.0", s.frame);
    CHECK_INT(out.now.vc, 0);
    CHECK_INT(out.now.in_stream, 0);
    CHECK(!out.now.cookie);
    tap_fin(&out, DOWN);
    tap_fin(&in, UP);
    CHECK_INT(in.now.vc, 0);
    CHECK_INT(s.world->rows.count, 1);
    SILENT(&s);
    scene_end(&s);
}

static void test_session_ambiguous(void)
{
    struct scene s;
    scene_begin(&s);
    struct tap in = tap_http(&s, CLIENT ":1001", A), out = tap_http(&s, CLIENT ":1002", A);
    struct tap in2 = tap_http(&s, CLIENT ":1003", A);
    session_request(&in, HTTP_RPC_IN_DATA, "1111");
    session_request(&in2, HTTP_RPC_IN_DATA, "1111");
    session_request(&out, HTTP_RPC_OUT_DATA, "1111");
    tap_status(&out, 503);
    CHECK_INT(out.now.in_stream, NO_NUMBER);
    scene_end(&s);

    /* too far apart */
    scene_begin(&s);
    in = tap_http(&s, CLIENT ":1001", A);
    out = tap_http(&s, CLIENT ":1002", A);
    session_request(&in, HTTP_RPC_IN_DATA, "1111");
    scene_wait(&s, 5.5);
    session_request(&out, HTTP_RPC_OUT_DATA, "1111");
    tap_status(&out, 503);
    CHECK_INT(out.now.in_stream, NO_NUMBER);
    scene_end(&s);

    /* another client */
    scene_begin(&s);
    in = tap_http(&s, CLIENT ":1001", A);
    out = tap_http(&s, "10.0.0.2:1002", A);
    session_request(&in, HTTP_RPC_IN_DATA, "1111");
    session_request(&out, HTTP_RPC_OUT_DATA, "1111");
    tap_status(&out, 503);
    CHECK_INT(out.now.in_stream, NO_NUMBER);
    scene_end(&s);

    /* another target */
    scene_begin(&s);
    in = tap_http(&s, CLIENT ":1001", A);
    out = tap_http(&s, CLIENT ":1002", A);
    session_request(&in, HTTP_RPC_IN_DATA, "1111");
    struct http_info other = http_request(HTTP_RPC_OUT_DATA);
    strcpy(other.outlook_session, "1111");
    strcpy(other.target, "ex2.example.test:6004");
    tap_head(&out, &other);
    tap_status(&out, 503);
    CHECK_INT(out.now.in_stream, NO_NUMBER);
    scene_end(&s);
}

/* Those that a cookie paired leave the rest of the session unambiguous. */
static void test_session_beside_cookies(void)
{
    struct scene s;
    scene_begin(&s);
    struct tap in1 = tap_http(&s, CLIENT ":1001", A), out1 = tap_http(&s, CLIENT ":1002", A);
    struct tap in2 = tap_http(&s, CLIENT ":1003", A), out2 = tap_http(&s, CLIENT ":1004", A);
    session_request(&in1, HTTP_RPC_IN_DATA, "1111");
    session_request(&out1, HTTP_RPC_OUT_DATA, "1111");
    session_request(&in2, HTTP_RPC_IN_DATA, "1111");
    session_request(&out2, HTTP_RPC_OUT_DATA, "1111");
    send_a1(&out1, 10);
    send_b1(&in1, 10);
    tap_status(&out2, 503);
    CHECK_INT(out2.now.vc, 1);
    CHECK_INT(out2.now.in_stream, 2);
    CHECK_INT(in1.now.vc, 0);
    /* IN has its first PDU, OUT was refused before its own: still one connection. */
    struct tap in3 = tap_http(&s, "10.0.0.2:1005", A), out3 = tap_http(&s, "10.0.0.2:1006", A);
    session_request(&in3, HTTP_RPC_IN_DATA, "2222");
    session_request(&out3, HTTP_RPC_OUT_DATA, "2222");
    send_b1(&in3, 30);
    CHECK_INT(in3.now.vc, 2);
    tap_status(&out3, 503);
    CHECK_INT(out3.now.vc, 2);
    CHECK_INT(out3.now.leg, 0);
    scene_end(&s);
}

/* ---- Rows ----------------------------------------------------------------------------- */

static const char *doubt_of(struct scene *s)
{
    struct leg_row row;
    rpch_state_row(s->world, 0, &row);
    return row.verdict.cannot_tell;
}

static void test_rows_tell_doubt(void)
{
    struct scene s;
    struct conn_past no_syn = { 0 }, one_way = { .syn = true };
    struct conn_past gap = { .syn = true, .syn_ack = true, .gap = true, .has_next = true };
    struct conn_past whole = { .syn = true, .syn_ack = true, .has_next = true };
    const struct {
        struct conn_past in, out;
        const char *text;
    } rows[] = { { no_syn, whole, "IN: no SYN captured" },
                 { whole, no_syn, "OUT: no SYN captured" },
                 { one_way, whole, "IN: one direction only" },
                 { gap, whole, "IN: gap before its first request" },
                 { whole, gap, "OUT: gap before its first request" },
                 { whole, whole, NULL } };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        scene_begin(&s);
        struct tap in = tap_open_past(&s, RTS_HOP_HTTP, CLIENT ":1001", A, rows[i].in);
        struct tap out = tap_open_past(&s, RTS_HOP_HTTP, CLIENT ":1002", A, rows[i].out);
        start_both(&in, &out, 10);
        take_out(&out);
        scene_wait(&s, 6);
        tap_ack(&out, DOWN);
        CHECK_STR(doubt_of(&s), rows[i].text);
        struct leg_row row;
        rpch_state_row(s.world, 0, &row);
        CHECK_INT(row.verdict.where, WHERE_UNKNOWN);
        CHECK_INT(row.setup_ns, -1);
        if (rows[i].text) {
            SILENT(&s);
            CHECK_INT(row.verdict.kind, VERDICT_KINDS);
        } else {
            EXPECT(&s, "never_joined:warning@%u/0.0", s.frame);
            CHECK_INT(row.verdict.kind, V_NEVER_JOINED);
            CHECK_INT(row.verdict.frame, s.frame);
        }
        scene_end(&s);
    }
    /* a gap, with its frame */
    scene_begin(&s);
    struct tap in = tap_http(&s, CLIENT ":1001", A), out = tap_http(&s, CLIENT ":1002", A);
    start_both(&in, &out, 10);
    tap_lose(&out, DOWN, 500);
    tap_data(&out, DOWN, 100);
    char text[64];
    snprintf(text, sizeof(text), "OUT: gap before frame %u", s.frame);
    scene_wait(&s, 6);
    tap_ack(&in, DOWN);
    CHECK_STR(doubt_of(&s), text);
    SILENT(&s);
    scene_end(&s);
    /* a snapped packet */
    scene_begin(&s);
    in = tap_http(&s, CLIENT ":1001", A);
    out = tap_http(&s, CLIENT ":1002", A);
    start_both(&in, &out, 10);
    tap_frame(&in);
    struct segment cut = segment_of(&in, UP, 1000);
    cut.captured = 40;
    tap_segment(&in, cut);
    snprintf(text, sizeof(text), "IN: frame %u not captured whole", s.frame);
    scene_wait(&s, 6);
    tap_ack(&in, DOWN);
    CHECK_STR(doubt_of(&s), text);
    SILENT(&s);
    scene_end(&s);
    /* TLS that was not decrypted, and that was in the end */
    for (int decrypted = 0; decrypted <= 1; decrypted++) {
        scene_begin(&s);
        in = tap_http(&s, CLIENT ":1001", A);
        out = tap_http(&s, CLIENT ":1002", A);
        start_both(&in, &out, 10);
        take_out(&out);
        tap_frame(&out);
        struct segment opaque = segment_of(&out, DOWN, 50);
        opaque.opaque = true;
        tap_segment(&out, opaque);
        snprintf(text, sizeof(text), "OUT: not decrypted from frame %u on", s.frame);
        if (decrypted) {
            tap_data(&out, DOWN, 50);
        }
        scene_wait(&s, 6);
        tap_ack(&in, DOWN);
        if (decrypted) {
            EXPECT(&s, "never_joined:warning@%u/0.0", s.frame);
        } else {
            CHECK_STR(doubt_of(&s), text);
            SILENT(&s);
        }
        scene_end(&s);
    }
}

/* One channel of an open connection is all that was captured. */
static void test_row_half_captured(void)
{
    struct scene s;
    scene_begin(&s);
    struct tap in = tap_http(&s, CLIENT ":1001", A);
    tap_request(&in, HTTP_RPC_IN_DATA);
    send_b1(&in, 10);
    tap_rpc(&in, UP, RPC_BIND, 72);
    CHECK_STR(in.now.state, "open");
    CHECK_STR(doubt_of(&s), "OUT: not captured, though calls flow");
    SILENT(&s);
    scene_end(&s);
}

/* Different proxies that work are nobody's fault. */
static void test_row_joined_across(void)
{
    struct scene s;
    scene_begin(&s);
    struct tap in = tap_http(&s, CLIENT ":1001", A), out = tap_http(&s, CLIENT ":1002", B);
    open_both(&in, &out, 10);
    struct leg_row row;
    rpch_state_row(s.world, 0, &row);
    CHECK_INT(row.verdict.kind, V_PROXIES_DIFFER);
    CHECK_INT(row.verdict.where, WHERE_NONE);
    CHECK(!row.verdict.cannot_tell);
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

/* A head that goes the wrong way is no message of that connection. */
static void test_heads_of_the_wrong_way(void)
{
    struct scene s;
    scene_begin(&s);
    struct tap in = tap_http(&s, "10.0.0.1:1001", "10.0.0.81:80"), out = tap_http(&s, "10.0.0.1:1002", "10.0.0.81:80");
    start_both(&in, &out, 10);
    const struct http_info answer = http_response(503), request = http_request(HTTP_OTHER_METHOD);
    rpch_conn_http(out.conn, scene_now(&s), UP, &answer);
    rpch_conn_http(out.conn, scene_now(&s), DOWN, &request);
    tap_ack(&out, UP);
    CHECK(out.has_channel);
    CHECK_STR(out.now.state, "opening");
    scene_end(&s);
}

/* Names of one letter differ like others. */
static void test_short_front_ends(void)
{
    struct scene s;
    scene_begin(&s);
    struct tap in = tap_http(&s, "10.0.0.1:1001", "10.0.0.81:80"), out = tap_http(&s, "10.0.0.1:1002", "10.0.0.81:80");
    start_both(&in, &out, 10);
    struct http_info answer = http_response(200);
    strcpy(answer.front_end, "a");
    tap_head(&out, &answer);
    CHECK(!strstr(s.log, "proxies_differ"));
    strcpy(answer.front_end, "b");
    tap_head(&in, &answer);
    CHECK(strstr(s.log, "proxies_differ"));
    scene_end(&s);
}

/* The gravest verdict stands in the row, the first of its severity. */
static void test_row_verdict(void)
{
    struct scene s;
    scene_begin(&s);
    struct tap in = tap_http(&s, CLIENT ":1001", A), out = tap_http(&s, CLIENT ":1002", B);
    start_both(&in, &out, 10);
    struct leg_row row;
    rpch_state_row(s.world, 0, &row);
    CHECK_INT(row.verdict.kind, V_PROXIES_DIFFER);
    CHECK_INT(row.verdict.severity, V_NOTE);
    struct http_info error = http_response(503);
    strcpy(error.request_id, "id-1");
    tap_head(&out, &error);
    uint32_t frame = s.frame;
    rpch_state_row(s.world, 0, &row);
    CHECK_INT(row.verdict.kind, V_REFUSED);
    CHECK_INT(row.verdict.frame, frame);
    CHECK_STR(row.request_id, "id-1");
    CHECK_STR(row.state, "closed");
    tap_rst(&out, DOWN);
    rpch_state_row(s.world, 0, &row);
    CHECK_INT(row.last.frame, s.frame);
    scene_end(&s);
}

/* Memory is linear in what was captured. */
static void test_memory(void)
{
    enum { COUNT = 2000 };
    struct scene s;
    scene_begin(&s);
    for (unsigned i = 0; i < COUNT; i++) {
        char client[32];
        snprintf(client, sizeof(client), "10.%u.%u.1:1001", i / 250, i % 250);
        struct tap in = tap_http(&s, client, A);
        snprintf(client, sizeof(client), "10.%u.%u.1:1002", i / 250, i % 250);
        struct tap out = tap_http(&s, client, A);
        open_both(&in, &out, 10 * i);
        CHECK_INT(out.now.vc, i);
        tap_fin(&in, UP);
        tap_fin(&out, UP);
    }
    SILENT(&s);
    printf("note: %zu bytes a virtual connection\n", s.heap.allocated / COUNT);
    CHECK(s.heap.allocated / COUNT < 2112 + 160); /* each has a client of its own */
    /* Requests that are only steps are free. */
    struct tap tap = tap_http(&s, CLIENT ":5000", A);
    struct http_info step = http_request(HTTP_RPC_IN_DATA);
    set_step(&step, AUTH_STEP_NONE);
    tap_head(&tap, &step);
    tap_status(&tap, 401);
    size_t before = s.heap.allocated;
    for (int i = 0; i < 1000; i++) {
        tap_head(&tap, &step);
        tap_status(&tap, 401);
    }
    CHECK_INT(s.heap.allocated, before);
    scene_end(&s);
}

/* A name without a domain may be the other's first label; an address is nobody's. */
static void test_targets(void)
{
    CHECK(same_target("EX1:6004", "ex1.example.test:6004") && same_target("ex1.example.test:6004", "EX1:6004"));
    CHECK(!same_target("EX1:6004", "ex1.example.test:6002") && !same_target("EX1:6004", "ex1.example.test"));
    CHECK(!same_target("ex1:6004", "ex10.example.test:6004") &&
          !same_target("ex1.example:6004", "ex1.example.test:6004"));
    CHECK(!same_target("10:6004", "10.example.test:6004") && !same_target("10.example.test:6004", "10:6004"));
    CHECK(!same_target("10:6004", "10.0.0.81:6004"));
}

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

/* A PDU of RPC with what begins its body. */
static void tap_call(struct tap *tap, enum way way, enum rpc_ptype ptype, uint8_t flags, uint32_t id,
                     struct pdu_call call)
{
    struct pdu_header header = { .rpc_vers = 5,
                                 .ptype = (uint8_t)ptype,
                                 .pfc_flags = flags,
                                 .little_endian = true,
                                 .frag_length = 100,
                                 .call_id = id,
                                 .call = call };
    tap_frame(tap);
    rpch_conn_pdu(tap->conn, scene_now(tap->scene), way, &header, NULL, 0, &tap->outcome);
    tap_segment(tap, segment_of(tap, way, 100));
}

static const struct leg *first_leg(const struct scene *scene)
{
    return rows_at(&scene->world->rows, 0);
}

/* What waits for its answer: binds and calls until their last fragment is back. */
static void test_pending_calls(void)
{
    struct scene scene;
    scene_begin(&scene);
    struct tap out = tap_http(&scene, "10.0.0.1:5001", "10.0.0.80:80");
    struct tap in = tap_http(&scene, "10.0.0.1:5002", "10.0.0.80:80");
    open_both(&in, &out, 1);
    const struct leg *leg = first_leg(&scene);
    CHECK(!leg_calls(leg));
    const struct pdu_call bind = { .bound_count = 2, .bound = { { 0, RPC_ASYNC_EMSMDB }, { 1, RPC_INTERFACE_OTHER } } };
    tap_call(&in, UP, RPC_BIND, 3, 1, bind);
    CHECK(leg_unanswered(leg) && leg_unanswered(leg)->ptype == RPC_BIND);
    tap_call(&out, DOWN, RPC_BIND_ACK, 3, 1, (struct pdu_call){ 0 });
    CHECK(!leg_calls(leg));
    tap_call(&in, UP, RPC_REQUEST, 3, 2, (struct pdu_call){ .context = 0, .opnum = 0 });
    CHECK(leg_calls(leg) && leg_calls(leg)->waits && !leg_unanswered(leg));
    tap_call(&in, UP, RPC_REQUEST, 1, 3, (struct pdu_call){ .context = 1, .opnum = 6 });
    CHECK(!leg_unanswered(leg)); /* it is not sent so far */
    tap_call(&in, UP, RPC_REQUEST, 2, 3, (struct pdu_call){ .context = 1, .opnum = 6 });
    CHECK(leg_unanswered(leg) && leg_unanswered(leg)->id == 3);
    CHECK_INT(leg_unanswered(leg)->last.frame, scene.frame);
    tap_call(&out, DOWN, RPC_RESPONSE, 1, 3, (struct pdu_call){ 0 });
    CHECK(!leg_unanswered(leg) && leg->pending->count == 2);
    tap_call(&out, DOWN, RPC_RESPONSE, 2, 3, (struct pdu_call){ 0 });
    CHECK(leg->pending->count == 1);
    tap_call(&in, UP, RPC_REQUEST, 3, 4, (struct pdu_call){ .context = 7, .opnum = 6 });
    CHECK(!leg_unanswered(leg)); /* of what interface is not known */
    tap_call(&in, UP, RPC_ORPHANED, 3, 4, (struct pdu_call){ 0 });
    CHECK(leg->pending->count == 1 && !leg->pending->lost);
    for (uint32_t id = 10; id < 10 + 2 * CALLS_KEPT; id++) {
        tap_call(&in, UP, RPC_REQUEST, 3, id, (struct pdu_call){ .context = 1, .opnum = 6 });
    }
    CHECK(leg->pending->count == CALLS_KEPT && leg->pending->lost);
    CHECK_STR(scene.log, "");
    scene_end(&scene);
}

/* IN whose first PDU does not come is told of the one leg that lacks an IN; that is a guess, which the PDU may prove wrong
 * when it comes after all. */
static void test_guessed(void)
{
    for (unsigned wrong = 0; wrong < 2; wrong++) {
        struct scene scene;
        scene_begin(&scene);
        struct tap out = tap_http(&scene, "10.0.0.1:5001", "10.0.0.80:80");
        struct tap in = tap_http(&scene, "10.0.0.1:5002", "10.0.0.80:80");
        tap_request(&out, HTTP_RPC_OUT_DATA);
        send_a1(&out, 10);
        tap_request(&in, HTTP_RPC_IN_DATA);
        take_out(&out);
        CHECK_INT(in.now.vc, NO_NUMBER);
        scene_wait(&scene, 100);
        tap_ack(&in, UP);
        CHECK_INT(out.now.vc, 0);
        CHECK_INT(in.now.vc, 0);
        send_b1(&in, wrong ? 20 : 10);
        CHECK((in.now.vc == 0) == !wrong);
        if (!wrong) {
            tap_rpc(&in, UP, RPC_BIND, 100);
        }
        tap_ack(&out, UP);
        CHECK_INT(out.now.vc, 0);
        /* Each of two that were taken apart lacks its other half. */
        scene_wait(&scene, 200);
        tap_ack(&in, UP);
        tap_ack(&out, UP);
        tap_fin(&in, UP);
        tap_fin(&out, DOWN);
        scene_end(&scene);
    }
}

/* Names of one letter are names. */
static void test_short_challenge(void)
{
    struct scene scene;
    scene_begin(&scene);
    struct tap out = tap_http(&scene, "10.0.0.1:5001", "10.0.0.80:80");
    tap_request(&out, HTTP_RPC_OUT_DATA);
    struct http_info info = http_response(401);
    info.offers_auth = info.challenge_in_progress = true;
    strcpy(info.challenge_server, "E");
    tap_head(&out, &info);
    CHECK(out.conn->names && out.conn->names->challenge && strcmp(out.conn->names->challenge, "E") == 0);
    scene_end(&scene);
}

int main(void)
{
    test_targets();
    test_reasons();
    test_endpoints();
    test_healthy();
    test_interleaved();
    test_legs();
    test_many_legs();
    test_retry_after_401();
    test_retry_finds_its_leg();
    test_ntlm_steps();
    test_retry_after_close();
    test_retry_on_two_legs();
    test_no_channel();
    test_echo_sides();
    test_calls_and_state();
    test_v1();
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
    test_session_pairs();
    test_session_ambiguous();
    test_session_beside_cookies();
    test_rows_tell_doubt();
    test_row_half_captured();
    test_row_joined_across();
    test_row_verdict();
    test_retry_by_server();
    test_recycled_again_on_two_legs();
    test_heads_of_the_wrong_way();
    test_short_front_ends();
    test_guessed();
    test_short_challenge();
    transcript_off = true;
    test_memory();
    test_pending_calls();
    test_ends();
    transcript_end(__FILE__);
    return unit_end();
}
