/* engine_body.c
 * Cuts the bodies of channels into PDUs.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "engine_private.h"

#include "ids.h"
#include "pdu.h"
#include "store.h"
#include "stretch.h"

#define CARRY_MAX 65535              /* the longest PDU there is */

/* ---- PDUs ------------------------------------------------------------------------- */

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

/* The first pass tells the state of a PDU, and keeps what it says. */
static void learn(const struct run *run, tvbuff_t *tvb, struct pdu_note *note)
{
    const uint32_t captured = tvb_captured_length(tvb), there = tvb_reported_length(tvb);
    struct vtcp *conn = run->stream->conn;
    const struct when when = frame_when(run->pinfo);
    if (captured < PDU_HEADER_LEN) {
        vtcp_skipped(conn, when, run->way, there);
        note->name = "";
        return;
    }
    const uint8_t *p = tvb_get_ptr(tvb, 0, (int)captured);
    struct pdu_header header;
    struct pdu_outcome outcome;
    struct rts_pdu rts;
    uint32_t status = 0;
    pdu_header_decode(p, &header);
    if (header.frag_length > there)
        header.frag_length = (uint16_t)there;
    frame_note_make(run->pinfo, run->stream)->show_state = true;
    memset(&outcome, 0, sizeof outcome);
    if (header.ptype == RPC_RTS) {
        rts_decode(p, captured, header.frag_length, &rts, NULL);
    } else if (!pdu_status(p, captured, &status)) {
        status = 0;
    }
    vtcp_pdu(conn, when, run->way, &header, header.ptype == RPC_RTS ? &rts : NULL, status, &outcome);
    if (header.ptype == RPC_RTS && run->way == WAY_TO_CLIENT && run->stream->auth)
        auth_accepted(run->stream->auth, when);
    note->name = store_intern(outcome.name);
    note->unexpected = outcome.unexpected;
    note->misplaced = outcome.misplaced;
    note->channel = outcome.channel;
    note->bytes = outcome.channel_bytes;
    uint32_t row = vtcp_row(conn);
    note->call_conversation = row != NO_NUMBER ? row : 0x80000000u | run->stream->tcp_stream;
}

static void one_pdu(struct run *run, tvbuff_t *tvb, int offset, uint32_t len)
{
    tvbuff_t *pdu = stretch_part(tvb, offset, (int)len);
    struct pdu_note *note = run_next_note(run);
    if (note && run->first)
        learn(run, pdu, note);
    if (note)
        show_calls->rpch_pdu(pdu, run->pinfo, run->tree, note);
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
            run_keep_call(run);
            continue;
        }
        if (offset >= captured_end) {
            run_pass_over(run, tvb, offset, end - offset, NULL);
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
                run_pass_over(run, tvb, offset, (int)on_wire, NULL);
                run->at.phase = PHASE_RESYNC;
                return end;
            }
            run_carry_over(run, tvb, offset, (int)have);
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
                run_carry_over(run, tvb, offset, (int)have);
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
                show_calls->rpch_malformed(tvb, run->pinfo, run->tree, offset, bad_offset);
            uint32_t skip = 1;
            while (skip < have && !pdu_starts_stream(p + skip, have - skip))
                skip++;
            if (skip >= have) {
                run_pass_over(run, tvb, offset, (int)on_wire, "Bytes that are no PDU");
                run->at.phase = PHASE_RESYNC;
                return end;
            }
            run_pass_over(run, tvb, offset, (int)skip, "Bytes that are no PDU");
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
        run_carry_over(run, tvb, offset, len);
        return offset + len;
    }
    const struct carried carried = run_take_carried(run);
    run_keep_call(run);
    run->carried = (int)carried.len;
    run->joined_at = offset;
    int stop = pdus(run, run_join(run, carried, tvb, offset, len), 0, (int)total);
    run->carried = run->joined_at = 0;
    return offset + MAX(stop - (int)carried.len, 0);
}

/* ---- Bodies ----------------------------------------------------------------------- */

static void finish_body(struct run *run)
{
    run->at.phase = PHASE_HEAD;
    run->at.framing = FRAMING_OPEN;
    run->at.pdus = false;
    run_take_carried(run);
    run->at.pass = 0;
}

struct dechunked dechunk(struct http_chunks *chunks, const uint8_t *p, size_t len, uint8_t *data)
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

int run_chunked_body(struct run *run, tvbuff_t *tvb, int offset)
{
    int captured = stretch_captured(tvb, offset);
    int reported = stretch_left(tvb, offset);
    const uint8_t *p = captured > 0 ? tvb_get_ptr(tvb, offset, captured) : NULL;
    struct http_chunks ahead = run->at.chunks;
    const size_t len = dechunk(&ahead, p, (size_t)captured, NULL).len;
    uint8_t *data = len > 0 ? (uint8_t *)wmem_alloc(run->pinfo->pool, len) : NULL;
    const size_t used = dechunk(&run->at.chunks, p, (size_t)captured, data).used;
    run_keep_call(run);
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
        run_take_carried(run);
        return offset + reported;
    }
    if (run->at.chunks.state == HTTP_CHUNK_DONE)
        finish_body(run);
    return offset + (int)used;
}

int run_plain_body(struct run *run, tvbuff_t *tvb, int offset)
{
    int end = (int)tvb_reported_length(tvb);
    run->body_at = offset;
    if (run->at.framing == FRAMING_LENGTH && run->at.left < (uint64_t)(end - offset))
        end = offset + (int)run->at.left;
    int stop = end;
    if (!run->at.pdus) {
        run_keep_call(run);
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
