/* origin.c
 * Where an event came up: what a finding of it says beside its words.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "finding.h"

#include "event.h"
#include "logon_state.h"
#include "rpch_state.h"
#include "session.h"

static struct origin of_request(const struct exchange *request)
{
    if (!request) {
        return (struct origin){ .conn = NULL };
    }
    const struct account *account = request->account;
    return (struct origin){ .conn = request->link,
                            .user = request->user && request->user[0] ? request->user :
                                    account                           ? account->user :
                                                                        NULL,
                            .scheme = request->scheme,
                            .host = request->site };
}

static struct origin of_reply(const struct reply *reply)
{
    struct origin origin = of_request(reply->request);
    origin.conn = reply->conn->link;
    origin.request_id = reply->request_id;
    return origin;
}

static struct origin of_logon_conn(const struct logon_conn *conn, const struct account *account)
{
    struct origin origin = { .conn = conn ? conn->link : NULL };
    if (account) {
        origin.user = account->user;
        origin.host = account->host;
        origin.scheme = account->scheme;
    }
    return origin;
}

static struct origin of_answer(const struct logon_answer *answer)
{
    struct origin origin = of_request(answer->request);
    if (answer->account) {
        origin = of_logon_conn(answer->conn, answer->account);
    }
    origin.conn = answer->conn->link;
    return origin;
}

static struct origin of_type3(const struct lone_type3 *type3)
{
    struct origin origin = of_logon_conn(type3->conn, type3->account);
    origin.user = type3->user;
    return origin;
}

/* Of a series the last. */
static struct origin of_tried(const struct tried *tried)
{
    const struct in_a_row *row = tried->of;
    const unsigned count = !row ? 0 : row->count < SERIES_KEPT ? row->count : SERIES_KEPT;
    struct origin origin = of_logon_conn(count ? row->at[count - 1].conn : NULL, NULL);
    origin.host = tried->host;
    return origin;
}

static struct origin of_left(const struct left_token *left)
{
    struct origin origin = of_logon_conn(left->conn, NULL);
    origin.user = left->user;
    origin.host = left->site;
    return origin;
}

static struct origin of_logon(const struct event *event)
{
    switch (event->kind) {
    case EVENT_CHALLENGE_MISSING:
        return of_type3(event->logon.type3);
    case EVENT_CREDENTIALS_ANSWERED:
    case EVENT_CREDENTIALS_REFUSED:
    case EVENT_OFFER:
        return of_answer(event->logon.answer);
    case EVENT_STRANGER:
        return of_request(event->logon.request);
    case EVENT_CHALLENGE_UNANSWERED:
        return of_logon_conn(event->logon.unanswered.conn, NULL);
    case EVENT_BEARERS_EMPTY:
        return of_logon_conn(event->logon.rounds->conn, NULL);
    case EVENT_TOKEN_LEFT:
        return of_left(event->logon.left);
    case EVENT_NO_CHALLENGE:
        return of_tried(event->logon.tried);
    default:
        return (struct origin){ .conn = NULL };
    }
}

static struct origin of_session(const struct event *event)
{
    switch (event->kind) {
    case EVENT_REQUEST_BEGAN:
    case EVENT_STATUS:
    case EVENT_OVERLAP_SHOWN:
    case EVENT_REQUEST_UNANSWERED:
        return of_request(event->session.request);
    case EVENT_RESPONSE_LATE:
    case EVENT_RESPONSE_ENDED:
    case EVENT_RESPONSE_CUT:
        return of_reply(event->session.reply);
    case EVENT_REQUEST_DROPPED:
        return (struct origin){ .conn = event->session.dropped.silent->link };
    default:
        return (struct origin){ .conn = NULL };
    }
}

struct origin origin_of(const struct event *event)
{
    if (!event || event->kind >= EVENT_SERVER_ANSWERED) {
        return (struct origin){ .conn = NULL };
    }
    if (event->kind >= EVENT_CHALLENGE_MISSING) {
        return of_logon(event);
    }
    if (event->kind >= EVENT_SESSION_BEGAN) {
        return of_session(event);
    }
    return (struct origin){ .conn = event->rpch.channel ? channel_tcp(event->rpch.channel) : NULL };
}
