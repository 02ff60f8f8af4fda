/* gone.h
 * A server that ends all its connections, in either protocol: which ends count, when they mean that it is
 * gone, and what is said of it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_GONE_H
#define OUTLOOKHTTP_GONE_H

#include "event.h"
#include "finding.h"

/* A connection in use that its server ended first. All of it outlives the judge. */
struct gone_end {
    const struct conn *conn;
    const struct leg *leg;   /* whose it was, of RPC over HTTP; else NULL */
    const struct side *side; /* the same of MAPI/HTTP */
    bool follows;            /* another end of the same virtual connection came before */
    bool behind_seen;        /* a device at the server's address passed it on */
    bool quiet;              /* with FIN, and nothing was under way: any server may do so (RFC 9112 9.5) */
};

/* Takes an end into account; it may be the one that shows that the server is gone, which is told then. */
void gone_ended(struct judge *judge, const struct gone_end *end, struct when when);
/* Whether it was told that the server is gone, and nothing has come from it since: what it ends is no matter
 * of its own. */
bool gone_explains(const struct server *server);
/* Whether the server has ended connections of others within a second, so that it may turn out to be gone. */
bool gone_may_be(const struct judge *judge, const struct server *server, const struct leg *leg, struct when when);
/* Whether that was told in that frame or later. */
bool gone_told_since(const struct server *server, uint32_t frame);

/* A second may be over. */
rule gone_time_passed;
/* EVENT_SERVER_ANSWERED: it may be back. */
rule gone_answered;
/* EVENT_SERVER_REFUSED: what was quiet may have been the end of it. */
rule gone_refused;

#endif
