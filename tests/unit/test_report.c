/* test_report.c
 * The report: one cause is one finding, victims are counted once, filters select them, what cannot be told is not
 * denied, and whatever clients write does no harm.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "report_private.h"
#include "scene.h"

#define A "10.0.0.81:80"
#define B "10.0.0.82:80"
#define C "10.0.0.83:80"
#define D "10.0.0.84:80"

struct made {
    struct heap heap;
    struct arena arena;
    struct overview overview;
    struct report *report;
    const char *text, *json;
};

static void make_at(struct made *made, const struct scene *scene, unsigned width)
{
    struct report_input input = { .overview = &made->overview, .version = "1.2.3" };
    if (scene) {
        input.rpch = scene->outlook->rpch;
        input.mapi = scene->outlook->mapi;
        input.logons = scene->outlook->logons;
        input.track = &scene->outlook->track;
        input.verdicts = scene->told.told;
        input.verdict_count = scene->told.count;
    }
    made->report = report_new(&made->arena, &input);
    made->text = report_text(made->report, width, false);
    made->json = report_json(made->report);
    if (width == REPORT_WIDTH) {
        transcript_lines(made->text);
    }
    transcript_fold();
    transcript_lines(made->text);
    transcript_lines(made->json);
    transcript_unfold("    the same, and JSON");
}

static void made_begin(struct made *made)
{
    memset(made, 0, sizeof(*made));
    made->arena = heap_arena(&made->heap);
    made->overview.arena = &made->arena;
    overview_packet(&made->overview, SCENE_START, false);
    overview_packet(&made->overview, SCENE_START + 5 * SECOND, false);
}

static void make(struct made *made, const struct scene *scene)
{
    made_begin(made);
    make_at(made, scene, REPORT_WIDTH);
}

static void made_end(struct made *made)
{
    heap_free(&made->heap);
}

#define SAYS(made, what) says((made)->text, what, true, __FILE__, __LINE__)
#define SAYS_NOT(made, what) says((made)->text, what, false, __FILE__, __LINE__)
#define JSON_SAYS(made, what) says((made)->json, what, true, __FILE__, __LINE__)

static void says(const char *text, const char *what, bool does, const char *file, int line)
{
    const bool good = (strstr(text, what) != NULL) == does;
    unit_check(good, file, line, what);
    if (!good) {
        fprintf(stderr, "%s\n", text);
    }
}

/* Brackets close what they open, outside of strings, and no control character is there. */
static void check_json(const char *json)
{
    char open[JSON_DEPTH_MAX + 1];
    unsigned depth = 0;
    bool string = false, bad = false;
    for (const char *at = json; *at && !bad; at++) {
        bad |= (uint8_t)*at < 0x20 && (*at != '\n' || string);
        if (string) {
            at += *at == '\\' && at[1];
            string = *at != '"' || at[-1] == '\\';
            continue;
        }
        string = *at == '"';
        if (*at == '{' || *at == '[') {
            open[depth++] = *at == '{' ? '}' : ']';
        } else if (*at == '}' || *at == ']') {
            bad |= depth == 0 || open[--depth] != *at;
        }
    }
    CHECK(!bad && depth == 0 && !string);
}

static void check_width(const char *text, unsigned width)
{
    unsigned column = 0, widest = 0;
    for (const char *at = text; *at; at++) {
        column = *at == '\n' ? 0 : column + (((uint8_t)*at & 0xC0) != 0x80);
        widest = column > widest ? column : widest;
    }
    CHECK(widest <= width);
}

static struct tap to(struct scene *scene, unsigned client, const char *server)
{
    char name[32];
    snprintf(name, sizeof(name), "10.1.%u.%u:%u", client / 200, 1 + client % 200, 1001 + scene->streams);
    return tap_http(scene, name, server);
}

/* A connection whose halves go to those servers: never joined, until OUT is closed; or open where they are one. */
static void connect(struct scene *scene, unsigned n, const char *in_server, const char *out_server)
{
    struct tap in = to(scene, n, in_server), out = to(scene, n, out_server);
    if (strcmp(in_server, out_server) == 0) {
        open_both(&in, &out, n + 1);
        return;
    }
    start_both(&in, &out, n + 1);
    take_out(&out);
    tap_fin(&out, WAY_TO_CLIENT);
    tap_fin(&in, WAY_TO_SERVER);
}

/* ---- Folding ------------------------------------------------------------------------------- */

static void test_one(void)
{
    struct scene scene;
    struct made made;
    scene_begin(&scene);
    connect(&scene, 0, A, B);
    make(&made, &scene);
    SAYS(&made, "FAILED  1 of 1 RPC over HTTP connection never opened: the halves reached servers that did not join");
    SAYS(&made, "  who    EXAMPLE\\alice (Basic) at 10.1.0.1 -> ex1.example.test:6004\n");
    SAYS(&made, "connection 0 leg 0: OUT to 10.0.0.82:80 (frame ");
    SAYS(&made, "  see    wireshark -r FILE -Y 'rpch.vc == 0'\n");
    SAYS_NOT(&made, "among");
    SAYS_NOT(&made, "healthy");
    CHECK_INT(report_result(made.report), REPORT_FAILED);
    CHECK_INT(report_shown(made.report), 1);
    CHECK_STR(report_filter(made.report, 0), "rpch.vc == 0");
    CHECK_STR(report_filter(made.report, 1), "");
    JSON_SAYS(&made, "\"result\": \"failed\"");
    JSON_SAYS(&made, "\"verdict\": \"rpch.routing.backend_mismatch\"");
    JSON_SAYS(&made, "\"version\": \"1.2.3\"");
    check_json(made.json);
    made_end(&made);
    scene_end(&scene);
}

/* Split by pair of servers and by direction it is one finding all the same. */
static void test_many(void)
{
    static const char *const ways[][2] = { { A, B }, { B, A }, { C, D }, { A, A }, { D, C }, { C, C } };
    struct scene scene;
    struct made made;
    scene_begin(&scene);
    for (unsigned n = 0; n < 60; n++) {
        connect(&scene, n, ways[n % 6][0], ways[n % 6][1]);
    }
    make(&made, &scene);
    SAYS(&made, "FAILED  40 of 60 RPC over HTTP connections never opened");
    SAYS(&made, "among 4 servers");
    SAYS(&made, "10.1.0.1 -> ex1.example.test:6004");
    SAYS(&made, " and 37 more");
    SAYS(&made, "  among  20 by 10.0.0.81:80 and 10.0.0.82:80; 20 by 10.0.0.83:80 and 10.0.0.84:80\n");
    SAYS(&made, "  see    wireshark -r FILE -Y 'rpch.vc in {0..2, 4, 6..8, 10,");
    SAYS(&made, "healthy  20 of 60 RPC over HTTP connections: EXAMPLE\\alice (Basic)\n");
    CHECK_INT(made.report->group_count, 1);
    CHECK(made.report->groups[0].filter_whole);
    CHECK_INT(made.report->groups[0].of[OF_CONNECTION], 40);
    CHECK_INT(made.report->groups[0].servers.count, 4);
    JSON_SAYS(&made, "\"count\": 40,\n      \"total\": 60");
    check_json(made.json);
    made_end(&made);
    for (unsigned width = 30; width <= 200; width += 17) {
        made_begin(&made);
        make_at(&made, &scene, width);
        check_width(made.text, width);
        /* names are whole: fewer of them where there is less room */
        if (width >= 64) {
            const char *who = strstr(made.text, "  who    "), *more = who ? strstr(who, " more\n  first ") : NULL;
            CHECK(who && more && !strstr(who, "..."));
        }
        /* and none of them is left out for the sake of its target */
        if (width == 64) {
            SAYS(&made, "(Basic) at 10.1.0.2, EXAMPLE\\alice (Basic) at 10.1.0.3\n         and 37 more\n");
        }
        made_end(&made);
    }
    scene_end(&scene);
}

/* Another answer calls for something else: that is another finding, though of the same name. */
static void test_causes(void)
{
    struct scene scene;
    struct made made;
    scene_begin(&scene);
    for (unsigned n = 0; n < 6; n++) {
        struct tap in = to(&scene, n, A), out = to(&scene, n, n % 2 ? A : B);
        tap_request(&in, HTTP_RPC_IN_DATA);
        tap_request(&out, HTTP_RPC_OUT_DATA);
        tap_status(&out, n < 4 ? 503 : 403);
        tap_fin(&out, WAY_TO_CLIENT);
        tap_fin(&in, WAY_TO_SERVER);
    }
    make(&made, &scene);
    CHECK_INT(made.report->group_count, 2);
    CHECK_INT(made.report->groups[0].count, 4);
    CHECK_INT(made.report->groups[1].count, 2);
    CHECK(made.report->groups[0].first->verdict.kind == V_REFUSED);
    made_end(&made);
    scene_end(&scene);
}

/* ---- Filters ------------------------------------------------------------------------------- */

static void check_filter(const char *expected, bool whole, uint32_t *numbers, uint32_t count)
{
    struct heap heap = { 0 };
    struct arena arena = heap_arena(&heap);
    struct out out = { .arena = &arena };
    CHECK(filter_say(&out, "rpch.vc", numbers, count) == whole);
    CHECK_STR(out_string(&out), expected);
    heap_free(&heap);
}

static void test_filters(void)
{
    check_filter("", true, NULL, 0);
    check_filter("rpch.vc == 7", true, (uint32_t[]){ 7 }, 1);
    check_filter("rpch.vc == 7", true, (uint32_t[]){ 7, 7 }, 2);
    check_filter("rpch.vc in {3, 7}", true, (uint32_t[]){ 7, 3 }, 2);
    check_filter("rpch.vc in {3, 4, 7}", true, (uint32_t[]){ 4, 7, 3, 4 }, 4);
    check_filter("rpch.vc in {0..3, 4294967294}", true, (uint32_t[]){ 2, 1, 4294967294u, 0, 3 }, 5);
    check_filter("rpch.vc in {0..3}", true, (uint32_t[]){ 2, 1, 0, 3 }, 4);
    uint32_t many[4000];
    struct heap heap = { 0 };
    struct arena arena = heap_arena(&heap);
    struct out out = { .arena = &arena };
    for (uint32_t i = 0; i < COUNT_OF(many); i++) {
        many[i] = UINT32_MAX - 3 * i;
    }
    CHECK(!filter_say(&out, "mapihttp.session", many, COUNT_OF(many)));
    CHECK(out.used < 1000 && out.s[out.used - 1] == '}');
    heap_free(&heap);
}

/* ---- More than a screen has ---------------------------------------------------------------- */

/* As many requests refused, each for another cause, of no session. */
static void many_causes(struct verdict *verdicts, const struct verdict **list, unsigned count)
{
    static const char *const texts[] = {
        "Seen: a; inferred: the first; next: ask", "Seen: a; inferred: x; next: b",   "Seen: a; inferred: x; next: c",
        "Seen: a; inferred: x; next: d",           "Seen: a; inferred: x; next: e",   "Seen: a; inferred: x; next: f",
        "Seen: a; inferred: the seventh; next: g", "Seen: a; inferred: x; next: h",   "Seen: a; inferred: x; next: i",
        "Seen: a; inferred: x; next: j",           "Seen: a; inferred: x; next: k k",
    };
    CHECK(count <= COUNT_OF(texts));
    for (unsigned i = 0; i < count; i++) {
        verdicts[i] = (struct verdict){ .kind = V_RESPONSE_CODE,
                                        .severity = V_WARNING,
                                        .when = { i + 1, SCENE_START + i },
                                        .vc = NO_NUMBER,
                                        .session = NO_NUMBER,
                                        .leg = NO_NUMBER,
                                        .text = texts[i] };
        list[i] = &verdicts[i];
    }
}

static unsigned count_of(const char *text, const char *what)
{
    unsigned count = 0;
    while ((text = strstr(text, what)) != NULL) {
        text += strlen(what);
        count++;
    }
    return count;
}

/* A screen has as many in full as it has room for, others in a line, and counts the rest; a window has nine in full, a number each. */
static void test_numbers(void)
{
    struct verdict verdicts[11];
    const struct verdict *list[11];
    for (unsigned count = 6; count <= 11; count++) {
        struct made made;
        made_begin(&made);
        many_causes(verdicts, list, count);
        struct report_input input = { .overview = &made.overview,
                                      .version = "1",
                                      .verdicts = list,
                                      .verdict_count = count };
        made.report = report_new(&made.arena, &input);
        made.text = report_text(made.report, REPORT_WIDTH, false);
        const unsigned shown = count < FINDINGS_SHOWN ? count : FINDINGS_SHOWN;
        CHECK_INT(report_shown(made.report), shown);
        CHECK_INT(count_of(made.text, "FAILED  1 request refused by X-ResponseCode"), shown);
        CHECK_INT(count_of(made.text, "  see    wireshark"), 4); /* of seven lines each */
        says(made.text, "FAILED  1 request refused by X-ResponseCode (frame.number == 7): the seventh\n", count > 6,
             __FILE__, __LINE__);
        says(made.text, "and 2 more in 2 other findings, 2 of failures: ", count == 11, __FILE__, __LINE__);
        made.text = report_text(made.report, REPORT_WIDTH, true);
        CHECK_INT(report_shown(made.report), shown);
        CHECK_INT(count_of(made.text, "\n  see    frame.number == "), shown);
        for (unsigned i = 0; i < shown; i++) {
            char number[32], filter[32];
            snprintf(number, sizeof(number), "\n%u  FAILED  1 request", i + 1);
            snprintf(filter, sizeof(filter), "frame.number == %u", i + 1);
            SAYS(&made, number);
            CHECK_STR(report_filter(made.report, i), filter);
        }
        SAYS_NOT(&made, "\n10  FAILED");
        made.text = report_text(made.report, 60, false); /* what is left has as many lines as it needs */
        says(made.text,
             "\nand 2 more in 2 other findings, 2 of failures: tshark\n   -q -z outlook,report,json has them all\n",
             count == 11, __FILE__, __LINE__);
        made_end(&made);
    }
}

/* Two rules that one answer breaks are one finding. */
static void test_besides(void)
{
    struct verdict verdicts[2];
    const struct verdict *list[2];
    struct endpoint client = end_of("10.0.0.1:50000"), server = end_of(A);
    for (unsigned order = 0; order < 3; order++) {
        struct made made;
        struct track track;
        struct conn_past past = { .round_trip = 0 };
        made_begin(&made);
        track_init(&track, &made.arena, NULL, NULL);
        const struct conn *conn = conn_new(&track, CONN_MAPI, 1, &client, &server, &past);
        many_causes(verdicts, list, 2);
        verdicts[order % 2].kind = V_SEQUENCE_BROKEN;
        verdicts[1].when.frame = order == 2 ? 2 : 1;
        verdicts[0].origin.conn = verdicts[1].origin.conn = conn;
        struct report_input input = { .overview = &made.overview,
                                      .version = "1",
                                      .verdicts = list,
                                      .verdict_count = 2 };
        made.report = report_new(&made.arena, &input);
        made.text = report_text(made.report, REPORT_WIDTH, false);
        CHECK_INT(made.report->group_count, order == 2 ? 2 : 1);
        SAYS(&made, "FAILED  1 request broke the sequence of requests\n");
        says(made.text, "  also   mapihttp.response_code.failed\n", order < 2, __FILE__, __LINE__);
        made_end(&made);
    }
}

/* What a logon's verdict explains is told with it, whatever stands between them; what it does not is told beside it. */
static void test_explained(void)
{
    struct verdict verdicts[3];
    const struct verdict *list[3];
    for (uint32_t explained = 0; explained <= 2; explained++) {
        struct made made;
        made_begin(&made);
        many_causes(verdicts, list, 3);
        verdicts[0].kind = V_NTLM_TORN;
        verdicts[1].kind = V_AUTH_SLOW;
        verdicts[2].kind = V_AUTH_REFUSED;
        verdicts[2].explained = explained;
        struct report_input input = { .overview = &made.overview,
                                      .version = "1",
                                      .verdicts = list,
                                      .verdict_count = 3 };
        made.report = report_new(&made.arena, &input);
        made.text = report_text(made.report, REPORT_WIDTH, true);
        CHECK_INT(made.report->part_count, explained ? 2 : 3);
        for (uint32_t i = 0; i < made.report->part_count; i++) {
            const struct part *part = &made.report->parts[i];
            CHECK_INT(part->number, i + 1);
            CHECK_INT(part->besides != 0, explained == i + 1);
        }
        SAYS(&made, "see    frame.number == 1\n");
        says(made.text, "frame.number == 3", explained == 0, __FILE__, __LINE__);
        made_end(&made);
    }
}

/* ---- Slow ones ----------------------------------------------------------------------------- */

/* The slowest is named, and of slow ones where the time went: once, and the same in JSON. */
static void test_slow(void)
{
    struct made made;
    struct track track;
    struct endpoint client = end_of("10.0.0.1:50000"), server = end_of(A);
    struct conn_past past = { .round_trip = 0 };
    for (unsigned slow = 0; slow <= 5; slow++) {
        made_begin(&made);
        track_init(&track, &made.arena, NULL, NULL);
        for (unsigned i = 0; i < 5; i++) {
            struct timing timing = { .times = { .wait = i < slow ? (9 - i) * SECOND : 4300 * (MILLISECOND / 1000) },
                                     .server_ns = -1,
                                     .asked = { 2 * i + 1, SCENE_START },
                                     .ended = { 2 * i + 2, SCENE_START },
                                     .conn = conn_new(&track, CONN_MAPI, i, &client, &server, &past),
                                     .operation = MAPI_EXECUTE };
            timing_note(&track, &timing, true);
        }
        struct report_input input = { .overview = &made.overview, .version = "1", .track = &track };
        made.report = report_new(&made.arena, &input);
        made.text = report_text(made.report, 300, false);
        made.json = report_json(made.report);
        CHECK_INT(count_of(made.text, "slowest"), 1);
        CHECK_INT(count_of(made.text, "leg 0 to " A ": request"), slow < 3 ? slow : 3);
        says(made.text, "slowest  Execute, 4.3 ms, frames 1 to 2, 10.0.0.1\n", slow == 0, __FILE__, __LINE__);
        says(made.text, "slowest  Execute, 9.0 s, frames 1 to 2, 10.0.0.1; leg 0 to", slow > 0, __FILE__, __LINE__);
        says(made.text, "\n         others: -z outlook,report,slow\n", slow > 3, __FILE__, __LINE__);
        JSON_SAYS(&made, "\"slowest\": {\n    \"type\": \"Execute\",\n");
        says(made.json, "\"seconds\": 9.000000,\n    \"connection\": null,\n    \"session\": null,\n", slow > 0,
             __FILE__, __LINE__);
        JSON_SAYS(&made, "\"client\": \"10.0.0.1\"\n");
        check_json(made.json);
        made_end(&made);
    }
}

/* ---- What cannot be told ------------------------------------------------------------------- */

static struct overview_conn *tcp(struct made *made, bool from_syn, bool both)
{
    struct endpoint client = end_of("10.0.0.1:50000"), server = end_of(A);
    struct overview *overview = &made->overview;
    const uint32_t stream = overview->conns.count;
    struct segment segment = { .when = { 1, SCENE_START }, .seq = 1, .syn = from_syn };
    struct overview_conn *conn = overview_segment(overview, stream, &client, &server, &segment, NULL);
    segment = (struct segment){ .when = { 2, SCENE_START }, .seq = 2, .len = 2, .captured = 2 };
    overview_segment(overview, stream, &client, &server, &segment, (const uint8_t *)"xx");
    segment = (struct segment){ .when = { 3, SCENE_START }, .seq = 1, .has_ack = true, .ack = 4 };
    if (both) {
        overview_segment(overview, stream, &server, &client, &segment, NULL);
    }
    return conn;
}

#define NONE "no RPC over HTTP connection, no MAPI/HTTP session\n"

static void test_nothing(void)
{
    struct made made;
    made_begin(&made);
    tcp(&made, true, true);
    make_at(&made, NULL, 100);
    SAYS(&made, NONE);
    SAYS_NOT(&made, "CANNOT TELL");
    CHECK_INT(report_result(made.report), REPORT_CANNOT_TELL); /* nothing is there to be called healthy */
    JSON_SAYS(&made, "\"result\": \"cannot_tell\"");
    JSON_SAYS(&made, "\"findings\": []");
    check_json(made.json);
    made_end(&made);
    memset(&made, 0, sizeof(made));
    made.arena = heap_arena(&made.heap);
    made.overview.arena = &made.arena;
    make_at(&made, NULL, 100);
    SAYS(&made, "no packets\n");
    SAYS_NOT(&made, NONE);
    check_json(made.json);
    made_end(&made);
}

/* Each thing that may have hidden a connection: it is named, with its remedy, and nothing is denied. */
static void test_hidden(void)
{
    struct made made;
    for (int what = 0; what < 7; what++) {
        static const char *const expected[] = {
            "CANNOT TELL  1 TLS connection: not decrypted, for no keys were given",
            "CANNOT TELL  1 TLS connection: not decrypted: the key log that was given fits none of them",
            "CANNOT TELL  1 TCP connection: begun before the capture",
            "CANNOT TELL  1 TCP connection: one direction was captured only",
            "CANNOT TELL  1 TCP connection: HTTP/2, in which MAPI/HTTP is not followed",
            "CANNOT TELL  1 packet: cut by the snap length",
            "CANNOT TELL  3 packets: of an encrypted tunnel",
        };
        made_begin(&made);
        struct overview_conn *conn = tcp(&made, what != 2, what != 3);
        if (what <= 1) {
            conn->tls = conn->finished = true;
            conn->half[0].hello = conn->half[1].hello = true;
            made.overview.key_log = what == 1;
        }
        conn->http2 = what == 4;
        made.overview.cut = what == 5;
        made.overview.opaque = what == 6 ? 3 : 0;
        make_at(&made, NULL, 100);
        SAYS(&made, expected[what]);
        SAYS(&made, "\n  next   ");
        SAYS_NOT(&made, NONE);
        CHECK_INT(report_result(made.report), REPORT_CANNOT_TELL);
        CHECK_INT(made.report->doubt_count, 1);
        check_json(made.json);
        made_end(&made);
    }
    /* What is known to be something else hides nothing. */
    for (int what = 0; what < 3; what++) {
        made_begin(&made);
        struct overview_conn *conn = tcp(&made, what != 0, what != 1);
        conn->other = what <= 1;
        conn->tls = what == 2; /* a handshake that was refused */
        conn->has_alert = true;
        conn->alert = 48;
        conn->half[0].hello = true;
        make_at(&made, NULL, 100);
        SAYS(&made, NONE);
        made_end(&made);
    }
}

/* What was not captured whole is not called healthy, nor what has not opened. */
static void test_unclear(void)
{
    struct scene scene;
    struct made made;
    scene_begin(&scene);
    struct tap in = to(&scene, 0, A), out = to(&scene, 0, A);
    start_both(&in, &out, 1);
    connect(&scene, 1, B, B);
    make(&made, &scene);
    SAYS(&made, "CANNOT TELL  1 RPC over HTTP connection: neither opened nor failed by the end of the capture");
    SAYS(&made, "healthy  1 of 2 RPC over HTTP connections");
    CHECK_INT(report_result(made.report), REPORT_CANNOT_TELL);
    JSON_SAYS(&made, "\"filter\": \"rpch.vc == 0\"");
    made_end(&made);
    /* TLS that stayed closed towards a server that is known to speak it: there may be more. */
    scene_end(&scene);
    scene_begin(&scene);
    connect(&scene, 1, A, A);
    made_begin(&made);
    struct overview_conn *conn = tcp(&made, true, true);
    conn->tls = conn->finished = conn->half[0].hello = true;
    make_at(&made, &scene, 100);
    SAYS(&made, "healthy  1 of 1");
    CHECK_INT(report_result(made.report), REPORT_CANNOT_TELL);
    made_end(&made);
    made_begin(&made);
    make_at(&made, &scene, 100);
    CHECK_INT(report_result(made.report), REPORT_HEALTHY);
    made_end(&made);
    scene_end(&scene);
}

/* Requests without a session, and connections without a channel: what is asked for is what was missing. */
static void test_requests(void)
{
    static const char *const remedies[] = { "  next   begin the capture before Outlook connects; join the files",
                                            "  next   capture both directions",
                                            "  next   begin the capture before Outlook connects, and let it go on",
                                            "  next   see what is sent there",
                                            "  next   let the capture go on until Outlook is let in",
                                            "  next   see Location of the redirections" };
    for (int what = 0; what < 6; what++) {
        struct scene scene;
        struct made made;
        scene_begin(&scene);
        to(&scene, 0, A);
        made_begin(&made);
        tcp(&made, what != 0, what != 1);
        struct report_input input = { .overview = &made.overview,
                                      .version = "1",
                                      .track = &scene.outlook->track,
                                      .mapi_requests = what == 3 ? 0 : 7,
                                      .mapi_challenged = what == 4 ? 7 :
                                                         what < 2  ? 6 :
                                                         what == 5 ? 4 :
                                                                     0,
                                      .mapi_redirected = what == 5 ? 3 : 0 };
        made.report = report_new(&made.arena, &input);
        made.text = report_text(made.report, 200, false);
        says(made.text, "CANNOT TELL  7 requests of MAPI/HTTP: of no session", what != 3, __FILE__, __LINE__);
        says(made.text, "CANNOT TELL  1 TCP connection of RPC over HTTP or MAPI/HTTP: captured whole", what == 3,
             __FILE__, __LINE__);
        for (int i = 0; i < 6; i++) {
            says(made.text, remedies[i], i == what, __FILE__, __LINE__);
        }
        made_end(&made);
        scene_end(&scene);
    }
}

/* Of an archive nobody captured a packet: nothing is said of TCP, nothing is denied, and no remedy is one of captures. */
static void test_archive(void)
{
    static const char *const never[] = { NONE,      "capture both",   "begin the capture", "ONE direction",
                                         "no gaps", "gaps in",        "snap length",       "ring buffer",
                                         "key log", "of the capture", "mirror port",       "not captured",
                                         "no SYN",  "Follow > TCP",   "were captured" };
    for (int what = 0; what < 4; what++) {
        struct scene scene;
        struct made made;
        scene_begin(&scene);
        struct tap in, out;
        if (what == 0) { /* neither opened nor failed */
            in = to(&scene, 0, A);
            out = to(&scene, 0, A);
            start_both(&in, &out, 1);
        } else if (what == 1) { /* without a SYN, as all of an archive */
            const struct conn_past late = { .syn = false };
            in = tap_open_past(&scene, RTS_HOP_HTTP, "10.0.0.1:1001", A, late);
            out = tap_open_past(&scene, RTS_HOP_HTTP, "10.0.0.1:1002", A, late);
            start_both(&in, &out, 1);
        } else if (what == 2) { /* claimed, and no channel */
            in = to(&scene, 0, A);
        }
        made_begin(&made);
        overview_made(&made.overview, "HAR file x.har");
        tcp(&made, false, false);
        CHECK(!overview_is_archive(&made.overview));
        overview_made(&made.overview, "HAR file x.har");
        make_at(&made, what < 3 ? &scene : NULL, 200);
        SAYS(&made, "made from HAR file x.har (1 TCP connection): no packet was captured\n");
        SAYS(&made, "CANNOT TELL  1 ");
        JSON_SAYS(&made, "\"archive\": \"HAR file x.har\"");
        CHECK_INT(report_result(made.report), REPORT_CANNOT_TELL);
        for (size_t i = 0; i < COUNT_OF(never); i++) {
            SAYS_NOT(&made, never[i]);
        }
        const char *expected[] = { "neither opened nor failed in what was recorded",
                                   "an archive does not tell how TCP connections begin and end",
                                   "too little of their content is in the archive",
                                   "1 archive: it has no request of RPC over HTTP or MAPI/HTTP" };
        SAYS(&made, expected[what]);
        check_json(made.json);
        made_end(&made);
        scene_end(&scene);
    }
}

/* TLS that stays closed: alike ones in one, those of most first, those that nobody has room for counted. */
static void test_closed(void)
{
    static const char *const hosts[] = { "mail.example.test", "autodiscover.example.test", NULL };
    struct made made;
    for (unsigned kinds = 1; kinds <= 71; kinds += kinds < 12 ? 1 : 20) {
        made_begin(&made);
        for (unsigned n = 0; n < 2 * kinds; n++) {
            struct overview_conn *conn = tcp(&made, true, true);
            const unsigned kind = n % kinds;
            conn->tls = true;
            conn->server_name = hosts[kind % 3];
            conn->end[1].port = (uint16_t)(443 + kind / 3);
            conn->finished = kind % 2;
            conn->half[0].hello = true;
            conn->half[1].hello = kind % 4 < 2;
            conn->longest_idle = (int64_t)(n + 1) * (n < kinds ? 7 : 3) * SECOND;
            conn->closed = kind % 5 > 0;
            conn->closed_by = kind % 2;
            conn->reset = kind % 5 == 3;
            conn->decrypted = n == 3;
        }
        made.overview.key_log = kinds == 3;
        make_at(&made, NULL, REPORT_WIDTH);
        SAYS(&made, "TLS connection");
        check_json(made.json);
        made_end(&made);
    }
}

/* All that may hide something at once; and what is broken on the wire, whoever's it is. */
static void test_all_doubts(void)
{
    struct scene scene;
    struct made made;
    for (unsigned what = 0; what < 2; what++) {
        scene_begin(&scene);
        struct tap in = to(&scene, 0, A), out = to(&scene, 0, A);
        start_both(&in, &out, 1);
        connect(&scene, 1, B, B);
        made_begin(&made);
        for (unsigned n = 0; n < 12; n++) {
            struct overview_conn *conn = tcp(&made, n != 2, n != 3);
            conn->tls = conn->finished = n < 2 || n == 7;
            conn->half[0].hello = n < 2;
            conn->http2 = n == 4;
            conn->decrypted = n == 7;
        }
        made.overview.cut = 3;
        made.overview.opaque = 5;
        made.overview.key_log = what == 1;
        struct report_input input = { .overview = &made.overview,
                                      .version = "1",
                                      .rpch = scene.outlook->rpch,
                                      .mapi = scene.outlook->mapi,
                                      .logons = scene.outlook->logons,
                                      .track = &scene.outlook->track,
                                      .verdicts = scene.told.told,
                                      .verdict_count = scene.told.count,
                                      .mapi_requests = 7,
                                      .mapi_looks = what ? 7 : 3,
                                      .broken = { { 1, 11 }, { 22, 12 }, { what ? 0 : 3, 13 } } };
        made.report = report_new(&made.arena, &input);
        made.text = report_text(made.report, REPORT_WIDTH, what == 1);
        made.json = report_json(made.report);
        transcript_lines(made.text);
        transcript_lines(made.json);
        SAYS(&made, "1 packet with a broken PDU, first frame 11 (filter: rpch.rts.malformed)");
        SAYS(&made, "22 packets with an RTS PDU that is out of place");
        JSON_SAYS(&made, "\"broken\": [");
        check_json(made.json);
        made_end(&made);
        scene_end(&scene);
    }
}

/* ---- What clients write -------------------------------------------------------------------- */

static void test_hostile(void)
{
    static const char *const users[] = { "al\x1B[2Jice\n\"FAILED\" \\ \x7F", "\xFF\xFE\xC3(\xE2\x80\xAE",
                                         "'; rm -rf / #", "a'b\"c" };
    struct scene scene;
    struct made made;
    scene_begin(&scene);
    for (unsigned n = 0; n < COUNT_OF(users); n++) {
        struct tap in = to(&scene, n, A), out = to(&scene, n, B);
        struct http_info info = http_request(HTTP_RPC_IN_DATA);
        snprintf(info.auth.user, sizeof(info.auth.user), "%s", users[n]);
        snprintf(info.target, sizeof(info.target), "%s:6004", users[n]);
        tap_head(&in, &info);
        info.method = HTTP_RPC_OUT_DATA;
        tap_head(&out, &info);
        tap_status(&out, 503);
        tap_fin(&out, WAY_TO_CLIENT);
        tap_fin(&in, WAY_TO_SERVER);
    }
    make(&made, &scene);
    check_json(made.json);
    check_width(made.text, REPORT_WIDTH);
    for (const char *at = made.text; *at; at++) {
        CHECK((uint8_t)*at >= 0x20 || *at == '\n');
    }
    SAYS_NOT(&made, "\xFF");
    SAYS(&made, "who    al?[2Jice?\"FAILED\" \\ ?");
    JSON_SAYS(&made, "al\\u001b[2Jice\\u000a\\\"FAILED\\\" \\\\ \\u007f");
    /* The filter, which is put in quotes for a shell, has nothing of theirs. */
    for (uint32_t i = 0; i < made.report->group_count; i++) {
        CHECK(strspn(made.report->groups[i].filter, "abcdefghijklmnopqrstuvwxyz_.0123456789 {},=") ==
              strlen(made.report->groups[i].filter));
    }
    made_end(&made);
    scene_end(&scene);
}

static void test_headlines(void)
{
    bool used[VERDICT_KINDS] = { false };
    for (int kind = 0; kind < VERDICT_KINDS; kind++) {
        const unsigned rank = headline_rank((enum verdict_kind)kind);
        CHECK(headline_of((enum verdict_kind)kind) && rank < VERDICT_KINDS && !used[rank]);
        used[rank] = true;
    }
    CHECK(!headline_of(VERDICT_KINDS) && headline_rank(VERDICT_KINDS) == VERDICT_KINDS);
}

int main(void)
{
    test_one();
    test_many();
    test_causes();
    test_filters();
    test_nothing();
    test_numbers();
    test_besides();
    test_explained();
    test_slow();
    test_hidden();
    test_requests();
    test_archive();
    test_unclear();
    test_closed();
    test_all_doubts();
    test_hostile();
    test_headlines();
    transcript_end(__FILE__);
    return unit_end();
}
