"""Writes Fiddler archives and HAR files, after what is published of them: of a capture's HTTP, or message by message.

Nothing here comes from what reads them (tools/archive).

SPDX-License-Identifier: GPL-2.0-or-later
"""

import base64
import dataclasses
import datetime
import gzip
import io
import ipaddress
import json
import pathlib
import sys
import zipfile
from xml.sax.saxutils import quoteattr

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
import capfile

NEVER = "0001-01-01T00:00:00"
SECOND = 10**9


@dataclasses.dataclass
class Session:
    """What passed: heads and bodies as they were on the wire; times in nanoseconds: the request's first and last byte,
    the response's."""
    request: bytes
    response: bytes
    times: list
    client: str = "10.0.0.7"
    client_port: int = 50001
    server: str = "10.0.0.80"
    egress: int = 0
    host: str = ""
    https: bool = True
    connected: int = 0                # when the client's connection was accepted, 0: with the request
    process: str = "outlook:4711"
    flags: dict = dataclasses.field(default_factory=dict)
    bits: int = 0
    pipe: dict = dataclasses.field(default_factory=dict)
    timers: dict = dataclasses.field(default_factory=dict)       # instead of what times say


def split(message):
    head, _, body = message.partition(b"\r\n\r\n")
    return head, body


def fields(head):
    return [tuple(part.strip() for part in line.split(":", 1)) for line in head.decode("latin-1").split("\r\n")[1:] if ":" in line]


def field(head, name):
    return next((value for known, value in fields(head) if known.lower() == name), "")


def stamp(time, zone=1):
    """As XmlConvert.ToString of a local time: seven digits and the offset."""
    moment = datetime.datetime.fromtimestamp(time // SECOND + zone * 3600, datetime.timezone.utc)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{time % SECOND // 100:07d}+{zone:02d}:00"


# ---- SAZ -----------------------------------------------------------------------------------

def with_url(session):
    """The request as Fiddler stores it: the whole URL in its first line."""
    line, rest = session.request.split(b"\r\n", 1)
    method, target, version = line.split(b" ", 2)
    if method == b"CONNECT":
        return session.request
    host = session.host or field(split(session.request)[0], "host") or session.server
    scheme = "https" if session.https else "http"
    return b" ".join([method, f"{scheme}://{host}".encode() + target, version]) + b"\r\n" + rest


def metadata(number, session):
    begin, sent, came, done = session.times
    connected = session.connected or begin
    timers = {"ClientConnected": connected, "ClientBeginRequest": begin, "GotRequestHeaders": begin, "ClientDoneRequest": sent,
              "ServerConnected": connected, "FiddlerBeginRequest": begin, "ServerGotRequest": sent,
              "ServerBeginResponse": came, "GotResponseHeaders": came, "ServerDoneResponse": done, "ClientBeginResponse": came,
              "ClientDoneResponse": done}
    if not session.response:
        timers.update(dict.fromkeys(("ServerBeginResponse", "GotResponseHeaders", "ServerDoneResponse", "ClientBeginResponse",
                                     "ClientDoneResponse")))
    timers = {name: stamp(time) if time else NEVER for name, time in timers.items()} | session.timers
    flags = {"x-responsebodytransferlength": f"{len(split(session.response)[1]):,}", "x-clientip": session.client,
             "x-hostip": session.server, "x-processinfo": session.process}
    if session.client_port:
        flags["x-clientport"] = str(session.client_port)
    if session.egress:
        flags["x-egressport"] = str(session.egress)
    flags |= session.flags
    attributes = " ".join(f"{name}={quoteattr(value)}" for name, value in timers.items() if value is not None)
    lines = "".join(f"    <SessionFlag N={quoteattr(name)} V={quoteattr(value)} />\r\n" for name, value in flags.items())
    pipe = "".join(f" {name}={quoteattr(value)}" for name, value in session.pipe.items())
    return (f'<?xml version="1.0" encoding="utf-8"?>\r\n<Session SID="{number}" BitFlags="{session.bits | session.https:x}">\r\n'
            f'  <SessionTimers {attributes} GatewayTime="0" DNSTime="0" TCPConnectTime="0" HTTPSHandshakeTime="0" />\r\n'
            f"  <PipeInfo{pipe} />\r\n  <SessionFlags>\r\n{lines}  </SessionFlags>\r\n</Session>").encode()


def saz(sessions, name="raw/{:02d}_{}.{}", **more):
    """The bytes of an archive; more: further members by name."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.comment = b"Fiddler (v5.0.20211.51073) Session Archive. See https://fiddler2.com"
        archive.writestr("[Content_Types].xml", '<?xml version="1.0" encoding="utf-8" ?>\r\n<Types xmlns="http://schemas.'
                         'openxmlformats.org/package/2006/content-types"><Default Extension="htm" ContentType="text/html" />'
                         '<Default Extension="xml" ContentType="application/xml" /><Default Extension="txt" '
                         'ContentType="text/plain" /></Types>')
        archive.writestr("raw/", "")
        for number, session in enumerate(sessions, 1):
            archive.writestr(name.format(number, "c", "txt"), with_url(session))
            archive.writestr(name.format(number, "m", "xml"), metadata(number, session))
            archive.writestr(name.format(number, "s", "txt"), session.response)
        archive.writestr("_index.htm", "<html><body>A list for people</body></html>")
        for member, content in more.items():
            archive.writestr(member, content)
    return out.getvalue()


# ---- HAR -----------------------------------------------------------------------------------

def unchunked(head, body):
    if "chunked" not in field(head, "transfer-encoding").lower():
        return body
    out, at = b"", 0
    while True:
        end = body.find(b"\r\n", at)
        if end < 0:
            return out
        size = int(body[at:end].split(b";")[0] or b"0", 16)
        if not size:
            return out
        out += body[end + 2:end + 2 + size]
        at = end + 4 + size


def unpacked(head, body):
    body = unchunked(head, body)
    return gzip.decompress(body) if field(head, "content-encoding") == "gzip" else body


def har_text(body, mime):
    """Of a request: as text, each byte a character."""
    return {"mimeType": mime, "text": body.decode("latin-1")}


def har(sessions, connections=True, addresses=True, creator="test"):
    """A HAR file; bodies unpacked, those of responses in base64."""
    entries = []
    for session in sessions:
        head, body = split(session.request)
        body = unpacked(head, body)
        method, target, version = head.split(b"\r\n")[0].decode("latin-1").split(" ", 2)
        host = session.host or field(head, "host") or session.server
        begin, sent, came, done = session.times
        request = {"method": method, "url": f"{'https' if session.https else 'http'}://{host}{target}", "httpVersion": version,
                   "headers": [{"name": name, "value": value} for name, value in fields(head)], "queryString": [], "cookies": [],
                   "headersSize": -1, "bodySize": len(body)}
        if body:
            request["postData"] = har_text(body, field(head, "content-type"))
        response = {"status": 0, "statusText": "", "httpVersion": "", "headers": [], "cookies": [], "redirectURL": "",
                    "headersSize": -1, "bodySize": -1, "content": {"size": 0, "mimeType": "x-unknown"}}
        if session.response:
            head, body = split(session.response)
            body = unpacked(head, body)
            version, status, *reason = head.split(b"\r\n")[0].decode("latin-1").split(" ", 2)
            response |= {"status": int(status), "statusText": "".join(reason), "httpVersion": version,
                         "headers": [{"name": name, "value": value} for name, value in fields(head)],
                         "content": {"size": len(body), "mimeType": field(head, "content-type"),
                                     "text": base64.b64encode(body).decode(), "encoding": "base64"}}
        moment = datetime.datetime.fromtimestamp(begin // SECOND, datetime.timezone.utc)
        entry = {"startedDateTime": f"{moment:%Y-%m-%dT%H:%M:%S}.{begin % SECOND:09d}Z", "time": (done - begin) / 10**6,
                 "request": request, "response": response, "cache": {},
                 "timings": {"blocked": -1, "dns": -1, "connect": -1, "ssl": -1, "send": (sent - begin) / 10**6,
                             "wait": (came - sent) / 10**6, "receive": (done - came) / 10**6}}
        if addresses:
            entry["serverIPAddress"] = session.server
        if connections:
            entry["connection"] = str(session.client_port)
        entries.append(entry)
    return json.dumps({"log": {"version": "1.2", "creator": {"name": creator, "version": "1"}, "pages": [],
                               "entries": entries}}).encode()


# ---- of a capture --------------------------------------------------------------------------

def of_capture(capture, legs=True):
    """The HTTP of a capture as a proxy would have seen it. legs: also behind a device; else only connections whose client
    is no server of another."""
    found = []
    walks = capfile.walks(capture)
    servers = {walk.tcp.server[0] for walk in walks}
    for walk in walks:
        if not legs and walk.tcp.client[0] in servers and walk.tcp.client[0] != walk.tcp.server[0]:
            continue
        ways = [[head for head in walk.heads if head.way == way] for way in (0, 1)]
        answers = {id(head.asks): head for head in ways[1] if getattr(head, "asks", None)}
        messages = [[], []]
        for way in (0, 1):
            data = bytes(walk.tcp.halves[way].data)
            for at, head in enumerate(ways[way]):
                end = ways[way][at + 1].offset if at + 1 < len(ways[way]) else len(data)
                held = walk.tcp.halves[way].packets(head.offset, end)
                messages[way].append((data[head.offset:end], [capture.packets[index].time for index in (held[0], held[-1])]))
        for place, head in enumerate(ways[0]):
            request, (begin, sent) = messages[0][place]
            answer = answers.get(id(head))
            response, (came, done) = messages[1][ways[1].index(answer)] if answer else (b"", (sent, sent))
            address = [str(ipaddress.ip_address(end[0])) for end in (walk.tcp.client, walk.tcp.server)]
            found.append(Session(request, response, [begin, sent, came, done], address[0], walk.tcp.client[1], address[1],
                                 connected=capture.packets[walk.tcp.segments[0][0]].time))
    return sorted(found, key=lambda session: session.times[0])
