/* test_fasttransfer.c
 * FastTransfer streams in pieces: what is said does not depend on where they are cut, what is kept
 * is bounded, and what is missing is gone by. What elements and values are is in tests/vectors.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "dice.h"
#include "fxlog.h"
#include "idsets.h"
#include "unit.h"

/* ---- streams ---- */

enum { START_MESSAGE = 0x400C0003, END_MESSAGE = 0x400D0003, START_EMBED = 0x40010003, END_EMBED = 0x40020003 };

#define STREAM_MAX 1000000u

static uint8_t stream[STREAM_MAX];
static uint32_t stream_len;

static void put(uint64_t number, unsigned size)
{
    for (unsigned i = 0; i < size; i++) {
        stream[stream_len++] = (uint8_t)(number >> 8 * i);
    }
}

static void put_bytes(struct dice *dice, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++) {
        stream[stream_len++] = (uint8_t)roll(dice, 256);
    }
}

/* A property of any type, named or not; its longest value has most bytes. */
static void put_property(struct dice *dice, uint32_t most)
{
    static const struct {
        uint16_t type;
        uint8_t size; /* 0: told */
    } types[] = { { 0x0002, 2 },  { 0x0003, 4 }, { 0x0004, 4 }, { 0x0005, 8 },  { 0x0006, 8 }, { 0x0007, 8 },
                  { 0x000B, 2 },  { 0x0014, 8 }, { 0x0040, 8 }, { 0x0048, 16 }, { 0x001E, 0 }, { 0x001F, 0 },
                  { 0x0102, 0 },  { 0x00FB, 0 }, { 0x84B0, 0 }, { 0x84E4, 0 },  { 0x1002, 2 }, { 0x1003, 4 },
                  { 0x1048, 16 }, { 0x101E, 0 }, { 0x101F, 0 }, { 0x1102, 0 } };
    static const uint16_t ids[] = { 0x0037, 0x3001, 0x0FFF, 0x65E2, 0x65E3, 0x7777, 0x8001, 0x8002 };
    const uint32_t kind = roll(dice, COUNT_OF(types)), id = ANY_OF(dice, ids);
    put(types[kind].type, 2);
    put(id, 2);
    if (id >= 0x8000) {
        put_bytes(dice, 16);
        put(id & 1, 1);
        if (id & 1) {
            for (uint32_t i = roll(dice, 30); i > 0; i--) {
                put('a' + i % 26, 2);
            }
            put(0, 2);
        } else {
            put(0x8233, 4);
        }
    }
    uint32_t count = 1;
    if (types[kind].type & 0x1000) {
        count = roll(dice, 5);
        put(count, 4);
    }
    for (; count > 0; count--) {
        uint32_t size = types[kind].size;
        if (size == 0) {
            size = roll(dice, most + 1);
            put(size, 4);
        }
        put_bytes(dice, size);
    }
}

static void put_properties(struct dice *dice, uint32_t count, uint32_t most)
{
    for (; count > 0; count--) {
        put_property(dice, most);
    }
}

static void put_children(struct dice *dice, uint32_t most, unsigned deep)
{
    for (uint32_t i = roll(dice, 3); i > 0; i--) {
        put(0x40030003, 4); /* StartRecip, PidTagRowid, EndToRecip */
        put(0x30000003, 4);
        put(i, 4);
        put_properties(dice, 2, most);
        put(0x40040003, 4);
    }
    for (uint32_t i = roll(dice, 3); i > 0; i--) {
        put(0x40000003, 4); /* NewAttach, PidTagAttachNumber, EndAttach */
        put(0x0E210003, 4);
        put(i, 4);
        put_properties(dice, 2, most);
        if (deep > 0) {
            put(START_EMBED, 4);
            put_properties(dice, 2, most);
            put_children(dice, most, deep - 1);
            put(END_EMBED, 4);
        }
        put(0x400E0003, 4);
    }
}

/* contentsSync with a value of size bytes in each change. */
static void make_stream(uint32_t seed, uint32_t changes, uint32_t most, uint32_t size)
{
    struct dice dice = { seed };
    stream_len = 0;
    for (; changes > 0; changes--) {
        put(0x40120003, 4); /* IncrSyncChg */
        put_properties(&dice, 3, most);
        put(0x40150003, 4); /* IncrSyncMessage */
        put_properties(&dice, 5, most);
        put(0x77780102, 4);
        put(size, 4);
        put_bytes(&dice, size);
        put_children(&dice, most, 2);
    }
    put(0x40130003, 4); /* IncrSyncDel, with an IDSET of a range */
    put(0x67E50102, 4);
    put(16, 4);
    put(1, 2);
    put(0x52, 1);
    put(UINT64_C(0x010000000000), 6);
    put(UINT64_C(0xFF0000000000), 6);
    put(0, 1);
    put(0x403A0003, 4); /* IncrSyncStateBegin, IncrSyncStateEnd, IncrSyncEnd */
    put(0x403B0003, 4);
    put(0x40140003, 4);
}

/* ---- the same at all places ---- */

static struct fx_lexer begin, end;
static struct fxlog whole;

static void read_whole(enum fx_root root)
{
    fx_begin(&begin, root);
    fxlog_whole(&begin, stream, stream_len, &whole, &end);
    CHECK(!whole.broken);
}

static bool same(const uint32_t *cuts, unsigned count)
{
    return fxlog_same(&begin, stream, stream_len, &whole, &end, cuts, count);
}

static void every_place(void)
{
    make_stream(1, 6, 60, 100);
    read_whole(FX_CONTENTS_SYNC);
    CHECK(fx_may_end(&end));
    CHECK(whole.lines > 500);
    unsigned bad = 0;
    for (uint32_t at = 0; at <= stream_len; at++) {
        bad += !same(&at, 1);
    }
    CHECK_INT(bad, 0);
}

/* Small pieces, of any size up to most. */
static bool in_pieces(struct dice *dice, uint32_t most)
{
    static uint32_t cuts[STREAM_MAX];
    unsigned count = 0;
    for (uint32_t at = 1 + roll(dice, most); at < stream_len; at += 1 + roll(dice, most)) {
        cuts[count++] = at;
    }
    return same(cuts, count);
}

static void many_places(void)
{
    static const uint32_t sizes[] = { 100, 5000, FX_CARRY_MAX, FX_CARRY_MAX + 1, 150000 };
    static const uint32_t pieces[] = { 1, 2, 3, 7, 100, 1000, 20000, 100000 };
    struct dice dice = { 7 };
    unsigned bad = 0;
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        make_stream(2 + (uint32_t)i, 4, 200, sizes[i]);
        read_whole(FX_CONTENTS_SYNC);
        CHECK(fx_may_end(&end));
        for (size_t k = 0; k < COUNT_OF(pieces); k++) {
            for (unsigned times = pieces[k] > 100 ? 20 : 1; times > 0; times--) {
                bad += !in_pieces(&dice, pieces[k]);
            }
        }
    }
    CHECK_INT(bad, 0);
}

/* Any bytes, with markers among them: what is wrong is said at the same bytes. */
static void wrong_streams(void)
{
    static const uint32_t words[] = { START_MESSAGE, END_MESSAGE, START_EMBED, END_EMBED,  0x40000003, 0x400E0003,
                                      0x40030003,    0x40040003,  0x40120003,  0x40130003, 0x40150003, 0x403A0003,
                                      0x403B0003,    0x40140003,  0x407B0102,  0x407C0003, 0x407D0003, 0x4074000B,
                                      0x40160003,    0x40180003,  0x400A0003,  0x400B0003, 0x30000003, 0x0E210003 };
    unsigned bad = 0, issues = 0;
    for (uint32_t seed = 0; seed < 3000; seed++) {
        struct dice dice = { seed };
        stream_len = 0;
        while (stream_len < 300) {
            const uint32_t what = roll(&dice, 40);
            if (what < 30) {
                const uint32_t word = ANY_OF(&dice, words);
                put(word, 4);
                if (word == 0x407C0003 || word == 0x40160003 || word == 0x30000003 || word == 0x0E210003) {
                    put(0x0E12000D, 4);
                }
            } else if (what < 38) {
                put_property(&dice, 10);
            } else {
                put_bytes(&dice, roll(&dice, 8));
            }
        }
        read_whole((enum fx_root)(seed % 9));
        issues += whole.issues;
        bad += !in_pieces(&dice, 1) || !in_pieces(&dice, 3) || !in_pieces(&dice, 100);
    }
    CHECK_INT(bad, 0);
    CHECK(issues > 3000);
}

/* ---- the lexer goes the same way, whatever is shown ---- */

static void silent(void)
{
    static const struct field_sink nobody = { NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL };
    struct reader reader;
    struct fx_lexer lexer;
    make_stream(3, 20, 60, 100);
    fx_begin(&begin, FX_CONTENTS_SYNC);
    for (uint32_t at = 0; at < stream_len; at += 97) {
        struct fx_lexer shown = begin;
        uint32_t shown_values[] = { 0, 1, 10, READER_VALUES_MAX };
        reader_init(&reader, stream, at, at, &nobody);
        fx_read(&reader, &shown);
        for (size_t i = 0; i < COUNT_OF(shown_values); i++) {
            lexer = begin;
            reader_init(&reader, stream, at, at, &nobody);
            reader.spent.values = READER_VALUES_MAX - shown_values[i]; /* of a message that shows no more */
            reader.depth = (uint8_t)(i * 10);
            fx_read(&reader, &lexer);
            CHECK(fxlog_same_lexer(&shown, &lexer));
            CHECK_INT(lexer.tag, shown.tag);
            CHECK_INT(reader.depth, i * 10);
        }
    }
}

/* ---- sizes ---- */

static void bounded(void)
{
    static const struct field_sink nobody = { NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL };
    static uint8_t zero[FX_CARRY_MAX];
    const uint8_t head[] = { 0x02, 0x01, 0x77, 0x77, 0xFF, 0xFF, 0xFF, 0xFF };
    struct fx_lexer lexer;
    struct reader reader;
    CHECK(sizeof(struct fx_lexer) <= 128);

    /* A value of 4 GB less a byte, in pieces: none of it is carried, and what follows is read. */
    fx_begin(&lexer, FX_MESSAGE_CONTENT);
    reader_init(&reader, head, sizeof(head), sizeof(head), &nobody);
    fx_read(&reader, &lexer);
    for (uint32_t i = 0; i < 0xFFFF; i++) {
        reader_init(&reader, zero, sizeof(zero), sizeof(zero), &nobody);
        fx_read(&reader, &lexer);
        CHECK_INT(lexer.unfinished, 0);
    }
    CHECK_INT(lexer.size - lexer.gone, 0xFFFF);
    reader_init(&reader, zero, 0xFFFF, 0xFFFF, &nobody);
    fx_read(&reader, &lexer);
    CHECK(fx_may_end(&lexer));

    /* Elements in elements: sixteen are kept, the others counted. */
    fx_begin(&lexer, FX_ATTACHMENT_CONTENT);
    stream_len = 0;
    for (unsigned i = 0; i < 100000; i++) {
        put(START_EMBED, 4);
        put(0x40000003, 4);
    }
    fxlog_init(&whole, NULL);
    fxlog_piece(&whole, &lexer, stream, 0, stream_len);
    CHECK(!whole.broken);
    CHECK_INT(lexer.depth, FX_NESTED_MAX);
    CHECK_INT(lexer.deeper, 200000 + 1 - FX_NESTED_MAX);
    stream_len = 0;
    for (unsigned i = 0; i < 100000; i++) {
        put(0x400E0003, 4);
        put(END_EMBED, 4);
    }
    fxlog_piece(&whole, &lexer, stream, 0, stream_len);
    CHECK_INT(lexer.depth, 1);
    CHECK_INT(lexer.deeper, 0);
    CHECK(fx_may_end(&lexer));
}

struct said {
    char label[64], summary[128]; /* of the innermost group that was closed first */
    unsigned depth, deepest;
};

static void on_open(void *ctx, const char *label, uint32_t offset)
{
    struct said *said = ctx;
    (void)offset;
    said->depth++;
    if (said->depth > said->deepest) {
        said->deepest = said->depth;
        snprintf(said->label, sizeof(said->label), "%s", label);
    }
}

static void on_close(void *ctx, uint32_t close_end, const char *summary)
{
    struct said *said = ctx;
    (void)close_end;
    if (said->depth == said->deepest) {
        snprintf(said->summary, sizeof(said->summary), "%s", summary ? summary : "");
    }
    said->depth--;
}

/* A value that is too long to be carried is shown in parts. */
static void in_parts(void)
{
    static const struct {
        uint32_t len;
        const char *summary;
    } pieces[] = {
        { 8, "0 of 80000 bytes, goes on in the next piece" },
        { 30000, "30000 of 80000 bytes, goes on in the next piece" },
        { 49999, "79999 of 80000 bytes, goes on in the next piece" },
        { 1, "the last 1 of 80000 bytes" },
    };
    struct dice dice = { 1 };
    struct fx_lexer lexer;
    uint32_t at = 0;
    stream_len = 0;
    put(0x1000001F, 4);
    put(80000, 4);
    put_bytes(&dice, 80000);
    fx_begin(&lexer, FX_MESSAGE_CONTENT);
    for (size_t i = 0; i < COUNT_OF(pieces); i++) {
        struct said said = { .depth = 0 };
        const struct field_sink sink = { &said, NULL, on_open, on_close, NULL, NULL, NULL, NULL, NULL };
        struct reader reader;
        reader_init(&reader, stream + at, pieces[i].len, pieces[i].len, &sink);
        fx_read(&reader, &lexer);
        CHECK_STR(said.label, "PidTagBody");
        CHECK_STR(said.summary, pieces[i].summary);
        CHECK_INT(lexer.unfinished, 0);
        at += pieces[i].len;
    }
    CHECK(fx_may_end(&lexer));
}

/* 255 characters and a terminator are a name, 256 are none. */
static void long_names(void)
{
    for (uint32_t count = 254; count <= 257; count++) {
        struct dice dice = { count };
        stream_len = 0;
        put(0x80010003, 4);
        put_bytes(&dice, 16);
        put(1, 1);
        for (uint32_t i = 0; i < count; i++) {
            put('a', 2);
        }
        put(0, 2);
        put(5, 4);
        read_whole(FX_MESSAGE_CONTENT);
        CHECK_INT(fx_may_end(&end), count <= 255);
        CHECK_INT(whole.issues, count > 255);
        unsigned bad = 0;
        for (uint32_t at = 0; at <= stream_len; at++) {
            bad += !same(&at, 1);
        }
        CHECK_INT(bad, 0);
    }
}

/* ---- what the capture lacks ---- */

/* The first len of whole bytes. */
static void read_lacking(struct fx_lexer *lexer, const uint8_t *p, uint32_t len, uint32_t sent)
{
    static const struct field_sink nobody = { NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL };
    struct reader reader;
    reader_init(&reader, p, len, sent, &nobody);
    fx_read(&reader, lexer);
}

static void lacking(void)
{
    const uint8_t value[] = { 0x02, 0x01, 0x77, 0x77, 20, 0, 0, 0, 1, 2, 3 };
    const uint8_t rest[] = { 17, 18, 19, 20, 0x03, 0x00, 0x77, 0x77, 1, 0, 0, 0 };
    struct fx_lexer lexer;
    fx_begin(&lexer, FX_MESSAGE_CONTENT);
    read_lacking(&lexer, value, sizeof(value), sizeof(value) + 13); /* 13 bytes of the value */
    CHECK(!lexer.guess);
    CHECK_INT(lexer.unfinished, 0);
    read_lacking(&lexer, rest, sizeof(rest), sizeof(rest));
    CHECK(fx_may_end(&lexer));
    CHECK_INT(lexer.tag, 0x77770003);

    fx_begin(&lexer, FX_MESSAGE_CONTENT);
    read_lacking(&lexer, value, sizeof(value), sizeof(value) + 17); /* to its end */
    CHECK(!lexer.guess);
    read_lacking(&lexer, rest + 4, sizeof(rest) - 4, sizeof(rest) - 4);
    CHECK(fx_may_end(&lexer));

    fx_begin(&lexer, FX_MESSAGE_CONTENT);
    read_lacking(&lexer, value, sizeof(value), sizeof(value) + 18); /* and a byte of what follows */
    CHECK(lexer.guess);
    fx_begin(&lexer, FX_MESSAGE_CONTENT);
    read_lacking(&lexer, value, sizeof(value), UINT32_MAX);
    CHECK(lexer.guess);
    fx_begin(&lexer, FX_MESSAGE_CONTENT);
    read_lacking(&lexer, value, 6, 8);
    CHECK(lexer.guess);
    CHECK_INT(lexer.unfinished, 0);
}

static void may_end(void)
{
    struct fx_lexer lexer;
    static const struct {
        enum fx_root root;
        uint32_t words[6];
        bool may;
    } rows[] = {
        { FX_MESSAGE_LIST, { 0 }, true },
        { FX_MESSAGE_LIST, { START_MESSAGE }, false },
        { FX_MESSAGE_LIST, { START_MESSAGE, END_MESSAGE }, true },
        { FX_TOP_FOLDER, { 0 }, false },
        { FX_TOP_FOLDER, { 0x40090003, 0x400B0003 }, true },
        { FX_CONTENTS_SYNC, { 0x403A0003, 0x403B0003 }, false },
        { FX_CONTENTS_SYNC, { 0x403A0003, 0x403B0003, 0x40140003 }, true },
        { FX_HIERARCHY_SYNC, { 0x40120003, 0x403A0003, 0x403B0003, 0x40140003 }, true },
        { FX_STATE, { 0x403A0003 }, false },
        { FX_STATE, { 0x403A0003, 0x403B0003 }, true },
        { FX_MESSAGE_CONTENT, { 0x77770003 }, false },
        { FX_MESSAGE_CONTENT, { 0x77770003, 1 }, true },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        stream_len = 0;
        for (size_t k = 0; k < COUNT_OF(rows[i].words) && rows[i].words[k]; k++) {
            put(rows[i].words[k], 4);
        }
        fx_begin(&lexer, rows[i].root);
        read_lacking(&lexer, stream, stream_len, stream_len);
        CHECK_INT(fx_may_end(&lexer), rows[i].may);
    }
    fx_begin_lost(&lexer);
    CHECK(!fx_may_end(&lexer));
}

int main(void)
{
    every_place();
    many_places();
    wrong_streams();
    silent();
    bounded();
    in_parts();
    long_names();
    lacking();
    may_end();
    return unit_end();
}
