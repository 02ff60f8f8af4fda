/* tcpframe.h
 * The TCP segment of a frame, and what Wireshark knows of its connection.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_TCPFRAME_H
#define OUTLOOKHTTP_TCPFRAME_H

#include "compat.h"

#include "outlook.h"

/* The TCP header of a frame, read from its bytes: http and tls do not pass it on. */
struct tcp_frame {
    struct endpoint src, dst;
    uint32_t seq; /* of the first byte of the payload, if there is any */
    uint32_t ack, window;
    uint16_t flags, ip_id;
    uint8_t ttl;             /* or hop limit */
    uint32_t payload_offset; /* in the frame */
    uint32_t payload_len;    /* on the wire; none in an RST */
    uint32_t captured;       /* of the payload */
    const uint8_t *payload;  /* captured bytes */
    uint32_t reason_len;     /* captured bytes of an RST, which stand at payload */
    const uint8_t *header;
    unsigned claims; /* first pass: who may have claimed its connection (claims.h) */
};

/* False if the frame carries no TCP, or none whose header lies in the frame itself (IP
 * reassembly). */
bool tcp_frame_parse(packet_info *pinfo, struct tcp_frame *tcp);
/* The same in two steps, the second of which most frames do without: where the segment is, and its flags; ends and
 * numbers, and what an RST carries instead of payload. */
bool tcp_frame_find(packet_info *pinfo, struct tcp_frame *tcp);
void tcp_frame_read(packet_info *pinfo, struct tcp_frame *tcp);
/* Whether it answers a SYN by RST: then it has no sequence number (RFC 9293 3.10.7.1). */
bool tcp_frame_refuses(const struct tcp_frame *tcp);
/* Of both ends, the same for both directions and in each run. */
uint32_t tcp_ends_hash(const struct tcp_frame *tcp);

/* The TCP conversation by the ports on the wire: inside an HTTP CONNECT tunnel pinfo
 * carries those of the URI instead. */
conversation_t *tcp_conversation(packet_info *pinfo, const struct tcp_frame *tcp);
/* Whether nothing was captured so far of the end that the frame goes to; false where that cannot be told. */
bool tcp_one_way(packet_info *pinfo, const struct tcp_frame *tcp);
/* What Wireshark's own analysis saw of the connection before we looked; from_client: this frame is the client's. */
void tcp_read_past(packet_info *pinfo, conversation_t *conversation, bool from_client, struct conn_past *past,
                   uint32_t *tcp_stream);
/* Wireshark's record of what is odd about the segments of the frame's connection; NULL: there is none. */
typedef struct _wmem_tree_t tcp_record;
const tcp_record *tcp_record_of(packet_info *pinfo);
/* Whether it says that segments are missing, either way, behind the one frame and up to the other. True of NULL. */
bool tcp_record_lost(const tcp_record *record, uint32_t behind, uint32_t up_to);
void tcp_fill_segment(packet_info *pinfo, const struct tcp_frame *tcp, enum way way, bool tls, struct segment *segment);

#endif
