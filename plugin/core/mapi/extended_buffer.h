/* extended_buffer.h
 * Extended buffers: chains of RPC_HEADER_EXT and payload, which hold auxiliary blocks, or
 * the ROPs of Execute (MS-OXCRPC 2.2.2.1).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_EXTENDED_BUFFER_H
#define OUTLOOKHTTP_EXTENDED_BUFFER_H

#include "field.h"

struct rop_host;

/* All that they can show, for registration. */
extern const struct field aux_buffer_layouts[], rop_buffer_layouts[];

/* One payload, compressed or not (MS-OXCRPC 3.1.4.1.1): a compressed one is undone up to
 * there. */
#define EXT_PAYLOAD_MAX 0x8000u
/* The derived bytes of one buffer, all payloads together. A chain of 256 KB, the longest of
 * MS-OXCRPC 2.2.1.3, stays below unless it was made to fill memory. */
#define EXT_DERIVED_MAX 0x800000u

/* An AuxiliaryBuffer of size bytes at the reader's place (MS-OXCRPC 2.2.2.1 and 2.2.2.2):
 * extended buffers until Last, auxiliary blocks inside. Takes exactly size bytes, or what
 * is there of them; size 0 is an absent one and shows nothing. */
void read_aux_buffer(struct reader *reader, uint32_t size);

/* The RopBuffer of Execute, in the same way (MS-OXCROPS 2.2.1): RopSize, the ROPs, the
 * server object handle table. host may be NULL (rops.h). */
void read_rop_buffer(struct reader *reader, uint32_t size, bool response, struct rop_host *host);

/* The buffer of EcDoRpc: the one payload, XOR 0xA5, without a header of its own. */
void read_bare_rop_buffer(struct reader *reader, uint32_t size, bool response, struct rop_host *host);

#endif
