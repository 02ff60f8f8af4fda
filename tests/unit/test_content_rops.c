/* test_content_rops.c
 * What is collected from ROPs for who saves it: lists of ROPs, streams and transfers, whole or not at all, whichever way
 * their handles and pieces go.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "contents.h"
#include "roptalk.h"

#define DATA "01020137"  /* PidTagAttachDataBinary */
#define BODY "1F000010"  /* PidTagBody */
#define HTML "02011310"  /* PidTagHtml */
#define RTF "02010910"   /* PidTagRtfCompressed */
#define OTHER "02011011" /* of no interest */
#define OPEN_STREAM(in, out, tag) "2B 00" in out tag "00"
#define STREAM_OPENED(out, size) "2B" out OK size
#define READ(in) "2C 00" in "0010"
#define DID_READ(in, size, bytes) "2C" in OK size bytes
#define WRITE(in, size, bytes) "2D 00" in size bytes
#define WRITTEN(in, size) "2D" in OK size
#define SEEK(in, origin, offset) "2E 00" in origin offset "00000000000000"
#define SOUGHT(in, position) "2E" in OK position "00000000000000"
#define SET_SIZE(in, size) "2F 00" in size "00000000000000"
#define SIZE_SET(in) "2F" in OK
#define COMMIT(in) "5D 00" in
#define COMMITTED(in) "5D" in OK

/* ---- what is told ---- */

static struct contents *contents;
static char heard[0x10000]; /* "name type size 'text';" of each, without lists of ROPs */
static unsigned lists;
static void *rooms[64];
static unsigned room_count;

static uint8_t *make_room(void *ctx, size_t size)
{
    (void)ctx;
    if (room_count == COUNT_OF(rooms)) {
        return NULL;
    }
    return rooms[room_count++] = calloc(1, size ? size : 1);
}

static void found(void *ctx, const struct content *content)
{
    (void)ctx;
    char line[600];
    int used = snprintf(line, sizeof(line), "%s %s %u '", content->name, content->type, content->len);
    for (uint32_t i = 0; i < content->len && i < 200; i++) {
        const uint8_t c = content->bytes[i];
        used += snprintf(line + used, sizeof(line) - (size_t)used, c >= 0x20 && c < 0x7F ? "%c" : "%02X", c);
    }
    if (strcmp(content->type, "application/x-outlook-rops") == 0) {
        transcript_aside("%u: %s'", content->frame, line);
        lists++;
        return;
    }
    transcript("%u: %s'", content->frame, line);
    const size_t len = strlen(heard);
    snprintf(heard + len, sizeof(heard) - len, "%s';", line);
}

static const struct content_sink sink = { NULL, found, make_room, NULL };

static void rooms_free(void)
{
    while (room_count > 0) {
        free(rooms[--room_count]);
    }
}

/* Reads a message as an Execute: MS-OXCMAPIHTTP 2.2.4.2. */
static struct play_message *collect(struct play_message *one)
{
    static uint8_t body[ROPSCENE_BYTES + 100];
    static const char envelope[] = "PROCESSING\r\nDONE\r\n\r\n";
    const struct mapi_message message = { .is_response = one->response, .type = MAPI_EXECUTE, .rops = one->message };
    uint32_t len = 0;
    memset(body, 0, sizeof(body));
    if (one->response) {
        len = sizeof(envelope) - 1;
        memcpy(body, envelope, len);
        len += 8; /* StatusCode, ErrorCode */
    }
    len += 4; /* Flags */
    play_u16(body + len, one->len);
    body[len + 2] = (uint8_t)(one->len >> 16);
    len += 4;
    memcpy(body + len, one->bytes, one->len);
    len += one->len + (one->response ? 4 : 8);
    uint8_t *copy = malloc(len); /* a sanitizer sees what is read behind its end */
    memcpy(copy, body, len);
    contents_read_body(contents, &message, (struct span){ copy, len }, &sink);
    free(copy);
    rooms_free();
    return one;
}

static struct play_message *asked(uint32_t frame, const char *rops, const char *handles)
{
    return collect(ask(frame, rops, handles));
}

static void answered(uint32_t frame, struct play_message *request, const char *rops, const char *handles)
{
    collect(answer(frame, request, rops, handles));
}

static void scene(const char *name)
{
    if (contents) {
        contents_forget(contents);
        transcript_asides("lists of ROPs");
    }
    play_begin();
    transcript("== %s", name);
    contents = contents_new(&play.arena);
    heard[0] = '\0';
    lists = 0;
}

#define HEARD(text)             \
    do {                        \
        CHECK_STR(heard, text); \
        heard[0] = '\0';        \
    } while (0)
#define SCENE() scene(__func__)

/* ---- streams that are read ---- */

/* An object 22 and a stream of its property, 33. */
static void open_stream(const char *tag, const char *size)
{
    char rops[100], answers[100];
    snprintf(rops, sizeof(rops), "2B 00 00 01 %s 00", tag);
    snprintf(answers, sizeof(answers), "2B 01" OK "%s", size);
    answered(2, asked(1, rops, "22 " NO), answers, "22 33");
}

static void read_whole(void)
{
    SCENE();
    open_stream(DATA, "06000000");
    answered(4, asked(3, READ("00"), "33"), DID_READ("00", "0400", "41424344"), "33");
    HEARD("");
    answered(6, asked(5, READ("00"), "33"), DID_READ("00", "0200", "4546"), "33");
    HEARD("frame6-attachment.bin application/octet-stream 6 'ABCDEF';");
    CHECK_INT(lists, 6);
    /* Behind its end there is nothing, and what was told is not told again. */
    answered(8, asked(7, READ("00"), "33"), DID_READ("00", "0000", ""), "33");
    HEARD("");
    asked(9, RELEASE("00"), "33");
    HEARD("");
    /* The list of a request as it is: RopSize, ROPs, handles. */
    CHECK_INT(lists, 9);
}

static void read_bodies(void)
{
    SCENE();
    open_stream(BODY, "06000000");
    answered(4, asked(3, READ("00"), "33"), DID_READ("00", "0600", "4100 E900 AC20"), "33");
    HEARD("frame4-body.txt text/plain 6 'AC3A9E282AC';");
    open_stream(HTML, "03000000");
    answered(6, asked(5, READ("00"), "33"), DID_READ("00", "0300", "3C703E"), "33");
    HEARD("frame6-body.html text/html 3 '<p>';");
    open_stream(RTF, "01000000");
    answered(8, asked(7, READ("00"), "33"), DID_READ("00", "0100", "41"), "33");
    HEARD("frame8-body.rtf-compressed application/octet-stream 1 'A';");
    open_stream(OTHER, "01000000");
    answered(10, asked(9, READ("00"), "33"), DID_READ("00", "0100", "41"), "33");
    HEARD("");
}

/* Opened and read in one request: the handle is known by its place. */
static void read_at_once(void)
{
    SCENE();
    struct play_message *request = asked(1, OPEN_STREAM("00", "01", DATA) READ("01"), "22 " NO);
    answered(2, request, STREAM_OPENED("01", "02000000") DID_READ("01", "0200", "4142"), "22 33");
    HEARD("frame2-attachment.bin application/octet-stream 2 'AB';");
}

/* A piece again, pieces out of order, one that is missing. */
static void read_elsewhere(void)
{
    SCENE();
    open_stream(DATA, "04000000");
    answered(4, asked(3, READ("00"), "33"), DID_READ("00", "0200", "4142"), "33");
    answered(6, asked(5, SEEK("00", "00", "01"), "33"), SOUGHT("00", "01"), "33");
    answered(8, asked(7, READ("00"), "33"), DID_READ("00", "0300", "424344"), "33");
    HEARD("frame8-attachment.bin application/octet-stream 4 'ABCD';");
    open_stream(DATA, "04000000");
    answered(4, asked(3, SEEK("00", "00", "02"), "33"), SOUGHT("00", "02"), "33");
    answered(6, asked(5, READ("00"), "33"), DID_READ("00", "0200", "4344"), "33");
    answered(8, asked(7, SEEK("00", "00", "00"), "33"), SOUGHT("00", "00"), "33");
    answered(10, asked(9, READ("00"), "33"), DID_READ("00", "0200", "4142"), "33");
    HEARD("");
    /* Where the server did not say where it stands. */
    open_stream(DATA, "02000000");
    answered(4, asked(3, SEEK("00", "00", "00"), "33"), "2E 00 57000780", "33");
    answered(6, asked(5, READ("00"), "33"), DID_READ("00", "0200", "4142"), "33");
    HEARD("");
    /* More than was said. */
    open_stream(DATA, "02000000");
    answered(4, asked(3, READ("00"), "33"), DID_READ("00", "0300", "414243"), "33");
    HEARD("");
    /* An answer that failed brings nothing, and harms nothing. */
    open_stream(DATA, "02000000");
    answered(4, asked(3, READ("00"), "33"), "2C 00 57000780 0000", "33");
    answered(6, asked(5, READ("00"), "33"), DID_READ("00", "0200", "4142"), "33");
    HEARD("frame6-attachment.bin application/octet-stream 2 'AB';");
    /* One that is cut does. */
    open_stream(DATA, "02000000");
    answered(4, asked(3, READ("00"), "33"), DID_READ("00", "0300", "4142"), "33");
    answered(6, asked(5, READ("00"), "33"), DID_READ("00", "0200", "4142"), "33");
    HEARD("");
}

/* ---- streams that are written ---- */

static void written_whole(void)
{
    SCENE();
    open_stream(DATA, "00000000");
    answered(4, asked(3, WRITE("00", "0200", "4142"), "33"), WRITTEN("00", "0200"), "33");
    answered(6, asked(5, "A3 00 00 0100 43", "33"), "A3 00" OK "01000000", "33");
    HEARD("");
    answered(8, asked(7, COMMIT("00"), "33"), COMMITTED("00"), "33");
    HEARD("frame8-attachment.bin application/octet-stream 3 'ABC';");
    asked(9, RELEASE("00"), "33");
    HEARD("");
    /* Released alone; and what was written behind a commit is told again. */
    open_stream(DATA, "00000000");
    answered(4, asked(3, WRITE("00", "0200", "4142") COMMIT("00"), "33"), WRITTEN("00", "0200") COMMITTED("00"), "33");
    HEARD("frame4-attachment.bin application/octet-stream 2 'AB';");
    answered(6, asked(5, WRITE("00", "0100", "43"), "33"), WRITTEN("00", "0100"), "33");
    asked(7, RELEASE("00"), "33");
    HEARD("frame7-attachment.bin application/octet-stream 3 'ABC';");
    /* Nothing was written. */
    open_stream(DATA, "00000000");
    answered(4, asked(3, COMMIT("00"), "33"), COMMITTED("00"), "33");
    asked(5, RELEASE("00"), "33");
    HEARD("");
    /* A commit that fails. */
    open_stream(DATA, "00000000");
    answered(4, asked(3, WRITE("00", "0100", "41") COMMIT("00"), "33"), WRITTEN("00", "0100") "5D 00 57000780", "33");
    HEARD("");
}

static void written_elsewhere(void)
{
    SCENE();
    open_stream(DATA, "00000000");
    /* From the beginning: over it. From here: two on, one back. */
    asked(3, WRITE("00", "0400", "41424344") SEEK("00", "00", "01") WRITE("00", "0100", "78"), "33");
    asked(5, SEEK("00", "01", "01") WRITE("00", "0100", "79"), "33");
    asked(7, SEEK("00", "01", "00") WRITE("00", "0100", "45"), "33");
    asked(9, RELEASE("00"), "33");
    HEARD("frame9-attachment.bin application/octet-stream 5 'AxCyE';");
    /* From an end that is not known. */
    open_stream(DATA, "00000000");
    asked(3, WRITE("00", "0100", "41") SEEK("00", "02", "00") WRITE("00", "0100", "42"), "33");
    asked(5, RELEASE("00"), "33");
    HEARD("");
    /* A hole. */
    open_stream(DATA, "00000000");
    asked(3, WRITE("00", "0100", "41") SEEK("00", "00", "02") WRITE("00", "0100", "42"), "33");
    asked(5, RELEASE("00"), "33");
    HEARD("");
    /* A write that the server refused. */
    open_stream(DATA, "00000000");
    answered(4, asked(3, WRITE("00", "0100", "41"), "33"), "2D 00 57000780 0000", "33");
    asked(5, RELEASE("00"), "33");
    HEARD("");
    open_stream(DATA, "00000000");
    answered(4, asked(3, "A3 00 00 0100 41", "33"), "A3 00 57000780 00000000", "33");
    asked(5, RELEASE("00"), "33");
    HEARD("");
}

static void sizes(void)
{
    SCENE();
    /* Cut, then written on from there. */
    open_stream(DATA, "00000000");
    asked(3, WRITE("00", "0400", "41424344") SET_SIZE("00", "02"), "33");
    asked(5, RELEASE("00"), "33");
    HEARD("frame5-attachment.bin application/octet-stream 2 'AB';");
    /* As long as it is to be. */
    open_stream(DATA, "00000000");
    asked(3, SET_SIZE("00", "03") WRITE("00", "0200", "4142"), "33");
    asked(5, RELEASE("00"), "33");
    HEARD("");
    open_stream(DATA, "00000000");
    asked(3, SET_SIZE("00", "03") WRITE("00", "0300", "414243"), "33");
    asked(5, RELEASE("00"), "33");
    HEARD("frame5-attachment.bin application/octet-stream 3 'ABC';");
    /* Cut to nothing and written again from the beginning. */
    open_stream(DATA, "00000000");
    asked(3, WRITE("00", "0200", "4142") SET_SIZE("00", "00") SEEK("00", "00", "00") WRITE("00", "0100", "43"), "33");
    asked(5, RELEASE("00"), "33");
    HEARD("frame5-attachment.bin application/octet-stream 1 'C';");
    /* More than is kept of a value: 64 MiB, and a byte more. */
    open_stream(DATA, "00000000");
    asked(3, "2F 00 00 0000000400000000" WRITE("00", "0100", "41") SET_SIZE("00", "01"), "33");
    asked(5, RELEASE("00"), "33");
    HEARD("frame5-attachment.bin application/octet-stream 1 'A';");
    open_stream(DATA, "00000000");
    asked(3, "2F 00 00 0100000400000000" WRITE("00", "0100", "41") SET_SIZE("00", "01"), "33");
    asked(5, RELEASE("00"), "33");
    HEARD("");
    /* Room grows by doubling. */
    static char many[2 * 9000 + 40];
    int used = snprintf(many, sizeof(many), "2D 00 00 2823");
    for (unsigned i = 0; i < 9000; i++) {
        used += snprintf(many + used, sizeof(many) - (size_t)used, "%02X", 'A' + i % 26);
    }
    open_stream(DATA, "00000000");
    asked(3, many, "33");
    asked(5, WRITE("00", "0100", "7A") RELEASE("00"), "33");
    CHECK(strncmp(heard, "frame5-attachment.bin application/octet-stream 9001 'ABC", 56) == 0);
}

/* ---- handles ---- */

static void handles_again(void)
{
    SCENE();
    /* An open that fails. */
    answered(2, asked(1, OPEN_STREAM("00", "01", DATA), "22 " NO), "2B 01" FAILED, "22 " NO);
    answered(4, asked(3, READ("00"), NO), DID_READ("00", "0200", "4142"), NO);
    HEARD("");
    /* One whose answer names no handle. */
    answered(2, asked(1, OPEN_STREAM("00", "01", DATA), "22 " NO), STREAM_OPENED("01", "02000000"), "22");
    answered(4, asked(3, READ("00"), NO), DID_READ("00", "0200", "4142"), NO);
    HEARD("");
    /* The server gives the same handle to another. */
    open_stream(DATA, "04000000");
    answered(4, asked(3, READ("00"), "33"), DID_READ("00", "0200", "4142"), "33");
    open_stream(HTML, "04000000");
    answered(6, asked(5, READ("00"), "33"), DID_READ("00", "0400", "43444546"), "33");
    HEARD("frame6-body.html text/html 4 'CDEF';");
    /* Two at a time. */
    open_stream(DATA, "02000000");
    answered(4, asked(3, OPEN_STREAM("00", "01", HTML), "22 " NO), STREAM_OPENED("01", "02000000"), "22 44");
    answered(6, asked(5, READ("00") READ("01"), "44 33"), DID_READ("00", "0200", "4142") DID_READ("01", "0200", "4344"),
             "44 33");
    HEARD("frame6-body.html text/html 2 'AB';frame6-attachment.bin application/octet-stream 2 'CD';");
    /* An index used twice in a request: the last one counts. */
    struct play_message *request =
        asked(1, OPEN_STREAM("00", "01", DATA) OPEN_STREAM("00", "01", HTML) READ("01"), "22 " NO);
    answered(2, request, STREAM_OPENED("01", "02000000") STREAM_OPENED("01", "02000000") DID_READ("01", "0200", "4142"),
             "22 33");
    HEARD("frame2-body.html text/html 2 'AB';");
    /* Of what was not opened here nothing is known, nor of a session's handles in another one. */
    answered(4, asked(3, READ("00"), "66"), DID_READ("00", "0200", "4142"), "66");
    open_stream(DATA, "02000000");
    play.session = rop_session_new(&play.track, play.code_page);
    answered(4, asked(3, READ("00"), "33"), DID_READ("00", "0200", "4142"), "33");
    HEARD("");
    /* ROPs of a stream on a transfer, and the other way. */
    answered(2, asked(1, "4D 00 00 01 00 00000000 00 0000", "22 " NO), "4D 01" OK, "22 33");
    answered(4, asked(3, READ("00") WRITE("00", "0100", "41") COMMIT("00"), "33"),
             DID_READ("00", "0200", "4142") WRITTEN("00", "0100") COMMITTED("00"), "33");
    asked(5, RELEASE("00"), "33");
    open_stream(DATA, "02000000");
    answered(4, asked(3, "54 00 00 0200 4142", "33"), "54 00" OK "0100 0000 0000 00 0200", "33");
    asked(5, RELEASE("00"), "33");
    HEARD("");
}

/* More at a time than are followed: those that came first are. */
static void many(void)
{
    SCENE();
    char handle[32];
    for (unsigned i = 0; i <= CONTENTS_OPEN_MAX; i++) {
        snprintf(handle, sizeof(handle), "22 %X", 0x1000 + i);
        answered(2, asked(1, OPEN_STREAM("00", "01", DATA), "22 " NO), STREAM_OPENED("01", "01000000"), handle);
        play_drop(0);
    }
    const unsigned looked_at[] = { 0, CONTENTS_OPEN_MAX - 1, CONTENTS_OPEN_MAX };
    for (unsigned i = 0; i < COUNT_OF(looked_at); i++) {
        snprintf(handle, sizeof(handle), "%X", 0x1000 + looked_at[i]);
        answered(4 + i, asked(3, READ("00"), handle), DID_READ("00", "0100", "41"), handle);
    }
    HEARD("frame4-attachment.bin application/octet-stream 1 'A';frame5-attachment.bin application/octet-stream 1 'A';");
    /* One is released: there is room for another. */
    asked(7, RELEASE("00"), "1000");
    answered(2, asked(1, OPEN_STREAM("00", "01", DATA), "22 " NO), STREAM_OPENED("01", "01000000"), "22 77");
    answered(8, asked(3, READ("00"), "77"), DID_READ("00", "0100", "41"), "77");
    HEARD("frame8-attachment.bin application/octet-stream 1 'A';");
}

/* ---- transfers ---- */

/* attachmentContent: AttachNum, PidTagAttachDataBinary of two bytes. */
#define NUMBER "0300 210E 00000000"
#define ATTACHED "0201 0137 02000000 4142"
#define COPY_TO(in, out) "4D 00" in out "00 00000000 00 0000"
#define GOT(in, status, size, bytes) "4E" in OK status "0000 0000 00" size bytes
#define GET(in) "4E 00" in "BEBA 0070"

/* An object 22, and a download of it, 33. */
static void download(void)
{
    answered(2, asked(1, COPY_TO("00", "01"), "22 " NO), "4D 01" OK, "22 33");
}

#define MESSAGE "0300 0C40 1E00 0010 02000000 4869" /* StartMessage, PidTagBody "Hi" */
#define MESSAGE_END "0300 0D40"

static void downloads(void)
{
    SCENE();
    /* A list of messages, in three pieces; the second cut within a property. */
    answered(2, asked(1, "4B 00 00 01 0100 0100000000000022 00 00", "22 " NO), "4B 01" OK, "22 33");
    answered(4, asked(3, GET("00"), "33"), GOT("00", "0100", "0800", "0300 0C40 1E00 0010"), "33");
    answered(6, asked(5, GET("00"), "33"), GOT("00", "0100", "0500", "02000000 48"), "33");
    HEARD("");
    answered(8, asked(7, GET("00"), "33"), GOT("00", "0300", "0500", "69" MESSAGE_END), "33");
    CHECK(strstr(heard, "frame8-body.txt text/plain 2 'Hi';frame8-message-") == heard);
    heard[0] = '\0';
    /* Nothing behind its end. */
    answered(10, asked(9, GET("00"), "33"), GOT("00", "0300", "0400", MESSAGE_END), "33");
    HEARD("");
    /* A failed one, then the same again; an empty one that is the last. */
    answered(2, asked(1, "4B 00 00 01 0100 0100000000000022 00 00", "22 " NO), "4B 01" OK, "22 33");
    answered(4, asked(3, GET("00"), "33"), "4E 00 80040000 0000 0000 0000 00 0000 E8030000", "33");
    answered(6, asked(5, GET("00"), "33"), GOT("00", "0100", "1200", MESSAGE MESSAGE_END), "33");
    answered(8, asked(7, GET("00"), "33"), GOT("00", "0300", "0000", ""), "33");
    CHECK(strstr(heard, "frame8-body.txt text/plain 2 'Hi';frame8-message-") == heard);
    heard[0] = '\0';
    /* A piece that is missing: what comes is a guess. */
    answered(2, asked(1, "4B 00 00 01 0100 0100000000000022 00 00", "22 " NO), "4B 01" OK, "22 33");
    answered(4, asked(3, GET("00"), "33"), GOT("00", "0100", "0E00", MESSAGE), "33");
    asked(5, GET("00"), "33");
    answered(8, asked(7, GET("00"), "33"), GOT("00", "0300", "0400", MESSAGE_END), "33");
    HEARD("");
    /* The beginning within an atom cannot be: a stream that another one left unfinished. */
    download();
    answered(4, asked(3, GET("00"), "33"), GOT("00", "0300", "0000", ""), "33");
    HEARD("");
    /* Other ways to begin one: a folder, properties, a synchronization. */
    static const char *const begins[] = { "4C 00 00 01 00 00", "69 00 00 01 00 00 00 0000",
                                          "70 00 00 01 01 00 0000 0000 00000000 0000" };
    static const char *const begun[] = { "4C 01" OK, "69 01" OK, "70 01" OK };
    for (unsigned i = 0; i < COUNT_OF(begins); i++) {
        answered(2, asked(1, begins[i], "22 " NO), begun[i], "22 33");
        answered(4, asked(3, GET("00"), "33"), GOT("00", "0300", "0E00", "1E00 0010 02000000 4869 0300 0D40"), "33");
        transcript("begun by %s: %s", begins[i], heard);
        heard[0] = '\0';
    }
}

static void uploads(void)
{
    SCENE();
    struct play_message *put;
    for (unsigned way = 0; way < 6; way++) {
        static const char *const taken[] = {
            "54 00" OK "0100 0000 0000 00 0E00",               /* all of it */
            "54 00" OK "0100 0000 0000 00 0D00",               /* less */
            "54 00 57000780 0000 0000 0000 00 0000",           /* none */
            "9D 00" OK "0100 00000000 00000000 00 0E00",       /* by the extended one */
            "9D 00" OK "0100 00000000 00000000 00 0D00", NULL, /* not captured */
        };
        answered(2, asked(1, "53 00 00 01 02 00", "22 " NO), "53 01" OK, "22 33");
        put = asked(3, way < 3 || way == 5 ? "54 00 00 0E00" MESSAGE : "9D 00 00 0E00" MESSAGE, "33");
        if (taken[way]) {
            answered(4, put, taken[way], "33");
        }
        put = asked(5, "54 00 00 0400" MESSAGE_END, "33");
        answered(6, put, "54 00" OK "0100 0000 0000 00 0400", "33");
        HEARD("");
        asked(7, RELEASE("00"), "33");
        transcript("way %u: %s", way, heard);
        CHECK((strstr(heard, "frame7-body.txt text/plain 2 'Hi';") == heard) == (way == 0 || way == 3 || way == 5));
        heard[0] = '\0';
    }
}

/* ---- EcDoRpcExt2 and EcDoRpc ---- */

static void put32(uint8_t *to, uint32_t number)
{
    play_u16(to, number);
    play_u16(to + 2, number >> 16);
}

/* Its stub, whose integers are in that order; what stands in buffers is little-endian all the same. */
static void collect_stub(struct play_message *one, bool big_endian)
{
    static uint8_t stub[1000];
    const uint32_t padded = (one->len + 3) & ~3u;
    uint32_t len = EMSMDB_HANDLE_LEN;
    memset(stub, 0, sizeof(stub));
    const struct emsmdb_stub what = { EMSMDB, EC_DO_RPC_EXT2, one->response, false };
    uint32_t fields[16], count = 0;
    if (one->response) {
        /* pulFlags; rgbOut: maximum, offset, actual count. */
        fields[count++] = 0;
        fields[count++] = one->len;
        fields[count++] = 0;
        fields[count++] = one->len;
    } else {
        fields[count++] = 0;
        fields[count++] = one->len;
    }
    for (uint32_t i = 0; i < count; i++, len += 4) {
        put32(stub + len, fields[i]);
        if (big_endian) {
            put32(stub + len,
                  fields[i] >> 24 | (fields[i] >> 8 & 0xFF00) | (fields[i] & 0xFF00) << 8 | fields[i] << 24);
        }
    }
    memcpy(stub + len, one->bytes, one->len);
    len += padded;
    contents_read_stub(contents, one->message, &what, big_endian, (struct span){ stub, len }, &sink);
    rooms_free();
}

static void stubs(void)
{
    for (unsigned big_endian = 0; big_endian < 2; big_endian++) {
        SCENE();
        struct play_message *request = ask(1, OPEN_STREAM("00", "01", DATA) READ("01"), "22 " NO);
        collect_stub(request, big_endian);
        collect_stub(answer(2, request, STREAM_OPENED("01", "02000000") DID_READ("01", "0200", "4142"), "22 33"),
                     big_endian);
        HEARD("frame2-attachment.bin application/octet-stream 2 'AB';");
        CHECK_INT(lists, 2);
    }
}

/* ---- bodies that have none ---- */

static void no_rops(void)
{
    SCENE();
    const struct mapi_message none = { .type = MAPI_CONNECT };
    const uint8_t bytes[] = "PROCESSING\r\nDONE\r\n\r\n";
    contents_read_body(contents, &none, (struct span){ bytes, sizeof(bytes) - 1 }, &sink);
    struct play_message *request = ask(1, OPEN_STREAM("00", "01", DATA), "22 " NO);
    struct play_message *response = answer(2, request, STREAM_OPENED("01", "02000000"), "22 33");
    const struct mapi_message empty = { .type = MAPI_EXECUTE, .is_response = true, .rops = response->message };
    contents_read_body(contents, &empty, (struct span){ bytes, sizeof(bytes) - 1 }, &sink);
    CHECK_INT(lists, 0);
    HEARD("");
    /* Several lists in one message. */
    request = asked(3, READ("00") "|" READ("00"), "33|33");
    answered(4, request, DID_READ("00", "0000", "") "|" DID_READ("00", "0000", ""), "33|33");
    CHECK_INT(lists, 4);
}

int main(void)
{
    read_whole();
    read_bodies();
    read_at_once();
    read_elsewhere();
    written_whole();
    written_elsewhere();
    sizes();
    handles_again();
    many();
    downloads();
    uploads();
    stubs();
    no_rops();
    contents_forget(contents);
    transcript_asides("lists of ROPs");
    play_end();
    free(play.log.text);
    transcript_end(__FILE__);
    return unit_end();
}
