"""Writes pcapng in a stream: blocks, options, names of addresses.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import struct

COMMENT, END = 1, 0                   # options of every block
HARDWARE, SYSTEM, APPLICATION = 2, 3, 4            # of a section
NAME, DESCRIPTION, RESOLUTION = 2, 3, 9            # of an interface
COMMENT_MOST = 8000


def block(kind, body):
    body += bytes(-len(body) % 4)
    length = 12 + len(body)
    return struct.pack("<II", kind, length) + body + struct.pack("<I", length)


def options(pairs):
    out = b""
    for code, value in pairs:
        if isinstance(value, str):
            value = value.encode("utf-8", "replace")
        out += struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4)
    return out + struct.pack("<HH", END, 0) if pairs else b""


def comment(text):
    """Of a packet or section, without control characters, cut where it is too long."""
    text = "".join(letter if letter.isprintable() or letter == "\n" else " " for letter in text)
    return COMMENT, text.encode("utf-8", "replace")[:COMMENT_MOST].decode("utf-8", "ignore")


class Writer:
    """One section with one interface, times in nanoseconds."""

    def __init__(self, file, link, section=(), interface=()):
        self.file, self.packets = file, 0
        file.write(block(0x0a0d0d0a, struct.pack("<IHHq", 0x1a2b3c4d, 1, 0, -1) + options(list(section))))
        file.write(block(1, struct.pack("<HHI", link, 0, 0) + options([*interface, (RESOLUTION, b"\x09")])))

    def names(self, pairs):
        """Which name each address (its bytes) has."""
        body = b""
        for address, name in pairs:
            record = address + name.encode("utf-8", "replace")[:255] + b"\0"
            body += struct.pack("<HH", 1 if len(address) == 4 else 2, len(record)) + record + bytes(-len(record) % 4)
            if len(body) > 60000:
                self.file.write(block(4, body + bytes(4)))
                body = b""
        if body:
            self.file.write(block(4, body + bytes(4)))

    def packet(self, time, data, comments=()):
        head = struct.pack("<IIIII", 0, time >> 32, time & 0xffffffff, len(data), len(data))
        body = head + data + bytes(-len(data) % 4)
        self.file.write(block(6, body + options([comment(text) for text in comments])))
        self.packets += 1
