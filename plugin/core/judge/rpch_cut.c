/* rpch_cut.c
 * Channels that the server's end cuts while they are in use.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "blame.h"
#include "gone.h"

#include <stdio.h>

enum cut { NOT_CUT, CUT_HALFWAY, CUT_AT_HEAD, CUT_IN_FIRST, CUT_CALL, CUT_FOREIGN, CUT_UNREAD };

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
    return once_told(channel->memo, V_NO_PDU) || once_told(channel->memo, V_LONE) || late_told(leg, ROLE_IN) ||
           late_told(leg, ROLE_OUT);
}

/* A byte of its body, or a call that waits for its answer, came of late: it may have been the other half that carried
 * the call. */
static bool is_busy(const struct judge *judge, const struct leg *leg, const struct event *event)
{
    const struct call *call = leg_newest_unanswered(leg);
    return event->rpch.end.idle_ns < judge->limits.idle_least ||
           (call && event->when.ns - call->last.ns < judge->limits.idle_least);
}

/* Whether the server's side ended it, as the first of the two, and nothing says why. */
static bool is_end_to_explain(const struct leg *leg, const struct channel *channel)
{
    if (!leg || channel->v1 || !blame_server_ended(channel) || leg->recycling[channel->role] ||
        is_explained(leg, channel)) {
        return false;
    }
    const struct channel *other = leg_other(channel);
    return !other || !(other->conn->link->ended || other->refused);
}

static enum cut cut_opening(const struct leg *leg, const struct channel *channel)
{
    if (leg->hop == RTS_HOP_HTTP && !channel->got_status && !channel->bytes[WAY_TO_CLIENT]) {
        return CUT_AT_HEAD;
    }
    return leg_other(channel) && channel->role == ROLE_IN && channel->first_rts.frame ? CUT_IN_FIRST : NOT_CUT;
}

static enum cut cut_open(const struct leg *leg, const struct channel *channel)
{
    char why[FOREIGN_TEXT_MAX];
    if (leg_other(channel) && leg->pending && !leg->pending->lost && leg_unanswered(leg)) {
        return CUT_CALL;
    }
    return !leg_is_released(leg) && conn_foreign_rst(channel_tcp(channel), WAY_TO_CLIENT, why) ? CUT_FOREIGN : NOT_CUT;
}

static enum cut cut_of(const struct judge *judge, const struct event *event)
{
    const struct channel *channel = event->rpch.channel;
    const struct leg *leg = event->rpch.leg;
    if (!is_end_to_explain(leg, channel)) {
        return NOT_CUT;
    }
    if (blame_unread(judge, leg).link) {
        return CUT_UNREAD; /* however long nothing could come through */
    }
    const struct rpch_conn *conn = channel->conn;
    const bool opening = !event->rpch.end.was_open && !leg->joined;
    if (!opening && !is_busy(judge, leg, event)) {
        return NOT_CUT; /* an open connection is idle by then */
    }
    if (conn->halfway[WAY_TO_SERVER] || conn->halfway[WAY_TO_CLIENT]) {
        return CUT_HALFWAY;
    }
    if (opening) {
        return cut_opening(leg, channel);
    }
    return event->rpch.end.was_open ? cut_open(leg, channel) : NOT_CUT;
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
    case CUT_FOREIGN:
    case CUT_UNREAD:
        say(text, "while it was open");
        break;
    case NOT_CUT:
        break;
    }
    if (other) {
        say(text, "; the other half, %s%s", CHANNEL(other),
            other->got_status && other->role == ROLE_OUT ? ", was answered with 200" : ", was open");
    } else if (cut == CUT_AT_HEAD && channel->first_rts.frame) {
        say(text, "; no %s of the same virtual connection had come here", channel->role == ROLE_IN ? "OUT" : "IN");
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
    return CUT_LOGS;
}

bool rpch_cut(struct judge *judge, const struct event *event)
{
    const struct channel *channel = event->rpch.channel;
    const struct leg *leg = event->rpch.leg;
    const enum cut cut = cut_of(judge, event);
    if (cut == NOT_CUT) {
        return false;
    }
    const uint32_t since = cut == CUT_CALL ? leg_unanswered(leg)->begin.frame : 0;
    struct finding finding =
        finding_begin(judge, V_CHANNEL_CUT, event->when, about_leg(judge, leg), evidence_leg_since(judge, leg, since));
    if (!finding.begun) {
        return true;
    }
    const struct channel *behind = channel_behind(channel);
    if (gone_explains(channel->conn->link->server) || (behind && gone_explains(channel_tcp(behind)->server))) {
        finding_turn(&finding, V_CHANNEL_CUT_NOTE);
    }
    const struct unread unread = blame_unread(judge, leg);
    const struct blame blame = blame_cut(leg, channel, event->when);
    say_channel(&finding.text, channel);
    say(&finding.text, ", the server's end sent %s in frame %u ", END_NAME(channel->conn->link), event->when.frame);
    say_cut(&finding.text, cut, leg, channel);
    if (cut == CUT_UNREAD) {
        say_unread(&finding.text, &unread);
        tell_by(&finding, unread.where, false);
        return true;
    }
    say(&finding.text, "; inferred: %s; next: %s", blame.why, next_for(cut, channel));
    finding.hop = blame.hop;
    tell_by(&finding, blame.where, blame.seen);
    return true;
}

/* The client's end was reset in its name, and no leg before shows what for: a client may leave at any time, a device may
 * not cut what is open. */
static bool is_cut_in_clients_name(const struct leg *leg, const struct channel *channel, const struct event *event,
                                   char why[FOREIGN_TEXT_MAX])
{
    const struct conn *link = channel_tcp(channel);
    const struct channel *other = leg ? leg_other(channel) : NULL;
    return other && event->rpch.end.was_open && link->ended_by == WAY_TO_SERVER &&
           conn_foreign_rst(link, WAY_TO_SERVER, why) && !channel_tcp(other)->ended && !other->refused && !leg->prev &&
           !channel->v1 && !channel->seen_eof && !leg->recycling[channel->role] && !leg_is_released(leg) &&
           !is_explained(leg, channel);
}

void rpch_cut_in_clients_name(struct judge *judge, const struct event *event)
{
    const struct channel *channel = event->rpch.channel;
    const struct leg *leg = event->rpch.leg;
    char why[FOREIGN_TEXT_MAX];
    if (!is_cut_in_clients_name(leg, channel, event, why)) {
        return;
    }
    struct finding finding =
        finding_begin(judge, V_CHANNEL_CUT, event->when, about_leg(judge, leg), evidence_leg(judge, leg));
    if (!finding.begun) {
        return;
    }
    say_channel(&finding.text, channel);
    say(&finding.text,
        ", the client's end sent %s in frame %u while it was open, %s after its last byte; the other half, "
        "%s, was open",
        END_NAME(channel_tcp(channel)), event->when.frame, SECONDS(event->rpch.end.idle_ns),
        CHANNEL(leg_other(channel)));
    say(&finding.text,
        "; inferred: the RST is not the client's own, %s: a device at %s or between wrote it; next: idle time-outs and logs of "
        "balancers, firewalls and proxies there at this time",
        why, ENDPOINT(&channel_tcp(channel)->client));
    tell_by(&finding, WHERE_DEVICE, false);
}

void rpch_cut_by_both(struct judge *judge, const struct event *event)
{
    const struct conn *link = event->rpch.conn ? event->rpch.conn->link : NULL;
    const struct leg *leg = event->rpch.leg;
    const struct leg_memo *memo = leg ? leg->memo : NULL;
    char text[FOREIGN_TEXT_MAX];
    (void)judge;
    if (memo && memo->result.where == WHERE_UNKNOWN && link->end && link->ended_frame < event->when.frame &&
        conn_foreign_rst(link, WAY_TO_CLIENT, text)) {
        leg_place(leg, V_CHANNEL_CUT, link->ended_frame, WHERE_DEVICE, false);
    }
}
