/* mapi_session.c
 * Session contexts that a server does not know any more, and the cookies that name them
 * (MS-OXCMAPIHTTP 3.1.5.6, 3.2.5.2).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "mapi_rules.h"

#include "client.h"
#include "clocks.h"
#include "credentials.h"
#include "logon_state.h"

static const char *const back_names[BACK_KINDS] = { "X-CalculatedBETarget", "X-BEServer", "MapiContext", "TCP peer" };

#define AFFINITY "affinity for /mapi by session or client; restarts of the server's service at this time"

/* ---- cookies ------------------------------------------------------------------------------ */

/* That nothing changed the client's cookies since the last success: the same as evidence_of(),
 * and every connection on which the client may have been given something since. */
static struct evidence *evidence_of_cookies(struct judge *judge, const struct exchange *request)
{
    const struct side *side = request->side;
    struct evidence *evidence = evidence_of(judge, request, side->success_conn);
    evidence_add_lacking(evidence, side->missed ? side->missed->link : NULL);
    for (const struct use *use = side->used; use; use = use->next) {
        evidence_add(evidence, use->conn->link, side->success_began);
    }
    evidence->more |= side->used_more;
    evidence->clocks |= request->before && clocks_differ(request->before->link, request->link);
    /* Of several servers, each perhaps with a clock of its own, it cannot be told what was set last. */
    for (const struct use *use = side->used; use; use = use->next) {
        evidence->clocks |= use->conn->link->server != request->link->server && request->link->track->clocks_doubted;
    }
    return evidence;
}

/* Whether the same request came with the cookie to the leg before. */
static bool has_cookie_in_front(const struct exchange *request)
{
    const struct exchange *front = request->before;
    return front && front->session == request->side->session && front->jar_known && !front->unseen &&
           (front->fault == COOKIE_FINE || front->fault_name != request->fault_name);
}

/* As it was set, the cookie that is missing could not come back: for another domain, or another path. */
static void say_not_brought(struct text *text, const struct exchange *request)
{
    const struct side *side = request->side;
    const bool domain = request->fault == COOKIE_NOT_TAKEN;
    for (unsigned i = 0; i < side->jar_count; i++) {
        const struct cookie *set = &side->jar[i];
        if (set->name == request->fault_name && set->frame == request->fault_frame) {
            say(text, "; it was set with %s=%s, the request asks %s", domain ? "Domain" : "Path",
                domain ? set->host : set->path,
                !domain       ? request->path :
                request->host ? request->host :
                                "no host by name");
            break;
        }
    }
    say(text,
        "; inferred: no client brings it back (RFC 6265 %s), so the session cannot go on; next: who sets or rewrites %s on "
        "the way, and which %s devices ask for behind themselves",
        domain ? "5.3" : "5.4", domain ? "Domain" : "Path", domain ? "host" : "path");
}

void mapi_cookies_lost(struct judge *judge, const struct event *event)
{
    const struct exchange *request = event->session.request;
    const struct side *side = request->side;
    if (!side || request->fault == COOKIE_FINE || !request->jar_known || is_connect(request->type) ||
        is_notification(request) || side->left_frame || (request->by_guid && request->type == MAPI_PING)) {
        return;
    }
    struct finding finding = finding_begin(judge, V_COOKIE_LOST, event->when, about_request(judge, request),
                                           evidence_of_cookies(judge, request));
    if (!finding.begun) {
        return;
    }
    struct text *text = &finding.text;
    const struct exchange *front = request->before;
    const bool proven = has_cookie_in_front(request),
               missing = request->fault != COOKIE_STALE && request->fault != COOKIE_FOREIGN;
    const char *did = missing ? "removed" : "changed";
    if (missing) {
        say(text, "Seen: %s lacks cookie %s, set in frame %u", REQUEST(request), request->fault_name,
            request->fault_frame);
    } else {
        say(text, "Seen: %s carries cookie %s with %s value (digest %08x), not that of frame %u", REQUEST(request),
            request->fault_name, request->fault == COOKIE_STALE ? "an older" : "another", request->fault_digest,
            request->fault_frame);
    }
    if (request->fault_count) {
        say(text, ", and %u more", request->fault_count);
    }
    if (request->by_guid) {
        say(text, "; it belongs to session %u by the GUID of its X-RequestId", side->session->number);
    }
    if (proven) {
        say(text,
            "; on leg %u the same request has it (frame %u, stream %u); inferred: the device at %s %s it "
            "(proven); next: rules for Cookie headers there",
            front->leg, front->begin.frame, front->conn->link->stream, SERVER_OF(front->conn), did);
    } else if (request->fault >= COOKIE_NOT_TAKEN) {
        say_not_brought(text, request);
    } else {
        say(text,
            "; inferred: the client did not keep it, or a device before this leg %s it; next: rules for Cookie and "
            "Set-Cookie on devices between; where this was not recorded at the client, what it sends itself",
            did);
    }
    tell_by(&finding, proven ? WHERE_DEVICE : WHERE_UNKNOWN, proven);
}

/* ---- refusals that wait for what the client does --------------------------------------------- */

/* Of the same context the first refusal waits; those that follow say no more. */
static void hold_loss(struct judge *judge, const struct finding *finding, const struct reply *reply, size_t seen_len)
{
    const struct side *side = reply->request->side;
    struct side_memo *memo = memo_of_side(judge, side);
    if (memo->lost) {
        return;
    }
    struct held *lost = held_new(judge, finding);
    lost->known = side->expiration_ns >= 0;
    lost->seen_len = seen_len;
    lost->code = reply_meaning(reply);
    lost->idle_ns = reply->request->idle_ns;
    lost->client = reply->request->identity[ID_CLIENT_INFO];
    memo->lost = lost;
    memo->next = NULL;
    memo->before = judge->losing.last;
    *(memo->before ? &memo->before->next : &judge->losing.first) = memo;
    judge->losing.last = memo;
}

/* It waits no more; the finding is the caller's, to be freed. */
static struct held *take_loss(struct judge *judge, struct side_memo *memo)
{
    struct held *lost = memo->lost;
    *(memo->before ? &memo->before->next : &judge->losing.first) = memo->next;
    *(memo->next ? &memo->next->before : &judge->losing.last) = memo->before;
    memo->lost = NULL;
    return lost;
}

/* Whether the request came with another user's credentials than its session was opened with on this leg: for him the server knows
 * no such context, wherever it lives (MS-OXCMAPIHTTP 3.2.5.1). */
static bool is_of_another(const struct exchange *request)
{
    const struct span user = client_bare_user(request->side->user);
    char opened[AUTH_USER_MAX];
    if (!request->user[0] || user.len == 0 || user.len >= sizeof(opened)) {
        return false;
    }
    memcpy(opened, user.ptr, user.len);
    opened[user.len] = '\0';
    return users_named_apart(request->user, opened);
}

/* What the same context did since the refusal says more than what was known by then. */
static void say_worked_again(struct finding *finding, const struct side_memo *memo, size_t seen_len)
{
    struct text *text = &finding->text;
    if (!memo->proven_frame || !seen_len) {
        return;
    }
    text->used = seen_len;
    finding->where = WHERE_DEVICE;
    finding->seen = false;
    say(text,
        "; the same context worked again in frame %u: proven to be alive; inferred: a device on the way spreads the "
        "requests of one context over servers; next: affinity for /mapi by session or client",
        memo->proven_frame);
}

static void tell_loss(struct judge *judge, struct side_memo *memo, struct when when)
{
    struct held *lost = take_loss(judge, memo);
    if (lost->known) {
        say_worked_again(&lost->finding, memo, lost->seen_len);
        lost->finding.when = when;
        tell(&lost->finding);
    }
    held_free(judge, lost);
}

/* Not sooner, where the client ends its connections: it may connect anew on another. */
void mapi_context_time_passed(struct judge *judge, const struct event *event)
{
    while (judge->losing.first &&
           event->when.ns - judge->losing.first->lost->finding.when.ns > judge->limits.loss_wait) {
        tell_loss(judge, judge->losing.first, event->when);
    }
}

static void tell_reconnect(struct judge *judge, struct side_memo *memo, const struct exchange *request,
                           struct when when)
{
    const struct side *side = memo->side;
    struct held *lost = take_loss(judge, memo);
    struct finding *finding = &lost->finding;
    struct text *text = &finding->text;
    const uint32_t refused_frame = finding->when.frame;
    finding_turn(finding, V_SESSION_EXPIRED);
    finding->when = when;
    finding->where = WHERE_NONE;
    finding->seen = false;
    text->used = 0;
    say(text,
        "Seen: the context of session %u was refused in frame %u with code %u (%s), %s after its last success, "
        "and %s %s",
        side->session->number, refused_frame, lost->code, mapi_code_name(lost->code), SECONDS(lost->idle_ns),
        REQUEST(request), request->from_cookies ? "brings its cookies again" : "follows");
    if (lost->known) {
        say(text, "; X-ExpirationInfo allows %s", SECONDS(side->expiration_ns));
    } else {
        say(text, "; no X-ExpirationInfo was seen");
    }
    say(text, "; inferred: the server no longer had the context: expired, dropped by a restart, or the request "
              "reached another server; the client connects anew, as it should; next: nothing, unless it happens again "
              "and again");
    tell(finding);
    held_free(judge, lost);
}

/* The client connects anew: with its old cookies, or as the same X-ClientInfo, or, where that is not sent, to the same
 * mailbox, which others may have open, too. */
static bool is_anew(const struct exchange *request, const struct side_memo *memo)
{
    const struct session *session = memo->side->session;
    if (request->side == memo->side && !request->by_guid) {
        return true;
    }
    if (session->endpoint != request->endpoint || request->leg != memo->side->number) {
        return false;
    }
    const uint64_t client = request->identity[ID_CLIENT_INFO];
    const char *mailbox = request->message->mailbox;
    return client && memo->lost->client ? client == memo->lost->client : mailbox && session->mailbox == mailbox;
}

/* A client that connects anew at once has lost little. */
void mapi_context_asked_for(struct judge *judge, const struct event *event)
{
    const struct exchange *request = event->session.request;
    unsigned looked_at = 0;
    if (!is_connect(request->type)) {
        return;
    }
    for (struct side_memo *memo = judge->losing.last; memo && looked_at < SEARCH_MAX; looked_at++) {
        struct side_memo *older = memo->before;
        if (is_anew(request, memo) && memo->proven_frame) {
            tell_loss(judge, memo, event->when); /* it was alive meanwhile */
        } else if (is_anew(request, memo)) {
            tell_reconnect(judge, memo, request, event->when);
        }
        memo = older;
    }
}

/* ---- refusals ------------------------------------------------------------------------------- */

static void set_context(struct judge *judge, const struct side *side, enum context_state context, struct when when)
{
    struct side_memo *memo = memo_of_side(judge, side);
    memo->context = context;
    memo->context_frame = when.frame;
}

void mapi_context_began(struct judge *judge, const struct event *event)
{
    struct side_memo *memo = event->session.side->memo;
    (void)judge;
    if (memo) {
        memo->lost_frame = memo->proven_frame = 0;
        memo->context = CONTEXT_FINE;
        memo->context_frame = 0;
    }
}

static const char *back_shown(const struct reply *reply)
{
    return reply->back_kind == BACK_PEER ? reply->peer : reply->back.shown[reply->back_kind];
}

static void tell_expired(struct judge *judge, struct finding *finding, const struct reply *reply)
{
    const struct exchange *request = reply->request;
    finding_turn(finding, V_SESSION_EXPIRED);
    say(&finding->text,
        "Seen: %s was answered with %s, %s after the last success in frame %u, X-ExpirationInfo allows "
        "%s; inferred: the context had expired, as after the client's sleep; next: nothing, the client "
        "connects anew",
        REQUEST(request), CODE("code", reply), SECONDS(request->idle_ns), request->idle_from,
        SECONDS(request->side->expiration_ns));
    set_context(judge, request->side, CONTEXT_EXPIRED, finding->when);
    tell(finding);
}

/* Where it went instead, and who sent it there. */
static void say_elsewhere(struct finding *finding, const struct reply *reply, const struct side_memo *memo)
{
    const struct exchange *request = reply->request;
    const struct there *there = &request->there;
    struct text *text = &finding->text;
    const bool another = is_of_another(request), proven = memo->proven_frame != 0 && !another;
    const bool device = there->peer || (reply->back_differs ? reply->back_kind == BACK_PEER : proven);
    finding->where = device ? WHERE_DEVICE : reply->back_differs ? WHERE_SERVER : WHERE_UNKNOWN;
    finding->seen = device;
    if (reply->back_differs) {
        const struct side *side = request->side;
        say(text, "; %s %s, at the last success %s (frame %u)", back_names[reply->back_kind], back_shown(reply),
            side->back.shown[reply->back_kind], side->back_frame[reply->back_kind]);
    } else if (there->peer) {
        say(text, "; on leg %u it went to %s (frame %u), the last success to %s", request->leg + 1, there->peer,
            there->peer_frame, there->peer_before);
    }
    if (proven) {
        say(text, "; refused in frame %u before, the same context worked again in frame %u: proven to be alive",
            memo->lost_frame, memo->proven_frame);
    }
    if (there->peer) {
        say(text, "; inferred: the device at %s sent it to a server that does not have the context",
            SERVER_OF(request->conn));
    } else if (reply->back_differs && device) {
        say(text, "; inferred: the device before this leg sent it to a server that does not have the context");
    } else if (reply->back_differs) {
        say(text, "; inferred: it was routed to another back end, which does not have the context");
    } else if (proven) {
        say(text, "; inferred: a device at or behind %s spreads the requests of one context over servers",
            SERVER_OF(request->conn));
    } else if (another) {
        say(text,
            "; its credentials are of %s, the session's of %s; inferred: it is the context of another user, whom the "
            "server does not let have it",
            request->user, request->side->user);
    } else {
        say(text, "; inferred: it reached another server than before, or the server dropped the context early");
    }
}

static void tell_lost(struct judge *judge, struct finding *finding, const struct reply *reply)
{
    const struct exchange *request = reply->request;
    const struct side *side = request->side;
    struct side_memo *memo = memo_of_side(judge, side);
    struct text *text = &finding->text;
    say(text,
        "Seen: %s carried the cookies of session %u and was answered with %s in frame %u, %s after the last "
        "success (frame %u), X-ExpirationInfo allows %s",
        REQUEST(request), side->session->number, CODE("code", reply), finding->when.frame, SECONDS(request->idle_ns),
        request->idle_from, SECONDS(side->expiration_ns));
    const size_t seen_len = text->used;
    const bool another = is_of_another(request);
    say_elsewhere(finding, reply, memo);
    say(text, "; next: %s",
        finding->where == WHERE_SERVER ? "moves of the mailbox or its database at this time" :
        another                        ? "who sends requests of two users with the cookies of one" :
                                         AFFINITY);
    if (!reply->back_differs && !request->there.peer && (!memo->proven_frame || another)) {
        hold_loss(judge, finding, reply, another ? 0 : seen_len);
    } else {
        tell(finding);
    }
    memo->lost_frame = finding->when.frame;
    memo->proven_frame = 0;
    set_context(judge, side, CONTEXT_LOST, finding->when);
}

static void tell_changed(struct judge *judge, const struct reply *reply, struct when when, bool refused)
{
    const struct exchange *request = reply->request;
    const struct side *side = request->side;
    const enum back_kind kind = reply->back_kind;
    struct finding finding = finding_begin(judge, refused ? V_BACKEND_CHANGED : V_BACKEND_CHANGED_CHAT, when,
                                           about_request(judge, request), NULL);
    if (!finding.begun) {
        return;
    }
    struct text *text = &finding.text;
    finding.where = !refused ? WHERE_NONE : kind == BACK_PEER ? WHERE_DEVICE : WHERE_SERVER;
    finding.seen = refused && kind == BACK_PEER;
    say(text, "Seen: %s is %s in the response of frame %u to %s, it was %s in frame %u of session %u", back_names[kind],
        back_shown(reply), when.frame, REQUEST(request), side->back.shown[kind], side->back_frame[kind],
        side->session->number);
    if (refused) {
        say(text, ", and the request got %s; inferred: the other back end does not have the context; next: %s",
            CODE("code", reply),
            kind == BACK_PEER ? "affinity for /mapi on the device before this leg" :
                                "moves of the mailbox, and how the front end finds its server");
    } else {
        say(text, "; inferred: the mailbox moved, or its requests are spread; next: nothing as long as they succeed");
    }
    tell(&finding);
}

static void refused(struct judge *judge, const struct reply *reply, struct when when, bool of_context)
{
    const struct exchange *request = reply->request;
    const struct side *side = request->side;
    if (is_connect(request->type) || side->left_frame || !request->from_cookies || !request->carried ||
        request->idle_ns < 0 || (!of_context && !reply->back_differs && !request->there.peer)) {
        return;
    }
    struct finding finding = finding_begin(judge, V_SESSION_LOST, when, about_request(judge, request),
                                           evidence_of(judge, request, side->success_conn));
    if (!finding.begun) {
        return;
    }
    if (side->expiration_ns < 0) {
        finding.where = WHERE_UNKNOWN;
        if (of_context) {
            hold_loss(judge, &finding, reply, 0);
        }
    } else if (request->idle_ns < side->expiration_ns) {
        tell_lost(judge, &finding, reply);
    } else if (of_context) {
        tell_expired(judge, &finding, reply);
    }
}

void mapi_context_answered(struct judge *judge, const struct event *event)
{
    const struct reply *reply = event->session.reply;
    const struct exchange *request = reply->request;
    const struct side *side = request && !request->by_guid ? request->side : NULL;
    if (!side) {
        return;
    }
    const bool success = reply_is_success(reply);
    const bool failed = reply->message->has_code && mapi_code_is_failure(reply->message->code);
    if (side->success.frame && (failed || reply->back_differs)) {
        const bool of_context = mapi_code_is_of_context(reply_meaning(reply));
        if (reply->back_differs && (failed || success)) {
            tell_changed(judge, reply, event->when, failed && of_context);
        }
        if (failed) {
            refused(judge, reply, event->when, of_context);
        }
    }
    struct side_memo *memo = side->memo;
    if (success && memo && memo->lost_frame && request->begin.frame > memo->lost_frame) {
        memo->proven_frame = reply->message->end.frame;
        memo->context = CONTEXT_FINE;
        memo->context_frame = memo->proven_frame;
        if (memo->lost && memo->lost->seen_len) {
            tell_loss(judge, memo, event->when);
        }
    }
}
