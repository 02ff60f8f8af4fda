/* test_auth_refused.c
 * Logons that are torn between connections, and those that are refused, each with its healthy counterpart
 * (MS-NTHT, MS-N2HT, MS-NLMP, RFC 4559).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "accounts.h"

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

/* What nobody asked for in the capture, between refusals, may be the answer to the right password. */
static void test_unasked(void)
{
    static const struct {
        unsigned status;
        bool series;
    } rows[] = { { 0, true }, { 200, false }, { 204, false }, { 404, true }, { 503, true }, { 302, true } };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct stage stage;
        struct user a = alice();
        char text[TOKEN_TEXT];
        stage_begin(&stage);
        struct line line = line_open(&stage, CLIENT, EX1);
        for (unsigned n = 0; n < 5; n++) {
            ask(&line, &a, "Connect", basic("alice", "wrong", text));
            reply(&line, 401, OFFERS);
            if (n == 1 && rows[i].status) {
                reply(&line, rows[i].status, "");
            }
            CHECK_INT(strstr(stage.log, "refused") != NULL, n >= (rows[i].series ? 2 : 4));
        }
        stage_end(&stage);
    }
}

/* A server that takes no ticket says why, in a token after which a handshake would go on otherwise. */
static void test_krb_error(void)
{
    static const struct {
        uint8_t code;
        const char *said, *inferred, *next;
    } rows[] = {
        { 41, ", Kerberos error 41 (KRB_AP_ERR_MODIFIED)", "cannot decrypt the ticket", "setspn -Q" },
        { 37, ", Kerberos error 37 (KRB_AP_ERR_SKEW)", "does not hold at the server's time", "w32tm /query" },
        { 60, ", Kerberos error 60 (KRB_ERR_GENERIC)", "; inferred: ", "; next: " },
        { 99, ", Kerberos error 99 (", "; inferred: ", "; next: " },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct stage stage;
        struct user a = alice();
        char text[TOKEN_TEXT];
        stage_begin(&stage);
        struct line line = line_open(&stage, CLIENT, EX1);
        for (unsigned n = 0; n < 3; n++) {
            ask(&line, &a, "Connect", ap_req(text));
            CHECK_STR(stage.log, "");
            reply(&line, 401, "WWW-Authenticate: %s\r\n", krb_error(rows[i].code, text));
        }
        CHECK(strstr(stage.log, "refused:warning@"));
        unit_check(strstr(stage.last_text, rows[i].said) && strstr(stage.last_text, rows[i].inferred) &&
                       strstr(stage.last_text, rows[i].next),
                   __FILE__, __LINE__, stage.last_text);
        CHECK_INT(strstr(stage.last_text, "decrypt") != NULL, rows[i].code == 41);
        CHECK(!strstr(strstr(stage.last_text, "; inferred: ") + 1, "; inferred: ")); /* one advice */
        stage_end(&stage);

        /* The same where the client falls back to another scheme, which is accepted. */
        stage_begin(&stage);
        line = line_open(&stage, CLIENT, EX1);
        for (unsigned n = 0; n < 3; n++) {
            ask(&line, &a, "Connect", ap_req(text));
            CHECK_STR(stage.log, "");
            reply(&line, 401, "WWW-Authenticate: %s\r\n", krb_error(rows[i].code, text));
            ask(&line, &a, "Connect", basic("alice", "right", text));
            reply(&line, 200, "");
        }
        CHECK_STR(stage.log, "note:note@10/0");
        unit_check(strstr(stage.last_text, rows[i].said) && strstr(stage.last_text, rows[i].inferred) &&
                       strstr(stage.last_text, "accepted by Basic in frame") &&
                       strstr(stage.last_text, "; the ticket is for a service that cannot be read; "),
                   __FILE__, __LINE__, stage.last_text);
        CHECK_INT(strstr(stage.last_text, "Kerberos never works") != NULL, rows[i].code > 41);
        stage_end(&stage);
    }
}

int main(void)
{
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
    transcript_off = true;
    test_unasked();
    test_krb_error();
    transcript_end(__FILE__);
    return unit_end();
}
