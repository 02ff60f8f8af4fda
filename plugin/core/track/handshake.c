/* handshake.c
 * The handshake of NTLM: which connection carried the type 2 that a type 3 answers (MS-NTHT,
 * MS-NLMP 2.2.2.1).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "logon_private.h"
#include "event.h"

const struct logon_conn_more nothing_more;

struct logon_conn_more *logon_conn_more(struct logon_conn *conn)
{
    if (conn->more == &nothing_more) {
        conn->more = arena_new(&conn->world->arena, sizeof(*conn->more));
    }
    return (struct logon_conn_more *)(uintptr_t)conn->more;
}

struct pending *pending_of(struct logon_conn *conn)
{
    if (!conn->pending) {
        conn->pending = spare_take(&conn->world->arena, &conn->world->free_pending, sizeof(*conn->pending));
    }
    return conn->pending;
}

/* Whether all that passed on it was seen and understood. */
static bool is_whole(const struct logon_conn *conn)
{
    return !conn->lost && conn_doubt(conn->link, NULL) == DOUBT_NONE;
}

static uint64_t challenge_key(const struct logon_state *world, uint64_t names)
{
    return digest_bytes(world, 0xC4A1, &names, sizeof(names));
}

static const char *target_name(struct logon_state *world, const struct ntlm_target *target)
{
    return auth_keep(world, target->dns_computer[0] ? target->dns_computer : target->nb_computer);
}

void note_challenge(struct logon_conn *conn, const struct exchange *request, struct when when,
                    const struct auth_token *token)
{
    struct logon_state *world = conn->world;
    struct logon_conn_more *more = logon_conn_more(conn);
    more->type2_frame = when.frame;
    more->type2_digest = token->target.present ? token->target.names_digest : 0;
    more->type2_server = target_name(world, &token->target);
    if (!token->target.present) {
        return;
    }
    const uint64_t key = challenge_key(world, token->target.names_digest);
    struct challenge *challenge = keyed_make(&world->arena, &world->challenges, key, sizeof(*challenge));
    if (challenge->carriers == CARRIERS) {
        memmove(challenge->carrier, challenge->carrier + 1, sizeof(challenge->carrier) - sizeof(challenge->carrier[0]));
        challenge->carriers--;
    }
    struct carrier *carrier = &challenge->carrier[challenge->carriers++];
    carrier->conn = conn;
    carrier->frame = when.frame;
    carrier->leg = request ? request->leg : conn->link->asked->leg;
}

void note_type3(struct logon_conn *conn, const struct exchange *request, struct when when,
                const struct auth_token *token)
{
    logon_conn_more(conn)->type3_frame = when.frame;
    struct pending *pending = conn->pending;
    if (!token->ntlmv2 || !token->target.present || !request->account || (pending && pending->frame)) {
        return;
    }
    pending = pending_of(conn);
    pending->frame = when.frame;
    pending->digest = token->target.names_digest;
    const struct logon_conn *before = request->before ? request->before->logon : NULL;
    pending->type3 =
        (struct lone_type3){ .conn = conn,
                             .leg = request->leg,
                             .account = request->account,
                             .user = request->user,
                             .nb_name = auth_keep(conn->world, token->target.nb_computer),
                             .dns_name = auth_keep(conn->world, token->target.dns_computer),
                             .has_timestamp = token->target.has_timestamp,
                             .client_side =
                                 before && before->more->type2_digest == token->target.names_digest ? before : NULL };
}

/* Looks where else the challenge was. False: here, or it cannot be told from another. */
static bool find_carriers(const struct logon_conn *conn, struct pending *pending)
{
    const struct challenge *challenge =
        keyed_find(&conn->world->challenges, challenge_key(conn->world, pending->digest));
    const struct logon_conn_more *more = conn->more;
    struct lone_type3 *type3 = &pending->type3;
    if (conn->proxy_auth || (more->type2_frame && (more->type2_digest == pending->digest || !more->type2_digest))) {
        return false;
    }
    for (unsigned i = 0; challenge && i < challenge->carriers; i++) {
        const struct carrier *carrier = &challenge->carrier[i];
        if (carrier->conn == conn) {
            return false;
        }
        if (carrier->leg == type3->leg) {
            type3->same_leg = carrier;
        } else if (carrier->leg != NO_NUMBER && carrier->leg < type3->leg) {
            type3->before = carrier;
        }
    }
    if (!type3->same_leg) {
        return !more->type2_frame && (!challenge || type3->before);
    }
    /* Names alone fit every challenge of that server: only one that waits for its type 3 will do. */
    return type3->has_timestamp ||
           (!more->type2_frame && type3->same_leg->conn->more->type3_frame <= type3->same_leg->frame);
}

/* The refusal that follows here and on the legs before has its reason in this. */
static void note_torn(struct logon_conn *conn, struct when when)
{
    struct exchange *request = conn->link->asked->first;
    while (request && (request->begin.frame != when.frame || !request->ntlm)) {
        request = request->next;
    }
    for (; request; request = request->before) {
        request->torn = when.frame;
    }
}

void settle_type3(struct logon_conn *conn, struct when when)
{
    if (!find_carriers(conn, conn->pending)) {
        return;
    }
    if (is_whole(conn)) {
        note_torn(conn, when);
    }
    emit(conn->world->track,
         &(struct event){ .kind = EVENT_CHALLENGE_MISSING, .when = when, .logon.type3 = &conn->pending->type3 });
}
