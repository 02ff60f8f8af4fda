/* test_transfers.c
 * Where the FastTransfer streams of a session stand, whatever of them is missing or comes again, and
 * the states that a client uploads (MS-OXCFXICS 2.2.3).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "roptalk.h"

/* ---- streams ---- */

/* messageContent: three properties of 8 bytes, cut where the test wants. */
#define P1 "0300 080E 05000000"
#define P2 "0300 1700 06000000"
#define P3 "0300 2600 07000000"

#define COPY_TO(in, out) "4D 00" in out "00 00000000 00 0000"
#define GET(in) "4E 00" in "BEBA 0070"
#define GOT(in, size, bytes) "4E" in OK "0100 0000 0000 00" size bytes

/* A message 33, and a download of it, 44. */
static void download(void)
{
    mailbox();
    struct play_message *request = ask(5, OPEN_MESSAGE("00", "01") COPY_TO("01", "02"), "22 " NO " " NO);
    answer(6, request, MESSAGE_OPENED("01", "0000") "4D 02" OK, "22 33 44");
}

static struct play_message *get(uint32_t frame, const char *size, const char *bytes)
{
    char text[400];
    snprintf(text, sizeof(text), "4E 00" OK "0100 0000 0000 00 %s %s", size, bytes);
    return answer(frame + 1, ask(frame, GET("00"), "44"), text, "44");
}

static void pieces(void)
{
    download();
    struct play_message *one = get(7, "0A00", P1 "0300");
    struct play_message *two = get(9, "0500", "1700 06 0000");
    struct play_message *three = get(11, "0900", "00" P3);
    CHECK(says(one, 0, "object=FastTransfer download of message 0001-0000000000aa"));
    CHECK(says(one, 0, "value.int32=5"));
    CHECK(says(one, 0, "piece_after_in=10"));
    CHECK(!says(one, 0, "piece_before_in=*"));
    CHECK(says(two, 0, "piece_before_in=8"));
    CHECK(says(two, 0, "piece_after_in=12"));
    CHECK(says(two, 0, "{ PidTagImportance"));
    CHECK(!says(two, 0, "value.int32=6"));
    CHECK(says(three, 0, "value.int32=6"));
    CHECK(says(three, 0, "value.int32=7"));
    CHECK(says(three, 0, "piece_before_in=10"));
    CHECK(!says(three, 0, "piece_after_in=*"));
    CHECK(!says(three, 0, A_GUESS));
    same_again("pieces");
}

/* A server that is busy sends none (MS-OXCFXICS 3.2.5.8.1.5), one that has no room an empty one. */
static void no_piece(void)
{
    download();
    get(7, "0A00", P1 "0300");
    answer(10, ask(9, GET("00"), "44"), "4E 00 80040000 0000 0000 0000 00 0000 E8030000", "44");
    answer(12, ask(11, GET("00"), "44"), "4E 00" OK "0200 0000 0000 00 0000", "44");
    struct play_message *two = get(13, "0600", "1700 06000000");
    CHECK(says(two, 0, "value.int32=6"));
    CHECK(says(two, 0, "piece_before_in=8"));
    same_again("no piece");
}

/* One request, several buffers (MS-OXCRPC 3.1.4.2.1.2.2): each a piece. */
static void chained(void)
{
    download();
    struct play_message *response = answer(
        8, ask(7, GET("00"), "44"),
        GOT("00", "0A00", P1 "0300") "|" GOT("00", "0500", "1700 06 0000") "|" GOT("00", "0900", "00" P3), "44|44|44");
    CHECK(says(response, 0, "value.int32=5"));
    CHECK(says(response, 1, "{ PidTagImportance"));
    CHECK(says(response, 2, "value.int32=6"));
    CHECK(says(response, 2, "value.int32=7"));
    CHECK(says(response, 2, "object=FastTransfer download of message 0001-0000000000aa"));
    CHECK(says(response, 2, "request_in=7"));
    struct play_message *next = get(9, "0800", P1);
    CHECK(says(next, 0, "value.int32=5"));
    CHECK(says(next, 0, "piece_before_in=8"));
    same_again("chained");
}

/* The beginning was not captured: nothing up to a marker, and what follows is a guess. */
static void beginning_lost(void)
{
    play_begin();
    struct play_message *one = get(1, "0800", P1);
    struct play_message *two = get(3, "1000", "03000C40" P1 "0300 0000");
    CHECK(!says(one, 0, "value.int32=5"));
    CHECK(says(one, 0, A_GUESS));
    CHECK(says(two, 0, "value.int32=5"));
    CHECK(says(two, 0, A_GUESS));
    CHECK(says(two, 0, "piece_before_in=2"));
    /* Of answers whose requests were not captured, either. */
    struct play_message *alone = answer(5, NULL, GOT("00", "0C00", "03000C40" P2), "55");
    CHECK(says(alone, 0, "value.int32=6"));
    alone = answer(6, NULL, GOT("00", "0800", P3), "55");
    CHECK(says(alone, 0, "value.int32=7"));
    CHECK(says(alone, 0, "piece_before_in=5"));
    /* No handle, no stream. */
    alone = answer(7, NULL, GOT("01", "0800", P3), "55");
    CHECK(says(alone, 0, NO_STREAM));
    same_again("the beginning lost");
}

/* The answer to the second request was not captured: what came in it is missing. */
static void response_lost(void)
{
    download();
    get(7, "0A00", P1 "0300");
    ask(9, GET("00"), "44");
    struct play_message *three = get(11, "0800", P3);
    CHECK(!says(three, 0, "value.int32=7"));
    CHECK(says(three, 0, A_GUESS));
    struct play_message *four = get(13, "0C00", "03000C40" P2);
    CHECK(says(four, 0, "value.int32=6"));
    same_again("a response lost");
}

/* An answer that is broken, or missing in its response. */
static void answer_broken(void)
{
    download();
    get(7, "0A00", P1 "0300");
    answer(10, ask(9, GET("00"), "44"), "4E 00" OK "0100 0000 0000 00 0F00 1700", "44");
    struct play_message *three = get(11, "0800", P3);
    CHECK(says(three, 0, A_GUESS));
    download();
    get(7, "0A00", P1 "0300");
    answer(10, ask(9, GET("00"), "44"), "", "44");
    three = get(11, "0800", P3);
    CHECK(says(three, 0, A_GUESS));
    /* One without its request. */
    download();
    get(7, "0A00", P1 "0300");
    answer(9, NULL, "4E 00" OK "0100 0000 0000 00 0F00 1700", "44");
    CHECK(says(answer(10, NULL, GOT("00", "0800", P3), "44"), 0, A_GUESS));
    same_again("an answer broken");
}

/* ---- uploads ---- */

#define CONFIGURE(in, out) "53 00" in out "01 00"
#define PUT(in, size, bytes) "54 00" in size bytes
#define TAKEN(in, used) "54" in OK "0100 0000 0000 00" used

/* A message 33, and an upload to it, 44. */
static void upload(void)
{
    mailbox();
    struct play_message *request = ask(5, OPEN_MESSAGE("00", "01") CONFIGURE("01", "02"), "22 " NO " " NO);
    answer(6, request, MESSAGE_OPENED("01", "0000") "53 02" OK, "22 33 44");
}

static struct play_message *put(uint32_t frame, const char *size, const char *bytes, const char *answered)
{
    char text[400];
    snprintf(text, sizeof(text), "54 00 00 %s %s", size, bytes);
    struct play_message *request = ask(frame, text, "44");
    if (answered) {
        answer(frame + 1, request, answered, "44");
    }
    return request;
}

static void uploads(void)
{
    upload();
    struct play_message *one = put(7, "0A00", P1 "0300", TAKEN("00", "0A00"));
    struct play_message *two = put(9, "0600", "1700 06000000", TAKEN("00", "0600"));
    CHECK(says(one, 0, "object=FastTransfer upload of message 0001-0000000000aa"));
    CHECK(says(one, 0, "value.int32=5"));
    CHECK(says(one, 0, "piece_after_in=9"));
    CHECK(says(two, 0, "value.int32=6"));
    CHECK(says(two, 0, "piece_before_in=7"));
    /* Nothing in it. */
    put(11, "0000", "", TAKEN("00", "0000"));
    struct play_message *four = put(13, "0800", P3, NULL);
    CHECK(says(four, 0, "value.int32=7"));
    CHECK(says(four, 0, "piece_before_in=9"));
    same_again("uploads");
}

/* Less was used than was sent: the client sends the rest again. */
static void uploaded_in_part(void)
{
    upload();
    /* All but the last 6 bytes: of P2 only the first two. */
    put(7, "1000", P1 P2, TAKEN("00", "0A00"));
    struct play_message *two = put(9, "0E00", "1700 06000000" P3, TAKEN("00", "0E00"));
    CHECK(says(two, 0, "value.int32=6"));
    CHECK(says(two, 0, "value.int32=7"));
    CHECK(!says(two, 0, A_GUESS));
    /* Carried from before, and used in part. */
    put(11, "0300", "0300 17", TAKEN("00", "0300"));
    put(13, "0300", "00 0600", TAKEN("00", "0100"));
    struct play_message *three = put(15, "0400", "0600 0000", TAKEN("00", "0400"));
    CHECK(says(three, 0, "value.int32=6"));
    /* Nothing: the server was busy. */
    put(17, "0300", "0300 17", TAKEN("00", "0300"));
    struct play_message *refused = put(19, "0800", "00 06000000 0300 26", "54 00 80040000 0000 0000 0000 00 0000");
    CHECK(says(refused, 0, "value.int32=6"));
    struct play_message *again = put(21, "0800", "00 06000000 0300 26", TAKEN("00", "0800"));
    CHECK(says(again, 0, "value.int32=6"));
    struct play_message *last = put(23, "0500", "00 07000000", TAKEN("00", "0500"));
    CHECK(says(last, 0, "value.int32=7"));
    /* A server that says success and nothing used says nothing. */
    put(25, "0400", "0300 1700", TAKEN("00", "0000"));
    last = put(27, "0400", "06000000", TAKEN("00", "0400"));
    CHECK(says(last, 0, "value.int32=6"));
    /* A value that is not finished with all that was sent. */
    put(29, "0A00", "02017777 08000000 AABB", TAKEN("00", "0A00"));
    put(31, "0400", "CCDDEEFF", TAKEN("00", "0200"));
    last = put(33, "0400", "EEFF1122", TAKEN("00", "0400"));
    CHECK(says(last, 0, "value.binary=AABBCCDDEEFF1122"));
    same_again("uploaded in part");
}

/* Another piece was sent before the answer came: where the stream stands is not known. */
static void uploaded_in_part_too_late(void)
{
    upload();
    struct play_message *one = put(7, "0A00", P1 "0300", NULL);
    struct play_message *two = put(9, "0600", "1700 06000000", NULL);
    answer(10, one, TAKEN("00", "0200"), "44");
    answer(11, two, TAKEN("00", "0600"), "44");
    CHECK(says(put(13, "0800", P3, NULL), 0, A_GUESS));
    same_again("uploaded in part, too late");
}

/* What the server did not execute is sent again, two pieces of one list. */
static void uploads_not_executed(void)
{
    upload();
    put(7, "0A00", P1 "0300", TAKEN("00", "0A00"));
    struct play_message *request = ask(9, PUT("00", "0300", "1700 06") PUT("00", "0B00", "000000" P3), "44");
    CHECK(says(request, 1, "value.int32=6"));
    answer(10, request, "FF 0080" PUT("00", "0300", "1700 06") PUT("00", "0B00", "000000" P3), "44");
    request = ask(11, PUT("00", "0300", "1700 06") PUT("00", "0B00", "000000" P3), "44");
    CHECK(says(request, 1, "value.int32=6"));
    CHECK(says(request, 1, "value.int32=7"));
    CHECK(says(request, 0, "piece_before_in=7"));
    CHECK(!says(request, 0, A_GUESS));
    /* Of these the first only. */
    answer(12, request, TAKEN("00", "0300") "F9 00 E8030000 00 0000", "44");
    struct play_message *again = put(13, "0B00", "000000" P3, TAKEN("00", "0B00"));
    CHECK(says(again, 0, "value.int32=6"));
    CHECK(says(again, 0, "value.int32=7"));
    CHECK(!says(again, 0, A_GUESS));
    same_again("uploads not executed");
}

/* Packed: one answer, which tells what was used of the last. */
static void uploads_packed(void)
{
    upload();
    struct play_message *request =
        ask(7, PUT("00", "0A00", P1 "0300") "|" PUT("00", "0600", "1700 06000000") "|" PUT("00", "1000", P3 P1),
            "44|44|44");
    CHECK(says(request, 1, "value.int32=6"));
    CHECK(says(request, 2, "value.int32=7"));
    answer(8, request, TAKEN("00", "0800"), "44");
    CHECK(says(request, 0, "response_in=8"));
    CHECK(!says(request, 1, "response_in=8"));
    struct play_message *rest = put(9, "0800", P1, TAKEN("00", "0800"));
    CHECK(says(rest, 0, "value.int32=5"));
    CHECK(!says(rest, 0, A_GUESS));
    /* Executed together, whatever was not executed behind them. */
    request = ask(9, PUT("00", "0A00", P1 "0300") "|" PUT("00", "0600", "1700 06000000"), "44|44");
    answer(10, request, TAKEN("00", "0600") "FF 0080", "44");
    rest = put(11, "0800", P3, TAKEN("00", "0800"));
    CHECK(says(rest, 0, "value.int32=7"));
    CHECK(says(rest, 0, "piece_before_in=9"));
    /* The extended one, which was opened before the capture began. */
    request = ask(11, "9D 00 00 0C00 03000C40" P2 "9D 00 00 0800" P3, "77");
    CHECK(says(request, 0, "value.int32=6"));
    CHECK(says(request, 1, "value.int32=7"));
    CHECK(says(request, 1, A_GUESS));
    answer(12, request, "9D 00" OK "0100 00000000 00000000 00 0C00 9D 00" OK "0100 00000000 00000000 00 0800", "77");
    CHECK(says(ask(13, "9D 00 00 0800" P1, "77"), 0, "value.int32=5"));
    same_again("uploads packed");
}

/* ---- states ---- */

#define STATE_BEGIN(in, tag, size) "75 00" in tag size
#define STATE_GOES_ON(in, size, bytes) "76 00" in size bytes
#define STATE_END(in) "77 00" in
/* MetaTagCnsetSeen: an IDSET of one replica, whose range is 1 to 255. */
#define CNSET "02019667"
#define SET "0100 52 010000000000 FF0000000000 00"

static void states(void)
{
    mailbox();
    answer(6, ask(5, "70 00 00 01 01 00 0000 0000 00000000 0000", "22 " NO), "70 01" OK, "22 44");
    struct play_message *request = ask(7,
                                       STATE_BEGIN("00", CNSET, "10000000") STATE_GOES_ON("00", "10000000", SET)
                                           STATE_END("00") STATE_GOES_ON("00", "10000000", SET),
                                       "44");
    CHECK(says(request, 1, "object=synchronization of folder Inbox"));
    CHECK(says(request, 1, "{ MetaTagCnsetSeen"));
    CHECK(says(request, 3, "stream_data=*"));
    CHECK(!says(request, 3, "{ MetaTagCnsetSeen"));
    /* In a list of its own, of a context that nobody knows; a part of it is only bytes. */
    answer(10, ask(9, STATE_BEGIN("00", CNSET, "10000000"), "99"), "75 00" OK, "99");
    request = ask(
        11, STATE_GOES_ON("00", "10000000", SET) STATE_GOES_ON("00", "0F000000", "0100 52 010000000000 FF0000000000"),
        "99");
    CHECK(says(request, 0, "{ MetaTagCnsetSeen"));
    CHECK(!says(request, 1, "{ MetaTagCnsetSeen"));
    /* What a missing request may have begun. */
    answer(14, ask(13, STATE_BEGIN("00", CNSET, "10000000"), "99"), "75 00" OK, "99");
    rop_session_missed(play.session);
    CHECK(!says(ask(15, STATE_GOES_ON("00", "10000000", SET), "99"), 0, "{ MetaTagCnsetSeen"));
    same_again("states");
}

int main(void)
{
    pieces();
    no_piece();
    chained();
    beginning_lost();
    response_lost();
    answer_broken();
    uploads();
    uploaded_in_part();
    uploaded_in_part_too_late();
    uploads_packed();
    uploads_not_executed();
    states();
    play_end();
    free(play.log.text);
    transcript_end(__FILE__);
    return unit_end();
}
