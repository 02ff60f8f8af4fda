/* preferences.h
 * What the user may set: which verdicts are how grave, from when on, and the ports of RPC servers.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_PREFERENCES_H
#define OUTLOOKHTTP_PREFERENCES_H

/* Behind the registration of the protocols. */
void preferences_register(void);

#endif
