/* takeover_run.c
 * Hands bytes of a claimed connection to the engine: what tcp or http calls with, and what a
 * frame holds that they do not.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "takeover_private.h"

#include <epan/exceptions.h>

#include "engine.h"
#include "ids.h"
#include "sources.h"
#include "stretch.h"

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

uint32_t takeover_run_direct(struct frame_note *note, const struct tcp_frame *tcp, packet_info *pinfo, proto_tree *tree)
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
