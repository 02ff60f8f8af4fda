"""What tests and tools know of MAPI/HTTP without the plugin: messages, their bodies, and extended buffers.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import re
import struct

COMPRESSED, XOR, LAST = 1, 2, 4
PATH = re.compile(r"(?:https?://[^/]*)?/mapi/(?:emsmdb|nspi)/?(?:\?.*)?$", re.IGNORECASE)
TAG = re.compile(rb"(?:PROCESSING|PENDING|DONE)(?:\r\n)?")


def is_request(head):
    """Section 1: the path, the content type, or X-RequestType."""
    return bool(PATH.match(head.uri)) or "x-requesttype" in head.fields or \
        head.fields.get("content-type", "").lower().startswith("application/mapi-http")


def messages(walk):
    """The heads of MAPI/HTTP of one TCP connection, requests and the responses to them; responses to what was not
    captured by their own headers."""
    return [head for head in walk.heads if is_request(head.asks or head)]


def body(walk, head):
    data = walk.tcp.halves[head.way].data
    return b"".join(bytes(data[low:high]) for low, high in head.spans)


def last_frame(walk, head):
    """The frame that completes the message, its last chunk line and all."""
    half = walk.tcp.halves[head.way]
    end = max([head.offset + head.length, *(high for _, high in head.spans)])
    if "chunked" in head.coding:
        end = bytes(half.data).find(b"0\r\n\r\n", end) + 5
    return 1 + max(half.packets(head.offset, end))


def typed(response):
    """Offset of the typed body in the body of a response: behind tags and additional headers; None if there is no
    envelope."""
    at = 0
    while match := TAG.match(response, at):
        at = match.end()
        if match[0].startswith(b"DONE"):
            end = response.find(b"\r\n\r\n", at - 2)
            return None if end < 0 else end + 4
    return None


def buffers(data):
    """Offsets of what may be the RPC_HEADER_EXT of an extended buffer: version 0, known flags, and a size that fits."""
    return [at for at in range(len(data) - 8) if data[at:at + 2] == b"\0\0" and data[at + 2] & LAST and data[at + 2] < 8
            and data[at + 3] == 0 and 0 < struct.unpack_from("<H", data, at + 4)[0] <= len(data) - at - 8]


def lz77(data, size):
    """Undoes plain LZ77 (MS-XCA 2.4); stops at size."""
    out, at, flags, left, half = bytearray(), 0, 0, 0, None
    while len(out) < size:
        if left == 0:
            flags, left = struct.unpack_from("<I", data, at)[0], 32
            at += 4
        left -= 1
        if not flags >> left & 1:
            out.append(data[at])
            at += 1
            continue
        word = struct.unpack_from("<H", data, at)[0]
        at += 2
        length, distance = word & 7, (word >> 3) + 1
        if length == 7:
            if half is None:
                length, half = data[at] & 15, at
                at += 1
            else:
                length, half = data[half] >> 4, None
            if length == 15:
                length = data[at]
                at += 1
                if length == 255:
                    length = struct.unpack_from("<H", data, at)[0]
                    at += 2
                    if length == 0:
                        length = struct.unpack_from("<I", data, at)[0]
                        at += 4
                    length -= 22
                length += 15
            length += 7
        length += 3
        for _ in range(length):
            out.append(out[len(out) - distance])
    return bytes(out[:size])


def unpacked(payload, flags, actual):
    """The payload of an extended buffer as it was before it was packed."""
    if flags & XOR:
        payload = bytes(byte ^ 0xA5 for byte in payload)
    return lz77(payload, actual) if flags & COMPRESSED else payload


def covered(fields, data, base):
    """How many bytes of data, which starts at base in its data source, the fields cover, as a bytearray of marks. Only
    a field whose own bytes are those of the data counts: fields of other data sources have offsets of their own."""
    marks = bytearray(len(data))
    for at, value in fields:
        low = at - base
        if value and 0 <= low and low + len(value) <= len(data) and data[low:low + len(value)] == value:
            marks[low:low + len(value)] = b"\1" * len(value)
    return marks


def leaves(proto):
    """(offset, bytes) of each field of a protocol item that has no smaller one within it. PDML adds the parent's offset to
    a smaller one of its field, which one in another data source may be: both are given."""
    found = []

    def walk(element, above):
        for field in element.findall("field"):
            size, at = int(field.get("size", "0")), int(field.get("pos", "0"))
            walk(field, at)
            value = field.get("value") or ""
            # Of bits PDML writes the masked value; the field around them has the bytes.
            if not size or len(value) != 2 * size or field.get("unmaskedvalue"):
                continue
            if any(0 < int(child.get("size", "0")) < size and not child.get("unmaskedvalue") for child in field.iter("field")
                   if child is not field):
                continue
            found.append((at, bytes.fromhex(value)))
            if at >= above:
                found.append((at - above, bytes.fromhex(value)))

    walk(proto, int(proto.get("pos", "0")))
    return found


def first_gap(marks):
    return marks.find(0)
