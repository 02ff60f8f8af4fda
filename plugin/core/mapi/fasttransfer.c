/* fasttransfer.c
 * FastTransfer streams: what the bytes are, and how they are shown.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "fasttransfer.h"

#include "fx_syntax.h"
#include "idsets.h"
#include "layout.h"
#include "names.h"
#include "properties.h"

#include <stdio.h>

/* ---- rows ---- */

#define KIND_DISPID 0u
#define KIND_NAME 1u

static FIELD_NAMES(kind_names, KIND_DISPID, "dispid", KIND_NAME, "name");

static LAYOUT(marker_row, X32("fx.marker", "Marker", .names = fx_marker_names));
static LAYOUT(named, UUID("fx.name.guid", "GUID", .text = ox_guid_text),
              U8("fx.name.kind", "Kind", .names = kind_names));
static LAYOUT(named_dispid, X32("fx.name.lid", "LID"));
static LAYOUT(named_name, STRING16("fx.name.text", "Name"));
static LAYOUT(boolean_high, X8("fx.value.boolean_high", "High byte of the value"));
static LAYOUT(warning, X32("fx.ec_warning", "Value", .text = ox_error_text));
static LAYOUT(big_endian_string, RUN(0, "fx.value.string_be", "Value in UTF-16BE"));
static LAYOUT(part_row, RUN(0, "fx.value.part", "Part of the value"));
static LAYOUT(unfinished, RUN(0, "fx.unfinished", "Goes on in the next piece"));
static LAYOUT(skipped, RUN(0, "fx.skipped", "Not read: no marker so far"));

LAYOUT(fx_layouts, INCLUDE(marker_row), INCLUDE(named), INCLUDE(named_dispid), INCLUDE(named_name),
       INCLUDE(boolean_high), INCLUDE(warning), INCLUDE(big_endian_string), INCLUDE(part_row), INCLUDE(unfinished),
       INCLUDE(skipped), INCLUDE(property_layouts), INCLUDE(idset_layouts));

/* ---- types, 2.2.4.1 ---- */

#define TAG_LEN 4u
#define NAMED_PROPERTIES 0x8000u
#define NAMED_LEN (TAG_LEN + 16u + 1u) /* with GUID and kind */
#define NAME_MAX 512u                  /* bytes, with the terminator; ROPs can write at most 255 */
#define LOST_MARKER_LEN 3u             /* of a marker that is not whole yet */
#define SIZE_SUSPECT 0x80000000u

#define DEL_PROP 0x40160003u
#define EC_WARNING 0x400F0003u
#define IDSET_GIVEN 0x40170003u
#define NO_NAME 0x00000102u /* ProgressInformation, PropertyGroupInfo, ExtendedErrorInfo */

#define CODE_PAGE_UTF16 0x04B0u
#define CODE_PAGE_UTF16_BE 0x04B1u
#define CODE_PAGE_UTF16_OTHER 0x14B0u /* as other implementations write it */

enum fx_next {
    NEXT_ELEMENT, /* a marker or a property */
    NEXT_COUNT,   /* of several values */
    NEXT_VALUE,   /* of a fixed size, or its size */
    NEXT_BYTES,   /* of a value, or what is left of it */
    NEXT_MARKER   /* somewhere: the stream is lost */
};

/* How many bytes a single value has. */
#define SIZE_TOLD 0u
#define SIZE_UNKNOWN UINT32_MAX

static uint16_t type_of(uint32_t tag)
{
    return tag == IDSET_GIVEN ? PTYP_BINARY : (uint16_t)tag; /* 3.2.5.2.1 */
}

static bool is_multiple(uint16_t type)
{
    return !(type & TYPE_CODE_PAGE) && (type & TYPE_MULTIPLE);
}

/* The type of one value: strings of a code page become one of the two types of strings. */
static uint16_t single_type(uint16_t type)
{
    if (type & TYPE_CODE_PAGE) {
        const uint16_t page = type & (uint16_t)~TYPE_CODE_PAGE;
        return page == CODE_PAGE_UTF16 || page == CODE_PAGE_UTF16_OTHER ? PTYP_STRING : PTYP_STRING8;
    }
    return type & (uint16_t)~TYPE_MULTIPLE;
}

static uint32_t size_of_type(uint16_t type)
{
    if (is_multiple(type) && !property_type_name(type)) {
        return SIZE_UNKNOWN;
    }
    switch (single_type(type)) {
    case PTYP_INTEGER16:
    case PTYP_BOOLEAN: /* one byte elsewhere */
        return 2;
    case PTYP_INTEGER32:
    case PTYP_FLOATING32:
    case PTYP_ERROR_CODE:
        return 4;
    case PTYP_FLOATING64:
    case PTYP_CURRENCY:
    case PTYP_FLOATING_TIME:
    case PTYP_INTEGER64:
    case PTYP_TIME:
        return 8;
    case PTYP_GUID:
        return 16;
    case PTYP_STRING8:
    case PTYP_STRING:
    case PTYP_BINARY:
    case PTYP_OBJECT:
    case PTYP_SERVER_ID:
        return SIZE_TOLD;
    default:
        return SIZE_UNKNOWN;
    }
}

/* ---- what is shown ---- */

/* Of one piece. at: where the lexer is; the reader is there, too, as long as it shows anything. Once
 * that has failed the lexer goes on alone. */
struct reading {
    struct reader *reader;
    struct fx_lexer *lexer;
    uint32_t at, end;
    uint8_t opened; /* of lexer->nested, in this piece */
    bool property;  /* its group is open */
};

static const char *property_label(uint32_t tag, char room[TAG_LABEL_MAX])
{
    const char *name = ics_tag_name(tag);
    return name ? name : label_of_tag(NULL, tag, PROP_ROP, room);
}

/* Opens what the next thing is in, as far as that is not open yet. False: nothing is shown. */
static bool stand(struct reading *reading, bool in_property)
{
    struct reader *reader = reading->reader;
    const struct fx_lexer *lexer = reading->lexer;
    if (!reader->failed) {
        reader->pos = reading->at;
    }
    while (reading->opened < lexer->depth && reader_open(reader, fx_label(lexer->nested[reading->opened].kind))) {
        reading->opened++;
    }
    if (in_property && !reading->property) {
        char room[TAG_LABEL_MAX];
        reading->property = reader_open(reader, property_label(lexer->tag, room));
    }
    return !reader->failed;
}

static void reach(struct reading *reading)
{
    if (!reading->reader->failed) {
        reading->reader->pos = reading->at;
    }
}

/* Closes all but kept elements. */
static void close_to(struct reading *reading, uint8_t kept)
{
    reach(reading);
    for (; reading->opened > kept; reading->opened--) {
        reader_close(reading->reader, NULL);
    }
}

static void end_property(struct reading *reading, const struct gist *gist)
{
    reach(reading);
    if (reading->property) {
        gist_close(reading->reader, gist);
        reading->property = false;
    }
    reading->lexer->next = NEXT_ELEMENT;
}

/* The rest is not read before the next marker. */
static bool lose(struct reading *reading, const char *what)
{
    if (!reading->lexer->guess && stand(reading, false)) {
        reader_warn(reading->reader, reading->at, what);
    }
    close_to(reading, 0);
    fx_begin_lost(reading->lexer);
    return true;
}

/* What is not whole yet waits for the next piece. */
static bool wait(struct reading *reading)
{
    reading->lexer->unfinished = reading->end - reading->at;
    if (reading->lexer->unfinished > 0 && stand(reading, reading->lexer->next != NEXT_ELEMENT)) {
        read_run(reading->reader, unfinished, reading->lexer->unfinished);
    }
    return false;
}

/* ---- markers and tags ---- */

/* What a marker or a property does to the elements; what is shown next is in the innermost. */
static struct fx_turn take(struct reading *reading, uint32_t word)
{
    struct fx_turn turn = fx_take(reading->lexer, word);
    close_to(reading, turn.kept);
    if (stand(reading, false) && turn.issue) {
        reader_warn(reading->reader, reading->at, turn.issue);
    }
    return turn;
}

static void read_marker(struct reading *reading, uint32_t word)
{
    struct fx_turn turn = take(reading, word);
    read_rows(reading->reader, marker_row);
    reading->at += TAG_LEN;
    if (turn.ends) {
        fx_end(reading->lexer);
        close_to(reading, reading->lexer->depth);
    }
}

/* The length of tag and name; 0: more bytes are needed, UINT32_MAX: there is no end to the name,
 * or no such kind. */
static uint32_t tag_length(struct fx_lexer *lexer, const uint8_t *p, uint32_t left)
{
    if (get_le16(p + 2) < NAMED_PROPERTIES) {
        return TAG_LEN;
    }
    if (left < NAMED_LEN) {
        return 0;
    }
    if (p[NAMED_LEN - 1] == KIND_DISPID) {
        return left < NAMED_LEN + 4 ? 0 : NAMED_LEN + 4;
    }
    if (p[NAMED_LEN - 1] != KIND_NAME) {
        return UINT32_MAX;
    }
    uint32_t at = lexer->searched > NAMED_LEN ? lexer->searched : NAMED_LEN;
    for (; left - at >= 2; at += 2) {
        if (get_le16(p + at) == 0) {
            return at + 2;
        }
        if (at >= NAMED_LEN + NAME_MAX - 2) {
            return UINT32_MAX;
        }
    }
    lexer->searched = at;
    return 0;
}

static void show_tag(struct reading *reading, const uint8_t *p)
{
    struct reader *reader = reading->reader;
    if (!stand(reading, true)) {
        return;
    }
    read_tag(reader, PROP_ROP);
    if (get_le16(p + 2) >= NAMED_PROPERTIES) {
        read_rows(reader, named);
        read_rows(reader, p[NAMED_LEN - 1] == KIND_DISPID ? named_dispid : named_name);
    }
}

static bool read_element(struct reading *reading)
{
    struct fx_lexer *lexer = reading->lexer;
    const uint8_t *p = reading->reader->p + reading->at;
    const uint32_t left = reading->end - reading->at;
    if (left < TAG_LEN) {
        return wait(reading);
    }
    const uint32_t word = get_le32(p);
    if (fx_is_marker(word)) {
        read_marker(reading, word);
        return true;
    }
    if (size_of_type(type_of(word)) == SIZE_UNKNOWN) {
        return lose(reading, "Neither a marker nor a property of a type that such streams have");
    }
    const uint32_t len = tag_length(lexer, p, left);
    if (len == UINT32_MAX) {
        return lose(reading, "A named property whose name is of no known kind, or has no end");
    }
    if (len == 0) {
        return wait(reading);
    }
    lexer->searched = 0;
    lexer->tag = word;
    lexer->count = lexer->items = 0;
    lexer->next = is_multiple(type_of(word)) ? NEXT_COUNT : NEXT_VALUE;
    take(reading, word);
    show_tag(reading, p);
    reading->at += len;
    return true;
}

/* ---- values ---- */

/* Behind one value. */
static void end_value(struct reading *reading, const struct gist *gist)
{
    struct fx_lexer *lexer = reading->lexer;
    const uint16_t type = type_of(lexer->tag);
    if (!is_multiple(type)) {
        end_property(reading, gist);
        return;
    }
    lexer->next = NEXT_VALUE;
    if (--lexer->items == 0) {
        const struct gist all = { .type = type, .count = lexer->count };
        end_property(reading, &all);
    }
}

static bool read_count(struct reading *reading)
{
    struct fx_lexer *lexer = reading->lexer;
    if (reading->end - reading->at < 4) {
        return wait(reading);
    }
    lexer->count = lexer->items = get_le32(reading->reader->p + reading->at);
    lexer->next = NEXT_VALUE;
    if (stand(reading, true)) {
        read_value_count(reading->reader);
    }
    reading->at += 4;
    if (lexer->items == 0) {
        const struct gist none = { .type = type_of(lexer->tag), .count = 0 };
        end_property(reading, &none);
    }
    return true;
}

static struct gist show_fixed(struct reader *reader, uint32_t tag, uint16_t type)
{
    struct gist gist = { .type = PTYP_UNSPECIFIED };
    const uint32_t at = reader->pos;
    if (tag == DEL_PROP) {
        read_property_tag_of(reader, PROP_ROP);
    } else if (tag == EC_WARNING) {
        read_rows(reader, warning);
    } else {
        gist = read_fixed_value(reader, (tag & 0xFFFF0000u) | type);
    }
    if (type == PTYP_BOOLEAN) {
        read_rows(reader, boolean_high);
        if (!reader->failed && get_le16(reader->p + at) > 1) {
            reader_warn(reader, at, "A Boolean that is neither 0 nor 1");
        }
    }
    return gist;
}

static bool read_value(struct reading *reading)
{
    struct fx_lexer *lexer = reading->lexer;
    const uint16_t type = type_of(lexer->tag);
    const uint32_t fixed = size_of_type(type), left = reading->end - reading->at;
    if (left < (fixed == SIZE_TOLD ? 4 : fixed)) {
        return wait(reading);
    }
    const bool shown = stand(reading, true);
    if (fixed != SIZE_TOLD) {
        struct gist gist = { .type = PTYP_UNSPECIFIED };
        if (shown) {
            gist = show_fixed(reading->reader, lexer->tag, single_type(type));
        }
        reading->at += fixed;
        end_value(reading, &gist);
        return true;
    }
    lexer->size = get_le32(reading->reader->p + reading->at);
    lexer->gone = 0;
    lexer->next = NEXT_BYTES;
    if (shown) {
        read_value_size(reading->reader);
        if (lexer->size >= SIZE_SUSPECT) {
            reader_warn(reading->reader, reading->at, "A value of 2 GB or more");
        }
    }
    reading->at += 4;
    return true;
}

/* What a binary value is, by its tag; what has none, by the element that it is in. */
static enum ics_value value_of(const struct fx_lexer *lexer)
{
    if (lexer->tag != NO_NAME) {
        return ics_value_of_tag(lexer->tag);
    }
    switch (lexer->nested[lexer->depth - 1].kind) {
    case FX_PROGRESS_TOTAL:
        return ICS_PROGRESS;
    case FX_GROUP_INFO:
        return ICS_PROPERTY_GROUPS;
    case FX_ERROR_INFO:
        return lexer->size >= ICS_ERROR_INFO_LEN ? ICS_ERROR_INFO : ICS_BYTES;
    default:
        return ICS_BYTES;
    }
}

/* A value that is here from its first byte to its last. */
static struct gist show_bytes(struct reading *reading)
{
    const struct fx_lexer *lexer = reading->lexer;
    const uint16_t type = type_of(lexer->tag), single = single_type(type);
    const enum ics_value what = value_of(lexer);
    struct gist gist = { .type = PTYP_UNSPECIFIED };
    if (!stand(reading, true)) {
        return gist;
    }
    struct reader part = reader_part(reading->reader, lexer->size);
    if (single == PTYP_STRING && lexer->size % 2 != 0) {
        reader_warn(&part, part.pos, "A string of 16-bit characters of an odd number of bytes");
    }
    if (what != ICS_BYTES && lexer->size > 0) {
        gist = (struct gist){ .type = PTYP_BINARY, .bytes = { part.p + part.pos, lexer->size } };
        read_ics_value(&part, what, lexer->size);
    } else if (type == (TYPE_CODE_PAGE | CODE_PAGE_UTF16_BE) && lexer->size > 0) {
        read_run(&part, big_endian_string, lexer->size);
    } else {
        part.code_page = type & TYPE_CODE_PAGE ? type & (uint16_t)~TYPE_CODE_PAGE : part.code_page;
        gist = read_sized_value(&part, (lexer->tag & 0xFFFF0000) | single, lexer->size);
    }
    reader_resume(reading->reader, &part);
    return gist;
}

/* What is here of a value that is not carried. */
static void show_part(struct reading *reading, uint32_t len)
{
    if (len > 0 && stand(reading, true)) {
        read_run(reading->reader, part_row, len);
    }
    reading->at += len;
}

/* The property's group ends, but it does not. */
static void close_unfinished(struct reading *reading)
{
    const struct fx_lexer *lexer = reading->lexer;
    const uint32_t here = lexer->gone + lexer->unfinished;
    char text[64];
    if (!reading->property) {
        return;
    }
    if (lexer->next == NEXT_BYTES) {
        snprintf(text, sizeof(text), "%lu of %lu bytes, goes on in the next piece", (unsigned long)here,
                 (unsigned long)lexer->size);
    }
    reader_close(reading->reader, lexer->next == NEXT_BYTES ? text : "goes on in the next piece");
    reading->property = false;
}

static bool read_bytes(struct reading *reading)
{
    struct fx_lexer *lexer = reading->lexer;
    const uint32_t left = reading->end - reading->at, wanted = lexer->size - lexer->gone;
    struct gist gist = { .type = PTYP_UNSPECIFIED };
    if (left < wanted) {
        if (lexer->gone == 0 && lexer->size <= FX_CARRY_MAX) {
            return wait(reading);
        }
        show_part(reading, left);
        lexer->gone += left;
        return false;
    }
    if (lexer->gone == 0) {
        gist = show_bytes(reading);
        reading->at += wanted;
    } else {
        show_part(reading, wanted);
        if (reading->property && !is_multiple(type_of(lexer->tag))) {
            char text[64];
            snprintf(text, sizeof(text), "the last %lu of %lu bytes", (unsigned long)wanted,
                     (unsigned long)lexer->size);
            reader_close(reading->reader, text);
            reading->property = false;
        }
    }
    end_value(reading, &gist);
    return true;
}

/* ---- pieces ---- */

/* Looks for a marker at any byte. */
static bool read_lost(struct reading *reading)
{
    struct fx_lexer *lexer = reading->lexer;
    const uint8_t *p = reading->reader->p + reading->at;
    const uint32_t left = reading->end - reading->at;
    uint32_t len = 0;
    while (left - len >= TAG_LEN && !fx_is_marker(get_le32(p + len))) {
        len++;
    }
    const bool found = left - len >= TAG_LEN;
    if (!found) {
        len = left;
        lexer->unfinished = left < LOST_MARKER_LEN ? left : LOST_MARKER_LEN;
    }
    if (len > 0 && stand(reading, false)) {
        read_run(reading->reader, skipped, len);
    }
    reading->at += len;
    if (found) {
        lexer->next = NEXT_ELEMENT;
    }
    return found;
}

static bool read_next(struct reading *reading)
{
    switch (reading->lexer->next) {
    case NEXT_ELEMENT:
        return read_element(reading);
    case NEXT_COUNT:
        return read_count(reading);
    case NEXT_VALUE:
        return read_value(reading);
    case NEXT_BYTES:
        return read_bytes(reading);
    default:
        return read_lost(reading);
    }
}

/* So many bytes that were sent next are not there; UINT32_MAX: nobody knows how many. */
static void miss(struct fx_lexer *lexer, uint32_t missing)
{
    const uint32_t here = lexer->gone + lexer->unfinished;
    if (lexer->next == NEXT_BYTES && missing < UINT32_MAX && missing <= lexer->size - here) {
        lexer->gone = here + missing;
        lexer->unfinished = 0;
    } else {
        fx_begin_lost(lexer);
    }
}

void fx_read(struct reader *reader, struct fx_lexer *lexer)
{
    struct reading reading = { .reader = reader, .lexer = lexer, .at = reader->pos, .end = reader->len };
    if (reader->failed) {
        return;
    }
    lexer->unfinished = 0;
    while (read_next(&reading)) {
    }
    reading.at = reading.end;
    reach(&reading);
    close_unfinished(&reading);
    for (; reading.opened > 0; reading.opened--) {
        const bool more = reading.opened > 1 && fx_wants_more(&lexer->nested[reading.opened - 1]);
        reader_close(reader, more ? "goes on in the next piece" : NULL);
    }
    if (reader->whole > reader->len) {
        miss(lexer, reader->whole == UINT32_MAX ? UINT32_MAX : reader->whole - reader->len);
    }
}

void fx_begin(struct fx_lexer *lexer, enum fx_root root)
{
    static const uint8_t kinds[] = {
        [FX_UNKNOWN] = FX_STREAM,
        [FX_CONTENTS_SYNC] = FX_CONTENTS,
        [FX_HIERARCHY_SYNC] = FX_HIERARCHY,
        [FX_STATE] = FX_STATES,
        [FX_FOLDER_CONTENT] = FX_FOLDER_ROOT,
        [FX_MESSAGE_CONTENT] = FX_MESSAGE_ROOT,
        [FX_ATTACHMENT_CONTENT] = FX_ATTACHMENT_ROOT,
        [FX_MESSAGE_LIST] = FX_MESSAGES,
        [FX_TOP_FOLDER] = FX_TOP_FOLDERS,
    };
    memset(lexer, 0, sizeof(*lexer));
    fx_plant(lexer, (enum fx_kind)kinds[root]);
}

void fx_begin_lost(struct fx_lexer *lexer)
{
    memset(lexer, 0, sizeof(*lexer));
    fx_plant(lexer, FX_GUESS);
    lexer->guess = true;
    lexer->next = NEXT_MARKER;
}

bool fx_may_end(const struct fx_lexer *lexer)
{
    bool may = lexer->next == NEXT_ELEMENT && lexer->unfinished == 0 && lexer->deeper == 0 && !lexer->guess;
    for (uint8_t i = 0; i < lexer->depth && may; i++) {
        may = !fx_wants_more(&lexer->nested[i]);
    }
    return may;
}
