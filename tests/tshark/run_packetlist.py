"""Shows that the packet list says what happened, and that a frame's fields survive every way out of tshark.

    run_packetlist.py [NAME ...]

Info ends with the sentence of each verdict of the frame; a failure is named and never called a success; RTS PDUs name
channel and connection, responses their session. In one pass and in two.

Each frame of a channel's TCP connection is of its virtual connection, bare ACKs too: in one pass from where it is numbered on,
in two from the SYN on.

A protocol of the plugin has one line in a frame, each item below it a name, and `-T json --no-duplicate-keys` has every value
of `-T pdml`. A verdict reads as its sentence, and says each part of its text once.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import collections
import json
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import common
import wsrun

VERDICTS = common.PROJECT / "plugin" / "core" / "judge" / "verdicts.c"
ROW = re.compile(r'ROW\(V_\w+,\s*"([\w.]+)",\s*"([^"]*)",\s*V_(\w+)')
RANK = {"error": 3, "warning": 2, "note": 1, "chat": 0}
# Chats that take back what an earlier frame says; others are no news.
TAKEN_BACK = "rpch.routing.joined_late", "outlook.server_gone.back", "outlook.auth.ntlm_torn.accepted"
MOST = 3
PASSES = ("one pass", []), ("-2", ["-2"])

# Samples whose verdicts are of each kind and severity, on frames of every sort: PDUs, heads, bare FIN and ACK.
VERDICTS_OF = ["live-split-lb", "legs-misrouted", "live-haproxy-server-killed", "live-fault", "live-bind-nak",
               "mapi-verdict-lost-10", "mapi-verdict-http-503-now", "mapi-auth-ntlm-torn", "mapi-gone-counts",
               "rpc-slow-join-called-never", "live-mapi-forgotten"]


def infos(tshark, sample, *more):
    """{frame: Info}. The column, not _ws.col.Info: from 4.4 on that is taken before postdissectors are called."""
    text = tshark.output([*sample.options(tshark), *more, "-T", "tabs", "-o", 'gui.column.format:"F","%m","I","%i"'])
    return {int(cells[0]): cells[1].strip() for cells in (line.split("\t", 1) for line in text.splitlines())
            if len(cells) == 2 and cells[0].strip().isdecimal()}


def brackets(packet, sentences):
    """What Info must end with: each sentence once, the gravest first."""
    items = {item.name: item.severity for item in packet.our_items() if item.name in sentences}
    news = [(RANK[severity], name) for name, severity in items.items() if severity != "chat" or name in TAKEN_BACK]
    texts = [(rank, f"[{sentences[name]}]") for rank, name in news]
    return texts


def verdicts(tshark, counter, sample, sentences):
    for mode, more in PASSES:
        packets, shown = common.packets(tshark, sample, *more), infos(tshark, sample, *more)
        told = 0
        for packet in packets:
            info, texts = shown[packet.number], brackets(packet, sentences)
            where = f"[{mode}] frame {packet.number}"
            got = re.findall(r"\[[^][]*\]", info[len(info) - sum(len(text) + 1 for _, text in texts):]) if texts else []
            if len(texts) > MOST:
                counter.check(info.endswith(f" [{len(texts) - MOST} more]"), f"{where}: Info {info!r}")
                continue
            counter.equal(sorted(got), sorted(text for _, text in texts), f"{where}: the end of Info {info!r}")
            ranks = [dict((text, rank) for rank, text in texts).get(text) for text in got]
            counter.equal(ranks, sorted(ranks, reverse=True), f"{where}: the gravest comes first in {got}")
            others = [text for text in sentences.values() if f"[{text}]" in info and f"[{text}]" not in got]
            counter.equal(others, [], f"{where}: sentences that no verdict has")
            told += len(got)
        counter.check(told > 0, f"[{mode}] no frame says anything")


def rts(tshark, counter, sample):
    for mode, more in PASSES:
        packets, shown = common.packets(tshark, sample, *more), infos(tshark, sample, *more)
        seen = 0
        for packet in packets:
            names = [pdu.name for pdu in packet.pdus if pdu.proto.get("name") != "dcerpc"]
            number, channel = packet.last("rpch.vc"), packet.last("rpch.channel")
            for name in names:
                seen += 1
                text = f"RTS {name}{' ' + {'1': 'IN', '2': 'OUT'}[channel] if channel else ''}"
                text += f", connection {number}" if number is not None else ""
                counter.check(text in shown[packet.number],
                              f"[{mode}] frame {packet.number}: Info {shown[packet.number]!r}, expected {text!r}")
        counter.check(seen > 0, "no RTS PDU")


RTS = ["live-healthy", "pdus-others-http"]
# (sample, frame, what Info begins with)
FAILURES = [
    ("mapi-verdict-http-503-now", 6, "Connect response, HTTP 503 Service Unavailable, "),
    ("mapi-verdict-lost-10", 14, "Execute response, X-ResponseCode Context Not Found (10), session 0, "),
    ("mapi-verdict-lost-10", 10, "Execute response, Success, session 0, "),
    ("mapi-body-execute", 18, "Execute response, ErrorCode RpcFormat (0x4b6), session 0, "),
    ("mapi-body-bind", 10, "Bind response, ErrorCode LogonFailed (0x80040111), "),
    ("live-fault", 26, "Fault: call_id: 1, Fragment: Single, Ctx: 0, status: nca_op_rng_error [An RPC call or bind failed]"),
]


def failure(tshark, counter, sample, frame, expected):
    for mode, more in PASSES:
        info = infos(tshark, sample, *more).get(frame, "")
        counter.check(info.startswith(expected), f"[{mode}] frame {frame}: Info {info!r}, expected {expected!r}")


CONNECTIONS = ["live-split-lb", "legs-interleaved", "pdus-out-r2-http", "live-tls13-records-together"]


def belongs(tshark, counter, sample):
    of_stream = {row["stream"]: (str(row["vc"]), str(row["leg"])) for row in sample.expect["connections"]
                 if row.get("vc") is not None and "channel" in row}
    counter.check(of_stream, "no channel")
    for mode, more in PASSES:
        numbered, acks = set(), 0
        for packet in common.packets(tshark, sample, *more):
            where = f"[{mode}] frame {packet.number}"
            got = list(zip(packet.all("rpch.vc"), packet.all("rpch.vc.leg")))
            if packet.stream not in of_stream:
                counter.equal(got, [], f"{where}: of no channel")
                continue
            numbered |= {packet.stream} if got or more else set()
            acks += bool(got) and packet.last("tcp.len") == "0"
            if packet.stream in numbered:
                counter.equal(got, [of_stream[packet.stream]], f"{where}: virtual connection and leg")
        counter.check(acks > 0 and numbered == set(of_stream), f"[{mode}] {acks} bare ACKs, {numbered} numbered")


# ---- the tree ------------------------------------------------------------------------------

# Of each sort of structure: PDUs of all kinds, several messages in a frame, nested properties, ROPs, broken bytes, DCE/RPC.
TREES = ["pdus-others-http", "mapi-http-pipelined", "mapi-body-restrictions", "rops-message", "bad-command-99", "bad-noise-in",
         "mapi-auth-ntlm-torn", "mapi-body-bad-counts", "emsmdb-outlook2003-http", "legs-misrouted", "mapi-http-2"]
BESIDE = ["legs-misrouted", "mapi-auth-ntlm-torn"]
# A postdissector of somebody else, which finds nothing in any frame; Wireshark then takes it from the frame's list of protocols again.
LUA = """local nothing = Proto("outlook_test_nothing", "Nothing")
function nothing.dissector() return 0 end
register_postdissector(nothing)
"""
READ = ["legs-misrouted", "mapi-auth-ntlm-torn", "mapi-verdict-lost-10"]
# DCE/RPC makes its own: a line a call.
MADE_BY_DCERPC = "emsmdb"


def form(text):
    """A value in one form: versions differ in how they write truth and times in PDML and in JSON."""
    text = str(text)
    return {"true": "1", "false": "0"}.get(text.lower(), common.moment(text).replace("\\\\", "\\"))


def leaves(node, name, found):
    """Counts (key, value) of a JSON document."""
    if isinstance(node, dict):
        for key, value in node.items():
            leaves(value, key, found)
    elif isinstance(node, list):
        for value in node:
            leaves(value, name, found)
    else:
        found[name, form(node)] += 1
    return found


def tree(tshark, counter, sample):
    packets = common.packets(tshark, sample)
    documents = json.loads(tshark.output([*sample.options(tshark), "-T", "json", "--no-duplicate-keys"]))
    if not counter.equal(len(documents), len(packets), f"frames in JSON"):
        return
    for packet, document in zip(packets, documents):
        where = f"frame {packet.number}"
        lines = collections.Counter(proto.get("name") for proto in packet.element.iter("proto"))
        several = {name: count for name, count in lines.items() if name in common.PREFIXES and count > 1}
        counter.check(not several or set(several) == {MADE_BY_DCERPC} and lines["dcerpc"] >= several[MADE_BY_DCERPC],
                      f"{where}: several lines of {several}")
        ours = [proto for proto in packet.element.iter("proto") if proto.get("name") in common.PREFIXES]
        unnamed = [field.get("show") for proto in ours for field in proto.iter("field") if not field.get("name")]
        counter.equal(unnamed, [], f"{where}: items without a name")
        counter.equal(bool(ours), "outlook" in lines, f"{where}: fields of the plugin, and outlook that finds them")
        named = [field for proto in ours for field in proto.iter("field") if field.get("name") and field.get("show")]
        wanted = collections.Counter((field.get("name"), form(field.get("show"))) for field in named)
        got = leaves(document["_source"]["layers"], "", collections.Counter())
        lost = {name: count - got[name] for name, count in wanted.items() if got[name] < count}
        counter.check(not lost, f"{where}: JSON without duplicate keys lacks {dict(list(lost.items())[:3])}")


def reading(tshark, counter, sample, sentences):
    """How verdicts read in -V."""
    packets = common.packets(tshark, sample)
    told = 0
    for packet in packets:
        for field in packet.element.iter("field"):
            if field.get("name") != "outlook.verdict":
                continue
            told += 1
            where = f"frame {packet.number}: {field.get('show')}"
            counter.equal(field.get("showname"), sentences[field.get("show")], f"{where}: how it reads")
            parts = [child.get("name").rpartition(".")[2] for child in field if child.get("name").startswith("outlook.")]
            counter.equal(parts[:4], ["where", "seen", "inferred", "next"], f"{where}: what is below it")
            for part in field:
                if part.get("name") in ("outlook.verdict.seen", "outlook.verdict.inferred") and len(part.get("show")) > 1:
                    texts = [child.get("show", "") + child.get("showname", "") for child in field.iter("field")]
                    counter.equal(sum(part.get("show") in text for text in texts), 1, f"{where}: {part.get('name')}, times")
    counter.check(told > 0, "no verdict")


def beside(tshark, counter, sample):
    script = tshark.home / "nothing.lua"
    script.write_text(LUA, encoding="utf-8")
    for mode, more in PASSES:
        args = [*sample.options(tshark), *more, "-V"]
        counter.equal(tshark.output([*args, "-X", f"lua_script:{script}"]), tshark.output(args), f"[{mode}] {sample.name}: beside a postdissector of Lua")


def main():
    arguments = common.Arguments()
    sentences = {name: sentence for name, sentence, _ in ROW.findall(VERDICTS.read_text(encoding="utf-8"))}
    with wsrun.Tshark() as tshark:
        tshark.prove_loaded()

        def part(function, name, *more):
            sample, = common.samples(name, kind=None)
            return common.Part(f"{function.__name__} {name}", lambda counter: function(tshark, counter, sample, *more))
        parts = [*(part(verdicts, name, sentences) for name in VERDICTS_OF), *(part(rts, name) for name in RTS), *(part(beside, name) for name in BESIDE),
                 *(part(belongs, name) for name in CONNECTIONS), *(part(tree, name) for name in TREES),
                 *(part(reading, name, sentences) for name in READ), *(part(failure, name, *more) for name, *more in FAILURES)]
        return common.run_parts(arguments.of(parts))


if __name__ == "__main__":
    sys.exit(main())
