/* objects.c
 * Server objects, as requests open and use them and responses confirm it.
 *
 * A request names its objects by an index into its handle table; what an earlier ROP of the same
 * list opens has no handle yet. So each ROP that opens something makes an object at once, which
 * becomes known by its handle when the response has it, and is forgotten when that says no.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "objects_private.h"

#include "chars.h"
#include "names.h"

#define SLOTS_FIRST 16u
#define NOTES_FIRST 4u
#define PENDING_MAX 8u /* requests of a session whose responses may still come */
#define NO_HANDLE 0xFFFFFFFFu
#define SETCOL_ERROR 0x0D /* TBLSTAT_SETCOL_ERROR */

struct rop_session *rop_session_new(struct track *track)
{
    struct rop_session *session = arena_new(&track->arena, sizeof(*session));
    session->track = track;
    return session;
}

void rop_session_missed(struct rop_session *session)
{
    session->missed++;
}

/* ---- objects by handle ---- */

static uint32_t slot_of(const struct rop_session *session, uint32_t handle)
{
    return (uint32_t)hash_keyed(&session->track->arena.key, 0, &handle, sizeof(handle)) & (session->slots - 1);
}

static struct rop_object *find_object(const struct rop_session *session, uint32_t handle)
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
    if (object->listed) {
        struct rop_object **place = &session->slot[slot_of(session, object->handle)];
        while (*place != object) {
            place = &(*place)->next;
        }
        *place = object->next;
        object->listed = false;
        session->listed--;
    }
}

static void forget(struct rop_session *session, struct rop_object *object)
{
    unlist(session, object);
    object->serial = 0;
    session->objects--;
    spare_give(&session->free, object);
}

static void list_object(struct rop_session *session, struct rop_object *object, uint32_t handle)
{
    struct rop_object *old = find_object(session, handle);
    if (old) {
        if (object->transfer && old->serial > object->serial) {
            /* Clocks differ: it was used before the response that told the handle. */
            transfer_begin(session, object, FX_UNKNOWN, true);
        }
        forget(session, old); /* the server uses the handle again */
    }
    if (session->listed >= session->slots) {
        const uint32_t slots = session->slots ? session->slots * 2 : SLOTS_FIRST;
        struct rop_object **had = session->slot;
        const uint32_t had_slots = session->slots;
        session->slot = arena_new(&session->track->arena, slots * sizeof(*session->slot));
        session->slots = slots;
        for (uint32_t i = 0; i < had_slots; i++) {
            for (struct rop_object *one = had[i], *next; one; one = next) {
                next = one->next;
                put(session, one);
            }
        }
        arena_give_back(&session->track->arena, had, had_slots * sizeof(*had));
    }
    object->handle = handle;
    put(session, object);
    object->listed = true;
    session->listed++;
}

/* NULL: the session has as many as it may. */
static struct rop_object *new_object(struct rop_session *session, uint8_t kind, uint8_t logon)
{
    if (session->objects >= OBJECTS_MAX) {
        return NULL;
    }
    struct rop_object *object = spare_take(&session->track->arena, &session->free, sizeof(*object));
    object->serial = ++session->serial;
    object->kind = kind;
    object->logon = logon;
    session->objects++;
    return object;
}

static uint32_t serial_of(const struct rop_object *object)
{
    return object ? object->serial : 0;
}

/* NULL where it is another by now. */
static struct rop_object *still(struct rop_object *object, uint32_t serial)
{
    return object && serial && object->serial == serial ? object : NULL;
}

static uint32_t handle_at(const struct rop_session *session, uint32_t index)
{
    return index < session->handle_count ? get_le32(session->handles + (size_t)index * 4) : NO_HANDLE;
}

/* ---- columns ---- */

struct kept_columns {
    struct keyed keyed; /* by what they are */
    struct rop_columns columns;
};

/* The one copy; NULL where there are none, or too many. */
static const struct rop_columns *keep_columns(struct rop_session *session, const struct columns *tags)
{
    const struct arena *arena = &session->track->arena;
    const size_t len = (size_t)tags->count * 4;
    const uint64_t key = hash_keyed(&arena->key, tags->count, tags->tags.ptr, len);
    struct kept_columns *kept = keyed_find(&session->columns, key);
    if (!kept && len <= COLUMNS_KEPT_MAX - session->columns_kept) {
        kept = keyed_make(arena, &session->columns, key, sizeof(*kept) + len);
        kept->columns.count = tags->count;
        if (len > 0) {
            memcpy(kept->columns.tags, tags->tags.ptr, len);
        }
        session->columns_kept += (uint32_t)len;
    }
    return kept ? &kept->columns : NULL;
}

/* ---- notes ---- */

struct rop_message *rop_message_new(struct rop_session *session, bool response, uint32_t frame, int64_t ns,
                                    struct rop_message *request)
{
    struct rop_message *message = arena_new(&session->track->arena, sizeof(*message));
    message->session = session;
    message->response = response;
    message->frame = frame;
    message->ns = ns;
    message->other = request;
    if (request) {
        request->other = message;
    }
    return message;
}

static struct rop_note *add_note(struct rop_message *message)
{
    const struct arena *arena = &message->session->track->arena;
    if (message->count == message->room) {
        const uint32_t room = message->room;
        message->notes = arena_grow(arena, message->notes, &message->room, NOTES_FIRST, sizeof(*message->notes));
        if (!message->response) {
            struct rop_work *work = arena_new(arena, message->room * sizeof(*work));
            if (room > 0) {
                memcpy(work, message->work, room * sizeof(*work));
            }
            arena_give_back(arena, message->work, room * sizeof(*work));
            message->work = work;
        }
    }
    return &message->notes[message->count++];
}

static struct rop_known known_of(const struct rop_note *note)
{
    return (struct rop_known){ .object = note->object,
                               .opened_in = note->opened_in,
                               .columns = note->columns,
                               .columns_in = note->columns_in,
                               .piece = note->piece ? transfer_show(note->piece) : NULL,
                               .property = note->property,
                               .announced = note->announced,
                               .flags = note->known };
}

static struct span keep_span(struct rop_session *session, struct span s)
{
    if (s.len == 0) {
        return (struct span){ NULL, 0 };
    }
    uint8_t *bytes = arena_new(&session->track->arena, s.len);
    memcpy(bytes, s.ptr, s.len);
    return (struct span){ bytes, s.len };
}

static void drop_span(struct rop_session *session, struct span s)
{
    arena_give_back(&session->track->arena, (void *)(uintptr_t)s.ptr, s.len);
}

/* The request is answered, or nobody waits for that any more: what it opened and nobody confirmed was not. */
static void settle(struct rop_message *request)
{
    struct rop_session *session = request->session;
    for (struct rop_message **at = &session->pending; *at; at = &(*at)->next_pending) {
        if (*at == request) {
            *at = request->next_pending;
            session->pending_count--;
            break;
        }
    }
    for (uint32_t i = 0; request->work && i < request->count; i++) {
        struct rop_work *work = &request->work[i];
        struct rop_object *opened = still(work->opened, work->opened_serial);
        if (opened && !opened->listed) {
            forget(session, opened);
        }
        drop_span(session, work->names);
        drop_span(session, work->ids);
    }
    arena_give_back(&session->track->arena, request->work, request->room * sizeof(*request->work));
    request->work = NULL;
}

static void await(struct rop_message *request)
{
    struct rop_session *session = request->session;
    request->next_pending = session->pending;
    session->pending = request;
    if (++session->pending_count > PENDING_MAX) {
        struct rop_message *oldest = session->pending;
        while (oldest->next_pending) {
            oldest = oldest->next_pending;
        }
        settle(oldest);
    }
}

static bool carries_stream(uint8_t id)
{
    return id == ROP_DESTINATION_PUT_BUFFER || id == ROP_DESTINATION_PUT_BUFFER_EXTENDED;
}

/* ---- a request ---- */

static void request_handles(void *ctx, const uint8_t *table, uint32_t count)
{
    struct rop_message *message = ctx;
    struct rop_session *session = message->session;
    session->handles = table;
    session->handle_count = count;
    for (uint32_t i = 0; i < COUNT_OF(session->at); i++) {
        session->at[i] = find_object(session, handle_at(session, i));
    }
}

static void note_input(struct rop_note *note, const struct rop_object *input)
{
    if (input) {
        note->object = input->text;
        note->opened_in = input->opened_in;
        note->property = input->property;
        note->announced = input->announced;
    }
}

static void look_request(void *ctx, uint32_t number, uint32_t order, const struct rop_took *head,
                         struct rop_known *known)
{
    struct rop_message *message = ctx;
    struct rop_session *session = message->session;
    struct rop_note *note = add_note(message);
    struct rop_work *work = &message->work[order];
    (void)number;
    note->id = head->id;
    note->logon = head->logon;
    note->known = session->logon[head->logon];
    note->call_flags = rop_call_is_silent(head->id, head->buffer) ? ROP_CALL_SILENT : 0;
    if (head->input < COUNT_OF(session->at)) {
        work->input = session->at[head->input];
        work->input_handle = handle_at(session, head->input);
    }
    work->input_serial = serial_of(work->input);
    work->output = head->output;
    note_input(note, work->input);
    if (carries_stream(head->id) && work->input) {
        note->piece = transfer_piece(session, work->input);
    }
    *known = known_of(note);
}

static enum fx_root content_of(uint8_t kind)
{
    return kind == ROP_MESSAGE                     ? FX_MESSAGE_CONTENT :
           kind == ROP_ATTACHMENT                  ? FX_ATTACHMENT_CONTENT :
           kind == ROP_FOLDER || kind == ROP_STORE ? FX_FOLDER_CONTENT :
                                                     FX_UNKNOWN;
}

/* MS-OXCFXICS 2.2.4.4 */
static enum fx_root root_of(const struct rop_took *took, const struct rop_object *input)
{
    switch (took->id) {
    case ROP_SYNCHRONIZATION_CONFIGURE:
        return took->mode == 1 ? FX_CONTENTS_SYNC : took->mode == 2 ? FX_HIERARCHY_SYNC : FX_UNKNOWN;
    case ROP_GET_TRANSFER_STATE:
        return FX_STATE;
    case ROP_SOURCE_COPY_MESSAGES:
        return FX_MESSAGE_LIST;
    case ROP_SOURCE_COPY_FOLDER:
        return FX_TOP_FOLDER;
    case ROP_DESTINATION_CONFIGURE:
        return took->mode == 3 ? FX_MESSAGE_LIST :
               took->mode == 4 ? FX_TOP_FOLDER :
               input           ? content_of(input->kind) :
                                 FX_UNKNOWN;
    default:
        return input ? content_of(input->kind) : FX_UNKNOWN;
    }
}

static bool opens_stream(uint8_t kind)
{
    return kind == ROP_DOWNLOAD || kind == ROP_UPLOAD || kind == ROP_SYNC;
}

static void open_object(struct rop_message *message, struct rop_work *work, const struct rop_took *took,
                        struct rop_note *note)
{
    struct rop_session *session = message->session;
    struct rop_object *object = new_object(session, rop_opens(took->id), took->logon);
    if (!object) {
        return;
    }
    object->opened_in = message->frame;
    object->table = took->id;
    object->property = took->id == ROP_CLONE_STREAM && work->input ? work->input->property : took->property;
    object->text = object_text(session, took, work->input);
    if (opens_stream(object->kind)) {
        transfer_begin(session, object, root_of(took, work->input), false);
    }
    work->opened = object;
    work->opened_serial = object->serial;
    note->object = object->text;
    note->opened_in = 0;
    note->property = 0;
    if (took->output < COUNT_OF(session->at)) {
        session->at[took->output] = object;
    }
}

/* One that was opened before the capture began, or where it has a gap, is known from here on. */
static struct rop_object *meet(struct rop_message *message, struct rop_work *work, uint8_t logon)
{
    struct rop_session *session = message->session;
    struct rop_object *object = still(work->input, work->input_serial);
    if (!object && work->input_handle != NO_HANDLE && !find_object(session, work->input_handle)) {
        object = new_object(session, ROP_OPENS_NOTHING, logon);
        if (object) {
            list_object(session, object, work->input_handle);
            work->input = object;
            work->input_serial = object->serial;
        }
    }
    return object;
}

static void took_request(void *ctx, uint32_t number, uint32_t order, const struct rop_took *took)
{
    struct rop_message *message = ctx;
    struct rop_session *session = message->session;
    struct rop_note *note = &message->notes[order];
    struct rop_work *work = &message->work[order];
    struct rop_object *input = still(work->input, work->input_serial);
    (void)number;
    work->mode = took->mode;
    if (carries_stream(took->id)) {
        if (input && note->piece) {
            transfer_go_on(session, input, note->piece, took, message->frame);
        }
        meet(message, work, took->logon);
    }
    if (!took->whole) {
        return;
    }
    if (rop_opens(took->id) != ROP_OPENS_NOTHING) {
        open_object(message, work, took, note);
    }
    switch (took->id) {
    case ROP_RELEASE:
        if (took->input < COUNT_OF(session->at)) {
            session->at[took->input] = NULL;
        }
        break;
    case ROP_SET_COLUMNS:
    case ROP_GET_PROPERTIES_SPECIFIC:
        note->columns = keep_columns(session, &took->tags);
        note->columns_in = 0;
        break;
    case ROP_GET_PROPERTY_IDS_FROM_NAMES:
    case ROP_GET_NAMES_FROM_PROPERTY_IDS:
        work->names = keep_span(session, took->names);
        work->ids = keep_span(session, took->ids);
        work->name_count = took->name_count;
        break;
    case ROP_UPLOAD_STATE_BEGIN:
        input = input ? input : meet(message, work, took->logon);
        if (input) {
            input->property = took->property;
            input->announced = took->announced;
        }
        break;
    case ROP_UPLOAD_STATE_END:
        if (input) {
            input->property = 0;
        }
        break;
    default:
        break;
    }
}

/* ---- a response ---- */

static void response_handles(void *ctx, const uint8_t *table, uint32_t count)
{
    struct rop_message *message = ctx;
    message->session->handles = table;
    message->session->handle_count = count;
}

/* ROPs of the request up to this one that are not answered have been executed by now. */
static void pass_silent(struct rop_message *message, uint32_t number)
{
    struct rop_message *request = message->other;
    struct rop_session *session = message->session;
    for (; request && request->work && message->passed < number && message->passed < request->count;
         message->passed++) {
        const struct rop_work *work = &request->work[message->passed];
        struct rop_object *object = still(work->input, work->input_serial);
        if (request->notes[message->passed].id == ROP_RELEASE && object) {
            forget(session, object);
        }
    }
}

static struct rop_work *work_of(const struct rop_message *message, uint32_t number)
{
    const struct rop_message *request = message->other;
    return request && request->work && number < request->count ? &request->work[number] : NULL;
}

/* What a response is about: as its request had it, else by the handle that it returns. */
static struct rop_object *object_of(const struct rop_message *message, uint32_t number, const struct rop_took *head)
{
    const struct rop_work *work = work_of(message, number);
    if (head->id == ROP_NOTIFY) {
        return find_object(message->session, head->handle);
    }
    if (work) {
        return still(work->input, work->input_serial);
    }
    return message->other ? NULL : find_object(message->session, handle_at(message->session, head->input));
}

static void note_columns(const struct rop_session *session, struct rop_note *note, const struct rop_object *object,
                         const struct rop_note *call)
{
    switch (note->id) {
    case ROP_GET_PROPERTIES_SPECIFIC:
        note->columns = call ? call->columns : NULL;
        break;
    case ROP_QUERY_ROWS:
    case ROP_FIND_ROW:
    case ROP_EXPAND_ROW:
    case ROP_NOTIFY:
        note->columns = object && object->missed == session->missed ? object->columns : NULL;
        note->columns_in = note->columns ? object->columns_in : 0;
        break;
    case ROP_READ_RECIPIENTS:
        note->columns = object ? object->recipients : NULL;
        note->columns_in = note->columns ? object->recipients_in : 0;
        break;
    default:
        break;
    }
}

static void look_response(void *ctx, uint32_t number, uint32_t order, const struct rop_took *head,
                          struct rop_known *known)
{
    struct rop_message *message = ctx;
    struct rop_message *request = message->other;
    struct rop_note *note = add_note(message);
    struct rop_note *call = request && number < request->count ? &request->notes[number] : NULL;
    (void)order;
    pass_silent(message, number);
    note->id = head->id;
    struct rop_object *object = object_of(message, number, head);
    note_input(note, object);
    if (call) {
        call->known |= ROP_KNOWN_ANSWER;
        note->logon = call->logon;
        note->known = message->session->logon[call->logon];
        note->object = call->object; /* what it opens, if it does */
        note->opened_in = call->opened_in;
    }
    note_columns(message->session, note, object, call);
    if (head->id == ROP_SOURCE_GET_BUFFER && object) {
        note->piece = transfer_piece(message->session, object);
    }
    *known = known_of(note);
}

/* MS-OXCSTOR 2.2.1.1.3 and 2.2.1.1.4: what FolderIds are called. */
static void name_folders(struct rop_session *session, const struct rop_took *took)
{
    static const char *const of_mailbox[] = { "Root",   "Deferred Action", "Spooler Queue", "IPM subtree",  "Inbox",
                                              "Outbox", "Sent Items",      "Deleted Items", "Common Views", "Schedule",
                                              "Search", "Views",           "Shortcuts" };
    static const char *const public_ones[] = { "Root", "IPM subtree", "Non-IPM subtree" };
    const bool is_private = took->mode & 1;
    const size_t count = is_private ? COUNT_OF(of_mailbox) : COUNT_OF(public_ones);
    for (size_t i = 0; i < count && took->data.len >= 8 * (i + 1); i++) {
        const uint8_t *p = took->data.ptr + 8 * i;
        object_name_folder(session, (uint64_t)get_be32(p) << 32 | get_be32(p + 4),
                           is_private ? of_mailbox[i] : public_ones[i]);
    }
}

/* An answer without its request: what it opened is not known, but that the handle means something else now. */
static void answer_unasked(struct rop_message *message, const struct rop_took *took)
{
    struct rop_session *session = message->session;
    struct rop_object *object = find_object(session, handle_at(session, took->input));
    if (object && took->return_value == 0 && rop_opens(took->id) != ROP_OPENS_NOTHING) {
        forget(session, object);
    } else if (object && (took->id == ROP_SET_COLUMNS || took->id == ROP_RESET_TABLE)) {
        object->columns = NULL;
    } else if (object && object->transfer && carries_stream(took->id)) {
        transfer_begin(session, object, FX_UNKNOWN, true);
    }
}

static void answer_columns(struct rop_message *message, struct rop_work *work, const struct rop_note *call,
                           const struct rop_took *took)
{
    struct rop_object *table = meet(message, work, call->logon);
    if (!table) {
        return;
    }
    if (took->return_value == 0 && took->mode != SETCOL_ERROR) {
        table->columns = call->columns;
        table->columns_in = message->other->frame;
        table->missed = message->session->missed;
    } else {
        table->columns = NULL;
    }
}

static void answer_asked(struct rop_message *message, uint32_t number, const struct rop_took *took)
{
    struct rop_session *session = message->session;
    const struct rop_note *call = &message->other->notes[number];
    struct rop_work *work = work_of(message, number);
    struct rop_object *input = still(work->input, work->input_serial);
    struct rop_object *opened = still(work->opened, work->opened_serial);
    const bool success = took->return_value == 0;
    if (call->id == ROP_SET_COLUMNS) {
        answer_columns(message, work, call, took);
    }
    if (!success && took->return_value != OX_ERRORS_RETURNED) {
        return;
    }
    work->got = success;
    switch (call->id) {
    case ROP_LOGON:
        session->logon[call->logon] = (uint8_t)(ROP_KNOWN_LOGON | (took->mode & 1 ? ROP_KNOWN_PRIVATE : 0));
        name_folders(session, took);
        break;
    case ROP_OPEN_MESSAGE:
    case ROP_OPEN_EMBEDDED_MESSAGE:
        if (opened) {
            opened->recipients = keep_columns(session, &took->tags);
            opened->recipients_in = message->frame;
        }
        break;
    case ROP_RELOAD_CACHED_INFORMATION:
        if (input) {
            input->recipients = keep_columns(session, &took->tags);
            input->recipients_in = message->frame;
        }
        break;
    case ROP_RESET_TABLE:
        if (input) {
            input->columns = NULL;
        }
        break;
    case ROP_GET_PROPERTY_IDS_FROM_NAMES:
        object_name_properties(session, call->logon, message->frame, took->ids, work->names, work->name_count);
        break;
    case ROP_GET_NAMES_FROM_PROPERTY_IDS:
        object_name_properties(session, call->logon, message->frame, work->ids, took->names, took->name_count);
        break;
    case ROP_QUERY_NAMED_PROPERTIES:
        object_name_properties(session, call->logon, message->frame, took->ids, took->names, took->name_count);
        break;
    default:
        break;
    }
}

static void took_response(void *ctx, uint32_t number, uint32_t order, const struct rop_took *took)
{
    struct rop_message *message = ctx;
    struct rop_note *note = &message->notes[order];
    note->return_value = took->return_value;
    note->rows = took->id == ROP_BACKOFF ? took->duration : took->rows;
    if (note->piece && (took->data.len > 0 || !took->whole)) {
        struct rop_object *object = object_of(message, number, took);
        if (object) {
            transfer_go_on(message->session, object, note->piece, took, message->frame);
        }
    }
    if (!took->whole) {
        return;
    }
    if (message->other) {
        message->reached = took->id == ROP_BACKOFF || took->id == ROP_BUFFER_TOO_SMALL ? message->other->count :
                           number < message->other->count                              ? number + 1 :
                                                                                         message->reached;
    }
    if (work_of(message, number)) {
        answer_asked(message, number, took);
    } else if (!message->other) {
        answer_unasked(message, took);
    }
}

/* The handle table says how what was opened is called from here on. */
static void response_payload_end(void *ctx)
{
    struct rop_message *message = ctx;
    struct rop_message *request = message->other;
    struct rop_session *session = message->session;
    bool taken[COUNT_OF(session->at)] = { false }; /* indices that a later ROP used again */
    if (!request || !request->work) {
        return;
    }
    pass_silent(message, request->count);
    for (uint32_t i = request->count; i-- > 0;) {
        struct rop_work *work = &request->work[i];
        struct rop_object *opened = still(work->opened, work->opened_serial);
        if (!work->got || work->output >= COUNT_OF(taken) || taken[work->output]) {
            continue;
        }
        taken[work->output] = true;
        const uint32_t handle = handle_at(session, work->output);
        if (opened && !opened->listed && handle != NO_HANDLE) {
            list_object(session, opened, handle);
        }
    }
}

/* A ROP that should be answered is not, in what was captured of the response. */
static bool is_short(const struct rop_message *response)
{
    const struct rop_message *request = response->other;
    for (uint32_t i = response->reached; i < request->count; i++) {
        if (!(request->notes[i].call_flags & ROP_CALL_SILENT)) {
            return true;
        }
    }
    return false;
}

/* Requests before this one whose responses would have come before. */
static bool skips_others(struct rop_message *request)
{
    const bool skips = request->work && request->next_pending;
    while (request->work && request->next_pending) {
        settle(request->next_pending);
    }
    return skips;
}

void rop_message_end(struct rop_message *message)
{
    if (message->response && message->other && is_short(message)) {
        rop_session_missed(message->session);
    }
    message->session->handles = NULL;
    message->session->handle_count = 0;
    if (message->response && message->other) {
        settle(message->other);
    }
}

/* ---- hosts ---- */

static struct rop_call call_of(void *ctx, uint32_t number)
{
    const struct rop_message *request = ((const struct rop_message *)ctx)->other;
    return (struct rop_call){ request->notes[number].id, request->notes[number].call_flags };
}

static void fill_host(struct rop_message *message, struct rop_host *host)
{
    *host = (struct rop_host){ .ctx = message };
    if (message->response && message->other) {
        host->has_calls = true;
        host->calls = message->other->count;
        host->call = call_of;
    }
}

void rop_message_learn(struct rop_message *message, struct rop_host *host)
{
    fill_host(message, host);
    host->handles = message->response ? response_handles : request_handles;
    host->look = message->response ? look_response : look_request;
    host->took = message->response ? took_response : took_request;
    host->payload_end = message->response ? response_payload_end : NULL;
    if (!message->response) {
        await(message);
    } else if (message->other && skips_others(message->other)) {
        rop_session_missed(message->session);
    }
}

static void look_again(void *ctx, uint32_t number, uint32_t order, const struct rop_took *head, struct rop_known *known)
{
    struct rop_message *message = ctx;
    (void)number;
    (void)head;
    message->shown = order;
    if (order < message->count) {
        *known = known_of(&message->notes[order]);
    }
}

static const struct named_property *find_name(void *ctx, uint16_t id)
{
    const struct rop_message *message = ctx;
    return message->shown < message->count ?
               object_property(message->session, message->notes[message->shown].logon, id, message->frame) :
               NULL;
}

void rop_message_replay(struct rop_message *message, struct rop_host *host, struct property_names *names)
{
    fill_host(message, host);
    host->look = look_again;
    *names = (struct property_names){ message, find_name };
    host->names = names;
    host->other_frame = message->other ? message->other->frame : 0;
    host->ns = message->other ? message->ns - message->other->ns : 0;
}
