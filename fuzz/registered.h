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

/* layouts is the same at each call. */
static inline bool registered(const struct field *const *layouts, size_t count, const struct field *row)
{
    static struct catalogue catalogue;
    static struct heap heap;
    if (!catalogue.count) {
        catalogue_init(&catalogue, heap_arena(&heap));
        for (size_t i = 0; i < count; i++) {
            char why[CATALOGUE_WHY_MAX], prefix[16];
            snprintf(prefix, sizeof(prefix), "%zu.", i);
            bool good = catalogue_add(&catalogue, prefix, layouts[i], why);
            assert(good);
        }
    }
    return catalogue_find(&catalogue, row) != CATALOGUE_NONE;
}

#endif
