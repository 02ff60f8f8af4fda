/* judge.c
 * Hands each event to the rules that hear it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "judge.h"

#include "event.h"
#include "finding.h"
#include "logon_rules.h"
#include "mapi_rules.h"
#include "rpch.h"

struct judge *judge_new(const struct arena *arena, const struct judge_prefs *prefs)
{
    struct judge *judge = arena_new(arena, sizeof(*judge));
    judge->arena = *arena;
    if (prefs) {
        judge->prefs = *prefs;
    }
    return judge;
}

void judge_hear(void *ear, const struct event *event)
{
    struct judge *judge = ear;
    switch (event->kind) {       /* no default: a kind that nobody hears is a warning */
    case EVENT_PAIRED:
        rpch_paired(judge, event);
        break;
    case EVENT_JOINED:
        rpch_joined(judge, event);
        break;
    case EVENT_NOT_JOINED:
    case EVENT_LEG_FAILED:
        rpch_not_joined(judge, event);
        break;
    case EVENT_ALONE:
        rpch_alone(judge, event);
        break;
    case EVENT_REFUSED:
        rpch_refused(judge, event);
        break;
    case EVENT_CHALLENGE_LEFT:
        rpch_challenge_left(judge, event);
        break;
    case EVENT_OUT_CAME:
        rpch_out_came(judge, event);
        break;
    case EVENT_OUT_ENDED:
        rpch_out_ended(judge, event);
        break;
    case EVENT_BODY_AWAITED:
        rpch_body(judge, event);
        break;
    case EVENT_CHANNEL_ENDED:
        rpch_channel_ended(judge, event);
        break;
    case EVENT_SERVER_ENDED:
        rpch_server_ended(judge, event);
        break;
    case EVENT_DATA_UNANSWERED:
        rpch_unanswered(judge, event);
        break;
    case EVENT_CALL_FAILED:
        rpch_call(judge, event);
        break;
    case EVENT_LIFETIME_PASSED:
        rpch_lifetime(judge, event);
        break;
    case EVENT_WINDOW_PASSED:
        rpch_window(judge, event);
        break;
    case EVENT_SEGMENT_PASSED:
        rpch_hindsight(judge, event);
        break;
    case EVENT_SESSION_BEGAN:
        mapi_context_began(judge, event);
        break;
    case EVENT_REQUEST_BEGAN:
        mapi_cookies_lost(judge, event);
        mapi_context_asked_for(judge, event);
        mapi_counter_went_back(judge, event);
        break;
    case EVENT_STATUS:
        mapi_requests_overlap(judge, event);
        break;
    case EVENT_RESPONSE_LATE:
        mapi_response_late(judge, event);
        break;
    case EVENT_RESPONSE_ENDED:
        mapi_status_failed(judge, event);
        mapi_code_failed(judge, event);
        mapi_body_failed(judge, event);
        mapi_context_answered(judge, event);
        mapi_sequence_refused(judge, event);
        break;
    case EVENT_RESPONSE_CUT:
        mapi_response_cut(judge, event);
        break;
    case EVENT_REQUEST_UNANSWERED:
        mapi_request_unanswered(judge, event);
        break;
    case EVENT_UNUSED_CONN_ENDED:
        mapi_unused_conn_ended(judge, event);
        break;
    case EVENT_SESSION_CONN_ENDED:
        mapi_context_conn_ended(judge, event);
        break;
    case EVENT_SESSION_TIME_PASSED:
        mapi_context_time_passed(judge, event);
        mapi_end_time_passed(judge, event);
        break;
    case EVENT_CHALLENGE_MISSING:
        logon_challenge_missing(judge, event);
        break;
    case EVENT_CREDENTIALS_ANSWERED:
        logon_answered(judge, event);
        break;
    case EVENT_CREDENTIALS_REFUSED:
        logon_refused(judge, event);
        break;
    case EVENT_OFFER:
        logon_offered(judge, event);
        break;
    case EVENT_STRANGER:
        logon_stranger(judge, event);
        break;
    case EVENT_CHALLENGE_UNANSWERED:
        logon_passed_by(judge, event);
        break;
    case EVENT_BEARERS_EMPTY:
        logon_bearers_empty(judge, event);
        break;
    case EVENT_KINDS:
        break;
    }
}

const struct verdict *judge_take(struct judge *judge)
{
    struct verdict_list all = { NULL, NULL };
    for (int kind = 0; kind < SUBJECTS; kind++) {
        verdict_move(&all, &judge->found[kind]);
    }
    return all.first;
}
