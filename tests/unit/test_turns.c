/* test_turns.c
 * Channels and time: when halves belong together, and when nobody waits for the successor of one that is to be replaced any
 * more (MS-RPCH 3.2.1.5.3.2 to 3.2.1.5.3.5).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "scene.h"
#include "vconn_private.h"

#define CLIENT "10.0.0.9"
#define A "10.0.0.81:443"

struct play {
    struct scene scene;
    struct tap in, out, next;
};

/* OUT is to be replaced, as the server says. */
static void begin(struct play *play)
{
    scene_begin(&play->scene);
    play->in = tap_http(&play->scene, CLIENT ":1001", A);
    play->out = tap_http(&play->scene, CLIENT ":1002", A);
    open_both(&play->in, &play->out, 10);
    CHECK_STR(play->scene.log, "");
    RTS(&play->out, DOWN, 4, "D", .destination = RTS_FD_CLIENT);
}

static void check(struct play *play, bool told, const char *what)
{
    unit_check(strstr(play->scene.log, "not_recycled:note@") ? told : !told, __FILE__, __LINE__, what);
    scene_end(&play->scene);
}

/* Nobody asks for a successor: told when the server ends the channel, when the client does after some seconds, and in any
 * case after half a minute. */
static void test_no_successor(void)
{
    static const struct {
        const char *what;
        double wait;
        bool ends, told;
        enum way by;
    } rows[] = { { "the server ends it", 0, true, true, DOWN },
                 { "the client leaves soon", 4.9, true, false, UP },
                 { "the client leaves later", 5.1, true, true, UP },
                 { "it waits", 29, false, false, UP },
                 { "it waits for long", 31, false, true, UP } };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct play play;
        begin(&play);
        scene_wait(&play.scene, rows[i].wait);
        if (rows[i].ends) {
            tap_fin(&play.out, rows[i].by);
        } else {
            tap_ack(&play.out, UP);
        }
        check(&play, rows[i].told, rows[i].what);
    }
}

/* The successor asks, and has no answer: it may still get one where the old channel alone is gone. */
static void test_no_answer(void)
{
    static const struct {
        const char *what;
        double wait;
        bool next_ends, told;
        enum way by;
    } rows[] = { { "the old one is gone", 29, false, false, UP },
                 { "no answer for long", 31, false, true, UP },
                 { "the server ends both", 1, true, true, DOWN },
                 { "the client gives up", 29, true, false, UP },
                 { "the client gives up late", 31, true, true, UP } };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct play play;
        begin(&play);
        play.next = tap_http(&play.scene, CLIENT ":1003", A);
        tap_request(&play.next, HTTP_RPC_OUT_DATA);
        RTS(&play.next, UP, 4, "63330", .cookie = { 10, 11, 14 }, .window = 65536);
        tap_fin(&play.out, DOWN);
        CHECK_STR(play.scene.log, "");
        scene_wait(&play.scene, rows[i].wait);
        if (rows[i].next_ends) {
            tap_fin(&play.next, rows[i].by);
        } else {
            tap_ack(&play.next, UP);
        }
        check(&play, rows[i].told, rows[i].what);
    }
}

/* Halves begin together within five seconds, whichever comes first. */
static void test_together(void)
{
    CHECK(begin_together(0, 5 * SECOND) && begin_together(5 * SECOND, 0) && begin_together(7, 7));
    CHECK(!begin_together(0, 5 * SECOND + 1) && !begin_together(5 * SECOND + 1, 0));
}

int main(void)
{
    test_together();
    test_no_successor();
    test_no_answer();
    transcript_end(__FILE__);
    return unit_end();
}
