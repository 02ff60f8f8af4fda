/* report_window.h
 * The report in a window of Wireshark: Tools > Outlook over HTTP report.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_REPORT_WINDOW_H
#define OUTLOOKHTTP_REPORT_WINDOW_H

#include "compat.h"

/* Whether this program has windows. */
bool report_window_possible(void);
void report_window_open(void);
void report_window_register(void);

#endif
