"""One HTTP request and its response as an archive has them: what every reader of archives yields.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import ipaddress
import re
from urllib.parse import urlsplit

from .message import REQUEST, STATUS, clean

VERSION = re.compile(r"HTTP/1\.[01]$")


class Exchange:
    """Times are nanoseconds since 1970 or None; addresses are ipaddress objects or None."""

    __slots__ = ("label", "number", "times", "client", "client_port", "server", "host", "port", "secure", "key", "request",
                 "response", "method", "status", "notes", "process", "facts", "by_proxy", "sequence", "streams")

    def __init__(self, label, number):
        self.label, self.number = label, number
        self.times = [None, None, None, None]        # request begins, ends, response begins, ends
        self.client = self.client_port = self.server = None
        self.host, self.port, self.secure = "", 80, False
        self.key = None                              # what exchanges of one TCP connection share; None: not known
        self.request = self.response = None
        self.method, self.status = "", None
        self.notes, self.facts, self.process = [], [], ""
        self.by_proxy = False                        # the response is the proxy's own
        self.streams = False                         # HTTP/2 or later: several go over one connection at once
        self.sequence = None                         # (who, counter): requests that their client sends one by one

    def read_request_line(self):
        """Takes method and server from the first line; makes that HTTP/1.1 in origin form. False: it is none."""
        head = self.request.head
        found = REQUEST.match(head.first)
        if not found:
            return False
        self.method, target, version = found[1], found[2], found[3]
        path = self.take_url(target)
        if not VERSION.match(version):
            self.sent_as(version)
            version = "HTTP/1.1"
        head.first = f"{self.method} {path} {version}"
        head.fields = [field for field in head.fields if not field[0].startswith(":")]
        if not self.host and head.get("host"):
            self.take_authority(head.get("host"))
        elif self.host and head.get("host") is None:
            head.fields.insert(0, ("Host", self.authority()))
        request_id = re.match(r"(\{[0-9A-Fa-f-]{36}\}):(\d{1,18})$", head.get("x-requestid") or "")
        if request_id:
            self.sequence = request_id[1].lower(), int(request_id[2])
        return True

    def sent_as(self, version):
        self.notes.append(f"sent as {clean(version, 20)}, shown as HTTP/1.1")
        self.streams = True

    def take_url(self, target):
        """Returns the target in origin form."""
        if self.method.upper() == "CONNECT":
            self.secure, self.port = True, 443
            self.take_authority(target)
            return target
        if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", target):
            return target
        try:
            url = urlsplit(target)
            self.secure = url.scheme.lower() in ("https", "wss")
            self.port = 443 if self.secure else 80
            self.take_authority(url.netloc.rpartition("@")[2])
        except ValueError:
            return target
        rest = target.split("://", 1)[1]
        start = re.search(r"[/?]", rest)
        path = rest[start.start():] if start else "/"
        return path if path.startswith("/") else "/" + path

    def take_authority(self, text):
        found = re.fullmatch(r"(\[[^\]]+\]|[^:]*)(?::(\d{1,5}))?", text.strip())
        if found:
            self.host = clean(found[1].strip("[]"), 255).lower()
            if found[2] and 0 < int(found[2]) < 65536:
                self.port = int(found[2])

    def authority(self):
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"

    def read_status_line(self):
        """The same of the response."""
        head = self.response.head
        found = STATUS.match(head.first)
        if not found:
            return False
        self.status = int(found[2])
        if not VERSION.match("HTTP/" + found[1]):
            head.first = f"HTTP/1.1 {found[2]} {found[3] or ''}".rstrip()
        head.fields = [field for field in head.fields if not field[0].startswith(":")]
        return True

    def order_times(self):
        """Fills what is missing and lets none stand before the one before. False: there is no time at all."""
        known = [time for time in self.times if time is not None]
        if not known:
            return False
        last = known[0]
        back = False
        for i, time in enumerate(self.times):
            back |= time is not None and time < last
            last = self.times[i] = max(last, time if time is not None else last)
        if back:
            self.notes.append("the archive's times of this session go back; they were put in order")
        return True


def address(text):
    """An address of the archive, or None. IPv4 in IPv6 becomes IPv4."""
    text = (text or "").strip().strip("[]").partition("%")[0]
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    if found.version == 6 and found.ipv4_mapped:
        found = found.ipv4_mapped
    return None if found.is_unspecified else found


def port(text):
    text = (text or "").strip()
    return int(text) if re.fullmatch(r"\d{1,5}", text) and 0 < int(text) < 65536 else None
