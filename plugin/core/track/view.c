/* view.c
 * What the state is shown as: the snapshot that goes with a frame and the rows of the
 * report.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "vconn_private.h"

#include <stdio.h>

static const char *state_name(enum leg_state state)
{
    static const char *const names[] = {
        [LEG_OPENING] = "opening", [LEG_OPEN] = "open", [LEG_RECYCLING] = "recycling", [LEG_CLOSED] = "closed"
    };
    return names[state];
}

static void mark_half(struct vc_mark *mark, const struct channel *channel)
{
    if (channel && !channel->v1) {
        mark->half[channel->role] = channel->conn;
    }
}

bool vtcp_mark(const struct vtcp *conn, struct vc_mark *mark)
{
    const struct channel *channel = conn->channel;
    memset(mark, 0, sizeof(*mark));
    if (!channel) {
        return false;
    }
    mark->channel = channel->v1 ? 0 : channel->role == ROLE_IN ? 1 : 2;
    mark->target = channel->target;
    if (channel->more) {
        mark->outlook_session = channel->more->outlook_session;
        mark->session_id = channel->more->session_id;
    }
    const struct leg *leg = channel->leg;
    if (!leg) {
        mark_half(mark, channel);
        return true;
    }
    mark->leg = leg;
    mark->state = (uint8_t)(leg->state + 1);
    mark->has_cookie = leg->vc->has_cookie;
    for (int role = ROLE_IN; role <= ROLE_OUT; role++) {
        mark_half(mark, leg->current[role]);
    }
    const struct channel *other = leg_other(channel);
    if (other) {
        mark->peer_frame = channel_frame(other);
        if (!mark->target) {
            mark->target = other->target;
        }
    }
    return true;
}

void vc_mark_show(const struct vc_mark *mark, struct vc_snapshot *snapshot)
{
    const struct leg *leg = mark->leg;
    const struct vtcp *in = mark->half[ROLE_IN], *out = mark->half[ROLE_OUT];
    memset(snapshot, 0, sizeof(*snapshot));      /* what lies between the fields too: it may be compared */
    snapshot->vc = leg ? leg->vc->number : NO_NUMBER;
    snapshot->leg = leg ? leg->number : NO_NUMBER;
    snapshot->channel = mark->channel;
    snapshot->in_stream = in ? in->link->stream : NO_NUMBER;
    snapshot->out_stream = out ? out->link->stream : NO_NUMBER;
    snapshot->in_peer = in ? conn_server(in->link) : NULL;
    snapshot->out_peer = out ? conn_server(out->link) : NULL;
    snapshot->state = mark->state ? state_name((enum leg_state)(mark->state - 1)) : NULL;
    snapshot->cookie = leg && mark->has_cookie ? leg->vc->cookie : NULL;
    snapshot->peer_frame = mark->peer_frame;
    snapshot->target = mark->target;
    snapshot->outlook_session = mark->outlook_session;
    snapshot->session_id = mark->session_id;
}

uint32_t vc_mark_row(const struct vc_mark *mark)
{
    return mark->leg ? mark->leg->row : NO_NUMBER;
}

bool vtcp_snapshot(const struct vtcp *conn, struct vc_snapshot *snapshot)
{
    struct vc_mark mark;
    bool any = vtcp_mark(conn, &mark);
    vc_mark_show(&mark, snapshot);
    return any;
}

uint32_t vtcp_row(const struct vtcp *conn)
{
    return conn->channel && conn->channel->leg ? conn->channel->leg->row : NO_NUMBER;
}

uint32_t vworld_legs(const struct vworld *world)
{
    return world->row_count;
}

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
            return world_intern(leg->vc->world, text);
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
        return world_intern(leg->vc->world, text);
    }
    return NULL;
}

/* Channels over different proxies that work are no fault of anybody. */
static bool is_harmless(const struct leg *leg)
{
    return leg->joined && leg->severity <= V_NOTE &&
           (leg->verdict == V_PROXIES_DIFFER || leg->verdict == V_JOINED_ACROSS_PROXIES);
}

bool vworld_row(const struct vworld *world, uint32_t index, struct leg_row *row)
{
    memset(row, 0, sizeof(*row));
    if (index >= world->row_count) {
        return false;
    }
    const struct leg *leg = world->rows[index];
    const struct channel *in = leg->current[ROLE_IN], *out = leg->current[ROLE_OUT];
    const struct channel *first = !in ? out : !out ? in : channel_start(in) <= channel_start(out) ? in : out;
    row->vc = leg->vc->number;
    row->leg = leg->number;
    row->start = leg->start;
    row->last = leg->last;
    row->user = leg->user ? leg->user : "";
    row->state = state_name((enum leg_state)leg->state);
    row->setup_ns = leg->setup_ns;
    row->calls = leg->calls;
    row->faults = leg->faults;
    row->longest_idle_ns = leg->longest_idle;
    row->request_id = leg->request_id ? leg->request_id : "";
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
    for (int role = ROLE_IN; role <= ROLE_OUT; role++) {
        const struct channel *channel = leg->current[role];
        /* What came on the connection after its channel is no idle time of the leg. */
        if (channel && channel->conn->channel == channel && in && out && leg->sent_at && channel->last_body) {
            int64_t since = channel->last_body > leg->sent_at ? channel->last_body : leg->sent_at;
            int64_t until = channel->conn->last_ns;
            if (until - since > row->longest_idle_ns) {
                row->longest_idle_ns = until - since;
            }
        }
    }
    if (leg->ended_frame) {
        snprintf(row->ended, sizeof(row->ended), "%s by %s (frame %u)", leg->ended_by_rst ? "RST" : "FIN",
                 leg->ended_by == WAY_TO_SERVER ? "client" : "server", leg->ended_frame);
    }
    row->verdict = VERDICT_KINDS;
    if (leg->has_verdict) {
        row->verdict = (enum verdict_kind)leg->verdict;
        row->severity = (enum verdict_severity)leg->severity;
        row->verdict_frame = leg->verdict_frame;
        if (!is_harmless(leg)) {
            row->where = (enum verdict_where)leg->where;
            row->where_seen = leg->where_seen;
        }
    }
    if (leg->withheld || !leg->joined) {
        row->cannot_tell = doubt_text(leg);
    }
    if (row->cannot_tell && row->where == WHERE_NONE) {
        row->where = WHERE_UNKNOWN;
    }
    return true;
}
