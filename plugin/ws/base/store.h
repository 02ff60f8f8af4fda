/* store.h
 * What is known of the capture file, in memory that lives as long.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_STORE_H
#define OUTLOOKHTTP_STORE_H

#include <wiretap/wtap.h>

#include "compat.h"

#include "outlook.h"

/* What other files keep of a capture file: each has a part of its own. */
enum store_part {
    STORE_NOTES,
    STORE_LEAVES,
    STORE_CLAIMS,
    STORE_RECENT,
    STORE_EMSMDB,
    STORE_GUESSES,
    STORE_EXPORT,
    STORE_EARLY,
    STORE_PARTS
};

/* All of ws that belongs to a file: it goes with it. Here for what each frame asks; store.c changes it. */
struct store {
    struct arena arena;
    struct outlook *outlook; /* made on first use */
    bool rpch_used, mapi_used;
    struct table interned;
    void *part[STORE_PARTS];
    uint32_t interface;  /* that the last frame was captured on, and one; 0: none so far */
    uint32_t body_frame; /* in which http handed a body of MAPI/HTTP over last */
    uint8_t *block;      /* of store_new(): what is left of it stands at its beginning */
    size_t block_left;
};
extern struct store *store;

void store_init(void);        /* a new capture file */
void store_close(void);       /* it is closed: nothing is known any more */
void *store_new(size_t size); /* zeroed; lives as long as the file */
struct carry;
/* Puts bytes behind those of carry. */
void store_append(struct carry *carry, const void *bytes, size_t len);
void store_empty(struct carry *carry);
struct outlook *store_outlook(void); /* made on first use, as the next ones */
struct rpch_state *store_world(void);
struct logon_state *store_auth(void);
struct mapi_state *store_mapi(void);
struct track *store_track(void);
/* Data of a connection that nobody claimed came from that end. */
void store_heard(const packet_info *pinfo, const struct endpoint *end);
/* That end answered a SYN by RST. */
void store_refused(const packet_info *pinfo, const struct endpoint *end);
const struct verdict *store_take_verdicts(void); /* of all worlds, in the order of what they are about */
const char *store_intern(const char *text);
const struct hash_key *store_key(void); /* the secret of this file */
struct when frame_when(const packet_info *pinfo);
/* family 0 if it is no address of IP. */
void frame_endpoint(struct endpoint *endpoint, const address *addr, uint16_t port);

/* The same each time: store_new(size) when first asked for. */
static inline void *store_part(enum store_part part, size_t size)
{
    if (!store->part[part])
        store->part[part] = store_new(size);
    return store->part[part];
}

/* There is a file. Windows outlive it, and Wireshark draws them without one: then nothing can be made that lives as long. */
bool store_open(void);

/* Some connection was claimed for it. */
static inline bool store_active(void)
{
    return store->rpch_used;
}

static inline bool store_mapi_active(void)
{
    return store->mapi_used;
}

static inline nstime_t ns_time(int64_t ns)
{
    return (nstime_t){ (time_t)(ns / 1000000000), (int)(ns % 1000000000) };
}

void store_moves(const packet_info *pinfo, uint32_t interface);
/* The state is told where the frame was captured, before what it carries. First pass only. Files of a ring that stand one
 * behind the other, a section each, have the same interfaces. */
static inline void store_frame(const packet_info *pinfo)
{
    const wtap_rec *rec = pinfo->rec;
    const bool known = rec && (rec->presence_flags & WTAP_HAS_INTERFACE_ID);
    const uint32_t interface = 1 + (known ? rec->rec_header.packet_header.interface_id : 0);
    if (interface != store->interface)
        store_moves(pinfo, interface);
}

#endif
