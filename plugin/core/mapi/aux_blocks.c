/* aux_blocks.c
 * The auxiliary blocks of MS-OXCRPC 2.2.2.2.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "aux_blocks.h"

#include "layout.h"
#include "names.h"

#include <stdio.h>

#define AUX_HEADER_LEN 4

static FIELD_NAMES(client_modes, 0, "CLIENTMODE_UNKNOWN", 1, "CLIENTMODE_CLASSIC", 2, "CLIENTMODE_CACHED");

static FIELD_NAMES(server_types, 0, "SERVERTYPE_UNKNOWN", 1, "SERVERTYPE_PRIVATE", 2, "SERVERTYPE_PUBLIC", 3,
                   "SERVERTYPE_DIRECTORY", 4, "SERVERTYPE_REFERRAL");

static FIELD_NAMES(aux_versions, 1, "AUX_VERSION_1", 2, "AUX_VERSION_2");

static LAYOUT(unused, REST("aux.unused", "Unused"));
static LAYOUT(unknown, REST("aux.data", "Data"));

/* ---- what stands behind the fixed part of a block ---- */

#define AUX_TARGETS 6 /* of AUX_PERF_CLIENTINFO */
#define OFFSET_LEN 2

struct aux_target {
    uint32_t offset_at, at, size; /* where the offset is, where it leads; size: of a run */
    const struct field *row;
};

/* The scene of these layouts. */
struct aux_targets {
    struct aux_target target[AUX_TARGETS];
    unsigned count;
};

/* Strings and runs are read when the fixed part is: the number above is an offset, 0 for an
 * absent one, and kept[0] the size of a run. */
static void read_later(struct layout_run *run, const struct field *at)
{
    struct aux_targets *targets = run->scene;
    bool is_run = at->inside->role == LAYOUT_SIZED;
    if (run->last != 0 && (!is_run || run->kept[0] > 0) && targets->count < AUX_TARGETS) {
        targets->target[targets->count++] = (struct aux_target){ run->reader->pos - OFFSET_LEN, (uint32_t)run->last,
                                                                 is_run ? (uint32_t)run->kept[0] : 0, at->inside };
    }
}

#define STRING_BEHIND(offset_label, filter, label) \
    U16(filter "_offset", offset_label), READ_ROWS(read_later, 0, STRING16(filter, label))
#define STRING_AT(filter, label) STRING_BEHIND(label "Offset", filter, label)
#define RUN_AT(filter, label, says)                                                    \
    U16(filter "_size", label "Size"), KEEP(0), U16(filter "_offset", label "Offset"), \
        READ_ROWS(read_later, 0, SIZED(filter, label, .text = says))

static void read_target(struct reader *block, const struct aux_target *target)
{
    struct layout_run run = { .reader = block, .last = target->size };
    read_row(&run, target->row);
}

/* Strings and runs in the order of their places, and what lies between them. */
static void read_targets(struct reader *block, uint32_t start, struct aux_target *targets, unsigned count)
{
    for (unsigned i = 1; i < count; i++) {
        struct aux_target moved = targets[i];
        unsigned j = i;
        for (; j > 0 && targets[j - 1].at > moved.at; j--) {
            targets[j] = targets[j - 1];
        }
        targets[j] = moved;
    }
    uint32_t fixed_end = block->pos, end = block->pos;
    for (unsigned i = 0; i < count; i++) {
        const struct aux_target *target = &targets[i];
        if (target->at < fixed_end - start) {
            reader_warn(block, target->offset_at, "The offset points into the fixed part of its block");
            continue;
        }
        if (target->at >= block->whole - start) {
            reader_warn(block, target->offset_at, "The offset points out of its block");
            continue;
        }
        uint32_t at = start + target->at;
        if (at > block->len) {
            break; /* not captured */
        }
        if (at > end) {
            block->pos = end;
            read_run(block, unused, at - end);
        }
        block->pos = at;
        /* A broken string does not hide the ones behind it. */
        struct reader part = *block;
        read_target(&part, target);
        block->spent = part.spent;
        if (part.failed) {
            block->failed = part.whole > part.len;
            end = at > end ? at : end;
        } else if (part.pos > end) {
            end = part.pos;
        }
    }
    block->pos = end;
}

static const char *ip_text(const struct field_value *value, char room[FIELD_TEXT_MAX])
{
    const uint8_t *p = value->bytes;
    if (value->len == 4) {
        snprintf(room, FIELD_TEXT_MAX, "%u.%u.%u.%u", p[0], p[1], p[2], p[3]);
        return room;
    }
    if (value->len == 16) {
        size_t used = 0;
        for (unsigned i = 0; i < 16; i += 2) {
            used += (size_t)snprintf(room + used, FIELD_TEXT_MAX - used, i ? ":%x" : "%x", get_be16(p + i));
        }
        return room;
    }
    return NULL;
}

static const char *mac_text(const struct field_value *value, char room[FIELD_TEXT_MAX])
{
    const uint8_t *p = value->bytes;
    if (value->len != 6) {
        return NULL;
    }
    snprintf(room, FIELD_TEXT_MAX, "%02x:%02x:%02x:%02x:%02x:%02x", p[0], p[1], p[2], p[3], p[4], p[5]);
    return room;
}

/* ---- the blocks, MS-OXCRPC 2.2.2.2.1 to 2.2.2.2.23 ---- */

#define CLIENT_ID U16("aux.client_id", "ClientID")
#define SERVER_ID U16("aux.server_id", "ServerID")
#define SESSION_ID U16("aux.session_id", "SessionID")
#define REQUEST_ID U16("aux.request_id", "RequestID")
#define PROCESS_ID U16("aux.process_id", "ProcessID")
#define SESSION_GUID UUID("aux.session_guid", "SessionGuid")
#define TIME_SINCE U32("aux.time_since_request", "TimeSinceRequest (ms)")
#define TIME_TO_COMPLETE U32("aux.time_to_complete_request", "TimeToCompleteRequest (ms)")
#define TIME_TO_FAIL U32("aux.time_to_fail_request", "TimeToFailRequest (ms)")
#define RESULT_CODE X32("aux.result_code", "ResultCode", .text = ox_error_text)
#define OPERATION X8("aux.request_operation", "RequestOperation")
#define RESERVED(length) RUN(length, "aux.reserved", "Reserved")

static LAYOUT(request_id, SESSION_ID, REQUEST_ID);
static LAYOUT(session_info, SESSION_ID, RESERVED(2), SESSION_GUID);
static LAYOUT(session_info_v2, SESSION_ID, RESERVED(2), SESSION_GUID, U32("aux.connection_id", "ConnectionID"));
static LAYOUT(client_info, U32("aux.adapter_speed", "AdapterSpeed (kbit/s)"), CLIENT_ID,
              STRING_AT("aux.machine_name", "MachineName"), STRING_AT("aux.user_name", "UserName"),
              RUN_AT("aux.client_ip", "ClientIP", ip_text), RUN_AT("aux.client_ip_mask", "ClientIPMask", ip_text),
              STRING_AT("aux.adapter_name", "AdapterName"), RUN_AT("aux.mac_address", "MacAddress", mac_text),
              U16("aux.client_mode", "ClientMode", .names = client_modes), RESERVED(2));
static LAYOUT(server_info, SERVER_ID, U16("aux.server_type", "ServerType", .names = server_types),
              STRING_AT("aux.server_dn", "ServerDN"), STRING_AT("aux.server_name", "ServerName"));
static LAYOUT(process_info, PROCESS_ID, RESERVED(2), UUID("aux.process_guid", "ProcessGuid"),
              STRING_AT("aux.process_name", "ProcessName"), RESERVED(2));
static LAYOUT(defmdb_success, TIME_SINCE, TIME_TO_COMPLETE, REQUEST_ID, RESERVED(2));
static LAYOUT(defgc_success, SERVER_ID, SESSION_ID, TIME_SINCE, TIME_TO_COMPLETE, OPERATION, RESERVED(3));
static LAYOUT(mdb_success, CLIENT_ID, SERVER_ID, SESSION_ID, REQUEST_ID, TIME_SINCE, TIME_TO_COMPLETE);
static LAYOUT(mdb_success_v2, PROCESS_ID, CLIENT_ID, SERVER_ID, SESSION_ID, REQUEST_ID, RESERVED(2), TIME_SINCE,
              TIME_TO_COMPLETE);
static LAYOUT(gc_success, CLIENT_ID, SERVER_ID, SESSION_ID, RESERVED(2), TIME_SINCE, TIME_TO_COMPLETE, OPERATION,
              RESERVED(3));
static LAYOUT(gc_success_v2, PROCESS_ID, CLIENT_ID, SERVER_ID, SESSION_ID, TIME_SINCE, TIME_TO_COMPLETE, OPERATION,
              RESERVED(3));
static LAYOUT(failure, CLIENT_ID, SERVER_ID, SESSION_ID, REQUEST_ID, TIME_SINCE, TIME_TO_FAIL, RESULT_CODE, OPERATION,
              RESERVED(3));
static LAYOUT(failure_v2, PROCESS_ID, CLIENT_ID, SERVER_ID, SESSION_ID, REQUEST_ID, RESERVED(2), TIME_SINCE,
              TIME_TO_FAIL, RESULT_CODE, OPERATION, RESERVED(3));
static LAYOUT(client_control, X32("aux.enable_flags", "EnableFlags"),
              BIT("aux.enable_flags.perf_sendtoserver", "ENABLE_PERF_SENDTOSERVER", 0x01),
              BIT("aux.enable_flags.perf_sendtomailbox", "ENABLE_PERF_SENDTOMAILBOX", 0x02),
              BIT("aux.enable_flags.compression", "ENABLE_COMPRESSION", 0x04),
              BIT("aux.enable_flags.http_tunneling", "ENABLE_HTTP_TUNNELING", 0x08),
              BIT("aux.enable_flags.perf_sendgcdata", "ENABLE_PERF_SENDGCDATA", 0x10),
              U32("aux.expiry_time", "ExpiryTime (ms)"));
static LAYOUT(os_version_info, U32("aux.os_version_info_size", "OSVersionInfoSize"),
              U32("aux.major_version", "MajorVersion"), U32("aux.minor_version", "MinorVersion"),
              U32("aux.build_number", "BuildNumber"), RESERVED(132), U16("aux.service_pack_major", "ServicePackMajor"),
              U16("aux.service_pack_minor", "ServicePackMinor"), RESERVED(4));
static LAYOUT(org_info, X32("aux.org_flags", "OrgFlags"),
              BIT("aux.org_flags.public_folders", "PUBLIC_FOLDERS_ENABLED", 0x01),
              BIT("aux.org_flags.autodiscover", "USE_AUTODISCOVER_FOR_PUBLIC_FOLDER_CONFIGURATION", 0x02));
static LAYOUT(account_info, CLIENT_ID, RESERVED(2), UUID("aux.account", "Account"));
static LAYOUT(server_capabilities, X32("aux.server_capability_flags", "ServerCapabilityFlags"),
              BIT("aux.server_capability_flags.packed_fast_transfer", "PACKED_FAST_TRANSFER_UPLOAD_BUFFERS", 0x01),
              BIT("aux.server_capability_flags.packed_write_stream", "PACKED_WRITE_STREAM_UPLOAD_BUFFERS", 0x02),
              BIT("aux.server_capability_flags.ultra_large_packed", "ULTRA_LARGE_PACKED_DOWNLOAD_BUFFERS", 0x08));
static LAYOUT(endpoint_capabilities, X32("aux.endpoint_capability_flag", "EndpointCapabilityFlag"),
              BIT("aux.endpoint_capability_flag.single_endpoint", "ENDPOINT_CAPABILITIES_SINGLE_ENDPOINT", 0x01));
static LAYOUT(client_connection_info, UUID("aux.connection_guid", "ConnectionGUID"),
              STRING_BEHIND("OffsetConnectionContextInfo", "aux.connection_context_info", "ConnectionContextInfo"),
              RESERVED(2), U32("aux.connection_attempts", "ConnectionAttempts"),
              X32("aux.connection_flags", "ConnectionFlags"),
              BIT("aux.connection_flags.cached_mode", "Cached mode", 0x01));
static LAYOUT(server_session_info, STRING_BEHIND("OffsetServerSessionContextInfo", "aux.server_session_context_info",
                                                 "ServerSessionContextInfo"));
static LAYOUT(device_identification, STRING_AT("aux.device_manufacturer", "DeviceManufacturer"),
              STRING_AT("aux.device_model", "DeviceModel"), STRING_AT("aux.device_serial_number", "DeviceSerialNumber"),
              STRING_AT("aux.device_version", "DeviceVersion"),
              STRING_AT("aux.device_firmware_version", "DeviceFirmwareVersion"));

#define BLOCK_ID(version, type) ((version) << 8 | (type))
#define BLOCK(version, type, rows, name, label)    \
    {                                              \
        BLOCK_ID(version, type), rows, name, label \
    }
/* The same of a request as such, in the background and in the foreground. */
#define PERFORMANCE(version, type, background, foreground, rows, name, label) \
    BLOCK(version, type, rows, "AUX_TYPE_PERF_" name, label),                 \
        BLOCK(version, background, rows, "AUX_TYPE_PERF_BG_" name, label),    \
        BLOCK(version, foreground, rows, "AUX_TYPE_PERF_FG_" name, label)

/* The names are the specification's, its slips included (CLIENTDINFO, EXORGINO). */
static CHOICES(blocks, BLOCK(1, 0x01, request_id, "AUX_TYPE_PERF_REQUESTID", "AUX_PERF_REQUESTID"),
               BLOCK(1, 0x02, client_info, "AUX_TYPE_PERF_CLIENTDINFO", "AUX_PERF_CLIENTINFO"),
               BLOCK(1, 0x03, server_info, "AUX_TYPE_PERF_SERVERINFO", "AUX_PERF_SERVERINFO"),
               BLOCK(1, 0x04, session_info, "AUX_TYPE_PERF_SESSIONINFO", "AUX_PERF_SESSIONINFO"),
               PERFORMANCE(1, 0x05, 0x0C, 0x11, defmdb_success, "DEFMDB_SUCCESS", "AUX_PERF_DEFMDB_SUCCESS"),
               PERFORMANCE(1, 0x06, 0x0D, 0x12, defgc_success, "DEFGC_SUCCESS", "AUX_PERF_DEFGC_SUCCESS"),
               PERFORMANCE(1, 0x07, 0x0E, 0x13, mdb_success, "MDB_SUCCESS", "AUX_PERF_MDB_SUCCESS"),
               PERFORMANCE(1, 0x08, 0x0F, 0x14, gc_success, "GC_SUCCESS", "AUX_PERF_GC_SUCCESS"),
               PERFORMANCE(1, 0x09, 0x10, 0x15, failure, "FAILURE", "AUX_PERF_FAILURE"),
               BLOCK(1, 0x0A, client_control, "AUX_TYPE_CLIENT_CONTROL", "AUX_CLIENT_CONTROL"),
               BLOCK(1, 0x0B, process_info, "AUX_TYPE_PERF_PROCESSINFO", "AUX_PERF_PROCESSINFO"),
               BLOCK(1, 0x16, os_version_info, "AUX_TYPE_OSVERSIONINFO", "AUX_OSVERSIONINFO"),
               BLOCK(1, 0x17, org_info, "AUX_TYPE_EXORGINO", "AUX_EXORGINFO"),
               BLOCK(1, 0x18, account_info, "AUX_TYPE_PERF_ACCOUNTINFO", "AUX_PERF_ACCOUNTINFO"),
               BLOCK(1, 0x46, server_capabilities, "AUX_TYPE_SERVER_CAPABILITIES", "AUX_SERVER_CAPABILITIES"),
               BLOCK(1, 0x48, endpoint_capabilities, "AUX_TYPE_ENDPOINT_CAPABILITIES", "AUX_ENDPOINT_CAPABILITIES"),
               BLOCK(1, 0x4A, client_connection_info, "AUX_CLIENT_CONNECTION_INFO", "AUX_CLIENT_CONNECTION_INFO"),
               BLOCK(1, 0x4B, server_session_info, "AUX_SERVER_SESSION_INFO", "AUX_SERVER_SESSION_INFO"),
               BLOCK(1, 0x4E, device_identification, "AUX_PROTOCOL_DEVICE_IDENTIFICATION",
                     "AUX_PROTOCOL_DEVICE_IDENTIFICATION"),
               BLOCK(2, 0x04, session_info_v2, "AUX_TYPE_PERF_SESSIONINFO", "AUX_PERF_SESSIONINFO_V2"),
               PERFORMANCE(2, 0x07, 0x0E, 0x13, mdb_success_v2, "MDB_SUCCESS", "AUX_PERF_MDB_SUCCESS_V2"),
               PERFORMANCE(2, 0x08, 0x0F, 0x14, gc_success_v2, "GC_SUCCESS", "AUX_PERF_GC_SUCCESS_V2"),
               PERFORMANCE(2, 0x09, 0x10, 0x15, failure_v2, "FAILURE", "AUX_PERF_FAILURE_V2"),
               BLOCK(2, 0x0B, process_info, "AUX_TYPE_PERF_PROCESSINFO", "AUX_PERF_PROCESSINFO"));

/* ---- any block ---- */

/* By the version that stands before the type. */
static const char *type_text(const struct field_value *value, char room[FIELD_TEXT_MAX])
{
    const struct field_choice *block = layout_choice(blocks, BLOCK_ID(value->bytes[-1], (uint32_t)value->number));
    (void)room;
    return block ? block->name : NULL;
}

static LAYOUT(header, U16("aux.size", "Size"), U8("aux.version", "Version", .names = aux_versions),
              X8("aux.type", "Type", .text = type_text));

LAYOUT(aux_block_layouts, INCLUDE(header), CHOOSE(blocks), INCLUDE(unknown), INCLUDE(unused));

static void read_known(struct reader *block, uint32_t start, const struct field *rows)
{
    struct aux_targets targets = { .count = 0 };
    struct layout_run run = { .reader = block, .scene = &targets };
    read_layout(&run, rows);
    if (!block->failed) {
        read_targets(block, start, targets.target, targets.count);
    }
    read_rows(block, unused);
}

/* False if the place of the next block is unknown. */
static bool read_aux_block(struct reader *reader)
{
    uint32_t start = reader->pos, size = peek_u16(reader);
    bool has_header = reader_left(reader) >= AUX_HEADER_LEN;
    if (has_header && size < AUX_HEADER_LEN) {
        reader_warn(reader, start, "An auxiliary block smaller than its own header");
        return false;
    }
    const struct field_choice *known =
        has_header ? layout_choice(blocks, BLOCK_ID(reader->p[start + 2], reader->p[start + 3])) : NULL;
    if (!reader_open(reader, known ? known->label : "Unknown auxiliary block")) {
        return false;
    }
    read_rows(reader, header);
    if (!reader->failed) {
        size -= AUX_HEADER_LEN;
        if (reader_lacks(reader, size)) {
            reader_warn(reader, start, "The size of an auxiliary block reaches behind its buffer");
        }
        struct reader block = reader_part(reader, size);
        if (known) {
            read_known(&block, start, known->rows);
        } else if (size > 0) {
            read_run(&block, unknown, reader_left(&block)); /* also if none of it is there */
        }
        reader_resume(reader, &block);
    }
    reader_close(reader, NULL);
    return !reader->failed;
}

void read_aux_blocks(struct reader *reader)
{
    while (reader_left(reader) > 0 && read_aux_block(reader)) {
    }
    read_rows(reader, unused);
}
