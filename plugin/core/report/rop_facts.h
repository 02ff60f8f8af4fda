/* rop_facts.h
 * What counts of the ROPs of a message: what was asked, answered, refused, and how often.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_ROP_FACTS_H
#define OUTLOOKHTTP_ROP_FACTS_H

#include "objects.h"

enum rop_event {
    ROP_NOTHING,
    ROP_ASKED,    /* a ROP of a request */
    ROP_ANSWERED, /* of a response: a ROP of its request that was carried out, well or not */
    ROP_REFUSED,  /* an answer that says no */
    ROP_UNASKED   /* of a response: RopNotify, RopBackoff and the like, which answer nothing */
};

struct rop_fact {
    uint8_t event;
    uint8_t id; /* as it was asked */
    uint32_t return_value;
    int64_t took; /* of ROP_ANSWERED: from the request to the end of the response, ns; -1 if it ended before that */
};

/* Of a message that was read: the fact of that index, which may be ROP_NOTHING; false behind the last. */
bool rop_message_fact(const struct rop_message *message, uint32_t index, struct rop_fact *fact);

#endif
