/* tcpframe.c
 * The TCP header of a frame, from its bytes.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "tcpframe.h"

#include "store.h"
#include "tlsrecords.h"

#define IPPROTO_NUMBER_TCP 6
#define SEARCH_LIMIT 256 /* link layer, tags and tunnels in front of IP */
#define IPV6_MAX_EXTENSIONS 8

struct ip_packet {
    uint32_t tcp; /* offset of the TCP header */
    uint32_t end; /* offset behind the IP packet, on the wire */
    uint16_t id;
    uint8_t ttl; /* or hop limit */
};

static bool read_ipv4(const uint8_t *frame, uint32_t captured, uint32_t reported, uint32_t at, struct ip_packet *ip)
{
    if (at + 20 > captured || frame[at] >> 4 != 4 || frame[at + 9] != IPPROTO_NUMBER_TCP)
        return false;
    if (get_be16(frame + at + 6) & 0x3fff) /* a fragment */
        return false;
    uint32_t total = get_be16(frame + at + 2);
    ip->tcp = at + (frame[at] & 15) * 4u;
    ip->end = total ? at + total : reported; /* 0: segmentation was left to the card */
    ip->id = get_be16(frame + at + 4);
    ip->ttl = frame[at + 8];
    return ip->tcp >= at + 20 && ip->end <= reported;
}

static bool read_ipv6(const uint8_t *frame, uint32_t captured, uint32_t reported, uint32_t at, struct ip_packet *ip)
{
    if (at + 40 > captured || frame[at] >> 4 != 6)
        return false;
    uint32_t payload = get_be16(frame + at + 4);
    uint8_t next = frame[at + 6];
    uint32_t pos = at + 40;
    for (int i = 0; next != IPPROTO_NUMBER_TCP; i++) {
        /* hop-by-hop, routing and destination options share their form */
        if (i == IPV6_MAX_EXTENSIONS || (next != 0 && next != 43 && next != 60) || pos + 8 > captured)
            return false;
        next = frame[pos];
        pos += (frame[pos + 1] + 1u) * 8;
    }
    ip->tcp = pos;
    ip->end = payload ? at + 40 + payload : reported;
    ip->id = 0;
    ip->ttl = frame[at + 7];
    return ip->end <= reported;
}

/* The offset of the IP header that carries pinfo's network addresses: the address data
 * points into the frame on the versions that do not copy it; else it is looked for. */
static bool find_ip(const packet_info *pinfo, const uint8_t *frame, uint32_t captured, uint32_t reported,
                    struct ip_packet *ip)
{
    const address *src = &pinfo->net_src, *dst = &pinfo->net_dst;
    bool v4 = src->type == AT_IPv4 && dst->type == AT_IPv4;
    if (!v4 && !(src->type == AT_IPv6 && dst->type == AT_IPv6))
        return false;
    uint32_t addr_len = v4 ? 4 : 16;
    uint32_t addr_at = v4 ? 12 : 8;
    const uint8_t *data = (const uint8_t *)src->data;
    if (data >= frame + addr_at && data + 2 * addr_len <= frame + captured) {
        uint32_t at = (uint32_t)(data - frame) - addr_at;
        return v4 ? read_ipv4(frame, captured, reported, at, ip) : read_ipv6(frame, captured, reported, at, ip);
    }
    for (uint32_t pos = addr_at; pos < SEARCH_LIMIT && pos + 2 * addr_len <= captured; pos++) {
        if (memcmp(frame + pos, data, addr_len) != 0 || memcmp(frame + pos + addr_len, dst->data, addr_len) != 0)
            continue;
        if (v4 ? read_ipv4(frame, captured, reported, pos - addr_at, ip) :
                 read_ipv6(frame, captured, reported, pos - addr_at, ip))
            return true;
    }
    return false;
}

static uint64_t mix(const struct endpoint *end)
{
    const uint64_t mixed = ((get_le64(end->addr) ^ get_le64(end->addr + 8)) + end->port) * UINT64_C(0x9E3779B97F4A7C15);
    return (mixed ^ mixed >> 32) * UINT64_C(0x9E3779B97F4A7C15);
}

bool tcp_frame_refuses(const struct tcp_frame *tcp)
{
    return (tcp->flags & (TH_RST | TH_ACK)) == (TH_RST | TH_ACK) && tcp->seq == 0 &&
           tcp->reason_len == 0; /* a server's: what gives a reason is a device */
}

uint32_t tcp_ends_hash(const struct tcp_frame *tcp)
{
    return (uint32_t)((mix(&tcp->src) + mix(&tcp->dst)) >> 32);
}

bool tcp_frame_find(packet_info *pinfo, struct tcp_frame *tcp)
{
    if (!pinfo->data_src)
        return false;
    tvbuff_t *tvb = get_data_source_tvb((const struct data_source *)pinfo->data_src->data);
    uint32_t captured = tvb_captured_length(tvb);
    uint32_t reported = tvb_reported_length(tvb);
    if (captured == 0)
        return false;
    const uint8_t *frame = tvb_get_ptr(tvb, 0, (int)captured);
    struct ip_packet ip;
    if (!find_ip(pinfo, frame, captured, reported, &ip) || ip.tcp + 20 > captured)
        return false;
    const uint8_t *head = frame + ip.tcp;
    uint32_t head_len = (head[12] >> 4) * 4u;
    if (head_len < 20 || ip.tcp + head_len > ip.end)
        return false;
    tcp->header = head;
    tcp->claims = 0;
    tcp->flags = get_be16(head + 12) & TH_MASK;
    tcp->ip_id = ip.id;
    tcp->ttl = ip.ttl;
    tcp->payload_offset = ip.tcp + head_len;
    tcp->payload_len = ip.end - tcp->payload_offset;
    tcp->captured = tcp->payload_offset >= captured ? 0 : captured - tcp->payload_offset;
    if (tcp->captured > tcp->payload_len)
        tcp->captured = tcp->payload_len;
    tcp->payload = frame + tcp->payload_offset;
    return true;
}

/* What a SYN carries stands behind it (TCP Fast Open, RFC 7413). */
static uint32_t syn_before(const struct tcp_frame *tcp)
{
    return (tcp->flags & TH_SYN) && tcp->payload_len > 0;
}

void tcp_frame_read(packet_info *pinfo, struct tcp_frame *tcp)
{
    frame_endpoint(&tcp->src, &pinfo->net_src, get_be16(tcp->header));
    frame_endpoint(&tcp->dst, &pinfo->net_dst, get_be16(tcp->header + 2));
    tcp->seq = get_be32(tcp->header + 4) + syn_before(tcp);
    tcp->reason_len = 0;
    if (tcp->flags & TH_RST) { /* what it carries is the reason for it, and none of the stream (RFC 9293 3.5.3) */
        tcp->reason_len = tcp->captured;
        tcp->payload_len = tcp->captured = 0;
    }
    tcp->ack = get_be32(tcp->header + 8);
    tcp->window = get_be16(tcp->header + 14);
}

bool tcp_frame_parse(packet_info *pinfo, struct tcp_frame *tcp)
{
    if (!tcp_frame_find(pinfo, tcp))
        return false;
    tcp_frame_read(pinfo, tcp);
    return true;
}

/* ---- Its connection --------------------------------------------------------------- */

conversation_t *tcp_conversation(packet_info *pinfo, const struct tcp_frame *tcp)
{
    return find_conversation(pinfo->num, &pinfo->net_src, &pinfo->net_dst, CONVERSATION_TCP, tcp->src.port,
                             tcp->dst.port, 0);
}

static const struct tcp_analysis *analysis_of(packet_info *pinfo, const struct tcp_frame *tcp)
{
    conversation_t *conversation = tcp_conversation(pinfo, tcp);
    return conversation ? get_tcp_conversation_data(conversation, pinfo) : NULL;
}

bool tcp_one_way(packet_info *pinfo, const struct tcp_frame *tcp)
{
    const struct tcp_analysis *analysis = analysis_of(pinfo, tcp);
    return analysis && analysis->rev->tcp_analyze_seq_info && analysis->rev->tcp_analyze_seq_info->nextseqframe == 0;
}

static ws_bool lost_segment(const void *key _U_, void *value, void *found)
{
    const struct tcp_acked *acked = (const struct tcp_acked *)value;
    if (acked->flags & (COMPAT_TCP_A_LOST_PACKET | COMPAT_TCP_A_ACK_LOST_PACKET))
        *(bool *)found = true;
    return *(bool *)found;
}

void tcp_read_past(packet_info *pinfo, conversation_t *conversation, bool from_client, struct conn_past *past,
                   uint32_t *tcp_stream)
{
    struct tcp_analysis *analysis = get_tcp_conversation_data(conversation, pinfo);
    memset(past, 0, sizeof *past);
    *tcp_stream = NO_NUMBER;
    if (!analysis) {
        past->gap = true;
        past->first = frame_when(pinfo);
        return;
    }
    *tcp_stream = analysis->stream;
    past->syn = (analysis->conversation_completeness & COMPAT_TCP_SYN_SEEN) != 0;
    past->syn_ack = (analysis->conversation_completeness & COMPAT_TCP_SYNACK_SEEN) != 0;
    past->first.frame = conversation->setup_frame;
    past->first.ns = (int64_t)analysis->ts_first.secs * 1000000000 + analysis->ts_first.nsecs;
    const nstime_t *round_trip = &analysis->ts_first_rtt;
    if (round_trip->secs >= 0 && round_trip->secs < 3600 && round_trip->nsecs >= 0)
        past->round_trip = (uint32_t)round_trip->secs * 1000000 + (uint32_t)round_trip->nsecs / 1000;
    const tcp_analyze_seq_flow_info_t *fwd = analysis->fwd->tcp_analyze_seq_info,
                                      *rev = analysis->rev->tcp_analyze_seq_info;
    if (!fwd || !rev)
        past->gap = true; /* sequence analysis is switched off: it cannot be told */
    else if (analysis->acked_table)
        wmem_tree_foreach(analysis->acked_table, lost_segment, &past->gap);
    if (fwd && rev && fwd->nextseqframe && rev->nextseqframe) {
        past->has_next = true;
        past->next_seq[from_client ? WAY_TO_SERVER : WAY_TO_CLIENT] = fwd->nextseq;
        past->next_seq[from_client ? WAY_TO_CLIENT : WAY_TO_SERVER] = rev->nextseq;
    }
}

const tcp_record *tcp_record_of(packet_info *pinfo)
{
    struct tcp_frame tcp;
    conversation_t *conversation = tcp_frame_parse(pinfo, &tcp) ? tcp_conversation(pinfo, &tcp) : NULL;
    const struct tcp_analysis *analysis = conversation ? get_tcp_conversation_data(conversation, pinfo) : NULL;
    return analysis && analysis->fwd->tcp_analyze_seq_info ? analysis->acked_table : NULL;
}

/* The record is a tree by frames, of trees by sequence numbers. It tells what the last frame with an entry has, but not
 * which that is: the first for which it tells the same. */
static uint32_t frame_of_entry(wmem_tree_t *record, const void *entry, uint32_t behind, uint32_t up_to)
{
    while (up_to - behind > 1) {
        const uint32_t middle = behind + (up_to - behind) / 2;
        if (wmem_tree_lookup32_le(record, middle) == entry)
            up_to = middle;
        else
            behind = middle;
    }
    return up_to;
}

bool tcp_record_lost(const tcp_record *record, uint32_t behind, uint32_t up_to)
{
    wmem_tree_t *frames = (wmem_tree_t *)(uintptr_t)record;
    bool lost = false;
    if (!frames)
        return true;
    const void *before = wmem_tree_lookup32_le(frames, behind);
    while (up_to > behind && !lost) {
        wmem_tree_t *entry = (wmem_tree_t *)wmem_tree_lookup32_le(frames, up_to);
        if (!entry || entry == before)
            return false;
        wmem_tree_foreach(entry, lost_segment, &lost);
        up_to = frame_of_entry(frames, entry, behind, up_to) - 1;
    }
    return lost;
}

#define WINDOW_SMALL 256 /* as sent: for few segments the connection is looked up */

/* What a small window leaves room for, 0 where it does not show. */
static uint32_t small_window(packet_info *pinfo, const struct tcp_frame *tcp)
{
    if ((tcp->flags & (TH_SYN | TH_RST)) || !(tcp->flags & TH_ACK))
        return 0;
    const struct tcp_analysis *analysis = analysis_of(pinfo, tcp);
    const int scale = analysis && analysis->fwd ? analysis->fwd->win_scale : -1;
    return scale == -1 ? 0 : (uint32_t)tcp->window << (scale > 0 && scale <= 14 ? scale : 0);
}

void tcp_fill_segment(packet_info *pinfo, const struct tcp_frame *tcp, enum way way, bool tls, struct segment *segment)
{
    *segment = (struct segment){
        .when = frame_when(pinfo),
        .way = way,
        .syn = (tcp->flags & TH_SYN) != 0,
        .fin = (tcp->flags & TH_FIN) != 0,
        .rst = (tcp->flags & TH_RST) != 0,
        .has_ack = (tcp->flags & TH_ACK) != 0,
        .seq = tcp->seq,
        .ack = tcp->ack,
        .len = tcp->payload_len,
        .captured = tcp->captured,
        .window = tcp->window,
        .ip_id = tcp->ip_id,
        .ttl = tcp->ttl,
        .opaque = tls && tcp->payload_len > 0 && !tls_decrypted(pinfo),
    };
    if (tcp->window > 0 && tcp->window < WINDOW_SMALL)
        segment->room = small_window(pinfo, tcp);
    if (tcp->flags & (TH_SYN | TH_RST)) {
        segment->seq -= syn_before(tcp);
        segment->reason = (struct span){ tcp->payload, tcp->reason_len };
    }
}
