/* test_base.c
 * What all others stand on: characters, texts for people, tables, TCP.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "chars.h"
#include "heap.h"
#include "say.h"
#include "tables.h"
#include "tcp.h"
#include "transcript.h"

static struct span text_span(const char *text)
{
    return span_of((const uint8_t *)text, strlen(text));
}

/* ---- characters --------------------------------------------------------------------- */

static void check_copy(const char *bytes, size_t len, size_t size, const char *expected)
{
    char text[64];
    memset(text, 'x', sizeof(text));
    chars_copy(text, size, span_of((const uint8_t *)bytes, len));
    CHECK_STR(text, expected);
}

static void test_utf8(void)
{
#define COPY(bytes, expected) check_copy(bytes, sizeof(bytes) - 1, 64, expected)
    COPY("", "");
    COPY("plain ~", "plain ~");
    COPY("\x1F\x7F\0", "???");
    COPY("\xC2\x80\xC2\x9F\xC2\xA0", "??\xC2\xA0"); /* C1 controls are none to show */
    COPY("\xDF\xBF\xE0\xA0\x80\xEF\xBF\xBF\xF0\x90\x80\x80\xF4\x8F\xBF\xBF",
         "\xDF\xBF\xE0\xA0\x80\xEF\xBF\xBF\xF0\x90\x80\x80\xF4\x8F\xBF\xBF");
    COPY("\xED\x9F\xBF\xEE\x80\x80", "\xED\x9F\xBF\xEE\x80\x80");
    /* What is no UTF-8 is Latin-1 as a whole: overlong forms, surrogates, beyond U+10FFFF, cut. */
    COPY("\xC1\xBF", "\xC3\x81\xC2\xBF");
    COPY("\xE0\x9F\xBF", "\xC3\xA0?\xC2\xBF");
    COPY("\xF0\x8F\xBF\xBF", "\xC3\xB0?\xC2\xBF\xC2\xBF");
    COPY("\xED\xA0\xA0", "\xC3\xAD\xC2\xA0\xC2\xA0");
    COPY("\xED\xBF\xBF", "\xC3\xAD\xC2\xBF\xC2\xBF");
    COPY("\xF4\x90\xA0\xA0", "\xC3\xB4?\xC2\xA0\xC2\xA0");
    COPY("\xF5\xA0\xA0\xA0", "\xC3\xB5\xC2\xA0\xC2\xA0\xC2\xA0");
    COPY("ab\xE2\x82", "ab\xC3\xA2?");
    COPY("\xE4", "\xC3\xA4");
    COPY("\xC3\xA4\xE4", "\xC3\x83\xC2\xA4\xC3\xA4");
    /* Cut between characters, never inside. */
    check_copy("abc", 3, 4, "abc");
    check_copy("abc", 3, 3, "ab");
    check_copy("a\xC3\xA4", 3, 3, "a");
    check_copy("a\xC3\xA4", 3, 4, "a\xC3\xA4");
    check_copy("\xE2\x82\xAC"
               "b",
               4, 3, ""); /* nothing is added behind what was cut */
    check_copy("abc", 3, 1, "");
    /* Every pair and many triples, as one digest. */
    char text[64];
    transcript_fold();
    for (unsigned a = 0; a < 256; a++) {
        for (unsigned b = 0; b < 256; b++) {
            static const uint8_t ends[] = { 0x00, 0x41, 0x7F, 0x80, 0xBF, 0xC0, 0xFF };
            for (size_t c = 0; c < sizeof(ends); c++) {
                const uint8_t bytes[4] = { (uint8_t)a, (uint8_t)b, ends[c], 0x80 };
                chars_copy(text, sizeof(text), span_of(bytes, 2 + c % 3));
                transcript("%s", text);
            }
        }
    }
    transcript_unfold("utf-8");
}

static void test_utf16(void)
{
    static const struct {
        uint16_t units[4];
        size_t bytes;
        const char *text;
    } rows[] = { { { 'A', 0xE4, 0x20AC }, 6, "A\xC3\xA4\xE2\x82\xAC" },
                 { { 'A', 'B' }, 3, "A" },
                 { { 0xD800, 0xDC00 }, 4, "\xF0\x90\x80\x80" },
                 { { 0xDBFF, 0xDFFF }, 4, "\xF4\x8F\xBF\xBF" },
                 { { 0xD83D, 0xDE00, 'x' }, 6, "\xF0\x9F\x98\x80x" },
                 { { 0xD800, 'x' }, 4, "?x" },
                 { { 0xD800 }, 2, "?" },
                 { { 0xD800, 0xDC00 }, 3, "?" },
                 { { 0xDC00, 'x' }, 4, "?x" },
                 { { 0xD800, 0xE000 }, 4, "?\xEE\x80\x80" },
                 { { 0xD800, 0xDBFF }, 4, "??" },
                 { { 0xD7FF, 0xE000 }, 4, "\xED\x9F\xBF\xEE\x80\x80" },
                 { { 0x1F, 0x7F, 0x9F, 0xA0 }, 8, "???\xC2\xA0" },
                 { { 0x7FF, 0x800 }, 4, "\xDF\xBF\xE0\xA0\x80" },
                 { { 0xFFFF, 0 }, 4, "\xEF\xBF\xBF?" } };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t bytes[8];
        char text[64];
        for (size_t k = 0; k < 4; k++) {
            bytes[2 * k] = (uint8_t)rows[i].units[k];
            bytes[2 * k + 1] = (uint8_t)(rows[i].units[k] >> 8);
        }
        struct chars t = chars_into(text, sizeof(text));
        chars_utf16(&t, span_of(bytes, rows[i].bytes));
        CHECK_STR(text, rows[i].text);
        CHECK(!t.full);
        CHECK_INT(t.used, strlen(text));
    }
    char small[3];
    struct chars t = chars_into(small, sizeof(small));
    chars_code(&t, 'a');
    chars_code(&t, 0x10FFFF);
    chars_code(&t, 'b');
    CHECK_STR(small, "a");
    CHECK(t.full);
    t = chars_into(small, sizeof(small));
    chars_code(&t, 0x110000);
    chars_code(&t, 0xD800);
    CHECK_STR(small, "??");
}

static void test_spans(void)
{
    CHECK(span_equals_nocase(text_span("aZ@["), "Az@[") && !span_equals_nocase(text_span("@"), "`"));
    CHECK(!span_equals_nocase(text_span("["), "{") && !span_equals_nocase(text_span("ab"), "a"));
    CHECK(!span_equals_nocase(text_span("a"), "ab") && span_equals_nocase(text_span(""), ""));
    CHECK(span_starts_nocase(text_span("Server~x"), "server~") && span_starts_nocase(text_span("x"), ""));
    CHECK(!span_starts_nocase(text_span("serve"), "server"));
    struct span s = span_trim(text_span(" \t\r\na b\n\r\t "));
    CHECK_INT(s.len, 3);
    CHECK(memcmp(s.ptr, "a b", 3) == 0);
    CHECK_INT(span_trim(text_span(" \t")).len, 0);
    CHECK_INT(span_until(text_span("ab:c"), ':'), 2);
    CHECK_INT(span_until(text_span("abc"), ':'), 3);
    CHECK_INT(span_until(span_of(NULL, 0), ':'), 0);
    for (unsigned c = 0; c < 256; c++) {
        CHECK_INT(lower((uint8_t)c), c >= 'A' && c <= 'Z' ? c + 32 : c);
        CHECK_INT(is_digit((uint8_t)c), c >= '0' && c <= '9');
        CHECK_INT(is_blank((uint8_t)c), c == ' ' || c == '\t');
        /* RFC 9110 5.6.2 */
        bool token = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                     (c && c < 128 && strchr("!#$%&'*+-.^_`|~", (int)c));
        CHECK_INT(is_token_char((uint8_t)c), token);
    }
}

static void test_numbers(void)
{
    static const uint8_t p[8] = { 0x81, 0x92, 0xA3, 0xB4, 0xC5, 0xD6, 0xE7, 0xF8 };
    CHECK_INT(get_le16(p), 0x9281);
    CHECK_INT(get_be16(p), 0x8192);
    CHECK_INT(get_le32(p), 0xB4A39281);
    CHECK_INT(get_be32(p), 0x8192A3B4);
    CHECK(get_le64(p) == UINT64_C(0xF8E7D6C5B4A39281));
}

/* ---- texts -------------------------------------------------------------------------- */

static void test_say(void)
{
    static const struct {
        int64_t ns;
        const char *text;
    } rows[] = { { 0, "less than 1 ms" },
                 { 499999, "less than 1 ms" },
                 { 500000, "1 ms" },
                 { 49 * MILLISECOND + 499999, "49 ms" },
                 { 49 * MILLISECOND + 999999, "50 ms" },
                 { 50 * MILLISECOND, "0.1 s" },
                 { 149 * MILLISECOND, "0.1 s" },
                 { 150 * MILLISECOND, "0.2 s" },
                 { 949 * MILLISECOND, "0.9 s" },
                 { 950 * MILLISECOND, "1.0 s" },
                 { 61 * SECOND, "61.0 s" },
                 { 3600 * SECOND + 123 * MILLISECOND, "3600.1 s" } };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CHECK_STR(SECONDS(rows[i].ns), rows[i].text);
    }
    struct text text = { .used = 0 };
    struct endpoint end = { .family = 4, .addr = { 10, 0, 0, 81 }, .port = 80 };
    say(&text, "to ");
    say_endpoint(&text, &end);
    CHECK_STR(text.s, "to 10.0.0.81:80");
    /* Cut at the end, not inside a character. */
    static const char *const last[] = { "z", "\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x98\x80" };
    for (size_t i = 0; i < 4; i++) {
        for (size_t before = SAY_MAX - 8; before <= SAY_MAX + 2; before++) {
            char longer[SAY_MAX + 10];
            struct text full = { .used = 0 };
            size_t len = strlen(last[i]), room = SAY_MAX - 1;
            memset(longer, 'a', before);
            longer[before] = '\0';
            say(&full, "%s%s%s", longer, last[i], last[i]);
            CHECK_INT(full.used, strlen(full.s));
            CHECK(full.used <= room);
            if (before + 2 * len <= room) {
                CHECK_INT(full.used, before + 2 * len);
            } else {
                size_t whole = before >= room ? room : before + (room - before) / len * len;
                CHECK(full.used == whole || full.used + len == whole); /* one that fits may go, too */
            }
            transcript("%zu %zu: %zu", i, before, full.used);
        }
    }
}

/* ---- tables ------------------------------------------------------------------------- */

struct numbered {
    struct item item;
    unsigned number;
};

static void test_hash_table(void)
{
    struct heap heap = { NULL, 0 };
    struct arena arena = heap_arena(&heap);
    struct table table = { NULL, 0, 0 };
    CHECK(!table_first(&table, 5));
    for (unsigned i = 0; i < 200; i++) {
        struct numbered *numbered = arena_new(&arena, sizeof(*numbered));
        numbered->number = i;
        table_add(&arena, &table, &numbered->item, i % 50);
        CHECK_INT(table.used, i + 1);
        CHECK(table.size >= table.used);
    }
    CHECK_INT(table.size, 256);
    for (unsigned hash = 0; hash < 50; hash++) {
        unsigned seen = 0;
        for (struct item *item = table_first(&table, hash); item; item = table_next(item)) {
            CHECK_INT(((struct numbered *)item)->number % 50, hash);
            seen |= 1u << ((struct numbered *)item)->number / 50;
        }
        CHECK_INT(seen, 15);
    }
    CHECK(!table_first(&table, 50) && !table_first(&table, 256));
    /* The newest first while nothing grows. */
    struct numbered *newest = arena_new(&arena, sizeof(*newest));
    table_add(&arena, &table, &newest->item, 3);
    CHECK(table_first(&table, 3) == &newest->item);
    /* Texts are kept once. */
    struct table texts = { NULL, 0, 0 };
    const char *a = text_keep(&arena, &texts, "alpha"), *b = text_keep(&arena, &texts, "beta");
    CHECK_STR(a, "alpha");
    CHECK_STR(b, "beta");
    char again[] = "alpha";
    CHECK(text_keep(&arena, &texts, again) == a && text_keep(&arena, &texts, "alph") != a);
    CHECK(!text_keep(&arena, &texts, ""));
    CHECK_INT(texts.used, 3);
    heap_free(&heap);
}

/* ---- TCP ---------------------------------------------------------------------------- */

static uint32_t dice(uint32_t *state, uint32_t sides)
{
    *state = *state * 1664525 + 1013904223;
    return (*state >> 10) % sides;
}

/* Segments of two streams in and out of order, repeated, cut, lost; after each of them what is
 * known of the capture. */
static void test_flow(void)
{
    for (uint32_t seed = 1; seed <= 120; seed++) {
        struct heap heap = { NULL, 0 };
        struct arena arena = heap_arena(&heap);
        struct tcp_flow flow;
        uint32_t scale = seed % 2 ? 1 : 25; /* small ones touch and overlap by a byte */
        uint32_t state = seed, next[2] = { 0xFFFFFF00u + seed, 7000 };
        struct conn_past past = { .syn = seed % 5 != 0,
                                  .syn_ack = seed % 7 != 0,
                                  .gap = seed % 11 == 0,
                                  .has_next = seed % 3 != 0,
                                  .next_seq = { next[0], next[1] },
                                  .first = { 1, 0 } };
        char name[32];
        memset(&flow, 0, sizeof(flow));
        tcp_flow_start(&flow, &past);
        transcript_fold();
        for (uint32_t frame = 2; frame < 60; frame++) {
            enum way way = (enum way)dice(&state, 2);
            uint32_t len = dice(&state, 3) ? 1 + dice(&state, 4 * scale) : 0, kind = dice(&state, 12), where;
            struct segment segment = { .when = { frame, frame * SECOND },
                                       .way = way,
                                       .has_ack = dice(&state, 8) != 0,
                                       .seq = next[way],
                                       .ack = next[!way],
                                       .len = len,
                                       .captured = len,
                                       .window = 100 };
            switch (kind) {
            case 0:
                segment.seq += 1 + dice(&state, 4 * scale); /* bytes before it are missing */
                break;
            case 1:
            case 2:
            case 8:
            case 9:
                segment.seq -= dice(&state, 6 * scale); /* repeated, or what was missing */
                break;
            case 3:
                segment.captured = len / 2;
                break;
            case 4:
                segment.opaque = len > 0;
                break;
            case 5:
                segment.ack += dice(&state, 2 * scale); /* of bytes that were not captured */
                break;
            case 6:
                segment.fin = dice(&state, 6) == 0;
                segment.rst = !segment.fin && dice(&state, 6) == 0;
                break;
            case 7:
                segment.syn = dice(&state, 10) == 0;
                break;
            default:
                break;
            }
            bool fresh = tcp_flow_segment(&flow, &arena, &segment);
            uint32_t end = segment.seq + segment.len + segment.fin + segment.syn;
            if (!segment.rst && (int32_t)(end - next[way]) > 0) {
                next[way] = end;
            }
            if (frame == 50 && seed % 13 == 0) {
                tcp_flow_give_up(&flow, &arena, way, frame);
            }
            enum doubt doubt = tcp_flow_doubt(&flow, &where);
            transcript("%u: %d doubt %d at %u ended %d%d acked %u %u", frame, fresh, (int)doubt, where,
                       flow.half[0].ended, flow.half[1].ended, flow.half[0].acked, flow.half[1].acked);
            for (uint32_t since = 0; since <= frame + 1; since += 1 + frame / 4) {
                transcript("    %d %d", tcp_flow_missed_since(&flow, 1, since),
                           tcp_flow_missed_since(&flow, frame / 2, since));
            }
        }
        snprintf(name, sizeof(name), "flow %u", seed);
        transcript_unfold(name);
        heap_free(&heap);
    }
}

static void send(struct tcp_flow *flow, const struct arena *arena, uint32_t seq, uint32_t len)
{
    const struct segment segment = { .when = { 3, 0 },
                                     .way = WAY_TO_SERVER,
                                     .has_ack = true,
                                     .seq = seq,
                                     .ack = 1,
                                     .len = len,
                                     .captured = len };
    tcp_flow_segment(flow, arena, &segment);
}

/* A hole is closed when its last byte comes, in whatever pieces and order, and not before. */
static void test_hole(void)
{
    enum { HOLE = 6, FROM = 1000 };
    for (uint32_t first = 0; first < HOLE; first++) {
        for (uint32_t last = first + 1; last <= HOLE; last++) {
            for (unsigned around = 0; around < 4; around++) {
                const uint32_t pieces[3][2] = { { first, last }, { 0, first }, { last, HOLE } };
                struct heap heap = { NULL, 0 };
                struct arena arena = heap_arena(&heap);
                struct tcp_flow flow;
                struct conn_past past = { .syn = true, .syn_ack = true, .has_next = true, .next_seq = { FROM, 1 } };
                uint32_t left = HOLE, frame;
                memset(&flow, 0, sizeof(flow));
                tcp_flow_start(&flow, &past);
                send(&flow, &arena, FROM + HOLE, 10);
                CHECK_INT(tcp_flow_doubt(&flow, &frame), DOUBT_GAP);
                for (unsigned i = 0; i < 3; i++) {
                    uint32_t at = pieces[around & 1 && i ? 3 - i : i][0], end = pieces[around & 1 && i ? 3 - i : i][1];
                    if (at == end) {
                        continue;
                    }
                    left -= end - at;
                    /* One that reaches beyond the hole on both sides says the same. */
                    bool wider = around & 2 && left == 0;
                    send(&flow, &arena, FROM + at - wider, end - at + 2u * wider);
                    CHECK_INT(tcp_flow_doubt(&flow, &frame), left ? DOUBT_GAP : DOUBT_NONE);
                }
                CHECK_INT(left, 0);
                heap_free(&heap);
            }
        }
    }
}

/* RFC 5952, with runs of zeros of every length and place. */
static void test_ipv6(void)
{
    char text[IPV6_TEXT_MAX], shown[ENDPOINT_TEXT_MAX];
    for (unsigned mask = 0; mask < 256; mask++) {
        struct endpoint end = { .family = 6, .port = 443 };
        for (unsigned group = 0; group < 8; group++) {
            if (mask >> group & 1) {
                end.addr[2 * group] = group % 2 ? 0xA0 : 0;
                end.addr[2 * group + 1] = (uint8_t)(group + 1);
            }
        }
        ipv6_format(end.addr, text);
        endpoint_format(&end, shown);
        transcript("%02x %s %s", mask, text, shown);
    }
    /* What stands behind the address is none of it, even where the address ends in zeros. */
    const uint8_t before_zeros[20] = { 0x20, 1, 0, 0, 0, 0, 0, 1, 0, 2, 0, 3, 0, 0, 0, 0 };
    ipv6_format(before_zeros, text);
    CHECK_STR(text, "2001::1:2:3:0:0");
    struct endpoint mapped = { .family = 6,
                               .addr = { [10] = 0xFF, [11] = 0xFF, [12] = 9, [13] = 18, [14] = 27, [15] = 36 },
                               .port = 5 };
    endpoint_format(&mapped, shown);
    CHECK_STR(shown, "[::ffff:9.18.27.36]:5");
    struct endpoint a = { .family = 4, .addr = { 1, 2, 3, 4, 9 }, .port = 1 }, b = a;
    b.addr[4] = 8; /* behind the address */
    CHECK(endpoint_equal(&a, &b) && same_address(&a, &b));
    b.port = 2;
    CHECK(!endpoint_equal(&a, &b) && same_address(&a, &b));
    b = a;
    b.family = 6;
    CHECK(!same_address(&a, &b));
    a.family = 6;
    b.addr[15] = 1;
    CHECK(!same_address(&a, &b) && address_length(&a) == 16);
}

/* Each code point at a limit, and its neighbours. */
static void test_code_points(void)
{
    static const uint32_t limits[] = { 0,      0x20,   0x7F,   0x80,   0xA0,    0x800,
                                       0xD800, 0xDFFF, 0xE000, 0xFFFE, 0x10000, 0x10FFFF };
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        for (uint32_t code = limits[i] ? limits[i] - 1 : 0; code <= limits[i] + 1; code++) {
            char text[8] = "";
            struct chars to = chars_into(text, sizeof(text));
            chars_code(&to, code);
            transcript("%x: %02x %02x %02x %02x", code, (uint8_t)text[0], (uint8_t)text[1], (uint8_t)text[2],
                       (uint8_t)text[3]);
        }
    }
}

int main(void)
{
    test_utf8();
    test_utf16();
    test_spans();
    test_numbers();
    test_say();
    test_hash_table();
    test_flow();
    test_hole();
    test_ipv6();
    test_code_points();
    transcript_end(__FILE__);
    return unit_end();
}
