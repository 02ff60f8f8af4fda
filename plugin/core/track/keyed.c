/* keyed.c
 * Items that are found by digests of values.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "logon_private.h"
#include "chars.h"

uint64_t digest_bytes(const struct aworld *world, uint64_t seed, const void *data, size_t len)
{
    return hash_keyed(&world->arena.key, seed, data, len) | 1;
}

uint64_t digest_nocase(const struct aworld *world, uint64_t seed, struct span s)
{
    return hash_nocase(&world->arena.key, seed, s) | 1;
}

uint64_t digest_text(const struct aworld *world, uint64_t seed, const char *text)
{
    return digest_nocase(world, seed, span_of((const uint8_t *)text, strlen(text)));
}

uint32_t digest_fold(uint64_t digest)
{
    return (uint32_t)(digest ^ digest >> 32);
}

/* An item of one of the tables that are searched by a digest alone. */
void *keyed_find(const struct table *table, uint64_t key)
{
    for (struct item *item = table_first(table, digest_fold(key)); item; item = table_next(item)) {
        if (((struct keyed *)item)->key == key) {
            return item;
        }
    }
    return NULL;
}

void *keyed_make(struct aworld *world, struct table *table, uint64_t key, size_t size)
{
    struct keyed *found = keyed_find(table, key);
    if (!found) {
        found = arena_new(&world->arena, size);
        found->key = key;
        table_add(&world->arena, table, &found->item, digest_fold(key));
    }
    return found;
}

const char *auth_keep(struct aworld *world, const char *text)
{
    const char *kept = track_text(world->track, text);
    return kept ? kept : "";
}
