/* test_legs.c
 * The table of docs/architecture.md: what a leg becomes in each state, and what is emitted.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "scene.h"

#include "event.h"

#define CLIENT "10.0.0.1"
#define A "10.0.0.81:80"

static const char *const names[EVENT_KINDS] = { [EVENT_PAIRED] = "PAIRED",
                                                [EVENT_JOINED] = "JOINED",
                                                [EVENT_NOT_JOINED] = "NOT_JOINED",
                                                [EVENT_LEG_FAILED] = "LEG_FAILED",
                                                [EVENT_ALONE] = "ALONE",
                                                [EVENT_REFUSED] = "REFUSED",
                                                [EVENT_CHALLENGE_LEFT] = "CHALLENGE_LEFT",
                                                [EVENT_OUT_CAME] = "OUT_CAME",
                                                [EVENT_OUT_ENDED] = "OUT_ENDED",
                                                [EVENT_BODY_AWAITED] = "BODY_AWAITED",
                                                [EVENT_AWAITED] = "AWAITED",
                                                [EVENT_CALL_AWAITED] = "CALL_AWAITED",
                                                [EVENT_NOT_REPLACED] = "NOT_REPLACED",
                                                [EVENT_CHANNEL_ENDED] = "CHANNEL_ENDED",
                                                [EVENT_DATA_UNANSWERED] = "DATA_UNANSWERED",
                                                [EVENT_CALL_FAILED] = "CALL_FAILED",
                                                [EVENT_LIFETIME_PASSED] = "LIFETIME_PASSED",
                                                [EVENT_WINDOW_PASSED] = "WINDOW_PASSED" };

struct play {
    struct scene scene;
    struct tap in, out, next; /* next: a successor of IN, or a further channel */
    char heard[400];
};

/* Writes down what is emitted of legs, but not that time has passed. */
static void write_down(void *ear, const struct event *event)
{
    struct play *play = ear;
    if (event->kind == EVENT_NOT_JOINED || event->kind == EVENT_SEGMENT_PASSED || event->kind == EVENT_CHANNEL_ASKED ||
        event->kind == EVENT_CONN_ENDED || event->kind == EVENT_SERVER_ANSWERED) {
        return;
    }
    size_t used = strlen(play->heard);
    snprintf(play->heard + used, sizeof(play->heard) - used, " %s", names[event->kind]);
    CHECK_INT(event->when.frame, play->scene.frame);
}

/* With event NOT_JOINED, too. */
static void write_all(void *ear, const struct event *event)
{
    struct play *play = ear;
    write_down(ear, event);
    if (event->kind == EVENT_NOT_JOINED) {
        size_t used = strlen(play->heard);
        snprintf(play->heard + used, sizeof(play->heard) - used, " NOT_JOINED");
    }
}

enum { OPENING, OPEN, RECYCLING, CLOSED, STATES };

/* A step of a logon: 401 asks for more. */
static void ask(struct tap *tap, enum http_method method)
{
    struct http_info info = http_request(method);
    set_step(&info, AUTH_STEP_TYPE1);
    tap_head(tap, &info);
}

static void begin(struct play *play, int state)
{
    memset(play, 0, sizeof(*play));
    scene_begin(&play->scene);
    play->in = tap_http(&play->scene, CLIENT ":1001", A);
    play->out = tap_http(&play->scene, CLIENT ":1002", A);
    ask(&play->out, HTTP_RPC_OUT_DATA);
    send_a1(&play->out, 10);
    ask(&play->in, HTTP_RPC_IN_DATA);
    send_b1(&play->in, 10);
    if (state != OPENING) {
        tap_status(&play->out, 200);
        send_a3(&play->out);
        send_c2(&play->out);
    }
    play->next = tap_http(&play->scene, CLIENT ":1003", A);
    if (state == RECYCLING) { /* IN_R2: the successor's first PDU */
        tap_request(&play->next, HTTP_RPC_IN_DATA);
        RTS(&play->next, UP, 4, "6333", .cookie = { 10, 12, 13 });
    }
    if (state == CLOSED) {
        tap_fin(&play->in, DOWN);
    }
    play->scene.outlook->track.hear = write_down;
    play->scene.outlook->track.ear = play;
}

/* ---- What comes ----------------------------------------------------------------------- */

static void retry(struct tap *tap)
{
    tap_request(tap, HTTP_RPC_IN_DATA);
    send_b1(tap, 10);
}

static void other_half(struct play *play)
{
    struct tap tap = tap_http(&play->scene, CLIENT ":1009", A);
    retry(&tap);
}

static void challenged_again(struct play *play)
{
    tap_status(&play->in, 401);
    retry(&play->in);
}

static void failed_again(struct play *play)
{
    tap_status(&play->in, 503);
    retry(&play->in);
}

static void a3(struct play *play)
{
    send_a3(&play->out);
}

static void c2(struct play *play)
{
    send_c2(&play->out);
}

static void answer(struct play *play)
{
    tap_rpc(&play->out, DOWN, RPC_RESPONSE, 100);
}

static void call(struct play *play)
{
    tap_rpc(&play->in, UP, RPC_REQUEST, 100);
}

static void call_of_half(struct play *play)
{
    tap_lose(&play->in, UP, 100);
    tap_ack(&play->in, UP);
    tap_data(&play->in, UP, 10);
    call(play);
}

static void recycle_out(struct play *play)
{
    RTS(&play->out, DOWN, 4, "D", .destination = RTS_FD_CLIENT);
}

static void successor(struct play *play)
{
    struct tap tap = tap_http(&play->scene, CLIENT ":1009", A);
    tap_request(&tap, HTTP_RPC_OUT_DATA);
    RTS(&tap, UP, 4, "63330", .cookie = { 10, 11, 21 });
}

static void predecessor_ends(struct play *play)
{
    tap_fin(&play->in, UP);
}

static void successor_ends(struct play *play)
{
    tap_fin(&play->next, UP);
}

static void successor_refused(struct play *play)
{
    tap_status(&play->next, 503);
}

static void status_200(struct play *play)
{
    tap_status(&play->out, 200);
}

static void challenge(struct play *play)
{
    tap_status(&play->out, 401);
}

static void refusal(struct play *play)
{
    tap_status(&play->out, 503);
}

static void out_ends(struct play *play)
{
    tap_fin(&play->out, DOWN);
}

static void challenge_left(struct play *play)
{
    tap_status(&play->out, 401);
    tap_rst(&play->out, DOWN);
}

static void another_request(struct play *play)
{
    struct http_info info = http_request(HTTP_OTHER_METHOD);
    tap_head(&play->out, &info);
}

static void fault(struct play *play)
{
    tap_rpc_status(&play->out, DOWN, RPC_FAULT, 40, 5);
}

static void time_passes(struct play *play)
{
    play->scene.outlook->track.hear = write_all;
    scene_wait(&play->scene, 1);
    tap_ack(&play->in, DOWN);
}

static const struct {
    const char *what;
    void (*comes)(struct play *play);
    const char *becomes[STATES];
} rows[] = {
    { "other half",
      other_half,
      { "opening; another leg", "open; another leg", "recycling; another leg", "opening PAIRED" } },
    { "challenged again",
      challenged_again,
      { "opening PAIRED PAIRED", "opening PAIRED PAIRED", "opening PAIRED JOINED PAIRED", "opening PAIRED PAIRED" } },
    { "failed again",
      failed_again,
      { "opening REFUSED PAIRED LEG_FAILED LEG_FAILED PAIRED", "opening REFUSED PAIRED PAIRED",
        "opening REFUSED PAIRED JOINED PAIRED", "opening REFUSED PAIRED PAIRED" } },
    { "a3", a3, { "opening OUT_CAME", "open", "recycling", "closed" } },
    { "c2", c2, { "open JOINED", "open", "recycling", "closed" } },
    { "answer", answer, { "open JOINED", "open", "recycling", "closed" } },
    { "call", call, { "opening", "open", "recycling", "closed" } },
    { "call of half", call_of_half, { "open", "open", "recycling", "closed" } },
    { "recycle out", recycle_out, { "recycling", "recycling", "recycling", "closed" } },
    { "successor", successor, { "recycling PAIRED", "recycling PAIRED", "recycling PAIRED", "closed PAIRED" } },
    { "predecessor ends",
      predecessor_ends,
      { "closed CHANNEL_ENDED", "closed CHANNEL_ENDED", "open JOINED", "closed" } },
    { "successor ends", successor_ends, { "opening", "open", "open", "closed" } },
    { "successor refused", successor_refused, { "opening", "open", "open NOT_REPLACED REFUSED PAIRED", "closed" } },
    { "status 200", status_200, { "opening OUT_CAME PAIRED", "open PAIRED", "recycling PAIRED", "closed PAIRED" } },
    { "challenge", challenge, { "opening PAIRED", "open PAIRED", "recycling PAIRED", "closed PAIRED" } },
    { "refusal",
      refusal,
      { "closed REFUSED PAIRED", "closed REFUSED PAIRED", "closed REFUSED PAIRED", "closed REFUSED PAIRED" } },
    { "out ends",
      out_ends,
      { "closed OUT_ENDED CHANNEL_ENDED", "closed OUT_ENDED CHANNEL_ENDED", "closed OUT_ENDED CHANNEL_ENDED",
        "closed OUT_ENDED CHANNEL_ENDED" } },
    { "challenge left",
      challenge_left,
      { "closed PAIRED CHALLENGE_LEFT OUT_ENDED CHANNEL_ENDED", "closed PAIRED CHALLENGE_LEFT OUT_ENDED CHANNEL_ENDED",
        "closed PAIRED CHALLENGE_LEFT OUT_ENDED CHANNEL_ENDED",
        "closed PAIRED CHALLENGE_LEFT OUT_ENDED CHANNEL_ENDED" } },
    { "another request",
      another_request,
      { "closed OUT_ENDED LEG_FAILED", "closed OUT_ENDED", "closed OUT_ENDED", "closed OUT_ENDED" } },
    { "fault",
      fault,
      { "open JOINED CALL_FAILED", "open CALL_FAILED", "recycling CALL_FAILED", "closed CALL_FAILED" } },
    { "time passes", time_passes, { "opening NOT_JOINED", "open", "recycling", "closed" } }
};

static void test_table(void)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (int state = 0; state < STATES; state++) {
            struct play play;
            struct leg_row row;
            char got[500];
            begin(&play, state);
            rows[i].comes(&play);
            CHECK(rpch_state_row(play.scene.world, 0, &row));
            const bool more = play.scene.world->rows.count > 1;
            snprintf(got, sizeof(got), "%s%s%s", row.state, play.heard, more ? "; another leg" : "");
            unit_check_str(got, rows[i].becomes[state], __FILE__, __LINE__, rows[i].what);
            scene_end(&play.scene);
        }
    }
}

int main(void)
{
    test_table();
    transcript_end(__FILE__);
    return unit_end();
}
