/* test_mapi_ends.c
 * Ends under requests and responses of MAPI/HTTP, and legs behind devices, judged from MS-OXCMAPIHTTP 3.1.5 and 3.2.5.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "mconnected.h"
#include "session.h"

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

/* Of a user's DN the first 160 bytes are said. */
static void test_long_dn(void)
{
    char dn[201] = "/o=", said[200];
    struct scene scene;
    struct tap tap;
    memset(dn + 3, 'x', 197);
    snprintf(said, sizeof(said), ", user DN %.160s; next: ", dn);
    scene_begin(&scene);
    tap_open(&tap, &scene, CLIENT, SERVER);
    tap_text(&tap, WAY_TO_SERVER,
             "POST /mapi/emsmdb/ HTTP/1.1\r\nHost: mail.example.test\r\nContent-Type: application/mapi-http\r\n"
             "X-RequestType: Connect\r\nX-RequestId: " GUID_A ":1\r\nContent-Length: 200\r\n\r\n%s",
             dn);
    answer_with(&tap, (struct answer){ .type = "Connect", .error = 0x3EB });
    CHECK(strstr(scene.last_text, said));
    scene_end(&scene);
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
    scene_wait(&scene, 20);
    tap_fin(&tap, WAY_TO_SERVER);
    CHECK_STR(scene.log, "request.unanswered:note@5/0.0");
    tap_fin(&tap, WAY_TO_SERVER);
    tap_rst(&tap, WAY_TO_CLIENT);
    CHECK_STR(scene.log, "request.unanswered:note@5/0.0");
    scene_end(&scene);
}

/* The client closes directly behind what it asked: it may still read. */
static void test_half_closed(void)
{
    struct scene scene;
    struct tap tap, other;
    connected(&scene, &tap);
    ask(&tap, "Execute", 2, JAR_1);
    tap_fin(&tap, WAY_TO_SERVER);
    scene_wait(&scene, 50);
    answer(&tap, "Execute", NULL);
    tap_fin(&tap, WAY_TO_CLIENT);
    CHECK_STR(scene.log, "");
    scene_end(&scene);
    /* Nobody answers. */
    connected(&scene, &tap);
    ask(&tap, "Execute", 2, JAR_1);
    tap_fin(&tap, WAY_TO_SERVER);
    tap_fin(&tap, WAY_TO_CLIENT);
    CHECK_STR(scene.log, "request.unanswered:note@5/0.0");
    CHECK(strstr(scene.last_text, "client sent FIN in frame 4"));
    scene_end(&scene);
    /* Nor closes: other connections show that time goes by; told once. */
    connected(&scene, &tap);
    ask(&tap, "Execute", 2, JAR_1);
    tap_fin(&tap, WAY_TO_SERVER);
    scene_wait(&scene, 59);
    tap_open(&other, &scene, "10.0.0.1:50001", SERVER);
    ask(&other, "PING", 3, JAR_1);
    CHECK_STR(scene.log, "");
    scene_wait(&scene, 1);
    answer(&other, "PING", NULL);
    CHECK_STR(scene.log, "request.unanswered:note@6/0.0");
    tap_rst(&tap, WAY_TO_SERVER);
    CHECK_STR(scene.log, "request.unanswered:note@6/0.0");
    scene_end(&scene);
    /* Under an answer: what comes is read. */
    connected(&scene, &tap);
    waiting(&tap);
    tap_fin(&tap, WAY_TO_SERVER);
    CHECK_STR(scene.log, "");
    tap_rst(&tap, WAY_TO_CLIENT);
    CHECK_STR(scene.log, "response.cut.chat:chat@6/0.0");
    scene_end(&scene);
}

/* PENDING was due when the client left; a machine that sleeps captures nothing meanwhile. */
static void test_overdue(void)
{
    for (int awake = 0; awake <= 1; awake++) {
        struct scene scene;
        struct tap tap, other;
        connected(&scene, &tap);
        waiting(&tap);
        scene_wait(&scene, 80);
        if (awake) {
            tap_open(&other, &scene, "10.0.0.1:50001", SERVER);
            ask(&other, "PING", 3, JAR_1);
            answer(&other, "PING", NULL);
        }
        scene_wait(&scene, 10);
        tap_fin(&tap, WAY_TO_SERVER);
        CHECK_INT(strstr(scene.log, "pending.late") != NULL, awake);
        CHECK(strstr(scene.log, "response.cut.chat"));
        scene_end(&scene);
    }
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

/* RSTs to both ends, the second of which stands behind what was told of the first: the row's side is no end's own then. */
static void test_reset_both_ways(void)
{
    static const struct {
        bool begun, device_seen; /* the answer; the second is from another distance */
        enum way first;
        int ms;
        enum verdict_where told, where;
        const char *doubt;
    } rows[] = {
        { false, false, WAY_TO_SERVER, 50, WHERE_CLIENT, WHERE_UNKNOWN,
          "an RST went to either end, so which of them left does not show" },
        { false, false, WAY_TO_SERVER, 51, WHERE_CLIENT, WHERE_CLIENT, NULL },
        { false, false, WAY_TO_CLIENT, 50, WHERE_UNKNOWN, WHERE_DEVICE, NULL },
        { false, false, WAY_TO_CLIENT, 51, WHERE_UNKNOWN, WHERE_UNKNOWN, NULL },
        { false, true, WAY_TO_SERVER, 50, WHERE_CLIENT, WHERE_DEVICE, NULL },
        { true, false, WAY_TO_SERVER, 50, WHERE_CLIENT, WHERE_UNKNOWN, NULL },
        { true, false, WAY_TO_CLIENT, 50, WHERE_UNKNOWN, WHERE_DEVICE, NULL },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct scene scene;
        struct tap tap;
        struct session_row row;
        connected(&scene, &tap);
        for (unsigned n = 0; n < 4; n++) {
            tap_wire(&tap, WAY_TO_CLIENT, (struct wire){ 0 });
        }
        if (rows[i].begun) {
            waiting(&tap);
        } else {
            ask(&tap, "Execute", 2, JAR_1);
        }
        tap_rst(&tap, rows[i].first);
        const uint32_t frame = scene.frame;
        CHECK(strstr(scene.log, rows[i].begun ? "response.cut" : "request.unanswered"));
        CHECK(mapi_state_row(scene.world, 0, &row));
        CHECK_INT(row.verdict.where, rows[i].told);
        CHECK(row.verdict.frame == frame && !row.verdict.cannot_tell);
        scene.frame_ns = rows[i].ms * MILLISECOND;
        tap_wire(&tap, (enum way) !rows[i].first, (struct wire){ .rst = true, .ttl = rows[i].device_seen ? 64 : 0 });
        CHECK(mapi_state_row(scene.world, 0, &row));
        CHECK_INT(row.verdict.where, rows[i].where);
        CHECK(rows[i].doubt ? row.verdict.cannot_tell && strstr(row.verdict.cannot_tell, rows[i].doubt) :
                              !row.verdict.cannot_tell);
        scene_end(&scene);
    }
}

/* The client closes its sending side behind its request; the server's end sends for a while, and breaks off: its doing. */
static void test_half_closed_cut(void)
{
    for (int what = 0; what < 4; what++) {
        const bool rst = what & 1, begun = what & 2;
        struct scene scene;
        struct tap tap;
        connected(&scene, &tap);
        ask(&tap, begun ? "NotificationWait" : "Execute", 101, JAR_1);
        tap_fin(&tap, WAY_TO_SERVER);
        const uint32_t client = scene.frame;
        if (begun) {
            processing(&tap);
        }
        scene_wait(&scene, 2);
        tap_wire(&tap, WAY_TO_CLIENT, (struct wire){ .fin = !rst, .rst = rst });
        char words[200];
        snprintf(
            words, sizeof(words),
            "the server's end sent %s in frame %u (the client had closed its sending side in frame %u, and read on)",
            rst ? "RST" : "FIN", scene.frame, client);
        unit_check(strstr(scene.last_text, words) != NULL, __FILE__, __LINE__, scene.last_text);
        CHECK(strstr(scene.log, begun ? "response.cut:warning@" : "request.unanswered:note@"));
        CHECK(scene.where == WHERE_UNKNOWN && strstr(scene.last_text, "2.0 s"));
        scene_end(&scene);
    }
}

/* A tap of two ports: the server's end stands before the request that it acknowledges, so the answer may, too. Nobody has
 * an answer of a request that the server did not have when it closed, nor of one that stands before that end. */
static void test_known_end(void)
{
    for (int what = 0; what < 3; what++) {
        struct scene scene;
        struct tap tap;
        connected(&scene, &tap);
        const uint32_t from = tap.seq[WAY_TO_SERVER];
        ask(&tap, "Execute", 2, JAR_1);
        const uint32_t len = tap.seq[WAY_TO_SERVER] - from, known = what == 0 ? len : 0;
        answer(&tap, "Execute", NULL);
        if (what == 2) {
            ask(&tap, "Execute", 3, JAR_1);
        }
        tap.seq[WAY_TO_SERVER] += known;
        tap_fin(&tap, WAY_TO_CLIENT);
        tap.seq[WAY_TO_SERVER] -= known;
        if (what < 2) {
            ask(&tap, "Execute", 3, JAR_1);
        }
        tap_rst(&tap, WAY_TO_CLIENT);
        CHECK_INT(strstr(scene.log, "request.unanswered") != NULL, what > 0);
        scene_end(&scene);
    }
}

/* What a leg behind shows of a request that has no answer there is told of the leg before, unless the client there has
 * more than was captured: its answer. */
static void test_unseen_answer(void)
{
    for (int unseen = 0; unseen < 2; unseen++) {
        struct legs legs;
        legs_begin(&legs);
        ask(&legs.client, "Execute", 2, JAR_1);
        ask(&legs.a, "Execute", 2, JAR_1);
        if (unseen) { /* a gap, and an ACK for it */
            legs.client.seq[WAY_TO_CLIENT] += 300;
            tap_wire(&legs.client, WAY_TO_SERVER, (struct wire){ 0 });
        }
        tap_rst(&legs.a, WAY_TO_SERVER);
        CHECK_INT(strstr(legs.scene.log, "request.unanswered:note@") != NULL, !unseen);
        scene_end(&legs.scene);
    }
}

/* Where a next leg is known, its session's or behind that address, and the request was not seen there, nobody knows whose
 * failure an answer of the server's is. */
static void test_not_behind(void)
{
    static const struct {
        const char *server;
        bool first, other; /* the first request of its session; of another session, that has one leg alone */
        enum verdict_where where;
    } rows[] = { { BALANCER, false, false, WHERE_UNKNOWN },
                 { "10.0.0.70:443", false, false, WHERE_UNKNOWN }, /* its session has a next leg */
                 { BALANCER, true, true, WHERE_UNKNOWN },          /* that address has */
                 { "10.0.0.70:443", true, true, WHERE_SERVER },
                 { "10.0.0.70:443", false, true, WHERE_SERVER } };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct legs legs;
        struct tap tap;
        legs_begin(&legs);
        tap_wire(&legs.a, WAY_TO_SERVER, (struct wire){ .bytes = "ab", .len = 2, .cut = true, .again = true });
        tap_open(&tap, &legs.scene, "10.0.0.9:50021", rows[i].server);
        const char *guid = rows[i].other ? GUID_B : GUID_A, *jar = rows[i].other ? JAR_2 : JAR_1;
        if (rows[i].other && !rows[i].first) {
            ask_with(&tap, (struct ask){ .type = "Connect", .counter = 1, .guid = guid });
            answer(&tap, "Connect", SET_2);
        }
        ask_with(&tap, (struct ask){ .type = rows[i].first ? "Connect" : "Execute",
                                     .counter = 2,
                                     .guid = guid,
                                     .cookies = rows[i].first ? NULL : jar });
        answer_status(&tap, "500 Internal Server Error", "X-FEServer: EX1\r\nX-BEServer: EX1\r\n");
        CHECK(strstr(legs.scene.log, "http.failed:"));
        CHECK_INT(legs.scene.where, rows[i].where);
        scene_end(&legs.scene);
    }
}

/* A client that closes its sending side behind what it asked waits on: what comes from where that went is the same request,
 * passed on; but not behind an RST, nor from where nothing came so far. */
static void test_passed_on_behind_end(void)
{
    static const struct {
        bool fresh; /* nothing was passed on before */
        const char *from;
        bool rst, passed;
    } rows[] = { { false, "10.0.1.80:40009", false, true },
                 { true, "10.0.0.80:40009", false, true }, /* the balancer's own address */
                 { false, "10.0.1.80:40009", true, false },
                 { true, "10.0.0.80:40009", true, false } };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct legs legs;
        struct tap front, behind;
        if (rows[i].fresh) {
            scene_begin(&legs.scene);
        } else {
            legs_begin(&legs);
        }
        tap_open(&front, &legs.scene, "10.0.0.9:50031", BALANCER);
        tap_open(&behind, &legs.scene, rows[i].from, SERVER_A);
        ask_with(&front, (struct ask){ .type = "Connect", .counter = 1, .guid = GUID_B });
        tap_wire(&front, WAY_TO_SERVER, (struct wire){ .fin = !rows[i].rst, .rst = rows[i].rst });
        ask_with(&behind, (struct ask){ .type = "Connect", .counter = 1, .guid = GUID_B });
        CHECK_INT(behind.conn->awaited->before != NULL, rows[i].passed);
        scene_end(&legs.scene);
    }
}

/* What was seen to collect the response before port 444 is Exchange's own front end. */
static void test_front_end_collects(void)
{
    static const char *const servers[] = { "10.0.0.81:443", "10.0.0.81:444", "10.0.0.81:445" };
    for (size_t i = 0; i < COUNT_OF(servers); i++) {
        struct scene scene;
        struct tap client, behind;
        scene_begin(&scene);
        tap_open(&client, &scene, CLIENT, BALANCER);
        tap_open(&behind, &scene, "10.0.1.80:40001", servers[i]);
        ask(&client, "Connect", 1, NULL);
        ask(&behind, "Connect", 1, NULL);
        answer(&behind, "Connect", SET_1);
        answer(&client, "Connect", SET_1);
        ask(&client, "Execute", 2, JAR_1);
        ask(&behind, "Execute", 2, JAR_1);
        answer(&behind, "Execute", NULL);
        answer_status(&client, "504 Gateway Time-out", NULL);
        CHECK(strstr(scene.log, "http.failed:warning@") && scene.where_seen == (i != 1 || scene.where == WHERE_SERVER));
        const bool front =
            strstr(scene.last_text, "that device is Exchange's front end, as port 444 behind it") != NULL;
        CHECK(scene.where == (i == 1 ? WHERE_SERVER : WHERE_DEVICE) && front == (i == 1));
        scene_end(&scene);
    }
}

/* RSTs to both ends of the leg before: neither end's own doing, and a device's where one of them shows that. */
static void test_front_reset_both_ways(void)
{
    for (int what = 0; what < 4; what++) {
        struct legs legs;
        legs_begin(&legs);
        for (unsigned n = 0; n < 4; n++) {
            tap_wire(&legs.client, WAY_TO_SERVER, (struct wire){ 0 });
        }
        ask(&legs.client, "NotificationWait", 101, JAR_1);
        waiting(&legs.a);
        processing(&legs.client);
        tap_wire(&legs.client, WAY_TO_SERVER, (struct wire){ .rst = true, .ttl = what == 2 ? 64 : 60 });
        if (what) {
            tap_wire(&legs.client, WAY_TO_CLIENT, (struct wire){ .rst = true });
        }
        legs.scene.log[0] = legs.scene.last_text[0] = '\0';
        tap_rst(&legs.a, what == 3 ? WAY_TO_CLIENT : WAY_TO_SERVER);
        static const enum verdict_where where[] = { WHERE_CLIENT, WHERE_UNKNOWN, WHERE_DEVICE, WHERE_UNKNOWN };
        CHECK(strstr(legs.scene.log, what == 3 ? "response.cut:warning@" : "response.cut.chat:chat@"));
        CHECK_INT(legs.scene.where, where[what]);
        scene_end(&legs.scene);
    }
}

int main(void)
{
    test_rows_tell_doubt();
    test_connect_hints();
    test_long_dn();
    test_sentences();
    test_client_closes();
    test_half_closed();
    test_overdue();
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
    transcript_off = true;
    test_reset_both_ways();
    test_half_closed_cut();
    test_known_end();
    test_unseen_answer();
    test_not_behind();
    test_passed_on_behind_end();
    test_front_end_collects();
    test_front_reset_both_ways();
    test_first_of_many();
    transcript_end(__FILE__);
    return unit_end();
}
