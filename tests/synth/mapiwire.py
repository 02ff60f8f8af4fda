"""Bodies of MAPI/HTTP as bytes: MS-OXCMAPIHTTP 2.2.1, 2.2.4 and 2.2.5, extended buffers and auxiliary blocks
(MS-OXCRPC 2.2.2), property values and restrictions (MS-OXCDATA 2.11, 2.12), STAT and entry ids (MS-OXNSPI 2.2).

SPDX-License-Identifier: GPL-2.0-or-later
"""

import base64
import struct
import uuid

COMPRESSED, XOR, LAST = 1, 2, 4          # RPC_HEADER_EXT, 2.2.2.1


def u8(value):
    return bytes([value & 0xFF])


def u16(value):
    return struct.pack("<H", value & 0xFFFF)


def u32(value):
    return struct.pack("<I", value & 0xFFFFFFFF)


def u64(value):
    return struct.pack("<Q", value & 0xFFFFFFFFFFFFFFFF)


def guid(seed):
    return uuid.uuid5(uuid.NAMESPACE_URL, f"mapihttp/{seed}")


def ascii0(text):
    return text.encode("latin-1") + b"\0"


def wide(text):
    return text.encode("utf-16-le") + b"\0\0"


def when(value):
    """A FILETIME of seconds since 1970."""
    return u64((value + 11644473600) * 10**7)


# ---- plain LZ77 (MS-XCA 2.3) -------------------------------------------------------------

def lz77(data, matches=True):
    """Compresses; with matches=False every byte is a literal, which is lawful and larger."""
    out, flags, count, flag_at, half, at = bytearray(4), 0, 0, 0, None, 0

    def flag(bit):
        nonlocal flags, count, flag_at
        flags = (flags << 1 | bit) & 0xFFFFFFFF
        count += 1
        if count == 32:
            out[flag_at:flag_at + 4] = u32(flags)
            flags, count, flag_at = 0, 0, len(out)
            out.extend(bytes(4))

    def find():
        best = 0, 0
        for start in range(max(0, at - 8192), at):
            size = 0
            while at + size < len(data) and data[start + size] == data[at + size]:
                size += 1
            if size > best[0]:
                best = size, at - start
        return best
    while at < len(data):
        length, distance = find() if matches else (0, 0)
        if length < 3:
            out.append(data[at])
            at += 1
            flag(0)
            continue
        at += length
        rest = length - 3
        out += u16((distance - 1) << 3 | min(rest, 7))
        if rest >= 7:
            rest -= 7
            nibble = min(rest, 15)
            if half is None:
                half = len(out)
                out.append(nibble)
            else:
                out[half] |= nibble << 4
                half = None
            if rest >= 15:
                rest -= 15
                out.append(min(rest, 255))
                if rest >= 255:
                    out += u16(length - 3) if length - 3 < 1 << 16 else u16(0) + u32(length - 3)
        flag(1)
    free = 32 - count
    out[flag_at:flag_at + 4] = u32(flags << free | (1 << free) - 1)
    return bytes(out)


# ---- extended buffers --------------------------------------------------------------------

def ext(payload, flags=LAST, size=None, actual=None, packed=None):
    """RPC_HEADER_EXT and its payload, transformed as flags say: compressed first, then obfuscated."""
    data = payload
    if flags & COMPRESSED:
        data = lz77(payload) if packed is None else packed
    if flags & XOR:
        data = bytes(byte ^ 0xA5 for byte in data)
    return u16(0) + u16(flags) + u16(len(data) if size is None else size) + u16(len(payload) if actual is None
        else actual) \
        + data


def sized(data):
    return u32(len(data)) + data


NO_AUX = u32(0)


def aux(*blocks, flags=LAST):
    """AuxiliaryBufferSize and AuxiliaryBuffer."""
    return sized(ext(b"".join(blocks), flags))


def block(version, kind, body):
    """AUX_HEADER (2.2.2.2) and its block."""
    return u16(4 + len(body)) + u8(version) + u8(kind) + body


def placed(version, kind, fixed, *strings):
    """A block with strings at offsets: fixed is called with their offsets and gives the part before them."""
    size = 4 + len(fixed(*[0] * len(strings)))
    offsets, data = [], b""
    for text in strings:
        offsets.append(size + len(data) if text else 0)
        data += text
    return block(version, kind, fixed(*offsets) + data)


SESSION_INFO = block(1, 0x04, u16(1) + u16(0) + guid("aux/session").bytes_le)


def aux_blocks():
    """Every block of MS-OXCRPC 2.2.2.2 as (name, version, type, bytes)."""
    session = guid("aux/session").bytes_le

    def client_info(*at):
        return u32(1000000) + u16(3) + u16(at[0]) + u16(at[1]) + u16(4) + u16(at[2]) + u16(4) + u16(at[3]) \
            + u16(at[4]) + u16(6) + u16(at[5]) + u16(2) + u16(0)

    def failure(process):
        return process + u16(3) + u16(2) + u16(1) + u16(77) + (u16(0) if process else b"") + u32(900) + u32(120) \
            + u32(0x80040115) + u8(4) + bytes(3)
    defmdb = u32(500) + u32(31) + u16(77) + u16(0)
    defgc = u16(2) + u16(1) + u32(500) + u32(32) + u8(9) + bytes(3)
    mdb = u16(3) + u16(2) + u16(1) + u16(77) + u32(500) + u32(33)
    mdb2 = u16(8) + u16(3) + u16(2) + u16(1) + u16(77) + u16(0) + u32(500) + u32(34)
    gc = u16(3) + u16(2) + u16(1) + u16(0) + u32(500) + u32(35) + u8(9) + bytes(3)
    gc2 = u16(8) + u16(3) + u16(2) + u16(1) + u32(500) + u32(36) + u8(9) + bytes(3)
    process = guid("aux/process").bytes_le

    def processinfo(version):
        return placed(version, 0x0B, lambda at: u16(8) + u16(0) + process + u16(at) + u16(0), wide("OUTLOOK.EXE"))
    rows = [
        ("AUX_PERF_REQUESTID", 1, 0x01, block(1, 0x01, u16(1) + u16(77))),
        ("AUX_PERF_CLIENTINFO", 1, 0x02, placed(
            1, 0x02, client_info, wide("PC21"), wide("alice"), bytes([10, 0, 0, 21]), bytes([255, 255, 255, 0]),
            wide("Ethernet"), bytes([2, 0, 10, 0, 0, 21]))),
        ("AUX_PERF_SERVERINFO", 1, 0x03, placed(
            1, 0x03, lambda dn, name: u16(2) + u16(2) + u16(dn) + u16(name), wide("/o=Example/cn=EX1"), wide("EX1"))),
        ("AUX_PERF_SESSIONINFO", 1, 0x04, SESSION_INFO)]
    rows += [("AUX_PERF_DEFMDB_SUCCESS", 1, kind, block(1, kind, defmdb)) for kind in (0x05, 0x0C, 0x11)]
    rows += [("AUX_PERF_DEFGC_SUCCESS", 1, kind, block(1, kind, defgc)) for kind in (0x06, 0x0D, 0x12)]
    rows += [("AUX_PERF_MDB_SUCCESS", 1, kind, block(1, kind, mdb)) for kind in (0x07, 0x0E, 0x13)]
    rows += [("AUX_PERF_GC_SUCCESS", 1, kind, block(1, kind, gc)) for kind in (0x08, 0x0F, 0x14)]
    rows += [("AUX_PERF_FAILURE", 1, kind, block(1, kind, failure(b""))) for kind in (0x09, 0x10, 0x15)]
    rows += [
        ("AUX_CLIENT_CONTROL", 1, 0x0A, block(1, 0x0A, u32(7) + u32(604800000))),
        ("AUX_PERF_PROCESSINFO", 1, 0x0B, processinfo(1)),
        ("AUX_OSVERSIONINFO", 1, 0x16, block(1, 0x16, u32(152) + u32(10) + u32(0) + u32(20348) + bytes(132) + u16(0)
                                             + u16(0) + u32(0))),
        ("AUX_EXORGINFO", 1, 0x17, block(1, 0x17, u32(1))),
        ("AUX_PERF_ACCOUNTINFO", 1, 0x18, block(1, 0x18, u16(3) + u16(0) + guid("aux/account").bytes_le)),
        ("AUX_SERVER_CAPABILITIES", 1, 0x46, block(1, 0x46, u32(1))),
        ("AUX_ENDPOINT_CAPABILITIES", 1, 0x48, block(1, 0x48, u32(1))),
        ("AUX_CLIENT_CONNECTION_INFO", 1, 0x4A, placed(
            1, 0x4A, lambda at: guid("aux/connection").bytes_le + u16(at) + u16(0) + u32(2) + u32(1), wide("context"))),
        ("AUX_SERVER_SESSION_INFO", 1, 0x4B, placed(1, 0x4B, u16, wide("server session"))),
        ("AUX_PROTOCOL_DEVICE_IDENTIFICATION", 1, 0x4E, placed(
            1, 0x4E, lambda *at: b"".join(map(u16, at)), wide("Contoso"), wide("LB9"), wide("S-17"), wide("4.2"),
            wide("fw-1"))),
        ("AUX_PERF_SESSIONINFO_V2", 2, 0x04, block(2, 0x04, u16(1) + u16(0) + session + u32(5)))]
    rows += [("AUX_PERF_MDB_SUCCESS_V2", 2, kind, block(2, kind, mdb2)) for kind in (0x07, 0x0E, 0x13)]
    rows += [("AUX_PERF_GC_SUCCESS_V2", 2, kind, block(2, kind, gc2)) for kind in (0x08, 0x0F, 0x14)]
    rows += [("AUX_PERF_FAILURE_V2", 2, kind, block(2, kind, failure(u16(8)))) for kind in (0x09, 0x10, 0x15)]
    rows += [("AUX_PERF_PROCESSINFO", 2, 0x0B, processinfo(2))]
    return rows


def rops(data, *handles, flags=LAST, **how):
    """One extended buffer with a ROP list: RopSize counts itself (MS-OXCROPS 2.2.1), then the handle table."""
    return ext(u16(2 + len(data)) + data + b"".join(map(u32, handles)), flags, **how)


RELEASE = b"\x01\x00\x00"                        # RopRelease: id, logon id, input handle index
NO_HANDLE = 0xFFFFFFFF


def logon(dn):
    """RopLogon request, MS-OXCROPS 2.2.3.1.1."""
    name = ascii0(dn)
    return b"\xfe\0\0" + u8(1) + u32(0x01000000) + u32(0) + u16(len(name)) + name


# ---- address book structures -------------------------------------------------------------

STAT_FIELDS = ("sort_type", "container_id", "current_rec", "delta", "num_pos", "total_recs", "code_page",
               "template_locale", "sort_locale")
BEGINNING, CURRENT, END = 0, 1, 2                # positioning MIDs, 2.2.1.8
UNRESOLVED, AMBIGUOUS, RESOLVED = 0, 1, 2        # 2.2.1.9


def stat(**values):
    fields = {"code_page": 1200, "template_locale": 0x409, "sort_locale": 0x409, **values}
    return b"".join(u32(fields.get(name, 0)) for name in STAT_FIELDS)


def has(data):
    """A Boolean and what it announces; None: not there."""
    return b"\0" if data is None else b"\xff" + data


def mids(*values):
    return u32(len(values)) + b"".join(map(u32, values))


def tag_bytes(tag):
    """Type first, then id: MS-OXCDATA 2.9."""
    return u16(tag) + u16(tag >> 16)


def tags(*values):
    """LargePropertyTagArray, 2.2.1.8."""
    return u32(len(values)) + b"".join(map(tag_bytes, values))


# ---- rules (MS-OXORULE 2.2.5) and what refers to messages of a mailbox -------------------

def server_id(folder, message=0, instance=0):
    """PtypServerId in the server's own form, MS-OXCDATA 2.11.1.4, behind its size."""
    return u16(21) + b"\1" + u64(folder) + u64(message) + u32(instance)


def rule(*actions, wide=False):
    """RuleAction: of a standard rule, or with the wide counts of an extended one."""
    count = u32 if wide else u16
    return count(len(actions)) + b"".join(count(len(action)) + action for action in actions)


def action(kind, data=b"", flavor=0):
    """An ActionBlock without its length."""
    return u8(kind) + u32(flavor) + u32(0) + data


def folder_id(number):
    """Folder EntryID, MS-OXCDATA 2.2.4.1."""
    return bytes(4) + MAILBOX.bytes_le + u16(1) + guid("replica").bytes_le + number.to_bytes(6, "big") + u16(0)


HAS_VALUE = {0x001F, 0x001E, 0x0102}


def plain(kind, value):
    """A property value of MS-OXCDATA 2.11.1 with 32-bit counts."""
    single = {0x0001: lambda v: b"", 0x0002: u16, 0x0003: u32, 0x0004: lambda v: struct.pack("<f", v),
              0x0005: lambda v: struct.pack("<d", v), 0x0006: u64, 0x0007: lambda v: struct.pack("<d", v), 0x000A: u32,
              0x000B: u8, 0x000D: u32, 0x0014: u64, 0x001E: ascii0, 0x001F: wide, 0x0040: u64,
              0x0048: lambda v: v.bytes_le, 0x0102: sized, 0x00FB: lambda v: v, 0x00FD: lambda v: v,
              0x00FE: lambda v: v}
    if kind & 0x1000:
        # A member of strings or bytes has its own HasValue; written by value().
        return u32(len(value)) + b"".join(
            (b"\xff" if kind & 0xFFF in HAS_VALUE else b"") + plain(kind & 0xFFF, item) for item in value)
    return single[kind](value)


def value(kind, content):
    """AddressBookPropertyValue, 2.2.1.1: HasValue where the type is a string, bytes or multivalued."""
    if kind in HAS_VALUE or kind & 0x1000:
        return has(None if content is None else plain(kind, content))
    return plain(kind, content)


def tagged(tag, content):
    return tag_bytes(tag) + value(tag & 0xFFFF, content)


def values(*pairs):
    """AddressBookPropertyValueList, 2.2.1.3."""
    return u32(len(pairs)) + b"".join(tagged(*pair) for pair in pairs)


def row(columns, contents):
    """A standard AddressBookPropertyRow, 2.2.1.7; a column of no type carries (type, value)."""
    out = b"\0"
    for tag, content in zip(columns, contents):
        out += value(tag & 0xFFFF, content) if tag & 0xFFFF else u16(content[0]) + value(*content)
    return out


class Error(int):
    """Stands in a flagged row for a value that is an error code."""


ABSENT = object()


def flagged(columns, contents):
    """A flagged row: each value behind 0, 1 (not there) or 0x0A (an error code)."""
    out = b"\x01"
    for tag, content in zip(columns, contents):
        kind = tag & 0xFFFF
        if not kind:
            kind, content = content
            out += u16(kind)
        if content is ABSENT:
            out += b"\x01"
        elif isinstance(content, Error):
            out += b"\x0a" + u32(content)
        else:
            out += b"\0" + value(kind, content)
    return out


def columns_and_rows(columns, *rows):
    return tags(*columns) + u32(len(rows)) + b"".join(rows)


NSPI_UID = bytes.fromhex("dca740c8c042101ab4b908002b2fe182")     # 2.2.1.7
SERVER = guid("nspi/server")


def permanent(dn, display=0):
    """PermanentEntryID, 2.2.9.3."""
    return bytes(4) + NSPI_UID + u32(1) + u32(display) + ascii0(dn)


def ephemeral(mid, display=0):
    """EphemeralEntryID, 2.2.9.2."""
    return b"\x87\0\0\0" + SERVER.bytes_le + u32(1) + u32(display) + u32(mid)


# ---- restrictions (MS-OXCDATA 2.12) ------------------------------------------------------

def r_and(*parts):
    return b"\x00" + u32(len(parts)) + b"".join(parts)


def r_or(*parts):
    return b"\x01" + u32(len(parts)) + b"".join(parts)


def r_not(part):
    return b"\x02" + part


def bare(tag, content):
    """TaggedPropertyValue of MS-OXCDATA 2.11.4: no HasValue."""
    return tag_bytes(tag) + plain(tag & 0xFFFF, content)


def r_content(tag, text, low=2, high=1, form=bare):
    return b"\x03" + u16(low) + u16(high) + tag_bytes(tag) + form(tag, text)


def r_property(tag, content, relop=4, form=bare):
    return b"\x04" + u8(relop) + tag_bytes(tag) + form(tag, content)


def r_compare(one, other, relop=1):
    return b"\x05" + u8(relop) + tag_bytes(one) + tag_bytes(other)


def r_bitmask(tag, mask, op=1):
    return b"\x06" + u8(op) + tag_bytes(tag) + u32(mask)


def r_size(tag, size, relop=2):
    return b"\x07" + u8(relop) + tag_bytes(tag) + u32(size)


def r_exist(tag):
    return b"\x08" + tag_bytes(tag)


def r_sub(tag, part):
    return b"\x09" + tag_bytes(tag) + part


def r_comment(part, *pairs):
    return b"\x0a" + u8(len(pairs)) + b"".join(bare(*pair) for pair in pairs) + (b"\0" if part is None else b"\1"
        + part)


def r_count(count, part):
    return b"\x0b" + u32(count) + part


# ---- cookies of Exchange -----------------------------------------------------------------

def mapi_context(server, number, stamp="2026-11-25 09:46:40Z", tail=5508):
    last, out = 0xA5, bytearray(4)
    for byte in f"{server}#{stamp}#{number}".encode():
        last ^= byte
        out.append(last)
    return "MAPI" + base64.b64encode(bytes(out) + u64(tail)).decode()


def mapi_sequence(count, seed="s"):
    return f"{count}-{base64.b64encode(guid(f'{seed}/{count}').bytes[:4]).decode()}"


MAILBOX = guid("mailbox/alice")
MAPI_ROUTING = base64.b64encode(f"RUM:{MAILBOX}:".encode() + u64(0x08DE2C0F5A1B2C3D)).decode()
