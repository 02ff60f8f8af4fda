/* notes.c
 * What later passes need of each frame: one entry, by the frame's number. Frames are met in
 * their order on the first pass, so the notes stand in order, too.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "notes.h"

#include "store.h"

struct entry {
    uint32_t frame;
    struct frame_note *rpch; /* or NULL */
    struct mapi_note *mapi;  /* or NULL */
};

struct notes {
    struct entry *entry; /* file scope */
    uint32_t count, room;
    uint32_t last; /* the entry that was looked at last */
    bool open;     /* first pass: the newest one is of the frame under dissection */
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
    return a->leg == b->leg && a->half[0] == b->half[0] && a->half[1] == b->half[1] && a->target == b->target &&
           a->outlook_session == b->outlook_session && a->session_id == b->session_id &&
           a->peer_frame == b->peer_frame && a->channel == b->channel && a->state == b->state &&
           a->has_cookie == b->has_cookie;
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

/* The place of the last entry of a frame up to this one, counted from 1: a frame that a read filter
 * rejected leaves its number to the next. */
static uint32_t find(const struct notes *notes, uint32_t frame)
{
    uint32_t low = 0, high = notes->count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (notes->entry[middle].frame <= frame)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The entry of the frame under dissection, NULL if none. */
static struct entry *entry_get(const packet_info *pinfo)
{
    struct notes *notes = the_notes();
    const struct entry *entry = notes->entry;
    const uint32_t frame = pinfo->num;
    if (notes->count == 0 || entry[notes->count - 1].frame < frame)
        return NULL;
    if (!PINFO_FD_VISITED(pinfo))
        return notes->open ? &notes->entry[notes->count - 1] : NULL;
    /* Mostly it is the one of the last look, or the next. */
    const uint32_t last = notes->last, next = last + 1;
    if (entry[last].frame < frame && next < notes->count && entry[next].frame >= frame)
        notes->last = next;
    if (entry[notes->last].frame != frame || (notes->last + 1 < notes->count && entry[notes->last + 1].frame == frame))
        notes->last = MAX(find(notes, frame), 1) - 1;
    return entry[notes->last].frame == frame ? &notes->entry[notes->last] : NULL;
}

static struct entry *entry_make(const packet_info *pinfo)
{
    struct entry *entry = entry_get(pinfo);
    if (entry)
        return entry;
    struct notes *notes = the_notes();
    if (notes->count == notes->room) {
        notes->room = notes->room ? notes->room * 2 : 64;
        notes->entry =
            (struct entry *)wmem_realloc(wmem_file_scope(), notes->entry, notes->room * sizeof *notes->entry);
    }
    notes->open = true;
    notes->entry[notes->count] = (struct entry){ .frame = pinfo->num };
    return &notes->entry[notes->count++];
}

struct frame_note *frame_note_get(packet_info *pinfo)
{
    const struct entry *entry = entry_get(pinfo);
    return entry ? entry->rpch : NULL;
}

struct frame_note *frame_note_make(packet_info *pinfo, struct stream *stream)
{
    struct entry *entry = entry_make(pinfo);
    if (!entry->rpch) {
        entry->rpch = (struct frame_note *)store_new(sizeof *entry->rpch);
        entry->rpch->stream = stream;
        entry->rpch->row = entry->rpch->auth_row = NO_NUMBER;
    }
    return entry->rpch;
}

struct mapi_note *mapi_note_get(packet_info *pinfo)
{
    const struct entry *entry = entry_get(pinfo);
    return entry ? entry->mapi : NULL;
}

struct mapi_note *mapi_note_make(packet_info *pinfo)
{
    struct entry *entry = entry_make(pinfo);
    if (!entry->mapi) {
        entry->mapi = (struct mapi_note *)store_new(sizeof *entry->mapi);
        entry->mapi->row = entry->mapi->auth_row = NO_NUMBER;
    }
    return entry->mapi;
}

struct frame_notes notes_of(uint32_t frame)
{
    const struct notes *notes = the_notes();
    const uint32_t place = find(notes, frame);
    const struct entry *entry = place > 0 ? &notes->entry[place - 1] : NULL;
    return entry && entry->frame == frame ? (struct frame_notes){ entry->rpch, entry->mapi } :
                                            (struct frame_notes){ NULL, NULL };
}

void notes_each(notes_look *look, void *ctx)
{
    const struct notes *notes = (const struct notes *)store->part[STORE_NOTES];
    for (uint32_t i = 0; notes && i < notes->count; i++) {
        const struct entry *entry = &notes->entry[i];
        look(ctx, entry->frame, entry->rpch, entry->mapi);
    }
}

void notes_end_of_frame(void)
{
    the_notes()->open = false;
}
