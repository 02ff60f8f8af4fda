/* keyed.c
 * Values told apart by digests.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "logon_private.h"
#include "chars.h"

uint64_t digest_bytes(const struct logon_state *world, uint64_t seed, const void *data, size_t len)
{
    return hash_keyed(&world->arena.key, seed, data, len) | 1;
}

uint64_t digest_nocase(const struct logon_state *world, uint64_t seed, struct span s)
{
    return hash_nocase(&world->arena.key, seed, s) | 1;
}

uint64_t digest_text(const struct logon_state *world, uint64_t seed, const char *text)
{
    return digest_nocase(world, seed, span_of((const uint8_t *)text, strlen(text)));
}

const char *auth_keep(struct logon_state *world, const char *text)
{
    const char *kept = track_text(world->track, text);
    return kept ? kept : "";
}
