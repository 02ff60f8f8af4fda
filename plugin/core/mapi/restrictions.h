/* restrictions.h
 * Restrictions (MS-OXCDATA 2.12): what an object has to fulfil.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_RESTRICTIONS_H
#define OUTLOOKHTTP_RESTRICTIONS_H

#include "property_scene.h"

/* All that they can show, for registration. */
extern const struct field restriction_layouts[];

/* One restriction with those inside it, all 12 types, nested as deep as the reader allows. */
void read_restriction_of(struct reader *reader, struct property_scene scene);

#endif
