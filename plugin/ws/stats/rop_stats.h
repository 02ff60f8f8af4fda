/* rop_stats.h
 * The statistics of ROPs, over MAPI/HTTP and RPC alike.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_ROP_STATS_H
#define OUTLOOKHTTP_ROP_STATS_H

void rop_stats_register(void);

#endif
