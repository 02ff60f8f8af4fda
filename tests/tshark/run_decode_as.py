"""Shows that "Decode As" RPC over HTTP finds it on any port, whole or met late.

    run_decode_as.py [NAME ...]

A sample is moved to a server port that nobody knows. With -d tcp.port==N,rpch each frame says what it says on the usual
port, in one pass and with -2. Without its first frames, the requests among them, it still shows the PDUs of all others, and
nothing at all without -d. Other HTTP on such a port stays http's.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import dataclasses
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import common
import wsrun
from common import capfile

PORT = 9999
WHOLE = ("legs-joined", "legs-401", "pdus-recycled-often")
LATE = ("legs-joined", "pdus-recycled-often")
SERVER_LEG = "bad-server-hop"
FOREIGN = "foreign-http"
FIELDS = ("frame.number", "rpch.rts.pdu", "rpch.ptype", "rpch.channel", "rpch.vc", "rpch.vc.leg", "rpch.vc.state",
          "rpch.channel.bytes", "dcerpc.pkt_type", "dcerpc.cn_call_id", "dcerpc.opnum", "http.request.method",
          "http.response.code", "outlook.verdict", "_ws.expert.message")


def moved(tshark, sample, first=0):
    """A copy with the server's port changed, without the frames before that one; and the frames' numbers before."""
    packets, numbers = [], []
    servers = {walk.tcp.server for walk in sample.walks}
    for number, packet in enumerate(sample.capture.packets, 1):
        seg = capfile.segment(packet)
        if number < first or seg is None:
            continue
        source, target = ((end[0], PORT if end in servers else end[1]) for end in (seg.source, seg.target))
        packets.append(capfile.rebuild(packet, seg, source=source, target=target))
        numbers.append(number)
    path = tshark.scratch / f"{sample.name}-{first}.pcapng"
    capfile.save(path, dataclasses.replace(sample.capture, packets=packets))
    return tshark.private_copy(path), numbers


def said(tshark, path, *more):
    """What each frame says, by number, without the ports in it."""
    names = [option for name in FIELDS for option in ("-e", name)]
    text = tshark.output(["-r", path, "-n", *more, "-T", "fields", "-E", "occurrence=a", *names])
    rows = (line.split("\t") for line in text.splitlines())
    return {int(row[0]): dict(zip(FIELDS[1:], row[1:])) for row in rows}


AS = ["-d", f"tcp.port=={PORT},rpch"]


def whole(tshark, name, counter):
    sample, = common.samples(name, kind=None)
    sample.options(tshark)
    path, numbers = moved(tshark, sample)
    for how in ([], ["-2"]):
        usual = said(tshark, sample.copy, *how)
        got = said(tshark, path, *AS, *how)
        counter.check(any(row["rpch.channel.bytes"] or row["rpch.channel"] for row in usual.values()), "nothing to find")
        for frame, number in enumerate(numbers, 1):
            one, other = got[frame], usual[number]
            for row in (one, other):
                row["_ws.expert.message"] = re.sub(r"(port |:)\d+", r"\1N", row["_ws.expert.message"])
            differ = {name: (text, other[name]) for name, text in one.items() if text != other[name]}
            counter.check(not differ, f"{how}: frame {number} says, and on the usual port: {differ}")


def pdu_frames(rows, numbers):
    """The frames, as they were numbered before, of each PDU that is shown."""
    return sorted(numbers[frame - 1] for frame, row in rows.items() for name in ("rpch.rts.pdu", "dcerpc.pkt_type")
                  for text in row[name].split(",") if text and (name, text) != ("dcerpc.pkt_type", "20"))


def late(tshark, name, counter):
    sample, = common.samples(name, kind=None)
    first = 1 + max(head.frame for walk in sample.walks[:4] for head in walk.heads)
    path, numbers = moved(tshark, sample, first)
    expected = sorted(pdu.frame for walk in sample.walks for pdu in walk.pdus
                      if min(index for low, high in pdu.offsets
                             for index in walk.tcp.halves[pdu.way].packets(low, high)) + 1 >= first)
    for how in ([], ["-2"]):
        told = said(tshark, path, *AS, *how)
        counter.equal(pdu_frames(told, numbers), expected, f"{how}: frames with PDUs")
        counter.check(all(row["rpch.channel"] for frame, row in told.items() if numbers[frame - 1] in expected),
                      f"{how}: the channel of a PDU is not known")
    # Without it stock shows calls as DCE/RPC, and no RTS.
    untold = sum(bool(row["rpch.channel.bytes"]) for row in said(tshark, path).values())
    counter.check(untold < len(expected) - 4, f"{untold} frames have PDUs of ours without being told")


def server_leg(tshark, name, counter):
    sample, = common.samples(name, kind=None)
    sample.options(tshark)
    path, numbers = moved(tshark, sample)
    usual, got = said(tshark, sample.copy), said(tshark, path, *AS)
    for frame, number in enumerate(numbers, 1):
        for field in ("rpch.rts.pdu", "rpch.vc", "dcerpc.pkt_type"):
            counter.equal(got[frame][field], usual[number][field], f"frame {number}: {field}")


def foreign(tshark, name, counter):
    sample, = common.samples(name, kind=None)
    path, _ = moved(tshark, sample)
    told, http = said(tshark, path, *AS), said(tshark, path, "-d", f"tcp.port=={PORT},http")
    counter.check(any(row["http.request.method"] for row in http.values()), "no HTTP in it")
    counter.check(told == http, "told RPC over HTTP, other HTTP is not shown as http shows it")


def main():
    arguments = common.Arguments()
    with wsrun.Tshark() as tshark:
        parts = [common.Part(f"{function.__name__} {name}", lambda counter, do=function, name=name: do(tshark, name, counter))
                 for function, names in ((whole, WHOLE), (late, LATE), (server_leg, [SERVER_LEG]), (foreign, [FOREIGN]))
                 for name in names]
        return common.run_parts(arguments.of(parts))


if __name__ == "__main__":
    sys.exit(main())
