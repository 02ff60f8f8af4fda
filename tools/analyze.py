"""The report of ./analyze: one pass of tshark with the plugin over each capture.

    analyze.py [-k KEYLOG] [CAPTURE ...]

tshark prints the fields of every packet and, after the last, the tables of -z rpch,connections,
-z mapihttp,sessions and -z outlook,auth. Packets are counted and forgotten.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import overview
import report
import table
import wsrun

VALUE, FIELD = "\x1f", "\x1e"
# An expert item's own message is cut at 240 characters.
VERDICT_PARTS = ["outlook.verdict", "outlook.verdict.seen", "outlook.verdict.inferred", "outlook.verdict.next"]
FIELDS = overview.FIELDS + [
    "http.request.method", "rpch.vc", "rpch.vc.leg", "rpch.vc.in_stream", "rpch.vc.out_stream", "rpch.vc.in_peer",
    "rpch.vc.out_peer", "rpch.vc.state", "rpch.target", "outlook.request_id", "outlook.client_request_id",
    "mapihttp.session", "mapihttp.leg", "mapihttp.request_type", "mapihttp.endpoint", "mapihttp.request_in",
    "outlook.auth.user", "rpch.rts.malformed", "rpch.rts.unexpected", "mapihttp.malformed", "outlook.verdict.where",
    *VERDICT_PARTS, *report.HEADLINES,
]
TABLES = ["-z", "rpch,connections", "-z", "mapihttp,sessions", "-z", "outlook,auth"]
TEXTS_KEPT = 2000                    # verdict texts; identical ones are folded anyway
FINDINGS_KEPT = 2000                 # verdicts that belong to no session
# What is a session's even on a frame that shows none of its messages: a head, a FIN.
OF_SESSIONS = ("mapihttp.session.", "mapihttp.pending.", "mapihttp.response.", "mapihttp.request.")
# Where both stand, the second explains the first: a context that had expired is refused.
EXPLAINED = {"mapihttp.response_code.failed": "mapihttp.session.expired"}
IDS_KEPT = 4                         # request ids of one connection and leg
ODD = {"rpch.rts.malformed": "a broken RTS PDU", "rpch.rts.unexpected": "an unexpected RTS PDU",
       "mapihttp.malformed": "a broken MAPI/HTTP message"}
CHANNELS = {"RPC_IN_DATA", "RPC_OUT_DATA", "RPC_CONNECT"}
DEFAULT_SAMPLE = "split-lb"


def default_captures():
    samples = sorted((wsrun.PROJECT / "test-captures").rglob("*.pcap*"))
    chosen = [path for path in samples if DEFAULT_SAMPLE in str(path.relative_to(wsrun.PROJECT))]
    if not chosen:
        sys.exit("test-captures/ has no mis-routed sample: name a capture")
    return chosen[:1]


def values(row, name):
    # From 4.4 on tshark doubles the backslash of DOMAIN\user.
    return [value.replace("\\\\", "\\") for value in row[name].split(VALUE) if value]


class Pass:
    """What one run of tshark says of one capture."""

    def __init__(self):
        self.overview = overview.Overview()
        self.legs = {}               # (vc, leg): report.Leg
        self.requests = {}           # stream: frame and time of its first channel request
        self.found = {}              # (filter, vc, leg): first frame with this verdict
        self.texts = {}              # frame: {filter: (seen, inferred, next)} of the verdicts on it
        self.odd = {name: [] for name in ODD}                    # first frame and number
        self.times = {}              # frame: time, of those with verdicts
        self.sessions = {}           # (session, leg): {verdict: [frames]}
        self.of_stream = {}          # tcp.stream: (session, leg) of its last message
        self.ids = {}                # (session, leg): request ids of failures
        self.findings = []           # report.Finding, of frames without a session
        self.mapi_requests = 0
        self.table = []

    def line(self, text):
        if self.table or FIELD not in text:
            self.table.append(text)
            return
        row = dict(zip(FIELDS, text.split(FIELD)))
        if len(row) != len(FIELDS):
            return
        self.overview.packet(row)
        frame = int(row["frame.number"])
        if CHANNELS.intersection(values(row, "http.request.method")) and row["tcp.stream"]:
            stream = int(values(row, "tcp.stream")[-1])
            self.requests.setdefault(stream, (frame, overview.epoch(row["frame.time_epoch"])))
        for name, found in self.odd.items():
            if row[name]:
                found[:] = [found[0], found[1] + 1] if found else [frame, 1]
        verdicts = [name for name in report.HEADLINES if row[name]]
        if verdicts and len(self.texts) < TEXTS_KEPT:
            self.times[frame] = overview.epoch(row["frame.time_epoch"])
            self.texts[frame] = {name: rest for name, *rest in zip(*(values(row, part) for part in VERDICT_PARTS))}
        if row["mapihttp.leg"] and not row["mapihttp.request_in"]:
            self.mapi_requests += 1
        if row["rpch.vc"]:
            self.connection(frame, row, verdicts)
        if row["mapihttp.session"] and row["tcp.stream"]:
            self.of_stream[int(values(row, "tcp.stream")[-1])] = tuple(
                int(values(row, name)[-1] if row[name] else 0) for name in ("mapihttp.session", "mapihttp.leg"))
        if verdicts:
            self.mapi(frame, row, [name for name in verdicts if not name.startswith("rpch.")])

    def mapi(self, frame, row, verdicts):
        """A session's verdicts; what logons and http say stands for itself unless the session's row says the same."""
        stream = int(values(row, "tcp.stream")[-1]) if row["tcp.stream"] else None
        ids = list(dict.fromkeys(values(row, "outlook.request_id") + values(row, "outlook.client_request_id")))
        key = self.of_stream.get(stream)
        if key:
            mine = verdicts if row["mapihttp.session"] else [name for name in verdicts if name.startswith(OF_SESSIONS)]
            for name in mine:
                self.sessions.setdefault(key, {}).setdefault(name, []).append(frame)
            if mine:
                kept = self.ids.setdefault(key, [])
                kept += [value for value in ids if value not in kept][:IDS_KEPT - len(kept)]
            verdicts = [name for name in verdicts if name not in mine or name.startswith("outlook.")]
        if row["rpch.vc"]:
            verdicts = [name for name in verdicts if name.startswith("outlook.auth.")]
        for name in verdicts[:max(0, FINDINGS_KEPT - len(self.findings))]:
            user = (values(row, "outlook.auth.user") or [""])[-1]
            self.findings.append(report.Finding(name, frame, overview.epoch(row["frame.time_epoch"]), user, request_ids=ids, session=key))
            place = dict(zip(values(row, "outlook.verdict"), values(row, "outlook.verdict.where"))).get(name, "")
            self.findings[-1].where, self.findings[-1].where_seen, _ = table.where(place, report.PLACES)
            self.findings[-1].text = self.texts.get(frame, {}).get(name, ("", "", ""))
            if stream in self.overview.tcp:
                client, server = self.overview.tcp[stream].ends
                self.findings[-1].client, self.findings[-1].server = client[0], peer(server)

    def connection(self, frame, row, verdicts):
        """A frame that carries the fields of section "virtual connection"."""
        key = (int(values(row, "rpch.vc")[-1]), int((values(row, "rpch.vc.leg") or ["0"])[-1]))
        leg = self.legs.get(key)
        if leg is None:
            leg = self.legs[key] = report.Leg(*key, start=overview.epoch(row["frame.time_epoch"]))
        for name in ("in_peer", "out_peer", "in_stream", "out_stream"):
            if found := values(row, f"rpch.vc.{name}"):
                setattr(leg, name, int(found[-1]) if name.endswith("stream") else found[-1])
        if found := values(row, "rpch.target"):
            leg.target = leg.target or found[0]
        leg.opened |= "open" in values(row, "rpch.vc.state")
        for name in verdicts:
            self.found.setdefault((name, *key), frame)
        for value in values(row, "outlook.request_id") + values(row, "outlook.client_request_id"):
            if value not in leg.request_ids and len(leg.request_ids) < IDS_KEPT:
                leg.request_ids.append(value)

    def finish(self):
        """The legs in order, with what the table adds to the fields."""
        for row in table.rows(self.table):
            key = (int(row["vc"]), int(row["leg"]))
            leg = self.legs.setdefault(key, report.Leg(*key))
            for name in ("user", "client", "target", "in_peer", "out_peer", "ended"):
                if row.get(name):
                    setattr(leg, name, row[name])
            leg.opened |= bool(row.get("setup"))
            leg.verdict = table.verdict(row["verdict"], report.HEADLINES)
            leg.where, leg.where_seen, reason = table.where(row.get("where", ""), report.PLACES)
            leg.cannot_tell = reason if leg.where == "CANNOT TELL" else ""
        for (vc, number), leg in self.legs.items():
            for way in ("in", "out"):
                stream = getattr(leg, f"{way}_stream")
                frame, when = self.requests.get(stream, (0, None))
                setattr(leg, f"{way}_frame", frame)
                if when is not None:
                    leg.start = min(leg.start or when, when)
                if not leg.client and stream in self.overview.tcp:
                    leg.client = self.overview.tcp[stream].ends[0][0]
            leg.start = leg.start or self.overview.first
            if frame := self.found.get((leg.verdict, vc, number)):
                leg.text = self.texts.get(frame, {}).get(leg.verdict, leg.text)
        return [self.legs[key] for key in sorted(self.legs)]


    def finish_sessions(self):
        """The rows of the sessions; the findings learn from the table of logons who and where."""
        found = []
        for row in table.rows(self.table, "sessions"):
            key = (int(row["session"]), int(row["leg"]))
            one = report.Session(*key, start=overview.epoch(row.get("start", "")) or self.overview.first)
            for name in ("user", "application", "mailbox", "endpoint", "server", "back_ends", "slowest_type", "ended"):
                setattr(one, name, row.get(name, ""))
            # Each connection has a port of its own.
            one.client = re.sub(r":\d+$", "", row.get("client", ""))
            one.ok, one.failures = number(row.get("ok")), number(row.get("failed"))
            one.slowest = float(row["slowest"].split()[0]) if row.get("slowest") else -1.0
            one.verdict = table.verdict(row.get("verdict", ""), report.HEADLINES)
            one.frame = number(row.get("frame"))
            one.when = self.times.get(one.frame) or 0.0
            one.where, one.where_seen, reason = table.where(row.get("where", ""), report.PLACES)
            one.cannot_tell = reason if one.where == "CANNOT TELL" else ""
            of_frames = self.sessions.get(key, {})
            if one.verdict in report.GOOD and (other := min((name for name in of_frames if name.startswith("mapihttp.")),
                                                            key=list(report.HEADLINES).index, default=None)):
                one.verdict, one.frame = other, of_frames[other][0]
                one.when = self.times.get(one.frame) or 0.0
            if (other := EXPLAINED.get(one.verdict)) in of_frames:
                one.verdict, one.frame = other, of_frames[other][0]
                one.when = self.times.get(one.frame) or 0.0
            one.text = self.texts.get(one.frame, {}).get(one.verdict, one.text)
            one.also.update({name: len(frames) for name, frames in self.sessions.get(key, {}).items()})
            one.request_ids = [row["request_id"]] if row.get("request_id") else []
            one.request_ids += [value for value in self.ids.get(key, []) if value not in one.request_ids]
            found.append(one)
        told = {(one.number, one.leg): one.verdict for one in found}
        frames = {(one.verdict, one.frame) for one in found}
        self.findings = [finding for finding in self.findings if told.get(finding.session) != finding.verdict
                         and (finding.verdict, finding.frame) not in frames]
        logons = {(row.get("verdict"), row.get("frame")): row for row in table.rows(self.table, "logons") if row.get("verdict")}
        for finding in self.findings:
            if row := logons.get((finding.verdict, str(finding.frame))):
                finding.user = f"{row['user']} ({row['scheme']})" if row["user"] and row["scheme"] else row["user"] or finding.user
                finding.host = row["host"]
                finding.where, finding.where_seen, _ = table.where(row.get("where", ""), report.PLACES)
        return found


def number(text):
    return int(text) if text and text.isdecimal() else 0


def peer(end):
    address, port = end
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def read(tshark, capture, keylog):
    """Returns (Pass, problem); problem is tshark's complaint or empty."""
    result = Pass()
    args = ["-r", "-", "-n", "-o", "tcp.reassemble_out_of_order:TRUE", *TABLES, "-T", "fields",
            "-E", f"separator={FIELD}", "-E", f"aggregator={VALUE}"]
    if keylog:
        args += ["-o", f"tls.keylog_file:{keylog}"]
    for name in FIELDS:
        args += ["-e", name]
    with open(capture, "rb") as source, tempfile.TemporaryFile() as complaints:
        process = tshark.popen(args, stdin=source, stdout=subprocess.PIPE, stderr=complaints)
        for line in process.stdout:
            result.line(line.decode("utf-8", "replace").rstrip("\n"))
        status = process.wait()
        complaints.seek(0)
        said = [line for line in complaints.read(65536).decode("utf-8", "replace").splitlines()
                if line and not line.startswith("Running as user")]
    problem = ""
    if status:
        problem = next((line for line in said if line.startswith("tshark: ")), said[-1] if said else "")
        problem = re.sub(r"^tshark: ", "", problem).replace('The file "-"', "the file")
        problem = problem or f"tshark ended with status {status}"
        if status < 0:
            problem = f"tshark was ended by signal {-status}: {problem}"
    return result, problem


def show(tshark, capture, keylog):
    """Prints the report of one capture; returns False if it could not be read to its end."""
    name = report.clean(str(capture))
    try:
        result, problem = read(tshark, capture, keylog)
    except OSError as error:
        print(f"{name}: {error.strerror or error}")
        return False
    if not problem and pathlib.Path(capture).is_file() and not pathlib.Path(capture).stat().st_size:
        problem = "an empty file"    # tshark calls it a capture without packets
    lines = result.overview.lines(name, report.clean(problem))
    if result.overview.packets:
        extra = [f"also  {overview.count(found[1], 'packet')} with {ODD[name]}, first frame {found[0]} (filter: {name})"
                 for name, found in result.odd.items() if found]
        seconds = result.overview.last - result.overview.first
        legs, sessions = result.finish(), result.finish_sessions()
        lines += report.lines(legs, sessions, result.findings, result.mapi_requests, extra, dates=seconds > 86400)
    print("\n".join(line for text in lines for line in report.fit(text)), flush=True)
    return not problem


def main():
    parser = argparse.ArgumentParser(prog="./analyze", description="Reports what RPC over HTTP and MAPI/HTTP did in a capture.")
    parser.add_argument("-k", metavar="KEYLOG", help="TLS key log file (SSLKEYLOGFILE)")
    parser.add_argument("captures", metavar="CAPTURE", nargs="*", help="without one: a mis-routed sample")
    options = parser.parse_args()
    captures = options.captures or default_captures()
    good = True
    try:
        with wsrun.Tshark() as tshark:
            tshark.prove_loaded()
            keylog = tshark.private_copy(options.k) if options.k else None
            for number, capture in enumerate(captures):
                if number:
                    print()
                good &= show(tshark, capture, keylog)
    except (wsrun.NoPlugin, OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"./analyze: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
