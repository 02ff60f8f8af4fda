/* srt.h
 * The tables of service response times.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_SRT_H
#define OUTLOOKHTTP_SRT_H

void srt_register(void);

#endif
