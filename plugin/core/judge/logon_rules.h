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

void logon_challenge_missing(struct judge *judge, const struct event *event);
void logon_answered(struct judge *judge, const struct event *event);
void logon_refused(struct judge *judge, const struct event *event);
void logon_offered(struct judge *judge, const struct event *event);
void logon_stranger(struct judge *judge, const struct event *event);
void logon_passed_by(struct judge *judge, const struct event *event);
void logon_bearers_empty(struct judge *judge, const struct event *event);

/* NULL: nothing was found. */
const struct result *logon_result(const struct account *account);

#endif
