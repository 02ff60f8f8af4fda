/* mview.c
 * The rows of the report of sessions.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "mapi_private.h"

#include <stdio.h>

uint32_t mworld_rows(const struct mworld *world)
{
    return world->row_count;
}

/* Why absence proves nothing here. */
static const char *doubt_text(const struct side *side)
{
    char text[64];
    uint32_t frame = 0;
    if (!side->doubtful) {
        return NULL;
    }
    const struct mconn *conn = side->doubtful;
    switch (tcp_flow_doubt(&conn->link->tcp, &frame)) {
    case DOUBT_NO_SYN:
        snprintf(text, sizeof(text), "stream %u: no SYN captured", conn->link->stream);
        break;
    case DOUBT_ONE_WAY:
        snprintf(text, sizeof(text), "stream %u: one direction only", conn->link->stream);
        break;
    case DOUBT_GAP:
        if (frame) {
            snprintf(text, sizeof(text), "stream %u: gap before frame %u", conn->link->stream, frame);
        } else {
            snprintf(text, sizeof(text), "stream %u: gap before its first request", conn->link->stream);
        }
        break;
    case DOUBT_CUT:
        snprintf(text, sizeof(text), "stream %u: frame %u not captured whole", conn->link->stream, frame);
        break;
    case DOUBT_OPAQUE:
        snprintf(text, sizeof(text), "stream %u: not decrypted from frame %u on", conn->link->stream, frame);
        break;
    default:
        return NULL;
    }
    return mworld_text(side->session->world, text);
}

/* What is told only when more was captured. */
static void show_waiting(const struct mworld *world, const struct side *side, struct session_row *row)
{
    const struct waiting *waiting = world->waiting_first;
    while (waiting && waiting->side != side) {
        waiting = waiting->next;
    }
    if (side->loss && side->loss->known) {
        waiting = side->loss;
    }
    if (waiting && (row->verdict == VERDICT_KINDS ||
                    verdict_rows[waiting->kind].severity > verdict_rows[row->verdict].severity)) {
        row->verdict = waiting->kind;
        row->verdict_frame = waiting->when.frame;
        row->where = waiting->where;
        row->where_seen = waiting->seen;
    }
}

bool mworld_row(const struct mworld *world, uint32_t index, struct session_row *row)
{
    memset(row, 0, sizeof(*row));
    if (index >= world->row_count) {
        return false;
    }
    const struct side *side = world->rows[index];
    const struct session *session = side->session;
    row->session = session->number;
    row->leg = side->number;
    row->start = side->start;
    row->last = side->last;
    row->user = session->user ? session->user : "";
    row->application = session->application;
    row->mailbox = session->mailbox;
    row->user_dn = session->user_dn;
    row->endpoint = session->endpoint;
    row->client = side->client;
    row->server = side->server;
    row->front_ends = side->front_ends ? side->front_ends : "";
    row->back_ends = side->back_ends ? side->back_ends : "";
    row->ok = side->ok;
    row->failed = side->failed;
    row->slowest_ns = side->slowest_ns;
    row->slowest_type = side->slowest_type;
    row->has_code = side->has_code;
    row->last_code = side->last_code;
    row->ended = side->ended ? side->ended : "";
    row->request_id = side->request_id ? side->request_id : "";
    row->verdict = VERDICT_KINDS;
    if (side->has_verdict) {
        row->verdict = (enum verdict_kind)side->verdict;
        row->verdict_frame = side->verdict_frame;
        row->where = (enum verdict_where)side->where;
        row->where_seen = side->where_seen;
    }
    show_waiting(world, side, row);
    row->cannot_tell = doubt_text(side);
    if (row->cannot_tell && row->where == WHERE_NONE) {
        row->where = WHERE_UNKNOWN;
    }
    return true;
}
