/* rops.h
 * Remote operations: their names, and the payload that carries them (MS-OXCROPS 2.2.1).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_ROPS_H
#define OUTLOOKHTTP_ROPS_H

#include "field.h"

/* All that they can show, for registration. */
extern const struct field rop_layouts[];

/* By RopId, or NULL. */
const char *rop_name(uint8_t id);

/* The payload of one extended buffer of Execute, from reader to its end: RopSize, which
 * counts itself, the ROPs, and the server object handle table. */
void read_rop_payload(struct reader *reader, bool response);

#endif
