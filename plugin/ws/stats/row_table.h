/* row_table.h
 * A table whose rows the state numbers, of which those are listed that a frame speaks of.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_ROW_TABLE_H
#define OUTLOOKHTTP_ROW_TABLE_H

#include "compat.h"

#include <epan/stat_tap_ui.h>

#include <epan/tap.h>

#include "clients.h"
#include "connections.h"
#include "logons.h"
#include "notes.h"
#include "sessions.h"

#define COLUMNS_MAX 32

union row {
    struct leg_row leg;
    struct session_row session;
    struct auth_row auth;
    struct client_row client;
};

/* A column, and the member of the row that it shows. */
struct column {
    stat_tap_table_item title;
    size_t member;
    char *(*text)(const void *member); /* NULL: a number, as it is */
};

/* Which rows are listed. */
struct listing {
    uint64_t file;             /* of which reading of a file all this is, by its secret; 0: of none */
    uint32_t *place, places;   /* by number of the row: its place in the table + 1, 0 if it is not listed */
    uint32_t *row, rows, room; /* by place: the number of the row */
    uint64_t moved;            /* rows that made room for others */
};

/* A frame that passed the filter of the table. */
struct passed {
    uint32_t frame;
    struct client *const *client; /* as in struct of_rows */
};

struct row_table {
    stat_tap_table_ui ui; /* first: Wireshark knows the table by it */
    const char *title;
    const struct column *columns;
    /* Fills in the row; false if there is no such row. */
    bool (*fill)(uint32_t index, union row *row);
    /* Calls row_table_list() for each row that a frame is of that has these notes. */
    void (*list)(struct row_table *table, const struct frame_notes *notes);
    /* The same of a client of plain RPC; NULL where that makes no row. */
    void (*list_client)(struct row_table *table, const struct client *client);
    stat_tap_table_item titles[COLUMNS_MAX];
    struct listing listing;
    GPtrArray *left; /* rows that are in no table any more, though a window may look at them; NULL: none */
    struct row_table *next;
    GArray *passed;     /* struct passed, in the order of frames, of the first pass; NULL: none so far */
    uint64_t passed_of; /* as listing.file */
};

/* Lists the row, if it is not listed and there is one of that number. NO_NUMBER: none. */
void row_table_list(struct row_table *table, uint32_t row);

/* The row of the report on connections that the frame is of, also where its channel was numbered later. */
static inline uint32_t row_of_frame(const struct frame_note *note)
{
    return note->row == NO_NUMBER && note->channel ? rpch_state_row_of(note->channel) : note->row;
}

/* Once for each table, which lists the rows of the frames that pass its filter. Rows are filled from what the whole file
 * showed: behind the last frame, where frames pass as they are met. */
void row_table_register(struct row_table *table);

#endif
