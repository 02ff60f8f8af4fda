"""NTLM tokens (MS-NLMP 2.2.1, 2.2.2) for samples of MAPI/HTTP: a type 3 that echoes the target information of the
challenge it answers.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import base64
import struct

import mapiwire as w
import rpc

STAMP = 1795600000                       # of the challenges, seconds since 1970


class Target:
    """The target information of one challenge: names and MsvAvTimestamp."""

    def __init__(self, server, stamp=STAMP, domain="EXAMPLE", dns_domain="example.test"):
        self.server, self.stamp, self.domain = server, stamp, domain
        self.pairs = [(2, domain), (1, server), (4, dns_domain), (3, f"{server.lower()}.{dns_domain}"), (5, dns_domain)]

    def bytes(self, *extra):
        def pair(kind, data):
            return struct.pack("<HH", kind, len(data)) + data
        out = b"".join(pair(kind, text.encode("utf-16-le")) for kind, text in self.pairs)
        return out + pair(7, w.when(self.stamp)) + b"".join(pair(*item) for item in extra) + bytes(4)


def token(data, scheme="NTLM"):
    return f"{scheme} " + base64.b64encode(data).decode()


def type1(scheme="NTLM"):
    return token(b"NTLMSSP\0" + struct.pack("<II", 1, 0xA2088207) + bytes(16) + rpc.NTLM_VERSION, scheme)


def type2(target, scheme="NTLM", challenge=0x0123456789ABCDEF):
    target = target if isinstance(target, Target) else Target(target)
    info, name, fixed = target.bytes(), target.domain.encode("utf-16-le"), 56
    header = struct.pack("<IHHIIQQ", 2, len(name), len(name), fixed, rpc.NTLM_FLAGS, challenge, 0)
    return token(b"NTLMSSP\0" + header + struct.pack("<HHI", len(info), len(info), fixed + len(name))
                 + rpc.NTLM_VERSION + name
                 + info, scheme)


def type3(target, user="alice", domain="EXAMPLE", workstation="PC21", scheme="NTLM", bindings=None, v1=False):
    """bindings: the 16 bytes of MsvAvChannelBindings; MsvAvFlags and MsvAvTargetName are the client's too (3.1.5.1.2).
    An empty user is the anonymous one."""
    if not user:
        lm, nt, domain = b"\0", b"", ""
    elif v1:
        lm, nt = bytes(range(24)), bytes(range(24, 48))
    else:
        extra = [(6, w.u32(2)), (10, bindings or bytes(16)), (9, "HTTP/mail.example.test".encode("utf-16-le"))]
        client = b"\x01\x01" + bytes(6) + w.when(target.stamp) + bytes(range(8)) + bytes(4) + target.bytes(*extra) \
            + bytes(4)
        lm, nt = bytes(24), bytes(range(16, 32)) + client
    payload, at, places = b"", 88, {}
    for index, data in [*enumerate([text.encode("utf-16-le") for text in (domain, user, workstation)], 2), (5, b""),
                        (0, lm),
                        (1, nt)]:
        places[index] = struct.pack("<HHI", len(data), len(data), at + len(payload))
        payload += data
    flags = rpc.NTLM_FLAGS | (0 if user else 0x800)
    return token(b"NTLMSSP\0" + struct.pack("<I", 3) + b"".join(places[index] for index in range(6))
                 + struct.pack("<I", flags)
                 + rpc.NTLM_VERSION + bytes(16) + payload, scheme)


def kerberos(size=160):
    """As rpc.kerberos() with a ticket of that many encrypted bytes: group memberships make it large."""
    oid = b"\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"

    def number(tag, value):
        return rpc.der(tag, rpc.der(0x02, bytes([value])))

    def encrypted(count):
        return rpc.der(0x30, number(0xA0, 18), rpc.der(0xA2, rpc.der(0x04, bytes(at * 41 & 0xFF
            for at in range(count)))))
    service = rpc.der(0x30, number(0xA0, 2), rpc.der(0xA1, rpc.der(0x30, rpc.der(0x1B, b"HTTP"), rpc.der(0x1B,
        b"mail.example.test"))))
    ticket = rpc.der(0x61, rpc.der(0x30, number(0xA0, 5), rpc.der(0xA1, rpc.der(0x1B, b"EXAMPLE.TEST")), rpc.der(0xA2,
        service),
                                   rpc.der(0xA3, encrypted(size))))
    ap_req = rpc.der(0x6E, rpc.der(0x30, number(0xA0, 5), number(0xA1, 14), rpc.der(0xA2,
        b"\x03\x05\x00\x20\x00\x00\x00"),
                                   rpc.der(0xA3, ticket), rpc.der(0xA4, encrypted(96))))
    init = rpc.der(0xA0, rpc.der(0x30, rpc.der(0xA0, rpc.der(0x30, oid)),
                                 rpc.der(0xA2, rpc.der(0x04, rpc.der(0x60, oid, b"\x01\x00", ap_req)))))
    return token(rpc.der(0x60, b"\x06\x06\x2b\x06\x01\x05\x05\x02", init), "Negotiate")
