/* export.h
 * File > Export Objects > Outlook, and tshark --export-objects outlook,FOLDER.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_EXPORT_H
#define OUTLOOKHTTP_EXPORT_H

void export_register(void);

#endif
