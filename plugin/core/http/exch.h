/* exch.h
 * The name that track/mapi.c and ws/dissect_mapi.c still use.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_EXCH_H
#define OUTLOOKHTTP_EXCH_H

#include "date.h"
#include "exchange_cookies.h"

#endif
