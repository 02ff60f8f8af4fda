"""A small RPC over HTTP v2 server for the live samples: RPC proxy and RPC server in one.

Written from MS-RPCH (channels, RTS PDUs) and C706 chapter 12 (RPC PDUs). It pairs channels
by the virtual connection cookie within this process only, so two processes share no state.
Interfaces: endpoint mapper (ept_lookup), remote management (inq_if_ids,
is_server_listening) and NSPI (NspiBind, NspiUpdateStat, NspiResolveNamesW, NspiUnbind);
anything else is refused with a bind_ack that rejects, or a fault. Every PDU and HTTP head is logged as a
line of JSON: what the log says was sent is what a sample is expected to show.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import argparse
import asyncio
import base64
import json
import ssl
import struct
import sys
import time
import uuid

RTS, REQUEST, RESPONSE, FAULT, BIND, BIND_ACK, BIND_NAK = 20, 0, 2, 3, 11, 12, 13
ALTER_CONTEXT, ALTER_CONTEXT_RESP = 14, 15
PTYPE_NAMES = {0: "request", 2: "response", 3: "fault", 11: "bind", 12: "bind_ack", 13: "bind_nak",
               14: "alter_context", 15: "alter_context_resp", 18: "co_cancel", 19: "orphaned"}
FIRST_FRAG, LAST_FRAG, OBJECT = 0x01, 0x02, 0x80

# RTS commands, MS-RPCH 2.2.3.5: type -> bytes after the type; None where the command says.
COMMAND_LENGTH = {0: 4, 1: 24, 2: 4, 3: 16, 4: 4, 5: 4, 6: 4, 7: 0, 8: None, 9: 0, 10: 0, 11: None, 12: 16, 13: 4,
                  14: 4}
# What a client may send, by flags and commands (2.2.4).
RTS_NAMES = {
    (0x00, (6, 3, 3, 0)): "CONN/A1",
    (0x00, (6, 3, 3, 4, 5, 12)): "CONN/B1",
    (0x02, (5,)): "Keep-Alive",
    (0x01, ()): "Ping",
    (0x02, (1,)): "FlowControlAck",
    (0x02, (13, 1)): "FlowControlAckWithDestination",
    (0x04, (6, 3, 3, 3)): "IN_R1/A1 or IN_R2/A1",
    (0x00, (3,)): "IN_R2/A5",
    (0x04, (6, 3, 3, 3, 0)): "OUT_R1/A3 or OUT_R2/A3",
    (0x10, (13, 3, 6)): "OUT_R2/A7",
    (0x01, (7,)): "OUT_R2/C1",
}

EPM = uuid.UUID("e1af8308-5d1f-11c9-91a4-08002b14a0fa")
MGMT = uuid.UUID("afa8bd80-7d8a-11c9-bef4-08002b102989")
NSPI = uuid.UUID("f5cc5a18-4264-101a-8c59-08002b2f8426")
NDR = uuid.UUID("8a885d04-1ceb-11c9-9fe8-08002b104860")
INTERFACES = {(EPM, 3), (MGMT, 1), (NSPI, 56)}
OP_RANGE_ERROR = 0x1C010002          # nca_s_op_rng_error, C706 appendix E


def rts(flags, *commands):
    body = b"".join(struct.pack("<I", kind) + value for kind, value in commands)
    return struct.pack("<BBBB4sHHIHH", 5, 0, RTS, FIRST_FRAG | LAST_FRAG, b"\x10\0\0\0", 20 + len(body), 0, 0, flags,
                       len(commands)) + body


def u32(value):
    return struct.pack("<I", value)


class RtsPdu:
    """Flags, command types and the values that the server uses."""

    def __init__(self, pdu):
        self.flags, count = struct.unpack_from("<HH", pdu, 16)
        self.commands, self.cookies, self.window, self.ack = [], [], None, None
        at = 20
        for _ in range(count):
            (kind,) = struct.unpack_from("<I", pdu, at)
            at += 4
            if kind == 0:
                (self.window,) = struct.unpack_from("<I", pdu, at)
            elif kind == 1:
                self.ack = struct.unpack_from("<II", pdu, at)
            elif kind == 3:
                self.cookies.append(pdu[at:at + 16])
            if COMMAND_LENGTH[kind] is None:
                raise ValueError(f"RTS command {kind} is not for a proxy")
            at += COMMAND_LENGTH[kind]
            self.commands.append(kind)
        if at != len(pdu):
            raise ValueError("RTS commands do not fill the PDU")
        self.name = RTS_NAMES.get((self.flags, tuple(self.commands)), "unknown")


def floor(uuid_or_none, protocol, left, right):
    lhs = bytes([protocol]) + (uuid_or_none.bytes_le if uuid_or_none else b"") + left
    return struct.pack("<H", len(lhs)) + lhs + struct.pack("<H", len(right)) + right


def tower(interface, version):
    """A protocol tower for ncacn_http, C706 appendix L."""
    floors = [
        floor(interface, 0x0D, struct.pack("<H", version), struct.pack("<H", 0)),
        floor(NDR, 0x0D, struct.pack("<H", 2), struct.pack("<H", 0)),
        floor(None, 0x0B, b"", struct.pack("<H", 0)),
        floor(None, 0x1F, b"", struct.pack(">H", 6004)),
        floor(None, 0x09, b"", bytes([127, 0, 0, 2])),
    ]
    return struct.pack("<H", len(floors)) + b"".join(floors)


def pad4(data):
    return data + b"\0" * (-len(data) % 4)


def ept_lookup(entries):
    """All entries at once and a null handle: nothing more to look up."""
    out = bytes(20) + struct.pack("<IIII", entries, 500, 0, entries)
    towers = b""
    for index in range(entries):
        note = f"endpoint {index} of the live sample".encode() + b"\0"
        out += bytes(16) + u32(0x20000 + 4 * index) + struct.pack("<II", 0, len(note)) + note
        out = pad4(out)
        octets = tower(uuid.uuid5(EPM, str(index)), 1)
        towers = pad4(towers + struct.pack("<II", len(octets), len(octets)) + octets)
    return out + towers + u32(0)


def inq_if_ids():
    ids = [(EPM, 3), (MGMT, 1), (NSPI, 56)]
    out = struct.pack("<III", 0x20000, len(ids), len(ids)) + b"".join(u32(0x20004 + 4 * i) for i in range(len(ids)))
    for interface, version in ids:
        out += interface.bytes_le + struct.pack("<HH", version, 0)
    return out + u32(0)


class VirtualConnection:
    def __init__(self, cookie):
        self.cookie = cookie
        self.in_writer = self.out_writer = self.out = None
        self.in_cookie = None
        self.in_bytes = self.in_acked = 0
        self.out_bytes = self.out_received = self.out_window = 0
        self.acked = asyncio.Event()
        self.task = None
        self.contexts = {}
        self.max_frag = 4280
        self.parts = []
        self.joined = asyncio.Event()
        # Recycling: what replaces a channel, and that the client has agreed.
        self.in_successor = None
        self.out_agreed = asyncio.Event()


class Server:
    def __init__(self, options):
        self.options = options
        self.connections = {}
        self.log_file = open(options.log, "a", buffering=1, encoding="utf-8")

    def log(self, writer, way, what, **more):
        peer, local = writer.get_extra_info("peername"), writer.get_extra_info("sockname")
        self.log_file.write(json.dumps({"time": round(time.time(), 6), "client": f"{peer[0]}:{peer[1]}",
                                        "server": f"{local[0]}:{local[1]}", "way": way, "what": what, **more}) + "\n")

    # HTTP

    async def serve(self, reader, writer):
        try:
            while await self.message(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            self.log(writer, "recv", "end")
        except ValueError as error:
            print(f"rpch_server: {error}", file=sys.stderr)
            self.log(writer, "recv", "broken", why=str(error))
        finally:
            for virtual in list(self.connections.values()):
                if writer in (virtual.in_writer, virtual.out_writer):
                    await asyncio.sleep(self.options.linger)
                    self.close(virtual)
            writer.close()

    async def message(self, reader, writer):
        """One HTTP request and its channel; true when another request may follow."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, version = head[0].split(" ")
        lines = (line.partition(":") for line in head[1:-2])
        fields = {name.strip().lower(): value.strip() for name, _, value in lines}
        length = int(fields.get("content-length", "0"))
        self.log(writer, "recv", "HTTP request", method=method, target=target, content_length=length)
        if method not in ("RPC_IN_DATA", "RPC_OUT_DATA"):
            self.answer(writer, "405 Method Not Allowed")
            return False
        if not self.authorized(fields.get("authorization", "")):
            self.answer(writer, "401 Unauthorized", 'WWW-Authenticate: Basic realm="example.test"')
            await writer.drain()
            # A client that announced a body either sends it or gives up: no way to tell, so close.
            return length == 0
        if method == "RPC_OUT_DATA" and self.options.refuse:
            self.answer(writer, f"503 RPC Error: {self.options.refuse}", version="HTTP/1.0")
            await writer.drain()
            return False
        if fields.get("expect", "").lower() == "100-continue":
            self.send(writer, b"HTTP/1.1 100 Continue\r\n\r\n", "HTTP 100")
        if method == "RPC_OUT_DATA":
            await self.out_channel(reader, writer, length)
        else:
            await self.in_channel(reader, writer)
        return False

    def authorized(self, credentials):
        if not self.options.credentials:
            return True
        scheme, _, token = credentials.partition(" ")
        if scheme.lower() != "basic":
            return False
        return base64.b64decode(token).decode() == self.options.credentials

    def answer(self, writer, status, *fields, version="HTTP/1.1"):
        body = f"<html><body>{status}</body></html>".encode()
        lines = [f"{version} {status}", "Content-Type: text/html", f"Content-Length: {len(body)}",
                 f"X-FEServer: {self.options.name}", *fields]
        self.send(writer, "\r\n".join(lines).encode() + b"\r\n\r\n" + body, "HTTP " + status)

    def send(self, writer, data, what, **more):
        self.log(writer, "send", what, length=len(data), **more)
        writer.write(data)

    # Channels

    def find(self, cookie):
        return self.connections.setdefault(cookie, VirtualConnection(cookie))

    def close(self, virtual):
        self.connections.pop(virtual.cookie, None)
        for writer in (virtual.in_writer, virtual.out_writer):
            if writer and not writer.is_closing():
                self.log(writer, "send", "close")
                writer.close()
        virtual.joined.set()

    async def pdu(self, reader):
        header = await reader.readexactly(16)
        (length,) = struct.unpack_from("<H", header, 8)
        if header[:2] != b"\x05\0" or length < 16:
            raise ValueError("not an RPC PDU")
        return header + await reader.readexactly(length - 16)

    def out_send(self, virtual, data, what, **more):
        """A PDU on the OUT channel; as a chunk of its own where a proxy would chunk."""
        self.log(virtual.out_writer, "send", what, length=len(data), **more)
        if self.options.chunked:
            data = b"%x\r\n%s\r\n" % (len(data), data)
        virtual.out_writer.write(data)
        virtual.out = time.monotonic()

    async def out_channel(self, reader, writer, length):
        pdu = await self.pdu(reader)
        first = RtsPdu(pdu)
        self.log(writer, "recv", first.name, length=len(pdu))
        if first.name == "OUT_R1/A3 or OUT_R2/A3":
            await self.out_successor(reader, writer, first)
            return
        if first.name != "CONN/A1" or length != len(pdu):
            raise ValueError(f"{first.name} of {len(pdu)} bytes opens OUT, announced {length}")
        virtual = self.find(first.cookies[0])
        virtual.out_writer, virtual.out_window = writer, first.window
        self.out_head(writer)
        self.out_send(virtual, rts(0, (2, u32(self.options.timeout * 1000))), "CONN/A3")
        self.join(virtual)
        try:
            await asyncio.wait_for(virtual.joined.wait(), self.options.join_timeout)
        except asyncio.TimeoutError:
            self.close(virtual)
            return
        tasks = [asyncio.create_task(self.recycle_out(virtual))] if self.options.recycle_out else []
        await self.hold_out(virtual, reader, writer, tasks)

    def out_head(self, writer):
        body = "Transfer-Encoding: chunked" if self.options.chunked else "Content-Length: 1073741824"
        head = ["HTTP/1.1 200 Success", "Content-Type: application/rpc", f"X-FEServer: {self.options.name}", body]
        self.send(writer, "\r\n".join([*head, "", ""]).encode(), "HTTP 200")

    async def hold_out(self, virtual, reader, writer, tasks=()):
        """An open OUT channel, until its client ends it."""
        tasks = [*tasks, *([asyncio.create_task(self.ping(virtual))] if self.options.ping else [])]
        try:
            while await reader.read(4096):
                pass
        finally:
            for task in tasks:
                task.cancel()
        self.log(writer, "recv", "end")

    async def recycle_out(self, virtual):
        """OUT_R2/A2, once: the client is to open a successor."""
        await asyncio.sleep(self.options.recycle_out)
        self.out_send(virtual, rts(0x04, (13, u32(0))), "OUT_R1/A2 or OUT_R2/A2")

    async def out_successor(self, reader, writer, first):
        """OUT_R2 from A3 on, this process being proxy and server."""
        virtual, old = self.find(first.cookies[0]), self.find(first.cookies[0]).out_writer
        self.out_send(virtual, rts(0, (13, u32(0)), (10, b"")), "OUT_R2/A6")
        await asyncio.wait_for(virtual.out_agreed.wait(), self.options.join_timeout)
        self.out_send(virtual, rts(0x20, (10, b"")), "OUT_R2/B3")
        last = await self.pdu(reader)
        self.log(writer, "recv", RtsPdu(last).name, length=len(last))
        virtual.out_writer, virtual.out_window = writer, first.window
        virtual.out_bytes = virtual.out_received = 0
        self.out_head(writer)
        self.log(old, "send", "close")
        old.close()
        await self.hold_out(virtual, reader, writer)

    async def ping(self, virtual):
        while True:
            await asyncio.sleep(0.1)
            if time.monotonic() - virtual.out >= self.options.ping:
                self.out_send(virtual, rts(0x01), "Ping")

    def join(self, virtual):
        if virtual.in_writer and virtual.out_writer:
            commands = (6, u32(1)), (0, u32(self.options.window)), (2, u32(self.options.timeout * 1000))
            self.out_send(virtual, rts(0, *commands), "CONN/C2")
            virtual.joined.set()

    async def in_channel(self, reader, writer):
        pdu = await self.pdu(reader)
        first = RtsPdu(pdu)
        self.log(writer, "recv", first.name, length=len(pdu))
        virtual = self.find(first.cookies[0])
        if first.name == "IN_R1/A1 or IN_R2/A1":
            virtual.in_successor, virtual.in_cookie = writer, first.cookies[2]
            self.out_send(virtual, rts(0, (13, u32(0))), "IN_R2/A4")
        elif first.name == "CONN/B1":
            virtual.in_writer, virtual.in_cookie = writer, first.cookies[1]
            self.join(virtual)
        else:
            raise ValueError(f"{first.name} opens IN")
        while True:
            pdu = await self.pdu(reader)
            if pdu[2] == RTS:
                control = RtsPdu(pdu)
                self.log(writer, "recv", control.name, length=len(pdu))
                if control.ack:
                    virtual.out_received, virtual.out_window = control.ack
                    virtual.acked.set()
                elif control.name == "OUT_R2/A7":
                    virtual.out_agreed.set()
                elif control.name == "IN_R2/A5":         # the predecessor is done with
                    virtual.in_writer, virtual.in_bytes, virtual.in_acked = virtual.in_successor, 0, 0
                    self.log(writer, "send", "close")
                    return
                continue
            self.acknowledge(virtual, len(pdu))
            await self.rpc(virtual, writer, pdu)

    def acknowledge(self, virtual, length):
        """3.2.1.1.4: a receiver acknowledges before half of its window is used up; RPC PDUs count."""
        virtual.in_bytes += length
        if virtual.in_bytes - virtual.in_acked >= self.options.window // 2:
            virtual.in_acked = virtual.in_bytes
            ack = struct.pack("<II", virtual.in_bytes, self.options.window) + virtual.in_cookie
            self.out_send(virtual, rts(0x02, (13, u32(0)), (1, ack)), "FlowControlAckWithDestination",
                          bytes_received=virtual.in_bytes)

    # RPC

    async def rpc(self, virtual, writer, pdu):
        ptype, flags, call_id = pdu[2], pdu[3], struct.unpack_from("<I", pdu, 12)[0]
        more = {"call": call_id}
        if ptype == REQUEST:
            more["context"], more["opnum"] = struct.unpack_from("<HH", pdu, 20)
            more["flags"] = flags & 3
        self.log(writer, "recv", PTYPE_NAMES.get(ptype, str(ptype)), length=len(pdu), **more)
        if ptype in (BIND, ALTER_CONTEXT):
            self.bind(virtual, ptype, call_id, pdu)
        elif ptype == REQUEST:
            virtual.parts.append(pdu[40 if flags & OBJECT else 24:])
            if flags & LAST_FRAG:
                stub, virtual.parts = b"".join(virtual.parts), []
                # A task: the acknowledgements that a long response waits for arrive here meanwhile.
                call = self.call(virtual, call_id, more["context"], more["opnum"], stub)
                virtual.task = asyncio.create_task(call)

    def rpc_send(self, virtual, ptype, call_id, body, pfc=FIRST_FRAG | LAST_FRAG, **more):
        header = struct.pack("<BBBB4sHHI", 5, 0, ptype, pfc, b"\x10\0\0\0", 16 + len(body), 0, call_id)
        virtual.out_bytes += len(header) + len(body)
        self.out_send(virtual, header + body, PTYPE_NAMES[ptype], call=call_id, **more)

    def bind(self, virtual, ptype, call_id, pdu):
        if self.options.bind_nak:
            # local_limit_exceeded, and the one protocol version there is (C706 12.6.4.5)
            self.rpc_send(virtual, BIND_NAK, call_id, struct.pack("<HBBB", 2, 1, 5, 0) + b"\0\0\0", reason=2)
            return
        max_xmit, max_recv, group, count = struct.unpack_from("<HHIB", pdu, 16)
        virtual.max_frag = min(max_recv, 4280)
        at, results = 28, b""
        for _ in range(count):
            context, transfers = struct.unpack_from("<HB", pdu, at)
            interface = uuid.UUID(bytes_le=pdu[at + 4:at + 20]), struct.unpack_from("<H", pdu, at + 20)[0]
            at += 24 + 20 * transfers
            if interface in INTERFACES:
                virtual.contexts[context] = interface[0]
                results += struct.pack("<HH", 0, 0) + NDR.bytes_le + u32(2)
            else:
                results += struct.pack("<HH", 2, 1) + bytes(20)      # provider rejection: abstract syntax
        address = b"6004\0" if ptype == BIND else b""
        body = struct.pack("<HHIH", min(max_xmit, 4280), virtual.max_frag, group or 0x5EED, len(address)) + address
        body += b"\0" * (-(16 + len(body)) % 4)
        body += struct.pack("<BBH", count, 0, 0) + results
        self.rpc_send(virtual, BIND_ACK if ptype == BIND else ALTER_CONTEXT_RESP, call_id, body)

    async def call(self, virtual, call_id, context, opnum, stub):
        interface = virtual.contexts.get(context)
        if (interface, opnum) == (EPM, 2):
            result = ept_lookup(self.options.entries)
        elif (interface, opnum) == (MGMT, 0):
            result = inq_if_ids()
        elif (interface, opnum) == (MGMT, 2):
            await asyncio.sleep(self.options.slow)
            result = struct.pack("<II", 0, 1)
        elif (interface, opnum) == (NSPI, 0):
            # dwFlags (4) and STAT (36) precede the pointer to the GUID the client may ask for.
            guid = u32(0x20000) + uuid.uuid5(NSPI, "guid").bytes_le if stub[40:44] != bytes(4) else u32(0)
            result = guid + u32(0) + uuid.uuid5(NSPI, self.options.name).bytes_le + u32(0)
        elif (interface, opnum) == (NSPI, 2):
            result = stub[24:60] + u32(0) + u32(0)       # the client's STAT unchanged, no delta
        elif (interface, opnum) == (NSPI, 20):
            result = struct.pack("<III", 0, 0, 0x8004010F)   # no rows: MAPI_E_NOT_FOUND
        elif (interface, opnum) == (NSPI, 1):
            result = bytes(20) + u32(1)                  # UnbindSuccess
        else:
            body = struct.pack("<IHBBII", 0, context, 0, 0, OP_RANGE_ERROR, 0)
            self.rpc_send(virtual, FAULT, call_id, body, status=OP_RANGE_ERROR)
            return
        room = (virtual.max_frag - 24) // 8 * 8
        for at in range(0, len(result), room):
            part = result[at:at + room]
            flags = (FIRST_FRAG if at == 0 else 0) | (LAST_FRAG if at + room >= len(result) else 0)
            body = struct.pack("<IHBB", len(result) - at, context, 0, 0) + part
            while virtual.out_bytes + 16 + len(body) > virtual.out_received + virtual.out_window:
                virtual.acked.clear()
                await virtual.acked.wait()
            self.rpc_send(virtual, RESPONSE, call_id, body, flags, opnum=opnum, context=context, flags=flags)


def tls_context(options):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.certificate, options.key)
    if options.tls == "1.2":
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    else:
        context.minimum_version = ssl.TLSVersion.TLSv1_3
    if options.alpn:
        context.set_alpn_protocols(["http/1.1"])
    if options.keylog:
        context.keylog_filename = options.keylog
    return context


async def main():
    parser = argparse.ArgumentParser(description="RPC over HTTP v2 test server")
    parser.add_argument("listen", nargs="+", help="ADDRESS:PORT or [ADDRESS]:PORT; several share their state")
    parser.add_argument("--name", default="EX1", help="told in X-FEServer")
    parser.add_argument("--log", required=True, help="file that gets a line of JSON for each PDU and HTTP head")
    parser.add_argument("--credentials", help="USER:PASSWORD that Basic must carry")
    parser.add_argument("--timeout", type=int, default=900, help="ConnectionTimeout, seconds")
    parser.add_argument("--join-timeout", type=float, default=8, help="close OUT after that long without IN, seconds")
    parser.add_argument("--linger", type=float, default=0, help="close the other channel that long after one, seconds")
    parser.add_argument("--window", type=int, default=65536, help="ReceiveWindowSize, bytes")
    parser.add_argument("--ping", type=float, default=0, help="ping OUT after that long without data, seconds")
    parser.add_argument("--slow", type=float, default=0, help="is_server_listening takes that long, seconds")
    parser.add_argument("--entries", type=int, default=4, help="entries of ept_lookup")
    parser.add_argument("--chunked", action="store_true", help="chunk the OUT response as a proxy would")
    parser.add_argument("--recycle-out", type=float, default=0, help="recycle OUT that long after it opened, seconds")
    parser.add_argument("--refuse", help="answer RPC_OUT_DATA with 503 RPC Error: THIS")
    parser.add_argument("--bind-nak", action="store_true", help="answer bind with bind_nak")
    parser.add_argument("--tls", choices=["1.2", "1.3"])
    parser.add_argument("--alpn", action="store_true", help="negotiate http/1.1")
    parser.add_argument("--certificate")
    parser.add_argument("--key")
    parser.add_argument("--keylog")
    options = parser.parse_args()
    server = Server(options)
    context = tls_context(options) if options.tls else None
    listeners = []
    for listen in options.listen:
        address, _, port = listen.rpartition(":")
        listeners.append(await asyncio.start_server(server.serve, address.strip("[]"), int(port), ssl=context))
    await asyncio.gather(*(listener.serve_forever() for listener in listeners))


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
