"""Puts the RPC PDUs of virtual connections on plain TCP, for a comparison with stock DCE/RPC.

    plain.py [-k KEYLOG] CAPTURE PLAIN

A TCP connection for each virtual connection and leg: what IN carried goes to the server,
what OUT carried to the client, in the order of the capture and without RTS PDUs. The
server's port is PORT: `tshark -d tcp.port==5001,dcerpc` dissects it.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import argparse
import struct
import sys

import capfile
import twin
import wsrun

PORT = 5001
MOST = 16000                         # payload of one segment
DECODE_AS = ["-d", f"tcp.port=={PORT},dcerpc"]
RTS_COOKIE = 3
RTS_SIZES = {0: 4, 1: 24, 2: 4, 3: 16, 4: 4, 5: 4, 6: 4, 7: 0, 9: 0, 10: 0, 12: 16, 13: 4, 14: 4}
RECYCLE = 0x04


def cookies(pdu):
    """The Cookie commands of an RTS PDU, up to the first command of unknown size."""
    found, at = [], 20
    while at + 4 <= len(pdu.data):
        kind = struct.unpack_from("<I", pdu.data, at)[0]
        at += 4
        if kind == 11 and at + 4 <= len(pdu.data):
            size = (8 if struct.unpack_from("<I", pdu.data, at)[0] == 0 else 20) + 12
        elif kind == 8 and at + 4 <= len(pdu.data):
            size = 4 + struct.unpack_from("<I", pdu.data, at)[0]
        elif kind in RTS_SIZES:
            size = RTS_SIZES[kind]
        else:
            break
        if kind == RTS_COOKIE:
            found.append(pdu.data[at:at + 16])
        at += size
    return found


def legs(walks):
    """{(cookie, leg): {"IN": [walk], "OUT": [walk]}} by the first RTS PDU of each TCP connection."""
    found, times = {}, {}
    for walk in walks:
        first = next((pdu for pdu in walk.pdus if pdu.ptype == capfile.RTS and pdu.way == 0), None)
        if first is None or not (names := cookies(first)):
            continue
        method = next((head.first for head in reversed(walk.heads) if head.first.startswith("RPC_")), "")
        way = "IN" if "IN" in method else "OUT"
        if not method:
            way = "IN" if struct.unpack_from("<H", first.data, 16)[0] & 0x08 else "OUT"
        # Successors name their own cookie last; predecessors the one of the virtual connection first.
        recycled = struct.unpack_from("<H", first.data, 16)[0] & RECYCLE
        key = (names[0], names[-1] if recycled else b"", way)
        leg = times.get(key, 0)
        times[key] = leg + 1
        found.setdefault((names[0], leg), {"IN": [], "OUT": []})[way].append(walk)
    return found


def make(capture, walks=None):
    """(capture, [(leg's key, original walk, pdu)] in the order of the packets that complete them)."""
    packets, order = [], []
    for number, (key, halves) in enumerate(legs(walks or capfile.walks(capture)).items()):
        pdus = [(pdu, walk) for role, way in (("IN", 0), ("OUT", 1)) for walk in halves[role] for pdu in walk.pdus
                if pdu.way == way and pdu.ptype != capfile.RTS]
        pdus.sort(key=lambda item: item[0].frame)
        talk = capfile.Talk(client=struct.pack(">I", 0x0a010001 + number), port=PORT)
        talk.time = capture.packets[pdus[0][0].frame - 1].time - 10**7 if pdus else 0
        if not pdus:
            continue
        talk.open()
        for pdu, walk in pdus:
            talk.time = capture.packets[pdu.frame - 1].time
            pieces = [pdu.data[at:at + MOST] for at in range(0, len(pdu.data), MOST)]
            talk.say(pdu.way, *pieces)
            order.append((talk.packets[-1], key, walk, pdu))
        packets += talk.packets
    packets.sort(key=lambda packet: packet.time)
    place = {id(packet): number for number, packet in enumerate(packets, 1)}
    order.sort(key=lambda row: place[id(row[0])])
    return capfile.Capture(packets), [(place[id(packet)], key, walk, pdu) for packet, key, walk, pdu in order]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-k", metavar="KEYLOG")
    parser.add_argument("capture")
    parser.add_argument("plain")
    options = parser.parse_args()
    with wsrun.Tshark() as tshark:
        capture = twin.make(tshark, options.capture, options.k)
    capfile.save(options.plain, make(capture)[0])


if __name__ == "__main__":
    sys.exit(main())
