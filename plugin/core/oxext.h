/* oxext.h
 * Extended buffers: RPC_HEADER_EXT chains, auxiliary blocks, and the ROP buffer of
 * Execute (MS-OXCRPC 2.2.2).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_OXEXT_H
#define OUTLOOKHTTP_OXEXT_H

#include "field.h"

extern const struct field_table oxext_fields;

/* The most that one extended buffer can hold once undone: SizeActual is 16 bits wide. */
#define OXEXT_ACTUAL_MAX 0xFFFFu

/* An AuxiliaryBuffer of size bytes at the reader's place (MS-OXCRPC 2.2.2.1 and 2.2.2.2):
 * extended buffers until Last, auxiliary blocks inside. Takes exactly size bytes, or what
 * is there of them; size 0 is an absent one and shows nothing. */
void read_aux_buffer(struct reader *reader, uint32_t size);

/* The RopBuffer of Execute, in the same way (MS-OXCROPS 2.2.1): RopSize, the ROPs, the
 * server object handle table. */
void read_rop_buffer(struct reader *reader, uint32_t size, bool response);

#endif
