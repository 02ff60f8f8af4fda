/* row_table.h
 * A table whose rows the state numbers, of which those are listed that a frame speaks of.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_ROW_TABLE_H
#define OUTLOOKHTTP_ROW_TABLE_H

#include "compat.h"

#include <epan/stat_tap_ui.h>

#include "clients.h"
#include "connections.h"
#include "logons.h"
#include "sessions.h"

#define COLUMNS_MAX 32
#define WAITING_MAX 1024u

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

/* Which rows are listed: a frame that passes the filter of the table lists its own. */
struct listing {
    const void *file;                 /* of which capture file all this is; NULL: of none */
    uint32_t *place, places;          /* by number of the row: its place in the table + 1, 0 if it is not listed */
    uint32_t *row, rows, room;        /* by place: the number of the row */
    uint64_t moved;                   /* rows that made room for others */
    uint32_t known;                   /* how many rows the state had */
    const void *waiting[WAITING_MAX]; /* what has no row so far, though a frame of it has passed: a ring */
    uint32_t waits;
};

struct row_table {
    stat_tap_table_ui ui; /* first: Wireshark knows the table by it */
    const char *title;
    const struct column *columns;
    /* Fills in the row; false if there is no such row. */
    bool (*fill)(uint32_t index, union row *row);
    /* Where what waits may get a row later: how many rows there are, and its row, NO_NUMBER if none. Else NULL. */
    uint32_t (*rows)(void);
    uint32_t (*row_of)(const void *waiting);
    stat_tap_table_item titles[COLUMNS_MAX];
    struct listing listing;
};

/* A frame of that row passes: lists the row, or fills it anew. NO_NUMBER: none. */
void row_table_list(void *tapdata, uint32_t row);
/* The row reads otherwise, if it is listed. */
void row_table_refill(void *tapdata, uint32_t row);
/* A frame passes of something that may get a row by what comes later. */
void row_table_wait(void *tapdata, const void *thing);
/* Lists what has waited and got its row since. */
void row_table_follow(void *tapdata);

/* Once for each table. */
void row_table_register(struct row_table *table);

#endif
