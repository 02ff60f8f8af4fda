/* rpch_channel.c
 * Channels on their own, that go silent, or that carry more than was agreed.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "rpch.h"

#include <inttypes.h>

void rpch_alone(struct judge *judge, const struct event *event)
{
    const struct channel *channel = event->rpch.channel;
    const struct conn *link = channel->conn->link;
    struct finding finding =
        finding_begin(judge, V_LONE, event->when, about_channel(judge, channel), evidence_channel(judge, channel));
    if (!finding.begun || !channel->alone) {
        return;
    }
    struct text *text = &finding.text;
    const bool by_client = link->ended && link->ended_by == WAY_TO_SERVER;
    const char *missing = channel->role == ROLE_IN ? "OUT" : "IN";
    say_channel(text, channel);
    if (link->ended) {
        say(text, ", closed by the %s with %s in frame %u", by_client ? "client's end" : "server's end", end_name(link),
            link->ended_frame);
    } else {
        say(text, ", open for %s", SECONDS(event->when.ns - channel_start(channel)));
    }
    say(text, ", and no %s channel of the same virtual connection", missing);
    if (by_client) {
        say(text, "; inferred: the client gave up before it opened %s, or %s took a path that was not captured",
            missing, missing);
    } else {
        say(text, "; inferred: %s was not opened, was stopped on its way, or took a path that was not captured",
            missing);
    }
    say(text, "; next: look for RPC_%s_DATA from this client in the logs of devices before the server", missing);
    tell_by(&finding, by_client ? WHERE_CLIENT : WHERE_UNKNOWN, false);
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
    say(&finding.text,
        "; inferred: a firewall, NAT or balancer between forgot the connection without telling either end"
        "; next: its idle time-out, and a shorter keepalive than that");
    tell_by(&finding, WHERE_DEVICE, false);
}

static enum verdict_where sender_of(const struct channel *channel)
{
    return channel->role == ROLE_IN ? WHERE_CLIENT : WHERE_SERVER;
}

void rpch_lifetime(struct judge *judge, const struct event *event)
{
    const struct channel *channel = event->rpch.channel;
    if (once_told(channel->memo, V_LIFETIME_EXCEEDED)) {
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
    tell_by(&finding, sender_of(channel), true);
}

void rpch_window(struct judge *judge, const struct event *event)
{
    const struct channel *channel = event->rpch.channel;
    const struct leg *leg = event->rpch.leg;
    /* The receiver's acknowledgements come on the other channel. */
    if (!leg || !leg->current[!channel->role] || once_told(channel->memo, V_WINDOW_EXCEEDED)) {
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
    tell_by(&finding, sender_of(channel), true);
}
