/* aux_blocks.h
 * Auxiliary blocks (MS-OXCRPC 2.2.2.2): what client and server tell each other about
 * themselves and their performance.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_AUX_BLOCKS_H
#define OUTLOOKHTTP_AUX_BLOCKS_H

#include "field.h"

/* All that they can show, for registration. */
extern const struct field aux_block_layouts[];

/* Blocks up to the reader's end: the payload of one extended buffer. A block that is broken
 * does not hide those behind it. */
void read_aux_blocks(struct reader *reader);

#endif
