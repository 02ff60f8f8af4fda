/* logons.c
 * The report on logons.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "logons.h"

#include "logon_rules.h"

bool logon_state_row(const struct logon_state *world, uint32_t index, struct auth_row *row)
{
    const struct account *account = logon_state_account(world, index);
    if (!account) {
        return false;
    }
    *row = (struct auth_row){ .user = account->user,
                              .host = account->host,
                              .scheme = account->scheme,
                              .connections = account->connections,
                              .accepted = account->accepted,
                              .refused = account->refused,
                              .slowest_ns = account->slowest,
                              .challenge_servers = account->servers,
                              .first_refusal = account->first_refusal,
                              .start = account->start,
                              .last = account->last,
                              .verdict = row_verdict(logon_result(account)) };
    return true;
}
