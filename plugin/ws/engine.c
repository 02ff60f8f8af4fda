/* engine.c
 * Walks one direction of a claimed stream: HTTP heads go back to http, channel bodies
 * are cut into PDUs, and what cannot be understood is passed over until the stream can
 * be taken up again.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "ws.h"

#include <epan/exceptions.h>
#include <epan/prefs.h>
#include <epan/prefs-int.h>
#include <epan/tvbuff.h>

#define FOREIGN_BODY_WAIT 0x100000   /* a longer body of another message is not waited for */
#define CARRY_MAX 65535              /* the longest PDU there is */
#define HEAD_CARRY_MAX 0x4000        /* bytes of a head; it is parsed anew with each segment */
#define STILL_MAX 4                  /* steps that deal with no byte, as RESYNC, BODY and HEAD at one place */

struct run {
    struct stream *stream;
    const struct tcp_frame *tcp;
    enum way way;
    packet_info *pinfo;
    proto_tree *tree;
    const struct delivery *delivery;
    bool first;                  /* first pass */
    bool gap;                    /* bytes are missing before this stretch */
    struct cursor start, at;
    struct call_note *call;      /* NULL until something is found on the first pass */
    struct pdu_note **notes;     /* where the next note goes or comes from */
    uint64_t key;
    int carried;                 /* bytes of carry before those of the stretch in the joined buffer, */
    int joined_at;               /* which begin here in the stretch */
    int body_at;                 /* where the bytes that at.left counts begin in it */
    uint32_t held;               /* bytes at its head that were dissected in their own frames */
    bool asked_for_more;
};

/* ---- Records ---------------------------------------------------------------------- */

/* Tells the calls of one frame apart, alike in all passes. Lengths are not: later passes
 * get a reassembled stretch without the beginning of the next one. */
static uint64_t call_key(const struct run *run, tvbuff_t *tvb)
{
    return (uint64_t)tvb_raw_offset(tvb) << 1 | (uint64_t)run->delivery->frame_bytes;
}

static void keep_call(struct run *run)
{
    if (!run->first || run->call)
        return;
    struct frame_note *note = frame_note_make(run->pinfo, run->stream);
    struct call_note *call = notes_add_call(note);
    call->key = run->key;
    call->start = run->start;
    call->gap_before = run->gap;
    run->call = call;
    run->notes = &call->pdus;
}

/* Finds the record of this call; calls of one dissection are met in their order. */
static bool recall(struct run *run)
{
    enum { SEEN_CALLS = 1 };
    const struct frame_note *note = frame_note_get(run->pinfo);
    if (!note)
        return false;
    struct call_note *seen =
        (struct call_note *)p_get_proto_data(run->pinfo->pool, run->pinfo, proto_rpch, SEEN_CALLS);
    for (struct call_note *call = seen ? seen->next : note->calls; call; call = call->next) {
        if (call->key != run->key)
            continue;
        if (seen)
            p_remove_proto_data(run->pinfo->pool, run->pinfo, proto_rpch, SEEN_CALLS);
        p_add_proto_data(run->pinfo->pool, run->pinfo, proto_rpch, SEEN_CALLS, call);
        run->call = call;
        run->notes = &call->pdus;
        run->at = call->start;
        run->gap = call->gap_before;
        return true;
    }
    return false;
}

static struct pdu_note *next_note(struct run *run)
{
    keep_call(run);
    if (run->first)
        *run->notes = notes_new_pdu();
    struct pdu_note *note = *run->notes;
    if (note)
        run->notes = &note->next;
    return note;
}

/* ---- Asking for more -------------------------------------------------------------- */

static bool ask(struct run *run, int offset, uint32_t missing)
{
    if (!run->delivery->can_ask || offset < run->carried)
        return false;
    run->pinfo->desegment_offset = run->joined_at + offset - run->carried;
    run->pinfo->desegment_len = missing;
    run->asked_for_more = true;
    /* Where nothing new was dealt with, the stretch comes again from its start. */
    if (run->first && run->held > 0 && run->carried == 0 && offset == (int)run->held)
        stream_flow(run->stream, run->way)->held = run->held;
    return true;
}

static struct carry *copy_bytes(tvbuff_t *tvb, int offset, int len, const struct carry *before)
{
    struct carry *carry = (struct carry *)wmem_alloc(wmem_file_scope(), sizeof *carry + (size_t)len);
    carry->before = before;
    carry->len = (uint32_t)len;
    carry->total = carry->len + (before ? before->total : 0);
    tvb_memcpy(tvb, carry->bytes, offset, (size_t)len);
    return carry;
}

static void carry_over(struct run *run, tvbuff_t *tvb, int offset, int len, const struct carry *before)
{
    if (len <= 0 && before == run->at.carry)
        return;
    keep_call(run);
    if (run->first)
        run->at.carry = copy_bytes(tvb, offset, len, before);
}

/* Asks for the rest of a PDU of which the last len bytes of the stretch are the beginning,
 * or keeps them until it comes. Returns where the stretch was left. */
static int wait_for_pdu(struct run *run, tvbuff_t *tvb, int offset, int len, uint32_t missing)
{
    if (missing == 0 || !ask(run, offset, missing)) {
        carry_over(run, tvb, offset, len, NULL);
        return offset + len;
    }
    if (run->first && !run->stream->tls)
        stream_flow(run->stream, run->way)->asked = copy_bytes(tvb, offset, len, NULL);
    return offset;
}

/* The bytes of a segment come without what was asked to be put before them: they follow
 * the copy. */
static void take_up_asked(struct run *run, tvbuff_t *tvb)
{
    struct flow *flow = stream_flow(run->stream, run->way);
    struct carry *asked = flow->asked;
    flow->asked = NULL;
    if (!asked)
        return;
    if (run->delivery->direct || !run->delivery->frame_bytes || !flow->have_next
        || (uint32_t)tvb_raw_offset(tvb) != run->tcp->payload_offset || run->tcp->seq != flow->next_seq) {
        wmem_free(wmem_file_scope(), asked);
        return;
    }
    run->at.carry = asked;
    if (run->at.framing == FRAMING_LENGTH)
        run->at.left -= MIN(run->at.left, asked->len);
}

/* The carried bytes followed by len bytes of the stretch, as one buffer. */
static tvbuff_t *join(const struct run *run, const struct carry *carry, tvbuff_t *tvb, int offset, int len)
{
    int reported = (int)carry->total + len;
    len = MIN(len, stretch_captured(tvb, offset));
    uint32_t total = carry->total + (uint32_t)len;
    uint8_t *bytes = (uint8_t *)wmem_alloc(run->pinfo->pool, total);
    uint32_t end = carry->total;
    for (const struct carry *link = carry; link; link = link->before) {
        end -= link->len;
        memcpy(bytes + end, link->bytes, link->len);
    }
    if (len > 0)
        tvb_memcpy(tvb, bytes + carry->total, offset, (size_t)len);
    tvbuff_t *joined = tvb_new_child_real_data(tvb, bytes, total, reported);
    add_new_data_source(run->pinfo, joined, "Reassembled RPC over HTTP");
    return joined;
}

/* ---- PDUs ------------------------------------------------------------------------- */

/* Passes over bytes that are no PDU. */
static void pass_over(struct run *run, tvbuff_t *tvb, int offset, int len, const char *what)
{
    if (len <= 0)
        return;
    keep_call(run);
    if (run->first)
        vtcp_skipped(run->stream->conn, frame_when(run->pinfo), run->way, (uint32_t)len);
    if (what)
        rpch_show_gap(tvb, run->pinfo, run->tree, offset, len, what);
}

struct rts_extent {
    uint32_t end;                /* behind the last command, 0 if the PDU ends with it */
    bool broken;
};

static void note_extent(void *ctx, const struct rts_issue *issue)
{
    struct rts_extent *extent = (struct rts_extent *)ctx;
    if (issue->problem == RTS_BAD_FRAG_LENGTH && issue->offset > PDU_HEADER_LEN)
        extent->end = issue->offset;
    else
        extent->broken |= rts_problem_is_malformed(issue->problem);
}

/* The length of an RTS PDU by its commands, where its frag_length promises more than the
 * stretch holds and another PDU or the end of the stretch follows them; else 0. */
static uint32_t lying_rts_length(const uint8_t *p, uint32_t len, uint16_t frag_length)
{
    struct pdu_header header;
    struct rts_pdu rts;
    struct rts_extent extent = { 0, false };
    const struct rts_sink sink = { .issue = note_extent, .ctx = &extent };
    uint16_t next_length;
    unsigned bad;
    if (len < PDU_HEADER_LEN + 4 || len >= frag_length)
        return 0;
    pdu_header_decode(p, &header);
    if (header.ptype != RPC_RTS)
        return 0;
    rts_decode(p, len, (uint16_t)len, &rts, &sink);
    if (extent.broken || rts.commands_decoded != rts.number_of_commands)
        return 0;
    if (extent.end == 0)
        return len;
    return pdu_probe(p + extent.end, len - extent.end, &next_length, &bad) == PDU_PROBE_OK ? extent.end : 0;
}

/* Whether an HTTP message begins here, in place of a PDU. */
static bool next_message(const struct run *run, const uint8_t *p, uint32_t len)
{
    struct http_head message;
    switch (http_head_parse(p, len, &message)) {
    case HTTP_HEAD_OK:
        return true;
    case HTTP_HEAD_MORE:
        return run->at.framing == FRAMING_OPEN || (len >= 4 && memcmp(p, "RPC_", 4) == 0);
    default:
        return false;
    }
}

/* Whether one chunk ends and another begins here, where no head said that there are any. */
static bool between_chunks(const uint8_t *p, uint32_t len)
{
    uint32_t at = 2;
    if (len < 5 || p[0] != '\r' || p[1] != '\n')
        return false;
    while (at < len && at < 10 && g_ascii_isxdigit(p[at]))
        at++;
    return at > 2 && at + 1 < len && p[at] == '\r' && p[at + 1] == '\n';
}

static void one_pdu(struct run *run, tvbuff_t *tvb, int offset, uint32_t len)
{
    tvbuff_t *pdu = stretch_part(tvb, offset, (int)len);
    struct pdu_note *note = next_note(run);
    if (note)
        rpch_dissect_pdu(run->stream, run->way, pdu, run->pinfo, run->tree, note, run->first);
    run->gap = false;
}

/* Bytes of a body of known length from there on; what was carried is no longer in at.left. */
static uint64_t body_left(const struct run *run, int offset)
{
    const int passed = run->joined_at + offset - run->carried - run->body_at;
    return run->at.left - (uint64_t)(int64_t)passed;
}

/* Cuts [offset, end) of tvb into PDUs; end is the wire's end of this stretch of the
 * body. Returns where it stopped: end, or less where the rest was asked for. */
static int pdus(struct run *run, tvbuff_t *tvb, int offset, int end)
{
    int captured_end = (int)tvb_captured_length(tvb);
    if (captured_end > end)
        captured_end = end;
    while (offset < end) {
        if (run->at.pass > 0) {
            uint32_t step = run->at.pass < (uint32_t)(end - offset) ? run->at.pass : (uint32_t)(end - offset);
            run->at.pass -= step;
            offset += (int)step;
            keep_call(run);
            continue;
        }
        if (offset >= captured_end) {
            pass_over(run, tvb, offset, end - offset, NULL);
            run->at.phase = PHASE_RESYNC;
            return end;
        }
        const uint8_t *p = tvb_get_ptr(tvb, offset, captured_end - offset);
        uint32_t have = (uint32_t)(captured_end - offset);
        uint32_t on_wire = (uint32_t)(end - offset);
        uint16_t frag_length = 0;
        unsigned bad_offset = 0;
        switch (pdu_probe(p, have, &frag_length, &bad_offset)) {
        case PDU_PROBE_MORE:
            if (have < on_wire) {
                pass_over(run, tvb, offset, (int)on_wire, NULL);
                run->at.phase = PHASE_RESYNC;
                return end;
            }
            /* tcp takes the copy of a segment of one byte for a keep-alive, and 4.6 then
             * forgets what begins with that byte. */
            return wait_for_pdu(run, tvb, offset, (int)have, have == 1 ? 0
                                : run->stream->tls ? DESEGMENT_ONE_MORE_SEGMENT
                                : compat_desegment_header(PDU_HEADER_LEN - have));
        case PDU_PROBE_OK:
            if (frag_length > on_wire) {
                uint32_t real = have == on_wire ? lying_rts_length(p, have, frag_length) : 0;
                if (real > 0) {
                    one_pdu(run, tvb, offset, real);
                    offset += (int)real;
                    break;
                }
                if (run->at.framing == FRAMING_LENGTH && frag_length > body_left(run, offset)) {
                    /* cannot be completed: the body ends first */
                    one_pdu(run, tvb, offset, on_wire);
                    offset = end;
                    break;
                }
                if (have < on_wire) {
                    one_pdu(run, tvb, offset, frag_length);
                    run->at.pass = frag_length - on_wire;
                    return end;
                }
                return wait_for_pdu(run, tvb, offset, (int)have, frag_length - on_wire);
            }
            one_pdu(run, tvb, offset, frag_length);
            offset += frag_length;
            break;
        case PDU_PROBE_BAD: {
            /* The body was given up: closed in the open form, or left out after a refusal
             * that came in place of 100 Continue (RFC 9110 10.1.1). */
            if (run->stream->hop == RTS_HOP_HTTP && next_message(run, p, have)) {
                run->at.phase = PHASE_HEAD;
                run->at.framing = FRAMING_OPEN;
                return offset;
            }
            if (run->at.guessed && run->carried == 0 && between_chunks(p, have)) {
                run->at.framing = FRAMING_CHUNKED;
                run->at.guessed = false;
                http_chunks_init(&run->at.chunks);
                return offset + 2;
            }
            if (!run->gap)
                rpch_show_malformed(tvb, run->pinfo, run->tree, offset, bad_offset);
            uint32_t skip = 1;
            while (skip < have && !pdu_starts_stream(p + skip, have - skip))
                skip++;
            if (skip >= have) {
                pass_over(run, tvb, offset, (int)on_wire, "Bytes that are no PDU");
                run->at.phase = PHASE_RESYNC;
                return end;
            }
            pass_over(run, tvb, offset, (int)skip, "Bytes that are no PDU");
            offset += (int)skip;
            break;
        }
        }
    }
    return offset;
}

/* PDUs of a stretch that continues carried bytes, or that cannot be asked for again as
 * a whole (chunks). Returns where it stopped, as pdus() does. */
static int pdus_with_carry(struct run *run, tvbuff_t *tvb, int offset, int len)
{
    const struct carry *carry = run->at.carry;
    if (!carry) {
        return offset + pdus(run, stretch_part(tvb, offset, len), 0, len);
    }
    /* Wait until the PDU is whole before joining: joining each time would copy it again
     * and again. */
    uint32_t total = carry->total + (uint32_t)len;
    uint8_t head[PDU_HEADER_LEN];
    uint32_t head_len = 0;
    const struct carry *first = carry;
    while (first->before)
        first = first->before;
    if (first->len >= 10) {
        head_len = first->len < sizeof head ? first->len : (uint32_t)sizeof head;
        memcpy(head, first->bytes, head_len);
        uint16_t frag_length = 0;
        unsigned bad;
        if (pdu_probe(head, head_len, &frag_length, &bad) == PDU_PROBE_OK && frag_length > total
            && total <= CARRY_MAX && stretch_captured(tvb, offset) >= len) {
            carry_over(run, tvb, offset, len, carry);
            return offset + len;
        }
    }
    run->at.carry = NULL;
    keep_call(run);
    run->carried = (int)carry->total;
    run->joined_at = offset;
    int stop = pdus(run, join(run, carry, tvb, offset, len), 0, (int)total);
    run->carried = run->joined_at = 0;
    return offset + MAX(stop - (int)carry->total, 0);
}

/* ---- Bodies ----------------------------------------------------------------------- */

static void finish_body(struct run *run)
{
    run->at.phase = PHASE_HEAD;
    run->at.framing = FRAMING_OPEN;
    run->at.pdus = false;
    run->at.carry = NULL;
    run->at.pass = 0;
}

static int chunked_body(struct run *run, tvbuff_t *tvb, int offset)
{
    int captured = stretch_captured(tvb, offset);
    int reported = stretch_left(tvb, offset);
    const uint8_t *p = captured > 0 ? tvb_get_ptr(tvb, offset, captured) : NULL;
    uint8_t *data = (uint8_t *)wmem_alloc(run->pinfo->pool, (size_t)captured + 1);
    size_t used = 0, len = 0;
    while (used < (size_t)captured && run->at.chunks.state != HTTP_CHUNK_DONE
           && run->at.chunks.state != HTTP_CHUNK_BAD) {
        struct span piece = { NULL, 0 };
        used += http_chunks_next(&run->at.chunks, p + used, (size_t)captured - used, &piece);
        if (piece.len > 0)
            memcpy(data + len, piece.ptr, piece.len);
        len += piece.len;
    }
    keep_call(run);
    if (len > 0) {
        tvbuff_t *body = tvb_new_child_real_data(tvb, data, (unsigned)len, (int)len);
        add_new_data_source(run->pinfo, body, "De-chunked RPC over HTTP");
        if (run->at.phase == PHASE_BODY && run->at.pdus) {
            struct delivery no_asking = { .can_ask = false };
            const struct delivery *saved = run->delivery;
            run->delivery = &no_asking;
            pdus_with_carry(run, body, 0, (int)len);
            run->delivery = saved;
        } else {
            call_data_dissector(body, run->pinfo, run->tree);
        }
    }
    if (run->at.chunks.state == HTTP_CHUNK_BAD || captured < reported) {
        run->at.phase = PHASE_RESYNC;
        run->at.framing = FRAMING_OPEN;
        run->at.carry = NULL;
        return offset + reported;
    }
    if (run->at.chunks.state == HTTP_CHUNK_DONE)
        finish_body(run);
    return offset + (int)used;
}

static int plain_body(struct run *run, tvbuff_t *tvb, int offset)
{
    int end = (int)tvb_reported_length(tvb);
    run->body_at = offset;
    if (run->at.framing == FRAMING_LENGTH && run->at.left < (uint64_t)(end - offset))
        end = offset + (int)run->at.left;
    int stop = end;
    if (!run->at.pdus) {
        keep_call(run);
        call_data_dissector(stretch_part(tvb, offset, end - offset), run->pinfo, run->tree);
    } else if (run->at.carry) {
        stop = pdus_with_carry(run, tvb, offset, end - offset);
    } else {
        stop = pdus(run, tvb, offset, end);
    }
    if (run->at.framing == FRAMING_LENGTH) {
        run->at.left -= (uint64_t)(stop - offset);
        if (run->at.left == 0) {
            enum phase phase = run->at.phase;
            finish_body(run);
            if (phase == PHASE_RESYNC)
                run->at.phase = PHASE_HEAD;
        }
    }
    return stop;
}

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
static void give_to_http(struct run *run, tvbuff_t *tvb, int offset, int len)
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

/* The end of a message whose body is http's, or -1 if it is not there yet and cannot be
 * told from the head. */
static int64_t foreign_end(const struct cursor *at, const struct http_head *head, const uint8_t *p, size_t len)
{
    if (at->framing == FRAMING_LENGTH)
        return (int64_t)head->length + (int64_t)at->left;
    if (at->framing == FRAMING_OPEN)
        return (int64_t)len;
    struct http_chunks chunks;
    http_chunks_init(&chunks);
    size_t used = head->length;
    while (used < len && chunks.state != HTTP_CHUNK_DONE && chunks.state != HTTP_CHUNK_BAD) {
        struct span data;
        used += http_chunks_next(&chunks, p + used, len - used, &data);
    }
    if (chunks.state == HTTP_CHUNK_DONE)
        return (int64_t)used;
    return chunks.state == HTTP_CHUNK_BAD ? (int64_t)len : -1;
}

static bool may_begin_pdu(const uint8_t *p, size_t len)
{
    uint16_t frag_length;
    unsigned bad;
    return pdu_probe(p, len, &frag_length, &bad) != PDU_PROBE_BAD;
}

/* One HTTP message, or its head where PDUs follow. Returns where it stopped. */
static int message_at(struct run *run, tvbuff_t *tvb, int offset)
{
    int captured = stretch_captured(tvb, offset);
    int reported = stretch_left(tvb, offset);
    if (captured <= 0) {
        run->at.phase = PHASE_RESYNC;
        keep_call(run);
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
            keep_call(run);
            rpch_show_greeting(tvb, run->pinfo, run->tree, offset, len);
            run->at.phase = PHASE_BODY;
            run->at.framing = FRAMING_OPEN;
            run->at.pdus = true;
            return offset + len;
        }
        if (captured < len && captured == reported && memcmp(p, greeting, (size_t)captured) == 0
            && ask(run, offset, DESEGMENT_ONE_MORE_SEGMENT))
            return offset;
        run->at.phase = PHASE_RESYNC;
        return offset;
    }
    struct http_head message;
    switch (http_head_parse(p, (size_t)captured, &message)) {
    case HTTP_HEAD_MORE:
        if (captured == reported && ask(run, offset, DESEGMENT_ONE_MORE_SEGMENT))
            return offset;
        if (captured == reported && run->carried == 0 && !run->delivery->can_ask && reported <= HEAD_CARRY_MAX) {
            carry_over(run, tvb, offset, reported, NULL);
            return offset + reported;
        }
        keep_call(run);
        give_to_http(run, tvb, offset, reported);
        run->at.phase = PHASE_RESYNC;
        return offset + reported;
    case HTTP_HEAD_NOT: {
        /* a client was seen that sends one byte more than it announces */
        int skip = 1;
        while (skip < captured && !may_begin_pdu(p + skip, (size_t)(captured - skip))
               && http_head_parse(p + skip, (size_t)(captured - skip), &message) == HTTP_HEAD_NOT)
            skip++;
        run->gap = true;
        pass_over(run, tvb, offset, skip < captured ? skip : reported, "Bytes between messages");
        return offset + (skip < captured ? skip : reported);
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
        if (!whole && captured == reported && (end < 0 || end <= FOREIGN_BODY_WAIT)
            && ask(run, offset, end < 0 ? DESEGMENT_ONE_MORE_SEGMENT : (uint32_t)(end - captured)))
            return offset;
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
    keep_call(run);
    give_to_http(run, tvb, offset, len);
    if (ours)
        rpch_show_head(tvb, run->pinfo, run->tree, offset, &message, info);
    if (run->first) {
        struct frame_note *note = frame_note_make(run->pinfo, run->stream);
        note->show_state |= ours;
        note_request(run->stream, info);
        vtcp_http(run->stream->conn, frame_when(run->pinfo), run->way, info);
        store_head(run->pinfo, run->stream, run->way, &message);
    }
    run->at = next;
    if (info->is_request)
        run->at.asked = run->stream->asked;
    return offset + len;
}

/* The same where its beginning may have been carried over: nobody else waits for the rest of a
 * head inside an HTTP CONNECT tunnel. */
static int head(struct run *run, tvbuff_t *tvb, int offset)
{
    const struct carry *carry = run->at.carry;
    if (!carry)
        return message_at(run, tvb, offset);
    const int reported = stretch_left(tvb, offset);
    tvbuff_t *joined = join(run, carry, tvb, offset, reported);
    struct http_head message;
    if (stretch_captured(tvb, offset) == reported && tvb_captured_length(joined) <= HEAD_CARRY_MAX
        && http_head_parse(tvb_get_ptr(joined, 0, -1), tvb_captured_length(joined), &message) == HTTP_HEAD_MORE) {
        carry_over(run, tvb, offset, reported, carry);
        return offset + reported;
    }
    run->at.carry = NULL;
    keep_call(run);
    run->carried = (int)carry->total;
    run->joined_at = offset;
    const int stop = message_at(run, joined, 0);
    run->carried = run->joined_at = 0;
    return offset + MAX(stop - (int)carry->total, 0);
}

size_t engine_head(struct stream *stream, enum way way, packet_info *pinfo, const struct http_head *message,
                   const struct http_info *info)
{
    struct cursor *at = &stream_flow(stream, way)->at;
    struct frame_note *note = frame_note_make(pinfo, stream);
    note->show_state |= is_ours(at, info);
    note_request(stream, info);
    vtcp_http(stream->conn, frame_when(pinfo), way, info);
    store_head(pinfo, stream, way, message);
    bool pdus_follow = plan_body(at, (enum rts_hop)stream->hop, info);
    size_t len = message->length;
    if (!pdus_follow && at->framing == FRAMING_LENGTH) {
        len += at->left;
        at->phase = PHASE_HEAD;
        at->left = 0;
    }
    return len;
}

/* ---- The walk --------------------------------------------------------------------- */

/* Whether a stream that lost its place may be taken up at p. */
static bool can_resume(const struct run *run, const uint8_t *p, size_t len)
{
    struct http_head message;
    if (pdu_starts_stream(p, len))
        return true;
    return run->stream->hop == RTS_HOP_HTTP && http_head_parse(p, len, &message) == HTTP_HEAD_OK;
}

static int resync(struct run *run, tvbuff_t *tvb, int offset)
{
    int captured = stretch_captured(tvb, offset);
    int reported = stretch_left(tvb, offset);
    if (captured > 0) {
        const uint8_t *p = tvb_get_ptr(tvb, offset, captured);
        if (can_resume(run, p, (size_t)captured)) {
            run->at.phase = p[0] == 5 ? PHASE_BODY : PHASE_HEAD;
            run->at.framing = FRAMING_OPEN;
            run->at.pdus = p[0] == 5;
            run->at.guessed = p[0] == 5 && run->stream->hop == RTS_HOP_HTTP;
            run->gap = true;
            return offset;
        }
    }
    pass_over(run, tvb, offset, reported, "Bytes passed over: the stream is not yet taken up again");
    return offset + reported;
}

static bool tcp_preference(const char *name, pref_t **pref)
{
    if (!*pref) {
        module_t *tcp = prefs_find_module("tcp");
        *pref = tcp ? prefs_find_preference(tcp, name) : NULL;
    }
    return *pref && prefs_get_bool_value(*pref, pref_current);
}

bool engine_reassembles_out_of_order(void)
{
    static pref_t *wanted, *desegments, *analyzes;       /* asked for each segment, and never removed */
    return tcp_preference("reassemble_out_of_order", &wanted) && tcp_preference("desegment_tcp_streams", &desegments)
        && tcp_preference("analyze_sequence_numbers", &analyzes);
}

/* On the first pass: bytes that nobody asked for here, but http did before the stream was
 * claimed. They were seen in their own frames; new is at most what this frame brings. */
static void pass_foreign(struct run *run, const struct flow *flow, tvbuff_t *tvb)
{
    const int reported = (int)tvb_reported_length(tvb);
    const int32_t unseen = (int32_t)(run->tcp->seq + run->tcp->payload_len - flow->next_seq);
    if (run->stream->tls || run->delivery->direct || run->delivery->frame_bytes || flow->waiting
        || !flow->have_next || engine_reassembles_out_of_order())
        return;
    run->at.skip += (uint32_t)(reported - CLAMP(unseen, 0, reported));
}

/* On the first pass: whether bytes are missing before this stretch, and how many of its
 * own were there before. With out-of-order reassembly tcp hands over in order, except what
 * was not captured whole. */
static int place_in_sequence(struct run *run, tvbuff_t *tvb)
{
    struct flow *flow = stream_flow(run->stream, run->way);
    int old = 0;
    if (!run->stream->tls) {
        const bool in_order = engine_reassembles_out_of_order() && run->tcp->captured == run->tcp->payload_len;
        /* tcp may call several times for a segment: the end of a reassembled PDU, the rest. */
        bool again = flow->frame == run->pinfo->num;
        if (!again) {
            flow->frame = run->pinfo->num;
            flow->had_next = flow->have_next;
            flow->before = flow->next_seq;
        }
        if (!in_order && run->delivery->frame_bytes && flow->had_next) {
            uint32_t here = run->tcp->seq + (uint32_t)tvb_raw_offset(tvb) - run->tcp->payload_offset;
            if (!again && (int32_t)(run->tcp->seq - flow->before) > 0) {
                run->at.phase = PHASE_RESYNC;
                run->at.framing = FRAMING_OPEN;
                run->at.carry = NULL;
                run->at.pass = 0;
                run->at.skip = 0;
                run->gap = true;
                if (run->stream->auth)
                    auth_lost(run->stream->auth, run->way);
            } else if ((int32_t)(here - flow->before) < 0) {
                old = MIN((int)(flow->before - here), (int)tvb_reported_length(tvb));
            }
        }
        flow_reached(flow, run->tcp->seq + run->tcp->payload_len);
    }
    return old;
}

/* One step from offset; returns where the next one begins. */
static int step(struct run *run, tvbuff_t *tvb, int offset)
{
    switch (run->at.phase) {
    case PHASE_RESYNC:
        return resync(run, tvb, offset);
    case PHASE_HEAD:
        return head(run, tvb, offset);
    default:
        return run->at.framing == FRAMING_CHUNKED ? chunked_body(run, tvb, offset) : plain_body(run, tvb, offset);
    }
}

/* Walks from *offset to the end of the stretch or to where more was asked for. Whatever the
 * steps do, it ends: false where they would not have moved on, and the rest was passed over. */
static bool walk(struct run *run, tvbuff_t *tvb, int *offset)
{
    const int end = (int)tvb_reported_length(tvb);
    int still = 0;
    while (*offset < end && !run->asked_for_more) {
        const int next = step(run, tvb, *offset);
        still = next > *offset ? 0 : still + 1;
        if (still > STILL_MAX) {
            pass_over(run, tvb, *offset, end - *offset, "Bytes passed over");
            run->at.phase = PHASE_RESYNC;
            run->at.framing = FRAMING_OPEN;
            *offset = end;
            return false;
        }
        *offset = next;
    }
    return true;
}

int engine_run(struct stream *stream, const struct tcp_frame *tcp, enum way way, tvbuff_t *tvb, packet_info *pinfo,
               proto_tree *tree, const struct delivery *delivery)
{
    int reported = (int)tvb_reported_length(tvb);
    struct run run = { .stream = stream, .tcp = tcp, .way = way, .pinfo = pinfo, .tree = tree,
                       .delivery = delivery, .first = !PINFO_FD_VISITED(pinfo) };
    run.key = call_key(&run, tvb);
    int offset = 0;
    if (run.first) {
        struct flow *flow = stream_flow(stream, way);
        run.at = flow->at;
        run.at.asked = stream->asked;
        flow->called_in = pinfo->num;
        if (!delivery->direct && flow->held > 0) {
            /* Bytes of the frame itself: what was held did not come again. */
            run.held = delivery->frame_bytes ? 0 : flow->held;
            run.at.skip += run.held;
            flow->held = 0;
        } else {
            pass_foreign(&run, flow, tvb);
        }
        take_up_asked(&run, tvb);
        offset = place_in_sequence(&run, tvb);
        if (offset >= reported)
            return reported;
        run.start = run.at;
        if (offset > 0) {
            run.start.skip += (uint32_t)offset;
            run.at.skip = run.start.skip;
            offset = 0;
        }
    } else if (!recall(&run)) {
        return reported;
    }
    if (run.at.skip > 0) {
        uint32_t step = MIN(run.at.skip, (uint32_t)reported);
        run.at.skip -= step;
        offset = (int)step;
    }
    const bool moves = walk(&run, tvb, &offset);
    if (run.first) {
        struct flow *flow = stream_flow(stream, way);
        flow->at = run.at;
        flow->waiting = run.asked_for_more;
    }
    /* An item on the frame, and an end of the tests, which set WIRESHARK_ABORT_ON_DISSECTOR_BUG. */
    if (!moves)
        REPORT_DISSECTOR_BUG("a stretch of RPC over HTTP is not moved on in");
    return offset;
}
