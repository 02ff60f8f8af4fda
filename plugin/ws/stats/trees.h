/* trees.h
 * Statistics trees.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_TREES_H
#define OUTLOOKHTTP_TREES_H

void trees_register(void);

#endif
