/* test_extended_buffer.c
 * Extended buffers: what a sink refuses, and that memory and work are bounded. What they
 * hold is in tests/vectors.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "extended_buffer.h"
#include "rops.h"
#include "unit.h"

#include <stdlib.h>

/* ---- a sink that counts ---- */

static unsigned values, issues, opened, entered, deepest;
static size_t room_asked;
static char said[1u << 20]; /* issues and derived buffers, one a line */
static uint8_t pool[16u << 20];

static void say(const char *format, uint32_t number, const char *text)
{
    size_t len = strlen(said);
    snprintf(said + len, sizeof(said) - len, format, number, text);
}

static void on_value(void *ctx, const struct field_value *value)
{
    (void)ctx;
    (void)value;
    values++;
}

static void on_open(void *ctx, const char *label, uint32_t offset)
{
    (void)ctx;
    (void)label;
    (void)offset;
    opened++;
}

static void on_close(void *ctx, uint32_t end, const char *summary)
{
    (void)ctx;
    (void)end;
    (void)summary;
    opened--;
}

static void on_issue(void *ctx, const struct issue_kind *kind, uint32_t offset, const char *what)
{
    (void)kind;
    (void)ctx;
    issues++;
    say("! %u %s\n", offset, what);
}

static uint8_t *on_room(void *ctx, size_t size)
{
    (void)ctx;
    if (size > sizeof(pool) - room_asked) {
        return NULL;
    }
    room_asked += size;
    return pool + room_asked - size;
}

static void on_enter(void *ctx, const uint8_t *bytes, uint32_t len, const char *name)
{
    (void)ctx;
    (void)bytes;
    entered++;
    deepest = entered > deepest ? entered : deepest;
    say("> %u %s\n", len, name);
}

static void on_leave(void *ctx)
{
    (void)ctx;
    entered--;
}

static const struct field_sink sink = {
    NULL, on_value, on_open, on_close, on_issue, on_room, on_enter, on_leave, NULL
};
static const struct field_sink *hearing = &sink;

enum buffer { AUX, ROP_REQUEST };

static struct reader decode(const uint8_t *p, size_t len, enum buffer which)
{
    struct reader reader;
    values = issues = opened = entered = deepest = 0;
    room_asked = 0;
    said[0] = '\0';
    reader_init(&reader, p, (uint32_t)len, (uint32_t)len, hearing);
    if (which == AUX) {
        read_aux_buffer(&reader, (uint32_t)len);
    } else {
        read_rop_buffer(&reader, (uint32_t)len, false, NULL);
    }
    CHECK_INT(opened, 0);
    CHECK_INT(entered, 0);
    CHECK_INT(reader.depth, 0);
    return reader;
}

#define HEARD(line) CHECK(strstr(said, line) != NULL)
#define NOT_HEARD(line) CHECK(strstr(said, line) == NULL)

/* ---- building ---- */

static struct {
    uint8_t bytes[80000];
    size_t len;
} b;

static void put16(unsigned value)
{
    b.bytes[b.len++] = (uint8_t)value;
    b.bytes[b.len++] = (uint8_t)(value >> 8);
}

static void put_bytes(const void *p, size_t len)
{
    memcpy(b.bytes + b.len, p, len);
    b.len += len;
}

static void start(void)
{
    b.len = 0;
}

static void ext_header(unsigned flags, unsigned size, unsigned actual)
{
    put16(0);
    put16(flags);
    put16(size);
    put16(actual);
}

/* AUX_OSVERSIONINFO of zeros: 160 bytes, written as ten literals and a match. */
static const uint8_t compressed_os[] = { 0xFF, 0xFF, 0x3F, 0x00, 160, 0,    1,    0x16, 156,
                                         0,    0,    0,    6,    0,   0x07, 0x00, 0x0F, 0x7D };

/* A sink that has no room, or no ears at all, still gets every byte consumed. */
static void test_refused(void)
{
    static const struct field_sink roomless = { NULL, on_value, on_open,  on_close, on_issue,
                                                NULL, on_enter, on_leave, NULL };
    static const struct field_sink deaf = { .ctx = NULL };
    start();
    ext_header(5, sizeof(compressed_os), 160);
    put_bytes(compressed_os, sizeof(compressed_os));
    struct reader reader = decode(b.bytes, b.len, AUX);
    CHECK_INT(issues, 0);
    CHECK_INT(room_asked, 160);
    CHECK_INT(deepest, 1);
    CHECK(values > 5);
    hearing = &roomless;
    reader = decode(b.bytes, b.len, AUX);
    CHECK_INT(issues, 0);
    CHECK_INT(reader.pos, b.len);
    CHECK_INT(values, 5); /* the header and the payload as sent */
    CHECK_INT(deepest, 0);
    hearing = &deaf;
    reader = decode(b.bytes, b.len, AUX);
    CHECK_INT(reader.pos, b.len);
    CHECK(!reader.failed);
    hearing = &sink;
}

static void test_bombs(void)
{
    /* 18 bytes that say 65,535: undone up to 32 KB. */
    static const uint8_t bomb[] = { 0xFF, 0xFF, 0xFF, 0x7F, 0x04, 0x07, 0x00, 0x0F, 0xFF, 0xFF, 0xFF };
    start();
    ext_header(5, sizeof(bomb), 0xFFFF);
    put_bytes(bomb, sizeof(bomb));
    decode(b.bytes, b.len, ROP_REQUEST);
    HEARD("! 6 SizeActual is above the 32 KB of one payload\n");
    HEARD("> 32768 Decompressed extended buffer\n");
    NOT_HEARD("broken");
    NOT_HEARD("RopSize reaches");
    CHECK_INT(room_asked, 0x8000);

    /* A chain of them: the sum is bounded, and that it is so is said. */
    start();
    for (unsigned i = 0; i < 300; i++) {
        ext_header(1, sizeof(bomb), 0x8000);
        put_bytes(bomb, sizeof(bomb));
        b.bytes[b.len - 7] = 0xFF;
    }
    decode(b.bytes, b.len, ROP_REQUEST);
    CHECK_INT(room_asked, EXT_DERIVED_MAX);
    HEARD("! 4872 More payload than is undone of one buffer\n");
    /* Values are bounded too, over all payloads of a message. */
    for (size_t i = 12; i < b.len; i += 8 + sizeof(bomb)) {
        b.bytes[i] = 4;
    }
    decode(b.bytes, b.len, ROP_REQUEST);
    CHECK(room_asked < EXT_DERIVED_MAX);
    HEARD(" More values than are shown of one message\n");
}

static void test_rop_names(void)
{
    CHECK_STR(rop_name(0x01), "Release");
    CHECK_STR(rop_name(0xFE), "Logon");
    CHECK_STR(rop_name(0xFF), "BufferTooSmall");
    CHECK(rop_name(0x00) == NULL);
    CHECK(rop_name(0x28) == NULL);
}

int main(void)
{
    test_refused();
    test_bombs();
    test_rop_names();
    return unit_end();
}
