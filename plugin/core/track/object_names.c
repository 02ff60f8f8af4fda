/* object_names.c
 * What objects, folders and properties of a session are called.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "objects_private.h"

#include "chars.h"
#include "names.h"
#include "say.h"

#include <inttypes.h>
#include <stdio.h>

#define NAME_MAX_LEN 64    /* of a folder or property, as it is kept */
#define PARENT_MAX_LEN 160 /* of an object in that of what it owns, each of which owns others */

/* ---- folders ---- */

struct folder_name {
    struct keyed keyed; /* by mapping and id */
    const char *name;
};

static uint64_t folder_key(const struct rop_session *session, uint32_t mapping, uint64_t id)
{
    return hash_keyed(&session->track->arena.key, mapping, &id, sizeof(id));
}

/* NULL: the session has as many as it may. */
static struct folder_name *folder_of(struct rop_session *session, uint32_t mapping, uint64_t id)
{
    const uint64_t key = folder_key(session, mapping, id);
    struct folder_name *folder = keyed_find(&session->folders, key);
    if (!folder && session->folders.used < FOLDER_NAMES_MAX) {
        folder = keyed_make(&session->track->arena, &session->folders, key, sizeof(*folder));
    }
    return folder;
}

void object_name_folder(struct rop_session *session, uint32_t mapping, uint64_t id, const char *name)
{
    struct folder_name *folder = folder_of(session, mapping, id);
    if (folder) {
        folder->name = name;
    }
}

void object_call_folder(struct rop_session *session, uint32_t mapping, uint64_t id, struct span name)
{
    char text[NAME_MAX_LEN];
    struct chars to = chars_into(text, sizeof(text));
    struct folder_name *folder = folder_of(session, mapping, id);
    chars_utf16(&to, name);
    if (folder && (!folder->name || strcmp(folder->name, text) != 0) && session->folder_texts < FOLDER_TEXTS_MAX) {
        session->folder_texts++;
        folder->name = track_text(session->track, text);
    }
}

const char *object_new_folder(struct rop_session *session, const struct rop_took *took)
{
    char name[NAME_MAX_LEN];
    struct chars to = chars_into(name, sizeof(name));
    if (took->wide) {
        chars_utf16(&to, took->name);
    } else {
        chars_bytes(&to, took->name);
    }
    return track_text(session->track, name);
}

/* REPLID, and GlobalCounter (MS-OXCDATA 2.2.1.1): the id's bytes are in their order. */
static void say_id(struct text *text, uint64_t id)
{
    say(text, "%02x%02x-%012" PRIx64, (unsigned)(id >> 48 & 0xFF), (unsigned)(id >> 56), id & UINT64_C(0xFFFFFFFFFFFF));
}

static void say_folder(struct rop_session *session, struct text *text, const struct rop_took *took)
{
    const uint32_t mapping = object_logon(session, took->logon)->mapping;
    const uint64_t id = took->folder;
    const struct folder_name *folder = id ? keyed_find(&session->folders, folder_key(session, mapping, id)) : NULL;
    say(text, "folder ");
    if (folder && folder->name) {
        say(text, "%s", folder->name);
    } else {
        say_id(text, id);
    }
}

/* ---- objects ---- */

static const char *table_of(uint8_t id)
{
    switch (id) {
    case ROP_GET_HIERARCHY_TABLE:
        return "hierarchy table";
    case ROP_GET_CONTENTS_TABLE:
        return "contents table";
    case ROP_GET_ATTACHMENT_TABLE:
        return "attachment table";
    case ROP_GET_PERMISSIONS_TABLE:
        return "permissions table";
    default:
        return "rules table";
    }
}

static const char *transfer_of(uint8_t id)
{
    return id == ROP_GET_TRANSFER_STATE             ? "transfer state" :
           id == ROP_DESTINATION_CONFIGURE          ? "FastTransfer upload" :
           id == ROP_SYNCHRONIZATION_CONFIGURE      ? "synchronization" :
           id == ROP_SYNCHRONIZATION_OPEN_COLLECTOR ? "synchronization upload" :
                                                      "FastTransfer download";
}

const char *object_text(struct rop_session *session, const struct rop_took *took, const struct rop_object *parent)
{
    struct text text = { .used = 0 };
    const char *of = parent ? parent->text : NULL;
    const char *name = NULL;
    switch (took->id) {
    case ROP_LOGON:
        return track_text(session->track, took->mode & ROP_LOGON_PRIVATE ? "mailbox" : "public folders");
    case ROP_OPEN_FOLDER:
        say_folder(session, &text, took);
        return track_text(session->track, text.s);
    case ROP_CREATE_FOLDER:
        name = object_new_folder(session, took);
        say(&text, "new folder%s%s", name ? " " : "", name ? name : "");
        break;
    case ROP_OPEN_MESSAGE:
        say(&text, "message ");
        say_id(&text, took->message);
        return track_text(session->track, text.s);
    case ROP_CREATE_MESSAGE:
        say(&text, "new message in ");
        say_folder(session, &text, took);
        return track_text(session->track, text.s);
    case ROP_SYNCHRONIZATION_IMPORT_MESSAGE_CHANGE:
        say(&text, "imported message");
        break;
    case ROP_OPEN_EMBEDDED_MESSAGE:
        say(&text, "embedded message");
        break;
    case ROP_OPEN_ATTACHMENT:
    case ROP_CREATE_ATTACHMENT:
        say(&text, "attachment");
        break;
    case ROP_OPEN_STREAM:
        name = property_tag_name(took->property);
        if (name) {
            say(&text, "stream %s", name);
        } else {
            say(&text, "stream 0x%08" PRIX32, took->property);
        }
        break;
    case ROP_CLONE_STREAM:
        return parent ? parent->text : track_text(session->track, "stream");
    case ROP_REGISTER_NOTIFICATION:
        say(&text, "subscription");
        break;
    default:
        say(&text, "%s", rop_opens(took->id) == ROP_TABLE ? table_of(took->id) : transfer_of(took->id));
    }
    if (of) {
        say(&text, " of %s", strlen(of) <= PARENT_MAX_LEN ? of : "...");
    }
    return track_text(session->track, text.s);
}

/* ---- files of attachments ---- */

struct file_name {
    struct keyed keyed; /* by the serial of the message and the number */
    const char *name;
    uint8_t rank;
};

static uint64_t file_key(const struct rop_session *session, uint32_t serial, uint32_t number)
{
    return hash_keyed(&session->track->arena.key, serial, &number, sizeof(number));
}

/* Keeps it, if it is better than what there was. */
static void keep_file(struct rop_session *session, const char **place, uint8_t *rank, const struct rop_file *told)
{
    char name[FILE_NAME_MAX];
    struct chars to = chars_into(name, sizeof(name));
    if ((*rank != 0 && *rank <= told->rank) || session->file_names >= FILE_NAMES_MAX) {
        return;
    }
    if (told->wide) {
        chars_utf16(&to, told->name);
    } else {
        chars_bytes(&to, told->name);
    }
    session->file_names++;
    *place = track_text(session->track, name);
    *rank = told->rank;
}

void object_name_file(void *ctx, const struct rop_file *told)
{
    struct rop_session *session = ((const struct rop_message *)ctx)->session;
    struct rop_object *object = session->reading;
    if (!object || told->rank == 0) {
        return;
    }
    if (object->kind == ROP_ATTACHMENT) {
        keep_file(session, &object->file, &object->file_rank, told);
        return;
    }
    const struct rop_object *message = object_still(object->of, object->of_serial);
    if (!message || !told->has_number) {
        return;
    }
    const uint64_t key = file_key(session, message->serial, told->number);
    struct file_name *file = keyed_find(&session->files, key);
    if (!file && session->file_names < FILE_NAMES_MAX) {
        file = keyed_make(&session->track->arena, &session->files, key, sizeof(*file));
    }
    if (file) {
        keep_file(session, &file->name, &file->rank, told);
    }
}

const char *object_file(struct rop_session *session, struct rop_object *object)
{
    struct rop_object *of = object_still(object->of, object->of_serial);
    if (object->file || !of) {
        return object->file;
    }
    if (object->kind == ROP_STREAM) {
        object->file = of->kind == ROP_ATTACHMENT ? object_file(session, of) : NULL;
    } else if (object->kind == ROP_ATTACHMENT && object->has_number) {
        const struct file_name *file = keyed_find(&session->files, file_key(session, of->serial, object->attachment));
        object->file = file ? file->name : NULL;
        object->file_rank = file ? file->rank : 0;
    }
    return object->file;
}

/* ---- properties ---- */

struct property_entry {
    struct keyed keyed; /* by mapping and id */
    uint32_t frame;     /* that told it */
    struct named_property property;
};

static uint64_t property_key(uint32_t mapping, uint16_t id)
{
    return (uint64_t)mapping << 16 | id;
}

const struct named_property *object_property(const struct rop_session *session, uint32_t mapping, uint16_t id,
                                             uint32_t frame)
{
    const struct property_entry *entry = keyed_find(&session->properties, property_key(mapping, id));
    return entry && entry->frame <= frame ? &entry->property : NULL;
}

static void add_property(struct rop_session *session, uint64_t key, uint32_t frame, const uint8_t *guid,
                         const char *name)
{
    if (keyed_find(&session->properties, key) || session->properties.used >= PROPERTY_NAMES_MAX) {
        return; /* a mailbox does not change them */
    }
    struct property_entry *entry = keyed_make(&session->track->arena, &session->properties, key, sizeof(*entry));
    entry->frame = frame;
    memcpy(entry->property.guid, guid, sizeof(entry->property.guid));
    entry->property.name = track_text(session->track, name);
}

#define KIND_LID 0x00u
#define KIND_NAME 0x01u
#define GUID_AT 1
#define BEHIND_GUID 17

/* MS-OXCDATA 2.6.1; 0 where it is not whole. */
static size_t read_name(struct span left, char name[NAME_MAX_LEN])
{
    if (left.len < BEHIND_GUID) {
        return 0;
    }
    name[0] = '\0';
    if (left.ptr[0] == KIND_LID && left.len >= BEHIND_GUID + 4) {
        snprintf(name, NAME_MAX_LEN, "LID 0x%04" PRIX32, get_le32(left.ptr + BEHIND_GUID));
        return BEHIND_GUID + 4;
    }
    if (left.ptr[0] == KIND_NAME && left.len > BEHIND_GUID && left.len > BEHIND_GUID + (size_t)left.ptr[BEHIND_GUID]) {
        const size_t len = left.ptr[BEHIND_GUID];
        struct chars to = chars_into(name, NAME_MAX_LEN);
        chars_utf16(&to, (struct span){ left.ptr + BEHIND_GUID + 1, len >= 2 ? len - 2 : 0 });
        return BEHIND_GUID + 1 + len;
    }
    return left.ptr[0] == KIND_LID || left.ptr[0] == KIND_NAME ? 0 : BEHIND_GUID;
}

void object_name_properties(struct rop_session *session, uint8_t logon, uint32_t frame, struct span ids,
                            struct span names, uint16_t count)
{
    const uint32_t mapping = object_logon(session, logon)->mapping;
    for (uint16_t i = 0; i < count && ids.len >= 2 * ((size_t)i + 1); i++) {
        char name[NAME_MAX_LEN];
        const uint16_t id = get_le16(ids.ptr + 2 * (size_t)i);
        const size_t len = read_name(names, name);
        if (len == 0) {
            return;
        }
        if (id >= 0x8000 && name[0]) {
            add_property(session, property_key(mapping, id), frame, names.ptr + GUID_AT, name);
        }
        names = span_skip(names, len);
    }
}
