/* contents.c
 * What ROPs carried: reads requests and responses again, and collects streams and transfers by the handles of their
 * objects.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "contents_private.h"

#include <inttypes.h>
#include <stdio.h>

#include "bodies.h"
#include "envelope.h"

#define NO_HANDLE UINT32_MAX
#define TRANSFER_DONE 3 /* TransferStatus */
#define ORIGIN_END 2

struct contents {
    struct arena arena;
    struct collected *first; /* under way, newest first */
    uint32_t count, held;    /* of them; bytes in all of them */
};

/* One reading of one message. */
struct reading {
    struct contents *contents;
    struct content_sink sink;
    struct rop_message *message;
    struct rop_host inner; /* the notes' */
    const uint8_t *handles;
    uint32_t handle_count;
    const uint8_t *payload; /* where RopSize stands */
    unsigned payloads;
    uint8_t id;      /* of the ROP under reading */
    uint64_t number; /* of that: StreamSize, NewPosition, WrittenSize, Offset */
    uint8_t origin;
    const struct rop_piece *piece; /* of a transfer: where the stream stands */
    const char *file;              /* what the session knows of it */
};

/* ---- What is under way ------------------------------------------------------------ */

static void let_go(struct contents *contents, struct collected *done)
{
    for (struct collected **at = &contents->first; *at; at = &(*at)->next) {
        if (*at == done) {
            *at = done->next;
            break;
        }
    }
    contents->held -= done->room;
    contents->count--;
    arena_give_back(&contents->arena, done->bytes, done->room);
    arena_give_back(&contents->arena, done, sizeof(*done));
}

struct contents *contents_new(const struct arena *arena)
{
    struct contents *contents = arena_new(arena, sizeof(*contents));
    contents->arena = *arena;
    return contents;
}

void contents_forget(struct contents *contents)
{
    while (contents->first) {
        let_go(contents, contents->first);
    }
}

/* By its handle; what the request under reading or the one that is answered opened, by its place in the table. */
static struct collected *find(const struct reading *reading, uint16_t index)
{
    const struct rop_message *message = reading->message;
    const struct rop_message *request = message->response ? message->other : message;
    uint32_t handle = NO_HANDLE;
    if (index < reading->handle_count) {
        handle = get_le32(reading->handles + (size_t)index * 4);
    }
    for (struct collected *at = reading->contents->first; at; at = at->next) {
        if (at->session != message->session) {
            continue;
        }
        if (at->opening ? request && at->opening == request && at->index == index : at->handle == handle) {
            return at;
        }
    }
    return NULL;
}

/* What a request opens; a handle is for its answer to give. */
static void begin(struct reading *reading, const struct rop_took *took, enum collects kind)
{
    struct contents *contents = reading->contents;
    struct collected *old = find(reading, took->output);
    if (old && old->opening) {
        let_go(contents, old); /* the index is used twice: the last one counts */
    }
    if (contents->count >= CONTENTS_OPEN_MAX) {
        return;
    }
    struct collected *opened = arena_new(&contents->arena, sizeof(*opened));
    opened->session = reading->message->session;
    opened->opening = reading->message;
    opened->index = took->output;
    opened->handle = NO_HANDLE;
    opened->kind = kind;
    opened->property = took->property;
    opened->file = reading->file;
    opened->next = contents->first;
    contents->first = opened;
    contents->count++;
}

/* Its answer. */
static void opened(struct reading *reading, const struct rop_took *took)
{
    struct contents *contents = reading->contents;
    struct collected *one = find(reading, took->input);
    if (!one || !one->opening) {
        return;
    }
    if (rop_return_is_failure(took->return_value) || took->input >= reading->handle_count) {
        let_go(contents, one);
        return;
    }
    const uint32_t handle = get_le32(reading->handles + (size_t)took->input * 4);
    for (struct collected *at = contents->first, *next; at; at = next) {
        next = at->next;
        if (at != one && !at->opening && at->session == one->session && at->handle == handle) {
            let_go(contents, at); /* the server gave the handle to another object */
        }
    }
    one->opening = NULL;
    one->handle = handle;
    if (one->kind == COLLECTS_STREAM) {
        one->size = (uint32_t)reading->number;
        one->size_known = true;
    }
}

static bool make_room(struct contents *contents, struct collected *one, uint64_t needed)
{
    if (needed <= one->room) {
        return true;
    }
    uint64_t room = one->room ? one->room : 4096;
    while (room < needed) {
        room *= 2;
    }
    if (needed > CONTENT_MAX || room - one->room > CONTENTS_MAX - contents->held) {
        return false;
    }
    uint8_t *bytes = arena_new(&contents->arena, (size_t)room);
    if (one->len > 0) {
        memcpy(bytes, one->bytes, one->len);
    }
    arena_give_back(&contents->arena, one->bytes, one->room);
    contents->held += (uint32_t)room - one->room;
    one->bytes = bytes;
    one->room = (uint32_t)room;
    return true;
}

/* Bytes at the place where the stream stands. Behind what is not known nothing is whole. */
static void append(struct reading *reading, struct collected *one, struct span data)
{
    if (one->broken || one->position > one->len || !make_room(reading->contents, one, one->position + data.len)) {
        one->broken = true;
        return;
    }
    if (data.len > 0) {
        memcpy(one->bytes + one->position, data.ptr, data.len);
    }
    one->position += data.len;
    if (one->position > one->len) {
        one->len = (uint32_t)one->position;
    }
}

/* ---- What is found ---------------------------------------------------------------- */

static void tell_stream(struct reading *reading, struct collected *one)
{
    const uint32_t frame = reading->message->frame;
    if (!one->broken && !one->told && one->len >= one->size) {
        content_tell_value(&reading->sink, one->property, one->file, (struct span){ one->bytes, one->len }, frame);
    }
    one->told = true;
}

static void tell_payload(void *ctx)
{
    struct reading *reading = ctx;
    char name[64];
    if (!reading->payload || !reading->handles || reading->handles < reading->payload) {
        return;
    }
    snprintf(name, sizeof(name), "frame%" PRIu32 "-%s-rops-%u.bin", reading->message->frame,
             reading->message->response ? "response" : "request", ++reading->payloads);
    const struct span bytes = { reading->payload,
                                (size_t)(reading->handles - reading->payload) + (size_t)reading->handle_count * 4 };
    content_tell(&reading->sink, "application/x-outlook-rops", name, bytes, reading->message->frame);
    reading->payload = NULL;
}

/* ---- Streams ---------------------------------------------------------------------- */

static void stream_asked(struct reading *reading, const struct rop_took *took)
{
    struct collected *one = find(reading, took->input);
    if (took->id == ROP_OPEN_STREAM) {
        begin(reading, took, COLLECTS_STREAM);
        return;
    }
    if (!one || one->kind != COLLECTS_STREAM) {
        return;
    }
    switch (took->id) {
    case ROP_WRITE_STREAM:
    case ROP_WRITE_STREAM_EXTENDED:
        one->written = true;
        one->told = false;
        append(reading, one, took->data);
        break;
    case ROP_SEEK_STREAM:
        /* What is read goes by the answer's NewPosition; of what is written the end is not known here. */
        if (reading->origin < ORIGIN_END) {
            one->position = (reading->origin == 0 ? 0 : one->position) + reading->number;
        } else {
            one->broken |= one->written;
        }
        break;
    case ROP_SET_STREAM_SIZE:
        if (reading->number <= one->len) {
            one->len = (uint32_t)reading->number;
        } else {
            one->broken |= reading->number > CONTENT_MAX;
        }
        one->size = (uint32_t)reading->number;
        break;
    default:
        break;
    }
}

static void stream_answered(struct reading *reading, const struct rop_took *took)
{
    if (took->id == ROP_OPEN_STREAM) {
        opened(reading, took);
        return;
    }
    struct collected *one = find(reading, took->input);
    if (!one || one->kind != COLLECTS_STREAM) {
        return;
    }
    const bool failed = rop_return_is_failure(took->return_value);
    switch (took->id) {
    case ROP_READ_STREAM:
        if (!failed && !one->written) {
            append(reading, one, took->data);
            if (one->size_known && one->len == one->size && one->position == one->size) {
                tell_stream(reading, one);
            }
        }
        break;
    case ROP_SEEK_STREAM:
        if (!one->written) {
            one->position = failed ? UINT64_MAX : reading->number;
        }
        break;
    case ROP_WRITE_STREAM:
    case ROP_WRITE_STREAM_EXTENDED:
        one->broken |= failed;
        break;
    case ROP_COMMIT_STREAM:
        if (!failed && one->written) {
            tell_stream(reading, one);
        }
        break;
    default:
        break;
    }
}

/* ---- Transfers -------------------------------------------------------------------- */

static void tell_transfer(struct reading *reading, struct collected *one)
{
    if (!one->broken && one->len > 0) {
        content_tell_transfer(&reading->sink, &one->lexer, (struct span){ one->bytes, one->len },
                              reading->message->frame);
    }
    one->broken = true; /* nothing belongs to it any more */
}

/* The first piece shows what the stream is. */
static void append_piece(struct reading *reading, struct collected *one, struct span data)
{
    if (data.len == 0) {
        return;
    }
    if (!reading->piece || reading->piece->lexer.guess) {
        one->broken = true;
    } else if (one->len == 0) {
        one->lexer = reading->piece->lexer;
        one->broken |= one->lexer.unfinished > 0;
    }
    append(reading, one, data);
}

static void transfer_asked(struct reading *reading, const struct rop_took *took)
{
    switch (took->id) {
    case ROP_SOURCE_COPY_MESSAGES:
    case ROP_SOURCE_COPY_FOLDER:
    case ROP_SOURCE_COPY_TO:
    case ROP_SOURCE_COPY_PROPERTIES:
    case ROP_SYNCHRONIZATION_CONFIGURE:
        begin(reading, took, COLLECTS_DOWNLOAD);
        return;
    case ROP_DESTINATION_CONFIGURE:
        begin(reading, took, COLLECTS_UPLOAD);
        return;
    default:
        break;
    }
    struct collected *one = find(reading, took->input);
    if (one && one->kind == COLLECTS_UPLOAD &&
        (took->id == ROP_DESTINATION_PUT_BUFFER || took->id == ROP_DESTINATION_PUT_BUFFER_EXTENDED)) {
        append_piece(reading, one, took->data);
        one->last = (uint32_t)took->data.len;
    }
}

static void transfer_answered(struct reading *reading, const struct rop_took *took)
{
    if (rop_opens(took->id) == ROP_DOWNLOAD || rop_opens(took->id) == ROP_UPLOAD || rop_opens(took->id) == ROP_SYNC) {
        opened(reading, took);
        return;
    }
    struct collected *one = find(reading, took->input);
    const bool failed = rop_return_is_failure(took->return_value);
    if (one && one->kind == COLLECTS_DOWNLOAD && took->id == ROP_SOURCE_GET_BUFFER && !failed) {
        append_piece(reading, one, took->data);
        if (took->mode == TRANSFER_DONE) {
            tell_transfer(reading, one);
        }
    } else if (one && one->kind == COLLECTS_UPLOAD) {
        one->broken |= failed || took->rows < one->last; /* BufferUsedSize: the rest is sent again */
    }
}

/* ---- Reading ---------------------------------------------------------------------- */

static struct rop_call call_again(void *ctx, uint32_t number)
{
    const struct reading *reading = ctx;
    return reading->inner.call(reading->inner.ctx, number);
}

static void look(void *ctx, uint32_t number, uint32_t order, const struct rop_took *head, struct rop_known *known)
{
    struct reading *reading = ctx;
    reading->inner.look(reading->inner.ctx, number, order, head, known);
    reading->id = head->id;
    reading->number = 0;
    reading->origin = 0;
    reading->piece = known->piece;
    reading->file = known->file;
}

static void release(struct reading *reading, const struct rop_took *took)
{
    struct collected *one = find(reading, took->input);
    if (!one) {
        return;
    }
    if (one->kind == COLLECTS_UPLOAD) {
        tell_transfer(reading, one);
    } else if (one->kind == COLLECTS_STREAM && one->written) {
        tell_stream(reading, one);
    }
    let_go(reading->contents, one);
}

static void took(void *ctx, uint32_t number, uint32_t order, const struct rop_took *took)
{
    struct reading *reading = ctx;
    struct collected *one = took->whole && !reading->file ? NULL : find(reading, took->input);
    (void)number;
    (void)order;
    if (one && reading->file) {
        one->file = reading->file;
    }
    if (!took->whole) {
        if (one) {
            one->broken = true; /* what it brought to a stream is missing there */
        }
    } else if (took->id == ROP_RELEASE) {
        release(reading, took);
    } else if (reading->message->response) {
        stream_answered(reading, took);
        transfer_answered(reading, took);
    } else {
        stream_asked(reading, took);
        transfer_asked(reading, took);
    }
}

static void handles(void *ctx, const uint8_t *table, uint32_t count)
{
    struct reading *reading = ctx;
    reading->handles = table;
    reading->handle_count = count;
}

/* What the host is not told of a ROP. */
static void value(void *ctx, const struct field_value *value)
{
    struct reading *reading = ctx;
    const char *filter = value->field->filter;
    if (value->made || !filter) {
        return;
    }
    if (strcmp(filter, "buffer.rop_size") == 0) {
        reading->payload = value->bytes;
    } else if (strcmp(filter, "stream_size") == 0 || strcmp(filter, "new_position") == 0 ||
               strcmp(filter, "set_stream_size.stream_size") == 0 ||
               (reading->id == ROP_SEEK_STREAM && strcmp(filter, "offset") == 0)) {
        reading->number = value->number;
    } else if (reading->id == ROP_SEEK_STREAM && strcmp(filter, "origin") == 0) {
        reading->origin = (uint8_t)value->number;
    }
}

static uint8_t *room(void *ctx, size_t size)
{
    const struct reading *reading = ctx;
    return reading->sink.room(reading->sink.ctx, size);
}

/* A reading of the message, whose notes there are. */
static void prepare(struct reading *reading, struct rop_host *host, struct field_sink *values,
                    struct property_names *names)
{
    rop_message_replay(reading->message, &reading->inner, names);
    *host = reading->inner;
    host->ctx = reading;
    host->call = reading->inner.call ? call_again : NULL;
    host->look = look;
    host->took = took;
    host->handles = handles;
    host->payload_end = tell_payload;
    *values = (struct field_sink){ .ctx = reading, .value = value, .room = room };
}

void contents_read_body(struct contents *contents, const struct mapi_message *message, struct span body,
                        const struct content_sink *sink)
{
    struct reading reading = { .contents = contents, .sink = *sink, .message = message->rops };
    struct rop_host host;
    struct field_sink values;
    struct property_names names;
    struct reader reader;
    const size_t offset = mapi_body_offset(message->is_response, body);
    if (!message->rops || offset >= body.len || body.len > UINT32_MAX) {
        return;
    }
    const uint32_t len = (uint32_t)(body.len - offset);
    prepare(&reading, &host, &values, &names);
    reader_init(&reader, body.ptr + offset, len, len, &values);
    mapi_read_body(&reader, message->type, message->is_response, NULL, &host);
}

void contents_read_stub(struct contents *contents, struct rop_message *rops, const struct emsmdb_stub *stub,
                        bool big_endian, struct span bytes, const struct content_sink *sink)
{
    struct reading reading = { .contents = contents, .sink = *sink, .message = rops };
    struct rop_host host;
    struct field_sink values;
    struct property_names names;
    struct reader reader;
    prepare(&reading, &host, &values, &names);
    reader_init(&reader, bytes.ptr, (uint32_t)bytes.len, (uint32_t)bytes.len, &values);
    reader.big_endian = big_endian;
    emsmdb_read_stub(&reader, stub, &host);
}
