"""FastTransfer streams as bytes (MS-OXCFXICS 2.2.4) and sets of ids in them (2.2.2.4).

SPDX-License-Identifier: GPL-2.0-or-later
"""

import mapiwire as w

MARKERS = {"StartTopFld": 0x40090003, "StartSubFld": 0x400A0003, "EndFolder": 0x400B0003, "StartMessage": 0x400C0003,
           "StartFAIMsg": 0x40100003, "EndMessage": 0x400D0003, "StartEmbed": 0x40010003, "EndEmbed": 0x40020003,
           "StartRecip": 0x40030003, "EndToRecip": 0x40040003, "NewAttach": 0x40000003, "EndAttach": 0x400E0003,
           "IncrSyncChg": 0x40120003, "IncrSyncDel": 0x40130003, "IncrSyncEnd": 0x40140003, "IncrSyncRead": 0x402F0003,
           "IncrSyncStateBegin": 0x403A0003, "IncrSyncStateEnd": 0x403B0003, "IncrSyncMessage": 0x40150003}
IDSET_GIVEN, CNSET_SEEN, CNSET_SEEN_FAI, CNSET_READ = 0x40170003, 0x67960102, 0x67DA0102, 0x67D20102
ROW_ID, ATTACH_NUMBER, SUBJECT, SIZE, BODY, NAME = 0x30000003, 0x0E210003, 0x0037001F, 0x0E080003, 0x1000001F, 0x3001001F


def marker(name):
    return w.u32(MARKERS[name])


def value(tag, content, named=b""):
    """propValue: type, id, what a named property is called, the value."""
    kind = tag & 0xFFFF
    if tag == IDSET_GIVEN or kind == 0x0102:
        data = w.sized(content)
    elif kind == 0x001F:
        data = w.sized(w.wide(content))
    elif kind == 0x001E or kind & 0x8000:
        data = w.sized(content + b"\0")         # 8 bits to a character, written by whoever calls
    elif kind == 0x000B:
        data = w.u16(content)
    else:
        data = {0x0002: w.u16, 0x0003: w.u32, 0x0014: w.u64, 0x0040: w.u64}[kind](content)
    return w.u16(kind) + w.u16(tag >> 16) + named + data


def named(guid, lid):
    return guid.bytes_le + b"\0" + w.u32(lid)


def counter(number):
    return number.to_bytes(6, "big")


def idset(replica, *ranges):
    """REPLGUID and a GLOBSET: single ids pushed whole, ranges below the bytes that both ends share."""
    out = replica.bytes_le
    for low, high in ranges:
        one, other = counter(low), counter(high)
        if low == high:
            out += b"\6" + one
            continue
        shared = next(at for at in range(6) if one[at] != other[at])
        out += bytes([shared]) + one[:shared] if shared else b""
        out += b"\x52" + one[shared:] + other[shared:] + (b"\x50" if shared else b"")
    return out + b"\0"


def message(number, body="", attachments=()):
    """A message of a messageList: a recipient, attachments with a message inside."""
    out = marker("StartMessage") + value(SUBJECT, f"Message {number}") + value(SIZE, number)
    if body:
        out += value(BODY, body)
    out += marker("StartRecip") + value(ROW_ID, 0) + value(NAME, "Bob") + marker("EndToRecip")
    for at, inside in enumerate(attachments):
        out += marker("NewAttach") + value(ATTACH_NUMBER, at)
        out += marker("StartEmbed") + value(SUBJECT, inside) + marker("EndEmbed") + marker("EndAttach")
    return out + marker("EndMessage")


def cut(data, *places):
    edges = [0, *places, len(data)]
    return [data[begin:end] for begin, end in zip(edges, edges[1:])]


class Endless:
    """A messageList of which each ROP takes as much as it likes."""

    def __init__(self):
        self.number, self.rest = 0, b""

    def take(self, size):
        while len(self.rest) < size:
            self.number += 1
            self.rest += message(self.number)
        data, self.rest = self.rest[:size], self.rest[size:]
        return data
