/* rop_walk.c
 * The lists of ROPs in the payloads of a request and of its response (MS-OXCROPS 2.2.1, 3.1.4.1,
 * 3.2.5.1).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "rop_private.h"

#include <inttypes.h>
#include <stdio.h>

#define ROP_SIZE_LEN 2
#define HANDLE_LEN 4

/* ---- rows ---- */

static FIELD_NAMES(handle_names, 0xFFFFFFFF, "no object");

static LAYOUT(id_row, X8("id", "RopId", .names = rop_id_names));
static LAYOUT(logon_row, U8("logon_id", "LogonId", .seen = keep_logon));
static LAYOUT(handle_row, X32("buffer.handle", "Handle", .names = handle_names));
static LAYOUT(rest_row, REST("buffer.rest", "Not read"));
static LAYOUT(size_row, U16("buffer.rop_size", "RopSize"));

/* What is made: of a ROP, of a list. */
static LAYOUT(made_size, U32("size", "Bytes of this ROP"));
static LAYOUT(made_handle, X32("handle", "Handle", .names = handle_names));
static LAYOUT(made_object, STRING8("object", "Object"));
static LAYOUT(made_opened, FRAME("opened_in", "Opened in"));
static LAYOUT(made_columns, FRAME("columns_in", "Columns set in"));
static LAYOUT(made_request, FRAME("request_in", "Request in"));
static LAYOUT(made_response, FRAME("response_in", "Response in"));
static LAYOUT(made_time, INTERVAL("time", "Time since the request"));

LAYOUT(rop_layouts, INCLUDE(size_row), INCLUDE(id_row), INCLUDE(logon_row), INCLUDE(handle_row), INCLUDE(rest_row),
       INCLUDE(made_size), INCLUDE(made_handle), INCLUDE(made_object), INCLUDE(made_opened), INCLUDE(made_columns),
       INCLUDE(made_request), INCLUDE(made_response), INCLUDE(made_time), INCLUDE(fx_layouts),
       INCLUDE(rop_piece_layouts), CHOOSE(rops_of_all), CHOOSE(rops_of_store), CHOOSE(rops_of_folders),
       CHOOSE(rops_of_tables), CHOOSE(rops_of_messages), CHOOSE(rops_of_transport), CHOOSE(rops_of_properties),
       CHOOSE(rops_of_streams), CHOOSE(rops_of_transfer), CHOOSE(rops_of_sync), CHOOSE(rops_of_notifications));

/* ---- a list ---- */

struct list {
    struct reader *reader;
    struct rop_host *host;
    const uint8_t *handles;
    uint32_t handle_count;
    bool response;
    bool overlong; /* RopSize reaches behind the payload, and the list over the handles */
};

static bool is_packed(uint8_t id)
{
    return id == ROP_WRITE_STREAM_EXTENDED || id == ROP_DESTINATION_PUT_BUFFER ||
           id == ROP_DESTINATION_PUT_BUFFER_EXTENDED;
}

bool rop_call_is_silent(uint8_t id, uint16_t buffer)
{
    return id == ROP_RELEASE || (buffer > 0 && is_packed(id));
}

/* The RopId with which a request is answered (2.2.6.8: GetMessageStatus with that of SetMessageStatus). */
static uint8_t answer_id(uint8_t request)
{
    return request == ROP_GET_MESSAGE_STATUS ? ROP_SET_MESSAGE_STATUS : request;
}

static bool answers(uint8_t request, uint8_t id)
{
    return id == request || id == answer_id(request) || (id == ROP_PROGRESS && rop_is_long(request)) ||
           (request == ROP_PROGRESS && rop_is_long(id));
}

/* The first ROP of the request from number on that is answered; host->calls if there is none. What has
 * no answer is passed once, however often that is asked. */
static uint32_t next_call(struct rop_host *host, uint32_t number, uint8_t *id)
{
    const uint32_t start = number;
    if (number >= host->silent && number < host->silent_end) {
        number = host->silent_end;
    }
    for (*id = 0; number < host->calls; number++) {
        const struct rop_call call = host->call(host->ctx, number);
        if (!(call.flags & ROP_CALL_SILENT)) {
            *id = call.id;
            break;
        }
    }
    if (number > start && (start < host->silent || number > host->silent_end)) {
        host->silent = start;
        host->silent_end = number;
    }
    return number < host->calls ? number : host->calls;
}

/* RopId and indices, before the ROP is read; those that are not there are 0. */
static void read_head(const struct list *list, struct rop_took *head)
{
    const uint8_t *p = list->reader->p + list->reader->pos;
    const uint32_t left = reader_left(list->reader);
    const uint8_t at[4] = { p[0], left > 1 ? p[1] : 0, left > 2 ? p[2] : 0, left > 3 ? p[3] : 0 };
    *head = (struct rop_took){ .id = at[0], .input = ROP_NO_INDEX, .output = ROP_NO_INDEX };
    head->offset = list->reader->pos;
    head->buffer = list->host->buffers;
    if (list->response) {
        if (!rop_is_unasked(head->id)) {
            head->input = at[1];
        } else if (head->id == ROP_NOTIFY && left > 4) {
            head->handle = get_le32(p + 1);
        }
        return;
    }
    head->logon = at[1];
    if (head->id == ROP_LOGON) {
        head->output = at[2];
    } else if (head->id == 0x0C || head->id == 0x25 || head->id == ROP_SET_MESSAGE_READ_FLAG) {
        head->input = at[3]; /* behind ResponseHandleIndex */
    } else {
        head->input = at[2];
        head->output = rop_opens(head->id) != ROP_OPENS_NOTHING ? at[3] : ROP_NO_INDEX;
    }
}

static void show_known(const struct list *list, const struct rop_scene *scene)
{
    struct reader *reader = list->reader;
    const struct rop_known *known = &scene->known;
    const uint16_t input = scene->took.input;
    reader_made(reader, made_size, reader->pos - scene->took.offset, NULL);
    if (scene->took.id == ROP_NOTIFY) {
        reader_made(reader, made_handle, scene->took.handle, NULL);
    } else if (input < list->handle_count) {
        reader_made(reader, made_handle, get_le32(list->handles + (size_t)input * HANDLE_LEN), NULL);
    }
    const bool answered = list->response ? !rop_is_unasked(scene->took.id) : known->flags & ROP_KNOWN_ANSWER;
    if (list->host->other_frame && answered) {
        reader_made(reader, list->response ? made_request : made_response, list->host->other_frame, NULL);
        if (list->response) {
            reader_made(reader, made_time, (uint64_t)list->host->ns, NULL);
        }
    }
    if (known->object) {
        reader_made(reader, made_object, 0, known->object);
    }
    if (known->opened_in) {
        reader_made(reader, made_opened, known->opened_in, NULL);
    }
    if (known->columns_in) {
        reader_made(reader, made_columns, known->columns_in, NULL);
    }
}

/* What an answer says of how it went. */
static void tell_outcome(const struct list *list, const struct rop_scene *scene, const char *name)
{
    const struct rop_took *took = &scene->took;
    char text[160];
    if (took->id == ROP_BACKOFF || (took->return_value == OX_SERVER_BUSY && took->duration > 0)) {
        snprintf(text, sizeof(text), "The server is busy: it asks the client to wait %" PRIu32 " ms", took->duration);
        reader_tell(list->reader, &rop_backoff, took->offset, text);
    } else if (took->return_value == OX_SERVER_BUSY) {
        snprintf(text, sizeof(text), "%s was refused: the server is busy (0x%08" PRIX32 ")", name, took->return_value);
        reader_tell(list->reader, &rop_backoff, took->offset, text);
    } else if (took->id == ROP_BUFFER_TOO_SMALL) {
        reader_tell(list->reader, &rop_buffer_too_small, took->offset,
                    "The answers did not fit into the response: the client sends the rest of its request again");
    } else if (rop_return_is_failure(took->return_value)) {
        const char *error = ox_error_name(took->return_value);
        snprintf(text, sizeof(text), "%s failed: %s (0x%08" PRIX32 ")", name, error ? error : "unknown code",
                 took->return_value);
        reader_tell(list->reader, &rop_failed, took->offset, text);
    }
}

static const char *summary_of(const struct list *list, const struct rop_scene *scene, char room[FIELD_TEXT_MAX])
{
    const struct rop_took *took = &scene->took;
    if (list->response && took->return_value != 0) {
        return ox_error_name(took->return_value);
    }
    if (list->response && took->whole && (took->id == ROP_QUERY_ROWS || took->id == ROP_EXPAND_ROW)) {
        snprintf(room, FIELD_TEXT_MAX, "%" PRIu32 " row%s", took->rows, took->rows == 1 ? "" : "s");
        return room;
    }
    return scene->known.object;
}

/* One ROP; false where the list cannot be read on. number: as rop_host's look() has it. */
static bool read_rop(const struct list *list, uint32_t number, uint8_t next)
{
    struct reader *reader = list->reader;
    struct rop_host *host = list->host;
    struct rop_scene scene = { .host = host, .next = next, .joined = &host->joined };
    struct layout_run run = { .reader = reader, .scene = &scene };
    char room[FIELD_TEXT_MAX];
    read_head(list, &scene.took);
    const struct field_choice *rop = rop_layout(scene.took.id, list->response);
    if (!rop) {
        reader_fail(reader, list->response ? "A RopId of no answer of the specification" :
                                             "A RopId of no request of the specification");
        return false;
    }
    if (!reader_open(reader, rop->name)) {
        return false;
    }
    if (host->look) {
        host->look(host->ctx, number, host->order, &scene.took, &scene.known);
    }
    reader->code_page = scene.known.code_page;
    read_rows(reader, id_row);
    if (!list->response) {
        read_layout(&run, logon_row);
    }
    read_layout(&run, rop->rows);
    scene.took.whole = !reader->failed && !scene.lost;
    if (list->response && scene.took.whole) {
        tell_outcome(list, &scene, rop->name);
    }
    show_known(list, &scene);
    reader_close(reader, summary_of(list, &scene, room));
    if (host->took) {
        host->took(host->ctx, number, host->order, &scene.took);
    }
    host->order++;
    return scene.took.whole;
}

static void read_requests(const struct list *list)
{
    while (reader_left(list->reader) > 0 && read_rop(list, list->host->order, 0)) {
        /* the next one */
    }
}

static void read_answers(const struct list *list)
{
    struct reader *reader = list->reader;
    struct rop_host *host = list->host;
    uint8_t expected, behind;
    if (host->buffers > 0) {
        host->number = host->last; /* a further part of the last answer (MS-OXCRPC 3.1.4.2.1.2.2) */
    }
    while (reader_left(reader) > 0) {
        const uint8_t id = peek_u8(reader);
        uint32_t number = host->calls;
        expected = behind = 0;
        if (host->has_calls) {
            number = next_call(host, host->number, &expected);
            next_call(host, number + 1, &behind);
        }
        if (rop_is_unasked(id)) {
            number = host->calls;
            behind = expected;
        } else if (host->has_calls && host->calls_open && !answers(expected, id)) {
            /* It answers what could not be read of the request, where its last ROPs may have been misread, too. */
            number = host->number = host->calls;
            behind = 0;
        } else if (host->has_calls && !answers(expected, id)) {
            char text[120];
            const char *name = rop_name(expected);
            if (!expected && list->overlong) {
                return;
            }
            if (expected) {
                snprintf(text, sizeof(text), "RopId 0x%02X where the answer to %s was expected", id,
                         name ? name : "a ROP");
            } else {
                snprintf(text, sizeof(text), "RopId 0x%02X behind the answers to all ROPs of the request", id);
            }
            reader_fail(reader, text);
            return;
        } else if (host->has_calls) {
            host->last = number;
            host->number = number + 1;
        }
        if (!read_rop(list, number, answer_id(behind))) {
            return;
        }
        if (id == ROP_BACKOFF || id == ROP_BUFFER_TOO_SMALL) {
            host->number = host->calls;
        }
    }
}

/* ---- a payload ---- */

static void read_handles(struct reader *reader)
{
    if (reader_left(reader) == 0 || !reader_open(reader, "Server object handle table")) {
        return;
    }
    uint32_t count = 0;
    while (reader_left(reader) >= HANDLE_LEN) {
        read_rows(reader, handle_row);
        count++;
    }
    if (reader_left(reader) > 0) {
        if (reader->whole == reader->len) {
            reader_warn(reader, reader->pos, "The server object handle table is no multiple of four bytes");
        }
        read_rows(reader, rest_row);
    }
    char summary[32];
    snprintf(summary, sizeof(summary), "%u handle%s", (unsigned)count, count == 1 ? "" : "s");
    reader_close(reader, summary);
}

/* What of the list could not be read. */
static void show_rest(struct reader *list)
{
    list->failed = false;
    if (reader_left(list) > 0) {
        read_rows(list, rest_row);
    }
}

void read_rop_payload(struct reader *reader, bool response, struct rop_host *host)
{
    struct rop_host nobody = { .ctx = NULL };
    const struct issue_kind *broken = reader->broken;
    host = host ? host : &nobody;
    reader->broken = &rop_malformed;
    reader->known = host->names;
    const uint32_t start = reader->pos;
    uint32_t size = (uint32_t)read_field(reader, size_row);
    if (reader->failed) {
        return;
    }
    if (size < ROP_SIZE_LEN) {
        reader_warn(reader, start, "RopSize does not count itself");
        size = ROP_SIZE_LEN;
    }
    size -= ROP_SIZE_LEN;
    const bool overlong = reader_lacks(reader, size);
    if (overlong) {
        reader_warn(reader, start, "RopSize reaches behind the payload");
    }
    struct reader part = reader_part(reader, size);
    struct list list = { &part, host, NULL, 0, response, overlong };
    if (part.len < reader->len) {
        list.handles = reader->p + part.len;
        list.handle_count = (reader->len - part.len) / HANDLE_LEN;
    }
    if (host->handles) {
        host->handles(host->ctx, list.handles, list.handle_count);
    }
    if (response) {
        read_answers(&list);
    } else {
        read_requests(&list);
    }
    if (host->unread && (part.failed || reader_left(&part) > 0 || part.len < part.whole)) {
        host->unread(host->ctx);
    }
    show_rest(&part);
    if (host->payload_end) {
        host->payload_end(host->ctx);
    }
    host->buffers += host->buffers < UINT16_MAX;
    reader_resume(reader, &part);
    read_handles(reader);
    reader->broken = broken;
    reader->known = NULL;
}
