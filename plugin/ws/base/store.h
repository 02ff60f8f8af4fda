/* store.h
 * What is known of the capture file, in memory that lives as long.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_STORE_H
#define OUTLOOKHTTP_STORE_H

#include "compat.h"

#include "outlook.h"

/* What other files keep of a capture file: each has a part of its own. */
enum store_part { STORE_NOTES, STORE_LEAVES, STORE_CLAIMS, STORE_BODIES, STORE_PARTS };

void store_init(void);        /* a new capture file */
void *store_new(size_t size); /* zeroed; lives as long as the file */
struct carry;
/* Puts bytes behind those of carry. */
void store_append(struct carry *carry, const void *bytes, size_t len);
void store_empty(struct carry *carry);
void *store_part(enum store_part part, size_t size); /* the same each time: store_new(size) when first asked for */
struct rpch_state *store_world(void);                /* made on first use */
bool store_active(void);                             /* some stream was claimed */
struct logon_state *store_auth(void);
struct mapi_state *store_mapi(void);
bool store_mapi_active(void);
struct track *store_track(void);
const struct verdict *store_take_verdicts(void); /* of all worlds, in the order of what they are about */
const char *store_intern(const char *text);
const struct hash_key *store_key(void); /* the secret of this file */
struct when frame_when(const packet_info *pinfo);

static inline nstime_t ns_time(int64_t ns)
{
    return (nstime_t){ (time_t)(ns / 1000000000), (int)(ns % 1000000000) };
}

#endif
