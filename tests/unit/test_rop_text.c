/* test_rop_text.c
 * What is said of ROPs in one line.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "names.h"
#include "rop_text.h"
#include "unit.h"

#define NOT_FOUND 0x8004010Fu
#define UNNAMED 0x81234567u

#define ROP(...) ((struct rop_note){ .whole = true, .id = __VA_ARGS__ })
#define CUT(...) ((struct rop_note){ .id = __VA_ARGS__ })
#define LIST(...) \
    (struct rop_note[]){ __VA_ARGS__ }, sizeof((struct rop_note[]){ __VA_ARGS__ }) / sizeof(struct rop_note)

static const char *summary(bool response, struct rop_note *notes, size_t count, struct text *text)
{
    const struct rop_message message = { .response = response, .notes = notes, .count = (uint32_t)count };
    *text = (struct text){ .used = 0 };
    rop_message_summary(&message, text);
    return text->s;
}

static void test_requests(void)
{
    struct text text;
    CHECK_STR(
        summary(false,
                LIST(ROP(ROP_OPEN_FOLDER), ROP(ROP_GET_CONTENTS_TABLE), ROP(ROP_SET_COLUMNS), ROP(ROP_QUERY_ROWS)),
                &text),
        "OpenFolder, GetContentsTable, SetColumns, QueryRows (4 ROPs)");
    CHECK_STR(summary(false, LIST(ROP(ROP_LOGON)), &text), "Logon (1 ROP)");
    CHECK_STR(summary(false, LIST(ROP(ROP_RELEASE), ROP(ROP_RELEASE), ROP(ROP_RELEASE), ROP(ROP_LOGON)), &text),
              "Release x3, Logon (4 ROPs)");
    CHECK_STR(summary(false, LIST(ROP(ROP_RELEASE), ROP(ROP_LOGON), ROP(ROP_RELEASE)), &text),
              "Release, Logon, Release (3 ROPs)");
    CHECK_STR(summary(false, LIST(ROP(0x28)), &text), "0x28 (1 ROP)");
    CHECK_STR(summary(false, LIST(CUT(ROP_LOGON)), &text), "Logon (incomplete) (1 ROP)");
    /* What answers would say is nothing to a request. */
    CHECK_STR(summary(false, LIST(ROP(ROP_QUERY_ROWS, .rows = 3, .return_value = NOT_FOUND)), &text),
              "QueryRows (1 ROP)");
    CHECK_STR(summary(false, NULL, 0, &text), "");
}

static void test_responses(void)
{
    struct text text;
    CHECK_STR(ox_error_name(UNNAMED), NULL);
    CHECK_STR(
        summary(true, LIST(ROP(ROP_QUERY_ROWS, .rows = 50), ROP(ROP_OPEN_MESSAGE, .return_value = NOT_FOUND)), &text),
        "QueryRows 50 rows; OpenMessage NotFound");
    CHECK_STR(
        summary(true, LIST(ROP(ROP_OPEN_MESSAGE, .return_value = NOT_FOUND), ROP(ROP_QUERY_ROWS, .rows = 1)), &text),
        "QueryRows 1 row; OpenMessage NotFound");
    CHECK_STR(summary(true, LIST(ROP(ROP_OPEN_MESSAGE, .return_value = UNNAMED)), &text), "OpenMessage 0x81234567");
    /* A warning is no failure; other ROPs than those of rows have other numbers in that place. */
    CHECK_STR(summary(true,
                      LIST(ROP(ROP_GET_PROPERTIES_SPECIFIC, .return_value = OX_ERRORS_RETURNED),
                           ROP(ROP_GET_PROPERTIES_SPECIFIC), ROP(ROP_GET_CONTENTS_TABLE, .rows = 7)),
                      &text),
              "GetPropertiesSpecific x2, GetContentsTable");
    /* Equal failures fold though something succeeded between them, and so does that. */
    CHECK_STR(summary(true,
                      LIST(ROP(ROP_OPEN_MESSAGE, .return_value = NOT_FOUND), ROP(ROP_OPEN_MESSAGE),
                           ROP(ROP_OPEN_MESSAGE, .return_value = NOT_FOUND), ROP(ROP_OPEN_MESSAGE),
                           ROP(ROP_OPEN_MESSAGE, .return_value = OX_ACCESS_DENIED)),
                      &text),
              "OpenMessage x2; OpenMessage NotFound x2, OpenMessage AccessDenied");
    CHECK_STR(summary(true, LIST(ROP(ROP_QUERY_ROWS, .rows = 0), ROP(ROP_QUERY_ROWS, .rows = 9)), &text),
              "QueryRows 0 rows, QueryRows 9 rows");
    CHECK_STR(summary(true, LIST(ROP(ROP_OPEN_MESSAGE, .rows = 1), ROP(ROP_OPEN_MESSAGE, .rows = 2)), &text),
              "OpenMessage x2");
    CHECK_STR(summary(true, LIST(ROP(ROP_BACKOFF, .rows = 500)), &text), "Backoff 500 ms");
    CHECK_STR(summary(true, LIST(ROP(ROP_LOGON), ROP(ROP_BUFFER_TOO_SMALL)), &text), "Logon; BufferTooSmall");
    CHECK_STR(summary(true, LIST(CUT(ROP_QUERY_ROWS, .rows = 50)), &text), "QueryRows (incomplete)");
    CHECK_STR(summary(true, LIST(CUT(ROP_LOGON, .return_value = NOT_FOUND)), &text), "Logon NotFound");
    CHECK_STR(summary(true, NULL, 0, &text), "");
}

/* Of many, eight; what failed is among them wherever it stands. */
static void test_many(void)
{
    struct rop_note notes[1000];
    struct text text;
    for (size_t i = 0; i < COUNT_OF(notes); i++) {
        notes[i] = ROP((uint8_t)(i % 2 ? ROP_OPEN_FOLDER : ROP_OPEN_MESSAGE));
    }
    CHECK_STR(
        summary(false, notes, 8, &text),
        "OpenMessage, OpenFolder, OpenMessage, OpenFolder, OpenMessage, OpenFolder, OpenMessage, OpenFolder (8 ROPs)");
    CHECK_STR(summary(false, notes, 9, &text),
              "OpenMessage, OpenFolder, OpenMessage, OpenFolder, OpenMessage, OpenFolder, OpenMessage, OpenFolder, "
              "... (9 ROPs)");
    notes[999].return_value = NOT_FOUND;
    CHECK_STR(summary(true, notes, 1000, &text),
              "OpenMessage, OpenFolder, OpenMessage, OpenFolder, OpenMessage, OpenFolder, OpenMessage; "
              "OpenFolder NotFound, ... (1000 ROPs)");
    for (size_t i = 2; i < COUNT_OF(notes); i++) {
        notes[i].return_value = UNNAMED + (uint32_t)i;
    }
    CHECK_STR(summary(true, notes, 1000, &text),
              "OpenMessage, OpenFolder; OpenMessage 0x81234569, OpenFolder 0x8123456A, OpenMessage 0x8123456B, "
              "OpenFolder 0x8123456C, OpenMessage 0x8123456D, OpenFolder 0x8123456E, ... (1000 ROPs)");
    for (size_t i = 0; i < 8; i++) {
        notes[i].return_value = 0;
    }
    CHECK_STR(summary(true, notes, 1000, &text),
              "OpenMessage, OpenFolder, OpenMessage, OpenFolder; OpenMessage 0x8123456F, OpenFolder 0x81234570, "
              "OpenMessage 0x81234571, OpenFolder 0x81234572, ... (1000 ROPs)");
}

int main(void)
{
    test_requests();
    test_responses();
    test_many();
    return unit_end();
}
