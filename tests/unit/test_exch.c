/* test_exch.c
 * The cookies of Exchange and of load balancers, and HTTP dates. The whole cookies were
 * published in traefik issue 8917; the others are made from them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "date.h"
#include "exchange_cookies.h"
#include "tokens.h"
#include "unit.h"

#define SECOND_NS INT64_C(1000000000)

static struct span text_span(const char *text)
{
    return (struct span){ (const uint8_t *)text, strlen(text) };
}

/* The bytes in base64. */
static const char *base64(const struct bytes *bytes)
{
    static char text[TOKEN_TEXT];
    return base64_of("", bytes, text) + 1;
}

/* ---- MapiContext -------------------------------------------------------------------- */

/* "MAPI", then base64 of: four bytes, the text, each byte XORed with the one before (the first
 * with 0xA5), and eight bytes of a counter. */
static const char *context_of(const char *start, uint32_t zero, const char *text, size_t len, uint64_t counter)
{
    static char cookie[TOKEN_TEXT + 8];
    struct bytes b = { .len = 0 };
    uint8_t before = 0xA5;
    put_le(&b, zero, 4);
    for (size_t i = 0; i < len; i++) {
        before ^= (uint8_t)text[i];
        put_le(&b, before, 1);
    }
    put_le(&b, counter, 8);
    snprintf(cookie, sizeof(cookie), "%s%s", start, base64(&b));
    return cookie;
}

#define TIME "2022-04-02 13:55:01Z"

static bool context_text(const char *text, struct exch_context *context)
{
    return exch_context_decode(text_span(context_of("MAPI", 0, text, strlen(text), 7)), context);
}

static void test_context(void)
{
    static const char published[] = "MAPIAAAAAO2o7q+Cx5+8jr6MvpOjl7qKuJipmqCVoJqqm8Hi0+bR5NTl1+TS5YQVAAAAAAAA";
    static const char text[] = "HEFA-EX#" TIME "#1575012367";
    struct exch_context context;
    CHECK(exch_context_decode(text_span(published), &context));
    CHECK_STR(context.server, "HEFA-EX");
    CHECK_STR(context.time, TIME);
    CHECK_STR(context.number, "1575012367");
    CHECK_INT(context.counter, 5508);
    CHECK_STR(context_of("MAPI", 0, text, strlen(text), 5508), published);
    /* In quotes, with blanks around; all eight bytes of the counter. */
    char quoted[200];
    snprintf(quoted, sizeof(quoted), " \"%s\" ", published);
    CHECK(exch_context_decode(text_span(quoted), &context));
    snprintf(quoted, sizeof(quoted), "\"%s", published);
    CHECK(!exch_context_decode(text_span(quoted), &context));
    CHECK(exch_context_decode(text_span(context_of("MAPI", 0, text, strlen(text), UINT64_C(0x0102030405060708))),
                              &context));
    CHECK(context.counter == UINT64_C(0x0102030405060708));
    /* A text without a number. */
    CHECK(context_text("A#" TIME, &context));
    CHECK_STR(context.server, "A");
    CHECK_STR(context.time, TIME);
    CHECK_STR(context.number, "");
    CHECK_INT(context.counter, 7);
    CHECK(context_text("A~ #" TIME "#", &context));
    CHECK_STR(context.server, "A~ ");
    CHECK_STR(context.number, "");
    /* What looks nearly like it is opaque, and leaves nothing behind. */
    static const char *const texts[] = { "",
                                         "A",
                                         "A#",
                                         "#" TIME,
                                         "A" TIME,
                                         "A#2022-04-02 13:55:01",
                                         "A#2022-04-02 13:55:01Zx",
                                         "A#2022-04-02T13:55:01Z",
                                         "A#2022-04-02 13:55:0xZ",
                                         "A#2022-04-02 13:55:01z",
                                         "A#:022-04-02 13:55:01Z",
                                         "A#/022-04-02 13:55:01Z",
                                         "A\x1F#" TIME,
                                         "A\x7F#" TIME,
                                         "A\xC3\xA9#" TIME };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        memset(&context, 'x', sizeof(context));
        CHECK(!context_text(texts[i], &context));
        CHECK_STR(context.server, "");
        CHECK_INT(context.counter, 0);
    }
    /* The start and the first four bytes. */
    CHECK(!exch_context_decode(text_span(context_of("MAPX", 0, text, strlen(text), 1)), &context));
    CHECK(!exch_context_decode(text_span(context_of("mapi", 0, text, strlen(text), 1)), &context));
    CHECK(!exch_context_decode(text_span(context_of("MAPI", 1, text, strlen(text), 1)), &context));
    CHECK(!exch_context_decode(text_span(context_of("MAPI", 0x01000000, text, strlen(text), 1)), &context));
    for (size_t len = 0; len < 5; len++) {
        CHECK(!exch_context_decode(span_of((const uint8_t *)published, len), &context));
    }
    /* No base64: a character beside the alphabet, padding in the middle or three of it. */
    static const char wrong[] = "!,-.:@[`{\x7f= ";
    for (const char *c = wrong; *c; c++) {
        char bad[sizeof(published)];
        memcpy(bad, published, sizeof(bad));
        bad[20] = *c;
        CHECK(!exch_context_decode(text_span(bad), &context));
    }
    snprintf(quoted, sizeof(quoted), "%s===", published);
    CHECK(!exch_context_decode(text_span(quoted), &context));
    CHECK(!exch_context_decode(text_span("MAPI=="), &context));
    CHECK(!exch_context_decode(text_span("MAPI"), &context));
    CHECK(!exch_context_decode(text_span("MAPIAAAA"), &context));
    /* The longest name that is kept, and one more; the longest cookie. */
    char longest[700];
    memset(longest, 'n', sizeof(longest));
    memcpy(longest + HTTP_NAME_MAX - 1, "#" TIME, strlen(TIME) + 2);
    CHECK(context_text(longest, &context));
    CHECK_INT(strlen(context.server), HTTP_NAME_MAX - 1);
    memset(longest, 'n', sizeof(longest));
    memcpy(longest + HTTP_NAME_MAX, "#" TIME, strlen(TIME) + 2);
    CHECK(!context_text(longest, &context));
    for (size_t size = 510; size <= 513; size++) {
        memset(longest, '1', sizeof(longest));
        memcpy(longest, "A#" TIME "#", strlen(TIME) + 3);
        longest[size - 12] = '\0';
        CHECK_INT(context_text(longest, &context), size <= 510);
    }
}

/* ---- MapiRouting -------------------------------------------------------------------- */

#define TICKS_SECOND INT64_C(10000000)

static const char *routing_of(const char *text, uint64_t ticks)
{
    struct bytes b = { .len = 0 };
    put(&b, text, strlen(text));
    put_le(&b, ticks, 8);
    return base64(&b);
}

static void test_routing(void)
{
    static const char rum[] = "RUM:031c9685-e896-4cef-8a15-4c436c51efbc:";
    /* .NET counts ticks of 100 ns from the year 1; days to 1970-01-01 and to 2200-01-03. */
    const int64_t from = INT64_C(719162) * 86400 * TICKS_SECOND, to = INT64_C(803170) * 86400 * TICKS_SECOND;
    struct exch_routing routing;
    CHECK(exch_routing_decode(text_span("UlVNOjAzMWM5Njg1LWU4OTYtNGNlZi04YTE1LTRjNDM2YzUxZWZiYzrU4ijdUBbaCA=="),
                              &routing));
    CHECK_STR(routing.mailbox, "031c9685-e896-4cef-8a15-4c436c51efbc");
    CHECK_INT(routing.ns / SECOND_NS, 1649086578);
    CHECK(exch_routing_decode(text_span(routing_of(rum, (uint64_t)from)), &routing));
    CHECK_INT(routing.ns, 0);
    CHECK(exch_routing_decode(text_span(routing_of(rum, (uint64_t)from + 3)), &routing));
    CHECK_INT(routing.ns, 300);
    CHECK(!exch_routing_decode(text_span(routing_of(rum, (uint64_t)from - 1)), &routing));
    CHECK_STR(routing.mailbox, "");
    CHECK(exch_routing_decode(text_span(routing_of(rum, (uint64_t)to)), &routing));
    CHECK_INT(routing.ns / SECOND_NS, INT64_C(84008) * 86400);
    CHECK(!exch_routing_decode(text_span(routing_of(rum, (uint64_t)to + 1)), &routing));
    CHECK(!exch_routing_decode(text_span(routing_of(rum, 0)), &routing));
    /* The two highest bits are the kind (DateTime.ToBinary). */
    for (uint64_t kind = 1; kind < 4; kind++) {
        CHECK(exch_routing_decode(text_span(routing_of(rum, kind << 62 | (uint64_t)from)), &routing));
        CHECK_INT(routing.ns, 0);
    }
    static const char *const texts[] = {
        "RUN:031c9685-e896-4cef-8a15-4c436c51efbc:", "RUM:031c9685-e896-4cef-8a15-4c436c51efbc;",
        "RUM:031g9685-e896-4cef-8a15-4c436c51efbc:", "RUM:031`9685-e896-4cef-8a15-4c436c51efbc:",
        "RUM:031c96851e896-4cef-8a15-4c436c51efbc:", "RUM:031c9685-e896-4cef-8a15-4c436c51efb:",
        "RUM:031c9685-e896-4cef-8a15-4c436c51efbcd:"
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        CHECK(!exch_routing_decode(text_span(routing_of(texts[i], (uint64_t)from)), &routing));
    }
    CHECK(exch_routing_decode(text_span(routing_of("RUM:AAAAAAAA-FFFF-aaaa-ffff-000000009999:", (uint64_t)from)),
                              &routing));
    CHECK(!exch_routing_decode(text_span(""), &routing) && !exch_routing_decode(text_span("UlVNOg=="), &routing));
}

/* ---- MapiSequence ------------------------------------------------------------------- */

static void test_sequence(void)
{
    static const struct {
        const char *value;
        int64_t counter; /* -1: opaque */
    } rows[] = { { "735-D5viGQ==", 735 },
                 { " \"735-D5viGQ==\" ", 735 },
                 { "0-AAAAAA==", 0 },
                 { "4294967295-AAAAAA==", 4294967295 },
                 { "4294967296-AAAAAA==", -1 },
                 { "00000000001-AAAAAA==", -1 },
                 { "735-", -1 },
                 { "735", -1 },
                 { "-D5viGQ==", -1 },
                 { "", -1 },
                 { "7x5-D5viGQ==", -1 },
                 { "735-D5viGQ=", -1 },
                 { "735-D5viGQ==A", -1 },
                 { "735-D5v.GQ==", -1 },
                 { "735_D5viGQ==", -1 } };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint32_t counter = 12345;
        CHECK_INT(exch_sequence_decode(text_span(rows[i].value), &counter), rows[i].counter >= 0);
        CHECK_INT(counter, rows[i].counter >= 0 ? rows[i].counter : 12345);
    }
}

/* ---- opaque values, balancers -------------------------------------------------------- */

static void test_opaque(void)
{
    static const char *const opaque[] = { "",
                                          "MAPI",
                                          "MAPIAAAA",
                                          "alm6ichbe5f0exx4amydplz3e0h4texc",
                                          "MAPIAAAAAO2o7q+C",
                                          "735-",
                                          "735",
                                          "-D5viGQ==",
                                          "UlVNOg==",
                                          "MAPIAQAAAO2o7q+Cx5+8jr6MvpOjl7qKuJipmqCVoJqqm8Hi0+bR5NTl1+TS5YQVAAAAAAAA" };
    struct exch_context context;
    struct exch_routing routing;
    uint32_t counter;
    for (size_t i = 0; i < sizeof(opaque) / sizeof(opaque[0]); i++) {
        CHECK(!exch_context_decode(text_span(opaque[i]), &context));
        CHECK(!exch_routing_decode(text_span(opaque[i]), &routing));
        CHECK(!exch_sequence_decode(text_span(opaque[i]), &counter));
    }
}

/* Its base64 is the plain one. */
static void test_alphabet(void)
{
    uint32_t counter = 0;
    CHECK(exch_sequence_decode(text_span("7-+++++w=="), &counter));
    CHECK_INT(counter, 7);
    CHECK(exch_sequence_decode(text_span("8-/////w=="), &counter));
    CHECK(!exch_sequence_decode(text_span("9------w=="), &counter));
    CHECK(!exch_sequence_decode(text_span("9-____-w=="), &counter));
}

static void test_balancers(void)
{
    static const char *const devices[] = { "BIGipServerpool", "AWSALBAPP-0", "NSC_xyz",   "X-BackEndCookie",
                                           "x-backendcookie", "SERVERID",    "ServerId2", "ARRAffinitySameSite",
                                           "INGRESSCOOKIE",   "KEMPID",      "TS01a2",    "cf_clearance",
                                           "__cf_bm",         "SRV",         "TargetDB" };
    static const char *const sessions[] = { "MapiContext",      "MapiSequence",     "MapiRouting", "sid", "sequence",
                                            "xX-BackEndCookie", "X-BackEndCookie2", "SRV2",        "NSC", "",
                                            "OutlookSession" };
    for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
        const bool front_end = strstr(devices[i], "ackend") || strstr(devices[i], "BackEnd") || devices[i][0] == 'T';
        CHECK(exch_is_balancer_cookie(text_span(devices[i])));
        CHECK(exch_is_device_cookie(text_span(devices[i])) == (!front_end || strcmp(devices[i], "TS01a2") == 0));
    }
    static const char *const more[] = {
        "jlb",           "SRVNAME",     "SERVERUSED", "AWSELB",       "AWSELBCORS",   "barra_counter_session",
        "incap_ses",     "incap_ses_1", "FGTServer",  "X-Mapping-ID", "bigipserverx", "ApplicationGatewayAffinity1",
        "visid_incap_1", "nlbi_1",      "BNI_1",      "citrix_ns_id", "BIGipx",       "AWSALB"
    };
    static const char *const none[] = { "jlb2",       "SRVNAME2",    "SERVERUSED2", "barra_counter_session2",
                                        "incap_se",   "FGTServer2",  "KEMPID2",     "visid_incap",
                                        "nlbi",       "BNI",         "TS0",         "citrix_ns_i",
                                        "__c",        "cf_",         "AWSEL",       "X-Mapping",
                                        "ARRAffinit", "INGRESSCOOKI" };
    for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
        CHECK(exch_is_device_cookie(text_span(more[i])) && exch_is_balancer_cookie(text_span(more[i])));
    }
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        CHECK(!exch_is_device_cookie(text_span(none[i])));
    }
    for (size_t i = 0; i < sizeof(sessions) / sizeof(sessions[0]); i++) {
        CHECK(!exch_is_balancer_cookie(text_span(sessions[i])));
        CHECK(!exch_is_device_cookie(text_span(sessions[i])));
    }
}

/* ---- dates -------------------------------------------------------------------------- */

#define NEVER INT64_MIN

static void test_dates(void)
{
    static const struct {
        const char *value;
        int64_t seconds;
    } rows[] = { /* RFC 9110 5.6.7 */
                 { "Sun, 06 Nov 1994 08:49:37 GMT", 784111777 },
                 { "Sunday, 06-Nov-94 08:49:37 GMT", 784111777 },
                 { "Sun Nov  6 08:49:37 1994", 784111777 },
                 /* Each month, the ends of the numbers, leap years. */
                 { "Thu, 01 Jan 1970 00:00:00 GMT", 0 },
                 { "Sun, 01 Feb 1970 00:00:00 GMT", 31 * 86400 },
                 { "Sun, 01 Mar 1970 00:00:00 GMT", 59 * 86400 },
                 { "1 Apr 1970 00:00:00", 90 * 86400 },
                 { "1 May 1970 00:00:00", 120 * 86400 },
                 { "1 Jun 1970 00:00:00", 151 * 86400 },
                 { "1 Jul 1970 00:00:00", 181 * 86400 },
                 { "1 Aug 1970 00:00:00", 212 * 86400 },
                 { "1 Sep 1970 00:00:00", 243 * 86400 },
                 { "1 Oct 1970 00:00:00", 273 * 86400 },
                 { "1 Nov 1970 00:00:00", 304 * 86400 },
                 { "31 DEC 1970 23:59:59", 365 * 86400 - 1 },
                 { "29 february 2000 00:00:00", 951782400 },
                 { "1 Mar 2000 00:00:00", 951868800 },
                 { "28 Feb 2100 00:00:00", INT64_C(4107456000) },
                 { "1 Mar 2100 00:00:00", INT64_C(4107542400) },
                 { "31 Dec 1969 23:59:59", -1 },
                 { "1 Jan 1601 00:00:00", INT64_C(-11644473600) },
                 { "31 Dec 9999 23:59:60", INT64_C(253402300800) },
                 { "01-Jan-1970 01:02:03", 3723 },
                 /* Two digits of a year (RFC 6265 5.1.1). */
                 { "1 Jan 70 00:00:00", 0 },
                 { "1 Jan 69 00:00:00", INT64_C(3124224000) },
                 { "1 Jan 99 00:00:00", 915148800 },
                 { "1 Jan 00 00:00:00", 946684800 },
                 { "1 Jan 100 00:00:00", NEVER },
                 /* Any order; the first of each counts. */
                 { "00:00:01\t1970 Jan 1", 1 },
                 { "00:00:01,Jan-1 1970", 1 },
                 { "Jan 2 Mar 1970 00:00:00 01:00:00", 86400 },
                 /* No dates. */
                 { "never", NEVER },
                 { "0", NEVER },
                 { "", NEVER },
                 { "1 Jan 1600 00:00:00", NEVER },
                 { "32 Jan 1970 00:00:00", NEVER },
                 { "0 Jan 1970 00:00:00", NEVER },
                 { "1 Jan 1970", NEVER },
                 { "1 Jan 1970 24:00:00", NEVER },
                 { "1 Jan 1970 00:60:00", NEVER },
                 { "1 Jan 1970 00:00:61", NEVER },
                 { "1 Jan 1970 00:00", NEVER },
                 { "1 Jan 1970 00", NEVER },
                 { "1 Jan 1970 :00:00", NEVER },
                 { "1 Jan 1970 00::00", NEVER },
                 { "1 Jan 1970 00:00:", NEVER },
                 { "1 Jan 1970 0x:00:00", NEVER },
                 { "1 Ja 1970 00:00:00", NEVER },
                 { "1 Jax 1970 00:00:00", NEVER },
                 { "1 Jxn 1970 00:00:00", NEVER },
                 { "1 1970 00:00:00", NEVER },
                 { "Jan 1970 00:00:00", NEVER },
                 { "1 Jan 00:00:00", NEVER },
                 { "1 Jan 10000 00:00:00", NEVER }
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t seconds = NEVER;
        CHECK_INT(http_date_decode(text_span(rows[i].value), &seconds), rows[i].seconds != NEVER);
        if (seconds != rows[i].seconds) {
            CHECK_STR(rows[i].value, "read as it was meant");
        }
    }
}

int main(void)
{
    test_context();
    test_routing();
    test_sequence();
    test_opaque();
    test_alphabet();
    test_balancers();
    test_dates();
    return unit_end();
}
