/* chars.c
 * Text for people.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "chars.h"

#define REPLACEMENT '?'

struct chars chars_into(char *buf, size_t size)
{
    buf[0] = '\0';
    return (struct chars){ buf, size, 0, false };
}

static bool is_control(uint32_t code)
{
    return code < 0x20 || (code >= 0x7F && code < 0xA0);
}

size_t utf8_put(char to[4], uint32_t code)
{
    static const uint8_t lead[] = { 0, 0, 0xC0, 0xE0, 0xF0 };
    size_t len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--) {
        to[i] = (char)(0x80 | (code & 0x3F));
        code >>= 6;
    }
    to[0] = (char)(lead[len] | code);
    return len;
}

void chars_code(struct chars *t, uint32_t code)
{
    char bytes[4];
    if (is_control(code) || (code >= 0xD800 && code <= 0xDFFF) || code > 0x10FFFF) {
        code = REPLACEMENT;
    }
    size_t len = utf8_put(bytes, code);
    if (t->full || len >= t->size - t->used) {
        t->full = true;
        return;
    }
    memcpy(t->buf + t->used, bytes, len);
    t->used += len;
    t->buf[t->used] = '\0';
}

/* Decodes one UTF-8 character at s; its length, or 0 if there is none (overlong forms,
 * surrogates and cut ones included). */
static size_t utf8_code(struct span s, uint32_t *code)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    uint8_t lead = s.ptr[0];
    size_t len = lead < 0x80 ? 1 : lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
    if (len == 0 || len > s.len) {
        return 0;
    }
    uint32_t value = len == 1 ? lead : lead & (0x7Fu >> len);
    for (size_t i = 1; i < len; i++) {
        if ((s.ptr[i] & 0xC0) != 0x80) {
            return 0;
        }
        value = value << 6 | (s.ptr[i] & 0x3F);
    }
    if (value < least[len] || (value >= 0xD800 && value <= 0xDFFF) || value > 0x10FFFF) {
        return 0;
    }
    *code = value;
    return len;
}

static bool is_utf8(struct span s)
{
    while (s.len > 0) {
        uint32_t code;
        size_t len = s.ptr[0] < 0x80 ? 1 : utf8_code(s, &code);
        if (len == 0) {
            return false;
        }
        s = span_skip(s, len);
    }
    return true;
}

/* Appends what s begins with of printable ASCII, which is the same in every encoding; how many bytes it is. */
static size_t append_plain(struct chars *t, struct span s)
{
    const size_t room = t->size - t->used - 1;
    size_t len = 0;
    while (len < s.len && s.ptr[len] >= 0x20 && s.ptr[len] < 0x7F) {
        len++;
    }
    t->full = len > room;
    memcpy(t->buf + t->used, s.ptr, t->full ? room : len);
    t->used += t->full ? room : len;
    t->buf[t->used] = '\0';
    return len;
}

void chars_bytes(struct chars *t, struct span s)
{
    bool utf8 = is_utf8(s);
    while (s.len > 0 && !t->full) {
        uint32_t code = s.ptr[0];
        size_t len = append_plain(t, s);
        if (len > 0) {
            s = span_skip(s, len);
            continue;
        }
        len = 1;
        if (utf8) {
            len = utf8_code(s, &code);
        }
        chars_code(t, code);
        s = span_skip(s, len);
    }
}

uint32_t utf16_next(struct span s, size_t *at)
{
    uint32_t code = get_le16(s.ptr + *at), trail = *at + 3 < s.len ? get_le16(s.ptr + *at + 2) : 0;
    *at += 2;
    if (code >= 0xD800 && code < 0xDC00 && trail >= 0xDC00 && trail < 0xE000) {
        *at += 2;
        return 0x10000 + ((code - 0xD800) << 10) + (trail - 0xDC00);
    }
    return code;
}

void chars_utf16(struct chars *t, struct span s)
{
    for (size_t at = 0; at + 1 < s.len && !t->full;) {
        chars_code(t, utf16_next(s, &at));
    }
}

void chars_copy(char *buf, size_t size, struct span s)
{
    struct chars t = chars_into(buf, size);
    chars_bytes(&t, s);
}

bool spans_equal_nocase(struct span a, struct span b)
{
    if (a.len != b.len) {
        return false;
    }
    for (size_t i = 0; i < a.len; i++) {
        if (lower(a.ptr[i]) != lower(b.ptr[i])) {
            return false;
        }
    }
    return true;
}

/* Most names differ in the first character. */
bool span_starts_nocase(struct span s, const char *text)
{
    size_t i = 0;
    while (i < s.len && text[i] != '\0' &&
           (s.ptr[i] == (uint8_t)text[i] || lower(s.ptr[i]) == lower((uint8_t)text[i]))) {
        i++;
    }
    return text[i] == '\0';
}

/* ---- values -------------------------------------------------------------------------- */

int hex_value(uint8_t c)
{
    if (is_digit(c)) {
        return c - '0';
    }
    c = lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

char *append_text(char *to, const char *text)
{
    const size_t len = strlen(text);
    memcpy(to, text, len + 1);
    return to + len;
}

char *append_decimal(char *to, uint32_t number)
{
    size_t len = 1;
    for (uint32_t rest = number; rest >= 10; rest /= 10) {
        len++;
    }
    to[len] = '\0';
    for (size_t i = len; i > 0; number /= 10) {
        to[--i] = (char)('0' + number % 10);
    }
    return to + len;
}

bool span_equals(struct span s, const char *text)
{
    return s.len == strlen(text) && (s.len == 0 || memcmp(s.ptr, text, s.len) == 0);
}

bool span_has_word_nocase(struct span s, const char *text)
{
    bool at_word = true;
    for (; s.len >= strlen(text); s = span_skip(s, 1)) {
        if (at_word && span_starts_nocase(s, text)) {
            return true;
        }
        at_word = !is_digit(s.ptr[0]) && (lower(s.ptr[0]) < 'a' || lower(s.ptr[0]) > 'z');
    }
    return false;
}

bool span_next(struct span *list, uint8_t separator, struct span *element)
{
    if (list->len == 0) {
        return false;
    }
    size_t len = span_until(*list, separator);
    *element = span_trim(span_of(list->ptr, len));
    *list = span_skip(*list, len < list->len ? len + 1 : len);
    return true;
}

bool span_decimal(struct span s, uint64_t max, uint64_t *value)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (!is_digit(s.ptr[i]) || sum > (max - (uint64_t)(s.ptr[i] - '0')) / 10) {
            return false;
        }
        sum = sum * 10 + (uint64_t)(s.ptr[i] - '0');
    }
    *value = sum;
    return s.len > 0;
}

struct span span_unquoted(struct span s)
{
    if (s.len >= 2 && s.ptr[0] == '"' && s.ptr[s.len - 1] == '"') {
        return span_of(s.ptr + 1, s.len - 2);
    }
    return s;
}

bool span_list_holds(struct span list, const char *word)
{
    struct span element;
    while (span_next(&list, ',', &element)) {
        if (span_equals_nocase(element, word)) {
            return true;
        }
    }
    return false;
}
