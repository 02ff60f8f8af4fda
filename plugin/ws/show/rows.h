/* rows.h
 * Rows of the fields that are registered, one shape for each type of value. The id that a row
 * names is a static, 0 until registration (of a subtree -1: 4.0 asks for that); blurb says what the
 * label does not.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_ROWS_H
#define OUTLOOKHTTP_ROWS_H

#include "compat.h"

#define FIELD_ROW(id, type, display, strings, mask, label, filter, blurb) \
    {                                                                     \
        &(id),                                                            \
        {                                                                 \
            label, filter, type, display, strings, mask, blurb, HFILL     \
        }                                                                 \
    }
#define TEXT_ROW(id, label, filter, blurb) FIELD_ROW(id, FT_STRING, BASE_NONE, NULL, 0, label, filter, blurb)
#define NUMBER_ROW(id, type, label, filter, blurb) FIELD_ROW(id, type, BASE_DEC, NULL, 0, label, filter, blurb)
#define BIT_ROW(id, width, label, filter, mask, blurb) \
    FIELD_ROW(id, FT_BOOLEAN, width, NULL, mask, label, filter, blurb)
/* A link; to what: FRAMENUM_TYPE() or NULL. */
#define FRAME_ROW(id, label, filter, to, blurb) FIELD_ROW(id, FT_FRAMENUM, BASE_NONE, to, 0, label, filter, blurb)
#define INTERVAL_ROW(id, label, filter, blurb) FIELD_ROW(id, FT_RELATIVE_TIME, BASE_NONE, NULL, 0, label, filter, blurb)
#define MOMENT_ROW(id, label, filter, blurb) \
    FIELD_ROW(id, FT_ABSOLUTE_TIME, ABSOLUTE_TIME_UTC, NULL, 0, label, filter, blurb)

#endif
