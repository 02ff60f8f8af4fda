/* mapi_rules.h
 * The rules for MAPI/HTTP: each is a function of an event and looks at something cheap first.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_MAPI_RULES_H
#define OUTLOOKHTTP_MAPI_RULES_H

#include "event.h"
#include "mapi_memo.h"
#include "sender.h"

/* mapi_answer.c: what responses say, of EVENT_RESPONSE_ENDED */
rule mapi_status_doubted; /* but this: of EVENT_STATUS */
rule mapi_status_failed, mapi_code_failed, mapi_body_failed;

/* mapi_sequence.c: the order of requests in a context */
rule mapi_counter_went_back; /* EVENT_REQUEST_BEGAN */
rule mapi_requests_overlap;  /* EVENT_STATUS, EVENT_OVERLAP_SHOWN */
rule mapi_sequence_refused;  /* EVENT_RESPONSE_ENDED */

/* mapi_session.c: contexts that a server does not know, cookies that are lost */
rule mapi_cookies_lost, mapi_context_asked_for; /* EVENT_REQUEST_BEGAN */
rule mapi_context_began;                        /* EVENT_SESSION_BEGAN */
rule mapi_context_answered;                     /* EVENT_RESPONSE_ENDED */
rule mapi_context_time_passed;                  /* EVENT_SESSION_TIME_PASSED */

/* mapi_late.c: PENDING that comes late */
rule mapi_response_late; /* EVENT_RESPONSE_LATE */

/* mapi_end.c: connections that end under requests */
rule mapi_response_cut, mapi_request_unanswered;
rule mapi_response_undone; /* EVENT_RESPONSE_ENDED */
rule mapi_cut_by_both;     /* EVENT_SESSION_TIME_PASSED: the RST that did it went to the other end, too; mapi_ender.c */

/* mapi_gone.c: servers that are gone, requests that nobody acknowledges */
rule mapi_conn_ends, mapi_request_dropped;

/* ---- for them, mapi_words.c -------------------------------------------------------------- */

/* Of a request. */
struct request_memo {
    struct once once;
    uint32_t late_behind;   /* the next leg's, that began in this frame, was found to answer late */
    uint32_t undone_behind; /* the same, to end in order without DONE */
};

struct request_memo *memo_of_request(struct judge *judge, const struct exchange *request);
struct side_memo *memo_of_side(struct judge *judge, const struct side *side);
/* side: NULL if it is about no session, then leg counts. */
struct subject about_side(struct judge *judge, const struct side *side, uint32_t leg);
struct subject about_request(struct judge *judge, const struct exchange *request);
/* The same, told once of the request. */
struct subject about_request_once(struct judge *judge, const struct exchange *request);

/* That the client was given nothing, and sent nothing, on these connections that is not seen;
 * other may be NULL. */
struct evidence *evidence_of(struct judge *judge, const struct exchange *request, const struct mapi_conn *other);

/* Who sends it on this leg. */
enum sender mapi_sender(const struct exchange *request);

/* The session's next leg, where all that it sent there was captured and this request is not in it: a device on the way
 * kept it, or it went to a server outside the capture. NULL where that cannot be told. */
const struct side *mapi_kept_before(const struct exchange *request);
/* "; leg 1 of the session (stream 3) does not have the request: ..." */
void say_kept(struct text *text, const struct exchange *request, const struct side *kept);

/* The leg before was through first with this verdict, and what comes here shows that its time does not prove whose it is:
 * the item stays, the row takes that back. */
void mapi_take_back(const struct exchange *request, enum verdict_kind kind, const char *why);

struct held *held_new(struct judge *judge, const struct finding *finding);
void held_free(struct judge *judge, struct held *held);

/* Pieces of a sentence, each in room of its own that lasts as long as the caller's block. */
#define CODE_MAX 480
#define REQUEST(request) request_text((char[PIECE_MAX]){ 0 }, request)
#define CODE(what, reply) code_text((char[CODE_MAX]){ 0 }, what, reply)

/* "Execute (frame 7, stream 2, to 10.0.0.80:443)" */
const char *request_text(char *to, const struct exchange *request);
/* "code 10 (Context Not Found) with the words ...", and what it means where they disagree. */
const char *code_text(char *to, const char *what, const struct reply *reply);
const char *type_text(uint8_t type);

#endif
