"""Runs tshark -z outlook,report and -z outlook,report,json on samples and compares them with what the samples are.

    run_report.py [--update] [NAME ...]

JSON is what docs/report.schema.json says; text and JSON tell the same; what expect.json names is told; the filters
select what they say; one pass and two agree; nothing secret is shown; and the screens of some samples are those of
tests/golden/report.txt, with every version of Wireshark. --update writes those that were asked for to that file.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import datetime
import json
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import common
import schema
from common import capfile, wsrun

SCHEMA = json.loads((common.PROJECT / "docs" / "report.schema.json").read_text(encoding="utf-8"))
GOLDEN = common.PROJECT / "tests" / "golden" / "report.txt"
SCREEN = (100, 60)
NAMED = 9                            # findings, in full or in a line
TEXT, JSON, SLOW = "outlook,report", "outlook,report,json", "outlook,report,slow"
# Screens that are compared to the letter: each kind of line there is.
TO_THE_LETTER = ["live-split-lb", "live-healthy", "live-tls-no-keys", "live-tls13-untrusted-ca", "live-wrong-password",
                 "mapi-verdict-lost-10", "mapi-verdict-expired", "mapi-auth-ntlm-torn", "mapi-body-bad-cut", "bad-snapped-bodies",
                 "verdict-never-one-way", "mapi-http-late", "mapi-http-2", "foreign-http", "live-joined-across-lb",
                 "mapi-verdict-codes", "mapi-verdict-http-504-120s", "bad-cut-command", "rops-failures"]
# Those whose filters and second pass are looked at besides.
CLOSELY = ["live-split-lb", "mapi-verdict-lost-10", "mapi-auth-ntlm-torn", "live-tls13-split-lb", "bad-snapped-bodies",
           "live-wrong-password", "live-tls-no-keys", "bad-frag-65535", "rops-failures", "rops-failures-rpc", "rops-two-legs-failed"]
OTHER_STEP = 14                      # and every so manyth of all others
BROKEN = ("rpch.rts.malformed", "rpch.rts.unexpected", "mapihttp.malformed")
GOOD = {"rpch.routing.joined_late", "rpch.routing.joined_across_proxies"}
WORSE = ("note", "warning", "error")
SHOWN = re.compile(r"^(\d+) of (\d+)", re.MULTILINE)


def chosen(subjects):
    """Those named above, one for each verdict that samples expect, and some of the others."""
    told, found = set(), []
    for number, sample in enumerate(subjects):
        names = {item["item"] for item in sample.expect["items"]} if sample.expect else set()
        if names - told or sample.name in TO_THE_LETTER + CLOSELY or number % OTHER_STEP == 0:
            told |= names
            found.append(sample)
    return found


def split(out):
    """(text, JSON) of one run that was asked for both; taps need not draw in the order in which they were named."""
    begin = re.search(r"^\{$", out, re.MULTILINE).start()
    end = re.compile(r"^\}\n", re.MULTILINE).search(out, begin).end()
    return out[:begin] + out[end:], out[begin:end]


def reports(tshark, sample, *more):
    return split(tshark.output([*sample.options(tshark), *more, "-q", "-z", TEXT, "-z", JSON]))


# ---- what each says -------------------------------------------------------------------------

def form(counter, text, report):
    lines = text.splitlines()
    counter.check(lines and len(lines) <= SCREEN[1], f"{len(lines)} lines")
    counter.check(max(map(len, lines), default=0) <= SCREEN[0], f"a line is wider than {SCREEN[0]}")
    counter.check(all(char.isprintable() or char == "\n" for char in text), "a control character")
    for fault in schema.faults(report, SCHEMA):
        counter.check(False, f"JSON: {fault}")


def agree(counter, text, report):
    """What the screen shows in full, and what it says of the rest, is what JSON has."""
    joined = re.sub(r"\n {6,}", " ", text)
    failed = any(finding["failed"] for finding in report["findings"])
    counter.equal(bool(re.search(r"^FAILED ", text, re.MULTILINE)), failed, "FAILED stands there")
    counter.equal(report["result"] == "failed", failed, "the result")
    heads = re.findall(r"^(FAILED|NOTE) +(.*)$", joined, re.MULTILINE)
    for (kind, head), finding in zip(heads, report["findings"]):
        said = re.sub(r" \([a-z].*", "", head)             # of one in a line: what stands behind the headline
        counter.check(said and re.sub(r" \.\.\.$", "", said) in finding["headline"], f"{head!r} is not {finding['headline']!r}")
        counter.equal(kind == "FAILED", finding["failed"], f"of {head!r}")
    more = re.search(r"^and ([\d,]+) more in ([\d,]+) other finding", text, re.MULTILINE)
    rest = report["findings"][len(heads):]
    counter.equal(int(more[2]) if more else 0, len(rest), "findings that are counted only")
    counter.check(not rest or len(heads) == NAMED, f"{len(heads)} findings are named of {len(report['findings'])}")
    full = len(re.findall(r"^  see ", text, re.MULTILINE))
    for finding in report["findings"][full:len(heads)]:
        counter.check(f"({finding['filter']})" in joined or f"({finding['verdict']})" in joined, f"no filter {finding['filter']!r}")
    for finding in report["findings"][:full]:
        counter.check(f"wireshark -r FILE -Y '{finding['filter']}'" in joined, f"no filter {finding['filter']!r}")
        if finding["next"]:
            counter.check(finding["next"][:60] in joined, f"no advice {finding['next'][:60]!r}")
    for doubt in report["cannot_tell"][:6]:
        counter.check(f"CANNOT TELL {doubt['count']:,} {doubt['what']}: {doubt['reason'][:40]}"
                      in re.sub(" +", " ", joined), f"no doubt {doubt['reason']!r}")
        counter.check(doubt["next"], "a doubt without a remedy")
    for key in ("connections", "sessions"):
        if number := report["healthy"][key]:
            counter.check(re.search(rf"^healthy +{number:,} of {report['healthy'][key + '_total']:,} ", text, re.MULTILINE),
                          f"{number} healthy {key} are not named")
    denied = "no RPC over HTTP connection, no MAPI/HTTP session" in text
    if denied:
        counter.check(not report["cannot_tell"] and not report["findings"], "what may have been hidden is denied")
    packets = report["capture"]["packets"]
    counter.check(text.startswith(f"{packets:,} packet"), "another number of packets")


def expected(sample, counter, report):
    """What expect.json names is told, and no failure that it does not name."""
    told = {finding["verdict"] for finding in report["findings"]}
    told |= {also["verdict"] for finding in report["findings"] for also in finding["also"]}
    opened = {(leg["vc"], leg["leg"]) for leg in sample.expect.get("legs", []) if leg.get("opens")}
    items = [item for item in common.standing(sample.expect["items"]) if item["severity"] in WORSE
             and item["item"].startswith(("rpch.", "mapihttp.", "outlook.")) and item["item"] not in GOOD
             and not item["item"].startswith("rpch.rts.") and item["item"] != "mapihttp.malformed"]
    for item in items:
        if item["item"] == "rpch.routing.proxies_differ" and (item.get("vc"), item.get("leg")) in opened:
            continue
        counter.check(item["item"] in told, f"{item['item']} is not told: {sorted(told)}")
    grave = {item["item"] for item in items if item["severity"] in ("warning", "error")}
    for finding in report["findings"]:
        if finding["failed"] and not sample.expect.get("tolerated"):
            counter.check(finding["verdict"] in grave, f"{finding['verdict']} is told, and not expected")
    counted = {entry["filter"]: (entry["packets"], entry["first_frame"]) for entry in report["broken"]}
    for name in BROKEN:
        frames = {item["frame"] for item in sample.expect["items"] if item["item"] == name}
        if name not in sample.expect.get("tolerated", []):
            counter.equal(counted.get(name), (len(frames), min(frames)) if frames else None, f"packets with {name}")
    legs = [message["fields"].get("mapihttp.leg") for message in sample.expect.get("messages", []) if message["to"] == "server"]
    if "1" in legs:
        # What was not sent to its end is a request, too, and no message of the sample's.
        cut = sum(item["item"] == "mapihttp.request.unanswered" for item in sample.expect["items"])
        counter.check(0 <= report["healthy"]["mapi_requests"] - legs.count("0") <= cut,
                      f"{report['healthy']['mapi_requests']} requests, each once: {legs.count('0')}, and up to {cut} cut")


def secret(sample, counter, both):
    for text in capfile.secrets_of(sample.capture):
        counter.check(text not in both, f"shows a secret of {len(text)} characters")


# ---- what Wireshark makes of it -------------------------------------------------------------

def selects(tshark, sample, counter, finding):
    """The filter selects frames of exactly those that the finding names, and the first is of the time of its frame."""
    rows = tshark.output([*sample.options(tshark), "-Y", finding["filter"], "-T", "fields", "-e", "frame.number", "-e", "rpch.vc",
                          "-e", "mapihttp.session", "-e", "frame.time_epoch"]).splitlines()
    found = [row.split("\t") for row in rows if "\t" in row]
    if not counter.check(found, f"{finding['filter']!r} selects nothing"):
        return
    first = finding["first"]
    told = datetime.datetime.fromisoformat(first["time"].replace("Z", "+00:00")).timestamp()
    times = [float(row[3]) for row in found if int(row[0]) == first["frame"]]
    counter.check(all(abs(time - told) < 0.0015 for time in times), f"frame {first['frame']} is not of {first['time']}")
    numbers = [{int(value) for row in found for value in row[column].split(",") if value} for column in (0, 1, 2)]
    if finding["connections"]:
        counter.check(set(finding["connections"]) <= numbers[1], f"{finding['filter']!r} lacks connections")
        counter.check(all(set(map(int, row[1].split(","))) & set(finding["connections"]) for row in found if row[1]),
                      f"{finding['filter']!r} selects others")
    if finding["sessions"]:
        counter.check(set(finding["sessions"]) <= numbers[2], f"{finding['filter']!r} lacks sessions")
    if not finding["connections"] and not finding["sessions"]:
        counter.equal(numbers[0], set(finding["frames"]), f"frames of {finding['filter']!r}")


def rops(tshark, sample, counter, text, told):
    """What is said of ROPs is what -Y finds, on one leg."""
    rows = tshark.output([*sample.options(tshark), "-Y", "rop.failed || rop.backoff", "-T", "fields", "-E", "occurrence=a", "-e",
                          "frame.number", "-e", "mapihttp.leg", "-e", "rop.failed", "-e", "rop.backoff"]).splitlines()
    found = [row.split("\t") for row in rows if "\t" in row]
    near = [row for row in found if row[1] in ("", "0")]
    failed, busy = (sum(len(row[column].split(",")) for row in near if row[column]) for column in (2, 3))
    counter.equal((told["failed"], told["put_off"]), (failed, busy), "ROPs that failed, and that were put off")
    counter.equal(sum(kind["count"] for kind in told["kinds"]), failed, "their kinds")
    numbers = {int(row[0]) for row in found}
    counter.check({kind["first_frame"] for kind in told["kinds"]} <= numbers, f"first frames are not among {sorted(numbers)}")
    counter.equal("\nrops     " in text, failed > 0, "the line of failed ROPs")
    counter.equal("\nput off  " in text, busy > 0, "the line of clients that were put off")


def test(tshark, sample, counter, golden, screens):
    text, told = reports(tshark, sample)
    report = json.loads(told)
    form(counter, text, report)
    agree(counter, text, report)
    secret(sample, counter, text + told)
    if sample.expect:
        expected(sample, counter, report)
    if sample.name in TO_THE_LETTER:
        screens[sample.name] = text
        if golden is not None:
            counter.equal(text, golden.get(sample.name), "the screen of tests/golden/report.txt")
    if sample.name in CLOSELY:
        counter.equal(reports(tshark, sample, "-2"), (text, told), "with two passes")
        rops(tshark, sample, counter, text, report["rops"])
        for finding in report["findings"][:2]:
            selects(tshark, sample, counter, finding)
        lines = tshark.output([*sample.options(tshark), "-q", "-z", SLOW]).splitlines()
        slow = [f"{row['operation']}, " for row in report["slow"]] + [f"{row['operation']}, leg {row['leg']}, {row['count']} of "
                                                                      for row in report["slow_types"]]
        counter.check(len(lines) == max(1, len(slow)) and all(map(str.startswith, lines, slow)), f"-z {SLOW} says {lines}")
        for doubt in report["cannot_tell"][:2]:
            if doubt["filter"]:
                rows = tshark.output([*sample.options(tshark), "-Y", doubt["filter"], "-T", "fields", "-e", "frame.number"])
                counter.check(rows.strip(), f"{doubt['filter']!r} selects nothing")


# ---- what belongs to no sample --------------------------------------------------------------

def options(tshark, counter):
    """An argument that is not known is refused with the names of those that are, whatever begins like it."""
    sample = common.samples("live-healthy")[0]
    for option in ("outlook,report,xml", "outlook,reporter", "outlook,report,json,x", "outlook,report,"):
        process = tshark.popen([*sample.options(tshark), "-q", "-z", option], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, err = process.communicate()
        counter.check(process.returncode and b"outlook,report,json" in err and not out, f"-z {option}: {out!r} {err!r}")
    out = tshark.output([*sample.options(tshark), "-q", "-z", TEXT, "-z", "outlook,auth"])
    counter.check("Outlook logons" in out and "44 packets" in out, f"with a table beside it: {out!r}")


def key_log(tshark, counter):
    """A key log that fits nothing, and a capture without packets."""
    sample = common.samples("live-tls-no-keys")[0]
    wrong = tshark.home / "wrong.keys"
    wrong.write_text(f"CLIENT_RANDOM {'ab' * 32} {'cd' * 48}\n", encoding="ascii")
    text, told = reports(tshark, sample, "-o", f"tls.keylog_file:{wrong}")
    counter.check("the key log that was given fits none of them" in re.sub(r"\s+", " ", text), f"says {text}")
    counter.check(json.loads(told)["capture"]["tls"]["key_log"] is True, "JSON: no key log")
    empty = tshark.home / "empty.pcap"
    empty.write_bytes(bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000"))
    text, told = split(tshark.output(["-r", empty, "-q", "-z", TEXT, "-z", JSON]))
    report = json.loads(told)
    counter.check(text.startswith("no packets") and report["capture"]["start"] is None, f"of no packet: {text}")
    counter.equal((report["result"], schema.faults(report, SCHEMA)), ("cannot_tell", []), "of no packet")


def self_test(counter):
    """The schema is heard: what breaks it is found. --update keeps the screens that were not asked for."""
    global GOLDEN
    for value in ({}, {"format": 2}, []):
        counter.check(schema.faults(value, SCHEMA), f"{value} is let through")
    real, before = GOLDEN, read_golden()
    with tempfile.TemporaryDirectory() as folder:
        GOLDEN = pathlib.Path(folder) / real.name
        write_golden(before)
        counter.equal(GOLDEN.read_text(encoding="utf-8"), real.read_text(encoding="utf-8"), "what is read is written again")
        write_golden({TO_THE_LETTER[0]: "another\n"})
        counter.equal(read_golden(), {**before, TO_THE_LETTER[0]: "another\n"}, "--update of one name")
    GOLDEN = real


class Named:
    def __init__(self, name, function):
        self.name, self.function = name, function


def read_golden():
    if not GOLDEN.exists():
        return {}
    parts = re.split(r"^==== (\S+)\n", GOLDEN.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2]))


def write_golden(screens):
    """Those that were not asked for stay as they are."""
    kept = {**read_golden(), **screens}
    GOLDEN.write_text("".join(f"==== {name}\n{kept[name]}" for name in TO_THE_LETTER if name in kept), encoding="utf-8")


def main():
    arguments = common.Arguments("--update")
    update = "--update" in arguments.flags
    golden, screens = None if update else read_golden(), {}
    own = [Named("options", options), Named("key log", key_log), Named("schema", lambda tshark, counter: self_test(counter))]
    subjects = arguments.captures(also=own) if arguments.names else arguments.part(
        chosen(common.samples(kind="dissection") + common.third_party())) + own
    with wsrun.Tshark() as tshark:
        tshark.prove_loaded()
        status = common.run_all(lambda subject, counter: subject.function(tshark, counter) if isinstance(subject, Named)
                                else test(tshark, subject, counter, golden, screens), subjects)
    if update:
        write_golden(screens)
    return status


if __name__ == "__main__":
    sys.exit(main())
