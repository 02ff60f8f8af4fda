/* test_field.c
 * The reader of field.h: bounds, issues, what is said once.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "field.h"
#include "unit.h"

static const struct field rows[] = {
    { .filter = "a", "A", FIELD_U16, false, NULL, 0 },      { .filter = "s", "S", FIELD_STRING8, false, NULL, 0 },
    { .filter = "w", "W", FIELD_STRING16, false, NULL, 0 }, { .filter = "b", "B", FIELD_BYTES, false, NULL, 0 },
    { .filter = "i", "I", FIELD_I32, false, NULL, 0 },
};

struct seen {
    unsigned values, issues, opened, closed;
    uint32_t last_offset, last_len, issue_at;
    uint64_t last_number;
};

static void on_value(void *ctx, const struct field_value *value)
{
    struct seen *seen = ctx;
    seen->values++;
    seen->last_offset = value->offset;
    seen->last_len = value->len;
    seen->last_number = value->number;
}

static void on_open(void *ctx, const char *label, uint32_t offset)
{
    (void)label;
    (void)offset;
    ((struct seen *)ctx)->opened++;
}

static void on_close(void *ctx, uint32_t end, const char *summary)
{
    (void)end;
    (void)summary;
    ((struct seen *)ctx)->closed++;
}

static void on_issue(void *ctx, const struct issue_kind *kind, uint32_t offset, const char *what)
{
    (void)kind;
    struct seen *seen = ctx;
    (void)what;
    seen->issues++;
    seen->issue_at = offset;
}

static struct field_sink sink_to(struct seen *seen)
{
    struct field_sink sink = { seen, on_value, on_open, on_close, on_issue, NULL, NULL, NULL, NULL };
    memset(seen, 0, sizeof(*seen));
    return sink;
}

static void test_numbers(void)
{
    static const uint8_t p[] = { 0x34, 0x12, 0xFE, 0xFF, 0xFF, 0xFF, 0x01 };
    struct seen seen;
    struct field_sink sink = sink_to(&seen);
    struct reader reader;
    reader_init(&reader, p, sizeof(p), sizeof(p), &sink);
    CHECK_INT(peek_u16(&reader), 0x1234);
    CHECK_INT(read_field(&reader, &rows[0]), 0x1234);
    CHECK_INT((int64_t)read_field(&reader, &rows[4]), -2);
    CHECK_INT(read_field(&reader, &rows[0]), 0); /* one byte is left */
    CHECK_INT(seen.issues, 1);
    CHECK_INT(seen.issue_at, 6);
    CHECK(reader.failed);
    CHECK_INT(reader_left(&reader), 0);
    CHECK_INT(read_field(&reader, &rows[0]), 0);
    CHECK_INT(seen.issues, 1);
    CHECK_INT(seen.values, 2);
}

static void test_strings(void)
{
    static const uint8_t p[] = "ab\0x\0y\0\0\0tail";
    struct seen seen;
    struct field_sink sink = sink_to(&seen);
    struct reader reader;
    reader_init(&reader, p, sizeof(p) - 1, sizeof(p) - 1, &sink);
    CHECK_INT(read_string8(&reader, &rows[1]).len, 2);
    CHECK_INT(seen.last_len, 3);
    CHECK_INT(read_string16(&reader, &rows[2]).len, 4);
    CHECK_INT(seen.last_len, 6);
    CHECK_INT(read_string8(&reader, &rows[1]).len, 0); /* "tail" has no terminator */
    CHECK_INT(seen.issues, 1);
    CHECK_INT(seen.issue_at, 9);
}

/* What was sent but not captured is nobody's fault. */
static void test_cut(void)
{
    static const uint8_t p[] = { 1, 2, 3 };
    struct seen seen;
    struct field_sink sink = sink_to(&seen);
    struct reader reader;
    reader_init(&reader, p, 3, 40, &sink);
    CHECK_INT(read_run(&reader, &rows[3], 8).len, 0);
    CHECK(reader.failed);
    CHECK_INT(seen.issues, 0);
    reader_init(&reader, p, 3, 40, &sink);
    CHECK_INT(read_run(&reader, &rows[3], 41).len, 0); /* beyond what was sent */
    CHECK_INT(seen.issues, 1);
    reader_init(&reader, p, 3, 3, &sink);
    CHECK(!reader_expect(&reader, 1000000, 4));
    CHECK_INT(seen.issues, 2);
    reader_init(&reader, p, 3, UINT32_MAX, &sink);
    CHECK(reader_expect(&reader, 1000000, 4));
    CHECK_INT(read_string8(&reader, &rows[1]).len, 0);
    CHECK_INT(seen.issues, 2);
}

static void test_depth(void)
{
    static const uint8_t p[] = { 1 };
    struct seen seen;
    struct field_sink sink = sink_to(&seen);
    struct reader reader;
    unsigned depth = 0;
    reader_init(&reader, p, 1, 1, &sink);
    while (reader_open(&reader, "x") && depth < 1000) {
        depth++;
    }
    CHECK_INT(depth, READER_DEPTH_MAX);
    CHECK_INT(seen.issues, 1);
    while (depth-- > 0) {
        reader_close(&reader, NULL);
    }
    CHECK_INT(seen.opened, seen.closed);
}

static void test_values_are_bounded(void)
{
    static uint8_t p[2 * (READER_VALUES_MAX + 10)];
    struct seen seen;
    struct field_sink sink = sink_to(&seen);
    struct reader reader;
    reader_init(&reader, p, sizeof(p), sizeof(p), &sink);
    for (unsigned i = 0; i < READER_VALUES_MAX + 10; i++) {
        read_field(&reader, &rows[0]);
    }
    CHECK_INT(seen.values, READER_VALUES_MAX);
    CHECK_INT(seen.issues, 1);
}

int main(void)
{
    test_numbers();
    test_strings();
    test_cut();
    test_depth();
    test_values_are_bounded();
    return unit_end();
}
