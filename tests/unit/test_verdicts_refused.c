/* test_verdicts_refused.c
 * Verdicts on halves that stay alone and on those that are refused, each with its healthy counterpart.
 * Expectations come from MS-RPCH and from what the plugin promises its users.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "pairs.h"

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

/* A 401 that offers nothing is no step, if nothing was tried before. */
static void test_refused_bare(void)
{
    static const enum auth_step steps[] = { AUTH_STEP_NONE, AUTH_STEP_EMPTY, AUTH_STEP_TYPE1 };
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        struct scene s;
        scene_begin(&s);
        struct tap tap = tap_http(&s, CLIENT ":1001", A);
        struct http_info request = http_request(HTTP_RPC_OUT_DATA), answer = http_response(401);
        set_step(&request, steps[i]);
        answer.offers_auth = false;
        tap_head(&tap, &request);
        tap_head(&tap, &answer);
        if (steps[i] == AUTH_STEP_NONE) {
            EXPECT(&s, "refused:warning@%u/0.0", s.frame);
        }
        SILENT(&s);
        scene_end(&s);
    }
}

/* IN ends early, and a status comes behind it: nothing is refused any more, but by one that the client had when it closed. */
static void test_refused_when_over(void)
{
    for (int what = 0; what < 3; what++) {
        struct scene s;
        scene_begin(&s);
        struct pair p = make_pair(&s, A, A);
        struct tap *tap = what == 2 ? &p.out : &p.in;
        tap_request(tap, what == 2 ? HTTP_RPC_OUT_DATA : HTTP_RPC_IN_DATA);
        if (what < 2) {
            send_b1(tap, 10);
        }
        tap_frame(tap);
        struct segment segment = segment_of(tap, UP, 0);
        segment.fin = true;
        segment.ack += what == 1 ? 300 : 0;
        tap->seq[UP]++;
        tap_segment(tap, segment);
        s.log[0] = '\0';
        tap_status(tap, 403);
        CHECK_INT(strstr(s.log, "refused:warning@") != NULL, what > 0);
        scene_end(&s);
    }
}

/* OUT, whose body is small, gets a 400 at the same server, too: then it is not the 1 GB body of IN. */
static void test_refused_both(void)
{
    for (int what = 0; what < 4; what++) {
        struct scene s;
        scene_begin(&s);
        struct pair p = make_pair(&s, A, what == 3 ? "10.0.0.99:80" : A);
        tap_request(&p.out, HTTP_RPC_OUT_DATA);
        send_a1(&p.out, 10);
        tap_request(&p.in, HTTP_RPC_IN_DATA);
        send_b1(&p.in, 10);
        if (what > 0) {
            tap_status(&p.out, what == 2 ? 403 : 400);
        }
        tap_status(&p.in, 400);
        unit_check((strstr(s.last_text, "1 GB body") != NULL) == (what != 1), __FILE__, __LINE__, s.last_text);
        scene_end(&s);
    }
}

/* Where virtual connections opened, by either half, a single refusal is none of the path. */
static void test_refused_where_served(void)
{
    static const char *const elsewhere = "10.0.0.99:80";
    for (int what = 0; what < 6; what++) { /* opened or only begun; refused at IN's server, OUT's, and another */
        const bool opened = what < 3;
        struct scene s;
        scene_begin(&s);
        struct pair p = make_pair(&s, A, "10.0.0.82:80");
        if (opened) {
            open_both(&p.in, &p.out, 10);
        } else {
            start_both(&p.in, &p.out, 10);
        }
        s.log[0] = '\0';
        const enum http_method method = what % 3 == 0 ? HTTP_RPC_IN_DATA : HTTP_RPC_OUT_DATA;
        const bool same = what % 3 == 0 ? true : what % 3 == 1;
        struct endpoint server = *conn_server(rpch_conn_conn((what % 3 == 0 ? &p.in : &p.out)->conn));
        char text[ENDPOINT_TEXT_MAX];
        endpoint_format(&server, text);
        struct tap tap = tap_http(&s, CLIENT ":1077", same ? text : elsewhere);
        tap_request(&tap, method);
        tap_status(&tap, 404);
        CHECK(strstr(s.log, "refused:warning@"));
        unit_check((strstr(s.last_text, "where virtual connections opened before") != NULL) == (opened && same),
                   __FILE__, __LINE__, s.last_text);
        scene_end(&s);
    }
}

/* What the words of the page and an error of Kerberos tell, each alone. */
static void test_refused_by_words(void)
{
    static const struct {
        unsigned status, words;
        uint8_t krb_error;
        const char *inferred, *said;
    } rows[] = { { 406, WORDS_BLOCKED, 0, "a rule of that device forbids the request", "" },
                 { 401, 0, KRB_MODIFIED, "cannot decrypt the ticket", ", Kerberos error 41 (KRB_AP_ERR_MODIFIED)" },
                 { 401, 0, KRB_SKEW, "the clocks of client", ", Kerberos error 37 (KRB_AP_ERR_SKEW)" } };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct scene s;
        scene_begin(&s);
        struct tap tap = tap_http(&s, CLIENT ":1001", A);
        struct http_info request = http_request(HTTP_RPC_OUT_DATA), answer = http_response(rows[i].status);
        set_step(&request, AUTH_STEP_AP_REQ);
        answer.author = HTTP_BY_DEVICE;
        answer.page.words = rows[i].words;
        answer.krb_error = rows[i].krb_error;
        strcpy(answer.retry_after, "120");
        tap_head(&tap, &request);
        tap_head(&tap, &answer);
        CHECK(strstr(s.log, "refused:warning@"));
        unit_check(strstr(s.last_text, rows[i].inferred) && strstr(s.last_text, rows[i].said), __FILE__, __LINE__,
                   s.last_text);
        CHECK(strstr(s.last_text, "Retry-After") && strstr(s.last_text, "120"));
        scene_end(&s);
    }
}

int main(void)
{
    test_lone();
    test_not_lone();
    test_refused();
    test_refused_401();
    test_refused_bare();
    test_refused_torn_ntlm();
    test_4xx_explains();
    test_alone_behind_device();
    transcript_off = true;
    test_refused_when_over();
    test_refused_both();
    test_refused_where_served();
    test_refused_by_words();
    transcript_end(__FILE__);
    return unit_end();
}
