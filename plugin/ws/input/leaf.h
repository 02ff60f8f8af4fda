/* leaf.h
 * The certificates that TLS servers present.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_LEAF_H
#define OUTLOOKHTTP_LEAF_H

#include "tcpframe.h"

/* Whether a frame of the first pass may bring a certificate; tcp_frame_find() is enough. */
bool leaf_hunted(const struct tcp_frame *tcp);
/* Such a frame: looks for the certificates of TLS servers. */
void leaf_first_look(packet_info *pinfo, const struct tcp_frame *tcp);
/* What the TLS server of a TCP connection presented, NULL if that was not seen. */
const struct tls_leaf *leaf_of(conversation_t *conversation);

#endif
