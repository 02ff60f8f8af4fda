/* report_tap.h
 * The report of -z outlook,report and of the Tools menu.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_REPORT_TAP_H
#define OUTLOOKHTTP_REPORT_TAP_H

void report_register(void);

#endif
