/* emsmdb_guess.h
 * EcDoRpc where the bind was not captured: told by its bytes, if the user wants that.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_EMSMDB_GUESS_H
#define OUTLOOKHTTP_EMSMDB_GUESS_H

#include "compat.h"

/* Looks at the PDUs from the beginning of tvb on, which DCE/RPC has shown already, and shows what seems to be EMSMDB
 * below tree. pinfo names the conversation that DCE/RPC has of it. */
void emsmdb_guess(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree);

/* Behind emsmdb_register_show(). */
void emsmdb_guess_register(void);
void emsmdb_guess_handoff(void);
/* After its preference was. */
void emsmdb_guess_changed(void);

#endif
