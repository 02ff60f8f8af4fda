/* engine_carry.c
 * The record of a call, by which later passes find what the first one found, and the bytes that
 * wait for those of the next call.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "engine_private.h"

#include <epan/proto_data.h>

#include "ids.h"
#include "store.h"
#include "stretch.h"

/* ---- Records ---------------------------------------------------------------------- */

/* Tells the calls of one frame apart, alike in all passes. Lengths are not: later passes
 * get a reassembled stretch without the beginning of the next one. */
uint64_t run_call_key(const struct run *run, tvbuff_t *tvb)
{
    return (uint64_t)tvb_raw_offset(tvb) << 1 | (uint64_t)run->delivery->frame_bytes;
}

void run_keep_call(struct run *run)
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
bool run_recall(struct run *run)
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

struct pdu_note *run_next_note(struct run *run)
{
    run_keep_call(run);
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
void run_carry_over(struct run *run, tvbuff_t *tvb, int offset, int len)
{
    run_keep_call(run);
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

struct carried run_take_carried(struct run *run)
{
    const struct carried carried = { run->at.carry ? run->at.carry->bytes : NULL, run->at.carry ? run->at.carried : 0 };
    run->at.carry = NULL;
    run->at.carried = 0;
    return carried;
}

/* The carried bytes followed by len bytes of the stretch, as one buffer. */
tvbuff_t *run_join(const struct run *run, struct carried carried, tvbuff_t *tvb, int offset, int len)
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

/* ---- Passing over ---------------------------------------------------------------- */

void run_pass_over(struct run *run, tvbuff_t *tvb, int offset, int len, const char *what)
{
    if (len <= 0)
        return;
    run_keep_call(run);
    if (run->first)
        vtcp_skipped(run->stream->conn, frame_when(run->pinfo), run->way, (uint32_t)len);
    if (what)
        show_calls->rpch_gap(tvb, run->pinfo, run->tree, offset, len, what);
}
