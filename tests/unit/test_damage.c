/* test_damage.c
 * What a worse capture shows of a healthy connection: ACKs that are missing, a clock that jumps, halves whose clocks
 * differ, answers that stand before or behind what they answer. Each beside the same with nothing wrong.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "scene.h"

#define CLIENT "10.0.0.1"
#define A "10.0.0.81:80"

struct pair {
    struct tap in, out;
};

static struct pair pair_of(struct scene *scene)
{
    scene_begin(scene);
    struct pair pair = { .in = tap_http(scene, CLIENT ":1001", A) };
    pair.out = tap_http(scene, CLIENT ":1002", A);
    return pair;
}

/* A1 has no answer for 30 s. That proves something if it was acknowledged, or sent again for want of an ACK; not if
 * neither was captured where the server's end sends ACKs by themselves. */
static void test_ack_missing(void)
{
    enum { MISSING, ACKNOWLEDGED, SENT_AGAIN, COPIED, NEVER_BY_ITSELF, KINDS };
    for (int kind = 0; kind < KINDS; kind++) {
        struct scene s;
        struct pair p = pair_of(&s);
        tap_request(&p.out, HTTP_RPC_OUT_DATA);
        if (kind != NEVER_BY_ITSELF) {
            tap_ack(&p.out, DOWN);
        }
        tap_request(&p.in, HTTP_RPC_IN_DATA);
        send_b1(&p.in, 10);
        tap_ack(&p.in, DOWN);
        send_a1(&p.out, 10);
        if (kind == ACKNOWLEDGED) {
            tap_ack(&p.out, DOWN);
        } else if (kind == SENT_AGAIN) {
            scene_wait(&s, 1);
            tap_again(&p.out);
        } else if (kind == COPIED) {
            scene_wait(&s, 1);
            tap_copy(&p.out);
        }
        scene_wait(&s, 31);
        RTS(&p.in, UP, 1, "");
        struct leg_row row;
        CHECK(rpch_state_row(s.world, 0, &row));
        if (kind == MISSING || kind == COPIED) {
            SILENT(&s);
            CHECK_STR(row.verdict.cannot_tell ? row.verdict.cannot_tell : "", "OUT: an ACK is missing");
        } else {
            EXPECT(&s, "no_pdu:warning@%u/0.0", s.frame);
        }
        scene_end(&s);
    }
}

/* Nothing at all was captured for an hour, in which C2 did not come: that is no time to wait. What follows is. */
static void test_pause(void)
{
    for (int pause = 0; pause < 2; pause++) {
        struct scene s;
        struct pair p = pair_of(&s);
        start_both(&p.in, &p.out, 10);
        take_out(&p.out);
        scene_wait(&s, pause ? 3600 : 6);
        RTS(&p.in, UP, 1, "");
        if (pause) {
            SILENT(&s);
            scene_wait(&s, 6);
            RTS(&p.in, UP, 1, "");
        }
        EXPECT(&s, "never_joined:warning@%u/0.0", s.frame);
        scene_end(&s);
    }
}

/* The answer to a bind stands before the bind: of the two clocks nothing is known, so that an end under a call is no
 * cut. */
static void test_two_clocks(void)
{
    for (int skewed = 0; skewed < 2; skewed++) {
        struct scene s;
        struct pair p = pair_of(&s);
        open_both(&p.in, &p.out, 10);
        tap_rpc(&p.in, UP, RPC_BIND, 72);
        tap_rpc(&p.out, DOWN, RPC_BIND_ACK, 60);
        if (skewed) {
            scene_end(&s);
            p = pair_of(&s);
            open_both(&p.in, &p.out, 10);
            tap_rpc(&p.out, DOWN, RPC_BIND_ACK, 60);
        }
        tap_rpc(&p.in, UP, RPC_BIND, 72);
        tap_fin(&p.out, DOWN);
        if (skewed) {
            SILENT(&s);
        } else {
            EXPECT(&s, "cut:warning@%u/0.0", s.frame);
        }
        scene_end(&s);
    }
}

/* An answer that tells nothing of clocks stands before what it answers, whose number an attempt before used, too:
 * numbers begin anew, and it is answered. */
static void test_early_again(void)
{
    for (int early = 0; early < 2; early++) {
        struct scene s;
        struct pair p = pair_of(&s);
        open_both(&p.in, &p.out, 10);
        tap_rpc(&p.in, UP, RPC_BIND, 72);
        tap_rpc(&p.out, DOWN, RPC_RESPONSE, 60);
        tap_fin(&p.out, UP);
        tap_fin(&p.in, UP);
        struct tap in = tap_http(&s, CLIENT ":1003", A), out = tap_http(&s, CLIENT ":1004", A);
        open_both(&in, &out, 10);
        if (early) {
            tap_rpc(&out, DOWN, RPC_RESPONSE, 60);
        }
        tap_rpc(&in, UP, RPC_BIND, 72);
        tap_fin(&out, DOWN);
        if (early) {
            SILENT(&s);
        } else {
            EXPECT(&s, "cut:warning@%u/0.0", s.frame);
        }
        scene_end(&s);
    }
}

/* The clock is set back, which only one of two connections shows: after idle times that are equal by the clock that
 * ends them, and are not by that of the capture, no server is gone. */
static void test_clock_back(void)
{
    for (int back = 0; back < 2; back++) {
        struct scene s;
        struct pair p = pair_of(&s);
        open_both(&p.in, &p.out, 10);
        struct pair q = { .in = tap_http(&s, "10.0.0.2:1001", A) };
        q.out = tap_http(&s, "10.0.0.2:1002", A);
        open_both(&q.in, &q.out, 20);
        scene_wait(&s, back ? -5 : 5);
        RTS(&q.in, UP, 1, "");
        RTS(&q.out, DOWN, 1, "");
        scene_wait(&s, 20);
        tap_fin(&p.out, DOWN);
        tap_fin(&p.in, DOWN);
        tap_fin(&q.out, DOWN);
        tap_fin(&q.in, DOWN);
        CHECK_INT(strstr(s.log, "server_gone") != NULL, !back);
        scene_end(&s);
    }
}

/* A response that the client had acknowledged before it sent the request that it stands behind answers another. */
static void test_older_answer(void)
{
    for (int older = 0; older < 2; older++) {
        struct scene s;
        struct pair p = pair_of(&s);
        struct conn *link = rpch_conn_conn(p.out.conn);
        struct http_info info = http_request(HTTP_RPC_OUT_DATA);
        set_step(&info, AUTH_STEP_TYPE1);
        conn_sees(link, UP, p.out.seq[UP], p.out.seq[DOWN]);
        tap_head(&p.out, &info);
        set_step(&info, AUTH_STEP_TYPE3);
        conn_sees(link, UP, p.out.seq[UP], p.out.seq[DOWN] + (older ? 300 : 0));
        tap_head(&p.out, &info);
        conn_sees(link, DOWN, p.out.seq[DOWN], p.out.seq[UP]);
        tap_status(&p.out, 401);
        if (older) {
            SILENT(&s);
        } else {
            EXPECT(&s, "refused:warning@%u/0.0", s.frame);
        }
        scene_end(&s);
    }
}

/* The old IN is closed behind IN_R2/A5, which names a successor that was not captured. */
static void test_lost_successor(void)
{
    for (int named = 0; named < 2; named++) {
        struct scene s;
        struct pair p = pair_of(&s);
        open_both(&p.in, &p.out, 10);
        tap_rpc(&p.in, UP, RPC_BIND, 72);
        tap_rpc(&p.out, DOWN, RPC_BIND_ACK, 60);
        if (named) {
            RTS(&p.out, DOWN, 0, "D", .destination = RTS_FD_CLIENT);
            RTS(&p.in, UP, 0, "3", .cookie = { 13 });
        }
        scene_wait(&s, 15);
        RTS(&p.out, DOWN, 1, "");
        tap_fin(&p.in, DOWN);
        scene_wait(&s, 2);
        tap_ack(&p.out, UP);
        if (named) {
            SILENT(&s);
        } else {
            EXPECT(&s, "idle_closed:warning@%u/0.0", s.frame - 1);
        }
        scene_end(&s);
    }
}

/* Of the leg next to the client only IN was captured, of that behind the device only OUT: they end on different servers,
 * and are no halves of one leg. */
static void test_half_of_each_leg(void)
{
    for (int behind = 0; behind < 2; behind++) {
        struct scene s;
        scene_begin(&s);
        struct tap in = tap_http(&s, CLIENT ":1001", "10.0.0.80:80");
        struct tap out = tap_http(&s, behind ? "10.0.0.80:2001" : CLIENT ":1002", A);
        start_both(&in, &out, 10);
        CHECK_INT(strstr(s.log, "proxies_differ") != NULL, !behind);
        scene_end(&s);
    }
}

/* Without the other half nothing is known of what was announced and agreed there. */
static void test_one_half(void)
{
    struct scene s;
    struct pair p = pair_of(&s);
    tap_request(&p.in, HTTP_RPC_IN_DATA);
    send_b1(&p.in, 10);
    tap_rpc(&p.in, UP, RPC_BIND, 72);
    scene_wait(&s, 1);
    tap_fin(&p.in, DOWN);
    SILENT(&s);
    scene_end(&s);
}

int main(void)
{
    test_ack_missing();
    test_pause();
    test_two_clocks();
    test_early_again();
    test_clock_back();
    test_older_answer();
    test_lost_successor();
    test_half_of_each_leg();
    test_one_half();
    transcript_end(__FILE__);
    return unit_end();
}
