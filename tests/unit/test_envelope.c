/* test_envelope.c
 * The envelope of MAPI/HTTP responses, MS-OXCMAPIHTTP 2.2.7 and 3.2.5.2.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "envelope.h"
#include "unit.h"

#include <stdlib.h>

/* Tells what a scan finds: P(rocessing), p(ending), D(one), H, B(ody), N(o envelope), X
 * (broken), with offsets and lengths; runs of step bytes, 0 for all at once. */
static void scan(const char *text, size_t len, size_t step, char *out, size_t size)
{
    static const char letters[] = "-PpDHBNX";
    struct meta_scanner scanner;
    struct mapi_meta meta;
    size_t used = 0, at = 0;
    meta_scan_init(&scanner);
    out[0] = '\0';
    while (at < len) {
        size_t run = step && step < len - at ? step : len - at;
        uint8_t *copy = malloc(run);
        if (!copy) {
            abort();
        }
        memcpy(copy, text + at, run);
        size_t in = 0;
        do {
            size_t n = meta_scan(&scanner, copy + in, run - in, &meta);
            CHECK(n <= run - in);
            in += n;
            if (meta.kind != META_NOTHING) {
                used += (size_t)snprintf(out + used, size - used, "%c%u+%u", letters[meta.kind], (unsigned)meta.offset,
                                         (unsigned)meta.len);
                if (meta.kind == META_HEADER) {
                    used +=
                        (size_t)snprintf(out + used, size - used, "(%.*s|%.*s@%u+%u)", (int)meta.name.len,
                                         (const char *)meta.name.ptr, (int)meta.value.len, (const char *)meta.value.ptr,
                                         (unsigned)meta.value_offset, (unsigned)meta.value_len);
                }
                used += (size_t)snprintf(out + used, size - used, " ");
            }
        } while (meta.kind != META_NOTHING);
        free(copy);
        at += run;
        if (scanner.state > META_IN_HEADERS) {
            break;
        }
        CHECK_INT(in, run);
    }
}

static void check_scan(int line, const char *text, size_t len, const char *expected)
{
    char out[512];
    for (size_t step = 0; step <= len && step < 40; step++) {
        scan(text, len, step, out, sizeof(out));
        unit_check_str(out, expected, __FILE__, line, "scan");
    }
}

#define SCAN(text, expected) check_scan(__LINE__, text, sizeof(text) - 1, expected)

static void test_envelope(void)
{
    SCAN("PROCESSING\r\nDONE\r\nX-ElapsedTime: 12\r\nX-StartTime: Mon\r\n\r\n\0\0",
         "P0+10 D12+4 H18+17(X-ElapsedTime|12@33+2) H37+16(X-StartTime|Mon@50+3) B57+0 ");
    SCAN("PROCESSING\r\nPENDING\r\nPENDING\r\nDONE\r\n\r\nbody", "P0+10 p12+7 p21+7 D30+4 B38+0 ");
    /* PENDING without its line end, PROCESSING again: seen of a server. */
    SCAN("PROCESSING\r\nPENDINGPROCESSING\r\nDONE\r\n\r\n", "P0+10 p12+7 P19+10 D31+4 B39+0 ");
    SCAN("PENDINGPENDINGDONE\r\n\r\n", "p0+7 p7+7 D14+4 B22+0 ");
    SCAN("PROCESSINGPENDINGDONEX-A:1\n\n", "P0+10 p10+7 D17+4 H21+5(X-A|1@25+1) B28+0 ");
    SCAN("DONE\r\nX-ResponseCode:  10 \r\nNoColon\r\nEmpty:\r\nBlank: \t\r\n\r\nZ",
         "D0+4 H6+20(X-ResponseCode|10@23+2) H28+7(NoColon|@35+0) H37+6(Empty|@43+0) H45+8(Blank|@53+0) B57+0 ");
    SCAN("DONE\r\nA: b c\r\n", "D0+4 H6+6(A|b c@9+3) ");
    /* Not at the end of a tag yet. */
    SCAN("PROCESSING\r\nPEN", "P0+10 ");
    /* No envelope. */
    SCAN("\0\0\0\0\0\0\0\0", "N0+0 ");
    SCAN("<html>DONE", "N0+0 ");
    SCAN("PROCESSIN: 1", "N0+0 ");
    SCAN("\r\nDONE", "N0+0 ");
    SCAN("D\0NE", "N0+0 ");
    SCAN("done\r\n", "N0+0 ");
    /* Something else behind a tag. */
    SCAN("PROCESSING\r\nHELLO", "P0+10 X12+0 ");
    SCAN("PROCESSING\r\nPENDOVER", "P0+10 X12+0 ");
    SCAN("PROCESSING\r\n\r\n\0\0\0\0", "P0+10 X14+0 ");

    struct meta_scanner scanner;
    struct mapi_meta meta;
    meta_scan_init(&scanner);
    CHECK_INT(scanner.state, META_IN_TAGS);
    /* A tag is told with its last letter. */
    CHECK_INT(meta_scan(&scanner, (const uint8_t *)"PENDIN", 6, &meta), 6);
    CHECK_INT(meta.kind, META_NOTHING);
    CHECK_INT(scanner.start, 0);
    CHECK_INT(scanner.at, 6);
    CHECK_INT(meta_scan(&scanner, (const uint8_t *)"G", 1, &meta), 1);
    CHECK_INT(meta.kind, META_PENDING);
    CHECK_INT(scanner.start, 7);
    CHECK_INT(meta_scan(&scanner, (const uint8_t *)"DONE\r\n\r\nX", 9, &meta), 4);
    CHECK_INT(meta.kind, META_DONE);
    CHECK_INT(scanner.state, META_IN_HEADERS);
    CHECK_INT(meta_scan(&scanner, (const uint8_t *)"\r\n\r\nX", 5, &meta), 4);
    CHECK_INT(meta.kind, META_BODY);
    CHECK_INT(scanner.state, META_IN_BODY);
    CHECK_INT(scanner.body, 15);
    /* Then nothing more is taken. */
    CHECK_INT(meta_scan(&scanner, (const uint8_t *)"X", 1, &meta), 0);
    CHECK_INT(meta.kind, META_NOTHING);
    CHECK_STR(meta_tag_name(META_PENDING), "PENDING");
    CHECK(meta_tag_name(META_HEADER) == NULL);
    CHECK(meta_tag_name(META_NOTHING) == NULL);

    /* A long line: true lengths, a part of the value. */
    static char text[META_HEADERS_MAX + 64];
    memcpy(text, "DONE\r\nX: ", 9);
    memset(text + 9, 'v', 1000);
    memcpy(text + 1009, "\r\n\r\n", 4);
    meta_scan_init(&scanner);
    size_t n = meta_scan(&scanner, (const uint8_t *)text, 1013, &meta);
    n += meta_scan(&scanner, (const uint8_t *)text + n, 1013 - n, &meta);
    CHECK_INT(meta.kind, META_HEADER);
    CHECK_INT(meta.value_len, 1000);
    CHECK_INT(meta.value.len, META_LINE_MAX - 3);
    CHECK_INT(meta.len, 1003);
    n += meta_scan(&scanner, (const uint8_t *)text + n, 1013 - n, &meta);
    CHECK_INT(meta.kind, META_BODY);
    CHECK_INT(n, 1013);

    /* Headers without an end. */
    memset(text + 4, 'h', sizeof(text) - 4);
    meta_scan_init(&scanner);
    n = meta_scan(&scanner, (const uint8_t *)text, sizeof(text), &meta);
    CHECK_INT(meta.kind, META_DONE);
    n += meta_scan(&scanner, (const uint8_t *)text + n, sizeof(text) - n, &meta);
    CHECK_INT(meta.kind, META_BROKEN);
    CHECK_INT(meta.offset, 4);
    CHECK_INT(n, 4 + META_HEADERS_MAX);
    CHECK_INT(scanner.state, META_IS_BROKEN);
}

int main(void)
{
    test_envelope();
    return unit_end();
}
