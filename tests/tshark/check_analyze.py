"""Runs ./analyze on samples, on what is no capture, and looks for what must not be shown.

    check_analyze.py [PART ...]

Of samples the report must fit one screen, say who, when, which server, what and where, and never hold a password, a token
or a whole cookie; the exit status is that of its JSON. What the command does around it: folders, standard input, packed
files, rings, archives, width and colours, progress, help without a build.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import base64
import collections
import gzip
import json
import os
import pathlib
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import archives as made_archives
import common
from common import capfile

ANALYZE = common.PROJECT / "tools" / "analyze.py"
SCREEN = (100, 60)
PASSWORD = "correct horse"
PLACES = "CLIENT|NETWORK DEVICE|SERVER|CANNOT TELL"
SET_COOKIE = re.compile(rb"(?im)^Set-Cookie:[ \t]*([^=;\r\n]+)=\"?([^;\"\r\n]*)")
# What the report of a sample must say, as regular expressions.
SAYS = {
    "live-split-lb": [
        r"^FAILED +1 of 1 RPC over HTTP connection\b", r"who .*example\.test\\alice \(Basic\) at 127\.0\.1\.10",
        r"-> ex1\.example\.test:6004", r"first +\d\d:\d\d:\d\d\.\d\d\dZ", r"127\.0\.0\.2:80\b", r"127\.0\.0\.3:80\b",
        r"where +NETWORK DEVICE\b.*127\.0\.0\.4", r"\binferred\b|\bseen\b", r"next ", r"\bboth directions, no gaps"],
    "live-tls13-split-lb": [r"^FAILED +1 of 1", r"where +NETWORK DEVICE", r"4 TLS connections, 4 decrypted"],
    "live-healthy": [r"^healthy +1 of 1 RPC over HTTP connection: example\.test\\alice"],
    "live-affinity-lb": [r"^healthy +1 of 1 RPC over HTTP connection: example\.test\\alice"],
    "live-joined-across-lb": [r"^healthy +1 of 1\b.*joined across two proxies"],
    "live-wrong-password": [r"^FAILED +1 of 1 .*refused", r"who .*example\.test\\alice", r"401", r"where +(CLIENT|SERVER)"],
    "live-refused-503": [r"^FAILED +1 of 1 .*refused", r"503"],
    "live-idle-lb": [r"^FAILED +1 of 1 .*closed while idle", r"where +NETWORK DEVICE"],
    "live-fault": [r"^NOTE +1 of 1 .*failed calls"],
    "live-lone": [r"^NOTE +1 of 1 .*one channel only"],
    "live-tls-no-keys": [r"2 TLS connections, 0 decrypted", r"handshake completed", r"longest idle",
                         r"(closed|reset) by the (client|server)", r"^CANNOT TELL +2 TLS connections: not decrypted"],
    "mapi-http-plain": [r"^healthy +1 of 1 MAPI/HTTP session: example\.test\\alice", r"^slowest +\w+, [\d.]+ ms, session 0, frames "],
    "mapi-quiet-wrong-password": [r"^healthy "],
    "mapi-auth-ntlm-torn": [r"^FAILED +1 (of \d+ MAPI/HTTP sessions?|logon) torn", r"where +NETWORK DEVICE"],
    "mapi-auth-refused-basic": [r"^FAILED +1 (of \d+ MAPI/HTTP sessions?|logon) refused again and again",
                                r"where +[A-Z]"],
    "mapi-auth-slow-ntlm": [r"^NOTE +1 (of \d+ MAPI/HTTP sessions?|logon) answered slowly"],
    "mapi-verdict-lost-10": [r"^FAILED +1 of 1 MAPI/HTTP session lost", r"who .*alice.* at 10\.0\.0\.21",
                             r"first +\d\d:\d\d:\d\d\.\d\d\dZ", r"where +[A-Z]", r"next ", r"ids "],
    "mapi-verdict-expired": [r"^NOTE +1 of 1 MAPI/HTTP session used after"],
    "mapi-verdict-http-504-120s": [r"^FAILED .*an HTTP error or a page", r"504", r"where +[A-Z]"],
    "mapi-verdict-http-proven-403": [r"^FAILED .*an HTTP error or a page", r"403", r"where +NETWORK DEVICE"],
    "mapi-verdict-pending-silence": [r"^FAILED +1 of 1 MAPI/HTTP session held back"],
    "live-tls12-untrusted-ca": [r"1 TLS connection, 0 decrypted", r"handshake ended by alert unknown_ca from the client"],
    "live-tls13-untrusted-ca": [r"1 TLS connection, 0 decrypted", r"handshake ended by"],
}
THIRD_PARTY_SAYS = {
    "misroute-rpch-roundrobin": [r"^FAILED +1 of 1", r"127\.0\.0\.2:8081", r"127\.0\.0\.3:8082",
                                 r"where +NETWORK DEVICE\b.*127\.0\.0\.4"],
    "affinity-rpch-source": [r"^healthy +1 of 1"],
    "fail-rpch-badpassword-basic": [r"^FAILED +2 of 2 .*refused", r"401"],
    "rpch-exchanger-basic": [r"^healthy +2 of 2"],
    "tls-rpch-exchanger-basic": [r"^healthy +1 of 1", r"2 TLS connections, 2 decrypted"],
    "mapihttp-session": [r"^healthy +1 of 1 MAPI/HTTP session: .*alice@example\.test", r"^slowest +Execute, [\d.]+ ms"],
    "affinity-mapihttp-source": [r"^healthy +1 of 1 MAPI/HTTP session"],
    "tls-mapihttp": [r"^healthy +2 of 2 MAPI/HTTP sessions", r"3 TLS connections, 3 decrypted"],
    "misroute-mapihttp-roundrobin": [
        r"^FAILED +2 of 2 MAPI/HTTP sessions lost", r"127\.0\.0\.3:8082",
        r"where +NETWORK DEVICE\b", r"next ", r"^slowest "],
    "fail-mapihttp-401": [r"^FAILED +1 logon refused again and again", r"who .*alice@example\.test", r"\(frame 19\)",
                          r"^healthy +1 of 1 MAPI/HTTP session"],
    "fail-mapihttp-responsecodes": [r"^FAILED .*(answered with an HTTP error or a page|had requests refused)",
                                    r"also +3 packets with a broken MAPI/HTTP message, first frame 29"],
    "misroute-rpch-ntlm-serverclose": [r"^FAILED +1 of 3 RPC over HTTP connections and 1 logon torn", r"127\.0\.0\.2:8081", r"127\.0\.0\.3:8082",
                                       r"where +NETWORK DEVICE\b"],
}


def headlines():
    """{filter: words of the report, of a session and of a request}."""
    core = common.PROJECT / "plugin" / "core"
    names = dict(re.findall(r'ROW\((V_\w+),\s*"([\w.]+)"', (core / "judge" / "verdicts.c").read_text(encoding="utf-8")))
    words = collections.defaultdict(list)
    for kind, text in re.findall(r'\b(?:HEADLINE|OF_REQUEST)\((V_\w+), "([^"]*)"\)', (core / "report" / "headlines.c").read_text(encoding="utf-8")):
        words[names[kind]].append(text)
    return words


HEADLINES = headlines()
BATCH = 16                           # captures of one run: starting it costs as much as three of them


def command(*args, **more):
    settings = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL, "cwd": "/", "timeout": 300}
    return subprocess.run([sys.executable, ANALYZE, *map(str, args)], **{**settings, **more}, check=False)


def run(*args, **more):
    process = command(*args, **more)
    return process.returncode, process.stdout.decode("utf-8", "replace"), process.stderr.decode("utf-8", "replace")


def secrets(sample):
    """Everything of the capture that no report may show."""
    found = {PASSWORD, base64.b64encode(PASSWORD.encode()).decode()}
    # The password may stand at any place of the base64.
    for shift in range(3):
        text = base64.b64encode(b"x" * shift + PASSWORD.encode()).decode()
        found.add(text[4:-4])
    # Of cookies the server set, too: a session's is a key to it.
    for tcp in capfile.connections(sample.capture):
        for name, value in SET_COOKIE.findall(bytes(tcp.halves[1].data)):
            if len(value) > 8 and not value.lower().startswith(b"deleted"):
                found.add(value.decode("latin-1"))
    return found | capfile.secrets_of(sample.capture)


def layout(counter, text):
    lines = text.splitlines()
    counter.check(lines and len(lines) <= SCREEN[1], f"{len(lines)} lines, one screen has {SCREEN[1]}")
    widest = max(map(len, lines[1:]), default=0)           # the first is the file's name
    counter.check(widest <= SCREEN[0], f"a line of {widest} columns, one screen has {SCREEN[0]}")
    counter.check(all(char.isprintable() or char == "\n" for char in text), "control characters in the report")


# ---- samples -------------------------------------------------------------------------------

class Batch:
    """Samples that one run reads, without a key log or with the same."""

    def __init__(self, samples):
        self.samples, self.name = samples, f"{samples[0].name} and {len(samples) - 1} more"

    def function(self, counter):
        keys = self.samples[0].keys
        status, out, err = run(*(["-k", keys] if keys else []), *(sample.path for sample in self.samples))
        counter.equal(err, "", "standard error")
        blocks = re.split(r"^(%s)\n" % "|".join(re.escape(str(sample.path)) for sample in self.samples), out, flags=re.MULTILINE)
        shown = dict(zip(blocks[1::2], blocks[2::2]))
        counter.equal(status == 1, bool(re.search("^FAILED ", out, re.MULTILINE)), "exit status 1")
        for sample in self.samples:
            one = common.Counter(sample.name)
            test(sample, one, f"{sample.path}\n{shown.get(str(sample.path), '')}".rstrip("\n") + "\n")
            counter.passed += one.passed
            counter.failures += [f"{sample.name}: {failure}" for failure in one.failures]


def test(sample, counter, out):
    layout(counter, out)
    # A password may be an English word: the file's name and the report's own sentences hold "wrong password".
    told = out.replace(str(sample.path), "").replace("wrong password", "")
    for secret in secrets(sample):
        counter.check(secret not in told, f"the report shows a secret of {len(secret)} characters")
    counter.check(re.search(r"\d+ packets?, .* from \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z", out), f"no duration or start:\n{out}")
    for pattern in SAYS.get(sample.name, []) + THIRD_PARTY_SAYS.get(sample.name, []):
        # Entries are wrapped: look in the text as lines and as one.
        joined = re.sub(r"\n {6,}", " ", out)
        counter.check(re.search(pattern, out, re.MULTILINE) or re.search(pattern, joined, re.MULTILINE),
                      f"the report does not say {pattern!r}:\n{out}")
    if sample.expect is None:
        return
    if "messages" in sample.expect:
        mapi(sample, counter, out)
        return
    failing = {(item["vc"], item["leg"]) for item in common.standing(sample.expect["items"])
               if item.get("vc") is not None and item["severity"] in ("warning", "error")
               and not item["item"].startswith("rpch.rts.")}
    counter.equal(bool(re.search(r"^FAILED ", out, re.MULTILINE)), bool(failing), f"says FAILED:\n{out}")
    if failing:
        whole(counter, out)
        users = {leg["user"] for leg in sample.expect["legs"] if (leg["vc"], leg["leg"]) in failing and leg.get("user")}
        if users:
            counter.check(any(user in out for user in users), f"none of the users {sorted(users)} is named:\n{out}")
    elif sample.expect["legs"] and all(leg["opens"] for leg in sample.expect["legs"]) and not sample.expect["items"]:
        counter.check(re.search(r"^healthy ", out, re.MULTILINE), f"a healthy capture is not called healthy:\n{out}")


def whole(counter, out):
    """A failure is said with all that belongs to it."""
    counter.check(re.search(rf"^  where +(({PLACES}) \((seen|inferred)|CANNOT TELL \(\w)", out, re.MULTILINE), f"no where:\n{out}")
    counter.check(re.search(r"^  first +(\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d\.\d{3}Z", out, re.MULTILINE), "no absolute time")
    counter.check(re.search(r"^  who +\S", out, re.MULTILINE), f"nobody is named:\n{out}")
    counter.check(re.search(r"^  see +wireshark -r FILE -Y '", out, re.MULTILINE), f"no way to see it:\n{out}")


def mapi(sample, counter, out):
    """What every MAPI/HTTP sample's report must say, by its items."""
    # What ROPs say of how they went is no verdict.
    items = [item for item in sample.expect["items"] if not item["item"].startswith("rop.")]
    grave = {item["item"] for item in items if item["severity"] in ("warning", "error")} - {"mapihttp.malformed"}
    notes = {item["item"] for item in items if item["severity"] == "note"}
    if "mapihttp.session.expired" in notes:
        grave -= {"mapihttp.response_code.failed"}       # which the expiry explains
    tolerated = set(sample.expect["tolerated"])
    if grave or not tolerated:
        counter.equal(bool(re.search(r"^FAILED ", out, re.MULTILINE)), bool(grave), f"says FAILED:\n{out}")
    joined = re.sub(r"\n +", " ", out)
    for name in grave | notes:
        counter.check(any(text in joined for text in HEADLINES[name]) or name in joined or " more in " in joined, f"says nothing of {name}:\n{out}")
    if grave:
        whole(counter, out)
    sessions = {row["fields"]["mapihttp.session"] for row in sample.expect["messages"] if "mapihttp.session" in row["fields"]}
    if sessions and not grave and not notes and not tolerated:
        # A verdict that a gap withholds makes a session none that is called healthy.
        counter.check(re.search(rf"^healthy +{len(sessions)} of {len(sessions)} MAPI/HTTP session|"
                                rf"^CANNOT TELL +{len(sessions)} MAPI/HTTP session.*: bytes are missing from", out, re.MULTILINE),
                      f"{len(sessions)} healthy sessions are not called healthy:\n{out}")
    if any(row["to"] == "client" and row["fields"].get("mapihttp.session") and row["fields"].get("mapihttp.request_in")
           for row in sample.expect["messages"]):
        counter.check(re.search(r"^slowest +\w+, [\d.]+ (ms|s|min)", out, re.MULTILINE), f"no slowest request:\n{out}")
    if any(item["item"] == "mapihttp.malformed" for item in sample.expect["items"]):
        counter.check("with a broken MAPI/HTTP message" in joined, f"does not count the broken message:\n{out}")


# ---- the command ---------------------------------------------------------------------------

HEALTHY, SPLIT, CLOSED = "live-healthy", "live-split-lb", "live-tls-no-keys"


def path_of(name):
    return next(common.places.folder(name).glob("capture.pcap*"))


def default(counter, _folder):
    status, out, _ = run()
    counter.equal(status, 1, "without a capture: exit status")
    counter.check("split-lb" in out and re.search(r"^FAILED ", out, re.MULTILINE), f"not the mis-routed sample:\n{out}")


def statuses(counter, _folder):
    """0, 1 and 2, of one capture and of several: a failure is what counts most."""
    for names, expected in (((HEALTHY,), 0), ((SPLIT,), 1), ((CLOSED,), 2), ((HEALTHY, CLOSED), 2), ((CLOSED, SPLIT, HEALTHY), 1)):
        status, out, _ = run(*map(path_of, names))
        counter.equal(status, expected, f"{names}: exit status")
        told = command("--json", *map(path_of, names))
        report = json.loads(told.stdout)
        counter.equal(told.returncode, expected, f"{names}: exit status with --json")
        reports = report if isinstance(report, list) else [report]
        counter.equal([one["file"] for one in reports], [str(path_of(name)) for name in names], "files of JSON")
        counter.equal(isinstance(report, list), len(names) > 1, "an array")
        results = {0: {"healthy"}, 1: {"failed"}, 2: {"cannot_tell"}}
        if len(names) == 1:
            counter.check(report["result"] in results[expected], f"{names}: {report['result']}")
    status, out, err = run("-k", "/nonexistent.keys", path_of(HEALTHY))
    counter.check(status == 2 and "nonexistent.keys" in err and "Traceback" not in err, f"a missing key log: {status} {err}")


def bad_input(counter, folder):
    """Cut, empty, missing and foreign files: a sentence, an exit status, no traceback."""
    whole_file = path_of(HEALTHY).read_bytes()
    cases = {"cut.pcapng": whole_file[:len(whole_file) - 37], "cut-early.pcapng": whole_file[:300], "empty.pcapng": b"",
             "text.pcapng": b"no capture at all\n" * 20, "noise.bin": bytes(range(1, 256)) * 40,
             "picture.png": b"\x89PNG\r\n\x1a\n" + bytes(200), "program.exe": b"MZ\x90\0" + bytes(600),
             "trace.etl": b"\0" * 4096, "export.json": b'[{"_index": "packets"}]', "keys.txt": b"CLIENT_RANDOM " + b"ab" * 32,
             "text.gz": gzip.compress(b"no capture at all\n" * 20), "bad.saz": b"PK\3\4" + bytes(100),
             "bad.har": b'{"log": {"entries": 7}}', "empty.saz": made_archives.saz([]), "header-only.pcap": bytes.fromhex(
                 "d4c3b2a1020004000000000000000000ffff000001000000")}
    ways_out = {"picture.png": "ask for the capture", "program.exe": "give the capture", "trace.etl": "etl2pcapng",
                "export.json": "save the capture itself", "keys.txt": "-k FILE", "empty.pcapng": "an empty file",
                "empty.saz": "a Fiddler archive without a session"}
    for name, data in cases.items():
        path = folder / name
        path.write_bytes(data)
        status, out, err = run(path)
        counter.check("Traceback" not in err + out, f"{name}: a traceback:\n{err}")
        counter.check(name in out + err and len(out.splitlines()) <= SCREEN[1], f"{name}: does not name the file:\n{out}{err}")
        counter.equal(status, 2, f"{name}: exit status: {out}")
        counter.check(ways_out.get(name, "") in re.sub(r"\n {6,}", " ", out), f"{name}: no way out: {out}")
        told = command("--json", path)
        counter.equal((told.returncode, json.loads(told.stdout)["file"]), (2, str(path)), f"{name}: JSON")
    status, out, _ = run(folder / "cut.pcapng")
    counter.check(re.search(r"cut short|truncated", out), f"cut.pcapng: does not say that it is cut:\n{out}")
    counter.check(re.search(r"packets, ", out), f"cut.pcapng: what could be read is not reported:\n{out}")
    counter.check("standard input" not in out, f"cut.pcapng is no standard input:\n{out}")
    status, out, _ = run("/dev/zero")
    counter.check(status == 2 and "a device or socket" in out, f"a device: {status} {out}")
    status, _, err = run("-k", folder / "missing.keys", path_of(HEALTHY))
    counter.check(status == 2 and f"-k {folder}/missing.keys: No such file" in err, f"a key log that is not there: {status} {err}")
    for name, wrong in (("text.pcapng", True), ("keys.txt", False)):
        status, out, err = run("-k", folder / name, path_of(HEALTHY))
        counter.equal((status, "not a TLS key log" in err), (0, wrong), f"-k {name}: {out}{err}")
    status, out, err = run(folder / "missing.pcapng", path_of(HEALTHY))
    counter.check(status == 2 and "missing.pcapng" in out, "missing.pcapng is not reported")
    counter.check("healthy  1 of 1" in out, "after a missing file the next capture is not read")


def same_report(counter, name, expected, *args, **more):
    """The report of something that holds what the sample holds: but for the file's name."""
    status, out, err = run(*args, **more)
    counter.equal((status, out.split("\n", 1)[-1], err), (expected[0], expected[1].split("\n", 1)[-1], ""), name)
    return out.split("\n", 1)[0]


def packed(counter, folder):
    """gzip and zstd, a pipe and a file as standard input, a folder."""
    sample = path_of(SPLIT)
    expected = run(sample)
    (folder / "packed.pcapng.gz").write_bytes(gzip.compress(sample.read_bytes()))
    same_report(counter, "gzip", expected, folder / "packed.pcapng.gz")
    if shutil.which("zstd"):
        subprocess.run(["zstd", "-q", "-o", folder / "packed.pcapng.zst", sample], check=True)
        same_report(counter, "zstd", expected, folder / "packed.pcapng.zst")
    else:
        print("SKIPPED: zstd is absent")
    counter.equal(same_report(counter, "a pipe", expected, "-", stdin=None, input=sample.read_bytes()), "standard input", "its name")
    with open(folder / "packed.pcapng.gz", "rb") as file:
        same_report(counter, "a packed file as standard input", expected, "-", stdin=file)
    inside = folder / "captures"
    inside.mkdir()
    shutil.copy(sample, inside / "b.pcapng")
    shutil.copy(path_of(HEALTHY), inside / "a.pcapng")
    (inside / "readme.txt").write_text("no capture\n", encoding="ascii")
    (inside / "deeper").mkdir()
    status, out, _ = run(inside)
    names = [line for line in out.splitlines() if line.startswith(str(inside))]
    counter.equal((status, names), (1, [str(inside / "a.pcapng"), str(inside / "b.pcapng")]), "a folder")
    status, out, _ = run(inside / "deeper")
    counter.check(status == 2 and "a folder without a capture" in out, f"an empty folder: {out}")


def ring(counter, folder):
    """The files of a ring, which connections run through, are one capture; those of another, or one alone, are not."""
    capture = capfile.load(path_of(SPLIT))
    expected = run(path_of(SPLIT))
    third = len(capture.packets) // 3
    paths = []
    for number in range(3):
        path = folder / f"out_{number + 4:05d}_2026112412000{number}.pcapng"
        capfile.save(path, capfile.Capture(capture.packets[number * third:(number + 1) * third if number < 2 else None]))
        paths.append(path)
    # In any order: their names tell it. Numbers begin anew, times do not.
    name = same_report(counter, "a ring", expected, paths[2], paths[0], paths[1])
    counter.check("3 files of one ring" in name, name)
    _, out, _ = run(paths[1])
    counter.check(out.startswith(f"{paths[1]}\n") and "one ring" not in out, f"one file of it alone: {out}")
    shutil.copy(path_of(HEALTHY), folder / "other_00001_20261124120000.pcapng")
    status, out, _ = run(*paths, folder / "other_00001_20261124120000.pcapng")
    counter.check("3 files of one ring" in out and "other_00001" in out and "healthy  1 of 1" in out, f"beside another: {out}")
    (folder / "out_00007_20261124120009.pcapng").write_bytes(b"no capture\n")
    status, out, err = run(*paths, folder / "out_00007_20261124120009.pcapng")
    counter.check(status == 2 and "Traceback" not in err and "not a capture" in out, f"with something else in it: {out}{err}")


def archives(counter, folder):
    """A HAR file becomes a capture, and says that it is none that was taken."""
    entry = {"startedDateTime": "2026-01-05T10:00:00.000Z", "time": 40, "serverIPAddress": "192.0.2.81", "connection": "7",
             "request": {"method": "POST", "url": "http://mail.example.test/mapi/emsmdb/?MailboxId=a@example.test",
                         "httpVersion": "HTTP/1.1", "headers": [{"name": "X-RequestType", "value": "Connect"},
                                                                {"name": "Content-Type", "value": "application/mapi-http"}],
                         "postData": {"mimeType": "application/mapi-http", "text": ""}, "bodySize": 0},
             "response": {"status": 503, "statusText": "Service Unavailable", "httpVersion": "HTTP/1.1",
                          "headers": [{"name": "Content-Type", "value": "text/html"}],
                          "content": {"size": 2, "mimeType": "text/html", "text": "no"}, "bodySize": 2},
             "timings": {"send": 1, "wait": 38, "receive": 1}}
    path = folder / "session.har"
    path.write_text(json.dumps({"log": {"version": "1.2", "creator": {"name": "test", "version": "1"}, "entries": [entry]}}),
                    encoding="utf-8")
    status, out, err = run(path)
    counter.check("HAR" in out and "1 request" in out and re.search(r"\d+ packets?, ", out) and not err, f"a HAR file: {out}{err}")
    counter.equal(status, 1, f"a HAR file: exit status: {out}")
    counter.check(json.loads(command("--json", path).stdout)["archive"], "JSON says nothing of the archive")
    counter.check(f"  for Wireshark: tools/saz2pcapng {path} makes a capture of it" in out, f"no way into Wireshark: {out}")
    counter.check("made from HAR file session.har (1 TCP connection): no packet was captured" in out, f"the archive's TCP: {out}")
    status, out, _ = run("-", stdin=None, input=path.read_bytes())
    counter.check(status == 1 and "HAR" in out and "saz2pcapng" not in out, f"the same as standard input: {out}")
    # What is not in it is not denied, and the way out is none of captures.
    for name, remedy in (("foreign-http", "record again: start Fiddler"), ("mapi-http-late", "record again: start Fiddler"),
                         ("seg-v1", "capture packets, at the client"), ("bad-snapped-bodies", "capture packets, at the client")):
        path = folder / f"{name}.saz"
        path.write_bytes(made_archives.saz(made_archives.of_capture(capfile.load(path_of(name)))))
        status, out, _ = run(path)
        joined = re.sub(r"\n +", " ", out)
        counter.check(status == 2 and remedy in joined, f"{name}.saz: {status} {out}")
        for word in ("begin the capture", "ring buffer", "snap length", "both directions", "no gaps", "mirror port", "no MAPI/HTTP session\n"):
            counter.check(word not in out, f"{name}.saz: {word!r} is none of an archive's: {out}")
        counter.check(re.search(r"^  Fiddler archive by Fiddler .*\n {9}\S", out, re.MULTILINE) or name == "seg-v1", f"broken at blanks: {out}")
        told = json.loads(command("--json", path).stdout)
        counter.equal(told["capture"]["archive"], f"Fiddler archive {name}.saz", "JSON: the archive")
    # An interface of that name beside others is one of many, and the capture one that was captured.
    counter.equal(json.loads(command("--json", path_of(HEALTHY)).stdout)["capture"]["archive"], None, "an archive of a capture")


def terminal(*args, columns, env=None, both=True, wait=60):
    """(exit status, what came on the terminal)."""
    import fcntl
    import struct
    import termios
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    names = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "COLUMNS", "LINES")}
    process = subprocess.Popen([sys.executable, ANALYZE, *map(str, args)], stdin=subprocess.DEVNULL, stdout=slave if both else
                               subprocess.DEVNULL, stderr=slave, cwd="/", env={**names, "TERM": "xterm", **(env or {})})
    os.close(slave)
    out, end = b"", time.monotonic() + wait
    while time.monotonic() < end:
        ready, _, _ = select.select([master], [], [], 1)
        try:
            piece = os.read(master, 65536) if ready else b""
        except OSError:
            break                                         # all others have closed it
        out += piece
        if not ready and process.poll() is not None:
            break
    os.close(master)
    return process.wait(), out.decode("utf-8", "replace").replace("\r\n", "\n")


def at_terminal(counter, folder):
    """Its width, colours unless NO_COLOR forbids, and a bar while a large file is read."""
    status, out = terminal(path_of(SPLIT), columns=72)
    bare = re.sub(r"\x1b\[[0-9;]*[mK]|\r", "", out)
    counter.equal(status, 1, "at a terminal: exit status")
    counter.check("\x1b[1;31mFAILED\x1b[0m" in out, f"no colour: {out!r}")
    lines = bare.splitlines()[1:]
    counter.check(60 < max(map(len, lines)) <= 72, f"72 columns: the widest has {max(map(len, lines))}")
    for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        _, out = terminal(path_of(SPLIT), columns=120, env=env)
        counter.check("\x1b[1;31m" not in out and "FAILED" in out, f"{env}: {out!r}")
    _, out = terminal(path_of(SPLIT), columns=72, env={"NO_COLOR": ""})
    counter.check("\x1b[1;31m" in out, "an empty NO_COLOR forbids nothing")
    counter.check("\x1b" not in run(path_of(SPLIT))[1], "colours where there is no terminal")
    capture = capfile.load(path_of(SPLIT))
    large = folder / "large.pcapng"
    capfile.save(large, capfile.Capture([capfile.Packet(packet.time + number * 10**9, packet.data, packet.length, packet.link)
                                         for number in range(1500) for packet in capture.packets]))
    _, out = terminal(large, columns=100, both=False)
    bars = re.findall(r"\[(#*) *\] +(\d+)%", out)
    counter.check(bars and int(bars[-1][1]) >= int(bars[0][1]) and out.endswith("\r\x1b[K"), f"no bar: {out[-200:]!r}")
    counter.equal(run(path_of(SPLIT))[2], "", "standard error that is no terminal")
    # Of the files of a ring all are counted: halfway through them the bar is halfway.
    for number in range(3):
        shutil.copy(large, folder / f"ring_{number + 1:05d}_2026112412000{number}.pcapng")
    _, out = terminal(*sorted(folder.glob("ring_*")), columns=100, both=False)
    bars = [int(part) for part in re.findall(r"\[#* *\] +(\d+)%", out)]
    counter.check(bars and bars == sorted(bars) and any(20 < part < 80 for part in bars), f"the bar of a ring: {bars} {out[-200:]!r}")


def without_build(counter, folder):
    """--help and --version need no build: they work in a copy without one, and make none."""
    copy = folder / "project"
    for name in ("tools", "plugin"):
        shutil.copytree(common.PROJECT / name, copy / name)
    shutil.copy(common.PROJECT / "analyze", copy / "analyze")
    for word, pattern in (("--help", r"usage: ./analyze .*exit status"), ("-h", "usage:"), ("--version", r"^outlookhttp \d+\.\d+\.\d+, TShark")):
        process = subprocess.run([copy / "analyze", word], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        counter.check(process.returncode == 0 and re.search(pattern, process.stdout, re.DOTALL), f"{word}: {process}")
    counter.equal(sorted(path.name for path in copy.iterdir()), ["analyze", "plugin", "tools"], "what is there afterwards")
    status, _, err = run("--nonsense")
    counter.check(status == 2 and "usage:" in err, f"an option that is none: {err}")


def cost(counter, folder):
    """At most 1.3 times what tshark -q with the three tables takes, beyond what both take to start."""
    capture = capfile.load(path_of("mapi-http-plain"))
    large = folder / "cost.pcapng"
    capfile.save(large, capfile.Capture([capfile.Packet(packet.time + number * 10**9, packet.data, packet.length, packet.link)
                                         for number in range(4000) for packet in capture.packets]))
    with common.wsrun.Tshark() as tshark:
        def tables(path):
            tshark.output(["-r", tshark.private_copy(path), "-n", "-q", "-o", "tcp.reassemble_out_of_order:TRUE", "-z", "rpch,connections",
                           "-z", "mapihttp,sessions", "-z", "outlook,auth"])

        def seconds(work, path):
            """Of the processor, the least of three."""
            times = []
            for _ in range(3):
                began = os.times()
                work(path)
                ended = os.times()
                times.append(ended.children_user + ended.children_system - began.children_user - began.children_system)
            return min(times)
        small = path_of("mapi-http-plain")
        by_tables, by_analyze = (seconds(work, large) - seconds(work, small) for work in (tables, run))
    print(f"note: ./analyze takes {by_analyze / by_tables:.2f} times what the tables take ({by_analyze:.2f} s, {by_tables:.2f} s)")
    counter.check(by_analyze <= 1.3 * by_tables + 0.1, f"{by_analyze:.2f} s, the tables {by_tables:.2f} s")


def hostile(counter, folder):
    """What a client writes must not reach the terminal as control characters, and users do not identify."""
    sample = common.samples("live-split-lb")[0]
    capture = capfile.load(sample.path)
    evil = b"ex1.\x1b[2J\x07\xff.test"
    for packet in capture.packets:
        packet.data = packet.data.replace(b"ex1.example.test", evil.ljust(16, b"x")[:16])
    path = folder / "hostile.pcapng"
    capfile.save(path, capture)
    _, out, err = run(path)
    counter.check("Traceback" not in err, f"hostile.pcapng: a traceback:\n{err}")
    layout(counter, out)


def many(counter, folder):
    """Forty connections that fail alike are one group."""
    sample = common.samples("live-split-lb")[0]
    capture = capfile.load(sample.path)
    packets = []
    for number in range(40):
        copy = []
        for packet in capture.packets:
            data = packet.data
            for cookie in {cookie for walk in sample.walks for pdu in walk.pdus for cookie in cookies_of(pdu)}:
                data = data.replace(cookie, bytes([cookie[0] ^ number, *cookie[1:]]))
            copy.append(capfile.Packet(packet.time + number * 60 * 10**9, data, packet.length, packet.link))
        moved = list(copy)
        for tcp in capfile.connections(capfile.Capture(copy)):
            client = (tcp.client[0], 1024 + (tcp.client[1] + number * 997) % 60000)
            for index, way, seg in tcp.segments:
                ends = (client, tcp.server) if way == 0 else (tcp.server, client)
                moved[index] = capfile.rebuild(copy[index], seg, source=ends[0], target=ends[1])
        packets += moved
    path = folder / "many.pcapng"
    capfile.save(path, capfile.Capture(packets))
    status, out, err = run(path)
    counter.equal((status, err), (1, ""), "many.pcapng: exit status and standard error")
    layout(counter, out)
    counter.check(re.search(r"^FAILED +40 of 40 ", out, re.MULTILINE), f"many.pcapng: not folded into one:\n{out}")


def cookies_of(pdu):
    import plain
    return plain.cookies(pdu) if pdu.ptype == capfile.RTS else []


class Named:
    def __init__(self, function, folder):
        self.name = function.__name__.replace("_", " ")
        self.function = lambda counter: function(counter, folder)


PARTS = [default, statuses, bad_input, packed, ring, archives, at_terminal, without_build, cost, hostile, many]


def batches(samples):
    """Those with a key log alone."""
    plain = [sample for sample in samples if not sample.keys]
    return [Batch(plain[at:at + BATCH]) for at in range(0, len(plain), BATCH)] + [Batch([sample]) for sample in samples if sample.keys]


def main():
    names = sys.argv[1:]
    with tempfile.TemporaryDirectory() as name:
        subjects = []
        for part in PARTS:
            folder = pathlib.Path(name) / part.__name__
            folder.mkdir()
            if not names or part.__name__ in names:
                subjects.append(Named(part, folder))
        if not names or "samples" in names:
            subjects += batches(common.samples(kind="dissection") + common.third_party())
        return common.run_all(lambda subject, counter: subject.function(counter), subjects)


if __name__ == "__main__":
    sys.exit(main())
