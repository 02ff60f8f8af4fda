/* store.c
 * Ties the pure state to Wireshark's frames and file scope.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "store.h"

#include "ids.h"
#include "tables.h"

static struct outlook *outlook;
static bool rpch_used, mapi_used;
static struct table interned;

static void *file_alloc(void *ctx _U_, size_t size)
{
    return wmem_alloc0(wmem_file_scope(), size);
}

void *store_new(size_t size)
{
    return file_alloc(NULL, size);
}

static void file_give_back(void *ctx _U_, void *bytes, size_t size _U_)
{
    wmem_free(wmem_file_scope(), bytes);
}

static struct arena file_arena = { .alloc = file_alloc, .give_back = file_give_back };

const struct hash_key *store_key(void)
{
    return &file_arena.key;
}

void store_init(void)
{
    outlook = NULL;              /* its memory went with the last file */
    rpch_used = mapi_used = false;
    memset(&interned, 0, sizeof interned);
    for (unsigned i = 0; i < 2; i++)
        file_arena.key.half[i] = (uint64_t)g_random_int() << 32 | g_random_int();
}

static struct outlook *the_outlook(void)
{
    if (!outlook)
        outlook = outlook_new(&file_arena, &rpch_prefs);
    return outlook;
}

struct vworld *store_world(void)
{
    rpch_used = true;
    return the_outlook()->rpch;
}

bool store_active(void)
{
    return rpch_used;
}

struct aworld *store_auth(void)
{
    return the_outlook()->logons;
}

struct mworld *store_mapi(void)
{
    mapi_used = true;
    return the_outlook()->mapi;
}

bool store_mapi_active(void)
{
    return mapi_used;
}

struct track *store_track(void)
{
    return &the_outlook()->track;
}

const struct verdict *store_take_verdicts(void)
{
    return outlook ? outlook_take_verdicts(outlook) : NULL;
}

const char *store_intern(const char *text)
{
    return text && *text ? text_keep(&file_arena, &interned, text) : "";
}

struct when frame_when(const packet_info *pinfo)
{
    struct when when = { pinfo->num, (int64_t)pinfo->abs_ts.secs * 1000000000 + pinfo->abs_ts.nsecs };
    return when;
}

