/* rpch_awaited.c
 * What is owed and does not come: PDUs behind a request, the response to them, a successor.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "answer.h"
#include "blame.h"
#include "expect.h"
#include "gone.h"
#include "rpch.h"

/* ---- Requests ------------------------------------------------------------------------- */

/* How long, and how the wait ended, if it did. */
static void say_wait(struct text *text, const struct conn *link, int64_t ns)
{
    say(text, "for %s", SECONDS(ns));
    if (link->ended) {
        say(text, ", until the %s sent %s in frame %u",
            link->ended_by == WAY_TO_SERVER ? "client's end" : "server's end", END_NAME(link), link->ended_frame);
    }
}

/* Something else explains it: a refusal, data that is held back, a cut, a server that is gone. */
static bool is_explained(const struct channel *channel)
{
    const struct leg *leg = channel->leg, *before = leg ? leg->prev : NULL;
    const struct channel *other = leg_other(channel);
    const struct channel *front = before && leg_behind(before) == leg ? before->current[channel->role] : NULL;
    return once_told(channel->memo, V_REFUSED) || gone_explains(channel_tcp(channel)->server) ||
           (other && other->refused) || (front && front->refused) ||
           (leg && (leg->joined || leg->explained || held_back_told(leg, channel->role) || leg_cut_told(leg)));
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
    if (expect_waits(judge, channel_request(channel), ns)) {
        say_expect(finding, channel_request(channel));
        tell(finding);
        return;
    }
    say(text,
        "; inferred: the body was held back before this leg, by a device that collects a request before it passes it on, "
        "or was never sent; next: request buffering and inspection of bodies on devices between the client and here, and "
        "a capture nearer to the client");
    tell_by(finding, WHERE_UNKNOWN, false);
}

static void tell_no_response(struct finding *finding, const struct channel *out, int64_t ns)
{
    const struct leg *behind = leg_behind(out->leg);
    const struct channel *in = behind && !behind->current[ROLE_OUT] ? behind->current[ROLE_IN] : NULL;
    struct text *text = &finding->text;
    say(text, "Seen: CONN/A1 on %s, and ", CHANNEL(out));
    if (out->accepted) {
        say(text, "no PDU came behind the 200 in frame %u ", out->leg->got_200.frame);
    } else {
        say(text, "neither a status nor a PDU came back ");
    }
    say_wait(text, channel_tcp(out), ns);
    if (in) {
        say(text, "; only %s came on leg %u; inferred: the device at %s did not pass the request on", CHANNEL(in),
            behind->number, PEER(out));
    } else {
        say(text,
            "; inferred: something holds the response to OUT back, which never ends, or nothing answers behind %s: CONN/A3 "
            "is the OUT proxy's own, so that it is missing says nothing of the other half",
            PEER(out));
    }
    say(text, "; next: response buffering, scanning (ICAP) and limits for /rpc there, and a capture behind it");
    tell_by(finding, in ? WHERE_DEVICE : WHERE_UNKNOWN, false);
}

/* What it owes is told of the leg behind, which the same request has reached, or of what came there. */
static bool is_told_behind(struct judge *judge, const struct channel *channel, bool response, struct when when)
{
    const struct leg *leg = channel->leg, *behind = leg ? leg_behind(leg) : NULL;
    if (!behind) {
        return false;
    }
    if (response && rpch_out_held(judge, leg, when)) {
        return true;
    }
    return !response || behind->current[channel->role] || !behind->current[ROLE_IN];
}

void rpch_awaited(struct judge *judge, const struct event *event)
{
    const struct channel *channel = event->rpch.channel;
    const bool response = event->rpch.awaited.what == AWAITED_RESPONSE;
    const int64_t ns = event->rpch.awaited.ns;
    if (is_explained(channel) || is_told_behind(judge, channel, response, event->when)) {
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
    rpch_not_opened(judge, channel->leg);
}

/* ---- Calls ---------------------------------------------------------------------------- */

static void tell_unanswered(struct judge *judge, const struct leg *leg, const struct call *call, struct when when)
{
    const struct leg *behind = leg_behind(leg);
    const struct channel *in = leg->current[ROLE_IN], *out = leg->current[ROLE_OUT];
    if (once_told(call->memo, V_CALL_UNANSWERED) || leg->pending->lost || !in || !out || in->conn->went_silent ||
        out->conn->went_silent || (behind && leg_unanswered(behind))) {
        return; /* where it went on it is told there */
    }
    struct finding finding = finding_begin(judge, V_CALL_UNANSWERED, when, about_leg(judge, leg),
                                           evidence_leg_since(judge, leg, call->begin.frame));
    if (!finding.begun) {
        return;
    }
    once_mark(memo_once(judge, (void *const *)&call->memo, ALWAYS), V_CALL_UNANSWERED);
    struct text *text = &finding.text;
    const char *name = call->ptype == RPC_BIND          ? "the bind" :
                       call->ptype == RPC_ALTER_CONTEXT ? "the alter_context" :
                                                          "the call";
    say(text, "Seen: %s with id %u in frame %u on %s was sent whole, and no fragment of an answer came on %s ", name,
        call->id, call->last.frame, CHANNEL(in), CHANNEL(out));
    say_wait(text, channel_tcp(out), when.ns - call->last.ns);
    const struct unread unread = blame_unread(judge, leg);
    if (unread.link) {
        say_unread(text, &unread);
        tell_by(&finding, unread.where, false);
        return;
    }
    say(text,
        "; inferred: the RPC server does not answer, or the answer was lost behind %s; next: the state of the RPC service "
        "there, and a capture behind it",
        PEER(out));
    tell_by(&finding, WHERE_UNKNOWN, false);
}

void rpch_call_awaited(struct judge *judge, const struct event *event)
{
    const struct call *call = event->rpch.unanswered;
    if (track_waited(event->rpch.leg->vc->world->track, call->last.ns) >= judge->limits.call_wait) {
        tell_unanswered(judge, event->rpch.leg, call, event->when);
    }
}

void rpch_call_ended(struct judge *judge, const struct event *event)
{
    const struct channel *channel = event->rpch.channel;
    const struct leg *leg = event->rpch.leg;
    const struct call *call = leg ? leg_unanswered(leg) : NULL;
    if (!call || channel->role != ROLE_OUT || channel->v1 || !channel_in_use(channel) || !leg->joined ||
        leg->recycling[ROLE_OUT] || leg_cut_told(leg) || gone_explains(channel_tcp(channel)->server)) {
        return;
    }
    tell_unanswered(judge, leg, call, event->when);
}

/* ---- Recycling ------------------------------------------------------------------------ */

/* An end sooner than that leaves a client no time to open a channel with a logon. */
#define TIME_TO_REPLACE (5 * SECOND)

/* A request for OUT of this client and target since it was to be replaced, of which it does not show whose it was; 0: none. */
static uint32_t asked_without_name(const struct channel *channel)
{
    const struct leg_turn *turn = channel->leg->turn;
    const struct place *place = channel->place;
    return place && turn && place->nameless.frame > turn->since[channel->role].frame ? place->nameless.frame : 0;
}

/* A successor that time or an end shows to be missing, on the leg next to the client alone. */
static bool tell_unasked(struct finding *finding, const struct channel *channel, int64_t ns)
{
    const struct leg *before = channel->leg->prev;
    const bool behind = before && leg_behind(before) == channel->leg;
    const struct conn *link = channel_tcp(channel);
    const bool no_time = link->ended && link->ended_by == WAY_TO_CLIENT && ns < TIME_TO_REPLACE;
    const uint32_t nameless = asked_without_name(channel);
    struct text *text = &finding->text;
    if (behind && leg_step(before, channel->role) == TURN_SUCCESSOR) {
        return false; /* nor was it asked for there */
    }
    say(text, "Seen: the server's end asked for a successor of %s, and no request for one came ", CHANNEL(channel));
    say_wait(text, link, ns);
    if (no_time) {
        say(text, "; inferred: the server's end did not wait for it; next: the server's log at this time");
    } else if (behind) {
        say(text,
            "; inferred: the device at %s did not pass the new channel on; next: the log of that device at this time",
            PEER(before->current[channel->role]));
    } else if (nameless) {
        say(text,
            "; inferred: the channel that was asked for in frame %u, and ended before its first PDU, may have been it; "
            "next: why the one of frame %u ended",
            nameless, nameless);
    } else if (leg_is_forwarded(channel->leg)) {
        say(text,
            "; inferred: the client does not replace its OUT channel, or the device at %s, which it comes through, did not "
            "pass the new channel on; next: a capture before that device",
            ENDPOINT(&link->client));
    } else {
        say(text,
            "; inferred: the client does not replace its OUT channel (MS-RPCH 3.2.2.5.4), whose end then breaks the "
            "connection; next: version and updates of the client, and whether its new connection was stopped before "
            "this place");
    }
    finding->where = no_time                                    ? WHERE_UNKNOWN :
                     behind                                     ? WHERE_DEVICE :
                     nameless || leg_is_forwarded(channel->leg) ? WHERE_UNKNOWN :
                                                                  WHERE_CLIENT;
    return true;
}

/* What became of the successor that was asked for; lost: it ended before anything came of it. */
static void say_outcome(struct finding *finding, const struct event *event, bool lost)
{
    const struct channel *asked = event->rpch.turn.asked;
    const struct http_info *http = event->rpch.turn.http;
    struct text *text = &finding->text;
    if (http) {
        say(text, " and got status %u", http->status);
        finding->where =
            answer_where(&(struct answer){ .protocol = ANSWER_RPCH, .author = http->author, .status = http->status });
        return;
    }
    if (event->rpch.turn.refused) {
        say(text, ", and the RPC server did not accept it (OUT_R2/B2)");
        finding->where = WHERE_SERVER;
        finding->seen = true;
        return;
    }
    char why[FOREIGN_TEXT_MAX];
    say(text, " and was not accepted for %s", SECONDS(event->rpch.turn.ns));
    if (asked && channel_tcp(asked)->ended) {
        say(text, ": the %s ended it with %s in frame %u",
            channel_tcp(asked)->ended_by == WAY_TO_SERVER ? "client's end" : "server's end",
            END_NAME(channel_tcp(asked)), channel_tcp(asked)->ended_frame);
    }
    finding->where = lost && conn_foreign_rst(channel_tcp(asked), WAY_TO_CLIENT, why) ? WHERE_DEVICE : WHERE_UNKNOWN;
}

void rpch_not_replaced(struct judge *judge, const struct event *event)
{
    const struct channel *channel = event->rpch.channel, *asked = event->rpch.turn.asked;
    const bool gone = asked && channel_in_use(asked);
    const bool lost = asked && !event->rpch.turn.http && !gone && channel_tcp(asked)->ended;
    struct evidence *evidence = evidence_channel(judge, channel);
    if (gone || lost) {
        evidence_add(evidence, channel_tcp(asked), 0);
    }
    struct finding finding = finding_begin(judge, V_NOT_RECYCLED, event->when, about_channel(judge, channel), evidence);
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
    say_outcome(&finding, event, lost);
    const bool both = gone || (lost && channel_tcp(channel)->ended);
    if (both) {
        say(text, ", and the server's end closed the old channel with %s in frame %u", END_NAME(channel_tcp(channel)),
            channel_tcp(channel)->ended_frame);
    }
    say(text, "; inferred: %s; next: what answers new channels at %s, and whether they reach the same RPC server",
        both ? "the new channel did not reach the RPC server, and the old one is gone" :
               "the connection goes on with the old channel until its lifetime ends, then it breaks",
        PEER(asked ? asked : channel));
    tell(&finding);
}
