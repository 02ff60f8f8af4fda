/* report_fold.c
 * Makes one finding of all that one cause did, and counts what is healthy.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "report_private.h"

#include <stdlib.h>

#define FRAMES_KEPT 1000 /* of one finding */

/* ---- Which belong together ----------------------------------------------------------------- */

/* A server that is gone takes connections and sessions with it, and a torn handshake logon and connection: that is one
 * finding. */
static unsigned noun_class(const struct part *part)
{
    return part->verdict.kind == V_SERVER_GONE || part->verdict.kind == V_NTLM_TORN ? 0 : (unsigned)part->noun + 1;
}

#define COMPARE(one, other)              \
    if ((one) != (other)) {              \
        return (one) < (other) ? -1 : 1; \
    }

/* By what is told of them; 0: the same cause. */
static int compare_causes(const struct member *a, const struct member *b)
{
    const struct part *one = a->gravest, *other = b->gravest;
    const bool fails = part_failed(one), other_fails = part_failed(other);
    COMPARE(!fails, !other_fails)
    COMPARE(headline_rank(one->verdict.kind), headline_rank(other->verdict.kind))
    COMPARE(noun_class(one), noun_class(other))
    COMPARE(one->verdict.where, other->verdict.where)
    COMPARE(a->cause, b->cause)
    return 0;
}

static int by_cause(const void *a, const void *b)
{
    const struct member *one = a, *other = b;
    const int causes = compare_causes(one, other);
    if (causes) {
        return causes;
    }
    COMPARE(one->gravest->noun, other->gravest->noun)
    COMPARE(one->gravest->number, other->gravest->number)
    return 0;
}

/* Failures first, then what explains most, then what struck most; then the earliest. */
static int by_gravity(const void *a, const void *b)
{
    const struct finding_group *one = a, *other = b;
    COMPARE(!one->failed, !other->failed)
    COMPARE(headline_rank(one->first->verdict.kind), headline_rank(other->first->verdict.kind))
    COMPARE(other->count, one->count)
    COMPARE(one->first->when, other->first->when)
    COMPARE(one->first->number, other->first->number)
    return 0;
}

/* ---- What is said of them ------------------------------------------------------------------ */

static void say_user(struct out *text, const struct part *part, const char *client)
{
    if (part->user[0]) {
        out_text(text, part->user);
        out_text(text, client[0] ? " at " : "");
    }
    out_text(text, client[0] ? client : part->user[0] ? "" : "client unknown");
}

/* User and client: of the leg seen first, for behind a device its own address is the client's. */
static const char *who_only_text(const struct report *report, const struct member *member)
{
    struct out text = { .arena = report->arena };
    say_user(&text, member->parts, address_text(report, &member->parts->client, false));
    return out_string(&text);
}

/* The same with target and program. */
static const char *who_text(const struct member *member, const struct arena *arena, const char *who_only)
{
    const struct part *part = member->parts;
    struct out text = { .arena = arena };
    out_text(&text, who_only);
    if (part->whom[0]) {
        out_text(&text, " -> ");
        out_text(&text, part->whom);
    }
    if (part->application[0]) {
        out_text(&text, " (");
        out_text(&text, part->application);
        out_text(&text, ")");
    }
    return out_string(&text);
}

/* The servers of IN and OUT in one order: a device that sends A to one and B to another swaps them for the next user. */
static const char *servers_text(const struct report *report, const struct part *part)
{
    const char *one = address_text(report, &part->server[0], true);
    const char *other = address_text(report, &part->server[1], true);
    if (!one[0] || !other[0] || strcmp(one, other) == 0) {
        return one[0] ? one : other;
    }
    const bool swap = strcmp(one, other) > 0;
    struct out text = { .arena = report->arena };
    out_say(&text, "%s and %s", swap ? other : one, swap ? one : other);
    return out_string(&text);
}

/* Short names and full ones, in whatever case, are one target. */
static bool same_whom(const char *one, const char *other)
{
    while (*one && *other && (*one | 32) == (*other | 32)) {
        one++;
        other++;
    }
    return *one == *other;
}

static void count_way(const struct report *report, struct finding_group *group, const struct part *part)
{
    const char *servers = servers_text(report, part);
    const char *whom = part->noun == OF_SESSION ? "" : part->whom; /* a mailbox is no place that a session is sent to */
    for (uint32_t i = 0; i < group->way_count; i++) {
        if (strcmp(group->ways[i].servers, servers) == 0 && same_whom(group->ways[i].whom, whom)) {
            group->ways[i].count++;
            return;
        }
    }
    if (group->way_count == PAIRS_KEPT) {
        group->more_ways = true;
        return;
    }
    group->ways[group->way_count++] = (struct way_taken){ servers, whom, 1 };
}

static int by_number(const void *a, const void *b)
{
    const uint32_t one = *(const uint32_t *)a, other = *(const uint32_t *)b;
    return one < other ? -1 : one > other;
}

static void take_frames(const struct report *report, struct finding_group *group)
{
    uint32_t count = 0;
    group->frames = arena_new(report->arena, group->count * sizeof(*group->frames));
    for (uint32_t i = 0; i < group->count; i++) {
        const uint32_t frame = group->members[i].gravest->verdict.frame;
        if (frame) {
            group->frames[count++] = frame;
        }
    }
    if (count > 1) {
        qsort(group->frames, count, sizeof(*group->frames), by_number);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (group->frame_count == 0 || group->frames[group->frame_count - 1] != group->frames[i]) {
            group->frames[group->frame_count++] = group->frames[i];
        }
    }
    group->frame_count = group->frame_count < FRAMES_KEPT ? group->frame_count : FRAMES_KEPT;
}

static void take_also(const struct report *report, struct finding_group *group, const struct member *member)
{
    const struct part *part = member->gravest;
    uint32_t count;
    for (int kind = 0; kind < VERDICT_KINDS; kind++) {
        group->also[kind] += part->besides >> kind & 1;
    }
    if (part->noun != OF_CONNECTION && part->noun != OF_SESSION) {
        return;
    }
    const struct told *told = report_told(report, part->noun, part->number, &count);
    for (uint32_t i = 0; i < count; i++) {
        group->also[told[i].verdict->kind]++;
    }
}

static void take_member(const struct report *report, struct finding_group *group, const struct member *member)
{
    const struct arena *arena = report->arena;
    const struct part *part = member->gravest;
    const uint32_t known = group->who.count;
    const char *who = who_only_text(report, member);
    names_add(arena, &group->who_only, who);
    names_add(arena, &group->who, who_text(member, arena, who));
    /* A user who is refused three times is one logon. */
    group->of[part->noun] += part->noun != OF_LOGON || group->who.count > known;
    names_add(arena, &group->users, member->parts->user);
    names_add(arena, &group->clients, address_text(report, &member->parts->client, false));
    names_add(arena, &group->whom, member->parts->whom);
    for (unsigned i = 0; i < 2; i++) {
        names_add(arena, &group->servers, address_text(report, &part->server[i], true));
    }
    for (uint32_t i = 0; i < member->count; i++) {
        names_add(arena, &group->ids, member->parts[i].request_id);
    }
    group->restarted |= part->restarted;
    if (part->noun != OF_LOGON || group->of[OF_CONNECTION] == 0) { /* else they went with those connections */
        count_way(report, group, part);
    }
    take_also(report, group, member);
    if (!group->first || part->when < group->first->when) {
        group->first = part;
    }
}

static void add_group(struct report *report, const struct member *members, uint32_t count)
{
    if (report->group_count == report->group_room) {
        report->groups = arena_grow(report->arena, report->groups, &report->group_room, 8, sizeof(*report->groups));
    }
    struct finding_group *group = &report->groups[report->group_count++];
    memset(group, 0, sizeof(*group));
    group->members = members;
    group->count = count;
    for (uint32_t i = 0; i < count; i++) {
        take_member(report, group, &members[i]);
    }
    group->failed = part_failed(group->first);
    group->also[group->first->verdict.kind] = 0;
    take_frames(report, group);
    filter_group(report, group);
}

/* ---- What is not wrong --------------------------------------------------------------------- */

static void take_good(struct report *report, const struct member *member)
{
    const enum noun noun = member->gravest->noun;
    if (noun != OF_CONNECTION && noun != OF_SESSION) {
        return;
    }
    if (member_doubt(member)) {
        report->unclear[noun]++;
        return;
    }
    report->healthy[noun]++;
    const struct part *part = member->parts;
    names_add(report->arena, &report->healthy_users[noun],
              part->user[0] ? part->user : address_text(report, &part->client, false));
    bool across = false;
    for (uint32_t i = 0; i < member->count; i++) {
        across |= part[i].verdict.kind == V_PROXIES_DIFFER || part[i].verdict.kind == V_JOINED_ACROSS_PROXIES;
    }
    report->across += across;
}

/* Good ones last, in their order. */
static int good_last(const void *a, const void *b)
{
    const struct member *one = a, *other = b;
    const bool good = part_is_good(one->gravest), other_good = part_is_good(other->gravest);
    COMPARE(good, other_good)
    if (!good) {
        return by_cause(a, b);
    }
    COMPARE(one->gravest->noun, other->gravest->noun)
    COMPARE(one->gravest->number, other->gravest->number)
    return 0;
}

void report_fold(struct report *report)
{
    struct member *members = report->members;
    if (report->member_count > 1) {
        qsort(members, report->member_count, sizeof(*members), good_last);
    }
    uint32_t at = 0;
    while (at < report->member_count) {
        uint32_t end = at + 1;
        report->total[members[at].gravest->noun]++;
        if (part_is_good(members[at].gravest)) {
            take_good(report, &members[at]);
            at = end;
            continue;
        }
        while (end < report->member_count && !part_is_good(members[end].gravest) &&
               compare_causes(&members[at], &members[end]) == 0) {
            report->total[members[end].gravest->noun]++;
            end++;
        }
        add_group(report, members + at, end - at);
        at = end;
    }
    if (report->group_count > 1) {
        qsort(report->groups, report->group_count, sizeof(*report->groups), by_gravity);
    }
}
