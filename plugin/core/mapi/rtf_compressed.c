/* rtf_compressed.c
 * MS-OXRTFCP: LZ77 over a ring of 4,096 bytes that begins with words of RTF; or no compression at all.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "rtf_compressed.h"

#define HEADER 16u
#define COUNTED 12u /* of it, by COMPSIZE */
#define COMPRESSED 0x75465A4Cu
#define UNCOMPRESSED 0x414C454Du

#define RING 4096u
/* 2.1.2.1 */
static const char ring_begins[] =
    "{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern "
    "\\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier"
    "{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";
#define RING_BEGINS (sizeof(ring_begins) - 1)

#define TOKENS 8u         /* behind a control byte */
#define REFERENCE_MAX 17u /* bytes that one brings, which has two */

static struct span contents_of(struct span value)
{
    return (struct span){ value.ptr + HEADER, get_le32(value.ptr) - COUNTED };
}

/* CRC-32 without the complement before and behind (2.1.3.2). */
static uint32_t crc_of(struct span bytes)
{
    static const uint32_t of_four_bits[] = { 0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC, 0x76DC4190, 0x6B6B51F4,
                                             0x4DB26158, 0x5005713C, 0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C,
                                             0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C };
    uint32_t crc = 0;
    for (size_t i = 0; i < bytes.len; i++) {
        crc ^= bytes.ptr[i];
        crc = crc >> 4 ^ of_four_bits[crc & 0xF];
        crc = crc >> 4 ^ of_four_bits[crc & 0xF];
    }
    return crc;
}

uint32_t rtf_announced(struct span value)
{
    if (value.len < HEADER || value.len > UINT32_MAX || get_le32(value.ptr) < COUNTED ||
        get_le32(value.ptr) - COUNTED > value.len - HEADER) {
        return 0;
    }
    const struct span contents = contents_of(value);
    const uint32_t announced = get_le32(value.ptr + 4), type = get_le32(value.ptr + 8);
    if (type == UNCOMPRESSED) {
        return announced <= contents.len ? announced : 0;
    }
    /* A run is a control byte and eight tokens of two bytes at best. */
    const uint64_t most = ((uint64_t)contents.len / (1 + 2 * TOKENS) + 1) * TOKENS * REFERENCE_MAX;
    return type == COMPRESSED && announced <= most && crc_of(contents) == get_le32(value.ptr + 12) ? announced : 0;
}

struct ring {
    uint8_t bytes[RING];
    uint32_t at;  /* where the next one goes */
    bool is_full; /* it went around */
};

static void ring_put(struct ring *ring, uint8_t byte)
{
    ring->bytes[ring->at++] = byte;
    if (ring->at == RING) {
        ring->at = 0;
        ring->is_full = true;
    }
}

static bool decompress(struct span in, uint8_t *out, uint32_t size)
{
    struct ring ring = { .at = RING_BEGINS };
    uint32_t used = 0;
    memcpy(ring.bytes, ring_begins, RING_BEGINS);
    for (size_t at = 0; at < in.len;) {
        const uint8_t control = in.ptr[at++];
        for (unsigned token = 0; token < TOKENS && at < in.len; token++) {
            if (!(control >> token & 1)) {
                if (used == size) {
                    return false;
                }
                out[used++] = in.ptr[at];
                ring_put(&ring, in.ptr[at++]);
                continue;
            }
            if (in.len - at < 2) {
                return false;
            }
            const uint32_t reference = get_be16(in.ptr + at), len = (reference & 0xF) + 2;
            uint32_t from = reference >> 4;
            at += 2;
            if (from == ring.at) {
                return used == size; /* the end (2.2.2.2) */
            }
            if (len > size - used || (from > ring.at && !ring.is_full)) {
                return false;
            }
            for (uint32_t i = 0; i < len; i++) {
                const uint8_t byte = ring.bytes[from];
                from = (from + 1) % RING;
                out[used++] = byte;
                ring_put(&ring, byte);
            }
        }
    }
    return false;
}

bool rtf_decompress(struct span value, uint8_t *out)
{
    const struct span contents = contents_of(value);
    const uint32_t announced = get_le32(value.ptr + 4);
    if (get_le32(value.ptr + 8) == COMPRESSED) {
        return decompress(contents, out, announced);
    }
    memcpy(out, contents.ptr, announced);
    return true;
}
