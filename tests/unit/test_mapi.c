/* test_mapi.c
 * Sessions of MAPI/HTTP and their verdicts, judged from MS-OXCMAPIHTTP 3.1.5 and 3.2.5.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "envelope.h"
#include "mscene.h"
#include "objects.h"

#define SET_1 "Set-Cookie: sid=session-one-value; path=/mapi\r\nSet-Cookie: sequence=seq-one-1; path=/mapi\r\n"
#define SET_2 "Set-Cookie: sid=session-two-value; path=/mapi\r\nSet-Cookie: sequence=seq-two-1; path=/mapi\r\n"
#define JAR_1 "sid=session-one-value; sequence=seq-one-1"
#define JAR_2 "sid=session-two-value; sequence=seq-two-1"
#define CLIENT "10.0.0.9:50001"
#define SERVER "10.0.0.80:443"

/* A connection with a session on it. */
static void connected(struct scene *scene, struct tap *tap)
{
    scene_begin(scene);
    tap_open(tap, scene, CLIENT, SERVER);
    ask(tap, "Connect", 1, NULL);
    answer(tap, "Connect", SET_1);
}

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

static void processing(struct tap *tap)
{
    tap_text(tap, WAY_TO_CLIENT,
             "HTTP/1.1 200 OK\r\nContent-Type: application/mapi-http\r\n"
             "X-RequestType: NotificationWait\r\n"
             "X-ResponseCode: 0\r\nX-PendingPeriod: 30000\r\nTransfer-Encoding: chunked\r\n\r\n"
             "c\r\nPROCESSING\r\n\r\n");
}

static void waiting(struct tap *tap)
{
    ask(tap, "NotificationWait", 101, JAR_1);
    processing(tap);
}

static void pending(struct tap *tap)
{
    tap_text(tap, WAY_TO_CLIENT, "9\r\nPENDING\r\n\r\n");
}

static void done(struct tap *tap, unsigned elapsed)
{
    char text[200];
    int len = snprintf(text, sizeof(text), "DONE\r\nX-ElapsedTime: %u\r\n\r\n", elapsed);
    char body[300];
    int head = snprintf(body, sizeof(body), "%x\r\n%s", len + 8, text);
    memset(body + head, 0, 8);
    memcpy(body + head + 8, "\r\n0\r\n\r\n", 7);
    tap_bytes(tap, WAY_TO_CLIENT, body, (size_t)head + 15);
}

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
        { "401 Unauthorized", "WWW-Authenticate: Negotiate\r\n", NULL, false, WHERE_NONE },
        { "403 Forbidden", "Server: nginx\r\n", "not published", true, WHERE_UNKNOWN },
        { "404 Not Found", "Server: Microsoft-HTTPAPI/2.0\r\n", "not served", true, WHERE_UNKNOWN },
        { "404 Not Found", "X-CasErrorCode: UserNotFound\r\n", "X-CasErrorCode: UserNotFound", true, WHERE_SERVER },
        { "456 x", "X-BEServer: EX1\r\n", "the account", true, WHERE_SERVER },
        { "502 Bad Gateway", "Server: Microsoft-IIS/10.0\r\n", "by a gateway", true, WHERE_DEVICE },
        { "405 Method Not Allowed", NULL, "method", true, WHERE_UNKNOWN },
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
        tap_text(&tap, WAY_TO_CLIENT, "HTTP/1.1 %u x\r\nContent-Length: 0\r\n\r\n", status);
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
        { "401 Unauthorized", "" },
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
    answer_status(&third, "401 Unauthorized", NULL);
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
    answer_status(&third, "401 Unauthorized", NULL);
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
    answer_status(&tap, "401 Unauthorized", NULL);
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
    answer_status(&other, "401 Unauthorized", NULL);
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

/* ---- ends --------------------------------------------------------------------------------------------- */

/* Why a row cannot tell, by what is missing from the capture. */
static void test_rows_tell_doubt(void)
{
    static const struct {
        struct conn_past past;
        struct wire wire;
        uint32_t skip;
        const char *text;
    } rows[] = { { { .syn = true, .syn_ack = true, .has_next = true }, { 0 }, 0, NULL },
                 { { 0 }, { 0 }, 0, "stream 0: no SYN captured" },
                 { { .syn = true }, { 0 }, 0, "stream 0: one direction only" },
                 { { .syn_ack = true }, { 0 }, 0, "stream 0: one direction only" },
                 { { .syn = true, .syn_ack = true, .gap = true, .has_next = true },
                   { 0 },
                   0,
                   "stream 0: gap before its first request" },
                 { { .syn = true, .syn_ack = true, .has_next = true }, { 0 }, 10, "stream 0: gap before frame 3" },
                 { { .syn = true, .syn_ack = true, .has_next = true },
                   { .bytes = "ab", .len = 2, .cut = true, .again = true },
                   0,
                   "stream 0: frame 3 not captured whole" },
                 { { .syn = true, .syn_ack = true, .has_next = true },
                   { .bytes = "ab", .len = 2, .opaque = true, .again = true },
                   0,
                   "stream 0: not decrypted from frame 3 on" } };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct scene scene;
        struct tap tap;
        struct session_row row;
        scene_begin(&scene);
        tap_open_past(&tap, &scene, CLIENT, SERVER, rows[i].past);
        ask(&tap, "Connect", 1, NULL);
        answer(&tap, "Connect", SET_1);
        tap.seq[WAY_TO_CLIENT] += rows[i].skip;
        tap_wire(&tap, WAY_TO_CLIENT, rows[i].wire);
        ask(&tap, "Execute", 2, JAR_1);
        tap_rst(&tap, WAY_TO_CLIENT);
        CHECK(mapi_state_row(scene.world, 0, &row));
        CHECK_STR(row.verdict.cannot_tell, rows[i].text);
        CHECK_STR(scene.log, rows[i].text ? "" : "request.unanswered:note@5/0.0");
        scene_end(&scene);
    }
}

/* What the server says to a Connect, in the words of a hint each. */
static void test_connect_hints(void)
{
    static const struct {
        uint32_t error;
        const char *hint;
    } rows[] = { { 0x3EB, "does not know the mailbox" },
                 { 0x3F2, "may not log on" },
                 { 0x80070005, "may not log on" },
                 { 0x478, "on another server" },
                 { 0x480, "too busy" },
                 { 0x4DF, "version is not allowed" },
                 { 0x80040110, "version is not allowed" },
                 { 0x4E0, "protocol is disabled" },
                 { 0x7D8, "protocol is disabled" },
                 { 0x970, "wants encryption" },
                 { 0x3EC, "refused the logon" },
                 { 0x3F1, "refused the logon" } };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct scene scene;
        struct tap tap;
        scene_begin(&scene);
        tap_open(&tap, &scene, CLIENT, SERVER);
        ask(&tap, "Connect", 1, NULL);
        answer_with(&tap, (struct answer){ .type = "Connect", .error = rows[i].error });
        CHECK_STR(scene.log, "connect.failed:warning@2/-1.0");
        CHECK(strstr(scene.last_text, rows[i].hint));
        scene_end(&scene);
    }
}

/* What a page says counts more than a number that each server gives its own meaning. */
static void test_sentences(void)
{
    static const struct {
        const char *words;
        unsigned code; /* of the specification (2.2.3.3.3), 99: as sent */
    } rows[] = { { "The SESSION Context Cookie is bad", 6 },
                 { "bad context cookie", 6 },
                 { "A required cookie is gone", 13 },
                 { "missing cookie", 13 },
                 { "A required header", 7 },
                 { "Missing Header", 7 },
                 { "invalid verb", 2 },
                 { "invalid path", 3 },
                 { "bad RequestType", 5 },
                 { "request type", 5 },
                 { "invalid header", 4 },
                 { "anonymous not allowed", 8 },
                 { "too large", 9 },
                 { "The context is not found", 10 },
                 { "context not found", 10 },
                 { "no privilege", 11 },
                 { "The request body is invalid", 12 },
                 { "invalid request body", 12 },
                 { "sequencing requirement", 15 },
                 { "invalid sequence", 15 },
                 { "the endpoint is disabled", 16 },
                 { "endpoint disabled", 16 },
                 { "the response is invalid", 17 },
                 { "shutting down", 18 },
                 { "unknown failure", 1 },
                 { "nothing of these", 99 },
                 { "invalid", 99 } };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct scene scene;
        struct tap tap;
        connected(&scene, &tap);
        ask(&tap, "Execute", 2, JAR_1);
        answer_code(&tap, 99, rows[i].words);
        char want[60];
        snprintf(want, sizeof(want), "calls %s (%u)", mapi_code_name(rows[i].code), rows[i].code);
        CHECK_INT(strstr(scene.last_text, want) != NULL, rows[i].code != 99);
        struct session_row row;
        CHECK(mapi_state_row(scene.world, 0, &row));
        CHECK_INT(row.last_code, 99);
        CHECK(strstr(scene.log, "response_code.failed"));
        scene_end(&scene);
    }
}

/* The client closes while other requests than those of MAPI/HTTP wait on the connection, too. */
static void test_client_closes(void)
{
    struct scene scene;
    struct tap tap;
    connected(&scene, &tap);
    tap_text(&tap, WAY_TO_SERVER, "GET /favicon.ico HTTP/1.1\r\nHost: mail.example.test\r\n\r\n");
    CHECK(!tap.last[WAY_TO_SERVER]);
    tap_fin(&tap, WAY_TO_SERVER);
    CHECK_STR(scene.log, "");
    tap_fin(&tap, WAY_TO_CLIENT);
    CHECK_STR(scene.log, "");
    scene_end(&scene);
    /* Both kinds; a FIN that is sent again tells nothing again. */
    connected(&scene, &tap);
    ask(&tap, "Execute", 2, JAR_1);
    tap_text(&tap, WAY_TO_SERVER, "GET /favicon.ico HTTP/1.1\r\nHost: mail.example.test\r\n\r\n");
    tap_fin(&tap, WAY_TO_SERVER);
    CHECK_STR(scene.log, "request.unanswered:note@5/0.0");
    tap_fin(&tap, WAY_TO_SERVER);
    tap_rst(&tap, WAY_TO_CLIENT);
    CHECK_STR(scene.log, "request.unanswered:note@5/0.0");
    scene_end(&scene);
}

static void test_cut(void)
{
    struct scene scene;
    struct tap tap;
    struct session_row row;
    /* By the server's end, by FIN and by RST; by the client. */
    for (int i = 0; i < 4; i++) {
        connected(&scene, &tap);
        waiting(&tap);
        struct mapi_message *message = tap.last[WAY_TO_CLIENT];
        scene_wait(&scene, 20);
        enum way by = i < 2 ? WAY_TO_CLIENT : WAY_TO_SERVER;
        if (i % 2) {
            tap_rst(&tap, by);
        } else {
            tap_fin(&tap, by);
            tap_fin(&tap, (enum way) !by);
        }
        CHECK_STR(scene.log, i < 2 ? "response.cut:warning@5/0.0" : "response.cut.chat:chat@5/0.0");
        CHECK(strstr(scene.last_text, i % 2 ? "RST" : "FIN") && strstr(scene.last_text, "20.0 s"));
        CHECK(message->cut);
        CHECK(scene.where == (i < 2 ? WHERE_UNKNOWN : WHERE_CLIENT));
        CHECK(mapi_state_row(scene.world, 0, &row));
        CHECK_INT(row.failed, 1);
        scene_end(&scene);
    }
    /* Until the connection ends: a FIN ends it well. */
    connected(&scene, &tap);
    ask(&tap, "Execute", 2, JAR_1);
    tap_text(&tap, WAY_TO_CLIENT,
             "HTTP/1.1 200 OK\r\nContent-Type: application/mapi-http\r\nX-ResponseCode: 0\r\n\r\n"
             "PROCESSING\r\nDONE\r\n\r\nbody");
    tap_fin(&tap, WAY_TO_CLIENT);
    CHECK_STR(scene.log, "");
    CHECK(!tap.last[WAY_TO_CLIENT]->cut);
    CHECK_INT(tap.last[WAY_TO_CLIENT]->end.frame, 5);
    scene_end(&scene);
    /* Whole, and closed afterwards. */
    connected(&scene, &tap);
    tap_fin(&tap, WAY_TO_CLIENT);
    tap_fin(&tap, WAY_TO_SERVER);
    CHECK_STR(scene.log, "");
    scene_end(&scene);
    /* A late start proves nothing. */
    scene_begin(&scene);
    tap_open_as(&tap, &scene, CLIENT, SERVER, false, false);
    ask(&tap, "NotificationWait", 101, JAR_1);
    tap_text(&tap, WAY_TO_CLIENT, "HTTP/1.1 200 OK\r\nX-ResponseCode: 0\r\nContent-Length: 100\r\n\r\nPROCESSING\r\n");
    tap_fin(&tap, WAY_TO_CLIENT);
    CHECK_STR(scene.log, "");
    CHECK(tap.last[WAY_TO_CLIENT]->cut);
    scene_end(&scene);
}

static void test_unanswered(void)
{
    struct scene scene;
    struct tap tap;
    for (int i = 0; i < 3; i++) {
        connected(&scene, &tap);
        ask(&tap, "Execute", 2, JAR_1);
        scene_wait(&scene, 3);
        if (i == 0) {
            tap_rst(&tap, WAY_TO_CLIENT);
        } else {
            tap_fin(&tap, i == 1 ? WAY_TO_CLIENT : WAY_TO_SERVER);
        }
        tap_fin(&tap, i == 2 ? WAY_TO_CLIENT : WAY_TO_SERVER);
        CHECK_STR(scene.log, "request.unanswered:note@4/0.0");
        CHECK(strstr(scene.last_text, "3.0 s"));
        CHECK(scene.where == (i == 2 ? WHERE_CLIENT : WHERE_UNKNOWN));
        scene_end(&scene);
    }
    /* The resend on another connection is answered. */
    struct tap other;
    connected(&scene, &tap);
    ask(&tap, "Execute", 2, JAR_1);
    tap_rst(&tap, WAY_TO_CLIENT);
    tap_open(&other, &scene, "10.0.0.9:50002", SERVER);
    CHECK_INT(ask(&other, "Execute", 2, JAR_1)->leg, 0);
    answer(&other, "Execute", NULL);
    CHECK_STR(scene.log, "request.unanswered:note@4/0.0");
    scene_end(&scene);
}

/* An RST that the server's end cannot have sent: as its own, and from another distance. */
static void test_foreign_rst(void)
{
    for (int foreign = 0; foreign < 2; foreign++) {
        for (int begun = 0; begun < 2; begun++) {
            struct scene scene;
            struct tap tap;
            connected(&scene, &tap);
            for (unsigned i = 0; i < 4; i++) {
                tap_wire(&tap, WAY_TO_CLIENT, (struct wire){ 0 });
            }
            if (begun) {
                waiting(&tap);
            } else {
                ask(&tap, "Execute", 2, JAR_1);
            }
            tap_wire(&tap, WAY_TO_CLIENT, (struct wire){ .rst = true, .ttl = foreign ? 63 : 60 });
            CHECK(strstr(scene.log, begun ? "response.cut:warning@" : "request.unanswered:note@"));
            CHECK(scene.where == (foreign ? WHERE_DEVICE : WHERE_UNKNOWN) && !scene.where_seen);
            CHECK_INT(strstr(scene.last_text, "limit is 63") != NULL, foreign);
            scene_end(&scene);
        }
    }
}

/* A request that nobody acknowledges though it is sent again three times. */
static void drop(struct tap *tap, unsigned counter)
{
    const uint32_t from = tap->seq[WAY_TO_SERVER];
    ask(tap, "Execute", counter, JAR_1);
    const size_t len = tap->seq[WAY_TO_SERVER] - from;
    for (unsigned i = 0; i < 3; i++) {
        scene_wait(tap->scene, 1);
        tap_wire(tap, WAY_TO_SERVER, (struct wire){ .bytes = "", .len = len, .again = true });
    }
}

/* After a quarter of an hour the server may have let go of it, too; before that each of them is told, once another
 * connection shows that the server answers. */
static void test_dropped(void)
{
    static const int idles[] = { 75, 899, 901 };
    for (unsigned i = 0; i < sizeof(idles) / sizeof(idles[0]); i++) {
        struct scene scene;
        struct tap tap[3];
        connected(&scene, &tap[0]);
        for (unsigned n = 1; n < 3; n++) {
            tap_open(&tap[n], &scene, n == 1 ? "10.0.0.9:50002" : "10.0.0.9:50003", SERVER);
            ask(&tap[n], "Execute", 1 + n, JAR_1);
            answer(&tap[n], "Execute", NULL);
        }
        for (unsigned n = 0; n < 2; n++) {
            scene_wait(&scene, n ? 60 : idles[i]);
            scene.log[0] = '\0';
            drop(&tap[n], 4 + 2 * n);
            CHECK_STR(scene.log, "");
            ask(&tap[2], "Execute", 5 + 2 * n, JAR_1);
            answer(&tap[2], "Execute", NULL);
            const bool told = idles[i] + 63 * (int)n < 900; /* the second one was idle for longer */
            CHECK_INT(strstr(scene.log, "request.silent_drop:warning@") != NULL, told);
        }
        scene_end(&scene);
    }
}

/* What was sent again, once, and nothing is heard of the client: it is gone after five seconds. */
static void test_client_gone(void)
{
    struct scene scene;
    struct tap tap;
    connected(&scene, &tap);
    waiting(&tap);
    tap_wire(&tap, WAY_TO_CLIENT, (struct wire){ .bytes = "0123", .len = 4, .again = true });
    CHECK(!conn_client_gone(tap.link, scene.ns + 10 * SECOND)); /* at once: a copy of the capture */
    tap_wire(&tap, WAY_TO_SERVER, (struct wire){ .len = 0 });
    pending(&tap);
    const int64_t since = scene.ns;
    scene_wait(&scene, 1);
    tap_wire(&tap, WAY_TO_CLIENT, (struct wire){ .bytes = "0123", .len = 4, .again = true });
    CHECK(!conn_client_gone(tap.link, since + 4999 * MILLISECOND));
    CHECK(conn_client_gone(tap.link, since + 5 * SECOND));
    tap_wire(&tap, WAY_TO_SERVER, (struct wire){ .len = 0 });
    CHECK(!conn_client_gone(tap.link, since + 5 * SECOND));
    scene_end(&scene);
}

/* Two connections that were kept, and closed after idle times that differ by so much. */
static void test_gone_quietly(void)
{
    static const struct {
        double apart;
        bool back; /* so much is the clock set back between, instead */
        const char *log;
    } rows[] = { { 1.6, false, "" }, { 2.4, false, "server_gone:warning@" }, { 2.4, true, "" } };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct scene scene;
        struct tap tap[2];
        connected(&scene, &tap[0]);
        tap_open(&tap[1], &scene, "10.0.0.8:50001", SERVER);
        scene_wait(&scene, rows[i].back ? -rows[i].apart : rows[i].apart);
        ask_with(&tap[1], (struct ask){ .type = "Connect", .counter = 1, .guid = GUID_B });
        answer(&tap[1], "Connect", SET_2);
        scene_wait(&scene, 4);
        tap_fin(&tap[0], WAY_TO_CLIENT);
        tap_fin(&tap[1], WAY_TO_CLIENT);
        CHECK(strncmp(scene.log, rows[i].log, strlen(rows[i].log)) == 0 && (rows[i].log[0] || !scene.log[0]));
        scene_end(&scene);
    }
}

static void test_gone(void)
{
    struct scene scene;
    struct tap tap[4];
    char client[32];
    /* All that a server ends is of one session: that does not tell of the server. */
    connected(&scene, &tap[0]);
    ask(&tap[0], "Execute", 2, JAR_1);
    for (unsigned i = 1; i < 4; i++) {
        snprintf(client, sizeof(client), "10.0.0.9:5100%u", i);
        tap_open(&tap[i], &scene, client, SERVER);
    }
    waiting(&tap[1]);
    ask_with(&tap[2], (struct ask){ .type = "Connect", .counter = 1, .guid = GUID_B });
    ask_with(&tap[3], (struct ask){ .type = "Bind", .counter = 1, .guid = "{C}", .path = "/mapi/nspi" });
    CHECK_INT(scene.frame, 7);
    for (unsigned i = 0; i < 4; i++) {
        tap_fin(&tap[i], WAY_TO_CLIENT);
    }
    scene_wait(&scene, 5);
    for (unsigned i = 0; i < 4; i++) {
        tap_fin(&tap[i], WAY_TO_SERVER);
    }
    CHECK_STR(scene.log, "request.unanswered:note@8/0.0 response.cut:warning@9/0.0 request.unanswered:note@10/-1.0 "
                         "request.unanswered:note@11/-1.0");
    scene_end(&scene);

    /* One of them, and the others live: told at once. */
    connected(&scene, &tap[0]);
    tap_open(&tap[1], &scene, "10.0.0.9:51001", SERVER);
    ask(&tap[0], "Execute", 2, JAR_1);
    tap_fin(&tap[0], WAY_TO_CLIENT);
    struct session_row row;
    CHECK_STR(scene.log, "request.unanswered:note@4/0.0");
    CHECK(mapi_state_row(scene.world, 0, &row));
    CHECK_INT(row.verdict.kind, V_UNANSWERED);
    CHECK_INT(row.verdict.frame, 4);
    scene_wait(&scene, 2);
    tap_wire(&tap[1], WAY_TO_SERVER, (struct wire){ .len = 0 });
    CHECK_STR(scene.log, "request.unanswered:note@4/0.0");
    scene_end(&scene);

    /* Another connection, of another protocol, that the server answers. */
    connected(&scene, &tap[0]);
    tap_open(&tap[1], &scene, "10.0.0.9:51001", SERVER);
    waiting(&tap[0]);
    tap_rst(&tap[0], WAY_TO_CLIENT);
    struct endpoint server = end_of(SERVER);
    track_server_heard(&scene.outlook->track, &server, scene_frame(&scene));
    scene_collect(&scene);
    CHECK_STR(scene.log, "response.cut:warning@5/0.0");
    scene_end(&scene);
}

/* ---- legs ----------------------------------------------------------------------------------------------- */

struct legs {
    struct scene scene;
    struct tap client, a, b; /* leg 0, and leg 1 to two servers */
};

#define BALANCER "10.0.0.80:443"
#define SERVER_A "10.0.0.81:80"
#define SERVER_B "10.0.0.82:80"

static void legs_begin(struct legs *legs)
{
    scene_begin(&legs->scene);
    tap_open(&legs->client, &legs->scene, CLIENT, BALANCER);
    tap_open(&legs->a, &legs->scene, "10.0.1.80:40001", SERVER_A);
    tap_open(&legs->b, &legs->scene, "10.0.1.80:40002", SERVER_B);
    CHECK_INT(ask(&legs->client, "Connect", 1, NULL)->leg, 0);
    CHECK_INT(ask(&legs->a, "Connect", 1, NULL)->leg, 1);
    struct mapi_message *message = answer(&legs->a, "Connect", SET_1);
    CHECK_INT(message->session, 0);
    CHECK_INT(message->leg, 1);
    message = answer(&legs->client, "Connect", SET_1);
    CHECK_INT(message->session, 0);
    CHECK_INT(message->leg, 0);
}

/* The server behind the device ends its leg, and the device ends the one before; or ends it by itself. */
static void test_legs_end(void)
{
    for (int behind = 0; behind < 2; behind++) {
        struct legs legs;
        legs_begin(&legs);
        ask(&legs.client, "Execute", 2, JAR_1);
        ask(&legs.a, "Execute", 2, JAR_1);
        if (behind) {
            tap_rst(&legs.a, WAY_TO_CLIENT);
        }
        tap_rst(&legs.client, WAY_TO_CLIENT);
        CHECK(strstr(legs.scene.log, behind ? "request.unanswered:note@8/0.0" : "request.unanswered:note@7/0.0"));
        CHECK(legs.scene.where == (behind ? WHERE_SERVER : WHERE_UNKNOWN) && legs.scene.where_seen == behind);
        scene_end(&legs.scene);
    }
}

/* A request three times, the last answered by the device itself: what it sends once more to the same server is the second
 * one, which waits. */
static void test_legs_again(void)
{
    struct legs legs;
    struct tap client[2], behind;
    legs_begin(&legs);
    tap_open(&client[0], &legs.scene, "10.0.0.9:50011", BALANCER);
    tap_open(&client[1], &legs.scene, "10.0.0.9:50012", BALANCER);
    tap_open(&behind, &legs.scene, "10.0.1.80:40003", SERVER_A);
    ask(&legs.client, "Execute", 2, JAR_1);
    ask(&legs.a, "Execute", 2, JAR_1);
    CHECK_INT(ask(&client[0], "Execute", 2, JAR_1)->leg, 0);
    CHECK_INT(ask(&client[1], "Execute", 2, JAR_1)->leg, 0);
    tap_text(&client[1], WAY_TO_CLIENT, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 5\r\n\r\nbu");
    CHECK_INT(ask(&behind, "Execute", 2, JAR_1)->leg, 1);
    answer_status(&behind, "500 Internal Server Error", NULL);
    legs.scene.log[0] = '\0';
    answer_status(&client[0], "500 Internal Server Error", NULL);
    CHECK(strstr(legs.scene.log, "http.failed:"));
    CHECK(legs.scene.where == WHERE_SERVER);
    scene_end(&legs.scene);
}

/* What is not known of the first leg proves nothing of the device. */
static void test_legs_missed(void)
{
    for (int lost = 0; lost < 2; lost++) {
        struct legs legs;
        legs_begin(&legs);
        if (lost) {
            mapi_conn_lost(legs.client.conn, scene_frame(&legs.scene), WAY_TO_CLIENT);
        }
        for (unsigned i = 2; i < 4; i++) {
            ask(&legs.client, "Execute", i, lost ? "sid=session-one-value" : JAR_1);
            ask(&legs.a, "Execute", i, "sid=session-one-value");
            answer(&legs.a, "Execute", NULL);
            answer(&legs.client, "Execute", NULL);
            CHECK(legs.scene.where_seen == !lost && legs.scene.where == (lost ? WHERE_UNKNOWN : WHERE_DEVICE));
        }
        CHECK_STR(legs.scene.log, lost ? "session.cookie_lost:warning@7/0.1 session.cookie_lost:warning@11/0.1" :
                                         "session.cookie_lost:warning@6/0.1 session.cookie_lost:warning@10/0.1");
        scene_end(&legs.scene);
    }
}

static void test_legs(void)
{
    struct legs legs;
    struct session_row row;
    legs_begin(&legs);
    CHECK_INT(mapi_state_rows(legs.scene.world), 2);
    CHECK(mapi_state_row(legs.scene.world, 0, &row));
    CHECK_INT(row.leg, 0);
    CHECK_STR(row.back_ends, "");
    CHECK(mapi_state_row(legs.scene.world, 1, &row));
    CHECK_INT(row.leg, 1);
    CHECK_INT(row.session, 0);
    CHECK_STR(row.back_ends, SERVER_A);
    /* Lost at another server. */
    ask(&legs.client, "Execute", 2, JAR_1);
    ask(&legs.b, "Execute", 2, JAR_1);
    answer_code(&legs.b, 2, "The request has an invalid session context cookie.");
    CHECK_STR(legs.scene.log, "response_code.failed:warning@7/0.1 session.backend_changed:warning@7/0.1 "
                              "session.lost:error@7/0.1");
    CHECK(strstr(legs.scene.last_text, SERVER_A) && strstr(legs.scene.last_text, SERVER_B));
    CHECK(legs.scene.where == WHERE_DEVICE && legs.scene.where_seen);
    legs.scene.log[0] = '\0';
    answer_code(&legs.client, 2, "The request has an invalid session context cookie.");
    CHECK_STR(legs.scene.log, "response_code.failed:warning@8/0.0 session.lost:error@8/0.0");
    CHECK(strstr(legs.scene.last_text, "the device at " BALANCER) && strstr(legs.scene.last_text, SERVER_B));
    scene_end(&legs.scene);

    /* A cookie that is there on one leg and not on the next. */
    legs_begin(&legs);
    ask(&legs.client, "Execute", 2, JAR_1);
    CHECK_INT(ask(&legs.a, "Execute", 2, "sid=session-one-value")->session, 0);
    CHECK_STR(legs.scene.log, "session.cookie_lost:warning@6/0.1");
    CHECK(strstr(legs.scene.last_text, "(proven)") && strstr(legs.scene.last_text, BALANCER));
    CHECK(legs.scene.where == WHERE_DEVICE && legs.scene.where_seen);
    answer(&legs.a, "Execute", NULL);
    answer(&legs.client, "Execute", NULL);
    /* All of them: the request is still known by its leg before. */
    ask(&legs.client, "Execute", 3, JAR_1);
    CHECK_INT(ask(&legs.a, "Execute", 3, NULL)->session, 0);
    scene_end(&legs.scene);

    /* A page that only the client's leg has. */
    for (int i = 0; i < 3; i++) {
        legs_begin(&legs);
        ask(&legs.client, "Execute", 2, JAR_1);
        ask(&legs.a, "Execute", 2, JAR_1);
        if (i == 1) {
            answer(&legs.a, "Execute", NULL);
        } else if (i == 2) {
            answer_status(&legs.a, "504 Gateway Time-out", NULL);
            CHECK_STR(legs.scene.log, "http.failed:warning@7/0.1");
            legs.scene.log[0] = '\0';
        }
        answer_status(&legs.client, "504 Gateway Time-out", NULL);
        CHECK(strstr(legs.scene.log, "http.failed:warning@") && strstr(legs.scene.log, "/0.0"));
        CHECK((strstr(legs.scene.last_text, "proven") != NULL) == (i != 2));
        CHECK(legs.scene.where == (i == 2 ? WHERE_SERVER : WHERE_DEVICE) && legs.scene.where_seen == (i != 2));
        scene_end(&legs.scene);
    }

    /* A capture behind the device with a clock that is ahead: what was answered here comes there later, with cookies
     * that are older here. */
    legs_begin(&legs);
    for (unsigned i = 2; i < 5; i++) {
        ask(&legs.client, "Execute", i, JAR_1);
        answer(&legs.client, "Execute", NULL);
    }
    for (unsigned i = 2; i < 5; i++) {
        CHECK_INT(ask(&legs.a, "Execute", i, JAR_1)->leg, 1);
        answer(&legs.a, "Execute", NULL);
    }
    CHECK_STR(legs.scene.log, "");
    scene_end(&legs.scene);

    /* A device that collects PENDING. */
    legs_begin(&legs);
    ask(&legs.client, "NotificationWait", 101, JAR_1);
    waiting(&legs.a);
    processing(&legs.client); /* the head passes at once */
    scene_wait(&legs.scene, 30);
    pending(&legs.a);
    scene_wait(&legs.scene, 30);
    pending(&legs.a);
    scene_wait(&legs.scene, 10);
    pending(&legs.client);
    CHECK_STR(legs.scene.log, "pending.late:warning@11/0.0");
    CHECK(strstr(legs.scene.last_text, "collects the response") && strstr(legs.scene.last_text, "frame 10"));
    CHECK(legs.scene.where == WHERE_DEVICE && legs.scene.where_seen);
    scene_end(&legs.scene);

    /* Healthy: servers that Exchange's front ends hide may change on the server-side leg. */
    legs_begin(&legs);
    for (unsigned i = 2; i < 6; i++) {
        struct tap *tap = i % 2 ? &legs.a : &legs.b;
        const struct answer same = { .type = "Execute", .extra = "X-CalculatedBETarget: EX1\r\nX-FEServer: FE\r\n" };
        ask(&legs.client, "Execute", i, JAR_1);
        ask(tap, "Execute", i, JAR_1);
        answer_with(tap, same);
        answer_with(&legs.client, same);
    }
    CHECK_STR(legs.scene.log, "");
    scene_end(&legs.scene);
}

/* Two hundred requests of others between a request and what passes it on do not hide the one that came first, wherever
 * their hashes put them: sent again by the client, it is not taken for one behind the device. */
static void test_first_of_many(void)
{
    for (unsigned turn = 0; turn < 8; turn++) {
        struct legs legs;
        struct tap others;
        legs_begin(&legs);
        tap_open(&others, &legs.scene, "203.0.113.9:50000", "203.0.113.10:80");
        const unsigned counter = 2 + turn * 2;
        CHECK_INT(ask(&legs.client, "Execute", counter, JAR_1)->leg, 0);
        for (unsigned i = 0; i < 200; i++) {
            char guid[40];
            snprintf(guid, sizeof(guid), "{B0000000-0000-0000-00%02u-000000000%03u}", turn, i);
            ask_with(&others, (struct ask){ .type = "Connect", .counter = 1, .guid = guid });
            answer(&others, "Connect", NULL);
        }
        CHECK_INT(ask(&legs.a, "Execute", counter, JAR_1)->leg, 1);
        answer_status(&legs.a, "401 Unauthorized", NULL);
        answer_status(&legs.client, "401 Unauthorized", NULL);
        struct tap again;
        tap_open(&again, &legs.scene, CLIENT, BALANCER);
        CHECK_INT(ask(&again, "Execute", counter, JAR_1)->leg, 0);
        scene_end(&legs.scene);
    }
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
    CHECK_STR(scene.log, "request.unanswered:note@5/0.0 request.unanswered:note@5/0.0");
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
    test_statuses();
    test_page_lost();
    test_statuses_more();
    test_every_status();
    test_codes();
    test_lost();
    test_back_end();
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
    test_rows_tell_doubt();
    test_connect_hints();
    test_sentences();
    test_client_closes();
    test_cut();
    test_unanswered();
    test_foreign_rst();
    test_gone_quietly();
    test_client_gone();
    test_dropped();
    test_gone();
    test_legs();
    test_legs_end();
    test_legs_again();
    test_legs_missed();
    test_expired_at_once();
    transcript_off = true;
    test_first_of_many();
    test_many_in_frame();
    test_many_outstanding();
    test_memory();
    transcript_end(__FILE__);
    return unit_end();
}
