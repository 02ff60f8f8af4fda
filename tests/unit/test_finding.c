/* test_finding.c
 * How a finding is told: once of its object, by its row, only where the evidence is whole.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "finding.h"
#include "heap.h"
#include "unit.h"

struct court {
    struct heap heap;
    struct arena arena;
    struct track track;
    struct judge *judge;
    struct conn *whole, *late;   /* captured from SYN on; not */
};

static void court_begin(struct court *court)
{
    const struct endpoint client = { 4, { 10, 0, 0, 1 }, 50000 }, server = { 4, { 10, 0, 0, 80 }, 80 };
    const struct conn_past from_syn = { .syn = true, .syn_ack = true, .has_next = true, .next_seq = { 1, 1 } };
    const struct conn_past from_later = { .gap = true };
    memset(court, 0, sizeof(*court));
    court->arena = heap_arena(&court->heap);
    court->judge = judge_new(&court->arena, NULL);
    track_init(&court->track, &court->arena, judge_hear, court->judge);
    court->whole = conn_new(&court->track, CONN_RPCH, 0, &client, &server, &from_syn);
    court->late = conn_new(&court->track, CONN_RPCH, 1, &client, &server, &from_later);
}

static struct when at(uint32_t frame)
{
    return (struct when){ frame, frame * SECOND };
}

/* A row of each kind of proof, whatever it is told once of. */
static enum verdict_kind row_of(enum verdict_proof proof, bool once)
{
    for (int kind = 0; kind < VERDICT_KINDS; kind++) {
        if (verdict_rows[kind].proof == proof && (verdict_rows[kind].once != ALWAYS) == once) {
            return (enum verdict_kind)kind;
        }
    }
    return VERDICT_KINDS;
}

static unsigned taken(struct court *court)
{
    unsigned count = 0;
    for (const struct verdict *verdict = judge_take(court->judge); verdict; verdict = verdict->next) {
        count++;
    }
    return count;
}

static bool find(struct court *court, enum verdict_kind kind, uint32_t frame, const struct subject *subject,
                 const struct evidence *evidence)
{
    struct finding finding;
    if (!finding_begin(&finding, court->judge, kind, at(frame), subject, evidence)) {
        return false;
    }
    say(&finding.text, "Seen: this; inferred: that; next: nothing");
    tell(&finding);
    return true;
}

static void tells_once_of_an_object(void)
{
    struct court court;
    const enum verdict_kind kind = row_of(PRESENCE, true);
    court_begin(&court);
    if (kind == VERDICT_KINDS) {
        heap_free(&court.heap);
        return;
    }
    struct once first = { .of = (uint8_t)verdict_rows[kind].once }, other = first;
    struct subject subject = { .kind = ABOUT_CONNECTION, .once = &first, .vc = 3, .session = NO_NUMBER, .leg = 1 };
    CHECK(find(&court, kind, 7, &subject, NULL));
    CHECK(!find(&court, kind, 8, &subject, NULL));
    subject.once = &other;
    CHECK(find(&court, kind, 9, &subject, NULL));
    CHECK_INT(taken(&court), 2);
    CHECK_INT(court.judge->misuse, 0);
    heap_free(&court.heap);
}

static void rests_on_whole_connections(void)
{
    struct court court;
    court_begin(&court);
    struct evidence evidence = { .count = 0 };
    const struct conn *doubtful = NULL;
    evidence_add(&evidence, court.whole, 0);
    evidence_add(&evidence, NULL, 0);
    CHECK_INT(evidence.count, 1);
    CHECK(evidence_whole(&evidence, &doubtful) && !doubtful);
    evidence_add(&evidence, court.late, 0);
    CHECK(!evidence_whole(&evidence, &doubtful) && doubtful == court.late);
    /* Of a connection that was met late, what came before counts as missed; what came since does not. */
    struct evidence since = { .count = 0 };
    court.late->met_frame = 20;
    evidence_add(&since, court.late, 30);
    CHECK(evidence_whole(&since, NULL));
    evidence_add(&since, court.late, 10);
    CHECK(!evidence_whole(&since, NULL));
    /* More than can be named cannot be looked at. */
    struct evidence many = { .count = 0 };
    for (unsigned i = 0; i < EVIDENCE_MAX; i++) {
        evidence_add(&many, court.whole, 0);
    }
    CHECK(evidence_whole(&many, NULL));
    evidence_add(&many, court.whole, 0);
    CHECK(!evidence_whole(&many, NULL));
    heap_free(&court.heap);
}

static void withholds_what_the_capture_cannot_tell(void)
{
    struct court court;
    court_begin(&court);
    const enum verdict_kind kind = row_of(ABSENCE, false) != VERDICT_KINDS ? row_of(ABSENCE, false) : row_of(ABSENCE, true);
    if (kind == VERDICT_KINDS) {
        heap_free(&court.heap);
        return;
    }
    struct result result = { .told = false };
    struct once once = { .of = (uint8_t)verdict_rows[kind].once };
    struct subject subject = { .kind = ABOUT_CONNECTION, .result = &result, .vc = 0, .session = NO_NUMBER, .leg = 0,
                               .once = verdict_rows[kind].once == ALWAYS ? NULL : &once };
    struct evidence evidence = { .count = 0 };
    evidence_add(&evidence, court.late, 0);
    CHECK(!find(&court, kind, 5, &subject, &evidence));
    CHECK(result.withheld && result.doubtful == court.late && !result.told);
    CHECK_INT(taken(&court), 0);
    /* It is not used up by that. */
    evidence.count = 0;
    evidence_add(&evidence, court.whole, 0);
    CHECK(find(&court, kind, 6, &subject, &evidence));
    CHECK(result.told && result.frame == 6 && result.verdict == kind);
    CHECK_INT(court.judge->misuse, 0);
    /* From absence without evidence: a broken rule, which tests see. */
    once.told = 0;
    find(&court, kind, 7, &subject, NULL);
    CHECK_INT(court.judge->misuse, 1);
    heap_free(&court.heap);
}

static void keeps_the_gravest(void)
{
    struct court court;
    court_begin(&court);
    struct result result = { .told = false };
    struct subject subject = { .kind = ABOUT_SESSION, .result = &result, .vc = NO_NUMBER, .session = 1, .leg = 0 };
    const enum verdict_severity told[] = { V_NOTE, V_WARNING, V_CHAT, V_WARNING, V_ERROR };
    const uint32_t frame[] = { 1, 2, 2, 2, 5 };
    const enum verdict_kind kind = row_of(PRESENCE, false);
    for (unsigned i = 0; i < 5; i++) {
        struct finding finding;
        CHECK(finding_begin(&finding, court.judge, kind, at(i + 1), &subject, NULL));
        finding.severity = told[i];
        finding.where = WHERE_DEVICE;
        finding.seen = true;
        tell(&finding);
        CHECK_INT(result.frame, frame[i]);
    }
    CHECK(result.severity == V_ERROR && result.where == WHERE_DEVICE && result.where_seen);
    const struct verdict *verdict = judge_take(court.judge);
    CHECK(verdict && verdict->vc == NO_NUMBER && verdict->session == 1 && verdict->leg == 0);
    CHECK(verdict->severity == V_NOTE && verdict->where == WHERE_DEVICE && verdict->where_seen);
    CHECK(!judge_take(court.judge));
    heap_free(&court.heap);
}

static void gives_them_in_the_order_of_what_they_are_about(void)
{
    struct court court;
    court_begin(&court);
    const enum verdict_kind kind = row_of(PRESENCE, false);
    const enum subject_kind order[] = { ABOUT_LOGON, ABOUT_CONNECTION, ABOUT_SESSION, ABOUT_CONNECTION };
    const uint32_t leg[] = { 1, 3, 2, 0 };       /* as they come out: which was told at that place */
    for (unsigned i = 0; i < 4; i++) {
        struct subject subject = { .kind = order[i], .vc = NO_NUMBER, .session = NO_NUMBER, .leg = i };
        CHECK(find(&court, kind, 1, &subject, NULL));
    }
    unsigned i = 0;
    for (const struct verdict *verdict = judge_take(court.judge); verdict; verdict = verdict->next) {
        CHECK(i < 4);
        CHECK_INT(verdict->leg, i < 4 ? leg[i] : 99);
        i++;
    }
    CHECK_INT(i, 4);
    heap_free(&court.heap);
}

int main(void)
{
    tells_once_of_an_object();
    rests_on_whole_connections();
    withholds_what_the_capture_cannot_tell();
    keeps_the_gravest();
    gives_them_in_the_order_of_what_they_are_about();
    return unit_end();
}
