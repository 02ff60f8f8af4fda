/* rpch.c
 * What the rules for virtual connections share: whom a finding is about, what it rests on,
 * and words.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "rpch.h"

#include "clocks.h"

#include <stdio.h>

/* ---- Subjects ----------------------------------------------------------------------- */

static struct leg_memo *leg_memo(struct judge *judge, const struct leg *leg)
{
    return memo_in(judge, &leg->memo, sizeof(struct leg_memo));
}

struct attempt_memo *attempt_memo(struct judge *judge, const struct leg *leg)
{
    if (!leg->attempt_memo) {
        leg_memo(judge, leg)->result.withheld = false;
    }
    struct attempt_memo *memo = memo_in(judge, &leg->attempt_memo, sizeof(*memo));
    memo->once.of = memo->late[ROLE_IN].of = memo->late[ROLE_OUT].of = ONCE_A_LEG;
    return memo;
}

struct subject about_leg(struct judge *judge, const struct leg *leg)
{
    struct subject subject = about_nothing(ABOUT_CONNECTION);
    if (leg) {
        subject.once = &attempt_memo(judge, leg)->once;
        subject.result = &leg_memo(judge, leg)->result;
        subject.vc = leg->vc->number;
        subject.leg = leg->number;
        subject.row = leg->row;
    }
    return subject;
}

struct subject about_channel(struct judge *judge, const struct channel *channel)
{
    struct subject subject = about_leg(judge, channel->leg);
    subject.once = memo_once(judge, &channel->memo, ONCE_A_CHANNEL);
    return subject;
}

void leg_place(const struct leg *leg, enum verdict_kind kind, uint32_t frame, enum verdict_where where, bool seen)
{
    struct leg_memo *memo = leg->memo;
    struct result *result = memo ? &memo->result : NULL;
    if (!result || !result->told || result->verdict != kind || (frame && result->frame != frame) ||
        (result->where == where && result->where_seen == seen)) {
        return;
    }
    result->where = (uint8_t)where;
    result->where_seen = seen;
}

void leg_take_back(const struct leg *leg, enum verdict_kind kind, const char *why)
{
    struct leg_memo *memo = leg->memo;
    leg_place(leg, kind, 0, WHERE_UNKNOWN, false);
    if (memo && memo->result.told && memo->result.verdict == kind) {
        memo->result.taken_back = why;
    }
}

bool leg_told(const struct leg *leg, enum verdict_kind kind)
{
    return once_told(leg->attempt_memo, kind);
}

bool leg_cut_told(const struct leg *leg)
{
    return leg_told(leg, V_CHANNEL_CUT) || leg_told(leg, V_CHANNEL_CUT_NOTE);
}

bool late_told(const struct leg *leg, enum role role)
{
    const struct attempt_memo *memo = leg->attempt_memo;
    return memo && memo->late[role].told;
}

bool held_back_told(const struct leg *leg, enum role role)
{
    const struct leg *before = leg->prev;
    return role == ROLE_OUT ? late_told(leg, role) : before && leg_behind(before) == leg && late_told(before, role);
}

static bool is_unordered(const struct channel *channel)
{
    const struct conn *link = channel ? channel_tcp(channel) : NULL;
    return channel && clocks_unordered(link->track, &link->client, conn_server(link));
}

bool channel_is_forwarded(const struct channel *channel)
{
    const struct conn *link = channel ? channel_tcp(channel) : NULL;
    return channel && ((channel->more && channel->more->forwarded.family != 0) || is_unordered(channel) ||
                       clocks_behind(link->track, &link->client, conn_server(link)));
}

bool leg_is_unordered(const struct leg *leg)
{
    return is_unordered(leg->current[ROLE_IN]) || is_unordered(leg->current[ROLE_OUT]);
}

bool leg_is_forwarded(const struct leg *leg)
{
    return channel_is_forwarded(leg->current[ROLE_IN]) || channel_is_forwarded(leg->current[ROLE_OUT]);
}

/* ---- Evidence ------------------------------------------------------------------------ */

struct evidence *evidence_channel(struct judge *judge, const struct channel *channel)
{
    struct evidence *evidence = evidence_new(judge);
    evidence_add(evidence, channel->conn->link, 0);
    return evidence;
}

/* What has been awaited since then may have come over the channel that the present one took over from; of those before
 * that one nothing is kept. */
static void add_replaced(struct evidence *evidence, const struct leg *leg, enum role role, uint32_t since)
{
    const struct channel *channel = leg->current[role], *before = leg->turn ? leg->turn->replaced[role] : NULL;
    if (!since || !channel || !channel->is_successor || channel->request.frame <= since) {
        return;
    }
    if (!before || (before->is_successor && before->request.frame > since)) {
        evidence_add_lacking(evidence, channel_tcp(channel));
    } else {
        evidence_add(evidence, channel_tcp(before), since);
    }
}

struct evidence *evidence_leg_since(struct judge *judge, const struct leg *leg, uint32_t since)
{
    struct evidence *evidence = evidence_new(judge);
    for (int role = ROLE_IN; role <= ROLE_OUT; role++) {
        evidence_add(evidence, leg->current[role] ? leg->current[role]->conn->link : NULL, since);
        add_replaced(evidence, leg, (enum role)role, since);
    }
    evidence->clocks |= leg->skewed;
    return evidence;
}

struct evidence *evidence_leg(struct judge *judge, const struct leg *leg)
{
    return evidence_leg_since(judge, leg, 0);
}

struct finding begin_quietly(struct judge *judge, enum verdict_kind kind, struct when when, struct subject subject,
                             const struct evidence *evidence)
{
    struct result *result = subject.result;
    subject.result = NULL;
    struct finding finding = finding_begin(judge, kind, when, subject, evidence);
    finding.subject.result = result;
    return finding;
}

/* ---- Words --------------------------------------------------------------------------- */

const char *channel_text(char to[PIECE_MAX], const struct channel *channel)
{
    const char *name = channel->v1              ? "RPC_CONNECT" :
                       channel->is_echo         ? "an echo request" :
                       channel->role == ROLE_IN ? "IN" :
                                                  "OUT";
    const uint32_t frame = channel_frame(channel);
    const uint32_t stream = channel->conn->link->stream;
    if (frame) {
        snprintf(to, PIECE_MAX, "%s to %s (stream %u, frame %u)", name, PEER(channel), stream, frame);
    } else {
        snprintf(to, PIECE_MAX, "%s to %s (stream %u)", name, PEER(channel), stream);
    }
    return to;
}

void say_channel(struct text *text, const struct channel *channel)
{
    say(text, "Seen: %s", CHANNEL(channel));
    if (channel->target) {
        say(text, " for %s", channel->target);
    }
}

bool legs_compare(const struct leg *front, const struct leg *back)
{
    for (int role = ROLE_IN; role <= ROLE_OUT; role++) {
        const struct channel *before = front->current[role], *behind = back->current[role];
        if (before && behind && clocks_differ(channel_tcp(before), channel_tcp(behind))) {
            return false;
        }
    }
    return true;
}

const struct conn *leg_link(const struct leg *leg)
{
    const struct channel *channel = leg && leg->current[ROLE_OUT] ? leg->current[ROLE_OUT] :
                                    leg                           ? leg->current[ROLE_IN] :
                                                                    NULL;
    return channel ? channel_tcp(channel) : NULL;
}

const struct endpoint *device_before(const struct leg *leg)
{
    const struct leg *before = leg->prev;
    if (!before || before->hop != RTS_HOP_HTTP || leg->hop != RTS_HOP_HTTP || !before->current[ROLE_IN] ||
        !before->current[ROLE_OUT]) {
        return NULL;
    }
    const struct endpoint *in = conn_server(before->current[ROLE_IN]->conn->link);
    return !leg_is_unordered(before) && endpoint_equal(in, conn_server(before->current[ROLE_OUT]->conn->link)) ? in :
                                                                                                                 NULL;
}
