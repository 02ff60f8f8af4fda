"""An RPC over HTTP client for the live scenarios: what Outlook does on its two connections, step by step.

Unlike impacket it answers recycling, asks with Expect, over TLS, pings while it waits, and says which channel ended
and when. Heads and PDUs are those of tests/synth, everything else is the socket's.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import pathlib
import select
import socket
import ssl
import struct
import sys
import time
import uuid

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "synth"))
import pdus  # noqa: E402
import rpc  # noqa: E402

MGMT = uuid.UUID("afa8bd80-7d8a-11c9-bef4-08002b102989"), 1, 0
RESPONSES = {2, 3, 12, 13, 15}


class Ended(Exception):
    """The other side ended a channel, or answered with a status that ends it."""


class Half:
    """A TCP connection that is, or is to become, a channel."""

    def __init__(self, outlook, role):
        self.outlook, self.role, self.left, self.chunked, self.status, self.chunk = outlook, role, b"", False, None, 0
        self.sock = socket.create_connection((outlook.address, outlook.port), 10, (outlook.source, 0))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if outlook.tls:
            self.sock = outlook.tls.wrap_socket(self.sock, server_hostname="mail.example.test")

    def send(self, *msgs):
        for msg in msgs:
            self.sock.sendall(getattr(msg, "data", msg))

    def fill(self, until):
        """More bytes; TimeoutError at until, Ended at the end."""
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"nothing on {self.role}")
        self.sock.settimeout(left)
        try:
            data = self.sock.recv(65536)
        except (ConnectionError, ssl.SSLError) as error:
            raise Ended(f"{self.role}: {error}") from error
        if not data:
            raise Ended(f"{self.role} was closed")
        self.left += data

    def poll(self):
        """What is there; True if it was anything. A ticket of TLS wakes select() and is nothing. Ended at the end."""
        self.sock.settimeout(0)
        try:
            data = self.sock.recv(65536)
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        except (ConnectionError, ssl.SSLError) as error:
            raise Ended(f"{self.role}: {error}") from error
        finally:
            self.sock.settimeout(20)
        if not data:
            raise Ended(f"{self.role} was closed")
        self.left += data
        return True

    def head(self, until):
        """The status of the next head, 100 excepted."""
        while b"\r\n\r\n" not in self.left:
            self.fill(until)
        head, _, self.left = self.left.partition(b"\r\n\r\n")
        status = int(head.split(b" ")[1])
        if status == 100:
            return self.head(until)
        self.status, self.chunked = status, b"transfer-encoding: chunked" in head.lower()
        return status

    def go_on(self, until):
        """100 Continue, or the status that came in its place."""
        while b"\r\n\r\n" not in self.left:
            self.fill(until)
        if self.left.split(b" ", 2)[1] == b"100":
            self.left = self.left.partition(b"\r\n\r\n")[2]
        else:
            raise Ended(f"{self.role}: {self.head(until)}")

    def body(self, size, until):
        """That many bytes of the body; chunks are taken off."""
        taken = b""
        while len(taken) < size:
            if self.chunked and not self.chunk:
                while b"\r\n" not in self.left.lstrip(b"\r\n"):
                    self.fill(until)
                line, _, self.left = self.left.lstrip(b"\r\n").partition(b"\r\n")
                self.chunk = int(line, 16)
                if not self.chunk:
                    raise Ended(f"{self.role}: last chunk")
            if not self.left:
                self.fill(until)
            part = self.left[:min(size - len(taken), self.chunk if self.chunked else len(self.left))]
            self.left, taken = self.left[len(part):], taken + part
            self.chunk -= len(part) if self.chunked else 0
        return taken

    def pdu(self, until):
        header = self.body(16, until)
        return header + self.body(struct.unpack_from("<H", header, 8)[0] - 16, until)

    def close(self):
        self.sock.close()


class Outlook:
    """A client with one virtual connection at a time. name: seeds its cookies."""

    def __init__(self, address, source, name, port=80, user=rpc.USER, tls=None, expect=False, challenged=False,
                 protocol="HTTP/1.1", target=rpc.TARGET, base=""):
        self.address, self.source, self.name, self.port, self.user, self.tls = address, source, name, port, user, tls
        self.expect, self.challenged = expect, challenged
        # base: "http://..." for a forward proxy, which is asked by absolute URIs
        self.how = {"protocol": protocol, "uri": f"{base}/rpc/rpcproxy.dll?{target}"}
        self.tries, self.calls, self.recycled = 0, 0, 0
        self.in_ = self.out = None

    def ask(self, half, length, first):
        make = {"in": rpc.ask_in, "out": rpc.ask_out}[half.role]
        if self.challenged:
            half.send(make(length=0, auth=None, **self.how))
            status = half.head(time.monotonic() + 10)
            if status != 401:
                raise Ended(f"{half.role}: {status} to a request without credentials")
            time.sleep(0.1)
            half.poll()
            half.left = b""                              # the page
        more = ("Expect: 100-continue",) if self.expect else ()
        half.send(make(*more, length=length, auth=rpc.basic(self.user), **self.how))
        if self.expect:
            half.go_on(time.monotonic() + 10)
        if first:
            half.send(first)

    def ask_both(self):
        self.tries += 1
        self.c = rpc.Cookies(f"{self.name}/{self.tries}")
        self.out = Half(self, "out")
        self.ask(self.out, 76, rpc.conn_a1(self.c))
        self.in_ = Half(self, "in")
        self.ask(self.in_, 1 << 30, rpc.conn_b1(self.c))

    def open(self, patience=10):
        """Both channels, up to CONN/C2; Ended if a status or an end comes in its place."""
        self.ask_both()
        until = time.monotonic() + patience
        self.await_out(until)
        if self.out.head(until) != 200:
            raise Ended(f"out: {self.out.status}")
        for _ in range(2):                               # CONN/A3, CONN/C2
            self.await_out(until)
            self.out.pdu(until)
        return self

    def await_out(self, until):
        """Bytes on OUT; TimeoutError at until. Nothing is to come on IN: Ended if a status does, or the end."""
        while not self.out.left:
            left = until - time.monotonic()
            if left <= 0:
                raise TimeoutError("nothing on out")
            ready = select.select([self.out.sock, self.in_.sock], [], [], left)[0]
            if self.in_.sock in ready and self.in_.poll():
                raise Ended(f"{self.in_.role}: {self.in_.head(time.monotonic() + 2)}")
            if self.out.sock in ready:
                self.out.poll()

    def next(self, until):
        """The next RPC PDU on OUT; RTS PDUs are answered."""
        while True:
            pdu = self.out.pdu(until)
            if pdu[2] != 20:
                return pdu
            if struct.unpack_from("<HH", pdu, 16) == (0x04, 1):          # OUT_R1/A2 or OUT_R2/A2
                self.recycle_out(until)

    def call(self, opnum=2, stub=b"", patience=20, wait=True):
        """A call of the management interface: 2 is is_server_listening."""
        self.calls += 1
        self.in_.send(rpc.request(self.calls, opnum, stub))
        if wait:
            return self.answer(patience)
        return None

    def bind(self):
        self.calls += 1
        self.in_.send(rpc.bind(self.calls, MGMT))
        return self.answer(10)

    def answer(self, patience):
        pdu = self.next(time.monotonic() + patience)
        if pdu[2] not in RESPONSES:
            raise Ended(f"a PDU of type {pdu[2]}")
        return pdu

    def wait(self, seconds, ping=0):
        """Idle, but for pings; OUT is read. Ended as soon as a channel ends."""
        until = time.monotonic() + seconds
        pinged = time.monotonic()
        while (now := time.monotonic()) < until:
            if ping and now >= pinged + ping:
                self.in_.send(rpc.ping())
                pinged = now
            try:
                self.await_out(min(until, pinged + ping) if ping else until)
            except TimeoutError:
                continue
            self.next_rts(until)

    def next_rts(self, until):
        """One PDU that comes while the client waits for none."""
        pdu = self.out.pdu(until + 2)
        if pdu[2] == 20 and struct.unpack_from("<HH", pdu, 16) == (0x04, 1):
            self.recycle_out(until + 5)

    def recycle_out(self, until):
        """OUT_R2 from A3 on: another OUT channel in place of this one."""
        old, self.out = self.out, Half(self, "out")
        self.ask(self.out, 120, pdus.out_a3(self.c))
        old.pdu(until)                                                   # A6
        self.in_.send(rpc.rts("OUT_R2/A7", 0x10, rpc.destination(rpc.SERVER), rpc.cookie(self.c.new_out), rpc.version()))
        self.out.send(rpc.rts("OUT_R2/C1", 0x01, rpc.EMPTY))
        old.pdu(until)                                                   # B3
        if self.out.head(until) != 200:
            raise Ended(f"successor of out: {self.out.status}")
        self.c.recycled("out")
        self.recycled += 1
        self.drain(old)

    def recycle_in(self):
        """IN_R2: another IN channel in place of this one."""
        until, old = time.monotonic() + 10, self.in_
        self.in_ = Half(self, "in")
        self.ask(self.in_, 1 << 30, pdus.in_a1(self.c))
        self.out.pdu(until)                                              # A4
        old.send(pdus.in_cookie("IN_R2/A5", self.c))
        self.c.recycled("in")
        self.recycled += 1
        self.drain(old)

    @staticmethod
    def drain(half):
        """Reads to the end that the server makes of a predecessor, and closes it."""
        half.sock.settimeout(3)
        try:
            while half.sock.recv(65536):
                pass
        except (OSError, ssl.SSLError):
            pass
        half.close()

    def close(self):
        for half in (self.in_, self.out):
            if half:
                half.close()
                time.sleep(0.05)
