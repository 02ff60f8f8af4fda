/* times.h
 * Shows what was asked for and where its time went, by numbers that tables can filter by, and tells statistics.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_TIMES_H
#define OUTLOOKHTTP_TIMES_H

#include "compat.h"

struct pdu_note;
struct mapi_message;

void times_register(void);
/* Of a PDU; nothing if it is of no call. */
void times_show_call(proto_tree *tree, tvbuff_t *tvb, const struct pdu_note *note);
void times_show_message(proto_tree *tree, tvbuff_t *tvb, const struct mapi_message *message);
/* Once in the frame that ends it, whether it is shown or not. */
void times_tap_call(packet_info *pinfo, const struct pdu_note *note);
void times_tap_message(packet_info *pinfo, const struct mapi_message *message);

#endif
