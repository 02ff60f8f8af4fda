/* transfers.c
 * FastTransfer streams: where each stands before each of its pieces.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "objects_private.h"

#define RUN_FIRST 256u

void transfer_begin(struct rop_session *session, struct rop_object *object, enum fx_root root)
{
    object->transfer = arena_new(&session->track->arena, sizeof(*object->transfer));
    object->transfer->missed = session->missed;
    fx_begin(&object->transfer->lexer, root);
}

void transfer_lose(struct rop_session *session, struct rop_object *object)
{
    if (!object->transfer) {
        object->transfer = arena_new(&session->track->arena, sizeof(*object->transfer));
    }
    object->transfer->missed = session->missed;
    fx_begin_lost(&object->transfer->lexer);
    object->transfer->run = NULL;
    object->transfer->last = NULL;
    object->transfer->last_in = 0;
}

void transfer_end(struct rop_session *session, struct rop_object *object)
{
    arena_give_back(&session->track->arena, object->transfer, sizeof(*object->transfer));
    object->transfer = NULL;
}

struct rop_piece_note *transfer_piece(struct rop_session *session, struct rop_object *object)
{
    if (!object->transfer || object->transfer->missed != session->missed) {
        transfer_lose(session, object); /* it began before the capture, or where that has a gap */
    }
    const struct transfer *transfer = object->transfer;
    struct rop_piece_note *note = arena_new(&session->track->arena, sizeof(*note));
    note->piece.lexer = transfer->lexer;
    note->piece.before_in = transfer->last_in;
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

/* The lexer goes by so many bytes, what is carried among them. */
static void advance(struct fx_lexer *lexer, const uint8_t *bytes, uint32_t len)
{
    static const struct field_sink nobody;
    struct reader reader;
    reader_init(&reader, bytes, len, len, &nobody);
    fx_read(&reader, lexer);
}

static struct rop_run *run_of(const struct arena *arena, const uint8_t *bytes, uint32_t len)
{
    struct rop_run *run = arena_new(arena, sizeof(*run));
    append(arena, run, bytes, len);
    return run;
}

/* What is carried and these bytes, which are longer: read in a buffer of the moment, so that a run does not grow by
 * what is read at once. */
static void go_on_apart(const struct arena *arena, struct transfer *transfer, struct span data)
{
    const uint32_t carried = transfer->lexer.unfinished, len = carried + (uint32_t)data.len;
    uint8_t *joined = NULL;
    const uint8_t *bytes = data.ptr;
    if (carried > 0) {
        joined = arena_new(arena, len);
        memcpy(joined, transfer->run->bytes + transfer->run->len - carried, carried);
        memcpy(joined + carried, data.ptr, data.len);
        bytes = joined;
    }
    advance(&transfer->lexer, bytes, len);
    const uint32_t unfinished = transfer->lexer.unfinished;
    if (unfinished == len && transfer->run) {
        append(arena, transfer->run, data.ptr, (uint32_t)data.len); /* still the same that is not finished */
    } else {
        transfer->run = unfinished > 0 ? run_of(arena, bytes + len - unfinished, unfinished) : NULL;
    }
    arena_give_back(arena, joined, len);
}

/* The same for a piece that is shorter than what is carried: that is not copied for each piece. */
static void go_on_in_run(const struct arena *arena, struct transfer *transfer, struct span data)
{
    struct rop_run *run = transfer->run;
    const uint32_t len = transfer->lexer.unfinished + (uint32_t)data.len;
    append(arena, run, data.ptr, (uint32_t)data.len);
    advance(&transfer->lexer, run->bytes + run->len - len, len);
    const uint32_t unfinished = transfer->lexer.unfinished;
    if (unfinished < len) {
        transfer->run = unfinished > 0 ? run_of(arena, run->bytes + run->len - unfinished, unfinished) : NULL;
    }
}

static void go_on(const struct arena *arena, struct transfer *transfer, struct span data)
{
    if (data.len < transfer->lexer.unfinished) {
        go_on_in_run(arena, transfer, data);
    } else {
        go_on_apart(arena, transfer, data);
    }
}

void transfer_go_on(struct rop_session *session, struct rop_object *object, struct rop_piece_note *piece,
                    struct span data, uint32_t frame)
{
    struct transfer *transfer = object->transfer;
    if (transfer->last) {
        transfer->last->piece.after_in = frame;
    }
    piece->before = transfer->last;
    transfer->last = piece;
    transfer->last_in = frame;
    go_on(&session->track->arena, transfer, data);
}

void transfer_took_part(struct rop_session *session, struct rop_object *object, struct rop_piece_note *piece,
                        struct span part)
{
    struct transfer *transfer = object->transfer;
    if (transfer->last != piece) {
        transfer_lose(session, object); /* others were sent behind it: which bytes of theirs count, nobody knows */
        return;
    }
    /* Back to where it stood before the piece. What was appended to its run since is of this piece. */
    transfer->lexer = piece->piece.lexer;
    transfer->run = piece->run;
    if (transfer->run) {
        transfer->run->len = piece->carried_at + transfer->lexer.unfinished;
    }
    if (part.len > 0) {
        go_on(&session->track->arena, transfer, part);
    } else {
        transfer->last = piece->before; /* it is not of the stream at all */
        transfer->last_in = piece->piece.before_in;
    }
}

const struct rop_piece *transfer_show(struct rop_piece_note *note)
{
    note->piece.carried = note->run ? note->run->bytes + note->carried_at : NULL;
    return &note->piece;
}
