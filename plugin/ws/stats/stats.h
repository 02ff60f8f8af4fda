/* stats.h
 * The tables.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_STATS_H
#define OUTLOOKHTTP_STATS_H

void stats_register(void);

#endif
