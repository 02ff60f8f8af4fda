"""Shows that a capture that is worse than what it captured raises no alarm.

    run_silence.py [--rough] [--seed N] [--part N/M] [SAMPLE ...]

Each sample that shows nothing above chat, and each healthy third-party capture, is filtered to one direction, loses
1 and 5 % of its frames and bursts of them, gets some or all frames twice, in another order, cut off or cut into pieces,
starts late, and has all its clients at one address; its clock is set back and ahead, one host's frames are stamped
early, as by a tap of two ports, two captures of one place, of two servers or connections, and of both sides of a
device are merged with clocks that differ, or one of those ends first; and it is read with other preferences of tcp, tls
and http: still nothing of the plugin above chat, and above a note where frames are lost in numbers or clocks are wrong.
Seen twice or in pieces, it has the same PDUs and requests.
The rough part is done with one leg and with two: a sample with a device is taken apart, one without gets a device.
--rough: only that. Dice are thrown by the sample's name, --seed (0) and the number of the damage; all damage is printed
with what is found.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import collections
import dataclasses
import json
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import common
import wsrun
from common import capfile

HEALTHY_THIRD_PARTY = ("affinity-rpch-source", "rpch-", "tls-rpch-", "affinity-mapihttp", "mapihttp-",
                       "outlook2003-")
TWICE = "each frame twice"
CUT_UP = "each segment cut into pieces"
# What is lost in pieces, and why: stock finds plain DCE/RPC by a whole header; a piece of CONN/C2 is late already; where
# candidates of two channels alternate, the order in which their last pieces come decides; of what comes late, one piece may
# be read and another not.
NOT_IN_PIECES = ("foreign-dcerpc", "live-emsmdb-kerberos", "real-outlook2003-emsmdb", "verdict-slow-join", "pdus-recycled-often",
                 "seg-answers-swapped")
# Damage that makes of a sample what a verdict is about: an hour before data that is sent again and again is an idle
# time; in six seconds without CONN/C2 a frame of another clock may stand; an RST that stands before the probe that it
# answers is one that nobody asked for; an end that stands before the Disconnect that it follows is one of its own; where
# a side that ended is captured once more for some seconds, it shows what was not passed on meanwhile.
MADE_TRUE = (("verdict-drop-busy", "clock set ahead by an hour"), ("rpc-client-asleep-two", "clock set ahead by an hour"),
             ("verdict-slow-join", "a connection's clock"),
             ("mapi-cut-probe", "frames swapped"),
             ("mapi-ends-undone-released", "a connection's clock"), ("rpc-side-ends", "merged with the same"))
UNCUT = b"ncacn_http/1.0", b"RPC_"
FIN, SYN, RST = 1, 2, 4
WAITS = b"X-RequestType: NotificationWait"
DROPS = 3                            # seeds
MESSAGES = "rpch.rts.pdu", "dcerpc.cn_call_id", "mapihttp.request_id.counter", "mapihttp.response_code"
SNAPPED = 100, 600
OURS = "RPCH", "Outlook", "MAPI/HTTP", "EMSMDB", "ROP"
BROKEN = re.compile(r", at byte \d+$")           # a structure is malformed
BODIES = "ROP", "EMSMDB", "MAPI/HTTP"
GRAVE = common.ABOVE_CHAT - {"note"}
# What a user may have switched, each by itself.
SWITCHED = ("tcp.desegment_tcp_streams:FALSE", "tcp.analyze_sequence_numbers:FALSE", "tcp.reassemble_out_of_order:TRUE",
            "tls.desegment_ssl_records:FALSE", "tls.desegment_ssl_application_data:FALSE", "http.desegment_headers:FALSE",
            "http.desegment_body:FALSE", "http.dechunk_body:FALSE", "http.decompress_body:FALSE")
LATE = 50                            # frames; half of a capture that is not much longer


def one_way(capture, way):
    """Of each TCP connection only what goes to the server (0) or to the client (1)."""
    gone = {index for tcp in capfile.connections(capture) for index, direction, _ in tcp.segments if direction != way}
    return [packet for index, packet in enumerate(capture.packets) if index not in gone]


def dropped(capture, seed):
    count = len(capture.packets)
    gone = set(random.Random(seed).sample(range(count), max(1, count // 100)))
    return [packet for index, packet in enumerate(capture.packets) if index not in gone]


def doubled(capture):
    """Each frame twice, as a SPAN port that sees a packet come and go does."""
    out = []
    for packet in capture.packets:
        out += [packet, copy_of(packet, packet.time + 2000)]
    return out


def whole(capture):
    """Every connection from its SYN on, without a gap: only then is each PDU found wherever it is cut."""
    tcps = capfile.connections(capture)
    begun = {tcp.number for tcp in tcps for index, way, seg in tcp.segments if way == 0 and seg.flags & SYN}
    return all(tcp.number in begun and not any(half.hole for half in tcp.halves) for tcp in tcps)


def cut_up(capture, seed):
    """Each segment in two to four pieces, cut anywhere, but the first of them long enough for a method and the greeting of
    an RPC server: before those nobody knows whose the connection is, and in a tunnel nobody asks for more."""
    dice, out = random.Random(seed), []
    for packet in capture.packets:
        seg = capfile.segment(packet)
        if seg is None or seg.length < 2 or seg.captured < seg.length or seg.flags & (SYN | FIN | RST):
            out.append(packet)
            continue
        data = packet.data[seg.payload:seg.payload + seg.captured]
        least = 14 if data.startswith(UNCUT) else 1
        cuts = sorted({dice.randrange(least, len(data)) for _ in range(dice.randrange(1, 4))} if len(data) > least else ())
        for number, (begin, end) in enumerate(zip([0, *cuts], [*cuts, len(data)])):
            piece = capfile.rebuild(packet, seg, payload=data[begin:end], seq=(seg.seq + begin) & 0xffffffff)
            out.append(copy_of(piece, packet.time + number * 100))
    return out


def late(capture):
    count = len(capture.packets)
    return capture.packets[LATE if count > LATE * 6 // 5 else count // 2:]


def snapped(capture, size):
    """No more than size bytes of each frame, as with tcpdump -s."""
    return [dataclasses.replace(packet, data=packet.data[:size]) for packet in capture.packets]


def one_address(capture):
    """All clients at one address, each connection on a port of its own."""
    packets = list(capture.packets)
    for tcp in capfile.connections(capture):
        address = b"\x0a\x09\x09\x09" if len(tcp.client[0]) == 4 else bytes.fromhex("fd00" + "00" * 13 + "09")
        client = (address, 20000 + tcp.number)
        for index, way, seg in tcp.segments:
            ends = (client, tcp.server) if way == 0 else (tcp.server, client)
            packets[index] = capfile.rebuild(packets[index], seg, source=ends[0], target=ends[1])
    return packets


SECOND = 10**9
RELAY = 300_000                      # ns that a frame is on its way through a device


def copy_of(packet, time):
    return dataclasses.replace(packet, time=time)


def by_time(packets):
    return sorted(packets, key=lambda packet: packet.time)


def bursts(capture, dice):
    """Lost: three times up to eight frames in a row."""
    count, gone = len(capture.packets), set()
    for _ in range(3):
        begin = dice.randrange(count)
        gone |= set(range(begin, begin + dice.randrange(1, min(8, max(2, count // 8)))))
    return [packet for index, packet in enumerate(capture.packets) if index not in gone]


def lossy(capture, dice, share):
    return [packet for packet in capture.packets if dice.random() >= share]


def swapped(capture, dice):
    """One frame in ten stands up to three places late, at its neighbour's time."""
    packets = list(capture.packets)
    for _ in range(max(1, len(packets) // 10)):
        at = dice.randrange(len(packets))
        to = min(len(packets) - 1, at + dice.randrange(1, 4))
        packet = packets.pop(at)
        packets.insert(to, copy_of(packet, packets[to - 1].time))
    return packets


def some_twice(capture, dice):
    out = []
    for packet in capture.packets:
        out += [packet] * (2 if dice.random() < 0.1 else 1)
    return out


def set_clock(capture, at, by):
    return [copy_of(packet, packet.time + (by if index >= at else 0)) for index, packet in enumerate(capture.packets)]


def longest_pause(capture):
    times = [packet.time for packet in capture.packets]
    return max(range(1, len(times)), key=lambda index: times[index] - times[index - 1], default=0)


def moved(capture, chosen, by):
    """The chosen frames at another time, and standing where that is."""
    return by_time(copy_of(packet, packet.time + (by if index in chosen else 0))
                   for index, packet in enumerate(capture.packets))


def early(capture, tcps, dice, by):
    """All frames of one host are stamped early and stand where their time is: a tap of two ports."""
    hosts = sorted({end[0] for tcp in tcps for end in (tcp.client, tcp.server)})
    host = dice.choice(hosts) if hosts else None
    return moved(capture, {index for tcp in tcps for index, way, _ in tcp.segments
                           if (tcp.client, tcp.server)[way][0] == host}, -by)


def behind_device(tcps):
    """The frames between a device and what is behind it; empty: there is no device."""
    devices = {tcp.server[0] for tcp in tcps} & {tcp.client[0] for tcp in tcps}
    return {index for tcp in tcps if tcp.client[0] in devices and tcp.client[0] != tcp.server[0]
            for index, _, _ in tcp.segments}


def of_connection(tcps, dice, ways=(0, 1)):
    """The frames of one connection."""
    return {index for index, way, _ in dice.choice(tcps).segments if way in ways} if tcps else set()


def merged(capture, by):
    """The same from another capture whose clock differs."""
    return by_time([*capture.packets, *(copy_of(packet, packet.time + by) for packet in capture.packets)])


def without(capture, gone):
    return [packet for index, packet in enumerate(capture.packets) if index not in gone]


def one_side_ends(capture, behind, side, at):
    """The sides of a device on interfaces of their own; of one of them (1: behind it) nothing from a frame on."""
    return [dataclasses.replace(packet, interface=int(index in behind)) for index, packet in enumerate(capture.packets)
            if index < at or (index in behind) != side]


def rough(capture, name, seed):
    """What may leave notes, but no more: damage that no capture of a healthy network shows, and clocks that are wrong."""
    count, start = len(capture.packets), zlib.crc32(name.encode()) + 100 * seed
    if count < 4:
        return
    tcps = capfile.connections(capture)

    def dice(number):
        return random.Random(start + number)

    yield f"1 % of the frames dropped (seed {start + 12})", lossy(capture, dice(12), 0.01)
    yield f"5 % of the frames dropped (seed {start})", lossy(capture, dice(0), 0.05)
    yield f"bursts dropped (seed {start + 1})", bursts(capture, dice(1))
    yield f"frames swapped (seed {start + 2})", swapped(capture, dice(2))
    yield f"frames doubled (seed {start + 3})", some_twice(capture, dice(3))
    at, by = dice(4).randrange(1, count), dice(14).choice((1, 2, 30, 3600)) * SECOND
    yield f"clock set back by {by // SECOND} s from frame {at + 1} on", set_clock(capture, at, -by)
    yield f"clock set ahead by 1 s from frame {at + 1} on", set_clock(capture, at, SECOND)
    yield "clock set ahead by an hour in the longest pause", set_clock(capture, longest_pause(capture), 3600 * SECOND)
    by = dice(5).choice((1, 20, 300, 2000)) * 10**6
    yield f"a host's frames stamped {by // 10**6} ms early (seed {start + 5})", early(capture, tcps, dice(5), by)
    by = dice(6).choice((50, 500, 3000, 40000)) * 10**6
    behind = behind_device(tcps)
    for sign, word in ((1, "ahead"), (-1, "behind")):
        if behind:
            yield f"clock behind the device {by // 10**6} ms {word}", moved(capture, behind, sign * by)
    for side, word in enumerate(("before", "behind")):
        at = dice(17 + side).randrange(1, count)
        if behind:
            yield (f"the capture {word} the device ends at frame {at} (seed {start + 17 + side})",
                   one_side_ends(capture, behind, side, at))
    by = dice(7).choice((-40000, -2000, -50, 50, 2000, 40000)) * 10**6
    servers = sorted({tcp.server for tcp in tcps})
    if len(servers) > 1:
        server = dice(16).choice(servers)
        yield (f"a server's clock {by // 10**6} ms off (seed {start + 16})",
               moved(capture, {index for tcp in tcps if tcp.server == server for index, _, _ in tcp.segments}, by))
    yield f"a connection's clock {by // 10**6} ms off (seed {start + 7})", moved(capture, of_connection(tcps, dice(7)), by)
    by = dice(8).choice((1, 20, 500, 3000)) * 10**6
    yield f"merged with the same, {by // 10**6} ms off", merged(capture, by)
    lost = of_connection(tcps, dice(9))
    # NotificationWait counts apart: nothing that is left shows that there was one, and that it brought a new cookie.
    if not any(WAITS in packet.data for index, packet in enumerate(capture.packets) if index in lost):
        yield f"without a connection (seed {start + 9})", without(capture, lost)
    way = dice(15).randrange(2)
    yield f"one way of a connection only (seed {start + 10})", without(capture, of_connection(tcps, dice(10), (way,)))
    at = dice(11).randrange(1, count)
    yield f"from frame {at + 1} on", capture.packets[at:]
    yield f"up to frame {at}", capture.packets[:at]
    size = dice(13).randrange(60, 1500)
    yield f"{size} bytes of each frame", snapped(capture, size)


def through_device(capture, tcps):
    """The same through a device before each server, which passes on what it gets: each frame once more, from the device or
    to it, where it is on its way between the device and the server."""
    way_of = {index: (tcp, way, seg) for tcp in tcps for index, way, seg in tcp.segments}
    out, following = [], [*capture.packets[1:], None]
    for index, (packet, after) in enumerate(zip(capture.packets, following)):
        if index not in way_of:
            out.append(packet)
            continue
        tcp, way, seg = way_of[index]
        six = len(tcp.client[0]) == 16
        place = tcp.server[0][-1:]
        device = (b"\xfd" + bytes(13) + place + b"\xfd" if six else b"\x0a\x4d" + place + b"\xfd", 20000 + tcp.number)
        server = (tcp.server[0][:-2] + bytes([tcp.server[0][-2] ^ 0x5a, tcp.server[0][-1]]), tcp.server[1])
        ends = (device, server) if way == 0 else (server, device)
        other = capfile.rebuild(packet, seg, source=ends[0], target=ends[1])
        pair = (packet, other) if way == 0 else (other, packet)
        late = min(RELAY, max(0, after.time - packet.time) // 2) if after else RELAY
        out += [copy_of(pair[0], packet.time), copy_of(pair[1], packet.time + late)]
    return out


def scenes(capture):
    """One leg and two: a word for each, and the capture."""
    yield "", capture
    tcps = capfile.connections(capture)
    behind = behind_device(tcps)
    if behind:
        devices = {seg.source[0] for tcp in tcps for index, way, seg in tcp.segments if way == 0 and index in behind}
        yield "before the device, ", capfile.Capture(without(capture, behind), capture.secrets)
        yield "behind the device, ", capfile.Capture(
            without(capture, {index for tcp in tcps if tcp.server[0] in devices for index, _, _ in tcp.segments}),
            capture.secrets)
    elif tcps:
        yield "through a device, ", capfile.Capture(through_device(capture, tcps), capture.secrets)


def variants(capture):
    yield "to the server only", one_way(capture, 0)
    yield "to the client only", one_way(capture, 1)
    for seed in range(DROPS):
        yield f"1 % of the frames dropped (seed {seed})", dropped(capture, seed)
    yield TWICE, doubled(capture)
    if whole(capture):
        yield CUT_UP, cut_up(capture, len(capture.packets))
    for size in SNAPPED:
        yield f"{size} bytes of each frame", snapped(capture, size)
    yield "without the first frames", late(capture)
    yield "all clients at one address", one_address(capture)


def healthy(sample):
    if sample.expect is None:
        return sample.name.startswith(HEALTHY_THIRD_PARTY)
    expected = sample.expect.get("items", sample.expect.get("verdicts", []))
    return not sample.expect.get("tolerated") and all(item["severity"] == "chat" for item in expected)


def messages(tshark, options, copy):
    """How often each PDU and each request was dissected."""
    text = tshark.output(["-r", copy, *options[2:], "-T", "fields", "-E", "occurrence=a",
                          *(word for name in MESSAGES for word in ("-e", name))])
    return collections.Counter(f"{name} {value}" for line in text.splitlines() for name, values in zip(MESSAGES, line.split("\t"))
                               for value in values.split(",") if value)


class Reader:
    """A sharkd that reads one capture after the other: what tshark needs for its start is most of what it needs."""

    def __init__(self, tshark):
        self.tshark, self.process, self.number, self.set = tshark, None, 0, {}

    def call(self, method, **params):
        if self.process is None:
            self.process = self.tshark.popen(["-"], program="sharkd", stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                             stderr=subprocess.DEVNULL)
        self.number += 1
        request = {"jsonrpc": "2.0", "id": self.number, "method": method, "params": params}
        try:
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            self.process.stdin.flush()
            answer = json.loads(self.process.stdout.readline().decode("utf-8", "replace"))
        except (BrokenPipeError, ValueError):
            self.end()
            raise ValueError(f"sharkd came to its end in {method}") from None
        if "result" not in answer:
            raise ValueError(f"sharkd: {method}: {answer}")
        return answer["result"]

    def end(self):
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
        self.process, self.set = None, {}

    def preferences(self, wanted):
        """As if these were the only ones changed; otherwise it starts anew."""
        if self.set != wanted:
            self.end()
            for name, value in wanted.items():
                self.call("setconf", name=name, value=value)
            self.set = wanted

    def items(self, copy, above, of=OURS):
        """(frame, message) of the plugin's items of these severities and protocols."""
        self.call("load", file=str(copy))
        found = self.call("tap", tap0="expert")["taps"]
        return sorted((item["f"], item["m"][:300]) for tap in found for item in tap["details"]
                      if item["p"] in of and item.get("s", "").lower() in above)


def saved(tshark, folder, name, packets, secrets):
    path = pathlib.Path(folder) / f"{name}.pcapng"
    capfile.save(path, capfile.Capture(packets, secrets))
    copy = tshark.private_copy(path)
    path.unlink()
    return copy


def made_true(sample, variant):
    return any(sample == name and variant.startswith(what) for name, what in MADE_TRUE)


def test(tshark, folder, sample, counter, only_rough, seed):
    options = sample.options(tshark)
    for name, preference in ((sample.expect or {}).get("preferences") or {}).items():
        options += ["-o", f"{name}:{preference}"]
    wanted = dict(str(text).split(":", 1) for name, text in zip(options, options[1:]) if name == "-o")
    reader = Reader(tshark)

    def silent(copy, what, above):
        found = [item for item in reader.items(copy, above) if item[1] not in facts and not (broken and BROKEN.search(item[1]))]
        counter.check(not found, f"{what}: {len(found)} items, the first in frame {found[0] if found else ''}")

    try:
        reader.preferences(wanted)
        # Of captures that others made verdicts alone are known to be silent: ROPs may fail there, and bodies may be broken.
        foreign = sample.expect is None or "verdicts" in sample.expect
        facts = {message for _, message in (reader.items(options[1], common.ABOVE_CHAT, BODIES) if foreign else ())
                 if not message.startswith("Seen:")}
        broken = any(BROKEN.search(message) for message in facts)
        for word, capture in scenes(sample.capture):
            for variant, packets in (("unharmed", capture.packets), *rough(capture, sample.name, seed)):
                if made_true(sample.name, variant):
                    continue
                copy = saved(tshark, folder, sample.name, packets, capture.secrets)
                silent(copy, word + variant, GRAVE)
                copy.unlink()
        if only_rough:
            return
        for variant, packets in variants(sample.capture):
            # Of others, http finds some by a whole first line: not on port 80.
            if variant == CUT_UP and (sample.name in NOT_IN_PIECES or sample.expect is None):
                continue
            if made_true(sample.name, variant):
                continue
            copy = saved(tshark, folder, sample.name, packets, sample.capture.secrets)
            silent(copy, variant, common.ABOVE_CHAT)
            if variant in (TWICE, CUT_UP):
                once, twice = messages(tshark, options, options[1]), messages(tshark, options, copy)
                counter.check(once == twice, f"{variant}: too few {once - twice}, too many {twice - once}")
            copy.unlink()
        for preference in SWITCHED:
            reader.preferences({**wanted, **dict([preference.split(":")])})
            silent(options[1], f"with {preference}", common.ABOVE_CHAT)
    finally:
        reader.end()


def outlook2003():
    """Captures of DCE/RPC over plain TCP, none of which is the plugin's."""
    return [common.Sample(path.stem, path) for path in sorted((common.SHARED.parent / "outlook2003").glob("*.pcap"))]


def main():
    arguments = common.Arguments("--rough", values=["--seed"])
    seed = int(arguments.values.get("--seed", 0))
    subjects = arguments.captures(kind=None, also=outlook2003(), fit=healthy)
    with wsrun.Tshark() as tshark, tempfile.TemporaryDirectory() as folder:
        tshark.prove_loaded()
        print(f"dice of --seed {seed}")
        return common.run_all(lambda sample, counter: test(tshark, folder, sample, counter, "--rough" in arguments.flags, seed),
                              subjects)


if __name__ == "__main__":
    sys.exit(main())
