/* mapi_answer.c
 * What responses say: statuses, X-ResponseCode, and the codes of their bodies.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "answer.h"
#include "credentials.h"
#include "logon_state.h"
#include "mapi_rules.h"

#include "clocks.h"
#include "names.h"

/* ---- statuses ----------------------------------------------------------------------------- */

/* Whether a time looks like the time-out of a device. */
static bool is_round(const struct judge_limits *limits, int64_t ns)
{
    const int64_t rest = ns % limits->round_step, slack = limits->round_slack;
    return ns >= limits->round_least - slack && (rest <= slack || rest >= limits->round_step - slack);
}

/* Whether the next leg has the request, and not this answer: another, or none although all of it was captured. By
 * another clock it may come yet; and what Exchange wrote came from a server, be it one outside the capture. */
static bool is_from_between(const struct reply *reply)
{
    const struct exchange *request = reply->request;
    const struct there *there = &request->there;
    if (!there->conn || there->status) {
        return there->conn && there->status != reply->status;
    }
    return conn_doubt(there->conn->link, NULL) == DOUBT_NONE && !clocks_differ(request->link, there->conn->link) &&
           !http_is_exchange((enum http_author)reply->author);
}

/* The next leg has this 401 with its offers. */
static bool is_stripped(const struct reply *reply)
{
    return reply->bare && reply->request->below_offers;
}

/* That address answered the session's requests before. */
static bool was_served(const struct exchange *request)
{
    const struct side *side = request->side;
    return side && side->success.frame && side->success_conn &&
           side->success_conn->link->server == request->link->server;
}

static struct answer answer_of(const struct judge_limits *limits, const struct reply *reply)
{
    const struct exchange *request = reply->request;
    const struct mapi_message *message = reply->message;
    const int64_t waited = request->ended ? message->begin.ns - request->end.ns : message->elapsed_ns;
    struct answer answer = { .protocol = ANSWER_MAPI,
                             .author = (enum http_author)reply->author,
                             .status = reply->status,
                             .traits = answer_words(reply->words) };
    answer.traits |= request->auth_len <= limits->big_token ? 0u :
                     request->scheme_id == AUTH_NEGOTIATE   ? ANSWER_BIG_TOKEN :
                                                              ANSWER_LONG_HEADERS;
    answer.traits |= request->expects && !request->go_on.frame && !request->ended && !request->message->body_length ?
                         ANSWER_EXPECT :
                         0u;
    answer.traits |= request->has_mailbox ? 0u : ANSWER_NO_MAILBOX;
    answer.traits |= is_round(limits, waited) ? ANSWER_ROUND : 0u;
    answer.failure = (enum http_front_failure)reply->front_failure;
    answer.traits |= is_from_between(reply) ? ANSWER_PASSED_ON : 0u;
    answer.traits |= reply->bare ? ANSWER_BARE : 0u;
    answer.traits |= reply->conn->auth->proxy_asks ? ANSWER_UNTRIED : 0u;
    answer.traits |= reply->circles ? ANSWER_CIRCLE : 0u;
    answer.traits |= was_served(request) ? ANSWER_SERVED : 0u;
    return answer;
}

/* What a probe or a browser gets that looks at the endpoint: neither is a request of it. */
static bool is_look(const struct exchange *request, unsigned status)
{
    return request && request->look &&
           (request->options || status == 200 || status == 301 || status == 302 || status == 401 || status == 403 ||
            status == 404 || status == 405);
}

static bool is_failed_status(const struct reply *reply)
{
    const struct exchange *request = reply->request;
    if (reply->message->has_code || (reply->status == 401 && !reply->bare) || is_look(request, reply->status)) {
        return false;
    }
    if (reply->status == 200) {
        return reply->page || reply_is_foreign(reply);
    }
    if (reply->status / 100 == 3) {
        return reply->status != 304 && (!reply->to_mapi || reply->circles == CIRCLES_MANY);
    }
    if (reply->status == 407) {
        return request && ((request->proxy_final && !reply->proxy_challenge) ||
                           reply->conn->auth->proxy_asks == PROXY_ASKS_MANY); /* else a step */
    }
    return reply->status >= 400;
}

/* Server is written by whoever passes a response on, too: that it names Windows rules nothing out. */
static bool is_windows_server(const char *server)
{
    const struct span name = { (const uint8_t *)server, server ? strlen(server) : 0 };
    return span_starts_nocase(name, "Microsoft-");
}

/* What the next leg has of it. */
static void say_behind(struct text *text, const struct reply *reply, const struct side *kept)
{
    const struct exchange *request = reply->request;
    const struct there *there = &request->there;
    if (is_stripped(reply)) {
        say(text, "; on leg %u the 401 says how to log on (frame %u): proven to be taken out between", request->leg + 1,
            there->status_frame);
    } else if (there->conn && !is_from_between(reply)) {
        const char *const has =
            there->status                                     ? "the same status" :
            clocks_differ(request->link, there->conn->link)   ? "the request, and its clock differs" :
            conn_doubt(there->conn->link, NULL) != DOUBT_NONE ? "the request, and was not captured whole" :
                                                                "the request, and no answer";
        say(text, "; leg %u has %s", request->leg + 1, has);
    } else if (there->conn && there->status) {
        say(text, "; on leg %u the same request got status %u (frame %u): proven to come from between",
            request->leg + 1, there->status, there->status_frame);
    } else if (there->conn) {
        say(text, "; on leg %u the same request (frame %u, stream %u) has no answer: proven to come from between",
            request->leg + 1, there->frame, there->conn->link->stream);
    } else if (kept) {
        say_kept(text, request, kept);
    }
}

/* There is a next leg, of its session or behind that address, and the request was not seen there, whether it did not go there or
 * was missed. */
static bool is_not_behind(const struct exchange *request)
{
    if (!request->there.conn && request->link->server->sign == SIGN_LEG) {
        return true;
    }
    const struct side *side = request->side && !request->there.conn ? request->side->session->sides : NULL;
    while (side && side->number != request->leg + 1) {
        side = side->next;
    }
    return side != NULL;
}

/* Whose failure it is; kept: see mapi_kept_before(). */
static enum verdict_where status_of(const struct answer *answer, const struct reply *reply, bool kept)
{
    if (is_from_between(reply) || is_stripped(reply)) {
        return WHERE_DEVICE;
    }
    if (reply->request->there.conn && reply->request->there.status) {
        return WHERE_SERVER;
    }
    if (kept && answer_where(answer) != WHERE_DEVICE) {
        /* It may have gone to a server outside the capture, and come back from its Exchange, IIS or HTTP.sys. */
        return http_is_windows(answer->author) || is_windows_server(reply->server_header) ? WHERE_UNKNOWN :
                                                                                            WHERE_DEVICE;
    }
    const enum verdict_where where = answer_where(answer);
    return where == WHERE_SERVER && is_not_behind(reply->request) ? WHERE_UNKNOWN : where;
}

static void say_proxy(struct text *text, const struct reply *reply)
{
    if (reply->status == 407 && reply->request->proxy_step) {
        say(text, " to credentials for the proxy");
    } else if (reply->status == 407) {
        say(text, " (the third in a row to a request without credentials for a proxy)");
    }
}

void mapi_status_doubted(struct judge *judge, const struct event *event)
{
    const struct exchange *request = event->session.request;
    (void)judge;
    if (request->gone_first && request->gone_first->status == request->status) {
        mapi_take_back(request, V_HTTP_FAILED, "the clocks before the device and behind it differ");
    }
}

/* Where the response ends, or, of one that the capture does not have whole, begins. */
static void say_frame(struct text *text, const struct event *event)
{
    const struct reply *reply = event->session.reply;
    if (reply->lost) {
        say(text, " in frame %u, the rest of which the capture lacks,", reply->message->begin.frame);
    } else {
        say(text, " in frame %u", event->when.frame);
    }
}

void mapi_status_failed(struct judge *judge, const struct event *event)
{
    const struct reply *reply = event->session.reply;
    const struct exchange *request = reply->request;
    if (!request || !is_failed_status(reply)) {
        return;
    }
    struct finding finding = finding_begin(judge, V_HTTP_FAILED, event->when, about_request(judge, request), NULL);
    if (!finding.begun) {
        return;
    }
    const struct named_header headers[] = { { "X-CasErrorCode", reply->cas_error },
                                            { "Location", reply->location },
                                            { "Retry-After", reply->retry_after },
                                            { "X-FEServer", reply->front_end },
                                            { "X-FailureContext", reply->failure },
                                            { "X-BackEndHttpStatus", reply->backend_status },
                                            { "X-DiagInfo", reply->diag },
                                            { "Server", reply->server_header },
                                            { "Via", reply->via },
                                            { "request-id", reply->request_id } };
    struct text *text = &finding.text;
    const struct answer answer = answer_of(&judge->limits, reply);
    const struct advice advice = answer_advice(&answer);
    const struct side *kept = mapi_kept_before(request);
    say(text, "Seen: %s was answered with status %u", REQUEST(request), reply->status);
    if (reply->status == 200) {
        say(text, ", %.*s and no X-ResponseCode,",
            CUT(reply->content_type && reply->content_type[0] ? reply->content_type :
                reply->message->body_length                   ? "a body of no type" :
                                                                "no body",
                40));
    }
    say_proxy(text, reply);
    if (reply->circles) {
        say(text, " (the third in a row that sends the client back to the URL that it asked for)");
    }
    say_frame(text, event);
    if (request->ended) {
        say(text, " after %s", SECONDS(reply->message->begin.ns - request->end.ns));
    }
    if (request->auth_len > judge->limits.big_token) {
        say(text, ", its Authorization has %u characters", request->auth_len);
    }
    say_writer(text, "written", &(struct writer){ answer.author, reply->status, reply->product, reply->title });
    say_failure(text, reply->failure_text);
    say_behind(text, reply, kept);
    say_advice(text, &advice);
    say_headers(text, headers, sizeof(headers) / sizeof(headers[0]), 80);
    finding.hop = reply->request->there.conn ? reply->request->there.conn->link : NULL;
    tell_by(&finding, status_of(&answer, reply, kept != NULL), is_from_between(reply) || is_stripped(reply));
}

/* ---- codes -------------------------------------------------------------------------------- */

static struct advice code_advice(uint32_t code)
{
    switch (code) {
    case CODE_INVALID_VERB:
    case CODE_INVALID_PATH:
    case CODE_INVALID_HEADER:
    case CODE_INVALID_REQUEST_TYPE:
    case CODE_MISSING_HEADER:
        return (struct advice){ "the request does not look as the server wants it",
                                "what devices between do to method, path and headers, and the client's version" };
    case CODE_INVALID_CONTEXT_COOKIE:
    case CODE_CONTEXT_NOT_FOUND:
    case CODE_MISSING_COOKIE:
        return (struct advice){ "the server does not find the session context of this request",
                                "see whether the request carried its cookies and which server it reached" };
    case CODE_ANONYMOUS_NOT_ALLOWED:
    case CODE_NO_PRIVILEGE:
        return (struct advice){ "the user may not do this, or it is another user's context",
                                "the account, and whether connections of several users are mixed on the way" };
    case CODE_TOO_LARGE:
    case CODE_INVALID_REQUEST_BODY:
        return (struct advice){ "the body was not accepted", "size limits, and whether the body arrived unchanged" };
    case CODE_INVALID_SEQUENCE:
        return (struct advice){ "the server counts another request as the next one",
                                "requests of this context at the same time" };
    case CODE_ENDPOINT_DISABLED:
    case CODE_ENDPOINT_SHUTTING_DOWN:
        return (struct advice){ "the endpoint is out of service", "maintenance state and services of that server" };
    default:
        return (struct advice){ "the server failed", "the server's log at this time" };
    }
}

void mapi_code_failed(struct judge *judge, const struct event *event)
{
    const struct reply *reply = event->session.reply;
    const struct exchange *request = reply->request;
    const struct mapi_message *message = reply->message;
    if (!message->has_code || !mapi_code_is_failure(message->code)) {
        return;
    }
    struct finding finding = finding_begin(judge, V_RESPONSE_CODE, event->when,
                                           about_side(judge, request ? request->side : NULL, message->leg), NULL);
    if (!finding.begun) {
        return;
    }
    struct text *text = &finding.text;
    const uint32_t meaning = reply_meaning(reply);
    /* Words that say which setting it is say more than the code. */
    const struct answer said = { .protocol = ANSWER_MAPI,
                                 .author = (enum http_author)reply->author,
                                 .status = reply->status,
                                 .traits = answer_words(reply->words & (WORDS_DISABLED | WORDS_CLIENT_RULES)) };
    const struct advice advice = said.traits ? answer_advice(&said) : code_advice(meaning);
    const bool server = meaning == CODE_UNKNOWN_FAILURE || meaning == CODE_ENDPOINT_DISABLED ||
                        meaning == CODE_INVALID_RESPONSE || meaning == CODE_ENDPOINT_SHUTTING_DOWN;
    if (request) {
        say(text, "Seen: %s was answered", REQUEST(request));
    } else {
        say(text, "Seen: a response (stream %u)", reply->conn->link->stream);
    }
    say(text, " with %s", CODE("X-ResponseCode", reply));
    say_frame(text, event);
    say_advice(text, &advice);
    if (reply->request_id) {
        say(text, "; request-id %.*s", CUT(reply->request_id, 64));
    }
    tell_by(&finding, server ? WHERE_SERVER : WHERE_UNKNOWN, false);
}

/* ---- bodies ------------------------------------------------------------------------------- */

static const char *connect_hint(uint32_t code)
{
    switch (code) {
    case OX_UNKNOWN_USER:
        return "the server does not know the mailbox or the user DN";
    case OX_LOGIN_PERMISSION:
    case OX_ACCESS_DENIED:
        return "the user may not log on to this mailbox";
    case OX_WRONG_SERVER:
        return "the mailbox is on another server";
    case OX_SERVER_BUSY:
        return "the server is too busy";
    case OX_CLIENT_VERSION_BLOCKED:
    case OX_VERSION_MISMATCH:
        return "the client's version is not allowed";
    case OX_RPC_HTTP_DISALLOWED:
    case OX_PROTOCOL_DISABLED:
        return "the protocol is disabled for this mailbox";
    case OX_NOT_ENCRYPTED:
        return "the server wants encryption";
    default:
        return "the server refused the logon";
    }
}

void mapi_body_failed(struct judge *judge, const struct event *event)
{
    const struct reply *reply = event->session.reply;
    const struct exchange *request = reply->request;
    const uint32_t code = request ? reply->message->failure : 0;
    if (!code) {
        return;
    }
    const bool connect = is_connect(request->type), status = reply->message->failure_of_status;
    struct finding finding = finding_begin(judge, connect ? V_CONNECT_FAILED : V_ERROR_CODE, event->when,
                                           about_request(judge, request), NULL);
    if (!finding.begun) {
        return;
    }
    struct text *text = &finding.text;
    say(text, "Seen: %s was answered with %s 0x%08x (%s) in frame %u; inferred: the transport works, ",
        REQUEST(request), status ? "StatusCode" : "ErrorCode", code, known_name(ox_error_name(code)),
        event->when.frame);
    if (connect) {
        say(text, "%s", connect_hint(code));
        if (request->message->user_dn) {
            say(text, ", user DN %.*s", CUT(request->message->user_dn, 160));
        }
        say(text, "; next: that mailbox and account on the server");
    } else {
        say(text, "the server did not do what was asked; next: what the request asks for");
    }
    tell_by(&finding, WHERE_SERVER, true);
}
