/* logon.c
 * What a connection tells of logons: messages in their order, ends, and what frames leave behind.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "logon_private.h"

struct logon_state *logon_state_new(struct track *track)
{
    struct logon_state *world = arena_new(&track->arena, sizeof(*world));
    world->track = track;
    world->arena = track->arena;
    return world;
}

struct logon_conn *logon_conn_new(struct logon_state *world, struct conn *link)
{
    struct logon_conn *conn = arena_new(&world->arena, sizeof(*conn));
    conn->world = world;
    conn->link = link;
    link->logon = conn;
    conn->asked.leg = NO_NUMBER;
    link->asked = &conn->asked;
    conn->more = &nothing_more;
    conn->owner = conn->owner_scheme = "";
    return conn;
}

const struct auth_shown *auth_message(struct logon_conn *conn, struct when when, enum way way,
                                      const struct http_fields *fields, uint32_t *leg)
{
    const bool is_request = fields->head->is_request, ends = !is_request && status_is_final(fields->head->status);
    *leg = NO_NUMBER;
    track_at(conn->world->track, when.ns);
    if (is_request != (way == WAY_TO_SERVER)) {
        return NULL;
    }
    struct exchange *request = is_request ? exchange_begin(conn->link, NULL, when) :
                               ends       ? exchange_answered(conn->link, when, NULL) :
                                            exchange_oldest(conn->link);
    const struct auth_shown *shown =
        is_request ? auth_request(conn, request, fields) : auth_response(conn, request, when, fields);
    *leg = request ? request->leg : conn->link->asked->leg;
    if (ends && request) {
        exchange_free(request);
    }
    return shown;
}

void auth_accepted(struct logon_conn *conn, struct when when)
{
    struct account *account = conn->credentials.account;
    if (!account) {
        return;
    }
    account_seen(account, when);
    if (conn->credentials.answered) {
        return;
    }
    clear_refusals(conn->world, conn->credentials.refusals);
    conn->credentials.answered = conn->credentials.by_pdu = true;
    account->accepted += !conn->credentials.relayed;
    /* How long they took is not known: their status line came before on OUT, and never on IN. */
    const struct logon_answer answer = { .conn = conn,
                                         .account = account,
                                         .leg = conn->credentials.leg,
                                         .sent = conn->credentials.when,
                                         .time_ns = -1,
                                         .accepted = true };
    emit_answer(conn, EVENT_CREDENTIALS_ANSWERED, when, &answer);
}

void auth_request_end(struct logon_conn *conn, struct when when)
{
    struct exchange *request = conn->link->asked->last;
    if (request && !request->ended) {
        request->ended = true;
        request->end = when;
    }
}

void auth_lost(struct logon_conn *conn, enum way way)
{
    (void)way;
    conn->lost = true;
    exchange_forget_all(conn->link);
}

/* Tells what follows a challenge in lower case, where there was one. */
static void pass_by(struct logon_conn *conn, struct when when, enum passed_by then)
{
    if (conn->more->lower_frame && !conn->more->lower_peer->lower_answered) {
        emit(conn->world->track,
             &(struct event){ .kind = EVENT_CHALLENGE_UNANSWERED, .when = when, .logon.unanswered = { conn, then } });
    }
}

static void settle_pending(struct logon_conn *conn, struct when when)
{
    struct pending *pending = conn->pending;
    if (pending->frame) {
        settle_type3(conn, when);
    }
    if (pending->repeated) {
        pass_by(conn, when, PASSED_BY_REQUEST);
    }
    conn->pending = NULL;
    spare_give(&conn->world->free_pending, pending);
}

void auth_end_of_frame(struct logon_conn *conn, struct when when, bool ended, enum way by)
{
    if (conn->pending) {
        settle_pending(conn, when);
    }
    if (conn->world->left_first || conn->world->waiting_first) {
        series_time(conn->world, when);
    }
    if (!ended) {
        return;
    }
    if (!conn->ended) {
        conn->ended = true;
        if (by == WAY_TO_SERVER && !conn->more->lower_close) {
            pass_by(conn, when, PASSED_BY_CLOSE);
        }
        challenge_conn_ended(conn, when, by == WAY_TO_CLIENT);
        if (conn->rounds && conn->rounds->conn == conn) {
            emit(conn->world->track,
                 &(struct event){ .kind = EVENT_BEARERS_EMPTY, .when = when, .logon.rounds = conn->rounds });
        }
    }
    if (by == WAY_TO_CLIENT) {
        exchange_forget_all(conn->link);
        exchange_drop_forgotten(conn->link);
        return;
    }
    for (struct exchange *request = conn->link->asked->remembered; request; request = request->next) {
        exchange_settle(request);
    }
}

uint32_t logon_conn_row(const struct logon_conn *conn)
{
    return conn->credentials.account ? conn->credentials.account->index : NO_NUMBER;
}
