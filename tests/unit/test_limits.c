/* test_limits.c
 * The rules of logons go by the limits that the judge was given.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "logon.h"

#define CLIENT "10.0.0.1:1001"
#define SERVER "10.0.0.81:443"

/* In the place of the one that the stage began with. */
static void judge_by(struct stage *stage, const struct judge_limits *limits)
{
    const struct judge_prefs prefs = { .limits = limits };
    stage->outlook = outlook_new(&stage->arena, &prefs);
    stage->world = stage->outlook->logons;
}

/* More refusals than frames are kept: the text names the first ones. */
static void test_refusals(void)
{
    struct judge_limits limits = judge_limits_default;
    struct stage stage;
    limits.refusals_told = 5;
    stage_begin(&stage);
    judge_by(&stage, &limits);
    limits.refusals_told = 1; /* the judge has a copy */
    struct user user = { "{alice}:1", "{11111111-0000-0000-0000-000000000000}", 0, "mail.example.test" };
    struct line line = line_open(&stage, CLIENT, SERVER);
    for (unsigned i = 0; i < 6; i++) {
        CHECK_STR(stage.log, i < 5 ? "" : "refused:warning@10/0");
        ask(&line, &user, "Connect", "Basic YWxpY2U6d3Jvbmc=");
        reply(&line, 401, OFFERS);
    }
    CHECK_STR(stage.log, "refused:warning@10/0");
    CHECK(strstr(stage.last_text, "in frames 2, 4, 6, each"));
    stage_end(&stage);
}

static void test_slow(void)
{
    struct judge_limits limits = judge_limits_default;
    struct stage stage;
    limits.slow_above = 30 * SECOND;
    limits.very_slow_above = 60 * SECOND;
    for (unsigned i = 0; i < 4; i++) {
        static const unsigned seconds[] = { 1, 11, 31, 61 };
        static const char *const by_default[] = { "", "very_slow:warning@2/0", "very_slow:warning@2/0",
                                                  "very_slow:warning@2/0" };
        static const char *const by_limits[] = { "", "", "slow:note@2/0", "very_slow:warning@2/0" };
        for (int own = 0; own < 2; own++) {
            stage_begin(&stage);
            if (own) {
                judge_by(&stage, &limits);
            }
            struct user user = { "{alice}:1", "{11111111-0000-0000-0000-000000000000}", 0, "mail.example.test" };
            struct line line = line_open(&stage, CLIENT, SERVER);
            ask(&line, &user, "Connect", "Basic YWxpY2U6eA==");
            stage_wait(&stage, seconds[i]);
            reply(&line, 200, "");
            CHECK_STR(stage.log, own ? by_limits[i] : by_default[i]);
            stage_end(&stage);
        }
    }
}

int main(void)
{
    test_refusals();
    test_slow();
    return unit_end();
}
