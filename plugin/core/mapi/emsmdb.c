/* emsmdb.c
 * The stubs of EMSMDB and AsyncEMSMDB, MS-OXCRPC 3.1.4 and 3.3.4, in the NDR of C706 14 and
 * MS-RPCE 2.2.4 and 2.2.5. Parameters stand in the order of the method's declaration: those
 * that go in in the request, those that come out in the response, and then the return value.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "emsmdb.h"

#include "extended_buffer.h"
#include "layout.h"
#include "names.h"

#include <stdio.h>

/* ---- NDR ---- */

struct scene {
    struct rop_host *host;
    bool response, ndr64;
    uint32_t count; /* bytes of the last array */
};

static struct scene *scene_of(const struct layout_run *run)
{
    return run->scene;
}

/* What is missing is missed by the value behind it. */
static void skip(struct reader *reader, uint32_t len)
{
    if (!reader->failed) {
        reader->pos = reader_left(reader) >= len ? reader->pos + len : reader->len;
    }
}

/* The reader's buffer begins with the stub. Gaps may hold anything. */
static void align(struct reader *reader, uint32_t to)
{
    skip(reader, (to - reader->pos % to) % to);
}

static void align_2(struct layout_run *run, const struct field *at)
{
    (void)at;
    align(run->reader, 2);
}

static void align_4(struct layout_run *run, const struct field *at)
{
    (void)at;
    align(run->reader, 4);
}

#define ALIGN_2 READ(align_2, 0)
#define ALIGN_4 READ(align_4, 0)

static LAYOUT(max_count, U32("max_count", "MaxCount"));
static LAYOUT(array_offset, U32("offset", "Offset"));
static LAYOUT(actual_count, U32("actual_count", "ActualCount"));
static LAYOUT(referent_id, X32("referent_id", "ReferentId"));
static LAYOUT(ndr_rows, INCLUDE(max_count), INCLUDE(array_offset), INCLUDE(actual_count), INCLUDE(referent_id));

/* Counts and the identities of pointers have 8 bytes in NDR64 (MS-RPCE 2.2.5.3), of which the
 * lower four are shown. */
static uint32_t read_size(struct layout_run *run, const struct field *row)
{
    struct reader *reader = run->reader;
    if (!scene_of(run)->ndr64) {
        align(reader, 4);
        return (uint32_t)read_row(run, row);
    }
    align(reader, 8);
    uint32_t high = 0, size = 0;
    if (reader->big_endian) {
        high = peek_u32(reader);
        skip(reader, 4);
    }
    size = (uint32_t)read_row(run, row);
    if (!reader->big_endian) {
        high = peek_u32(reader);
        skip(reader, 4);
    }
    return high ? UINT32_MAX : size;
}

/* The counts in front of an array: conformant, and varying if only a part of it is sent. */
static uint32_t read_counts(struct layout_run *run, bool varying)
{
    struct reader *reader = run->reader;
    uint32_t max = read_size(run, max_count), count = max;
    if (varying) {
        uint32_t offset = read_size(run, array_offset);
        uint32_t at = reader->pos;
        count = read_size(run, actual_count);
        if (offset != 0 || count > max) {
            reader_warn(reader, at, "The part of the array that is sent does not lie inside it");
        }
    }
    scene_of(run)->count = reader->failed ? 0 : count;
    return scene_of(run)->count;
}

/* cbIn, pcbOut and the like say once more what the counts of their array do. */
static void same_as_count(struct layout_run *run, const struct field_value *value)
{
    if (value->number != scene_of(run)->count) {
        reader_warn(run->reader, value->offset, "Not the number of bytes that the array has");
    }
}

/* ---- parameters ---- */

/* What stands behind a label must be fit to be shown wherever labels are. */
static void printable(struct span text, char room[FIELD_TEXT_MAX])
{
    size_t len = text.len < FIELD_TEXT_MAX - 1 ? text.len : FIELD_TEXT_MAX - 1;
    for (size_t i = 0; i < len; i++) {
        room[i] = text.ptr[i] >= 0x20 && text.ptr[i] < 0x7F ? (char)text.ptr[i] : '.';
    }
    room[len] = '\0';
}

/* A string of 8-bit characters with its terminator; at->inside is its row. */
static void string(struct layout_run *run, const struct field *at)
{
    struct reader *reader = run->reader;
    char summary[FIELD_TEXT_MAX] = "";
    if (!reader_open(reader, at->inside->label)) {
        return;
    }
    uint32_t count = read_counts(run, true);
    if (count > 0) {
        uint32_t start = reader->pos;
        struct span text = read_run(reader, at->inside, count);
        if (!reader->failed) {
            if (text.ptr[text.len - 1] != 0) {
                reader_warn(reader, start + count - 1, "A string without its terminator");
            } else {
                text.len--;
            }
            printable(text, summary);
        }
    }
    reader_close(reader, summary[0] ? summary : NULL);
}

#define STRING(filter, label) READ_ROWS(string, 0, RUN_STRING8(0, filter, label))

/* The same behind a pointer, which may be null. */
static void string_pointer(struct layout_run *run, const struct field *at)
{
    if (read_size(run, referent_id) != 0 && !run->reader->failed) {
        string(run, at);
    }
}

#define STRING_POINTER(filter, label) READ_ROWS(string_pointer, 0, RUN_STRING8(0, filter, label))

/* Buffers hold little-endian integers, whatever the sender's byte order. */
static void array(struct layout_run *run, const char *label, bool varying,
                  void (*read)(struct reader *reader, uint32_t size, const struct scene *scene))
{
    struct reader *reader = run->reader;
    bool big_endian = reader->big_endian;
    if (!reader_open(reader, label)) {
        return;
    }
    uint32_t count = read_counts(run, varying);
    reader->big_endian = false;
    read(reader, count, scene_of(run));
    reader->big_endian = big_endian;
    reader_close(reader, NULL);
}

/* Of either direction. */
static void read_rops(struct reader *reader, uint32_t size, const struct scene *scene)
{
    read_rop_buffer(reader, size, scene->response, scene->host);
}

static void read_bare_rops(struct reader *reader, uint32_t size, const struct scene *scene)
{
    read_bare_rop_buffer(reader, size, scene->response, scene->host);
}

static void read_aux(struct reader *reader, uint32_t size, const struct scene *scene)
{
    (void)scene;
    read_aux_buffer(reader, size);
}

static void rgb_in(struct layout_run *run, const struct field *at)
{
    (void)at;
    array(run, "rgbIn", false, read_rops);
}

static void rgb_out(struct layout_run *run, const struct field *at)
{
    (void)at;
    array(run, "rgbOut", true, read_rops);
}

static void rgb(struct layout_run *run, const struct field *at)
{
    (void)at;
    array(run, "rgb", true, read_bare_rops);
}

static void rgb_aux_in(struct layout_run *run, const struct field *at)
{
    (void)at;
    array(run, "rgbAuxIn", false, read_aux);
}

static void rgb_aux_out(struct layout_run *run, const struct field *at)
{
    (void)at;
    array(run, "rgbAuxOut", true, read_aux);
}

static LAYOUT(context_bytes, RUN(0, "rgb_context", "Opaque context"));
static FIELD_NAMES(address_families, 2, "AF_INET", 23, "AF_INET6");
/* A sockaddr, whose family alone is in the byte order of its machine; MS-OXCRPC 3.1.4.5. */
#define FAMILY_LEN 2
#define AF_INET_NUMBER 2
#define AF_INET6_NUMBER 23
static LAYOUT(address_family, U16("callback.family", "Address family", .names = address_families));
static LAYOUT(callback_port, U16("callback.port", "UDP port"));
static LAYOUT(callback_ipv4, IPV4("callback.ipv4", "IPv4 address"));
static LAYOUT(callback_ipv6, X32("callback.flow_info", "Flow information"), IPV6("callback.ipv6", "IPv6 address"));
static LAYOUT(callback_rest, REST("callback.rest", "Rest of the address"));
static LAYOUT(callback_rows, INCLUDE(address_family), INCLUDE(callback_port), INCLUDE(callback_ipv4),
              INCLUDE(callback_ipv6), INCLUDE(callback_rest));

static void read_context(struct reader *reader, uint32_t size, const struct scene *scene)
{
    (void)scene;
    if (size > 0) {
        read_run(reader, context_bytes, size);
    }
}

static void read_callback(struct reader *reader, uint32_t size, const struct scene *scene)
{
    (void)scene;
    if (reader->failed) {
        return;
    }
    if (reader_lacks(reader, size)) {
        reader_warn(reader, reader->pos, "The callback address is announced larger than the stub");
    }
    struct reader part = reader_part(reader, size);
    uint64_t family = size >= FAMILY_LEN ? read_field(&part, address_family) : 0;
    if (family == AF_INET_NUMBER || family == AF_INET6_NUMBER) {
        part.big_endian = true;
        read_rows(&part, callback_port);
        read_rows(&part, family == AF_INET_NUMBER ? callback_ipv4 : callback_ipv6);
    }
    read_rows(&part, callback_rest);
    reader_resume(reader, &part);
}

static void rgb_context(struct layout_run *run, const struct field *at)
{
    (void)at;
    array(run, "rgbContext", false, read_context);
}

static void rgb_callback_address(struct layout_run *run, const struct field *at)
{
    (void)at;
    array(run, "rgbCallbackAddress", false, read_callback);
}

static const char *handle_text(const struct field_value *value, char room[FIELD_TEXT_MAX])
{
    (void)room;
    for (uint32_t i = 0; i < value->len; i++) {
        if (value->bytes[i] != 0) {
            return NULL;
        }
    }
    return "none";
}

/* Three words, as four numbers: 3.1.4.1.3.1. */
#define NEW_FORM 0x8000u

static const char *version_text(const struct layout_run *run, char room[FIELD_TEXT_MAX])
{
    unsigned product = (unsigned)run->kept[0], build = (unsigned)run->kept[1], minor = (unsigned)run->kept[2];
    if (run->reader->failed) {
        return NULL;
    }
    if (build & NEW_FORM) {
        snprintf(room, FIELD_TEXT_MAX, "%u.%u.%u.%u", product >> 8, product & 0xFF, build & ~NEW_FORM, minor);
    } else {
        snprintf(room, FIELD_TEXT_MAX, "%u.0.%u.%u", product, build, minor);
    }
    return room;
}

static const char *link_text(const struct field_value *value, char room[FIELD_TEXT_MAX])
{
    (void)room;
    return value->number == UINT32_MAX ? "a session of its own" : NULL;
}

#define HANDLE(...) RUN(EMSMDB_HANDLE_LEN, __VA_ARGS__, .text = handle_text)
#define CXH ALIGN_4, HANDLE("cxh", "Session context handle")
#define ACXH ALIGN_4, HANDLE("acxh", "Asynchronous context handle")
#define VERSION(filter, label)                                                                                        \
    ALIGN_2, GROUP(label, version_text, X16(filter, label), KEEP(0), X16(filter, label), KEEP(1), X16(filter, label), \
                   KEEP(2))
#define RETURN_VALUE ALIGN_4, X32("return_value", "Return value", .text = ox_error_text)
#define TIME_STAMP ALIGN_4, X32("pul_time_stamp", "pulTimeStamp")
#define AUX_IN \
    READ_LAYOUT(rgb_aux_in, 0, aux_buffer_layouts), ALIGN_4, U32("cb_aux_in", "cbAuxIn", .seen = same_as_count)
#define AUX_OUT \
    READ_LAYOUT(rgb_aux_out, 0, aux_buffer_layouts), ALIGN_4, U32("pcb_aux_out", "pcbAuxOut", .seen = same_as_count)
#define AUX_OUT_MAX ALIGN_4, U32("pcb_aux_out", "pcbAuxOut")

/* ---- EcDoConnectEx, 3.1.4.1, and what it has in common with EcDoConnect ---- */

static LAYOUT(connect_request, STRING("sz_user_dn", "szUserDN"), ALIGN_4, X32("ul_flags", "ulFlags"),
              BIT("ul_flags.admin", "Administrative privileges", 0x00000001), X32("ul_con_mod", "ulConMod"),
              U32("cb_limit", "cbLimit"), U32("ul_cpid", "ulCpid", .names = code_page_names),
              X32("ul_lcid_string", "ulLcidString"), X32("ul_lcid_sort", "ulLcidSort"),
              X32("ul_icxr_link", "ulIcxrLink", .text = link_text),
              U16("us_f_can_convert_code_pages", "usFCanConvertCodePages"),
              VERSION("rgw_client_version", "rgwClientVersion"), TIME_STAMP);
static LAYOUT(connect_response, CXH, U32("pcms_polls_max", "pcmsPollsMax (ms)"), U32("pc_retry", "pcRetry"),
              U32("pcms_retry_delay", "pcmsRetryDelay (ms)"), U16("picxr", "picxr"),
              STRING_POINTER("sz_dn_prefix", "szDNPrefix"), STRING_POINTER("sz_display_name", "szDisplayName"),
              VERSION("rgw_server_version", "rgwServerVersion"), VERSION("rgw_best_version", "rgwBestVersion"),
              TIME_STAMP);
static LAYOUT(connect_ex_request, INCLUDE(connect_request), AUX_IN, AUX_OUT_MAX);
static LAYOUT(connect_ex_response, INCLUDE(connect_response), AUX_OUT, RETURN_VALUE);
static LAYOUT(connect_old_response, INCLUDE(connect_response), RETURN_VALUE);

/* ---- EcDoRpcExt2, 3.1.4.2 ---- */

#define FLAGS                                                                                            \
    ALIGN_4, X32("pul_flags", "pulFlags"), BIT("pul_flags.no_compression", "NoCompression", 0x00000001), \
        BIT("pul_flags.no_xor_magic", "NoXorMagic", 0x00000002), BIT("pul_flags.chain", "Chain", 0x00000004)

static LAYOUT(rpc_ext2_request, CXH, FLAGS, READ_LAYOUT(rgb_in, 0, rop_buffer_layouts), ALIGN_4,
              U32("cb_in", "cbIn", .seen = same_as_count), U32("pcb_out", "pcbOut"), AUX_IN, AUX_OUT_MAX);
static LAYOUT(rpc_ext2_response, CXH, FLAGS, READ_LAYOUT(rgb_out, 0, rop_buffer_layouts), ALIGN_4,
              U32("pcb_out", "pcbOut", .seen = same_as_count), AUX_OUT, U32("pul_trans_time", "pulTransTime (ms)"),
              RETURN_VALUE);

/* ---- EcDoRpc: not in the specification any more. One buffer for both ways, its length as it
 * is and, in the request, as it may become. ---- */

#define RGB CXH, READ_LAYOUT(rgb, 0, rop_buffer_layouts), ALIGN_2, U16("pcb", "pcb", .seen = same_as_count)

static LAYOUT(rpc_request, RGB, U16("cb_max", "cbMax"));
static LAYOUT(rpc_response, RGB, RETURN_VALUE);

/* ---- the others ---- */

static LAYOUT(nothing_in, READ(align_2, 0));
static LAYOUT(handle_in, CXH);
static LAYOUT(handle_out, CXH, RETURN_VALUE);
static LAYOUT(nothing_out, RETURN_VALUE);

/* 3.1.4.5 */
static LAYOUT(push_request, CXH, U32("i_rpc", "iRpc"), READ_LAYOUT(rgb_context, 0, context_bytes), ALIGN_2,
              U16("cb_context", "cbContext", .seen = same_as_count), ALIGN_4,
              X32("grbit_advise_bits", "grbitAdviseBits"), READ_LAYOUT(rgb_callback_address, 0, callback_rows), ALIGN_2,
              U16("cb_callback_address", "cbCallbackAddress", .seen = same_as_count));
static LAYOUT(push_response, CXH, X32("h_notification", "hNotification"), RETURN_VALUE);

/* 3.1.4.6 */
static LAYOUT(async_connect_response, ACXH, RETURN_VALUE);

/* 3.3.4.1 */
static LAYOUT(async_wait_request, ACXH, X32("ul_flags_in", "ulFlagsIn"));
static LAYOUT(async_wait_response, ALIGN_4, X32("pul_flags_out", "pulFlagsOut"),
              BIT("pul_flags_out.notification_pending", "NotificationPending", 0x00000001), RETURN_VALUE);

static LAYOUT(stub_rest, REST("rest", "Bytes behind the stub"));

#define STUB_ID(interface, opnum, response) ((uint32_t)(interface) << 17 | (uint32_t)(opnum) << 1 | (response))
#define METHOD(interface, opnum, name, request, response)                 \
    NAMED_CHOICE(STUB_ID(interface, opnum, 0), name " request", request), \
        NAMED_CHOICE(STUB_ID(interface, opnum, 1), name " response", response)

static CHOICES(stubs, METHOD(EMSMDB, EC_DO_CONNECT, "EcDoConnect", connect_request, connect_old_response),
               METHOD(EMSMDB, EC_DO_DISCONNECT, "EcDoDisconnect", handle_in, handle_out),
               METHOD(EMSMDB, EC_DO_RPC, "EcDoRpc", rpc_request, rpc_response),
               METHOD(EMSMDB, EC_R_REGISTER_PUSH_NOTIFICATION, "EcRRegisterPushNotification", push_request,
                      push_response),
               METHOD(EMSMDB, EC_DUMMY_RPC, "EcDummyRpc", nothing_in, nothing_out),
               METHOD(EMSMDB, EC_DO_CONNECT_EX, "EcDoConnectEx", connect_ex_request, connect_ex_response),
               METHOD(EMSMDB, EC_DO_RPC_EXT2, "EcDoRpcExt2", rpc_ext2_request, rpc_ext2_response),
               METHOD(EMSMDB, EC_DO_ASYNC_CONNECT_EX, "EcDoAsyncConnectEx", handle_in, async_connect_response),
               METHOD(EMSMDB_ASYNC, EC_DO_ASYNC_WAIT_EX, "EcDoAsyncWaitEx", async_wait_request, async_wait_response));

LAYOUT(emsmdb_stubs, INCLUDE(ndr_rows), CHOOSE(stubs), INCLUDE(stub_rest));

/* ---- methods ---- */

/* 3.1.4; the opnums that it reserves by the names they had. */
static FIELD_NAMES(emsmdb_names, 0, "EcDoConnect", 1, "EcDoDisconnect", 2, "EcDoRpc", 3, "EcGetMoreRpc", 4,
                   "EcRRegisterPushNotification", 5, "EcRUnregisterPushNotification", 6, "EcDummyRpc", 7,
                   "EcRGetDCName", 8, "EcRNetGetDCName", 9, "EcDoRpcExt", 10, "EcDoConnectEx", 11, "EcDoRpcExt2", 14,
                   "EcDoAsyncConnectEx");
static FIELD_NAMES(async_names, 0, "EcDoAsyncWaitEx");

const char *emsmdb_method_name(enum emsmdb_interface interface, uint16_t opnum)
{
    return field_name(interface == EMSMDB ? emsmdb_names : async_names, opnum);
}

bool emsmdb_reads(enum emsmdb_interface interface, uint16_t opnum)
{
    return layout_choice(stubs, STUB_ID(interface, opnum, 0)) != NULL;
}

void emsmdb_read_stub(struct reader *reader, const struct emsmdb_stub *stub, struct rop_host *host)
{
    const struct field_choice *choice = layout_choice(stubs, STUB_ID(stub->interface, stub->opnum, stub->response));
    struct scene scene = { .host = host, .response = stub->response, .ndr64 = stub->ndr64 };
    struct layout_run run = { .reader = reader, .scene = &scene };
    if (!choice) {
        return;
    }
    read_layout(&run, choice->rows);
    if (reader_left(reader) > 0) {
        reader_warn(reader, reader->pos, "Bytes behind the stub");
        read_layout(&run, stub_rest);
    }
}

bool emsmdb_has_handle(const struct emsmdb_stub *stub)
{
    if (stub->interface != EMSMDB || !emsmdb_reads(EMSMDB, stub->opnum)) {
        return false;
    }
    switch (stub->opnum) {
    case EC_DO_CONNECT:
    case EC_DO_CONNECT_EX:
        return stub->response;
    case EC_DO_ASYNC_CONNECT_EX:
        return !stub->response;
    default:
        return stub->opnum != EC_DUMMY_RPC;
    }
}

bool emsmdb_has_rops(const struct emsmdb_stub *stub)
{
    return stub->interface == EMSMDB && (stub->opnum == EC_DO_RPC || stub->opnum == EC_DO_RPC_EXT2);
}

/* handle, MaxCount, Offset, ActualCount, the bytes, pcb, and cbMax or the return value. */
#define RPC_BYTES_AT (EMSMDB_HANDLE_LEN + 12)
#define XOR_16 0xA5A5u
#define ROP_SIZE_LEN 2

bool emsmdb_fits_rpc(const uint8_t *p, uint32_t len, bool response, bool big_endian)
{
    uint32_t (*u32)(const uint8_t *) = big_endian ? get_be32 : get_le32;
    uint16_t (*u16)(const uint8_t *) = big_endian ? get_be16 : get_le16;
    if (len < RPC_BYTES_AT + ROP_SIZE_LEN) {
        return false;
    }
    uint32_t max = u32(p + EMSMDB_HANDLE_LEN), offset = u32(p + EMSMDB_HANDLE_LEN + 4);
    uint32_t actual = u32(p + EMSMDB_HANDLE_LEN + 8);
    if (max > UINT16_MAX || offset != 0 || actual > max || actual < ROP_SIZE_LEN || actual > len - RPC_BYTES_AT) {
        return false;
    }
    uint32_t at = RPC_BYTES_AT + actual + (actual & 1), end = at + (response ? 2 + 4 + (at + 2) % 4 : 4);
    uint32_t rop_size = get_le16(p + RPC_BYTES_AT) ^ XOR_16;
    return end <= len && u16(p + at) == actual && rop_size >= ROP_SIZE_LEN && rop_size <= actual &&
           (actual - rop_size) % 4 == 0 && (response || u16(p + at + 2) == max);
}
