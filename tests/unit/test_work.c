/* test_work.c
 * Work in proportion to what comes, whatever comes and however it is cut: streams that were made to
 * have a scan begin again and again, and random ones, each fed to each scan in pieces.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "dice.h"
#include "unit.h"
#include "work.h"

#include <stdlib.h>

#define LEN 16384u
#define BLOCKS_A_BYTE 1500u /* the most is 1,111: a word byte by byte that may be a method up to its 32nd letter */
#define BLOCKS_MORE 20u     /* and of four times the bytes at most twice as many each and these */

static const struct stream {
    const char *what;
    const char *begin, *again; /* what it begins with, and what follows up to its end */
} streams[] = {
    { "text without a line end", "", "var a=function(b,c){return b+c};" },
    { "a request line without an end", "GET /", "a" },
    { "lines that are no start lines", "", "GET / HTTP/1.1x\r\n" },
    { "words of one line", "", "A " },
    { "start lines before what is none", "", "GET / HTTP/1.1\n\1" },
    { "empty lines", "", "\n" },
    { "empty lines and carriage returns", "", "\r\n" },
    { "a head without an end", "GET / HTTP/1.1\r\n", "a: b\r\n" },
    { "a folded line without an end", "GET / HTTP/1.1\r\na: b\r\n", " c\r\n" },
    { "a status line without an end", "HTTP/1.1 200 ", "a" },
    { "heads", "", "GET / HTTP/1.1\r\n\r\n" },
    { "responses", "", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na" },
    { "a cookie without an end", "GET / HTTP/1.1\r\nCookie: ", "a=b;" },
    { "credentials without an end", "GET / HTTP/1.1\r\nAuthorization: Negotiate ", "YIIB" },
    { "a chunk size without an end", "HTTP/1.1 404 N\r\nTransfer-Encoding: chunked\r\n\r\n", "0" },
    { "a trailer without an end", "HTTP/1.1 404 N\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "a: b\r\n" },
    { "chunks of a byte", "HTTP/1.1 404 N\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\na\r\n" },
    { "chunks alone", "", "1\r\na\r\n" },
    { "a chunk extension without an end", "1", ";a=b" },
    { "tags", "", "PENDING\r\n" },
    { "additional headers", "DONE\r\n", "X-ResponseCode: 0\r\n" },
    { "an additional header without an end", "DONE\r\n", "X" },
    { "half a tag", "", "PROCESSIN" },
    { "what may begin a PDU", "", "\5" },
    { "versions of PDUs", "", "\5\1\3" },
};

/* Bytes that a string cannot hold. */
static const uint8_t ping[] = { 5, 0, 20, 3, 0x10, 0, 0, 0, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0 };
static const uint8_t half_pdu[] = { 5, 0, 0, 3, 0x10, 0, 0, 0, 0xFF, 0xFF };
static const uint8_t least_pdus[] = { 5, 0, 0, 3, 0x10, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 5 };
static const uint8_t records[] = { 22, 3, 3, 0, 1, 2 };
static const uint8_t no_records[] = { 22, 3, 3, 0, 0 };
static const uint8_t certificates[] = { 22, 3, 3, 0, 14, 11, 0, 0, 10, 0, 0, 7, 0, 0, 4, 0x30, 0x82, 0xFF, 0xFF };

/* FastTransfer streams: little-endian. */
static const uint8_t values[] = { 3, 0, 0x77, 0x77, 1, 0, 0, 0 };
static const uint8_t empty_values[] = { 0x1F, 0, 0x77, 0x77, 0, 0, 0, 0 };
static const uint8_t many_values[] = { 0x02, 0x10, 0x77, 0x77, 0xFF, 0xFF, 0xFF, 0xFF, 1, 0 };
static const uint8_t named_values[] = {
    3, 0, 1, 0x80, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 1, 'a', 0
};
static const uint8_t long_value[] = { 2, 1, 0x77, 0x77, 0, 0x40, 0, 0, 1, 2, 3 };
static const uint8_t begun[] = { 3, 0, 1, 0x40, 3, 0, 0, 0x40 };
static const uint8_t begun_and_ended[] = { 3, 0, 0x0C, 0x40, 3, 0, 0x0D, 0x40 };
static const uint8_t misplaced[] = { 3, 0, 0x12, 0x40, 3, 0, 0x0E, 0x40, 3, 0, 0x15, 0x40, 3, 0, 0x14, 0x40 };
static const uint8_t lost[] = { 3, 0, 0x0C, 0x40, 1, 0, 1, 0 };
static const uint8_t half_markers[] = { 3, 0, 0x0C, 0x41 };
static const uint8_t sets[] = { 2, 1, 0xE5, 0x67, 17, 0,    0, 0, 1,    0, 1, 0, 0x50,
                                1, 0, 0x50, 1,    0,  0x50, 1, 0, 0x50, 0, 0, 0 };
static const uint8_t keys[] = { 2, 1, 0xE3, 0x65, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
static const uint8_t groups[] = { 3, 0, 0x7B, 0x40, 2, 1, 0, 0, 16, 0, 0, 0, 1, 0,
                                  0, 0, 0,    0,    0, 0, 1, 0, 0,  0, 0, 0, 0, 0 };

static const struct bytes {
    const char *what;
    const uint8_t *again;
    size_t len;
} byte_streams[] = {
    { "PDUs", ping, sizeof(ping) },
    { "a PDU without an end", half_pdu, sizeof(half_pdu) },
    { "PDUs and what is none by turns", least_pdus, sizeof(least_pdus) },
    { "TLS records of a byte", records, sizeof(records) },
    { "TLS records of nothing", no_records, sizeof(no_records) },
    { "certificates", certificates, sizeof(certificates) },
    { "values", values, sizeof(values) },
    { "values of nothing", empty_values, sizeof(empty_values) },
    { "many values", many_values, sizeof(many_values) },
    { "named values", named_values, sizeof(named_values) },
    { "a long value", long_value, sizeof(long_value) },
    { "elements begun", begun, sizeof(begun) },
    { "elements begun and ended", begun_and_ended, sizeof(begun_and_ended) },
    { "elements out of place", misplaced, sizeof(misplaced) },
    { "a stream lost again and again", lost, sizeof(lost) },
    { "half markers", half_markers, sizeof(half_markers) },
    { "sets", sets, sizeof(sets) },
    { "keys", keys, sizeof(keys) },
    { "groups of properties", groups, sizeof(groups) },
};

static const uint32_t most_cuts[] = { 1, 100, LEN };
static uint64_t most; /* blocks a byte of any stream so far */

/* even: it is the same from begin to end, so that a quarter of it says what the whole may cost. */
static void feed(const char *what, const uint8_t *p, bool even)
{
    for (size_t i = 0; i < WORK_SCANS; i++) {
        for (size_t j = 0; j < sizeof(most_cuts) / sizeof(most_cuts[0]); j++) {
            struct work_cuts cuts = { { 1 }, most_cuts[j] };
            uint64_t part = work_of(&work_scans[i], cuts, p, LEN / 4) / (LEN / 4);
            uint64_t work = work_of(&work_scans[i], cuts, p, LEN) / LEN;
            bool good = work < BLOCKS_A_BYTE && (!even || work <= 2 * part + BLOCKS_MORE);
            if (!good) {
                fprintf(stderr,
                        "%s to %s, cut at every %u bytes at most: %llu blocks a byte, of a quarter of it %llu\n", what,
                        work_scans[i].name, cuts.most, (unsigned long long)work, (unsigned long long)part);
            }
            CHECK(good);
            most = work > most ? work : most;
        }
    }
}

static void test_streams(void)
{
    static uint8_t stream[LEN];
    for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++) {
        size_t at = strlen(streams[i].begin), len = strlen(streams[i].again);
        memcpy(stream, streams[i].begin, at);
        for (; at < LEN; at++) {
            stream[at] = (uint8_t)streams[i].again[(at - strlen(streams[i].begin)) % len];
        }
        feed(streams[i].what, stream, true);
    }
    for (size_t i = 0; i < sizeof(byte_streams) / sizeof(byte_streams[0]); i++) {
        for (size_t at = 0; at < LEN; at++) {
            stream[at] = byte_streams[i].again[at % byte_streams[i].len];
        }
        feed(byte_streams[i].what, stream, true);
    }
}

/* Pieces of all of them, one behind the other. */
static void test_mixed(void)
{
    static uint8_t stream[LEN];
    for (uint32_t seed = 1; seed <= 8; seed++) {
        struct dice dice = { seed };
        for (size_t at = 0; at < LEN;) {
            const struct stream *text = &ANY_OF(&dice, streams);
            const struct bytes *bytes = &ANY_OF(&dice, byte_streams);
            bool is_text = once_in(&dice, 2);
            uint32_t times = 1 + roll(&dice, 40);
            const uint8_t *again = is_text ? (const uint8_t *)text->again : bytes->again;
            size_t len = is_text ? strlen(text->again) : bytes->len;
            for (size_t i = 0; i < times * len && at < LEN; i++) {
                stream[at++] = again[i % len];
            }
        }
        feed("mixed", stream, false);
    }
}

/* That there is something that counts: a scan that is begun again with each byte is found. */
static void test_counts(void)
{
    static uint8_t stream[LEN];
    struct http_head head;
    memset(stream, 'a', LEN);
    memcpy(stream, "GET /", 5);
    work_done = 0;
    for (size_t len = 1; len <= LEN; len++) {
        http_head_parse(stream, len, &head);
    }
    CHECK(work_done / LEN > 2 * BLOCKS_A_BYTE);
}

int main(void)
{
    test_counts();
    test_streams();
    test_mixed();
    printf("at most %llu blocks a byte\n", (unsigned long long)most);
    return unit_end();
}
