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
    const struct subject subject = about_channel(judge, channel);
    const struct evidence evidence = evidence_channel(channel);
    struct finding finding;
    if (!finding_begin(&finding, judge, V_LONE, event->when, &subject, &evidence) || !channel->alone) {
        return;
    }
    struct text *text = &finding.text;
    const bool by_client = link->ended && link->ended_by == WAY_TO_SERVER;
    const char *missing = channel->role == ROLE_IN ? "OUT" : "IN";
    finding.where = by_client ? WHERE_CLIENT : WHERE_UNKNOWN;
    say(text, "Seen: %s", CHANNEL(channel));
    if (channel->target) {
        say(text, " for %s", channel->target);
    }
    if (link->ended) {
        say(text, ", closed by the %s with %s in frame %u", by_client ? "client's end" : "server's end",
            link->ended_by_rst ? "RST" : "FIN", link->ended_frame);
    } else {
        say(text, ", open for %s", SECONDS(event->when.ns - channel_start(channel)));
    }
    say(text, ", and no %s channel of the same virtual connection", missing);
    if (by_client) {
        say(text, "; inferred: the client gave up before it opened %s, or %s took a path that was not captured", missing,
            missing);
    } else {
        say(text, "; inferred: %s was not opened, was stopped on its way, or took a path that was not captured", missing);
    }
    say(text, "; next: look for RPC_%s_DATA from this client in the logs of devices before the server", missing);
    tell(&finding);
}

static struct subject about_vtcp(struct judge *judge, const struct vtcp *conn, const struct leg *leg)
{
    struct subject subject = about_leg(judge, leg);
    void **memo = memo_of(&conn->memo);
    if (!*memo) {
        struct once_memo *made = arena_new(&judge->arena, sizeof(*made));
        made->once.of = ONCE_A_CONNECTION;
        *memo = made;
    }
    subject.once = &((struct once_memo *)*memo)->once;
    return subject;
}

void rpch_unanswered(struct judge *judge, const struct event *event)
{
    const struct channel *channel = event->rpch.channel;
    const enum way way = event->rpch.silence.way;
    const struct probe *probe = &event->rpch.silence.conn->probe[way];
    const struct subject subject = about_vtcp(judge, event->rpch.silence.conn, event->rpch.leg);
    const struct evidence evidence = evidence_channel(channel);
    struct finding finding;
    if (!finding_begin(&finding, judge, V_SILENT_DROP, event->when, &subject, &evidence)) {
        return;
    }
    finding.where = WHERE_DEVICE;
    say(&finding.text, "Seen: %s was idle for %s, then data from the %s in frame %u ", CHANNEL(channel),
        SECONDS(probe->probe_idle), way == WAY_TO_SERVER ? "client" : "server's end", probe->probe_frame);
    if (event->rpch.silence.by_reset) {
        say(&finding.text, "was answered by RST in frame %u", event->when.frame);
    } else {
        say(&finding.text, "was sent again %u times without an ACK", probe->repeats);
    }
    say(&finding.text, "; inferred: a firewall, NAT or balancer between forgot the connection without telling either end"
                       "; next: its idle time-out, and a shorter keepalive than that");
    tell(&finding);
}

void rpch_lifetime(struct judge *judge, const struct event *event)
{
    const struct channel *channel = event->rpch.channel;
    if (channel_told(channel, V_LIFETIME_EXCEEDED)) {
        return;                  /* heard with every PDU from then on */
    }
    const struct subject subject = about_channel(judge, channel);
    struct finding finding;
    if (!finding_begin(&finding, judge, V_LIFETIME_EXCEEDED, event->when, &subject, NULL)) {
        return;
    }
    finding.where = channel->role == ROLE_IN ? WHERE_CLIENT : WHERE_SERVER;
    finding.seen = true;
    say(&finding.text, "Seen: %s has carried %" PRIu64 " bytes, its announced lifetime is %" PRIu64, CHANNEL(channel),
        channel->bytes[data_way(channel)], channel->lifetime);
    say(&finding.text, "; inferred: the sender did not replace the channel in time (MS-RPCH 3.2.2.4.2), a proxy may cut it"
                       "; next: whether a successor channel was tried and failed before");
    tell(&finding);
}

void rpch_window(struct judge *judge, const struct event *event)
{
    const struct channel *channel = event->rpch.channel;
    const struct leg *leg = event->rpch.leg;
    /* The receiver's acknowledgements come on the other channel. */
    if (!leg || !leg->current[!channel->role] || channel_told(channel, V_WINDOW_EXCEEDED)) {
        return;
    }
    const struct subject subject = about_channel(judge, channel);
    struct evidence evidence = evidence_leg(leg);
    evidence_add(&evidence, channel->conn->link, 0);
    struct finding finding;
    if (!begin_quietly(&finding, judge, V_WINDOW_EXCEEDED, event->when, &subject, &evidence)) {
        return;
    }
    finding.where = channel->role == ROLE_IN ? WHERE_CLIENT : WHERE_SERVER;
    finding.seen = true;
    say(&finding.text, "Seen: %" PRIu64 " bytes of RPC PDUs on %s, the receiver had allowed %" PRIu64, channel->rpc_sent,
        CHANNEL(channel), channel->limit);
    say(&finding.text, "; inferred: the sender does not keep to the receive window (MS-RPCH 3.2.1.4.1.3), the receiver may "
                       "drop the virtual connection; next: version and updates of that sender");
    tell(&finding);
}
