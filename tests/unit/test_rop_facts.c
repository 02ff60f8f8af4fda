/* test_rop_facts.c
 * What counts of the ROPs of a message.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "names.h"
#include "rop_facts.h"
#include "say.h"
#include "unit.h"

#define NOT_FOUND 0x8004010Fu

/* "asked 0x02, refused 0x03 0x8004010F" */
static const char *facts(const struct rop_message *message, struct text *text)
{
    static const char *const events[] = { "nothing", "asked", "answered", "refused", "unasked" };
    struct rop_fact fact;
    *text = (struct text){ .used = 0 };
    for (uint32_t i = 0; rop_message_fact(message, i, &fact); i++) {
        say(text, "%s%s", i > 0 ? ", " : "", events[fact.event]);
        if (fact.event != ROP_NOTHING) {
            say(text, " 0x%02X", (unsigned)fact.id);
        }
        if (fact.event == ROP_ANSWERED) {
            say(text, " in %d", (int)fact.took);
        }
        if (fact.event == ROP_REFUSED) {
            say(text, " 0x%08X", (unsigned)fact.return_value);
        }
    }
    return text->s;
}

static void test_pair(void)
{
    /* Release has no answer, GetMessageStatus that of another, and the last was not reached. */
    struct rop_note calls[] = { { .id = ROP_RELEASE, .call_flags = ROP_CALL_SILENT },
                                { .id = ROP_GET_MESSAGE_STATUS, .known = ROP_KNOWN_ANSWER },
                                { .id = ROP_OPEN_FOLDER, .known = ROP_KNOWN_ANSWER },
                                { .id = ROP_RELEASE, .call_flags = ROP_CALL_SILENT },
                                { .id = ROP_OPEN_MESSAGE } };
    struct rop_note answers[] = {
        { .id = ROP_SET_MESSAGE_STATUS, .asked = ROP_GET_MESSAGE_STATUS, .return_value = NOT_FOUND },
        { .id = ROP_OPEN_FOLDER, .asked = ROP_OPEN_FOLDER, .return_value = OX_ERRORS_RETURNED },
        { .id = ROP_NOTIFY, .asked = ROP_NOTIFY },
        { .id = ROP_BUFFER_TOO_SMALL, .asked = ROP_BUFFER_TOO_SMALL }
    };
    struct rop_message request = { .notes = calls, .count = COUNT_OF(calls), .ns = 1000 };
    struct rop_message response = { .response = true,
                                    .notes = answers,
                                    .count = COUNT_OF(answers),
                                    .ns = 1500,
                                    .other = &request,
                                    .passed = 3 };
    struct text text;
    request.other = &response;
    CHECK_STR(facts(&request, &text), "asked 0x01, asked 0x1F, asked 0x02, asked 0x01, asked 0x03");
    CHECK_STR(facts(&response, &text),
              "answered 0x01 in 500, answered 0x1F in 500, answered 0x02 in 500, nothing, nothing, "
              "refused 0x1F 0x8004010F, nothing, unasked 0x2A, unasked 0xFF");
    response.passed = COUNT_OF(calls);
    response.ns = 1000;
    CHECK_STR(facts(&response, &text),
              "answered 0x01 in 0, answered 0x1F in 0, answered 0x02 in 0, answered 0x01 in 0, nothing, "
              "refused 0x1F 0x8004010F, nothing, unasked 0x2A, unasked 0xFF");
    response.count = 0;
    response.ns = 999;
    CHECK_STR(facts(&response, &text),
              "answered 0x01 in -1, answered 0x1F in -1, answered 0x02 in -1, answered 0x01 in -1, nothing");
}

static void test_alone(void)
{
    struct rop_note answers[] = { { .id = ROP_OPEN_MESSAGE, .asked = ROP_OPEN_MESSAGE, .return_value = NOT_FOUND },
                                  { .id = ROP_OPEN_FOLDER, .asked = ROP_OPEN_FOLDER } };
    struct rop_message response = { .response = true, .notes = answers, .count = COUNT_OF(answers), .ns = 1500 };
    struct text text;
    CHECK_STR(facts(&response, &text), "refused 0x03 0x8004010F, nothing");
    response.count = 0;
    CHECK_STR(facts(&response, &text), "");
}

/* What may go on for long is what has WantAsynchronous in its request (MS-OXCROPS 2.2). */
static void test_long(void)
{
    static const uint8_t ids[] = {
        0x1E, /* RopDeleteMessages */
        0x33, /* RopMoveCopyMessages */
        0x35, /* RopMoveFolder */
        0x36, /* RopCopyFolder */
        0x39, /* RopCopyTo */
        0x58, /* RopEmptyFolder */
        0x66, /* RopSetReadFlags */
        0x67, /* RopCopyProperties */
        0x91, /* RopHardDeleteMessages */
        0x92, /* RopHardDeleteMessagesAndSubfolders */
    };
    for (unsigned id = 0; id < 256; id++) {
        CHECK_INT(rop_is_long((uint8_t)id), memchr(ids, (int)id, sizeof(ids)) != NULL);
    }
}

int main(void)
{
    test_long();
    test_pair();
    test_alone();
    return unit_end();
}
