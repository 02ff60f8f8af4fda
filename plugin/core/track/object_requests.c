/* object_requests.c
 * What requests do to server objects, before anybody knows whether the server did it.
 *
 * A request names its objects by an index into its handle table; what an earlier ROP of the same
 * list opens has no handle yet. So each ROP that opens something makes an object at once, which
 * becomes known by its handle when the response has it, and is forgotten when that says no.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "objects_private.h"

#define NOTES_FIRST 4u
#define PENDING_MAX 8u /* requests of a session whose responses may still come */

#define CODE_PAGE_OF_LOGON 0x0FFF /* MS-OXCMSG 2.2.3.1.1 */

/* ---- notes ---- */

struct rop_note *rop_message_note(struct rop_message *message)
{
    const struct arena *arena = &message->session->track->arena;
    if (message->count == message->room) {
        uint32_t room = message->room;
        message->notes = arena_grow(arena, message->notes, &message->room, NOTES_FIRST, sizeof(*message->notes));
        if (!message->response) {
            message->work = arena_grow(arena, message->work, &room, NOTES_FIRST, sizeof(*message->work));
        }
    }
    return &message->notes[message->count++];
}

struct rop_known rop_note_known(const struct rop_note *note)
{
    const bool has_file = note->known & ROP_NOTE_FILE;
    return (struct rop_known){ .object = note->object,
                               .opened_in = note->opened_in,
                               .columns = note->columns,
                               .columns_in = note->columns_in,
                               .piece = !has_file && note->piece ? transfer_show(note->piece) : NULL,
                               .file = has_file ? note->file : NULL,
                               .property = note->property,
                               .announced = note->announced,
                               .code_page = note->code_page,
                               .flags = note->known };
}

void rop_note_logon(struct rop_session *session, struct rop_note *note, uint8_t logon)
{
    const struct rop_logon *of = object_logon(session, logon);
    note->known |= of->known;
    note->mapping = of->mapping;
}

void rop_note_object(struct rop_session *session, struct rop_note *note, struct rop_object *object)
{
    session->reading = object;
    if (!object) {
        return;
    }
    note->object = object->text;
    note->opened_in = object->opened_in;
    note->property = object->property;
    note->announced = object->announced;
    note->code_page = object->code_page;
    if ((object->kind == ROP_ATTACHMENT || object->kind == ROP_STREAM) && !rop_uploads(note->id) &&
        note->id != ROP_SOURCE_GET_BUFFER) {
        note->file = object_file(session, object);
        note->known |= note->file ? ROP_NOTE_FILE : 0;
    }
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

/* ---- requests that wait for their responses ---- */

/* What LogonFlags say; an answer has them as they were sent (MS-OXCSTOR 2.2.1.1.1). */
static uint8_t known_of_flags(uint8_t flags)
{
    return ROP_KNOWN_LOGON | (flags & ROP_LOGON_PRIVATE ? ROP_KNOWN_PRIVATE : 0);
}

/* What the ROPs of the request that have no answer did, if the server executed them: their answers are missing from the
 * capture. What they may have changed is not known any more. */
static void assume_executed(struct rop_message *request)
{
    struct rop_session *session = request->session;
    for (uint32_t i = 0; request->work && i < request->count; i++) {
        const struct rop_work *work = &request->work[i];
        struct rop_object *input = object_still(work->input, work->input_serial);
        const uint8_t id = request->notes[i].id;
        if (work->answered) {
            continue;
        }
        if (id == ROP_RELEASE) {
            object_release(session, work);
        } else if (id == ROP_LOGON && work->whole) {
            struct rop_logon *logon = object_logon(session, request->notes[i].logon);
            logon->known = known_of_flags(work->mode);
            logon->mapping = ++session->mappings;
            logon->has_store = false;
        } else if (!input) {
            continue;
        } else if (id == ROP_SET_COLUMNS || id == ROP_RESET_TABLE) {
            input->columns = NULL;
        } else if (id == ROP_RELOAD_CACHED_INFORMATION) {
            input->recipients = NULL;
        } else if (id == ROP_SOURCE_GET_BUFFER) {
            transfer_lose(session, input);
        }
    }
}

/* What the server did not execute is undone, the last first: the client sends it again. */
static void assume_nothing(struct rop_message *request)
{
    for (uint32_t i = request->work ? request->count : 0; i-- > 0;) {
        const struct rop_work *work = &request->work[i];
        struct rop_object *input = object_still(work->input, work->input_serial);
        if (!input || work->answered) {
            continue;
        }
        if (request->notes[i].id == ROP_RELEASE) {
            input->released = false;
        } else if (work->data.len > 0) {
            transfer_took_part(request->session, input, request->notes[i].piece, (struct span){ NULL, 0 });
        }
    }
}

void rop_request_overtaken(struct rop_message *request)
{
    for (; request && !request->overtaken; request = request->next_pending) {
        request->overtaken = true;
        assume_executed(request);
    }
}

void rop_request_settle(struct rop_message *request)
{
    struct rop_session *session = request->session;
    for (struct rop_message **at = &session->pending; *at; at = &(*at)->next_pending) {
        if (*at == request) {
            *at = request->next_pending;
            request->next_pending = NULL;
            session->pending_count--;
            break;
        }
    }
    if (request->not_executed) {
        assume_nothing(request);
    } else if (!request->overtaken) {
        assume_executed(request);
    }
    for (uint32_t i = 0; request->work && i < request->count; i++) {
        struct rop_work *work = &request->work[i];
        struct rop_object *opened = object_still(work->opened, work->opened_serial);
        if (opened && !opened->listed) {
            object_forget(session, opened);
        }
        drop_span(session, work->names);
        drop_span(session, work->ids);
        drop_span(session, work->data);
    }
    arena_give_back(&session->track->arena, request->work, request->room * sizeof(*request->work));
    request->work = NULL;
}

void rop_request_await(struct rop_message *request)
{
    struct rop_session *session = request->session;
    request->next_pending = session->pending;
    session->pending = request;
    if (++session->pending_count > PENDING_MAX) {
        struct rop_message *oldest = session->pending;
        while (oldest->next_pending) {
            oldest = oldest->next_pending;
        }
        rop_request_settle(oldest);
    }
}

/* ---- reading one ---- */

bool rop_uploads(uint8_t id)
{
    return id == ROP_DESTINATION_PUT_BUFFER || id == ROP_DESTINATION_PUT_BUFFER_EXTENDED;
}

void rop_request_handles(void *ctx, const uint8_t *table, uint32_t count)
{
    struct rop_message *message = ctx;
    struct rop_session *session = message->session;
    session->handles = table;
    session->handle_count = count;
    const uint32_t used = count < COUNT_OF(session->at) ? count : COUNT_OF(session->at);
    for (uint32_t i = 0; i < used; i++) {
        session->at[i] = object_find(session, object_handle_at(session, i));
    }
    for (uint32_t i = used; i < session->at_used; i++) {
        session->at[i] = NULL;
    }
    session->at_used = used;
}

struct rop_object *rop_work_meet(struct rop_session *session, struct rop_work *work, uint8_t logon)
{
    struct rop_object *object = object_still(work->input, work->input_serial);
    if (!object) {
        object = object_meet(session, work->input_handle, logon);
        work->input = object;
        work->input_serial = object_serial(object);
    }
    return object;
}

/* What the index stands for at the moment; one that was met in this list by its handle. */
static struct rop_object *input_at(const struct rop_session *session, uint16_t index)
{
    struct rop_object *object = index < session->at_used ? session->at[index] : NULL;
    object = object ? object : object_find(session, object_handle_at(session, index));
    return object && !object->released ? object : NULL;
}

/* A logon in this list counts for what comes behind it. */
static void note_logon_of_list(const struct rop_message *message, struct rop_note *note)
{
    const struct rop_logon *logon = object_logon(message->session, note->logon);
    if (logon->asked_by == message) {
        note->known = logon->asked;
        note->mapping = 0; /* which store it is, the response tells */
    }
}

void rop_request_look(void *ctx, uint32_t number, uint32_t order, const struct rop_took *head, struct rop_known *known)
{
    struct rop_message *message = ctx;
    struct rop_session *session = message->session;
    struct rop_note *note = rop_message_note(message);
    struct rop_work *work = &message->work[order];
    (void)number;
    note->id = head->id;
    note->logon = head->logon;
    note->call_flags = rop_call_is_silent(head->id, head->buffer) ? ROP_CALL_SILENT : 0;
    note->code_page = head->input == ROP_NO_INDEX ? session->code_page : 0;
    rop_note_logon(session, note, head->logon);
    note_logon_of_list(message, note);
    work->input = input_at(session, head->input);
    work->input_handle = work->input ? NO_HANDLE : object_handle_at(session, head->input);
    work->input_serial = object_serial(work->input);
    object_refresh(session, work->input);
    work->before_serial = session->serial + 1;
    work->output = head->output;
    rop_note_object(session, note, work->input);
    if ((head->id == ROP_SET_PROPERTIES || head->id == ROP_SET_PROPERTIES_NO_REPLICATE) && work->input &&
        work->input->kind == ROP_ATTACHMENT) {
        note->known |= ROP_KNOWN_FILES;
    }
    if (rop_uploads(head->id)) {
        struct rop_object *upload = rop_work_meet(session, work, head->logon);
        note->piece = upload ? transfer_piece(session, upload) : NULL;
    }
    *known = rop_note_known(note);
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

/* The index stands for the object from here on; for none where there may be no more. */
static void set_at(struct rop_session *session, uint16_t index, struct rop_object *object)
{
    if (index >= COUNT_OF(session->at)) {
        return;
    }
    for (; session->at_used <= index; session->at_used++) {
        session->at[session->at_used] = NULL;
    }
    session->at[index] = object;
}

/* MS-OXCROPS 3.1.5.4: what a message owns has the message's, all else the session's. */
static uint16_t code_page_of(const struct rop_session *session, const struct rop_took *took,
                             const struct rop_object *parent)
{
    const bool may_be_of_message = took->id == ROP_GET_ATTACHMENT_TABLE || took->id == ROP_OPEN_STREAM ||
                                   took->id == ROP_CLONE_STREAM || took->id == ROP_DESTINATION_CONFIGURE ||
                                   took->id == ROP_SOURCE_COPY_TO || took->id == ROP_SOURCE_COPY_PROPERTIES ||
                                   rop_opens(took->id) == ROP_ATTACHMENT;
    if (rop_opens(took->id) == ROP_MESSAGE) {
        return took->code_page && took->code_page != CODE_PAGE_OF_LOGON ? took->code_page : session->code_page;
    }
    return !may_be_of_message ? session->code_page : parent ? parent->code_page : 0;
}

static void open_object(struct rop_message *message, struct rop_work *work, const struct rop_took *took,
                        struct rop_note *note)
{
    struct rop_session *session = message->session;
    struct rop_object *object = object_new(session, rop_opens(took->id), took->logon);
    const struct rop_object *parent = work->input;
    set_at(session, took->output, object);
    note->opened_in = 0;
    note->property = 0;
    note->object = object_text(session, took, parent);
    if (!object) {
        return;
    }
    object->opened_in = message->frame;
    object->opened_by = took->id;
    object->code_page = code_page_of(session, took, parent);
    note->code_page = object->code_page;
    object->property = took->id == ROP_CLONE_STREAM && parent ? parent->property : took->property;
    object->text = note->object;
    if (took->id == ROP_CLONE_STREAM && parent) {
        object->of = parent->of; /* what it is a stream of */
        object->of_serial = parent->of_serial;
        object->file = parent->file;
    } else {
        object->of = work->input;
        object->of_serial = object_serial(parent);
    }
    object->attachment = took->attachment;
    object->has_number = took->id == ROP_OPEN_ATTACHMENT;
    if (opens_stream(object->kind)) {
        transfer_begin(session, object, root_of(took, parent));
    }
    work->opened = object;
    work->opened_serial = object->serial;
}

static void upload(struct rop_message *message, struct rop_work *work, const struct rop_note *note,
                   const struct rop_took *took)
{
    struct rop_session *session = message->session;
    struct rop_object *input = object_still(work->input, work->input_serial);
    if (!input || !note->piece) {
        return;
    }
    if (took->data.len > 0) {
        transfer_go_on(session, input, note->piece, took->data, message->frame);
        work->data = keep_span(session, took->data);
    } else if (!took->whole) {
        transfer_lose(session, input);
    }
}

void rop_request_took(void *ctx, uint32_t number, uint32_t order, const struct rop_took *took)
{
    struct rop_message *message = ctx;
    struct rop_session *session = message->session;
    struct rop_note *note = &message->notes[order];
    struct rop_work *work = &message->work[order];
    struct rop_object *input = object_still(work->input, work->input_serial);
    (void)number;
    note->whole = took->whole;
    work->mode = took->mode;
    work->whole = took->whole;
    if (rop_uploads(took->id)) {
        upload(message, work, note, took);
    }
    if (!took->whole) {
        return;
    }
    if (rop_opens(took->id) != ROP_OPENS_NOTHING) {
        open_object(message, work, took, note);
    }
    switch (took->id) {
    case ROP_RELEASE:
        if (input) {
            input->released = true;
        }
        break;
    case ROP_LOGON: {
        struct rop_logon *logon = object_logon(session, took->logon);
        logon->asked_by = message;
        logon->asked = known_of_flags(took->mode);
        break;
    }
    case ROP_SET_COLUMNS:
        rop_work_meet(session, work, took->logon); /* for rows that the same list asks for */
        note->columns = object_keep_columns(session, &took->tags);
        note->columns_in = 0;
        break;
    case ROP_GET_PROPERTIES_SPECIFIC:
        note->columns = object_keep_columns(session, &took->tags);
        note->columns_in = 0;
        break;
    case ROP_GET_PROPERTY_IDS_FROM_NAMES:
    case ROP_GET_NAMES_FROM_PROPERTY_IDS:
        work->names = keep_span(session, took->names);
        work->ids = keep_span(session, took->ids);
        work->name_count = took->name_count;
        break;
    case ROP_CREATE_FOLDER:
        work->folder = object_new_folder(session, took);
        break;
    case ROP_SOURCE_GET_BUFFER:
    case ROP_RELOAD_CACHED_INFORMATION: /* recipients that the same list asks for */
        rop_work_meet(session, work, took->logon);
        break;
    case ROP_UPLOAD_STATE_BEGIN:
        input = rop_work_meet(session, work, took->logon);
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
