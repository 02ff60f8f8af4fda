"""Finds what ROP buffers a capture carries, without the plugin: Execute of MAPI/HTTP (MS-OXCMAPIHTTP 2.2.4.2) and
EcDoRpcExt2 of RPC over HTTP (MS-OXCRPC 3.1.4.2), unpacked (MS-OXCRPC 2.2.2.1).

SPDX-License-Identifier: GPL-2.0-or-later
"""

import dataclasses
import pathlib
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
import mapibodies as m

EMSMDB = bytes.fromhex("00dbf1a447ca6710b31f00dd010662da")
ECDORPCEXT2 = 11
REQUEST, RESPONSE, BIND, ALTER = 0, 2, 11, 14
FIRST, LAST, OBJECT = 1, 2, 0x80


@dataclasses.dataclass
class Exchange:
    session: tuple
    frames: tuple                    # of request and response; 0 where it was not captured
    opens: bool                      # a session begins
    asked: list                      # payloads of the request's extended buffers
    answered: list
    stream: int = 0
    places: tuple = ()               # of MAPI/HTTP: (walk, head) of request and response


def payloads(data):
    """What the extended buffers of rgbIn, rgbOut or RopBuffer hold; what is broken, and all behind it, is left out."""
    found, at = [], 0
    while at + 8 <= len(data):
        _, flags, size, actual = struct.unpack_from("<HHHH", data, at)
        if at + 8 + size > len(data):
            break
        try:
            found.append(bytes(m.unpacked(data[at + 8:at + 8 + size], flags, actual)))
        except (IndexError, struct.error):
            break
        at += 8 + size
        if flags & m.LAST:
            break
    return found


def of_capture(walks):
    """Exchanges in the order of their requests."""
    found = [exchange for walk in walks for exchange in of_http(walk)]
    found += of_channels(walks)
    return sorted(found, key=lambda exchange: exchange.frames[0] or exchange.frames[1])


# ---- MAPI/HTTP ---------------------------------------------------------------------------

def of_http(walk):
    answers = {id(head.asks): head for head in walk.heads if head.asks}
    for head in walk.heads:
        kind = head.fields.get("x-requesttype", "").lower()
        if head.way or kind not in ("execute", "connect") or "/nspi" in head.uri.lower():
            continue
        answer = answers.get(id(head))
        who = head.fields.get("x-requestid", "").split("}")[0]
        asked = m.body(walk, head) if kind == "execute" else b""
        told = b""
        if answer and kind == "execute" and answer.first == "200":
            body = m.body(walk, answer)
            start = m.typed(body)
            told = body[start:] if start is not None else b""
        yield Exchange((walk.tcp.server, who), (m.last_frame(walk, head), m.last_frame(walk, answer) if answer else 0),
                       kind == "connect", payloads(_counted(asked, 4)), payloads(_counted(told, 12)
                       if told[:8] == bytes(8) else b""), walk.tcp.number, (walk, head, answer))


def _counted(body, at):
    """RopBufferSize at a place, and the RopBuffer behind it."""
    if len(body) < at + 4:
        return b""
    size, = struct.unpack_from("<I", body, at)
    return body[at + 4:at + 4 + size]


# ---- RPC over HTTP -----------------------------------------------------------------------

def of_channels(walks):
    """Calls on IN are answered on OUT: by the call's number and the interface's context, of all channels to one server."""
    waiting, parts, contexts, found = {}, {}, {}, []
    for pdu, walk in sorted(((pdu, walk) for walk in walks for pdu in walk.pdus), key=lambda pair: pair[0].frame):
        key = walk.tcp.server, walk.tcp.client[0], pdu.call
        data = pdu.data
        if pdu.ptype in (BIND, ALTER):
            for number in range(data[24]):
                at = 28 + 44 * number                        # one transfer syntax each
                if data[at + 4:at + 20] == EMSMDB:
                    contexts[walk.tcp.server, struct.unpack_from("<H", data, at)[0]] = True
        if pdu.ptype not in (REQUEST, RESPONSE) or struct.unpack_from("<H", data, 10)[0] and _sealed(data):
            continue
        start = 24 + (16 if pdu.flags & OBJECT else 0)
        end = len(data) - (struct.unpack_from("<H", data, 10)[0] + 8 if struct.unpack_from("<H", data, 10)[0] else 0)
        parts.setdefault((key, pdu.ptype), bytearray()).extend(data[start:end])
        if not pdu.flags & LAST:
            continue
        stub = bytes(parts.pop((key, pdu.ptype)))
        if pdu.ptype == REQUEST and pdu.opnum == ECDORPCEXT2 and len(stub) > 36:
            if not contexts.get((walk.tcp.server, struct.unpack_from("<H", data, 20)[0])):
                continue
            size, = struct.unpack_from("<I", stub, 24)
            exchange = Exchange((walk.tcp.server, stub[:20]), (pdu.frame, 0), False, payloads(stub[28:28 + size]), [],
                                walk.tcp.number)
            waiting[key] = exchange
            found.append(exchange)
        elif pdu.ptype == RESPONSE and key in waiting:
            exchange = waiting.pop(key)
            size = struct.unpack_from("<I", stub, 32)[0] if len(stub) > 36 else 0
            exchange.answered = payloads(stub[36:36 + size])
            exchange.frames = exchange.frames[0], pdu.frame
    return found


def _sealed(data):
    length, = struct.unpack_from("<H", data, 10)
    return data[len(data) - length - 8 + 1] == 6
