/* hash.c
 * SipHash (Aumasson and Bernstein, 2012) with one round a word and three at the end.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "hash.h"

struct sip {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate(uint64_t value, unsigned bits)
{
    return value << bits | value >> (64 - bits);
}

static inline void sip_round(struct sip *sip)
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

static inline void sip_word(struct sip *sip, uint64_t word)
{
    sip->v3 ^= word;
    sip_round(sip);
    sip->v0 ^= word;
}

/* Its bytes, ASCII letters as small ones: the highest bit of each byte that is a capital becomes its bit 0x20. */
static uint64_t folded(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    const uint64_t low = word & ones * 0x7F;
    const uint64_t from_a = low + ones * (0x80 - 'A'), behind_z = low + ones * (0x7F - 'Z');
    return word | ((from_a ^ behind_z) & ~word & ones * 0x80) >> 2;
}

static uint64_t last_word(const uint8_t *p, size_t len)
{
    uint64_t word = 0;
    for (size_t i = 0; i < len; i++) {
        word |= (uint64_t)p[i] << 8 * i;
    }
    return word;
}

static uint64_t sip_hash(const struct hash_key *key, uint64_t seed, const uint8_t *p, size_t len, bool fold_case)
{
    struct sip sip = { key->half[0] ^ UINT64_C(0x736F6D6570736575), key->half[1] ^ UINT64_C(0x646F72616E646F6D),
                       key->half[0] ^ UINT64_C(0x6C7967656E657261), key->half[1] ^ UINT64_C(0x7465646279746573) };
    const uint64_t size = (uint64_t)len + 8; /* with the seed, which is the first word */
    sip_word(&sip, seed);
    for (; len >= 8; p += 8, len -= 8) {
        sip_word(&sip, fold_case ? folded(get_le64(p)) : get_le64(p));
    }
    const uint64_t last = last_word(p, len);
    sip_word(&sip, size << 56 | (fold_case ? folded(last) : last));
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
