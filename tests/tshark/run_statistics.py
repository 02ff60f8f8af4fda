"""Compares the tables, response times and statistics trees of -z with what the frames show and with the bytes.

    run_statistics.py [SAMPLE ...]

In one pass and in two: every value of -z rpch,srt, mapihttp,srt and outlook,srt, and every node of the trees, is counted
again from the fields of the frames; the times themselves from where the bytes of requests and answers lie in the capture
(tools/capfile.py, which knows nothing of the plugin). A row of a table is listed where a frame of it passes the filter,
and only there. Numbers sort as numbers, also as text.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import json
import pathlib
import re
import struct
import sys
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import common
import table
import wsrun

SAMPLES = ("emsmdb-outlook2003-http", "legs-three", "live-fragments", "live-haproxy-rpc", "live-mapi-haproxy-reuse",
           "live-mapi-nginx-504", "live-mapi-nginx-buffered", "mapi-auth-two-accounts", "mapi-http-both-endpoints",
           "mapi-http-segments", "quiet-recycled-idle", "quiet-two-accounts", "rpc-idle-call-pending", "verdict-gone-spread")
SRTS = "rpch,srt", "mapihttp,srt", "outlook,srt"
TREES = "mapihttp,tree", "mapihttp_code,tree", "rpch,tree", "outlook,tree"
STATISTICS = [part for name in SRTS + TREES + ("outlook,report,json",) for part in ("-z", name)]
# What waits in health: NotificationWait, EcDoAsyncWaitEx.
WAITS = ("mapihttp.request_type.number", "4"), ("rpch.call.async_emsmdb", "0")
TIMES = "outlook.time.request", "outlook.time.wait", "outlook.time.response"
# Of the interfaces that have a field of their own, as their UUIDs stand on the wire.
INTERFACES = {
    "00dbf1a447ca6710b31f00dd010662da": "rpch.call.emsmdb",
    "4a57615272456e20b2686b199213b4e4": "rpch.call.async_emsmdb",
    "185accf564421a108c5908002b2f8426": "rpch.call.nspi",
    "e0f544153c61d11193df00c04fd7bd09": "rpch.call.rfri",
    "dd65e244af7dcd4285603cdb6e7a2729": "rpch.call.tsgu",
}
# Columns of text that hold numbers.
NUMBERS = {"Frame", "Set-up time (s)", "Longest idle (s)", "Slowest (s)", "Last code", "First refusal"}
FIRST = {"connections": ["VC", "Leg", "Verdict", "Frame", "User", "Where"],
         "sessions": ["Session", "Leg", "Verdict", "Frame", "User", "Where"],
         "logons": ["Verdict", "Frame", "User", "Where", "Host", "Scheme"]}


# Of these samples, the server where a verdict showed, as their README.md says; that another one has the row by the end, or that
# the frame is of another, does not count.
SERVERS = {
    "verdict-differ-successor": {("10.0.0.82:80", "rpch.routing.proxies_differ"), ("10.0.0.81:80", "rpch.routing.joined_across_proxies")},
    "mapi-verdict-gone-refused": {("10.0.0.81:80", "outlook.server_gone"), ("10.0.0.81:80", "outlook.server_gone.back")},
    "mapi-verdict-lost-proven": {("10.0.0.82:80", "mapihttp.session.lost")},
    "live-mapi-nginx-failover": {("127.0.3.11:80", "mapihttp.session.lost"), ("127.0.3.12:80", "mapihttp.request.unanswered")},
}


class Frame:
    """What a frame shows: each protocol item's fields by name, as lists of text."""

    def __init__(self, element):
        self.items = []
        self.number = self.stream = 0
        for proto in element.iter("proto"):
            fields = {}
            for field in proto.iter("field"):
                if field.get("name"):
                    fields.setdefault(field.get("name"), []).append(field.get("show", ""))
            self.items.append((proto.get("name"), fields))
            self.number = int(fields.get("frame.number", [self.number])[0])
            self.stream = int(fields.get("tcp.stream", [self.stream])[0])

    def ours(self):
        return (fields for name, fields in self.items if name in common.PREFIXES)

    def all(self, name):
        return [value for fields in self.ours() for value in fields.get(name, ())]

    def pairs(self, *names):
        """Of all that stand side by side."""
        return {tuple(int(value) for value in values) for fields in self.ours()
                for values in zip(*(fields.get(name, ()) for name in names))}


def seconds(text):
    return round(float(text) * 1e9)


# ---- what tshark says ----------------------------------------------------------------------

def read_srts(text):
    """{(field, column): {(index, name): (calls, min, max, sum)}}"""
    found, rows, field = {}, None, None
    for line in text.splitlines():
        if line.startswith("Filter: "):
            field = line.removeprefix("Filter: ").strip()
        elif match := re.match(r"Index +(\S.*?) +Calls +Min SRT", line):
            rows = found.setdefault((field, match[1]), {})
        elif match := re.match(r" *(\d+) +(\S.*?) +(\d+) +([\d.]+) +([\d.]+) +([\d.]+) +([\d.]+)$", line):
            rows[int(match[1]), match[2]] = (int(match[3]), *(seconds(match[part]) for part in (4, 5, 7)))
        elif line.startswith("==="):
            rows = None
    return found


def read_trees(text):
    """{title: {path: count}}, path: labels from the outermost on."""
    found, nodes, path, title = {}, None, [], None
    for before, line in zip(["", *text.splitlines()], text.splitlines()):
        if before.startswith("====") and line.endswith(":"):
            title = line.rstrip(":").rsplit("/", 1)[-1].strip()
        elif line.startswith("Topic / Item"):
            nodes = found.setdefault(title, {})
        elif nodes is not None and (match := re.match(r"( *)(\S.*?) {2,}(\d+) ", line)):
            path = [*path[:len(match[1])], match[2]]
            nodes[tuple(path)] = int(match[3])
        elif line.startswith("===="):
            nodes = None
    return found


def read_tables(text):
    """{kind: (titles, rows of raw cells)}"""
    found, kind = {}, None
    for line in text.splitlines():
        cells = [cell.removesuffix(" ") for cell in line.split("|")[:-1]]
        titles = [cell.strip() for cell in cells]
        if kinds := [name for name, first in FIRST.items() if set(first) <= set(titles)]:
            (kind,) = kinds
            found[kind] = (titles, [])
        elif kind and len(cells) == len(found[kind][0]):
            found[kind][1].append(cells)
    return found


# ---- counted again -------------------------------------------------------------------------

def add(rows, key, value):
    rows.setdefault(key, []).append(value)


def expected_srts(frames):
    """{(field, column): {index: [ns]}}, by the items of the frames."""
    found = {}
    for frame in frames:
        for fields in frame.ours():
            times = [seconds(fields[name][0]) for name in TIMES if name in fields]
            if len(times) == 3:
                operation = int(fields["outlook.operation"][0])
                for column, took in zip(("Request transfer", "Wait", "Response transfer"), times):
                    add(found.setdefault(("outlook.operation", column), {}), operation, took)
                for name in fields:
                    if name.startswith("rpch.call."):
                        add(found.setdefault((name, None), {}), int(fields[name][0]), times[1] + times[2])
            if "mapihttp.time" in fields and "mapihttp.request_type.number" in fields:
                add(found.setdefault(("mapihttp.request_type.number", None), {}),
                    int(fields["mapihttp.request_type.number"][0]), seconds(fields["mapihttp.time"][0]))
    return found


def expected_trees(frames):
    requests, codes, pdus, verdicts = {}, {}, {}, {}

    def count(rows, *path):
        for depth in range(1, len(path) + 1):
            rows[path[:depth]] = rows.get(path[:depth], 0) + 1

    for frame in frames:
        for fields in frame.ours():
            response = "mapihttp.http_status" in fields
            if "mapihttp.request_type.number" in fields:
                kind = fields.get("mapihttp.request_type", ["(none)"])[0]
                if not response:
                    count(requests, "Requests", kind)
                else:
                    count(codes, "HTTP status", fields["mapihttp.http_status"][0], kind)
                    for code in fields.get("mapihttp.response_code", ()):
                        count(codes, "X-ResponseCode", code, kind)
            for name in fields.get("rpch.rts.pdu", ()):
                channel = {"1": "on IN", "2": "on OUT"}.get(fields.get("rpch.channel", [""])[0], "on a channel that is not known")
                count(pdus, "RTS PDUs", name, channel)
        for name in frame.all("outlook.verdict"):
            count(verdicts, "Verdicts", name)
    return requests, codes, pdus, verdicts


def bound(pdu, contexts):
    """Adds the presentation contexts of a bind."""
    order = "<" if pdu.data[4] & 0x10 else ">"
    at = 28
    for _ in range(pdu.data[24] if len(pdu.data) > 24 else 0):
        if at + 44 > len(pdu.data):
            break
        context, syntaxes = struct.unpack_from(order + "HB", pdu.data, at)
        contexts[context] = INTERFACES.get(pdu.data[at + 4:at + 20].hex(), "rpch.call.other")
        at += 24 + 20 * syntaxes


def spans_of(head):
    """First and last byte of a message, as offsets."""
    low, high = head.offset, head.offset + head.length
    if head.spans and head.spans[-1][1] > high:
        high = head.spans[-1][1]
    if "chunked" in head.coding:
        high += 7 if head.spans else 5
    return low, high


def at_byte(sample, half, offset):
    """The frame of a byte and its time in ns; None if it was not captured."""
    packets = half.packets(offset, offset + 1)
    return (packets[0] + 1, sample.capture.packets[packets[0]].time) if packets else None


def mapi_times(sample):
    """{frame of the end: [(request, wait, response)]} of all messages of MAPI/HTTP that are there whole, by their bytes;
    below 0 of those that only the end of the connection ends."""
    found = {}
    for walk in sample.walks:
        for head in walk.heads:
            asked = head.asks
            to_the_end = head.way and not head.coding and "content-length" not in head.fields
            if head.way == 0 or asked is None or "x-requesttype" not in asked.fields or not (head.whole or to_the_end):
                continue
            ends = [at_byte(sample, walk.tcp.halves[way], offset) for way, one in ((0, asked), (1, head))
                    for low, high in [spans_of(one)] for offset in (low, high - 1)]
            if None not in ends:
                times = [ends[i + 1][1] - ends[i][1] for i in range(3)]
                if min(times) >= 0:
                    add(found, 0 if to_the_end else ends[3][0], tuple(times))
    return found


def call_times(sample, frames):
    """{frame of the end: [(field, opnum, (request, wait, response))]} of the calls of connections that were numbered."""
    of_stream, found = {}, {}
    for frame in frames:
        for vc, leg in frame.pairs("rpch.vc", "rpch.vc.leg"):
            of_stream.setdefault(frame.stream, set()).add((vc, leg))
    pdus = {}
    for stream, walk in enumerate(sample.walks):
        for leg in of_stream.get(stream, ()):
            for pdu in walk.pdus:
                places = [at_byte(sample, walk.tcp.halves[pdu.way], offset)
                          for offset in (pdu.offsets[0][0], pdu.offsets[-1][1] - 1)]
                pdus.setdefault(leg, []).append((places[1][0], pdu.offsets[0][0], pdu, places))
    for rows in pdus.values():
        contexts, calls = {}, {}
        for _, _, pdu, (first, last) in sorted(rows, key=lambda row: row[:2]):
            kind = common.PTYPES.get(pdu.ptype)
            if kind in ("bind", "alter_context"):
                bound(pdu, contexts)
            elif kind == "request":
                if pdu.flags & 1:
                    context = struct.unpack_from("<H" if pdu.data[4] & 0x10 else ">H", pdu.data, 20)[0]
                    calls[pdu.call] = [contexts.get(context, "rpch.call.unknown"), pdu.opnum, first[1], None, None]
                if pdu.call in calls:
                    calls[pdu.call][3] = last[1] if pdu.flags & 2 else None
            elif kind in ("response", "fault") and pdu.call in calls:
                call = calls[pdu.call]
                call[4] = first[1] if call[4] is None else call[4]
                if pdu.flags & 2:
                    field, opnum, begun, sent, answer = calls.pop(pdu.call)
                    if sent is not None and sent <= answer:
                        add(found, last[0], (field, opnum, (sent - begun, answer - sent, last[1] - answer)))
    return found


# ---- the tests -----------------------------------------------------------------------------

class Run:
    """One run of tshark, in one pass or in two."""

    def __init__(self, tshark, sample, counter, mode, more):
        self.tshark, self.sample, self.counter, self.mode, self.more = tshark, sample, counter, mode, more
        text = common.clean(tshark.output([*sample.options(tshark), *more, "-T", "pdml", *common.TABLES, *STATISTICS]))
        xml, _, self.text = text.partition("</pdml>")
        self.frames = [Frame(packet) for packet in ElementTree.fromstring(xml + "</pdml>").iter("packet")]

    def equal(self, got, expected, text):
        return self.counter.equal(got, expected, f"[{self.mode}] {text}")

    def filtered(self, *options):
        return self.tshark.output([*self.sample.options(self.tshark), *self.more, "-q", *options])

    # ---- times ----

    def srts(self):
        got, expected = read_srts(self.text), expected_srts(self.frames)
        columns = {(field, column if field == "outlook.operation" else None): rows for (field, column), rows in got.items()}
        self.equal({key: {index: row[0] for (index, _), row in rows.items()} for key, rows in columns.items() if rows},
                   {key: {index: len(times) for index, times in rows.items()} for key, rows in expected.items()},
                   "calls of the tables of response times")
        for key, rows in expected.items():
            for (index, name), (_, least, most, total) in columns.get(key, {}).items():
                times = rows.get(index, [0])
                wanted = min(times), max(times), sum(times)
                self.counter.check(all(abs(one - other) <= 1000 * (len(times) + 1) for one, other in zip((least, most, total), wanted)),
                                   f"[{self.mode}] {key} {name}: {(least, most, total)}, expected {wanted}")
        return sum(len(rows) for rows in expected.values())

    def names(self):
        """The number in a row's field is that of the name beside it."""
        for (field, _), rows in read_srts(self.text).items():
            if field == "mapihttp.request_type.number":
                shown = {(number, fields.get("mapihttp.request_type", ["(none)"])[0]) for frame in self.frames
                         for fields in frame.ours() for number in fields.get(field, ())}
                self.counter.check({(str(index), name) for index, name in rows} <= shown,
                                   f"[{self.mode}] {field}: rows {sorted(rows)}, shown {sorted(shown)}")

    def bytes(self):
        """The times of the frames are those of the bytes."""
        if any(bytes(half.data[:1]) == b"\x16" for walk in self.sample.walks for half in walk.tcp.halves):
            return 0
        mapi, calls = mapi_times(self.sample), call_times(self.sample, self.frames)
        found, to_the_end = 0, []
        for frame in self.frames:
            got_mapi, got_calls = [], []
            for fields in frame.ours():
                times = tuple(seconds(fields[name][0]) for name in TIMES if name in fields)
                if len(times) < 3:
                    continue
                if "mapihttp.time" in fields:
                    (got_mapi if frame.number in mapi else to_the_end).append(times)
                else:
                    (name,) = (name for name in fields if name.startswith("rpch.call."))
                    got_calls.append((name, int(fields[name][0]), times))
            found += len(got_mapi) + len(got_calls)
            self.equal(sorted(got_mapi), sorted(mapi.get(frame.number, [])), f"frame {frame.number}: times of MAPI/HTTP")
            self.equal(sorted(got_calls), sorted(calls.get(frame.number, [])), f"frame {frame.number}: times of calls")
        self.equal(sorted(to_the_end), sorted(mapi.get(0, [])), "times of MAPI/HTTP up to the end of the connection")
        return found + len(to_the_end)

    def slowest(self):
        """What the report has of slow requests: the slowest next to the client, and all of each type and leg."""
        (text,) = re.findall(r'^\{\n  "format".*?^\}$', self.text, re.MULTILINE | re.DOTALL)
        report = json.loads(text)
        front, count, all_ns = [], 0, 0
        for frame in self.frames:
            legs = {int(value) for value in frame.all("rpch.vc.leg") + frame.all("mapihttp.leg")}
            for fields in frame.ours():
                times = [seconds(fields[name][0]) for name in TIMES if name in fields]
                if len(times) < 3 or any(value in fields.get(name, ()) for name, value in WAITS):
                    continue
                count += 1
                all_ns += sum(times)
                if legs == {0}:
                    front.append((-sum(times), frame.number))
        front.sort()
        got = [(-seconds(row["seconds"]), row["last_frame"]) for row in report["slow"]]
        self.equal([frame for _, frame in got], [frame for _, frame in front][:10], "slowest requests, by their last frames")
        self.counter.check(all(abs(one[0] - other[0]) < 1000 for one, other in zip(got, front)),
                           f"[{self.mode}] slowest requests: {got}, expected {front[:10]}")
        self.equal(sum(row["count"] for row in report["slow_types"]), count, "requests of all types and legs")
        total = sum(row["count"] * seconds(row[part]) for row in report["slow_types"] for part in ("request", "wait", "response"))
        self.counter.check(abs(total - all_ns) <= 3000 * count, f"[{self.mode}] time of all types: {total}, expected {all_ns}")
        for row in report["slow"]:
            self.counter.check((row["where"] is None) == (row["seconds"] < 1), f"[{self.mode}] where: {row}")
            self.counter.check(bool(row["why"]) == (row["where"] is not None) and row["legs"][0]["leg"] == 0, f"[{self.mode}] {row}")

    # ---- trees ----

    def trees(self):
        got = read_trees(self.text)
        requests, codes, pdus, verdicts = expected_trees(self.frames)
        zero = lambda rows: {path: count for path, count in rows.items() if count}
        by_code = {(path[0], path[1].split(" ")[0], *path[2:]) if len(path) > 1 else path: count
                   for path, count in zero(got["Response codes"]).items()}
        self.equal(zero(got["Request types"]), requests, "request types")
        self.equal(by_code, codes, "response codes")
        self.equal(zero(got["RTS PDUs"]), pdus, "RTS PDUs")
        by_verdict = {}
        servers = {common.capfile.endpoint_text(walk.tcp.server) for walk in self.sample.walks}
        for path, count in zero(got["Verdicts by server"]).items():
            path = (path[0], *path[2:]) if len(path) > 2 else path
            if len(path) == 2 and path[1] not in verdict_names(self.frames):
                self.counter.check(path[1] in servers or path[1] == "server not known",
                                   f"[{self.mode}] verdicts of {path[1]}, which is none of {sorted(servers)}")
                continue
            by_verdict[path] = by_verdict.get(path, 0) + count
        self.equal(by_verdict, verdicts, "verdicts")

    # ---- tables ----

    def tables(self):
        for kind, (titles, rows) in read_tables(self.text).items():
            self.equal(titles[:len(FIRST[kind])], FIRST[kind], f"{kind}: first columns")
            for column, title in enumerate(titles):
                cells = [row[column] for row in rows]
                if title not in NUMBERS:
                    continue
                numbers = sorted((cell for cell in cells if cell.strip() != "-"), key=float)
                self.equal(sorted(cells), [cell for cell in cells if cell.strip() == "-"] + numbers,
                           f"{kind}: {title}, sorted as text")

    def listed(self, kind, filter):
        option = {"connections": "rpch,connections", "sessions": "mapihttp,sessions", "logons": "outlook,auth"}[kind]
        rows = list(table.rows(self.filtered("-z", f"{option},{filter}").splitlines(), kind))
        if kind == "logons":
            return [(row["user"], row["host"], row["scheme"]) for row in rows]
        return [(int(row["vc" if kind == "connections" else "session"]), int(row["leg"])) for row in rows]

    def filters(self):
        for kind, number, leg, whose in (("connections", "rpch.vc", "rpch.vc.leg", "outlook.verdict.vc"),
                                         ("sessions", "mapihttp.session", "mapihttp.leg", "outlook.verdict.session")):
            all_rows = [(int(row["vc" if kind == "connections" else "session"]), int(row["leg"]))
                        for row in table.rows(self.text.splitlines(), kind)]
            if not all_rows:
                continue
            if not self.more:
                self.equal(self.listed(kind, "frame"), all_rows, f"{kind}: rows of -z ...,frame")
            last = all_rows[-1][0]
            passing = [frame for frame in self.frames if str(last) in frame.all(number)]
            wanted = {pair for frame in passing for pair in frame.pairs(number, leg) | frame.pairs(whose, "outlook.verdict.leg")}
            self.equal(sorted(self.listed(kind, f"{number} == {last}")), sorted(wanted & set(all_rows)),
                       f"{kind}: rows of {number} == {last}")
            told = {pair for frame in self.frames if frame.all("outlook.verdict")
                    for pair in frame.pairs(whose, "outlook.verdict.leg") | frame.pairs(number, leg)}
            if told and self.more:
                got = set(self.listed(kind, "outlook.verdict"))
                self.counter.check({pair for pair in told if pair in all_rows} <= got,
                                   f"[{self.mode}] {kind}: rows of outlook.verdict {sorted(got)}, lacks some of {sorted(told)}")

    def before_its_number(self):
        """The request for a channel stands before the PDU that numbers it: from the second pass on it is of that row."""
        for row in self.sample.expect.get("connections", ()):
            if row.get("vc") is None or not row.get("channel") or not self.more:
                continue
            heads = [head for head in self.sample.walks[row["stream"]].heads if head.channel]
            if len(heads) == 1:
                self.equal(self.listed("connections", f"frame.number == {heads[0].frame}"), [(row["vc"], row["leg"])],
                           f"rows of the frame {heads[0].frame}, which asks for a channel of connection {row['vc']}")
                return

    def logons(self):
        rows = [(row["user"], row["host"], row["scheme"]) for row in table.rows(self.text.splitlines(), "logons")]
        if rows and not self.more:
            self.equal(self.listed("logons", "frame"), rows, "logons: rows of -z outlook,auth,frame")
        users = sorted({user for frame in self.frames for user in frame.all("outlook.auth.user")})
        if len(users) > 1 and self.more:
            user = users[0].replace("\\", "\\\\")
            got = self.listed("logons", f'outlook.auth.user == "{user}"')
            self.counter.check(got and set(got) < set(rows) and {row[0] for row in got} >= {users[0]},
                               f"[{self.mode}] logons of {users[0]}: {got}, of {rows}")

    def as_filter(self):
        """What the GUI's "Apply as Filter" makes of a row selects the frames that it counts, and their requests."""
        for (field, _), rows in read_srts(self.text).items():
            for (index, name), (calls, *_) in list(rows.items())[:1]:
                text = self.tshark.output([*self.sample.options(self.tshark), "-2", "-Y", f"{field}=={index}", "-T", "fields",
                                           "-e", "frame.number", "-e", TIMES[0]])
                frames = [line.split("\t") for line in text.splitlines()]
                wanted = [frame.number for frame in self.frames if str(index) in frame.all(field)]
                self.equal([int(row[0]) for row in frames], wanted, f"frames of {field}=={index}, {name}")
                times = sum(len(row[1].split(",")) for row in frames if row[1])
                self.counter.check(times >= calls, f"[{self.mode}] {field}=={index}: {times} times, {calls} calls")


def verdict_names(frames):
    return {name for frame in frames for name in frame.all("outlook.verdict")}


def tables_and_trees(tshark, sample, counter):
    found = 0
    for mode, more in (("one pass", []), ("-2", ["-2"])):
        run = Run(tshark, sample, counter, mode, more)
        run.srts()
        run.names()
        found += run.bytes()
        run.slowest()
        run.trees()
        run.tables()
        run.filters()
        run.logons()
        run.before_its_number()
    run.as_filter()
    counter.check(found, "no request with its times")


def servers(tshark, sample, counter):
    for mode in ([], ["-2"]):
        nodes = read_trees(tshark.output([*sample.options(tshark), *mode, "-q", "-z", "outlook,tree"]))["Verdicts by server"]
        got = {path[1:] for path in nodes if len(path) == 3}
        counter.check(SERVERS[sample.name] <= got, f"{mode} verdicts by server: {sorted(got)}, expected {sorted(SERVERS[sample.name])}")


def test(tshark, sample, counter):
    if sample.name in SERVERS:
        servers(tshark, sample, counter)
    if sample.name in SAMPLES or sample.name not in SERVERS:
        tables_and_trees(tshark, sample, counter)


def main():
    subjects = common.Arguments().samples(*sorted({*SAMPLES, *SERVERS}), kind=None)
    with wsrun.Tshark() as tshark:
        tshark.prove_loaded()
        return common.run_all(lambda sample, counter: test(tshark, sample, counter), subjects)


if __name__ == "__main__":
    sys.exit(main())
