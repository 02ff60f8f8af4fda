/* tables.h
 * Hash tables, rows and kept text in an arena: they grow, nothing is taken out of them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_TABLES_H
#define OUTLOOKHTTP_TABLES_H

#include "hash.h"

/* The items of a chained hash table begin with this. */
struct item {
    struct item *next;
    uint32_t hash;
};

struct table { /* all zero: empty */
    struct item **slot;
    uint32_t size, used;
};

/* With the secret of the arena. */
uint32_t hash_bytes(const struct arena *arena, const void *data, size_t len, uint32_t seed);

/* The items of that hash, newest first; the caller compares. */
struct item *table_first(const struct table *table, uint32_t hash);
struct item *table_next(struct item *item);
/* The item belongs to the caller and stays where it is. */
void table_add(const struct arena *arena, struct table *table, struct item *item, uint32_t hash);

/* Moves items of size bytes, which fill their room, to twice that, or to first: their new place. */
void *arena_grow(const struct arena *arena, void *items, uint32_t *room, uint32_t first, size_t size);

/* Objects in the order in which they came. */
struct rows { /* all zero: none */
    void **row;
    uint32_t count, room;
};

/* Returns the row's index. The object belongs to the caller. */
uint32_t rows_add(const struct arena *arena, struct rows *rows, void *object);
/* NULL behind the last one. */
static inline void *rows_at(const struct rows *rows, uint32_t index)
{
    return index < rows->count ? rows->row[index] : NULL;
}

/* The one copy of text in texts, NULL for "". */
const char *text_keep(const struct arena *arena, struct table *texts, const char *text);

#endif
