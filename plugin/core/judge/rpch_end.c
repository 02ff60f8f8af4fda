/* rpch_end.c
 * Channels that the server's end closes: an idle time-out, or a server that is gone.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "rpch.h"

#include "gone.h"

static struct server_ends *server_ends(struct judge *judge, const struct server *server)
{
    struct server_ends *ends = memo_in(judge, &server->memo[CONN_RPCH], sizeof(*ends));
    ends->of = server;
    return ends;
}

static void server_gone(struct judge *judge, struct server_ends *server, const struct leg *other, const struct leg *leg,
                        struct when when)
{
    server->told = when;
    struct finding finding = gone_begin(judge, server->of, about_leg(judge, leg), when);
    struct text *text = &finding.text;
    if (other) {
        say(text, " ended channels of virtual connections %u and %u", other->vc->number, leg->vc->number);
    } else {
        say(text, " ended a channel of virtual connection %u and another connection", leg->vc->number);
    }
    say(text, " within a second, the last in frame %u", when.frame);
    gone_tell(&finding);
}

/* How long the channel may be idle by what was announced, 0 if nothing was. */
static int64_t channel_interval(const struct channel *channel)
{
    const struct leg *leg = channel->leg;
    const uint32_t own = leg->timeout_ms[channel->role], other = leg->timeout_ms[!channel->role];
    return (own ? own : other ? other : leg->keepalive_ms) * MILLISECOND;
}

/* Claimed connections to that server that are still open, those of this virtual
 * connection aside. */
static uint32_t others_open(const struct server *server, const struct leg *leg)
{
    uint32_t own = 0;
    for (int role = ROLE_IN; role <= ROLE_OUT; role++) {
        const struct channel *channels[] = { leg->current[role], leg_coming(leg, role) };
        for (int i = 0; i < 2; i++) {
            own += channels[i] && !channels[i]->conn->link->ended && channels[i]->conn->link->server == server;
        }
    }
    return server->open[CONN_RPCH] > own ? server->open[CONN_RPCH] - own : 0;
}

/* The end of a channel in use of another virtual connection within the last second. */
static const struct leg *other_end(const struct judge *judge, const struct server_ends *server, const struct vc *vc,
                                   struct when when)
{
    for (int i = 0; i < 2; i++) {
        if (server->end_leg[i] && server->end_leg[i]->vc != vc && gone_together(judge, server->ended[i], when)) {
            return server->end_leg[i];
        }
    }
    return NULL;
}

static void note_end(struct server_ends *server, const struct leg *leg, struct when when)
{
    if (server->end_leg[0] && server->end_leg[0]->vc != leg->vc) {
        server->end_leg[1] = server->end_leg[0];
        server->ended[1] = server->ended[0];
    }
    server->end_leg[0] = leg;
    server->ended[0] = when;
}

/* A connection ended that has no channel in use; vc: whose it is, or NULL. The oldest
 * idle_closed that still waits for this server, if it is of another virtual connection or of
 * none, was no idle time-out. */
static void foreign_end(struct judge *judge, struct server_ends *server, const struct vc *vc, struct when when)
{
    server->foreign_end = when;
    server->foreign_vc = vc;
    if (server->waiting == 0 || gone_together(judge, server->told, when)) {
        return;
    }
    if (server->end_leg[0] && server->end_leg[0]->vc != vc && gone_together(judge, server->ended[0], when)) {
        server_gone(judge, server, NULL, server->end_leg[0], when);
    }
}

void rpch_server_ended(struct judge *judge, const struct event *event)
{
    foreign_end(judge, server_ends(judge, event->rpch.server), NULL, event->when);
}

/* at: the end. */
static void tell_idle(struct finding *finding, const struct channel *channel, struct when at, int64_t idle_ns)
{
    finding->where = WHERE_DEVICE;
    say(&finding->text,
        "Seen: %s was open, the server's end sent %s in frame %u after %s without a body byte either way, "
        "%s were announced",
        CHANNEL(channel), end_name(channel->conn->link), at.frame, SECONDS(idle_ns),
        SECONDS(channel_interval(channel)));
    say(&finding->text,
        "; inferred: a device between with a shorter idle time-out, or the server's own; next: idle "
        "time-outs of firewalls and balancers on the way to %s, or a shorter MinConnTimeout or keepalive "
        "on the client",
        PEER(channel));
    tell(finding);
}

/* Tells it at once if no other connection is left that could show that the server is gone,
 * else with hindsight. */
static void idle_closed(struct judge *judge, const struct event *event, struct server_ends *server)
{
    const struct channel *channel = event->rpch.channel;
    const struct leg *leg = event->rpch.leg;
    struct finding finding =
        finding_begin(judge, V_IDLE_CLOSED, event->when, about_leg(judge, leg), evidence_channel(judge, channel));
    if (!finding.begun) {
        return;
    }
    if (others_open(server->of, leg) == 0) {
        tell_idle(&finding, channel, event->when, event->rpch.end.idle_ns);
        return;
    }
    struct idle_end *idle = arena_new(&judge->arena, sizeof(*idle));
    idle->channel = channel;
    idle->server = server;
    idle->idle_ns = event->rpch.end.idle_ns;
    idle->finding = finding;
    *(judge->idle_first ? &judge->idle_last->next : &judge->idle_first) = idle;
    judge->idle_last = idle;
    server->waiting++;
}

void rpch_channel_ended(struct judge *judge, const struct event *event)
{
    const struct channel *channel = event->rpch.channel;
    const struct leg *leg = event->rpch.leg;
    const struct conn *link = channel->conn->link;
    const struct when when = event->when;
    const int64_t idle = event->rpch.end.idle_ns;
    if (link->ended_by != WAY_TO_CLIENT || link->tcp.half[WAY_TO_SERVER].ended || channel->seen_eof ||
        channel->refused) {
        return;
    }
    struct server_ends *server = server_ends(judge, link->server);
    if (!leg || !event->rpch.end.was_open || channel->v1) {
        foreign_end(judge, server, leg ? leg->vc : NULL, when);
        return;
    }
    if (gone_together(judge, server->told, when)) {
        server->told = when; /* more of the same */
        return;
    }
    const struct leg *other = other_end(judge, server, leg->vc, when);
    const bool is_idle =
        idle >= judge->limits.idle_least && idle < channel_interval(channel) && !leg_told(leg, V_IDLE_CLOSED);
    note_end(server, leg, when);
    const bool foreign = gone_together(judge, server->foreign_end, when) && server->foreign_vc != leg->vc;
    if (other || (is_idle && foreign)) {
        server_gone(judge, server, other, leg, when);
    } else if (is_idle) {
        idle_closed(judge, event, server);
    }
}

void rpch_hindsight(struct judge *judge, const struct event *event)
{
    const struct when when = event->when;
    while (judge->idle_first) {
        struct idle_end *idle = judge->idle_first;
        struct finding *finding = &idle->finding;
        const struct when at = finding->when;
        if (gone_may_follow(judge, at, when)) {
            return;
        }
        judge->idle_first = idle->next;
        idle->server->waiting--;
        const struct leg *leg = idle->channel->leg;
        const bool gone = idle->server->told.frame >= at.frame;
        if (!gone && !leg_told(leg, V_IDLE_CLOSED)) {
            finding->when = when;
            finding->subject = about_leg(judge, leg); /* a further attempt may have begun */
            tell_idle(finding, idle->channel, at, idle->idle_ns);
        }
        arena_give_back(&judge->arena, idle, sizeof(*idle));
    }
}
