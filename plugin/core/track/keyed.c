/* keyed.c
 * Items that are found by digests of values.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "logon_private.h"
#include "chars.h"

/* FNV-1a of 64 bits. */
uint64_t digest_bytes(uint64_t seed, const void *data, size_t len)
{
    const uint8_t *p = data;
    uint64_t hash = seed ^ UINT64_C(0xCBF29CE484222325);
    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ p[i]) * UINT64_C(0x100000001B3);
    }
    return (hash ^ hash >> 32) | 1;      /* 0 says "none" */
}

uint64_t digest_nocase(uint64_t seed, struct span s)
{
    uint64_t hash = seed ^ UINT64_C(0xCBF29CE484222325);
    for (size_t i = 0; i < s.len; i++) {
        hash = (hash ^ lower(s.ptr[i])) * UINT64_C(0x100000001B3);
    }
    return (hash ^ hash >> 32) | 1;
}

uint64_t digest_text(uint64_t seed, const char *text)
{
    return digest_nocase(seed, span_of((const uint8_t *)text, strlen(text)));
}

uint32_t digest_fold(uint64_t digest)
{
    return hash_bytes(&digest, sizeof(digest), 0);
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
