/* mapi_sequence.c
 * Requests of one context in an order that the server does not expect (MS-OXCMAPIHTTP 3.1.5.1).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "mapi_rules.h"

/* Whose doing the order of requests is: the client's, but behind a device its own. */
static enum verdict_where sender_of(const struct exchange *request)
{
    const enum sender sender = mapi_sender(request);
    return sender == SENDER_CLIENT                    ? WHERE_CLIENT :
           sender == SENDER_BEHIND && request->before ? WHERE_DEVICE :
                                                        WHERE_UNKNOWN;
}

void mapi_counter_went_back(struct judge *judge, const struct event *event)
{
    const struct exchange *request = event->session.request;
    if (!request->below_frame || is_connect(request->type)) {
        return;
    }
    if (request->before && request->before->below_frame) {
        /* It came so from the leg before, where it is told. */
        once_mark(&memo_of_request(judge, request)->once, V_SEQUENCE_BROKEN);
        return;
    }
    struct finding finding = finding_begin(judge, V_SEQUENCE_BROKEN, event->when, about_request_once(judge, request),
                                           evidence_of(judge, request, request->side->success_conn));
    if (!finding.begun) {
        return;
    }
    say(&finding.text,
        "Seen: the counter of X-RequestId is %u in %s, it was %u in frame %u of the same context and "
        "GUID; inferred: an old request was sent again though it had been answered, or requests of one "
        "context overtook each other on the way; next: whether the client or a device between repeats "
        "requests",
        request->counter, REQUEST(request), request->below_counter, request->below_frame);
    tell_by(&finding, sender_of(request), false);
}

static bool counts_as_sent(unsigned status)
{
    return status != 0 && status != 401 && status != 407;
}

static void overlap(struct judge *judge, const struct exchange *request, struct when when)
{
    if (!request->other.frame || !request->other.both || !counts_as_sent(request->status) ||
        !counts_as_sent(request->other.status) || !request->side) {
        return;
    }
    if (request->other.abandoned) {
        return; /* the client had given it up, which is told there */
    }
    if (request->before && request->before->side && !request->before->other.frame) {
        return; /* one after the other on the leg before: times on this one do not fit */
    }
    struct finding finding = finding_begin(judge, V_SEQUENCE_BROKEN, when, about_request_once(judge, request),
                                           evidence_of(judge, request, request->other.conn));
    if (!finding.begun) {
        return;
    }
    say(&finding.text,
        "Seen: %s and %s (frame %u, stream %u) were under way at the same time, both of session %u; "
        "inferred: two requests of one context at a time, which only NotificationWait may do (3.1.5.1): "
        "the server may answer code 15; next: whether the client sends both, or a device between "
        "repeats one",
        REQUEST(request), type_text(request->other.type), request->other.frame, request->other.stream,
        request->side->session->number);
    const bool so_before = request->before && mapi_sender(request) == SENDER_BEHIND; /* there it was so, too */
    tell_by(&finding, so_before ? WHERE_CLIENT : sender_of(request), false);
}

/* The status of one may also be what was waited for to tell of the one that overlaps it. */
void mapi_requests_overlap(struct judge *judge, const struct event *event)
{
    const struct exchange *request = event->session.request;
    if (request->overlapped_by) {
        overlap(judge, request->overlapped_by, event->when);
    }
    overlap(judge, request, event->when);
}

void mapi_sequence_refused(struct judge *judge, const struct event *event)
{
    const struct reply *reply = event->session.reply;
    const struct exchange *request = reply->request;
    if (!request || !reply->message->has_code || reply->message->code == CODE_SUCCESS ||
        reply_meaning(reply) != CODE_INVALID_SEQUENCE) {
        return;
    }
    struct finding finding =
        finding_begin(judge, V_SEQUENCE_BROKEN, event->when, about_request_once(judge, request), NULL);
    if (!finding.begun) {
        return;
    }
    struct text *text = &finding.text;
    finding.where = WHERE_UNKNOWN;
    say(text, "Seen: %s was answered with %s in frame %u", REQUEST(request), CODE("code", reply), event->when.frame);
    if (request->other.frame) {
        say(text, ", while %s of frame %u was under way", type_text(request->other.type), request->other.frame);
        finding.where = mapi_sender(request) == SENDER_CLIENT ? WHERE_CLIENT : WHERE_UNKNOWN;
    } else if (request->fault == COOKIE_STALE) {
        say(text, ", its cookie %s was out of date", request->fault_name);
    }
    say(text, "; inferred: the server counts another request as the next one of this context; next: requests of this "
              "context on other connections, and repetitions by devices between");
    tell(&finding);
    if (request->overlaps) { /* the same fault */
        once_mark(&memo_of_request(judge, request->overlaps)->once, V_SEQUENCE_BROKEN);
    }
}
