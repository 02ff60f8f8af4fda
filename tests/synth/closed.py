"""Samples of ends that do not read: their TCP receive window stays closed (RFC 9293 3.8.6), and of what a capture shows twice.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import mapiscene as m
import mapiwire as w
import rpc
import scene
import wire
from mapi_ends import CLIENT, DEVICE, UNKNOWN, Waiting, chat, foreign_rst, told as said
from mapi_gone import CUT, UNANSWERED
from mapi_verdict import LATE, Two, done, waiting
from mapiscene import DOWN, UP, case
from rpc import Emsmdb
from scene import Leg
from told import CUT as CHANNEL_CUT, UNANSWERED as CALL_UNANSWERED, Told, ask, ready, told, two_legs

PART = b"\0" * 4000


# ---- RPC over HTTP ---------------------------------------------------------------------------

def answer_begins(leg):
    """The first bytes of an answer that does not fit into what the client has room for; returns the rest of it."""
    whole = rpc.response(leg.calls, Emsmdb.DUMMY[0], PART).data
    leg.out.down(whole[:2800])
    return whole[2800:]


@told("rpc-closed-client-cut", "the client does not read OUT for 60 s, the server's end gives it up")
def client_cut(cap):
    leg = ready(cap)
    ask(leg)
    rest = answer_begins(leg)
    leg.out.shut(UP, 60, rest[:1])
    frame = leg.out.rst(DOWN)
    leg.in_.rst(DOWN)
    cap.told(CHANNEL_CUT, frame, CLIENT, "receive window of the client's end was closed", never="a device at or before")
    cap.what = "Outlook hangs: 2.8 KB into an answer the client's window closes, Windows asks with a byte whether it is open, and " \
               "HTTP.sys gives the connection up after a minute (MinSendBytesPerSecond)."
    cap.rule = "Who ended it only gave up on a client that did not read."


@told("rpc-closed-client-idle", "the same where all of the answer fits: 60 s without a byte are no idle time-out")
def client_idle(cap):
    leg = ready(cap)
    leg.out.shut(UP, 60)
    frame = leg.out.fin(DOWN)
    leg.in_.fin(DOWN)
    cap.told(CHANNEL_CUT, frame, CLIENT, "receive window of the client's end was closed")
    cap.what = "The client's window closes behind an answer, and Linux asks without a byte for a minute whether it is open; then the server's end closes."
    cap.rule = "Something was to be sent and could not: that is no idle time, and no time-out of a device."


@told("rpc-closed-client-call", "a call without an answer while the client's window is closed")
def client_call(cap):
    leg = ready(cap)
    ask(leg)
    leg.out.shut(UP, 70)
    frame = leg.in_.up(rpc.ping())
    cap.told(CALL_UNANSWERED, frame, CLIENT, "receive window of the client's end", never="RPC server does not answer")
    leg.in_.rst(UP)
    leg.out.rst(UP)
    cap.what = "No answer to a call for 70 s, but the client's window of OUT is closed, and the server's end asks whether it is open."
    cap.rule = "The answer may wait for the client: nothing speaks against the RPC server."


@told("rpc-closed-server-call", "the server's end does not read IN")
def server_call(cap):
    leg = ready(cap)
    ask(leg)
    leg.in_.shut(DOWN, 70, b"\5")
    frame = leg.out.down(rpc.ping())
    cap.told(CALL_UNANSWERED, frame, UNKNOWN, "receive window of the server's end", "what stands at 10.0.0.81:80 does not read")
    leg.in_.rst(UP)
    leg.out.rst(UP)
    cap.what = "A call has no answer for 70 s, and what stands at the server's address has closed its window of IN."
    cap.rule = "It does not read: a server that hangs, or a device that waits for one. One leg cannot tell which."


@told("rpc-closed-server-behind", "the server behind a balancer does not read IN, calls stay in the balancer")
def server_behind(cap):
    both = two_legs(cap)
    front, back = both.legs
    front.calls += 1
    call = rpc.request(front.calls, *Emsmdb.DUMMY[:2])
    back.in_.window[DOWN] = 0
    back.in_.ack(DOWN)
    front.in_.up(call)
    back.in_.shut(DOWN, 12)
    front.in_.up(rpc.ping())
    back.in_.window[DOWN] = 501
    back.in_.ack(DOWN)
    back.in_.up(call, rpc.ping())
    for leg in (back, front):
        leg.out.down(rpc.response(front.calls, *Emsmdb.DUMMY[::2]))
    both.close()
    cap.what = "The window of the server's end of IN is closed for 12 s; the balancer takes a call meanwhile and passes it on once there is room."
    cap.rule = "The balancer held nothing back: the server took nothing. No buffered."


@told("rpc-closed-answered", "an answer after 70 s into a closed window is acknowledged by nothing and answered all the same")
def answered(cap):
    leg = ready(cap)
    leg.out.window[UP] = 0
    leg.out.ack(UP)
    cap.wait(70)
    ask(leg)
    rest = rpc.response(leg.calls, *Emsmdb.DUMMY[::2])
    for pause in (0.3, 0.6, 1.2, 2.4):
        leg.out.packet(DOWN, 0x18, rest.data[:1])
        leg.out.ack(UP)
        cap.wait(pause)
    leg.out.window[UP] = 501
    leg.out.ack(UP)
    leg.out.down(rest)
    leg.close()
    cap.what = "The client's window closes and stays so for 70 idle seconds; the byte of an answer that asks for room is sent four times, " \
               "and answered each time with an ACK that takes nothing. Then there is room."
    cap.rule = "The way is there, and so is the client: no silent_drop."


# ---- MAPI/HTTP -------------------------------------------------------------------------------

@case("mapi-ends-closed-client", "the client does not read an answer for 60 s, the server's end gives it up")
def mapi_client(cap):
    wait = Waiting(cap)
    wait.front.shut(UP, 60)
    said(cap, CUT, wait.front.rst(DOWN), CLIENT, "The client did not read.", ["receive window of the client's end"])
    chat(cap, wait.behind.close(UP), CLIENT, "The balancer passes that on.")
    wait.go_on()
    cap.what = "The client's window is closed for 60 s under a NotificationWait, and the balancer asks whether it is open; then it resets " \
               "the connection and closes the one behind."
    cap.rule = "The balancer ended it for a client that did not read."


@case("mapi-ends-closed-device", "the balancer does not read an answer, though its client does")
def mapi_device(cap):
    wait = Waiting(cap)
    wait.behind.shut(UP, 60)
    said(cap, CUT, wait.behind.rst(DOWN), DEVICE, "The balancer did not read.", ["though its own client does"])
    said(cap, CUT, wait.front.close(DOWN), DEVICE, "The balancer passes that on.", ["though its own client does"])
    wait.go_on()
    cap.what = "The balancer's window towards the server is closed for 60 s, its client's is not; the server resets that leg."
    cap.rule = "Who does not read is the balancer."


@case("mapi-ends-closed-server", "a request of which the server's end takes no more, until the client leaves")
def mapi_server(cap):
    c = m.Context(m.Outlook(cap))
    c.connect()
    ask = c.ask("Execute", m.execute_body(data=w.RELEASE * 3000), sent=3000, note=False)
    c.conn.shut(DOWN, 45)
    said(cap, UNANSWERED, c.conn.rst(UP), UNKNOWN, "The server's end did not read.", ["what stands at 10.0.0.81:80 does not read"])
    cap.what = "3 KB into a request the window of the server's end closes; the client asks for 45 s whether it is open and leaves."
    cap.rule = "The client waited for somebody who did not read: not its doing, and one leg does not show whose."


@case("mapi-ends-closed-silly", "the client leaves room for 128 bytes at a time, until the server's end gives it up")
def mapi_silly(cap):
    c = m.Context(m.Outlook(cap))
    c.connect()
    ask = c.ask("Execute", m.default_body("Execute"))
    c.begin(ask, cookies=None)
    c.conn.window[UP] = 1
    c.conn.ack(UP)
    data = c.chunk("PENDING\r\n" * 400)
    for index in range(14):
        cap.wait(4)
        c.conn.down(data[index * 128:(index + 1) * 128])
    said(cap, CUT, c.conn.rst(DOWN), CLIENT, "Its window was never as large as a segment.", ["closed or next to it", "56.0 s"])
    cap.what = "A client that hardly reads: its window is 1 (128 bytes after scaling by 7), never 0, and the server fills it every four " \
               "seconds. After 56 s HTTP.sys gives the connection up (MinSendBytesPerSecond)."
    cap.rule = "RFC 1122 4.2.3.3: a receiver offers a segment or nothing. Who offers less for so long does not read."


class ToldMapi(Told, m.MapiCapture):
    """A case of MAPI/HTTP held by its verdicts and lines of the report."""

    def told(self, name, *how, **more):
        super().told(name, *how, **more)
        self.verdicts[-1]["severity"] = m.SEVERITY[name]


def slow(name, title):
    def register(function):
        function.capture = ToldMapi
        return scene.case(name, title)(function)
    return register


@slow("mapi-ends-reset-both-ways", "an RST goes to either end, the client's name first")
def reset_both_ways(cap):
    c = m.Context(m.Outlook(cap))
    c.connect()
    c.ask("Execute", m.default_body("Execute"))
    cap.wait(5)
    cap.told(UNANSWERED, c.conn.rst(UP), CLIENT)
    cap.wait(0.01)
    c.conn.rst(DOWN)
    cap.wait(1)
    cap.lines = {"rows": ["unanswered.*CANNOT TELL: an RST went to either end"], "report": ["where +CANNOT TELL .an RST went to either end"]}
    cap.what = "A request waits for 5 s, then the client's end sends an RST, and 10 ms later the server's. Both fit in TTL and sequence."
    cap.rule = "RFC 9293 3.10.7: no RST answers an RST. One device may have written both, or the client has left: that cannot be told."


@slow("mapi-ends-reset-by-another", "the same, and the second has another TTL than the server's packets")
def reset_by_another(cap):
    wait = Waiting(cap)
    cap.told(CUT + ".chat", wait.front.rst(UP), CLIENT)
    cap.wait(0.01)
    foreign_rst(wait.front)
    cap.told(CUT + ".chat", wait.behind.close(UP), DEVICE)
    wait.go_on()
    cap.lines = {"rows": ["cut.chat.*NETWORK DEVICE"], "no_rows": ["cut.chat.*CLIENT"]}
    cap.what = "A firewall before a balancer resets a NotificationWait both ways. What it writes in the client's name looks like the client's, " \
               "what it writes in the balancer's does not. The balancer passes the end on."
    cap.rule = "Who wrote one wrote both: not the client."


def stamp_early(cap, way, seconds=0.01):
    """A tap whose two ports have clocks of their own: all that goes that way is stamped early. Returns where a frame stands then."""
    clients = {conn.ends[UP][1] for conn in cap.conns}
    rows = sorted((ns - int(seconds * 10**9) * ((int.from_bytes(data[34:36], "big") in clients) == (way == UP)), number)
                  for number, (ns, data) in enumerate(cap.frames))
    cap.frames = [(ns, cap.frames[number][1]) for ns, number in rows]
    places = {number + 1: place for place, (_, number) in enumerate(rows, 1)}
    return lambda frame: places[frame]


@slow("mapi-ends-tap-cut", "a server cuts an answer, captured by a tap that stamps the client early")
def tap_cut(cap):
    c = m.Context(m.Outlook(cap))
    c.connect()
    c.begin(c.ask("Execute", m.default_body("Execute")), cookies=None)
    for _ in range(4):
        cap.wait(3)
        c.conn.down(c.chunk("PENDING\r\n"))
    cap.wait(10)
    frame = c.conn.rst(DOWN)
    cap.told(CUT, stamp_early(cap, UP)(frame), UNKNOWN, never="was not there|went to sleep")
    cap.what = "The server resets a connection under an answer of which the client has acknowledged all; what the client sends is stamped 10 ms early."
    cap.rule = "What the client has acknowledged it was not sent in vain: it was there, and the server's end cut the answer."


@slow("mapi-ends-tap-quiet", "a session in which a password was wrong, captured by a tap that stamps the server early")
def tap_quiet(cap):
    c = m.Context(m.Outlook(cap))
    for wait in (5, 5):
        ask = c.ask("Connect", m.connect_body())
        cap.wait(0.04)
        c.page(ask, "401 Unauthorized", 'WWW-Authenticate: Basic realm="mail.example.test"')
        cap.wait(wait)
    c.connect()
    c.exchange()
    ask = c.ask("Execute", m.default_body("Execute"))
    cap.wait(0.04)
    c.page(ask, "401 Unauthorized", 'WWW-Authenticate: Basic realm="mail.example.test"')
    c.exchange(step=False)
    c.leave()
    c.conn.close(DOWN)
    stamp_early(cap, DOWN)
    cap.what = "Two refusals, a success, another refusal, and the end of the session; what the server sends is stamped 10 ms early, so that answers " \
               "and its FIN stand before what they answer."
    cap.rule = "Nothing: the refusals are not three in a row, and the last request was answered."


@told("rpc-closed-tap-refused", "IN is answered 503 and closed, captured by a tap that stamps the client early")
def tap_refused(cap):
    leg = Leg(cap)
    leg.connect("in").up(rpc.ask_in(target=leg.target))
    frame = leg.in_.down(b"HTTP/1.1 503 Service Unavailable\r\nServer: Microsoft-IIS/10.0\r\nContent-Length: 0\r\n\r\n")
    leg.in_.close(UP)
    cap.told("rpch.channel.refused", stamp_early(cap, UP)(frame), UNKNOWN, "status 503")
    cap.what = "The client closes behind a 503; what it sends is stamped 10 ms early, so that its FIN stands before the 503 that it acknowledges."
    cap.rule = "The channel was refused: the client did not end it before, and no channel is missed."


@slow("mapi-slow-unread", "an answer takes 40 s because the client does not read")
def slow_unread(cap):
    c = m.Context(m.Outlook(cap))
    c.connect()
    ask = c.ask("Execute", m.default_body("Execute"))
    c.begin(ask)
    c.conn.shut(UP, 40)
    c.conn.window[UP] = 501
    c.conn.ack(UP)
    c.end(ask, m.execute_answer(), elapsed=5)
    c.conn.close()
    cap.lines = {"report": ["inferred.: the client did not read", "CLIENT"], "no_report": ["NETWORK .seen", "SERVER"]}
    cap.what = "The client's window is closed for 40 s while the server asks whether it is open; then the rest of the answer passes."
    cap.rule = "RFC 9293 3.8.6: the sender may send when the receiver makes room. Neither network nor server is slow."


@slow("mapi-slow-unread-device", "a request takes 40 s because the balancer does not read it")
def slow_unread_device(cap):
    two = Two(cap)
    two.exchange("Connect")
    two.exchange()
    body = m.execute_body(data=w.RELEASE * 3000)
    outer = two.c.ask("Execute", body, sent=3000)
    outer.conn.shut(DOWN, 40)
    outer.conn.window[DOWN] = 501
    outer.conn.ack(DOWN)
    outer.conn.up(body[3000:])
    inner = two.c.relay(outer, two.server("10.0.0.81:80"))
    two.c.reply(inner, m.execute_answer(), elapsed=5)
    two.c.pass_on(inner, outer)
    two.close()
    cap.lines = {"report": ["NETWORK DEVICE .inferred.: the device did not read", "receive window was closed on leg 0, though"], "no_report": ["NETWORK .seen"]}
    cap.what = "The balancer's window is closed for 40 s under the body of an Execute; then it takes and passes all of it on at once."
    cap.rule = "As mapi-slow-unread: what was slow is who made no room, and the server behind took all."


@told("rpc-slow-unread", "an answer takes 40 s because the client does not read OUT")
def rpc_slow_unread(cap):
    leg = ready(cap)
    ask(leg)
    rest = answer_begins(leg)
    leg.out.shut(UP, 40, rest[:1])
    leg.out.window[UP] = 501
    leg.out.ack(UP)
    leg.out.down(rest)
    leg.close()
    cap.lines = {"report": ["inferred.: the client did not read", "CLIENT"], "no_report": ["NETWORK .seen"]}
    cap.what = "2.8 KB into an answer the client's window closes for 40 s; then the rest passes."
    cap.rule = "As mapi-slow-unread."


@case("mapi-verdict-pending-span", "62 seconds without PENDING, every frame twice")
def pending_span(cap):
    cap.span = "same"
    c, n = waiting(cap)
    cap.wait(30)
    c.more(n, "PENDING\r\n")
    cap.wait(62)
    frame = c.more(n, "PENDING\r\n")
    cap.item(LATE, frame, "62 seconds of silence; X-PendingPeriod is 30.", ["62", "30"])
    done(c, n)
    cap.what = "mapi-verdict-pending-silence on a mirror port that shows every frame twice."
    cap.rule = "A copy was not sent again: it explains no silence."


# ---- IP fragments ------------------------------------------------------------------------------

def tear(cap, mark):
    """The frame with these bytes becomes two IP fragments."""
    number = next(at for at, (_, data) in enumerate(cap.frames) if mark in data)
    ns, data = cap.frames[number]
    cap.frames[number:number + 1] = [(ns, piece) for piece in wire.fragments(data)]


@told("rpc-torn-request", "the request of IN comes in two IP fragments")
def torn_request(cap):
    leg = Leg(cap)
    leg.connect("in").up(rpc.ask_in())
    tear(cap, b"RPC_IN_DATA")
    leg.connect("out").up(rpc.ask_out())
    leg.out.up(rpc.conn_a1(leg.c))
    leg.in_.up(rpc.conn_b1(leg.c))
    leg.out.down(rpc.success(), rpc.conn_a3())
    cap.wait(1)
    leg.out.close()
    leg.in_.close()
    cap.lines = {"rows": [r"in IP fragments, not followed"]}
    cap.what = "A tunnel with a short MTU tears the first segment of IN, which is not followed; the client closes both."
    cap.rule = "IN was there: no lone that says that the client gave up before it opened IN."


@told("rpc-torn-stranger", "another client's request comes in two IP fragments")
def torn_stranger(cap):
    web = cap.connect("10.9.0.22", "10.0.0.81:80")
    web.up(b"GET /owa/ HTTP/1.1\r\nHost: mail.example.test\r\n\r\n")
    tear(cap, b"GET /owa/")
    web.close()
    leg = Leg(cap)
    leg.connect("out").up(rpc.ask_out(), rpc.conn_a1(leg.c))
    leg.out.down(rpc.success(), rpc.conn_a3())
    cap.wait(4)
    frame = leg.out.close()
    cap.told("rpch.channel.lone", frame, CLIENT, "OUT")
    cap.what = "What a client behind a tunnel sends to the server is torn, and not followed; another client opens OUT alone."
    cap.rule = "Nothing of the other client was torn."


# ---- One direction that was not captured, or written late ----------------------------------------

def port_of(data):
    return int.from_bytes(data[34:36], "big")


def hide_client(cap, conn):
    """What the client has sent on this connection so far was not captured."""
    cap.frames = [(ns, data) for ns, data in cap.frames if port_of(data) != conn.ends[UP][1]]


def late_client(cap, conn):
    """What the client has sent on this connection so far is written behind all else, as by a card of many queues."""
    late = [row for row in cap.frames if port_of(row[1]) == conn.ends[UP][1]]
    hide_client(cap, conn)
    cap.frames += late


def refused_out(cap):
    """OUT is refused, and the client closes both; it has not closed IN yet."""
    leg = Leg(cap)
    leg.connect("in").up(rpc.ask_in())
    leg.connect("out").up(rpc.ask_out())
    leg.out.down(rpc.page(404, "Not Found"))
    leg.out.close(DOWN)
    return leg


@told("rpc-half-refused", "OUT is refused, and its client's direction was not captured")
def half_refused(cap):
    leg = refused_out(cap)
    hide_client(cap, leg.out)
    cap.wait(1)
    leg.in_.close()
    cap.lines = {"rows": [r"its request's direction not captured"]}
    cap.what = "The server refuses OUT; of that connection only the server's end was captured. The client closes IN."
    cap.rule = "OUT was there: no lone that says that the client gave up before it opened OUT."


@told("rpc-half-stranger", "another client's direction was not captured")
def half_stranger(cap):
    leg = Leg(cap)
    leg.connect("in").up(rpc.ask_in(), rpc.conn_b1(leg.c))
    web = cap.connect("10.9.0.22", "10.0.0.81:80")
    web.up(b"GET /owa/ HTTP/1.1\r\nHost: mail.example.test\r\n\r\n")
    web.down(rpc.page(404, "Not Found"))
    web.close()
    hide_client(cap, web)
    cap.wait(4)
    frame = leg.in_.close()
    cap.told("rpch.channel.lone", frame, CLIENT, "no OUT channel")
    cap.what = "A client opens IN alone; what another one sends to the same server was not captured."
    cap.rule = "Nothing of the first client is missing."


@told("rpc-half-late", "what the client sends to another page is written behind the answer")
def half_late(cap):
    leg = Leg(cap)
    leg.connect("in").up(rpc.ask_in(), rpc.conn_b1(leg.c))
    web = cap.connect("10.0.0.21", "10.0.0.81:80")
    web.up(b"GET /owa/ HTTP/1.1\r\nHost: mail.example.test\r\n\r\n")
    web.down(rpc.page(404, "Not Found"))
    web.close()
    late_client(cap, web)
    cap.wait(4)
    frame = leg.in_.close()
    cap.told("rpch.channel.lone", frame, CLIENT, "no OUT channel")
    cap.what = "As rpc-half-refused, with a page in place of OUT, and the client's direction comes after all."
    cap.rule = "Once both directions were seen nothing is missing: it was no OUT."


@told("rpc-answer-before", "the answer to a GET behind OUT stands before that GET")
def answer_before(cap):
    leg = Leg(cap)
    leg.connect("in").up(rpc.ask_in(chunked=True))
    leg.connect("out").up(rpc.ask_out())
    leg.out.up(rpc.conn_a1(leg.c))
    leg.in_.up(rpc.chunk(rpc.conn_b1(leg.c)))
    leg.out.down(rpc.success("Transfer-Encoding: chunked", length=None), rpc.chunk(rpc.conn_a3()),
                 rpc.chunk(rpc.conn_c2()), rpc.LAST_CHUNK)
    leg.out.up(rpc.head("GET", "/owa/", "Host: mail.example.test"), ack=False)
    asked = cap.frames.pop()
    leg.out.down(rpc.page(404, "Not Found"), ack=False)
    cap.frames.append(asked)
    leg.close()
    cap.what = "OUT's response ends, and a GET on its connection gets 404. The client's direction is written late: the 404 " \
               "stands before the GET, which its ACK covers."
    cap.rule = "The 404 answers what the capture did not have yet: OUT was not refused."


@told("rpc-answer-body", "the answer to OUT stands before CONN/A1")
def answer_body(cap):
    leg = Leg(cap)
    leg.connect("in").up(rpc.ask_in())
    leg.in_.up(rpc.conn_b1(leg.c))
    leg.connect("out").up(rpc.ask_out())
    leg.out.up(rpc.conn_a1(leg.c), ack=False)
    body = cap.frames.pop()
    frame = leg.out.down(rpc.page(404, "Not Found"), ack=False)
    cap.frames.append(body)
    cap.told("rpch.channel.refused", frame, UNKNOWN, "404")
    leg.out.close(DOWN)
    leg.in_.close()
    cap.what = "The 404 to OUT covers CONN/A1, which is written late."
    cap.rule = "What the capture lacks is no more than the body of that request: it is what the 404 refuses."


@told("rpc-hole-opening", "two captures of one place, joined, with two minutes between them")
def hole_opening(cap):
    leg = ready(cap)
    del cap.frames[13:]
    cap.wait(120)
    leg.call(Emsmdb.CONNECT)
    leg.close()
    cap.what = "The first capture ends behind CONN/A1 and CONN/B1; the second begins in the middle of a session on the same connections."
    cap.rule = "Nothing was captured in between, and the first frame behind it shows a gap: no rpch.channel.no_pdu."
