/* test_auth_offers.c
 * What servers offer and how clients take it: downgrades, names of headers in lower case, empty Bearer, and
 * channel bindings, each with its healthy counterpart (MS-NTHT, MS-NLMP 2.2.2.7, RFC 4559).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "accounts.h"

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

/* ---- channel bindings ---------------------------------------------------------------- */

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

int main(void)
{
    test_downgraded();
    test_header_case();
    test_header_case_mixed();
    test_empty_bearer();
    test_channel_binding();
    test_channel_binding_leaves();
    transcript_end(__FILE__);
    return unit_end();
}
