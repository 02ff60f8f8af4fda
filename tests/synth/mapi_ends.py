"""Samples of ends and answers whose author is another than it seems: an RST that a device wrote in the server's name, two
capture points with two clocks, a client that is not there any more, a client that connects anew elsewhere.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import functools

import mapiscene as m
from mapi_gone import CUT, UNANSWERED, users, waits
from mapi_verdict import CODE, EXCHANGE, EXECUTE, EXPIRED, HTTP, Two, opened
from mapiscene import DOWN, UP, Context, Outlook, case
from wire import ACK, RST

DEVICE, SEEN, CLIENT, UNKNOWN = "NETWORK DEVICE (inferred)", "NETWORK DEVICE (seen)", "CLIENT (inferred)", "CANNOT TELL"
WAIT = m.default_body("NotificationWait")


def told(cap, name, frame, where, why, contains=()):
    cap.item(name, frame, why, contains)
    cap.items[-1]["where"] = where


def chat(cap, frame, where, why, contains=()):
    told(cap, CUT + ".chat", frame, where, why, contains)


def foreign_rst(conn, way=DOWN):
    """By a device that stands nearer than the end in whose name it writes."""
    usual, conn.ttl = conn.ttl, (250, 250)
    frame = conn.rst(way)
    conn.ttl = usual
    return frame


class Waiting:
    """Both legs of a NotificationWait under way, on connections of its own, with three PENDING."""

    def __init__(self, cap):
        self.cap, self.two = cap, Two(cap)
        self.two.exchange("Connect")
        self.two.exchange()
        c = self.two.c
        self.own, c.conn = c.conn, c.outlook.open()
        self.outer = c.ask("NotificationWait", WAIT, counter=1, step=False)
        self.inner = c.relay(self.outer, cap.connect("10.0.0.70", "10.0.0.81:80"))
        for ask in (self.inner, self.outer):
            c.begin(ask, cookies=None)
        for _ in range(3):
            cap.wait(30)
            for ask in (self.inner, self.outer):
                c.more(ask, "PENDING\r\n")
        cap.wait(10)
        self.front, self.behind = self.outer.conn, self.inner.conn

    def go_on(self):
        """The client asks on, on its other connection."""
        self.two.c.conn = self.own
        self.two.exchange()
        self.two.close()


@case("mapi-ends-foreign-behind", "an RST between balancer and server that the server did not write")
def foreign_behind(cap):
    wait = Waiting(cap)
    frame = foreign_rst(wait.behind)
    cap.wait(0.005)
    told(cap, CUT, frame, DEVICE, "Its TTL is none of the server's.", ["TTL"])
    told(cap, CUT, wait.front.close(DOWN), DEVICE, "The balancer passes on what that device did.", ["passed that on", "TTL"])
    wait.go_on()
    cap.what = "A firewall between balancer and server resets a NotificationWait in the server's name; 5 ms later the balancer " \
               "closes the client's connection."
    cap.rule = "The leg behind was not ended by its server, so the server is not to blame on the leg before, either."


@case("mapi-ends-foreign-unanswered", "the same under a request without an answer")
def foreign_unanswered(cap):
    two = Two(cap)
    two.exchange("Connect")
    two.exchange()
    outer = two.c.ask("Execute", EXECUTE)
    inner = two.c.relay(outer, two.server("10.0.0.81:80"))
    cap.wait(3)
    told(cap, UNANSWERED, foreign_rst(inner.conn), DEVICE, "Its TTL is none of the server's.", ["TTL"])
    told(cap, UNANSWERED, outer.conn.close(DOWN), DEVICE, "The balancer passes that on.", ["passed that on", "TTL"])
    cap.what = "As mapi-ends-foreign-behind, under an Execute that has no answer yet."
    cap.rule = "As there."


@case("mapi-ends-foreign-front", "an RST between client and balancer that the balancer did not write")
def foreign_front(cap):
    wait = Waiting(cap)
    told(cap, CUT, foreign_rst(wait.front), DEVICE, "Its TTL is none of the balancer's.", ["TTL"])
    cap.wait(0.005)
    chat(cap, wait.behind.rst(UP), DEVICE, "The balancer passes on what that device did.", ["passes on"])
    wait.go_on()
    cap.what = "A firewall between client and balancer resets a NotificationWait in the balancer's name, and the balancer " \
               "resets the leg behind."
    cap.rule = "That the leg behind was still open does not make the balancer the author of an RST that is none of its own."


@case("mapi-ends-foreign-many", "a firewall resets requests of three sessions in the server's name")
def foreign_many(cap):
    found = users(cap)
    asks = [c.ask("Execute", EXECUTE) for c in found]
    cap.wait(1)
    for ask in asks:
        told(cap, UNANSWERED, foreign_rst(ask.conn), DEVICE, "Its TTL is none of the server's.", ["TTL"])
    cap.wait(20)
    found[0].conn = found[0].outlook.open()
    found[0].exchange(step=False)
    found[0].conn.close()
    cap.what = "Three connections of three sessions to one server are reset within a millisecond, by RSTs with another TTL " \
               "than the server's. 20 s later it answers on a new connection."
    cap.rule = "No server_gone: who wrote these is not the server, and nothing says that the server stopped."


@case("mapi-ends-client-rst", "the client resets a NotificationWait, the balancer passes it on")
def client_rst(cap):
    wait = Waiting(cap)
    chat(cap, wait.front.rst(UP), CLIENT, "The client did not wait.")
    cap.wait(0.005)
    chat(cap, wait.behind.rst(UP), CLIENT, "The client of the leg before had left.")
    wait.go_on()
    cap.what = "Outlook resets the connection of its NotificationWait, and 5 ms later the balancer the one behind."
    cap.rule = "As with a FIN: who left first was the client."


@case("mapi-ends-device-rst", "the balancer resets both legs of a NotificationWait")
def device_rst(cap):
    wait = Waiting(cap)
    told(cap, CUT, wait.front.rst(DOWN), SEEN, "The leg behind is still open.", ["still open"])
    cap.wait(0.005)
    chat(cap, wait.behind.rst(UP), SEEN, "It ended the leg before, too.", ["ended the leg before itself"])
    wait.go_on()
    cap.what = "A balancer's time-out: it resets the client's connection, and 5 ms later the one behind."
    cap.rule = "It was the first on both."


SWEEPER = b"BIG-IP: [0x2409ad0:5163] Flow expired (sweeper)"


def with_reason(name, title, way, what, rule, waits=True):
    @case(f"mapi-ends-reason{name}", title)
    def build(cap):
        c = m.Context(m.Outlook(cap))
        c.connect()
        c.exchange()
        own, c.conn = c.conn, c.outlook.open()
        if waits:
            c.begin(c.ask("NotificationWait", WAIT, counter=1, step=False), cookies=None)
            for _ in range(3):
                cap.wait(30)
                c.conn.down(c.chunk("PENDING\r\n"))
        else:
            c.ask("Execute", EXECUTE)
        cap.wait(10)
        frame = c.conn.packet(way, RST | ACK, SWEEPER)
        told(cap, CUT if waits else UNANSWERED, frame, DEVICE, "Its text is a BIG-IP's.", ["Flow expired (sweeper)", "text in it"])
        c.conn = own
        c.exchange(step=waits)
        c.conn.close()
        cap.what, cap.rule = what, rule


REASON = "What an RST carries is none of the stream (RFC 9293 3.5.3), and neither Windows nor Exchange writes any."
with_reason("", "a BIG-IP resets a NotificationWait, with its reason", DOWN,
            "The idle time-out of a BIG-IP ends a NotificationWait between two PENDING; its RST says so.", REASON)
with_reason("-client", "the same in the client's name", UP, "The same, captured between the BIG-IP and the server.",
            f"{REASON} So the client did not leave.")
with_reason("-unanswered", "a BIG-IP resets a request without an answer, in the client's name", UP,
            "Captured between a BIG-IP and the server: an Execute has no answer for 10 s, then the BIG-IP resets the connection.",
            f"{REASON} So the client did not leave.", waits=False)


def stamp_late(cap, conns, seconds):
    """The frames of those connections are stamped that much later, and all are sorted by time. Notes of frames follow."""
    ports = {conn.ends[UP][1] for conn in conns}
    first = {}
    rows = []
    for number, (ns, data) in enumerate(cap.frames):
        both = {int.from_bytes(data[34:36], "big"), int.from_bytes(data[36:38], "big")}
        first.setdefault(max(both), number + 1)
        late = both & ports
        rows.append((ns + (int(seconds * 10**9) if late else 0), number))
    rows.sort()
    cap.frames = [(ns, cap.frames[number][1]) for ns, number in rows]
    places = {number + 1: place for place, (_, number) in enumerate(rows, 1)}
    for item in cap.items:
        item["frame"] = places[item["frame"]]
    cap.why = [(places[frame], *rest) for frame, *rest in cap.why]
    for row in cap.messages:
        row.update(frame=places[row["frame"]], fields={})    # of which leg and session it is, another clock may hide
    for stream, conn in enumerate(sorted(cap.conns, key=lambda conn: places[first[conn.ends[UP][1]]])):
        conn.stream = stream


def one_session(cap, **legs):
    """What came last on each of these connections is of one session, and of that leg: front=(connection, leg). None: a leg
    that later passes alone can tell."""
    for conn, leg in legs.values():
        last = max((row for row in cap.messages if row["stream"] is conn), key=lambda row: row["frame"])
        last["fields"] = {"mapihttp.session": "0", **({} if leg is None else {"mapihttp.leg": str(leg)})}


@case("mapi-ends-clock-cut", "a server ends the leg behind, whose capture has a later clock")
def clock_cut(cap):
    wait = Waiting(cap)
    frame = wait.behind.rst(DOWN)
    cap.wait(0.005)
    told(cap, CUT, frame, UNKNOWN, "On its leg nothing else shows.")
    told(cap, CUT, wait.front.close(DOWN), UNKNOWN, "The leg behind seems to be open still; by its clock it is.")
    wait.go_on()
    stamp_late(cap, [wait.behind, *wait.two.servers.values()], 0.5)
    cap.what = "The server resets a NotificationWait, and the balancer passes it on. The capture behind the balancer was merged in, " \
               "and its clock is 0.5 s late."
    cap.rule = "Answers before the balancer stand before their requests behind it: what ended first cannot be told by these times."


@case("mapi-ends-clock-status", "Exchange answers 500 on the leg behind, whose capture has a later clock")
def clock_status(cap):
    two = Two(cap)
    two.exchange("Connect")
    two.exchange()
    outer = two.c.ask("Execute", EXECUTE)
    inner = two.c.relay(outer, two.server("10.0.0.81:80"))
    cap.wait(2)
    for frame in (two.c.page(inner, "500 Internal Server Error", *EXCHANGE), two.c.page_on(inner, outer)):
        told(cap, HTTP, frame, "SERVER (inferred)", "Exchange wrote it, by X-FEServer.", ["Exchange"])
    two.exchange()
    two.close()
    stamp_late(cap, list(two.servers.values()), 0.3)
    one_session(cap, front=(two.c.conn, 0), behind=(two.server("10.0.0.81:80"), 1))
    cap.what = "As mapi-verdict-http-both-legs, but the clock behind the balancer is 0.3 s late."
    cap.rule = "That the leg behind has no such answer yet proves nothing by that clock."


def given_up_early(name, title, seconds, add, what, words="which leg is in front does not show", legs=(1, 0)):
    @case(name, title)
    def build(cap):
        two = Two(cap)
        two.c.relay = functools.partial(two.c.relay, add=add)
        two.exchange("Connect")
        two.exchange()
        outer = two.c.ask("Execute", EXECUTE)
        inner = two.c.relay(outer, two.server("10.0.0.81:80"))
        cap.wait(30)
        told(cap, UNANSWERED, inner.conn.close(UP), UNKNOWN, "Whether the client or the device did not wait does not show.",
             [words])
        told(cap, HTTP, two.c.page(outer, "504 Gateway Timeout"), DEVICE, "Its page is a gateway's.", ["504"])
        two.exchange()
        two.close()
        stamp_late(cap, list(two.servers.values()), -seconds)
        one_session(cap, front=(two.c.conn, legs[0]), behind=(inner.conn, legs[1]))
        cap.what = f"A balancer gives up after 30 s and answers 504 itself. The clock behind it is {seconds} s slow, so all that " \
                   f"it sends on stands before what it got. {what}"
        cap.rule = "Who closed first behind the balancer is not the client, though no leg stands before that one in the capture."


given_up_early("mapi-ends-clock-early", "the leg behind stands first, and its device gives up", 2, (),
               "No header says what came through it.")
given_up_early("mapi-ends-clock-early-50ms", "the same by 50 ms, with X-Forwarded-For", 0.05, ("x-forwarded-for: 10.0.0.21",),
               "X-Forwarded-For names the client of the other leg.", "the client of this leg is the device at 10.0.0.70", (0, 1))
given_up_early("mapi-ends-clock-early-hour", "the same by an hour, with X-Forwarded-For", 3600, ("x-forwarded-for: 10.0.0.21",),
               "X-Forwarded-For names the client of the other leg; whether that is in the capture is not known before it comes.",
               "by X-Forwarded-For", (0, None))


@case("mapi-ends-clock-later-proven", "the client gives up, the leg behind has a later clock, X-Forwarded-For tells which it is")
def later_proven(cap):
    two = Two(cap)
    two.exchange("Connect")
    two.exchange()
    outer = two.c.ask("Execute", EXECUTE)
    inner = two.c.relay(outer, two.server("10.0.0.81:80"))
    cap.wait(20)
    told(cap, UNANSWERED, outer.conn.close(UP), CLIENT, "The leg behind names it: it is the client.", ["did not wait any longer"])
    cap.wait(0.002)
    inner.conn.close(UP)
    stamp_late(cap, list(two.servers.values()), 0.5)
    cap.what = "The client gives up after 20 s. The clock behind the balancer is 0.5 s fast."
    cap.rule = "Times prove nothing, but X-Forwarded-For does: the leg without it is the client's."


@case("mapi-ends-forwarded-given-up", "behind a balancer alone: its end of the connection closes under a request")
def forwarded_given_up(cap):
    c = Context(Outlook(cap, address="10.0.0.70"))
    forwarded = {"lines": ("X-Forwarded-For: 10.0.0.21",)}
    ask = c.ask("Connect", m.connect_body(), **forwarded)
    cap.wait(0.004)
    c.reply(ask, m.connect_answer())
    c.ask("Execute", EXECUTE, **forwarded)
    cap.wait(30)
    told(cap, UNANSWERED, c.conn.close(UP), UNKNOWN, "A balancer is the client here.", ["by X-Forwarded-For"])
    cap.what = "A capture of the server's side: requests with X-Forwarded-For, and the end that sent the last one closes after 30 s."
    cap.rule = "The balancer gave up, or its client did and it passes that on: the client is not to blame for what it may not have done."


@case("mapi-ends-retried-outside", "Exchange's 500 came from a server outside the capture")
def retried_outside(cap):
    two = Two(cap)
    two.exchange("Connect")
    two.exchange()
    outer = two.c.ask("Execute", EXECUTE)
    two.c.relay(outer, two.server("10.0.0.81:80"))
    cap.wait(10)
    told(cap, HTTP, two.c.page(outer, "500 Internal Server Error", "X-FEServer: EX2", "X-BEServer: EX2"), "SERVER (inferred)",
         "Exchange wrote it, by X-BEServer.", ["Exchange"])
    two.close()
    cap.what = "The balancer gives up the first server after 10 s and asks another, which was not captured: that one answers 500."
    cap.rule = "No device writes X-BEServer: the page is Exchange's, although the leg behind has the request and no answer."


def unheard(conn, data, times=4):
    """Sent, and again after each time-out; returns the first frame."""
    frame = conn.push(DOWN, data)
    for index in range(times):
        conn.cap.wait(0.3 * 2 ** index)
        conn.again(DOWN)
    return frame


@case("mapi-ends-asleep", "a laptop falls asleep within a NotificationWait, its server gives up")
def asleep(cap):
    c = opened(cap)
    c.conn = c.outlook.open()
    ask = c.ask("NotificationWait", WAIT, counter=1, step=False)
    c.begin(ask)
    for _ in range(2):
        cap.wait(30)
        c.more(ask, "PENDING\r\n")
    cap.wait(30)
    unheard(c.conn, c.chunk("PENDING\r\n"))
    cap.wait(5)
    chat(cap, c.conn.rst(DOWN), UNKNOWN, "PENDING was sent five times, and no packet of the client came.", ["was sent again"])
    cap.what = "The third PENDING is sent again four times without an ACK, then the server resets the connection."
    cap.rule = "No response was cut: nobody took it. Why the client is not there does not show."


@case("mapi-ends-site-down", "the line to three clients fails, and their server resets them together")
def site_down(cap):
    found = users(cap)
    asks = [waits(c) for c in found]
    cap.wait(30)
    for c, ask in zip(found, asks):
        ask.conn.push(DOWN, c.chunk("PENDING\r\n"))
    for index in range(4):
        cap.wait(0.3 * 2 ** index)
        for ask in asks:
            ask.conn.again(DOWN)
    cap.wait(5)
    for ask in asks:
        chat(cap, ask.conn.rst(DOWN), UNKNOWN, "No packet of that client came since.", ["was sent again"])
    cap.wait(100)
    found[0].conn = found[0].outlook.open()
    found[0].exchange()
    found[0].conn.close()
    cap.what = "A line fails: PENDING to three clients of it is sent again four times each, and all are reset within a millisecond."
    cap.rule = "No server_gone: the server ended them because nobody was there."


@case("mapi-ends-half-head", "the connection ends within the head of a response")
def half_head(cap):
    c = opened(cap)
    ask = c.ask("Execute", EXECUTE)
    cap.wait(0.1)
    first = ask.conn.down(b"HTTP/1.1 200 OK\r\nCache-Control: priv")
    cap.wait(5)
    told(cap, UNANSWERED, ask.conn.close(DOWN), UNKNOWN, "The head has begun and is not whole.", [f"from frame {first} on"])
    cap.what = "The server's end closes behind the first two lines of a response."
    cap.rule = "That no byte of a response came would be wrong."


@case("mapi-ends-given-up", "a request that the client gave up by FIN, and the next one elsewhere")
def given_up(cap):
    c = opened(cap, 2)
    ask, old = c.ask("Execute", EXECUTE), c.conn
    cap.wait(20)
    told(cap, UNANSWERED, old.fin(UP), CLIENT, "The client did not wait any longer.")
    cap.wait(0.2)
    c.conn = c.outlook.open()
    second = c.ask("Execute", EXECUTE)
    cap.wait(0.5)
    c.reply(ask, m.execute_answer())
    old.rst(UP)
    c.reply(second, m.execute_answer())
    c.leave()
    c.conn.close()
    cap.what = "After 20 s the client closes the connection of an Execute and asks the next on another; then the first is answered."
    cap.rule = "As with RST: it is told that the client did not wait. Two requests at a time are the same matter."


@case("mapi-ends-connects-elsewhere", "refused, the client closes its only connection and connects anew on another")
def connects_elsewhere(cap):
    c = opened(cap, 2)
    ask = c.ask("Execute", EXECUTE)
    refused = c.reply(ask, code=10)
    told(cap, CODE, refused, UNKNOWN, "Code 10.", ["10"])
    cap.wait(0.05)
    c.conn.close()
    cap.wait(0.1)
    c.conn, c.cookies = c.outlook.open(), {}
    frame = c.connect().frame
    cap.item(EXPIRED, frame, "It connects anew at once.", ["connects anew"])
    c.work(1)
    c.leave()
    c.conn.close()
    cap.what = "Execute is refused with code 10. The client closes the connection, opens another 100 ms later and connects anew."
    cap.rule = "As mapi-verdict-reconnected: on which connection it connects anew does not matter."
