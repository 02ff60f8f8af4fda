"""Reads HAR 1.2 (w3c.github.io/web-performance/specs/HAR/Overview.html) in a stream: the file is walked through once for
where each entry lies, and each entry is parsed by itself.

A HAR has bodies decoded, as text or in base64, and no ports. What its "connection" says is taken as a TCP connection
only where it can be one: Firefox puts the server's port there.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import base64
import binascii
import json
import re

from .errors import HEAD_MOST, MOST_SESSIONS, PIECE, BadArchive
from .exchange import Exchange, address, port
from .message import TOKEN, Head, Message, clean
from .saz import nanoseconds

ENTRY_MOST = 64 << 20
DEPTH_MOST = 64
BLOCK = 1 << 20
MARK = re.compile(rb'["{}\[\]]')
QUOTE = re.compile(rb'["\\]')
TEXTUAL = re.compile(r"text/|.*(?:json|xml|javascript|x-www-form-urlencoded|html)", re.IGNORECASE)
MIME_CHARSET = re.compile(r'charset="?([A-Za-z0-9_.:-]{1,40})', re.IGNORECASE)
HTTP_1 = re.compile(r"HTTP/1\.[01]$", re.IGNORECASE)


class Walker:
    """Finds the entries of a HAR file without parsing it: marks outside strings, and the names before brackets."""

    def __init__(self, file, size, budget):
        self.file, self.size, self.budget = file, size, budget
        self.stack, self.spans, self.creator = [], [], None
        self.cut = False

    def walk(self):
        """Leaves (offset, length) of each entry in spans, of log.creator in creator."""
        self.file.seek(0)
        at, buffer, base, in_string, name, begun, string_from = 0, b"", 0, False, b"", 0, 0
        tail = b""                         # the last short string, and what stood behind it
        while True:
            if at >= len(buffer):
                base += len(buffer)
                buffer, at = self.file.read(BLOCK), 0
                self.budget.take(len(buffer))
                if not buffer:
                    break
            if in_string:
                found = QUOTE.search(buffer, at)
                if not found:
                    tail = (tail + buffer[at:at + 64])[:64]
                    at = len(buffer)
                elif found[0] == b"\\":
                    tail = (tail + buffer[at:found.start()])[:64]
                    at = found.end()
                    if at == len(buffer):
                        base += len(buffer)
                        buffer, at = self.file.read(BLOCK), 0
                        self.budget.take(len(buffer))
                    at += 1                # what is escaped
                else:
                    name = (tail + buffer[at:found.start()])[:64]
                    at, in_string = found.end(), False
                continue
            found = MARK.search(buffer, at)
            if not found:
                at = len(buffer)
                continue
            at = found.end()
            mark = found[0]
            if mark == b'"':
                in_string, tail = True, b""
            elif mark in b"{[":
                self.opened(mark, name, base + found.start())
                name = b""
            else:
                self.closed(mark, base + at)
                name = b""
        self.cut = bool(self.stack) or in_string

    def opened(self, mark, name, offset):
        if len(self.stack) >= DEPTH_MOST:
            raise BadArchive(f"JSON nested more than {DEPTH_MOST} deep, so no HAR that a program wrote")
        self.stack.append((mark, name, offset))

    def path(self):
        return tuple(name for _, name, _ in self.stack[1:])

    def closed(self, mark, end):
        if not self.stack or self.stack[-1][0] != (b"{" if mark == b"}" else b"["):
            raise BadArchive("brackets that do not match: no JSON, or a damaged file")
        _, name, offset = self.stack.pop()
        path = self.path()
        if path == (b"log", b"entries") and self.stack[-1][0] == b"[" and mark == b"}":
            if len(self.spans) >= MOST_SESSIONS:
                raise BadArchive(f"more than {MOST_SESSIONS:,} entries: export fewer of them")
            self.spans.append((offset, end - offset))
        elif path == (b"log",) and name == b"creator" and end - offset < 65536:
            self.creator = offset, end - offset


def text_of(value, most=HEAD_MOST):
    return value[:most] if isinstance(value, str) else ""


def number_of(value):
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e12 else None


def dict_of(value):
    return value if isinstance(value, dict) else {}


def list_of(value):
    return value if isinstance(value, list) else []


def bytes_of(text, sizes, mime):
    """The bytes that a program has written as text: by their number, one of sizes; None if they are lost."""
    if "\ufffd" in text and not TEXTUAL.match(mime):
        return None
    forms = []
    for form, errors in (("utf-8", "surrogateescape"), ("latin-1", "strict")):
        try:
            forms.append(text.encode(form, errors))
        except UnicodeEncodeError:
            continue
    for form in forms:
        if len(form) in sizes:
            return form
    if text.isascii() or TEXTUAL.match(mime):
        charset = MIME_CHARSET.search(mime)
        try:
            return text.encode(charset[1] if charset else "utf-8")
        except (LookupError, UnicodeError):
            return forms[0] if forms else text.encode("utf-8", "replace")
    return None


class Har:
    """A HAR file that is open; sessions() yields an Exchange for each entry, in the order of the file."""

    kind, maker_name = "HAR file", "the proxy or browser"

    def __init__(self, path, budget):
        self.budget, self.notes = budget, []
        self.file = open(path, "rb")
        size = self.file.seek(0, 2)
        self.walker = Walker(self.file, size, budget)
        self.walker.walk()
        if not self.walker.spans:
            raise BadArchive("cut short before its first entry ended" if self.walker.cut else
                             'JSON without entries: no HAR ("log", "entries"), or an empty one')
        if self.walker.cut:
            self.notes.append(f"cut short after {len(self.walker.spans):,} whole entries")
        self.maker, self.firefox = "", False
        if self.walker.creator:
            creator = dict_of(self.parse(self.walker.creator))
            name = text_of(creator.get("name"), 100)
            self.maker = clean(f"{name} {text_of(creator.get('version'), 60)}")
            self.firefox = "firefox" in name.lower()
        self.websockets, self.clock_told = 0, True

    def parse(self, span):
        self.file.seek(span[0])
        try:
            return json.loads(self.file.read(span[1]))
        except (ValueError, RecursionError, MemoryError):
            return None

    def sessions(self):
        large = 0
        for number, span in enumerate(self.walker.spans):
            if span[1] > ENTRY_MOST:
                large += 1
                continue
            entry = self.parse(span)
            found = self.session(number, span, entry) if isinstance(entry, dict) else None
            if found is None:
                self.notes.append(f"entry {number} is no HTTP request: left out")
            elif found.method.upper() == "CONNECT" and 200 <= (found.status or 0) < 300:
                continue
            else:
                yield found
        if large:
            self.notes.append(f"{large} entries of more than {ENTRY_MOST >> 20} MB are left out")
        if self.websockets:
            self.notes.append(f"messages of {self.websockets} WebSockets are not shown")

    def session(self, number, span, entry):
        request, response = dict_of(entry.get("request")), dict_of(entry.get("response"))
        one = Exchange(f"entry {number}", number)
        method, url = text_of(request.get("method"), 40), text_of(request.get("url"))
        if not TOKEN.match(method) or not url or re.search(r"\s", url):
            return None
        version = text_of(request.get("httpVersion"), 20)
        head = Head(f"{method} {url} {self.version(version, one)}", self.fields(request))
        one.request = self.message(head, span, "request", request, None, one)
        if not one.read_request_line():
            return None
        status = number_of(response.get("status"))
        if status is not None and 100 <= status < 1000 and status == int(status):
            reason = text_of(response.get("statusText"), 200)
            head = Head(f"HTTP/1.1 {int(status)} {clean(reason)}".rstrip(), self.fields(response))
            one.response = self.message(head, span, "response", response, one.method.upper(), one)
            one.read_status_line()
            one.response.fit(one.method.upper(), one.status)
            if one.status == 101 or "_webSocketMessages" in entry:
                self.websockets += 1
                one.response.ends = False
        else:
            error = text_of(response.get("_error") or entry.get("_error"), 100)
            one.notes.append(f"the archive has no response{f' ({clean(error)})' if error else ''}")
        one.request.fit()
        if comment := clean(text_of(entry.get("comment"), 300)):
            one.facts.append(f"comment: {comment}")
        self.where(one, entry)
        self.when(one, entry)
        return one

    @staticmethod
    def version(text, one):
        if not text or HTTP_1.match(text):
            return text.upper() or "HTTP/1.1"
        one.sent_as(text)
        return "HTTP/1.1"

    @staticmethod
    def fields(message):
        """Header fields as they are; those of HTTP/2 that begin with a colon are none."""
        found = []
        for field in list_of(message.get("headers"))[:1000]:
            name, value = text_of(dict_of(field).get("name"), 200), text_of(dict_of(field).get("value"))
            if TOKEN.match(name):
                found += [(name, part.strip()) for part in (value.split("\n") if name.lower() == "set-cookie" else [value])]
        return found

    def message(self, head, span, part, content, response_to, one):
        """A HAR's bodies are decoded: no chunk framing, no packing."""
        body = self.body(content, part)
        bodiless = response_to == "HEAD" or content.get("status") in (204, 304)
        missing = body is None or not body and not bodiless and self.kept_nothing(head, content, part)
        message = Message(head, lambda: self.pieces(span, part))
        chunked = "chunked" in (head.get("transfer-encoding") or "").lower()
        if not missing:
            head.drop("transfer-encoding")
        if body and (head.get("content-encoding") or "").lower() not in ("", "identity") and not body.startswith(b"\x1f\x8b"):
            message.notes.append(f"Content-Encoding: {clean(head.get('content-encoding'), 40)} is left out: the archive has "
                                 "the body unpacked")
            head.drop("content-encoding")
        if chunked and not missing:
            message.notes.append("Transfer-Encoding is replaced by Content-Length: the archive has the body without chunks")
        if missing:
            message.open = lambda: iter(())
            message.measure(iter(()))
            size = self.size(content, part)
            if not chunked and head.get("content-length") in (None, "0") and size and size > 0:
                head.put("Content-Length", str(size))
            message.stored_whole = False
            message.notes.append("the archive does not have the body as it was sent")
            return message
        if not chunked and head.get("content-length") not in (None, str(len(body))) and response_to != "HEAD":
            head.drop("content-length")    # that of the packed body
        return message.measure(iter((body,)))

    @staticmethod
    def size(content, part):
        size = number_of(content.get("bodySize"))
        if part == "response":
            size = number_of(dict_of(content.get("content")).get("size"))
        return None if size is None else int(size)

    def body(self, content, part):
        """Its bytes; None where the archive lacks them."""
        size = self.size(content, part)
        if part == "request":
            data = dict_of(content.get("postData"))
            mime = text_of(data.get("mimeType"), 200)
            text = data.get("text")
            if not isinstance(text, str):
                return None if (size or 0) > 0 else b""
            if not text and (size or 0) > 0:
                return None
            encoding = data.get("encoding", data.get("_encoding"))
        else:
            data = dict_of(content.get("content"))
            mime, text, encoding = text_of(data.get("mimeType"), 200), data.get("text"), data.get("encoding")
            if not isinstance(text, str) or (not text and (size or 0) > 0):
                return None if (size or 0) > 0 else b""
        if encoding == "base64":
            try:
                return base64.b64decode(re.sub(r"\s+", "", text), validate=True)
            except (binascii.Error, ValueError):
                return None
        # mitmproxy gives the size of what was sent, and how much more it is unpacked.
        more = number_of(data.get("compression")) or 0
        return bytes_of(text, {size, size + int(more)} if size is not None and size >= 0 else set(), mime)

    @staticmethod
    def kept_nothing(head, content, part):
        """Whether no text stands for a body that was not kept: Chrome counts 0 of what it has not, so the head is asked."""
        announced = head.get("content-length")
        if announced is not None:
            return announced.isdecimal() and int(announced) > 0
        text = dict_of(content.get("content" if part == "response" else "postData")).get("text")
        return not isinstance(text, str) and "chunked" in (head.get("transfer-encoding") or "").lower()

    def pieces(self, span, part):
        entry = dict_of(self.parse(span))
        body = self.body(dict_of(entry.get(part)), part) or b""
        for at in range(0, len(body), PIECE):
            yield body[at:at + PIECE]

    def where(self, one, entry):
        one.server = address(text_of(entry.get("serverIPAddress"), 100))
        one.client = address(text_of(entry.get("_clientAddress") or entry.get("clientIPAddress"), 100))
        connection = entry.get("connection")
        if isinstance(connection, int) and not isinstance(connection, bool):
            connection = str(connection)
        connection = text_of(connection, 100)
        ports = dict(re.findall(r"(ClientPort|EgressPort):(\d{1,5})", connection))
        one.client_port = port(ports.get("ClientPort")) or port(ports.get("EgressPort")) or port(
            str(entry.get("_clientPort") or ""))
        if connection and connection != str(one.port) and not self.firefox:
            one.key = (connection, one.server, one.host, one.port)
            one.facts.append(f"connection {clean(connection, 60)}")

    @staticmethod
    def when(one, entry):
        start = nanoseconds(text_of(entry.get("startedDateTime"), 60))
        timings = {name: max(0, number_of(value) or 0) for name, value in dict_of(entry.get("timings")).items()}
        if start is None:
            one.notes.append("the archive has no time for it")
            start = 0
        send = start + sum(int(timings.get(name, 0) * 10**6) for name in ("blocked", "dns", "connect"))
        sent = send + int(timings.get("send", 0) * 10**6)
        came = sent + int(timings.get("wait", 0) * 10**6)
        one.times = [send, sent, came, came + int(timings.get("receive", 0) * 10**6)]
        total = number_of(entry.get("time"))
        if not timings and total:
            one.times = [start, start, start + int(max(0, total) * 10**6), None]
        one.order_times()
