#!/usr/bin/env python3
"""Captures on which a verdict was once wrong, missing or blamed on the wrong party: every verdict, whole.

    run_cases.py [--show] [--part N/M] [NAME ...]

expect.json of such a sample has "verdicts": all of severity note and above, in order of frames, and those of
chat that matter. A verdict is an object:

    item      its filter
    severity  "chat", "note", "warning" or "error"
    frame     optional: the frame that it stands on
    where     optional: whom it blames, one text or a list of those allowed, as in outlook.verdict.where, for example
              "NETWORK DEVICE (seen)"; "NETWORK DEVICE" allows seen and inferred
    says      optional: patterns, each found in Seen, inferred or Next of it
    never     optional: patterns that must not be found there
    times     optional: how often such a verdict stands there (1)
    optional  optional: true if it may be missing (a note where the specification leaves the choice)

"rows" is optional: patterns, each found in a line of the tables; "no_rows": patterns found in none. "report" and
"no_report": the same of ./analyze.
Runs in one pass and in two; both must say the same.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import common
import wsrun

ABOVE = {"note", "warning", "error"}
KNOWN = {"item", "severity", "frame", "where", "says", "never", "times", "optional"}


class Verdict:
    def __init__(self, frame, item, severity, where, text):
        self.frame, self.item, self.severity, self.where, self.text = frame, item, severity, where, text

    def __repr__(self):
        return f"frame {self.frame}: {self.item} ({self.severity}), {self.where}"

    def fits(self, wanted):
        places = wanted.get("where", [])
        places = [places] if isinstance(places, str) else places
        return (self.item == wanted["item"] and self.severity == wanted.get("severity", self.severity)
                and self.frame == wanted.get("frame", self.frame)
                and (not places or any(self.where == place or self.where.startswith(place + " (") for place in places))
                and all(re.search(pattern, self.text) for pattern in wanted.get("says", []))
                and not any(re.search(pattern, self.text) for pattern in wanted.get("never", [])))


def verdicts(packets):
    found = []
    for packet in packets:
        names = packet.all("outlook.verdict")
        severities = {item.name: item.severity for item in packet.our_items()}
        parts = [packet.all(f"outlook.verdict.{part}") for part in ("where", "seen", "inferred", "next")]
        texts = [item.said for item in packet.our_items()]
        for index, name in enumerate(names):
            where = parts[0][index] if len(parts[0]) == len(names) else ""
            # A verdict need not have all of its parts: what cannot be told apart is searched together.
            said = [part[index] if len(part) == len(names) else " ".join(part) for part in parts[1:]]
            found.append(Verdict(packet.number, name, severities.get(name, "?"), where, "\n".join(said) or "\n".join(texts)))
    return found


def test(tshark, sample, counter, show):
    runs = []
    for passes in ([], ["-2"]):
        packets, table = common.packets(tshark, sample, *passes, table=True)
        runs.append((verdicts(packets), table))
    (found, table), (again, table_again) = runs
    if show:
        for verdict in found:
            print(f"{sample.name}: {verdict}\n    " + verdict.text.replace("\n", "\n    "))
        print("\n".join(f"{sample.name}: | {line}" for line in table))
    counter.equal([repr(verdict) + verdict.text for verdict in again], [repr(verdict) + verdict.text for verdict in found], "-2")
    counter.equal(table_again, table, "tables with -2")
    left = list(found)
    for wanted in sample.expect["verdicts"]:
        counter.check(set(wanted) <= KNOWN, f"expect.json: unknown {set(wanted) - KNOWN}")
        for _ in range(wanted.get("times", 1)):
            match = next((verdict for verdict in left if verdict.fits(wanted)), None)
            if match:
                left.remove(match)
            if match or not wanted.get("optional"):
                counter.check(match, f"no {wanted}; there is {left}")
    for verdict in left:
        counter.check(verdict.severity not in ABOVE, f"not expected: {verdict}: {verdict.text}")
    lines(counter, table, sample.expect, "rows", "no_rows")
    if "report" in sample.expect or "no_report" in sample.expect:
        report = subprocess.run([str(common.PROJECT / "analyze"), str(sample.path)], stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, check=False).stdout.splitlines()
        if show:
            print("\n".join(f"{sample.name}: > {line}" for line in report))
        lines(counter, report, sample.expect, "report", "no_report")


def lines(counter, text, expect, have, lack):
    for pattern in expect.get(have, []):
        counter.check(any(re.search(pattern, line) for line in text), f"{have}: {pattern!r} not in {text}")
    for pattern in expect.get(lack, []):
        counter.check(not any(re.search(pattern, line) for line in text), f"{lack}: {pattern!r} in {text}")


def main():
    arguments = common.Arguments("--show")
    with wsrun.Tshark() as tshark:
        return common.run_all(lambda sample, counter: test(tshark, sample, counter, "--show" in arguments.flags),
                              arguments.samples(kind="verdicts"))


if __name__ == "__main__":
    sys.exit(main())
