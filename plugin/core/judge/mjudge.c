/* mjudge.c
 * What is wrong with MAPI/HTTP between client and back end, and how it is said.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "mapi_private.h"

#include "chars.h"
#include "oxprops.h"

#include <inttypes.h>
#include <stdio.h>

#define BIG_TOKEN 12288          /* characters of Authorization: HTTP.sys takes 16 KB of headers by default */
#define ROUND_LEAST (10 * SECOND)
#define ROUND_STEP (5 * SECOND)
#define ROUND_SLACK (SECOND / 2)
#define ERRORS_RETURNED UINT32_C(0x00040380)     /* MS-OXNSPI: some values could not be given, the rest is there */
#define LOSS_WAIT (10 * SECOND)  /* a client connects anew sooner */
#define NOTIFICATION_TIME (300 * SECOND)

/* ---- Words ------------------------------------------------------------------------- */

/* MS-OXCMAPIHTTP 2.2.3.3.3 */
const char *mapi_code_name(uint32_t code)
{
    static const char *const names[MAPI_CODES] = {
        "Success", "Unknown Failure", "Invalid Verb", "Invalid Path", "Invalid Header", "Invalid Request Type",
        "Invalid Context Cookie", "Missing Header", "Anonymous Not Allowed", "Too Large", "Context Not Found",
        "No Privilege", "Invalid Request Body", "Missing Cookie", "Reserved", "Invalid Sequence", "Endpoint Disabled",
        "Invalid Response", "Endpoint Shutting Down"
    };
    return code < MAPI_CODES ? names[code] : "no known name";
}

static bool holds(const char *text, const char *words)
{
    size_t len = strlen(words);
    for (; *text; text++) {
        size_t i = 0;
        while (i < len && lower((uint8_t)text[i]) == (uint8_t)words[i]) {
            i++;
        }
        if (i == len) {
            return true;
        }
    }
    return false;
}

/* Servers number their codes differently, their words agree. */
int32_t sentence_meaning(const char *sentence)
{
    static const struct {
        const char *words;
        int32_t code;
    } rows[] = {
        { "session context cookie", 6 }, { "context cookie", 6 }, { "required cookie", 13 }, { "missing cookie", 13 },
        { "required header", 7 }, { "missing header", 7 }, { "invalid verb", 2 }, { "invalid path", 3 },
        { "requesttype", 5 }, { "request type", 5 }, { "invalid header", 4 }, { "anonymous", 8 }, { "too large", 9 },
        { "context is not found", 10 }, { "context not found", 10 }, { "no privilege", 11 },
        { "request body is invalid", 12 }, { "invalid request body", 12 }, { "sequencing", 15 },
        { "invalid sequence", 15 }, { "endpoint is disabled", 16 }, { "endpoint disabled", 16 },
        { "response is invalid", 17 }, { "shutting down", 18 }, { "unknown failure", 1 }
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (holds(sentence, rows[i].words)) {
            return rows[i].code;
        }
    }
    return -1;
}

static const char *type_name(uint8_t type)
{
    const char *name = mapi_type_name((enum mapi_type)type);
    return name ? name : "a request";
}

/* At most that many bytes, not inside a character. */
static void say_cut(struct text *text, const char *value, size_t most)
{
    size_t len = strlen(value);
    if (len > most) {
        len = most;
        while (len > 0 && ((uint8_t)value[len] & 0xC0) == 0x80) {
            len--;
        }
    }
    say(text, "%.*s", (int)len, value);
}

static void say_request(struct text *text, const struct request *request)
{
    say(text, "%s (frame %u, stream %u, to ", type_name(request->type), request->begin.frame, request->conn->link->stream);
    say_endpoint(text, &request->conn->link->server->end);
    say(text, ")");
}

/* The code and what it means, both where they disagree. */
static void say_code(struct text *text, const char *what, const struct reply *reply)
{
    uint32_t code = reply->message->code, meaning = reply_meaning(reply);
    say(text, "%s %u (%s)", what, code, mapi_code_name(code));
    if (reply->sentence[0]) {
        say(text, " with the words \"%s\"", reply->sentence);
    }
    if (meaning != code) {
        say(text, ", which the specification calls %s (%u)", mapi_code_name(meaning), meaning);
    }
}

/* ---- Verdicts ------------------------------------------------------------------------ */

struct finding {
    enum verdict_kind kind;
    enum verdict_where where;
    bool seen;                   /* where was seen, not inferred */
};

static void tell(struct mworld *world, struct side *side, uint32_t leg, struct when when, struct finding finding,
                 const struct text *text)
{
    struct verdict *verdict = verdict_add(&world->arena, &world->verdicts, finding.kind, when, text);
    verdict->where = finding.where;
    verdict->where_seen = finding.seen;
    verdict->leg = leg;
    if (!side) {
        return;
    }
    verdict->session = side->session->number;
    verdict->leg = side->number;
    enum verdict_severity severity = verdict_rows[finding.kind].severity;
    if (!side->has_verdict || severity > side->severity) {
        side->has_verdict = true;
        side->verdict = (uint8_t)finding.kind;
        side->severity = (uint8_t)severity;
        side->where = (uint8_t)finding.where;
        side->where_seen = finding.seen;
        side->verdict_frame = when.frame;
    }
}

static void tell_of(const struct request *request, struct when when, struct finding finding, const struct text *text)
{
    tell(request->conn->world, request->side, request->leg, when, finding, text);
}

/* Whether absence proves something on these connections; where not, the row says why. */
static bool is_whole(const struct request *request, const struct mconn *other)
{
    const struct mconn *doubtful = conn_doubt(request->conn->link, NULL) != DOUBT_NONE ? request->conn :
                                   other && conn_doubt(other->link, NULL) != DOUBT_NONE ? other : NULL;
    if (!doubtful) {
        return true;
    }
    if (request->side) {
        request->side->doubtful = doubtful;
    }
    return false;
}

/* The same for every connection on which the client may have been given something since the
 * last success. */
static bool is_whole_everywhere(const struct request *request)
{
    struct side *side = request->side;
    const struct mconn *doubtful = side->missed;
    if (!is_whole(request, side->success_conn)) {
        return false;
    }
    for (const struct use *use = side->used; use && !doubtful; use = use->next) {
        doubtful = conn_missed_since(use->conn->link, side->success_began) ? use->conn : NULL;
    }
    if (doubtful) {
        side->doubtful = doubtful;
    }
    return !doubtful && !side->used_more;
}

/* ---- Cookies ------------------------------------------------------------------------- */

static void judge_cookies(struct request *request, struct when when)
{
    const struct side *side = request->side;
    if (!side || request->fault == COOKIE_FINE || !request->jar_known || is_connect(request->type) ||
        is_notification(request) || side->session->released_frame || (request->by_guid && request->type == MAPI_PING)) {
        return;
    }
    if (!is_whole_everywhere(request)) {
        return;
    }
    const struct request *front = request->front;
    bool proven = front && front->session == side->session && front->jar_known && !front->unseen &&
                  (front->fault == COOKIE_FINE || front->fault_name != request->fault_name);
    bool missing = request->fault == COOKIE_MISSING;
    struct text text = { .used = 0 };
    struct finding finding = { V_COOKIE_LOST, proven ? WHERE_DEVICE : WHERE_UNKNOWN, proven };
    say(&text, "Seen: ");
    say_request(&text, request);
    if (missing) {
        say(&text, " lacks cookie %s, set in frame %u", request->fault_name, request->fault_frame);
    } else {
        say(&text, " carries cookie %s with %s value (digest %08x), not that of frame %u", request->fault_name,
            request->fault == COOKIE_STALE ? "an older" : "another", request->fault_digest, request->fault_frame);
    }
    if (request->fault_count) {
        say(&text, ", and %u more", request->fault_count);
    }
    if (request->by_guid) {
        say(&text, "; it belongs to session %u by the GUID of its X-RequestId", side->session->number);
    }
    if (proven) {
        say(&text, "; on leg %u the same request has it (frame %u, stream %u)", front->leg, front->begin.frame,
            front->conn->link->stream);
        say(&text, "; inferred: the device at ");
        say_endpoint(&text, &front->conn->link->server->end);
        say(&text, " %s it (proven); next: rules for Cookie headers there", missing ? "removed" : "changed");
    } else {
        say(&text, "; inferred: the client did not keep it, or a device before this leg %s it",
            missing ? "removed" : "changed");
        say(&text, "; next: capture next to the client, and rules for Cookie and Set-Cookie on devices between");
    }
    tell_of(request, when, finding, &text);
}

/* ---- Sequence ------------------------------------------------------------------------ */

static void judge_counter(struct request *request, struct when when)
{
    if (!request->below_frame || request->sequence_told || !is_whole(request, request->side->success_conn)) {
        return;
    }
    request->sequence_told = true;
    struct text text = { .used = 0 };
    struct finding finding = { V_SEQUENCE_BROKEN, WHERE_CLIENT, false };
    say(&text, "Seen: the counter of X-RequestId is %u in ", request->counter);
    say_request(&text, request);
    say(&text, ", it was %u in frame %u of the same context and GUID", request->below, request->below_frame);
    say(&text, "; inferred: an old request was sent again though it had been answered, or requests of one context "
               "overtook each other on the way");
    say(&text, "; next: whether the client or a device between repeats requests");
    tell_of(request, when, finding, &text);
}

static bool counts_as_sent(unsigned status)
{
    return status != 0 && status != 401 && status != 407;
}

void mjudge_status(struct request *request, struct when when)
{
    if (!request->other.frame || request->sequence_told || !counts_as_sent(request->status) ||
        !counts_as_sent(request->other.status) || !request->side) {
        return;
    }
    if (!is_whole(request, request->other.conn)) {
        return;
    }
    request->sequence_told = true;
    struct text text = { .used = 0 };
    struct finding finding = { V_SEQUENCE_BROKEN, WHERE_CLIENT, false };
    say(&text, "Seen: ");
    say_request(&text, request);
    say(&text, " and %s (frame %u, stream %u) were under way at the same time, both of session %u",
        type_name(request->other.type), request->other.frame, request->other.stream, request->side->session->number);
    say(&text, "; inferred: two requests of one context at a time, which only NotificationWait may do (3.1.5.1): the "
               "server may answer code 15");
    say(&text, "; next: whether the client sends both, or a device between repeats one");
    tell_of(request, when, finding, &text);
}

static void judge_sequence_code(struct reply *reply, struct when when)
{
    struct request *request = reply->request;
    if (!reply->message->has_code || reply->message->code == 0 || reply_meaning(reply) != 15 ||
        request->sequence_told) {
        return;
    }
    request->sequence_told = true;
    if (request->overlaps) {
        request->overlaps->sequence_told = true;         /* the same fault */
    }
    struct text text = { .used = 0 };
    struct finding finding = { V_SEQUENCE_BROKEN, WHERE_UNKNOWN, false };
    say(&text, "Seen: ");
    say_request(&text, request);
    say(&text, " was answered with ");
    say_code(&text, "code", reply);
    say(&text, " in frame %u", when.frame);
    if (request->other.frame) {
        say(&text, ", while %s of frame %u was under way", type_name(request->other.type), request->other.frame);
        finding.where = WHERE_CLIENT;
    } else if (request->fault == COOKIE_STALE) {
        say(&text, ", its cookie %s was out of date", request->fault_name);
    }
    say(&text, "; inferred: the server counts another request as the next one of this context");
    say(&text, "; next: requests of this context on other connections, and repetitions by devices between");
    tell_of(request, when, finding, &text);
}

/* ---- PENDING that comes late ------------------------------------------------------------ */

static bool explained_by_tcp(const struct reply *reply)
{
    const struct mconn *conn = reply->conn;
    int64_t from = reply->silence_from.ns;
    return (conn->repeated[WAY_TO_CLIENT].frame && conn->repeated[WAY_TO_CLIENT].ns >= from) ||
           (conn->zero_window.frame && conn->zero_window.ns >= from);
}

void mjudge_late(struct reply *reply, struct when when)
{
    struct request *request = reply->request;
    if (!reply->late_due || reply->late_told) {
        return;
    }
    reply->late_due = false;
    if (!request || explained_by_tcp(reply) || !is_whole(request, NULL)) {
        return;
    }
    reply->late_told = true;
    const struct there *there = &request->there;
    bool behind_in_time = there->pending_frame && there->pending_ns > reply->silence_from.ns &&
                          when.ns - there->pending_ns > reply->period_ns / 10 && !there->late;
    struct text text = { .used = 0 };
    struct finding finding = { V_PENDING_LATE, WHERE_UNKNOWN, false };
    say(&text, "Seen: the response to ");
    say_request(&text, request);
    if (reply->bunched) {
        say(&text, " brought %u PENDING at once in frame %u after ", reply->bunch_count, when.frame);
    } else {
        say(&text, " went on in frame %u after ", when.frame);
    }
    say_seconds(&text, reply->silence_ns);
    say(&text, " of silence since frame %u", reply->silence_from.frame);
    if (reply->bunched && reply->interval_ns > 0 && reply->interval_ns < reply->period_ns) {
        say(&text, ", one came after ");
        say_seconds(&text, reply->interval_ns);
        say(&text, " before");
    } else {
        say(&text, ", X-PendingPeriod is ");
        say_seconds(&text, reply->period_ns);
    }
    say(&text, ", nothing was retransmitted and the client's window was open");
    if (behind_in_time) {
        finding.where = WHERE_DEVICE;
        finding.seen = true;
        say(&text, "; leg %u had PENDING in frame %u", request->leg + 1, there->pending_frame);
        say(&text, "; inferred: the device at ");
        say_endpoint(&text, &request->conn->link->server->end);
        say(&text, " collects the response before it passes it on");
        say(&text, "; next: switch off response buffering for /mapi there");
    } else if (there->late) {
        finding.where = WHERE_SERVER;
        say(&text, "; leg %u shows the same", request->leg + 1);
        say(&text, "; inferred: it comes late from behind ");
        say_endpoint(&text, &request->conn->link->server->end);
        say(&text, "; next: see leg %u", request->leg + 1);
    } else {
        finding.where = reply->bunched ? WHERE_DEVICE : WHERE_UNKNOWN;
        say(&text, "; inferred: a device between holds the response back%s",
            reply->bunched ? "" : ", or the server did not send PENDING in time");
        say(&text, "; next: response buffering for /mapi on devices before ");
        say_endpoint(&text, &request->conn->link->server->end);
        say(&text, ", or a capture behind them");
    }
    if (request->front) {
        request->front->there.late = true;
    }
    tell_of(request, when, finding, &text);
}

/* ---- Statuses ---------------------------------------------------------------------------- */

struct advice {
    const char *inferred, *next;
};

/* Devices give up after whole multiples of five seconds. */
static bool is_round(int64_t ns)
{
    int64_t rest = ns % ROUND_STEP;
    return ns >= ROUND_LEAST - ROUND_SLACK && (rest <= ROUND_SLACK || rest >= ROUND_STEP - ROUND_SLACK);
}

static struct advice advice_for(const struct reply *reply)
{
    const struct request *request = reply->request;
    const struct mapi_message *message = reply->message;
    bool exchange = reply->author == HTTP_BY_EXCHANGE;
    unsigned status = reply->status;
    int64_t waited = request && request->ended ? reply->message->begin.ns - request->end.ns : message->elapsed_ns;
    if (status == 400 && request && request->auth_len > BIG_TOKEN) {
        return (struct advice){
            "the Kerberos token is too large for the limits of the header there",
            "group memberships of that user; MaxFieldLength and MaxRequestBytes of HTTP.sys, header limits of devices"
        };
    }
    if (status / 100 == 3) {
        return (struct advice){ "the request was sent to a page: a logon before the endpoint or a redirection rule",
                                "pre-authentication and redirection rules for /mapi" };
    }
    if ((status == 403 || status == 404 || status == 405) && !exchange) {
        return (struct advice){ "the path is not published or not served there",
                                "publishing rules for /mapi/emsmdb and /mapi/nspi, and the virtual directory MAPI" };
    }
    if (status >= 502 && status <= 504 && !exchange) {
        if (is_round(waited)) {
            return (struct advice){ "a device gave up waiting after a time-out of its own",
                                    "its time-out for responses of /mapi: NotificationWait takes up to five minutes" };
        }
        return (struct advice){ "the answering side did not reach the server behind it",
                                "health checks and the state of the servers behind it at this time" };
    }
    switch (status) {
    case 200:
        return (struct advice){ "a page in the place of the endpoint's response: a logon or a block page",
                                "who writes this page: pre-authentication, portals, filters on the way" };
    case 407:
        return (struct advice){ "a proxy on the way wants credentials", "proxy settings and exceptions of the client" };
    case 413:
        return (struct advice){ "the request is larger than allowed there", "limits of the request body for /mapi" };
    case 417:
        return (struct advice){ "Expect: 100-continue was not accepted", "let devices pass or drop that header" };
    case 429:
        return (struct advice){ "too many requests for a limit there", "throttling policies and rate limits" };
    case 503:
        return (struct advice){ "nobody was there to serve it: the service is stopped, overloaded or in maintenance",
                                "the application pools for /mapi, server components and health checks at this time" };
    default:
        return status >= 500 ? (struct advice){ "the answering side failed",
                                                "its log at this time, with the request id" }
                             : (struct advice){ "the answering side did not accept the request",
                                                "filters and limits for /mapi there" };
    }
}

static bool is_failed_status(const struct reply *reply)
{
    const struct request *request = reply->request;
    if (reply->message->has_code || reply->status == 401) {
        return false;
    }
    if (reply->status == 200) {
        return reply->page;
    }
    if (reply->status / 100 == 3) {
        return reply->status != 304 && !reply->to_mapi;
    }
    if (reply->status == 407 && request && request->proxy_step && reply->proxy_challenge) {
        return false;            /* a step */
    }
    return reply->status >= 400;
}

static void say_author(struct text *text, const struct reply *reply)
{
    static const char *const names[] = {
        [HTTP_BY_UNKNOWN] = "its author does not show", [HTTP_BY_EXCHANGE] = "written by Exchange",
        [HTTP_BY_HTTPSYS] = "written by HTTP.sys before Exchange saw it", [HTTP_BY_DEVICE] = "written by a device"
    };
    say(text, ", %s", reply->author <= HTTP_BY_DEVICE ? names[reply->author] : names[HTTP_BY_UNKNOWN]);
}

/* The headers that say so come last: they are long. */
static void say_headers(struct text *text, const struct reply *reply)
{
    const struct {
        const char *name, *value;
    } headers[] = {
        { "Location", reply->location }, { "X-FEServer", reply->front_end }, { "X-FailureContext", reply->failure },
        { "X-BackEndHttpStatus", reply->backend_status }, { "X-DiagInfo", reply->diag },
        { "Server", reply->server_header }, { "Via", reply->via }, { "request-id", reply->request_id }
    };
    const char *separator = "; headers: ";
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        if (headers[i].value) {
            say(text, "%s%s: ", separator, headers[i].name);
            say_cut(text, headers[i].value, 80);
            separator = ", ";
        }
    }
}

/* The session's next leg, where it was captured whole and does not have this request: a
 * device on the way kept it. NULL where that cannot be told. */
static const struct side *kept_before(const struct request *request)
{
    if (request->there.conn || !request->side || conn_doubt(request->conn->link, NULL) != DOUBT_NONE) {
        return NULL;
    }
    for (const struct side *side = request->side->session->sides; side; side = side->next) {
        if (side->number == request->leg + 1) {
            return side->success_conn && conn_doubt(side->success_conn->link, NULL) == DOUBT_NONE ? side : NULL;
        }
    }
    return NULL;
}

static void judge_http(struct reply *reply, struct when when)
{
    struct request *request = reply->request;
    if (!request || !is_failed_status(reply)) {
        return;
    }
    const struct there *there = &request->there;
    struct advice advice = advice_for(reply);
    struct text text = { .used = 0 };
    struct finding finding = { V_HTTP_FAILED, WHERE_UNKNOWN, false };
    bool lacks = there->conn && there->status != reply->status, same = there->conn && !lacks;
    const struct side *behind = kept_before(request);
    if (lacks) {
        finding.where = WHERE_DEVICE;
        finding.seen = true;
    } else if (same || reply->author == HTTP_BY_EXCHANGE || reply->author == HTTP_BY_HTTPSYS) {
        finding.where = WHERE_SERVER;
    } else if (behind || reply->author == HTTP_BY_DEVICE || reply->status == 407 || reply->status == 502 ||
               reply->status == 504) {
        finding.where = WHERE_DEVICE;    /* the latter are for gateways only (RFC 9110 15.6) */
    }
    say(&text, "Seen: ");
    say_request(&text, request);
    say(&text, " was answered with status %u", reply->status);
    if (reply->status == 200) {
        say(&text, ", ");
        say_cut(&text, reply->content_type ? reply->content_type : "a page", 40);
        say(&text, " and no X-ResponseCode,");
    }
    say(&text, " in frame %u", when.frame);
    if (request->ended) {
        say(&text, " after ");
        say_seconds(&text, reply->message->begin.ns - request->end.ns);
    }
    if (request->auth_len > BIG_TOKEN) {
        say(&text, ", its Authorization has %u characters", request->auth_len);
    }
    say_author(&text, reply);
    if (lacks && there->status) {
        say(&text, "; on leg %u the same request got status %u (frame %u): proven to come from between",
            request->leg + 1, there->status, there->status_frame);
    } else if (lacks) {
        say(&text, "; on leg %u the same request (frame %u, stream %u) has no answer: proven to come from between",
            request->leg + 1, there->frame, there->conn->link->stream);
    } else if (same) {
        say(&text, "; leg %u has the same status", request->leg + 1);
    } else if (behind) {
        say(&text, "; leg %u of the session (stream %u) does not have the request", request->leg + 1,
            behind->success_conn->link->stream);
    }
    say(&text, "; inferred: %s; next: %s", advice.inferred, advice.next);
    say_headers(&text, reply);
    tell_of(request, when, finding, &text);
}

/* ---- Codes ---------------------------------------------------------------------------------- */

static struct advice code_advice(uint32_t code)
{
    switch (code) {
    case 2: case 3: case 4: case 5: case 7:
        return (struct advice){ "the request does not look as the server wants it",
                                "what devices between do to method, path and headers, and the client's version" };
    case 6: case 10: case 13:
        return (struct advice){ "the server does not find the session context of this request",
                                "see whether the request carried its cookies and which server it reached" };
    case 8: case 11:
        return (struct advice){ "the user may not do this, or it is another user's context",
                                "the account, and whether connections of several users are mixed on the way" };
    case 9: case 12:
        return (struct advice){ "the body was not accepted", "size limits, and whether the body arrived unchanged" };
    case 15:
        return (struct advice){ "the server counts another request as the next one",
                                "requests of this context at the same time" };
    case 16: case 18:
        return (struct advice){ "the endpoint is out of service", "maintenance state and services of that server" };
    default:
        return (struct advice){ "the server failed", "its log at this time" };
    }
}

static void judge_code(struct reply *reply, struct when when)
{
    struct request *request = reply->request;
    const struct mapi_message *message = reply->message;
    if (!message->has_code || message->code == 0 || message->code == 14) {
        return;
    }
    struct advice advice = code_advice(reply_meaning(reply));
    struct text text = { .used = 0 };
    struct finding finding = { V_RESPONSE_CODE, WHERE_UNKNOWN, false };
    uint32_t meaning = reply_meaning(reply);
    if (meaning == 1 || meaning == 16 || meaning == 17 || meaning == 18) {
        finding.where = WHERE_SERVER;
    }
    say(&text, "Seen: ");
    if (request) {
        say_request(&text, request);
        say(&text, " was answered");
    } else {
        say(&text, "a response (stream %u)", reply->conn->link->stream);
    }
    say(&text, " with ");
    say_code(&text, "X-ResponseCode", reply);
    say(&text, " in frame %u", when.frame);
    say(&text, "; inferred: %s; next: %s", advice.inferred, advice.next);
    if (reply->request_id) {
        say(&text, "; request-id ");
        say_cut(&text, reply->request_id, 64);
    }
    tell(reply->conn->world, request ? request->side : NULL, message->leg, when, finding, &text);
}

static const char *connect_hint(uint32_t code)
{
    switch (code) {
    case 0x3EB:
        return "the server does not know the mailbox or the user DN";
    case 0x3F2: case 0x80070005:
        return "the user may not log on to this mailbox";
    case 0x478:
        return "the mailbox is on another server";
    case 0x480:
        return "the server is too busy";
    case 0x4DF: case 0x80040110:
        return "the client's version is not allowed";
    case 0x4E0: case 0x7D8:
        return "the protocol is disabled for this mailbox";
    case 0x970:
        return "the server wants encryption";
    default:
        return "the server refused the logon";
    }
}

static void judge_body(struct reply *reply, struct when when)
{
    struct request *request = reply->request;
    bool status = reply->has_status && reply->status_code != 0;
    bool error = reply->has_error && reply->error_code != 0 && reply->error_code != ERRORS_RETURNED &&
                 !(request->type == MAPI_UNBIND && reply->error_code == 1);      /* UnbindSuccess */
    if ((!status && !error) || reply->status != 200 || reply->page ||
        (reply->message->has_code && reply->message->code != 0)) {
        return;
    }
    uint32_t value = status ? reply->status_code : reply->error_code;
    const char *name = ox_error_name(value);
    bool connect = is_connect(request->type);
    struct text text = { .used = 0 };
    struct finding finding = { connect ? V_CONNECT_FAILED : V_ERROR_CODE, WHERE_SERVER, true };
    say(&text, "Seen: ");
    say_request(&text, request);
    say(&text, " was answered with %s 0x%08x (%s) in frame %u", status ? "StatusCode" : "ErrorCode", value,
        name ? name : "no known name", when.frame);
    if (connect) {
        say(&text, "; inferred: the transport works, %s", connect_hint(value));
        if (request->message->user_dn) {
            say(&text, ", user DN ");
            say_cut(&text, request->message->user_dn, 160);
        }
        say(&text, "; next: that mailbox and account on the server");
    } else {
        say(&text, "; inferred: the transport works, the server did not do what was asked");
        say(&text, "; next: what the request asks for");
    }
    tell_of(request, when, finding, &text);
}

/* ---- Sessions that are lost ------------------------------------------------------------------ */

static const char *const back_names[BACK_KINDS] = { "X-CalculatedBETarget", "X-BEServer", "MapiContext", "TCP peer" };

/* The surest kind of name that this response and the last success have; whether they differ. */
static bool back_end_differs(const struct reply *reply, enum back_kind *kind)
{
    const struct side *side = reply->request->side;
    for (int i = BACK_TARGET; i <= BACK_PEER; i++) {
        const char *here = reply->back.name[i];
        if (i == BACK_PEER) {
            bool peers = is_server_side(reply->request) && !side->exchange && !reply->exchange;
            here = peers && reply->status == 200 ? reply->peer : NULL;
        }
        if (here && side->back.name[i]) {
            *kind = (enum back_kind)i;
            return here != side->back.name[i];
        }
    }
    return false;
}

static const char *back_shown(const struct reply *reply, enum back_kind kind)
{
    return kind == BACK_PEER ? reply->peer : reply->back.shown[kind];
}

static bool is_context_code(uint32_t code)
{
    return code == 6 || code == 10 || code == 13;
}

static bool is_refused(const struct reply *reply)
{
    return reply->message->has_code && reply->message->code != 0 && reply->message->code != 14;
}

static void set_ended(struct side *side, const char *how, struct when when)
{
    char text[64];
    snprintf(text, sizeof(text), "%s (frame %u)", how, when.frame);
    side->ended = mworld_text(side->session->world, text);
}

static void tell_expired(struct reply *reply, struct when when)
{
    struct request *request = reply->request;
    struct side *side = request->side;
    struct text text = { .used = 0 };
    struct finding finding = { V_SESSION_EXPIRED, WHERE_NONE, false };
    say(&text, "Seen: ");
    say_request(&text, request);
    say(&text, " was answered with ");
    say_code(&text, "code", reply);
    say(&text, ", ");
    say_seconds(&text, request->idle_ns);
    say(&text, " after the last success in frame %u, X-ExpirationInfo allows ", request->idle_from);
    say_seconds(&text, side->expiration_ns);
    say(&text, "; inferred: the context had expired, as after the client's sleep");
    say(&text, "; next: nothing, the client connects anew");
    set_ended(side, "expired", when);
    tell_of(request, when, finding, &text);
}

static struct waiting *waiting_new(struct mworld *world)
{
    struct waiting *waiting = world->free_waiting;
    if (waiting) {
        world->free_waiting = waiting->next;
        memset(waiting, 0, sizeof(*waiting));
        return waiting;
    }
    return arena_new(&world->arena, sizeof(*waiting));
}

static void waiting_free(struct mworld *world, struct waiting *waiting)
{
    waiting->next = world->free_waiting;
    world->free_waiting = waiting;
}

/* What follows decides: a client that connects anew at once has lost little. */
static void hold_loss(struct reply *reply, struct when when, struct finding finding, const struct text *text)
{
    struct side *side = reply->request->side;
    if (side->loss) {
        waiting_free(side->session->world, side->loss);
    }
    struct waiting *loss = waiting_new(side->session->world);
    loss->conn = reply->conn;
    loss->side = side;
    loss->when = when;
    loss->kind = finding.kind;
    loss->where = finding.where;
    loss->seen = finding.seen;
    loss->known = side->expiration_ns >= 0;
    loss->code = reply_meaning(reply);
    loss->idle_ns = reply->request->idle_ns;
    loss->text = *text;
    side->loss = loss;
    reply->conn->loss = side;
}

static void tell_loss(struct side *side, struct when when)
{
    struct waiting *loss = side->loss;
    struct mworld *world = side->session->world;
    side->loss = NULL;
    if (loss->known) {
        struct finding finding = { loss->kind, loss->where, loss->seen };
        tell(world, side, side->number, when, finding, &loss->text);
    }
    waiting_free(world, loss);
}

void mjudge_loss(struct mconn *conn, struct when when, bool ended)
{
    struct side *side = conn->loss;
    if (!side) {
        return;
    }
    if (!side->loss || side->loss->conn != conn) {
        conn->loss = NULL;
    } else if (ended || when.ns - side->loss->when.ns > LOSS_WAIT) {
        conn->loss = NULL;
        tell_loss(side, when);
    }
}

static void judge_reconnect(struct request *request, struct side *side, struct when when)
{
    struct waiting *loss = side->loss;
    struct text text = { .used = 0 };
    struct finding finding = { V_SESSION_EXPIRED, WHERE_NONE, false };
    say(&text, "Seen: the context of session %u was refused in frame %u with code %u (%s), ", side->session->number,
        loss->when.frame, loss->code, mapi_code_name(loss->code));
    say_seconds(&text, loss->idle_ns);
    say(&text, " after its last success, and ");
    say_request(&text, request);
    say(&text, request->from_cookies ? " brings its cookies again" : " follows");
    if (loss->known) {
        say(&text, "; X-ExpirationInfo allows ");
        say_seconds(&text, side->expiration_ns);
    } else {
        say(&text, "; no X-ExpirationInfo was seen");
    }
    say(&text, "; inferred: the server no longer had the context: expired, dropped by a restart, or the request "
               "reached another server; the client connects anew, as it should");
    say(&text, "; next: nothing, unless it happens again and again");
    side->loss = NULL;
    waiting_free(side->session->world, loss);
    tell(side->session->world, side, side->number, when, finding, &text);
}

void mjudge_request(struct request *request, struct when when)
{
    struct side *side = request->by_guid ? NULL : request->side;
    judge_cookies(request, when);
    if (is_connect(request->type)) {
        struct side *other = request->conn->loss;
        if (!side && other && other->loss && other->loss->conn == request->conn &&
            other->session->endpoint == request->endpoint) {
            side = other;        /* the client connects without its old cookies */
        }
        if (side && side->loss) {
            judge_reconnect(request, side, when);
        }
    } else if (side) {
        if (side->loss) {
            tell_loss(side, when);
        }
        judge_counter(request, when);
    }
}

static void tell_lost(struct reply *reply, struct when when, bool differs, enum back_kind kind)
{
    struct request *request = reply->request;
    struct side *side = request->side;
    const struct there *there = &request->there;
    struct text text = { .used = 0 };
    struct finding finding = { V_SESSION_LOST, WHERE_UNKNOWN, false };
    bool elsewhere = differs || there->peer;
    say(&text, "Seen: ");
    say_request(&text, request);
    say(&text, " carried the cookies of session %u and was answered with ", side->session->number);
    say_code(&text, "code", reply);
    say(&text, " in frame %u, ", when.frame);
    say_seconds(&text, request->idle_ns);
    say(&text, " after the last success (frame %u), X-ExpirationInfo allows ", request->idle_from);
    say_seconds(&text, side->expiration_ns);
    if (differs) {
        say(&text, "; %s %s, at the last success %s (frame %u)", back_names[kind], back_shown(reply, kind),
            side->back.shown[kind], side->back_frame[kind]);
    } else if (there->peer) {
        say(&text, "; on leg %u it went to %s (frame %u), the last success to %s", request->leg + 1, there->peer,
            there->peer_frame, there->peer_before);
    }
    if (side->proven_frame) {
        say(&text, "; refused in frame %u before, the same context worked again in frame %u: proven to be alive",
            side->lost_frame, side->proven_frame);
    }
    if (there->peer) {
        finding.where = WHERE_DEVICE;
        finding.seen = true;
        say(&text, "; inferred: the device at ");
        say_endpoint(&text, &request->conn->link->server->end);
        say(&text, " sent it to a server that does not have the context");
    } else if (differs && kind == BACK_PEER) {
        finding.where = WHERE_DEVICE;
        finding.seen = true;
        say(&text, "; inferred: the device before this leg sent it to a server that does not have the context");
    } else if (differs) {
        finding.where = WHERE_SERVER;
        say(&text, "; inferred: it was routed to another back end, which does not have the context");
    } else if (side->proven_frame) {
        finding.where = WHERE_DEVICE;
        finding.seen = true;
        say(&text, "; inferred: a device at or behind ");
        say_endpoint(&text, &request->conn->link->server->end);
        say(&text, " spreads the requests of one context over servers");
    } else {
        say(&text, "; inferred: it reached another server than before, or the server dropped the context early");
    }
    if (finding.where == WHERE_SERVER) {
        say(&text, "; next: moves of the mailbox or its database at this time");
    } else {
        say(&text, "; next: affinity for /mapi by session or client; restarts of the server's service at this time");
    }
    if (!elsewhere && !side->proven_frame) {
        hold_loss(reply, when, finding, &text);
    } else {
        tell_of(request, when, finding, &text);
    }
    side->lost_frame = when.frame;
    side->proven_frame = 0;
    set_ended(side, "lost", when);
}

static void tell_changed(struct reply *reply, struct when when, enum back_kind kind, bool refused)
{
    struct request *request = reply->request;
    const struct side *side = request->side;
    struct text text = { .used = 0 };
    struct finding finding = {
        refused ? V_BACKEND_CHANGED : V_BACKEND_CHANGED_CHAT,
        !refused ? WHERE_NONE : kind == BACK_PEER ? WHERE_DEVICE : WHERE_SERVER, refused && kind == BACK_PEER
    };
    say(&text, "Seen: %s is %s in the response of frame %u to ", back_names[kind], back_shown(reply, kind), when.frame);
    say_request(&text, request);
    say(&text, ", it was %s in frame %u of session %u", side->back.shown[kind], side->back_frame[kind],
        side->session->number);
    if (refused) {
        say(&text, ", and the request got ");
        say_code(&text, "code", reply);
        say(&text, "; inferred: the other back end does not have the context; next: %s",
            kind == BACK_PEER ? "affinity for /mapi on the device before this leg" :
                                "moves of the mailbox, and how the front end finds its server");
    } else {
        say(&text, "; inferred: the mailbox moved, or its requests are spread; next: nothing as long as they succeed");
    }
    tell_of(request, when, finding, &text);
}

static void judge_session(struct reply *reply, struct when when)
{
    struct request *request = reply->request;
    struct side *side = request->side;
    enum back_kind kind = BACK_PEER;
    uint32_t meaning = reply_meaning(reply);
    bool refused = is_refused(reply);
    if (!side || request->by_guid || !side->success.frame) {
        return;
    }
    bool differs = back_end_differs(reply, &kind);
    struct there *front = request->front ? &request->front->there : NULL;
    if (front && differs && kind == BACK_PEER) {
        front->peer = reply->peer;
        front->peer_before = side->back.shown[kind];
        front->peer_frame = request->begin.frame;
    } else if (front && request->there.peer) {
        front->peer = request->there.peer;
        front->peer_before = request->there.peer_before;
        front->peer_frame = request->there.peer_frame;
    }
    if (differs && (refused || reply_is_success(reply))) {
        tell_changed(reply, when, kind, refused && is_context_code(meaning));
    }
    bool elsewhere = differs || request->there.peer;
    if (is_connect(request->type) || !refused || side->session->released_frame || !request->from_cookies ||
        !request->carried || request->idle_ns < 0 || (!is_context_code(meaning) && !elsewhere)) {
        return;
    }
    if (!is_whole(request, side->success_conn)) {
        return;
    }
    if (side->expiration_ns < 0) {
        static const struct text nothing;
        if (is_context_code(meaning)) {
            hold_loss(reply, when, (struct finding){ V_SESSION_LOST, WHERE_UNKNOWN, false }, &nothing);
        }
    } else if (request->idle_ns < side->expiration_ns) {
        tell_lost(reply, when, differs, kind);
    } else if (is_context_code(meaning)) {
        tell_expired(reply, when);
    }
}

void mjudge_reply(struct reply *reply, struct when when)
{
    if (reply->request) {
        judge_http(reply, when);
    }
    judge_code(reply, when);
    if (!reply->request) {
        return;
    }
    judge_body(reply, when);
    judge_session(reply, when);
    judge_sequence_code(reply, when);
}

/* ---- Ends --------------------------------------------------------------------------------------- */

/* What is remembered of a server: who ended when. */
struct mapi_memo {
    const struct server *of;
    struct when ended, foreign, told;    /* a connection in use, another one, server_gone and what belongs to it */
    const struct mconn *ended_conn, *foreign_conn;
    struct side *ended_side;
    uint32_t ended_leg;
    uint32_t waiting;            /* verdicts that wait for its other connections */
};

static struct mapi_memo *memo_of_server(struct mworld *world, const struct server *server)
{
    void **memo = memo_of(&server->memo[CONN_MAPI]);
    if (!*memo) {
        struct mapi_memo *made = arena_new(&world->arena, sizeof(*made));
        made->of = server;
        *memo = made;
    }
    return *memo;
}

static bool within(struct when before, struct when now)
{
    return before.frame && now.ns - before.ns <= GONE_WINDOW;
}

static void forget_waiting(struct mworld *world, struct mapi_memo *server)
{
    struct waiting **link = &world->waiting_first;
    world->waiting_last = NULL;
    while (*link) {
        struct waiting *waiting = *link;
        if (waiting->server == server->of) {
            *link = waiting->next;
            waiting_free(world, waiting);
        } else {
            world->waiting_last = waiting;
            link = &waiting->next;
        }
    }
    server->waiting = 0;
}

/* One connection in use and another, NULL if it is none of MAPI/HTTP. */
static void tell_gone(struct mworld *world, struct mapi_memo *server, struct when when, struct side *side, uint32_t leg,
                      const struct mconn *one, struct when one_ended, const struct mconn *other,
                      struct when other_ended)
{
    struct text text = { .used = 0 };
    struct finding finding = { V_SERVER_GONE, WHERE_SERVER, false };
    forget_waiting(world, server);
    server->told = when;
    say(&text, "Seen: ");
    say_endpoint(&text, &server->of->end);
    say(&text, " ended connections in use within a second: stream %u in frame %u", one->link->stream, one_ended.frame);
    if (other) {
        say(&text, ", stream %u in frame %u", other->link->stream, other_ended.frame);
    } else {
        say(&text, ", another one in frame %u", other_ended.frame);
    }
    say(&text, "; inferred: that server or its service stopped or was restarted, it is no idle time-out");
    say(&text, "; next: its event log and the state of its services at this time");
    tell(world, side, leg, when, finding, &text);
}

static void await(struct mconn *conn, struct side *side, uint32_t leg, struct when when, struct finding finding,
                  const struct text *text)
{
    struct mworld *world = conn->world;
    struct waiting *waiting = waiting_new(world);
    waiting->server = conn->link->server;
    waiting->side = side;
    waiting->leg = leg;
    waiting->when = when;
    waiting->kind = finding.kind;
    waiting->where = finding.where;
    waiting->seen = finding.seen;
    waiting->text = *text;
    if (world->waiting_last) {
        world->waiting_last->next = waiting;
    } else {
        world->waiting_first = waiting;
    }
    world->waiting_last = waiting;
    memo_of_server(world, conn->link->server)->waiting++;
}

/* A connection in use was ended. By the server: one of several within a second is no matter
 * of its own; whether others follow shows only later where others are open. */
static void end_in_use(struct request *request, struct when when, struct finding finding, const struct text *text)
{
    struct mconn *conn = request->conn;
    struct mworld *world = conn->world;
    struct mapi_memo *server = memo_of_server(world, conn->link->server);
    struct side *side = request->by_guid ? NULL : request->side;
    if (conn->link->ended_by == WAY_TO_SERVER) {
        tell(world, side, request->leg, when, finding, text);
        return;
    }
    if (within(server->told, when)) {
        server->told = when;     /* more of the same */
        return;
    }
    if (server->ended_conn != conn && within(server->ended, when)) {
        tell_gone(world, server, when, side, request->leg, conn, when, server->ended_conn, server->ended);
        return;
    }
    if (within(server->foreign, when) && server->foreign_conn != conn) {
        tell_gone(world, server, when, side, request->leg, conn, when, server->foreign_conn, server->foreign);
        return;
    }
    server->ended = when;
    server->ended_conn = conn;
    server->ended_side = side;
    server->ended_leg = request->leg;
    if (conn->link->server->open[CONN_MAPI] > 0) {
        await(conn, side, request->leg, when, finding, text);
    } else {
        tell(world, side, request->leg, when, finding, text);
    }
}

void mjudge_idle_end(struct mworld *world, struct server *of, const struct mconn *conn, struct when when)
{
    struct mapi_memo *server = memo_of_server(world, of);
    if (within(server->told, when)) {
        return;
    }
    if (server->waiting > 0 && within(server->ended, when) && server->ended_conn != conn) {
        tell_gone(world, server, when, server->ended_side, server->ended_leg, server->ended_conn, server->ended, conn,
                  when);
        return;
    }
    server->foreign = when;
    server->foreign_conn = conn;
}

void mjudge_waiting(struct mworld *world, struct when when)
{
    while (world->waiting_first) {
        struct waiting *waiting = world->waiting_first;
        if (when.ns - waiting->when.ns <= GONE_WINDOW && when.ns >= waiting->when.ns) {
            return;
        }
        world->waiting_first = waiting->next;
        if (!world->waiting_first) {
            world->waiting_last = NULL;
        }
        memo_of_server(world, waiting->server)->waiting--;
        struct finding finding = { waiting->kind, waiting->where, waiting->seen };
        tell(world, waiting->side, waiting->leg, when, finding, &waiting->text);
        waiting_free(world, waiting);
    }
}

static void say_end(struct text *text, const struct mconn *conn, struct when when)
{
    bool client = conn->link->ended_by == WAY_TO_SERVER;
    say(text, "the %s sent %s in frame %u", client ? "client" : "server's end", conn->link->ended_by_rst ? "RST" : "FIN",
        conn->link->ended_frame ? conn->link->ended_frame : when.frame);
}

/* Whose doing the end of a connection is, as far as the other leg tells. */
enum ender { ENDER_UNKNOWN, ENDER_CLIENT, ENDER_DEVICE, ENDER_BEHIND };

static enum ender ender_of(const struct request *request)
{
    const struct mconn *conn = request->conn;
    if (conn->link->ended_by == WAY_TO_SERVER) {
        const struct mconn *before = request->front ? request->front->conn : NULL;
        if (request->leg == NO_NUMBER || request->leg == 0 || (before && before->link->ended)) {
            return ENDER_CLIENT;
        }
        return before && conn_doubt(before->link, NULL) == DOUBT_NONE ? ENDER_DEVICE : ENDER_UNKNOWN;
    }
    const struct mconn *behind = request->there.conn;
    if (!behind || conn_doubt(behind->link, NULL) != DOUBT_NONE) {
        return ENDER_UNKNOWN;
    }
    return behind->link->ended && behind->link->ended_by == WAY_TO_CLIENT ? ENDER_BEHIND : ENDER_DEVICE;
}

static void say_cut_by_client(struct text *text, const struct request *request, enum ender ender)
{
    if (ender == ENDER_CLIENT) {
        say(text, "; inferred: the client did not wait for it: closed, cancelled or gone to sleep");
        say(text, "; next: nothing, unless its user sees failures");
        return;
    }
    say(text, "; inferred: the client of this leg is the device at ");
    say_endpoint(text, &request->conn->link->client);
    say(text, ender == ENDER_DEVICE ? ", and the leg before was still open: it gave up by itself"
                                    : ", which gave up or passes on that its own client did");
    say(text, "; next: its time-outs for /mapi, and how leg %u ended", request->leg - 1);
}

static void say_cut_by_server(struct text *text, const struct reply *reply, enum ender ender, int64_t idle)
{
    const struct request *request = reply->request;
    const struct mconn *conn = reply->conn, *behind = request->there.conn;
    if (ender == ENDER_BEHIND) {
        say(text, "; leg %u was ended by its server ", request->leg + 1);
        say_endpoint(text, &behind->link->server->end);
        say(text, " in frame %u; inferred: the device at ", behind->link->ended_frame);
        say_endpoint(text, &conn->link->server->end);
        say(text, " only passed that on; next: the log of that server at this time");
        return;
    }
    if (ender == ENDER_DEVICE) {
        if (behind->link->ended) {
            say(text, "; leg %u was ended by the device in frame %u", request->leg + 1, behind->link->ended_frame);
        } else {
            say(text, "; leg %u is still open", request->leg + 1);
        }
        say(text, "; inferred: the device at ");
        say_endpoint(text, &conn->link->server->end);
        say(text, " gave up by itself; next: its time-outs for /mapi");
        return;
    }
    if (idle >= ROUND_LEAST && (reply->period_ns <= 0 || idle <= reply->period_ns ||
                                (is_notification(request) && idle < NOTIFICATION_TIME))) {
        say(text, "; inferred: a device between with too short an idle time-out for MAPI/HTTP, or a server failed");
        say(text, "; next: idle time-outs for /mapi before ");
        say_endpoint(text, &conn->link->server->end);
        say(text, ": NotificationWait stays open up to five minutes");
    } else {
        say(text, "; inferred: the server or a device between broke off");
        say(text, "; next: the logs of ");
        say_endpoint(text, &conn->link->server->end);
        say(text, " and of devices before it at this time");
    }
}

void mjudge_cut(struct reply *reply, struct when when)
{
    struct request *request = reply->request;
    const struct mconn *conn = reply->conn;
    if (!request || !is_whole(request, NULL)) {
        return;
    }
    static const enum verdict_where where[] = {
        [ENDER_UNKNOWN] = WHERE_UNKNOWN, [ENDER_CLIENT] = WHERE_CLIENT, [ENDER_DEVICE] = WHERE_DEVICE,
        [ENDER_BEHIND] = WHERE_SERVER
    };
    const bool client = conn->link->ended_by == WAY_TO_SERVER, whole_behind = request->there.whole_frame != 0;
    const enum ender ender = whole_behind && !client ? ENDER_DEVICE : ender_of(request);
    int64_t idle = when.ns - reply->last_bytes.ns;
    struct text text = { .used = 0 };
    struct finding finding = {
        client ? V_RESPONSE_CUT_CHAT : V_RESPONSE_CUT, where[ender], ender == ENDER_DEVICE || ender == ENDER_BEHIND
    };
    say(&text, "Seen: the response to ");
    say_request(&text, request);
    say(&text, " began in frame %u and was not complete when ", reply->message->begin.frame);
    say_end(&text, conn, when);
    say(&text, ", ");
    say_seconds(&text, idle);
    say(&text, " after its last byte");
    if (reply->period_ns > 0) {
        say(&text, ", X-PendingPeriod is ");
        say_seconds(&text, reply->period_ns);
    }
    if (client) {
        say_cut_by_client(&text, request, ender);
    } else if (whole_behind) {
        say(&text, "; leg %u has it complete (frame %u)", request->leg + 1, request->there.whole_frame);
        say(&text, "; inferred: the device at ");
        say_endpoint(&text, &conn->link->server->end);
        say(&text, " cut it; next: its limits and time-outs for responses of /mapi");
    } else {
        say_cut_by_server(&text, reply, ender, idle);
    }
    end_in_use(request, when, finding, &text);
}

void mjudge_unanswered(struct request *request, struct when when)
{
    const struct mconn *conn = request->conn;
    if (!is_whole(request, NULL)) {
        return;
    }
    bool client = conn->link->ended_by == WAY_TO_SERVER;
    const struct there *there = &request->there;
    int64_t waited = when.ns - (request->ended ? request->end.ns : request->begin.ns);
    struct text text = { .used = 0 };
    struct finding finding = {
        V_UNANSWERED, client ? WHERE_CLIENT : there->status ? WHERE_DEVICE : WHERE_UNKNOWN,
        !client && there->status != 0
    };
    say(&text, "Seen: ");
    say_request(&text, request);
    say(&text, " had no response byte%s when ", request->ended ? "" : " and was not complete");
    say_end(&text, conn, when);
    say(&text, ", ");
    say_seconds(&text, waited);
    say(&text, " later");
    if (there->status) {
        say(&text, "; leg %u had status %u in frame %u", request->leg + 1, there->status, there->status_frame);
    }
    if (client) {
        say(&text, "; inferred: the client did not wait any longer; next: how long others wait at this time");
    } else if (there->status) {
        say(&text, "; inferred: the device at ");
        say_endpoint(&text, &conn->link->server->end);
        say(&text, " did not pass the answer on; next: its log and time-outs");
    } else if (conn->link->ended_frame && conn->link->ended_frame < request->begin.frame) {
        say(&text, "; inferred: the request crossed the end of a kept connection, the client sends it again");
        say(&text, "; next: nothing");
    } else {
        say(&text, "; inferred: the server or a device between gave the connection up");
        say(&text, "; next: time-outs before ");
        say_endpoint(&text, &conn->link->server->end);
        say(&text, " and the server's log at this time");
    }
    end_in_use(request, when, finding, &text);
}
