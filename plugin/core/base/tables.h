/* tables.h
 * Hash tables and kept text in an arena: they grow, nothing is taken out of them.
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

struct table {                   /* all zero: empty */
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

/* The one copy of text in texts, NULL for "". */
const char *text_keep(const struct arena *arena, struct table *texts, const char *text);

#endif
