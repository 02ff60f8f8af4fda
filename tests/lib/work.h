/* work.h
 * Feeds one direction to each of the scans in pieces, as the plugin does, and counts what that
 * costs: the basic blocks that core runs, and the bytes that libc walks for it. The caller is linked
 * with a core whose compiler calls __sanitizer_cov_trace_pc() in each block (-fsanitize-coverage=
 * trace-pc) and puts work_libc.h before everything else; the caller itself is not counted.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_WORK_H
#define OUTLOOKHTTP_WORK_H

#include "chunks.h"
#include "dice.h"
#include "envelope.h"
#include "fasttransfer.h"
#include "follow.h"
#include "info.h"
#include "pdu.h"
#include "rts.h"
#include "tlscert.h"

#include <stdlib.h>

uint64_t work_done;

void __sanitizer_cov_trace_pc(void);
void __sanitizer_cov_trace_pc(void)
{
    work_done++;
}

/* Where the stream is cut: behind 1 to most bytes, as the dice have it; most 1 is byte by byte. */
struct work_cuts {
    struct dice dice;
    uint32_t most;
};

/* From head to head as in plugin/ws/input/engine_head.c: what is no message is passed over up to the next place
 * that may begin a message or a PDU. */
static inline size_t work_messages(void *state, const uint8_t *p, size_t len)
{
    struct http_head_scan *scan = state;
    size_t used = 0;
    while (used < len) {
        struct http_head head;
        struct http_fields fields;
        uint16_t frag_length;
        unsigned bad;
        switch (http_head_resume(scan, p + used, len - used, &head)) {
        case HTTP_HEAD_MORE:
            return used;
        case HTTP_HEAD_OK: {
            struct http_info info;
            http_fields_read(&head, &fields);
            http_info_decode(&head, &info);
            used += head.length;
            break;
        }
        case HTTP_HEAD_NOT: {
            const uint8_t *rest = p + used;
            size_t left = len - used, skip = 1, far = 1, found;
            do {
                far = 2 * far + 62 < left ? 2 * far + 62 : left;
                while (skip < far && pdu_probe(rest + skip, left - skip, &frag_length, &bad) == PDU_PROBE_BAD) {
                    skip++;
                }
                found = http_head_search(rest, left, skip);
            } while (found == far && far < left);
            used += found;
            break;
        }
        }
        memset(scan, 0, sizeof(*scan));
    }
    return used;
}

/* A body of PDUs, and what is none between them. */
static inline size_t work_pdus(void *state, const uint8_t *p, size_t len)
{
    size_t used = 0;
    (void)state;
    while (used < len) {
        uint16_t frag_length;
        unsigned bad;
        uint32_t status;
        struct pdu_header header;
        struct rts_pdu rts;
        switch (pdu_probe(p + used, len - used, &frag_length, &bad)) {
        case PDU_PROBE_MORE:
            return used;
        case PDU_PROBE_OK:
            if (frag_length > len - used) {
                return used;
            }
            pdu_header_decode(p + used, &header);
            pdu_status(p + used, frag_length, &status);
            rts_decode(p + used, frag_length, frag_length, &rts, NULL);
            used += frag_length;
            break;
        case PDU_PROBE_BAD:
            for (used++; used < len && !pdu_starts_stream(p + used, len - used);) {
                used++;
            }
            break;
        }
    }
    return used;
}

static inline size_t work_follow(void *state, const uint8_t *p, size_t len)
{
    struct follow *follow = state;
    struct follow_event event;
    size_t used = 0;
    do {
        used += http_follow(follow, false, p + used, len - used, &event);
    } while (event.what != FOLLOW_MORE && event.what != FOLLOW_LOST);
    return used;
}

static inline size_t work_chunks(void *state, const uint8_t *p, size_t len)
{
    struct http_chunks *chunks = state;
    struct span data;
    size_t used = 0, took = 1;
    while (used < len && took) {
        took = http_chunks_next(chunks, p + used, len - used, &data);
        used += took;
    }
    return len;
}

static inline size_t work_tags(void *state, const uint8_t *p, size_t len)
{
    struct meta_scanner *scanner = state;
    struct mapi_meta meta;
    size_t used = 0;
    do {
        used += meta_scan(scanner, p + used, len - used, &meta);
    } while (meta.kind == META_PROCESSING || meta.kind == META_PENDING || meta.kind == META_DONE ||
             meta.kind == META_HEADER);
    return len;
}

static inline size_t work_flight(void *state, const uint8_t *p, size_t len)
{
    struct tls_flight *flight = state;
    enum cert_hash hash;
    if (flight->state == TLS_FLIGHT_CLEAR && tls_flight_stream(flight, p, len) == TLS_FLIGHT_LEAF) {
        cert_examine(flight->leaf, &hash);
    } else if (flight->state == TLS_FLIGHT_SEALED) {
        tls_flight_record(flight, p, len);
    }
    return len;
}

/* A FastTransfer stream: what is carried is shown again. */
static inline size_t work_stream(void *state, const uint8_t *p, size_t len)
{
    static const struct field_sink nobody = { NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL };
    struct fx_lexer *lexer = state;
    struct reader reader;
    reader_init(&reader, p, (uint32_t)len, (uint32_t)len, &nobody);
    fx_read(&reader, lexer);
    return len - lexer->unfinished;
}

static const struct work_scan {
    const char *name;
    /* Returns how many bytes it is done with; the rest is shown again. */
    size_t (*feed)(void *state, const uint8_t *p, size_t len);
} work_scans[] = {
    { "messages", work_messages },   { "PDUs", work_pdus }, { "follow", work_follow },
    { "chunks", work_chunks },       { "tags", work_tags }, { "flight", work_flight },
    { "FastTransfer", work_stream },
};

#define WORK_SCANS (sizeof(work_scans) / sizeof(work_scans[0]))

/* What it costs to feed the bytes to one scan. */
static inline uint64_t work_of(const struct work_scan *scan, struct work_cuts cuts, const uint8_t *p, size_t len)
{
    union {
        struct http_head_scan head;
        struct follow follow;
        struct http_chunks chunks;
        struct meta_scanner tags;
        struct tls_flight flight;
        struct fx_lexer lexer;
    } state;
    size_t given = 0, used = 0;
    memset(&state, 0, sizeof(state));
    if (scan->feed == work_chunks) {
        http_chunks_init(&state.chunks);
    } else if (scan->feed == work_tags) {
        meta_scan_init(&state.tags);
    } else if (scan->feed == work_stream) {
        fx_begin(&state.lexer, FX_UNKNOWN);
    }
    work_done = 0;
    while (given < len) {
        size_t piece = 1 + roll(&cuts.dice, cuts.most);
        given += piece < len - given ? piece : len - given;
        used += scan->feed(&state, p + used, given - used);
    }
    return work_done;
}

#endif
