/* exch.h
 * The name that ws/dissect_mapi.c still uses.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_EXCH_H
#define OUTLOOKHTTP_EXCH_H

#include "date.h"
#include "exchange_cookies.h"

#endif
