/* sessions.c
 * The rows of the report of MAPI/HTTP sessions.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "sessions.h"

#include "mapi_memo.h"

#include <stdio.h>

uint32_t mworld_rows(const struct mworld *world)
{
    return world->row_count;
}

/* Why absence proves nothing on a connection. */
static const char *doubt_text(const struct conn *conn, char *to, size_t size)
{
    uint32_t frame = 0;
    switch (conn_doubt(conn, &frame)) {
    case DOUBT_NO_SYN:
        snprintf(to, size, "stream %u: no SYN captured", conn->stream);
        return to;
    case DOUBT_ONE_WAY:
        snprintf(to, size, "stream %u: one direction only", conn->stream);
        return to;
    case DOUBT_GAP:
        if (frame) {
            snprintf(to, size, "stream %u: gap before frame %u", conn->stream, frame);
        } else {
            snprintf(to, size, "stream %u: gap before its first request", conn->stream);
        }
        return to;
    case DOUBT_CUT:
        snprintf(to, size, "stream %u: frame %u not captured whole", conn->stream, frame);
        return to;
    case DOUBT_OPAQUE:
        snprintf(to, size, "stream %u: not decrypted from frame %u on", conn->stream, frame);
        return to;
    case DOUBT_NONE:
        break;
    }
    return NULL;
}

/* How it ended, by the last that was seen of it. */
static void fill_ended(struct session_row *row, const struct side *side, const struct side_memo *memo)
{
    const char *how = mapi_type_name((enum mapi_type)side->left_type);
    uint32_t frame = side->left_frame;
    if (memo && memo->context_frame > frame) {
        how = memo->context == CONTEXT_LOST ? "lost" : "expired";
        frame = memo->context == CONTEXT_FINE ? 0 : memo->context_frame;
    }
    if (frame && how) {
        snprintf(row->ended, sizeof(row->ended), "%s (frame %u)", how, frame);
    }
}

/* What does not fit is cut. */
static void join(char to[SESSION_NAMES_MAX], const char *const *names, unsigned count)
{
    int used = 0;
    for (unsigned i = 0; i < count && used < SESSION_NAMES_MAX; i++) {
        used += snprintf(to + used, SESSION_NAMES_MAX - (size_t)used, "%s%s", i ? ", " : "", names[i]);
    }
}

static void fill_verdict(struct session_row *row, const struct side_memo *memo)
{
    const struct result *result = &memo->result;
    const struct finding *held = side_memo_held(memo);
    if (result->told) {
        row->verdict = (enum verdict_kind)result->verdict;
        row->verdict_frame = result->frame;
        row->where = (enum verdict_where)result->where;
        row->where_seen = result->where_seen;
    }
    if (held && (!result->told || held->severity > verdict_rows[row->verdict].severity)) {
        row->verdict = held->kind;
        row->verdict_frame = held->when.frame;
        row->where = held->where;
        row->where_seen = held->seen;
    }
    row->cannot_tell = result->doubtful ? doubt_text(result->doubtful, row->doubt, sizeof(row->doubt)) : NULL;
    if (row->cannot_tell && row->where == WHERE_NONE) {
        row->where = WHERE_UNKNOWN;
    }
}

bool mworld_row(const struct mworld *world, uint32_t index, struct session_row *row)
{
    memset(row, 0, sizeof(*row));
    if (index >= world->row_count) {
        return false;
    }
    const struct side *side = world->rows[index];
    const struct side_memo *memo = side->memo;
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
    join(row->front_ends, side->front, side->front_count);
    join(row->back_ends, side->behind, side->back_count);
    row->ok = side->ok;
    row->failed = side->failed;
    row->slowest_ns = side->slowest_ns;
    row->slowest_type = side->slowest_type;
    row->has_code = side->has_code;
    row->last_code = side->last_code;
    row->request_id = side->request_id ? side->request_id : "";
    row->verdict = VERDICT_KINDS;
    fill_ended(row, side, memo);
    if (memo) {
        fill_verdict(row, memo);
    }
    return true;
}
