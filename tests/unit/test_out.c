/* test_out.c
 * Text on its way to a screen or into JSON: counts, times, lines that are cut at words, and whatever bytes come from the
 * wire.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "chars.h"
#include "out.h"

#include "dice.h"
#include "heap.h"
#include "unit.h"

static struct heap heap;
static struct arena arena;

static struct out new_out(void)
{
    return (struct out){ .arena = &arena };
}

static void test_values(void)
{
    CHECK_STR(COUNTED(0), "0");
    CHECK_STR(COUNTED(999), "999");
    CHECK_STR(COUNTED(1000), "1,000");
    CHECK_STR(COUNTED(1234567), "1,234,567");
    CHECK_STR(COUNTED(UINT32_MAX), "4,294,967,295");
    CHECK_STR(SPAN(-5), "0 ms");
    CHECK_STR(SPAN(850 * MILLISECOND), "850 ms");
    CHECK_STR(SPAN(12345 * MILLISECOND), "12.3 s");
    CHECK_STR(SPAN(245 * SECOND), "4 min 5 s");
    CHECK_STR(SPAN(10920 * SECOND), "3 h 2 min");
    CHECK_STR(SPAN(INT64_MAX), "2562047 h 47 min");
    struct out out = new_out();
    CHECK_STR(out_string(&out), "");
    out_count(&out, 1, "gap", "gaps");
    out_text(&out, ", ");
    out_count(&out, 1200, "gap", "gaps");
    CHECK_STR(out_string(&out), "1 gap, 1,200 gaps");
    out_empty(&out);
    CHECK_STR(out_string(&out), "");
}

static void test_times(void)
{
    CHECK_STR(ISO(0), "1970-01-01T00:00:00.000Z");
    CHECK_STR(ISO(-1), "1969-12-31T23:59:59.999Z");
    CHECK_STR(ISO(INT64_C(951782400) * SECOND), "2000-02-29T00:00:00.000Z");
    CHECK_STR(ISO(INT64_C(4107542399) * SECOND + 999999999), "2100-02-28T23:59:59.999Z");
    CHECK_STR(ISO(INT64_C(4107542400) * SECOND), "2100-03-01T00:00:00.000Z");
    CHECK_STR(ISO(INT64_C(1795521416) * SECOND + 422 * MILLISECOND), "2026-11-24T11:56:56.422Z");
    CHECK_STR(TIME(INT64_C(1795521416) * SECOND, true), "2026-11-24 11:56:56.000Z");
    CHECK_STR(TIME(INT64_C(1795521416) * SECOND, false), "11:56:56.000Z");
    CHECK(strlen(ISO(INT64_MAX)) < TIME_TEXT_MAX && strlen(ISO(INT64_MIN + 1)) < TIME_TEXT_MAX);
}

static const char *line(unsigned width, const char *first, unsigned indent, unsigned most, const char *text)
{
    static char shown[4096];
    struct out out = new_out();
    struct screen screen = { .out = &out, .width = width };
    screen_line(&screen, first, indent, most, text);
    unsigned lines = 0;
    for (const char *at = out_string(&out); *at; at++) {
        lines += *at == '\n';
    }
    CHECK_INT(screen.lines, lines);
    snprintf(shown, sizeof(shown), "%s", out_string(&out));
    return shown;
}

static void test_lines(void)
{
    CHECK_STR(line(20, "who ", 4, 0, ""), "who \n");
    CHECK_STR(line(20, "who ", 4, 0, "alice at home"), "who alice at home\n");
    CHECK_STR(line(20, "who ", 4, 0, "alice at home and bob"), "who alice at home\n    and bob\n");
    CHECK_STR(line(20, "who ", 4, 0, "  alice   at  home  "), "who alice at home\n");
    /* exactly as wide */
    CHECK_STR(line(20, "who ", 4, 0, "0123456789abcdef"), "who 0123456789abcdef\n");
    /* a word that is wider than a line is cut where it must be */
    CHECK_STR(line(20, "who ", 4, 0, "0123456789abcdefXYZ"), "who 0123456789abcdef\n    XYZ\n");
    /* at most so many lines: the last says that there is more, unless there is not */
    CHECK_STR(line(20, "who ", 4, 1, "alice at home and bob"), "who alice at ...\n");
    CHECK_STR(line(20, "who ", 4, 2, "alice at home and bob"), "who alice at home\n    and bob\n");
    CHECK_STR(line(20, "who ", 4, 1, "alice at a home."), "who alice at a home.\n");
    /* a number and its unit, a name and its number, an option and what it wants stay on one line */
    CHECK_STR(line(20, "", 2, 0, "it took them 12.5 s, then"), "it took them 12.5 s,\n  then\n");
    CHECK_STR(line(18, "", 2, 0, "it took them 12.5 s, then"), "it took them\n  12.5 s, then\n");
    CHECK_STR(line(18, "", 2, 0, "sent at once (frame 12)"), "sent at once\n  (frame 12)\n");
    CHECK_STR(line(18, "", 2, 0, "see the rest: -z all"), "see the rest:\n  -z all\n");
    /* not others: a word that only begins like a unit, two numbers, a name that is none of those */
    CHECK_STR(line(18, "", 2, 0, "it took them 12 sessions"), "it took them 12\n  sessions\n");
    CHECK_STR(line(18, "", 2, 0, "it took them 12 3456"), "it took them 12\n  3456\n");
    CHECK_STR(line(18, "", 2, 0, "it took Outlook 2010"), "it took Outlook\n  2010\n");
    /* what belongs together is parted where a line is too short for it, and cut where there are no more lines */
    CHECK_STR(line(12, "", 2, 0, "connection 1234567"), "connection\n  1234567\n");
    CHECK_STR(line(18, "", 2, 1, "sent at once frame 12 and"), "sent at once ...\n");
    /* a width that leaves no room is made wider */
    CHECK_STR(line(1, "who ", 4, 0, "alice"), "who alice\n");
    /* a column is a character, not a byte */
    CHECK_STR(line(12, "", 2, 0, "\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4"),
              "\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\n");
}

/* No control character of either set, nothing that turns text around, no broken UTF-8 reaches a reader. */
static void test_hostile_lines(void)
{
    CHECK_STR(line(40, "", 2, 0, "a\x1B[2Jb\x07\x7F"), "a?[2Jb??\n");
    CHECK_STR(line(40, "", 2, 0, "a\nFAILED\tb"), "a?FAILED?b\n");
    CHECK_STR(line(40, "", 2, 0, "x\xC2\x9By"), "x?y\n");                   /* CSI of C1 */
    CHECK_STR(line(40, "", 2, 0, "x\xE2\x80\xAEy"), "x?y\n");               /* right-to-left override */
    CHECK_STR(line(40, "", 2, 0, "x\xC3(\xFF\xED\xA0\x80z"), "x?(????z\n"); /* no characters, and half a pair */
    CHECK_STR(line(40, "", 2, 0, "x\xC0\xAF"), "x??\n");                    /* longer than it need be */
    CHECK_STR(line(40, "", 2, 0, "x\xF4\x90\x80\x80"), "x????\n");          /* beyond the last */
    CHECK_STR(line(40, "", 2, 0, "\xF0\x9F\x98\x80"), "\xF0\x9F\x98\x80\n");
    CHECK_STR(line(40, "", 2, 0, "cut \xE2\x82"), "cut ??\n");
}

static const char *json_of(const char *value)
{
    static char shown[1024];
    struct out out = new_out();
    struct json json = { .out = &out };
    json_string(&json, NULL, value);
    snprintf(shown, sizeof(shown), "%s", out_string(&out));
    return shown;
}

/* The first and the last of each range that is harmful, and their neighbours. */
static void test_ranges(void)
{
    static const struct {
        unsigned first, last;
    } ranges[] = { { 0x7F, 0x9F }, { 0x200B, 0x200F }, { 0x2028, 0x202E }, { 0x2060, 0x206F }, { 0xFEFF, 0xFEFF } };
    for (size_t i = 0; i < COUNT_OF(ranges); i++) {
        for (unsigned code = ranges[i].first - 1; code <= ranges[i].last + 1; code++) {
            char text[8] = "x";
            const size_t len = 1 + utf8_put(text + 1, code);
            strcpy(text + len, "y");
            const bool kept = code < ranges[i].first || code > ranges[i].last;
            CHECK_INT(strstr(line(40, "", 2, 0, text), "x?y") == NULL, kept);
            CHECK_INT(strstr(json_of(text), "\\u") == NULL, kept);
        }
    }
    CHECK_STR(line(40, "", 2, 0, "x\x1F!"), "x?!\n");
}

static void test_json_strings(void)
{
    CHECK_STR(json_of(NULL), "null");
    CHECK_STR(json_of(""), "\"\"");
    CHECK_STR(json_of("EXAMPLE\\al\"ice"), "\"EXAMPLE\\\\al\\\"ice\"");
    CHECK_STR(json_of("a\x01\n\x1F\x7F"), "\"a\\u0001\\u000a\\u001f\\u007f\"");
    CHECK_STR(json_of("\xFFx\xC3"), "\"\\ufffdx\\ufffd\"");
    CHECK_STR(json_of("\xE2\x80\xAE</script>"), "\"\\u202e</script>\"");
    CHECK_STR(json_of("\xC3\xA4"), "\"\xC3\xA4\"");
}

static void test_json(void)
{
    struct out out = new_out();
    struct json json = { .out = &out };
    json_object(&json, NULL);
    json_number(&json, "a", 1);
    json_array(&json, "list");
    json_string(&json, NULL, "x");
    json_number_or_null(&json, NULL, NO_NUMBER);
    json_end_array(&json);
    json_array(&json, "none");
    json_end_array(&json);
    json_object(&json, "inside");
    json_seconds(&json, "time", 12 * SECOND + 5000000);
    json_seconds(&json, "never", -1);
    json_bool(&json, "yes", true);
    json_end_object(&json);
    json_end_object(&json);
    CHECK_STR(out_string(&out), "{\n  \"a\": 1,\n  \"list\": [\n    \"x\",\n    null\n  ],\n  \"none\": [],\n"
                                "  \"inside\": {\n    \"time\": 12.005000,\n    \"never\": null,\n    \"yes\": true\n"
                                "  }\n}\n");
}

/* Any bytes: what comes out is as wide as was asked for, and JSON has no raw control character. */
static void test_any_bytes(void)
{
    struct dice dice = { 1 };
    for (int i = 0; i < 3000; i++) {
        char text[120];
        const uint32_t len = roll(&dice, sizeof(text) - 1);
        for (uint32_t at = 0; at < len; at++) {
            text[at] = (char)(once_in(&dice, 5) ? ' ' : 1 + (int)roll(&dice, 255));
        }
        text[len] = '\0';
        const unsigned width = 20 + roll(&dice, 60), most = roll(&dice, 4);
        unsigned column = 0, widest = 0, lines = 0;
        bool bad = false;
        for (const char *at = line(width, "who ", 4, most, text); *at; at++) {
            const uint8_t c = (uint8_t)*at;
            bad |= c < 0x20 && c != '\n';
            lines += c == '\n';
            column = c == '\n' ? 0 : column + ((c & 0xC0) != 0x80);
            widest = column > widest ? column : widest;
        }
        CHECK(!bad && widest <= width && (!most || lines <= most));
        bad = false;
        for (const char *at = json_of(text); *at; at++) {
            bad |= (uint8_t)*at < 0x20 || *at == 0x7F;
        }
        CHECK(!bad);
    }
}

int main(void)
{
    arena = heap_arena(&heap);
    test_values();
    test_times();
    test_lines();
    test_hostile_lines();
    test_ranges();
    test_json_strings();
    test_json();
    test_any_bytes();
    heap_free(&heap);
    return unit_end();
}
