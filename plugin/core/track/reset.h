/* reset.h
 * What an RST says beside that it ends a connection: for conn.c, which asks for it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_RESET_H
#define OUTLOOKHTTP_RESET_H

#include "conn.h"

#define LOOKS_ENOUGH 4 /* packets that say how an end's look */

/* What the RST that ends a connection for that end shows. Before its looks are noted. */
void reset_note(const struct conn *conn, struct conn_end *end, const struct segment *segment);

#endif
