/* lz77.h
 * The compression of extended buffers: plain LZ77 with the DIRECT2 encoding.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_LZ77_H
#define OUTLOOKHTTP_LZ77_H

#include <stddef.h>
#include <stdint.h>

#define LZ77_WHOLE SIZE_MAX

/* Undoes MS-OXCRPC 3.1.4.1.1.2 (MS-XCA 2.4). Each byte of in is taken XOR mask: 0, or the
 * 0xA5 of MS-OXCRPC 3.1.4.1.1.3. Returns the bytes written, never more than out_size; they
 * are good whatever follows. *error_at is LZ77_WHOLE when the stream came to its end bit
 * or just filled out, else the offset in in of the item that is wrong: in_len if the stream
 * stops short, the first byte too many if it goes on behind out_size. */
size_t lz77_decompress(const uint8_t *in, size_t in_len, uint8_t mask, uint8_t *out, size_t out_size, size_t *error_at);

#endif
