/* run_vectors.c
 * The one runner of the files in tests/vectors: bytes in, what a decoder tells its sink out.
 *
 *     run_vectors [--write] file.txt...
 *
 * A file is a list of cases:
 *
 *     ## what the case is, and where its bytes are from
 *     body Connect request             the decoder, and what it needs (the table decoders[])
 *     sent 40                          only where more was sent than captured: bytes, or "more"
 *     2F 6F 3D 41 00  "text" L"text"   bytes in hexadecimal, 8-bit and UTF-16LE text without terminator
 *     ---
 *         0 connect.user_dn="/o=A"     one line for each event: offset, and at that depth the value,
 *                                      a group's label, "=>" and what is said behind the label at
 *                                      its end, "!!" and what is wrong, ">" and a derived buffer
 *
 * Lines that begin with "# " are comments. --write puts the logs that the decoders give in
 * the place of those that stand there, for a draft; judge them from the specification.
 *
 * Each case is also run cut at every byte: by the capture, which must not add an issue, and
 * by the sender; and with bytes changed, of which transcripts/ has a digest for each case (see
 * ../lib/transcript.h).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "catalogue.h"
#include "bodies.h"
#include "emsmdb.h"
#include "entry_ids.h"
#include "extended_buffer.h"
#include "fasttransfer.h"
#include "idsets.h"
#include "layouts.h"
#include "properties.h"
#include "rts.h"

#include "heap.h"
#include "streams.h"
#include "transcript.h"

#include <stdio.h>

#define BYTES_MAX 70000u
#define CUTS_MAX 600u            /* of one case: longer ones are cut at as many places */
#define DAMAGED_MAX 60u          /* so many places, likewise */
#define CUTS_NOTED 200u          /* of these it is noted what is said */

/* ---- text that grows ---- */

struct text {
    char *p;
    size_t len, room;
};

static void put_run(struct text *text, const char *p, size_t len)
{
    if (text->len + len + 1 > text->room) {
        text->room = (text->len + len + 1) * 2;
        text->p = realloc(text->p, text->room);
        if (!text->p) {
            abort();
        }
    }
    memcpy(text->p + text->len, p, len);
    text->len += len;
    text->p[text->len] = '\0';
}

static void put(struct text *text, const char *p)
{
    put_run(text, p, strlen(p));
}

#define PUTF(text, ...) do { \
        char formatted[256]; \
        snprintf(formatted, sizeof(formatted), __VA_ARGS__); \
        put(text, formatted); \
    } while (0)

/* ---- the sink ---- */

struct log {
    struct text text;
    unsigned depth, entered, issues;
    bool balanced, registered;
    struct heap heap;            /* derived buffers */
};

static struct catalogue catalogue;

/* The offset, in the buffer that is read, and the depth. */
static void put_line(struct log *log, uint32_t offset)
{
    PUTF(&log->text, "%5u ", offset);
    for (unsigned i = 0; i < log->depth + log->entered; i++) {
        put(&log->text, "  ");
    }
}

static void put_string(struct text *text, const struct field_value *value)
{
    uint32_t unit = value->field->kind == FIELD_STRING16 ? 2 : 1, len = value->len / unit * unit;
    put(text, "\"");
    for (uint32_t i = 0; i < len; i += unit) {
        unsigned c = unit == 2 ? get_le16(value->bytes + i) : value->bytes[i];
        if (c == 0 && i + unit == len) {
            break;               /* the terminator */
        }
        if (c >= 0x20 && c < 0x7F && c != '"') {
            PUTF(text, "%c", (int)c);
        } else {
            PUTF(text, "\\x%02x", c);
        }
    }
    put(text, "\"");
}

static void put_value(struct text *text, const struct field_value *value)
{
    if (value->made) {
        put(text, "made ");
        if (value->field->kind == FIELD_STRING8) {
            PUTF(text, "\"%s\"", value->text);
            return;
        }
    }
    switch (value->field->kind) {
    case FIELD_STRING8:
    case FIELD_STRING16:
        put_string(text, value);
        break;
    case FIELD_BYTES:
        PUTF(text, "%u bytes", value->len);
        if (value->len <= 16) {
            for (uint32_t i = 0; i < value->len; i++) {
                PUTF(text, "%s%02x", i ? " " : ": ", value->bytes[i]);
            }
        }
        break;
    case FIELD_FLOAT:
    case FIELD_DOUBLE:
    case FIELD_GUID:
    case FIELD_IPV6:
        for (uint32_t i = 0; i < value->len; i++) {
            PUTF(text, "%02x", value->bytes[i]);
        }
        break;
    case FIELD_IPV4:
        PUTF(text, "%u.%u.%u.%u", value->bytes[0], value->bytes[1], value->bytes[2], value->bytes[3]);
        break;
    case FIELD_I16:
    case FIELD_I32:
    case FIELD_I64:
        PUTF(text, "%lld", (long long)value->number);
        break;
    default:
        PUTF(text, value->field->hex || value->field->kind == FIELD_ID ? "0x%llx" : "%llu", (unsigned long long)value->number);
        break;
    }
    if (value->text) {
        put(text, " (");
        put(text, value->text);
        put(text, ")");
    }
}

static void on_value(void *ctx, const struct field_value *value)
{
    struct log *log = ctx;
    if (catalogue_find(&catalogue, value->field) == CATALOGUE_NONE) {
        log->registered = false;
    }
    put_line(log, value->offset);
    put(&log->text, value->field->filter);
    put(&log->text, "=");
    put_value(&log->text, value);
    put(&log->text, "\n");
}

static void on_open(void *ctx, const char *label, uint32_t offset)
{
    struct log *log = ctx;
    put_line(log, offset);
    put(&log->text, label);
    put(&log->text, "\n");
    log->depth++;
}

static void on_close(void *ctx, uint32_t end, const char *summary)
{
    struct log *log = ctx;
    if (log->depth == 0) {
        log->balanced = false;
        return;
    }
    log->depth--;
    put_line(log, end);
    put(&log->text, summary ? "=> " : "=>");
    put(&log->text, summary ? summary : "");
    put(&log->text, "\n");
}

static void on_issue(void *ctx, const struct issue_kind *kind, uint32_t offset, const char *what)
{
    (void)kind;
    struct log *log = ctx;
    log->issues++;
    put_line(log, offset);
    PUTF(&log->text, "!! %s\n", what);
}

static uint8_t *on_room(void *ctx, size_t size)
{
    return heap_alloc(&((struct log *)ctx)->heap, size);
}

static void on_enter(void *ctx, const uint8_t *bytes, uint32_t len, const char *name)
{
    struct log *log = ctx;
    (void)bytes;
    put_line(log, 0);
    PUTF(&log->text, "> %s, %u bytes\n", name, len);
    log->entered++;
}

static void on_leave(void *ctx)
{
    struct log *log = ctx;
    if (log->entered == 0) {
        log->balanced = false;
        return;
    }
    log->entered--;
}

/* ---- the decoders ---- */

/* The words of a case's first line; missing ones are "". */
#define WORDS_MAX 4

static enum prop_form form_of(const char *word)
{
    return strcmp(word, "rop") == 0 ? PROP_ROP : strcmp(word, "extended") == 0 ? PROP_EXTENDED : PROP_ADDRESS_BOOK;
}

static uint32_t number_of(const char *word)
{
    return (uint32_t)strtoul(word, NULL, 16);
}

static void decode_body(struct reader *reader, char (*words)[64])
{
    struct span name = { (const uint8_t *)words[1], strlen(words[1]) };
    mapi_read_body(reader, mapi_type_of(name), strcmp(words[2], "response") == 0, NULL, NULL);
}

static void decode_aux(struct reader *reader, char (*words)[64])
{
    read_aux_buffer(reader, size_of(reader, words[1]));
}

static void decode_rop_buffer(struct reader *reader, char (*words)[64])
{
    read_rop_buffer(reader, size_of(reader, words[2]), strcmp(words[1], "response") == 0, NULL);
}

static void decode_tag(struct reader *reader, char (*words)[64])
{
    read_property_tag_of(reader, form_of(words[1]));
}

static void decode_value(struct reader *reader, char (*words)[64])
{
    read_property_value_of(reader, number_of(words[2]), form_of(words[1]));
}

static void decode_typed(struct reader *reader, char (*words)[64])
{
    read_typed_value(reader, form_of(words[1]));
}

static void decode_tagged(struct reader *reader, char (*words)[64])
{
    read_tagged_value(reader, form_of(words[1]));
}

static void decode_flagged(struct reader *reader, char (*words)[64])
{
    read_flagged_value(reader, number_of(words[2]), form_of(words[1]));
}

static void decode_flagged_with_type(struct reader *reader, char (*words)[64])
{
    read_flagged_value_with_type(reader, number_of(words[2]), form_of(words[1]));
}

static void decode_values(struct reader *reader, char (*words)[64])
{
    read_value_list(reader, form_of(words[1]));
}

static void decode_table(struct reader *reader, char (*words)[64])
{
    enum prop_form form = form_of(words[1]);
    struct columns columns = form == PROP_ADDRESS_BOOK ? read_columns(reader) : read_columns16(reader);
    while (reader_left(reader) > 0) {
        read_property_row(reader, &columns, form);
    }
}

static void decode_restriction(struct reader *reader, char (*words)[64])
{
    read_restriction(reader, form_of(words[1]));
}

static void decode_rule(struct reader *reader, char (*words)[64])
{
    read_rule_action(reader, form_of(words[1]));
}

static void decode_entry_id(struct reader *reader, char (*words)[64])
{
    read_entry_id(reader, size_of(reader, words[1]));
}

/* What rts_decode() finds wrong: "!! name, offset+length: value, expected low to high". */
static void on_rts_issue(void *ctx, const struct rts_issue *issue)
{
    static const char *const names[] = {
        [RTS_BAD_VERSION] = "bad version", [RTS_BAD_PFC_FLAGS] = "bad pfc_flags", [RTS_BAD_DREP] = "bad drep",
        [RTS_BAD_FRAG_LENGTH] = "bad frag_length", [RTS_BAD_AUTH_LENGTH] = "bad auth_length",
        [RTS_BAD_CALL_ID] = "bad call_id", [RTS_TRUNCATED] = "truncated", [RTS_UNKNOWN_COMMAND] = "unknown command",
        [RTS_BAD_ADDRESS_TYPE] = "bad address type", [RTS_TOO_SHORT] = "too short", [RTS_RANGE] = "out of range",
        [RTS_UNDEFINED_FLAGS] = "undefined flags"
    };
    struct log *log = ctx;
    log->issues++;
    put_line(log, issue->offset);
    PUTF(&log->text, "!! %s%s%s, %u bytes: %u, expected %u to %u\n", names[issue->problem], issue->row ? " " : "",
         issue->row ? issue->row->filter : "", issue->length, issue->value, issue->expected_low, issue->expected_high);
}

/* The length on the wire is that of the header: what is missing was not captured. */
static void decode_rts(struct reader *reader, char (*words)[64])
{
    const struct rts_sink sink = { reader->sink, on_rts_issue, reader->sink->ctx };
    struct pdu_header header;
    struct rts_pdu pdu;
    (void)words;
    if (reader_left(reader) < PDU_HEADER_LEN) {
        reader->failed = true;
        return;
    }
    pdu_header_decode(reader->p, &header);
    rts_decode(reader->p, reader->len, header.frag_length, &pdu, &sink);
    reader->pos = reader->len;
}

/* The method's name, its interface's first; "be" and "ndr64" may stand behind. */
static void decode_stub(struct reader *reader, char (*words)[64])
{
    struct emsmdb_stub stub = { .response = strcmp(words[2], "response") == 0, .ndr64 = strstr(words[3], "ndr64") };
    bool found = false;
    for (unsigned i = 0; i < 64 && !found; i++) {
        const char *name;
        stub.interface = i < 32 ? EMSMDB : EMSMDB_ASYNC;
        stub.opnum = (uint16_t)(i % 32);
        name = emsmdb_method_name(stub.interface, stub.opnum);
        found = name && strcmp(name, words[1]) == 0;
    }
    reader->big_endian = strstr(words[3], "be") != NULL;
    emsmdb_read_stub(reader, &stub, NULL);
}

static const struct {
    const char *name;            /* and then: */
    void (*decode)(struct reader *reader, char (*words)[64]);
} decoders[] = {
    { "body", decode_body },                         /* X-RequestType, request or response */
    { "aux", decode_aux },                           /* size; else all */
    { "rop-buffer", decode_rop_buffer },             /* request or response, size */
    { "tag", decode_tag },                           /* form: book, rop or extended */
    { "value", decode_value },                       /* form, property tag or type */
    { "typed", decode_typed },                       /* form */
    { "tagged", decode_tagged },                     /* form */
    { "flagged", decode_flagged },                   /* form, property tag */
    { "flagged-with-type", decode_flagged_with_type },       /* form, property tag */
    { "values", decode_values },                     /* form */
    { "table", decode_table },                       /* form: columns and rows */
    { "restriction", decode_restriction },           /* form */
    { "rule", decode_rule },                         /* form */
    { "entry-id", decode_entry_id },                 /* size; else all */
    { "rts", decode_rts },
    { "fx", decode_stream },                         /* root, places where a piece ends */
    { "idset", decode_idset },                       /* form: replid or replguid, size */
    { "xid", decode_xid },                           /* size; else all */
    { "predecessors", decode_predecessors },         /* size; else all */
    { "ics", decode_ics },                           /* progress, groups or replica */
    { "stub", decode_stub },                         /* method, request or response, "be", "ndr64" or "ndr64-be" */
};

/* ---- one case ---- */

struct vector {
    char title[256];
    char words[WORDS_MAX][64];
    uint32_t whole;              /* as sent; 0: what is there */
    uint8_t bytes[BYTES_MAX];
    uint32_t len;
    struct text expected, head;  /* head: the lines up to "---", for --write */
    unsigned line;
};

static bool decode(const struct vector *v, uint32_t len, uint32_t whole, struct log *log)
{
    const struct field_sink sink = { log, on_value, on_open, on_close, on_issue, on_room, on_enter, on_leave,
                                     NULL };
    struct text text = log->text;
    struct reader reader;
    size_t i = 0;
    while (i < sizeof(decoders) / sizeof(decoders[0]) && strcmp(decoders[i].name, v->words[0]) != 0) {
        i++;
    }
    if (i == sizeof(decoders) / sizeof(decoders[0])) {
        return false;
    }
    memset(log, 0, sizeof(*log));
    log->text = text;
    log->text.len = 0;
    put(&log->text, "");
    log->balanced = log->registered = true;
    /* A copy of exactly these bytes, so that a sanitizer sees a read behind them. */
    uint8_t *copy = malloc(len ? len : 1);
    if (!copy) {
        abort();
    }
    memcpy(copy, v->bytes, len);
    reader_init(&reader, copy, len, whole, &sink);
    decoders[i].decode(&reader, (char (*)[64])v->words);
    log->balanced = log->balanced && log->depth == 0 && log->entered == 0 && reader.pos <= reader.len;
    if (!reader.failed && reader.pos < reader.len) {
        PUTF(&log->text, "-- %u bytes not read\n", reader.len - reader.pos);
    }
    free(copy);
    heap_free(&log->heap);
    return true;
}

static bool complain(const char *file, const struct vector *v, const char *what, uint32_t at)
{
    fprintf(stderr, "%s:%u: %s: %s, of the first %u bytes\n", file, v->line, v->title, what, at);
    return false;
}

/* The lines of one that the other does not have in the same place. */
static void show_difference(const char *expected, const char *got)
{
    while (*expected || *got) {
        size_t one = strcspn(expected, "\n"), other = strcspn(got, "\n");
        if (one == other && memcmp(expected, got, one) == 0) {
            fprintf(stderr, "  %.*s\n", (int)one, expected);
        } else {
            if (*expected) {
                fprintf(stderr, "- %.*s\n", (int)one, expected);
            }
            if (*got) {
                fprintf(stderr, "+ %.*s\n", (int)other, got);
            }
        }
        expected += one + (expected[one] != '\0');
        got += other + (got[other] != '\0');
    }
}

/* Whether nothing of this case may be missing: bodies that the specification describes. */
static bool needs_all(const struct vector *v)
{
    struct span name = { (const uint8_t *)v->words[1], strlen(v->words[1]) };
    return strcmp(v->words[0], "body") == 0 && mapi_type_of(name) != MAPI_UNKNOWN;
}

static bool run_case(const char *file, const struct vector *v, struct log *log, bool write)
{
    uint32_t whole = v->whole ? v->whole : v->len;
    if (!decode(v, v->len, whole, log)) {
        return complain(file, v, "a decoder that the runner does not have", v->len);
    }
    if (!log->balanced) {
        return complain(file, v, "groups that are not closed", v->len);
    }
    if (!log->registered) {
        return complain(file, v, "a row that no layout leads to", v->len);
    }
    if (!write && strcmp(log->text.p, v->expected.p ? v->expected.p : "") != 0) {
        fprintf(stderr, "%s:%u: %s\n", file, v->line, v->title);
        show_difference(v->expected.p ? v->expected.p : "", log->text.p);
        return false;
    }
    unsigned issues = log->issues;
    uint32_t step = v->len / CUTS_MAX + 1;
    struct log cut = { .depth = 0 };
    bool good = true;
    for (uint32_t len = 0; len < v->len && good; len += step) {
        decode(v, len, whole, &cut);
        good = cut.balanced || complain(file, v, "groups that are not closed when the capture cuts it", len);
        if (cut.issues > issues) {
            good = complain(file, v, "an issue that the capture made", len);
        }
        decode(v, len, len, &cut);
        good = good && (cut.balanced || complain(file, v, "groups that are not closed when it is cut", len));
        if (good && needs_all(v) && issues == 0 && cut.issues == 0) {
            good = complain(file, v, "no issue though it is cut", len);
        }
    }
    free(cut.text.p);
    if (good && strcmp(v->words[0], "fx") == 0 && !stream_same_in_pieces(v->words[1], v->bytes, v->len)) {
        good = complain(file, v, "other things said when it is cut", v->len);
    }
    return good;
}

static void note_log(struct log *log)
{
    for (char *line = log->text.p, *end; (end = strchr(line, '\n')); line = end + 1) {
        *end = '\0';
        transcript("%.1000s", line);
    }
}

/* What is said of the same bytes with one changed, at each place, and of those that a sender has cut. */
static void note_damaged(struct vector *v)
{
    static const uint8_t flip[] = { 0x01, 0x02, 0x40, 0x80, 0xFF };
    uint32_t more = v->whole && v->whole != UINT32_MAX ? v->whole : v->len;
    struct log log = { .depth = 0 };
    transcript_fold();
    for (uint32_t i = 0; i < v->len; i += v->len / DAMAGED_MAX + 1) {
        for (size_t k = 0; k < sizeof(flip); k++) {
            v->bytes[i] ^= flip[k];
            decode(v, v->len, more, &log);
            v->bytes[i] ^= flip[k];
            note_log(&log);
        }
    }
    for (uint32_t len = 0; len < v->len; len += v->len / CUTS_NOTED + 1) {
        decode(v, len, len, &log);
        note_log(&log);
    }
    transcript_unfold(v->title);
    free(log.text.p);
}

/* ---- files ---- */

static bool take_bytes(struct vector *v, const char *p)
{
    while (*p && *p != '\n') {
        unsigned byte;
        int used = 0;
        bool wide = p[0] == 'L' && p[1] == '"';
        if (*p == ' ' || *p == '\r') {
            p++;
        } else if (*p == '"' || wide) {
            for (p += wide ? 2 : 1; *p && *p != '"'; p++) {
                if (v->len + 2 > BYTES_MAX) {
                    return false;
                }
                v->bytes[v->len++] = (uint8_t)*p;
                if (wide) {
                    v->bytes[v->len++] = 0;
                }
            }
            p += *p == '"';
        } else if (v->len < BYTES_MAX && sscanf(p, "%2x%n", &byte, &used) == 1 && used == 2) {
            v->bytes[v->len++] = (uint8_t)byte;
            p += 2;
        } else {
            return false;
        }
    }
    return true;
}

static void take_words(struct vector *v, char *line)
{
    unsigned i = 0;
    for (char *word = strtok(line, " \r\n"); word && i < WORDS_MAX; word = strtok(NULL, " \r\n")) {
        snprintf(v->words[i++], sizeof(v->words[0]), "%s", word);
    }
}

static void begin(struct vector *v, const char *title, unsigned line)
{
    memset(v->words, 0, sizeof(v->words));
    snprintf(v->title, sizeof(v->title), "%.*s", (int)strcspn(title, "\n"), title);
    v->whole = v->len = 0;
    v->expected.len = v->head.len = 0;
    put(&v->expected, "");
    put(&v->head, "");
    v->line = line;
}

static void finish(const char *file, struct vector *v, struct log *log, struct text *rewritten, bool write,
                   unsigned counts[2])
{
    bool good = run_case(file, v, log, write);
    counts[good ? 0 : 1]++;
    if (!write) {
        note_damaged(v);
    }
    put_run(rewritten, v->head.p, v->head.len);
    put(rewritten, "---\n");
    put_run(rewritten, log->text.p ? log->text.p : "", log->text.len);
    put(rewritten, "\n");
}

static bool run_file(const char *name, bool write, unsigned counts[2])
{
    static struct vector v;
    static struct log log;
    static char line[16384];
    struct text rewritten = { NULL, 0, 0 };
    FILE *file = fopen(name, "r");
    enum { BEFORE, TITLE, HEAD, EVENTS } at = BEFORE;
    if (!file) {
        fprintf(stderr, "%s cannot be opened\n", name);
        return false;
    }
    put(&rewritten, "");
    for (unsigned number = 1; fgets(line, sizeof(line), file); number++) {
        if (strncmp(line, "## ", 3) == 0) {
            if (at != BEFORE) {
                finish(name, &v, &log, &rewritten, write, counts);
            }
            begin(&v, line + 3, number);
            at = TITLE;
        }
        if (at == BEFORE) {
            put(&rewritten, line);
        } else if (at == EVENTS) {
            if (line[0] != '\n') {
                put(&v.expected, line);
            }
        } else if (strncmp(line, "---", 3) == 0) {
            at = EVENTS;
        } else {
            put(&v.head, line);
            if (line[0] == '#' || line[0] == '\n') {
                continue;
            }
            if (at == TITLE) {
                take_words(&v, line);
                at = HEAD;
            } else if (strncmp(line, "sent ", 5) == 0) {
                v.whole = strncmp(line + 5, "more", 4) == 0 ? UINT32_MAX : (uint32_t)strtoul(line + 5, NULL, 10);
            } else if (!take_bytes(&v, line)) {
                fprintf(stderr, "%s:%u: neither hexadecimal bytes nor text\n", name, number);
                counts[1]++;
            }
        }
    }
    if (at != BEFORE) {
        finish(name, &v, &log, &rewritten, write, counts);
    }
    fclose(file);
    if (!write) {
        unsigned failed = unit_failed;
        transcript_end(name);
        counts[1] += unit_failed - failed;
    } else {
        while (rewritten.len > 1 && rewritten.p[rewritten.len - 1] == '\n' && rewritten.p[rewritten.len - 2] == '\n') {
            rewritten.p[--rewritten.len] = '\0';
        }
        file = fopen(name, "w");
        if (!file || fwrite(rewritten.p, 1, rewritten.len, file) != rewritten.len || fclose(file) != 0) {
            fprintf(stderr, "%s cannot be written\n", name);
            counts[1]++;
        }
    }
    free(rewritten.p);
    free(v.expected.p);
    free(v.head.p);
    free(log.text.p);
    v.expected = v.head = log.text = (struct text){ NULL, 0, 0 };
    return true;
}

int main(int argc, char **argv)
{
    bool write = argc > 1 && strcmp(argv[1], "--write") == 0;
    unsigned counts[2] = { 0, 0 };
    struct heap heap = { NULL, 0 };
    char why[CATALOGUE_WHY_MAX];
    catalogue_init(&catalogue, heap_arena(&heap));
    bool good = catalogue_add(&catalogue, "rpch.rts.", rts_layouts, why);
    for (const struct layout_part *part = mapi_layouts; good && part->prefix; part++) {
        good = catalogue_add(&catalogue, part->prefix, part->layout, why);
    }
    if (!good) {
        fprintf(stderr, "%s\n", why);
        counts[1]++;
    }
    for (int i = write ? 2 : 1; i < argc; i++) {
        if (!run_file(argv[i], write, counts)) {
            counts[1]++;
        }
    }
    heap_free(&heap);
    printf("%u passed, %u failed\n", counts[0], counts[1]);
    return counts[1] || !counts[0];
}
