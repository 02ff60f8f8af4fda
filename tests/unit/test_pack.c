/* test_pack.c
 * Numbers and pointers in few bytes.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "pack.h"
#include "unit.h"

static void test_numbers(void)
{
    static const struct {
        uint64_t value;
        int bytes;
    } rows[] = {
        { 0, 1 }, { 1, 1 }, { 0x7F, 1 }, { 0x80, 2 }, { 0x3FFF, 2 }, { 0x4000, 3 }, { UINT32_MAX, 5 },
        { UINT64_C(1) << 62, 9 }, { UINT64_MAX, PACK_MAX }
    };
    uint8_t bytes[PACK_MAX * (sizeof(rows) / sizeof(rows[0]))], *end = bytes;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t *next = pack(end, rows[i].value);
        CHECK_INT(next - end, rows[i].bytes);
        end = next;
    }
    const uint8_t *p = bytes;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CHECK(unpack(&p) == rows[i].value);
    }
    CHECK(p == end);
}

static void test_pointers(void)
{
    static const char text[20000];
    const char *base = text + 10000;
    const struct {
        const void *pointer;
        int bytes;
    } rows[] = {
        { base, 1 }, { base + 63, 1 }, { base + 64, 2 }, { base - 64, 1 }, { base - 65, 2 }, { base + 8191, 2 },
        { base + 8192, 3 }, { text, 3 }
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t bytes[PACK_MAX];
        const uint8_t *p = bytes;
        CHECK_INT(pack_pointer(bytes, base, rows[i].pointer) - bytes, rows[i].bytes);
        CHECK(unpack_pointer(&p, base) == rows[i].pointer);
        CHECK_INT(p - bytes, rows[i].bytes);
    }
    /* From nothing in particular, as far as it goes. */
    const void *const far[] = { NULL, base, (const void *)(uintptr_t)UINTPTR_MAX };
    for (size_t i = 0; i < sizeof(far) / sizeof(far[0]); i++) {
        for (size_t j = 0; j < sizeof(far) / sizeof(far[0]); j++) {
            uint8_t bytes[PACK_MAX];
            const uint8_t *p = bytes;
            CHECK(pack_pointer(bytes, far[i], far[j]) - bytes <= PACK_MAX);
            CHECK(unpack_pointer(&p, far[i]) == far[j]);
        }
    }
}

int main(void)
{
    test_numbers();
    test_pointers();
    return unit_end();
}
