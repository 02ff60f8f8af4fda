/* finding.c
 * How every finding is told.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "finding.h"

#include <stdio.h>

#include "clocks.h"

_Static_assert(VERDICT_KINDS <= 64, "a bit of once.told for each verdict");

static void add(struct evidence *evidence, const struct conn *conn, uint32_t since, bool lacking)
{
    if (!conn) {
        return;
    }
    if (evidence->count == EVIDENCE_MAX) {
        evidence->more = true;
        return;
    }
    evidence->on[evidence->count].conn = conn;
    evidence->on[evidence->count].since = since;
    evidence->on[evidence->count++].lacking = lacking;
}

void evidence_add(struct evidence *evidence, const struct conn *conn, uint32_t since)
{
    add(evidence, conn, since, false);
}

void evidence_add_lacking(struct evidence *evidence, const struct conn *conn)
{
    add(evidence, conn, 0, true);
}

void evidence_add_pair(struct evidence *evidence, const struct conn *front, const struct conn *back)
{
    evidence_add(evidence, front, 0);
    evidence_add(evidence, back, 0);
    evidence->clocks |= front && back && clocks_differ(front, back);
}

struct evidence *evidence_new(struct judge *judge)
{
    judge->evidence.count = 0;
    judge->evidence.more = false;
    judge->evidence.clocks = false;
    return &judge->evidence;
}

bool evidence_whole(const struct evidence *evidence, const struct conn **doubtful)
{
    for (unsigned i = 0; i < evidence->count; i++) {
        const struct conn *conn = evidence->on[i].conn;
        uint32_t since = evidence->on[i].since;
        if (evidence->on[i].lacking ||
            (since ? conn_missed_since(conn, since) : conn_doubt(conn, NULL) != DOUBT_NONE)) {
            if (doubtful) {
                *doubtful = conn;
            }
            return false;
        }
    }
    return !evidence->more && !evidence->clocks;
}

bool once_told(const struct once *once, enum verdict_kind kind)
{
    return once && once->told >> kind & 1;
}

/* The row says why, though no verdict does. */
static void withhold(struct result *result, const struct conn *doubtful)
{
    result->withheld = true;
    result->doubtful = doubtful ? doubtful : result->doubtful;
}

struct finding finding_begin(struct judge *judge, enum verdict_kind kind, struct when when, struct subject subject,
                             const struct evidence *evidence)
{
    const struct verdict_row *row = &verdict_rows[kind];
    struct finding finding = { .begun = false };
    subject.once = row->once == ALWAYS ? NULL : subject.once;
    judge->misuse += row->proof == ABSENCE && (!evidence || evidence->count == 0);
    judge->misuse += row->once != (subject.once ? subject.once->of : ALWAYS);
    if (once_told(subject.once, kind)) {
        return finding;
    }
    const struct conn *doubtful = NULL;
    if (evidence && !evidence_whole(evidence, &doubtful)) {
        if (subject.result) {
            withhold(subject.result, doubtful);
        }
        return finding;
    }
    finding.begun = true;
    finding.origin = origin_of(judge->hears);
    finding.judge = judge;
    finding.subject = subject;
    finding.when = when;
    finding.kind = kind;
    finding.severity = row->severity;
    return finding;
}

void finding_turn(struct finding *finding, enum verdict_kind kind)
{
    const struct verdict_row *was = &verdict_rows[finding->kind], *is = &verdict_rows[kind];
    finding->judge->misuse += is->proof == ABSENCE && was->proof != ABSENCE;
    finding->judge->misuse += is->once != was->once;
    finding->kind = kind;
    finding->severity = is->severity;
}

void once_mark(struct once *once, enum verdict_kind kind)
{
    once->told |= UINT64_C(1) << kind;
}

struct result result_of(const struct finding *finding)
{
    return (struct result){ .told = true,
                            .where_seen = finding->seen,
                            .verdict = finding->kind,
                            .severity = finding->severity,
                            .where = finding->where,
                            .frame = finding->when.frame,
                            .explained = finding->explained };
}

static void result_take(struct result *result, const struct result *with)
{
    const bool withheld = result->withheld;
    const struct conn *doubtful = result->doubtful;
    *result = *with;
    result->withheld = withheld;
    result->doubtful = doubtful;
}

void result_replace(struct result *result, const struct result *with)
{
    if (result && (!result->told || with->severity >= result->severity)) {
        result_take(result, with);
    }
}

/* What was seen to do it stands before Exchange's back end: it is Exchange's front end. Where answers from there name a front end
 * (X-FEServer), that stands behind that port, which is one that somebody chose. */
static void know_front_end(struct finding *finding)
{
    if (finding->where == WHERE_DEVICE && finding->seen && finding->hop && conn_is_back_end(finding->hop) &&
        !finding->hop->server->names[0]) {
        finding->where = WHERE_SERVER;
        say(&finding->text,
            "; that device is Exchange's front end, as port 444 behind it (Exchange Back End) shows: its HttpProxy "
            "log and event log first");
    }
}

void tell(struct finding *finding)
{
    know_front_end(finding);
    struct judge *judge = finding->judge;
    const struct subject *subject = &finding->subject;
    struct result *result = subject->result;
    const struct verdict verdict = { .kind = finding->kind,
                                     .severity = finding->severity,
                                     .when = finding->when,
                                     .where = finding->where,
                                     .where_seen = finding->seen,
                                     .vc = subject->vc,
                                     .session = subject->session,
                                     .leg = subject->leg,
                                     .row = subject->row,
                                     .victims = finding->victims,
                                     .victim_count = finding->victim_count,
                                     .server = finding->server,
                                     .explained = finding->explained,
                                     .origin = finding->origin };
    verdict_add(&judge->arena, &judge->found[subject->kind], verdict, &finding->text);
    judge->any_found = true;
    if (subject->once) {
        once_mark(subject->once, finding->kind);
    }
    if (result && (!result->told || finding->severity > result->severity)) {
        const struct result with = result_of(finding);
        result_take(result, &with);
    }
}

void tell_by(struct finding *finding, enum verdict_where where, bool seen)
{
    finding->where = where;
    finding->seen = seen;
    tell(finding);
}

/* ---- Memory and subjects --------------------------------------------------------------- */

void *memo_in(struct judge *judge, void *const *memo, size_t size)
{
    if (!*memo) {
        *memo_of(memo) = arena_new(&judge->arena, size);
    }
    return *memo;
}

struct once *memo_once(struct judge *judge, void *const *memo, enum once_of of)
{
    struct once *once = memo_in(judge, memo, sizeof(*once));
    once->of = of;
    return once;
}

struct subject about_nothing(enum subject_kind kind)
{
    return (struct subject){ .kind = kind, .vc = NO_NUMBER, .session = NO_NUMBER, .leg = NO_NUMBER, .row = NO_NUMBER };
}

/* ---- Words --------------------------------------------------------------------------- */

int cut_length(const char *value, size_t most)
{
    size_t len = strlen(value);
    if (len > most) {
        len = most;
        while (len > 0 && ((uint8_t)value[len] & 0xC0) == 0x80) {
            len--;
        }
    }
    return (int)len;
}

const char *known_name(const char *name)
{
    return name ? name : "no known name";
}

static const char *rst_name(char to[PIECE_MAX], const struct conn *conn, enum way way)
{
    const char *reason = conn_reason(conn, way);
    const unsigned code = conn_reset_code(conn, way);
    if (reason) {
        snprintf(to, PIECE_MAX, "RST (\"%s\")", reason);
    } else if (code) {
        snprintf(to, PIECE_MAX, "RST (window %u, as Citrix ADC writes its reset codes)", code);
    } else {
        return "RST";
    }
    return to;
}

const char *end_name(char to[PIECE_MAX], const struct conn *conn)
{
    return !conn->ended_by_rst ? "FIN" :
           conn->reused        ? "the SYN of another connection with the same ports" :
                                 rst_name(to, conn, (enum way)conn->ended_by);
}

const char *broken_name(char to[PIECE_MAX], const struct conn *conn)
{
    if (!conn_half_closed(conn)) {
        return end_name(to, conn);
    }
    return conn_end_of(conn, WAY_TO_CLIENT)->rst ? rst_name(to, conn, WAY_TO_CLIENT) : "FIN";
}

void say_advice(struct text *text, const struct advice *advice)
{
    say(text, "; inferred: %s; next: %s", advice->inferred, advice->next);
}

void say_headers(struct text *text, const struct named_header *headers, size_t count, size_t most)
{
    const char *separator = "; headers: ";
    for (size_t i = 0; i < count; i++) {
        if (headers[i].value && headers[i].value[0]) {
            say(text, "%s%s: %.*s", separator, headers[i].name, CUT(headers[i].value, most));
            separator = ", ";
        }
    }
}
