/* judge.c
 * Hands each event to the rules that hear it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "judge.h"

#include "event.h"
#include "finding.h"
#include "gone.h"
#include "logon_rules.h"
#include "mapi_rules.h"
#include "rpch.h"

const struct judge_limits judge_limits_default = {
    .call_wait = 60 * SECOND,          /* servers answer in seconds; clients give up after a minute or two */
    .handshake_wait = 5 * SECOND,      /* far more than a set-up takes, less than clients wait */
    .buffered_wait = 2 * SECOND,       /* no network takes as long */
    .idle_least = 10 * SECOND,         /* devices have no shorter idle time-outs */
    .comeback_wait = 10 * SECOND,      /* Outlook connects anew sooner */
    .gone_window = 1 * SECOND,         /* a server that stops ends all its connections within that */
    .expect_wait = 5 * SECOND,         /* clients that go on without a 100 do so after a second or less */
    .unread_least = 10 * SECOND,       /* a program that lives reads sooner, however busy it is */
    .idle_alike = 1 * SECOND,          /* timers of devices are looked at once a second, some less often */
    .quiet_alike = 2 * SECOND,         /* and a clock that is set ahead by a second meanwhile shows nowhere */
    .kept_most = 120 * SECOND,         /* what servers keep open after a response: HTTP.sys by default */
    .refused_wait = 60 * SECOND,       /* Outlook connects anew sooner; what comes later has another cause */
    .back_wait = 5 * SECOND,           /* a server that only accepts connections is not back */
    .loss_wait = 10 * SECOND,          /* a client connects anew sooner */
    .answer_wait = 30 * SECOND,        /* servers begin to answer at once; clients give up after a minute or two */
    .notification_time = 300 * SECOND, /* Exchange keeps a NotificationWait without events open for five minutes */
    /* Administrators set time-outs in whole multiples of five seconds, hardly any below ten; what
     * half a second more or less takes in is the way of the packets. */
    .round_least = 10 * SECOND,
    .round_step = 5 * SECOND,
    .round_slack = SECOND / 2,
    .big_token = 12288,             /* HTTP.sys takes 16 KB of headers by default */
    .slow_above = 2 * SECOND,       /* people wait for it */
    .very_slow_above = 10 * SECOND, /* clients begin to give up */
    .refusals_told = 3,             /* one is a typing error or a stale ticket, two a prompt answered wrongly */
    .bearers_told = 3               /* one asks what the server offers, two may be a token under way */
};

struct judge *judge_new(const struct arena *arena, const struct judge_prefs *prefs)
{
    struct judge *judge = arena_new(arena, sizeof(*judge));
    judge->arena = *arena;
    judge->limits = prefs && prefs->limits ? *prefs->limits : judge_limits_default;
    judge->same_proxy_required = prefs && prefs->same_proxy_required;
    return judge;
}

static void request_began(struct judge *judge, const struct event *event)
{
    mapi_cookies_lost(judge, event);
    mapi_context_asked_for(judge, event);
    mapi_counter_went_back(judge, event);
}

static void status_came(struct judge *judge, const struct event *event)
{
    mapi_status_doubted(judge, event);
    mapi_requests_overlap(judge, event);
}

static void response_ended(struct judge *judge, const struct event *event)
{
    mapi_status_failed(judge, event);
    mapi_code_failed(judge, event);
    mapi_body_failed(judge, event);
    mapi_response_undone(judge, event);
    mapi_context_answered(judge, event);
    mapi_sequence_refused(judge, event);
}

static void time_passed(struct judge *judge, const struct event *event)
{
    gone_time_passed(judge, event);
    rpch_hindsight(judge, event);
    mapi_context_time_passed(judge, event);
}

static void mapi_segment_passed(struct judge *judge, const struct event *event)
{
    mapi_cut_by_both(judge, event);
    time_passed(judge, event);
}

static void segment_passed(struct judge *judge, const struct event *event)
{
    rpch_cut_by_both(judge, event);
    time_passed(judge, event);
}

/* No default: the compiler names a kind that nobody hears. */
static rule *rule_of(enum event_kind kind)
{
    switch (kind) {
    case EVENT_PAIRED:
        return rpch_paired;
    case EVENT_JOINED:
        return rpch_joined;
    case EVENT_NOT_JOINED:
    case EVENT_LEG_FAILED:
        return rpch_not_joined;
    case EVENT_ALONE:
        return rpch_alone;
    case EVENT_REFUSED:
        return rpch_refused;
    case EVENT_CHALLENGE_LEFT:
        return rpch_challenge_left;
    case EVENT_CHANNEL_ASKED:
        return rpch_asked;
    case EVENT_OUT_CAME:
        return rpch_out_came;
    case EVENT_OUT_ENDED:
        return rpch_out_ended;
    case EVENT_BODY_AWAITED:
        return rpch_body;
    case EVENT_CHANNEL_ENDED:
        return rpch_channel_ended;
    case EVENT_CONN_ENDED:
        return rpch_conn_ended;
    case EVENT_DATA_UNANSWERED:
        return rpch_unanswered;
    case EVENT_AWAITED:
        return rpch_awaited;
    case EVENT_CALL_AWAITED:
        return rpch_call_awaited;
    case EVENT_NOT_REPLACED:
        return rpch_not_replaced;
    case EVENT_CALL_FAILED:
        return rpch_call;
    case EVENT_LIFETIME_PASSED:
        return rpch_lifetime;
    case EVENT_WINDOW_PASSED:
        return rpch_window;
    case EVENT_SEGMENT_PASSED:
        return segment_passed;

    case EVENT_SESSION_BEGAN:
        return mapi_context_began;
    case EVENT_REQUEST_BEGAN:
        return request_began;
    case EVENT_STATUS:
        return status_came;
    case EVENT_OVERLAP_SHOWN:
        return mapi_requests_overlap;
    case EVENT_RESPONSE_LATE:
        return mapi_response_late;
    case EVENT_RESPONSE_ENDED:
        return response_ended;
    case EVENT_RESPONSE_CUT:
        return mapi_response_cut;
    case EVENT_REQUEST_UNANSWERED:
        return mapi_request_unanswered;
    case EVENT_SESSION_CONN_ENDS:
        return mapi_conn_ends;
    case EVENT_REQUEST_DROPPED:
        return mapi_request_dropped;
    case EVENT_SESSION_TIME_PASSED:
        return mapi_segment_passed;

    case EVENT_CHALLENGE_MISSING:
        return logon_challenge_missing;
    case EVENT_CREDENTIALS_ANSWERED:
        return logon_answered;
    case EVENT_CREDENTIALS_REFUSED:
        return logon_refused;
    case EVENT_OFFER:
        return logon_offered;
    case EVENT_STRANGER:
        return logon_stranger;
    case EVENT_CHALLENGE_UNANSWERED:
        return logon_passed_by;
    case EVENT_BEARERS_EMPTY:
        return logon_bearers_empty;
    case EVENT_TOKEN_LEFT:
        return logon_token_left;
    case EVENT_NO_CHALLENGE:
        return logon_no_challenge;

    case EVENT_SERVER_ANSWERED:
        return gone_answered;
    case EVENT_SERVER_REFUSED:
        return gone_refused;

    case EVENT_KINDS:
        break;
    }
    return NULL;
}

void judge_hear(void *judge, const struct event *event)
{
    struct judge *hearer = judge;
    rule *hears = rule_of(event->kind);
    if (hears) {
        hearer->hears = event;
        hears(hearer, event);
        hearer->hears = NULL;
    }
}

const struct verdict *judge_take(struct judge *judge)
{
    struct verdict_list all = { NULL, NULL };
    if (!judge->any_found) {
        return NULL; /* most frames */
    }
    judge->any_found = false;
    for (int kind = 0; kind < SUBJECTS; kind++) {
        verdict_move(&all, &judge->found[kind]);
    }
    return all.first;
}
