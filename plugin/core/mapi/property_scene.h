/* property_scene.h
 * What the layouts of values, restrictions and rule actions need beside the bytes. Values
 * hold restrictions and rule actions, which hold values: these come as a function.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_PROPERTY_SCENE_H
#define OUTLOOKHTTP_PROPERTY_SCENE_H

#include "layout.h"
#include "property_tags.h"

/* Reads a TaggedPropertyValue: tagged is the form of the tag and its place in the mailbox or
 * the address book, form that of the value. */
typedef void (*tagged_reader)(struct reader *reader, enum prop_form tagged, enum prop_form form);

struct property_scene {
    enum prop_form form;
    tagged_reader read_tagged;
};

static inline enum prop_form form_of(const struct layout_run *run)
{
    return ((const struct property_scene *)run->scene)->form;
}

/* Of a count that some forms write in 32 bits (the first row) and ROPs in 16. */
static inline unsigned narrow(const struct layout_run *run)
{
    return form_of(run) == PROP_ROP;
}

#define COUNT_OF_FORM(filter, label) PICK(narrow, U32(filter, label), U16(filter, label))

/* The tag of what a restriction or a rule is about, with its group; a tagged value. */
static inline void read_scene_tag(struct layout_run *run, const struct field *at)
{
    (void)at;
    read_property_tag_of(run->reader, form_of(run));
}

static inline void read_scene_tagged(struct layout_run *run, const struct field *at)
{
    (void)at;
    ((const struct property_scene *)run->scene)->read_tagged(run->reader, form_of(run), form_of(run));
}

/* HasValue (MS-OXCMAPIHTTP 2.2.1.1) */
#define VALUE_ABSENT 0x00u
#define VALUE_PRESENT 0xFFu
extern const struct field_name has_value_names[];

/* Whether what lies at bytes ahead is a HasValue byte of 0xFF and a value of the type, and
 * not the value itself. */
bool value_marked_ahead(const struct reader *reader, uint32_t at, uint16_t type);

/* All that restrictions and rule actions can show, for registration. */
extern const struct field restriction_layouts[], rule_layouts[];

/* One restriction (MS-OXCDATA 2.12) with those inside it, all 12 types, nested as deep as the reader
 * allows. */
void read_restriction_of(struct reader *reader, struct property_scene scene);
/* RuleAction (MS-OXORULE 2.2.5), without a length before it; in the address book with counts of
 * either width. */
void read_rule_action_of(struct reader *reader, struct property_scene scene);

#endif
