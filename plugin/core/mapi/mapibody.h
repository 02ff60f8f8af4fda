/* mapibody.h
 * The old name of bodies.h and envelope.h, for those who still use it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "bodies.h"
#include "envelope.h"
