/* test_catalogue.c
 * All rows are found, one field for a filter, and no filter with two types.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "catalogue.h"
#include "heap.h"
#include "layout.h"
#include "unit.h"

static const struct field_name yes_no[] = { { 0, "no" }, { 1, "yes" }, { 0, NULL } };
static const struct field_name on_off[] = { { 0, "off" }, { 1, "on" }, { 0, NULL } };

static const struct field inner[] = { U8("inner", "Inner"), END };
static const struct field chosen[] = { U8("chosen", "Chosen"), END };
static CHOICES(choices, CHOICE(1, chosen), CHOICE(2, inner));
static const struct field good[] = { X32("flags", "Flags"),
                                     BIT("flags.a", "A", 1),
                                     BIT("flags.b", "B", 2),
                                     IF(GROUP("Group", NULL, X32("flags", "MapiFlags"), BIT("flags.a", "A", 1),
                                              STRING8("name", "Name"))),
                                     STRING16("name", "Name"),
                                     INCLUDE(inner),
                                     CHOOSE(choices),
                                     U8("names", "Names", .names = yes_no),
                                     END };

static void test_walk(void)
{
    struct heap heap = { NULL, 0 };
    struct catalogue catalogue;
    char why[CATALOGUE_WHY_MAX];
    catalogue_init(&catalogue, heap_arena(&heap));
    CHECK_INT(catalogue_find(&catalogue, &good[0]), CATALOGUE_NONE);
    CHECK(catalogue_add(&catalogue, "p.", good, why));
    CHECK(catalogue_add(&catalogue, "p.", good, why)); /* once is enough */
    CHECK_INT(catalogue.count, 7);
    const struct field *group = good[3].inside->inside;
    CHECK_INT(catalogue_find(&catalogue, &good[0]), 0);
    CHECK_INT(catalogue_find(&catalogue, &group[0]), 0);
    CHECK_INT(catalogue_find(&catalogue, &group[1]), catalogue_find(&catalogue, &good[1]));
    CHECK_INT(catalogue_find(&catalogue, &group[2]), catalogue_find(&catalogue, &good[4]));
    CHECK(catalogue_find(&catalogue, &chosen[0]) != CATALOGUE_NONE);
    CHECK(catalogue_find(&catalogue, &inner[0]) != CATALOGUE_NONE);
    CHECK_INT(catalogue_find(&catalogue, &good[3]), CATALOGUE_NONE); /* a step */
    CHECK_INT(catalogue.fields[1].kind, FIELD_U32);                  /* a bit has the kind of its integer */
    CHECK_STR(catalogue.fields[0].row->label, "Flags");
    /* The same filter below another prefix is another field. */
    static const struct field elsewhere[] = { U8("flags", "Flags"), END };
    CHECK(catalogue_add(&catalogue, "q.", elsewhere, why));
    CHECK_INT(catalogue.count, 8);
    heap_free(&heap);
}

static const struct field shared[] = { IF(U8("shared", "Shared")), END };
static CHOICES(operations,
               NAMED_CHOICE(1, "Open", ROWS(U16("size", "Size"), BIT("size.odd", "Odd", 1), INCLUDE(shared))),
               NAMED_CHOICE(2, "Close",
                            ROWS(GROUP("Reason", NULL, U8("why", "Why")), INCLUDE(shared), U16("size", "Size"))));
static const struct field structures[] = { U8("id", "Id"), CHOOSE(operations), END };

static const struct catalogued *field_of(const struct catalogue *catalogue, const char *filter)
{
    for (uint32_t i = 0; i < catalogue->count; i++) {
        if (strcmp(catalogue->fields[i].row->filter, filter) == 0) {
            return &catalogue->fields[i];
        }
    }
    CHECK(false);
    return catalogue->fields;
}

/* Where a field stands, for its description. */
static void test_structures(void)
{
    struct heap heap = { NULL, 0 };
    struct catalogue catalogue;
    char why[CATALOGUE_WHY_MAX];
    catalogue_init(&catalogue, heap_arena(&heap));
    CHECK(catalogue_add(&catalogue, "p.", structures, why));
    CHECK_STR(field_of(&catalogue, "id")->structure, NULL);
    CHECK(!field_of(&catalogue, "id")->elsewhere);
    CHECK_STR(field_of(&catalogue, "size")->structure, "Open");
    CHECK_STR(field_of(&catalogue, "size")->whole, NULL);
    CHECK(field_of(&catalogue, "size")->elsewhere);
    CHECK_STR(field_of(&catalogue, "size.odd")->whole, "Size");
    CHECK(!field_of(&catalogue, "size.odd")->elsewhere);
    CHECK_STR(field_of(&catalogue, "why")->structure, "Close");
    CHECK_STR(field_of(&catalogue, "why")->group, "Reason");
    CHECK_STR(field_of(&catalogue, "shared")->structure, "Open");
    CHECK_STR(field_of(&catalogue, "shared")->group, NULL);
    CHECK(field_of(&catalogue, "shared")->elsewhere);
    heap_free(&heap);
}

static void refused(const struct field *layout, const char *what)
{
    struct heap heap = { NULL, 0 };
    struct catalogue catalogue;
    char why[CATALOGUE_WHY_MAX] = "";
    catalogue_init(&catalogue, heap_arena(&heap));
    CHECK(!catalogue_add(&catalogue, "p.", layout, why));
    CHECK_STR(why, what);
    heap_free(&heap);
}

static const struct field two_signs[] = { U16("x", "One"), IF(I16("x", "Other")), END };
static const struct field too_wide[] = { U32("x", "One"), U64("x", "Other"), END };
static const struct field two_kinds[] = { STRING8("x", "One"), RUN(4, "x", "Other"), END };
static const struct field bit_and_number[] = { U8("x", "One"), BIT("x", "Other", 1), END };
static const struct field two_labels[] = { BOOL("x", "One"), BOOL("x", "Other"), END };

static void test_refused(void)
{
    refused(two_signs, "p.x has two kinds: in the rows \"One\" and \"Other\"");
    refused(too_wide, "p.x has two kinds: in the rows \"One\" and \"Other\"");
    refused(two_kinds, "p.x has two kinds: in the rows \"One\" and \"Other\"");
    refused(bit_and_number, "p.x has two kinds: in the rows \"One\" and \"Other\"");
    refused(two_labels, "p.x has two labels: in the rows \"One\" and \"Other\"");
}

static const struct field alike[] = { U8("x", "One"),
                                      IF(U16("x", "Other")),
                                      X8("x", "X"),
                                      U8("x", "X", .names = yes_no),
                                      U8("x", "X", .names = on_off),
                                      U8("x", "Again"),
                                      U8("f", "F"),
                                      BIT("b", "B", 1),
                                      BIT("b", "B", 2),
                                      U16("g", "G"),
                                      BIT("b", "B", 1),
                                      BOOL("b", "B"),
                                      STRING8("s", "S"),
                                      STRING16("s", "S"),
                                      END };

/* Widths, bases, tables of names and masks of one kind of value: a field each, of one filter. */
static void test_alike(void)
{
    struct heap heap = { NULL, 0 };
    struct catalogue catalogue;
    char why[CATALOGUE_WHY_MAX] = "";
    catalogue_init(&catalogue, heap_arena(&heap));
    CHECK(catalogue_add(&catalogue, "p.", alike, why));
    CHECK_STR(why, "");
    CHECK_INT(catalogue.count, 5 + 1 + 2 + 1 + 1 + 1 + 1);
    CHECK_INT(catalogue_find(&catalogue, &alike[5]), catalogue_find(&catalogue, &alike[0]));
    CHECK_INT(catalogue_find(&catalogue, &alike[13]), catalogue_find(&catalogue, &alike[12]));
    CHECK(catalogue_find(&catalogue, &alike[10]) != catalogue_find(&catalogue, &alike[7]));
    heap_free(&heap);
}

/* More rows than a table begins with room for. */
static void test_many(void)
{
    static struct field many[3000];
    static char names[2999][8];
    struct heap heap = { NULL, 0 };
    struct catalogue catalogue;
    char why[CATALOGUE_WHY_MAX];
    for (unsigned i = 0; i < 2999; i++) {
        snprintf(names[i], sizeof(names[i]), "n%u", i);
        many[i] = (struct field)U8(names[i], "N");
    }
    catalogue_init(&catalogue, heap_arena(&heap));
    CHECK(catalogue_add(&catalogue, "p.", many, why));
    CHECK_INT(catalogue.count, 2999);
    for (unsigned i = 0; i < 2999; i++) {
        CHECK_INT(catalogue_find(&catalogue, &many[i]), i);
    }
    heap_free(&heap);
}

int main(void)
{
    test_walk();
    test_structures();
    test_refused();
    test_alike();
    test_many();
    return unit_end();
}
