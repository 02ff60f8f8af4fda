"""Ethernet, IP and TCP as bytes, and the capture files that hold them.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import ipaddress
import struct

FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10


def checksum(data):
    """The Internet checksum of RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def mac(address):
    """A locally administered address made of the last bytes of the IP address."""
    return b"\x02\x00" + address.packed[-4:]


def tcp(src, dst, sport, dport, seq, ack, flags, window, options, payload):
    """A TCP segment with its checksum; src and dst are ipaddress objects, options padded to 4."""
    header = struct.pack(">HHIIBBHHH", sport, dport, seq, ack, (20 + len(options)) << 2, flags, window, 0, 0) + options
    length = len(header) + len(payload)
    if src.version == 4:
        pseudo = src.packed + dst.packed + struct.pack(">BBH", 0, 6, length)
    else:
        pseudo = src.packed + dst.packed + struct.pack(">II", length, 6)
    value = checksum(pseudo + header + payload)
    return header[:16] + struct.pack(">H", value) + header[18:] + payload


def packet(src, dst, ip_id, ttl, segment, via=0):
    """An Ethernet frame; via is mixed into the MAC addresses, for a copy seen behind a router."""
    macs = bytearray(mac(dst) + mac(src))
    macs[1] ^= via
    macs[7] ^= via
    if src.version == 4:
        header = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(segment), ip_id, 0x4000, ttl, 6, 0) \
            + src.packed + dst.packed
        header = header[:10] + struct.pack(">H", checksum(header)) + header[12:]
        return bytes(macs) + b"\x08\x00" + header + segment
    header = struct.pack(">IHBB", 0x60000000, len(segment), 6, ttl) + src.packed + dst.packed
    return bytes(macs) + b"\x86\xdd" + header + segment


def ip(text):
    return ipaddress.ip_address(text)


def split_endpoint(text):
    """"10.0.0.81:80" or "[2001:db8::81]:80" as address and port."""
    host, port = text.rsplit(":", 1)
    return ip(host.strip("[]")), int(port)


def join_endpoint(address, port):
    return f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"


def block(kind, body):
    body += b"\0" * (-len(body) % 4)
    return struct.pack("<II", kind, 12 + len(body)) + body + struct.pack("<I", 12 + len(body))


def option(code, value):
    return struct.pack("<HH", code, len(value)) + value + b"\0" * (-len(value) % 4)


ETHERNET, RAW, COOKED = 1, 101, 113          # LINKTYPE_ values
VLAN = b"\x81\x00\x00\x2a"


def shape(data, kind):
    """An Ethernet frame in another shape: "vlan", "cooked" (Linux SLL), "raw" (IP alone), "padded" (60 bytes at least),
    "options" (4 bytes of IPv4 options), "hops" (an IPv6 hop-by-hop header)."""
    if kind == "vlan":
        return data[:12] + VLAN + VLAN[:3] + b"\x2b" + data[12:]
    if kind == "cooked":
        return b"\0\0\0\x01\0\x06" + data[6:12] + b"\0\0" + data[12:]
    if kind == "raw":
        return data[14:]
    if kind == "padded":
        return data + bytes(max(0, 60 - len(data)))
    if kind == "options":
        header = bytearray(data[14:34])
        header[0] += 1
        header[2:4] = struct.pack(">H", struct.unpack(">H", header[2:4])[0] + 4)
        header[10:12] = bytes(2)
        whole = bytes(header) + b"\x01\x01\x01\x00"
        return data[:14] + whole[:10] + struct.pack(">H", checksum(whole)) + whole[12:] + data[34:]
    if kind == "hops":
        header = bytearray(data[14:54])
        header[4:6] = struct.pack(">H", struct.unpack(">H", header[4:6])[0] + 8)
        header[6] = 0
        return data[:14] + bytes(header) + b"\x06\0\x01\x04\0\0\0\0" + data[54:]
    return data


LINKS = {"cooked": COOKED, "raw": RAW}


def kept_of(number, data, snaplen, cuts):
    """The captured bytes of a frame; cuts: how many of single frames were, by number."""
    return data[:min(snaplen or len(data), cuts.get(number, len(data)))]


def pcapng(frames, snaplen, link=ETHERNET, cuts={}, apart=frozenset()):
    """frames: (ns since 1970, bytes as sent). Time in nanoseconds, one interface; apart: the numbers of frames that a second
    one captured."""
    out = bytearray(block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)))
    for name in (b"synth0", b"synth1")[:2 if apart else 1]:
        out += block(1, struct.pack("<HHI", link, 0, snaplen) + option(2, name) + option(9, b"\x09") + option(0, b""))
    for number, (ns, data) in enumerate(frames, 1):
        kept = kept_of(number, data, snaplen, cuts)
        out += block(6, struct.pack("<IIIII", number in apart, ns >> 32, ns & 0xFFFFFFFF, len(kept), len(data)) + kept)
    return bytes(out)


def pcap(frames, snaplen, link=ETHERNET, cuts={}):
    """The same as a classic file with microseconds."""
    out = bytearray(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, snaplen or 262144, link))
    for number, (ns, data) in enumerate(frames, 1):
        kept = kept_of(number, data, snaplen, cuts)
        out += struct.pack("<IIII", ns // 10**9, ns % 10**9 // 1000, len(kept), len(data)) + kept
    return bytes(out)


def fragments(data):
    """An Ethernet frame with IPv4 as the two frames that a tunnel's short MTU makes of it."""
    pieces, size = data[34:], (len(data) - 34) // 2 // 8 * 8
    for offset, piece in ((0, pieces[:size]), (size, pieces[size:])):
        header = bytearray(data[14:34])
        header[2:4] = struct.pack(">H", 20 + len(piece))
        header[6:8] = struct.pack(">H", offset // 8 | (0 if offset else 0x2000))
        header[10:12] = bytes(2)
        header[10:12] = struct.pack(">H", checksum(bytes(header)))
        yield data[:14] + bytes(header) + piece
