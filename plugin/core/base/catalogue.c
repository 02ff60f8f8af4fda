/* catalogue.c
 * The walk over layouts for registration.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "catalogue.h"

#include "layout.h"
#include "tables.h"

#include <stdio.h>

#define FIRST_SLOTS 256u
#define FIRST_FIELDS 64u

struct catalogue_slot {
    const struct field *row; /* NULL: free */
    uint32_t field;          /* CATALOGUE_NONE: a step */
    bool again;              /* the layout that begins here was met again */
};

void catalogue_init(struct catalogue *catalogue, struct arena arena)
{
    memset(catalogue, 0, sizeof(*catalogue));
    catalogue->arena = arena;
}

/* Where the row is, or would be. */
static struct catalogue_slot *slot_of(const struct catalogue *catalogue, const struct field *row)
{
    uint64_t mixed = (uint64_t)(uintptr_t)row * 0x9E3779B97F4A7C15u;
    unsigned mask = catalogue->slots_count - 1, at = (unsigned)(mixed >> 32) & mask;
    while (catalogue->slots[at].row && catalogue->slots[at].row != row) {
        at = (at + 1) & mask;
    }
    return &catalogue->slots[at];
}

uint32_t catalogue_find(const struct catalogue *catalogue, const struct field *row)
{
    const struct catalogue_slot *slot = catalogue->slots_count ? slot_of(catalogue, row) : NULL;
    return slot && slot->row ? slot->field : CATALOGUE_NONE;
}

static void enter(struct catalogue *catalogue, const struct field *row, uint32_t field)
{
    if ((catalogue->used + 1) * 2 > catalogue->slots_count) {
        struct catalogue_slot *old = catalogue->slots;
        unsigned old_count = catalogue->slots_count;
        catalogue->slots_count = old_count ? old_count * 2 : FIRST_SLOTS;
        catalogue->slots = arena_new(&catalogue->arena, catalogue->slots_count * sizeof(*old));
        for (unsigned i = 0; i < old_count; i++) {
            if (old[i].row) {
                *slot_of(catalogue, old[i].row) = old[i];
            }
        }
        arena_give_back(&catalogue->arena, old, old_count * sizeof(*old));
    }
    *slot_of(catalogue, row) = (struct catalogue_slot){ .row = row, .field = field };
    catalogue->used++;
}

bool catalogue_own_label(const struct field *row)
{
    return (row->kind <= FIELD_U32 || row->kind == FIELD_ID) && !row->names && !row->mask;
}

/* What of a kind a filter compares with. */
static uint8_t class_of(const struct field *row, uint8_t kind)
{
    if (row->mask && (row->mask & (row->mask - 1)) == 0 && !row->names) {
        return FIELD_BOOL;
    }
    return kind == FIELD_U8 || kind == FIELD_U16 ? FIELD_U32 : kind == FIELD_STRING16 ? FIELD_STRING8 : kind;
}

static bool same_field(const struct catalogued *field, const struct field *row, uint8_t kind)
{
    uint8_t one = field->kind == FIELD_STRING16 ? FIELD_STRING8 : field->kind;
    uint8_t other = kind == FIELD_STRING16 ? FIELD_STRING8 : kind;
    return one == other && field->row->hex == row->hex && field->row->mask == row->mask &&
           field->row->names == row->names && field->row->all_named == row->all_named;
}

/* What two rows of one filter do not agree in, or NULL. */
static const char *difference(const struct catalogued *field, const struct field *row, uint8_t kind)
{
    if (class_of(field->row, field->kind) != class_of(row, kind)) {
        return "kinds";
    }
    return !catalogue_own_label(row) && same_field(field, row, kind) && strcmp(field->row->label, row->label) != 0 ?
               "labels" :
               NULL;
}

/* Where the walk is. */
struct within {
    const char *prefix, *structure, *group;
    const struct field *whole; /* the integer whose bits come */
};

static bool add_row(struct catalogue *catalogue, const struct within *within, const struct field *row,
                    char why[CATALOGUE_WHY_MAX])
{
    const char *prefix = within->prefix;
    const uint8_t kind = within->whole->kind;
    uint32_t at = catalogue->count;
    for (uint32_t i = 0; i < catalogue->count; i++) {
        const struct catalogued *field = &catalogue->fields[i];
        if (strcmp(field->row->filter, row->filter) != 0 || strcmp(field->prefix, prefix) != 0) {
            continue;
        }
        const char *what = difference(field, row, kind);
        if (what) {
            snprintf(why, CATALOGUE_WHY_MAX, "%s%s has two %s: in the rows \"%s\" and \"%s\"", prefix, row->filter,
                     what, field->row->label, row->label);
            return false;
        }
        if (same_field(field, row, kind)) {
            at = i;
            break;
        }
    }
    if (at == catalogue->count) {
        if (catalogue->count == catalogue->room) {
            catalogue->fields = arena_grow(&catalogue->arena, catalogue->fields, &catalogue->room, FIRST_FIELDS,
                                           sizeof(*catalogue->fields));
        }
        catalogue->fields[catalogue->count++] = (struct catalogued){ .prefix = prefix,
                                                                     .row = row,
                                                                     .kind = kind,
                                                                     .structure = within->structure,
                                                                     .group = within->group,
                                                                     .whole = row->mask ? within->whole->label : NULL };
    } else {
        catalogue->fields[at].elsewhere = true;
    }
    enter(catalogue, row, at);
    return true;
}

/* A layout that others include, too: what it leads to stands elsewhere besides. Each is marked once. */
static void mark_elsewhere(struct catalogue *catalogue, const struct field *layout)
{
    if (layout_is_end(layout)) {
        return;
    }
    struct catalogue_slot *slot = slot_of(catalogue, layout);
    if (!slot->row || slot->again) {
        return;
    }
    slot->again = true;
    for (const struct field *row = layout; !layout_is_end(row); row++) {
        const uint32_t field = catalogue_find(catalogue, row);
        if (field != CATALOGUE_NONE) {
            catalogue->fields[field].elsewhere = true;
        }
        if (row->inside) {
            mark_elsewhere(catalogue, row->inside);
        }
        for (const struct field_choice *choice = row->choices; choice && choice->rows; choice++) {
            mark_elsewhere(catalogue, choice->rows);
        }
    }
}

static bool walk(struct catalogue *catalogue, const struct within *around, const struct field *layout,
                 char why[CATALOGUE_WHY_MAX])
{
    static const struct field none = { .kind = FIELD_U8 };
    struct within within = *around;
    within.whole = &none;
    if (catalogue->slots_count && slot_of(catalogue, layout)->row) {
        mark_elsewhere(catalogue, layout);
        return true; /* was here before */
    }
    if (layout_is_end(layout)) {
        return true;
    }
    for (const struct field *row = layout; !layout_is_end(row); row++) {
        if (!row->mask) {
            within.whole = row;
        }
        if (!row->filter) {
            enter(catalogue, row, CATALOGUE_NONE);
        } else if (!add_row(catalogue, &within, row, why)) {
            return false;
        }
    }
    for (const struct field *row = layout; !layout_is_end(row); row++) {
        within = *around;
        within.group = row->label && !row->filter ? row->label : around->group;
        if (row->inside && !walk(catalogue, &within, row->inside, why)) {
            return false;
        }
        for (const struct field_choice *choice = row->choices; choice && choice->rows; choice++) {
            const char *name = choice->label ? choice->label : choice->name;
            within = *around;
            if (name) {
                within.structure = name;
                within.group = NULL;
            }
            if (!walk(catalogue, &within, choice->rows, why)) {
                return false;
            }
        }
    }
    return true;
}

bool catalogue_add(struct catalogue *catalogue, const char *prefix, const struct field *layout,
                   char why[CATALOGUE_WHY_MAX])
{
    return walk(catalogue, &(struct within){ .prefix = prefix }, layout, why);
}
