/* blame.c
 * Who ended a channel, and whose doing that was.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "blame.h"

#include <stdio.h>

#define FOREIGN_RST "the RST is not the server's own, %s: a device at or before %s wrote it"
#define SERVER_BEFORE SECOND         /* a device passes on an end of the server's within that */
#define TIMEOUT_WITHIN (SECOND / 2)  /* the way of the packets */
#define RECYCLE_WINDOW (90 * SECOND) /* IIS gives a worker process that long to shut down (shutdownTimeLimit) */

int64_t channel_interval(const struct channel *channel)
{
    const struct leg *leg = channel->leg;
    if (!leg) {
        return 0;
    }
    const uint32_t own = leg->timeout_ms[channel->role], other = leg->timeout_ms[!channel->role];
    return (own ? own : other ? other : leg->keepalive_ms) * MILLISECOND;
}

bool blame_client_gone(const struct channel *channel)
{
    const struct conn *link = channel_tcp(channel);
    const struct channel *other = leg_other(channel);
    return link->gave_up || (other && conn_client_gone(channel_tcp(other), link->ended_ns));
}

bool blame_server_ended(const struct channel *channel)
{
    const struct conn *link = channel->conn->link;
    return link->ended_by == WAY_TO_CLIENT && conn_ended_by(link, WAY_TO_CLIENT) &&
           !link->tcp.half[WAY_TO_SERVER].ended && !channel->seen_eof && !channel->refused &&
           !channel->conn->went_silent && !blame_client_gone(channel);
}

/* The connection of that role, NULL without the leg or the channel. */
static const struct conn *link_of(const struct leg *leg, enum role role)
{
    return leg && leg->current[role] ? channel_tcp(leg->current[role]) : NULL;
}

struct unread blame_unread(const struct judge *judge, const struct leg *leg)
{
    const struct leg *before = leg ? leg->prev : NULL, *behind = leg ? leg_behind(leg) : NULL;
    const struct conn *out = link_of(leg, ROLE_OUT), *in = link_of(leg, ROLE_IN), *in_behind = link_of(behind, ROLE_IN);
    struct unread unread =
        unread_by_client(judge, out, before || (leg && leg_is_forwarded(leg)), link_of(before, ROLE_OUT));
    if (!unread.link) {
        unread = unread_by_client(judge, link_of(behind, ROLE_OUT), true, out);
    }
    if (!unread.link) {
        unread = unread_by_server(judge, in, in_behind, before != NULL);
    }
    return unread.link ? unread : unread_by_server(judge, in_behind, NULL, true);
}

static struct blame blame_of(enum verdict_where where, bool seen, const char *why)
{
    struct blame blame = { .where = where, .seen = seen };
    snprintf(blame.why, sizeof(blame.why), "%s", why);
    return blame;
}

/* The channel of the leg whose connection ended first, NULL if none has. */
static const struct conn *first_ended(const struct leg *leg)
{
    const struct conn *first = NULL;
    for (int role = ROLE_IN; role <= ROLE_OUT; role++) {
        const struct conn *link = leg->current[role] ? leg->current[role]->conn->link : NULL;
        if (link && link->ended && (!first || link->ended_frame < first->ended_frame)) {
            first = link;
        }
    }
    return first;
}

bool blame_device_ended(const struct channel *channel)
{
    const struct leg *behind = channel->leg ? leg_behind(channel->leg) : NULL;
    const struct channel *same = behind && leg_whole(behind) ? behind->current[channel->role] : NULL;
    return same && first_ended(behind) == same->conn->link && conn_ended_by(same->conn->link, WAY_TO_SERVER);
}

/* By what the leg behind did. False: it does not tell. */
static bool by_leg_behind(struct blame *blame, const struct leg *leg, const struct channel *channel, struct when now)
{
    const struct leg *behind = leg_behind(leg);
    blame->hop = leg_link(behind);
    if (!behind || !leg_whole(behind) || !legs_compare(leg, behind)) {
        return false;
    }
    const char *device = PEER(channel);
    const struct conn *first = first_ended(behind);
    if (!behind->current[ROLE_IN] || !behind->current[ROLE_OUT]) {
        const bool in = channel->role == ROLE_IN;
        if (behind->current[channel->role] || leg_coming(behind, channel->role) || first) {
            return false;
        }
        blame->where = WHERE_DEVICE;
        snprintf(blame->why, sizeof(blame->why),
                 "the device at %s ended %s itself, for leg %u behind it has %s and no %s; or it went to a server "
                 "outside the capture",
                 device, in ? "IN" : "OUT", behind->number, in ? "OUT" : "IN", in ? "IN" : "OUT");
        return true;
    }
    if (!first) {
        blame->where = WHERE_DEVICE;
        blame->seen = true;
        snprintf(blame->why, sizeof(blame->why),
                 "the device at %s ended it itself: on leg %u behind it both channels "
                 "were still open",
                 device, behind->number);
        return true;
    }
    if (conn_ended_by(first, WAY_TO_SERVER)) {
        blame->where = WHERE_DEVICE;
        blame->seen = true;
        snprintf(blame->why, sizeof(blame->why),
                 "the device at %s ended it itself: on leg %u behind it its own side "
                 "closed first, in frame %u",
                 device, behind->number, first->ended_frame);
        return true;
    }
    char text[FOREIGN_TEXT_MAX];
    const char *foreign = conn_foreign_rst(first, WAY_TO_CLIENT, text);
    if (foreign) {
        blame->where = WHERE_DEVICE;
        snprintf(
            blame->why, sizeof(blame->why),
            "leg %u behind the device at %s was ended in frame %u by %s, which is not its server's own, %s: another device "
            "wrote it",
            behind->number, device, first->ended_frame, END_NAME(first), foreign);
        return true;
    }
    if (now.ns - first->end[WAY_TO_CLIENT].when.ns <= SERVER_BEFORE) {
        blame->where = WHERE_SERVER;
        blame->seen = true;
        snprintf(blame->why, sizeof(blame->why),
                 "the server closed first on leg %u behind the device at %s, in frame %u", behind->number, device,
                 first->ended_frame);
        return true;
    }
    return false;
}

/* Where the leg behind might tell, and was not captured whole. */
static struct blame with_gap(struct blame blame, const struct leg *leg)
{
    const struct leg *behind = leg ? leg_behind(leg) : NULL;
    if (blame.where == WHERE_UNKNOWN && behind && !leg_whole(behind)) {
        const size_t used = strlen(blame.why);
        snprintf(blame.why + used, sizeof(blame.why) - used,
                 "; leg %u behind it, which might tell, was not captured whole", behind->number);
    }
    return blame;
}

struct blame blame_cut(const struct leg *leg, const struct channel *channel, struct when now)
{
    struct blame blame = { .where = WHERE_UNKNOWN };
    char text[FOREIGN_TEXT_MAX];
    if (by_leg_behind(&blame, leg, channel, now)) {
        return blame;
    }
    const char *foreign = conn_foreign_rst(channel->conn->link, WAY_TO_CLIENT, text);
    if (foreign) {
        blame.where = WHERE_DEVICE;
        snprintf(blame.why, sizeof(blame.why), FOREIGN_RST, foreign, PEER(channel));
        return blame;
    }
    snprintf(blame.why, sizeof(blame.why), "a device at or before %s cut it, or the server failed", PEER(channel));
    return with_gap(blame, leg);
}

/* ---- Idle time -------------------------------------------------------------------------- */

static bool is_common_timeout(int64_t idle)
{
    static const uint16_t common[] = { 30, 50, 60, 90, 100, 120, 180, 240, 300, 350, 600, 900, 1800, 3600 };
    for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++) {
        const int64_t off = idle - common[i] * SECOND;
        if (off <= TIMEOUT_WITHIN && off >= -TIMEOUT_WITHIN) {
            return true;
        }
    }
    return false;
}

static bool equal_idle(const struct judge *judge, int64_t a, int64_t b)
{
    return a - b <= judge->limits.idle_alike && b - a <= judge->limits.idle_alike;
}

enum alike { ALIKE_NONE, ALIKE_ONE, ALIKE_NOT };

/* The idle times after which the same server ended other virtual connections about then: none, one equal to this, or
 * one that differs. */
static enum alike others_alike(const struct judge *judge, const struct channel *channel, int64_t idle_ns,
                               struct when at)
{
    const struct idle_times *times = channel_tcp(channel)->server->idle_memo;
    enum alike alike = ALIKE_NONE;
    for (unsigned i = 0; times && i < IDLE_ENDS; i++) {
        const struct idle_time *other = &times->of[i];
        const int64_t apart = at.ns - other->when.ns;
        if (!other->when.frame || other->vc == channel->leg->vc) {
            continue;
        }
        if (equal_idle(judge, other->idle_ns, idle_ns)) {
            alike = ALIKE_ONE;
        } else if (apart <= RECYCLE_WINDOW && apart >= -RECYCLE_WINDOW) {
            return ALIKE_NOT;
        }
    }
    return alike;
}

struct blame blame_idle(const struct judge *judge, const struct channel *channel, int64_t idle_ns, struct when at,
                        enum half other)
{
    struct blame blame = { .where = WHERE_UNKNOWN };
    if (by_leg_behind(&blame, channel->leg, channel, at)) {
        if (blame.where == WHERE_DEVICE) {
            return blame;
        }
        /* A device passes the end on: what speaks of a timer are the times of those who closed first. */
        channel = leg_behind(channel->leg)->current[channel->role];
    }
    char text[FOREIGN_TEXT_MAX];
    const char *foreign = conn_foreign_rst(channel_tcp(channel), WAY_TO_CLIENT, text);
    if (foreign) {
        blame.where = WHERE_DEVICE;
        snprintf(blame.why, sizeof(blame.why), FOREIGN_RST, foreign, PEER(channel));
        return blame;
    }
    switch (others_alike(judge, channel, idle_ns, at)) {
    case ALIKE_NOT:
        return blame_of(WHERE_UNKNOWN, false,
                        "a worker process that was recycled, or a device: its other ends of late came after other "
                        "idle times");
    case ALIKE_ONE:
        return blame_of(
            WHERE_DEVICE, false,
            "a device between with a shorter idle time-out: another connection ended after the same idle time");
    case ALIKE_NONE:
        break;
    }
    if (is_common_timeout(idle_ns)) {
        return blame_of(WHERE_DEVICE, false,
                        "a device between with a shorter idle time-out, which this time is usual for");
    }
    if (other == HALF_STAYED) {
        return blame_of(WHERE_DEVICE, false,
                        "a device between with a shorter idle time-out: a server that stops ends both channels");
    }
    return with_gap(
        blame_of(WHERE_UNKNOWN, false,
                 other == HALF_ENDED ?
                     "a device between with a shorter idle time-out, or a worker process that was recycled" :
                     "a device between with a shorter idle time-out, or, if the other half ends within a second, "
                     "too, a worker process that was recycled"),
        channel->leg);
}

struct blame blame_silence(const struct channel *channel, enum way way, int64_t idle_ns)
{
    const int64_t interval = channel_interval(channel);
    if (way == WAY_TO_CLIENT) {
        return blame_of(WHERE_UNKNOWN, false,
                        "the client is gone without a word, asleep or off the network, or a device between forgot the "
                        "connection");
    }
    if (interval && idle_ns > interval) {
        return blame_of(WHERE_UNKNOWN, false,
                        "the connection was idle for longer than was announced: either end, or a device between, may "
                        "have forgotten it");
    }
    const struct conn *link = channel_tcp(channel);
    const struct lost_syn *syn = lost_syn_of(channel->conn->world, link, channel->conn->last_data);
    if (syn && syn->count >= 2) {
        struct blame blame = { .where = WHERE_UNKNOWN };
        snprintf(
            blame.why, sizeof(blame.why),
            "nothing at %s took the client's SYN in frame %u either: its network, or that place, is gone, or a device "
            "between forgot the connection",
            SERVER_OF(channel->conn), syn->first.frame);
        return blame;
    }
    return blame_of(WHERE_DEVICE, false,
                    "a firewall, NAT or balancer between forgot the connection without telling either end");
}

/* ---- The other half that does not come ------------------------------------------------------ */

struct blame blame_alone(const struct channel *channel)
{
    const struct conn *link = channel->conn->link;
    const char *missing = channel->role == ROLE_IN ? "OUT" : "IN";
    const struct rpch_state *world = channel->conn->world;
    const struct lost_syn *syn = lost_syn_of(world, link, channel_start(channel));
    const struct leg *before = channel->leg ? channel->leg->prev : NULL;
    struct blame blame = { .where = WHERE_UNKNOWN };
    char text[FOREIGN_TEXT_MAX];
    if (before && before->hop == RTS_HOP_HTTP && before->current[!channel->role]) {
        blame.where = WHERE_DEVICE;
        snprintf(blame.why, sizeof(blame.why),
                 "the device at %s did not pass %s on, which leg %u has, or passed it on where nothing was captured",
                 PEER(before->current[!channel->role]), missing, before->number);
    } else if (syn) {
        snprintf(
            blame.why, sizeof(blame.why),
            "%s could not be opened: nothing at %s took the client's SYN in frame %u, sent %u times, or its answer "
            "was lost on a device between",
            missing, SERVER_OF(channel->conn), syn->first.frame, syn->count);
    } else if (link->ended && conn_foreign_rst(link, WAY_TO_SERVER, text)) {
        blame.where = WHERE_DEVICE;
        snprintf(blame.why, sizeof(blame.why),
                 "the RST is not the client's own, %s: a device at %s or between wrote it, before %s came here", text,
                 ENDPOINT(&link->client), missing);
    } else if (link->ended && conn_ended_by(link, WAY_TO_SERVER) && !world->syns_lost &&
               (channel->role == ROLE_IN || channel->got_status) && !before && !channel_is_forwarded(channel)) {
        blame.where = WHERE_CLIENT;
        snprintf(blame.why, sizeof(blame.why),
                 "the client gave up before it opened %s, or %s took a path that was not captured", missing, missing);
    } else {
        snprintf(blame.why, sizeof(blame.why),
                 "%s was not opened, was stopped on its way, or took a path that was not captured", missing);
    }
    return blame;
}
