/* descriptions.h
 * What fields of layouts are, in words: by where they stand and how they are read.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_DESCRIPTIONS_H
#define OUTLOOKHTTP_DESCRIPTIONS_H

#include "catalogue.h"
#include "say.h"

/* "OpenFolder request, 8 bits: 0 Read, 1 ReadWrite; MS-OXCROPS 2.2" */
void describe_field(const struct catalogued *field, struct text *text);

#endif
