"""Writes the captures that measure.py measures: classic pcap files, one frame after the other, so that 100,000
connections need no memory here.

A virtual connection over HTTP and the TCP connection that stands for it carry the same RPC PDUs, one to a segment, with
the same call ids, in the same order and with the same pure acknowledgements. The calls are those of an interface that
Wireshark does not know, so that it shows 64 bytes of stub and no more: every interface that it does know makes the
plugin's share smaller. NSPI is there to show by how much.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import pathlib
import struct
import sys
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "synth"))
sys.dont_write_bytecode = True

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tools"))

import capfile  # noqa: E402
import mapiwire  # noqa: E402
import rpc  # noqa: E402

FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10
START, STEP = 1795600000, 20         # seconds since 1970, microseconds between frames
UP, DOWN = 0, 1
MSS = 1460
CLIENTS = 5000                       # a client has several connections where there are more than that
TOGETHER = 100                       # connections open at a time
PROXY, SERVER, WEB = 0x0A000051, 0x0A00005B, 0x0A000050
MACS = bytes.fromhex("020000000001020000000002")


class Pcap:
    """The file; counts frames and the RPC PDUs in them."""

    def __init__(self, path):
        self.out = open(path, "wb", buffering=1 << 20)
        self.out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        self.frames = self.pdus = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.out.close()

    def write(self, head, payload):
        """head: all of the frame in front of the TCP payload."""
        seconds, micros = divmod(self.frames * STEP, 1_000_000)
        length = len(head) + len(payload)
        self.out.write(struct.pack("<IIII", START + seconds, micros, length, length) + head + payload)
        self.frames += 1


class Conn:
    """A TCP connection; acks: a pure acknowledgement after that many data segments of one way, 0 for none.

    Wireshark checks neither checksum unless told to; they are left at 0.
    """

    HEAD = struct.Struct(">12sHBBHHHBBHIIHHIIBBHHH")

    def __init__(self, pcap, client, port, server, server_port, acks):
        self.pcap, self.acks = pcap, acks
        self.ends = (client, port), (server, server_port)
        self.seq = [port * 2654435761 & 0xFFFFFFFF, port * 40503 + 0x51ED270B & 0xFFFFFFFF]
        self.unacked = [0, 0]
        self.ids = 0
        self.packet(UP, SYN)
        self.packet(DOWN, SYN | ACK)
        self.packet(UP, ACK)

    def packet(self, way, flags, payload=b""):
        (src, sport), (dst, dport) = self.ends[way], self.ends[1 - way]
        self.ids = self.ids + 1 & 0xFFFF
        self.pcap.write(self.HEAD.pack(MACS, 0x0800, 0x45, 0, 40 + len(payload), self.ids, 0x4000, 64, 6, 0, src, dst,
                                       sport, dport, self.seq[way], self.seq[1 - way] if flags & ACK else 0, 0x50,
                                       flags, 64240, 0, 0), payload)
        self.seq[way] = self.seq[way] + len(payload) + (1 if flags & (SYN | FIN) else 0) & 0xFFFFFFFF

    def send(self, way, data):
        for at in range(0, len(data), MSS):
            part = data[at:at + MSS]
            self.packet(way, ACK | (PSH if at + MSS >= len(data) else 0), part)
            self.unacked[way] += 1
            if self.acks and self.unacked[way] >= self.acks:
                self.packet(1 - way, ACK)
                self.unacked[way] = 0

    def close(self):
        self.packet(UP, FIN | ACK)
        self.packet(DOWN, FIN | ACK)
        self.packet(UP, ACK)


def client(number):
    """Address and first of two ports."""
    user, use = number % CLIENTS, number // CLIENTS
    return 0x0A140000 + user // 250 * 256 + user % 250 + 1, 20000 + 2 * use


class Unknown:
    """An interface that Wireshark has no dissector for."""
    interface = uuid.UUID("5bd6f4a4-0c0f-4c54-9f6d-4c1f6a6e9d10"), 1, 0
    CALL = 3, bytes(range(64)), bytes(range(64))


def calls(number, count, service):
    """The RPC PDUs of one connection, (way, bytes): bind, its answer, and calls, count in all.

    Each connection has a context handle of its own, as a server would give it: Wireshark keeps a list for each handle,
    and one handle for all would measure that list.
    """
    handle = rpc.u32(0) + struct.pack("<QQ", 0x1000000000000000 + number, number * 2654435761)
    yield UP, rpc.bind(interface=service.interface).data
    yield DOWN, rpc.bind_ack().data
    for at in range((count - 2) // 2):
        opnum, ask, reply = service.CALL if service is Unknown else service.BIND if at == 0 else service.UPDATE
        yield UP, rpc.request(at + 2, opnum, ask.replace(rpc.HANDLE, handle)).data
        yield DOWN, rpc.response(at + 2, opnum, reply.replace(rpc.HANDLE, handle)).data


class OverHttp:
    """A virtual connection: both channels, the handshake, then the calls."""

    def __init__(self, pcap, number, acks):
        address, port = client(number)
        cookies = rpc.Cookies(f"bench/{number}")
        self.in_ = Conn(pcap, address, port, PROXY, 80, acks)
        self.in_.send(UP, rpc.ask_in().data)
        self.out = Conn(pcap, address, port + 1, PROXY, 80, acks)
        self.out.send(UP, rpc.ask_out().data)
        self.out.send(UP, rpc.conn_a1(cookies).data)
        self.in_.send(UP, rpc.conn_b1(cookies).data)
        self.out.send(DOWN, rpc.success().data + rpc.conn_a3().data)
        self.out.send(DOWN, rpc.conn_c2().data)

    def send(self, way, data):
        (self.in_ if way == UP else self.out).send(way, data)

    def close(self):
        self.in_.close()
        self.out.close()


class OverTcp(Conn):
    """The same calls on one TCP connection to the endpoint mapper's port, where stock DCE/RPC looks."""

    def __init__(self, pcap, number, acks):
        super().__init__(pcap, *client(number), SERVER, 135, acks)


CARRIERS = {"http": OverHttp, "tcp": OverTcp}


def rpc_calls(path, carrier, connections, pdus, acks=2, service=Unknown):
    """connections of pdus RPC PDUs each, TOGETHER of them at a time, a PDU of each in turn."""
    with Pcap(path) as pcap:
        for first in range(0, connections, TOGETHER):
            numbers = range(first, min(first + TOGETHER, connections))
            conns = [CARRIERS[carrier](pcap, number, acks) for number in numbers]
            for row in zip(*(calls(number, pdus, service) for number in numbers)):
                for conn, (way, data) in zip(conns, row):
                    conn.send(way, data)
                    pcap.pdus += 1
            for conn in conns:
                conn.close()
        return pcap.frames, pcap.pdus


def web(path, packets, claimed=False):
    """Plain HTTP, behind one claimed connection of each protocol if claimed is set: 100 persistent connections at a time with 30 requests each; every fourth answer takes three segments
    and is reassembled. The last connections are cut off when the number of packets is reached."""
    get = (b"GET /owa/auth/%d.js HTTP/1.1\r\nHost: mail.example.test\r\nUser-Agent: Mozilla/5.0 (Windows NT 10.0)\r\n"
           b"Accept: */*\r\nAccept-Encoding: gzip, deflate\r\nCookie: session=0123456789abcdef\r\n\r\n")
    answer = (b"HTTP/1.1 200 OK\r\nContent-Type: text/javascript\r\nContent-Length: %d\r\n"
              b"Server: Microsoft-IIS/10.0\r\nX-FEServer: EX1\r\nDate: Wed, 25 Nov 2026 09:46:40 GMT\r\n\r\n")
    bodies = [b"var a = 1;\n" * 30] * 3 + [b"var b = 22;\n" * 300]
    with Pcap(path) as pcap:
        number = 0
        if claimed:
            vc = OverHttp(pcap, CLIENTS - 1, 2)
            for way, data in calls(CLIENTS - 1, 8, Unknown):
                vc.send(way, data)
            for _ in Mapi(pcap, CLIENTS - 2, 2).trips(2):
                pass
        while True:
            conns = []
            for _ in range(TOGETHER):
                conns.append(Conn(pcap, *client(number), WEB, 80, 2))
                number += 1
            for at in range(30):
                for conn in conns:
                    conn.send(UP, get % at)
                    body = bodies[at % 4]
                    conn.send(DOWN, answer % len(body) + body)
                    if pcap.frames >= packets:
                        return pcap.frames, 0
            for conn in conns:
                conn.close()


class Mapi:
    """A session of MAPI/HTTP on one connection, as Outlook and Exchange write it."""

    INFO = b"{2FBC0F5E-6C0C-4B5C-9E0A-%012X}"
    ASK = (b"POST /mapi/emsmdb/?MailboxId=%b@example.test HTTP/1.1\r\nHost: mail.example.test\r\nCache-Control: no-cache\r\n"
           b"Connection: Keep-Alive\r\nUser-Agent: Microsoft Office/16.0 (Windows NT 10.0; MAPI 16.0.17126; Pro)\r\n"
           b"Content-Type: application/mapi-http\r\nX-RequestType: %b\r\nX-ClientInfo: %b:1\r\nX-RequestId: %b:%d\r\n"
           b"X-ClientApplication: Outlook/16.0.17126.20132\r\nclient-request-id: {7D3B5A0C-0000-4000-8000-%012X}\r\n%b"
           b"Authorization: Basic YWxpY2U6Y29ycmVjdCBob3JzZQ==\r\nContent-Length: %d\r\n\r\n")
    ANSWER = (b"HTTP/1.1 200 OK\r\nCache-Control: private\r\nTransfer-Encoding: chunked\r\nContent-Type: application/mapi-http\r\n"
              b"Server: Microsoft-IIS/10.0\r\nrequest-id: 0f1f5b2e-0000-4000-8000-%012x\r\nX-CalculatedBETarget: ex1.example.test\r\n"
              b"X-RequestType: %b\r\nX-RequestId: %b:%d\r\nX-ClientInfo: %b:1\r\nX-ResponseCode: 0\r\nX-PendingPeriod: 30000\r\n"
              b"X-ExpirationInfo: 900000\r\nX-ServerApplication: Exchange/15.02.1544.0004\r\nX-BEServer: EX1\r\nX-FEServer: EX1\r\n"
              b"%bDate: Wed, 25 Nov 2026 09:46:40 GMT\r\n\r\n")
    DONE = b"DONE\r\nX-ElapsedTime: 4\r\nX-StartTime: Wed, 25 Nov 2026 09:46:40 GMT\r\n\r\n"
    DN = b"/o=Example/ou=Exchange/cn=Recipients/cn=user%d\0"
    packed = None

    def __init__(self, pcap, number, acks):
        self.pcap, self.number, self.counter = pcap, number, 0
        address, port = client(number)
        self.conn = Conn(pcap, address, port, WEB, 80, acks)
        self.id = b"{8B8F2C2A-1D0F-4D0B-8F0E-%012X}" % number
        self.info = self.INFO % number
        self.mailbox = b"652401fd-75bf-585d-b0ba-%012x" % number
        self.context = mapiwire.mapi_context("EX1", 1575012367 + number).encode()
        self.cookies = b""
        if Mapi.packed is None:
            Mapi.packed = [self.rops(seed) for seed in range(4)]

    @staticmethod
    def rops(seed):
        """4 KB of ROPs with a handle table, compressed to about half: an extended buffer."""
        words = [b"Calendar", b"/o=Example", bytes((0x0F, 0, seed, 1)), b"\x1f\0\x37\0", b"I\0n\0b\0o\0x\0", bytes(6)]
        data, state = bytearray(), seed + 1
        while len(data) < 4086:
            state = state * 1103515245 + 12345 & 0x7FFFFFFF
            data += words[state >> 8 & 7] if state >> 8 & 7 < len(words) else struct.pack("<I", state)
        plain = struct.pack("<H", 4088) + b"\x15" + bytes(data[:4085]) + struct.pack("<II", 1, 0xFFFFFFFF)
        squeezed = mapiwire.lz77(plain)
        return struct.pack("<HHHH", 0, mapiwire.COMPRESSED | mapiwire.LAST, len(squeezed), len(plain)) + squeezed

    def trip(self, kind, ask, answer):
        """A request and its answer; yields between the two."""
        self.counter += 1
        unique = self.number << 16 | self.counter
        self.conn.send(UP, self.ASK % (self.mailbox, kind, self.info, self.id, self.counter, unique, self.cookies, len(ask)) + ask)
        yield
        sequence = mapiwire.mapi_sequence(self.counter, str(self.number)).encode()
        given = b"Set-Cookie: MapiContext=%b; path=/mapi/emsmdb\r\n" % self.context if kind == b"Connect" else b""
        given += b"Set-Cookie: MapiSequence=%b; path=/mapi/emsmdb\r\n" % sequence
        self.cookies = b"Cookie: MapiContext=%b; MapiSequence=%b\r\n" % (self.context, sequence)
        last = self.DONE + answer
        self.conn.send(DOWN, self.ANSWER % (unique, kind, self.id, self.counter, self.info, given)
                       + b"c\r\nPROCESSING\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(last), last))
        self.pcap.pdus += 1
        yield

    def trips(self, count):
        """Connect, count times Execute, Disconnect."""
        none = struct.pack("<I", 0)
        yield from self.trip(b"Connect", self.DN % self.number + struct.pack("<IIII", 0, 1252, 0x409, 0x409) + none,
                             struct.pack("<IIIII", 0, 0, 60000, 6, 10000) + b"/o=Example/\0" + "Alice\0".encode("utf-16-le") + none)
        for at in range(count):
            packed = self.packed[at & 3]
            yield from self.trip(b"Execute", struct.pack("<II", 0, len(packed)) + packed + struct.pack("<I", 0x10008) + none,
                                 struct.pack("<IIII", 0, 0, 0, len(packed)) + packed + none)
        yield from self.trip(b"Disconnect", none, struct.pack("<II", 0, 0) + none)


def mapi(path, sessions, executes, acks=2, small=False):
    """small: ROPs of a few bytes, as they are. Sessions of Connect, executes times Execute and Disconnect; TOGETHER of them at a time, a message of each in turn."""
    with Pcap(path) as pcap:
        for first in range(0, sessions, TOGETHER):
            many = [Mapi(pcap, number, acks) for number in range(first, min(first + TOGETHER, sessions))]
            if small:
                rops = struct.pack("<H", 6) + b"\x01\0\x02\0" + struct.pack("<I", 0xFFFFFFFF)
                for session in many:
                    session.packed = [struct.pack("<HHHH", 0, mapiwire.LAST, len(rops), len(rops)) + rops] * 4
            for _ in zip(*(session.trips(executes) for session in many)):
                pass
            for session in many:
                session.conn.close()
        return pcap.frames, pcap.pdus


def dns(path, packets):
    """Questions for an address, and answers."""
    question = b"\x04mail\x07example\x04test\0" + struct.pack(">HH", 1, 1)
    head = struct.Struct(">12sHBBHHHBBHIIHHHH")
    with Pcap(path) as pcap:
        for at in range(packets // 2):
            for way in (UP, DOWN):
                address = client(at % CLIENTS)[0]
                data = struct.pack(">HHHHHH", at & 0xFFFF, 0x8180 if way else 0x0100, 1, way, 0, 0) + question
                if way == DOWN:
                    data += struct.pack(">HHHIHI", 0xC00C, 1, 1, 300, 4, WEB)
                ends = [(address, 20000 + at % 40000), (WEB, 53)]
                (src, sport), (dst, dport) = ends[way], ends[1 - way]
                pcap.write(head.pack(MACS, 0x0800, 0x45, 0, 28 + len(data), at & 0xFFFF, 0, 64, 17, 0, src, dst, sport, dport,
                                     8 + len(data), 0), data)
        return pcap.frames, 0


def plain_tcp(path, packets):
    """A protocol on a port that nobody owns, full segments."""
    with Pcap(path) as pcap:
        number = 0
        while pcap.frames < packets:
            conns = [Conn(pcap, *client(number + at), WEB, 12345, 2) for at in range(TOGETHER)]
            number += TOGETHER
            for _ in range(20):
                for conn in conns:
                    conn.send(UP, b"\xd7question" * 8)
                    conn.send(DOWN, b"\xd7an answer of some length" * 100)
            for conn in conns:
                conn.close()
        return pcap.frames, 0


def tls(path, connections, records, size=4000):
    """Handshakes of TLS 1.2 as they were recorded (live-tls12), then records of data from the server."""
    sample = next((pathlib.Path(__file__).resolve().parent.parent / "test-captures").rglob("live-tls12/capture.pcap*"))
    flights = [[bytes(half.data)] for half in capfile.connections(capfile.load(sample))[0].halves]
    for way in (UP, DOWN):
        data, found = flights[way][0], []
        while len(data) > 5 and data[0] != 0x17:
            end = 5 + int.from_bytes(data[3:5], "big")
            found.append(data[:end])
            data = data[end:]
        flights[way] = found
    hello, rest = flights[UP][0], b"".join(flights[UP][1:])
    last = next(at for at, record in enumerate(flights[DOWN]) if record[0] == 0x16 and record[5] == 4)   # the ticket
    with Pcap(path) as pcap:
        number = 0
        while number < connections:
            conns = [Conn(pcap, *client(number + at), WEB, 443, 2) for at in range(min(TOGETHER, connections - number))]
            number += len(conns)
            for way, data in (UP, hello), (DOWN, b"".join(flights[DOWN][:last])), (UP, rest), (DOWN, b"".join(flights[DOWN][last:])):
                for conn in conns:
                    conn.send(way, data)
            body = struct.pack(">BHH", 0x17, 0x0303, size) + bytes(at * 167 + 13 & 0xFF for at in range(size))
            for _ in range(records):
                for conn in conns:
                    conn.send(DOWN, body)
            for conn in conns:
                conn.close()
        return pcap.frames, 0


def nothing(path):
    """No frame: what it costs to start tshark."""
    with Pcap(path) as pcap:
        return pcap.frames, 0
