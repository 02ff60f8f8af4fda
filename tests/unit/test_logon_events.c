/* test_logon_events.c
 * What the state of logons emits, and in which order (docs/architecture.md), before anybody judges.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "event.h"
#include "logon.h"
#include "logon_state.h"
#include "logon_words.h"

#define CLIENT "10.0.0.21:40000"
#define OTHER "10.0.0.22:40000"
#define INSIDE "10.0.0.70:50000"
#define DEVICE "10.0.0.80:80"
#define EX1 "10.0.0.81:80"
#define EX2 "10.0.0.82:80"
#define STAMP UINT64_C(133500000000000000)

static char heard[4096];

static void note(const char *format, ...) PRINTF_LIKE(1, 2);

static void note(const char *format, ...)
{
    size_t used = strlen(heard);
    va_list args;
    va_start(args, format);
    vsnprintf(heard + used, sizeof(heard) - used, format, args);
    va_end(args);
}

static void hear(void *ear, const struct event *event)
{
    const struct stage *stage = ear;
    CHECK_INT(event->when.frame, stage->now.frame);
    note("%s", heard[0] ? " " : "");
    switch (event->kind) {
    case EVENT_CHALLENGE_MISSING:
        note("missing%s%s%s", event->logon.type3->same_leg ? "+torn" : "", event->logon.type3->before ? "+before" : "",
             event->logon.type3->client_side ? "+client" : "");
        break;
    case EVENT_CREDENTIALS_ANSWERED:
        note("answered:%u%s%s", event->logon.answer->status, event->logon.answer->accepted ? "+accepted" : "",
             event->logon.answer->checked ? "+checked" : "");
        CHECK(event->logon.answer->account != NULL);
        break;
    case EVENT_CREDENTIALS_REFUSED:
        note("refused:%u%s", event->logon.answer->refusals ? event->logon.answer->refusals->count : 0,
             event->logon.answer->request->torn ? "+torn" : "");
        CHECK(event->logon.answer->origin != NULL && !event->logon.answer->accepted);
        break;
    case EVENT_OFFER:
        note("offer:%x", event->logon.answer->offers);
        CHECK(event->logon.answer->origin != NULL);
        break;
    case EVENT_STRANGER:
        note("stranger:%s", event->logon.request->stranger->user);
        break;
    case EVENT_CHALLENGE_UNANSWERED:
        note("unanswered:%s", event->logon.unanswered.then == PASSED_BY_CLOSE ? "close" : "request");
        break;
    case EVENT_NO_CHALLENGE:
        note("challenge:%s%u", event->logon.tried->of == event->logon.tried->bare ? "bare" : "left",
             event->logon.tried->of->count);
        break;
    case EVENT_TOKEN_LEFT:
        note("left:%s", event->logon.left->site);
        break;
    case EVENT_BEARERS_EMPTY:
        note("bearers:%u", event->logon.rounds->count);
        break;
    default:
        note("other:%d", (int)event->kind);
        break;
    }
    note("@%u", event->when.frame);
}

static void begin(struct stage *stage)
{
    stage_begin(stage);
    stage->outlook->track.hear = hear;
    stage->outlook->track.ear = stage;
    heard[0] = '\0';
}

static struct user alice(void)
{
    return (struct user){ .info = "A1", .guid = "A2" };
}

static struct user bob(void)
{
    return (struct user){ .info = "B1", .guid = "B2" };
}

static void test_handshake(void)
{
    struct stage stage;
    struct user a = alice();
    begin(&stage);
    struct line line = line_open(&stage, CLIENT, EX1);
    ask(&line, &a, "Connect", NULL);
    reply(&line, 401, OFFERS);
    challenge_as(&line, &a, "NTLM", "EX1", STAMP);
    third(&line, &a, "NTLM", "alice", "EX1", STAMP);
    reply(&line, 100, "%s", "");
    reply(&line, 200, "%s", "");
    ask(&line, &a, "Execute", NULL);
    reply(&line, 200, "%s", "");
    line_fin(&line, WAY_TO_SERVER);
    /* The 100 says nothing of credentials. */
    CHECK_STR(heard, "offer:e@2 offer:4@4 answered:200+accepted+checked@7");
    stage_end(&stage);
}

static void test_refusals(void)
{
    struct stage stage;
    struct user a = alice();
    char text[TOKEN_TEXT];
    begin(&stage);
    struct line line = line_open(&stage, CLIENT, EX1);
    ask(&line, &a, "Connect", basic("alice", "secret", text));
    ask(&line, &a, "Connect", basic("alice", "secret", text));
    reply(&line, 401, "WWW-Authenticate: Basic\r\n");
    reply(&line, 401, "WWW-Authenticate: Basic\r\n"); /* sent before the first refusal came: not in a row */
    ask(&line, &a, "Connect", basic("alice", "secret", text));
    reply(&line, 401, "%s", "");
    ask(&line, &a, "Connect", basic("alice", "secret", text));
    reply(&line, 200, "%s", "");
    ask(&line, &a, "Connect", basic("alice", "secret", text));
    reply(&line, 401, "%s", "");
    CHECK_STR(heard, "answered:401+checked@3 refused:1@3 offer:2@3 answered:401+checked@4 refused:0@4 offer:2@4 "
                     "answered:401+checked@6 refused:2@6 answered:200+accepted+checked@8 answered:401+checked@10 "
                     "refused:1@10");
    stage_end(&stage);
}

/* The type 2 went over one connection of the device, the type 3 over another. */
static void test_torn(void)
{
    struct stage stage;
    struct user a = alice();
    char text[TOKEN_TEXT];
    begin(&stage);
    struct line client = line_open(&stage, CLIENT, DEVICE), one = line_open(&stage, INSIDE, EX1);
    struct line two = line_open(&stage, INSIDE, EX2);
    ask(&client, &a, "Connect", type1("NTLM", text));
    ask_as(&one, &a, true, "Connect", type1("NTLM", text), NULL);
    reply(&one, 401, "WWW-Authenticate: %s\r\n", type2("NTLM", "EX1", STAMP, text));
    reply(&client, 401, "WWW-Authenticate: %s\r\n", type2("NTLM", "EX1", STAMP, text));
    heard[0] = '\0';
    third(&client, &a, "NTLM", "alice", "EX1", STAMP);
    third(&two, &a, "NTLM", "alice", "EX1", STAMP);
    reply(&two, 401, "%s", "");
    reply(&client, 401, "%s", "");
    CHECK_STR(heard, "missing+torn+before+client@6 answered:401+checked@7 refused:1+torn@7 answered:401+checked@8 "
                     "refused:1+torn@8");
    stage_end(&stage);
}

/* Where bytes are missing nobody knows whether it is torn, and the refusal is not explained by it. */
static void test_torn_in_a_gap(void)
{
    struct stage stage;
    struct user a = alice();
    begin(&stage);
    struct line one = line_open(&stage, CLIENT, EX1), two = line_open(&stage, CLIENT, EX1);
    challenge_as(&one, &a, "NTLM", "EX1", STAMP);
    auth_lost(two.conn, WAY_TO_CLIENT);
    heard[0] = '\0';
    third(&two, &a, "NTLM", "alice", "EX1", STAMP);
    reply(&two, 401, "%s", "");
    CHECK_STR(heard, "missing+torn@3 answered:401+checked@4 refused:1@4");
    stage_end(&stage);
}

static void test_stranger(void)
{
    struct stage stage;
    struct user a = alice(), b = bob();
    begin(&stage);
    struct line own = line_open(&stage, OTHER, EX1), shared = line_open(&stage, CLIENT, EX1);
    login(&own, &b, "NTLM", "bob", STAMP, "");
    login(&shared, &a, "NTLM", "alice", STAMP + 1, "");
    heard[0] = '\0';
    for (unsigned i = 0; i < 2; i++) {
        ask(&shared, &b, "Execute", NULL);
        reply(&shared, 200, "%s", "");
    }
    CHECK_STR(heard, "stranger:EXAMPLE\\bob@9"); /* the second adds nothing */
    login(&shared, &a, "NTLM", "alice", STAMP + 2, "");
    heard[0] = '\0';
    ask(&shared, &b, "Execute", NULL);
    CHECK_STR(heard, "stranger:EXAMPLE\\bob@17"); /* since a new logon */
    stage_end(&stage);
}

static void test_passed_by(void)
{
    struct stage stage;
    struct user a = alice();
    char text[TOKEN_TEXT];
    begin(&stage);
    struct line one = line_open(&stage, CLIENT, EX1), two = line_open(&stage, CLIENT, EX1);
    ask(&one, &a, "Connect", NULL);
    reply(&one, 401, "www-authenticate: NTLM\r\n");
    ask(&one, &a, "Connect", NULL);
    line_fin(&one, WAY_TO_SERVER);
    CHECK_STR(heard, "offer:4@2 unanswered:request@3 unanswered:close@4");
    heard[0] = '\0';
    ask(&two, &a, "Connect", type1("NTLM", text)); /* it reads it after all */
    line_fin(&two, WAY_TO_SERVER);
    CHECK_STR(heard, "");
    stage_end(&stage);
}

static void test_bearers(void)
{
    struct stage stage;
    struct user a = alice();
    begin(&stage);
    struct line one = line_open(&stage, CLIENT, EX1), two = line_open(&stage, CLIENT, EX1);
    for (unsigned i = 0; i < 2; i++) {
        ask(&one, &a, "Connect", "Bearer");
        reply(&one, 401, "%s", "");
    }
    ask(&two, &a, "Connect", "Bearer");
    reply(&two, 401, "%s", "");
    line_fin(&one, WAY_TO_SERVER); /* not their last connection */
    CHECK_STR(heard, "");
    line_fin(&two, WAY_TO_CLIENT);
    CHECK_STR(heard, "bearers:3@8");
    stage_end(&stage);
}

static void test_names(void)
{
    CHECK_STR(NAMES("EX1", "ex1.example.test"), "EX1 (ex1.example.test)");
    CHECK_STR(NAMES("A", "a.example.test"), "A (a.example.test)");
    CHECK_STR(NAMES("", "ex1.example.test"), "ex1.example.test");
    CHECK_STR(NAMES("EX1", ""), "EX1");
    CHECK_STR(NAMES("", ""), "a server without a name");
}

int main(void)
{
    test_names();
    test_handshake();
    test_refusals();
    test_torn();
    test_torn_in_a_gap();
    test_stranger();
    test_passed_by();
    test_bearers();
    transcript_end(__FILE__);
    return unit_end();
}
