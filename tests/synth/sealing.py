"""RPC PDUs with NTLM at RPC_C_AUTHN_LEVEL_PKT_PRIVACY: bind, bind_ack and AUTH3 with the three messages of MS-NLMP, and stubs
sealed by the keys that follow from them (MS-RPCE 2.2.2.11 and 3.3.1.5.2, MS-NLMP 3.3.2, 3.4).

SPDX-License-Identifier: GPL-2.0-or-later
"""

import hashlib
import hmac
import struct

import rpc

USER, DOMAIN, PASSWORD, WORKSTATION = "alice", "EXAMPLE", "correct horse", "PC21"
NTLMSSP, PRIVACY, CONTEXT = 10, 6, 0
# UNICODE, REQUEST_TARGET, SIGN, SEAL, NTLM, ALWAYS_SIGN, EXTENDED_SESSIONSECURITY, TARGET_INFO, VERSION, 128, KEY_EXCH, 56
FLAGS = 0xE2888235
SERVER_CHALLENGE, CLIENT_CHALLENGE = bytes.fromhex("0123456789abcdef"), bytes.fromhex("fedcba9876543210")
SESSION_KEY = bytes(range(0x40, 0x50))
TIME = 133_000_000_000_000_000


def md4(data):
    """RFC 1320; hashlib may lack it."""
    def rotated(value, by):
        value &= 0xFFFFFFFF
        return (value << by | value >> (32 - by)) & 0xFFFFFFFF
    rounds = ((0, range(16), (3, 7, 11, 19)), (0x5A827999, (0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15), (3, 5, 9, 13)),
              (0x6ED9EBA1, (0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15), (3, 9, 11, 15)))
    mixes = (lambda x, y, z: (x & y) | (~x & z), lambda x, y, z: (x & y) | (x & z) | (y & z), lambda x, y, z: x ^ y ^ z)
    message = data + b"\x80" + bytes(-(len(data) + 9) % 64) + struct.pack("<Q", 8 * len(data))
    state = [0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476]
    for at in range(0, len(message), 64):
        words = struct.unpack("<16I", message[at:at + 64])
        a, b, c, d = state
        for (constant, order, shifts), mix in zip(rounds, mixes):
            for step, word in enumerate(order):
                a, b, c, d = d, rotated(a + mix(b, c, d) + words[word] + constant, shifts[step % 4]), b, c
        state = [(old + new) & 0xFFFFFFFF for old, new in zip(state, (a, b, c, d))]
    return struct.pack("<4I", *state)


class Rc4:
    def __init__(self, key):
        self.box, self.i, self.j = list(range(256)), 0, 0
        at = 0
        for i in range(256):
            at = (at + self.box[i] + key[i % len(key)]) & 255
            self.box[i], self.box[at] = self.box[at], self.box[i]

    def __call__(self, data):
        out = bytearray()
        for byte in data:
            self.i = (self.i + 1) & 255
            self.j = (self.j + self.box[self.i]) & 255
            self.box[self.i], self.box[self.j] = self.box[self.j], self.box[self.i]
            out.append(byte ^ self.box[(self.box[self.i] + self.box[self.j]) & 255])
        return bytes(out)


def keyed(key, data):
    return hmac.new(key, data, hashlib.md5).digest()


def wide(text):
    return text.encode("utf-16-le")


def target_info():
    pairs = (2, wide(DOMAIN)), (1, wide("EX1")), (0, b"")
    return b"".join(struct.pack("<HH", kind, len(value)) + value for kind, value in pairs)


def negotiate():
    return b"NTLMSSP\0" + struct.pack("<II", 1, FLAGS) + bytes(16) + rpc.NTLM_VERSION


def challenge():
    name, info = wide(DOMAIN), target_info()
    fixed = 56
    return b"NTLMSSP\0" + struct.pack("<IHHII", 2, len(name), len(name), fixed, FLAGS) + SERVER_CHALLENGE + bytes(8) \
        + struct.pack("<HHI", len(info), len(info), fixed + len(name)) + rpc.NTLM_VERSION + name + info


def authenticate():
    """Type 3, with the response and the session key of MS-NLMP 3.3.2 and 3.1.5.1.2."""
    owner = keyed(md4(wide(PASSWORD)), wide(USER.upper() + DOMAIN))
    blob = b"\x01\x01" + bytes(6) + struct.pack("<Q", TIME) + CLIENT_CHALLENGE + bytes(4) + target_info() + bytes(4)
    proof = keyed(owner, SERVER_CHALLENGE + blob)
    exchanged = Rc4(keyed(owner, proof))(SESSION_KEY)
    strings = bytes(24), proof + blob, wide(DOMAIN), wide(USER), wide(WORKSTATION), exchanged
    fields, payload, fixed = b"", b"", 88
    for value in strings:
        fields += struct.pack("<HHI", len(value), len(value), fixed + len(payload))
        payload += value
    head = b"NTLMSSP\0" + struct.pack("<I", 3) + fields + struct.pack("<I", FLAGS) + rpc.NTLM_VERSION + bytes(16)
    return head + payload


def with_verifier(msg, token, pad=0):
    """The PDU with a sec_trailer and credentials behind it; pad: bytes in front that belong to neither."""
    data = msg.data + struct.pack("<BBBBI", NTLMSSP, PRIVACY, pad, 0, CONTEXT) + token
    data = data[:8] + struct.pack("<HH", len(data), len(token)) + data[12:]
    return rpc.Msg(data, pdu={**msg.pdu, "length": len(data)})


def bind(interface, call=1):
    return with_verifier(rpc.bind(call, interface), negotiate())


def bind_ack(call=1):
    return with_verifier(rpc.bind_ack(call, 6001), challenge())


def auth3(call=1):
    return with_verifier(rpc.pdu("auth3", call, bytes(4)), authenticate())


class Sealer:
    """One direction: MS-NLMP 3.4.4.2 and 3.4.5.3."""

    def __init__(self, end):
        def key(what):
            return hashlib.md5(SESSION_KEY + f"session key to {end} {what} key magic constant\0".encode()).digest()
        self.sign, self.rc4 = key("signing"), Rc4(key("sealing"))
        self.sequence = 0

    def __call__(self, make, call, opnum, stub):
        pad = -len(stub) % 16
        plain = with_verifier(make(call, opnum, stub + bytes(pad), hint=len(stub)), bytes(16), pad)
        head, body, trailer = plain.data[:24], plain.data[24:24 + len(stub) + pad], plain.data[24 + len(stub) + pad:-16]
        number = struct.pack("<I", self.sequence)
        self.sequence += 1
        sealed = self.rc4(body)
        check = self.rc4(keyed(self.sign, number + head + body + trailer)[:8])
        return rpc.Msg(head + sealed + trailer + struct.pack("<I", 1) + check + number, pdu=plain.pdu)
