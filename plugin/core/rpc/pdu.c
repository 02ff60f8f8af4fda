/* pdu.c
 * The connection-oriented RPC PDU header, C706 12.6.1 and MS-RPCE 2.2.2.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "pdu.h"

#include "field.h"

#define OFFSET_VERSION 0
#define OFFSET_MINOR 1
#define OFFSET_PTYPE 2
#define OFFSET_DREP 4
#define OFFSET_FRAG_LENGTH 8
#define OFFSET_NAK_REASON 16
#define OFFSET_FAULT_STATUS 24
#define OFFSET_REQUEST_CONTEXT 20
#define OFFSET_REQUEST_OPNUM 22
#define OFFSET_BIND_COUNT 24
#define OFFSET_BIND_CONTEXTS 28
#define UUID_LEN 16
#define CONTEXT_LEN (4 + UUID_LEN + 4) /* without its transfer syntaxes */
#define SYNTAX_LEN (UUID_LEN + 4)

/* C706 12.6.4.1 for connections, with rpc_auth_3 and RTS of Microsoft. */
static FIELD_NAMES(type_names, RPC_REQUEST, "request", RPC_RESPONSE, "response", RPC_FAULT, "fault", RPC_BIND, "bind",
                   RPC_BIND_ACK, "bind_ack", RPC_BIND_NAK, "bind_nak", RPC_ALTER_CONTEXT, "alter_context",
                   RPC_ALTER_CONTEXT_RESP, "alter_context_resp", 16, "auth3", RPC_SHUTDOWN, "shutdown", RPC_CO_CANCEL,
                   "co_cancel", RPC_ORPHANED, "orphaned", RPC_RTS, "rts");

/* C706 appendix E and the Win32 and RPC_S_* codes that Windows puts into faults. More
 * rows than a macro need take (127 arguments). */
static const struct field_name fault_names[] = { 0x00000001, "nca_s_fault_other",
                                                 0x00000005, "ERROR_ACCESS_DENIED",
                                                 0x00000008, "ERROR_NOT_ENOUGH_MEMORY",
                                                 0x0000000E, "ERROR_OUTOFMEMORY",
                                                 0x00000057, "ERROR_INVALID_PARAMETER",
                                                 0x0000052E, "ERROR_LOGON_FAILURE",
                                                 0x000006A6, "RPC_S_INVALID_BINDING",
                                                 0x000006AE, "RPC_S_OBJECT_NOT_FOUND",
                                                 0x000006B5, "RPC_S_UNKNOWN_IF",
                                                 0x000006BA, "RPC_S_SERVER_UNAVAILABLE",
                                                 0x000006BB, "RPC_S_SERVER_TOO_BUSY",
                                                 0x000006BE, "RPC_S_CALL_FAILED",
                                                 0x000006BF, "RPC_S_CALL_FAILED_DNE",
                                                 0x000006C0, "RPC_S_PROTOCOL_ERROR",
                                                 0x000006C2, "RPC_S_UNSUPPORTED_TRANS_SYN",
                                                 0x000006C4, "RPC_S_UNSUPPORTED_TYPE",
                                                 0x000006C6, "RPC_S_INVALID_BOUND",
                                                 0x000006D1, "RPC_S_PROCNUM_OUT_OF_RANGE",
                                                 0x000006D3, "RPC_S_UNKNOWN_AUTHN_SERVICE",
                                                 0x000006D8, "EPT_S_CANT_PERFORM_OP",
                                                 0x000006E4, "RPC_S_CANNOT_SUPPORT",
                                                 0x000006E6, "RPC_S_INTERNAL_ERROR",
                                                 0x000006F4, "RPC_X_NULL_REF_POINTER",
                                                 0x000006F6, "RPC_X_BYTE_COUNT_TOO_SMALL",
                                                 0x000006F7, "RPC_X_BAD_STUB_DATA",
                                                 0x0000071A, "RPC_S_CALL_CANCELLED",
                                                 0x0000071C, "RPC_S_COMM_FAILURE",
                                                 0x00000721, "RPC_S_SEC_PKG_ERROR",
                                                 0x0000077A, "RPC_S_INVALID_ASYNC_HANDLE",
                                                 0x1C000001, "nca_s_fault_int_div_by_zero",
                                                 0x1C000002, "nca_s_fault_addr_error",
                                                 0x1C000003, "nca_s_fault_fp_div_zero",
                                                 0x1C000004, "nca_s_fault_fp_underflow",
                                                 0x1C000005, "nca_s_fault_fp_overflow",
                                                 0x1C000006, "nca_s_fault_invalid_tag",
                                                 0x1C000007, "nca_s_fault_invalid_bound",
                                                 0x1C000008, "nca_s_rpc_version_mismatch",
                                                 0x1C000009, "nca_s_unspec_reject",
                                                 0x1C00000A, "nca_s_bad_actid",
                                                 0x1C00000B, "nca_s_who_are_you_failed",
                                                 0x1C00000C, "nca_s_manager_not_entered",
                                                 0x1C00000D, "nca_s_fault_cancel",
                                                 0x1C00000E, "nca_s_fault_ill_inst",
                                                 0x1C00000F, "nca_s_fault_fp_error",
                                                 0x1C000010, "nca_s_fault_int_overflow",
                                                 0x1C000012, "nca_s_fault_unspec",
                                                 0x1C000013, "nca_s_fault_remote_comm_failure",
                                                 0x1C000014, "nca_s_fault_pipe_empty",
                                                 0x1C000015, "nca_s_fault_pipe_closed",
                                                 0x1C000016, "nca_s_fault_pipe_order",
                                                 0x1C000017, "nca_s_fault_pipe_discipline",
                                                 0x1C000018, "nca_s_fault_pipe_comm_error",
                                                 0x1C000019, "nca_s_fault_pipe_memory",
                                                 0x1C00001A, "nca_s_fault_context_mismatch",
                                                 0x1C00001B, "nca_s_fault_remote_no_memory",
                                                 0x1C00001C, "nca_s_invalid_pres_context_id",
                                                 0x1C00001D, "nca_s_unsupported_authn_level",
                                                 0x1C00001F, "nca_s_invalid_checksum",
                                                 0x1C000020, "nca_s_invalid_crc",
                                                 0x1C000021, "nca_s_fault_user_defined",
                                                 0x1C000022, "nca_s_fault_tx_open_failed",
                                                 0x1C000023, "nca_s_fault_codeset_conv_error",
                                                 0x1C000024, "nca_s_fault_object_not_found",
                                                 0x1C000025, "nca_s_fault_no_client_stub",
                                                 0x1C010001, "nca_s_comm_failure",
                                                 0x1C010002, "nca_s_op_rng_error",
                                                 0x1C010003, "nca_s_unk_if",
                                                 0x1C010006, "nca_s_wrong_boot_time",
                                                 0x1C010009, "nca_s_you_crashed",
                                                 0x1C01000B, "nca_s_proto_error",
                                                 0x1C010013, "nca_s_out_args_too_big",
                                                 0x1C010014, "nca_s_server_too_busy",
                                                 0x1C010015, "nca_s_fault_string_too_long",
                                                 0x1C010017, "nca_s_unsupported_type",
                                                 0x80010108, "RPC_E_DISCONNECTED",
                                                 0x80070005, "E_ACCESSDENIED",
                                                 0x8007000E, "E_OUTOFMEMORY",
                                                 0x80070057, "E_INVALIDARG",
                                                 0,          NULL };

/* p_reject_reason_t, C706 12.6.3.1, and the additions of MS-RPCE 2.2.2.5. */
static FIELD_NAMES(nak_names, 0, "reason_not_specified", 1, "temporary_congestion", 2, "local_limit_exceeded", 3,
                   "called_paddr_unknown", 4, "protocol_version_not_supported", 5, "default_context_not_supported", 6,
                   "user_data_not_readable", 7, "no_psap_available", 8, "authentication_type_not_recognized", 9,
                   "invalid_checksum");

static bool is_little_endian(const uint8_t *p)
{
    return (p[OFFSET_DREP] & 0x10) != 0;
}

static uint16_t read_u16(const uint8_t *p, size_t offset)
{
    return is_little_endian(p) ? get_le16(p + offset) : get_be16(p + offset);
}

static uint32_t read_u32(const uint8_t *p, size_t offset)
{
    return is_little_endian(p) ? get_le32(p + offset) : get_be32(p + offset);
}

/* Whether a PDU may hold this byte there. The reserved bytes of drep are let through:
 * C706 asks nothing of their receiver. */
static bool header_byte_possible(unsigned offset, uint8_t byte)
{
    switch (offset) {
    case OFFSET_VERSION:
        return byte == 5;
    case OFFSET_MINOR:
        return byte <= 1;
    case OFFSET_PTYPE:
        return pdu_type_name(byte) != NULL;
    case OFFSET_DREP:
        return (byte & 0xEE) == 0;
    case OFFSET_DREP + 1:
        return byte <= 3;
    default:
        return true;
    }
}

enum pdu_probe pdu_probe(const uint8_t *p, size_t len, uint16_t *frag_length, unsigned *bad_offset)
{
    for (unsigned i = 0; i < OFFSET_FRAG_LENGTH && i < len; i++) {
        if (!header_byte_possible(i, p[i])) {
            *bad_offset = i;
            return PDU_PROBE_BAD;
        }
    }
    if (len < OFFSET_FRAG_LENGTH + 2) {
        return PDU_PROBE_MORE;
    }
    uint16_t length = read_u16(p, OFFSET_FRAG_LENGTH);
    if (length < PDU_HEADER_LEN) {
        *bad_offset = OFFSET_FRAG_LENGTH;
        return PDU_PROBE_BAD;
    }
    *frag_length = length;
    return PDU_PROBE_OK;
}

void pdu_header_decode(const uint8_t *p, struct pdu_header *header)
{
    header->rpc_vers = p[0];
    header->rpc_vers_minor = p[1];
    header->ptype = p[2];
    header->pfc_flags = p[3];
    memcpy(header->drep, p + OFFSET_DREP, sizeof(header->drep));
    header->little_endian = is_little_endian(p);
    header->frag_length = read_u16(p, OFFSET_FRAG_LENGTH);
    header->auth_length = read_u16(p, 10);
    header->call_id = read_u32(p, 12);
    header->call = (struct pdu_call){ .bound_count = 0 };
}

/* As UUIDs stand on the wire of a little-endian client. */
static enum rpc_interface interface_of(const uint8_t *p, bool little_endian)
{
    static const struct {
        uint32_t first;
        uint16_t second, third;
        uint8_t rest[8];
        enum rpc_interface interface;
    } known[] = {
        { 0xA4F1DB00, 0xCA47, 0x1067, { 0xB3, 0x1F, 0x00, 0xDD, 0x01, 0x06, 0x62, 0xDA }, RPC_EMSMDB },
        { 0x5261574A, 0x4572, 0x206E, { 0xB2, 0x68, 0x6B, 0x19, 0x92, 0x13, 0xB4, 0xE4 }, RPC_ASYNC_EMSMDB },
        { 0xF5CC5A18, 0x4264, 0x101A, { 0x8C, 0x59, 0x08, 0x00, 0x2B, 0x2F, 0x84, 0x26 }, RPC_NSPI },
        { 0x1544F5E0, 0x613C, 0x11D1, { 0x93, 0xDF, 0x00, 0xC0, 0x4F, 0xD7, 0xBD, 0x09 }, RPC_RFR },
        { 0x44E265DD, 0x7DAF, 0x42CD, { 0x85, 0x60, 0x3C, 0xDB, 0x6E, 0x7A, 0x27, 0x29 }, RPC_TSGU },
    };
    const uint32_t first = little_endian ? get_le32(p) : get_be32(p);
    const uint16_t second = little_endian ? get_le16(p + 4) : get_be16(p + 4);
    const uint16_t third = little_endian ? get_le16(p + 6) : get_be16(p + 6);
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i].first == first && known[i].second == second && known[i].third == third &&
            memcmp(known[i].rest, p + 8, sizeof(known[i].rest)) == 0) {
            return known[i].interface;
        }
    }
    return RPC_INTERFACE_OTHER;
}

void pdu_call_decode(const uint8_t *p, size_t len, struct pdu_header *header)
{
    struct pdu_call *call = &header->call;
    if (header->ptype == RPC_REQUEST && len >= OFFSET_REQUEST_OPNUM + 2) {
        call->context = read_u16(p, OFFSET_REQUEST_CONTEXT);
        call->opnum = read_u16(p, OFFSET_REQUEST_OPNUM);
    }
    if ((header->ptype != RPC_BIND && header->ptype != RPC_ALTER_CONTEXT) || len < OFFSET_BIND_CONTEXTS) {
        return;
    }
    size_t at = OFFSET_BIND_CONTEXTS;
    for (unsigned left = p[OFFSET_BIND_COUNT]; left > 0 && len - at >= CONTEXT_LEN && call->bound_count < PDU_BOUND_MAX;
         left--) {
        call->bound[call->bound_count].context = read_u16(p, at);
        call->bound[call->bound_count++].interface = (uint8_t)interface_of(p + at + 4, is_little_endian(p));
        const size_t next = CONTEXT_LEN + (size_t)p[at + 2] * SYNTAX_LEN;
        if (next > len - at) {
            return;
        }
        at += next;
    }
}

bool rpc_call_waits(enum rpc_interface interface, uint16_t opnum)
{
    switch (interface) {
    case RPC_INTERFACE_UNKNOWN:
        return true;
    case RPC_ASYNC_EMSMDB:
        return opnum == 0;
    case RPC_TSGU:
        return opnum == 2 || opnum == 3 || opnum == 8;
    default:
        return false;
    }
}

int rpc_call_holds(enum rpc_interface interface, uint16_t opnum)
{
    switch (interface) {
    case RPC_EMSMDB:
        return opnum == 0 || opnum == 10 ? 1 : opnum == 1 ? -1 : 0;
    case RPC_NSPI:
        return opnum == 0 ? 1 : opnum == 1 ? -1 : 0;
    case RPC_TSGU:
        return opnum == 1 ? 1 : opnum == 7 ? -1 : 0;
    default:
        return 0;
    }
}

bool pdu_starts_stream(const uint8_t *p, size_t len)
{
    size_t at = 0;
    for (unsigned whole = 0; at < len && whole < PDUS_LOOKED_AT; whole++) {
        uint16_t frag_length = 0;
        unsigned bad_offset;
        enum pdu_probe probe = pdu_probe(p + at, len - at, &frag_length, &bad_offset);
        if (probe == PDU_PROBE_BAD) {
            return false;
        }
        if (probe == PDU_PROBE_MORE || frag_length > len - at) {
            return at > 0;
        }
        at += frag_length;
    }
    return at > 0;
}

bool pdu_status(const uint8_t *p, size_t len, uint32_t *status)
{
    if (len < PDU_HEADER_LEN) {
        return false;
    }
    if (p[OFFSET_PTYPE] == RPC_FAULT && len >= OFFSET_FAULT_STATUS + 4) {
        *status = read_u32(p, OFFSET_FAULT_STATUS);
        return true;
    }
    if (p[OFFSET_PTYPE] == RPC_BIND_NAK && len >= OFFSET_NAK_REASON + 2) {
        *status = read_u16(p, OFFSET_NAK_REASON);
        return true;
    }
    return false;
}

const char *pdu_type_name(uint8_t ptype)
{
    return field_name(type_names, ptype);
}

const char *pdu_fault_name(uint32_t status)
{
    return field_name(fault_names, status);
}

const char *pdu_nak_name(uint16_t reason)
{
    return field_name(nak_names, reason);
}
