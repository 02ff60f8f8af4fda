/* roptalk.h
 * What a client and a server say about a mailbox, a folder and its table, for scenes of ropscene.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_ROPTALK_H
#define OUTLOOKHTTP_ROPTALK_H

#include "dice.h"
#include "ropscene.h"
#include "unit.h"

/* ---- what is sent ---- */

#define NO "FFFFFFFF"
#define OK "00000000"
#define FAILED "0F010480" /* ecNotFound */

/* PidTagMessageSize, PidTagSubject: columns. */
#define SIZE "0300080E"
#define SUBJECT "1F003700"
#define ROW_OF_SIZE "00 07000000"     /* 7 */
#define ROW_OF_SUBJECT "00 4100 0000" /* "A" */
#define NO_COLUMNS "! rop.context_unknown: The columns of this row were set before the capture began*"
#define NO_RECIPIENTS "! rop.context_unknown: The columns of this recipient are not known"
#define NO_STREAM "! rop.context_unknown: The stream began*"
#define A_GUESS "{ FastTransfer stream, a guess*"

#define FID "0100 00000000000D" /* Inbox of store 00, as logged_on() has it */
#define MID "0100 0000000000AA"

#define OPEN_FOLDER(in, out) "02 00" in out FID "00"
#define FOLDER_OPENED(out) "02" out OK "00 00"
#define OPEN_TABLE(in, out) "05 00" in out "00"
#define TABLE_OPENED(out) "05" out OK "02000000"
#define SET_COLUMNS(in, tag) "12 00" in "00 0100" tag
#define COLUMNS_SET(in) "12" in OK "00"
#define QUERY(in) "15 00" in "00 01 3200"
#define ROWS(in, row) "15" in OK "02 0100" row
#define RELEASE(in) "01 00" in
#define OPEN_MESSAGE(in, out) "03 00" in out "FF0F" FID "00" MID
#define MESSAGE_BODY(tags) "00 00 00 0000" tags "00"
#define MESSAGE_OPENED(out, tags) "03" out OK MESSAGE_BODY(tags)
#define READ_RECIPIENTS(in) "0F 00" in "00000000 0000"
#define RECIPIENTS(in) "0F" in OK "01 00000000 01 E404 0000 0900 0000 0100 00 07000000"

#define GUID_A "20060A0000000000C000000000000046"
#define TAG(id) "0300" id /* of a number */

/* The answer to a logon: FolderIds of the store, MailboxGuid of the store. */
static inline const char *logged_on(const char *out, unsigned flags, unsigned store)
{
    static char text[1000];
    int at = snprintf(text, sizeof(text), "FE %s " OK "%02X ", out, flags);
    for (unsigned i = 0; i < 13; i++) {
        at += snprintf(text + at, sizeof(text) - (size_t)at, "0100 0000000%03X%02X ", store, 9 + i);
    }
    if (flags & 1) {
        at += snprintf(text + at, sizeof(text) - (size_t)at,
                       "00 %032X 0100 000102030405060708090A0B0C0D0E0F 0000000000000000 0000000000000000 00000000",
                       store);
    } else {
        at += snprintf(text + at, sizeof(text) - (size_t)at, "0100 %032X %032X", store, 0u);
    }
    return text;
}

#define LOGON(id, out, flags) "FE" id out flags "00000001 00000000 0000"

/* A mailbox: logon 11, folder Inbox 22. */
static inline void mailbox(void)
{
    play_begin();
    struct play_message *request = ask(1, LOGON("00", "00", "01"), NO);
    answer(2, request, logged_on("00", 1, 0), "11");
    request = ask(3, OPEN_FOLDER("00", "01"), "11 " NO);
    answer(4, request, FOLDER_OPENED("01"), "11 22");
}

/* And a contents table of it, 33. */
static inline void table(void)
{
    mailbox();
    struct play_message *request = ask(5, OPEN_TABLE("00", "01"), "22 " NO);
    answer(6, request, TABLE_OPENED("01"), "22 33");
}

static inline void set_columns(uint32_t frame, const char *tag)
{
    char text[100];
    snprintf(text, sizeof(text), "12 00 00 00 0100 %s", tag);
    answer(frame + 1, ask(frame, text, "33"), COLUMNS_SET("00"), "33");
}

/* Asks for rows of the table, which are answered with one row of the size. */
static inline struct play_message *rows(uint32_t frame)
{
    return answer(frame + 1, ask(frame, QUERY("00"), "33"), ROWS("00", ROW_OF_SIZE), "33");
}

#define CHECK_KNOWN(message, rop)                   \
    do {                                            \
        CHECK(says(message, rop, "value.int32=7")); \
        CHECK(!says(message, rop, NO_COLUMNS));     \
    } while (0)
#define CHECK_UNKNOWN(message, rop)                  \
    do {                                             \
        CHECK(!says(message, rop, "value.int32=7")); \
        CHECK(says(message, rop, NO_COLUMNS));       \
    } while (0)

/* ---- the same at any time ---- */

/* All messages, in orders of chance, several times: as the first reading. */
static inline void same_again(const char *scene)
{
    struct dice dice = { 5 };
    for (unsigned times = 0; times < 3 * play.count; times++) {
        const struct play_message *one = &play.messages[roll(&dice, play.count)];
        const char *again = play_shown(one, true);
        size_t at = 0, line = 0;
        for (; again[at] && again[at] == one->first[at]; at++) {
            line = again[at] == '\n' ? at + 1 : line;
        }
        if (strcmp(again, one->first) != 0) {
            fprintf(stderr, "%s: message %u shows %.*s and first %.*s\n", scene, (unsigned)(one - play.messages),
                    (int)strcspn(again + line, "\n"), again + line, (int)strcspn(one->first + line, "\n"),
                    one->first + line);
        }
        CHECK(strcmp(again, one->first) == 0);
        /* With all that is known later, too, it does not change any more. */
        char *full = strdup(play_shown(one, false));
        play_shown(&play.messages[roll(&dice, play.count)], false);
        CHECK_STR(play_shown(one, false), full);
        free(full);
    }
}

#endif
