/* taps.h
 * What statistics are told.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_TAPS_H
#define OUTLOOKHTTP_TAPS_H

#include "outlook.h"

/* A request was answered. */
struct timed {
    const struct times *times;
    uint16_t operation; /* timing.h */
    bool is_call;       /* of RPC over HTTP; of: */
    uint8_t interface;  /* enum rpc_interface */
    uint16_t opnum;
};

/* A verdict stands on the frame. */
struct told {
    const struct verdict *verdict;
    const struct conn *conn; /* of the frame, NULL if it is none of ours */
};

/* A frame is of rows of the report. */
struct of_rows {
    bool first_pass;              /* when taps are told, frames count as visited already */
    struct client *const *client; /* where the file has whose plain RPC this is; NULL: the frame's notes tell */
};

#endif
