/* mapi_end.c
 * Connections that end while something is under way.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "mapi_ender.h"

#include "clocks.h"
#include "expect.h"
#include "gone.h"
#include "unread.h"

/* A connection in use was ended: by a server that is gone, it or the one behind, where that was told. */
static void tell_end(struct finding *finding, const struct exchange *request)
{
    const struct mapi_conn *behind = request->there.conn;
    finding->subject = about_side(finding->judge, request->by_guid ? NULL : request->side, request->leg);
    if (finding->kind == V_RESPONSE_CUT &&
        (gone_explains(request->conn->link->server) || (behind && gone_explains(behind->link->server)))) {
        finding_turn(finding, V_RESPONSE_CUT_NOTE);
    }
    const struct conn *link = request->conn->link;
    finding->hop = link->ended && link->ended_by == WAY_TO_SERVER ? link : behind ? behind->link : NULL;
    tell(finding);
}

/* ---- responses that are cut ------------------------------------------------------------------ */

/* Then its client is a device. */
static bool has_leg_before(const struct exchange *request)
{
    return request->leg != NO_NUMBER && request->leg > 0;
}

/* stopped: nothing had come for longer than X-PendingPeriod allows. */
static void say_cut_by_client(struct text *text, const struct exchange *request, enum ender ender, bool stopped)
{
    if (ender != ENDER_CLIENT) {
        say_device_before(text, request, ender);
        return;
    }
    if (request->link->reused) {
        say(text,
            "; inferred: the client, or a device before it that gives its ports to others, had let go of the connection "
            "without a FIN or RST that came here; next: time-outs and tables of ports of NAT and firewalls there");
        return;
    }
    if (stopped) {
        say(text,
            "; inferred: the client gave up what had stopped, for PENDING was due, or it slept meanwhile; next: whether "
            "others had answers at this time");
        return;
    }
    say(text, "; inferred: the client did not wait for it: closed, cancelled or gone to sleep; next: nothing, "
              "unless its user sees failures");
}

static void say_cut_by_server(const struct judge_limits *limits, struct finding *finding, const struct reply *reply,
                              enum ender ender, int64_t idle)
{
    const struct exchange *request = reply->request;
    const struct mapi_conn *conn = reply->conn, *behind = request->there.conn;
    struct text *text = &finding->text;
    if (is_ended_behind(ender)) {
        say_ended_behind(text, request);
        return;
    }
    if (say_foreign_end(finding, request)) {
        return;
    }
    if (ender == ENDER_DEVICE) {
        if (behind->link->ended) {
            say(text, "; leg %u was ended by the device in frame %u", request->leg + 1, behind->link->ended_frame);
        } else {
            say(text, "; leg %u is still open", request->leg + 1);
        }
        say(text, "; inferred: the device at %s gave up by itself; next: its time-outs for /mapi", SERVER_OF(conn));
        return;
    }
    if (idle >= limits->idle_least && (reply->period_ns <= 0 || idle <= reply->period_ns ||
                                       (is_notification(request) && idle < limits->notification_time))) {
        say(text,
            "; inferred: a device between with too short an idle time-out for MAPI/HTTP, or a server failed; "
            "next: idle time-outs for /mapi before %s: NotificationWait stays open up to five minutes",
            SERVER_OF(conn));
    } else {
        say(text,
            "; inferred: the server or a device between broke off; next: the logs of %s and of devices before it "
            "at this time",
            SERVER_OF(conn));
    }
}

/* Disconnect or Unbind was sent since it began: what waits in that context has nothing to wait for any more. */
static bool is_released(const struct exchange *request)
{
    const struct side *side = request->by_guid ? NULL : request->side;
    return (side && side->session->released_frame > request->begin.frame) ||
           (request->ids && request->ids->leaving_frame > request->begin.frame);
}

#define PASSED_ON_WITHIN SECOND /* clocks that differ by less are set by hand, or not at all */

/* The server's end broke off here right behind the end of the leg before: which was first the clocks of two captures
 * cannot tell. */
static void doubt_front(const struct exchange *request)
{
    const struct conn *link = request->conn->link;
    const struct conn *front = request->gone_first ? request->gone_first->link : NULL;
    if (front && front->ended && conn_broken_by(front) == WAY_TO_CLIENT && conn_broken_by(link) == WAY_TO_CLIENT &&
        conn_broken(link).ns - conn_broken(front).ns < PASSED_ON_WITHIN) {
        mapi_take_back(request, V_RESPONSE_CUT, "the leg behind was ended by its server at nearly the same time");
    }
}

/* Who did not read the answer, here or on the next leg. */
static struct unread answer_unread(const struct judge *judge, const struct exchange *request)
{
    const struct conn *link = request->conn->link;
    const struct mapi_conn *behind = request->there.conn;
    const enum sender sender = mapi_sender(request);
    const struct unread unread =
        unread_by_client(judge, link, sender != SENDER_CLIENT, sender == SENDER_BEHIND ? request->front : NULL);
    return unread.link || !behind ? unread : unread_by_client(judge, behind->link, true, link);
}

/* The same of the request. */
static struct unread request_unread(const struct judge *judge, const struct exchange *request)
{
    const struct mapi_conn *behind = request->there.conn;
    const struct unread unread = unread_by_server(judge, request->conn->link, behind ? behind->link : NULL,
                                                  mapi_sender(request) == SENDER_BEHIND);
    return unread.link || !behind ? unread : unread_by_server(judge, behind->link, NULL, true);
}

static bool is_forgotten(const struct judge *judge, const struct conn *link)
{
    return link->late_ns > judge->limits.notification_time;
}

/* The server's end closed under the response. */
static void say_server_closed(struct finding *finding, const struct reply *reply, enum ender ender, int64_t idle)
{
    const struct exchange *request = reply->request;
    const struct conn *link = reply->conn->link;
    const uint32_t whole_behind = request->there.whole_frame;
    const struct unread unread = answer_unread(finding->judge, request);
    struct text *text = &finding->text;
    if (unread.link) {
        finding->where = unread.where;
        finding->seen = false;
        say_unread(text, &unread);
    } else if (is_forgotten(finding->judge, link)) {
        finding->where = WHERE_UNKNOWN;
        finding->seen = false;
        say(text,
            "; it answers what the client sent after %s of idle time; inferred: the connection was forgotten "
            "while the client slept; next: nothing, the client connects anew",
            SECONDS(link->late_ns));
    } else if (link->gave_up) {
        finding->where = WHERE_UNKNOWN;
        finding->seen = false;
        say(text,
            "; what it sent last was sent again, and nothing came from the client since; inferred: the client "
            "went to sleep or lost its network, or a device between dropped the connection without telling; next: "
            "whether the client was there at this time");
    } else if (!whole_behind) {
        say_cut_by_server(&finding->judge->limits, finding, reply, ender, idle);
    } else if (!say_foreign_end(finding, request)) {
        say(text,
            "; leg %u has it complete (frame %u); inferred: the device at %s cut it; next: its limits and "
            "time-outs for responses of /mapi",
            request->leg + 1, whole_behind, SERVER_OF(reply->conn));
    }
}

/* Its head says all, and is told: who answers so before he has read the request may reset what he does not read. */
static bool is_failure(const struct reply *reply)
{
    return reply->status >= 400 && reply->status != 401 && reply->status != 407;
}

/* A client that half-closed may be told of late. */
static int64_t idle_before_end(const struct reply *reply, struct when told)
{
    const struct conn *link = reply->conn->link;
    const int64_t until = conn_broken_by(link) == WAY_TO_SERVER ? link->ended_ns : told.ns;
    return until > reply->last_bytes.ns ? until - reply->last_bytes.ns : 0;
}

/* PENDING was due long ago. */
static bool has_stopped(const struct reply *reply, int64_t idle)
{
    return reply->scanning && !reply->done && reply->period_ns > 0 && idle >= reply->period_ns * 2 &&
           mapi_sender(reply->request) == SENDER_CLIENT;
}

/* Nobody has to be blamed: clients leave, and servers close what they have to take for forgotten. */
static bool is_as_clients_do(const struct judge *judge, const struct exchange *request)
{
    const struct conn *link = request->conn->link;
    return conn_broken_by(link) == WAY_TO_SERVER ?
               has_leg_before(request) || ender_before(judge, request) != ENDER_BETWEEN :
               is_forgotten(judge, link) || link->gave_up;
}

void mapi_response_cut(struct judge *judge, const struct event *event)
{
    const struct reply *reply = event->session.reply;
    const struct exchange *request = reply->request;
    const struct conn *link = reply->conn->link;
    const bool client = conn_broken_by(link) == WAY_TO_SERVER;
    if (!request || (!client && (is_released(request) || is_failure(reply)))) {
        return;
    }
    doubt_front(request);
    struct finding finding =
        finding_begin(judge, is_as_clients_do(judge, request) ? V_RESPONSE_CUT_CHAT : V_RESPONSE_CUT, event->when,
                      about_request(judge, request), evidence_of(judge, request, NULL));
    if (!finding.begun) {
        return;
    }
    struct text *text = &finding.text;
    const enum ender ender = request->there.whole_frame && !client ? ENDER_DEVICE : ender_of(judge, request);
    const int64_t idle = idle_before_end(reply, event->when);
    const bool stopped = has_stopped(reply, idle);
    finding.where = (stopped || link->reused) && ender == ENDER_CLIENT ? WHERE_UNKNOWN : ender_where(ender);
    finding.seen = ender == ENDER_DEVICE || ender == ENDER_BEHIND;
    say(text, "Seen: the response to %s began in frame %u and was not complete when ", REQUEST(request),
        reply->message->begin.frame);
    say_ended_by(text, reply->conn, event->when);
    say(text, ", %s after its last byte", SECONDS(idle));
    if (reply->period_ns > 0) {
        say(text, ", X-PendingPeriod is %s", SECONDS(reply->period_ns));
    }
    if (client) {
        say_cut_by_client(text, request, ender, stopped);
    } else {
        say_server_closed(&finding, reply, ender, idle);
    }
    tell_end(&finding, request);
}

/* ---- responses that end in order, and are not done ------------------------------------------------ */

/* The same on the next leg: it stands there. */
static bool is_undone_behind(const struct exchange *request)
{
    const struct request_memo *memo = request->memo;
    return memo && memo->undone_behind && memo->undone_behind == request->there.frame;
}

static void say_undone(struct text *text, const struct reply *reply, struct when when)
{
    const struct mapi_message *message = reply->message;
    const int64_t idle = when.ns - reply->last_bytes.ns;
    say(text, "Seen: the response to %s began in frame %u and ended in order in frame %u, ", REQUEST(reply->request),
        message->begin.frame, when.frame);
    if (reply->until_close) {
        say(text, "with its connection");
    } else {
        say(text, "its last chunk or Content-Length says that this was all");
    }
    if (message->tag_count) {
        say(text, ", behind %s and without DONE", meta_tag_name(message->tags[message->tag_count - 1].tag));
    } else {
        say(text, ", without a body");
    }
    if (idle >= SECOND) {
        say(text, ", %s after its last byte", SECONDS(idle));
    }
    if (reply->period_ns > 0) {
        say(text, ", X-PendingPeriod is %s", SECONDS(reply->period_ns));
    }
}

/* Whose doing it is, and what the next leg has. */
static void say_breaker(struct finding *finding, const struct reply *reply)
{
    const struct exchange *request = reply->request;
    struct text *text = &finding->text;
    const uint32_t whole_behind = request->there.whole_frame;
    const struct mapi_conn *behind = request->there.conn;
    if (is_undone_behind(request)) {
        finding->where = WHERE_UNKNOWN;
        say(text, "; leg %u shows the same; inferred: the device at %s only passed that on; next: see leg %u",
            request->leg + 1, SERVER_OF(request->conn), request->leg + 1);
        return;
    }
    const enum ender ender = whole_behind ? ENDER_DEVICE : ender_behind(request);
    finding->where = ender_where(ender);
    finding->seen = ender == ENDER_DEVICE || ender == ENDER_BEHIND;
    if (is_ended_behind(ender)) {
        say_ended_behind(text, request);
        return;
    }
    if (ender != ENDER_DEVICE) {
        say(text,
            "; inferred: %sthe server, or a device between that collects responses or frames them anew, gave up before the "
            "response was done; next: time-outs and buffering for responses of /mapi on devices before %s, that server's "
            "log at this time, or a capture behind them",
            reply->until_close ? "" : "the connection did not break: ", SERVER_OF(request->conn));
        return;
    }
    if (whole_behind) {
        say(text, "; leg %u has it complete (frame %u)", request->leg + 1, whole_behind);
    } else if (behind->link->ended) {
        say(text, "; leg %u was ended by the device in frame %u", request->leg + 1, behind->link->ended_frame);
    } else {
        say(text, "; leg %u is still open and has not brought DONE", request->leg + 1);
    }
    say(text,
        "; inferred: the device at %s broke off and ended the response as if it were whole; next: its time-outs and "
        "limits for responses of /mapi",
        SERVER_OF(request->conn));
}

void mapi_response_undone(struct judge *judge, const struct event *event)
{
    const struct reply *reply = event->session.reply;
    const struct exchange *request = reply->request;
    if (!request || !reply->undone || reply->abandoned || is_released(request)) {
        return;
    }
    if (request->before) {
        memo_of_request(judge, request->before)->undone_behind = request->before->there.frame;
    }
    struct evidence *evidence = evidence_new(judge);
    evidence_add(evidence, request->conn->link, request->begin.frame);
    struct finding finding = finding_begin(judge, V_RESPONSE_CUT, event->when, about_request(judge, request), evidence);
    if (!finding.begun) {
        return;
    }
    say_undone(&finding.text, reply, event->when);
    say_breaker(&finding, reply);
    tell_end(&finding, request);
}

/* ---- requests without an answer ---------------------------------------------------------------- */

#define BODY_BIG 32768 /* bytes sent: below that no limit is set */

/* The server's end gave up while the body of a request was under way. */
static bool body_was_reset(const struct exchange *request)
{
    return !request->ended && request->message->body_length >= BODY_BIG && request->conn->link->ended_by_rst;
}

/* The server's end gave up, and the next leg has no status of it. */
static void say_given_up(struct finding *finding, const struct exchange *request)
{
    struct text *text = &finding->text;
    const struct side *kept = mapi_kept_before(request);
    if (kept) {
        finding->where = WHERE_DEVICE;
        say_kept(text, request, kept);
    }
    if (!kept && say_foreign_end(finding, request)) {
        return;
    }
    if (kept && body_was_reset(request)) {
        say(text,
            "; inferred: the device at %s takes no larger body, or gave the connection up before it had the request "
            "whole; next: its log, its limits for the bodies of requests, and whether others are cut at the same size",
            SERVER_OF(request->conn));
    } else if (body_was_reset(request)) {
        say(text,
            "; inferred: a device or the server takes no larger body, or gave the connection up; next: limits for "
            "the bodies of requests before %s and on it (413, maxAllowedContentLength), and whether others are cut "
            "at the same size",
            SERVER_OF(request->conn));
    } else if (kept) {
        say(text,
            "; inferred: the device at %s gave the connection up before it passed the request on; next: its log and "
            "limits, and what it says of the servers behind it at this time",
            SERVER_OF(request->conn));
    } else {
        say(text,
            "; inferred: the server or a device between gave the connection up; next: time-outs before %s and "
            "the server's log at this time",
            SERVER_OF(request->conn));
    }
}

/* The next leg is there, and nothing of it is missing. */
static bool is_seen_behind(const struct exchange *request)
{
    const struct mapi_conn *behind = request->there.conn;
    return behind && conn_doubt(behind->link, NULL) == DOUBT_NONE && !clocks_differ(request->link, behind->link);
}

/* The client waited for as long as a client does: what it waited for did not come, which is not its doing. */
static void say_waited(struct finding *finding, const struct exchange *request)
{
    const struct mapi_conn *behind = request->there.conn;
    const struct side *kept = mapi_kept_before(request);
    struct text *text = &finding->text;
    if (kept) {
        finding->where = WHERE_DEVICE;
        say_kept(text, request, kept);
        say(text,
            "; inferred: the device at %s kept the request until the client gave up; next: its log, and what it says of the "
            "servers behind it at this time",
            SERVER_OF(request->conn));
    } else if (is_seen_behind(request) && behind->link->ended) {
        const bool by_device = conn_broken_by(behind->link) == WAY_TO_SERVER;
        finding->where = by_device ? WHERE_DEVICE : WHERE_UNKNOWN;
        say(text,
            "; leg %u was ended by %s in frame %u; inferred: the device at %s passed neither an answer nor that end on to its "
            "own client; next: its time-outs%s",
            request->leg + 1, by_device ? "the device" : "its server's end", conn_broken(behind->link).frame,
            SERVER_OF(request->conn), by_device ? " and log" : ", and the log of that server at this time");
    } else if (is_seen_behind(request) && !behind->link->ended) {
        finding->where = WHERE_SERVER;
        say(text,
            "; leg %u has it and no answer either; inferred: %s hangs or is overloaded, and the client gave up; next: its load "
            "and log at this time",
            request->leg + 1, SERVER_OF(behind));
    } else {
        finding->where = WHERE_UNKNOWN;
        say(text,
            "; inferred: the client gave up: what stands at %s hangs or is overloaded, or a device between holds request or "
            "answer back; next: load and log of that server at this time, and a capture behind it",
            SERVER_OF(request->conn));
    }
}

/* The client's end closed. */
static void say_left(struct finding *finding, const struct exchange *request)
{
    const struct conn *link = request->conn->link;
    const struct conn_end *end = conn_end_of(link, WAY_TO_CLIENT);
    struct text *text = &finding->text;
    if (link->reused) {
        finding->where = WHERE_UNKNOWN;
        say(text,
            "; inferred: the client, or a device before it that gives its ports to others, had let go of the connection without a FIN "
            "or RST that came here; next: restarts of the client at this time, and time-outs and tables of ports of NAT and "
            "firewalls between %s and here",
            ENDPOINT(&link->client));
    } else if (request->ended && link->ended_ns - request->end.ns >= finding->judge->limits.answer_wait) {
        say_waited(finding, request);
    } else if (link->ended_frame == finding->when.frame) {
        say(text, "; inferred: the client did not wait any longer; next: how long others wait at this time");
    } else if (end) {
        say(text,
            "; the server's end sent %s in frame %u; inferred: the client left as soon as it had asked, or what stands at %s takes a "
            "client that only closes its sending side for one that has left; next: what the client did at this time",
            end->rst ? "RST" : "FIN", end->when.frame, SERVER_OF(request->conn));
    } else {
        finding->where =
            finding->when.ns - link->ended_ns >= finding->judge->limits.answer_wait ? WHERE_UNKNOWN : WHERE_CLIENT;
        say(text,
            ", and none came for %s since; inferred: the client left as soon as it had asked, or waits for an answer that does not "
            "come; next: what the client did at this time, and the log of %s",
            SECONDS(finding->when.ns - link->ended_ns), SERVER_OF(request->conn));
    }
}

static void say_unanswered(struct finding *finding, const struct exchange *request)
{
    const struct conn *link = request->conn->link;
    const struct there *there = &request->there;
    struct text *text = &finding->text;
    finding->where = WHERE_UNKNOWN;
    if (conn_broken_by(link) == WAY_TO_SERVER) {
        const enum ender ender = ender_of(finding->judge, request);
        finding->where = ender_where(ender);
        finding->seen = ender == ENDER_DEVICE;
        if (ender == ENDER_CLIENT) {
            say_left(finding, request);
        } else {
            say_device_before(text, request, ender);
        }
    } else if (there->status) {
        finding->where = WHERE_DEVICE;
        finding->seen = true;
        say(text, "; inferred: the device at %s did not pass the answer on; next: its log and time-outs",
            SERVER_OF(request->conn));
    } else if ((link->ended_frame && link->ended_frame < request->begin.frame) || request_crossed(request)) {
        say(text, "; inferred: the request crossed the end of a kept connection, the client sends it again; next: "
                  "nothing");
    } else if (there->conn && there->conn->link->ended_frame > there->frame &&
               is_ended_behind(ender_of(finding->judge, request))) {
        const enum ender ender = ender_of(finding->judge, request);
        finding->where = ender_where(ender);
        finding->seen = ender == ENDER_BEHIND;
        say_ended_behind(text, request);
    } else {
        say_given_up(finding, request);
    }
}

static void say_sent(struct text *text, const struct exchange *request)
{
    const uint64_t sent = request->message->body_length;
    if (request->ended || sent == 0) {
        return;
    }
    say(text, ", %llu", (unsigned long long)sent);
    if (request->body_total >= 0) {
        say(text, " of %lld", (long long)request->body_total);
    }
    say(text, " bytes of its body had been sent");
}

/* The client sent it although it knew of the server's FIN. */
static void say_after_end(struct finding *finding, const struct exchange *request, struct when when)
{
    const struct conn *link = request->conn->link;
    const enum sender sender = mapi_sender(request);
    say(&finding->text,
        "Seen: %s was sent %s after the server's end had closed (FIN in frame %u, which the client had acknowledged), "
        "answered by RST in frame %u; inferred: the %s used a connection that it knew to be closed, and sends the "
        "request again; next: nothing, unless its user sees failures",
        REQUEST(request), SECONDS(request->begin.ns - link->ended_ns), link->ended_frame, when.frame,
        sender == SENDER_BEHIND || sender == SENDER_FORWARDED ? "device that is the client here" : "client");
    finding->where = sender == SENDER_CLIENT ? WHERE_CLIENT : sender == SENDER_UNORDERED ? WHERE_UNKNOWN : WHERE_DEVICE;
}

/* Its client has more than was captured so far: the answer, which a tap of two ports stamps late, or which was lost. */
static bool has_unseen_answer(const struct conn *link)
{
    return link->tcp.half[WAY_TO_CLIENT].holes > 0;
}

/* Of a leg behind a device that ended it, what became of the request stands on the leg before. */
static bool is_told_before(const struct exchange *request)
{
    const struct exchange *before = request->before;
    return conn_broken_by(request->conn->link) == WAY_TO_SERVER && has_leg_before(request) &&
           (request->told_before || (before && (has_unseen_answer(before->link) ||
                                                (before->abandoned && conn_doubt(before->link, NULL) == DOUBT_NONE))));
}

/* The server's end had it when it closed, in a frame before it: so may its answer stand before it. What an ACK covers that was
 * not captured counts as sent: where the request then stands is behind itself. */
static bool was_known(const struct exchange *request)
{
    const struct conn_end *end = conn_end_of(request->link, WAY_TO_CLIENT);
    return end && end->knew_more && end->when.frame < request->begin.frame &&
           (int32_t)(end->ack - request->begin_seq) >= 0;
}

void mapi_request_unanswered(struct judge *judge, const struct event *event)
{
    const struct exchange *request = event->session.request;
    const struct mapi_conn *conn = request->conn;
    const struct there *there = &request->there;
    if (conn->dropped && conn->dropped->silent) {
        return; /* it went silent: that is told where the server answers elsewhere */
    }
    if (is_told_before(request) || was_known(request)) {
        return;
    }
    struct finding finding = finding_begin(judge, V_UNANSWERED, event->when, about_request(judge, request),
                                           evidence_of(judge, request, NULL));
    if (!finding.begun) {
        return;
    }
    struct text *text = &finding.text;
    if (request->after_end) {
        say_after_end(&finding, request, event->when);
        tell_end(&finding, request);
        return;
    }
    const struct when half = conn->begun[WAY_TO_CLIENT]; /* of a head */
    say(text, "Seen: %s had ", REQUEST(request));
    if (half.frame) {
        say(text, "only the first bytes of an answer, from frame %u on,", half.frame);
    } else {
        say(text, "no response byte");
    }
    say(text, "%s when ", request->ended ? "" : " and was not complete");
    say_ended_by(text, conn, event->when);
    const int64_t until = conn_broken_by(conn->link) == WAY_TO_SERVER ? conn->link->ended_ns : event->when.ns;
    say(text, ", %s later", SECONDS(until - (request->ended ? request->end.ns : request->begin.ns)));
    say_sent(text, request);
    if (there->status) {
        say(text, "; leg %u had status %u in frame %u", request->leg + 1, there->status, there->status_frame);
    }
    const struct unread unread = request_unread(judge, request);
    if (unread.link) {
        finding.where = unread.where;
        say_unread(text, &unread);
    } else if (expect_mapi(judge, request)) {
        say_expect(&finding, request);
    } else {
        say_unanswered(&finding, request);
    }
    tell_end(&finding, request);
}
