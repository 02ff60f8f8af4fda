/* rpch_channel.c
 * Channels on their own, that go silent, or that carry more than was agreed.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "author.h"
#include "blame.h"
#include "exchange.h"
#include "gone.h"
#include "rpch.h"

#include <inttypes.h>

/* The other half on the leg before, which came here alone; NULL if that was not seen. */
static const struct channel *half_before(const struct channel *channel)
{
    const struct leg *before = channel->leg ? channel->leg->prev : NULL;
    return before && leg_behind(before) == channel->leg ? before->current[!channel->role] : NULL;
}

/* The device has it if it answered or ended it itself; else a server outside the capture may have it. */
static enum verdict_where kept_where(const struct channel *kept)
{
    const bool refused = kept->refused && !http_is_windows((enum http_author)kept->refused_by);
    return refused || conn_ended_by(channel_tcp(kept), WAY_TO_CLIENT) ? WHERE_DEVICE : WHERE_UNKNOWN;
}

/* The request on that connection whose NTLM handshake is torn, here or behind a device; NULL if there is none. */
static const struct exchange *torn_request(const struct conn *link)
{
    const struct exchange *request = link->asked ? link->asked->first : NULL;
    while (request && !request->torn) {
        request = request->next;
    }
    return request;
}

/* Another verdict has said why one half is missing. */
static bool is_told_otherwise(const struct channel *channel)
{
    const struct leg *leg = channel->leg, *before = leg ? leg->prev : NULL;
    return once_told(channel->memo, V_NO_PDU) || gone_explains(channel_tcp(channel)->server) ||
           (leg && (held_back_told(leg, !channel->role) || leg_cut_told(leg) || (before && leg_cut_told(before))));
}

void rpch_alone(struct judge *judge, const struct event *event)
{
    const struct channel *channel = event->rpch.channel;
    const struct conn *link = channel->conn->link;
    if (is_told_otherwise(channel)) {
        return;
    }
    struct finding finding =
        finding_begin(judge, V_LONE, event->when, about_channel(judge, channel), evidence_channel(judge, channel));
    if (!finding.begun || !channel->alone) {
        return;
    }
    struct text *text = &finding.text;
    const bool by_client = link->ended && link->ended_by == WAY_TO_SERVER;
    const char *missing = channel->role == ROLE_IN ? "OUT" : "IN";
    const struct channel *kept = half_before(channel);
    const struct exchange *torn = torn_request(link);
    const struct blame blame = blame_alone(channel);
    say_channel(text, channel);
    if (link->ended) {
        say(text, ", closed by the %s with %s in frame %u", by_client ? "client's end" : "server's end", END_NAME(link),
            link->ended_frame);
    } else {
        say(text, ", open for %s", SECONDS(event->when.ns - channel_start(channel)));
    }
    say(text, ", and no %s channel of the same virtual connection", missing);
    if (kept) {
        say(text,
            "; inferred: the device between did not pass on what leg %u has, %s, or sent it to a server that was not "
            "captured",
            kept->leg->number, CHANNEL(kept));
    } else if (torn) {
        say(text, "; inferred: its NTLM handshake is torn (see frame %u), so it was never let in", torn->torn);
    } else {
        say(text, "; inferred: %s", blame.why);
    }
    if (torn && !kept) {
        say(text, "; next: what tore it: see there");
        tell_by(&finding, torn->torn_by_server ? WHERE_UNKNOWN : WHERE_DEVICE, false);
    } else {
        say(text, "; next: look for RPC_%s_DATA from this client in the logs of devices before the server", missing);
        tell_by(&finding, kept ? kept_where(kept) : blame.where, !kept && blame.seen);
    }
    rpch_not_opened(judge, channel->leg);
}

void rpch_unanswered(struct judge *judge, const struct event *event)
{
    const struct channel *channel = event->rpch.channel;
    const enum way way = event->rpch.silence.way;
    const struct probe *probe = &event->rpch.silence.conn->probe[way];
    struct subject subject = about_leg(judge, event->rpch.leg);
    subject.once = memo_once(judge, &event->rpch.silence.conn->memo, ONCE_A_CONNECTION);
    struct finding finding =
        finding_begin(judge, V_SILENT_DROP, event->when, subject, evidence_channel(judge, channel));
    if (!finding.begun) {
        return;
    }
    say(&finding.text, "Seen: %s was idle for %s, then data from the %s in frame %u ", CHANNEL(channel),
        SECONDS(probe->probe_idle), way == WAY_TO_SERVER ? "client" : "server's end", probe->probe_frame);
    if (event->rpch.silence.by_reset) {
        say(&finding.text, "was answered by RST in frame %u", event->when.frame);
    } else {
        say(&finding.text, "was sent again %u times without an ACK", probe->repeats);
    }
    const struct blame blame = blame_silence(channel, way, probe->probe_idle);
    say(&finding.text,
        "; inferred: %s; next: idle time-outs of firewalls, NAT and balancers on the way, and a shorter keepalive than "
        "that%s",
        blame.why, way == WAY_TO_CLIENT ? "; whether the client was asleep or offline at this time" : "");
    tell_by(&finding, blame.where, blame.seen);
}

/* Between proxies and server what comes on IN is the IN proxy's. */
static enum verdict_where sender_of(const struct channel *channel)
{
    return channel->role == ROLE_IN && channel->conn->hop == RTS_HOP_HTTP ? WHERE_CLIENT : WHERE_SERVER;
}

/* Whether it was told of the same channel before or behind a device, which passes on what comes. */
static bool is_told_beside(const struct channel *channel, enum verdict_kind kind)
{
    const struct leg *leg = channel->leg;
    const struct leg *beside[] = { leg ? leg->prev : NULL, leg ? leg_behind(leg) : NULL };
    for (int i = 0; i < 2; i++) {
        const struct channel *same = beside[i] ? beside[i]->current[channel->role] : NULL;
        if (same && same->conn->hop == channel->conn->hop && once_told(same->memo, kind)) {
            return true;
        }
    }
    return false;
}

void rpch_lifetime(struct judge *judge, const struct event *event)
{
    const struct channel *channel = event->rpch.channel;
    if (once_told(channel->memo, V_LIFETIME_EXCEEDED) || is_told_beside(channel, V_LIFETIME_EXCEEDED)) {
        return; /* heard with every PDU from then on */
    }
    struct finding finding =
        finding_begin(judge, V_LIFETIME_EXCEEDED, event->when, about_channel(judge, channel), NULL);
    if (!finding.begun) {
        return;
    }
    say(&finding.text, "Seen: %s has carried %" PRIu64 " bytes, its announced lifetime is %" PRIu64, CHANNEL(channel),
        channel->bytes[data_way(channel)], channel->lifetime);
    say(&finding.text,
        "; inferred: the sender did not replace the channel in time (MS-RPCH 3.2.2.4.2), a proxy may cut it"
        "; next: whether a successor channel was tried and failed before");
    tell_by(&finding, sender_of(channel), !channel_is_forwarded(channel));
}

void rpch_window(struct judge *judge, const struct event *event)
{
    const struct channel *channel = event->rpch.channel;
    const struct leg *leg = event->rpch.leg;
    /* The receiver's acknowledgements come on the other channel. */
    if (!leg || !leg->current[!channel->role] || once_told(channel->memo, V_WINDOW_EXCEEDED) ||
        is_told_beside(channel, V_WINDOW_EXCEEDED)) {
        return;
    }
    struct evidence *evidence = evidence_leg(judge, leg);
    evidence_add(evidence, channel->conn->link, 0);
    struct finding finding =
        begin_quietly(judge, V_WINDOW_EXCEEDED, event->when, about_channel(judge, channel), evidence);
    if (!finding.begun) {
        return;
    }
    say(&finding.text, "Seen: %" PRIu64 " bytes of RPC PDUs on %s, the receiver had allowed %" PRIu64,
        channel->rpc_sent, CHANNEL(channel), channel->limit);
    say(&finding.text,
        "; inferred: the sender does not keep to the receive window (MS-RPCH 3.2.1.4.1.3), the receiver may "
        "drop the virtual connection; next: version and updates of that sender");
    tell_by(&finding, sender_of(channel), !channel_is_forwarded(channel));
}
