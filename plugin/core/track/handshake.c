/* handshake.c
 * The handshake of NTLM: which connection carried the type 2 that a type 3 answers (MS-NTHT,
 * MS-NLMP 2.2.2.1).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "logon_private.h"
#include "event.h"

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

/* That a challenge, by what stands for it, came here. */
static void note_carrier(struct logon_conn *conn, const struct exchange *request, struct when when, uint64_t digest)
{
    struct logon_state *world = conn->world;
    const uint64_t key = challenge_key(world, digest);
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

void note_challenge(struct logon_conn *conn, const struct exchange *request, struct when when,
                    const struct response *response)
{
    const struct auth_token *token = &response->token;
    struct logon_state *world = conn->world;
    struct logon_conn_more *more = logon_conn_more(conn);
    more->type2_frame = when.frame;
    more->type2_ends = request && request->closes             ? ENDS_BY_REQUEST :
                       http_ends_connection(response->fields) ? ENDS_BY_ANSWER :
                                                                ENDS_NOT_SAID;
    more->answered_frame = 0;
    more->type2_digest = token->target.present ? token->target.names_digest : 0;
    more->type2_server = target_name(world, &token->target);
    more->type2_token = token->digest;
    note_open_challenge(conn, request, when);
    note_carrier(conn, request, when, token->digest);
    if (token->target.present) {
        note_carrier(conn, request, when, token->target.names_digest);
    }
}

static uint64_t who_of(const struct exchange *request)
{
    return request->identity[ID_CLIENT_INFO] ? request->identity[ID_CLIENT_INFO] :
                                               request->identity[ID_OUTLOOK_SESSION];
}

void note_type1(struct logon_conn *conn, const struct exchange *request)
{
    struct logon_conn_more *more = logon_conn_more(conn);
    more->type1_count = more->type3_user ? 1 : more->type1_count + 1;
    more->type3_user = NULL;
    more->type1_who = who_of(request);
}

/* Where the type 3 does not tell its challenge: whether another client, or another user, began the newest of
 * several handshakes here. */
static bool begun_by_another(struct logon_conn *conn, const struct exchange *request)
{
    const struct logon_conn_more *more = conn->more;
    const uint64_t who = who_of(request);
    return more->type1_count >= 2 && (more->type3_user ? users_differ(more->type3_user, request->user) :
                                                         who && more->type1_who && who != more->type1_who);
}

void note_type3(struct logon_conn *conn, const struct exchange *request, struct when when,
                const struct auth_token *token)
{
    struct logon_conn_more *more = logon_conn_more(conn);
    struct pending *pending = conn->pending;
    const bool another = !(token->ntlmv2 && token->target.has_timestamp) && begun_by_another(conn, request);
    more->type3_frame = when.frame;
    more->type3_user = request->user;
    more->workstation = token->workstation[0] ? auth_keep(conn->world, token->workstation) : NULL;
    challenges_answered(conn);
    if (!request->account || (pending && pending->frame)) {
        return;
    }
    const struct logon_conn *before = request->before ? request->before->logon : NULL;
    const bool same = before && request->token && before->more->type2_token && request->before->token == request->token;
    pending = pending_of(conn);
    pending->frame = when.frame;
    pending->digest = token->ntlmv2 && token->target.present ? token->target.names_digest : 0;
    pending->challenge = same && !pending->digest ? before->more->type2_token : 0;
    pending->type3 =
        (struct lone_type3){ .conn = conn,
                             .leg = request->leg,
                             .account = request->account,
                             .user = request->user,
                             .nb_name = auth_keep(conn->world, token->target.nb_computer),
                             .dns_name = auth_keep(conn->world, token->target.dns_computer),
                             .has_timestamp = token->target.has_timestamp,
                             .version1 = !pending->digest,
                             .interleaved = another,
                             .newest = more->type2_frame,
                             .client_side = pending->challenge || (before && pending->digest &&
                                                                   before->more->type2_digest == pending->digest) ?
                                                before :
                                                NULL };
}

/* Looks where else the challenge was. False: here, or it cannot be told from another. One decision, in the order in which
 * its marks count. */
static bool find_carriers(const struct logon_conn *conn, struct pending *pending)
{
    const uint64_t tells = pending->digest ? pending->digest : pending->challenge;
    const struct challenge *challenge =
        tells ? keyed_find(&conn->world->challenges, challenge_key(conn->world, tells)) : NULL;
    const struct logon_conn_more *more = conn->more;
    struct lone_type3 *type3 = &pending->type3;
    const bool fits = !pending->digest || more->type2_digest == pending->digest || !more->type2_digest;
    if (conn->proxy_auth) {
        return false;
    }
    if (type3->interleaved || (more->type2_frame && fits)) {
        return type3->interleaved && more->type2_frame;
    }
    for (unsigned i = 0; challenge && i < challenge->carriers; i++) {
        const struct carrier *carrier = &challenge->carrier[i];
        if (carrier->conn == conn) {
            type3->interleaved = true;
            return true;
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
    return type3->has_timestamp || pending->challenge ||
           (!more->type2_frame && type3->same_leg->conn->more->type3_frame <= type3->same_leg->frame);
}

/* The refusal that follows here and on the legs before has its reason in this. */
static void note_torn(struct logon_conn *conn, struct when when, const struct lone_type3 *type3)
{
    struct exchange *request = conn->link->asked->first;
    while (request && (request->begin.frame != when.frame || !request->ntlm)) {
        request = request->next;
    }
    for (; request; request = request->before) {
        request->torn = when.frame;
        request->torn_by_server = lone_torn_by_server(type3);
    }
}

static enum torn_by torn_by(const struct carrier *carrier)
{
    const struct logon_conn_more *more = carrier->conn->more;
    const struct conn *link = carrier->conn->link;
    if (more->type2_frame != carrier->frame) {
        return TORN_BY_SENDER; /* the connection went on with another handshake */
    }
    if (more->type2_ends != ENDS_NOT_SAID) {
        return more->type2_ends == ENDS_BY_REQUEST ? TORN_BY_REQUEST : TORN_BY_ANSWER;
    }
    return link->ended && link->ended_by == WAY_TO_CLIENT ? TORN_BY_SERVER : TORN_BY_SENDER;
}

void settle_type3(struct logon_conn *conn, struct when when)
{
    struct lone_type3 *type3 = &conn->pending->type3;
    if (!find_carriers(conn, conn->pending)) {
        return;
    }
    if (type3->same_leg && !type3->interleaved) {
        type3->torn_by = (uint8_t)torn_by(type3->same_leg);
        challenge_answered_on(type3->same_leg, conn->link, when.frame);
    }
    if (is_whole(conn)) {
        note_torn(conn, when, type3);
    }
    emit(conn->world->track, &(struct event){ .kind = EVENT_CHALLENGE_MISSING, .when = when, .logon.type3 = type3 });
}
