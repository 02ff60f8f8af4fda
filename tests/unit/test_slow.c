/* test_slow.c
 * Where the time of requests goes: what MAPI/HTTP tells of it, and what is made of it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "clocks.h"
#include "logon_state.h"
#include "mscene.h"
#include "slow.h"

#define FRONT "10.0.0.1:50001", "10.0.0.80:80"
#define BACK "10.0.0.80:40001", "10.0.1.1:80"

static void begin_answer(struct tap *tap)
{
    tap_text(tap, WAY_TO_CLIENT,
             "HTTP/1.1 200 OK\r\nContent-Type: application/mapi-http\r\nX-RequestType: Execute\r\n"
             "X-ResponseCode: 0\r\nTransfer-Encoding: chunked\r\n\r\nc\r\nPROCESSING\r\n\r\n");
}

static void end_answer(struct tap *tap, unsigned elapsed)
{
    char lines[100], text[300];
    const int len = snprintf(lines, sizeof(lines), "DONE\r\nX-ElapsedTime: %u\r\n\r\n", elapsed);
    tap_text(tap, WAY_TO_CLIENT, "%x\r\n%s\r\n", len, lines);
    scene_wait(tap->scene, 1);
    const int head = snprintf(text, sizeof(text), "8\r\n");
    memset(text + head, 0, 8);
    memcpy(text + head + 8, "\r\n0\r\n\r\n", 7);
    tap_bytes(tap, WAY_TO_CLIENT, text, (size_t)head + 15);
}

/* A head in two segments, its body in another; an answer that begins at once, and is at work until DONE. */
static void test_times(void)
{
    struct scene scene;
    struct tap tap;
    struct slow_row row;
    scene_begin(&scene);
    scene.frame_ns = 0;
    tap_open(&tap, &scene, FRONT);
    const char *head = "POST /mapi/emsmdb/?MailboxId=m1@example.test HTTP/1.1\r\nHost: mail.example.test\r\n";
    const struct when first = { 1, scene.ns };
    mapi_conn_halfway(tap.conn, first, WAY_TO_SERVER, strlen(head));
    scene_wait(&scene, 2);
    tap_text(&tap, WAY_TO_SERVER,
             "%sX-RequestType: Execute\r\nX-RequestId: " GUID_A ":1\r\nContent-Length: 8\r\n\r\n1234", head);
    scene_wait(&scene, 3);
    tap_text(&tap, WAY_TO_SERVER, "5678");
    scene_wait(&scene, 4);
    begin_answer(&tap);
    scene_wait(&scene, 20);
    end_answer(&tap, 21000);
    const struct mapi_message *message = tap.last[WAY_TO_CLIENT];
    CHECK(message->times != NULL);
    CHECK_INT(message->times->request, 5 * SECOND);
    CHECK_INT(message->times->wait, 4 * SECOND);
    CHECK_INT(message->times->response, 21 * SECOND);
    CHECK_INT(message->elapsed_ns, 25 * SECOND);
    CHECK_INT(message->status, 200);

    CHECK(slow_row(&scene.outlook->track, 0, &row));
    CHECK(!slow_row(&scene.outlook->track, 1, &row) && slow_row(&scene.outlook->track, 0, &row));
    CHECK_STR(row.operation, "Execute");
    CHECK_INT(row.total, 30 * SECOND);
    CHECK_INT(row.legs, 1);
    CHECK_INT(row.leg[0].working, 20 * SECOND);
    CHECK_INT(row.leg[0].server_ns, 21 * SECOND);
    CHECK_INT(row.leg[0].round_trip, -1);
    CHECK_INT(row.where, SLOW_SERVER);
    CHECK(row.seen);
    struct text text = { .used = 0 };
    slow_row_head(&text, &row);
    CHECK_STR(text.s, "Execute, 30.0 s, frames 1 to 5");
    slow_row_legs(&text, &row);
    CHECK_STR(text.s,
              "Execute, 30.0 s, frames 1 to 5; leg 0 to 10.0.0.80:80: request 5.0 s, wait 4.0 s, response 21.0 s "
              "(20.0 s of it at work), X-ElapsedTime 21.0 s; SERVER (seen): the server took 21.0 s by "
              "X-ElapsedTime");
    scene_end(&scene);
}

/* What waits for its own sake, what was cut and what has no request are none of the slow ones. */
static void test_left_out(void)
{
    struct scene scene;
    struct tap tap;
    struct slow_row row;
    scene_begin(&scene);
    tap_open(&tap, &scene, FRONT);
    ask(&tap, "NotificationWait", 1, NULL);
    scene_wait(&scene, 200);
    const struct mapi_message *message = answer(&tap, "NotificationWait", NULL);
    CHECK(message->times && message->times->wait > 200 * SECOND);
    ask(&tap, "Execute", 2, NULL);
    begin_answer(&tap);
    scene_wait(&scene, 2);
    tap_rst(&tap, WAY_TO_CLIENT);
    CHECK(tap.last[WAY_TO_CLIENT]->cut && !tap.last[WAY_TO_CLIENT]->times);
    CHECK(!slow_row(&scene.outlook->track, 0, &row));
    /* An answer that begins before its request is through cannot be parted. */
    tap_open(&tap, &scene, "10.0.0.1:50002", "10.0.0.80:80");
    tap_text(&tap, WAY_TO_SERVER,
             "POST /mapi/emsmdb/ HTTP/1.1\r\nHost: mail.example.test\r\nX-RequestType: Execute\r\n"
             "Content-Length: 8\r\n\r\n1234");
    begin_answer(&tap);
    tap_text(&tap, WAY_TO_SERVER, "5678");
    end_answer(&tap, 1);
    CHECK(!tap.last[WAY_TO_CLIENT]->times && !slow_row(&scene.outlook->track, 0, &row));
    scene_end(&scene);
}

/* Before and behind a device; the answer takes longer on the way to the client. */
static void test_legs(void)
{
    struct scene scene;
    struct tap front, back;
    struct slow_row row;
    struct slow_type_row type;
    scene_begin(&scene);
    tap_open(&front, &scene, FRONT);
    tap_open(&back, &scene, BACK);
    ask(&front, "Execute", 1, NULL);
    scene_wait(&scene, 3);
    ask(&back, "Execute", 1, NULL);
    scene_wait(&scene, 1);
    answer(&back, "Execute", NULL);
    answer(&front, "Execute", NULL);
    CHECK(slow_row(&scene.outlook->track, 0, &row));
    CHECK_INT(row.legs, 2);
    CHECK_INT(row.leg[1].leg, 1);
    CHECK_INT(row.leg[1].stream, back.stream);
    CHECK_INT(row.where, SLOW_DEVICE);
    CHECK(row.seen);
    CHECK_STR(row.why, "3.0 s of it passed between leg 0 and leg 1");
    /* Each leg's type by itself, and the request once. */
    CHECK(!slow_row(&scene.outlook->track, 1, &row));
    CHECK(slow_type_row(&scene.outlook->track, 0, &type));
    CHECK_INT(type.leg, 0);
    CHECK_INT(type.count, 1);
    CHECK(slow_type_row(&scene.outlook->track, 1, &type));
    CHECK_INT(type.leg, 1);
    CHECK_INT(type.longest, SECOND + MILLISECOND);
    CHECK(!slow_type_row(&scene.outlook->track, 2, &type));
    scene_end(&scene);
}

/* Passed on and not answered there: the device answers in the server's place. */
static void test_unanswered(void)
{
    for (unsigned late = 0; late < 3; late++) {
        struct scene scene;
        struct tap front, back;
        struct slow_row row;
        scene_begin(&scene);
        tap_open(&front, &scene, FRONT);
        tap_open_as(&back, &scene, BACK, late != 2, false); /* 2: its SYN was not captured */
        ask(&front, "Execute", 1, NULL);
        scene_wait(&scene, late == 1 ? 8 : 1);
        ask(&back, "Execute", 1, NULL);
        scene_wait(&scene, 6);
        answer_status(&front, "504 Gateway Time-out", NULL);
        CHECK(slow_row(&scene.outlook->track, 0, &row));
        CHECK_INT(row.legs, 1);
        CHECK_INT(row.where, late == 2 ? SLOW_CANNOT_TELL : late ? SLOW_DEVICE : SLOW_SERVER);
        CHECK(row.seen == (late == 1));
        CHECK(late == 2 || strstr(row.why, "passed on to 10.0.1.1:80 after ") == row.why);
        scene_end(&scene);
    }
}

/* ---- what is made of it --------------------------------------------------------------------- */

struct leg_of {
    double request, wait, response, working, server, round_trip; /* seconds; server 0: not told */
    double closed[2];                                            /* by enum way */
    bool forwarded;                                              /* its client is a device by X-Forwarded-For */
};

#define LEGS_OF(legs) legs, COUNT_OF(legs)
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static int64_t ns_of(double seconds)
{
    return (int64_t)(seconds * 1e9 + 0.5);
}

static const char *judged_of(const struct leg_of *legs, size_t count, bool differ)
{
    static char said[256];
    struct heap heap = { .blocks = NULL };
    struct arena arena = heap_arena(&heap);
    struct track track;
    struct timing timing[4];
    struct logon_conn device = { .forwarded = true };
    struct slow_row row;
    track_init(&track, &arena, NULL, NULL);
    for (size_t i = count; i-- > 0;) {
        const char *ends[][2] = { { FRONT }, { BACK }, { "10.0.1.1:40002", "10.0.2.1:80" } };
        struct endpoint client = end_of(ends[i][0]), server = end_of(ends[i][1]);
        struct conn_past past = { .round_trip = (uint32_t)(ns_of(legs[i].round_trip) / 1000) };
        struct conn *conn = conn_new(&track, CONN_MAPI, (uint32_t)i, &client, &server, &past);
        conn->logon = legs[i].forwarded ? &device : NULL;
        timing[i] =
            (struct timing){ .times = { ns_of(legs[i].request), ns_of(legs[i].wait), ns_of(legs[i].response) },
                             .working = ns_of(legs[i].working),
                             .server_ns = legs[i].server > 0 ? ns_of(legs[i].server) : -1,
                             .conn = conn,
                             .below = i + 1 < count ? &timing[i + 1] : NULL,
                             .leg = (uint8_t)i,
                             .closed = { (uint16_t)(10 * legs[i].closed[0]), (uint16_t)(10 * legs[i].closed[1]) },
                             .operation = MAPI_EXECUTE };
    }
    if (differ) {
        clocks_doubt(timing[0].conn, timing[1].conn, true);
    }
    timing_note(&track, &timing[0], true);
    CHECK(slow_row(&track, 0, &row));
    snprintf(said, sizeof(said), "%s%s: %s", slow_where_name(row.where), row.seen ? " (seen)" : "", row.why);
    heap_free(&heap);
    return said;
}

#define JUDGED(...) judged_of(LEGS_OF(((const struct leg_of[]){ __VA_ARGS__ })), false)
#define JUDGED_APART(...) judged_of(LEGS_OF(((const struct leg_of[]){ __VA_ARGS__ })), true)
#define LEG(...)    \
    {               \
        __VA_ARGS__ \
    }

static void test_judged(void)
{
    /* What nobody waits for. */
    CHECK_STR(JUDGED(LEG(.wait = 0.999)), ": ");
    /* One leg: what is behind it accuses nobody, but by the server's own word. */
    CHECK_STR(JUDGED(LEG(.wait = 9)),
              "CANNOT TELL: 9.0 s of it passed behind leg 0: server, or a device whose other side is not in this file");
    CHECK_STR(JUDGED(LEG(.wait = 9, .server = 8)), "SERVER (seen): the server took 8.0 s by X-ElapsedTime");
    CHECK_STR(JUDGED(LEG(.wait = 9, .server = 0.1)),
              "CANNOT TELL: the server took only 100.0 ms by X-ElapsedTime, which counts no logon: "
              "network, device or logon behind leg 0");
    CHECK_STR(JUDGED(LEG(.wait = 1, .round_trip = 0.6)), "NETWORK (seen): a round trip takes 600.0 ms on leg 0");
    CHECK_STR(JUDGED(LEG(.wait = 9, .server = 0.1, .round_trip = 5)),
              "NETWORK (seen): a round trip takes 5.0 s on leg 0");
    /* Bytes under way; those while the server is at work are not. */
    CHECK_STR(JUDGED(LEG(.request = 6, .wait = 3)), "NETWORK (seen): bytes were under way for 6.0 s on leg 0");
    CHECK_STR(JUDGED(LEG(.wait = 1, .response = 8)), "NETWORK (seen): bytes were under way for 8.0 s on leg 0");
    CHECK_STR(JUDGED(LEG(.response = 8, .working = 7.5, .server = 7.5)),
              "SERVER (seen): the server took 7.5 s by X-ElapsedTime");
    /* Two legs: the device between, the server behind both, or the leg where bytes are slow. */
    CHECK_STR(JUDGED(LEG(.wait = 9), LEG(.wait = 1)),
              "NETWORK DEVICE (seen): 8.0 s of it passed between leg 0 and leg 1");
    CHECK_STR(JUDGED(LEG(.wait = 9), LEG(.wait = 8.5)),
              "SERVER: 8.5 s of it passed behind leg 1, the last one in this file");
    CHECK_STR(
        JUDGED(LEG(.wait = 1, .response = 8), LEG(.response = 7)),
        "NETWORK (seen): bytes were under way for 7.0 s on leg 1, the last of those in this file where they are slow");
    CHECK_STR(
        JUDGED(LEG(.wait = 1, .response = 8), LEG(.wait = 1)),
        "NETWORK (seen): bytes were under way for 8.0 s on leg 0, the last of those in this file where they are slow");
    CHECK_STR(JUDGED(LEG(.wait = 9), LEG(.wait = 8.8), LEG(.wait = 1)),
              "NETWORK DEVICE (seen): 7.8 s of it passed between leg 1 and leg 2");
    /* Who does not read for half of the time: the one farthest from what waits for him. */
#define UNREAD(way, seconds) .closed = { [way] = seconds }
    CHECK_STR(JUDGED(LEG(.wait = 1, .response = 9, UNREAD(WAY_TO_SERVER, 5))),
              "CLIENT: the client did not read for 5.0 s: its receive window was closed on leg 0");
    CHECK_STR(JUDGED(LEG(.wait = 1, .response = 9, UNREAD(WAY_TO_SERVER, 4.9))),
              "NETWORK (seen): bytes were under way for 9.0 s on leg 0");
    CHECK_STR(
        JUDGED(LEG(.response = 9, UNREAD(WAY_TO_SERVER, 9), .forwarded = true)),
        "CANNOT TELL: the device that is its client did not read for 9.0 s: its receive window was closed on leg 0, perhaps "
        "because its own client did not");
    CHECK_STR(JUDGED(LEG(.response = 9, UNREAD(WAY_TO_SERVER, 9)), LEG(.response = 9, UNREAD(WAY_TO_SERVER, 8))),
              "CLIENT: the client did not read for 9.0 s: its receive window was closed on leg 0");
    CHECK_STR(
        JUDGED(LEG(.response = 9), LEG(.response = 9, UNREAD(WAY_TO_SERVER, 8))),
        "NETWORK DEVICE: the device that is its client did not read for 8.0 s: its receive window was closed on leg 1, "
        "though its own client did");
    CHECK_STR(
        JUDGED(LEG(.request = 9, UNREAD(WAY_TO_CLIENT, 8))),
        "CANNOT TELL: what answers there did not read for 8.0 s: its receive window was closed on leg 0: server, or a "
        "device that waits for it");
    CHECK_STR(
        JUDGED(LEG(.request = 9, UNREAD(WAY_TO_CLIENT, 8)), LEG(.request = 9)),
        "NETWORK DEVICE: the device did not read for 8.0 s: its receive window was closed on leg 0, though the leg behind "
        "took all");
    CHECK_STR(JUDGED(LEG(.request = 9, UNREAD(WAY_TO_CLIENT, 8)), LEG(.request = 9, UNREAD(WAY_TO_CLIENT, 7))),
              "SERVER: the server did not read for 7.0 s: its receive window was closed on leg 1");
    /* Clocks that differ compare nothing. */
    CHECK_STR(JUDGED_APART(LEG(.wait = 9), LEG(.wait = 1)),
              "CANNOT TELL: behind leg 0, but the clocks of leg 1 differ: server or device");
    CHECK_STR(JUDGED_APART(LEG(.wait = 9), LEG(.wait = 1, .server = 8)),
              "SERVER (seen): the server took 8.0 s by X-ElapsedTime");
}

/* The ten slowest, the slowest first, the earlier one first of equals; types by all of their time. */
static void test_order(void)
{
    struct heap heap = { .blocks = NULL };
    struct arena arena = heap_arena(&heap);
    struct track track;
    struct slow_row row;
    struct slow_type_row type;
    struct endpoint client = end_of("10.0.0.1:50001"), server = end_of("10.0.0.80:80");
    track_init(&track, &arena, NULL, NULL);
    CHECK(!slow_row(&track, 0, &row) && !slow_type_row(&track, 0, &type));
    const struct conn *conn = conn_new(&track, CONN_MAPI, 0, &client, &server, &(struct conn_past){ .syn = false });
    for (uint32_t i = 0; i < 25; i++) {
        const struct timing timing = { .times = { .wait = (int64_t)(i * 7 % 25 / 2) * SECOND },
                                       .server_ns = i % 2 ? SECOND : -1,
                                       .asked = { .frame = i + 1 },
                                       .conn = conn,
                                       .operation = (uint16_t)(1 + i % 3) };
        timing_note(&track, &timing, i != 24);
    }
    int64_t before = INT64_MAX;
    uint32_t frame = 0;
    for (unsigned i = 0; i < SLOWEST_KEPT; i++) {
        CHECK(slow_row(&track, i, &row));
        CHECK(row.total < before || (row.total == before && row.asked_frame > frame));
        CHECK(row.total >= 7 * SECOND);
        before = row.total;
        frame = row.asked_frame;
    }
    CHECK(!slow_row(&track, SLOWEST_KEPT, &row));
    uint32_t count = 0;
    before = INT64_MAX;
    for (unsigned i = 0; slow_type_row(&track, i, &type); i++) {
        CHECK(type.average.wait * type.count <= before);
        before = type.average.wait * type.count;
        count += type.count;
        CHECK_INT(type.server_ns, SECOND);
    }
    CHECK_INT(count, 25);

    struct out out = { .arena = &arena };
    slow_say(&track, &out);
    unsigned lines = 0;
    for (const char *p = out_string(&out); *p; p++) {
        lines += *p == '\n';
    }
    CHECK_INT(lines, SLOWEST_KEPT + 3);
    CHECK(strstr(out_string(&out), "Connect, leg 0, 9 of them: request 0.0 ms, wait ") != NULL);
    struct out written = { .arena = &arena };
    struct json json = { .out = &written };
    json_object(&json, NULL);
    slow_json(&track, &json);
    json_end_object(&json);
    CHECK(strstr(out_string(&written), "\"operation\":\"Connect\"") ||
          strstr(out_string(&written), "\"operation\": \"Connect\""));
    CHECK(strstr(out_string(&written), "slow_types") != NULL);
    heap_free(&heap);
}

static void test_names(void)
{
    char text[OPERATION_TEXT_MAX];
    CHECK_STR(operation_text(text, operation_of_type(MAPI_EXECUTE)), "Execute");
    CHECK_STR(operation_text(text, operation_of_type(MAPI_NONE)), "(none)");
    CHECK_STR(operation_text(text, operation_of_type(255)), "(unknown)");
    CHECK_STR(operation_text(text, operation_of_call(RPC_EMSMDB, 11)), "EMSMDB EcDoRpcExt2");
    CHECK_STR(operation_text(text, operation_of_call(RPC_ASYNC_EMSMDB, 0)), "AsyncEMSMDB EcDoAsyncWaitEx");
    CHECK_STR(operation_text(text, operation_of_call(RPC_NSPI, 3)), "NSPI NspiQueryRows");
    CHECK_STR(operation_text(text, operation_of_call(RPC_NSPI, 20)), "NSPI NspiResolveNamesW");
    CHECK_STR(operation_text(text, operation_of_call(RPC_NSPI, 21)), "NSPI operation 21");
    CHECK_STR(operation_text(text, operation_of_call(RPC_RFR, 1)), "RFRI RfrGetFQDNFromServerDN");
    CHECK_STR(operation_text(text, operation_of_call(RPC_TSGU, 9)), "TSGU TsProxySendToServer");
    CHECK_STR(operation_text(text, operation_of_call(RPC_INTERFACE_OTHER, 65535)),
              "other interface operation 31 and above");
    CHECK_STR(operation_call_text(text, RPC_INTERFACE_UNKNOWN, 77), "operation 77");
    CHECK(MAPI_TYPES <= OPERATION_CALLS && RPC_TSGU + 1 == OPERATION_INTERFACES);
}

int main(void)
{
    test_times();
    test_left_out();
    test_legs();
    test_unanswered();
    test_judged();
    test_order();
    test_names();
    transcript_end(__FILE__);
    return unit_end();
}
