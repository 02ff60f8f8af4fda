/* report_tap.c
 * -z outlook,report and -z outlook,report,json: the report as text or JSON behind the last packet; with ,width=120 the
 * text is as wide as that; ,slow where the time of requests went. Wireshark, which takes the same option, opens its
 * window instead.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "report_tap.h"

#include "compat.h"

#include <stdio.h>
#include <stdlib.h>

#include <epan/stat_tap_ui.h>

#include "chars.h"
#include "report_source.h"
#include "report_window.h"

#define OPTION "outlook,report"

enum form { FORM_TEXT, FORM_JSON, FORM_SLOW };

struct printed {
    struct report_source source;
    enum form form;
    unsigned width; /* of text */
};

static void print(void *ctx)
{
    struct printed *printed = (struct printed *)ctx;
    struct report *report = report_source_make(&printed->source);
    fputs(printed->form == FORM_JSON ? report_json(report) :
          printed->form == FORM_SLOW ? report_slow(report) :
                                       report_text(report, printed->width, false),
          stdout);
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

#define WIDTH_LEAST 40
#define WIDTH_MOST 400

/* What stands behind the option's name; false if that is nothing known. */
static bool read_rest(const char *rest, enum form *form, unsigned *width)
{
    static const char key[] = ",width=";
    *form = strcmp(rest, ",json") == 0 ? FORM_JSON : strcmp(rest, ",slow") == 0 ? FORM_SLOW : FORM_TEXT;
    *width = REPORT_WIDTH;
    if (strncmp(rest, key, strlen(key)) != 0)
        return *form != FORM_TEXT || !*rest;
    uint64_t number;
    const char *digits = rest + strlen(key);
    const bool good = span_decimal((struct span){ (const uint8_t *)digits, strlen(digits) }, WIDTH_MOST, &number);
    *width = good ? (unsigned)number : 0;
    return *width >= WIDTH_LEAST;
}

/* Wireshark compares the beginning only: "outlook,reporter" comes here, too. */
static bool begin(const char *option)
{
    enum form form;
    unsigned width;
    if (!read_rest(option + strlen(OPTION), &form, &width)) {
        char *message = g_strdup_printf("-z %s: there are -z " OPTION ", -z " OPTION ",width=%d to %d, -z " OPTION
                                        ",json and -z " OPTION ",slow",
                                        option, WIDTH_LEAST, WIDTH_MOST);
        const bool good = refuse(message);
        g_free(message);
        return good;
    }
    if (report_window_possible()) {
        report_window_open();
        return true;
    }
    struct printed *printed = g_new0(struct printed, 1);
    printed->form = form;
    printed->width = width;
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
