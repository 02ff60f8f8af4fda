/* report_source.h
 * What a report is made from: two taps that count packets and TCP connections while it is asked for, and what is known
 * of the file.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_REPORT_SOURCE_H
#define OUTLOOKHTTP_REPORT_SOURCE_H

#include "compat.h"

#include <epan/tap.h>

#include "report.h"

struct report_source {
    void (*changed)(void *ctx); /* all packets were counted, or some more */
    void (*reset)(void *ctx);   /* they are counted anew; or NULL */
    void *ctx;

    /* Its own. */
    wmem_allocator_t *pool;
    struct arena arena;
    struct overview overview;
    int http, http2, tcp, tls, data;
    int opaque[4];
    /* The interface that was looked up last: most packets have that of the one before. */
    struct {
        bool known, made; /* made: its packets are those of an archive */
        uint32_t number;
        unsigned section;
        const char *description; /* the file's */
    } interface;
    /* The report that was made last, and its memory. */
    wmem_allocator_t *made_pool;
    struct arena made_arena;
};

/* Begins to count. Returns NULL, or what is wrong, which the caller frees. */
char *report_source_begin(struct report_source *source);
void report_source_end(struct report_source *source);
/* By what was counted so far, and what the file has shown so far; it lasts until the next one, or the end. */
struct report *report_source_make(struct report_source *source);

#endif
