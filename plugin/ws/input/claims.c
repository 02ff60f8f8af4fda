/* claims.c
 * Which connections were claimed, roughly.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "claims.h"

#include "store.h"

/* One byte for many pairs of ends. It never grows, and who makes pairs meet in it only brings
 * back the look-up that it saves: no secret. */
#define CLAIM_SLOTS 0x4000u

static uint8_t *slot_of(const struct tcp_frame *tcp)
{
    uint8_t *slots = (uint8_t *)store_part(STORE_CLAIMS, CLAIM_SLOTS);
    return &slots[tcp_ends_hash(tcp) % CLAIM_SLOTS];
}

void claims_add(const struct tcp_frame *tcp, enum claim by)
{
    *slot_of(tcp) |= (uint8_t)by;
}

#define RECENT_SLOTS 0x400u

struct recent {
    void *of[2]; /* a stream of RPC over HTTP, one of MAPI/HTTP */
};

static struct recent *recent_of(const struct tcp_frame *tcp)
{
    struct recent *slots = (struct recent *)store_part(STORE_RECENT, RECENT_SLOTS * sizeof *slots);
    return &slots[tcp_ends_hash(tcp) % RECENT_SLOTS];
}

void **claims_recent(const packet_info *pinfo, const struct tcp_frame *tcp, enum claim by)
{
    return PINFO_FD_VISITED(pinfo) || (tcp->flags & TH_SYN) ? NULL : &recent_of(tcp)->of[by == CLAIM_MAPI];
}

void claims_begin_anew(const struct tcp_frame *tcp)
{
    *recent_of(tcp) = (struct recent){ { NULL, NULL } };
}

unsigned claims_of(const struct tcp_frame *tcp)
{
    return store_active() || store_mapi_active() ? *slot_of(tcp) : 0;
}
