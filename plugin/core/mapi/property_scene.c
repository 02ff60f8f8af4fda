/* property_scene.c
 * HasValue bytes, where nothing else tells whether there is one.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "property_scene.h"

#include "value_text.h"

FIELD_NAMES(has_value_names, VALUE_ABSENT, "absent", VALUE_PRESENT, "present");

/* What the capture lacks is taken for a HasValue byte: what would follow it is not there either,
 * and nothing is called wrong. What it would be as the value itself is told apart by: a string of
 * 16-bit characters that goes from U+xxFF straight to one of 256 that have a low byte of
 * zero, an 8-bit string that starts with 0xFF, a count that nothing follows. */
bool value_marked_ahead(const struct reader *reader, uint32_t at, uint16_t type)
{
    const bool counted = type == PTYP_BINARY || type & TYPE_MULTIPLE;
    const uint32_t wanted = counted ? 5 : 3, captured = reader_left(reader) > at ? reader_left(reader) - at : 0;
    const uint8_t *p = reader->p + reader->pos + at;
    uint32_t left = reader_sent(reader) > at ? reader_sent(reader) - at : 0;
    if (left < wanted || (captured > 0 && p[0] != VALUE_PRESENT)) {
        return false;
    }
    if (captured < wanted || type == PTYP_STRING8) {
        return true;
    }
    if (type == PTYP_STRING) {
        return p[2] == 0;
    }
    return counted && get_le32(p + 1) <= left - 5 && get_le32(p) > left - 4;
}
