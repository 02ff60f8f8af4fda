/* expect.c
 * Bodies that wait for a 100 that does not come (RFC 9110 10.1.1), of both protocols.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "expect.h"

#include "judge.h"
#include "session.h"

/* The head of the leg before has Expect, and what a device made of it does not. */
static bool is_dropped_before(const struct exchange *request)
{
    return request->front_expects && !request->expects;
}

bool expect_waits(const struct judge *judge, const struct exchange *request, int64_t waited)
{
    return request && (request->expects || is_dropped_before(request)) && !request->go_on.frame &&
           waited >= judge->limits.expect_wait;
}

bool expect_mapi(const struct judge *judge, const struct exchange *request)
{
    const struct conn *link = request->conn->link;
    return !request->ended && request->message->body_length == 0 && !request_crossed(request) &&
           expect_waits(judge, request, link->ended_ns - request->begin.ns);
}

static void say_dropper(struct text *text, const struct endpoint *device)
{
    say(text,
        "; inferred: the device at %s dropped Expect, and did not send the 100 itself for which the client waits before it sends the "
        "body; next: what that device does with Expect: 100-continue",
        ENDPOINT(device));
}

void say_expect(struct finding *finding, const struct exchange *request)
{
    const struct exchange *after = request->after;
    const struct there *there = &request->there;
    struct text *text = &finding->text;
    finding->where = WHERE_DEVICE;
    finding->seen = true;
    if (is_dropped_before(request)) {
        say(text, "; the head in frame %u on leg %u has Expect: 100-continue, this one has not", request->front_expects,
            request->leg - 1);
        say_dropper(text, &request->link->client);
        return;
    }
    say(text, "; its head has Expect: 100-continue, and no 100 came");
    if (after ? !after->expects : there->conn && !there->expects) { /* that leg may have ended first */
        say(text, "; the head in frame %u on leg %u has no Expect any more", after ? after->begin.frame : there->frame,
            request->leg + 1);
        say_dropper(text, conn_server(request->link));
    } else if (after && after->go_on.frame) {
        say(text,
            "; on leg %u it came in frame %u; inferred: the device at %s did not pass it on; next: what that device does with "
            "Expect: 100-continue",
            after->leg, after->go_on.frame, ENDPOINT(conn_server(request->link)));
    } else {
        finding->where = WHERE_UNKNOWN;
        finding->seen = false;
        say(text,
            "; inferred: the client waits for it before it sends the body: a device before %s, or what stands there, dropped or does not "
            "know Expect; next: what devices there do with Expect: 100-continue, and a capture behind them",
            ENDPOINT(conn_server(request->link)));
    }
}
