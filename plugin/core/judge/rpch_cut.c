/* rpch_cut.c
 * Channels that the server's end cuts while they are in use.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "blame.h"
#include "gone.h"

#include <stdio.h>

enum cut { NOT_CUT, CUT_HALFWAY, CUT_AT_HEAD, CUT_IN_FIRST, CUT_CALL };

/* What another verdict says of the attempt already. */
static bool is_explained(const struct leg *leg, const struct channel *channel)
{
    static const enum verdict_kind kinds[] = { V_NEVER_JOINED, V_BACKEND_MISMATCH, V_CHANNEL_CUT, V_NO_PDU,
                                               V_BUFFERED };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (leg_told(leg, kinds[i])) {
            return true;
        }
    }
    return once_told(channel->memo, V_NO_PDU) || late_told(leg, ROLE_IN) || late_told(leg, ROLE_OUT);
}

/* A byte of its body, or a call that waits for its answer, came of late: it may have been the other half that carried
 * the call. */
static bool is_busy(const struct judge *judge, const struct leg *leg, const struct event *event)
{
    const struct call *call = leg_newest_unanswered(leg);
    return event->rpch.end.idle_ns < judge->limits.idle_least ||
           (call && event->when.ns - call->last.ns < judge->limits.idle_least);
}

static enum cut cut_of(const struct judge *judge, const struct event *event)
{
    const struct channel *channel = event->rpch.channel;
    const struct leg *leg = event->rpch.leg;
    if (!leg || channel->v1 || !blame_server_ended(channel) || leg->recycling[channel->role] ||
        !is_busy(judge, leg, event) || is_explained(leg, channel)) {
        return NOT_CUT;
    }
    const struct channel *other = leg_other(channel);
    if (other && (other->conn->link->ended || other->refused)) {
        return NOT_CUT; /* that was the first end, or says why */
    }
    const struct rpch_conn *conn = channel->conn;
    const bool opening = !event->rpch.end.was_open && !leg->joined;
    if ((conn->halfway[WAY_TO_SERVER] || conn->halfway[WAY_TO_CLIENT])) {
        return CUT_HALFWAY;
    }
    if (opening && leg->hop == RTS_HOP_HTTP && !channel->got_status && !channel->bytes[WAY_TO_CLIENT]) {
        return CUT_AT_HEAD;
    }
    if (opening && other && channel->role == ROLE_IN && channel->first_rts.frame) {
        return CUT_IN_FIRST;
    }
    if (event->rpch.end.was_open && other && leg->pending && !leg->pending->lost && leg_unanswered(leg)) {
        return CUT_CALL;
    }
    return NOT_CUT;
}

static void say_halfway(struct text *text, const struct rpch_conn *conn)
{
    const enum way way = conn->halfway[WAY_TO_SERVER] ? WAY_TO_SERVER : WAY_TO_CLIENT;
    say(text, "in the middle of a %s to the %s", conn->halfway[way] == HALFWAY_PDU ? "PDU" : "head",
        way == WAY_TO_SERVER ? "server" : "client");
}

static void say_cut(struct text *text, enum cut cut, const struct leg *leg, const struct channel *channel)
{
    const struct call *call = leg_unanswered(leg);
    const struct channel *other = leg_other(channel);
    switch (cut) {
    case CUT_HALFWAY:
        say_halfway(text, channel->conn);
        break;
    case CUT_AT_HEAD:
        say(text, "before any status or PDU of the server came on it");
        break;
    case CUT_IN_FIRST:
        say(text, "after CONN/B1 and before the connection was open");
        break;
    case CUT_CALL:
        say(text, "while %s %u of frame %u had no answer", call->ptype == RPC_REQUEST ? "call" : "bind", call->id,
            call->begin.frame);
        break;
    case NOT_CUT:
        break;
    }
    if (other) {
        say(text, "; the other half, %s%s", CHANNEL(other),
            other->got_status && other->role == ROLE_OUT ? ", was answered with 200" : ", was open");
    }
}

static const char *next_for(enum cut cut, const struct channel *channel)
{
    if (cut == CUT_AT_HEAD && channel->role == ROLE_IN) {
        return "whether devices before the server let the method RPC_IN_DATA and its body of 1 GB pass, and their logs at "
               "this time";
    }
    if (cut == CUT_AT_HEAD) {
        return "whether devices before the server let the method RPC_OUT_DATA pass, and their logs at this time";
    }
    return "the logs of firewalls, proxies and balancers on the way at this time, their limits for long bodies, and the "
           "server's event log";
}

bool rpch_cut(struct judge *judge, const struct event *event)
{
    const struct channel *channel = event->rpch.channel;
    const struct leg *leg = event->rpch.leg;
    const enum cut cut = cut_of(judge, event);
    if (cut == NOT_CUT) {
        return false;
    }
    struct finding finding =
        finding_begin(judge, V_CHANNEL_CUT, event->when, about_leg(judge, leg), evidence_leg(judge, leg));
    if (!finding.begun) {
        return true;
    }
    const struct channel *behind = channel_behind(channel);
    if (gone_explains(channel->conn->link->server) || (behind && gone_explains(channel_tcp(behind)->server))) {
        finding_turn(&finding, V_CHANNEL_CUT_NOTE);
    }
    const struct blame blame = blame_cut(leg, channel, event->when);
    say_channel(&finding.text, channel);
    say(&finding.text, ", the server's end sent %s in frame %u ", end_name(channel->conn->link), event->when.frame);
    say_cut(&finding.text, cut, leg, channel);
    say(&finding.text, "; inferred: %s; next: %s", blame.why, next_for(cut, channel));
    tell_by(&finding, blame.where, blame.seen);
    return true;
}

/* ---- Again and again --------------------------------------------------------------------- */

/* Of one client that asks for the same target. */
static struct comeback *comeback_of(struct judge *judge, const struct channel *channel, bool make)
{
    if (!channel->place) {
        return NULL;
    }
    struct comebacks *all = make ? memo_in(judge, &channel->place->memo, sizeof(*all)) : channel->place->memo;
    if (!all) {
        return NULL;
    }
    const char *session = channel->more ? channel->more->outlook_session : NULL;
    for (unsigned i = 0; i < COMEBACKS; i++) {
        struct comeback *one = &all->of[i];
        if (one->leg && (session || one->session ? one->session == session : one->user == channel->user)) {
            return one;
        }
    }
    if (!make) {
        return NULL;
    }
    struct comeback *one = &all->of[all->next++ % COMEBACKS];
    *one = (struct comeback){ .session = session, .user = channel->user };
    return one;
}

void rpch_comeback_ended(struct judge *judge, const struct event *event)
{
    const struct channel *channel = event->rpch.channel;
    const struct leg *leg = event->rpch.leg;
    /* The client's own end may have been lost with other frames. */
    if (!leg || !event->rpch.end.was_open || channel->v1 || !blame_server_ended(channel) || !leg_whole(leg) ||
        leg->recycling[channel->role] || event->rpch.end.idle_ns >= judge->limits.idle_least) {
        return;
    }
    if (leg->prev && leg_behind(leg->prev) == leg) {
        return; /* who comes back there shows before the device, which all clients come from here */
    }
    struct comeback *one = comeback_of(judge, channel, true);
    /* Connections side by side are not one that comes back. */
    if (one && leg->start.frame >= one->asked_frame) {
        one->leg = leg;
        one->channel = channel;
        one->ended = event->when;
    }
}

static void tell_comeback(struct judge *judge, const struct comeback *one, const struct leg *leg,
                          const struct channel *ended, struct when at, struct when when)
{
    struct finding finding =
        finding_begin(judge, V_CHANNEL_CUT, when, about_leg(judge, leg), evidence_channel(judge, ended));
    if (!finding.begun) {
        return;
    }
    const struct blame blame = blame_cut(leg, ended, at);
    say(&finding.text,
        "Seen: %s was open, the server's end sent %s in frame %u, and the client asks for %s again %s later, %u times "
        "in a row",
        CHANNEL(ended), end_name(ended->conn->link), at.frame, ended->target ? ended->target : "the same server",
        SECONDS(when.ns - at.ns), one->count);
    say(&finding.text, "; inferred: %s; next: %s", blame.why, next_for(CUT_CALL, ended));
    tell_by(&finding, blame.where, blame.seen);
}

void rpch_asked(struct judge *judge, const struct event *event)
{
    struct comeback *one = comeback_of(judge, event->rpch.channel, false);
    if (!one || !one->ended.frame) {
        return;
    }
    const struct when at = one->ended;
    one->ended.frame = 0;
    if (event->when.ns - at.ns > judge->limits.comeback_wait || event->when.ns < at.ns) {
        one->count = 0;
        one->first = NULL;
        return;
    }
    one->asked_frame = event->when.frame;
    one->count++;
    if (one->count == 1) {
        one->first = one->channel;
        one->first_ended = at;
        return;
    }
    if (one->first) {
        tell_comeback(judge, one, one->first->leg, one->first, one->first_ended, event->when);
        one->first = NULL;
    }
    tell_comeback(judge, one, one->leg, one->channel, at, event->when);
}
