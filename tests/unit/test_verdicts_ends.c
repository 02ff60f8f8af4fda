/* test_verdicts_ends.c
 * Verdicts on how connections end: closed when idle, with their server, cut, dropped in silence, each with its
 * healthy counterpart.
 * Expectations come from MS-RPCH and from what the plugin promises its users.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "pairs.h"

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

int main(void)
{
    test_comes_back();
    test_common_timeouts();
    test_idle_closed();
    test_idle_half_of_device();
    test_server_gone();
    test_silent_drop();
    test_silent_drop_once();
    test_silent_drop_without_channel();
    test_fin_stands_late();
    transcript_end(__FILE__);
    return unit_end();
}
