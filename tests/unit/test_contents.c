/* test_contents.c
 * What is told of FastTransfer streams: of whole ones everything, of broken ones nothing, and of made-up ones no more than
 * there is room for.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "contents_private.h"
#include "dice.h"
#include "unit.h"

#include <stdlib.h>

#define STREAM_MAX 4096u
#define ROOM_MAX 0x1000000u

struct room {
    struct room *next;
    uint8_t bytes[];
};

struct heard {
    struct room *rooms;
    size_t used;
    unsigned objects, mails;
    char names[512];
    const uint8_t *from;
};

static uint8_t *make_room(void *ctx, size_t size)
{
    struct heard *heard = ctx;
    struct room *room = heard->used + size > ROOM_MAX ? NULL : calloc(1, sizeof(*room) + size);
    if (!room) {
        return NULL;
    }
    heard->used += size;
    room->next = heard->rooms;
    heard->rooms = room;
    return room->bytes;
}

static void found(void *ctx, const struct content *content)
{
    struct heard *heard = ctx;
    uint32_t sum = 0;
    for (uint32_t i = 0; i < content->len; i++) {
        sum += content->bytes[i]; /* all of it can be read */
    }
    heard->objects += sum < UINT32_MAX;
    heard->mails += strcmp(content->type, "message/rfc822") == 0;
    CHECK(strlen(content->name) < 256 && !strpbrk(content->name, "/\\:\r\n"));
    if (strlen(heard->names) + strlen(content->name) + 2 < sizeof(heard->names)) {
        strcat(heard->names, content->name);
        strcat(heard->names, " ");
    }
}

static struct heard tell(const uint8_t *bytes, uint32_t len, enum fx_root root)
{
    struct heard heard = { .rooms = NULL };
    const struct content_sink sink = { &heard, found, make_room, NULL };
    struct fx_lexer lexer;
    fx_begin(&lexer, root);
    uint8_t *copy = malloc(len ? len : 1); /* so that what is read behind its end is seen */
    memcpy(copy, bytes, len);
    content_tell_transfer(&sink, &lexer, (struct span){ copy, len }, 7);
    free(copy);
    while (heard.rooms) {
        struct room *next = heard.rooms->next;
        free(heard.rooms);
        heard.rooms = next;
    }
    return heard;
}

/* ---- a stream ---- */

static uint8_t stream[STREAM_MAX];
static uint32_t used;

static void word(uint32_t value)
{
    for (unsigned i = 0; i < 4; i++) {
        stream[used++] = (uint8_t)(value >> 8 * i);
    }
}

static void binary(uint32_t tag, const void *bytes, size_t len)
{
    word(tag); /* the type first */
    word((uint32_t)len);
    memcpy(stream + used, bytes, len);
    used += (uint32_t)len;
}

static void property(uint32_t tag, const char *text)
{
    binary(tag, text, strlen(text));
}

static void compose(unsigned nested)
{
    property(0x0037001E, nested ? "Inside" : "Subject");
    property(0x1000001E, "text of the body");
    word(0x40030003); /* StartRecip */
    property(0x3001001E, "Bob");
    property(0x39FE001E, "bob@example.test");
    word(0x40040003);
    word(0x40000003); /* NewAttach */
    word(0x0E210003);
    word(0);
    property(0x3707001E, "a/b.bin");
    if (nested < 2) {
        word(0x40010003); /* StartEmbed */
        compose(nested + 1);
        word(0x40020003);
    } else {
        property(0x37010102, "data of the attachment");
    }
    word(0x400E0003);
}

static void test_whole(void)
{
    used = 0;
    word(0x400C0003); /* StartMessage */
    compose(0);
    word(0x400D0003);
    struct heard heard = tell(stream, used, FX_MESSAGE_LIST);
    CHECK_STR(heard.names, "frame7-body.txt frame7-body.txt frame7-body.txt frame7-attachment-a_b.bin "
                           "frame7-message-Subject.eml ");
    CHECK_INT(heard.mails, 1);
    /* The same without the marks of the message, as RopFastTransferSourceCopyTo has it. */
    heard = tell(stream + 4, used - 8, FX_MESSAGE_CONTENT);
    CHECK_INT(heard.mails, 1);
    CHECK_INT(heard.objects, 5);
}

static void test_cut(void)
{
    for (uint32_t len = 0; len < used; len++) {
        CHECK_INT(tell(stream, len, FX_MESSAGE_LIST).objects, 0);
    }
}

/* Messages within attachments within messages: as deep as there is room, and deeper, of which nothing is told. */
static void test_depth(void)
{
    for (unsigned embedded = 1; embedded < 3 * MAIL_DEPTH_MAX; embedded++) {
        used = 0;
        word(0x400C0003);
        property(0x1000001E, "text of the body");
        for (unsigned i = 0; i < embedded; i++) {
            word(0x40000003);
            word(0x0E210003);
            word(0);
            word(0x40010003);
            property(0x1000001E, "text of the body");
        }
        for (unsigned i = 0; i < embedded; i++) {
            word(0x40020003);
            word(0x400E0003);
        }
        word(0x400D0003);
        CHECK_INT(tell(stream, used, FX_MESSAGE_LIST).mails, embedded <= MAIL_DEPTH_MAX);
    }
}

/* Of a message that has no other body, whole, damaged, and more than may be made. */
static void test_rtf(void)
{
    static const uint8_t value[] = "\x16\0\0\0\x0a\0\0\0MELA\0\0\0\0{\\rtf1 ab}";
    for (unsigned damaged = 0; damaged < 2; damaged++) {
        used = 0;
        word(0x400C0003);
        binary(0x10090102, value, sizeof(value) - 1);
        stream[used - sizeof(value) + 1 + 8] ^= (uint8_t)damaged; /* "MELA" */
        word(0x400D0003);
        const struct heard heard = tell(stream, used, FX_MESSAGE_LIST);
        CHECK_INT(heard.objects, damaged ? 1 : 2);
        CHECK_INT(heard.mails, damaged ? 0 : 1);
    }
    for (uint32_t room = 8; room < 14; room++) {
        struct heard heard = { .rooms = NULL };
        const struct content_sink sink = { &heard, found, make_room, NULL };
        struct mail mail = { .value = { [MAIL_RTF] = { value, sizeof(value) - 1 } } };
        uint32_t left = room;
        mail_find_rtf(&sink, &mail, &left);
        CHECK_INT(mail.rtf.ptr != NULL, room >= 10);
        CHECK_INT(mail.rtf_text.readable, room >= 12);
        CHECK_INT(left, room < 10 ? room : room < 12 ? room - 10 : room - 12);
        while (heard.rooms) {
            struct room *next = heard.rooms->next;
            free(heard.rooms);
            heard.rooms = next;
        }
    }
}

static void test_made_up(void)
{
    struct dice dice = { 0x5EED };
    static uint8_t bytes[STREAM_MAX];
    for (unsigned play = 0; play < 20000; play++) {
        memcpy(bytes, stream, used);
        for (unsigned change = 0; change < 1 + play % 4; change++) {
            const uint32_t at = roll(&dice, used);
            bytes[at] = (uint8_t)roll(&dice, 256);
        }
        const struct heard heard = tell(bytes, used, play % 2 ? FX_MESSAGE_LIST : FX_UNKNOWN);
        CHECK(heard.used <= ROOM_MAX);
    }
    /* A recipient takes eight bytes of the stream and far more of ours. */
    uint32_t len = 0;
    static uint8_t many[0x100000];
    for (used = 0, word(0x400C0003), word(0x40030003), word(0x40040003); len + 8 < sizeof(many); len += 8) {
        memcpy(many + len, len == 0 ? stream : stream + 4, 8);
    }
    CHECK_INT(tell(many, len, FX_MESSAGE_LIST).objects, 0);
}

int main(void)
{
    test_whole();
    test_cut();
    test_made_up();
    test_rtf();
    test_depth();
    return unit_end();
}
