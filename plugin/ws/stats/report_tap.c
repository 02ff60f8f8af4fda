/* report_tap.c
 * -z outlook,report and -z outlook,report,json: the report as text or JSON behind the last packet. Wireshark, which
 * takes the same option, opens its window instead.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "report_tap.h"

#include "compat.h"

#include <stdio.h>
#include <stdlib.h>

#include <epan/stat_tap_ui.h>

#include "report_source.h"
#include "report_window.h"

#define OPTION "outlook,report"

struct printed {
    struct report_source source;
    bool json;
};

static void print(void *ctx)
{
    struct printed *printed = (struct printed *)ctx;
    struct report *report = report_source_make(&printed->source);
    fputs(printed->json ? report_json(report) : report_text(report, REPORT_WIDTH, false), stdout);
    fflush(stdout);
}

/* False with a message, or does not return: tshark of before 4.6 does not ask whether it went well. */
static bool refuse(const char *message)
{
    fprintf(stderr, "%s: %s\n", g_get_prgname() ? g_get_prgname() : "tshark", message);
    if (!report_window_possible())
        exit(1);
    return false;
}

/* Wireshark compares the beginning only: "outlook,reporter" comes here, too. */
static bool begin(const char *option)
{
    const char *rest = option + strlen(OPTION);
    const bool json = strcmp(rest, ",json") == 0;
    if (*rest && !json) {
        char *message = g_strdup_printf("-z %s: there are -z " OPTION " and -z " OPTION ",json", option);
        const bool good = refuse(message);
        g_free(message);
        return good;
    }
    if (report_window_possible()) {
        report_window_open();
        return true;
    }
    struct printed *printed = g_new0(struct printed, 1);
    printed->json = json;
    printed->source.changed = print;
    printed->source.ctx = printed;
    char *wrong = report_source_begin(&printed->source);
    if (wrong) {
        const bool good = refuse(wrong);
        g_free(wrong);
        return good;
    }
    return true;
}

COMPAT_STAT_INIT(begin_report, begin)

void report_register(void)
{
    stat_tap_ui ui = { .group = REGISTER_STAT_GROUP_GENERIC,
                       .title = "Outlook over HTTP report",
                       .cli_string = OPTION,
                       .tap_init_cb = begin_report };
    register_stat_tap_ui(&ui, NULL);
    report_window_register();
}
