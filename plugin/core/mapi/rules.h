/* rules.h
 * Rule actions (MS-OXORULE 2.2.5).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_RULES_H
#define OUTLOOKHTTP_RULES_H

#include "property_scene.h"

/* All that they can show, for registration. */
extern const struct field rule_layouts[];

/* RuleAction, without a length before it; in the address book with counts of either width. */
void read_rule_action_of(struct reader *reader, struct property_scene scene);

#endif
