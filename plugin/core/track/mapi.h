/* mapi.h
 * Sessions of MAPI/HTTP (MS-OXCMAPIHTTP 3.1, 3.2): which messages belong together, what
 * the cookies, codes and times say. Pure state: fed heads and body bytes in capture order, on
 * the first pass only; it emits events (event.h).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_MAPI_H
#define OUTLOOKHTTP_MAPI_H

#include "auth.h"
#include "bodies.h"
#include "fields.h"
#include "response_code.h"

struct mapi_state;
struct rop_message; /* objects.h */
struct times;       /* timing.h */
struct mapi_conn;   /* one TCP connection that carries MAPI/HTTP */

/* A meta-tag of a response and when its bytes had arrived. */
struct mapi_tag_time {
    uint8_t tag; /* of struct mapi_meta */
    struct when when;
};

#define MAPI_TAGS_KEPT 64 /* of one response; the last one replaces what comes later */

/* One message; arena-owned. What is marked "later" is set by a frame after its own. */
struct mapi_message {
    bool is_response;
    bool cut;                                           /* ended before its end */
    uint8_t type;                                       /* enum mapi_type; of a response: its request's */
    const char *type_name;                              /* X-RequestType as sent, of MAPI_UNKNOWN; else NULL */
    uint8_t endpoint;                                   /* 0 unknown, 1 emsmdb, 2 nspi */
    struct when first;                                  /* first byte */
    struct when begin, end;                             /* end of the head; last byte, frame 0 while it goes on */
    uint32_t session, leg;                              /* NO_NUMBER: none; of what begins a session, later */
    const char *mailbox, *user_dn, *client_application; /* of the session, NULL if not known */
    uint32_t code_page;                                 /* of Connect: DefaultCodePage, 0 if not known */
    uint32_t request_frame;                             /* responses: where the request ended; 0 if not captured */
    uint32_t response_frame;                            /* requests, later: where the response ended */
    int64_t elapsed_ns;        /* responses: from the end of the request to the end of this; -1 */
    const struct times *times; /* responses: where the time went, NULL if that is not known */
    uint16_t status;           /* of a response */
    bool has_code;
    uint32_t code;    /* X-ResponseCode in force */
    uint32_t failure; /* responses of code 0: the StatusCode or ErrorCode in the body that tells of a failure, else 0 */
    bool failure_of_status;
    uint64_t body_length; /* as carried, chunk framing taken off */
    struct mapi_tag_time *tags;
    uint16_t tag_count;
    const struct auth_shown *auth;
    bool elapsed_in_seconds;  /* X-ElapsedTime is about a thousandth of what was measured */
    uint32_t row;             /* of the report, NO_NUMBER if none */
    uint32_t client;          /* of Connect and Bind, later: whose it is (client.h), NO_NUMBER if not known */
    bool broken;              /* its body is none of its type */
    bool look;                /* a look at the endpoint, which is no request of it; or the response to one */
    struct rop_message *rops; /* of Execute, once its body was read; else NULL */
};

/* auth is shared with RPC over HTTP. */
struct mapi_state *mapi_state_new(struct track *track, struct logon_state *auth);
/* Follows a connection of kind CONN_MAPI. */
struct mapi_conn *mapi_conn_new(struct mapi_state *world, struct conn *link);

/* The logon of the connection. */
struct logon_conn *mapi_conn_auth(const struct mapi_conn *conn);

/* Whether a request is MAPI/HTTP by its path (/mapi/emsmdb, /mapi/nspi in any form), else by
 * X-RequestType or Content-Type application/mapi-http. */
bool mapi_is_request(const struct http_fields *fields);

/* What passes, in the order of the stream. */

/* A head. Returns the record of the message that begins, NULL where it is none of MAPI/HTTP. */
struct mapi_message *mapi_conn_message(struct mapi_conn *conn, struct when when, enum way way,
                                       const struct http_fields *fields);

/* The same of a head that nobody has read yet. */
static inline struct mapi_message *mapi_conn_head(struct mapi_conn *conn, struct when when, enum way way,
                                                  const struct http_head *head)
{
    struct http_fields fields;
    http_fields_read(head, &fields);
    return mapi_conn_message(conn, when, way, &fields);
}

/* So many bytes of that direction begin a head that is not whole behind what was fed of the frame. */
void mapi_conn_halfway(struct mapi_conn *conn, struct when when, enum way way, size_t bytes);
/* Body bytes of the message under way, chunk framing taken off. */
void mapi_conn_data(struct mapi_conn *conn, struct when when, enum way way, const uint8_t *p, size_t len);
void mapi_conn_end(struct mapi_conn *conn, struct when when, enum way way);
/* Bytes are missing: the message under way in that direction is given up. */
void mapi_conn_lost(struct mapi_conn *conn, struct when when, enum way way);
/* What the body of a message that ended in this frame says; sentence: text of an error page,
 * or empty. Between mapi_conn_end() and mapi_conn_segment(). The spans need not outlive the call. */
void mapi_conn_facts(struct mapi_conn *conn, struct mapi_message *message, const struct mapi_facts *facts,
                     struct span sentence);
/* The same of what a Connect or Execute says of the client. */
struct client_facts;
void mapi_conn_told(struct mapi_conn *conn, struct mapi_message *message, const struct client_facts *facts);
/* Whose the session of that row of the report is, NULL if that is not known. */
struct client;
const struct client *mapi_state_client(const struct mapi_state *world, uint32_t row);
/* The number that the leg of that row has now: what is numbered by it may stand before what showed its place. No such row:
 * the other. */
uint32_t mapi_state_leg(const struct mapi_state *world, uint32_t row, uint32_t otherwise);
/* What will be kept of the ROPs of such an Execute, in message->rops; NULL where its request or response has none. At the
 * same time. */
struct rop_message *mapi_conn_rops(struct mapi_conn *conn, struct mapi_message *message);
/* The body of that request of type Execute cannot be read: what its ROPs did is not known. */
void mapi_conn_rops_unread(struct mapi_conn *conn, struct mapi_message *message);
/* Every TCP segment, after the events of its frame: finishes what ended in it. */
void mapi_conn_segment(struct mapi_conn *conn, const struct segment *segment);

#endif
