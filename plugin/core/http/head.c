/* head.c
 * The head of an HTTP/1.x message, line by line.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "head.h"

#define METHOD_MAX 32

static bool is_version(const uint8_t *p)
{
    return memcmp(p, "HTTP/1.", 7) == 0 && is_digit(p[7]);
}

static bool parse_status_line(struct span line, struct http_head *head)
{
    if (line.len < 12 || !is_version(line.ptr) || line.ptr[8] != ' ' || (line.len > 12 && line.ptr[12] != ' ')) {
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
    if (!is_version(version) || version[-1] != ' ') {
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

/* A control character proves that this is no head. */
static bool is_head_char(uint8_t c)
{
    return (c >= 0x20 && c != 0x7F) || c == '\t' || c == '\r';
}

/* Of each byte of a word, the highest bit: set where the byte is less than least, which is 0x80 at most, or than a byte
 * before it was; none set: none is. */
static uint64_t bytes_below(uint64_t word, uint8_t least)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    return (word - ones * least) & ~word & ones * 0x80;
}

/* The first byte from at on that ends a line or no head can have, or end. Eight at a time: heads are long. */
static uint32_t line_stop(const uint8_t *p, uint32_t at, size_t end)
{
    while (at < end) {
        const uint64_t word = end - at >= 8 ? get_le64(p + at) : 0;
        if (!bytes_below(word, 0x20) && !bytes_below(word ^ UINT64_C(0x7F7F7F7F7F7F7F7F), 1)) {
            at += 8;
        } else if (p[at] == '\n' || !is_head_char(p[at])) {
            break;
        } else {
            at++;
        }
    }
    return at;
}

static bool parse_start_line(struct span line, struct http_head *head)
{
    return parse_status_line(line, head) || parse_request_line(line, head);
}

static struct span without_cr(const uint8_t *p, size_t len)
{
    return span_of(p, len > 0 && p[len - 1] == '\r' ? len - 1 : len);
}

/* Goes on to the end of the line under way: OK if it is there. */
static enum http_head_result scan_line(struct http_head_scan *scan, const uint8_t *p, size_t end)
{
    /* What no method or version begins is seen before the line is searched for its end. */
    const struct span rest = span_of(p + scan->line, end - scan->line);
    const bool in_start = scan->fields == 0 && rest.len > 0 && rest.ptr[0] != '\r' && rest.ptr[0] != '\n';
    if (in_start && !may_start(span_of(rest.ptr, rest.len < METHOD_MAX + 2 ? rest.len : METHOD_MAX + 2))) {
        return HTTP_HEAD_NOT;
    }
    scan->seen = line_stop(p, scan->seen, end);
    if (scan->seen < end) {
        return p[scan->seen] == '\n' ? HTTP_HEAD_OK : HTTP_HEAD_NOT;
    }
    /* A blank that begins nothing: only the end of an empty line may stand there. */
    return scan->fields == 0 && rest.len > 1 && !in_start ? HTTP_HEAD_NOT : HTTP_HEAD_MORE;
}

enum http_head_result http_head_resume(struct http_head_scan *scan, const uint8_t *p, size_t len,
                                       struct http_head *head)
{
    const size_t end = len < HTTP_HEAD_MAX ? len : HTTP_HEAD_MAX;

    memset(head, 0, sizeof(*head));
    for (;;) {
        const enum http_head_result result = scan_line(scan, p, end);
        if (result != HTTP_HEAD_OK) {
            return result == HTTP_HEAD_MORE && len < HTTP_HEAD_MAX ? HTTP_HEAD_MORE : HTTP_HEAD_NOT;
        }
        const uint32_t begin = scan->line;
        const struct span line = without_cr(p + begin, scan->seen - begin);
        scan->line = ++scan->seen;
        if (scan->fields == 0 && line.len > 0) {
            if (!parse_start_line(line, head)) {
                return HTTP_HEAD_NOT;
            }
            scan->start = begin;
            scan->fields = scan->line;
        } else if (line.len == 0 && scan->fields > 0) {
            /* Its spans point into the bytes as they lie now. */
            parse_start_line(without_cr(p + scan->start, scan->fields - 1 - scan->start), head);
            head->fields = span_of(p + scan->fields, begin - scan->fields);
            head->length = scan->line;
            return HTTP_HEAD_OK;
        }
    }
}

enum http_head_result http_head_parse(const uint8_t *p, size_t len, struct http_head *head)
{
    struct http_head_scan scan;
    memset(&scan, 0, sizeof(scan));
    return http_head_resume(&scan, p, len, head);
}

/* What a search knows of the bytes behind it: no head goes on past bad. */
struct head_search {
    const uint8_t *p;
    size_t len, bad;
};

/* Whether header lines begin at that place that may go on or end. */
static bool fields_at(struct head_search *search, size_t at)
{
    if (at <= search->bad) {
        return false;
    }
    bool line_is_empty = true;
    for (size_t i = at; i < search->len; i++) {
        const uint8_t c = search->p[i];
        if (c == '\n') {
            if (line_is_empty) {
                return true;
            }
            line_is_empty = true;
        } else if (!is_head_char(c) || i - at >= HTTP_HEAD_MAX) {
            search->bad = i;
            return false;
        } else {
            line_is_empty &= c == '\r' && i + 1 < search->len && search->p[i + 1] == '\n';
        }
    }
    return true;
}

/* The first place in a line, from at on, at which a start line begins with its head behind it. */
static size_t start_in_line(struct head_search *search, size_t at, size_t end)
{
    struct http_head head;
    const bool ended = end < search->len;
    size_t text = end; /* behind the last control character */
    while (text > at && is_head_char(search->p[text - 1])) {
        text--;
    }
    for (at = text; at < end; at++) {
        if (ended) {
            const struct span line = without_cr(search->p + at, end - at);
            if (line.len > 0 && parse_start_line(line, &head) && fields_at(search, end + 1)) {
                return at;
            }
        } else {
            const struct span line = span_of(search->p + at, end - at);
            if (line.len < HTTP_HEAD_MAX && (may_start(line) || (line.len == 1 && line.ptr[0] == '\r'))) {
                return at;
            }
        }
    }
    return SIZE_MAX;
}

size_t http_head_search(const uint8_t *p, size_t len, size_t until)
{
    struct head_search search = { p, len, 0 };
    size_t blank = SIZE_MAX; /* where the empty lines before this one begin: they belong to a head */
    for (size_t begin = 0; begin < until || blank < until;) {
        const uint8_t *lf = begin < len ? memchr(p + begin, '\n', len - begin) : NULL;
        const size_t end = lf ? (size_t)(lf - p) : len;
        if (without_cr(p + begin, end - begin).len > 0 || !lf) {
            const size_t first = begin > 0 ? begin : 1;
            const size_t found = first < end ? start_in_line(&search, first, end) : first == len ? len : SIZE_MAX;
            if (found == begin && blank < until) {
                return blank;
            }
            if (found < until) {
                return found;
            }
            if (!lf) {
                break;
            }
            blank = end > begin && p[end - 1] == '\r' ? end - 1 : end;
        } else if (blank == SIZE_MAX) {
            blank = begin;
        }
        if (blank == 0) {
            blank = end > 0 ? 1 : SIZE_MAX;
        }
        begin = end + 1;
    }
    return until;
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
    const size_t len = strlen(name);
    size_t pos = 0;
    struct span found;
    while (http_head_next(head, &pos, &found, value)) {
        if (found.len == len && span_starts_nocase(found, name)) {
            return true;
        }
    }
    return false;
}
