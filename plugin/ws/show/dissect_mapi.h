/* dissect_mapi.h
 * Shows MAPI/HTTP.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_DISSECT_MAPI_H
#define OUTLOOKHTTP_DISSECT_MAPI_H

#include "show_calls.h"

/* Registers its fields, and fills in its calls. */
void mapi_register_show(struct show_calls *calls);

#endif
