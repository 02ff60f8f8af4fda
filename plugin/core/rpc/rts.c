/* rts.c
 * Commands of RTS PDUs, MS-RPCH 2.2.3, and the rules of their header.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "rts.h"

#include "layout.h"

#include <stdio.h>

#define RTS_HEADER_LEN 20
#define COMMAND_TYPE_LEN 4
#define FRAG_LENGTH_AT 8
#define KIB 1024u
#define DEFINED_FLAGS 0x007F
#define FIRST_AND_LAST_FRAG 0x03

/* The scene of the layouts: a walk over one PDU. */
struct walk {
    struct reader reader; /* of the PDU from its start; what is not captured is missing at its end */
    struct rts_pdu *pdu;
    struct rts_pdu draft; /* with what is read of a command that may yet be cut */
    const struct rts_sink *sink;
};

static struct walk *walk_of(const struct layout_run *run)
{
    return run->scene;
}

bool rts_problem_is_malformed(enum rts_problem problem)
{
    return problem < RTS_RANGE;
}

static void report(struct walk *w, const struct rts_issue *issue)
{
    if (rts_problem_is_malformed(issue->problem)) {
        w->pdu->well_formed = false;
        w->pdu->malformed = true;
    } else {
        w->pdu->out_of_range = true;
    }
    if (w->sink && w->sink->issue) {
        w->sink->issue(w->sink->ctx, issue);
    }
}

static void report_value(struct walk *w, enum rts_problem problem, uint32_t offset, uint32_t length, uint32_t value,
                         uint32_t expected)
{
    struct rts_issue issue = { problem, offset, length, NULL, value, expected, expected };
    report(w, &issue);
}

/* The inclusive ranges of 2.2.3.5. */
static void check_range(struct layout_run *run, const struct field_value *value, uint32_t low, uint32_t high)
{
    uint32_t number = (uint32_t)value->number;
    if (number < low || number > high) {
        struct rts_issue issue = { RTS_RANGE, value->offset, value->len, value->field, number, low, high };
        report(walk_of(run), &issue);
    }
}

/* ---- commands, 2.2.3.5.1 to 2.2.3.5.15: a row, and what state needs of it ---- */

static void keep_window(struct layout_run *run, const struct field_value *value)
{
    struct rts_pdu *draft = &walk_of(run)->draft;
    check_range(run, value, 8 * KIB, 256 * KIB);
    draft->has_window = true;
    draft->window = (uint32_t)value->number;
}

static LAYOUT(receive_window_size,
              U32("receive_window_size", "Receive Window Size", .unit = "bytes", .seen = keep_window));

static void keep_ack_received(struct layout_run *run, const struct field_value *value)
{
    walk_of(run)->draft.ack_received = (uint32_t)value->number;
}

static void keep_ack_window(struct layout_run *run, const struct field_value *value)
{
    walk_of(run)->draft.ack_window = (uint32_t)value->number;
}

static void keep_ack_cookie(struct layout_run *run, const struct field_value *value)
{
    struct rts_pdu *draft = &walk_of(run)->draft;
    draft->has_ack = true;
    memcpy(draft->ack_cookie, value->bytes, sizeof(draft->ack_cookie));
}

static LAYOUT(flow_control_ack,
              U32("flow_control_ack.bytes_received", "Bytes Received", .unit = "bytes", .seen = keep_ack_received),
              U32("flow_control_ack.available_window", "Available Window", .unit = "bytes", .seen = keep_ack_window),
              UUID("flow_control_ack.channel_cookie", "Channel Cookie", .seen = keep_ack_cookie));

static void keep_timeout(struct layout_run *run, const struct field_value *value)
{
    struct rts_pdu *draft = &walk_of(run)->draft;
    check_range(run, value, 120000, 14400000);
    draft->has_timeout = true;
    draft->timeout_ms = (uint32_t)value->number;
}

static LAYOUT(connection_timeout, U32("connection_timeout", "Connection Timeout", .unit = "ms", .seen = keep_timeout));

static void keep_cookie(struct layout_run *run, const struct field_value *value)
{
    struct rts_pdu *draft = &walk_of(run)->draft;
    if (draft->cookies < RTS_MAX_COOKIES) {
        memcpy(draft->cookie[draft->cookies++], value->bytes, sizeof(draft->cookie[0]));
    }
}

static LAYOUT(cookie, UUID("cookie", "Cookie", .seen = keep_cookie));

static void keep_lifetime(struct layout_run *run, const struct field_value *value)
{
    struct rts_pdu *draft = &walk_of(run)->draft;
    check_range(run, value, 128 * KIB, 2048 * KIB * KIB);
    draft->has_lifetime = true;
    draft->lifetime = (uint32_t)value->number;
}

static LAYOUT(channel_lifetime, U32("channel_lifetime", "Channel Lifetime", .unit = "bytes", .seen = keep_lifetime));

static void keep_keepalive(struct layout_run *run, const struct field_value *value)
{
    struct rts_pdu *draft = &walk_of(run)->draft;
    if (value->number != 0) { /* which stands for the default */
        check_range(run, value, 60000, UINT32_MAX);
    }
    draft->has_keepalive = true;
    draft->keepalive_ms = (uint32_t)value->number;
}

static LAYOUT(client_keepalive, U32("client_keepalive", "Client Keepalive", .unit = "ms", .seen = keep_keepalive));

static LAYOUT(version, U32("version", "Version"));
static const struct field nothing[] = { END }; /* Empty, ANCE, NegativeANCE */

static void check_padding(struct layout_run *run, const struct field_value *value)
{
    check_range(run, value, 0, 0xFFFF);
}

/* Shown when it is empty, too. */
static void read_padding(struct layout_run *run, const struct field *at)
{
    read_run(run->reader, at->inside, (uint32_t)run->last);
}

static LAYOUT(padding, U32("padding_length", "Padding Length", .unit = "bytes", .seen = check_padding),
              READ_ROWS(read_padding, 0, SIZED("padding", "Padding")));

/* 2.2.3.2 */
enum { ADDRESS_IPV4, ADDRESS_IPV6 };
static FIELD_NAMES(address_type_names, ADDRESS_IPV4, "IPv4", ADDRESS_IPV6, "IPv6");
static CHOICES(addresses, CHOICE(ADDRESS_IPV4, ROWS(IPV4("client_address.ipv4", "Client Address"))),
               CHOICE(ADDRESS_IPV6, ROWS(IPV6("client_address.ipv6", "Client Address"))));

static void check_address_type(struct layout_run *run, const struct field_value *value)
{
    if (value->number > ADDRESS_IPV6) {
        report_value(walk_of(run), RTS_BAD_ADDRESS_TYPE, value->offset, value->len, (uint32_t)value->number,
                     ADDRESS_IPV4);
        run->reader->failed = true;
    }
}

static LAYOUT(client_address,
              U32("client_address.type", "Address Type", .names = address_type_names, .all_named = true,
                  .seen = check_address_type),
              CHOOSE(addresses), RUN(12, "client_address.padding", "Padding"));

static LAYOUT(association_group_id, UUID("association_group_id", "Association Group Id"));

static FIELD_NAMES(destination_names, RTS_FD_CLIENT, "FDClient", RTS_FD_IN_PROXY, "FDInProxy", RTS_FD_SERVER,
                   "FDServer", RTS_FD_OUT_PROXY, "FDOutProxy");

static void keep_destination(struct layout_run *run, const struct field_value *value)
{
    struct rts_pdu *draft = &walk_of(run)->draft;
    check_range(run, value, RTS_FD_CLIENT, RTS_FD_OUT_PROXY);
    draft->has_destination = true;
    draft->destination = (uint32_t)value->number;
}

static LAYOUT(destination, U32("destination", "Destination", .names = destination_names, .all_named = true,
                               .seen = keep_destination));

static LAYOUT(ping_traffic_sent, U32("ping_traffic_sent", "Ping Traffic Sent", .unit = "bytes"));

static FIELD_NAMES(command_names, RTS_RECEIVE_WINDOW_SIZE, "ReceiveWindowSize", RTS_FLOW_CONTROL_ACK, "FlowControlAck",
                   RTS_CONNECTION_TIMEOUT, "ConnectionTimeout", RTS_COOKIE, "Cookie", RTS_CHANNEL_LIFETIME,
                   "ChannelLifetime", RTS_CLIENT_KEEPALIVE, "ClientKeepalive", RTS_VERSION, "Version", RTS_EMPTY,
                   "Empty", RTS_PADDING, "Padding", RTS_NEGATIVE_ANCE, "NegativeANCE", RTS_ANCE, "ANCE",
                   RTS_CLIENT_ADDRESS, "ClientAddress", RTS_ASSOCIATION_GROUP_ID, "AssociationGroupId", RTS_DESTINATION,
                   "Destination", RTS_PING_TRAFFIC_SENT_NOTIFY, "PingTrafficSentNotify");
static CHOICES(commands, NAMED_CHOICE(RTS_RECEIVE_WINDOW_SIZE, "ReceiveWindowSize", receive_window_size),
               NAMED_CHOICE(RTS_FLOW_CONTROL_ACK, "FlowControlAck", flow_control_ack),
               NAMED_CHOICE(RTS_CONNECTION_TIMEOUT, "ConnectionTimeout", connection_timeout),
               NAMED_CHOICE(RTS_COOKIE, "Cookie", cookie),
               NAMED_CHOICE(RTS_CHANNEL_LIFETIME, "ChannelLifetime", channel_lifetime),
               NAMED_CHOICE(RTS_CLIENT_KEEPALIVE, "ClientKeepalive", client_keepalive),
               NAMED_CHOICE(RTS_VERSION, "Version", version), NAMED_CHOICE(RTS_EMPTY, "Empty", nothing),
               NAMED_CHOICE(RTS_PADDING, "Padding", padding), NAMED_CHOICE(RTS_NEGATIVE_ANCE, "NegativeANCE", nothing),
               NAMED_CHOICE(RTS_ANCE, "ANCE", nothing),
               NAMED_CHOICE(RTS_CLIENT_ADDRESS, "ClientAddress", client_address),
               NAMED_CHOICE(RTS_ASSOCIATION_GROUP_ID, "AssociationGroupId", association_group_id),
               NAMED_CHOICE(RTS_DESTINATION, "Destination", destination),
               NAMED_CHOICE(RTS_PING_TRAFFIC_SENT_NOTIFY, "PingTrafficSentNotify", ping_traffic_sent));

LAYOUT(rts_layouts, U32("command", "Command", .names = command_names, .all_named = true), CHOOSE(commands));

const char *rts_command_name(uint32_t type)
{
    return field_name(command_names, type);
}

const char *rts_destination_name(uint32_t value)
{
    return field_name(destination_names, value);
}

/* ---- the walk ---- */

/* The reader came to an end inside the command that began there. Says so if it is the PDU
 * that ends, and not the capture. */
static void report_end(struct walk *w, uint32_t command_at)
{
    const struct reader *reader = &w->reader;
    uint64_t left = reader->whole - reader->pos;
    if (reader->need > left && command_at < reader->len) {
        report_value(w, RTS_TRUNCATED, command_at, reader->len - command_at, reader->whole - command_at,
                     (uint32_t)(reader->pos - command_at + reader->need));
    }
    w->pdu->well_formed = false;
}

/* False if nothing behind it can be read. */
static bool read_command(struct walk *w)
{
    struct reader *reader = &w->reader;
    struct layout_run run = { .reader = reader, .scene = w };
    uint32_t command_at = reader->pos, type = peek_u32(reader);
    char unknown[32];
    if (reader_left(reader) < COMMAND_TYPE_LEN) {
        reader->need = COMMAND_TYPE_LEN;
        report_end(w, command_at);
        return false;
    }
    const char *name = rts_command_name(type);
    snprintf(unknown, sizeof(unknown), "Unknown command %lu", (unsigned long)type);
    reader_open(reader, name ? name : unknown);
    w->draft = *w->pdu;
    reader->need = 0;
    read_layout(&run, rts_layouts);
    uint32_t stopped_at = reader->pos;
    bool cut = reader->failed && reader->need > 0;
    if (cut) {
        reader->pos = reader->len; /* all that is there is the command's */
    }
    reader_close(reader, NULL);
    reader->pos = stopped_at;
    if (cut) {
        report_end(w, command_at);
    } else if (!name) {
        report_value(w, RTS_UNKNOWN_COMMAND, command_at, COMMAND_TYPE_LEN, type, RTS_COMMAND_TYPES - 1);
    }
    if (reader->failed || !name) {
        return false;
    }
    const bool well_formed = w->pdu->well_formed, malformed = w->pdu->malformed, out_of_range = w->pdu->out_of_range;
    *w->pdu = w->draft;
    w->pdu->well_formed = well_formed; /* the draft was begun before this command told its issues */
    w->pdu->malformed = malformed;
    w->pdu->out_of_range = out_of_range;
    if (w->pdu->commands_decoded < RTS_MAX_COMMANDS) {
        w->pdu->command[w->pdu->commands_decoded] = (uint8_t)type;
    }
    w->pdu->commands_decoded++;
    return true;
}

static void read_commands(struct walk *w)
{
    const struct reader *reader = &w->reader;
    for (uint32_t i = 0; i < w->pdu->number_of_commands; i++) {
        if (reader->pos == reader->whole) {
            report_value(w, RTS_BAD_FRAG_LENGTH, FRAG_LENGTH_AT, 2, reader->whole, reader->whole + COMMAND_TYPE_LEN);
            return;
        }
        if (!read_command(w)) {
            return;
        }
    }
    if (reader->pos < reader->len) {
        report_value(w, RTS_BAD_FRAG_LENGTH, reader->pos, reader->len - reader->pos, reader->whole, reader->pos);
    } else if (reader->pos < reader->whole) {
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
    static const struct field_sink deaf = { .ctx = NULL };
    struct field_sink fields = sink && sink->fields ? *sink->fields : deaf;
    struct walk w = { .pdu = out, .sink = sink };
    struct pdu_header header;
    pdu_header_decode(p, &header);
    memset(out, 0, sizeof(*out));
    out->well_formed = true;
    fields.issue = NULL; /* this says more than the reader can */
    reader_init(&w.reader, p, (uint32_t)(len < frag_length ? len : frag_length), frag_length, &fields);
    w.reader.big_endian = !header.little_endian;

    check_header(&w, &header);
    if (frag_length < RTS_HEADER_LEN) {
        report_value(&w, RTS_TOO_SHORT, FRAG_LENGTH_AT, 2, frag_length, RTS_HEADER_LEN);
        return;
    }
    if (w.reader.len < RTS_HEADER_LEN) {
        out->well_formed = false;
        return;
    }
    w.reader.pos = PDU_HEADER_LEN;
    out->flags = peek_u16(&w.reader);
    w.reader.pos += 2;
    out->number_of_commands = peek_u16(&w.reader);
    w.reader.pos += 2;
    if (out->flags & ~DEFINED_FLAGS) {
        report_value(&w, RTS_UNDEFINED_FLAGS, PDU_HEADER_LEN, 2, out->flags, DEFINED_FLAGS);
    }
    read_commands(&w);
}
