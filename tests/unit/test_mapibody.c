/* test_mapibody.c
 * The bodies of MAPI/HTTP and the envelope of its responses. The bodies are written down
 * from MS-OXCMAPIHTTP 2.2.4 and 2.2.5 and not from the tables under test; the vectors at
 * the end are bytes of other people's clients and servers.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "mapibody.h"
#include "fieldlog.h"
#include "unit.h"

#include <stdlib.h>

/* ---- a sink that writes down ---- */

#define FILTER_LEN 48

struct log {
    char text[8192];             /* "name=number" of the fields of mapibody_fields, in order */
    size_t len;
    unsigned values, issues, opened, depth, rest;
    uint32_t issue_at, end;      /* the last issue; the furthest byte shown */
    const char *issue;
    unsigned derived;            /* inside this many derived buffers */
};

static void put(struct log *log, const char *text)
{
    size_t len = strlen(text);
    if (log->len + len + 1 < sizeof(log->text)) {
        memcpy(log->text + log->len, text, len + 1);
        log->len += len;
    }
}

static void on_value(void *ctx, const struct field_value *value)
{
    struct log *log = ctx;
    log->values++;
    if (!log->derived && value->offset + value->len > log->end) {
        log->end = value->offset + value->len;
    }
    if (value->field < mapibody_fields.rows || value->field >= mapibody_fields.rows + mapibody_fields.count) {
        return;
    }
    log->rest += strcmp(value->field->filter, "body.rest") == 0;
    char text[128];
    const char *name = value->field->filter;
    name = strncmp(name, "nspi.", 5) == 0 ? name + 5 : name;
    snprintf(text, sizeof(text), "%s%s=", log->len ? " " : "", name);
    put(log, text);
    switch (value->field->kind) {
    case FIELD_STRING8:
    case FIELD_STRING16:
        for (uint32_t i = 0; i < value->len; i += value->field->kind == FIELD_STRING16 ? 2 : 1) {
            char c[2] = { (char)value->bytes[i], '\0' };
            put(log, c);
        }
        break;
    case FIELD_GUID:
    case FIELD_BYTES:
        snprintf(text, sizeof(text), "%u bytes", (unsigned)value->len);
        put(log, text);
        break;
    case FIELD_I32:
        snprintf(text, sizeof(text), "%lld", (long long)value->number);
        put(log, text);
        break;
    default:
        snprintf(text, sizeof(text), value->field->hex ? "%llx" : "%llu", (unsigned long long)value->number);
        put(log, text);
    }
    if (value->text) {
        snprintf(text, sizeof(text), "(%s)", value->text);
        put(log, text);
    }
}

static void on_open(void *ctx, const char *label, uint32_t offset)
{
    struct log *log = ctx;
    (void)label;
    (void)offset;
    log->opened++;
    log->depth++;
}

static void on_close(void *ctx, uint32_t end, const char *summary)
{
    struct log *log = ctx;
    (void)end;
    (void)summary;
    log->depth--;
}

static void on_issue(void *ctx, uint32_t offset, const char *what)
{
    struct log *log = ctx;
    log->issues++;
    log->issue_at = offset;
    log->issue = what;
}

static uint8_t derived_bytes[1 << 20];

static uint8_t *on_room(void *ctx, size_t size)
{
    (void)ctx;
    return size <= sizeof(derived_bytes) ? derived_bytes : NULL;
}

static void on_enter(void *ctx, const uint8_t *bytes, uint32_t len, const char *name)
{
    struct log *log = ctx;
    (void)bytes;
    (void)len;
    (void)name;
    log->derived++;
}

static void on_leave(void *ctx)
{
    struct log *log = ctx;
    log->derived--;
}

/* Decodes len bytes, of a body of whole, from a copy of their own so that a read past the
 * end is seen by ASan and valgrind. */
static struct mapi_facts decode(struct log *log, enum mapi_type type, bool response, const uint8_t *p, uint32_t len,
                                uint32_t whole)
{
    struct field_sink sink = { log, on_value, on_open, on_close, on_issue, on_room, on_enter, on_leave };
    struct mapi_facts facts;
    struct reader reader;
    uint8_t *copy = malloc(len ? len : 1);
    memset(log, 0, sizeof(*log));
    if (!copy) {
        abort();
    }
    memcpy(copy, p, len);
    reader_init(&reader, copy, len, whole, &sink);
    mapi_read_body(&reader, type, response, &facts);
    CHECK_INT(log->depth, 0);
    CHECK_INT(log->derived, 0);
    free(copy);
    return facts;
}

static enum mapi_type noted_type;
static bool noted_response;

static void note_body(struct reader *reader)
{
    struct mapi_facts facts;
    mapi_read_body(reader, noted_type, noted_response, &facts);
    transcript("facts %d %x %d %x %zu %zu %zu %zu end %u%s", facts.has_status, facts.status, facts.has_error,
               facts.error, facts.user_dn.len, facts.display_name.len, facts.dn_prefix.len, facts.server_url.len, facts.end,
               facts.complete ? " complete" : "");
}

static void note_all(enum mapi_type type, bool response, const uint8_t *bytes, uint32_t len)
{
    char name[64];
    noted_type = type;
    noted_response = response;
    snprintf(name, sizeof(name), "%s %s", mapi_type_name(type), response ? "response" : "request");
    fieldlog_all(name, bytes, len, note_body);
}

/* ---- building bodies ---- */

struct builder {
    uint8_t bytes[1024];
    uint32_t len;
};

static struct builder b;

static void u8(unsigned value)
{
    b.bytes[b.len++] = (uint8_t)value;
}

static void u16(unsigned value)
{
    u8(value & 0xFF);
    u8(value >> 8);
}

static void u32(uint32_t value)
{
    u16(value & 0xFFFF);
    u16(value >> 16);
}

static void str8(const char *text)
{
    do {
        u8((uint8_t)*text);
    } while (*text++);
}

static void str16(const char *text)
{
    do {
        u16((uint8_t)*text);
    } while (*text++);
}

static void guid(unsigned fill)
{
    for (unsigned i = 0; i < 16; i++) {
        u8(fill + i);
    }
}

/* A STAT structure, 36 bytes (MS-OXNSPI 2.3.7), with a CurrentRec. */
static void stat_structure(uint32_t current)
{
    u32(0);
    u32(0);
    u32(current);
    u32(0xFFFFFFFFu);            /* Delta -1 */
    u32(5);
    u32(82);
    u32(1252);
    u32(0x407);
    u32(0x409);
}

static void state(uint32_t current)
{
    u8(0xFF);
    stat_structure(current);
}

#define STAT_TEXT(current) \
    "has_state=255 stat.sort_type=0 stat.container_id=0(Global Address List) stat.current_rec=" current \
    " stat.delta=4294967295(negative: backwards from CurrentRec) stat.num_pos=5 stat.total_recs=82" \
    " stat.code_page=1252 stat.template_locale=407 stat.sort_locale=409"

#define TAG_NAME 0x3001001Fu             /* PidTagDisplayName, PtypString */
#define TAG_TYPE 0x39000003u             /* PidTagDisplayType, PtypInteger32 */

static void tags(void)
{
    u32(2);
    u32(TAG_NAME);
    u32(TAG_TYPE);
}

/* Two AddressBookPropertyRow structures (2.2.1.7) of these columns: the first all there,
 * the second with a flag for each value, one of them an error. */
static void columns_and_rows(void)
{
    u8(0xFF);
    tags();
    u32(2);
    u8(0);                       /* values without flags */
    u8(0xFF);                    /* HasValue of a string */
    str16("Al");
    u32(6);
    u8(1);                       /* flagged values */
    u8(0x0A);
    u32(0x8004010Fu);
    u8(0);
    u32(0);
}

/* AddressBookPropertyValueList (2.2.1.3) of one value. */
static void value_list(void)
{
    u32(1);
    u32(TAG_TYPE);
    u32(6);
}

static void success(void)
{
    u32(0);
    u32(0);
}

/* AuxiliaryBuffer: one RPC_HEADER_EXT, neither compressed nor obfuscated, Last, with an
 * AUX_CLIENT_CONTROL block (MS-OXCRPC 2.2.2.2.9) in it. */
static void aux(void)
{
    u32(20);
    u16(0);
    u16(4);
    u16(12);
    u16(12);
    u16(12);
    u8(1);
    u8(0x0A);
    u32(0);
    u32(0);
}

#define OK "status_code=0(Success) error_code=0(Success) "
#define AUX " aux_buffer_size=20"

/* What was built is taken to its last byte and shows the expected fields; cut at any byte
 * it is broken, or no fault if the capture cut it; one byte more is seen. */
static void check_at(int line, enum mapi_type type, bool response, const char *expected)
{
    static struct log log;
    note_all(type, response, b.bytes, b.len);
    struct mapi_facts facts = decode(&log, type, response, b.bytes, b.len, b.len);
    unit_check_str(log.text, expected, __FILE__, line, mapi_type_name(type));
    unit_check_int(log.issues, 0, __FILE__, line, "issues");
    unit_check_int(log.end, b.len, __FILE__, line, "the last byte shown");
    unit_check_int(facts.end, b.len, __FILE__, line, "facts.end");
    unit_check(facts.complete, __FILE__, line, "complete");
    unit_check_int(facts.has_status, response, __FILE__, line, "has_status");
    unsigned values = log.values;

    for (uint32_t len = 0; len < b.len; len++) {
        facts = decode(&log, type, response, b.bytes, len, len);
        if (log.issues == 0 || facts.complete) {
            unit_check_int(len, -1, __FILE__, line, "a short body without an issue");
        }
        facts = decode(&log, type, response, b.bytes, len, b.len);
        if (log.issues != 0 || facts.complete) {
            unit_check_int(len, -1, __FILE__, line, "a body cut by the capture with an issue");
        }
    }

    b.bytes[b.len] = 0x2A;
    facts = decode(&log, type, response, b.bytes, b.len + 1, b.len + 1);
    unit_check_int(log.issues, 1, __FILE__, line, "issues of a byte too many");
    unit_check_int(log.issue_at, b.len, __FILE__, line, "where");
    unit_check_str(log.issue, "Bytes behind the body", __FILE__, line, "which");
    unit_check_int(log.rest, 1, __FILE__, line, "rest");
    unit_check_int(log.values, values + 1, __FILE__, line, "values");
    unit_check_int(facts.end, b.len, __FILE__, line, "facts.end");
    unit_check(!facts.complete, __FILE__, line, "not complete");
    b.len = 0;
}

#define REQUEST(type, expected) check_at(__LINE__, type, false, expected)
#define RESPONSE(type, expected) check_at(__LINE__, type, true, expected)

/* ---- mailbox endpoint: 2.2.4 ---- */

static void test_mailbox(void)
{
    str8("/o=First/cn=alice");
    u32(1);
    u32(1252);
    u32(0x409);
    u32(0x407);
    aux();
    REQUEST(MAPI_CONNECT, "connect.user_dn=/o=First/cn=alice connect.flags=1 connect.default_code_page=1252"
            " connect.lcid_sort=409 connect.lcid_string=407" AUX);

    success();
    u32(60000);
    u32(6);
    u32(10000);
    str8("/o=First");
    str16("Alice");
    aux();
    RESPONSE(MAPI_CONNECT, OK "connect.polls_max=60000 connect.retry_count=6 connect.retry_delay=10000"
             " connect.dn_prefix=/o=First connect.display_name=Alice" AUX);

    /* RopBuffer: RPC_HEADER_EXT, then RopSize 2 (no ROPs) and a handle table of one. */
    u32(3);
    u32(14);
    u16(0);
    u16(4);
    u16(6);
    u16(6);
    u16(2);
    u32(0xFFFFFFFFu);
    u32(0x10008);
    aux();
    REQUEST(MAPI_EXECUTE, "execute.flags=3 execute.rop_buffer_size=14 execute.max_rop_out=65544" AUX);

    success();
    u32(0);
    u32(14);
    u16(0);
    u16(4);
    u16(6);
    u16(6);
    u16(2);
    u32(0x12);
    u32(0);
    RESPONSE(MAPI_EXECUTE, OK "execute.reserved=0 execute.rop_buffer_size=14 aux_buffer_size=0");

    u32(0);
    REQUEST(MAPI_DISCONNECT, "aux_buffer_size=0");
    success();
    aux();
    RESPONSE(MAPI_DISCONNECT, "status_code=0(Success) error_code=0(Success)" AUX);

    u32(0);
    u32(0);
    REQUEST(MAPI_NOTIFICATION_WAIT, "notification_wait.reserved=0 aux_buffer_size=0");
    success();
    u32(1);
    u32(0);
    RESPONSE(MAPI_NOTIFICATION_WAIT,
             OK "notification_wait.event_pending=1(an event is pending) aux_buffer_size=0");
}

/* ---- address book endpoint: 2.2.5 ---- */

static void test_address_book_in(void)
{
    u32(0x20);
    state(0);
    aux();
    REQUEST(MAPI_BIND, "flags=20 " STAT_TEXT("0(MID_BEGINNING_OF_TABLE)") AUX);
    u32(0);
    u8(0);
    u32(0);
    REQUEST(MAPI_BIND, "flags=0 has_state=0 aux_buffer_size=0");

    u32(0);
    u32(0);
    REQUEST(MAPI_UNBIND, "reserved=0 aux_buffer_size=0");

    u32(0);
    state(1);
    u32(0x11);
    u32(0x12);
    u32(0);
    REQUEST(MAPI_COMPARE_MIDS, "reserved=0 " STAT_TEXT("1(MID_CURRENT)") " mid=11 mid=12 aux_buffer_size=0");

    u32(0);
    u8(1);
    u32(2);
    str8("/o=A");
    str8("/o=B");
    u32(0);
    REQUEST(MAPI_DN_TO_MID, "reserved=0 has_names=1 name_count=2 dn=/o=A dn=/o=B aux_buffer_size=0");
    u32(0);
    u8(0);
    u32(0);
    REQUEST(MAPI_DN_TO_MID, "reserved=0 has_names=0 aux_buffer_size=0");

    u32(0);
    state(2);
    u8(1);
    u32(1);
    u32(0x10);
    u32(0);
    u8(1);
    u8(8);                       /* ExistRestriction, MS-OXCDATA 2.12.11 */
    u32(TAG_NAME);
    u8(1);
    guid(0xA0);
    u32(0x8001);
    u32(50);
    u8(1);
    tags();
    aux();
    REQUEST(MAPI_GET_MATCHES, "reserved=0 " STAT_TEXT("2(MID_END_OF_TABLE)") " has_minimal_ids=1 minimal_id_count=1"
            " mid=10 interface_option_flags=0 has_filter=1 has_property_name=1 property_name.guid=16 bytes"
            " property_name.id=8001 rows_requested=50 has_columns=1" AUX);
    u32(0);
    u8(0);
    u8(0);
    u32(0);
    u8(0);
    u8(0);
    u32(50);
    u8(0);
    u32(0);
    REQUEST(MAPI_GET_MATCHES, "reserved=0 has_state=0 has_minimal_ids=0 interface_option_flags=0 has_filter=0"
            " has_property_name=0 rows_requested=50 has_columns=0 aux_buffer_size=0");

    u32(1);
    u32(0x1234);
    u32(1252);
    u32(0);
    REQUEST(MAPI_GET_PROP_LIST, "flags=1 mid=1234 code_page=1252 aux_buffer_size=0");

    u32(3);
    state(0x1234);
    u8(1);
    tags();
    u32(0);
    REQUEST(MAPI_GET_PROPS, "flags=3 " STAT_TEXT("1234") " has_property_tags=1 aux_buffer_size=0");

    u32(4);
    state(0);
    u8(1);
    u32(7);
    u32(0);
    REQUEST(MAPI_GET_SPECIAL_TABLE, "flags=4 " STAT_TEXT("0(MID_BEGINNING_OF_TABLE)")
            " has_version=1 version=7 aux_buffer_size=0");

    u32(0x75);
    u32(0x101);
    u8(1);
    str8("/cn=t");
    u32(1252);
    u32(0x409);
    u32(0);
    REQUEST(MAPI_GET_TEMPLATE_INFO, "flags=75 display_type=101 has_template_dn=1 template_dn=/cn=t code_page=1252"
            " locale_id=409 aux_buffer_size=0");

    u32(0);
    state(0x10);
    u8(1);
    tags();
    u8(1);
    value_list();
    u32(0);
    REQUEST(MAPI_MOD_PROPS, "reserved=0 " STAT_TEXT("10") " has_property_tags=1 has_property_values=1"
            " aux_buffer_size=0");

    u32(2);
    state(0);
    u32(2);
    u32(0x10);
    u32(0x11);
    u32(20);
    u8(1);
    tags();
    u32(0);
    REQUEST(MAPI_QUERY_ROWS, "flags=2 " STAT_TEXT("0(MID_BEGINNING_OF_TABLE)") " explicit_table_count=2 mid=10 mid=11"
            " rows_requested=20 has_columns=1 aux_buffer_size=0");

    u32(0);
    u32(0x80000000u);
    u32(0);
    REQUEST(MAPI_QUERY_COLUMNS, "reserved=0 flags=80000000 aux_buffer_size=0");

    u32(0);
    state(0);
    u8(1);
    tags();
    u8(1);
    u32(2);
    str16("alice");
    str16("bob");
    u32(0);
    REQUEST(MAPI_RESOLVE_NAMES, "reserved=0 " STAT_TEXT("0(MID_BEGINNING_OF_TABLE)") " has_property_tags=1 has_names=1"
            " name_count=2 name=alice name=bob aux_buffer_size=0");

    u32(0);
    state(0);
    u8(1);
    u32(1);
    u32(0x22);
    u32(0);
    REQUEST(MAPI_RESORT_RESTRICTION, "reserved=0 " STAT_TEXT("0(MID_BEGINNING_OF_TABLE)")
            " has_minimal_ids=1 minimal_id_count=1 mid=22 aux_buffer_size=0");

    u32(0);
    state(0);
    u8(1);
    u32(TAG_NAME);
    u8(0xFF);
    str16("M");
    u8(1);
    u32(1);
    u32(0x22);
    u8(1);
    tags();
    u32(0);
    REQUEST(MAPI_SEEK_ENTRIES, "reserved=0 " STAT_TEXT("0(MID_BEGINNING_OF_TABLE)") " has_target=1"
            " has_explicit_table=1 explicit_table_count=1 mid=22 has_columns=1 aux_buffer_size=0");

    u32(0);
    state(1);
    u8(1);
    u32(0);
    REQUEST(MAPI_UPDATE_STAT, "reserved=0 " STAT_TEXT("1(MID_CURRENT)") " delta_requested=1 aux_buffer_size=0");

    u32(0);
    str16("/o=A/cn=MBX");
    u32(0);
    REQUEST(MAPI_GET_MAILBOX_URL, "flags=0 server_dn=/o=A/cn=MBX aux_buffer_size=0");
    u32(0);
    str16("/o=A/cn=alice");
    u32(0);
    REQUEST(MAPI_GET_ADDRESS_BOOK_URL, "flags=0 user_dn=/o=A/cn=alice aux_buffer_size=0");
}

static void test_address_book_out(void)
{
    success();
    guid(1);
    u32(0);
    RESPONSE(MAPI_BIND, OK "server_guid=16 bytes aux_buffer_size=0");

    u32(0);
    u32(1);
    u32(0);
    RESPONSE(MAPI_UNBIND, "status_code=0(Success) error_code=1(UnbindSuccess) aux_buffer_size=0");

    success();
    u32(0xFFFFFFFFu);
    u32(0);
    RESPONSE(MAPI_COMPARE_MIDS, OK "compare_result=-1(the first stands before the second) aux_buffer_size=0");

    success();
    u8(1);
    u32(2);
    u32(0);
    u32(0x15);
    u32(0);
    RESPONSE(MAPI_DN_TO_MID, OK "has_minimal_ids=1 minimal_id_count=2 mid=0(MID_UNRESOLVED) mid=15 aux_buffer_size=0");

    success();
    state(2);
    u8(1);
    u32(1);
    u32(0x15);
    columns_and_rows();
    aux();
    RESPONSE(MAPI_GET_MATCHES, OK STAT_TEXT("2(MID_END_OF_TABLE)") " has_minimal_ids=1 minimal_id_count=1 mid=15"
             " has_columns_and_rows=255 row_count=2" AUX);
    success();
    u8(0);
    u8(0);
    u8(0);
    u32(0);
    RESPONSE(MAPI_GET_MATCHES, OK "has_state=0 has_minimal_ids=0 has_columns_and_rows=0 aux_buffer_size=0");

    success();
    u8(1);
    tags();
    u32(0);
    RESPONSE(MAPI_GET_PROP_LIST, OK "has_property_tags=1 aux_buffer_size=0");

    /* A warning is an ErrorCode, and the rest of the body is there. */
    u32(0);
    u32(0x00040380u);
    u32(1200);
    u8(1);
    value_list();
    u32(0);
    RESPONSE(MAPI_GET_PROPS, "status_code=0(Success) error_code=40380(ErrorsReturned) code_page=1200"
             " has_property_values=1 aux_buffer_size=0");

    success();
    u32(1252);
    u8(1);
    u32(8);
    u8(1);
    u32(2);
    value_list();
    value_list();
    u32(0);
    RESPONSE(MAPI_GET_SPECIAL_TABLE, OK "code_page=1252 has_version=1 version=8 has_rows=1 row_count=2"
             " aux_buffer_size=0");

    success();
    u32(1252);
    u8(1);
    value_list();
    u32(0);
    RESPONSE(MAPI_GET_TEMPLATE_INFO, OK "code_page=1252 has_row=1 aux_buffer_size=0");

    success();
    u32(0);
    RESPONSE(MAPI_MOD_LINK_ATT, OK "aux_buffer_size=0");
    success();
    u32(0);
    RESPONSE(MAPI_MOD_PROPS, OK "aux_buffer_size=0");

    success();
    state(0x20);
    columns_and_rows();
    u32(0);
    RESPONSE(MAPI_QUERY_ROWS, OK STAT_TEXT("20") " has_columns_and_rows=255 row_count=2 aux_buffer_size=0");

    success();
    u8(1);
    tags();
    u32(0);
    RESPONSE(MAPI_QUERY_COLUMNS, OK "has_columns=1 aux_buffer_size=0");

    success();
    u32(1252);
    u8(1);
    u32(4);
    u32(0);
    u32(1);
    u32(2);
    u32(0x30);
    columns_and_rows();
    u32(0);
    RESPONSE(MAPI_RESOLVE_NAMES, OK "code_page=1252 has_minimal_ids=1 minimal_id_count=4 mid=0(MID_UNRESOLVED)"
             " mid=1(MID_AMBIGUOUS) mid=2(MID_RESOLVED) mid=30 has_columns_and_rows=255 row_count=2 aux_buffer_size=0");

    success();
    state(0x20);
    u8(1);
    u32(1);
    u32(0x20);
    u32(0);
    RESPONSE(MAPI_RESORT_RESTRICTION, OK STAT_TEXT("20") " has_minimal_ids=1 minimal_id_count=1 mid=20"
             " aux_buffer_size=0");

    success();
    u8(0);
    columns_and_rows();
    u32(0);
    RESPONSE(MAPI_SEEK_ENTRIES, OK "has_state=0 has_columns_and_rows=255 row_count=2 aux_buffer_size=0");

    success();
    state(0x20);
    u8(1);
    u32(0xFFFFFFFEu);
    u32(0);
    RESPONSE(MAPI_UPDATE_STAT, OK STAT_TEXT("20") " has_delta=1 delta=-2 aux_buffer_size=0");

    success();
    str16("https://m/mapi/emsmdb");
    u32(0);
    RESPONSE(MAPI_GET_MAILBOX_URL, OK "server_url=https://m/mapi/emsmdb aux_buffer_size=0");
    success();
    str16("https://m/mapi/nspi");
    u32(0);
    RESPONSE(MAPI_GET_ADDRESS_BOOK_URL, OK "server_url=https://m/mapi/nspi aux_buffer_size=0");
}

/* ---- entry IDs of ModLinkAtt: without a size as 2.2.5.10.1 says, and with one ---- */

static void ephemeral(void)
{
    u32(0x87);
    guid(0x40);
    u32(1);
    u32(0);
    u32(0x1B);
}

static void permanent(const char *dn)
{
    static const uint8_t provider[16] = { 0xDC, 0xA7, 0x40, 0xC8, 0xC0, 0x42, 0x10, 0x1A,
                                          0xB4, 0xB9, 0x08, 0x00, 0x2B, 0x2F, 0xE1, 0x82 };
    u32(0);
    for (unsigned i = 0; i < 16; i++) {
        u8(provider[i]);
    }
    u32(1);
    u32(0);
    str8(dn);
}

static void mod_link(uint32_t count)
{
    u32(1);
    u32(0x8009101Fu);
    u32(0x1B);
    u8(count > 0);
    if (count > 0) {
        u32(count);
    }
}

static void test_mod_link_att(void)
{
    mod_link(0);
    u32(0);
    REQUEST(MAPI_MOD_LINK_ATT, "flags=1 mid=1b has_entry_ids=0 aux_buffer_size=0");

    mod_link(3);
    ephemeral();
    permanent("/o=A/cn=alice");
    permanent("");
    u32(0);
    REQUEST(MAPI_MOD_LINK_ATT, "flags=1 mid=1b has_entry_ids=1 entry_id_count=3 aux_buffer_size=0");

    mod_link(2);
    u32(32);
    ephemeral();
    u32(28 + 6);
    permanent("/cn=a");
    u32(0);
    REQUEST(MAPI_MOD_LINK_ATT,
            "flags=1 mid=1b has_entry_ids=1 entry_id_count=2 entry_id_size=32 entry_id_size=34 aux_buffer_size=0");

    /* A size that reads as the ID type 0x87: a DN of 106 letters. */
    mod_link(1);
    u32(0x87);
    char dn[107];
    memset(dn, 'x', 106);
    dn[106] = '\0';
    permanent(dn);
    u32(0);
    REQUEST(MAPI_MOD_LINK_ATT, "flags=1 mid=1b has_entry_ids=1 entry_id_count=1 entry_id_size=135 aux_buffer_size=0");
}

/* ---- failures: StatusCode and AuxiliaryBuffer alone, every type ---- */

static void test_failures(void)
{
    for (unsigned type = MAPI_CONNECT; type < MAPI_PING; type++) {
        u32(0x80040115u);
        aux();
        RESPONSE((enum mapi_type)type, "status_code=80040115(NetworkError)" AUX);
        u32(0x00ABCDEF);
        u32(0);
        RESPONSE((enum mapi_type)type, "status_code=abcdef aux_buffer_size=0");
    }
}

static void test_facts(void)
{
    static struct log log;
    struct mapi_facts facts;
    /* Spans point into the reader's bytes, so these are not copied. */
    struct field_sink sink = { NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL };
    struct reader reader;

    str8("/o=X/cn=u");
    for (unsigned i = 0; i < 5; i++) {
        u32(0);
    }
    reader_init(&reader, b.bytes, b.len, b.len, &sink);
    mapi_read_body(&reader, MAPI_CONNECT, false, &facts);
    CHECK_INT(facts.user_dn.len, 9);
    CHECK(facts.user_dn.ptr == b.bytes);
    CHECK(facts.complete && !facts.has_status && !facts.has_error);
    b.len = 0;

    success();
    u32(1);
    u32(2);
    u32(3);
    str8("/o=X");
    str16("Zoe");
    u32(0);
    reader_init(&reader, b.bytes, b.len, b.len, &sink);
    mapi_read_body(&reader, MAPI_CONNECT, true, &facts);
    CHECK_INT(facts.dn_prefix.len, 4);
    CHECK_INT(facts.display_name.len, 6);
    CHECK(facts.display_name.ptr == b.bytes + 8 + 12 + 5);
    CHECK(facts.has_status && facts.has_error && facts.status == 0 && facts.error == 0);
    /* Without a place for the facts. */
    reader_init(&reader, b.bytes, b.len, b.len, &sink);
    mapi_read_body(&reader, MAPI_CONNECT, true, NULL);
    CHECK(!reader.failed && reader.pos == b.len);
    b.len = 0;

    u32(0);
    u32(0x80040115u);
    u32(0);
    u32(0);
    facts = decode(&log, MAPI_NOTIFICATION_WAIT, true, b.bytes, b.len, b.len);
    CHECK(facts.has_event_pending && facts.event_pending == 0);
    CHECK_INT(facts.error, 0x80040115u);
    CHECK_STR(log.text, "status_code=0(Success) error_code=80040115(NetworkError)"
              " notification_wait.event_pending=0(no event) aux_buffer_size=0");
    /* Only what came is said to be there. */
    facts = decode(&log, MAPI_NOTIFICATION_WAIT, true, b.bytes, 6, b.len);
    CHECK(facts.has_status && !facts.has_error && !facts.has_event_pending && !facts.complete);
    b.len = 0;
}

/* ---- bad input ---- */

static void test_bad(void)
{
    static struct log log;
    struct mapi_facts facts;

    /* PING has no bodies (2.2.6). */
    facts = decode(&log, MAPI_PING, false, b.bytes, 0, 0);
    CHECK(facts.complete && log.issues == 0 && log.values == 0);
    facts = decode(&log, MAPI_PING, true, b.bytes, 0, 0);
    CHECK(facts.complete && log.issues == 0 && !facts.has_status);
    facts = decode(&log, MAPI_PING, true, (const uint8_t *)"x", 1, 1);
    CHECK_INT(log.issues, 1);
    CHECK_STR(log.text, "body.rest=1 bytes");

    /* Types without a layout. */
    facts = decode(&log, MAPI_UNKNOWN, false, (const uint8_t *)"abc", 3, 3);
    CHECK_STR(log.text, "body.unknown=3 bytes");
    CHECK(facts.complete && log.issues == 0 && facts.end == 3);
    facts = decode(&log, MAPI_NONE, true, (const uint8_t *)"abc", 3, UINT32_MAX);
    CHECK(!facts.complete && log.issues == 0);
    facts = decode(&log, (enum mapi_type)1000, true, (const uint8_t *)"abc", 3, 3);
    CHECK_STR(log.text, "body.unknown=3 bytes");

    /* A count with nothing behind it stops at once. */
    u32(0);
    u8(0);
    u32(0xFFFFFFFFu);
    u32(0);
    facts = decode(&log, MAPI_QUERY_ROWS, false, b.bytes, b.len, b.len);
    CHECK_INT(log.issues, 2);
    CHECK_STR(log.issue, "A count of more items than there is room for");
    CHECK_STR(log.text, "flags=0 has_state=0 explicit_table_count=4294967295");
    CHECK(!facts.complete);
    /* Also when more was announced than was captured. */
    facts = decode(&log, MAPI_QUERY_ROWS, false, b.bytes, b.len, UINT32_MAX);
    CHECK_INT(log.issues, 1);
    CHECK_STR(log.issue, "More items than the 100,000 that are allowed");
    CHECK_INT(log.issue_at, 5);
    CHECK_STR(log.text, "flags=0 has_state=0 explicit_table_count=4294967295 mid=0(MID_BEGINNING_OF_TABLE)");
    b.len = 0;

    /* Rows of no columns are one byte each, and there have to be so many bytes. */
    success();
    u8(0);
    u8(1);
    u32(0);
    u32(1000);
    u32(0);
    decode(&log, MAPI_QUERY_ROWS, true, b.bytes, b.len, b.len);
    CHECK_INT(log.issues, 1);
    CHECK_INT(log.issue_at, 18);
    b.len = 0;

    /* An auxiliary buffer of 4 GB. */
    u32(0xFFFFFFFFu);
    decode(&log, MAPI_DISCONNECT, false, b.bytes, b.len, b.len);
    CHECK(log.issues > 0);
    b.len = 0;

    /* More values than are shown of one message: 99,999 IDs are, 200,000 bytes of rows not. */
    uint32_t len = 8 + 1 + 1 + 4 + 4 + 200000;
    uint8_t *p = calloc(len, 1);
    if (!p) {
        abort();
    }
    p[9] = 1;
    p[14] = 0x40;
    p[15] = 0x0D;
    p[16] = 0x03;                /* RowCount 200,000 */
    facts = decode(&log, MAPI_QUERY_ROWS, true, p, len, len);
    CHECK(!facts.complete);
    CHECK(log.values <= READER_VALUES_MAX);
    CHECK_STR(log.issue, "More values than are shown of one message");
    free(p);
}

static void test_types(void)
{
    static const struct {
        const char *name;
        enum mapi_type type;
    } cases[] = {
        { "Connect", MAPI_CONNECT }, { "EXECUTE", MAPI_EXECUTE }, { "disconnect", MAPI_DISCONNECT },
        { "NotificationWait", MAPI_NOTIFICATION_WAIT }, { "bind", MAPI_BIND }, { "Unbind", MAPI_UNBIND },
        { "CompareMIds", MAPI_COMPARE_MIDS }, { "CompareMinIds", MAPI_UNKNOWN }, { "dntomid", MAPI_DN_TO_MID },
        { "GetMatches", MAPI_GET_MATCHES }, { "GetPropList", MAPI_GET_PROP_LIST }, { "GetProps", MAPI_GET_PROPS },
        { "GetSpecialTable", MAPI_GET_SPECIAL_TABLE }, { "GetTemplateInfo", MAPI_GET_TEMPLATE_INFO },
        { "ModLinkAtt", MAPI_MOD_LINK_ATT }, { "ModProps", MAPI_MOD_PROPS }, { "QueryColumns", MAPI_QUERY_COLUMNS },
        { "QueryRows", MAPI_QUERY_ROWS }, { "ResolveNames", MAPI_RESOLVE_NAMES },
        { "ResortRestriction", MAPI_RESORT_RESTRICTION }, { "SeekEntries", MAPI_SEEK_ENTRIES },
        { "UpdateStat", MAPI_UPDATE_STAT }, { "getmailboxurl", MAPI_GET_MAILBOX_URL },
        { "GetAddressBookUrl", MAPI_GET_ADDRESS_BOOK_URL }, { "Ping", MAPI_PING }, { " \tPING ", MAPI_PING },
        { "", MAPI_NONE }, { "  ", MAPI_NONE }, { "PIN", MAPI_UNKNOWN }, { "PINGS", MAPI_UNKNOWN },
        { "P\xC4NG", MAPI_UNKNOWN }
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct span name = { (const uint8_t *)cases[i].name, strlen(cases[i].name) };
        CHECK_INT(mapi_type_of(name), cases[i].type);
    }
    unsigned nspi = 0, emsmdb = 0, named = 0;
    for (unsigned i = 0; i < MAPI_TYPES; i++) {
        const char *name = mapi_type_name((enum mapi_type)i);
        nspi += mapi_type_is_nspi((enum mapi_type)i);
        emsmdb += mapi_type_is_emsmdb((enum mapi_type)i);
        named += name != NULL;
        if (name) {
            struct span span = { (const uint8_t *)name, strlen(name) };
            CHECK_INT(mapi_type_of(span), i);
        }
    }
    CHECK_INT(nspi, 19);
    CHECK_INT(emsmdb, 4);
    CHECK_INT(named, 24);
    CHECK_STR(mapi_type_name(MAPI_DN_TO_MID), "DNToMId");
    CHECK(mapi_type_name((enum mapi_type)99) == NULL);

    /* A row with a mask is a part of a 32-bit integer; the others are of full size. */
    for (unsigned i = 0; i < mapibody_fields.count; i++) {
        const struct field *row = &mapibody_fields.rows[i];
        CHECK(row->filter && row->label);
        CHECK(!row->mask || (i > 0 && row->kind == FIELD_U32 && strlen(row->filter) < FILTER_LEN));
    }
}

/* ---- the envelope: 2.2.7, 3.2.5.2 ---- */

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
                    used += (size_t)snprintf(out + used, size - used, "(%.*s|%.*s@%u+%u)", (int)meta.name.len,
                                             (const char *)meta.name.ptr, (int)meta.value.len,
                                             (const char *)meta.value.ptr, (unsigned)meta.value_offset,
                                             (unsigned)meta.value_len);
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

/* ---- bytes of others ----
 * HTTP bodies, from loopback captures of gromox 3.10 (every response) with the clients of
 * the captures that are named. */

struct vector {
    const char *type;
    bool response;
    const char *hex;
};

static const struct vector vectors[] = {
    /* mapihttp-nspi.pcap */
    { "Bind", false,
      "00000000ff000000000000000000000000000000000000000000000000e4040000090400000904000000000000" },
    { "Bind", true,
      "50524f43455353494e470d0a444f4e450d0a582d456c617073656454696d653a20300d0a582d537461727454696d653a204d6f6e2c20"
      "3233204e6f7620323032362032333a35343a323820474d540d0a0d0a000000000000000020a3e01ebfbf51498cd92759ef3e28f00000"
      "0000" },
    { "GetSpecialTable", false,
      "04000000ff000000000000000000000000000000000000000000000000e40400000904000009040000ff0000000000000000" },
    { "GetSpecialTable", true,
      "50524f43455353494e470d0a444f4e450d0a582d456c617073656454696d653a20300d0a582d537461727454696d653a204d6f6e2c20"
      "3233204e6f7620323032362032333a35343a323820474d540d0a0d0a0000000000000000e4040000ff01000000ff0200000006000000"
      "0201ff0fff1e00000000000000dca740c8c042101ab4b908002b2fe18201000000000100002f00030000360900000003000530000000"
      "000300fdff000000001f000130000b00fbff00060000000201ff0fff4700000000000000dca740c8c042101ab4b908002b2fe1820100"
      "0000000100002f677569643d34303030303031312d303030302d303030302d303030302d30303030303030303030303000030000360b"
      "00000003000530000000000300fdff110000401f000130ff6500780061006d0070006c0065002e00740065007300740000000b00fbff"
      "0000000000" },
    { "UpdateStat", false,
      "00000000ff000000000000000000000000000000000000000000000000e40400000904000009040000ff00000000" },
    { "UpdateStat", true,
      "50524f43455353494e470d0a444f4e450d0a582d456c617073656454696d653a20300d0a582d537461727454696d653a204d6f6e2c20"
      "3233204e6f7620323032362032333a35343a323820474d540d0a0d0a0000000000000000ff0000000000000000110000000000000000"
      "00000052000000e40400000904000009040000ff0000000000000000" },
    { "QueryRows", false,
      "00000000ff000000000000000000000000000000000000000000000000e40400000904000009040000000000001e000000ff06000000"
      "1f0001301f00fe391f00083a1f00173a0201ff0f0300003900000000" },
    { "QueryRows", false,
      "00000000ff000000000000000000000000000000000000000000000000e4040000090400000904000003000000110000001200000013"
      "0000000a000000ff060000001f0001301f00fe391f00083a1f00173a0201ff0f0300003900000000" },
    { "QueryRows", true,
      "50524f43455353494e470d0a444f4e450d0a582d456c617073656454696d653a20300d0a582d537461727454696d653a204d6f6e2c20"
      "3233204e6f7620323032362032333a35343a323820474d540d0a0d0a0000000000000000ff0000000000000000000000000000000000"
      "00000000000000e40400000904000009040000ff060000001f0001301f00fe391f00083a1f00173a0201ff0f030000390300000000ff"
      "41006c00690063006500200041006e0064006500720073006f006e000000ff61006c0069006300650040006500780061006d0070006c"
      "0065002e0074006500730074000000ff2b0034003300200031002000350035003500200031003000300031000000ff45006e00670069"
      "006e006500650072000000ff8900000000000000dca740c8c042101ab4b908002b2fe18201000000000000002f6f3d47726f6d6f7820"
      "64656661756c742f6f753d45786368616e67652041646d696e6973747261746976652047726f7570202846594449424f484632335350"
      "444c54292f636e3d526563697069656e74732f636e3d303130303030303030313030303030302d616c696365000000000000ff42006f"
      "0062002000420061006b00650072000000ff62006f00620040006500780061006d0070006c0065002e0074006500730074000000ff2b"
      "0034003300200031002000350035003500200031003000300032000000ff4d0061006e0061006700650072000000ff87000000000000"
      "00dca740c8c042101ab4b908002b2fe18201000000000000002f6f3d47726f6d6f782064656661756c742f6f753d45786368616e6765"
      "2041646d696e6973747261746976652047726f7570202846594449424f484632335350444c54292f636e3d526563697069656e74732f"
      "636e3d303130303030303030323030303030302d626f62000000000000ff4300610072006c00610020004d0065007900650072000000"
      "ff6300610072006c0061002e006d00650079006500720040006500780061006d0070006c0065002e0074006500730074000000ff2b00"
      "34003300200031002000350035003500200031003000300033000000ff45006e00670069006e006500650072000000ff8f0000000000"
      "0000dca740c8c042101ab4b908002b2fe18201000000000000002f6f3d47726f6d6f782064656661756c742f6f753d45786368616e67"
      "652041646d696e6973747261746976652047726f7570202846594449424f484632335350444c54292f636e3d526563697069656e7473"
      "2f636e3d303130303030303030333030303030302d6361726c612e6d65796572000000000000000000" },
    { "ResolveNames", false,
      "00000000ff000000000000000000000000000000000000000000000000e40400000904000009040000ff030000001f0001301f00fe39"
      "1f00083aff0300000061006c0069006300650000004d00650079006500720000006e006f007300750063006800750073006500720000"
      "0000000000" },
    { "ResolveNames", true,
      "50524f43455353494e470d0a444f4e450d0a582d456c617073656454696d653a20300d0a582d537461727454696d653a204d6f6e2c20"
      "3233204e6f7620323032362032333a35343a323820474d540d0a0d0a0000000000000000b0040000ff03000000020000000100000001"
      "000000ff030000001f0001301f00fe391f00083a0100000000ff41006c00690063006500200041006e0064006500720073006f006e00"
      "0000ff61006c0069006300650040006500780061006d0070006c0065002e0074006500730074000000ff2b0034003300200031002000"
      "35003500350020003100300030003100000000000000" },
    { "GetMatches", false,
      "00000000ff000000000000000000000000000000000000000000000000e404000009040000090400000000000000ff04041f000c36ff"
      "1f000c36ff4300610072006c00610000000032000000ff030000001f0001301f00fe391f00083a00000000" },
    { "GetMatches", true,
      "50524f43455353494e470d0a444f4e450d0a582d456c617073656454696d653a20300d0a582d537461727454696d653a204d6f6e2c20"
      "3233204e6f7620323032362032333a35343a323820474d540d0a0d0a0000000000000000ff0000000000000000000000000000000000"
      "00000000000000e40400000904000009040000ff0400000013000000270000003b0000004f000000ff030000001f0001301f00fe391f"
      "00083a0400000000ff4300610072006c00610020004d0065007900650072000000ff6300610072006c0061002e006d00650079006500"
      "720040006500780061006d0070006c0065002e0074006500730074000000ff2b00340033002000310020003500350035002000310030"
      "0030003300000000ff4300610072006c00610020004e006f00760061006b000000ff6300610072006c0061002e006e006f0076006100"
      "6b0040006500780061006d0070006c0065002e0074006500730074000000ff2b00340033002000310020003500350035002000310030"
      "0032003300000000ff4300610072006c00610020004f006b00610066006f0072000000ff6300610072006c0061002e006f006b006100"
      "66006f00720040006500780061006d0070006c0065002e0074006500730074000000ff2b003400330020003100200035003500350020"
      "003100300034003300000000ff4300610072006c006100200050006500740072006f0076000000ff6300610072006c0061002e007000"
      "6500740072006f00760040006500780061006d0070006c0065002e0074006500730074000000ff2b0034003300200031002000350035"
      "00350020003100300036003300000000000000" },
    { "DNToMId", false,
      "00000000ff020000002f6f3d47726f6d6f782064656661756c742f6f753d45786368616e67652041646d696e69737472617469766520"
      "47726f7570202846594449424f484632335350444c54292f636e3d526563697069656e74732f636e3d30313030303030303031303030"
      "3030302d616c696365002f6f3d47726f6d6f782064656661756c742f6f753d6e6f70650000000000" },
    { "DNToMId", true,
      "50524f43455353494e470d0a444f4e450d0a582d456c617073656454696d653a20300d0a582d537461727454696d653a204d6f6e2c20"
      "3233204e6f7620323032362032333a35343a323820474d540d0a0d0a0000000000000000ff02000000110000000000000000000000" },
    { "GetProps", false,
      "00000000ff000000000000000011000000000000000000000000000000e40400000904000009040000ff060000001f0001301f00fe39"
      "1f00083a1f00173a0201ff0f0300003900000000" },
    { "GetProps", true,
      "50524f43455353494e470d0a444f4e450d0a582d456c617073656454696d653a20300d0a582d537461727454696d653a204d6f6e2c20"
      "3233204e6f7620323032362032333a35343a323820474d540d0a0d0a0000000000000000e4040000ff060000001f000130ff41006c00"
      "690063006500200041006e0064006500720073006f006e0000001f00fe39ff61006c0069006300650040006500780061006d0070006c"
      "0065002e00740065007300740000001f00083aff2b00340033002000310020003500350035002000310030003000310000001f00173a"
      "ff45006e00670069006e0065006500720000000201ff0fff8900000000000000dca740c8c042101ab4b908002b2fe182010000000000"
      "00002f6f3d47726f6d6f782064656661756c742f6f753d45786368616e67652041646d696e6973747261746976652047726f75702028"
      "46594449424f484632335350444c54292f636e3d526563697069656e74732f636e3d303130303030303030313030303030302d616c69"
      "636500030000390000000000000000" },
    { "GetMailboxUrl", false,
      "000000002f006f003d00470072006f006d006f0078002000640065006600610075006c0074002f006f0075003d004500780063006800"
      "61006e00670065002000410064006d0069006e006900730074007200610074006900760065002000470072006f007500700020002800"
      "460059004400490042004f0048004600320033005300500044004c00540029002f0063006e003d0043006f006e006600690067007500"
      "72006100740069006f006e002f0063006e003d0053006500720076006500720073002f0063006e003d00360031003600630036003900"
      "360033002d0036003500340030002d0036003500370038002d0036003100360064002d00370030003600630030003100300030003000"
      "30003000300040006500780061006d0070006c0065002e007400650073007400000000000000" },
    { "GetMailboxUrl", true,
      "50524f43455353494e470d0a444f4e450d0a582d456c617073656454696d653a20300d0a582d537461727454696d653a204d6f6e2c20"
      "3233204e6f7620323032362032333a35343a323820474d540d0a0d0a0000000000000000680074007400700073003a002f002f006d00"
      "610069006c002e006500780061006d0070006c0065002e0074006500730074002f006d006100700069002f0065006d0073006d006400"
      "62002f003f004d00610069006c0062006f007800490064003d005300650072007600650072007300000000000000" },
    { "GetAddressBookUrl", false,
      "000000002f006f003d00470072006f006d006f0078002000640065006600610075006c0074002f006f0075003d004500780063006800"
      "61006e00670065002000410064006d0069006e006900730074007200610074006900760065002000470072006f007500700020002800"
      "460059004400490042004f0048004600320033005300500044004c00540029002f0063006e003d005200650063006900700069006500"
      "6e00740073002f0063006e003d0030003100300030003000300030003000300031003000300030003000300030002d0061006c006900"
      "63006500000000000000" },
    { "GetAddressBookUrl", true,
      "50524f43455353494e470d0a444f4e450d0a582d456c617073656454696d653a20300d0a582d537461727454696d653a204d6f6e2c20"
      "3233204e6f7620323032362032333a35343a323820474d540d0a0d0a0000000000000000680074007400700073003a002f002f006d00"
      "610069006c002e006500780061006d0070006c0065002e0074006500730074002f006d006100700069002f006e007300700069002f00"
      "3f004d00610069006c0062006f007800490064003d0061006c00690063002d00650040002d00650078002d0061006d002d0070006c00"
      "3100360037003700370032003100360040006500780061006d0070006c0065002e007400650073007400000000000000" },
    { "Unbind", false,
      "0000000000000000" },
    { "Unbind", true,
      "50524f43455353494e470d0a444f4e450d0a582d456c617073656454696d653a20300d0a582d537461727454696d653a204d6f6e2c20"
      "3233204e6f7620323032362032333a35343a323820474d540d0a0d0a000000000100000000000000" },
    /* mapihttp-session.pcap */
    { "Connect", false,
      "2f6f3d47726f6d6f782064656661756c742f6f753d45786368616e67652041646d696e6973747261746976652047726f757020284659"
      "4449424f484632335350444c54292f636e3d526563697069656e74732f636e3d303130303030303030313030303030302d616c696365"
      "0000000000e4040000090400000904000000000000" },
    { "Connect", true,
      "50524f43455353494e470d0a444f4e450d0a582d456c617073656454696d653a20300d0a582d537461727454696d653a204d6f6e2c20"
      "3233204e6f7620323032362032333a35333a353220474d540d0a0d0a000000000000000060ea000006000000102700000041006c0069"
      "0063006500200041006e0064006500720073006f006e00000024000000000004001c001c0008000117030000000c00010a0c00000000"
      "840c240800014801000000" },
    { "Execute", false,
      "030000008900000000000400810081007d00fe0000010c040001000000006d002f6f3d47726f6d6f782064656661756c742f6f753d45"
      "786368616e67652041646d696e6973747261746976652047726f7570202846594449424f484632335350444c54292f636e3d52656369"
      "7069656e74732f636e3d303130303030303030313030303030302d616c69636500ffffffff0800010000000000" },
    { "Execute", true,
      "50524f43455353494e470d0a444f4e450d0a582d456c617073656454696d653a20300d0a582d537461727454696d653a204d6f6e2c20"
      "3233204e6f7620323032362032333a35333a353220474d540d0a0d0a000000000000000000000000b400000000000400ac00ac00a800"
      "fe0000000000010100000000000001010000000000000201000000000000030100000000000009010000000000000d01000000000000"
      "0c010000000000000a010000000000000b01000000000000070100000000000008010000000000000501000000000000060100000000"
      "00000407f91cc6998f63cd41b5fd59ba144fa72d0500ecea0e3a3d34dd4e84d0a603b807c25734351701170bea0700e83ce4a57bdd01"
      "000000000000000000000000" },
    { "Execute", false,
      "0300000026000000000004001e001e00160002000001010000000000000d000800010000010000000000ffffffff0800010000000000" },
    { "Execute", true,
      "50524f43455353494e470d0a444f4e450d0a582d456c617073656454696d653a20300d0a582d537461727454696d653a204d6f6e2c20"
      "3233204e6f7620323032362032333a35333a353220474d540d0a0d0a0000000000000000000000008801000000000400800180017801"
      "02010000000000000801000000002d000a0041660e0007800a0048670e0007800a00f40f0e0007800a0039660e0007800a00090e0e00"
      "07800a00d13d0e0007800a00e1650e0007800a00d7360e0007800a00d1360e0007800a00d0360e0007800a00d2360e0007800a00d336"
      "0e0007800a00d4360e0007800a00e4360e0007800a00d8360e0007800a00d9360e0007800a00080e0e0007800a00230e0e0007800a00"
      "5c0e0e0007800a0001300e0007801f00043000000a0007300e0007800a0008300e0007800a0001360e0007800a0002360e0007800a00"
      "03360e0007800a000a360e0007800a0013360e0007800a0017360e0007800a0082400e0007800a00e2650e0007800a00e3650e000780"
      "0a0038660e0007800a003a660e0007800a003e660e0007800a00a8660e0007800a00b3660e0007800a00b4660e0007800a00b5660e00"
      "07800a0009670e0007800a000a670e0007800a000b670e0007800a0051670e0007800a00a4670e0007800a00e0650e00078000000000"
      "0100000000000000" },
    { "Execute", false,
      "030000002800000000000400200020001c0009000027000049504d2e4e6f746500430000010000000000000d00000000080001000000"
      "0000" },
    { "Execute", true,
      "50524f43455353494e470d0a444f4e450d0a582d456c617073656454696d653a20300d0a582d537461727454696d653a204d6f6e2c20"
      "3233204e6f7620323032362032333a35333a353220474d540d0a0d0a000000000000000000000000c200000000000400ba00ba00b600"
      "0900000000001f001400080e0300230e400007300b001d66020138661400b3661400b4661f001c6602011b6603006d6603009b0e1f00"
      "ff3903009d6614009d660300436603009b6614009b660300406603009c6614009c660300b4660300080e0300b3660300023603001736"
      "1f0003300201d8350201e1350201e8350201206602012166270000000000010000000000000d49504d0043000000000001000000a518"
      "7b6fbcdcea1ed03c565700000000000d00000000000000000000" },
    { "Execute", false,
      "0300000017000000000006000f000f00a2a5a0a5a5a4a5a4a5a5a55a5a5a5a0800010000000000" },
    { "Execute", true,
      "50524f43455353494e470d0a444f4e450d0a582d456c617073656454696d653a20300d0a582d537461727454696d653a204d6f6e2c20"
      "3233204e6f7620323032362032333a35333a353220474d540d0a0d0a0000000000000000000000001c00000000000400140014000c00"
      "0501000000001d000000010000000400000000000000" },
    { "PING", true,
      "50524f43455353494e470d0a444f4e450d0a582d456c617073656454696d653a20300d0a582d537461727454696d653a204d6f6e2c20"
      "3233204e6f7620323032362032333a35333a353220474d540d0a0d0a" },
    { "Disconnect", false,
      "00000000" },
    { "Disconnect", true,
      "50524f43455353494e470d0a444f4e450d0a582d456c617073656454696d653a20300d0a582d537461727454696d653a204d6f6e2c20"
      "3233204e6f7620323032362032333a35343a323420474d540d0a0d0a000000000000000000000000" },
    { "NotificationWait", false,
      "0000000000000000" },
    { "NotificationWait", true,
      "50524f43455353494e470d0a50454e44494e4750524f43455353494e470d0a444f4e450d0a582d456c617073656454696d653a203332"
      "0d0a582d537461727454696d653a204d6f6e2c203233204e6f7620323032362032333a35333a353220474d540d0a0d0a000000000000"
      "00000100000000000000" },
    /* mapihttp-ruler-basic.pcap */
    { "Execute", false,
      "030000008900000000000400810081007d00fe0c00010c000001000000006d002f6f3d47726f6d6f782064656661756c742f6f753d45"
      "786368616e67652041646d696e6973747261746976652047726f7570202846594449424f484632335350444c54292f636e3d52656369"
      "7069656e74732f636e3d303130303030303030313030303030302d616c69636500ffffffff015a000000000000" },
    { "Execute", true,
      "50524f43455353494e470d0a444f4e450d0a582d456c617073656454696d653a20300d0a582d537461727454696d653a205475652c20"
      "3234204e6f7620323032362030303a30323a313120474d540d0a0d0a000000000000000000000000b400000000000400ac00ac00a800"
      "fe0000000000010100000000000001010000000000000201000000000000030100000000000009010000000000000d01000000000000"
      "0c010000000000000a010000000000000b01000000000000070100000000000008010000000000000501000000000000060100000000"
      "00000407f91cc6998f63cd41b5fd59ba144fa72d0500ecea0e3a3d34dd4e84d0a603b807c2570b020002180bea078043aa0da77bdd01"
      "000000000000000000000000" },
    { "Execute", false,
      "030000001f00000000000400170017000f00020c0001010000000000000d000000000cffffffff015a000000000000" },
    { "Execute", true,
      "50524f43455353494e470d0a444f4e450d0a582d456c617073656454696d653a20300d0a582d537461727454696d653a205475652c20"
      "3234204e6f7620323032362030303a30323a313120474d540d0a0d0a0000000000000000000000001800000000000400100010000800"
      "0201b90400000000000cffffffff00000000" },
    { "Execute", false,
      "030000002800000000000400200020001400020c0001010000000000000d00040c0102400000000cffffffffffffffff000004000000"
      "0000" },
    { "Execute", true,
      "50524f43455353494e470d0a444f4e450d0a582d456c617073656454696d653a20300d0a582d537461727454696d653a205475652c20"
      "3234204e6f7620323032362030303a30323a313120474d540d0a0d0a00000000000000000000000022000000000004001a001a000e00"
      "0201b90400000402b90400000000000cffffffffffffffff00000000" },
    { "Execute", false,
      "0300000052000000000004004a004a0042001c0c00010201000073006500610072006300680065007200000073006f006d0065002000"
      "63006f006d006d0065006e00740000000a0c01070001000b00f410010100000cffffffff0000040000000000" },
    { "Execute", true,
      "50524f43455353494e470d0a444f4e450d0a582d456c617073656454696d653a20300d0a582d537461727454696d653a205475652c20"
      "3234204e6f7620323032362030303a30323a313120474d540d0a0d0a0000000000000000000000001e00000000000400160016000e00"
      "1c01b90400000a01b90400000100000cffffffff00000000" },
    /* fail-mapihttp-responsecodes.pcap */
    { "Connect", false,
      "2f6f3d6e6f70652f636e3d6e6f626f64790000000000e4040000090400000904000000000000" },
    { "Connect", true,
      "50524f43455353494e470d0a444f4e450d0a582d456c617073656454696d653a20300d0a582d537461727454696d653a205475652c20"
      "3234204e6f7620323032362030303a31313a343420474d540d0a0d0a0000000015010480000000000000000000000000000000240000"
      "00000004001c001c0008000117030000000c00010a0c00000000840c240800014801000000" },
};

static unsigned hex_digit(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a' + 10);
}

static void test_vectors(void)
{
    static struct log log;
    static uint8_t bytes[2048];
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        const struct vector *v = &vectors[i];
        uint32_t len = (uint32_t)strlen(v->hex) / 2, at = 0;
        struct span name = { (const uint8_t *)v->type, strlen(v->type) };
        CHECK(len <= sizeof(bytes));
        for (uint32_t k = 0; k < len && k < sizeof(bytes); k++) {
            bytes[k] = (uint8_t)(hex_digit(v->hex[2 * k]) << 4 | hex_digit(v->hex[2 * k + 1]));
        }
        if (v->response) {
            struct meta_scanner scanner;
            struct mapi_meta meta;
            size_t pos = 0;
            unsigned tags_seen = 0;
            meta_scan_init(&scanner);
            do {
                pos += meta_scan(&scanner, bytes + pos, len - pos, &meta);
                tags_seen += meta_tag_name((enum meta_kind)meta.kind) != NULL;
            } while (meta.kind != META_NOTHING);
            CHECK_INT(scanner.state, META_IN_BODY);
            CHECK(tags_seen >= 2);
            at = scanner.body;
        }
        enum mapi_type type = mapi_type_of(name);
        CHECK(type != MAPI_UNKNOWN);
        note_all(type, v->response, bytes + at, len - at);
        struct mapi_facts facts = decode(&log, type, v->response, bytes + at, len - at, len - at);
        unit_check_int(log.issues, 0, __FILE__, (int)i, v->type);
        unit_check(facts.complete, __FILE__, (int)i, v->type);
        unit_check_int(log.end, len - at, __FILE__, (int)i, v->type);
        unit_check_int(facts.has_status, v->response && type != MAPI_PING, __FILE__, (int)i, v->type);
    }
}

int main(void)
{
    test_types();
    test_mailbox();
    test_address_book_in();
    test_address_book_out();
    test_mod_link_att();
    test_failures();
    test_facts();
    test_bad();
    test_envelope();
    test_vectors();
    transcript_end(__FILE__);
    return unit_end();
}
