/* logon_token.h
 * What is said of Bearer tokens, and what the rules of logons share.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_LOGON_TOKEN_H
#define OUTLOOKHTTP_LOGON_TOKEN_H

#include "logon_rules.h"

/* account: may be NULL. */
struct subject about_account(struct judge *judge, const struct account *account, uint32_t leg);
/* What did not come on a connection rests on all of it, from SYN on. */
struct evidence *all_of(struct judge *judge, const struct logon_conn *conn);

/* One token, which came again long after it was refused. */
bool same_token(const struct refusals *refusals);
/* Says what that may be, and whose doing; reason: what the last refusal says, may be NULL. */
enum verdict_where say_same_token(struct finding *finding, const char *reason);

#endif
