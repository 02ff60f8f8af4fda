/* objects.c
 * The server objects of a session, by handle and by logon, and the columns that they keep.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "objects_private.h"

#define SLOTS_FIRST 16u

struct rop_session *rop_session_new(struct track *track, uint32_t code_page)
{
    struct rop_session *session = arena_new(&track->arena, sizeof(*session));
    session->track = track;
    session->code_page = code_page <= UINT16_MAX ? (uint16_t)code_page : 0;
    return session;
}

void rop_session_count(struct rop_session *session, struct rop_totals *totals)
{
    session->totals = totals;
}

/* ---- logons ---- */

struct rop_logon *object_logon(struct rop_session *session, uint8_t id)
{
    struct rop_logon **logon = &session->logon[id];
    if (!*logon) {
        *logon = arena_new(&session->track->arena, sizeof(**logon));
        (*logon)->mapping = ++session->mappings;
    }
    return *logon;
}

static void join_logon(struct rop_logon *logon, struct rop_object *object)
{
    object->older = logon->last;
    *(logon->last ? &logon->last->newer : &logon->first) = object;
    logon->last = object;
}

static void leave_logon(struct rop_logon *logon, struct rop_object *object)
{
    *(object->older ? &object->older->newer : &logon->first) = object->newer;
    *(object->newer ? &object->newer->older : &logon->last) = object->older;
}

void object_end_logon(struct rop_session *session, struct rop_logon *logon, uint32_t serial)
{
    while (logon->first && logon->first->serial < serial) {
        object_forget(session, logon->first);
    }
    logon->known = 0;
}

void object_release(struct rop_session *session, const struct rop_work *work)
{
    struct rop_object *object = object_still(work->input, work->input_serial);
    if (object && object->kind == ROP_STORE) {
        object_end_logon(session, session->logon[object->logon], work->before_serial);
    } else if (object) {
        object_forget(session, object);
    }
}

/* ---- objects by handle ---- */

static uint32_t slot_of(const struct rop_session *session, uint32_t handle)
{
    return (uint32_t)hash_keyed(&session->track->arena.key, 0, &handle, sizeof(handle)) & (session->slots - 1);
}

struct rop_object *object_find(const struct rop_session *session, uint32_t handle)
{
    struct rop_object *object = session->slots && handle != NO_HANDLE ? session->slot[slot_of(session, handle)] : NULL;
    while (object && object->handle != handle) {
        object = object->next;
    }
    return object;
}

static void put(struct rop_session *session, struct rop_object *object)
{
    struct rop_object **place = &session->slot[slot_of(session, object->handle)];
    object->next = *place;
    *place = object;
}

static void unlist(struct rop_session *session, struct rop_object *object)
{
    struct rop_object **place = &session->slot[slot_of(session, object->handle)];
    while (*place != object) {
        place = &(*place)->next;
    }
    *place = object->next;
    session->listed--;
}

void object_forget(struct rop_session *session, struct rop_object *object)
{
    if (object->listed) {
        unlist(session, object);
    }
    leave_logon(session->logon[object->logon], object);
    transfer_end(session, object);
    object->serial = 0;
    session->objects--;
    spare_give(&session->free, object);
}

static void grow_slots(struct rop_session *session)
{
    struct rop_object **had = session->slot;
    const uint32_t had_slots = session->slots;
    session->slots = had_slots ? had_slots * 2 : SLOTS_FIRST;
    session->slot = arena_new(&session->track->arena, session->slots * sizeof(*session->slot));
    for (uint32_t i = 0; i < had_slots; i++) {
        for (struct rop_object *one = had[i], *next; one; one = next) {
            next = one->next;
            put(session, one);
        }
    }
    arena_give_back(&session->track->arena, had, had_slots * sizeof(*had));
}

void object_list(struct rop_session *session, struct rop_object *object, uint32_t handle)
{
    struct rop_object *old = object_find(session, handle);
    if (old) {
        object_forget(session, old); /* the server uses the handle again */
    }
    if (session->listed >= session->slots) {
        grow_slots(session);
    }
    object->handle = handle;
    put(session, object);
    object->listed = true;
    session->listed++;
}

struct rop_object *object_new(struct rop_session *session, uint8_t kind, uint8_t logon)
{
    if (session->objects >= OBJECTS_MAX || session->serial == UINT32_MAX) {
        return NULL;
    }
    struct rop_object *object = spare_take(&session->track->arena, &session->free, sizeof(*object));
    object->serial = ++session->serial;
    object->kind = kind;
    object->logon = logon;
    object->missed = session->missed;
    session->objects++;
    join_logon(object_logon(session, logon), object);
    return object;
}

uint32_t object_serial(const struct rop_object *object)
{
    return object ? object->serial : 0;
}

struct rop_object *object_still(struct rop_object *object, uint32_t serial)
{
    return object && serial && object->serial == serial ? object : NULL;
}

void object_refresh(const struct rop_session *session, struct rop_object *object)
{
    if (!object || object->missed == session->missed) {
        return;
    }
    object->missed = session->missed;
    object->columns = object->recipients = NULL;
    if (object->kind != ROP_STREAM) {
        object->property = object->announced = 0;
    }
}

uint32_t object_handle_at(const struct rop_session *session, uint32_t index)
{
    return index < session->handle_count ? get_le32(session->handles + (size_t)index * 4) : NO_HANDLE;
}

struct rop_object *object_meet(struct rop_session *session, uint32_t handle, uint8_t logon)
{
    struct rop_object *object = NULL;
    if (handle != NO_HANDLE && !object_find(session, handle)) {
        object = object_new(session, ROP_OPENS_NOTHING, logon);
    }
    if (object) {
        object_list(session, object, handle);
    }
    return object;
}

/* ---- columns ---- */

struct kept_columns {   /* behind it the columns */
    struct keyed keyed; /* by what they are */
};

const struct rop_columns *object_keep_columns(struct rop_session *session, const struct columns *tags)
{
    const struct arena *arena = &session->track->arena;
    const size_t len = (size_t)tags->count * 4, size = sizeof(struct kept_columns) + sizeof(struct rop_columns) + len;
    const uint64_t key = hash_keyed(&arena->key, tags->count, tags->tags.ptr, len);
    struct kept_columns *kept = keyed_find(&session->columns, key);
    if (!kept && size <= COLUMNS_KEPT_MAX - session->columns_kept) {
        kept = keyed_make(arena, &session->columns, key, size);
        struct rop_columns *columns = (struct rop_columns *)(kept + 1);
        columns->count = tags->count;
        if (len > 0) {
            memcpy(columns->tags, tags->tags.ptr, len);
        }
        session->columns_kept += (uint32_t)size;
    }
    return kept ? (const struct rop_columns *)(kept + 1) : NULL;
}
