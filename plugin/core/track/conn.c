/* conn.c
 * TCP connections of the capture and their servers.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "conn.h"

static uint32_t hash_endpoint(const struct track *track, const struct endpoint *end)
{
    return hash_bytes(&track->arena, end->addr, address_length(end), end->port);
}

struct server *track_find_server(const struct track *track, const struct endpoint *end)
{
    for (struct item *item = table_first(&track->servers, hash_endpoint(track, end)); item; item = table_next(item)) {
        struct server *server = (struct server *)item;
        if (endpoint_equal(&server->end, end)) {
            return server;
        }
    }
    return NULL;
}

static struct server *server_of(struct track *track, const struct endpoint *end)
{
    struct server *server = track_find_server(track, end);
    if (!server) {
        server = arena_new(&track->arena, sizeof(*server));
        server->end = *end;
        table_add(&track->arena, &track->servers, &server->item, hash_endpoint(track, end));
    }
    return server;
}

struct conn *conn_new(struct track *track, enum conn_kind kind, uint32_t stream, const struct endpoint *client,
                      const struct endpoint *server, const struct conn_past *past)
{
    struct conn *conn = arena_new(&track->arena, sizeof(*conn));
    conn->track = track;
    conn->stream = stream;
    conn->kind = (uint8_t)kind;
    conn->client = *client;
    conn->server = server_of(track, server);
    conn->server->open[kind]++;
    conn->server->met[kind] = true;
    conn->tls = past->tls;
    tcp_flow_start(&conn->tcp, past);
    return conn;
}

bool conn_end(struct conn *conn, const struct segment *segment)
{
    if (conn->ended || (!segment->fin && !segment->rst)) {
        return false;
    }
    conn->ended = true;
    conn->ended_by_rst = segment->rst;
    conn->ended_by = (uint8_t)segment->way;
    conn->ended_frame = segment->when.frame;
    conn->server->open[conn->kind]--;
    return true;
}

enum doubt conn_doubt(const struct conn *conn, uint32_t *frame)
{
    uint32_t ignored;
    return tcp_flow_doubt(&conn->tcp, frame ? frame : &ignored);
}

bool conn_missed_since(const struct conn *conn, uint32_t since)
{
    return tcp_flow_missed_since(&conn->tcp, conn->met_frame, since);
}
