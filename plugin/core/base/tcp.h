/* tcp.h
 * The ends of TCP connections, frames, segments, and what was captured of a connection.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_TCP_H
#define OUTLOOKHTTP_TCP_H

#include "bytes.h"

#define SECOND INT64_C(1000000000)
#define MILLISECOND INT64_C(1000000)

#define NO_NUMBER UINT32_MAX

/* One end of a TCP connection. family is 4 or 6, addr in network order (4 or 16 bytes). */
struct endpoint {
    uint8_t family;
    uint8_t addr[16];
    uint16_t port;
};

#define IPV6_TEXT_MAX 46
void ipv6_format(const uint8_t addr[16], char text[IPV6_TEXT_MAX]); /* RFC 5952 */

#define ENDPOINT_TEXT_MAX 56
/* "10.0.0.81:80", "[2001:db8::81]:8080" (RFC 5952). */
void endpoint_format(const struct endpoint *endpoint, char text[ENDPOINT_TEXT_MAX]);
/* An address alone, as people write it: "192.0.2.1", "2001:db8::1" (RFC 4291 2.2); false for anything else. The port is
 * left as it is. */
bool address_read(struct span text, struct endpoint *endpoint);
#define ADDRESS_TEXT_MAX 64
/* The same the other way; "" for family 0. */
void address_format(const struct endpoint *endpoint, char text[ADDRESS_TEXT_MAX]);
bool endpoint_equal(const struct endpoint *a, const struct endpoint *b);
bool same_address(const struct endpoint *a, const struct endpoint *b); /* whatever the ports */
size_t address_length(const struct endpoint *endpoint);

struct when {
    uint32_t frame;
    int64_t ns; /* since 1970, UTC */
};

enum way { WAY_TO_SERVER = 0, WAY_TO_CLIENT = 1 }; /* the client opened the TCP connection */

/* What was seen of a TCP connection before it was claimed. */
struct conn_past {
    bool syn, syn_ack;    /* captured */
    bool gap;             /* a segment is missing, or it cannot be told */
    bool has_next;        /* next_seq is known */
    uint32_t next_seq[2]; /* by enum way: behind the highest byte captured so far; the claiming
                                  * frame may be counted or not */
    struct when first;    /* first frame of the connection */
    bool tls;             /* decrypted from TLS */
    uint32_t round_trip;  /* of its handshake, in microseconds; 0: not known */
};

/* One TCP segment of a claimed connection, also without payload. Sequence numbers are raw. */
struct segment {
    struct when when;
    enum way way;
    bool syn, fin, rst, has_ack;
    uint32_t seq, ack;
    uint32_t len;                /* payload bytes on the wire; none in an RST */
    uint32_t captured;           /* of them in the capture */
    uint32_t window;             /* as sent, unscaled */
    uint32_t room;               /* in bytes, where it is small and its scale is known; else 0 */
    uint16_t ip_id;              /* 0 if unknown; tells a SPAN copy from a retransmission */
    uint8_t ttl;                 /* or hop limit; 0 if unknown */
    bool opaque;                 /* payload of TLS of which nothing was decrypted, or that tcp has not handed over */
    struct span reason;          /* the bytes of an RST, which are none of the stream */
    const struct when *reopened; /* stands for an RST: the client's next connection from that port began; or NULL */
};

#define TCP_HOLES 3

struct tcp_half {   /* one direction of a TCP connection */
    uint32_t next;  /* behind the highest byte captured or acknowledged */
    uint32_t acked; /* what the other end acknowledged of it */
    uint8_t holes;
    bool known : 1; /* next is set */
    bool has_acked : 1;
    bool lost : 1;  /* more holes than are tracked */
    bool ended : 1; /* FIN or RST from this end */
};

struct tcp_damage { /* to one direction; few connections have any */
    struct tcp_hole {
        uint32_t from, to;
    } hole[TCP_HOLES];
    uint32_t gap_frame;    /* the frame that showed the first open hole */
    uint32_t cut_frame;    /* the first segment not captured whole, 0 if none */
    uint32_t missed_frame; /* the last frame that showed a hole or was cut */
    uint32_t opaque_frame; /* the first of those not decrypted that came last, 0 if none */
};

struct tcp_flow {
    struct tcp_half half[2];   /* by enum way: who sent */
    struct tcp_damage *damage; /* by enum way, NULL before the first */
    bool syn, syn_ack;
    bool gap; /* before the connection was claimed */
};

/* Why absence proves nothing: nothing, no SYN, one direction, bytes missing, bytes cut off,
 * bytes not decrypted, an ACK missing, segments in IP fragments, which nobody follows; a connection beside it without
 * the client's direction; the interface that it was captured on has no frames any more. */
enum doubt {
    DOUBT_NONE,
    DOUBT_NO_SYN,
    DOUBT_ONE_WAY,
    DOUBT_GAP,
    DOUBT_CUT,
    DOUBT_OPAQUE,
    DOUBT_NO_ACK,
    DOUBT_TORN,
    DOUBT_HALF,
    DOUBT_STOPPED
};

void tcp_flow_start(struct tcp_flow *flow, const struct conn_past *past);
/* Takes a segment into account; true if it brings data not seen before. The arena is always
 * the same one. */
bool tcp_flow_segment(struct tcp_flow *flow, const struct arena *arena, const struct segment *segment);
/* Bytes of this direction will not be followed any more, even if they come late. */
void tcp_flow_give_up(struct tcp_flow *flow, const struct arena *arena, enum way way, uint32_t frame);
/* Whether both directions were captured from SYN without a gap so far. frame: where the gap
 * or cut is, 0 if not known. */
enum doubt tcp_flow_doubt(const struct tcp_flow *flow, uint32_t *frame);
/* Whether something that was not captured may have passed in that frame or later. What is
 * missing lies before the frame that shows it; met: the frame in which the connection was
 * met, with all that is doubtful before. */
bool tcp_flow_missed_since(const struct tcp_flow *flow, uint32_t met, uint32_t since);

#endif
