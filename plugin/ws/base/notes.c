/* notes.c
 * What later passes need of each frame: one note, by the frame's number. Frames are met in
 * their order on the first pass, so the notes stand in order, too.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "notes.h"

#include <epan/proto_data.h>

#include "ids.h"
#include "store.h"

struct notes {
    struct frame_note **note;    /* file scope */
    uint32_t *frame;             /* of each */
    uint32_t count, room;
    uint32_t last;               /* the note that was looked at last */
    bool open;                   /* first pass: the newest one is of the frame under dissection */
};

static struct notes *the_notes(void)
{
    return (struct notes *)store_part(STORE_NOTES, sizeof(struct notes));
}

struct call_note *notes_add_call(struct frame_note *note)
{
    struct call_note *call = store_new(sizeof *call);
    if (note->last_call)
        note->last_call->next = call;
    else
        note->calls = call;
    note->last_call = call;
    return call;
}

void notes_add_auth(struct frame_note *note, const struct auth_shown *shown)
{
    struct auth_note *auth = store_new(sizeof *auth), **place = &note->auth;
    auth->shown = *shown;
    while (*place)
        place = &(*place)->next;
    *place = auth;
}

static bool same_mark(const struct vc_mark *a, const struct vc_mark *b)
{
    return a->leg == b->leg && a->half[0] == b->half[0] && a->half[1] == b->half[1] && a->target == b->target
        && a->outlook_session == b->outlook_session && a->session_id == b->session_id && a->peer_frame == b->peer_frame
        && a->channel == b->channel && a->state == b->state && a->has_cookie == b->has_cookie;
}

/* Most frames leave the state as the one before did. */
void notes_set_mark(struct frame_note *note, const struct vc_mark **last, const struct vc_mark *mark)
{
    if (!*last || !same_mark(*last, mark)) {
        struct vc_mark *copy = store_new(sizeof *copy);
        *copy = *mark;
        *last = copy;
    }
    note->mark = *last;
}

/* The place of the last note of a frame up to this one, counted from 1: a frame that a read filter
 * rejected leaves its number to the next. */
static uint32_t find(const struct notes *notes, uint32_t frame)
{
    uint32_t low = 0, high = notes->count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (notes->frame[middle] <= frame)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct frame_note *frame_note_get(packet_info *pinfo)
{
    struct notes *notes = the_notes();
    const uint32_t frame = pinfo->num;
    if (notes->count == 0 || notes->frame[notes->count - 1] < frame)
        return NULL;
    if (!PINFO_FD_VISITED(pinfo))
        return notes->open ? notes->note[notes->count - 1] : NULL;
    /* Mostly it is the one of the last look, or the next. */
    const uint32_t last = notes->last, next = last + 1;
    if (notes->frame[last] < frame && next < notes->count && notes->frame[next] >= frame)
        notes->last = next;
    if (notes->frame[notes->last] != frame || (notes->last + 1 < notes->count && notes->frame[notes->last + 1] == frame))
        notes->last = MAX(find(notes, frame), 1) - 1;
    return notes->frame[notes->last] == frame ? notes->note[notes->last] : NULL;
}

struct frame_note *frame_note_make(packet_info *pinfo, struct stream *stream)
{
    struct frame_note *note = frame_note_get(pinfo);
    if (note)
        return note;
    struct notes *notes = the_notes();
    if (notes->count == notes->room) {
        notes->room = notes->room ? notes->room * 2 : 64;
        notes->note = (struct frame_note **)wmem_realloc(wmem_file_scope(), notes->note, notes->room * sizeof *notes->note);
        notes->frame = (uint32_t *)wmem_realloc(wmem_file_scope(), notes->frame, notes->room * sizeof *notes->frame);
    }
    note = store_new(sizeof *note);
    note->stream = stream;
    note->row = note->auth_row = NO_NUMBER;
    notes->note[notes->count] = note;
    notes->frame[notes->count++] = pinfo->num;
    notes->open = true;
    return note;
}

void notes_end_of_frame(void)
{
    the_notes()->open = false;
}

/* ---- MAPI/HTTP -------------------------------------------------------------------- */

struct mapi_note *mapi_note_get(packet_info *pinfo)
{
    return (struct mapi_note *)p_get_proto_data(wmem_file_scope(), pinfo, proto_mapihttp, 0);
}

struct mapi_note *mapi_note_make(packet_info *pinfo)
{
    struct mapi_note *note = mapi_note_get(pinfo);
    if (!note) {
        note = wmem_new0(wmem_file_scope(), struct mapi_note);
        note->auth_row = NO_NUMBER;
        p_add_proto_data(wmem_file_scope(), pinfo, proto_mapihttp, 0, note);
    }
    return note;
}
