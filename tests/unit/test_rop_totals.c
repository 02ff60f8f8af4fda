/* test_rop_totals.c
 * What is counted of ROPs while they pass, and what the rows of the tables say of it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "objects.h"
#include "names.h"
#include "rop_text.h"
#include "unit.h"

#define NOT_FOUND 0x8004010Fu
#define UNNAMED 0x81230000u
#define START INT64_C(1700000000000000000)

static void ask(struct rop_totals *totals, struct rop_message *request, struct rop_note *notes, uint32_t count,
                int64_t ns)
{
    *request = (struct rop_message){ .notes = notes, .count = count, .ns = ns };
    rop_totals_add(totals, request);
}

static void answer(struct rop_totals *totals, struct rop_message *response, struct rop_message *request,
                   struct rop_note *notes, uint32_t count, int64_t ns, uint32_t frame)
{
    *response = (struct rop_message){ .response = true,
                                      .notes = notes,
                                      .count = count,
                                      .ns = ns,
                                      .frame = frame,
                                      .other = request };
    rop_totals_add(totals, response);
}

static void refuse(struct rop_totals *totals, uint8_t id, uint32_t return_value, unsigned times)
{
    struct rop_note note = { .id = id, .asked = id, .return_value = return_value, .whole = true };
    struct rop_message response;
    for (unsigned i = 0; i < times; i++) {
        answer(totals, &response, NULL, &note, 1, START, 1);
    }
}

static void test_nothing(void)
{
    struct rop_row row;
    struct rop_totals totals = { .calls = 0 };
    rop_row_fill(&row, NULL);
    CHECK_INT(row.calls, 0);
    CHECK_STR(row.failed.s, "");
    CHECK_STR(row.slowest.s, "");
    refuse(&totals, ROP_OPEN_MESSAGE, 0, 2);
    refuse(&totals, ROP_OPEN_MESSAGE, OX_ERRORS_RETURNED, 2);
    refuse(&totals, ROP_BUFFER_TOO_SMALL, 0, 1);
    rop_row_fill(&row, &totals);
    CHECK_STR(row.failed.s, "");
    CHECK_STR(row.slowest.s, ""); /* no request is known */
}

static void test_slowest(void)
{
    struct rop_note few[] = { { .id = ROP_OPEN_FOLDER, .whole = true }, { .id = ROP_QUERY_ROWS, .whole = true } };
    struct rop_note many[] = { { .id = ROP_RELEASE, .whole = true },
                               { .id = ROP_RELEASE, .whole = true },
                               { .id = ROP_OPEN_FOLDER, .whole = true },
                               { .id = ROP_SET_COLUMNS, .whole = true },
                               { .id = ROP_QUERY_ROWS, .whole = true } };
    struct rop_message request[5], response[5];
    struct rop_totals totals = { .calls = 0 };
    struct rop_row row;
    /* An empty request, as for notifications, is not the slowest; nor is one whose answer ended before it. */
    ask(&totals, &request[0], NULL, 0, START);
    answer(&totals, &response[0], &request[0], NULL, 0, START + 9000 * MILLISECOND, 10);
    ask(&totals, &request[1], few, 2, START);
    answer(&totals, &response[1], &request[1], NULL, 0, START - 1, 11);
    rop_row_fill(&row, &totals);
    CHECK_INT(row.calls, 2);
    CHECK_STR(row.slowest.s, "");
    ask(&totals, &request[2], few, 2, START);
    answer(&totals, &response[2], &request[2], NULL, 0, START + 3300000, 12);
    rop_row_fill(&row, &totals);
    CHECK_INT(row.calls, 4);
    CHECK_STR(row.slowest.s, "OpenFolder, QueryRows 3.3 ms (frame 12)");
    ask(&totals, &request[3], many, 5, START);
    answer(&totals, &response[3], &request[3], NULL, 0, START + 1200 * MILLISECOND, 13);
    rop_row_fill(&row, &totals);
    CHECK_INT(row.calls, 9);
    CHECK_STR(row.slowest.s, "Release x2, OpenFolder, SetColumns, ... 1.2 s (frame 13)");
    /* Of two the first. */
    ask(&totals, &request[4], few, 1, START);
    answer(&totals, &response[4], &request[4], NULL, 0, START + 1200 * MILLISECOND, 14);
    rop_row_fill(&row, &totals);
    CHECK_STR(row.slowest.s, "Release x2, OpenFolder, SetColumns, ... 1.2 s (frame 13)");
}

static void test_failures(void)
{
    struct rop_totals totals = { .calls = 0 };
    struct rop_row row;
    refuse(&totals, ROP_LOGON, OX_ACCESS_DENIED, 1);
    rop_row_fill(&row, &totals);
    CHECK_STR(row.failed.s, "Logon AccessDenied");
    refuse(&totals, ROP_OPEN_MESSAGE, NOT_FOUND, 3);
    refuse(&totals, ROP_OPEN_FOLDER, NOT_FOUND, 2);
    refuse(&totals, ROP_BACKOFF, 0, 2);
    rop_row_fill(&row, &totals);
    CHECK_STR(row.failed.s, "OpenMessage NotFound x3, OpenFolder NotFound x2, Backoff x2, Logon AccessDenied");
    refuse(&totals, ROP_OPEN_MESSAGE, UNNAMED, 1);
    rop_row_fill(&row, &totals);
    CHECK_STR(row.failed.s, "OpenMessage NotFound x3, OpenFolder NotFound x2, Backoff x2, Logon AccessDenied, others");
    refuse(&totals, ROP_OPEN_MESSAGE, UNNAMED, 3);
    rop_row_fill(&row, &totals);
    CHECK_STR(row.failed.s,
              "OpenMessage 0x81230000 x4, OpenMessage NotFound x3, OpenFolder NotFound x2, Backoff x2, others");
    CHECK_INT(totals.failed, 12);
}

/* However many kinds there are, what comes often is counted. */
static void test_many_kinds(void)
{
    struct rop_totals totals = { .calls = 0 };
    struct rop_row row;
    for (uint32_t i = 0; i < 1000; i++) {
        refuse(&totals, ROP_OPEN_MESSAGE, UNNAMED + i, 1);
    }
    refuse(&totals, ROP_OPEN_MESSAGE, NOT_FOUND, 5);
    for (uint32_t i = 0; i < 1000; i++) {
        refuse(&totals, ROP_OPEN_FOLDER, UNNAMED + i, 1);
    }
    rop_row_fill(&row, &totals);
    CHECK_INT(totals.failed, 2005);
    CHECK_INT(totals.kinds, ROP_FAILURES_KEPT);
    CHECK(strncmp(row.failed.s, "OpenMessage NotFound x5, ", 25) == 0);
    CHECK(strstr(row.failed.s, ", others x1997") != NULL);
    /* All places are taken by what came twice: the rest is in the sum. */
    struct rop_totals full = { .calls = 0 };
    for (uint32_t i = 0; i < ROP_FAILURES_KEPT; i++) {
        refuse(&full, ROP_OPEN_MESSAGE, UNNAMED + i, 2);
    }
    refuse(&full, ROP_OPEN_MESSAGE, NOT_FOUND, 7);
    rop_row_fill(&row, &full);
    CHECK_STR(row.failed.s, "OpenMessage 0x81230000 x2, OpenMessage 0x81230001 x2, OpenMessage 0x81230002 x2, "
                            "OpenMessage 0x81230003 x2, others x31");
}

int main(void)
{
    test_nothing();
    test_slowest();
    test_failures();
    test_many_kinds();
    return unit_end();
}
