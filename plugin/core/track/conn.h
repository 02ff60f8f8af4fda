/* conn.h
 * One TCP connection of the capture, and the server it goes to. Channels, sessions and
 * logons hang on it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_CONN_H
#define OUTLOOKHTTP_CONN_H

#include "tables.h"
#include "tcp.h"
#include "tlscert.h"
#include "track.h"

/* What a connection was claimed for. */
enum conn_kind { CONN_RPCH, CONN_MAPI, CONN_KINDS };

/* The server's end of TCP connections. */
struct server {
    struct item item;
    struct endpoint end;
    uint32_t open[CONN_KINDS]; /* connections that nobody has ended */
    bool met[CONN_KINDS];      /* there were any */
    void *memo[CONN_KINDS];    /* the judge's */
};

struct conn {
    struct track *track;
    struct endpoint client;
    struct server *server;
    struct tcp_flow tcp;
    struct queue *asked;         /* of its logon; NULL without one */
    const struct tls_leaf *leaf; /* that the server presented, the caller's; NULL if not known */
    uint32_t stream;             /* tcp.stream */
    uint32_t met_frame;          /* with its first head, 0 if none */
    uint32_t ended_frame;        /* the first FIN or RST, 0 while nobody has ended it */
    uint8_t kind;                /* enum conn_kind */
    uint8_t ended_by;            /* enum way: the end that sent it */
    bool ended, ended_by_rst;
    bool tls;   /* what we see was decrypted */
    void *memo; /* the judge's */
};

/* Claims a connection; it is the track's. Ends are copied. */
struct conn *conn_new(struct track *track, enum conn_kind kind, uint32_t stream, const struct endpoint *client,
                      const struct endpoint *server, const struct conn_past *past);
/* Notes the first FIN or RST; true if this is it. */
bool conn_end(struct conn *conn, const struct segment *segment);
/* Why absence proves nothing on it. frame, or NULL: where the gap or cut is, 0 if not known. */
enum doubt conn_doubt(const struct conn *conn, uint32_t *frame);
/* Whether something that was not captured may have passed in that frame or later. */
bool conn_missed_since(const struct conn *conn, uint32_t since);

static inline const struct endpoint *conn_server(const struct conn *conn)
{
    return &conn->server->end;
}

/* The server with that end, NULL if no connection was claimed to it. */
struct server *track_find_server(const struct track *track, const struct endpoint *end);

#endif
