/* entry_ids.h
 * Entry IDs of the address book and of mailboxes (MS-OXNSPI 2.2.9, MS-OXCDATA 2.2).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_ENTRY_IDS_H
#define OUTLOOKHTTP_ENTRY_IDS_H

#include "field.h"
#include "layout.h"

/* All that they can show, for registration. */
extern const struct field entry_id_layouts[];

/* An EntryID of len bytes: Permanent and Ephemeral (MS-OXNSPI 2.2.9), one-off, message,
 * folder, store and personal contact (MS-OXCDATA 2.2); another one as bytes. Consumes len. */
void read_entry_id(struct reader *reader, uint32_t len);

/* A row's function: an EntryID of as many bytes as the number above says; 0: none. */
void read_sized_id(struct layout_run *run, const struct field *at);
#define SIZED_ID READ_LAYOUT(read_sized_id, 0, entry_id_layouts)

/* ServerId (MS-OXCDATA 2.11.1.4, MS-OXORULE 2.2.5.1.2.1.1): whose it is, and the server's own. */
#define SERVER_ID_LEN 21u
extern const struct field server_id_ours[], server_id_object[];

#endif
