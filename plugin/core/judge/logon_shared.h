/* logon_shared.h
 * What the rules of logons share.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_LOGON_SHARED_H
#define OUTLOOKHTTP_LOGON_SHARED_H

#include "logon_rules.h"

struct account_memo {
    struct once once;
    struct result result;
    uint32_t bindings_frame; /* that tells of its channel bindings, 0: none does */
    uint32_t torn_frame;     /* the last that tells of a torn handshake, 0: none does */
    uint32_t accepted_frame; /* the last of those that was accepted */
};

struct account_memo *account_memo(struct judge *judge, const struct account *account);
/* result, once: NULL where nothing is to be kept, or told more than once. */
struct subject about_logon(struct result *result, struct once *once, uint32_t leg);
/* account: may be NULL. */
struct subject about_account(struct judge *judge, const struct account *account, uint32_t leg);
/* What did not come on a connection rests on all of it, from SYN on. */
struct evidence *all_of(struct judge *judge, const struct logon_conn *conn);

/* logon_bindings.c: of a refusal */
void judge_bindings(struct judge *judge, const struct logon_answer *answer, struct when when);
/* The frame that tells of bindings that cannot match, which explain it, too; 0: none does. */
uint32_t explained_by_bindings(struct judge *judge, const struct logon_answer *answer);

#endif
