/* transfers.c
 * FastTransfer streams: where each stands before each of its pieces.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "objects_private.h"

#define RUN_FIRST 256u

void transfer_begin(struct rop_session *session, struct rop_object *object, enum fx_root root, bool lost)
{
    if (!object->transfer) {
        object->transfer = arena_new(&session->track->arena, sizeof(*object->transfer));
    }
    *object->transfer = (struct transfer){ .missed = session->missed };
    if (lost) {
        fx_begin_lost(&object->transfer->lexer);
    } else {
        fx_begin(&object->transfer->lexer, root);
    }
}

struct rop_piece_note *transfer_piece(struct rop_session *session, struct rop_object *object)
{
    struct transfer *transfer = object->transfer;
    if (!transfer) {
        return NULL;
    }
    if (transfer->missed != session->missed) {
        fx_begin_lost(&transfer->lexer);
        transfer->run = NULL;
        transfer->missed = session->missed;
    }
    struct rop_piece_note *note = arena_new(&session->track->arena, sizeof(*note));
    note->piece.lexer = transfer->lexer;
    note->piece.before_in = transfer->last ? transfer->last_in : 0;
    note->run = transfer->run;
    note->carried_at = transfer->run ? transfer->run->len - transfer->lexer.unfinished : 0;
    return note;
}

static void append(const struct arena *arena, struct rop_run *run, const uint8_t *bytes, uint32_t len)
{
    while (run->room - run->len < len) {
        run->bytes = arena_grow(arena, run->bytes, &run->room, RUN_FIRST, 1);
    }
    memcpy(run->bytes + run->len, bytes, len);
    run->len += len;
}

void transfer_go_on(struct rop_session *session, struct rop_object *object, struct rop_piece_note *piece,
                    const struct rop_took *took, uint32_t frame)
{
    const struct arena *arena = &session->track->arena;
    struct transfer *transfer = object->transfer;
    const uint32_t carried = transfer->lexer.unfinished;
    if (transfer->last) {
        transfer->last->piece.after_in = frame;
    }
    transfer->last = piece;
    transfer->last_in = frame;
    if (!took->lexer || !took->whole) {
        fx_begin_lost(&transfer->lexer);
        transfer->run = NULL;
        return;
    }
    transfer->lexer = *took->lexer;
    const uint32_t unfinished = transfer->lexer.unfinished, len = (uint32_t)took->data.len;
    if (unfinished == 0) {
        transfer->run = NULL;
    } else if (transfer->run && unfinished == carried + len) {
        append(arena, transfer->run, took->data.ptr, len); /* still the same that is not finished */
    } else {
        /* What began in what was carried has ended; of what is unfinished now, some may be carried still. */
        struct rop_run *old = transfer->run;
        const uint32_t kept = old && unfinished > len ? unfinished - len : 0;
        const uint32_t fresh = unfinished < len ? unfinished : len;
        transfer->run = arena_new(arena, sizeof(*transfer->run));
        if (kept > 0) {
            append(arena, transfer->run, old->bytes + old->len - kept, kept);
        }
        append(arena, transfer->run, took->data.ptr + len - fresh, fresh);
    }
}

const struct rop_piece *transfer_show(struct rop_piece_note *note)
{
    note->piece.carried = note->run ? note->run->bytes + note->carried_at : NULL;
    return &note->piece;
}
