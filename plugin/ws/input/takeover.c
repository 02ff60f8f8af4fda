/* takeover.c
 * Sees every frame of TCP: what of it tcp and http hand over, what a postdissector finds once
 * they are done, and what of it is shown.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "takeover_private.h"

#include <epan/conversation.h>
#include <epan/tap.h>

#include "claims.h"
#include "engine.h"
#include "ids.h"
#include "leaf.h"
#include "listed.h"
#include "mapi_places.h"
#include "mapistream.h"
#include "pdu.h"
#include "sources.h"
#include "store.h"

/* Handles without a protocol are called even when the user has switched ours off. */
bool takeover_switched_off(const protocol_t *protocol)
{
    return !proto_is_protocol_enabled(protocol);
}

/* ---- Called by tcp and http -------------------------------------------------------- */

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

/* ---- Every frame ------------------------------------------------------------------ */

/* Bytes that tcp or tls did not hand over in the frame that brought them: http asked for
 * the whole body of the claiming request before it was claimed, or a retransmission brought
 * something new. They are dissected in their own frame all the same. */
static void run_withheld(packet_info *pinfo, proto_tree *tree, struct stream *stream, const struct tcp_frame *tcp)
{
    if (tcp->captured == 0 || tcp->captured < tcp->payload_len)
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
    const uint32_t direct = takeover_run_direct(note, tcp, pinfo, tree);
    if (was_held)
        flow->held += direct - old;
}

/* Whether tcp keeps the new bytes of the frame to itself: it waits for what was not captured before them. */
static bool kept_by_tcp(packet_info *pinfo, const struct stream *stream, const struct tcp_frame *tcp)
{
    const enum way way = stream_way(stream, tcp);
    const struct tcp_half *half = &rpch_conn_conn(stream->conn)->tcp.half[way];
    return tcp->payload_len > 0 && !stream->tls && half->known && stream->flow[way].called_in != pinfo->num &&
           (int32_t)(tcp->seq + tcp->payload_len - half->next) > 0 && engine_reassembles_out_of_order();
}

/* A page whose connection ends under it. */
static void give_up_rests(packet_info *pinfo, struct stream *stream, const struct tcp_frame *tcp)
{
    for (int way = WAY_TO_SERVER; way <= WAY_TO_CLIENT; way++) {
        if ((tcp->flags & TH_RST) || stream_way(stream, tcp) == (enum way)way)
            engine_give_up_rest(stream, (enum way)way, pinfo, &stream->flow[way].at);
    }
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
        stream = takeover_claim(pinfo, tree, tcp);
    if (stream) {
        if (tcp->flags & (TH_FIN | TH_RST))
            give_up_rests(pinfo, stream, tcp);
        stream_segment(pinfo, stream, tcp, kept_by_tcp(pinfo, stream, tcp));
    } else if (store_active() && (tcp->flags & TH_SYN))
        rpch_state_syn(store_world(), &tcp->src, &tcp->dst, frame_when(pinfo), (tcp->flags & TH_ACK) != 0);
    return stream;
}

/* Somebody sees of which virtual connection a frame without anything of ours is. */
static bool place_is_seen(proto_tree *tree)
{
    return tree && (proto_field_is_referenced(tree, proto_rpch) || proto_field_is_referenced(tree, proto_outlook));
}

/* stream: of the frame on the first pass. Whether there was anything to show. */
static bool show_rpch(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, const struct tcp_frame *tcp,
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
        return place != NULL;
    }
    if (PINFO_FD_VISITED(pinfo) && note->direct) {
        if (!note->head_by_http)
            show_calls->rpch_columns(pinfo);
        takeover_run_direct(note, tcp, pinfo, tree);
    }
    show_calls->rpch_frame(tvb, pinfo, tree, note, place);
    if (note->row != NO_NUMBER || note->channel || note->has_pdu || note->verdicts)
        tap_queue_packet(rpch_tap, pinfo, note);
    outlook_tap_verdicts(pinfo, note->verdicts, rpch_conn_conn(note->stream->conn));
    return true;
}

/* A connection that nobody claimed: who never sees the requests cannot know what they ask for. Ports that are used again
 * find the half of before, which is doubt for less. */
static void note_half(packet_info *pinfo, const struct tcp_frame *tcp)
{
    struct track *track = store_track();
    if (tcp->captured && track_find_server(track, &tcp->src)) {
        store_heard(pinfo, &tcp->src); /* a server that answers others lives */
        if (tcp_one_way(pinfo, tcp))
            track_half(track, &tcp->src, &tcp->dst, pinfo->num);
    }
    if (track->has_torn)
        track_half_whole(track, &tcp->dst, &tcp->src);
}

/* A first look at a frame, which mostly ends here: its connection is nobody's, http handed none of our bodies over,
 * and it begins nothing of ours. Its addresses are read only where something may be known of them. */
static bool owes_nothing(packet_info *pinfo, struct tcp_frame *tcp, bool bodies)
{
    const bool begins = bodies || takeover_may_claim(pinfo, tcp), active = store_active() || store_mapi_active();
    const bool hunted = leaf_hunted(tcp);
    if (!begins && !active && !hunted)
        return true;
    tcp_frame_read(pinfo, tcp);
    if (hunted)
        leaf_first_look(pinfo, tcp);
    if (tcp->flags & TH_SYN)
        claims_begin_anew(tcp);
    tcp->claims = claims_of(tcp);
    if (active) {
        store_frame(pinfo);
        if (!tcp->claims)
            note_half(pinfo, tcp);
    }
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
    const bool of_rpch = rpch && show_rpch(tvb, pinfo, tree, tcp, stream), of_mapi = mapi && mapi_note_get(pinfo);
    if (of_mapi || (mapi && mapi_bodies_in(pinfo)))
        mapi_show(tvb, pinfo, tree, tcp);
    if (tree && of_rpch)
        listed_add(pinfo, proto_rpch);
    if (tree && of_mapi)
        listed_add(pinfo, proto_mapihttp);
    show_verdicts_in_info(pinfo, rpch, mapi);
    if ((rpch && frame_note_get(pinfo)) || (mapi && mapi_note_get(pinfo)))
        outlook_tap_rows(pinfo, NULL);
    notes_end_of_frame();
}

/* Whether it may show anything on a later pass. Its addresses are read. */
static bool shows_something(packet_info *pinfo, struct tcp_frame *tcp, bool noted, bool bodies)
{
    tcp_frame_read(pinfo, tcp);
    return noted || bodies || (claims_of(tcp) & CLAIM_RPCH);
}

/* IP fragments, or more tunnels before it than are looked through: what it carries is HTTP's, and nobody follows it. */
static void note_torn(const packet_info *pinfo)
{
    const int type = pinfo->net_src.type;
    if (pinfo->ptype != PT_TCP || (type != AT_IPv4 && type != AT_IPv6) || pinfo->net_dst.type != type ||
        !(proto_is_frame_protocol(pinfo->layers, "http") || proto_is_frame_protocol(pinfo->layers, "tls")))
        return;
    struct endpoint from, to;
    frame_endpoint(&from, &pinfo->net_src, 0);
    frame_endpoint(&to, &pinfo->net_dst, 0);
    track_torn(store_track(), &from, &to, pinfo->num);
}

static int takeover_after_frame(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data _U_)
{
    const bool first = !PINFO_FD_VISITED(pinfo), bodies = mapi_bodies_in(pinfo) != NULL;
    struct tcp_frame tcp;
    const bool noted = !first && (frame_note_get(pinfo) || mapi_note_get(pinfo));
    if (!bodies && (pinfo->ptype != PT_TCP || (!first && !noted && (!store_active() || !place_is_seen(tree)))))
        return 0;
    const bool is_tcp = tcp_frame_find(pinfo, &tcp);
    if (is_tcp) {
        if (first ? owes_nothing(pinfo, &tcp, bodies) : !shows_something(pinfo, &tcp, noted, bodies))
            return 0;
    } else if (first) {
        note_torn(pinfo);
    }
    const bool rpch = !takeover_switched_off(rpch_protocol), mapi = !takeover_switched_off(mapihttp_protocol);
    if (!rpch && !mapi)
        return 0;
    if (is_tcp)
        look_and_show(tvb, pinfo, tree, &tcp, rpch, mapi);
    else if (mapi && bodies)
        mapi_show(tvb, pinfo, tree, NULL); /* nothing is followed here, but what http handed over must not vanish */
    if (tree)
        show_calls->frame_end(pinfo);
    return is_tcp ? (int)tvb_captured_length(tvb) : 0;
}

void takeover_register(void)
{
    rpch_tap = register_tap("rpch");
    rows_tap = register_tap("outlook");
    rpch_follow_tap = register_tap("rpch_follow");
    client_tap = register_tap("outlookclient");
    verdict_tap = register_tap("outlook_verdict");
    /* No protocol of its own: frames that are none of ours must not list it. */
    register_postdissector(create_dissector_handle(takeover_after_frame, -1));
}
