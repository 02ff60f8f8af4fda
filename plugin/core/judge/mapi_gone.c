/* mapi_gone.c
 * Servers that end several connections at once, and requests that nobody acknowledges.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "mapi_rules.h"

#include "gone.h"

/* ---- servers that are gone ----------------------------------------------------------------- */

/* What a connection is for when it ends: something is under way on it, or it was kept for more. */
enum in_use { USE_NONE, USE_KEPT, USE_BUSY };

static enum in_use use_of(const struct judge *judge, const struct mapi_conn *conn, struct when when)
{
    if (conn->reply) {
        return !conn->reply->until_close || conn->link->ended_by_rst ? USE_BUSY : USE_NONE;
    }
    if (conn->awaited && conn->awaited->message && !request_crossed(conn->awaited)) {
        return USE_BUSY;
    }
    const int64_t kept = when.ns - conn->last_answer.ns;
    const bool announced = conn->kept_ns > 0 && kept + judge->limits.idle_alike >= conn->kept_ns;
    return conn->last_answer.frame && kept >= 0 && kept < judge->limits.kept_most && !announced ? USE_KEPT : USE_NONE;
}

void mapi_conn_ends(struct judge *judge, const struct event *event)
{
    const struct mapi_conn *conn = event->session.conn;
    const struct conn *link = conn->link;
    if (link->ended_by != WAY_TO_CLIENT || !conn->side || conn->expected_end || link->late_ns || link->gave_up ||
        conn_unread(link, WAY_TO_SERVER, judge->limits.unread_least)) {
        return;
    }
    const enum in_use use = use_of(judge, conn, event->when);
    if (use == USE_NONE) {
        return;
    }
    const struct exchange *request = conn->reply ? conn->reply->request : conn->awaited;
    const struct mapi_conn *behind = request ? request->there.conn : NULL;
    if (behind && behind->link->ended) {
        return; /* a device passes on what happened there */
    }
    gone_ended(judge,
               &(struct gone_end){ .conn = link,
                                   .side = conn->side,
                                   .behind_seen = behind != NULL,
                                   .quiet = use == USE_KEPT && !link->ended_by_rst },
               event->when);
}

/* ---- requests that nobody acknowledges ----------------------------------------------------------- */

void mapi_request_dropped(struct judge *judge, const struct event *event)
{
    const struct mapi_conn *silent = event->session.dropped.silent;
    const struct conn *answered = event->session.dropped.answered;
    const struct dropped *dropped = silent->dropped;
    struct evidence *evidence = evidence_new(judge);
    evidence_add(evidence, silent->link, 0);
    evidence_add(evidence, answered, 0);
    struct finding finding = finding_begin(judge, V_REQUEST_SILENT_DROP, event->when,
                                           about_side(judge, dropped->side, dropped->leg), evidence);
    if (!finding.begun) {
        return;
    }
    say(&finding.text,
        "Seen: %s (frame %u, stream %u, to %s) after %s without a byte either way was sent three times again by frame "
        "%u without an ACK; the same server answered the same client on stream %u in frame %u; inferred: a device "
        "between had dropped the idle connection without telling either end; next: idle time-outs of firewalls and "
        "balancers on the way to %s, which should be 120 s at least, or more",
        type_text(dropped->type), dropped->frame, silent->link->stream, SERVER_OF(silent), SECONDS(dropped->idle_ns),
        dropped->third.frame, answered->stream, event->when.frame, SERVER_OF(silent));
    tell_by(&finding, WHERE_DEVICE, false);
}
