/* fxlog.h
 * What fx_read() says of a stream, in a form that does not depend on where the stream is cut: each
 * value, issue and summary with the groups that it is in and its place in the stream. What is said
 * twice because of a cut is left out, and a long value counts by its bytes.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_FXLOG_H
#define OUTLOOKHTTP_FXLOG_H

#include "fasttransfer.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FXLOG_EMPTY UINT64_C(0xCBF29CE484222325)
#define FXLOG_COPY_MAX 4096u /* shorter buffers are copied, so that a sanitizer sees a read behind */

struct fxlog {
    uint64_t digest;
    unsigned lines, issues;
    unsigned values; /* of the piece */
    uint64_t path[READER_DEPTH_MAX + 1];
    unsigned depth;
    uint32_t base;    /* where the buffer begins in the stream */
    uint64_t content; /* of the bytes of a value, so far */
    bool has_content;
    uint32_t size; /* of the value, as it was told */
    FILE *show;    /* each line, or NULL */
    bool broken;   /* groups that are not closed, or values outside of the buffer */
    uint32_t len;
};

static inline uint64_t fxlog_mix(uint64_t digest, const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    for (; len >= 8; len -= 8, p += 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        digest = (digest ^ word) * UINT64_C(0x9E3779B97F4A7C15);
        digest ^= digest >> 29;
    }
    for (size_t i = 0; i < len; i++) {
        digest = (digest ^ p[i]) * UINT64_C(0x100000001B3);
    }
    return digest;
}

static inline uint64_t fxlog_byte_by_byte(uint64_t digest, const uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        digest = (digest ^ p[i]) * UINT64_C(0x100000001B3);
    }
    return digest;
}

/* One line: what, and at which byte of the stream. */
static inline void fxlog_line(struct fxlog *log, const char *what, uint32_t at, uint64_t digest)
{
    const uint64_t line[3] = { log->path[log->depth], at, fxlog_mix(digest, what, strlen(what)) };
    log->digest = fxlog_mix(log->digest, line, sizeof(line));
    log->lines++;
    if (log->show) {
        fprintf(log->show, "%6u %*s%s %llx\n", (unsigned)at, 2 * (int)log->depth, "", what, (unsigned long long)digest);
    }
}

/* The bytes of a value are over. */
static inline void fxlog_flush(struct fxlog *log)
{
    if (log->has_content) {
        log->has_content = false;
        fxlog_line(log, "content", 0, log->content);
        log->content = FXLOG_EMPTY;
    }
}

static inline bool fxlog_is_content(const char *filter)
{
    return strcmp(filter, "fx.value.part") == 0 || strstr(filter, "value.binary") || strstr(filter, "value.string");
}

static inline void fxlog_value(void *ctx, const struct field_value *value)
{
    struct fxlog *log = ctx;
    const char *filter = value->field->filter;
    log->values++;
    log->broken |= value->offset > log->len || value->len > log->len - value->offset;
    if (strcmp(filter, "fx.unfinished") == 0 || strcmp(filter, "fx.skipped") == 0) {
        return;
    }
    if (fxlog_is_content(filter)) {
        log->content = fxlog_byte_by_byte(log->content, value->bytes, value->len);
        log->has_content = true;
        return;
    }
    fxlog_flush(log);
    if (strstr(filter, "value.size")) {
        log->size = (uint32_t)value->number;
    }
    fxlog_line(log, filter, log->base + value->offset, fxlog_mix(FXLOG_EMPTY, value->bytes, value->len));
}

static inline void fxlog_open(void *ctx, const char *label, uint32_t offset)
{
    struct fxlog *log = ctx;
    (void)offset;
    if (log->depth >= READER_DEPTH_MAX) {
        log->broken = true;
        return;
    }
    log->path[log->depth + 1] = fxlog_mix(log->path[log->depth], label, strlen(label));
    log->depth++;
    if (log->show) {
        fprintf(log->show, "       %*s%s\n", 2 * (int)log->depth, "", label);
    }
}

static inline void fxlog_close(void *ctx, uint32_t end, const char *summary)
{
    struct fxlog *log = ctx;
    const char *tail = summary ? strstr(summary, "goes on in the next piece") : NULL;
    const bool in_parts = log->size > FX_CARRY_MAX;
    if (summary && !tail) {
        fxlog_flush(log);
        if (in_parts) {
            log->size = 0; /* what is said of such a value depends on the cuts */
        } else {
            fxlog_line(log, summary, log->base + end, 0);
        }
    }
    if (log->depth == 0) {
        log->broken = true;
        return;
    }
    log->depth--;
}

static inline void fxlog_issue(void *ctx, const struct issue_kind *kind, uint32_t offset, const char *what)
{
    (void)kind;
    struct fxlog *log = ctx;
    log->issues++;
    log->broken |= offset > log->len;
    fxlog_flush(log);
    fxlog_line(log, what, log->base + offset, 0);
}

static inline void fxlog_init(struct fxlog *log, FILE *show)
{
    memset(log, 0, sizeof(*log));
    log->digest = log->content = log->path[0] = FXLOG_EMPTY;
    log->show = show;
}

/* The piece of the stream from start to end, with what is carried before it. */
static inline void fxlog_piece(struct fxlog *log, struct fx_lexer *lexer, const uint8_t *stream, uint32_t start,
                               uint32_t end)
{
    const struct field_sink sink = { log, fxlog_value, fxlog_open, fxlog_close, fxlog_issue, NULL, NULL, NULL, NULL };
    struct reader reader;
    uint8_t *copy = NULL;
    log->base = start - lexer->unfinished;
    log->len = end - log->base;
    log->values = 0;
    if (log->len < FXLOG_COPY_MAX) {
        copy = malloc(log->len ? log->len : 1);
        if (!copy) {
            abort();
        }
        memcpy(copy, stream + log->base, log->len);
    }
    reader_init(&reader, copy ? copy : stream + log->base, log->len, log->len, &sink);
    fx_read(&reader, lexer);
    log->broken |= log->depth != 0 || reader.depth != 0 || reader.pos > reader.len || lexer->unfinished > log->len ||
                   lexer->unfinished > FX_CARRY_MAX;
    free(copy);
}

static inline bool fxlog_same_lexer(const struct fx_lexer *a, const struct fx_lexer *b)
{
    return a->unfinished == b->unfinished && a->next == b->next && a->guess == b->guess && a->depth == b->depth &&
           a->deeper == b->deeper && memcmp(a->nested, b->nested, a->depth * sizeof(a->nested[0])) == 0;
}

/* Whether the stream says the same cut at these places, in ascending order, as whole. What differs
 * goes to stderr. */
static inline bool fxlog_same(const struct fx_lexer *begin, const uint8_t *stream, uint32_t len,
                              const struct fxlog *whole, const struct fx_lexer *whole_end, const uint32_t *cuts,
                              unsigned count)
{
    struct fxlog log;
    struct fx_lexer lexer = *begin;
    uint32_t start = 0;
    fxlog_init(&log, NULL);
    for (unsigned i = 0; i <= count; i++) {
        const uint32_t end = i < count ? cuts[i] : len;
        fxlog_piece(&log, &lexer, stream, start, end);
        start = end;
    }
    fxlog_flush(&log);
    if (log.digest == whole->digest && log.lines == whole->lines && !log.broken &&
        fxlog_same_lexer(&lexer, whole_end)) {
        return true;
    }
    fprintf(stderr, "cut at %u%s: %u lines, not %u%s\n", count ? (unsigned)cuts[0] : 0, count > 1 ? ", ..." : "",
            log.lines, whole->lines, log.broken ? ", broken" : "");
    return false;
}

/* The same whole; flushed. */
static inline void fxlog_whole(const struct fx_lexer *begin, const uint8_t *stream, uint32_t len, struct fxlog *log,
                               struct fx_lexer *end)
{
    fxlog_init(log, NULL);
    *end = *begin;
    fxlog_piece(log, end, stream, 0, len);
    fxlog_flush(log);
}

#endif
