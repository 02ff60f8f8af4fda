/* logon_rules.h
 * The rules of logons, each for one kind of event, and what they found of an account.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_LOGON_RULES_H
#define OUTLOOKHTTP_LOGON_RULES_H

#include "event.h"
#include "finding.h"
#include "logon_state.h"

rule logon_no_challenge, logon_challenge_missing, logon_answered, logon_refused, logon_offered, logon_stranger,
    logon_passed_by;
rule logon_bearers_empty, logon_token_left;

/* NULL: nothing was found. */
const struct result *logon_result(const struct account *account);

#endif
