/* catalogue.h
 * All rows that layouts can show, found by walking them, each with the number of the field
 * it is registered as. Rows that agree share one field. A filter has as many fields as it has
 * widths, bases, masks and tables of names, and one kind of value: integers of 32 bits and less,
 * flags and booleans, ...; one of two kinds is refused.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_CATALOGUE_H
#define OUTLOOKHTTP_CATALOGUE_H

#include "field.h"

struct catalogued {
    const char *prefix;      /* "mapihttp." */
    const struct field *row; /* the first with this filter: its label is the field's */
    uint8_t kind;            /* enum field_kind; of a bit: of its integer */
    /* Where it stands: in the layout of what has that name or label, in a group below one label; NULL: nothing has a name. */
    const char *structure, *group;
    const char *whole; /* of a bit: the label of its integer; else NULL */
    bool elsewhere;    /* it stands in others, too */
};

struct catalogue_slot;

struct catalogue {
    struct arena arena;
    struct catalogued *fields; /* count of them, in the order of the layouts */
    uint32_t count, room;
    struct catalogue_slot *slots; /* by address of a row */
    unsigned used, slots_count;   /* a power of two */
};

#define CATALOGUE_NONE UINT32_MAX
#define CATALOGUE_WHY_MAX 200

/* An empty one; memory comes from the arena. */
void catalogue_init(struct catalogue *catalogue, struct arena arena);

/* Adds the rows of a layout and of all that can be reached from it and was not added before.
 * False if a filter would have two kinds or (but for unsigned integers without names and ids,
 * where each row's own is shown) one field two labels: why then names it and both. */
bool catalogue_add(struct catalogue *catalogue, const char *prefix, const struct field *layout,
                   char why[CATALOGUE_WHY_MAX]);

/* The index in fields of what this very row is registered as, or CATALOGUE_NONE. */
uint32_t catalogue_find(const struct catalogue *catalogue, const struct field *row);

/* Whether a row with another label than its field's is shown with its own. */
bool catalogue_own_label(const struct field *row);

#endif
