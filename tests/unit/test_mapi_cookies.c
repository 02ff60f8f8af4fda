/* test_mapi_cookies.c
 * Cookies of MAPI/HTTP, and the sequence of its requests, judged from MS-OXCMAPIHTTP 3.1.5 and 3.2.5.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "mconnected.h"
#include "objects.h"

/* ---- cookies -------------------------------------------------------------------------------------- */

static void test_cookie_lost(void)
{
    struct scene scene;
    struct tap tap;
    static const struct {
        const char *set, *cookies, *path, *log, *words;
    } rows[] = {
        { SET_1, JAR_1, NULL, "", NULL },
        { SET_1, "sequence=seq-one-1; sid=session-one-value; lang=en", NULL, "", NULL },
        { SET_1, "sid=session-one-value", NULL, "session.cookie_lost:warning@3/0.0",
          "lacks cookie sequence, set in frame 2" },
        { SET_1, "sid=session-one-value; sequence=changed", NULL, "session.cookie_lost:warning@3/0.0",
          "another value" },
        { SET_1, "sid=\"session-one-value\"; sequence=seq-one-1", NULL, "", NULL },
        /* None of its cookies: the GUID of X-RequestId is the context's own (2.2.3.3.2). */
        { SET_1, NULL, NULL, "session.cookie_lost:warning@3/0.0", "by the GUID" },
        /* Not for this path, expired, deleted, for TLS only on a clear leg, a balancer's. */
        { "Set-Cookie: sid=session-one-value\r\nSet-Cookie: a=1234; path=/mapi/nspi\r\n", "sid=session-one-value", NULL,
          "", NULL },
        { "Set-Cookie: sid=session-one-value; path=/\r\nSet-Cookie: a=1234; path=/map\r\n", "sid=session-one-value",
          NULL, "", NULL },
        { "Set-Cookie: sid=session-one-value\r\nSet-Cookie: a=1234; Max-Age=0\r\n", "sid=session-one-value", NULL, "",
          NULL },
        { "Set-Cookie: sid=session-one-value\r\nSet-Cookie: a=1234; max-age=5\r\n", "sid=session-one-value", NULL,
          "session.cookie_lost:warning@3/0.0", "lacks cookie a" },
        { "Set-Cookie: sid=session-one-value\r\nSet-Cookie: a=1234; expires=Thu, 01-Jan-1970 00:00:01 GMT\r\n",
          "sid=session-one-value", NULL, "", NULL },
        { "Set-Cookie: sid=session-one-value\r\nSet-Cookie: a=; path=/\r\n", "sid=session-one-value", NULL, "", NULL },
        { "Set-Cookie: sid=session-one-value\r\nSet-Cookie: a=1234; Secure\r\n", "sid=session-one-value", NULL, "",
          NULL },
        { "Set-Cookie: sid=session-one-value; secure\r\nSet-Cookie: a=1234; Secure\r\n", "sid=session-one-value", NULL,
          "session.cookie_lost:warning@3/0.0", "lacks cookie a" },
        { "Set-Cookie: sid=session-one-value\r\nSet-Cookie: SERVERID=a1\r\nSet-Cookie: AWSALB=xyz\r\n",
          "sid=session-one-value", NULL, "", NULL },
        /* Of a domain that the host mail.example.test is in, or is not (RFC 6265 5.1.3, 5.3). */
        { "Set-Cookie: sid=session-one-value\r\nSet-Cookie: a=1234; Domain=Example.Test\r\n", "sid=session-one-value",
          NULL, "session.cookie_lost:warning@3/0.0", "lacks cookie a" },
        { "Set-Cookie: sid=session-one-value\r\nSet-Cookie: a=1234; Domain=.example.test\r\n", "sid=session-one-value",
          NULL, "session.cookie_lost:warning@3/0.0", "lacks cookie a" },
        { "Set-Cookie: sid=session-one-value\r\nSet-Cookie: a=1234; Domain=mail.example.test\r\n",
          "sid=session-one-value", NULL, "session.cookie_lost:warning@3/0.0", "lacks cookie a" },
        { "Set-Cookie: sid=session-one-value\r\nSet-Cookie: a=1234; Domain=.mail.example.test\r\n",
          "sid=session-one-value", NULL, "session.cookie_lost:warning@3/0.0", "lacks cookie a" },
        { "Set-Cookie: sid=session-one-value\r\nSet-Cookie: a=1234; Domain=\r\n", "sid=session-one-value", NULL,
          "session.cookie_lost:warning@3/0.0", "lacks cookie a" },
        { "Set-Cookie: sid=session-one-value\r\nSet-Cookie: a=1234; Domain=elsewhere.test; Domain=example.test\r\n",
          "sid=session-one-value", NULL, "session.cookie_lost:warning@3/0.0", "lacks cookie a" },
        { "Set-Cookie: sid=session-one-value\r\nSet-Cookie: a=1234; Domain=elsewhere.test\r\n", "sid=session-one-value",
          NULL, "", NULL },
        { "Set-Cookie: sid=session-one-value\r\nSet-Cookie: a=1234; Domain=.test\r\n", "sid=session-one-value", NULL,
          "", NULL },
        { "Set-Cookie: sid=session-one-value\r\nSet-Cookie: a=1234; Domain=xample.test\r\n", "sid=session-one-value",
          NULL, "", NULL },
        { "Set-Cookie: sid=session-one-value\r\nSet-Cookie: a=1234; Domain=a.mail.example.test\r\n",
          "sid=session-one-value", NULL, "", NULL },
        { "Set-Cookie: sid=session-one-value\r\nSet-Cookie: a=1234; Domain=il.example.test\r\n",
          "sid=session-one-value", NULL, "", NULL },
        /* None of its cookies, for they could not come: that is why. */
        { "Set-Cookie: sid=session-one-value; Domain=ex1.corp.test\r\n", NULL, NULL,
          "session.cookie_lost:warning@3/0.0",
          "Domain=ex1.corp.test, the request asks mail.example.test; inferred: no client brings it back (RFC 6265 5.3)" },
        { "Set-Cookie: sid=session-one-value; Path=/a/mapi\r\n", NULL, NULL, "session.cookie_lost:warning@3/0.0",
          "Path=/a/mapi, the request asks /mapi/emsmdb; inferred: no client brings it back (RFC 6265 5.4)" },
        /* Many. */
        { "Set-Cookie: sid=session-one-value\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nSet-Cookie: c=3\r\nSet-Cookie: d=4\r\n"
          "Set-Cookie: e=5\r\nSet-Cookie: f=6\r\nSet-Cookie: g=7\r\n",
          "sid=session-one-value; a=1; b=2; c=3; d=4; e=5; f=6", NULL, "session.cookie_lost:warning@3/0.0",
          "lacks cookie g" },
        /* The default path is that of the request (RFC 6265 5.1.4). */
        { "Set-Cookie: sid=session-one-value; path=/\r\nSet-Cookie: a=1234\r\n", "sid=session-one-value",
          "/MAPI/emsmdb", "", NULL }
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        scene_begin(&scene);
        tap_open(&tap, &scene, CLIENT, SERVER);
        ask(&tap, "Connect", 1, NULL);
        answer(&tap, "Connect", rows[i].set);
        ask_with(&tap,
                 (struct ask){ .type = "Execute", .counter = 2, .cookies = rows[i].cookies, .path = rows[i].path });
        unit_check(strcmp(scene.log, rows[i].log) == 0, __FILE__, __LINE__, rows[i].set);
        CHECK_STR(scene.log, rows[i].log);
        if (rows[i].words) {
            unit_check(strstr(scene.last_text, rows[i].words) != NULL, __FILE__, __LINE__, scene.last_text);
        }
        CHECK(!strstr(scene.last_text, "session-one-value") && !strstr(scene.last_text, "seq-one-1"));
        scene_end(&scene);
    }
}

/* Whose a cookie is by Domain (RFC 6265 5.1.3, 5.3), ports aside; what is said where none comes back, NULL where the cookie
 * is for another host. Of a host that was not named nobody knows what its cookies are for. */
static void test_cookie_domains(void)
{
    static const struct {
        const char *set_host, *domain, *host, *words;
    } rows[] = {
        { "Host: mail\r\n", "; Domain=mail", "Host: mail\r\n", "by the GUID" },
        { "Host: mail:8443\r\n", "; Domain=MAIL", "Host: mail:8443\r\n", "by the GUID" },
        { "Host: mail.x.test:8443\r\n", "; Domain=x.test", "Host: mail.x.test:8443\r\n", "by the GUID" },
        { "Host: mail.x.test\r\n", "; Domain=.x.test", "Host: owa.x.test\r\n", "by the GUID" },
        { "Host: mail.x.test\r\n", "; Domain=x.test", "Host: owa.y.test\r\n", NULL },
        { "Host: mail.x.test\r\n", "", "Host: owa.x.test\r\n", NULL },
        { "Host: mail.x.test\r\n", "; Domain=", "Host: owa.x.test\r\n", NULL },
        { "Host: a.b\r\n", "; Domain=b", "Host: a.b\r\n", "Domain=b, the request asks a.b" },
        { "Host: mail:8443\r\n", "; Domain=il", "Host: mail:8443\r\n", "Domain=il, the request asks mail:8443" },
        { "Host: a.mail\r\n", "; Domain=mail", "Host: a.mail\r\n", "Domain=mail, the request asks a.mail" },
        { "Host: mail.x.test\r\n", "; Domain=y.test", "Host: mail.x.test\r\n", "client brings it back (RFC 6265 5.3)" },
        { "Host: mail.x.test\r\n", "; Domain=y.test", "", "Domain=y.test, the request asks no host by name" },
        { "", "; Domain=test", "", "by the GUID" },
        { "", "; Domain=x.test", "Host: mail.x.test\r\n", "by the GUID" },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct scene scene;
        struct tap tap;
        char set[100];
        scene_begin(&scene);
        tap_open(&tap, &scene, CLIENT, SERVER);
        for (unsigned n = 1; n < 3; n++) {
            tap_text(&tap, WAY_TO_SERVER,
                     "POST /mapi/emsmdb/ HTTP/1.1\r\n%sContent-Type: application/mapi-http\r\n"
                     "X-RequestType: %s\r\nX-RequestId: " GUID_A ":%u\r\nContent-Length: 0\r\n\r\n",
                     n == 1 ? rows[i].set_host : rows[i].host, n == 1 ? "Connect" : "Execute", n);
            if (n == 1) {
                snprintf(set, sizeof(set), "Set-Cookie: sid=session-one-value%s\r\n", rows[i].domain);
                answer(&tap, "Connect", set);
            }
        }
        CHECK_STR(scene.log, rows[i].words ? "session.cookie_lost:warning@3/0.0" : "");
        unit_check(!rows[i].words || strstr(scene.last_text, rows[i].words), __FILE__, __LINE__, scene.last_text);
        const bool claimed = rows[i].words && strstr(rows[i].words, "client") != NULL;
        CHECK(!rows[i].words || !strstr(rows[i].words, "GUID") || !strstr(scene.last_text, "RFC 6265"));
        CHECK(!claimed || strstr(scene.last_text, "which host devices ask for"));
        scene_end(&scene);
    }
}

static void test_cookies_rotate(void)
{
    struct scene scene;
    struct tap tap, other;
    connected(&scene, &tap);
    tap_open(&other, &scene, "10.0.0.9:50002", SERVER);
    for (unsigned i = 2; i < 40; i++) {
        char set[100], jar[100];
        snprintf(jar, sizeof(jar), "sid=session-one-value; sequence=seq-one-%u", i - 1);
        snprintf(set, sizeof(set), "Set-Cookie: sequence=seq-one-%u; path=/mapi\r\n", i);
        CHECK_INT(ask(&tap, "Execute", i, jar)->session, 0);
        answer(&tap, "Execute", set);
    }
    CHECK_STR(scene.log, "");
    /* A response that is no success may or may not have brought a cookie. */
    ask(&tap, "Execute", 40, "sid=session-one-value; sequence=seq-one-39");
    answer_status(&tap, "503 Service Unavailable", "X-ResponseCode: 0\r\nSet-Cookie: sequence=seq-x; path=/mapi\r\n");
    ask(&tap, "Execute", 41, "sid=session-one-value; sequence=seq-x");
    answer_status(&tap, "503 Service Unavailable", "X-ResponseCode: 0\r\n");
    ask(&tap, "Execute", 42, "sid=session-one-value; sequence=seq-one-39");
    CHECK_STR(scene.log, "");
    answer(&tap, "Execute", NULL);
    /* An old one. */
    ask(&tap, "Execute", 43, "sid=session-one-value; sequence=seq-one-7");
    CHECK_STR(scene.log, "session.cookie_lost:warning@85/0.0");
    CHECK(strstr(scene.last_text, "an older value"));
    answer(&tap, "Execute", NULL);
    /* Not on NotificationWait and Connect. */
    ask(&other, "NotificationWait", 200, "sid=session-one-value");
    ask(&tap, "Connect", 44, "sid=session-one-value");
    CHECK_STR(scene.log, "session.cookie_lost:warning@85/0.0");
    scene_end(&scene);
    /* Set by a NotificationWait: the request beside it may still have the one before. */
    connected(&scene, &tap);
    tap_open(&other, &scene, "10.0.0.9:50002", SERVER);
    ask(&other, "NotificationWait", 200, JAR_1);
    answer(&other, "NotificationWait", "Set-Cookie: sequence=seq-one-2; path=/mapi\r\n");
    ask(&tap, "Execute", 2, JAR_1);
    CHECK_STR(scene.log, "");
    scene_end(&scene);
    /* A response that was not captured, whole or not at all, may have brought others. */
    for (int i = 0; i < 2; i++) {
        connected(&scene, &tap);
        tap_open(&other, &scene, "10.0.0.9:50002", SERVER);
        ask(&tap, "Execute", 2, JAR_1);
        if (i == 1) {
            mapi_conn_lost(tap.conn, scene_frame(&scene), WAY_TO_CLIENT);
        }
        ask(&other, "Execute", 3, "sid=session-one-value; sequence=seq-one-2");
        CHECK_STR(scene.log, "");
        answer(&other, "Execute", "Set-Cookie: sequence=seq-one-3; path=/mapi\r\n");
        if (i == 1) {
            ask(&other, "Execute", 4, "sid=session-one-value; sequence=seq-one-2");
            CHECK_STR(scene.log, "session.cookie_lost:warning@7/0.0");
        }
        scene_end(&scene);
    }
    connected(&scene, &tap);
    tap_open(&other, &scene, "10.0.0.9:50002", SERVER);
    ask(&tap, "Execute", 2, JAR_1);
    tap.seq[WAY_TO_CLIENT] += 500; /* a response, by its sequence numbers */
    tap_fin(&tap, WAY_TO_SERVER);
    tap_fin(&tap, WAY_TO_CLIENT);
    ask(&other, "Execute", 3, "sid=session-one-value; sequence=seq-one-2");
    CHECK_STR(scene.log, "");
    scene_end(&scene);
    /* Nor a request whose response tells of newer ones. */
    connected(&scene, &tap);
    tap_open(&other, &scene, "10.0.0.9:50002", SERVER);
    answer(&other, "Execute",
           "Set-Cookie: sid=session-one-value; path=/mapi\r\n"
           "Set-Cookie: sequence=seq-one-2; path=/mapi\r\n");
    ask(&tap, "Execute", 3, "sid=session-one-value; sequence=seq-one-2");
    CHECK_STR(scene.log, "");
    scene_end(&scene);
    /* Not captured from its start, or a gap. */
    connected(&scene, &tap);
    tap_open_as(&other, &scene, "10.0.0.9:50002", SERVER, false, false);
    ask(&other, "Execute", 2, "sid=session-one-value");
    CHECK_STR(scene.log, "");
    scene_end(&scene);
}

#define LOST_JAR "sid=session-one-value; sequence=nobody-saw-it"

/* A session on two connections, with a success on each; the last one on the first. */
static void two_connections(struct scene *scene, struct tap *tap, struct tap *other)
{
    connected(scene, tap);
    tap_open(other, scene, "10.0.0.9:50002", SERVER);
    ask(other, "Execute", 2, JAR_1);
    answer(other, "Execute", NULL);
    ask(tap, "Execute", 3, JAR_1);
    answer(tap, "Execute", NULL);
}

/* Bytes of both directions that were not captured, and whatever shows it. */
static void lose_exchange(struct tap *tap)
{
    tap->seq[WAY_TO_SERVER] += 700;
    tap->seq[WAY_TO_CLIENT] += 900;
    tap_wire(tap, WAY_TO_SERVER, (struct wire){ .len = 0 });
}

/* A request and its response are both missing: a gap on another connection of the session. */
static void test_cookies_missed(void)
{
    struct scene scene;
    struct tap tap, other, third;
    two_connections(&scene, &tap, &other);
    ask(&tap, "Execute", 4, LOST_JAR);
    CHECK_STR(scene.log, "session.cookie_lost:warning@7/0.0");
    scene_end(&scene);

    two_connections(&scene, &tap, &other);
    lose_exchange(&other);
    ask(&tap, "Execute", 4, LOST_JAR);
    CHECK_STR(scene.log, "");
    scene_end(&scene);
    /* It ended before the next request, ... */
    two_connections(&scene, &tap, &other);
    lose_exchange(&other);
    tap_fin(&other, WAY_TO_SERVER);
    tap_fin(&other, WAY_TO_CLIENT);
    tap_open(&third, &scene, "10.0.0.9:50003", SERVER);
    ask(&third, "Execute", 4, JAR_1);
    answer_status(&third, "401 Unauthorized", "WWW-Authenticate: NTLM\r\n");
    ask(&tap, "Execute", 4, LOST_JAR);
    CHECK_STR(scene.log, "");
    /* ... and before the response that counts from here on. */
    answer(&tap, "Execute", "Set-Cookie: sequence=seq-one-4; path=/mapi\r\n");
    ask(&tap, "Execute", 5, LOST_JAR);
    CHECK_STR(scene.log, "session.cookie_lost:warning@14/0.0");
    scene_end(&scene);
    /* A gap, or a beginning that was not captured, before the request of that response. */
    for (int late = 0; late < 2; late++) {
        connected(&scene, &tap);
        tap_open_as(&other, &scene, "10.0.0.9:50002", SERVER, !late, false);
        ask(&other, "Execute", 2, JAR_1);
        answer(&other, "Execute", NULL);
        if (!late) {
            lose_exchange(&other);
        }
        ask(&tap, "Execute", 3, JAR_1);
        answer(&tap, "Execute", NULL);
        ask(&tap, "Execute", 4, LOST_JAR);
        CHECK_STR(scene.log, late ? "session.cookie_lost:warning@7/0.0" : "session.cookie_lost:warning@8/0.0");
        scene_end(&scene);
    }
    two_connections(&scene, &tap, &other);
    tap_open_as(&third, &scene, "10.0.0.9:50003", SERVER, false, false);
    ask(&third, "Execute", 4, JAR_1);
    answer_status(&third, "401 Unauthorized", "WWW-Authenticate: NTLM\r\n");
    ask(&tap, "Execute", 4, LOST_JAR);
    CHECK_STR(scene.log, "");
    scene_end(&scene);
    /* Another session's gap. */
    two_connections(&scene, &tap, &other);
    tap_open(&third, &scene, "10.0.0.9:50003", SERVER);
    ask_with(&third, (struct ask){ .type = "Connect", .counter = 1, .guid = GUID_B });
    answer(&third, "Connect", "Set-Cookie: sid=session-two-value\r\n");
    lose_exchange(&third);
    ask(&tap, "Execute", 4, LOST_JAR);
    CHECK_STR(scene.log, "session.cookie_lost:warning@10/0.0");
    scene_end(&scene);
}

/* A request that is sent again brings what it brought before, whatever was given since. */
static void test_cookies_again(void)
{
    struct scene scene;
    struct tap tap, other;
    for (unsigned counter = 2; counter < 4; counter++) {
        connected(&scene, &tap);
        tap_open(&other, &scene, "10.0.0.9:50002", SERVER);
        ask(&tap, "Execute", 2, JAR_1);
        answer(&tap, "Execute", "Set-Cookie: sequence=seq-one-2; path=/mapi\r\n");
        ask(&other, "Execute", counter, JAR_1);
        CHECK_STR(scene.log, counter == 2 ? "" : "session.cookie_lost:warning@5/0.0");
        scene_end(&scene);
    }
}

/* One connection has a clock of its own: what was sent there stands too early, or too late. */
static void test_cookies_of_two_clocks(void)
{
    struct scene scene;
    struct tap tap, other;
    scene_begin(&scene); /* before the Connect of its session: that value was given, though nobody knew by whom */
    tap_open(&other, &scene, "10.0.0.9:50002", SERVER);
    ask(&other, "NotificationWait", 1, JAR_1);
    answer(&other, "NotificationWait", "Set-Cookie: sequence=seq-one-2; path=/mapi\r\n");
    tap_open(&tap, &scene, CLIENT, SERVER);
    ask(&tap, "Connect", 1, NULL);
    answer(&tap, "Connect", SET_1);
    ask(&tap, "Execute", 2, "sid=session-one-value; sequence=seq-one-2");
    CHECK_STR(scene.log, "");
    scene_end(&scene);
    connected(&scene, &tap); /* behind a request with a higher counter: what it was given is no newer */
    tap_open(&other, &scene, "10.0.0.9:50002", SERVER);
    ask(&tap, "Execute", 3, "sid=session-one-value; sequence=seq-one-2");
    answer(&tap, "Execute", "Set-Cookie: sequence=seq-one-3; path=/mapi\r\n");
    ask(&other, "Execute", 2, JAR_1);
    answer(&other, "Execute", "Set-Cookie: sequence=seq-one-2; path=/mapi\r\n");
    ask(&tap, "Execute", 4, "sid=session-one-value; sequence=seq-one-3");
    answer(&tap, "Execute", "Set-Cookie: sequence=seq-one-4; path=/mapi\r\n");
    CHECK_STR(scene.log, "");
    ask(&tap, "Execute", 5, JAR_1);
    CHECK_STR(scene.log, "session.cookie_lost:warning@9/0.0");
    scene_end(&scene);
}

/* A counter that skips: the missing request may have been anywhere. */
static void test_counter_skips(void)
{
    struct scene scene;
    struct tap tap, other;
    connected(&scene, &tap);
    ask(&tap, "Execute", 3, LOST_JAR);
    answer(&tap, "Execute", NULL);
    ask(&tap, "Execute", 4, LOST_JAR); /* nobody saw where that value came from */
    answer(&tap, "Execute", NULL);
    CHECK_STR(scene.log, "");
    ask(&tap, "Execute", 5, "sequence=nobody-saw-it"); /* but this one is known */
    CHECK_STR(scene.log, "session.cookie_lost:warning@7/0.0");
    answer(&tap, "Execute", NULL);
    ask(&tap, "Execute", 6, LOST_JAR);
    answer(&tap, "Execute", "Set-Cookie: sequence=seq-one-6; path=/mapi\r\n");
    CHECK_STR(scene.log, "session.cookie_lost:warning@7/0.0");
    ask(&tap, "Execute", 7, LOST_JAR);
    CHECK_STR(scene.log, "session.cookie_lost:warning@7/0.0 session.cookie_lost:warning@11/0.0");
    scene_end(&scene);
    /* Nor is a session lost whose context cookie the client does not send: once it was not known, it may be another. */
    connected(&scene, &tap);
    for (unsigned i = 3; i < 6; i++) {
        ask(&tap, "Execute", i, "sequence=seq-one-1");
        answer_code(&tap, 13, "The request is missing a required cookie.");
    }
    tap_fin(&tap, WAY_TO_SERVER);
    CHECK_STR(scene.log, "response_code.failed:warning@4/0.0 response_code.failed:warning@6/0.0 "
                         "response_code.failed:warning@8/0.0");
    scene_end(&scene);
    /* NotificationWait counts apart, or with the others. */
    for (unsigned wait = 2; wait <= 200; wait += 198) {
        connected(&scene, &tap);
        tap_open(&other, &scene, "10.0.0.9:50002", SERVER);
        ask(&other, "NotificationWait", wait, JAR_1);
        ask(&tap, "Execute", wait == 2 ? 3 : 2, LOST_JAR);
        CHECK_STR(scene.log, ""); /* the wait is not answered yet: it may have been */
        answer(&other, "NotificationWait", NULL);
        answer(&tap, "Execute", NULL);
        ask(&tap, "Execute", wait == 2 ? 4 : 3, LOST_JAR);
        CHECK_STR(scene.log, "session.cookie_lost:warning@7/0.0");
        scene_end(&scene);
    }
    /* They begin anew, with a Connect that was not captured: nobody saw whose cookies these are. */
    connected(&scene, &tap);
    for (unsigned i = 2; i < 6; i++) {
        ask(&tap, "Execute", i, JAR_1);
        answer(&tap, "Execute", NULL);
    }
    ask(&tap, "Execute", 3, "sid=session-new-value; sequence=seq-new-3");
    answer(&tap, "Execute", NULL);
    CHECK_STR(scene.log, "");
    scene_end(&scene);
    /* A resend, and a request without its cookies, are in the capture. */
    connected(&scene, &tap);
    ask(&tap, "Execute", 2, JAR_1);
    answer_status(&tap, "401 Unauthorized", "WWW-Authenticate: NTLM\r\n");
    ask(&tap, "Execute", 2, JAR_1);
    answer(&tap, "Execute", NULL);
    ask(&tap, "Execute", 3, NULL);
    answer(&tap, "Execute", NULL);
    ask(&tap, "Execute", 4, "sid=session-one-value");
    CHECK_STR(scene.log, "session.cookie_lost:warning@7/0.0 session.cookie_lost:warning@9/0.0");
    scene_end(&scene);
}

/* ---- the sequence of requests ----------------------------------------------------------------------- */

static void test_sequence(void)
{
    struct scene scene;
    struct tap tap, other;
    /* Two at a time. */
    connected(&scene, &tap);
    tap_open(&other, &scene, "10.0.0.9:50002", SERVER);
    ask(&tap, "Execute", 2, JAR_1);
    ask(&other, "Execute", 3, JAR_1);
    CHECK_STR(scene.log, "");
    answer(&other, "Execute", NULL);
    CHECK_STR(scene.log, "");
    answer(&tap, "Execute", NULL);
    CHECK_STR(scene.log, "session.sequence_broken:warning@6/0.0");
    CHECK(strstr(scene.last_text, "frame 3, stream 0") && strstr(scene.last_text, "frame 4, stream 1"));
    scene_end(&scene);
    /* The second of them gets code 15: one fault. */
    connected(&scene, &tap);
    tap_open(&other, &scene, "10.0.0.9:50002", SERVER);
    ask(&tap, "Execute", 2, JAR_1);
    ask(&other, "Execute", 3, JAR_1);
    answer_code(&other, 15, "x");
    answer(&tap, "Execute", NULL);
    CHECK_STR(scene.log, "response_code.failed:warning@5/0.0 session.sequence_broken:warning@5/0.0");
    CHECK(strstr(scene.last_text, "code 15") && strstr(scene.last_text, "frame 3"));
    scene_end(&scene);
    /* The same when the first has been answered: told with the second's status, not again with its code. */
    connected(&scene, &tap);
    tap_open(&other, &scene, "10.0.0.9:50002", SERVER);
    ask(&tap, "Execute", 2, JAR_1);
    ask(&other, "Execute", 3, JAR_1);
    answer(&tap, "Execute", NULL);
    answer_code(&other, 15, "x");
    CHECK_STR(scene.log, "session.sequence_broken:warning@6/0.0 response_code.failed:warning@6/0.0");
    scene_end(&scene);
    /* One of them was only a step of the logon; or a NotificationWait; or one after the other. */
    connected(&scene, &tap);
    tap_open(&other, &scene, "10.0.0.9:50002", SERVER);
    ask(&tap, "Execute", 2, JAR_1);
    ask(&other, "Execute", 3, JAR_1);
    answer_status(&other, "401 Unauthorized", "WWW-Authenticate: NTLM\r\n");
    answer(&tap, "Execute", NULL);
    ask(&other, "NotificationWait", 101, JAR_1);
    ask(&tap, "Execute", 4, JAR_1);
    answer(&tap, "Execute", NULL);
    answer(&other, "NotificationWait", NULL);
    ask(&other, "Execute", 5, JAR_1);
    answer(&other, "Execute", NULL);
    CHECK_STR(scene.log, "");
    /* The counter goes back; its own series; a resend; Connect begins anew. */
    ask(&tap, "Execute", 3, JAR_1);
    answer(&tap, "Execute", NULL);
    ask(&tap, "NotificationWait", 102, JAR_1);
    answer(&tap, "NotificationWait", NULL);
    ask(&tap, "Execute", 6, JAR_1);
    answer_status(&tap, "503 Busy", "X-ResponseCode: 0\r\n");
    ask(&tap, "Execute", 7, JAR_1);
    answer(&tap, "Execute", NULL);
    ask(&tap, "Execute", 6, JAR_1);
    answer(&tap, "Execute", NULL);
    CHECK_STR(scene.log, "");
    ask(&tap, "Execute", 5, JAR_1);
    CHECK_STR(scene.log, "session.sequence_broken:warning@23/0.0");
    CHECK(strstr(scene.last_text, "is 5 in Execute (frame 23") && strstr(scene.last_text, "was 7"));
    answer(&tap, "Execute", NULL);
    ask(&tap, "Connect", 1, JAR_1);
    answer(&tap, "Connect", SET_1);
    ask(&tap, "Execute", 2, JAR_1);
    answer(&tap, "Execute", NULL);
    CHECK_STR(scene.log, "session.sequence_broken:warning@23/0.0");
    /* Code 15, by gromox's number and words. */
    ask(&tap, "Execute", 3, JAR_1);
    answer_code(&tap, 7,
                "The request has violated the sequencing requirement of one request at a time per Session "
                "Context.");
    CHECK_STR(scene.log + strlen("session.sequence_broken:warning@23/0.0 "),
              "response_code.failed:warning@30/0.0 session.sequence_broken:warning@30/0.0");
    scene_end(&scene);
}

/* The answer to the first of two had begun before the second was asked. */
static void under_way(struct scene *scene, struct tap *tap, struct tap *other)
{
    connected(scene, tap);
    tap_open(other, scene, "10.0.0.9:50002", SERVER);
    ask(tap, "Execute", 2, JAR_1);
    tap_text(tap, WAY_TO_CLIENT,
             "HTTP/1.1 200 OK\r\nContent-Type: application/mapi-http\r\nX-RequestType: Execute\r\n"
             "X-ResponseCode: 0\r\nTransfer-Encoding: chunked\r\n\r\nc\r\nPROCESSING\r\n\r\n");
    ask(other, "Execute", 3, JAR_1);
}

/* On a leg behind, whose clock differs, all is sent once more, by the device. */
static void test_sequence_behind(void)
{
    struct scene scene;
    struct tap tap, behind;
    for (int device = 0; device < 2; device++) {
        connected(&scene, &tap);
        tap_open(&behind, &scene, device ? "10.0.0.70:50002" : "10.0.0.9:50002", SERVER);
        for (unsigned i = 2; i < 5; i++) {
            ask(&tap, "Execute", i, JAR_1);
            answer(&tap, "Execute", NULL);
        }
        ask(&behind, "Execute", 3, JAR_1);
        CHECK_STR(scene.log, device ? "" : "session.sequence_broken:warning@9/0.0");
        answer(&behind, "Execute", NULL);
        scene.log[0] = '\0';
        ask(&tap, "Execute", 5, JAR_1);
        ask(&behind, "Execute", 6, JAR_1);
        answer(&tap, "Execute", NULL);
        answer(&behind, "Execute", NULL);
        CHECK_STR(scene.log, device ? "" : "session.sequence_broken:warning@14/0.0");
        scene_end(&scene);
    }
}

static void test_sequence_shown(void)
{
    static const char pending[] = "9\r\nPENDING\r\n\r\n", done[] = "8\r\nDONE\r\n\r\n\r\n0\r\n\r\n";
    struct scene scene;
    struct tap tap, other;
    /* Nothing more of it comes: that it was over may have been lost with all that would show it. */
    under_way(&scene, &tap, &other);
    answer(&other, "Execute", NULL);
    ask(&other, "Execute", 4, JAR_1);
    answer(&other, "Execute", NULL);
    CHECK_STR(scene.log, "");
    /* It does, behind the answer to the second; and once more. */
    tap_text(&tap, WAY_TO_CLIENT, "%s", pending);
    CHECK_STR(scene.log, "session.sequence_broken:warning@9/0.0");
    CHECK(strstr(scene.last_text, "Execute (frame 3, stream 0") && strstr(scene.last_text, "(frame 5, stream 1)"));
    tap_text(&tap, WAY_TO_CLIENT, "%s", done);
    CHECK_STR(scene.log, "session.sequence_broken:warning@9/0.0");
    scene_end(&scene);
    /* Before the answer to the second: sure with that. */
    under_way(&scene, &tap, &other);
    tap_text(&tap, WAY_TO_CLIENT, "%s", done);
    CHECK_STR(scene.log, "");
    answer(&other, "Execute", NULL);
    CHECK_STR(scene.log, "session.sequence_broken:warning@7/0.0");
    scene_end(&scene);
}

/* Server objects are those of a context: a later Connect makes another. */
static void test_objects_of_context(void)
{
    struct scene scene;
    struct tap tap;
    connected(&scene, &tap);
    struct mapi_message *request = ask(&tap, "Execute", 2, JAR_1);
    const struct rop_session *first = mapi_conn_rops(tap.conn, request)->session;
    answer(&tap, "Execute", NULL);
    request = ask(&tap, "Execute", 3, JAR_1);
    CHECK(mapi_conn_rops(tap.conn, request)->session == first);
    answer(&tap, "Execute", NULL);
    ask(&tap, "Connect", 4, JAR_1);
    answer(&tap, "Connect", SET_1);
    request = ask(&tap, "Execute", 5, JAR_1);
    CHECK(mapi_conn_rops(tap.conn, request)->session != first);
    scene_end(&scene);
}

int main(void)
{
    test_cookie_lost();
    test_cookies_rotate();
    test_cookies_missed();
    test_cookies_again();
    test_cookies_of_two_clocks();
    test_counter_skips();
    test_sequence();
    test_sequence_behind();
    test_sequence_shown();
    test_objects_of_context();
    transcript_off = true;
    test_cookie_domains();
    transcript_end(__FILE__);
    return unit_end();
}
