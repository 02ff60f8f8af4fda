/* rpch_end.c
 * Channels that the server's end closes: an idle time-out, or a server that is gone.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "rpch.h"

#define IDLE_LEAST (10 * SECOND)         /* a channel used this short ago was not closed for being idle */
#define GONE_WINDOW (1 * SECOND)         /* a server that stops ends all its connections within that */

static struct server_memo *server_memo(struct judge *judge, const struct server *server)
{
    void **memo = memo_of(&server->memo[CONN_RPCH]);
    if (!*memo) {
        struct server_memo *made = arena_new(&judge->arena, sizeof(*made));
        made->of = server;
        *memo = made;
    }
    return *memo;
}

static void server_gone(struct judge *judge, struct server_memo *server, const struct leg *other, const struct leg *leg,
                        struct when when)
{
    struct subject subject = about_leg(judge, leg);
    struct finding finding;
    subject.once = NULL;
    server->told = when;
    if (!finding_begin(&finding, judge, V_SERVER_GONE, when, &subject, NULL)) {
        return;
    }
    struct text *text = &finding.text;
    finding.where = WHERE_SERVER;
    say(text, "Seen: %s", ENDPOINT(&server->of->end));
    if (other) {
        say(text, " ended channels of virtual connections %u and %u", other->vc->number, leg->vc->number);
    } else {
        say(text, " ended a channel of virtual connection %u and another connection", leg->vc->number);
    }
    say(text, " within a second, the last in frame %u; inferred: that server or its service stopped or was restarted, it is "
              "no idle time-out; next: its event log and the state of its services at this time", when.frame);
    tell(&finding);
}

/* How long the channel may be idle by what was announced, 0 if nothing was. */
static int64_t channel_interval(const struct channel *channel)
{
    const struct leg *leg = channel->leg;
    uint32_t ms = leg->timeout_ms[channel->role];
    if (!ms) {
        ms = leg->timeout_ms[!channel->role];
    }
    if (!ms) {
        ms = leg->keepalive_ms;
    }
    return ms * MILLISECOND;
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

static bool within(struct when before, struct when now)
{
    return before.frame && now.ns - before.ns <= GONE_WINDOW;
}

/* The end of a channel in use of another virtual connection within the last second. */
static const struct leg *other_end(const struct server_memo *server, const struct vc *vc, struct when when)
{
    for (int i = 0; i < 2; i++) {
        if (server->end_leg[i] && server->end_leg[i]->vc != vc && within(server->ended[i], when)) {
            return server->end_leg[i];
        }
    }
    return NULL;
}

static void note_end(struct server_memo *server, const struct leg *leg, struct when when)
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
static void foreign_end(struct judge *judge, struct server_memo *server, const struct vc *vc, struct when when)
{
    server->foreign_end = when;
    server->foreign_vc = vc;
    if (server->waiting == 0 || within(server->told, when)) {
        return;
    }
    if (server->end_leg[0] && server->end_leg[0]->vc != vc && within(server->ended[0], when)) {
        server_gone(judge, server, NULL, server->end_leg[0], when);
    }
}

void rpch_server_ended(struct judge *judge, const struct event *event)
{
    foreign_end(judge, server_memo(judge, event->rpch.server), NULL, event->when);
}

/* at: the end. */
static void tell_idle(struct finding *finding, const struct channel *channel, struct when at, int64_t idle_ns)
{
    finding->where = WHERE_DEVICE;
    say(&finding->text, "Seen: %s was open, the server's end sent %s in frame %u after %s without a body byte either way, "
                        "%s were announced", CHANNEL(channel), channel->conn->link->ended_by_rst ? "RST" : "FIN", at.frame,
        SECONDS(idle_ns), SECONDS(channel_interval(channel)));
    say(&finding->text, "; inferred: a device between with a shorter idle time-out, or the server's own; next: idle "
                        "time-outs of firewalls and balancers on the way to %s, or a shorter MinConnTimeout or keepalive "
                        "on the client", PEER(channel));
    tell(finding);
}

/* Tells it at once if no other connection is left that could show that the server is gone,
 * else with hindsight. */
static void idle_closed(struct judge *judge, const struct event *event, struct server_memo *server)
{
    const struct channel *channel = event->rpch.channel;
    const struct leg *leg = event->rpch.leg;
    const struct subject subject = about_leg(judge, leg);
    const struct evidence evidence = evidence_channel(channel);
    struct finding finding;
    if (!finding_begin(&finding, judge, V_IDLE_CLOSED, event->when, &subject, &evidence)) {
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
    if (link->ended_by != WAY_TO_CLIENT || link->tcp.half[WAY_TO_SERVER].ended || channel->seen_eof || channel->refused) {
        return;
    }
    struct server_memo *server = server_memo(judge, link->server);
    if (!leg || !event->rpch.end.was_open || channel->v1) {
        foreign_end(judge, server, leg ? leg->vc : NULL, when);
        return;
    }
    if (within(server->told, when)) {
        server->told = when;     /* more of the same */
        return;
    }
    const struct leg *other = other_end(server, leg->vc, when);
    const bool is_idle = idle >= IDLE_LEAST && idle < channel_interval(channel) && !leg_told(leg, V_IDLE_CLOSED);
    note_end(server, leg, when);
    const bool foreign = within(server->foreign_end, when) && server->foreign_vc != leg->vc;
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
        if (when.ns - at.ns <= GONE_WINDOW && when.ns >= at.ns) {
            return;
        }
        judge->idle_first = idle->next;
        idle->server->waiting--;
        const struct leg *leg = idle->channel->leg;
        const bool gone = idle->server->told.frame >= at.frame;
        if (!gone && !leg_told(leg, V_IDLE_CLOSED)) {
            finding->when = when;
            finding->subject = about_leg(judge, leg);    /* a further attempt may have begun */
            tell_idle(finding, idle->channel, at, idle->idle_ns);
        }
        arena_give_back(&judge->arena, idle, sizeof(*idle));
    }
}
