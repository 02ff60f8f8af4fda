/* envelope.c
 * The scanner of the envelope.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "envelope.h"

#include "chars.h"

const char *meta_tag_name(enum meta_kind kind)
{
    static const char
        *const names[] = { [META_PROCESSING] = "PROCESSING", [META_PENDING] = "PENDING", [META_DONE] = "DONE" };
    return (unsigned)kind <= META_DONE ? names[kind] : NULL;
}

void meta_scan_init(struct meta_scanner *scanner)
{
    memset(scanner, 0, sizeof(*scanner));
}

static void finish(struct meta_scanner *s, struct mapi_meta *meta, enum meta_state state, enum meta_kind kind,
                   uint32_t offset)
{
    s->state = (uint8_t)state;
    meta->kind = (uint8_t)kind;
    meta->offset = offset;
}

/* A letter of a tag, or a line end between two of them. line[] holds the letters so far. */
static void scan_tag(struct meta_scanner *s, uint8_t c, struct mapi_meta *meta)
{
    if (s->token_len == 0 && (c == '\r' || c == '\n') && s->any) {
        s->at++;
        s->start = s->at;
        return;
    }
    s->line[s->token_len++] = c;
    for (unsigned kind = META_PROCESSING; kind <= META_DONE; kind++) {
        const char *name = meta_tag_name((enum meta_kind)kind);
        if (strncmp(name, (const char *)s->line, s->token_len) != 0) {
            continue;
        }
        s->at++;
        if (!name[s->token_len]) {
            meta->kind = (uint8_t)kind;
            meta->offset = s->start;
            meta->len = s->token_len;
            s->token_len = 0;
            s->start = s->at;
            s->any = true;
            if (kind == META_DONE) {
                s->state = META_IN_HEADERS;
                s->after_done = true;
                s->headers_at = s->at;
            }
        }
        return;
    }
    s->token_len = 0;
    finish(s, meta, s->any ? META_IS_BROKEN : META_NOT_ENVELOPE, s->any ? META_BROKEN : META_NO_ENVELOPE, s->start);
}

static void start_line(struct meta_scanner *s)
{
    s->start = s->at;
    s->line_len = 0;
    s->colon = 0;
    s->value_start = s->value_end = 0;
}

/* What line[] holds of a part of the line. */
static struct span held(const struct meta_scanner *s, uint32_t from, uint32_t to)
{
    struct span span = { s->line, 0 };
    to = to < META_LINE_MAX ? to : META_LINE_MAX;
    if (from < to) {
        span.ptr = s->line + from;
        span.len = to - from;
    }
    return span;
}

static void end_line(struct meta_scanner *s, struct mapi_meta *meta)
{
    if (s->line_len > 0 && s->last == '\r') {
        s->line_len--;
    }
    if (s->line_len == 0) {
        if (s->after_done) {
            s->after_done = false;
        } else {
            s->body = s->at;
            finish(s, meta, META_IN_BODY, META_BODY, s->at);
        }
        start_line(s);
        return;
    }
    s->after_done = false;
    meta->kind = META_HEADER;
    meta->offset = s->start;
    meta->len = s->line_len;
    if (!s->colon) { /* all of it is a name */
        s->value_start = s->value_end = s->line_len;
        s->colon = s->line_len + 1;
    }
    meta->name = held(s, 0, s->colon - 1);
    meta->value_offset = s->start + s->value_start;
    meta->value_len = s->value_end - s->value_start;
    meta->value = held(s, s->value_start, s->value_end);
    start_line(s);
}

/* A byte of the additional headers. */
static void scan_line(struct meta_scanner *s, uint8_t c, struct mapi_meta *meta)
{
    if (s->at - s->headers_at >= META_HEADERS_MAX) {
        finish(s, meta, META_IS_BROKEN, META_BROKEN, s->start);
        return;
    }
    s->at++;
    if (c == '\n') {
        end_line(s, meta);
        s->last = 0;
        return;
    }
    if (s->line_len < META_LINE_MAX) {
        s->line[s->line_len] = c;
    }
    s->line_len++;
    if (!s->colon) {
        if (c == ':') {
            s->colon = s->line_len;
            s->value_start = s->value_end = s->line_len;
        }
    } else if (is_blank(c) || c == '\r') {
        if (s->value_end == s->value_start && c != '\r') {
            s->value_start = s->value_end = s->line_len;
        }
    } else {
        s->value_end = s->line_len;
    }
    s->last = c;
}

size_t meta_scan(struct meta_scanner *scanner, const uint8_t *p, size_t len, struct mapi_meta *meta)
{
    uint32_t from = scanner->at;
    len = len < UINT32_MAX ? len : UINT32_MAX;
    memset(meta, 0, sizeof(*meta));
    while (scanner->at - from < len && meta->kind == META_NOTHING && scanner->state <= META_IN_HEADERS) {
        uint8_t c = p[scanner->at - from];
        if (scanner->state == META_IN_TAGS) {
            scan_tag(scanner, c, meta);
        } else {
            scan_line(scanner, c, meta);
        }
    }
    return scanner->at - from;
}

size_t mapi_body_offset(bool response, struct span body)
{
    struct meta_scanner scanner;
    struct mapi_meta meta;
    size_t used = 0;
    if (body.len == 0 || !response) {
        return 0;
    }
    meta_scan_init(&scanner);
    do {
        used += meta_scan(&scanner, body.ptr + used, body.len - used, &meta);
    } while (meta.kind >= META_PROCESSING && meta.kind <= META_HEADER);
    return meta.kind == META_BODY ? meta.offset : meta.kind == META_NO_ENVELOPE ? 0 : body.len;
}
