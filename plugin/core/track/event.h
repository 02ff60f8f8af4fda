/* event.h
 * What state says has happened. Each is emitted when the state of its step is complete; the
 * comment says what the members mean. Objects are read only, and in the state that the event
 * leaves.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_EVENT_H
#define OUTLOOKHTTP_EVENT_H

#include "conn.h"
#include "tcp.h"

enum event_kind {
    /* ---- RPC over HTTP -------------------------------------------------------------- */

    /* ---- MAPI/HTTP ------------------------------------------------------------------ */

    /* ---- logons, of both ------------------------------------------------------------ */

    EVENT_KINDS
};

struct event {
    enum event_kind kind;
    struct when when;            /* the frame that it came with */
};

#endif
