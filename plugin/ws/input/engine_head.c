/* engine_head.c
 * Heads of HTTP: they go back to http, and say how the body behind them is read.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "engine_private.h"

#include <epan/exceptions.h>

#include "ids.h"
#include "pdu.h"
#include "store.h"
#include "stretch.h"

#define FOREIGN_MAX 0x100000         /* a longer message of http's is not waited for */

/* ---- Heads ------------------------------------------------------------------------ */

/* How the body of a message is framed and whether it carries PDUs. Returns false for a
 * message that is none of ours, whose body belongs to http. */
static bool plan_body(struct cursor *at, enum rts_hop hop, const struct http_info *info)
{
    bool no_body = !info->is_request && (info->status / 100 == 1 || info->status == 204 || info->status == 304
                                         || at->asked.method == HTTP_HEAD_METHOD);
    bool ours;
    if (info->is_request) {
        bool rpc = info->method == HTTP_RPC_IN_DATA || info->method == HTTP_RPC_OUT_DATA;
        bool channel = rpc && (info->chunked || info->content_length < 0 || info->content_length > 16);
        ours = channel || info->method == HTTP_RPC_CONNECT;
    } else {
        bool echo = at->asked.echo && info->content_type_rpc && info->status == 200;
        /* A page answers another request, whose own frame may be missing. */
        ours = hop == RTS_HOP_HTTP && info->status / 100 == 2 && !no_body && !info->content_type_text
            && (at->asked.channel || echo || (at->asked.method == HTTP_OTHER_METHOD && info->content_type_rpc));
    }
    at->pdus = ours;
    at->guessed = false;
    at->carry = NULL;
    at->carried = 0;
    at->pass = 0;
    at->phase = PHASE_BODY;
    at->left = 0;
    if (no_body) {
        at->framing = FRAMING_LENGTH;
    } else if (info->chunked) {
        at->framing = FRAMING_CHUNKED;
        http_chunks_init(&at->chunks);
    } else if (info->content_length >= 0) {
        at->framing = FRAMING_LENGTH;
        at->left = (uint64_t)info->content_length;
    } else if (info->is_request && !ours) {
        at->framing = FRAMING_LENGTH;
    } else {
        at->framing = FRAMING_OPEN;
    }
    if (ours && info->method == HTTP_RPC_CONNECT)
        at->framing = FRAMING_OPEN;
    if (at->framing == FRAMING_LENGTH && at->left == 0)
        at->phase = PHASE_HEAD;
    return ours;
}

static void note_request(struct stream *stream, const struct http_info *info)
{
    if (!info->is_request)
        return;
    bool rpc = info->method == HTTP_RPC_IN_DATA || info->method == HTTP_RPC_OUT_DATA;
    stream->asked.method = (uint8_t)info->method;
    stream->asked.echo = rpc && info->content_length >= 0 && info->content_length <= 16;
    stream->asked.channel = info->method == HTTP_RPC_CONNECT
        || (rpc && (info->chunked || info->content_length < 0 || info->content_length > 16));
}

static bool is_ours(const struct cursor *at, const struct http_info *info)
{
    if (info->is_request)
        return info->method == HTTP_RPC_IN_DATA || info->method == HTTP_RPC_OUT_DATA
            || info->method == HTTP_RPC_CONNECT;
    return at->asked.method == HTTP_RPC_IN_DATA || at->asked.method == HTTP_RPC_OUT_DATA
        || at->asked.method == HTTP_RPC_CONNECT;
}

/* Lets http dissect len bytes as if the connection were still its own. */
void run_give_to_http(struct run *run, tvbuff_t *tvb, int offset, int len)
{
    static dissector_handle_t http_handle;
    static int proto_http = -1;
    if (!http_handle) {
        http_handle = find_dissector("http");
        proto_http = proto_get_id_by_filter_name("http");
    }
    packet_info *pinfo = run->pinfo;
    conversation_t *conversation = find_conversation_pinfo(pinfo, 0);
    http_conv_t *http =
        conversation ? (http_conv_t *)conversation_get_proto_data(conversation, proto_http) : NULL;
    const uint32_t startframe = http ? http->startframe : 0;
    const uint16_t can_desegment = pinfo->can_desegment;
    if (http)
        http->startframe = 0;
    pinfo->can_desegment = 0;
    tvbuff_t *message = stretch_part(tvb, offset, len);
    TRY {
        call_dissector_only(http_handle, message, pinfo, run->tree, NULL);
    }
    FINALLY {
        if (http)
            http->startframe = startframe;
        pinfo->can_desegment = can_desegment;
        pinfo->desegment_len = 0;
        pinfo->desegment_offset = 0;
    }
    ENDTRY;
    col_set_fence(pinfo->cinfo, COL_INFO);
}

/* The end of a message whose body is http's, or -1 if it is not there yet and cannot be told
 * from the head: at then says how far its chunks go on. */
static int64_t foreign_end(struct cursor *at, const struct http_head *head, const uint8_t *p, size_t len)
{
    if (at->framing == FRAMING_LENGTH)
        return (int64_t)head->length + (int64_t)at->left;
    if (at->framing == FRAMING_OPEN)
        return (int64_t)len;
    const size_t used = head->length + dechunk(&at->chunks, p + head->length, len - head->length, NULL).used;
    if (at->chunks.state == HTTP_CHUNK_DONE)
        return (int64_t)used;
    return at->chunks.state == HTTP_CHUNK_BAD ? (int64_t)len : -1;
}

static bool may_begin_pdu(const uint8_t *p, size_t len)
{
    uint16_t frag_length;
    unsigned bad;
    return pdu_probe(p, len, &frag_length, &bad) != PDU_PROBE_BAD;
}

/* One HTTP message, or its head where PDUs follow. may_wait: for the rest of one that is http's.
 * Returns where it stopped. */
int run_message_at(struct run *run, tvbuff_t *tvb, int offset, bool may_wait)
{
    int captured = stretch_captured(tvb, offset);
    int reported = stretch_left(tvb, offset);
    if (captured <= 0) {
        run->at.phase = PHASE_RESYNC;
        run_keep_call(run);
        return offset + reported;
    }
    const uint8_t *p = tvb_get_ptr(tvb, offset, captured);
    if (p[0] == 5) {
        run->at.phase = PHASE_BODY;
        run->at.framing = FRAMING_OPEN;
        run->at.pdus = true;
        run->at.guessed = run->stream->hop == RTS_HOP_HTTP;
        return offset;
    }
    if (run->stream->hop == RTS_HOP_TCP) {
        static const char greeting[] = "ncacn_http/1.0";
        int len = (int)sizeof greeting - 1;
        if (captured >= len && memcmp(p, greeting, (size_t)len) == 0) {
            run_keep_call(run);
            show_calls->rpch_greeting(tvb, run->pinfo, run->tree, offset, len);
            run->at.phase = PHASE_BODY;
            run->at.framing = FRAMING_OPEN;
            run->at.pdus = true;
            return offset + len;
        }
        if (captured < len && captured == reported && memcmp(p, greeting, (size_t)captured) == 0) {
            run_carry_over(run, tvb, offset, captured);
            return offset + reported;
        }
        run->at.phase = PHASE_RESYNC;
        return offset;
    }
    struct http_head message;
    struct http_head_scan scan = { 0, 0, 0, 0 };
    switch (http_head_resume(&scan, p, (size_t)captured, &message)) {
    case HTTP_HEAD_MORE:
        if (captured == reported) {
            run_carry_over(run, tvb, offset, reported);
            if (run->first)
                run->at.carry->scan = scan;
        } else {
            run_keep_call(run);
            run_give_to_http(run, tvb, offset, reported);
            run->at.phase = PHASE_RESYNC;
        }
        return offset + reported;
    case HTTP_HEAD_NOT: {
        /* a client was seen that sends one byte more than it announces */
        size_t skip = 1;
        while (skip < (size_t)captured && !may_begin_pdu(p + skip, (size_t)captured - skip))
            skip++;
        skip = http_head_search(p, (size_t)captured, skip);
        const int len = skip < (size_t)captured ? (int)skip : reported;
        run->gap = true;
        run_pass_over(run, tvb, offset, len, "Bytes between messages");
        return offset + len;
    }
    case HTTP_HEAD_OK:
        break;
    }
    struct http_info *info = wmem_new(run->pinfo->pool, struct http_info);
    http_info_decode(&message, info);
    struct cursor next = run->at;
    bool ours = is_ours(&run->at, info);
    bool body_of_pdus = plan_body(&next, (enum rts_hop)run->stream->hop, info);
    int len = (int)message.length;
    if (!body_of_pdus) {
        int64_t end = foreign_end(&next, &message, p, (size_t)captured);
        bool whole = end >= 0 && end <= captured;
        if (!whole && may_wait && captured == reported && MAX(end, captured) <= FOREIGN_MAX) {
            run->at.phase = PHASE_WAIT;
            run->at.framing = next.framing;
            if (next.framing == FRAMING_LENGTH)
                run->at.left = (uint64_t)(end - captured);
            else
                run->at.chunks = next.chunks;
            run_carry_over(run, tvb, offset, reported);
            return offset + reported;
        }
        if (whole) {
            len = (int)end;
            if (next.framing != FRAMING_OPEN)
                next.phase = PHASE_HEAD;
        } else {
            len = reported;
            if (next.framing == FRAMING_LENGTH)
                next.left -= (uint64_t)(reported - (int)message.length);
            else if (next.framing == FRAMING_CHUNKED)
                next.phase = PHASE_RESYNC;
        }
    }
    run_keep_call(run);
    run_give_to_http(run, tvb, offset, len);
    if (ours)
        show_calls->rpch_head(tvb, run->pinfo, run->tree, offset, &message, info);
    if (run->first) {
        struct frame_note *note = frame_note_make(run->pinfo, run->stream);
        note->show_state |= ours;
        note_request(run->stream, info);
        vtcp_http(run->stream->conn, frame_when(run->pinfo), run->way, info);
        stream_head(run->pinfo, run->stream, run->way, &info->fields);
    }
    run->at = next;
    if (info->is_request)
        run->at.asked = run->stream->asked;
    return offset + len;
}

/* The rest of a message that is http's. */
int run_rest_of_message(struct run *run, tvbuff_t *tvb, int offset)
{
    const int captured = stretch_captured(tvb, offset), reported = stretch_left(tvb, offset);
    struct cursor next = run->at;
    int len = reported;
    bool ends;
    if (next.framing == FRAMING_LENGTH) {
        ends = next.left <= (uint64_t)reported;
        len = ends ? (int)next.left : reported;
        next.left -= (uint64_t)len;
    } else {
        const uint8_t *p = captured > 0 ? tvb_get_ptr(tvb, offset, captured) : NULL;
        const size_t used = dechunk(&next.chunks, p, (size_t)captured, NULL).used;
        ends = next.chunks.state == HTTP_CHUNK_DONE || next.chunks.state == HTTP_CHUNK_BAD;
        if (next.chunks.state == HTTP_CHUNK_DONE)
            len = (int)used;
    }
    if (!ends && captured == reported && run->at.carried + (uint32_t)len <= FOREIGN_MAX) {
        run_carry_over(run, tvb, offset, len);
        run->at.left = next.left;
        if (next.framing == FRAMING_CHUNKED)
            run->at.chunks = next.chunks;
        return offset + len;
    }
    const struct carried carried = run_take_carried(run);
    run_keep_call(run);
    run->at.phase = PHASE_HEAD;
    run_message_at(run, run_join(run, carried, tvb, offset, len), 0, false);
    return offset + len;
}

size_t engine_head(struct stream *stream, enum way way, packet_info *pinfo, const struct http_head *message,
                   const struct http_info *info)
{
    struct cursor *at = &stream->flow[way].at;
    struct frame_note *note = frame_note_make(pinfo, stream);
    note->show_state |= is_ours(at, info);
    note_request(stream, info);
    vtcp_http(stream->conn, frame_when(pinfo), way, info);
    stream_head(pinfo, stream, way, &info->fields);
    bool pdus_follow = plan_body(at, (enum rts_hop)stream->hop, info);
    size_t len = message->length;
    if (!pdus_follow && at->framing == FRAMING_LENGTH) {
        len += at->left;
        at->phase = PHASE_HEAD;
        at->left = 0;
    }
    return len;
}
