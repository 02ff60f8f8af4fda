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

/* By RopId, ended by a row without a name. */
extern const struct field_name rop_names[];
const char *rop_name(uint8_t id);        /* or NULL */

/* The payload of one extended buffer of Execute, from reader to its end: RopSize, which
 * counts itself, the ROPs, and the server object handle table. */
void read_rop_payload(struct reader *reader, bool response);

/* The ROPs alone, from reader to its end: names the first and shows the rest as bytes.
 * handles is the table of 32-bit handles (as far as it is captured) that they index. */
void read_rops(struct reader *reader, struct span handles, bool response);

#endif
