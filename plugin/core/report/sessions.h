/* sessions.h
 * The rows of the report of MAPI/HTTP sessions.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_SESSIONS_H
#define OUTLOOKHTTP_SESSIONS_H

#include "mapi.h"
#include "rop_text.h"
#include "row.h"

#define SESSION_NAMES_MAX 256

/* Of a session on one leg. Its texts are the state's, or stand in the row itself: it is not copied. */
struct session_row {
    uint32_t session, leg;
    struct when start, last;
    const char *user; /* with the scheme: "EXAMPLE\\alice (NTLM)"; "" if none */
    const char *application, *mailbox, *user_dn;
    uint8_t endpoint;
    struct endpoint client, server;                                   /* of the first connection */
    char front_ends[SESSION_NAMES_MAX], back_ends[SESSION_NAMES_MAX]; /* "EX1, EX2", "" if none */
    uint32_t ok, failed;                                              /* responses */
    int64_t slowest_ns;                                               /* -1 if none */
    uint8_t slowest_type;
    int64_t last_code; /* -1 if none */
    char ended[64];    /* "", "Disconnect (frame 33)", "lost (frame 12)", ... */
    struct rop_row rops;
    struct row_verdict verdict;
    const char *request_id; /* of the server, of the last failure, "" if none */
};

/* In order of appearance. */
uint32_t mapi_state_rows(const struct mapi_state *world);
/* How many sessions were numbered so far. */
uint32_t mapi_state_sessions(const struct mapi_state *world);
/* The index of that session's leg, NO_NUMBER if there is none. */
uint32_t mapi_state_find_row(const struct mapi_state *world, uint32_t session, uint32_t leg);
/* False where there is none of that index. */
bool mapi_state_row(const struct mapi_state *world, uint32_t index, struct session_row *row);

#endif
