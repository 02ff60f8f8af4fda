"""Runs the plugin on MAPI/HTTP captures of clients and servers that this project did not write.

    run_third_party_mapi.py [NAME ...]

They lie in ../shared/captures. Which messages there are comes from stock http, what their bodies are from a
reassembler of the tests' own: every message must be shown, with the fields its head states, and every byte of every
body must belong to a field, behind compression and XOR too. Verdicts are judged from manifest.tsv and facts.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import common
import mapibodies as m
import table
import wsrun
from run_mapi import messages, type_of, value

# What must be said: (item, severity, frames of which one must carry it).
CODE, LOST, CHANGED = "mapihttp.response_code.failed", "mapihttp.session.lost", "mapihttp.session.backend_changed"
VERDICTS = {
    # Round robin over two servers: each code 2 ("invalid session context cookie") on the leg behind the balancer and on
    # the client's.
    "misroute-mapihttp-roundrobin": [
        *[(CODE, "warning", {frame}) for frame in (24, 26, 40, 41, 50, 51, 80, 81)],
        *[(LOST, "error", {frame}) for frame in (24, 26, 40, 41, 50, 51, 80, 81)],
        # The request or its answer, on the balancer's own connections.
        *[(CHANGED, "warning", frames) for frames in ({22, 24}, {38, 40}, {49, 50}, {78, 80})]],
    # Three wrong passwords in a row; later one without a user and ruler's single wrong password, which are no failure.
    "fail-mapihttp-401": [("outlook.auth.refused", "warning", {19})],
    # Codes 6, 2, 7, 6, 5, 5, 8, 3; bodies of 1 and 11 bytes; a Connect of an unknown user; a GET.
    "fail-mapihttp-responsecodes": [
        *[(CODE, "warning", {frame}) for frame in (17, 21, 25, 27, 31, 39, 45, 71)],
        *[("mapihttp.malformed", "error", {frame}) for frame in (29, 37, 69)],
        # The head or the end of a request without the session's cookies, with a wrong context and with a wrong sequence.
        *[("mapihttp.session.cookie_lost", "warning", frames) for frames in ({14, 15}, {18, 19}, {22, 23})],
        ("mapihttp.connect.failed", "warning", {49})],  # a GET without X-RequestType that gets 404 is a look
}
# What may stand besides, on these frames: a request of an unknown type without cookies; a wrong sequence (gromox:
# "violated the sequencing requirement").
TOLERATED = {
    "fail-mapihttp-responsecodes": {"mapihttp.session.cookie_lost": {26, 27}, "mapihttp.session.sequence_broken": {25}},
    # What the server answered; run_rops.py compares ReturnValue.
    "mapihttp-ruler-basic": {"rop.failed": {26, 66, 76, 86}},
}
# Words the verdicts of a capture must hold: the servers by address, the server's own sentence.
WORDS = {
    "misroute-mapihttp-roundrobin": {LOST: ["127.0.0.3:8082"], CHANGED: ["127.0.0.2:8081", "127.0.0.3:8082"],
                                     CODE: ["invalid session context cookie"]},
    "fail-mapihttp-401": {"outlook.auth.refused": ["alice@example.test"]},
    "fail-mapihttp-responsecodes": {"mapihttp.connect.failed": ["0x80040115"]},
}
REST = re.compile(r"mapihttp\..*\brest$|mapihttp\.body\.unknown$")
FIELD, VALUE = "\x1e", "\x1f"


def stock(tshark, sample):
    """{frame: [("server" or "client", stream)]} of the MAPI/HTTP messages that http without the plugin shows."""
    names = ["frame.number", "tcp.stream", "http.request.uri", "http.request.line", "http.content_type",
             "http.response.code", "http.request_in"]
    args = [*sample.options(tshark), "-2", "-T", "fields", "-E", f"separator={FIELD}", "-E", f"aggregator={VALUE}"]
    for name in names:
        args += ["-e", name]
    found, requests = {}, set()
    for line in tshark.output(args, plugin=False).split("\n"):
        cells = dict(zip(names, line.split(FIELD)))
        if len(cells) != len(names):
            continue
        frame, stream = int(cells["frame.number"]), cells["tcp.stream"]
        # From 4.4 on a response repeats the URI of its request.
        if cells["http.request.uri"] and not cells["http.response.code"]:
            if m.PATH.match(cells["http.request.uri"]) or "x-requesttype:" in cells["http.request.line"].lower() \
                    or "application/mapi-http" in cells["http.content_type"].lower():
                requests.add(frame)
                found.setdefault(frame, []).append(("server", int(stream)))
        elif cells["http.response.code"] and cells["http.request_in"] and \
                int(cells["http.request_in"].split(VALUE)[0]) in requests:
            found.setdefault(frame, []).append(("client", int(stream)))
    return found


class Run:
    def __init__(self, sample, counter, packets, walks, expected, rows, mode):
        self.sample, self.counter, self.packets, self.mode = sample, counter, packets, mode
        self.expected, self.rows = expected, rows
        self.heads = {}              # (frame, way): [(walk, head)]
        for walk in walks:
            for head in m.messages(walk):
                self.heads.setdefault((m.last_frame(walk, head), head.way), []).append((walk, head))

    def check(self, good, text):
        return self.counter.check(good, f"[{self.mode}] {text}")

    def equal(self, got, expected, text):
        return self.counter.equal(got, expected, f"[{self.mode}] {text}")

    def all(self):
        for packet in self.packets:
            got = messages(packet)
            wanted = self.expected.get(packet.number, [])
            if not self.equal([(one.to, packet.stream) for one in got], wanted, f"frame {packet.number}: messages"):
                continue
            if not wanted:
                continue
            heads = [pair for way in (0, 1) for pair in self.heads.get((packet.number, way), [])]
            if self.equal(len(heads), len(got), f"frame {packet.number}: messages by the tests' own reassembler"):
                for one, (walk, head) in zip(got, heads):
                    self.message(packet, one, walk, head)
        self.verdicts()

    def message(self, packet, one, walk, head):
        where = f"frame {packet.number}"
        asked = head if head.way == 0 else head.asks
        kind = asked.fields.get("x-requesttype", "")
        shown = type_of(one) or ""
        self.equal(shown.lower(), kind.lower(), f"{where}: mapihttp.request_type")
        where += f" ({kind} to the {one.to})"
        path = m.PATH.match(asked.uri)
        if path:
            self.equal(one.fields.get("mapihttp.endpoint"), ["nspi" if "/nspi" in asked.uri.lower() else "emsmdb"],
                       f"{where}: mapihttp.endpoint")
        if match := re.match(r"\{?([0-9A-Fa-f-]{36})\}?:(\d+)$", head.fields.get("x-requestid", "")):
            self.equal(one.fields.get("mapihttp.request_id"), [match[1].lower()], f"{where}: mapihttp.request_id")
            self.equal(one.fields.get("mapihttp.request_id.counter"), [match[2]], f"{where}: the counter")
        for header, name in (("x-clientinfo", "mapihttp.client_info"), ("x-clientapplication", "mapihttp.client_application"),
                             ("x-serverapplication", "mapihttp.server_application")):
            if head.fields.get(header):
                # The session's application may stand besides, generated.
                self.check(head.fields[header] in one.fields.get(name, []),
                           f"{where}: {name} {one.fields.get(name)}, the head says {head.fields[header]!r}")
        if head.way == 1:
            frames = [frame for (frame, _), pairs in self.heads.items() for _, other in pairs if other is asked]
            self.equal([int(text) for text in one.fields.get("mapihttp.request_in", [])], frames, f"{where}: request_in")
            if "x-responsecode" in head.fields:
                self.equal(one.fields.get("mapihttp.response_code"), [head.fields["x-responsecode"]], f"{where}: code")
        elif kind and self.mode == "-2":
            answers = [frame for (frame, _), pairs in self.heads.items() for _, other in pairs if other.asks is head]
            self.equal([int(text) for text in one.fields.get("mapihttp.response_in", [])], answers, f"{where}: response_in")
        self.body(one, walk, head, where)

    # ---- bodies ----

    def body(self, one, walk, head, where):
        data = m.body(walk, head)
        if not data or head.fields.get("content-type", "").startswith("text/") or head.way == 1 and head.first != "200":
            return
        malformed = any(item.name == "mapihttp.malformed" for item in one.packet.items)
        rest = sorted({name for name in one.fields if REST.match(name)})
        if malformed:
            return                   # asserted, or refused, among the verdicts
        self.check(not rest, f"{where}: {rest}, bytes that were not understood")
        start = m.typed(data) if head.way == 1 else 0
        if start is None:
            self.check(False, f"{where}: the tests find no envelope in {data[:40]!r}")
            return
        fields = m.leaves(one.proto)
        half = walk.tcp.halves[head.way]
        places = list(half.places(head.spans[0][0], head.spans[0][1]))
        bases = {0, head.length, places[0][1]}
        best = max((m.covered(fields, data, base) for base in bases), key=sum)
        gap = m.first_gap(best[start:])
        self.check(gap < 0, f"{where}: byte {gap} of the {len(data) - start} of its body belongs to no field "
                            f"({best[start:].count(0)} in all)")
        if head.way == 1:
            # In front of it: letters of the tags and headers; line ends belong to none.
            tags = [text.decode() for text in re.findall(rb"PROCESSING|PENDING|DONE", data[:start])]
            self.equal(one.fields.get("mapihttp.meta_tag"), tags, f"{where}: mapihttp.meta_tag")
        self.packed(one, data[start:], fields, where)

    def packed(self, one, data, fields, where):
        """What was packed, by the extended buffers' own headers."""
        for size, flags, actual, at in headers(one.proto):
            flags, size, actual = int(flags, 0), int(size), int(actual)
            if not flags & (m.COMPRESSED | m.XOR):
                continue
            found = [low for low in range(len(data) - 7) if data[low:low + 8] ==
                     bytes([0, 0, flags & 255, flags >> 8, size & 255, size >> 8, actual & 255, actual >> 8])]
            if not self.check(found, f"{where}: no extended buffer of {size} bytes in the body"):
                continue
            plain = m.unpacked(data[found[0] + 8:found[0] + 8 + size], flags, actual)
            marks = m.covered(fields, plain, 0)
            self.check(m.first_gap(marks) < 0, f"{where}: byte {m.first_gap(marks)} of the {len(plain)} of an unpacked buffer "
                                               f"belongs to no field ({marks.count(0)} in all)")

    # ---- verdicts ----

    def verdicts(self):
        name = self.sample.name
        wanted, tolerated, words = VERDICTS.get(name, []), TOLERATED.get(name, {}), WORDS.get(name, {})
        got = [(packet, item) for packet in self.packets for item in packet.our_items()]
        left = list(got)
        for item_name, severity, frames in wanted:
            found = [row for row in left if row[1].name == item_name and row[0].number in frames]
            if item_name == "mapihttp.malformed":
                # A message may be broken at several bytes.
                left = [row for row in left if row not in found[1:]]
                del found[1:]
            if self.equal(len(found), 1, f"{item_name} in frame {'/'.join(map(str, sorted(frames)))}, times"):
                self.equal(found[0][1].severity, severity, f"frame {found[0][0].number}: {item_name}: severity")
                said = found[0][1].message + " ".join(text for key in ("", ".seen", ".inferred", ".next")
                                                      for text in found[0][0].all(f"outlook.verdict{key}"))
                for word in words.get(item_name, []):
                    self.check(word in said, f"frame {found[0][0].number}: {item_name} does not name {word!r}: {said[:600]}")
                left.remove(found[0])
        for packet, item in left:
            if packet.number not in tolerated.get(item.name, ()):
                self.check(item.severity == "chat", f"frame {packet.number}: {item.name} ({item.severity}): {item.message}")
        for packet in self.packets:
            for item in packet.items:
                self.check(not item.name.startswith(("_ws.malformed", "_ws.dissector_bug", "_ws.type_length")),
                           f"frame {packet.number}: {item.name}: {item.message}")
        numbers = {text for packet in self.packets for text in packet.all("mapihttp.session")}
        self.equal({row["session"] for row in self.rows}, numbers, "sessions of -z mapihttp,sessions")
        opened = sum(head.first == "200" and head.fields.get("x-responsecode") == "0" and value(
            (head.asks.fields.get("x-requesttype", "")).lower()) in ("connect", "bind") for pairs in self.heads.values()
            for _, head in pairs if head.way == 1)
        legs = {(row["session"], row["leg"]) for row in self.rows}
        failed = sum(1 for item_name, _, _ in wanted if item_name == "mapihttp.connect.failed")
        self.equal(len(legs), opened - failed, "rows of sessions and legs, against Connect and Bind with code 0")


def headers(proto):
    """(size, flags, actual, position) of each RPC_HEADER_EXT shown."""
    found = {"emsmdb.ext.size": [], "emsmdb.ext.flags": [], "emsmdb.ext.size_actual": []}
    for field in proto.iter("field"):
        if field.get("name") in found:
            found[field.get("name")].append((field.get("show"), int(field.get("pos", "0"))))
    return [(size[0], flags[0], actual[0], size[1]) for size, flags, actual in zip(*(
        found[name] for name in ("emsmdb.ext.size", "emsmdb.ext.flags", "emsmdb.ext.size_actual")))]


def test(tshark, sample, counter):
    walks = common.twin(tshark, sample).walks
    expected = stock(tshark, sample)
    counter.check(expected, "stock http shows no message of MAPI/HTTP")
    for mode, more in (("one pass", []), ("-2", ["-2"])):
        packets, lines = common.packets(tshark, sample, *more, table=True)
        Run(sample, counter, packets, walks, expected, list(table.rows(lines, "sessions")), mode).all()


def main():
    arguments = common.Arguments()
    captures = [sample for sample in common.third_party() if "mapihttp" in sample.name]
    if not captures:
        print("0 passed, 0 failed")
        return 0
    subjects = arguments.of(captures, "capture")
    with wsrun.Tshark() as tshark:
        tshark.prove_loaded()
        return common.run_all(lambda sample, counter: test(tshark, sample, counter), subjects)


if __name__ == "__main__":
    sys.exit(main())
