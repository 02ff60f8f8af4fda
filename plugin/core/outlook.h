/* outlook.h
 * All that is known of one capture file: the state of each protocol and what was found.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_OUTLOOK_H
#define OUTLOOKHTTP_OUTLOOK_H

#include "auth.h"
#include "conn.h"
#include "judge.h"
#include "logons.h"
#include "mapi.h"
#include "timing.h"
#include "vconn.h"
#include "verdict.h"

struct client;
struct client_facts;

struct outlook {
    struct track track;
    struct rpch_state *rpch;
    struct mapi_state *mapi;
    struct logon_state *logons; /* of both */
    struct judge *judge;        /* hears what the others emit */
};

/* All memory comes from the arena, and lives as long. */
struct outlook *outlook_new(const struct arena *arena, const struct judge_prefs *prefs);
/* The thresholds of rules as they are unless prefs say otherwise. */
const struct judge_limits *outlook_usual_limits(void);

/* Frames of TCP are captured on that interface from now on, this one the first; before all else that is said of it. */
void outlook_captured(struct outlook *outlook, uint32_t interface, struct when when);
/* Data of a connection that nobody claimed came from that end. */
void outlook_heard(struct outlook *outlook, const struct endpoint *end, struct when when);
/* That end answered a SYN by RST. */
void outlook_refused(struct outlook *outlook, const struct endpoint *end, struct when when);

/* What the events since the last call have proved, in the order RPC over HTTP, MAPI/HTTP,
 * logons, or NULL; to be shown on the frame of those events. */
const struct verdict *outlook_take_verdicts(struct outlook *outlook);

/* Tells the state what the body of a message says. body: whole and as sent, with the envelope of
 * MS-OXCMAPIHTTP 2.2.7 in front of a response's, or empty if it cannot be read; sentence: the
 * beginning of an error page, or empty. */
void outlook_learn_body(struct mapi_conn *conn, struct mapi_message *message, struct span body, struct span sentence);
/* Whether it is whole by its own marks: to the end of what its type says, nothing left and nothing missing. */
bool outlook_body_is_complete(const struct mapi_message *message, struct span body);

/* A failed request is answered with text for people in place of a body (2.2.3.3.3). */
static inline bool mapi_message_failed(const struct mapi_message *message)
{
    return message->is_response && message->has_code && message->code != 0;
}

/* What a mark of a frame stands for. */
void outlook_mark_show(const struct vc_mark *mark, struct vc_snapshot *snapshot);
/* The numbers of the place of a frame, as they are now: a leg gets another where one in front of it stands behind it in the
 * capture. NO_NUMBER: not numbered. */
void outlook_place_show(const struct vc_place *place, uint32_t *vc, uint32_t *leg);
/* The same of a message, and of whom a verdict is about. */
uint32_t outlook_message_leg(const struct outlook *outlook, const struct mapi_message *message);
uint32_t outlook_victim_leg(const struct outlook *outlook, const struct victim *victim);

/* The number of the virtual connection of a row of the report, NO_NUMBER if there is none. */
uint32_t outlook_connection_number(const struct outlook *outlook, uint32_t row);

/* A session context handle was given out, with that code page (0: not known): what it had before is over. */
struct rop_session;
void outlook_begin_rops(struct outlook *outlook, struct rop_session **session, uint32_t code_page);
/* Calls with the handle are missing from the capture, or parts of one. */
void outlook_missed_rops(struct rop_session *session);
/* Those of a call of EMSMDB, for the first reading. *session: of its context handle; made on first use. request: of a
 * response, NULL if it was not captured. when: its last frame. Call outlook_end_rops() behind the reading. */
struct rop_message *outlook_learn_rops(struct outlook *outlook, struct rop_session **session, bool response,
                                       struct when when, struct rop_message *request, struct rop_host *host);
void outlook_end_rops(struct rop_message *rops);
/* A call of EMSMDB says something of the client, if only that he calls: of the row of the report that carried it, or,
 * where row is NO_NUMBER, of a connection of plain RPC from there, whose slot is NULL at first (from: NULL if it is the
 * server's). */
void outlook_learn_client(struct outlook *outlook, struct client **slot, uint32_t row, const struct endpoint *from,
                          struct when when, const struct client_facts *facts);
/* The leg of that row of the report (rpch_conn_row()) carried the call, if there is such a row. Behind its end. */
void outlook_carried_rops(struct outlook *outlook, uint32_t row, const struct rop_message *rops);
/* The ROPs of a message whose first reading is over (mapi_message.rops), for another that shows what that knew. names:
 * room for what the host points at, as long as it is used. */
struct rop_host;
struct property_names;
void outlook_replay_rops(struct rop_message *rops, struct rop_host *host, struct property_names *names);
/* Where they were read first. */
uint32_t outlook_rops_frame(const struct rop_message *rops);
/* What they are, and which failed, in one line (rop_text.h); the same in every pass. */
void outlook_say_rops(const struct rop_message *rops, struct text *text);

/* Request types and operations of calls by one row of numbers (timing.h), and what they are called. */
uint16_t outlook_operation_of_type(uint8_t type);
uint16_t outlook_operation_of_call(uint8_t interface, uint16_t opnum);
const char *outlook_operation_text(char to[OPERATION_TEXT_MAX], uint16_t operation);
/* Without its interface. */
const char *outlook_call_text(char to[OPERATION_TEXT_MAX], uint8_t interface, uint16_t opnum);

#endif
