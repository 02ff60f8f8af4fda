/* stretch.h
 * A part of a stream, in a buffer of Wireshark's.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_STRETCH_H
#define OUTLOOKHTTP_STRETCH_H

#include "compat.h"

/* It may end in bytes that were not captured, and a body may end among them. Wireshark's own
 * functions say 0 for what is left on the wire behind the captured bytes, and throw where a
 * part begins there: a place behind them is asked for with these. */
static inline int stretch_left(tvbuff_t *tvb, int offset)
{
    return (int)tvb_reported_length(tvb) - offset;
}

static inline int stretch_captured(tvbuff_t *tvb, int offset)
{
    return MAX((int)tvb_captured_length(tvb) - offset, 0);
}

static inline tvbuff_t *stretch_part(tvbuff_t *tvb, int offset, int len)
{
    return tvb_new_subset_length_caplen(tvb, MIN(offset, (int)tvb_captured_length(tvb)),
                                        MIN(stretch_captured(tvb, offset), len), len);
}

#endif
