/* test_vconn_rows.c
 * What the rows of virtual connections tell, and the names of servers that are compared or kept.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "balanced.h"
#include "rpch_state.h"
#include "scene.h"

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

/* ---- Names --------------------------------------------------------------------------- */

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

int main(void)
{
    test_targets();
    test_rows_tell_doubt();
    test_row_half_captured();
    test_row_joined_across();
    test_row_verdict();
    test_short_front_ends();
    test_short_challenge();
    transcript_end(__FILE__);
    return unit_end();
}
