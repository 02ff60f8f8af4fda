"""Samples of answers that do not come and of who waits for them: clients that close their side directly behind a request, clients
that give up, bodies that wait for a 100.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import mapiscene as m
import mapiwire as w
from mapi_ends import CLIENT, SEEN, UNKNOWN, WAIT, chat, told
from mapi_gone import CUT, UNANSWERED
from mapi_verdict import EXECUTE, HTTP, LATE, Two, opened
from mapiscene import DOWN, UP, case
from scene import Conn

SERVER = "SERVER (inferred)"


def aside(cap, **how):
    """A session with a second connection, for what is asked next, and the first."""
    c = opened(cap, **how)
    own, c.conn = c.conn, c.outlook.open()
    return c, own


def go_on(c, own):
    c.conn = own
    c.exchange(step=False)
    c.conn.close()


@case("mapi-ends-half-closed", "a client closes its side directly behind a request, and reads the answer")
def half_closed(cap):
    c, own = aside(cap)
    ask = c.ask("Execute", EXECUTE)
    c.conn.fin(UP)
    cap.wait(2)
    c.reply(ask, m.execute_answer())
    c.conn.fin(DOWN)
    ask = c.ask("Execute", EXECUTE, conn=c.outlook.open())
    c.begin(ask)
    ask.conn.fin(UP)
    cap.wait(20)
    c.end(ask, m.execute_answer())
    ask.conn.fin(DOWN)
    c.conn = own
    c.exchange()
    c.conn.close()
    cap.what = "FIN follows an Execute within a millisecond; the answer comes whole 2 s later, and the client acknowledges it. Then the " \
               "same while the answer is under way."
    cap.rule = "RFC 9293 3.6: who sends FIN has nothing more to send; it may still receive."


@case("mapi-ends-half-closed-left", "a client closes directly behind a request, and the server's end does so without an answer")
def half_closed_left(cap):
    c, own = aside(cap)
    c.ask("Execute", EXECUTE)
    first = c.conn.fin(UP)
    cap.wait(0.01)
    told(cap, UNANSWERED, c.conn.fin(DOWN), CLIENT, "No answer came, and none can.", [f"FIN in frame {first}", "as soon as it had asked"])
    go_on(c, own)
    cap.what = "FIN follows an Execute within a millisecond, and 10 ms later the server's end closes, too."
    cap.rule = "Only now it is certain that no answer comes. Which of both meant the end does not show but by the order."


@case("mapi-ends-half-closed-silent", "a client closes directly behind a request, and nothing comes for a minute")
def half_closed_silent(cap):
    c, own = aside(cap)
    c.ask("Execute", EXECUTE)
    first = c.conn.fin(UP)
    cap.wait(61)
    told(cap, UNANSWERED, own.ack(UP), UNKNOWN, "A minute has passed, as another connection shows.",
         [f"FIN in frame {first}", "none came for 61.0 s since"])
    go_on(c, own)
    cap.what = "FIN follows an Execute within a millisecond; the server's end acknowledges both and says nothing more. 61 s later the " \
               "capture goes on elsewhere."
    cap.rule = "Servers answer in seconds."


def half_closed_answer(cap, c, asks):
    """The first of the answers, on each leg, and one PENDING."""
    for step in (lambda ask: c.begin(ask, cookies=None), lambda ask: c.more(ask, "PENDING\r\n")):
        cap.wait(1)
        for ask in asks:
            step(ask)
    cap.wait(3)


@case("mapi-ends-half-closed-cut", "a client closes directly behind a request and reads on, and the answer is cut")
def half_closed_cut(cap):
    c, own = aside(cap)
    ask = c.ask("Execute", EXECUTE)
    first = c.conn.fin(UP)
    half_closed_answer(cap, c, [ask])
    told(cap, CUT, c.conn.rst(DOWN), UNKNOWN, "The client was there, and the server's end broke off: it or a device before it.",
         [f"had closed its sending side in frame {first}, and read on", "the server or a device between broke off"])
    c.conn = c.outlook.open()
    ask = c.ask("Execute", EXECUTE, step=False)
    c.conn.fin(UP)
    cap.wait(20)
    told(cap, UNANSWERED, c.conn.rst(DOWN), UNKNOWN, "20 s later the server's end gives up: no answer to that FIN.", ["gave the connection up"])
    go_on(c, own)
    cap.what = "FIN follows an Execute within a millisecond; the client acknowledges the head and one PENDING of the answer, then the " \
               "server's end resets the connection. It asks again on another, where no answer comes for 20 s, then an RST."
    cap.rule = "RFC 9293 3.6: it may still receive, and does. Who closes a second later, or goes on meanwhile, does not do so for that FIN."


@case("mapi-ends-half-closed-behind", "the same through a balancer that passes the FIN on, and the server cuts the answer")
def half_closed_behind(cap):
    two = Two(cap)
    two.exchange("Connect")
    two.exchange()
    c = two.c
    outer = c.ask("Execute", EXECUTE)
    outer.conn.fin(UP)
    inner = c.relay(outer, cap.connect("10.0.0.70", "10.0.0.81:80"))
    inner.conn.fin(UP)
    half_closed_answer(cap, c, [inner, outer])
    told(cap, CUT, inner.conn.rst(DOWN), UNKNOWN, "On its leg nothing else shows.", ["and read on"])
    cap.wait(0.005)
    told(cap, CUT, outer.conn.rst(DOWN), "SERVER (seen)", "The balancer only passes that on.", ["only passed that on"])
    cap.wait(1)
    c.conn = c.outlook.open()
    two.exchange()
    two.close()
    cap.what = "Client and balancer close their sides directly behind a request, and both read on. The server resets the leg behind in the " \
               "middle of the answer, 5 ms later the balancer the client's."
    cap.rule = "The FIN went before the request came on the leg behind: it is the same request, and the server cut its answer."


@case("mapi-ends-waited", "a client gives up after 60 s without a byte of an answer")
def waited(cap):
    c, own = aside(cap)
    c.ask("Execute", EXECUTE)
    cap.wait(60)
    told(cap, UNANSWERED, c.conn.rst(UP), UNKNOWN, "It waited as long as clients do.", ["60.0 s later", "hangs or is overloaded"])
    go_on(c, own)
    cap.what = "An Execute has no answer for 60 s, then the client resets its connection and asks again on another."
    cap.rule = "MS-OXCMAPIHTTP 3.2.5.2: a server begins to answer at once. Who waited for it is not to blame that it did not."


@case("mapi-ends-waited-behind", "the same, and the leg behind has the request and no answer either")
def waited_behind(cap):
    two = Two(cap)
    two.exchange("Connect")
    two.exchange()
    outer = two.c.ask("Execute", EXECUTE)
    two.c.relay(outer, two.server("10.0.0.81:80"))
    cap.wait(60)
    told(cap, UNANSWERED, outer.conn.close(UP), SERVER, "Its request waits there.", ["leg 1 has it and no answer either"])
    cap.wait(0.002)
    two.server("10.0.0.81:80").close(UP)
    cap.what = "Captured on both sides of a balancer, which passes the request on and then the end."
    cap.rule = "As mapi-ends-waited; and it was not the balancer who kept it."


@case("mapi-ends-waited-device", "the balancer gives the leg behind up after 30 s, and lets its client wait for 60")
def waited_device(cap):
    two = Two(cap)
    two.exchange("Connect")
    two.exchange()
    outer = two.c.ask("Execute", EXECUTE)
    inner = two.c.relay(outer, two.server("10.0.0.81:80"))
    cap.wait(30)
    told(cap, UNANSWERED, inner.conn.rst(UP), SEEN, "The leg before was still open.", ["gave up by itself"])
    cap.wait(30)
    told(cap, UNANSWERED, outer.conn.close(UP), "NETWORK DEVICE (inferred)", "It told its client nothing.", ["passed neither an answer nor that end on"])
    cap.what = "A balancer resets the server's side after 30 s and leaves the client's open; after 60 s the client closes."
    cap.rule = "As mapi-ends-waited; here it shows who kept the client waiting."


@case("mapi-ends-refused-reset", "413 before the body was read, and an RST under its page")
def refused_reset(cap):
    c = opened(cap)
    ask = c.ask("Execute", m.execute_body(data=w.RELEASE * 9000), sent=20000, note=False)
    c.conn.send(DOWN, b"HTTP/1.1 413 Request Entity Too Large\r\nContent-Type: text/html\r\nContent-Length: 500\r\n\r\n<html>", ack=False)
    frame, ask.frame = c.conn.rst(DOWN), 0
    told(cap, HTTP, frame, UNKNOWN, "The head says all.", ["413"])
    cap.message(frame, c.conn, "client", "Execute", c.response_fields(ask, None, ask.session))
    cap.message(frame, c.conn, "server", "Execute", c.request_fields(ask))
    cap.what = "20 KB into a body of 27 KB a 413 comes, and behind the first bytes of its page an RST: whoever does not read what comes " \
               "resets the connection (RFC 9112 9.6)."
    cap.rule = "One cause, one verdict: no response.cut beside it."


@case("mapi-ends-overdue", "a client gives up a response whose PENDING stopped")
def overdue(cap):
    c, own = aside(cap)
    ask = c.ask("NotificationWait", WAIT, counter=1, step=False)
    c.begin(ask, cookies=None)
    for _ in range(2):
        cap.wait(30)
        c.more(ask, "PENDING\r\n")
    cap.wait(80)
    own.probe(UP)
    cap.wait(40)
    frame = c.conn.fin(UP)
    told(cap, LATE, frame, UNKNOWN, "X-PendingPeriod is 30 s, and nothing came for 120 s.", ["had not gone on when the client sent FIN", "120.0 s"])
    chat(cap, frame, UNKNOWN, "It gave up what had stopped.", ["PENDING was due"])
    c.conn.fin(DOWN)
    c.conn = own
    c.exchange()
    c.conn.close()
    cap.what = "A NotificationWait with PENDING every 30 s, then nothing for 120 s while another connection lives, then the client closes."
    cap.rule = "MS-OXCMAPIHTTP 3.1.5.4: PENDING comes every X-PendingPeriod. That the client is the one who closed is not the fault."


@case("mapi-ends-port-reused", "a connection from the same port, while a request has no answer on the one before")
def port_reused(cap):
    c, own = aside(cap)
    old = c.conn
    c.ask("Execute", EXECUTE)
    cap.wait(20)
    c.conn = Conn(cap, old.client, old.server)
    c.conn.seq[UP] = c.conn.seen[UP] = (old.seq[UP] + 100000) & 0xFFFFFFFF
    c.conn.open()
    ask = c.ask("Execute", EXECUTE, step=False)
    told(cap, UNANSWERED, ask.frame, UNKNOWN, "Nobody awaits an answer there any more.", ["SYN of another connection", "gives its ports to others"])
    c.reply(ask, m.execute_answer())
    c.conn.close()
    c.conn = own
    c.exchange()
    c.conn.close()
    cap.what = "An Execute has no answer for 20 s; then a SYN with the same addresses and ports opens another connection, without FIN or " \
               "RST on the one before, and the client asks again."
    cap.rule = "RFC 9293 3.10.7.4: who sends such a SYN knows nothing of the connection before. Of it nothing can come any more."


def expects(c, **how):
    return c.ask("Execute", EXECUTE, lines=["Expect: 100-continue"], sent=0, note=False, **how)


@case("mapi-ends-expect", "a body waits for a 100 that does not come, until the client leaves")
def expect_client(cap):
    c = opened(cap)
    expects(c)
    cap.wait(20)
    told(cap, UNANSWERED, c.conn.close(UP), UNKNOWN, "No byte of the body was sent.", ["Expect: 100-continue, and no 100 came"])
    cap.what = "The head of an Execute has Expect: 100-continue. Nothing comes back, no body follows, and after 20 s the client closes."
    cap.rule = "RFC 9110 10.1.1: who sends Expect waits for a 100 before the body. On one leg it does not show who dropped which."


@case("mapi-ends-expect-device", "the same, and behind the balancer the head has no Expect")
def expect_device(cap):
    two = Two(cap)
    two.exchange("Connect")
    two.exchange()
    outer = expects(two.c)
    two.c.relay(outer, two.server("10.0.0.81:80"), drop=("Expect",), sent=0, note=False)
    cap.wait(20)
    told(cap, UNANSWERED, outer.conn.close(UP), SEEN, "Leg 1 lacks the header.", ["on leg 1 has no Expect any more", "dropped Expect"])
    cap.wait(0.002)
    two.server("10.0.0.81:80").close(UP)
    cap.what = "A balancer passes the head on without Expect and waits for the body; so does the server, and the client waits for a 100."
    cap.rule = "As mapi-ends-expect."


@case("mapi-ends-expect-server", "behind that balancer the server gives up first")
def expect_server(cap):
    two = Two(cap)
    two.exchange("Connect")
    two.exchange()
    outer = expects(two.c)
    two.c.relay(outer, two.server("10.0.0.81:80"), drop=("Expect",), sent=0, note=False)
    cap.wait(120)
    told(cap, UNANSWERED, two.server("10.0.0.81:80").close(DOWN), SEEN, "Leg 0 has the header.", ["this one has not", "dropped Expect"])
    cap.wait(0.002)
    told(cap, UNANSWERED, outer.conn.close(DOWN), SEEN, "Leg 1 lacks the header.", ["on leg 1 has no Expect any more"])
    cap.what = "As mapi-ends-expect-device; HTTP.sys closes after 120 s without a body (its EntityBody time-out)."
    cap.rule = "The server waited for what the balancer kept back."


@case("mapi-ends-expect-408", "a device answers 408 to a body that waits for a 100")
def expect_408(cap):
    c = opened(cap)
    ask = expects(c)
    cap.wait(20)
    frame, ask.frame = ask.frame, 0
    told(cap, HTTP, c.page(ask, "408 Request Timeout"), UNKNOWN, "Its body was never sent.", ["the client waited for a 100"])
    c.conn.fin(DOWN)
    ask.frame = frame
    last = c.conn.fin(UP)
    cap.message(last, c.conn, "server", "Execute", c.request_fields(ask))
    cap.what = "As mapi-ends-expect, and after 20 s a 408 comes."
    cap.rule = "As there: no slow line is to blame."


@case("mapi-ends-expect-crossed", "a head with Expect crosses the end of a kept connection")
def expect_crossed(cap):
    c = opened(cap)
    c.conn.packet(DOWN, 0x11)
    seen = c.conn.seen[DOWN]
    ask = c.ask("Execute", EXECUTE, lines=["Expect: 100-continue"], sent=0, note=False, ack=False)
    assert c.conn.seen[DOWN] == seen and ask
    told(cap, UNANSWERED, c.conn.rst(DOWN), UNKNOWN, "It crossed the FIN.", ["crossed the end"])
    cap.what = "The server closes a kept connection while the client sends a head with Expect on it."
    cap.rule = "No 100 was to be expected any more: nothing is said of Expect."
