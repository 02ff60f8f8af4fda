/* test_evidence_logon.c
 * What each verdict on logons rests on: its scene is played whole, and told; and once more with bytes that are missing
 * on each connection of its evidence in turn, or that could not be followed there, and not told. tests/evidence takes
 * the same connections out of the code.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "logon.h"

#define CLIENT "10.0.0.21:50001"
#define DEVICE "10.0.0.80:443"
#define INSIDE "10.0.0.80:40001"
#define EX1 "10.0.0.81:443"
#define EX2 "10.0.0.82:443"
#define STAMP UINT64_C(132000000000000000)
#define LOWER "www-authenticate: Negotiate\r\nwww-authenticate: NTLM\r\n"
#define BEARER "WWW-Authenticate: Bearer client_id=\"1\"\r\n"
#define WHOLE NO_NUMBER

static uint32_t damaged; /* the stream whose turn it is, or WHOLE */
static bool followed;    /* bytes are missing there; else what is there was not followed */

static struct user alice(void)
{
    return (struct user){ .info = "A1111111-0000-0000-0000-000000000001",
                          .guid = "A2222222-0000-0000-0000-000000000002" };
}

static void hurt(struct line *line)
{
    if (line->stream == damaged && followed) {
        line->seq[WAY_TO_SERVER] += 40;
        line_frame(line, WAY_TO_SERVER, NULL, false);
    } else if (line->stream == damaged) {
        auth_lost(line->conn, WAY_TO_CLIENT);
    }
}

/* ---- scenes -------------------------------------------------------------------------------- */

static void play_torn(struct stage *stage)
{
    struct user a = alice();
    struct line one = line_open(stage, CLIENT, EX1), two = line_open(stage, CLIENT, EX2);
    challenge_as(&one, &a, "NTLM", "EX1", STAMP);
    hurt(&one);
    hurt(&two);
    third(&two, &a, "NTLM", "alice", "EX1", STAMP);
}

static void play_interleaved(struct stage *stage)
{
    struct user a = alice(), b = alice();
    b.info = "B1111111-0000-0000-0000-000000000001";
    struct line line = line_open(stage, INSIDE, EX1);
    challenge_as(&line, &a, "NTLM", "EX1", STAMP);
    challenge_as(&line, &b, "NTLM", "EX1", STAMP + 1);
    hurt(&line);
    third(&line, &a, "NTLM", "alice", "EX1", STAMP);
}

/* Over two legs: that the client's connection was kept is told, so it has to be whole. seen: the connection that
 * carried the challenge behind the device is in the capture. */
static void play_legs(struct stage *stage, bool seen)
{
    struct user a = alice();
    char text[TOKEN_TEXT];
    struct line front = line_open(stage, CLIENT, DEVICE), one = line_open(stage, INSIDE, EX1),
                two = line_open(stage, INSIDE, EX2);
    ask(&front, &a, "Connect", type1("NTLM", text));
    if (seen) {
        ask_as(&one, &a, true, "Connect", type1("NTLM", text), NULL);
        reply(&one, 401, "WWW-Authenticate: %s\r\n", type2("NTLM", "EX1", STAMP, text));
    }
    reply(&front, 401, "WWW-Authenticate: %s\r\n", type2("NTLM", "EX1", STAMP, text));
    if (followed) {
        hurt(&front);
    }
    hurt(&one);
    hurt(&two);
    third(&front, &a, "NTLM", "alice", "EX1", STAMP);
    third(&two, &a, "NTLM", "alice", "EX1", STAMP);
}

static void play_torn_behind(struct stage *stage)
{
    play_legs(stage, true);
}

static void play_alone_behind(struct stage *stage)
{
    play_legs(stage, false);
}

static void play_alone(struct stage *stage)
{
    struct user a = alice();
    struct line line = line_open(stage, CLIENT, EX1);
    hurt(&line);
    third(&line, &a, "NTLM", "alice", "EX1", STAMP);
}

/* 401 without a token to type 1, three times. */
static void play_bare(struct stage *stage)
{
    struct user a = alice();
    char text[TOKEN_TEXT];
    struct line lines[3];
    for (unsigned i = 0; i < 3; i++) {
        lines[i] = line_open(stage, CLIENT, EX1);
        if (i == 2) {
            hurt(&lines[0]);
            hurt(&lines[1]);
            hurt(&lines[2]);
        }
        ask(&lines[i], &a, "Connect", type1("NTLM", text));
        reply(&lines[i], 401, OFFERS);
    }
}

static void play_header_case(struct stage *stage)
{
    struct user a = alice();
    struct line line = line_open(stage, CLIENT, EX1);
    ask(&line, &a, "Connect", NULL);
    reply(&line, 401, LOWER);
    hurt(&line);
    stage_wait(stage, 0.5);
    line_fin(&line, WAY_TO_SERVER);
}

static void play_bearers(struct stage *stage)
{
    struct user a = alice();
    struct line line = line_open(stage, CLIENT, EX1);
    for (unsigned i = 0; i < 3; i++) {
        ask(&line, &a, "Connect", "Bearer");
        reply(&line, 401, BEARER);
    }
    hurt(&line);
    line_fin(&line, WAY_TO_SERVER);
}

/* ---- each whole, and without each connection in turn ------------------------------------------ */

#define OF(stream) (1u << (stream))

static const struct {
    void (*play)(struct stage *);
    const char *told;  /* "no_challenge:": as it begins in the log */
    unsigned whole;    /* streams of which no byte may be missing */
    unsigned followed; /* streams that have to be followed, too */
    unsigned others;   /* streams that it does not rest on */
} rows[] = {
    { play_torn, "ntlm_torn:error@", OF(1), OF(1), OF(0) },
    { play_interleaved, "ntlm_torn:error@", OF(0), OF(0), 0 },
    { play_torn_behind, "ntlm_torn:error@", OF(0) | OF(2), OF(2), OF(1) },
    { play_alone, "type3_without_challenge:warning@", OF(0), OF(0), 0 },
    { play_alone_behind, "type3_without_challenge:warning@", OF(0) | OF(2), OF(2), 0 },
    { play_bare, "no_challenge:warning@", OF(0) | OF(1) | OF(2), OF(0) | OF(1) | OF(2), 0 },
    { play_header_case, "header_case:note@", OF(0), OF(0), 0 },
    { play_bearers, "empty_bearer:note@", OF(0), OF(0), 0 },
};

static void play_row(size_t row, uint32_t stream, bool follow, bool told)
{
    struct stage stage;
    damaged = stream;
    followed = follow;
    stage_begin(&stage);
    rows[row].play(&stage);
    const bool is_told = strstr(stage.log, rows[row].told) != NULL;
    if (is_told != told) {
        fprintf(stderr, "    row %u, stream %d%s: %s is %stold: %s\n", (unsigned)row, (int)stream,
                follow ? "" : " not followed", rows[row].told, told ? "not " : "", stage.log);
    }
    CHECK(is_told == told);
    stage_end(&stage);
}

int main(void)
{
    transcript_off = true;
    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
        play_row(row, WHOLE, true, true);
        for (uint32_t stream = 0; stream < 4; stream++) {
            if (rows[row].whole & OF(stream)) {
                play_row(row, stream, true, false);
            }
            if (rows[row].followed & OF(stream)) {
                play_row(row, stream, false, false);
            }
            if (rows[row].others & OF(stream)) {
                play_row(row, stream, true, true);
            }
        }
    }
    return unit_end();
}
