/* test_object_files.c
 * How the files of attachments are called: by rows of a table, by properties that were asked for or set; for the attachment
 * and its streams.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "objects_private.h"
#include "roptalk.h"

#define NUMBER "0300210E"
#define LONG_NAME "1F000737"
#define SHORT_NAME "1E000437"
#define DISPLAY "1F000130"
#define UNTYPED_LONG "00000737"

#define L_X "6C00 2E00 7800 0000" /* "l.x", of UTF-16 */
#define M_X "6D00 2E00 7800 0000"
#define D_X "6400 2E00 7800 0000"
#define S_X "732E7800" /* "s.x", 8-bit */

#define OPEN_ATTACHMENT(in, out, number) "22 00" in out "00" number
#define ATTACHMENT_OPENED(out) "22" out OK
#define OPEN_STREAM(in, out) "2B 00" in out "02010137 00"
#define STREAM_OPENED(out) "2B" out OK "02000000"
#define READ_STREAM(in) "2C 00" in "0002"
#define STREAM_READ(in) "2C" in OK "0200 ABCD"
#define GET(in, count, tags) "07 00" in "0000 0100" count tags
#define GOT(in, row) "07" in OK row

static const char *file_of(const struct play_message *one, unsigned rop)
{
    const char *file = rop_note_known(&one->message->notes[rop]).file;
    return file ? file : "-";
}

/* A message 33, and its attachment table 44 with these columns and rows. */
static void with_rows(const char *columns, const char *rows)
{
    mailbox();
    answer(6, ask(5, OPEN_MESSAGE("00", "01"), "22 " NO), MESSAGE_OPENED("01", "0000"), "22 33");
    answer(8, ask(7, "21 00 00 01 40", "33 " NO), "21 01" OK, "33 44");
    answer(10, ask(9, columns, "44"), COLUMNS_SET("00"), "44");
    answer(12, ask(11, QUERY("00"), "44"), rows, "44");
}

/* Opens attachment 1 of 33 as 55 and its stream as 66. */
static struct play_message *open_stream(void)
{
    answer(22, ask(21, OPEN_ATTACHMENT("00", "01", "01000000"), "33 " NO), ATTACHMENT_OPENED("01"), "33 55");
    struct play_message *request = ask(23, OPEN_STREAM("00", "01"), "55 " NO);
    return answer(24, request, STREAM_OPENED("01"), "55 66");
}

static struct play_message *read_stream(uint32_t frame)
{
    return answer(frame + 1, ask(frame, READ_STREAM("00"), "66"), STREAM_READ("00"), "66");
}

static void by_rows(void)
{
    with_rows("12 00 00 00 0400" NUMBER SHORT_NAME DISPLAY LONG_NAME,
              "15 00" OK "02 0300"
              "00 00000000" S_X D_X M_X "00 01000000" S_X D_X L_X "01 00 02000000 00" S_X "0A 0F010480 0A 0F010480");
    const struct play_message *opened = open_stream();
    CHECK_STR(file_of(opened, 0), "l.x");
    const struct play_message *response = read_stream(25);
    CHECK_STR(file_of(response, 0), "l.x");
    CHECK_STR(file_of(response - 1, 0), "l.x");
    CHECK_STR(file_of(opened - 1, 0), "l.x");
    /* A row with errors in it. */
    struct play_message *request =
        ask(31, OPEN_ATTACHMENT("00", "01", "02000000") OPEN_STREAM("01", "02"), "33 " NO " " NO);
    response = answer(32, request, ATTACHMENT_OPENED("01") STREAM_OPENED("02"), "33 77 88");
    CHECK_STR(file_of(request, 1), "s.x");
    CHECK_STR(file_of(response, 1), "s.x");
    /* A number that no row had; the same number of another message. */
    request = ask(33, OPEN_ATTACHMENT("00", "01", "03000000") OPEN_STREAM("01", "02"), "33 " NO " " NO);
    CHECK_STR(file_of(answer(34, request, ATTACHMENT_OPENED("01") STREAM_OPENED("02"), "33 79 8A"), 1), "-");
    answer(36, ask(35, OPEN_MESSAGE("00", "01"), "22 " NO), MESSAGE_OPENED("01", "0000"), "22 34");
    request = ask(37, OPEN_ATTACHMENT("00", "01", "01000000") OPEN_STREAM("01", "02"), "34 " NO " " NO);
    CHECK_STR(file_of(answer(38, request, ATTACHMENT_OPENED("01") STREAM_OPENED("02"), "34 7B 8C"), 1), "-");
    same_again("by rows");
}

/* Columns without a type: the row has it. Rows without a number say nothing. */
static void by_other_rows(void)
{
    with_rows("12 00 00 00 0200" UNTYPED_LONG NUMBER,
              "15 00" OK "02 0200 00 1F00" M_X "00000000 01 1F00 00" L_X "00 01000000");
    CHECK_STR(file_of(open_stream(), 0), "l.x");
    with_rows("12 00 00 00 0100" LONG_NAME, "15 00" OK "02 0100 00" L_X);
    CHECK_STR(file_of(open_stream(), 0), "-");
    /* A contents table is none of attachments, whatever it has. */
    table();
    answer(8, ask(7, "12 00 00 00 0200" NUMBER LONG_NAME, "33"), COLUMNS_SET("00"), "33");
    answer(10, ask(9, QUERY("00"), "33"), "15 00" OK "02 0100 00 01000000" L_X, "33");
    CHECK_STR(file_of(open_stream(), 0), "-");
    same_again("by other rows");
}

/* Properties of the attachment that are asked for: the best counts, the first of it stays. */
static void by_properties(void)
{
    mailbox();
    answer(6, ask(5, OPEN_MESSAGE("00", "01"), "22 " NO), MESSAGE_OPENED("01", "0000"), "22 33");
    CHECK_STR(file_of(open_stream(), 0), "-");
    CHECK_STR(file_of(read_stream(25), 0), "-");
    answer(28, ask(27, GET("00", "0200", DISPLAY NUMBER), "55"), GOT("00", "00" D_X "01000000"), "55");
    CHECK_STR(file_of(read_stream(29), 0), "d.x");
    answer(32, ask(31, GET("00", "0100", SHORT_NAME), "55"), GOT("00", "01 00" S_X), "55");
    CHECK_STR(file_of(ask(33, OPEN_STREAM("00", "01"), "55 " NO), 0), "s.x");
    answer(36, ask(35, "08 00 00 0000 0100", "55"), "08 00" OK "0200" NUMBER "01000000" LONG_NAME L_X, "55");
    answer(38, ask(37, GET("00", "0200", LONG_NAME DISPLAY), "55"), GOT("00", "00" M_X D_X), "55");
    CHECK_STR(file_of(ask(39, OPEN_STREAM("00", "01"), "55 " NO), 0), "l.x");
    /* Properties of the message are not the attachment's. */
    answer(42, ask(41, GET("00", "0100", DISPLAY), "33"), GOT("00", "00" D_X), "33");
    CHECK_STR(file_of(ask(43, OPEN_STREAM("00", "01"), "33 " NO), 0), "-");
    same_again("by properties");
}

/* One that is made: what the client sets, by itself or its table's row. */
static void made(void)
{
    mailbox();
    answer(6, ask(5, OPEN_MESSAGE("00", "01"), "22 " NO), MESSAGE_OPENED("01", "0000"), "22 33");
    struct play_message *request =
        ask(7, "23 00 00 01 0A 00 01 0E00 0100" LONG_NAME L_X OPEN_STREAM("01", "02"), "33 " NO " " NO);
    CHECK_STR(file_of(request, 2), "l.x");
    answer(8, request, "23 01" OK "05000000 0A 01" OK "0000" STREAM_OPENED("02"), "33 55 66");
    CHECK_STR(file_of(read_stream(9), 0), "l.x");
    answer(12, ask(11, "23 00 00 01", "33 " NO), "23 01" OK "06000000", "33 57");
    answer(14, ask(13, "21 00 00 01 40", "33 " NO), "21 01" OK, "33 44");
    answer(16, ask(15, "12 00 00 00 0200" NUMBER SHORT_NAME, "44"), COLUMNS_SET("00"), "44");
    answer(18, ask(17, QUERY("00"), "44"), "15 00" OK "02 0100 00 06000000" S_X, "44");
    CHECK_STR(file_of(ask(19, OPEN_STREAM("00", "01"), "57 " NO), 0), "s.x");
    same_again("made");
}

/* A stream outlives its attachment, and is cloned. */
static void streams(void)
{
    with_rows("12 00 00 00 0200" NUMBER LONG_NAME, "15 00" OK "02 0100 00 01000000" L_X);
    open_stream();
    answer(26, ask(25, "3B 00 00 01", "66 " NO), "3B 01" OK, "66 67");
    answer(28, ask(27, RELEASE("00"), "55"), "", "55");
    CHECK_STR(file_of(read_stream(29), 0), "l.x");
    CHECK_STR(file_of(ask(31, READ_STREAM("00"), "67"), 0), "l.x");
    /* What it is a stream of (PidTagAttachDataBinary), it and its clone, and not one of what nobody saw. */
    static const char *const handles[] = { "66", "67", "68" };
    answer(30, ask(29, "3B 00 00 01", "99 " NO), "3B 01" OK, "99 68");
    for (unsigned i = 0; i < COUNT_OF(handles); i++) {
        const struct play_message *request = ask(31, READ_STREAM("00"), handles[i]);
        CHECK_INT(rop_note_known(&request->message->notes[0]).property, i < 2 ? 0x37010102 : 0);
    }
    /* ROPs of transfers on a stream: nothing is taken for something else. */
    struct play_message *request = ask(33, "54 00 00 0400 03000C40", "66");
    CHECK_STR(file_of(request, 0), "-");
    CHECK_STR(
        file_of(answer(34, ask(33, "4E 00 00 BABE 0010", "66"), "4E 00" OK "0100 0000 0000 00 0400 03000C40", "66"), 0),
        "-");
    same_again("streams");
}

static void many(void)
{
    mailbox();
    answer(6, ask(5, OPEN_MESSAGE("00", "01"), "22 " NO), MESSAGE_OPENED("01", "0000"), "22 33");
    answer(8, ask(7, "21 00 00 01 40", "33 " NO), "21 01" OK, "33 44");
    answer(10, ask(9, "12 00 00 00 0200" NUMBER SHORT_NAME, "44"), COLUMNS_SET("00"), "44");
    static char rows[ROPSCENE_BYTES];
    const size_t before = play.live;
    for (unsigned from = 0; from < FILE_NAMES_MAX + 1000; from += 1000) {
        size_t used = (size_t)snprintf(rows, sizeof(rows), "15 00" OK "02 E803");
        for (unsigned i = from; i < from + 1000; i++) {
            used += (size_t)snprintf(rows + used, sizeof(rows) - used, "00 %02X%02X0000 61%02X%02X00", i & 255, i >> 8,
                                     'a' + i % 23, 'a' + i / 23 % 23);
        }
        answer(12, ask(11, QUERY("00"), "44"), rows, "44");
    }
    CHECK_INT(play.session->file_names, FILE_NAMES_MAX);
    CHECK(play.live - before < FILE_NAMES_MAX * 128);
    CHECK_STR(file_of(open_stream(), 0), "aba");
}

int main(void)
{
    by_rows();
    by_other_rows();
    by_properties();
    made();
    streams();
    many();
    play_end();
    free(play.log.text);
    return unit_end();
}
