/* connections.c
 * The report on virtual connections.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "connections.h"

#include "logon_state.h"
#include "rpch_memo.h"

#include <stdio.h>

/* Why absence proves nothing on this leg. */
static const char *doubt_text(const struct leg *leg)
{
    const char *why = NULL;
    for (int role = ROLE_IN; role <= ROLE_OUT && !why; role++) {
        const struct channel *channel = leg->current[role], *other = leg->current[!role];
        if (channel) {
            why = row_doubt(channel->conn->link, role == ROLE_IN ? "IN" : "OUT");
        } else if (other && other->rpc_seen && !other->v1) {
            why = role == ROLE_IN ? "IN: not captured, though calls flow" : "OUT: not captured, though calls flow";
        }
    }
    return why;
}

/* Channels over different proxies that work are no fault of anybody. */
static bool is_harmless(const struct leg *leg, const struct row_verdict *verdict)
{
    return leg->joined && verdict->severity <= V_NOTE &&
           (verdict->kind == V_PROXIES_DIFFER || verdict->kind == V_JOINED_ACROSS_PROXIES);
}

static void fill_half(struct half_row *row, const struct channel *channel)
{
    row->stream = NO_NUMBER;
    if (channel && !channel->v1) {
        row->peer = *conn_server(channel->conn->link);
        row->stream = channel->conn->link->stream;
        row->request_frame = channel->request.frame;
    }
}

static void fill_halves(struct leg_row *row, const struct leg *leg)
{
    const struct channel *in = leg->current[ROLE_IN], *out = leg->current[ROLE_OUT];
    const struct channel *first = !in ? out : !out ? in : channel_start(in) <= channel_start(out) ? in : out;
    fill_half(&row->in, in);
    fill_half(&row->out, out);
    if (first) {
        const struct channel *other = first == in ? out : in;
        row->client = first->conn->link->client;
        row->target = first->target;
        if (!row->target && other && !other->v1) {
            row->target = other->target;
        }
    }
}

static int64_t longest_idle(const struct leg *leg)
{
    int64_t longest = leg->longest_idle;
    for (int role = ROLE_IN; role <= ROLE_OUT; role++) {
        const struct channel *channel = leg->current[role];
        /* What came on the connection after its channel is no idle time of the leg. */
        if (channel && channel->conn->channel == channel && leg->current[!role] && leg->sent_at && channel->last_body) {
            int64_t since = channel->last_body > leg->sent_at ? channel->last_body : leg->sent_at;
            int64_t idle = channel->conn->last_ns - since;
            longest = idle > longest ? idle : longest;
        }
    }
    return longest;
}

/* Where the challenge that a channel of it left was answered after all; NULL if nowhere. */
static const struct logon_conn_more *answered_elsewhere(const struct leg *leg)
{
    for (int role = ROLE_IN; role <= ROLE_OUT; role++) {
        const struct channel *channel = leg->current[role];
        const struct logon_conn *logon = channel ? channel->conn->link->logon : NULL;
        if (logon && channel->challenge_frame && logon->more->answered_frame &&
            logon->more->type2_frame == channel->challenge_frame) {
            return logon->more;
        }
    }
    return NULL;
}

/* A challenge that was left, by the look of its connection, went on on another one: what became of it there counts. */
static void follow_challenge(const struct leg *leg, struct leg_row *row)
{
    const struct leg_memo *memo = leg->memo;
    const struct logon_conn_more *more =
        memo && memo->result.told && memo->result.left_challenge ? answered_elsewhere(leg) : NULL;
    if (!more) {
        return;
    }
    row->verdict.explained = more->answered_frame;
    if (more->answered_on->logon && logon_was_accepted(more->answered_on->logon)) {
        row->verdict = (struct row_verdict){ .kind = VERDICT_KINDS };
        row->opened = true;
    }
}

static struct row_verdict verdict_of(const struct leg *leg)
{
    const struct leg_memo *memo = leg->memo;
    struct row_verdict verdict = row_verdict(memo ? &memo->result : NULL);
    if (is_harmless(leg, &verdict)) {
        verdict.where = WHERE_NONE;
        verdict.seen = false;
    }
    const bool withheld = leg->attempt_memo && memo->result.withheld;
    const char *why = !leg->joined || withheld ? doubt_text(leg) : NULL;
    row_cannot_tell(&verdict, why || !withheld ? why : row_doubt_of(&memo->result));
    for (int role = ROLE_IN; role <= ROLE_OUT; role++) {
        const struct channel *channel = leg->current[role] ? leg->current[role] : leg_before(leg, role);
        if (channel) {
            row_doubt_order(&verdict, leg->vc->world->track, &channel_tcp(channel)->client,
                            conn_server(channel_tcp(channel)));
        }
    }
    return verdict;
}

uint32_t rpch_state_connections(const struct rpch_state *world)
{
    return world->vc_count;
}

uint32_t rpch_state_find_row(const struct rpch_state *world, uint32_t vc, uint32_t leg)
{
    /* Each connection before it has a row at least, and its further legs are added behind: it is rarely far. */
    for (uint32_t index = vc; index < world->rows.count; index++) {
        const struct leg *one = rows_at(&world->rows, index);
        if (one->vc->number == vc && one->number == leg) {
            return index;
        }
    }
    return NO_NUMBER;
}

uint32_t rpch_state_row_of(const struct channel *channel)
{
    return channel->leg ? channel->leg->row : NO_NUMBER;
}

bool rpch_state_row(const struct rpch_state *world, uint32_t index, struct leg_row *row)
{
    const struct leg *leg = rows_at(&world->rows, index);
    if (!leg) {
        return false;
    }
    *row = (struct leg_row){ .vc = leg->vc->number,
                             .leg = leg->number,
                             .start = leg->start,
                             .last = leg->last,
                             .user = leg->user ? leg->user : "",
                             .state = leg_state_name(leg->state),
                             .opened = leg->joined || leg->opened.frame != 0 || leg->setup_ns >= 0,
                             .setup_ns = leg->setup_ns,
                             .calls = leg->calls,
                             .faults = leg->faults,
                             .request_id = leg->request_id ? leg->request_id : "",
                             .longest_idle_ns = longest_idle(leg),
                             .verdict = verdict_of(leg) };
    fill_halves(row, leg);
    follow_challenge(leg, row);
    rop_row_fill(&row->rops, leg->rops);
    if (leg->ended_frame) {
        snprintf(row->ended, sizeof(row->ended), "%s by %s (frame %u)", leg->ended_by_rst ? "RST" : "FIN",
                 leg->ended_by == WAY_TO_SERVER ? "client" : "server", leg->ended_frame);
    }
    return true;
}
