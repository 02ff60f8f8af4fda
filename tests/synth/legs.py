"""Samples of section 4: a virtual connection on both sides of a load balancer, and which connection is which leg.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import rpc
from rpc import Nspi
from scene import DOWN, UP, Leg, case

DIFFER, MISMATCH = "rpch.routing.proxies_differ", "rpch.routing.backend_mismatch"
NEVER, ACROSS = "rpch.routing.never_joined", "rpch.routing.joined_across_proxies"
CUT = "rpch.channel.cut"
NTLM_USER = "EXAMPLE\\alice"


class Relayed:
    """One virtual connection seen on several legs: what the client sends goes along them, answers come back."""

    def __init__(self, cap, *ends, vc=0, user=rpc.USER):
        """ends: (client, IN server, OUT server) of each leg."""
        self.cap, self.calls = cap, 0
        self.legs = []
        for number, (client, in_server, out_server) in enumerate(ends):
            self.legs.append(Leg(cap, client=client, in_server=in_server, out_server=out_server, vc=vc, leg=number,
                                 user=user, cookies=self.legs[0].c if self.legs else None))
        self.c = self.legs[0].c

    def request(self, role, *lines, **how):
        ask = rpc.ask_in if role == "in" else rpc.ask_out
        for leg in self.legs:
            leg.connect(role).up(ask(*lines, **how))

    def first(self, role):
        """A1 or B1 on each leg; returns the messages."""
        msgs = []
        for leg in self.legs:
            msgs.append(rpc.conn_a1(self.c) if role == "out" else rpc.conn_b1(self.c))
            (leg.out if role == "out" else leg.in_).up(msgs[-1])
        return msgs

    def back(self, *make):
        """Answers on OUT, from the server to the client; returns the frames, that of the client's leg first."""
        return [leg.out.down(*[one() for one in make]) for leg in reversed(self.legs)][::-1]

    def open(self):
        self.request("in")
        self.request("out")
        self.first("out")
        b1 = self.first("in")
        self.back(rpc.success, rpc.conn_a3)
        return b1, self.back(rpc.conn_c2)

    def call(self, operation):
        self.calls += 1
        for leg in self.legs:
            leg.in_.up(rpc.bind(self.calls) if operation is None else rpc.request(self.calls, *operation[:2]))
        self.back((lambda: rpc.bind_ack(self.calls)) if operation is None else
                  lambda: rpc.response(self.calls, operation[0], operation[2]))

    def work(self):
        for operation in (None, Nspi.BIND, Nspi.UPDATE, Nspi.UNBIND):
            self.call(operation)

    def close(self):
        for leg in self.legs:
            leg.close()

    def done(self, opens=True):
        for leg in self.legs:
            leg.done(opens)


FRONT = "10.0.0.21", "10.0.0.40:80", "10.0.0.40:80"


def behind(in_server, out_server=None):
    return "10.0.0.40", in_server, out_server or in_server


@case("legs-joined", "both sides of a load balancer, one server behind it")
def joined(cap):
    both = Relayed(cap, FRONT, behind("10.0.0.81:80"))
    both.open()
    both.work()
    both.close()
    both.done()
    cap.what = "Leg 0 is the client's side of 10.0.0.40, leg 1 the server's side. Both channels reach 10.0.0.81."
    cap.rule = "Each leg's calls match their own; nothing is wrong with either."


@case("legs-joined-across", "both sides of a load balancer, two servers that share state")
def across(cap):
    both = Relayed(cap, FRONT, behind("10.0.0.81:80", "10.0.0.82:80"))
    b1, c2 = both.open()
    both.work()
    both.close()
    both.done()
    cap.item(DIFFER, b1[1].frame, "On leg 1 A1 went to 10.0.0.82:80, B1 goes to 10.0.0.81:80.", leg=1)
    cap.item(ACROSS, c2[1], "C2 came on leg 1 all the same.", leg=1)
    cap.what = "The balancer sends IN and OUT to two servers, which find each other."
    cap.rule = "Leg 0 shows one address and no item."


TARGETS = "rpch.routing.target_mismatch"
EX1, EX2 = "ex1.example.test:6004", "ex2.example.test:6004"


def targets(name, title, before, after, leg, what, rule):
    """before, after: what IN and OUT ask for on each leg."""
    @case(name, title)
    def build(cap):
        both = Relayed(cap, FRONT, behind("10.0.0.81:80"))
        for role, ask in (("in", rpc.ask_in), ("out", rpc.ask_out)):
            for one, wanted in zip(both.legs, (before, after)):
                one.connect(role).up(ask(target=wanted[role == "out"]))
        both.first("out")
        b1 = both.first("in")
        both.back(rpc.success, rpc.conn_a3)
        cap.item(TARGETS, b1[leg].frame, what, leg=leg)
        both.close()
        for one in both.legs:
            one.target = None
        both.done(False)
        cap.what, cap.rule = what, rule


targets("legs-target-rewritten", "a device that rewrites the target of one half", (EX1, EX1), (EX1, EX2), 1,
        "Both halves ask for ex1 on leg 0; on leg 1 OUT asks for ex2.",
        "The leg before is right: the device between rewrites it, not the client.")
targets("legs-target-passed-on", "a device that passes two targets on", (EX1, EX2), (EX1, EX2), 0,
        "The halves ask for two servers on both legs.", "One cause, one warning: where it comes from.")


@case("legs-misrouted", "both sides of a load balancer, two servers that share nothing")
def misrouted(cap):
    both = Relayed(cap, FRONT, behind("10.0.0.81:80", "10.0.0.82:80"))
    both.request("in")
    both.request("out")
    both.first("out")
    b1 = both.first("in")
    both.back(rpc.success, rpc.conn_a3)
    cap.wait(3)
    back = both.legs[1].out.fin(DOWN)
    front = both.legs[0].out.fin(DOWN)
    both.legs[0].out.fin(UP)
    both.legs[1].out.fin(UP)
    for leg in both.legs:
        leg.in_.close()
    both.done(False)
    cap.item(DIFFER, b1[1].frame, "On leg 1 A1 went to 10.0.0.82:80, B1 goes to 10.0.0.81:80.", leg=1)
    cap.item(MISMATCH, back, "10.0.0.82 closes OUT without C2.", leg=1)
    cap.item(NEVER, front, "On leg 0 one address is seen; OUT is closed without C2.")
    cap.what = "The balancer sends IN and OUT to two servers that share nothing; the one with OUT closes after 3 s."


@case("legs-misrouted-5s", "the same, found out by waiting")
def misrouted_wait(cap):
    both = Relayed(cap, FRONT, behind("10.0.0.81:80", "10.0.0.82:80"))
    both.request("in")
    both.request("out")
    both.first("out")
    b1 = both.first("in")
    both.back(rpc.success, rpc.conn_a3)
    cap.wait(6)
    pings = []
    for leg in both.legs:
        pings.append(leg.in_.up(rpc.ping()))
    both.close()
    both.done(False)
    cap.item(DIFFER, b1[1].frame, "On leg 1 A1 went to 10.0.0.82:80, B1 goes to 10.0.0.81:80.", leg=1)
    cap.item(NEVER, pings[0], "The first frame of leg 0 after 5 seconds without C2.")
    cap.item(MISMATCH, pings[1], "The first frame of leg 1 after 5 seconds without C2.", leg=1)
    cap.what = "IN and OUT on two servers that share nothing; a ping of the client passes the balancer after 6 s."


@case("legs-three", "client, web proxy, load balancer, server")
def three(cap):
    web = "10.0.0.30:3128"
    legs = Relayed(cap, ("10.0.0.21", web, web), ("10.0.0.30", "10.0.0.40:80", "10.0.0.40:80"), behind("10.0.0.81:80"))
    uri = f"http://mail.example.test/rpc/rpcproxy.dll?{rpc.TARGET}"
    legs.request("in", uri=uri)
    legs.request("out", uri=uri)
    legs.first("out")
    legs.first("in")
    legs.back(rpc.success, rpc.conn_a3)
    legs.back(rpc.conn_c2)
    legs.work()
    legs.close()
    legs.done()
    cap.what = "Three TCP connections for each channel: legs 0, 1 and 2."
    cap.rule = "Leg n is the n-th TCP connection with this cookie in this role."


@case("legs-401", "NTLM through a load balancer, both sides")
def after_401(cap):
    both = Relayed(cap, FRONT, behind("10.0.0.81:80"), user=NTLM_USER)
    for role in ("in", "out"):
        both.request(role, auth=rpc.ntlm_negotiate(), length=0)
        conns = [leg.in_ if role == "in" else leg.out for leg in both.legs]
        for conn in reversed(conns):
            conn.down(rpc.page(401, "Unauthorized", f"WWW-Authenticate: "
                                                    f"{rpc.ntlm_challenge('EX1', 'ex1.example.test')}"))
        for conn in conns:
            conn.up((rpc.ask_in if role == "in" else rpc.ask_out)(auth=rpc.ntlm_authenticate()))
    both.first("out")
    both.first("in")
    both.back(rpc.success, rpc.conn_a3, rpc.conn_c2)
    both.work()
    both.close()
    both.done()
    cap.what = "Type 1, challenge and type 3 on both legs of both channels, then the virtual connection."
    cap.rule = "The 401s are steps."


@case("legs-retry-401", "the same cookie again after a 401")
def retry_401(cap):
    leg = Leg(cap)
    leg.connect("out").up(rpc.ask_out(auth=None), rpc.conn_a1(leg.c))
    leg.out.down(rpc.page(401, "Unauthorized", 'WWW-Authenticate: Basic realm="mail.example.test"'))
    leg.out.up(rpc.ask_out(), rpc.conn_a1(leg.c))
    leg.connect("in").up(rpc.ask_in(), rpc.conn_b1(leg.c))
    leg.out.down(rpc.success(), rpc.conn_a3(), rpc.conn_c2())
    leg.work()
    leg.close()
    leg.done()
    cap.what = "The client sends A1 with a request without credentials, is told 401, and sends request and A1 again " \
               "on the same " \
               "TCP connection."
    cap.rule = "The same cookie after a 401 is a retry on the same leg."


@case("legs-retry-close", "the same cookie again after a reset")
def retry_close(cap):
    leg = Leg(cap)
    leg.connect("in").up(rpc.ask_in(), rpc.conn_b1(leg.c))
    leg.connect("out").up(rpc.ask_out(), rpc.conn_a1(leg.c))
    cap.wait(0.5)
    frame = leg.out.rst(DOWN)
    cap.wait(0.1)
    leg.connect("out").up(rpc.ask_out(), rpc.conn_a1(leg.c))
    leg.out.down(rpc.success(), rpc.conn_a3(), rpc.conn_c2())
    leg.work()
    leg.close()
    leg.done()
    cap.item(CUT, frame, "The server's end resets OUT behind A1, before any status: it is cut, which explains that the halves "
                         "did not meet.")
    cap.what = "OUT is reset after half a second; the client opens it again with the same cookie on a new TCP " \
               "connection, and " \
               "the virtual connection opens."
    cap.rule = "The same cookie after that connection closed is a retry on leg 0, not leg 1. The verdict on the " \
               "first attempt " \
               "stays where it was proved."


@case("legs-nat", "two clients behind one address, both sides of a load balancer")
def nat(cap):
    pair = [Relayed(cap, ("192.0.2.7", "10.0.0.40:80", "10.0.0.40:80"), behind(f"10.0.0.8{number + 1}:80"), vc=number)
            for number in range(2)]
    for role in ("in", "out"):
        for one in pair:
            one.request(role)
    for role in ("out", "in"):
        for one in pair:
            one.first(role)
    for one in reversed(pair):
        one.back(rpc.success, rpc.conn_a3, rpc.conn_c2)
    # A1 of the first client comes first, so it is vc 0.
    for operation in (None, Nspi.BIND, Nspi.UPDATE, Nspi.UNBIND):
        for one in pair:
            one.call(operation)
    for one in pair:
        one.close()
        one.done()
    cap.what = "Two clients share the address 192.0.2.7 and use the same call ids at the same time; the balancer " \
               "sends one to " \
               "10.0.0.81, the other to 10.0.0.82."
    cap.rule = "The cookie tells them apart, not the address; no verdict."


@case("legs-same-host", "one host is the client on both sides")
def same_host(cap):
    address = "10.0.0.21"
    both = Relayed(cap, (address, "10.0.0.40:80", "10.0.0.40:80"), (address, "10.0.0.81:80", "10.0.0.81:80"))
    both.open()
    both.work()
    both.close()
    both.done()
    cap.what = "The balancer is transparent: its connections to the server carry the client's address."
    cap.rule = "The client's address identifies nothing; leg 0 and leg 1 stay apart."


@case("legs-interleaved", "two virtual connections of one client at the same time")
def interleaved(cap):
    legs = [Leg(cap, vc=number) for number in range(2)]
    for leg in legs:
        leg.connect("in").up(rpc.ask_in())
        leg.connect("out").up(rpc.ask_out())
    for leg in legs:
        leg.out.up(rpc.conn_a1(leg.c))
    for leg in reversed(legs):
        leg.in_.up(rpc.conn_b1(leg.c))
    for leg in reversed(legs):
        leg.out.down(rpc.success(), rpc.conn_a3(), rpc.conn_c2())
    for call, operation in enumerate((None, Nspi.BIND, Nspi.UPDATE, Nspi.UNBIND), 1):
        for leg in legs:
            leg.in_.up(rpc.bind(call) if operation is None else rpc.request(call, *operation[:2]))
        for leg in reversed(legs):
            leg.out.down(rpc.bind_ack(call) if operation is None else rpc.response(call, operation[0], operation[2]))
    for leg in legs:
        leg.close()
        leg.done()
    cap.what = "Two virtual connections of one client to one server, with equal call ids and crossing answers."
    cap.rule = "Two cookies, two connections."


@case("legs-session", "halves tied by OutlookSession, RTS PDUs refused on both sides")
def session(cap):
    session_id = 'Cookie: OutlookSession="{0A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9}"'
    legs = [Leg(cap, client="10.0.0.21", in_server="10.0.0.40:80"),
            Leg(cap, client="10.0.0.22", in_server="10.0.0.40:80", vc=1)]
    frames = []
    for number, leg in enumerate(legs):
        leg.connect("in").up(rpc.ask_in(session_id.replace("0A1B", f"0A1{number}")))
        leg.connect("out").up(rpc.ask_out(session_id.replace("0A1B", f"0A1{number}")))
    for number, leg in enumerate(legs):
        frames.append(leg.out.down(rpc.page(503, "Service Unavailable", "Connection: close")))
        leg.out.close(DOWN)
        leg.in_.close()
        cap.leg(False, vc=number)
        cap.item("rpch.channel.refused", frames[-1], "503 to OUT; nothing says who wrote it.", vc=number)
    cap.what = "Two clients with a session each; the balancer answers every OUT with 503, and no RTS PDU is ever sent."
    cap.rule = "Where RTS never got through, OutlookSession pairs the halves: two connections, none of them lone."
