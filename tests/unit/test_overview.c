/* test_overview.c
 * What a capture is: ends, gaps, directions, and TLS as far as it shows without keys (RFC 8446, RFC 5246, RFC 6066).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "overview.h"

#include "dice.h"
#include "ends.h"
#include "heap.h"
#include "transcript.h"
#include "unit.h"

#define CLIENT "10.0.0.21:50001"
#define SERVER "10.0.0.80:443"

enum side { FROM_CLIENT, FROM_SERVER };

struct play {
    struct heap heap;
    struct arena arena;
    struct overview overview;
    uint32_t stream, seq[2], frame;
    int64_t ns;
};

static void begin(struct play *play)
{
    memset(play, 0, sizeof(*play));
    play->arena = heap_arena(&play->heap);
    play->overview.arena = &play->arena;
    play->seq[0] = 1000;
    play->seq[1] = 5000;
    play->ns = SECOND;
}

/* All that is known of the connections. */
static void note(const struct play *play)
{
    const struct overview *overview = &play->overview;
    uint32_t at = 0;
    transcript_aside("packets %u cut %u from %lld to %lld", overview->packets, overview->cut,
                     (long long)overview->first, (long long)overview->last);
    for (const struct overview_conn *one; (one = overview_next(overview, &at)) != NULL;) {
        char client[ENDPOINT_TEXT_MAX], server[ENDPOINT_TEXT_MAX], handshake[HANDSHAKE_TEXT_MAX];
        endpoint_format(&one->end[one->client], client);
        endpoint_format(overview_server(one), server);
        transcript_aside(
            "%u: %s to %s sure %d name %s idle %lld last %lld %s %s one way %d gaps %u sealed %d hello %d syn "
            "%d closed %d by %d reset %d tls %d 1.3 %d finished %d alert %d %d by %d hidden %d by %d looks %d "
            "wants %d data %d%d seen %d%d",
            one->stream, client, server, one->sure, one->server_name ? one->server_name : "-",
            (long long)one->longest_idle, (long long)one->last_data, overview_handshake(one, handshake),
            overview_end(one), overview_one_way(one), overview_gaps(one), overview_sealed(one),
            overview_hello_missing(one), one->syn, one->closed, one->closed_by, one->reset, one->tls, one->version13,
            one->finished, one->has_alert, one->alert, one->alert_by, one->has_hidden, one->hidden_by, one->looks,
            overview_wants_look(one), one->data[0], one->data[1], one->seen[0], one->seen[1]);
    }
}

static void end(struct play *play)
{
    note(play);
    heap_free(&play->heap);
}

static const struct overview_conn *conn(const struct play *play)
{
    return play->overview.conns.row[play->stream];
}

static void put(struct play *play, enum side side, struct segment segment, const void *bytes)
{
    struct endpoint client = end_of(CLIENT), server = end_of(SERVER);
    segment.when = (struct when){ ++play->frame, play->ns };
    segment.has_ack |= !segment.syn;
    segment.ack = play->seq[!side];
    play->ns += 10 * MILLISECOND;
    overview_packet(&play->overview, segment.when.ns, segment.captured < segment.len);
    overview_segment(&play->overview, play->stream, side == FROM_CLIENT ? &client : &server,
                     side == FROM_CLIENT ? &server : &client, &segment, bytes);
}

static void syn(struct play *play)
{
    put(play, FROM_CLIENT, (struct segment){ .syn = true, .seq = play->seq[0] - 1 }, NULL);
    put(play, FROM_SERVER, (struct segment){ .syn = true, .has_ack = true, .seq = play->seq[1] - 1 }, NULL);
}

static void data(struct play *play, enum side side, const void *bytes, size_t len)
{
    put(play, side, (struct segment){ .seq = play->seq[side], .len = (uint32_t)len, .captured = (uint32_t)len }, bytes);
    play->seq[side] += (uint32_t)len;
}

static void fin(struct play *play, enum side side)
{
    put(play, side, (struct segment){ .fin = true, .seq = play->seq[side] }, NULL);
}

/* ---- TLS ---- */

static size_t record(uint8_t *to, uint8_t type, const uint8_t *body, size_t len)
{
    to[0] = type;
    to[1] = 3;
    to[2] = 3;
    to[3] = (uint8_t)(len >> 8);
    to[4] = (uint8_t)len;
    if (body) {
        memcpy(to + 5, body, len);
    } else {
        memset(to + 5, 0xA5, len);
    }
    return 5 + len;
}

/* A ClientHello with server_name, behind padding so long; or a ServerHello that chooses a version. */
static size_t hello(uint8_t *to, bool client, const char *name, size_t padding, unsigned version)
{
    uint8_t body[8192] = { client ? 1 : 2 };
    size_t at = 4 + 2 + 32;
    body[at++] = 0; /* session */
    if (client) {
        body[at++] = 0, body[at++] = 2, body[at++] = 0x13, body[at++] = 1;
        body[at++] = 1, body[at++] = 0;
    } else {
        body[at++] = 0x13, body[at++] = 1, body[at++] = 0;
    }
    const size_t extensions = at;
    at += 2;
    if (padding) {
        body[at++] = 0, body[at++] = 21, body[at++] = (uint8_t)(padding >> 8), body[at++] = (uint8_t)padding;
        at += padding;
    }
    if (name) {
        const size_t len = strlen(name);
        body[at++] = 0, body[at++] = 0, body[at++] = 0, body[at++] = (uint8_t)(len + 5);
        body[at++] = 0, body[at++] = (uint8_t)(len + 3), body[at++] = 0, body[at++] = 0, body[at++] = (uint8_t)len;
        memcpy(body + at, name, len);
        at += len;
    }
    if (version) {
        body[at++] = 0, body[at++] = 43, body[at++] = 0, body[at++] = 2;
        body[at++] = (uint8_t)(version >> 8), body[at++] = (uint8_t)version;
    }
    body[extensions] = (uint8_t)((at - extensions - 2) >> 8);
    body[extensions + 1] = (uint8_t)(at - extensions - 2);
    body[1] = 0, body[2] = (uint8_t)((at - 4) >> 8), body[3] = (uint8_t)(at - 4);
    return record(to, 22, body, at);
}

static void send_hello(struct play *play, bool client, unsigned version)
{
    uint8_t bytes[9000];
    data(play, client ? FROM_CLIENT : FROM_SERVER, bytes,
         hello(bytes, client, client ? "mail.example.test" : NULL, 0, version));
}

static void send_record(struct play *play, enum side side, uint8_t type, size_t len)
{
    uint8_t bytes[2048];
    data(play, side, bytes, record(bytes, type, NULL, len));
}

static const char *handshake(const struct play *play)
{
    static char text[HANDSHAKE_TEXT_MAX];
    return overview_handshake(conn(play), text);
}

static void test_tls13(void)
{
    struct play play;
    begin(&play);
    syn(&play);
    send_hello(&play, true, 0);
    CHECK(conn(&play)->tls && !overview_hello_missing(conn(&play)));
    CHECK_STR(conn(&play)->server_name, "mail.example.test");
    CHECK_STR(handshake(&play), "no answer to the ClientHello");
    CHECK(!overview_sealed(conn(&play))); /* nothing can have passed */
    send_hello(&play, false, 0x0304);
    CHECK_STR(handshake(&play), "handshake not completed");
    CHECK(overview_sealed(conn(&play))); /* it may go on where nobody sees it */
    send_record(&play, FROM_CLIENT, 23, 53);
    CHECK_STR(handshake(&play), "handshake completed");
    CHECK(overview_sealed(conn(&play)));
    play.ns += 3 * SECOND;
    send_record(&play, FROM_SERVER, 23, 100);
    CHECK_INT(conn(&play)->longest_idle, 3 * SECOND + 10 * MILLISECOND);
    fin(&play, FROM_SERVER);
    CHECK_STR(overview_end(conn(&play)), "closed by the server");
    struct overview_conn *seen = play.overview.conns.row[0];
    overview_look(seen, LOOK_DECRYPTED | LOOK_HTTP);
    CHECK(!overview_sealed(seen));
    CHECK_INT(play.overview.packets, 7);
    end(&play);
}

static void test_refused(void)
{
    static const uint8_t alert[] = { 21, 3, 3, 0, 2, 2, 48 }, unknown[] = { 21, 3, 3, 0, 2, 2, 200 },
                         notify[] = { 21, 3, 3, 0, 2, 1, 0 };
    struct play play;
    begin(&play);
    syn(&play);
    send_hello(&play, true, 0);
    data(&play, FROM_SERVER, alert, sizeof(alert));
    CHECK_STR(handshake(&play), "handshake ended by alert unknown_ca from the server");
    CHECK(!overview_sealed(conn(&play)));
    end(&play);
    begin(&play);
    send_hello(&play, true, 0);
    data(&play, FROM_CLIENT, unknown, sizeof(unknown));
    CHECK_STR(handshake(&play), "handshake ended by alert 200 from the client");
    end(&play);
    begin(&play);
    send_hello(&play, true, 0);
    data(&play, FROM_SERVER, notify, sizeof(notify));
    CHECK_STR(handshake(&play), "no answer to the ClientHello");
    end(&play);
    begin(&play);
    syn(&play);
    send_hello(&play, true, 0);
    send_hello(&play, false, 0x0304);
    send_record(&play, FROM_CLIENT, 23, 19);
    CHECK_STR(handshake(&play), "handshake ended by an encrypted alert from the client");
    CHECK(!overview_sealed(conn(&play)));
    end(&play);
}

/* Fatal alerts by their names, others by their numbers (RFC 8446 6, RFC 5246 7.2, RFC 7301 3.2, RFC 7507 4). */
static void test_alerts(void)
{
    static const char *const names[256] = {
        [10] = "unexpected_message",
        [20] = "bad_record_mac",
        [22] = "record_overflow",
        [40] = "handshake_failure",
        [42] = "bad_certificate",
        [43] = "unsupported_certificate",
        [44] = "certificate_revoked",
        [45] = "certificate_expired",
        [46] = "certificate_unknown",
        [47] = "illegal_parameter",
        [48] = "unknown_ca",
        [49] = "access_denied",
        [50] = "decode_error",
        [51] = "decrypt_error",
        [70] = "protocol_version",
        [71] = "insufficient_security",
        [80] = "internal_error",
        [86] = "inappropriate_fallback",
        [90] = "user_canceled",
        [109] = "missing_extension",
        [110] = "unsupported_extension",
        [112] = "unrecognized_name",
        [116] = "certificate_required",
        [120] = "no_application_protocol",
    };
    for (unsigned number = 1; number < COUNT_OF(names); number++) {
        const uint8_t alert[] = { 21, 3, 3, 0, 2, 2, (uint8_t)number };
        char text[100], digits[4];
        struct play play;
        begin(&play);
        syn(&play);
        send_hello(&play, true, 0);
        data(&play, FROM_SERVER, alert, sizeof(alert));
        snprintf(digits, sizeof(digits), "%u", number);
        snprintf(text, sizeof(text), "handshake ended by alert %s from the server",
                 names[number] ? names[number] : digits);
        CHECK_STR(handshake(&play), text);
        heap_free(&play.heap);
    }
}

static void test_tls12(void)
{
    struct play play;
    begin(&play);
    syn(&play);
    send_hello(&play, true, 0);
    send_hello(&play, false, 0);
    send_record(&play, FROM_CLIENT, 20, 1);
    CHECK_STR(handshake(&play), "handshake not completed");
    send_record(&play, FROM_SERVER, 20, 1);
    CHECK_STR(handshake(&play), "handshake completed");
    end(&play);
}

/* However the hello is cut into segments, sent again or captured twice: its name is read. */
static void test_pieces(void)
{
    uint8_t bytes[9000];
    const size_t whole = hello(bytes, true, "ex1.example.test", 1700, 0);
    for (size_t piece = 1; piece < whole; piece += piece < 60 ? 1 : 97) {
        struct play play;
        begin(&play);
        syn(&play);
        /* The first one shows what it is. */
        data(&play, FROM_CLIENT, bytes, 6);
        for (size_t at = 6; at < whole; at += piece) {
            const size_t len = at + piece < whole ? piece : whole - at;
            data(&play, FROM_CLIENT, bytes + at, len);
            play.seq[0] -= (uint32_t)len;
            data(&play, FROM_CLIENT, bytes + at, len);
        }
        CHECK_STR(conn(&play)->server_name ? conn(&play)->server_name : "-", "ex1.example.test");
        end(&play);
    }
}

static void test_late(void)
{
    struct play play;
    uint8_t bytes[4096];
    begin(&play);
    /* In the middle of a record nothing tells; where one begins, and another behind it, TLS is met. */
    memset(bytes, 0x17, sizeof(bytes));
    data(&play, FROM_SERVER, bytes, 700);
    CHECK(!conn(&play)->tls);
    size_t used = record(bytes, 23, NULL, 30);
    used += record(bytes + used, 23, NULL, 300);
    data(&play, FROM_SERVER, bytes, used);
    CHECK(conn(&play)->tls && overview_hello_missing(conn(&play)) && overview_sealed(conn(&play)));
    CHECK_STR(handshake(&play), "handshake not captured");
    CHECK(overview_one_way(conn(&play)));
    /* By its port it was taken for the server's end. */
    CHECK(endpoint_equal(overview_server(conn(&play)), &conn(&play)->end[0]));
    end(&play);
}

static void test_no_tls(void)
{
    static const char *const others[] = { "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\x16\x03\x01", "\x17\x03\x03\x00\x20xx",
                                          "\x16\x03\x01\x02\x00\x05zzzz", "\x16\x04\x01\x00\x05\x01zzzz" };
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        struct play play;
        begin(&play);
        syn(&play);
        data(&play, FROM_CLIENT, others[i], strlen(others[i]) + (i > 0 ? 3 : 0) - (i > 0 ? 3 : 0));
        CHECK(!conn(&play)->tls);
        end(&play);
    }
}

/* Handshake records that are no hello: of another type, and too short for one. */
static void test_no_hello(void)
{
    static const uint8_t certificate[] = { 22, 3, 3, 0, 6, 11, 0, 0, 2, 0, 0 }, few[] = { 22, 3, 3, 0, 3, 1, 0, 0 };
    for (unsigned i = 0; i < 2; i++) {
        struct play play;
        begin(&play);
        data(&play, FROM_CLIENT, i ? few : certificate, i ? sizeof(few) : sizeof(certificate));
        CHECK(conn(&play)->tls && !conn(&play)->half[conn(&play)->client].hello && !conn(&play)->sure);
        end(&play);
    }
}

static void test_gaps(void)
{
    struct play play;
    begin(&play);
    syn(&play);
    data(&play, FROM_CLIENT, "GET ", 4);
    CHECK_INT(overview_gaps(conn(&play)), 0);
    play.seq[0] += 100;
    data(&play, FROM_CLIENT, "x", 1);
    CHECK_INT(overview_gaps(conn(&play)), 1);
    /* It comes after all: it was late, not missing. */
    char late[100] = "";
    play.seq[0] -= 101;
    data(&play, FROM_CLIENT, late, 100);
    CHECK_INT(overview_gaps(conn(&play)), 0);
    end(&play);
    begin(&play);
    data(&play, FROM_CLIENT, "GET ", 4);
    CHECK(overview_one_way(conn(&play)) && overview_gaps(conn(&play)) == 0);
    CHECK(!conn(&play)->syn);
    end(&play);
}

/* Any bytes in any order: bounded, and nothing is read that is not there (the sanitizers see it). */
static void test_any(void)
{
    struct dice dice = { 7 };
    uint8_t bytes[9000];
    for (int round = 0; round < 400; round++) {
        struct play play;
        begin(&play);
        for (int i = 0; i < 60; i++) {
            play.stream = roll(&dice, 3);
            const enum side side = once_in(&dice, 2) ? FROM_CLIENT : FROM_SERVER;
            size_t len = once_in(&dice, 3) ? hello(bytes, side == FROM_CLIENT, "n", roll(&dice, 5000), 0x0304) :
                                             record(bytes, (uint8_t)(20 + roll(&dice, 6)), NULL, roll(&dice, 60));
            for (int flips = 0; flips < 3; flips++) {
                const uint32_t at = roll(&dice, (uint32_t)len);
                bytes[at] = (uint8_t)(once_in(&dice, 2) ? roll(&dice, 256) : bytes[at]);
            }
            len = once_in(&dice, 4) ? 1 + roll(&dice, (uint32_t)len) : len;
            uint8_t *exact = malloc(len);
            memcpy(exact, bytes, len);
            const uint32_t captured = once_in(&dice, 6) ? roll(&dice, (uint32_t)len) : (uint32_t)len;
            const uint32_t shift = once_in(&dice, 6) ? roll(&dice, 3000) : 0;
            put(&play, side,
                (struct segment){ .seq = play.seq[side] + shift,
                                  .len = (uint32_t)len,
                                  .captured = captured,
                                  .rst = once_in(&dice, 40) },
                exact);
            play.seq[side] += (uint32_t)len;
            free(exact);
        }
        uint32_t at = 0;
        for (const struct overview_conn *seen; (seen = overview_next(&play.overview, &at)) != NULL;) {
            char text[HANDSHAKE_TEXT_MAX];
            CHECK(strlen(overview_handshake(seen, text)) < HANDSHAKE_TEXT_MAX);
            CHECK(overview_end(seen) && overview_gaps(seen) < 100);
        }
        CHECK(play.heap.allocated < 2000000);
        end(&play);
    }
}

/* What other dissectors made of a packet, each for itself. */
static void test_looks(void)
{
    static const unsigned all[] = { LOOK_DECRYPTED, LOOK_HTTP, LOOK_HTTP2, LOOK_OTHER, 0 };
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        struct overview_conn one = { .looks = 0 };
        overview_look(&one, all[i]);
        CHECK_INT(one.looks, 1);
        CHECK_INT(one.decrypted, all[i] == LOOK_DECRYPTED);
        CHECK_INT(one.tls, all[i] == LOOK_DECRYPTED);
        CHECK_INT(one.http, all[i] == LOOK_HTTP);
        CHECK_INT(one.http2, all[i] == LOOK_HTTP2);
        CHECK_INT(one.other, all[i] == LOOK_OTHER);
        /* A later one takes nothing back. */
        overview_look(&one, 0);
        CHECK_INT(one.decrypted + one.http + one.http2 + one.other, all[i] != 0);
    }
}

/* All of it made of an archive, or some. */
static void test_made(void)
{
    struct heap heap = { .blocks = NULL };
    struct arena arena = heap_arena(&heap);
    struct overview overview = { .arena = &arena };
    char longest[1000];
    memset(longest, 'x', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    CHECK(!overview_is_archive(&overview));
    overview_packet(&overview, 1, false);
    overview_made(&overview, longest);
    CHECK(overview_is_archive(&overview) && strlen(overview.archive) < 300);
    overview_packet(&overview, 2, false);
    CHECK(!overview_is_archive(&overview));
    overview_made(&overview, "another");
    CHECK(overview_is_archive(&overview) && overview.archive[0] == 'x');
    overview = (struct overview){ .arena = &arena };
    overview_packet(&overview, 1, false);
    overview_made(&overview, NULL);
    CHECK_STR(overview.archive, "an archive");
    heap_free(&heap);
}

/* Connections of few bytes, with pauses, ends and what dissectors say of them. */
static void test_few_bytes(void)
{
    struct dice dice = { 11 };
    for (unsigned number = 0; number < 300; number++) {
        struct play play;
        begin(&play);
        if (!once_in(&dice, 4)) {
            syn(&play);
        }
        for (unsigned i = 0; i < 12; i++) {
            const enum side side = once_in(&dice, 2) ? FROM_CLIENT : FROM_SERVER;
            const unsigned what = roll(&dice, 12);
            play.ns += once_in(&dice, 3) ? (int64_t)roll(&dice, 100) * SECOND : 0;
            if (what < 6) {
                data(&play, side, "ab", roll(&dice, 3));
            } else if (what == 6) {
                fin(&play, side);
            } else if (what == 7) {
                put(&play, side, (struct segment){ .rst = true, .seq = play.seq[side] }, NULL);
            } else if (what == 8) {
                play.seq[side] += 1 + roll(&dice, 2);
            } else if (what == 9) {
                put(&play, side, (struct segment){ .syn = true, .seq = play.seq[side], .len = roll(&dice, 2) }, "a");
            } else if (play.overview.conns.count > play.stream && play.overview.conns.row[play.stream]) {
                overview_look(play.overview.conns.row[play.stream], roll(&dice, 16));
            }
        }
        end(&play);
    }
    transcript_asides("few bytes");
}

/* Hellos, an alert and what follows, with each byte changed, cut, and in two segments. */
static void test_each_byte(void)
{
    static uint8_t bytes[2][9000];
    size_t len[2];
    len[0] = hello(bytes[0], true, "mail.example.test", 3, 0x0304);
    len[1] = hello(bytes[1], false, "", 0, 0x0304);
    len[1] += record(bytes[1] + len[1], 20, (const uint8_t *)"\1", 1);
    len[1] += record(bytes[1] + len[1], 23, NULL, 19);
    len[0] += record(bytes[0] + len[0], 21, (const uint8_t *)"\2\60", 2);
    for (unsigned side = 0; side < 2; side++) {
        for (size_t at = 0; at < len[side]; at++) {
            for (unsigned how = 0; how < 4; how++) {
                struct play play;
                uint8_t copy[9000];
                begin(&play);
                syn(&play);
                memcpy(copy, bytes[side], len[side]);
                copy[at] = (uint8_t)(copy[at] + (how == 0 ? 1 : how == 1 ? -1 : 0));
                if (side == FROM_SERVER) {
                    data(&play, FROM_CLIENT, bytes[0], hello(copy + 4500, true, "n", 0, 0x0304));
                }
                data(&play, (enum side)side, copy, at);
                if (how < 3) {
                    data(&play, (enum side)side, copy + at, len[side] - at);
                    data(&play, (enum side) !side, bytes[!side], len[!side]);
                }
                end(&play);
            }
        }
    }
    transcript_asides("each byte");
}

/* A hello in pieces, one of them sent again: whole, or with what follows it. */
static void test_hello_again(void)
{
    for (int more = 0; more <= 1; more++) {
        struct play play;
        uint8_t bytes[9000];
        const size_t len = hello(bytes, true, "mail.example.test", 300, 0), third = len / 3;
        begin(&play);
        syn(&play);
        const uint32_t first = play.seq[FROM_CLIENT];
        data(&play, FROM_CLIENT, bytes, third);
        data(&play, FROM_CLIENT, bytes + third, third);
        const uint32_t again = (uint32_t)(more ? len - third : third);
        put(&play, FROM_CLIENT,
            (struct segment){ .seq = first + (uint32_t)(more ? third : 0), .len = again, .captured = again },
            bytes + (more ? third : 0));
        play.seq[FROM_CLIENT] += more ? (uint32_t)(len - 2 * third) : 0;
        if (!more) {
            data(&play, FROM_CLIENT, bytes + 2 * third, len - 2 * third);
        }
        CHECK(conn(&play)->server_name && strcmp(conn(&play)->server_name, "mail.example.test") == 0);
        end(&play);
    }
}

int main(void)
{
    test_hello_again();
    test_looks();
    test_made();
    test_tls13();
    test_refused();
    test_alerts();
    test_tls12();
    test_pieces();
    test_late();
    test_no_tls();
    test_no_hello();
    test_gaps();
    transcript_off = true; /* of which each compiler makes its own */
    test_any();
    transcript_off = false;
    transcript_asides("what was asked for");
    test_few_bytes();
    test_each_byte();
    transcript_end(__FILE__);
    return unit_end();
}
