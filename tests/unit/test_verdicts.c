/* test_verdicts.c
 * Each verdict and its healthy counterpart, and silence where a capture cannot tell.
 * Expectations come from MS-RPCH and from what the plugin promises its users.
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

static struct pair make_pair(struct scene *s, const char *in_server, const char *out_server)
{
    struct pair p = { tap_http(s, CLIENT ":1001", in_server), tap_http(s, CLIENT ":1002", out_server) };
    return p;
}

static struct pair open_pair(struct scene *s, const char *in_server, const char *out_server, unsigned n)
{
    struct pair p = make_pair(s, in_server, out_server);
    open_both(&p.in, &p.out, n);
    return p;
}

/* ---- Servers that differ --------------------------------------------------------------- */

static void test_differ_by_peer(void)
{
    struct scene s;
    const struct {
        const char *in, *out;
        bool differ;
    } rows[] = {
        { A, A, false },
        { A, B, true },
        { "10.0.0.81:8081", "10.0.0.81:8082", true },
        { "v6.129:80", "v6.129:80", false },
        { "v6.129:80", "v6.130:80", true },
        { A, "v6.129:80", false } /* may be one server */
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        scene_begin(&s);
        struct pair p = make_pair(&s, rows[i].in, rows[i].out);
        start_both(&p.in, &p.out, 10);
        if (rows[i].differ) {
            EXPECT(&s, "proxies_differ:note@%u/0.0", s.frame);
            CHECK(strstr(s.last_text, "1.3.2"));
            CHECK(strstr(s.last_text, rows[i].in) || strchr(rows[i].in, 'v'));
        } else {
            SILENT(&s);
        }
        tap_status(&p.out, 200);
        send_a3(&p.out);
        SILENT(&s);
        send_c2(&p.out);
        if (rows[i].differ) {
            EXPECT(&s, "joined_across_proxies:chat@%u/0.0", s.frame);
        } else {
            SILENT(&s);
        }
        scene_end(&s);
    }
    scene_begin_with(&s, true);
    struct pair p = make_pair(&s, A, B);
    start_both(&p.in, &p.out, 10);
    EXPECT(&s, "proxies_differ:warning@%u/0.0", s.frame);
    scene_end(&s);
}

enum name_kind { NAME_FRONT_END, NAME_CHALLENGE, NAME_PERSISTENCE, NAME_OTHER_COOKIE };

/* A 401 that names who wrote it, on a connection whose request follows. */
static void challenge_by(struct tap *tap, enum http_method method, enum name_kind kind, const char *name)
{
    struct http_info request = http_request(method), response = http_response(401);
    set_step(&request, AUTH_STEP_TYPE1);
    request.content_length = 0;
    tap_head(tap, &request);
    response.challenge_in_progress = true;
    if (kind == NAME_FRONT_END) {
        strcpy(response.front_end, name);
    } else if (kind == NAME_CHALLENGE) {
        strcpy(response.challenge_server, name);
    } else {
        strcpy(response.persistence_name, "SERVERID");
        if (kind == NAME_OTHER_COOKIE && method == HTTP_RPC_OUT_DATA) {
            strcpy(response.persistence_name, "BIGipServerOther");
        }
        strcpy(response.persistence_server, name);
    }
    tap_head(tap, &response);
}

static void test_differ_by_name(void)
{
    static const struct {
        enum name_kind kind;
        const char *in, *out;
        bool differ;
    } rows[] = { { NAME_FRONT_END, "EX1", "EX2", true },
                 { NAME_FRONT_END, "EX1", "ex1", false },
                 { NAME_FRONT_END, "EX1", "ex1.example.test", false },
                 { NAME_FRONT_END, "EX1", "ex10.example.test", true },
                 { NAME_CHALLENGE, "EX1", "EX2", true },
                 { NAME_CHALLENGE, "ex1.example.test", "EX1.EXAMPLE.TEST", false },
                 { NAME_PERSISTENCE, "10.1.1.100:8080", "10.1.1.101:8080", true },
                 { NAME_PERSISTENCE, "10.1.1.100:8080", "10.1.1.100:8080", false },
                 { NAME_OTHER_COOKIE, "10.1.1.100:8080", "10.1.1.101:8080", false } };
    struct scene s;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        scene_begin(&s);
        struct pair p = make_pair(&s, LB, LB);
        challenge_by(&p.out, HTTP_RPC_OUT_DATA, rows[i].kind, rows[i].out);
        challenge_by(&p.in, HTTP_RPC_IN_DATA, rows[i].kind, rows[i].in);
        start_both(&p.in, &p.out, 10);
        if (rows[i].differ) {
            EXPECT(&s, "proxies_differ:note@%u/0.0", s.frame);
            CHECK(strstr(s.last_text, rows[i].in) && strstr(s.last_text, rows[i].out));
        } else {
            SILENT(&s);
        }
        scene_end(&s);
    }
    /* Known only after C2: both are told there. */
    scene_begin(&s);
    struct pair p = make_pair(&s, LB, LB);
    challenge_by(&p.in, HTTP_RPC_IN_DATA, NAME_FRONT_END, "EX1");
    start_both(&p.in, &p.out, 10);
    SILENT(&s);
    struct http_info ok = http_response(200);
    strcpy(ok.front_end, "EX2");
    tap_head(&p.out, &ok);
    EXPECT(&s, "proxies_differ:note@%u/0.0", s.frame);
    scene_end(&s);
}

/* A successor on another server is a difference too. */
static void test_differ_by_successor(void)
{
    struct scene s;
    scene_begin(&s);
    struct pair p = open_pair(&s, A, A, 10);
    struct tap next = tap_http(&s, CLIENT ":1003", B);
    tap_request(&next, HTTP_RPC_IN_DATA);
    RTS(&next, UP, 4, "6333", .cookie = { 10, 12, 13 });
    EXPECT(&s, "proxies_differ:note@%u/0.0", s.frame);
    RTS(&p.out, DOWN, 0, "D602", .destination = RTS_FD_CLIENT);
    RTS(&p.in, UP, 0, "3", .cookie = { 13 });
    EXPECT(&s, "joined_across_proxies:chat@%u/0.0", s.frame);
    tap_fin(&p.in, DOWN);
    SILENT(&s);
    scene_end(&s);
}

/* ---- Halves that never meet ------------------------------------------------------------- */

enum cause { BY_TIME, BY_FIN, BY_RST, BY_5XX, BY_JOIN, BY_LATE_JOIN, BY_4XX, BY_REQUEST };

static void test_handshake(void)
{
    struct scene s;
    for (int differ = 0; differ < 2; differ++) {
        for (int cause = BY_TIME; cause <= BY_REQUEST; cause++) {
            scene_begin(&s);
            struct pair p = make_pair(&s, A, differ ? B : A);
            const char *item = differ ? "backend_mismatch" : "never_joined";
            start_both(&p.in, &p.out, 10);
            s.log[0] = '\0';
            if (cause != BY_5XX && cause != BY_4XX) {
                tap_status(&p.out, 200);
                send_a3(&p.out);
            }
            scene_wait(&s, 4);
            tap_ack(&p.in, UP);
            SILENT(&s);
            switch ((enum cause)cause) {
            case BY_TIME:
                scene_wait(&s, 1);
                tap_ack(&p.in, DOWN);
                EXPECT(&s, "%s:warning@%u/0.0", item, s.frame);
                CHECK(strstr(s.last_text, "CONN/C2"));
                break;
            case BY_FIN:
                tap_fin(&p.out, DOWN);
                EXPECT(&s, "%s:warning@%u/0.0", item, s.frame);
                CHECK_STR(p.out.now.state, "closed");
                break;
            case BY_RST:
                tap_rst(&p.out, DOWN);
                EXPECT(&s, "%s:warning@%u/0.0", item, s.frame);
                break;
            case BY_5XX:
                tap_status(&p.out, 502);
                EXPECT(&s, "refused:warning@%u/0.0", s.frame); /* which explains it */
                break;
            case BY_REQUEST: /* tried again on the same TCP connection */
                tap_request(&p.out, HTTP_RPC_OUT_DATA);
                SILENT(&s); /* before time could speak */
                break;
            case BY_JOIN:
                send_c2(&p.out);
                if (differ) {
                    EXPECT(&s, "joined_across_proxies:chat@%u/0.0", s.frame);
                }
                break;
            case BY_LATE_JOIN: /* the first frame after the five seconds is C2 itself */
                scene_wait(&s, 20);
                send_c2(&p.out);
                if (differ) {
                    EXPECT(&s, "joined_across_proxies:chat@%u/0.0", s.frame);
                }
                break;
            case BY_4XX:
                tap_status(&p.out, 401);
                EXPECT(&s, "refused:warning@%u/0.0", s.frame);
                break;
            }
            /* once only, and nothing beside it */
            scene_wait(&s, 200);
            tap_ack(&p.in, UP);
            tap_fin(&p.in, UP);
            tap_fin(&p.out, UP);
            if (cause == BY_REQUEST) { /* which brought no PDU */
                EXPECT(&s, "no_pdu:warning@%u/1.0", s.frame);
            } else {
                SILENT(&s);
            }
            scene_end(&s);
        }
    }
}

/* A1 or B1 alone proves no mismatch. */
static void test_handshake_needs_both(void)
{
    struct scene s;
    scene_begin(&s);
    struct pair p = make_pair(&s, A, B);
    tap_request(&p.out, HTTP_RPC_OUT_DATA);
    tap_request(&p.in, HTTP_RPC_IN_DATA);
    send_a1(&p.out, 10);
    scene_wait(&s, 20);
    tap_ack(&p.in, UP);
    tap_ack(&p.out, UP);
    SILENT(&s);
    scene_end(&s);
}

/* Between proxies and server: A2 and B2 to different servers. */
static void test_handshake_tcp(void)
{
    struct scene s;
    for (int joined = 0; joined < 2; joined++) {
        scene_begin(&s);
        struct tap out = tap_open(&s, RTS_HOP_TCP, "10.0.0.81:3002", "10.0.0.90:6004");
        struct tap in = tap_open(&s, RTS_HOP_TCP, "10.0.0.82:3001", joined ? "10.0.0.90:6004" : "10.0.0.91:6004");
        RTS(&out, UP, 0x10, "63340", .cookie = { 10, 11 });
        SILENT(&s);
        RTS(&in, UP, 8, "63302CB", .cookie = { 10, 12 });
        if (joined) {
            RTS(&in, DOWN, 0, "06");
            RTS(&out, DOWN, 0, "602");
            scene_wait(&s, 20);
            tap_ack(&in, UP);
            SILENT(&s);
        } else {
            EXPECT(&s, "proxies_differ:note@%u/0.0", s.frame);
            scene_wait(&s, 20);
            tap_ack(&in, UP);
            EXPECT(&s, "backend_mismatch:warning@%u/0.0", s.frame);
            CHECK(strstr(s.last_text, "CONN/C1"));
        }
        scene_end(&s);
    }
}

/* On a balancer: its own leg names the device. */
static void test_misrouted_by_balancer(void)
{
    struct scene s;
    scene_begin(&s);
    struct pair front = make_pair(&s, LB, LB);
    struct tap out1 = tap_http(&s, "10.0.0.4:2001", A), in1 = tap_http(&s, "10.0.0.4:2002", B);
    start_both(&front.in, &front.out, 10);
    start_both(&in1, &out1, 10);
    EXPECT(&s, "proxies_differ:note@%u/0.1", s.frame);
    CHECK(strstr(s.last_text, LB));
    take_out(&out1);
    take_out(&front.out);
    scene_wait(&s, 6);
    tap_ack(&in1, UP);
    EXPECT(&s, "backend_mismatch:warning@%u/0.1", s.frame);
    CHECK(strstr(s.last_text, LB));
    CHECK_INT(s.where, WHERE_DEVICE);
    CHECK(s.where_seen);
    tap_ack(&front.in, UP);
    EXPECT(&s, "never_joined:warning@%u/0.0", s.frame);
    CHECK_INT(s.where, WHERE_DEVICE);
    struct leg_row row;
    rpch_state_row(s.world, 1, &row);
    CHECK_INT(row.verdict.kind, V_BACKEND_MISMATCH);
    CHECK_INT(row.verdict.where, WHERE_DEVICE);
    CHECK(row.verdict.seen);
    scene_end(&s);
}

/* What is missing from the capture cannot be missed. */
static void test_handshake_in_doubt(void)
{
    struct scene s;
    scene_begin(&s);
    struct pair p = make_pair(&s, A, B);
    start_both(&p.in, &p.out, 10);
    take_out(&p.out);
    s.log[0] = '\0';
    uint32_t lost = p.out.seq[DOWN];
    tap_lose(&p.out, DOWN, 44);
    tap_data(&p.out, DOWN, 100);
    scene_wait(&s, 6);
    tap_ack(&p.in, UP);
    SILENT(&s);
    struct leg_row row;
    rpch_state_row(s.world, 0, &row);
    CHECK(row.verdict.cannot_tell);
    /* The hole is filled by a retransmission, and was not C2. */
    tap_frame(&p.out);
    struct segment again = { .way = DOWN,
                             .has_ack = true,
                             .seq = lost,
                             .ack = p.out.seq[UP],
                             .len = 44,
                             .captured = 44 };
    tap_segment(&p.out, again);
    EXPECT(&s, "backend_mismatch:warning@%u/0.0", s.frame);
    scene_end(&s);

    /* Acknowledged and never captured: C2 may have been there. */
    scene_begin(&s);
    p = make_pair(&s, A, B);
    start_both(&p.in, &p.out, 10);
    take_out(&p.out);
    s.log[0] = '\0';
    tap_lose(&p.out, DOWN, 44);
    tap_ack(&p.out, UP);
    scene_wait(&s, 6);
    tap_ack(&p.in, UP);
    tap_fin(&p.in, UP);
    tap_fin(&p.out, UP);
    SILENT(&s);
    scene_end(&s);

    /* Captured in the wrong order only: the ACK before its data. */
    scene_begin(&s);
    p = make_pair(&s, A, A);
    start_both(&p.in, &p.out, 10);
    take_out(&p.out);
    uint32_t at = p.out.seq[DOWN];
    tap_lose(&p.out, DOWN, 44);
    tap_ack(&p.out, UP);
    tap_frame(&p.out);
    struct segment late = { .way = DOWN, .has_ack = true, .seq = at, .ack = p.out.seq[UP], .len = 44, .captured = 44 };
    tap_segment(&p.out, late);
    scene_wait(&s, 6);
    tap_ack(&p.in, UP);
    EXPECT(&s, "never_joined:warning@%u/0.0", s.frame);
    scene_end(&s);

    /* Copies of a SPAN port and retransmissions are no gaps and prove nothing. */
    scene_begin(&s);
    p = open_pair(&s, A, A, 10);
    for (int i = 0; i < 10; i++) {
        tap_copy(&p.out);
        tap_again(&p.out);
        tap_copy(&p.in);
        tap_again(&p.in);
    }
    SILENT(&s);
    scene_end(&s);
}

/* A retry has its own handshake. */
static void test_handshake_retry(void)
{
    struct scene s;
    scene_begin(&s);
    struct pair p = make_pair(&s, A, B);
    start_both(&p.in, &p.out, 10);
    tap_fin(&p.out, DOWN);
    tap_fin(&p.in, DOWN);
    s.log[0] = '\0';
    struct pair again = make_pair(&s, A, A);
    open_both(&again.in, &again.out, 10);
    CHECK_INT(again.out.now.leg, 0);
    CHECK_STR(again.out.now.state, "open");
    SILENT(&s);
    scene_end(&s);
    /* OUT alone is reset and opened again; IN goes on. */
    scene_begin(&s);
    p = make_pair(&s, A, A);
    start_both(&p.in, &p.out, 10);
    tap_rst(&p.out, DOWN);
    EXPECT(&s, "cut:warning@%u/0.0", s.frame);
    struct tap out = tap_http(&s, CLIENT ":1005", A);
    tap_request(&out, HTTP_RPC_OUT_DATA);
    send_a1(&out, 10);
    CHECK_INT(out.now.in_stream, 0);
    tap_status(&out, 200);
    send_a3(&out);
    send_c2(&out);
    CHECK_STR(out.now.state, "open");
    tap_fin(&p.in, UP);
    CHECK_STR(p.in.now.state, "closed");
    CHECK_INT(p.in.now.in_stream, 0);
    SILENT(&s);
    scene_end(&s);
}

/* ---- Targets ---------------------------------------------------------------------------- */

static void test_targets(void)
{
    static const struct {
        const char *in, *out;
        bool differ;
    } rows[] = { { "ex1.example.test:6004", "ex1.example.test:6004", false },
                 { "EX1.example.test:6004", "ex1.Example.TEST:6004", false },
                 { "ex1:6004", "EX1.example.test:6004", false },
                 { "ex1.example.test:6004", "ex1:6004", false },
                 { "ex1.example.test:6004", "ex2.example.test:6004", true },
                 { "ex1.example.test:6004", "ex1.example.test:6001", true },
                 { "ex1.a.test:6004", "ex1.b.test:6004", true },
                 { "ex:6004", "ex1.example.test:6004", true },
                 { "10:6004", "10.0.0.1:6004", true },
                 { "10.0.0.1:6004", "10.0.0.1:6004", false } };
    struct scene s;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        scene_begin(&s);
        struct pair p = make_pair(&s, A, A);
        struct http_info in = http_request(HTTP_RPC_IN_DATA), out = http_request(HTTP_RPC_OUT_DATA);
        strcpy(in.target, rows[i].in);
        strcpy(out.target, rows[i].out);
        tap_head(&p.in, &in);
        send_b1(&p.in, 10);
        tap_head(&p.out, &out);
        SILENT(&s);
        send_a1(&p.out, 10);
        if (rows[i].differ) {
            EXPECT(&s, "target_mismatch:error@%u/0.0", s.frame);
            CHECK(strstr(s.last_text, rows[i].in) && strstr(s.last_text, rows[i].out));
        } else {
            SILENT(&s);
        }
        scene_end(&s);
    }
}

/* ---- Alone ------------------------------------------------------------------------------ */

static void test_lone(void)
{
    struct scene s;
    for (int role = 0; role < 2; role++) {
        for (int closed = 0; closed < 2; closed++) {
            scene_begin(&s);
            struct tap tap = tap_http(&s, CLIENT ":1001", A);
            tap_request(&tap, role ? HTTP_RPC_OUT_DATA : HTTP_RPC_IN_DATA);
            if (role) {
                send_a1(&tap, 10);
                tap_status(&tap, 200);
                RTS(&tap, DOWN, 0x01, ""); /* else it would be no_pdu */
            } else {
                send_b1(&tap, 10);
            }
            if (closed) {
                tap_fin(&tap, UP);
            } else {
                scene_wait(&s, 119);
                tap_ack(&tap, UP);
                SILENT(&s);
                scene_wait(&s, 1);
                tap_ack(&tap, DOWN);
            }
            EXPECT(&s, "lone:note@%u/0.0", s.frame);
            CHECK(strstr(s.last_text, role ? "no IN channel" : "no OUT channel"));
            scene_wait(&s, 1000);
            tap_ack(&tap, DOWN);
            tap_rst(&tap, DOWN);
            SILENT(&s);
            scene_end(&s);
        }
    }
    /* An announced timeout is waited for. */
    scene_begin(&s);
    struct tap out = tap_http(&s, CLIENT ":1001", A);
    tap_request(&out, HTTP_RPC_OUT_DATA);
    send_a1(&out, 10);
    tap_status(&out, 200);
    RTS(&out, DOWN, 0, "2", .timeout_ms = 300000);
    scene_wait(&s, 290);
    tap_ack(&out, UP);
    SILENT(&s);
    scene_wait(&s, 11);
    tap_ack(&out, UP);
    EXPECT(&s, "lone:note@%u/0.0", s.frame);
    scene_end(&s);
}

static void test_not_lone(void)
{
    struct scene s;
    /* a step of the authentication */
    scene_begin(&s);
    struct tap tap = tap_http(&s, CLIENT ":1001", A);
    struct http_info request = http_request(HTTP_RPC_IN_DATA);
    set_step(&request, AUTH_STEP_NONE);
    tap_head(&tap, &request);
    tap_fin(&tap, UP);
    SILENT(&s);
    CHECK_INT(s.world->rows.count, 1); /* it was asked for */
    scene_end(&s);
    /* the other half late, but within the time */
    scene_begin(&s);
    struct pair p = make_pair(&s, A, A);
    tap_request(&p.in, HTTP_RPC_IN_DATA);
    send_b1(&p.in, 10);
    scene_wait(&s, 100);
    tap_request(&p.out, HTTP_RPC_OUT_DATA);
    send_a1(&p.out, 10);
    tap_status(&p.out, 200);
    send_a3(&p.out);
    send_c2(&p.out);
    scene_wait(&s, 100);
    tap_ack(&p.in, UP);
    tap_fin(&p.in, UP);
    tap_fin(&p.out, UP);
    SILENT(&s);
    scene_end(&s);
    /* the other half was refused before its first PDU: it was there */
    scene_begin(&s);
    p = make_pair(&s, A, A);
    tap_request(&p.in, HTTP_RPC_IN_DATA);
    send_b1(&p.in, 10);
    tap_request(&p.out, HTTP_RPC_OUT_DATA);
    tap_status(&p.out, 401);
    s.log[0] = '\0';
    tap_fin(&p.out, DOWN);
    tap_fin(&p.in, UP);
    SILENT(&s);
    scene_end(&s);
    /* calls flow: the other half was not captured */
    scene_begin(&s);
    p = make_pair(&s, A, A);
    tap_request(&p.in, HTTP_RPC_IN_DATA);
    send_b1(&p.in, 10);
    tap_rpc(&p.in, UP, RPC_BIND, 72);
    scene_wait(&s, 200);
    tap_rpc(&p.in, UP, RPC_REQUEST, 72);
    tap_fin(&p.in, UP);
    SILENT(&s);
    scene_end(&s);
    /* one direction, or a late start */
    for (int i = 0; i < 2; i++) {
        scene_begin(&s);
        struct conn_past past = { .syn = i == 0, .has_next = true };
        tap = tap_open_past(&s, RTS_HOP_HTTP, CLIENT ":1001", A, past);
        tap_request(&tap, HTTP_RPC_IN_DATA);
        send_b1(&tap, 10);
        scene_wait(&s, 500);
        tap_ack(&tap, UP);
        tap_fin(&tap, UP);
        SILENT(&s);
        struct leg_row row;
        rpch_state_row(s.world, 0, &row);
        CHECK_STR(row.verdict.cannot_tell, i ? "IN: no SYN captured" : "IN: one direction only");
        scene_end(&s);
    }
}

/* ---- Refused ---------------------------------------------------------------------------- */

static void test_refused(void)
{
    static const unsigned statuses[] = { 302, 400, 403, 404, 411, 413, 417, 500, 502, 503, 504 };
    struct scene s;
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        scene_begin(&s);
        struct pair p = make_pair(&s, A, A);
        tap_request(&p.in, HTTP_RPC_IN_DATA);
        tap_status(&p.in, 100);
        SILENT(&s);
        struct http_info answer = http_response(statuses[i]);
        answer.author = HTTP_BY_DEVICE;
        strcpy(answer.server_header, "nginx");
        tap_head(&p.in, &answer);
        EXPECT(&s, "refused:warning@%u/0.0", s.frame);
        CHECK(strstr(s.last_text, "a device") && strstr(s.last_text, "nginx"));
        tap_fin(&p.in, DOWN);
        tap_fin(&p.in, UP);
        SILENT(&s);
        scene_end(&s);
    }
    scene_begin(&s);
    struct pair p = make_pair(&s, A, A);
    tap_request(&p.out, HTTP_RPC_OUT_DATA);
    struct http_info answer = http_response(503);
    answer.rpc_error = true;
    answer.rpc_error_code = 0x6ba;
    answer.author = HTTP_BY_RPC_PROXY;
    strcpy(answer.ee_info, "AgICAgEAAAA=");
    strcpy(answer.front_end, "EX1");
    tap_head(&p.out, &answer);
    EXPECT(&s, "refused:warning@%u/0.0", s.frame);
    CHECK(strstr(s.last_text, "0x6ba") && strstr(s.last_text, "RPC_S_SERVER_UNAVAILABLE"));
    CHECK(strstr(s.last_text, "AgICAgEAAAA=") && strstr(s.last_text, "by the RPC proxy") && strstr(s.last_text, "EX1"));
    CHECK_INT(s.where, WHERE_SERVER);
    scene_end(&s);
}

static void test_refused_401(void)
{
    static const struct {
        enum auth_step step;
        bool goes_on; /* the 401 carries a further token */
        bool refused;
        bool anonymous;
    } rows[] = { { AUTH_STEP_NONE, false, false, false }, { AUTH_STEP_EMPTY, false, false, false },
                 { AUTH_STEP_TYPE1, true, false, false }, { AUTH_STEP_TYPE3, false, false, true },
                 { AUTH_STEP_TOKEN, true, false, false }, { AUTH_STEP_TOKEN, false, true, false },
                 { AUTH_STEP_TYPE3, false, true, false }, { AUTH_STEP_AP_REQ, false, true, false },
                 { AUTH_STEP_BASIC, false, true, false }, { AUTH_STEP_BEARER, false, true, false } };
    struct scene s;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (int next = 0; next < 3; next++) {
            scene_begin(&s);
            struct tap tap = tap_http(&s, CLIENT ":1001", A);
            struct http_info request = http_request(HTTP_RPC_OUT_DATA), answer = http_response(401);
            set_step(&request, rows[i].step);
            if (rows[i].anonymous) {
                request.auth.final = false;
                request.auth.anonymous = true;
                request.auth.user[0] = '\0';
            }
            answer.challenge_in_progress = rows[i].goes_on;
            tap_head(&tap, &request);
            tap_head(&tap, &answer);
            if (rows[i].refused) {
                EXPECT(&s, "refused:warning@%u/0.0", s.frame);
            }
            SILENT(&s);
            if (next == 0) { /* tries again */
                tap_request(&tap, HTTP_RPC_OUT_DATA);
                tap_status(&tap, 200);
                SILENT(&s);
            } else { /* and when the connection closes instead */
                if (next == 1) {
                    tap_fin(&tap, UP);
                } else {
                    tap_rst(&tap, DOWN);
                }
                if (!rows[i].refused && rows[i].step != AUTH_STEP_NONE) {
                    EXPECT(&s, "refused:warning@%u/0.0", s.frame);
                }
                SILENT(&s);
            }
            scene_end(&s);
        }
    }
}

/* A type 3 message is worth nothing on a connection that had no challenge. */
static void test_refused_torn_ntlm(void)
{
    struct scene s;
    for (int challenged = 0; challenged < 2; challenged++) {
        scene_begin(&s);
        struct tap tap = tap_http(&s, CLIENT ":1001", A);
        struct http_info type1 = http_request(HTTP_RPC_IN_DATA), type2 = http_response(401);
        struct http_info type3 = http_request(HTTP_RPC_IN_DATA);
        set_step(&type1, AUTH_STEP_TYPE1);
        set_step(&type3, AUTH_STEP_TYPE3);
        type2.challenge_in_progress = true; /* without a server's name */
        if (challenged) {
            tap_head(&tap, &type1);
            tap_head(&tap, &type2);
        }
        tap_head(&tap, &type3);
        tap_status(&tap, 401);
        EXPECT(&s, "refused:warning@%u/0.0", s.frame);
        CHECK_INT(strstr(s.last_text, "torn") != NULL, !challenged);
        CHECK_INT(s.where, WHERE_UNKNOWN);
        scene_end(&s);
    }
}

/* A wrong password is no routing fault. */
static void test_4xx_explains(void)
{
    struct scene s;
    for (int first = 0; first < 2; first++) {
        scene_begin(&s);
        struct pair p = make_pair(&s, A, A);
        start_both(&p.in, &p.out, 10);
        struct tap *refused = first ? &p.in : &p.out, *other = first ? &p.out : &p.in;
        tap_status(refused, 401);
        EXPECT(&s, "refused:warning@%u/0.0", s.frame);
        tap_fin(refused, DOWN);
        scene_wait(&s, 10);
        tap_ack(other, UP);
        tap_fin(other, UP);
        SILENT(&s);
        scene_end(&s);
    }
    /* alone, and refused */
    scene_begin(&s);
    struct tap in = tap_http(&s, CLIENT ":1001", A);
    tap_request(&in, HTTP_RPC_IN_DATA);
    send_b1(&in, 10);
    tap_status(&in, 403);
    EXPECT(&s, "refused:warning@%u/0.0", s.frame);
    tap_fin(&in, UP);
    SILENT(&s);
    scene_end(&s);
}

/* ---- Ends ------------------------------------------------------------------------------- */

/* A device closes one half behind it, and both in front of it, first OUT, which was busy: what IN was idle for is told where
 * it was IN that the device closed behind. */
static void test_idle_half_of_device(void)
{
    for (unsigned closed = 0; closed < 2; closed++) {
        struct scene s;
        scene_begin(&s);
        struct pair front = open_pair(&s, LB, LB, 10);
        struct tap in = tap_http(&s, "10.0.0.4:2001", A), out = tap_http(&s, "10.0.0.4:2002", A);
        open_both(&in, &out, 10);
        scene_wait(&s, 300);
        RTS(&out, DOWN, 1, "");
        RTS(&front.out, DOWN, 1, "");
        tap_fin(closed ? &in : &out, UP);
        tap_fin(&front.out, DOWN);
        SILENT(&s);
        tap_fin(&front.in, DOWN);
        if (closed) {
            EXPECT(&s, "idle_closed:warning@%u/0.0", s.frame);
            CHECK_INT(s.where, WHERE_DEVICE);
        }
        SILENT(&s);
        scene_end(&s);
    }
}

/* Times after which devices let go of idle connections, as their documentation has them; and none half a second beside. */
static void test_common_timeouts(void)
{
    static const int common[] = { 30, 50, 60, 90, 100, 120, 180, 240, 300, 350, 600, 900, 1800, 3600 };
    for (size_t i = 0; i < COUNT_OF(common); i++) {
        for (int beside = -1; beside <= 1; beside++) {
            struct scene s;
            scene_begin(&s);
            struct pair p = make_pair(&s, A, A);
            start_both(&p.in, &p.out, 10);
            tap_status(&p.out, 200);
            RTS(&p.out, DOWN, 0, "2", .timeout_ms = 4000000);
            RTS(&p.out, DOWN, 0, "602", .window = 65536, .timeout_ms = 4000000);
            scene_wait(&s, common[i] + 0.6 * beside);
            tap_fin(&p.out, DOWN);
            EXPECT(&s, "idle_closed:warning@%u/0.0", s.frame);
            CHECK_INT(strstr(s.last_text, "which this time is usual for") != NULL, beside == 0);
            scene_end(&s);
        }
    }
}

/* IN alone behind a device: it is what the leg before it has that did not come. */
static void test_alone_behind_device(void)
{
    for (unsigned both = 0; both < 2; both++) {
        struct scene s;
        struct leg_row row;
        scene_begin(&s);
        struct tap out = tap_http(&s, CLIENT ":1002", LB), in = tap_http(&s, CLIENT ":1001", LB);
        if (both) {
            tap_request(&out, HTTP_RPC_OUT_DATA);
            send_a1(&out, 10);
        }
        tap_request(&in, HTTP_RPC_IN_DATA);
        send_b1(&in, 10);
        struct tap behind = tap_http(&s, "10.0.0.4:2001", A);
        tap_request(&behind, HTTP_RPC_IN_DATA);
        send_b1(&behind, 10);
        scene_wait(&s, 121);
        tap_ack(&behind, DOWN);
        CHECK(rpch_state_row(s.world, 1, &row));
        CHECK_INT(row.verdict.kind, V_LONE);
        CHECK_INT(strstr(s.last_text, "did not pass on what leg 0 has, OUT") != NULL, both);
        scene_end(&s);
    }
}

/* Asked for again: within ten seconds, twice in a row. */
static void test_comes_back(void)
{
    for (unsigned late = 0; late < 3; late++) {
        struct scene s;
        scene_begin(&s);
        for (unsigned i = 0; i < 3; i++) {
            struct tap in = tap_http(&s, CLIENT ":1001", A), out = tap_http(&s, CLIENT ":1002", A);
            if (i < 2) {
                open_both(&in, &out, 10 + 10 * i);
                tap_fin(&out, DOWN);
                s.ns += (late < 2 ? 10 : 5) * SECONDS_NS - s.frame_ns + (late == 1);
            } else {
                tap_request(&out, HTTP_RPC_OUT_DATA);
            }
        }
        CHECK(late == 1 ? !strstr(s.log, "cut:warning") : strstr(s.log, "cut:warning") != NULL);
        scene_end(&s);
    }
}

static void test_idle_closed(void)
{
    struct scene s;
    const struct {
        double idle;
        uint32_t keepalive_and_timeout_ms;
        enum way by;
        bool rst, told;
    } rows[] = {
        { 300, 900000, DOWN, false, true }, { 300, 900000, DOWN, true, true },
        { 300, 900000, UP, false, false },                                      /* the client may */
        { 9, 900000, DOWN, false, false },                                      /* not idle */
        { 11, 900000, DOWN, false, true },  { 950, 900000, DOWN, false, false } /* as announced */
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        scene_begin(&s);
        struct pair p = open_pair(&s, A, A, 10);
        tap_rpc(&p.in, UP, RPC_REQUEST, 100);
        tap_rpc(&p.out, DOWN, RPC_RESPONSE, 100);
        scene_wait(&s, rows[i].idle);
        (rows[i].rst ? tap_rst : tap_fin)(&p.out, rows[i].by);
        if (rows[i].told) {
            EXPECT(&s, "idle_closed:warning@%u/0.0", s.frame);
            CHECK(strstr(s.last_text, "900.0 s"));
        }
        scene_wait(&s, 2);
        tap_fin(&p.in, UP);
        tap_fin(&p.in, DOWN);
        SILENT(&s);
        scene_end(&s);
    }
    /* the client closed IN first */
    scene_begin(&s);
    struct pair p = open_pair(&s, A, A, 10);
    scene_wait(&s, 100);
    tap_fin(&p.in, UP);
    tap_fin(&p.out, DOWN);
    SILENT(&s);
    scene_end(&s);
    /* pings keep it busy */
    scene_begin(&s);
    p = open_pair(&s, A, A, 10);
    for (int i = 0; i < 20; i++) {
        scene_wait(&s, 9);
        RTS(&p.out, DOWN, 1, "");
    }
    tap_fin(&p.out, DOWN);
    SILENT(&s);
    scene_end(&s);
    /* a predecessor in recycling */
    scene_begin(&s);
    p = open_pair(&s, A, A, 10);
    struct tap next = tap_http(&s, CLIENT ":1003", A);
    tap_request(&next, HTTP_RPC_IN_DATA);
    RTS(&next, UP, 4, "6333", .cookie = { 10, 12, 13 });
    scene_wait(&s, 20);
    tap_fin(&p.in, DOWN);
    SILENT(&s);
    scene_end(&s);
    /* a gap may hide what kept it busy */
    scene_begin(&s);
    p = open_pair(&s, A, A, 10);
    scene_wait(&s, 100);
    tap_lose(&p.out, DOWN, 20);
    tap_fin(&p.out, DOWN);
    SILENT(&s);
    scene_end(&s);
}

/* Others that end within a second tell of the server, and are told once. */
static void test_server_gone(void)
{
    struct scene s;
    struct pair p[4];
    for (int apart = 0; apart < 2; apart++) {
        scene_begin(&s);
        for (unsigned i = 0; i < 4; i++) {
            p[i] = open_pair(&s, A, A, 10 + 10 * i);
            scene_wait(&s, 20); /* idle times that no timer has */
        }
        scene_wait(&s, 100);
        tap_fin(&p[0].out, DOWN);
        SILENT(&s); /* three others may still end */
        tap_fin(&p[0].in, DOWN);
        SILENT(&s);
        scene_wait(&s, apart ? 1.5 : 0.5);
        tap_fin(&p[1].out, DOWN);
        if (apart) {
            EXPECT(&s, "idle_closed:warning@%u/0.0", s.frame);
        } else {
            tap_fin(&p[1].in, DOWN);
            tap_fin(&p[2].out, DOWN);
            tap_fin(&p[3].out, DOWN);
            SILENT(&s); /* IN of two still lives */
            scene_wait(&s, 10);
            tap_ack(&p[3].in, UP);
            EXPECT(&s, "server_gone:warning@%u/3.0", s.frame);
            CHECK_INT(s.where, WHERE_SERVER);
            CHECK(strstr(s.last_text, "6 of its 8 connections") && strstr(s.last_text, "4 virtual connections"));
        }
        SILENT(&s);
        scene_end(&s);
    }
    /* one end only: told as soon as the second is over, on any claimed connection */
    scene_begin(&s);
    p[0] = open_pair(&s, A, A, 10);
    p[1] = open_pair(&s, A, A, 20);
    scene_wait(&s, 100);
    tap_fin(&p[0].out, DOWN);
    scene_wait(&s, 0.9);
    tap_ack(&p[1].out, UP);
    SILENT(&s);
    scene_wait(&s, 0.2);
    tap_ack(&p[1].out, UP);
    EXPECT(&s, "idle_closed:warning@%u/0.0", s.frame);
    scene_end(&s);
    /* it answers a connection that is not ours: before the last end, and behind it */
    for (int before = 0; before < 2; before++) {
        scene_begin(&s);
        p[0] = open_pair(&s, A, A, 10);
        scene_wait(&s, 20);
        p[1] = open_pair(&s, A, A, 20);
        p[2] = open_pair(&s, A, A, 30);
        struct endpoint server = end_of(A), elsewhere = end_of(B);
        scene_wait(&s, 100);
        tap_fin(&p[0].out, DOWN);
        s.frame++;
        track_server_heard(&s.outlook->track, before ? &server : &elsewhere, scene_now(&s));
        tap_fin(&p[1].out, DOWN);
        s.frame++;
        track_server_heard(&s.outlook->track, before ? &elsewhere : &server, scene_now(&s));
        SILENT(&s);
        scene_wait(&s, 2);
        tap_ack(&p[2].out, UP);
        if (before) {
            EXPECT(&s, "server_gone:warning@%u/1.0", s.frame);
        } else {
            EXPECT(&s, "idle_closed:warning@%u/0.0 idle_closed:warning@%u/1.0", s.frame, s.frame);
        }
        scene_end(&s);
    }
    /* clients that close together */
    scene_begin(&s);
    p[0] = open_pair(&s, A, A, 10);
    p[1] = open_pair(&s, A, A, 20);
    scene_wait(&s, 100);
    for (int i = 0; i < 2; i++) {
        tap_fin(&p[i].out, UP);
        tap_fin(&p[i].in, UP);
        tap_fin(&p[i].out, DOWN);
        tap_fin(&p[i].in, DOWN);
    }
    SILENT(&s);
    scene_end(&s);
}

static void test_silent_drop(void)
{
    struct scene s;
    enum { REPEATED, RESET, ANSWERED, COPIES, BUSY, TWICE, KEEPALIVE, GAP, KINDS };
    for (int kind = 0; kind < KINDS; kind++) {
        scene_begin(&s);
        struct pair p = open_pair(&s, A, A, 10);
        tap_ack(&p.out, UP);
        tap_ack(&p.in, DOWN);
        if (kind == GAP) {
            tap_lose(&p.in, UP, 10);
        }
        scene_wait(&s, kind == BUSY ? 30 : 61);
        if (kind == KEEPALIVE) {
            struct segment probe = segment_of(&p.in, UP, 0);
            probe.seq--;
            probe.len = probe.captured = 1;
            for (int i = 0; i < 6; i++) {
                tap_frame(&p.in);
                tap_segment(&p.in, probe);
            }
            SILENT(&s);
            scene_end(&s);
            continue;
        }
        tap_rpc(&p.in, UP, RPC_REQUEST, 100);
        if (kind == RESET) {
            tap_rst(&p.in, DOWN);
            EXPECT(&s, "silent_drop:warning@%u/0.0", s.frame);
            scene_end(&s);
            continue;
        }
        for (int i = 1; i <= 4; i++) {
            scene_wait(&s, 0.3);
            if (kind == COPIES) {
                tap_copy(&p.in);
            } else if (kind != TWICE || i <= 2) {
                tap_again(&p.in);
            }
            if (i == 3 && (kind == REPEATED)) {
                EXPECT(&s, "silent_drop:warning@%u/0.0", s.frame);
                CHECK(strstr(s.last_text, "61.0 s"));
            }
            if (kind == ANSWERED) {
                struct segment last = p.in.last;
                tap_ack(&p.in, DOWN);
                p.in.last = last;
            }
        }
        SILENT(&s);
        scene_end(&s);
    }
}

/* ---- A device that holds back ------------------------------------------------------------ */

/* Told once for a connection, though it recovered and fell silent again. */
static void test_silent_drop_once(void)
{
    struct scene s;
    scene_begin(&s);
    struct pair p = open_pair(&s, A, A, 10);
    for (int round = 0; round < 2; round++) {
        tap_ack(&p.in, DOWN);
        scene_wait(&s, 61);
        tap_rpc(&p.in, UP, RPC_REQUEST, 100);
        for (int i = 0; i < 3; i++) {
            scene_wait(&s, 0.3);
            tap_again(&p.in);
        }
        if (round == 0) {
            EXPECT(&s, "silent_drop:warning@%u/0.0", s.frame);
        }
    }
    SILENT(&s);
    scene_end(&s);
}

/* A claimed connection that carries no channel any more has no virtual connection to blame. */
static void test_silent_drop_without_channel(void)
{
    struct scene s;
    for (int reset = 0; reset <= 1; reset++) {
        scene_begin(&s);
        struct pair p = open_pair(&s, A, A, 10);
        struct http_info get = { .is_request = true, .method = HTTP_OTHER_METHOD, .content_length = -1 };
        tap_fin(&p.out, UP);
        tap_head(&p.in, &get);
        CHECK(!p.in.has_channel);
        s.log[0] = '\0';
        tap_ack(&p.in, DOWN);
        scene_wait(&s, 61);
        tap_data(&p.in, UP, 100);
        for (int i = 0; i < 4 && !reset; i++) {
            scene_wait(&s, 0.3);
            tap_again(&p.in);
        }
        if (reset) {
            tap_rst(&p.in, DOWN);
        }
        SILENT(&s);
        scene_end(&s);
    }
}

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

/* Who ended it first, where the FIN of the client stands behind that of the server in the capture: the server's
 * acknowledges one byte more than there was to see. */
static void test_fin_stands_late(void)
{
    for (int late = 0; late < 2; late++) {
        struct scene s;
        scene_begin(&s);
        struct pair p = make_pair(&s, A, A);
        open_both(&p.in, &p.out, 10);
        tap_rpc(&p.in, UP, RPC_BIND, 100);
        scene_wait(&s, 1);
        s.log[0] = '\0';
        tap_lose(&p.out, UP, late);
        tap_fin(&p.out, DOWN);
        if (late) {
            SILENT(&s);
        } else {
            EXPECT(&s, "cut:warning@%u/0.0", s.frame);
        }
        scene_end(&s);
    }
}

/* Every filter name, once. */
static void test_names(void)
{
    for (int kind = 0; kind < VERDICT_KINDS; kind++) {
        const char *name = verdict_filter((enum verdict_kind)kind);
        CHECK(strncmp(name, "rpch.", 5) == 0 || strncmp(name, "outlook.", 8) == 0 ||
              strncmp(name, "mapihttp.", 9) == 0);
        for (int other = 0; other < kind; other++) {
            CHECK(strcmp(name, verdict_filter((enum verdict_kind)other)) != 0);
        }
    }
    CHECK_STR(verdict_where_name(WHERE_DEVICE), "NETWORK DEVICE");
    CHECK_STR(verdict_where_name(WHERE_UNKNOWN), "CANNOT TELL");
}

int main(void)
{
    test_differ_by_peer();
    test_differ_by_name();
    test_differ_by_successor();
    test_handshake();
    test_handshake_needs_both();
    test_handshake_tcp();
    test_misrouted_by_balancer();
    test_handshake_in_doubt();
    test_handshake_retry();
    test_targets();
    test_lone();
    test_not_lone();
    test_refused();
    test_refused_401();
    test_refused_torn_ntlm();
    test_4xx_explains();
    test_comes_back();
    test_common_timeouts();
    test_alone_behind_device();
    test_idle_closed();
    test_idle_half_of_device();
    test_server_gone();
    test_silent_drop();
    test_silent_drop_once();
    test_silent_drop_without_channel();
    test_buffered_out();
    test_buffered_in();
    test_clocks_differ();
    test_clock_set_back();
    test_calls();
    test_lifetime();
    test_window();
    test_fin_stands_late();
    test_names();
    transcript_end(__FILE__);
    return unit_end();
}
