"""Compares every sample of test-captures/ with its expect.json, in one pass and in two.

    run_samples.py [SAMPLE ...]

Per TCP connection and direction: PDUs, HTTP heads, the fields of section "virtual
connection". Per capture: the exact set of expert items, and the rows of
-z rpch,connections. A key of expect.json that is not known here is a failure: what a
sample says must be compared.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import common
import table
import wsrun

TOP = {"keys", "connections", "legs", "items", "tolerated", "preferences", "rops"}
CONNECTION = {"stream", "client", "server", "channel", "vc", "leg", "http", "pdus"}
HEAD = {"to", "method", "status"}
LEG = {"vc", "leg", "opens", "target", "user", "in_peer", "out_peer", "in_stream", "out_stream"}
ITEM = {"item", "severity", "frame", "vc", "leg", "where"}
# Of a PDU: the key, and the field that shows it.
PDU = {
    "to": None, "name": None, "length": None,
    "call": "dcerpc.cn_call_id", "opnum": "dcerpc.opnum", "status": "dcerpc.cn_status",
    "reason": "dcerpc.cn_reject_reason", "flags": "dcerpc.cn_flags",
    "bytes_received": "rpch.rts.flow_control_ack.bytes_received",
}
CHANNELS = {"IN": "1", "OUT": "2"}
RPC_METHODS = {"RPC_IN_DATA", "RPC_OUT_DATA", "RPC_CONNECT"}
RPC_NAMES = set(common.PTYPES.values()) - {"RTS"}
# Those of others that would say that a channel was not understood.
NOT_WANTED = ("_ws.malformed", "_ws.dissector_bug", "_ws.unreassembled", "_ws.type_length", "http.", "_ws.number_string")


def endpoint(text):
    """IPv6 addresses may stand without their brackets."""
    address, _, port = text.rpartition(":")
    return f"[{address}]:{port}" if ":" in address and "[" not in address else text


def known(counter, what, row, keys):
    for key in sorted(set(row) - set(keys)):
        counter.check(False, f"expect.json: {what} has {key!r}, which this test does not compare")


class Run:
    """What one run of tshark showed of a sample."""

    def __init__(self, sample, counter, packets, rows, mode):
        self.sample, self.counter, self.packets, self.rows, self.mode = sample, counter, packets, rows, mode
        self.expect = sample.expect
        self.of_stream = {}
        for packet in packets:
            if packet.stream is not None:
                self.of_stream.setdefault(packet.stream, []).append(packet)
        self.connection = {row["stream"]: row for row in self.expect["connections"]}

    def check(self, good, text):
        return self.counter.check(good, f"[{self.mode}] {text}")

    def equal(self, got, expected, text):
        return self.counter.equal(got, expected, f"[{self.mode}] {text}")

    def all(self):
        self.equal(sorted(self.of_stream), sorted(self.connection), "tcp.stream numbers")
        for row in self.expect["connections"]:
            self.tcp(row)
        self.items()
        for leg in self.expect["legs"]:
            self.leg(leg)
        self.equal(sorted((int(row["vc"]), int(row["leg"])) for row in self.rows),
                   sorted((leg["vc"], leg["leg"]) for leg in self.expect["legs"]), "rows of -z rpch,connections")

    # ---- a TCP connection ----

    def tcp(self, row):
        known(self.counter, f"connection {row['stream']}", row, CONNECTION)
        packets = self.of_stream.get(row["stream"], [])
        where = f"stream {row['stream']}"
        if not packets:
            self.check(False, f"{where}: no packets")
            return
        row = {**row, "client": endpoint(row["client"]), "server": endpoint(row["server"])}
        ends = {packet.source for packet in packets}
        self.check(ends <= {row["client"], row["server"]}, f"{where}: ends are {sorted(ends)}")
        for head in row.get("http", []):
            known(self.counter, f"{where}: HTTP head", head, HEAD)
        for way, source in (("server", row["client"]), ("client", row["server"])):
            sent = [packet for packet in packets if packet.source == source]
            self.heads(row, where, way, sent)
            self.pdus(row, where, way, sent)
        if "channel" not in row:
            # Two channels one after the other, or a start that was not captured.
            if row.get("pdus") or any(head.get("method") in RPC_METHODS for head in row.get("http", [])):
                return
            for packet in packets:
                found = sorted({name for name, _ in packet.order})
                self.check(not found, f"frame {packet.number}: carries no channel, but has {found}")
            return
        self.channel(row, where, packets)
        self.bytes(where, packets, len(row.get("pdus", [])))

    def heads(self, row, where, way, sent):
        if "http" not in row:
            return
        got = [value for packet in sent
               for value in packet.all("http.request.method" if way == "server" else "http.response.code")]
        expected = [str(head["method" if way == "server" else "status"]) for head in row["http"] if head["to"] == way]
        if "CONNECT" not in {head.get("method") for head in row["http"]}:
            # The way through a forward proxy is not part of what a sample says of its channels.
            tunnels = sum(packet.all("http.request.method").count("CONNECT") for packet in self.of_stream[row["stream"]])
            prefix, got = got[:tunnels], got[tunnels:]
            if way == "server":
                self.check(set(prefix) <= {"CONNECT"}, f"{where}: {prefix} before the channel's request")
        self.equal(got, expected, f"{where}: HTTP heads to the {way}")

    def pdus(self, row, where, way, sent):
        if not {"channel", "pdus"} & set(row):
            return                       # another protocol's, such as plain DCE/RPC
        got = [(packet, pdu) for packet in sent for pdu in packet.pdus]
        expected = [pdu for pdu in row.get("pdus", []) if pdu["to"] == way]
        for pdu in expected:
            known(self.counter, f"{where}: PDU {pdu['name']}", pdu, PDU)
        names = [pdu["name"] for pdu in expected]
        if not self.equal([pdu.name for _, pdu in got], names, f"{where}: PDUs to the {way}"):
            return
        for number, ((packet, pdu), wanted) in enumerate(zip(got, expected), 1):
            text = f"frame {packet.number}: {where}, PDU {number} to the {way} ({wanted['name']})"
            self.equal(pdu.length, wanted["length"], f"{text}: length")
            for key, field in PDU.items():
                if field is None or key not in wanted:
                    continue
                value = pdu.number(field)
                if key == "flags" and value is not None:
                    value &= 3
                self.equal(value, wanted[key], f"{text}: {key}")

    def bytes(self, where, packets, expected):
        """rpch.channel.bytes is there once for each PDU and counts all body bytes of the channel, both ways."""
        got = [(packet, int(value)) for packet in packets for value in packet.all("rpch.channel.bytes")]
        lengths = [(packet, pdu.length) for packet in packets for pdu in packet.pdus]
        if not self.equal(len(got), expected, f"{where}: rpch.channel.bytes, times") or len(got) != len(lengths):
            return
        before = 0
        for (packet, value), (_, length) in zip(got, lengths):
            if value != before + length and not (value == length and self.starts_body(packet)):
                # More than the PDUs: bytes that were skipped, which only a broken or partial capture has.
                self.check(value > before + length and self.skips(),
                           f"frame {packet.number}: rpch.channel.bytes {value}, after {before} and a PDU of {length}")
            else:
                self.check(True, "")
            before = value

    def starts_body(self, packet):
        """A request for a channel stands in this frame or before it."""
        return any(RPC_METHODS & set(other.all("http.request.method")) for other in self.of_stream[packet.stream]
                   if other.number <= packet.number)

    def skips(self):
        return any(item["item"] in ("rpch.rts.malformed",) for item in self.expect["items"]) or any(
            half.hole for walk in self.sample.walks for half in walk.tcp.halves) or any(
            len(packet.data) < packet.length for packet in self.sample.capture.packets)

    def channel(self, row, where, packets):
        """The fields of section "virtual connection" on the frames of a channel."""
        role = row["channel"]
        numbered = told = False      # told: its state too; in a second pass a number stands before that, without it
        http = [head for head in row.get("http", []) if head["to"] == "server"]
        still_ours = not http or http[-1]["method"] in RPC_METHODS
        ended = set()
        for packet in packets:
            vcs, legs = packet.all("rpch.vc"), packet.all("rpch.vc.leg")
            numbered |= bool(vcs)
            told |= packet.has("rpch.vc.state")
            if "vc" in row:
                self.check(set(vcs) <= {str(row["vc"])}, f"frame {packet.number}: rpch.vc {vcs}, expected {row['vc']}")
            if "leg" in row:
                self.check(set(legs) <= {str(row["leg"])},
                           f"frame {packet.number}: rpch.vc.leg {legs}, expected {row['leg']}")
            self.check(len(vcs) == len(legs), f"frame {packet.number}: {len(vcs)} rpch.vc and {len(legs)} rpch.vc.leg")
            if numbered and packet.pdus and row["vc"] is not None:
                self.check(vcs, f"frame {packet.number}: a PDU without rpch.vc after the connection was numbered")
                self.check(not told or packet.has("rpch.vc.state"), f"frame {packet.number}: a PDU without rpch.vc.state")
            if packet.pdus:
                self.equal(set(packet.all("rpch.channel")), {CHANNELS[role]}, f"frame {packet.number}: rpch.channel")
            flags = int(packet.last("tcp.flags"), 0)
            if flags & 5 and numbered and still_ours and packet.source not in ended:
                self.check(vcs and packet.has("rpch.vc.state"),
                           f"frame {packet.number}: FIN or RST of a channel without rpch.vc and rpch.vc.state")
                ended.add(packet.source)
            if numbered:
                self.other_half(row, packet)
        if row.get("pdus") and "vc" in row:
            self.check(numbered and told, f"{where}: PDUs but never rpch.vc and rpch.vc.state")

    def half_streams(self, row, role):
        return [other["stream"] for other in self.expect["connections"]
                if other.get("channel") == role and (other.get("vc"), other.get("leg")) == (row["vc"], row["leg"])]

    def other_half(self, row, packet):
        """What a frame says of the two halves: right, and not before it was seen."""
        other = {"IN": "OUT", "OUT": "IN"}[row["channel"]]
        for role in ("IN", "OUT"):
            streams = self.half_streams(row, role)
            servers = {endpoint(self.connection[stream]["server"]) for stream in streams}
            found = packet.all(f"rpch.vc.{role.lower()}_stream"), packet.all(f"rpch.vc.{role.lower()}_peer")
            self.check({int(value) for value in found[0]} <= set(streams),
                       f"frame {packet.number}: rpch.vc.{role.lower()}_stream {found[0]}, the leg's are {streams}")
            self.check(set(found[1]) <= servers,
                       f"frame {packet.number}: rpch.vc.{role.lower()}_peer {found[1]}, expected of {sorted(servers)}")
            seen = [other_packet for stream in streams for other_packet in self.of_stream.get(stream, [])
                    if other_packet.number <= packet.number]
            for stream in map(int, found[0]):
                self.check(any(earlier.stream == stream for earlier in seen),
                           f"frame {packet.number}: names stream {stream}, which was not seen so far")
            shown = [earlier for earlier in seen if earlier.has("rpch.vc") and earlier.pdus]
            if role == row["channel"] and packet.has("rpch.vc") and packet.pdus:
                self.check(found[0] and found[1], f"frame {packet.number}: its own half's stream and peer are absent")
            elif shown and packet.has("rpch.vc") and packet.pdus and packet.number > shown[0].number:
                self.check(found[0] and found[1], f"frame {packet.number}: {role} was seen in frame {shown[0].number}, "
                                                  "but its stream and peer are absent")
        for value in packet.all("rpch.vc.peer_frame"):
            frame = int(value)
            good = 0 < frame <= packet.number and frame <= len(self.packets) and \
                self.packets[frame - 1].stream in self.half_streams(row, other)
            self.check(good, f"frame {packet.number}: rpch.vc.peer_frame {frame} is no earlier frame of the {other} half")

    # ---- items ----

    def items(self):
        for item in self.expect["items"]:
            known(self.counter, f"item {item['item']}", item, ITEM)
        expected = sorted((item["frame"], item["item"], item["severity"]) for item in self.expect["items"])
        got = sorted((packet.number, item.name, item.severity) for packet in self.packets for item in packet.our_items()
                     if item.name not in self.expect["tolerated"])
        for row in expected:
            self.check(row in got, f"frame {row[0]}: {row[1]} ({row[2]}) is missing")
        for row in got:
            self.check(row in expected, f"frame {row[0]}: {row[1]} ({row[2]}) is not expected")
        for row in set(got):
            self.check(got.count(row) <= max(1, expected.count(row)), f"frame {row[0]}: {row[1]} stands {got.count(row)} times")
        streams = {row["stream"] for row in self.expect["connections"] if "channel" in row}
        broken = any(item["item"] == "rpch.rts.malformed" for item in self.expect["items"]) or self.skips()
        for packet in self.packets:
            for item in packet.items:
                self.check("is not moved on" not in item.message, f"frame {packet.number}: {item.message}")
                if packet.stream in streams and item.severity in common.ABOVE_CHAT and item.name.startswith(NOT_WANTED):
                    self.check(item.name in self.expect["tolerated"] or (broken and item.name.startswith("_ws.")),
                               f"frame {packet.number}: {item.name} ({item.severity}): {item.message}")
        for item in self.expect["items"]:
            if 0 < item["frame"] <= len(self.packets):
                common.check_where(self.counter, "", self.packets[item["frame"] - 1], item)
            if item.get("vc") is None or not 0 < item["frame"] <= len(self.packets):
                continue
            packet = self.packets[item["frame"] - 1]
            numbers = set(zip(packet.all("rpch.vc"), packet.all("rpch.vc.leg")))
            if numbers:
                self.check((str(item["vc"]), str(item["leg"])) in numbers or item["item"] == "outlook.server_gone",
                           f"frame {item['frame']}: {item['item']} of connection {item['vc']} leg {item['leg']}, "
                           f"but the frame is of {sorted(numbers)}")
            for found in packet.our_items():
                if found.name == item["item"] and item["item"].startswith(("rpch.routing", "rpch.channel", "outlook")):
                    self.check(re.search(r"seen:.*;?\s*(inferred|next):", found.said, re.IGNORECASE | re.DOTALL),
                               f"frame {item['frame']}: {item['item']} does not part what is seen from what follows: "
                               f"{found.said!r}")

    # ---- legs ----

    def leg(self, leg):
        known(self.counter, f"leg {leg.get('vc')}/{leg.get('leg')}", leg, LEG)
        key = (str(leg["vc"]), str(leg["leg"]))
        where = f"connection {leg['vc']} leg {leg['leg']}"
        mine = [packet for packet in self.packets if (packet.last("rpch.vc"), packet.last("rpch.vc.leg")) == key]
        self.check(mine, f"{where}: no frame carries it")
        self.equal("open" in {state for packet in mine for state in packet.all("rpch.vc.state")}, leg["opens"],
                   f"{where}: rpch.vc.state is open at some frame")
        states = {state for packet in mine for state in packet.all("rpch.vc.state")}
        self.check(states <= {"opening", "open", "recycling", "closed"}, f"{where}: states {sorted(states)}")
        for name in ("in_peer", "out_peer", "in_stream", "out_stream"):
            values = [packet.last(f"rpch.vc.{name}") for packet in mine if packet.has(f"rpch.vc.{name}")]
            if name in leg:
                self.check(str(leg[name]) in values, f"{where}: rpch.vc.{name} is never {leg[name]}, but {sorted(set(values))}")
                self.equal(values[-1:], [str(leg[name])], f"{where}: rpch.vc.{name} at its last frame")
        targets = {value for packet in mine for value in packet.all("rpch.target")}
        rows = [row for row in self.rows if (row["vc"], row["leg"]) == key]
        if not self.equal(len(rows), 1, f"{where}: rows of -z rpch,connections"):
            return
        row = rows[0]
        if "target" in leg:
            self.check(not targets or leg["target"] in targets, f"{where}: rpch.target {sorted(targets)}")
            self.equal(row.get("target"), leg["target"], f"{where}: target in the table")
        if "user" in leg:
            self.equal(re.sub(r" \(\w+\)$", "", row.get("user", "")), leg["user"], f"{where}: user in the table")
        self.equal(bool(row.get("setup")), leg["opens"], f"{where}: a set-up time in the table")
        for name in ("in_peer", "out_peer"):
            if name in leg:
                self.equal(row.get(name), leg[name], f"{where}: {name} in the table")
        # A server that is gone is the verdict of all that it ended: its item names one of them.
        gravest = [item for item in common.standing(self.expect["items"]) if ((item.get("vc"), item.get("leg")) == (leg["vc"], leg["leg"])
                   or (item["item"] == "outlook.server_gone" and row.get("verdict") == item["item"])) and not item["item"].startswith("rpch.rts.")]
        if gravest:
            order = ("chat", "note", "warning", "error")
            worst = max(order.index(item["severity"]) for item in gravest)
            # At the same severity the table may name any of them.
            names = {item["item"] for item in gravest if order.index(item["severity"]) == worst}
            got = table.verdict(row.get("verdict", ""), [item["item"] for item in gravest])
            self.check(got in names, f"{where}: verdict {row.get('verdict')!r} in the table, expected of {sorted(names)}")
        elif not self.expect["tolerated"]:
            self.check(not row.get("verdict"), f"{where}: verdict {row.get('verdict')!r} in the table, expected none")


def responses(run):
    """Every response on OUT is tied to the request on IN of its own leg."""
    by_leg = {}
    for row in run.expect["connections"]:
        if row.get("channel") and row.get("vc") is not None:
            by_leg.setdefault((row["vc"], row["leg"]), []).append(row)
    for (vc, leg), rows in by_leg.items():
        ins = {row["stream"] for row in rows if row["channel"] == "IN"}
        requests = {}
        for packet in run.packets:
            if packet.stream in ins:
                for pdu in packet.pdus:
                    if pdu.name == "request":
                        requests.setdefault(pdu.number("dcerpc.cn_call_id"), []).append(packet.number)
        for packet in run.packets:
            if packet.stream is None or packet.stream not in {row["stream"] for row in rows if row["channel"] == "OUT"}:
                continue
            for pdu in packet.pdus:
                call = pdu.number("dcerpc.cn_call_id")
                first = (pdu.number("dcerpc.cn_flags") or 0) & 1
                if pdu.name != "response" or not first or min(requests.get(call, [1 << 31])) > packet.number:
                    continue
                link = pdu.number("dcerpc.request_in")
                run.check(link in requests[call], f"frame {packet.number}: response to call {call} of connection {vc} "
                                                  f"leg {leg}: Request in {link}, its requests are in {requests[call]}")


def columns(tshark, sample, counter):
    """Protocol and Info of the packet list name what is in a frame."""
    text = tshark.output([*options(tshark, sample), "-T", "tabs", "-o", 'gui.column.format:"F","%m","P","%p","I","%i"'])
    return {int(cells[0]): (cells[1], cells[2]) for cells in (line.split("\t", 2) for line in text.splitlines())
            if len(cells) == 3 and cells[0].strip().isdecimal()}


def options(tshark, sample):
    found = sample.options(tshark)
    preferences = sample.expect.get("preferences")
    if preferences:
        found = [*found]
        for name, value in preferences.items():
            found += ["-o", f"{name}:{value}"]
    return found


def test(tshark, sample, counter):
    known(counter, "the file", sample.expect, TOP)
    for mode, more in (("one pass", []), ("-2", ["-2"])):
        text = tshark.output([*options(tshark, sample), *more, "-T", "pdml", *common.TABLE])
        packets, rest = common.pdml(common.clean(text))
        rows = list(table.rows(rest.splitlines()))
        run = Run(sample, counter, packets, rows, mode)
        run.all()
        responses(run)
    shown = columns(tshark, sample, counter)
    for packet in packets:
        protocol, info = shown.get(packet.number, ("", ""))
        rts = [pdu.name for pdu in packet.pdus if pdu.name not in RPC_NAMES]
        for name in dict.fromkeys(rts):
            counter.check(name in info, f"frame {packet.number}: Info {info!r} does not name {name}")
        if rts and len(rts) == len(packet.pdus):
            counter.equal(protocol, "RPCH", f"frame {packet.number}: Protocol")


def main():
    arguments = common.Arguments()
    with wsrun.Tshark() as tshark:
        tshark.prove_loaded()
        return common.run_all(lambda sample, counter: test(tshark, sample, counter), arguments.samples())


if __name__ == "__main__":
    sys.exit(main())
