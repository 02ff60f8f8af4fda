/* dissect_outlook.h
 * Shows what both protocols share: verdicts, logons, names of requests and servers.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_DISSECT_OUTLOOK_H
#define OUTLOOKHTTP_DISSECT_OUTLOOK_H

#include "compat.h"

#include <epan/expert.h>

#include "outlook.h"
#include "show_calls.h"

/* Registers its fields, and fills in its calls. */
void outlook_register_show(struct show_calls *calls);
void outlook_set_severities(bool same_proxy_required);

extern int outlook_hf_request_id, outlook_hf_client_request_id, outlook_hf_front_end, outlook_hf_failure_context,
    outlook_hf_cas_error;
/* Parts what comes from what stands in Info, whoever wrote it. */
void outlook_next_in_info(packet_info *pinfo);
void outlook_show_in_info(packet_info *pinfo, const char *protocol, const char *text);
/* ": " and what a message has of ROPs; false if that is nothing. rops may be NULL. */
bool outlook_say_rops_in_info(const struct rop_message *rops, struct text *text);
/* Tells statistics of them, in the frame of their message; rops may be NULL. */
void outlook_tap_rops(packet_info *pinfo, const struct rop_message *rops);
/* Each verdict by its sentence, with the three parts of its text and its expert item. */
void outlook_show_verdicts(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, const struct verdict *verdicts);
void outlook_show_auth(proto_tree *tree, tvbuff_t *tvb, const struct auth_shown *auth);
/* What is wrong at a place, with its expert item; that is made without a tree, too: taps and -z expert want it. */
void outlook_show_problem(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, expert_field *expert, int offset,
                          int len, const char *text);
bool outlook_wants_expert(void);
/* A filter builds a tree in which only what it asks for counts: mostly not what is in a body, and a body costs most of
 * all. Expert items, also those of a filter, come from broken ones. proto: of the body, whose ROPs are mapihttp's. */
bool outlook_bodies_are_seen(proto_tree *tree, int proto); /* somebody counts expert items, tree or not */

/* Generated items; those of a text that is NULL or empty, of NO_NUMBER, of 0 (nonzero), and of a logon that is NULL
 * are left out. */
void outlook_show_known(proto_tree *tree, int hf, tvbuff_t *tvb, const char *text);
void outlook_show_number(proto_tree *tree, int hf, tvbuff_t *tvb, uint32_t number);
void outlook_show_nonzero(proto_tree *tree, int hf, tvbuff_t *tvb, uint32_t number);
void outlook_show_interval(proto_tree *tree, int hf, tvbuff_t *tvb, int64_t ns);

#endif
