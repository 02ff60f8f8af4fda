"""Samples of responses whose framing is whole and whose body lacks DONE (MS-OXCMAPIHTTP 2.2.7): somebody on the way frames
bodies anew, and broke off.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import mapiscene as m
from mapi_ends import SEEN, UNKNOWN, WAIT, stamp_late, told
from mapi_gone import CUT
from mapi_verdict import EXECUTE, HTTP, Two, opened
from mapiscene import DOWN, UP, case

SERVER = "SERVER (seen)"
END = b"0\r\n\r\n"


def over(ask, data=END, conn=None):
    """The last chunk, without DONE before it."""
    frame = (conn or ask.conn).down(data)
    ask.context.answered(ask, frame, 0)
    return frame


def waiting(c, conn=None):
    """A NotificationWait with two PENDING, on a connection of its own."""
    ask = c.ask("NotificationWait", WAIT, counter=1, step=False, conn=conn or c.outlook.open())
    c.begin(ask, cookies=None)
    for _ in range(2):
        c.cap.wait(30)
        c.more(ask, "PENDING\r\n")
    return ask


class Waiting:
    """Both legs of it."""

    def __init__(self, cap):
        self.two = Two(cap)
        self.two.exchange("Connect")
        self.two.exchange()
        c = self.two.c
        self.outer = c.ask("NotificationWait", WAIT, counter=1, step=False, conn=c.outlook.open())
        self.inner = c.relay(self.outer, cap.connect("10.0.0.70", "10.0.0.81:80"))
        for ask in (self.inner, self.outer):
            c.begin(ask, cookies=None)
        for _ in range(2):
            cap.wait(30)
            for ask in (self.inner, self.outer):
                c.more(ask, "PENDING\r\n")

    def leave(self, *conns):
        m.close(*conns)
        self.two.exchange()
        self.two.close()


@case("mapi-ends-undone-chunks", "the last chunk behind PENDING")
def chunks(cap):
    c = opened(cap)
    ask = waiting(c)
    cap.wait(20)
    told(cap, CUT, over(ask), UNKNOWN, "The last chunk came, DONE did not.", ["in order", "PENDING", "without DONE", "20"])
    m.close(ask.conn)
    c.exchange()
    c.conn.close()
    cap.what = "A NotificationWait is ended by its last chunk 20 s after a PENDING, without DONE."
    cap.rule = "MS-OXCMAPIHTTP 2.2.7: DONE stands before the body of the request type. The connection did not break, so nothing " \
               "else tells of it; on one leg it may be the server or a device."


@case("mapi-ends-undone-length", "Content-Length of PROCESSING alone")
def length(cap):
    c = opened(cap)
    ask = c.ask("Execute", EXECUTE)
    cap.wait(2)
    told(cap, CUT, c.reply(ask, raw=b"PROCESSING\r\n", length=True, cookies=None), UNKNOWN, "All of it came, and no DONE.",
         ["Content-Length", "PROCESSING"])
    c.exchange()
    c.conn.close()
    cap.what = "A device that collects responses hands on 12 bytes with a Content-Length of its own: PROCESSING."
    cap.rule = "As mapi-ends-undone-chunks."


@case("mapi-ends-undone-empty", "code 0 and no body at all")
def empty(cap):
    c = opened(cap)
    ask = c.ask("Execute", EXECUTE)
    cap.wait(2)
    told(cap, CUT, c.reply(ask, raw=b"", length=True, cookies=None), UNKNOWN, "Not even PROCESSING.", ["without a body"])
    ask = c.ask("Execute", EXECUTE, method="HEAD", step=False)
    c.reply(ask, raw=b"", length=True, cookies=None)
    c.exchange()
    c.conn.close()
    cap.what = "X-ResponseCode 0, Content-Length 0. Then the same to HEAD."
    cap.rule = "A response of code 0 has at least PROCESSING and DONE; one to HEAD has no body (RFC 9110 9.3.2)."


@case("mapi-ends-undone-open", "the end of the connection behind PENDING")
def until_close(cap):
    c = opened(cap)
    ask = c.ask("Execute", EXECUTE, conn=c.outlook.open())
    head = c._head(ask, 0, "application/mapi-http", None, (), ())
    ask.conn.down(("\r\n".join([*head, "", ""]) + "PROCESSING\r\nPENDING\r\n").encode())
    ask.success, ask.code, ask.keeps = True, 0, False
    cap.wait(60)
    frame = ask.conn.fin(DOWN)
    ask.conn.fin(UP)
    told(cap, CUT, frame, UNKNOWN, "FIN is its framing, and DONE is missing.", ["with its connection", "60"])
    c.answered(ask, frame, 0)
    c.exchange()
    c.conn.close()
    cap.what = "A response without a length, as old proxies frame it; its connection ends behind PENDING."
    cap.rule = "Such a body lasts until FIN, which says nothing of whether it is whole; DONE does."


@case("mapi-ends-undone-device", "a balancer ends a response that goes on behind it")
def device(cap):
    w = Waiting(cap)
    cap.wait(5)
    told(cap, CUT, over(w.outer), SEEN, "The leg behind goes on.", ["still open"])
    cap.wait(20)
    w.two.c.more(w.inner, "PENDING\r\n")
    cap.wait(2)
    w.inner.context.end(w.inner, m.default_answer("NotificationWait"))
    w.leave(w.outer.conn, w.inner.conn)
    cap.what = "65 s after the request the balancer ends its client's response by a last chunk. The server goes on and is done " \
               "22 s later."
    cap.rule = "Both legs are whole: the device ended it."


@case("mapi-ends-undone-whole-behind", "a balancer passes a response on without its end")
def whole_behind(cap):
    w = Waiting(cap)
    cap.wait(2)
    w.inner.context.end(w.inner, m.default_answer("NotificationWait"))
    cap.wait(0.002)
    told(cap, CUT, over(w.outer), SEEN, "The leg behind has DONE.", ["has it complete"])
    w.leave(w.outer.conn, w.inner.conn)
    cap.what = "The server is done; what reaches the client ends behind PENDING."
    cap.rule = "The leg behind has what this one lacks: the device between dropped it."


@case("mapi-ends-undone-server-cut", "a server breaks off, the balancer makes it look whole")
def server_cut(cap):
    w = Waiting(cap)
    cap.wait(5)
    told(cap, CUT, w.inner.conn.rst(DOWN), UNKNOWN, "The server's RST within its response.")
    cap.wait(0.002)
    told(cap, CUT, over(w.outer), SERVER, "The balancer made an end of that.", ["was ended by its server"])
    w.leave(w.outer.conn)
    cap.what = "The server resets the connection of a NotificationWait; the balancer ends its client's response by a last chunk."
    cap.rule = "Who broke off shows on the leg behind."


@case("mapi-ends-undone-both", "no DONE on either leg")
def both(cap):
    w = Waiting(cap)
    cap.wait(5)
    told(cap, CUT, over(w.inner), UNKNOWN, "It ends in order, without DONE.")
    cap.wait(0.002)
    told(cap, CUT, over(w.outer), UNKNOWN, "As on the leg behind.", ["leg 1 shows the same"])
    w.leave(w.outer.conn, w.inner.conn)
    cap.what = "The same end without DONE on both legs of a balancer."
    cap.rule = "The balancer passed it on; the server or what stands before it is not told apart by this capture."


@case("mapi-ends-undone-gap", "a segment is missing in which DONE may have stood")
def gap(cap):
    c = opened(cap)
    ask = waiting(c)
    cap.wait(20)
    data = c.chunk(c.tail(20000).encode() + m.default_answer("NotificationWait"))
    ask.conn.send(DOWN, data, captured=False)
    ask.conn.down(END)
    cap.message(ask.conn.close() + 2, ask.conn, "client", "NotificationWait", {})
    c.exchange()
    c.conn.close()
    cap.what = "The chunk with DONE was not captured, the last chunk was."
    cap.rule = "What was not captured proves nothing."


@case("mapi-ends-undone-released", "a server ends a NotificationWait at Disconnect")
def released(cap):
    c = opened(cap)
    waits = [waiting(c) for _ in range(2)]
    cap.wait(1)
    c.leave()
    over(waits[0])
    cap.message(waits[1].conn.rst(DOWN), waits[1].conn, "client", "NotificationWait", {})
    m.close(waits[0].conn, c.conn)
    cap.what = "After Disconnect the server ends one NotificationWait by a last chunk without DONE, another by RST."
    cap.rule = "The context is released: nobody waits for these. Silent."


# ---- clocks that differ by less than a request takes -----------------------------------------------

def slowly_opened(cap):
    """A session whose Connect takes 10 ms to come through the balancer."""
    two = Two(cap)
    outer = two.c.ask("Connect", m.connect_body())
    inner = two.c.relay(outer, two.server("10.0.0.81:80"))
    cap.wait(1)
    two.c.reply(inner, m.connect_answer())
    cap.wait(0.01)
    two.c.pass_on(inner, outer)
    cap.wait(1)
    return two


def page_both(two, wait, status="503 Service Unavailable", lines=("Server: Microsoft-HTTPAPI/2.0",)):
    """A slow request that both legs answer alike: HTTP.sys's page, passed on."""
    outer = two.c.ask("Execute", EXECUTE)
    inner = two.c.relay(outer, two.server("10.0.0.81:80"))
    two.cap.wait(wait)
    text = "<HTML><HEAD><TITLE>Service Unavailable</TITLE></HEAD><BODY><h2>Service Unavailable</h2><hr><p>HTTP Error 503. The " \
           "service is unavailable.</p></BODY></HTML>"
    frames = two.c.page(inner, status, *lines, text=text), two.c.page_on(inner, outer)
    two.cap.wait(0.2)
    return frames


@case("mapi-ends-clock-page", "a server answers 503 on the leg behind, whose capture has a clock that is a little late")
def clock_page(cap):
    two = slowly_opened(cap)
    inner, outer = page_both(two, 2)
    told(cap, HTTP, inner, "SERVER (inferred)", "HTTP.sys.", ["HTTP.sys"])
    told(cap, HTTP, outer, SEEN, "It stands before its cause, and later frames show that; the row takes it back.", ["no answer"])
    two.close()
    stamp_late(cap, list(two.servers.values()), 0.005)
    cap.what = "HTTP.sys of a server answers 503 and a balancer passes it on within a millisecond. The capture behind the balancer " \
               "was merged in, and its clock is 5 ms late, which the request before did not show."
    cap.rule = "That the leg behind had no answer by then is a matter of clocks: once the same answer comes there, the session's row " \
               "names nobody."


@case("mapi-ends-clock-rst", "a server ends the leg behind, whose capture has a clock that is a little late")
def clock_rst(cap):
    two = slowly_opened(cap)
    outer = two.c.ask("Execute", EXECUTE)
    inner = two.c.relay(outer, two.server("10.0.0.81:80"))
    for ask in (inner, outer):
        two.c.begin(ask, cookies=None)
        cap.wait(0.01)
    cap.wait(3)
    frame = inner.conn.rst(DOWN)
    cap.wait(0.001)
    told(cap, CUT, frame, UNKNOWN, "On its leg nothing else shows.")
    told(cap, CUT, outer.conn.close(DOWN), SEEN, "The leg behind seems to be open still; the row takes that back.", ["still open"])
    stamp_late(cap, list(two.servers.values()), 0.005)
    cap.what = "The server resets the connection within its response, and the balancer passes it on within a millisecond. The clock " \
               "behind the balancer is 5 ms late."
    cap.rule = "As mapi-ends-clock-page: what the leg behind shows at nearly the same time takes back who was first."
