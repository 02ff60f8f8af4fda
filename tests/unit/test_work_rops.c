/* test_work_rops.c
 * Work in proportion to what comes, of sessions of ROPs: lists that were made to have something looked
 * for again and again, to have much opened, kept or announced, learnt from and then shown.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "extended_buffer.h"
#include "heap.h"
#include "objects.h"
#include "unit.h"

#include <stdlib.h>

uint64_t work_done; /* work.h */

void __sanitizer_cov_trace_pc(void);
void __sanitizer_cov_trace_pc(void)
{
    work_done++;
}

#define LEAST 16384u       /* bytes of a play, and four times as many */
#define BLOCKS_A_BYTE 600u /* the most is 421: lists of the shortest ROPs, of which each becomes a note */
#define BLOCKS_MORE 40u    /* and of four times the bytes at most twice as many each and these */
#define SESSION_ROPS 100000u
#define PAYLOAD_MAX 0x7F00u
#define RESERVED_HANDLE 0xFFFFFFFFu

/* ---- a session ---- */

static struct heap heap;
static struct arena arena;
static struct track track;
static struct rop_session *session;
static uint64_t spent; /* blocks, without those of the test */
static uint64_t bytes_sent;

static void begin(void)
{
    heap_free(&heap);
    heap = (struct heap){ NULL, 0 };
    arena = heap_arena(&heap);
    track_init(&track, &arena, NULL, NULL);
    session = rop_session_new(&track, 0);
    spent = bytes_sent = 0;
}

struct buffer {
    uint8_t *p;
    uint32_t len, room;
};

static void put(struct buffer *buffer, const void *bytes, uint32_t len)
{
    if (buffer->room - buffer->len < len) {
        buffer->room = 2 * buffer->room + len;
        buffer->p = realloc(buffer->p, buffer->room);
        if (!buffer->p) {
            abort();
        }
    }
    memcpy(buffer->p + buffer->len, bytes, len);
    buffer->len += len;
}

static void put_number(struct buffer *buffer, uint32_t number, unsigned size)
{
    const uint8_t bytes[4] = { (uint8_t)number, (uint8_t)(number >> 8), (uint8_t)(number >> 16),
                               (uint8_t)(number >> 24) };
    put(buffer, bytes, size);
}

/* A payload of its own extended buffer; none of them says that it is the last, the end does. */
static void put_payload(struct buffer *buffer, const struct buffer *list, const uint32_t *handles, uint32_t count)
{
    put_number(buffer, 0, 4);
    put_number(buffer, list->len + 2 + 4 * count, 2);
    put_number(buffer, list->len + 2 + 4 * count, 2);
    put_number(buffer, list->len + 2, 2);
    put(buffer, list->p, list->len);
    for (uint32_t i = 0; i < count; i++) {
        put_number(buffer, handles[i], 4);
    }
}

static uint8_t *room(void *ctx, size_t size)
{
    size_t *derived = ctx;
    *derived += size;
    return heap_alloc(&heap, size);
}

static void see_value(void *ctx, const struct field_value *value)
{
    (void)ctx;
    (void)value;
}

/* Reads a message as the plugin does: it learns with nobody who looks, and is shown later. */
static struct rop_message *message(const struct buffer *buffer, struct rop_message *request, bool response)
{
    size_t learnt = 0, shown = 0; /* bytes of derived buffers */
    const struct field_sink quiet = { .ctx = &learnt, .room = room };
    const struct field_sink looking = { .ctx = &shown, .value = see_value, .room = room };
    struct rop_message *one = rop_message_new(session, response, 1, 0, request);
    struct rop_host host;
    struct property_names names;
    struct reader reader;
    bytes_sent += buffer->len;
    work_done = 0;
    rop_message_learn(one, &host);
    reader_init(&reader, buffer->p, buffer->len, buffer->len, &quiet);
    read_rop_buffer(&reader, buffer->len, response, &host);
    rop_message_end(one);
    rop_message_replay(one, &host, &names);
    reader_init(&reader, buffer->p, buffer->len, buffer->len, &looking);
    read_rop_buffer(&reader, buffer->len, response, &host);
    spent += work_done;
    CHECK(learnt == 0); /* these are not compressed */
    CHECK(shown <= ROP_JOINED_MAX);
    return one;
}

/* ---- what is sent ---- */

/* A form of a ROP: at some places stands its number. */
struct form {
    uint8_t bytes[64];
    uint32_t len;
    int number_at[2];
};

#define FORM(...)                                                  \
    {                                                              \
        { __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }), \
        {                                                          \
            -1, -1                                                 \
        }                                                          \
    }
#define FORM_AT(a, b, ...)                                         \
    {                                                              \
        { __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }), \
        {                                                          \
            a, b                                                   \
        }                                                          \
    }

static const uint32_t handles[] = { 0x11, 0x22, 0x33 };

/* So many of a form, in payloads of most bytes each, with the handles above or so many own ones. */
static void put_forms(struct buffer *buffer, const struct form *form, uint32_t count, uint32_t most,
                      uint32_t own_handles)
{
    struct buffer list = { NULL, 0, 0 };
    static uint32_t numbered[256];
    for (uint32_t i = 0; i < count; i++) {
        struct form one = *form;
        for (unsigned k = 0; k < 2; k++) {
            if (one.number_at[k] >= 0) {
                one.bytes[one.number_at[k]] = (uint8_t)i;
            }
        }
        put(&list, one.bytes, one.len);
        if (list.len + one.len > most || i + 1 == count) {
            for (uint32_t k = 0; k < own_handles; k++) {
                numbered[k] = 0x1000 + i + k;
            }
            put_payload(buffer, &list, own_handles ? numbered : handles, own_handles ? own_handles : COUNT_OF(handles));
            list.len = 0;
        }
    }
    free(list.p);
}

/* One request of so many ROPs, and a response of so many answers. */
struct play {
    const char *what;
    struct form request, answer;
    uint32_t request_payload, answer_payload; /* their most bytes */
    bool own_handles;                         /* of the answers */
};

#define LOGON 0xFE
#define EIGHT 0, 0, 0, 0, 0, 0, 0, 0
#define NAME_A 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 4, 'a', 0, 0, 0

static const struct play plays[] = {
    { "releases", FORM(1, 0, 0), FORM(0x6E, 0, 0), PAYLOAD_MAX, PAYLOAD_MAX, false },
    { "releases, each list has many buffers", FORM(1, 0, 0), FORM(0x6E, 0, 0), 3, 3, false },
    { "releases of all indices", FORM_AT(2, -1, 1, 0, 0), FORM(0x6E, 0, 0), PAYLOAD_MAX, PAYLOAD_MAX, false },
    { "opens", FORM(0x3B, 0, 0, 1), FORM(0x3B, 1, 0, 0, 0, 0), PAYLOAD_MAX, PAYLOAD_MAX, false },
    { "opens at all indices", FORM_AT(3, -1, 0x3B, 0, 0, 1), FORM_AT(1, -1, 0x3B, 1, 0, 0, 0, 0), PAYLOAD_MAX,
      PAYLOAD_MAX, true },
    { "opens, their answers in many buffers", FORM(0x3B, 0, 0, 1), FORM(0x3B, 1, 0, 0, 0, 0), PAYLOAD_MAX, 6, false },
    { "opens one in another", FORM(0x23, 0, 1, 1), FORM(0x23, 1, 0, 0, 0, 0, 0, 0, 0, 0), PAYLOAD_MAX, PAYLOAD_MAX,
      false },
    { "downloads", FORM(0x4D, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0), FORM(0x4D, 1, 0, 0, 0, 0), PAYLOAD_MAX, PAYLOAD_MAX,
      false },
    { "logons with one id", FORM(LOGON, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0), FORM(LOGON, 0, 1, 0, 0, 0), PAYLOAD_MAX,
      PAYLOAD_MAX, false },
    { "logons with all ids", FORM_AT(1, 2, LOGON, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0), FORM(LOGON, 0, 1, 0, 0, 0),
      PAYLOAD_MAX, PAYLOAD_MAX, false },
    { "answers of a byte", FORM(1, 0, 0), FORM(0x15), PAYLOAD_MAX, PAYLOAD_MAX, false },
    { "answers of a byte in buffers of their own", FORM(0x15, 0, 0, 0, 1, 1, 0), FORM(0x15), PAYLOAD_MAX, 1, false },
    { "notifications behind releases", FORM(1, 0, 0), FORM(0x2A, 0x33, 0, 0, 0, 0, 0x80, 0, EIGHT, EIGHT), PAYLOAD_MAX,
      PAYLOAD_MAX, false },
    { "columns", FORM(0x12, 0, 0, 0, 2, 0, 3, 0, 8, 0x0E, 3, 0, 1, 0), FORM(0x12, 0, 0, 0, 0, 0, 0), PAYLOAD_MAX,
      PAYLOAD_MAX, false },
    { "other columns each", FORM_AT(8, 12, 0x12, 0, 0, 0, 2, 0, 3, 0, 8, 0x0E, 3, 0, 1, 0),
      FORM(0x12, 0, 0, 0, 0, 0, 0), PAYLOAD_MAX, PAYLOAD_MAX, false },
    { "65,535 columns announced", FORM(0x12, 0, 0, 0, 0xFF, 0xFF, 3, 0, 8, 0x0E), FORM(0x12, 0, 0, 0, 0, 0, 0), 10, 7,
      false },
    { "65,535 rows announced", FORM(0x15, 0, 0, 0, 1, 0xFF, 0xFF), FORM(0x15, 0, 0, 0, 0, 0, 2, 0xFF, 0xFF, 0),
      PAYLOAD_MAX, 10, false },
    { "2^32 rows announced", FORM(0x68, 0, 0), FORM(0x68, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0), PAYLOAD_MAX, 11,
      false },
    { "2 GB announced", FORM(0x76, 0, 0, 0xFF, 0xFF, 0xFF, 0x7F, 1, 2, 3), FORM(0x76, 0, 0, 0, 0, 0), 10, 6, false },
    { "2 GB of a state announced", FORM(0x75, 0, 0, 2, 1, 0x96, 0x67, 0xFF, 0xFF, 0xFF, 0x7F),
      FORM(0x75, 0, 0, 0, 0, 0), PAYLOAD_MAX, PAYLOAD_MAX, false },
    { "nested restrictions", FORM(0x14, 0, 0, 0, 12, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0),
      FORM(0x14, 0, 0, 0, 0, 0, 0), PAYLOAD_MAX, PAYLOAD_MAX, false },
    { "names", FORM_AT(11, 25, 0x56, 0, 0, 0, 1, 0, NAME_A), FORM_AT(8, -1, 0x56, 0, 0, 0, 0, 0, 1, 0, 1, 0x80),
      PAYLOAD_MAX, PAYLOAD_MAX, false },
    { "65,535 names announced", FORM(0x56, 0, 0, 0, 0xFF, 0xFF, NAME_A), FORM(0x56, 0, 0, 0, 0, 0, 0xFF, 0xFF, 1, 0x80),
      28, 10, false },
    { "uploads of a byte", FORM(0x54, 0, 0, 1, 0, 1), FORM(0x54, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0), PAYLOAD_MAX,
      PAYLOAD_MAX, false },
    { "uploads of a byte in buffers of their own", FORM(0x54, 0, 0, 1, 0, 1),
      FORM(0x54, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0), 6, 15, false },
    { "uploads refused", FORM(0x54, 0, 0, 1, 0, 1), FORM(0x54, 0, 0, 0x80, 4, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0),
      PAYLOAD_MAX, PAYLOAD_MAX, false },
    { "downloads of a byte", FORM(0x4E, 0, 0, 1, 0), FORM(0x4E, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 1),
      PAYLOAD_MAX, PAYLOAD_MAX, false },
    { "downloads of a byte, chained", FORM(0x4E, 0, 0, 1, 0), FORM(0x4E, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 1),
      PAYLOAD_MAX, 16, false },
    { "chained rows behind releases", FORM(1, 0, 0), FORM(0x15, 0, 0, 0, 0, 0, 2, 0, 0), PAYLOAD_MAX, 9, false },
    { "properties", FORM(7, 0, 0, 0, 0, 0, 0, 1, 0, 3, 0, 8, 0x0E), FORM(7, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0), PAYLOAD_MAX,
      PAYLOAD_MAX, false },
    { "all is sent again", FORM(7, 0, 0, 0, 0, 0, 0, 1, 0, 3, 0, 8, 0x0E), FORM(0xFF, 0, 0x80), PAYLOAD_MAX,
      PAYLOAD_MAX, false },
    { "empty lists", FORM(1, 0, 0), FORM(0x6E, 0, 0), 0, 0, false },
};

/* Something that the ROPs may be about: an upload at handle 11 under way in a long value, a table at 33, ... */
static void prepare(void)
{
    static const uint8_t opens[] = { LOGON, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, /* 0: a logon, which fails */
                                     0x53,  0, 0, 1, 1, 0,                         /* 1: an upload */
                                     0x05,  0, 0, 2, 0 };                          /* 2: a table */
    static const uint8_t answers[] = { LOGON, 0, 1, 0, 0, 0, 0x53, 1, 0, 0, 0, 0, 0x05, 2, 0, 0, 0, 0, 1, 0, 0, 0 };
    static const uint32_t none[] = { RESERVED_HANDLE, RESERVED_HANDLE, RESERVED_HANDLE };
    static const uint32_t given[] = { RESERVED_HANDLE, 0x11, 0x33 };
    /* Then a value of 65,000 bytes begins in the upload: most of it is carried. */
    static const uint8_t value[] = { 0x54, 0, 0, 0x08, 0x70, 0x02, 0x01, 0x77, 0x77, 0xE8, 0xFD, 0, 0 };
    static uint8_t bytes[5 + 0x7008] = { 0 }; /* as its TransferDataSize says */
    static const uint32_t of_upload[] = { 0x11 };
    struct buffer buffer = { NULL, 0, 0 };
    put_payload(&buffer, &(struct buffer){ (uint8_t *)(uintptr_t)opens, sizeof(opens), 0 }, none, 3);
    struct rop_message *request = message(&buffer, NULL, false);
    buffer.len = 0;
    put_payload(&buffer, &(struct buffer){ (uint8_t *)(uintptr_t)answers, sizeof(answers), 0 }, given, 3);
    message(&buffer, request, true);
    buffer.len = 0;
    memcpy(bytes, value, sizeof(value));
    for (unsigned i = 0; i < 2; i++) {
        buffer.len = 0;
        put_payload(&buffer, &(struct buffer){ bytes, sizeof(bytes), 0 }, of_upload, 1);
        message(&buffer, NULL, false);
    }
    free(buffer.p);
    spent = bytes_sent = 0;
}

static uint64_t most;

static void check(const char *what, uint64_t part, uint64_t whole)
{
    const bool good = whole < BLOCKS_A_BYTE && whole <= 2 * part + BLOCKS_MORE;
    if (!good) {
        fprintf(stderr, "%s: %llu blocks a byte, of a quarter of it %llu\n", what, (unsigned long long)whole,
                (unsigned long long)part);
    }
    CHECK(good);
    most = whole > most ? whole : most;
}

/* Blocks a byte of a request of so many bytes, and its response. */
static uint64_t work_of_play(const struct play *play, uint32_t bytes)
{
    const uint32_t count = bytes / play->request.len;
    struct buffer buffer = { NULL, 0, 0 };
    begin();
    prepare();
    put_forms(&buffer, &play->request, count, play->request_payload, 0);
    struct rop_message *request = message(&buffer, NULL, false);
    buffer.len = 0;
    put_forms(&buffer, &play->answer, count, play->answer_payload, play->own_handles ? 256 : 0);
    message(&buffer, request, true);
    free(buffer.p);
    return spent / bytes_sent;
}

static void test_lists(void)
{
    for (size_t i = 0; i < COUNT_OF(plays); i++) {
        check(plays[i].what, work_of_play(&plays[i], LEAST), work_of_play(&plays[i], 4 * LEAST));
    }
}

/* A session of so many ROPs in requests of a few; answered or not, in their order or the other way round. */
enum answered { ANSWERED, UNANSWERED, UNASKED, BACKWARDS };

static uint64_t work_of_session(enum answered how, const struct form *request, const struct form *answer, uint32_t rops)
{
    struct buffer asked = { NULL, 0, 0 }, answered = { NULL, 0, 0 };
    struct rop_message *requests[4] = { NULL };
    begin();
    prepare();
    for (uint32_t i = 0; i < rops; i += 4) {
        const unsigned at = i / 4 % 4;
        asked.len = answered.len = 0;
        put_forms(&asked, request, 4, PAYLOAD_MAX, 0);
        put_forms(&answered, answer, 4, PAYLOAD_MAX, 8);
        if (how != UNASKED) {
            requests[at] = message(&asked, NULL, false);
        }
        if (how == ANSWERED || how == UNASKED) {
            message(&answered, requests[at], true);
        }
        for (unsigned k = 4; how == BACKWARDS && at == 3 && k-- > 0;) {
            message(&answered, requests[k], true);
        }
    }
    free(asked.p);
    free(answered.p);
    return spent / bytes_sent;
}

static void test_sessions(void)
{
    static const struct form open = FORM_AT(3, -1, 0x3B, 0, 0, 1), opened = FORM_AT(1, -1, 0x3B, 1, 0, 0, 0, 0);
    static const struct form release = FORM(1, 0, 0), nothing = FORM(0x6E, 0, 0);
    static const struct form columns = FORM_AT(8, -1, 0x12, 0, 2, 0, 1, 0, 3, 0, 8, 0x0E);
    static const struct form columns_set = FORM(0x12, 2, 0, 0, 0, 0, 0);
    static const struct form upload = FORM(0x54, 0, 0, 1, 0, 1);
    static const struct form uploaded = FORM(0x54, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0);
    static const struct {
        const char *what;
        const struct form *request, *answer;
    } sessions[] = {
        { "a session that opens", &open, &opened },
        { "a session that releases", &release, &nothing },
        { "a session that sets columns", &columns, &columns_set },
        { "a session that uploads", &upload, &uploaded },
    };
    for (size_t i = 0; i < COUNT_OF(sessions); i++) {
        for (enum answered how = ANSWERED; how <= BACKWARDS; how++) {
            const uint32_t rops = i == 0 && how == ANSWERED ? SESSION_ROPS : SESSION_ROPS / 5;
            check(sessions[i].what, work_of_session(how, sessions[i].request, sessions[i].answer, rops / 4),
                  work_of_session(how, sessions[i].request, sessions[i].answer, rops));
        }
    }
}

int main(void)
{
    test_lists();
    test_sessions();
    heap_free(&heap);
    printf("at most %llu blocks a byte\n", (unsigned long long)most);
    return unit_end();
}
