/* client_table.h
 * The table of clients.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_CLIENT_TABLE_H
#define OUTLOOKHTTP_CLIENT_TABLE_H

void client_table_register(void);

#endif
