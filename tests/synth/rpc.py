"""RTS PDUs after MS-RPCH 2.2.3 and 2.2.4, connection-oriented RPC PDUs after C706 12.6, and the
stubs of two Exchange interfaces: NSPI (MS-NSPI 3.1.4) and EMSMDB (MS-OXCRPC 3.1.4).

SPDX-License-Identifier: GPL-2.0-or-later
"""

import base64
import struct
import uuid

FIRST, LAST = 0x01, 0x02
PTYPES = {"request": 0, "response": 2, "fault": 3, "bind": 11, "bind_ack": 12, "bind_nak": 13, "alter_context": 14,
          "alter_context_resp": 15, "auth3": 16, "co_cancel": 18, "orphaned": 19}
CLIENT, IN_PROXY, SERVER, OUT_PROXY = 0, 1, 2, 3         # 2.2.3.3
WINDOW, LIFETIME, KEEPALIVE, TIMEOUT = 65536, 1 << 30, 300000, 900000

NSPI = uuid.UUID("f5cc5a18-4264-101a-8c59-08002b2f8426"), 56, 0
EMSMDB = uuid.UUID("a4f1db00-ca47-1067-b31f-00dd010662da"), 0, 81
NDR = uuid.UUID("8a885d04-1ceb-11c9-9fe8-08002b104860"), 2, 0


class Msg:
    """Bytes of a stream and what a dissector must make of them; frame is set where the last byte was captured."""

    def __init__(self, data, http=None, pdu=None):
        self.data, self.http, self.pdu, self.frame = data, http, pdu, 0

    def __len__(self):
        return len(self.data)


# ---- RTS --------------------------------------------------------------------------------

def u32(value):
    return struct.pack("<I", value)


# The commands of 2.2.3.5, each as (type, bytes behind the type).
def window(size=WINDOW):
    return 0, u32(size)


def ack(received, available, cookie):
    return 1, u32(received) + u32(available) + cookie


def timeout(ms=TIMEOUT):
    return 2, u32(ms)


def cookie(value):
    return 3, value


def lifetime(size=LIFETIME):
    return 4, u32(size)


def keepalive(ms=KEEPALIVE):
    return 5, u32(ms)


def version(number=1):
    return 6, u32(number)


EMPTY, NEGATIVE_ANCE, ANCE = (7, b""), (9, b""), (10, b"")


def padding(count):
    return 8, u32(count) + bytes(count)


def client_address(address):
    """Network order, as Windows writes it; the text of 2.2.3.2 says little-endian."""
    return 11, u32(0 if address.version == 4 else 1) + address.packed + bytes(12)


def group(value):
    return 12, value


def destination(where):
    return 13, u32(where)


def ping_traffic(count):
    return 14, u32(count)


def rts(name, flags, *commands, count=None, header=None, frag_length=None):
    """An RTS PDU. header replaces fields of the common header, for PDUs that break its rules."""
    body = b"".join(u32(kind) + value for kind, value in commands)
    fields = {"vers": 5, "minor": 0, "pfc": FIRST | LAST, "drep": b"\x10\0\0\0", "auth": 0, "call": 0, **(header or {})}
    length = 20 + len(body) if frag_length is None else frag_length
    data = struct.pack("<BBBB4sHHIHH", fields["vers"], fields["minor"], 20, fields["pfc"], fields["drep"], length,
                       fields["auth"], fields["call"], flags, len(commands) if count is None else count) + body
    return Msg(data, pdu={"name": name, "length": length})


class Cookies:
    """The cookies of one virtual connection, always the same for the same seed."""

    def __init__(self, seed):
        self.seed, self.generation = seed, {"in": 0, "out": 0}
        self.vc, self.group = self.make("vc"), self.make("group")
        self.in_, self.out = self.make("in0"), self.make("out0")
        self.new_in, self.new_out = self.make("in1"), self.make("out1")

    def make(self, what):
        return uuid.uuid5(uuid.NAMESPACE_URL, f"rpch/{self.seed}/{what}").bytes_le

    def recycled(self, role):
        """The successor becomes the channel; a new successor gets a new cookie."""
        self.generation[role] += 1
        fresh = self.make(f"{role}{self.generation[role] + 1}")
        if role == "in":
            self.in_, self.new_in = self.new_in, fresh
        else:
            self.out, self.new_out = self.new_out, fresh


def conn_a1(c, size=WINDOW):
    return rts("CONN/A1", 0, version(), cookie(c.vc), cookie(c.out), window(size))


def conn_a2(c, life=LIFETIME, size=WINDOW):
    return rts("CONN/A2", 0x10, version(), cookie(c.vc), cookie(c.out), lifetime(life), window(size))


def conn_a3(ms=TIMEOUT):
    return rts("CONN/A3", 0, timeout(ms))


def conn_b1(c, life=LIFETIME, ms=KEEPALIVE):
    return rts("CONN/B1", 0, version(), cookie(c.vc), cookie(c.in_), lifetime(life), keepalive(ms), group(c.group))


def conn_b2(c, address, size=WINDOW, ms=TIMEOUT):
    return rts("CONN/B2", 0x08, version(), cookie(c.vc), cookie(c.in_), window(size), timeout(ms), group(c.group),
               client_address(address))


def conn_b3(size=WINDOW):
    return rts("CONN/B3", 0, window(size), version())


def conn_c1(size=WINDOW, ms=TIMEOUT):
    return rts("CONN/C1", 0, version(), window(size), timeout(ms))


def conn_c2(size=WINDOW, ms=TIMEOUT):
    return rts("CONN/C2", 0, version(), window(size), timeout(ms))


def ping():
    return rts("Ping", 0x01)


def echo():
    return rts("Echo", 0x40)


def keep_alive(ms):
    return rts("Keep-Alive", 0x02, keepalive(ms))


def flow_ack(received, available, of):
    msg = rts("FlowControlAck", 0x02, ack(received, available, of))
    msg.pdu["bytes_received"] = received
    return msg


def flow_ack_to(where, received, available, of):
    msg = rts("FlowControlAckWithDestination", 0x02, destination(where), ack(received, available, of))
    msg.pdu["bytes_received"] = received
    return msg


# ---- RPC --------------------------------------------------------------------------------

def pdu(ptype, call, body, flags=FIRST | LAST, frag_length=None, auth_length=0, vers=5):
    length = 16 + len(body) if frag_length is None else frag_length
    data = struct.pack("<BBBB4sHHI", vers, 0, PTYPES[ptype], flags, b"\x10\0\0\0", length, auth_length, call) + body
    return Msg(data, pdu={"name": ptype, "length": length, "call": call})


def syntax(interface):
    identity, major, minor = interface
    return identity.bytes_le + struct.pack("<HH", major, minor)


def bind(call=1, interface=NSPI, context=0, ptype="bind"):
    return pdu(ptype, call, struct.pack("<HHIBBH", 4280, 4280, 0, 1, 0, 0) + struct.pack("<HBB", context, 1, 0)
               + syntax(interface) + syntax(NDR))


def bind_ack(call=1, port=6004, ptype="bind_ack"):
    address = f"{port}".encode() + b"\0"
    body = struct.pack("<HHIH", 4280, 4280, 0x1F2E, len(address)) + address
    body += b"\0" * (-(16 + len(body)) % 4) + struct.pack("<BBH", 1, 0, 0) + struct.pack("<HH", 0, 0) + syntax(NDR)
    return pdu(ptype, call, body)


def bind_nak(call=1, reason=2):
    msg = pdu("bind_nak", call, struct.pack("<HBBB", reason, 1, 5, 0) + bytes(3))
    msg.pdu["reason"] = reason
    return msg


def request(call, opnum, stub, context=0, flags=FIRST | LAST, hint=None):
    msg = pdu("request", call, struct.pack("<IHH", len(stub) if hint is None else hint, context, opnum) + stub, flags)
    msg.pdu.update(opnum=opnum, flags=flags)
    return msg


def response(call, opnum, stub, context=0, flags=FIRST | LAST, hint=None):
    msg = pdu("response", call, struct.pack("<IHBB", len(stub) if hint is None else hint, context, 0, 0) + stub, flags)
    msg.pdu.update(opnum=opnum, flags=flags)
    return msg


def fault(call, status):
    msg = pdu("fault", call, struct.pack("<IHBBII", 32, 0, 0, 0, status, 0))
    msg.pdu["status"] = status
    return msg


def fragments(make, call, opnum, stub, size):
    """A request or response in fragments of at most size bytes of stub."""
    parts = [stub[at:at + size] for at in range(0, len(stub), size)]
    return [make(call, opnum, part, flags=(FIRST if at == 0 else 0) | (LAST if at == len(parts) - 1 else 0),
                 hint=len(stub) - at * size) for at, part in enumerate(parts)]


HANDLE = u32(0) + uuid.uuid5(uuid.NAMESPACE_URL, "rpch/handle").bytes_le
GUID = uuid.uuid5(uuid.NAMESPACE_URL, "rpch/server").bytes_le


def stat(total=0):
    """STAT, MS-NSPI 2.2.8: code page 1252, locales 0x409."""
    return struct.pack("<9I", 0, 0, 0, 0, 0, total, 1252, 0x409, 0x409)


def text(value):
    data = value.encode("ascii") + b"\0"
    return struct.pack("<III", len(data), 0, len(data)) + data + b"\0" * (-len(data) % 4)


class Nspi:
    """Opnum and stubs of request and response: MS-NSPI 3.1.4.1, .4, .2."""
    interface = NSPI
    BIND = 0, u32(0) + stat() + u32(0x20000) + GUID, u32(0x20000) + GUID + HANDLE + u32(0)
    UPDATE = 2, HANDLE + u32(0) + stat() + u32(0), stat(20) + u32(0) + u32(0)
    UNBIND = 1, HANDLE + u32(0), bytes(20) + u32(1)


class Emsmdb:
    """MS-OXCRPC 3.1.4.1 EcDoConnectEx, 3.1.4.6 EcDummyRpc, 3.1.4.3 EcDoDisconnect."""
    interface = EMSMDB
    # RPC_HEADER_EXT (Last) and one AUX_PERF_SESSIONINFO, MS-OXCRPC 2.2.2.1 and 2.2.2.2.2: with an empty buffer,
    # which is as lawful, Wireshark 4.4 and 4.6 read on behind it.
    AUX = struct.pack("<4H", 0, 4, 24, 24) + struct.pack("<HBBHH", 24, 1, 4, 1, 0) + GUID
    # The versions are aligned to 2 bytes: nothing stands between them and the six of "Alice".
    CONNECT = 10, (text("/o=Example/ou=Exchange/cn=Recipients/cn=alice") + struct.pack("<7I", 0, 0x1234, 0, 1252,
                   0x409, 0x409, 0xFFFFFFFF) + struct.pack("<HHHH", 1, 14, 0x8000, 0) + u32(0) + u32(len(AUX))
                   + AUX + u32(len(AUX)) + u32(0x1008)), \
        (HANDLE + struct.pack("<III", 60000, 6, 10000) + struct.pack("<HH", 1, 0) + u32(0x20000) + text("/o=Example")
         + u32(0x20004) + text("Alice")[:-2] + struct.pack("<6H", 14, 0x8000, 0, 14, 0x8000, 0) + bytes(2) + u32(0)
         + bytes(12) + u32(0) + u32(0))
    DUMMY = 6, b"", u32(0)
    DISCONNECT = 1, HANDLE, bytes(20) + u32(0)


# ---- HTTP -------------------------------------------------------------------------------

USER, PASSWORD = "example.test\\alice", "correct horse"
TARGET = "ex1.example.test:6004"


def basic(user=USER, password=PASSWORD):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def head(method, uri, *lines, protocol="HTTP/1.1"):
    return Msg("\r\n".join([f"{method} {uri} {protocol}", *lines, "", ""]).encode(),
               http={"to": "server", "method": method})


def ask(method, length, *extra, target=TARGET, auth=basic(), host="mail.example.test", uri=None, protocol="HTTP/1.1",
        chunked=False):
    """A channel request as Outlook writes it, MS-RPCH 2.1.2.1.1 and .2."""
    lines = ["Cache-Control: no-cache", "Connection: Keep-Alive", "Pragma: No-cache", "Accept: application/rpc",
             "User-Agent: MSRPC", f"Host: {host}"]
    lines.append("Transfer-Encoding: chunked" if chunked else f"Content-Length: {length}")
    if auth:
        lines.append(f"Authorization: {auth}")
    return head(method, uri or f"/rpc/rpcproxy.dll?{target}", *lines, *extra, protocol=protocol)


def ask_in(*extra, length=1 << 30, **more):
    return ask("RPC_IN_DATA", length, *extra, **more)


def ask_out(*extra, length=76, **more):
    return ask("RPC_OUT_DATA", length, *extra, **more)


def answer(status, reason, *lines, body=b"", protocol="HTTP/1.1"):
    data = "\r\n".join([f"{protocol} {status} {reason}", *lines, "", ""]).encode() + body
    return Msg(data, http={"to": "client", "status": status})


def success(*extra, length=1 << 30, protocol="HTTP/1.1"):
    size = [] if length is None else [f"Content-Length: {length}"]
    return answer(200, "Success", "Content-Type: application/rpc", *size, *extra, protocol=protocol)


def go_on():
    return answer(100, "Continue")


def page(status, reason, *lines, text="", protocol="HTTP/1.1"):
    """An error page."""
    body = (text or f"<html><body>{status} {reason}</body></html>").encode()
    return answer(status, reason, "Content-Type: text/html", f"Content-Length: {len(body)}", *lines, body=body,
                  protocol=protocol)


def chunk(msg):
    """The message as one chunk."""
    return Msg(f"{len(msg.data):x}\r\n".encode() + msg.data + b"\r\n", http=msg.http, pdu=msg.pdu)


LAST_CHUNK = b"0\r\n\r\n"


# ---- NTLM (MS-NLMP 2.2.1) -----------------------------------------------------------------

NTLM_FLAGS = 0xA2888205
NTLM_VERSION = b"\x0a\0\x63\x45\0\0\0\x0f"     # Windows 10


def ntlm(data):
    return "NTLM " + base64.b64encode(data).decode()


def ntlm_negotiate():
    return ntlm(b"NTLMSSP\0" + struct.pack("<II", 1, 0xA2088207) + bytes(16) + NTLM_VERSION)


def ntlm_challenge(netbios, dns, domain="EXAMPLE"):
    def pair(kind, value):
        data = value.encode("utf-16-le")
        return struct.pack("<HH", kind, len(data)) + data
    info = pair(2, domain) + pair(1, netbios) + pair(4, "example.test") + pair(3, dns) + struct.pack("<HH", 0, 0)
    name = domain.encode("utf-16-le")
    fixed = 56
    header = struct.pack("<IHHIIQQ", 2, len(name), len(name), fixed, NTLM_FLAGS, 0x0123456789ABCDEF, 0)
    return ntlm(b"NTLMSSP\0" + header + struct.pack("<HHI", len(info), len(info), fixed + len(name)) + NTLM_VERSION
                + name + info)


def ntlm_authenticate(user="alice", domain="EXAMPLE", workstation="PC21"):
    """Type 3; an empty user is the anonymous one of 3.2.5.1.2."""
    payload, at = b"", 72
    responses = [b"\0", b""] if not user else [bytes(24), bytes(range(48))]
    strings = [text.encode("utf-16-le") for text in (domain if user else "", user, workstation)]
    places = {}
    # The strings come first, where their alignment needs no care; the fields stand in the order of the header.
    for index, data in [*enumerate([*strings, b""], 2), *enumerate(responses)]:
        places[index] = struct.pack("<HHI", len(data), len(data), at + len(payload))
        payload += data
    fields = b"".join(places[index] for index in range(6))
    flags = NTLM_FLAGS | (0 if user else 0x800)
    return ntlm(b"NTLMSSP\0" + struct.pack("<I", 3) + fields + struct.pack("<I", flags) + NTLM_VERSION + payload)


# ---- Kerberos in SPNEGO (RFC 4178, RFC 4120 5.5.1) ------------------------------------------

def der(tag, *parts):
    content = b"".join(parts)
    size = bytes([len(content)]) if len(content) < 128 else b"\x82" + struct.pack(">H", len(content))
    return bytes([tag]) + size + content


def kerberos():
    """A Negotiate token: SPNEGO with an AP-REQ for HTTP/mail.example.test; what is encrypted is made up."""
    krb5 = b"\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"

    def number(tag, value):
        return der(tag, der(0x02, bytes([value])))

    def encrypted(size):
        return der(0x30, number(0xA0, 18), der(0xA2, der(0x04, bytes(at * 37 & 0xFF for at in range(size)))))
    service = der(0x30, number(0xA0, 2), der(0xA1, der(0x30, der(0x1B, b"HTTP"), der(0x1B, b"mail.example.test"))))
    ticket = der(0x61, der(0x30, number(0xA0, 5), der(0xA1, der(0x1B, b"EXAMPLE.TEST")), der(0xA2, service),
                           der(0xA3, encrypted(160))))
    ap_req = der(0x6E, der(0x30, number(0xA0, 5), number(0xA1, 14), der(0xA2, b"\x03\x05\x00\x20\x00\x00\x00"),
                           der(0xA3, ticket), der(0xA4, encrypted(96))))
    token = der(0x60, krb5, b"\x01\x00", ap_req)
    init = der(0xA0, der(0x30, der(0xA0, der(0x30, krb5)), der(0xA2, der(0x04, token))))
    return "Negotiate " + base64.b64encode(der(0x60, b"\x06\x06\x2b\x06\x01\x05\x05\x02", init)).decode()


def krb_error(code):
    """What Windows answers to an AP-REQ that it does not take: SPNEGO, not completed, with a KRB-ERROR (RFC 4120 5.9.1, RFC 4121 4.1)."""
    def number(tag, value):
        return der(tag, der(0x02, bytes([value])))
    service = der(0x30, number(0xA0, 2), der(0xA1, der(0x30, der(0x1B, b"HTTP"), der(0x1B, b"mail.example.test"))))
    error = der(0x7E, der(0x30, number(0xA0, 5), number(0xA1, 30), der(0xA4, der(0x18, b"20261125094640Z")), number(0xA5, 7),
                          number(0xA6, code), der(0xA9, der(0x1B, b"EXAMPLE.TEST")), der(0xAA, service)))
    framed = der(0x60, b"\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02", b"\x03\x00", error)
    return "Negotiate " + base64.b64encode(der(0xA1, der(0x30, der(0xA0, der(0x0A, b"\x01")), der(0xA2, der(0x04, framed))))).decode()
