/* test_bodies_random.c
 * Bodies, extended buffers and auxiliary blocks made up by chance: what decoders say of nonsense
 * must not change either. One line of the transcript for each kind, a digest of all they said.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "bodies.h"
#include "dice.h"
#include "extended_buffer.h"
#include "fieldlog.h"

enum { TRIES = 120, BYTES_MAX = 160 };

static enum mapi_type type;
static bool response;

static void read_body(struct reader *reader)
{
    struct mapi_facts facts;
    mapi_read_body(reader, type, response, &facts, NULL);
    transcript("facts %d %x %d %x end %u%s", facts.has_status, facts.status, facts.has_error, facts.error, facts.end,
               facts.complete ? " complete" : "");
}

static void read_aux(struct reader *reader)
{
    read_aux_buffer(reader, reader->whole);
}

static void read_rop(struct reader *reader)
{
    read_rop_buffer(reader, reader->whole, response, NULL);
}

/* Mostly small numbers, flags that are set and texts, so that some of it makes sense. */
static uint32_t fill(struct dice *dice, uint8_t *bytes, uint32_t at, uint32_t end)
{
    static const char text[] = "/o=x\0A\0B\0\0";
    while (at < end) {
        switch (roll(dice, 8)) {
        case 0:
            bytes[at++] = 0xFF;
            break;
        case 1:
            bytes[at++] = (uint8_t)roll(dice, 256);
            break;
        case 2:
            bytes[at++] = (uint8_t)(1 + roll(dice, 3));
            break;
        case 3:
            for (size_t i = 0; i < sizeof(text) && at < end; i++) {
                bytes[at++] = (uint8_t)text[i];
            }
            break;
        default:
            for (uint32_t i = roll(dice, 6); i > 0 && at < end; i--) {
                bytes[at++] = 0;
            }
            break;
        }
    }
    return at;
}

static uint32_t put16(uint8_t *bytes, uint32_t at, uint32_t value)
{
    bytes[at] = (uint8_t)value;
    bytes[at + 1] = (uint8_t)(value >> 8);
    return at + 2;
}

/* One extended buffer or two, with auxiliary blocks of every type or a ROP payload. */
static uint32_t extended(struct dice *dice, uint8_t *bytes, bool aux)
{
    static const uint8_t block_types[] = { 0x46, 0x48, 0x4A, 0x4B, 0x4E };
    uint32_t at = 0;
    for (uint32_t count = 1 + roll(dice, 2); count > 0; count--) {
        uint32_t start = at, flags = once_in(dice, 6) ? roll(dice, 8) : count == 1 ? 4u : 0u;
        at = put16(bytes, at, (uint32_t)once_in(dice, 12));
        at = put16(bytes, at, flags);
        at += 4;
        uint32_t payload = at;
        if (aux) {
            for (uint32_t blocks = 1 + roll(dice, 2); blocks > 0; blocks--) {
                uint32_t len = 4 + roll(dice, 40);
                put16(bytes, at, once_in(dice, 10) ? roll(dice, 60) : len);
                bytes[at + 2] = (uint8_t)(once_in(dice, 9) ? roll(dice, 4) : 1u + (unsigned)once_in(dice, 3));
                bytes[at + 3] = once_in(dice, 4) ? ANY_OF(dice, block_types) : (uint8_t)roll(dice, 0x1A);
                at = fill(dice, bytes, at + 4, at + len);
            }
        } else {
            uint32_t len = 2 + roll(dice, 20);
            put16(bytes, at, once_in(dice, 6) ? roll(dice, 40) : len);
            at = fill(dice, bytes, at + 2, at + len);
            uint32_t words = roll(dice, 3);
            at = fill(dice, bytes, at, at + 4 * words + (uint32_t)once_in(dice, 6));
        }
        if (flags & 2) {
            for (uint32_t i = payload; i < at; i++) {
                bytes[i] ^= 0xA5;
            }
        }
        put16(bytes, start + 4, once_in(dice, 12) ? roll(dice, 60) : at - payload);
        put16(bytes, start + 6, once_in(dice, 12) ? roll(dice, 60) : at - payload);
    }
    return at;
}

static void test_bodies(void)
{
    char name[64];
    for (int t = MAPI_CONNECT; t < MAPI_TYPES; t++) {
        for (int r = 0; r < 2; r++) {
            struct dice dice = { (uint32_t)(t * 2 + r) };
            type = (enum mapi_type)t;
            response = r;
            transcript_fold();
            for (unsigned i = 0; i < TRIES; i++) {
                uint8_t bytes[BYTES_MAX] = { 0 };
                /* A response succeeds, mostly. */
                uint32_t at = r && !once_in(&dice, 6) ? 8 : 0,
                         len = fill(&dice, bytes, at, at + roll(&dice, BYTES_MAX - 8));
                fieldlog_once(bytes, len, once_in(&dice, 6) ? len + 10 : len, read_body);
            }
            snprintf(name, sizeof(name), "%s %s", mapi_type_name(type) ? mapi_type_name(type) : "unknown",
                     r ? "response" : "request");
            transcript_unfold(name);
        }
    }
}

static void test_buffers(void)
{
    static const char *const names[] = { "auxiliary", "ROP request", "ROP response" };
    for (unsigned kind = 0; kind < 3; kind++) {
        struct dice dice = { 77 + kind };
        response = kind == 2;
        for (unsigned part = 0; part < 10; part++) {
            transcript_fold();
            for (unsigned i = 0; i < TRIES; i++) {
                uint8_t bytes[4 * BYTES_MAX] = { 0 };
                uint32_t len = extended(&dice, bytes, kind == 0);
                fieldlog_once(bytes, once_in(&dice, 8) ? len / 2 : len, len, kind == 0 ? read_aux : read_rop);
            }
            transcript_unfold(names[kind]);
        }
    }
}

int main(void)
{
    test_bodies();
    test_buffers();
    transcript_end(__FILE__);
    return unit_end();
}
