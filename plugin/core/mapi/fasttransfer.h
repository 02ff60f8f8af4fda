/* fasttransfer.h
 * FastTransfer streams (MS-OXCFXICS 2.2.4), read piece by piece as ROPs carry them: markers,
 * properties, and the elements that these make up.
 *
 * Between two pieces stands a struct fx_lexer and nothing else: plain data, without pointers.
 * For each stream a caller keeps the lexer as it is now; to show any piece alone later, a copy
 * of it as it was before that piece, and the carried bytes.
 *
 * Carried bytes: a piece may end inside what cannot be read in parts (a marker, a tag, a number,
 * a value of up to FX_CARRY_MAX bytes). Then lexer->unfinished says how many bytes at the end of
 * what was just read have to stand in front of the next piece, and the next buffer is these and
 * the piece. They are always the last bytes of the stream so far: a caller that gets pieces of a
 * byte holds the stream once, in one run, and does not copy what is carried for each piece. What
 * was read of such a value is remembered: however small the pieces, it is not read again. A
 * longer value is shown in parts and never carried.
 *
 * Nothing is allocated. The lexer goes the same way whatever the sink shows: a sink without
 * members advances it, and a message that shows no more values does not stop it. After a sink
 * whose call did not return the lexer is good for nothing: show with a copy.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_FASTTRANSFER_H
#define OUTLOOKHTTP_FASTTRANSFER_H

#include "field.h"

/* All that they can show, for registration; property_layouts is part of it. */
extern const struct field fx_layouts[];

/* What the stream is, by the ROP that began it (2.2.4.4). */
enum fx_root {
    FX_UNKNOWN, /* any element may come */
    FX_CONTENTS_SYNC,
    FX_HIERARCHY_SYNC,
    FX_STATE,
    FX_FOLDER_CONTENT,
    FX_MESSAGE_CONTENT,
    FX_ATTACHMENT_CONTENT,
    FX_MESSAGE_LIST,
    FX_TOP_FOLDER
};

#define FX_CARRY_MAX 0x10000u
/* Elements inside one another, the root among them, that are shown below one another; what is
 * deeper is read and shown flat. */
#define FX_NESTED_MAX 16u

struct fx_element {
    uint8_t kind, place; /* what it is; where in its syntax the reading is */
};

struct fx_lexer {
    uint32_t unfinished; /* bytes to be carried, see above */

    uint8_t next;  /* what the next byte begins, enum fx_next (fasttransfer.c) */
    bool guess;    /* the beginning of the stream is not known */
    uint8_t depth; /* of nested */
    struct fx_element nested[FX_NESTED_MAX];
    uint32_t deeper; /* elements begun, and not ended, below the last of nested */

    /* The property under way. */
    uint32_t tag;
    uint32_t count, items; /* several values: of all, and of those that are not read yet */
    uint32_t size, gone;   /* of a value: as announced; bytes that went by and were not carried */
    uint32_t searched;     /* of what is carried: known not to hold the end of a name */
};

/* A stream from its first byte on. */
void fx_begin(struct fx_lexer *lexer, enum fx_root root);
/* A stream whose beginning is not known, or from here on one of which bytes are missing: nothing
 * is read up to the next marker, and what follows is shown as a guess. */
void fx_begin_lost(struct fx_lexer *lexer);

/* One piece, with the lexer->unfinished carried bytes before it: all that is left of reader.
 * What is wrong is an issue at its byte, and the reading goes on. If the capture lacks bytes of
 * the piece (reader->whole), the stream is lost behind it, unless they are all of one value. */
void fx_read(struct reader *reader, struct fx_lexer *lexer);

/* Whether the stream may end here: no element, property or value is under way. False as well
 * where it is a guess. */
bool fx_may_end(const struct fx_lexer *lexer);

#endif
