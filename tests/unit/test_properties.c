/* test_properties.c
 * Names, what columns tell their reader, and that values, restrictions and entry IDs are
 * bounded. What their fields are is in tests/vectors.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "entry_ids.h"
#include "fieldlog.h"
#include "names.h"
#include "properties.h"
#include "unit.h"

#include <stdlib.h>

/* ---- a sink that counts ---- */

struct seen {
    unsigned depth, deepest, values, issues;
};

static void on_value(void *ctx, const struct field_value *value)
{
    (void)value;
    ((struct seen *)ctx)->values++;
}

static void on_open(void *ctx, const char *label, uint32_t offset)
{
    struct seen *seen = ctx;
    (void)label;
    (void)offset;
    seen->depth++;
    seen->deepest = seen->depth > seen->deepest ? seen->depth : seen->deepest;
}

static void on_close(void *ctx, uint32_t end, const char *summary)
{
    (void)end;
    (void)summary;
    ((struct seen *)ctx)->depth--;
}

static void on_issue(void *ctx, const struct issue_kind *kind, uint32_t offset, const char *what)
{
    (void)kind;
    (void)offset;
    (void)what;
    ((struct seen *)ctx)->issues++;
}

/* ---- bytes ---- */

struct builder {
    uint8_t bytes[4096];
    uint32_t len;
};

/* From hexadecimal digits; anything else between them is skipped. */
static struct builder hex(const char *digits)
{
    struct builder b = { { 0 }, 0 };
    int high = -1;
    for (; *digits; digits++) {
        const char *all = "0123456789abcdef";
        const char *at = strchr(all, *digits | 0x20);
        if (!at || (*digits < '0')) {
            continue;
        }
        if (high < 0) {
            high = (int)(at - all);
        } else {
            b.bytes[b.len++] = (uint8_t)(high << 4 | (int)(at - all));
            high = -1;
        }
    }
    return b;
}

static struct seen seen;
static struct reader reader;
static struct field_sink sink;
static uint8_t *copy;

/* On a copy of exactly these bytes, so that a sanitizer sees a read behind them. */
static void start_bytes(const uint8_t *bytes, uint32_t len, uint32_t whole)
{
    free(copy);
    copy = malloc(len ? len : 1);
    if (!copy) {
        abort();
    }
    memcpy(copy, bytes, len);
    memset(&seen, 0, sizeof(seen));
    sink = (struct field_sink){ &seen, on_value, on_open, on_close, on_issue, NULL, NULL, NULL, NULL };
    reader_init(&reader, copy, len, whole, &sink);
}

static void start(const char *digits)
{
    struct builder b = hex(digits);
    start_bytes(b.bytes, b.len, b.len);
}

static void read_tagged(struct reader *of)
{
    read_tagged_value(of, PROP_ROP);
}

/* ---- names ---- */

static void names(void)
{
    /* MS-OXPROPS 2 */
    CHECK_STR(property_tag_name(0x3001001F), "PidTagDisplayName");
    CHECK_STR(property_tag_name(0x3001001E), "PidTagDisplayName");
    CHECK_STR(property_tag_name(0x30010000), "PidTagDisplayName");
    CHECK_STR(property_tag_name(0x3001000A), "PidTagDisplayName");
    CHECK_STR(property_tag_name(0x39FE001F), "PidTagSmtpAddress");
    CHECK_STR(property_tag_name(0x0FFF0102), "PidTagEntryId");
    CHECK_STR(property_tag_name(0x001A001F), "PidTagMessageClass");
    CHECK_STR(property_tag_name(0x0E080003), "PidTagMessageSize");
    CHECK_STR(property_tag_name(0x0E080014), "PidTagMessageSizeExtended");
    CHECK_STR(property_tag_name(0x37010102), "PidTagAttachDataBinary");
    CHECK_STR(property_tag_name(0x3701000D), "PidTagAttachDataObject");
    CHECK_STR(property_tag_name(0x800F101F), "PidTagAddressBookProxyAddresses");
    CHECK_STR(property_tag_name(0x800F301F), "PidTagAddressBookProxyAddresses");
    CHECK_STR(property_tag_name(0x8005001F), "PidTagAddressBookManagerDistinguishedName");
    CHECK_STR(property_tag_name(0x8005000D), "PidTagAddressBookManager");
    CHECK_STR(property_tag_name(0x8009001E), "PidTagAddressBookMember");
    CHECK_STR(property_tag_name(0x39000003), "PidTagDisplayType");
    CHECK_STR(property_tag_name(0xFFFD0003), "PidTagAddressBookContainerId");
    CHECK_STR(property_tag_name(0x674A0014), "PidTagMid");
    CHECK_STR(property_tag_name(0x00010102), "PidTagTemplateData");
    CHECK_STR(property_tag_name(0x30010003), NULL); /* a number is no display name */
    CHECK_STR(property_tag_name(0x12345678), NULL);
    CHECK_STR(property_tag_name(0), NULL);
    CHECK_STR(property_tag_name(0xFFFFFFFF), NULL);
    unsigned known = 0;
    for (uint32_t id = 0; id <= 0xFFFF; id++) {
        const char *name = property_tag_name(id << 16);
        if (name) {
            known++;
            CHECK(strncmp(name, "PidTag", 6) == 0);
        }
    }
    CHECK(known >= 600);

    CHECK_STR(property_type_name(0x001F), "PtypString");
    CHECK_STR(property_type_name(0x1102), "PtypMultipleBinary");
    CHECK_STR(property_type_name(0x00FE), "PtypRuleAction");
    CHECK_STR(property_type_name(0x4321), NULL);

    /* MS-OXCDATA 2.4 */
    CHECK_STR(ox_error_name(0x00000000), "Success");
    CHECK_STR(ox_error_name(0x8004010F), "NotFound");
    CHECK_STR(ox_error_name(0x80040115), "NetworkError");
    CHECK_STR(ox_error_name(0x80070005), "AccessDenied");
    CHECK_STR(ox_error_name(0x00040380), "ErrorsReturned");
    CHECK_STR(ox_error_name(0x80040111), "LogonFailed");
    CHECK_STR(ox_error_name(0x000003EB), "UnknownUser");
    CHECK_STR(ox_error_name(0x000003EE), "BadConfiguration");
    CHECK_STR(ox_error_name(0x80040405), "InvalidBookmark");
    CHECK_STR(ox_error_name(0x12345678), NULL);

    /* MS-OXNSPI 2.2.1.7 */
    static const uint8_t nspi[16] = { 0xDC, 0xA7, 0x40, 0xC8, 0xC0, 0x42, 0x10, 0x1A,
                                      0xB4, 0xB9, 0x08, 0x00, 0x2B, 0x2F, 0xE1, 0x82 };
    static const uint8_t none[16] = { 0 };
    CHECK_STR(ox_guid_name(nspi), "NSPI");
    CHECK_STR(ox_guid_name(none), NULL);
}

/* ---- values ---- */

/* Every end of a value of every type: at most two issues, never a read behind. */
static void ends_of_values(void)
{
    struct builder b = hex("FF 02 00 00 00 FF 01 00 00 00 AA FF 02 00 00 00 BB CC 00 00 00 00 00");
    unsigned bad = 0;
    for (uint32_t len = 0; len <= b.len; len++) {
        for (uint32_t type = 0; type <= 0x1200; type++) {
            start_bytes(b.bytes, len, len);
            read_property_value(&reader, (uint16_t)type, type & 1 ? PROP_ROP : PROP_ADDRESS_BOOK);
            bad += seen.issues > 2 || seen.depth || reader.pos > reader.len;
        }
    }
    CHECK_INT(bad, 0);
}

/* Of long strings the beginning is said: every length around the limit, in characters of each length. */
static void long_strings(void)
{
    static const uint8_t characters[][4] = { { 'x', 0 }, { 0xE4, 0 }, { 0xAC, 0x20 }, { 0x3D, 0xD8, 0x00, 0xDE } };
    for (unsigned kind = 0; kind < 4; kind++) {
        transcript_fold();
        for (uint32_t count = 10; count < 110; count++) {
            uint8_t bytes[600] = { 0x1F, 0, 1, 0x30 };
            uint32_t size = kind == 3 ? 4 : 2, at = 4;
            for (uint32_t i = 0; i < count; i++) {
                memcpy(bytes + at, characters[kind], size);
                at += size;
            }
            fieldlog_once(bytes, at + 2, at + 2, read_tagged);
            bytes[0] = 0x1E;
            fieldlog_once(bytes, at + 2, at + 2, read_tagged);
        }
        transcript_unfold("long strings");
    }
}

static void numbers(void)
{
    static const uint8_t types[] = { 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x0A, 0x0B, 0x14, 0x40 };
    for (size_t t = 0; t < sizeof(types); t++) {
        transcript_fold();
        for (uint32_t i = 0; i < 400; i++) {
            uint64_t number = (UINT64_C(0x9E3779B97F4A7C15) * (i + 1)) >> (i % 64);
            if (types[t] == 0x40) {
                number %= UINT64_C(0x300000000000000);
            } else if (types[t] == 0x07) { /* days since 1899-12-30 */
                double days = (double)(i * 37) - 3000 + i / 16.0;
                memcpy(&number, &days, 8);
            }
            uint8_t bytes[12] = { types[t], 0, 1, 0x30 };
            for (int k = 0; k < 8; k++) {
                bytes[4 + k] = (uint8_t)(number >> 8 * k);
            }
            fieldlog_once(bytes, 12, 12, read_tagged);
        }
        transcript_unfold("numbers");
    }
}

static void tags(void)
{
    start("1F 00 01 30");
    CHECK_INT(read_property_tag(&reader), 0x3001001F);
    CHECK_INT(reader.pos, 4);
    start("1F 00 01");
    CHECK_INT(read_property_tag(&reader), 0);
    start("1F 00 FF");
    CHECK_INT(read_property_type(&reader), 0x001F);
}

/* ---- columns ---- */

static void columns_and_rows(void)
{
    struct columns columns;
    start("03 00 00 00 1f000130 1f00fe39 03000039");
    columns = read_columns(&reader);
    CHECK_INT(columns.count, 3);
    CHECK_INT(column_tag(&columns, 0), 0x3001001F);
    CHECK_INT(column_tag(&columns, 2), 0x39000003);
    CHECK_INT(column_tag(&columns, 3), 0);
    start("02 00 14004867 1F000130");
    columns = read_columns16(&reader);
    CHECK_INT(columns.count, 2);
    start("FF FF FF 7F 03000039");
    columns = read_columns(&reader);
    CHECK_INT(columns.count, 0);

    /* columns without bytes cannot ask for endless work */
    static uint8_t many[60000];
    memset(many, 0, sizeof(many));
    for (uint32_t i = 0; i < 10000; i++) {
        many[i * 4] = 1; /* PtypNull */
    }
    start_bytes(many, sizeof(many), sizeof(many));
    columns.tags.ptr = many;
    columns.tags.len = 40000;
    columns.count = 10000;
    reader.pos = 40000;
    unsigned steps = 0;
    while (!reader.failed && reader.pos < reader.len) {
        read_property_row(&reader, &columns, PROP_ADDRESS_BOOK);
        steps++;
    }
    CHECK(reader.failed);
    CHECK(steps < 20);
}

/* Tags that are made for values do not cost a long message its values. */
static void many_values(void)
{
    static uint8_t row[60001], tags[240000];
    const uint32_t count = sizeof(tags) / 4;
    for (uint32_t i = 0; i < count; i++) {
        tags[i * 4] = 0x0B; /* PtypBoolean */
    }
    const struct columns columns = { { tags, sizeof(tags) }, count };
    start_bytes(row, sizeof(row), sizeof(row));
    read_property_row(&reader, &columns, PROP_ROP);
    CHECK(!reader.failed);
    CHECK_INT(reader.pos, sizeof(row));
    CHECK(seen.values > count + 30000); /* the first have theirs */
    CHECK(seen.values < READER_VALUES_MAX);
}

/* ---- depth ---- */

static void nested(void)
{
    static uint8_t bytes[100000];
    memset(bytes, 0x02, sizeof(bytes)); /* NotRestriction */
    start_bytes(bytes, sizeof(bytes), sizeof(bytes));
    read_restriction(&reader, PROP_ROP);
    CHECK(reader.failed);
    CHECK_INT(seen.issues, 1);
    CHECK_INT(seen.depth, 0);
    CHECK_INT(seen.deepest, READER_DEPTH_MAX);
    /* As deep as a mailbox may have it: twenty. */
    struct builder b = hex("08 1F000130");
    memcpy(bytes + 20, b.bytes, b.len);
    start_bytes(bytes, 25, 25);
    read_restriction(&reader, PROP_ROP);
    CHECK(!reader.failed);
    CHECK_INT(seen.deepest, 22);

    /* One entry ID in another in another. */
    struct builder head = hex("00000000 C091ADD3519DCF11A4A900AA0047FAA4 B5");
    for (unsigned i = 0; i < 100; i++) {
        memcpy(bytes + i * 21, head.bytes, 21);
    }
    start_bytes(bytes, 2100, 2100);
    read_entry_id(&reader, reader.len);
    CHECK_INT(seen.issues, 1);
    CHECK_INT(seen.depth, 0);
    CHECK_INT(seen.deepest, READER_DEPTH_MAX);
}

/* ---- 8-bit strings of a code page ---- */

static const char *utf8;
static char summary[200];

static const char *say_utf8(void *ctx, struct span text, uint16_t code_page)
{
    (void)ctx;
    CHECK_INT(code_page, 932);
    CHECK_INT(text.len, 2);
    return utf8;
}

static void keep_summary(void *ctx, uint32_t end, const char *said)
{
    (void)ctx;
    (void)end;
    snprintf(summary, sizeof(summary), "%s", said ? said : "");
}

static const char *summary_of(uint16_t code_page, const char *text)
{
    const struct field_sink words = { .close = keep_summary, .utf8 = say_utf8 };
    const struct builder b = hex("1E003700 955C 00");
    struct reader one;
    utf8 = text;
    reader_init(&one, b.bytes, b.len, b.len, &words);
    one.code_page = code_page;
    read_tagged_value(&one, PROP_ROP);
    CHECK(!one.failed);
    return summary;
}

static void code_pages(void)
{
    char letters[3 * 60 + 1] = "";
    for (unsigned i = 0; i < 60; i++) {
        strcat(letters, "\xE4\xBC\x9A");
    }
    CHECK_STR(summary_of(932, "\xE8\xA1\xA8"), "\xE8\xA1\xA8");
    CHECK_STR(summary_of(932, "a\nb"), "a?b");
    CHECK_STR(summary_of(932, ""), "");
    CHECK_STR(summary_of(932, NULL), "?\\"); /* it cannot be read */
    CHECK_STR(summary_of(0, "\xE8\xA1\xA8"), "?\\");
    /* Cut behind a whole letter. */
    summary_of(932, letters);
    const size_t len = strlen(summary);
    CHECK(len < GIST_MAX && len > GIST_MAX - 12);
    CHECK_STR(summary + len - 3, "...");
    CHECK_INT((len - 3) % 3, 0);
}

int main(void)
{
    names();
    ends_of_values();
    long_strings();
    numbers();
    tags();
    columns_and_rows();
    many_values();
    nested();
    code_pages();
    free(copy);
    transcript_end(__FILE__);
    return unit_end();
}
