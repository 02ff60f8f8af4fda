/* report.h
 * One screen for people, and the same as JSON: what a capture is, what failed in it, whom, first when, whose doing it
 * is and what to do next; what is healthy; and what cannot be told, why, and what would let it be told. Built behind
 * the last frame, from the rows of state and what was found: nothing is judged here.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_REPORT_H
#define OUTLOOKHTTP_REPORT_H

#include "auth.h"
#include "mapi.h"
#include "out.h"
#include "overview.h"
#include "vconn.h"
#include "verdict.h"

struct report;

/* What is broken on the wire, whoever's it is. */
enum broken { BROKEN_RTS, BROKEN_RTS_PLACE, BROKEN_MAPI, BROKEN_KINDS };
struct broken_seen {
    uint32_t packets, first_frame;
};

struct report_input {
    struct rpch_state *rpch; /* these three NULL where no connection was claimed */
    struct mapi_state *mapi;
    struct logon_state *logons;
    const struct track *track;             /* NULL with them */
    const struct verdict *const *verdicts; /* all that was told, in the order of frames */
    uint32_t verdict_count;
    /* Of MAPI/HTTP, of whatever session; of health checks, which are none. Of those that a device passed on, one. */
    uint32_t mapi_requests, mapi_looks;
    uint32_t mapi_challenged; /* responses to the first that ask for credentials: 401, 407; as requests, once */
    uint32_t mapi_redirected; /* those that send the client elsewhere: 3xx */
    struct broken_seen broken[BROKEN_KINDS];
    const struct overview *overview;
    const char *version; /* of the plugin */
};

enum report_result { REPORT_HEALTHY, REPORT_FAILED, REPORT_CANNOT_TELL };

/* All memory comes from the arena; what it was made from must outlive it. */
struct report *report_new(const struct arena *arena, const struct report_input *input);
enum report_result report_result(const struct report *report);

#define REPORT_WIDTH 100
/* How many findings are shown, each in full or in a line; what is beyond is counted. */
#define FINDINGS_SHOWN 9
/* The screen. numbered: for a window, where the findings shown are in full, with their numbers (from 1 on), whatever room
 * that takes. */
const char *report_text(struct report *report, unsigned width, bool numbered);
/* The slowest requests and calls, and the types that took most: a line each, as long as it is. */
const char *report_slow(const struct report *report);
/* One object, with a line end. docs/report.md has its members. */
const char *report_json(struct report *report);

/* How many findings report_text() has shown, at most FINDINGS_SHOWN; and a display filter that selects what the finding
 * of that index (its number less 1) is about. */
uint32_t report_shown(const struct report *report);
const char *report_filter(const struct report *report, uint32_t index);

#endif
