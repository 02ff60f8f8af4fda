/* test_auth_random.c
 * Logons played by chance, over one leg or two: what no test thought of must not change
 * either. A play is one line of the transcript, a digest of all it showed.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "dice.h"
#include "logon.h"

enum { LINES = 8, PLAYS = 300, ACTIONS = 40 };

static const double waits[] = { 0.01, 0.6, 1.2, 3, 6, 12, 31, 100, 3600 };
/* Where frames take no time, such waits end exactly where limits lie. */
static const double exact_waits[] = { 0.05, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300 };
static bool exact;

static double wait_of(struct dice *dice)
{
    return exact ? ANY_OF(dice, exact_waits) : ANY_OF(dice, waits);
}
static const char *const schemes[] = { "NTLM", "NTLM", "Negotiate" };
static const char *const users[] = { "alice", "alice", "bob", "", "carol" };
#define EUROS \
    "\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC"
static const char euros[] = EUROS EUROS;
static const char *const names[] = {
    "alice",
    "EXAMPLE\\alice",
    "alice@example.test",
    "EXAMPLE\\alice@x",
    "bob@other.test",
    "OTHER\\alice",
    "other.test\\alice",
    "a-name-that-is-longer-than-the-room-for-it-in-a-text-for-people-and-has-\xC3\xA4\xC3\xB6\xC3\xBC-in-it",
    euros,
    "@",
    "\\"
};
static const char *const servers[] = { "EX1", "EX1", "EX2" };
static const uint64_t stamps[] = { UINT64_C(133500000000000000), UINT64_C(133500000000000000),
                                   UINT64_C(133500000100000000), 0 };

static const struct tls_leaf leaves[] = {
    { .sha256 = { 1 }, .sha1 = { 0x11 }, .has_bindings = true, .bindings = { 8, 7, 6, 5, 4, 3, 2, 1 } },
    { .sha256 = { 2 }, .sha1 = { 0x22 }, .has_bindings = true, .bindings = { 9 } },
    { .sha256 = { 3 }, .sha1 = { 0x33 } }
};

static const char *token_of(struct dice *dice, char text[TOKEN_TEXT])
{
    switch (roll(dice, 12)) {
    case 0:
        return NULL;
    case 1:
        return "Bearer";
    case 2:
        return "Bearer eyJhbGciOiJSUzI1NiJ9.eyJ1cG4iOiJhbGljZSJ9.c2ln";
    case 3:
    case 4:
        return basic(once_in(dice, 2) ? ANY_OF(dice, names) : ANY_OF(dice, users), "x", text);
    case 5:
        return ap_req(text);
    case 6:
    case 7:
        return type1(ANY_OF(dice, schemes), text);
    default:
        break;
    }
    int bindings = (int)roll(dice, 3) - 1;
    uint64_t stamp = ANY_OF(dice, stamps);
    const char *server = once_in(dice, 8) ? NULL : ANY_OF(dice, servers), *user = ANY_OF(dice, users);
    return type3(ANY_OF(dice, schemes), user, server, stamp, bindings, text);
}

static void act_ask(struct line *const legs[2], struct dice *dice, struct user *user)
{
    static const char *const types[] = { "Connect", "Execute", "Execute", "NotificationWait" };
    static const char *const extras[] = { "",
                                          "",
                                          "X-Forwarded-For: 10.0.0.21\r\n",
                                          "Cookie: MapiContext=abc; sid=1\r\n",
                                          "Cookie: OutlookSession=\"{1}\"\r\n",
                                          "X-User-Identity: alice@example.test\r\n",
                                          "Connection: close\r\n",
                                          "client-request-id: {c1}\r\n",
                                          "Transfer-Encoding: gzip, chunked\r\n",
                                          "Connection: keep-alive, close\r\n",
                                          "Content-Length: 12\r\n" };
    char text[TOKEN_TEXT];
    const char *token = token_of(dice, text), *type = ANY_OF(dice, types), *lines = ANY_OF(dice, extras);
    bool again = once_in(dice, 2);
    ask_as(legs[0], user, again, type, token, lines);
    if (legs[1] && !once_in(dice, 15)) {
        ask_as(legs[1], user, true, type, token, once_in(dice, 3) ? ANY_OF(dice, extras) : lines);
    }
}

static void act_reply(struct line *const legs[2], struct dice *dice)
{
    static const char *const offers[] = { OFFERS,
                                          "WWW-Authenticate: Basic realm=\"x\"\r\n",
                                          "WWW-Authenticate: NTLM\r\n",
                                          "WWW-Authenticate: Negotiate\r\n",
                                          "WWW-Authenticate: Basic realm=\"x\"\r\n",
                                          "www-authenticate: NTLM\r\n",
                                          "WWW-Authenticate: Negotiate, NTLM\r\n",
                                          "www-authenticate: Basic realm=\"x\"\r\nWWW-Authenticate: NTLM\r\n",
                                          "",
                                          "WWW-Authenticate: Bearer x=\"y\"\r\n",
                                          "WWW-Authenticate: NTLM\r\nConnection: close\r\n",
                                          "WWW-Authenticate: Negotiate oQcwBaADCgEC\r\n" };
    static const char *const heads[] = { "",
                                         "",
                                         "Persistent-Auth: false\r\n",
                                         "Persistent-Auth: true\r\n",
                                         "Connection: close\r\n",
                                         "Set-Cookie: MapiContext=abc; path=/mapi\r\n",
                                         "WWW-Authenticate: Negotiate oQcwBaADCgEA\r\n",
                                         "X-FEServer: FE1\r\n",
                                         "Server: Microsoft-HTTPAPI/2.0\r\n",
                                         "X-FailureContext: FrontEnd;401;x\r\n",
                                         "Via: 1.1 lb\r\n" };
    static const unsigned statuses[] = { 200, 200, 200, 401, 403, 500, 503, 302, 100 };
    char text[TOKEN_TEXT];
    unsigned kind = roll(dice, 8), status = ANY_OF(dice, statuses);
    const char *scheme = ANY_OF(dice, schemes), *server = ANY_OF(dice, servers), *offer = ANY_OF(dice, offers);
    uint64_t stamp = ANY_OF(dice, stamps);
    for (int leg = 1; leg >= 0; leg--) {
        if (!legs[leg] || (leg == 0 && legs[1] && once_in(dice, 15))) {
            continue;
        }
        if (kind < 3) {
            reply(legs[leg], 401, "WWW-Authenticate: %s\r\n%s", type2(scheme, server, stamp, text),
                  once_in(dice, 4) ? offer : "");
        } else if (kind < 5) {
            const char *head = once_in(dice, 3) ? ANY_OF(dice, heads) : "";
            const char *other = once_in(dice, 3) ? ANY_OF(dice, offers) : offer;
            reply(legs[leg], once_in(dice, 9) ? 407 : 401, "%s%s", other, head);
        } else {
            reply(legs[leg], status, "%s", ANY_OF(dice, heads));
        }
    }
}

static void act_other(struct line *line, struct dice *dice)
{
    struct stage *stage = line->stage;
    switch (roll(dice, 6)) {
    case 0:
        line_fin(line, (enum way)roll(dice, 2));
        break;
    case 1:
        auth_lost(line->conn, (enum way)roll(dice, 2));
        line->seq[WAY_TO_SERVER] += 50;
        break;
    case 2:
        stage->now.frame++;
        auth_accepted(line->conn, stage->now);
        auth_end_of_frame(line->conn, stage->now, false, WAY_TO_CLIENT);
        stage_collect(stage);
        break;
    case 3:
        line->link->leaf = &ANY_OF(dice, leaves);
        break;
    default:
        stage_wait(stage, wait_of(dice));
        line_frame(line, (enum way)roll(dice, 2), NULL, false);
        break;
    }
    transcript("row of it %d", (int)logon_conn_row(line->conn));
}

static void open_leg(struct line *line, struct stage *stage, struct dice *dice, bool inner)
{
    struct conn_past past = { .syn = !once_in(dice, 12), .syn_ack = true, .has_next = true };
    bool last = once_in(dice, 3);
    const char *server = inner ? once_in(dice, 3) ? "10.0.0.82:80" : "10.0.0.81:80" : "10.0.0.80:80";
    const char *client = inner ? "10.0.0.80:50000" : once_in(dice, 3) ? "10.0.0.22:40000" : "10.0.0.21:40000";
    *line = line_open_past(stage, client, server, past, last);
}

static void play(uint32_t seed)
{
    struct dice dice = { seed * 7919 };
    struct stage stage;
    struct line lines[LINES];
    struct user people[2] = { { .info = "A1", .guid = "A2" },
                              { .info = "B1", .guid = "B2", .host = seed % 3 ? "other.example.test" : "\t" } };
    bool two = seed % 2, open[LINES] = { false };
    exact = seed % 3 == 0;
    stage_begin(&stage);
    stage.frame_ns = exact ? 0 : stage.frame_ns;
    for (unsigned i = 0; i < ACTIONS; i++) {
        unsigned pair = once_in(&dice, 3) ? roll(&dice, LINES / 2) : 0;
        struct user *user = &people[once_in(&dice, 5)];
        struct line *const legs[2] = { &lines[2 * pair], two ? &lines[2 * pair + 1] : NULL };
        for (int leg = 0; leg < 2; leg++) {
            if (legs[leg] && (!open[2 * pair + leg] || once_in(&dice, 20))) {
                open_leg(legs[leg], &stage, &dice, leg == 1);
                open[2 * pair + leg] = true;
            }
        }
        unsigned kind = roll(&dice, 16);
        if (kind < 6) {
            act_ask(legs, &dice, user);
        } else if (kind < 12) {
            act_reply(legs, &dice);
        } else {
            act_other(legs[two && once_in(&dice, 2)], &dice);
        }
        stage.log[0] = '\0';
    }
    stage_end(&stage);
}

/* Handshakes as they should be, on one leg or two, with one thing that goes wrong. */
static void play_login(uint32_t seed)
{
    struct dice dice = { seed * 104729 };
    struct stage stage;
    struct line lines[4];
    struct user user = { .info = "A1", .guid = "A2" };
    char text[TOKEN_TEXT];
    bool two = seed % 2;
    exact = seed % 3 == 0;
    stage_begin(&stage);
    stage.frame_ns = exact ? 0 : stage.frame_ns;
    for (unsigned i = 0; i < 4; i++) {
        open_leg(&lines[i], &stage, &dice, i >= 2);
        if (once_in(&dice, 3)) {
            lines[i].link->leaf = &ANY_OF(&dice, leaves);
        }
    }
    for (unsigned round = 0; round < 6; round++) {
        const char *scheme = ANY_OF(&dice, schemes), *name = ANY_OF(&dice, users), *server = ANY_OF(&dice, servers);
        uint64_t stamp = ANY_OF(&dice, stamps);
        struct line *client = &lines[once_in(&dice, 6)], *inner[2] = { &lines[2], &lines[2 + once_in(&dice, 5)] };
        int bindings = (int)roll(&dice, 3) - 1;
        unsigned status = once_in(&dice, 3) ? 401 : 200;
        ask(client, &user, "Connect", type1(scheme, text));
        if (two) {
            ask_as(inner[0], &user, true, "Connect", type1(scheme, text), NULL);
            reply(inner[0], 401, "WWW-Authenticate: %s\r\n", type2(scheme, server, stamp, text));
        }
        reply(client, 401, "WWW-Authenticate: %s\r\n", type2(scheme, once_in(&dice, 9) ? "EX9" : server, stamp, text));
        type3(scheme, name, once_in(&dice, 9) ? "EX2" : server, stamp, bindings, text);
        ask_as(client, &user, true, "Connect", text, NULL);
        if (two) {
            ask_as(inner[1], &user, true, "Connect", text, NULL);
            stage_wait(&stage, once_in(&dice, 3) ? wait_of(&dice) : 0);
            reply(inner[1], status, status == 401 ? OFFERS : "");
        }
        stage_wait(&stage, once_in(&dice, 3) ? wait_of(&dice) : 0);
        reply(client, status, status == 401 ? OFFERS : "");
        if (once_in(&dice, 3)) {
            ask(client, &user, "Execute", NULL);
            const char *offers = once_in(&dice, 2) ? OFFERS : "";
            reply(client, once_in(&dice, 3) ? 401 : 200, "%s", offers);
        }
        if (once_in(&dice, 6)) {
            line_fin(client, (enum way)roll(&dice, 2));
        }
        stage.log[0] = '\0';
    }
    stage_end(&stage);
}

/* More outstanding at a time, and more people, than tables begin with: each request finds its own
 * on the next leg. */
static void play_many(void)
{
    enum { MANY = 150 };
    static struct line outer[MANY], inner[MANY];
    struct stage stage;
    char text[TOKEN_TEXT], guid[16], name[32];
    stage_begin(&stage);
    for (unsigned i = 0; i < MANY; i++) {
        struct user user = { .info = "A1", .guid = guid };
        snprintf(guid, sizeof(guid), "g%u", i);
        snprintf(name, sizeof(name), "user%u", i / 3);
        outer[i] = line_open(&stage, "10.0.0.21:1000", "10.0.0.80:80");
        ask(&outer[i], &user, "Connect", basic(name, "x", text));
    }
    for (unsigned i = MANY; i > 0; i--) {
        struct user user = { .info = "A1", .guid = guid, .counter = 1 };
        snprintf(guid, sizeof(guid), "g%u", i - 1);
        snprintf(name, sizeof(name), "user%u", (i - 1) / 3);
        inner[i - 1] = line_open(&stage, "10.0.0.80:5000", "10.0.0.81:80");
        ask_as(&inner[i - 1], &user, true, "Connect", basic(name, "x", text), NULL);
        CHECK_INT(inner[i - 1].leg, 1);
    }
    for (unsigned i = 0; i < MANY; i++) {
        reply(&inner[i], 200, "");
        reply(&outer[i], 200, "");
        CHECK_INT(outer[i].leg, 0);
    }
    CHECK_INT(logon_state_rows(stage.world), (MANY + 2) / 3);
    stage_end(&stage);
}

int main(void)
{
    char name[32];
    transcript_fold();
    play_many();
    transcript_unfold("many");
    for (uint32_t seed = 1; seed <= PLAYS; seed++) {
        transcript_fold();
        play(seed);
        snprintf(name, sizeof(name), "play %u", (unsigned)seed);
        transcript_unfold(name);
        transcript_fold();
        play_login(seed);
        snprintf(name, sizeof(name), "login %u", (unsigned)seed);
        transcript_unfold(name);
    }
    transcript_end(__FILE__);
    return unit_end();
}
