/* test_follow.c
 * Message framing of HTTP/1.1, RFC 9112 6.3.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "follow.h"
#include "transcript.h"
#include "unit.h"

#include <stdlib.h>

struct log {
    char text[512];
};

static void note(struct log *log, const char *what, struct span data)
{
    size_t used = strlen(log->text);
    snprintf(log->text + used, sizeof(log->text) - used, "%s%.*s ", what, (int)data.len,
             data.ptr ? (const char *)data.ptr : "");
}

/* Follows a stream given in pieces of at most step bytes, head bytes given again as asked
 * for, and tells what came of it: "H" for a head, "D" and its bytes, "E", "L". Data runs of
 * one message are joined. */
static const char *run(struct log *log, const char *stream, size_t step, bool answers_head)
{
    struct follow follow;
    struct follow_event event;
    size_t len = strlen(stream), given = 0, used = 0;
    bool in_data = false;
    memset(&follow, 0, sizeof(follow));
    log->text[0] = '\0';
    while (given < len) {
        given = given + step < len ? given + step : len;
        for (;;) {
            used += http_follow(&follow, answers_head, (const uint8_t *)stream + used, given - used, &event);
            struct span none = { NULL, 0 };
            if (event.what == FOLLOW_DATA) {
                if (in_data) {
                    log->text[strlen(log->text) - 1] = '\0';
                }
                note(log, in_data ? "" : "D:", event.data);
                in_data = true;
                continue;
            }
            if (event.what == FOLLOW_MORE) {
                break;
            }
            in_data = false;
            note(log, event.what == FOLLOW_HEAD ? "H" : event.what == FOLLOW_END ? "E" : "L", none);
            if (event.what == FOLLOW_LOST) {
                break;
            }
        }
    }
    bool until_close;
    if (http_follow_inside(&follow, &until_close)) {
        struct span none = { NULL, 0 };
        note(log, until_close ? "until-close" : "inside", none);
    }
    return log->text;
}

static void test_framing(void)
{
    static const struct {
        const char *stream, *expected;
        bool answers_head;
    } cases[] = {
        { "POST /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\n\r\n", "H D:abc E H E ", false },
        { "POST /a HTTP/1.1\r\nContent-Length: 0\r\n\r\n", "H E ", false },
        { "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi", "H E H D:hi E ", false },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\nHTTP/1.1 204 No\r\n\r\n",
          "H D:abcde E H E ", false },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "H D:abc inside ", false },
        { "HTTP/1.0 200 OK\r\n\r\nto the end", "H D:to the end until-close ", false },
        { "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "H E H E ",
          true },
        { "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", "H E ", false },
        { "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", "H E H D:x E ",
          false },
        { "HTTP/1.1 199 x\r\nContent-Length: 1\r\n\r\nHTTP/1.1 205 x\r\nContent-Length: 1\r\n\r\nx", "H E H D:x E ",
          false },
        { "HTTP/1.1 303 x\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 305 x\r\nContent-Length: 1\r\n\r\ny",
          "H D:x E H D:y E ", false },
        { "HTTP/1.1 203 x\r\nContent-Length: 1\r\n\r\nx", "H D:x E ", false },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nTrailer: x\r\n\r\nHTTP/1.1 304 x\r\n\r\n",
          "H D:a E H E ", false },
        { "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n", "H E H E ", false },
        { "\x04\x01\x02", "L ", false },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (size_t step = 1; step < 70; step++) {
            struct log log;
            if (cases[i].expected[0] == 'L' && step < 3) {
                continue; /* each call may begin a message */
            }
            CHECK_STR(run(&log, cases[i].stream, step, cases[i].answers_head), cases[i].expected);
        }
        /* Every byte changed, in small and large pieces. */
        char *copy = malloc(strlen(cases[i].stream) + 1);
        transcript_fold();
        for (size_t at = 0; cases[i].stream[at]; at++) {
            static const char put[] = "\r\n0:x;";
            for (size_t k = 0; k < sizeof(put) - 1; k++) {
                struct log log;
                strcpy(copy, cases[i].stream);
                copy[at] = put[k];
                transcript("%zu %zu: %s", at, k, run(&log, copy, 1000, cases[i].answers_head));
                transcript("%zu %zu: %s", at, k, run(&log, copy, 40, cases[i].answers_head));
            }
        }
        transcript_unfold(cases[i].stream);
        free(copy);
    }
}

static void test_lost(void)
{
    struct follow follow;
    struct follow_event event;
    bool until_close;
    memset(&follow, 0, sizeof(follow));
    static const char head[] = "POST /a HTTP/1.1\r\nContent-Length: 300\r\n\r\n";
    CHECK_INT(http_follow(&follow, false, (const uint8_t *)head, sizeof(head) - 1, &event), sizeof(head) - 1);
    CHECK_INT(event.what, FOLLOW_HEAD);
    CHECK(http_follow_inside(&follow, &until_close) && !until_close);
    http_follow_lose(&follow);
    CHECK(!http_follow_inside(&follow, &until_close));
    static const char bad[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n";
    size_t used = http_follow(&follow, false, (const uint8_t *)bad, sizeof(bad) - 1, &event);
    CHECK_INT(event.what, FOLLOW_HEAD);
    used += http_follow(&follow, false, (const uint8_t *)bad + used, sizeof(bad) - 1 - used, &event);
    CHECK_INT(event.what, FOLLOW_LOST);
    CHECK_INT(used, sizeof(bad) - 1);
    CHECK(!http_follow_inside(&follow, &until_close));
}

int main(void)
{
    test_framing();
    test_lost();
    transcript_end(__FILE__);
    return unit_end();
}
