"""Shows that each preference of a threshold moves its verdict, just at its edge, that values out of range are clamped, and
what the preferences rpch.same_proxy_required and rpch.server_ports change.

    run_preferences.py [NAME ...]

A sample waits from one frame to another; its clock is set so that this takes a given time. A threshold of seconds is tried
with the same number of seconds, with a microsecond more and less, and with one second more. With 0, which is none, it says
what it says with 1, and with the highest number that Wireshark takes nothing.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import dataclasses
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import common
import wsrun
from common import capfile

SECOND = 10**9
STEP = 1000                          # of clocks in samples
HIGHEST = 2**32 - 1


WORK = 40 * 10**6


@dataclasses.dataclass
class Wait:
    """From a frame of the sample to another on which the verdict is told once it took so many seconds, or more than these."""
    preference: str
    sample: str
    verdict: str
    first: int
    last: int
    seconds: int
    exactly: bool                    # told where it took just as long
    work: int = 0                    # nanoseconds by X-ElapsedTime, which the logon did not take

    @property
    def name(self):
        return f"{self.preference} {self.sample}"


WAITS = [
    Wait("rpch.handshake_wait", "verdict-never-5s", "rpch.routing.never_joined", 13, 17, 4, True),
    Wait("rpch.call_wait", "rpc-bind-unanswered", "rpch.call.unanswered", 21, 23, 60, True),
    Wait("rpch.buffered_wait", "verdict-buffered-out", "rpch.channel.buffered", 29, 33, 3, True),
    Wait("outlook.auth_slow", "mapi-auth-slow-basic", "outlook.auth.slow", 4, 6, 5, False, WORK),
    Wait("outlook.auth_very_slow", "mapi-auth-very-slow", "outlook.auth.very_slow", 8, 10, 12, False, WORK),
    Wait("outlook.auth_very_slow", "mapi-auth-refused-basic", "outlook.auth.very_slow", 4, 6, 12, False),
]
USUAL = {"outlook.auth_very_slow": {"outlook.auth_slow": 1}}     # it is never below the other


class Clock:
    """Copies of a sample in which the wait takes a given time."""

    def __init__(self, tshark, folder, wait):
        self.tshark, self.folder, self.wait = tshark, folder, wait
        self.sample, = common.samples(wait.sample, kind=None)
        packets = self.sample.capture.packets
        self.took = packets[wait.last - 1].time - packets[wait.first - 1].time

    def set(self, ns):
        """Until the last frame all stands, from there on it is moved."""
        packets = [dataclasses.replace(packet, time=packet.time + (ns + self.wait.work - self.took if number >= self.wait.last else 0))
                   for number, packet in enumerate(self.sample.capture.packets, 1)]
        path = pathlib.Path(self.folder) / f"{self.wait.name}-{ns}.pcapng"
        capfile.save(path, dataclasses.replace(self.sample.capture, packets=packets))
        return self.tshark.private_copy(path)

    def told(self, path, value, **others):
        """The frames with the verdict."""
        chosen = {**USUAL.get(self.wait.preference, {}), self.wait.preference: value, **others}
        options = [word for name, number in chosen.items() for word in ("-o", f"{name}:{number}")]
        return frames_with(self.tshark, ["-r", path, "-n", *options], self.wait.verdict)


def frames_with(tshark, options, verdict):
    text = tshark.output([*options, "-T", "fields", "-E", "occurrence=a", "-e", "frame.number", "-e", "outlook.verdict"])
    rows = (line.split("\t") for line in text.splitlines())
    return [int(frame) for frame, verdicts in rows if verdict in verdicts.split(",")]


def edge(tshark, folder, counter, wait):
    clock = Clock(tshark, folder, wait)
    for ns, told in ((wait.seconds * SECOND - STEP, False), (wait.seconds * SECOND, wait.exactly), (wait.seconds * SECOND + STEP, True)):
        path = clock.set(ns)
        counter.equal(wait.last in clock.told(path, wait.seconds), told,
                      f"{wait.verdict} on frame {wait.last} after {ns / SECOND} s, with {wait.seconds}")
        counter.equal(wait.last in clock.told(path, wait.seconds + 1), False,
                      f"{wait.verdict} on frame {wait.last} after {ns / SECOND} s, with {wait.seconds + 1}")
    counter.equal(clock.told(path, HIGHEST), [], f"{wait.verdict} with {HIGHEST}")


def least(tshark, folder, counter, wait):
    """0 is as good as 1: half a second is no wait, whatever is set."""
    clock = Clock(tshark, folder, wait)
    for ns, told in ((SECOND // 2, False), (SECOND + STEP, True)):
        path = clock.set(ns)
        with_none, with_one = (clock.told(path, value) for value in (0, 1))
        counter.equal(wait.last in with_one, told, f"{wait.verdict} on frame {wait.last} after {ns / SECOND} s, with 1")
        counter.equal(with_none, with_one, f"frames with {wait.verdict} after {ns / SECOND} s, with 0 and with 1")


def very_slow(tshark, folder, counter):
    """Never before slow: of credentials that are refused this is the only one that is told."""
    wait = WAITS[-1]
    clock = Clock(tshark, folder, wait)
    path = clock.set(wait.seconds * SECOND + STEP)
    for slow, told in ((wait.seconds, True), (wait.seconds + 1, False)):
        counter.equal(wait.last in clock.told(path, 1, **{"outlook.auth_slow": slow}), told,
                      f"{wait.verdict} after {wait.seconds} s, with 1 and outlook.auth_slow {slow}")


def refusals(tshark, counter):
    """Three in a row."""
    sample, = common.samples("mapi-auth-refused-basic", kind=None)
    expected = {0: [6], 1: [6], 2: [10], 3: [14], 4: [], HIGHEST: []}
    for value, frames in expected.items():
        got = frames_with(tshark, [*sample.options(tshark), "-o", f"outlook.auth_refusals:{value}"], "outlook.auth.refused")
        counter.equal(got, frames, f"frames with outlook.auth.refused, with {value}")
    counter.equal(frames_with(tshark, sample.options(tshark), "outlook.auth.refused"), expected[3], "without the preference")


def same_proxy(tshark, counter):
    sample, = common.samples("legs-misrouted", kind=None)
    for value, severity in (("FALSE", "note"), ("TRUE", "warning")):
        packets = common.packets(tshark, sample, "-o", f"rpch.same_proxy_required:{value}")
        got = {item.severity for packet in packets for item in packet.our_items() if item.name == "rpch.routing.proxies_differ"}
        counter.equal(got, {severity}, f"severities of rpch.routing.proxies_differ, with {value}")


def server_ports(tshark, counter):
    """From a proxy to its server: the port alone tells."""
    sample, = common.samples("bad-server-hop", kind=None)
    ports = {walk.tcp.server[1] for walk in sample.walks}
    counter.check(ports <= {6001, 6002, 6004}, f"ports {ports}")

    def pdus(*more):
        return tshark.output([*sample.options(tshark), *more, "-Y", "rpch.rts.pdu", "-T", "fields", "-e", "frame.number"]).split()
    usual = pdus()
    counter.check(usual, "no RTS PDU")
    for value, expected in (("6001-6004", usual), (",".join(map(str, ports)), usual), ("7001", []), ("", [])):
        counter.equal(pdus("-o", f"rpch.server_ports:{value}"), expected, f"frames with RTS PDUs, with {value!r}")


def main():
    arguments = common.Arguments()
    with wsrun.Tshark() as tshark, tempfile.TemporaryDirectory() as folder:
        tshark.prove_loaded()
        parts = [common.Part(f"{function.__name__} {wait.name}", lambda counter, do=function, wait=wait: do(tshark, folder, counter, wait))
                 for function in (edge, least) for wait in WAITS]
        parts += [common.Part("outlook.auth_very_slow and outlook.auth_slow", lambda counter: very_slow(tshark, folder, counter)),
                  common.Part("outlook.auth_refusals", lambda counter: refusals(tshark, counter)),
                  common.Part("rpch.same_proxy_required", lambda counter: same_proxy(tshark, counter)),
                  common.Part("rpch.server_ports", lambda counter: server_ports(tshark, counter))]
        return common.run_parts(arguments.of(parts))


if __name__ == "__main__":
    sys.exit(main())
