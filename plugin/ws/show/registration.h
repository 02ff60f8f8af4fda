/* registration.h
 * Registers fields, those of a protocol in one row.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_REGISTRATION_H
#define OUTLOOKHTTP_REGISTRATION_H

#include "compat.h"

#include <epan/expert.h>

/* Both are kept until fields_register() registers them: they are static. */
void fields_add(int proto, hf_register_info *fields, size_t count);
void fields_add_expert(int proto, ei_register_info *items, size_t count);
/* What an expert item's field is, in a sentence that is kept; Wireshark takes no description of it. */
void fields_describe_expert(const expert_field *item, const char *text);

/* Once all were added: ids are known from then on. Wireshark writes fields down in the order of their registration, with
 * -G elastic-mapping below their protocol, whose name stands there again where another one's came between. */
void fields_register(void);

#endif
