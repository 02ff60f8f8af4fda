/* store.c
 * Ties the pure state to Wireshark's frames and file scope.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "store.h"

#include <stdalign.h>

#include "ids.h"
#include "notes.h"
#include "tables.h"

static struct store nothing; /* between two files, for windows that outlive one: all zero */
struct store *store = &nothing;

static void *file_alloc(void *ctx _U_, size_t size)
{
    return wmem_alloc0(wmem_file_scope(), size);
}

/* Several small things are kept of each frame of ours: asking the allocator for each costs more than filling it. */
void *store_new(size_t size)
{
    enum { BLOCK = 8192, LARGE = 1024 };
    const size_t aligned =
        (size + alignof(uint64_t) - 1) & ~(alignof(uint64_t) - 1); /* what is kept has nothing wider */
    if (aligned > LARGE)
        return file_alloc(NULL, size);
    if (aligned > store->block_left) {
        store->block = (uint8_t *)file_alloc(NULL, BLOCK);
        store->block_left = BLOCK;
    }
    store->block_left -= aligned;
    return store->block + store->block_left;
}

static void file_give_back(void *ctx _U_, void *bytes, size_t size _U_)
{
    wmem_free(wmem_file_scope(), bytes);
}

void store_append(struct carry *carry, const void *bytes, size_t len)
{
    if (len == 0)
        return;
    if (carry->len + len > carry->room) {
        carry->room = MAX(2 * carry->room, carry->len + (uint32_t)len);
        carry->bytes = (uint8_t *)wmem_realloc(wmem_file_scope(), carry->bytes, carry->room);
    }
    memcpy(carry->bytes + carry->len, bytes, len);
    carry->len += (uint32_t)len;
}

void store_empty(struct carry *carry)
{
    wmem_free(wmem_file_scope(), carry->bytes);
    memset(carry, 0, sizeof *carry);
}

void store_close(void)
{
    store = &nothing;
}

bool store_open(void)
{
    return store != &nothing;
}

const struct hash_key *store_key(void)
{
    return &store->arena.key;
}

void store_init(void)
{
    store = file_alloc(NULL, sizeof *store);
    store->arena.alloc = file_alloc;
    store->arena.give_back = file_give_back;
    for (unsigned i = 0; i < 2; i++)
        store->arena.key.half[i] = (uint64_t)g_random_int() << 32 | g_random_int();
}

struct outlook *store_outlook(void)
{
    if (!store->outlook)
        store->outlook = outlook_new(&store->arena, &rpch_prefs);
    return store->outlook;
}

struct rpch_state *store_world(void)
{
    store->rpch_used = true;
    return store_outlook()->rpch;
}

struct logon_state *store_auth(void)
{
    return store_outlook()->logons;
}

struct mapi_state *store_mapi(void)
{
    store->mapi_used = true;
    return store_outlook()->mapi;
}

struct track *store_track(void)
{
    return &store_outlook()->track;
}

void store_heard(const packet_info *pinfo, const struct endpoint *end)
{
    if (store->outlook)
        outlook_heard(store->outlook, end, frame_when(pinfo));
}

void store_refused(const packet_info *pinfo, const struct endpoint *end)
{
    if (store->outlook)
        outlook_refused(store->outlook, end, frame_when(pinfo));
}

const struct verdict *store_take_verdicts(void)
{
    return store->outlook ? outlook_take_verdicts(store->outlook) : NULL;
}

const char *store_intern(const char *text)
{
    return text && *text ? text_keep(&store->arena, &store->interned, text) : "";
}

struct when frame_when(const packet_info *pinfo)
{
    struct when when = { pinfo->num, (int64_t)pinfo->abs_ts.secs * 1000000000 + pinfo->abs_ts.nsecs };
    return when;
}

void store_moves(const packet_info *pinfo, uint32_t interface)
{
    store->interface = interface;
    outlook_captured(store_outlook(), interface, frame_when(pinfo));
}

void frame_endpoint(struct endpoint *endpoint, const address *addr, uint16_t port)
{
    memset(endpoint, 0, sizeof *endpoint);
    if (addr->type == AT_IPv4) {
        endpoint->family = 4;
        memcpy(endpoint->addr, addr->data, 4);
    } else {
        endpoint->family = 6;
        memcpy(endpoint->addr, addr->data, 16);
    }
    endpoint->port = port;
}
