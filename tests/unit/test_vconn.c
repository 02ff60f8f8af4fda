/* test_vconn.c
 * Virtual connections: which halves belong together, what is a channel, states, calls, memory. Expectations
 * come from MS-RPCH and from what the plugin promises its users.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "balanced.h"
#include "rpch_state.h"
#include "scene.h"

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

/* ---- Memory and calls ---------------------------------------------------------------- */

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

int main(void)
{
    test_endpoints();
    test_healthy();
    test_interleaved();
    test_no_channel();
    test_echo_sides();
    test_calls_and_state();
    test_v1();
    test_session_pairs();
    test_session_ambiguous();
    test_session_beside_cookies();
    test_heads_of_the_wrong_way();
    test_guessed();
    transcript_off = true;
    test_memory();
    test_pending_calls();
    transcript_end(__FILE__);
    return unit_end();
}
