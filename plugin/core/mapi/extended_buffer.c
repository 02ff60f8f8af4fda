/* extended_buffer.c
 * Extended buffers and the auxiliary blocks in them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "extended_buffer.h"

#include "properties.h"
#include "rops.h"
#include "lz77.h"

#include <stdio.h>

#define EXT_HEADER_LEN 8
#define EXT_COMPRESSED 0x0001u
#define EXT_XOR_MAGIC 0x0002u
#define EXT_LAST 0x0004u
#define EXT_XOR_BYTE 0xA5

#define AUX_HEADER_LEN 4

enum {
    EXT_VERSION, EXT_FLAGS, EXT_FLAG_COMPRESSED, EXT_FLAG_XOR, EXT_FLAG_LAST, EXT_SIZE, EXT_ACTUAL,
    EXT_PAYLOAD, EXT_REST,
    AUX_SIZE, AUX_VERSION, AUX_TYPE, AUX_DATA, AUX_RESERVED, AUX_UNUSED,
    CLIENT_ID, SERVER_ID, SESSION_ID, REQUEST_ID, PROCESS_ID, CONNECTION_ID,
    SESSION_GUID, PROCESS_GUID, ACCOUNT, CONNECTION_GUID,
    TIME_SINCE, TIME_TO_COMPLETE, TIME_TO_FAIL, RESULT_CODE, OPERATION,
    ADAPTER_SPEED, CLIENT_MODE,
    MACHINE_NAME_OFFSET, USER_NAME_OFFSET, CLIENT_IP_SIZE, CLIENT_IP_OFFSET, CLIENT_IP_MASK_SIZE,
    CLIENT_IP_MASK_OFFSET, ADAPTER_NAME_OFFSET, MAC_ADDRESS_SIZE, MAC_ADDRESS_OFFSET,
    MACHINE_NAME, USER_NAME, CLIENT_IP, CLIENT_IP_MASK, ADAPTER_NAME, MAC_ADDRESS,
    SERVER_TYPE, SERVER_DN_OFFSET, SERVER_NAME_OFFSET, SERVER_DN, SERVER_NAME,
    PROCESS_NAME_OFFSET, PROCESS_NAME,
    ENABLE_FLAGS, ENABLE_SENDTOSERVER, ENABLE_SENDTOMAILBOX, ENABLE_COMPRESSION, ENABLE_TUNNELING, ENABLE_GCDATA,
    EXPIRY_TIME,
    OS_INFO_SIZE, OS_MAJOR, OS_MINOR, OS_BUILD, OS_SERVICE_PACK_MAJOR, OS_SERVICE_PACK_MINOR,
    ORG_FLAGS, ORG_PUBLIC_FOLDERS, ORG_AUTODISCOVER,
    SERVER_CAPABILITIES, CAPABILITY_FAST_TRANSFER, CAPABILITY_WRITE_STREAM, CAPABILITY_ULTRA_LARGE,
    ENDPOINT_CAPABILITIES, ENDPOINT_SINGLE,
    CONNECTION_CONTEXT_OFFSET, CONNECTION_ATTEMPTS, CONNECTION_FLAGS, CONNECTION_CACHED, CONNECTION_CONTEXT,
    SERVER_CONTEXT_OFFSET, SERVER_CONTEXT,
    MANUFACTURER_OFFSET, MODEL_OFFSET, SERIAL_NUMBER_OFFSET, DEVICE_VERSION_OFFSET, FIRMWARE_VERSION_OFFSET,
    MANUFACTURER, MODEL, SERIAL_NUMBER, DEVICE_VERSION, FIRMWARE_VERSION,
    ROWS
};

static const struct field_name client_modes[] = {
    { 0, "CLIENTMODE_UNKNOWN" },
    { 1, "CLIENTMODE_CLASSIC" },
    { 2, "CLIENTMODE_CACHED" },
    { 0, NULL }
};

static const struct field_name server_types[] = {
    { 0, "SERVERTYPE_UNKNOWN" },
    { 1, "SERVERTYPE_PRIVATE" },
    { 2, "SERVERTYPE_PUBLIC" },
    { 3, "SERVERTYPE_DIRECTORY" },
    { 4, "SERVERTYPE_REFERRAL" },
    { 0, NULL }
};

static const struct field_name aux_versions[] = {
    { 1, "AUX_VERSION_1" },
    { 2, "AUX_VERSION_2" },
    { 0, NULL }
};

static const struct field rows[ROWS + 1] = {
    [EXT_VERSION] = { .filter = "ext.version", "Version", FIELD_U16, false, NULL, 0 },
    [EXT_FLAGS] = { .filter = "ext.flags", "Flags", FIELD_U16, true, NULL, 0 },
    [EXT_FLAG_COMPRESSED] = { .filter = "ext.flags.compressed", "Compressed", FIELD_U16, false, NULL, EXT_COMPRESSED },
    [EXT_FLAG_XOR] = { .filter = "ext.flags.xor_magic", "XorMagic", FIELD_U16, false, NULL, EXT_XOR_MAGIC },
    [EXT_FLAG_LAST] = { .filter = "ext.flags.last", "Last", FIELD_U16, false, NULL, EXT_LAST },
    [EXT_SIZE] = { .filter = "ext.size", "Size", FIELD_U16, false, NULL, 0 },
    [EXT_ACTUAL] = { .filter = "ext.size_actual", "SizeActual", FIELD_U16, false, NULL, 0 },
    [EXT_PAYLOAD] = { .filter = "ext.payload", "Payload as sent", FIELD_BYTES, false, NULL, 0 },
    [EXT_REST] = { .filter = "ext.rest", "Behind the last extended buffer", FIELD_BYTES, false, NULL, 0 },

    [AUX_SIZE] = { .filter = "aux.size", "Size", FIELD_U16, false, NULL, 0 },
    [AUX_VERSION] = { .filter = "aux.version", "Version", FIELD_U8, false, aux_versions, 0 },
    [AUX_TYPE] = { .filter = "aux.type", "Type", FIELD_U8, true, NULL, 0 },
    [AUX_DATA] = { .filter = "aux.data", "Data", FIELD_BYTES, false, NULL, 0 },
    [AUX_RESERVED] = { .filter = "aux.reserved", "Reserved", FIELD_BYTES, false, NULL, 0 },
    [AUX_UNUSED] = { .filter = "aux.unused", "Unused", FIELD_BYTES, false, NULL, 0 },

    [CLIENT_ID] = { .filter = "aux.client_id", "ClientID", FIELD_U16, false, NULL, 0 },
    [SERVER_ID] = { .filter = "aux.server_id", "ServerID", FIELD_U16, false, NULL, 0 },
    [SESSION_ID] = { .filter = "aux.session_id", "SessionID", FIELD_U16, false, NULL, 0 },
    [REQUEST_ID] = { .filter = "aux.request_id", "RequestID", FIELD_U16, false, NULL, 0 },
    [PROCESS_ID] = { .filter = "aux.process_id", "ProcessID", FIELD_U16, false, NULL, 0 },
    [CONNECTION_ID] = { .filter = "aux.connection_id", "ConnectionID", FIELD_U32, false, NULL, 0 },
    [SESSION_GUID] = { .filter = "aux.session_guid", "SessionGuid", FIELD_GUID, false, NULL, 0 },
    [PROCESS_GUID] = { .filter = "aux.process_guid", "ProcessGuid", FIELD_GUID, false, NULL, 0 },
    [ACCOUNT] = { .filter = "aux.account", "Account", FIELD_GUID, false, NULL, 0 },
    [CONNECTION_GUID] = { .filter = "aux.connection_guid", "ConnectionGUID", FIELD_GUID, false, NULL, 0 },

    [TIME_SINCE] = { .filter = "aux.time_since_request", "TimeSinceRequest (ms)", FIELD_U32, false, NULL, 0 },
    [TIME_TO_COMPLETE] = { .filter = "aux.time_to_complete_request", "TimeToCompleteRequest (ms)", FIELD_U32, false, NULL, 0 },
    [TIME_TO_FAIL] = { .filter = "aux.time_to_fail_request", "TimeToFailRequest (ms)", FIELD_U32, false, NULL, 0 },
    [RESULT_CODE] = { .filter = "aux.result_code", "ResultCode", FIELD_U32, true, NULL, 0 },
    [OPERATION] = { .filter = "aux.request_operation", "RequestOperation", FIELD_U8, true, NULL, 0 },

    [ADAPTER_SPEED] = { .filter = "aux.adapter_speed", "AdapterSpeed (kbit/s)", FIELD_U32, false, NULL, 0 },
    [CLIENT_MODE] = { .filter = "aux.client_mode", "ClientMode", FIELD_U16, false, client_modes, 0 },
    [MACHINE_NAME_OFFSET] = { .filter = "aux.machine_name_offset", "MachineNameOffset", FIELD_U16, false, NULL, 0 },
    [USER_NAME_OFFSET] = { .filter = "aux.user_name_offset", "UserNameOffset", FIELD_U16, false, NULL, 0 },
    [CLIENT_IP_SIZE] = { .filter = "aux.client_ip_size", "ClientIPSize", FIELD_U16, false, NULL, 0 },
    [CLIENT_IP_OFFSET] = { .filter = "aux.client_ip_offset", "ClientIPOffset", FIELD_U16, false, NULL, 0 },
    [CLIENT_IP_MASK_SIZE] = { .filter = "aux.client_ip_mask_size", "ClientIPMaskSize", FIELD_U16, false, NULL, 0 },
    [CLIENT_IP_MASK_OFFSET] = { .filter = "aux.client_ip_mask_offset", "ClientIPMaskOffset", FIELD_U16, false, NULL, 0 },
    [ADAPTER_NAME_OFFSET] = { .filter = "aux.adapter_name_offset", "AdapterNameOffset", FIELD_U16, false, NULL, 0 },
    [MAC_ADDRESS_SIZE] = { .filter = "aux.mac_address_size", "MacAddressSize", FIELD_U16, false, NULL, 0 },
    [MAC_ADDRESS_OFFSET] = { .filter = "aux.mac_address_offset", "MacAddressOffset", FIELD_U16, false, NULL, 0 },
    [MACHINE_NAME] = { .filter = "aux.machine_name", "MachineName", FIELD_STRING16, false, NULL, 0 },
    [USER_NAME] = { .filter = "aux.user_name", "UserName", FIELD_STRING16, false, NULL, 0 },
    [CLIENT_IP] = { .filter = "aux.client_ip", "ClientIP", FIELD_BYTES, false, NULL, 0 },
    [CLIENT_IP_MASK] = { .filter = "aux.client_ip_mask", "ClientIPMask", FIELD_BYTES, false, NULL, 0 },
    [ADAPTER_NAME] = { .filter = "aux.adapter_name", "AdapterName", FIELD_STRING16, false, NULL, 0 },
    [MAC_ADDRESS] = { .filter = "aux.mac_address", "MacAddress", FIELD_BYTES, false, NULL, 0 },

    [SERVER_TYPE] = { .filter = "aux.server_type", "ServerType", FIELD_U16, false, server_types, 0 },
    [SERVER_DN_OFFSET] = { .filter = "aux.server_dn_offset", "ServerDNOffset", FIELD_U16, false, NULL, 0 },
    [SERVER_NAME_OFFSET] = { .filter = "aux.server_name_offset", "ServerNameOffset", FIELD_U16, false, NULL, 0 },
    [SERVER_DN] = { .filter = "aux.server_dn", "ServerDN", FIELD_STRING16, false, NULL, 0 },
    [SERVER_NAME] = { .filter = "aux.server_name", "ServerName", FIELD_STRING16, false, NULL, 0 },

    [PROCESS_NAME_OFFSET] = { .filter = "aux.process_name_offset", "ProcessNameOffset", FIELD_U16, false, NULL, 0 },
    [PROCESS_NAME] = { .filter = "aux.process_name", "ProcessName", FIELD_STRING16, false, NULL, 0 },

    [ENABLE_FLAGS] = { .filter = "aux.enable_flags", "EnableFlags", FIELD_U32, true, NULL, 0 },
    [ENABLE_SENDTOSERVER] = {
        .filter = "aux.enable_flags.perf_sendtoserver", "ENABLE_PERF_SENDTOSERVER", FIELD_U32, false, NULL, 0x01
    },
    [ENABLE_SENDTOMAILBOX] = {
        .filter = "aux.enable_flags.perf_sendtomailbox", "ENABLE_PERF_SENDTOMAILBOX", FIELD_U32, false, NULL, 0x02
    },
    [ENABLE_COMPRESSION] = { .filter = "aux.enable_flags.compression", "ENABLE_COMPRESSION", FIELD_U32, false, NULL, 0x04 },
    [ENABLE_TUNNELING] = {
        .filter = "aux.enable_flags.http_tunneling", "ENABLE_HTTP_TUNNELING", FIELD_U32, false, NULL, 0x08
    },
    [ENABLE_GCDATA] = { .filter = "aux.enable_flags.perf_sendgcdata", "ENABLE_PERF_SENDGCDATA", FIELD_U32, false, NULL, 0x10 },
    [EXPIRY_TIME] = { .filter = "aux.expiry_time", "ExpiryTime (ms)", FIELD_U32, false, NULL, 0 },

    [OS_INFO_SIZE] = { .filter = "aux.os_version_info_size", "OSVersionInfoSize", FIELD_U32, false, NULL, 0 },
    [OS_MAJOR] = { .filter = "aux.major_version", "MajorVersion", FIELD_U32, false, NULL, 0 },
    [OS_MINOR] = { .filter = "aux.minor_version", "MinorVersion", FIELD_U32, false, NULL, 0 },
    [OS_BUILD] = { .filter = "aux.build_number", "BuildNumber", FIELD_U32, false, NULL, 0 },
    [OS_SERVICE_PACK_MAJOR] = { .filter = "aux.service_pack_major", "ServicePackMajor", FIELD_U16, false, NULL, 0 },
    [OS_SERVICE_PACK_MINOR] = { .filter = "aux.service_pack_minor", "ServicePackMinor", FIELD_U16, false, NULL, 0 },

    [ORG_FLAGS] = { .filter = "aux.org_flags", "OrgFlags", FIELD_U32, true, NULL, 0 },
    [ORG_PUBLIC_FOLDERS] = { .filter = "aux.org_flags.public_folders", "PUBLIC_FOLDERS_ENABLED", FIELD_U32, false, NULL, 0x01 },
    [ORG_AUTODISCOVER] = {
        .filter = "aux.org_flags.autodiscover", "USE_AUTODISCOVER_FOR_PUBLIC_FOLDER_CONFIGURATION", FIELD_U32, false, NULL, 0x02
    },

    [SERVER_CAPABILITIES] = { .filter = "aux.server_capability_flags", "ServerCapabilityFlags", FIELD_U32, true, NULL, 0 },
    [CAPABILITY_FAST_TRANSFER] = {
        .filter = "aux.server_capability_flags.packed_fast_transfer", "PACKED_FAST_TRANSFER_UPLOAD_BUFFERS", FIELD_U32, false,
        NULL, 0x01
    },
    [CAPABILITY_WRITE_STREAM] = {
        .filter = "aux.server_capability_flags.packed_write_stream", "PACKED_WRITE_STREAM_UPLOAD_BUFFERS", FIELD_U32, false,
        NULL, 0x02
    },
    [CAPABILITY_ULTRA_LARGE] = {
        .filter = "aux.server_capability_flags.ultra_large_packed", "ULTRA_LARGE_PACKED_DOWNLOAD_BUFFERS", FIELD_U32, false,
        NULL, 0x08
    },

    [ENDPOINT_CAPABILITIES] = { .filter = "aux.endpoint_capability_flag", "EndpointCapabilityFlag", FIELD_U32, true, NULL, 0 },
    [ENDPOINT_SINGLE] = {
        .filter = "aux.endpoint_capability_flag.single_endpoint", "ENDPOINT_CAPABILITIES_SINGLE_ENDPOINT", FIELD_U32, false,
        NULL, 0x01
    },

    [CONNECTION_CONTEXT_OFFSET] = {
        .filter = "aux.connection_context_info_offset", "OffsetConnectionContextInfo", FIELD_U16, false, NULL, 0
    },
    [CONNECTION_ATTEMPTS] = { .filter = "aux.connection_attempts", "ConnectionAttempts", FIELD_U32, false, NULL, 0 },
    [CONNECTION_FLAGS] = { .filter = "aux.connection_flags", "ConnectionFlags", FIELD_U32, true, NULL, 0 },
    [CONNECTION_CACHED] = { .filter = "aux.connection_flags.cached_mode", "Cached mode", FIELD_U32, false, NULL, 0x01 },
    [CONNECTION_CONTEXT] = {
        .filter = "aux.connection_context_info", "ConnectionContextInfo", FIELD_STRING16, false, NULL, 0
    },

    [SERVER_CONTEXT_OFFSET] = {
        .filter = "aux.server_session_context_info_offset", "OffsetServerSessionContextInfo", FIELD_U16, false, NULL, 0
    },
    [SERVER_CONTEXT] = {
        .filter = "aux.server_session_context_info", "ServerSessionContextInfo", FIELD_STRING16, false, NULL, 0
    },

    [MANUFACTURER_OFFSET] = { .filter = "aux.device_manufacturer_offset", "DeviceManufacturerOffset", FIELD_U16, false, NULL, 0 },
    [MODEL_OFFSET] = { .filter = "aux.device_model_offset", "DeviceModelOffset", FIELD_U16, false, NULL, 0 },
    [SERIAL_NUMBER_OFFSET] = {
        .filter = "aux.device_serial_number_offset", "DeviceSerialNumberOffset", FIELD_U16, false, NULL, 0
    },
    [DEVICE_VERSION_OFFSET] = { .filter = "aux.device_version_offset", "DeviceVersionOffset", FIELD_U16, false, NULL, 0 },
    [FIRMWARE_VERSION_OFFSET] = {
        .filter = "aux.device_firmware_version_offset", "DeviceFirmwareVersionOffset", FIELD_U16, false, NULL, 0
    },
    [MANUFACTURER] = { .filter = "aux.device_manufacturer", "DeviceManufacturer", FIELD_STRING16, false, NULL, 0 },
    [MODEL] = { .filter = "aux.device_model", "DeviceModel", FIELD_STRING16, false, NULL, 0 },
    [SERIAL_NUMBER] = { .filter = "aux.device_serial_number", "DeviceSerialNumber", FIELD_STRING16, false, NULL, 0 },
    [DEVICE_VERSION] = { .filter = "aux.device_version", "DeviceVersion", FIELD_STRING16, false, NULL, 0 },
    [FIRMWARE_VERSION] = { .filter = "aux.device_firmware_version", "DeviceFirmwareVersion", FIELD_STRING16, false, NULL, 0 }
};

const struct field_table extended_buffer_fields = { "mapihttp.", rows, ROWS };

/* ---- auxiliary blocks, MS-OXCRPC 2.2.2.2 ---- */

/* How a block is built: its fixed part, field by field. An offset of 0 is an absent string
 * or run. */
enum aux_step_kind {
    STEP_END,
    STEP_FIELD,                  /* row */
    STEP_RESERVED,               /* length bytes */
    STEP_STRING,                 /* row is the offset, target the string */
    STEP_SIZE,                   /* row is the size of the next STEP_RUN */
    STEP_RUN                     /* row is the offset, target the run */
};

struct aux_step {
    uint8_t kind, row, target, length;
};

#define FIELD(row) { STEP_FIELD, row, 0, 0 }
#define RESERVED(length) { STEP_RESERVED, AUX_RESERVED, 0, length }
#define STRING(offset, target) { STEP_STRING, offset, target, 0 }
#define SIZE(row) { STEP_SIZE, row, 0, 0 }
#define RUN(offset, target) { STEP_RUN, offset, target, 0 }
#define END { STEP_END, 0, 0, 0 }

static const struct aux_step request_id[] = { FIELD(SESSION_ID), FIELD(REQUEST_ID), END };
static const struct aux_step session_info[] = { FIELD(SESSION_ID), RESERVED(2), FIELD(SESSION_GUID), END };
static const struct aux_step session_info_v2[] = {
    FIELD(SESSION_ID), RESERVED(2), FIELD(SESSION_GUID), FIELD(CONNECTION_ID), END
};
static const struct aux_step client_info[] = {
    FIELD(ADAPTER_SPEED), FIELD(CLIENT_ID), STRING(MACHINE_NAME_OFFSET, MACHINE_NAME),
    STRING(USER_NAME_OFFSET, USER_NAME), SIZE(CLIENT_IP_SIZE), RUN(CLIENT_IP_OFFSET, CLIENT_IP),
    SIZE(CLIENT_IP_MASK_SIZE), RUN(CLIENT_IP_MASK_OFFSET, CLIENT_IP_MASK),
    STRING(ADAPTER_NAME_OFFSET, ADAPTER_NAME), SIZE(MAC_ADDRESS_SIZE), RUN(MAC_ADDRESS_OFFSET, MAC_ADDRESS),
    FIELD(CLIENT_MODE), RESERVED(2), END
};
static const struct aux_step server_info[] = {
    FIELD(SERVER_ID), FIELD(SERVER_TYPE), STRING(SERVER_DN_OFFSET, SERVER_DN),
    STRING(SERVER_NAME_OFFSET, SERVER_NAME), END
};
static const struct aux_step process_info[] = {
    FIELD(PROCESS_ID), RESERVED(2), FIELD(PROCESS_GUID), STRING(PROCESS_NAME_OFFSET, PROCESS_NAME), RESERVED(2), END
};
static const struct aux_step defmdb_success[] = {
    FIELD(TIME_SINCE), FIELD(TIME_TO_COMPLETE), FIELD(REQUEST_ID), RESERVED(2), END
};
static const struct aux_step defgc_success[] = {
    FIELD(SERVER_ID), FIELD(SESSION_ID), FIELD(TIME_SINCE), FIELD(TIME_TO_COMPLETE), FIELD(OPERATION), RESERVED(3),
    END
};
static const struct aux_step mdb_success[] = {
    FIELD(CLIENT_ID), FIELD(SERVER_ID), FIELD(SESSION_ID), FIELD(REQUEST_ID), FIELD(TIME_SINCE),
    FIELD(TIME_TO_COMPLETE), END
};
static const struct aux_step mdb_success_v2[] = {
    FIELD(PROCESS_ID), FIELD(CLIENT_ID), FIELD(SERVER_ID), FIELD(SESSION_ID), FIELD(REQUEST_ID), RESERVED(2),
    FIELD(TIME_SINCE), FIELD(TIME_TO_COMPLETE), END
};
static const struct aux_step gc_success[] = {
    FIELD(CLIENT_ID), FIELD(SERVER_ID), FIELD(SESSION_ID), RESERVED(2), FIELD(TIME_SINCE), FIELD(TIME_TO_COMPLETE),
    FIELD(OPERATION), RESERVED(3), END
};
static const struct aux_step gc_success_v2[] = {
    FIELD(PROCESS_ID), FIELD(CLIENT_ID), FIELD(SERVER_ID), FIELD(SESSION_ID), FIELD(TIME_SINCE),
    FIELD(TIME_TO_COMPLETE), FIELD(OPERATION), RESERVED(3), END
};
static const struct aux_step failure[] = {
    FIELD(CLIENT_ID), FIELD(SERVER_ID), FIELD(SESSION_ID), FIELD(REQUEST_ID), FIELD(TIME_SINCE), FIELD(TIME_TO_FAIL),
    FIELD(RESULT_CODE), FIELD(OPERATION), RESERVED(3), END
};
static const struct aux_step failure_v2[] = {
    FIELD(PROCESS_ID), FIELD(CLIENT_ID), FIELD(SERVER_ID), FIELD(SESSION_ID), FIELD(REQUEST_ID), RESERVED(2),
    FIELD(TIME_SINCE), FIELD(TIME_TO_FAIL), FIELD(RESULT_CODE), FIELD(OPERATION), RESERVED(3), END
};
static const struct aux_step client_control[] = { FIELD(ENABLE_FLAGS), FIELD(EXPIRY_TIME), END };
static const struct aux_step os_version_info[] = {
    FIELD(OS_INFO_SIZE), FIELD(OS_MAJOR), FIELD(OS_MINOR), FIELD(OS_BUILD), RESERVED(132),
    FIELD(OS_SERVICE_PACK_MAJOR), FIELD(OS_SERVICE_PACK_MINOR), RESERVED(4), END
};
static const struct aux_step org_info[] = { FIELD(ORG_FLAGS), END };
static const struct aux_step account_info[] = { FIELD(CLIENT_ID), RESERVED(2), FIELD(ACCOUNT), END };
static const struct aux_step server_capabilities[] = { FIELD(SERVER_CAPABILITIES), END };
static const struct aux_step endpoint_capabilities[] = { FIELD(ENDPOINT_CAPABILITIES), END };
static const struct aux_step client_connection_info[] = {
    FIELD(CONNECTION_GUID), STRING(CONNECTION_CONTEXT_OFFSET, CONNECTION_CONTEXT), RESERVED(2),
    FIELD(CONNECTION_ATTEMPTS), FIELD(CONNECTION_FLAGS), END
};
static const struct aux_step server_session_info[] = { STRING(SERVER_CONTEXT_OFFSET, SERVER_CONTEXT), END };
static const struct aux_step device_identification[] = {
    STRING(MANUFACTURER_OFFSET, MANUFACTURER), STRING(MODEL_OFFSET, MODEL),
    STRING(SERIAL_NUMBER_OFFSET, SERIAL_NUMBER), STRING(DEVICE_VERSION_OFFSET, DEVICE_VERSION),
    STRING(FIRMWARE_VERSION_OFFSET, FIRMWARE_VERSION), END
};

#undef FIELD
#undef RESERVED
#undef STRING
#undef SIZE
#undef RUN
#undef END

struct aux_block {
    uint8_t version, type;
    const char *type_name, *name;
    const struct aux_step *steps;
};

/* The names are the specification's, its slips included (CLIENTDINFO, EXORGINO). */
static const struct aux_block aux_blocks[] = {
    { 1, 0x01, "AUX_TYPE_PERF_REQUESTID", "AUX_PERF_REQUESTID", request_id },
    { 1, 0x02, "AUX_TYPE_PERF_CLIENTDINFO", "AUX_PERF_CLIENTINFO", client_info },
    { 1, 0x03, "AUX_TYPE_PERF_SERVERINFO", "AUX_PERF_SERVERINFO", server_info },
    { 1, 0x04, "AUX_TYPE_PERF_SESSIONINFO", "AUX_PERF_SESSIONINFO", session_info },
    { 1, 0x05, "AUX_TYPE_PERF_DEFMDB_SUCCESS", "AUX_PERF_DEFMDB_SUCCESS", defmdb_success },
    { 1, 0x06, "AUX_TYPE_PERF_DEFGC_SUCCESS", "AUX_PERF_DEFGC_SUCCESS", defgc_success },
    { 1, 0x07, "AUX_TYPE_PERF_MDB_SUCCESS", "AUX_PERF_MDB_SUCCESS", mdb_success },
    { 1, 0x08, "AUX_TYPE_PERF_GC_SUCCESS", "AUX_PERF_GC_SUCCESS", gc_success },
    { 1, 0x09, "AUX_TYPE_PERF_FAILURE", "AUX_PERF_FAILURE", failure },
    { 1, 0x0A, "AUX_TYPE_CLIENT_CONTROL", "AUX_CLIENT_CONTROL", client_control },
    { 1, 0x0B, "AUX_TYPE_PERF_PROCESSINFO", "AUX_PERF_PROCESSINFO", process_info },
    { 1, 0x0C, "AUX_TYPE_PERF_BG_DEFMDB_SUCCESS", "AUX_PERF_DEFMDB_SUCCESS", defmdb_success },
    { 1, 0x0D, "AUX_TYPE_PERF_BG_DEFGC_SUCCESS", "AUX_PERF_DEFGC_SUCCESS", defgc_success },
    { 1, 0x0E, "AUX_TYPE_PERF_BG_MDB_SUCCESS", "AUX_PERF_MDB_SUCCESS", mdb_success },
    { 1, 0x0F, "AUX_TYPE_PERF_BG_GC_SUCCESS", "AUX_PERF_GC_SUCCESS", gc_success },
    { 1, 0x10, "AUX_TYPE_PERF_BG_FAILURE", "AUX_PERF_FAILURE", failure },
    { 1, 0x11, "AUX_TYPE_PERF_FG_DEFMDB_SUCCESS", "AUX_PERF_DEFMDB_SUCCESS", defmdb_success },
    { 1, 0x12, "AUX_TYPE_PERF_FG_DEFGC_SUCCESS", "AUX_PERF_DEFGC_SUCCESS", defgc_success },
    { 1, 0x13, "AUX_TYPE_PERF_FG_MDB_SUCCESS", "AUX_PERF_MDB_SUCCESS", mdb_success },
    { 1, 0x14, "AUX_TYPE_PERF_FG_GC_SUCCESS", "AUX_PERF_GC_SUCCESS", gc_success },
    { 1, 0x15, "AUX_TYPE_PERF_FG_FAILURE", "AUX_PERF_FAILURE", failure },
    { 1, 0x16, "AUX_TYPE_OSVERSIONINFO", "AUX_OSVERSIONINFO", os_version_info },
    { 1, 0x17, "AUX_TYPE_EXORGINO", "AUX_EXORGINFO", org_info },
    { 1, 0x18, "AUX_TYPE_PERF_ACCOUNTINFO", "AUX_PERF_ACCOUNTINFO", account_info },
    { 1, 0x46, "AUX_TYPE_SERVER_CAPABILITIES", "AUX_SERVER_CAPABILITIES", server_capabilities },
    { 1, 0x48, "AUX_TYPE_ENDPOINT_CAPABILITIES", "AUX_ENDPOINT_CAPABILITIES", endpoint_capabilities },
    { 1, 0x4A, "AUX_CLIENT_CONNECTION_INFO", "AUX_CLIENT_CONNECTION_INFO", client_connection_info },
    { 1, 0x4B, "AUX_SERVER_SESSION_INFO", "AUX_SERVER_SESSION_INFO", server_session_info },
    { 1, 0x4E, "AUX_PROTOCOL_DEVICE_IDENTIFICATION", "AUX_PROTOCOL_DEVICE_IDENTIFICATION", device_identification },
    { 2, 0x04, "AUX_TYPE_PERF_SESSIONINFO", "AUX_PERF_SESSIONINFO_V2", session_info_v2 },
    { 2, 0x07, "AUX_TYPE_PERF_MDB_SUCCESS", "AUX_PERF_MDB_SUCCESS_V2", mdb_success_v2 },
    { 2, 0x08, "AUX_TYPE_PERF_GC_SUCCESS", "AUX_PERF_GC_SUCCESS_V2", gc_success_v2 },
    { 2, 0x09, "AUX_TYPE_PERF_FAILURE", "AUX_PERF_FAILURE_V2", failure_v2 },
    { 2, 0x0B, "AUX_TYPE_PERF_PROCESSINFO", "AUX_PERF_PROCESSINFO", process_info },
    { 2, 0x0E, "AUX_TYPE_PERF_BG_MDB_SUCCESS", "AUX_PERF_MDB_SUCCESS_V2", mdb_success_v2 },
    { 2, 0x0F, "AUX_TYPE_PERF_BG_GC_SUCCESS", "AUX_PERF_GC_SUCCESS_V2", gc_success_v2 },
    { 2, 0x10, "AUX_TYPE_PERF_BG_FAILURE", "AUX_PERF_FAILURE_V2", failure_v2 },
    { 2, 0x13, "AUX_TYPE_PERF_FG_MDB_SUCCESS", "AUX_PERF_MDB_SUCCESS_V2", mdb_success_v2 },
    { 2, 0x14, "AUX_TYPE_PERF_FG_GC_SUCCESS", "AUX_PERF_GC_SUCCESS_V2", gc_success_v2 },
    { 2, 0x15, "AUX_TYPE_PERF_FG_FAILURE", "AUX_PERF_FAILURE_V2", failure_v2 }
};

static const struct aux_block *aux_block_of(uint8_t version, uint8_t type)
{
    for (size_t i = 0; i < sizeof(aux_blocks) / sizeof(aux_blocks[0]); i++) {
        if (aux_blocks[i].version == version && aux_blocks[i].type == type) {
            return &aux_blocks[i];
        }
    }
    return NULL;
}

static const char *type_text(uint8_t version, uint64_t type)
{
    const struct aux_block *block = aux_block_of(version, (uint8_t)type);
    return block ? block->type_name : NULL;
}

static const char *type_text_v1(uint64_t type)
{
    return type_text(1, type);
}

static const char *type_text_v2(uint64_t type)
{
    return type_text(2, type);
}

/* What stands behind the fixed part: where the offset was, where it leads. */
struct aux_target {
    uint32_t offset_at, at, size;
    uint8_t row;
    bool is_string;
};

#define AUX_TARGETS 6            /* of AUX_PERF_CLIENTINFO */

static const char *address_text(uint8_t row, const uint8_t *p, uint32_t len, char *text, size_t size)
{
    if (row == MAC_ADDRESS && len == 6) {
        snprintf(text, size, "%02x:%02x:%02x:%02x:%02x:%02x", p[0], p[1], p[2], p[3], p[4], p[5]);
        return text;
    }
    if (row != MAC_ADDRESS && len == 4) {
        snprintf(text, size, "%u.%u.%u.%u", p[0], p[1], p[2], p[3]);
        return text;
    }
    if (row != MAC_ADDRESS && len == 16) {
        size_t used = 0;
        for (unsigned i = 0; i < 16; i += 2) {
            used += (size_t)snprintf(text + used, size - used, i ? ":%x" : "%x", get_be16(p + i));
        }
        return text;
    }
    return NULL;
}

static void read_target(struct reader *block, const struct aux_target *target)
{
    if (target->is_string) {
        read_string16(block, &rows[target->row]);
        return;
    }
    char text[48];
    const char *said = NULL;
    if (reader_left(block) >= target->size) {
        said = address_text(target->row, block->p + block->pos, target->size, text, sizeof(text));
    }
    read_run_text(block, &rows[target->row], target->size, said);
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
            break;               /* not captured */
        }
        if (at > end) {
            block->pos = end;
            read_run(block, &rows[AUX_UNUSED], at - end);
        }
        block->pos = at;
        /* A broken string does not hide the ones behind it. */
        struct reader part = *block;
        read_target(&part, target);
        block->values = part.values;
        if (part.failed) {
            block->failed = part.whole > part.len;
            end = at > end ? at : end;
        } else if (part.pos > end) {
            end = part.pos;
        }
    }
    block->pos = end;
}

static const char *result_text(uint64_t code)
{
    return ox_error_name((uint32_t)code);
}

static void read_steps(struct reader *block, uint32_t start, const struct aux_step *steps)
{
    struct aux_target targets[AUX_TARGETS];
    unsigned count = 0;
    uint32_t size = 0;
    for (; steps->kind != STEP_END && !block->failed; steps++) {
        uint32_t at = block->pos, number;
        if (steps->kind == STEP_RESERVED) {
            read_run(block, &rows[AUX_RESERVED], steps->length);
            continue;
        }
        number = (uint32_t)read_field_text(block, &rows[steps->row], steps->row == RESULT_CODE ? result_text : NULL);
        if (steps->kind == STEP_SIZE) {
            size = number;
        } else if (steps->kind != STEP_FIELD && !block->failed) {
            bool is_string = steps->kind == STEP_STRING;
            if (number != 0 && (is_string || size > 0) && count < AUX_TARGETS) {
                targets[count++] = (struct aux_target) { at, number, is_string ? 0 : size, steps->target, is_string };
            }
        }
    }
    if (!block->failed) {
        read_targets(block, start, targets, count);
    }
    if (reader_left(block) > 0) {
        read_run(block, &rows[AUX_UNUSED], reader_left(block));
    }
}

/* False if the place of the next block is unknown. */
static bool read_aux_block(struct reader *reader)
{
    uint32_t start = reader->pos;
    if (reader_left(reader) >= AUX_HEADER_LEN && peek_u16(reader) < AUX_HEADER_LEN) {
        reader_warn(reader, start, "An auxiliary block smaller than its own header");
        return false;
    }
    uint8_t version = 0, type = 0;
    if (reader_left(reader) >= AUX_HEADER_LEN) {
        version = reader->p[start + 2];
        type = reader->p[start + 3];
    }
    const struct aux_block *known = aux_block_of(version, type);
    char label[48];
    snprintf(label, sizeof(label), "%s", known ? known->name : "Unknown auxiliary block");
    if (!reader_open(reader, label)) {
        return false;
    }
    uint32_t size = (uint32_t)read_field(reader, &rows[AUX_SIZE]);
    read_field(reader, &rows[AUX_VERSION]);
    read_field_text(reader, &rows[AUX_TYPE], version == 2 ? type_text_v2 : version == 1 ? type_text_v1 : NULL);
    if (!reader->failed) {
        size -= AUX_HEADER_LEN;
        if (reader_lacks(reader, size)) {
            reader_warn(reader, start, "The size of an auxiliary block reaches behind its buffer");
        }
        struct reader block = reader_part(reader, size);
        if (known) {
            read_steps(&block, start, known->steps);
        } else if (size > 0) {
            read_run(&block, &rows[AUX_DATA], reader_left(&block));
        }
        reader_resume(reader, &block);
    }
    reader_close(reader, NULL);
    return !reader->failed;
}

static void read_aux_payload(struct reader *reader, bool response)
{
    (void)response;
    while (reader_left(reader) > 0 && read_aux_block(reader)) {
    }
    if (reader_left(reader) > 0) {
        read_run(reader, &rows[AUX_UNUSED], reader_left(reader));
    }
}

/* ---- extended buffers, MS-OXCRPC 2.2.2.1 and 3.1.4.1.1 ---- */

struct chain {
    void (*read_payload)(struct reader *reader, bool response);
    bool response;
    uint32_t derived;            /* bytes asked of the sink so far */
};

struct ext_header {
    uint32_t start, flags, size, actual;
};

#define FLAGS_AT 2
#define SIZE_AT 4
#define ACTUAL_AT 6

static void read_ext_header(struct reader *reader, struct ext_header *header)
{
    header->start = reader->pos;
    uint32_t version = (uint32_t)read_field(reader, &rows[EXT_VERSION]);
    header->flags = (uint32_t)read_field(reader, &rows[EXT_FLAGS]);
    header->size = (uint32_t)read_field(reader, &rows[EXT_SIZE]);
    header->actual = (uint32_t)read_field(reader, &rows[EXT_ACTUAL]);
    if (version != 0) {
        reader_warn(reader, header->start, "An extended buffer of an unknown version");
    }
    if (header->flags & ~(EXT_COMPRESSED | EXT_XOR_MAGIC | EXT_LAST)) {
        reader_warn(reader, header->start + FLAGS_AT, "Flags of an extended buffer that no specification defines");
    }
    if (header->flags & EXT_COMPRESSED) {
        if (header->size >= header->actual) {
            reader_warn(reader, header->start + SIZE_AT, "A compressed payload that is not smaller than SizeActual");
        }
    } else if (header->size != header->actual) {
        reader_warn(reader, header->start + ACTUAL_AT, "Size and SizeActual differ though nothing is compressed");
    }
    if (header->actual > EXT_PAYLOAD_MAX) {
        reader_warn(reader, header->start + ACTUAL_AT, "SizeActual is above the 32 KB of one payload");
    }
    if (reader_lacks(reader, header->size)) {
        reader_warn(reader, header->start + SIZE_AT, "The payload reaches behind the buffer");
    }
}

static uint8_t *room_for(struct reader *reader, struct chain *chain, uint32_t size)
{
    const struct field_sink *sink = reader->sink;
    if (!sink->room || size == 0) {
        return NULL;
    }
    if (size > EXT_DERIVED_MAX - chain->derived) {
        reader_warn(reader, reader->pos, "More payload than is undone of one buffer");
        return NULL;
    }
    chain->derived += size;
    return sink->room(sink->ctx, size);
}

static void read_derived(struct reader *reader, const struct chain *chain, const uint8_t *bytes, uint32_t len,
                         uint32_t whole, const char *name)
{
    const struct field_sink *sink = reader->sink;
    struct reader inner;
    reader_init(&inner, bytes, len, whole, sink);
    inner.values = reader->values;
    inner.depth = reader->depth;
    if (sink->enter) {
        sink->enter(sink->ctx, bytes, len, name);
    }
    chain->read_payload(&inner, chain->response);
    if (sink->leave) {
        sink->leave(sink->ctx);
    }
    reader->values = inner.values;
}

static void read_compressed(struct reader *payload, struct chain *chain, const struct ext_header *header)
{
    bool cut = payload->whole > payload->len;
    const uint8_t *in = payload->p + payload->pos;
    uint32_t in_at = payload->pos, in_len = reader_left(payload);
    uint32_t out_size = header->actual < EXT_PAYLOAD_MAX ? header->actual : EXT_PAYLOAD_MAX;
    uint8_t *out = room_for(payload, chain, out_size);
    read_run(payload, &rows[EXT_PAYLOAD], in_len);
    if (!out || payload->failed) {
        return;
    }
    size_t error_at;
    uint8_t mask = header->flags & EXT_XOR_MAGIC ? EXT_XOR_BYTE : 0;
    uint32_t written = (uint32_t)lz77_decompress(in, in_len, mask, out, out_size, &error_at);
    /* What the decoder of the payload must not hold against the sender. */
    bool incomplete = written < header->actual;
    if (error_at == in_len) {
        if (!cut) {
            reader_warn(payload, in_at + in_len, "The compressed payload stops short");
        }
    } else if (error_at != LZ77_WHOLE) {
        if (written < out_size) {
            reader_warn(payload, in_at + (uint32_t)error_at, "The compressed payload is broken");
        } else if (header->actual <= EXT_PAYLOAD_MAX) {
            reader_warn(payload, in_at + (uint32_t)error_at, "The compressed payload holds more than SizeActual");
        }
    } else if (written < out_size && !cut) {
        reader_warn(payload, header->start + ACTUAL_AT, "The compressed payload holds less than SizeActual");
    }
    if (written > 0) {
        read_derived(payload, chain, out, written, incomplete ? UINT32_MAX : written, "Decompressed extended buffer");
    }
}

static void read_xored(struct reader *payload, struct chain *chain)
{
    const uint8_t *in = payload->p + payload->pos;
    uint32_t len = reader_left(payload), whole = payload->whole - payload->pos;
    uint8_t *out = room_for(payload, chain, len);
    read_run(payload, &rows[EXT_PAYLOAD], len);
    if (!out || payload->failed) {
        return;
    }
    for (uint32_t i = 0; i < len; i++) {
        out[i] = in[i] ^ EXT_XOR_BYTE;
    }
    read_derived(payload, chain, out, len, whole, "De-XORed extended buffer");
}

static void read_ext_payload(struct reader *reader, struct chain *chain, const struct ext_header *header)
{
    struct reader payload = reader_part(reader, header->size);
    if (reader_left(&payload) == 0) {
        /* nothing of it is there */
    } else if (header->flags & EXT_COMPRESSED) {
        read_compressed(&payload, chain, header);
    } else if (header->flags & EXT_XOR_MAGIC) {
        read_xored(&payload, chain);
    } else {
        chain->read_payload(&payload, chain->response);
    }
    reader_resume(reader, &payload);
}

static void read_chain(struct reader *reader, struct chain *chain)
{
    struct ext_header header = { 0 };
    bool any = false;
    while (reader_left(reader) > 0 && !(header.flags & EXT_LAST)) {
        if (!reader_open(reader, "Extended buffer")) {
            return;
        }
        char summary[64] = "";
        read_ext_header(reader, &header);
        if (!reader->failed) {
            any = true;
            read_ext_payload(reader, chain, &header);
            if (header.flags & EXT_COMPRESSED) {
                snprintf(summary, sizeof(summary), "%u bytes, compressed to %u", header.actual, header.size);
            } else {
                snprintf(summary, sizeof(summary), "%u bytes", header.size);
            }
        }
        reader_close(reader, summary[0] ? summary : NULL);
    }
    if (reader->failed) {
        return;
    }
    if (any && !(header.flags & EXT_LAST) && reader->whole == reader->len) {
        reader_warn(reader, header.start + FLAGS_AT, "No extended buffer is marked as the last");
    }
    if (reader_left(reader) > 0) {
        reader_warn(reader, reader->pos, "Bytes behind the last extended buffer");
        read_run(reader, &rows[EXT_REST], reader_left(reader));
    }
}

static void read_buffer(struct reader *reader, uint32_t size, const char *label, struct chain *chain)
{
    if (size == 0 || reader->failed) {
        return;
    }
    if (reader_lacks(reader, size)) {
        reader_warn(reader, reader->pos, "The buffer is announced larger than the message");
    }
    if (!reader_open(reader, label)) {
        return;
    }
    struct reader part = reader_part(reader, size);
    read_chain(&part, chain);
    reader_resume(reader, &part);
    reader_close(reader, NULL);
}

void read_aux_buffer(struct reader *reader, uint32_t size)
{
    struct chain chain = { read_aux_payload, false, 0 };
    read_buffer(reader, size, "AuxiliaryBuffer", &chain);
}

void read_rop_buffer(struct reader *reader, uint32_t size, bool response)
{
    struct chain chain = { read_rop_payload, response, 0 };
    read_buffer(reader, size, "RopBuffer", &chain);
}
