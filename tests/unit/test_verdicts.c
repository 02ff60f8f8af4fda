/* test_verdicts.c
 * Verdicts on halves that went to different servers, never met or ask for different targets, each with its healthy
 * counterpart, and silence where a capture cannot tell.
 * Expectations come from MS-RPCH and from what the plugin promises its users.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "pairs.h"

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

/* ---- Names --------------------------------------------------------------------------- */

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
    test_names();
    transcript_end(__FILE__);
    return unit_end();
}
