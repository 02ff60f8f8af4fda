"""A client of our own that decides how HTTP and RPC bytes fall into TLS records and segments.

No TLS library sends two records in one segment on purpose, or ends a record inside an HTTP
head. Here every record is made by an ssl.SSLObject in memory, and a list of records goes
out with one send(). The layouts:

together      the head and the first PDU are a record each, both in one TCP segment
split-pdu     a record ends inside a PDU, its other half is in the next one: in the same segment
              for the first PDU, and in a segment of its own for the later ones
split-header  a record ends inside the HTTP head; the next one holds the rest and the first PDU

SPDX-License-Identifier: GPL-2.0-or-later
"""

import argparse
import base64
import socket
import ssl
import struct
import uuid

from rpch_server import BIND, FIRST_FRAG, LAST_FRAG, NDR, NSPI, REQUEST, RTS, rts, u32


class Connection:
    """A TLS connection over TCP whose records are placed by hand."""

    def __init__(self, options, context):
        self.sock = socket.create_connection((options.address, 443), 10, (options.source, 0))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname="mail.example.test")
        self.plain = b""
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self.flush()
                self.fill()
        self.flush()

    def flush(self):
        if data := self.outgoing.read():
            self.sock.sendall(data)

    def fill(self):
        data = self.sock.recv(65536)
        if not data:
            raise SystemExit("record_client: the server closed")
        self.incoming.write(data)

    def send(self, *records):
        """One TCP segment with a TLS record for each argument."""
        for record in records:
            self.tls.write(record)
        self.flush()

    def read(self, enough):
        """Decrypted bytes until enough(bytes) says how many to take."""
        while not (length := enough(self.plain)):
            try:
                self.plain += self.tls.read(65536)
            except ssl.SSLWantReadError:
                self.fill()
        taken, self.plain = self.plain[:length], self.plain[length:]
        return taken

    def read_head(self):
        return self.read(lambda data: data.find(b"\r\n\r\n") + 4 if b"\r\n\r\n" in data else 0)

    def read_pdu(self):
        def whole(data):
            length = struct.unpack_from("<H", data, 8)[0] if len(data) >= 16 else 0
            return length if length and len(data) >= length else 0
        return self.read(whole)

    def close(self):
        try:
            self.tls.unwrap()
        except ssl.SSLWantReadError:
            pass                          # close_notify is written; the server's is not waited for
        self.flush()
        self.sock.close()


def first(connection, layout, head, pdu):
    if layout == "together":
        connection.send(head, pdu)
    elif layout == "split-pdu":
        connection.send(head, pdu[:9], pdu[9:])
    else:
        connection.send(head[:40], head[40:] + pdu)


def later(connection, layout, pdu):
    if layout == "split-pdu":
        connection.send(pdu[:9])          # frag_length is bytes 8 and 9: its second half is not there yet
        connection.send(pdu[9:])
    else:
        connection.send(pdu)


def rpc(ptype, call_id, body):
    flags = FIRST_FRAG | LAST_FRAG
    return struct.pack("<BBBB4sHHI", 5, 0, ptype, flags, b"\x10\0\0\0", 16 + len(body), 0, call_id) + body


def main():
    parser = argparse.ArgumentParser(description="places TLS records and TCP segments by hand")
    parser.add_argument("layout", choices=["together", "split-pdu", "split-header"])
    parser.add_argument("--address", required=True)
    parser.add_argument("--source", required=True)
    parser.add_argument("--credentials", required=True)
    parser.add_argument("--tls", choices=["1.2", "1.3"], default="1.3")
    parser.add_argument("--keylog", required=True)
    options = parser.parse_args()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.keylog_filename = options.keylog
    if options.tls == "1.2":
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    else:
        context.minimum_version = ssl.TLSVersion.TLSv1_3

    def head(method, length):
        token = base64.b64encode(options.credentials.encode()).decode()
        return (f"{method} /rpc/rpcproxy.dll?ex1.example.test:6004 HTTP/1.1\r\nHost: mail.example.test\r\n"
                f"Accept: application/rpc\r\nUser-Agent: MSRPC\r\nContent-Length: {length}\r\n"
                f"Authorization: Basic {token}\r\n\r\n").encode()

    cookie, out_cookie, in_cookie, group = (uuid.uuid4().bytes_le for _ in range(4))
    a1 = rts(0, (6, u32(1)), (3, cookie), (3, out_cookie), (0, u32(65536)))
    b1 = rts(0, (6, u32(1)), (3, cookie), (3, in_cookie), (4, u32(0x40000000)), (5, u32(300000)), (12, group))
    out, into = Connection(options, context), Connection(options, context)
    first(out, options.layout, head("RPC_OUT_DATA", 76), a1)
    first(into, options.layout, head("RPC_IN_DATA", 0x40000000), b1)
    out.read_head()
    for _ in range(2):                    # CONN/A3, CONN/C2
        assert out.read_pdu()[2] == RTS
    syntax = struct.pack("<HBB", 0, 1, 0) + NSPI.bytes_le + struct.pack("<HH", 56, 0) + NDR.bytes_le + u32(2)
    later(into, options.layout, rpc(BIND, 1, struct.pack("<HHIBBH", 4280, 4280, 0, 1, 0, 0) + syntax))
    out.read_pdu()
    stat = bytes(24) + u32(1252) + u32(1033) + u32(1033)     # code page, template and sort locale; the rest zero
    later(into, options.layout, rpc(REQUEST, 2, struct.pack("<IHH", 44, 0, 0) + u32(0) + stat + u32(0)))
    answer = out.read_pdu()
    handle = answer[28:48]                # after the null GUID pointer
    later(into, options.layout, rpc(REQUEST, 3, struct.pack("<IHH", 24, 0, 1) + handle + u32(0)))
    out.read_pdu()
    into.close()
    out.close()


if __name__ == "__main__":
    main()
