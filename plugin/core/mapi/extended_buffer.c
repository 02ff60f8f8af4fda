/* extended_buffer.c
 * Extended buffers, MS-OXCRPC 2.2.2.1 and 3.1.4.1.1.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "extended_buffer.h"

#include "aux_blocks.h"
#include "layout.h"
#include "lz77.h"
#include "rops.h"

#include <stdio.h>

#define EXT_COMPRESSED 0x0001u
#define EXT_XOR_MAGIC 0x0002u
#define EXT_LAST 0x0004u
#define EXT_XOR_BYTE 0xA5

struct chain {
    struct rop_host *host; /* who is told of ROPs, or NULL */
    bool rops, response;
    bool overlong;    /* the buffer is announced larger than the message */
    uint32_t derived; /* bytes asked of the sink so far */
};

struct ext_header {
    uint32_t start, flags, size, actual;
};

#define FLAGS_AT 2
#define SIZE_AT 4
#define ACTUAL_AT 6

static LAYOUT(header_rows, U16("ext.version", "Version"), KEEP(0), X16("ext.flags", "Flags"),
              BIT("ext.flags.compressed", "Compressed", EXT_COMPRESSED),
              BIT("ext.flags.xor_magic", "XorMagic", EXT_XOR_MAGIC), BIT("ext.flags.last", "Last", EXT_LAST), KEEP(1),
              U16("ext.size", "Size"), KEEP(2), U16("ext.size_actual", "SizeActual"), KEEP(3));
static LAYOUT(payload_rows, REST("ext.payload", "Payload as sent"));
static LAYOUT(rest_rows, REST("ext.rest", "Behind the last extended buffer"));

LAYOUT(aux_buffer_layouts, INCLUDE(header_rows), INCLUDE(payload_rows), INCLUDE(rest_rows), INCLUDE(aux_block_layouts));
LAYOUT(rop_buffer_layouts, INCLUDE(aux_buffer_layouts), INCLUDE(rop_layouts));

static void read_ext_header(struct reader *reader, struct ext_header *header)
{
    struct layout_run run = { .reader = reader };
    uint32_t start = reader->pos;
    read_layout(&run, header_rows);
    *header = (struct ext_header){ start, (uint32_t)run.kept[1], (uint32_t)run.kept[2], (uint32_t)run.kept[3] };
    if (run.kept[0] != 0) {
        reader_warn(reader, header->start, "An extended buffer of an unknown version");
    }
    if (header->flags & ~(EXT_COMPRESSED | EXT_XOR_MAGIC | EXT_LAST)) {
        reader_warn(reader, header->start + FLAGS_AT, "Flags of an extended buffer that no specification defines");
    }
    if (header->flags & EXT_COMPRESSED) {
        if (header->size >= header->actual) {
            reader_warn(reader, header->start + SIZE_AT, "A compressed payload that is not smaller than SizeActual");
        }
    }
    /* One size that is wrong is one fault. */
    const bool lacks = reader_lacks(reader, header->size), large = header->actual > EXT_PAYLOAD_MAX;
    if (large) {
        reader_warn(reader, header->start + ACTUAL_AT, "SizeActual is above the 32 KB of one payload");
    }
    if (lacks) {
        reader_warn(reader, header->start + SIZE_AT, "The payload reaches behind the buffer");
    }
    if (!lacks && !large && !(header->flags & EXT_COMPRESSED) && header->size != header->actual) {
        reader_warn(reader, header->start + ACTUAL_AT, "Size and SizeActual differ though nothing is compressed");
    }
}

static void read_payload(struct reader *reader, const struct chain *chain)
{
    if (chain->rops) {
        read_rop_payload(reader, chain->response, chain->host);
    } else {
        read_aux_blocks(reader);
    }
}

static uint8_t *room_for(struct reader *reader, struct chain *chain, uint32_t size)
{
    const struct field_sink *sink = reader->sink;
    if (!sink->room || size == 0) {
        return NULL;
    }
    if (size > EXT_DERIVED_MAX - chain->derived) {
        reader_warn(reader, reader->pos, "More payload than is undone of one buffer");
        return NULL;
    }
    chain->derived += size;
    return sink->room(sink->ctx, size);
}

static void read_derived(struct reader *reader, const struct chain *chain, const uint8_t *bytes, uint32_t len,
                         uint32_t whole, const char *name)
{
    const struct field_sink *sink = reader->sink;
    struct reader inner;
    reader_init(&inner, bytes, len, whole, sink);
    inner.spent = reader->spent;
    inner.depth = reader->depth;
    if (sink->enter) {
        sink->enter(sink->ctx, bytes, len, name);
    }
    read_payload(&inner, chain);
    if (sink->leave) {
        sink->leave(sink->ctx);
    }
    reader->spent = inner.spent;
}

static void read_compressed(struct reader *payload, struct chain *chain, const struct ext_header *header)
{
    bool cut = payload->whole > payload->len;
    const uint8_t *in = payload->p + payload->pos;
    uint32_t in_at = payload->pos, in_len = reader_left(payload);
    uint32_t out_size = header->actual < EXT_PAYLOAD_MAX ? header->actual : EXT_PAYLOAD_MAX;
    uint8_t *out = room_for(payload, chain, out_size);
    read_rows(payload, payload_rows);
    if (!out || payload->failed) {
        return;
    }
    size_t error_at;
    uint8_t mask = header->flags & EXT_XOR_MAGIC ? EXT_XOR_BYTE : 0;
    uint32_t written = (uint32_t)lz77_decompress(in, in_len, mask, out, out_size, &error_at);
    /* What the decoder of the payload must not hold against the sender. */
    bool incomplete = written < header->actual;
    if (error_at == in_len) {
        if (!cut) {
            reader_warn(payload, in_at + in_len, "The compressed payload stops short");
        }
    } else if (error_at != LZ77_WHOLE) {
        if (written < out_size) {
            reader_warn(payload, in_at + (uint32_t)error_at, "The compressed payload is broken");
        } else if (header->actual <= EXT_PAYLOAD_MAX) {
            reader_warn(payload, in_at + (uint32_t)error_at, "The compressed payload holds more than SizeActual");
        }
    } else if (written < out_size && !cut) {
        reader_warn(payload, header->start + ACTUAL_AT, "The compressed payload holds less than SizeActual");
    }
    if (written > 0) {
        read_derived(payload, chain, out, written, incomplete ? UINT32_MAX : written, "Decompressed extended buffer");
    }
}

static void read_xored(struct reader *payload, struct chain *chain)
{
    const uint8_t *in = payload->p + payload->pos;
    uint32_t len = reader_left(payload), whole = payload->whole - payload->pos;
    uint8_t *out = room_for(payload, chain, len);
    read_rows(payload, payload_rows);
    if (!out || payload->failed) {
        return;
    }
    for (uint32_t i = 0; i < len; i++) {
        out[i] = in[i] ^ EXT_XOR_BYTE;
    }
    read_derived(payload, chain, out, len, whole, "De-XORed extended buffer");
}

static void read_ext_payload(struct reader *reader, struct chain *chain, const struct ext_header *header)
{
    struct reader payload = reader_part(reader, header->size);
    if (reader_left(&payload) == 0) {
        /* nothing of it is there */
    } else if (header->flags & EXT_COMPRESSED) {
        read_compressed(&payload, chain, header);
    } else if (header->flags & EXT_XOR_MAGIC) {
        read_xored(&payload, chain);
    } else {
        read_payload(&payload, chain);
    }
    reader_resume(reader, &payload);
}

static void read_chain(struct reader *reader, struct chain *chain)
{
    struct ext_header header = { 0 };
    bool any = false;
    while (reader_left(reader) > 0 && !(header.flags & EXT_LAST)) {
        if (!reader_open(reader, "Extended buffer")) {
            return;
        }
        char summary[64] = "";
        read_ext_header(reader, &header);
        if (!reader->failed) {
            any = true;
            read_ext_payload(reader, chain, &header);
            if (header.flags & EXT_COMPRESSED) {
                snprintf(summary, sizeof(summary), "%u bytes, compressed to %u", header.actual, header.size);
            } else {
                snprintf(summary, sizeof(summary), "%u bytes", header.size);
            }
        }
        reader_close(reader, summary[0] ? summary : NULL);
    }
    if (reader->failed) {
        return;
    }
    if (any && !(header.flags & EXT_LAST) && reader->whole == reader->len) {
        reader_warn(reader, header.start + FLAGS_AT, "No extended buffer is marked as the last");
    }
    if (reader_left(reader) > 0 && !chain->overlong) {
        reader_warn(reader, reader->pos, "Bytes behind the last extended buffer");
        read_rows(reader, rest_rows);
    }
}

static void read_buffer(struct reader *reader, uint32_t size, const char *label, struct chain *chain)
{
    if (size == 0 || reader->failed) {
        return;
    }
    chain->overlong = reader_lacks(reader, size);
    if (chain->overlong) {
        reader_warn(reader, reader->pos, "The buffer is announced larger than the message");
    }
    if (!reader_open(reader, label)) {
        return;
    }
    struct reader part = reader_part(reader, size);
    read_chain(&part, chain);
    if (chain->overlong && !part.failed) {
        part.len = part.whole = part.pos; /* what stands behind the last payload goes on from there */
    }
    reader_resume(reader, &part);
    reader_close(reader, NULL);
}

void read_aux_buffer(struct reader *reader, uint32_t size)
{
    struct chain chain = { .host = NULL };
    read_buffer(reader, size, "AuxiliaryBuffer", &chain);
}

void read_rop_buffer(struct reader *reader, uint32_t size, bool response, struct rop_host *host)
{
    struct chain chain = { .rops = true, .response = response, .host = host };
    read_buffer(reader, size, "RopBuffer", &chain);
}

void read_bare_rop_buffer(struct reader *reader, uint32_t size, bool response, struct rop_host *host)
{
    struct chain chain = { .rops = true, .response = response, .host = host };
    if (size == 0 || reader->failed) {
        return;
    }
    if (reader_lacks(reader, size)) {
        reader_warn(reader, reader->pos, "The buffer is announced larger than the message");
    }
    struct reader part = reader_part(reader, size);
    if (reader_left(&part) > 0) {
        read_xored(&part, &chain);
    }
    reader_resume(reader, &part);
}
