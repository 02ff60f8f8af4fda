/* test_mapi_expect.c
 * Bodies of MAPI/HTTP that wait for a 100, judged from RFC 9110 10.1.1: who gets Expect and has no 100 to give sends none,
 * and the client waits as long as it likes.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "mconnected.h"

#define EXPECT "Expect: 100-continue\r\n"
#define BALANCER "10.0.0.80:443"
#define BEHIND "10.0.1.80:40001"

/* A head, and no body behind it. */
static void ask_head(struct tap *tap, unsigned counter, const char *expect)
{
    tap_text(tap, WAY_TO_SERVER,
             "POST /mapi/emsmdb/?MailboxId=m1@example.test HTTP/1.1\r\nHost: mail.example.test\r\n"
             "Content-Type: application/mapi-http\r\nX-RequestType: Execute\r\nX-RequestId: " GUID_A ":%u\r\n"
             "Cookie: " JAR_1 "\r\n%sContent-Length: 8\r\n\r\n",
             counter, expect);
}

static void go_on(struct tap *tap)
{
    tap_text(tap, WAY_TO_CLIENT, "HTTP/1.1 100 Continue\r\n\r\n");
}

static void test_alone(void)
{
    static const struct {
        const char *expect;
        double wait;
        bool continued, body, told;
    } rows[] = {
        { EXPECT, 5, false, false, true },  { EXPECT, 4.999, false, false, false }, { EXPECT, 20, true, false, false },
        { EXPECT, 20, false, true, false }, { "", 20, false, false, false },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct scene scene;
        struct tap tap;
        connected(&scene, &tap);
        scene.frame_ns = 0;
        ask_head(&tap, 2, rows[i].expect);
        if (rows[i].continued) {
            go_on(&tap);
        }
        if (rows[i].body) {
            tap_text(&tap, WAY_TO_SERVER, "/o=x");
        }
        scene_wait(&scene, rows[i].wait);
        tap_fin(&tap, WAY_TO_CLIENT);
        CHECK(strstr(scene.log, "request.unanswered:note"));
        CHECK_INT(strstr(scene.last_text, "its head has Expect: 100-continue, and no 100 came") != NULL, rows[i].told);
        CHECK(!rows[i].told || (scene.where == WHERE_UNKNOWN && !scene.where_seen));
        scene_end(&scene);
    }
}

/* Both sides of a device: what it makes of the head, and of the 100. */
static void test_device(void)
{
    static const struct {
        const char *behind;           /* the head there, NULL: it is not passed on */
        bool continued, behind_first; /* a 100 came there; that leg ends first */
        enum verdict_where where;
        const char *words; /* of the leg that ends first */
    } rows[] = {
        { "", false, false, WHERE_DEVICE, "on leg 1 has no Expect any more" },
        { "", false, true, WHERE_DEVICE, "on leg 0 has Expect: 100-continue, this one has not" },
        { EXPECT, true, false, WHERE_DEVICE, "on leg 1 it came in frame 8; " },
        { EXPECT, false, false, WHERE_UNKNOWN, "dropped or does not know Expect" },
        { EXPECT, false, true, WHERE_UNKNOWN, "dropped or does not know Expect" },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct scene scene;
        struct tap front, back;
        scene_begin(&scene);
        tap_open(&front, &scene, CLIENT, BALANCER);
        tap_open(&back, &scene, BEHIND, SERVER);
        ask(&front, "Connect", 1, NULL);
        ask(&back, "Connect", 1, NULL);
        answer(&back, "Connect", SET_1);
        answer(&front, "Connect", SET_1);
        tap_fin(&front, WAY_TO_SERVER); /* the next request comes on another connection */
        tap_open(&front, &scene, "10.0.0.1:50009", BALANCER);
        ask_head(&front, 2, EXPECT);
        ask_head(&back, 2, rows[i].behind);
        if (rows[i].continued) {
            go_on(&back);
        }
        scene_wait(&scene, 30);
        tap_fin(rows[i].behind_first ? &back : &front, WAY_TO_CLIENT);
        CHECK(strstr(scene.log, rows[i].behind_first ? "request.unanswered:note@8/0.1" : "request.unanswered:note"));
        CHECK(strstr(scene.last_text, rows[i].words));
        CHECK_INT(scene.where, rows[i].where);
        CHECK_INT(scene.where_seen, rows[i].where == WHERE_DEVICE);
        scene_end(&scene);
    }
}

int main(void)
{
    test_alone();
    test_device();
    transcript_end(__FILE__);
    return unit_end();
}
