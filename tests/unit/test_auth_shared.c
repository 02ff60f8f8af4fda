/* test_auth_shared.c
 * Connections that several people share, and who is the same person, with the healthy counterparts (MS-NTHT,
 * RFC 4559).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "accounts.h"

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

int main(void)
{
    test_shared();
    test_same_person();
    test_identities();
    test_long_names();
    test_ambiguous();
    transcript_end(__FILE__);
    return unit_end();
}
