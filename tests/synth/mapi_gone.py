"""Samples of servers that end several connections at once, and of requests that nobody answers on either leg.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import mapiscene as m
from mapi_verdict import EXECUTE, HTTP, Two
from mapiscene import DOWN, UP, Context, Outlook, case
from scene import ACK, RST, Conn

GONE, CUT, UNANSWERED = "outlook.server_gone", "mapihttp.response.cut", "mapihttp.request.unanswered"
USERS = "alice", "bob", "carol"


def users(cap, names=USERS, server="10.0.0.81:80", **how):
    """Sessions of several users, each on a connection of its own, asked for one after the other."""
    found = []
    for index, name in enumerate(names):
        c = Context(Outlook(cap, address=f"10.0.0.{21 + index}", server=server, user=f"EXAMPLE\\{name}",
                            dn=m.DN.replace("alice", name)), headers=False)
        c.connect(**how)
        cap.wait(0.4)
        c.exchange(**how)
        cap.wait(0.7)
        found.append(c)
    return found


def waits(c):
    """A NotificationWait under way on a connection of its own."""
    ask = c.ask("NotificationWait", m.default_body("NotificationWait"), counter=1, step=False, conn=c.outlook.open())
    c.begin(ask)
    return ask


def end_all(conns, way=DOWN):
    """FIN on all at once, as the kernel closes for a process that ends; returns their frames."""
    return [conn.fin(way) for conn in conns]


def refused(cap, c):
    """A SYN that is answered by RST."""
    conn = Conn(cap, f"{c.outlook.address}:{cap.port()}", c.outlook.server)
    conn.packet(UP, 2)
    conn._advance(UP, 1)
    return conn.packet(DOWN, RST | ACK, seq=0)


def again(c):
    c.conn.close(UP)
    c.conn = c.outlook.open()
    c.exchange()


def go_on(cap, found):
    for c in found:
        c.conn.fin(UP)
        c.conn = c.outlook.open()
        c.exchange()
        cap.wait(0.1)
        c.conn.close()


def kept_alike(cap, names=USERS):
    """The same, each with its last answer at nearly the same time."""
    found = users(cap, names)
    for c in found:
        c.exchange()
    return found


@case("mapi-verdict-gone-reload", "a server that closes all kept connections and serves new ones")
def reload(cap):
    found = users(cap)
    frame = end_all([c.conn for c in found])[-1]
    cap.item(GONE, frame, "Three connections of three sessions within a millisecond, after idle times that no timer has.",
             ["3 of its 3", "3 sessions"])
    cap.wait(4)
    at = len(cap.messages)
    go_on(cap, found)
    back = next(message["frame"] for message in cap.messages[at:] if message["to"] == "client")
    cap.item("outlook.server_gone.back", back, "It answers again.")
    cap.what = "Three kept connections, idle for 0.7 to 3 s, get a FIN each within a millisecond, as on a reload or restart. " \
               "Four seconds later the users go on, on new ones."
    cap.rule = "Kept connections are in use for two minutes after a response; a timer would have ended one after the other."


@case("mapi-quiet-gone-timer", "a server that closes kept connections after equal times and serves new ones")
def timer(cap):
    found = kept_alike(cap)
    cap.wait(5)
    end_all([c.conn for c in found])
    cap.wait(4)
    go_on(cap, found)
    cap.what = "Three kept connections, idle for 5 s each, get a FIN each within a millisecond, as by the keep-alive " \
               "time-out of a web server. Four seconds later the users go on, on new ones."
    cap.rule = "Either end may close a connection between two requests (RFC 9112 9.5): nothing was under way, nothing is " \
               "refused, and a timer explains it."


@case("mapi-verdict-gone-refused", "a server that closes all kept connections and refuses new ones")
def gone_refused(cap):
    found = kept_alike(cap)
    cap.wait(3)
    end_all([c.conn for c in found])
    cap.wait(3)
    frame = refused(cap, found[1])
    cap.item(GONE, frame, "It had closed three connections within a millisecond, and takes no new one.",
             ["3 of its 3", "RST"])
    cap.wait(1)
    refused(cap, found[0])
    cap.wait(20)
    found[0].conn = found[0].outlook.open()
    found[0].exchange()
    cap.item("outlook.server_gone.back", cap.messages[-1]["frame"], "It answers again.")
    found[0].conn.close()
    cap.what = "As mapi-quiet-gone-timer, but a SYN three seconds later is answered by RST; after 24 s the server is back."
    cap.rule = "That the closing was the end of the server shows when it refuses; so it stands there."


@case("mapi-verdict-gone-fin", "a server that stops: one response under way, two connections kept")
def gone_fin(cap):
    found = users(cap)
    ask = waits(found[0])
    cap.wait(2)
    end_all([found[1].conn, found[2].conn, found[0].conn])
    frame = ask.conn.fin(DOWN)
    cap.item(GONE, frame, "Four connections of three sessions within a millisecond, one of them in the middle of a "
             "response.", ["4 of its 4", "3 sessions"])
    cap.item("mapihttp.response.cut.note", frame, "Its cause is told already.")
    cap.what = "FIN on all four connections; on one a NotificationWait is under way."
    cap.rule = "A response under way shows that it was no orderly end; kept connections count with it."


@case("mapi-verdict-gone-announced", "a response is cut just as a kept connection ends as announced")
def announced(cap):
    found = users(cap, USERS[:2], reply={"lines": ["Keep-Alive: timeout=5, max=100"]})
    ask = waits(found[0])
    cap.wait(1)
    found[0].exchange(reply={"lines": ["Keep-Alive: timeout=5, max=100"]})
    found[0].conn.close(UP)
    cap.wait(3.3)
    found[1].conn.fin(DOWN)
    cap.wait(0.3)
    frame = ask.conn.rst(DOWN)
    cap.item(CUT, frame, "One connection in use.", ["NotificationWait"])
    cap.what = "bob's kept connection ends after the five seconds that Keep-Alive announces; 0.3 s later alice's " \
               "NotificationWait is cut."
    cap.rule = "An end as announced does not count, so one connection is left: no server_gone."


@case("mapi-verdict-unanswered-crossed", "a request that crosses the server's FIN")
def crossed(cap):
    found = kept_alike(cap, USERS[:2])
    found[0].conn.fin(DOWN)
    conn = found[1].conn
    got = conn.seen[UP]
    ask = found[1].ask("Execute", EXECUTE, ack=False)
    sent, conn.seen[UP] = conn.seen[UP], got
    cap.wait(0.01)
    frame = conn.fin(DOWN)
    cap.wait(0.02)
    conn.rst(DOWN)
    cap.item(UNANSWERED, frame, "The FIN acknowledges nothing of it.", ["Execute", "crossed"])
    conn.seen[UP] = sent
    for c in found:
        c.conn = c.outlook.open()
        c.exchange(counter=ask.counter if c is found[1] else None, step=c is not found[1])
        c.conn.close()
    cap.what = "The server closes two kept connections; on one the client has just sent a request, which the FIN does not " \
               "acknowledge. It sends it again on a new connection."
    cap.rule = "Nothing was under way for the server: a reload, no server_gone; the request gets its note."


@case("mapi-verdict-unanswered-both-legs", "the client gives up, and so does the device behind which it waits")
def both_legs(cap):
    t = Two(cap)
    t.exchange("Connect")
    outer = t.c.ask("Execute", EXECUTE)
    inner = t.c.relay(outer, t.server("10.0.0.81:80"))
    cap.wait(8)
    frame = outer.conn.rst(UP)
    cap.item(UNANSWERED, frame, "The client waited for 8 s.", ["the client did not wait"])
    inner.conn.close(UP)
    cap.what = "Nobody answers; the client resets its connection, and the device closes the one behind."
    cap.rule = "One cause, one finding: the client of the inner leg is the device, which only passes on what its own did."


@case("mapi-verdict-unanswered-device", "the device gives up, and answers 504 itself")
def device(cap):
    t = Two(cap)
    t.exchange("Connect")
    outer = t.c.ask("Execute", EXECUTE)
    inner = t.c.relay(outer, t.server("10.0.0.81:80"))
    cap.wait(30)
    frame = inner.conn.close(UP)
    cap.item(UNANSWERED, frame, "The leg before is still open: the device gave up.", ["device", "by itself"])
    page = t.c.page(outer, "504 Gateway Timeout")
    cap.item(HTTP, page, "The server-side leg has no such response.", ["504", "proven"])
    t.c.conn.close()
    cap.what = "The device closes the inner connection after 30 s and then answers 504."
    cap.rule = "The client of the inner leg is the device: never CLIENT."
