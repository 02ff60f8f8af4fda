/* out.c
 * Text of any length on its way to a reader.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "out.h"

#include "tables.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#define FIRST_ROOM 1024

void out_bytes(struct out *out, const char *bytes, size_t len)
{
    if (len > UINT32_MAX / 4 - out->used) {
        return; /* a report has some kilobytes */
    }
    while (out->used + len + 1 > out->room) {
        out->s = arena_grow(out->arena, out->s, &out->room, FIRST_ROOM, 1);
    }
    memcpy(out->s + out->used, bytes, len);
    out->used += (uint32_t)len;
    out->s[out->used] = '\0';
}

void out_text(struct out *out, const char *text)
{
    out_bytes(out, text, strlen(text));
}

void out_say(struct out *out, const char *format, ...)
{
    char piece[SAY_MAX];
    va_list args;
    va_start(args, format);
    const int len = vsnprintf(piece, sizeof(piece), format, args);
    va_end(args);
    if (len > 0) {
        out_bytes(out, piece, (size_t)len < sizeof(piece) ? (size_t)len : sizeof(piece) - 1);
    }
}

const char *out_string(const struct out *out)
{
    return out->s ? out->s : "";
}

void out_empty(struct out *out)
{
    out->used = 0;
    if (out->s) {
        out->s[0] = '\0';
    }
}

/* ---- Values for people --------------------------------------------------------------- */

const char *count_text(char to[COUNT_TEXT_MAX], uint32_t count)
{
    if (count >= 1000000000) {
        snprintf(to, COUNT_TEXT_MAX, "%" PRIu32 ",%03" PRIu32 ",%03" PRIu32 ",%03" PRIu32, count / 1000000000,
                 count / 1000000 % 1000, count / 1000 % 1000, count % 1000);
    } else if (count >= 1000000) {
        snprintf(to, COUNT_TEXT_MAX, "%" PRIu32 ",%03" PRIu32 ",%03" PRIu32, count / 1000000, count / 1000 % 1000,
                 count % 1000);
    } else if (count >= 1000) {
        snprintf(to, COUNT_TEXT_MAX, "%" PRIu32 ",%03" PRIu32, count / 1000, count % 1000);
    } else {
        snprintf(to, COUNT_TEXT_MAX, "%" PRIu32, count);
    }
    return to;
}

void out_count(struct out *out, uint32_t count, const char *one, const char *many)
{
    out_say(out, "%s %s", COUNTED(count), count == 1 ? one : many);
}

/* Days since 1970 as a date of the Gregorian calendar, without what a C library may know of zones and years. */
static void date_of(int64_t days, int64_t *year, unsigned *month, unsigned *day)
{
    /* Years begin in March: the day that leap years add is then the last. 719468 days: from March of year 0. */
    const int64_t shifted = days + 719468;
    const int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    const unsigned of_era = (unsigned)(shifted - era * 146097);
    const unsigned year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    const unsigned of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const unsigned from_march = (5 * of_year + 2) / 153;
    *day = of_year - (153 * from_march + 2) / 5 + 1;
    *month = from_march < 10 ? from_march + 3 : from_march - 9;
    *year = (int64_t)year_of_era + era * 400 + (*month <= 2);
}

/* To the millisecond below, as Wireshark cuts it. */
static void moment_text(char to[TIME_TEXT_MAX], int64_t ns, const char *between)
{
    int64_t seconds = ns / SECOND, year;
    unsigned month, day;
    int64_t rest = ns % SECOND;
    if (rest < 0) {
        rest += SECOND;
        seconds--;
    }
    const int64_t days = seconds >= 0 ? seconds / 86400 : -((86399 - seconds) / 86400);
    const unsigned of_day = (unsigned)(seconds - days * 86400);
    char date[16] = "";
    if (between) {
        date_of(days, &year, &month, &day);
        snprintf(date, sizeof(date), "%04d-%02u-%02u", (int)year, month % 100, day % 100);
    }
    snprintf(to, TIME_TEXT_MAX, "%s%.1s%02u:%02u:%02u.%03uZ", date, between ? between : "", of_day / 3600 % 24,
             of_day / 60 % 60, of_day % 60, (unsigned)(rest / MILLISECOND) % 1000);
}

const char *time_text(char to[TIME_TEXT_MAX], int64_t ns, bool date)
{
    moment_text(to, ns, date ? " " : NULL);
    return to;
}

const char *iso_text(char to[TIME_TEXT_MAX], int64_t ns)
{
    moment_text(to, ns, "T");
    return to;
}

const char *span_text(char to[TIME_TEXT_MAX], int64_t ns)
{
    const int64_t ms = (ns < 0 ? 0 : ns) / MILLISECOND, seconds = ms / 1000;
    if (ms < 1000) {
        snprintf(to, TIME_TEXT_MAX, "%" PRId64 " ms", ms);
    } else if (seconds < 120) {
        snprintf(to, TIME_TEXT_MAX, "%" PRId64 ".%" PRId64 " s", seconds, ms % 1000 / 100);
    } else if (seconds < 7200) {
        snprintf(to, TIME_TEXT_MAX, "%" PRId64 " min %" PRId64 " s", seconds / 60, seconds % 60);
    } else {
        snprintf(to, TIME_TEXT_MAX, "%" PRId64 " h %" PRId64 " min", seconds / 3600, seconds % 3600 / 60);
    }
    return to;
}

/* ---- Characters ---------------------------------------------------------------------- */

/* The length of the character at s of len bytes, and its code; 1 and 0xFFFD for a byte that begins none. */
static size_t character(const uint8_t *s, size_t len, uint32_t *code)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    const size_t size = s[0] < 0x80 ? 1 : s[0] < 0xC0 ? 0 : s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : s[0] < 0xF8 ? 4 : 0;
    *code = 0xFFFD;
    if (size == 0 || size > len) {
        return 1;
    }
    uint32_t value = size == 1 ? s[0] : s[0] & (0x7Fu >> size);
    for (size_t i = 1; i < size; i++) {
        if ((s[i] & 0xC0) != 0x80) {
            return 1;
        }
        value = value << 6 | (s[i] & 0x3F);
    }
    if (value < least[size] || value > 0x10FFFF || (value >= 0xD800 && value < 0xE000)) {
        return 1;
    }
    *code = value;
    return size;
}

/* What must not reach a terminal: controls of both sets, and what turns the direction of text. */
static bool is_harmful(uint32_t code)
{
    return code < 0x20 || (code >= 0x7F && code < 0xA0) || (code >= 0x200B && code <= 0x200F) ||
           (code >= 0x2028 && code <= 0x202E) || (code >= 0x2060 && code <= 0x206F) || code == 0xFEFF;
}

/* ---- Lines of a screen --------------------------------------------------------------- */

struct words { /* a text, a word at a time */
    const uint8_t *at;
    size_t len;
};

/* Whether it is one of the words, which stand between blanks. */
static bool is_one_of(const char *words, const uint8_t *word, size_t len)
{
    for (const char *at = words; *at; at += strcspn(at, " "), at += *at == ' ') {
        if (strcspn(at, " ") == len && memcmp(at, word, len) == 0) {
            return true;
        }
    }
    return false;
}

static size_t letters(const uint8_t *word, size_t len)
{
    size_t count = 0;
    while (count < len && word[count] >= 'a' && word[count] <= 'z') {
        count++;
    }
    return count;
}

/* Whether a reader would stumble over a line's end between these two: "12.5" and "s", "frame" and "7", "-z" and what it
 * wants. next goes on behind its word. */
static bool belong_together(const uint8_t *word, size_t len, const uint8_t *next, size_t left)
{
    const size_t open = len > 0 && word[0] == '(', after = letters(next, left);
    const bool ends = after == left || !(next[after] >= '0' && next[after] <= '9');
    if (len == 0 || left == 0) {
        return false;
    }
    if (word[len - 1] >= '0' && word[len - 1] <= '9') {
        return after > 0 && ends && is_one_of("ms s min h bytes", next, after);
    }
    if (next[0] >= '0' && next[0] <= '9') {
        return is_one_of("frame frames stream leg session sessions connection code status error type", word + open,
                         len - open);
    }
    return len == 2 && word[0] == '-';
}

/* The next word of at most width columns, a longer one in pieces; its length in bytes and columns. */
static size_t next_single(const struct words *words, unsigned width, unsigned *columns)
{
    size_t used = 0;
    *columns = 0;
    while (used < words->len && words->at[used] != ' ' && *columns < width) {
        uint32_t code;
        used += character(words->at + used, words->len - used, &code);
        (*columns)++;
    }
    return used;
}

/* The same with those behind it that belong to it, if all of them fit. */
static size_t next_word(const struct words *words, unsigned width, unsigned *columns)
{
    size_t used = next_single(words, width, columns), from = 0;
    while (used + 1 < words->len && words->at[used] == ' ' &&
           belong_together(words->at + from, used - from, words->at + used + 1, words->len - used - 1)) {
        const struct words rest = { words->at + used + 1, words->len - used - 1 };
        unsigned more;
        const size_t len = next_single(&rest, width, &more);
        const bool whole = len == rest.len || rest.at[len] == ' ';
        if (!whole || *columns + 1 + more > width) {
            break;
        }
        from = used + 1;
        used += 1 + len;
        *columns += 1 + more;
    }
    return used;
}

static void put_word(struct out *out, const uint8_t *word, size_t len)
{
    for (size_t at = 0; at < len;) {
        uint32_t code;
        const size_t size = character(word + at, len - at, &code);
        if (code == 0xFFFD || is_harmful(code)) {
            out_bytes(out, "?", 1);
        } else {
            out_bytes(out, (const char *)word + at, size);
        }
        at += size;
    }
}

static void skip_blanks(struct words *words)
{
    while (words->len > 0 && words->at[0] == ' ') {
        words->at++;
        words->len--;
    }
}

#define MORE " ..."

void screen_line(struct screen *screen, const char *first, unsigned indent, unsigned most, const char *text)
{
    struct words words = { (const uint8_t *)text, strlen(text) };
    const unsigned least = indent + 8, width = screen->width > least ? screen->width : least;
    unsigned column = (unsigned)strlen(first), lines = 1;
    bool blank = false; /* a word of this line stands before */
    out_text(screen->out, first);
    for (skip_blanks(&words); words.len > 0; skip_blanks(&words)) {
        unsigned columns;
        size_t len = next_word(&words, width - indent, &columns);
        const bool last = most && lines == most;
        /* The last line leaves room for the mark, unless this word ends the text. */
        const unsigned spare = last && len < words.len ? (unsigned)strlen(MORE) : 0;
        if (column + blank + columns + spare > width) {
            if (last && !blank && column + spare < width) {
                len =
                    next_word(&words, width - column - spare, &columns); /* a piece of it, for there is nothing else */
                put_word(screen->out, words.at, len);
            }
            if (last) {
                out_text(screen->out, MORE);
                break;
            }
            out_say(screen->out, "\n%*s", (int)indent, "");
            column = indent;
            blank = false;
            lines++;
            continue;
        }
        out_text(screen->out, blank ? " " : "");
        put_word(screen->out, words.at, len);
        column += blank + columns;
        words.at += len;
        words.len -= len;
        blank = true;
    }
    out_text(screen->out, "\n");
    screen->lines += lines;
}

/* ---- JSON ---------------------------------------------------------------------------- */

static void quoted(struct out *out, const char *text)
{
    const uint8_t *s = (const uint8_t *)text;
    const size_t len = strlen(text);
    out_bytes(out, "\"", 1);
    for (size_t at = 0; at < len;) {
        uint32_t code;
        const size_t size = character(s + at, len - at, &code);
        if (code == '"' || code == '\\') {
            out_say(out, "\\%c", (int)code);
        } else if (is_harmful(code) || code == 0xFFFD) {
            out_say(out, "\\u%04x", (unsigned)code);
        } else {
            out_bytes(out, (const char *)s + at, size);
        }
        at += size;
    }
    out_bytes(out, "\"", 1);
}

static void new_line(struct json *json)
{
    out_say(json->out, "\n%*s", (int)(2 * json->depth), "");
}

/* What stands before a value. */
static void member(struct json *json, const char *key)
{
    if (json->any[json->depth]) {
        out_text(json->out, ",");
    }
    if (json->depth > 0) {
        new_line(json);
    }
    json->any[json->depth] = true;
    if (key) {
        quoted(json->out, key);
        out_text(json->out, ": ");
    }
}

static void opens(struct json *json, const char *key, const char *bracket)
{
    member(json, key);
    out_text(json->out, bracket);
    json->depth += json->depth + 1 < JSON_DEPTH_MAX;
    json->any[json->depth] = false;
}

static void closes(struct json *json, const char *bracket)
{
    const bool any = json->any[json->depth];
    json->depth--;
    if (any) {
        new_line(json);
    }
    out_text(json->out, bracket);
    if (json->depth == 0) {
        out_text(json->out, "\n");
    }
}

void json_object(struct json *json, const char *key)
{
    opens(json, key, "{");
}

void json_array(struct json *json, const char *key)
{
    opens(json, key, "[");
}

void json_end_object(struct json *json)
{
    closes(json, "}");
}

void json_end_array(struct json *json)
{
    closes(json, "]");
}

void json_string(struct json *json, const char *key, const char *value)
{
    if (!value) {
        json_null(json, key);
        return;
    }
    member(json, key);
    quoted(json->out, value);
}

void json_number(struct json *json, const char *key, uint64_t value)
{
    member(json, key);
    out_say(json->out, "%" PRIu64, value);
}

void json_seconds(struct json *json, const char *key, int64_t ns)
{
    if (ns < 0) {
        json_null(json, key);
        return;
    }
    member(json, key);
    out_say(json->out, "%" PRId64 ".%06" PRId64, ns / SECOND, ns % SECOND / 1000);
}

void json_bool(struct json *json, const char *key, bool value)
{
    member(json, key);
    out_text(json->out, value ? "true" : "false");
}

void json_null(struct json *json, const char *key)
{
    member(json, key);
    out_text(json->out, "null");
}

void json_number_or_null(struct json *json, const char *key, uint32_t value)
{
    if (value == NO_NUMBER) {
        json_null(json, key);
    } else {
        json_number(json, key, value);
    }
}
