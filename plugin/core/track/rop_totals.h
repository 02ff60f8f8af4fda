/* rop_totals.h
 * What is counted of ROPs while they pass, for the rows of a session and of a virtual connection.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_ROP_TOTALS_H
#define OUTLOOKHTTP_ROP_TOTALS_H

#include "tables.h"

struct rop_message;

#define ROP_FAILURES_KEPT 16u

/* Answers that say no, of one kind. */
struct rop_failure {
    uint32_t count;
    uint32_t return_value;
    uint32_t frame; /* the first */
    uint8_t id;     /* as it was asked; RopBackoff, which has no return value */
};

struct rop_totals {                                 /* all zero: nothing so far */
    uint32_t calls;                                 /* ROPs of requests */
    uint32_t failed;                                /* answers that say no; of these */
    struct rop_failure failures[ROP_FAILURES_KEPT]; /* so many kinds, in no order; of the rest the sum is known */
    uint32_t kinds;
    uint32_t busy, busy_frame;         /* of failed: the server was busy, and put the client off; the first */
    uint32_t longest_wait_ms;          /* that it asked for */
    const struct rop_message *slowest; /* the response that took longest from the end of its request, NULL if none */
};

/* A message was read; it lives as long. */
void rop_totals_add(struct rop_totals *totals, const struct rop_message *message);
/* An answer by which a busy server puts the client off: rop.backoff, not rop.failed. */
bool rop_is_busy(uint8_t id, uint32_t return_value);
/* From the request to the end of this response; -1 if the request is not known, or ended later. */
int64_t rop_message_took(const struct rop_message *message);

#endif
