/* test_lz77.c
 * Plain LZ77 with the DIRECT2 encoding, MS-XCA 2.4 and MS-OXCRPC 3.1.4.1.1.2.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "lz77.h"
#include "unit.h"

#include <stdbool.h>
#include <stdlib.h>

static uint8_t output[70000];

static size_t undo(const void *in, size_t len, size_t out_size, size_t *error_at)
{
    uint8_t *copy = malloc(len ? len : 1);
    memcpy(copy, in, len);
    memset(output, 0xEE, sizeof(output));
    size_t written = lz77_decompress(copy, len, 0, output, out_size, error_at);
    CHECK(written <= out_size);
    CHECK_INT(output[out_size], 0xEE);
    free(copy);
    return written;
}

/* MS-XCA 3.1 */
static const uint8_t xca_alphabet[] = { 0x3f, 0x00, 0x00, 0x00, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66,
                                        0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f, 0x70,
                                        0x71, 0x72, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a };
static const uint8_t xca_abc[] = { 0xff, 0xff, 0xff, 0x1f, 0x61, 0x62, 0x63, 0x17, 0x00, 0x0f, 0xff, 0x26, 0x01 };

static void test_published_vectors(void)
{
    size_t error_at;
    CHECK_INT(undo(xca_alphabet, sizeof(xca_alphabet), 26, &error_at), 26);
    CHECK(error_at == LZ77_WHOLE);
    CHECK(memcmp(output, "abcdefghijklmnopqrstuvwxyz", 26) == 0);
    /* More room than output: the end bit ends it. */
    CHECK_INT(undo(xca_alphabet, sizeof(xca_alphabet), 1000, &error_at), 26);
    CHECK(error_at == LZ77_WHOLE);

    CHECK_INT(undo(xca_abc, sizeof(xca_abc), 300, &error_at), 300);
    CHECK(error_at == LZ77_WHOLE);
    bool good = true;
    for (unsigned i = 0; i < 300; i++) {
        good = good && output[i] == "abc"[i % 3];
    }
    CHECK(good);
}

/* MS-OXCRPC 3.1.4.1.1.2.2.4: how match lengths are written. The stream is one literal and
 * one match of distance 1. */
static void test_match_lengths(void)
{
    static const struct {
        unsigned length;
        uint8_t metadata, more[4];
        size_t count;
    } rows[] = { { 3, 0, { 0 }, 0 },
                 { 9, 6, { 0 }, 0 },
                 { 10, 7, { 0x00 }, 1 },
                 { 24, 7, { 0x0E }, 1 },
                 { 25, 7, { 0x0F, 0x00 }, 2 },
                 { 26, 7, { 0x0F, 0x01 }, 2 },
                 { 279, 7, { 0x0F, 0xFE }, 2 },
                 { 280, 7, { 0x0F, 0xFF, 0x15, 0x01 }, 4 },
                 { 281, 7, { 0x0F, 0xFF, 0x16, 0x01 }, 4 },
                 { 65538, 7, { 0x0F, 0xFF, 0xFF, 0xFF }, 4 } };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t in[16] = { 0xFF, 0xFF, 0xFF, 0x7F, 'x', rows[i].metadata, 0 };
        memcpy(in + 7, rows[i].more, rows[i].count);
        size_t error_at, len = 7 + rows[i].count;
        CHECK_INT(undo(in, len, 69999, &error_at), rows[i].length + 1);
        CHECK(error_at == LZ77_WHOLE);
        CHECK_INT(output[rows[i].length], 'x');
        /* Cut anywhere, it says so and where. */
        for (size_t cut = 0; cut < len; cut++) {
            size_t written = undo(in, cut, 69999, &error_at);
            CHECK_INT(written, cut >= 5);
            CHECK(cut == 5 ? error_at == LZ77_WHOLE : error_at == cut);
        }
    }
}

static void test_shared_nibble(void)
{
    /* Three long matches: the second takes the high half of the first one's byte, the third
     * has a byte of its own. */
    static const uint8_t in[] = { 0xFF, 0xFF, 0xFF, 0x7F, 'x', 0x07, 0x00, 0x21, 0x07, 0x00, 0x07, 0x00, 0x03 };
    size_t error_at;
    CHECK_INT(undo(in, sizeof(in), 1000, &error_at), 1 + 11 + 12 + 13);
    CHECK(error_at == LZ77_WHOLE);
}

static void test_end_bit_in_its_own_word(void)
{
    uint8_t in[4 + 32 + 4] = { 0 };
    memset(in + 4, 'y', 32);
    memset(in + 36, 0xFF, 4);
    size_t error_at;
    CHECK_INT(undo(in, sizeof(in), 32, &error_at), 32);
    CHECK(error_at == LZ77_WHOLE);
    CHECK_INT(undo(in, sizeof(in), 33, &error_at), 32);
    CHECK(error_at == LZ77_WHOLE);
    /* Without it. */
    CHECK_INT(undo(in, 36, 32, &error_at), 32);
    CHECK(error_at == LZ77_WHOLE);
    CHECK_INT(undo(in, 36, 33, &error_at), 32);
    CHECK_INT(error_at, 36);
}

/* Behind a whole output only a word of flags can follow, for the end bit: more or less is too
 * much, and so are four bytes while bits of the last word are left. */
static void test_bytes_behind_the_end(void)
{
    uint8_t in[4 + 32 + 8] = { 0 };
    size_t error_at;
    for (size_t behind = 1; behind <= 8; behind++) {
        CHECK_INT(undo(in, 36 + behind, 32, &error_at), 32);
        CHECK_INT(error_at, behind == 4 ? LZ77_WHOLE : 36);
        CHECK_INT(undo(in, 4 + 31 + behind, 31, &error_at), 31);
        CHECK_INT(error_at, 35);
    }
}

static void test_32_bit_length(void)
{
    uint8_t in[] = { 0xFF, 0xFF, 0xFF, 0x7F, 'x', 0x07, 0x00, 0x0F, 0xFF, 0, 0, 0x15, 0x01, 0, 0 };
    size_t error_at;
    CHECK_INT(undo(in, sizeof(in), 1000, &error_at), 281);
    CHECK(error_at == LZ77_WHOLE);
    /* 4 GB: capped, and said at the match. */
    memset(in + 11, 0xFF, 4);
    CHECK_INT(undo(in, sizeof(in), 1000, &error_at), 1000);
    CHECK_INT(error_at, 5);
    CHECK_INT(output[999], 'x');
}

static void test_broken_streams(void)
{
    size_t error_at;
    /* A match before the first byte. */
    static const uint8_t too_far[] = { 0xFF, 0xFF, 0xFF, 0x3F, 'a', 'b', 0x10, 0x00 };
    CHECK_INT(undo(too_far, sizeof(too_far), 100, &error_at), 2);
    CHECK_INT(error_at, 6);
    /* A long form that says less than the short forms can. */
    static const uint8_t too_short[] = { 0xFF, 0xFF, 0xFF, 0x7F, 'x', 0x07, 0x00, 0x0F, 0xFF, 21, 0 };
    CHECK_INT(undo(too_short, sizeof(too_short), 100, &error_at), 1);
    CHECK_INT(error_at, 5);
    /* The least that it can say: 15 + 7, and the 3 of every match. */
    static const uint8_t shortest[] = { 0xFF, 0xFF, 0xFF, 0x7F, 'x', 0x07, 0x00, 0x0F, 0xFF, 22, 0 };
    CHECK_INT(undo(shortest, sizeof(shortest), 100, &error_at), 26);
    CHECK(error_at == LZ77_WHOLE);
    /* Output full, input not used up. */
    CHECK_INT(undo(xca_alphabet, sizeof(xca_alphabet), 20, &error_at), 20);
    CHECK_INT(error_at, 24);
    CHECK_INT(undo(xca_abc, sizeof(xca_abc), 299, &error_at), 299);
    CHECK_INT(error_at, 7);
    /* Nothing at all. */
    CHECK_INT(undo(xca_abc, 0, 10, &error_at), 0);
    CHECK_INT(error_at, 0);
    CHECK_INT(undo(xca_abc, 0, 0, &error_at), 0);
    CHECK(error_at == LZ77_WHOLE);
}

int main(void)
{
    test_published_vectors();
    test_match_lengths();
    test_shared_nibble();
    test_end_bit_in_its_own_word();
    test_bytes_behind_the_end();
    test_32_bit_length();
    test_broken_streams();
    return unit_end();
}
