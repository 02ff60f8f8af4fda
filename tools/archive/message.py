"""HTTP messages as an archive keeps them, made fit to stand on a TCP connection.

An archive may keep a body in another form than its head announces: without chunk framing, decoded, cut. Where the whole
body is there, the head is made to fit and the message says what was changed; where bytes are missing, the head stays as
it was sent, and nothing may follow on that connection.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import re

from .errors import HEAD_MOST

TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+$")
REQUEST = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,40}) +(\S+) +(HTTP/\S+)\s*$")
STATUS = re.compile(r"HTTP/(\S+) +(\d{3})(?: +(.*))?$", re.DOTALL)
FRAMING = ("content-length", "transfer-encoding")
CHUNK_LINE_MOST = 4096


def clean(text, most=400):
    """A value of the archive in one line of printable characters."""
    return "".join(letter if letter.isprintable() else " " for letter in text[:most]).strip()


def latin(text):
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


class Head:
    """A first line and fields, as text in which each character is a byte, wherever that is possible."""

    def __init__(self, first, fields, whole=True):
        self.first, self.fields, self.whole = first, fields, whole

    @classmethod
    def parse(cls, raw):
        """(head, length of it), or None where raw does not begin with one. Lines may end with LF alone."""
        end = re.search(rb"\r?\n\r?\n", raw[:HEAD_MOST])
        text = raw[:end.start()] if end else raw[:HEAD_MOST].rstrip(b"\r\n")
        if not end and len(raw) > HEAD_MOST:
            return None
        lines = re.split("\r?\n", text.decode("latin-1"))
        fields = []
        for line in lines[1:]:
            if line[:1] in (" ", "\t") and fields:        # folded (RFC 9112 5.2)
                fields[-1] = (fields[-1][0], fields[-1][1] + " " + line.strip())
            else:
                name, colon, value = line.partition(":")
                if colon and TOKEN.match(name.strip()):
                    fields.append((name.strip(), value.strip()))
        return cls(lines[0].strip(), fields, bool(end)), end.end() if end else len(raw)

    def get(self, name):
        return next((value for known, value in self.fields if known.lower() == name), None)

    def drop(self, *names):
        self.fields = [(name, value) for name, value in self.fields if name.lower() not in names]

    def put(self, name, value):
        """In place of what it was, or behind the others."""
        at = next((i for i, field in enumerate(self.fields) if field[0].lower() == name.lower()), len(self.fields))
        self.drop(name.lower())
        self.fields.insert(at, (name, value))

    def data(self):
        lines = [self.first, *(f"{name}: {value}" for name, value in self.fields)]
        return b"\r\n".join(latin(re.sub(r"[\r\n\0]", " ", line)) for line in lines) + b"\r\n\r\n"


class Chunks:
    """Follows chunk framing (RFC 9112 7.1) through pieces of a body."""

    def __init__(self):
        self.left, self.line, self.state, self.any = 0, b"", "size", False

    @property
    def whole(self):
        return self.state == "end"

    @property
    def broken(self):
        return self.state == "broken"

    def feed(self, piece):
        at = 0
        while at < len(piece) and self.state not in ("end", "broken"):
            if self.state == "data":
                step = min(self.left, len(piece) - at)
                self.left -= step
                at += step
                if not self.left:
                    self.state = "behind"
                continue
            end = piece.find(b"\n", at)
            self.line += piece[at:end if end >= 0 else len(piece)]
            at = end + 1 if end >= 0 else len(piece)
            if len(self.line) > CHUNK_LINE_MOST:
                self.state = "broken"
            elif end >= 0:
                self.take(self.line.rstrip(b"\r"))
                self.line = b""
        if self.state == "end" and at < len(piece):
            self.state = "broken"             # bytes behind the last chunk

    def take(self, line):
        if self.state == "behind":
            self.state = "broken" if line else "size"
        elif self.state == "size":
            size = re.match(rb"[0-9A-Fa-f]{1,12}(?=\s*(?:;|$))", line)
            self.left = int(size[0], 16) if size else -1
            self.state = "broken" if not size else "data" if self.left else "trailer"
            self.any |= bool(size)
        elif not line:
            self.state = "end"


class Message:
    """A head and a body that is read again when it is written: open() gives its pieces."""

    __slots__ = ("head", "length", "open", "notes", "ends", "lacks", "first_bytes", "chunks", "stored_whole")

    def __init__(self, head, opener):
        self.head, self.open, self.notes = head, opener, []
        self.length, self.first_bytes, self.chunks = 0, b"", None
        self.ends = True                      # another message may follow on its connection
        self.lacks = False                    # the archive lacks bytes of its body
        self.stored_whole = True              # the archive could be read to the end of it

    def measure(self, pieces):
        """Reads the body once."""
        if "chunked" in (self.head.get("transfer-encoding") or "").lower():
            self.chunks = Chunks()
        for piece in pieces:
            if len(self.first_bytes) < 64:
                self.first_bytes += piece[:64]
            self.length += len(piece)
            if self.chunks:
                self.chunks.feed(piece)
        return self

    def fit(self, response_to=None, status=None):
        """Makes head and body fit. response_to: the method of its request, of a response; status: its own."""
        if status is not None and (response_to == "HEAD" or status < 200 or status in (204, 304)):
            if self.length:
                what = "a response to HEAD" if response_to == "HEAD" else f"status {status}"
                self.notes.append(f"{what} has no body: what the archive has of one is left out")
            self.leave_body()
            return self
        self.decoded()
        announced = self.head.get("content-length")
        if not self.head.whole:
            self.cut("the archive has not all of the head")
        elif self.chunks:
            if self.chunks.whole:
                self.head.drop("content-length")
            elif self.length and self.chunks.any and not (self.chunks.broken and self.stored_whole):
                self.cut("the archive has not all of the body: its last chunk is missing")
            elif self.length == 0 and status is None:
                self.cut("the archive has no body, though chunks were announced")
            elif self.length == 0:
                self.cut("the archive has nothing of the body")
            else:
                self.head.drop("transfer-encoding")
                self.head.put("Content-Length", str(self.length))
                self.notes.append("the archive has the body without its chunk framing: Transfer-Encoding is replaced by "
                                  "Content-Length")
        elif announced is not None and re.fullmatch(r"\d{1,18}", announced) and int(announced) > self.length:
            self.cut(f"the archive has {self.length:,} of the {int(announced):,} bytes of the body")
        elif not self.stored_whole and announced != str(self.length):
            self.cut("the archive has not all of the body")
        elif announced is None and not self.length and status is None:
            pass                              # a request without a body
        elif announced is None and not self.length and status == 200:
            self.cut("the archive does not say whether there was a body")
        elif announced != str(self.length):
            self.head.put("Content-Length", str(self.length))
            self.notes.append("Content-Length is added: the archive does not say how the end of the body was told"
                              if announced is None else f"Content-Length was {clean(announced, 40)}; the archive has another body")
        return self

    def leave_body(self):
        self.length, self.open = 0, lambda: iter(())

    def cut(self, note):
        self.ends, self.lacks = False, True
        self.notes.append(note)

    def decoded(self):
        """A body that is stored unpacked loses the head's word of packing."""
        packed = (self.head.get("content-encoding") or "").lower().strip()
        first = self.first_bytes
        if self.chunks and self.chunks.any and not self.chunks.broken:
            first = first.partition(b"\n")[2]
        if packed in ("gzip", "x-gzip") and first and not first.startswith(b"\x1f\x8b"):
            self.head.drop("content-encoding")
            self.notes.append(f"the archive has the body unpacked: Content-Encoding: {packed} is left out")
