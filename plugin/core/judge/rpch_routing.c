/* rpch_routing.c
 * Whether the halves of a virtual connection meet.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "rpch.h"

/* ---- Servers that differ -------------------------------------------------------------- */

static void say_difference(struct text *text, enum difference difference, const struct channel *const pair[2])
{
    const struct rpch_conn *a = pair[0]->conn, *b = pair[1]->conn;
    switch (difference) {
    case DIFFER_PEER:
        if (same_address(conn_server(a->link), conn_server(b->link))) {
            say(text, ", two ports of one address");
        }
        break;
    case DIFFER_FRONT_END:
        say(text, ", X-FEServer %s and %s", a->names->front_end, b->names->front_end);
        break;
    case DIFFER_PERSISTENCE:
        say(text, ", cookie %s names %s and %s", a->names->persist_name, a->names->persist, b->names->persist);
        break;
    case DIFFER_CHALLENGE:
        say(text, ", NTLM challenges from %s and %s", a->names->challenge, b->names->challenge);
        break;
    case SAME_SERVER:
        break;
    }
}

static void proxies_differ(struct judge *judge, const struct event *event)
{
    const struct leg *leg = event->rpch.leg;
    const enum difference difference = event->rpch.peers.difference;
    const struct channel *const *pair = event->rpch.peers.pair;
    struct finding finding = finding_begin(judge, V_PROXIES_DIFFER, event->when, about_leg(judge, leg), NULL);
    if (!finding.begun) {
        return;
    }
    const bool required = judge->same_proxy_required;
    const struct endpoint *device = device_before(leg);
    const bool seen = device || difference != DIFFER_PEER;
    finding.severity = required ? V_WARNING : V_NOTE;
    struct text *text = &finding.text;
    say(text, "Seen: %s, %s", CHANNEL(pair[0]), CHANNEL(pair[1]));
    say_difference(text, difference, pair);
    say(text, "; inferred: ");
    if (seen) {
        say(text, "%s device at %s sent the halves of one virtual connection to two servers", device ? "the" : "a",
            device ? ENDPOINT(device) : PEER(pair[0]));
    } else if (leg->hop == RTS_HOP_TCP) {
        say(text, "the proxies chose different servers for one virtual connection");
    } else {
        say(text, "a balancer or name resolution gives the halves of one virtual connection to two proxies");
    }
    say(text, required ?
                  ", which Exchange 2007 and 2010 do not cope with" :
                  "; MS-RPCH 1.3.2 allows different proxies, it harms only where they do not reach the same server");
    say(text, "; next: see whether CONN/C2 follows; if not, set affinity by client address or session for /rpc");
    finding.hop = leg_link(leg);
    tell_by(&finding, WHERE_DEVICE, seen);
}

static const struct channel *newest(const struct leg *leg, enum role role)
{
    const struct channel *coming = leg_coming(leg, role);
    return coming ? coming : leg->current[role];
}

enum targets { TARGETS_UNKNOWN, TARGETS_SAME, TARGETS_DIFFER };

static enum targets targets_of(const struct leg *leg)
{
    const struct channel *in = newest(leg, ROLE_IN), *out = newest(leg, ROLE_OUT);
    if (!in || !out || !in->target || !out->target) {
        return TARGETS_UNKNOWN;
    }
    return same_target(in->target, out->target) ? TARGETS_SAME : TARGETS_DIFFER;
}

static void target_mismatch(struct judge *judge, const struct event *event)
{
    const struct leg *leg = event->rpch.leg;
    const struct leg *before = leg->prev && leg_behind(leg->prev) == leg ? leg->prev : NULL;
    const enum targets there = before ? targets_of(before) : TARGETS_UNKNOWN;
    if (targets_of(leg) != TARGETS_DIFFER || there == TARGETS_DIFFER) {
        return; /* or it came so from the leg before, where it is told */
    }
    const struct channel *in = newest(leg, ROLE_IN), *out = newest(leg, ROLE_OUT);
    struct finding finding = finding_begin(judge, V_TARGET_MISMATCH, event->when, about_leg(judge, leg), NULL);
    if (!finding.begun) {
        return;
    }
    say(&finding.text, "Seen: IN asks for %s (frame %u), OUT for %s (frame %u)", in->target, in->request.frame,
        out->target, out->request.frame);
    if (there == TARGETS_SAME) {
        say(&finding.text,
            "; on leg %u both ask for one server; inferred: the device between rewrites the URL of one half, so they "
            "cannot meet; next: its rewriting rules for rpcproxy.dll",
            before->number);
    } else {
        say(&finding.text,
            "; inferred: the halves of one virtual connection are meant for different RPC servers and cannot "
            "meet, by the client's configuration or by a device that rewrites the URL; next: compare the "
            "server name in the profile or Autodiscover, and rewriting rules for rpcproxy.dll");
    }
    tell_by(&finding,
            there == TARGETS_SAME           ? WHERE_DEVICE :
            before || leg_is_forwarded(leg) ? WHERE_UNKNOWN :
                                              WHERE_CLIENT,
            there == TARGETS_SAME);
}

void rpch_paired(struct judge *judge, const struct event *event)
{
    const struct leg *leg = event->rpch.leg;
    if (event->rpch.peers.difference != SAME_SERVER) {
        proxies_differ(judge, event);
        if (!leg_coming(leg, ROLE_IN) && !leg_coming(leg, ROLE_OUT)) {
            rpch_joined(judge, event);
        }
    }
    target_mismatch(judge, event);
}

/* What was told of the leg holds no longer: it is open, or, instead, another of the same session. */
static void joined_late(struct judge *judge, const struct leg *leg, const struct leg *instead, struct when when)
{
    struct result *result = about_leg(judge, leg).result;
    if (!result->told || !(result->verdict == V_NEVER_JOINED || result->verdict == V_BACKEND_MISMATCH ||
                           result->verdict == V_LONE || result->verdict == V_NO_PDU || result->left_challenge)) {
        return;
    }
    const struct result before = *result;
    *result = (struct result){ .told = false };
    struct finding finding = finding_begin(judge, V_JOINED_LATE, when, about_leg(judge, leg), NULL);
    if (!finding.begun) {
        return;
    }
    finding.subject.result = NULL; /* its row tells how it is now */
    struct text *text = &finding.text;
    if (instead) {
        say(text, "Seen: connection %u of the same client, target and OutlookSession is open", instead->vc->number);
    } else {
        say(text, "Seen: the virtual connection is open");
        if (leg->setup_ns >= 0) {
            say(text, ", %s after its first request", SECONDS(leg->setup_ns));
        }
    }
    say(text,
        ", so %s in frame %u holds no longer; inferred: %sthe client tried again with success; next: nothing, "
        "unless it takes as long each time",
        verdict_filter((enum verdict_kind)before.verdict), before.frame, instead ? "" : "the servers were slow, or ");
    tell(&finding);
}

void rpch_joined(struct judge *judge, const struct event *event)
{
    const struct leg *leg = event->rpch.leg;
    if (leg->joined) {
        joined_late(judge, leg, NULL, event->when);
        for (const struct leg *other; (other = rpch_opened_instead(judge, leg));) {
            if (other != leg) {
                joined_late(judge, other, leg, event->when);
            }
        }
    }
    const struct channel *in = leg->current[ROLE_IN], *out = leg->current[ROLE_OUT];
    if (!leg->joined || leg->difference == SAME_SERVER || !in || !out) {
        return;
    }
    struct finding finding = finding_begin(judge, V_JOINED_ACROSS_PROXIES, event->when, about_leg(judge, leg), NULL);
    if (!finding.begun) {
        return;
    }
    say(&finding.text,
        "Seen: the virtual connection is open with %s and %s; inferred: both reach the same RPC server, as "
        "MS-RPCH 1.3.2 allows; next: nothing, the routing works",
        CHANNEL(in), CHANNEL(out));
    tell(&finding);
}

/* ---- Halves that never meet ----------------------------------------------------------- */

static void say_failure(struct text *text, const struct leg *leg, struct when when)
{
    if (leg->got_a3.frame) {
        say(text, ", CONN/A3 in frame %u", leg->got_a3.frame);
    }
    say(text, ", but no %s ", leg->hop == RTS_HOP_TCP ? "CONN/C1" : "CONN/C2");
    if (!leg->failed) {
        say(text, "within %s", SECONDS(when.ns - leg->sent_at));
        return;
    }
    static const char *const before[] = { [FAIL_CLOSED] = "the FIN",
                                          [FAIL_RESET] = "the RST",
                                          [FAIL_RETRIED] = "the client tried again",
                                          [FAIL_REFUSED] = "the error response" };
    const bool ended = leg->fail_cause == FAIL_CLOSED || leg->fail_cause == FAIL_RESET;
    say(text, "before %s%s in frame %u", before[leg->fail_cause],
        !ended                        ? "" :
        leg->fail_by == WAY_TO_SERVER ? " of the client" :
                                        " of the server's end",
        leg->fail_frame);
}

static void say_mismatch(struct finding *finding, const struct leg *leg)
{
    const struct endpoint *device = device_before(leg);
    finding->where = WHERE_DEVICE;
    finding->seen = device != NULL;
    finding->hop = leg_link(leg);
    say(&finding->text, "; inferred: IN and OUT reached different servers that do not share the virtual connection");
    if (device) {
        say(&finding->text, ", split by the device at %s", ENDPOINT(device));
    }
    say(&finding->text, "; next: affinity for /rpc, so that both requests of a client reach one server%s",
        device ? "; compare that device's log" : "");
}

static bool has_one_server(const struct leg *leg)
{
    return leg->current[ROLE_IN] && leg->current[ROLE_OUT] && leg->difference == SAME_SERVER && leg_sent(leg);
}

/* The last leg that a device passed both halves on to, to one server; the leg itself if that was not seen. */
static const struct leg *led_to(const struct leg *leg)
{
    const struct leg *last = leg;
    for (const struct leg *behind = leg_behind(leg); behind && has_one_server(behind); behind = leg_behind(behind)) {
        last = behind;
    }
    const struct leg *before = leg->prev; /* it may be behind, if clocks differ */
    const bool turned = before && leg_behind(before) == leg && leg_is_unordered(leg) && has_one_server(before);
    return last == leg && turned ? before : last;
}

static void say_never_joined(struct finding *finding, const struct leg *leg)
{
    const struct leg *behind = leg->next, *last = led_to(leg);
    const char *const peer = PEER(leg->current[ROLE_IN]);
    struct text *text = &finding->text;
    finding->where = WHERE_UNKNOWN;
    if (behind && behind->hop == RTS_HOP_HTTP && behind->difference == DIFFER_PEER && !behind->joined &&
        !leg_is_unordered(leg)) {
        finding->where = WHERE_DEVICE;
        finding->seen = device_before(behind) != NULL;
        finding->hop = leg_link(behind);
        say(text, "; inferred: the device at %s gave the halves to different servers, see leg %u", peer,
            behind->number);
    } else if (late_told(leg, ROLE_IN)) {
        finding->where = WHERE_DEVICE;
        say(text,
            "; inferred: the device at %s did not pass on the body of IN in time; next: request buffering for /rpc "
            "there, and its choice of server for both requests",
            peer);
        return;
    } else {
        say(text, "; inferred: the halves did not meet at one RPC server");
        if (last != leg) {
            say(text, ", though on leg %u both reached %s", last->number, PEER(last->current[ROLE_IN]));
        }
        say(text, "; whether a device behind %s split them or the server failed does not show here",
            PEER(last->current[ROLE_IN]));
    }
    say(text, "; next: capture behind that address, or look for its choice of server for both requests");
}

/* The client's side left before time could speak. */
static bool left_early(const struct judge *judge, const struct leg *leg)
{
    return leg->failed && leg->fail_cause != FAIL_REFUSED && leg->fail_by == WAY_TO_SERVER &&
           track_waited_until(leg->vc->world->track, leg->sent_at, leg->fail_ns) < judge->limits.handshake_wait;
}

/* The server took OUT; between proxies and server nothing need come before CONN/C1. */
static bool out_was_taken(const struct leg *leg)
{
    const struct channel *out = leg->current[ROLE_OUT];
    return leg->hop == RTS_HOP_TCP || leg->got_a3.frame || (out && out->bytes[WAY_TO_CLIENT]);
}

static bool joined_behind(const struct leg *leg)
{
    while ((leg = leg->next) && !leg->joined) {
    }
    return leg != NULL;
}

/* Something on its way was told to be missing: nothing is known of joining. */
static bool is_held(const struct leg *leg)
{
    const struct channel *in = leg->current[ROLE_IN], *out = leg->current[ROLE_OUT];
    return held_back_told(leg, ROLE_IN) || held_back_told(leg, ROLE_OUT) || (in && once_told(in->memo, V_NO_PDU)) ||
           (out && once_told(out->memo, V_NO_PDU));
}

/* Both halves were sent, long enough ago, and nothing else says why they were not joined. */
static bool is_not_joined(const struct judge *judge, const struct leg *leg)
{
    if (!leg_sent(leg) || !leg->sent_at || leg->joined || leg->explained || is_held(leg) || left_early(judge, leg) ||
        !out_was_taken(leg) || leg_cut_told(leg)) {
        return false;
    }
    return leg->failed ? leg->fail_cause != FAIL_REFUSED :
                         track_waited(leg->vc->world->track, leg->sent_at) >= judge->limits.handshake_wait;
}

void rpch_not_joined(struct judge *judge, const struct event *event)
{
    const struct leg *leg = event->rpch.leg;
    if (leg_told(leg, V_BACKEND_MISMATCH) || leg_told(leg, V_NEVER_JOINED) || !is_not_joined(judge, leg)) {
        return;
    }
    if (joined_behind(leg)) {
        rpch_out_held(judge, leg, event->when);
        return;
    }
    const bool mismatch = leg->difference != SAME_SERVER && led_to(leg) == leg, http = leg->hop == RTS_HOP_HTTP;
    struct finding finding = finding_begin(judge, mismatch ? V_BACKEND_MISMATCH : V_NEVER_JOINED, event->when,
                                           about_leg(judge, leg), evidence_leg(judge, leg));
    if (!finding.begun) {
        return;
    }
    say(&finding.text, "Seen: %s on %s, %s on %s", http ? "CONN/A1" : "CONN/A2", CHANNEL(leg->current[ROLE_OUT]),
        http ? "CONN/B1" : "CONN/B2", CHANNEL(leg->current[ROLE_IN]));
    say_failure(&finding.text, leg, event->when);
    if (mismatch) {
        say_mismatch(&finding, leg);
    } else {
        say_never_joined(&finding, leg);
    }
    tell(&finding);
    rpch_not_opened(judge, leg);
}
