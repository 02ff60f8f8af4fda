/* logon_shared.h
 * What the rules of logons share.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_LOGON_SHARED_H
#define OUTLOOKHTTP_LOGON_SHARED_H

#include "logon_rules.h"

/* account: may be NULL. */
struct subject about_account(struct judge *judge, const struct account *account, uint32_t leg);
/* What did not come on a connection rests on all of it, from SYN on. */
struct evidence *all_of(struct judge *judge, const struct logon_conn *conn);

#endif
