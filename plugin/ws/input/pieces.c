/* pieces.c
 * What was found in a stretch of RPC over HTTP: noted on the first pass, shown in each.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "pieces.h"

#include <epan/exceptions.h>

#include "ids.h"
#include "store.h"
#include "stretch.h"

/* Lets http dissect a message as if the connection were still its own. */
static void give_to_http(packet_info *pinfo, proto_tree *tree, tvbuff_t *message)
{
    static dissector_handle_t http_handle;
    static int proto_http = -1;
    if (!http_handle) {
        http_handle = find_dissector("http");
        proto_http = proto_get_id_by_filter_name("http");
    }
    conversation_t *conversation = find_conversation_pinfo(pinfo, 0);
    http_conv_t *http = conversation ? (http_conv_t *)conversation_get_proto_data(conversation, proto_http) : NULL;
    const uint32_t startframe = http ? http->startframe : 0;
    const uint16_t can_desegment = pinfo->can_desegment;
    if (http)
        http->startframe = 0;
    pinfo->can_desegment = 0;
    TRY
    {
        call_dissector_only(http_handle, message, pinfo, tree, NULL);
    }
    FINALLY
    {
        if (http)
            http->startframe = startframe;
        pinfo->can_desegment = can_desegment;
        pinfo->desegment_len = 0;
        pinfo->desegment_offset = 0;
    }
    ENDTRY;
    col_set_fence(pinfo->cinfo, COL_INFO);
}

static void show_head(packet_info *pinfo, proto_tree *tree, tvbuff_t *tvb, int offset, int len)
{
    struct http_head head;
    const int there = MIN(len, stretch_captured(tvb, offset));
    if (there <= 0 || http_head_parse(tvb_get_ptr(tvb, offset, there), (size_t)there, &head) != HTTP_HEAD_OK)
        return;
    struct http_info *info = wmem_new(pinfo->pool, struct http_info);
    http_info_decode(&head, info);
    show_calls->rpch_head(tvb, pinfo, tree, offset, &head, info);
}

/* The carried bytes followed by len bytes of the stretch. */
static tvbuff_t *join(packet_info *pinfo, const struct piece *piece, tvbuff_t *tvb, int offset, int len)
{
    const int there = MIN(len, stretch_captured(tvb, offset));
    uint8_t *bytes = (uint8_t *)wmem_alloc(pinfo->pool, piece->carried + (size_t)there);
    memcpy(bytes, piece->carry->bytes, piece->carried);
    if (there > 0)
        tvb_memcpy(tvb, bytes + piece->carried, offset, (size_t)there);
    tvbuff_t *joined = tvb_new_child_real_data(tvb, bytes, piece->carried + (unsigned)there, (int)piece->carried + len);
    add_new_data_source(pinfo, joined, "Reassembled RPC over HTTP");
    return joined;
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

/* The data of the chunks in len bytes. */
static tvbuff_t *without_chunks(packet_info *pinfo, const struct piece *piece, tvbuff_t *tvb, int offset, int len)
{
    struct http_chunks chunks = piece->chunks;
    const size_t there = (size_t)MIN(len, stretch_captured(tvb, offset));
    const uint8_t *p = there > 0 ? tvb_get_ptr(tvb, offset, (int)there) : NULL;
    uint8_t *data = (uint8_t *)wmem_alloc(pinfo->pool, there);
    const unsigned total = (unsigned)dechunk(&chunks, p, there, data).len;
    tvbuff_t *body = tvb_new_child_real_data(tvb, data, total, (int)total);
    add_new_data_source(pinfo, body, "De-chunked RPC over HTTP");
    return body;
}

/* Tells whoever follows the connection. */
static void show_to_followers(packet_info *pinfo, tvbuff_t *pdu)
{
    struct tcp_frame tcp;
    if (!have_tap_listener(rpch_follow_tap))
        return;
    const struct frame_note *note = frame_note_get(pinfo);
    if (!note || !tcp_frame_parse(pinfo, &tcp))
        return;
    struct followed_pdu *followed = wmem_new(pinfo->pool, struct followed_pdu);
    *followed = (struct followed_pdu){ note, pdu, stream_way(note->stream, &tcp) };
    tap_queue_packet(rpch_follow_tap, pinfo, followed);
}

static void show_pdu(packet_info *pinfo, proto_tree *tree, tvbuff_t *pdu, const struct pdu_note *note)
{
    show_to_followers(pinfo, pdu);
    show_calls->rpch_pdu(pdu, pinfo, tree, note);
}

/* Returns the buffer that the piece is, or NULL. */
static tvbuff_t *show(packet_info *pinfo, proto_tree *tree, tvbuff_t *tvb, const struct piece *piece)
{
    const int offset = (int)piece->offset;
    /* Later passes may get a stretch without the beginning of the next one. */
    const int len = CLAMP(stretch_left(tvb, offset), 0, (int)piece->len);
    if (len == 0 && piece->kind != PIECE_JOINED)
        return NULL;
    switch (piece->kind) {
    case PIECE_PDU:
        show_pdu(pinfo, tree, stretch_part(tvb, offset, (int)piece->len), &piece->pdu);
        break;
    case PIECE_MALFORMED:
        show_calls->rpch_malformed(tvb, pinfo, tree, offset, piece->bad_offset);
        break;
    case PIECE_GAP:
        show_calls->rpch_gap(tvb, pinfo, tree, offset, len, piece->what);
        break;
    case PIECE_GREETING:
        show_calls->rpch_greeting(tvb, pinfo, tree, offset, len);
        break;
    case PIECE_HTTP:
        give_to_http(pinfo, tree, stretch_part(tvb, offset, len));
        break;
    case PIECE_HEAD:
        show_head(pinfo, tree, tvb, offset, len);
        break;
    case PIECE_DATA:
        call_data_dissector(stretch_part(tvb, offset, len), pinfo, tree);
        break;
    case PIECE_JOINED:
        return join(pinfo, piece, tvb, offset, len);
    case PIECE_DECHUNKED:
        return without_chunks(pinfo, piece, tvb, offset, len);
    }
    return NULL;
}

tvbuff_t *run_found(struct run *run, tvbuff_t *tvb, int offset, int len, struct piece found)
{
    struct piece *piece = (struct piece *)store_new(sizeof *piece);
    *piece = found;
    piece->offset = (uint32_t)offset;
    piece->len = (uint32_t)len;
    *run->place = piece;
    run->place = &piece->next;
    tvbuff_t *buffer = show(run->pinfo, run->tree, tvb, piece);
    if (buffer)
        run->place = &piece->within;
    return buffer;
}

void run_close(struct run *run, struct piece **place)
{
    run->place = &(*place)->next;
}

void pieces_show(packet_info *pinfo, proto_tree *tree, tvbuff_t *tvb, const struct piece *pieces)
{
    for (const struct piece *piece = pieces; piece; piece = piece->next) {
        tvbuff_t *buffer = show(pinfo, tree, tvb, piece);
        if (buffer)
            pieces_show(pinfo, tree, buffer, piece->within);
    }
}

/* ---- Of several steps ------------------------------------------------------------- */

void run_carry_over(struct run *run, tvbuff_t *tvb, int offset, int len)
{
    if (len <= 0)
        return;
    if (!run->at.carry)
        run->at.carry = (struct carry *)store_new(sizeof *run->at.carry);
    store_append(run->at.carry, tvb_get_ptr(tvb, offset, len), (size_t)len);
}

tvbuff_t *run_join(struct run *run, uint32_t carried, tvbuff_t *tvb, int offset, int len)
{
    const struct carry *carry = run->at.carry;
    run->at.carry = NULL;
    return run_found(run, tvb, offset, len, (struct piece){ .kind = PIECE_JOINED, .carry = carry, .carried = carried });
}

void run_pass_over(struct run *run, tvbuff_t *tvb, int offset, int len, const char *what)
{
    if (len <= 0)
        return;
    rpch_conn_skipped(run->stream->conn, frame_when(run->pinfo), run->way, (uint32_t)len);
    if (what)
        run_found(run, tvb, offset, len, (struct piece){ .kind = PIECE_GAP, .what = what });
}

void run_turn_to(struct run *run, enum phase phase)
{
    run->at.phase = phase;
    run->at.body.framing = HTTP_FRAMING_OPEN;
    run->at.pdus = phase == PHASE_BODY;
    run->at.guessed = phase == PHASE_BODY && run->stream->hop == RTS_HOP_HTTP;
}
