"""Shows that -z follow,rpch and -z follow,mapihttp give what a virtual connection and a session carried.

    run_follow.py [SAMPLE ...]

What is expected is read from the capture by tools/capfile.py: of RPC over HTTP the PDUs of both channels, of one leg, in
the order in which they were whole; of MAPI/HTTP the messages, each its head and its body without chunks. tshark says the
same in one pass and with -2, and sharkd, which takes the same filter; sharkd names that filter for a frame, as the menu
does. No password, token or cookie is in it.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import base64
import collections
import json
import pathlib
import re
import subprocess
import sys
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import common
import wsrun
from common import capfile

RPCH = ("legs-joined", "legs-three", "legs-interleaved", "seg-chunked-both", "pdus-recycled-often", "live-joined-across-lb")
MAPI = ("mapi-http-gzip", "mapi-http-pending", "mapi-auth-two-accounts", "mapi-verdict-http-both-legs", "rops-two-sessions")
MARK = "=" * 67
VEILED = {"authorization", "proxy-authorization", "x-commonaccesstoken", "cookie", "set-cookie"}


def followed(text):
    """What -z follow,...,raw printed: for each in its order (filter, [(way, bytes)])."""
    found = []
    for block in text.split("\n" + MARK + "\n")[1:]:
        lines = block.split("\n")
        name = next((line.partition(": ")[2] for line in lines if line.startswith("Filter: ")), None)
        if name is None:
            continue
        records = [(int(line.startswith("\t")), bytes.fromhex(line.strip()))
                   for line in lines if re.fullmatch(r"\t?(?:[0-9a-f]{2})+", line)]
        found.append((name, records))
    return found


def follow(tshark, sample, protocol, numbers, *more):
    wanted = [option for number in numbers for option in ("-z", f"follow,{protocol},raw,{number}")]
    # All prints its own header, so that one run is enough; they come in the reverse order.
    return dict(followed(tshark.output([*sample.options(tshark), "-q", *more, *wanted])))


def by_sharkd(tshark, sample, short, text, frames):
    """([(way, bytes)], the filters that sharkd names for these frames)."""
    calls = [("load", {"file": str(sample.copy)}), ("follow", {"follow": short, "filter": text}),
             *(("frame", {"frame": frame}) for frame in frames)]
    lines = [{"jsonrpc": "2.0", "id": number, "method": method, "params": params}
             for number, (method, params) in enumerate(calls, 1)]
    lines.append({"jsonrpc": "2.0", "id": 0, "method": "bye"})
    process = tshark.popen(["-"], program="sharkd", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    out, _ = process.communicate("".join(json.dumps(line) + "\n" for line in lines).encode(), timeout=60)
    answers = {answer["id"]: answer.get("result") for answer in map(json.loads, out.decode().splitlines())}
    records = [(int(record.get("s", 0)), base64.b64decode(record["d"])) for record in answers[2].get("payloads", [])]
    named = []
    for number in range(3, 3 + len(frames)):
        for entry in answers[number].get("follow") or answers[number].get("fol") or []:
            protocol, name = (entry["protocol"], entry.get("filter")) if isinstance(entry, dict) else entry[:2]
            if protocol == short:
                named.append(name)
    return records, named


def virtual_connections(sample):
    """{number: [(frame, way, bytes)] of its first leg}"""
    walks, found = sample.walks, collections.defaultdict(list)
    for told in sample.expect["connections"]:
        if told.get("vc") is None or told.get("leg") != 0:
            continue
        found[told["vc"]] += [(pdu.frame, pdu.way, pdu.data) for pdu in walks[told["stream"]].pdus]
    return {number: sorted(pdus, key=lambda pdu: pdu[0]) for number, pdus in found.items() if pdus}


def covered(head):
    """The head as it may be shown: names, schemes and lengths stay."""
    def line(text):
        name, colon, value = text.partition(":")
        lower = name.lower()
        if lower not in VEILED or not colon:
            return text
        lead, value = value[:len(value) - len(value.lstrip())], value.strip()
        if "cookie" in lower:
            parts = value.split(";")
            most = 1 if lower == "set-cookie" else len(parts)
            value = ";".join(re.sub(r"(?s)(=?)(.*)", lambda m: m[0], part) if number >= most else cookie(part)
                             for number, part in enumerate(parts))
        else:
            scheme, space, token = value.partition(" ")
            value = scheme + space + "*" * len(token) if space and lower != "x-commonaccesstoken" else "*" * len(value)
        return name + ":" + lead + value

    def cookie(part):
        name, equal, value = part.partition("=")
        return name + equal + "*" * len(value) if equal else "*" * len(part)
    return "\r\n".join(map(line, head.decode("latin-1").split("\r\n"))).encode("latin-1")


def sessions(tshark, sample):
    """{number: [(frame, way, bytes)]} of the first leg; which message is of which session tshark says."""
    text = tshark.output([*sample.options(tshark), "-2", "-T", "fields", "-E", "occurrence=a", "-e", "frame.number", "-e",
                          "mapihttp.session", "-e", "mapihttp.leg"])
    known = {int(frame): (session.split(","), leg.split(","))
             for frame, session, leg in (line.split("\t") for line in text.splitlines()) if session}
    found, taken = collections.defaultdict(list), collections.Counter()
    heads = [(walk, head) for walk in sample.walks for head in walk.heads if head.whole]
    messages = []
    for walk, head in heads:
        half = walk.tcp.halves[head.way]
        spans = [(head.offset, head.offset + head.length), *head.spans]
        frame = 1 + max(index for low, high in spans if low < high for index in half.packets(low, high))
        body = b"".join(bytes(half.data[low:high]) for low, high in head.spans)
        if head.fields.get("content-encoding") == "gzip":
            body = zlib.decompress(body, 31)
        messages.append((frame, head.way, covered(bytes(half.data[head.offset:head.offset + head.length])) + body))
    for frame, way, data in sorted(messages, key=lambda message: message[0]):
        if frame not in known or taken[frame] >= len(known[frame][0]):
            continue
        session, leg = (values[taken[frame]] for values in known[frame])
        taken[frame] += 1
        if leg == "0":
            found[int(session)].append((frame, way, data))
    return dict(found)


def same(counter, what, got, expected):
    expected = [(way, data) for _, way, data in expected]
    if counter.equal(len(got), len(expected), f"{what}: records"):
        for number, (one, other) in enumerate(zip(got, expected)):
            counter.check(one == other, f"{what}: record {number} is not what was sent: {one[1][:200]!r}, {other[1][:200]!r}")


def by_ends(tshark, sample, counter):
    """Of a TCP connection the filter lets a Connect through before its session is known: it is there once all the same."""
    tcp = next(walk.tcp for walk in sample.walks if walk.heads)
    ends = ",".join(map(capfile.endpoint_text, (tcp.client, tcp.server)))
    once, twice = (followed(tshark.output([*sample.options(tshark), "-q", *more, "-z", f"follow,mapihttp,raw,{ends}"]))
                   for more in ((), ("-2",)))
    counter.check(twice and twice[0][1], f"nothing of {ends}")
    counter.check(once == twice, f"{ends}: {len(once[0][1])} records in one pass, {len(twice[0][1])} in two")


def test(tshark, sample, counter):
    of_rpch = "connections" in sample.expect and any(told.get("vc") is not None for told in sample.expect["connections"])
    protocol, short, field = ("rpch", "RPCH", "rpch.vc") if of_rpch else ("mapihttp", "MAPI/HTTP", "mapihttp.session")
    wanted = virtual_connections(sample) if of_rpch else sessions(tshark, sample)
    if not counter.check(wanted, "nothing to follow"):
        return
    numbers = sorted(wanted)[:4]
    passes = {"-2": follow(tshark, sample, protocol, numbers, "-2"), "one pass": follow(tshark, sample, protocol, numbers)}
    for how, got in passes.items():
        for number in numbers:
            name = f"{field} == {number}"
            if counter.check(name in got, f"{how}: {name} was not followed"):
                same(counter, f"{how}, {name}", got[name], wanted[number])
    if not of_rpch:
        by_ends(tshark, sample, counter)
    number = numbers[-1]
    name = f"{field} == {number}"
    records, named = by_sharkd(tshark, sample, short, name, [wanted[number][0][0]])
    same(counter, f"sharkd, {name}", records, wanted[number])
    counter.check(name in named, f"sharkd names {named} for frame {wanted[number][0][0]}, not {name!r}")
    if not of_rpch:
        shown = b"".join(data for records in passes["-2"].values() for _, data in records).decode("latin-1")
        for secret in capfile.secrets_of(sample.capture):
            counter.check(secret not in shown, "a password, token or cookie is shown")


def main():
    subjects = common.Arguments().samples(*RPCH, *MAPI, kind=None)
    with wsrun.Tshark() as tshark:
        return common.run_all(lambda sample, counter: test(tshark, sample, counter), subjects)


if __name__ == "__main__":
    sys.exit(main())
