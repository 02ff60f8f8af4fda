/* test_mapi.c
 * Sessions of MAPI/HTTP, responses that wait, and many of both, judged from MS-OXCMAPIHTTP 3.1.5 and 3.2.5.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "envelope.h"
#include "mconnected.h"

/* ---- sessions ------------------------------------------------------------------------------ */

static void test_session(void)
{
    struct scene scene;
    struct tap tap;
    struct session_row row;
    scene_begin(&scene);
    tap_open(&tap, &scene, CLIENT, SERVER);
    struct mapi_message *request = ask(&tap, "connect", 1, NULL);
    CHECK_INT(request->type, MAPI_CONNECT);
    CHECK_INT(request->endpoint, 1);
    CHECK_INT(request->session, NO_NUMBER);
    CHECK_STR(request->mailbox, "m1@example.test");
    CHECK_STR(request->user_dn, "/o=x/u=1");
    CHECK_STR(request->client_application, "Outlook/16.0");
    CHECK_INT(request->body_length, 8);
    struct mapi_message *response = answer(&tap, "Connect", SET_1);
    CHECK_INT(response->session, 0);
    CHECK_INT(response->leg, 0);
    CHECK_INT(response->row, 0);
    CHECK_INT(response->request_frame, 1);
    CHECK_INT(request->response_frame, 2);
    CHECK_INT(response->elapsed_ns, MILLISECOND);
    CHECK(response->has_code && response->code == 0);
    CHECK_INT(response->tag_count, 2);
    CHECK_INT(response->tags[1].tag, META_DONE);
    CHECK_INT(response->tags[1].when.frame, 2);
    request = ask(&tap, "Execute", 2, JAR_1);
    CHECK_INT(request->session, 0);
    CHECK_STR(request->user_dn, "/o=x/u=1");
    CHECK_STR(request->mailbox, "m1@example.test");
    response = answer(&tap, "Execute", NULL);
    CHECK_INT(response->session, 0);
    CHECK_INT(response->type, MAPI_EXECUTE);
    CHECK_STR(response->client_application, "Outlook/16.0");
    CHECK(response->type_name == NULL);
    ask(&tap, "Disconnect", 3, JAR_1);
    answer(&tap, "Disconnect", NULL);
    CHECK_INT(ask(&tap, "Frobnicate", 4, NULL)->type, MAPI_UNKNOWN);
    CHECK_STR(answer_code(&tap, 5, "Invalid request type for this endpoint.")->type_name, "Frobnicate");
    scene.log[0] = '\0';
    CHECK_INT(mapi_state_rows(scene.world), 1);
    CHECK(mapi_state_row(scene.world, 0, &row));
    CHECK_INT(row.ok, 3);
    CHECK_INT(row.failed, 0);
    CHECK_STR(row.ended, "Disconnect (frame 6)");
    CHECK_INT(row.verdict.kind, VERDICT_KINDS);
    CHECK(row.verdict.cannot_tell == NULL);
    CHECK(!mapi_state_row(scene.world, 1, &row));
    CHECK_STR(scene.log, "");
    scene_end(&scene);
}

/* The same cookie on another connection; two sessions on one; a value both were given. */
static void test_belongs(void)
{
    struct scene scene;
    struct tap tap, other;
    connected(&scene, &tap);
    tap_open(&other, &scene, "10.0.0.9:50002", SERVER);
    CHECK_INT(ask_with(&other, (struct ask){ .type = "Connect",
                                             .counter = 1,
                                             .guid = GUID_B,
                                             .path = "/MAPI/Emsmdb?MailboxId=m2@example.test" })
                  ->session,
              NO_NUMBER);
    CHECK_INT(answer(&other, "Connect", SET_2)->session, 1);
    CHECK_INT(
        ask_with(&tap, (struct ask){ .type = "Execute", .counter = 2, .guid = GUID_B, .cookies = JAR_2 })->session, 1);
    CHECK_INT(answer(&tap, "Execute", NULL)->session, 1);
    CHECK_INT(ask(&tap, "Execute", 2, JAR_1)->session, 0);
    CHECK_INT(answer(&tap, "Execute", NULL)->session, 0);
    /* Names say nothing. */
    CHECK_INT(ask(&other, "PING", 3, "other=session-one-value; second=seq-one-1")->session, 0);
    answer(&other, "PING", NULL);
    CHECK_INT(
        ask_with(&other, (struct ask){ .type = "PING", .counter = 4, .guid = GUID_B, .cookies = "x=unknown" })->session,
        NO_NUMBER);
    scene_end(&scene);

    connected(&scene, &tap);
    ask_with(&tap, (struct ask){ .type = "Connect", .counter = 1, .guid = GUID_B });
    answer(&tap, "Connect",
           "Set-Cookie: sid=session-two-value\r\nSet-Cookie: route=shared-a\r\n"
           "Set-Cookie: SERVERID=only-two\r\n");
    ask(&tap, "Execute", 2, JAR_1);
    answer(&tap, "Execute", "Set-Cookie: route=shared-a\r\n");
    CHECK_INT(ask_with(&tap, (struct ask){ .type = "PING", .counter = 9, .guid = "{C}", .cookies = "route=shared-a" })
                  ->session,
              NO_NUMBER);
    answer(&tap, "PING", NULL);
    CHECK_INT(
        ask_with(&tap, (struct ask){ .type = "PING", .counter = 9, .guid = "{C}", .cookies = "SERVERID=only-two" })
            ->session,
        NO_NUMBER);
    scene_end(&scene);
}

static void test_endpoints(void)
{
    struct scene scene;
    struct tap tap;
    connected(&scene, &tap);
    struct ask bind = { .type = "Bind", .counter = 1, .guid = GUID_B, .path = "/mapi/nspi/", .cookies = JAR_1 };
    struct mapi_message *request = ask_with(&tap, bind);
    CHECK_INT(request->session, NO_NUMBER); /* the other endpoint's cookies */
    CHECK_INT(request->endpoint, 2);
    struct mapi_message *response = answer(&tap, "Bind", "Set-Cookie: sid=nspi-value-one\r\n");
    CHECK_INT(response->session, 1);
    CHECK_INT(response->endpoint, 2);
    bind.type = "Unbind";
    bind.cookies = "sid=nspi-value-one";
    bind.counter = 2;
    CHECK_INT(ask_with(&tap, bind)->session, 1);
    answer_with(&tap, (struct answer){ .type = "Unbind", .error = 1 }); /* UnbindSuccess, MS-OXNSPI 3.1.4.1 */
    struct session_row row;
    CHECK(mapi_state_row(scene.world, 1, &row));
    CHECK_INT(row.endpoint, 2);
    CHECK_STR(row.ended, "Unbind (frame 6)");
    CHECK_STR(scene.log, "");
    scene_end(&scene);
}

static void test_reconnect(void)
{
    struct scene scene;
    struct tap tap;
    connected(&scene, &tap);
    scene_wait(&scene, 4000);
    CHECK_INT(ask(&tap, "Connect", 7, JAR_1)->session, 0);
    CHECK_INT(answer(&tap, "Connect", SET_2)->session, 0);
    CHECK_INT(ask(&tap, "Execute", 8, JAR_2)->session, 0);
    CHECK_INT(answer(&tap, "Execute", NULL)->session, 0);
    CHECK_INT(mapi_state_rows(scene.world), 1);
    /* Without cookies it is another one, and another mailbox never the same. */
    ask(&tap, "Connect", 9, NULL);
    CHECK_INT(answer(&tap, "Connect", "Set-Cookie: sid=third-value-x\r\n")->session, 1);
    CHECK_INT(ask_with(&tap, (struct ask){ .type = "Connect",
                                           .counter = 1,
                                           .guid = GUID_B,
                                           .cookies = JAR_2,
                                           .path = "/mapi/emsmdb/?MailboxId=m9@example.test" })
                  ->session,
              NO_NUMBER);
    CHECK_STR(scene.log, "");
    scene_end(&scene);
}

static void test_connect_failed(void)
{
    struct scene scene;
    struct tap tap;
    scene_begin(&scene);
    tap_open(&tap, &scene, CLIENT, SERVER);
    ask(&tap, "Connect", 1, NULL);
    CHECK_INT(answer_with(&tap, (struct answer){ .type = "Connect", .set = SET_1, .error = 0x000003EB })->session,
              NO_NUMBER);
    CHECK_STR(scene.log, "connect.failed:warning@2/-1.0");
    CHECK(strstr(scene.last_text, "0x000003eb") && strstr(scene.last_text, "/o=x/u=1"));
    CHECK_INT(mapi_state_rows(scene.world), 0);
    ask(&tap, "Connect", 2, NULL);
    answer(&tap, "Connect", SET_1);
    CHECK_STR(scene.log, "connect.failed:warning@2/-1.0");
    ask(&tap, "Execute", 3, JAR_1);
    answer_with(&tap, (struct answer){ .type = "Execute", .error = 0x80040102 });
    CHECK_STR(scene.log, "connect.failed:warning@2/-1.0 error_code.failed:note@6/0.0");
    scene_end(&scene);
}

/* ---- PENDING ------------------------------------------------------------------------------ */

static void test_pending(void)
{
    struct scene scene;
    struct tap tap;
    /* In time; the times of the tags; X-ElapsedTime in seconds. */
    connected(&scene, &tap);
    waiting(&tap);
    scene_wait(&scene, 30);
    pending(&tap);
    scene_wait(&scene, 31);
    pending(&tap);
    scene_wait(&scene, 30);
    done(&tap, 91);
    const struct mapi_message *message = tap.last[WAY_TO_CLIENT];
    CHECK_INT(message->tag_count, 4);
    CHECK_INT(message->tags[0].tag, META_PROCESSING);
    CHECK_INT(message->tags[1].tag, META_PENDING);
    CHECK_INT(message->tags[1].when.frame, 5);
    CHECK_INT(message->tags[3].when.frame, 7);
    CHECK(message->elapsed_in_seconds);
    CHECK_STR(scene.log, "");
    scene_end(&scene);

    /* 62 seconds of silence. */
    connected(&scene, &tap);
    waiting(&tap);
    scene_wait(&scene, 30);
    pending(&tap);
    scene_wait(&scene, 62);
    pending(&tap);
    scene_wait(&scene, 5);
    done(&tap, 97000);
    CHECK_STR(scene.log, "pending.late:warning@6/0.0");
    CHECK(strstr(scene.last_text, "62.0 s") && strstr(scene.last_text, "30.0 s"));
    CHECK(!tap.last[WAY_TO_CLIENT]->elapsed_in_seconds);
    scene_end(&scene);

    /* 40 seconds are within one and a half periods. */
    connected(&scene, &tap);
    waiting(&tap);
    scene_wait(&scene, 40);
    pending(&tap);
    scene_wait(&scene, 5);
    done(&tap, 45000);
    CHECK_STR(scene.log, "");
    scene_end(&scene);

    /* A retransmission, or a window that is shut, explains it. */
    for (int i = 0; i < 3; i++) {
        connected(&scene, &tap);
        waiting(&tap);
        scene_wait(&scene, 30);
        pending(&tap);
        scene_wait(&scene, 61);
        if (i == 1) {
            tap_wire(&tap, WAY_TO_SERVER, (struct wire){ .no_window = true });
        } else if (i == 2) {
            tap_wire(&tap, WAY_TO_CLIENT, (struct wire){ .bytes = "0123", .len = 4, .again = true });
        } else {
            tap_wire(&tap, WAY_TO_SERVER, (struct wire){ .len = 0 });
        }
        pending(&tap);
        CHECK_STR(scene.log, i == 0 ? "pending.late:warning@7/0.0" : "");
        scene_end(&scene);
    }

    /* Either at the very moment at which the silence began explains it, too, and before it does not. */
    for (int i = 0; i < 4; i++) {
        const struct wire shut = { .no_window = true }, again = { .bytes = "0123", .len = 4, .again = true };
        const enum way way = i % 2 ? WAY_TO_CLIENT : WAY_TO_SERVER;
        connected(&scene, &tap);
        waiting(&tap);
        scene_wait(&scene, 30);
        if (i < 2) {
            tap_wire(&tap, way, i % 2 ? again : shut);
            tap_wire(&tap, WAY_TO_SERVER, (struct wire){ .len = 0 });
        }
        pending(&tap);
        scene.frame_ns = 0;
        if (i >= 2) {
            tap_wire(&tap, way, i % 2 ? again : shut);
        }
        scene_wait(&scene, 61);
        pending(&tap);
        /* What comes again at once, without an identification, is a copy and explains nothing. */
        CHECK_STR(scene.log, i < 2 ? "pending.late:warning@8/0.0" : i == 3 ? "pending.late:warning@7/0.0" : "");
        scene_end(&scene);
    }

    /* Behind DONE no PENDING is owed, neither before further headers nor before the body. */
    connected(&scene, &tap);
    waiting(&tap);
    scene_wait(&scene, 30);
    pending(&tap);
    scene_wait(&scene, 3);
    tap_text(&tap, WAY_TO_CLIENT, "6\r\nDONE\r\n\r\n");
    scene_wait(&scene, 61);
    tap_text(&tap, WAY_TO_CLIENT, "13\r\nX-ResponseCode: 0\r\n\r\n");
    scene_wait(&scene, 61);
    tap_text(&tap, WAY_TO_CLIENT, "2\r\n\r\n\r\n");
    CHECK_STR(scene.log, "");
    scene_end(&scene);

    /* The head and two PENDINGs arrive at once after the time of two. */
    connected(&scene, &tap);
    ask(&tap, "NotificationWait", 101, JAR_1);
    scene_wait(&scene, 61);
    tap_text(&tap, WAY_TO_CLIENT,
             "HTTP/1.1 200 OK\r\nContent-Type: application/mapi-http\r\n"
             "X-RequestType: NotificationWait\r\n"
             "X-ResponseCode: 0\r\nX-PendingPeriod: 30000\r\nTransfer-Encoding: chunked\r\n\r\n1e\r\nPROCESSING\r\n"
             "PENDING\r\nPENDING\r\n\r\n");
    CHECK_STR(scene.log, "pending.late:warning@4/0.0");
    CHECK(strstr(scene.last_text, "2 PENDING"));
    scene_end(&scene);

    /* They came every three seconds before. Two in a row without a pause are only a server's whim. */
    connected(&scene, &tap);
    waiting(&tap);
    scene_wait(&scene, 3);
    pending(&tap);
    scene_wait(&scene, 6.5);
    tap_text(&tap, WAY_TO_CLIENT, "9\r\nPENDING\r\n\r\n9\r\nPENDING\r\n\r\n");
    CHECK_STR(scene.log, "pending.late:warning@6/0.0");
    CHECK(strstr(scene.last_text, "6.5 s") && strstr(scene.last_text, "3.0 s before"));
    scene_end(&scene);
    connected(&scene, &tap);
    waiting(&tap);
    scene_wait(&scene, 3);
    pending(&tap);
    scene_wait(&scene, 3);
    tap_text(&tap, WAY_TO_CLIENT, "9\r\nPENDING\r\n\r\n9\r\nPENDING\r\n\r\n");
    CHECK_STR(scene.log, "");
    scene_end(&scene);
}

/* A wait of days: the first tags are kept, and of all others the last. */
static void test_many_tags(void)
{
    struct scene scene;
    struct tap tap;
    connected(&scene, &tap);
    waiting(&tap);
    for (unsigned count = 2; count <= MAPI_TAGS_KEPT + 3; count++) {
        const unsigned kept = count < MAPI_TAGS_KEPT ? count : MAPI_TAGS_KEPT;
        scene_wait(&scene, 30);
        pending(&tap);
        CHECK_INT(tap.last[WAY_TO_CLIENT]->tag_count, kept);
        CHECK_INT(tap.last[WAY_TO_CLIENT]->tags[kept - 1].when.frame, scene.frame);
        CHECK_INT(tap.last[WAY_TO_CLIENT]->tags[1].when.frame, 5);
    }
    scene_end(&scene);
}

/* A period of nothing promises none: two at once prove no silence. */
static void test_no_period(void)
{
    struct scene scene;
    struct tap tap;
    connected(&scene, &tap);
    ask(&tap, "NotificationWait", 101, JAR_1);
    tap_text(&tap, WAY_TO_CLIENT,
             "HTTP/1.1 200 OK\r\nContent-Type: application/mapi-http\r\nX-RequestType: NotificationWait\r\n"
             "X-ResponseCode: 0\r\nX-PendingPeriod: 0\r\nTransfer-Encoding: chunked\r\n\r\nc\r\nPROCESSING\r\n\r\n");
    tap_text(&tap, WAY_TO_CLIENT, "9\r\nPENDING\r\n\r\n9\r\nPENDING\r\n\r\n");
    CHECK_STR(scene.log, "");
    scene_end(&scene);
}

/* ---- many --------------------------------------------------------------------------------------------------- */

/* Requests of many contexts in one frame: each is judged. */
static void test_many_in_frame(void)
{
    enum { CONTEXTS = 60 };
    static char text[CONTEXTS * 400];
    struct scene scene;
    struct tap tap;
    scene_begin(&scene);
    tap_open(&tap, &scene, CLIENT, SERVER);
    size_t used = 0;
    for (unsigned i = 0; i < CONTEXTS; i++) {
        char guid[40], set[100];
        snprintf(guid, sizeof(guid), "{A0000000-0000-0000-0000-0000000001%02u}", i);
        snprintf(set, sizeof(set), "Set-Cookie: sid=session-%u-value\r\nSet-Cookie: sequence=first-of-%u\r\n", i, i);
        ask_with(&tap, (struct ask){ .type = "Connect", .counter = 1, .guid = guid });
        answer(&tap, "Connect", set);
        used += (size_t)snprintf(text + used, sizeof(text) - used,
                                 "POST /mapi/emsmdb/ HTTP/1.1\r\nHost: "
                                 "mail.example.test\r\nX-RequestType: PING\r\nX-RequestId: %s:2\r\n"
                                 "Cookie: sid=session-%u-value\r\n\r\n",
                                 guid, i);
    }
    CHECK_STR(scene.log, "");
    tap_bytes(&tap, WAY_TO_SERVER, text, used);
    unsigned told = 0;
    for (const char *at = scene.log; (at = strstr(at, "session.cookie_lost:warning@121/")); at++) {
        CHECK_INT(atoi(at + strlen("session.cookie_lost:warning@121/")), told);
        told++;
    }
    CHECK_INT(told, CONTEXTS);
    scene_end(&scene);
}

/* However many wait, responses answer in order; and after a gap nobody knows which. */
static void test_many_outstanding(void)
{
    enum { WAITING = 300 };
    struct scene scene;
    struct tap tap;
    struct mapi_message *asked[WAITING];
    connected(&scene, &tap);
    for (unsigned i = 0; i < WAITING; i++) {
        asked[i] = ask(&tap, "NotificationWait", i + 2, JAR_1);
    }
    for (unsigned i = 0; i < WAITING; i++) {
        struct mapi_message *response = answer(&tap, "NotificationWait", NULL);
        CHECK_INT(response->request_frame, asked[i]->end.frame);
        CHECK_INT(asked[i]->response_frame, response->end.frame);
    }
    CHECK_STR(scene.log, "");
    for (unsigned i = 0; i < WAITING; i++) {
        asked[i] = ask(&tap, "NotificationWait", i + 400, JAR_1);
    }
    mapi_conn_lost(tap.conn, scene_frame(&scene), WAY_TO_CLIENT);
    mapi_conn_lost(tap.conn, scene_frame(&scene), WAY_TO_CLIENT);
    tap_text(&tap, WAY_TO_CLIENT,
             "HTTP/1.1 200 OK\r\nX-RequestType: NotificationWait\r\nX-RequestId: %s:%u\r\n"
             "X-ResponseCode: 0\r\nContent-Length: 0\r\n\r\n",
             GUID_A, 400 + WAITING - 1);
    CHECK_INT(tap.last[WAY_TO_CLIENT]->request_frame, asked[WAITING - 1]->end.frame);
    scene_end(&scene);
    /* The client closes under all of them, twice. */
    connected(&scene, &tap);
    ask(&tap, "NotificationWait", 2, JAR_1);
    ask(&tap, "NotificationWait", 3, JAR_1);
    tap_fin(&tap, WAY_TO_SERVER);
    tap_wire(&tap, WAY_TO_SERVER, (struct wire){ .fin = true });
    CHECK_STR(scene.log, "");
    tap_fin(&tap, WAY_TO_CLIENT);
    CHECK_STR(scene.log, "request.unanswered:note@7/0.0 request.unanswered:note@7/0.0");
    scene_end(&scene);
}

/* Memory grows with messages and cookie values, not with what is repeated. */
static void test_memory(void)
{
    struct scene scene;
    struct tap tap;
    connected(&scene, &tap);
    for (unsigned i = 2; i < 200; i++) {
        ask(&tap, "Execute", i, JAR_1);
        answer(&tap, "Execute", NULL);
    }
    size_t before = scene.heap.allocated;
    for (unsigned i = 200; i < 1200; i++) {
        ask(&tap, "Execute", i, JAR_1);
        answer(&tap, "Execute", NULL);
    }
    size_t each = (scene.heap.allocated - before) / 2000;
    CHECK(each <= 420);
    printf("%zu bytes for a message\n", each);
    CHECK_STR(scene.log, "");
    scene_end(&scene);
    /* Requests without end. */
    connected(&scene, &tap);
    for (unsigned i = 2; i < 2000; i++) {
        ask(&tap, "NotificationWait", i, JAR_1);
    }
    answer(&tap, "NotificationWait", NULL);
    tap_fin(&tap, WAY_TO_CLIENT);
    scene_end(&scene);
}

/* A context that the server kept for no time at all, or did not say for how long. */
static void test_expired_at_once(void)
{
    static const char *const kept[] = { "X-ExpirationInfo: 0\r\n", "X-ExpirationInfo: 1\r\n",
                                        "X-ExpirationInfo: 9999999999\r\n", "", "X-ExpirationInfo: 10000000000\r\n" };
    for (unsigned i = 0; i < 5; i++) {
        struct scene scene;
        struct tap tap;
        scene_begin(&scene);
        tap_open(&tap, &scene, "10.0.0.9:50000", "10.0.0.81:443");
        ask(&tap, "Connect", 1, NULL);
        answer_with(&tap,
                    (struct answer){ .type = "Connect", .set = "Set-Cookie: sid=1; path=/mapi\r\n", .extra = kept[i] });
        scene_wait(&scene, 60);
        ask(&tap, "Execute", 2, "sid=1");
        answer_code(&tap, 10, "Context not found");
        scene_wait(&scene, 1);
        ask(&tap, "Connect", 3, NULL);
        answer(&tap, "Connect", "Set-Cookie: sid=2; path=/mapi\r\n");
        CHECK(scene.log[0] != '\0');
        CHECK(strstr(scene.last_text, i < 3 ? "X-ExpirationInfo allows" : "no X-ExpirationInfo was seen"));
        scene_end(&scene);
    }
}

int main(void)
{
    test_session();
    test_belongs();
    test_endpoints();
    test_reconnect();
    test_connect_failed();
    test_pending();
    test_many_tags();
    test_no_period();
    test_expired_at_once();
    transcript_off = true;
    test_many_in_frame();
    test_many_outstanding();
    test_memory();
    transcript_end(__FILE__);
    return unit_end();
}
