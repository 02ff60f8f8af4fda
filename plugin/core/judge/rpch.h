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
/* If its row says that kind, told on that frame or, if 0, on any: by what came later it is somebody else's doing. */
void leg_place(const struct leg *leg, enum verdict_kind kind, uint32_t frame, enum verdict_where where, bool seen);
/* If its row says that kind: by what came later it does not show whose doing it is, for that reason. */
void leg_take_back(const struct leg *leg, enum verdict_kind kind, const char *why);
/* Whether a finding of that kind was told of the present attempt. */
bool leg_told(const struct leg *leg, enum verdict_kind kind);
/* Whether it was told that the server's end cut it. */
bool leg_cut_told(const struct leg *leg);
/* Whether the attempt has told that data of that role was held back. */
bool late_told(const struct leg *leg, enum role role);
/* Whether it was told that what comes on that role of the leg, or of the leg before on its way there, is held back. */
bool held_back_told(const struct leg *leg, enum role role);

/* Whether a request of it says for whom a device sent it: then its client is that device, though the leg before was not
 * captured. */
bool leg_is_forwarded(const struct leg *leg);
bool channel_is_forwarded(const struct channel *channel);
/* Whether the clocks of two legs differ, and nothing proves which of them is in front. */
bool leg_is_unordered(const struct leg *leg);
/* Its request, as logons know it; NULL if they do not. */
const struct exchange *channel_request(const struct channel *channel);

/* From SYN on: of one channel's connection; of both that the leg has now. */
struct evidence *evidence_channel(struct judge *judge, const struct channel *channel);
struct evidence *evidence_leg(struct judge *judge, const struct leg *leg);
/* The same since a frame. */
struct evidence *evidence_leg_since(struct judge *judge, const struct leg *leg, uint32_t since);
/* As finding_begin(); but where it cannot be told, the row does not say so. */
struct finding begin_quietly(struct judge *judge, enum verdict_kind kind, struct when when, struct subject subject,
                             const struct evidence *evidence);

/* "IN to 10.0.0.81:80 (stream 3, frame 12)" */
#define CHANNEL(channel) channel_text((char[PIECE_MAX]){ 0 }, channel)
#define PEER(channel) SERVER_OF((channel)->conn)

const char *channel_text(char to[PIECE_MAX], const struct channel *channel);
/* "Seen: IN to ...", and its target. */
void say_channel(struct text *text, const struct channel *channel);

/* Whether times of two legs may be compared: their clocks do not differ. */
bool legs_compare(const struct leg *front, const struct leg *back);
/* A connection of the leg, NULL without one. */
const struct conn *leg_link(const struct leg *leg);
/* The device between two legs: where both halves of the leg before end; NULL if not seen. */
const struct endpoint *device_before(const struct leg *leg);

/* ---- rules ---------------------------------------------------------------------------- */

/* rpch_routing.c: whether the halves meet */
rule rpch_paired, rpch_joined, rpch_not_joined; /* the last of EVENT_LEG_FAILED, too */

/* rpch_channel.c: channels on their own, that go silent, or that carry too much */
rule rpch_alone, rpch_lifetime, rpch_window, rpch_unanswered;

/* rpch_refusal.c: channels and calls that are refused */
rule rpch_refused, rpch_challenge_left, rpch_call;

/* rpch_awaited.c: what is owed and does not come; the server's end has ended OUT under a call */
rule rpch_awaited, rpch_not_replaced, rpch_call_awaited;
void rpch_call_ended(struct judge *judge, const struct event *event);

/* rpch_end.c: channels that the server's end closes */
rule rpch_conn_ended, rpch_channel_ended;

/* rpch_cut.c: channels in use that the server's end closes. True: it is one */
bool rpch_cut(struct judge *judge, const struct event *event);
rule rpch_cut_in_clients_name;
rule rpch_cut_by_both; /* the RST that did it went to the other end, too */

/* rpch_idle.c: idle channels that the server's end closes; looked at again a second later */
rule rpch_idle_closed, rpch_hindsight;
rule rpch_idle_ended; /* after whatever is told of it */

/* rpch_comeback.c: clients that come back */
rule rpch_asked;
void rpch_comeback_ended(struct judge *judge, const struct event *event);
/* It was told that the leg did not open. */
void rpch_not_opened(struct judge *judge, const struct leg *leg);
/* A leg of the same client, target and OutlookSession as leg, which is open, that did not; NULL: there is none left. */
const struct leg *rpch_opened_instead(struct judge *judge, const struct leg *leg);

/* rpch_buffered.c: devices that hold data back */
rule rpch_out_came, rpch_out_ended, rpch_body;
/* What has come on OUT of the leg behind is missing here: true if that is told, or was. */
bool rpch_out_held(struct judge *judge, const struct leg *leg, struct when when);

#endif
