/* test_evidence_rpch.c
 * What each verdict on virtual connections rests on: its scene is played whole, and told; and once more with bytes
 * that are missing on each connection of its evidence in turn, and not told. tests/evidence takes the same
 * connections out of the code.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "scene.h"

#include "clocks.h"

#define CLIENT "10.0.0.1"
#define LB "10.0.0.4:80"
#define A "10.0.0.81:80"
#define B "10.0.0.82:80"
#define WHOLE NO_NUMBER

static uint32_t damaged; /* the stream that bytes are missing on, or WHOLE */
static bool skewed;      /* the clocks before and behind the device differ */

struct pair {
    struct tap in, out;
};

static struct pair pair_to(struct scene *scene, const char *from, const char *in, const char *out)
{
    char client[32];
    snprintf(client, sizeof(client), "%s:%u", from, 1001 + scene->streams);
    struct pair pair = { .in = tap_http(scene, client, in) };
    snprintf(client, sizeof(client), "%s:%u", from, 1001 + scene->streams);
    pair.out = tap_http(scene, client, out);
    return pair;
}

static struct pair open_pair(struct scene *scene, unsigned n)
{
    struct pair pair = pair_to(scene, CLIENT, A, A);
    open_both(&pair.in, &pair.out, n);
    return pair;
}

/* From here on bytes of the client are missing, if that is the connection's turn. */
static void hurt(struct tap *tap)
{
    if (tap->stream == damaged) {
        tap_lose(tap, UP, 40);
        tap_ack(tap, UP);
    }
}

static void hurt_both(struct pair *pair)
{
    hurt(&pair->in);
    hurt(&pair->out);
}

/* ---- scenes -------------------------------------------------------------------------------- */

static void play_halves(struct scene *s, const char *out)
{
    struct pair p = pair_to(s, CLIENT, A, out);
    start_both(&p.in, &p.out, 10);
    take_out(&p.out);
    hurt_both(&p);
    scene_wait(s, 6);
    tap_ack(&p.in, DOWN);
}

static void play_never_joined(struct scene *s)
{
    play_halves(s, A);
}

static void play_mismatch(struct scene *s)
{
    play_halves(s, B);
}

/* Its other half comes after all: only what could not be told is left to be said of the row. */
static void play_lone(struct scene *s)
{
    struct pair p = pair_to(s, CLIENT, A, A);
    tap_request(&p.in, HTTP_RPC_IN_DATA);
    send_b1(&p.in, 10);
    hurt(&p.in);
    scene_wait(s, 121);
    tap_ack(&p.in, DOWN);
    tap_request(&p.out, HTTP_RPC_OUT_DATA);
    send_a1(&p.out, 10);
    take_out(&p.out);
    send_c2(&p.out);
}

static void play_idle(struct scene *s)
{
    struct pair p = open_pair(s, 10);
    hurt_both(&p);
    scene_wait(s, 100);
    tap_fin(&p.out, DOWN);
}

static void play_silent(struct scene *s)
{
    struct pair p = open_pair(s, 10);
    hurt_both(&p);
    tap_ack(&p.in, DOWN);
    scene_wait(s, 61);
    tap_rpc(&p.in, UP, RPC_REQUEST, 100);
    for (int i = 0; i < 3; i++) {
        scene_wait(s, 0.3);
        tap_again(&p.in);
    }
}

/* Both legs of a device, with both first PDUs on the first; and what the test does to them. */
static void start_legs(struct scene *s, struct pair *front, struct pair *behind)
{
    *front = pair_to(s, CLIENT, LB, LB);
    *behind = pair_to(s, "10.0.0.4", A, A);
    tap_request(&front->out, HTTP_RPC_OUT_DATA);
    send_a1(&front->out, 10);
    tap_request(&behind->out, HTTP_RPC_OUT_DATA);
    send_a1(&behind->out, 10);
}

static void hurt_legs(struct pair *front, struct pair *behind, enum role role)
{
    hurt_both(front);
    hurt_both(behind);
    if (skewed) {
        clocks_doubt(rpch_conn_conn(role == ROLE_IN ? front->in.conn : front->out.conn),
                     rpch_conn_conn(behind->out.conn), true);
    }
}

static void play_held_200(struct scene *s)
{
    struct pair front, behind;
    start_legs(s, &front, &behind);
    tap_status(&behind.out, 200);
    hurt_legs(&front, &behind, ROLE_OUT);
    scene_wait(s, 3);
    tap_status(&front.out, 200);
}

static void play_held_to_end(struct scene *s)
{
    struct pair front, behind;
    start_legs(s, &front, &behind);
    tap_status(&behind.out, 200);
    hurt_legs(&front, &behind, ROLE_OUT);
    scene_wait(s, 3);
    tap_fin(&front.out, DOWN);
}

static void play_held_body(struct scene *s)
{
    struct pair front, behind;
    start_legs(s, &front, &behind);
    tap_request(&front.in, HTTP_RPC_IN_DATA);
    send_b1(&front.in, 10);
    tap_request(&behind.in, HTTP_RPC_IN_DATA);
    tap_ack(&front.in, DOWN);
    hurt_legs(&front, &behind, ROLE_IN);
    scene_wait(s, 3);
    tap_ack(&front.in, DOWN);
}

static void play_window(struct scene *s)
{
    struct pair p = pair_to(s, CLIENT, A, A);
    tap_request(&p.out, HTTP_RPC_OUT_DATA);
    RTS(&p.out, UP, 0, "6330", .cookie = { 10, 11 }, .window = 1000);
    tap_request(&p.in, HTTP_RPC_IN_DATA);
    send_b1(&p.in, 10);
    take_out(&p.out);
    send_c2(&p.out);
    hurt_both(&p);
    tap_rpc(&p.out, DOWN, RPC_RESPONSE, 1001);
}

/* A successor sends before it takes over. */
static void play_window_of_successor(struct scene *s)
{
    struct pair p = open_pair(s, 10);
    struct tap next = tap_http(s, CLIENT ":3003", A);
    tap_request(&next, HTTP_RPC_IN_DATA);
    RTS(&next, UP, 4, "6333", .cookie = { 10, 12, 13 });
    hurt_both(&p);
    hurt(&next);
    tap_rpc(&next, UP, RPC_REQUEST, 40000);
    tap_rpc(&next, UP, RPC_REQUEST, 40000);
}

static void play_cut(struct scene *s)
{
    struct pair p = open_pair(s, 10);
    tap_rpc(&p.in, UP, RPC_BIND, 100);
    hurt_both(&p);
    scene_wait(s, 1);
    tap_fin(&p.out, DOWN);
}

static void come_back(struct scene *s, unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        struct pair p = open_pair(s, 10 + 10 * i);
        tap_fin(&p.out, DOWN);
        hurt_both(&p);
        tap_fin(&p.in, DOWN);
        scene_wait(s, 2);
    }
    struct tap again = tap_http(s, CLIENT ":4001", A);
    tap_request(&again, HTTP_RPC_OUT_DATA);
}

/* Ended and asked for again, two times: told of both. */
static void play_comebacks(struct scene *s)
{
    come_back(s, 2);
}

/* Three times: what is not known of the first says nothing of the others. */
static void play_third_comeback(struct scene *s)
{
    come_back(s, 3);
}

static void play_no_pdu(struct scene *s)
{
    struct tap out = tap_http(s, CLIENT ":1001", A);
    tap_request(&out, HTTP_RPC_OUT_DATA);
    hurt(&out);
    scene_wait(s, 31);
    tap_ack(&out, DOWN);
}

static void play_no_response(struct scene *s)
{
    struct tap out = tap_http(s, CLIENT ":1001", A);
    tap_request(&out, HTTP_RPC_OUT_DATA);
    send_a1(&out, 10);
    hurt(&out);
    scene_wait(s, 31);
    tap_ack(&out, DOWN);
}

static void play_call(struct scene *s)
{
    struct pair p = open_pair(s, 10);
    tap_rpc(&p.in, UP, RPC_BIND, 100);
    hurt_both(&p);
    scene_wait(s, 61);
    tap_ack(&p.in, DOWN);
}

static void play_not_recycled(struct scene *s)
{
    struct pair p = open_pair(s, 10);
    RTS(&p.out, DOWN, 4, "D", .destination = RTS_FD_CLIENT);
    hurt_both(&p);
    scene_wait(s, 31);
    tap_ack(&p.out, UP);
}

/* The successor was asked for, and the old channel ended before the new one was accepted. */
static void play_successor_left(struct scene *s)
{
    struct pair p = open_pair(s, 10);
    RTS(&p.out, DOWN, 4, "D", .destination = RTS_FD_CLIENT);
    struct tap next = tap_http(s, CLIENT ":3003", A);
    tap_request(&next, HTTP_RPC_OUT_DATA);
    RTS(&next, UP, 4, "63330", .cookie = { 10, 11, 14 }, .window = 65536);
    hurt_both(&p);
    hurt(&next);
    scene_wait(s, 1);
    tap_fin(&p.out, DOWN);
    scene_wait(s, 31);
    tap_ack(&next, DOWN);
}

/* A refusal that ends an open connection. */
static void play_refused(struct scene *s)
{
    struct pair p = open_pair(s, 10);
    hurt_both(&p);
    scene_wait(s, 1);
    tap_status(&p.in, 503);
}

/* Three of four are ended; what is missing of them shows after their ends. */
static void play_gone(struct scene *s)
{
    struct pair p[4];
    for (unsigned i = 0; i < 4; i++) {
        p[i] = open_pair(s, 10 + 10 * i);
        scene_wait(s, 20); /* idle times that no timer has */
    }
    for (unsigned i = 0; i < 3; i++) {
        tap_fin(&p[i].out, DOWN);
        tap_fin(&p[i].in, DOWN);
    }
    for (unsigned i = 0; i < 3; i++) {
        hurt_both(&p[i]);
    }
    scene_wait(s, 2);
    tap_ack(&p[3].in, UP);
}

/* ---- each whole, and without each connection in turn ------------------------------------------ */

#define OF(stream) (1u << (stream))

static const struct {
    void (*play)(struct scene *);
    const char *told;  /* "cut:warning@": as it begins in the log */
    uint32_t vc;       /* whose it is */
    unsigned rests_on; /* streams */
    unsigned others;   /* streams that it does not rest on */
    bool in_row;       /* that it cannot be told */
    bool pair;         /* of legs whose clocks are compared */
} rows[] = {
    { play_never_joined, "never_joined:warning@", 0, OF(0) | OF(1), 0, true, false },
    { play_mismatch, "backend_mismatch:warning@", 0, OF(0) | OF(1), 0, true, false },
    { play_lone, "lone:note@", 0, OF(0), 0, true, false },
    { play_idle, "idle_closed:warning@", 0, OF(0) | OF(1), 0, true, false },
    { play_silent, "silent_drop:warning@", 0, OF(0), OF(1), true, false },
    { play_held_200, "buffered:warning@", 0, OF(1) | OF(3), OF(0) | OF(2), false, true },
    { play_held_to_end, "buffered:warning@", 0, OF(1) | OF(3), OF(0) | OF(2), false, true },
    { play_held_body, "buffered:warning@", 0, OF(0) | OF(1) | OF(2) | OF(3), 0, false, true },
    { play_window, "window_exceeded:warning@", 0, OF(0) | OF(1), 0, false, false },
    { play_window_of_successor, "window_exceeded:warning@", 0, OF(0) | OF(1) | OF(2), 0, false, false },
    { play_cut, "cut:warning@", 0, OF(0) | OF(1), 0, true, false },
    { play_comebacks, "cut:warning@", 0, OF(1) | OF(3), OF(0) | OF(2), true, false },
    { play_comebacks, "cut:warning@", 1, OF(1) | OF(3), OF(0) | OF(2), true, false },
    { play_third_comeback, "cut:warning@", 1, OF(3), OF(0) | OF(1) | OF(2) | OF(4) | OF(5), true, false },
    { play_third_comeback, "cut:warning@", 2, OF(3) | OF(5), OF(0) | OF(1) | OF(2) | OF(4), true, false },
    { play_no_pdu, "no_pdu:warning@", 0, OF(0), 0, false, false },
    { play_no_response, "no_pdu:warning@", 0, OF(0), 0, true, false },
    { play_call, "unanswered:note@", 0, OF(0) | OF(1), 0, true, false },
    { play_not_recycled, "not_recycled:note@", 0, OF(1), OF(0), true, false },
    { play_successor_left, "not_recycled:note@", 0, OF(1) | OF(2), OF(0), true, false },
    { play_refused, "refused:warning@", 0, OF(0) | OF(1), 0, true, false },
    { play_gone, "server_gone:warning@", 2, OF(0) | OF(1) | OF(2) | OF(3) | OF(4) | OF(5), 0, false, false },
};

/* Whether the log has it of that virtual connection. */
static bool is_told(const struct scene *s, size_t row)
{
    char whose[16];
    snprintf(whose, sizeof(whose), "/%u.", rows[row].vc);
    for (const char *at = s->log; (at = strstr(at, rows[row].told)); at++) {
        const char *slash = strchr(at, '/'), *end = strchr(at, ' ');
        if ((at == s->log || at[-1] == ' ') && slash && (!end || slash < end) &&
            strncmp(slash, whose, strlen(whose)) == 0) {
            return true;
        }
    }
    return false;
}

static void play_row(size_t row, uint32_t stream, bool skew, bool told)
{
    struct scene s;
    struct leg_row leg;
    damaged = stream;
    skewed = skew;
    scene_begin(&s);
    rows[row].play(&s);
    if (is_told(&s, row) != told) {
        fprintf(stderr, "    row %u, stream %d%s: %s is %stold: %s\n", (unsigned)row, (int)stream,
                skew ? ", clocks differ" : "", rows[row].told, told ? "not " : "", s.log);
    }
    CHECK(is_told(&s, row) == told);
    if (stream == WHOLE) {
        s.log[0] = '\0';
    } else if (!told && rows[row].in_row) {
        CHECK(rpch_state_row(s.world, rows[row].vc, &leg) && leg.verdict.cannot_tell);
    }
    scene_end(&s);
}

int main(void)
{
    transcript_off = true;
    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
        play_row(row, WHOLE, false, true);
        for (uint32_t stream = 0; stream < 8; stream++) {
            if (rows[row].rests_on & OF(stream)) {
                play_row(row, stream, false, false);
            } else if (rows[row].others & OF(stream)) {
                play_row(row, stream, false, true);
            }
        }
        if (rows[row].pair) {
            play_row(row, WHOLE, true, false);
        }
    }
    return unit_end();
}
