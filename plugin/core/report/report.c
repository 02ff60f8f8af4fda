/* report.c
 * Makes a report.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "report_private.h"

const struct broken_text broken_texts[BROKEN_KINDS] = {
    [BROKEN_RTS] = { "rpch.rts.malformed", "a broken PDU" },
    [BROKEN_RTS_PLACE] = { "rpch.rts.unexpected", "an RTS PDU that is out of place, or has a value out of its range" },
    [BROKEN_MAPI] = { "mapihttp.malformed", "a broken MAPI/HTTP message" },
};

struct report *report_new(const struct arena *arena, const struct report_input *input)
{
    struct report *report = arena_new(arena, sizeof(*report));
    report->arena = arena;
    report->input = *input;
    report_gather(report);
    report_fold(report);
    report_doubts(report);
    return report;
}

enum report_result report_result(const struct report *report)
{
    for (uint32_t i = 0; i < report->group_count; i++) {
        if (report->groups[i].failed) {
            return REPORT_FAILED;
        }
    }
    if (report->unclear[OF_CONNECTION] > 0 || report->unclear[OF_SESSION] > 0 || report->sealed_ours) {
        return REPORT_CANNOT_TELL;
    }
    /* What is noted of it worked all the same. Where there is nothing there is nothing to call healthy. */
    const bool any = report->total[OF_CONNECTION] > 0 || report->total[OF_SESSION] > 0;
    return any ? REPORT_HEALTHY : REPORT_CANNOT_TELL;
}

uint32_t report_shown(const struct report *report)
{
    return report->shown;
}

const char *report_filter(const struct report *report, uint32_t index)
{
    return index < report->group_count ? report->groups[index].filter : "";
}
