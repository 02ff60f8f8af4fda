/* engine_head.c
 * Heads of HTTP: they go back to http, and say how the body behind them is read.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "engine_private.h"

#include "ids.h"
#include "pdu.h"
#include "store.h"
#include "stretch.h"

#define FOREIGN_MAX 0x100000 /* a longer message of http's is not waited for */

/* ---- Heads ------------------------------------------------------------------------ */

static bool rpc_method(enum http_method method)
{
    return method == HTTP_RPC_IN_DATA || method == HTTP_RPC_OUT_DATA || method == HTTP_RPC_CONNECT;
}

static struct asked asked_by(const struct http_info *request)
{
    const bool v1 = request->method == HTTP_RPC_CONNECT, rpc = rpc_method(request->method) && !v1;
    const bool brief = request->content_length >= 0 && request->content_length <= 16;
    return (struct asked){ .method = request->method,
                           .echo = rpc && brief,
                           .channel = v1 || (rpc && (request->chunked || !brief)) };
}

static bool is_ours(const struct cursor *at, const struct http_info *info)
{
    return rpc_method(info->is_request ? info->method : at->asked.method);
}

/* Whether PDUs follow a response that has a body. */
static bool opens_channel(const struct asked *asked, const struct http_info *response)
{
    /* A page answers another request, whose own frame may be missing. */
    if (response->status / 100 != 2 || response->content_type_text)
        return false;
    return asked->channel || (response->content_type_rpc &&
                              (asked->method == HTTP_OTHER_METHOD || (asked->echo && response->status == 200)));
}

/* How the body of a message is framed and whether it carries PDUs: else it belongs to http. */
static void plan_body(struct cursor *at, enum rts_hop hop, const struct http_info *info)
{
    struct http_body *body = &at->body;
    http_body_begin(body, &info->fields, info->chunked, at->asked.method == HTTP_HEAD_METHOD);
    if (info->is_request)
        at->pdus = asked_by(info).channel;
    else
        at->pdus = hop == RTS_HOP_HTTP && opens_channel(&at->asked, info) && !http_body_ended(body);
    /* A channel's request without a length goes on, and what RPC_CONNECT promises does not count. */
    if (at->pdus && info->is_request &&
        (info->method == HTTP_RPC_CONNECT || (!info->chunked && info->content_length < 0)))
        body->framing = HTTP_FRAMING_OPEN;
    at->guessed = false;
    at->carry = NULL;
    at->pass = 0;
    at->phase = body->framing == HTTP_FRAMING_LENGTH && body->left == 0 ? PHASE_HEAD : PHASE_BODY;
}

static void tell_head(struct stream *stream, enum way way, packet_info *pinfo, const struct http_info *info, bool ours)
{
    frame_note_make(pinfo, stream)->show_state |= ours;
    if (info->is_request)
        stream->asked = asked_by(info);
    rpch_conn_http(stream->conn, frame_when(pinfo), way, info);
    stream_head(pinfo, stream, way, &info->fields);
}

/* Passes over the body of a message that is http's: returns how many bytes of the stretch are its. */
static int pass_body(struct http_body *body, tvbuff_t *tvb, int offset)
{
    const int captured = stretch_captured(tvb, offset), reported = stretch_left(tvb, offset);
    if (body->framing != HTTP_FRAMING_CHUNKED) {
        struct span data;
        return (int)http_body_next(body, NULL, (size_t)reported, &data);
    }
    const uint8_t *p = captured > 0 ? tvb_get_ptr(tvb, offset, captured) : NULL;
    const size_t used = dechunk(&body->chunks, p, (size_t)captured, NULL).used;
    return body->chunks.state == HTTP_CHUNK_DONE ? (int)used : reported;
}

/* What is there of a response's body that is http's. */
static void read_page(struct http_info *info, struct http_body body, struct span there)
{
    uint8_t page[HTTP_PAGE_MAX];
    size_t used = 0, at = 0, taken;
    if (there.len == 0 || info->is_request)
        return;
    do {
        struct span data = { NULL, 0 };
        taken = http_body_next(&body, there.ptr + at, there.len - at, &data);
        data.len = MIN(data.len, sizeof page - used);
        if (data.len > 0)
            memcpy(page + used, data.ptr, data.len);
        used += data.len;
        at += taken;
    } while (taken > 0 && used < sizeof page && at < there.len && !http_body_ended(&body));
    http_info_page(info, (struct span){ page, used });
}

/* Carries the stretch if the rest of a message of http's is to come, and not too long to wait for. */
static bool wait_for_rest(struct run *run, tvbuff_t *tvb, int offset, const struct http_body *body)
{
    const int captured = stretch_captured(tvb, offset), reported = stretch_left(tvb, offset);
    const uint32_t carried = run->at.carry ? run->at.carry->len : 0;
    const uint64_t left = body->framing == HTTP_FRAMING_LENGTH ? body->left : 0;
    if (captured != reported || carried + (uint32_t)reported + left > FOREIGN_MAX)
        return false;
    run->at.phase = PHASE_WAIT;
    run->at.body = *body;
    run_carry_over(run, tvb, offset, reported);
    return true;
}

/* What an RPC server says first. */
static int greeting_at(struct run *run, tvbuff_t *tvb, int offset, const uint8_t *p, int captured)
{
    static const char greeting[] = "ncacn_http/1.0";
    const int len = (int)sizeof greeting - 1, reported = stretch_left(tvb, offset);
    if (memcmp(p, greeting, (size_t)MIN(captured, len)) != 0 || (captured < len && captured < reported)) {
        run->at.phase = PHASE_RESYNC;
        return offset;
    }
    if (captured < len) {
        run_carry_over(run, tvb, offset, captured);
        return offset + reported;
    }
    run_found(run, tvb, offset, len, (struct piece){ .kind = PIECE_GREETING });
    run_turn_to(run, PHASE_BODY);
    return offset + len;
}

static bool may_begin_pdu(const uint8_t *p, size_t len)
{
    uint16_t frag_length;
    unsigned bad;
    return pdu_probe(p, len, &frag_length, &bad) != PDU_PROBE_BAD;
}

/* A client was seen that sends one byte more than it announces. */
static int pass_to_message(struct run *run, tvbuff_t *tvb, int offset, const uint8_t *p, size_t captured)
{
    size_t skip = 1, far = 1, found;
    do { /* no further than twice as far as it has to: what begins here may begin often */
        far = MIN(2 * far + 62, captured);
        while (skip < far && !may_begin_pdu(p + skip, captured - skip))
            skip++;
        found = http_head_search(p, captured, skip);
    } while (found == far && far < captured);
    const int len = found < captured ? (int)found : stretch_left(tvb, offset);
    run->gap = true;
    run_pass_over(run, tvb, offset, len, "Bytes between messages");
    return offset + len;
}

/* The end of what is captured is within a head. */
static int part_of_head(struct run *run, tvbuff_t *tvb, int offset, const struct http_head_scan *scan)
{
    const int reported = stretch_left(tvb, offset);
    if (stretch_captured(tvb, offset) == reported) {
        run_carry_over(run, tvb, offset, reported);
        run->at.scan = *scan;
    } else {
        run_found(run, tvb, offset, reported, (struct piece){ .kind = PIECE_HTTP });
        run->at.phase = PHASE_RESYNC;
    }
    return offset + reported;
}

static int message_of(struct run *run, tvbuff_t *tvb, int offset, const struct http_head *head, bool may_wait)
{
    struct http_info *info = wmem_new(run->pinfo->pool, struct http_info);
    http_info_decode(head, info);
    struct cursor next = run->at;
    const bool ours = is_ours(&run->at, info);
    plan_body(&next, (enum rts_hop)run->stream->hop, info);
    int len = (int)head->length;
    if (!next.pdus) {
        const int captured = MAX(stretch_captured(tvb, offset + len), 0);
        const uint8_t *there = captured > 0 ? tvb_get_ptr(tvb, offset + len, captured) : NULL;
        read_page(info, next.body, (struct span){ there, (size_t)captured });
        len += pass_body(&next.body, tvb, offset + len);
        const bool open = next.body.framing == HTTP_FRAMING_OPEN, ended = http_body_ended(&next.body);
        if (!open && !ended && may_wait && wait_for_rest(run, tvb, offset, &next.body))
            return offset + len;
        if (ended)
            next.phase = PHASE_HEAD;
        else if (next.body.framing == HTTP_FRAMING_CHUNKED)
            next.phase = PHASE_RESYNC;
    }
    run_found(run, tvb, offset, len, (struct piece){ .kind = PIECE_HTTP });
    if (ours)
        run_found(run, tvb, offset, (int)head->length, (struct piece){ .kind = PIECE_HEAD });
    tell_head(run->stream, run->way, run->pinfo, info, ours);
    run->at = next;
    if (info->is_request)
        run->at.asked = run->stream->asked;
    return offset + len;
}

int run_message_at(struct run *run, tvbuff_t *tvb, int offset, bool may_wait)
{
    const int captured = stretch_captured(tvb, offset);
    if (captured <= 0) {
        run->at.phase = PHASE_RESYNC;
        return offset + stretch_left(tvb, offset);
    }
    const uint8_t *p = tvb_get_ptr(tvb, offset, captured);
    if (p[0] == 5) {
        run_turn_to(run, PHASE_BODY);
        return offset;
    }
    if (run->stream->hop == RTS_HOP_TCP)
        return greeting_at(run, tvb, offset, p, captured);
    struct http_head head;
    struct http_head_scan scan = { 0, 0, 0, 0 };
    switch (http_head_resume(&scan, p, (size_t)captured, &head)) {
    case HTTP_HEAD_MORE:
        return part_of_head(run, tvb, offset, &scan);
    case HTTP_HEAD_NOT:
        return pass_to_message(run, tvb, offset, p, (size_t)captured);
    default:
        return message_of(run, tvb, offset, &head, may_wait);
    }
}

int run_rest_of_message(struct run *run, tvbuff_t *tvb, int offset)
{
    struct http_body body = run->at.body;
    const int len = pass_body(&body, tvb, offset);
    if (!http_body_ended(&body) && wait_for_rest(run, tvb, offset, &body))
        return offset + len;
    struct piece **place = run->place;
    tvbuff_t *joined = run_join(run, run->at.carry->len, tvb, offset, len);
    run->at.phase = PHASE_HEAD;
    run_message_at(run, joined, 0, false);
    run_close(run, place);
    return offset + len;
}

void engine_give_up_rest(struct stream *stream, enum way way, packet_info *pinfo, struct cursor *at)
{
    struct http_head head;
    const struct carry *carry = at->carry;
    if (at->phase != PHASE_WAIT || http_head_parse(carry->bytes, carry->len, &head) != HTTP_HEAD_OK)
        return;
    struct http_info *info = wmem_new(pinfo->pool, struct http_info);
    http_info_decode(&head, info);
    const bool ours = is_ours(at, info);
    plan_body(at, (enum rts_hop)stream->hop, info);
    at->phase = PHASE_RESYNC;
    read_page(info, at->body, (struct span){ carry->bytes + head.length, carry->len - head.length });
    tell_head(stream, way, pinfo, info, ours);
}

size_t engine_head(struct stream *stream, enum way way, packet_info *pinfo, const struct http_head *message,
                   const struct http_info *info)
{
    struct cursor *at = &stream->flow[way].at;
    tell_head(stream, way, pinfo, info, is_ours(at, info));
    plan_body(at, (enum rts_hop)stream->hop, info);
    size_t len = message->length;
    if (!at->pdus && at->body.framing == HTTP_FRAMING_LENGTH) {
        len += at->body.left;
        at->body.left = 0;
        at->phase = PHASE_HEAD;
    }
    return len;
}
