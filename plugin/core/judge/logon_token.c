/* logon_token.c
 * Bearer tokens that are refused, and no other one is sent. That one expires is a step of a logon.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "logon_shared.h"

#include "logon_words.h"

void logon_token_left(struct judge *judge, const struct event *event)
{
    const struct left_token *left = event->logon.left;
    if (left->refusals && left->refusals->count >= judge->limits.refusals_told) {
        return; /* told then */
    }
    struct finding finding = finding_begin(judge, V_TOKEN_LEFT, event->when,
                                           about_account(judge, left->account, left->leg), all_of(judge, left->conn));
    if (!finding.begun) {
        return;
    }
    say(&finding.text, "Seen: the Bearer token of %s for %s in frame %u was refused with 401 (frame %u) by %s",
        left->user[0] ? NAME(left->user) : "a client", NAME(left->site), left->asked_frame, left->when.frame,
        SERVER_OF(left->conn));
    if (left->reason && left->reason[0]) {
        say(&finding.text, "; it says: %s", left->reason);
    }
    say(&finding.text,
        "; nothing with credentials has come from its address (stream %u) for that host since, for %s; inferred: the client gets no "
        "other token, or was closed; next: " TOKEN_NEXT
        "; if it gets tokens, their audience and issuer, and the server's "
        "OAuth configuration (Get-AuthServer, Get-AuthConfig)",
        left->conn->link->stream, SECONDS(event->when.ns - left->when.ns));
    tell_by(&finding, WHERE_UNKNOWN, false);
}
