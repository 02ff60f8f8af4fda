/* test_mapi_answers.c
 * What answers of MAPI/HTTP say: statuses, codes, sessions that are lost, judged from MS-OXCMAPIHTTP 3.1.5 and 3.2.5.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "mconnected.h"

/* ---- statuses and codes ----------------------------------------------------------------------- */

static void test_statuses(void)
{
    static const struct {
        const char *status, *extra, *words;
        bool told;
        enum verdict_where where;
    } rows[] = {
        { "302 Found", "Location: https://login.example.test/adfs/ls?secret=1\r\n", "login.example.test/adfs/ls", true,
          WHERE_UNKNOWN },
        { "302 Found", "Location: https://mail2.example.test/mapi/emsmdb/?MailboxId=a\r\n", NULL, false, WHERE_NONE },
        { "302 Found", "Location: /my.policy\r\n", "F5, by its redirection", true, WHERE_DEVICE },
        { "401 Unauthorized", "WWW-Authenticate: Negotiate\r\n", NULL, false, WHERE_NONE },
        { "401 Unauthorized", NULL, "how to log on", true, WHERE_UNKNOWN },
        { "403 Forbidden", "Server: nginx\r\n", "is served at that address", true, WHERE_UNKNOWN },
        { "404 Not Found", "Server: Microsoft-HTTPAPI/2.0\r\n", "is served at that address", true, WHERE_UNKNOWN },
        { "404 Not Found", "X-CasErrorCode: UserNotFound\r\n", "X-CasErrorCode: UserNotFound", true, WHERE_SERVER },
        { "456 x", "X-BEServer: EX1\r\n", "the account", true, WHERE_SERVER },
        { "502 Bad Gateway", "Server: Microsoft-IIS/10.0\r\n", "by a gateway", true, WHERE_DEVICE },
        { "405 Method Not Allowed", NULL, "is served at that address", true, WHERE_UNKNOWN },
        { "407 Proxy Authentication Required", "Proxy-Authenticate: Basic realm=\"x\"\r\n", "", false, WHERE_NONE },
        { "413 Too Large", NULL, "larger", true, WHERE_UNKNOWN },
        { "417 Expectation Failed", NULL, "100-continue", true, WHERE_UNKNOWN },
        { "429 Too Many Requests", NULL, "too many", true, WHERE_UNKNOWN },
        { "500 Internal Server Error", "X-FEServer: EX1\r\nX-FailureContext: FrontEnd;500;QQ==;\r\n",
          "written by Exchange's front end", true, WHERE_SERVER },
        { "503 Service Unavailable", NULL, "nobody was there", true, WHERE_UNKNOWN },
        { "200 OK", "Content-Type: text/html\r\n", "text/html and no X-ResponseCode", true, WHERE_UNKNOWN }
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct scene scene;
        struct tap tap;
        connected(&scene, &tap);
        ask(&tap, "Execute", 2, JAR_1);
        answer_status(&tap, rows[i].status, rows[i].extra);
        CHECK_STR(scene.log, rows[i].told ? "http.failed:warning@4/0.0" : "");
        if (rows[i].told) {
            unit_check(strstr(scene.last_text, rows[i].words) != NULL, __FILE__, __LINE__, scene.last_text);
            unit_check(scene.where == rows[i].where, __FILE__, __LINE__, scene.last_text);
            CHECK(!strstr(scene.last_text, "secret"));
        }
        scene_end(&scene);
    }
}

/* Where nothing shows that the path is served. */
static void test_unserved(void)
{
    static const char *const rows[][2] = { { "403 Forbidden", "not published" },
                                           { "404 Not Found", "not published or not served" },
                                           { "405 Method Not Allowed", "the method is not allowed" } };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct scene scene;
        struct tap tap;
        scene_begin(&scene);
        tap_open(&tap, &scene, CLIENT, SERVER);
        ask(&tap, "Connect", 1, NULL);
        answer_status(&tap, rows[i][0], NULL);
        unit_check(strstr(scene.last_text, rows[i][1]) != NULL, __FILE__, __LINE__, scene.last_text);
        scene_end(&scene);
    }
}

/* Back to what was asked for: the third in a row is told, once, unless something else came between. */
static void test_circles(void)
{
    static const char back[] = "Location: /mapi/emsmdb/?MailboxId=a\r\n",
                      other[] = "Location: https://elsewhere.test/mapi/emsmdb/\r\n",
                      nspi[] = "Location: /mapi/nspi/\r\n";
    static const struct {
        const char *status[4], *location[4], *log;
    } rows[] = {
        { { "302 x", "302 x", "302 x", "302 x" }, { back, back, back, back }, "http.failed:warning@6/-1.0" },
        { { "301 x", "401 x", "308 x", "307 x" },
          { back, "WWW-Authenticate: NTLM\r\n", back, back },
          "http.failed:warning@8/-1.0" },
        { { "302 x", "302 x", "302 x", "302 x" }, { back, back, other, back }, "" },
        { { "302 x", "302 x", "302 x", "302 x" }, { back, back, nspi, back }, "" },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct scene scene;
        struct tap tap;
        scene_begin(&scene);
        tap_open(&tap, &scene, CLIENT, SERVER);
        for (int step = 0; step < 4; step++) {
            ask(&tap, "Connect", 1, NULL);
            answer_status(&tap, rows[i].status[step], rows[i].location[step]);
        }
        CHECK_STR(scene.log, rows[i].log);
        if (rows[i].log[0]) {
            CHECK(strstr(scene.last_text, "leads in a circle") && strstr(scene.last_text, "the third in a row"));
        }
        scene_end(&scene);
    }
}

/* Every status, after a wait that is no sign of anything: which are told, and in what words. 304
 * (no body, RFC 9110 15.4.5) and steps of a logon are not. */
static void test_every_status(void)
{
    static const unsigned quiet[] = { 304, 401, 407 };
    for (unsigned status = 201; status < 600; status += status < 309 || status >= 399 ? 1 : 90) {
        if (status > 207 && status < 300) {
            continue;
        }
        struct scene scene;
        struct tap tap;
        connected(&scene, &tap);
        ask(&tap, "Execute", 2, JAR_1);
        scene_wait(&scene, 0.5);
        tap_text(&tap, WAY_TO_CLIENT, "HTTP/1.1 %u x\r\nWWW-Authenticate: NTLM\r\nContent-Length: 0\r\n\r\n", status);
        CHECK_STR(scene.log, status < 300 || status == quiet[0] || status == quiet[1] || status == quiet[2] ?
                                 "" :
                                 "http.failed:warning@4/0.0");
        transcript_off = true;
        scene_end(&scene);
        transcript_off = false;
    }
    /* How long the device waited tells: round times are its limits. */
    static const double waits[] = { 1,  9.4, 9.6, 10, 14.4, 14.6, 15,  15.4, 15.6,
                                    29, 30,  60,  61, 90.2, 117,  120, 300,  333 };
    for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
        struct scene scene;
        struct tap tap;
        connected(&scene, &tap);
        ask(&tap, "NotificationWait", 2, JAR_1);
        scene.frame_ns = 0;
        scene_wait(&scene, waits[i]);
        answer_status(&tap, i % 2 ? "504 x" : "502 x", "Server: nginx\r\n");
        scene_end(&scene);
    }
}

/* A gap in the body takes back nothing that the head said. */
static void test_page_lost(void)
{
    static const struct {
        const char *status, *log;
    } rows[] = {
        { "503 Service Unavailable", "http.failed:warning@6/0.0" },
        { "200 OK\r\nX-ResponseCode: 6", "response_code.failed:warning@6/0.0" },
        { "200 OK\r\nX-ResponseCode: 0", "" },
        { "401 Unauthorized\r\nWWW-Authenticate: NTLM", "" },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct scene scene;
        struct tap tap;
        connected(&scene, &tap);
        ask(&tap, "Execute", 2, JAR_1);
        tap_text(&tap, WAY_TO_CLIENT, "HTTP/1.1 %s\r\nContent-Length: 100\r\n\r\npage", rows[i].status);
        CHECK_STR(scene.log, "");
        mapi_conn_lost(tap.conn, scene_frame(&scene), WAY_TO_CLIENT);
        tap_bytes(&tap, WAY_TO_SERVER, "", 0);
        CHECK_STR(scene.log, rows[i].log);
        CHECK_INT(strstr(scene.last_text, "in frame 4, the rest of which the capture lacks") != NULL,
                  rows[i].log[0] != '\0');
        scene_end(&scene);
    }
}

static void test_statuses_more(void)
{
    struct scene scene;
    struct tap tap;
    /* A Kerberos token above 12 KB. */
    static char header[13100];
    connected(&scene, &tap);
    snprintf(header, sizeof(header), "Authorization: Negotiate %13000s\r\n", "");
    memset(header + 25, 'Y', 13000);
    ask_with(&tap, (struct ask){ .type = "Execute", .counter = 2, .cookies = JAR_1, .extra = header });
    answer_status(&tap, "400 Bad Request", "Server: Microsoft-HTTPAPI/2.0\r\n");
    CHECK_STR(scene.log, "http.failed:warning@4/0.0");
    CHECK(strstr(scene.last_text, "Kerberos token is too large") && strstr(scene.last_text, "13010 characters"));
    CHECK(!strstr(scene.last_text, "YYYY"));
    scene_end(&scene);
    /* A device's time-out after a round time. */
    connected(&scene, &tap);
    ask(&tap, "NotificationWait", 2, JAR_1);
    scene_wait(&scene, 60.1);
    answer_status(&tap, "504 Gateway Time-out", NULL);
    CHECK_STR(scene.log, "http.failed:warning@4/0.0");
    CHECK(strstr(scene.last_text, "gave up waiting") && strstr(scene.last_text, "60.1 s"));
    scene_end(&scene);
    /* Another path on the same connection is no matter of ours. */
    connected(&scene, &tap);
    tap_text(&tap, WAY_TO_SERVER, "GET /owa/ HTTP/1.1\r\nHost: mail\r\n\r\n");
    CHECK(tap.last[WAY_TO_SERVER] == NULL);
    answer_status(&tap, "404 Not Found", NULL);
    CHECK(tap.last[WAY_TO_CLIENT] == NULL);
    CHECK_STR(scene.log, "");
    CHECK_INT(ask(&tap, "Execute", 2, JAR_1)->session, 0);
    CHECK_INT(answer(&tap, "Execute", NULL)->request_frame, 5);
    scene_end(&scene);
}

static void test_codes(void)
{
    struct scene scene;
    struct tap tap;
    char expected[120];
    /* Each code of the specification with its name; 14 is ignored. */
    for (unsigned code = 1; code <= 19; code++) {
        scene_begin(&scene);
        tap_open(&tap, &scene, CLIENT, SERVER);
        ask(&tap, "Connect", 1, NULL);
        struct mapi_message *message = answer_code(&tap, code, "No words of the specification.");
        CHECK(message->has_code && message->code == code);
        snprintf(expected, sizeof(expected), "%s%s", code == 14 ? "" : "response_code.failed:warning@2/-1.0",
                 code == 15 ? " session.sequence_broken:warning@2/-1.0" : "");
        CHECK_STR(scene.log, expected);
        scene_end(&scene);
    }
    /* gromox: the sentence is right, the number another one. */
    scene_begin(&scene);
    tap_open(&tap, &scene, CLIENT, SERVER);
    ask(&tap, "Connect", 1, NULL);
    answer_code(&tap, 3, "The request has a missing required header.");
    CHECK_STR(scene.log, "response_code.failed:warning@2/-1.0");
    CHECK(strstr(scene.last_text, "X-ResponseCode 3 (Invalid Path)") && strstr(scene.last_text, "Missing Header (7)") &&
          strstr(scene.last_text, "\"The request has a missing required header.\""));
    scene_end(&scene);
    /* A second X-ResponseCode overrides the first (3.2.5.2). */
    connected(&scene, &tap);
    ask(&tap, "Execute", 2, JAR_1);
    tap_text(&tap, WAY_TO_CLIENT,
             "HTTP/1.1 200 OK\r\nContent-Type: application/mapi-http\r\nX-ResponseCode: 0\r\n"
             "Content-Length: 42\r\n\r\nPROCESSING\r\nDONE\r\nX-ResponseCode: 1\r\n\r\nabc");
    CHECK_INT(tap.last[WAY_TO_CLIENT]->code, 1);
    CHECK_STR(scene.log, "response_code.failed:warning@4/0.0");
    scene_end(&scene);
}

/* ---- lost sessions ------------------------------------------------------------------------------ */

static void test_lost(void)
{
    struct scene scene;
    struct tap tap;
    struct session_row row;
    /* Idle below X-ExpirationInfo; the next request is no Connect. */
    connected(&scene, &tap);
    scene_wait(&scene, 20);
    ask(&tap, "Execute", 2, JAR_1);
    answer_code(&tap, 10, "The Session Context is not found.");
    CHECK_STR(scene.log, "response_code.failed:warning@4/0.0");
    CHECK(mapi_state_row(scene.world, 0, &row));
    CHECK_INT(row.verdict.kind, V_SESSION_LOST);
    CHECK_INT(row.verdict.frame, 4);
    CHECK_STR(row.ended, "lost (frame 4)");
    scene_wait(&scene, 11);
    ask(&tap, "Execute", 3, JAR_1);
    CHECK_STR(scene.log, "response_code.failed:warning@4/0.0 session.lost:error@5/0.0");
    CHECK(strstr(scene.last_text, "20.0 s") && strstr(scene.last_text, "900.0 s"));
    CHECK(strstr(scene.last_text, "frame 4") != NULL);
    CHECK(!strstr(scene.last_text, "session-one-value"));
    /* It works again, and is refused again: alive. */
    answer(&tap, "Execute", NULL);
    ask(&tap, "Execute", 4, JAR_1);
    answer_code(&tap, 6, "The request has an invalid session context cookie.");
    CHECK(strstr(scene.log, "session.lost:error@8/0.0") != NULL);
    CHECK(strstr(scene.last_text, "proven") && strstr(scene.last_text, "frame 6"));
    CHECK(scene.where == WHERE_DEVICE && scene.where_seen);
    scene_end(&scene);

    /* The end of the connection does not decide: the client may connect anew on another. Time does. */
    connected(&scene, &tap);
    ask(&tap, "Execute", 2, JAR_1);
    answer_code(&tap, 13, "x");
    tap_fin(&tap, WAY_TO_SERVER);
    CHECK_STR(scene.log, "response_code.failed:warning@4/0.0");
    scene_wait(&scene, 11);
    tap_fin(&tap, WAY_TO_CLIENT);
    CHECK_STR(scene.log, "response_code.failed:warning@4/0.0 session.lost:error@6/0.0");
    scene_end(&scene);

    /* A client that connects anew. */
    connected(&scene, &tap);
    ask(&tap, "Execute", 2, JAR_1);
    answer_code(&tap, 10, "x");
    ask(&tap, "Connect", 3, JAR_1);
    CHECK_STR(scene.log, "response_code.failed:warning@4/0.0 session.expired:note@5/0.0");
    answer(&tap, "Connect", SET_2);
    CHECK(mapi_state_row(scene.world, 0, &row));
    CHECK_STR(row.ended, "");
    scene_end(&scene);

    /* After its time. */
    connected(&scene, &tap);
    scene_wait(&scene, 1000);
    ask(&tap, "Execute", 2, JAR_1);
    answer_code(&tap, 10, "x");
    CHECK_STR(scene.log, "response_code.failed:warning@4/0.0 session.expired:note@4/0.0");
    CHECK(strstr(scene.last_text, "1000.0 s"));
    scene_end(&scene);

    /* Meanwhile the clock is set back by 400 s, which its own frames do not show. */
    struct tap other;
    connected(&scene, &tap);
    scene_wait(&scene, 500);
    tap_open(&other, &scene, "10.0.0.8:50001", SERVER);
    ask_with(&other, (struct ask){ .type = "PING", .counter = 1, .guid = GUID_B });
    scene_wait(&scene, -400);
    answer(&other, "PING", NULL);
    scene_wait(&scene, 500);
    ask(&tap, "Execute", 2, JAR_1);
    answer_code(&tap, 10, "x");
    CHECK_STR(scene.log, "response_code.failed:warning@6/0.0 session.expired:note@6/0.0");
    CHECK(strstr(scene.last_text, "1000.0 s"));
    scene_end(&scene);

    /* A NotificationWait under way keeps it alive. */
    connected(&scene, &tap);
    tap_open(&other, &scene, "10.0.0.9:50002", SERVER);
    ask(&other, "NotificationWait", 101, JAR_1);
    scene_wait(&scene, 1000);
    ask(&tap, "Execute", 2, JAR_1);
    answer_code(&tap, 10, "x");
    tap_fin(&tap, WAY_TO_SERVER);
    CHECK_STR(scene.log, "response_code.failed:warning@5/0.0");
    scene_wait(&scene, 11);
    tap_fin(&other, WAY_TO_SERVER);
    CHECK(strstr(scene.log, "session.lost:error@7/0.0") != NULL);
    scene_end(&scene);

    /* How long it lives was never told: only the Connect tells. */
    for (int connects = 0; connects < 2; connects++) {
        scene_begin(&scene);
        tap_open(&tap, &scene, CLIENT, SERVER);
        ask(&tap, "Connect", 1, NULL);
        answer_with(&tap, (struct answer){ .type = "Connect", .set = SET_1 });
        ask(&tap, "Execute", 2, JAR_1);
        answer_code(&tap, 10, "x");
        ask(&tap, connects ? "Connect" : "Execute", 3, JAR_1);
        CHECK_STR(scene.log, connects ? "response_code.failed:warning@4/0.0 session.expired:note@5/0.0" :
                                        "response_code.failed:warning@4/0.0");
        scene_end(&scene);
    }

    /* Released, another code, or not captured from its start: nothing is lost. */
    connected(&scene, &tap);
    ask(&tap, "Disconnect", 2, JAR_1);
    answer(&tap, "Disconnect", NULL);
    CHECK_INT(ask(&tap, "Execute", 3, JAR_1)->session, NO_NUMBER);
    answer_code(&tap, 10, "x");
    tap_fin(&tap, WAY_TO_SERVER);
    CHECK_STR(scene.log, "response_code.failed:warning@6/-1.0");
    scene_end(&scene);
    connected(&scene, &tap);
    ask(&tap, "Execute", 2, JAR_1);
    answer_code(&tap, 12, "x");
    tap_fin(&tap, WAY_TO_SERVER);
    CHECK_STR(scene.log, "response_code.failed:warning@4/0.0");
    scene_end(&scene);
    connected(&scene, &tap);
    tap_open_as(&other, &scene, "10.0.0.9:50002", SERVER, false, false);
    ask(&other, "Execute", 2, JAR_1);
    answer_code(&other, 10, "x");
    tap_fin(&other, WAY_TO_SERVER);
    CHECK_STR(scene.log, "response_code.failed:warning@4/0.0");
    CHECK(mapi_state_row(scene.world, 0, &row));
    CHECK_STR(row.verdict.cannot_tell, "stream 1: no SYN captured");
    scene_end(&scene);
}

/* Of which host it is, ports aside; to TLS from clear text only where the client comes back in clear text, within 5 s. */
static void test_circle_hosts(void)
{
    static const struct {
        bool tls;
        const char *host, *location;
        double wait;
        unsigned told; /* the redirection that is told, 0: none */
    } rows[] = {
        { true, "Host: mail.x.test\r\n", "https://mail.x.test/mapi/emsmdb/?MailboxId=a", 60, 3 },
        { true, "Host: mail.x.test:443\r\n", "https://MAIL.x.test/mapi/emsmdb/", 60, 3 },
        { true, "Host: mail.x.test\r\n", "HTTPS://mail.x.test:444/mapi/emsmdb/", 0,
          0 }, /* another port, another place */
        { true, "Host: mail.x.test:444\r\n", "https://mail.x.test:444/mapi/emsmdb/", 60, 3 },
        { true, "Host: mail.x.test\r\n", "http://mail.x.test/mapi/emsmdb/", 60, 3 },
        { true, "Host: mail.x.test\r\n", "https://mail.x.tes/mapi/emsmdb/", 0, 0 },
        { true, "Host: mail.x.test\r\n", "https://mail.x.test/mapi/nspi/", 0, 0 },
        { true, "Host: mail.x.test\r\n", "https://mail.x.test/owa/", 0, 1 }, /* a page: no circle, told at once */
        { true, "Host: [fe80::1]:443\r\n", "https://[fe80::1]/mapi/emsmdb/", 60, 3 },
        { true, "Host: [fe80::1]\r\n", "https://[fe80::2]/mapi/emsmdb/", 0, 0 },
        { true, "", "https://mail.x.test/mapi/emsmdb/", 0, 0 },
        { true, "", "https://:443/mapi/emsmdb/", 0, 0 }, /* neither names one */
        { true, "Host: m\r\n", "https://m/mapi/emsmdb/", 0, 3 },
        { true, "", "/mapi/emsmdb/", 0, 3 },
        { false, "Host: mail.x.test\r\n", "http://mail.x.test/mapi/emsmdb/", 60, 3 },
        { false, "Host: mail.x.test\r\n", "https://mail.x.test/mapi/emsmdb/", 4.999, 4 },
        { false, "Host: mail.x.test\r\n", "https://mail.x.test/mapi/emsmdb/", 5, 0 },
        { false, "Host: mail.x.test\r\n", "https://mail.y.test/mapi/emsmdb/", 1, 0 },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct scene scene;
        struct tap tap;
        scene_begin(&scene);
        tap_open_as(&tap, &scene, CLIENT, SERVER, true, rows[i].tls);
        for (unsigned n = 1; n <= 5; n++) {
            char location[100];
            tap_text(&tap, WAY_TO_SERVER,
                     "POST /mapi/emsmdb/ HTTP/1.1\r\n%sContent-Type: application/mapi-http\r\n"
                     "X-RequestType: Connect\r\nX-RequestId: " GUID_A ":1\r\nContent-Length: 0\r\n\r\n",
                     rows[i].host);
            snprintf(location, sizeof(location), "Location: %s\r\n", rows[i].location);
            answer_status(&tap, "302 Found", location);
            if (n == rows[i].told) {
                CHECK_INT(strstr(scene.last_text, "the third in a row") != NULL, n > 1);
            }
            const bool told = scene.log[0] != '\0';
            unit_check(told == (rows[i].told && n >= rows[i].told), __FILE__, __LINE__, rows[i].location);
            scene_wait(&scene, rows[i].wait);
        }
        scene_end(&scene);
    }
}

/* A logon at a proxy is a step on the way, too; what is served, or fails otherwise, is none. Told once, however often it goes on. */
static void test_circle_steps(void)
{
    static const char back[] = "Location: /mapi/emsmdb/\r\n";
    static const struct {
        const char *status, *extra;
        bool told;
    } rows[] = { { "302 Found", back, true },
                 { "407 x", "Proxy-Authenticate: NTLM\r\n", true },
                 { "302 Found", "Location: /owa/\r\n", false },
                 { "404 Not Found", back, false } };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct scene scene;
        struct tap tap;
        scene_begin(&scene);
        tap_open(&tap, &scene, CLIENT, SERVER);
        for (unsigned n = 0; n < 4; n++) {
            ask(&tap, "Connect", 1, NULL);
            answer_status(&tap, n == 2 ? rows[i].status : "302 Found", n == 2 ? rows[i].extra : back);
        }
        CHECK_INT(strstr(scene.last_text, "the third in a row") != NULL, rows[i].told);
        for (unsigned n = 0; i == 0 && n < 300; n++) {
            scene.log[0] = '\0';
            ask(&tap, "Connect", 1, NULL);
            answer_status(&tap, "302 Found", back);
            CHECK_STR(scene.log, "");
        }
        scene_end(&scene);
    }
}

/* The same context works again: told at once, and no Connect makes it an expired one. Not of another user, whom the server
 * refuses whoever has the context, nor where the request that succeeds was sent before the refusal. */
static void test_works_again(void)
{
    static const char bob[] = "Authorization: Basic Ym9iOng=\r\n", alice[] = "Authorization: Basic YWxpY2U6eA==\r\n";
    for (int what = 0; what < 3; what++) {
        struct scene scene;
        struct tap tap, other;
        scene_begin(&scene);
        tap_open(&tap, &scene, CLIENT, SERVER);
        ask_with(&tap, (struct ask){ .type = "Connect", .counter = 1, .extra = alice });
        answer(&tap, "Connect", SET_1);
        tap_open(&other, &scene, "10.0.0.9:50002", SERVER);
        if (what == 2) {
            ask_with(&other,
                     (struct ask){ .type = "NotificationWait", .counter = 101, .cookies = JAR_1, .extra = alice });
        }
        ask_with(&tap,
                 (struct ask){ .type = "Execute", .counter = 2, .cookies = JAR_1, .extra = what == 1 ? bob : alice });
        answer_code(&tap, 10, "x");
        if (what < 2) {
            ask_with(&other, (struct ask){ .type = "Execute", .counter = 3, .cookies = JAR_1, .extra = alice });
        }
        answer(&other, what < 2 ? "Execute" : "NotificationWait", NULL);
        CHECK(!strstr(scene.log, "session.lost") == (what > 0));
        if (what == 0) {
            CHECK(strstr(scene.last_text, "worked again in frame 6") &&
                  !strstr(scene.last_text, "dropped the context"));
            CHECK(scene.where == WHERE_DEVICE);
        }
        ask_with(&tap, (struct ask){ .type = "Connect", .counter = 4, .cookies = JAR_1, .extra = alice });
        CHECK(!strstr(scene.log, "session.expired") == (what < 2));
        if (what == 1) {
            CHECK(strstr(scene.last_text, "credentials are of bob") && scene.where == WHERE_UNKNOWN);
        }
        scene_end(&scene);
    }
}

static void test_back_end(void)
{
    struct scene scene;
    struct tap tap;
    scene_begin(&scene);
    tap_open(&tap, &scene, CLIENT, SERVER);
    ask(&tap, "Connect", 1, NULL);
    const struct answer first = {
        .type = "Connect",
        .set = SET_1,
        .extra = "X-ExpirationInfo: 900000\r\n"
                 "X-CalculatedBETarget: EX1.example.test\r\nX-BEServer: EX1\r\nX-FEServer: FE1\r\n"
    };
    answer_with(&tap, first);
    /* The same by its first label, another front end. */
    ask(&tap, "Execute", 2, JAR_1);
    answer_with(&tap,
                (struct answer){ .type = "Execute", .extra = "X-CalculatedBETarget: ex1\r\nX-FEServer: FE2\r\n" });
    CHECK_STR(scene.log, "");
    ask(&tap, "Execute", 3, JAR_1);
    answer_with(&tap,
                (struct answer){ .type = "Execute", .extra = "X-CalculatedBETarget: EX2\r\nX-FEServer: FE2\r\n" });
    CHECK_STR(scene.log, "session.backend_changed.chat:chat@6/0.0");
    CHECK(strstr(scene.last_text, "EX2") && strstr(scene.last_text, "it was ex1 in frame 4"));
    struct session_row row;
    CHECK(mapi_state_row(scene.world, 0, &row));
    CHECK_STR(row.front_ends, "FE1, FE2");
    CHECK_STR(row.back_ends, "EX1.example.test, ex1, EX2");
    /* Refused for its context there: a warning, and lost at once. */
    ask(&tap, "Execute", 4, JAR_1);
    tap_text(&tap, WAY_TO_CLIENT,
             "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nX-ResponseCode: 10\r\n"
             "X-CalculatedBETarget: EX3\r\nContent-Length: 1\r\n\r\nx");
    CHECK_STR(scene.log + strlen("session.backend_changed.chat:chat@6/0.0 "),
              "response_code.failed:warning@8/0.0 session.backend_changed:warning@8/0.0 session.lost:error@8/0.0");
    CHECK(strstr(scene.last_text, "EX3") && strstr(scene.last_text, "EX2"));
    scene_end(&scene);
}

int main(void)
{
    test_statuses();
    test_page_lost();
    test_statuses_more();
    test_unserved();
    test_circles();
    test_every_status();
    test_codes();
    test_lost();
    test_works_again();
    test_back_end();
    transcript_off = true;
    test_circle_hosts();
    test_circle_steps();
    transcript_end(__FILE__);
    return unit_end();
}
