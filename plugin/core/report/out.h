/* out.h
 * Text of any length on its way to a reader: plain, as lines of a screen, or as JSON. What comes from a capture is
 * made harmless here: no control character and no broken UTF-8 gets through.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_OUT_H
#define OUTLOOKHTTP_OUT_H

#include "say.h"

struct out { /* all zero but for arena: empty */
    const struct arena *arena;
    char *s; /* ends with a NUL; NULL before the first byte */
    uint32_t used, room;
};

void out_bytes(struct out *out, const char *bytes, size_t len);
void out_text(struct out *out, const char *text);
/* At most SAY_MAX bytes at a time. */
void out_say(struct out *out, const char *format, ...) PRINTF_LIKE(2, 3);
/* "" for nothing. */
const char *out_string(const struct out *out);
/* Forgets what was put in, and keeps the room. */
void out_empty(struct out *out);

/* ---- Values for people --------------------------------------------------------------- */

#define COUNT_TEXT_MAX 16
/* "1,234", written to to. */
const char *count_text(char to[COUNT_TEXT_MAX], uint32_t count);
#define COUNTED(count) count_text((char[COUNT_TEXT_MAX]){ 0 }, count)
/* "1 gap", "1,234 gaps" */
void out_count(struct out *out, uint32_t count, const char *one, const char *many);

#define TIME_TEXT_MAX 32
/* "12:34:56.789Z", with date "2026-01-05 12:34:56.789Z" */
const char *time_text(char to[TIME_TEXT_MAX], int64_t ns, bool date);
/* "2026-01-05T12:34:56.789Z" */
const char *iso_text(char to[TIME_TEXT_MAX], int64_t ns);
/* "850 ms", "12.3 s", "4 min 5 s", "3 h 2 min" */
const char *span_text(char to[TIME_TEXT_MAX], int64_t ns);
#define TIME(ns, date) time_text((char[TIME_TEXT_MAX]){ 0 }, ns, date)
#define ISO(ns) iso_text((char[TIME_TEXT_MAX]){ 0 }, ns)
#define SPAN(ns) span_text((char[TIME_TEXT_MAX]){ 0 }, ns)

/* ---- Lines of a screen --------------------------------------------------------------- */

struct screen {
    struct out *out;
    unsigned width;
    unsigned lines; /* so far */
};

/* A line that begins with first. What does not fit goes on in further lines behind indent blanks, at blanks where there
 * are any; at most most lines, of which the last then ends with " ...". most 0: as many as it takes. */
void screen_line(struct screen *screen, const char *first, unsigned indent, unsigned most, const char *text);

/* ---- JSON (RFC 8259) ----------------------------------------------------------------- */

#define JSON_DEPTH_MAX 16

struct json {
    struct out *out;
    unsigned depth;
    bool any[JSON_DEPTH_MAX]; /* of that depth there is something before */
};

/* key: of a member, NULL for an element of an array or the whole. */
void json_object(struct json *json, const char *key);
void json_array(struct json *json, const char *key);
void json_end_object(struct json *json);
void json_end_array(struct json *json);
void json_string(struct json *json, const char *key, const char *value); /* NULL: null */
void json_number(struct json *json, const char *key, uint64_t value);
void json_seconds(struct json *json, const char *key, int64_t ns); /* negative: null */
void json_bool(struct json *json, const char *key, bool value);
void json_null(struct json *json, const char *key);
/* NO_NUMBER: null */
void json_number_or_null(struct json *json, const char *key, uint32_t value);

#endif
