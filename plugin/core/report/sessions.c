/* sessions.c
 * The rows of the report of MAPI/HTTP sessions.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "sessions.h"

#include "mapi_memo.h"

#include <stdio.h>

uint32_t mapi_state_rows(const struct mapi_state *world)
{
    return world->rows.count;
}

uint32_t mapi_state_sessions(const struct mapi_state *world)
{
    return world->sessions;
}

uint32_t mapi_state_find_row(const struct mapi_state *world, uint32_t session, uint32_t leg)
{
    /* As in connections.c. */
    for (uint32_t index = session; index < world->rows.count; index++) {
        const struct side *side = rows_at(&world->rows, index);
        if (side->session->number == session && side->number == leg) {
            return index;
        }
    }
    return NO_NUMBER;
}

/* How it ended, by the last that was seen of it. */
static void fill_ended(struct session_row *row, const struct side *side, const struct side_memo *memo)
{
    const char *how = mapi_type_name(side->left_type);
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

static struct row_verdict verdict_of(const struct side *side, const struct side_memo *memo)
{
    const struct result *result = &memo->result;
    const struct finding *held = side_memo_held(memo);
    struct row_verdict verdict = row_verdict(result);
    if (held && (!result->told || held->severity > verdict_rows[verdict.kind].severity)) {
        verdict = (struct row_verdict){ .kind = held->kind,
                                        .severity = held->severity,
                                        .frame = held->when.frame,
                                        .where = held->where,
                                        .text = held->text.s,
                                        .seen = held->seen };
    }
    row_cannot_tell(&verdict, row_doubt_of(result));
    row_doubt_order(&verdict, side->session->world->track, &side->client, &side->server);
    return verdict;
}

bool mapi_state_row(const struct mapi_state *world, uint32_t index, struct session_row *row)
{
    const struct side *side = rows_at(&world->rows, index);
    if (!side) {
        return false;
    }
    const struct side_memo *memo = side->memo;
    const struct session *session = side->session;
    *row = (struct session_row){ .session = session->number,
                                 .leg = side->number,
                                 .start = side->start,
                                 .last = side->last,
                                 .user = session->user ? session->user : "",
                                 .application = session->application,
                                 .mailbox = session->mailbox,
                                 .user_dn = session->user_dn,
                                 .endpoint = session->endpoint,
                                 .client = side->client,
                                 .server = side->server,
                                 .ok = side->ok,
                                 .failed = side->failed,
                                 .slowest_ns = side->slowest_ns,
                                 .slowest_type = side->slowest_type,
                                 .last_code = side->has_code ? (int64_t)side->last_code : -1,
                                 .request_id = side->request_id ? side->request_id : "",
                                 .verdict = memo ? verdict_of(side, memo) : row_verdict(NULL) };
    join(row->front_ends, side->front, side->front_count);
    join(row->back_ends, side->behind, side->back_count);
    rop_row_fill(&row->rops, side->rop_totals);
    fill_ended(row, side, memo);
    return true;
}
