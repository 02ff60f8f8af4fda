/* test_layout.c
 * The language of layout.h, step by step: what is read, and that it is bounded.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "layout.h"
#include "unit.h"

struct log {
    char text[1024];
    unsigned values, issues, opened, closed;
    const char *issue;
};

static void put(struct log *log, const char *text)
{
    strncat(log->text, text, sizeof(log->text) - strlen(log->text) - 1);
}

static void on_value(void *ctx, const struct field_value *value)
{
    struct log *log = ctx;
    char text[96];
    log->values++;
    if (value->field->kind <= FIELD_BOOL) {
        snprintf(text, sizeof(text), "%s=%lld ", value->field->filter, (long long)value->number);
    } else {
        snprintf(text, sizeof(text), "%s+%u ", value->field->filter, value->len);
    }
    put(log, text);
    if (value->text) {
        put(log, value->text);
        put(log, " ");
    }
}

static void on_open(void *ctx, const char *label, uint32_t offset)
{
    struct log *log = ctx;
    (void)offset;
    log->opened++;
    put(log, label);
    put(log, "{ ");
}

static void on_close(void *ctx, uint32_t end, const char *summary)
{
    struct log *log = ctx;
    (void)end;
    log->closed++;
    put(log, summary ? summary : "");
    put(log, "} ");
}

static void on_issue(void *ctx, const struct issue_kind *kind, uint32_t offset, const char *what)
{
    (void)kind;
    struct log *log = ctx;
    (void)offset;
    log->issues++;
    log->issue = what;
}

static struct log seen;
static struct reader reader;

static const char *read_bytes(const struct field *rows, const void *bytes, uint32_t len, bool big_endian, void *scene)
{
    static struct field_sink sink;
    struct layout_run run = { .reader = &reader, .scene = scene };
    memset(&seen, 0, sizeof(seen));
    sink = (struct field_sink){ &seen, on_value, on_open, on_close, on_issue, NULL, NULL, NULL, NULL };
    reader_init(&reader, bytes, len, len, &sink);
    reader.big_endian = big_endian;
    read_layout(&run, rows);
    CHECK_INT(seen.opened, seen.closed);
    CHECK(reader.pos <= reader.len);
    return seen.text;
}

#define READ_TEXT(rows, bytes) read_bytes(rows, bytes, sizeof(bytes) - 1, false, NULL)

static const struct field numbers[] = {
    U8("u8", "A"), BIT("u8.bit", "B", 1), X16("u16", "C"), U32("u32", "D"), I16("i16", "E"), I32("i32", "F"), END
};
static const struct field strings[] = { STRING8("s8", "A"), STRING16("s16", "B"),
                                        RUN(2, "run", "C"), RUN_STRING8(1, "fixed", "D"),
                                        U8("count", "E"),   SIZED("sized", "F"),
                                        U8("count", "E"),   SIZED_STRING16("wide", "G"),
                                        REST("rest", "H"),  END };

static const struct field wide_string[] = { STRING16("s16", "A"), END };

static void test_values(void)
{
    CHECK_STR(READ_TEXT(numbers, "\xFF\x34\x12\x04\x03\x02\x01\xFE\xFF\xFD\xFF\xFF\xFF"),
              "u8=255 u16=4660 u32=16909060 i16=-2 i32=-3 ");
    CHECK_STR(read_bytes(numbers, "\x01\x12\x34\x01\x02\x03\x04\xFF\xFE\xFF\xFF\xFF\xFD", 13, true, NULL),
              "u8=1 u16=4660 u32=16909060 i16=-2 i32=-3 ");
    CHECK_INT(layout_least(numbers), 13);
    CHECK_STR(READ_TEXT(strings, "ab\0c\0\0\0xxy\x02zz\x02w\0rest"),
              "s8+3 s16+4 run+2 fixed+1 count=2 sized+2 count=2 wide+2 rest+4 ");
    /* Nothing is no value. */
    CHECK_STR(READ_TEXT(strings, "\0\0\0xxy\0\0"), "s8+1 s16+2 run+2 fixed+1 count=0 count=0 ");
    CHECK_INT(layout_least(strings), 1 + 2 + 2 + 1 + 1 + 1);
    CHECK_INT(layout_least(wide_string), 2);
    CHECK_INT(seen.issues, 0);
    READ_TEXT(strings, "\0\0\0xxy\x09zz");
    CHECK_INT(seen.issues, 1);
    CHECK(reader.failed);
    /* What cannot be read is 0. */
    CHECK_INT(read_field(&reader, numbers), 0);
    struct layout_run run = { .reader = &reader, .last = 5 };
    CHECK_INT(read_row(&run, numbers), 0);
}

static const struct field conditions[] = { BOOL("has", "A"),
                                           IF(U8("there", "B")),
                                           UNLESS(U8("absent", "C")),
                                           X8("flags", "D"),
                                           KEEP(1),
                                           IF_BITS(0x80, U8("high", "E"), U8("higher", "F")),
                                           RECALL(1),
                                           IF_BITS(1, U8("low", "G")),
                                           RECALL(1),
                                           UNLESS_BITS(0x82, U8("none", "H")),
                                           IF_LEFT(U8("left", "I")),
                                           END };

static void test_conditions(void)
{
    CHECK_STR(READ_TEXT(conditions, "\x02\x05\x81\x00\x07\x08"), "has=2 there=5 flags=129 high=0 higher=7 low=8 ");
    CHECK_STR(READ_TEXT(conditions, "\x02\x05\x04\x09\x0A"), "has=2 there=5 flags=4 none=9 left=10 ");
    /* The number above is what was read last, also inside. */
    CHECK_STR(READ_TEXT(conditions, "\x00\x06\x01\x08\x09"), "has=0 absent=6 flags=1 low=8 none=9 ");
    CHECK_STR(READ_TEXT(conditions, "\x01\x00\x09\x00\x0B"), "has=1 there=0 absent=9 flags=0 none=11 ");
}

static const char *done_text(const struct layout_run *run, char room[FIELD_TEXT_MAX])
{
    snprintf(room, FIELD_TEXT_MAX, "%u done", (unsigned)run->done);
    return room;
}

static const struct field lists[] = {
    U8("outer", "A"), LIST("Outer", done_text, GROUP("One", NULL, U8("inner", "B"), TIMES(U16("item", "C")))), END
};

static void test_lists(void)
{
    CHECK_STR(READ_TEXT(lists, "\x02\x01\x05\x00\x00"), "outer=2 Outer{ One{ inner=1 item=5 } One{ inner=0 } 2 done} ");
    /* No group without items. */
    CHECK_STR(READ_TEXT(lists, "\x00"), "outer=0 ");
    /* Counts that cannot come stop before the first item. */
    CHECK_STR(READ_TEXT(lists, "\x02\x01"), "outer=2 ");
    CHECK_STR(seen.issue, "A count of more items than there is room for");
    CHECK_STR(READ_TEXT(lists, "\x02\x01\x05\x00"), "outer=2 Outer{ One{ inner=1 item=5 } One{ } 1 done} ");
    CHECK_INT(seen.issues, 1);
}

static const struct field empty_items[] = { U32("count", "A"), TIMES(IF_BITS(0, U8("never", "B"))), END };

/* Four bytes ask for four thousand million items of no bytes: they cost what values cost. */
static void test_work_is_bounded(void)
{
    READ_TEXT(empty_items, "\xFF\xFF\xFF\xFF");
    CHECK(reader.failed);
    CHECK_INT(seen.issues, 1);
    CHECK_STR(seen.issue, "More values than are shown of one message");
}

static const struct field parts[] = { U8("size", "A"), PART(U8("first", "B"), REST("rest", "C")), U8("behind", "D"),
                                      END };
static const struct field strict_parts[] = { U8("size", "A"), PART(U32("wide", "B")), U8("behind", "D"), END };

static void test_parts(void)
{
    CHECK_STR(READ_TEXT(parts, "\x03\x01xx\x09"), "size=3 first=1 rest+2 behind=9 ");
    /* What is wrong inside stays inside; what is not read is passed. */
    CHECK_STR(READ_TEXT(strict_parts, "\x02xx\x09"), "size=2 behind=9 ");
    CHECK_INT(seen.issues, 1);
    CHECK_STR(READ_TEXT(strict_parts, "\x05\x01\x00\x00\x00x\x09"), "size=5 wide=1 behind=9 ");
    CHECK_STR(READ_TEXT(parts, "\x03\x01x"), "size=3 ");
    CHECK_STR(seen.issue, "A part longer than the message");
}

struct scene {
    unsigned wide;
    uint64_t kept;
    unsigned told;
};

static unsigned by_scene(const struct layout_run *run)
{
    return ((struct scene *)run->scene)->wide;
}

static void keep(struct layout_run *run, const struct field_value *value)
{
    struct scene *scene = run->scene;
    scene->kept = value->number;
    scene->told++;
}

static const char *say(const struct field_value *value, char room[FIELD_TEXT_MAX])
{
    (void)room;
    return value->number == 7 ? "seven" : NULL;
}

static void by_hand(struct layout_run *run, const struct field *at)
{
    read_row(run, &at->inside[1]);
    read_row(run, &at->inside[0]);
}

static const struct field one[] = { U8("one", "A"), END }, two[] = { U8("two", "A"), U8("more", "B"), END };
static CHOICES(choices, CHOICE(1, one), CHOICE(2, two));
static const struct field steps[] = { PICK(by_scene, U8("narrow", "A"), U16("wide", "A", .text = say, .seen = keep)),
                                      AGAIN(X8("again", "B")),
                                      CHOOSE(choices),
                                      READ_ROWS(by_hand, 2, U8("second", "C"), U8("first", "D")),
                                      INCLUDE(one),
                                      END };

static void test_steps(void)
{
    struct scene scene = { 0 };
    CHECK_STR(read_bytes(steps, "\x00\x02\x05\x07\x08\x09", 6, false, &scene),
              "narrow=0 again=2 two=2 more=5 first=7 second=8 one=9 ");
    CHECK_INT(scene.told, 0);
    scene.wide = 1;
    CHECK_STR(read_bytes(steps, "\x07\x00\x03\x03\x08\x09", 6, false, &scene),
              "wide=7 seven again=3 first=3 second=3 one=8 ");
    CHECK_INT(scene.kept, 7);
    CHECK_INT(scene.told, 1);
    /* Not told of what is not there. */
    read_bytes(steps, "\x07", 1, false, &scene);
    CHECK_INT(scene.told, 1);
    CHECK_INT(layout_least(steps), 1 + 2 + 1);
    CHECK(layout_choice(choices, 3) == NULL);
}

int main(void)
{
    test_values();
    test_conditions();
    test_lists();
    test_work_is_bounded();
    test_parts();
    test_steps();
    return unit_end();
}
