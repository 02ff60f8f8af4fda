/* descriptions.c
 * What fields of layouts are, in words.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "descriptions.h"

#include "layout.h"

#define NAMES_MOST 6

/* By prefix: what a field stands in where no structure has a name, and what specifies it. */
static const struct origin {
    const char *prefix, *structure, *specification;
} origins[] = {
    { "rop.", "ROPs", "MS-OXCROPS 2.2" },
    { "mapiprop.", "properties, rows, restrictions and rules", "MS-OXCDATA 2" },
    { "emsmdb.", "stubs of EMSMDB and their buffers", "MS-OXCRPC 2.2, 3.1.4" },
    { "mapihttp.", "bodies of MAPI/HTTP", "MS-OXCMAPIHTTP 2.2.4, 2.2.5" },
    { "rpch.rts.", "RTS commands", "MS-RPCH 2.2.3" },
};

static const char *const kinds[] = {
    [FIELD_U8] = "8 bits",
    [FIELD_U16] = "16 bits",
    [FIELD_U32] = "32 bits",
    [FIELD_U64] = "64 bits",
    [FIELD_I16] = "16 bits with sign",
    [FIELD_I32] = "32 bits with sign",
    [FIELD_I64] = "64 bits with sign",
    [FIELD_BOOL] = "yes or no",
    [FIELD_FLOAT] = "floating point of 32 bits",
    [FIELD_DOUBLE] = "floating point of 64 bits",
    [FIELD_GUID] = "a GUID",
    [FIELD_FILETIME] = "a FILETIME, 100 ns since 1601",
    [FIELD_STRING8] = "text of 8-bit characters",
    [FIELD_STRING16] = "text of 16-bit characters",
    [FIELD_BYTES] = "bytes",
    [FIELD_IPV4] = "an IPv4 address",
    [FIELD_IPV6] = "an IPv6 address",
    [FIELD_ID] = "a replica number and a counter",
    [FIELD_FRAME] = "a frame, known from the other message",
    [FIELD_INTERVAL] = "a time, measured in the capture",
};

static void say_values(struct text *text, const struct field *row)
{
    const struct field_name *name = row->names;
    unsigned said = 0;
    for (; name->name && said < NAMES_MOST; name++, said++)
        say(text, row->hex ? "%s0x%x %s" : "%s%u %s", said ? ", " : ": ", name->value, name->name);
    if (name->name)
        say(text, ", ...");
}

void describe_field(const struct catalogued *field, struct text *text)
{
    const struct field *row = field->row;
    const struct origin *origin = origins;
    while (strcmp(origin->prefix, field->prefix) != 0)
        origin++;
    /* The list of ROPs has their names without "Rop", as Info has. */
    const bool is_rop = origin == origins && field->structure;
    say(text, "In %s%s", is_rop ? "Rop" : "", field->structure ? field->structure : origin->structure);
    if (field->group)
        say(text, ", %s", field->group);
    if (field->elsewhere && (field->structure || field->group))
        say(text, " and others");
    if (field->whole)
        say(text, ": bit%s 0x%x of %s", row->mask & (row->mask - 1) ? "s" : "", row->mask, field->whole);
    else
        say(text, ": %s", kinds[field->kind]);
    if (row->unit)
        say(text, " (%s)", row->unit);
    if (row->names)
        say_values(text, row);
    say(text, "; %s", origin->specification);
}
