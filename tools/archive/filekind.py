"""What kind of file a file is, and what to do with one that is no capture.

    kind = filekind.of("trace.etl")
    if not kind.readable: print(kind.sentence)

Looks at the first 64 KB and at the table of a zip file; unpacks nothing but the beginning of what gzip packed.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import os
import re
import stat
import struct
import zlib
from collections import namedtuple

LOOKED_AT = 65536
SESSION_MEMBER = re.compile(r"(?:^|[/\\])(\d{1,9})_([csmw])\.(txt|xml)$", re.IGNORECASE)

# name: a word of KINDS; readable: Wireshark opens it, or may (None: nobody knows; it is worth a try);
# sentence: what it is and the way out, without the file's name, empty for what can be read.
Kind = namedtuple("Kind", "name readable sentence")

CONVERT_ETL = ("etl2pcapng FILE.etl FILE.pcapng (github.com/microsoft/etl2pcapng) for netsh trace, "
               "or pktmon etl2pcap FILE.etl --out FILE.pcapng for pktmon")
EXPORTED = "save the capture itself (File > Save As, or tshark -w FILE.pcapng) and take that"

CAPTURES = (b"\x0a\x0d\x0d\x0a",                                             # pcapng
            b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\xc3\xd4", b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d",   # pcap
            b"\x34\xcd\xb2\xa1", b"\xa1\xb2\xcd\x34",                        # pcap, Kuznetzov's form
            b"snoop\0\0\0", b"GMBU", b"RTSS", b"XCP\0", b"TRSNIFF data")

# What begins a file of another kind: bytes, name, what it is, the way out.
MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "picture", "a PNG picture", "ask for the capture that it shows"),
    (b"\xff\xd8\xff", "picture", "a JPEG picture", "ask for the capture that it shows"),
    (b"GIF8", "picture", "a GIF picture", "ask for the capture that it shows"),
    (b"BM", "picture", "a BMP picture", "ask for the capture that it shows"),
    (b"%PDF-", "document", "a PDF document", "ask for the capture itself"),
    (b"\x7fELF", "program", "a program (ELF)", "give the capture, not the program that makes it"),
    (b"\xca\xfe\xba\xbe", "program", "a program (Mach-O or Java)", "give the capture, not the program that makes it"),
    (b"ElfFile\0", "eventlog", "a Windows event log (EVTX)", "open it in Event Viewer; it holds no packets"),
    (b"MSCF", "packed", "a Windows cabinet, as netsh trace leaves beside its .etl", "convert the .etl: " + CONVERT_ETL),
    (b"7z\xbc\xaf\x27\x1c", "packed", "a 7-Zip archive", "unpack it and take what is inside"),
    (b"Rar!\x1a\x07", "packed", "a RAR archive", "unpack it and take what is inside"),
    (b"BZh", "packed", "a file packed by bzip2", "bunzip2 it"),
    (b"\xfd7zXZ\0", "packed", "a file packed by xz", "unxz it"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "document", "an Outlook message or an old Office file (OLE)",
     "open it and save the attached capture"),
    (b"SQLite format 3\0", "data", "an SQLite database", "give the capture"),
    (b"!BDN", "data", "an Outlook data file (PST or OST)", "it holds mail, not packets: give a capture"),
)

# What begins a text, blanks aside.
TEXTS = (
    (re.compile(rb"CLIENT_RANDOM |(?:CLIENT|SERVER)_(?:HANDSHAKE_|EARLY_)?TRAFFIC_SECRET|# SSL/TLS secrets|RSA (?:Session|[0-9a-f])"),
     "keylog", "a TLS key log", "give it beside the capture: -k FILE, or the preference (Pre)-Master-Secret log"),
    (re.compile(rb"<\?xml[^>]*>\s*(?:<!--.*?-->\s*|<\?.*?\?>\s*)*<(?:pdml|psml)|<(?:pdml|psml)", re.DOTALL),
     "exported", "what tshark printed (PDML)", EXPORTED),
    (re.compile(rb"<!DOCTYPE html|<html", re.IGNORECASE), "text", "a web page", "give the capture"),
    (re.compile(rb"#Software: |#Fields: "), "text", "a log of IIS", "give a capture of the same time"),
    (re.compile(rb"-----BEGIN "), "text", "a key or a certificate",
     "keep it to yourself; give the capture and a TLS key log"),
    (re.compile(rb'"No\.","Time"|No\. +Time +Source'), "exported", "a packet list printed as text", EXPORTED),
    (re.compile(rb"(?:\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d\.\d+ IP6? "), "exported", "what tcpdump printed",
     "tcpdump -w FILE.pcap writes a capture"),
)


def _kind(name, what, way_out):
    return Kind(name, False, f"{what}, not a capture: {way_out}")


def _unpack(head):
    """The beginning of what gzip packed, at most LOOKED_AT bytes; None if it is none."""
    try:
        return zlib.decompressobj(31).decompress(head, LOOKED_AT)
    except zlib.error:
        return None


def _is_etl(head):
    """An event trace: its first buffer has a header of 72 bytes, behind which the first event is the trace's own
    (EVENT_TRACE_HEADER of a system event: version, type 1 or 2, marker C0)."""
    if len(head) < 80:
        return False
    size, used = struct.unpack_from("<II", head)
    return size % 1024 == 0 and 0 < size <= 1 << 24 and used <= size and head[74] in (1, 2) and head[75] == 0xC0


def _json(head):
    """Of a file that begins as JSON."""
    text = head[3:] if head.startswith(b"\xef\xbb\xbf") else head
    if re.match(rb'\s*\{\s*"log"\s*:', text) or (b'"log"' in text[:4096] and b'"entries"' in text):
        return Kind("har", False, "a HAR file: saz2pcapng FILE.har makes a capture of it")
    if re.match(rb'\s*\[?\s*\{\s*"(?:_index|timestamp|index|layers|_source)"', text):
        return _kind("exported", "what tshark printed (JSON)", EXPORTED)
    return _kind("json", "JSON that is no HAR", "give a capture, or a HAR file (an object \"log\" with \"entries\")")


def _is_utf16(head):
    """Text with a byte order mark: most of it in the Latin half, whatever language it is in."""
    if head[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        return False
    high = head[3:512:2] if head[0] == 0xff else head[2:512:2]
    return high.count(0) * 2 >= len(high)


def _is_text(head):
    return b"\0" not in head and not re.search(rb"[\x01-\x08\x0e-\x1a\x1c-\x1f]", head)


def _zip(path):
    """Of a zip file: by the names in it, as far as they are at its end."""
    names = _zip_names(path)
    if any(SESSION_MEMBER.search(name) for name in names):
        return Kind("saz", False, "a Fiddler archive: saz2pcapng FILE.saz makes a capture of it")
    inside = {os.path.splitext(name)[1].lower() for name in names}
    if inside & {".pcap", ".pcapng", ".cap", ".har", ".saz", ".etl"}:
        return _kind("packed", "a zip file", "unpack it and take what is inside")
    if "_index.htm" in names or (names and str(path).lower().endswith(".saz")):
        return _kind("packed", "a Fiddler archive without a session", "save all sessions in Fiddler (File > Save > All Sessions)")
    if "[Content_Types].xml" in names:
        return _kind("document", "an Office document", "save the attached capture from it")
    return _kind("packed", "a zip file, and no Fiddler archive (it has no raw/1_c.txt)", "unpack it and take what is inside")


def _zip_names(path):
    """At most some thousand names of the table at the end of a zip file."""
    with open(path, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - LOOKED_AT - 22))
        tail = file.read(LOOKED_AT + 22)
        found = tail.rfind(b"PK\5\6")
        if found < 0 or found + 22 > len(tail):
            file.seek(0)
            table = file.read(LOOKED_AT)      # its end is missing: the members' own heads
            return [match[1].decode("utf-8", "replace")
                    for match in re.finditer(rb"PK\x03\x04.{22}..\x00?\x00?([\w/\\\[\]. -]{1,100}?_[csmw]\.(?:txt|xml))", table, re.DOTALL)]
        length, start = struct.unpack_from("<II", tail, found + 12)
        file.seek(start if start < size else max(0, size - LOOKED_AT))
        table = file.read(min(length, 1 << 20))
    names, at = [], table.find(b"PK\1\2")
    while at >= 0 and at + 46 <= len(table) and table[at:at + 4] == b"PK\1\2":
        name, extra, comment = struct.unpack_from("<HHH", table, at + 28)
        names.append(table[at + 46:at + 46 + name].decode("utf-8", "replace"))
        at += 46 + name + extra + comment
    return names


def of(path):
    """The Kind of a file; OSError if it cannot be read."""
    if os.path.isdir(path):
        return _kind("folder", "a folder", "name the captures in it")
    if not stat.S_ISREG(os.stat(path).st_mode):
        return Kind("unknown", None, "")      # a pipe: what is read here would be missing later
    with open(path, "rb") as file:
        head = file.read(LOOKED_AT)
    if not head:
        return Kind("empty", False, "an empty file")
    if head[:2] == b"\x1f\x8b":
        inner = _unpack(head)
        if inner is None or not inner or inner.startswith(b"PK\3\4"):
            return _kind("packed", "a file packed by gzip", "unpack it (gunzip) and take what is inside")
        found = of_bytes(inner, path)
        if found.readable is False:
            return Kind(found.name if found.name != "har" else "packed", False,
                        "a file packed by gzip; inside: " + found.sentence)
        return found
    if head[:4] in (b"PK\3\4", b"PK\5\6"):
        return _zip(path)
    return of_bytes(head, path)


def of_bytes(head, path=""):
    """The same by its first bytes alone, and its name."""
    ending = os.path.splitext(str(path))[1].lower()
    if head.startswith(CAPTURES):
        return Kind("capture", True, "")
    if head[:4] in (b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18"):
        return Kind("capture", None, "")      # zstd, lz4: Wireshark unpacks captures in them
    if _is_etl(head) or (ending == ".etl" and b"\0" in head):
        return _kind("etl", "an event trace (ETL)", CONVERT_ETL)
    for magic, name, what, way_out in MAGIC:
        if head.startswith(magic) and (len(magic) > 2 or not _is_text(head)):
            return _kind(name, what, way_out)
    if head[:2] == b"MZ" and not _is_text(head[:512]):
        return _kind("program", "a program (EXE)", "give the capture, not the program that makes it")
    if _is_utf16(head):
        return _kind("text", "text in UTF-16", "give the capture")
    stripped = head[3:] if head.startswith(b"\xef\xbb\xbf") else head
    stripped = stripped.lstrip()
    if stripped[:1] in (b"{", b"[") and _is_text(head):
        return _json(head)
    for pattern, name, what, way_out in TEXTS:
        if pattern.match(stripped):
            return _kind(name, what, way_out)
    if _is_text(head):
        if ending == ".har":
            return _kind("text", "text and no JSON, for all its name", "export the HAR file again")
        return _kind("text", "text", "give the capture, or a HAR or Fiddler archive")
    return Kind("unknown", None, "")
