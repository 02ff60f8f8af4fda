"""Makes captures of Fiddler archives and HAR files, and looks at what the plugin says of them.

    run_saz.py [NAME ...]

Archives are written by tests/lib/archives.py, of samples' HTTP or message by message; mitmproxy.har was recorded by
mitmproxy. The same messages must come out with the same values, verdicts that are proved by what was sent must come, and
none that rests on what was not: an archive does not know how connections began and ended.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import collections
import io
import json
import pathlib
import re
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import archives
import common
import wsrun
from archive import convert, filekind
from archives import SECOND, Session
from common import capfile

SCRIPT = common.PROJECT / "tools" / "saz2pcapng"
PROOF = dict(re.findall(r'\bV_\w+,\s*"([a-z0-9_]+(?:\.[a-z0-9_]+)+)",[^;{}]*?\b(PRESENCE|ABSENCE)\b',
                        (common.PROJECT / "plugin/core/judge/verdicts.c").read_text(encoding="utf-8")))
assert PROOF.get("rpch.channel.lone") == "ABSENCE" and PROOF.get("mapihttp.response_code.failed") == "PRESENCE", "verdicts.c reads otherwise"
START = 1795600000 * SECOND
FIELDS = ("mapihttp.request_type", "mapihttp.response_code", "mapihttp.error_code", "mapihttp.request_id.counter",
          "mapihttp.session", "mapihttp.endpoint", "rop.id", "rop.return_value", "rop.object", "http.response.code",
          "rpch.rts.pdu", "dcerpc.pkt_type", "dcerpc.opnum")
# One leg each. Those of RPC over HTTP give the bytes of a body no times of their own, so their order is not compared.
SAME = ("mapi-http-connections", "mapi-http-gzip", "mapi-http-pending", "mapi-body-rows", "rops-logon", "rops-stream-down",
        "mapi-verdict-codes", "mapi-verdict-http-503-now", "mapi-auth-refused-basic", "mapi-auth-refused-ntlm", "mapi-auth-ntlm")
SAME_RPC = "verdict-fault", "live-wrong-password", "real-rdgateway-503-5", "rpc-200-html"
SOME = bytes(number * number * 7 // 3 % 251 for number in range(3000))       # that no packer makes small
OF_EACH = 1                           # sample of each verdict from absence


def sample_path(name):
    return next(common.PROJECT.glob(f"test-captures/**/{name}/capture.pcap*"))


class Run:
    """tshark, and a folder for archives and captures."""

    def __init__(self, tshark, folder):
        self.tshark, self.folder, self.number = tshark, pathlib.Path(folder), 0

    def path(self, ending):
        self.number += 1
        return self.folder / f"{self.number}.{ending}"

    def convert(self, data, ending):
        """(path of the capture, lines of the summary)"""
        archive, output = self.path(ending), self.path("pcapng")
        archive.write_bytes(data)
        lines = convert.to_file(str(archive), str(output))
        return output, lines

    def rows(self, path, fields, *more):
        """For each frame the values of each field."""
        args = ["-r", self.tshark.private_copy(path), "-n", *more, "-T", "fields", "-E", "separator=\x1e", "-E", "aggregator=\x1f"]
        for name in fields:
            args += ["-e", name]
        return [[value.split("\x1f") if value else [] for value in line.split("\x1e")]
                for line in self.tshark.output(args).split("\n")[:-1]]

    def values(self, path):
        """All values of each of FIELDS in the order of frames, and the verdicts."""
        found = {name: [] for name in (*FIELDS, "outlook.verdict")}
        for row in self.rows(path, found):
            for name, values in zip(found, row):
                found[name] += values
        return found


def by_absence(verdicts):
    return sorted(name for name in verdicts if PROOF.get(name) != "PRESENCE")


def from_presence(verdicts):
    return sorted({name for name in verdicts if PROOF[name] == "PRESENCE"})


# ---- the same messages ---------------------------------------------------------------------

def test_same(run, name, counter):
    path = sample_path(name)
    sessions = archives.of_capture(capfile.load(path))
    wanted = run.values(path)
    counter.check(any(wanted[field] for field in FIELDS), "the sample has nothing to compare")
    for ending, data in (("saz", archives.saz(sessions)), ("har", archives.har(sessions))):
        output, _ = run.convert(data, ending)
        got = run.values(output)
        for field in FIELDS:
            if ending == "har" and field.startswith(("rpch.rts", "dcerpc")) and len(got[field]) < len(wanted[field]):
                continue               # a HAR has no word for a body that never ends
            alike = (collections.Counter if name in SAME_RPC else list)
            counter.equal(alike(got[field]), alike(wanted[field]), f"{ending}: {field}")
        counter.equal(from_presence(got["outlook.verdict"]), from_presence(wanted["outlook.verdict"]), f"{ending}: verdicts")
        counter.equal(by_absence(got["outlook.verdict"]), [], f"{ending}: verdicts from absence")


# ---- silence -------------------------------------------------------------------------------

def absence_samples():
    """Of each verdict from absence some samples that have it."""
    found = {}
    for path in sorted(common.PROJECT.glob("test-captures/**/expect.json")):
        text = path.read_text(encoding="utf-8")
        for name in re.findall(r'"item": "([a-z0-9_.]+)"', text):
            if PROOF.get(name) == "ABSENCE" and path.parent.name not in found.setdefault(name, []):
                found[name].append(path.parent.name)
    return list(dict.fromkeys(sample for names in found.values() for sample in names[:OF_EACH]))


def damaged(sessions):
    """One of three without a response, one with half of it, one with half of the request."""
    found = []
    for number, session in enumerate(sessions):
        request, response = session.request, session.response
        if number % 3 == 0:
            response = b""
        elif number % 3 == 1:
            response = response[:len(response) // 2]
        else:
            request = request[:max(len(archives.split(request)[0]) + 4, len(request) // 2)]
        found.append(Session(**{**vars(session), "request": request, "response": response}))
    return found


def test_silence(run, name, counter):
    """Whole and damaged, with and without what tells connections apart: no verdict from absence."""
    sessions = archives.of_capture(capfile.load(sample_path(name)), legs=False)
    if not sessions:
        counter.check(True, "")
        return
    forms = [("saz", archives.saz(sessions)), ("saz", archives.saz(damaged(sessions))),
             ("har", archives.har(damaged(sessions), connections=False, addresses=False))]
    for place, (ending, data) in enumerate(forms):
        try:
            output, _ = run.convert(data, ending)
        except convert.BadArchive:
            counter.check(all(session.request.startswith(b"CONNECT") for session in sessions), "nothing was written")
            continue
        counter.equal(by_absence(run.values(output)["outlook.verdict"]), [], f"form {place}, {ending}")


def test_calls(run, counter):
    """Bodies of channels have no times of their own: a call that seems to wait for its answer was answered."""
    sessions = archives.of_capture(capfile.load(sample_path("verdict-fault")))
    channels = [session for session in sessions if session.request.startswith(b"RPC_")]
    last = max(time for session in sessions for time in session.times)
    for session in channels:
        if session.request.startswith(b"RPC_OUT_DATA"):
            session.times[3] = last + 100 * SECOND
    between = [Session(post(counter=number), answer(), [last + number * SECOND] * 4, client_port=51000, connected=START)
               for number in range(1, 99)]
    found = run.values(run.convert(archives.saz(sessions + between), "saz")[0])
    counter.check(len(channels) == 2 and "0" in found["dcerpc.pkt_type"], "calls")
    counter.equal(by_absence(found["outlook.verdict"]), [], "verdicts from absence")
    counter.check("rpch.call.failed" in found["outlook.verdict"], "the fault")


# ---- what is written -----------------------------------------------------------------------

def post(body=b"", request_type="PING", counter=1, more=""):
    return (f"POST /mapi/emsmdb/?MailboxId=1@example.test HTTP/1.1\r\nHost: mail.example.test\r\nContent-Type: "
            f"application/mapi-http\r\nX-RequestType: {request_type}\r\nX-RequestId: {{16AED9D2-8669-56E6-B9E7-361272860A4D}}:"
            f"{counter}\r\nX-ClientInfo: {{1D04ABE8-0C35-5B8B-9E33-4B4D1FC2ADB3}}:{counter}\r\n{more}"
            f"Content-Length: {len(body)}\r\n\r\n").encode() + body


def answer(body=b"PROCESSING\r\nDONE\r\nX-ElapsedTime: 3\r\n\r\n", status="200 OK", more="", code=0):
    return (f"HTTP/1.1 {status}\r\nContent-Type: application/mapi-http\r\nX-ResponseCode: {code}\r\n{more}"
            f"Content-Length: {len(body)}\r\n\r\n").encode() + body


def at(*milliseconds):
    return [START + one * 10**6 for one in milliseconds]


class Read:
    """A capture as this test reads it: packets with their comments, by capfile and by tshark."""

    def __init__(self, run, data, ending="saz"):
        self.path, self.lines = run.convert(data, ending)
        self.capture = capfile.load(self.path)
        self.segments = [capfile.segment(packet) for packet in self.capture.packets]
        self.payloads = [packet.data[seg.payload:] for packet, seg in zip(self.capture.packets, self.segments)]
        self.comments = ["".join(row[0]) for row in run.rows(self.path, ["frame.comment"])]
        self.ends = [(capfile.endpoint_text(seg.source), capfile.endpoint_text(seg.target)) for seg in self.segments]

    def text(self, way):
        return b"".join(payload for payload, seg in zip(self.payloads, self.segments) if (seg.source[1] in (80, 8080)) == (way == 1))


def test_honest(run, counter):
    """No packet looks captured: neither start, end nor ACK; times are the archive's; comments say what is made up."""
    sessions = [Session(post(b"x" * 50), answer(), at(0, 3, 20, 45), client_port=50001, egress=60001, connected=START),
                Session(post(b"y", counter=2), answer(), at(100, 100, 130, 130), client_port=50001, egress=60001, connected=START),
                Session(post(b"z", counter=3), answer(), at(200, 200, 230, 230), client_port=50001, egress=60002, connected=START),
                Session(post(b"z", counter=4), answer(), at(300, 300, 330, 330), client_port=0, server="", process="")]
    read = Read(run, archives.saz(sessions))
    counter.equal({seg.flags & ~capfile.PSH for seg in read.segments}, {0}, "TCP flags")
    counter.equal({seg.ack for seg in read.segments}, {0}, "ACK numbers")
    counter.equal([(packet.time - START) // 10**6 for packet in read.capture.packets],
                  [0, 3, 20, 45, 100, 130, 200, 230, 300, 330], "times")
    clients = [ends[0] for ends, seg in zip(read.ends, read.segments) if seg.target[1] == 80]
    counter.equal(clients[:3], ["10.0.0.7:50001"] * 3, "one connection")
    counter.check(clients[3] != "10.0.0.7:50001" and clients[3] != clients[4], f"another egress port, none: {clients}")
    counter.equal(read.ends[0][1], "10.0.0.80:80", "the server")
    counter.equal(read.ends[8][1], "10.0.0.80:80", "the server's address, known from others")
    for text in ("Fiddler session 1: https://mail.example.test", "process outlook:4711", "x-clientport 50001", "x-egressport 60001",
                 "HTTPS on port 443, written as HTTP on port 80", "not captured"):
        counter.check(text in read.comments[0], f"comment of frame 1 lacks {text!r}: {read.comments[0]!r}")
    counter.check("port was 50001" in read.comments[6] and "port is made up" in read.comments[8], "comments of made-up ports")
    raw = read.path.read_bytes()
    section = raw[:struct.unpack_from("<I", raw, 4)[0]]
    counter.check(b"no packet of this file was captured" in section and b"Fiddler archive" in section, "section comment")
    whole = run.tshark.output(["-r", run.tshark.private_copy(read.path), "-o", "tcp.check_checksum:TRUE", "-o",
                               "ip.check_checksum:TRUE", "-V"])
    counter.check("[Checksum Status: Good]" in whole and "Checksum Status: Bad" not in whole, "checksums")
    for analysed in ("tcp.analysis.ack_rtt", "tcp.analysis.initial_rtt"):
        counter.equal(run.rows(read.path, ["frame.number"], "-Y", analysed), [], analysed)


def test_forms(run, counter):
    """Bodies and heads that do not fit each other, and sessions that are no plain request and response."""
    chunked = b"5\r\nPROCE\r\n5\r\nSSING\r\n0\r\n\r\n"
    coded = answer(more="Transfer-Encoding: chunked\r\n").split(b"Content-Length")[0] + b"\r\n"
    cases = {
        "chunks as received": (coded + chunked, b"Transfer-Encoding: chunked", None),
        "chunks taken off": (coded + b"PROCESSING", b"Content-Length: 10", "without its chunk framing"),
        "last chunk missing": (coded + chunked[:-5], b"Transfer-Encoding: chunked", "last chunk is missing"),
        "gzip taken off": (answer(b"plain", more="Content-Encoding: gzip\r\n"), b"Content-Length: 5", "Content-Encoding: gzip is left out"),
        "cut": (answer(b"x" * 100)[:-40], b"Content-Length: 100", "60 of the 100 bytes"),
        "another length": (answer(b"abc") + b"defg", b"Content-Length: 7", "Content-Length was 3"),
        "no length": (b"HTTP/1.1 200 OK\r\n\r\nabc", b"Content-Length: 3", "Content-Length is added"),
        "no word of a body": (b"HTTP/1.1 200 OK\r\nServer: x\r\n\r\n", b"Server: x", "whether there was a body"),
        "half a head": (answer(b"abc").partition(b"\r\n\r\n")[0], b"HTTP/1.1 200 OK", "not all of the head"),
        "HTTP/2": (answer(b"abc").replace(b"HTTP/1.1", b"HTTP/2", 1), b"HTTP/1.1 200 OK", None),
        "lines that end with LF": (answer(b"abc").replace(b"\r\n", b"\n"), b"Content-Length: 3", None),
        "204 with a body": (answer(b"abc", "204 No Content"), b"HTTP/1.1 204", "has no body"),
        "nothing": (b"", None, "no response"),
        "no HTTP": (b"\0\1\2\3" * 20, None, "no response"),
    }
    for name, (response, wanted, note) in cases.items():
        sessions = [Session(post(counter=1), response, at(0, 1, 2, 3), connected=START),
                    Session(post(counter=2), answer(), at(100, 101, 102, 103), connected=START)]
        read = Read(run, archives.saz(sessions))
        text, comments = read.text(1), "\n".join(read.comments)
        counter.check(wanted is None or wanted in text, f"{name}: the response is {text[:300]!r}")
        counter.check(note is None or note in comments, f"{name}: comments are {comments!r}")
        lacking = ("cut", "last chunk missing", "no word of a body", "half a head")
        ends = name in (*lacking, "nothing", "no HTTP")
        counter.equal(len({frozenset(ends) for ends in read.ends}), 2 if ends else 1, f"{name}: connections")
        types = [value for row in run.rows(read.path, ["mapihttp.request_type"], "-Y", "mapihttp.request_type && http.request")
                 for value in row[0]]
        counter.equal(types, ["PING", "PING"], f"{name}: requests")
        if name in lacking:
            counter.equal(len(run.rows(read.path, ["frame.number"], "-Y", "tcp.analysis.lost_segment")), 1, f"{name}: gap")


def test_proxy(run, counter):
    """What a proxy stores of its own: tunnels, its error pages; a WebSocket; an aborted session."""
    connect = b"CONNECT mail.example.test:443 HTTP/1.1\r\nHost: mail.example.test:443\r\n\r\nThis is a CONNECT tunnel, ..."
    page = (b"HTTP/1.1 504 Fiddler - Receive Failure\r\nContent-Type: text/html\r\nConnection: close\r\nTimestamp: 1:2:3.4\r\n\r\n"
            b"[Fiddler] ReadResponse() failed: The server did not return a complete response for this request.")
    sessions = [Session(connect, b"HTTP/1.1 200 Connection Established\r\n\r\nEncrypted HTTPS traffic", at(0, 0, 1, 1), bits=0x2000),
                Session(connect, b"HTTP/1.1 200 Blind-Connection Established\r\n\r\n", at(0, 0, 1, 1), bits=0x1000),
                Session(connect, b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: NTLM\r\nContent-Length: 9\r\n\r\n"
                        b"Fiddler's", at(2, 2, 3, 3), client_port=50002),
                Session(post(), page, at(10, 10, 500, 500), bits=0x100, client_port=50003),
                Session(post(counter=2), answer(b"x" * 10)[:-5], at(600, 600, 700, 700), client_port=50004)]
    read = Read(run, archives.saz(sessions))
    text = b"".join(read.payloads)
    counter.check(b"CONNECT tunnel" not in text and b"Encrypted HTTPS" not in text, "Fiddler's own words of a tunnel")
    counter.equal(text.count(b"CONNECT "), 1, "tunnels that failed")
    counter.check(any("1 tunnels that Fiddler did not decrypt (to mail.example.test)" in line for line in read.lines), read.lines)
    comments = "\n".join(read.comments)
    counter.check("Fiddler wrote this response, not the server" in comments, comments)
    seen = run.tshark.output(["-r", run.tshark.private_copy(read.path), "-Y", "outlook.http.failed", "-T", "fields", "-e",
                              "outlook.verdict.seen"])
    counter.check("written by a device (Fiddler, by its page)" in seen, f"who wrote the page: {seen!r}")
    upgrade = Session(b"GET /ws HTTP/1.1\r\nHost: a\r\n\r\n", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", at(0, 0, 1, 1))
    read = Read(run, archives.saz([upgrade], **{"raw/01_w.txt": "Request-Length: 3\r\n\r\nabc"}))
    counter.check(any("WebSocket" in line for line in read.lines), read.lines)


def test_members(run, counter):
    """Names in other forms; metadata that are missing, damaged or worse."""
    session = Session(post(), answer(), at(0, 1, 2, 3))
    for name in ("raw/{:04d}_{}.{}", "RAW/{}_{}.{}", "raw\\{}_{}.{}", "./deep/raw/{:01d}_{}.{}", "{}_{}.{}", "../../raw/{}_{}.{}",
                 "/etc/raw/{}_{}.{}"):
        counter.equal(len(Read(run, archives.saz([session], name)).payloads), 3, name)
    data = archives.saz([Session(post(counter=number), answer(), at(number, number, number, number)) for number in range(12)],
                        "raw/{}_{}.{}")
    read = Read(run, data)
    counter.equal([int(re.search(r"session (\d+)", comment)[1]) for comment in read.comments[::2]], list(range(1, 13)), "order")
    bomb = ('<?xml version="1.0"?><!DOCTYPE s [<!ENTITY a "aaaaaaaaaa">' + "".join(
        f'<!ENTITY {chr(98 + i)} "{f"&{chr(97 + i)};" * 10}">' for i in range(9)) + "]><Session SID=\"1\">&j;</Session>")
    for what, metadata in (("none", None), ("empty", b""), ("no XML", b"<<<"), ("bomb", bomb.encode()), ("large", b"<a>" + b" " * (2 << 20)),
                           ("outside", b'<!DOCTYPE s [<!ENTITY x SYSTEM "file:///etc/passwd">]><Session>&x;</Session>'),
                           ("deep", b"<a>" * 100000), ("strange times", archives.metadata(1, Session(
                               post(), answer(), at(0, 1, 2, 3), timers={"ClientBeginRequest": "2026-13-45T99:99:99", "FiddlerBeginRequest":
                                                                         "9999-12-31T23:59:59"})))):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("raw/1_c.txt", archives.with_url(session))
            archive.writestr("raw/1_s.txt", session.response)
            if metadata is not None:
                archive.writestr("raw/1_m.xml", metadata)
        read = Read(run, out.getvalue())
        counter.check(len(read.payloads) >= 2 and b"root:" not in read.path.read_bytes(), f"metadata: {what}")
    for zone, hours in (("Z", 0), ("+02:00", 2), ("-0730", -7.5), ("", 0)):
        stamps = dict.fromkeys(("ClientConnected", "ClientBeginRequest", "FiddlerBeginRequest"), "2026-11-25T12:00:00.1234567" + zone)
        read = Read(run, archives.saz([Session(post(), b"", [START] * 4, timers=stamps)]))
        counter.equal(read.capture.packets[0].time, (1795608000 - int(hours * 3600)) * SECOND + 123456700, f"time zone {zone!r}")
        counter.equal(any("no time zone" in line for line in read.lines), not zone, f"told of {zone!r}")


def test_lanes(run, counter):
    """Exchanges that overlap share no connection; a clock of steps breaks no sequence of requests."""
    sessions = [Session(post(counter=1), answer(), at(0, 0, 500, 500)), Session(post(counter=2), answer(), at(100, 100, 600, 600))]
    read = Read(run, archives.har(sessions), "har")
    counter.equal(len({frozenset(ends) for ends in read.ends}), 2, "HAR with one connection for both at once")
    read = Read(run, archives.har(sessions, connections=False, addresses=False), "har")
    counter.check(all("made up" in comment for comment in read.comments[::1] if "https://" in comment), "made-up ends")
    counter.equal({ends for pair in read.ends for ends in pair if ends.endswith(":80")}, {"198.18.0.1:80"}, "one server for one host")
    read = Read(run, archives.har([Session(**{**vars(one), "client_port": 443}) for one in (
        Session(post(counter=1), answer(), at(0, 0, 5, 5)), Session(post(counter=2), answer(), at(10, 10, 15, 15)))],
        creator="Firefox"), "har")
    counter.equal(len({frozenset(ends) for ends in read.ends}), 2, "Firefox's connection is the server's port")
    steps = [Session(post(b"x", "Execute", counter=number), answer(), at(number * 100, number * 100, number * 100 + 50, number * 100 + 110),
                     client_port=50000 + number) for number in range(1, 5)]
    found = run.values(Read(run, archives.saz(steps)).path)
    counter.check("mapihttp.session.sequence_broken" not in found["outlook.verdict"], "timers that cross by 10 ms")


def test_http2(run, counter):
    """A browser's HTTP/2: names with a colon are no headers, Host is in the URL; parallel streams share no connection."""
    data = json.loads(archives.har([Session(post(counter=1), answer(), at(0, 0, 50, 50), client_port=7),
                                    Session(post(counter=2), answer(), at(20, 20, 60, 60), client_port=7)]))
    for entry in data["log"]["entries"]:
        for message in (entry["request"], entry["response"]):
            message["httpVersion"] = "h2"
            message["headers"] = [{"name": ":authority", "value": "x"}] + [
                {**field, "name": field["name"].lower()} for field in message["headers"] if field["name"] != "Host"]
    read = Read(run, json.dumps(data).encode(), "har")
    heads = run.rows(read.path, ["http.host", "mapihttp.request_type"], "-Y", "http.request")
    counter.equal(heads, [[["mail.example.test"], ["PING"]]] * 2, "requests")
    counter.check(b":authority" not in b"".join(read.payloads) and b"h2" not in b"".join(read.payloads), "heads")
    counter.equal(len({frozenset(ends) for ends in read.ends}), 2, "connections")
    counter.check("sent as h2, shown as HTTP/1.1" in read.comments[0], read.comments[0])


def test_withheld(run, counter):
    """What is not told from absence is CANNOT TELL in the table, with the reason."""
    for name, option in (("mapi-verdict-cookie-missing", "mapihttp,sessions"), ("verdict-never-5s", "rpch,connections")):
        sessions = archives.of_capture(capfile.load(sample_path(name)))
        path, _ = run.convert(archives.saz(sessions), "saz")
        table = run.tshark.output(["-q", "-z", option, "-r", run.tshark.private_copy(path)])
        counter.check(re.search(r"CANNOT TELL: .*no SYN captured", table), f"{name}: {table}")


# ---- hostile -------------------------------------------------------------------------------

def limited():
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
    resource.setrlimit(resource.RLIMIT_FSIZE, (512 << 20, 512 << 20))


def command(*args, most=30, **kwargs):
    start = time.monotonic()
    done = subprocess.run([sys.executable, "-IS", SCRIPT, *map(str, args)], capture_output=True, timeout=most, preexec_fn=limited,
                          check=False, **kwargs)
    return done, done.stderr.decode("utf-8", "replace"), time.monotonic() - start


def zip_of(*members, flags=0, method=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    data = bytearray(out.getvalue())
    for mark, offset in ((b"PK\1\2", 8), (b"PK\3\4", 6)):
        place = data.find(mark)
        while flags and place >= 0:
            data[place + offset] |= flags
            place = data.find(mark, place + 4)
    return bytes(data)


def overlapping(zeros=1 << 20, members=3000):
    """A zip file whose members are all the same bytes."""
    data = zip_of(("raw/1_c.txt", b"POST / HTTP/1.1\r\nHost: a\r\n\r\n" + bytes(zeros)))
    start = data.find(b"PK\1\2")
    end = data.find(b"PK\5\6")
    entry = bytearray(data[start:end])
    table = b""
    for number in range(members):
        name = f"raw/{number}_c.txt".encode()
        head = bytearray(entry[:46])
        struct.pack_into("<H", head, 28, len(name))
        table += bytes(head) + name
    return data[:start] + table + struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, members, members, len(table), start, 0)


REQUEST = b"GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n"
NOT_CONVERTED = {
    # name: (content, words of the one sentence)
    "empty.saz": (b"", "empty file"),
    "cut.saz": (archives.saz([Session(post(b"x" * 5000), answer(), at(0, 1, 2, 3))])[:-300], "cut short"),
    "noise.saz": (b"PK\3\4" + bytes(range(256)) * 40, "zip file"),
    "other.zip": (zip_of(("a.txt", b"x")), "no raw/1_c.txt"),
    "packed.zip": (zip_of(("a.pcapng", b"x")), "unpack it"),
    "locked.saz": (zip_of(("raw/1_c.txt", REQUEST), flags=1), "protected by a password"),
    "nothing.saz": (zip_of(("raw/1_c.txt", b"no HTTP")), "no HTTP session"),
    "table.saz": (zip_of(("raw/1_c.txt", REQUEST))[:-22] + struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 65535, 65535, 0xF0000000, 0, 0), "zip file"),
    "deep.har": (b'{"log":{"entries":' + b"[" * 100000, "nested"),
    "deep2.har": (b'{"log":{"entries":[{"request":' + b'{"a":' * 60 + b"1" + b"}" * 60 + b"}]}}", "no HTTP session"),
    "brackets.har": (b'{"log":{"entries":[{]}}', "do not match"),
    "short.har": (b'{"log":{"entries":[{"request":{"method":"GE', "cut short"),
    "none.har": (b'{"log":{"version":"1.2","entries":[]}}', "JSON without entries"),
    "types.har": (b'{"log":{"entries":[{"request":[1]},{"request":{"method":1,"url":{}}},{"request":{"method":"G T","url":"x"}}]}}', "no HTTP"),
    "other.har": (b'{"name":"x"}', "JSON that is no HAR"),
    "a.etl": (struct.pack("<II", 65536, 400).ljust(72, b"\0") + b"\2\0\2\xc0" + bytes(200), "etl2pcapng"),
    "b.etl": (bytes(range(256)), "pktmon etl2pcap"),
    "a.png": (b"\x89PNG\r\n\x1a\n" + bytes(100), "PNG picture"),
    "a.exe": (b"MZ\x90\0" + bytes(100), "program"),
    "a.txt": (b"It does not work.\r\n", "text, not a capture"),
    "a.pcapng": (b"\x0a\x0d\x0d\x0a" + bytes(100), "a capture already"),
    "a.gz": (b"\x1f\x8b\x08\0" + bytes(20), "gzip"),
    "random.bin": (bytes(range(255, -1, -1)) * 9, "neither a Fiddler archive"),
}


def test_hostile(run, counter):
    for name, (content, words) in NOT_CONVERTED.items():
        path, output = run.folder / name, run.path("pcapng")
        path.write_bytes(content)
        done, said, seconds = command("--most", 1, path, output)
        counter.check(done.returncode == 2 and words in said and said.count("\n") == 1 and "Traceback" not in said,
                      f"{name}: status {done.returncode}, said {said[:300]!r}")
        counter.check(not output.exists() and not list(run.folder.glob(".saz2pcapng*")), f"{name}: left a file")
        counter.check(seconds < 20, f"{name}: took {seconds:.1f} s")
    # Members that share their bytes: where Python's zipfile takes them, the limit is met.
    path = run.folder / "many.saz"
    path.write_bytes(overlapping())
    try:
        convert.to_file(str(path), str(output := run.path("pcapng")), 64 << 20)
        counter.check(output.stat().st_size < 3 << 20, "members that share their bytes")
    except convert.BadArchive as error:
        counter.check("more than 0.0625 GiB" in str(error), f"members that share their bytes: {error}")
    for ending, data in (("saz", zip_of(("raw/1_c.txt", REQUEST), ("raw/1_s.txt", bytes(70 << 20)))),
                         ("har", b'{"log":{"entries":[' + b" " * (70 << 20) + b"]}}")):
        path, output = run.path(ending), run.path("pcapng")
        path.write_bytes(data)
        try:
            convert.to_file(str(path), str(output), 64 << 20)
            counter.check(False, f"a bomb ({ending})")
        except convert.BadArchive as error:
            counter.check("more than 0.0625 GiB" in str(error) and not output.exists(), f"a bomb ({ending}): {error}")
    for name, args, words in (("missing", ["/nonexistent/x.saz"], "No such file"), ("a folder", [run.folder, run.path("pcapng")], "a folder")):
        done, said, _ = command(*args)
        counter.check(done.returncode == 2 and words in said and said.count("\n") == 1, f"{name}: {done.returncode}, {said!r}")


def test_survives(run, counter):
    """Damage that costs no more than what it hits."""
    sessions = [Session(post(b"x" * 3000, counter=number), answer(SOME), at(number * 10, number * 10, number * 10 + 5, number * 10 + 5))
                for number in range(1, 4)]
    data = bytearray(archives.saz(sessions))
    place = data.find(b"raw/02_s.txt") + 200
    data[place:place + 50] = bytes(50)
    read = Read(run, bytes(data))
    counter.check(any("member of the zip file is damaged" in comment for comment in read.comments), read.comments)
    counter.equal(b"".join(read.payloads).count(b"POST /mapi"), 3, "requests beside a damaged member")
    whole = archives.har(sessions)
    read = Read(run, whole[:int(len(whole) * 0.8)], "har")
    counter.equal(b"".join(read.payloads).count(b"POST /mapi"), 2, "entries before the cut")
    counter.check(any("cut short after 2 whole entries" in line for line in read.lines), read.lines)
    # Heads with line ends in values, strange addresses, numbers beyond all bounds.
    strange = json.loads(archives.har(sessions[:1]))
    entry = strange["log"]["entries"][0]
    entry["request"]["headers"] += [{"name": "X-A", "value": "1\r\nX-B: 2\r\n\r\nGET / HTTP/1.1"}, {"name": "X\r\nY", "value": "z"}, 5, None]
    entry |= {"serverIPAddress": "not an address", "connection": {"a": 1}, "time": 1e308,
              "timings": {"send": -1e300, "wait": float("inf"), "receive": "x"}, "startedDateTime": "yesterday"}
    read = Read(run, json.dumps(strange).encode(), "har")
    counter.check(b"\r\nX-B" not in b"".join(read.payloads) and b"\r\nY" not in b"".join(read.payloads), "line ends in a header")
    # Bytes of a body that JSON cannot hold: by the number of bytes, or not at all.
    body = bytes(range(256))
    for text, size, wanted in ((body.decode("latin-1"), 256, body), (body.decode("utf-8", "surrogateescape"), 256, body),
                               (body.decode("utf-8", "replace"), 256, None), (body.decode("utf-8", "replace"), -1, None)):
        entry = json.loads(archives.har([Session(post(body), answer(), at(0, 1, 2, 3))]))
        request = entry["log"]["entries"][0]["request"]
        request["postData"]["text"], request["bodySize"] = text, size
        sent = Read(run, json.dumps(entry).encode(), "har").text(0)
        counter.equal(sent.endswith(body), wanted is not None, f"a body as text, {size}")
        counter.check(b"\xef\xbf\xbd" not in sent, "a replaced byte is none of the body")
    # What the head announces and the archive has nothing of, as Chrome writes it, was not kept: there is no empty body.
    for part, change in (("request", {"bodySize": 0}), ("response", {"content": {"size": 0, "mimeType": "application/mapi-http"}}),
                         ("response", {"content": {"size": 9, "encoding": "base64", "text": "@@ no base64 @@"}})):
        entry = json.loads(archives.har([Session(post(b"x" * 300), answer(b"y" * 500), at(0, 1, 2, 3))]))
        message = entry["log"]["entries"][0][part]
        message.pop("postData", None)
        message |= change
        message["headers"] = [one for one in message["headers"] if one["name"].lower() not in ("content-length", "transfer-encoding")]
        message["headers"] += [{"name": "content-length", "value": "300"}]
        read = Read(run, json.dumps(entry).encode(), "har")
        sent = read.text(0 if part == "request" else 1)
        counter.check(b"content-length: 300\r\n" in sent.lower() and sent.endswith(b"\r\n\r\n"), f"a {part} that was not kept: {sent!r}")
        counter.check("the archive has 0 of the 300 bytes of the body" in "\n".join(read.comments), f"a {part} that was not kept: {read.comments}")
    # An interim response before the final one is none.
    read = Read(run, archives.saz([Session(post(), b"HTTP/1.1 100 Continue\r\n\r\n" + answer(), at(0, 1, 2, 3))]), "saz")
    counter.check(b"100 Continue" not in read.text(1) and b"HTTP/1.1 200 OK" in read.text(1), f"behind 100 Continue: {read.text(1)!r}")
    # Through pipes, both ends.
    done, said, _ = command("-", "-", input=archives.saz(sessions))
    counter.check(done.returncode == 0 and done.stdout[:4] == b"\x0a\x0d\x0d\x0a", f"standard input and output: {said!r}")
    output = run.path("pcapng")
    output.write_bytes(b"old")
    archive = run.path("saz")
    archive.write_bytes(archives.saz(sessions))
    done, said, _ = command(archive, output)
    counter.check(done.returncode == 2 and output.read_bytes() == b"old" and "--force" in said, f"an existing file: {said!r}")
    done, said, _ = command("--force", archive, output)
    counter.check(done.returncode == 0 and len(output.read_bytes()) > 9000 and said.startswith("Fiddler archive by Fiddler (v5"), said)


def test_kinds(run, counter):
    cases = {"capture": b"\xd4\xc3\xb2\xa1" + bytes(20), "keylog": b"CLIENT_RANDOM 00 11\n", "exported": b'<?xml version="1.0"?>\n<pdml>',
             "eventlog": b"ElfFile\0" + bytes(9), "document": b"%PDF-1.7", "json": b"[1]", "text": b"\xff\xfea\0",
             "har": b'\xef\xbb\xbf {\n "log" : {', "program": b"\x7fELF" + bytes(9), "data": b"!BDN" + bytes(9)}
    for name, content in cases.items():
        path = run.path("bin")
        path.write_bytes(content)
        kind = filekind.of(path)
        counter.equal((kind.name, kind.readable), (name, True if name == "capture" else False), name)
        counter.check(name == "capture" or len(kind.sentence) > 20, f"{name}: {kind.sentence!r}")
    counter.equal(filekind.of(sample_path("mapi-http-gzip")).name, "capture", "a sample")


# ---- extcap, and a proxy's own file ----------------------------------------------------------

def test_extcap(run, counter):
    tshark = run.tshark
    folder = tshark.scratch / "extcap"
    folder.mkdir()
    shutil.copy(SCRIPT, folder)
    shutil.copytree(SCRIPT.parent / "archive", folder / "archive", ignore=shutil.ignore_patterns("__pycache__"))
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() or path.name == SCRIPT.name else 0o644)
    env = {"WIRESHARK_EXTCAP_DIR": str(folder)}
    used = min(cost() for _ in range(5))
    counter.check(used < 0.1, f"--extcap-interfaces took {used:.3f} s of processor time")
    listed = tshark.output(["-D"], env=env)
    counter.check("fiddler (Fiddler archive (.saz) or HAR file)" in listed, f"tshark -D: {listed!r}")
    links = tshark.output(["-i", "fiddler", "-L"], env=env, stdin=subprocess.DEVNULL)
    counter.check("RAW" in links or "Raw IP" in links, f"tshark -L: {links!r}")
    archive = tshark.home / "x.saz"
    archive.write_bytes(archives.saz([Session(post(counter=1), answer(), at(0, 1, 2, 3)), Session(post(counter=2), answer(), at(9, 9, 9, 9))]))
    archive.chmod(0o644)
    text = tshark.output(["-i", "fiddler", "-o", f"extcap.fiddler.file:{archive}", "-n", "-a", "duration:20"], env=env)
    counter.equal(text.count("PING request"), 2, f"tshark -i fiddler: {text!r}")
    text = tshark.output(["-i", "fiddler", "-o", f"extcap.fiddler.file:{archive}", "-n", "-a", "duration:20", "-q", "-z", "outlook,report"],
                         env=env)
    counter.check("made from Fiddler archive x.saz" in text and "no gaps" not in text, f"tshark -i fiddler -z outlook,report: {text!r}")
    for options, words in ((["-o", "extcap.fiddler.file:/nonexistent.saz"], b"No such file"), ([], b"choose an archive")):
        process = tshark.popen(["-i", "fiddler", *options, "-a", "duration:20"], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            _, err = process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            process.terminate()
            err = process.communicate()[1] + b" and does not end"
        counter.check(words in err and b"does not end" not in err, f"tshark -i fiddler {options}: {err!r}")
    for args, words in ((["--extcap-interface", "fiddler", "--extcap-config"], "{required=true}"),
                        (["--extcap-interface", "fiddler", "--extcap-dlts"], "{number=101}"),
                        (["--extcap-interfaces", "--extcap-version=4.6"], "interface {value=fiddler}")):
        done, _, _ = command(*args)
        counter.check(done.returncode == 0 and words in done.stdout.decode(), f"{args}: {done.stdout!r}")
    for args in (["--capture", "--extcap-interface", "fiddler", "--fifo", run.path("fifo")], ["--capture", "--extcap-interface", "eth0"],
                 ["--extcap-dlts"]):
        done, said, _ = command(*args)
        counter.check(done.returncode == 2 and said.count("\n") == 1, f"{args}: {done.returncode}, {said!r}")


def cost():
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([SCRIPT, "--extcap-interfaces"], stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_joined(run, counter):
    """The report still knows an archive from a capture when files were put together or cut: all of it, or a part only."""
    archive, _ = run.convert(archives.saz([Session(post(counter=1), answer(), at(0, 1, 2, 3))]), "saz")
    captured = sample_path("mapi-http-plain")
    for name, paths, made in (("two archives", [archive, archive], True), ("an archive and a capture", [archive, captured], False),
                              ("a capture and an archive", [captured, archive], False)):
        joined = run.path("pcapng")
        subprocess.run(["mergecap", "-a", "-w", joined, *paths], check=True)
        told = json.loads(run.tshark.output(["-r", run.tshark.private_copy(joined), "-q", "-z", "outlook,report,json"]))
        counter.equal(bool(told["capture"]["archive"]), made, name)


def test_mitmproxy(run, counter):
    data = (common.PROJECT / "tests" / "archives" / "mitmproxy.har").read_bytes()
    entries = json.loads(data)["log"]["entries"]
    output, _ = run.convert(data, "har")

    def header(message, name):
        return next((field["value"] for field in message["headers"] if field["name"].lower() == name), None)

    found = run.values(output)
    counter.check(len(entries) > 30, "entries")
    counter.equal(found["http.response.code"], [str(entry["response"]["status"]) for entry in entries], "statuses")
    wanted = [header(entry["response"], "x-responsecode") for entry in entries]
    counter.equal(found["mapihttp.response_code"], [code for code in wanted if code is not None], "response codes")
    counter.check(len(found["rop.id"]) > 20, f"{len(found['rop.id'])} ROPs")
    counter.equal(run.rows(output, ["frame.number"], "-Y", "mapihttp.malformed || rop.malformed || _ws.malformed"), [], "malformed")
    counter.equal(by_absence(found["outlook.verdict"]), [], "verdicts from absence")
    counter.check("mapihttp.response_code.failed" in found["outlook.verdict"], "verdicts")


def main():
    subjects = [common.Part(f"same {name}", lambda run, counter, name=name: test_same(run, name, counter)) for name in (*SAME, *SAME_RPC)]
    subjects += [common.Part(f"silence {name}", lambda run, counter, name=name: test_silence(run, name, counter)) for name in absence_samples()]
    subjects += [common.Part(name.removeprefix("test_"), test) for name, test in globals().items()
                 if name.startswith("test_") and test not in (test_same, test_silence)]
    subjects = common.Arguments().of(subjects)
    with wsrun.Tshark() as tshark, tempfile.TemporaryDirectory() as scratch:

        def test(subject, counter):
            folder = pathlib.Path(scratch) / re.sub(r"\W", "_", subject.name)
            folder.mkdir()
            subject.function(Run(tshark, folder), counter)

        return common.run_all(test, subjects)


if __name__ == "__main__":
    sys.exit(main())
