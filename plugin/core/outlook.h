/* outlook.h
 * All that is known of one capture file: the state of each protocol and what was found.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_OUTLOOK_H
#define OUTLOOKHTTP_OUTLOOK_H

#include "auth.h"
#include "conn.h"
#include "judge.h"
#include "logons.h"
#include "mapi.h"
#include "vconn.h"

struct outlook {
    struct track track;
    struct vworld *rpch;
    struct mworld *mapi;
    struct aworld *logons;       /* of both */
    struct judge *judge;         /* hears what the others emit */
};

/* All memory comes from the arena, and lives as long. */
struct outlook *outlook_new(const struct arena *arena, const struct judge_prefs *prefs);

/* What the events since the last call have proved, in the order RPC over HTTP, MAPI/HTTP,
 * logons, or NULL; to be shown on the frame of those events. */
const struct verdict *outlook_take_verdicts(struct outlook *outlook);

#endif
