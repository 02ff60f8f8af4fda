/* restrictions.c
 * Restrictions, MS-OXCDATA 2.12.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "property_scene.h"

enum restriction_type {
    RESTRICT_AND,
    RESTRICT_OR,
    RESTRICT_NOT,
    RESTRICT_CONTENT,
    RESTRICT_PROPERTY,
    RESTRICT_COMPARE,
    RESTRICT_BITMASK,
    RESTRICT_SIZE,
    RESTRICT_EXIST,
    RESTRICT_SUBOBJECT,
    RESTRICT_COMMENT,
    RESTRICT_COUNT
};

/* MS-OXCDATA 2.12 */
static FIELD_NAMES(restriction_names, RESTRICT_AND, "AndRestriction", RESTRICT_OR, "OrRestriction", RESTRICT_NOT,
                   "NotRestriction", RESTRICT_CONTENT, "ContentRestriction", RESTRICT_PROPERTY, "PropertyRestriction",
                   RESTRICT_COMPARE, "ComparePropertiesRestriction", RESTRICT_BITMASK, "BitMaskRestriction",
                   RESTRICT_SIZE, "SizeRestriction", RESTRICT_EXIST, "ExistRestriction", RESTRICT_SUBOBJECT,
                   "SubObjectRestriction", RESTRICT_COMMENT, "CommentRestriction", RESTRICT_COUNT, "CountRestriction");
static FIELD_NAMES(relop_names, 0x00, "LessThan", 0x01, "LessThanOrEqual", 0x02, "GreaterThan", 0x03,
                   "GreaterThanOrEqual", 0x04, "Equal", 0x05, "NotEqual", 0x64, "MemberOfDL");
static FIELD_NAMES(fuzzy_names, 0, "FL_FULLSTRING", 1, "FL_SUBSTRING", 2, "FL_PREFIX");
static FIELD_NAMES(bitmask_names, 0, "BMR_EQZ", 1, "BMR_NEZ");

static void read_inner(struct layout_run *run, const struct field *at)
{
    (void)at;
    read_restriction_of(run->reader, *(const struct property_scene *)run->scene);
}

/* The tagged value inside a restriction.
 *
 * MS-OXCDATA 2.12.4 and 2.12.5 have a TaggedPropertyValue behind the tag, and the Filter of
 * GetMatches is such a restriction (MS-OXCMAPIHTTP 2.2.5.5.1), so no HasValue byte belongs
 * there and, its value being no AddressBookPropertyValue, none inside it: the form without
 * is right by the letter. But what clients send to the address book has both: 0xFF (or
 * 0x00, and then nothing) before the tagged value, and HasValue as everywhere in these
 * messages inside it; a server (gromox) takes nothing else. No property type starts with
 * 0xFF, and 0x00 would be PtypUnspecified, which no comparand has, so one byte tells which
 * it is. */
static void read_comparand(struct layout_run *run, const struct field *at)
{
    const struct property_scene *scene = run->scene;
    struct reader *reader = run->reader;
    enum prop_form form = scene->form;
    if (form != PROP_ADDRESS_BOOK) {
        scene->read_tagged(reader, form, form);
        return;
    }
    uint8_t first = peek_u8(reader);
    /* One that was not captured is VALUE_ABSENT here: of neither form there is more. */
    if (reader_sent(reader) && (first == VALUE_PRESENT || first == VALUE_ABSENT)) {
        read_row(run, at->inside);
        if (first == VALUE_PRESENT) {
            scene->read_tagged(reader, form, form);
        }
        return;
    }
    /* Without the byte before the tag, the one before the value may still be there. */
    uint16_t type = peek_u16(reader);
    scene->read_tagged(reader, form, value_marked_ahead(reader, 4, type) ? form : PROP_EXTENDED);
}

/* HasValue inside a comment's value, or not. */
static void read_comment_value(struct layout_run *run, const struct field *at)
{
    const struct property_scene *scene = run->scene;
    uint16_t type = peek_u16(run->reader);
    bool marked = scene->form != PROP_ADDRESS_BOOK || value_marked_ahead(run->reader, 4, type);
    (void)at;
    scene->read_tagged(run->reader, scene->form, marked ? scene->form : PROP_EXTENDED);
}

#define RELOP U8("restriction.relop", "RelOp", .names = relop_names)
#define TAG READ(read_scene_tag, 4)
#define INNER READ(read_inner, 3)
#define COMPARAND READ_ROWS(read_comparand, 1, X8("restriction.has_value", "HasValue", .names = has_value_names))

static LAYOUT(and_or, COUNT_OF_FORM("restriction.count", "RestrictCount"), TIMES(INNER));
static LAYOUT(not, INNER);
static LAYOUT(content, U16("restriction.fuzzy_level_low", "FuzzyLevelLow", .names = fuzzy_names),
              X16("restriction.fuzzy_level_high", "FuzzyLevelHigh"),
              BIT("restriction.fuzzy_level_high.ignore_case", "FL_IGNORECASE", 1),
              BIT("restriction.fuzzy_level_high.ignore_nonspace", "FL_IGNORENONSPACE", 2),
              BIT("restriction.fuzzy_level_high.loose", "FL_LOOSE", 4), TAG, COMPARAND);
static LAYOUT(property, RELOP, TAG, COMPARAND);
static LAYOUT(compare, RELOP, TAG, TAG);
static LAYOUT(bitmask, U8("restriction.bitmap_relop", "BitmapRelOp", .names = bitmask_names), TAG,
              X32("restriction.mask", "Mask"));
static LAYOUT(size, RELOP, TAG, U32("restriction.size", "Size"));
static LAYOUT(exist, TAG);
static LAYOUT(subobject, TAG, INNER);
static LAYOUT(comment, U8("restriction.value_count", "TaggedValuesCount"), TIMES(READ(read_comment_value, 0)),
              BOOL("restriction.present", "RestrictionPresent"), IF(INNER));
static LAYOUT(count, U32("restriction.maximum", "Count"), INNER);

static CHOICES(types, CHOICE(RESTRICT_AND, and_or), CHOICE(RESTRICT_OR, and_or), CHOICE(RESTRICT_NOT, not ),
               CHOICE(RESTRICT_CONTENT, content), CHOICE(RESTRICT_PROPERTY, property),
               CHOICE(RESTRICT_COMPARE, compare), CHOICE(RESTRICT_BITMASK, bitmask), CHOICE(RESTRICT_SIZE, size),
               CHOICE(RESTRICT_EXIST, exist), CHOICE(RESTRICT_SUBOBJECT, subobject), CHOICE(RESTRICT_COMMENT, comment),
               CHOICE(RESTRICT_COUNT, count));

static void check_type(struct layout_run *run, const struct field_value *value)
{
    if (!layout_choice(types, (uint32_t)value->number)) {
        run->reader->pos = value->offset;
        reader_fail(run->reader, "A restriction of a type that the specification does not have");
    }
}

LAYOUT(restriction_layouts, U8("restriction.type", "RestrictType", .names = restriction_names, .seen = check_type),
       CHOOSE(types));

void read_restriction_of(struct reader *reader, struct property_scene scene)
{
    struct layout_run run = { .reader = reader, .scene = &scene };
    const char *name = reader_left(reader) ? field_name(restriction_names, peek_u8(reader)) : NULL;
    if (reader_open(reader, name ? name : "Restriction")) {
        read_layout(&run, restriction_layouts);
        reader_close(reader, NULL);
    }
}
