/* rpch_buffered.c
 * A device that holds back what it should pass on, seen on both its sides.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "rpch.h"

#include "points.h"

/* Of the leg at, once of leg's attempt and the role. */
static struct subject about_late(struct judge *judge, const struct leg *leg, enum role role, const struct leg *at)
{
    struct subject subject = about_leg(judge, at);
    subject.once = &attempt_memo(judge, leg)->late[role];
    return subject;
}

static void tell_late_out(struct finding *finding, const struct leg *leg, struct when there, const char *what,
                          bool arrived)
{
    const struct leg *behind = leg_behind(leg);
    const struct when when = finding->when;
    struct text *text = &finding->text;
    if (!finding->begun) {
        return;
    }
    say(text, "Seen: %s came on leg %u in frame %u (%s)", what, behind->number, there.frame,
        CHANNEL(behind->current[ROLE_OUT]));
    say(text, arrived ? " and on leg %u in frame %u, " : " and has not come on leg %u until frame %u, ", leg->number,
        when.frame);
    say(text,
        "%s later; inferred: the device at %s collects the OUT response before it passes it on; next: switch off "
        "response buffering for /rpc there",
        SECONDS(when.ns - there.ns), PEER(leg->current[ROLE_OUT]));
    finding->hop = leg_link(behind);
    tell_by(finding, WHERE_DEVICE, true);
}

/* The client of that OUT had no room for what was to be passed on. */
static bool client_had_no_room(const struct leg *leg, struct when since)
{
    return conn_closed_since(channel_tcp(leg->current[ROLE_OUT]), WAY_TO_SERVER, since.ns);
}

void rpch_out_came(struct judge *judge, const struct event *event)
{
    const struct leg *leg = event->rpch.leg, *behind = leg_behind(leg);
    if (!behind || !leg->current[ROLE_OUT] || !behind->current[ROLE_OUT]) {
        return;
    }
    const struct when there = event->rpch.is_a3 ? behind->got_a3 : behind->got_200;
    if (!there.frame || track_waited(leg->vc->world->track, there.ns) < judge->limits.buffered_wait ||
        client_had_no_room(leg, there)) {
        return;
    }
    struct evidence *evidence = evidence_new(judge);
    evidence_add_pair(evidence, channel_tcp(leg->current[ROLE_OUT]), channel_tcp(behind->current[ROLE_OUT]));
    struct finding finding =
        begin_quietly(judge, V_BUFFERED, event->when, about_late(judge, leg, ROLE_OUT, leg), evidence);
    tell_late_out(&finding, leg, there, event->rpch.is_a3 ? "CONN/A3" : "the 200 response", true);
}

/* What has come on OUT behind and not here, and when it came there; NULL: nothing is known to be missing. */
static const char *missing_on_out(const struct leg *leg, const struct leg *behind, struct when *there)
{
    const struct channel *out = leg->current[ROLE_OUT];
    if (!behind->current[ROLE_OUT] || out->is_successor) {
        return NULL; /* a client that replaces its channel has had what opened the connection */
    }
    if (behind->got_200.frame && !leg->got_200.frame && !leg->got_a3.frame) {
        *there = behind->got_200;
        return "the 200 response";
    }
    if (leg->joined) {
        return NULL;
    }
    if (behind->got_a3.frame && !leg->got_a3.frame) {
        *there = behind->got_a3;
        return "CONN/A3";
    }
    *there = behind->opened;
    return behind->opened.frame && behind->opened.frame >= behind->attempt_frame ? "CONN/C2" : NULL;
}

bool rpch_out_held(struct judge *judge, const struct leg *leg, struct when when)
{
    const struct leg *behind = leg_behind(leg);
    const struct channel *out = leg->current[ROLE_OUT];
    struct when there;
    const char *what = behind && out && !leg->explained ? missing_on_out(leg, behind, &there) : NULL;
    if (!what || track_waited(leg->vc->world->track, there.ns) < judge->limits.buffered_wait ||
        client_had_no_room(leg, there)) {
        return false;
    }
    struct evidence *evidence = evidence_new(judge);
    evidence_add_pair(evidence, channel_tcp(out), channel_tcp(behind->current[ROLE_OUT]));
    struct finding finding = begin_quietly(judge, V_BUFFERED, when, about_late(judge, leg, ROLE_OUT, leg), evidence);
    tell_late_out(&finding, leg, there, what, false);
    return late_told(leg, ROLE_OUT);
}

void rpch_out_ended(struct judge *judge, const struct event *event)
{
    rpch_out_held(judge, event->rpch.leg, event->when);
}

/* Whether the missing body is held back: the connection it should come on is there, or this
 * client of the server-side leg has an IN request without a body, or it has none at all while
 * the server took OUT. Of the channel returned all must have been captured; NULL: it is not. */
static const struct channel *held_back(const struct leg *behind)
{
    const struct channel *in = behind->current[ROLE_IN], *out = behind->current[ROLE_OUT];
    if (in) {
        return !in->over && !in->conn->link->ended && !in->refused && !in->challenged ? in : NULL;
    }
    if (behind->joined) {
        return NULL; /* it came all the same, where it was not captured */
    }
    const bool waits = out && out->place && out->place->unpaired[ROLE_IN] > 0;
    return out && (waits || behind->got_200.frame) && !out->refused ? out : NULL;
}

/* Whether both are one channel, seen before and behind the device: a successor of either may not have been captured. */
static bool is_relayed(const struct channel *front, const struct channel *back)
{
    return !front->has_cookie || !back->has_cookie || memcmp(front->cookie, back->cookie, sizeof(front->cookie)) == 0;
}

/* From when on the body is awaited behind the device: it was acknowledged before it, the client had asked for both
 * halves, which it does together, and the leg behind had begun. */
static int64_t body_awaited_since(const struct leg *leg, const struct leg *behind)
{
    const struct channel *out = leg->current[ROLE_OUT];
    int64_t since = leg->mark_acked;
    if (out && channel_start(out) > since) {
        since = channel_start(out);
    }
    return behind->start.ns > since ? behind->start.ns : since;
}

void rpch_body(struct judge *judge, const struct event *event)
{
    const struct leg *leg = event->rpch.leg, *behind = leg_behind(leg);
    const struct channel *in = leg->current[ROLE_IN];
    const struct track *track = leg->vc->world->track;
    const int64_t since = body_awaited_since(leg, behind), waits = track_waited(track, since);
    if (waits < judge->limits.buffered_wait || late_told(leg, ROLE_IN) || in->over) {
        return;
    }
    const bool arrived = event->rpch.body.arrived, opened = behind->current[ROLE_IN] != NULL;
    const struct channel *missing = arrived ? NULL : held_back(behind);
    if (!arrived && !missing) {
        return;
    }
    if (opened && (!is_relayed(in, behind->current[ROLE_IN]) ||
                   conn_closed_since(channel_tcp(behind->current[ROLE_IN]), WAY_TO_CLIENT, leg->mark_acked))) {
        return; /* another channel; or the server does not take it */
    }
    const struct channel *there = opened ? behind->current[ROLE_IN] : missing;
    struct evidence *evidence = evidence_new(judge);
    evidence_add_pair(evidence, channel_tcp(in), channel_tcp(there));
    evidence->clocks |= leg->skewed || behind->skewed;
    if (track->missed >= since || (!arrived && conn_unwatched_since(channel_tcp(there), since))) {
        evidence_add_lacking(evidence,
                             channel_tcp(there)); /* frames were lost meanwhile, perhaps of it; or none was captured */
    }
    struct finding finding =
        begin_quietly(judge, V_BUFFERED, event->when, about_late(judge, leg, ROLE_IN, event->rpch.body.at), evidence);
    if (!finding.begun) {
        return;
    }
    struct text *text = &finding.text;
    say(text, "Seen: the body of %s was acknowledged on leg %u, and %s leg %u %s later", CHANNEL(in), leg->number,
        arrived ? "reached" : "has not reached", behind->number, SECONDS(waits));
    if (!opened) {
        say(text, ", where only %s came", CHANNEL(behind->current[ROLE_OUT]));
    }
    say(text, "; inferred: the device at %s collects the request body before it passes it on", PEER(in));
    if (!opened) {
        say(text, ", or has no server for it, or one that was not captured");
    }
    say(text, "; next: switch off request buffering for /rpc there");
    finding.hop = channel_tcp(there);
    tell_by(&finding, WHERE_DEVICE, opened);
}
