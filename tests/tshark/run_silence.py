"""Shows that a capture that is worse than what it captured raises no alarm.

    run_silence.py [SAMPLE ...]

Each sample that shows nothing above chat, and each healthy third-party capture, is filtered to one direction, loses
1 % of its frames, gets each frame twice, cut off or cut into pieces, starts late, and has all its clients at one
address; and it is read with other preferences of tcp, tls and http: still nothing of the plugin above chat. Seen twice
or in pieces, it has the same PDUs and requests.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import collections
import pathlib
import random
import sys
import tempfile

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
    return not sample.expect["tolerated"] and all(item["severity"] == "chat" for item in sample.expect["items"])


def messages(tshark, options, copy):
    """How often each PDU and each request was dissected."""
    text = tshark.output(["-r", copy, *options[2:], "-T", "fields", "-E", "occurrence=a",
                          *(word for name in MESSAGES for word in ("-e", name))])
    return collections.Counter(f"{name} {value}" for line in text.splitlines() for name, values in zip(MESSAGES, line.split("\t"))
                               for value in values.split(",") if value)


def check_silent(tshark, arguments, only, variant, counter):
    text = tshark.output([*arguments, "-T", "pdml", "-Y", only])
    found = [(packet.number, item.name, item.message[:300]) for packet in common.pdml(common.clean(text))[0]
             for item in packet.our_items() if item.severity in common.ABOVE_CHAT]
    counter.check(not found, f"{variant}: {len(found)} items above chat, the first in frame {found[0] if found else ''}")


def test(tshark, only, folder, sample, counter):
    options = sample.options(tshark)
    for name, preference in ((sample.expect or {}).get("preferences") or {}).items():
        options += ["-o", f"{name}:{preference}"]
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
    names, choose = common.part(sys.argv[1:])
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
        return common.run_all(lambda sample, counter: test(tshark, only, folder, sample, counter), subjects)


if __name__ == "__main__":
    sys.exit(main())
