/* gone.c
 * A server that ends all its connections, in either protocol.
 *
 * That ends belong to one cause is not seen; it follows from their number and their times: at least two, of
 * two virtual connections or sessions, within a second, behind which nothing comes from the server. A timer
 * ends connections after equal idle times; a server that stops does not ask how long they were idle. Where nothing
 * was under way and all were closed with FIN after equal times, however short, as by the keep-alive time-out of a web
 * server, it is not told before the server refuses a connection.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "gone.h"

#include "mapi_rules.h"
#include "rpch.h"

#include <stdlib.h>

/* An end that may be one of many. */
struct counted {
    struct counted *next;
    struct gone_end end;
    struct when when;
    int64_t idle_ns;
};

/* server->memo */
struct gone {
    struct gone *next, *before; /* in judge->going */
    bool waits;                 /* it is there */
    bool back;                  /* that it is back was told */
    const struct server *server;
    struct counted *first, *last; /* ends that belong together */
    uint32_t count;
    struct when told;  /* frame 0: it was not */
    struct result row; /* what the rows of its victims say */
    const struct victim *victims;
    uint32_t victim_count;
};

static struct gone *gone_of(struct judge *judge, const struct server *server)
{
    struct gone *gone = memo_in(judge, &server->memo, sizeof(*gone));
    gone->server = server;
    return gone;
}

/* ---- ends that belong together ------------------------------------------------------------ */

static void forget_first(struct judge *judge, struct gone *gone)
{
    struct counted *first = gone->first;
    gone->first = first->next;
    gone->count--;
    arena_give_back(&judge->arena, first, sizeof(*first));
}

static void forget_all(struct judge *judge, struct gone *gone)
{
    while (gone->first) {
        forget_first(judge, gone);
    }
}

/* An RST that another wrote in the server's name says nothing of the server. */
static void forget_foreign(struct judge *judge, struct gone *gone)
{
    char text[FOREIGN_TEXT_MAX];
    struct counted **link = &gone->first;
    gone->last = NULL;
    while (*link) {
        struct counted *counted = *link;
        if (conn_foreign_rst(counted->end.conn, WAY_TO_CLIENT, text)) {
            *link = counted->next;
            gone->count--;
            arena_give_back(&judge->arena, counted, sizeof(*counted));
        } else {
            gone->last = counted;
            link = &counted->next;
        }
    }
}

static void wait_no_more(struct judge *judge, struct gone *gone)
{
    if (!gone->waits) {
        return;
    }
    *(gone->before ? &gone->before->next : &judge->going.first) = gone->next;
    *(gone->next ? &gone->next->before : &judge->going.last) = gone->before;
    gone->waits = false;
}

/* Behind all others: its last end is the newest. */
static void wait_anew(struct judge *judge, struct gone *gone)
{
    wait_no_more(judge, gone);
    gone->next = NULL;
    gone->before = judge->going.last;
    *(gone->before ? &gone->before->next : &judge->going.first) = gone;
    judge->going.last = gone;
    gone->waits = true;
}

static bool heard_since(const struct server *server, struct when when)
{
    return server->heard.frame > when.frame;
}

/* Of those before only what may belong to an end now: while the server says nothing between them, each within
 * a second of the one before; else all within a second. */
static void forget_older(struct judge *judge, struct gone *gone, struct when now)
{
    const int64_t window = judge->limits.gone_window;
    if (!gone->first) {
        return;
    }
    const struct when last = gone->last->when;
    if (now.ns - last.ns > window || now.ns < last.ns) {
        forget_all(judge, gone);
    } else if (heard_since(gone->server, last)) {
        while (gone->first && now.ns - gone->first->when.ns > window) {
            forget_first(judge, gone);
        }
    }
}

/* ---- whose they are ------------------------------------------------------------------------- */

static struct subject subject_of(struct judge *judge, const struct gone_end *end)
{
    return end->leg ? about_leg(judge, end->leg) : about_side(judge, end->side, end->side->number);
}

static int compare(const void *a, const void *b)
{
    const struct victim *one = a, *other = b;
    const uint32_t left[] = { one->session, one->vc, one->leg }, right[] = { other->session, other->vc, other->leg };
    for (int i = 0; i < 3; i++) {
        if (left[i] != right[i]) {
            return left[i] < right[i] ? -1 : 1;
        }
    }
    return 0;
}

/* What the ends are about. */
struct toll {
    uint32_t vcs, sessions;
    int64_t idle_least, idle_most; /* of those that followed from no other */
    bool behind_seen;
    bool loud;  /* not all of them were quiet */
    bool front; /* one is on the leg next to the clients */
};

/* Each once; the array is the judge's. */
static struct victim *victims_of(struct judge *judge, const struct gone *gone, uint32_t *count, struct toll *toll)
{
    struct victim *victims = arena_new(&judge->arena, gone->count * sizeof(*victims));
    uint32_t all = 0, kept = 0;
    for (const struct counted *counted = gone->first; counted; counted = counted->next) {
        const struct subject subject = subject_of(judge, &counted->end);
        victims[all++] = (struct victim){ subject.vc, subject.session, subject.leg, subject.row };
    }
    qsort(victims, all, sizeof(*victims), compare);
    for (uint32_t i = 0; i < all; i++) {
        const struct victim *before = kept > 0 ? &victims[kept - 1] : NULL;
        if (before && compare(before, &victims[i]) == 0) {
            continue;
        }
        toll->vcs += victims[i].vc != NO_NUMBER && !(before && before->vc == victims[i].vc);
        toll->sessions += victims[i].session != NO_NUMBER && !(before && before->session == victims[i].session);
        victims[kept++] = victims[i];
    }
    *count = kept;
    return victims;
}

static void take_idle(struct toll *toll, const struct counted *counted)
{
    if (counted->end.follows) {
        return;
    }
    if (toll->idle_least < 0 || counted->idle_ns < toll->idle_least) {
        toll->idle_least = counted->idle_ns;
    }
    if (counted->idle_ns > toll->idle_most) {
        toll->idle_most = counted->idle_ns;
    }
}

/* ---- what is said -------------------------------------------------------------------------- */

static const char *const signs[] = { [SIGN_NONE] = NULL,
                                     [SIGN_RETURNED] = "requests bring a balancer's cookie",
                                     [SIGN_VIA] = "its responses carry Via",
                                     [SIGN_PERSISTENCE] = "a balancer's cookie goes with its responses",
                                     [SIGN_BACK_ENDS] = "two servers answered there",
                                     [SIGN_LEG] = "it passes requests on" };

static void say_count(struct text *text, const char *separator, uint32_t count, const char *of)
{
    if (count > 0) {
        say(text, "%s%u %s%s", separator, count, of, count == 1 ? "" : "s");
    }
}

static void say_ends(struct text *text, const struct gone *gone, const struct toll *toll)
{
    const struct server *server = gone->server;
    const uint32_t left = server->open[CONN_RPCH] + server->open[CONN_MAPI];
    const struct when first = gone->first->when, last = gone->last->when;
    say(text, "Seen: %s ended %u of its %u connections within %s, in frames %u to %u: ", ENDPOINT(&server->end),
        gone->count, gone->count + left, SECONDS(last.ns - first.ns), first.frame, last.frame);
    say_count(text, "", toll->vcs, "virtual connection");
    say_count(text, toll->vcs ? ", " : "", toll->sessions, "session");
    const char *least = SECONDS(toll->idle_least), *most = SECONDS(toll->idle_most);
    say(text, ", idle for %s", least);
    if (strcmp(least, most) != 0) {
        say(text, " to %s", most);
    }
    say(text, " before");
    if (left > 0) {
        say(text, "; nothing came from it on the others in the second after");
    }
}

static const char *sign_of(const struct server *server, const struct toll *toll)
{
    const enum device_sign sign = server->sign;
    return sign != SIGN_NONE && (sign != SIGN_RETURNED || toll->front) ? signs[sign] :
           toll->behind_seen                                           ? signs[SIGN_LEG] :
                                                                         NULL;
}

static bool idle_within(const struct toll *toll, int64_t ns)
{
    return toll->idle_most - toll->idle_least <= ns;
}

/* Whether the ends mean that the server is gone. */
static bool is_gone(const struct judge *judge, const struct toll *toll)
{
    const bool by_timer = toll->idle_least >= judge->limits.idle_least && idle_within(toll, judge->limits.idle_alike);
    return toll->vcs + toll->sessions >= 2 && !by_timer;
}

/* refused: a SYN came back as RST in this frame. */
static void look_at(struct judge *judge, struct gone *gone, struct when when, bool refused)
{
    struct toll toll = { .idle_least = -1 };
    uint32_t count = 0;
    wait_no_more(judge, gone);
    forget_foreign(judge, gone);
    if (gone->count < 2) {
        forget_all(judge, gone);
        return;
    }
    struct evidence *evidence = evidence_new(judge);
    for (const struct counted *counted = gone->first; counted; counted = counted->next) {
        take_idle(&toll, counted);
        toll.behind_seen |= counted->end.behind_seen;
        toll.loud |= !counted->end.quiet;
        toll.front |= (counted->end.leg ? counted->end.leg->number : counted->end.side->number) == 0;
        if (evidence->count < EVIDENCE_MAX) {
            evidence_add(evidence, counted->end.conn, 0);
        }
    }
    if (!toll.loud && !refused && idle_within(&toll, judge->limits.quiet_alike)) {
        return; /* it may be a short timer: what the server does next tells */
    }
    const struct victim *victims = victims_of(judge, gone, &count, &toll);
    const struct subject subject = subject_of(judge, &gone->last->end);
    struct finding finding = { .begun = false };
    if (is_gone(judge, &toll)) {
        finding = finding_begin(judge, V_SERVER_GONE, when, subject, evidence);
    }
    if (!finding.begun) {
        forget_all(judge, gone);
        return;
    }
    const char *sign = sign_of(gone->server, &toll);
    struct text *text = &finding.text;
    say_ends(text, gone, &toll);
    if (refused) {
        say(text, "; %s later, in frame %u, it answered a SYN by RST", SECONDS(when.ns - gone->last->when.ns),
            when.frame);
    }
    if (sign) {
        say(text,
            "; a device stands at that address: %s; inferred: that device, or the server behind it, stopped or was "
            "restarted, it is no idle time-out; next: its log, and the event logs of the servers behind it, at this "
            "time",
            sign);
    } else {
        say(text, "; inferred: that server or its service stopped or was restarted, it is no idle time-out; next: "
                  "that server's event log and the state of its services at this time");
    }
    finding.where = sign ? WHERE_UNKNOWN : WHERE_SERVER;
    finding.victims = victims;
    finding.victim_count = count;
    finding.server = &gone->server->end;
    gone->told = when;
    gone->back = false;
    gone->row = result_of(&finding);
    gone->victims = victims;
    gone->victim_count = count;
    tell(&finding);
    for (const struct counted *counted = gone->first; counted; counted = counted->next) {
        result_replace(subject_of(judge, &counted->end).result, &gone->row);
    }
    forget_all(judge, gone);
}

/* ---- events -------------------------------------------------------------------------------- */

bool gone_explains(const struct server *server)
{
    const struct gone *gone = server->memo;
    return gone && gone->told.frame && !heard_since(server, gone->told);
}

bool gone_may_be(const struct judge *judge, const struct server *server, const struct leg *leg, struct when when)
{
    const struct gone *gone = server->memo;
    return gone && gone->waits && when.ns - gone->last->when.ns <= judge->limits.gone_window &&
           (gone->first->end.leg != leg || gone->last->end.leg != leg);
}

bool gone_told_since(const struct server *server, uint32_t frame)
{
    const struct gone *gone = server->memo;
    return gone && gone->told.frame >= frame;
}

void gone_ended(struct judge *judge, const struct gone_end *end, struct when when)
{
    const struct server *server = end->conn->server;
    struct gone *gone = gone_of(judge, server);
    if (gone_explains(server)) {
        result_replace(subject_of(judge, end).result, &gone->row); /* one more of the same */
        return;
    }
    forget_older(judge, gone, when);
    if (conn_doubt(end->conn, NULL) != DOUBT_NONE || end->conn->idle_unknown) {
        return; /* for how long it was idle is not known */
    }
    struct counted *counted = arena_new(&judge->arena, sizeof(*counted));
    counted->end = *end;
    counted->when = when;
    counted->idle_ns = when.ns - end->conn->last_data;
    *(gone->first ? &gone->last->next : &gone->first) = counted;
    gone->last = counted;
    gone->count++;
    if (server->open[CONN_RPCH] + server->open[CONN_MAPI] == 0) {
        look_at(judge, gone, when, false);
    } else {
        wait_anew(judge, gone);
    }
}

void gone_time_passed(struct judge *judge, const struct event *event)
{
    while (judge->going.first) {
        struct gone *gone = judge->going.first;
        const struct when last = gone->last->when, now = event->when;
        if (heard_since(gone->server, last) || now.ns < last.ns) {
            wait_no_more(judge, gone); /* it lives; or its time is not known any more */
        } else if (now.ns - last.ns > judge->limits.gone_window) {
            look_at(judge, gone, now, false);
        } else {
            return;
        }
    }
}

void gone_refused(struct judge *judge, const struct event *event)
{
    struct gone *gone = event->refused->memo;
    if (!gone || !gone->first || gone->waits || heard_since(gone->server, gone->last->when)) {
        return;
    }
    const int64_t later = event->when.ns - gone->last->when.ns;
    if (later >= 0 && later <= judge->limits.refused_wait) {
        look_at(judge, gone, event->when, true);
    }
}

void gone_answered(struct judge *judge, const struct event *event)
{
    const struct conn *conn = event->answered;
    struct gone *gone = conn->server->memo;
    if (!gone || !gone->told.frame || gone->back || conn->began.frame <= gone->told.frame ||
        conn->answered.ns - conn->began.ns > judge->limits.back_wait) {
        return;
    }
    const enum subject_kind kind = conn->kind == CONN_MAPI ? ABOUT_SESSION : ABOUT_CONNECTION;
    struct finding finding = finding_begin(judge, V_SERVER_BACK, event->when, about_nothing(kind), NULL);
    if (!finding.begun) {
        return;
    }
    gone->back = true;
    finding.victims = gone->victims;
    finding.victim_count = gone->victim_count;
    finding.server = &conn->server->end;
    say(&finding.text,
        "Seen: %s, which had ended its connections in frame %u, answered in frame %u on a connection opened %s after "
        "that (stream %u); inferred: it was restarted; next: why, in that server's event log",
        ENDPOINT(&conn->server->end), gone->told.frame, event->when.frame, SECONDS(conn->began.ns - gone->told.ns),
        conn->stream);
    tell(&finding);
}
