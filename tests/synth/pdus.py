"""Samples of section 3: all PDUs of MS-RPCH 2.2.4 where they belong, and PDUs that break its rules.

Names that the frames before cannot decide are joined by " or ", in the order of the sections.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import struct

import rpc
from rpc import CLIENT, OUT_PROXY, SERVER, Emsmdb, Nspi, rts
from scene import DOWN, UP, Leg, ServerLeg, case

MALFORMED, UNEXPECTED = "rpch.rts.malformed", "rpch.rts.unexpected"


# ---- the sequences, one function for each PDU ---------------------------------------------

def recycled_cookies(c, role):
    old, new = (c.in_, c.new_in) if role == "in" else (c.out, c.new_out)
    return rpc.version(), rpc.cookie(c.vc), rpc.cookie(old), rpc.cookie(new)


def in_a1(c):
    return rts("IN_R1/A1 or IN_R2/A1", 0x04, *recycled_cookies(c, "in"))


def in_r1_a2(c):
    return rts("IN_R1/A2", 0x0C, *recycled_cookies(c, "in"), rpc.window(), rpc.timeout())


def in_r1_a3():
    return rts("IN_R1/A3", 0, rpc.destination(CLIENT), rpc.version(), rpc.window(), rpc.timeout())


def in_r1_a4():
    return rts("IN_R1/A4", 0, rpc.destination(CLIENT), rpc.version(), rpc.window(), rpc.timeout())


def in_cookie(name, c):
    return rts(name, 0, rpc.cookie(c.new_in))


def out_a1():
    return rts("OUT_R1/A1 or OUT_R2/A1", 0x04, rpc.destination(CLIENT))


def out_a2():
    return rts("OUT_R1/A2 or OUT_R2/A2", 0x04, rpc.destination(CLIENT))


def out_a3(c):
    return rts("OUT_R1/A3 or OUT_R2/A3", 0x04, *recycled_cookies(c, "out"), rpc.window())


def out_r1_a4(c):
    return rts("OUT_R1/A4", 0x14, *recycled_cookies(c, "out"), rpc.lifetime(), rpc.window(), rpc.timeout())


def out_r1_a5(name="OUT_R1/A5"):
    return rts(name, 0x10, rpc.destination(CLIENT), rpc.version(), rpc.timeout())


def out_cookie(name, c):
    return rts(name, 0x10, rpc.destination(SERVER), rpc.cookie(c.new_out))


def ance(name, flags=0):
    return rts(name, flags, rpc.ANCE)


class Hops:
    """The HTTP hop, the TCP hop, or both in one capture. Behind one address there are several proxies, so the client's
    side looks the same whether a sequence is _R1 (another proxy) or _R2 (the same one)."""

    def __init__(self, cap, http=True, tcp=True):
        self.cap = cap
        self.front = Leg(cap, in_server="10.0.0.80:80") if http else None
        self.back = ServerLeg(cap, in_proxy="10.0.0.81", out_proxy="10.0.0.82", leg=1 if http else 0,
                              cookies=self.front.c if http else None) if tcp else None
        self.c = (self.front or self.back).c
        self.calls = 0

    @property
    def legs(self):
        return [leg for leg in (self.front, self.back) if leg]

    def open(self):
        front, back, c = self.front, self.back, self.c
        if front:
            front.connect("in").up(rpc.ask_in())
            front.connect("out").up(rpc.ask_out())
            front.out.up(rpc.conn_a1(c))
        if back:
            back.greet("out").up(rpc.conn_a2(c))
        if front:
            front.out.down(rpc.success(), rpc.conn_a3())
            front.in_.up(rpc.conn_b1(c))
        if back:
            back.greet("in").up(rpc.conn_b2(c, back.address))
            back.in_.down(rpc.conn_b3())
            back.out.down(rpc.conn_c1())
        if front:
            front.out.down(rpc.conn_c2())
        self.call(None)
        self.call(Nspi.BIND)

    def call(self, operation):
        """A bind, or a request and its response, on each hop."""
        self.calls += 1
        def pdus():
            if operation is None:
                return rpc.bind(self.calls), rpc.bind_ack(self.calls)
            return rpc.request(self.calls, *operation[:2]), rpc.response(self.calls, operation[0], operation[2])
        for leg in self.legs:
            leg.in_.up(pdus()[0])
        for leg in reversed(self.legs):
            leg.out.down(pdus()[1])

    def end(self, what, rule="3.2.1.5.3: the order of the sequence."):
        self.call(Nspi.UPDATE)
        self.call(Nspi.UNBIND)
        for leg in self.legs:
            leg.close()
            leg.done()
        self.cap.what, self.cap.rule = what, rule

    # ---- sequences ----

    def in_r1(self):
        front, back, c = self.front, self.back, self.c
        if front:
            old = front.in_
            front.connect("in").up(rpc.ask_in())
            front.in_.up(in_a1(c))
        if back:
            old_back = back.in_
            back.proxies = "10.0.0.83", back.proxies[1]
            back.greet("in").up(in_r1_a2(c))
            back.out.down(in_r1_a3())
        if front:
            front.out.down(in_r1_a4())
            old.up(in_cookie("IN_R1/A5", c))
        if back:
            old_back.up(in_cookie("IN_R1/A6", c))
            old_back.up(rts("IN_R1/B1", 0, rpc.EMPTY))
            back.in_.down(rts("IN_R1/B2", 0, rpc.window()))
            old_back.close(UP)
        if front:
            old.close(DOWN)
        c.recycled("in")

    def in_r2(self):
        front, back, c = self.front, self.back, self.c
        if front:
            old = front.in_
            front.connect("in").up(rpc.ask_in())
            front.in_.up(in_a1(c))
        if back:
            back.in_.up(in_cookie("IN_R1/A6 or IN_R2/A2", c))
            back.out.down(rts("IN_R2/A3", 0, rpc.destination(CLIENT)))
        if front:
            front.out.down(rts("IN_R2/A4", 0, rpc.destination(CLIENT)))
            old.up(in_cookie("IN_R2/A5", c))
            old.close(DOWN)
        c.recycled("in")

    def out_start(self):
        """A1 to A3 are the same in both sequences; returns the client's predecessor."""
        old = self.front.out if self.front else None
        if self.back:
            self.back.out.down(out_a1())
        if self.front:
            old.down(out_a2())
            self.front.connect("out").up(rpc.ask_out(length=120))
            self.front.out.up(out_a3(self.c))
        return old

    def out_r1(self):
        front, back, c = self.front, self.back, self.c
        old = self.out_start()
        if back:
            old_back = back.out
            back.proxies = back.proxies[0], "10.0.0.83"
            back.greet("out").up(out_r1_a4(c))
            old_back.down(out_r1_a5())
        if front:
            old.down(out_r1_a5("OUT_R1/A6"))
            front.in_.up(out_cookie("OUT_R1/A7", c))
        if back:
            back.in_.up(out_cookie("OUT_R1/A8", c))
            old_back.down(ance("OUT_R1/A9"))
        if front:
            old.down(ance("OUT_R1/A10"))
            front.out.up(ance("OUT_R1/A11"))
            front.out.down(rpc.success())
            old.close(DOWN)
        if back:
            old_back.close(UP)
        c.recycled("out")

    def out_r2(self, fails=False):
        front, back, c = self.front, self.back, self.c
        old, last = self.out_start(), None
        if back:
            back.out.up(rts("OUT_R2/A4", 0, rpc.cookie(c.new_out)))
            back.out.down(rts("OUT_R2/A5", 0, rpc.destination(CLIENT), rpc.ANCE))
        if front:
            old.down(rts("OUT_R2/A6", 0, rpc.destination(CLIENT), rpc.ANCE))
            front.in_.up(rts("OUT_R2/A7", 0x10, rpc.destination(SERVER), rpc.cookie(c.new_out), rpc.version()))
        if back:
            back.in_.up(out_cookie("OUT_R2/A8", c))
            last = back.out.down(rts("OUT_R2/B2", 0, rpc.NEGATIVE_ANCE) if fails else ance("OUT_R2/B1"))
        if front and fails:
            front.out.close(DOWN)                    # 3.2.4.5.12: the successor is closed
            front.out = old
        elif front:
            front.out.up(rts("OUT_R2/C1", 0x01, rpc.EMPTY))
            old.down(ance("OUT_R2/B3", 0x20))
            front.out.down(rpc.success())
            old.close(DOWN)
        if not fails:
            c.recycled("out")
        return last


SEQUENCES = {
    "in-r1": ("IN_R1: IN recycled through another proxy", "A1 on the new IN connection could begin either sequence; A4 "
                                                          "(and A2 "
              "between proxy and server) shows that it is IN_R1. The predecessor is closed at the end."),
    "in-r2": ("IN_R2: IN recycled through the same proxy", "A1 could begin either sequence; A4 with its Destination "
                                                           "alone (A3 "
              "between proxy and server) shows IN_R2. Between proxy and server A2 looks like IN_R1/A6."),
    "out-r1": ("OUT_R1: OUT recycled through another proxy", "A1, A2 and A3 could begin either sequence; A4 and A6 "
                                                             "show "
               "OUT_R1. The request of the new OUT has Content-Length 120: A3 and A11."),
    "out-r2": ("OUT_R2: OUT recycled through the same proxy", "A1, A2 and A3 could begin either sequence; A4 and A6 "
                                                              "show "
               "OUT_R2. The request of the new OUT has Content-Length 120: A3 and C1."),
}
PLACES = {"http": ((True, False), "Captured between client and proxies."),
          "tcp": ((False, True), "Captured between proxies and server (TCP 6004)."),
          "both": ((True, True), "Both hops in one capture: leg 0 is HTTP, leg 1 TCP.")}


def sequence(kind, place):
    (title, what), (hops, where) = SEQUENCES[kind], PLACES[place]

    @case(f"pdus-{kind}-{place}", title)
    def build(cap):
        both = Hops(cap, *hops)
        both.open()
        getattr(both, kind.replace("-", "_"))()
        both.end(f"{where} {what}")


for sequence_name in SEQUENCES:
    for place_name in PLACES:
        sequence(sequence_name, place_name)


@case("pdus-recycled-often", "both channels recycled, one sequence after the other")
def often(cap):
    hops = Hops(cap)
    hops.open()
    for name in ("out_r2", "in_r1", "out_r1", "in_r2", "out_r2"):
        getattr(hops, name)()
        hops.call(Nspi.UPDATE)
    hops.end("OUT_R2, IN_R1, OUT_R1, IN_R2, OUT_R2 on both hops. What one recycling was says nothing about the next: "
             "its first "
             "PDUs are ambiguous again, the same way.")


@case("pdus-out-r2-fails", "OUT_R2/B2: the successor is refused")
def out_r2_fails(cap):
    hops = Hops(cap)
    hops.open()
    frame = hops.out_r2(fails=True)
    cap.item("rpch.channel.not_recycled", frame, "A successor was asked for and refused: OUT goes on until its lifetime "
             "ends.", leg=1)
    hops.end("The server answers OUT_R2/A8 with B2 (NegativeANCE, 3.2.5.5.12); the proxy closes the successor, and the "
             "old OUT "
             "stays (3.2.4.5.12).", "B2 belongs there; the virtual connection goes on.")


@case("pdus-c1-padding", "OUT_R2/C1 with Padding")
def c1_padding(cap):
    leg = Leg(cap, in_server="10.0.0.80:80")
    leg.establish()
    leg.bind()
    c, old = leg.c, leg.out
    old.down(out_a2())
    leg.connect("out").up(rpc.ask_out(length=96 + 44))
    leg.out.up(out_a3(c))
    old.down(rts("OUT_R2/A6", 0, rpc.destination(CLIENT), rpc.ANCE))
    leg.in_.up(rts("OUT_R2/A7", 0x10, rpc.destination(SERVER), rpc.cookie(c.new_out), rpc.version()))
    leg.out.up(rts("OUT_R2/C1", 0x01, rpc.padding(16)))
    old.down(ance("OUT_R2/B3", 0x20))
    leg.out.down(rpc.success())
    old.close(DOWN)
    leg.call(Nspi.BIND)
    leg.close()
    leg.done()
    cap.what = "The client announces 140 bytes for the new OUT and fills them with A3 and a C1 that holds 16 bytes " \
               "of padding."
    cap.rule = "2.2.4.45: Empty or Padding, whichever gives the size that is needed."


@case("pdus-undecided-http", "IN_R1/A5 or IN_R2/A5: A4 was not captured")
def undecided_http(cap):
    leg = Leg(cap, in_server="10.0.0.80:80")
    leg.establish()
    leg.bind()
    c, old = leg.c, leg.in_
    leg.connect("in").up(rpc.ask_in())
    leg.in_.up(in_a1(c))
    leg.out.down(in_r1_a4(), captured=False)
    old.up(in_cookie("IN_R1/A5 or IN_R2/A5", c))
    old.close(DOWN)
    leg.call(Nspi.BIND)
    leg.close()
    leg.done()
    cap.what = "The segment with A4 is missing, so nothing tells which sequence it was."


@case("pdus-undecided-tcp", "OUT_R1/A8 or OUT_R2/A8: A5 was not captured")
def undecided_tcp(cap):
    leg = ServerLeg(cap)
    leg.establish()
    leg.bind()
    c = leg.c
    leg.out.down(out_a1())
    leg.out.up(rts("OUT_R2/A4", 0, rpc.cookie(c.new_out)), captured=False)
    leg.out.down(rts("OUT_R2/A5", 0, rpc.destination(CLIENT), rpc.ANCE), captured=False)
    leg.in_.up(out_cookie("OUT_R1/A8 or OUT_R2/A8", c))
    leg.out.down(ance("OUT_R1/A9 or OUT_R2/B1"))
    leg.call(Nspi.BIND)
    leg.close()
    leg.done()
    cap.what = "The segments with A4 and A5 are missing, so A8 and the ANCE after it could belong to either sequence."


# ---- outside of sequences ---------------------------------------------------------------------

@case("pdus-others-http", "pings, keep-alive and acknowledgments between client and proxy")
def others_http(cap):
    leg = Leg(cap)
    leg.establish()
    leg.work()
    received = sum(pdu["length"] for pdu in leg.out.pdus if "call" in pdu)
    leg.in_.up(rpc.ping())
    leg.out.down(rpc.ping())
    leg.in_.up(rpc.keep_alive(120000))
    leg.in_.up(rpc.keep_alive(0))
    leg.in_.up(rpc.flow_ack_to(OUT_PROXY, received, rpc.WINDOW, leg.c.out))
    received = sum(pdu["length"] for pdu in leg.in_.pdus if "call" in pdu)
    leg.out.down(rpc.flow_ack_to(CLIENT, received, rpc.WINDOW, leg.c.in_))
    leg.close()
    leg.done()
    cap.what = "Ping both ways, Keep-Alive with 120 s and with 0, which stands for the default, and " \
               "FlowControlAckWithDestination " \
               "both ways (3.2.1.5.2: HTTP channels are half duplex)."


@case("pdus-others-tcp", "acknowledgments and Ping Traffic Sent Notify between proxies and server")
def others_tcp(cap):
    leg = ServerLeg(cap)
    leg.establish()
    leg.work()
    c = leg.c
    inside = sum(pdu["length"] for pdu in leg.in_.pdus if "call" in pdu)
    outside = sum(pdu["length"] for pdu in leg.out.pdus if "call" in pdu)
    leg.out.up(rts("Ping Traffic Sent Notify", 0x02, rpc.ping_traffic(40)))
    leg.out.up(rpc.flow_ack(outside, rpc.WINDOW, c.out))
    leg.in_.down(rpc.flow_ack(inside, rpc.WINDOW, c.in_))
    leg.in_.up(rpc.flow_ack_to(OUT_PROXY, outside, rpc.WINDOW, c.out))
    leg.out.down(rpc.flow_ack_to(OUT_PROXY, outside, rpc.WINDOW, c.out))
    leg.in_.up(rpc.flow_ack_to(CLIENT, inside, rpc.WINDOW, c.in_))
    leg.out.down(rpc.flow_ack_to(CLIENT, inside, rpc.WINDOW, c.in_))
    leg.close()
    leg.done()
    cap.what = "FlowControlAck from both sides, FlowControlAckWithDestination on its way through the server, and " \
               "Ping Traffic " \
               "Sent Notify of the OUT proxy."


@case("pdus-client-address", "CONN/B2 with an IPv6 client address")
def client_address(cap):
    leg = ServerLeg(cap, client="2001:db8::21", in_proxy="2001:db8::81", server="[2001:db8::91]:6001")
    leg.establish()
    leg.work(Emsmdb)
    leg.close()
    leg.done()
    cap.what = "Proxy and server speak IPv6; ClientAddress is 2001:db8::21, written in network order (2.2.3.2.2)."


# ---- rules broken -------------------------------------------------------------------------------

@case("pdus-ranges", "values outside the ranges of 2.2.3.5")
def ranges(cap):
    leg = Leg(cap)
    a1, b1, a3 = rpc.conn_a1(leg.c, size=4096), rpc.conn_b1(leg.c, life=131071), rpc.conn_a3(60000)
    leg.connect("in").up(rpc.ask_in())
    leg.connect("out").up(rpc.ask_out())
    leg.out.up(a1)
    second = rts("Keep-Alive", 0x02, rpc.keepalive(59999))
    leg.in_.up(b1)
    leg.out.down(rpc.success(), a3)
    c2 = leg.join(size=262145)
    leg.bind()
    leg.call(Nspi.BIND)
    leg.in_.up(second)
    far = rpc.flow_ack_to(4, 0, rpc.WINDOW, leg.c.out)
    leg.in_.up(far)
    leg.close()
    leg.done()
    cap.item(UNEXPECTED, a1.frame, "ReceiveWindowSize 4096, below 8 KiB.")
    cap.item(UNEXPECTED, b1.frame, "ChannelLifetime 131071, below 128 KiB.")
    cap.item(UNEXPECTED, a3.frame, "ConnectionTimeout 60000 ms, below 120000.")
    cap.item(UNEXPECTED, c2.frame, "ReceiveWindowSize 262145, above 256 KiB.")
    cap.item(UNEXPECTED, second.frame, "ClientKeepalive 59999 ms, neither 0 nor at least 60000.")
    cap.item(UNEXPECTED, far.frame, "Destination 4 is none of 2.2.3.3.")
    cap.what = "Six PDUs with one value each outside its range; otherwise the connection is healthy."


@case("pdus-ranges-edges", "values at the edges of the ranges of 2.2.3.5")
def edges(cap):
    leg = Leg(cap)
    leg.connect("in").up(rpc.ask_in())
    leg.connect("out").up(rpc.ask_out())
    leg.out.up(rpc.conn_a1(leg.c, size=8192))
    leg.in_.up(rpc.conn_b1(leg.c, life=131072, ms=60000))
    leg.out.down(rpc.success(), rpc.conn_a3(120000), rpc.conn_c2(262144, 14400000))
    leg.in_.up(rpc.keep_alive(0xFFFFFFFF))
    leg.in_.up(rpc.keep_alive(0))
    leg.bind()
    leg.call(Nspi.BIND)
    leg.close()
    leg.done()
    cap.what = "Windows of 8 and 256 KiB, timeouts of 120 and 14400 s, a lifetime of 128 KiB, keepalives of 60 s, 0 " \
               "and the " \
               "largest number."


def header_case(name, title, what, why, **how):
    @case(name, title)
    def build(cap):
        leg = Leg(cap)
        leg.establish()
        leg.bind()
        broken = rts("Ping", 0x01, header=how)
        leg.in_.up(broken)
        leg.in_.up(rpc.ping())
        leg.call(Nspi.BIND)
        leg.close()
        leg.done()
        cap.item(MALFORMED, broken.frame, why)
        cap.what = what + " The PDUs before and after it are as they should be."


header_case("pdus-header-version", "an RTS PDU of version 5.1", "A ping whose rpc_vers_minor is 1.",
            "2.2.3.6.1 and MS-RPCE 1.7: version 5.0.", minor=1)
header_case("pdus-header-flags", "an RTS PDU that is a first fragment only", "A ping whose pfc_flags are 0x01.",
            "2.2.3.6.1: PFC_FIRST_FRAG and PFC_LAST_FRAG, nothing else.", pfc=1)
header_case("pdus-header-drep", "an RTS PDU with EBCDIC characters", "A ping whose packed_drep says EBCDIC.",
            "2.2.3.6.1: little-endian, ASCII, IEEE.", drep=b"\x11\0\0\0")
header_case("pdus-header-auth", "an RTS PDU with an auth_length", "A ping whose auth_length is 8.",
            "2.2.3.6.1: auth_length is 0.", auth=8)
header_case("pdus-header-call", "an RTS PDU with a call_id", "A ping whose call_id is 7.", "2.2.3.6.1: call_id is "
                                                                                           "0.", call=7)


@case("pdus-header-length", "an RTS PDU longer than its commands")
def header_length(cap):
    leg = Leg(cap)
    leg.establish()
    leg.bind()
    broken = rts("Ping", 0x01)
    broken.data = struct.pack("<BBBB4sHHIHH", 5, 0, 20, 3, b"\x10\0\0\0", 28, 0, 0, 1, 0) + bytes(8)
    broken.pdu["length"] = 28
    leg.in_.up(broken)
    leg.in_.up(rpc.ping())
    leg.call(Nspi.BIND)
    leg.close()
    leg.done()
    cap.item(MALFORMED, broken.frame, "2.2.3.6.1: frag_length is the header and all commands; 8 bytes are neither.")
    cap.what = "A ping of 28 bytes. The PDUs before and after it are as they should be."


@case("pdus-misplaced", "PDUs on the wrong channel or in the wrong direction")
def misplaced(cap):
    leg = Leg(cap)
    leg.establish()
    leg.bind()
    wrong = [(leg.out, DOWN, rpc.keep_alive(120000), "Keep-Alive is the client's, on IN (2.2.4.46)."),
             (leg.in_, UP, rpc.conn_a3(), "CONN/A3 is the OUT proxy's (2.2.4.4)."),
             (leg.in_, UP, rpc.echo(), "Echo is a proxy's answer to an echo request (2.2.4.48).")]
    for conn, way, msg, why in wrong:
        conn.send(way, msg)
        cap.item(UNEXPECTED, msg.frame, why)
    leg.call(Nspi.BIND)
    leg.close()
    leg.done()
    cap.what = "Three PDUs of 2.2.4 in places where they do not belong."


@case("pdus-state", "PDUs in a state where they do not belong")
def state(cap):
    leg = Leg(cap)
    leg.establish()
    leg.bind()
    wrong = [(leg.out, DOWN, rpc.conn_c2(), "3.2.2.5.4: C2 in Wait_C2 only."),
             (leg.out, DOWN, rpc.conn_a3(), "3.2.2.5.3: A3 in Wait_A3W only."),
             (leg.in_, UP, rpc.conn_b1(leg.c), "3.2.3.5.3: B1 in Open_Start only.")]
    for conn, way, msg, why in wrong:
        conn.send(way, msg)
        cap.item(UNEXPECTED, msg.frame, why)
    leg.call(Nspi.BIND)
    leg.close()
    leg.done()
    cap.what = "C2, A3 and B1 come once more on an open connection."


def undefined(name, title, flags, commands, what, *why):
    @case(name, title)
    def build(cap):
        leg = Leg(cap)
        leg.establish()
        leg.bind()
        strange = rts("unknown RTS PDU", flags, *commands)
        leg.in_.up(strange)
        leg.call(Nspi.BIND)
        leg.close()
        leg.done()
        for reason in why:
            cap.item(UNEXPECTED, strange.frame, reason)
        cap.what = what


NOT_LISTED = "3.2.3.5 knows no such PDU: 2.2.4 tells PDUs apart by flags and commands."
undefined("pdus-undefined-flags", "an RTS PDU with undefined flags", 0x0100, [rpc.version()],
          "A Version command under flags that do not exist.", "Flags 0x0100 are not defined in 2.2.3.6.1.", NOT_LISTED)
undefined("pdus-undefined", "an RTS PDU that 2.2.4 does not have", 0, [rpc.version(), rpc.EMPTY],
          "Version and Empty, well-formed, and no PDU of 2.2.4.", NOT_LISTED)


ALL = ("CONN/A1 CONN/A2 CONN/A3 CONN/B1 CONN/B2 CONN/B3 CONN/C1 CONN/C2 IN_R1/A1 IN_R1/A2 IN_R1/A3 IN_R1/A4 IN_R1/A5 "
       "IN_R1/A6 "
       "IN_R1/B1 IN_R1/B2 IN_R2/A1 IN_R2/A2 IN_R2/A3 IN_R2/A4 IN_R2/A5 OUT_R1/A1 OUT_R1/A2 OUT_R1/A3 OUT_R1/A4 "
       "OUT_R1/A5 "
       "OUT_R1/A6 OUT_R1/A7 OUT_R1/A8 OUT_R1/A9 OUT_R1/A10 OUT_R1/A11 OUT_R2/A1 OUT_R2/A2 OUT_R2/A3 OUT_R2/A4 "
       "OUT_R2/A5 "
       "OUT_R2/A6 OUT_R2/A7 OUT_R2/A8 OUT_R2/B1 OUT_R2/B2 OUT_R2/B3 OUT_R2/C1 Keep-Alive Echo Ping FlowControlAck "
       "FlowControlAckWithDestination").split() + ["Ping Traffic Sent Notify"]
