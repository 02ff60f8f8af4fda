/* rpch_end.c
 * Channels that the server's end closes: an idle time-out, or a server that is gone.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "rpch.h"

#include "blame.h"
#include "gone.h"

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

/* Whether the server ended a channel in use, by itself and not as announced; first: no other end of this
 * virtual connection came before. */
static bool counts(const struct judge *judge, const struct channel *channel, struct when when, bool *first)
{
    const struct leg *leg = channel->leg;
    const struct conn *link = channel_tcp(channel);
    const struct leg_memo *memo = leg->memo;
    const int64_t idle = when.ns - link->last_data, interval = channel_interval(channel);
    /* Else the client may have ended the other half. */
    if (!leg_other(channel) || !conn_whole(leg_other(channel))) {
        return false;
    }
    *first = leg->state == LEG_OPEN || leg->state == LEG_RECYCLING;
    if (!*first && !(leg->ended_frame && memo && memo->gone_frame == leg->ended_frame)) {
        return false;
    }
    /* It was announced; or the server did not know the connection any more. */
    return !(interval > 0 && idle + judge->limits.idle_alike >= interval) && link->late_ns == 0;
}

void rpch_conn_ended(struct judge *judge, const struct event *event)
{
    const struct channel *channel = event->rpch.channel;
    const struct conn *link = event->rpch.conn->link;
    const struct leg *leg = event->rpch.leg;
    bool first;
    if (link->ended_by != WAY_TO_CLIENT || !leg || channel->v1 || !channel_in_use(channel) || channel->over ||
        channel->seen_eof || channel->refused || !counts(judge, channel, event->when, &first)) {
        return;
    }
    const struct channel *behind = channel_behind(channel);
    if (behind && channel_tcp(behind)->ended) {
        return; /* a device passes on what happened there */
    }
    if (first) {
        struct leg_memo *memo = memo_in(judge, &leg->memo, sizeof(*memo));
        memo->gone_frame = event->when.frame;
    }
    gone_ended(judge, &(struct gone_end){ .conn = link, .leg = leg, .follows = !first, .behind_seen = behind != NULL },
               event->when);
}

/* Whether the other half was ended by that frame, too. */
static bool both_ended(const struct channel *channel)
{
    const struct channel *other = leg_other(channel);
    return !other || other->conn->link->ended;
}

/* at: the end; later: it is told with hindsight. */
static void tell_idle(struct finding *finding, const struct channel *channel, struct when at, int64_t idle_ns,
                      bool later)
{
    const struct blame blame = blame_idle(finding->judge, channel, idle_ns, at, !later || both_ended(channel));
    say(&finding->text,
        "Seen: %s was open, the server's end sent %s in frame %u after %s without a body byte either way, "
        "%s were announced",
        CHANNEL(channel), end_name(channel->conn->link), at.frame, SECONDS(idle_ns),
        SECONDS(channel_interval(channel)));
    say(&finding->text,
        "; inferred: %s; next: idle time-outs of firewalls and balancers on the way to %s, recycling of its "
        "application pools, or a shorter MinConnTimeout or keepalive on the client",
        blame.why, PEER(channel));
    tell_by(finding, blame.where, blame.seen);
}

/* After which idle times the ends of that server come. */
static void note_idle(struct judge *judge, const struct server *server, const struct idle_time *idle)
{
    struct idle_times *times = memo_in(judge, &server->idle_memo, sizeof(*times));
    times->of[times->next++ % IDLE_ENDS] = *idle;
}

/* Tells it at once if no other connection is left that could show that the server is gone,
 * else with hindsight. */
static void idle_closed(struct judge *judge, const struct event *event)
{
    const struct channel *channel = event->rpch.channel;
    const struct leg *leg = event->rpch.leg;
    /* That it was to be replaced, and what was announced, comes on the other half, too. */
    struct evidence *evidence = evidence_leg(judge, leg);
    if (!leg_other(channel)) {
        evidence_add_lacking(evidence, channel_tcp(channel));
    }
    struct finding finding = finding_begin(judge, V_IDLE_CLOSED, event->when, about_leg(judge, leg), evidence);
    if (!finding.begun) {
        return;
    }
    const struct server *server = channel_tcp(channel)->server;
    if (others_open(server, leg) == 0 && !gone_may_be(judge, server, leg, event->when)) {
        tell_idle(&finding, channel, event->when, event->rpch.end.idle_ns, false);
        return;
    }
    struct idle_end *idle = arena_new(&judge->arena, sizeof(*idle));
    idle->channel = channel;
    idle->idle_ns = event->rpch.end.idle_ns;
    idle->finding = finding;
    *(judge->idle_first ? &judge->idle_last->next : &judge->idle_first) = idle;
    judge->idle_last = idle;
}

/* The other half, which was busy, ended just before because the device had closed this one behind: the idle half is
 * what it was about. */
static bool follows_busy_half(const struct judge *judge, const struct channel *channel, struct when when)
{
    const struct channel *other = leg_other(channel);
    const struct conn *link = other ? channel_tcp(other) : NULL;
    return link && channel->leg->joined && channel_in_use(channel) && link->ended_by == WAY_TO_CLIENT &&
           when.ns - link->ended_ns <= judge->limits.gone_window && !leg_told(channel->leg, V_CHANNEL_CUT) &&
           blame_device_ended(channel);
}

void rpch_channel_ended(struct judge *judge, const struct event *event)
{
    const struct channel *channel = event->rpch.channel;
    const struct leg *leg = event->rpch.leg;
    const struct conn *link = channel->conn->link;
    const int64_t idle = event->rpch.end.idle_ns;
    if (!blame_server_ended(channel) || once_told(channel->memo, V_NOT_RECYCLED)) {
        return;
    }
    rpch_comeback_ended(judge, event);
    if (rpch_cut(judge, event)) {
        return;
    }
    if (!leg || !(event->rpch.end.was_open || follows_busy_half(judge, channel, event->when)) || channel->v1 ||
        gone_explains(link->server) || idle < judge->limits.idle_least) {
        return;
    }
    note_idle(judge, link->server, &(struct idle_time){ event->when, idle, leg->vc });
    if (idle < channel_interval(channel) && !leg_told(leg, V_IDLE_CLOSED)) {
        idle_closed(judge, event);
    }
}

void rpch_hindsight(struct judge *judge, const struct event *event)
{
    const struct when when = event->when;
    while (judge->idle_first) {
        struct idle_end *idle = judge->idle_first;
        struct finding *finding = &idle->finding;
        const struct when at = finding->when;
        if (when.ns - at.ns <= judge->limits.gone_window && when.ns >= at.ns) {
            return;
        }
        judge->idle_first = idle->next;
        const struct leg *leg = idle->channel->leg;
        if (!gone_told_since(channel_tcp(idle->channel)->server, at.frame) && !leg_told(leg, V_IDLE_CLOSED)) {
            finding->when = when;
            finding->subject = about_leg(judge, leg); /* a further attempt may have begun */
            tell_idle(finding, idle->channel, at, idle->idle_ns, true);
        }
        arena_give_back(&judge->arena, idle, sizeof(*idle));
    }
}
