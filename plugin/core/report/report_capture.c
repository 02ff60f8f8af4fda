/* report_capture.c
 * The first lines of the screen: what the capture is, its TCP and the TLS that stays closed.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "report_page.h"

#include <stdio.h>

#define CLOSED_SHOWN 6 /* of TLS that stays closed */

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
    page_put(page, 3, 3, "", &page->line);
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
    page_put(page, 3, 0, "", &page->line);
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
    page_put(page, 3, 0, "", &page->line);
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
        page_put(page, 7, 2, "  ", &page->line);
        kind->count = 0;
    }
    for (unsigned i = 0; i < count; i++) {
        more += kinds[i].count;
    }
    if (more > 0) {
        out_empty(&page->line);
        out_say(&page->line, "and %s more", COUNTED(more));
        page_put(page, 5, 0, "  ", &page->line);
    }
}

void page_capture(struct page *page)
{
    const struct overview *overview = page->report->input.overview;
    out_empty(&page->line);
    if (overview->packets == 0) {
        screen_line(&page->screen, "", 3, 0, "no packets");
        return;
    }
    out_count(&page->line, overview->packets, "packet", "packets");
    out_say(&page->line, ", %s from %s", SPAN(overview->last - overview->first), TIME(overview->first, true));
    page_put(page, 3, 0, "", &page->line);
    if (overview_is_archive(overview)) {
        say_archive(page);
    } else {
        say_tcp(page);
    }
    say_tls(page);
}
