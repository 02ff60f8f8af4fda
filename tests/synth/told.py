"""Samples of which verdicts, tables and report are held whole (tests/tshark/run_cases.py): what a second hand found that
judged by the rules alone, and not by the code.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import struct

import mapi_ntlm as ntlm
import pdus
import rpc
import scene
from legs import EX1, EX2, FRONT, Relayed, behind
from quiet import Places, two_accounts
from rpc import Emsmdb, Nspi
from scene import DOWN, UP, Leg
from verdict import DROP, LONE, SESSION, WINDOW
from wire import ACK, RST, SYN

DEVICE, SEEN, UNKNOWN = "NETWORK DEVICE (inferred)", "NETWORK DEVICE (seen)", "CANNOT TELL"
CUT, IDLE, NEVER = "rpch.channel.cut", "rpch.channel.idle_closed", "rpch.routing.never_joined"
UNANSWERED, LATE, BUFFERED = "rpch.call.unanswered", "rpch.routing.joined_late", "rpch.channel.buffered"
TORN, TORN_ACCEPTED = "outlook.auth.ntlm_torn", "outlook.auth.ntlm_torn.accepted"
NO_PDU, NOT_RECYCLED, REFUSED = "rpch.channel.no_pdu", "rpch.channel.not_recycled", "rpch.channel.refused"
SEVERITY = {UNANSWERED: "note", LATE: "chat", NOT_RECYCLED: "note", LONE: "note",
            "rpch.routing.target_mismatch": "error", TORN: "error", TORN_ACCEPTED: "chat"}


class Told(scene.Capture):
    """A case of which verdicts are expected, and lines of the tables and the report."""

    def __init__(self, name, title):
        super().__init__(name, title)
        self.verdicts, self.lines = [], {}

    def told(self, name, frame, where, *says, times=1, never=None):
        row = {"item": name, "severity": SEVERITY.get(name, "warning"), "frame": frame, "where": where}
        if says:
            row["says"] = list(says)
        if never:
            row["never"] = [never]
        if times > 1:
            row["times"] = times
        self.verdicts.append(row)

    def expect(self):
        return {"keys": None, "verdicts": sorted(self.verdicts, key=lambda row: row["frame"]), **self.lines}

    def readme(self):
        lines = [f"# {self.name}: {self.title}", "", " ".join(self.what.split()), "",
                 f"Made by `python3 tests/synth/make.py {self.name}`.", "", f"Right: {' '.join(self.rule.split())}"]
        return "\n".join(lines) + "\n"


def told(name, title):
    def register(function):
        function.capture = Told
        return scene.case(name, title)(function)
    return register


def ready(cap, lines=(), **how):
    """An open connection that has made a call."""
    leg = Leg(cap, **how)
    leg.establish(in_lines=lines, out_lines=lines)
    leg.bind(Emsmdb)
    leg.call(Emsmdb.CONNECT)
    return leg


def ask(leg):
    """A call, which nobody answers here."""
    leg.calls += 1
    return leg.in_.up(rpc.request(leg.calls, *Emsmdb.DUMMY[:2]))


def server_ends(cap, leg):
    """Both channels by FIN; returns OUT's frame."""
    frame = leg.out.fin(DOWN)
    cap.wait(0.01)
    leg.in_.fin(DOWN)
    leg.out.fin(UP)
    leg.in_.fin(UP)
    return frame


def two_legs(cap, opened=True):
    both = Relayed(cap, FRONT, behind("10.0.0.81:80"))
    if opened:
        both.open()
        both.call(None)
        both.call(Nspi.BIND)
    else:
        for role in ("in", "out"):
            both.request(role)
        both.first("out")
        both.first("in")
    return both


def stamp_late(cap, conns, seconds):
    """The frames of those connections are stamped that much later, and all are sorted by time."""
    ports = {conn.ends[UP][1] for conn in conns}
    rows = []
    for number, (ns, data) in enumerate(cap.frames):
        late = {int.from_bytes(data[34:36], "big"), int.from_bytes(data[36:38], "big")} & ports
        rows.append((ns + (int(seconds * 10**9) if late else 0), number))
    rows.sort()
    cap.frames = [(ns, cap.frames[number][1]) for ns, number in rows]
    places = {number + 1: place for place, (_, number) in enumerate(rows, 1)}
    return lambda frame: places[frame]


# ---- idle_closed -----------------------------------------------------------------------------

@told("rpc-idle-half-stays", "OUT is closed after 47 idle seconds, IN stays")
def half_stays(cap):
    leg = ready(cap)
    cap.wait(47)
    frame = leg.out.close(DOWN)
    for _ in range(3):
        cap.wait(2)
        leg.in_.up(rpc.ping())
    leg.in_.close(UP)
    cap.told(IDLE, frame, UNKNOWN, "if the other half ends within a second")
    cap.lines = {"rows": [r"idle_closed \| *\d+ \|[^|]*\|NETWORK DEVICE \(inferred\)"], "report": ["where +NETWORK DEVICE"]}
    cap.what = "The server's end closes OUT after 47 s, which is no usual time-out; IN lives on for six seconds."
    cap.rule = "Only one channel of the pair ended within a second: a device. The frame of the FIN cannot know that; tables " \
               "and report use the end."


@told("rpc-idle-equal-later", "two connections closed after equal idle times, 20 s apart")
def equal_later(cap):
    first = ready(cap, client="10.0.0.20")
    cap.wait(20)
    second = ready(cap, vc=1)
    cap.wait(27)
    server_ends(cap, first)
    cap.wait(20.3)
    frame = server_ends(cap, second)
    cap.wait(2)
    other = ready(cap, vc=2, client="10.0.0.29")
    other.close()
    cap.told(IDLE, frame, DEVICE, "after the same idle time", times=2)
    cap.lines = {"no_rows": [r"idle_closed.*CANNOT"]}
    cap.what = "Both channels of one connection end after 47.0 s, 20 s later those of another after 47.3 s."
    cap.rule = "Two connections that ended after equal idle times are a device's, both of them."


@told("rpc-idle-unequal", "two connections closed after 60.0 and 63.3 idle seconds")
def unequal(cap):
    first, second = ready(cap, client="10.0.0.20"), ready(cap, vc=1)
    cap.wait(60)
    server_ends(cap, first)
    cap.wait(3.3)
    frame = server_ends(cap, second)
    cap.wait(2)
    ready(cap, vc=2, client="10.0.0.29").close()
    cap.told(IDLE, frame, UNKNOWN, "recycled", times=2)
    cap.lines = {"no_rows": ["idle_closed.*NETWORK DEVICE"]}
    cap.what = "One connection ends after 60.0 s, which would be usual for a device, another 3.3 s later after 63.3 s."
    cap.rule = "Two ends of that server within 90 s after idle times that differ: no device's timer. What is told with " \
               "hindsight knows both."


@told("rpc-idle-call-pending", "OUT and IN closed 30 s after a call")
def call_pending(cap):
    leg = ready(cap)
    ask(leg)
    cap.wait(30)
    frame = server_ends(cap, leg)
    cap.told(IDLE, frame, DEVICE)
    cap.told(UNANSWERED, frame, UNKNOWN, r"until the server's end sent FIN")
    cap.what = "A call has had no answer for 30 s when the server's end closes both channels."
    cap.rule = "From 10 s of idle time on it is idle_closed, calls pending or not; the call was not answered until the " \
               "server's end ended it."


# ---- cut -------------------------------------------------------------------------------------------

@told("rpc-cut-clocks", "the server cuts a call; the leg behind is stamped half a second late")
def clocks(cap):
    both = two_legs(cap)
    front, back = both.legs
    both.calls += 1
    for leg in both.legs:
        leg.in_.up(rpc.request(both.calls, *Nspi.UPDATE[:2]))
    cap.wait(1)
    server = back.out.rst(DOWN)
    back.in_.rst(DOWN)
    cap.wait(0.2)
    device = front.out.fin(DOWN)
    front.in_.fin(DOWN)
    front.out.fin(UP)
    front.in_.fin(UP)
    place = stamp_late(cap, (back.in_, back.out), 0.5)
    cap.told(CUT, place(device), UNKNOWN)
    cap.told(CUT, place(server), UNKNOWN)
    cap.what = "The server resets leg 1, 0.2 s later the device ends leg 0. Leg 1 was captured by a clock half a second ahead, " \
               "so it looks as if the device had ended leg 0 while leg 1 was open."
    cap.rule = "Answers on leg 0 stand before those on leg 1: nothing is said from times across the two. The device is not to " \
               "blame."


@told("rpc-cut-out-not-passed-on", "OUT reset after A1; the leg behind has IN alone")
def out_not_passed_on(cap):
    both = Relayed(cap, FRONT, behind("10.0.0.81:80"))
    both.request("in")
    both.first("in")
    front, back = both.legs
    front.connect("out").up(rpc.ask_out())
    front.out.up(rpc.conn_a1(both.c))
    cap.wait(0.3)
    frame = front.out.rst(DOWN)
    cap.wait(0.1)
    front.in_.close()
    back.in_.close()
    cap.told(CUT, frame, DEVICE, "has IN and no OUT", "outside the capture")
    cap.what = "The device passes IN on and resets OUT 0.3 s after CONN/A1."
    cap.rule = "A request without its counterpart behind the device, while the other half has one."


@told("rpc-lone-clocks", "as rpc-cut-out-not-passed-on; the leg behind stands first")
def lone_clocks(cap):
    both = Relayed(cap, FRONT, behind("10.0.0.81:80"))
    both.request("in")
    both.first("in")
    front, back = both.legs
    front.connect("out").up(rpc.ask_out())
    front.out.up(rpc.conn_a1(both.c))
    cap.wait(0.3)
    frame = front.out.rst(DOWN)
    cap.wait(0.1)
    front.in_.close()
    back.in_.close()
    place = stamp_late(cap, (back.in_,), -0.05)
    cap.told(CUT, place(frame), UNKNOWN)
    cap.lines = {"report": [r"who +example.test\\alice \(Basic\) at 10\.0\.0\.21", "connection 0 leg 0"], "no_rows": ["channel.lone"]}
    cap.what = "The device passes IN on and resets OUT 0.3 s after CONN/A1. The clock behind it is 50 ms slow: its leg stands first."
    cap.rule = "The client of the leg that stands first is where the other one leads to, the device: it is behind it, and the client opened OUT."


@told("rpc-target-clocks", "as legs-target-rewritten; the leg behind stands first, by two seconds")
def target_clocks(cap):
    both = Relayed(cap, FRONT, behind("10.0.0.81:80"))
    for role, wanted in (("in", (EX1, EX1)), ("out", (EX1, EX2))):
        for one, target in zip(both.legs, wanted):
            one.connect(role).up((rpc.ask_in if role == "in" else rpc.ask_out)(target=target))
    both.first("out")
    b1 = both.first("in")
    both.back(rpc.success, rpc.conn_a3)
    both.close()
    front, back = both.legs
    place = stamp_late(cap, (back.in_, back.out), -2)
    cap.told("rpch.routing.target_mismatch", place(b1[1].frame), "CLIENT (inferred)")
    cap.lines = {"report": ["where +CANNOT TELL \\(clocks differ: this leg is behind a device, as showed later\\)", "connection 0 leg 1",
                            r"alice at 10\.0\.0\.21: unknown version"],
                 "no_rows": ["target_mismatch.*CLIENT"]}
    cap.what = "A device rewrites the target of OUT. The clock behind it is two seconds slow: its whole leg stands before the client's."
    cap.rule = "Nothing shows by then that there is a device; once the client's leg comes, which leads to the host that the other comes " \
               "from, that one is leg 1, and its row blames nobody."


@told("rpc-comeback-clocks", "as quiet-two-accounts; one IN stands two seconds early")
def comeback_clocks(cap):
    two_accounts(cap, Places(False))
    stamp_late(cap, cap.conns[:1], -2)
    cap.what = "Two accounts in one Outlook, and a worker process that is recycled. One IN was captured by a clock two seconds slow, so " \
               "it ends before its OUT begins."
    cap.rule = "The server joins no IN that has ended: its clock is wrong, and nothing was cut again and again."


@told("rpc-cut-rst-text", "an RST with text in it, under a call")
def rst_text(cap):
    leg = ready(cap)
    ask(leg)
    cap.wait(1)
    frame = leg.out.packet(DOWN, RST | ACK, b"Go away, blocked by policy 7")
    cap.wait(0.1)
    leg.in_.close()
    cap.told(CUT, frame, DEVICE, "text in it")
    cap.lines = {"report": ["FAILED +1 of 1"]}
    cap.what = "A device cuts OUT with an RST that carries a sentence."
    cap.rule = "The sentence is none of the stream (RFC 9293 3.5.3): the call is known to be pending still."


SWEEPER = b"BIG-IP: [0x2409ad0:5163] Flow expired (sweeper)"
PEER = b"BIG-IP: [0x2409ad0:1162] {peer} TCP RST from remote system"
SNIP = "Set-Cookie: NSC_mail=ffffffff09091f1445525d5f4f58455e445a4a423660; path=/; HttpOnly"


@told("rpc-rst-reason-client", "a BIG-IP resets both idle halves in the client's name, with its reason")
def rst_reason_client(cap):
    leg = ready(cap)
    cap.wait(300)
    frame = leg.out.packet(UP, RST | ACK, SWEEPER)
    leg.in_.packet(UP, RST | ACK, SWEEPER)
    cap.told(CUT, frame, DEVICE, r"client's end sent RST \(.BIG-IP: .*Flow expired \(sweeper\)", r"10.0.0.21:\d+ or between")
    cap.lines = {"report": ["FAILED +1 of 1"]}
    cap.what = "Captured at the server: the BIG-IP before it gives up an open connection after 300 s without a byte, and says so in its RST."
    cap.rule = "A client may leave, but no client writes text into an RST: a device cut what was open."


@told("rpc-rst-reason-lone", "a BIG-IP resets IN in the client's name before OUT came")
def rst_reason_lone(cap):
    leg = Leg(cap)
    leg.connect("in").up(rpc.ask_in())
    leg.in_.up(rpc.conn_b1(leg.c))
    cap.wait(30)
    frame = leg.in_.packet(UP, RST | ACK, SWEEPER)
    cap.told(LONE, frame, DEVICE, "Flow expired", never="the client gave up")
    cap.what = "IN alone, for 30 s; then an RST of the client's end with the reason of a BIG-IP."
    cap.rule = "Who gave up was not the client."


@told("rpc-rst-reason-passed", "a BIG-IP says that it passes on an RST of the server's")
def rst_reason_passed(cap):
    leg = ready(cap)
    ask(leg)
    cap.wait(1)
    frame = leg.out.packet(DOWN, RST | ACK, PEER)
    leg.in_.packet(DOWN, RST | ACK, PEER)
    cap.told(CUT, frame, UNKNOWN, "TCP RST from remote system", never="not the server's own")
    cap.what = "Under a call both halves are reset; the RST says that the other side of the BIG-IP was reset."
    cap.rule = "The device wrote it, and was not the first: whose doing it was, this leg does not show."


def citrix(name, title, lines, says, never, rule):
    @told(name, title)
    def build(cap):
        leg = Leg(cap)
        leg.start(answer_lines=lines)
        leg.join()
        leg.bind(Emsmdb)
        leg.call(Emsmdb.CONNECT)
        ask(leg)
        cap.wait(1)
        leg.out.window[DOWN] = leg.in_.window[DOWN] = 9811
        frame = leg.out.rst(DOWN)
        leg.in_.rst(DOWN)
        cap.told(CUT, frame, UNKNOWN, *says, never=never)
        cap.what = "Under a call both halves are reset by RSTs with a window of 9811."
        cap.rule = rule


citrix("rpc-rst-code", "an RST with a reset code of Citrix ADC", (SNIP,), ["window 9811, as Citrix ADC writes its reset codes"], None,
       "The 200 set a cookie of Citrix ADC: the window of its RST is a code.")
citrix("rpc-rst-code-none", "an RST whose window only looks like a reset code", (), [], "Citrix",
       "Nothing else says that a Citrix ADC stands there: many a window is 9811.")


@told("rpc-cut-rst-both", "RSTs to both ends, under a call")
def rst_both(cap):
    leg = ready(cap)
    ask(leg)
    cap.wait(1)
    frame = leg.out.rst(DOWN)
    leg.out.rst(UP)
    cap.wait(0.1)
    leg.in_.close()
    cap.told(CUT, frame, UNKNOWN)
    cap.lines = {"rows": [r"channel.cut \| *\d+ \|[^|]*\|NETWORK DEVICE \(inferred\)"]}
    cap.what = "RSTs with exact sequence numbers go to the client and, in the next frame, to the server."
    cap.rule = "One device wrote both. The frame of the first cannot know of the second; the table uses the end."


@told("rpc-cut-loss-before", "a call is cut; a segment was lost long before")
def loss_before(cap):
    leg = ready(cap)
    leg.out.down(rpc.ping(), captured=False)
    leg.out.down(rpc.ping())
    cap.wait(3)
    leg.call(Emsmdb.DUMMY)
    cap.wait(1)
    ask(leg)
    cap.wait(1)
    frame = leg.out.rst(DOWN)
    cap.wait(0.1)
    leg.in_.close()
    cap.told(CUT, frame, UNKNOWN, "had no answer")
    cap.what = "A segment of OUT was not captured. Later a call is asked and OUT is reset; from the call on nothing is missing."
    cap.rule = "The connections are whole over the span that the verdict speaks of."


@told("rpc-order-answer-first", "the answer stands before its call")
def answer_first(cap):
    leg = ready(cap)
    ask(leg)
    leg.out.down(rpc.response(leg.calls, 6, rpc.u32(0)))
    count = len(cap.frames)
    (a, call), (b, answer) = cap.frames[count - 4], cap.frames[count - 2]
    cap.frames[count - 4], cap.frames[count - 2] = (a, answer), (b, call)
    cap.wait(3)
    server_ends(cap, leg)
    cap.lines = {"report": ["healthy +1 of 1"]}
    cap.what = "Two frames of a healthy call are captured in the wrong order, as taps of two ports do; 3 s later the server ends."
    cap.rule = "Nothing: the call was answered."


@told("rpc-drop-under-call", "a call after 70 idle seconds that nobody acknowledges, then RSTs")
def drop_under_call(cap):
    leg = ready(cap)
    cap.wait(70)
    leg.in_.push(UP, rpc.request(9, 6, b""))
    for number in range(3):
        cap.wait(0.3 * 2 ** number)
        frame = leg.in_.again(UP)
    cap.wait(2)
    leg.in_.rst(DOWN, ack=False)
    leg.out.rst(DOWN)
    cap.told("rpch.channel.silent_drop", frame, DEVICE)
    cap.what = "A call is sent again three times without an ACK; then both channels are reset by the server's end."
    cap.rule = "silent_drop explains the end and the missing answer."


# ---- opening ---------------------------------------------------------------------------------------

@told("rpc-session-opens-later", "a client that tries again in the same OutlookSession")
def session_later(cap):
    lines = {"in_lines": (SESSION,), "out_lines": (SESSION,)}
    first = Leg(cap)
    first.start(**lines)
    cap.wait(5.2)
    frame = first.in_.close()
    first.out.close()
    cap.wait(1)
    second = Leg(cap, vc=1)
    second.start(**lines)
    joined = second.join()
    second.work()
    second.close()
    cap.told(NEVER, frame, UNKNOWN)
    cap.told(LATE, joined.frame, UNKNOWN, "OutlookSession is open", "never_joined in frame")
    cap.lines = {"no_rows": ["never_joined"], "no_report": ["FAILED"]}
    cap.what = "No CONN/C2 for 5.2 s, the client leaves and opens another virtual connection in the same OutlookSession."
    cap.rule = "The same OutlookSession opened later overtakes never_joined."


@told("rpc-out-200-only", "OUT gets its 200 and nothing behind it")
def out_200_only(cap):
    leg = Leg(cap)
    leg.start(a3=False)
    leg.out.down(rpc.success())
    cap.wait(31)
    frame = leg.in_.up(rpc.ping())
    cap.wait(1)
    leg.close()
    cap.told(NO_PDU, frame, UNKNOWN, "no PDU came behind the 200")
    cap.what = "CONN/A1 is answered with 200 and application/rpc; neither CONN/A3 nor another PDU follows for 31 s."
    cap.rule = "No PDU of OUT's sender, the server, within 30 s. CONN/A3 is the OUT proxy's own, so never_joined is not told."


@told("rpc-expect", "both halves wait for a 100 that does not come")
def expect(cap):
    leg = Leg(cap)
    leg.connect("in").up(rpc.ask_in("Expect: 100-continue"))
    leg.connect("out").up(rpc.ask_out("Expect: 100-continue"))
    cap.wait(20)
    for told_at in leg.in_.close(UP), leg.out.close(UP):
        cap.told(NO_PDU, told_at, UNKNOWN, "Expect: 100-continue, and no 100 came", never="held back before this leg")
    cap.what = "RPC_IN_DATA and RPC_OUT_DATA with Expect: 100-continue get no answer; no body follows, and after 20 s the client closes both."
    cap.rule = "RFC 9110 10.1.1: the client waits for the 100. It is not to say that a body was held back."


@told("rpc-expect-device", "behind the balancer the head of IN has no Expect any more")
def expect_device(cap):
    both = Relayed(cap, FRONT, behind("10.0.0.81:80"))
    front, back = both.legs
    front.connect("in").up(rpc.ask_in("Expect: 100-continue"))
    back.connect("in").up(rpc.ask_in())
    both.request("out")
    both.first("out")
    both.back(rpc.success, rpc.conn_a3)
    cap.wait(20)
    front.in_.close(UP)
    told_at = back.in_.close(UP)
    front.out.close(UP)
    back.out.close(UP)
    cap.told(NO_PDU, told_at, SEEN, "leg 0 has Expect: 100-continue, this one has not", "dropped Expect")
    cap.what = "The balancer passes the head of RPC_IN_DATA on without Expect, and waits for a body; the client waits for a 100 and leaves after 20 s."
    cap.rule = "As rpc-expect; here it shows who dropped the header."


@told("rpc-no-pdu-alone", "OUT alone, and no response to it")
def no_pdu_alone(cap):
    leg = Leg(cap)
    leg.connect("out").up(rpc.ask_out(), rpc.conn_a1(leg.c))
    cap.wait(20)
    frame = leg.out.close()
    cap.told(NO_PDU, frame, UNKNOWN)
    cap.lines = {"no_rows": ["channel.lone"]}
    cap.what = "OUT is opened without IN; it gets no response, and the client leaves after 20 s."
    cap.rule = "One cause, one warning: no_pdu, and no lone beside it."


@told("rpc-c2-held", "CONN/C2 comes on the leg behind and never on the client's")
def c2_held(cap):
    both = two_legs(cap, opened=False)
    both.back(rpc.success, rpc.conn_a3)
    front, back = both.legs
    back.out.down(rpc.conn_c2())
    cap.wait(6)
    frame = front.in_.up(rpc.ping())
    back.in_.up(rpc.ping())
    front.close()
    back.close()
    cap.told(BUFFERED, frame, SEEN, "CONN/C2 came on leg 1")
    cap.lines = {"no_report": ["healthy"]}
    cap.what = "The device has CONN/C2 for six seconds and does not pass it on; the client leaves."
    cap.rule = "C2 on the leg behind silences never_joined; that the device holds it is told, and nothing is healthy."


@told("rpc-page-exchange", "200 with a page of Exchange's")
def page_exchange(cap):
    leg = Leg(cap)
    leg.start(a3=False)
    frame = leg.out.down(rpc.page(200, "OK", "X-FEServer: EX01", "X-OWA-Version: 15.1.2507.6",
                                  text="<html><title>Outlook</title></html>"))
    cap.wait(1)
    leg.close()
    cap.told(REFUSED, frame, "SERVER (inferred)", "Exchange sent a page")
    cap.verdicts[-1]["never"] = ["from between"]
    cap.what = "Exchange's front end answers OUT with a page of text/html."
    cap.rule = "A page with Exchange's headers is not from between."


@told("rpc-refused-clocks", "503 from the server; the leg behind is stamped 20 ms late")
def refused_clocks(cap):
    both = two_legs(cap, opened=False)
    front, back = both.legs
    cap.wait(0.2)
    server = back.out.down(rpc.page(503, "Service Unavailable", text="busy"))
    device = front.out.down(rpc.page(503, "Service Unavailable", text="busy"))
    front.close()
    back.close()
    place = stamp_late(cap, (back.in_, back.out), 0.02)
    cap.told(REFUSED, place(device), SEEN, "and leg 1 had no such response by then",
             "the device at 10.0.0.40:80 wrote it")
    cap.told(REFUSED, place(server), UNKNOWN)
    cap.lines = {"no_rows": ["refused.*NETWORK DEVICE"], "rows": ["refused.*CANNOT TELL"],
                 "report": ["where +CANNOT TELL \\(the clocks before the device and behind it differ\\)"]}
    cap.what = "The device passes the server's 503 on, but leg 1 was captured by a clock 20 ms ahead, so the 503 stands on leg 0 " \
               "first. No effect stood before its cause until then."
    cap.rule = "When the same answer comes on leg 1 later, the table no longer blames the device."


# ---- recycling -------------------------------------------------------------------------------------

@told("rpc-successor-silent", "the successor of OUT is not accepted, and the old OUT ends")
def successor_silent(cap):
    leg = ready(cap)
    old = leg.out
    old.down(pdus.out_a2())
    leg.connect("out").up(rpc.ask_out(length=120))
    leg.out.up(pdus.out_a3(leg.c))
    ask(leg)
    cap.wait(5)
    end = old.close(DOWN)
    cap.wait(26)
    frame = leg.out.probe(UP) - 1
    leg.in_.up(rpc.ping())
    leg.close()
    cap.told(NOT_RECYCLED, frame, UNKNOWN, "not accepted", f"closed the old channel with FIN in frame {end}")
    cap.what = "OUT is to be replaced, the client asks for a successor, nothing answers that. After 5 s the server's end closes " \
               "the old OUT."
    cap.rule = "Asked for and none of A4 to A6, B3 and C1 for 30 s; that the predecessor ends on the way changes nothing."


@told("rpc-recycled-one-way", "one direction of an OUT that is replaced was not captured")
def recycled_one_way(cap):
    leg = ready(cap)
    c, old = leg.c, leg.out
    ask(leg)
    old.down(rpc.response(leg.calls, Emsmdb.DUMMY[0], Emsmdb.DUMMY[2]))
    old.down(pdus.out_a2())
    leg.connect("out").up(rpc.ask_out(length=120))
    leg.out.up(pdus.out_a3(c))
    old.down(rpc.rts("OUT_R2/A6", 0, rpc.destination(rpc.CLIENT), rpc.ANCE))
    leg.in_.up(rpc.rts("OUT_R2/A7", 0x10, rpc.destination(rpc.SERVER), rpc.cookie(c.new_out), rpc.version()))
    leg.out.up(rpc.rts("OUT_R2/C1", 0x01, rpc.EMPTY))
    old.down(pdus.ance("OUT_R2/B3", 0x20))
    old.close(DOWN)
    leg.out.down(rpc.success())
    c.recycled("out")
    cap.wait(2)
    leg.call(Emsmdb.DUMMY)
    cap.wait(4)
    server_ends(cap, leg)
    ports = struct.pack(">HH", 80, int(old.client.rpartition(":")[2]))
    cap.frames[:] = [(ns, data) for ns, data in cap.frames if data[34:38] != ports]
    cap.lines = {"rows": [r"one direction only"], "no_rows": ["unanswered", "channel.cut"]}
    cap.what = "Of the first OUT the server's direction went over the other member of a bond; then OUT is replaced (OUT_R2), and all of the " \
               "new one was captured."
    cap.rule = "The answers to bind and calls before it came on the old one: the new one cannot tell that they never came."


@told("rpc-recycle-slow", "a recycling that takes 29 s")
def recycle_slow(cap):
    hops = pdus.Hops(cap, True, False)
    hops.open()
    leg, c = hops.front, hops.c
    old = hops.out_start()
    cap.wait(29)
    old.down(pdus.out_r1_a5("OUT_R1/A6"))
    leg.in_.up(pdus.out_cookie("OUT_R1/A7", c))
    old.down(pdus.ance("OUT_R1/A10"))
    leg.out.up(pdus.ance("OUT_R1/A11"))
    leg.out.down(rpc.success())
    old.close(DOWN)
    c.recycled("out")
    cap.wait(2)
    hops.call(Nspi.UPDATE)
    leg.close()
    cap.what = "The successor's request has 120 bytes; the last of them, OUT_R1/A11, are sent 29 s after the first."
    cap.rule = "Nothing: the time of the logon runs from the last byte of the request, and 29 s are no 30."


@told("rpc-successor-reset-early", "the successor of OUT is reset within its logon")
def successor_reset_early(cap):
    leg = ready(cap)
    leg.out.down(pdus.out_a2())
    new = cap.connect("10.0.0.21", "10.0.0.81:80")
    new.up(rpc.ask_out(length=0, auth=rpc.ntlm_negotiate()))
    cap.wait(0.1)
    end = new.rst(DOWN)
    cap.wait(20)
    leg.call(Emsmdb.DUMMY)
    cap.wait(15)
    frame = leg.in_.up(rpc.request(leg.calls + 1, *Emsmdb.DUMMY[:2]))
    leg.calls += 1
    leg.out.down(rpc.response(leg.calls, Emsmdb.DUMMY[0], Emsmdb.DUMMY[2]))
    leg.close()
    cap.told(NOT_RECYCLED, frame, UNKNOWN, "was asked for", f"ended it with RST in frame {end}")
    cap.lines = {"no_rows": ["cut"]}
    cap.what = "OUT is to be replaced. The client asks for the successor with an NTLM type 1 message, which has no body and so names no " \
               "virtual connection; the server's end resets that connection."
    cap.rule = "The client did ask, so it is not the one that does not replace its channel; and no virtual connection of its own is cut."


@told("rpc-successor-busy-early", "the successor of OUT gets 503 within its logon")
def successor_busy_early(cap):
    leg = ready(cap)
    leg.out.down(pdus.out_a2())
    new = cap.connect("10.0.0.21", "10.0.0.81:80")
    new.up(rpc.ask_out(length=0, auth=rpc.ntlm_negotiate()))
    frame = new.down(rpc.page(503, "Service Unavailable", text="busy"))
    new.close(UP)
    cap.wait(20)
    leg.call(Emsmdb.DUMMY)
    cap.wait(15)
    leg.call(Emsmdb.DUMMY)
    leg.close()
    cap.told(NOT_RECYCLED, frame, UNKNOWN, "got status 503")
    cap.told(REFUSED, frame, UNKNOWN, "was to replace the OUT of an open virtual connection")
    cap.what = "OUT is to be replaced. The client asks for the successor with an NTLM type 1 message and gets 503."
    cap.rule = "The refusal is that of the successor, and it was asked for."


@told("rpc-recycle-both-cut", "IN and OUT are replaced at once, and all four are reset")
def recycle_both_cut(cap):
    leg = ready(cap)
    old_in, old_out = leg.in_, leg.out
    old_out.down(pdus.out_a2())
    leg.connect("in").up(rpc.ask_in())
    leg.connect("out").up(rpc.ask_out(length=120))
    leg.in_.up(pdus.in_a1(leg.c))
    leg.out.up(pdus.out_a3(leg.c))
    cap.wait(0.5)
    old_in.rst(DOWN)
    end = old_out.rst(DOWN)
    cap.wait(0.1)
    leg.in_.rst(DOWN)
    frame = leg.out.rst(DOWN)
    cap.told(NOT_RECYCLED, frame, UNKNOWN, "not accepted for 0.6 s", f"closed the old channel with RST in frame {end}")
    cap.what = "Both channels are being replaced when the server's end resets the old ones, and 0.1 s later the new ones."
    cap.rule = "The successor of OUT was not accepted, and neither it nor the old channel is left: there is nothing to wait 30 s for."


@told("rpc-client-asleep-two", "two connections that the server gives up, for the client is gone")
def client_asleep_two(cap):
    legs = [ready(cap, seed=f"asleep{number}") for number in range(2)]
    for leg, seconds in zip(legs, (12, 7)):
        cap.wait(seconds)
        leg.out.push(DOWN, rpc.ping())
    for number in range(5):
        cap.wait(0.3 * 2 ** number)
        for leg in legs:
            leg.out.again(DOWN)
    cap.wait(2)
    for leg in legs:
        leg.out.rst(DOWN)
    cap.wait(0.2)
    for leg in legs:
        leg.in_.rst(DOWN)
    cap.wait(5)
    cap.lines = {"no_rows": ["server_gone", "idle_closed", "cut"]}
    cap.what = "Captured at the server: a laptop is closed. Its server sends pings on two connections again and again without an ACK, " \
               "resets them, and then their other halves."
    cap.rule = "Who has said the same four times and heard nothing gives a connection up because of the other end: no server is gone, " \
               "and no idle time-out ran out."


@told("rpc-client-asleep-upload", "a PDU under way when the client is gone")
def client_asleep_upload(cap):
    leg = ready(cap)
    leg.in_.up(rpc.Msg(rpc.request(9, 0, bytes(5000)).data[:2000]))
    cap.wait(2)
    for _ in range(6):
        cap.wait(1)
        leg.in_.packet(DOWN, ACK, seq=(leg.in_.seq[DOWN] - 1) & 0xFFFFFFFF)
    leg.in_.rst(DOWN)
    leg.out.rst(DOWN)
    cap.wait(3)
    cap.what = "A laptop is closed within a PDU. Its server asks six times by keep-alive whether it is there, and resets the connection."
    cap.rule = "The server's end gave up what the client had left: nothing was cut."


@told("rpc-keepalive-then-loss", "keep-alive probes that are answered, then nothing more")
def keepalive_then_loss(cap):
    leg = ready(cap)
    for _ in range(4):
        cap.wait(20)
        leg.in_.probe(UP)
        leg.out.probe(UP)
    cap.wait(5)
    leg.in_.push(UP, rpc.ping())
    for number in range(4):
        cap.wait(0.3 * 2 ** number)
        leg.in_.again(UP)
    cap.wait(5)
    leg.in_.rst(UP)
    leg.out.rst(UP)
    cap.what = "For 85 s no data, but every 20 s a TCP keep-alive probe, which is answered; 5 s after the last a ping that nobody " \
               "acknowledges."
    cap.rule = "Everybody on the way knew the connection 5 s before: no idle time-out of 60 s or more can have run out."


@told("rpc-drop-network-down", "a ping after 70 idle seconds that nobody answers, nor a SYN")
def network_down(cap):
    leg = ready(cap)
    cap.wait(70)
    leg.in_.push(UP, rpc.ping())
    new = scene.Conn(cap, "10.0.0.21:51555", "10.0.0.81:80")
    for number in range(4):
        cap.wait(0.3 * 2 ** number)
        frame = leg.in_.again(UP)
        new.packet(UP, SYN)
        if number == 2:
            told_at = frame
    cap.wait(5)
    leg.in_.rst(UP)
    leg.out.rst(UP)
    cap.told(DROP, told_at, UNKNOWN, "SYN")
    cap.what = "A ping after 70 s is sent again without an ACK; meanwhile the same client's SYN to the same server gets no answer either."
    cap.rule = "What takes no new connection has not forgotten an old one: the network of the client may be gone, or the server."


# ---- behind a device whose other side was not captured ---------------------------------------------

FORWARDED = "X-Forwarded-For: 192.0.2.7"


@told("rpc-lone-forwarded", "IN without OUT, which a device sent")
def lone_forwarded(cap):
    leg = Leg(cap, client="10.0.0.40")
    leg.connect("in").up(rpc.ask_in(FORWARDED))
    leg.in_.up(rpc.conn_b1(leg.c))
    cap.wait(20)
    frame = leg.in_.close(UP)
    cap.told(LONE, frame, UNKNOWN)
    cap.what = "Behind a balancer, which says in X-Forwarded-For for whom it sends; IN comes, OUT does not, and the balancer closes IN."
    cap.rule = "The client of this leg is the balancer: it or the client before it gave up, or OUT went to another server."


@told("rpc-recycle-forwarded", "OUT that is not replaced, behind a device")
def recycle_forwarded(cap):
    leg = ready(cap, client="10.0.0.40", lines=(FORWARDED,))
    leg.out.down(pdus.out_a2())
    cap.wait(20)
    frame = leg.out.close(UP)
    leg.in_.close(UP)
    cap.told(NOT_RECYCLED, frame, UNKNOWN, "10.0.0.40")
    cap.what = "Behind a balancer, which says in X-Forwarded-For for whom it sends, no successor of OUT is asked for."
    cap.rule = "Whether the client did not ask or the balancer did not pass it on, or to another server, does not show here."


@told("rpc-target-forwarded", "two targets, behind a device")
def target_forwarded(cap):
    leg = Leg(cap, client="10.0.0.40")
    leg.connect("in").up(rpc.ask_in(FORWARDED, target="ex1.example.test:6001"))
    leg.connect("out").up(rpc.ask_out(FORWARDED, target="ex2.example.test:6001"))
    leg.out.up(rpc.conn_a1(leg.c))
    frame = leg.in_.up(rpc.conn_b1(leg.c))
    leg.out.down(rpc.success(), rpc.conn_a3())
    cap.wait(1)
    leg.in_.close(UP)
    leg.out.close(UP)
    cap.told("rpch.routing.target_mismatch", frame, UNKNOWN)
    cap.what = "Behind a balancer, which says in X-Forwarded-For for whom it sends, IN and OUT ask for two servers."
    cap.rule = "The client or the balancer wrote the URL."


# ---- flow control ------------------------------------------------------------------------------------

@told("rpc-window-proxy", "an IN proxy that sends more than the server allows")
def window_proxy(cap):
    leg = scene.ServerLeg(cap)
    leg.start()
    leg.out.down(rpc.conn_c1())
    leg.in_.down(rpc.conn_b3(8192))
    leg.bind(Emsmdb)
    for _ in range(6):
        leg.calls += 1
        frame = leg.in_.up(rpc.request(leg.calls, 0, bytes(2000)))
        if leg.calls == 6:
            passed = frame
    leg.close()
    cap.told(WINDOW, passed, "SERVER (seen)")
    cap.what = "Between proxies and server: the server allows 8192 bytes in CONN/B3 and acknowledges nothing, the IN proxy sends 12 KB."
    cap.rule = "The sender on this hop is the IN proxy, on the side of the servers; the client is on another hop with its own window."


@told("rpc-window-both", "a client that passes the window, before and behind a device")
def window_both(cap):
    both = two_legs(cap, opened=False)
    for leg in reversed(both.legs):
        leg.out.down(rpc.success(), rpc.conn_a3())
        leg.out.down(rpc.conn_c2(8192))
    both.call(None)
    for call in range(50, 56):
        for leg in both.legs:
            frame = leg.in_.up(rpc.request(call, 0, bytes(2000)))
            if call == 54 and leg is both.legs[0]:
                passed = frame
    for leg in both.legs:
        leg.close()
    cap.told(WINDOW, passed, "CLIENT (seen)")
    cap.what = "The client sends 12 KB against a window of 8 KB, and the device passes that on."
    cap.rule = "One cause, one verdict: on the leg next to the client."


# ---- ends that are not the server's own, or that take nothing ----------------------------------------

@told("rpc-rst-foreign-all", "a firewall resets four connections, and lets them come back")
def rst_foreign_all(cap):
    legs = [ready(cap, client=f"10.0.0.{21 + number}", seed=f"old{number}") for number in range(4)]
    for leg in legs:
        cap.wait(1)
        leg.call(Emsmdb.DUMMY)
    for leg in legs:
        for conn in (leg.in_, leg.out):
            conn.ttl = 64, 250
            frame = conn.rst(DOWN)
            if conn is leg.in_:
                cap.told(CUT, frame, DEVICE, "its TTL or hop limit is 250")
    cap.wait(0.4)
    for number in range(4):
        ready(cap, client=f"10.0.0.{21 + number}", seed=f"new{number}").close()
    cap.lines = {"no_rows": ["server_gone", "SERVER"]}
    cap.what = "All connections to a server are reset within milliseconds by segments of another TTL than the server's, and new ones " \
               "are served 0.4 s later."
    cap.rule = "A device wrote the RSTs in the server's name: the server was neither gone nor restarted."


@told("rpc-idle-rst-foreign", "an idle connection that a firewall resets")
def idle_rst_foreign(cap):
    leg = ready(cap)
    cap.wait(77)
    leg.out.ttl = leg.in_.ttl = 64, 250
    frame = leg.out.rst(DOWN)
    leg.in_.rst(DOWN)
    cap.told(IDLE, frame, DEVICE, "its TTL or hop limit is 250", never="worker process")
    cap.what = "After 77 s of silence both halves are reset by segments of another TTL than the server's."
    cap.rule = "77 s are usual for no timer, and both halves ended: but the RST shows that a device wrote it."


@told("rpc-ended-then-closed", "a server that closes what its client has done with, again and again")
def ended_then_closed(cap):
    for number in range(4):
        leg = ready(cap, seed=f"look{number}")
        leg.call(Emsmdb.DISCONNECT)
        cap.wait(0.5)
        leg.out.close(DOWN)
        leg.in_.close(DOWN)
        cap.wait(2)
    cap.what = "Four times a client connects, makes its calls and EcDoDisconnect, and the server's end closes both channels half a second " \
               "later."
    cap.rule = "Nothing is cut: the client had ended its session, and comes back because it has something else to ask."


@told("rpc-recycle-two-reset", "two connections whose OUT is to be replaced, and one reset within a logon")
def recycle_two_reset(cap):
    legs = [ready(cap, seed=f"beside{number}") for number in range(2)]
    for leg in legs:
        leg.out.down(pdus.out_a2())
    new = cap.connect("10.0.0.21", "10.0.0.81:80")
    new.up(rpc.ask_out(length=0, auth=rpc.ntlm_negotiate()))
    cap.wait(0.05)
    reset = new.rst(DOWN)
    done, left = legs[1], legs[0]
    old = done.out
    done.connect("out").up(rpc.ask_out(length=120))
    done.out.up(pdus.out_a3(done.c))
    old.down(pdus.out_r1_a5("OUT_R1/A6"))
    done.in_.up(pdus.out_cookie("OUT_R1/A7", done.c))
    old.down(pdus.ance("OUT_R1/A10"))
    done.out.up(pdus.ance("OUT_R1/A11"))
    done.out.down(rpc.success())
    old.close(DOWN)
    cap.wait(31)
    left.calls += 1
    frame = left.in_.up(rpc.request(left.calls, *Emsmdb.DUMMY[:2]))
    left.out.down(rpc.response(left.calls, Emsmdb.DUMMY[0], Emsmdb.DUMMY[2]))
    for leg in legs:
        leg.close()
    cap.told(CUT, reset, UNKNOWN)
    cap.told(NOT_RECYCLED, frame, UNKNOWN, f"in frame {reset - 2}, and ended before its first PDU, may have been it")
    cap.what = "One client has two virtual connections to one server, both OUT are to be replaced. A request for OUT is reset before it says " \
               "of which it is; one connection is replaced then, the other never."
    cap.rule = "Whose the reset request was does not show; but that the client did not ask is not known either."


# ---- torn handshakes -------------------------------------------------------------------------

LOGON_OFFERS = ["WWW-Authenticate: Negotiate", "WWW-Authenticate: NTLM", 'WWW-Authenticate: Basic realm="mail.example.test"']


def torn_half(cap, ask, number, closes):
    """A handshake whose type 3 goes to a connection of its own; closes: who ends that of the challenge. Returns the end of
    that, and of the second connection its type 3's frame and itself."""
    info = ntlm.Target("EX1", ntlm.STAMP + number)
    one = cap.connect("10.0.0.21", "10.0.0.80:80")
    one.up(ask(auth=ntlm.type1(), length=0))
    one.down(rpc.page(401, "Unauthorized", f"WWW-Authenticate: {ntlm.type2(info)}"))
    ended = one.close(closes)
    two = cap.connect("10.0.0.21", "10.0.0.80:80")
    return ended, two.up(ask(auth=ntlm.type3(info))), two


@told("rpc-torn-thrice", "both handshakes torn, three times")
def torn_thrice(cap):
    refused = 0
    for number in range(3):
        for at, ask in enumerate((rpc.ask_in, rpc.ask_out)):
            ended, third, conn = torn_half(cap, ask, 2 * number + at, DOWN)
            cap.told(REFUSED, ended, UNKNOWN, "status 401 to an NTLM type 1")
            cap.told(TORN, third, UNKNOWN, "cannot check this answer", never="fails")
            cap.wait(0.1)
            frame = conn.down(rpc.page(401, "Unauthorized", *LOGON_OFFERS))
            refused += 1
            cap.told(REFUSED, frame, UNKNOWN, f"torn .see frame {third}")
            if refused == 3:
                cap.told("outlook.auth.refused", frame, UNKNOWN, f"see frame {third}")
            conn.close()
        cap.wait(4)
    cap.lines = {"report": [r"^FAILED +12 of 12 RPC over HTTP connections and 1 logon torn", r"also +rpch.channel.refused .12 times."],
                 "no_report": [r"^FAILED.*refused"]}
    cap.what = "The server's end closes behind each challenge, and the type 3 goes to another connection: IN and OUT, three times."
    cap.rule = "One cause is one finding, as for MAPI/HTTP."


@told("rpc-torn-accepted", "both handshakes torn, and accepted all the same")
def torn_accepted(cap):
    leg = Leg(cap, user="EXAMPLE\\alice")
    thirds = []
    for number, (role, ask) in enumerate((("in", rpc.ask_in), ("out", rpc.ask_out))):
        ended, third, conn = torn_half(cap, ask, number, UP)
        cap.told(REFUSED, ended, UNKNOWN, "then the client closed")
        cap.told(TORN, third, DEVICE, "cannot check its answer", never="fails")
        thirds.append(third)
        setattr(leg, "in_" if role == "in" else "out", conn)
    leg.out.up(rpc.conn_a1(leg.c))
    leg.in_.up(rpc.conn_b1(leg.c))
    leg.out.down(rpc.success(), rpc.conn_a3(), rpc.conn_c2())
    for third in thirds:
        cap.told(TORN_ACCEPTED, cap.frame - 1, UNKNOWN, f"in frame {third} is accepted")
    leg.work()
    leg.close()
    cap.lines = {"report": [r"^healthy +3 of 3 RPC over HTTP connections"], "no_report": [r"FAILED", r"CANNOT TELL"]}
    cap.what = "A device checks NTLM itself and knows its challenges on whatever connection: type 3 comes on another one, and is accepted."
    cap.rule = "What was told on the frame of the type 3 holds no longer, and the report says so: nothing failed."
