"""Samples of section 5: each verdict, and the healthy connection next to it.

A verdict that waits for a time sits on the next frame of either TCP connection of the leg.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import base64

import mapi_ntlm as ntlm
import rpc
from rpc import Nspi
from scene import DOWN, UP, Leg, ServerLeg, case

DIFFER, MISMATCH = "rpch.routing.proxies_differ", "rpch.routing.backend_mismatch"
NEVER, ACROSS = "rpch.routing.never_joined", "rpch.routing.joined_across_proxies"
LATE = "rpch.routing.joined_late"
TARGETS, LONE, REFUSED = "rpch.routing.target_mismatch", "rpch.channel.lone", "rpch.channel.refused"
IDLE, DROP, BUFFERED = "rpch.channel.idle_closed", "rpch.channel.silent_drop", "rpch.channel.buffered"
FAILED, LIFETIME, WINDOW = "rpch.call.failed", "rpch.channel.lifetime_exceeded", "rpch.flow.window_exceeded"
GONE, BACK, CUT_NOTE = "outlook.server_gone", "outlook.server_gone.back", "rpch.channel.cut.note"
SESSION = 'Cookie: OutlookSession="{7A3B1C5D-0F2E-4D6C-8B9A-102938475665}"'
OFFER = 'WWW-Authenticate: Basic realm="mail.example.test"'


def two(cap, **how):
    """A leg whose channels end on two proxies."""
    return Leg(cap, in_server="10.0.0.81:80", out_server="10.0.0.82:80", **how)


# ---- proxies_differ, joined_across_proxies ----------------------------------------------

@case("verdict-differ-peer", "IN and OUT on two proxies, joined all the same")
def differ_peer(cap):
    leg = two(cap)
    _, b1, _ = leg.start()
    c2 = leg.join()
    leg.work()
    leg.close()
    leg.done()
    cap.item(DIFFER, b1.frame, "A1 went to 10.0.0.82:80, B1 goes to 10.0.0.81:80: two TCP peers.")
    cap.item(ACROSS, c2.frame, "C2 came although the proxies differ.")
    cap.what = "The channels of one virtual connection end on different proxies, which share RPC state."
    cap.rule = "MS-RPCH 1.3.2 allows it: a note, and no more."


@case("verdict-differ-port", "IN and OUT on two ports of one address")
def differ_port(cap):
    leg = Leg(cap, in_server="10.0.0.81:80", out_server="10.0.0.81:8080")
    _, b1, _ = leg.start()
    c2 = leg.join()
    leg.work()
    leg.close()
    leg.done()
    cap.item(DIFFER, b1.frame, "A1 went to 10.0.0.81:8080, B1 goes to 10.0.0.81:80: different TCP peers.")
    cap.item(ACROSS, c2.frame, "C2 came all the same.")
    cap.what = "Two ports of one address, as two servers behind address translation look."


def challenged(leg, lines_in, lines_out, cookies=(None, None)):
    """Both channels: a 401 with those lines to no credentials, then the request; A1, B1 and A3. Returns B1."""
    for role, ask, lines in (("in", rpc.ask_in, lines_in), ("out", rpc.ask_out, lines_out)):
        conn = leg.connect(role)
        conn.up(ask(auth=None, length=0))
        conn.down(rpc.page(401, "Unauthorized", OFFER, *lines))
        cookie = cookies[role == "out"]
        conn.up(ask(*([f"Cookie: {cookie}"] if cookie else [])))
    b1 = rpc.conn_b1(leg.c)
    leg.out.up(rpc.conn_a1(leg.c))
    leg.in_.up(b1)
    leg.out.down(rpc.success(*lines_out), rpc.conn_a3())
    return b1


def behind(name, title, what, differ, lines_in, lines_out, cookies=(None, None), why=""):
    """One virtual address; the headers tell what is behind it."""
    @case(name, title)
    def build(cap):
        leg = Leg(cap, in_server="10.0.0.80:80")
        b1 = challenged(leg, lines_in, lines_out, cookies)
        c2 = leg.join()
        leg.work()
        leg.close()
        leg.done()
        if differ:
            cap.item(DIFFER, b1.frame, why)
            cap.item(ACROSS, c2.frame, "C2 came all the same.")
        cap.what, cap.rule = what, "" if differ else why


F5_100, F5_101 = "BIGipServerpool_rpc=1677787402.36895.0000", "BIGipServerpool_rpc=1694564618.36895.0000"
behind("verdict-differ-frontend", "one address, two names in X-FEServer",
       "Both 401s come from 10.0.0.80:80, one written by EX01, the other by EX02.", True,
       ["X-FEServer: EX01"], ["X-FEServer: EX02"], why="IN was answered by X-FEServer EX01, OUT by EX02.")
behind("verdict-frontend-same", "one address, one name in X-FEServer",
       "Both 401s and the 200 come from EX01.", False, ["X-FEServer: EX01"], ["X-FEServer: EX01"],
       why="The same name on both channels.")
behind("verdict-differ-f5", "one address, two servers in an F5 cookie",
       "BIGipServerpool_rpc is set to 10.1.1.100:8080 on IN and to 10.1.1.101:8080 on OUT.", True,
       [f"Set-Cookie: {F5_100}; path=/"], [f"Set-Cookie: {F5_101}; path=/"], (F5_100, F5_101),
       "1677787402.36895.0000 is 10.1.1.100:8080, 1694564618.36895.0000 is 10.1.1.101:8080 (K6917).")
behind("verdict-f5-same", "one address, one server in the F5 cookie", "Both channels carry the cookie of "
                                                                      "10.1.1.100:8080.",
       False, [f"Set-Cookie: {F5_100}; path=/"], [f"Set-Cookie: {F5_100}; path=/"], (F5_100, F5_100), "The same "
                                                                                                      "server.")
behind("verdict-f5-encrypted", "encrypted F5 cookies that differ", "The values are encrypted and differ.", False,
       ["Set-Cookie: BIGipServerpool_rpc=!kV9gNqkvyQ2Lr0b1D+Yc3nZ4hXfC8wJm5tKz; path=/"],
       ["Set-Cookie: BIGipServerpool_rpc=!0aPq7sWxT4uEo2RiG6dHjL8vBn1MzC9yKfQ=; path=/"],
       why="An encrypted cookie proves nothing by being another one.")
behind("verdict-aws-rotating", "rotating AWS cookies", "AWSALB has another value in every response.", False,
       ["Set-Cookie: AWSALB=Qm9keU9uZQ0000000000000001; Path=/"], ["Set-Cookie: AWSALB=Qm9keVR3bw0000000000000002; "
                                                                   "Path=/"],
       why="AWSALB rotates: inequality proves nothing.")
behind("verdict-differ-serverid", "two values of HAProxy's SERVERID", "SERVERID is cas1 on IN and cas2 on OUT.", True,
       ["Set-Cookie: SERVERID=cas1; path=/"], ["Set-Cookie: SERVERID=cas2; path=/"], ("SERVERID=cas1", "SERVERID=cas2"),
       "SERVERID of one name and host may be compared.")
behind("verdict-cookie-names", "cookies of two names", "IN got the cookie of one pool, OUT that of another.", False,
       [f"Set-Cookie: {F5_100}; path=/"], ["Set-Cookie: SERVERID=cas2; path=/"],
       why="Only cookies of the same name may be compared.")


@case("verdict-differ-frontend-late", "X-FEServer of OUT comes with its 200")
def differ_frontend_late(cap):
    leg = Leg(cap, in_server="10.0.0.80:80")
    leg.connect("in").up(rpc.ask_in(auth=None, length=0))
    leg.in_.down(rpc.page(401, "Unauthorized", OFFER, "X-FEServer: EX01"))
    leg.in_.up(rpc.ask_in())
    leg.connect("out").up(rpc.ask_out(), rpc.conn_a1(leg.c))
    leg.in_.up(rpc.conn_b1(leg.c))
    frame = leg.out.down(rpc.success("X-FEServer: EX02"), rpc.conn_a3())
    c2 = leg.join()
    leg.work()
    leg.close()
    leg.done()
    cap.item(DIFFER, frame, "IN was answered by EX01; the 200 of OUT names EX02.")
    cap.item(ACROSS, c2.frame, "C2 came all the same.")
    cap.what = "The halves are paired at B1, but only the 200 of OUT says that another server is behind the same " \
               "address."


@case("verdict-differ-ntlm", "two computer names in the NTLM challenges")
def differ_ntlm(cap):
    leg = Leg(cap, in_server="10.0.0.80:80", user="EXAMPLE\\alice")
    for role, ask, name in (("in", rpc.ask_in, "ex1"), ("out", rpc.ask_out, "ex2")):
        conn = leg.connect(role)
        conn.up(ask(auth=rpc.ntlm_negotiate(), length=0))
        challenge = rpc.ntlm_challenge(name.upper(), f"{name}.example.test")
        conn.down(rpc.page(401, "Unauthorized", f"WWW-Authenticate: {challenge}"))
        conn.up(ask(auth=rpc.ntlm_authenticate()))
    leg.out.up(rpc.conn_a1(leg.c))
    b1 = rpc.conn_b1(leg.c)
    leg.in_.up(b1)
    leg.out.down(rpc.success(), rpc.conn_a3())
    c2 = leg.join()
    leg.work()
    leg.close()
    leg.done()
    cap.item(DIFFER, b1.frame, "The challenge on IN came from ex1.example.test, the one on OUT from ex2.example.test.")
    cap.item(ACROSS, c2.frame, "C2 came all the same.")
    cap.what = "One address; the NTLM challenges name two computers (MS-NLMP 2.2.2.1)."


@case("verdict-differ-successor", "a successor of OUT on another proxy")
def differ_successor(cap):
    leg = Leg(cap)
    leg.establish()
    leg.bind()
    leg.call(Nspi.BIND)
    c, old = leg.c, leg.out
    old.down(rpc.rts("OUT_R1/A2 or OUT_R2/A2", 0x04, rpc.destination(rpc.CLIENT)))
    leg.take("out", cap.connect("10.0.0.21", "10.0.0.82:80"))
    leg.out.up(rpc.ask_out(length=120))
    a3 = rpc.rts("OUT_R1/A3 or OUT_R2/A3", 0x04, rpc.version(), rpc.cookie(c.vc), rpc.cookie(c.out),
                 rpc.cookie(c.new_out), rpc.window())
    leg.out.up(a3)
    old.down(rpc.rts("OUT_R1/A6", 0x10, rpc.destination(rpc.CLIENT), rpc.version(), rpc.timeout()))
    leg.in_.up(rpc.rts("OUT_R1/A7", 0x10, rpc.destination(rpc.SERVER), rpc.cookie(c.new_out)))
    old.down(rpc.rts("OUT_R1/A10", 0, rpc.ANCE))
    leg.out.up(rpc.rts("OUT_R1/A11", 0, rpc.ANCE))
    leg.out.down(rpc.success())
    old.close(DOWN)
    leg.call(Nspi.UPDATE)
    leg.call(Nspi.UNBIND)
    leg.close()
    leg.done()
    cap.item(DIFFER, a3.frame, "IN ends on 10.0.0.81:80, the successor of OUT on 10.0.0.82:80.")
    cap.tolerated = [ACROSS]
    cap.what = "OUT is recycled (OUT_R1) to another proxy; before, both halves were on one."
    cap.rule = "The channels of one leg, successors included. Whether a recycling completes the handshake is left open."


# ---- backend_mismatch, never_joined -------------------------------------------------------

def handshake(name, title, split, what, end, hop_tcp=False):
    """A handshake that ends before C2 (C1): end() returns the frame that proves it, and why."""
    @case(name, title)
    def build(cap):
        if hop_tcp:
            leg = ServerLeg(cap, server="10.0.0.91:6004")
            leg.start()
        else:
            leg = two(cap) if split else Leg(cap)
            _, b1, _ = leg.start(a3=end is not refused_503)
            if split:
                cap.item(DIFFER, b1.frame, "A1 went to 10.0.0.82:80, B1 goes to 10.0.0.81:80.")
        frame, why = end(cap, leg)
        leg.done(False)
        if frame:
            cap.item(MISMATCH if split else NEVER, frame, why)
        cap.what = what
        cap.rule = "A1 and B1 (A2 and B2) were sent and no C2 (C1) came; both connections were captured whole, from " \
                   "SYN."


def five_seconds(cap, leg):
    cap.wait(3)
    leg.in_.up(rpc.ping())
    cap.wait(3)
    frame = leg.in_.up(rpc.ping())
    cap.wait(20)
    leg.in_.up(rpc.ping())
    leg.close()
    return frame, "The first frame after 5 seconds without C2."


def server_closes(cap, leg):
    cap.wait(2)
    frame = leg.out.close(DOWN)
    leg.in_.close()
    return frame, "OUT is closed by the server's side before C2."


def client_resets(cap, leg):
    cap.wait(2)
    leg.out.rst(UP)
    leg.in_.rst(UP)
    return None, "The client leaves before time could speak: nothing is proved."


def refused_503(cap, leg):
    cap.wait(1)
    frame = leg.out.down(rpc.page(503, "RPC Error: 6ba"))
    cap.item(REFUSED, frame, "503 RPC Error: 0x6ba (RPC_S_SERVER_UNAVAILABLE), from the proxy itself.")
    leg.close()
    return None, "OUT is refused with a 5xx after A1 and B1, which explains that they did not meet."


handshake("verdict-mismatch-5s", "split halves, and 5 seconds without C2", True,
          "The halves go to different proxies that share nothing; a frame at 3 and one at 6 seconds.", five_seconds)
handshake("verdict-mismatch-close", "split halves, OUT closed", True,
          "The halves go to different proxies; the one with OUT gives up after 2 seconds.", server_closes)
handshake("verdict-mismatch-reset", "split halves, OUT reset", True, "The client gives up after 2 seconds.",
          client_resets)
handshake("verdict-mismatch-5xx", "split halves, OUT refused", True,
          "OUT's proxy cannot reach the RPC server and says so with 503 instead of 200.", refused_503)
handshake("verdict-never-5s", "one proxy, and 5 seconds without C2", False, "Both halves reach one address.",
          five_seconds)
handshake("verdict-never-close", "one proxy, OUT closed", False, "Both halves reach one address, which closes OUT.",
          server_closes)
handshake("verdict-never-5xx", "one proxy, OUT refused", False, "The proxy cannot reach the RPC server.", refused_503)
handshake("verdict-never-server-hop", "A2 and B2 without C1", False,
          "Between proxy and server: A2 and B2 arrive at one server, which closes the OUT connection after 2 seconds.",
          server_closes, hop_tcp=True)


@case("verdict-server-hop-split", "the proxies reach two servers")
def server_hop_split(cap):
    leg = ServerLeg(cap)
    leg.servers = "10.0.0.91:6004", "10.0.0.92:6004"
    _, b2 = leg.start()
    cap.wait(2)
    frame = leg.out.close(DOWN)
    leg.in_.close()
    leg.done(False)
    cap.item(DIFFER, b2.frame, "A2 went to 10.0.0.92:6004, B2 goes to 10.0.0.91:6004.")
    cap.item(MISMATCH, frame, "The server closes OUT without C1.")
    cap.what = "A target name that resolves to two addresses: OUT's proxy connection goes to one server, IN's to the " \
               "other."
    cap.rule = "Proxies differ, A2 and B2 were sent, and no C1 came."


@case("verdict-mismatch-late", "split halves that join after all")
def mismatch_late(cap):
    leg = two(cap)
    _, b1, _ = leg.start()
    cap.wait(6)
    frame = leg.in_.up(rpc.ping())
    cap.wait(1)
    c2 = leg.join()
    leg.work()
    leg.close()
    leg.done()
    cap.item(DIFFER, b1.frame, "Two TCP peers.")
    cap.item(MISMATCH, frame, "The first frame after 5 seconds without C2.")
    cap.item(LATE, c2.frame, "C2 comes after 7 seconds: the connection is open.")
    cap.item(ACROSS, c2.frame, "Both proxies reach the server.")
    cap.what = "The servers share their state, slowly. A verdict stands on the first frame that proves it; what comes " \
               "later says that it holds no longer."


@case("verdict-slow-join", "C2 after 6 silent seconds")
def slow_join(cap):
    leg = Leg(cap)
    leg.start()
    cap.wait(6)
    leg.join()
    leg.work()
    leg.close()
    leg.done()
    cap.what = "C2 comes 6 seconds after A1 and B1, and no frame lies between."
    cap.rule = "The next frame after 5 seconds is C2 itself."


@case("verdict-never-no-syn", "no C2, but no SYN either")
def never_no_syn(cap):
    leg = Leg(cap)
    leg.connect("in", captured=False)
    leg.connect("out")
    leg.start()
    five_seconds(cap, leg)
    leg.done(False)
    cap.what = "As verdict-never-5s, but the handshake of IN's TCP connection was not captured."
    cap.rule = "A verdict from absence needs both connections from SYN: silence, and the table says CANNOT TELL."


@case("verdict-never-gap", "no C2, but a gap on OUT")
def never_gap(cap):
    leg = Leg(cap)
    leg.start()
    leg.out.down(rpc.conn_c2(), captured=False)
    cap.wait(4)
    leg.out.down(rpc.ping())
    cap.wait(3)
    leg.in_.up(rpc.ping())
    leg.out.down(rpc.ping())
    leg.close()
    leg.done(False)
    cap.what = "C2 was sent, but its segment is missing in the capture; the ping behind it shows the gap."
    cap.rule = "A gap lies where C2 could be: silence. The row is noted as not open: that it opened is nowhere to be " \
               "seen."


@case("verdict-never-one-way", "no C2, but only the client's packets")
def never_one_way(cap):
    leg = Leg(cap)
    for role, ask, first in (("in", rpc.ask_in(), rpc.conn_b1(leg.c)), ("out", rpc.ask_out(), rpc.conn_a1(leg.c))):
        conn = leg.connect(role, synack=False)
        conn.up(ask, ack=False)
        conn.up(first, ack=False)
    leg.out.down(rpc.success(), rpc.conn_a3(), captured=False)
    leg.out.down(rpc.conn_c2(), captured=False)
    cap.wait(6)
    leg.in_.up(rpc.ping(), ack=False)
    leg.in_.packet(UP, 0x11)
    leg.out.packet(UP, 0x11)
    leg.done(False)
    cap.what = "The capture holds the client's packets only: A1, B1, and a ping 6 seconds later. A3 and C2 were sent."
    cap.rule = "A verdict from absence needs both directions."


# ---- target_mismatch ----------------------------------------------------------------------

def targets(name, title, inside, outside, differ, what):
    @case(name, title)
    def build(cap):
        leg = Leg(cap, target=inside)
        leg.connect("in").up(rpc.ask_in(target=inside))
        leg.connect("out").up(rpc.ask_out(target=outside))
        leg.out.up(rpc.conn_a1(leg.c))
        b1 = rpc.conn_b1(leg.c)
        leg.in_.up(b1)
        leg.out.down(rpc.success(), rpc.conn_a3())
        leg.join()
        leg.work()
        leg.close()
        leg.target = None
        leg.done()
        if differ:
            cap.item(TARGETS, b1.frame, f"IN asks for {inside}, OUT for {outside}.")
        cap.what = what
        cap.rule = "" if differ else "Host names are case-insensitive; a short name equals the first label of a full " \
                                     "one."


targets("verdict-target-host", "IN and OUT ask for two servers", "ex1.example.test:6004", "ex2.example.test:6004", True,
        "rpcproxy.dll is given two server names by one virtual connection (which opens here: both are one machine).")
targets("verdict-target-port", "IN and OUT ask for two ports", "ex1.example.test:6004", "ex1.example.test:6001", True,
        "rpcproxy.dll is given two ports.")
targets("verdict-target-label", "a short name that is not the first label", "ex1:6004", "ex11.example.test:6004", True,
        "ex1 is no short form of ex11.example.test.")
targets("verdict-target-equal", "a short name, a full name, other letters", "EX1:6004", "ex1.Example.Test:6004", False,
        "IN asks for EX1, OUT for ex1.Example.Test.")


# ---- lone ---------------------------------------------------------------------------------

@case("verdict-lone-in", "IN without OUT, closed")
def lone_in(cap):
    leg = Leg(cap)
    leg.connect("in").up(rpc.ask_in(), rpc.conn_b1(leg.c))
    cap.wait(3)
    leg.in_.up(rpc.ping())
    frame = leg.in_.close()
    leg.done(False)
    cap.item(LONE, frame, "IN is closed and OUT never appeared.")
    cap.what = "The client opens IN, never OUT, and closes after 3 seconds."


@case("verdict-lone-out", "OUT without IN, closed by the server")
def lone_out(cap):
    leg = Leg(cap)
    leg.connect("out").up(rpc.ask_out(), rpc.conn_a1(leg.c))
    leg.out.down(rpc.success(), rpc.conn_a3())
    cap.wait(4)
    frame = leg.out.close(DOWN)
    leg.done(False)
    cap.item(LONE, frame, "OUT is closed and IN never appeared.")
    cap.what = "OUT gets 200 and A3; IN was sent elsewhere, or never. The server closes after 4 seconds."


@case("verdict-lone-120s", "IN without OUT for more than 120 seconds")
def lone_120(cap):
    leg = Leg(cap)
    leg.connect("in").up(rpc.ask_in(), rpc.conn_b1(leg.c))
    frames = []
    for _ in range(5):
        cap.wait(30)
        frames.append(leg.in_.up(rpc.ping()))
    leg.done(False)
    cap.item(LONE, frames[3], "The first frame after 120 seconds.")
    cap.what = "IN lives on pings every 30 seconds; OUT never comes. The capture ends while IN is open."


@case("verdict-lone-late-half", "OUT comes after 60 seconds")
def lone_late(cap):
    leg = Leg(cap)
    leg.connect("in").up(rpc.ask_in(), rpc.conn_b1(leg.c))
    for _ in range(2):
        cap.wait(30)
        leg.in_.up(rpc.ping())
    leg.connect("out").up(rpc.ask_out(), rpc.conn_a1(leg.c))
    leg.out.down(rpc.success(), rpc.conn_a3())
    leg.join()
    leg.work()
    leg.close()
    leg.done()
    cap.what = "The other half is late, but comes within 120 seconds."


@case("verdict-lone-no-syn", "IN without OUT, captured late")
def lone_no_syn(cap):
    leg = Leg(cap)
    leg.connect("in", captured=False).up(rpc.ask_in(), rpc.conn_b1(leg.c))
    cap.wait(3)
    leg.in_.up(rpc.ping())
    leg.in_.close()
    leg.done(False)
    cap.what = "As verdict-lone-in, without the SYN of IN: OUT may have come before the capture began."
    cap.rule = "A verdict from absence needs the connection from SYN."


# ---- refused ------------------------------------------------------------------------------

def refused(name, title, response, what, why, side="out"):
    """One channel is refused, the other one waits; OutlookSession ties them together."""
    @case(name, title)
    def build(cap):
        leg = Leg(cap)
        leg.connect("in").up(rpc.ask_in(SESSION))
        leg.connect("out").up(rpc.ask_out(SESSION))
        if side == "in":
            leg.out.up(rpc.conn_a1(leg.c))
            leg.out.down(rpc.success(), rpc.conn_a3())
        conn = leg.in_ if side == "in" else leg.out
        frame = conn.down(response)
        conn.close(DOWN)
        cap.wait(0.05)
        (leg.out if side == "in" else leg.in_).close()
        cap.leg(False)
        cap.item(REFUSED, frame, why)
        cap.what = what
        cap.rule = "The halves are tied by OutlookSession within 5 seconds, so neither is lone."


LONG_PAGE = "<html><body>" + "<p>Service Unavailable</p>" * 120 + "</body></html>"


def half_refused(name, title, what, rule, end):
    """A page of which the capture, or the client, has the beginning only. end(conn, page): the frame that shows that."""
    @case(name, title)
    def build(cap):
        leg = Leg(cap)
        leg.connect("in").up(rpc.ask_in(SESSION))
        leg.connect("out").up(rpc.ask_out(SESSION), rpc.conn_a1(leg.c))
        page = rpc.page(503, "Service Unavailable", "Server: BigIP", text=LONG_PAGE)
        page.http = None
        frame = end(leg.out, page)
        cap.wait(1)
        leg.in_.close()
        cap.leg(False)
        cap.item(REFUSED, frame, "What came of it says enough.")
        cap.what, cap.rule = what, rule


def page_lost(conn, page):
    frame = conn.down(page, lost=(1,))
    conn.cap.wait(1)
    conn.close(DOWN)
    return frame


def page_cut(conn, page):
    page.data = page.data[:1500]
    conn.down(page)
    conn.cap.wait(1)
    return conn.close(DOWN)


half_refused("verdict-refused-page-lost", "503 whose page the capture lacks a segment of", "The second segment of the page is missing from the capture.",
             "Status and headers were seen: a gap behind them takes nothing back.", page_lost)
half_refused("verdict-refused-page-cut", "503 whose page is cut short", "The server's end closes the connection in the middle of the page.",
             "It is the page that was cut, not a channel in use.", page_cut)


EXCHANGE = ("Server: Microsoft-IIS/10.0", "X-FEServer: EX01", "X-DiagInfo: EX01",
            "request-id: 3f0e2d1c-1111-4222-8333-444455556666")
HTTP_SYS = ("Server: Microsoft-HTTPAPI/2.0", "Connection: close")
DEVICE = ("Server: BigIP", "Connection: close")
STATUSES = [
    (400, "Bad Request", HTTP_SYS, "out", "HTTP.sys itself wrote it: Server Microsoft-HTTPAPI/2.0."),
    (403, "Forbidden", EXCHANGE, "out", "Exchange wrote it: X-FEServer EX01."),
    (404, "Not Found", EXCHANGE, "out", "Exchange wrote it: the RPC proxy is not installed there."),
    (411, "Length Required", DEVICE, "in", "A device that does not take the announced body."),
    (413, "Request Entity Too Large", ("Server: nginx", "Connection: close"), "in", "413 to a body of 1 GB, before any "
                                                                                    "PDU."),
    (417, "Expectation Failed", ("Server: squid/3.5.20", "Via: 1.1 proxy.example.test (squid/3.5.20)"), "in",
     "A web proxy wrote it: Via."),
    (500, "Internal Server Error", EXCHANGE, "out", "Exchange wrote it."),
    (502, "Bad Gateway", ("Server: nginx", "Connection: close"), "out", "A device wrote it: it did not reach a "
                                                                        "server."),
    (503, "Service Unavailable", ("Connection: close",), "out", "Nothing says who wrote it."),
    (504, "Gateway Timeout", ("Via: 1.1 gateway.example.test", "Connection: close"), "out", "A gateway wrote it."),
]
for status, reason, headers, where, author in STATUSES:
    refused(f"verdict-refused-{status}", f"{status} to {where.upper()}", rpc.page(status, reason, *headers),
            f"The {where.upper()} request is answered {status} {reason}.", author, where)
refused("verdict-refused-302", "302 to OUT", rpc.answer(302, "Found", "Location: https://mail.example.test/owa/",
                                                        *EXCHANGE,
                                                        "Content-Length: 0"),
        "The OUT request is redirected to a logon page.", "A final status other than 200.")
refused("verdict-refused-failure-context", "503 with X-FailureContext", rpc.page(
    503, "Service Unavailable", *EXCHANGE, "X-FailureContext: FrontEnd;503;QmFja2VuZCBub3QgYXZhaWxhYmxl;;;"),
    "Exchange's front end says why.", "Exchange wrote it: X-FEServer and X-FailureContext.")
EEINFO = base64.b64encode(b"EEInfo of the sample: " + bytes(range(64))).decode()
refused("verdict-refused-rpc-error", "503 RPC Error with EEInfo",
        rpc.page(503, f"RPC Error: 6ba, EEInfo: {EEINFO}", protocol="HTTP/1.0", text=f"RPC EEInfo:{EEINFO}"),
        "The RPC proxy's own refusal (2.1.2.1.3): an error number in hexadecimal and extended error information.",
        "RPC Error 0x6ba, RPC_S_SERVER_UNAVAILABLE, with its EEInfo.")


def logon(name, title, user, steps, what, why, where="CANNOT TELL", also=None):
    """A logon on OUT that ends in a 401; IN is never tried. steps: (authorization, challenge)."""
    @case(name, title)
    def build(cap):
        leg = Leg(cap, user=user)
        leg.connect("out")
        for number, (authorization, challenge) in enumerate(steps):
            leg.out.up(rpc.ask_out(auth=authorization, length=76 if number == len(steps) - 1 else 0))
            if number == len(steps) - 1:
                leg.out.up(rpc.conn_a1(leg.c))
            offers = [f"WWW-Authenticate: {challenge}"] if challenge else []
            frame = leg.out.down(rpc.page(401, "Unauthorized", *offers, "Server: Microsoft-IIS/10.0"))
        leg.out.close()
        cap.leg(False, user=user)
        cap.item(REFUSED, frame, why, where=where)
        if also:
            cap.item(also, frame, why, vc=None)
        cap.what = what
        cap.rule = "A 4xx explains the failure: the missing other half is no lone channel beside it."


logon("verdict-refused-401-basic", "401 to Basic with a user", rpc.USER, [(rpc.basic(), 'Basic realm="mail"')],
      "A wrong password.", "401 to final credentials (Basic).")
logon("verdict-refused-401-ntlm", "401 to NTLM type 3", "EXAMPLE\\alice",
      [(rpc.ntlm_negotiate(), rpc.ntlm_challenge("EX1", "ex1.example.test")), (rpc.ntlm_authenticate(), "NTLM")],
      "Type 1 and its 401 are a step; the 401 to type 3 is the end.", "401 to final credentials (NTLM type 3).")
logon("verdict-refused-401-bearer", "401 to a Bearer token", None,
      [("Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.c2FtcGxl", 'Bearer error="invalid_token"')],
      "A token that has expired.", "401 to final credentials (Bearer) that names no place to get another one.", "CANNOT TELL")
logon("verdict-refused-401-kerberos", "401 to a Kerberos AP-REQ", None, [(rpc.kerberos(), "Negotiate")],
      "A Negotiate token that is a Kerberos AP-REQ.", "401 to final credentials (the last Negotiate token).", "CANNOT TELL")
logon("verdict-refused-401-bound", "401 to NTLM type 3 that is bound to a TLS channel, in clear text", "EXAMPLE\\alice",
      [(ntlm.type1(), ntlm.type2("EX1")), (ntlm.type3(ntlm.Target("EX1"), bindings=bytes(range(1, 17))), "NTLM")],
      "TLS ends at a device before this connection.", "Wrong credentials, or bindings that cannot match.", "CANNOT TELL",
      "outlook.auth.channel_binding")


@case("verdict-refused-400-big-token", "400 of HTTP.sys to Kerberos tokens that are too large, on both channels")
def big_token(cap):
    text = ('<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01//EN""http://www.w3.org/TR/html4/strict.dtd">\r\n<HTML><HEAD><TITLE>Bad '
            'Request</TITLE>\r\n<META HTTP-EQUIV="Content-Type" Content="text/html; charset=us-ascii"></HEAD>\r\n<BODY><h2>Bad '
            'Request - Request Too Long</h2>\r\n<hr><p>HTTP Error 400. The size of the request headers is too long.</p>\r\n'
            '</BODY></HTML>\r\n')
    leg = Leg(cap, user=None)
    for role, ask in (("in", rpc.ask_in), ("out", rpc.ask_out)):
        conn = leg.connect(role)
        conn.up(ask(SESSION, auth=ntlm.kerberos(14000)))
        frame = conn.down(rpc.page(400, "Bad Request", *HTTP_SYS, text=text))
        conn.close(DOWN)
        cap.item(REFUSED, frame, "HTTP.sys takes 16 KB of headers by default; nothing of this is about the 1 GB body of IN.",
                 where="SERVER (inferred)")
    cap.leg(False, user=None)
    cap.what = "A user in many groups: both requests have 19 KB of Authorization."
    cap.rule = "MaxFieldLength and MaxRequestBytes."


@case("verdict-refused-401-others", "401 to Basic where another user is let in")
def refused_beside_others(cap):
    bob, alice = Leg(cap, client="10.0.0.22", user="example.test\\bob"), Leg(cap, vc=1)
    bob.establish(auth=rpc.basic("example.test\\bob"))
    bob.work()
    bob.close()
    bob.done()
    alice.connect("out").up(rpc.ask_out(), rpc.conn_a1(alice.c))
    frame = alice.out.down(rpc.page(401, "Unauthorized", 'WWW-Authenticate: Basic realm="mail"', "Server: Microsoft-IIS/10.0"))
    alice.out.close()
    cap.leg(False, vc=1)
    cap.item(REFUSED, frame, "401 to final credentials (Basic) of a server that takes those of bob.", vc=1, where="CLIENT (inferred)")
    cap.what = "bob is let in by Basic, alice is refused."
    cap.rule = "As outlook.auth.refused: that the server can check such credentials shows that these are wrong."


@case("verdict-401-torn", "401 to NTLM type 1, then the connection is closed")
def torn(cap):
    leg = Leg(cap, user=None)
    leg.connect("out").up(rpc.ask_out(auth=rpc.ntlm_negotiate(), length=0))
    leg.out.down(rpc.page(401, "Unauthorized", f"WWW-Authenticate: {rpc.ntlm_challenge('EX1', 'ex1.example.test')}"))
    cap.wait(0.2)
    frame = leg.out.close(DOWN)
    cap.leg(False, user=None)
    cap.item(REFUSED, frame, "A 401 that would be a step, but the server's side then closes the connection: type 3 has "
                             "nowhere "
                             "to go.")
    cap.what = "A device closes the connection between challenge and answer."


@case("verdict-refused-407", "407 to Proxy-Authorization with a user")
def proxy_refused(cap):
    leg = Leg(cap, in_server="10.0.0.40:3128")
    uri = f"http://mail.example.test/rpc/rpcproxy.dll?{rpc.TARGET}"
    leg.connect("out").up(rpc.ask_out("Proxy-Authorization: Basic cHJveHl1c2VyOndyb25n", uri=uri), rpc.conn_a1(leg.c))
    frame = leg.out.down(rpc.page(407, "Proxy Authentication Required", 'Proxy-Authenticate: Basic realm="proxy"',
                                  "Via: 1.1 proxy.example.test"))
    leg.out.close()
    cap.leg(False)
    cap.item(REFUSED, frame, "407 to final credentials for the proxy.")
    cap.what = "The web proxy does not take the user's name and password."
    cap.rule = "A 4xx explains the failure: no lone beside it."


@case("verdict-407-again", "407 to requests without credentials for the proxy, again and again")
def proxy_again(cap):
    leg = Leg(cap, in_server="10.0.0.40:3128")
    uri = f"http://mail.example.test/rpc/rpcproxy.dll?{rpc.TARGET}"
    for index in range(4):
        leg.connect("out").up(rpc.ask_out(uri=uri), rpc.conn_a1(leg.c))
        frame = leg.out.down(rpc.page(407, "Proxy Authentication Required", 'Proxy-Authenticate: Basic realm="proxy"'))
        leg.out.close()
        if index == 2:
            cap.item(REFUSED, frame, "The third in a row.")
        cap.wait(5)
    cap.leg(False)
    cap.what = "A web proxy asks four times for credentials, 5 s apart, and the client sends none."
    cap.rule = "RFC 9110 15.5.8: a 407 is a step, if the client repeats the request with credentials. This one never does."


@case("verdict-407-beside", "407 again and again, while the same user connects from another machine")
def proxy_beside(cap):
    bob = "example.test\\bob"  # whom no other sample has: they are read together, too
    other, leg = Leg(cap, client="10.0.0.22", vc=1, user=bob), Leg(cap, in_server="10.0.0.40:3128", user=bob)
    auth = rpc.basic(bob)
    uri = f"http://mail.example.test/rpc/rpcproxy.dll?{rpc.TARGET}"
    other.connect("in").up(rpc.ask_in(auth=auth))
    other.connect("out").up(rpc.ask_out(auth=auth))
    for index in range(3):
        leg.connect("out").up(rpc.ask_out(uri=uri, auth=auth), rpc.conn_a1(leg.c))
        if index == 0:
            other.out.up(rpc.conn_a1(other.c))
            other.in_.up(rpc.conn_b1(other.c))
        frame = leg.out.down(rpc.page(407, "Proxy Authentication Required", 'Proxy-Authenticate: Basic realm="proxy"'))
        leg.out.close()
        if index == 0:
            other.out.down(rpc.success(), rpc.conn_a3(), rpc.conn_c2())
        cap.wait(5)
    cap.item(REFUSED, frame, "The third in a row.")
    other.work()
    other.close()
    other.done()
    cap.leg(False, user=bob)
    cap.what = "verdict-407-again, whose first request goes out while the same user's at another machine waits for its answer."
    cap.rule = "Path, host and credentials are the same, the cookies of CONN/A1 are not: no device passed one on as the other."


@case("verdict-401-anonymous", "401 to an anonymous type 3, then a real one")
def anonymous(cap):
    leg = Leg(cap, user="EXAMPLE\\alice")
    for role, ask in (("in", rpc.ask_in), ("out", rpc.ask_out)):
        conn = leg.connect(role)
        for user in ("", "alice"):
            conn.up(ask(auth=rpc.ntlm_negotiate(), length=0))
            conn.down(rpc.page(401, "Unauthorized", f"WWW-Authenticate: "
                                                    f"{rpc.ntlm_challenge('EX1', 'ex1.example.test')}"))
            conn.up(ask(auth=rpc.ntlm_authenticate(user), **({} if user else {"length": 0})))
            if not user:
                conn.down(rpc.page(401, "Unauthorized", "WWW-Authenticate: NTLM"))
    leg.out.up(rpc.conn_a1(leg.c))
    leg.in_.up(rpc.conn_b1(leg.c))
    leg.out.down(rpc.success(), rpc.conn_a3(), rpc.conn_c2())
    leg.work()
    leg.close()
    leg.done()
    cap.what = "Each channel tries the anonymous user first and is told 401, then alice."
    cap.rule = "A 401 to anonymous credentials is a step."


@case("verdict-4xx-explains", "403 to IN after A1 and B1")
def explains(cap):
    leg = two(cap)
    _, b1, _ = leg.start()
    frame = leg.in_.down(rpc.page(403, "Forbidden", *DEVICE))
    leg.in_.close(DOWN)
    cap.wait(6)
    leg.out.close()
    leg.done(False)
    cap.item(DIFFER, b1.frame, "A1 went to 10.0.0.82:80, B1 goes to 10.0.0.81:80.")
    cap.item(REFUSED, frame, "A device forbids IN.")
    cap.what = "The halves are on two proxies, A1 and B1 were sent, no C2 comes; but IN was answered 403."
    cap.rule = "A 4xx on either channel explains the failure: no mismatch, never_joined or lone beside it."


# ---- idle_closed, server_gone ---------------------------------------------------------------

def idle(name, title, seconds, what, end, expected, why=""):
    """An open, idle connection; end(leg) returns the frame of what ends it."""
    @case(name, title)
    def build(cap):
        leg = Leg(cap)
        leg.establish()
        leg.work()
        cap.wait(seconds)
        frame = end(cap, leg)
        leg.done()
        if expected:
            cap.item(expected, frame, why)
            cap.rule = "Announced are 900 s (A3 and C2); no other connection to that server ends."
        else:
            cap.rule = why
        cap.what = what


def out_closed(cap, leg):
    frame = leg.out.close(DOWN)
    cap.wait(2)
    leg.in_.close()
    return frame


def out_reset(cap, leg):
    frame = leg.out.rst(DOWN)
    cap.wait(2)
    leg.in_.close()
    return frame


def in_closed(cap, leg):
    leg.out.down(rpc.ping())
    cap.wait(0.01)
    frame = leg.in_.close(DOWN)
    cap.wait(2)
    leg.out.close()
    return frame


def probed(cap, leg):
    for _ in range(4):
        cap.wait(45)
        leg.out.probe(UP)
        leg.in_.up(rpc.ping())
    cap.wait(5)
    return out_closed(cap, leg)


def client_first(cap, leg):
    frame = leg.out.close(UP)
    leg.in_.close(UP)
    return frame


idle("verdict-idle-fin", "OUT closed by FIN after 200 idle seconds", 200, "A device closes the idle OUT channel.",
     out_closed,
     IDLE, "200 s without a byte on OUT, then FIN from the server's side.")
idle("verdict-idle-rst", "OUT reset after 200 idle seconds", 200, "A device resets the idle OUT channel.",
     out_reset, IDLE,
     "200 s without a byte on OUT, then RST from the server's side.")
idle("verdict-idle-in", "IN closed after 200 idle seconds, OUT alive", 200,
     "OUT carried a ping a moment ago; IN was idle and is closed.", in_closed, IDLE,
     "200 s without a byte on IN, then FIN from the server's side.")
idle("verdict-idle-probed", "OUT closed after 200 idle seconds in spite of TCP keep-alives", 15,
     "TCP keep-alives on OUT every 45 s, pings on IN; a device closes OUT.", probed, IDLE,
     "200 s without a body byte on OUT (keep-alives of TCP are none), then FIN from the server's side.")
idle("verdict-idle-client", "closed by the client after 200 idle seconds", 200, "The client closes first, the server "
                                                                                "follows.",
     client_first, None, "A client may close at any time.")
idle("verdict-idle-short", "closed by the server after 5 seconds", 5, "OUT is closed by the server's side after 5 s.",
     out_closed, None, "Below 10 s it is no idle time.")
idle("verdict-idle-announced", "closed after the announced 900 seconds", 905, "OUT is closed by the server's side "
                                                                              "after 905 s.",
     out_closed, None, "The announced interval of 900 s passed without a ping: the server may close.")


@case("verdict-server-gone", "a server that ends")
def server_gone(cap):
    legs = [Leg(cap, vc=number, client=f"10.0.0.2{number}") for number in range(2)]
    for leg in legs:
        leg.establish()
        leg.work()
        cap.wait(17)                     # no timer has two idle times
    cap.wait(43)
    frames = []
    for leg in legs:
        for conn in (leg.in_, leg.out):
            frames.append(conn.fin(DOWN))
            cap.wait(0.02)
    cap.wait(3)
    for leg in legs:
        leg.in_.fin(UP)
        leg.out.fin(UP)
        leg.done()
    cap.item(GONE, frames[3], "The fourth FIN ends the last connection that lived; the idle times are 77 s and 60 s.",
             vc=1)
    cap.what = "Two virtual connections of two clients are idle for 77 s and 60 s; then the server closes all four " \
               "TCP connections within a tenth of a second."
    cap.rule = "All connections to that server end within a second, after unequal idle times: server_gone, once, and " \
               "no idle_closed. Equal ones would be a timer's."


@case("verdict-gone-spread", "a worker process that is recycled")
def gone_spread(cap):
    legs = [Leg(cap, vc=number, client=f"10.0.0.2{number}") for number in range(4)]
    for leg in legs:
        leg.establish()
        leg.work()
        cap.wait(3)
    # Nothing is idle for ten seconds; each ends by itself, and the others are served.
    for number, leg in enumerate(legs):
        for _ in range(4):
            for other in legs[number:]:
                other.in_.up(rpc.ping())
                other.out.down(rpc.ping())
            cap.wait(7)
        leg.out.close(DOWN)
        leg.in_.close(DOWN)
        leg.done()
    cap.what = "A server recycles its worker process: within 90 s it ends four virtual connections, one after the " \
               "other, while it serves those that are left."
    cap.rule = "Ends that are spread over 90 s tell of no server that is gone; none was idle for 10 s."


@case("verdict-gone-back", "a server that ends, then one connection more, and comes back")
def gone_back(cap):
    legs = [Leg(cap, vc=number, client=f"10.0.0.2{number}", target="ex1:6004") for number in range(3)]
    for leg in legs:
        leg.establish()
        leg.work()
        cap.wait(7)                      # no timer has three idle times
    for leg in legs[:2]:
        for conn in (leg.in_, leg.out):
            conn.fin(DOWN)
            cap.wait(0.02)
    cap.wait(2)
    # The last client asks once more; nobody acknowledges it, and its connections are ended, too.
    last = legs[2]
    last.calls += 1
    gone = last.in_.push(UP, rpc.request(last.calls, *Nspi.UPDATE[:2]))
    cap.wait(0.3)
    cut = last.in_.rst(DOWN)
    last.out.rst(DOWN)
    for leg in legs:
        leg.done()
    cap.wait(20)
    again = Leg(cap, vc=3, client="10.0.0.20", target="ex1:6004",
                seed=f"{cap.name}/again")
    again.start(a3=False)
    cap.wait(1)
    back = again.out.down(rpc.success(), rpc.conn_a3())
    again.join()
    again.work()
    again.close()
    again.done()
    cap.item(GONE, gone, "A second after the fourth FIN nothing had come from the server; the first frame after it.",
             vc=1)
    cap.item(CUT_NOTE, cut, "A call is unanswered when the RST comes, and that the server is gone was told before.", vc=2)
    cap.item(BACK, back, "The first data of the server on a connection that was opened after it was gone, a second later.",
             vc=None)
    cap.what = "Three virtual connections of three clients; the server closes two within a tenth of a second, and resets " \
               "the third, on which a call waits, two seconds later. After 20 s a client connects anew and is answered."
    cap.rule = "server_gone once, on the first frame after a second in which the server was silent; what it ends after that " \
               "is a note; a connection opened later and answered within 5 s tells that it is back."


@case("verdict-idle-two", "one of two idle connections is closed")
def idle_two(cap):
    legs = [Leg(cap, vc=number, client=f"10.0.0.2{number}") for number in range(2)]
    for leg in legs:
        leg.establish()
        leg.work()
    cap.wait(60)
    legs[0].out.fin(DOWN)
    legs[0].out.fin(UP)
    cap.wait(4)
    frame = legs[0].in_.fin(UP)
    legs[0].in_.fin(DOWN)
    cap.wait(10)
    legs[1].in_.up(rpc.ping())
    legs[1].out.down(rpc.ping())
    for leg in legs:
        leg.done()
    cap.item(IDLE, frame, "A second after the FIN no other connection to that server had ended; the first frame after "
                          "it.")
    cap.what = "Two virtual connections of two clients to one server are idle for 60 s; OUT of the first is closed " \
               "by the " \
               "server's side. The other connection stays."
    cap.rule = "While another connection to that server is open it takes a second to tell an idle timeout from a " \
               "dead server."


@case("verdict-idle-predecessor", "a predecessor closed after 15 idle seconds")
def idle_predecessor(cap):
    leg = Leg(cap)
    leg.establish()
    leg.bind()
    leg.call(Nspi.BIND)
    c, old = leg.c, leg.in_
    leg.connect("in").up(rpc.ask_in())
    leg.in_.up(rpc.rts("IN_R1/A1 or IN_R2/A1", 0x04, rpc.version(), rpc.cookie(c.vc), rpc.cookie(c.in_),
                       rpc.cookie(c.new_in)))
    leg.out.down(rpc.rts("IN_R2/A4", 0, rpc.destination(rpc.CLIENT)))
    old.up(rpc.rts("IN_R2/A5", 0, rpc.cookie(c.new_in)))
    leg.call(Nspi.UPDATE)
    cap.wait(15)
    leg.out.down(rpc.ping())
    leg.in_.up(rpc.ping())
    old.close(DOWN)
    leg.call(Nspi.UNBIND)
    leg.close()
    leg.done()
    cap.what = "IN is recycled (IN_R2); the proxy closes the predecessor 15 s after IN_R2/A5 (3.2.3.5.8)."
    cap.rule = "A predecessor in recycling is closed by the proxy as it should be."


# ---- silent_drop ----------------------------------------------------------------------------

def drop(name, title, seconds, repeats, what, expected, reset=False, acked=False, span=False, why=""):
    @case(name, title)
    def build(cap):
        leg = Leg(cap)
        leg.establish()
        leg.work()
        cap.wait(seconds)
        leg.in_.push(UP, rpc.ping())
        if span:
            for _ in range(3):
                cap.frames.append((cap.now + 1000, cap.frames[-1][1]))
                cap.now += 1000
        if reset:
            cap.wait(0.02)
            frame = leg.in_.rst(DOWN, ack=False)
        for number in range(repeats):
            cap.wait(0.3 * 2 ** number)
            frame = leg.in_.again(UP)
        if acked:
            leg.in_.seen[UP] = leg.in_.seq[UP]
            leg.in_.ack(DOWN)
            leg.close()
        elif not reset:
            cap.wait(5)
            leg.in_.rst(UP)
        if not acked:
            leg.out.close()
        leg.done()
        if expected:
            cap.item(DROP, frame, why)
        else:
            cap.rule = why
        cap.what = what


drop("verdict-drop-silent", "a ping after 70 idle seconds that nobody answers", 70, 3,
     "A firewall has forgotten the connection and says nothing: a ping is sent and sent again three times.", True,
     why="The third retransmission without an ACK, after 70 s of silence.")
drop("verdict-drop-reset", "a ping after 70 idle seconds answered by RST", 70, 0,
     "A firewall has forgotten the connection and answers the ping with RST.", True, reset=True,
     why="Data after 70 s of silence is answered by RST.")
@case("verdict-drop-out", "a response after 70 idle seconds that nobody acknowledges")
def drop_out(cap):
    leg = Leg(cap)
    leg.establish()
    leg.work()
    cap.wait(70)
    leg.out.push(DOWN, rpc.ping())
    for number in range(3):
        cap.wait(0.3 * 2 ** number)
        frame = leg.out.again(DOWN)
    cap.wait(5)
    leg.out.rst(DOWN)
    leg.in_.close()
    leg.done()
    cap.item(DROP, frame, "The server's third retransmission on OUT without an ACK, after 70 s of silence.")
    cap.what = "A device has forgotten OUT; the server's ping is lost behind it."


drop("verdict-drop-lossy", "two retransmissions, then an ACK", 70, 2, "The ping after 70 s is lost twice and then "
                                                                      "arrives.", False,
     acked=True, why="Two retransmissions and an ACK are a lossy line.")
drop("verdict-drop-busy", "three retransmissions without an idle time", 5, 3, "The server stops answering 5 s after a "
                                                                              "call.",
     False, why="No idle time of 60 s before: not a dropped idle connection.")
drop("verdict-drop-span", "one ping that the capture holds four times", 70, 0,
     "A SPAN port shows the ping after 70 s four times with the same IP id; the ACK follows.", False, acked=True,
     span=True,
     why="Copies are no retransmissions.")


# ---- buffered ---------------------------------------------------------------------------------

def two_legs(cap):
    """A client, a balancer with one address on each side, a server."""
    front = Leg(cap, in_server="10.0.0.80:80")
    back = Leg(cap, client="10.0.0.40", in_server="10.0.0.81:80", leg=1, cookies=front.c)
    for role, ask in (("in", rpc.ask_in), ("out", rpc.ask_out)):
        for leg in (front, back):
            leg.connect(role).up(ask())
    for leg in (front, back):
        leg.out.up(rpc.conn_a1(front.c))
    return front, back


def relay(front, back):
    for ask, reply in ((rpc.bind(1), rpc.bind_ack(1)),
                       (rpc.request(1, *Nspi.BIND[:2]), rpc.response(1, 0, Nspi.BIND[2]))):
        front.in_.up(ask)
        back.in_.up(ask)
        back.out.down(reply)
        front.out.down(reply)


def end_legs(front, back, opens=True):
    for leg in (front, back):
        leg.close()
        leg.done(opens)


def delayed_out(name, title, seconds, expected, what):
    @case(name, title)
    def build(cap):
        front, back = two_legs(cap)
        for leg in (front, back):
            leg.in_.up(rpc.conn_b1(front.c))
        back.out.down(rpc.success(), rpc.conn_a3())
        back.out.down(rpc.conn_c2())
        cap.wait(seconds)
        frame = front.out.down(rpc.success(), rpc.conn_a3(), rpc.conn_c2())
        relay(front, back)
        end_legs(front, back)
        if expected:
            cap.item(BUFFERED, frame, "200 and A3 reached 10.0.0.40 three seconds before the client gets them.")
            cap.item("outlook.auth.slow", frame, "The answer to the credentials of OUT took as long.", vc=None)
        else:
            cap.rule = "Below 2 seconds it is a slow device."
        cap.what = what


delayed_out("verdict-buffered-out", "a balancer that keeps OUT's response back", 3, True,
            "The balancer gets 200, A3 and C2 and passes them on together 3 s later.")
delayed_out("verdict-buffered-out-quick", "a balancer that is a second late", 1, False,
            "The balancer passes 200, A3 and C2 on after one second.")


def delayed_in(name, title, seconds, expected, what):
    @case(name, title)
    def build(cap):
        front, back = two_legs(cap)
        back.out.down(rpc.success(), rpc.conn_a3())
        front.out.down(rpc.success(), rpc.conn_a3())
        b1 = rpc.conn_b1(front.c)
        front.in_.up(b1)
        cap.wait(seconds)
        late = rpc.conn_b1(front.c)
        back.in_.up(late)
        for leg in (back, front):
            leg.join()
        relay(front, back)
        end_legs(front, back)
        if expected:
            cap.item(BUFFERED, late.frame, "B1 was acknowledged to the client three seconds before it reaches the "
                                           "server.", leg=1)
        else:
            cap.rule = "Below 2 seconds it is a slow device."
        cap.what = what


delayed_in("verdict-buffered-in", "a balancer that keeps IN's body back", 3, True,
           "The balancer acknowledges B1 and passes it on 3 s later; no frame lies between.")
delayed_in("verdict-buffered-in-quick", "a balancer that passes IN's body on after a second", 1, False,
           "The balancer passes B1 on after one second.")


@case("verdict-buffered-in-never", "a balancer that waits for the whole body of IN")
def never_passed_on(cap):
    front, back = two_legs(cap)
    for leg in (back, front):
        leg.out.down(rpc.success(), rpc.conn_a3())
    front.in_.up(rpc.conn_b1(front.c))
    cap.wait(3)
    first = front.in_.up(rpc.ping())
    cap.wait(4)
    second = front.in_.up(rpc.ping())
    back.in_.channel = back.in_.vc = back.in_.leg = None     # a request without a PDU belongs to nothing so far
    front.done(False)
    back.in_ = None
    back.done(False)
    cap.item(BUFFERED, first, "B1 was acknowledged to the client and has not reached the server two seconds later; the "
                              "first "
                              "frame of leg 0 after that.")
    cap.item(NEVER, second, "A1 and B1 were sent on leg 0 and no C2 came within 5 seconds.")
    cap.what = "The balancer acknowledges IN's body and passes on its head only. The capture ends while all " \
               "connections are open."


# ---- call.failed ------------------------------------------------------------------------------

@case("verdict-fault", "a call that ends in a fault")
def fault(cap):
    leg = Leg(cap)
    leg.establish()
    leg.bind()
    leg.call(Nspi.BIND)
    leg.in_.up(rpc.request(3, 2, Nspi.UPDATE[1]))
    broken = rpc.fault(3, 0x00000005)
    leg.out.down(broken)
    leg.calls = 3
    leg.call(Nspi.UNBIND)
    leg.close()
    leg.done()
    cap.item(FAILED, broken.frame, "Fault, status 0x00000005 (access denied).")
    cap.what = "The second call is answered by a fault; the calls before and after are answered."


@case("verdict-bind-nak", "a bind that is refused")
def bind_nak(cap):
    leg = Leg(cap)
    leg.establish()
    leg.in_.up(rpc.bind(1))
    nak = rpc.bind_nak(1, 8)
    leg.out.down(nak)
    leg.close()
    leg.done()
    cap.item(FAILED, nak.frame, "bind_nak, reason 8 (authentication type not recognized).")
    cap.what = "The transport is good; the RPC server refuses the bind."


@case("verdict-fault-server-hop", "a fault between server and proxy")
def fault_server_hop(cap):
    leg = ServerLeg(cap)
    leg.establish()
    leg.bind()
    leg.in_.up(rpc.request(2, 0, Nspi.BIND[1]))
    broken = rpc.fault(2, 0x1C010003)
    leg.out.down(broken)
    leg.close()
    leg.done()
    cap.item(FAILED, broken.frame, "Fault, status 0x1c010003 (nca_s_unk_if).")
    cap.what = "The server does not know the interface."


# ---- lifetime_exceeded, window_exceeded ---------------------------------------------------------

@case("verdict-lifetime", "more bytes on IN than the announced lifetime")
def lifetime(cap):
    leg = Leg(cap)
    b1 = rpc.conn_b1(leg.c, life=4096)
    leg.start(b1=b1)
    leg.join()
    leg.bind()
    stub = rpc.HANDLE + bytes(1156)
    frames = []
    for call in range(2, 6):
        frames.append(leg.in_.up(rpc.request(call, 21, stub)))
        leg.out.down(rpc.response(call, 21, rpc.u32(0)))
    leg.close()
    leg.done()
    cap.item("rpch.rts.unexpected", b1.frame, "ChannelLifetime 4096 is below 128 KiB (2.2.3.5.5); a real lifetime "
                                              "would make a "
                                              "large capture.")
    cap.item(LIFETIME, frames[3], "With the fourth request of 1200 bytes IN has carried 4976 bytes, 4872 of them RPC "
                                  "PDUs: more "
                                  "than 4096 either way.")
    cap.what = "B1 announces a lifetime of 4096 bytes, and the client does not recycle IN in time."


def windowed(name, title, role, acks, what):
    """The window of one channel is 8 KiB; PDUs of 1400 bytes go by, acknowledged or not."""
    @case(name, title)
    def build(cap):
        leg = Leg(cap)
        small = 8192
        leg.start(a1=rpc.conn_a1(leg.c, size=small) if role == "out" else None)
        leg.join(**({"size": small} if role == "in" else {}))
        leg.bind()
        stub = bytes(1376)
        exceeded, sent = 0, len(rpc.bind() if role == "in" else rpc.bind_ack())
        for call in range(2, 11):
            big, short = (rpc.request, rpc.response) if role == "in" else (rpc.response, rpc.request)
            if role == "in":
                frame = leg.in_.up(big(call, 21, stub))
                leg.out.down(short(call, 21, rpc.u32(0)))
            else:
                leg.in_.up(short(call, 21, rpc.HANDLE))
                frame = leg.out.down(big(call, 21, stub))
            sent += 1400
            if acks and call % 3 == 0:
                if role == "out":
                    leg.in_.up(rpc.flow_ack_to(rpc.OUT_PROXY, sent, small, leg.c.out))
                else:
                    leg.out.down(rpc.flow_ack_to(rpc.CLIENT, sent, small, leg.c.in_))
            elif not acks and sent > small and not exceeded:
                exceeded = frame
        leg.close()
        leg.done()
        if not acks:
            cap.item(WINDOW, exceeded, f"More than {small} bytes of RPC PDUs on {role.upper()}, and none was ever "
                                       f"acknowledged.")
        else:
            cap.rule = "Each acknowledgment opens the window again (3.2.1.5.1.2)."
        cap.what = what


windowed("verdict-window-out", "more on OUT than the client's window", "out", False,
         "A1 opens a window of 8 KiB; the server sends nine responses of 1400 bytes without an acknowledgment.")
windowed("verdict-window-out-acked", "OUT within the client's window", "out", True,
         "The same, acknowledged by FlowControlAckWithDestination after every third response.")
windowed("verdict-window-in", "more on IN than the proxy's window", "in", False,
         "C2 opens a window of 8 KiB; the client sends nine requests of 1400 bytes without an acknowledgment.")
windowed("verdict-window-in-acked", "IN within the proxy's window", "in", True,
         "The same, acknowledged by FlowControlAckWithDestination on OUT after every third request.")
