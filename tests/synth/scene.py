"""A capture that is composed packet by packet, and with it what a dissector must say of it.

Nothing here looks at a dissector: a PDU, an HTTP head, a virtual connection or a verdict is
noted down by the line that composes it, with the number of the frame just written.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import json

import rpc
import wire
from wire import ACK, FIN, PSH, RST, SYN

START = 1795600000 * 10**9           # 2026-11-25T09:46:40Z
STEP = 150_000                       # ns between two packets where nothing else is said
UP, DOWN = 0, 1
MSS = 1400
SEVERITY = {
    "rpch.routing.proxies_differ": "note", "rpch.routing.backend_mismatch": "warning",
    "rpch.routing.never_joined": "warning", "rpch.routing.joined_across_proxies": "chat",
    "rpch.routing.joined_late": "chat", "rpch.channel.cut": "warning", "rpch.channel.not_recycled": "note",
    "rpch.routing.target_mismatch": "error", "rpch.channel.lone": "note", "rpch.channel.refused": "warning",
    "rpch.channel.idle_closed": "warning", "rpch.channel.silent_drop": "warning", "rpch.channel.buffered": "warning",
    "rpch.call.failed": "note", "rpch.channel.lifetime_exceeded": "warning", "rpch.flow.window_exceeded": "warning",
    "rpch.rts.malformed": "error", "rpch.rts.unexpected": "note", "outlook.server_gone": "warning",
    "outlook.server_gone.back": "chat", "rpch.channel.cut.note": "note",
    "outlook.auth.slow": "note", "outlook.auth.channel_binding": "warning",
}


class Conn:
    """A TCP connection between a client and a server endpoint."""

    def __init__(self, cap, client, server):
        self.cap, self.ends = cap, (wire.split_endpoint(client), wire.split_endpoint(server))
        self.stream = None
        port = self.ends[UP][1]
        self.seq = [(port * 2654435761) & 0xFFFFFFFF, (port * 40503 + 0x51ED270B) & 0xFFFFFFFF]
        if cap.wraps:
            self.seq = [0xFFFFFF00, 0xFFFFFFF0]
        self.seen = list(self.seq)           # what the other end has acknowledged
        self.last = [None, None]             # the last data segment of each way: seq and bytes
        self.http, self.pdus = [], []
        self.channel = self.vc = self.leg = None
        self.ttl = (64, 128)
        self.window = [501, 501]             # of each end, as it stands in its segments
        self.quiet = False                   # nothing of what is sent is expected to be dissected
        cap.conns.append(self)

    @property
    def client(self):
        return wire.join_endpoint(*self.ends[UP])

    @property
    def server(self):
        return wire.join_endpoint(*self.ends[DOWN])

    # ---- segments ----

    def packet(self, way, flags, payload=b"", seq=None, options=b"", captured=True):
        """One segment; returns its frame number, 0 if it was not captured."""
        (src, sport), (dst, dport) = self.ends[way], self.ends[1 - way]
        ms = self.cap.now // 10**6 & 0xFFFFFFFF
        stamps = b"\1\1\x08\x0a" + (ms + 7919 * sport & 0xFFFFFFFF).to_bytes(4, "big") + \
            ((ms + 7919 * dport - 1) & 0xFFFFFFFF if flags & ACK else 0).to_bytes(4, "big")
        if not self.cap.stamps:
            stamps = b""
        first = self.seq[way] if seq is None else seq
        acked = self.seen[1 - way] if flags & ACK else 0
        segment = wire.tcp(src, dst, sport, dport, first, acked, flags, 64240 if flags & SYN else self.window[way], options + stamps,
                           payload)
        return self.cap.write(self, wire.packet(src, dst, self.cap.next_id(src), self.ttl[way], segment), captured)

    def open(self, captured=True, synack=True):
        option = b"\x02\x04\x05\xb4\x01\x03\x03\x07"
        self.packet(UP, SYN, options=option, captured=captured)
        self._advance(UP, 1)
        self.packet(DOWN, SYN | ACK, options=option, captured=captured and synack)
        self._advance(DOWN, 1)
        self.packet(UP, ACK, captured=captured)
        return self

    def _advance(self, way, count, seen=True):
        self.seq[way] = (self.seq[way] + count) & 0xFFFFFFFF
        if seen:
            self.seen[way] = self.seq[way]

    def ack(self, way, captured=True):
        """An acknowledgment from that end, without data."""
        return self.packet(way, ACK, captured=captured)

    def send(self, way, *msgs, cuts=(), order=None, ack=True, lost=(), captured=True, delay=None):
        """Sends messages (Msg or bytes) as one stretch, cut into segments at the offsets in cuts.

        order: the segments in the order of the capture. lost: segments that are not captured. delay: seconds between
        segments. The frame of a message is the last frame that a dissector needs to have it whole.
        """
        msgs = [msg if isinstance(msg, rpc.Msg) else rpc.Msg(msg) for msg in msgs]
        data = b"".join(msg.data for msg in msgs)
        edges = sorted({0, len(data), *cuts})
        pieces = []
        for begin, end in zip(edges, edges[1:]):
            pieces += [(at, min(at + self.cap.mss, end)) for at in range(begin, end, self.cap.mss)]
        base, frames = self.seq[way], {}
        for index in order or range(len(pieces)):
            begin, end = pieces[index]
            frames[index] = self.packet(way, ACK | (PSH if end == len(data) else 0), data[begin:end],
                                        seq=(base + begin) & 0xFFFFFFFF, captured=captured and index not in lost)
            if delay:
                self.cap.wait(delay)
        self.last[way] = (base + pieces[-1][0]) & 0xFFFFFFFF, data[pieces[-1][0]:pieces[-1][1]]
        at = 0
        for msg in msgs:
            needed = [frames[index] for index, (begin, end) in enumerate(pieces) if begin < at + len(msg) and end > at]
            at += len(msg)
            msg.frame = max(needed) if needed and all(needed) else 0
            if not self.quiet:
                if msg.http and msg.frame:
                    self.http.append(msg.http)
                if msg.pdu and msg.frame:
                    self.pdus.append({"to": "server" if way == UP else "client", **msg.pdu})
        self._advance(way, len(data))
        if ack:
            self.ack(1 - way, captured)
        return max(frames.values())

    def up(self, *msgs, **how):
        return self.send(UP, *msgs, **how)

    def down(self, *msgs, **how):
        return self.send(DOWN, *msgs, **how)

    def again(self, way, captured=True):
        """Retransmits the last data segment of that way."""
        seq, data = self.last[way]
        return self.packet(way, ACK | PSH, data, seq=seq, captured=captured)

    def probe(self, way, size=0):
        """A TCP keep-alive: a segment before the next byte, with the last byte or none, and its ACK."""
        old = self.last[way][1][-1:] if size and self.last[way] else b""
        self.packet(way, ACK, old, seq=(self.seq[way] - 1) & 0xFFFFFFFF)
        return self.ack(1 - way)

    def shut(self, way, seconds, byte=b""):
        """That end closes its window, and the other one asks for so long whether it is open, twice as late each time up to a
        minute: with the next byte (Windows), or with none (Linux). Returns the frame that closed it."""
        self.window[way], left, pause = 0, seconds, 0.3
        frame = self.ack(way)
        while left > pause:
            self.cap.wait(pause)
            left, pause = left - pause, min(pause * 2, 60)
            self.packet(1 - way, ACK, byte, seq=(self.seq[1 - way] - (0 if byte else 1)) & 0xFFFFFFFF)
            self.ack(way)
        self.cap.wait(left)
        return frame

    def overlap(self, way, *msgs):
        """The last data segment again, with new messages behind it in one segment."""
        seq, data = self.last[way]
        new = b"".join(msg.data for msg in msgs)
        frame = self.packet(way, ACK | PSH, data + new, seq=seq)
        for msg in msgs:
            msg.frame = frame
            self.pdus.append({"to": "server" if way == UP else "client", **msg.pdu})
        self._advance(way, len(new))
        self.ack(1 - way)
        return frame

    def push(self, way, msg):
        """Sends a segment that nobody acknowledges."""
        seq = self.seq[way]
        frame = self.send(way, msg, ack=False)
        self.seen[way] = seq
        return frame

    def fin(self, way, ack=True):
        """A FIN from that end; returns its frame."""
        frame = self.packet(way, FIN | ACK)
        self._advance(way, 1)
        if ack:
            self.ack(1 - way)
        return frame

    def rst(self, way, ack=True):
        return self.packet(way, RST | ACK if ack else RST)

    def close(self, way=UP):
        """Both ends close, way first; returns the first FIN's frame."""
        frame = self.fin(way)
        self.fin(1 - way)
        return frame

    def row(self):
        row = {"stream": self.stream, "client": self.client, "server": self.server}
        for key in ("channel", "vc", "leg"):
            if getattr(self, key) is not None:
                row[key] = getattr(self, key)
        if self.http or self.channel:
            row["http"] = self.http
        if self.pdus or self.channel:
            row["pdus"] = self.pdus
        return row


class Capture:
    """A case: its packets and what is expected of them."""

    def __init__(self, name, title):
        self.name, self.title = name, title
        self.now = START
        self.frames, self.conns, self.ids, self.ports = [], [], {}, 50000
        self.streams = 0
        self.snaplen, self.classic, self.largest = 0, False, 60 * 1024
        self.cuts = {}                       # bytes of single frames that were captured, by number
        self.shape = None                    # of the frames, see wire.shape()
        self.stamps = True                   # TCP timestamps
        self.wraps = False                   # sequence numbers pass 2^32 soon
        self.mss = MSS                       # more where the sender's network card cuts segments
        self.span = None                     # how each frame is duplicated: "same" or "routed"
        self.side = None                     # of what this client sends and gets another capture was made, joined with this
        self.side_runs = True                # and that other capture goes on
        self.apart = set()                   # the numbers of its frames
        self.items, self.legs, self.tolerated, self.why = [], [], [], []
        self.what = self.rule = ""
        self.preferences = {}

    # ---- composing ----

    def wait(self, seconds):
        self.now += int(seconds * 10**9)

    @property
    def frame(self):
        """The number of the last frame written."""
        return len(self.frames)

    def next_id(self, address):
        self.ids[address] = (self.ids.get(address, int(address) * 40503 & 0x3FFF) + 1) & 0xFFFF
        return self.ids[address]

    def port(self):
        self.ports += 1
        return self.ports

    def connect(self, client, server, **how):
        """A new connection from an address, or an address with a port."""
        if not (client.endswith("]") or ":" not in client) and "]:" not in client and client.count(":") == 1:
            source = client
        else:
            source = wire.join_endpoint(wire.ip(client.strip("[]")), self.port())
        return Conn(self, source, server).open(**how)

    def write(self, conn, data, captured):
        self.now += STEP
        apart = self.side and str(conn.ends[UP][0]) == self.side
        if not captured or (apart and not self.side_runs):
            return 0
        if conn.stream is None:
            conn.stream = self.streams
            self.streams += 1
        data = wire.shape(data, self.shape)
        self.frames.append((self.now, data))
        number = len(self.frames)
        if apart:
            self.apart.add(number)
        if self.span == "same":
            self.frames.append((self.now + 2000, data))
        elif self.span == "routed":
            self.frames.append((self.now + 2000, self._routed(data)))
        return number

    @staticmethod
    def _routed(data):
        """The same packet behind a router: other MAC addresses, TTL one less."""
        macs = bytearray(data[:14])
        macs[1] ^= 0x40
        macs[7] ^= 0x40
        header = bytearray(data[14:34])
        header[8] -= 1
        header[10:12] = bytes(2)
        header[10:12] = wire.checksum(bytes(header)).to_bytes(2, "big")
        return bytes(macs) + bytes(header) + data[34:]

    def snap(self, frame, missing):
        """The last bytes of a frame were not captured."""
        self.cuts[frame] = len(self.frames[frame - 1][1]) - missing
        return frame

    # ---- expecting ----

    def item(self, name, frame, why, vc=0, leg=0, where=None):
        if not frame:
            raise SystemExit(f"{self.name}: {name} has no frame")
        severity = SEVERITY[name]
        row = {"item": name, "severity": severity, "frame": frame}
        if vc is not None:
            row.update(vc=vc, leg=leg)
        if where:
            row["where"] = where
        self.items.append(row)
        self.why.append((frame, name, severity, why))

    def leg(self, opens, in_=None, out=None, vc=0, leg=0, target=rpc.TARGET, user=rpc.USER):
        """A virtual connection's leg; in_ and out are the connections its channels end on."""
        row = {"vc": vc, "leg": leg, "opens": opens}
        if target:
            row["target"] = target
        if user:
            row["user"] = user
        for role, conn in (("in", in_), ("out", out)):
            if conn:
                row[f"{role}_peer"], row[f"{role}_stream"] = conn.server, conn.stream
        self.legs.append(row)

    def expect(self):
        rows = sorted((conn.row() for conn in self.conns if conn.stream is not None), key=lambda row: row["stream"])
        legs = sorted(self.legs, key=lambda row: (row["vc"], row["leg"]))
        expect = {"keys": None, "connections": rows, "legs": legs,
                  "items": sorted(self.items, key=lambda row: row["frame"]), "tolerated": self.tolerated}
        if self.preferences:
            expect["preferences"] = self.preferences
        return expect

    def readme(self):
        def flat(text):
            return " ".join(text.split())
        lines = [f"# {self.name}: {self.title}", "", flat(self.what), "",
                 f"Made by `python3 tests/synth/make.py {self.name}`.", ""]
        for frame, name, severity, why in sorted(self.why):
            lines.append(f"- Frame {frame}: `{name}` ({severity}). {flat(why)}")
        loud = any(severity != "chat" for _, _, severity, _ in self.why)
        if not loud:
            lines.append("- Nothing above chat.")
        lines += ["", flat(self.rule)] if self.rule else []
        return "\n".join(lines).rstrip() + "\n"

    def files(self):
        options = {} if self.classic else {"apart": self.apart}
        pack = wire.pcap if self.classic else wire.pcapng
        # The order of the capture is that of writing; times never go back.
        link = wire.LINKS.get(self.shape, wire.ETHERNET)
        return {"capture.pcap" if self.classic else "capture.pcapng": pack(self.frames, self.snaplen, link, self.cuts, **options),
                "expect.json": (json.dumps(self.expect(), indent=1) + "\n").encode(),
                "README.md": self.readme().encode()}


CASES = {}


def case(name, title):
    """Registers a function that composes the case on the Capture it is given."""
    def register(function):
        if name in CASES:
            raise SystemExit(f"two cases are called {name}")
        CASES[name] = title, function
        return function
    return register


class Leg:
    """The usual two HTTP channels of one virtual connection between a client and proxies."""

    def __init__(self, cap, client="10.0.0.21", in_server="10.0.0.81:80", out_server=None, vc=0, leg=0, seed=None,
                 cookies=None, target=rpc.TARGET, user=rpc.USER):
        self.cap, self.client, self.vc, self.leg, self.target, self.user = cap, client, vc, leg, target, user
        self.servers = in_server, out_server or in_server
        self.c = cookies or rpc.Cookies(f"{seed or cap.name}/{vc}")
        self.in_ = self.out = None
        self.calls = 0

    def connect(self, role, **how):
        conn = self.cap.connect(self.client, self.servers[role == "out"], **how)
        self.take(role, conn)
        return conn

    def take(self, role, conn):
        """Makes a connection the leg's channel in that role."""
        conn.channel, conn.vc, conn.leg = role.upper(), self.vc, self.leg
        setattr(self, "in_" if role == "in" else "out", conn)

    def start(self, b1=None, a1=None, in_lines=(), out_lines=(), answer_lines=(), a3=True, **ask):
        """Both requests, A1 and B1, 200 and A3; returns A1, B1, A3."""
        a1, b1, a3_pdu = a1 or rpc.conn_a1(self.c), b1 or rpc.conn_b1(self.c), rpc.conn_a3()
        if not self.in_:
            self.connect("in")
        self.in_.up(rpc.ask_in(*in_lines, target=self.target, **ask))
        if not self.out:
            self.connect("out")
        self.out.up(rpc.ask_out(*out_lines, target=self.target, **ask))
        self.out.up(a1)
        self.in_.up(b1)
        if a3:
            self.out.down(rpc.success(*answer_lines), a3_pdu)
        return a1, b1, a3_pdu

    def join(self, **how):
        c2 = rpc.conn_c2(**how)
        self.out.down(c2)
        return c2

    def establish(self, **how):
        self.start(**how)
        return self.join()

    def bind(self, service=rpc.Nspi, interface=None):
        self.calls += 1
        self.in_.up(rpc.bind(self.calls, interface or service.interface))
        self.out.down(rpc.bind_ack(self.calls))

    def call(self, operation):
        """A request on IN and its response on OUT."""
        opnum, ask, reply = operation
        self.calls += 1
        self.in_.up(rpc.request(self.calls, opnum, ask))
        self.out.down(rpc.response(self.calls, opnum, reply))

    def work(self, service=rpc.Nspi):
        """Bind and three calls."""
        self.bind(service)
        names = ("BIND", "UPDATE", "UNBIND") if service is rpc.Nspi else ("CONNECT", "DUMMY", "DISCONNECT")
        for name in names:
            self.call(getattr(service, name))

    def close(self):
        """The client closes both channels; returns the first FIN's frame."""
        frame = self.in_.close()
        self.out.close()
        return frame

    def done(self, opens=True):
        """Notes the leg down as expected."""
        self.cap.leg(opens, self.in_, self.out, self.vc, self.leg, self.target, self.user)


class ServerLeg(Leg):
    """The hop between the proxies and the RPC server (2.1.2.2): ncacn_http/1.0, then PDUs both ways."""

    def __init__(self, cap, in_proxy="10.0.0.81", out_proxy=None, server="10.0.0.91:6004", client="10.0.0.21", **how):
        super().__init__(cap, client, server, server, target=None, user=None, **how)
        self.proxies = in_proxy, out_proxy or in_proxy
        self.address = wire.ip(client)

    def connect(self, role, **how):
        conn = self.cap.connect(self.proxies[role == "out"], self.servers[role == "out"], **how)
        self.take(role, conn)
        return conn

    def greet(self, role):
        conn = self.connect(role)
        conn.down(b"ncacn_http/1.0")
        return conn

    def start(self):
        a2, b2 = rpc.conn_a2(self.c), rpc.conn_b2(self.c, self.address)
        self.greet("out").up(a2)
        self.greet("in").up(b2)
        return a2, b2

    def join(self):
        c1, b3 = rpc.conn_c1(), rpc.conn_b3()
        self.out.down(c1)
        self.in_.down(b3)
        return c1

    def establish(self):
        self.start()
        return self.join()
