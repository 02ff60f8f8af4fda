/* rpch.c
 * What the rules for virtual connections share: whom a finding is about, what it rests on,
 * and words.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "rpch.h"

#include <stdio.h>

/* ---- Subjects ----------------------------------------------------------------------- */

static struct leg_memo *leg_memo(struct judge *judge, const struct leg *leg)
{
    void **memo = memo_of(&leg->memo);
    if (!*memo) {
        *memo = arena_new(&judge->arena, sizeof(struct leg_memo));
    }
    return *memo;
}

struct attempt_memo *attempt_memo(struct judge *judge, const struct leg *leg)
{
    void **memo = memo_of(&leg->attempt_memo);
    if (!*memo) {
        struct attempt_memo *made = arena_new(&judge->arena, sizeof(*made));
        made->once.of = made->late[ROLE_IN].of = made->late[ROLE_OUT].of = ONCE_A_LEG;
        leg_memo(judge, leg)->result.withheld = false;
        *memo = made;
    }
    return *memo;
}

struct subject about_leg(struct judge *judge, const struct leg *leg)
{
    struct subject subject = { .kind = ABOUT_CONNECTION, .vc = NO_NUMBER, .session = NO_NUMBER, .leg = NO_NUMBER };
    if (leg) {
        subject.once = &attempt_memo(judge, leg)->once;
        subject.result = &leg_memo(judge, leg)->result;
        subject.vc = leg->vc->number;
        subject.leg = leg->number;
    }
    return subject;
}

struct subject about_channel(struct judge *judge, const struct channel *channel)
{
    struct subject subject = about_leg(judge, channel->leg);
    void **memo = memo_of(&channel->memo);
    if (!*memo) {
        struct once_memo *made = arena_new(&judge->arena, sizeof(*made));
        made->once.of = ONCE_A_CHANNEL;
        *memo = made;
    }
    subject.once = &((struct once_memo *)*memo)->once;
    return subject;
}

bool leg_told(const struct leg *leg, enum verdict_kind kind)
{
    const struct attempt_memo *memo = leg->attempt_memo;
    return memo && memo->once.told >> kind & 1;
}

bool channel_told(const struct channel *channel, enum verdict_kind kind)
{
    const struct once_memo *memo = channel->memo;
    return memo && memo->once.told >> kind & 1;
}

bool late_told(const struct leg *leg, enum role role)
{
    const struct attempt_memo *memo = leg->attempt_memo;
    return memo && memo->late[role].told;
}

/* ---- Evidence ------------------------------------------------------------------------ */

struct evidence evidence_channel(const struct channel *channel)
{
    struct evidence evidence = { .count = 0 };
    evidence_add(&evidence, channel->conn->link, 0);
    return evidence;
}

struct evidence evidence_leg(const struct leg *leg)
{
    struct evidence evidence = { .count = 0 };
    for (int role = ROLE_IN; role <= ROLE_OUT; role++) {
        evidence_add(&evidence, leg->current[role] ? leg->current[role]->conn->link : NULL, 0);
    }
    return evidence;
}

bool begin_quietly(struct finding *finding, struct judge *judge, enum verdict_kind kind, struct when when,
                   const struct subject *subject, const struct evidence *evidence)
{
    struct subject quiet = *subject;
    quiet.result = NULL;
    bool begun = finding_begin(finding, judge, kind, when, &quiet, evidence);
    if (begun) {
        finding->subject = *subject;
    }
    return begun;
}

/* ---- Words --------------------------------------------------------------------------- */

const char *channel_text(char to[CHANNEL_TEXT_MAX], const struct channel *channel)
{
    const char *name = channel->v1 ? "RPC_CONNECT" : channel->role == ROLE_IN ? "IN" : "OUT";
    uint32_t stream = channel->conn->link->stream, frame = channel_frame(channel);
    if (frame) {
        snprintf(to, CHANNEL_TEXT_MAX, "%s to %s (stream %u, frame %u)", name, PEER(channel), stream, frame);
    } else {
        snprintf(to, CHANNEL_TEXT_MAX, "%s to %s (stream %u)", name, PEER(channel), stream);
    }
    return to;
}

const struct endpoint *device_before(const struct leg *leg)
{
    const struct leg *before = leg->prev;
    if (!before || before->hop != RTS_HOP_HTTP || leg->hop != RTS_HOP_HTTP) {
        return NULL;
    }
    const struct channel *in = before->current[ROLE_IN], *out = before->current[ROLE_OUT];
    if (!in || !out || !endpoint_equal(conn_server(in->conn->link), conn_server(out->conn->link))) {
        return NULL;
    }
    return conn_server(in->conn->link);
}
