/* engine.c
 * Walks one direction of a claimed stream: heads and bodies each in their turn, and
 * what cannot be understood is passed over until the stream can
 * be taken up again.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "engine_private.h"

#include <epan/prefs.h>
#include <epan/prefs-int.h>
#include <epan/proto_data.h>

#include "ids.h"
#include "pdu.h"
#include "store.h"
#include "stretch.h"

#define STILL_MAX 4 /* steps that deal with no byte, as RESYNC, BODY and HEAD at one place */

/* ---- Notes of calls --------------------------------------------------------------- */

/* Tells the calls of one frame apart, alike in all passes. Lengths are not: later passes
 * get a reassembled stretch without the beginning of the next one. */
static uint64_t call_key(const struct delivery *delivery, tvbuff_t *tvb)
{
    return (uint64_t)tvb_raw_offset(tvb) << 1 | (uint64_t)delivery->frame_bytes;
}

/* Shows what the first pass found; calls of one dissection are met in their order. */
static void show_again(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, const struct delivery *delivery)
{
    enum { SEEN_CALLS = 1 };
    const struct frame_note *note = frame_note_get(pinfo);
    const uint64_t key = call_key(delivery, tvb);
    struct call_note *seen = (struct call_note *)p_get_proto_data(pinfo->pool, pinfo, proto_rpch, SEEN_CALLS);
    struct call_note *call = seen ? seen->next : note ? note->calls : NULL;
    while (call && call->key != key)
        call = call->next;
    if (!call)
        return;
    if (seen)
        p_remove_proto_data(pinfo->pool, pinfo, proto_rpch, SEEN_CALLS);
    p_add_proto_data(pinfo->pool, pinfo, proto_rpch, SEEN_CALLS, call);
    pieces_show(pinfo, tree, tvb, call->pieces);
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
            run_turn_to(run, p[0] == 5 ? PHASE_BODY : PHASE_HEAD);
            run->gap = true;
            return offset;
        }
    }
    run_pass_over(run, tvb, offset, reported, "Bytes passed over: the stream is not yet taken up again");
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
    static pref_t *wanted, *desegments, *analyzes; /* asked for each segment, and never removed */
    return tcp_preference("reassemble_out_of_order", &wanted) && tcp_preference("desegment_tcp_streams", &desegments) &&
           tcp_preference("analyze_sequence_numbers", &analyzes);
}

/* On the first pass: bytes that http asked for before the stream was claimed. They were seen in
 * their own frames; new is at most what this frame brings. */
static void pass_foreign(struct run *run, const struct delivery *delivery, const struct flow *flow, tvbuff_t *tvb)
{
    const int reported = (int)tvb_reported_length(tvb);
    const int32_t unseen = (int32_t)(run->tcp->seq + run->tcp->payload_len - flow->next_seq);
    if (run->stream->tls || delivery->direct || delivery->frame_bytes || !flow->have_next ||
        engine_reassembles_out_of_order())
        return;
    run->at.skip += (uint32_t)(reported - CLAMP(unseen, 0, reported));
}

/* On the first pass: whether bytes are missing before this stretch, and how many of its
 * own were there before. With out-of-order reassembly tcp hands over in order, except what
 * was not captured whole. */
static int place_in_sequence(struct run *run, const struct delivery *delivery, tvbuff_t *tvb)
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
        if (!in_order && delivery->frame_bytes && flow->had_next) {
            uint32_t here = run->tcp->seq + (uint32_t)tvb_raw_offset(tvb) - run->tcp->payload_offset;
            if (!again && (int32_t)(run->tcp->seq - flow->before) > 0) {
                engine_give_up_rest(run->stream, run->way, run->pinfo, &run->at);
                run_turn_to(run, PHASE_RESYNC);
                run->at.carry = NULL;
                run->at.pass = 0;
                run->at.skip = 0;
                run->gap = true;
                rpch_conn_gap(run->stream->conn, frame_when(run->pinfo), run->way);
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

/* A message whose beginning was carried over. Of its head each byte is read once. */
static int rest_of_head(struct run *run, tvbuff_t *tvb, int offset)
{
    const int captured = stretch_captured(tvb, offset), reported = stretch_left(tvb, offset);
    const uint32_t had = run->at.carry->len, total = had + (uint32_t)reported;
    enum http_head_result result = HTTP_HEAD_OK;
    if (run->stream->hop == RTS_HOP_HTTP && captured == reported) {
        struct http_head message;
        run_carry_over(run, tvb, offset, reported);
        result = http_head_resume(&run->at.scan, run->at.carry->bytes, total, &message);
        if (result == HTTP_HEAD_MORE)
            return offset + reported;
    }
    struct piece **place = run->place;
    tvbuff_t *joined = run_join(run, had, tvb, offset, reported);
    if (result == HTTP_HEAD_NOT && total >= HTTP_HEAD_MAX) {
        run_found(run, joined, 0, (int)total, (struct piece){ .kind = PIECE_HTTP });
        run->at.phase = PHASE_RESYNC;
    } else {
        run->moves &= walk(run, joined, 0);
    }
    run_close(run, place);
    return offset + reported;
}

/* One step from offset; returns where the next one begins. */
static int step(struct run *run, tvbuff_t *tvb, int offset)
{
    switch (run->at.phase) {
    case PHASE_RESYNC:
        return resync(run, tvb, offset);
    case PHASE_HEAD:
        return run->at.carry ? rest_of_head(run, tvb, offset) : run_message_at(run, tvb, offset, true);
    case PHASE_WAIT:
        return run_rest_of_message(run, tvb, offset);
    default:
        return run_body(run, tvb, offset);
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
            run_pass_over(run, tvb, offset, end - offset, "Bytes passed over");
            run_turn_to(run, PHASE_RESYNC);
            return false;
        }
    }
    return true;
}

void engine_run(struct stream *stream, const struct tcp_frame *tcp, enum way way, tvbuff_t *tvb, packet_info *pinfo,
                proto_tree *tree, const struct delivery *delivery)
{
    if (PINFO_FD_VISITED(pinfo)) {
        show_again(tvb, pinfo, tree, delivery);
        return;
    }
    const uint32_t reported = tvb_reported_length(tvb);
    struct flow *flow = &stream->flow[way];
    store_frame(pinfo);
    conn_sees(rpch_conn_conn(stream->conn), way, tcp->seq, tcp->ack);
    struct run
        run = { .stream = stream, .tcp = tcp, .way = way, .pinfo = pinfo, .tree = tree, .at = flow->at, .moves = true };
    run.at.asked = stream->asked;
    flow->called_in = pinfo->num;
    if (!delivery->direct && flow->held > 0) {
        /* Bytes of the frame itself: what was held did not come again. */
        run.at.skip += delivery->frame_bytes ? 0 : flow->held;
        flow->held = 0;
    } else {
        pass_foreign(&run, delivery, flow, tvb);
    }
    const uint32_t old = (uint32_t)place_in_sequence(&run, delivery, tvb);
    if (old >= reported)
        return;
    run.at.skip += old;
    const uint32_t offset = MIN(run.at.skip, reported);
    run.at.skip -= offset;
    if (offset < reported) {
        run.note = frame_note_make(pinfo, stream);
        struct call_note *call = notes_add_call(run.note);
        call->key = call_key(delivery, tvb);
        run.place = &call->pieces;
        run.moves = walk(&run, tvb, (int)offset) && run.moves;
    }
    flow->at = run.at;
    /* An item on the frame, and an end of the tests, which set WIRESHARK_ABORT_ON_DISSECTOR_BUG. */
    if (!run.moves)
        REPORT_DISSECTOR_BUG("a stretch of RPC over HTTP is not moved on in");
}
