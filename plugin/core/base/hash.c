/* hash.c
 * SipHash (Aumasson and Bernstein, 2012) with one round a word and three at the end.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "hash.h"

#include "chars.h"

struct sip {
    uint64_t v0, v1, v2, v3;
};

static uint64_t rotate(uint64_t value, unsigned bits)
{
    return value << bits | value >> (64 - bits);
}

static void sip_round(struct sip *sip)
{
    sip->v0 += sip->v1;
    sip->v1 = rotate(sip->v1, 13) ^ sip->v0;
    sip->v0 = rotate(sip->v0, 32);
    sip->v2 += sip->v3;
    sip->v3 = rotate(sip->v3, 16) ^ sip->v2;
    sip->v0 += sip->v3;
    sip->v3 = rotate(sip->v3, 21) ^ sip->v0;
    sip->v2 += sip->v1;
    sip->v1 = rotate(sip->v1, 17) ^ sip->v2;
    sip->v2 = rotate(sip->v2, 32);
}

static void sip_word(struct sip *sip, uint64_t word)
{
    sip->v3 ^= word;
    sip_round(sip);
    sip->v0 ^= word;
}

static uint64_t word_at(const uint8_t *p, size_t len, bool fold_case)
{
    uint64_t word = 0;
    for (size_t i = 0; i < len; i++) {
        word |= (uint64_t)(fold_case ? lower(p[i]) : p[i]) << 8 * i;
    }
    return word;
}

static uint64_t sip_hash(const struct hash_key *key, uint64_t seed, const uint8_t *p, size_t len, bool fold_case)
{
    struct sip sip = {
        key->half[0] ^ UINT64_C(0x736F6D6570736575), key->half[1] ^ UINT64_C(0x646F72616E646F6D),
        key->half[0] ^ UINT64_C(0x6C7967656E657261), key->half[1] ^ UINT64_C(0x7465646279746573)
    };
    const uint64_t size = (uint64_t)len + 8;         /* with the seed, which is the first word */
    sip_word(&sip, seed);
    for (; len >= 8; p += 8, len -= 8) {
        sip_word(&sip, fold_case ? word_at(p, 8, true) : get_le64(p));
    }
    sip_word(&sip, size << 56 | word_at(p, len, fold_case));
    sip.v2 ^= 0xFF;
    for (int i = 0; i < 3; i++) {
        sip_round(&sip);
    }
    return sip.v0 ^ sip.v1 ^ sip.v2 ^ sip.v3;
}

uint64_t hash_keyed(const struct hash_key *key, uint64_t seed, const void *data, size_t len)
{
    return sip_hash(key, seed, data, len, false);
}

uint64_t hash_nocase(const struct hash_key *key, uint64_t seed, struct span text)
{
    return sip_hash(key, seed, text.ptr, text.len, true);
}
