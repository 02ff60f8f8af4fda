"""Shows that a capture that is worse than what it captured raises no alarm.

    run_silence.py [--rough] [--part N/M] [SAMPLE ...]

Each sample that shows nothing above chat, and each healthy third-party capture, is filtered to one direction, loses
1 and 5 % of its frames and bursts of them, gets some or all frames twice, in another order, cut off or cut into pieces,
starts late, and has all its clients at one address; its clock is set back and ahead, one host's frames are stamped
early, as by a tap of two ports, and what is behind a device is merged in with a clock that differs; and it is read with
other preferences of tcp, tls and http: still nothing of the plugin above chat, and above a note where frames are lost
in numbers or clocks are wrong. Seen twice or in pieces, it has the same PDUs and requests.
--rough: only the latter. Dice are thrown by the sample's name and the number of the damage, which is printed with what is found.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import collections
import pathlib
import random
import sys
import tempfile
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import common
import wsrun
from common import capfile

HEALTHY_THIRD_PARTY = ("affinity-rpch-source", "rpch-", "tls-rpch-", "affinity-mapihttp", "mapihttp-")
TWICE = "each frame twice"
CUT_UP = "each segment cut into pieces"
# What is lost in pieces, and why: stock finds plain DCE/RPC by a whole header; a piece of CONN/C2 is late already; where
# candidates of two channels alternate, the order in which their last pieces come decides.
NOT_IN_PIECES = ("foreign-dcerpc", "verdict-slow-join", "pdus-recycled-often")
UNCUT = b"ncacn_http/1.0", b"RPC_"
FIN, SYN, RST = 1, 2, 4
DROPS = 3                            # seeds
MESSAGES = "rpch.rts.pdu", "dcerpc.cn_call_id", "mapihttp.request_id.counter", "mapihttp.response_code"
SNAPPED = 100, 600
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
        out += [packet, capfile.Packet(packet.time + 2000, packet.data, packet.length, packet.link)]
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
            out.append(capfile.Packet(packet.time + number * 100, piece.data, piece.length, piece.link))
    return out


def late(capture):
    count = len(capture.packets)
    return capture.packets[LATE if count > LATE * 6 // 5 else count // 2:]


def snapped(capture, size):
    """No more than size bytes of each frame, as with tcpdump -s."""
    return [capfile.Packet(packet.time, packet.data[:size], packet.length, packet.link) for packet in capture.packets]


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


def copy_of(packet, time):
    return capfile.Packet(time, packet.data, packet.length, packet.link)


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


def early(capture, dice, by):
    """All frames of one host are stamped early and stand where their time is: a tap of two ports."""
    hosts = sorted({end[0] for tcp in capfile.connections(capture) for end in (tcp.client, tcp.server)})
    host = dice.choice(hosts) if hosts else None
    sent = {index for tcp in capfile.connections(capture) for index, way, _ in tcp.segments
            if (tcp.client, tcp.server)[way][0] == host}
    return sorted((copy_of(packet, packet.time - (by if index in sent else 0)) for index, packet in enumerate(capture.packets)),
                  key=lambda packet: packet.time)


def skewed(capture, by):
    """What a device sends on and what it is answered, from another capture whose clock differs; None: there is no device."""
    tcps = capfile.connections(capture)
    devices = {tcp.server[0] for tcp in tcps} & {tcp.client[0] for tcp in tcps}
    behind = {index for tcp in tcps if tcp.client[0] in devices and tcp.client[0] != tcp.server[0]
              for index, _, _ in tcp.segments}
    if not behind:
        return None
    return sorted((copy_of(packet, packet.time + (by if index in behind else 0)) for index, packet in enumerate(capture.packets)),
                  key=lambda packet: packet.time)


def rough(capture, name):
    """What may leave notes, but no more: damage that no capture of a healthy network shows, and clocks that are wrong."""
    count, seed = len(capture.packets), zlib.crc32(name.encode())
    if count < 4:
        return
    dice = [random.Random(seed + number) for number in range(8)]
    yield f"5 % of the frames dropped (seed {seed})", lossy(capture, dice[0], 0.05)
    yield f"bursts dropped (seed {seed + 1})", bursts(capture, dice[1])
    yield f"frames swapped (seed {seed + 2})", swapped(capture, dice[2])
    yield f"frames doubled (seed {seed + 3})", some_twice(capture, dice[3])
    at, by = dice[4].randrange(1, count), dice[4].choice((1, 2, 30, 3600)) * SECOND
    yield f"clock set back by {by // SECOND} s from frame {at + 1} on", set_clock(capture, at, -by)
    yield f"clock set ahead by 1 s from frame {at + 1} on", set_clock(capture, at, SECOND)
    yield "clock set ahead by an hour in the longest pause", set_clock(capture, longest_pause(capture), 3600 * SECOND)
    by = dice[5].choice((1, 20, 300, 2000)) * 10**6
    yield f"a host's frames stamped {by // 10**6} ms early (seed {seed + 5})", early(capture, dice[5], by)
    by = dice[6].choice((50, 500, 3000, 40000)) * 10**6
    for sign, word in ((1, "ahead"), (-1, "behind")):
        packets = skewed(capture, sign * by)
        if packets:
            yield f"clock behind the device {by // 10**6} ms {word}", packets


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


def check_silent(tshark, arguments, only, variant, counter, above=frozenset(common.ABOVE_CHAT)):
    text = tshark.output([*arguments, "-T", "pdml", "-Y", only])
    found = [(packet.number, item.name, item.message[:300]) for packet in common.pdml(common.clean(text))[0]
             for item in packet.our_items() if item.severity in above]
    counter.check(not found, f"{variant}: {len(found)} items, the first in frame {found[0] if found else ''}")


def test(tshark, only, folder, sample, counter, rough_only):
    options = sample.options(tshark)
    for name, preference in ((sample.expect or {}).get("preferences") or {}).items():
        options += ["-o", f"{name}:{preference}"]
    for number, (variant, packets) in enumerate(rough(sample.capture, sample.name)):
        path = pathlib.Path(folder) / f"{sample.name}-rough-{number}.pcapng"
        capfile.save(path, capfile.Capture(packets, sample.capture.secrets))
        copy = tshark.private_copy(path)
        path.unlink()
        check_silent(tshark, ["-r", copy, *options[2:]], only, variant, counter, common.ABOVE_CHAT - {"note"})
        copy.unlink()
    if rough_only:
        return
    for number, (variant, packets) in enumerate(variants(sample.capture)):
        # Of others, http finds some by a whole first line: not on port 80.
        if variant == CUT_UP and (sample.name in NOT_IN_PIECES or sample.expect is None):
            continue
        path = pathlib.Path(folder) / f"{sample.name}-{number}.pcapng"
        capfile.save(path, capfile.Capture(packets, sample.capture.secrets))
        copy = tshark.private_copy(path)
        path.unlink()
        check_silent(tshark, ["-r", copy, *options[2:]], only, variant, counter)
        if variant in (TWICE, CUT_UP):
            once, twice = messages(tshark, options, options[1]), messages(tshark, options, copy)
            counter.check(once == twice, f"{variant}: too few {once - twice}, too many {twice - once}")
        copy.unlink()
    for preference in SWITCHED:
        check_silent(tshark, [*options, "-o", preference], only, f"with {preference}", counter)


def main():
    args = sys.argv[1:]
    rough_only = args[:1] == ["--rough"]
    names, choose = common.part(args[1:] if rough_only else args)
    subjects = [sample for sample in common.samples(*names, kind=None) if healthy(sample)]
    if not names:
        subjects += [sample for sample in common.third_party() if healthy(sample)]
    subjects = choose(subjects)
    with wsrun.Tshark() as tshark, tempfile.TemporaryDirectory() as folder:
        tshark.prove_loaded()
        names = sorted(line.split("\t")[2] for line in tshark.output(["-G", "fields"]).splitlines()
                       if line.split("\t")[0] == "F" and line.split("\t")[3] == "FT_NONE"
                       and common.ours(line.split("\t")[2]))
        if len(names) < 15:
            sys.exit(f"only {len(names)} expert items are registered")
        # Frames with an item above chat and, among others, one of ours.
        only = f"_ws.expert.severity >= 0x400000 and ({' or '.join(names)})"
        return common.run_all(lambda sample, counter: test(tshark, only, folder, sample, counter, rough_only),
                              subjects)


if __name__ == "__main__":
    sys.exit(main())
