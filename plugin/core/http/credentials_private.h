/* credentials_private.h
 * What the decoders of credentials share.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_CREDENTIALS_PRIVATE_H
#define OUTLOOKHTTP_CREDENTIALS_PRIVATE_H

#include "credentials.h"

enum { NTLM_HEADER_LEN = 12 };
extern const char ntlm_signature[8];

/* False if no NTLM message starts here. */
bool ntlm_decode(struct span message, struct auth_token *token);
/* What a Negotiate token holds. */
void gss_decode(struct span s, struct auth_token *token);
/* The best name among the claims of an object's first level; empty if there is none. */
struct span jwt_name(struct span claims);

#endif
