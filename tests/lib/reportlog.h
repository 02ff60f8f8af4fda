/* reportlog.h
 * What everything that is built behind the last frame says of a scene, for the transcript: the screen of the report,
 * the same as JSON, the slowest requests, the clients. Of all that there is a digest: see transcript.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_REPORTLOG_H
#define OUTLOOKHTTP_REPORTLOG_H

#include "clients.h"
#include "logons.h"
#include "outlook.h"
#include "report.h"
#include "transcript.h"

/* The verdicts of a scene, in the order of frames: what a report is made of. */
struct told_list {
    const struct verdict *told[512];
    uint32_t count;
};

static inline void told_keep(struct told_list *list, const struct verdict *verdict)
{
    if (list->count < sizeof(list->told) / sizeof(*list->told)) {
        list->told[list->count++] = verdict;
    }
}

static inline void transcript_clients(const struct outlook *outlook)
{
    struct client_row row;
    for (uint32_t i = 0; i < client_rows(&outlook->track); i++) {
        if (client_row(&outlook->track, i, &row)) {
            transcript("client %s at %s (%s) machine %s application %s version %s product %s mode %s "
                       "rpch %u mapi %u refused %u tcp %u server %s switch %d %s",
                       row.user, row.place, row.forwarded, row.machine, row.application, row.version,
                       row.product ? row.product : "-", row.mode, row.rpc_http, row.mapi_http, row.refused, row.rpc_tcp,
                       row.server, (int)row.can, row.can_text);
        }
    }
}

static inline void transcript_logons(const struct outlook *outlook)
{
    struct auth_row row;
    for (uint32_t i = 0; logon_state_row(outlook->logons, i, &row); i++) {
        transcript("logon %s|%s|%s connections %u accepted %u refused %u slowest %lld by %s refused in %u frames %u-%u "
                   "verdict %d",
                   row.user, row.host, row.scheme, row.connections, row.accepted, row.refused,
                   (long long)row.slowest_ns, row.challenge_servers, row.first_refusal.frame, row.start.frame,
                   row.last.frame, (int)row.verdict.kind);
    }
}

/* From the first packet to the last. */
static inline void transcript_report(const struct outlook *outlook, const struct arena *arena,
                                     const struct told_list *list, int64_t first_ns, int64_t last_ns)
{
    if (transcript_off) {
        return;
    }
    struct overview overview = { .arena = arena };
    overview_packet(&overview, first_ns, false);
    overview_packet(&overview, last_ns, false);
    const struct report_input input = { .rpch = outlook->rpch,
                                        .mapi = outlook->mapi,
                                        .logons = outlook->logons,
                                        .track = &outlook->track,
                                        .verdicts = list->told,
                                        .verdict_count = list->count,
                                        .overview = &overview,
                                        .version = "0" };
    struct report *report = report_new(arena, &input);
    const bool folded = transcript_folded.open; /* a whole play is one line */
    if (!folded) {
        transcript_fold();
    }
    transcript_lines(report_text(report, REPORT_WIDTH, true));
    for (uint32_t i = 0; i < report_shown(report); i++) {
        transcript("filter %u: %s", i, report_filter(report, i));
    }
    transcript("result %d", (int)report_result(report));
    transcript_lines(report_json(report));
    transcript_lines(report_slow(report));
    transcript_clients(outlook);
    transcript_logons(outlook);
    if (!folded) {
        transcript_unfold("    report");
    }
}

#endif
