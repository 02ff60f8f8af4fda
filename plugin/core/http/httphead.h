/* httphead.h
 * The name that track/vconn.h and ws/ws.h still use.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_HTTPHEAD_H
#define OUTLOOKHTTP_HTTPHEAD_H

#include "chunks.h"
#include "cookie.h"
#include "fields.h"
#include "head.h"
#include "info.h"

#endif
