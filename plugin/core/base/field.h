/* field.h
 * Decoded values on their way from a pure decoder to whoever wants them: a row for each
 * field, a reader that cannot leave its buffer, and a sink that receives values. How rows
 * make up a structure is in layout.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_FIELD_H
#define OUTLOOKHTTP_FIELD_H

#include "bytes.h"

/* Integers are little-endian on the wire, unless the reader is told otherwise. */
enum field_kind {
    FIELD_U8,
    FIELD_U16,
    FIELD_U32,
    FIELD_U64,
    FIELD_I16,
    FIELD_I32,
    FIELD_I64,
    FIELD_BOOL, /* one byte */
    FIELD_FLOAT,
    FIELD_DOUBLE,   /* 4 and 8 bytes, IEEE 754 */
    FIELD_GUID,     /* 16 bytes, the first three groups little-endian */
    FIELD_FILETIME, /* 8 bytes, 100 ns since 1601 */
    FIELD_STRING8,
    FIELD_STRING16, /* 8-bit of an unknown code page; UTF-16LE */
    FIELD_BYTES,
    FIELD_IPV4,
    FIELD_IPV6,    /* 4 and 16 bytes, in network order whatever the reader's */
    FIELD_ID,      /* 8 bytes, in the order of the wire: digits stand as the bytes do */
    FIELD_FRAME,   /* only made: the number of a frame */
    FIELD_INTERVAL /* only made: ns */
};

/* What may be said beside the values. A static object is registered where it is listed. */
enum issue_severity { ISSUE_CHAT, ISSUE_NOTE, ISSUE_WARNING, ISSUE_ERROR };
struct issue_kind {
    const char *filter; /* whole */
    const char *label;
    uint8_t severity; /* enum issue_severity */
    bool malformed;   /* what is said is followed by the place */
    const char *meaning;
};

struct field_name {
    uint32_t value;
    const char *name; /* NULL ends the list */
};

/* A table of names: values and names in turns. A row without braces of its own is read at once,
 * and one that lacks a half does not compile. */
#define FIELD_NAMES(table, ...) const struct field_name table[] = { __VA_ARGS__, 0, NULL }

#if defined(__GNUC__)
#pragma GCC diagnostic ignored "-Wmissing-braces"
#endif

struct field_value;
struct field_choice;
struct layout_run;

#define FIELD_TEXT_MAX 64

/* A row of a layout (macros that write one: layout.h). Its display filter name is the prefix
 * of what it is registered with, and filter. A row with a mask is a part of the integer in
 * the nearest row above that has none: it is never read or emitted. */
struct field {
    const char *filter; /* NULL: not a value but a step, or the end of the layout */
    const char *label;
    uint8_t kind; /* enum field_kind */
    bool hex;
    const struct field_name *names; /* or NULL */
    uint32_t mask;
    const char *unit; /* behind the number: "bytes", or NULL */
    bool all_named;   /* a number that names does not have is shown as unknown */
    /* What else is to be said of a value: static, or written into room; or NULL. */
    const char *(*text)(const struct field_value *value, char room[FIELD_TEXT_MAX]);

    /* What read_layout() does with it. */
    uint8_t role;               /* enum layout_role */
    uint32_t number;            /* as the role says */
    const struct field *inside; /* the rows below this one */
    const struct field_choice *choices;
    unsigned (*pick)(const struct layout_run *run);
    void (*read)(struct layout_run *run, const struct field *at);
    const char *(*summary)(const struct layout_run *run, char room[FIELD_TEXT_MAX]);
    void (*seen)(struct layout_run *run, const struct field_value *value);
};

struct field_value {
    const struct field *field;
    const uint8_t *bytes;
    uint32_t offset, len; /* in the buffer under decoding; strings: with their terminator */
    uint64_t number;      /* integers (signed ones extended), booleans, GUID and others: 0 */
    bool big_endian;
    const char *text;   /* what else is to be said of the value, or NULL; valid during the call */
    uint16_t code_page; /* of an 8-bit string, 0: not known */
    bool made;          /* not of the message: known from elsewhere, number or (of strings) text
                         * or (of GUIDs) bytes is the value; offset is that of what comes next */
};

/* Receives what a decoder finds, in the order of the wire. A call may not return (a tree
 * call throws), so a decoder owns nothing while it calls. Any member may be NULL. */
struct field_sink {
    void *ctx;
    void (*value)(void *ctx, const struct field_value *value);
    /* What comes until close() belongs together; label is valid during the call. */
    void (*open)(void *ctx, const char *label, uint32_t offset);
    void (*close)(void *ctx, uint32_t end, const char *summary); /* summary: behind the label, or NULL */
    /* Something is to be said of that byte, which is valid during the call; of kind NULL: the input is broken. */
    void (*issue)(void *ctx, const struct issue_kind *kind, uint32_t offset, const char *what);
    /* Room for a derived buffer (decompressed bytes) as long as the sink shows it; NULL: refused. */
    uint8_t *(*room)(void *ctx, size_t size);
    /* Offsets refer to this buffer, got from room(), until leave(). name is static. */
    void (*enter)(void *ctx, const uint8_t *bytes, uint32_t len, const char *name);
    void (*leave)(void *ctx);
    /* 8-bit text of a code page in UTF-8, without its terminator, for summaries; NULL where that cannot be done. It lasts
     * as long as the call that asks. */
    const char *(*utf8)(void *ctx, struct span text, uint16_t code_page);
};

#define READER_DEPTH_MAX 32      /* of nested structures */
#define READER_VALUES_MAX 100000 /* of one message, with the turns that showed none */

/* What a message has cost by now. */
struct reader_spent {
    uint32_t values; /* shown */
    uint32_t turns;  /* of loops over things that took no bytes: reader_charge() */
};

/* A cursor that stops at the first byte that is not there: then failed is set, one issue
 * tells where, and later reads return 0 and show nothing. */
struct reader {
    const uint8_t *p;
    uint32_t len;   /* captured */
    uint32_t whole; /* as sent; UINT32_MAX if more was announced. What lies between is
                                  * missing from the capture and no fault of the sender */
    uint32_t pos;
    const struct field_sink *sink;
    struct reader_spent spent;
    uint64_t need;                   /* failed: the bytes that were asked for, if they are what is missing */
    const struct issue_kind *broken; /* the kind of what is wrong: set behind reader_init(), or NULL */
    const void *known;               /* what decoders of this message know besides: theirs, or NULL */
    uint16_t code_page;              /* of 8-bit strings, 0: not known */
    uint8_t depth;
    bool big_endian; /* integers and GUIDs: set behind reader_init() */
    bool failed;
};

void reader_init(struct reader *reader, const uint8_t *p, uint32_t len, uint32_t whole, const struct field_sink *sink);

static inline uint32_t reader_left(const struct reader *reader) /* captured bytes */
{
    return reader->failed ? 0 : reader->len - reader->pos;
}

/* What is left as it was sent; captured bytes where that is not known. */
static inline uint32_t reader_sent(const struct reader *reader)
{
    return reader->whole == UINT32_MAX ? reader_left(reader) : reader->failed ? 0 : reader->whole - reader->pos;
}

/* Says what is wrong at pos and stops reading. */
void reader_fail(struct reader *reader, const char *what);
/* Says what is wrong at an offset and goes on. */
void reader_warn(struct reader *reader, uint32_t offset, const char *what);
/* Says something else. */
void reader_tell(struct reader *reader, const struct issue_kind *kind, uint32_t offset, const char *what);
/* Shows what is known from elsewhere, at the place of what comes next: number, of a string text. */
void reader_made(struct reader *reader, const struct field *field, uint64_t number, const char *text);
/* The same of a GUID. */
void reader_made_bytes(struct reader *reader, const struct field *field, const uint8_t *bytes, uint32_t len);

/* False, with reader_fail(), unless count items of at least item bytes each can still
 * come: keeps loops and allocations in proportion to what was sent. */
bool reader_expect(struct reader *reader, uint32_t count, uint32_t item);

/* A loop over things that may take no bytes costs what values cost: call it with where the
 * last one began, so that a few bytes cannot ask for endless work. */
void reader_charge(struct reader *reader, uint32_t before);

/* The bytes of a value of that kind, 0 if they vary. */
uint32_t field_size(uint8_t kind);
/* Reads a value of the row's kind, of fixed size, and shows it; returns integers, else 0. */
uint64_t read_field(struct reader *reader, const struct field *field);
/* The number without moving or showing, for a look ahead; 0 if it is not there. */
uint8_t peek_u8(const struct reader *reader);
uint16_t peek_u16(const struct reader *reader);
uint32_t peek_u32(const struct reader *reader);

/* Strings up to and with their terminator (one or two zero bytes). Returns the characters
 * without it. A missing terminator is an issue at the string's start. */
struct span read_string8(struct reader *reader, const struct field *field);
struct span read_string16(struct reader *reader, const struct field *field);
/* A run of len bytes as FIELD_BYTES, or as a string without terminator by the row's kind. */
struct span read_run(struct reader *reader, const struct field *field, uint32_t len);
/* What comes until reader_close() belongs together. False, with reader_fail(), when it is
 * nested too deeply; then do not close. */
bool reader_open(struct reader *reader, const char *label);
void reader_close(struct reader *reader, const char *summary);

/* ---- a counted part: what is wrong inside stays inside, and the reading goes on behind it ---- */

/* The next size bytes of reader, fewer if the message ends before. */
struct reader reader_part(const struct reader *reader, uint32_t size);
/* True if the message, as it was sent, is shorter than the size that was announced. */
bool reader_lacks(const struct reader *reader, uint32_t size);
/* Goes on behind the part. What the capture lacks ends the reading without a word. */
void reader_resume(struct reader *reader, const struct reader *part);

/* The name of value in names, or NULL. */
const char *field_name(const struct field_name *names, uint32_t value);

#endif
