/* rpch.h
 * The rules for virtual connections, and what they share.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_RPCH_H
#define OUTLOOKHTTP_RPCH_H

#include "event.h"
#include "rpch_memo.h"

/* ---- rpch.c: subjects, evidence and words ------------------------------------------- */

/* leg may be NULL: a channel that is not numbered. Once: of the leg's present attempt. */
struct subject about_leg(struct judge *judge, const struct leg *leg);
/* The same, once of the channel. */
struct subject about_channel(struct judge *judge, const struct channel *channel);
struct attempt_memo *attempt_memo(struct judge *judge, const struct leg *leg);
/* Whether a finding of that kind was told of the present attempt. */
bool leg_told(const struct leg *leg, enum verdict_kind kind);
bool channel_told(const struct channel *channel, enum verdict_kind kind);
/* Whether the attempt has told that data of that role was held back. */
bool late_told(const struct leg *leg, enum role role);

/* From SYN on: of one channel's connection; of both that the leg has now. */
struct evidence evidence_channel(const struct channel *channel);
struct evidence evidence_leg(const struct leg *leg);
/* As finding_begin(); but where it cannot be told, the row does not say so. */
bool begin_quietly(struct finding *finding, struct judge *judge, enum verdict_kind kind, struct when when,
                   const struct subject *subject, const struct evidence *evidence);

#define CHANNEL_TEXT_MAX 128
const char *channel_text(char to[CHANNEL_TEXT_MAX], const struct channel *channel);

/* Pieces of a sentence, each in room of its own that lasts as long as the caller's block. */
#define CHANNEL(channel) channel_text((char[CHANNEL_TEXT_MAX]){ 0 }, channel) /* "IN to 10.0.0.81:80 (stream 3, frame 12)" */
#define PEER(channel) ENDPOINT(conn_server((channel)->conn->link))

/* The device between two legs: where both halves of the leg before end; NULL if not seen. */
const struct endpoint *device_before(const struct leg *leg);

/* ---- rpch_routing.c ------------------------------------------------------------------ */

void rpch_paired(struct judge *judge, const struct event *event);
void rpch_joined(struct judge *judge, const struct event *event);
void rpch_not_joined(struct judge *judge, const struct event *event);    /* EVENT_LEG_FAILED, too */

/* ---- rpch_channel.c ------------------------------------------------------------------ */

void rpch_alone(struct judge *judge, const struct event *event);
void rpch_lifetime(struct judge *judge, const struct event *event);
void rpch_window(struct judge *judge, const struct event *event);
void rpch_unanswered(struct judge *judge, const struct event *event);

/* ---- rpch_refusal.c ------------------------------------------------------------------ */

void rpch_refused(struct judge *judge, const struct event *event);
void rpch_challenge_left(struct judge *judge, const struct event *event);
void rpch_call(struct judge *judge, const struct event *event);

/* ---- rpch_end.c ---------------------------------------------------------------------- */

void rpch_channel_ended(struct judge *judge, const struct event *event);
void rpch_server_ended(struct judge *judge, const struct event *event);
void rpch_hindsight(struct judge *judge, const struct event *event);

/* ---- rpch_buffered.c ----------------------------------------------------------------- */

void rpch_out_came(struct judge *judge, const struct event *event);
void rpch_out_ended(struct judge *judge, const struct event *event);
void rpch_body(struct judge *judge, const struct event *event);

#endif
