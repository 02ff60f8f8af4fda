/* test_objects.c
 * What a session remembers of server objects: how they are opened, used and released, what their
 * columns, recipients, logons and names are (MS-OXCROPS 3.1.4, 3.2.5). And that any later reading
 * shows what the first one knew.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "roptalk.h"

/* ---- objects ---- */

static void by_handle(void)
{
    mailbox();
    const struct play_message *opened = &play.messages[2];
    CHECK(says(opened, 0, "object=folder Inbox"));
    CHECK(!says(opened, 0, "opened_in=3")); /* it is this frame */
    CHECK(says(opened, 0, "response_in=4"));
    CHECK(says(&play.messages[3], 0, "request_in=3"));
    CHECK(says(&play.messages[3], 0, "time=1000000"));
    struct play_message *request = ask(5, OPEN_TABLE("00", "01"), "22 " NO);
    CHECK(says(request, 0, "object=contents table of folder Inbox"));
    struct play_message *response = answer(6, request, TABLE_OPENED("01"), "22 33");
    CHECK(says(response, 0, "object=contents table of folder Inbox"));
    request = ask(7, QUERY("02"), "22 11 33");
    CHECK(says(request, 0, "object=contents table of folder Inbox"));
    CHECK(says(request, 0, "opened_in=5"));
    /* An index is not a handle. */
    request = ask(9, QUERY("00"), "22");
    CHECK(says(request, 0, "object=folder Inbox"));
    same_again("by handle");
}

/* What an earlier ROP of the list opens is used by its index, and has a handle with the response. */
static void by_index(void)
{
    mailbox();
    struct play_message *request = ask(5, OPEN_TABLE("00", "01") SET_COLUMNS("01", SIZE) QUERY("01"), "22 " NO);
    struct play_message *response =
        answer(6, request, TABLE_OPENED("01") COLUMNS_SET("01") ROWS("01", ROW_OF_SIZE), "22 33");
    CHECK(says(request, 1, "object=contents table of folder Inbox"));
    CHECK(says(request, 2, "object=contents table of folder Inbox"));
    CHECK_KNOWN(response, 2);
    CHECK(says(response, 2, "columns_in=5"));
    CHECK_KNOWN(rows(7), 0);
    same_again("by index");
}

/* An index used twice in one list: the object of the moment counts, and the handle is the last one's. */
static void index_twice(void)
{
    mailbox();
    struct play_message *request =
        ask(5, OPEN_FOLDER("00", "01") OPEN_TABLE("01", "01") SET_COLUMNS("01", SIZE) QUERY("01"), "11 " NO);
    struct play_message *response =
        answer(6, request, FOLDER_OPENED("01") TABLE_OPENED("01") COLUMNS_SET("01") ROWS("01", ROW_OF_SIZE), "11 33");
    CHECK(says(request, 1, "object=contents table of folder Inbox"));
    CHECK(says(request, 2, "object=contents table of folder Inbox"));
    CHECK_KNOWN(response, 3);
    CHECK_KNOWN(rows(7), 0);
    CHECK(says(ask(9, QUERY("00"), "33"), 0, "object=contents table of folder Inbox"));
    same_again("an index twice");
}

static void failing_opens(void)
{
    mailbox();
    struct play_message *request = ask(5, OPEN_TABLE("00", "01") QUERY("01"), "22 " NO);
    struct play_message *response = answer(6, request, "05 01" FAILED "15 01 B9040000", "22 " NO);
    CHECK(says(response, 0, "! rop.failed: GetContentsTable failed*"));
    CHECK(says(response, 1, "! rop.failed: QueryRows failed*"));
    /* One that fails at the index of one that succeeded leaves that. */
    request = ask(7, OPEN_FOLDER("00", "01") OPEN_TABLE("01", "01"), "11 " NO);
    answer(8, request, FOLDER_OPENED("01") "05 01" FAILED, "11 44");
    CHECK(says(ask(9, OPEN_TABLE("00", "01"), "44 " NO), 0, "object=contents table of folder Inbox"));
    CHECK(says(ask(10, "12 00 00 00 0000", "44"), 0, "object=folder Inbox"));
    /* A handle beside a failure is nothing's. */
    request = ask(11, OPEN_TABLE("00", "01"), "22 " NO);
    answer(12, request, "05 01" FAILED, "22 55");
    CHECK(!says(ask(13, QUERY("00"), "55"), 0, "object=*"));
    same_again("failing opens");
}

static void released(void)
{
    table();
    set_columns(7, SIZE);
    /* In the same list: what stands before knows it, what stands behind does not. */
    struct play_message *request = ask(9, QUERY("00") RELEASE("00") QUERY("00"), "33");
    struct play_message *response = answer(10, request, ROWS("00", ROW_OF_SIZE) "15 00 6C0F0000", "33");
    CHECK(says(request, 0, "object=contents table of folder Inbox"));
    CHECK(says(request, 1, "object=contents table of folder Inbox"));
    CHECK(!says(request, 1, "response_in=10")); /* RopRelease has no answer */
    CHECK(!says(request, 2, "object=*"));
    CHECK_KNOWN(response, 0);
    /* In another list. */
    CHECK(!says(ask(11, QUERY("00"), "33"), 0, "object=*"));
    CHECK_UNKNOWN(rows(13), 0);
    /* The server uses the handle again. */
    request = ask(15, OPEN_FOLDER("00", "01"), "11 " NO);
    answer(16, request, FOLDER_OPENED("01"), "11 33");
    CHECK(says(ask(17, QUERY("00"), "33"), 0, "object=folder Inbox"));
    CHECK(says(ask(17, QUERY("00"), "33"), 0, "opened_in=15"));
    same_again("released");
}

/* The same handle at two indices is one object. */
static void released_by_another_index(void)
{
    table();
    struct play_message *request = ask(7, RELEASE("00") QUERY("01"), "33 33");
    CHECK(says(request, 0, "object=contents table of folder Inbox"));
    CHECK(!says(request, 1, "object=*"));
    same_again("another index");
}

/* A handle that is used again though its release was not seen. */
static void handle_again(void)
{
    table();
    set_columns(7, SIZE);
    struct play_message *request = ask(9, OPEN_TABLE("00", "01"), "22 " NO);
    answer(10, request, TABLE_OPENED("01"), "22 33");
    CHECK_UNKNOWN(rows(11), 0);
    same_again("a handle again");
}

/* The objects of a logon end with it, those of another do not. */
static void logon_released(void)
{
    table();
    set_columns(7, SIZE);
    struct play_message *request = ask(9, LOGON("01", "00", "01"), NO);
    answer(10, request, logged_on("00", 1, 5), "66");
    request = ask(11, "02 01 00 01" FID "00", "66 " NO);
    answer(12, request, FOLDER_OPENED("01"), "66 77");
    answer(14, ask(13, RELEASE("00"), "11"), "", "11");
    CHECK(!says(ask(15, QUERY("00"), "33"), 0, "object=*"));
    CHECK(!says(ask(15, QUERY("00"), "22"), 0, "object=*"));
    CHECK(!says(ask(15, QUERY("00"), "11"), 0, "object=*"));
    CHECK(says(ask(15, QUERY("00"), "66"), 0, "object=mailbox"));
    CHECK(says(ask(15, QUERY("00"), "77"), 0, "opened_in=11"));
    CHECK_UNKNOWN(rows(17), 0);
    same_again("a logon released");
}

/* A logon in place of another of its LogonId (3.1.4.2) ends the objects of that, not those that its own list opens. */
static void logon_replaced(void)
{
    table();
    struct play_message *request = ask(7, LOGON("00", "00", "01") OPEN_FOLDER("00", "01"), NO " " NO);
    char text[1200];
    snprintf(text, sizeof(text), "%s" FOLDER_OPENED("01"), logged_on("00", 1, 0));
    answer(8, request, text, "88 99");
    CHECK(!says(ask(9, QUERY("00"), "22"), 0, "object=*"));
    CHECK(!says(ask(9, QUERY("00"), "33"), 0, "object=*"));
    CHECK(!says(ask(9, QUERY("00"), "11"), 0, "object=*"));
    CHECK(says(ask(9, QUERY("00"), "88"), 0, "object=mailbox"));
    CHECK(says(ask(9, QUERY("00"), "99"), 0, "object=folder Inbox"));
    /* One that fails ends nothing. */
    request = ask(11, LOGON("00", "00", "01"), NO);
    answer(12, request, "FE 00" FAILED, NO);
    CHECK(says(ask(13, QUERY("00"), "99"), 0, "object=folder Inbox"));
    same_again("a logon replaced");
}

/* ---- tables ---- */

static void columns(void)
{
    table();
    CHECK_UNKNOWN(rows(7), 0);
    set_columns(9, SIZE);
    struct play_message *response = rows(11);
    CHECK_KNOWN(response, 0);
    CHECK(says(response, 0, "columns_in=9"));
    /* Others. */
    set_columns(13, SUBJECT);
    struct play_message *other = answer(16, ask(15, QUERY("00"), "33"), ROWS("00", ROW_OF_SUBJECT), "33");
    CHECK(says(other, 0, "columns_in=13"));
    CHECK(says(other, 0, "} A"));
    CHECK_KNOWN(response, 0); /* as it was */
    /* TBLSTAT_SETCOL_ERROR; a failure. */
    set_columns(17, SIZE);
    answer(20, ask(19, SET_COLUMNS("00", SUBJECT), "33"), "12 00" OK "0D", "33");
    CHECK_UNKNOWN(rows(21), 0);
    set_columns(23, SIZE);
    CHECK_KNOWN(rows(25), 0);
    answer(28, ask(27, SET_COLUMNS("00", SUBJECT), "33"), "12 00 57000780", "33");
    CHECK_UNKNOWN(rows(29), 0);
    /* RopResetTable; one that fails changes nothing. */
    set_columns(31, SIZE);
    answer(34, ask(33, "81 00 00", "33"), "81 00 57000780", "33");
    CHECK_KNOWN(rows(35), 0);
    answer(38, ask(37, "81 00 00", "33"), "81 00" OK, "33");
    CHECK_UNKNOWN(rows(39), 0);
    same_again("columns");
}

/* TBL_ASYNC: an answer that says success counts, and RopGetStatus may say later that it failed. */
static void columns_later(void)
{
    table();
    answer(8, ask(7, "12 00 00 01 0100" SIZE, "33"), "12 00" OK "0B", "33");
    CHECK_KNOWN(rows(9), 0);
    answer(12, ask(11, "16 00 00", "33"), "16 00" OK "00", "33");
    CHECK_KNOWN(rows(13), 0);
    answer(16, ask(15, "16 00 00", "33"), "16 00" OK "0D", "33");
    CHECK_UNKNOWN(rows(17), 0);
    same_again("columns later");
}

/* FindRow, ExpandRow and notifications of a table have rows, too. */
static void other_rows(void)
{
    table();
    set_columns(7, SIZE);
    struct play_message *found =
        answer(10, ask(9, "4F 00 00 00 0000 00 0000", "33"), "4F 00" OK "00 01" ROW_OF_SIZE, "33");
    CHECK_KNOWN(found, 0);
    struct play_message *expanded =
        answer(12, ask(11, "59 00 00 0100" MID, "33"), "59 00" OK "05000000 0100" ROW_OF_SIZE, "33");
    CHECK_KNOWN(expanded, 0);
    struct play_message *told = answer(14, ask(13, "", ""), "2A 33000000 00 0001 0500" FID FID "0500" ROW_OF_SIZE, "");
    CHECK_KNOWN(told, 0);
    CHECK(says(told, 0, "handle=51"));
    CHECK(says(told, 0, "object=contents table of folder Inbox"));
    CHECK(says(told, 0, "opened_in=5"));
    CHECK(!says(told, 0, "request_in=13"));
    /* Of a handle that nobody knows. */
    told = answer(16, ask(15, "", ""), "2A 34000000 00 0001 0500" FID FID "0500" ROW_OF_SIZE, "");
    CHECK_UNKNOWN(told, 0);
    same_again("other rows");
}

/* A subscription's notifications come by its handle. */
static void notifications(void)
{
    mailbox();
    struct play_message *request = ask(5, "29 00 00 01 0200 01", "11 " NO);
    CHECK(says(request, 0, "object=subscription of mailbox"));
    answer(6, request, "29 01" OK, "11 44");
    struct play_message *told = answer(8, ask(7, "", ""), "2A 44000000 00 0280" FID MID "00000000 00 49504D00", "");
    CHECK(says(told, 0, "object=subscription of mailbox"));
    CHECK(says(told, 0, "opened_in=5"));
    CHECK(!says(told, 0, "! *"));
    answer(10, ask(9, RELEASE("00"), "44"), "", "44");
    told = answer(12, ask(11, "", ""), "2A 44000000 00 0280" FID MID "00000000 00 49504D00", "");
    CHECK(!says(told, 0, "object=*"));
    same_again("notifications");
}

/* ---- messages ---- */

static void recipients(void)
{
    mailbox();
    struct play_message *request = ask(5, OPEN_MESSAGE("00", "01") READ_RECIPIENTS("01"), "22 " NO);
    struct play_message *response = answer(6, request, MESSAGE_OPENED("01", "0100" SIZE) RECIPIENTS("01"), "22 33");
    CHECK(says(request, 0, "object=message 0001-0000000000aa"));
    CHECK(says(response, 1, "value.int32=7"));
    CHECK(says(response, 1, "columns_in=6"));
    response = answer(8, ask(7, READ_RECIPIENTS("00"), "33"), RECIPIENTS("00"), "33");
    CHECK(says(response, 0, "value.int32=7"));
    CHECK(!says(response, 0, NO_RECIPIENTS));
    /* Reloaded: other columns; the rows are one of 4 bytes all the same. */
    answer(10, ask(9, "10 00 00 0000", "33"), "10 00" OK MESSAGE_BODY("0100 03001700"), "33");
    response = answer(12, ask(11, READ_RECIPIENTS("00"), "33"), RECIPIENTS("00"), "33");
    CHECK(says(response, 0, "{ PidTagImportance"));
    CHECK(says(response, 0, "columns_in=10"));
    /* A reload that fails. */
    answer(14, ask(13, "10 00 00 0000", "33"), "10 00" FAILED, "33");
    response = answer(16, ask(15, READ_RECIPIENTS("00"), "33"), RECIPIENTS("00"), "33");
    CHECK(says(response, 0, "{ PidTagImportance"));
    /* An attachment, and the message in it. */
    request = ask(17, "22 00 00 01 00 00000000 46 00 01 02 FF0F 00", "33 " NO " " NO);
    CHECK(says(request, 0, "object=attachment of message 0001-0000000000aa"));
    CHECK(says(request, 1, "object=embedded message of attachment of message 0001-0000000000aa"));
    answer(18, request, "22 01" OK "46 02" OK "00" MID MESSAGE_BODY("0100" SIZE), "33 44 55");
    response = answer(20, ask(19, READ_RECIPIENTS("00"), "55"), RECIPIENTS("00"), "55");
    CHECK(says(response, 0, "value.int32=7"));
    CHECK(says(response, 0, "columns_in=18"));
    /* ModifyRecipients brings its columns itself, be it one. */
    request = ask(21, "0E 00 00 0100 0300080E 0100 00000000 01 0900 0000 0100 00 07000000", "55");
    CHECK(says(request, 0, "value.int32=7"));
    CHECK(says(request, 0, "{ PidTagMessageSize*"));
    /* One that was opened before the capture began. */
    response = answer(22, ask(21, READ_RECIPIENTS("00"), "99"), RECIPIENTS("00"), "99");
    CHECK(says(response, 0, NO_RECIPIENTS));
    CHECK(!says(response, 0, "value.int32=7"));
    answer(24, ask(23, "10 00 00 0000", "99"), "10 00" OK MESSAGE_BODY("0100" SIZE), "99");
    response = answer(26, ask(25, READ_RECIPIENTS("00"), "99"), RECIPIENTS("00"), "99");
    CHECK(says(response, 0, "value.int32=7"));
    same_again("recipients");
}

/* A message's own ROPs: tags of a request for its answer, by place. */
static void properties(void)
{
    mailbox();
    struct play_message *request = ask(5, "07 00 00 0000 0100 0100" SIZE "07 00 00 0000 0100 0100" SUBJECT, "22");
    struct play_message *response = answer(6, request, "07 00" OK ROW_OF_SIZE "07 00" OK ROW_OF_SUBJECT, "22");
    CHECK(says(response, 0, "value.int32=7"));
    CHECK(says(response, 1, "} A"));
    response = answer(8, NULL, "07 00" OK ROW_OF_SIZE, "22");
    CHECK(says(response, 0, "! rop.context_unknown: The tags of this row stand in a request*"));
    /* Rows whose columns are always the same, at the end of a list. */
#define RECEIVE_FOLDER "00" FID "49504D00 0000000000000000"
    response = answer(10, ask(9, "68 00 00", "11"), "68 00" OK "02000000" RECEIVE_FOLDER RECEIVE_FOLDER, "11");
    CHECK(says(response, 0, "{ PidTagMessageClass"));
    CHECK(!says(response, 0, "! *"));
    same_again("properties");
}

/* ---- logons ---- */

#define CLIENT_DATA "000102030405060708090A0B0C0D0E0F1011121314151617"
#define LONG_ID "000102030405060708090A0B0C0D0E0F 0000000000010000"
#define SET_READ(logon) "11" logon "00 00 00"
#define NOT_KNOWN "! rop.context_unknown: Whether*"

static void logons(void)
{
    play_begin();
    struct play_message *request = ask(1, SET_READ("00") CLIENT_DATA, "11");
    CHECK(says(request, 0, NOT_KNOWN));
    request = ask(3, "64 00 00" LONG_ID "01 00000000 0000 000102030405060708090A0B0C0D0E0F", "11");
    CHECK(says(request, 0, NOT_KNOWN));
    /* Where the list ends in front of it, it is not there. */
    request = ask(3, SET_READ("00") "64 00 00" LONG_ID "01 01000000 0000", "11");
    CHECK(says(request, 0, NOT_KNOWN)); /* there is room for it */
    request = ask(3, SET_READ("00") "16 00 00", "11");
    CHECK(!says(request, 0, NOT_KNOWN));
    CHECK(says(request, 1, "id=22"));
    request = ask(3, "64 00 00" LONG_ID "01 00000000 0000 16 00 00", "11");
    CHECK(!says(request, 0, NOT_KNOWN));
    CHECK(says(request, 1, "id=22"));
    request = ask(5, LOGON("00", "00", "01"), NO);
    answer(6, request, logged_on("00", 1, 0), "11");
    request = ask(7, LOGON("07", "00", "00"), NO);
    CHECK(says(request, 0, "object=public folders"));
    answer(8, request, logged_on("00", 0, 1), "12");
    /* ClientData is there in a logon to public folders (MS-OXCMSG 2.2.3.11.1). */
    request = ask(9, SET_READ("00") SET_READ("07") CLIENT_DATA SET_READ("00"), "11");
    CHECK(!says(request, 0, "client_data=*"));
    CHECK(says(request, 1, "client_data=" CLIENT_DATA));
    CHECK(says(request, 2, "id=17"));
    CHECK(!says(request, 2, "client_data=*"));
    /* ReplGuid in a logon to a mailbox, with the first part (MS-OXCSTOR 2.2.1.13.1). */
    request = ask(11,
                  "64 00 00" LONG_ID "01 00000000 0000 000102030405060708090A0B0C0D0E0F"
                  "64 00 00" LONG_ID "01 01000000 0000"
                  "64 07 00" LONG_ID "01 00000000 0000",
                  "11");
    CHECK(says(request, 0, "repl_guid=000102030405060708090A0B0C0D0E0F"));
    CHECK(!says(request, 1, "repl_guid=*"));
    CHECK(says(request, 2, "id=100"));
    CHECK(!says(request, 2, "repl_guid=*"));
    CHECK(!says(request, 2, NOT_KNOWN));
    /* Released, it is not known any more. */
    answer(14, ask(13, "01 07 00", "12"), "", "12");
    CHECK(says(ask(15, SET_READ("07") CLIENT_DATA, "12"), 0, NOT_KNOWN));
    CHECK(!says(ask(15, SET_READ("00"), "11"), 0, NOT_KNOWN));
    /* A logon that fails says nothing. */
    request = ask(17, LOGON("09", "00", "01"), NO);
    answer(18, request, "FE 00" FAILED, NO);
    CHECK(says(ask(19, SET_READ("09") CLIENT_DATA, "11"), 0, NOT_KNOWN));
    /* What stands behind a logon in its list is about that. */
    request = ask(21, LOGON("0A", "00", "00") SET_READ("0A") CLIENT_DATA, NO);
    CHECK(says(request, 1, "client_data=" CLIENT_DATA));
    same_again("logons");
}

/* ---- names ---- */

#define ASK_IDS(logon) "56" logon "00 00 0200 00" GUID_A "33820000 01" GUID_A "06 4E00 3100 0000"
#define IDS(a, b) "56 00" OK "0200" a b
#define PROPERTIES(logon) "07" logon "00 0000 0100 0200" TAG("0180") TAG("0280")

static void names(void)
{
    mailbox();
    struct play_message *before = ask(5, PROPERTIES("00"), "22");
    struct play_message *request = ask(7, ASK_IDS("00"), "11");
    answer(8, request, IDS("0180", "0280"), "11");
    struct play_message *behind = ask(9, PROPERTIES("00"), "22");
    CHECK(says(behind, 0, "{ LID 0x8233"));
    CHECK(says(behind, 0, "name=LID 0x8233"));
    CHECK(says(behind, 0, "guid=" GUID_A));
    CHECK(says(behind, 0, "name=N1"));
    CHECK(says(ask(8, PROPERTIES("00"), "22"), 0, "name=N1"));
    /* Not in a frame before. */
    CHECK(says(before, 0, "{ Property 0x80010003"));
    CHECK(!says(before, 0, "name=*"));
    /* Not in another logon, which may be to another mailbox. */
    CHECK(!says(ask(11, PROPERTIES("01"), "22"), 0, "name=*"));
    /* The other two ROPs that tell names. */
    answer(14, ask(13, "55 00 00 0100 0380", "11"), "55 00" OK "0100 01" GUID_A "06 4E00 3300 0000", "11");
    answer(16, ask(15, "5F 00 00 00 00", "11"), "5F 00" OK "0100 0480 00" GUID_A "01000000", "11");
    struct play_message *more = ask(17, "07 00 00 0000 0100 0200" TAG("0380") TAG("0480"), "22");
    CHECK(says(more, 0, "name=N3"));
    CHECK(says(more, 0, "name=LID 0x0001"));
    /* Refused, or of no property. */
    answer(20, ask(19, "55 00 00 0100 0580", "11"), "55 00" FAILED, "11");
    answer(22, ask(21, "55 00 00 0100 0680", "11"), "55 00" OK "0100 FF" GUID_A, "11");
    more = ask(23, "07 00 00 0000 0100 0200" TAG("0580") TAG("0680"), "22");
    CHECK(!says(more, 0, "name=*"));
    /* Some of them not found: ecWarnWithErrors, MS-OXCPRPT 2.2.12.2. */
    answer(26, ask(25, "56 00 00 00 0200 00" GUID_A "55000000 00" GUID_A "56000000", "11"),
           "56 00 80030400 0200 0000 0780", "11");
    more = ask(27, "07 00 00 0000 0100 0100" TAG("0780"), "22");
    CHECK(says(more, 0, "name=LID 0x0056"));
    /* In rows of which no request tells the logon. */
    answer(30, ask(29, OPEN_TABLE("00", "01") SET_COLUMNS("01", TAG("0180")), "22 " NO),
           TABLE_OPENED("01") COLUMNS_SET("01"), "22 33");
    more = answer(32, ask(31, "", ""), "2A 33000000 00 0001 0300" FID FID "0500" ROW_OF_SIZE, "");
    CHECK(says(more, 0, "{ LID 0x8233"));
    same_again("names");
}

/* A folder that the client makes is called as it says, once it is there. */
static void new_folders(void)
{
    mailbox();
    struct play_message *request = ask(5, "1C 00 00 01 01 00 00 00 506C616E7300 00", "22 " NO);
    CHECK(says(request, 0, "object=new folder Plans of folder Inbox"));
    answer(6, request, "1C 01" OK "0100 0000000000AB 00", "22 33");
    CHECK(says(ask(7, "02 00 00 01 0100 0000000000AB 00", "11 " NO), 0, "object=folder Plans"));
    CHECK(says(ask(7, QUERY("00"), "33"), 0, "object=new folder Plans of folder Inbox"));
    request = ask(9, "1C 00 00 01 01 01 00 00 DC0062000000 0000", "22 " NO);
    CHECK(says(request, 0,
               "object=new folder \xC3\x9C"
               "b of folder Inbox"));
    answer(10, request, "1C 01" OK "0100 0000000000AC 01 00 00", "22 34");
    CHECK(says(ask(11, "02 00 00 01 0100 0000000000AC 00", "11 " NO), 0,
               "object=folder \xC3\x9C"
               "b"));
    answer(14, ask(13, "1C 00 00 01 01 00 00 00 4E6F00 00", "22 " NO), "1C 01" FAILED, "22 " NO);
    CHECK(says(ask(15, "02 00 00 01 0100 000000000000 00", "11 " NO), 0, "object=folder 0001-000000000000"));
    same_again("new folders");
}

/* A row tells the name of its folder where it is a folder's: in a contents table it is a message's, which has the FolderId
 * of where it is. */
static void folders_of_rows(void)
{
    static const char *const opens[] = { "04 00 00 01 00", "05 00 00 01 00" };
    static const char *const opened[] = { "04 01" OK "02000000", "05 01" OK "02000000" };
    for (unsigned contents = 0; contents < 2; contents++) {
        mailbox();
        answer(6, ask(5, opens[contents], "22 " NO), opened[contents], "22 33");
        answer(8, ask(7, "12 00 00 00 0200 14004867 1F000130", "33"), COLUMNS_SET("00"), "33");
        answer(10, ask(9, QUERY("00"), "33"), "15 00" OK "02 0100 00 0100 0000000000AB 4F00 6E00 6500 0000", "33");
        CHECK(says(ask(11, "02 00 00 01 0100 0000000000AB 00", "11 " NO), 0,
                   contents ? "object=folder 0001-0000000000ab" : "object=folder One"));
        same_again("folders of rows");
    }
}

/* Another store with the same LogonId has other names, the same store has the same. */
static void names_of_stores(void)
{
    mailbox();
    answer(6, ask(5, ASK_IDS("00"), "11"), IDS("0180", "0280"), "11");
    answer(8, ask(7, LOGON("00", "00", "01"), NO), logged_on("00", 1, 0), "12");
    CHECK(says(ask(9, PROPERTIES("00"), "12"), 0, "name=N1"));
    CHECK(says(ask(9, OPEN_FOLDER("00", "01"), "12 " NO), 0, "object=folder Inbox"));
    answer(12, ask(11, LOGON("00", "00", "01"), NO), logged_on("00", 1, 3), "13");
    CHECK(!says(ask(13, PROPERTIES("00"), "13"), 0, "name=*"));
    CHECK(says(ask(13, OPEN_FOLDER("00", "01"), "13 " NO), 0, "object=folder 0001-00000000000d"));
    CHECK(says(ask(13, "02 00 00 01 0100 00000000030D 00", "13 " NO), 0, "object=folder Inbox"));
    /* Which store a list's own logon is to, its response tells. */
    answer(16, ask(15, ASK_IDS("00"), "13"), IDS("0180", "0280"), "13");
    CHECK(says(ask(17, PROPERTIES("00"), "13"), 0, "name=N1"));
    CHECK(!says(ask(19, LOGON("00", "00", "01") PROPERTIES("00"), NO), 1, "name=*"));
    same_again("stores");
    /* Nor is it the store of which nobody saw the logon. */
    play_begin();
    answer(2, ask(1, ASK_IDS("00"), "11"), IDS("0180", "0280"), "11");
    CHECK(says(ask(3, PROPERTIES("00"), "11"), 0, "name=N1"));
    CHECK(!says(ask(5, LOGON("00", "00", "01") PROPERTIES("00"), NO), 1, "name=*"));
    same_again("store of no logon");
}

/* Requests that the capture lacks: what they may have changed is not known, until it is set anew. */
static void missed(void)
{
    table();
    set_columns(7, SIZE);
    answer(10, ask(9, OPEN_MESSAGE("00", "01"), "22 " NO), MESSAGE_OPENED("01", "0100" SIZE), "22 44");
    CHECK(!says(answer(12, ask(11, READ_RECIPIENTS("00"), "44"), RECIPIENTS("00"), "44"), 0, NO_RECIPIENTS));
    CHECK_KNOWN(rows(13), 0);
    rop_session_missed(play.session);
    CHECK_UNKNOWN(rows(15), 0);
    CHECK(says(answer(18, ask(17, READ_RECIPIENTS("00"), "44"), RECIPIENTS("00"), "44"), 0, NO_RECIPIENTS));
    CHECK(says(ask(19, QUERY("00"), "33"), 0, "object=contents table of folder Inbox"));
    set_columns(20, SIZE);
    CHECK_KNOWN(rows(22), 0);
    /* One that was sent behind RopSetColumns, whose answer comes last. */
    struct play_message *request = ask(24, SET_COLUMNS("00", SIZE), "33");
    rop_session_missed(play.session);
    answer(26, request, COLUMNS_SET("00"), "33");
    CHECK_UNKNOWN(rows(27), 0);
    /* The same of recipients. */
    request = ask(30, "10 00 00 0000", "44");
    rop_session_missed(play.session);
    answer(31, request, "10 00" OK MESSAGE_BODY("0100" SIZE), "44");
    CHECK(says(answer(33, ask(32, READ_RECIPIENTS("00"), "44"), RECIPIENTS("00"), "44"), 0, NO_RECIPIENTS));
    answer(35, ask(34, "10 00 00 0000", "44"), "10 00" OK MESSAGE_BODY("0100" SIZE), "44");
    CHECK(!says(answer(37, ask(36, READ_RECIPIENTS("00"), "44"), RECIPIENTS("00"), "44"), 0, NO_RECIPIENTS));
    same_again("missed");
}

/* A table and a message that were opened before the capture began: what sets their columns is known from there on,
 * in the same list, too. */
static void met_in_list(void)
{
    play_begin();
    struct play_message *reply =
        answer(2, ask(1, SET_COLUMNS("00", SIZE) QUERY("00"), "33"), COLUMNS_SET("00") ROWS("00", ROW_OF_SIZE), "33");
    CHECK_KNOWN(reply, 1);
    CHECK(says(reply, 1, "columns_in=1"));
    CHECK_KNOWN(rows(3), 0);
    reply = answer(6, ask(5, "10 00 00 0000" READ_RECIPIENTS("00"), "44"),
                   "10 00" OK MESSAGE_BODY("0100" SIZE) RECIPIENTS("00"), "44");
    CHECK(!says(reply, 1, NO_RECIPIENTS));
    /* Columns that the server refuses. */
    reply = answer(8, ask(7, SET_COLUMNS("00", SIZE) QUERY("00"), "34"), "12 00" FAILED ROWS("00", ROW_OF_SIZE), "34");
    CHECK_UNKNOWN(reply, 1);
    same_again("met in a list");
}

/* What answers the rest of a list that could not be read is read by itself, and what that may have changed is not known. */
static void unread(void)
{
    table();
    set_columns(7, SIZE);
    struct play_message *request = ask(9, SET_READ("07") SET_COLUMNS("00", SUBJECT) QUERY("00") QUERY("00"), "33");
    CHECK(says(request, 0, NOT_KNOWN));
    struct play_message *reply =
        answer(10, request, "11 00" OK "00" COLUMNS_SET("00") ROWS("00", ROW_OF_SUBJECT), "33");
    CHECK(says(reply, 1, "table_status=0*"));
    CHECK_UNKNOWN(reply, 2);
    CHECK_UNKNOWN(rows(11), 0);
    set_columns(13, SIZE);
    CHECK_KNOWN(rows(15), 0);
    /* A server may not answer more than it was asked all the same. */
    CHECK(says(answer(18, ask(17, QUERY("00"), "33"), ROWS("00", ROW_OF_SIZE) "16 00" OK "00", "33"), 0,
               "! rop.malformed: RopId 0x16 behind*"));
    /* Of a list that lost its place, the last ROPs are not what the client meant: the fault is the request's alone. */
    request = ask(19, "39 00 00 01 00 01 03 0000" SUBJECT "67 00 00 01 00 03 0100" SUBJECT, "33 34");
    CHECK(says(request, 1, "id=31")); /* a byte of SUBJECT */
    reply = answer(20, request,
                   "39 00" OK "0000"
                   "67 00" OK "0000",
                   "33 34");
    CHECK(says(reply, 1, "id=103"));
    CHECK(!says(reply, 1, "! *"));
    same_again("unread");
}

#define SET_TEXT(in) "0A 00" in "0A00 0100 1E003700 CFF000 00" /* PidTagSubject: two letters */
#define OPEN_AS(page) "03 00 00 01" page FID "00" MID
#define SAYS_PAGE(message, rop, page) CHECK(says(message, rop, "} " page))

/* MS-OXCROPS 3.1.5.4: strings of what a message owns are in its code page, all others in the session's. */
static void code_pages(void)
{
    play.code_page = 1251;
    table();
    SAYS_PAGE(ask(7, SET_TEXT("00"), "11"), 0, "2 bytes of 1251"); /* the logon */
    SAYS_PAGE(ask(8, SET_TEXT("00"), "22"), 0, "2 bytes of 1251");
    set_columns(9, "1E003700");
    SAYS_PAGE(answer(12, ask(11, QUERY("00"), "33"), ROWS("00", "00 CFF000"), "33"), 0, "2 bytes of 1251");
    /* One with a code page of its own, and what it owns; one that has the logon's, one within the first. */
    answer(14, ask(13, OPEN_AS("A403"), "22 " NO), MESSAGE_OPENED("01", "0000"), "22 44");
    SAYS_PAGE(ask(15, SET_TEXT("00"), "44"), 0, "2 bytes of 932");
    SAYS_PAGE(ask(16, "22 00 00 01 01 00000000" SET_TEXT("01"), "44 " NO), 1, "2 bytes of 932");
    SAYS_PAGE(ask(17,
                  "22 00 00 01 01 00000000"
                  "46 00 01 02 E504 00" SET_TEXT("02"),
                  "44 " NO " " NO),
              2, "2 bytes of 1253");
    SAYS_PAGE(ask(18, "2B 00 00 01 1E003700 00" SET_TEXT("01"), "44 " NO), 1, "2 bytes of 932");
    SAYS_PAGE(ask(19, OPEN_AS("FF0F") SET_TEXT("01"), "22 " NO), 1, "2 bytes of 1251");
    SAYS_PAGE(ask(20, OPEN_FOLDER("00", "01") SET_TEXT("01"), "44 " NO), 1, "2 bytes of 1251");
    /* An object that nobody saw opened may be a message's. */
    SAYS_PAGE(ask(21, SET_TEXT("00"), "77"), 0, "??");
    SAYS_PAGE(ask(22, "22 00 00 01 01 00000000" SET_TEXT("01"), "77 " NO), 1, "??");
    SAYS_PAGE(ask(23, OPEN_TABLE("00", "01") SET_TEXT("01"), "77 " NO), 1, "2 bytes of 1251");
    same_again("code pages");

    /* Numbers of code pages have 16 bits. */
    play.code_page = 0x10000 + 1251;
    mailbox();
    SAYS_PAGE(ask(7, SET_TEXT("00"), "22"), 0, "??");
    play.code_page = 0;
    mailbox();
    SAYS_PAGE(ask(7, SET_TEXT("00"), "22"), 0, "??");
    SAYS_PAGE(ask(9, OPEN_AS("A403") SET_TEXT("01"), "22 " NO), 1, "2 bytes of 932");
    same_again("no code page");
}

int main(void)
{
    by_handle();
    by_index();
    index_twice();
    failing_opens();
    released();
    released_by_another_index();
    handle_again();
    logon_released();
    logon_replaced();
    columns();
    columns_later();
    other_rows();
    notifications();
    recipients();
    properties();
    logons();
    names();
    new_folders();
    folders_of_rows();
    names_of_stores();
    missed();
    met_in_list();
    unread();
    code_pages();
    play_end();
    free(play.log.text);
    transcript_end(__FILE__);
    return unit_end();
}
