/* rpch_idle.c
 * Idle channels that the server's end closes, and what the second behind an end shows of whose doing it was.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

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

/* What became of the other half in the second behind an end, as far as that is known by now. */
static enum half other_half(const struct judge *judge, const struct channel *channel, struct when at, struct when now)
{
    const struct channel *other = leg_other(channel);
    const struct conn *link = other ? channel_tcp(other) : NULL;
    if (!link || (link->ended && link->ended_ns - at.ns <= judge->limits.gone_window)) {
        return HALF_ENDED;
    }
    return !conn_whole(other) || now.ns - at.ns <= judge->limits.gone_window ? HALF_MAY_END : HALF_STAYED;
}

/* ---- Ends of one server ------------------------------------------------------------------ */

static struct idle_time *idle_time_of(const struct channel *channel, struct when at)
{
    struct idle_times *times = channel_tcp(channel)->server->idle_memo;
    for (unsigned i = 0; times && i < IDLE_ENDS; i++) {
        if (times->of[i].when.frame == at.frame && times->of[i].channel == channel) {
            return &times->of[i];
        }
    }
    return NULL;
}

/* Whose doing an end was shows better now. Where a leg behind shows it, that stays. */
static void place_anew(struct judge *judge, const struct idle_time *time, struct when now)
{
    const struct channel *channel = time->channel;
    if (!time->told || !channel->leg || leg_behind(channel->leg)) {
        return;
    }
    const struct blame blame =
        blame_idle(judge, channel, time->idle_ns, time->when, other_half(judge, channel, time->when, now));
    leg_place(channel->leg, V_IDLE_CLOSED, 0, blame.where, blame.seen);
}

void rpch_idle_ended(struct judge *judge, const struct event *event)
{
    const struct channel *channel = event->rpch.channel;
    struct idle_times *times = memo_in(judge, &channel_tcp(channel)->server->idle_memo, sizeof(*times));
    times->of[times->next++ % IDLE_ENDS] = (struct idle_time){ .when = event->when,
                                                               .idle_ns = event->rpch.end.idle_ns,
                                                               .channel = channel,
                                                               .vc = event->rpch.leg->vc };
    for (unsigned i = 0; i < IDLE_ENDS; i++) {
        place_anew(judge, &times->of[i], event->when);
    }
}

/* ---- Idle time-outs ------------------------------------------------------------------------ */

/* at: the end, which the finding may stand behind. */
static void tell_idle(struct finding *finding, const struct channel *channel, struct when at, int64_t idle_ns)
{
    const struct blame blame =
        blame_idle(finding->judge, channel, idle_ns, at, other_half(finding->judge, channel, at, finding->when));
    struct idle_time *time = idle_time_of(channel, at);
    say(&finding->text,
        "Seen: %s was open, the server's end sent %s in frame %u after %s without a body byte either way, "
        "%s were announced",
        CHANNEL(channel), END_NAME(channel->conn->link), at.frame, SECONDS(idle_ns),
        SECONDS(channel_interval(channel)));
    say(&finding->text,
        "; inferred: %s; next: idle time-outs of firewalls and balancers on the way to %s, recycling of its "
        "application pools, or a shorter MinConnTimeout or keepalive on the client",
        blame.why, PEER(channel));
    finding->hop = blame.hop;
    tell_by(finding, blame.where, blame.seen);
    if (time) {
        time->told = true;
    }
}

static void wait_a_second(struct judge *judge, const struct finding *finding, const struct channel *channel,
                          int64_t idle_ns, bool told)
{
    struct idle_end *idle = arena_new(&judge->arena, sizeof(*idle));
    idle->channel = channel;
    idle->idle_ns = idle_ns;
    idle->told = told;
    idle->finding = *finding;
    *(judge->idle_first ? &judge->idle_last->next : &judge->idle_first) = idle;
    judge->idle_last = idle;
}

void rpch_idle_closed(struct judge *judge, const struct event *event)
{
    const struct channel *channel = event->rpch.channel;
    const struct leg *leg = event->rpch.leg;
    const struct server *server = channel_tcp(channel)->server;
    const int64_t idle_ns = event->rpch.end.idle_ns;
    /* That it was to be replaced, and what was announced, comes on the other half, too. */
    struct evidence *evidence = evidence_leg(judge, leg);
    if (!leg_other(channel)) {
        evidence_add_lacking(evidence, channel_tcp(channel));
    }
    struct finding finding = finding_begin(judge, V_IDLE_CLOSED, event->when, about_leg(judge, leg), evidence);
    if (!finding.begun) {
        return;
    }
    /* At once, if no other connection is left that could show that the server is gone. */
    const bool at_once = others_open(server, leg) == 0 && !gone_may_be(judge, server, leg, event->when);
    if (at_once) {
        tell_idle(&finding, channel, event->when, idle_ns);
    }
    wait_a_second(judge, &finding, channel, idle_ns, at_once);
}

/* ---- Hindsight -------------------------------------------------------------------------- */

/* A second later: whose doing it was shows better, or that it was an idle time-out. */
static void look_again(struct judge *judge, struct idle_end *idle, struct when now)
{
    struct finding *finding = &idle->finding;
    const struct channel *channel = idle->channel;
    const struct leg *leg = channel->leg;
    const struct when at = finding->when;
    if (!leg) {
        return;
    }
    if (idle->told) {
        const struct idle_time *time = idle_time_of(channel, at);
        if (time) {
            place_anew(judge, time, now);
        }
    } else if (!gone_told_since(channel_tcp(channel)->server, at.frame) && !leg_told(leg, V_IDLE_CLOSED)) {
        finding->when = now;
        finding->subject = about_leg(judge, leg); /* a further attempt may have begun */
        tell_idle(finding, channel, at, idle->idle_ns);
    }
}

void rpch_hindsight(struct judge *judge, const struct event *event)
{
    while (judge->idle_first) {
        struct idle_end *idle = judge->idle_first;
        const int64_t since = event->when.ns - idle->finding.when.ns;
        if (since <= judge->limits.gone_window && since >= 0) {
            return;
        }
        judge->idle_first = idle->next;
        look_again(judge, idle, event->when);
        arena_give_back(&judge->arena, idle, sizeof(*idle));
    }
}
