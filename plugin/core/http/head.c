/* head.c
 * The head of an HTTP/1.x message, line by line.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "head.h"

#define METHOD_MAX 32

static bool is_version(const uint8_t *p, size_t len)
{
    return len == 8 && memcmp(p, "HTTP/1.", 7) == 0 && is_digit(p[7]);
}

static bool parse_status_line(struct span line, struct http_head *head)
{
    if (line.len < 12 || !is_version(line.ptr, 8) || line.ptr[8] != ' ' || (line.len > 12 && line.ptr[12] != ' ')) {
        return false;
    }
    uint64_t status;
    if (!span_decimal(span_of(line.ptr + 9, 3), 999, &status) || status < 100) {
        return false;
    }
    head->is_request = false;
    head->status = (unsigned)status;
    head->version_minor = (unsigned)(line.ptr[7] - '0');
    head->reason = span_trim(span_skip(line, 12));
    return true;
}

static size_t method_length(struct span s)
{
    size_t len = 0;
    while (len < s.len && len <= METHOD_MAX && is_token_char(s.ptr[len])) {
        len++;
    }
    return len;
}

static bool parse_request_line(struct span line, struct http_head *head)
{
    size_t method = method_length(line);
    if (method == 0 || method > METHOD_MAX || line.len < method + 10 || line.ptr[method] != ' ') {
        return false;
    }
    const uint8_t *version = line.ptr + line.len - 8;
    if (!is_version(version, 8) || version[-1] != ' ') {
        return false;
    }
    head->is_request = true;
    head->method = span_of(line.ptr, method);
    head->uri = span_trim(span_of(line.ptr + method, line.len - method - 8));
    head->version_minor = (unsigned)(version[7] - '0');
    return head->uri.len > 0;
}

/* Whether these bytes, without their line's end, may become a start line. */
static bool may_start(struct span s)
{
    static const char version[] = "HTTP/1.";
    size_t common = s.len < sizeof(version) - 1 ? s.len : sizeof(version) - 1;
    if (common == 0 || memcmp(s.ptr, version, common) == 0) {
        return true;
    }
    size_t method = method_length(s);
    return method > 0 && method <= METHOD_MAX && (method == s.len || s.ptr[method] == ' ');
}

/* A control character proves that this is no head. */
static bool is_head_text(struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.ptr[i];
        if ((c < 0x20 && c != '\t' && c != '\r') || c == 0x7F) {
            return false;
        }
    }
    return true;
}

/* Takes the line at pos, its end excluded; false if the end is not there. */
static bool take_line(struct span s, size_t *pos, struct span *line)
{
    struct span rest = span_skip(s, *pos);
    size_t len = span_until(rest, '\n');
    *line = span_of(rest.ptr, len);
    if (len == rest.len) {
        return false;
    }
    *pos += len + 1;
    if (len > 0 && line->ptr[len - 1] == '\r') {
        line->len--;
    }
    return true;
}

enum http_head_result http_head_parse(const uint8_t *p, size_t len, struct http_head *head)
{
    struct span all = { p, len < HTTP_HEAD_MAX ? len : HTTP_HEAD_MAX };
    enum http_head_result unfinished = len < HTTP_HEAD_MAX ? HTTP_HEAD_MORE : HTTP_HEAD_NOT;
    size_t pos = 0;
    struct span line;
    bool ended;

    memset(head, 0, sizeof(*head));
    if (len == 0) {
        return HTTP_HEAD_MORE;
    }
    do {
        ended = take_line(all, &pos, &line);
    } while (ended && line.len == 0);
    if (!ended) {
        if (line.len == 1 && line.ptr[0] == '\r') {
            return unfinished;
        }
        return is_head_text(line) && may_start(line) ? unfinished : HTTP_HEAD_NOT;
    }
    if (!is_head_text(line) || !(parse_status_line(line, head) || parse_request_line(line, head))) {
        return HTTP_HEAD_NOT;
    }
    size_t first = pos;
    for (;;) {
        size_t before = pos;
        ended = take_line(all, &pos, &line);
        if (!is_head_text(line)) {
            return HTTP_HEAD_NOT;
        }
        if (!ended) {
            return unfinished;
        }
        if (line.len == 0) {
            head->fields = span_of(p + first, before - first);
            head->length = pos;
            return HTTP_HEAD_OK;
        }
    }
}

bool http_head_next(const struct http_head *head, size_t *pos, struct span *name, struct span *value)
{
    struct span line;
    while (*pos < head->fields.len && take_line(head->fields, pos, &line)) {
        const uint8_t *end = line.ptr + line.len;
        /* RFC 9112 5.2: a line that begins with a blank belongs to the one before. */
        while (*pos < head->fields.len && is_blank(head->fields.ptr[*pos])) {
            struct span folded;
            take_line(head->fields, pos, &folded);
            end = folded.ptr + folded.len;
        }
        struct span field = span_of(line.ptr, (size_t)(end - line.ptr));
        size_t colon = span_until(field, ':');
        *name = span_trim(span_of(field.ptr, colon));
        if (colon < field.len && name->len > 0) {
            *value = span_trim(span_skip(field, colon + 1));
            return true;
        }
    }
    return false;
}

bool http_head_find(const struct http_head *head, const char *name, struct span *value)
{
    size_t pos = 0;
    struct span found;
    while (http_head_next(head, &pos, &found, value)) {
        if (span_equals_nocase(found, name)) {
            return true;
        }
    }
    return false;
}
