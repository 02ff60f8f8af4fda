/* test_auth.c
 * Logons: what heads show, legs, time, rows and memory (MS-NTHT, MS-N2HT, MS-NLMP 2.2.2.7, RFC 4559).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "accounts.h"

/* ---- what is shown ------------------------------------------------------------------ */

static void test_shown(void)
{
    struct stage stage;
    struct user a = alice();
    char text[TOKEN_TEXT];
    stage_begin(&stage);
    struct line line = line_open(&stage, CLIENT, EX1);
    ask(&line, &a, "Connect", NULL);
    CHECK_STR(shown(&line), "-");
    reply(&line, 401, OFFERS);
    CHECK_STR(shown(&line), "|challenge||");
    ask_as(&line, &a, true, "Connect", type1("NTLM", text), NULL);
    CHECK_STR(shown(&line), "NTLM|type1||");
    CHECK_INT(line.leg, 0);
    reply(&line, 401, "WWW-Authenticate: %s\r\n", type2("NTLM", "EX1", STAMP, text));
    CHECK_STR(shown(&line), "NTLM|type2||ex1.example.test");
    CHECK(line.shown->challenge_time == STAMP);
    uint32_t sent = third(&line, &a, "NTLM", "alice", "EX1", STAMP);
    CHECK_STR(shown(&line), "NTLM|type3|EXAMPLE\\alice|");
    stage_wait(&stage, 1.5);
    reply(&line, 200, "X-FEServer: EX1\r\n");
    CHECK_STR(shown(&line), "NTLM|accepted|EXAMPLE\\alice|");
    CHECK_INT(line.shown->credentials_frame, sent);
    CHECK_INT(line.shown->time_ns, 1502 * MILLISECOND);
    ask(&line, &a, "Execute", NULL);
    reply(&line, 200, "X-FEServer: EX1\r\n");
    CHECK_STR(shown(&line), "-");
    ask(&line, &a, "Execute", basic("alice@example.test", "secret", text));
    CHECK_STR(shown(&line), "Basic|credentials|alice@example.test|");
    reply(&line, 401, OFFERS);
    CHECK_STR(shown(&line), "Basic|rejected|alice@example.test|");
    ask(&line, &a, "Execute", "Bearer");
    CHECK_STR(shown(&line), "Bearer|||");
    reply(&line, 401, "WWW-Authenticate: Bearer client_id=\"1\", trusted_issuers=\"2\"\r\n");
    CHECK_STR(shown(&line), "Bearer|challenge||");
    ask(&line, &a, "Execute", "Bearer abc");
    CHECK_STR(shown(&line), "Bearer|credentials||");
    reply(&line, 503, "Retry-After: 1\r\n");
    CHECK_STR(shown(&line), "Bearer|||");
    CHECK(line.shown->time_ns > 0);
    ask(&line, &a, "Execute", ap_req(text));
    CHECK_STR(shown(&line), "Negotiate/Kerberos|credentials||");
    reply(&line, 200, "");
    CHECK_STR(shown(&line), "Negotiate/Kerberos|accepted||");
    ask(&line, &a, "Execute", type1("Negotiate", text));
    CHECK_STR(shown(&line), "Negotiate/NTLM|type1||");
    /* Of two challenges the one of the request's scheme. */
    char both[2 * TOKEN_TEXT];
    snprintf(both, sizeof(both), "WWW-Authenticate: %s\r\n", type2("NTLM", "EX2", STAMP, text));
    reply(&line, 401, "%sWWW-Authenticate: %s\r\n", both, type2("Negotiate", "EX1", STAMP, text));
    CHECK_STR(shown(&line), "Negotiate/NTLM|type2||ex1.example.test");
    ask(&line, &a, "Execute", type3("NTLM", "", "EX1", STAMP, 0, text));
    CHECK_STR(shown(&line), "NTLM|type3||");
    reply(&line, 401, OFFERS);
    CHECK_STR(shown(&line), "|challenge||");
    ask(&line, &a, "Execute", "Digest username=\"alice\"");
    CHECK_STR(shown(&line), "-");
    reply(&line, 200, "");
    CHECK_STR(stage.log, "");
    stage_end(&stage);
}

/* IN gets a 100 to its type 3 and nothing else; OUT gets its 200 and RTS PDUs. */
static void test_rpc(void)
{
    struct stage stage;
    char text[TOKEN_TEXT], head[4096];
    struct auth_row row;
    stage_begin(&stage);
    struct line in = line_open(&stage, CLIENT, EX1), out = line_open(&stage, CLIENT, EX1);
    for (int i = 0; i < 2; i++) {
        struct line *line = i ? &out : &in;
        snprintf(head, sizeof(head),
                 "%s /rpc/rpcproxy.dll?x:6004 HTTP/1.1\r\nHost: m\r\nContent-Length: 0\r\n"
                 "Cookie: OutlookSession=\"{1}\"\r\nAuthorization: %s\r\n\r\n",
                 i ? "RPC_OUT_DATA" : "RPC_IN_DATA", type1("NTLM", text));
        line_frame(line, WAY_TO_SERVER, head, false);
        reply(line, 401, "WWW-Authenticate: %s\r\n", type2("NTLM", "EX1", STAMP + (uint64_t)i, text));
        snprintf(head, sizeof(head),
                 "%s /rpc/rpcproxy.dll?x:6004 HTTP/1.1\r\nHost: m\r\nContent-Length: %s\r\n"
                 "Cookie: OutlookSession=\"{1}\"\r\nAuthorization: %s\r\n\r\n",
                 i ? "RPC_OUT_DATA" : "RPC_IN_DATA", i ? "76" : "1073741824",
                 type3("NTLM", "alice", "EX1", STAMP + (uint64_t)i, 0, text));
        line_frame(line, WAY_TO_SERVER, head, false);
        CHECK_INT(line->leg, 0);
    }
    reply(&in, 100, "");
    CHECK_STR(shown(&in), "-"); /* whoever said it need not have looked at the credentials */
    stage_wait(&stage, 5);
    stage.now.frame++;
    auth_accepted(out.conn, stage.now); /* a PDU: the 200 was not captured, nor is it known when it came */
    auth_accepted(in.conn, stage.now);
    stage_collect(&stage);
    CHECK_STR(stage.log, "");
    stage_wait(&stage, 600);
    reply(&in, 200, ""); /* the end of the channel: no answer to the credentials */
    CHECK_INT(logon_state_rows(stage.world), 1);
    CHECK(logon_state_row(stage.world, 0, &row));
    CHECK_STR(row.user, "EXAMPLE\\alice");
    CHECK_INT(row.connections, 2);
    CHECK_INT(row.accepted, 2);
    CHECK_INT(row.slowest_ns, -1);
    CHECK_STR(stage.log, "");
    stage_end(&stage);
}

/* Of several challenges the one that goes on with the request's own scheme counts, else the
 * first; of two of that scheme the first (RFC 9110 11.6.1 lets a server send any number). */
static void test_several_challenges(void)
{
    struct stage stage;
    char one[TOKEN_TEXT], two[TOKEN_TEXT], three[TOKEN_TEXT];
    static const struct {
        const char *asked, *answered[3], *shown;
    } rows[] = { { "NTLM", { "Negotiate", "NTLM", NULL }, "NTLM|type2||ex2.example.test" },
                 { "Negotiate", { "Negotiate", "NTLM", NULL }, "Negotiate/NTLM|type2||ex1.example.test" },
                 { "NTLM", { "NTLM", "NTLM", NULL }, "NTLM|type2||ex1.example.test" },
                 { "NTLM", { "Negotiate", "Negotiate", NULL }, "Negotiate/NTLM|type2||ex1.example.test" },
                 { "NTLM", { "Negotiate", "NTLM", "Negotiate" }, "NTLM|type2||ex2.example.test" } };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct user a = alice();
        stage_begin(&stage);
        struct line line = line_open(&stage, CLIENT, EX1);
        ask(&line, &a, "Connect", type1(rows[i].asked, one));
        type2(rows[i].answered[0], "EX1", STAMP, one);
        type2(rows[i].answered[1], "EX2", STAMP, two);
        three[0] = '\0';
        if (rows[i].answered[2]) {
            type2(rows[i].answered[2], "EX3", STAMP, three);
        }
        reply(&line, 401, "WWW-Authenticate: %s\r\nWWW-Authenticate: %s\r\n%s%s%s", one, two,
              *three ? "WWW-Authenticate: " : "", three, *three ? "\r\n" : "");
        CHECK_STR(shown(&line), rows[i].shown);
        stage_end(&stage);
    }
}

/* ---- legs ---------------------------------------------------------------------------- */

static void test_legs(void)
{
    struct stage stage;
    struct user a = alice(), b = bob();
    stage_begin(&stage);
    struct line c = line_open(&stage, CLIENT, DEVICE), s1 = line_open(&stage, INSIDE, EX1);
    struct line s2 = line_open(&stage, INSIDE, EX2), d = line_open(&stage, OTHER, DEVICE);
    struct line back = line_open(&stage, "10.0.0.81:60000", "10.0.0.81:444");
    ask(&c, &a, "Connect", NULL);
    CHECK_INT(c.leg, 0);
    ask_as(&s1, &a, true, "Connect", NULL, "X-Forwarded-For: 10.0.0.21\r\n");
    CHECK_INT(s1.leg, 1);
    ask_as(&back, &a, true, "Connect", NULL, NULL);
    CHECK_INT(back.leg, 2);
    reply(&back, 200, "");
    CHECK_INT(back.leg, 2);
    reply(&s1, 200, "");
    CHECK_INT(s1.leg, 1);
    reply(&c, 200, "");
    CHECK_INT(c.leg, 0);
    /* Another request, over another connection of the device; it tries a second server when the first
     * hangs. */
    ask(&c, &a, "Execute", NULL);
    ask_as(&s2, &a, true, "Execute", NULL, NULL);
    CHECK_INT(s2.leg, 1);
    ask_as(&s1, &a, true, "Execute", NULL, NULL);
    CHECK_INT(s1.leg, 1);
    /* Two clients at once. */
    ask(&d, &b, "Execute", NULL);
    CHECK_INT(d.leg, 0);
    /* The client asks again on another connection to the device while the first is outstanding. */
    struct line again = line_open(&stage, CLIENT, DEVICE);
    ask_as(&again, &a, true, "Execute", NULL, NULL);
    CHECK_INT(again.leg, 0);
    /* And after its connection is dead. */
    line_fin(&d, WAY_TO_SERVER);
    struct line more = line_open(&stage, OTHER, "10.0.0.79:80");
    ask_as(&more, &b, true, "Execute", NULL, NULL);
    CHECK_INT(more.leg, 0);
    /* An answer to nothing that was seen. */
    struct line late = line_open(&stage, CLIENT, EX1);
    reply(&late, 200, "");
    CHECK_INT(late.leg, NO_NUMBER);
    stage_end(&stage);

    /* A retry after a 401 on another connection is no leg. */
    stage_begin(&stage);
    a = alice();
    c = line_open(&stage, CLIENT, EX1);
    d = line_open(&stage, CLIENT, EX2);
    ask(&c, &a, "Connect", NULL);
    reply(&c, 401, OFFERS);
    ask_as(&d, &a, true, "Connect", NULL, NULL);
    CHECK_INT(d.leg, 0);
    stage_end(&stage);
}

/* Without X-RequestId: method, path, credentials and OutlookSession. */
static void test_legs_of_rpc(void)
{
    static const char *const forms[] = {
        "RPC_IN_DATA /rpc/rpcproxy.dll?x:6004 HTTP/1.1\r\nHost: m\r\nContent-Length: 1073741824\r\n"
        "Cookie: OutlookSession=\"{1}\"\r\nAuthorization: Basic YTpi\r\n\r\n",
        "RPC_IN_DATA http://m/rpc/rpcproxy.dll?x:6004 HTTP/1.1\r\nhost: m\r\ncontent-length: 1073741824\r\n"
        "cookie: OutlookSession=\"{1}\"\r\nauthorization: Basic YTpi\r\n\r\n"
    };
    struct stage stage;
    stage_begin(&stage);
    struct line c = line_open(&stage, CLIENT, DEVICE), s = line_open(&stage, INSIDE, EX1);
    line_frame(&c, WAY_TO_SERVER, forms[0], false);
    line_frame(&s, WAY_TO_SERVER, forms[1], false);
    CHECK_INT(c.leg, 0);
    CHECK_INT(s.leg, 1);
    /* Both stay outstanding; the next pair, an hour later, is a pair again. */
    stage_wait(&stage, 3600);
    struct line c2 = line_open(&stage, CLIENT, DEVICE), s2 = line_open(&stage, INSIDE, EX2);
    line_frame(&c2, WAY_TO_SERVER, forms[0], false);
    line_frame(&s2, WAY_TO_SERVER, forms[1], false);
    CHECK_INT(c2.leg, 0);
    CHECK_INT(s2.leg, 1);
    stage_end(&stage);
    /* Absolute on one leg only, "://" in the query on both: the path is what comes after the host. */
    static const char *const queries[] = {
        "RPC_IN_DATA http://m/rpc/rpcproxy.dll?http://x/y HTTP/1.1\r\nHost: m\r\nContent-Length: 1073741824\r\n"
        "Cookie: OutlookSession=\"{1}\"\r\nAuthorization: Basic YTpi\r\n\r\n",
        "RPC_IN_DATA /rpc/rpcproxy.dll?http://x/y HTTP/1.1\r\nHost: m\r\nContent-Length: 1073741824\r\n"
        "Cookie: OutlookSession=\"{1}\"\r\nAuthorization: Basic YTpi\r\n\r\n"
    };
    stage_begin(&stage);
    c = line_open(&stage, CLIENT, DEVICE);
    s = line_open(&stage, INSIDE, EX1);
    line_frame(&c, WAY_TO_SERVER, queries[0], false);
    line_frame(&s, WAY_TO_SERVER, queries[1], false);
    CHECK_INT(c.leg, 0);
    CHECK_INT(s.leg, 1);
    /* Only the inner leg is captured, from two clients. */
    stage_end(&stage);
    stage_begin(&stage);
    s = line_open(&stage, INSIDE, EX1);
    s2 = line_open(&stage, INSIDE, EX1);
    line_frame(&s, WAY_TO_SERVER, forms[0], false);
    line_frame(&s2, WAY_TO_SERVER, forms[0], false);
    CHECK_INT(s.leg, 0);
    CHECK_INT(s2.leg, 0);
    stage_end(&stage);
}

/* More requests than are kept: their answers are passed over, the rest is matched. */
static void test_pipeline(void)
{
    struct stage stage;
    struct user a = alice();
    char text[TOKEN_TEXT];
    stage_begin(&stage);
    struct line line = line_open(&stage, CLIENT, EX1);
    for (int i = 0; i < 40; i++) {
        ask(&line, &a, "Execute", i == 39 ? "Bearer abc" : basic("alice", "x", text));
    }
    uint32_t last = stage.now.frame;
    for (int i = 0; i < 40; i++) {
        reply(&line, 200, "");
        CHECK_STR(shown(&line), i < 8 ? "-" : i < 39 ? "Basic|accepted|alice|" : "Bearer|accepted||");
    }
    CHECK_INT(line.shown->credentials_frame, last);
    /* Bytes are missing: what was outstanding is given up. */
    ask(&line, &a, "Execute", basic("alice", "x", text));
    auth_lost(line.conn, WAY_TO_CLIENT);
    reply(&line, 200, "");
    CHECK_STR(shown(&line), "-");
    CHECK_INT(line.leg, 0);
    stage_end(&stage);
}

/* ---- time ------------------------------------------------------------------------------------------ */

static void test_time(void)
{
    static const struct {
        double seconds;
        unsigned status;
        const char *want;
    } rows[] = { { 1.9, 200, "" },
                 { 2.5, 200, "slow:note@2/0" },
                 { 2.5, 401, "" },
                 { 9.9, 200, "slow:note@2/0" },
                 { 10.5, 200, "very_slow:warning@2/0" },
                 { 10.5, 401, "very_slow:warning@2/0" },
                 { 10.5, 503, "" } };
    struct stage stage;
    char text[TOKEN_TEXT];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (unsigned kind = 0; kind < 4; kind++) {
            struct user a = alice();
            stage_begin(&stage);
            struct line line = line_open(&stage, CLIENT, EX1);
            ask(&line, &a, kind == 3 ? "NotificationWait" : "Connect",
                kind == 0 ? basic("alice", "x", text) :
                kind == 1 ? ap_req(text) :
                kind == 2 ? "Bearer abc" :
                            basic("alice", "x", text));
            stage_wait(&stage, rows[i].seconds);
            reply(&line, rows[i].status, rows[i].status == 401 ? OFFERS : "");
            bool waits = kind == 2 || (kind == 3 && rows[i].status == 200);
            CHECK_STR(stage.log, waits ? "" : rows[i].want);
            stage_end(&stage);
        }
    }
    /* Basic in each request is no logon once it was accepted on the connection. */
    struct user a = alice();
    stage_begin(&stage);
    struct line line = line_open(&stage, CLIENT, EX1);
    for (unsigned i = 0; i < 2; i++) {
        ask(&line, &a, "Execute", basic("alice", "x", text));
        stage_wait(&stage, i ? 8 : 0);
        reply(&line, 200, "");
    }
    CHECK_STR(stage.log, "");
    stage_end(&stage);
}

/* ---- rows and memory ----------------------------------------------------------------------------------- */

static void test_rows(void)
{
    struct stage stage;
    struct user a = alice();
    struct auth_row row;
    char text[TOKEN_TEXT];
    stage_begin(&stage);
    struct line one = line_open(&stage, CLIENT, EX1), two = line_open(&stage, CLIENT, EX1);
    CHECK_INT(logon_conn_row(one.conn), NO_NUMBER);
    login(&one, &a, "NTLM", "alice", STAMP, "");
    for (unsigned i = 0; i < 4; i++) { /* two accounts take turns on two connections */
        ask(i & 1 ? &two : &one, &a, "Execute", basic(i & 2 ? "BOB" : "alice", "x", text));
        reply(i & 1 ? &two : &one, 200, "");
    }
    ask(&two, &a, "Execute", basic("bob", "x", text));
    reply(&two, 200, "");
    challenge_as(&two, &a, "NTLM", "EX2", STAMP);
    third(&two, &a, "NTLM", "alice", "EX2", STAMP);
    CHECK_INT(logon_state_rows(stage.world), 3);
    CHECK(logon_state_row(stage.world, 0, &row));
    CHECK_STR(row.user, "EXAMPLE\\alice");
    CHECK_STR(row.challenge_servers, "ex1.example.test, ex2.example.test");
    CHECK_INT(row.connections, 2);
    CHECK_INT(row.accepted, 1);
    CHECK_INT(row.verdict.kind, VERDICT_KINDS);
    CHECK(logon_state_row(stage.world, 2, &row));
    CHECK_STR(row.user, "BOB");
    CHECK_INT(row.connections, 2);
    CHECK_INT(row.accepted, 3);
    CHECK_INT(row.slowest_ns, -1); /* of Execute: not without X-ElapsedTime */
    CHECK(!logon_state_row(stage.world, 3, &row));
    CHECK_INT(logon_conn_row(two.conn), 0);
    stage_end(&stage);
}

static void test_memory(void)
{
    struct stage stage;
    struct user a = alice();
    stage_begin(&stage);
    struct line line = line_open(&stage, CLIENT, EX1);
    login(&line, &a, "NTLM", "alice", STAMP, "");
    size_t before = stage.heap.allocated;
    for (unsigned i = 0; i < 10000; i++) {
        ask(&line, &a, "Execute", NULL);
        reply(&line, 200, "");
    }
    CHECK(stage.heap.allocated - before < 1000); /* requests that rest on the connection leave nothing behind */
    before = stage.heap.allocated;
    for (unsigned i = 0; i < 1000; i++) {
        struct line more = line_open(&stage, CLIENT, EX1);
        ask(&more, &a, "Execute", NULL);
        reply(&more, 200, "");
        line_fin(&more, WAY_TO_CLIENT);
    }
    CHECK((stage.heap.allocated - before) / 1000 < 512);
    stage_end(&stage);
}

int main(void)
{
    test_shown();
    test_several_challenges();
    test_rpc();
    test_legs();
    test_legs_of_rpc();
    test_pipeline();
    test_time();
    test_rows();
    transcript_off = true;
    test_memory();
    transcript_end(__FILE__);
    return unit_end();
}
