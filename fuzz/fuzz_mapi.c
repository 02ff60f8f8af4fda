/* fuzz_mapi.c
 * Any sequence of MAPI/HTTP events on many TCP connections. Heads are put together from
 * small sets, so that cookies, request ids, servers and sessions meet often; some of them,
 * and bodies, are bytes as they come.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#undef NDEBUG
#include "heap.h"
#include "date.h"
#include "exchange_cookies.h"
#include "finding.h"
#include "outlook.h"
#include "sessions.h"

#include <assert.h>
#include <stdio.h>

#define CONNECTIONS 48
#define HELD 4

struct play {
    const uint8_t *p, *end;
    struct heap heap;
    size_t events;
    struct outlook *outlook;
    struct mapi_state *world;
    struct mapi_conn *conn[CONNECTIONS];
    uint32_t seq[CONNECTIONS][2];
    struct mapi_message *held[HELD]; /* begun and not yet told what their bodies say */
    unsigned held_at[HELD], holds;
    unsigned conns;
    unsigned interface; /* that frames are captured on; 0: it is not said */
    struct when now;
};

static unsigned take(struct play *play)
{
    return play->p < play->end ? *play->p++ : 0;
}

static struct span take_span(struct play *play)
{
    size_t len = take(play);
    struct span span = { play->p, len };
    if ((size_t)(play->end - play->p) < len) {
        span.len = (size_t)(play->end - play->p);
    }
    play->p += span.len;
    return span;
}

/* A frame of its own begins. */
static void a_frame(struct play *play)
{
    if (play->interface) {
        outlook_captured(play->outlook, play->interface, play->now);
    }
}

static struct endpoint an_end(unsigned number, uint16_t port)
{
    struct endpoint end = { .family = number & 4 ? 6 : 4, .port = port };
    end.addr[0] = 10;
    end.addr[3] = (uint8_t)(number & 3);
    return end;
}

static bool is_utf8(const char *text)
{
    const uint8_t *p = (const uint8_t *)text;
    while (*p) {
        unsigned more = *p < 0x80 ? 0 : (*p & 0xE0) == 0xC0 ? 1 : (*p & 0xF0) == 0xE0 ? 2 : (*p & 0xF8) == 0xF0 ? 3 : 9;
        if (more == 9 || *p < 0x20 || *p == 0x7F) {
            return false;
        }
        for (p++; more > 0; more--, p++) {
            if ((*p & 0xC0) != 0x80) {
                return false;
            }
        }
    }
    return true;
}

static void check_verdicts(struct play *play)
{
    for (const struct verdict *v = outlook_take_verdicts(play->outlook); v; v = v->next) {
        if (strncmp(verdict_filter(v->kind), "outlook.auth.", 13) == 0) {
            continue;
        }
        assert((unsigned)v->kind < VERDICT_KINDS && v->severity <= V_ERROR && v->where <= WHERE_UNKNOWN);
        assert(v->when.frame == play->now.frame);
        assert(v->text && strlen(v->text) < VERDICT_TEXT_MAX && strncmp(v->text, "Seen: ", 6) == 0);
        assert(is_utf8(v->text));
        assert(v->session == NO_NUMBER || v->leg != NO_NUMBER);
        assert(!strstr(v->text, "secret"));
    }
    assert(!outlook_take_verdicts(play->outlook));
}

static void check_message(const struct play *play, const struct mapi_message *message)
{
    assert(message->type < MAPI_TYPES && message->endpoint <= 2);
    assert((message->session == NO_NUMBER) == (message->row == NO_NUMBER));
    assert(message->tag_count <= MAPI_TAGS_KEPT);
    struct session_row row;
    if (message->row != NO_NUMBER) {
        assert(mapi_state_row(play->world, message->row, &row));
        assert(row.session == message->session);
        /* What a message said of its leg stands; its row learns the order of clocks that differ later. */
        assert(row.leg == message->leg || play->outlook->track.clocks_doubted);
    }
}

static void open_connection(struct play *play)
{
    if (play->conns == CONNECTIONS) {
        return;
    }
    unsigned what = take(play), ends = take(play);
    struct conn_past past = { .syn = (what & 0x18) != 0x18,
                              .syn_ack = (what & 0x60) != 0x60,
                              .gap = (what & 0x86) == 0x86,
                              .has_next = (what & 2) != 0,
                              .first = play->now,
                              .tls = (what & 1) != 0 };
    unsigned i = play->conns++;
    play->seq[i][0] = past.next_seq[0] = 100;
    play->seq[i][1] = past.next_seq[1] = UINT32_MAX - 100;
    struct endpoint client = an_end(ends & 7, (uint16_t)(1000 + i)),
                    server = an_end(ends >> 3 & 7, ends >> 6 == 3 ? 444 : 80);
    play->conn[i] = mapi_conn_new(play->world, conn_new(&play->outlook->track, CONN_MAPI, i, &client, &server, &past));
    assert(mapi_conn_auth(play->conn[i]));
}

struct typed {
    char s[4000];
    size_t used;
};

static void put(struct typed *text, const char *format, const char *a, unsigned b)
{
    int len = snprintf(text->s + text->used, sizeof(text->s) - text->used, format, a, b);
    assert(len >= 0 && (size_t)len < sizeof(text->s) - text->used);
    text->used += (size_t)len;
}

static const char *const cookie_names[] = { "sid",         "sequence", "MapiContext",     "MapiSequence",
                                            "MapiRouting", "SERVERID", "X-BackEndCookie", "a" };

static const char *a_value(unsigned number)
{
    static const char *const values[] = { "secret-value-one",
                                          "secret-value-two",
                                          "secret-three",
                                          "",
                                          "MAPIAAAAAO2o7q+Cx5+8jr6MvpOjl7qKuJipmqCVoJqqm8Hi0+bR5NTl1+TS5YQVAAAAAAAA",
                                          "735-D5viGQ==",
                                          "\"secret-value-one\"",
                                          "UlVNOjAzMWM5Njg1LWU4OTYtNGNlZi04YTE1LTRjNDM2YzUxZWZiYzrU4ijdUBbaCA==" };
    return values[number & 7];
}

static const char *const hosts[] = { "h0", "h1:443", "h.example.test", "example.test:8443", "[::1]:443", "[::1]",
                                     ":1", "" };

static void a_request(struct play *play, struct typed *text)
{
    static const char *const paths[] = { "/mapi/emsmdb/?MailboxId=m1@x", "/mapi/nspi?a&mailboxid=m2",
                                         "http://h/MAPI/EMSMDB", "/owa" };
    unsigned what = take(play), more = take(play), cookies = take(play);
    put(text, "%s ", what & 0x80 ? "HEAD" : "POST", 0);
    put(text, "%s HTTP/1.1\r\n", paths[what & 3], 0);
    unsigned type = (what >> 2 & 31) % MAPI_TYPES;
    const char *name = mapi_type_name((enum mapi_type)type);
    put(text, "X-RequestType: %s\r\n", name ? name : "x", 0);
    put(text, "X-RequestId: %s:%u\r\n", more & 1 ? "{A}" : "{B}", more >> 1 & 7);
    if (more & 0x10) {
        put(text, "Authorization: Basic %s\r\n", "YWxpY2U6c2VjcmV0", 0);
    }
    if (more & 0x20) {
        put(text, "Host: %s\r\n", hosts[(more >> 6) + (cookies >> 2 & 4)], 0);
    }
    for (unsigned i = 0; i < (cookies & 3); i++) {
        unsigned pair = take(play);
        put(text, i ? "Cookie: %s=" : "Cookie: x=y; %s=", cookie_names[pair & 7], 0);
        put(text, "%s\r\n", a_value(pair >> 3), 0);
    }
}

static void a_cookie(struct play *play, struct typed *text)
{
    static const char *const attributes[] = { "",
                                              "; path=/mapi",
                                              "; Secure; Max-Age=5",
                                              "; Max-Age=0",
                                              "; Path=/MAPI/nspi/",
                                              "; domain=h0",
                                              "; Domain=.example.test; path=/mapi/emsmdb",
                                              "; Domain=test",
                                              "; Domain=",
                                              "; Domain=.",
                                              "; Domain=:1",
                                              "; Domain=.EXAMPLE.test:8443; Domain=h1" };
    unsigned pair = take(play);
    put(text, "Set-Cookie: %s=", cookie_names[pair & 7], 0);
    put(text, "%s", a_value(pair >> 3), 0);
    put(text, "%s\r\n", attributes[pair >> 6 ? pair >> 6 : take(play) % 12], 0);
}

static void a_response(struct play *play, struct typed *text)
{
    static const char *const locations[] = { "/login",
                                             "/mapi/nspi",
                                             "/mapi/emsmdb/",
                                             "http://h0/mapi/emsmdb",
                                             "https://H.EXAMPLE.test:444/mapi/emsmdb/",
                                             "https://[::1]/mapi/emsmdb",
                                             "https://",
                                             "HTTPS:///mapi/emsmdb" };
    static const char *const statuses[] = { "200 OK",   "200 OK",    "200 OK",   "401 No",
                                            "503 Busy", "302 Found", "504 Late", "100 Continue" };
    unsigned what = take(play), more = take(play), code = take(play), servers = take(play);
    put(text, "HTTP/1.1 %s\r\n", statuses[what & 7], 0);
    if (more & 1) {
        put(text, "X-ResponseCode: %s%u\r\n", "", code & 0x80 ? 0 : code & 31);
    }
    if (more & 2) {
        put(text, "X-RequestId: %s:%u\r\n", what & 8 ? "{A}" : "{B}", what >> 4 & 7);
    }
    if (more & 4) {
        put(text, "X-PendingPeriod: %s%u\r\nX-ExpirationInfo: 5000\r\n", "", code * 10);
    }
    put(text, "Content-Type: %s\r\n", more & 8 ? "text/html" : "application/mapi-http", 0);
    if (more & 16) {
        put(text, "X-CalculatedBETarget: %sEX%u.x\r\n", servers & 4 ? "Server~" : "", servers & 1);
        put(text, "X-BEServer: %s\r\n", servers & 2 ? "\xC3\xA4" : "\xE4", 0);
    }
    if (more & 32) {
        put(text, "Transfer-Encoding: %s\r\n", "chunked", 0);
    }
    if (more & 64) {
        put(text, "Location: %s?secret\r\nX-FailureContext: FrontEnd\r\nrequest-id: 1\r\nX-ElapsedTime: %u\r\n",
            locations[code >> 5 & 7], servers);
        put(text, "Retry-After: %s%u\r\n", servers & 16 ? "" : "Fri, 31 Dec 1999 23:59:59 GMT\xFF", code);
    }
    for (unsigned i = 0; i < (servers >> 5 & 3); i++) {
        a_cookie(play, text);
    }
}

static void hold(struct play *play, struct mapi_message *message, unsigned conn)
{
    unsigned at = play->holds++ % HELD;
    play->held[at] = message;
    play->held_at[at] = conn;
}

static void a_head(struct play *play, unsigned i)
{
    struct typed text = { .used = 0 };
    unsigned what = take(play);
    struct http_head head;
    const uint8_t *p = (const uint8_t *)text.s;
    size_t len;
    if ((what & 7) == 7) {
        struct span raw = take_span(play);
        p = raw.ptr;
        len = raw.len;
    } else {
        (what & 1 ? a_request : a_response)(play, &text);
        if ((what & 0x18) == 0x18) {
            struct span raw = take_span(play);
            memcpy(text.s + text.used, raw.ptr, raw.len);
            text.used += raw.len;
        }
        memcpy(text.s + text.used, "\r\n\r\n", 4);
        len = text.used + 4;
    }
    /* What follows the head is not its: give it a copy of its own. */
    uint8_t *copy = malloc(len ? len : 1);
    assert(copy);
    memcpy(copy, p, len);
    if (http_head_parse(copy, len, &head) == HTTP_HEAD_OK) {
        enum way way = head.is_request ? WAY_TO_SERVER : WAY_TO_CLIENT;
        if ((what & 0xE0) == 0xE0) {
            way = (enum way) !way;
        }
        struct mapi_message *message = mapi_conn_head(play->conn[i], play->now, way, &head);
        if (message) {
            assert(message->is_response == (way == WAY_TO_CLIENT));
            check_message(play, message);
            hold(play, message, i);
        }
    }
    free(copy);
}

static void some_data(struct play *play, unsigned i)
{
    static const char *const tags[] = { "PROCESSING\r\n",
                                        "PENDING\r\n",
                                        "PENDING",
                                        "DONE\r\n",
                                        "X-ResponseCode: 10\r\n",
                                        "\r\n",
                                        "X-ElapsedTime: 9\r\n\r\n",
                                        "x" };
    unsigned what = take(play);
    enum way way = what & 1 ? WAY_TO_SERVER : WAY_TO_CLIENT;
    if (what & 2) {
        struct span raw = take_span(play);
        mapi_conn_data(play->conn[i], play->now, way, raw.ptr, raw.len);
    } else {
        const char *tag = tags[what >> 2 & 7];
        mapi_conn_data(play->conn[i], play->now, way, (const uint8_t *)tag, strlen(tag));
    }
}

static void some_facts(struct play *play)
{
    static const char *const pages[] = { "<html><body><p>The request has an invalid session context cookie.</p>",
                                         "<p>sequencing", "<body>\xFF\xC3\x28<", "words" };
    unsigned what = take(play);
    struct mapi_message *message = play->held[what & 3];
    if (!message) {
        return;
    }
    struct mapi_facts facts;
    memset(&facts, 0, sizeof(facts));
    facts.has_status = what & 4;
    facts.has_error = what & 8;
    facts.status = what >> 6;
    facts.error = what & 16 ? 0x80040115 : 0;
    facts.user_dn = (struct span){ (const uint8_t *)"/o=x", what & 32 ? 4 : 0 };
    const char *page = pages[what >> 4 & 3];
    struct span sentence = { (const uint8_t *)page, what & 32 ? strlen(page) : 0 };
    mapi_conn_facts(play->conn[play->held_at[what & 3]], message, &facts, sentence);
}

static void a_segment(struct play *play, unsigned i)
{
    unsigned flags = take(play), shift = take(play);
    enum way way = flags & 1 ? WAY_TO_CLIENT : WAY_TO_SERVER;
    struct segment segment = { .when = play->now,
                               .way = way,
                               .fin = (flags & 0x32) == 0x32,
                               .rst = (flags & 0x34) == 0x34,
                               .has_ack = (flags & 8) == 0,
                               .len = shift & 0x70 ? 10 * (shift >> 4) : 0,
                               .window = shift & 0x80 ? 0 : 100 };
    segment.captured = (shift & 0x0C) == 0x0C ? segment.len / 2 : segment.len;
    segment.seq = play->seq[i][way] + ((shift & 15) == 5 ? 50u : 0u) - ((shift & 15) == 6 ? 50u : 0u);
    segment.ack = play->seq[i][!way] + ((shift & 15) == 9 ? 50u : 0u);
    play->seq[i][way] = segment.seq + segment.len;
    mapi_conn_segment(play->conn[i], &segment);
}

/* The client closes its sending side; the server's end may go on for a while, and then closes, too. */
static void a_half_close(struct play *play, unsigned i)
{
    static const int64_t steps[] = { 0, MILLISECOND, SECOND / 5, SECOND };
    const unsigned what = take(play);
    for (unsigned step = 0; step < 4; step++) {
        if (what >> (4 + step) & 1) {
            continue;
        }
        const enum way way = step == 0 ? WAY_TO_SERVER : step == 2 && (what & 8) ? WAY_TO_SERVER : WAY_TO_CLIENT;
        struct segment segment = { .when = play->now,
                                   .way = way,
                                   .seq = play->seq[i][way],
                                   .ack = play->seq[i][!way],
                                   .has_ack = true,
                                   .fin = step == 0 || (step == 3 && (what & 4) == 0),
                                   .rst = step == 3 && (what & 4),
                                   .len = step == 1 || (step == 2 && (what & 8) == 0) ? 10 : 0,
                                   .captured = step == 1 || (step == 2 && (what & 8) == 0) ? 10 : 0,
                                   .window = 100 };
        play->seq[i][way] += segment.len + segment.fin;
        a_frame(play);
        mapi_conn_segment(play->conn[i], &segment);
        check_verdicts(play);
        play->now.frame++;
        play->now.ns += steps[what & 3];
    }
}

/* A request and its response as they should be, but for what the bytes say. */
static void a_round(struct play *play, unsigned i)
{
    static const char *const types[] = { "Connect",    "Execute", "Execute", "NotificationWait",
                                         "Disconnect", "Bind",    "PING" };
    static const char tags[] = "PROCESSING\r\nPENDING\r\nPENDING\r\nDONE\r\n\r\n";
    static const char *const codes[] = { "0", "0", "0", "10", "6", "1", "15" };
    unsigned what = take(play), more = take(play);
    struct typed text = { .used = 0 };
    struct http_head head;
    put(&text, "POST /mapi/%s HTTP/1.1\r\n", (what & 7) == 5 ? "nspi" : "emsmdb", 0);
    put(&text, "X-RequestType: %s\r\n", types[(what & 7) % 7], 0);
    put(&text, "X-RequestId: %s:%u\r\n", more & 1 ? "{A}" : "{B}", more >> 1 & 7);
    put(&text, what & 8 ? "Cookie: sid=%s\r\n" : "Cookie: sid=%s; sequence=secret-sequence\r\n", a_value(more & 1), 0);
    put(&text, "%s\r\n", "", 0);
    assert(http_head_parse((const uint8_t *)text.s, text.used, &head) == HTTP_HEAD_OK);
    struct mapi_message *message = mapi_conn_head(play->conn[i], play->now, WAY_TO_SERVER, &head);
    assert(message);
    check_message(play, message);
    mapi_conn_end(play->conn[i], play->now, WAY_TO_SERVER);
    play->seq[i][0] += 10;
    struct segment segment = { .when = play->now,
                               .way = WAY_TO_SERVER,
                               .seq = play->seq[i][0] - 10,
                               .ack = play->seq[i][1],
                               .has_ack = true,
                               .len = 10,
                               .captured = 10,
                               .window = 100 };
    mapi_conn_segment(play->conn[i], &segment);
    check_verdicts(play);
    play->now.frame++;
    play->now.ns += (what & 0x10 ? 70 : 1) * SECOND;
    a_frame(play);
    if (what & 0x20) {
        return; /* under way */
    }
    text.used = 0;
    const char *code = codes[(more >> 4) % 7];
    put(&text, "HTTP/1.1 200 OK\r\nX-ResponseCode: %s\r\n", code, 0);
    put(&text, more & 0x80 ? "X-ExpirationInfo: %s\r\nX-PendingPeriod: 3000\r\n" : "X-Other: %s\r\n", "100000", 0);
    put(&text, what & 0x40 ? "X-BEServer: EX%s\r\n" : "Keep-Alive: timeout=%s\r\n", more & 2 ? "1" : "2", 0);
    put(&text, "Set-Cookie: sid=%s\r\nSet-Cookie: sequence=secret-sequence\r\n\r\n", a_value(more & 1), 0);
    assert(http_head_parse((const uint8_t *)text.s, text.used, &head) == HTTP_HEAD_OK);
    message = mapi_conn_head(play->conn[i], play->now, WAY_TO_CLIENT, &head);
    if (message) {
        check_message(play, message);
    }
    mapi_conn_data(play->conn[i], play->now, WAY_TO_CLIENT, (const uint8_t *)tags, sizeof(tags) - 1);
    if ((what & 0x80) == 0) {
        mapi_conn_end(play->conn[i], play->now, WAY_TO_CLIENT);
    }
    play->seq[i][1] += 10;
    segment = (struct segment){ .when = play->now,
                                .way = WAY_TO_CLIENT,
                                .seq = play->seq[i][1] - 10,
                                .ack = play->seq[i][0],
                                .has_ack = true,
                                .len = 10,
                                .captured = 10,
                                .window = 100 };
    mapi_conn_segment(play->conn[i], &segment);
    if (message) {
        check_message(play, message);
    }
    check_verdicts(play);
    play->now.frame++;
}

static void an_event(struct play *play)
{
    static const int64_t steps[] = {
        0, MILLISECOND, SECOND / 4, SECOND, 6 * SECOND, 70 * SECOND, 11 * SECOND, -SECOND
    };
    unsigned what = take(play);
    play->events++;
    if (play->conns == 0 || (what & 7) == 0) {
        open_connection(play);
        return;
    }
    if ((what & 0x17) == 0x17) {
        play->interface = take(play) & 63;
    }
    a_frame(play);
    unsigned i = take(play) % play->conns;
    enum way way = what & 8 ? WAY_TO_SERVER : WAY_TO_CLIENT;
    switch (what & 7) {
    case 1:
        a_head(play, i);
        return;
    case 2:
        a_round(play, i);
        return;
    case 3:
        some_data(play, i);
        return;
    case 4:
        if (what & 16) {
            a_half_close(play, i);
            return;
        }
        mapi_conn_end(play->conn[i], play->now, way);
        return;
    case 5:
        if (what & 16) {
            some_facts(play);
        } else {
            mapi_conn_lost(play->conn[i], play->now, way);
        }
        return;
    case 6: {
        struct endpoint server = an_end(what >> 3 & 7, 80);
        if (what & 0x40) {
            outlook_refused(play->outlook, &server, play->now);
        } else {
            outlook_heard(play->outlook, &server, play->now);
        }
        break;
    }
    default:
        a_segment(play, i);
        break;
    }
    check_verdicts(play);
    play->now.frame++;
    play->now.ns += steps[what >> 5];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct play play = { .p = data, .end = data + size, .now = { 1, INT64_C(1700000000) * SECOND } };
    struct arena arena = heap_arena(&play.heap);
    struct span whole = { data, size };
    struct exch_context context;
    struct exch_routing routing;
    uint32_t counter;
    int64_t seconds;
    exch_context_decode(whole, &context);
    exch_routing_decode(whole, &routing);
    exch_sequence_decode(whole, &counter);
    exch_is_balancer_cookie(whole);
    http_date_decode(whole, &seconds);
    play.outlook = outlook_new(&arena, NULL);
    play.world = play.outlook->mapi;
    while (play.p < play.end) {
        an_event(&play);
    }
    struct session_row row;
    uint32_t rows = mapi_state_rows(play.world);
    for (uint32_t r = 0; r < rows; r++) {
        assert(mapi_state_row(play.world, r, &row));
        assert(row.user && row.request_id);
        assert((row.verdict.kind == VERDICT_KINDS) == (row.verdict.frame == 0));
        assert(row.endpoint == 1 || row.endpoint == 2);
    }
    assert(!mapi_state_row(play.world, rows, &row));
    /* Linear: what a connection costs, and what a message, its names and its verdicts cost. */
    assert(play.heap.allocated <= 65536 + 8192 * (size_t)play.conns + 12288 * play.events);
    assert(play.outlook->judge->misuse == 0);
    heap_free(&play.heap);
    return 0;
}
