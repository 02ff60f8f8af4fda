/* takeover_claim.c
 * Notices channels, and takes their connections over from http: on the first RPC_* request, or
 * on PDUs of a connection whose request was not captured.
 *
 * http tells nobody of a head whose body has not begun, so a postdissector looks at the
 * frames: the claiming frame's own bytes are dissected behind http's. From the next frame on tcp,
 * or http where it sits on TLS or in a CONNECT tunnel, calls us first.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "takeover_private.h"

#include <stdlib.h>

#include <epan/address.h>
#include <epan/conversation.h>
#include <epan/proto_data.h>

#include "ids.h"
#include "pdu.h"
#include "sources.h"

static int proto_http = -1;

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

bool takeover_may_claim(packet_info *pinfo, const struct tcp_frame *tcp)
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
    const uint32_t held = takeover_run_direct(note, tcp, pinfo, tree);
    if (!by_http && !in_tunnel_data)
        stream->flow[WAY_TO_SERVER].held = held;
    return stream;
}

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
    takeover_run_direct(note, tcp, pinfo, tree);
    return stream;
}

struct stream *takeover_claim(packet_info *pinfo, proto_tree *tree, const struct tcp_frame *tcp)
{
    if (tcp->captured == 0)
        return NULL;
    if (tcp->payload[0] == 5 && !dissected_by_http(pinfo))
        return claim_late(pinfo, tree, tcp);
    /* Also a head without a body in a TLS record, or the end of one that was asked for. */
    return claim_request(pinfo, tree, tcp);
}

/* http would show the PDUs of the claiming frame as its own "DCE/RPC over HTTP" or ask for
 * more of them; they are shown behind the head by takeover_run_direct(). */
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

void takeover_handoff(void)
{
    proto_http = proto_get_id_by_filter_name("http");
    heur_dissector_add("http", body_of_claimed_head, "RPC over HTTP", "rpch_http", proto_rpch, HEURISTIC_ENABLE);
}
