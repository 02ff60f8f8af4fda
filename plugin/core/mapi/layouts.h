/* layouts.h
 * Everything that MAPI can show, by the protocol that it is registered with.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_LAYOUTS_H
#define OUTLOOKHTTP_LAYOUTS_H

#include "field.h"

struct layout_part {
    const char *prefix; /* of the filters; NULL ends the list */
    const struct field *layout;
};

/* In this order: a row belongs to the first prefix that it is reached with (catalogue_add()). */
extern const struct layout_part mapi_layouts[];

#endif
