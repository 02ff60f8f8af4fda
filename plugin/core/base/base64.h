/* base64.h
 * Base64 (RFC 4648). Pure.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_BASE64_H
#define OUTLOOKHTTP_BASE64_H

#include "bytes.h"

/* What a character stands for, -1 if nothing. */
int base64_value(uint8_t c, bool url);
/* Decodes base64 (section 4; url: section 5) up to the padding or the first character that is
 * none of it, or until out is full. Returns the number of bytes. */
size_t base64_decode(struct span s, bool url, uint8_t *out, size_t size);

#endif
