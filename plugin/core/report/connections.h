/* connections.h
 * The report on virtual connections of RPC over HTTP, with what was found by now.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_CONNECTIONS_H
#define OUTLOOKHTTP_CONNECTIONS_H

#include "vconn.h"
#include "rop_text.h"
#include "row.h"

struct half_row {
    struct endpoint peer;           /* family 0 if there is none */
    uint32_t stream, request_frame; /* NO_NUMBER, 0 */
};

/* A row for each connection and leg that is numbered, in that order. What it points at is the
 * world's and does not change. */
struct leg_row {
    uint32_t vc, leg;
    struct when start, last;
    const char *user;       /* "" if none; as sent, with the scheme: "EXAMPLE\\alice (NTLM)" */
    struct endpoint client; /* of the channel seen first; family 0 if none was */
    const char *target;
    struct half_row in, out;
    bool opened;      /* at any time, on any attempt */
    int64_t setup_ns; /* first channel request to CONN/C2 (C1); -1 if not opened */
    uint32_t calls, faults;
    int64_t longest_idle_ns; /* on either channel, while both were there */
    const char *state;
    char ended[64]; /* "", "FIN by server (frame 33)", ... */
    struct rop_row rops;
    struct row_verdict verdict;
    const char *request_id; /* of the last response, "" if none */
};

/* How many virtual connections were numbered so far. */
uint32_t rpch_state_connections(const struct rpch_state *world);
/* How many there are so far. */
/* The index of that connection's leg, NO_NUMBER if there is none. */
uint32_t rpch_state_find_row(const struct rpch_state *world, uint32_t vc, uint32_t leg);
/* The index that a channel belongs to, with all that is known by now; NO_NUMBER if none. */
uint32_t rpch_state_row_of(const struct channel *channel);
/* False behind the last leg. */
bool rpch_state_row(const struct rpch_state *world, uint32_t index, struct leg_row *row);

#endif
