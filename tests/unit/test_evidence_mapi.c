/* test_evidence_mapi.c
 * What each verdict on MAPI/HTTP rests on: its scene is played whole, and told; and once more with bytes that are
 * missing on each connection of its evidence in turn, and not told. tests/evidence takes the same connections out of
 * the code.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "mscene.h"

#define SET "Set-Cookie: sid=session-one-value; path=/mapi\r\nSet-Cookie: sequence=seq-one-1; path=/mapi\r\n"
#define JAR "sid=session-one-value; sequence=seq-one-1"
#define LACKING "sid=session-one-value"
#define SERVER "10.0.0.80:443"
#define WHOLE NO_NUMBER
#define MANY 66 /* connections: more than are looked at */

static uint32_t damaged; /* the stream that bytes are missing on, or WHOLE */

static void open_next(struct scene *scene, struct tap *tap)
{
    char client[32];
    snprintf(client, sizeof(client), "10.0.0.9:%u", 50001 + scene->streams);
    tap_open(tap, scene, client, SERVER);
}

/* A session; its Connect goes on the first of taps, the others are opened. */
static void connect_on(struct scene *scene, struct tap *taps, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        open_next(scene, &taps[i]);
    }
    ask(&taps[0], "Connect", 1, NULL);
    answer(&taps[0], "Connect", SET);
}

static void execute(struct tap *tap, unsigned counter)
{
    ask(tap, "Execute", counter, JAR);
    answer(tap, "Execute", NULL);
}

/* Bytes of the client are missing by now, if that is the connection's turn. */
static void hurt(struct tap *tap)
{
    if (tap->stream == damaged) {
        tap->seq[WAY_TO_SERVER] += 40;
        tap_wire(tap, WAY_TO_SERVER, (struct wire){ 0 });
    }
}

/* ---- contexts ---------------------------------------------------------------------------- */

static void refuse_context(struct scene *scene, double idle)
{
    struct tap taps[2];
    connect_on(scene, taps, 2);
    scene_wait(scene, idle);
    hurt(&taps[0]);
    hurt(&taps[1]);
    ask(&taps[1], "Execute", 2, JAR);
    answer_code(&taps[1], 10, "x");
    scene_wait(scene, 11);
    tap_wire(&taps[1], WAY_TO_SERVER, (struct wire){ 0 });
}

static void play_lost(struct scene *scene)
{
    refuse_context(scene, 20);
}

static void play_expired(struct scene *scene)
{
    refuse_context(scene, 1000);
}

/* The connection of the request was used before the last success, and bytes of it are missing before that. */
static void play_cookie_of_request(struct scene *scene)
{
    struct tap taps[3];
    connect_on(scene, taps, 3);
    execute(&taps[2], 2);
    hurt(&taps[2]);
    execute(&taps[1], 3);
    ask(&taps[2], "Execute", 4, LACKING);
}

/* The same of the connection of that success. */
static void play_cookie_of_success(struct scene *scene)
{
    struct tap taps[3];
    connect_on(scene, taps, 3);
    execute(&taps[1], 2);
    hurt(&taps[1]);
    execute(&taps[1], 3);
    ask(&taps[2], "Execute", 4, LACKING);
}

/* The client may have been given a cookie on the first, after that success; on which the request comes, too, or on
 * another. */
static void ask_beside(struct scene *scene, unsigned on)
{
    struct tap taps[3];
    connect_on(scene, taps, 3);
    execute(&taps[1], 2);
    hurt(&taps[0]);
    ask(&taps[on], "Execute", 3, LACKING);
}

static void play_cookie_beside(struct scene *scene)
{
    ask_beside(scene, 1);
}

static void play_cookie_elsewhere(struct scene *scene)
{
    ask_beside(scene, 2);
}

/* The same, and that connection has ended before the next one was used. */
static void play_cookie_of_ended(struct scene *scene)
{
    struct tap taps[3];
    connect_on(scene, taps, 3);
    execute(&taps[1], 2);
    hurt(&taps[0]);
    tap_fin(&taps[0], WAY_TO_SERVER);
    tap_fin(&taps[0], WAY_TO_CLIENT);
    ask(&taps[2], "Execute", 3, LACKING);
}

/* More connections than are looked at. */
static void play_cookie_of_many(struct scene *scene)
{
    static struct tap taps[MANY];
    const unsigned count = damaged == WHOLE ? 3 : MANY;
    connect_on(scene, taps, count);
    for (unsigned i = 1; i < count; i++) {
        execute(&taps[i], 1 + i);
    }
    ask(&taps[0], "Execute", 1 + count, LACKING);
}

static void play_counter(struct scene *scene)
{
    struct tap taps[2];
    connect_on(scene, taps, 2);
    execute(&taps[0], 3);
    execute(&taps[0], 5);
    hurt(&taps[0]);
    hurt(&taps[1]);
    ask(&taps[1], "Execute", 3, JAR);
}

static void play_overlap(struct scene *scene)
{
    struct tap taps[2];
    connect_on(scene, taps, 2);
    hurt(&taps[0]);
    hurt(&taps[1]);
    ask(&taps[0], "Execute", 2, JAR);
    ask(&taps[1], "Execute", 3, JAR);
    answer(&taps[1], "Execute", NULL);
    answer(&taps[0], "Execute", NULL);
}

/* ---- responses ---------------------------------------------------------------------------- */

/* A NotificationWait with a PENDING, on the first of two connections. */
static void wait_on(struct scene *scene, struct tap taps[2])
{
    connect_on(scene, taps, 2);
    ask(&taps[0], "NotificationWait", 101, JAR);
    tap_text(
        &taps[0], WAY_TO_CLIENT,
        "HTTP/1.1 200 OK\r\nContent-Type: application/mapi-http\r\nX-RequestType: NotificationWait\r\n"
        "X-ResponseCode: 0\r\nX-PendingPeriod: 30000\r\nTransfer-Encoding: chunked\r\n\r\nc\r\nPROCESSING\r\n\r\n");
    hurt(&taps[0]);
    hurt(&taps[1]);
}

static void play_late(struct scene *scene)
{
    struct tap taps[2];
    wait_on(scene, taps);
    scene_wait(scene, 62);
    tap_text(&taps[0], WAY_TO_CLIENT, "9\r\nPENDING\r\n\r\n");
}

static void play_cut(struct scene *scene)
{
    struct tap taps[2];
    wait_on(scene, taps);
    scene_wait(scene, 20);
    tap_rst(&taps[0], WAY_TO_CLIENT);
}

static void play_left(struct scene *scene)
{
    struct tap taps[2];
    wait_on(scene, taps);
    scene_wait(scene, 20);
    tap_rst(&taps[0], WAY_TO_SERVER);
}

static void play_unanswered(struct scene *scene)
{
    struct tap taps[2];
    connect_on(scene, taps, 2);
    hurt(&taps[0]);
    hurt(&taps[1]);
    ask(&taps[1], "Execute", 2, JAR);
    scene_wait(scene, 20);
    tap_rst(&taps[1], WAY_TO_CLIENT);
}

/* Nobody acknowledges what the client sends on one connection; on another it is answered. */
static void play_dropped(struct scene *scene)
{
    struct tap taps[2];
    connect_on(scene, taps, 2);
    hurt(&taps[0]);
    hurt(&taps[1]);
    scene_wait(scene, 75);
    const uint32_t from = taps[0].seq[WAY_TO_SERVER];
    ask(&taps[0], "Execute", 2, JAR);
    const size_t len = taps[0].seq[WAY_TO_SERVER] - from;
    for (unsigned i = 0; i < 3; i++) {
        scene_wait(scene, 1);
        tap_wire(&taps[0], WAY_TO_SERVER, (struct wire){ .bytes = "", .len = len, .again = true });
    }
    execute(&taps[1], 2);
}

/* Two sessions of two clients in one server; what is missing shows after their ends. */
static void play_gone(struct scene *scene)
{
    struct tap taps[3];
    connect_on(scene, taps, 1);
    scene_wait(scene, 20); /* idle times that no timer has */
    open_next(scene, &taps[1]);
    ask_with(&taps[1],
             (struct ask){ .type = "Connect", .guid = GUID_B, .counter = 1, .path = "/mapi/emsmdb/?MailboxId=m2" });
    answer(&taps[1], "Connect", "Set-Cookie: sid=session-two-value; path=/mapi\r\n");
    open_next(scene, &taps[2]);
    ask(&taps[2], "Execute", 2, JAR);
    scene_wait(scene, 20);
    for (unsigned i = 0; i < 2; i++) {
        tap_rst(&taps[i], WAY_TO_CLIENT);
        hurt(&taps[i]);
    }
    scene_wait(scene, 2);
    tap_wire(&taps[2], WAY_TO_SERVER, (struct wire){ 0 });
}

/* ---- each whole, and without each connection in turn ------------------------------------------ */

#define OF(stream) (1u << (stream))

static const struct {
    void (*play)(struct scene *);
    const char *told;  /* "session.lost:": as it begins in the log */
    unsigned rests_on; /* streams */
    unsigned others;   /* streams that it does not rest on */
    bool in_row;       /* that it cannot be told */
} rows[] = {
    { play_lost, "session.lost:error@", OF(0) | OF(1), 0, true },
    { play_expired, "session.expired:note@", OF(0) | OF(1), 0, true },
    { play_cookie_of_request, "session.cookie_lost:warning@", OF(2), 0, true },
    { play_cookie_of_success, "session.cookie_lost:warning@", OF(1), 0, true },
    { play_cookie_beside, "session.cookie_lost:warning@", OF(0), 0, true },
    { play_cookie_elsewhere, "session.cookie_lost:warning@", OF(0), 0, true },
    { play_cookie_of_ended, "session.cookie_lost:warning@", OF(0), 0, true },
    { play_cookie_of_many, "session.cookie_lost:warning@", OF(0), 0, false },
    { play_counter, "session.sequence_broken:warning@", OF(0) | OF(1), 0, true },
    { play_overlap, "session.sequence_broken:warning@", OF(0) | OF(1), 0, true },
    { play_late, "pending.late:warning@", OF(0), OF(1), true },
    { play_cut, "response.cut:warning@", OF(0), OF(1), true },
    { play_left, "response.cut.chat:chat@", OF(0), OF(1), true },
    { play_unanswered, "request.unanswered:note@", OF(1), OF(0), true },
    { play_dropped, "request.silent_drop:warning@", OF(0) | OF(1), 0, true },
    { play_gone, "server_gone:warning@", OF(0) | OF(1), 0, false },
};

static void play_row(size_t row, uint32_t stream, bool told)
{
    struct scene scene;
    struct session_row session;
    damaged = stream;
    scene_begin(&scene);
    rows[row].play(&scene);
    const bool is_told = strstr(scene.log, rows[row].told) != NULL;
    if (is_told != told) {
        fprintf(stderr, "    row %u, stream %d: %s is %stold: %s\n", (unsigned)row, (int)stream, rows[row].told,
                told ? "not " : "", scene.log);
    }
    CHECK(is_told == told);
    if (!told && rows[row].in_row) {
        CHECK(mapi_state_row(scene.world, 0, &session) && session.verdict.cannot_tell);
    }
    scene_end(&scene);
}

int main(void)
{
    transcript_off = true;
    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
        play_row(row, WHOLE, true);
        for (uint32_t stream = 0; stream < 8; stream++) {
            if (rows[row].rests_on & OF(stream)) {
                play_row(row, stream, false);
            } else if (rows[row].others & OF(stream)) {
                play_row(row, stream, true);
            }
        }
    }
    return unit_end();
}
