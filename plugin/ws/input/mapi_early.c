/* mapi_early.c
 * Messages that wait until it is known whose they are.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "mapi_early.h"

#include "mapi.h"
#include "notes.h"
#include "store.h"

#define EARLY_MAX 64u            /* the oldest gives way */
#define EARLY_BYTES_MAX 0x10000u /* of one; a Connect has some hundred */

struct early {
    const struct mapi_message *message; /* NULL: free */
    uint32_t frame, head_len;
    nstime_t time;
    struct carry bytes; /* of head and body */
};

struct early_ring {
    struct early of[EARLY_MAX];
    uint32_t next;
};

void mapi_early_keep(const packet_info *pinfo, const struct followed_message *followed)
{
    struct early_ring *ring = (struct early_ring *)store_part(STORE_EARLY, sizeof *ring);
    if (followed->head.len + followed->body.len > EARLY_BYTES_MAX)
        return;
    struct early *early = &ring->of[ring->next++ % EARLY_MAX];
    store_empty(&early->bytes);
    early->message = followed->message;
    early->frame = pinfo->num;
    early->time = pinfo->abs_ts;
    early->head_len = (uint32_t)followed->head.len;
    if (followed->head.len > 0)
        store_append(&early->bytes, followed->head.ptr, followed->head.len);
    if (followed->body.len > 0)
        store_append(&early->bytes, followed->body.ptr, followed->body.len);
}

void mapi_early_tell(packet_info *pinfo, const struct mapi_message *message)
{
    struct early_ring *ring = (struct early_ring *)store->part[STORE_EARLY];
    for (uint32_t i = 0; ring && i < EARLY_MAX; i++) {
        struct early *early = &ring->of[(ring->next + i) % EARLY_MAX];
        if (!early->message || early->message->session != message->session || early->message->leg != message->leg)
            continue;
        const uint8_t *bytes = (const uint8_t *)wmem_memdup(pinfo->pool, early->bytes.bytes, early->bytes.len);
        struct followed_message *followed = wmem_new(pinfo->pool, struct followed_message);
        *followed =
            (struct followed_message){ .message = early->message,
                                       .frame = early->frame,
                                       .time = early->time,
                                       .head = { bytes, early->head_len },
                                       .body = { bytes + early->head_len, early->bytes.len - early->head_len } };
        tap_queue_packet(mapi_follow_tap, pinfo, followed);
        early->message = NULL;
        store_empty(&early->bytes);
    }
}
