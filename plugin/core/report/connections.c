/* connections.c
 * The report on virtual connections.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "connections.h"

#include "rpch_memo.h"

#include <stdio.h>

/* Why absence proves nothing on this leg; the text lives as long as the world. */
static const char *doubt_text(const struct leg *leg)
{
    for (int role = ROLE_IN; role <= ROLE_OUT; role++) {
        const struct channel *channel = leg->current[role], *other = leg->current[!role];
        const char *name = role == ROLE_IN ? "IN" : "OUT";
        char text[64];
        uint32_t frame = 0;
        if (!channel) {
            if (!other || !other->rpc_seen || other->v1) {
                continue;
            }
            snprintf(text, sizeof(text), "%s: not captured, though calls flow", name);
            return track_text(leg->vc->world->track, text);
        }
        switch (conn_doubt(channel->conn->link, &frame)) {
        case DOUBT_NONE:
            continue;
        case DOUBT_NO_SYN:
            snprintf(text, sizeof(text), "%s: no SYN captured", name);
            break;
        case DOUBT_ONE_WAY:
            snprintf(text, sizeof(text), "%s: one direction only", name);
            break;
        case DOUBT_GAP:
            if (frame) {
                snprintf(text, sizeof(text), "%s: gap before frame %u", name, frame);
            } else {
                snprintf(text, sizeof(text), "%s: gap before its first request", name);
            }
            break;
        case DOUBT_CUT:
            snprintf(text, sizeof(text), "%s: frame %u not captured whole", name, frame);
            break;
        case DOUBT_OPAQUE:
            snprintf(text, sizeof(text), "%s: not decrypted from frame %u on", name, frame);
            break;
        }
        return track_text(leg->vc->world->track, text);
    }
    return NULL;
}

/* Channels over different proxies that work are no fault of anybody. */
static bool is_harmless(const struct leg *leg, const struct result *result)
{
    return leg->joined && result->severity <= V_NOTE &&
           (result->verdict == V_PROXIES_DIFFER || result->verdict == V_JOINED_ACROSS_PROXIES);
}

static void fill_halves(struct leg_row *row, const struct leg *leg)
{
    const struct channel *in = leg->current[ROLE_IN], *out = leg->current[ROLE_OUT];
    const struct channel *first = !in ? out : !out ? in : channel_start(in) <= channel_start(out) ? in : out;
    row->in_stream = row->out_stream = NO_NUMBER;
    if (first) {
        row->has_client = true;
        row->client = first->conn->link->client;
        row->target = first->target;
    }
    if (in && !in->v1) {
        row->has_in_peer = true;
        row->in_peer = *conn_server(in->conn->link);
        row->in_stream = in->conn->link->stream;
        row->request_frame_in = in->request.frame;
        row->target = row->target ? row->target : in->target;
    }
    if (out && !out->v1) {
        row->has_out_peer = true;
        row->out_peer = *conn_server(out->conn->link);
        row->out_stream = out->conn->link->stream;
        row->request_frame_out = out->request.frame;
        row->target = row->target ? row->target : out->target;
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

static void fill_result(struct leg_row *row, const struct leg *leg)
{
    static const struct leg_memo nothing;
    const struct leg_memo *memo = leg->memo ? leg->memo : &nothing;
    const struct result *result = &memo->result;
    row->verdict = VERDICT_KINDS;
    if (result->told) {
        row->verdict = (enum verdict_kind)result->verdict;
        row->severity = (enum verdict_severity)result->severity;
        row->verdict_frame = result->frame;
        if (!is_harmless(leg, result)) {
            row->where = (enum verdict_where)result->where;
            row->where_seen = result->where_seen;
        }
    }
    if (!leg->joined || (leg->attempt_memo && result->withheld)) {
        row->cannot_tell = doubt_text(leg);
    }
    if (row->cannot_tell && row->where == WHERE_NONE) {
        row->where = WHERE_UNKNOWN;
    }
}

bool vworld_row(const struct vworld *world, uint32_t index, struct leg_row *row)
{
    memset(row, 0, sizeof(*row));
    if (index >= world->row_count) {
        return false;
    }
    const struct leg *leg = world->rows[index];
    row->vc = leg->vc->number;
    row->leg = leg->number;
    row->start = leg->start;
    row->last = leg->last;
    row->user = leg->user ? leg->user : "";
    row->state = leg_state_name((enum leg_state)leg->state);
    row->setup_ns = leg->setup_ns;
    row->calls = leg->calls;
    row->faults = leg->faults;
    row->request_id = leg->request_id ? leg->request_id : "";
    row->longest_idle_ns = longest_idle(leg);
    fill_halves(row, leg);
    if (leg->ended_frame) {
        snprintf(row->ended, sizeof(row->ended), "%s by %s (frame %u)", leg->ended_by_rst ? "RST" : "FIN",
                 leg->ended_by == WAY_TO_SERVER ? "client" : "server", leg->ended_frame);
    }
    fill_result(row, leg);
    return true;
}
