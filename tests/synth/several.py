"""Samples of a virtual connection over several devices and of several clients before one device, captured on both sides.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import mapi_auth as logon
import mapiscene as m
import rpc
from legs import CUT, DIFFER, FRONT, NEVER, Relayed, behind
from mapi_auth import third
from mapi_ends import stamp_late as sort_late
from mapiscene import Context, Outlook, case
from rpc import Nspi
from scene import DOWN, UP, Leg
from told import SEVERITY, stamp_late, told

DEVICE, UNKNOWN = "NETWORK DEVICE (inferred)", "CANNOT TELL"
SEVERITY.update({DIFFER: "note", "rpch.routing.joined_across_proxies": "chat"})


class Apart(Leg):
    """A leg whose halves come from two devices."""

    def __init__(self, cap, clients, **how):
        super().__init__(cap, **how)
        self.clients = clients

    def connect(self, role, **how):
        conn = self.cap.connect(self.clients[role == "out"], self.servers[role == "out"], **how)
        self.take(role, conn)
        return conn


def split(cap, devices, servers, proxy=False):
    """The client's halves go to two addresses, and from devices to servers; returns what went over both legs so far."""
    port = 3128 if proxy else 80
    front = "10.0.0.21", f"10.0.0.41:{port}", f"10.0.0.42:{port}"
    both = Relayed(cap, front)
    both.legs.append(Apart(cap, devices, in_server=servers[0], out_server=servers[1], leg=1, cookies=both.c))
    uri = {"uri": f"http://mail.example.test/rpc/rpcproxy.dll?{rpc.TARGET}"} if proxy else {}
    for role in ("in", "out"):
        both.request(role, **uri)
    both.first("out")
    return both, both.first("in")


def fails(cap, both):
    """The server gives OUT up after three seconds; returns the FIN on each leg."""
    cap.wait(3)
    ends = [leg.out.fin(DOWN) for leg in reversed(both.legs)][::-1]
    for leg in both.legs:
        leg.out.fin(UP)
        leg.in_.close()
    return ends


@told("rpc-split-one-server", "IN and OUT through two proxies to one server, which does not join them")
def one_server(cap):
    both, b1 = split(cap, ("10.0.0.41", "10.0.0.42"), ("10.0.0.81:80", "10.0.0.81:80"), proxy=True)
    both.back(rpc.success, rpc.conn_a3)
    front, back = fails(cap, both)
    cap.told(DIFFER, b1[0].frame, DEVICE)
    cap.told(NEVER, back, UNKNOWN, "did not meet")
    cap.told(NEVER, front, UNKNOWN, r"though on leg 1 both reached 10\.0\.0\.81:80", never="different servers")
    cap.lines = {"no_rows": ["backend_mismatch"]}
    cap.what = "A client with two proxies by turns: IN goes over one, OUT over the other, and both to 10.0.0.81, where they do not meet."
    cap.rule = "Two proxies are no two servers: the leg behind shows that the halves came to one address, so affinity would not help."


@told("rpc-split-joined", "IN and OUT through two proxies to one server, which joins them")
def joined(cap):
    both, b1 = split(cap, ("10.0.0.41", "10.0.0.42"), ("10.0.0.81:80", "10.0.0.81:80"), proxy=True)
    both.back(rpc.success, rpc.conn_a3)
    c2 = both.back(rpc.conn_c2)
    both.work()
    both.close()
    cap.told(DIFFER, b1[0].frame, DEVICE)
    cap.told("rpch.routing.joined_across_proxies", c2[0], UNKNOWN, "both reach the same RPC server")
    cap.lines = {"report": ["healthy +1 of 1"]}
    cap.what = "As rpc-split-one-server, but the server joins the halves."
    cap.rule = "MS-RPCH 1.3.2 allows it."


@told("rpc-split-clocks", "a device with two addresses; the leg behind stands first, by half a second")
def clocks(cap):
    both, b1 = split(cap, ("10.0.0.40", "10.0.0.40"), ("10.0.0.81:80", "10.0.0.81:80"))
    both.back(rpc.success, rpc.conn_a3)
    front, back = fails(cap, both)
    place = stamp_late(cap, (both.legs[1].in_, both.legs[1].out), -0.5)
    cap.told(DIFFER, place(b1[0].frame), DEVICE, never=r"device at 10\.0\.0\.81")
    cap.told(NEVER, place(back), UNKNOWN)
    cap.told(NEVER, place(front), UNKNOWN, r"both reached 10\.0\.0\.81:80", never="different servers")
    cap.what = "The name of a balancer has two addresses, and the client takes one for each half; the balancer comes from a third. The clock " \
               "behind it is half a second slow, so that all of it stands before what the client sent."
    cap.rule = "Nothing proves which leg is in front: the server is no device that split what stands behind it in the capture."


@case("mapi-ends-clock-slow-logon", "a device keeps the answer to NTLM credentials, and the leg behind has a clock five seconds fast")
def slow_logon(cap):
    bob = Context(Outlook(cap, address="10.0.0.22", server="10.0.0.80:80", user="example.test\\bob", dn=m.DN.replace("alice", "bob")))
    alice = logon.client(cap, server="10.0.0.80:80")
    backs = [cap.connect("10.0.0.70", "10.0.0.81:80") for _ in range(2)]
    ask = bob.ask("Connect", m.connect_body(bob.outlook.dn))
    inner = bob.relay(ask, backs[0])
    cap.wait(0.01)
    bob.reply(inner, m.connect_answer("Bob"))
    bob.pass_on(inner, ask)
    cap.wait(1)
    info = logon.target(cap)
    ask = alice.ask("Connect", b"", auth=logon.ntlm.type1())
    inner = alice.relay(ask, backs[1])
    alice.page(inner, "401 Unauthorized", f"WWW-Authenticate: {logon.ntlm.type2(info)}", *logon.EX, text="")
    alice.page_on(inner, ask)
    ask = third(alice, info)
    inner = alice.relay(ask, backs[1])
    cap.wait(0.01)
    alice.reply(inner, m.connect_answer(), elapsed=40)
    cap.wait(4)
    cap.item("outlook.auth.slow", alice.pass_on(inner, ask), "4 seconds before the device; behind it, 10 ms.", ["4.0", "clocks that differ"],
             where=UNKNOWN)
    m.close(alice.conn, bob.conn, *backs)
    sort_late(cap, backs, 5)
    cap.what = "The balancer has the answer to a type 3 after 10 ms and passes it on after four seconds. The capture behind it is five seconds " \
               "fast: what it shows of bob's Connect stands behind the answer that bob got, and of alice nothing stands there yet."
    cap.rule = "That the clocks of this device differ was seen with bob: who was slow with alice does not show, either."


@told("rpc-cut-second", "two connections of one user through a device; the server cuts the second")
def cut_second(cap):
    pair = []
    for number in range(2):
        pair.append(Relayed(cap, FRONT, behind("10.0.0.81:80"), vc=number))
        pair[-1].open()
        pair[-1].call(None)
        pair[-1].call(Nspi.BIND)
    for leg in pair[1].legs:
        leg.in_.up(rpc.request(3, *Nspi.UPDATE[:2]))
    cap.wait(2)
    front, back = pair[1].legs
    cap.told(CUT, back.out.rst(DOWN), UNKNOWN)
    cap.told(CUT, front.out.rst(DOWN), "SERVER (seen)", "closed first on leg 1 behind the device")
    for leg in (back, front):
        leg.in_.rst(DOWN)
    pair[0].close()
    cap.what = "One user has two connections through a balancer, whose requests are alike up to CONN/A1 and CONN/B1. The server resets the " \
               "second under a call, and the balancer passes that on."
    cap.rule = "What stands behind the balancer when the second begins is the first one's: no request stands before its cause, so times count."


# ---- Exchange's front end, which is a device of no network -------------------------------------------------------

EXCHANGE_HOP = ("10.0.0.21", "10.0.0.81:80", "10.0.0.81:80"), ("10.0.0.81", "10.0.0.82:444", "10.0.0.82:444")
FRONT_END, SERVER_SEEN = "Exchange's front end, as port 444 behind it", "SERVER (seen)"


@told("rpc-front-end-cut", "Exchange's front end ends a connection under a call")
def front_end_cut(cap):
    both = Relayed(cap, *EXCHANGE_HOP)
    both.open()
    both.call(None)
    both.call(Nspi.BIND)
    for leg in both.legs:
        leg.in_.up(rpc.request(3, *Nspi.UPDATE[:2]))
    cap.wait(2)
    front, back = both.legs
    cap.told(CUT, front.out.rst(DOWN), SERVER_SEEN, "both channels were still open", FRONT_END)
    front.in_.rst(DOWN)
    for conn in (back.out, back.in_):
        conn.rst(UP)
    cap.what = "Captured on EX1, whose front end passes /rpc on to the back end of EX2 (Exchange 2013 and later). Its application pool is recycled."
    cap.rule = "What goes to port 444 comes from Exchange's front end: no device of the network ended it."


@told("rpc-front-end-split", "Exchange's front end reaches two back ends")
def front_end_split(cap):
    both = Relayed(cap, EXCHANGE_HOP[0], ("10.0.0.81", "10.0.0.82:444", "10.0.0.83:444"))
    both.request("in")
    both.request("out")
    both.first("out")
    b1 = both.first("in")
    both.back(rpc.success, rpc.conn_a3)
    front, back = fails(cap, both)
    cap.told(DIFFER, b1[1].frame, SERVER_SEEN, FRONT_END)
    cap.told("rpch.routing.backend_mismatch", back, SERVER_SEEN, FRONT_END)
    cap.told(NEVER, front, SERVER_SEEN, FRONT_END)
    cap.what = "A database moves from EX3 to EX2 while Outlook connects: the front end of EX1 sends OUT to EX3 and IN to EX2."
    cap.rule = "As legs-misrouted, but what stands before port 444 is Exchange's front end: no affinity of a balancer helps."


@case("mapi-ends-front-end", "Exchange's front end resets a NotificationWait")
def front_end_resets(cap):
    c = Context(Outlook(cap), back="EX2")
    server = cap.connect("10.0.0.81", "10.0.0.82:444")
    outer = c.ask("Connect", m.connect_body())
    inner = c.relay(outer, server)
    c.reply(inner, m.connect_answer(), drop=("X-FEServer",))
    c.pass_on(inner, outer)
    outer = c.ask("NotificationWait", m.default_body("NotificationWait"))
    inner = c.relay(outer, server)
    for ask in (inner, outer):
        c.begin(ask, cookies=None, drop=("X-FEServer",) if ask is inner else ())
    cap.wait(20)
    cap.item("mapihttp.response.cut", outer.conn.rst(DOWN), "The leg behind goes to port 444, and is still open.", ["still open", FRONT_END],
             where=SERVER_SEEN)
    cap.wait(0.005)
    cap.item("mapihttp.response.cut.chat", server.rst(UP), "It ended the leg before, too.", [FRONT_END], where=SERVER_SEEN)
    cap.what = "As rpc-front-end-cut, of MAPI/HTTP."
    cap.rule = "As rpc-front-end-cut."
