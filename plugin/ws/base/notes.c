/* notes.c
 * What later passes need of each frame: one entry, by the frame's number. Frames are met in
 * their order on the first pass, so the notes stand in order, too.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "notes.h"

#include "store.h"

/* Nearly all frames have notes of one protocol. */
enum entry_of { OF_NOBODY, OF_RPCH, OF_MAPI, OF_BOTH };

struct both {
    struct frame_note *rpch; /* or NULL */
    struct mapi_note *mapi;  /* or NULL */
};

struct entry {
    uint32_t frame;
    uint8_t of;  /* enum entry_of: */
    void *notes; /* struct frame_note, struct mapi_note or struct both */
};

static struct both notes_in(const struct entry *entry)
{
    switch (entry ? entry->of : OF_NOBODY) {
    case OF_RPCH:
        return (struct both){ (struct frame_note *)entry->notes, NULL };
    case OF_MAPI:
        return (struct both){ NULL, (struct mapi_note *)entry->notes };
    case OF_BOTH:
        return *(struct both *)entry->notes;
    default:
        return (struct both){ NULL, NULL };
    }
}

static void put_notes(struct entry *entry, struct both notes)
{
    entry->of = (uint8_t)((notes.rpch ? OF_RPCH : OF_NOBODY) | (notes.mapi ? OF_MAPI : OF_NOBODY));
    if (entry->of == OF_BOTH) {
        entry->notes = store_new(sizeof notes);
        *(struct both *)entry->notes = notes;
    } else
        entry->notes = notes.rpch ? (void *)notes.rpch : (void *)notes.mapi;
}

struct notes {
    struct entry *entry; /* file scope */
    uint32_t count, room;
    struct call_note *last_call; /* first pass: of the frame under dissection, if it has any */
    uint32_t last;               /* the entry that was looked at last */
    bool open;                   /* first pass: the newest one is of the frame under dissection */
};

static struct notes *the_notes(void)
{
    return (struct notes *)store_part(STORE_NOTES, sizeof(struct notes));
}

struct call_note *notes_add_call(struct frame_note *note)
{
    struct notes *notes = the_notes();
    struct call_note *call = store_new(sizeof *call);
    if (note->calls)
        notes->last_call->next = call;
    else
        note->calls = call;
    notes->last_call = call;
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
    return notes_in(entry_get(pinfo)).rpch;
}

struct frame_note *frame_note_make(packet_info *pinfo, struct stream *stream)
{
    struct entry *entry = entry_make(pinfo);
    struct both notes = notes_in(entry);
    if (!notes.rpch) {
        notes.rpch = (struct frame_note *)store_new(sizeof *notes.rpch);
        notes.rpch->stream = stream;
        notes.rpch->row = notes.rpch->auth_row = NO_NUMBER;
        put_notes(entry, notes);
    }
    return notes.rpch;
}

struct mapi_note *mapi_note_get(packet_info *pinfo)
{
    return notes_in(entry_get(pinfo)).mapi;
}

struct mapi_note *mapi_note_make(packet_info *pinfo)
{
    struct entry *entry = entry_make(pinfo);
    struct both notes = notes_in(entry);
    if (!notes.mapi) {
        notes.mapi = (struct mapi_note *)store_new(sizeof *notes.mapi);
        notes.mapi->auth_row = NO_NUMBER;
        put_notes(entry, notes);
    }
    return notes.mapi;
}

struct frame_notes notes_of(uint32_t frame)
{
    const struct notes *notes = the_notes();
    const uint32_t place = find(notes, frame);
    const struct entry *entry = place > 0 ? &notes->entry[place - 1] : NULL;
    const struct both both = notes_in(entry && entry->frame == frame ? entry : NULL);
    return (struct frame_notes){ both.rpch, both.mapi };
}

void notes_each(notes_look *look, void *ctx)
{
    const struct notes *notes = (const struct notes *)store->part[STORE_NOTES];
    for (uint32_t i = 0; notes && i < notes->count; i++) {
        const struct both both = notes_in(&notes->entry[i]);
        look(ctx, notes->entry[i].frame, both.rpch, both.mapi);
    }
}

void notes_end_of_frame(void)
{
    the_notes()->open = false;
}
