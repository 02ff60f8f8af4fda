"""Compares every MAPI/HTTP sample of test-captures/ with its expect.json, in one pass and in two.

    run_mapi.py [SAMPLE ...]

Per message: the frame and TCP connection it is shown on, its direction, its fields and the texts of `tshark -V`. Per
capture: every message and no other, every body that is shown without its headers, the exact set of expert items with the
words they must hold, and the rows of -z mapihttp,sessions. A key of expect.json that is not known here is a failure: what
a sample says must be compared.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import collections
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import common
import table
import wsrun

TOP = {"keys", "messages", "bodies", "items", "tolerated", "preferences", "rops"}
MESSAGE = {"frame", "stream", "to", "type", "fields", "text"}
BODY = {"frame", "stream", "head", "fields"}
ITEM = {"item", "severity", "frame", "frames", "contains", "where"}
# What no message may show, whatever a sample says of it.
NOT_WANTED = ("_ws.malformed", "_ws.dissector_bug", "_ws.type_length", "_ws.number_string", "http.chunked")
CUT = ("mapihttp.response.cut", "mapihttp.response.cut.chat", "mapihttp.response.cut.note", "mapihttp.request.unanswered")
# Known in later passes only, as http.response_in.
LATER = {"mapihttp.response_in", "rop.response_in", "rop.piece_after_in"}
ALONE = "a body whose headers were not followed"
NUMBER = re.compile(r"(?:0x[0-9a-fA-F]+|\d+)$")
SECTION = re.compile(r"^Frame (\d+): ", re.MULTILINE)


def known(counter, what, row, keys):
    for key in sorted(set(row) - set(keys)):
        counter.check(False, f"expect.json: {what} has {key!r}, which this test does not compare")


def value(text):
    """A value in one form: numbers in decimal, times as Wireshark 4.4 has them, truth as 0 and 1."""
    if NUMBER.match(text) and not (len(text) > 1 and text[0] == "0" and text[1] != "x"):
        return str(int(text, 0))
    return {"True": "1", "False": "0"}.get(text, common.moment(text).replace("\\\\", "\\"))


class Message:
    """A message as it is shown: the item of mapihttp.message."""

    def __init__(self, packet, proto):
        self.packet, self.proto = packet, proto
        self.fields = {}
        for field in proto.iter("field"):
            if field.get("name"):
                self.fields.setdefault(field.get("name"), []).append(field.get("show", ""))

    @property
    def to(self):
        for name in ("mapihttp.http_status", "mapihttp.response_code", "mapihttp.request_in", "mapihttp.meta_tag"):
            if name in self.fields:
                return "client"
        return "client" if self.proto.get("showname", "").find(" response") > 0 else "server"


def messages(packet):
    """In the order shown."""
    return [Message(packet, field) for field in packet.element.iter("field")
            if field.get("name") == "mapihttp.message" and field.get("show") != ALONE]


def bodies(packet):
    """Those shown alone: another dissector has the headers."""
    return [Message(packet, field) for field in packet.element.iter("field")
            if field.get("name") == "mapihttp.message" and field.get("show") == ALONE]


def sections(text):
    """{frame: lines} of tshark -V."""
    starts = list(SECTION.finditer(text))
    ends = [match.start() for match in starts[1:]] + [len(text)]
    return {int(match[1]): text[match.start():end] for match, end in zip(starts, ends)}


class Run:
    def __init__(self, sample, counter, packets, rows, shown, mode):
        self.sample, self.counter, self.packets, self.rows, self.shown, self.mode = sample, counter, packets, rows, shown, mode
        self.expect = sample.expect

    def check(self, good, text):
        return self.counter.check(good, f"[{self.mode}] {text}")

    def equal(self, got, expected, text):
        return self.counter.equal(got, expected, f"[{self.mode}] {text}")

    def all(self):
        wanted = {}
        for row in self.expect["messages"]:
            wanted.setdefault(row["frame"], []).append(row)
        names = {item["item"] for item in self.expect["items"]}
        for packet in self.packets:
            got = messages(packet)
            rows = wanted.pop(packet.number, [])
            if len(got) > len(rows) and names & set(CUT):
                # Where the rest of a message that never ended is shown is left open.
                spare = [message for message in got if not any(self.fits(message, row) for row in rows)]
                got = [message for message in got if message not in spare[:len(got) - len(rows)]]
            if not self.equal([(message.to, type_of(message)) for message in got],
                              [(row["to"], row["type"]) for row in rows], f"frame {packet.number}: messages"):
                continue
            for message, row in zip(got, rows):
                self.message(packet, message, row)
        for frame, rows in wanted.items():
            self.check(False, f"expect.json: no frame {frame} for {rows[0]['type']}")
        self.bodies()
        self.items()
        self.sessions()

    def bodies(self):
        wanted = {}
        for row in self.expect.get("bodies", ()):
            wanted.setdefault(row["frame"], []).append(row)
        for packet in self.packets:
            got, rows = bodies(packet), wanted.pop(packet.number, [])
            if not self.equal(len(got), len(rows), f"frame {packet.number}: bodies without headers"):
                continue
            for body, row in zip(got, rows):
                self.equal(packet.stream, row["stream"], f"frame {packet.number}: tcp.stream of a body")
                for name, values in row["fields"].items():
                    values = [value(text) for text in (values if isinstance(values, list) else [values])]
                    self.equal([value(text) for text in body.fields.get(name, [])], values,
                               f"frame {packet.number}: {name} of a body")
                head, words = row["head"]
                self.check(words in self.shown.get(head, ""), f"frame {head}: tshark -V does not show {words!r}")
        for frame in wanted:
            self.check(False, f"expect.json: no frame {frame} for a body")

    @staticmethod
    def fits(message, row):
        return (message.to, type_of(message)) == (row["to"], row["type"])

    def message(self, packet, message, row):
        where = f"frame {packet.number} ({row['type']} to the {row['to']})"
        self.equal(packet.stream, row["stream"], f"{where}: tcp.stream")
        for name, wanted in row["fields"].items():
            if name in LATER and self.mode == "one pass":
                continue
            wanted = [value(text) for text in (wanted if isinstance(wanted, list) else [wanted])]
            got = [value(text) for text in message.fields.get(name, [])]
            self.equal(got, wanted, f"{where}: {name}")
        text = self.shown.get(packet.number, "")
        for words in row.get("text", []):
            self.check(words in text, f"{where}: tshark -V does not show {words!r}")

    # ---- items ----

    def items(self):
        tolerated = set(self.expect["tolerated"])
        got = [(packet.number, item.name, item.severity) for packet in self.packets for item in packet.our_items()]
        text = {}
        for packet in self.packets:
            for item in packet.our_items():
                # The whole text stands in the parts of the verdict: the item's own is cut.
                parts = [part for name in ("", ".seen", ".inferred", ".next") for part in packet.all(f"outlook.verdict{name}")]
                text.setdefault((packet.number, item.name), []).append(" ".join([item.message, *parts]))
        for item in self.expect["items"]:
            frames = item.get("frames") or [item["frame"]]
            found = next(((frame, item["item"], item["severity"]) for frame in frames
                          if (frame, item["item"], item["severity"]) in got), None)
            if not self.check(found, f"frame {'/'.join(map(str, frames))}: {item['item']} ({item['severity']}) is missing; "
                                     f"got {[row for row in got if row[1].startswith(item['item'][:12])]}"):
                continue
            got.remove(found)
            common.check_where(self.counter, f"[{self.mode}] ", self.packets[found[0] - 1], item)
            said = " ".join(text[found[:2]])
            for word in item.get("contains", []):
                # Names of servers are compared in any letter case.
                self.check(word.lower() in said.lower(), f"frame {found[0]}: {item['item']} does not name {word!r}: {said[:700]}")
        broken = {row["frame"] for row in self.expect["items"] if row["item"] == "mapihttp.malformed"}
        for row in got:
            if row[1] in tolerated or row[1] == "mapihttp.malformed" and row[0] in broken:
                continue             # a message may be broken at several bytes
            self.check(False, f"frame {row[0]}: {row[1]} ({row[2]}) is not expected: {text[row[:2]][0][:300]}")
        for packet in self.packets:
            for item in packet.items:
                if item.name.startswith(NOT_WANTED) and item.severity in common.ABOVE_CHAT:
                    self.check(broken or item.name in tolerated, f"frame {packet.number}: {item.name} ({item.severity}): "
                                                                 f"{item.message}")

    # ---- the table ----

    def sessions(self):
        """The rows of -z mapihttp,sessions are those of the messages, with what they add up to."""
        numbered, failed = {}, {}
        for row in self.expect["messages"]:
            if (number := row["fields"].get("mapihttp.session")) is None or "mapihttp.leg" not in row["fields"]:
                continue
            numbered.setdefault((number, row["fields"]["mapihttp.leg"]), []).append(row)
        got = [(row["session"], row["leg"]) for row in self.rows]
        self.equal(len(got), len(set(got)), "rows of -z mapihttp,sessions, a session and leg twice")
        for key, rows in numbered.items():
            found = [row for row in self.rows if (row["session"], row["leg"]) == key]
            where = f"session {key[0]} leg {key[1]}"
            if not self.check(found, f"{where}: no row of -z mapihttp,sessions, which has {sorted(got)}"):
                continue
            row = found[0]
            endpoints = {message["fields"].get("mapihttp.endpoint") for message in rows} - {None}
            self.check(row.get("endpoint") in endpoints or not endpoints, f"{where}: endpoint {row.get('endpoint')!r} "
                                                                           f"in the table, messages are of {endpoints}")
            codes = [message["fields"].get("mapihttp.response_code") for message in rows if message["to"] == "client"]
            codes = [code for code in codes if code is not None]
            if codes:
                self.equal(row.get("last_code"), codes[-1], f"{where}: last code in the table")
            for message in rows:
                for field, column in (("mapihttp.connect.user_dn", "user_dn"), ("mapihttp.client_application", "application")):
                    if isinstance(text := message["fields"].get(field), str) and row.get(column) is not None:
                        self.equal(row[column], text, f"{where}: {column} in the table")
        if not self.expect["tolerated"] and not any(item["severity"] in common.ABOVE_CHAT for item in self.expect["items"]):
            for row in self.rows:
                self.check(not row.get("verdict") or row["verdict"].endswith(".chat"),
                           f"session {row['session']}: verdict {row.get('verdict')!r} in the table, expected none")


def type_of(message):
    found = message.fields.get("mapihttp.request_type")
    return found[0] if found else None


def test(tshark, sample, counter):
    known(counter, "the file", sample.expect, TOP)
    for row in sample.expect["messages"]:
        known(counter, f"message of frame {row['frame']}", row, MESSAGE)
    for row in sample.expect.get("bodies", ()):
        known(counter, f"body of frame {row['frame']}", row, BODY)
    for item in sample.expect["items"]:
        known(counter, f"item {item['item']}", item, ITEM)
    options = sample.options(tshark)
    for name, preference in (sample.expect.get("preferences") or {}).items():
        options += ["-o", f"{name}:{preference}"]
    for mode, more in (("one pass", []), ("-2", ["-2"])):
        text = tshark.output([*options, *more, "-T", "pdml", *common.TABLES])
        packets, rest = common.pdml(common.clean(text))
        rows = list(table.rows(rest.splitlines(), "sessions"))
        shown = {}
        if sample.expect.get("bodies") or any(row.get("text") for row in sample.expect["messages"]):
            shown = sections(tshark.output([*options, *more, "-V"]))
        Run(sample, counter, packets, rows, shown, mode).all()
    columns(tshark, options, sample, counter)


def listed(values):
    return [str(one) for one in values] if isinstance(values, list) else [str(values)]


def columns(tshark, options, sample, counter):
    """Protocol and Info of the packet list name what is in a frame (section 8)."""
    text = tshark.output([*options, "-T", "tabs", "-o", 'gui.column.format:"F","%m","P","%p","I","%i"'])
    shown = {int(cells[0]): cells[1:] for cells in (line.split("\t", 2) for line in text.splitlines())
             if len(cells) == 3 and cells[0].strip().isdecimal()}
    answers = collections.Counter(row["frame"] for row in sample.expect["messages"] if row["to"] == "client")
    for row in sample.expect["messages"]:
        protocol, info = shown.get(row["frame"], ("", ""))
        where = f"frame {row['frame']}"
        counter.equal(protocol, "MAPI/HTTP", f"{where}: Protocol")
        fields = row["fields"]
        kind = row["type"] or "MAPI/HTTP"
        words = [f"{kind} {'request' if row['to'] == 'server' else 'response'}"]
        if row["to"] == "server" and row["type"] and "mapihttp.request_id.counter" in fields:
            words.append(f":{fields['mapihttp.request_id.counter']}")
        if "mapihttp.session" in fields:
            words.append(f", session {fields['mapihttp.session']}")
        code = fields.get("mapihttp.response_code", "0") if row["to"] == "client" else "0"
        codes = [text for name in ("mapihttp.status_code", "mapihttp.error_code") for text in listed(fields.get(name, "0"))]
        failed = [code for code in (int(text, 0) for text in codes) if code]
        if code != "0":
            words.append(f" ({code})")
        for word in words:
            counter.check(word in info, f"{where}: Info {info!r} does not hold {word!r}")
        # ErrorsReturned and the success of Unbind are none (MS-OXNSPI 2.2.1.2).
        if code != "0" or failed and kind != "Unbind" and failed[0] != 0x40380:
            counter.check(info.count("Success") < answers[row["frame"]], f"{where}: Info of a failure says {info!r}")


def main():
    arguments = common.Arguments()
    with wsrun.Tshark() as tshark:
        tshark.prove_loaded()
        return common.run_all(lambda sample, counter: test(tshark, sample, counter),
                              arguments.samples(kind="messages"))


if __name__ == "__main__":
    sys.exit(main())
