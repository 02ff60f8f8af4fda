/* registered.h
 * Whether a row is one of those that registration finds from some layouts.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_REGISTERED_H
#define OUTLOOKHTTP_REGISTERED_H

#include "catalogue.h"

#include "../tests/lib/heap.h"

#include <assert.h>
#include <stdio.h>

#define REGISTERED_MAX 8

/* layouts is the same at each call. */
static inline bool registered(const struct field *const *layouts, size_t count, const struct field *row)
{
    static struct catalogue catalogue;
    static struct heap heap;
    if (!catalogue.count) {
        catalogue_init(&catalogue, heap_arena(&heap));
        for (size_t i = 0; i < count; i++) {
            static char prefix[REGISTERED_MAX][16]; /* the catalogue keeps them */
            char why[CATALOGUE_WHY_MAX];
            assert(i < REGISTERED_MAX);
            snprintf(prefix[i], sizeof(prefix[i]), "%zu.", i);
            bool good = catalogue_add(&catalogue, prefix[i], layouts[i], why);
            if (!good) {
                fprintf(stderr, "%s\n", why);
            }
            assert(good);
        }
    }
    return catalogue_find(&catalogue, row) != CATALOGUE_NONE;
}

#endif
