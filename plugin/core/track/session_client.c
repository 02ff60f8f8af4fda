/* session_client.c
 * Whose a session of MAPI/HTTP is.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "session_private.h"

#include "client.h"
#include "logon_state.h"
#include "product.h"

void session_hears_head(struct exchange *request, const struct http_fields *fields)
{
    struct mapi_conn *conn = request->conn;
    struct track *track = conn->world->track;
    const struct http_product product = http_product_read(fields->client_application);
    if (!conn->told) {
        conn->told = arena_new(&track->arena, sizeof(*conn->told));
    }
    *conn->told = (struct client_told){ .version = product.version,
                                        .agent_version = http_outlook_version(fields->user_agent),
                                        .application = track_span(track, product.name),
                                        .forwarded = http_forwarded_for(fields->forwarded_for) };
}

void session_hears_answer(struct mapi_conn *conn, const struct http_fields *fields)
{
    if (conn->told) {
        conn->told->server = http_product_read(fields->server_application).version;
    }
}

/* Of the session; else of the connection, by credentials or by what the server calls him, or by what Connect says. */
static struct span user_of(const struct session *session, const struct mapi_conn *conn)
{
    const struct logon_conn *logon = conn->auth;
    const char *user = session && session->user ? session->user : conn->user;
    const char *owner = logon->owned != OWNED_NOT && logon->owner[0] ? logon->owner : conn->told->name;
    owner = conn->identity ? conn->identity : owner;
    return user ? client_bare_user(user) : span_of((const uint8_t *)owner, owner ? strlen(owner) : 0);
}

static struct client_name name_of(const struct session *session, const struct mapi_conn *conn)
{
    return (struct client_name){ .user = user_of(session, conn),
                                 .instance = session ? session->client : 0,
                                 .address = &conn->link->client,
                                 .forwarded = &conn->told->forwarded };
}

static void hear_rest(struct mapi_conn *conn, const struct exchange *request)
{
    const char *dn = request->message->user_dn;
    if (conn->auth->more->workstation && !conn->told->machine) {
        conn->told->machine = conn->auth->more->workstation;
    }
    if (dn && !conn->told->name) {
        conn->told->name = track_span(conn->world->track, client_facts_name(span_of((const uint8_t *)dn, strlen(dn))));
    }
}

void session_client(struct exchange *request, const struct reply *reply)
{
    struct side *side = request->side;
    struct mapi_conn *conn = request->conn;
    if (!side || side != side->session->sides || !conn->told) {
        return;
    }
    hear_rest(conn, request);
    if (!conn->told->server && reply->conn->told) {
        conn->told->server = reply->conn->told->server;
    }
    const struct client_name name = name_of(side->session, conn);
    client_join(conn->world->track, &side->whose, CLIENT_MAPI_HTTP, &name, request->begin);
    client_tell(conn->world->track, side->whose, CLIENT_MAPI_HTTP, conn->told);
    if (side->whose) {
        request->message->client = side->whose->index;
    }
}

void session_client_refused(const struct reply *reply)
{
    struct exchange *request = reply->request;
    struct mapi_conn *conn = reply->conn;
    const bool challenged = reply->status == 401 || reply->status == 407 || reply->cut || reply->undone;
    if (request->session || request->before || request->there.conn || challenged || !conn->told ||
        (request->leg != 0 && request->leg != NO_NUMBER)) {
        return;
    }
    hear_rest(conn, request);
    const struct client_name name = name_of(NULL, conn);
    struct client *client = client_refused(conn->world->track, &name, request->begin);
    client_tell(conn->world->track, client, CLIENT_MAPI_HTTP, conn->told);
    if (client) {
        request->message->client = reply->message->client = client->index;
    }
}

void mapi_conn_told(struct mapi_conn *conn, struct mapi_message *message, const struct client_facts *facts)
{
    const struct record *record = (const struct record *)message;
    const struct exchange *request = record->request;
    struct track *track = conn->world->track;
    if (message->is_response || !request) {
        return;
    }
    if (is_connect(message->type) && conn->told) {
        client_told_facts(track, conn->told, facts);
    } else if (request->side && request->side->session->sides) {
        struct client_told told = { .version = 0 };
        client_told_facts(track, &told, facts);
        client_tell(track, request->side->session->sides->whose, CLIENT_MAPI_HTTP, &told);
    }
}

const struct client *mapi_state_client(const struct mapi_state *world, uint32_t row)
{
    const struct side *side = rows_at(&world->rows, row);
    const struct side *outer = side ? side->session->sides : NULL;
    return outer ? outer->whose : NULL;
}

uint32_t mapi_state_leg(const struct mapi_state *world, uint32_t row, uint32_t otherwise)
{
    const struct side *side = rows_at(&world->rows, row);
    return side ? side->number : otherwise;
}
