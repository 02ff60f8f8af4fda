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
VERDICT_PARTS = ["outlook.verdict", "outlook.verdict.whose", "outlook.verdict.where", "outlook.verdict.seen",
                 "outlook.verdict.inferred", "outlook.verdict.next"]
WHOSE = re.compile(r"(connection|session) (\d+) leg (\d+)")
FIELDS = overview.FIELDS + [
    "http.request.method", "rpch.vc", "rpch.vc.leg", "rpch.vc.in_stream", "rpch.vc.out_stream", "rpch.vc.in_peer",
    "rpch.vc.out_peer", "rpch.vc.state", "rpch.target", "outlook.request_id", "outlook.client_request_id",
    "mapihttp.session", "mapihttp.leg", "mapihttp.request_type", "mapihttp.endpoint", "mapihttp.request_in",
    "outlook.auth.user", "rpch.rts.malformed", "rpch.rts.unexpected", "mapihttp.malformed",
    *VERDICT_PARTS, *report.HEADLINES,
]
TABLES = ["-z", "rpch,connections", "-z", "mapihttp,sessions", "-z", "outlook,auth"]
TEXTS_KEPT = 2000                    # verdict texts; identical ones are folded anyway
FINDINGS_KEPT = 2000                 # verdicts that belong to no session
BACK = "outlook.server_gone.back"
OF_SERVERS = ("outlook.server_gone", BACK)
# Where both stand, the second explains the first: a context that had expired is refused.
EXPLAINED = {"mapihttp.response_code.failed": "mapihttp.session.expired"}
IDS_KEPT = 4                         # request ids of one connection and leg
ODD = {"rpch.rts.malformed": "a broken RTS PDU", "rpch.rts.unexpected": "an unexpected RTS PDU",
       "mapihttp.malformed": "a broken MAPI/HTTP message"}
CHANNELS = {"RPC_IN_DATA", "RPC_OUT_DATA", "RPC_CONNECT"}
# Without X-RequestType a look at the endpoint, by a probe or a browser, is no request of it.
LOOKS = {"GET", "HEAD", "OPTIONS"}
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


class Told:
    """A verdict of one frame. Whose it is says itself, not the frame: one that waited may stand on a stranger's."""

    def __init__(self, frame, name, whose, place, *text):
        self.frame, self.name, self.place, self.text = frame, name, place, text
        self.owners = {(kind, int(number), int(leg)) for kind, number, leg in WHOSE.findall(whose)}


class Pass:
    """What one run of tshark says of one capture."""

    def __init__(self):
        self.overview = overview.Overview()
        self.legs = {}               # (vc, leg): report.Leg
        self.requests = {}           # stream: frame and time of its first channel request
        self.texts = {}              # (frame, filter): those told there
        self.first_told = {}         # (filter, owner): the first of them
        self.restarted = set()       # owners whose server was gone and is back
        self.odd = {name: [] for name in ODD}                    # first frame and number
        self.times = {}              # frame: time, of those with verdicts
        self.sessions = {}           # (session, leg): {verdict: [frames]}, of those that are theirs
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
        told = [one for one in (Told(frame, *parts) for parts in zip(*(values(row, part) for part in VERDICT_PARTS)))
                if one.name in report.HEADLINES] if row["outlook.verdict"] else []
        for one in told:
            self.keep(one, overview.epoch(row["frame.time_epoch"]))
        looks = not row["mapihttp.request_type"] and LOOKS.intersection(values(row, "http.request.method"))
        if row["mapihttp.leg"] and not row["mapihttp.request_in"] and not looks:
            self.mapi_requests += 1
        if row["rpch.vc"]:
            self.connection(row)
        if row["mapihttp.session"] and row["tcp.stream"]:
            self.of_stream[int(values(row, "tcp.stream")[-1])] = tuple(
                int(values(row, name)[-1] if row[name] else 0) for name in ("mapihttp.session", "mapihttp.leg"))
        if told:
            self.mapi(frame, row, told)

    def keep(self, told, when):
        if len(self.texts) < TEXTS_KEPT:
            self.times[told.frame] = when
            self.texts.setdefault((told.frame, told.name), []).append(told)
        for owner in told.owners:
            self.first_told.setdefault((told.name, owner), told)
            if owner[0] == "session":
                self.sessions.setdefault(owner[1:], {}).setdefault(told.name, []).append(told.frame)
        if told.name == BACK:
            self.restarted |= told.owners

    def text(self, frame, name, owner):
        """What was said of that owner; of several on one frame the one that is its own."""
        told = self.texts.get((frame, name), [])
        mine = [one for one in told if owner in one.owners] or told
        return mine[0].text if mine else ("", "", "")

    def mapi(self, frame, row, verdicts):
        """Request ids of a session's failures; and what logons and http say, which stands for itself unless the
        session's row says the same."""
        stream = int(values(row, "tcp.stream")[-1]) if row["tcp.stream"] else None
        ids = list(dict.fromkeys(values(row, "outlook.request_id") + values(row, "outlook.client_request_id")))
        key = self.of_stream.get(stream)
        if key and any(("session", *key) in one.owners for one in verdicts):
            kept = self.ids.setdefault(key, [])
            kept += [value for value in ids if value not in kept][:IDS_KEPT - len(kept)]
        alone = [one for one in verdicts if one.name not in OF_SERVERS and not one.name.startswith("rpch.")
                 and (not one.owners or one.name.startswith("outlook."))]
        if row["rpch.vc"]:
            alone = [one for one in alone if one.name.startswith("outlook.auth.")]
        for one in alone[:max(0, FINDINGS_KEPT - len(self.findings))]:
            user = (values(row, "outlook.auth.user") or [""])[-1]
            finding = report.Finding(one.name, frame, overview.epoch(row["frame.time_epoch"]), user, request_ids=ids,
                                     session=key)
            finding.where, finding.where_seen, _ = table.where(one.place, report.PLACES)
            finding.text = one.text
            if stream in self.overview.tcp:
                client, server = self.overview.tcp[stream].ends
                finding.client, finding.server = client[0], peer(server)
            self.findings.append(finding)

    def connection(self, row):
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
            owner = ("connection", vc, number)
            leg.restarted = owner in self.restarted and leg.verdict in OF_SERVERS
            if told := self.first_told.get((leg.verdict, owner)) or self.of_server(leg.verdict, leg.in_peer or leg.out_peer):
                leg.text = told.text
        return [self.legs[key] for key in sorted(self.legs)]


    def of_server(self, name, server):
        """What was told of a server to which a row belongs that ended a little later."""
        return next((told for (_, other), all_told in self.texts.items() if other == name and name in OF_SERVERS
                     for told in all_told if server and f" {server} " in f" {told.text[0]} "), None)

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
            one.text = self.text(one.frame, one.verdict, ("session", *key))
            one.restarted = ("session", *key) in self.restarted and one.verdict in OF_SERVERS
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
