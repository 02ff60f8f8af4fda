"""Runs the plugin on captures of clients and servers that this project did not write.

    run_third_party.py [NAME ...]

They lie in ../shared/captures; those of MAPI/HTTP have a script of their own. How many PDUs there are, where they end and which TCP
connections belong together comes from a reassembler of the tests' own; what they carry is
compared with stock DCE/RPC over plain TCP; verdicts are judged from manifest.tsv and facts.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import pathlib
import re
import struct
import sys
import tempfile
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import common
import plain
import table
import wsrun
from common import capfile

FIVE_SECONDS = 5 * 10**9
# Prefix of the manifest's row -> what must be said, as (item, severity, TCP streams it may stand on). Frames are
# worked out below. Captures without an entry must show no item of the plugin at all.
VERDICTS = {
    "fail-rpch-badpassword-basic": [("rpch.channel.refused", "warning", {1}), ("rpch.channel.refused", "warning", {3})],
    "fail-server-killed-rpch": [("outlook.server_gone", "warning", {0, 1, 2, 3})],
    "misroute-rpch-roundrobin": [("rpch.routing.never_joined", "warning", {0, 1}),
                                 ("rpch.routing.proxies_differ", "note", {2, 3}),
                                 ("rpch.routing.backend_mismatch", "warning", {2, 3})],
    # Type 2 came from 127.0.0.2 on stream 1; type 3 went to 127.0.0.3 on stream 2.
    "misroute-rpch-ntlm-serverclose": [("outlook.auth.ntlm_torn", "error", {2})],
}
# What may stand besides. The torn NTLM handshake ends in closed connections without an answer and without OUT.
TOLERATED = {"misroute-rpch-ntlm-serverclose": {"rpch.channel.refused", "rpch.channel.lone"}}
REQUIRED_ANY = {"misroute-rpch-ntlm-serverclose": {"rpch.channel.refused", "rpch.channel.lone"}}
UPSTREAM = ("_ws.malformed", "_ws.dissector_bug", "_ws.type_length", "_ws.unreassembled")


def manifest():
    rows = (common.SHARED / "manifest.tsv").read_text(encoding="utf-8").splitlines()
    return {row.split("\t")[0]: row.split("\t") for row in rows[1:] if row}


def first_cookie(walk):
    for pdu in walk.pdus:
        if pdu.ptype == capfile.RTS and (found := plain.cookies(pdu)):
            return str(uuid.UUID(bytes_le=found[0]))
    return None


def commands(pdu):
    return struct.unpack_from("<HH", pdu.data, 16)


def pdus(counter, mode, packets, walks):
    """Every PDU, in the frame that completes it and with what its header says."""
    carrying = {walk.tcp.number for walk in walks if walk.pdus}
    for walk in walks:
        got = [(packet.number, pdu) for packet in packets if packet.stream == walk.tcp.number for pdu in packet.pdus]
        expected = [(pdu.frame, common.PTYPES.get(pdu.ptype), pdu.length, pdu.call, pdu.opnum) for pdu in walk.pdus]
        names = set(common.PTYPES.values())
        shown = []
        for frame, pdu in got:
            is_rts = pdu.name not in names
            shown.append((frame, "RTS" if is_rts else pdu.name, pdu.length,
                          0 if is_rts else pdu.number("dcerpc.cn_call_id"),
                          pdu.number("dcerpc.opnum") if pdu.name == "request" else -1))
        where = f"[{mode}] stream {walk.tcp.number}"
        counter.equal(len(shown), len(expected), f"{where}: PDUs")
        for one, other in zip(shown, expected):
            if not counter.equal(one, other, f"{where}: PDU (frame, type, length, call, opnum)"):
                break
        unnamed = [f"{frame}: {pdu.name}" for frame, pdu in got if pdu.name == "unknown RTS PDU"]
        counter.check(not unnamed, f"{where}: RTS PDUs without a name: {unnamed[:4]}")
    for packet in packets:
        if packet.stream in carrying:
            continue
        counter.check(not packet.pdus, f"[{mode}] frame {packet.number}: a PDU on a connection that carries none")
        if not any(head.first.startswith("RPC_") for walk in walks if walk.tcp.number == packet.stream
                   for head in walk.heads):
            counter.check(not packet.order, f"[{mode}] frame {packet.number}: fields {packet.order[:2]} on a foreign connection")


def legs(counter, mode, packets, walks, rows):
    """Connections, legs and streams, from the cookies of the first RTS PDUs."""
    expected = plain.legs(walks)
    numbers = {}
    for (cookie, leg), halves in expected.items():
        vc = numbers.setdefault(cookie, len(numbers))
        text = str(uuid.UUID(bytes_le=cookie))
        for role, channel in (("IN", "1"), ("OUT", "2")):
            for walk in halves[role]:
                mine = [packet for packet in packets if packet.stream == walk.tcp.number]
                where = f"[{mode}] stream {walk.tcp.number}"
                counter.equal({value for packet in mine for value in packet.all("rpch.vc")}, {str(vc)}, f"{where}: rpch.vc")
                counter.equal({value for packet in mine for value in packet.all("rpch.vc.leg")}, {str(leg)},
                              f"{where}: rpch.vc.leg")
                counter.equal({value for packet in mine for value in packet.all("rpch.vc.cookie")}, {text},
                              f"{where}: rpch.vc.cookie")
                counter.equal({value for packet in mine if packet.pdus for value in packet.all("rpch.channel")}, {channel},
                              f"{where}: rpch.channel")
        joined = any(pdu.ptype == capfile.RTS and pdu.way == 1 and pdu.length == 44 and commands(pdu) == (0, 3)
                     for walk in halves["OUT"] for pdu in walk.pdus)
        mine = [packet for packet in packets if (packet.last("rpch.vc"), packet.last("rpch.vc.leg")) == (str(vc), str(leg))]
        states = {state for packet in mine for state in packet.all("rpch.vc.state")}
        counter.equal("open" in states, joined, f"[{mode}] connection {vc} leg {leg}: is open at some frame")
        for role in ("IN", "OUT"):
            streams = {str(walk.tcp.number) for walk in halves[role]}
            values = {value for packet in mine for value in packet.all(f"rpch.vc.{role.lower()}_stream")}
            counter.equal(values, streams, f"[{mode}] connection {vc} leg {leg}: rpch.vc.{role.lower()}_stream")
        found = [row for row in rows if (row["vc"], row["leg"]) == (str(vc), str(leg))]
        counter.equal(len(found), 1, f"[{mode}] connection {vc} leg {leg}: rows of the table")
        if found:
            counter.equal(bool(found[0].get("setup")), joined, f"[{mode}] connection {vc} leg {leg}: has a set-up time")
    counter.check(len(numbers) <= len({row["vc"] for row in rows}), f"[{mode}] connections in the table: {len(rows)}")
    return len(numbers)


def frames_of(name, sample, walks, item, streams):
    """The frames an item may stand on, from what the packets show."""
    mine = [walk for walk in walks if walk.tcp.number in streams]
    if item == "rpch.channel.refused":
        return {head.frame for walk in mine for head in walk.heads if head.way == 1 and head.first[0] in "45"}
    if item == "outlook.auth.ntlm_torn":
        return {head.frame for walk in mine for head in walk.heads if head.way == 0}
    if item.startswith("rpch.routing."):
        firsts = [next(pdu.frame for pdu in walk.pdus if pdu.way == 0) for walk in mine]
        if item == "rpch.routing.proxies_differ":
            return {max(firsts)}
        # Five seconds after both were sent, or an end of either connection before.
        start = sample.capture.packets[max(firsts) - 1].time
        later = sorted((index + 1, seg.flags) for walk in mine for index, _, seg in walk.tcp.segments if index >= max(firsts))
        return {next(frame for frame, flags in later if flags & (capfile.FIN | capfile.RST)
                     or sample.capture.packets[frame - 1].time - start > FIVE_SECONDS)}
    return {index + 1 for walk in mine for index, way, seg in walk.tcp.segments
            if way == 1 and seg.flags & (capfile.FIN | capfile.RST)}


def verdicts(counter, mode, sample, packets, walks):
    got = [(packet, item) for packet in packets for item in packet.our_items()]
    wanted = list(VERDICTS.get(sample.name, []))
    # Faults and refused binds are there or not: that is a fact of the bytes.
    refused = {pdu.frame for walk in walks for pdu in walk.pdus if pdu.ptype in (3, 13)}
    tolerated = TOLERATED.get(sample.name, set())
    for item, severity, streams in wanted:
        places = frames_of(sample.name, sample, walks, item, streams)
        found = [(packet, one) for packet, one in got if one.name == item and packet.stream in streams]
        counter.equal(len(found), 1, f"[{mode}] {item} on streams {sorted(streams)}, times")
        for packet, one in found:
            counter.equal(one.severity, severity, f"[{mode}] {item}: severity")
            counter.check(packet.number in places, f"[{mode}] {item} in frame {packet.number}, expected of {sorted(places)}")
    names = {item for item, _, _ in wanted}
    for packet, item in got:
        if item.name == "rpch.call.failed":
            counter.check(packet.number in refused, f"[{mode}] frame {packet.number}: call.failed without a fault or bind_nak")
        elif item.name not in names and item.name not in tolerated:
            counter.check(item.severity == "chat" and not item.name.startswith("rpch.routing"),
                          f"[{mode}] frame {packet.number}: {item.name} ({item.severity}): {item.message}")
    counter.equal({packet.number for packet, item in got if item.name == "rpch.call.failed"}, refused,
                  f"[{mode}] frames with rpch.call.failed")
    if any_of := REQUIRED_ANY.get(sample.name):
        counter.check(any(item.name in any_of for _, item in got), f"[{mode}] none of {sorted(any_of)}")


def contents(tshark, counter, sample, walks, packets):
    """What DCE/RPC makes of each PDU is what it makes of it over plain TCP: protocols and items."""
    decrypted = common.twin(tshark, sample)
    capture, order = plain.make(decrypted.capture, walks)
    if not order:
        return
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "plain.pcapng"
        capfile.save(path, capture)
        stock = common.packets(tshark, common.Sample(sample.name, path), *plain.DECODE_AS, "-2")
    by_frame = {packet.number: packet for packet in packets}
    expected = {}
    for frame, _, walk, pdu in order:
        packet = stock[frame - 1]
        expected.setdefault(pdu.frame, []).append(carried(packet))
    for frame, wanted in expected.items():
        got = carried(by_frame[frame])
        merged = ([name for names, _ in wanted for name in names], sorted(name for _, names in wanted for name in names))
        counter.equal(got, merged, f"frame {frame}: protocols and items of DCE/RPC, against plain TCP")


def carried(packet):
    """Protocols from the first dcerpc on, and expert items of DCE/RPC and what it carries."""
    protocols, started = [], False
    for proto in packet.element.iter("proto"):
        name = proto.get("name")
        started |= name == "dcerpc"
        if started and name and not common.ours(name) and name not in ("geninfo", "fake-field-wrapper", "http"):
            protocols.append(name)
    items = sorted(item.name for item in packet.items
                   if item.name.startswith(("dcerpc", *UPSTREAM)) or item.name.split(".")[0] in protocols)
    return protocols, items


def test(tshark, rows, sample, counter):
    decrypted = common.twin(tshark, sample)
    walks = decrypted.walks
    for walk in walks:
        if walk.broken:
            raise ValueError(f"stream {walk.tcp.number}: the tests' own reassembler found no PDU at {walk.broken}")
    for mode, more in (("one pass", []), ("-2", ["-2"])):
        packets, lines = common.packets(tshark, sample, *more, table=True)
        found = list(table.rows(lines))
        pdus(counter, mode, packets, walks)
        number = legs(counter, mode, packets, walks, found)
        verdicts(counter, mode, sample, packets, walks)
    contents(tshark, counter, sample, walks, packets)
    row = rows.get(f"{sample.name}.pcap")
    counter.check(row is not None, "is not in manifest.tsv")
    stated = re.search(r"vc: (\d+) virtual connection", row[5]) if row and len(row) > 5 else None
    if stated:
        counter.equal(number, int(stated[1]), "virtual connections, against manifest.tsv")


def main():
    arguments = common.Arguments()
    captures = [sample for sample in common.third_party() if "mapihttp" not in sample.name]
    if not captures:
        print("0 passed, 0 failed")
        return 0
    subjects = arguments.of(captures, "capture")
    rows = manifest()
    with wsrun.Tshark() as tshark:
        tshark.prove_loaded()
        return common.run_all(lambda sample, counter: test(tshark, rows, sample, counter), subjects)


if __name__ == "__main__":
    sys.exit(main())
