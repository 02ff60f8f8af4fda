/* auth.h
 * Who logged on how, on which TCP connection, and what came of it (MS-NTHT, MS-N2HT,
 * MS-NLMP, RFC 4559), for RPC over HTTP and MAPI/HTTP alike. Pure state: fed the heads of
 * HTTP messages in capture order, on the first pass only; it emits events (event.h).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_AUTH_H
#define OUTLOOKHTTP_AUTH_H

#include "conn.h"
#include "fields.h"

struct logon_state;
struct logon_conn; /* one TCP connection */

struct logon_state *logon_state_new(struct track *track);

/* Follows the logons of a connection, which takes in TCP before auth_end_of_frame() is called. */
struct logon_conn *logon_conn_new(struct logon_state *world, struct conn *link);

/* What one message shows. Its strings are static or arena-owned and never change; they are ""
 * where they do not apply. */
struct auth_shown {
    const char *scheme;           /* "Basic", "NTLM", "Negotiate", "Negotiate/NTLM", "Negotiate/Kerberos", "Bearer" */
    const char *step;             /* "type1", "type2", "type3", "challenge", "credentials", "accepted", "rejected" */
    const char *user;             /* as sent; on answers: of the credentials they answer */
    const char *challenge_server; /* of the type 2 */
    int64_t time_ns;              /* from credentials to this answer, -1 if it is none */
    uint64_t challenge_time;      /* MsvAvTimestamp of the type 2, FILETIME, 0 if none */
    uint32_t credentials_frame;   /* that this answers, 0 if none */
    uint32_t row;                 /* of the report, of final credentials and their answer; NO_NUMBER if none */
};

/* The head of a message, requests and responses, interim ones too. Returns what it shows, the
 * world's until the next head, or NULL. *leg: the leg of the request (for a response, of the
 * request it answers): 0 unless the same request is outstanding on another TCP connection; NO_NUMBER if not known.
 * The same request: the same X-RequestId with the same X-RequestType, else the same method,
 * path, credentials and OutlookSession or client-request-id. */
const struct auth_shown *auth_message(struct logon_conn *conn, struct when when, enum way way,
                                      const struct http_fields *fields, uint32_t *leg);

/* The same of a request that began with this head, and of a response whose request the caller
 * has found, NULL if it is not known. */
const struct auth_shown *auth_request(struct logon_conn *conn, struct exchange *request,
                                      const struct http_fields *fields);
const struct auth_shown *auth_response(struct logon_conn *conn, struct exchange *request, struct when when,
                                       const struct http_fields *fields);

/* The same of a head that nobody has read yet. */
static inline const struct auth_shown *auth_head(struct logon_conn *conn, struct when when, enum way way,
                                                 const struct http_head *head, uint32_t *leg)
{
    struct http_fields fields;
    http_fields_read(head, &fields);
    return auth_message(conn, when, way, &fields, leg);
}

/* The third in a row is no step of a logon any more: the client does not answer it. */
#define PROXY_ASKS_MANY 3
/* Where a 407 answers it: how many requests of this client for that host in a row, this one among them, were answered so
 * and had no credentials for a proxy; 0 if it has some, or was sent before the 407 to the one before came. */
unsigned auth_proxy_asks(const struct exchange *request);

/* A response of MAPI/HTTP has come to its end: how long its credentials took is known now. work_ns: what the server
 * worked on the request, -1 if it does not say so. */
void auth_response_end(struct logon_conn *conn, struct exchange *request, struct when when, int64_t work_ns);

/* A PDU from the server, on this connection or on the other one of the virtual connection: the credentials of the
 * request before it were accepted. */
void auth_accepted(struct logon_conn *conn, struct when when);
/* CONN/A1 or B1 names the virtual connection: what is sent on another one is not the same request. */
void auth_cookie(struct logon_conn *conn, const uint8_t cookie[16]);
/* The request that is under way on a connection of RPC over HTTP was sent to its end. */
void auth_request_end(struct logon_conn *conn, struct when when);
/* Bytes are missing in one direction. */
void auth_lost(struct logon_conn *conn, enum way way);
/* Ends a frame, after its heads and after tcp took it in. ended: FIN or RST by that end. */
void auth_end_of_frame(struct logon_conn *conn, struct when when, bool ended, enum way by);

/* How many rows the report on logons has. */
uint32_t logon_state_rows(const struct logon_state *world);
/* The row, in the report on logons, of the connection's last credentials; NO_NUMBER if none. */
uint32_t logon_conn_row(const struct logon_conn *conn);

#endif
