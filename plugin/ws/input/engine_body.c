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

#define CARRY_MAX 65535 /* the longest PDU there is */

/* ---- PDUs ------------------------------------------------------------------------- */

struct rts_extent {
    uint32_t end; /* behind the last command, 0 if the PDU ends with it */
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
        return run->at.body.framing == HTTP_FRAMING_OPEN || (len >= 4 && memcmp(p, "RPC_", 4) == 0);
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

/* Tells the state of a PDU; note is what it says. */
static void learn(const struct run *run, tvbuff_t *tvb, struct pdu_note *note)
{
    const uint32_t captured = tvb_captured_length(tvb), there = tvb_reported_length(tvb);
    struct rpch_conn *conn = run->stream->conn;
    const struct when when = frame_when(run->pinfo);
    if (captured < PDU_HEADER_LEN) {
        rpch_conn_skipped(conn, when, run->way, there);
        note->name = "";
        return;
    }
    const uint8_t *p = tvb_get_ptr(tvb, 0, (int)captured);
    struct pdu_header header;
    struct pdu_outcome outcome;
    struct rts_pdu rts;
    uint32_t status = 0;
    pdu_header_decode(p, &header);
    pdu_call_decode(p, captured, &header);
    note->malformed = header.frag_length > there;
    if (header.frag_length > there)
        header.frag_length = (uint16_t)there;
    run->note->show_state = true;
    memset(&outcome, 0, sizeof outcome);
    if (header.ptype == RPC_RTS) {
        rts_decode(p, captured, header.frag_length, &rts, NULL);
        note->malformed |= rts.malformed;
        note->out_of_range = rts.out_of_range;
    } else {
        note->malformed |= (uint32_t)header.auth_length + PDU_HEADER_LEN > header.frag_length;
        status = pdu_status(p, captured, &status) ? status : 0;
    }
    rpch_conn_pdu(conn, when, run->way, &header, header.ptype == RPC_RTS ? &rts : NULL, status, &outcome);
    if (header.ptype == RPC_RTS && run->way == WAY_TO_CLIENT && run->stream->auth)
        auth_accepted(run->stream->auth, when);
    const struct conn *in = run->way == WAY_TO_CLIENT ? rpch_conn_in(conn) : NULL;
    if (in && in->logon)
        auth_accepted(in->logon, when);
    note->name = store_intern(outcome.name);
    note->is_rts = header.ptype == RPC_RTS;
    note->misplaced = outcome.misplaced;
    note->channel = outcome.channel & 3;
    note->is_call = outcome.is_call;
    note->interface = outcome.interface & 15;
    note->opnum = outcome.opnum;
    if (note->is_rts)
        note->unexpected = outcome.unexpected;
    else
        note->times = outcome.times;
    note->bytes = outcome.channel_bytes;
    uint32_t row = rpch_conn_row(conn);
    note->call_conversation = row != NO_NUMBER ? row : NO_ROW | rpch_conn_conn(conn)->stream;
}

static void one_pdu(struct run *run, tvbuff_t *tvb, int offset, uint32_t len)
{
    struct piece piece = { .kind = PIECE_PDU };
    learn(run, stretch_part(tvb, offset, (int)len), &piece.pdu);
    run->note->has_pdu = true;
    run_found(run, tvb, offset, (int)len, piece);
    run->gap = false;
}

/* Bytes of a body of known length from there on; what was carried is no longer in at.body.left. */
static uint64_t body_left(const struct run *run, int offset)
{
    const int passed = run->joined_at + offset - run->carried - run->body_at;
    return run->at.body.left - (uint64_t)(int64_t)passed;
}

/* The bytes of a body from where PDUs are cut: up to the end of its stretch on the wire, and how many were captured. */
struct rest {
    const uint8_t *p;
    uint32_t have, on_wire;
};

static int lose_place(struct run *run, tvbuff_t *tvb, int offset, int len, const char *what)
{
    run_pass_over(run, tvb, offset, len, what);
    run->at.phase = PHASE_RESYNC;
    return offset + len;
}

/* The stretch ends in the middle of a PDU. */
static int part_of_pdu(struct run *run, tvbuff_t *tvb, int offset, const struct rest *rest)
{
    if (rest->have < rest->on_wire)
        return lose_place(run, tvb, offset, (int)rest->on_wire, NULL);
    run_carry_over(run, tvb, offset, (int)rest->have);
    return offset + (int)rest->have;
}

/* A PDU begins here, and its frag_length promises more than the stretch holds. */
static int long_pdu(struct run *run, tvbuff_t *tvb, int offset, const struct rest *rest, uint16_t frag_length)
{
    uint32_t len = rest->have == rest->on_wire ? lying_rts_length(rest->p, rest->have, frag_length) : 0;
    /* Where the body ends first it cannot be completed. */
    if (len == 0 && run->at.body.framing == HTTP_FRAMING_LENGTH && frag_length > body_left(run, offset))
        len = rest->on_wire;
    if (len > 0) {
        one_pdu(run, tvb, offset, len);
        return offset + (int)len;
    }
    if (rest->have == rest->on_wire)
        return part_of_pdu(run, tvb, offset, rest);
    one_pdu(run, tvb, offset, frag_length);
    run->at.pass = frag_length - rest->on_wire;
    return offset + (int)rest->on_wire;
}

/* Where the body was given up: closed in the open form, or left out after a refusal that came in place of
 * 100 Continue (RFC 9110 10.1.1); or it turns out to have chunks. True: it stops here, at offset. */
static bool stops_here(struct run *run, const struct rest *rest, int *offset)
{
    if (run->stream->hop == RTS_HOP_HTTP && next_message(run, rest->p, rest->have)) {
        run_turn_to(run, PHASE_HEAD);
        return true;
    }
    if (run->at.guessed && run->carried == 0 && between_chunks(rest->p, rest->have)) {
        run->at.body.framing = HTTP_FRAMING_CHUNKED;
        run->at.guessed = false;
        http_chunks_init(&run->at.body.chunks);
        *offset += 2;
        return true;
    }
    return false;
}

/* Passes over what is no PDU, to where the next may begin. */
static int no_pdu(struct run *run, tvbuff_t *tvb, int offset, const struct rest *rest, unsigned bad_offset)
{
    if (!run->gap)
        run_found(run, tvb, offset, (int)rest->on_wire,
                  (struct piece){ .kind = PIECE_MALFORMED, .bad_offset = bad_offset });
    uint32_t skip = 1;
    while (skip < rest->have && !pdu_starts_stream(rest->p + skip, rest->have - skip))
        skip++;
    if (skip >= rest->have)
        return lose_place(run, tvb, offset, (int)rest->on_wire, "Bytes that are no PDU");
    run_pass_over(run, tvb, offset, (int)skip, "Bytes that are no PDU");
    return offset + (int)skip;
}

/* Cuts [offset, end) of tvb into PDUs; end is the wire's end of this stretch of the
 * body. Returns where it stopped: end, or less where no PDU goes on. */
static int pdus(struct run *run, tvbuff_t *tvb, int offset, int end)
{
    const int captured_end = MIN((int)tvb_captured_length(tvb), end);
    const uint32_t passed = MIN(run->at.pass, (uint32_t)(end - offset));
    run->at.pass -= passed;
    offset += (int)passed;
    while (offset < end) {
        if (offset >= captured_end)
            return lose_place(run, tvb, offset, end - offset, NULL);
        const struct rest rest = { tvb_get_ptr(tvb, offset, captured_end - offset), (uint32_t)(captured_end - offset),
                                   (uint32_t)(end - offset) };
        uint16_t frag_length = 0;
        unsigned bad_offset = 0;
        switch (pdu_probe(rest.p, rest.have, &frag_length, &bad_offset)) {
        case PDU_PROBE_MORE:
            return part_of_pdu(run, tvb, offset, &rest);
        case PDU_PROBE_OK:
            if (frag_length > rest.on_wire) {
                offset = long_pdu(run, tvb, offset, &rest, frag_length);
            } else {
                one_pdu(run, tvb, offset, frag_length);
                offset += frag_length;
            }
            break;
        case PDU_PROBE_BAD:
            if (stops_here(run, &rest, &offset))
                return offset;
            offset = no_pdu(run, tvb, offset, &rest, bad_offset);
            break;
        }
    }
    return offset;
}

/* The same where a PDU may have begun in stretches before. */
static int pdus_with_carry(struct run *run, tvbuff_t *tvb, int offset, int len)
{
    struct carry *carry = run->at.carry;
    if (!carry)
        return pdus(run, tvb, offset, offset + len);
    /* Wait until the PDU is whole before joining: joining each time would copy it again
     * and again. */
    const uint32_t carried = carry->len, total = carried + (uint32_t)len;
    uint16_t frag_length = 0;
    unsigned bad;
    if (pdu_probe(carry->bytes, MIN(carried, PDU_HEADER_LEN), &frag_length, &bad) == PDU_PROBE_OK &&
        frag_length > total && total <= CARRY_MAX && stretch_captured(tvb, offset) >= len) {
        run_carry_over(run, tvb, offset, len);
        return offset + len;
    }
    struct piece **place = run->place;
    tvbuff_t *joined = run_join(run, carried, tvb, offset, len);
    run->carried = (int)carried;
    run->joined_at = offset;
    const int stop = pdus(run, joined, 0, (int)total);
    run->carried = run->joined_at = 0;
    run_close(run, place);
    return offset + MAX(stop - (int)carried, 0);
}

/* ---- Bodies ----------------------------------------------------------------------- */

static void finish_body(struct run *run)
{
    if (run->way == WAY_TO_SERVER && run->stream->auth)
        auth_request_end(run->stream->auth, frame_when(run->pinfo));
    run_turn_to(run, PHASE_HEAD);
    run->at.carry = NULL;
    run->at.pass = 0;
}

static int chunked_body(struct run *run, tvbuff_t *tvb, int offset)
{
    const int captured = stretch_captured(tvb, offset), reported = stretch_left(tvb, offset);
    const uint8_t *p = captured > 0 ? tvb_get_ptr(tvb, offset, captured) : NULL;
    struct http_chunks *chunks = &run->at.body.chunks;
    const struct piece piece = { .kind = PIECE_DECHUNKED, .chunks = *chunks };
    const struct dechunked done = dechunk(chunks, p, (size_t)captured, NULL);
    if (done.len > 0) {
        struct piece **place = run->place;
        tvbuff_t *body = run_found(run, tvb, offset, (int)done.used, piece);
        if (run->at.phase == PHASE_BODY && run->at.pdus)
            pdus_with_carry(run, body, 0, (int)done.len);
        else
            run_found(run, body, 0, (int)done.len, (struct piece){ .kind = PIECE_DATA });
        run_close(run, place);
    }
    if (chunks->state == HTTP_CHUNK_BAD || captured < reported) {
        run_turn_to(run, PHASE_RESYNC);
        run->at.carry = NULL;
        return offset + reported;
    }
    if (chunks->state == HTTP_CHUNK_DONE)
        finish_body(run);
    return offset + (int)done.used;
}

static int plain_body(struct run *run, tvbuff_t *tvb, int offset)
{
    const bool counted = run->at.body.framing == HTTP_FRAMING_LENGTH;
    int len = stretch_left(tvb, offset);
    run->body_at = offset;
    if (counted && run->at.body.left < (uint64_t)len)
        len = (int)run->at.body.left;
    int stop = offset + len;
    if (run->at.pdus)
        stop = pdus_with_carry(run, tvb, offset, len);
    else
        run_found(run, tvb, offset, len, (struct piece){ .kind = PIECE_DATA });
    if (run->at.body.framing == HTTP_FRAMING_LENGTH) {
        run->at.body.left -= (uint64_t)(stop - offset);
        if (run->at.body.left == 0)
            finish_body(run);
    }
    return stop;
}

int run_body(struct run *run, tvbuff_t *tvb, int offset)
{
    return run->at.body.framing == HTTP_FRAMING_CHUNKED ? chunked_body(run, tvb, offset) : plain_body(run, tvb, offset);
}
