/* session_private.h
 * The steps by which the state of MAPI/HTTP advances. Each file calls only those above it here.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_SESSION_PRIVATE_H
#define OUTLOOKHTTP_SESSION_PRIVATE_H

#include "chars.h"
#include "clocks.h"
#include "event.h"
#include "session.h"

#define SENT_MAX 40 /* cookies of one request */
#define TEXT_MAX 256

/* ---- mapi_head.c ---------------------------------------------------------------------- */

/* The one copy, cut to TEXT_MAX; NULL for an empty one. */
const char *mapi_state_keep(struct mapi_state *world, struct span span);
/* Decimal digits, at most 15; -1 where it is no number. */
int64_t mapi_read_number(struct span s);
/* The path of a URI in any form; query: what is behind "?", or empty. */
struct span mapi_path(struct span uri, struct span *query);
/* 1 emsmdb, 2 nspi, 0 neither. */
uint8_t mapi_endpoint(struct span path);
/* The same of an enum mapi_type. */
uint8_t mapi_endpoint_of_type(uint8_t type);
bool mapi_is_content_type(struct span content_type);
/* How long the server keeps the connection after a response: "timeout=5, max=100" of Keep-Alive; 0 if it does not say. */
int64_t mapi_kept_ns(struct span keep_alive);
/* MailboxId of a query, or empty. */
struct span mapi_mailbox(struct span query);
/* Whether it asks for the mailbox of whoever logs on. */
bool mapi_own_mailbox(struct span query);
/* Stands for a value that is not kept. */
uint64_t mapi_digest(const struct mapi_state *world, const uint8_t *p, size_t len);
/* "{GUID}:counter", letters of the GUID in any case. False where there is no counter. */
bool mapi_read_request_id(const struct mapi_state *world, struct span value, struct request_id *id);

/* ---- jar.c ---------------------------------------------------------------------------- */

struct sent { /* a cookie of a request */
    struct span name;
    struct span value;
    uint64_t digest;
    struct session *owner; /* the only one that was given it */
    uint32_t given_frame;  /* the last that gave it */
    bool names;            /* that session: its Connect or Bind gave it */
};

/* The only session that was given that value, or NULL. It is now given, by a response whose session is not known. */
const struct session *jar_owner_given(const struct reply *reply, const struct cookie *cookie);
/* The values that a response sets are the session's. begins: those of its Connect or Bind, which name it. */
void jar_own_all(struct session *session, const struct reply *reply, bool begins);
/* What a client brings to a Connect or Bind that begins another session names none. */
void jar_note_brought(struct mapi_state *world, const struct sent *sent, unsigned count, uint8_t endpoint);
/* Without its port. */
struct span jar_host_name(struct span host);
/* RFC 6265 5.1.4 */
const char *jar_default_path(struct mapi_state *world, struct span path);
/* Notes a cookie with the response; what balancers set does not count. */
void jar_read_set_cookie(struct reply *reply, struct span text, const struct http_fields *fields);
/* The cookies of a request; returns how many. */
unsigned jar_read_sent(const struct exchange *request, const struct http_fields *fields, struct sent sent[SENT_MAX]);
/* The session that they name, or NULL; of several that of the longest value. */
struct session *jar_session_of(const struct sent *sent, unsigned count);
/* Compares what the request carries with what the client was given last on this leg. */
void jar_check(struct exchange *request, const struct sent *sent, unsigned count, struct span path, struct when when);
/* The clock of the capture was set back by that much: what had expired stays so, the rest lasts no longer. */
void jar_set_back(struct side *side, int64_t ns);
/* What the client was given by a complete success; or by another response, of which it may
 * know or not. beside: its request may pass others. */
void jar_fill(struct side *side, const struct reply *reply, bool success, bool beside);

/* ---- request.c ------------------------------------------------------------------------ */

void request_emit(const struct exchange *request, enum event_kind kind, struct when when);
void reply_emit(const struct reply *reply, enum event_kind kind, struct when when);
/* shown: what the head shows of a logon, or NULL. */
void mapi_conn_note_user(struct mapi_conn *conn, const struct auth_shown *shown);
const struct auth_shown *mapi_state_keep_shown(struct mapi_state *world, const struct auth_shown *shown);
struct mapi_message *mapi_message_new(struct mapi_conn *conn, struct when when, bool is_response);
struct reply *reply_new(struct mapi_conn *conn);
void reply_free(struct reply *reply);

/* ---- sequence.c ----------------------------------------------------------------------- */

/* Notes the counter with its leg: one that skips shows requests that the capture lacks. */
void sequence_note_id(struct exchange *request);
/* Another request of the context that is under way. */
void sequence_note_overlap(struct exchange *request);
/* X-RequestId of a context rises (2.2.3.3.2); NotificationWait counts apart. */
void sequence_note_counter(struct exchange *request);
/* More of its response came. Emits EVENT_OVERLAP_SHOWN. */
void sequence_note_more(struct exchange *request, struct when when);
/* The head of its response came. Emits EVENT_STATUS. */
void sequence_note_answer(struct exchange *request, const struct reply *reply, struct when when);

/* ---- session_client.c ------------------------------------------------------------------ */

/* A Connect or Bind begins; the response to one. */
void session_hears_head(struct exchange *request, const struct http_fields *fields);
void session_hears_answer(struct mapi_conn *conn, const struct http_fields *fields);
/* Whose the session is, if that request is on the leg next to the client: at its Connect or Bind, which a response, perhaps
 * on a leg behind, has answered; and later, where more is known. */
void session_client(struct exchange *request, const struct reply *reply);
/* Connect or Bind came to nothing. */
void session_client_refused(const struct reply *reply);

/* ---- session.c ------------------------------------------------------------------------ */

/* session and side: NULL if not known. */
void session_fill_message(struct mapi_message *message, const struct session *session, const struct side *side);
/* Whose request it is: by its cookies, the leg before, or its X-RequestId. */
void session_find(struct exchange *request, const struct http_fields *fields, struct span path);
/* The request of this response was not captured: the client now knows cookies that belong
 * to a session, but on which leg is not known. */
void session_miss_request(const struct reply *reply, struct when when);
/* A response is over, whole or cut: tells of it, and its session learns from it. Frees it. */
void session_finish(struct reply *reply, struct when when);

/* ---- pending.c ------------------------------------------------------------------------ */

/* Emits EVENT_RESPONSE_LATE if bytes of this frame came late. */
void pending_tell_late(struct reply *reply, struct when when);

/* The client's end closes: the same if PENDING had been due for long by then (reply->overdue). */
void pending_tell_overdue(struct reply *reply, struct when when);

/* ---- half_closed.c -------------------------------------------------------------------- */

/* Whether the client, which closes its side, does so directly behind what it asked. */
bool half_closed_directly(const struct mapi_conn *conn, struct when when);
/* What it asked may still be answered. */
void half_closed_wait(struct mapi_conn *conn);
/* Emits what was kept of that: nothing comes any more. */
void half_closed_tell(struct mapi_conn *conn, struct when when);
/* The same of all that have waited for long. */
void half_closed_time_passed(struct mapi_state *world, struct when when);

/* ---- dropped.c ------------------------------------------------------------------------ */

/* Watches whether what a client sends after long idle time is acknowledged. new_data: of conn_segment().
 * Emits EVENT_REQUEST_DROPPED. */
void dropped_segment(struct mapi_conn *conn, const struct segment *segment, bool new_data);

/* ---- response.c ----------------------------------------------------------------------- */

/* The response under way goes on, but nobody can follow it: one that failed by its head ends here. */
void response_lose(struct mapi_conn *conn, struct when when);
/* request: that it answers, NULL if not known. NULL where it is none of MAPI/HTTP. */
struct mapi_message *response_head(struct mapi_conn *conn, struct when when, const struct http_fields *fields,
                                   const struct auth_shown *shown, struct exchange *request);
/* The response under way is over, but for what the frame that it ends in still says. */
void response_end(struct mapi_conn *conn, struct when when);

#endif
