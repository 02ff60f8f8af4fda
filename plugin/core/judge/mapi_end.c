/* mapi_end.c
 * Connections that end while something is under way, and servers that end several at once.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "mapi_rules.h"

#include "gone.h"

/* ---- servers that are gone ----------------------------------------------------------------- */

struct ended {
    const struct mapi_conn *conn; /* NULL: none of MAPI/HTTP */
    struct when when;             /* frame 0: there was none */
};

/* What is remembered of a server: who ended when. */
struct server_memo {
    struct ended used, unused; /* a connection in use, another one */
    struct when told;          /* server_gone, and what belongs to it */
    struct subject used_by;
    uint32_t waiting; /* findings that wait for its other connections */
};

static struct server_memo *memo_of_server(struct judge *judge, const struct server *server)
{
    return memo_in(judge, &server->memo[CONN_MAPI], sizeof(struct server_memo));
}

/* Takes it from its side, whose row shows it no more, and frees it; it is in no queue. */
static void held_drop(struct judge *judge, struct held *held)
{
    if (held->side) {
        *(held->before ? &held->before->behind : &held->side->first) = held->behind;
        *(held->behind ? &held->behind->before : &held->side->last) = held->before;
    }
    held_free(judge, held);
}

static void forget_waiting(struct judge *judge, const struct server *server)
{
    struct held **link = &judge->held.first;
    judge->held.last = NULL;
    while (*link) {
        struct held *held = *link;
        if (held->server == server) {
            *link = held->next;
            held_drop(judge, held);
        } else {
            judge->held.last = held;
            link = &held->next;
        }
    }
    memo_of_server(judge, server)->waiting = 0;
}

/* Told unless the server turns out to be gone within a second. */
static void await(struct judge *judge, const struct finding *finding, const struct side *side,
                  const struct server *server)
{
    struct side_memo *memo = side ? memo_of_side(judge, side) : NULL;
    struct held *held = held_new(judge, finding, memo);
    held->server = server;
    *(judge->held.last ? &judge->held.last->next : &judge->held.first) = held;
    judge->held.last = held;
    if (memo) {
        held->before = memo->last;
        *(memo->last ? &memo->last->behind : &memo->first) = held;
        memo->last = held;
    }
    memo_of_server(judge, server)->waiting++;
}

void mapi_end_time_passed(struct judge *judge, const struct event *event)
{
    while (judge->held.first) {
        struct held *held = judge->held.first;
        if (gone_may_follow(judge, held->finding.when, event->when)) {
            return;
        }
        judge->held.first = held->next;
        if (!held->next) {
            judge->held.last = NULL;
        }
        memo_of_server(judge, held->server)->waiting--;
        held->finding.when = event->when;
        tell(&held->finding);
        held_drop(judge, held);
    }
}

/* Whether two connections were ended together. */
static bool is_together(const struct judge *judge, const struct ended *before, const struct ended *now)
{
    return before->conn != now->conn && gone_together(judge, before->when, now->when);
}

static void tell_gone(struct judge *judge, const struct server *server, struct subject subject, struct when when,
                      const struct ended *used, const struct ended *other)
{
    forget_waiting(judge, server);
    memo_of_server(judge, server)->told = when;
    struct finding finding = gone_begin(judge, server, subject, when);
    struct text *text = &finding.text;
    say(text, " ended connections in use within a second: stream %u in frame %u", used->conn->link->stream,
        used->when.frame);
    if (other->conn) {
        say(text, ", stream %u in frame %u", other->conn->link->stream, other->when.frame);
    } else {
        say(text, ", another one in frame %u", other->when.frame);
    }
    gone_tell(&finding);
}

/* A connection in use was ended. By the server: one of several within a second is no matter
 * of its own; whether others follow shows only later where others are open. */
static void end_in_use(struct finding *finding, const struct exchange *request)
{
    struct judge *judge = finding->judge;
    const struct conn *link = request->conn->link;
    const struct server *server = link->server;
    const struct side *side = request->by_guid ? NULL : request->side;
    finding->subject = about_side(judge, side, request->leg);
    if (link->ended_by == WAY_TO_SERVER) {
        tell(finding);
        return;
    }
    struct server_memo *memo = memo_of_server(judge, server);
    const struct ended now = { request->conn, finding->when };
    if (gone_together(judge, memo->told, now.when)) {
        memo->told = now.when; /* more of the same */
        return;
    }
    const bool with_used = is_together(judge, &memo->used, &now);
    if (with_used || is_together(judge, &memo->unused, &now)) {
        tell_gone(judge, server, finding->subject, now.when, &now, with_used ? &memo->used : &memo->unused);
        return;
    }
    memo->used = now;
    memo->used_by = finding->subject;
    if (server->open[CONN_MAPI] > 0) {
        await(judge, finding, side, server);
    } else {
        tell(finding);
    }
}

void mapi_unused_conn_ended(struct judge *judge, const struct event *event)
{
    const struct server *server = event->session.unused.server;
    const struct ended now = { event->session.unused.conn, event->when };
    struct server_memo *memo = memo_of_server(judge, server);
    if (gone_together(judge, memo->told, now.when)) {
        return;
    }
    if (memo->waiting > 0 && is_together(judge, &memo->used, &now)) {
        tell_gone(judge, server, memo->used_by, now.when, &memo->used, &now);
        return;
    }
    memo->unused = now;
}

/* ---- responses that are cut ------------------------------------------------------------------ */

static void say_end(struct text *text, const struct mapi_conn *conn, struct when when)
{
    const struct conn *link = conn->link;
    say(text, "the %s sent %s in frame %u", link->ended_by == WAY_TO_SERVER ? "client" : "server's end", end_name(link),
        link->ended_frame ? link->ended_frame : when.frame);
}

/* Whose doing the end of a connection is, as far as the other leg tells. */
enum ender { ENDER_UNKNOWN, ENDER_CLIENT, ENDER_DEVICE, ENDER_BEHIND };

static enum ender ender_of(const struct exchange *request)
{
    const struct mapi_conn *conn = request->conn;
    if (conn->link->ended_by == WAY_TO_SERVER) {
        const struct mapi_conn *before = request->before ? request->before->conn : NULL;
        if (request->leg == NO_NUMBER || request->leg == 0 || (before && before->link->ended)) {
            return ENDER_CLIENT;
        }
        return before && conn_doubt(before->link, NULL) == DOUBT_NONE ? ENDER_DEVICE : ENDER_UNKNOWN;
    }
    const struct mapi_conn *behind = request->there.conn;
    if (!behind || conn_doubt(behind->link, NULL) != DOUBT_NONE) {
        return ENDER_UNKNOWN;
    }
    return behind->link->ended && behind->link->ended_by == WAY_TO_CLIENT ? ENDER_BEHIND : ENDER_DEVICE;
}

static void say_cut_by_client(struct text *text, const struct exchange *request, enum ender ender)
{
    if (ender == ENDER_CLIENT) {
        say(text, "; inferred: the client did not wait for it: closed, cancelled or gone to sleep; next: nothing, "
                  "unless its user sees failures");
        return;
    }
    say(text,
        "; inferred: the client of this leg is the device at %s%s; next: its time-outs for /mapi, and how leg %u ended",
        ENDPOINT(&request->conn->link->client),
        ender == ENDER_DEVICE ? ", and the leg before was still open: it gave up by itself" :
                                ", which gave up or passes on that its own client did",
        request->leg - 1);
}

static void say_cut_by_server(const struct judge_limits *limits, struct text *text, const struct reply *reply,
                              enum ender ender, int64_t idle)
{
    const struct exchange *request = reply->request;
    const struct mapi_conn *conn = reply->conn, *behind = request->there.conn;
    if (ender == ENDER_BEHIND) {
        say(text,
            "; leg %u was ended by its server %s in frame %u; inferred: the device at %s only passed that on; "
            "next: the log of that server at this time",
            request->leg + 1, SERVER_OF(behind), behind->link->ended_frame, SERVER_OF(conn));
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

void mapi_response_cut(struct judge *judge, const struct event *event)
{
    static const enum verdict_where where[] = { [ENDER_UNKNOWN] = WHERE_UNKNOWN,
                                                [ENDER_CLIENT] = WHERE_CLIENT,
                                                [ENDER_DEVICE] = WHERE_DEVICE,
                                                [ENDER_BEHIND] = WHERE_SERVER };
    const struct reply *reply = event->session.reply;
    const struct exchange *request = reply->request;
    const struct mapi_conn *conn = reply->conn;
    const bool client = conn->link->ended_by == WAY_TO_SERVER;
    if (!request) {
        return;
    }
    struct finding finding = finding_begin(judge, client ? V_RESPONSE_CUT_CHAT : V_RESPONSE_CUT, event->when,
                                           about_request(judge, request), evidence_of(judge, request, NULL));
    if (!finding.begun) {
        return;
    }
    struct text *text = &finding.text;
    const uint32_t whole_behind = request->there.whole_frame;
    const enum ender ender = whole_behind && !client ? ENDER_DEVICE : ender_of(request);
    const int64_t idle = event->when.ns - reply->last_bytes.ns;
    finding.where = where[ender];
    finding.seen = ender == ENDER_DEVICE || ender == ENDER_BEHIND;
    say(text, "Seen: the response to %s began in frame %u and was not complete when ", REQUEST(request),
        reply->message->begin.frame);
    say_end(text, conn, event->when);
    say(text, ", %s after its last byte", SECONDS(idle));
    if (reply->period_ns > 0) {
        say(text, ", X-PendingPeriod is %s", SECONDS(reply->period_ns));
    }
    if (client) {
        say_cut_by_client(text, request, ender);
    } else if (whole_behind) {
        say(text,
            "; leg %u has it complete (frame %u); inferred: the device at %s cut it; next: its limits and "
            "time-outs for responses of /mapi",
            request->leg + 1, whole_behind, SERVER_OF(conn));
    } else {
        say_cut_by_server(&judge->limits, text, reply, ender, idle);
    }
    end_in_use(&finding, request);
}

/* ---- requests without an answer ---------------------------------------------------------------- */

void mapi_request_unanswered(struct judge *judge, const struct event *event)
{
    const struct exchange *request = event->session.request;
    const struct mapi_conn *conn = request->conn;
    const struct there *there = &request->there;
    const bool client = conn->link->ended_by == WAY_TO_SERVER;
    struct finding finding = finding_begin(judge, V_UNANSWERED, event->when, about_request(judge, request),
                                           evidence_of(judge, request, NULL));
    if (!finding.begun) {
        return;
    }
    struct text *text = &finding.text;
    finding.where = client ? WHERE_CLIENT : there->status ? WHERE_DEVICE : WHERE_UNKNOWN;
    finding.seen = !client && there->status != 0;
    say(text, "Seen: %s had no response byte%s when ", REQUEST(request), request->ended ? "" : " and was not complete");
    say_end(text, conn, event->when);
    say(text, ", %s later", SECONDS(event->when.ns - (request->ended ? request->end.ns : request->begin.ns)));
    if (there->status) {
        say(text, "; leg %u had status %u in frame %u", request->leg + 1, there->status, there->status_frame);
    }
    if (client) {
        say(text, "; inferred: the client did not wait any longer; next: how long others wait at this time");
    } else if (there->status) {
        say(text, "; inferred: the device at %s did not pass the answer on; next: its log and time-outs",
            SERVER_OF(conn));
    } else if (conn->link->ended_frame && conn->link->ended_frame < request->begin.frame) {
        say(text, "; inferred: the request crossed the end of a kept connection, the client sends it again; next: "
                  "nothing");
    } else {
        say(text,
            "; inferred: the server or a device between gave the connection up; next: time-outs before %s and "
            "the server's log at this time",
            SERVER_OF(conn));
    }
    end_in_use(&finding, request);
}
