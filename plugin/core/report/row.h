/* row.h
 * What the rows of all reports say of findings.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_ROW_H
#define OUTLOOKHTTP_ROW_H

#include "finding.h"

struct row_verdict {
    enum verdict_kind kind; /* the gravest, first of its severity; VERDICT_KINDS if none */
    enum verdict_severity severity;
    uint32_t frame;
    uint32_t explained;       /* the frame whose verdict says why, 0 if there is none */
    enum verdict_where where; /* WHERE_NONE: nothing wrong; WHERE_UNKNOWN: cannot tell */
    bool seen;                /* where was seen, not inferred */
    bool taken_back;          /* where was told, and fell with what it was inferred from */
    const char *text;         /* of a finding that waits for more; NULL: it was told, on that frame */
    const char *cannot_tell;  /* why absence proves nothing here ("IN: no SYN captured"), or NULL */
};

/* By what was told; result: NULL if nothing was found. */
struct row_verdict row_verdict(const struct result *result);
/* Says why it cannot be told, too; NULL: it can. */
void row_cannot_tell(struct row_verdict *verdict, const char *why);
/* The client was to blame on a leg between these hosts: takes that back where it showed later that clocks differ, and may
 * have put the leg before the device that it is behind of. */
void row_doubt_order(struct row_verdict *verdict, const struct track *track, const struct endpoint *client,
                     const struct endpoint *server);
/* Why absence proves nothing on a connection, which the text calls by that name; NULL if it does.
 * The text lives as long as the state. */
const char *row_doubt(const struct conn *conn, const char *name);
/* The same of what was withheld for want of a connection, by its stream; NULL if nothing was. */
const char *row_doubt_of(const struct result *result);

#endif
