/* takeover.c
 * Notices channels, takes their connections over from http, and hands later segments of
 * both directions to the engine.
 *
 * http tells nobody of a head whose body has not begun, so a postdissector looks at the
 * frames: it claims a connection on the first RPC_* request and dissects that frame's own
 * bytes itself, after http. From the next frame on tcp, or http where it sits on TLS or in
 * a CONNECT tunnel, calls us first.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "takeover_private.h"

#include <stdlib.h>

#include <epan/address.h>
#include <epan/conversation.h>
#include <epan/exceptions.h>
#include <epan/prefs.h>
#include <epan/proto_data.h>
#include <epan/tap.h>

#include "claims.h"
#include "engine.h"
#include "ids.h"
#include "leaf.h"
#include "mapi_places.h"
#include "mapistream.h"
#include "pdu.h"
#include "sources.h"
#include "store.h"
#include "stretch.h"

static int proto_http = -1;
/* Handles without a protocol are called even when the user has switched ours off. */
bool takeover_switched_off(const protocol_t *protocol)
{
    return !proto_is_protocol_enabled(protocol);
}

/* ---- What the frame holds --------------------------------------------------------- */

struct place {
    tvbuff_t *tvb;
    unsigned source;
    int offset;
    bool tls;
};

static bool starts_rpc_request(const uint8_t *p, size_t len)
{
    static const char *const methods[] = { "RPC_IN_DATA ", "RPC_OUT_DATA ", "RPC_CONNECT " };
    for (size_t i = 0; p[0] == 'R' && i < G_N_ELEMENTS(methods); i++) {
        size_t n = strlen(methods[i]);
        if (len >= n && memcmp(p, methods[i], n) == 0)
            return true;
    }
    return false;
}

/* Where an RPC_* request begins, -1 if none does. With inside set one behind other messages will do. */
static int request_at(const uint8_t *p, size_t len, bool inside)
{
    if (starts_rpc_request(p, len))
        return 0;
    for (size_t at = 1; inside && at + 12 < len; at++) {
        const uint8_t *found = (const uint8_t *)memchr(p + at, 'R', len - 12 - at);
        if (!found)
            break;
        at = (size_t)(found - p);
        if (found[-1] == '\n' && starts_rpc_request(found, len - at))
            return (int)at;
    }
    return -1;
}

/* It had a head in this frame. */
static bool dissected_by_http(packet_info *pinfo)
{
    return p_get_proto_data(wmem_file_scope(), pinfo, proto_http, 0) != NULL;
}

/* The last stretch that begins with an RPC_* request, or holds one: where tcp or tls reassembled, the
 * longer one comes later. */
static bool find_request(packet_info *pinfo, const struct tcp_frame *tcp, bool inside, struct place *found)
{
    bool any = false;
    unsigned index = 0;
    for (const GSList *item = pinfo->data_src; item && index < SOURCES_MAX; item = item->next, index++) {
        const struct data_source *source = (const struct data_source *)item->data;
        tvbuff_t *tvb = get_data_source_tvb(source);
        bool tls = false;
        int at = index == 0 ? (int)tcp->payload_offset : 0;
        int len = (int)tvb_captured_length(tvb) - at;
        if (index == 0)
            len = (int)tcp->captured;
        if (len <= 0)
            continue;
        const uint8_t *p = tvb_get_ptr(tvb, at, len);
        const int pos = request_at(p, (size_t)len, inside);
        if (pos < 0 || (index > 0 && !source_is_stream(pinfo, source, &tls)))
            continue;
        found->tvb = tvb;
        found->source = index;
        found->offset = at + pos;
        found->tls = tls;
        any = true;
    }
    return any;
}

/* ---- Who owns the connection so far ----------------------------------------------- */

struct owner {
    http_conv_t *http; /* of the innermost HTTP, or NULL */
    struct tunnel tunnel;
    bool inner; /* http has a conversation of its own inside the tunnel */
};

static bool method_is(const http_conv_t *http, const char *prefix)
{
    const char *method = compat_http_method(http);
    return method && strncmp(method, prefix, strlen(prefix)) == 0;
}

static http_conv_t *http_of(packet_info *pinfo, const struct tunnel *tunnel)
{
    conversation_t *conversation = find_conversation(pinfo->num, &tunnel->src, &tunnel->dst, CONVERSATION_TCP,
                                                     tunnel->srcport, tunnel->destport, 0);
    return conversation ? (http_conv_t *)conversation_get_proto_data(conversation, proto_http) : NULL;
}

/* In whose name http speaks inside the tunnel: the URI's port takes the place of one side's,
 * and on some versions the URI's host that of an address. All ways it was seen to. */
static void find_inner(packet_info *pinfo, const struct tcp_frame *tcp, const char *host, uint32_t port,
                       struct owner *owner)
{
    address named;
    set_address(&named, AT_STRINGZ, (int)strlen(host) + 1, host);
    for (int name = 0; name < 3; name++) {
        for (int side = 0; side < 2; side++) {
            struct tunnel tunnel = {
                .port = (uint16_t)port,
                .src = name == 1 ? named : pinfo->net_src,
                .dst = name == 2 ? named : pinfo->net_dst,
                .srcport = side == 1 ? port : tcp->src.port,
                .destport = side == 0 ? port : tcp->dst.port,
            };
            http_conv_t *http = http_of(pinfo, &tunnel);
            if (name == 0 && side == 0)
                owner->tunnel = tunnel;
            if (http && http != owner->http) {
                owner->tunnel = tunnel;
                owner->http = http;
                owner->inner = true;
                return;
            }
        }
    }
}

static void find_owner(packet_info *pinfo, const struct tcp_frame *tcp, struct owner *owner)
{
    memset(owner, 0, sizeof *owner);
    conversation_t *conversation = tcp_conversation(pinfo, tcp);
    if (!conversation)
        return;
    owner->http = (http_conv_t *)conversation_get_proto_data(conversation, proto_http);
    if (!owner->http || !method_is(owner->http, "CONNECT"))
        return;
    const char *uri = compat_http_uri(owner->http);
    const char *colon = uri ? strchr(uri, ':') : NULL;
    long port = colon ? strtol(colon + 1, NULL, 10) : 0;
    if (port > 0 && port <= 65535)
        find_inner(pinfo, tcp, wmem_strndup(pinfo->pool, uri, (size_t)(colon - uri)), (uint32_t)port, owner);
}

/* From the next frame on the connection is ours. */
static void own_from_next_frame(packet_info *pinfo, const struct tcp_frame *tcp, struct stream *stream,
                                const struct owner *owner)
{
    if (owner->tunnel.port > 0) {
        struct tunnel *tunnel = wmem_new0(wmem_file_scope(), struct tunnel);
        *tunnel = owner->tunnel;
        copy_address_wmem(wmem_file_scope(), &tunnel->src, &owner->tunnel.src);
        copy_address_wmem(wmem_file_scope(), &tunnel->dst, &owner->tunnel.dst);
        stream->tunnel = tunnel;
    }
    if (stream->tls || owner->inner) {
        compat_http_hand_over(owner->http, pinfo->num, rpch_stream_handle);
        return;
    }
    conversation_t *conversation = tcp_conversation(pinfo, tcp);
    if (!conversation)
        return;
    stream->owner_before = conversation_get_dissector(conversation, pinfo->num);
    conversation_set_dissector_from_frame_number(conversation, pinfo->num + 1, rpch_tcp_handle);
}

/* ---- Calling the engine ----------------------------------------------------------- */

/* Outside http's own calls a tunnel's inside is entered here: http looks up its
 * conversation by pinfo. */
static void run_in_tunnel(struct stream *stream, const struct tcp_frame *tcp, tvbuff_t *tvb, packet_info *pinfo,
                          proto_tree *tree, const struct delivery *delivery)
{
    const struct tunnel *tunnel = stream->tunnel;
    enum way way = stream_way(stream, tcp);
    if (!tunnel) {
        engine_run(stream, tcp, way, tvb, pinfo, tree, delivery);
        return;
    }
    const address src = pinfo->src, dst = pinfo->dst;
    const uint32_t srcport = pinfo->srcport, destport = pinfo->destport;
    const bool up = way == WAY_TO_SERVER;
    pinfo->src = up ? tunnel->src : tunnel->dst;
    pinfo->dst = up ? tunnel->dst : tunnel->src;
    pinfo->srcport = up ? tunnel->srcport : tunnel->destport;
    pinfo->destport = up ? tunnel->destport : tunnel->srcport;
    TRY
    {
        engine_run(stream, tcp, way, tvb, pinfo, tree, delivery);
    }
    FINALLY
    {
        pinfo->src = src;
        pinfo->dst = dst;
        pinfo->srcport = srcport;
        pinfo->destport = destport;
    }
    ENDTRY;
}

void takeover_deliver(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, struct stream *stream,
                      const struct tcp_frame *tcp, bool by_http)
{
    struct delivery delivery = {
        .frame_bytes = tvb_get_ds_tvb(tvb) == source_tvb(pinfo, 0, NULL),
    };
    show_calls->rpch_columns(pinfo);
    if (by_http)
        engine_run(stream, tcp, stream_way(stream, tcp), tvb, pinfo, tree, &delivery);
    else
        run_in_tunnel(stream, tcp, tvb, pinfo, tree, &delivery);
}

/* On the first pass: calls go one way on a channel, so PDUs the other way show that a connection which calls
 * alone claimed is none of ours. It is whose it was from this frame on. */
static bool give_back(packet_info *pinfo, struct stream *stream, const struct tcp_frame *tcp)
{
    struct pdu_header header;
    if (PINFO_FD_VISITED(pinfo) || !rpch_conn_by_calls(stream->conn) || stream_way(stream, tcp) == stream->calls_go ||
        !pdu_starts_stream(tcp->payload, tcp->captured))
        return false;
    pdu_header_decode(tcp->payload, &header);
    if (header.ptype == RPC_RTS)
        return false;
    conversation_t *conversation = tcp_conversation(pinfo, tcp);
    stream->given_back = pinfo->num;
    rpch_conn_give_back(stream->conn);
    if (conversation)
        conversation_set_dissector_from_frame_number(conversation, pinfo->num, stream->owner_before);
    return true;
}

static int take(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, bool by_http)
{
    struct tcp_frame tcp;
    struct stream *stream = tcp_frame_parse(pinfo, &tcp) ? stream_find(pinfo, &tcp) : NULL;
    if (!stream)
        return 0;
    if (give_back(pinfo, stream, &tcp))
        return stream->owner_before ? call_dissector_only(stream->owner_before, tvb, pinfo, tree, NULL) : 0;
    takeover_deliver(tvb, pinfo, tree, stream, &tcp, by_http);
    return (int)tvb_captured_length(tvb);
}

int takeover_from_tcp(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data _U_)
{
    return take(tvb, pinfo, tree, false);
}

int takeover_from_http(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data _U_)
{
    return take(tvb, pinfo, tree, true);
}

/* ---- The claiming frame ----------------------------------------------------------- */

/* Whether the subdissector that tcp called for this segment asked for more of it. */
static bool asked_for_more(packet_info *pinfo, const struct tcp_frame *tcp)
{
    conversation_t *conversation = tcp_conversation(pinfo, tcp);
    struct tcp_analysis *analysis = conversation ? get_tcp_conversation_data(conversation, pinfo) : NULL;
    if (!analysis || !analysis->fwd || !analysis->fwd->multisegment_pdus)
        return false;
    /* Keyed by relative numbers unless the preference is off. */
    const uint32_t keys[] = { tcp->seq - analysis->fwd->base_seq, tcp->seq };
    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
        const struct tcp_multisegment_pdu *msp =
            (const struct tcp_multisegment_pdu *)wmem_tree_lookup32(analysis->fwd->multisegment_pdus, keys[i]);
        if (msp && msp->first_frame == pinfo->num && msp->seq == keys[i])
            return true;
    }
    return false;
}

/* Dissects what the frame holds from note->source on. Same in all passes. Returns how many bytes of the stream that is. */
static uint32_t run_direct(struct frame_note *note, const struct tcp_frame *tcp, packet_info *pinfo, proto_tree *tree)
{
    struct stream *stream = note->stream;
    enum way way = stream_way(stream, tcp);
    const bool first = !PINFO_FD_VISITED(pinfo);
    const struct delivery delivery = { .frame_bytes = note->source == 0, .direct = true };
    tvbuff_t *tvb = source_tvb(pinfo, note->source, NULL);
    if (!tvb)
        return 0;
    /* Behind the TCP payload there may be padding of the link layer. */
    int end = note->source == 0 ? (int)(tcp->payload_offset + tcp->payload_len) : (int)tvb_reported_length(tvb);
    int at = (int)note->source_offset;
    if (note->head_by_http) {
        struct http_head head;
        int captured = tvb_captured_length_remaining(tvb, at);
        if (captured > 0 && http_head_parse(tvb_get_ptr(tvb, at, captured), (size_t)captured, &head) == HTTP_HEAD_OK) {
            struct http_info *info = wmem_new(pinfo->pool, struct http_info);
            http_info_decode(&head, info);
            if (first) {
                size_t used = engine_head(stream, way, pinfo, &head, info);
                note->body_offset = used > (size_t)(end - at) ? (uint32_t)end : (uint32_t)at + (uint32_t)used;
            }
            show_calls->rpch_head(tvb, pinfo, tree, at, &head, info);
        }
        at = (int)note->body_offset;
    }
    int left = end - at;
    if (left > 0)
        run_in_tunnel(stream, tcp, stretch_part(tvb, at, left), pinfo, tree, &delivery);
    if (!stream->tls) {
        if (first)
            flow_reached(&stream->flow[way], tcp->seq + tcp->payload_len);
        return tcp->payload_len;
    }
    uint32_t total = tvb_reported_length(tvb);
    unsigned index = note->source + 1u;
    for (tvbuff_t *record; (record = source_next_tls(pinfo, &index));) {
        run_in_tunnel(stream, tcp, record, pinfo, tree, &delivery);
        total += tvb_reported_length(record);
    }
    return total;
}

/* A first RPC_* request on a connection of http's. */
static struct stream *claim_request(packet_info *pinfo, proto_tree *tree, const struct tcp_frame *tcp)
{
    struct place found;
    struct owner owner;
    if (!find_request(pinfo, tcp, true, &found))
        return NULL; /* most frames: to see that costs less than a look-up */
    find_owner(pinfo, tcp, &owner);
    if (!owner.http)
        return NULL;
    const bool by_http = dissected_by_http(pinfo) && method_is(owner.http, "RPC_");
    if (!by_http && !find_request(pinfo, tcp, false, &found))
        return NULL;
    bool in_tunnel_data = owner.tunnel.port > 0 && !owner.inner && !found.tls;
    if (!by_http && !found.tls && !in_tunnel_data && !asked_for_more(pinfo, tcp))
        return NULL;
    struct stream *stream = stream_claim(pinfo, tcp, RTS_HOP_HTTP, true, found.tls);
    if (!stream)
        return NULL;
    own_from_next_frame(pinfo, tcp, stream, &owner);
    struct http_head head;
    int captured = tvb_captured_length_remaining(found.tvb, found.offset);
    const enum http_head_result result =
        http_head_parse(tvb_get_ptr(found.tvb, found.offset, captured), (size_t)captured, &head);
    /* The rest of the head comes with what http asked for, but not in a tunnel. */
    if (result != HTTP_HEAD_OK && !(result == HTTP_HEAD_MORE && in_tunnel_data))
        return stream;
    struct frame_note *note = frame_note_make(pinfo, stream);
    note->direct = true;
    note->head_by_http = by_http;
    note->source = (uint16_t)found.source;
    note->source_offset = (uint32_t)found.offset;
    if (!by_http)
        show_calls->rpch_columns(pinfo);
    const uint32_t held = run_direct(note, tcp, pinfo, tree);
    if (!by_http && !in_tunnel_data)
        stream->flow[WAY_TO_SERVER].held = held;
    return stream;
}

/* Bytes that tcp or tls did not hand over in the frame that brought them: http asked for
 * the whole body of the claiming request before it was claimed, or a retransmission brought
 * something new. They are dissected in their own frame all the same. */
static void run_withheld(packet_info *pinfo, proto_tree *tree, struct stream *stream, const struct tcp_frame *tcp)
{
    /* What an RST carries is the reason for it and none of the stream (RFC 9293 3.5.3). */
    if (tcp->captured == 0 || tcp->captured < tcp->payload_len || (tcp->flags & TH_RST))
        return;
    struct flow *flow = &stream->flow[stream_way(stream, tcp)];
    if (flow->called_in == pinfo->num)
        return;
    unsigned index = 0;
    uint32_t old = 0;
    if (stream->tls) {
        if (flow->held == 0 || !source_next_tls(pinfo, &index))
            return;
        index--;
    } else {
        /* Out of order may be why tcp keeps it, but not where it comes next and http asked. */
        if (!flow->have_next || (flow->held == 0 && engine_reassembles_out_of_order()))
            return;
        old = flow->next_seq - tcp->seq; /* passes payload_len where there is a gap before */
        if (old >= tcp->payload_len)
            return;
    }
    struct frame_note *note = frame_note_make(pinfo, stream);
    note->direct = true;
    note->source = (uint16_t)index;
    note->source_offset = index == 0 ? tcp->payload_offset + old : 0;
    show_calls->rpch_columns(pinfo);
    const bool was_held = flow->held > 0;
    const uint32_t direct = run_direct(note, tcp, pinfo, tree);
    if (was_held)
        flow->held += direct - old;
}

/* Whether tcp keeps the new bytes of the frame to itself: it waits for what was not captured before them. */
static bool kept_by_tcp(packet_info *pinfo, const struct stream *stream, const struct tcp_frame *tcp)
{
    const enum way way = stream_way(stream, tcp);
    const struct tcp_half *half = &rpch_conn_conn(stream->conn)->tcp.half[way];
    return tcp->payload_len > 0 && !(tcp->flags & TH_RST) && !stream->tls && half->known &&
           stream->flow[way].called_in != pinfo->num && (int32_t)(tcp->seq + tcp->payload_len - half->next) > 0 &&
           engine_reassembles_out_of_order();
}

/* Whether the connection was captured from SYN on without a gap: a request of ours would have been seen. */
bool takeover_seen_from_syn(packet_info *pinfo, const struct tcp_frame *tcp)
{
    conversation_t *conversation = tcp_conversation(pinfo, tcp);
    struct conn_past past;
    uint32_t tcp_stream;
    if (!conversation)
        return false;
    tcp_read_past(pinfo, conversation, true, &past, &tcp_stream);
    return past.syn && !past.gap;
}

/* By the ends it is a guess who the client is, but of what goes one way only. */
struct stream *takeover_claim_pdus(packet_info *pinfo, const struct tcp_frame *tcp, enum rts_hop hop)
{
    struct pdu_header header;
    pdu_header_decode(tcp->payload, &header);
    bool from_client = tcp->src.port > tcp->dst.port;
    if (header.ptype == RPC_REQUEST || header.ptype == RPC_BIND || header.ptype == RPC_ALTER_CONTEXT)
        from_client = true;
    else if (header.ptype != RPC_RTS)
        from_client = false;
    struct stream *stream = stream_claim(pinfo, tcp, hop, from_client, false);
    if (stream && hop == RTS_HOP_HTTP) /* their request is missing */
        stream->flow[WAY_TO_SERVER].at.phase = stream->flow[WAY_TO_CLIENT].at.phase = PHASE_RESYNC;
    return stream;
}

/* A connection of http's on which no request was captured, and whose segment is PDUs. Calls alone claim it until
 * give_back(): DCE/RPC may run on a port of http's. */
static struct stream *claim_late(packet_info *pinfo, proto_tree *tree, const struct tcp_frame *tcp)
{
    struct owner owner;
    if (!pdu_starts_stream(tcp->payload, tcp->captured))
        return NULL;
    find_owner(pinfo, tcp, &owner);
    if (!owner.http || compat_http_method(owner.http) || owner.tunnel.port > 0 || takeover_seen_from_syn(pinfo, tcp) ||
        stream_given_back(pinfo, tcp))
        return NULL;
    struct stream *stream = takeover_claim_pdus(pinfo, tcp, RTS_HOP_HTTP);
    if (!stream)
        return NULL;
    struct pdu_header header;
    pdu_header_decode(tcp->payload, &header);
    if (header.ptype != RPC_RTS) {
        stream->calls_go = (uint8_t)stream_way(stream, tcp);
        rpch_conn_may_be_ours(stream->conn);
    }
    own_from_next_frame(pinfo, tcp, stream, &owner);
    struct frame_note *note = frame_note_make(pinfo, stream);
    note->direct = true;
    note->source_offset = tcp->payload_offset;
    show_calls->rpch_columns(pinfo);
    run_direct(note, tcp, pinfo, tree);
    return stream;
}

/* http would show the PDUs of the claiming frame as its own "DCE/RPC over HTTP" or ask for
 * more of them; they are shown behind the head by run_direct(). */
static ws_bool body_of_claimed_head(tvbuff_t *tvb _U_, packet_info *pinfo, proto_tree *tree _U_, void *data _U_)
{
    if (PINFO_FD_VISITED(pinfo)) {
        const struct frame_note *note = frame_note_get(pinfo);
        return note && note->head_by_http;
    }
    struct tcp_frame tcp;
    struct owner owner;
    struct place found;
    struct http_head head;
    if (!tcp_frame_parse(pinfo, &tcp) || !find_request(pinfo, &tcp, true, &found) || stream_find(pinfo, &tcp))
        return FALSE;
    find_owner(pinfo, &tcp, &owner);
    if (!owner.http || !method_is(owner.http, "RPC_"))
        return FALSE;
    int captured = tvb_captured_length_remaining(found.tvb, found.offset);
    return http_head_parse(tvb_get_ptr(found.tvb, found.offset, captured), (size_t)captured, &head) == HTTP_HEAD_OK;
}

/* ---- Every frame ------------------------------------------------------------------ */

static struct stream *claim(packet_info *pinfo, proto_tree *tree, const struct tcp_frame *tcp)
{
    if (tcp->captured == 0)
        return NULL;
    if (tcp->payload[0] == 5 && !dissected_by_http(pinfo))
        return claim_late(pinfo, tree, tcp);
    /* Also a head without a body in a TLS record, or the end of one that was asked for. */
    return claim_request(pinfo, tree, tcp);
}

/* Returns whose frame it is, or NULL. */
static struct stream *first_look(packet_info *pinfo, proto_tree *tree, const struct tcp_frame *tcp)
{
    struct stream *stream = NULL;
    if (tcp->claims & CLAIM_RPCH) {
        /* Mostly what was dissected in the frame is this segment's; a look-up costs more than to see that. */
        const struct frame_note *note = frame_note_get(pinfo);
        stream =
            note && stream_conn_is(rpch_conn_conn(note->stream->conn), tcp) ? note->stream : stream_find(pinfo, tcp);
    }
    if (stream && give_back(pinfo, stream, tcp))
        stream = NULL;
    else if (stream)
        run_withheld(pinfo, tree, stream, tcp);
    else
        stream = claim(pinfo, tree, tcp);
    if (stream)
        stream_segment(pinfo, stream, tcp, kept_by_tcp(pinfo, stream, tcp));
    else if (store_active() && (tcp->flags & TH_SYN))
        rpch_state_syn(store_world(), &tcp->src, &tcp->dst, frame_when(pinfo), (tcp->flags & TH_ACK) != 0);
    return stream;
}

/* Somebody sees of which virtual connection a frame without anything of ours is. */
static bool place_is_seen(proto_tree *tree)
{
    return tree && (proto_field_is_referenced(tree, proto_rpch) || proto_field_is_referenced(tree, proto_outlook));
}

/* stream: of the frame on the first pass. */
static void show_rpch(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, const struct tcp_frame *tcp,
                      const struct stream *stream)
{
    struct frame_note *note = frame_note_get(pinfo);
    const struct vc_place *place = NULL;
    if (place_is_seen(tree)) {
        if (PINFO_FD_VISITED(pinfo))
            stream = note ? note->stream : stream_find(pinfo, tcp);
        if (stream && !stream->given_back)
            place = stream_place(pinfo, stream);
    }
    if (!note) {
        if (place)
            show_calls->rpch_frame(tvb, pinfo, tree, NULL, place);
        return;
    }
    if (PINFO_FD_VISITED(pinfo) && note->direct) {
        if (!note->head_by_http)
            show_calls->rpch_columns(pinfo);
        run_direct(note, tcp, pinfo, tree);
    }
    show_calls->rpch_frame(tvb, pinfo, tree, note, place);
    if (note->row != NO_NUMBER || note->channel || note->has_pdu || note->verdicts || note->changed)
        tap_queue_packet(rpch_tap, pinfo, note);
    outlook_tap_verdicts(pinfo, note->verdicts, rpch_conn_conn(note->stream->conn));
    outlook_tap_rows(pinfo, note->verdicts, note->changed, true);
    for (const struct auth_note *auth = note->auth; auth; auth = auth->next)
        outlook_tap_auth(pinfo, &auth->shown, note->auth_row);
    if (note->auth_row != NO_NUMBER)
        tap_queue_packet(outlook_tap, pinfo, &note->auth_row);
    if (note->row != NO_NUMBER && have_tap_listener(client_tap))
        outlook_tap_client(pinfo, rpch_state_client(store_world(), note->row));
}

/* RPC_*, a PDU, requests of MAPI/HTTP. */
static bool may_begin_ours(uint8_t first)
{
    switch (first) {
    case 'R':
    case 5:
    case 'P':
    case 'G':
    case 'H':
    case 'O':
        return true;
    default:
        return false;
    }
}

/* Whether the segment, or what tcp and tls made of it, may begin what makes a connection ours. Within a stretch that
 * is looked for only where http had a head. */
static bool may_claim(packet_info *pinfo, const struct tcp_frame *tcp)
{
    static const char response[] = "HTTP/";
    if (tcp->captured == 0)
        return false;
    if (!pinfo->data_src->next && tcp->captured >= strlen(response) &&
        memcmp(tcp->payload, response, strlen(response)) == 0)
        return false; /* what goes the way of responses begins nothing */
    if (may_begin_ours(tcp->payload[0]))
        return true;
    for (const GSList *item = pinfo->data_src->next; item; item = item->next) {
        tvbuff_t *tvb = get_data_source_tvb((const struct data_source *)item->data);
        if (tvb_captured_length(tvb) > 0 && may_begin_ours(*tvb_get_ptr(tvb, 0, 1)))
            return true;
    }
    return dissected_by_http(pinfo);
}

/* A first look at a frame, which mostly ends here: its connection is nobody's, http handed none of our bodies over,
 * and it begins nothing of ours. Its addresses are read only where something may be known of them. */
static bool owes_nothing(packet_info *pinfo, struct tcp_frame *tcp, bool bodies)
{
    const bool begins = bodies || may_claim(pinfo, tcp), active = store_active() || store_mapi_active();
    const bool hunted = leaf_hunted(tcp);
    if (!begins && !active && !hunted)
        return true;
    tcp_frame_read(pinfo, tcp);
    if (hunted)
        leaf_first_look(pinfo, tcp);
    if (tcp->flags & TH_SYN)
        claims_begin_anew(tcp);
    tcp->claims = claims_of(tcp);
    if (tcp->captured && !tcp->claims)
        store_heard(pinfo, &tcp->src); /* a server that answers others lives */
    if (begins || tcp->claims)
        return false;
    /* It may tell of a server that answers none. */
    return !(store_active() && (tcp->flags & TH_SYN)) && !(store_mapi_active() && tcp_frame_refuses(tcp));
}

static void show_verdicts_in_info(packet_info *pinfo, bool rpch, bool mapi)
{
    const struct frame_note *of_rpch = rpch ? frame_note_get(pinfo) : NULL;
    const struct mapi_note *of_mapi = mapi ? mapi_note_get(pinfo) : NULL;
    show_calls->verdict_columns(pinfo, of_rpch ? of_rpch->verdicts : NULL, of_mapi ? of_mapi->verdicts : NULL);
}

/* What a TCP frame, which may owe something, brings and shows. */
static void look_and_show(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, const struct tcp_frame *tcp, bool rpch,
                          bool mapi)
{
    const bool first = !PINFO_FD_VISITED(pinfo);
    struct stream *stream = NULL;
    if (first && rpch)
        stream = first_look(pinfo, tree, tcp);
    if (first && mapi)
        mapi_first_look(pinfo, tcp);
    if (rpch)
        show_rpch(tvb, pinfo, tree, tcp, stream);
    if (mapi && (mapi_note_get(pinfo) || mapi_bodies_in(pinfo)))
        mapi_show(tvb, pinfo, tree, tcp);
    show_verdicts_in_info(pinfo, rpch, mapi);
    notes_end_of_frame();
}

static int takeover_after_frame(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data _U_)
{
    const bool first = !PINFO_FD_VISITED(pinfo), bodies = mapi_bodies_in(pinfo) != NULL;
    struct tcp_frame tcp;
    const bool noted = !first && (frame_note_get(pinfo) || mapi_note_get(pinfo));
    if (!bodies && (pinfo->ptype != PT_TCP || (!first && !noted && (!store_active() || !place_is_seen(tree)))))
        return 0;
    const bool is_tcp = tcp_frame_find(pinfo, &tcp);
    if (is_tcp && !first) {
        tcp_frame_read(pinfo, &tcp);
        if (!noted && !bodies && !(claims_of(&tcp) & CLAIM_RPCH))
            return 0;
    } else if (is_tcp && owes_nothing(pinfo, &tcp, bodies))
        return 0;
    const bool rpch = !takeover_switched_off(rpch_protocol), mapi = !takeover_switched_off(mapihttp_protocol);
    if (!rpch && !mapi)
        return 0;
    if (is_tcp) {
        look_and_show(tvb, pinfo, tree, &tcp, rpch, mapi);
        return (int)tvb_captured_length(tvb);
    }
    /* Nothing is followed here, but what http handed over must not vanish. */
    if (mapi && bodies)
        mapi_show(tvb, pinfo, tree, NULL);
    return 0;
}

void takeover_register(void)
{
    rpch_tap = register_tap("rpch");
    outlook_tap = register_tap("outlook");
    rpch_follow_tap = register_tap("rpch_follow");
    client_tap = register_tap("outlookclient");
    verdict_tap = register_tap("outlook_verdict");
    /* No protocol of its own: frames that are none of ours must not list it. */
    register_postdissector(create_dissector_handle(takeover_after_frame, -1));
}

void takeover_handoff(void)
{
    proto_http = proto_get_id_by_filter_name("http");
    heur_dissector_add("http", body_of_claimed_head, "RPC over HTTP", "rpch_http", proto_rpch, HEURISTIC_ENABLE);
}
