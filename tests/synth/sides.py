"""Samples of captures on both sides of a device that were joined, each on an interface of its own: one of them ends before
the other, or there is simply nothing to capture.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import rpc
from legs import FRONT, Relayed, behind
from mapi_ends import UNKNOWN, told as said
from mapi_verdict import EXECUTE, HTTP, Two
from mapi_gone import UNANSWERED
from mapiscene import DOWN, UP, case
from rpc import Nspi
from told import BUFFERED, CUT, DEVICE, SEEN, ask, told, two_legs

ENDS = "The capture between the balancer and the server ends; that at the client goes on."


# ---- RPC over HTTP ---------------------------------------------------------------------------

def one_side_ends(cap):
    """An open connection on two legs, of which the one behind is captured no longer, while the client goes on."""
    cap.side = "10.0.0.40"
    both = two_legs(cap)
    cap.side_runs = False
    for _ in range(3):
        both.call(Nspi.UPDATE)
    return both


@told("rpc-side-ends", "the capture behind a balancer ends first")
def side_ends(cap):
    both = one_side_ends(cap)
    cap.wait(60)
    both.call(Nspi.UPDATE)
    for _ in range(4):
        cap.wait(10)
        both.legs[0].in_.up(rpc.ping())
    both.call(Nspi.UPDATE)
    both.close()
    cap.what = ENDS
    cap.rule = "Silence. That calls do not reach leg 1 any more is a matter of the capture; they are answered."


@told("rpc-side-ends-cut", "the same, then the connection is cut")
def side_ends_cut(cap):
    both = one_side_ends(cap)
    cap.wait(20)
    ask(both.legs[0])
    cap.wait(1)
    frame = both.legs[0].out.rst(DOWN)
    both.legs[0].in_.rst(DOWN)
    cap.told(CUT, frame, UNKNOWN, "leg 1 behind it, which might tell, was not captured whole", never="still open")
    cap.what = ENDS + " Later the server's end cuts both channels while a call waits."
    cap.rule = "CANNOT TELL. Leg 1 was not captured any more: that it is open there does not show that the balancer cut it."


@told("rpc-side-runs-cut", "the capture behind a balancer goes on, and the balancer cuts a connection")
def side_runs_cut(cap):
    cap.side = "10.0.0.40"
    both = two_legs(cap)
    other = Relayed(cap, ("10.0.0.22", *FRONT[1:]), behind("10.0.0.81:80"), vc=1)
    other.open()
    other.call(None)
    for _ in range(4):
        other.call(Nspi.UPDATE)
        cap.wait(5)
    ask(both.legs[0])
    other.call(Nspi.UPDATE)
    frame = both.legs[0].out.rst(DOWN)
    both.legs[0].in_.rst(DOWN)
    cap.wait(10)
    other.call(Nspi.UPDATE)
    other.close()
    cap.told(CUT, frame, SEEN, "on leg 1 behind it both channels were still open")
    cap.what = "Another connection shows that what the balancer sends is captured all the time. It cuts the first one itself."
    cap.rule = "NETWORK DEVICE, seen, as on one interface."


@told("rpc-side-runs-buffered", "the capture behind a balancer goes on, and the balancer holds IN back")
def side_runs_buffered(cap):
    cap.side = "10.0.0.40"
    other = Relayed(cap, ("10.0.0.22", *FRONT[1:]), behind("10.0.0.81:80"))
    other.open()
    other.call(None)
    held = Relayed(cap, FRONT, behind("10.0.0.81:80"), vc=1)
    held.request("in")
    held.request("out")
    held.first("out")
    held.back(rpc.success, rpc.conn_a3)
    held.legs[0].in_.up(rpc.conn_b1(held.c))
    cap.wait(1)
    other.call(Nspi.UPDATE)
    cap.wait(3)
    frame = held.legs[0].in_.up(rpc.ping())
    other.call(Nspi.UPDATE)
    for leg in held.legs:
        leg.close()
    other.close()
    cap.told(BUFFERED, frame, DEVICE)
    cap.what = "Another connection shows that what the balancer sends is captured all the time. B1 of the second reaches the balancer " \
               "and goes no further."
    cap.rule = "The same verdict as on one interface."


# ---- MAPI/HTTP -------------------------------------------------------------------------------

def one_side_of_mapi_ends(cap):
    cap.side = "10.0.0.70"
    two = Two(cap)
    two.exchange("Connect")
    two.exchange()
    cap.side_runs = False
    for _ in range(4):
        two.exchange()
    return two


@case("mapi-side-ends", "the capture behind a balancer ends first, then a request is refused")
def mapi_side_ends(cap):
    two = one_side_of_mapi_ends(cap)
    outer = two.c.ask("Execute", EXECUTE)
    two.c.relay(outer, two.server("10.0.0.81:80"))
    cap.wait(1)
    said(cap, HTTP, two.c.page(outer, "403 Forbidden"), UNKNOWN, "Who wrote it does not show: leg 1 was not captured any more.")
    two.exchange()
    two.close()
    cap.what = ENDS
    cap.rule = "That leg 1 lacks request and response is a matter of the capture."


@case("mapi-side-ends-unanswered", "the same, then a request is not answered")
def mapi_side_ends_unanswered(cap):
    two = one_side_of_mapi_ends(cap)
    outer = two.c.ask("Execute", EXECUTE)
    two.c.relay(outer, two.server("10.0.0.81:80"))
    cap.wait(70)
    said(cap, UNANSWERED, outer.conn.rst(DOWN), UNKNOWN, "Whether the balancer asked its server was not captured any more.")
    cap.what = ENDS
    cap.rule = "Whose doing it is does not show."
