/* streams.h
 * The decoders of run_vectors.c for FastTransfer streams and values of synchronization.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_STREAMS_H
#define OUTLOOKHTTP_STREAMS_H

#include "fxlog.h"
#include "idsets.h"

/* What a size is that is not told: all that was sent. */
static uint32_t size_of(const struct reader *reader, const char *word)
{
    return word[0] ? (uint32_t)strtoul(word, NULL, 10) : reader->whole - reader->pos;
}

static void begin_stream(struct fx_lexer *lexer, const char *word)
{
    static const char *const roots[] = { "unknown", "contents",   "hierarchy", "state", "folder",
                                         "message", "attachment", "messages",  "top" };
    for (unsigned root = 0; root < sizeof(roots) / sizeof(roots[0]); root++) {
        if (strcmp(roots[root], word) == 0) {
            fx_begin(lexer, (enum fx_root)root);
            return;
        }
    }
    fx_begin_lost(lexer);
}

/* A FastTransfer stream, in pieces that end at these places: what is carried stands before each. */
static void decode_stream(struct reader *reader, char (*words)[64])
{
    struct fx_lexer lexer;
    uint32_t start = 0;
    const char *cut = words[2];
    const bool pieces = cut[0] != '\0';
    begin_stream(&lexer, words[1]);
    while (start < reader->len) {
        uint32_t end = *cut ? (uint32_t)strtoul(cut, NULL, 10) : reader->whole;
        cut += strcspn(cut, ",");
        cut += *cut == ',';
        struct reader piece;
        const uint32_t begin = start - lexer.unfinished, captured = end < reader->len ? end : reader->len;
        reader_init(&piece, reader->p + begin, captured - begin, end == UINT32_MAX ? end : end - begin, reader->sink);
        if (pieces) {
            reader->sink->enter(reader->sink->ctx, piece.p, piece.len, "piece");
        }
        fx_read(&piece, &lexer);
        if (pieces) {
            reader->sink->leave(reader->sink->ctx);
        }
        start = captured;
    }
    reader->pos = reader->len;
}

static void decode_idset(struct reader *reader, char (*words)[64])
{
    read_idset(reader, size_of(reader, words[2]), strcmp(words[1], "replguid") == 0);
}

static void decode_xid(struct reader *reader, char (*words)[64])
{
    read_xid(reader, size_of(reader, words[1]));
}

static void decode_predecessors(struct reader *reader, char (*words)[64])
{
    read_predecessor_change_list(reader, size_of(reader, words[1]));
}

static void decode_ics(struct reader *reader, char (*words)[64])
{
    read_ics_value(reader,
                   strcmp(words[1], "progress") == 0 ? ICS_PROGRESS :
                   strcmp(words[1], "groups") == 0   ? ICS_PROPERTY_GROUPS :
                                                       ICS_FOLDER_REPLICA,
                   size_of(reader, ""));
}

/* A stream says the same at whichever two places it is cut, and in pieces of a byte. */
static bool stream_same_in_pieces(const char *root, const uint8_t *bytes, uint32_t len)
{
    struct fx_lexer first, last;
    struct fxlog whole;
    uint32_t cuts[2];
    begin_stream(&first, root);
    fxlog_whole(&first, bytes, len, &whole, &last);
    for (cuts[0] = 0; cuts[0] <= len; cuts[0]++) {
        for (cuts[1] = cuts[0]; cuts[1] <= len; cuts[1]++) {
            if (!fxlog_same(&first, bytes, len, &whole, &last, cuts, 2)) {
                return false;
            }
        }
    }
    uint32_t *all = malloc((len + 1) * sizeof(*all));
    if (!all) {
        abort();
    }
    for (uint32_t i = 0; i < len; i++) {
        all[i] = i + 1;
    }
    bool good = fxlog_same(&first, bytes, len, &whole, &last, all, len);
    free(all);
    return good;
}

#endif
