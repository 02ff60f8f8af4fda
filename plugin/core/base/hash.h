/* hash.h
 * A keyed hash (SipHash-1-3) for tables and for digests that stand for a value. Nothing that
 * is shown may depend on it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_HASH_H
#define OUTLOOKHTTP_HASH_H

#include "bytes.h"

/* seed: what the value is of, or the hash of what stands before it. */
uint64_t hash_keyed(const struct hash_key *key, uint64_t seed, const void *data, size_t len);

/* The same for ASCII letters of either case. */
uint64_t hash_nocase(const struct hash_key *key, uint64_t seed, struct span text);

#endif
