/* object_answers.c
 * What responses confirm of server objects, and what they tell of them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "objects_private.h"

#include "names.h"

#define SETCOL_ERROR 0x0D /* TBLSTAT_SETCOL_ERROR */

static struct rop_work *work_of(const struct rop_message *message, uint32_t number)
{
    const struct rop_message *request = message->other;
    return request && request->work && number < request->count ? &request->work[number] : NULL;
}

void rop_response_handles(void *ctx, const uint8_t *table, uint32_t count)
{
    struct rop_message *message = ctx;
    message->session->handles = table;
    message->session->handle_count = count;
}

/* ROPs of the request up to this one that are not answered have been executed by now. */
static void pass_silent(struct rop_message *message, uint32_t number)
{
    struct rop_message *request = message->other;
    for (; request && request->work && message->passed < number && message->passed < request->count;
         message->passed++) {
        if (request->notes[message->passed].id == ROP_RELEASE) {
            object_release(message->session, &request->work[message->passed]);
        }
    }
}

/* What a response is about: as its request had it, else by the handle that it returns. */
static struct rop_object *object_of(const struct rop_message *message, uint32_t number, const struct rop_took *head)
{
    const struct rop_work *work = work_of(message, number);
    if (head->id == ROP_NOTIFY) {
        return object_find(message->session, head->handle);
    }
    if (work) {
        return object_still(work->input, work->input_serial);
    }
    return message->other && !message->other->open ?
               NULL :
               object_find(message->session, object_handle_at(message->session, head->input));
}

static void note_columns(struct rop_note *note, const struct rop_object *object, const struct rop_note *call)
{
    switch (note->id) {
    case ROP_GET_PROPERTIES_SPECIFIC:
        note->columns = call ? call->columns : NULL;
        note->known |= object && object->kind == ROP_ATTACHMENT ? ROP_KNOWN_FILES : 0;
        break;
    case ROP_GET_PROPERTIES_ALL:
        note->known |= object && object->kind == ROP_ATTACHMENT ? ROP_KNOWN_FILES : 0;
        break;
    case ROP_QUERY_ROWS:
    case ROP_FIND_ROW:
    case ROP_EXPAND_ROW:
    case ROP_NOTIFY:
        note->columns = object ? object->columns : NULL;
        note->columns_in = note->columns ? object->columns_in : 0;
        note->known |= object && object->opened_by == ROP_GET_HIERARCHY_TABLE ? ROP_KNOWN_FOLDERS : 0;
        note->known |= object && object->opened_by == ROP_GET_ATTACHMENT_TABLE ? ROP_KNOWN_FILES : 0;
        break;
    case ROP_READ_RECIPIENTS:
        note->columns = object ? object->recipients : NULL;
        note->columns_in = note->columns ? object->recipients_in : 0;
        break;
    default:
        break;
    }
}

void rop_response_look(void *ctx, uint32_t number, uint32_t order, const struct rop_took *head, struct rop_known *known)
{
    struct rop_message *message = ctx;
    struct rop_session *session = message->session;
    struct rop_message *request = message->other;
    struct rop_note *note = rop_message_note(message);
    struct rop_note *call = request && number < request->count ? &request->notes[number] : NULL;
    (void)order;
    note->id = head->id;
    note->asked = call ? call->id : head->id;
    if (call) {
        pass_silent(message, number);
    } else if (request && (head->id == ROP_BUFFER_TOO_SMALL || head->id == ROP_BACKOFF)) {
        request->not_executed = true; /* what has no answer before this */
    }
    struct rop_object *object = object_of(message, number, head);
    if (!object && !request && head->id == ROP_SOURCE_GET_BUFFER) {
        object = object_meet(session, object_handle_at(session, head->input), 0);
    }
    object_refresh(session, object);
    rop_note_object(session, note, object);
    if (call) {
        call->known |= ROP_KNOWN_ANSWER;
        note->logon = call->logon;
        note->object = call->object; /* what it opens, if it does */
        note->opened_in = call->opened_in;
        note->code_page = call->code_page;
        rop_note_logon(session, note, call->logon);
    } else if (object) {
        note->logon = object->logon;
        rop_note_logon(session, note, object->logon);
    }
    note_columns(note, object, call);
    if (head->id == ROP_SOURCE_GET_BUFFER && object) {
        note->piece = transfer_piece(session, object);
    }
    *known = rop_note_known(note);
}

/* ---- what an answer says ---- */

/* MS-OXCSTOR 2.2.1.1.3 and 2.2.1.1.4: what FolderIds are called. */
static void name_folders(struct rop_session *session, uint32_t mapping, const struct rop_took *took)
{
    static const char *const of_mailbox[] = { "Root",   "Deferred Action", "Spooler Queue", "IPM subtree",  "Inbox",
                                              "Outbox", "Sent Items",      "Deleted Items", "Common Views", "Schedule",
                                              "Search", "Views",           "Shortcuts" };
    static const char *const public_ones[] = { "Root", "IPM subtree", "Non-IPM subtree" };
    const bool is_private = took->mode & ROP_LOGON_PRIVATE;
    const size_t count = is_private ? COUNT_OF(of_mailbox) : COUNT_OF(public_ones);
    for (size_t i = 0; i < count && took->data.len >= 8 * (i + 1); i++) {
        const uint8_t *p = took->data.ptr + 8 * i;
        object_name_folder(session, mapping, (uint64_t)get_be32(p) << 32 | get_be32(p + 4),
                           is_private ? of_mailbox[i] : public_ones[i]);
    }
}

/* A logon that its LogonId had before is released (MS-OXCROPS 3.1.4.2). */
static void answer_logon(struct rop_session *session, uint8_t id, const struct rop_work *work,
                         const struct rop_took *took)
{
    struct rop_logon *logon = object_logon(session, id);
    const bool is_private = took->mode & ROP_LOGON_PRIVATE;
    const uint64_t store = hash_keyed(&session->track->arena.key, is_private, took->store.ptr, took->store.len);
    object_end_logon(session, logon, work->before_serial);
    logon->known = ROP_KNOWN_LOGON | (is_private ? ROP_KNOWN_PRIVATE : 0);
    if (!logon->has_store || logon->store != store) {
        logon->mapping = ++session->mappings;
    }
    logon->store = store;
    logon->has_store = true;
    name_folders(session, logon->mapping, took);
}

/* No request that the capture lacks was sent behind the one that is answered: it may be answered behind it, too. */
static bool is_latest(const struct rop_message *message)
{
    return !message->other || message->other->missed == message->session->missed;
}

static void keep_recipients(struct rop_message *message, struct rop_object *object, const struct rop_took *took)
{
    if (object) {
        object->recipients = is_latest(message) ? object_keep_columns(message->session, &took->tags) : NULL;
        object->recipients_in = message->frame;
    }
}

static void keep_number(struct rop_object *attachment, uint32_t number)
{
    if (attachment) {
        attachment->attachment = number;
        attachment->has_number = true;
    }
}

/* An answer whose ROP of the request is not known: what it opened is not known, but that the handle means something else now. */
static void answer_unasked(struct rop_message *message, const struct rop_took *took)
{
    struct rop_session *session = message->session;
    struct rop_object *object = object_find(session, object_handle_at(session, took->input));
    if (!object) {
        return;
    }
    if (took->return_value == 0 && rop_opens(took->id) != ROP_OPENS_NOTHING) {
        object_forget(session, object);
    } else if (took->id == ROP_SET_COLUMNS || took->id == ROP_RESET_TABLE) {
        object->columns = NULL;
    } else if (took->id == ROP_RELOAD_CACHED_INFORMATION && took->return_value == 0) {
        keep_recipients(message, object, took);
    }
}

static void answer_columns(struct rop_message *message, struct rop_work *work, const struct rop_note *call,
                           const struct rop_took *took)
{
    struct rop_object *table = rop_work_meet(message->session, work, call->logon);
    if (!table) {
        return;
    }
    if (took->return_value == 0 && took->mode != SETCOL_ERROR && is_latest(message)) {
        table->columns = call->columns;
        table->columns_in = message->other->frame;
    } else {
        table->columns = NULL;
    }
}

/* How much of the upload the server took; the client sends the rest again. Packed ROPs have one answer, which tells that of
 * the last (MS-OXCRPC 3.1.4.2.1.2). A server that says success and 0 does not say. */
static void answer_upload(struct rop_message *message, uint32_t number, const struct rop_took *took)
{
    const struct rop_message *request = message->other;
    const uint8_t id = request->notes[number].id;
    while (number + 1 < request->count && request->notes[number + 1].id == id &&
           (request->notes[number + 1].call_flags & ROP_CALL_SILENT)) {
        request->work[++number].answered = true;
    }
    const struct rop_work *work = &request->work[number];
    struct rop_object *input = object_still(work->input, work->input_serial);
    const bool says_nothing = took->return_value == 0 && took->rows == 0;
    if (input && took->rows < work->data.len && !says_nothing) {
        transfer_took_part(message->session, input, request->notes[number].piece,
                           (struct span){ work->data.ptr, took->rows });
    }
}

static void answer_asked(struct rop_message *message, uint32_t number, const struct rop_took *took)
{
    struct rop_session *session = message->session;
    const struct rop_note *call = &message->other->notes[number];
    struct rop_work *work = work_of(message, number);
    struct rop_object *input = object_still(work->input, work->input_serial);
    const bool success = took->return_value == 0, first = !work->answered;
    work->answered = true;
    if (call->id == ROP_SET_COLUMNS) {
        answer_columns(message, work, call, took);
    } else if (rop_uploads(call->id) && first) {
        answer_upload(message, number, took);
    }
    if (!success && took->return_value != OX_ERRORS_RETURNED) {
        return;
    }
    work->got = success;
    switch (call->id) {
    case ROP_LOGON:
        if (first && success) {
            answer_logon(session, call->logon, work, took);
        }
        break;
    case ROP_CREATE_FOLDER:
        if (success && work->folder) {
            object_name_folder(session, object_logon(session, call->logon)->mapping, took->folder, work->folder);
        }
        break;
    case ROP_OPEN_MESSAGE:
    case ROP_OPEN_EMBEDDED_MESSAGE:
        keep_recipients(message, object_still(work->opened, work->opened_serial), took);
        break;
    case ROP_CREATE_ATTACHMENT:
        keep_number(object_still(work->opened, work->opened_serial), took->attachment);
        break;
    case ROP_RELOAD_CACHED_INFORMATION:
        keep_recipients(message, rop_work_meet(session, work, call->logon), took);
        break;
    case ROP_RESET_TABLE:
        if (input) {
            input->columns = NULL;
        }
        break;
    case ROP_GET_STATUS:
        if (input && took->mode == SETCOL_ERROR) {
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

/* A piece of a download; one that did not come whole leaves the stream without its place. */
static void download(struct rop_message *message, uint32_t number, const struct rop_note *note,
                     const struct rop_took *took)
{
    struct rop_object *object = object_of(message, number, took);
    if (!object || !note->piece) {
        return;
    }
    if (took->data.len > 0) {
        transfer_go_on(message->session, object, note->piece, took->data, message->frame);
    } else if (!took->whole) {
        transfer_lose(message->session, object);
    }
}

void rop_response_took(void *ctx, uint32_t number, uint32_t order, const struct rop_took *took)
{
    struct rop_message *message = ctx;
    struct rop_note *note = &message->notes[order];
    note->whole = took->whole;
    note->return_value = took->return_value;
    note->rows = rop_is_busy(took->id, took->return_value) ? took->duration : took->rows;
    if (took->id == ROP_SOURCE_GET_BUFFER) {
        download(message, number, note, took);
    }
    if (!took->whole) {
        return;
    }
    if (work_of(message, number)) {
        answer_asked(message, number, took);
    } else if (!message->other || message->other->open) {
        answer_unasked(message, took);
    }
}

/* The handle table of the first payload says how what was opened is called from here on. An index that several ROPs used is
 * that of the last that succeeded. */
void rop_response_payload_end(void *ctx)
{
    struct rop_message *message = ctx;
    struct rop_message *request = message->other;
    struct rop_session *session = message->session;
    bool taken[COUNT_OF(session->at)] = { false };
    if (!request || !request->work || message->named) {
        return;
    }
    message->named = true;
    if (!request->not_executed) {
        pass_silent(message, request->count);
    }
    for (uint32_t i = request->count; i-- > 0;) {
        struct rop_work *work = &request->work[i];
        struct rop_object *opened = object_still(work->opened, work->opened_serial);
        if (!work->got || work->output >= COUNT_OF(taken) || taken[work->output]) {
            continue;
        }
        taken[work->output] = true;
        const uint32_t handle = object_handle_at(session, work->output);
        struct rop_object *old = object_find(session, handle);
        if (opened && !opened->listed && handle != NO_HANDLE) {
            object_list(session, opened, handle);
        } else if (!opened && old) {
            object_forget(session, old); /* the server uses the handle for one too many */
        }
    }
}

void rop_response_folder(void *ctx, uint64_t id, struct span name)
{
    struct rop_message *message = ctx;
    const struct rop_note *note = &message->notes[message->count - 1]; /* of the answer under reading */
    object_call_folder(message->session, object_logon(message->session, note->logon)->mapping, id, name);
}
