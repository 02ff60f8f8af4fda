/* test_outlook.c
 * One capture file, from bodies as they are sent to what is told of them: who the client is, what its ROPs were about, what
 * the server said of a failure. And what the rest of the plugin asks of it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "client.h"
#include "client_facts.h"
#include "mscene.h"
#include "objects.h"
#include "rop_text.h"
#include "timing.h"

#define BODY_MAX 4000

struct body {
    uint8_t bytes[BODY_MAX];
    size_t len;
};

static void add_text(struct body *body, const char *text)
{
    memcpy(body->bytes + body->len, text, strlen(text));
    body->len += strlen(text);
}

static void add_number(struct body *body, uint64_t number, unsigned size)
{
    for (unsigned i = 0; i < size; i++) {
        body->bytes[body->len++] = (uint8_t)(number >> 8 * i);
    }
}

/* Hexadecimal digits, with any space between them. */
static void add_hex(struct body *body, const char *hex)
{
    unsigned number;
    int used;
    while (sscanf(hex, " %2x%n", &number, &used) == 1) {
        body->bytes[body->len++] = (uint8_t)number;
        hex += used;
    }
}

/* A whole request or response, its body as it is; response: behind PROCESSING and DONE. */
static struct mapi_message *send(struct tap *tap, enum way way, const char *head, const struct body *body)
{
    static const char tags[] = "PROCESSING\r\nDONE\r\nX-ElapsedTime: 5\r\n\r\n";
    char text[BODY_MAX + 1000];
    const size_t before = way == WAY_TO_CLIENT ? sizeof(tags) - 1 : 0;
    int len = snprintf(text, sizeof(text), "%sContent-Length: %u\r\n\r\n", head, (unsigned)(before + body->len));
    memcpy(text + len, tags, before);
    memcpy(text + len + before, body->bytes, body->len);
    tap_bytes(tap, way, text, (size_t)len + before + body->len);
    return tap->last[way];
}

static struct mapi_message *request(struct tap *tap, const char *type, unsigned counter, const char *cookies,
                                    const struct body *body)
{
    char head[1000];
    snprintf(head, sizeof(head),
             "POST /mapi/emsmdb/?MailboxId=m1@example.test HTTP/1.1\r\nHost: mail.example.test\r\n"
             "Content-Type: application/mapi-http\r\nX-RequestType: %s\r\nX-RequestId: " GUID_A ":%u\r\n"
             "X-ClientApplication: Outlook/15.0.4420.1017\r\n%s%s%s",
             type, counter, cookies ? "Cookie: " : "", cookies ? cookies : "", cookies ? "\r\n" : "");
    return send(tap, WAY_TO_SERVER, head, body);
}

static struct mapi_message *response(struct tap *tap, const char *type, const char *lines, const struct body *body)
{
    char head[1000];
    snprintf(head, sizeof(head),
             "HTTP/1.1 200 OK\r\nContent-Type: application/mapi-http\r\nX-RequestType: %s\r\nX-ResponseCode: 0\r\n%s",
             type, lines);
    return send(tap, WAY_TO_CLIENT, head, body);
}

/* An auxiliary buffer of one block, the rest of AUX_HEADER and what follows (MS-OXCRPC 2.2.2.2). */
static void add_aux(struct body *body, const char *hex)
{
    struct body block = { .len = 0 };
    add_hex(&block, hex);
    const size_t size = block.len + 2;
    add_number(body, 8 + size, 4);
    add_hex(body, "0000 0400");
    add_number(body, size, 2);
    add_number(body, size, 2);
    add_number(body, size, 2);
    memcpy(body->bytes + body->len, block.bytes, block.len);
    body->len += block.len;
}

/* AUX_PERF_CLIENTINFO: ClientMode cached, MachineName "PC", UserName "al". */
#define CLIENTINFO                                                               \
    "01 02 01000000 0100 2000 2600 0000 0000 0000 0000 0000 0000 0000 0200 0000" \
    "5000 4300 0000 6100 6C00 0000"
#define NO_AUX ""

static struct body connect_body(const char *user_dn, const char *aux)
{
    struct body body = { .len = 0 };
    add_text(&body, user_dn);
    add_number(&body, 0, 1);
    add_number(&body, 0, 4);    /* Flags */
    add_number(&body, 1252, 4); /* DefaultCodePage */
    add_number(&body, 0x409, 4);
    add_number(&body, 0x409, 4);
    if (*aux) {
        add_aux(&body, aux);
    } else {
        add_number(&body, 0, 4);
    }
    return body;
}

static struct body connected_body(uint32_t error)
{
    struct body body = { .len = 0 };
    add_number(&body, 0, 4); /* StatusCode */
    add_number(&body, error, 4);
    add_number(&body, 60000, 4);
    add_number(&body, 6, 4);
    add_number(&body, 10000, 4);
    add_text(&body, "/o=First");
    add_number(&body, 0, 1);
    add_hex(&body, "4100 0000"); /* DisplayName */
    add_number(&body, 0, 4);
    return body;
}

/* One payload: ROPs and handles, both in hexadecimal. */
static struct body execute_body(bool is_response, const char *rops, const char *handles)
{
    struct body body = { .len = 0 }, list = { .len = 0 }, table = { .len = 0 };
    add_hex(&list, rops);
    add_hex(&table, handles);
    const size_t payload = 2 + list.len + table.len;
    if (is_response) {
        add_number(&body, 0, 8); /* StatusCode, ErrorCode */
    }
    add_number(&body, 0, 4); /* Flags */
    add_number(&body, 8 + payload, 4);
    add_hex(&body, "0000 0400");
    add_number(&body, payload, 2);
    add_number(&body, payload, 2);
    add_number(&body, 2 + list.len, 2);
    memcpy(body.bytes + body.len, list.bytes, list.len);
    body.len += list.len;
    memcpy(body.bytes + body.len, table.bytes, table.len);
    body.len += table.len;
    if (!is_response) {
        add_number(&body, 4096, 4); /* MaxRopOut */
    }
    add_number(&body, 0, 4);
    return body;
}

#define COOKIES "Set-Cookie: sid=s1; path=/mapi\r\nSet-Cookie: sequence=q1; path=/mapi\r\n"
#define ALICE "/o=First/ou=x/cn=Recipients/cn=0123456789abcdef0123456789ABCDEF-alice"

static struct client_row client_of(const struct scene *scene, uint32_t number)
{
    struct client_row row = { .user = "?" };
    CHECK(client_row(&scene->outlook->track, number, &row));
    return row;
}

static const char *rops_said(struct mapi_message *message)
{
    static struct text text;
    text = (struct text){ .used = 0 };
    if (message->rops) {
        outlook_say_rops(message->rops, &text);
    }
    return text.s;
}

static void begin(struct scene *scene, struct tap *tap, const char *name, const char *user_dn, const char *aux)
{
    scene_begin_named(scene, name);
    tap_open(tap, scene, "10.0.0.9:50000", "10.0.0.81:443");
    tap->typed = true;
    struct body body = connect_body(user_dn, aux);
    request(tap, "Connect", 1, NULL, &body);
    body = connected_body(0);
    const struct mapi_message *answer = response(tap, "Connect", COOKIES, &body);
    CHECK(answer && !answer->broken && answer->failure == 0);
}

/* The code page of 8-bit strings that the first ROP has, a RopLogon of the same session. */
static unsigned code_page_of(const struct rop_message *rops)
{
    struct rop_host host;
    struct property_names property_names;
    struct rop_known known = { .code_page = 7 };
    const struct rop_took head = { .id = ROP_LOGON, .input = ROP_NO_INDEX };
    outlook_replay_rops((struct rop_message *)rops, &host, &property_names);
    host.look(host.ctx, 0, 0, &head, &known);
    return known.code_page;
}

static void test_session(void)
{
    struct scene scene;
    struct tap tap;
    begin(&scene, &tap, __func__, ALICE, CLIENTINFO);
    struct client_row client = client_of(&scene, 0);
    CHECK_STR(client.user, "al");
    CHECK_STR(client.machine, "PC");
    CHECK_STR(client.mode, "cached");
    CHECK_STR(client.version, "15.0.4420.1017");
    CHECK_INT(client.mapi_http, 1);
    /* A hierarchy table, whose rows tell the names of folders. */
    struct body body = execute_body(false, "02 00 00 01 0100 00000000000D 00", "11000000 FFFFFFFF");
    struct mapi_message *asked = request(&tap, "Execute", 2, "sid=s1; sequence=q1", &body);
    CHECK_STR(rops_said(asked), "OpenFolder (1 ROP)");
    CHECK_INT(code_page_of(asked->rops), 1252); /* that Connect asked for */
    body = execute_body(true, "02 01 00000000 00 00", "11000000 22000000");
    struct mapi_message *answered = response(&tap, "Execute", "Set-Cookie: sequence=q2; path=/mapi\r\n", &body);
    CHECK_STR(rops_said(answered), "OpenFolder");
    CHECK(answered->rops && outlook_rops_frame(answered->rops) == answered->end.frame);
    body = execute_body(false, "04 00 00 01 00 12 00 01 00 0200 14004867 1F000130 15 00 01 00 01 3200",
                        "22000000 FFFFFFFF");
    asked = request(&tap, "Execute", 3, "sid=s1; sequence=q2", &body);
    body = execute_body(true,
                        "04 01 00000000 02000000 12 01 00000000 00 15 01 00000000 02 0300"
                        "00 0100 00000000000E 4F00 6E00 6500 0000"
                        "01 00 0100 00000000000F 00 5400 7700 6F00 0000"
                        "01 00 0100 000000000010 0A 0F010480",
                        "22000000 33000000");
    answered = response(&tap, "Execute", "Set-Cookie: sequence=q3; path=/mapi\r\n", &body);
    CHECK_STR(rops_said(answered), "GetHierarchyTable, SetColumns, QueryRows 3 rows");
    CHECK(!answered->broken);
    /* Those that were named are called so when they are opened. */
    static const char *const opens[] = { "02 00 00 01 0100 00000000000E 00", "02 00 00 01 0100 00000000000F 00",
                                         "02 00 00 01 0100 000000000010 00" };
    static const char *const names[] = { "folder One", "folder Two", "folder 0001-000000000010" };
    for (unsigned i = 0; i < COUNT_OF(opens); i++) {
        struct rop_host host;
        struct property_names property_names;
        struct rop_known known = { .flags = 0 };
        struct rop_took head = { .id = ROP_OPEN_FOLDER, .input = 0, .output = 1 };
        body = execute_body(false, opens[i], "11000000 FFFFFFFF");
        asked = request(&tap, "Execute", 4 + i, "sid=s1; sequence=q3", &body);
        body = execute_body(true, "02 01 00000000 00 00", "11000000 44000000");
        response(&tap, "Execute", "", &body);
        outlook_replay_rops(asked->rops, &host, &property_names);
        host.look(host.ctx, 0, 0, &head, &known);
        CHECK_STR(known.object, names[i]);
    }
    scene_end(&scene);
}

static bool columns_known(struct mapi_message *answered)
{
    struct rop_host host;
    struct property_names property_names;
    struct rop_known known = { .flags = 0 };
    const struct rop_took head = { .id = ROP_QUERY_ROWS };
    outlook_replay_rops(answered->rops, &host, &property_names);
    host.look(host.ctx, 0, 0, &head, &known);
    return known.columns != NULL;
}

/* An Execute that came without its body may have set other columns; a request that has none, and an answer, did not. */
static void test_bodies_missing(void)
{
    static const char *const types[] = { "PING", "Execute", "Execute" };
    for (unsigned kind = 0; kind < COUNT_OF(types); kind++) {
        struct scene scene;
        struct tap tap;
        begin(&scene, &tap, __func__, ALICE, NO_AUX);
        struct body body = execute_body(false, "05 00 00 01 00 12 00 01 00 0100 0300080E", "22000000 FFFFFFFF");
        request(&tap, "Execute", 2, "sid=s1", &body);
        body = execute_body(true, "05 01 00000000 02000000 12 01 00000000 00", "22000000 33000000");
        response(&tap, "Execute", "", &body);
        body.len = 0;
        const struct body rows = execute_body(false, "15 00 00 00 01 3200", "33000000");
        request(&tap, types[kind], 3, "sid=s1", kind == 1 ? &rows : &body);
        response(&tap, types[kind], "", &body);
        request(&tap, "Execute", 4, "sid=s1", &rows);
        body = execute_body(true, "15 00 00000000 02 0100 00 07000000", "33000000");
        CHECK_INT(columns_known(response(&tap, "Execute", "", &body)), kind < 2);
        scene_end(&scene);
    }
}

/* A body that ends early, has something behind it, or is none of its type. */
static void test_broken(void)
{
    struct scene scene;
    struct tap tap;
    begin(&scene, &tap, __func__, ALICE, NO_AUX);
    for (unsigned cut = 0; cut < 3; cut++) {
        struct body body = execute_body(false, "01 00 00", "11000000");
        body.len -= cut ? 1 : 0;
        struct mapi_message *asked = request(&tap, "Execute", 2 + cut, "sid=s1", &body);
        CHECK(asked->broken == (cut > 0));
        CHECK(outlook_body_is_complete(asked, (struct span){ body.bytes, body.len }) == (cut == 0));
        body = execute_body(true, "", "11000000");
        add_number(&body, 0, cut == 2 ? 1 : 0);
        struct mapi_message *answered = response(&tap, "Execute", "", &body);
        CHECK(answered->broken == (cut == 2));
    }
    /* What the ROPs are broken in has a word of its own. */
    struct body body = execute_body(false, "02 00 00", "11000000");
    struct mapi_message *asked = request(&tap, "Execute", 9, "sid=s1", &body);
    CHECK(!asked->broken);
    scene_end(&scene);
}

/* The server says in the body, or in a page, what has failed. */
static void test_failures(void)
{
    struct scene scene;
    struct tap tap;
    begin(&scene, &tap, __func__, ALICE, NO_AUX);
    struct body body = execute_body(false, "01 00 00", "11000000");
    request(&tap, "Execute", 2, "sid=s1", &body);
    body.len = 0;
    add_number(&body, 0, 4);
    add_number(&body, 0x4B6, 4);
    add_number(&body, 0, 8);
    struct mapi_message *answered = response(&tap, "Execute", "", &body);
    CHECK_INT(answered->failure, 0x4B6);
    CHECK(!answered->failure_of_status);
    body = execute_body(false, "01 00 00", "11000000");
    request(&tap, "Execute", 3, "sid=s1", &body);
    body.len = 0;
    add_number(&body, 5, 4);
    add_number(&body, 0, 4);
    answered = response(&tap, "Execute", "", &body);
    CHECK_INT(answered->failure, 5);
    CHECK(answered->failure_of_status);
    /* A code above 0: text for people, whatever its type. */
    for (unsigned page = 0; page < 2; page++) {
        body = execute_body(false, "01 00 00", "11000000");
        request(&tap, "Execute", 4 + page, "sid=s1", &body);
        tap_text(&tap, WAY_TO_CLIENT,
                 "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nX-RequestType: Execute\r\n%s\r\n"
                 "Content-Length: %u\r\n\r\n%sContext not found.",
                 page ? "text/html" : "application/mapi-http", page ? "X-ResponseCode: 10" : "X-ResponseCode: 0",
                 page ? 18u : 18 + 22 + 18u,
                 page ? "" :
                        "PROCESSING\r\nDONE\r\n"
                        "X-ResponseCode: 10\r\n\r\n");
        answered = tap.last[WAY_TO_CLIENT];
        CHECK_INT(answered->code, 10);
        CHECK(mapi_message_failed(answered));
        CHECK(!outlook_body_is_complete(answered, (struct span){ (const uint8_t *)"x", 1 }));
    }
    CHECK(strstr(scene.last_text, "ontext not found") != NULL);
    scene_end(&scene);
}

/* Connect fails by its body: nothing was opened, but somebody was there. */
static void test_refused(void)
{
    struct scene scene;
    struct tap tap;
    scene_begin(&scene);
    tap_open(&tap, &scene, "10.0.0.9:50000", "10.0.0.81:443");
    tap.typed = true;
    struct body body = connect_body(ALICE, CLIENTINFO);
    request(&tap, "Connect", 1, NULL, &body);
    body = connected_body(0x80040110);
    struct mapi_message *answered = response(&tap, "Connect", "", &body);
    CHECK_INT(answered->failure, 0x80040110);
    struct client_row client = client_of(&scene, 0);
    CHECK_STR(client.machine, "PC");
    CHECK_INT(client.refused, 1);
    CHECK_INT(client.mapi_http, 0);
    scene_end(&scene);
}

/* Names that are empty but for their terminators are none. */
static void test_empty_names(void)
{
    struct scene scene;
    struct tap tap;
    begin(&scene, &tap, __func__, ALICE,
          "01 02 01000000 0100 2000 2200 0000 0000 0000 0000 0000 0000 0000 0100 0000 0000 0000");
    const struct client_row client = client_of(&scene, 0);
    CHECK_STR(client.machine, "");
    CHECK_STR(client.user, "alice");
    CHECK_STR(client.mode, "online");
    scene_end(&scene);
}

/* Execute says it later, too. */
static void test_told_later(void)
{
    struct scene scene;
    struct tap tap;
    begin(&scene, &tap, __func__, "/o=First/cn=bob", NO_AUX);
    CHECK_STR(client_of(&scene, 0).machine, "");
    CHECK_STR(client_of(&scene, 0).user, "bob");
    struct body body = execute_body(false, "01 00 00", "11000000");
    body.len -= 4;
    add_aux(&body, CLIENTINFO);
    struct mapi_message *asked = request(&tap, "Execute", 2, "sid=s1", &body);
    CHECK(!asked->broken);
    CHECK_STR(client_of(&scene, 0).machine, "PC");
    CHECK_INT(outlook_connection_number(scene.outlook, 0), NO_NUMBER);
    scene_end(&scene);
}

/* The capture began in mid-session: ROPs are read all the same, of requests with an id and without, and of a response
 * whose request is missing. */
static void test_late(void)
{
    struct scene scene;
    struct tap tap;
    scene_begin(&scene);
    tap_open_as(&tap, &scene, "10.0.0.9:50000", "10.0.0.81:443", false, false);
    tap.typed = true;
    struct body body = execute_body(true, "02 01 0F010480", "11000000 FFFFFFFF");
    struct mapi_message *answered = response(&tap, "Execute", "", &body);
    CHECK(!answered || !answered->rops || strcmp(rops_said(answered), "OpenFolder NotFound") == 0);
    for (unsigned i = 0; i < 4; i++) {
        static const char *const ids[] = { "X-RequestId: " GUID_A ":7\r\n", "", "X-RequestId: " GUID_B ":1\r\n",
                                           "X-RequestId: " GUID_A ":8\r\n" };
        char head[600];
        body = execute_body(false, "02 00 00 01 0100 00000000000D 00", "11000000 FFFFFFFF");
        snprintf(head, sizeof(head),
                 "POST /mapi/emsmdb/?MailboxId=m1@example.test HTTP/1.1\r\nHost: mail.example.test\r\n"
                 "Content-Type: application/mapi-http\r\nX-RequestType: Execute\r\n%s",
                 ids[i]);
        struct mapi_message *asked = send(&tap, WAY_TO_SERVER, head, &body);
        CHECK_STR(rops_said(asked), "OpenFolder (1 ROP)");
        CHECK_INT(code_page_of(asked->rops), 0); /* nobody knows */
        body = execute_body(true, i % 2 ? "02 01 00000000 00 00" : "02 01 0F010480", "11000000 22000000");
        answered = response(&tap, "Execute", i == 3 ? "X-RequestId: " GUID_B ":1\r\n" : "", &body);
        transcript("%u: %s", i, answered && answered->rops ? rops_said(answered) : "-");
    }
    scene_end(&scene);
}

/* EMSMDB over plain RPC: who calls, and ROPs of a session that begins with the first. */
static void test_calls(void)
{
    struct scene scene;
    scene_begin(&scene);
    struct outlook *outlook = scene.outlook;
    struct client *slot = NULL;
    struct client_facts facts = { .version = 0 };
    const struct endpoint from = end_of("10.0.0.7:40000");
    const struct when when = { 5, SCENE_START };
    outlook_learn_client(outlook, &slot, NO_NUMBER, NULL, when, &facts);
    CHECK(!slot);
    strcpy(facts.user_dn, "/o=First/cn=carol");
    strcpy(facts.machine, "PC-7");
    facts.mode = CLIENT_MODE_ONLINE;
    outlook_learn_client(outlook, &slot, NO_NUMBER, &from, when, &facts);
    CHECK(slot && slot == client_at(&outlook->track, 0));
    struct client_row client = client_of(&scene, 0);
    CHECK_STR(client.user, "carol");
    CHECK_STR(client.machine, "PC-7");
    CHECK_STR(client.mode, "online");
    CHECK_INT(client.rpc_tcp, 1);
    /* Again: the same client, the same use. Of a row that there is not nothing is told. */
    outlook_learn_client(outlook, &slot, NO_NUMBER, &from, when, &facts);
    outlook_learn_client(outlook, &slot, 3, &from, when, &facts);
    CHECK_INT(client_of(&scene, 0).rpc_tcp, 1);
    CHECK_INT(client_rows(&outlook->track), 1);

    struct rop_session *session = NULL;
    struct rop_host host;
    struct reader reader;
    static const struct field_sink quiet;
    static const uint8_t ask_bytes[] = { 16, 0,    0x02, 0,    0,    1, 1, 0, 0,    0,    0,    0,
                                         0,  0x0D, 0,    0x77, 0x11, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF };
    static const uint8_t answer_bytes[] = {
        8, 0, 0x02, 1, 0x0F, 0x01, 0x04, 0x80, 0x11, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF
    };
    struct rop_message *asked = outlook_learn_rops(outlook, &session, false, when, NULL, &host);
    CHECK(session != NULL);
    reader_init(&reader, ask_bytes, sizeof(ask_bytes) - 1, sizeof(ask_bytes) - 1, &quiet);
    (void)ask_bytes;
    read_rop_payload(&reader, false, &host);
    outlook_end_rops(asked);
    CHECK_INT(code_page_of(asked), 0);
    struct rop_session *const same = session;
    const struct when later = { 6, SCENE_START + SECOND };
    struct rop_message *answered = outlook_learn_rops(outlook, &session, true, later, asked, &host);
    CHECK(session == same);
    reader_init(&reader, answer_bytes, sizeof(answer_bytes), sizeof(answer_bytes), &quiet);
    read_rop_payload(&reader, true, &host);
    outlook_end_rops(answered);
    struct text text = { .used = 0 };
    outlook_say_rops(answered, &text);
    CHECK_STR(text.s, "OpenFolder NotFound");
    CHECK_INT(outlook_rops_frame(asked), 5);
    CHECK_INT(outlook_rops_frame(answered), 6);
    outlook_carried_rops(outlook, NO_NUMBER, answered);
    outlook_carried_rops(outlook, 0, answered);
    scene_end(&scene);
}

/* ROPs that failed, in the report: what came most, then what came first; within a frame by RopId and return value,
 * whichever was answered first. */
static void test_failed_rops(void)
{
    static const char *const asks[] = { "02 00 00 01 0100 00000000000D 00",
                                        "03 00 00 01 FF0F 0100 00000000000D 00 0100 0000000000AA" };
    static const char *const failures[] = { "02 01 11010480", "02 01 05000780", "03 01 05000780" };
    for (unsigned first = 0; first < 3; first++) {
        struct scene scene;
        struct tap tap;
        char rops[200] = "", answers[200] = "";
        begin(&scene, &tap, __func__, ALICE, NO_AUX);
        for (unsigned i = first; i < first + 3; i++) {
            strcat(rops, asks[i % 3 == 2]);
            strcat(answers, failures[i % 3]);
        }
        struct body body = execute_body(false, rops, "11000000 FFFFFFFF");
        request(&tap, "Execute", 2, "sid=s1", &body);
        body = execute_body(true, answers, "11000000 FFFFFFFF");
        response(&tap, "Execute", "", &body);
        struct overview overview = { .arena = &scene.arena };
        const struct report_input input = { .rpch = scene.outlook->rpch,
                                            .mapi = scene.outlook->mapi,
                                            .logons = scene.outlook->logons,
                                            .track = &scene.outlook->track,
                                            .overview = &overview,
                                            .version = "0" };
        const char *text = report_text(report_new(&scene.arena, &input), 300, true);
        CHECK(strstr(text,
                     "3 of 3 remote operations (ROPs) failed (filter: rop.failed): OpenFolder LogonFailed (frame 4), "
                     "OpenFolder AccessDenied (frame 4), OpenMessage AccessDenied (frame 4)\n"));
        scene_end(&scene);
    }
}

/* Servers that are heard of elsewhere. */
static void test_servers(void)
{
    struct scene scene;
    struct tap tap;
    begin(&scene, &tap, __func__, ALICE, NO_AUX);
    const struct endpoint server = end_of("10.0.0.81:443"), other = end_of("10.0.0.82:443");
    const struct when when = { scene.frame + 1, scene.ns + SECOND };
    const struct server *known = track_find_server(&scene.outlook->track, &server);
    CHECK(known && known->strange_frame == 0);
    outlook_heard(scene.outlook, &other, when);
    outlook_heard(scene.outlook, &server, when);
    CHECK(known->strange_frame == when.frame);
    CHECK(!track_find_server(&scene.outlook->track, &other));
    outlook_refused(scene.outlook, &other, when);
    outlook_refused(scene.outlook, &server, when);
    outlook_take_verdicts(scene.outlook);
    scene_end(&scene);
}

/* The names of what is timed, and the usual thresholds. */
static void test_names(void)
{
    char text[OPERATION_TEXT_MAX];
    bool used[0x10000] = { false };
    for (unsigned type = 0; type < MAPI_TYPES; type++) {
        const uint16_t operation = outlook_operation_of_type((uint8_t)type);
        CHECK(!used[operation]);
        used[operation] = true;
        transcript("type %u: %s", type, outlook_operation_text(text, operation));
    }
    for (unsigned interface = 0; interface <= RPC_TSGU; interface++) {
        for (uint16_t opnum = 0; opnum < 24; opnum++) {
            const uint16_t operation = outlook_operation_of_call((uint8_t)interface, opnum);
            transcript("call %u.%u: %s", interface, opnum, outlook_operation_text(text, operation));
            transcript("    %s", outlook_call_text(text, (uint8_t)interface, opnum));
        }
    }
    CHECK_STR(outlook_operation_text(text, outlook_operation_of_type(MAPI_EXECUTE)), "Execute");
    const struct judge_limits *limits = outlook_usual_limits();
    CHECK(limits == &judge_limits_default);
}

int main(void)
{
    test_session();
    test_bodies_missing();
    test_broken();
    test_failures();
    test_refused();
    test_empty_names();
    test_told_later();
    test_late();
    test_calls();
    test_failed_rops();
    test_servers();
    test_names();
    transcript_end(__FILE__);
    return unit_end();
}
