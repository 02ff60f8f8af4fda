/* heap.h
 * An arena for tests and fuzz targets: every block is one of malloc's, so that sanitizers see
 * its bounds, and all are freed at the end.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_HEAP_H
#define OUTLOOKHTTP_HEAP_H

#include "bytes.h"

#include <stdlib.h>

struct block {
    struct block *next;
    max_align_t bytes[];
};

struct heap { /* all zero: empty */
    struct block *blocks;
    size_t allocated; /* bytes asked for */
};

static inline void *heap_alloc(void *ctx, size_t size)
{
    struct heap *heap = ctx;
    struct block *block = calloc(1, sizeof(*block) + size);
    if (!block) {
        abort();
    }
    block->next = heap->blocks;
    heap->blocks = block;
    heap->allocated += size;
    return block->bytes;
}

static inline struct arena heap_arena(struct heap *heap)
{
    return (struct arena){ .alloc = heap_alloc, .ctx = heap, .key = { { 1, 2 } } };
}

static inline void heap_free(struct heap *heap)
{
    while (heap->blocks) {
        struct block *next = heap->blocks->next;
        free(heap->blocks);
        heap->blocks = next;
    }
}

#endif
