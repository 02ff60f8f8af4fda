/* claims.h
 * Which connections were claimed, roughly: a frame of any other is seen to be one without looking for its conversation.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_CLAIMS_H
#define OUTLOOKHTTP_CLAIMS_H

#include "tcpframe.h"

enum claim { CLAIM_RPCH = 1, CLAIM_MAPI = 2 };

/* The connection of this frame was claimed. */
void claims_add(const struct tcp_frame *tcp, enum claim by);
/* By whom it may have been claimed: bits of enum claim. A bit that is not set is certain; one that is may be that
 * of a connection whose ends look alike. */
unsigned claims_of(const struct tcp_frame *tcp);

/* Where the stream stands that its follower met last of many pairs of ends, or NULL: that saves the look-up of a
 * conversation, which costs more than all else. On the first pass alone, on which the newest conversation of two ends is
 * the one; NULL on others, and with a SYN. */
void **claims_recent(const packet_info *pinfo, const struct tcp_frame *tcp, enum claim by);
/* On the first pass, with a SYN: what was met is of a connection before. */
void claims_begin_anew(const struct tcp_frame *tcp);

#endif
