/* oxprops.h
 * The old name of properties.h, for those who still use it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "names.h"
#include "properties.h"
