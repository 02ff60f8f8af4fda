/* report_text.c
 * The screen.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "clients.h"
#include "report_private.h"

#include <inttypes.h>
#include <stdio.h>

#define GROUPS_SHOWN 6 /* findings in full on a screen; a window, which can be scrolled, has all of FINDINGS_SHOWN so */
#define GROUP_LINES 30 /* for them, but the first is always there */
#define THEN_LINES 8   /* what names most: frames, servers, words of an answer */
#define CLOSED_SHOWN 6 /* of TLS that stays closed */
#define DOUBTS_SHOWN 6
#define INDENT 9
#define LABEL "  %-6s "

struct page {
    struct report *report;
    struct screen screen;
    struct out line;
    bool dates;
};

static void put(struct page *page, unsigned indent, unsigned most, const char *first, const struct out *text)
{
    screen_line(&page->screen, first, indent, most, out_string(text));
}

/* "  who    text" */
static void entry(struct page *page, const char *label, unsigned most, const char *text)
{
    char first[INDENT + 1];
    if (text[0]) {
        snprintf(first, sizeof(first), LABEL, label);
        screen_line(&page->screen, first, INDENT, most, text);
    }
}

static void entry_names(struct page *page, const char *label, unsigned lines, const struct name_list *names,
                        uint32_t most)
{
    out_empty(&page->line);
    names_say(&page->line, names, most);
    entry(page, label, lines, out_string(&page->line));
}

/* ---- The capture --------------------------------------------------------------------------- */

/* Of an archive: TCP is none that was seen, so nothing is said of it. */
static void say_archive(struct page *page)
{
    const struct overview *overview = page->report->input.overview;
    uint32_t at = 0, conns = 0;
    while (overview_next(overview, &at)) {
        conns++;
    }
    out_empty(&page->line);
    out_text(&page->line, "made from ");
    out_text(&page->line, overview->archive);
    out_text(&page->line, " (");
    out_count(&page->line, conns, "TCP connection", "TCP connections");
    out_text(&page->line, "): no packet was captured");
    put(page, 3, 3, "", &page->line);
}

static void say_tcp(struct page *page)
{
    const struct overview *overview = page->report->input.overview;
    uint32_t at = 0, conns = 0, one_way = 0, gaps = 0, gappy = 0;
    for (const struct overview_conn *conn; (conn = overview_next(overview, &at)) != NULL;) {
        conns++;
        one_way += overview_one_way(conn);
        gaps += overview_gaps(conn);
        gappy += overview_gaps(conn) > 0;
    }
    out_empty(&page->line);
    if (conns == 0) {
        screen_line(&page->screen, "", 3, 0, "no TCP");
        return;
    }
    out_count(&page->line, conns, "TCP connection", "TCP connections");
    if (one_way == 0) {
        out_text(&page->line, ", both directions");
    } else if (one_way == conns) {
        out_text(&page->line, ", ONE direction only");
    } else {
        out_say(&page->line, ", ONE direction only of %s", COUNTED(one_way));
    }
    if (gaps > 0) {
        out_text(&page->line, ", ");
        out_count(&page->line, gaps, "gap", "gaps");
        out_text(&page->line, " in ");
        out_count(&page->line, gappy, "connection", "connections");
    } else {
        out_text(&page->line, ", no gaps");
    }
    if (overview->cut > 0) {
        out_text(&page->line, ", ");
        out_count(&page->line, overview->cut, "packet", "packets");
        out_text(&page->line, " cut by the snap length");
    }
    put(page, 3, 0, "", &page->line);
}

/* TLS that was not decrypted: where it goes, and what became of it. */
struct closed_tls {
    const struct overview_conn *conn; /* the first */
    char handshake[HANDSHAKE_TEXT_MAX];
    uint32_t count;
    int64_t longest_idle;
    bool completed;
};

#define CLOSED_KINDS 64

static bool same_closed(const struct closed_tls *closed, const struct overview_conn *conn, const char *handshake)
{
    const struct overview_conn *other = closed->conn;
    const char *name = conn->server_name ? conn->server_name : "";
    return endpoint_equal(overview_server(conn), overview_server(other)) &&
           strcmp(overview_end(conn), overview_end(other)) == 0 && strcmp(handshake, closed->handshake) == 0 &&
           strcmp(name, other->server_name ? other->server_name : "") == 0;
}

/* Alike ones in one. Returns how many kinds; *more: connections beyond them. */
static unsigned gather_closed(const struct report *report, struct closed_tls kinds[CLOSED_KINDS], uint32_t *more)
{
    unsigned count = 0;
    uint32_t at = 0;
    *more = 0;
    for (const struct overview_conn *conn; (conn = overview_next(report->input.overview, &at)) != NULL;) {
        char room[HANDSHAKE_TEXT_MAX];
        unsigned kind = 0;
        if (!conn->tls || conn->decrypted) {
            continue;
        }
        const char *handshake = overview_handshake(conn, room);
        while (kind < count && !same_closed(&kinds[kind], conn, handshake)) {
            kind++;
        }
        if (kind == CLOSED_KINDS) {
            ++*more;
            continue;
        }
        if (kind == count) {
            kinds[count++] =
                (struct closed_tls){ .conn = conn, .completed = strcmp(handshake, "handshake completed") == 0 };
            snprintf(kinds[kind].handshake, HANDSHAKE_TEXT_MAX, "%s", handshake);
        }
        kinds[kind].count++;
        if (conn->longest_idle > kinds[kind].longest_idle) {
            kinds[kind].longest_idle = conn->longest_idle;
        }
    }
    return count;
}

/* The one to show next: handshakes that went wrong first, then what came most often. */
static struct closed_tls *next_closed(struct closed_tls *kinds, unsigned count)
{
    struct closed_tls *next = NULL;
    for (unsigned i = 0; i < count; i++) {
        struct closed_tls *kind = &kinds[i];
        const bool better =
            next && kind->completed != next->completed ? !kind->completed : next && kind->count > next->count;
        if (kind->count > 0 && (!next || better)) {
            next = kind;
        }
    }
    return next;
}

static void say_tls(struct page *page)
{
    struct report *report = page->report;
    uint32_t at = 0, tls = 0, decrypted = 0, more;
    for (const struct overview_conn *conn; (conn = overview_next(report->input.overview, &at)) != NULL;) {
        tls += conn->tls;
        decrypted += conn->decrypted;
    }
    if (tls == 0) {
        return;
    }
    out_empty(&page->line);
    out_count(&page->line, tls, "TLS connection", "TLS connections");
    out_say(&page->line, ", %s decrypted", COUNTED(decrypted));
    put(page, 3, 0, "", &page->line);
    struct closed_tls *kinds = arena_new(report->arena, CLOSED_KINDS * sizeof(*kinds));
    const unsigned count = gather_closed(report, kinds, &more);
    struct closed_tls *kind;
    for (unsigned shown = 0; shown < CLOSED_SHOWN && (kind = next_closed(kinds, count)) != NULL; shown++) {
        out_empty(&page->line);
        if (kind->count > 1) {
            out_say(&page->line, "%s x ", COUNTED(kind->count));
        }
        if (kind->conn->server_name) {
            out_text(&page->line, kind->conn->server_name);
            out_text(&page->line, " at ");
        }
        out_say(&page->line, "%s: %s", ENDPOINT(overview_server(kind->conn)), kind->handshake);
        out_say(&page->line, ", longest idle %s, %s", SPAN(kind->longest_idle), overview_end(kind->conn));
        put(page, 7, 2, "  ", &page->line);
        kind->count = 0;
    }
    for (unsigned i = 0; i < count; i++) {
        more += kinds[i].count;
    }
    if (more > 0) {
        out_empty(&page->line);
        out_say(&page->line, "and %s more", COUNTED(more));
        put(page, 5, 0, "  ", &page->line);
    }
}

static void say_capture(struct page *page)
{
    const struct overview *overview = page->report->input.overview;
    out_empty(&page->line);
    if (overview->packets == 0) {
        screen_line(&page->screen, "", 3, 0, "no packets");
        return;
    }
    out_count(&page->line, overview->packets, "packet", "packets");
    out_say(&page->line, ", %s from %s", SPAN(overview->last - overview->first), TIME(overview->first, true));
    put(page, 3, 0, "", &page->line);
    if (overview_is_archive(overview)) {
        say_archive(page);
    } else {
        say_tcp(page);
    }
    say_tls(page);
}

/* ---- Findings ------------------------------------------------------------------------------ */

/* "2 of 10 RPC over HTTP connections and 3 of 4 MAPI/HTTP sessions" */
static void say_count(struct out *out, const struct report *report, const struct finding_group *group)
{
    const char *separator = "";
    for (unsigned noun = 0; noun < NOUNS; noun++) {
        const uint32_t count = group->of[noun];
        if (count == 0) {
            continue;
        }
        out_say(out, "%s%s ", separator, COUNTED(count));
        if (noun == OF_CONNECTION || noun == OF_SESSION) {
            out_say(out, "of %s ", COUNTED(report->total[noun]));
            out_text(out, noun_text((enum noun)noun, report->total[noun]));
        } else {
            out_text(out, noun_text((enum noun)noun, count));
        }
        separator = " and ";
    }
}

/* As many as the servers of one are no news. */
static bool many_servers(const struct finding_group *group)
{
    const struct part *first = group->first;
    const bool pair =
        first->server[0].family && first->server[1].family && !endpoint_equal(&first->server[0], &first->server[1]);
    return group->servers.count > (pair ? 2u : 1u);
}

void report_headline(struct out *out, const struct report *report, const struct finding_group *group)
{
    say_count(out, report, group);
    const enum verdict_kind kind = group->first->verdict.kind;
    out_say(out, " %s", group->first->noun == OF_REQUEST ? headline_of_request(kind) : headline_of(kind));
    out_text(out, group->first->restarted ? ", and it was restarted" : "");
    if (many_servers(group)) {
        out_say(out, ", among %s servers", COUNTED(group->servers.count));
    }
}

static const char *endpoint_name(uint8_t endpoint)
{
    return endpoint == 1 ? "emsmdb" : endpoint == 2 ? "nspi" : "MAPI/HTTP";
}

static void say_first_session(struct page *page, const struct part *part)
{
    struct session_row row;
    out_say(&page->line, "%s", TIME(part->when, page->dates));
    if (part->verdict.frame) {
        out_say(&page->line, " (frame %" PRIu32 ")", part->verdict.frame);
    }
    out_say(&page->line, ", session %" PRIu32 " leg %" PRIu32 ": ", part->number, part->leg);
    if (mapi_state_row(page->report->input.mapi, part->row, &row)) {
        out_say(&page->line, "%s at %s", endpoint_name(row.endpoint), ENDPOINT(&row.server));
        if (row.back_ends[0]) {
            out_say(&page->line, ", back ends %s", row.back_ends);
        }
        out_say(&page->line, "; %s ok, %s failed", COUNTED(row.ok), COUNTED(row.failed));
    }
}

static void say_first_connection(struct page *page, const struct part *part)
{
    static const char *const names[] = { "IN", "OUT" };
    const char *separator = ": ";
    out_say(&page->line, "%s, connection %" PRIu32 " leg %" PRIu32, TIME(part->start.ns, page->dates), part->number,
            part->leg);
    for (int way = 1; way >= 0; way--) {
        if (part->server[way].family) {
            out_say(&page->line, "%s%s to %s", separator, names[way], ENDPOINT(&part->server[way]));
            if (part->request_frame[way]) {
                out_say(&page->line, " (frame %" PRIu32 ")", part->request_frame[way]);
            }
            separator = ", ";
        }
    }
    if (separator[0] == ':') {
        out_text(&page->line, ": no peer seen");
    }
}

static void say_first(struct page *page, const struct part *part)
{
    out_empty(&page->line);
    if (part->noun == OF_CONNECTION) {
        say_first_connection(page, part);
    } else if (part->noun == OF_SESSION) {
        say_first_session(page, part);
    } else {
        out_say(&page->line, "%s (frame %" PRIu32 ")", TIME(part->when, page->dates), part->number);
        if (part->server[0].family) {
            out_say(&page->line, ", server %s", ENDPOINT(&part->server[0]));
        }
    }
    entry(page, "first", 2, out_string(&page->line));
}

static void say_where(struct page *page, const struct part *part, const char *inferred)
{
    const struct row_verdict *verdict = &part->verdict;
    const bool known = verdict->where != WHERE_NONE && verdict->where != WHERE_UNKNOWN;
    const char *doubt = known ? NULL : doubt_words(page->report, verdict->cannot_tell);
    out_empty(&page->line);
    out_say(&page->line, "%s (", verdict_where_name(known ? verdict->where : WHERE_UNKNOWN));
    if (doubt) {
        out_text(&page->line, doubt);
    } else {
        out_text(&page->line, known && verdict->seen ? "seen" : "inferred");
        out_text(&page->line, inferred[0] ? ": " : "");
        out_text(&page->line, inferred);
    }
    out_text(&page->line, ")");
    entry(page, "where", 4, out_string(&page->line));
}

/* The ways that most went, where there are several. */
#define WAYS_SHOWN 3

static void say_ways(struct page *page, const struct finding_group *group)
{
    bool shown[PAIRS_KEPT] = { false };
    uint32_t left = 0;
    /* A server that is gone is named already. */
    if (group->way_count < 2 || group->first->noun == OF_LOGON || group->first->noun == OF_REQUEST ||
        group->first->verdict.kind == V_SERVER_GONE) {
        return;
    }
    out_empty(&page->line);
    for (unsigned i = 0; i < WAYS_SHOWN; i++) {
        const struct way_taken *most = NULL;
        for (uint32_t way = 0; way < group->way_count; way++) {
            if (!shown[way] && (!most || group->ways[way].count > most->count)) {
                most = &group->ways[way];
            }
        }
        if (!most) {
            break;
        }
        shown[most - group->ways] = true;
        out_say(&page->line, "%s%s by %s", i ? "; " : "", COUNTED(most->count),
                most->servers[0] ? most->servers : "servers that were not seen");
        if (most->whom[0] && group->whom.count > 1) {
            out_text(&page->line, " to ");
            out_text(&page->line, most->whom);
        }
    }
    for (uint32_t way = 0; way < group->way_count; way++) {
        left += shown[way] ? 0 : group->ways[way].count;
    }
    if (left > 0 || group->more_ways) {
        out_text(&page->line, "; others elsewhere");
    }
    entry(page, "among", 2, out_string(&page->line));
}

static void say_also(struct page *page, const struct finding_group *group)
{
    bool shown[VERDICT_KINDS] = { false };
    unsigned count = 0, left = 0;
    out_empty(&page->line);
    for (;;) {
        int most = -1;
        for (int kind = 0; kind < VERDICT_KINDS; kind++) {
            if (!shown[kind] && group->also[kind] > 0 && (most < 0 || group->also[kind] > group->also[most])) {
                most = kind;
            }
        }
        if (most < 0) {
            break;
        }
        shown[most] = true;
        if (count == 3) {
            left++;
            continue;
        }
        out_say(&page->line, "%s%s", count++ ? ", " : "", verdict_filter((enum verdict_kind)most));
        if (group->also[most] > 1) {
            out_say(&page->line, " (%s times)", COUNTED(group->also[most]));
        }
    }
    if (left > 0) {
        out_say(&page->line, " and %u more", left);
    }
    entry(page, "also", 2, out_string(&page->line));
}

/* "FAILED  ", or "2  FAILED  " in a window, and the headline. */
static void say_head(struct page *page, const struct finding_group *group, unsigned lines, unsigned number)
{
    char first[24];
    if (number) {
        snprintf(first, sizeof(first), "%u  %s  ", number, group->failed ? "FAILED" : "NOTE");
    } else {
        snprintf(first, sizeof(first), "%s  ", group->failed ? "FAILED" : "NOTE  ");
    }
    put(page, INDENT, lines, first, &page->line);
}

static void say_group(struct page *page, const struct finding_group *group, unsigned number)
{
    const struct part *part = group->first;
    const struct told_parts parts = report_parts(page->report, part->text);
    out_empty(&page->line);
    report_headline(&page->line, page->report, group);
    say_head(page, group, 3, number);
    entry_names(page, "who", 3, &group->who, 3);
    say_first(page, part);
    say_ways(page, group);
    entry(page, "then", THEN_LINES, parts.seen);
    say_where(page, part, parts.inferred);
    entry(page, "next", 4, parts.next);
    say_also(page, group);
    if (group->ids.count != 1 || !strstr(parts.next, group->ids.name[0])) {
        entry_names(page, "ids", 2, &group->ids, 2);
    }
    out_empty(&page->line);
    out_text(&page->line, number ? "" : "wireshark -r FILE -Y '");
    out_text(&page->line, group->filter);
    out_text(&page->line, number ? "" : "'");
    out_text(&page->line, group->filter_whole ? "" : " (the first of them)");
    entry(page, "see", 0, out_string(&page->line));
}

#define BRIEF_FILTER 60 /* the longest that stands in a line with more */

/* A finding in a line or two: what, where to see it, and what it is inferred to come from. */
static void say_brief(struct page *page, const struct finding_group *group)
{
    const struct told_parts parts = report_parts(page->report, group->first->text);
    out_empty(&page->line);
    report_headline(&page->line, page->report, group);
    out_text(&page->line, " (");
    out_text(&page->line, group->filter_whole && strlen(group->filter) <= BRIEF_FILTER ?
                              group->filter :
                              verdict_filter(group->first->verdict.kind));
    out_text(&page->line, ")");
    if (parts.inferred[0]) {
        out_text(&page->line, ": ");
        out_text(&page->line, parts.inferred);
    }
    say_head(page, group, 2, 0);
}

/* In full, as far as there is room; the first is always there. Returns how many. */
static uint32_t say_in_full(struct page *page, bool numbered)
{
    const struct report *report = page->report;
    const unsigned before = page->screen.lines;
    const uint32_t most = numbered ? FINDINGS_SHOWN : GROUPS_SHOWN;
    uint32_t count = 0;
    while (count < report->group_count && count < most) {
        /* How long it is shows when it is there. */
        const struct screen screen = page->screen;
        const uint32_t used = page->screen.out->used;
        say_group(page, &report->groups[count], numbered ? count + 1 : 0);
        if (count > 0 && !numbered && page->screen.lines - before > GROUP_LINES) {
            page->screen = screen;
            page->screen.out->used = used;
            page->screen.out->s[used] = '\0';
            break;
        }
        count++;
    }
    return count;
}

static void say_findings(struct page *page, bool numbered)
{
    struct report *report = page->report;
    uint32_t members = 0, failures = 0;
    report->shown = say_in_full(page, numbered);
    while (report->shown < report->group_count && report->shown < FINDINGS_SHOWN) {
        say_brief(page, &report->groups[report->shown++]);
    }
    for (uint32_t i = report->shown; i < report->group_count; i++) {
        members += report->groups[i].count;
        failures += report->groups[i].failed;
    }
    if (members > 0) {
        out_empty(&page->line);
        out_say(&page->line, "and %s more in ", COUNTED(members));
        out_count(&page->line, report->group_count - report->shown, "other finding", "other findings");
        if (failures > 0) {
            out_say(&page->line, ", %s of failures", COUNTED(failures));
        }
        out_text(&page->line, ": tshark -q -z outlook,report,json has them all");
        put(page, 3, 0, "", &page->line);
    }
}

/* ---- The rest ------------------------------------------------------------------------------ */

static void say_doubts(struct page *page)
{
    const struct report *report = page->report;
    for (uint32_t i = 0; i < report->doubt_count && i < DOUBTS_SHOWN; i++) {
        const struct doubt_said *doubt = &report->doubts[i];
        out_empty(&page->line);
        out_say(&page->line, "%s %s", COUNTED(doubt->count), doubt->noun);
        out_text(&page->line, ": ");
        out_text(&page->line, doubt->reason);
        put(page, INDENT, 3, "CANNOT TELL  ", &page->line);
        entry(page, "next", 3, doubt->remedy);
    }
    if (report->doubt_count > DOUBTS_SHOWN) {
        out_empty(&page->line);
        out_say(&page->line, "and %" PRIu32 " more reasons", report->doubt_count - DOUBTS_SHOWN);
        put(page, INDENT, 0, "", &page->line);
    }
}

static void say_healthy(struct page *page)
{
    const struct report *report = page->report;
    for (unsigned noun = OF_CONNECTION; noun <= OF_SESSION; noun++) {
        if (report->healthy[noun] == 0) {
            continue;
        }
        out_empty(&page->line);
        out_say(&page->line, "%s of %s ", COUNTED(report->healthy[noun]), COUNTED(report->total[noun]));
        out_text(&page->line, noun_text((enum noun)noun, report->total[noun]));
        out_text(&page->line, ": ");
        names_say(&page->line, &report->healthy_users[noun], 4);
        if (noun == OF_CONNECTION && report->across > 0) {
            out_say(&page->line, "; %s of them joined across two proxies", COUNTED(report->across));
        }
        put(page, INDENT, 2, "healthy  ", &page->line);
    }
}

static void say_broken(struct page *page)
{
    for (int kind = 0; kind < BROKEN_KINDS; kind++) {
        const struct broken_seen *broken = &page->report->input.broken[kind];
        if (broken->packets == 0) {
            continue;
        }
        out_empty(&page->line);
        out_count(&page->line, broken->packets, "packet", "packets");
        out_say(&page->line, " with %s, first frame %" PRIu32 " (filter: %s)", broken_texts[kind].what,
                broken->first_frame, broken_texts[kind].filter);
        put(page, 6, 2, "also  ", &page->line);
    }
}

#define SLOW_SHOWN 3

/* The slowest request or call; of those that took long where the time went, too. commands: there is a command line, to
 * ask for more. */
static void say_slow(struct page *page, bool commands)
{
    const struct report *report = page->report;
    struct slow_row row;
    unsigned count = 0;
    for (; slow_row(report->input.track, count, &row) && (count == 0 || row.where != SLOW_NOT); count++) {
        struct text head = { .used = 0 }, legs = { .used = 0 };
        if (count == SLOW_SHOWN) {
            screen_line(&page->screen, commands ? "         others: -z outlook,report,slow" : "         and others",
                        INDENT, 0, "");
            break;
        }
        const char *user = slow_user(report, &row);
        slow_row_head(&head, &row);
        out_empty(&page->line);
        out_text(&page->line, head.s);
        out_text(&page->line, ", ");
        out_text(&page->line, user ? user : address_text(report, &row.leg[0].conn->client, false));
        if (row.where != SLOW_NOT) {
            slow_row_legs(&legs, &row);
            out_text(&page->line, legs.s);
        }
        put(page, INDENT, 4, count ? "         " : "slowest  ", &page->line);
    }
}

/* Who would be shut out if RPC over HTTP went. */
static void say_clients(struct page *page)
{
    struct text text = { .used = 0 };
    if (page->report->input.track) {
        clients_say(page->report->input.track, &text);
    }
    for (char *line = text.s, *next; *line; line = next) {
        next = line + strcspn(line, "\n");
        next += *next ? 1 : 0;
        out_empty(&page->line);
        out_bytes(&page->line, line, strcspn(line, "\n"));
        put(page, INDENT, 2, line == text.s ? "clients  " : "         ", &page->line);
    }
}

const char *report_slow(const struct report *report)
{
    struct out *out = arena_new(report->arena, sizeof(*out));
    out->arena = report->arena;
    slow_say(report->input.track, out);
    if (!out->used) {
        out_text(out, "no request or call was answered\n");
    }
    return out_string(out);
}

const char *report_text(struct report *report, unsigned width, bool numbered)
{
    struct out *out = arena_new(report->arena, sizeof(*out));
    const struct overview *overview = report->input.overview;
    out->arena = report->arena;
    struct page page = { .report = report,
                         .screen = { .out = out, .width = width },
                         .line = { .arena = report->arena },
                         .dates = overview->last - overview->first > 86400 * SECOND };
    say_capture(&page);
    say_findings(&page, numbered);
    say_doubts(&page);
    say_healthy(&page);
    if (report->total[OF_SESSION] == 0 && report->input.mapi_requests > 0 && report->group_count > 0) {
        out_empty(&page.line);
        out_count(&page.line, report->input.mapi_requests, "request", "requests");
        out_text(&page.line, " of MAPI/HTTP in no session: no Connect or Bind that succeeded was ");
        out_text(&page.line, overview_is_archive(overview) ? "recorded" : "captured");
        put(&page, INDENT, 0, "", &page.line);
    }
    say_slow(&page, !numbered);
    say_broken(&page);
    say_clients(&page);
    if (report->none) {
        screen_line(&page.screen, "", 3, 0, "no RPC over HTTP connection, no MAPI/HTTP session");
    }
    return out_string(out);
}
