/* conversations.h
 * What a frame belongs to beyond its TCP connection, and filters that select it: for the menus "Conversation
 * Filter" and "Colorize Conversation", and for who follows a stream.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_CONVERSATIONS_H
#define OUTLOOKHTTP_CONVERSATIONS_H

#include "compat.h"

/* The numbers of the virtual connection, or session, and leg that the frame belongs to; false if none is known. The
 * frame was dissected before. */
bool conversation_of_rpch(packet_info *pinfo, uint32_t *vc, uint32_t *leg);
bool conversation_of_mapi(packet_info *pinfo, uint32_t *session, uint32_t *leg);

void conversations_register(void);

#endif
