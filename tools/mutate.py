"""Damages the channel bodies and the MAPI/HTTP bodies of a capture and keeps its TCP and HTTP valid.

    mutate.py [--seed N] [-k KEYLOG] CAPTURE DAMAGED

Where bodies and PDUs lie is found without a dissector. Bytes change in place, so lengths,
sequence numbers, heads and chunk framing stay; checksums are made right. One seed always
gives the same file.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import argparse
import dataclasses
import random
import struct
import sys

import capfile
import mapibodies
import twin
import wsrun

MOST = 12                            # damages in one file
LENGTHS = (0, 1, 15, 16, 17, 19, 20, 23, 4096, 32767, 65534, 65535)
COUNTS = (0, 1, 7, 16, 255, 65535)
SHORTS = (0, 1, 2, 5, 7, 8, 12, 15, 255, 0x101F, 32767, 32768, 65535)
WORDS = (0, 1, 13, 14, 15, 255, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff)


class Body:
    """The data of one body and where its bytes lie in the packets."""

    def __init__(self, walk, way, spans):
        half = walk.tcp.halves[way]
        self.mapi = False
        self.data = bytearray(b"".join(bytes(half.data[low:high]) for low, high in spans))
        self.places = [place for low, high in spans for place in half.places(low, high)]
        starts, at = {}, 0
        for low, high in spans:
            starts.update({low + offset: at + offset for offset in range(high - low)})
            at += high - low
        self.pdus = [(starts[pdu.offsets[0][0]], pdu) for pdu in walk.pdus
                     if pdu.way == way and pdu.offsets[0][0] in starts]

    def put(self, at, data):
        end = min(len(self.data), at + len(data))
        if at < end:
            self.data[at:end] = data[:end - at]


def mapi_bodies(walk):
    """The bodies of MAPI/HTTP that are as they were typed: no page, no content encoding."""
    for head in mapibodies.messages(walk):
        if head.spans and "content-encoding" not in head.fields and \
                not head.fields.get("content-type", "").startswith("text/"):
            body = Body(walk, head.way, head.spans)
            body.mapi, start = True, 0
            if head.way == 1:
                start = mapibodies.typed(body.data) or 0
            # The envelope is damaged rarely, the typed body often.
            body.start = min(start, max(0, len(body.data) - 1))
            yield body


def damage_mapi(body, rng):
    """One damage to a body of MAPI/HTTP: lengths, counts, types and flags are little-endian at any offset."""
    kind = rng.randrange(12)
    start = body.start if rng.randrange(8) else 0
    at = rng.randrange(start, len(body.data))
    buffers = mapibodies.buffers(bytes(body.data))
    if kind == 0:
        body.put(at, bytes([body.data[at] ^ 1 << rng.randrange(8)]))
    elif kind == 1:
        body.put(at, rng.randbytes(rng.randrange(1, 9)))
    elif kind == 2:
        body.put(at, struct.pack("<I", rng.choice(WORDS)))
    elif kind == 3:
        body.put(at, struct.pack("<H", rng.choice(SHORTS)))
    elif kind == 4:
        body.put(at, bytes([rng.choice((0, 1, 10, 0x80, 0xFE, 0xFF))]))
    elif kind == 5:
        # The rest of the body is gone: zeros, or what stood before once more.
        body.put(at, bytes(len(body.data) - at) if rng.randrange(2) else bytes(body.data[start:]))
    elif kind == 6:
        # Restrictions within each other: And of one, Not.
        body.put(at, rng.choice((b"\0\1\0\0\0", b"\2", b"\0\1\0")) * rng.randrange(1, 600))
    elif kind == 7 or not buffers:
        body.put(start, rng.randbytes(len(body.data) - start))
    else:
        place = rng.choice(buffers)
        flags, size, actual = struct.unpack_from("<HHH", body.data, place + 2)
        if kind == 8:
            body.put(place + 2, struct.pack("<H", flags ^ rng.choice((1, 2, 3, 4, 0x8000))))
        elif kind == 9:
            body.put(place + 4, struct.pack("<H", rng.choice((0, 1, size - 1, size + 1 & 65535, 65535))))
        elif kind == 10:
            body.put(place + 6, struct.pack("<H", rng.choice((0, 1, actual - 1 & 65535, actual + 1 & 65535, 32768, 65535))))
        else:
            # Inside what was packed: what XOR hides is damaged as it reads without.
            inside = bytearray(body.data[place + 8:place + 8 + size])
            mask = 0xA5 if flags & mapibodies.XOR else 0
            for _ in range(rng.randrange(1, 5)):
                inside[rng.randrange(size)] = rng.choice((0, 1, 0xFF, rng.randrange(256))) ^ mask
            body.put(place + 8, bytes(inside))


def damage(body, rng):
    """One damage to a body."""
    if body.mapi:
        damage_mapi(body, rng)
        return
    kind = rng.randrange(12)
    at, pdu = rng.choice(body.pdus) if body.pdus else (rng.randrange(len(body.data)), None)
    length = pdu.length if pdu else min(64, len(body.data) - at)
    if kind == 0:
        place = rng.randrange(len(body.data))
        body.put(place, bytes([body.data[place] ^ 1 << rng.randrange(8)]))
    elif kind == 1:
        body.put(rng.randrange(len(body.data)), rng.randbytes(rng.randrange(1, 9)))
    elif kind == 2:
        body.put(at + 8, struct.pack("<H", rng.choice((*LENGTHS, rng.randrange(65536)))))
    elif kind == 3:
        body.put(at + 10, struct.pack("<H", rng.choice((1, 8, length, 65535))))
    elif kind == 4:
        body.put(at + 18, struct.pack("<H", rng.choice(COUNTS)))
    elif kind == 5:
        # A command's type or a number behind it, which may be a padding count.
        body.put(at + rng.randrange(20, max(21, length), 4), struct.pack("<I", rng.choice(WORDS)))
    elif kind == 6:
        body.put(at + rng.randrange(16), rng.randbytes(1))
    elif kind == 7:
        body.put(at + 16, rng.randbytes(max(0, length - 16)))
    elif kind == 8:
        body.put(at, rng.randbytes(length))
    elif kind == 9:
        # Interleaved: the start of one PDU in the middle of another.
        other, source = rng.choice(body.pdus) if body.pdus else (0, None)
        size = source.length if source else 16
        body.put(at + rng.randrange(max(1, length)), bytes(body.data[other:other + size]))
    elif kind == 10:
        body.put(at + 16, struct.pack("<H", rng.randrange(65536)))
    else:
        # A padding command that claims more than there is.
        body.put(at + 2, b"\x14")
        body.put(at + 16, struct.pack("<HHII", 0, 1, 8, rng.choice(WORDS)))


def make(capture, seed):
    """The damaged capture; the same one if it has no body of ours."""
    rng = random.Random(seed)
    walks = capfile.walks(capture)
    bodies = [Body(walk, way, spans) for walk in walks for way, spans in walk.bodies if spans]
    bodies += [body for walk in walks for body in mapi_bodies(walk)]
    bodies = [body for body in bodies if body.data]
    packets = list(capture.packets)
    if bodies:
        for _ in range(rng.randrange(1, MOST + 1)):
            damage(rng.choice(bodies), rng)
    changed = {}
    for body in bodies:
        at = 0
        for index, place, length in body.places:
            data = changed.setdefault(index, bytearray(packets[index].data))
            data[place:place + length] = body.data[at:at + length]
            at += length
    for index, data in changed.items():
        packet = dataclasses.replace(packets[index], data=bytes(data))
        packets[index] = capfile.rebuild(packet, capfile.segment(packet))
    return capfile.Capture(packets, capture.secrets)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("-k", metavar="KEYLOG")
    parser.add_argument("capture")
    parser.add_argument("damaged")
    options = parser.parse_args()
    with wsrun.Tshark() as tshark:
        capture = twin.make(tshark, options.capture, options.k)
    capfile.save(options.damaged, make(capture, options.seed))


if __name__ == "__main__":
    sys.exit(main())
