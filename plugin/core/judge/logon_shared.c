/* logon_shared.c
 * What the rules of logons share.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "logon_shared.h"

struct account_memo *account_memo(struct judge *judge, const struct account *account)
{
    struct account_memo *memo = memo_in(judge, &account->memo, sizeof(*memo));
    memo->once.of = ONCE_AN_ACCOUNT;
    return memo;
}

const struct result *logon_result(const struct account *account)
{
    const struct account_memo *memo = account->memo;
    return memo ? &memo->result : NULL;
}

struct subject about_logon(struct result *result, struct once *once, uint32_t leg)
{
    struct subject subject = about_nothing(ABOUT_LOGON);
    subject.result = result;
    subject.once = once;
    subject.leg = leg;
    return subject;
}

struct subject about_account(struct judge *judge, const struct account *account, uint32_t leg)
{
    return about_logon(account ? &account_memo(judge, account)->result : NULL, NULL, leg);
}

struct evidence *all_of(struct judge *judge, const struct logon_conn *conn)
{
    struct evidence *evidence = evidence_new(judge);
    evidence_add(evidence, conn->link, 0);
    evidence->more = conn->lost; /* what could not be followed is not named */
    return evidence;
}
