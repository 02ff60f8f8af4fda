"""Reads Fiddler's archives (.saz): a zip file with three members for each session, raw/N_c.txt (the request as it was
received, with the whole URL in its first line), raw/N_s.txt (the response, chunk framing and compression as received) and
raw/N_m.xml (timers, flags), as docs.telerik.com/fiddler describes them. raw/N_w.txt holds messages of a WebSocket.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import datetime
import os
import re
import struct
import xml.parsers.expat
import zipfile
import zlib

from .errors import HEAD_MOST, MOST_SESSIONS, PIECE, BadArchive
from .exchange import Exchange, address, port
from .filekind import SESSION_MEMBER
from .message import Head, Message, clean

METADATA_MOST = 1 << 20
SALVAGE = 64                           # bytes
TABLE_MOST = 64 << 20                  # bytes of a zip file's table of members
TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9})\d*)?\s*(Z|[+-]\d\d:?\d\d)?$")
INTERIM = re.compile(r"HTTP/\S+ 1(?!01)\d\d\b")

# Bits of Session/@BitFlags.
BIT_HTTPS, BIT_BY_FIDDLER, BIT_GATEWAY, BIT_BLIND, BIT_DROPPED = 0x1, 0x100, 0x800, 0x1000, 0x20000
BIT_CACHE, BIT_WEBSOCKET, BIT_REQUEST_DROPPED, BIT_RPC = 0x4000, 0x40000, 0x100000, 0x200000


def nanoseconds(text):
    """Of a time as XmlConvert writes it; None if it is none, or Fiddler's "never" (year 1)."""
    found = TIME.match((text or "").strip())
    if not found or not 1980 <= int(found[1]) < 2200:
        return None
    try:
        whole = datetime.datetime(*map(int, found.groups()[:6]), tzinfo=datetime.timezone.utc)
    except ValueError:
        return None
    shift = 0
    if found[8] and found[8] != "Z":
        digits = found[8].replace(":", "")
        shift = (int(digits[1:3]) * 60 + int(digits[3:5])) * 60 * (-1 if digits[0] == "+" else 1)
    return (int(whole.timestamp()) + shift) * 10**9 + int((found[7] or "0").ljust(9, "0"))


class Metadata:
    """N_m.xml, by expat and without any DTD: an entity is never expanded."""

    def __init__(self, raw):
        self.timers, self.pipe, self.flags, self.bits, self.sound = {}, {}, {}, 0, bool(raw)
        self.aborted = False
        parser = xml.parsers.expat.ParserCreate()
        parser.StartElementHandler = self.element
        parser.StartDoctypeDeclHandler = self.doctype
        try:
            parser.Parse(raw, True)
        except (xml.parsers.expat.ExpatError, ValueError, LookupError):
            self.sound = False                # what came before it counts

    def doctype(self, *_):
        raise ValueError("a DTD")

    def element(self, name, attributes):
        name = name.rpartition(":")[2].lower()
        if name == "session":
            self.aborted |= attributes.get("Aborted", "").lower() == "true"
            if re.fullmatch(r"[0-9A-Fa-f]{1,8}", attributes.get("BitFlags", "")):
                self.bits = int(attributes["BitFlags"], 16)
        elif name == "sessiontimers":
            self.timers.update(attributes)
        elif name == "pipeinfo":
            self.pipe.update(attributes)
        elif name == "sessionflag" and len(self.flags) < 1000:
            self.flags[attributes.get("N", "").lower()] = attributes.get("V", "")

    def time(self, name):
        return nanoseconds(self.timers.get(name))


def check_table(path):
    """The table of members is read at once by zipfile: it must not be huge."""
    with open(path, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 65557))
        tail = file.read(65557)
    at = tail.rfind(b"PK\5\6")
    if at < 0 or at + 22 > len(tail):
        raise BadArchive("its end is missing (the table of a zip file): the copy was cut short; copy or download it again")
    entries, length = struct.unpack_from("<HI", tail, at + 10)
    large = tail.rfind(b"PK\6\6", 0, at)
    if large >= 0 and large + 56 <= len(tail):
        entries, length = struct.unpack_from("<QQ", tail, large + 32)
    if length > TABLE_MOST or entries > 8 * MOST_SESSIONS:
        raise BadArchive(f"a zip file with {entries:,} members: more than are read here")


class Saz:
    """An archive that is open; sessions() yields an Exchange each, in the order of their numbers."""

    kind, maker_name = "Fiddler archive", "Fiddler"

    def __init__(self, path, budget):
        self.path, self.budget, self.notes, self.tunnels, self.websockets = path, budget, [], {}, 0
        check_table(path)
        try:
            self.zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, struct.error, ValueError, NotImplementedError, OverflowError) as error:
            raise BadArchive(f"a damaged zip file ({clean(str(error), 80)}): copy or download it again") from None
        self.members = self.list_members()
        maker = clean(self.zip.comment.decode("utf-8", "replace"), 200)
        version = re.match(r"Fiddler[\w ]* \(v[\d.]+\)", maker)
        self.maker = version[0] if version else maker
        self.clock_told = True

    def list_members(self):
        members, twice = {}, 0
        for info in self.zip.infolist():
            found = SESSION_MEMBER.search(info.filename)
            if not found or info.is_dir():
                continue
            kind = found[2].lower()
            if (found[3].lower() == "xml") != (kind == "m"):
                continue
            of_session = members.setdefault(int(found[1]), {})
            twice += kind in of_session
            of_session.setdefault(kind, info)
        if not members:
            raise BadArchive("a zip file without raw/1_c.txt, so no Fiddler archive")
        if len(members) > MOST_SESSIONS:
            raise BadArchive(f"{len(members):,} sessions, more than {MOST_SESSIONS:,}: save fewer of them in Fiddler")
        if twice:
            self.notes.append(f"{twice} members stand twice in the zip file; the first one counts")
        self.check_locked([info for of_session in members.values() for info in of_session.values()])
        return members

    @staticmethod
    def check_locked(infos):
        if any(info.flag_bits & 0x41 or info.compress_type == 99 for info in infos):
            raise BadArchive("protected by a password: open it in Fiddler and save it without one")
        if any(info.compress_type not in (0, 8, 12, 14) for info in infos):
            raise BadArchive("packed by a method that is not read here: open it in Fiddler and save it anew")

    def pieces(self, info, problems):
        """The bytes of a member; what breaks it off is told in problems."""
        done = 0
        try:
            with self.zip.open(info) as member:
                while piece := member.read(PIECE):
                    self.budget.take(len(piece))
                    done += len(piece)
                    yield piece
            return
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, struct.error, RuntimeError, NotImplementedError,
                ValueError, MemoryError, OverflowError) as error:
            problems.append(clean(str(error), 60) or type(error).__name__)
        # zipfile gives nothing of what it finds damaged at the end of: what there is counts, and is told to be damaged.
        for piece in self.salvage(info):
            self.budget.take(len(piece))
            if fresh := piece[done:]:
                yield fresh
            done = max(0, done - len(piece))

    def salvage(self, info):
        """A member without looking at its checksum, as far as it can be unpacked."""
        with open(self.path, "rb") as file:
            file.seek(info.header_offset)
            head = file.read(30)
            if len(head) < 30 or head[:4] != b"PK\3\4":
                return
            name, extra = struct.unpack_from("<HH", head, 26)
            file.seek(name + extra, os.SEEK_CUR)
            left, inflate = info.compress_size, zlib.decompressobj(-15)
            while left > 0 and (raw := file.read(min(SALVAGE, left))):
                left -= len(raw)
                if info.compress_type == zipfile.ZIP_STORED:
                    yield raw
                elif info.compress_type == zipfile.ZIP_DEFLATED and not inflate.eof:
                    try:
                        yield inflate.decompress(raw)
                    except zlib.error:
                        return

    def sessions(self):
        for number in sorted(self.members):
            found = self.session(number, self.members[number])
            if found:
                yield found
        self.tell()

    def message(self, info):
        """(message, problem): the message may be None."""
        if info is None:
            return None, "missing"
        problems = []
        pieces = self.pieces(info, problems)
        start = b""
        for piece in pieces:
            start += piece
            if len(start) > HEAD_MOST or b"\n\r\n" in start or b"\n\n" in start:
                break
        parsed = Head.parse(start) if start else None
        if not parsed:
            for _ in pieces:
                pass
            return None, "empty" if not start else "no HTTP message"
        head, length = parsed
        while INTERIM.match(head.first) and (behind := Head.parse(start[length:])) and behind[0].first.startswith("HTTP/"):
            head, length = behind[0], length + behind[1]      # the final response stands behind it

        def opener():
            skip = length
            for piece in self.pieces(info, []):
                if skip < len(piece):
                    yield piece[skip:]
                skip = max(0, skip - len(piece))

        def rest():
            if len(start) > length:
                yield start[length:]
            yield from pieces

        message = Message(head, opener).measure(rest())
        message.stored_whole = not problems
        return message, problems[0] if problems else ""

    def session(self, number, infos):
        one = Exchange(f"session {number}", number)
        metadata = self.metadata(infos.get("m"), one)
        one.request, problem = self.message(infos.get("c"))
        if one.request is None or not one.read_request_line():
            self.notes.append(f"session {number} has no HTTP request ({problem or 'not HTTP'}): left out")
            return None
        one.secure |= bool(metadata.bits & BIT_HTTPS)
        one.response, problem_s = self.message(infos.get("s"))
        if one.response and not one.read_status_line():
            one.response, problem_s = None, "no HTTP message"
        self.describe(one, metadata)
        one.request.fit()
        if one.response:
            one.response.fit(one.method.upper(), one.status)
            if one.status == 101 or "w" in infos or metadata.bits & BIT_WEBSOCKET:
                self.websockets += 1
                one.response.ends = False
                one.notes.append("a WebSocket: its messages are not shown")
        else:
            one.notes.append(f"the archive has no response ({problem_s})")
        for message, told in ((one.request, problem), (one.response, problem_s)):
            if message and told:
                message.notes.append(f"the member of the zip file is damaged ({told})")
        if one.method.upper() == "CONNECT":
            return self.tunnel(one, metadata)
        self.timers(one, metadata, infos)
        self.connection(one, metadata)
        return one

    def metadata(self, info, one):
        raw = b""
        if info is not None:
            problems = []
            for piece in self.pieces(info, problems):
                raw += piece
                if len(raw) > METADATA_MOST:
                    raw = b""
                    break
        found = Metadata(raw)
        if not found.sound:
            one.notes.append("no metadata: timers and connection are not known" if not found.timers else
                             "its metadata are damaged")
        return found

    def describe(self, one, metadata):
        flags = metadata.flags
        one.process = clean(flags.get("x-processinfo", ""), 100)
        if comment := clean(flags.get("ui-comments", ""), 300):
            one.facts.append(f"comment in Fiddler: {comment}")
        response = one.response
        first = response.head.first if response else ""
        body = response.first_bytes if response else b""
        one.by_proxy = bool(metadata.bits & BIT_BY_FIDDLER) or body.startswith(b"[Fiddler]") or bool(
            re.match(r"HTTP/\S+ 5\d\d Fiddler - ", first))
        if response and one.by_proxy:
            response.notes.insert(0, "Fiddler wrote this response, not the server")
        elif response and metadata.bits & BIT_CACHE:
            response.notes.insert(0, "from a cache, not from the server")
        if metadata.bits & BIT_GATEWAY or metadata.pipe.get("Forwarded", "").lower() == "true":
            one.facts.append("sent to an upstream proxy")
        if response and not one.by_proxy and (metadata.bits & BIT_DROPPED or metadata.aborted):
            response.stored_whole = False
        if metadata.aborted:
            one.notes.append("aborted, says Fiddler; not by whom")
        if metadata.bits & BIT_REQUEST_DROPPED or (metadata.bits & BIT_RPC and not one.request.length):
            one.request.stored_whole = False

    def timers(self, one, metadata, infos):
        """The server's side where the session got there: waiting for DNS, TCP and TLS is none of the server's."""
        time = metadata.time
        to_server = None if one.by_proxy else time("FiddlerBeginRequest")
        begin = to_server or time("ClientBeginRequest") or time("ClientConnected")
        got = None if one.by_proxy else time("ServerGotRequest")
        one.times = [begin, got or time("ClientDoneRequest"),
                     (None if one.by_proxy else time("ServerBeginResponse")) or time("ClientBeginResponse"),
                     (None if one.by_proxy else time("ServerDoneResponse")) or time("ClientDoneResponse")]
        if not one.order_times():
            when = (infos.get("c") or next(iter(infos.values()))).date_time
            one.times[0] = nanoseconds("%04d-%02d-%02dT%02d:%02d:%02d" % tuple(when)) or 0
            one.order_times()
            one.notes.append("the archive has no time for it; this is the member's in the zip file")
        began = metadata.timers.get("ClientBeginRequest", "")
        self.clock_told &= not began or bool(re.search(r"(?:Z|[+-]\d\d:?\d\d)$", began.strip()))

    def connection(self, one, metadata):
        flags = metadata.flags
        one.client, one.client_port = address(flags.get("x-clientip")), port(flags.get("x-clientport"))
        one.server = address(flags.get("x-hostip"))
        egress = port(flags.get("x-egressport"))
        if one.client_port:
            one.facts.append(f"x-clientport {one.client_port}")
        if egress:
            one.facts.append(f"x-egressport {egress}")
        if one.client_port or egress:
            # Ports come again: when both sockets were connected tells one connection from the next.
            one.key = (one.client, one.client_port, one.server, egress, one.host, one.port,
                       metadata.timers.get("ClientConnected"), metadata.timers.get("ServerConnected"))
        one.client_port = one.client_port or egress

    def tunnel(self, one, metadata):
        """A CONNECT: Fiddler stores a text of its own as bodies. One that succeeded is none of what the client and
        the server said to each other: counted, not written."""
        for message in (one.request, one.response):
            if message:
                message.leave_body()
                message.head.drop("content-length", "transfer-encoding")
                message.ends, message.lacks, message.notes = True, False, message.notes[:0]
        if one.response and 200 <= one.status < 300:
            if metadata.bits & BIT_BLIND:
                where = one.authority()
                self.tunnels[where] = self.tunnels.get(where, 0) + 1
            return None
        if one.response:
            one.response.head.put("Content-Length", "0")
            if one.by_proxy:
                one.response.notes.append("Fiddler wrote this response, not the server")
        self.timers(one, metadata, {"c": self.members[one.number]["c"]})
        one.client, one.client_port = address(metadata.flags.get("x-clientip")), port(metadata.flags.get("x-clientport"))
        one.server = address(metadata.flags.get("x-hostip"))
        return one

    def tell(self):
        if self.tunnels:
            names = sorted(self.tunnels)
            self.notes.append(f"{sum(self.tunnels.values())} tunnels that Fiddler did not decrypt (to {', '.join(names[:3])}"
                              f"{', ...' if len(names) > 3 else ''}): what they carried is not in the archive; switch on "
                              "Tools > Options > HTTPS > Decrypt HTTPS traffic")
        if self.websockets:
            self.notes.append(f"messages of {self.websockets} WebSockets are not shown")
        if not self.clock_told:
            self.notes.append("its times name no time zone: taken as UTC")
