/* rts.h
 * RTS PDUs of RPC over HTTP, MS-RPCH 2.2.3 and 2.2.4.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_RTS_H
#define OUTLOOKHTTP_RTS_H

#include "field.h"
#include "pdu.h"

enum rts_flag {
    RTS_FLAG_PING = 0x0001,
    RTS_FLAG_OTHER_CMD = 0x0002,
    RTS_FLAG_RECYCLE_CHANNEL = 0x0004,
    RTS_FLAG_IN_CHANNEL = 0x0008,
    RTS_FLAG_OUT_CHANNEL = 0x0010,
    RTS_FLAG_EOF = 0x0020,
    RTS_FLAG_ECHO = 0x0040
};

enum rts_command_type {
    RTS_RECEIVE_WINDOW_SIZE = 0,
    RTS_FLOW_CONTROL_ACK = 1,
    RTS_CONNECTION_TIMEOUT = 2,
    RTS_COOKIE = 3,
    RTS_CHANNEL_LIFETIME = 4,
    RTS_CLIENT_KEEPALIVE = 5,
    RTS_VERSION = 6,
    RTS_EMPTY = 7,
    RTS_PADDING = 8,
    RTS_NEGATIVE_ANCE = 9,
    RTS_ANCE = 10,
    RTS_CLIENT_ADDRESS = 11,
    RTS_ASSOCIATION_GROUP_ID = 12,
    RTS_DESTINATION = 13,
    RTS_PING_TRAFFIC_SENT_NOTIFY = 14,
    RTS_COMMAND_TYPES = 15
};

enum rts_destination { RTS_FD_CLIENT = 0, RTS_FD_IN_PROXY = 1, RTS_FD_SERVER = 2, RTS_FD_OUT_PROXY = 3 };

/* All that commands can show, for registration: their filters stand behind "rpch.rts.". */
extern const struct field rts_layouts[];

const char *rts_command_name(uint32_t type);      /* NULL if unknown */
const char *rts_destination_name(uint32_t value); /* NULL if out of range */

enum rts_problem {
    /* rpch.rts.malformed: 2.2.3.6.1 and structure */
    RTS_BAD_VERSION,   /* rpc_vers / rpc_vers_minor */
    RTS_BAD_PFC_FLAGS, /* not exactly first and last fragment */
    RTS_BAD_DREP,
    RTS_BAD_FRAG_LENGTH, /* commands end before or after frag_length */
    RTS_BAD_AUTH_LENGTH,
    RTS_BAD_CALL_ID,
    RTS_TRUNCATED,       /* a command passes the end of the PDU */
    RTS_UNKNOWN_COMMAND, /* its length is unknown, decoding stops */
    RTS_BAD_ADDRESS_TYPE,
    RTS_TOO_SHORT, /* no room for Flags and NumberOfCommands */
    /* rpch.rts.unexpected: ranges of 2.2.3.5 and undefined flags */
    RTS_RANGE,          /* a value out of its inclusive range */
    RTS_UNDEFINED_FLAGS /* bits beyond those of 2.2.3.6.1 */
};

struct rts_issue {
    enum rts_problem problem;
    uint32_t offset; /* from the start of the PDU */
    uint32_t length;
    const struct field *row; /* RTS_RANGE: of the value, else NULL */
    uint32_t value;          /* the offending value */
    uint32_t expected_low;   /* RTS_RANGE: the inclusive range; else what was expected */
    uint32_t expected_high;
};

bool rts_problem_is_malformed(enum rts_problem problem);

/* Called in wire order while decoding: each command is a group of fields, what is wrong comes
 * as struct rts_issue and not through fields->issue. A sink may longjmp out: rts_decode()
 * owns nothing. Any member may be NULL. */
struct rts_sink {
    const struct field_sink *fields;
    void (*issue)(void *ctx, const struct rts_issue *issue);
    void *ctx; /* of issue */
};

#define RTS_MAX_COMMANDS 16 /* remembered for naming and state; no defined PDU has more than 7 */
#define RTS_MAX_COOKIES 3

/* What state and naming need of an RTS PDU. */
struct rts_pdu {
    uint16_t flags;
    uint16_t number_of_commands;  /* as sent */
    uint16_t commands_decoded;    /* as found, may pass RTS_MAX_COMMANDS */
    bool well_formed;             /* no malformed issue, and all of it is there */
    bool malformed, out_of_range; /* issues were found that rpch.rts.malformed, rpch.rts.unexpected stand for */
    uint8_t command[RTS_MAX_COMMANDS];
    uint8_t cookies; /* number of Cookie commands seen, capped at RTS_MAX_COOKIES */
    uint8_t cookie[RTS_MAX_COOKIES][16];
    bool has_window, has_ack, has_timeout, has_lifetime, has_keepalive, has_destination;
    uint32_t window, timeout_ms, lifetime, keepalive_ms, destination;
    uint32_t ack_received, ack_window;
    uint8_t ack_cookie[16];
};

/* Decodes an RTS PDU. p points at its RPC header; len (>= PDU_HEADER_LEN) bytes are
 * there, of frag_length on the wire. Fills *out, calls the sink for what was found
 * up to the first structural error. Never reads past len; when len < frag_length
 * (a snapped packet) it decodes what is there and reports no RTS_TRUNCATED beyond
 * len: out->well_formed is then false and nothing is called malformed that was
 * merely not captured. At most frag_length/4 commands are walked. */
void rts_decode(const uint8_t *p, size_t len, uint16_t frag_length, struct rts_pdu *out, const struct rts_sink *sink);

/* Where an RTS PDU was seen; what is unknown stays 0. */
enum rts_channel { RTS_ANY_CHANNEL = 0, RTS_IN = 1, RTS_OUT = 2 };
enum rts_hop { RTS_ANY_HOP = 0, RTS_HOP_HTTP = 1 /* client and proxy */, RTS_HOP_TCP = 2 /* proxy and server */ };
enum rts_way { RTS_ANY_WAY = 0, RTS_TO_SERVER = 1, RTS_TO_CLIENT = 2 };

/* Bits of what earlier frames of the virtual connection showed, to part look-alikes. */
enum rts_context {
    RTS_CTX_IN_R1 = 0x01, /* IN_R1/A2, A3, A4 or the like was seen in this recycling */
    RTS_CTX_IN_R2 = 0x02,
    RTS_CTX_OUT_R1 = 0x04,
    RTS_CTX_OUT_R2 = 0x08,
    RTS_CTX_OPENING = 0x10,      /* virtual connection not yet open */
    RTS_CTX_PREDECESSOR = 0x20,  /* this channel has a successor that was announced */
    RTS_CTX_SUCCESSOR = 0x40,    /* this channel replaces another one and is not yet established */
    RTS_CTX_RECYCLING_IN = 0x80, /* an IN recycling is under way in this virtual connection */
    RTS_CTX_RECYCLING_OUT = 0x100
};

struct rts_place {
    enum rts_channel channel;
    enum rts_hop hop;
    enum rts_way way;
    unsigned context; /* enum rts_context bits */
};

#define RTS_NAME_MAX 160
#define RTS_MAX_CANDIDATES 8

/* One row of MS-RPCH 2.2.4, in the order of 2.2.4.2 to 2.2.4.51: the PDU's name and what
 * identifies it. */
struct rts_signature {
    const char *name; /* "IN_R1/A1", "Ping" */
    uint16_t flags;
    int8_t count; /* number of commands */
    uint8_t command[7];
    int8_t destination; /* enum rts_destination, or -1 where the PDU has none or any */
    uint8_t places;     /* where it may be sent, a set private to rts.c */
};

/* Names a PDU by flags, commands, destination and place. Fills index[] with the rows
 * of rts_signatures[] that fit, in section order, and name with their names joined by
 * " or ". Returns their number; 0 means that MS-RPCH defines no such PDU here (name is
 * then "unknown RTS PDU"). If the signature is known but belongs elsewhere (other
 * channel, hop or direction), the names of that elsewhere are given and *misplaced is
 * set. */
unsigned rts_identify(const struct rts_pdu *pdu, const struct rts_place *place, uint8_t index[RTS_MAX_CANDIDATES],
                      char name[RTS_NAME_MAX], bool *misplaced);

extern const struct rts_signature rts_signatures[];
extern const unsigned rts_signature_count;

/* Stable ids of the rows that state needs, equal to their index in rts_signatures[]. */
enum rts_id {
    RTS_CONN_A1,
    RTS_CONN_A2,
    RTS_CONN_A3,
    RTS_CONN_B1,
    RTS_CONN_B2,
    RTS_CONN_B3,
    RTS_CONN_C1,
    RTS_CONN_C2,
    RTS_IN_R1_A1,
    RTS_IN_R1_A2,
    RTS_IN_R1_A3,
    RTS_IN_R1_A4,
    RTS_IN_R1_A5,
    RTS_IN_R1_A6,
    RTS_IN_R1_B1,
    RTS_IN_R1_B2,
    RTS_IN_R2_A1,
    RTS_IN_R2_A2,
    RTS_IN_R2_A3,
    RTS_IN_R2_A4,
    RTS_IN_R2_A5,
    RTS_OUT_R1_A1,
    RTS_OUT_R1_A2,
    RTS_OUT_R1_A3,
    RTS_OUT_R1_A4,
    RTS_OUT_R1_A5,
    RTS_OUT_R1_A6,
    RTS_OUT_R1_A7,
    RTS_OUT_R1_A8,
    RTS_OUT_R1_A9,
    RTS_OUT_R1_A10,
    RTS_OUT_R1_A11,
    RTS_OUT_R2_A1,
    RTS_OUT_R2_A2,
    RTS_OUT_R2_A3,
    RTS_OUT_R2_A4,
    RTS_OUT_R2_A5,
    RTS_OUT_R2_A6,
    RTS_OUT_R2_A7,
    RTS_OUT_R2_A8,
    RTS_OUT_R2_B1,
    RTS_OUT_R2_B2,
    RTS_OUT_R2_B3,
    RTS_OUT_R2_C1,
    RTS_KEEP_ALIVE,
    RTS_PING_TRAFFIC_SENT,
    RTS_ECHO,
    RTS_PING,
    RTS_FLOW_ACK,
    RTS_FLOW_ACK_WITH_DESTINATION,
    RTS_ID_COUNT
};

#endif
