/* mapi_late.c
 * PENDING that comes late or several at once (MS-OXCMAPIHTTP 3.1.5.4).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "mapi_rules.h"

#include "clocks.h"

/* Something that either host sent was lost on the way, on whatever connection; or the client would not take more. */
static bool explained_by_tcp(const struct reply *reply)
{
    const struct mapi_conn *conn = reply->conn;
    const struct when repeated = conn->link->hosts->repeated;
    const int64_t from = reply->silence_from.ns;
    return (repeated.frame && repeated.ns >= from) || conn_closed_since(conn->link, WAY_TO_SERVER, from);
}

/* Whether the same was found on the next leg. */
static bool is_late_behind(const struct exchange *request)
{
    const struct request_memo *memo = request->memo;
    return memo && request->there.frame && memo->late_behind == request->there.frame;
}

/* The client of a device left: what it waited for is told of the leg before. */
static bool is_told_in_front(const struct exchange *request)
{
    return request->front && conn_doubt(request->front, NULL) == DOUBT_NONE;
}

/* The next leg waits as well, and nothing of it is missing. */
static bool is_silent_behind(const struct exchange *request)
{
    const struct mapi_conn *behind = request->there.conn;
    return behind && behind->reply && !behind->link->ended && conn_doubt(behind->link, NULL) == DOUBT_NONE &&
           !clocks_differ(request->link, behind->link);
}

static void say_silence(struct text *text, const struct reply *reply, uint32_t frame)
{
    say(text, "Seen: the response to %s", REQUEST(reply->request));
    if (reply->bunched) {
        say(text, " brought %u PENDING at once in frame %u", reply->bunch_count, frame);
    } else if (reply->overdue) {
        say(text, " had not gone on when the client sent %s in frame %u", END_NAME(reply->conn->link), frame);
    } else {
        say(text, " went on in frame %u", frame);
    }
    say(text, " after %s of silence since frame %u", SECONDS(reply->silence_ns), reply->silence_from.frame);
    if (reply->bunched && reply->interval_ns > 0 && reply->interval_ns < reply->period_ns) {
        say(text, ", one came after %s before", SECONDS(reply->interval_ns));
    } else {
        say(text, ", X-PendingPeriod is %s", SECONDS(reply->period_ns));
    }
    say(text, ", nothing was retransmitted and the client's window was open");
}

void mapi_response_late(struct judge *judge, const struct event *event)
{
    const struct reply *reply = event->session.reply;
    const struct exchange *request = reply->request;
    if (!request || explained_by_tcp(reply) || (reply->overdue && is_told_in_front(request))) {
        return;
    }
    struct subject subject = about_request(judge, request);
    subject.once = memo_once(judge, &reply->memo, ONCE_A_RESPONSE);
    struct finding finding =
        finding_begin(judge, V_PENDING_LATE, event->when, subject, evidence_of(judge, request, NULL));
    if (!finding.begun) {
        return;
    }
    struct text *text = &finding.text;
    const struct there *there = &request->there;
    const bool late_behind = is_late_behind(request);
    finding.where = WHERE_UNKNOWN;
    say_silence(text, reply, event->when.frame);
    if (there->pending_frame && !clocks_differ(request->link, there->conn->link) &&
        there->pending_ns > reply->silence_from.ns && event->when.ns - there->pending_ns > reply->period_ns / 10 &&
        !late_behind) {
        finding.where = WHERE_DEVICE;
        finding.seen = true;
        finding.hop = there->conn->link;
        say(text,
            "; leg %u had PENDING in frame %u; inferred: the device at %s collects the response before it passes "
            "it on; next: switch off response buffering for /mapi there",
            request->leg + 1, there->pending_frame, SERVER_OF(request->conn));
    } else if (late_behind) {
        finding.where = WHERE_SERVER;
        say(text, "; leg %u shows the same; inferred: it comes late from behind %s; next: see leg %u", request->leg + 1,
            SERVER_OF(request->conn), request->leg + 1);
    } else if (reply->overdue && is_silent_behind(request)) {
        finding.where = WHERE_SERVER;
        say(text,
            "; leg %u, which was captured whole, had not brought any either; inferred: %s hangs or is overloaded; next: its load "
            "and log at this time",
            request->leg + 1, SERVER_OF(there->conn));
    } else {
        finding.where = reply->bunched ? WHERE_DEVICE : WHERE_UNKNOWN;
        say(text,
            "; inferred: a device between holds the response back%s; next: response buffering for /mapi on "
            "devices before %s, or a capture behind them",
            reply->bunched ? "" : ", or the server did not send PENDING in time", SERVER_OF(request->conn));
    }
    if (request->before) {
        memo_of_request(judge, request->before)->late_behind = request->before->there.frame;
    }
    tell(&finding);
}
