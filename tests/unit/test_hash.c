/* test_hash.c
 * The keyed hash, the tables that use it, and rows.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "heap.h"
#include "tables.h"
#include "unit.h"

static const struct hash_key key = { { 1, 2 } };

static uint64_t of(const char *text)
{
    return hash_keyed(&key, 0, text, strlen(text));
}

/* SipHash-1-3 of the bytes 00 01 02 ... 0e under the key 00 01 ... 0f, computed by another program: the first
 * eight are the seed here. */
static void test_vector(void)
{
    const struct hash_key counting = { { UINT64_C(0x0706050403020100), UINT64_C(0x0F0E0D0C0B0A0908) } };
    const uint8_t rest[7] = { 8, 9, 10, 11, 12, 13, 14 };
    CHECK(hash_keyed(&counting, UINT64_C(0x0706050403020100), rest, 7) == UINT64_C(0xD320D86D2A519956));
}

static void test_differences(void)
{
    const struct hash_key other = { { 1, 3 } };
    CHECK(of("a") != of("b"));
    CHECK(of("") != of("a"));
    CHECK(of("12345678") != of("12345679"));
    CHECK(of("1234567") != of("1234567\1"));
    CHECK(hash_keyed(&key, 0, "a", 1) != hash_keyed(&key, 1, "a", 1));
    CHECK(hash_keyed(&key, 0, "a", 1) != hash_keyed(&other, 0, "a", 1));
    const char zeros[9] = { 0 };
    CHECK(hash_keyed(&key, 0, zeros, 8) != hash_keyed(&key, 0, zeros, 9));
}

static void test_nocase(void)
{
    const char mixed[] = "MailBox-Context=[1]", small[] = "mailbox-context=[1]";
    const struct span a = { (const uint8_t *)mixed, sizeof(mixed) - 1 },
                      b = { (const uint8_t *)small, sizeof(small) - 1 };
    CHECK(hash_nocase(&key, 5, a) == hash_nocase(&key, 5, b));
    CHECK(hash_nocase(&key, 5, b) == hash_keyed(&key, 5, small, sizeof(small) - 1));
    CHECK(hash_keyed(&key, 5, mixed, sizeof(mixed) - 1) != hash_keyed(&key, 5, small, sizeof(small) - 1));
}

/* Values that met in the table of FNV-1a, which had no key, are spread: the longest chain of a table that holds as
 * many items as it has slots stays short. */
static void test_spread(void)
{
    static const char *const pairs[][2] = { { "costarring", "liquid" },
                                            { "declinate", "macallums" },
                                            { "altarage", "zinke" } };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        CHECK((uint32_t)of(pairs[i][0]) != (uint32_t)of(pairs[i][1]));
    }
    unsigned slot[4096] = { 0 }, longest = 0;
    for (uint32_t i = 0; i < 4096; i++) {
        unsigned *in = &slot[(uint32_t)hash_keyed(&key, 0, &i, sizeof(i)) & 4095];
        longest = ++*in > longest ? *in : longest;
    }
    CHECK(longest < 12);
}

/* What is found does not depend on the secret. */
static void test_texts(void)
{
    for (uint64_t secret = 0; secret < 4; secret++) {
        struct heap heap = { 0 };
        struct arena arena = heap_arena(&heap);
        struct table texts = { 0 };
        arena.key.half[0] = secret;
        const char *first = text_keep(&arena, &texts, "one");
        const char *second = text_keep(&arena, &texts, "two");
        CHECK(first != second);
        CHECK(text_keep(&arena, &texts, "one") == first);
        CHECK(text_keep(&arena, &texts, "") == NULL);
        heap_free(&heap);
    }
}

/* Their order is kept while they grow. */
static void test_rows(void)
{
    static uint32_t objects[100];
    struct heap heap = { 0 };
    struct arena arena = heap_arena(&heap);
    struct rows rows = { 0 };
    CHECK(rows_at(&rows, 0) == NULL);
    for (uint32_t i = 0; i < 100; i++) {
        CHECK_INT(rows_add(&arena, &rows, &objects[i]), i);
        CHECK(rows_at(&rows, i + 1) == NULL);
    }
    for (uint32_t i = 0; i < 100; i++) {
        CHECK(rows_at(&rows, i) == &objects[i]);
    }
    heap_free(&heap);
}

int main(void)
{
    test_vector();
    test_differences();
    test_nocase();
    test_spread();
    test_texts();
    test_rows();
    return unit_end();
}
