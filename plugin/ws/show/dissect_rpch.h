/* dissect_rpch.h
 * Shows RPC over HTTP.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_DISSECT_RPCH_H
#define OUTLOOKHTTP_DISSECT_RPCH_H

#include "show_calls.h"

/* Registers its fields, and fills in its calls. */
void rpch_register_show(struct show_calls *calls);

#endif
