"""Reads and writes captures, and cuts the PDUs of RPC over HTTP out of them.

Nothing here knows the plugin: what the tests compare it with must not come from it. TCP is
put together by sequence numbers, HTTP bodies by their framing, PDUs by frag_length.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import base64
import bisect
import dataclasses
import ipaddress
import pathlib
import re
import struct

ETHERNET, NULL, RAW, SLL, SLL2 = 1, 0, 101, 113, 276
FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10
RTS = 20
ECHO_MOST = 16                       # MS-RPCH 2.1.2.1.5: a longer body is a channel


@dataclasses.dataclass
class Packet:
    time: int                        # nanoseconds since 1970
    data: bytes
    length: int                      # on the wire
    link: int = ETHERNET
    interface: int = 0               # in its file, and section of the file


@dataclasses.dataclass
class Capture:
    packets: list
    secrets: list = dataclasses.field(default_factory=list)     # (type, bytes) of pcapng's decryption secrets


class BadCapture(Exception):
    """Not a capture that this reader knows."""


# ---- files ---------------------------------------------------------------------------------

def load(path):
    raw = pathlib.Path(path).read_bytes()
    if raw[:4] == b"\x0a\x0d\x0d\x0a":
        return _load_pcapng(raw)
    return _load_pcap(raw)


def _load_pcap(raw):
    kinds = {b"\xd4\xc3\xb2\xa1": ("<", 1000), b"\xa1\xb2\xc3\xd4": (">", 1000),
             b"\x4d\x3c\xb2\xa1": ("<", 1), b"\xa1\xb2\x3c\x4d": (">", 1)}
    if raw[:4] not in kinds or len(raw) < 24:
        raise BadCapture("neither pcap nor pcapng")
    order, scale = kinds[raw[:4]]
    link = struct.unpack_from(order + "I", raw, 20)[0] & 0xffff
    packets, at = [], 24
    while at + 16 <= len(raw):
        seconds, fraction, captured, length = struct.unpack_from(order + "IIII", raw, at)
        data = raw[at + 16:at + 16 + captured]
        if len(data) < captured:
            break
        packets.append(Packet(seconds * 10**9 + fraction * scale, data, length, link))
        at += 16 + captured
    return Capture(packets)


def _options(raw, at, end, order):
    while at + 4 <= end:
        code, length = struct.unpack_from(order + "HH", raw, at)
        if code == 0:
            return
        yield code, raw[at + 4:at + 4 + length]
        at += 4 + (length + 3) // 4 * 4


def _load_pcapng(raw):
    order, at, packets, secrets, interfaces = "<", 0, [], [], []
    while at + 12 <= len(raw):
        kind = struct.unpack_from(order + "I", raw, at)[0]
        if kind == 0x0a0d0d0a:
            order = "<" if raw[at + 8:at + 12] == b"\x4d\x3c\x2b\x1a" else ">"
            interfaces = []
        length = struct.unpack_from(order + "I", raw, at + 4)[0]
        end = at + length
        if length < 12 or end > len(raw):
            break
        body = at + 8
        if kind == 1:
            link, _, snap = struct.unpack_from(order + "HHI", raw, body)
            unit, offset = 1000, 0
            for code, value in _options(raw, body + 8, end - 4, order):
                if code == 9 and value:
                    if value[0] & 0x80:
                        raise BadCapture("time stamps in powers of two")
                    unit = 10**9 // 10**value[0] if value[0] <= 9 else 1
                elif code == 14:
                    offset = struct.unpack(order + "q", value)[0]
            interfaces.append((link, unit, offset, snap))
        elif kind == 6:
            number, high, low, captured, size = struct.unpack_from(order + "IIIII", raw, body)
            link, unit, offset, _ = interfaces[number]
            packets.append(Packet((high << 32 | low) * unit + offset * 10**9, raw[body + 20:body + 20 + captured], size,
                                  link, number))
        elif kind == 3:
            size = struct.unpack_from(order + "I", raw, body)[0]
            link, _, _, snap = interfaces[0]
            captured = min(size, snap or size, length - 16)
            packets.append(Packet(packets[-1].time if packets else 0, raw[body + 4:body + 4 + captured], size, link))
        elif kind == 10:
            what, size = struct.unpack_from(order + "II", raw, body)
            secrets.append((what, raw[body + 8:body + 8 + size]))
        at = end
    return Capture(packets, secrets)


def _block(kind, body):
    body += bytes(-len(body) % 4)
    length = 12 + len(body)
    return struct.pack("<II", kind, length) + body + struct.pack("<I", length)


def save(path, capture):
    """Always pcapng with nanoseconds; secrets are kept."""
    interfaces = list(dict.fromkeys((packet.link, packet.interface) for packet in capture.packets)) or [(ETHERNET, 0)]
    out = [_block(0x0a0d0d0a, struct.pack("<IHHq", 0x1a2b3c4d, 1, 0, -1))]
    for link, _ in interfaces:
        out.append(_block(1, struct.pack("<HHI", link, 0, 0) + struct.pack("<HHB3xHH", 9, 1, 9, 0, 0)))
    out += [_block(10, struct.pack("<II", what, len(data)) + data) for what, data in capture.secrets]
    for packet in capture.packets:
        head = struct.pack("<IIIII", interfaces.index((packet.link, packet.interface)), packet.time >> 32, packet.time & 0xffffffff,
                           len(packet.data), packet.length)
        out.append(_block(6, head + packet.data))
    pathlib.Path(path).write_bytes(b"".join(out))


# ---- packets -------------------------------------------------------------------------------

@dataclasses.dataclass
class Segment:
    """The TCP segment in a packet; offsets are into packet.data."""
    ip: int                          # of the IP header
    tcp: int                         # of the TCP header
    payload: int
    length: int                      # payload on the wire
    captured: int
    source: tuple                    # (address as bytes, port)
    target: tuple
    seq: int
    ack: int
    flags: int


def segment(packet):
    """The innermost TCP segment of an unfragmented packet, or None."""
    data = packet.data
    at, kind = 0, None
    if packet.link == ETHERNET and len(data) >= 14:
        at, kind = 14, struct.unpack_from(">H", data, 12)[0]
        while kind in (0x8100, 0x88a8) and len(data) >= at + 4:
            kind = struct.unpack_from(">H", data, at + 2)[0]
            at += 4
    elif packet.link == SLL and len(data) >= 16:
        at, kind = 16, struct.unpack_from(">H", data, 14)[0]
    elif packet.link == SLL2 and len(data) >= 20:
        at, kind = 20, struct.unpack_from(">H", data, 0)[0]
    elif packet.link == NULL and len(data) >= 5:
        at, kind = 4, 0x0800 if data[4] >> 4 == 4 else 0x86dd
    elif packet.link == RAW and data:
        kind = 0x0800 if data[0] >> 4 == 4 else 0x86dd
    ip = at
    if kind == 0x0800 and len(data) >= at + 20 and data[at] >> 4 == 4:
        if data[at + 9] != 6 or struct.unpack_from(">H", data, at + 6)[0] & 0x1fff:
            return None
        total = struct.unpack_from(">H", data, at + 2)[0] or packet.length - at
        end = at + total
        source, target = data[at + 12:at + 16], data[at + 16:at + 20]
        at += (data[at] & 15) * 4
    elif kind == 0x86dd and len(data) >= at + 40:
        end = at + 40 + struct.unpack_from(">H", data, at + 4)[0]
        source, target = data[at + 8:at + 24], data[at + 24:at + 40]
        following = data[at + 6]
        at += 40
        while following in (0, 43, 60) and len(data) >= at + 2:
            following, at = data[at], at + 8 + data[at + 1] * 8
        if following != 6:
            return None
    else:
        return None
    if len(data) < at + 20:
        return None
    source_port, target_port, seq, ack, offset, flags = struct.unpack_from(">HHIIBB", data, at)
    payload = at + (offset >> 4) * 4
    length = max(0, end - payload)
    return Segment(ip, at, payload, length, max(0, min(length, len(data) - payload)), (source, source_port),
                   (target, target_port), seq, ack, flags)


def endpoint_text(end):
    address = ipaddress.ip_address(end[0])
    return f"[{address}]:{end[1]}" if address.version == 6 else f"{address}:{end[1]}"


def _sum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def rebuild(packet, seg, payload=None, seq=None, ack=None, source=None, target=None):
    """The packet with another payload, numbers or ends, its lengths and checksums made right."""
    if payload is None:
        payload = packet.data[seg.payload:seg.payload + seg.captured]
        cut = seg.length - seg.captured
    else:
        cut = 0
    source, target = source or seg.source, target or seg.target
    tcp = bytearray(packet.data[seg.tcp:seg.payload])
    struct.pack_into(">HHII", tcp, 0, source[1], target[1], seg.seq if seq is None else seq,
                     seg.ack if ack is None else ack)
    tcp[16:18] = b"\0\0"
    ip = bytearray(packet.data[seg.ip:seg.tcp])
    size = len(tcp) + len(payload) + cut
    if ip[0] >> 4 == 4:
        struct.pack_into(">H", ip, 2, len(ip) + size)
        ip[12:20] = source[0] + target[0]
        ip[10:12] = b"\0\0"
        struct.pack_into(">H", ip, 10, _sum(bytes(ip)))
        pseudo = source[0] + target[0] + struct.pack(">HH", 6, size)
    else:
        struct.pack_into(">H", ip, 4, len(ip) - 40 + size)
        ip[8:40] = source[0] + target[0]
        pseudo = source[0] + target[0] + struct.pack(">II", size, 6)
    struct.pack_into(">H", tcp, 16, _sum(pseudo + bytes(tcp) + payload))
    data = packet.data[:seg.ip] + bytes(ip) + bytes(tcp) + payload
    return dataclasses.replace(packet, data=data, length=len(data) + cut)


class Talk:
    """A TCP connection over Ethernet and IPv4, written packet by packet."""

    def __init__(self, client=b"\x0a\0\0\x07", server=b"\x0a\0\0\x50", port=80, client_port=50001):
        self.ends = (client, client_port), (server, port)
        self.seq = [1000, 9000]
        self.packets, self.time = [], 1795600000 * 10**9

    def segment(self, way, flags, payload=b""):
        source, target = self.ends[way], self.ends[1 - way]
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 40, len(self.packets) + 1, 0x4000, 64, 6, 0, source[0], target[0])
        tcp = struct.pack(">HHIIBBHHH", source[1], target[1], self.seq[way], self.seq[1 - way], 0x50, flags, 512, 0, 0)
        packet = Packet(self.time, bytes.fromhex("020000000001020000000002") + b"\x08\0" + ip + tcp, 54)
        self.packets.append(rebuild(packet, segment(packet), payload))
        self.time += 10**6
        self.seq[way] += len(payload) + (1 if flags & (SYN | FIN) else 0)

    def open(self):
        self.segment(0, SYN)
        self.segment(1, SYN | ACK)
        self.segment(0, ACK)
        return self

    def say(self, way, *payloads):
        for payload in payloads:
            self.segment(way, ACK | PSH, payload)
        return self

    def close(self):
        self.segment(0, FIN | ACK)
        self.segment(1, FIN | ACK)
        return self


# ---- TCP -----------------------------------------------------------------------------------

class Half:
    """One direction of a TCP connection, put together in the order of sequence numbers."""

    def __init__(self):
        self.base = None             # sequence number of offset 0
        self.pieces = []             # (offset, bytes, packet index, offset in the packet), as captured
        self.lengths = []            # (offset, end, packet index) on the wire

    def add(self, seg, index, data):
        if seg.flags & SYN:
            self.base = (seg.seq + 1) & 0xffffffff
            return
        if self.base is None:
            self.base = seg.seq
        offset = (seg.seq - self.base + 2**31 & 0xffffffff) - 2**31
        if seg.length and offset >= 0:
            self.lengths.append((offset, offset + seg.length, index))
            self.pieces.append((offset, data[seg.payload:seg.payload + seg.captured], index, seg.payload))

    def assemble(self):
        """Keeps what came first of every byte: .data up to the first hole, and for each run of it where it
        lies in the packets (.runs: offset, length, packet index, offset in the packet)."""
        runs, end = [], 0
        starts = []
        for offset, data, index, place in self.pieces:
            # Cut what is there already out of the new piece.
            parts = [(offset, offset + len(data))]
            for start, stop in starts:
                parts = [part for low, high in parts for part in ((low, min(high, start)), (max(low, stop), high))
                         if part[0] < part[1]]
            for low, high in parts:
                runs.append((low, high - low, index, place + low - offset, data[low - offset:high - offset]))
            starts.append((offset, offset + len(data)))
            starts = _merge(starts)
        runs.sort(key=lambda run: run[0])
        self.data, self.runs, self.hole = bytearray(), [], False
        for low, length, index, place, data in runs:
            if low != end:
                self.hole = True
                break
            self.data += data
            self.runs.append((low, length, index, place))
            end = low + length
        self.keys = [run[0] for run in self.runs]
        return self

    def packets(self, low, high):
        """Indexes of the packets that carry bytes low to high."""
        first = max(0, bisect.bisect_right(self.keys, low) - 1)
        return [index for start, length, index, _ in self.runs[first:bisect.bisect_left(self.keys, high)]
                if start < high and start + length > low]

    def places(self, low, high):
        """(packet index, offset in the packet, length) of bytes low to high."""
        first = max(0, bisect.bisect_right(self.keys, low) - 1)
        for start, length, index, place in self.runs[first:bisect.bisect_left(self.keys, high)]:
            begin, end = max(low, start), min(high, start + length)
            if begin < end:
                yield index, place + begin - start, end - begin


def _merge(spans):
    out = []
    for low, high in sorted(spans):
        if out and low <= out[-1][1]:
            out[-1] = (out[-1][0], max(high, out[-1][1]))
        else:
            out.append((low, high))
    return out


@dataclasses.dataclass
class Tcp:
    number: int
    client: tuple
    server: tuple
    halves: list                     # to the server, to the client
    segments: list                   # (packet index, way, Segment)
    syn: bool = False

    def way(self, seg):
        return 0 if seg.source == self.client else 1


def connections(capture):
    """The TCP connections in the order of tcp.stream."""
    found, order = {}, []
    for index, packet in enumerate(capture.packets):
        seg = segment(packet)
        if seg is None:
            continue
        key = frozenset((seg.source, seg.target))
        tcp = found.get(key)
        opening = seg.flags & (SYN | ACK) == SYN
        if tcp is not None and opening and tcp.syn and tcp.halves[0].base not in (None, (seg.seq + 1) & 0xffffffff):
            tcp = None               # the port is used again
        if tcp is None:
            ends = (seg.source, seg.target)
            if seg.flags & (SYN | ACK) == SYN | ACK or (not opening and seg.source[1] < seg.target[1]):
                ends = ends[::-1]
            tcp = found[key] = Tcp(len(order), *ends, [Half(), Half()], [])
            order.append(tcp)
        tcp.syn |= opening
        way = tcp.way(seg)
        tcp.segments.append((index, way, seg))
        tcp.halves[way].add(seg, index, packet.data)
    for tcp in order:
        for half in tcp.halves:
            half.assemble()
    return order


# ---- HTTP and PDUs -------------------------------------------------------------------------

@dataclasses.dataclass
class Pdu:
    way: int
    offsets: list                    # (low, high) in the half's data; several where chunk framing lies between
    length: int
    ptype: int
    flags: int
    call: int
    opnum: int                       # -1 unless a request
    head: int                        # number of the HTTP head before it in its direction
    frame: int = 0                   # number of the frame that completed it
    data: bytes = b""


@dataclasses.dataclass
class Head:
    way: int
    offset: int
    length: int
    first: str                       # "RPC_IN_DATA", or the status as text
    fields: dict                     # lower-case names; the last of equal ones
    frame: int = 0
    uri: str = ""                    # of a request
    spans: list = dataclasses.field(default_factory=list)        # (low, high) of the body in the half's data
    whole: bool = False              # the body came to its announced end
    asks: object = None              # of a response: the request's Head


class Walk:
    """What HTTP carries in one TCP connection: heads and PDUs of both directions."""

    def __init__(self, tcp, resync=False):
        self.tcp, self.heads, self.pdus, self.bodies, self.resync = tcp, [], [], [], resync
        self.broken = []             # (way, offset) where no PDU can start
        data = [bytes(half.data) for half in tcp.halves]
        if data[1].startswith(b"ncacn_http/1."):
            self.pdus_in(0, [(0, len(data[0]))])
            self.pdus_in(1, [(14, len(data[1]))])
        else:
            self.http(data, [0, 0])
        for what in self.heads:
            what.frame = 1 + max(tcp.halves[what.way].packets(what.offset, what.offset + what.length))
        for pdu in self.pdus:
            pdu.frame = 1 + max(index for low, high in pdu.offsets for index in tcp.halves[pdu.way].packets(low, high))
        self.pdus.sort(key=lambda pdu: (pdu.frame, pdu.offsets[0][0]))

    def http(self, data, at):
        """Walks the requests, then the responses to them in order; at: where each direction starts."""
        asked, requests_end = [], at[0]
        while True:
            head = self.head(0, data[0], requests_end)
            if head is None:
                break
            requests_end = head.offset + head.length
            asked.append(head)
            if head.first == "CONNECT":
                break
            length = int(head.fields.get("content-length", "0") or "0")
            channel = head.first.startswith("RPC_") and (length > ECHO_MOST or "chunked" in head.coding)
            head.channel = channel or head.first == "RPC_CONNECT"
            requests_end = self.body(0, data[0], head, requests_end, head.channel, False)
            if requests_end is None:
                break
        responses_end = at[1]
        while True:
            head = self.head(1, data[1], responses_end)
            if head is None or not head.first.isdecimal():
                break
            responses_end = head.offset + head.length
            if 100 <= int(head.first) < 200:
                continue
            request = head.asks = asked.pop(0) if asked else None
            method = request.first if request else ""
            if method == "CONNECT" and head.first[0] == "2":
                self.http(data, [requests_end, responses_end])
                return
            carries = head.first == "200" and method in ("RPC_OUT_DATA", "RPC_CONNECT", "RPC_IN_DATA") and request.channel
            responses_end = self.body(1, data[1], head, responses_end, carries, head.first in ("204", "304"))
            if responses_end is None:
                return

    def head(self, way, data, at):
        while data[at:at + 2] == b"\r\n":
            at += 2
        end = data.find(b"\r\n\r\n", at)
        if end < 0:
            return None
        lines = data[at:end].decode("latin-1").split("\r\n")
        words = lines[0].split(" ")
        if way == 0 and (len(words) < 3 or not words[2].startswith("HTTP/")):
            return None
        if way == 1 and not words[0].startswith("HTTP/"):
            return None
        fields = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            fields[name.strip().lower()] = value.strip()
        head = Head(way, at, end + 4 - at, words[0] if way == 0 else words[1], fields)
        head.uri = words[1] if way == 0 else ""
        head.coding = fields.get("transfer-encoding", "").lower()
        head.channel = False
        self.heads.append(head)
        return head

    def body(self, way, data, head, at, carries, none):
        """Returns the offset behind the body, None if it goes on to the end. Leaves in the head where the body lies
        (spans), and whether it is whole."""
        if "chunked" in head.coding and not none:
            spans = head.spans = []
            while True:
                end = data.find(b"\r\n", at)
                size = re.match(rb"[0-9A-Fa-f]+", data[at:end if end >= 0 else len(data)])
                if end < 0 or size is None:
                    at = None
                    break
                count = int(size[0], 16)
                at = end + 2
                if count == 0:
                    end = data.find(b"\r\n", at)
                    while end > at:
                        at = end + 2
                        end = data.find(b"\r\n", at)
                    at = end + 2 if end >= 0 else None
                    break
                spans.append((at, min(at + count, len(data))))
                at += count + 2
                if at > len(data):
                    at = None
                    break
            if carries:
                self.pdus_in(way, spans)
            head.whole = at is not None
            return at
        length = 0 if none else head.fields.get("content-length")
        if length is None and way == 0:
            length = 0
        end = len(data) if length is None else at + int(length)
        if head.first == "RPC_CONNECT" or (head.way == 1 and carries and length is None):
            end = len(data)
        head.spans, head.whole = [(at, min(end, len(data)))], length is not None and end <= len(data)
        if carries:
            self.pdus_in(way, [(at, min(end, len(data)))])
        return end if end < len(data) else None

    def pdus_in(self, way, spans):
        """Cuts the body that lies in spans into PDUs."""
        whole = self.tcp.halves[way].data
        body = b"".join(bytes(whole[low:high]) for low, high in spans)
        self.bodies.append((way, [span for span in spans if span[0] < span[1]]))
        starts, total = [], 0
        for low, high in spans:
            starts.append((total, low, high))
            total += high - low
        number = sum(head.way == way for head in self.heads)
        at = 0
        while at + 16 <= len(body):
            order = "<" if body[at + 4] & 0x10 else ">"
            length, call = struct.unpack_from(order + "H", body, at + 8)[0], struct.unpack_from(order + "I", body, at + 12)[0]
            if body[at] != 5 or body[at + 1] > 1 or body[at + 2] > RTS or length < 16:
                self.broken.append((way, next(low + at - start for start, low, high in reversed(starts) if start <= at)))
                at = self.next_start(way, starts, body, at) if self.resync else -1
                if at < 0:
                    return
                continue
            if at + length > len(body):
                return
            offsets = [(low + max(0, at - start), low + min(high - low, at + length - start))
                       for start, low, high in starts if start < at + length and start + high - low > at]
            opnum = struct.unpack_from(order + "H", body, at + 22)[0] if body[at + 2] == 0 and length >= 24 else -1
            self.pdus.append(Pdu(way, offsets, length, body[at + 2], body[at + 3], call, opnum, number,
                                 data=body[at:at + length]))
            at += length


    def next_start(self, way, starts, body, at):
        """Where the next segment begins with what may be a PDU; -1 if none does."""
        for start, low, high in starts:
            for run in self.tcp.halves[way].keys:
                place = start + run - low
                if low <= run < high and place > at and body[place] == 5 and body[place + 4:place + 8] == b"\x10\0\0\0":
                    return place
        return -1


def walks(capture):
    return [Walk(tcp) for tcp in connections(capture)]


def secrets_of(capture):
    """Strings that no report may show: passwords and whole Authorization values of the plain HTTP heads."""
    found = set()
    for walk in walks(capture):
        for head in walk.heads:
            value = head.fields.get("authorization", "")
            scheme, _, token = value.partition(" ")
            token = token.strip()
            if len(token) > 8:
                found.add(token)
            if scheme.lower() == "basic":
                try:
                    plain = base64.b64decode(token + "==").decode("utf-8", "replace")
                except ValueError:
                    continue
                password = plain.partition(":")[2]
                if len(password) > 3:
                    found.add(password)
            for cookie in head.fields.get("cookie", "").split(";"):
                content = cookie.partition("=")[2].strip().strip('"')
                if len(content) > 8:
                    found.add(content)
    return found
