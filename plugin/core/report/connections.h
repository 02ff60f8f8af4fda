/* connections.h
 * The report on virtual connections of RPC over HTTP, with what was found by now.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_CONNECTIONS_H
#define OUTLOOKHTTP_CONNECTIONS_H

#include "vconn.h"
#include "verdict.h"

/* A row for each connection and leg that is numbered, in that order. What it points at is the
 * world's and does not change. */
struct leg_row {
    uint32_t vc, leg;
    struct when start, last;
    const char *user;            /* "" if none; as sent, with the scheme: "EXAMPLE\\alice (NTLM)" */
    struct endpoint client;      /* of the channel seen first */
    bool has_client;
    const char *target;
    bool has_in_peer, has_out_peer;
    struct endpoint in_peer, out_peer;
    uint32_t in_stream, out_stream;
    int64_t setup_ns;            /* first channel request to CONN/C2 (C1); -1 if not opened */
    uint32_t calls, faults;
    int64_t longest_idle_ns;     /* on either channel, while both were there */
    const char *state;
    char ended[64];              /* "", "FIN by server (frame 33)", ... */
    enum verdict_kind verdict;   /* the gravest, first of its severity; VERDICT_KINDS if none */
    enum verdict_severity severity;
    uint32_t verdict_frame;
    enum verdict_where where;    /* WHERE_NONE: nothing wrong; WHERE_UNKNOWN: cannot tell */
    bool where_seen;
    const char *cannot_tell;     /* why absence proves nothing here ("IN: no SYN captured"), or NULL */
    uint32_t request_frame_in, request_frame_out;
    const char *request_id;      /* of the last response, "" if none */
};

/* False behind the last leg. */
bool vworld_row(const struct vworld *world, uint32_t index, struct leg_row *row);

#endif
