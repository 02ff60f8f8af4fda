/* test_auth.c
 * Logons: what is shown, legs, and each verdict with its healthy counterpart (MS-NTHT,
 * MS-N2HT, MS-NLMP 2.2.2.7, RFC 4559).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "logon.h"

#define CLIENT "10.0.0.21:40000"
#define OTHER "10.0.0.22:40000"
#define DEVICE "10.0.0.80:80"
#define INSIDE "10.0.0.70:50000"
#define EX1 "10.0.0.81:80"
#define EX2 "10.0.0.82:80"
#define STAMP UINT64_C(133500000000000000)

static struct user alice(void)
{
    return (struct user){ .info = "A1", .guid = "A2" };
}

static struct user bob(void)
{
    return (struct user){ .info = "B1", .guid = "B2" };
}

/* What one head shows, as "scheme step user". */
static const char *shown(const struct line *line)
{
    static char text[512];
    const struct auth_shown *s = line->shown;
    if (!s) {
        return "-";
    }
    snprintf(text, sizeof(text), "%s|%s|%s|%s", s->scheme, s->step, s->user, s->challenge_server);
    return text;
}

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

/* ---- torn handshakes -------------------------------------------------------------------- */

static void test_torn(void)
{
    struct stage stage;
    struct user a = alice();
    char want[64];
    stage_begin(&stage);
    struct line one = line_open(&stage, CLIENT, EX1), two = line_open(&stage, CLIENT, EX2);
    challenge_as(&one, &a, "NTLM", "EX1", STAMP);
    snprintf(want, sizeof(want), "ntlm_torn:error@%u/0", third(&two, &a, "NTLM", "alice", "EX1", STAMP));
    CHECK_STR(stage.log, want);
    CHECK(strstr(stage.last_text, EX1) && strstr(stage.last_text, EX2) && strstr(stage.last_text, "EX1 (ex1.ex"));
    CHECK(strstr(stage.last_text, "EXAMPLE\\alice"));
    CHECK_INT(stage.where, WHERE_DEVICE);
    CHECK(!stage.where_seen);
    stage_end(&stage);
}

static void test_torn_behind(bool split)
{
    struct stage stage;
    struct user a = alice();
    char text[TOKEN_TEXT], want[64] = "";
    struct auth_row row;
    stage_begin(&stage);
    struct line c = line_open(&stage, CLIENT, DEVICE), s1 = line_open(&stage, INSIDE, EX1);
    struct line s2 = line_open(&stage, INSIDE, EX2);
    ask(&c, &a, "Connect", type1("NTLM", text));
    ask_as(&s1, &a, true, "Connect", type1("NTLM", text), NULL);
    reply(&s1, 401, "WWW-Authenticate: %s\r\n", type2("NTLM", "EX1", STAMP, text));
    reply(&c, 401, "WWW-Authenticate: %s\r\n", type2("NTLM", "EX1", STAMP, text));
    third(&c, &a, "NTLM", "alice", "EX1", STAMP);
    struct line *to = split ? &s2 : &s1;
    uint32_t frame = third(to, &a, "NTLM", "alice", "EX1", STAMP);
    CHECK_INT(to->leg, 1);
    if (split) {
        snprintf(want, sizeof(want), "ntlm_torn:error@%u/1", frame);
        CHECK(strstr(stage.last_text, EX1) && strstr(stage.last_text, EX2) && strstr(stage.last_text, DEVICE));
        CHECK(stage.where_seen);
    }
    reply(to, split ? 401 : 200, split ? OFFERS : "");
    reply(&c, split ? 401 : 200, split ? OFFERS : "");
    CHECK_STR(stage.log, want);
    /* One row; what the device passed on is not counted twice. */
    CHECK_INT(logon_state_rows(stage.world), 1);
    CHECK(logon_state_row(stage.world, 0, &row));
    CHECK_INT(row.connections, 1);
    CHECK_INT(row.accepted, split ? 0 : 1);
    CHECK_INT(row.refused, split ? 1 : 0);
    CHECK_STR(row.challenge_servers, "ex1.example.test");
    CHECK_INT(row.verdict.kind, split ? V_NTLM_TORN : VERDICT_KINDS);
    stage_end(&stage);
}

/* type 3 without its type 2: how the connection was captured, what it echoes. */
static void test_alone(void)
{
    struct stage stage;
    struct user a = alice();
    static const struct conn_past pasts[] = { { .syn = true, .syn_ack = true, .has_next = true },
                                              { .syn = false },
                                              { .syn = true, .has_next = true },
                                              { .syn = true, .syn_ack = true, .has_next = true, .gap = true } };
    for (unsigned i = 0; i < 4; i++) {
        stage_begin(&stage);
        struct line line = line_open_past(&stage, CLIENT, EX1, pasts[i], false);
        third(&line, &a, "NTLM", "alice", "EX1", STAMP);
        CHECK_STR(stage.log, i == 0 ? "type3_without_challenge:warning@1/0" : "");
        CHECK(i || strstr(stage.last_text, "EX1 (ex1.example.test)"));
        stage_end(&stage);
    }
    for (unsigned i = 0; i < 6; i++) {
        stage_begin(&stage);
        struct line one = line_open(&stage, CLIENT, EX1), two = line_open(&stage, CLIENT, EX2);
        if (i == 0) {
            third(&one, &a, "NTLM", "alice", NULL, STAMP); /* NTLMv1 */
        } else if (i == 1) {
            third(&one, &a, "NTLM", "", "EX1", STAMP); /* anonymous */
        } else if (i == 2) {
            auth_lost(one.conn, WAY_TO_CLIENT);
            third(&one, &a, "NTLM", "alice", "EX1", STAMP);
        } else if (i == 3) {
            ask(&one, &a, "Connect", NULL);
            reply(&one, 407, "Proxy-Authenticate: NTLM\r\n");
            third(&one, &a, "NTLM", "alice", "EX1", STAMP);
        } else if (i == 4) { /* another type 2 than the one that it answers */
            challenge_as(&one, &a, "NTLM", "EX1", STAMP + 1);
            third(&one, &a, "NTLM", "alice", "EX1", STAMP);
        } else { /* the same moment on two connections */
            challenge_as(&two, &a, "NTLM", "EX1", STAMP);
            challenge_as(&one, &a, "NTLM", "EX1", STAMP);
            third(&one, &a, "NTLM", "alice", "EX1", STAMP);
            third(&two, &a, "NTLM", "alice", "EX1", STAMP);
        }
        CHECK_STR(stage.log, i == 0 ? "type3_without_challenge:warning@1/0" : "");
        stage_end(&stage);
    }
    /* A type 2 without timestamp: only names tie, and only where one waits for its answer. */
    for (unsigned i = 0; i < 2; i++) {
        stage_begin(&stage);
        struct line one = line_open(&stage, CLIENT, EX1), two = line_open(&stage, CLIENT, EX2);
        challenge_as(&one, &a, "NTLM", "EX1", 0);
        if (i) {
            third(&one, &a, "NTLM", "alice", "EX1", 0);
            reply(&one, 200, "");
        }
        third(&two, &a, "NTLM", "alice", "EX1", 0);
        CHECK_STR(stage.log, i ? "" : "ntlm_torn:error@3/0");
        stage_end(&stage);
    }
}

/* ---- refusals --------------------------------------------------------------------------------- */

static void test_refused(void)
{
    static const char *const tokens[] = { "Basic YWxpY2U6d3Jvbmc=", "Bearer abc", "Kerberos", "NTLM" };
    struct stage stage;
    char text[TOKEN_TEXT];
    for (unsigned kind = 0; kind < 4; kind++) {
        struct user a = alice(), b = bob();
        uint32_t frame = 0;
        char want[64];
        stage_begin(&stage);
        struct line line = line_open(&stage, CLIENT, EX1), other = line_open(&stage, OTHER, EX1);
        for (unsigned i = 0; i < 4; i++) {
            if (kind == 3) {
                challenge_as(&line, &a, "NTLM", "EX1", STAMP + i);
                third(&line, &a, "NTLM", "alice", "EX1", STAMP + i);
            } else {
                char bearer[] = "Bearer abc0";
                bearer[10] = (char)('0' + i); /* one token that is refused again counts once */
                ask(&line, &a, "Connect", kind == 2 ? ap_req(text) : kind == 1 ? bearer : tokens[kind]);
                if (kind == 1) {
                    reply(&line, 401, OFFERS);
                    ask(&line, &a, "Connect", bearer);
                }
            }
            /* Another client's refusals are its own, unless the name is the same. */
            if (i < 2 && kind != 3) {
                ask(&other, &b, "Connect", kind == 2 ? ap_req(text) : kind == 1 ? tokens[1] : "Basic Ym9iOng=");
                reply(&other, 401, OFFERS);
            }
            uint32_t now = reply(&line, 401, OFFERS "X-FEServer: EX1\r\n");
            CHECK_STR(line.shown->step, "rejected");
            frame = i == 2 ? now - (kind == 1 ? 2 : 0) : frame;
        }
        snprintf(want, sizeof(want), "refused:warning@%u/0", frame);
        CHECK_STR(stage.log, want);
        CHECK(strstr(stage.last_text, "mail.example.test"));
        CHECK(strstr(stage.last_text, kind == 0 ? "alice" : kind == 3 ? "EXAMPLE\\alice" : "X-ClientInfo"));
        CHECK(!strstr(stage.last_text, "wrong:") && !strstr(stage.last_text, "abc"));
        stage_end(&stage);
    }
}

/* Challenges without a type 3, and type 1 without a challenge: the third in a row, with no acceptance between. */
static void test_no_challenge(void)
{
    char text[TOKEN_TEXT];
    for (unsigned kind = 0; kind < 6; kind++) {
        struct stage stage;
        struct user a = alice();
        stage_begin(&stage);
        for (unsigned i = 0; i < 3; i++) {
            struct line line = line_open(&stage, CLIENT, EX1);
            if (kind < 4) {
                challenge_as(&line, &a, "NTLM", "EX1", STAMP + i);
            } else {
                ask(&line, &a, "Connect", type1("NTLM", text));
                reply(&line, 401, kind == 4 ? OFFERS : "WWW-Authenticate: Basic realm=\"x\"\r\n");
            }
            if (kind == 1 && i == 1) { /* he got in */
                ask(&line, &a, "Connect", basic("alice", "x", text));
                reply(&line, 200, "");
            }
            stage_wait(&stage, kind == 3 ? 31 : 1);
            if (kind != 3) {
                line_fin(&line, kind == 2 ? WAY_TO_CLIENT : WAY_TO_SERVER);
            } else if (i == 2) { /* a frame of any connection tells the time */
                ask(&line, &a, "Connect", NULL);
            }
        }
        static const char *const want[] = { "no_challenge:warning@9/0", "",
                                            "no_challenge:warning@9/0", "no_challenge:warning@7/0",
                                            "no_challenge:warning@8/0", "downgraded:note@2/0" };
        CHECK_STR(stage.log, want[kind]);
        CHECK(kind == 1 || kind == 5 || stage.where == (kind == 2 || kind == 4 ? WHERE_UNKNOWN : WHERE_CLIENT));
        stage_end(&stage);
    }
}

/* Two handshakes in turns on one connection: the server knows the newest challenge only. */
static void test_interleaved(void)
{
    for (unsigned kind = 0; kind < 3; kind++) {
        struct stage stage;
        struct user a = alice(), b = kind == 2 ? alice() : bob();
        stage_begin(&stage);
        struct line line = line_open(&stage, INSIDE, EX1);
        challenge_as(&line, &a, "NTLM", "EX1", STAMP);
        challenge_as(&line, &b, "NTLM", "EX1", STAMP + 1);
        third(&line, &a, "NTLM", "alice", kind ? NULL : "EX1", STAMP); /* NTLMv1: only who asked tells */
        CHECK_STR(stage.log, kind == 2 ? "" : "ntlm_torn:error@5/0");
        stage_end(&stage);
    }
}

/* NTLMv1 over two legs: the same type 2 and type 3 on both tell which challenge it answers. */
static void test_torn_v1(void)
{
    struct stage stage;
    struct user a = alice();
    char text[TOKEN_TEXT];
    stage_begin(&stage);
    struct line front = line_open(&stage, CLIENT, DEVICE), one = line_open(&stage, INSIDE, EX1),
                two = line_open(&stage, INSIDE, EX2);
    ask(&front, &a, "Connect", type1("NTLM", text));
    ask_as(&one, &a, true, "Connect", type1("NTLM", text), NULL);
    reply(&one, 401, "WWW-Authenticate: %s\r\n", type2("NTLM", "EX1", STAMP, text));
    reply(&front, 401, "WWW-Authenticate: %s\r\n", type2("NTLM", "EX1", STAMP, text));
    third(&front, &a, "NTLM", "alice", NULL, 0);
    third(&two, &a, "NTLM", "alice", NULL, 0);
    CHECK_STR(stage.log, "ntlm_torn:error@6/1");
    CHECK(stage.where == WHERE_DEVICE && stage.where_seen);
    stage_end(&stage);
}

static void test_not_refused(void)
{
    struct stage stage;
    struct user a = alice(), b = bob();
    char text[TOKEN_TEXT];
    struct auth_row row;
    stage_begin(&stage);
    struct line line = line_open(&stage, CLIENT, EX1);
    /* Two, then accepted, then two. */
    for (unsigned i = 0; i < 5; i++) {
        ask(&line, &a, "Connect", basic("alice", i == 2 ? "right" : "wrong", text));
        reply(&line, i == 2 ? 200 : 401, i == 2 ? "" : OFFERS);
    }
    CHECK(logon_state_row(stage.world, 0, &row));
    CHECK_INT(row.accepted, 1);
    CHECK_INT(row.refused, 4);
    CHECK_INT(row.first_refusal.frame, 2);
    CHECK_INT(row.connections, 1);
    CHECK_INT(logon_conn_row(line.conn), 0);
    CHECK_STR(row.host, "mail.example.test");
    CHECK_STR(row.scheme, "Basic");
    /* Steps. */
    for (unsigned i = 0; i < 4; i++) {
        static const char *const steps[] = { NULL, "Basic", "Basic Og==", "Negotiate" };
        for (unsigned j = 0; j < 4; j++) {
            ask(&line, &b, "Connect", steps[i]);
            reply(&line, 401, OFFERS);
        }
        ask(&line, &b, "Connect", type3("NTLM", "", NULL, 0, 0, text));
        reply(&line, 401, OFFERS);
        if (i < 2) { /* the third in a row without a token would tell of a handshake that does not go on */
            ask(&line, &b, "Connect", type1("NTLM", text));
            reply(&line, 401, OFFERS);
        }
    }
    /* Three at once. */
    struct line lines[3];
    for (unsigned i = 0; i < 3; i++) {
        lines[i] = line_open(&stage, OTHER, EX1);
        ask(&lines[i], &b, "Connect", basic("bob", "wrong", text));
    }
    for (unsigned i = 0; i < 3; i++) {
        reply(&lines[i], 401, OFFERS);
    }
    /* SPNEGO goes on after an AP-REQ. */
    for (unsigned i = 0; i < 4; i++) {
        ask(&line, &b, "Connect", ap_req(text));
        reply(&line, 401, "WWW-Authenticate: Negotiate oQcwBaADCgEB\r\n");
    }
    CHECK_STR(stage.log, "");
    stage_end(&stage);

    /* An RTS PDU after the second, on a connection whose answer is not seen. */
    stage_begin(&stage);
    line = line_open(&stage, CLIENT, EX1);
    for (unsigned i = 0; i < 4; i++) {
        ask(&line, &a, "Connect", basic("alice", "x", text));
        if (i == 2) {
            auth_accepted(line.conn, stage.now);
            reply(&line, 503, "");
        } else {
            reply(&line, 401, OFFERS);
        }
    }
    CHECK_STR(stage.log, "");
    stage_end(&stage);
}

/* A server may give its next challenge with the refusal. */
static void test_refused_with_challenge(void)
{
    struct stage stage;
    struct user a = alice();
    char text[TOKEN_TEXT];
    stage_begin(&stage);
    struct line line = line_open(&stage, CLIENT, EX1);
    challenge_as(&line, &a, "NTLM", "EX1", STAMP);
    for (unsigned i = 0; i < 3; i++) {
        third(&line, &a, "NTLM", "alice", "EX1", STAMP + i);
        reply(&line, 401, "WWW-Authenticate: %s\r\n", type2("NTLM", "EX1", STAMP + i + 1, text));
        CHECK_STR(line.shown->step, "rejected");
    }
    CHECK_STR(stage.log, "refused:warning@8/0");
    stage_end(&stage);
}

/* Other users are accepted, or not; that a device passed the refusal on says nothing. */
static void test_refused_by(void)
{
    struct stage stage;
    struct user a = alice(), b = bob();
    char text[TOKEN_TEXT];
    for (unsigned kind = 0; kind < 3; kind++) {
        stage_begin(&stage);
        struct line line = line_open(&stage, CLIENT, EX1), other = line_open(&stage, OTHER, EX1);
        if (kind == 1) {
            ask(&other, &b, "Connect", basic("bob", "right", text));
            reply(&other, 200, "");
        }
        for (unsigned i = 0; i < 3; i++) {
            ask(&line, &a, "Connect", basic("alice", "wrong", text));
            reply(&line, 401, kind == 2 ? OFFERS "Server: nginx\r\n" : OFFERS);
        }
        CHECK_INT(stage.where, kind == 1 ? WHERE_CLIENT : WHERE_UNKNOWN);
        stage_end(&stage);
    }
}

/* ---- shared connections ------------------------------------------------------------------------- */

enum share {
    NTLM,
    NEGOTIATE,
    PERSISTENT,
    NOT_PERSISTENT,
    OWN_HANDSHAKE,
    PORT_444,
    SAME_PERSON,
    BASIC,
    UNKNOWN,
    AGAIN,
    SHARES
};

static void test_shared(void)
{
    struct stage stage;
    char text[TOKEN_TEXT];
    for (int kind = NTLM; kind < SHARES; kind++) {
        struct user a = alice(), b = bob();
        char want[64] = "";
        uint32_t frame = 0;
        const char *server = kind == PORT_444 ? "10.0.0.81:444" : EX1;
        stage_begin(&stage);
        struct line s1 = line_open(&stage, INSIDE, server), s2 = line_open(&stage, INSIDE, server);
        if (kind == PERSISTENT || kind == NOT_PERSISTENT || kind == NEGOTIATE) {
            /* Kerberos hides the name: X-User-Identity stands for it. */
            for (unsigned i = 0; i < 2; i++) {
                ask_as(i ? &s2 : &s1, i ? &b : &a, false, "Connect", ap_req(text),
                       i ? "X-User-Identity: bob@example.test\r\n" : "X-User-Identity: alice@example.test\r\n");
                reply(i ? &s2 : &s1, 200,
                      kind == PERSISTENT     ? "Persistent-Auth: true\r\n" :
                      kind == NOT_PERSISTENT ? "Persistent-Auth: false\r\n" :
                                               "");
            }
        } else if (kind == BASIC) {
            ask(&s1, &a, "Connect", basic("alice", "x", text));
            reply(&s1, 200, "");
            login(&s2, &b, "NTLM", "bob", STAMP + 1, "");
        } else {
            login(&s1, &a, "NTLM", "alice", STAMP, "");
            if (kind == SAME_PERSON) {
                ask(&s2, &b, "Connect", basic("alice@example.test", "x", text));
                reply(&s2, 200, "");
            } else if (kind != UNKNOWN) {
                login(&s2, &b, "NTLM", "bob", STAMP + 1, "");
            }
        }
        if (kind != NEGOTIATE) {
            ask(&s1, &a, "Execute", NULL);
            reply(&s1, kind == NOT_PERSISTENT ? 401 : 200, kind == NOT_PERSISTENT ? OFFERS : "");
        }
        if (kind == OWN_HANDSHAKE) {
            login(&s1, &b, "NTLM", "bob", STAMP + 2, "");
        }
        frame = ask(&s1, &b, "Execute", NULL);
        if (kind == NEGOTIATE) { /* its acceptance proves that the connection is authenticated */
            frame = reply(&s1, 200, "");
        } else {
            reply(&s1, 200, "");
        }
        if (kind == AGAIN) { /* once for a connection and user */
            ask(&s1, &b, "Execute", NULL);
            reply(&s1, 200, "");
        }
        if (kind == NTLM || kind == AGAIN || kind == PERSISTENT || kind == NEGOTIATE) {
            snprintf(want, sizeof(want), "shared_connection:error@%u/0", frame);
            CHECK(strstr(stage.last_text, "alice") && strstr(stage.last_text, "bob"));
        }
        CHECK_STR(stage.log, want);
        stage_end(&stage);
    }
}

/* One client instance that two users' credentials came from names nobody. */
/* Whether two names are one person: the local part counts, then domains of one kind. A domain
 * has a short name and a DNS name, a UPN may have any suffix. NTLM's is EXAMPLE. */
static void test_same_person(void)
{
    static const struct {
        const char *other;
        bool differs;
    } rows[] = { { "alice", false },
                 { "EXAMPLE\\ALICE", false },
                 { "example\\alice", false },
                 { "OTHER\\alice", true },
                 { "other.test\\alice", false },
                 { "alice@anything.test", false },
                 { "OTHER\\alice@x", false },
                 { "\\alice", false },
                 { "bob", true },
                 { "EXAMPLE\\bob", true },
                 { "alic", true },
                 { "alice2", true },
                 { "bob@example.test", true } };
    char text[TOKEN_TEXT], want[64];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct stage stage;
        struct user a = alice(), b = bob();
        stage_begin(&stage);
        struct line s1 = line_open(&stage, INSIDE, EX1), s2 = line_open(&stage, INSIDE, EX1);
        login(&s1, &a, "NTLM", "alice", STAMP, "");
        ask(&s2, &b, "Connect", basic(rows[i].other, "x", text));
        reply(&s2, 200, "");
        ask(&s1, &a, "Execute", NULL);
        reply(&s1, 200, "");
        uint32_t frame = ask(&s1, &b, "Execute", NULL);
        snprintf(want, sizeof(want), "shared_connection:error@%u/0", frame);
        CHECK_STR(stage.log, rows[i].differs ? want : "");
        stage_end(&stage);
    }
    /* Between two names that Basic shows, both with domains of each kind. */
    static const char *const pairs[][3] = { { "A.test\\u", "B.test\\u", "d" },
                                            { "A\\u", "B\\u", "d" },
                                            { "A\\u", "B.test\\u", "" },
                                            { "u@a.test", "u@b.test", "d" },
                                            { "u@a", "u@b.test", "" },
                                            { "u@a", "u@b", "d" },
                                            { "A\\u", "a\\U", "" },
                                            { "u@a.test", "U@A.TEST", "" } };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        struct stage stage;
        struct user a = alice(), b = bob();
        stage_begin(&stage);
        struct line outer = line_open(&stage, CLIENT, DEVICE), s1 = line_open(&stage, INSIDE, EX1),
                    s2 = line_open(&stage, INSIDE, EX1);
        char identity[100];
        for (unsigned k = 0; k < 2; k++) {
            snprintf(identity, sizeof(identity), "X-User-Identity: %s\r\n", pairs[i][k]);
            ask_as(k ? &s2 : &s1, k ? &b : &a, false, "Connect", ap_req(text), identity);
            reply(k ? &s2 : &s1, 200, "Persistent-Auth: true\r\n");
        }
        ask(&s1, &a, "Execute", NULL);
        reply(&s1, 200, "");
        ask(&outer, &b, "Execute", NULL); /* the request comes from there, as can be seen */
        ask_as(&s1, &b, true, "Execute", NULL, NULL);
        transcript("%s and %s: %s", pairs[i][0], pairs[i][1], stage.log);
        stage_end(&stage);
    }
}

/* A request with one identity only, in each form one can have. */
static uint32_t ask_raw(struct line *line, const char *path, const char *identity, const char *token)
{
    char text[2 * TOKEN_TEXT];
    snprintf(text, sizeof(text), "POST /mapi/emsmdb/?%s HTTP/1.1\r\nHost: m\r\nContent-Length: 0\r\n%s%s%s%s%s\r\n",
             path, identity, *identity ? "\r\n" : "", token ? "Authorization: " : "", token ? token : "",
             token ? "\r\n" : "");
    line_frame(line, WAY_TO_SERVER, text, false);
    return line->stage->now.frame;
}

static void test_identities(void)
{
    static const struct {
        const char *bob, *again, *kind; /* of his logon, and of the request in question; NULL: no identity */
    } rows[] = { { "X-ClientInfo: {B1}:4", "x-clientinfo: b1:77", "X-ClientInfo" },
                 { "X-RequestId: {B2}:7", "X-RequestId: {b2}:8", "X-RequestId" },
                 { "X-User-Identity: bob@x", "X-User-Identity: BOB@x", "X-User-Identity" },
                 { "Cookie: a=1; OutlookSession=\"{B3}\"", "Cookie: OutlookSession=b3; OutlookSession=c",
                   "OutlookSession" },
                 { "Cookie: MapiContext=ctx1", "Cookie: x=y; MapiContext=ctx1", "session cookie" },
                 { "Cookie: x=y; sid=ctx2", "Cookie: SID=ctx2; sid=other", "session cookie" },
                 { "Cookie: x=ctx3", "Cookie: x=ctx3", NULL },
                 { "Cookie: OutlookSession=s1", "Cookie: x=s1", NULL },
                 { "Cookie: sid=s1", "Cookie: OutlookSession=s1", NULL },
                 { "X-ClientInfo: B1", "X-RequestId: B1", NULL },
                 { "X-ClientInfo: {B1}:4", "X-ClientInfo: {B1}4", NULL },
                 { "", "", NULL } };
    char text[TOKEN_TEXT], want[64];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct stage stage;
        stage_begin(&stage);
        struct line s1 = line_open(&stage, INSIDE, EX1), s2 = line_open(&stage, INSIDE, EX1);
        for (unsigned k = 0; k < 2; k++) {
            struct line *line = k ? &s2 : &s1;
            const char *identity = k ? rows[i].bob : "X-ClientInfo: {A1}:4", *name = k ? "bob" : "alice";
            ask_raw(line, "1", identity, type1("NTLM", text));
            reply(line, 401, "WWW-Authenticate: %s\r\n", type2("NTLM", "EX1", STAMP + k, text));
            ask_raw(line, "1", identity, type3("NTLM", name, "EX1", STAMP + k, 0, text));
            reply(line, 200, "");
        }
        uint32_t frame = ask_raw(&s1, "2", rows[i].again, NULL);
        snprintf(want, sizeof(want), "shared_connection:error@%u/0", frame);
        CHECK_STR(stage.log, rows[i].kind ? want : "");
        if (rows[i].kind) {
            snprintf(want, sizeof(want), "by its %s (", rows[i].kind);
            CHECK(strstr(stage.last_text, want));
        }
        stage_end(&stage);
    }
    /* The cookie that the answer to a Connect sets is the user's, too; it stands first in its line. */
    for (unsigned kind = 0; kind < 3; kind++) {
        struct stage stage;
        stage_begin(&stage);
        struct line s1 = line_open(&stage, INSIDE, EX1), s2 = line_open(&stage, INSIDE, EX1);
        for (unsigned k = 0; k < 2; k++) {
            struct line *line = k ? &s2 : &s1;
            ask_raw(line, "1", "X-RequestType: Connect", type1("NTLM", text));
            reply(line, 401, "WWW-Authenticate: %s\r\n", type2("NTLM", "EX1", STAMP + k, text));
            ask_raw(line, "1", "X-RequestType: Connect", type3("NTLM", k ? "bob" : "alice", "EX1", STAMP + k, 0, text));
            reply(line, 200,
                  k ? kind == 0 ? "Set-Cookie: MapiContext=c1; path=/mapi\r\n" :
                      kind == 1 ? "Set-Cookie: sid=c1; x=y\r\n" :
                                  "Set-Cookie: x=y; sid=c1\r\n" :
                      "");
        }
        uint32_t frame = ask_raw(&s1, "2", "Cookie: sid=c1", NULL);
        snprintf(want, sizeof(want), "shared_connection:error@%u/0", frame);
        CHECK_STR(stage.log, kind < 2 ? want : "");
        stage_end(&stage);
    }
}

/* Names beyond the room for one in a text are cut, not inside a character; what is refused after a
 * torn handshake is the handshake's fault. */
static void test_long_names(void)
{
    static const char *const names[] = {
        "a-name-of-more-than-sixty-characters-which-is-more-than-is-shown-of-one-in-a-text",
        "\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4"
        "\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4"
        "\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4",
        "x\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4"
        "\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4"
        "\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4"
    };
    char text[TOKEN_TEXT];
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct stage stage;
        struct user a = alice();
        stage_begin(&stage);
        struct line line = line_open(&stage, CLIENT, EX1);
        for (unsigned k = 0; k < 4; k++) {
            ask(&line, &a, "Connect", basic(names[i], "x", text));
            reply(&line, 401, OFFERS "X-FEServer: FE\r\n");
        }
        CHECK(strstr(stage.last_text, "..."));
        stage_end(&stage);
    }
    struct stage stage;
    struct user a = alice();
    stage_begin(&stage);
    struct line one = line_open(&stage, CLIENT, EX1), two = line_open(&stage, CLIENT, EX2);
    for (unsigned k = 0; k < 4; k++) {
        challenge_as(&one, &a, "NTLM", "EX1", STAMP + k);
        third(&two, &a, "NTLM", "alice", "EX1", STAMP + k);
        reply(&two, 401, OFFERS);
    }
    transcript("torn and refused: %s", stage.log);
    stage_end(&stage);
}

static void test_ambiguous(void)
{
    struct stage stage;
    struct user a = alice(), b = alice();
    char text[TOKEN_TEXT];
    stage_begin(&stage);
    struct line s1 = line_open(&stage, CLIENT, EX1), s2 = line_open(&stage, CLIENT, EX1);
    login(&s1, &a, "NTLM", "alice", STAMP, "");
    ask(&s2, &b, "Connect", basic("shared.box@example.test", "x", text));
    reply(&s2, 200, "");
    ask(&s1, &b, "Execute", NULL);
    reply(&s1, 200, "");
    CHECK_STR(stage.log, "");
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

/* ---- offers ------------------------------------------------------------------------------------------ */

static void test_downgraded(void)
{
    struct stage stage;
    char text[TOKEN_TEXT];
    for (unsigned kind = 0; kind < 5; kind++) {
        struct user a = alice();
        uint32_t frame = 0;
        char want[64] = "";
        stage_begin(&stage);
        struct line line = line_open(&stage, CLIENT, DEVICE), more = line_open(&stage, CLIENT, DEVICE);
        struct line inner = line_open(&stage, INSIDE, EX1);
        ask(&line, &a, "Connect", kind == 1 ? NULL : type1("NTLM", text));
        if (kind == 3) {
            ask_as(&inner, &a, true, "Connect", NULL, NULL);
            CHECK_INT(inner.leg, 1);
            reply(&inner, 401, OFFERS);
        }
        if (kind == 2) {
            reply(&line, 401, OFFERS);
        } else {
            frame = reply(&line, 401, "WWW-Authenticate: Basic realm=\"NTLM, Negotiate\"\r\n");
        }
        if (kind == 4) { /* told once for a client and host */
            a.counter++;
            ask(&more, &a, "Connect", type1("NTLM", text));
            reply(&more, 401, "WWW-Authenticate: Basic\r\n");
        }
        if (kind != 1 && kind != 2) {
            snprintf(want, sizeof(want), "downgraded:note@%u/0", frame);
            CHECK(strstr(stage.last_text, "NTLM") && strstr(stage.last_text, "Basic"));
            CHECK_INT(stage.where_seen, kind == 3);
            CHECK_INT(stage.where, kind == 3 ? WHERE_DEVICE : WHERE_UNKNOWN);
        }
        CHECK_STR(stage.log, want);
        stage_end(&stage);
    }
}

#define LOWER "www-authenticate: NTLM\r\nwww-authenticate: Basic realm=\"x\"\r\n"

static void test_header_case(void)
{
    struct stage stage;
    char text[TOKEN_TEXT];
    for (unsigned kind = 0; kind < 8; kind++) {
        struct user a = alice();
        const char *want = "";
        struct conn_past past = { .syn = true, .syn_ack = kind != 7, .has_next = true };
        stage_begin(&stage);
        struct line line = line_open_past(&stage, CLIENT, EX1, past, false), other = line_open(&stage, OTHER, EX1);
        if (kind == 4) { /* that another client of the capture reads it says nothing of this one */
            want = "header_case:note@7/0";
            struct user b = bob();
            ask(&other, &b, "Connect", NULL);
            reply(&other, 401, LOWER);
            ask(&other, &b, "Connect", basic("bob", "x", text));
            reply(&other, 200, "");
        }
        ask(&line, &a, "Connect", kind == 5 ? basic("alice", "x", text) : NULL);
        reply(&line, 401, kind == 2 ? OFFERS : kind == 3 ? LOWER "Connection: close\r\n" : LOWER);
        stage_wait(&stage, 0.5);
        if (kind == 1) {
            ask(&line, &a, "Connect", type1("NTLM", text));
            reply(&line, 401, "www-authenticate: %s\r\n", type2("NTLM", "EX1", STAMP, text));
        } else if (kind == 6) {
            ask_as(&line, &a, true, "Connect", NULL, NULL);
            want = "header_case:note@3/0";
        }
        line_fin(&line, WAY_TO_SERVER);
        if (kind == 0) {
            want = "header_case:note@3/0";
            CHECK(strstr(stage.last_text, "www-authenticate"));
        }
        CHECK_STR(stage.log, want);
        if (kind == 0) { /* once for a host */
            ask(&other, &a, "Connect", NULL);
            reply(&other, 401, LOWER);
            line_fin(&other, WAY_TO_SERVER);
            CHECK_STR(stage.log, want);
        }
        stage_end(&stage);
    }
    /* The server closes after each: the client comes back again and again without credentials. */
    /* ... or reads it, once; or has sent all of them before it can have read the first. */
    for (unsigned retry = 0; retry < 3; retry++) {
        struct user a = alice();
        stage_begin(&stage);
        for (unsigned i = 0; i < 4; i++) {
            struct line line = line_open(&stage, CLIENT, EX1);
            ask(&line, &a, "Connect", retry == 1 && i == 1 ? type1("NTLM", text) : NULL);
            reply(&line, 401, LOWER "Connection: close\r\n");
            line_fin(&line, WAY_TO_CLIENT);
            stage_wait(&stage, retry == 2 ? 0.1 : 2);
        }
        CHECK_STR(stage.log, retry ? "" : "header_case:note@7/0");
        stage_end(&stage);
    }
    /* The next leg has it as the server wrote it: not in lower case, or in both spellings, of which a
     * client can read one; or in lower case there, too. */
    static const char *const inside[] = { OFFERS, OFFERS LOWER, LOWER };
    for (size_t i = 0; i < sizeof(inside) / sizeof(inside[0]); i++) {
        struct user a = alice();
        stage_begin(&stage);
        struct line c = line_open(&stage, CLIENT, DEVICE), s = line_open(&stage, INSIDE, EX1);
        ask(&c, &a, "Connect", NULL);
        ask_as(&s, &a, true, "Connect", NULL, NULL);
        reply(&s, 401, "%s", inside[i]);
        reply(&c, 401, LOWER);
        line_fin(&c, WAY_TO_SERVER);
        CHECK_STR(stage.log, "header_case:note@5/0");
        CHECK_INT(stage.where_seen, i < 2);
        stage_end(&stage);
    }
}

/* A head with both spellings can be read by everybody; one without a challenge says nothing. */
static void test_header_case_mixed(void)
{
    static const char *const heads[] = { LOWER OFFERS, OFFERS LOWER, "Server: x\r\n", LOWER };
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        struct stage stage;
        struct user a = alice();
        stage_begin(&stage);
        struct line line = line_open(&stage, CLIENT, EX1);
        ask(&line, &a, "Connect", NULL);
        reply(&line, 401, "%s", heads[i]);
        stage_wait(&stage, 0.5);
        line_fin(&line, WAY_TO_SERVER);
        CHECK_STR(stage.log, i == 3 ? "header_case:note@3/0" : "");
        stage_end(&stage);
    }
}

static void test_empty_bearer(void)
{
    struct stage stage;
    char text[TOKEN_TEXT];
    /* three rounds; two; then a token; then Basic; three at once; not whole */
    for (unsigned kind = 0; kind < 6; kind++) {
        struct user a = alice();
        struct conn_past past = { .syn = true, .syn_ack = kind != 5, .has_next = true };
        stage_begin(&stage);
        struct line line = line_open_past(&stage, CLIENT, EX1, past, false);
        for (unsigned i = 0; i < (kind == 1 ? 2 : 3); i++) {
            ask(&line, &a, "Connect", "Bearer");
            if (kind != 4) {
                reply(&line, 401, "WWW-Authenticate: Bearer client_id=\"1\"\r\n");
            }
        }
        for (unsigned i = 0; kind == 4 && i < 3; i++) {
            reply(&line, 401, "WWW-Authenticate: Bearer client_id=\"1\"\r\n");
        }
        if (kind == 2 || kind == 3) {
            ask(&line, &a, "Connect", kind == 2 ? "Bearer abc" : basic("alice", "x", text));
            reply(&line, 200, "");
        }
        CHECK_STR(stage.log, "");
        line_fin(&line, WAY_TO_SERVER);
        CHECK_STR(stage.log, kind == 0 ? "empty_bearer:note@7/0" : "");
        stage_end(&stage);
    }
    /* Each on a connection of its own. */
    struct user a = alice();
    stage_begin(&stage);
    for (unsigned i = 0; i < 4; i++) {
        struct line line = line_open(&stage, CLIENT, EX1);
        ask(&line, &a, "Connect", "Bearer");
        reply(&line, 401, "WWW-Authenticate: Bearer client_id=\"1\"\r\n");
        line_fin(&line, WAY_TO_SERVER);
    }
    CHECK_STR(stage.log, "empty_bearer:note@9/0");
    stage_end(&stage);
}

static void test_channel_binding(void)
{
    struct stage stage;
    char text[TOKEN_TEXT];
    /* refused in clear text; bindings of zero; accepted; within TLS; passed on to a leg behind */
    for (unsigned kind = 0; kind < 5; kind++) {
        struct user a = alice();
        struct conn_past past = { .syn = true, .syn_ack = true, .has_next = true };
        stage_begin(&stage);
        struct line line = line_open_past(&stage, CLIENT, EX1, past, kind == 3);
        struct line inner = line_open_past(&stage, INSIDE, EX2, past, true);
        challenge_as(&line, &a, "NTLM", "EX1", STAMP);
        ask_as(&line, &a, true, "Connect", type3("NTLM", "alice", "EX1", STAMP, kind != 1, text), NULL);
        if (kind == 4) {
            ask_as(&inner, &a, true, "Connect", "Bearer abc", NULL);
            CHECK_INT(inner.leg, 1);
            reply(&inner, 401, OFFERS);
        }
        reply(&line, kind == 2 ? 200 : 401, kind == 2 ? "" : OFFERS);
        CHECK_STR(stage.log, kind == 0 ? "channel_binding:warning@4/0" : "");
        CHECK(kind || strstr(stage.last_text, EX1));
        stage_end(&stage);
    }
    /* A torn handshake is refused for that. */
    struct user a = alice();
    stage_begin(&stage);
    struct line one = line_open(&stage, CLIENT, EX1), two = line_open(&stage, CLIENT, EX2);
    challenge_as(&one, &a, "NTLM", "EX1", STAMP);
    ask_as(&two, &a, true, "Connect", type3("NTLM", "alice", "EX1", STAMP, 1, text), NULL);
    reply(&two, 401, OFFERS);
    CHECK_STR(stage.log, "ntlm_torn:error@3/0");
    stage_end(&stage);
}

/* The type 3 of tokens.h is bound to the first. */
static const struct tls_leaf fits = {
    .sha256 = { 1 }, .sha1 = { 0x0A, 0xBC, 0xDE, 0xF1 }, .has_bindings = true, .bindings = { 8, 7, 6, 5, 4, 3, 2, 1 }
};
static const struct tls_leaf another = {
    .sha256 = { 2 }, .sha1 = { 0x99 }, .has_bindings = true, .bindings = { 8, 7, 6, 5, 4, 3, 2, 1, 1 }
};
static const struct tls_leaf yet_another = {
    .sha256 = { 4 }, .sha1 = { 0x44 }, .has_bindings = true, .bindings = { 1 }
};
static const struct tls_leaf opaque = { .sha256 = { 3 }, .sha1 = { 0x77 } }; /* signed with Ed25519, say */

/* The same request on all legs. */
static void ask_all(struct line *line, unsigned legs, struct user *user, const char *token)
{
    for (unsigned i = 0; i < legs; i++) {
        ask_as(&line[i], user, i > 0, "Connect", token, NULL);
        CHECK_INT(line[i].leg, i);
    }
}

/* A handshake with bindings over legs whose servers present these (NULL: not known), refused by the last. */
static void play_bound(struct stage *stage, unsigned legs, const struct tls_leaf *const *leaves, int bindings)
{
    static const char *const ends[][2] = { { CLIENT, EX1 }, { INSIDE, EX2 }, { "10.0.2.1:40000", "10.0.2.9:443" } };
    struct conn_past past = { .syn = true, .syn_ack = true, .has_next = true };
    struct user a = alice();
    struct line line[3];
    char text[TOKEN_TEXT];
    stage_begin(stage);
    for (unsigned i = 0; i < legs; i++) {
        line[i] = line_open_past(stage, ends[i][0], ends[i][1], past, true);
        line[i].link->leaf = leaves[i];
    }
    ask_all(line, legs, &a, type1("NTLM", text));
    type2("NTLM", "EX1", STAMP, text);
    for (unsigned i = legs; i-- > 0;) {
        reply(&line[i], 401, "WWW-Authenticate: %s\r\n", text);
    }
    ask_all(line, legs, &a, type3("NTLM", "alice", "EX1", STAMP, bindings, text));
    for (unsigned i = legs; i-- > 0;) {
        reply(&line[i], 401, OFFERS);
    }
}

static void test_channel_binding_leaves(void)
{
    static const struct {
        const struct tls_leaf *first, *second;
        int bindings;
        const char *log, *says;
    } rows[] = {
        { &fits, &another, 1, "channel_binding:warning@7/1",
          "are those of another certificate, at " EX1 " (stream 0, "
          "thumbprint 0ABCDEF1...)" },
        { &fits, &opaque, 1, "channel_binding:warning@7/1", "are those of another certificate, at " EX1 },
        { &another, &opaque, 1, "channel_binding:warning@7/1",
          "presents another certificate than " EX1 " (stream 0, "
          "thumbprint 99000000...) before it; inferred" },
        { &another, &yet_another, 1, "channel_binding:warning@7/1",
          "before it; the bindings are those of neither; inferred" },
        { &opaque, &another, 1, "channel_binding:warning@7/1", "presents another certificate than " EX1 },
        { &another, &fits, 1, "", NULL }, /* the server's own, whatever the device presents */
        { &fits, &fits, 1, "", NULL },
        { &another, &another, 1, "", NULL }, /* of neither, but the same */
        { &opaque, &opaque, 1, "", NULL },
        { NULL, &another, 1, "", NULL },
        { &fits, NULL, 1, "", NULL },
        { NULL, NULL, 1, "", NULL },
        { &fits, &another, 0, "", NULL }, /* bindings of zero */
        { &fits, &another, -1, "", NULL } /* none */
    };
    struct stage stage;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct tls_leaf *leaves[] = { rows[i].first, rows[i].second };
        play_bound(&stage, 2, leaves, rows[i].bindings);
        CHECK_STR(stage.log, rows[i].log);
        CHECK(!rows[i].says || strstr(stage.last_text, rows[i].says));
        CHECK(!rows[i].says || (strstr(stage.last_text, EX2) && stage.where == WHERE_DEVICE && stage.where_seen));
        stage_end(&stage);
    }
    /* Of three legs the first and the last count; that the bindings are those of the second says more than nothing. */
    static const struct tls_leaf *const three[][3] = { { &fits, &another, &opaque },
                                                       { &another, &opaque, &another },
                                                       { NULL, &fits, &another },
                                                       { NULL, &opaque, &another } };
    for (unsigned i = 0; i < 4; i++) {
        play_bound(&stage, 3, three[i], 1);
        CHECK_STR(stage.log, i % 2 ? "" : "channel_binding:warning@10/2");
        CHECK(i % 2 || strstr(stage.last_text, i ? "certificate, at " EX2 : "certificate, at " EX1));
        stage_end(&stage);
    }
    /* One leg: the client's, whose certificate fits, or the server's, whose does not. */
    for (unsigned i = 0; i < 2; i++) {
        const struct tls_leaf *leaf = i ? &another : &fits;
        play_bound(&stage, 1, &leaf, 1);
        CHECK_STR(stage.log, "");
        stage_end(&stage);
    }
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

/* Refusals of somebody who cannot be told from others are nobody's series. */
static void test_refused_nobody(void)
{
    char token[TOKEN_TEXT], head[TOKEN_TEXT + 300];
    struct stage stage;
    stage_begin(&stage);
    struct line line = line_open(&stage, CLIENT, EX1);
    for (unsigned i = 0; i < 5; i++) {
        snprintf(
            head, sizeof(head),
            "POST /mapi/emsmdb/ HTTP/1.1\r\nHost: mail.example.test\r\nContent-Length: 0\r\nX-RequestType: Connect\r\n"
            "Authorization: %s\r\n\r\n",
            ap_req(token));
        line_frame(&line, WAY_TO_SERVER, head, false);
        reply(&line, 401, OFFERS);
    }
    CHECK(!strstr(stage.log, "refused"));
    stage_end(&stage);
}

/* Where a device stands between: whether the server behind it had sent its challenge. */
static void test_no_challenge_behind(void)
{
    char text[TOKEN_TEXT];
    for (unsigned sent = 0; sent < 2; sent++) {
        struct stage stage;
        struct user a = alice();
        stage_begin(&stage);
        for (unsigned i = 0; i < 3; i++) {
            struct line outer = line_open(&stage, "10.0.0.21:1000", "10.0.0.80:80");
            struct line inner = line_open(&stage, "10.0.0.80:5000", "10.0.0.81:80");
            ask(&outer, &a, "Connect", type1("NTLM", text));
            ask_as(&inner, &a, true, "Connect", text, NULL);
            if (sent) {
                reply(&inner, 401, "WWW-Authenticate: %s\r\n", type2("NTLM", "EX1", STAMP, text));
            } else {
                reply(&inner, 401, OFFERS);
            }
            reply(&outer, 401, OFFERS);
            stage_wait(&stage, 1);
            line_fin(&inner, WAY_TO_SERVER);
            line_fin(&outer, WAY_TO_SERVER);
        }
        CHECK(strstr(stage.log, "no_challenge") != NULL);
        CHECK((strstr(stage.last_text, "the device between takes it out") != NULL) == (sent == 1));
        stage_end(&stage);
    }
}

int main(void)
{
    test_shown();
    test_several_challenges();
    test_rpc();
    test_legs();
    test_legs_of_rpc();
    test_pipeline();
    test_torn();
    test_torn_behind(true);
    test_torn_behind(false);
    test_alone();
    test_refused();
    test_no_challenge();
    test_no_challenge_behind();
    test_refused_nobody();
    test_interleaved();
    test_torn_v1();
    test_not_refused();
    test_refused_with_challenge();
    test_refused_by();
    test_shared();
    test_same_person();
    test_identities();
    test_long_names();
    test_ambiguous();
    test_time();
    test_downgraded();
    test_header_case();
    test_header_case_mixed();
    test_empty_bearer();
    test_channel_binding();
    test_channel_binding_leaves();
    test_rows();
    transcript_off = true;
    test_memory();
    transcript_end(__FILE__);
    return unit_end();
}
