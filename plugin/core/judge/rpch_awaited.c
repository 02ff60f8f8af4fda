/* rpch_awaited.c
 * What is owed and does not come: PDUs behind a request, the response to them, a successor.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "rpch.h"

/* ---- Requests ------------------------------------------------------------------------- */

/* How the wait ended, if it did. */
static void say_wait(struct text *text, const struct conn *link, int64_t ns)
{
    say(text, "for %s", SECONDS(ns));
    if (link->ended) {
        say(text, ", until the %s sent %s in frame %u",
            link->ended_by == WAY_TO_SERVER ? "client's end" : "server's end", end_name(link), link->ended_frame);
    }
}

/* Something else explains it: a refusal, data that is held back, a cut. */
static bool is_explained(const struct channel *channel)
{
    const struct leg *leg = channel->leg;
    const struct channel *other = leg_other(channel);
    return once_told(channel->memo, V_REFUSED) || (other && other->refused) ||
           (leg &&
            (leg->joined || leg->explained || held_back_told(leg, channel->role) || leg_told(leg, V_CHANNEL_CUT)));
}

static void tell_echo(struct finding *finding, const struct channel *echo, int64_t ns)
{
    struct text *text = &finding->text;
    say_channel(text, echo);
    say(text, " got no response ");
    say_wait(text, channel_tcp(echo), ns);
    say(text,
        "; inferred: a device waits for more than the few bytes of such a body (MS-RPCH 2.1.2.1.5), or what stands behind "
        "%s does not answer; next: response and request buffering for /rpc there, and whether the same request is "
        "answered behind it",
        PEER(echo));
    tell_by(finding, WHERE_UNKNOWN, false);
}

static void tell_no_body(struct judge *judge, struct finding *finding, const struct channel *channel, int64_t ns)
{
    struct channel *other = leg_other(channel);
    const bool both = other && !other->over && channel_awaits(other) == AWAITED_PDU && conn_whole(other);
    struct text *text = &finding->text;
    say_channel(text, channel);
    if (both) {
        say(text, " and %s", CHANNEL(other));
        once_mark(about_channel(judge, other).once, V_NO_PDU);
    }
    say(text, " announced %s, and no PDU came behind %s ", both ? "bodies" : "a body",
        both ? "either head" : "its head");
    say_wait(text, channel_tcp(channel), ns);
    say(text,
        "; inferred: the body was held back before this leg, by a device that collects a request before it passes it on, "
        "or was never sent; next: request buffering and inspection of bodies on devices between the client and here, and "
        "a capture nearer to the client");
    tell_by(finding, WHERE_UNKNOWN, false);
}

static void tell_no_response(struct finding *finding, const struct channel *out, int64_t ns)
{
    const struct leg *behind = leg_behind(out->leg);
    struct text *text = &finding->text;
    say(text, "Seen: CONN/A1 on %s, and neither a status nor a PDU came back ", CHANNEL(out));
    say_wait(text, channel_tcp(out), ns);
    if (behind) {
        say(text, "; only %s came on leg %u; inferred: the device at %s did not pass the request on",
            CHANNEL(behind->current[ROLE_IN]), behind->number, PEER(out));
    } else {
        say(text,
            "; inferred: something holds the response to OUT back, which never ends, or nothing answers behind %s: CONN/A3 "
            "is the OUT proxy's own, so that it is missing says nothing of the other half",
            PEER(out));
    }
    say(text, "; next: response buffering, scanning (ICAP) and limits for /rpc there, and a capture behind it");
    tell_by(finding, behind ? WHERE_DEVICE : WHERE_UNKNOWN, false);
}

void rpch_awaited(struct judge *judge, const struct event *event)
{
    const struct channel *channel = event->rpch.channel;
    const struct leg *behind = channel->leg ? leg_behind(channel->leg) : NULL;
    const bool response = event->rpch.awaited.what == AWAITED_RESPONSE;
    const int64_t ns = event->rpch.awaited.ns;
    /* Where the same request went on, that leg tells what it lacks. */
    if (is_explained(channel) ||
        (behind && (!response || behind->current[channel->role] || !behind->current[ROLE_IN]))) {
        return;
    }
    struct finding finding =
        finding_begin(judge, V_NO_PDU, event->when, about_channel(judge, channel), evidence_channel(judge, channel));
    if (!finding.begun) {
        return;
    }
    if (channel->is_echo) {
        tell_echo(&finding, channel, ns);
    } else if (response) {
        tell_no_response(&finding, channel, ns);
    } else {
        tell_no_body(judge, &finding, channel, ns);
    }
}

/* ---- Calls ---------------------------------------------------------------------------- */

void rpch_call_awaited(struct judge *judge, const struct event *event)
{
    const struct leg *leg = event->rpch.leg;
    const struct call *call = event->rpch.unanswered;
    const int64_t ns = track_waited(leg->vc->world->track, call->last.ns);
    if (ns < judge->limits.call_wait || once_told(call->memo, V_CALL_UNANSWERED) || !leg->current[ROLE_IN] ||
        !leg->current[ROLE_OUT] || leg->pending->lost) {
        return;
    }
    const struct leg *behind = leg_behind(leg);
    if (behind && leg_unanswered(behind)) {
        return; /* it is told where it went */
    }
    struct finding finding =
        finding_begin(judge, V_CALL_UNANSWERED, event->when, about_leg(judge, leg), evidence_leg(judge, leg));
    if (!finding.begun) {
        return;
    }
    once_mark(memo_once(judge, (void *const *)&call->memo, ALWAYS), V_CALL_UNANSWERED);
    struct text *text = &finding.text;
    const char *name = call->ptype == RPC_BIND          ? "the bind" :
                       call->ptype == RPC_ALTER_CONTEXT ? "the alter_context" :
                                                          "the call";
    say(text, "Seen: %s with id %u in frame %u on %s was sent whole, and no fragment of an answer came on %s for %s",
        name, call->id, call->last.frame, CHANNEL(leg->current[ROLE_IN]), CHANNEL(leg->current[ROLE_OUT]), SECONDS(ns));
    say(text,
        "; inferred: the RPC server does not answer, or the answer was lost behind %s; next: the state of the RPC service "
        "there, and a capture behind it",
        PEER(leg->current[ROLE_OUT]));
    tell_by(&finding, WHERE_UNKNOWN, false);
}

/* ---- Recycling ------------------------------------------------------------------------ */

/* An end sooner than that leaves a client no time to open a channel with a logon. */
#define TIME_TO_REPLACE (5 * SECOND)

/* A successor that time or an end shows to be missing, on the leg next to the client alone. */
static bool tell_unasked(struct finding *finding, const struct channel *channel, int64_t ns)
{
    const struct leg *before = channel->leg->prev;
    const bool behind = before && leg_behind(before) == channel->leg;
    const struct conn *link = channel_tcp(channel);
    const bool no_time = link->ended && link->ended_by == WAY_TO_CLIENT && ns < TIME_TO_REPLACE;
    struct text *text = &finding->text;
    if (behind && leg_step(before, channel->role) == TURN_SUCCESSOR) {
        return false; /* nor was it asked for there */
    }
    say(text, "Seen: the server's end asked for a successor of %s, and none was asked for ", CHANNEL(channel));
    say_wait(text, link, ns);
    if (no_time) {
        say(text, "; inferred: the server's end did not wait for it; next: its log at this time");
    } else if (behind) {
        say(text, "; inferred: the device at %s did not pass the new channel on; next: its log at this time",
            PEER(before->current[channel->role]));
    } else {
        say(text,
            "; inferred: the client does not replace its OUT channel (MS-RPCH 3.2.2.5.4), whose end then breaks the "
            "connection; next: version and updates of the client, and whether its new connection was stopped before "
            "this place");
    }
    finding->where = no_time ? WHERE_UNKNOWN : behind ? WHERE_DEVICE : WHERE_CLIENT;
    return true;
}

void rpch_not_replaced(struct judge *judge, const struct event *event)
{
    const struct channel *channel = event->rpch.channel, *asked = event->rpch.turn.asked;
    const struct http_info *http = event->rpch.turn.http;
    struct finding finding = finding_begin(judge, V_NOT_RECYCLED, event->when, about_channel(judge, channel),
                                           evidence_channel(judge, channel));
    struct text *text = &finding.text;
    if (!finding.begun) {
        return;
    }
    if (event->rpch.turn.step == TURN_SUCCESSOR && !event->rpch.turn.refused) {
        if (tell_unasked(&finding, channel, event->rpch.turn.ns)) {
            tell(&finding);
        }
        return;
    }
    say(text, "Seen: a successor of %s was asked for", CHANNEL(channel));
    if (asked) {
        say(text, " (%s)", CHANNEL(asked));
    }
    if (http) {
        say(text, " and got status %u", http->status);
        finding.where = http->author == HTTP_BY_DEVICE  ? WHERE_DEVICE :
                        http->author == HTTP_BY_UNKNOWN ? WHERE_UNKNOWN :
                                                          WHERE_SERVER;
    } else if (event->rpch.turn.refused) {
        say(text, ", and the RPC server did not accept it (OUT_R2/B2)");
        finding.where = WHERE_SERVER;
        finding.seen = true;
    } else {
        say(text, " and was not accepted for %s", SECONDS(event->rpch.turn.ns));
        finding.where = WHERE_UNKNOWN;
    }
    say(text,
        "; inferred: the connection goes on with the old channel until its lifetime ends, then it breaks; next: what "
        "answers new channels at %s, and whether they reach the same RPC server",
        PEER(channel));
    tell(&finding);
}
