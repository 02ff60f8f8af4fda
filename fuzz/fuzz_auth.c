/* fuzz_auth.c
 * Any sequence of HTTP heads on many TCP connections. Each event takes a few bytes: which
 * connection, what, and its values from small sets, so that requests, handshakes, users
 * and clients meet often; some values are raw bytes.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#undef NDEBUG
#include "heap.h"
#include "tokens.h"
#include "finding.h"
#include "outlook.h"

#include <assert.h>

#define CONNECTIONS 48

struct play {
    const uint8_t *p, *end;
    struct heap heap;
    size_t events;
    struct outlook *outlook;
    struct logon_state *world;
    struct logon_conn *conn[CONNECTIONS];
    struct conn *link[CONNECTIONS];
    unsigned conns;
    struct when now;
};

static unsigned take(struct play *play)
{
    return play->p < play->end ? *play->p++ : 0;
}

#define PASSWORD "hunter2"

static struct endpoint an_end(unsigned number, uint16_t port)
{
    struct endpoint end = { .family = number & 4 ? 6 : 4, .port = port };
    end.addr[0] = number & 8 ? 127 : 10;
    end.addr[3] = (uint8_t)(number & 3);
    return end;
}

static void check_verdicts(struct play *play)
{
    for (const struct verdict *v = outlook_take_verdicts(play->outlook); v; v = v->next) {
        assert(v->kind >= V_NTLM_TORN && v->kind <= V_CHANNEL_BINDING && v->where <= WHERE_UNKNOWN);
        assert(v->when.frame == play->now.frame);
        assert(v->severity == verdict_rows[v->kind].severity);
        assert(strlen(v->text) < VERDICT_TEXT_MAX && strncmp(v->text, "Seen: ", 6) == 0);
        assert(strstr(v->text, "; inferred: ") && strstr(v->text, "; next: "));
        assert(!strstr(v->text, PASSWORD));
    }
    assert(!outlook_take_verdicts(play->outlook));
}

/* The first has the bindings that type3() of tokens.h carries. */
static const struct tls_leaf leaves[] = {
    { .sha256 = { 1 }, .has_bindings = true, .bindings = { 8, 7, 6, 5, 4, 3, 2, 1 } },
    { .sha256 = { 2 }, .has_bindings = true, .bindings = { 9 } },
    { .sha256 = { 3 } }
};

static void open_connection(struct play *play)
{
    if (play->conns == CONNECTIONS) {
        return;
    }
    unsigned what = take(play), ends = take(play);
    struct conn_past past = { .syn = (what & 0x18) != 0x18,
                              .syn_ack = (what & 0x60) != 0x60,
                              .gap = (what & 0x86) == 0x86 };
    unsigned i = play->conns++;
    struct endpoint client = an_end(ends & 15, (uint16_t)(1000 + i)), server = an_end(ends >> 4, what & 1 ? 444 : 80);
    server.addr[2] = 1;
    past.tls = what & 2;
    play->link[i] = conn_new(&play->outlook->track, CONN_MAPI, i, &client, &server, &past);
    if (what & 2 && what >> 5 < 3) {
        play->link[i]->leaf = &leaves[what >> 5];
    }
    play->conn[i] = logon_conn_new(play->outlook->logons, play->link[i]);
}

/* Bytes as a header's value: whatever a head lets through. */
static void put_raw(struct play *play, char *text, size_t size)
{
    size_t len = take(play) % (size - 1), used = 0;
    while (used < len) {
        unsigned c = take(play);
        text[used++] = (char)(c < 0x20 || c == 0x7F ? '=' : c);
    }
    text[used] = '\0';
}

static const char *const users[] = { "alice", "bob", "", "a.very.long.name.that.nobody.would.give.to.anybody.at.all" };
static const char *const servers[] = { "EX1", "EX2", NULL, "A" };
static const char *const schemes[] = { "NTLM", "Negotiate" };

static const char *credentials(struct play *play, char text[TOKEN_TEXT])
{
    unsigned kind = take(play), value = take(play);
    const char *scheme = schemes[value & 1], *user = users[value >> 1 & 3], *server = servers[value >> 3 & 3];
    uint64_t stamp = value >> 5 & 3;
    switch (kind % 12) {
    case 0:
        return type1(scheme, text);
    case 1:
    case 2:
    case 3:
        return type3(scheme, user, server, stamp, value >> 7, text);
    case 4:
        return ap_req(text);
    case 5:
        return basic(user, PASSWORD, text);
    case 6:
        return "Bearer";
    case 7:
        return "Bearer abc";
    case 8:
        put_raw(play, text, 200);
        return text;
    case 9:
        return type2(scheme, server ? server : "", stamp, text);
    default:
        return NULL;
    }
}

static void a_request(struct play *play, char *text, size_t size)
{
    static const char *const methods[] = { "POST /mapi/emsmdb/", "RPC_IN_DATA /rpc/rpcproxy.dll",
                                           "GET http://m/mapi/nspi", "RPC_OUT_DATA /rpc/rpcproxy.dll" };
    static const char *const types[] = { "Connect", "Execute", "NotificationWait", "" };
    char token[TOKEN_TEXT], raw[256] = "";
    unsigned what = take(play), who = take(play);
    const char *authorization = credentials(play, token);
    size_t used =
        (size_t)snprintf(text, size, "%s HTTP/1.1\r\nContent-Length: %u\r\n", methods[what & 3], what >> 2 & 31);
    if (who & 0x80) {
        used += (size_t)snprintf(text + used, size - used,
                                 "X-RequestType: %s\r\nX-RequestId: {G%u}:%u\r\nX-ClientInfo: {C%u}:1\r\n",
                                 types[who & 3], who >> 2 & 1, who >> 3 & 3, who >> 5 & 3);
    }
    if (who & 0x40) {
        used += (size_t)snprintf(text + used, size - used,
                                 "Host: m%u\r\nCookie: OutlookSession={%u}; sid=%u\r\n"
                                 "X-User-Identity: %s@example.test\r\n",
                                 who & 1, who >> 1 & 1, who >> 2 & 3, users[who >> 4 & 1]);
    }
    if (what & 0x80) {
        put_raw(play, raw, sizeof(raw));
        char *password = strstr(raw, PASSWORD);
        if (password) {
            *password = '\0'; /* libFuzzer learns it from check_verdicts(); here it would be shown, and be no secret */
        }
        used += (size_t)snprintf(text + used, size - used, "%s: %s\r\n", what & 0x40 ? "X-ClientInfo" : "Host", raw);
    }
    snprintf(text + used, size - used, "%s%s\r\n%s",
             authorization ? "Authorization: " : "X-A: ", authorization ? authorization : "b", "\r\n");
}

static void a_response(struct play *play, char *text, size_t size)
{
    static const unsigned statuses[] = { 401, 401, 401, 200, 200, 100, 407, 503 };
    static const char *const lines[] = {
        "WWW-Authenticate: Basic\r\n",
        "WWW-Authenticate: NTLM\r\nWWW-Authenticate: Negotiate, Basic realm=\"x, y\"\r\n",
        "www-authenticate: NTLM\r\n",
        "Persistent-Auth: true\r\n",
        "Persistent-Auth: false\r\n",
        "Connection: close\r\n",
        "Set-Cookie: MapiContext=1; path=/\r\nServer: nginx\r\n",
        "X-FEServer: EX1\r\nSet-Cookie: sid=2\r\n"
    };
    char token[TOKEN_TEXT];
    unsigned what = take(play), more = take(play);
    size_t used = (size_t)snprintf(text, size, "HTTP/1.1 %u x\r\n%s%s", statuses[what & 7], lines[what >> 3 & 7],
                                   what & 0x40 ? lines[more & 7] : "");
    const char *challenge = what & 0x80 ? credentials(play, token) : NULL;
    const char *name = !challenge ? "X-A" : more & 8 ? "www-authenticate" : "WWW-Authenticate";
    snprintf(text + used, size - used, "%s: %s\r\n\r\n", name, challenge ? challenge : "b");
}

static void a_head(struct play *play, unsigned i, enum way way)
{
    char text[4096];
    struct http_head head;
    uint32_t leg = 77;
    if (way == WAY_TO_SERVER) {
        a_request(play, text, sizeof(text));
    } else {
        a_response(play, text, sizeof(text));
    }
    size_t len = strlen(text);
    uint8_t *exact = malloc(len); /* so that a byte too many is noticed */
    assert(exact);
    memcpy(exact, text, len);
    if (http_head_parse(exact, len, &head) == HTTP_HEAD_OK) {
        const struct auth_shown *shown = auth_head(play->conn[i], play->now, way, &head, &leg);
        assert(leg == NO_NUMBER || leg < 8);
        assert(way == WAY_TO_CLIENT || leg != NO_NUMBER);
        if (shown) {
            assert(shown->scheme && shown->step && shown->user && shown->challenge_server && shown->time_ns >= -1);
            assert(shown->credentials_frame <= play->now.frame);
        }
    }
    free(exact);
}

static void an_event(struct play *play)
{
    static const int64_t steps[] = { 0, MILLISECOND, SECOND / 4, SECOND, 3 * SECOND, 20 * SECOND, 70 * SECOND, 0 };
    unsigned what = take(play);
    play->now.frame++;
    play->now.ns += steps[what >> 5];
    play->events++;
    if (play->conns == 0 || (what & 7) == 0) {
        open_connection(play);
        return;
    }
    unsigned i = take(play) % play->conns, more = take(play);
    bool ended = false;
    switch (what & 7) {
    case 1:
    case 2:
    case 3:
        a_head(play, i, WAY_TO_SERVER);
        break;
    case 4:
    case 5:
    case 6:
        a_head(play, i, WAY_TO_CLIENT);
        break;
    default:
        if (more & 4) {
            auth_lost(play->conn[i], more & 8 ? WAY_TO_SERVER : WAY_TO_CLIENT);
        } else if (more & 16) {
            auth_accepted(play->conn[i], play->now);
        } else {
            ended = true;
        }
        break;
    }
    auth_end_of_frame(play->conn[i], play->now, ended, more & 1 ? WAY_TO_CLIENT : WAY_TO_SERVER);
    check_verdicts(play);
    uint32_t row = logon_conn_row(play->conn[i]);
    assert(row == NO_NUMBER || row < logon_state_rows(play->world));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct play play = { .p = data, .end = data + size, .now = { 1, INT64_C(1700000000) * SECOND } };
    struct arena arena = heap_arena(&play.heap);
    play.outlook = outlook_new(&arena, NULL);
    play.world = play.outlook->logons;
    while (play.p < play.end) {
        an_event(&play);
    }
    assert(play.outlook->judge->misuse == 0);
    struct auth_row row;
    for (uint32_t r = 0; r < logon_state_rows(play.world); r++) {
        assert(logon_state_row(play.world, r, &row));
        assert(row.user && row.host && row.scheme && row.challenge_servers && row.start.frame && row.slowest_ns >= -1);
        assert((row.verdict.kind == VERDICT_KINDS) == (row.verdict.frame == 0));
        assert(row.start.frame <= row.last.frame);
    }
    assert(!logon_state_row(play.world, logon_state_rows(play.world), &row));
    /* Linear: what a connection costs, what a head's names and a verdict's text cost. */
    assert(play.heap.allocated <= 16384 + 1024 * play.conns + 3072 * play.events);
    heap_free(&play.heap);
    return 0;
}
