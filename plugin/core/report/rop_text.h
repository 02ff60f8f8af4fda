/* rop_text.h
 * What is said of ROPs in one line: of a request or response for the Info column, of a session in
 * the tables.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_ROP_TEXT_H
#define OUTLOOKHTTP_ROP_TEXT_H

#include "objects.h"
#include "say.h"

/* "OpenFolder, SetColumns, Release x3 (5 ROPs)" of a request, "QueryRows 50 rows; OpenMessage NotFound" of a
 * response: behind what succeeded what did not. Of long lists some of both. Appends nothing where no ROP was read. */
void rop_message_summary(const struct rop_message *message, struct text *text);

/* "OpenMessage NotFound", "Backoff" */
void rop_failure_say(struct text *text, const struct rop_failure *failure);

/* The cells of a row. */
struct rop_row {
    uint32_t calls;
    const struct rop_totals *totals; /* NULL if none was read */
    struct text failed;  /* "OpenMessage NotFound x3, Logon AccessDenied": what came most; empty if none did */
    struct text slowest; /* "QueryRows 1.2 s (frame 33)": by the ROPs of the request; empty if none is known */
};

/* totals: NULL before the first. */
void rop_row_fill(struct rop_row *row, const struct rop_totals *totals);

#endif
