/* rtf_compressed.h
 * The value of PidTagRtfCompressed, MS-OXRTFCP.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_RTF_COMPRESSED_H
#define OUTLOOKHTTP_RTF_COMPRESSED_H

#include "bytes.h"

/* Bytes of RTF that it announces; 0 where its header is none, contradicts its length or announces more than it can hold,
 * or where the CRC of compressed contents is another (2.1.3.1.1, 2.1.3.2). */
uint32_t rtf_announced(struct span value);

/* Writes that many bytes to out. False where the contents do not come to just that. */
bool rtf_decompress(struct span value, uint8_t *out);

#endif
