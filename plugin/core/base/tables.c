/* tables.c
 * Hash tables, rows and kept text in an arena.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "tables.h"

uint32_t hash_bytes(const struct arena *arena, const void *data, size_t len, uint32_t seed)
{
    return (uint32_t)hash_keyed(&arena->key, seed, data, len);
}

struct item *table_first(const struct table *table, uint32_t hash)
{
    struct item *item = table->size ? table->slot[hash & (table->size - 1)] : NULL;
    while (item && item->hash != hash) {
        item = item->next;
    }
    return item;
}

struct item *table_next(struct item *item)
{
    uint32_t hash = item->hash;
    do {
        item = item->next;
    } while (item && item->hash != hash);
    return item;
}

static void table_grow(const struct arena *arena, struct table *table)
{
    uint32_t size = table->size ? table->size * 2 : 16;
    struct item **slot = arena_new(arena, size * sizeof(*slot));
    for (uint32_t i = 0; i < table->size; i++) {
        struct item *item = table->slot[i];
        while (item) {
            struct item *next = item->next;
            item->next = slot[item->hash & (size - 1)];
            slot[item->hash & (size - 1)] = item;
            item = next;
        }
    }
    arena_give_back(arena, table->slot, table->size * sizeof(*slot));
    table->slot = slot;
    table->size = size;
}

void table_add(const struct arena *arena, struct table *table, struct item *item, uint32_t hash)
{
    if (table->used >= table->size) {
        table_grow(arena, table);
    }
    item->hash = hash;
    item->next = table->slot[hash & (table->size - 1)];
    table->slot[hash & (table->size - 1)] = item;
    table->used++;
}

void *arena_grow(const struct arena *arena, void *items, uint32_t *room, uint32_t first, size_t size)
{
    const size_t used = *room * size;
    *room = *room ? *room * 2 : first;
    void *moved = arena_new(arena, *room * size);
    if (items) {
        memcpy(moved, items, used);
    }
    arena_give_back(arena, items, used);
    return moved;
}

uint32_t rows_add(const struct arena *arena, struct rows *rows, void *object)
{
    if (rows->count == rows->room) {
        rows->row = arena_grow(arena, rows->row, &rows->room, 16, sizeof(*rows->row));
    }
    rows->row[rows->count] = object;
    return rows->count++;
}

struct text_node {
    struct item item;
    char text[];
};

const char *text_keep(const struct arena *arena, struct table *texts, const char *text)
{
    size_t len = strlen(text);
    if (len == 0) {
        return NULL;
    }
    uint32_t hash = hash_bytes(arena, text, len, 0);
    for (struct item *item = table_first(texts, hash); item; item = table_next(item)) {
        struct text_node *node = (struct text_node *)item;
        if (strcmp(node->text, text) == 0) {
            return node->text;
        }
    }
    struct text_node *node = arena_new(arena, sizeof(*node) + len + 1);
    memcpy(node->text, text, len + 1);
    table_add(arena, texts, &node->item, hash);
    return node->text;
}
