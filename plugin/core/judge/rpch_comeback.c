/* rpch_comeback.c
 * Clients that come back: after the server's end closed what was open, or after what did not open.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "blame.h"

/* Of one client that asks for the same target. */
static struct comeback *comeback_of(struct judge *judge, const struct channel *channel, bool make)
{
    if (!channel->place) {
        return NULL;
    }
    struct comebacks *all = make ? memo_in(judge, &channel->place->memo, sizeof(*all)) : channel->place->memo;
    if (!all) {
        return NULL;
    }
    const char *session = channel->more ? channel->more->outlook_session : NULL;
    for (unsigned i = 0; i < COMEBACKS; i++) {
        struct comeback *one = &all->of[i];
        if (one->used && (session || one->session ? one->session == session : one->user == channel->user)) {
            return one;
        }
    }
    if (!make) {
        return NULL;
    }
    struct comeback *one = &all->of[all->next++ % COMEBACKS];
    *one = (struct comeback){ .used = true, .session = session, .user = channel->user };
    return one;
}

/* ---- Again and again --------------------------------------------------------------------- */

void rpch_comeback_ended(struct judge *judge, const struct event *event)
{
    const struct channel *channel = event->rpch.channel;
    const struct leg *leg = event->rpch.leg;
    if (!leg || !event->rpch.end.was_open || channel->v1 || !blame_server_ended(channel) ||
        leg->recycling[channel->role] || event->rpch.end.idle_ns >= judge->limits.idle_least) {
        return;
    }
    if (leg_is_released(leg)) {
        return; /* the client had ended its session, and needed it no longer */
    }
    if (leg->prev && leg_behind(leg->prev) == leg) {
        return; /* who comes back there shows before the device, which all clients come from here */
    }
    struct comeback *one = comeback_of(judge, channel, true);
    /* Connections side by side are not one that comes back. */
    if (one && leg->start.frame >= one->asked_frame) {
        one->leg = leg;
        one->channel = channel;
        one->ended = event->when;
    }
}

/* By the clock of the other half; where that was not captured, nothing shows that the channel ended after it had begun. */
static bool is_timeless(const struct channel *channel)
{
    const struct leg *leg = channel->leg;
    return leg->skewed || (!leg->current[!channel->role] && !leg_before(leg, !channel->role));
}

/* beside: the channel that ended before or after this one, with which it is no single end. */
static void tell_comeback(struct judge *judge, const struct comeback *one, const struct channel *ended, struct when at,
                          const struct channel *beside, struct when when)
{
    const struct leg *leg = ended == one->channel ? one->leg : ended->leg;
    struct evidence *evidence = evidence_channel(judge, ended);
    evidence_add(evidence, channel_tcp(beside), 0);
    evidence->clocks |= is_timeless(one->channel) || is_timeless(one->before);
    struct finding finding = finding_begin(judge, V_CHANNEL_CUT, when, about_leg(judge, leg), evidence);
    if (!finding.begun) {
        return;
    }
    const struct blame blame = blame_cut(leg, ended, at);
    say(&finding.text,
        "Seen: %s was open, the server's end sent %s in frame %u, and the client asks for %s again %s later, %u times "
        "in a row",
        CHANNEL(ended), END_NAME(ended->conn->link), at.frame, ended->target ? ended->target : "the same server",
        SECONDS(when.ns - at.ns), one->count);
    say(&finding.text, "; inferred: %s; next: " CUT_LOGS, blame.why);
    finding.hop = blame.hop;
    tell_by(&finding, blame.where, blame.seen);
}

static bool shows_end(const struct channel *channel)
{
    return conn_whole(channel) && !is_timeless(channel);
}

void rpch_asked(struct judge *judge, const struct event *event)
{
    struct comeback *one = comeback_of(judge, event->rpch.channel, false);
    if (!one || !one->ended.frame) {
        return;
    }
    const struct when at = one->ended;
    one->ended.frame = 0;
    if (event->when.ns - at.ns > judge->limits.comeback_wait || event->when.ns < at.ns) {
        one->count = 0;
        return;
    }
    one->asked_frame = event->when.frame;
    one->count++;
    if (one->count == 2) {
        tell_comeback(judge, one, one->before, one->before_ended, one->channel, event->when);
    }
    if (one->count >= 2) {
        tell_comeback(judge, one, one->channel, at, one->before, event->when);
    }
    if (one->count >= 2 && !(shows_end(one->channel) && shows_end(one->before))) {
        one->count = 1; /* whose doing one of both ends was is not known */
    }
    one->before = one->channel;
    one->before_ended = at;
}

/* ---- With success --------------------------------------------------------------------- */

/* Its first channel that names an OutlookSession; NULL: none does. */
static const struct channel *with_session(const struct leg *leg)
{
    for (int role = ROLE_IN; role <= ROLE_OUT; role++) {
        const struct channel *channel = leg->current[role];
        if (channel && channel->more && channel->more->outlook_session) {
            return channel;
        }
    }
    return NULL;
}

void rpch_not_opened(struct judge *judge, const struct leg *leg)
{
    const struct channel *channel = leg ? with_session(leg) : NULL;
    struct comeback *one = channel ? comeback_of(judge, channel, true) : NULL;
    struct leg_memo *memo = one ? memo_in(judge, &leg->memo, sizeof(*memo)) : NULL;
    if (memo && !memo->unopened) {
        memo->unopened = true;
        memo->older_unopened = one->unopened;
        one->unopened = leg;
    }
}

const struct leg *rpch_opened_instead(struct judge *judge, const struct leg *leg)
{
    const struct channel *channel = with_session(leg);
    struct comeback *one = channel ? comeback_of(judge, channel, false) : NULL;
    const struct leg *found = one ? one->unopened : NULL;
    if (found) {
        struct leg_memo *memo = found->memo;
        one->unopened = memo->older_unopened;
        memo->unopened = false;
    }
    return found;
}
