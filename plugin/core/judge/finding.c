/* finding.c
 * How every finding is told.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "finding.h"

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
    return !evidence->more;
}

static bool is_told(const struct subject *subject, enum verdict_kind kind)
{
    return subject->once && subject->once->told >> kind & 1;
}

bool finding_begin(struct finding *finding, struct judge *judge, enum verdict_kind kind, struct when when,
                   const struct subject *subject, const struct evidence *evidence)
{
    const struct verdict_row *row = &verdict_rows[kind];
    judge->misuse += row->proof == ABSENCE && (!evidence || evidence->count == 0);
    judge->misuse += row->once != (subject->once ? (enum once_of)subject->once->of : ALWAYS);
    if (is_told(subject, kind)) {
        return false;
    }
    const struct conn *doubtful = NULL;
    if (evidence && !evidence_whole(evidence, &doubtful)) {
        if (subject->result) {
            subject->result->withheld = true;
            subject->result->doubtful = doubtful ? doubtful : subject->result->doubtful;
        }
        return false;
    }
    *finding = (struct finding){
        .judge = judge, .subject = *subject, .when = when, .kind = kind, .severity = row->severity
    };
    return true;
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

void tell(const struct finding *finding)
{
    struct judge *judge = finding->judge;
    const struct subject *subject = &finding->subject;
    struct result *result = subject->result;
    struct verdict *verdict = verdict_add(&judge->arena, &judge->found[subject->kind], finding->kind, finding->when,
                                          &finding->text);
    verdict->severity = finding->severity;
    verdict->where = finding->where;
    verdict->where_seen = finding->seen;
    verdict->vc = subject->vc;
    verdict->session = subject->session;
    verdict->leg = subject->leg;
    if (subject->once) {
        once_mark(subject->once, finding->kind);
    }
    if (result && (!result->told || finding->severity > (enum verdict_severity)result->severity)) {
        result->told = true;
        result->verdict = (uint8_t)finding->kind;
        result->severity = (uint8_t)finding->severity;
        result->where = (uint8_t)finding->where;
        result->where_seen = finding->seen;
        result->frame = finding->when.frame;
    }
}
