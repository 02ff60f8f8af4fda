"""Writes the exchanges of an archive as a capture of raw IP packets.

An archive knows no packets. What is written is made so that nobody takes it for captured evidence, and no verdict rests
on it that needs to know what was not sent:

- No connection has a SYN, FIN or RST: how it began and ended is not known. Without a SYN none is whole, so the plugin
  says nothing from absence of it.
- No segment has the ACK flag: an archive knows no acknowledgements, so there is no round trip to be measured.
- Where the archive lacks bytes, and behind the bodies of RPC_IN_DATA and RPC_OUT_DATA, whose bytes have no times of
  their own, sequence numbers leave out a byte: a gap, as where a capture has lost a packet.
- Ports and addresses that the archive does not tell are made up, and the comment on the packet says so.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import bisect
import ipaddress
import struct

from . import pcapng

RAW = 101                              # LINKTYPE_RAW
PSH = 0x08
SEGMENT = 32000
FIRST_BYTE = 0x10000000                # sequence number; one direction, then the other
# Ports that Wireshark takes for HTTP without being told, whatever version (http.tcp.port). HTTPS is written as the HTTP
# inside it, which on port 443 no version would look at.
HTTP_PORTS = (80, 8080, 8088, 3128, 3132, 5985, 11371)
MADE_UP_PORTS = 50000
CLIENT = ipaddress.ip_address("192.0.2.1")         # TEST-NET-1 (RFC 5737)
SERVERS = int(ipaddress.ip_address("198.18.0.0"))  # for benchmarks (RFC 2544): 2^17 addresses
SERVERS_MOST = 1 << 17
TIMER_STEP = 20 * 10**6                # the clock of Windows advances every 15.6 ms: timers of several threads cross by that


def checksum(data):
    """Of IP and TCP (RFC 1071): the sum of 16-bit words in ones' complement is the remainder by 2^16 - 1."""
    if len(data) % 2:
        data += b"\0"
    return ~(int.from_bytes(data, "big") % 0xffff) & 0xffff


class Connection:
    """A TCP connection that exchanges share, one after the other."""

    def __init__(self, client, client_port, server, server_port):
        if client.version != server.version:
            client, server = (ipaddress.ip_address(f"::ffff:{one}") if one.version == 4 else one for one in (client, server))
        self.ends = (client.packed, client_port), (server.packed, server_port)
        self.seq = [FIRST_BYTE, FIRST_BYTE]
        self.last = None               # the exchange that it carries last
        self.told = False

    def packet(self, way, payload):
        (source, source_port), (target, target_port) = self.ends[way], self.ends[1 - way]
        size = 20 + len(payload)
        tcp = struct.pack(">HHIIBBHHH", source_port, target_port, self.seq[way] & 0xffffffff, 0, 0x50,
                          PSH if payload else 0, 65535, 0, 0)
        if len(source) == 4:
            pseudo = source + target + struct.pack(">HH", 6, size)
            ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + size, 0, 0x4000, 64, 6, 0) + source + target
            ip = ip[:10] + struct.pack(">H", checksum(ip)) + ip[12:]
        else:
            pseudo = source + target + struct.pack(">II", size, 6)
            ip = struct.pack(">IHBB", 6 << 28, size, 6, 64) + source + target
        tcp = tcp[:16] + struct.pack(">H", checksum(pseudo + tcp + payload)) + tcp[18:]
        self.seq[way] += len(payload)
        return ip + tcp + payload


class Plan:
    """Which exchange goes over which connection, at what times."""

    def __init__(self, exchanges, maker):
        self.exchanges = sorted(exchanges, key=lambda one: (one.times[0], one.number))
        self.maker = maker
        self.ends_used, self.lanes = set(), {}
        self.of_host, self.hosts, self.ports = {}, {}, {}
        self.names, self.connections = {}, 0
        for one in self.exchanges:
            if one.server and one.host:
                self.of_host.setdefault(one.host, set()).add(one.server)
        self.separate_times()
        self.over = [self.connection_of(one) for one in self.exchanges]

    def separate_times(self):
        """A client that sends one by one had the last response before it sent the next request, whatever a clock that
        advances in steps says."""
        of_client = {}
        for one in self.exchanges:
            if one.sequence and one.response:
                of_client.setdefault(one.sequence[0], []).append(one)
        for ones in of_client.values():
            begins = sorted((one.times[0], one.sequence[1]) for one in ones)
            for one in ones:
                _, sent, came, done = one.times
                at = bisect.bisect_left(begins, (done - TIMER_STEP, 0))
                while at < len(begins) and begins[at][0] <= done:
                    begin, counter = begins[at]
                    if counter > one.sequence[1] and begin > sent:
                        one.times[2:] = min(came, begin - 1), begin - 1
                        break
                    at += 1

    def server_of(self, one):
        if one.server:
            if one.host and one.host != str(one.server):
                self.names.setdefault(one.server, one.host)
            return one.server
        known = self.of_host.get(one.host, set())
        if len(known) == 1:
            one.facts.append("the server's address is that of other sessions with this host")
            return next(iter(known))
        host = one.host or "?"
        literal = None
        try:
            literal = ipaddress.ip_address(host)
        except ValueError:
            pass
        if literal and not literal.is_unspecified:
            return literal
        if host not in self.hosts:
            self.hosts[host] = ipaddress.ip_address(SERVERS + (len(self.hosts) + 1) % SERVERS_MOST)
            if one.host:
                self.names.setdefault(self.hosts[host], one.host)
        one.facts.append("the server's address is made up: the archive has none")
        return self.hosts[host]

    def port_of(self, one, server):
        """A port that Wireshark takes for HTTP, another one for each real port of an address."""
        real = one.port, one.secure
        of_server = self.ports.setdefault(server, {})
        if real not in of_server:
            taken = set(of_server.values())
            wanted = one.port if not one.secure and one.port in HTTP_PORTS and one.port not in taken else None
            of_server[real] = wanted or next((port for port in HTTP_PORTS if port not in taken), HTTP_PORTS[0])
        port = of_server[real]
        if one.secure or port != one.port:
            one.facts.append(f"{'HTTPS' if one.secure else 'HTTP'} on port {one.port}, written as HTTP on port {port}")
        return port

    def connection_of(self, one):
        server = self.server_of(one)
        port = self.port_of(one, server)
        lanes = self.lanes.setdefault(one.key, []) if one.key is not None else []
        for connection in lanes:
            last = connection.last
            slack = 0 if one.streams or last.streams else TIMER_STEP
            if last.response and last.response.ends and last.request.ends and last.times[3] <= one.times[0] + slack:
                last.times[2:] = [max(last.times[1], min(time, one.times[0])) for time in last.times[2:]]
                one.times = [max(time, last.times[3]) for time in one.times]
                connection.last = one
                return connection
        client = one.client or CLIENT
        if not one.client:
            one.facts.append("the client's address is made up: the archive has none")
        client_port = one.client_port
        if not client_port or (client, client_port, server, port) in self.ends_used:
            if client_port:
                one.facts.append(f"the client's port was {client_port}, as on another connection in this file")
            else:
                one.facts.append("the client's port is made up: the archive has none")
            client_port = self.free_port(client, server, port)
        self.ends_used.add((client, client_port, server, port))
        connection = Connection(client, client_port, server, port)
        connection.last = one
        self.connections += 1
        lanes.append(connection)
        return connection

    def free_port(self, client, server, port):
        start = self.connections
        for i in range(65536 - 1024):
            number = 1024 + (MADE_UP_PORTS - 1024 + start + i) % (65536 - 1024)
            if (client, number, server, port) not in self.ends_used and number not in HTTP_PORTS:
                return number
        return MADE_UP_PORTS               # 64,512 connections of two hosts: the rest share one

    def events(self):
        """(time, exchange's place, step): 0 and 1 are the request's head and body, 2 and 3 the response's."""
        found = []
        for place, one in enumerate(self.exchanges):
            for way, message in ((0, one.request), (1, one.response)):
                if message:
                    head, body = one.times[2 * way:2 * way + 2]
                    found.append((head, place, 2 * way))
                    if body > head and message.length:
                        found.append((body, place, 2 * way + 1))
        return sorted(found)


def request_comment(plan, one, connection):
    lines = [f"{plan.maker} {one.label}: {'https' if one.secure else 'http'}://{one.authority()}"]
    if one.process:
        lines.append(f"process {one.process}")
    if not connection.told:
        connection.told = True
        lines.append("made from an archive: TCP and IP of this connection are not captured; its start and end are not known")
    return "\n".join([*lines, *one.facts, *one.notes, *one.request.notes])


def response_comment(plan, one):
    return "\n".join([f"{plan.maker} {one.label}", *one.response.notes])


def segments(pieces):
    """The same bytes in pieces of SEGMENT."""
    buffer = bytearray()
    for piece in pieces:
        buffer += piece
        while len(buffer) >= SEGMENT:
            yield bytes(buffer[:SEGMENT])
            del buffer[:SEGMENT]
    if buffer:
        yield bytes(buffer)


def write(file, plan, section, interface):
    """Writes it all; returns how many packets."""
    out = pcapng.Writer(file, RAW, section, interface)
    out.names((address.packed, name) for address, name in plan.names.items())
    for time, place, step in plan.events():
        one, connection = plan.exchanges[place], plan.over[place]
        way = step // 2
        message = one.response if way else one.request
        comments, pieces, together = [], iter(()), True
        if step % 2 == 0:
            comments = [response_comment(plan, one) if way else request_comment(plan, one, connection)]
            together = one.times[2 * way] == one.times[2 * way + 1]
            pieces = chain_head(message, together)
        else:
            pieces = message.open()
        for payload in segments(pieces):
            out.packet(time, connection.packet(way, payload), comments)
            comments = []
        if together or not message.length:
            for gap in gaps(one, way):
                connection.seq[gap] += 1
                out.packet(time, connection.packet(gap, b""), [gap_comment(one.response if gap else one.request)])
    return out.packets


def gaps(one, way):
    """In which directions a byte is left out behind that message. The archive tells which response a request got: a gap
    between them would deny it, so that of a request stands behind its response."""
    message = one.response if way else one.request
    channel = one.method.upper() in ("RPC_IN_DATA", "RPC_OUT_DATA") and (
        not one.response or one.status == 200 and (one.response.head.get("content-type") or "").lower().startswith("application/rpc"))
    if channel and message.length:
        yield way
    elif message.lacks and (way or not one.response):
        yield way
    if way and one.request.lacks and not (channel and one.request.length):
        yield 0


def gap_comment(message):
    return "bytes may be missing here: " + (message.notes[-1] if message.lacks and message.notes else
                                            "the archive does not tell when the bytes of this body passed")


def chain_head(message, together):
    yield message.head.data()
    if together:
        yield from message.open()

