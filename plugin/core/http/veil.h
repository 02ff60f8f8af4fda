/* veil.h
 * Takes secrets out of a head that somebody wants to read or keep.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_VEIL_H
#define OUTLOOKHTTP_VEIL_H

#include "bytes.h"

/* Writes '*' over passwords, tokens and the values of cookies in a whole head of len bytes; names, schemes and
 * lengths stay. Bytes that are no head stay as they are. */
void http_veil_secrets(uint8_t *p, size_t len);

#endif
