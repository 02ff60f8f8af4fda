/* test_mapi.c
 * Sessions of MAPI/HTTP and their verdicts, judged from MS-OXCMAPIHTTP 3.1.5 and 3.2.5.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "exch.h"
#include "mscene.h"

#define SET_1 "Set-Cookie: sid=session-one-value; path=/mapi\r\nSet-Cookie: sequence=seq-one-1; path=/mapi\r\n"
#define SET_2 "Set-Cookie: sid=session-two-value; path=/mapi\r\nSet-Cookie: sequence=seq-two-1; path=/mapi\r\n"
#define JAR_1 "sid=session-one-value; sequence=seq-one-1"
#define JAR_2 "sid=session-two-value; sequence=seq-two-1"
#define CLIENT "10.0.0.9:50001"
#define SERVER "10.0.0.80:443"

static struct span text_span(const char *text)
{
    return (struct span){ (const uint8_t *)text, strlen(text) };
}

/* A connection with a session on it. */
static void connected(struct scene *scene, struct tap *tap)
{
    scene_begin(scene);
    tap_open(tap, scene, CLIENT, SERVER);
    ask(tap, "Connect", 1, NULL);
    answer(tap, "Connect", SET_1);
}

/* ---- cookies of Exchange (published in traefik issue 8917) ------------------------------ */

static void test_exchange_cookies(void)
{
    struct exch_context context;
    struct exch_routing routing;
    uint32_t counter = 0;
    CHECK(exch_context_decode(
        text_span("MAPIAAAAAO2o7q+Cx5+8jr6MvpOjl7qKuJipmqCVoJqqm8Hi0+bR5NTl1+TS5YQVAAAAAAAA"), &context));
    CHECK_STR(context.server, "HEFA-EX");
    CHECK_STR(context.time, "2022-04-02 13:55:01Z");
    CHECK_STR(context.number, "1575012367");
    CHECK_INT(context.counter, 5508);
    CHECK(exch_routing_decode(
        text_span("UlVNOjAzMWM5Njg1LWU4OTYtNGNlZi04YTE1LTRjNDM2YzUxZWZiYzrU4ijdUBbaCA=="), &routing));
    CHECK_STR(routing.mailbox, "031c9685-e896-4cef-8a15-4c436c51efbc");
    CHECK(routing.ns / SECOND > 1648900000 && routing.ns / SECOND < 1649100000);
    CHECK(exch_sequence_decode(text_span("735-D5viGQ=="), &counter));
    CHECK_INT(counter, 735);
    static const char *const opaque[] = {
        "", "MAPI", "MAPIAAAA", "alm6ichbe5f0exx4amydplz3e0h4texc", "MAPIAAAAAO2o7q+C", "735-", "735", "-D5viGQ==",
        "UlVNOg==", "MAPIAQAAAO2o7q+Cx5+8jr6MvpOjl7qKuJipmqCVoJqqm8Hi0+bR5NTl1+TS5YQVAAAAAAAA"
    };
    for (size_t i = 0; i < sizeof(opaque) / sizeof(opaque[0]); i++) {
        CHECK(!exch_context_decode(text_span(opaque[i]), &context));
        CHECK(!exch_routing_decode(text_span(opaque[i]), &routing));
        CHECK(!exch_sequence_decode(text_span(opaque[i]), &counter));
    }
    CHECK(exch_is_balancer_cookie(text_span("BIGipServerpool")) && exch_is_balancer_cookie(text_span("AWSALBAPP-0")) &&
          exch_is_balancer_cookie(text_span("NSC_xyz")) && exch_is_balancer_cookie(text_span("X-BackEndCookie")));
    CHECK(!exch_is_balancer_cookie(text_span("MapiContext")) && !exch_is_balancer_cookie(text_span("sid")));
    int64_t seconds = 0;
    CHECK(http_date_decode(text_span("Sun, 06 Nov 1994 08:49:37 GMT"), &seconds));        /* RFC 9110 5.6.7 */
    CHECK_INT(seconds, 784111777);
    CHECK(http_date_decode(text_span("Sunday, 06-Nov-94 08:49:37 GMT"), &seconds));
    CHECK_INT(seconds, 784111777);
    CHECK(http_date_decode(text_span("Sun Nov  6 08:49:37 1994"), &seconds));
    CHECK_INT(seconds, 784111777);
    CHECK(!http_date_decode(text_span("never"), &seconds) && !http_date_decode(text_span("0"), &seconds));
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
    ask(&tap, "Disconnect", 3, JAR_1);
    answer(&tap, "Disconnect", NULL);
    CHECK_INT(mworld_rows(scene.world), 1);
    CHECK(mworld_row(scene.world, 0, &row));
    CHECK_INT(row.ok, 3);
    CHECK_INT(row.failed, 0);
    CHECK_STR(row.ended, "Disconnect (frame 6)");
    CHECK_INT(row.verdict, VERDICT_KINDS);
    CHECK(row.cannot_tell == NULL);
    CHECK(!mworld_row(scene.world, 1, &row));
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
    CHECK_INT(ask_with(&other, (struct ask){ .type = "Connect", .counter = 1, .guid = GUID_B,
              .path = "/MAPI/Emsmdb?MailboxId=m2@example.test" })->session, NO_NUMBER);
    CHECK_INT(answer(&other, "Connect", SET_2)->session, 1);
    CHECK_INT(ask_with(&tap, (struct ask){ .type = "Execute", .counter = 2, .guid = GUID_B, .cookies = JAR_2 })->session, 1);
    CHECK_INT(answer(&tap, "Execute", NULL)->session, 1);
    CHECK_INT(ask(&tap, "Execute", 2, JAR_1)->session, 0);
    CHECK_INT(answer(&tap, "Execute", NULL)->session, 0);
    /* Names say nothing. */
    CHECK_INT(ask(&other, "PING", 3, "other=session-one-value; second=seq-one-1")->session, 0);
    answer(&other, "PING", NULL);
    CHECK_INT(ask_with(&other, (struct ask){ .type = "PING", .counter = 4, .guid = GUID_B, .cookies = "x=unknown" })
              ->session, NO_NUMBER);
    scene_end(&scene);

    connected(&scene, &tap);
    ask_with(&tap, (struct ask){ .type = "Connect", .counter = 1, .guid = GUID_B });
    answer(&tap, "Connect", "Set-Cookie: sid=session-two-value\r\nSet-Cookie: route=shared-a\r\n"
           "Set-Cookie: SERVERID=only-two\r\n");
    ask(&tap, "Execute", 2, JAR_1);
    answer(&tap, "Execute", "Set-Cookie: route=shared-a\r\n");
    CHECK_INT(ask_with(&tap, (struct ask){ .type = "PING", .counter = 9, .guid = "{C}", .cookies = "route=shared-a" })
              ->session, NO_NUMBER);
    answer(&tap, "PING", NULL);
    CHECK_INT(ask_with(&tap, (struct ask){ .type = "PING", .counter = 9, .guid = "{C}", .cookies = "SERVERID=only-two" })
              ->session, NO_NUMBER);
    scene_end(&scene);
}

static void test_endpoints(void)
{
    struct scene scene;
    struct tap tap;
    connected(&scene, &tap);
    struct ask bind = { .type = "Bind", .counter = 1, .guid = GUID_B, .path = "/mapi/nspi/", .cookies = JAR_1 };
    struct mapi_message *request = ask_with(&tap, bind);
    CHECK_INT(request->session, NO_NUMBER);      /* the other endpoint's cookies */
    CHECK_INT(request->endpoint, 2);
    struct mapi_message *response = answer(&tap, "Bind", "Set-Cookie: sid=nspi-value-one\r\n");
    CHECK_INT(response->session, 1);
    CHECK_INT(response->endpoint, 2);
    bind.type = "Unbind";
    bind.cookies = "sid=nspi-value-one";
    bind.counter = 2;
    CHECK_INT(ask_with(&tap, bind)->session, 1);
    answer_with(&tap, (struct answer){ .type = "Unbind", .error = 1 });  /* UnbindSuccess, MS-OXNSPI 3.1.4.1 */
    struct session_row row;
    CHECK(mworld_row(scene.world, 1, &row));
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
    CHECK_INT(mworld_rows(scene.world), 1);
    /* Without cookies it is another one, and another mailbox never the same. */
    ask(&tap, "Connect", 9, NULL);
    CHECK_INT(answer(&tap, "Connect", "Set-Cookie: sid=third-value-x\r\n")->session, 1);
    CHECK_INT(ask_with(&tap, (struct ask){ .type = "Connect", .counter = 1, .guid = GUID_B, .cookies = JAR_2,
              .path = "/mapi/emsmdb/?MailboxId=m9@example.test" })->session, NO_NUMBER);
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
    CHECK_INT(answer_with(&tap, (struct answer){ .type = "Connect", .set = SET_1, .error = 0x000003EB })->session, NO_NUMBER);
    CHECK_STR(scene.log, "connect.failed:warning@2/-1.0");
    CHECK(strstr(scene.last_text, "0x000003eb") && strstr(scene.last_text, "/o=x/u=1"));
    CHECK_INT(mworld_rows(scene.world), 0);
    ask(&tap, "Connect", 2, NULL);
    answer(&tap, "Connect", SET_1);
    CHECK_STR(scene.log, "connect.failed:warning@2/-1.0");
    ask(&tap, "Execute", 3, JAR_1);
    answer_with(&tap, (struct answer){ .type = "Execute", .error = 0x80040102 });
    CHECK_STR(scene.log, "connect.failed:warning@2/-1.0 error_code.failed:note@6/0.0");
    scene_end(&scene);
}

int main(void)
{
    test_exchange_cookies();
    test_session();
    test_belongs();
    test_endpoints();
    test_reconnect();
    test_connect_failed();
    return unit_end();
}
