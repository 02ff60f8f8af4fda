/* chars.h
 * Characters and spans of HTTP heads, and text for people: valid UTF-8 without control
 * characters.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_CHARS_H
#define OUTLOOKHTTP_CHARS_H

#include "bytes.h"

static inline uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

static inline bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static inline bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static inline bool is_token_char(uint8_t c)
{
    return c > 0x20 && c < 0x7F && !strchr("\"(),/:;<=>?@[\\]{}", c);
}

static inline struct span span_of(const uint8_t *ptr, size_t len)
{
    return (struct span){ ptr, len };
}

static inline struct span span_skip(struct span s, size_t count)
{
    return span_of(s.ptr + count, s.len - count);
}

static inline struct span span_trim(struct span s)
{
    while (s.len > 0 && (is_blank(s.ptr[0]) || s.ptr[0] == '\r' || s.ptr[0] == '\n')) {
        s = span_skip(s, 1);
    }
    while (s.len > 0 && (is_blank(s.ptr[s.len - 1]) || s.ptr[s.len - 1] == '\r' || s.ptr[s.len - 1] == '\n')) {
        s.len--;
    }
    return s;
}

/* The length of s up to the first of that character, or all of it. */
static inline size_t span_until(struct span s, uint8_t c)
{
    const uint8_t *hit = s.len ? memchr(s.ptr, c, s.len) : NULL;
    return hit ? (size_t)(hit - s.ptr) : s.len;
}

bool spans_equal_nocase(struct span a, struct span b);
bool span_starts_nocase(struct span s, const char *text);
/* Most names differ in their length; that of a literal costs nothing. */
static inline bool span_equals_nocase(struct span s, const char *text)
{
    return s.len == strlen(text) && span_starts_nocase(s, text);
}
bool span_equals(struct span s, const char *text); /* in the same case */
/* Whether a word of s begins with text. */
bool span_has_word_nocase(struct span s, const char *text);
/* Takes the next element of a list; false at the end. Blanks around it are dropped. */
bool span_next(struct span *list, uint8_t separator, struct span *element);
/* Whether an element of a list with commas is that word, in any case. */
bool span_list_holds(struct span list, const char *word);
/* A number up to max; false for anything else. */
bool span_decimal(struct span s, uint64_t max, uint64_t *value);
/* Without the quotes that stand around it. */
struct span span_unquoted(struct span s);
/* -1 for what is no hex digit. */
int hex_value(uint8_t c);

/* As stpcpy() does: a NUL is put behind it, and its place returned. to has room for it. */
char *append_text(char *to, const char *text);
char *append_decimal(char *to, uint32_t number);

/* Writes one character; returns how many bytes. */
size_t utf8_put(char to[4], uint32_t code);
/* The character at *at of UTF-16LE text, which has two bytes there; half a pair as it is. */
uint32_t utf16_next(struct span s, size_t *at);

struct chars {
    char *buf;
    size_t size, used;
    bool full; /* something was cut: nothing more is added */
};

/* buf of size bytes, at least one; NUL-terminated at all times. */
struct chars chars_into(char *buf, size_t size);
/* Appends one character; controls and what is none become a question mark. */
void chars_code(struct chars *t, uint32_t code);
/* Appends bytes that are UTF-8, or else Latin-1. */
void chars_bytes(struct chars *t, struct span s);
void chars_utf16(struct chars *t, struct span s); /* little-endian */
void chars_copy(char *buf, size_t size, struct span s);

#endif
