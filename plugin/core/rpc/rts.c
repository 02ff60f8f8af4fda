/* rts.c
 * RTS PDUs of RPC over HTTP, MS-RPCH 2.2.3 and 2.2.4: the tables of commands,
 * fields and PDUs, the decoder and the naming.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "rts.h"

#define RTS_HEADER_LEN 20
#define COMMAND_TYPE_LEN 4
#define ADDRESS_PADDING_LEN 12
#define KIB 1024u
#define DEFINED_FLAGS 0x007F
#define FIRST_AND_LAST_FRAG 0x03

/* MS-RPCH 2.2.3.2; the rows of client_address stand in this order. */
enum { ADDRESS_IPV4, ADDRESS_IPV6 };

#define ANY 0, UINT32_MAX

/* MS-RPCH 2.2.3.2 to 2.2.3.5, sorted by command and then in the order of the wire. The
 * ClientKeepalive of 0, which stands for the default, is let through by the code. */
const struct rts_field rts_fields[] = {
    { RTS_RECEIVE_WINDOW_SIZE, RTS_KIND_U32, "receive_window_size", "Receive Window Size", "bytes",
      8 * KIB, 256 * KIB },
    { RTS_FLOW_CONTROL_ACK, RTS_KIND_U32, "flow_control_ack.bytes_received", "Bytes Received", "bytes", ANY },
    { RTS_FLOW_CONTROL_ACK, RTS_KIND_U32, "flow_control_ack.available_window", "Available Window", "bytes", ANY },
    { RTS_FLOW_CONTROL_ACK, RTS_KIND_COOKIE, "flow_control_ack.channel_cookie", "Channel Cookie", NULL, ANY },
    { RTS_CONNECTION_TIMEOUT, RTS_KIND_U32, "connection_timeout", "Connection Timeout", "ms", 120000, 14400000 },
    { RTS_COOKIE, RTS_KIND_COOKIE, "cookie", "Cookie", NULL, ANY },
    { RTS_CHANNEL_LIFETIME, RTS_KIND_U32, "channel_lifetime", "Channel Lifetime", "bytes",
      128 * KIB, 2048 * KIB * KIB },
    { RTS_CLIENT_KEEPALIVE, RTS_KIND_U32, "client_keepalive", "Client Keepalive", "ms", 60000, UINT32_MAX },
    { RTS_VERSION, RTS_KIND_U32, "version", "Version", NULL, ANY },
    { RTS_PADDING, RTS_KIND_U32, "padding_length", "Padding Length", "bytes", 0, 0xFFFF },
    { RTS_PADDING, RTS_KIND_BYTES, "padding", "Padding", NULL, ANY },
    { RTS_CLIENT_ADDRESS, RTS_KIND_U32, "client_address.type", "Address Type", NULL, ANY },
    { RTS_CLIENT_ADDRESS, RTS_KIND_IPV4, "client_address.ipv4", "Client Address", NULL, ANY },
    { RTS_CLIENT_ADDRESS, RTS_KIND_IPV6, "client_address.ipv6", "Client Address", NULL, ANY },
    { RTS_CLIENT_ADDRESS, RTS_KIND_BYTES, "client_address.padding", "Padding", NULL, ANY },
    { RTS_ASSOCIATION_GROUP_ID, RTS_KIND_COOKIE, "association_group_id", "Association Group Id", NULL, ANY },
    { RTS_DESTINATION, RTS_KIND_U32, "destination", "Destination", NULL, RTS_FD_CLIENT, RTS_FD_OUT_PROXY },
    { RTS_PING_TRAFFIC_SENT_NOTIFY, RTS_KIND_U32, "ping_traffic_sent", "Ping Traffic Sent", "bytes", ANY }
};

const unsigned rts_field_count = sizeof(rts_fields) / sizeof(rts_fields[0]);

static const char *const command_names[RTS_COMMAND_TYPES] = {
    [RTS_RECEIVE_WINDOW_SIZE] = "ReceiveWindowSize",
    [RTS_FLOW_CONTROL_ACK] = "FlowControlAck",
    [RTS_CONNECTION_TIMEOUT] = "ConnectionTimeout",
    [RTS_COOKIE] = "Cookie",
    [RTS_CHANNEL_LIFETIME] = "ChannelLifetime",
    [RTS_CLIENT_KEEPALIVE] = "ClientKeepalive",
    [RTS_VERSION] = "Version",
    [RTS_EMPTY] = "Empty",
    [RTS_PADDING] = "Padding",
    [RTS_NEGATIVE_ANCE] = "NegativeANCE",
    [RTS_ANCE] = "ANCE",
    [RTS_CLIENT_ADDRESS] = "ClientAddress",
    [RTS_ASSOCIATION_GROUP_ID] = "AssociationGroupId",
    [RTS_DESTINATION] = "Destination",
    [RTS_PING_TRAFFIC_SENT_NOTIFY] = "PingTrafficSentNotify"
};

/* A place is one of eight: channel, hop and way. */
#define PLACE(channel, hop, way) (1u << (((channel) - 1) * 4 + ((hop) - 1) * 2 + ((way) - 1)))

enum {
    IN_HTTP_UP = PLACE(RTS_IN, RTS_HOP_HTTP, RTS_TO_SERVER),
    IN_HTTP_DOWN = PLACE(RTS_IN, RTS_HOP_HTTP, RTS_TO_CLIENT),
    IN_TCP_UP = PLACE(RTS_IN, RTS_HOP_TCP, RTS_TO_SERVER),
    IN_TCP_DOWN = PLACE(RTS_IN, RTS_HOP_TCP, RTS_TO_CLIENT),
    OUT_HTTP_UP = PLACE(RTS_OUT, RTS_HOP_HTTP, RTS_TO_SERVER),
    OUT_HTTP_DOWN = PLACE(RTS_OUT, RTS_HOP_HTTP, RTS_TO_CLIENT),
    OUT_TCP_UP = PLACE(RTS_OUT, RTS_HOP_TCP, RTS_TO_SERVER),
    OUT_TCP_DOWN = PLACE(RTS_OUT, RTS_HOP_TCP, RTS_TO_CLIENT),
    /* HTTP carries acknowledgments with the data of the channel only, TCP either way. */
    ACK_PLACES = IN_HTTP_UP | OUT_HTTP_DOWN | IN_TCP_UP | IN_TCP_DOWN | OUT_TCP_UP | OUT_TCP_DOWN
};

#define NONE (-1)

/* MS-RPCH 2.2.4.2 to 2.2.4.51, indexed by enum rts_id. OUT_R2/C1 stands here with Empty;
 * Padding may take its place. */
const struct rts_signature rts_signatures[] = {
    { "2.2.4.2", "CONN/A1", 0x00, 4, { 6, 3, 3, 0 }, NONE, OUT_HTTP_UP },
    { "2.2.4.3", "CONN/A2", 0x10, 5, { 6, 3, 3, 4, 0 }, NONE, OUT_TCP_UP },
    { "2.2.4.4", "CONN/A3", 0x00, 1, { 2 }, NONE, OUT_HTTP_DOWN },
    { "2.2.4.5", "CONN/B1", 0x00, 6, { 6, 3, 3, 4, 5, 12 }, NONE, IN_HTTP_UP },
    { "2.2.4.6", "CONN/B2", 0x08, 7, { 6, 3, 3, 0, 2, 12, 11 }, NONE, IN_TCP_UP },
    { "2.2.4.7", "CONN/B3", 0x00, 2, { 0, 6 }, NONE, IN_TCP_DOWN },
    { "2.2.4.8", "CONN/C1", 0x00, 3, { 6, 0, 2 }, NONE, OUT_TCP_DOWN },
    { "2.2.4.9", "CONN/C2", 0x00, 3, { 6, 0, 2 }, NONE, OUT_HTTP_DOWN },
    { "2.2.4.10", "IN_R1/A1", 0x04, 4, { 6, 3, 3, 3 }, NONE, IN_HTTP_UP },
    { "2.2.4.11", "IN_R1/A2", 0x0C, 6, { 6, 3, 3, 3, 0, 2 }, NONE, IN_TCP_UP },
    { "2.2.4.12", "IN_R1/A3", 0x00, 4, { 13, 6, 0, 2 }, RTS_FD_CLIENT, OUT_TCP_DOWN },
    { "2.2.4.13", "IN_R1/A4", 0x00, 4, { 13, 6, 0, 2 }, RTS_FD_CLIENT, OUT_HTTP_DOWN },
    { "2.2.4.14", "IN_R1/A5", 0x00, 1, { 3 }, NONE, IN_HTTP_UP },
    { "2.2.4.15", "IN_R1/A6", 0x00, 1, { 3 }, NONE, IN_TCP_UP },
    { "2.2.4.16", "IN_R1/B1", 0x00, 1, { 7 }, NONE, IN_TCP_UP },
    { "2.2.4.17", "IN_R1/B2", 0x00, 1, { 0 }, NONE, IN_TCP_DOWN },
    { "2.2.4.18", "IN_R2/A1", 0x04, 4, { 6, 3, 3, 3 }, NONE, IN_HTTP_UP },
    { "2.2.4.19", "IN_R2/A2", 0x00, 1, { 3 }, NONE, IN_TCP_UP },
    { "2.2.4.20", "IN_R2/A3", 0x00, 1, { 13 }, RTS_FD_CLIENT, OUT_TCP_DOWN },
    { "2.2.4.21", "IN_R2/A4", 0x00, 1, { 13 }, RTS_FD_CLIENT, OUT_HTTP_DOWN },
    { "2.2.4.22", "IN_R2/A5", 0x00, 1, { 3 }, NONE, IN_HTTP_UP },
    { "2.2.4.23", "OUT_R1/A1", 0x04, 1, { 13 }, RTS_FD_CLIENT, OUT_TCP_DOWN },
    { "2.2.4.24", "OUT_R1/A2", 0x04, 1, { 13 }, RTS_FD_CLIENT, OUT_HTTP_DOWN },
    { "2.2.4.25", "OUT_R1/A3", 0x04, 5, { 6, 3, 3, 3, 0 }, NONE, OUT_HTTP_UP },
    { "2.2.4.26", "OUT_R1/A4", 0x14, 7, { 6, 3, 3, 3, 4, 0, 2 }, NONE, OUT_TCP_UP },
    { "2.2.4.27", "OUT_R1/A5", 0x10, 3, { 13, 6, 2 }, RTS_FD_CLIENT, OUT_TCP_DOWN },
    { "2.2.4.28", "OUT_R1/A6", 0x10, 3, { 13, 6, 2 }, RTS_FD_CLIENT, OUT_HTTP_DOWN },
    { "2.2.4.29", "OUT_R1/A7", 0x10, 2, { 13, 3 }, RTS_FD_SERVER, IN_HTTP_UP },
    { "2.2.4.30", "OUT_R1/A8", 0x10, 2, { 13, 3 }, RTS_FD_SERVER, IN_TCP_UP },
    { "2.2.4.31", "OUT_R1/A9", 0x00, 1, { 10 }, NONE, OUT_TCP_DOWN },
    { "2.2.4.32", "OUT_R1/A10", 0x00, 1, { 10 }, NONE, OUT_HTTP_DOWN },
    { "2.2.4.33", "OUT_R1/A11", 0x00, 1, { 10 }, NONE, OUT_HTTP_UP },
    { "2.2.4.34", "OUT_R2/A1", 0x04, 1, { 13 }, RTS_FD_CLIENT, OUT_TCP_DOWN },
    { "2.2.4.35", "OUT_R2/A2", 0x04, 1, { 13 }, RTS_FD_CLIENT, OUT_HTTP_DOWN },
    { "2.2.4.36", "OUT_R2/A3", 0x04, 5, { 6, 3, 3, 3, 0 }, NONE, OUT_HTTP_UP },
    { "2.2.4.37", "OUT_R2/A4", 0x00, 1, { 3 }, NONE, OUT_TCP_UP },
    { "2.2.4.38", "OUT_R2/A5", 0x00, 2, { 13, 10 }, RTS_FD_CLIENT, OUT_TCP_DOWN },
    { "2.2.4.39", "OUT_R2/A6", 0x00, 2, { 13, 10 }, RTS_FD_CLIENT, OUT_HTTP_DOWN },
    { "2.2.4.40", "OUT_R2/A7", 0x10, 3, { 13, 3, 6 }, RTS_FD_SERVER, IN_HTTP_UP },
    { "2.2.4.41", "OUT_R2/A8", 0x10, 2, { 13, 3 }, RTS_FD_SERVER, IN_TCP_UP },
    { "2.2.4.42", "OUT_R2/B1", 0x00, 1, { 10 }, NONE, OUT_TCP_DOWN },
    { "2.2.4.43", "OUT_R2/B2", 0x00, 1, { 9 }, NONE, OUT_TCP_DOWN },
    { "2.2.4.44", "OUT_R2/B3", 0x20, 1, { 10 }, NONE, OUT_HTTP_DOWN },
    { "2.2.4.45", "OUT_R2/C1", 0x01, 1, { 7 }, NONE, OUT_HTTP_UP },
    { "2.2.4.46", "Keep-Alive", 0x02, 1, { 5 }, NONE, IN_HTTP_UP },
    { "2.2.4.47", "Ping Traffic Sent Notify", 0x02, 1, { 14 }, NONE, OUT_TCP_UP },
    { "2.2.4.48", "Echo", 0x40, 0, { 0 }, NONE, IN_HTTP_DOWN | OUT_HTTP_DOWN },
    { "2.2.4.49", "Ping", 0x01, 0, { 0 }, NONE, IN_HTTP_UP | OUT_HTTP_DOWN },
    { "2.2.4.50", "FlowControlAck", 0x02, 1, { 1 }, NONE, ACK_PLACES },
    { "2.2.4.51", "FlowControlAckWithDestination", 0x02, 2, { 13, 1 }, NONE, ACK_PLACES }
};

const unsigned rts_signature_count = sizeof(rts_signatures) / sizeof(rts_signatures[0]);

_Static_assert(sizeof(rts_signatures) / sizeof(rts_signatures[0]) == RTS_ID_COUNT, "one row for each enum rts_id");

const char *rts_command_name(uint32_t type)
{
    return type < RTS_COMMAND_TYPES ? command_names[type] : NULL;
}

const char *rts_destination_name(uint32_t value)
{
    static const char *const names[] = { "FDClient", "FDInProxy", "FDServer", "FDOutProxy" };
    return value < sizeof(names) / sizeof(names[0]) ? names[value] : NULL;
}

bool rts_problem_is_malformed(enum rts_problem problem)
{
    return problem < RTS_RANGE;
}

/* A walk over one PDU. have is what may be read; wire is where the PDU ends, which lies
 * behind have in a snapped packet. */
struct walk {
    const uint8_t *p;
    uint32_t have, wire;
    uint32_t at;
    bool little_endian;
    struct rts_pdu *pdu;
    const struct rts_sink *sink;
};

/* Why a walk goes no further. */
enum step { STEP_ON, STEP_STOP };

static uint16_t read_u16(const struct walk *w, uint32_t offset)
{
    return w->little_endian ? get_le16(w->p + offset) : get_be16(w->p + offset);
}

static uint32_t read_u32(const struct walk *w, uint32_t offset)
{
    return w->little_endian ? get_le32(w->p + offset) : get_be32(w->p + offset);
}

static void report(struct walk *w, const struct rts_issue *issue)
{
    if (rts_problem_is_malformed(issue->problem)) {
        w->pdu->well_formed = false;
    }
    if (w->sink && w->sink->issue) {
        w->sink->issue(w->sink->ctx, issue);
    }
}

static void report_value(struct walk *w, enum rts_problem problem, uint32_t offset, uint32_t length, uint32_t value,
                         uint32_t expected)
{
    struct rts_issue issue = { problem, offset, length, -1, value, expected, expected };
    report(w, &issue);
}

/* Whether the next length bytes of the PDU can be read. If not, says whether the PDU or
 * only the capture ends before. */
static bool has_bytes(struct walk *w, uint32_t command_at, uint32_t length)
{
    if (length <= w->have - w->at) {
        return true;
    }
    if (length > w->wire - w->at && command_at < w->have) {
        report_value(w, RTS_TRUNCATED, command_at, w->have - command_at, w->wire - command_at,
                     w->at - command_at + length);
    }
    w->pdu->well_formed = false;
    return false;
}

static void check_range(struct walk *w, unsigned id, uint32_t value)
{
    const struct rts_field *field = &rts_fields[id];
    if (field->command == RTS_CLIENT_KEEPALIVE && value == 0) {
        return;
    }
    if (value < field->low || value > field->high) {
        struct rts_issue issue = { RTS_RANGE, w->at, 4, (int)id, value, field->low, field->high };
        report(w, &issue);
    }
}

/* bytes_len counts for RTS_KIND_BYTES only. */
static uint32_t field_length(unsigned id, uint32_t bytes_len)
{
    static const uint8_t lengths[] = {
        [RTS_KIND_U32] = 4, [RTS_KIND_COOKIE] = 16, [RTS_KIND_IPV4] = 4, [RTS_KIND_IPV6] = 16
    };
    enum rts_kind kind = rts_fields[id].kind;
    return kind == RTS_KIND_BYTES ? bytes_len : lengths[kind];
}

/* Reads the field and moves behind it. */
static enum step read_field(struct walk *w, uint32_t command_at, unsigned id, uint32_t bytes_len, uint32_t *value)
{
    uint32_t length = field_length(id, bytes_len);
    if (!has_bytes(w, command_at, length)) {
        return STEP_STOP;
    }
    bool is_number = rts_fields[id].kind == RTS_KIND_U32;
    uint32_t number = is_number ? read_u32(w, w->at) : 0;
    if (w->sink && w->sink->field) {
        w->sink->field(w->sink->ctx, (int)id, w->at, length, number, is_number ? NULL : w->p + w->at);
    }
    if (is_number) {
        check_range(w, id, number);
        *value = number;
    }
    w->at += length;
    return STEP_ON;
}

static enum step read_padding(struct walk *w, uint32_t command_at, unsigned id)
{
    uint32_t count = 0;
    if (read_field(w, command_at, id, 0, &count) == STEP_STOP) {
        return STEP_STOP;
    }
    return read_field(w, command_at, id + 1, count, &count);
}

static enum step read_client_address(struct walk *w, uint32_t command_at, unsigned id)
{
    uint32_t type = 0, unused = 0;
    if (read_field(w, command_at, id, 0, &type) == STEP_STOP) {
        return STEP_STOP;
    }
    if (type > ADDRESS_IPV6) {
        report_value(w, RTS_BAD_ADDRESS_TYPE, w->at - 4, 4, type, ADDRESS_IPV4);
        return STEP_STOP;
    }
    if (read_field(w, command_at, id + 1 + type, 0, &unused) == STEP_STOP) {
        return STEP_STOP;
    }
    return read_field(w, command_at, id + 3, ADDRESS_PADDING_LEN, &unused);
}

/* Keeps what state and naming need of a whole command. */
static void remember(struct walk *w, uint32_t type, uint32_t fields_at)
{
    struct rts_pdu *pdu = w->pdu;
    const uint8_t *p = w->p + fields_at;
    if (pdu->commands_decoded < RTS_MAX_COMMANDS) {
        pdu->command[pdu->commands_decoded] = (uint8_t)type;
    }
    pdu->commands_decoded++;
    switch (type) {
    case RTS_RECEIVE_WINDOW_SIZE:
        pdu->has_window = true;
        pdu->window = read_u32(w, fields_at);
        break;
    case RTS_FLOW_CONTROL_ACK:
        pdu->has_ack = true;
        pdu->ack_received = read_u32(w, fields_at);
        pdu->ack_window = read_u32(w, fields_at + 4);
        memcpy(pdu->ack_cookie, p + 8, sizeof(pdu->ack_cookie));
        break;
    case RTS_CONNECTION_TIMEOUT:
        pdu->has_timeout = true;
        pdu->timeout_ms = read_u32(w, fields_at);
        break;
    case RTS_COOKIE:
        if (pdu->cookies < RTS_MAX_COOKIES) {
            memcpy(pdu->cookie[pdu->cookies++], p, sizeof(pdu->cookie[0]));
        }
        break;
    case RTS_CHANNEL_LIFETIME:
        pdu->has_lifetime = true;
        pdu->lifetime = read_u32(w, fields_at);
        break;
    case RTS_CLIENT_KEEPALIVE:
        pdu->has_keepalive = true;
        pdu->keepalive_ms = read_u32(w, fields_at);
        break;
    case RTS_CLIENT_ADDRESS:
        pdu->has_client_address = true;
        break;
    case RTS_ASSOCIATION_GROUP_ID:
        pdu->has_group = true;
        memcpy(pdu->group, p, sizeof(pdu->group));
        break;
    case RTS_DESTINATION:
        pdu->has_destination = true;
        pdu->destination = read_u32(w, fields_at);
        break;
    case RTS_PING_TRAFFIC_SENT_NOTIFY:
        pdu->has_ping_traffic = true;
        pdu->ping_traffic = read_u32(w, fields_at);
        break;
    default:
        break;
    }
}

static unsigned first_field(uint32_t type)
{
    unsigned id = 0;
    while (id < rts_field_count && rts_fields[id].command < type) {
        id++;
    }
    return id;
}

static enum step read_fields(struct walk *w, uint32_t command_at, uint32_t type)
{
    unsigned id = first_field(type);
    if (type == RTS_PADDING) {
        return read_padding(w, command_at, id);
    }
    if (type == RTS_CLIENT_ADDRESS) {
        return read_client_address(w, command_at, id);
    }
    for (; id < rts_field_count && rts_fields[id].command == type; id++) {
        uint32_t unused;
        if (read_field(w, command_at, id, 0, &unused) == STEP_STOP) {
            return STEP_STOP;
        }
    }
    return STEP_ON;
}

/* The bytes of a command from its type on that can be read, so that a sink can show the
 * command before its fields. */
static uint32_t command_extent(const struct walk *w, uint32_t command_at, uint32_t type)
{
    uint32_t room = w->have - command_at;
    unsigned id = first_field(type);
    uint64_t length = COMMAND_TYPE_LEN;
    if (type == RTS_PADDING || type == RTS_CLIENT_ADDRESS) {
        length += field_length(id, 0);
        uint32_t lead = room >= length ? read_u32(w, command_at + COMMAND_TYPE_LEN) : 0;
        if (type == RTS_PADDING) {
            length += lead;
        } else if (lead <= ADDRESS_IPV6) {
            length += field_length(id + 1 + lead, 0) + ADDRESS_PADDING_LEN;
        }
    } else {
        for (; id < rts_field_count && rts_fields[id].command == type; id++) {
            length += field_length(id, 0);
        }
    }
    return length < room ? (uint32_t)length : room;
}

static enum step read_command(struct walk *w)
{
    uint32_t command_at = w->at;
    if (!has_bytes(w, command_at, COMMAND_TYPE_LEN)) {
        return STEP_STOP;
    }
    uint32_t type = read_u32(w, command_at);
    bool known = type < RTS_COMMAND_TYPES;
    if (w->sink && w->sink->command) {
        uint32_t extent = known ? command_extent(w, command_at, type) : COMMAND_TYPE_LEN;
        w->sink->command(w->sink->ctx, type, command_at, extent);
    }
    if (!known) {
        report_value(w, RTS_UNKNOWN_COMMAND, command_at, COMMAND_TYPE_LEN, type, RTS_COMMAND_TYPES - 1);
        return STEP_STOP;
    }
    w->at += COMMAND_TYPE_LEN;
    if (read_fields(w, command_at, type) == STEP_STOP) {
        return STEP_STOP;
    }
    remember(w, type, command_at + COMMAND_TYPE_LEN);
    return STEP_ON;
}

static void read_commands(struct walk *w)
{
    for (uint32_t i = 0; i < w->pdu->number_of_commands; i++) {
        if (w->at == w->wire) {
            report_value(w, RTS_BAD_FRAG_LENGTH, 8, 2, w->wire, w->wire + COMMAND_TYPE_LEN);
            return;
        }
        if (read_command(w) == STEP_STOP) {
            return;
        }
    }
    if (w->at < w->have) {
        report_value(w, RTS_BAD_FRAG_LENGTH, w->at, w->have - w->at, w->wire, w->at);
    } else if (w->at < w->wire) {
        w->pdu->well_formed = false;
    }
}

/* The rules of MS-RPCH 2.2.3.6.1 for the header common to all PDUs; MS-RPCE 1.7 knows
 * version 5.0 only. */
static void check_header(struct walk *w, const struct pdu_header *header)
{
    if (header->rpc_vers != 5 || header->rpc_vers_minor != 0) {
        report_value(w, RTS_BAD_VERSION, 0, 2, (uint32_t)header->rpc_vers << 8 | header->rpc_vers_minor, 0x0500);
    }
    if (header->pfc_flags != FIRST_AND_LAST_FRAG) {
        report_value(w, RTS_BAD_PFC_FLAGS, 3, 1, header->pfc_flags, FIRST_AND_LAST_FRAG);
    }
    if (header->drep[0] != 0x10 || header->drep[1] != 0) {
        report_value(w, RTS_BAD_DREP, 4, 4, get_be32(header->drep), 0x10000000);
    }
    if (header->auth_length != 0) {
        report_value(w, RTS_BAD_AUTH_LENGTH, 10, 2, header->auth_length, 0);
    }
    if (header->call_id != 0) {
        report_value(w, RTS_BAD_CALL_ID, 12, 4, header->call_id, 0);
    }
}

void rts_decode(const uint8_t *p, size_t len, uint16_t frag_length, struct rts_pdu *out, const struct rts_sink *sink)
{
    struct pdu_header header;
    pdu_header_decode(p, &header);
    memset(out, 0, sizeof(*out));
    out->well_formed = true;

    struct walk w = {
        .p = p,
        .have = (uint32_t)(len < frag_length ? len : frag_length),
        .wire = frag_length,
        .at = RTS_HEADER_LEN,
        .little_endian = header.little_endian,
        .pdu = out,
        .sink = sink
    };
    check_header(&w, &header);
    if (w.wire < RTS_HEADER_LEN) {
        report_value(&w, RTS_TOO_SHORT, 8, 2, w.wire, RTS_HEADER_LEN);
        return;
    }
    if (w.have < RTS_HEADER_LEN) {
        out->well_formed = false;
        return;
    }
    out->flags = read_u16(&w, 16);
    out->number_of_commands = read_u16(&w, 18);
    if (out->flags & ~DEFINED_FLAGS) {
        report_value(&w, RTS_UNDEFINED_FLAGS, 16, 2, out->flags, DEFINED_FLAGS);
    }
    read_commands(&w);
}

static bool command_fits(unsigned id, unsigned at, uint8_t command)
{
    /* 2.2.4.45: whichever of the two makes the PDU the size that was announced. */
    return command == rts_signatures[id].command[at] || (id == RTS_OUT_R2_C1 && command == RTS_PADDING);
}

static bool signature_fits(unsigned id, const struct rts_pdu *pdu)
{
    const struct rts_signature *row = &rts_signatures[id];
    if (row->flags != pdu->flags || row->count != pdu->number_of_commands || row->count != pdu->commands_decoded) {
        return false;
    }
    if (row->destination != NONE && (!pdu->has_destination || pdu->destination != (uint32_t)row->destination)) {
        return false;
    }
    for (unsigned i = 0; i < (unsigned)row->count; i++) {
        if (!command_fits(id, i, pdu->command[i])) {
            return false;
        }
    }
    return true;
}

/* All places that agree with what is known of this one. */
static unsigned possible_places(const struct rts_place *place)
{
    unsigned places = 0;
    for (int channel = RTS_IN; channel <= RTS_OUT; channel++) {
        for (int hop = RTS_HOP_HTTP; hop <= RTS_HOP_TCP; hop++) {
            for (int way = RTS_TO_SERVER; way <= RTS_TO_CLIENT; way++) {
                if ((place->channel == RTS_ANY_CHANNEL || (int)place->channel == channel) &&
                    (place->hop == RTS_ANY_HOP || (int)place->hop == hop) &&
                    (place->way == RTS_ANY_WAY || (int)place->way == way)) {
                    places |= PLACE(channel, hop, way);
                }
            }
        }
    }
    return places;
}

/* Whether what was seen before rules the row out: one recycling follows one sequence. */
static bool context_excludes(unsigned id, unsigned context)
{
    static const struct {
        unsigned first, last;    /* enum rts_id */
        unsigned other, own;     /* enum rts_context */
    } sequences[] = {
        { RTS_IN_R1_A1, RTS_IN_R1_B2, RTS_CTX_IN_R2, RTS_CTX_IN_R1 },
        { RTS_IN_R2_A1, RTS_IN_R2_A5, RTS_CTX_IN_R1, RTS_CTX_IN_R2 },
        { RTS_OUT_R1_A1, RTS_OUT_R1_A11, RTS_CTX_OUT_R2, RTS_CTX_OUT_R1 },
        { RTS_OUT_R2_A1, RTS_OUT_R2_C1, RTS_CTX_OUT_R1, RTS_CTX_OUT_R2 }
    };
    for (size_t i = 0; i < sizeof(sequences) / sizeof(sequences[0]); i++) {
        if (id >= sequences[i].first && id <= sequences[i].last) {
            return (context & sequences[i].other) && !(context & sequences[i].own);
        }
    }
    return false;
}

static void join_names(const uint8_t *index, unsigned count, char name[RTS_NAME_MAX])
{
    size_t used = 0;
    name[0] = '\0';
    for (unsigned i = 0; i < count; i++) {
        const char *parts[] = { i ? " or " : "", rts_signatures[index[i]].name };
        for (size_t part = 0; part < 2; part++) {
            size_t len = strlen(parts[part]);
            if (len >= RTS_NAME_MAX - used) {
                return;
            }
            memcpy(name + used, parts[part], len + 1);
            used += len;
        }
    }
}

unsigned rts_identify(const struct rts_pdu *pdu, const struct rts_place *place,
                      uint8_t index[RTS_MAX_CANDIDATES], char name[RTS_NAME_MAX], bool *misplaced)
{
    uint8_t here[RTS_MAX_CANDIDATES], elsewhere[RTS_MAX_CANDIDATES], decided[RTS_MAX_CANDIDATES];
    unsigned here_count = 0, elsewhere_count = 0, decided_count = 0;
    unsigned places = possible_places(place);

    *misplaced = false;
    for (unsigned id = 0; id < RTS_ID_COUNT; id++) {
        if (!signature_fits(id, pdu)) {
            continue;
        }
        if (rts_signatures[id].places & places) {
            if (here_count < RTS_MAX_CANDIDATES) {
                here[here_count++] = (uint8_t)id;
            }
        } else if (elsewhere_count < RTS_MAX_CANDIDATES) {
            elsewhere[elsewhere_count++] = (uint8_t)id;
        }
    }
    const uint8_t *chosen = here;
    unsigned count = here_count;
    if (here_count == 0) {
        chosen = elsewhere;
        count = elsewhere_count;
        *misplaced = elsewhere_count > 0;
    }
    for (unsigned i = 0; i < count; i++) {
        if (!context_excludes(chosen[i], place->context)) {
            decided[decided_count++] = chosen[i];
        }
    }
    /* What came before decides between look-alikes; it cannot unmake the only name. */
    if (decided_count > 0) {
        chosen = decided;
        count = decided_count;
    }
    if (count == 0) {
        strcpy(name, "unknown RTS PDU");
        return 0;
    }
    memcpy(index, chosen, count);
    join_names(index, count, name);
    return count;
}
