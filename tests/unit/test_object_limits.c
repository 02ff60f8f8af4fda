/* test_object_limits.c
 * What a session knows of its objects where answers have something else in their place, where some
 * of it was not captured, and where there is more than it keeps.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "roptalk.h"

/* Many ROPs of one form: text, with the number in place of '#' (in hexadecimal, little-endian, of width digits). */
static const char *many(const char *form, unsigned first, unsigned count, unsigned bytes)
{
    static char text[0x100000];
    size_t at = 0;
    for (unsigned i = first; i < first + count; i++) {
        for (const char *c = form; *c; c++) {
            if (*c != '#') {
                text[at++] = *c;
                continue;
            }
            for (unsigned k = 0; k < bytes; k++) {
                at += (size_t)snprintf(text + at, 3, "%02X", i >> 8 * k & 0xFF);
            }
        }
    }
    text[at] = '\0';
    return text;
}

/* ---- in place of answers ---- */

/* RopBufferTooSmall: what has no answer was not executed, and is sent again. */
static void too_small(void)
{
    table();
    struct play_message *request =
        ask(7, SET_COLUMNS("00", SIZE) QUERY("00") RELEASE("00") OPEN_FOLDER("01", "02"), "33 11 " NO);
    struct play_message *response =
        answer(8, request, COLUMNS_SET("00") "FF 0080" QUERY("00") RELEASE("00") OPEN_FOLDER("01", "02"), "33 11 " NO);
    CHECK(says(response, 1, "! rop.buffer_too_small*"));
    CHECK(says(request, 0, "response_in=8"));
    CHECK(!says(request, 1, "response_in=8"));
    CHECK(!says(request, 3, "response_in=8"));
    request = ask(9, QUERY("00") RELEASE("00") OPEN_FOLDER("01", "02"), "33 11 " NO);
    response = answer(10, request, ROWS("00", ROW_OF_SIZE) FOLDER_OPENED("02"), "33 11 44");
    CHECK(says(request, 0, "object=contents table of folder Inbox"));
    CHECK_KNOWN(response, 0);
    CHECK(!says(ask(11, QUERY("00"), "33"), 0, "object=*"));
    CHECK(says(ask(11, QUERY("00"), "44"), 0, "object=folder Inbox"));
    same_again("too small");
}

/* RopBackoff stands for all that has no answer. */
static void backoff(void)
{
    table();
    set_columns(7, SIZE);
    struct play_message *request = ask(9, SET_COLUMNS("00", SUBJECT) RELEASE("00"), "33");
    struct play_message *response = answer(10, request, "F9 00 E8030000 00 0000", "33");
    CHECK(says(response, 0, "! rop.backoff*"));
    CHECK(!says(request, 0, "response_in=10"));
    CHECK_KNOWN(rows(11), 0);
    /* Of a transfer the answer itself may say how long to wait (MS-OXCROPS 2.2.12.3.2), in milliseconds, be it one. */
    static const char *const times[] = { "00000000", "01000000", "E8030000" };
    static const char *const said[] = {
        "! rop.backoff: FastTransferSourceGetBuffer was refused: the server is busy (0x00000480)",
        "! rop.backoff: The server is busy: it asks the client to wait 1 ms",
        "! rop.backoff: The server is busy: it asks the client to wait 1000 ms"
    };
    for (unsigned i = 0; i < COUNT_OF(times); i++) {
        char text[100];
        snprintf(text, sizeof(text), "4E 00 80040000 0000 0000 0000 00 0000 %s", times[i]);
        response = answer(14 + 2 * i, ask(13 + 2 * i, "4E 00 00 BABE 0010", "33"), text, "33");
        CHECK(says(response, 0, said[i]));
    }
    /* To a request that the capture lacks. */
    CHECK(says(answer(21, NULL, "F9 00 E8030000 00 0000", "33"), 0, "! rop.backoff*"));
    same_again("backoff");
}

/* RopPending and RopNotify stand behind the answers, RopProgress in place of one. */
static void pending_and_progress(void)
{
    table();
    set_columns(7, SIZE);
    struct play_message *request = ask(9, QUERY("00") "58 00 01 01 00", "33 22");
    struct play_message *response =
        answer(10, request, ROWS("00", ROW_OF_SIZE) "50 01" OK "00 01000000 02000000 6E 0000", "33 22");
    CHECK_KNOWN(response, 0);
    CHECK(says(response, 1, "completed_task_count=1"));
    CHECK(says(response, 1, "request_in=9"));
    CHECK(says(response, 1, "object=folder Inbox"));
    CHECK(says(response, 2, "session_index=0"));
    CHECK(!says(response, 2, "request_in=9"));
    CHECK(!says(response, 2, "! *"));
    /* The operation's own answer to RopProgress. */
    response =
        answer(12, ask(11, "50 00 00 00" QUERY("01"), "22 33"), "58 00" OK "00" ROWS("01", ROW_OF_SIZE), "22 33");
    CHECK(says(response, 0, "partial_completion=0"));
    CHECK_KNOWN(response, 1);
    same_again("pending and progress");
}

/* ---- what was not captured ---- */

/* The response with its answer is missing: whether the columns are others is not known. */
static void columns_unanswered(void)
{
    table();
    set_columns(7, SIZE);
    struct play_message *lost = ask(9, SET_COLUMNS("00", SUBJECT), "33");
    struct play_message *response = rows(11);
    CHECK_UNKNOWN(response, 0);
    CHECK(!says(lost, 0, "response_in=*"));
    set_columns(13, SIZE);
    CHECK_KNOWN(rows(15), 0);
    /* A response that has no answer to it. */
    answer(18, ask(17, SET_COLUMNS("00", SUBJECT), "33"), "", "33");
    CHECK_UNKNOWN(rows(19), 0);
    /* A request that was lost is given up once, not again when others are lost behind it. */
    ask(21, SET_COLUMNS("00", SUBJECT), "33");
    CHECK_UNKNOWN(rows(23), 0);
    set_columns(25, SIZE);
    for (uint32_t i = 0; i < 20; i++) {
        ask(27 + i, "16 00 00", "33");
    }
    CHECK_KNOWN(rows(51), 0);
    same_again("columns unanswered");
}

static void request_unanswered(void)
{
    table();
    ask(7, OPEN_TABLE("00", "01") RELEASE("02"), "22 " NO " 33");
    /* Released as the client asked. */
    CHECK(!says(ask(9, QUERY("00"), "33"), 0, "object=*"));
    /* Requests without answers do not pile up, and the objects that they open do not stay. */
    for (uint32_t i = 0; i < 100; i++) {
        ask(11 + i, OPEN_TABLE("00", "01"), "22 " NO);
    }
    CHECK(says(ask(200, QUERY("00"), "22"), 0, "object=folder Inbox"));
    for (unsigned i = 0; i < 2 * OBJECTS_MAX / 200; i++) {
        play_drop(150);
        ask(201, many("05 00 00 #00", 1, 200, 1), "22");
    }
    answer(203, ask(202, OPEN_TABLE("00", "01"), "22 " NO), TABLE_OPENED("01"), "22 44");
    CHECK(says(ask(204, QUERY("00"), "44"), 0, "object=contents table of folder Inbox"));
    same_again("unanswered");
}

/* An answer without its request. */
static void unasked(void)
{
    table();
    set_columns(7, SIZE);
    struct play_message *response = answer(9, NULL, ROWS("00", ROW_OF_SIZE), "33");
    CHECK_KNOWN(response, 0);
    CHECK(says(response, 0, "object=contents table of folder Inbox"));
    CHECK(!says(response, 0, "request_in=*"));
    /* The columns are set, to what is not known. */
    answer(10, NULL, COLUMNS_SET("00"), "33");
    CHECK_UNKNOWN(answer(11, NULL, ROWS("00", ROW_OF_SIZE), "33"), 0);
    /* Something is opened: the handle is another's. */
    answer(12, NULL, FOLDER_OPENED("00"), "33");
    CHECK(!says(ask(13, QUERY("00"), "33"), 0, "object=*"));
    /* Of a message, recipients are told. */
    answer(14, ask(13, OPEN_MESSAGE("00", "01"), "22 " NO), MESSAGE_OPENED("01", "0000"), "22 44");
    answer(15, NULL, "10 00" OK MESSAGE_BODY("0100" SIZE), "44");
    response = answer(17, ask(16, READ_RECIPIENTS("00"), "44"), RECIPIENTS("00"), "44");
    CHECK(says(response, 0, "value.int32=7"));
    same_again("unasked");
}

/* Two requests before their responses. */
static void two_under_way(void)
{
    table();
    set_columns(7, SIZE);
    struct play_message *one = ask(9, QUERY("00"), "33");
    struct play_message *two = ask(10, SET_COLUMNS("00", SUBJECT) QUERY("00"), "33");
    struct play_message *rows_one = answer(11, one, ROWS("00", ROW_OF_SIZE), "33");
    struct play_message *rows_two = answer(12, two, COLUMNS_SET("00") ROWS("00", ROW_OF_SUBJECT), "33");
    CHECK_KNOWN(rows_one, 0);
    CHECK(says(rows_one, 0, "columns_in=7"));
    CHECK(says(rows_two, 1, "} A"));
    CHECK(says(rows_two, 1, "columns_in=10"));
    CHECK(says(one, 0, "response_in=11"));
    CHECK(says(two, 0, "response_in=12"));
    /* The one that was sent first releases what the other still uses. */
    one = ask(13, RELEASE("00"), "33");
    two = ask(14, QUERY("00"), "33");
    CHECK(!says(two, 0, "object=*"));
    answer(15, one, "", "33");
    answer(16, two, "15 00 6C0F0000", "33");
    same_again("two under way");
}

/* The capture begins in the middle: handles of which nobody knows what they are. */
static void late_start(void)
{
    play_begin();
    struct play_message *request = ask(1, QUERY("00"), "33");
    CHECK(!says(request, 0, "object=*"));
    CHECK(says(request, 0, "handle=51"));
    struct play_message *response = answer(2, request, ROWS("00", ROW_OF_SIZE), "33");
    CHECK_UNKNOWN(response, 0);
    /* From the first columns on the table is known. */
    set_columns(3, SIZE);
    response = rows(5);
    CHECK_KNOWN(response, 0);
    CHECK(says(response, 0, "columns_in=3"));
    CHECK(!says(response, 0, "opened_in=*"));
    /* What is opened on something unknown. */
    request = ask(7, OPEN_FOLDER("00", "01") OPEN_TABLE("01", "02"), "11 " NO " " NO);
    CHECK(says(request, 0, "object=folder 0001-00000000000d"));
    CHECK(says(request, 1, "object=contents table of folder 0001-00000000000d"));
    answer(8, request, FOLDER_OPENED("01") TABLE_OPENED("02"), "11 22 44");
    CHECK(says(ask(9, QUERY("00"), "44"), 0, "opened_in=7"));
    answer(12, ask(11, RELEASE("00"), "33"), "", "33");
    CHECK_UNKNOWN(rows(13), 0);
    same_again("a late start");
}

/* ---- limits ---- */

/* Folders with the handles from first on, 200 in a request. */
static void open_many(uint32_t frame, unsigned first, unsigned count)
{
    while (count > 0) {
        const unsigned now = count < 200 ? count : 200;
        char handles[200 * 9 + 20] = "11";
        static char asked[0x10000], answered[0x10000];
        size_t a = 0, b = 0, h = 2;
        for (unsigned i = 0; i < now; i++) {
            a += (size_t)snprintf(asked + a, sizeof(asked) - a, "02 00 00 %02X" FID "00", i + 1);
            b += (size_t)snprintf(answered + b, sizeof(answered) - b, "02 %02X" OK "00 00", i + 1);
            h += (size_t)snprintf(handles + h, sizeof(handles) - h, " %X", first + i);
        }
        play_drop(200); /* these are not looked at again */
        struct play_message *request = ask(frame, asked, handles);
        answer(frame + 1, request, answered, handles);
        first += now;
        count -= now;
    }
}

static void many_objects(void)
{
    table();
    set_columns(7, SIZE);
    /* With logon, folder and table as many as may be. */
    open_many(9, 0x1000, OBJECTS_MAX - 3 - 1);
    struct play_message *last = ask(20, QUERY("00"), "1000");
    CHECK(says(last, 0, "object=folder Inbox"));
    answer(22, ask(21, OPEN_FOLDER("00", "01"), "11 " NO), FOLDER_OPENED("01"), "11 9000");
    CHECK(says(ask(23, QUERY("00"), "9000"), 0, "object=folder Inbox"));
    /* One more is not known; in its own list neither, and nothing else breaks. */
    struct play_message *request = ask(25, OPEN_TABLE("00", "01") SET_COLUMNS("01", SIZE) QUERY("01"), "22 " NO);
    struct play_message *response =
        answer(26, request, TABLE_OPENED("01") COLUMNS_SET("01") ROWS("01", ROW_OF_SIZE), "22 9001");
    CHECK(!says(request, 1, "object=*"));
    CHECK_UNKNOWN(response, 2);
    CHECK(!says(ask(27, QUERY("00"), "9001"), 0, "object=*"));
    CHECK_KNOWN(rows(29), 0);
    /* One too many with a handle that meant something else. */
    answer(30, ask(29, OPEN_FOLDER("00", "01"), "11 " NO), FOLDER_OPENED("01"), "11 1001");
    CHECK(!says(ask(30, QUERY("00"), "1001"), 0, "object=*"));
    open_many(30, 0x1001, 1);
    /* Where one ends, another may come. */
    answer(32, ask(31, RELEASE("00"), "9000"), "", "9000");
    answer(34, ask(33, OPEN_FOLDER("00", "01"), "11 " NO), FOLDER_OPENED("01"), "11 9002");
    CHECK(says(ask(35, QUERY("00"), "9002"), 0, "object=folder Inbox"));
    /* And where the logon ends, all. */
    answer(38, ask(37, RELEASE("00"), "11"), "", "11");
    CHECK(!says(ask(39, QUERY("00"), "1000"), 0, "object=*"));
    answer(42, ask(41, LOGON("00", "00", "01"), NO), logged_on("00", 1, 0), "11");
    open_many(43, 0x20000, OBJECTS_MAX - 1);
    CHECK(says(ask(50, QUERY("00"), "20FFE"), 0, "object=folder Inbox"));
    same_again("many objects");
}

static void many_columns(void)
{
    table();
    set_columns(7, SIZE);
    /* Sets of 1,000 columns, each another. */
    for (unsigned i = 0; i < COLUMNS_KEPT_MAX / 4000 + 1; i++) {
        static char text[0x100100];
        snprintf(text, sizeof(text), "07 00 00 0000 0000 E803 %s", many("0300##", 0x1000 + 7 * i, 1000, 1));
        play_drop(200);
        ask(9, text, "22");
    }
    /* And of one, for what these leave. */
    for (unsigned i = 0; i < 200; i++) {
        char text[64];
        play_drop(200);
        snprintf(text, sizeof(text), "07 00 00 0000 0000 0100 0300 %02X20", i);
        ask(9, text, "22");
    }
    CHECK_KNOWN(rows(11), 0);
    /* A further one is not known. */
    set_columns(13, SUBJECT);
    CHECK(says(answer(16, ask(15, QUERY("00"), "33"), ROWS("00", ROW_OF_SUBJECT), "33"), 0, NO_COLUMNS));
    set_columns(17, SIZE);
    CHECK_KNOWN(rows(19), 0);
    same_again("many columns");
}

static void many_names(void)
{
    mailbox();
    static char ids[0x40000], named[0x40000];
    for (unsigned i = 0; i < PROPERTY_NAMES_MAX; i += 512) {
        strcpy(ids, many("#", 0x8000 + i, 512, 2));
        strcpy(named, many("00" GUID_A "#0000", i, 512, 2));
        static char asked[0x50000], answered[0x50000];
        snprintf(asked, sizeof(asked), "55 00 00 0002 %s", ids);
        snprintf(answered, sizeof(answered), "55 00" OK "0002 %s", named);
        answer(6, ask(5, asked, "11"), answered, "11");
    }
    CHECK(says(ask(7, "07 00 00 0000 0000 0100" TAG("0080"), "22"), 0, "name=LID 0x0000"));
    CHECK(says(ask(7, "07 00 00 0000 0000 0100" TAG("FF9F"), "22"), 0, "name=LID 0x1FFF"));
    answer(10, ask(9, "55 00 00 0100 00A0", "11"), "55 00" OK "0100 00" GUID_A "00200000", "11");
    CHECK(!says(ask(11, "07 00 00 0000 0000 0100" TAG("00A0"), "22"), 0, "name=*"));
    CHECK(says(ask(11, "07 00 00 0000 0000 0100" TAG("FF9F"), "22"), 0, "name=LID 0x1FFF"));
    same_again("many names");
}

static void many_folders(void)
{
    mailbox();
    /* Thirteen folders of each store. */
    for (unsigned i = 1; i <= FOLDER_NAMES_MAX / 13; i++) {
        play_drop(100);
        answer(6, ask(5, LOGON("01", "00", "01"), NO), logged_on("00", 1, i), "55");
    }
    CHECK(says(ask(7, OPEN_FOLDER("00", "01"), "11 " NO), 0, "object=folder Inbox"));
    const unsigned last = FOLDER_NAMES_MAX / 13 + 1;
    answer(10, ask(9, LOGON("01", "00", "01"), NO), logged_on("00", 1, last), "55");
    char text[100], object[100];
    snprintf(text, sizeof(text), "02 01 00 01 0100 0000000%03X0D 00", last);
    snprintf(object, sizeof(object), "object=folder 0001-0000000%03x0d", last);
    CHECK(says(ask(11, text, "55 " NO), 0, object));
    CHECK(says(ask(11, OPEN_FOLDER("00", "01"), "11 " NO), 0, "object=folder Inbox"));
    same_again("many folders");
}

/* What is inside of something that is inside of something has a name of bounded length. */
static void long_names(void)
{
    mailbox();
    struct play_message *request = ask(5, OPEN_MESSAGE("00", "01") "22 00 01 02 00 00000000", "22 " NO " " NO);
    answer(6, request, MESSAGE_OPENED("01", "0000") "22 02" OK, "22 33 44");
    for (uint32_t i = 0; i < 20; i++) {
        request = ask(7 + 2 * i, "22 00 00 01 00 00000000", i % 2 ? "45 " NO : "44 " NO);
        answer(8 + 2 * i, request, "22 01" OK, i % 2 ? "45 44" : "44 45");
    }
    CHECK(says(request, 0, "object=attachment of attachment*"));
    const char *text = strstr(play_shown(request, false), "object=");
    CHECK(text && strcspn(text, "\n") < 200);
    same_again("long names");
}

/* Bytes of a session, of each object, and of each ROP as later passes show it. */
static void memory(void)
{
    play_begin();
    CHECK(play.live <= 8192);
    mailbox();
    const size_t before = play.live;
    open_many(5, 0x1000, 200);
    /* Notes double their room. */
    CHECK(sizeof(struct rop_note) <= 72);
    CHECK(play.live - before <= 200 * 256 + 2 * 256 * sizeof(struct rop_note) + 2 * sizeof(struct rop_message));
    /* The objects end, their notes stay. */
    const size_t live = play.live;
    answer(8, ask(7, RELEASE("00"), "11"), "", "11");
    answer(10, ask(9, LOGON("00", "00", "01"), NO), logged_on("00", 1, 0), "11");
    open_many(11, 0x1000, 200);
    CHECK(play.live - live <= 2 * 256 * sizeof(struct rop_note) + 200 * 128 + 4096);
}

/* ---- names of folders ---- */

/* Rows name the same folder anew again and again: so many names are kept, and it stays with the last of these. */
static void renamed(void)
{
    enum { AT_ONCE = 256 };
    static char rows_of_names[AT_ONCE * 48 + 100];
    char name[40];
    mailbox();
    answer(6, ask(5, "04 00 00 01 00", "22 " NO), "04 01" OK "02000000", "22 33");
    answer(8, ask(7, "12 00 00 00 0200 14004867 1F000130", "33"), "12 00" OK "00", "33");
    const unsigned kept = play.count;
    for (unsigned number = 0; number <= FOLDER_TEXTS_MAX;) {
        int used = snprintf(rows_of_names, sizeof(rows_of_names), "15 00" OK "02 0001");
        for (unsigned i = 0; i < AT_ONCE; i++, number++) {
            /* "0000" and so on: twice the same is one. */
            used += snprintf(rows_of_names + used, sizeof(rows_of_names) - (size_t)used, "00 0100 0000000000EE ");
            snprintf(name, sizeof(name), "%04X", number);
            for (const char *c = name; *c; c++) {
                used += snprintf(rows_of_names + used, sizeof(rows_of_names) - (size_t)used, "%02X00", *c);
            }
            used += snprintf(rows_of_names + used, sizeof(rows_of_names) - (size_t)used, "0000");
        }
        answer(10, ask(9, QUERY("00"), "33"), rows_of_names, "33");
        play_drop(kept);
        if (number == AT_ONCE) {
            CHECK(says(ask(11, "02 00 00 01 0100 0000000000EE 00", "11 " NO), 0, "object=folder 00FF"));
            play_drop(kept);
        }
    }
    snprintf(name, sizeof(name), "object=folder %04X", FOLDER_TEXTS_MAX - 1);
    CHECK(says(ask(11, "02 00 00 01 0100 0000000000EE 00", "11 " NO), 0, name));
}

int main(void)
{
    too_small();
    backoff();
    pending_and_progress();
    columns_unanswered();
    request_unanswered();
    unasked();
    two_under_way();
    late_start();
    many_objects();
    many_columns();
    many_names();
    many_folders();
    long_names();
    memory();
    renamed();
    play_end();
    free(play.log.text);
    transcript_end(__FILE__);
    return unit_end();
}
