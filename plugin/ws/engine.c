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

#define FOREIGN_MAX 0x100000         /* a longer message of http's is not waited for */
#define CARRY_MAX 65535              /* the longest PDU there is */
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
    bool moves;                  /* each walk ended by itself */
    int body_at;                 /* where the bytes that at.left counts begin in it */
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

/* ---- Carrying ---------------------------------------------------------------------- */

/* Puts len bytes of the stretch behind those that are carried; len may be 0, for a later
 * pass must find this call all the same. */
static void carry_over(struct run *run, tvbuff_t *tvb, int offset, int len)
{
    keep_call(run);
    if (!run->first || len <= 0)
        return;
    struct carry *carry = run->at.carry;
    if (!carry) {
        carry = run->at.carry = (struct carry *)store_new(sizeof *carry);
        run->at.carried = 0;
    }
    if (carry->len + (uint32_t)len > carry->room) {
        carry->room = MAX(2 * carry->room, carry->len + (uint32_t)len);
        carry->bytes = (uint8_t *)wmem_realloc(wmem_file_scope(), carry->bytes, carry->room);
    }
    tvb_memcpy(tvb, carry->bytes + carry->len, offset, (size_t)len);
    carry->len += (uint32_t)len;
    run->at.carried = carry->len;
}

/* What is carried, no longer. */
struct carried {
    const uint8_t *bytes;
    uint32_t len;
};

static struct carried take_carried(struct run *run)
{
    const struct carried carried = { run->at.carry ? run->at.carry->bytes : NULL, run->at.carry ? run->at.carried : 0 };
    run->at.carry = NULL;
    run->at.carried = 0;
    return carried;
}

/* The carried bytes followed by len bytes of the stretch, as one buffer. */
static tvbuff_t *join(const struct run *run, struct carried carried, tvbuff_t *tvb, int offset, int len)
{
    const int there = MIN(len, stretch_captured(tvb, offset));
    uint8_t *bytes = (uint8_t *)wmem_alloc(run->pinfo->pool, carried.len + (size_t)there);
    memcpy(bytes, carried.bytes, carried.len);
    if (there > 0)
        tvb_memcpy(tvb, bytes + carried.len, offset, (size_t)there);
    tvbuff_t *joined = tvb_new_child_real_data(tvb, bytes, carried.len + (unsigned)there, (int)carried.len + len);
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
 * body. Returns where it stopped: end, or less where no PDU goes on. */
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
            carry_over(run, tvb, offset, (int)have);
            return end;
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
                carry_over(run, tvb, offset, (int)have);
                return end;
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

/* The same where a PDU may have begun in stretches before. */
static int pdus_with_carry(struct run *run, tvbuff_t *tvb, int offset, int len)
{
    if (!run->at.carry)
        return offset + pdus(run, stretch_part(tvb, offset, len), 0, len);
    /* Wait until the PDU is whole before joining: joining each time would copy it again
     * and again. */
    const uint32_t total = run->at.carried + (uint32_t)len;
    uint16_t frag_length = 0;
    unsigned bad;
    if (pdu_probe(run->at.carry->bytes, MIN(run->at.carried, PDU_HEADER_LEN), &frag_length, &bad) == PDU_PROBE_OK
        && frag_length > total && total <= CARRY_MAX && stretch_captured(tvb, offset) >= len) {
        carry_over(run, tvb, offset, len);
        return offset + len;
    }
    const struct carried carried = take_carried(run);
    keep_call(run);
    run->carried = (int)carried.len;
    run->joined_at = offset;
    int stop = pdus(run, join(run, carried, tvb, offset, len), 0, (int)total);
    run->carried = run->joined_at = 0;
    return offset + MAX(stop - (int)carried.len, 0);
}

/* ---- Bodies ----------------------------------------------------------------------- */

static void finish_body(struct run *run)
{
    run->at.phase = PHASE_HEAD;
    run->at.framing = FRAMING_OPEN;
    run->at.pdus = false;
    take_carried(run);
    run->at.pass = 0;
}

/* The bytes of chunks that the stretch holds, and what they carry. */
struct dechunked {
    size_t used, len;
};

static struct dechunked dechunk(struct http_chunks *chunks, const uint8_t *p, size_t len, uint8_t *data)
{
    struct dechunked done = { 0, 0 };
    while (done.used < len && chunks->state != HTTP_CHUNK_DONE && chunks->state != HTTP_CHUNK_BAD) {
        struct span piece = { NULL, 0 };
        done.used += http_chunks_next(chunks, p + done.used, len - done.used, &piece);
        if (piece.len > 0 && data)
            memcpy(data + done.len, piece.ptr, piece.len);
        done.len += piece.len;
    }
    return done;
}

static int chunked_body(struct run *run, tvbuff_t *tvb, int offset)
{
    int captured = stretch_captured(tvb, offset);
    int reported = stretch_left(tvb, offset);
    const uint8_t *p = captured > 0 ? tvb_get_ptr(tvb, offset, captured) : NULL;
    struct http_chunks ahead = run->at.chunks;
    const size_t len = dechunk(&ahead, p, (size_t)captured, NULL).len;
    uint8_t *data = len > 0 ? (uint8_t *)wmem_alloc(run->pinfo->pool, len) : NULL;
    const size_t used = dechunk(&run->at.chunks, p, (size_t)captured, data).used;
    keep_call(run);
    if (len > 0) {
        tvbuff_t *body = tvb_new_child_real_data(tvb, data, (unsigned)len, (int)len);
        add_new_data_source(run->pinfo, body, "De-chunked RPC over HTTP");
        if (run->at.phase == PHASE_BODY && run->at.pdus)
            pdus_with_carry(run, body, 0, (int)len);
        else
            call_data_dissector(body, run->pinfo, run->tree);
    }
    if (run->at.chunks.state == HTTP_CHUNK_BAD || captured < reported) {
        run->at.phase = PHASE_RESYNC;
        run->at.framing = FRAMING_OPEN;
        take_carried(run);
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
static int message_at(struct run *run, tvbuff_t *tvb, int offset, bool may_wait)
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
        if (captured < len && captured == reported && memcmp(p, greeting, (size_t)captured) == 0) {
            carry_over(run, tvb, offset, captured);
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
            carry_over(run, tvb, offset, reported);
            if (run->first)
                run->at.carry->scan = scan;
        } else {
            keep_call(run);
            give_to_http(run, tvb, offset, reported);
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
        pass_over(run, tvb, offset, len, "Bytes between messages");
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
            carry_over(run, tvb, offset, reported);
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
    keep_call(run);
    give_to_http(run, tvb, offset, len);
    if (ours)
        rpch_show_head(tvb, run->pinfo, run->tree, offset, &message, info);
    if (run->first) {
        struct frame_note *note = frame_note_make(run->pinfo, run->stream);
        note->show_state |= ours;
        note_request(run->stream, info);
        vtcp_http(run->stream->conn, frame_when(run->pinfo), run->way, info);
        store_head(run->pinfo, run->stream, run->way, &info->fields);
    }
    run->at = next;
    if (info->is_request)
        run->at.asked = run->stream->asked;
    return offset + len;
}

/* The rest of a message that is http's. */
static int rest_of_message(struct run *run, tvbuff_t *tvb, int offset)
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
        carry_over(run, tvb, offset, len);
        run->at.left = next.left;
        if (next.framing == FRAMING_CHUNKED)
            run->at.chunks = next.chunks;
        return offset + len;
    }
    const struct carried carried = take_carried(run);
    keep_call(run);
    run->at.phase = PHASE_HEAD;
    message_at(run, join(run, carried, tvb, offset, len), 0, false);
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
    store_head(pinfo, stream, way, &info->fields);
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

/* On the first pass: bytes that http asked for before the stream was claimed. They were seen in
 * their own frames; new is at most what this frame brings. */
static void pass_foreign(struct run *run, const struct flow *flow, tvbuff_t *tvb)
{
    const int reported = (int)tvb_reported_length(tvb);
    const int32_t unseen = (int32_t)(run->tcp->seq + run->tcp->payload_len - flow->next_seq);
    if (run->stream->tls || run->delivery->direct || run->delivery->frame_bytes || !flow->have_next
        || engine_reassembles_out_of_order())
        return;
    run->at.skip += (uint32_t)(reported - CLAMP(unseen, 0, reported));
}

/* On the first pass: whether bytes are missing before this stretch, and how many of its
 * own were there before. With out-of-order reassembly tcp hands over in order, except what
 * was not captured whole. */
static int place_in_sequence(struct run *run, tvbuff_t *tvb)
{
    struct flow *flow = &run->stream->flow[run->way];
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
                take_carried(run);
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

static bool walk(struct run *run, tvbuff_t *tvb, int offset);

/* Reads on in a head that was carried over, each byte once. Later passes know what came of it. */
static enum http_head_result head_goes_on(struct run *run, tvbuff_t *tvb, int offset, int len)
{
    struct carry *carry = run->at.carry;
    const uint32_t total = run->at.carried + (uint32_t)len;
    struct http_head message;
    if (!run->first)
        return carry->decided == 0 || total < carry->decided ? HTTP_HEAD_MORE : carry->result;
    carry_over(run, tvb, offset, len);
    carry->result = http_head_resume(&carry->scan, carry->bytes, total, &message);
    if (carry->result != HTTP_HEAD_MORE)
        carry->decided = total;
    return carry->result;
}

/* A message whose beginning was carried over. */
static int rest_of_head(struct run *run, tvbuff_t *tvb, int offset)
{
    const int captured = stretch_captured(tvb, offset), reported = stretch_left(tvb, offset);
    const uint32_t had = run->at.carried;
    enum http_head_result result = HTTP_HEAD_OK;
    if (run->stream->hop == RTS_HOP_HTTP && captured == reported) {
        result = head_goes_on(run, tvb, offset, reported);
        if (result == HTTP_HEAD_MORE)
            return offset + reported;
        run->at.carried = had;
    }
    tvbuff_t *joined = join(run, take_carried(run), tvb, offset, reported);
    keep_call(run);
    if (result == HTTP_HEAD_NOT && had + (uint32_t)reported >= HTTP_HEAD_MAX) {
        give_to_http(run, joined, 0, (int)had + reported);
        run->at.phase = PHASE_RESYNC;
    } else {
        run->moves &= walk(run, joined, 0);
    }
    return offset + reported;
}

/* One step from offset; returns where the next one begins. */
static int step(struct run *run, tvbuff_t *tvb, int offset)
{
    switch (run->at.phase) {
    case PHASE_RESYNC:
        return resync(run, tvb, offset);
    case PHASE_HEAD:
        return run->at.carry ? rest_of_head(run, tvb, offset) : message_at(run, tvb, offset, true);
    case PHASE_WAIT:
        return rest_of_message(run, tvb, offset);
    default:
        return run->at.framing == FRAMING_CHUNKED ? chunked_body(run, tvb, offset) : plain_body(run, tvb, offset);
    }
}

/* Walks from offset to the end of the stretch. Whatever the steps do, it ends: false where they
 * would not have moved on, and the rest was passed over. */
static bool walk(struct run *run, tvbuff_t *tvb, int offset)
{
    const int end = (int)tvb_reported_length(tvb);
    for (int still = 0; offset < end;) {
        const int next = step(run, tvb, offset);
        still = next > offset ? 0 : still + 1;
        offset = next;
        if (still > STILL_MAX) {
            pass_over(run, tvb, offset, end - offset, "Bytes passed over");
            run->at.phase = PHASE_RESYNC;
            run->at.framing = FRAMING_OPEN;
            return false;
        }
    }
    return true;
}

void engine_run(struct stream *stream, const struct tcp_frame *tcp, enum way way, tvbuff_t *tvb, packet_info *pinfo,
               proto_tree *tree, const struct delivery *delivery)
{
    int reported = (int)tvb_reported_length(tvb);
    struct run run = { .stream = stream, .tcp = tcp, .way = way, .pinfo = pinfo, .tree = tree,
                       .delivery = delivery, .first = !PINFO_FD_VISITED(pinfo), .moves = true };
    run.key = call_key(&run, tvb);
    int offset = 0;
    if (run.first) {
        struct flow *flow = &stream->flow[way];
        run.at = flow->at;
        run.at.asked = stream->asked;
        flow->called_in = pinfo->num;
        if (!delivery->direct && flow->held > 0) {
            /* Bytes of the frame itself: what was held did not come again. */
            run.at.skip += delivery->frame_bytes ? 0 : flow->held;
            flow->held = 0;
        } else {
            pass_foreign(&run, flow, tvb);
        }
        offset = place_in_sequence(&run, tvb);
        if (offset >= reported)
            return;
        run.start = run.at;
        if (offset > 0) {
            run.start.skip += (uint32_t)offset;
            run.at.skip = run.start.skip;
            offset = 0;
        }
    } else if (!recall(&run)) {
        return;
    }
    if (run.at.skip > 0) {
        uint32_t step = MIN(run.at.skip, (uint32_t)reported);
        run.at.skip -= step;
        offset = (int)step;
    }
    run.moves = walk(&run, tvb, offset) && run.moves;
    if (run.first)
        stream->flow[way].at = run.at;
    /* An item on the frame, and an end of the tests, which set WIRESHARK_ABORT_ON_DISSECTOR_BUG. */
    if (!run.moves)
        REPORT_DISSECTOR_BUG("a stretch of RPC over HTTP is not moved on in");
}
