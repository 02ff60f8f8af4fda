/* logons.h
 * The report on logons: a row for each user, host and scheme, in order of appearance.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_LOGONS_H
#define OUTLOOKHTTP_LOGONS_H

#include "auth.h"
#include "row.h"

struct auth_row {
    const char *user, *host, *scheme;
    uint32_t connections, accepted, refused;
    int64_t slowest_ns;            /* -1 if nothing was answered */
    const char *challenge_servers; /* "EX1, EX2", "" if none */
    struct when first_refusal;     /* frame 0 if none */
    struct when start, last;
    struct row_verdict verdict;
};

/* False if there are no so many. */
bool logon_state_row(const struct logon_state *world, uint32_t index, struct auth_row *row);

#endif
