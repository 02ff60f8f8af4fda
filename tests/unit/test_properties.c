/* test_properties.c
 * Property values, rows, restrictions, entry IDs and names (MS-OXCDATA, MS-OXCMAPIHTTP
 * 2.2.1, MS-OXNSPI 2.2.9, MS-OXORULE 2.2.5). Bytes are written down from the sections of the
 * specifications; examples of the specifications and bytes of captured servers say so.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "entry_ids.h"
#include "names.h"
#include "properties.h"
#include "fieldlog.h"
#include "unit.h"

#include <stdlib.h>

/* ---- a sink that writes down what it is told ---- */

struct transcript {
    char text[16384];
    size_t len;
    unsigned depth, deepest, values, issues;
    uint32_t issue_at;
    const char *issue;
};

static void note(struct transcript *t, const char *text)
{
    size_t len = strlen(text);
    if (t->len + len + 2 < sizeof(t->text)) {
        memcpy(t->text + t->len, text, len + 1);
        t->len += len;
    }
}

static void on_value(void *ctx, const struct field_value *value)
{
    struct transcript *t = ctx;
    char line[256];
    t->values++;
    switch (value->field->kind) {
    case FIELD_STRING8:
        snprintf(line, sizeof(line), " %s=\"%.*s\"", value->field->filter, (int)value->len, (const char *)value->bytes);
        break;
    case FIELD_STRING16: {
        char ascii[64];
        size_t n = 0;
        for (uint32_t i = 0; i + 1 < value->len && n + 1 < sizeof(ascii) && value->bytes[i]; i += 2) {
            ascii[n++] = (char)value->bytes[i];
        }
        ascii[n] = '\0';
        snprintf(line, sizeof(line), " %s=\"%s\"", value->field->filter, ascii);
        break;
    }
    case FIELD_GUID:
    case FIELD_BYTES:
    case FIELD_FLOAT:
    case FIELD_DOUBLE:
        snprintf(line, sizeof(line), " %s=%u bytes", value->field->filter, value->len);
        break;
    default:
        snprintf(line, sizeof(line), value->field->hex ? " %s=%llx" : " %s=%lld", value->field->filter,
                 (unsigned long long)value->number);
        break;
    }
    note(t, line);
    if (value->text) {
        note(t, "(");
        note(t, value->text);
        note(t, ")");
    }
}

static void on_open(void *ctx, const char *label, uint32_t offset)
{
    struct transcript *t = ctx;
    (void)offset;
    t->depth++;
    if (t->depth > t->deepest) {
        t->deepest = t->depth;
    }
    note(t, " [");
    note(t, label);
}

static void on_close(void *ctx, uint32_t end, const char *summary)
{
    struct transcript *t = ctx;
    (void)end;
    t->depth--;
    if (summary) {
        note(t, " => ");
        note(t, summary);
    }
    note(t, "]");
}

static void on_issue(void *ctx, uint32_t offset, const char *what)
{
    struct transcript *t = ctx;
    t->issues++;
    t->issue_at = offset;
    t->issue = what;
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

static struct transcript seen;
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
    sink = (struct field_sink){ &seen, on_value, on_open, on_close, on_issue, NULL, NULL, NULL };
    reader_init(&reader, copy, len, whole, &sink);
}

static uint16_t noted_type;
static enum prop_form noted_form;

static void note_value(struct reader *reader)
{
    read_property_value(reader, noted_type, noted_form);
}

static void note_tagged(struct reader *reader)
{
    read_tagged_value(reader, noted_form);
}

static void note_restriction(struct reader *reader)
{
    read_restriction(reader, noted_form);
}

static void note_action(struct reader *reader)
{
    noted_type = 0x00FE;
    read_property_value(reader, noted_type, noted_form);
    if (reader_left(reader) > 0) {
        read_rule_action(reader, noted_form);
    }
}

static const uint32_t noted_tags[] = { 0x3001001F, 0x39000003, 0x3001000A, 0x0FFF0102, 0x30010000, 0x66F51102 };

static void note_flagged(struct reader *reader)
{
    struct reader again = *reader;
    for (size_t i = 0; i < sizeof(noted_tags) / sizeof(noted_tags[0]); i++) {
        *reader = again;
        transcript("type %x", read_property_type(reader));
        *reader = again;
        read_flagged_value(reader, noted_tags[i], noted_form);
        *reader = again;
        read_flagged_value_with_type(reader, noted_tags[i], noted_form);
        *reader = again;
        read_property_value_of(reader, noted_tags[i], noted_form);
        *reader = again;
        read_typed_value(reader, noted_form);
    }
}

static void note_rows(struct reader *reader)
{
    struct columns columns = noted_form == PROP_ROP ? read_columns16(reader) : read_columns(reader);
    for (uint32_t i = 0; i <= columns.count && i < 10; i++) {
        transcript("column %x", column_tag(&columns, i));
    }
    while (reader_left(reader) > 0) {
        read_property_row(reader, &columns, noted_form);
    }
}

static void note_entry_id(struct reader *reader)
{
    read_entry_id(reader, reader->whole);
}

static void note_list(struct reader *reader)
{
    read_value_list(reader, noted_form);
}

static fieldlog_reader noted;    /* what start() notes besides */

/* The same bytes in every form and damaged. */
static void note_all(const char *name, const char *digits, uint16_t type, fieldlog_reader read)
{
    struct builder b = hex(digits);
    noted_type = type;
    for (noted_form = PROP_ADDRESS_BOOK; noted_form <= PROP_EXTENDED; noted_form++) {
        fieldlog_all(name, b.bytes, b.len, read);
    }
}

static void start(const char *digits)
{
    struct builder b = hex(digits);
    if (noted) {
        note_all("list", digits, 0, noted);
    }
    start_bytes(b.bytes, b.len, b.len);
}

/* All read, nothing to complain about, as many groups closed as opened. */
#define CHECK_DONE() do { \
        CHECK(!reader.failed); \
        CHECK_INT(reader.pos, reader.len); \
        CHECK_INT(seen.issues, 0); \
        CHECK_INT(seen.depth, 0); \
    } while (0)

#define CHECK_BROKEN_AT(offset) do { \
        CHECK(reader.failed); \
        CHECK_INT(seen.issues, 1); \
        CHECK_INT(seen.issue_at, offset); \
        CHECK_INT(seen.depth, 0); \
    } while (0)

static void value(const char *digits, uint16_t type, enum prop_form form, const char *expected)
{
    note_all("value", digits, type, note_value);
    start(digits);
    read_property_value(&reader, type, form);
    CHECK_DONE();
    CHECK_STR(seen.text, expected);
}

static void flagged_values(void)
{
    static const char *const inputs[] = {
        "00 41000000 42", "01", "0A 0F010480", "02", "00 FF 41000000", "1F00 00 41000000", "0300 00 05000000", "0A00 0A 0F010480",
        "0000 00 41000000", "1F00 01", "00 0200AABB", "00 02000000AABB", "4800 00 28030200 0000 0000 C000 000000000046",
        "00 02000000 0100AA 0200BBCC", "FB00 00 1500 01 0100000000000005 0000000000000000 00000000", "1F00 0B"
    };
    for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
        note_all("flagged", inputs[i], 0, note_flagged);
    }
    start("1F00");
    CHECK_INT(read_property_type(&reader), 0x1F);
    CHECK_DONE();
    CHECK_STR(seen.text, " property.type=1f");
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
    CHECK_STR(property_tag_name(0x30010003), NULL);          /* a number is no display name */
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
    static const uint8_t nspi[16] = {
        0xDC, 0xA7, 0x40, 0xC8, 0xC0, 0x42, 0x10, 0x1A, 0xB4, 0xB9, 0x08, 0x00, 0x2B, 0x2F, 0xE1, 0x82
    };
    static const uint8_t none[16] = { 0 };
    CHECK_STR(ox_guid_name(nspi), "NSPI");
    CHECK_STR(ox_guid_name(none), NULL);
}

/* ---- values ---- */

static void values(void)
{
    enum prop_form rop = PROP_ROP, book = PROP_ADDRESS_BOOK;
    value("FE FF", 0x0002, rop, " property.value.int16=-2");
    value("FF FF FF FF", 0x0003, rop, " property.value.int32=-1");
    value("00 00 80 3F", 0x0004, rop, " property.value.float=4 bytes");
    value("00 00 00 00 00 00 F0 3F", 0x0005, rop, " property.value.double=8 bytes");
    value("10 27 00 00 00 00 00 00", 0x0006, rop, " property.value.currency=10000");
    value("00 00 00 00 00 00 15 40", 0x0007, rop, " property.value.floating_time=8 bytes");
    value("0F 01 04 80", 0x000A, rop, " property.value.error_code=8004010f(NotFound)");
    value("01", 0x000B, rop, " property.value.boolean=1");
    value("", 0x000D, rop, "");
    value("", 0x0001, rop, "");
    value("00 00 00 00 01 00 00 00", 0x0014, rop, " property.value.int64=4294967296");
    value("41 42 00", 0x001E, rop, " property.value.string8=\"AB\"");
    value("41 00 42 00 00 00", 0x001F, rop, " property.value.string=\"AB\"");
    value("00 80 3E D5 DE B1 9D 01", 0x0040, rop, " property.value.time=116444736000000000");
    value("08 20 06 00 00 00 00 00 C0 00 00 00 00 00 00 46", 0x0048, rop,
          " property.value.guid=16 bytes(PSETID_Common)");
    value("02 00 AA BB", 0x0102, rop, " property.value.size16=2 property.value.binary=2 bytes");
    value("02 00 00 00 AA BB", 0x0102, PROP_EXTENDED, " property.value.size=2 property.value.binary=2 bytes");
    value("FF 02 00 00 00 AA BB", 0x0102, book,
          " property.has_value=ff property.value.size=2 property.value.binary=2 bytes");
    value("FF 41 00 00 00", 0x001F, book, " property.has_value=ff property.value.string=\"A\"");
    value("FF 41 00", 0x001E, book, " property.has_value=ff property.value.string8=\"A\"");
    value("00", 0x001F, book, " property.has_value=0");
    value("00", 0x1102, book, " property.has_value=0");
    value("07 00 00 00", 0x0003, book, " property.value.int32=7");

    /* PtypServerId: the server's own and the client's */
    value("15 00 01 01 00 00 00 00 00 00 02 01 00 00 00 00 00 00 03 09 00 00 00", 0x00FB, rop,
          " property.value.size16=21 property.value.server_id.ours=1"
          " property.value.server_id.folder_id=200000000000001 property.value.server_id.message_id=300000000000001"
          " property.value.server_id.instance=9");
    value("03 00 00 AA BB", 0x00FB, rop,
          " property.value.size16=3 property.value.server_id.ours=0 property.value.server_id.data=2 bytes");

    /* several: the count of values has 32 bits in all forms, the bytes of a binary one COUNT */
    value("02 00 00 00 01 00 FF FF", 0x1002, rop,
          " property.value.count=2 property.value.int16=1 property.value.int16=-1");
    value("01 00 00 00 01 00 AA", 0x1102, rop,
          " property.value.count=1 property.value.size16=1 property.value.binary=1 bytes");
    value("FF 01 00 00 00 01 00 00 00 AA", 0x1102, book,
          " property.has_value=ff property.value.count=1 property.value.size=1 property.value.binary=1 bytes");
    value("FF 02 00 00 00 41 00 00 00 42 00 00 00", 0x101F, book,
          " property.has_value=ff property.value.count=2 property.value.string=\"A\" property.value.string=\"B\"");
    value("FF 02 00 00 00 FF 41 00 00 00 FF 42 00 00 00", 0x101F, book,
          " property.has_value=ff property.value.count=2 property.has_value=ff property.value.string=\"A\""
          " property.has_value=ff property.value.string=\"B\"");
    value("FF 02 00 00 00 FF 01 00 00 00 AA FF 00 00 00 00", 0x1102, book,
          " property.has_value=ff property.value.count=2 property.has_value=ff property.value.size=1"
          " property.value.binary=1 bytes property.has_value=ff property.value.size=0");
    value("00 00 00 00", 0x101F, rop, " property.value.count=0");
    value("01 00 00 00 08 20 06 00 00 00 00 00 C0 00 00 00 00 00 00 46", 0x1048, rop,
          " property.value.count=1 property.value.guid=16 bytes(PSETID_Common)");
    value("01 00 00 00 00 80 3E D5 DE B1 9D 01", 0x1040, rop,
          " property.value.count=1 property.value.time=116444736000000000");

    /* MultivalueInstance: a single value */
    value("41 00 00 00", 0x301F, rop, " property.value.string=\"A\"");
    /* PtypUnspecified: brings its type */
    value("03 00 05 00 00 00", 0x0000, rop, " property.type=3 property.value.int32=5");
    value("1F 00 FF 41 00 00 00", 0x0000, book, " property.type=1f property.has_value=ff property.value.string=\"A\"");
}

static void broken_values(void)
{
    start("00 00 03 00");
    read_typed_value(&reader, PROP_ROP);
    CHECK_BROKEN_AT(2);                                      /* a type that is no type */
    start("01");
    read_property_value(&reader, 0x1234, PROP_ROP);
    CHECK_BROKEN_AT(0);
    start("01 00 00 00 00");
    read_property_value(&reader, 0x100D, PROP_ROP);          /* no several objects */
    CHECK_BROKEN_AT(4);
    start("FF FF FF FF 00");
    read_property_value(&reader, 0x1003, PROP_ROP);          /* 4 294 967 295 values in one byte */
    CHECK_BROKEN_AT(4);
    CHECK_INT(seen.values, 1);
    start("04 00 AA");
    read_property_value(&reader, 0x0102, PROP_ROP);
    CHECK_BROKEN_AT(2);
    start("FF FF FF FF AA");
    read_property_value(&reader, 0x0102, PROP_EXTENDED);
    CHECK_BROKEN_AT(4);
    start("41 00 42");
    read_property_value(&reader, 0x001F, PROP_ROP);
    CHECK_BROKEN_AT(0);
    start("40 00 01 00");
    read_property_value(&reader, 0x00FB, PROP_ROP);
    CHECK_BROKEN_AT(2);
    /* HasValue of a third value: said, and taken for there */
    start("01 41 00 00 00");
    read_property_value(&reader, 0x001F, PROP_ADDRESS_BOOK);
    CHECK(!reader.failed);
    CHECK_INT(seen.issues, 1);
    CHECK_INT(seen.issue_at, 0);
    /* cut short by the capture: no fault of the sender */
    struct builder b = hex("08 00 00 00 AA BB");
    start_bytes(b.bytes, b.len, 12);
    read_property_value(&reader, 0x0102, PROP_EXTENDED);
    CHECK(reader.failed);
    CHECK_INT(seen.issues, 0);
    /* every end of a value of every type: at most one issue, never a read behind */
    b = hex("FF 02 00 00 00 FF 01 00 00 00 AA FF 02 00 00 00 BB CC 00 00 00 00 00");
    for (uint32_t len = 0; len <= b.len; len++) {
        for (uint32_t type = 0; type <= 0x1200; type++) {
            start_bytes(b.bytes, len, len);
            read_property_value(&reader, (uint16_t)type, type & 1 ? PROP_ROP : PROP_ADDRESS_BOOK);
            if (seen.issues > 2 || seen.depth || reader.pos > reader.len) {
                CHECK(!"ends of a value");
            }
        }
    }
}

static void tags(void)
{
    /* the type comes first on the wire (MS-OXCDATA 2.9) */
    start("1F 00 01 30");
    CHECK_INT(read_property_tag(&reader), 0x3001001F);
    CHECK_DONE();
    CHECK_STR(seen.text, " [PidTagDisplayName property.tag=3001001f(PidTagDisplayName) property.type=1f"
                         " property.id=3001]");
    /* an id of 0x8000 and above: fixed in the address book, the mailbox's own elsewhere */
    start("1F 10 0F 80");
    read_property_tag(&reader);
    CHECK(strstr(seen.text, "(PidTagAddressBookProxyAddresses)"));
    start("1F 10 0F 80");
    read_property_tag_of(&reader, PROP_ROP);
    CHECK_DONE();
    CHECK(strstr(seen.text, "(named property)"));
    start("1F 00 01");
    CHECK_INT(read_property_tag(&reader), 0);
    CHECK_BROKEN_AT(0);
}

static void lists(void)
{
    /* MS-OXCPRPT 4, setting two properties: PropertyValueCount and PropertyValues of the
     * RopSetProperties there */
    start("02 00 1F 00 3D 00 00 00"
          "1F 00 1D 0E 48 00 65 00 6C 00 6C 00 6F 00 20 00 57 00 6F 00 72 00 6C 00 64 00 00 00");
    read_value_list(&reader, PROP_ROP);
    CHECK_DONE();
    CHECK_STR(seen.text,
              " property.value_count16=2"
              " [PidTagSubjectPrefix property.tag=3d001f(PidTagSubjectPrefix) property.type=1f property.id=3d"
              " property.value.string=\"\" => ]"
              " [PidTagNormalizedSubject property.tag=e1d001f(PidTagNormalizedSubject) property.type=1f"
              " property.id=e1d property.value.string=\"Hello World\" => Hello World]");
    /* AddressBookPropertyValueList of a GetProps answer (gromox; mapihttp-nspi.pcap, shortened) */
    start("04 00 00 00 1f000130 ff 41006c00690063006500200041006e0064006500720073006f006e000000"
          "0201ff0f ff 29000000 00000000 dca740c8c042101ab4b908002b2fe182 01000000 00000000"
          " 2f6f3d47726f6d6f782f2f2f00 03000039 00000000 0A000130 0F010480");
    read_value_list(&reader, PROP_ADDRESS_BOOK);
    CHECK_DONE();
    CHECK(strstr(seen.text, "property.has_value=ff property.value.string=\"Alice Anderson\" => Alice Anderson]"));
    CHECK(strstr(seen.text, "[PermanentEntryID entry_id.id_type=0 entry_id.reserved=3 bytes"
                            " entry_id.provider=16 bytes(NSPI) entry_id.version=1 entry_id.display_type=0"
                            " entry_id.dn=\"/o=Gromox///\" => /o=Gromox///]"));
    CHECK(strstr(seen.text, "[PidTagDisplayType property.tag=39000003(PidTagDisplayType) property.type=3"
                            " property.id=3900 property.value.int32=0 => 0]"));
    CHECK(strstr(seen.text, "property.value.error_code=8004010f(NotFound) => error 0x8004010F (NotFound)]"));
    /* more values than there is room for */
    start("FF FF FF FF 00 00 00 00");
    read_value_list(&reader, PROP_ADDRESS_BOOK);
    CHECK_BROKEN_AT(4);
}

/* What is said behind the label. */
static void summary(const char *digits, const char *expected)
{
    char text[128];
    note_all("tagged", digits, 0, note_tagged);
    start(digits);
    read_tagged_value(&reader, PROP_ROP);
    CHECK_DONE();
    snprintf(text, sizeof(text), " => %s]", expected);
    CHECK(strstr(seen.text, text));
    if (!strstr(seen.text, text)) {
        fprintf(stderr, "    no \"%s\" in \"%s\"\n", text, seen.text);
    }
}

static void summaries(void)
{
    summary("48006667 28030200 0000 0000 C000 000000000046", "PS_MAPI");
    summary("40 00 06 0E 00 80 3E D5 DE B1 9D 01", "1970-01-01 00:00:00 UTC");
    summary("40 00 06 0E 00 00 00 00 00 00 00 00", "1601-01-01 00:00:00 UTC");
    summary("40 00 06 0E 80 A9 9D 15 11 83 BF 01", "2000-02-29 23:59:59 UTC");
    summary("40 00 06 0E 00 40 C3 3D C0 9F 2F 02", "2100-03-01 00:00:00 UTC");
    summary("40 00 06 0E 00 60 38 90 86 53 BF 01", "1999-12-31 12:00:00 UTC");
    summary("40 00 06 0E 80 37 65 9A 1F 5B DB 01", "2024-12-31 01:02:03 UTC");
    /* 5.25 days: January 4, 1900, 6 in the morning (MS-OXCDATA 2.11.1) */
    summary("07 00 01 66 00 00 00 00 00 00 15 40", "1900-01-04 06:00:00 UTC");
    summary("06 00 01 66 F0 D8 FF FF FF FF FF FF", "-1.0000");
    summary("06 00 01 66 00 00 00 00 00 00 00 80", "-922337203685477.5808");
    summary("14 00 01 66 FF FF FF FF FF FF FF FF", "-1");
    summary("0B 00 02 00 01", "True");
    summary("1F 10 01 66 01 00 00 00 41 00 00 00", "1 value");
    summary("02 01 01 66 01 00 41", "1 byte");
    summary("1E 00 01 30 41 09 E4 00", "A??");
    summary("1F 00 01 30 FF 07 00 08 FF FF 00 D8 00 DC 00 00", "\xDF\xBF\xE0\xA0\x80\xEF\xBF\xBF\xF0\x90\x80\x80");
    summary("1F 00 01 30 FF DB FF DF 00 E0 FF D7 00 00", "\xF4\x8F\xBF\xBF\xEE\x80\x80\xED\x9F\xBF");
    summary("1F 00 01 30 00 D8 00 E0 00 DC 1F 00 20 00 7E 00 7F 00 80 00 00 00", "?\xEE\x80\x80?? ~?\xC2\x80");
    summary("1F 00 01 30 00 D8 FF DB 00 00", "??");
    /* Of long ones the beginning; every length around the limit, in characters of each length. */
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
            noted_form = PROP_ROP;
            fieldlog_once(bytes, at + 2, at + 2, note_tagged);
            bytes[0] = 0x1E;
            fieldlog_once(bytes, at + 2, at + 2, note_tagged);
        }
        transcript_unfold("long strings");
    }
    /* Numbers and times of every size. */
    static const uint8_t types[] = { 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x0A, 0x0B, 0x14, 0x40 };
    for (size_t t = 0; t < sizeof(types); t++) {
        transcript_fold();
        for (uint32_t i = 0; i < 400; i++) {
            uint64_t number = (UINT64_C(0x9E3779B97F4A7C15) * (i + 1)) >> (i % 64);
            if (t == 9) {
                number %= UINT64_C(0x300000000000000);
            } else if (types[t] == 0x07) {       /* days since 1899-12-30 */
                double days = (double)(i * 37) - 3000 + i / 16.0;
                memcpy(&number, &days, 8);
            }
            uint8_t bytes[12] = { types[t], 0, 1, 0x30 };
            for (int k = 0; k < 8; k++) {
                bytes[4 + k] = (uint8_t)(number >> 8 * k);
            }
            noted_form = PROP_ROP;
            fieldlog_once(bytes, 12, 12, note_tagged);
        }
        transcript_unfold("numbers");
    }
    summary("1F 00 01 30 E4 00 AC 20 3D D8 00 DE 3D D8 00 00", "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80?");
}

/* ---- rows ---- */

static void rows(void)
{
    /* QueryRows of gromox (mapihttp-nspi.pcap), columns and one row, the DN shortened */
    struct columns columns;
    start("06 00 00 00 1f000130 1f00fe39 1f00083a 1f00173a 0201ff0f 03000039"
          "00 ff 41006c00690063006500200041006e0064006500720073006f006e000000"
          "ff 61006c0069006300650040006500780061006d0070006c0065002e0074006500730074000000"
          "ff 2b0034003300200031002000350035003500200031003000300031000000"
          "ff 45006e00670069006e006500650072000000"
          "ff 1e000000 00000000 dca740c8c042101ab4b908002b2fe182 01000000 00000000 2f00"
          "00000000");
    columns = read_columns(&reader);
    CHECK_INT(columns.count, 6);
    CHECK_INT(column_tag(&columns, 0), 0x3001001F);
    CHECK_INT(column_tag(&columns, 5), 0x39000003);
    CHECK_INT(column_tag(&columns, 6), 0);
    read_property_row(&reader, &columns, PROP_ADDRESS_BOOK);
    CHECK_DONE();
    CHECK(strstr(seen.text, " property.row_flag=0 [PidTagDisplayName property.has_value=ff"
                            " property.value.string=\"Alice Anderson\" => Alice Anderson]"));
    CHECK(strstr(seen.text, "[PidTagEntryId property.has_value=ff property.value.size=30 [PermanentEntryID"));
    CHECK(strstr(seen.text, "[PidTagDisplayType property.value.int32=0 => 0]"));

    /* flags: a value, none, an error; and of a column without a type */
    start("04 00 00 00 1F000130 03000039 1F00083A 00001A00"
          "01  00 FF 41000000  01  0A 0F010480  1F00 00 FF 42000000");
    columns = read_columns(&reader);
    read_property_row(&reader, &columns, PROP_ADDRESS_BOOK);
    CHECK_DONE();
    CHECK(strstr(seen.text, " property.row_flag=1"
                            " [PidTagDisplayName property.flag=0 property.has_value=ff"
                            " property.value.string=\"A\" => A]"
                            " [PidTagDisplayType property.flag=1]"
                            " [PidTagBusinessTelephoneNumber property.flag=a"
                            " property.value.error_code=8004010f(NotFound) => error 0x8004010F (NotFound)]"
                            " [PidTagMessageClass property.type=1f property.flag=0 property.has_value=ff"
                            " property.value.string=\"B\" => B]"));
    /* without flags, a column without a type */
    start("01 00 00 00 00001A00 00 1F00 FF 42000000");
    columns = read_columns(&reader);
    read_property_row(&reader, &columns, PROP_ADDRESS_BOOK);
    CHECK_DONE();

    /* the forms of ROPs: 16-bit counts, no HasValue */
    start("04 00 14004867 1F000130 1F301F66 0201F665"
          "00 0100000000000001 41000000 42000000 0200AABB");
    columns = read_columns16(&reader);
    CHECK_INT(columns.count, 4);
    read_property_row(&reader, &columns, PROP_ROP);
    CHECK_DONE();
    CHECK(strstr(seen.text, "[PidTagFolderId property.value.int64=72057594037927937"));
    start("02 00 1F000130 03001700 01 01 00 05000000");
    columns = read_columns16(&reader);
    read_property_row(&reader, &columns, PROP_ROP);
    CHECK_DONE();

    start("01 00 00 00 03000039 02 00000000");
    columns = read_columns(&reader);
    read_property_row(&reader, &columns, PROP_ADDRESS_BOOK);
    CHECK_BROKEN_AT(8);
    start("01 00 00 00 03000039 01 02 00000000");
    columns = read_columns(&reader);
    read_property_row(&reader, &columns, PROP_ADDRESS_BOOK);
    CHECK_BROKEN_AT(9);
    start("FF FF FF 7F 03000039");
    columns = read_columns(&reader);
    CHECK_BROKEN_AT(4);
    CHECK_INT(columns.count, 0);

    /* columns without bytes cannot ask for endless work */
    static uint8_t many[60000];
    memset(many, 0, sizeof(many));
    for (uint32_t i = 0; i < 10000; i++) {
        many[i * 4] = 1;                                     /* PtypNull */
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

/* ---- restrictions ---- */

static void restriction(const char *digits, enum prop_form form, const char *expected)
{
    note_all("restriction", digits, 0, note_restriction);
    start(digits);
    read_restriction(&reader, form);
    CHECK_DONE();
    CHECK_STR(seen.text, expected);
}

#define NAME_TAG(tag) " [PidTagDisplayName property.tag=" tag "(PidTagDisplayName) property.type=1f property.id=3001"
#define DISPLAY_NAME NAME_TAG("3001001f")

static void restrictions(void)
{
    enum prop_form rop = PROP_ROP, book = PROP_ADDRESS_BOOK;
    /* MS-OXCDATA 2.12.1 to 2.12.12, one after the other; the count of the first two is COUNT wide */
    restriction("00 0200 08 1F000130 08 1F000130", rop,
                " [AndRestriction restriction.type=0 restriction.count16=2"
                " [ExistRestriction restriction.type=8" DISPLAY_NAME "]]"
                " [ExistRestriction restriction.type=8" DISPLAY_NAME "]]]");
    restriction("01 01000000 08 1F000130", book,
                " [OrRestriction restriction.type=1 restriction.count=1"
                " [ExistRestriction restriction.type=8" DISPLAY_NAME "]]]");
    restriction("01 01000000 08 1F000130", PROP_EXTENDED,
                " [OrRestriction restriction.type=1 restriction.count=1"
                " [ExistRestriction restriction.type=8" DISPLAY_NAME "]]]");
    restriction("02 08 1F000130", rop,
                " [NotRestriction restriction.type=2 [ExistRestriction restriction.type=8" DISPLAY_NAME "]]]");
    restriction("03 0100 0100 1F000130 1F000130 41000000", rop,
                " [ContentRestriction restriction.type=3 restriction.fuzzy_level_low=1"
                " restriction.fuzzy_level_high=1" DISPLAY_NAME "]" DISPLAY_NAME
                " property.value.string=\"A\" => A]]");
    restriction("04 04 1F000130 1F000130 41000000", rop,
                " [PropertyRestriction restriction.type=4 restriction.relop=4" DISPLAY_NAME "]" DISPLAY_NAME
                " property.value.string=\"A\" => A]]");
    restriction("05 05 1F000130 1F000130", rop,
                " [ComparePropertiesRestriction restriction.type=5 restriction.relop=5" DISPLAY_NAME "]" DISPLAY_NAME
                "]]");
    restriction("06 01 0300070E 01000000", rop,
                " [BitMaskRestriction restriction.type=6 restriction.bitmap_relop=1 [PidTagMessageFlags"
                " property.tag=e070003(PidTagMessageFlags) property.type=3 property.id=e07] restriction.mask=1]");
    restriction("07 02 1F000130 10000000", rop,
                " [SizeRestriction restriction.type=7 restriction.relop=2" DISPLAY_NAME "] restriction.size=16]");
    restriction("09 0D00120E 08 1F000130", rop,
                " [SubObjectRestriction restriction.type=9 [PidTagMessageRecipients"
                " property.tag=e12000d(PidTagMessageRecipients) property.type=d property.id=e12]"
                " [ExistRestriction restriction.type=8" DISPLAY_NAME "]]]");
    restriction("0A 01 1F000130 41000000 01 08 1F000130", rop,
                " [CommentRestriction restriction.type=10 restriction.value_count=1" DISPLAY_NAME
                " property.value.string=\"A\" => A] restriction.present=1"
                " [ExistRestriction restriction.type=8" DISPLAY_NAME "]]]");
    restriction("0A 01 1F000130 41000000 00", rop,
                " [CommentRestriction restriction.type=10 restriction.value_count=1" DISPLAY_NAME
                " property.value.string=\"A\" => A] restriction.present=0]");
    restriction("0B 05000000 08 1F000130", rop,
                " [CountRestriction restriction.type=11 restriction.maximum=5"
                " [ExistRestriction restriction.type=8" DISPLAY_NAME "]]]");

    /* Comparands in the address book. The Filter of GetMatches as it was sent to gromox
     * (mapihttp-nspi.pcap): 0xFF before the tagged value, HasValue inside */
    restriction("04 04 1f000c36 ff 1f000c36 ff 4300610072006c0061000000", book,
                " [PropertyRestriction restriction.type=4 restriction.relop=4"
                " [PidTagAnr property.tag=360c001f(PidTagAnr) property.type=1f property.id=360c]"
                " restriction.has_value=ff [PidTagAnr property.tag=360c001f(PidTagAnr) property.type=1f"
                " property.id=360c property.has_value=ff property.value.string=\"Carla\" => Carla]]");
    /* by the letter of MS-OXCDATA */
    restriction("04 04 1f000c36 1f000c36 4300610072006c0061000000", book,
                " [PropertyRestriction restriction.type=4 restriction.relop=4"
                " [PidTagAnr property.tag=360c001f(PidTagAnr) property.type=1f property.id=360c]"
                " [PidTagAnr property.tag=360c001f(PidTagAnr) property.type=1f"
                " property.id=360c property.value.string=\"Carla\" => Carla]]");
    /* HasValue, but not the byte before */
    restriction("04 04 1f000c36 1f000c36 ff 4300610072006c0061000000", book,
                " [PropertyRestriction restriction.type=4 restriction.relop=4"
                " [PidTagAnr property.tag=360c001f(PidTagAnr) property.type=1f property.id=360c]"
                " [PidTagAnr property.tag=360c001f(PidTagAnr) property.type=1f"
                " property.id=360c property.has_value=ff property.value.string=\"Carla\" => Carla]]");
    /* none */
    restriction("04 04 1f000c36 00", book,
                " [PropertyRestriction restriction.type=4 restriction.relop=4"
                " [PidTagAnr property.tag=360c001f(PidTagAnr) property.type=1f property.id=360c]"
                " restriction.has_value=0]");
    /* a type without HasValue, in both ways */
    restriction("04 04 03000039 03000039 06000000", book,
                " [PropertyRestriction restriction.type=4 restriction.relop=4 [PidTagDisplayType"
                " property.tag=39000003(PidTagDisplayType) property.type=3 property.id=3900] [PidTagDisplayType"
                " property.tag=39000003(PidTagDisplayType) property.type=3 property.id=3900"
                " property.value.int32=6 => 6]]");
    restriction("04 04 03000039 FF 03000039 06000000", book,
                " [PropertyRestriction restriction.type=4 restriction.relop=4 [PidTagDisplayType"
                " property.tag=39000003(PidTagDisplayType) property.type=3 property.id=3900]"
                " restriction.has_value=ff [PidTagDisplayType"
                " property.tag=39000003(PidTagDisplayType) property.type=3 property.id=3900"
                " property.value.int32=6 => 6]]");
    /* a binary one of 255 bytes or more is no HasValue */
    struct builder b = hex("04 04 0201F60F 0201F60F FF000000");
    memset(b.bytes + b.len, 0, 255);
    start_bytes(b.bytes, b.len + 255, b.len + 255);
    read_restriction(&reader, book);
    CHECK_DONE();
    CHECK(strstr(seen.text, "property.value.size=255 property.value.binary=255 bytes => 255 bytes]"));
    restriction("0A 01 1F000130 FF 41000000 00", book,
                " [CommentRestriction restriction.type=10 restriction.value_count=1" DISPLAY_NAME
                " property.has_value=ff property.value.string=\"A\" => A] restriction.present=0]");

    /* broken */
    start("0C");
    read_restriction(&reader, rop);
    CHECK_BROKEN_AT(0);
    start("");
    read_restriction(&reader, rop);
    CHECK_BROKEN_AT(0);
    start("00 FFFF 08 1F000130");
    read_restriction(&reader, rop);
    CHECK_BROKEN_AT(3);
    static uint8_t nested[100000];
    memset(nested, 0x02, sizeof(nested));
    start_bytes(nested, sizeof(nested), sizeof(nested));
    read_restriction(&reader, rop);
    CHECK(reader.failed);
    CHECK_INT(seen.issues, 1);
    CHECK_INT(seen.depth, 0);
    CHECK_INT(seen.deepest, READER_DEPTH_MAX);
    /* as deep as a mailbox may have it: twenty */
    memset(nested, 0x02, 20);
    b = hex("08 1F000130");
    memcpy(nested + 20, b.bytes, b.len);
    start_bytes(nested, 25, 25);
    read_restriction(&reader, rop);
    CHECK_DONE();
    CHECK_INT(seen.deepest, 22);
}

/* ---- rule actions ---- */

static void actions(void)
{
    /* MS-OXORULE 2.2.5: delete, mark as read */
    start("0200 0900 0A 00000000 00000000 0900 0B 00000000 00000000");
    read_property_value(&reader, 0x00FE, PROP_ROP);
    CHECK_DONE();
    CHECK_STR(seen.text, " rule.action_count16=2"
              " [ActionBlock rule.action.length16=9 rule.action.type=10 rule.action.flavor=0 rule.action.flags=0"
              " => OP_DELETE]"
              " [ActionBlock rule.action.length16=9 rule.action.type=11 rule.action.flavor=0 rule.action.flags=0"
              " => OP_MARK_AS_READ]");
    /* move inside the mailbox: ServerEid */
    start("0100 2400 01 00000000 00000000 01 0100 00 1500 01 0100000000000005 0000000000000000 00000000");
    read_property_value(&reader, 0x00FE, PROP_ROP);
    CHECK_DONE();
    CHECK(strstr(seen.text, " rule.action.in_this_store=1 rule.action.store_size16=1 rule.action.store=1 bytes"
                            " rule.action.folder_size16=21 property.value.server_id.ours=1"
                            " property.value.server_id.folder_id=500000000000001"));
    /* the same of an extended rule: counts of 32 bits, a Folder EntryID */
    start("01000000 40000000 02 00000000 00000000 01000000 00 2E000000"
          "00000000 11111111111111111111111111111111 0100 22222222222222222222222222222222 000000000005 0000");
    read_property_value(&reader, 0x00FE, PROP_EXTENDED);
    CHECK_DONE();
    CHECK(strstr(seen.text, "rule.action.folder_size=46 [Folder EntryID entry_id.flags=0"));
    /* in a message of the address book, with counts of either width, and no HasValue within */
    start("0100 1600 07 00000000 00000000 0100 01 0100 1F000130 41000000");
    read_property_value(&reader, 0x00FE, PROP_ADDRESS_BOOK);
    CHECK_DONE();
    CHECK(strstr(seen.text, " rule.action_count16=1 [ActionBlock rule.action.length16=22"));
    start("01000000 1A000000 07 00000000 00000000 01000000 01 01000000 1F000130 41000000");
    read_property_value(&reader, 0x00FE, PROP_ADDRESS_BOOK);
    CHECK_DONE();
    CHECK(strstr(seen.text, " rule.action_count=1 [ActionBlock rule.action.length=26"));
    CHECK(strstr(seen.text, DISPLAY_NAME " property.value.string=\"A\""));
    start("FFFFFFFF 0900 0A 00000000 00000000");
    read_property_value(&reader, 0x00FE, PROP_ADDRESS_BOOK);
    CHECK_BROKEN_AT(2);
    start("01000000 FFFFFFFF 0A 00000000 00000000");
    read_property_value(&reader, 0x00FE, PROP_ADDRESS_BOOK);
    CHECK_BROKEN_AT(8);
    start("0100");
    read_property_value(&reader, 0x00FE, PROP_ADDRESS_BOOK);
    CHECK_BROKEN_AT(2);
    /* reply, bounce, tag, defer */
    start("0400 2900 03 01000000 00000000 0100000000000005 0100000000000006 33333333333333333333333333333333"
          " 0D00 06 00000000 00000000 26000000 1100 09 00000000 00000000 03001700 02000000"
          " 0B00 05 00000000 00000000 AABB");
    read_property_value(&reader, 0x00FE, PROP_ROP);
    CHECK_DONE();
    CHECK(strstr(seen.text, "rule.action.template_fid=500000000000001 rule.action.template_mid=600000000000001"
                            " rule.action.template_guid=16 bytes => OP_REPLY]"));
    CHECK(strstr(seen.text, "rule.action.bounce_code=26 => OP_BOUNCE]"));
    CHECK(strstr(seen.text, "[PidTagImportance property.tag=170003(PidTagImportance)"));
    CHECK(strstr(seen.text, "rule.action.data=2 bytes => OP_DEFER_ACTION]"));
    /* forward, with counts of both widths */
    start("0100 1600 07 01000000 00000000 0100 01 0100 1F000130 41000000");
    read_property_value(&reader, 0x00FE, PROP_ROP);
    CHECK_DONE();
    CHECK(strstr(seen.text, "rule.action.recipient_count16=1 [RecipientBlockData rule.action.recipient_reserved=1"
                            " rule.action.property_count16=1" DISPLAY_NAME " property.value.string=\"A\" => A]]"));
    start("0100 1A00 08 00000000 00000000 01000000 01 01000000 1F000130 41000000");
    read_property_value(&reader, 0x00FE, PROP_ROP);
    CHECK_DONE();
    CHECK(strstr(seen.text, "rule.action.recipient_count=1"));
    /* an action that is wrong inside does not take the next one with it */
    start("0200 0A00 06 00000000 00000000 26 0900 0A 00000000 00000000");
    read_property_value(&reader, 0x00FE, PROP_ROP);
    CHECK(!reader.failed);
    CHECK_INT(seen.issues, 1);
    CHECK_INT(seen.issue_at, 13);
    CHECK_INT(reader.pos, reader.len);
    CHECK(strstr(seen.text, "OP_DELETE"));
    start("0100 4000 0A 00000000 00000000");
    read_property_value(&reader, 0x00FE, PROP_ROP);
    CHECK_BROKEN_AT(4);
}

/* ---- entry IDs ---- */

static void entry_id(const char *digits, const char *expected)
{
    note_all("entry ID", digits, 0, note_entry_id);
    start(digits);
    read_entry_id(&reader, reader.len);
    CHECK_DONE();
    CHECK_STR(seen.text, expected);
}

static void entry_ids(void)
{
    /* MS-OXNSPI 2.2.9.2 and 2.2.9.3 */
    entry_id("87000000 20a3e01ebfbf51498cd92759ef3e28f0 01000000 01000000 11000000",
             " [EphemeralEntryID entry_id.id_type=87 entry_id.reserved=3 bytes entry_id.provider=16 bytes"
             " entry_id.version=1 entry_id.display_type=1 entry_id.mid=11]");
    entry_id("00000000 dca740c8c042101ab4b908002b2fe182 01000000 00010000 2f00",
             " [PermanentEntryID entry_id.id_type=0 entry_id.reserved=3 bytes entry_id.provider=16 bytes(NSPI)"
             " entry_id.version=1 entry_id.display_type=100 entry_id.dn=\"/\" => /]");
    /* MS-OXCDATA 2.2.4.1 and 2.2.4.2 */
    entry_id("00000000 11111111111111111111111111111111 0100 22222222222222222222222222222222 000000000005 0000",
             " [Folder EntryID entry_id.flags=0 entry_id.provider=16 bytes entry_id.object_type=1"
             " [Folder entry_id.database_guid=16 bytes entry_id.global_counter=6 bytes entry_id.pad=0]]");
    entry_id("00000000 1A447390AA6611CD9BC800AA002FC45A 0900 22222222222222222222222222222222 000000000005 0000"
             " 33333333333333333333333333333333 000000000006 0000",
             " [Message EntryID entry_id.flags=0 entry_id.provider=16 bytes(public folders) entry_id.object_type=9"
             " [Folder entry_id.database_guid=16 bytes entry_id.global_counter=6 bytes entry_id.pad=0]"
             " [Message entry_id.database_guid=16 bytes entry_id.global_counter=6 bytes entry_id.pad=0]]");
    /* 2.2.4.3 */
    entry_id("00000000 38A1BB1005E5101AA1BB08002B2A56C2 00 00 454D534D44422E444C4C00000000 00000000"
             " 1B55FA20AA6611CD9BC800AA002FC45A 0C000000 5352563100 2F6F3D4100",
             " [Store Object EntryID entry_id.flags=0 entry_id.provider=16 bytes(wrapped store)"
             " entry_id.store.version=0 entry_id.store.flag=0 entry_id.store.dll=\"EMSMDB.DLL\""
             " entry_id.store.wrapped_flags=0 entry_id.store.wrapped_provider=16 bytes(mailbox store)"
             " entry_id.store.wrapped_type=c entry_id.store.server=\"SRV1\" entry_id.store.mailbox_dn=\"/o=A\"]");
    /* 2.2.5.1, both kinds of characters */
    entry_id("00000000 812B1FA4BEA310199D6E00DD010F5402 0000 0180 41000000 53004D0054005000 0000 61004000 6200 0000",
             " [One-Off EntryID entry_id.flags=0 entry_id.provider=16 bytes(one-off) entry_id.one_off.version=0"
             " entry_id.one_off.flags=8001 entry_id.one_off.display_name=\"A\" entry_id.one_off.address_type=\"SMTP\""
             " entry_id.one_off.email_address=\"a@b\"]");
    entry_id("00000000 812B1FA4BEA310199D6E00DD010F5402 0000 0000 4100 534D545000 61406200",
             " [One-Off EntryID entry_id.flags=0 entry_id.provider=16 bytes(one-off) entry_id.one_off.version=0"
             " entry_id.one_off.flags=0 entry_id.one_off.display_name8=\"A\" entry_id.one_off.address_type8=\"SMTP\""
             " entry_id.one_off.email_address8=\"a@b\"]");
    /* a contact's address: the EntryID of the contact inside */
    entry_id("00000000 FE42AA0A18C71A10E8850B651C240000 03000000 04000000 00000000 02000000 AABB",
             " [Contact Address EntryID entry_id.flags=0 entry_id.provider=16 bytes(contacts) entry_id.version=3"
             " entry_id.contact.type=4 entry_id.contact.index=0 entry_id.contact.size=2"
             " [EntryID entry_id.data=2 bytes]]");
    entry_id("00000000 C091ADD3519DCF11A4A900AA0047FAA4 B5 00000000 dca740c8c042101ab4b908002b2fe182 01000000"
             " 00000000 2f00",
             " [Wrapped EntryID entry_id.flags=0 entry_id.provider=16 bytes(personal distribution list)"
             " entry_id.wrapped.type=b5 [PermanentEntryID entry_id.id_type=0 entry_id.reserved=3 bytes"
             " entry_id.provider=16 bytes(NSPI) entry_id.version=1 entry_id.display_type=0 entry_id.dn=\"/\" => /]]");
    entry_id("AABBCC", " [EntryID entry_id.data=3 bytes]");

    /* one without its end: said at its byte, and what follows is read */
    start("FF 1D000000 00000000 dca740c8c042101ab4b908002b2fe182 01000000 00000000 2f");
    read_property_value_of(&reader, 0x0FFF0102, PROP_ADDRESS_BOOK);
    CHECK(!reader.failed);
    CHECK_INT(seen.issues, 1);
    CHECK_INT(seen.issue_at, 33);
    CHECK_INT(reader.pos, reader.len);
    start("AABB");
    read_entry_id(&reader, 3);
    CHECK_BROKEN_AT(0);
    /* not an EntryID by its name */
    start("04000000 AABBCCDD");
    read_property_value_of(&reader, 0x0FF60102, PROP_EXTENDED);
    CHECK_DONE();
    CHECK(strstr(seen.text, "property.value.binary=4 bytes"));
    /* one in another in another: no deeper than the reader goes */
    static uint8_t nested[21 * 100];
    struct builder head = hex("00000000 C091ADD3519DCF11A4A900AA0047FAA4 B5");
    for (unsigned i = 0; i < 100; i++) {
        memcpy(nested + i * 21, head.bytes, 21);
    }
    start_bytes(nested, sizeof(nested), sizeof(nested));
    read_entry_id(&reader, reader.len);
    CHECK_INT(seen.issues, 1);
    CHECK_INT(seen.depth, 0);
    CHECK_INT(seen.deepest, READER_DEPTH_MAX);
}

int main(void)
{
    names();
    values();
    broken_values();
    flagged_values();
    tags();
    noted = note_list;
    lists();
    noted = NULL;
    summaries();
    noted = note_rows;
    rows();
    noted = NULL;
    restrictions();
    noted = note_action;
    actions();
    noted = NULL;
    entry_ids();
    free(copy);
    transcript_end(__FILE__);
    return unit_end();
}
