/* property_scene.c
 * HasValue bytes, where nothing else tells whether there is one.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "property_scene.h"

#include "value_text.h"

FIELD_NAMES(has_value_names,
    VALUE_ABSENT, "absent", VALUE_PRESENT, "present");

static uint32_t ahead32(const struct reader *reader, uint32_t at)
{
    return at <= reader_left(reader) && reader_left(reader) - at >= 4 ? get_le32(reader->p + reader->pos + at) : 0;
}

/* What it would be as the value itself is told apart by: a string of
 * 16-bit characters that goes from U+xxFF straight to one of 256 that have a low byte of
 * zero, an 8-bit string that starts with 0xFF, a count that nothing follows. */
bool value_marked_ahead(const struct reader *reader, uint32_t at, uint16_t type)
{
    if (at > reader_left(reader) || reader_left(reader) - at < 3) {
        return false;
    }
    const uint8_t *p = reader->p + reader->pos + at;
    uint32_t left = reader_left(reader) - at;
    if (p[0] != VALUE_PRESENT) {
        return false;
    }
    if (type == PTYP_STRING8) {
        return true;
    }
    if (type == PTYP_STRING) {
        return p[2] == 0;
    }
    return (type == PTYP_BINARY || type & TYPE_MULTIPLE) && left >= 5 && ahead32(reader, at + 1) <= left - 5
        && ahead32(reader, at) > left - 4;
}
