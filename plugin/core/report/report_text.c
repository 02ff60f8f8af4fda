/* report_text.c
 * The screen.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "clients.h"
#include "report_page.h"

#include <inttypes.h>
#include <stdio.h>

#define GROUPS_SHOWN 6 /* findings in full on a screen; a window, which can be scrolled, has all of FINDINGS_SHOWN so */
#define GROUP_LINES 30 /* for them, but the first is always there */
#define THEN_LINES 8   /* what names most: frames, servers, words of an answer */
#define DOUBTS_SHOWN 6
#define INDENT PAGE_INDENT
#define LABEL "  %-6s "

/* "  who    text" */
static void entry(struct page *page, const char *label, unsigned most, const char *text)
{
    char first[INDENT + 1];
    if (text[0]) {
        snprintf(first, sizeof(first), LABEL, label);
        screen_line(&page->screen, first, INDENT, most, text);
    }
}

/* What was put on the screen since then can be taken back: how long something is shows when it is there. */
struct mark {
    struct screen screen;
    uint32_t used;
};

static struct mark mark_of(const struct page *page)
{
    return (struct mark){ page->screen, page->screen.out->used };
}

static void take_back(struct page *page, const struct mark *mark)
{
    page->screen = mark->screen;
    page->screen.out->used = mark->used;
    page->screen.out->s[mark->used] = '\0';
}

/* Names in at most so many lines: as many whole ones, up to most, as have room, and how many there are besides. before
 * and behind: what stands around them. Returns how many are there. */
static uint32_t put_names(struct page *page, const char *first, unsigned lines, const char *before,
                          const struct name_list *names, uint32_t most, const char *behind)
{
    const struct mark mark = mark_of(page);
    uint32_t shown = most < names->count ? most : names->count;
    for (;; shown--) {
        out_empty(&page->line);
        out_text(&page->line, before);
        names_say(&page->line, names, shown);
        out_text(&page->line, behind);
        page_put(page, INDENT, shown > 1 ? 0 : lines, first, &page->line);
        if (shown <= 1 || page->screen.lines - mark.screen.lines <= lines) {
            return shown;
        }
        take_back(page, &mark);
    }
}

static uint32_t entry_names(struct page *page, const char *label, unsigned lines, const struct name_list *names,
                            uint32_t most)
{
    char first[INDENT + 1];
    if (names->count == 0) {
        return 0;
    }
    snprintf(first, sizeof(first), LABEL, label);
    return put_names(page, first, lines, "", names, most, "");
}

#define WHO_SHOWN 3
#define WHO_LINES 3

/* With target and program, or without where more of them have room so. */
static void say_who(struct page *page, const struct finding_group *group)
{
    const struct mark mark = mark_of(page);
    const uint32_t shown = entry_names(page, "who", WHO_LINES, &group->who, WHO_SHOWN);
    if (shown < WHO_SHOWN && shown < group->who_only.count) {
        take_back(page, &mark);
        entry_names(page, "who", WHO_LINES, &group->who_only, WHO_SHOWN);
    }
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
    out_text(out, group->restarted ? ", and it was restarted" : "");
    if (many_servers(group)) {
        out_say(out, ", among %s servers", COUNTED(group->servers.count));
    }
}

static const char *endpoint_name(uint8_t endpoint)
{
    return endpoint == 1 ? "emsmdb" : endpoint == 2 ? "nspi" : "MAPI/HTTP";
}

/* The time that logs are to be searched for, and the frame of the verdict. */
static void say_when(struct page *page, const struct part *part)
{
    out_say(&page->line, "%s", TIME(part->when, page->dates));
    if (part->verdict.frame) {
        out_say(&page->line, " (frame %" PRIu32 ")", part->verdict.frame);
    }
}

static void say_first_session(struct page *page, const struct part *part)
{
    struct session_row row;
    say_when(page, part);
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
    say_when(page, part);
    out_say(&page->line, ", connection %" PRIu32 " leg %" PRIu32, part->number, part->leg);
    if (part->when - part->start.ns >= SECOND) {
        out_say(&page->line, ", begun %s", TIME(part->start.ns, page->dates));
    }
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

/* Where a finding was seen, what it was inferred from stands even if something else of the row was not captured. */
static void say_where(struct page *page, const struct part *part, const char *inferred)
{
    const struct row_verdict *verdict = &part->verdict;
    const bool known = verdict->where != WHERE_NONE && verdict->where != WHERE_UNKNOWN;
    const bool shown =
        verdict->frame && inferred[0] && !verdict->taken_back && verdict_rows[verdict->kind].proof == PRESENCE;
    const char *doubt = known ? NULL : doubt_words(page->report, verdict->cannot_tell);
    out_empty(&page->line);
    out_say(&page->line, "%s (", verdict_where_name(known ? verdict->where : WHERE_UNKNOWN));
    if (!doubt || shown) {
        out_text(&page->line, known && verdict->seen ? "seen" : "inferred");
        out_text(&page->line, inferred[0] ? ": " : "");
        out_text(&page->line, inferred);
    }
    out_text(&page->line, doubt && shown ? "; in doubt besides: " : "");
    out_text(&page->line, doubt ? doubt : "");
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
    page_put(page, INDENT, lines, first, &page->line);
}

static void say_group(struct page *page, const struct finding_group *group, unsigned number)
{
    const struct part *part = group->first;
    const struct told_parts parts = report_parts(page->report, part->text);
    out_empty(&page->line);
    report_headline(&page->line, page->report, group);
    say_head(page, group, 3, number);
    say_who(page, group);
    say_first(page, part);
    say_ways(page, group);
    entry(page, "then", THEN_LINES, parts.seen);
    say_where(page, part, parts.inferred);
    entry(page, "next", 0, parts.next); /* advice cut short is none, on a narrow page neither */
    say_also(page, group);
    if (group->ids.count != 1 || !strstr(parts.seen, group->ids.name[0])) {
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

/* A finding in a line or two, on a narrow screen three: what, where to see it, and what it is inferred to come from. */
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
    say_head(page, group, 3, 0);
}

/* In full, as far as there is room; the first is always there. Returns how many. */
static uint32_t say_in_full(struct page *page, bool numbered)
{
    const struct report *report = page->report;
    const unsigned before = page->screen.lines;
    const uint32_t most = numbered ? FINDINGS_SHOWN : GROUPS_SHOWN;
    uint32_t count = 0;
    while (count < report->group_count && count < most) {
        const struct mark mark = mark_of(page);
        say_group(page, &report->groups[count], numbered ? count + 1 : 0);
        if (count > 0 && !numbered && page->screen.lines - before > GROUP_LINES) {
            take_back(page, &mark);
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
        page_put(page, 3, 0, "", &page->line);
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
        page_put(page, INDENT, 3, "CANNOT TELL  ", &page->line);
        entry(page, "next", 0, doubt->remedy);
    }
    if (report->doubt_count > DOUBTS_SHOWN) {
        out_empty(&page->line);
        out_say(&page->line, "and %" PRIu32 " more reasons", report->doubt_count - DOUBTS_SHOWN);
        page_put(page, INDENT, 0, "", &page->line);
    }
}

static void say_healthy(struct page *page)
{
    const struct report *report = page->report;
    for (unsigned noun = OF_CONNECTION; noun <= OF_SESSION; noun++) {
        struct out before = { .arena = report->arena }, behind = { .arena = report->arena };
        if (report->healthy[noun] == 0) {
            continue;
        }
        out_say(&before, "%s of %s ", COUNTED(report->healthy[noun]), COUNTED(report->total[noun]));
        out_text(&before, noun_text((enum noun)noun, report->total[noun]));
        out_text(&before, ": ");
        if (noun == OF_CONNECTION && report->across > 0) {
            out_say(&behind, "; %s of them joined across two proxies", COUNTED(report->across));
        }
        put_names(page, "healthy  ", 2, out_string(&before), &report->healthy_users[noun], 4, out_string(&behind));
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
        page_put(page, INDENT, 2, "also     ", &page->line);
    }
}

#define SLOW_SHOWN 3
#define SLOW_LINES 6

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
        page_put(page, INDENT, SLOW_LINES, count ? "         " : "slowest  ", &page->line);
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
        page_put(page, INDENT, 2, line == text.s ? "clients  " : "         ", &page->line);
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
    page_capture(&page);
    say_findings(&page, numbered);
    say_doubts(&page);
    say_healthy(&page);
    if (report->total[OF_SESSION] == 0 && report->input.mapi_requests > 0 && report->group_count > 0) {
        out_empty(&page.line);
        out_text(&page.line, "no MAPI/HTTP session came of ");
        out_count(&page.line, report->input.mapi_requests, "request", "requests");
        page_put(&page, INDENT, 0, "", &page.line);
    }
    say_slow(&page, !numbered);
    page_rops(&page);
    say_broken(&page);
    say_clients(&page);
    if (report->none) {
        screen_line(&page.screen, "", 3, 0, "no RPC over HTTP connection, no MAPI/HTTP session");
    }
    return out_string(out);
}
