/* logons.c
 * The report on logons.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "logons.h"

#include "logon_rules.h"

bool aworld_row(const struct aworld *world, uint32_t index, struct auth_row *row)
{
    const struct account *account = aworld_account(world, index);
    if (!account) {
        return false;
    }
    const struct result nothing = { .told = false }, *found = logon_result(account);
    const struct result *result = found ? found : &nothing;
    *row = (struct auth_row){
        .user = account->user, .host = account->host, .scheme = account->scheme,
        .connections = account->connections, .accepted = account->accepted, .refused = account->refused,
        .slowest_ns = account->slowest, .challenge_servers = account->servers,
        .first_refusal = account->first_refusal, .start = account->start, .last = account->last,
        .verdict = result->told ? (enum verdict_kind)result->verdict : VERDICT_KINDS,
        .verdict_frame = result->frame, .where = (enum verdict_where)result->where, .where_seen = result->where_seen
    };
    return true;
}
