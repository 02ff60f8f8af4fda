/* test_finding.c
 * How findings are told: on which evidence, how often, and what a row keeps of them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "finding.h"
#include "heap.h"
#include "unit.h"

struct scene {
    struct heap heap;
    struct arena arena;
    struct track track;
    struct judge *judge;
    struct conn *whole, *halved, *late;
    struct result result;
    struct subject subject;
};

static struct conn *open_conn(struct scene *scene, bool syn, bool syn_ack, bool gap)
{
    const struct endpoint client = { .family = 4, .port = 50001 }, server = { .family = 4, .port = 80 };
    const struct conn_past past = { .syn = syn, .syn_ack = syn_ack, .gap = gap };
    struct conn *conn = conn_new(&scene->track, CONN_MAPI, 0, &client, &server, &past);
    conn->met_frame = 1;
    return conn;
}

static void begin(struct scene *scene)
{
    memset(scene, 0, sizeof(*scene));
    scene->arena = heap_arena(&scene->heap);
    track_init(&scene->track, &scene->arena, NULL, NULL);
    scene->judge = judge_new(&scene->arena, NULL);
    scene->whole = open_conn(scene, true, true, false);
    scene->halved = open_conn(scene, true, false, false);
    scene->late = open_conn(scene, false, false, false);
    scene->subject =
        (struct subject){ .kind = ABOUT_SESSION, .result = &scene->result, .vc = NO_NUMBER, .session = 3, .leg = 1 };
}

static void end(struct scene *scene)
{
    heap_free(&scene->heap);
}

static bool say_it(struct scene *scene, enum verdict_kind kind, uint32_t frame, const struct evidence *evidence)
{
    struct finding finding =
        finding_begin(scene->judge, kind, (struct when){ frame, frame * SECOND }, scene->subject, evidence);
    if (!finding.begun) {
        return false;
    }
    say(&finding.text, "Seen: %u", frame);
    tell(&finding);
    return true;
}

static void test_evidence(void)
{
    struct scene scene;
    begin(&scene);
    struct evidence evidence = { .count = 0 };
    const struct conn *doubtful = NULL;
    evidence_add(&evidence, NULL, 0);
    CHECK_INT(evidence.count, 0);
    evidence_add(&evidence, scene.whole, 0);
    evidence_add(&evidence, scene.whole, 7);
    CHECK(evidence_whole(&evidence, &doubtful) && !doubtful);
    /* One without SYN lacks what was before; not what came since, if it was met before. */
    evidence_add(&evidence, scene.late, 7);
    CHECK(evidence_whole(&evidence, NULL));
    evidence_add(&evidence, scene.late, 0);
    CHECK(!evidence_whole(&evidence, &doubtful) && doubtful == scene.late);
    evidence.count = 0;
    evidence_add(&evidence, scene.halved, 7);
    evidence_add(&evidence, scene.late, 0);
    CHECK(!evidence_whole(&evidence, &doubtful) && doubtful == scene.halved);
    /* What is known to be missing stays so, however whole the connection is. */
    evidence.count = 0;
    evidence_add_lacking(&evidence, NULL);
    CHECK(evidence_whole(&evidence, NULL));
    evidence_add_lacking(&evidence, scene.whole);
    CHECK(!evidence_whole(&evidence, &doubtful) && doubtful == scene.whole);
    /* More than can be named. */
    evidence.count = 0;
    for (unsigned i = 0; i < EVIDENCE_MAX; i++) {
        evidence_add(&evidence, scene.whole, 0);
    }
    CHECK(evidence_whole(&evidence, NULL));
    evidence_add(&evidence, scene.whole, 0);
    doubtful = NULL;
    CHECK(!evidence_whole(&evidence, &doubtful) && !doubtful);
    end(&scene);
}

static void test_rows(void)
{
    struct scene scene;
    begin(&scene);
    struct evidence evidence = { .count = 0 };
    evidence_add(&evidence, scene.late, 0);
    CHECK(!say_it(&scene, V_COOKIE_LOST, 1, &evidence));
    CHECK(scene.result.withheld && scene.result.doubtful == scene.late && !scene.result.told);
    CHECK(!judge_take(scene.judge));
    evidence.count = 0;
    evidence_add(&evidence, scene.whole, 0);
    CHECK(say_it(&scene, V_UNANSWERED, 2, &evidence));
    CHECK_INT(scene.result.verdict, V_UNANSWERED);
    CHECK(say_it(&scene, V_COOKIE_LOST, 3, &evidence));
    CHECK(say_it(&scene, V_RESPONSE_CODE, 4, NULL));
    CHECK_INT(scene.result.verdict, V_COOKIE_LOST); /* the first of its severity */
    CHECK_INT(scene.result.frame, 3);
    const struct verdict *verdict = judge_take(scene.judge);
    CHECK(verdict && verdict->kind == V_UNANSWERED && verdict->session == 3 && verdict->leg == 1);
    CHECK(verdict && verdict->vc == NO_NUMBER && strcmp(verdict->text, "Seen: 2") == 0);
    CHECK(verdict && verdict->next && verdict->next->next && !verdict->next->next->next);
    CHECK(!judge_take(scene.judge));
    CHECK_INT(scene.judge->misuse, 0);
    end(&scene);
}

static void test_once(void)
{
    struct scene scene;
    struct once once = { .of = ONCE_A_REQUEST }, other = { .of = ONCE_A_REQUEST };
    begin(&scene);
    scene.subject.once = &once;
    CHECK(say_it(&scene, V_SEQUENCE_BROKEN, 1, NULL) && !say_it(&scene, V_SEQUENCE_BROKEN, 2, NULL));
    scene.subject.once = &other;
    CHECK(say_it(&scene, V_SEQUENCE_BROKEN, 3, NULL));
    /* Told already: nothing is due, so nothing is withheld. */
    struct evidence evidence = { .count = 0 };
    evidence_add(&evidence, scene.late, 0);
    CHECK(!say_it(&scene, V_SEQUENCE_BROKEN, 4, &evidence) && !scene.result.withheld);
    memset(&once, 0, sizeof(once));
    once.of = ONCE_A_REQUEST;
    once_mark(&once, V_SEQUENCE_BROKEN);
    scene.subject.once = &once;
    CHECK(!say_it(&scene, V_SEQUENCE_BROKEN, 5, NULL));
    CHECK_INT(scene.judge->misuse, 0);
    end(&scene);
}

static void test_turn(void)
{
    struct scene scene;
    begin(&scene);
    struct evidence *evidence = evidence_new(scene.judge);
    evidence_add(evidence, scene.whole, 0);
    struct finding finding = finding_begin(scene.judge, V_SESSION_LOST, (struct when){ 5, 0 }, scene.subject, evidence);
    CHECK(finding.begun);
    CHECK_INT(finding.severity, V_ERROR);
    finding_turn(&finding, V_SESSION_EXPIRED);
    finding.when.frame = 9;
    say(&finding.text, "Seen: it");
    tell(&finding);
    const struct verdict *verdict = judge_take(scene.judge);
    CHECK(verdict && verdict->kind == V_SESSION_EXPIRED && verdict->severity == V_NOTE && verdict->when.frame == 9);
    CHECK_INT(scene.result.severity, V_NOTE);
    CHECK_INT(scene.judge->misuse, 0);
    end(&scene);
}

/* What breaks the rules of findings is counted, so that tests stop. */
static void test_misuse(void)
{
    struct scene scene;
    struct evidence none = { .count = 0 }, evidence = { .count = 0 };
    struct once once = { .of = ONCE_A_LEG };
    begin(&scene);
    evidence_add(&evidence, scene.whole, 0);
    say_it(&scene, V_COOKIE_LOST, 1, NULL);
    CHECK_INT(scene.judge->misuse, 1);
    say_it(&scene, V_COOKIE_LOST, 2, &none);
    CHECK_INT(scene.judge->misuse, 2);
    say_it(&scene, V_SEQUENCE_BROKEN, 3, NULL);
    CHECK_INT(scene.judge->misuse, 3);
    scene.subject.once = &once;
    say_it(&scene, V_SEQUENCE_BROKEN, 4, NULL);
    CHECK_INT(scene.judge->misuse, 4);
    scene.subject.once = NULL;
    struct finding finding = finding_begin(scene.judge, V_RESPONSE_CODE, (struct when){ 5, 0 }, scene.subject, NULL);
    CHECK(finding.begun);
    finding_turn(&finding, V_COOKIE_LOST);
    CHECK_INT(scene.judge->misuse, 5);
    finding = finding_begin(scene.judge, V_RESPONSE_CODE, (struct when){ 6, 0 }, scene.subject, NULL);
    CHECK(finding.begun);
    finding_turn(&finding, V_SEQUENCE_BROKEN);
    CHECK_INT(scene.judge->misuse, 6);
    scene.subject.once = &once; /* what is told always is told of whatever */
    CHECK(say_it(&scene, V_RESPONSE_CODE, 7, NULL) && say_it(&scene, V_RESPONSE_CODE, 8, NULL));
    CHECK_INT(once.told, 1ull << V_SEQUENCE_BROKEN);
    CHECK_INT(scene.judge->misuse, 6);
    end(&scene);
}

static void test_order(void)
{
    struct scene scene;
    const enum subject_kind order[] = { ABOUT_LOGON, ABOUT_CONNECTION, ABOUT_SESSION, ABOUT_CONNECTION };
    const uint32_t leg[] = { 1, 3, 2, 0 }; /* as they come out: which was told at that place */
    begin(&scene);
    for (unsigned i = 0; i < 4; i++) {
        scene.subject.kind = order[i];
        scene.subject.leg = i;
        CHECK(say_it(&scene, V_RESPONSE_CODE, 1, NULL));
    }
    unsigned i = 0;
    for (const struct verdict *verdict = judge_take(scene.judge); verdict && i < 4; verdict = verdict->next, i++) {
        CHECK_INT(verdict->leg, leg[i]);
    }
    CHECK_INT(i, 4);
    end(&scene);
}

int main(void)
{
    test_order();
    test_evidence();
    test_rows();
    test_once();
    test_turn();
    test_misuse();
    return unit_end();
}
