/* test_oxext.c
 * Extended buffers, MS-OXCRPC 2.2.2 and 3.1.4.1.1, and their compression, MS-XCA 2.4. The
 * structures are written down from the sections of the specification.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "oxext.h"
#include "oxrop.h"
#include "oxxpress.h"
#include "fieldlog.h"
#include "unit.h"

#include <stdarg.h>
#include <stdlib.h>

/* ---- a sink that writes down what it hears ---- */

static char heard[8u << 20];
static size_t heard_len;
static unsigned issues, opened, entered;
static size_t room_asked;
static uint8_t pool[16u << 20];
static size_t pool_used;

static void note(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(heard + heard_len, sizeof(heard) - heard_len, format, args);
    va_end(args);
    if (len > 0 && (size_t)len < sizeof(heard) - heard_len) {
        heard_len += (size_t)len;
    }
}

/* "filter@offset+len=number", strings and texts in quotes, short runs in hex. */
static void on_value(void *ctx, const struct field_value *value)
{
    (void)ctx;
    note("%s@%u+%u", value->field->filter, value->offset, value->len);
    switch (value->field->kind) {
    case FIELD_STRING16:
        note("=\"");
        for (uint32_t i = 0; i + 1 < value->len && (value->bytes[i] || value->bytes[i + 1]); i += 2) {
            note("%c", value->bytes[i]);
        }
        note("\"");
        break;
    case FIELD_BYTES:
    case FIELD_GUID:
        note("=");
        for (uint32_t i = 0; i < value->len && i < 16; i++) {
            note("%02x", value->bytes[i]);
        }
        break;
    default:
        note("=%llu", (unsigned long long)value->number);
    }
    note(value->text ? " (%s)\n" : "\n", value->text);
}

static void on_open(void *ctx, const char *label, uint32_t offset)
{
    (void)ctx;
    opened++;
    note("{ %s@%u\n", label, offset);
}

static void on_close(void *ctx, uint32_t end, const char *summary)
{
    (void)ctx;
    CHECK(opened > 0);
    opened--;
    note("} %u %s\n", end, summary ? summary : "-");
}

static void on_issue(void *ctx, uint32_t offset, const char *what)
{
    (void)ctx;
    issues++;
    note("! %u %s\n", offset, what);
}

static uint8_t *on_room(void *ctx, size_t size)
{
    (void)ctx;
    room_asked += size;
    if (size > sizeof(pool) - pool_used) {
        return NULL;
    }
    pool_used += size;
    return pool + pool_used - size;
}

static void on_enter(void *ctx, const uint8_t *bytes, uint32_t len, const char *name)
{
    (void)ctx;
    (void)bytes;
    entered++;
    note("> %s %u\n", name, len);
}

static void on_leave(void *ctx)
{
    (void)ctx;
    CHECK(entered > 0);
    entered--;
    note("<\n");
}

static const struct field_sink sink = { NULL, on_value, on_open, on_close, on_issue, on_room, on_enter, on_leave };

static const struct field_sink *hearing = &sink;

enum buffer { AUX, ROP_REQUEST, ROP_RESPONSE };

static void note_aux(struct reader *reader)
{
    read_aux_buffer(reader, reader->whole);
}

static void note_rops(struct reader *reader)
{
    read_rop_buffer(reader, reader->whole, false);
}

static void note_rops_of_response(struct reader *reader)
{
    read_rop_buffer(reader, reader->whole, true);
}

/* Reads one buffer of size bytes; have of them are captured, whole were sent. */
static struct reader decode_cut(const uint8_t *p, size_t have, uint32_t whole, uint32_t size, enum buffer which)
{
    heard_len = 0;
    heard[0] = '\0';
    issues = opened = entered = 0;
    room_asked = pool_used = 0;
    /* A copy of its own, so that a sanitizer sees a read past the end. */
    uint8_t *copy = malloc(have ? have : 1);
    memcpy(copy, p, have);
    if (have == whole && whole == size) {
        fieldlog_all(which == AUX ? "auxiliary" : which == ROP_REQUEST ? "ROP request" : "ROP response", p, size,
                     which == AUX ? note_aux : which == ROP_REQUEST ? note_rops : note_rops_of_response);
    }
    struct reader reader;
    reader_init(&reader, copy, (uint32_t)have, whole, hearing);
    if (which == AUX) {
        read_aux_buffer(&reader, size);
    } else {
        read_rop_buffer(&reader, size, which == ROP_RESPONSE);
    }
    CHECK_INT(opened, 0);
    CHECK_INT(entered, 0);
    CHECK_INT(reader.depth, 0);
    free(copy);
    return reader;
}

static struct reader decode(const uint8_t *p, size_t len, enum buffer which)
{
    return decode_cut(p, len, (uint32_t)len, (uint32_t)len, which);
}

static void check_heard(const char *line, const char *file, int at)
{
    int good = strstr(heard, line) != NULL;
    unit_check(good, file, at, line);
    if (!good) {
        fprintf(stderr, "%s", heard);
    }
}

#define HEARD(line) check_heard(line, __FILE__, __LINE__)
#define NOT_HEARD(line) CHECK(strstr(heard, line) == NULL)

/* ---- building ---- */

struct builder {
    uint8_t bytes[80000];
    size_t len;
};

static struct builder b;

static void put8(unsigned value)
{
    b.bytes[b.len++] = (uint8_t)value;
}

static void put16(unsigned value)
{
    put8(value & 0xFF);
    put8(value >> 8 & 0xFF);
}

static void put32(uint32_t value)
{
    put16(value & 0xFFFF);
    put16(value >> 16);
}

static void put_bytes(const void *p, size_t len)
{
    memcpy(b.bytes + b.len, p, len);
    b.len += len;
}

static void put_wide(const char *text)
{
    do {
        put16((uint8_t)*text);
    } while (*text++);
}

static void patch16(size_t at, unsigned value)
{
    b.bytes[at] = (uint8_t)value;
    b.bytes[at + 1] = (uint8_t)(value >> 8);
}

static void start(void)
{
    b.len = 0;
}

static size_t ext_header(unsigned flags, unsigned size, unsigned actual)
{
    size_t at = b.len;
    put16(0);
    put16(flags);
    put16(size);
    put16(actual);
    return at;
}

static void ext_end(size_t at)
{
    patch16(at + 4, (unsigned)(b.len - at - 8));
    patch16(at + 6, (unsigned)(b.len - at - 8));
}

static size_t aux_header(unsigned version, unsigned type)
{
    size_t at = b.len;
    put16(0);
    put8(version);
    put8(type);
    return at;
}

static void aux_end(size_t at)
{
    patch16(at, (unsigned)(b.len - at));
}

/* ---- compression ---- */

static uint8_t output[70000];

static size_t undo(const void *in, size_t len, size_t out_size, size_t *error_at)
{
    uint8_t *copy = malloc(len ? len : 1);
    memcpy(copy, in, len);
    memset(output, 0xEE, sizeof(output));
    size_t written = xpress_decompress(copy, len, 0, output, out_size, error_at);
    CHECK(written <= out_size);
    CHECK_INT(output[out_size], 0xEE);
    free(copy);
    return written;
}

/* MS-XCA 3.1 */
static const uint8_t xca_alphabet[] = {
    0x3f, 0x00, 0x00, 0x00, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e,
    0x6f, 0x70, 0x71, 0x72, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a
};
static const uint8_t xca_abc[] = { 0xff, 0xff, 0xff, 0x1f, 0x61, 0x62, 0x63, 0x17, 0x00, 0x0f, 0xff, 0x26, 0x01 };

static void test_published_vectors(void)
{
    size_t error_at;
    CHECK_INT(undo(xca_alphabet, sizeof(xca_alphabet), 26, &error_at), 26);
    CHECK(error_at == XPRESS_WHOLE);
    CHECK(memcmp(output, "abcdefghijklmnopqrstuvwxyz", 26) == 0);
    /* More room than output: the end bit ends it. */
    CHECK_INT(undo(xca_alphabet, sizeof(xca_alphabet), 1000, &error_at), 26);
    CHECK(error_at == XPRESS_WHOLE);

    CHECK_INT(undo(xca_abc, sizeof(xca_abc), 300, &error_at), 300);
    CHECK(error_at == XPRESS_WHOLE);
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
    } rows[] = {
        { 3, 0, { 0 }, 0 },
        { 9, 6, { 0 }, 0 },
        { 10, 7, { 0x00 }, 1 },
        { 24, 7, { 0x0E }, 1 },
        { 25, 7, { 0x0F, 0x00 }, 2 },
        { 26, 7, { 0x0F, 0x01 }, 2 },
        { 279, 7, { 0x0F, 0xFE }, 2 },
        { 280, 7, { 0x0F, 0xFF, 0x15, 0x01 }, 4 },
        { 281, 7, { 0x0F, 0xFF, 0x16, 0x01 }, 4 },
        { 65538, 7, { 0x0F, 0xFF, 0xFF, 0xFF }, 4 }
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t in[16] = { 0xFF, 0xFF, 0xFF, 0x7F, 'x', rows[i].metadata, 0 };
        memcpy(in + 7, rows[i].more, rows[i].count);
        size_t error_at, len = 7 + rows[i].count;
        CHECK_INT(undo(in, len, 69999, &error_at), rows[i].length + 1);
        CHECK(error_at == XPRESS_WHOLE);
        CHECK_INT(output[rows[i].length], 'x');
        /* Cut anywhere, it says so and where. */
        for (size_t cut = 0; cut < len; cut++) {
            size_t written = undo(in, cut, 69999, &error_at);
            CHECK_INT(written, cut >= 5);
            CHECK(cut == 5 ? error_at == XPRESS_WHOLE : error_at == cut);
        }
    }
}

static void test_shared_nibble(void)
{
    /* Three long matches: the second takes the high half of the first one's byte, the third
     * has a byte of its own. */
    static const uint8_t in[] = {
        0xFF, 0xFF, 0xFF, 0x7F, 'x', 0x07, 0x00, 0x21, 0x07, 0x00, 0x07, 0x00, 0x03
    };
    size_t error_at;
    CHECK_INT(undo(in, sizeof(in), 1000, &error_at), 1 + 11 + 12 + 13);
    CHECK(error_at == XPRESS_WHOLE);
}

static void test_end_bit_in_its_own_word(void)
{
    uint8_t in[4 + 32 + 4] = { 0 };
    memset(in + 4, 'y', 32);
    memset(in + 36, 0xFF, 4);
    size_t error_at;
    CHECK_INT(undo(in, sizeof(in), 32, &error_at), 32);
    CHECK(error_at == XPRESS_WHOLE);
    CHECK_INT(undo(in, sizeof(in), 33, &error_at), 32);
    CHECK(error_at == XPRESS_WHOLE);
    /* Without it. */
    CHECK_INT(undo(in, 36, 32, &error_at), 32);
    CHECK(error_at == XPRESS_WHOLE);
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
        CHECK_INT(error_at, behind == 4 ? XPRESS_WHOLE : 36);
        CHECK_INT(undo(in, 4 + 31 + behind, 31, &error_at), 31);
        CHECK_INT(error_at, 35);
    }
}

static void test_32_bit_length(void)
{
    uint8_t in[] = { 0xFF, 0xFF, 0xFF, 0x7F, 'x', 0x07, 0x00, 0x0F, 0xFF, 0, 0, 0x15, 0x01, 0, 0 };
    size_t error_at;
    CHECK_INT(undo(in, sizeof(in), 1000, &error_at), 281);
    CHECK(error_at == XPRESS_WHOLE);
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
    /* Output full, input not used up. */
    CHECK_INT(undo(xca_alphabet, sizeof(xca_alphabet), 20, &error_at), 20);
    CHECK_INT(error_at, 24);
    CHECK_INT(undo(xca_abc, sizeof(xca_abc), 299, &error_at), 299);
    CHECK_INT(error_at, 7);
    /* Nothing at all. */
    CHECK_INT(undo(xca_abc, 0, 10, &error_at), 0);
    CHECK_INT(error_at, 0);
    CHECK_INT(undo(xca_abc, 0, 0, &error_at), 0);
    CHECK(error_at == XPRESS_WHOLE);
}

/* ---- auxiliary blocks ---- */

/* The fixed part of every block, MS-OXCRPC 2.2.2.2.1 to 2.2.2.2.23, by the table of types
 * in 2.2.2.2. */
#define PERF_REQUESTID "session_id:2 request_id:2"
#define PERF_SESSIONINFO "session_id:2 reserved:2 session_guid:16"
#define PERF_SESSIONINFO_V2 "session_id:2 reserved:2 session_guid:16 connection_id:4"
#define PERF_CLIENTINFO "adapter_speed:4 client_id:2 machine_name_offset:2 user_name_offset:2 client_ip_size:2 " \
    "client_ip_offset:2 client_ip_mask_size:2 client_ip_mask_offset:2 adapter_name_offset:2 mac_address_size:2 " \
    "mac_address_offset:2 client_mode:2 reserved:2"
#define PERF_SERVERINFO "server_id:2 server_type:2 server_dn_offset:2 server_name_offset:2"
#define PERF_PROCESSINFO "process_id:2 reserved:2 process_guid:16 process_name_offset:2 reserved:2"
#define PERF_DEFMDB_SUCCESS "time_since_request:4 time_to_complete_request:4 request_id:2 reserved:2"
#define PERF_DEFGC_SUCCESS "server_id:2 session_id:2 time_since_request:4 time_to_complete_request:4 " \
    "request_operation:1 reserved:3"
#define PERF_MDB_SUCCESS "client_id:2 server_id:2 session_id:2 request_id:2 time_since_request:4 " \
    "time_to_complete_request:4"
#define PERF_MDB_SUCCESS_V2 "process_id:2 client_id:2 server_id:2 session_id:2 request_id:2 reserved:2 " \
    "time_since_request:4 time_to_complete_request:4"
#define PERF_GC_SUCCESS "client_id:2 server_id:2 session_id:2 reserved:2 time_since_request:4 " \
    "time_to_complete_request:4 request_operation:1 reserved:3"
#define PERF_GC_SUCCESS_V2 "process_id:2 client_id:2 server_id:2 session_id:2 time_since_request:4 " \
    "time_to_complete_request:4 request_operation:1 reserved:3"
#define PERF_FAILURE "client_id:2 server_id:2 session_id:2 request_id:2 time_since_request:4 " \
    "time_to_fail_request:4 result_code:4 request_operation:1 reserved:3"
#define PERF_FAILURE_V2 "process_id:2 client_id:2 server_id:2 session_id:2 request_id:2 reserved:2 " \
    "time_since_request:4 time_to_fail_request:4 result_code:4 request_operation:1 reserved:3"

static const struct {
    unsigned version, type;
    const char *type_name, *name, *fields;
} blocks[] = {
    { 1, 0x01, "AUX_TYPE_PERF_REQUESTID", "AUX_PERF_REQUESTID", PERF_REQUESTID },
    { 1, 0x02, "AUX_TYPE_PERF_CLIENTDINFO", "AUX_PERF_CLIENTINFO", PERF_CLIENTINFO },
    { 1, 0x03, "AUX_TYPE_PERF_SERVERINFO", "AUX_PERF_SERVERINFO", PERF_SERVERINFO },
    { 1, 0x04, "AUX_TYPE_PERF_SESSIONINFO", "AUX_PERF_SESSIONINFO", PERF_SESSIONINFO },
    { 1, 0x05, "AUX_TYPE_PERF_DEFMDB_SUCCESS", "AUX_PERF_DEFMDB_SUCCESS", PERF_DEFMDB_SUCCESS },
    { 1, 0x06, "AUX_TYPE_PERF_DEFGC_SUCCESS", "AUX_PERF_DEFGC_SUCCESS", PERF_DEFGC_SUCCESS },
    { 1, 0x07, "AUX_TYPE_PERF_MDB_SUCCESS", "AUX_PERF_MDB_SUCCESS", PERF_MDB_SUCCESS },
    { 1, 0x08, "AUX_TYPE_PERF_GC_SUCCESS", "AUX_PERF_GC_SUCCESS", PERF_GC_SUCCESS },
    { 1, 0x09, "AUX_TYPE_PERF_FAILURE", "AUX_PERF_FAILURE", PERF_FAILURE },
    { 1, 0x0A, "AUX_TYPE_CLIENT_CONTROL", "AUX_CLIENT_CONTROL", "enable_flags:4 expiry_time:4" },
    { 1, 0x0B, "AUX_TYPE_PERF_PROCESSINFO", "AUX_PERF_PROCESSINFO", PERF_PROCESSINFO },
    { 1, 0x0C, "AUX_TYPE_PERF_BG_DEFMDB_SUCCESS", "AUX_PERF_DEFMDB_SUCCESS", PERF_DEFMDB_SUCCESS },
    { 1, 0x0D, "AUX_TYPE_PERF_BG_DEFGC_SUCCESS", "AUX_PERF_DEFGC_SUCCESS", PERF_DEFGC_SUCCESS },
    { 1, 0x0E, "AUX_TYPE_PERF_BG_MDB_SUCCESS", "AUX_PERF_MDB_SUCCESS", PERF_MDB_SUCCESS },
    { 1, 0x0F, "AUX_TYPE_PERF_BG_GC_SUCCESS", "AUX_PERF_GC_SUCCESS", PERF_GC_SUCCESS },
    { 1, 0x10, "AUX_TYPE_PERF_BG_FAILURE", "AUX_PERF_FAILURE", PERF_FAILURE },
    { 1, 0x11, "AUX_TYPE_PERF_FG_DEFMDB_SUCCESS", "AUX_PERF_DEFMDB_SUCCESS", PERF_DEFMDB_SUCCESS },
    { 1, 0x12, "AUX_TYPE_PERF_FG_DEFGC_SUCCESS", "AUX_PERF_DEFGC_SUCCESS", PERF_DEFGC_SUCCESS },
    { 1, 0x13, "AUX_TYPE_PERF_FG_MDB_SUCCESS", "AUX_PERF_MDB_SUCCESS", PERF_MDB_SUCCESS },
    { 1, 0x14, "AUX_TYPE_PERF_FG_GC_SUCCESS", "AUX_PERF_GC_SUCCESS", PERF_GC_SUCCESS },
    { 1, 0x15, "AUX_TYPE_PERF_FG_FAILURE", "AUX_PERF_FAILURE", PERF_FAILURE },
    {
        1, 0x16, "AUX_TYPE_OSVERSIONINFO", "AUX_OSVERSIONINFO",
        "os_version_info_size:4 major_version:4 minor_version:4 build_number:4 reserved:132 service_pack_major:2 "
        "service_pack_minor:2 reserved:4"
    },
    { 1, 0x17, "AUX_TYPE_EXORGINO", "AUX_EXORGINFO", "org_flags:4" },
    { 1, 0x18, "AUX_TYPE_PERF_ACCOUNTINFO", "AUX_PERF_ACCOUNTINFO", "client_id:2 reserved:2 account:16" },
    { 1, 0x46, "AUX_TYPE_SERVER_CAPABILITIES", "AUX_SERVER_CAPABILITIES", "server_capability_flags:4" },
    { 1, 0x48, "AUX_TYPE_ENDPOINT_CAPABILITIES", "AUX_ENDPOINT_CAPABILITIES", "endpoint_capability_flag:4" },
    {
        1, 0x4A, "AUX_CLIENT_CONNECTION_INFO", "AUX_CLIENT_CONNECTION_INFO",
        "connection_guid:16 connection_context_info_offset:2 reserved:2 connection_attempts:4 connection_flags:4"
    },
    { 1, 0x4B, "AUX_SERVER_SESSION_INFO", "AUX_SERVER_SESSION_INFO", "server_session_context_info_offset:2" },
    {
        1, 0x4E, "AUX_PROTOCOL_DEVICE_IDENTIFICATION", "AUX_PROTOCOL_DEVICE_IDENTIFICATION",
        "device_manufacturer_offset:2 device_model_offset:2 device_serial_number_offset:2 device_version_offset:2 "
        "device_firmware_version_offset:2"
    },
    { 2, 0x04, "AUX_TYPE_PERF_SESSIONINFO", "AUX_PERF_SESSIONINFO_V2", PERF_SESSIONINFO_V2 },
    { 2, 0x07, "AUX_TYPE_PERF_MDB_SUCCESS", "AUX_PERF_MDB_SUCCESS_V2", PERF_MDB_SUCCESS_V2 },
    { 2, 0x08, "AUX_TYPE_PERF_GC_SUCCESS", "AUX_PERF_GC_SUCCESS_V2", PERF_GC_SUCCESS_V2 },
    { 2, 0x09, "AUX_TYPE_PERF_FAILURE", "AUX_PERF_FAILURE_V2", PERF_FAILURE_V2 },
    { 2, 0x0B, "AUX_TYPE_PERF_PROCESSINFO", "AUX_PERF_PROCESSINFO", PERF_PROCESSINFO },
    { 2, 0x0E, "AUX_TYPE_PERF_BG_MDB_SUCCESS", "AUX_PERF_MDB_SUCCESS_V2", PERF_MDB_SUCCESS_V2 },
    { 2, 0x0F, "AUX_TYPE_PERF_BG_GC_SUCCESS", "AUX_PERF_GC_SUCCESS_V2", PERF_GC_SUCCESS_V2 },
    { 2, 0x10, "AUX_TYPE_PERF_BG_FAILURE", "AUX_PERF_FAILURE_V2", PERF_FAILURE_V2 },
    { 2, 0x13, "AUX_TYPE_PERF_FG_MDB_SUCCESS", "AUX_PERF_MDB_SUCCESS_V2", PERF_MDB_SUCCESS_V2 },
    { 2, 0x14, "AUX_TYPE_PERF_FG_GC_SUCCESS", "AUX_PERF_GC_SUCCESS_V2", PERF_GC_SUCCESS_V2 },
    { 2, 0x15, "AUX_TYPE_PERF_FG_FAILURE", "AUX_PERF_FAILURE_V2", PERF_FAILURE_V2 }
};

#define BLOCKS (sizeof(blocks) / sizeof(blocks[0]))

/* The next "name:length" of a list; false at its end. */
static bool next_field(const char **list, char name[48], unsigned *length)
{
    int used = 0;
    if (sscanf(*list, " %47[^:]:%u%n", name, length, &used) != 2) {
        return false;
    }
    *list += used;
    return true;
}

static void test_every_block(void)
{
    CHECK_INT(BLOCKS, 40);
    for (size_t i = 0; i < BLOCKS; i++) {
        start();
        size_t ext = ext_header(4, 0, 0);
        size_t aux = aux_header(blocks[i].version, blocks[i].type);
        const char *list = blocks[i].fields;
        char name[48];
        unsigned length, value = 1;
        while (next_field(&list, name, &length)) {
            bool absent = strstr(name, "_offset") != NULL;
            for (unsigned j = 0; j < length; j++) {
                put8(absent ? 0 : value++);
            }
        }
        aux_end(aux);
        ext_end(ext);
        struct reader reader = decode(b.bytes, b.len, AUX);
        CHECK_INT(issues, 0);
        CHECK(!reader.failed);
        CHECK_INT(reader.pos, b.len);

        char line[160];
        snprintf(line, sizeof(line), "{ %s@8\n", blocks[i].name);
        HEARD(line);
        snprintf(line, sizeof(line), "aux.type@11+1=%u (%s)\n", blocks[i].type, blocks[i].type_name);
        HEARD(line);
        unsigned at = 12;
        for (list = blocks[i].fields; next_field(&list, name, &length); at += length) {
            snprintf(line, sizeof(line), "aux.%s@%u+%u=", name, at, length);
            HEARD(line);
            if ((length == 2 || length == 4) && strcmp(name, "reserved") != 0) {
                unsigned long long number = length == 2 ? get_le16(b.bytes + at) : get_le32(b.bytes + at);
                snprintf(line, sizeof(line), "aux.%s@%u+%u=%llu\n", name, at, length, number);
                HEARD(line);
            }
        }
        CHECK_INT(at, b.len);
        NOT_HEARD("aux.unused");
        NOT_HEARD("aux.data");

        /* A block that ends before its structure: one issue inside it, and the next block. */
        start();
        ext = ext_header(4, 0, 0);
        aux = aux_header(blocks[i].version, blocks[i].type);
        put8(1);
        aux_end(aux);
        aux = aux_header(1, 0x17);
        put32(3);
        aux_end(aux);
        ext_end(ext);
        decode(b.bytes, b.len, AUX);
        CHECK_INT(issues, 1);
        HEARD("! 12 ");
        HEARD("aux.org_flags@17+4=3\n");
    }
}

static void test_strings_in_a_block(void)
{
    static const uint8_t mac[] = { 0, 0x15, 0x5d, 1, 2, 3 };
    static const uint8_t ip6[] = { 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 };
    start();
    size_t ext = ext_header(4, 0, 0), aux = aux_header(1, 0x02);
    put32(1000000);
    put16(1);
    size_t offsets = b.len;
    for (unsigned i = 0; i < 9; i++) {
        put16(0);
    }
    put16(2);                    /* ClientMode: cached */
    put16(0);
    CHECK_INT(b.len - aux, 32);
    /* Places in another order than their offsets, with a gap. */
    patch16(offsets + 16, (unsigned)(b.len - aux));
    patch16(offsets + 14, sizeof(mac));
    put_bytes(mac, sizeof(mac));
    patch16(offsets + 2, (unsigned)(b.len - aux));
    put_wide("alice");
    put16(0xAAAA);
    patch16(offsets + 0, (unsigned)(b.len - aux));
    put_wide("DESKTOP");
    patch16(offsets + 6, (unsigned)(b.len - aux));
    patch16(offsets + 4, sizeof(ip6));
    put_bytes(ip6, sizeof(ip6));
    patch16(offsets + 10, (unsigned)(b.len - aux));
    patch16(offsets + 8, 4);
    put32(0x00FFFFFF);
    patch16(offsets + 12, (unsigned)(b.len - aux));
    put_wide("Ethernet0");
    aux_end(aux);
    ext_end(ext);
    struct reader reader = decode(b.bytes, b.len, AUX);
    CHECK_INT(issues, 0);
    CHECK_INT(reader.pos, b.len);
    HEARD("aux.mac_address@40+6=00155d010203 (00:15:5d:01:02:03)\n"
          "aux.user_name@46+12=\"alice\"\n"
          "aux.unused@58+2=aaaa\n"
          "aux.machine_name@60+16=\"DESKTOP\"\n"
          "aux.client_ip@76+16=20010db8000000000000000000000001 (2001:db8:0:0:0:0:0:1)\n"
          "aux.client_ip_mask@92+4=ffffff00 (255.255.255.0)\n"
          "aux.adapter_name@96+20=\"Ethernet0\"\n"
          "} 116 -\n");

    /* Offsets that lie: into the fixed part, out of the block, to a string without an end. */
    uint8_t good[200];
    size_t len = b.len;
    memcpy(good, b.bytes, len);
    patch16(offsets + 0, 31);
    patch16(offsets + 2, (unsigned)(b.len - aux));
    patch16(offsets + 12, (unsigned)(b.len - aux) - 4);
    b.bytes[len - 2] = 'x';
    decode(b.bytes, b.len, AUX);
    CHECK_INT(issues, 3);
    HEARD("! 18 The offset points into the fixed part of its block\n");
    HEARD("! 20 The offset points out of its block\n");
    HEARD("! 112 A string without its terminator\n");
    HEARD("aux.mac_address@40+6");
    HEARD("aux.client_ip@76+16");

    /* A run larger than what is left of the block, and two offsets to one place. */
    memcpy(b.bytes, good, len);
    patch16(offsets + 4, 1000);
    patch16(offsets + 0, 46 - 8);
    decode(b.bytes, b.len, AUX);
    CHECK_INT(issues, 1);
    HEARD("! 76 The message ends inside a value\n");
    HEARD("aux.user_name@46+12=\"alice\"\n");
    HEARD("aux.machine_name@46+12=\"alice\"\n");
    HEARD("aux.adapter_name@96+20=\"Ethernet0\"\n");
}

static void test_connection_context(void)
{
    start();
    size_t ext = ext_header(4, 0, 0), aux = aux_header(1, 0x4A);
    for (unsigned i = 0; i < 16; i++) {
        put8(i);
    }
    put16(32);
    put16(0);
    put32(3);
    put32(1);
    put_wide("ctx");
    aux_end(aux);
    aux = aux_header(1, 0x4B);
    put16(6);
    put_wide("srv");
    aux_end(aux);
    aux = aux_header(1, 0x4E);
    put16(0);
    put16(14);
    put16(0);
    put16(0);
    put16(0);
    put_wide("M1");
    aux_end(aux);
    ext_end(ext);
    decode(b.bytes, b.len, AUX);
    CHECK_INT(issues, 0);
    HEARD("aux.connection_attempts@32+4=3\naux.connection_flags@36+4=1\naux.connection_context_info@40+8=\"ctx\"\n");
    HEARD("aux.server_session_context_info@54+8=\"srv\"\n");
    HEARD("aux.device_model@76+6=\"M1\"\n");
}

static void test_error_name(void)
{
    start();
    size_t ext = ext_header(4, 0, 0), aux = aux_header(2, 0x09);
    for (unsigned i = 0; i < 6; i++) {
        put16(i);
    }
    put32(10);
    put32(20);
    put32(0x8004010F);
    put32(1);
    aux_end(aux);
    ext_end(ext);
    decode(b.bytes, b.len, AUX);
    CHECK_INT(issues, 0);
    HEARD("aux.time_to_fail_request@28+4=20\naux.result_code@32+4=2147746063 (NotFound)\n"
          "aux.request_operation@36+1=1\naux.reserved@37+3=000000\n");
}

static void test_unknown_blocks(void)
{
    start();
    size_t ext = ext_header(4, 0, 0), aux = aux_header(1, 0x52);
    put32(0x04030201);
    aux_end(aux);
    aux = aux_header(2, 0x16);   /* a type of version 1 only */
    aux_end(aux);
    aux = aux_header(9, 0x01);
    put8(7);
    aux_end(aux);
    aux = aux_header(1, 0x01);
    put16(5);
    put16(6);
    aux_end(aux);
    ext_end(ext);
    decode(b.bytes, b.len, AUX);
    CHECK_INT(issues, 0);
    HEARD("{ Unknown auxiliary block@8\naux.size@8+2=8\naux.version@10+1=1\naux.type@11+1=82\n"
          "aux.data@12+4=01020304\n");
    HEARD("{ Unknown auxiliary block@16\naux.size@16+2=4\naux.version@18+1=2\naux.type@19+1=22\n} 20 -\n");
    HEARD("aux.data@24+1=07\n");
    HEARD("aux.session_id@29+2=5\naux.request_id@31+2=6\n");

    /* A block with more than its structure shows the rest. */
    start();
    ext = ext_header(4, 0, 0);
    aux = aux_header(1, 0x48);
    put32(1);
    put16(0xBBBB);
    aux_end(aux);
    ext_end(ext);
    decode(b.bytes, b.len, AUX);
    CHECK_INT(issues, 0);
    HEARD("aux.endpoint_capability_flag@12+4=1\naux.unused@16+2=bbbb\n");
}

static void test_block_sizes_that_lie(void)
{
    start();
    size_t ext = ext_header(4, 0, 0), aux = aux_header(1, 0x01);
    put16(5);
    put16(6);
    patch16(aux, 100);
    ext_end(ext);
    decode(b.bytes, b.len, AUX);
    CHECK_INT(issues, 1);
    HEARD("! 8 The size of an auxiliary block reaches behind its buffer\n");
    HEARD("aux.request_id@14+2=6\n");

    /* Smaller than its header: the rest of this payload is lost, the next one is not. */
    start();
    ext = ext_header(0, 0, 0);
    aux_header(1, 0x01);
    put32(0);
    ext_end(ext);
    ext = ext_header(4, 0, 0);
    aux = aux_header(1, 0x17);
    put32(1);
    aux_end(aux);
    ext_end(ext);
    decode(b.bytes, b.len, AUX);
    CHECK_INT(issues, 1);
    HEARD("! 8 An auxiliary block smaller than its own header\naux.unused@8+8=");
    HEARD("aux.org_flags@28+4=1\n");

    /* A header cut short. */
    start();
    ext = ext_header(4, 0, 0);
    put16(8);
    put8(1);
    ext_end(ext);
    decode(b.bytes, b.len, AUX);
    CHECK_INT(issues, 1);
    HEARD("! 11 The message ends inside a value\n");
}

/* ---- chains ---- */

static const uint8_t org[] = { 8, 0, 1, 0x17, 1, 0, 0, 0 };

static void test_chain(void)
{
    start();
    size_t ext = ext_header(0, 0, 0);
    put_bytes(org, sizeof(org));
    ext_end(ext);
    ext = ext_header(4, 0, 0);
    put_bytes(org, sizeof(org));
    ext_end(ext);
    struct reader reader = decode(b.bytes, b.len, AUX);
    CHECK_INT(issues, 0);
    CHECK_INT(reader.pos, 32);
    HEARD("ext.version@0+2=0\next.flags@2+2=0\next.size@4+2=8\next.size_actual@6+2=8\n");
    HEARD("ext.version@16+2=0\next.flags@18+2=4\next.size@20+2=8\next.size_actual@22+2=8\n");
    HEARD("aux.org_flags@28+4=1\n");

    b.bytes[2] = 4;              /* Last too early */
    reader = decode(b.bytes, b.len, AUX);
    CHECK_INT(issues, 1);
    HEARD("! 16 Bytes behind the last extended buffer\next.rest@16+16=");
    CHECK_INT(reader.pos, 32);

    b.bytes[2] = b.bytes[18] = 0;
    decode(b.bytes, b.len, AUX);
    CHECK_INT(issues, 1);
    HEARD("! 18 No extended buffer is marked as the last\n");

    /* A payload larger than the buffer. */
    b.bytes[18] = 4;
    b.bytes[20] = b.bytes[22] = 9;
    decode(b.bytes, b.len, AUX);
    CHECK_INT(issues, 1);
    HEARD("! 20 The payload reaches behind the buffer\n");
    HEARD("aux.org_flags@28+4=1\n");

    /* Version, flags and sizes that contradict the specification are said, and no more. */
    b.bytes[20] = 8;
    b.bytes[16] = 1;
    b.bytes[19] = 0x80;
    decode(b.bytes, b.len, AUX);
    CHECK_INT(issues, 3);
    HEARD("! 16 An extended buffer of an unknown version\n");
    HEARD("! 18 Flags of an extended buffer that no specification defines\n");
    HEARD("! 22 Size and SizeActual differ though nothing is compressed\n");
    HEARD("aux.org_flags@28+4=1\n");
}

static void test_buffer_sizes(void)
{
    start();
    size_t ext = ext_header(4, 0, 0);
    put_bytes(org, sizeof(org));
    ext_end(ext);
    struct reader reader = decode_cut(b.bytes, b.len, (uint32_t)b.len, 0, AUX);
    CHECK_STR(heard, "");
    CHECK_INT(reader.pos, 0);
    decode_cut(b.bytes, b.len, (uint32_t)b.len, 0xFFFFFFFF, AUX);
    CHECK_INT(issues, 1);
    HEARD("! 0 The buffer is announced larger than the message\n");
    HEARD("aux.org_flags@12+4=1\n");
    /* What stands behind the buffer is the caller's. */
    put32(0x12345678);
    reader = decode_cut(b.bytes, b.len, (uint32_t)b.len, 16, AUX);
    CHECK_INT(issues, 0);
    CHECK_INT(reader.pos, 16);
    CHECK(!reader.failed);

    /* Cut by the capture at every byte: never an issue, and what is there is shown. */
    for (size_t have = 0; have < 16; have++) {
        reader = decode_cut(b.bytes, have, 20, 16, AUX);
        CHECK_INT(issues, 0);
        CHECK(reader.failed);
        reader = decode_cut(b.bytes, have, UINT32_MAX, 16, AUX);
        CHECK_INT(issues, 0);
    }
    HEARD("ext.size@4+2=8\n");
    HEARD("aux.type@11+1=23 (AUX_TYPE_EXORGINO)\n");
}

/* ---- undone payloads ---- */

static const uint8_t compressed_org[] = {
    /* eight literals and the end bit; not shorter, as no sender would do it */
    0xFF, 0xFF, 0xFF, 0x00, 8, 0, 1, 0x17, 1, 0, 0, 0
};

/* AUX_OSVERSIONINFO of zeros: 160 bytes, written as ten literals and a match. */
static const uint8_t compressed_os[] = {
    0xFF, 0xFF, 0x3F, 0x00, 160, 0, 1, 0x16, 156, 0, 0, 0, 6, 0, 0x07, 0x00, 0x0F, 0x7D
};

static void test_compressed(void)
{
    start();
    ext_header(5, sizeof(compressed_os), 160);
    put_bytes(compressed_os, sizeof(compressed_os));
    struct reader reader = decode(b.bytes, b.len, AUX);
    CHECK_INT(issues, 0);
    CHECK_INT(reader.pos, b.len);
    CHECK_INT(room_asked, 160);
    HEARD("ext.payload@8+18=");
    HEARD("> Decompressed extended buffer 160\n{ AUX_OSVERSIONINFO@0\naux.size@0+2=160\n");
    HEARD("aux.major_version@8+4=6\n");
    HEARD("aux.reserved@156+4=00000000\n} 160 -\n<\n} 26 160 bytes, compressed to 18\n");

    /* The same, obfuscated after it was compressed (MS-OXCRPC 3.1.4.1.1.1). */
    uint8_t plain[32];
    memcpy(plain, b.bytes, b.len);
    b.bytes[2] = 7;
    for (size_t i = 8; i < b.len; i++) {
        b.bytes[i] ^= 0xA5;
    }
    decode(b.bytes, b.len, AUX);
    CHECK_INT(issues, 0);
    HEARD("> Decompressed extended buffer 160\n");
    HEARD("aux.major_version@8+4=6\n");
    memcpy(b.bytes, plain, b.len);

    /* SizeActual above and below what the payload holds. */
    b.bytes[6] = 161;
    decode(b.bytes, b.len, AUX);
    CHECK_INT(issues, 1);
    HEARD("! 6 The compressed payload holds less than SizeActual\n");
    HEARD("aux.reserved@156+4=00000000\n");
    b.bytes[6] = 159;
    decode(b.bytes, b.len, AUX);
    CHECK_INT(issues, 3);
    HEARD("! 22 The compressed payload holds more than SizeActual\n");
    HEARD("> Decompressed extended buffer 159\n");
    HEARD("! 0 The size of an auxiliary block reaches behind its buffer\n");

    /* A match that leads before the start. What came before it is shown. */
    b.bytes[6] = 160;
    b.bytes[23] = 0xF0;
    decode(b.bytes, b.len, AUX);
    CHECK_INT(issues, 1);
    HEARD("! 22 The compressed payload is broken\n");
    HEARD("> Decompressed extended buffer 10\n");
    HEARD("aux.os_version_info_size@4+4=156\n");

    /* Cut short by the sender, and by the capture. */
    memcpy(b.bytes, plain, b.len);
    patch16(4, 17);
    decode(b.bytes, b.len - 1, AUX);
    CHECK_INT(issues, 1);
    HEARD("! 25 The compressed payload stops short\n");
    HEARD("> Decompressed extended buffer 10\n");
    memcpy(b.bytes, plain, b.len);
    for (size_t have = 0; have < b.len; have++) {
        decode_cut(b.bytes, have, (uint32_t)b.len, (uint32_t)b.len, AUX);
        CHECK_INT(issues, 0);
    }
    HEARD("aux.os_version_info_size@4+4=156\n");

    /* Compression that does not save is said. */
    start();
    ext_header(5, sizeof(compressed_org), 8);
    put_bytes(compressed_org, sizeof(compressed_org));
    decode(b.bytes, b.len, AUX);
    CHECK_INT(issues, 1);
    HEARD("! 4 A compressed payload that is not smaller than SizeActual\n");
    HEARD("aux.org_flags@4+4=1\n");
}

static void test_xored(void)
{
    start();
    size_t ext = ext_header(6, 0, 0);
    for (size_t i = 0; i < sizeof(org); i++) {
        put8(org[i] ^ 0xA5);
    }
    ext_end(ext);
    struct reader reader = decode(b.bytes, b.len, AUX);
    CHECK_INT(issues, 0);
    CHECK_INT(reader.pos, 16);
    HEARD("ext.payload@8+8=");
    HEARD("> De-XORed extended buffer 8\n{ AUX_EXORGINFO@0\n");
    HEARD("aux.org_flags@4+4=1\n");
    for (size_t have = 0; have < 16; have++) {
        decode_cut(b.bytes, have, 16, 16, AUX);
        CHECK_INT(issues, 0);
    }
    HEARD("aux.type@3+1=23");
}

/* A sink that has no room, or no ears at all, still gets every byte consumed. */
static void test_refused(void)
{
    static const struct field_sink roomless = { NULL, on_value, on_open, on_close, on_issue, NULL, on_enter, on_leave };
    static const struct field_sink deaf = { 0 };
    start();
    ext_header(5, sizeof(compressed_os), 160);
    put_bytes(compressed_os, sizeof(compressed_os));
    hearing = &roomless;
    struct reader reader = decode(b.bytes, b.len, AUX);
    CHECK_INT(issues, 0);
    CHECK_INT(reader.pos, b.len);
    HEARD("ext.payload@8+18=");
    NOT_HEARD("aux.");
    start();
    size_t ext = ext_header(6, 0, 0);
    put_bytes("0123456789", 10);
    ext_end(ext);
    reader = decode(b.bytes, b.len, AUX);
    CHECK_INT(issues, 0);
    CHECK_INT(reader.pos, b.len);
    HEARD("ext.payload@8+10=");
    NOT_HEARD(">");
    hearing = &deaf;
    reader = decode(b.bytes, b.len, AUX);
    CHECK_INT(reader.pos, b.len);
    CHECK(!reader.failed);
    hearing = &sink;
}

static void test_bombs(void)
{
    /* 18 bytes that say 65,535: undone up to 32 KB. */
    static const uint8_t bomb[] = {
        0xFF, 0xFF, 0xFF, 0x7F, 0x04, 0x07, 0x00, 0x0F, 0xFF, 0xFF, 0xFF
    };
    start();
    ext_header(5, sizeof(bomb), 0xFFFF);
    put_bytes(bomb, sizeof(bomb));
    decode(b.bytes, b.len, ROP_REQUEST);
    HEARD("! 6 SizeActual is above the 32 KB of one payload\n");
    HEARD("> Decompressed extended buffer 32768\n");
    NOT_HEARD("broken");
    NOT_HEARD("RopSize reaches");
    CHECK_INT(room_asked, 0x8000);

    /* A chain of them: the sum is bounded, and that it is so is said. */
    start();
    for (unsigned i = 0; i < 300; i++) {
        ext_header(1, sizeof(bomb), 0x8000);
        put_bytes(bomb, sizeof(bomb));
        b.bytes[b.len - 7] = 0xFF;
    }
    decode(b.bytes, b.len, ROP_REQUEST);
    CHECK_INT(room_asked, EXT_DERIVED_MAX);
    HEARD("! 4872 More payload than is undone of one buffer\n");
    /* Values are bounded too, over all payloads of a message. */
    for (size_t i = 12; i < b.len; i += 8 + sizeof(bomb)) {
        b.bytes[i] = 4;
    }
    decode(b.bytes, b.len, ROP_REQUEST);
    CHECK(room_asked < EXT_DERIVED_MAX);
    HEARD("! 19732 More values than are shown of one message\n");
}

/* ---- ROP buffers ---- */

static void test_rop_request(void)
{
    /* RopRelease on handle 0; a table of two handles, one not yet known. */
    static const uint8_t in[] = {
        0, 0, 4, 0, 13, 0, 13, 0, 5, 0, 0x01, 0x00, 0x00, 0x78, 0x56, 0x34, 0x12, 0xFF, 0xFF, 0xFF, 0xFF
    };
    struct reader reader = decode(in, sizeof(in), ROP_REQUEST);
    CHECK_INT(issues, 0);
    CHECK_INT(reader.pos, sizeof(in));
    HEARD("{ RopBuffer@0\n{ Extended buffer@0\n");
    HEARD("rop.size@8+2=5\nrop.id@10+1=1\nrop.data@11+2=0000\n"
          "{ Server object handle table@13\nrop.handle@13+4=305419896\nrop.handle@17+4=4294967295\n} 21 2 handles\n");
    CHECK_STR(rop_name(0x01), "RopRelease");
    CHECK_STR(rop_name(0xFE), "RopLogon");
    CHECK_STR(rop_name(0xFF), "RopBufferTooSmall");
    CHECK(rop_name(0x00) == NULL);
    CHECK(rop_name(0x28) == NULL);

    uint8_t bad[sizeof(in)];
    memcpy(bad, in, sizeof(in));
    bad[8] = 1;
    decode(bad, sizeof(bad), ROP_REQUEST);
    CHECK_INT(issues, 2);
    HEARD("! 8 RopSize does not count itself\n");
    HEARD("! 18 The server object handle table is no multiple of four bytes\nrop.rest@18+3=");
    bad[8] = 0xFF;
    decode(bad, sizeof(bad), ROP_REQUEST);
    CHECK_INT(issues, 1);
    HEARD("! 8 RopSize reaches behind the payload\nrop.id@10+1=1\nrop.data@11+10=");
    bad[8] = 5;
    bad[10] = 0x28;
    decode(bad, sizeof(bad), ROP_REQUEST);
    CHECK_INT(issues, 0);
    HEARD("rop.id@10+1=40");
    /* No ROPs, no handles. */
    static const uint8_t empty[] = { 0, 0, 4, 0, 2, 0, 2, 0, 2, 0 };
    decode(empty, sizeof(empty), ROP_REQUEST);
    CHECK_INT(issues, 0);
    NOT_HEARD("rop.id");
    NOT_HEARD("handle table");
    for (size_t have = 0; have < sizeof(in); have++) {
        decode_cut(in, have, sizeof(in), sizeof(in), ROP_REQUEST);
        CHECK_INT(issues, 0);
    }
}

/* The request of MS-OXCRPC 4.3: 0x15A bytes, RopSize 0x142, 320 bytes of ROPs, 16 of handles. */
static void test_published_request(void)
{
    start();
    ext_header(4, 0x152, 0x152);
    put16(0x142);
    for (unsigned i = 0; i < 320; i++) {
        put8(0x2C);
    }
    for (uint32_t i = 0; i < 4; i++) {
        put32(i);
    }
    CHECK_INT(b.len, 0x15A);
    struct reader reader = decode(b.bytes, b.len, ROP_REQUEST);
    CHECK_INT(issues, 0);
    CHECK_INT(reader.pos, 0x15A);
    HEARD("rop.data@11+319=");
    HEARD("rop.handle@342+4=3\n} 346 4 handles\n");
}

/* MS-OXCRPC 4.3 chains responses: each payload has its own RopSize and handle table. */
static void test_packed_response(void)
{
    start();
    for (unsigned i = 0; i < 3; i++) {
        size_t ext = ext_header(i == 2 ? 4 : 0, 0, 0);
        put16(9);
        put8(0x2C);
        put8(0);
        put32(0);
        put8(i);
        put32(0x100 + i);
        ext_end(ext);
    }
    decode(b.bytes, b.len, ROP_RESPONSE);
    CHECK_INT(issues, 0);
    HEARD("rop.id@10+1=44\nrop.data@11+6=000000000000\n");
    HEARD("rop.handle@17+4=256\n");
    HEARD("rop.id@31+1=44\n");
    HEARD("rop.handle@59+4=258\n");
}

/* The Execute response of mapihttp-session.pcap that gromox compressed: rows of a
 * table. */
static const uint8_t gromox_reply[] = {
    0x00, 0x00, 0x05, 0x00, 0xa3, 0x01, 0x13, 0x09, 0x01, 0x40, 0x60, 0x08, 0x0f, 0x09, 0x15, 0x00, 0x01, 0x00,
    0x02, 0x20, 0x00, 0x01, 0x08, 0x00, 0x58, 0x00, 0x03, 0x00, 0x1f, 0x00, 0x09, 0x04, 0xa0, 0x00, 0x57, 0x00,
    0x61, 0x00, 0x6b, 0x00, 0x65, 0x00, 0x20, 0x00, 0x75, 0x00, 0x70, 0x28, 0x00, 0xca, 0xa8, 0x10, 0x04, 0x52,
    0x00, 0x50, 0x00, 0x43, 0x60, 0x01, 0x0a, 0x0f, 0x01, 0x04, 0x80, 0x22, 0x00, 0x00, 0x75, 0x02, 0x00, 0xb7,
    0x01, 0x90, 0x1e, 0xb3, 0x01, 0x4c, 0xb0, 0x01, 0x72, 0x00, 0x67, 0xc2, 0x01, 0x97, 0x01, 0xc8, 0x5e, 0x97,
    0x01, 0xa1, 0x1d, 0x4f, 0x03, 0x00, 0x28, 0x8a, 0x54, 0x55, 0x00, 0x0f, 0x03, 0x21, 0xf0, 0x0f, 0x03, 0x1c,
    0xc7, 0x04, 0xff, 0x1d, 0x1b, 0xc7, 0x04, 0x19, 0x1a, 0xc7, 0x04, 0xff, 0x15, 0x19, 0x77, 0x01, 0x15, 0x18,
    0x92, 0x0b, 0x00, 0x54, 0xe0, 0x0a, 0x73, 0x00, 0x74, 0x00, 0x0b, 0x73, 0x10, 0x0b, 0x62, 0x00, 0x6a, 0x60,
    0x0b, 0x63, 0x7a, 0x00, 0x32, 0x00, 0x34, 0xaa, 0xab, 0xa2, 0x82, 0x11, 0x01, 0x42, 0x00, 0x6f, 0x00, 0x62,
    0xf8, 0x0b, 0x42, 0x4c, 0x0c, 0x72, 0xed, 0x0b, 0x00, 0x67, 0x05, 0xc7, 0x0b, 0xf1, 0x17, 0x77, 0x02, 0x09,
    0x33, 0x77, 0x02, 0xff, 0x12, 0x16, 0xef, 0x04, 0x09, 0x32, 0xef, 0x04, 0xff, 0x12, 0xfb, 0x12, 0x67, 0x07,
    0x04, 0x31, 0x77, 0x02, 0xff, 0x12, 0x14, 0xef, 0x04, 0x09, 0x30, 0xef, 0x04, 0xff, 0x12, 0x13, 0x6d, 0xab,
    0xaa, 0x8a, 0x67, 0x07, 0x07, 0x31, 0x00, 0x39, 0x67, 0x07, 0xff, 0x12, 0x12, 0x77, 0x02, 0x09, 0x38, 0x77,
    0x02, 0xff, 0x12, 0x11, 0xef, 0x04, 0x09, 0x37, 0xef, 0x04, 0xff, 0x12, 0x10, 0xef, 0x04, 0x09, 0x36, 0x77,
    0x02, 0xff, 0x12, 0x0f, 0x77, 0x02, 0x09, 0x35, 0xef, 0x04, 0xff, 0x12, 0x0e, 0xef, 0x04, 0x09, 0xaf, 0x18,
    0xff, 0x13, 0x0d, 0x77, 0x02, 0x09, 0xaf, 0x18, 0xff, 0x13, 0x0c, 0xef, 0x04, 0x09, 0xaf, 0x18, 0xff, 0x13,
    0x0b, 0x67, 0x07, 0x09, 0xfe, 0xbf, 0xbb, 0xb6, 0xaf, 0x18, 0xff, 0x13, 0x0a, 0xdf, 0x09, 0x09, 0xaf, 0x18,
    0xff, 0x13, 0x09, 0x57, 0x0c, 0x07, 0x9f, 0x18, 0x2f, 0x06, 0x4d, 0xf7, 0x24, 0x08, 0x67, 0x02, 0xff, 0x07,
    0x8f, 0x18, 0x06, 0x67, 0x02, 0xf3, 0x07, 0xcf, 0x04, 0x07, 0x7f, 0x18, 0x3f, 0x06, 0xcf, 0x04, 0x06, 0x37,
    0x07, 0xff, 0x07, 0x6f, 0x18, 0x06, 0x37, 0x07, 0xf3, 0x88, 0x2c, 0xa9, 0x09, 0xa7, 0x2e, 0x01, 0x5f, 0x18,
    0x3f, 0x06, 0x9f, 0x09, 0xf9, 0x3b, 0x18, 0x0c, 0x0f, 0x31, 0xff, 0x01, 0xff, 0x30, 0x06, 0x07, 0x0c, 0xf3,
    0x03, 0xff, 0xff, 0xff, 0xfe, 0x07, 0x0c, 0x07, 0xef, 0x30, 0x3f, 0x06, 0x67, 0x02, 0x88, 0x3f, 0x37, 0x07,
    0xff, 0x05, 0xdf, 0x30, 0x06, 0xcf, 0x04, 0xf3, 0x01, 0xcf, 0x04, 0x07, 0xcf, 0x30, 0x3f, 0x06, 0x37, 0x07,
    0x2b, 0x07, 0xaf, 0x3a, 0xff, 0x02, 0xbf, 0x30, 0x06, 0x99, 0x09, 0xb9, 0x47
};

/* The AuxiliaryBuffer of the Connect response of the same capture. */
static const uint8_t gromox_aux[] = {
    0x00, 0x00, 0x04, 0x00, 0x1c, 0x00, 0x1c, 0x00, 0x08, 0x00, 0x01, 0x17, 0x03, 0x00, 0x00, 0x00, 0x0c, 0x00,
    0x01, 0x0a, 0x0c, 0x00, 0x00, 0x00, 0x00, 0x84, 0x0c, 0x24, 0x08, 0x00, 0x01, 0x48, 0x01, 0x00, 0x00, 0x00
};

static void test_captured_reply(void)
{
    struct reader connect = decode(gromox_aux, sizeof(gromox_aux), AUX);
    CHECK_INT(issues, 0);
    CHECK_INT(connect.pos, sizeof(gromox_aux));
    HEARD("aux.org_flags@12+4=3\n");
    HEARD("aux.enable_flags@20+4=12\naux.expiry_time@24+4=604800000\n");
    HEARD("aux.endpoint_capability_flag@32+4=1\n");

    struct reader reader = decode(gromox_reply, sizeof(gromox_reply), ROP_RESPONSE);
    CHECK_INT(issues, 0);
    CHECK_INT(reader.pos, sizeof(gromox_reply));
    HEARD("ext.flags@2+2=5\next.size@4+2=419\next.size_actual@6+2=2323\n");
    HEARD("> Decompressed extended buffer 2323\n");
    HEARD("rop.size@0+2=2319\nrop.id@2+1=21\nrop.data@3+2316=");      /* RopQueryRows */
    HEARD("rop.handle@2319+4=4\n} 2323 1 handle\n");
    for (size_t have = 0; have < sizeof(gromox_reply); have++) {
        decode_cut(gromox_reply, have, sizeof(gromox_reply), sizeof(gromox_reply), ROP_RESPONSE);
        CHECK_INT(issues, 0);
    }
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
    test_every_block();
    test_strings_in_a_block();
    test_connection_context();
    test_error_name();
    test_unknown_blocks();
    test_block_sizes_that_lie();
    test_chain();
    test_buffer_sizes();
    test_compressed();
    test_xored();
    test_refused();
    test_bombs();
    test_rop_request();
    test_published_request();
    test_packed_response();
    test_captured_reply();
    transcript_end(__FILE__);
    return unit_end();
}
