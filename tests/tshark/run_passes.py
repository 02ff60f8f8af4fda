"""Shows that the plugin says the same of a frame however it is reached.

    run_passes.py [SAMPLE ...]

For every sample and third-party capture: fields and expert items per frame in one pass, in
two, with and without a visible tree, with a tree in the first of two passes, and in sharkd,
which like the GUI reads the file once without a tree and then shows frames in any order.
The plugin's tables are the same from a pass without any tree, and all that -z prints in one
pass and in two, also of a part of the frames: what is known at the end counts. What only later
passes know, as http.response_in, is compared among these.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import itertools
import json
import pathlib
import random
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import common
import wsrun

TRUTH = {"True": "1", "False": "0"}
VALUE, FIELD = "\x1f", "\x1e"
SHARKD_SECONDS = 120
CUT = 180                            # characters of a message that sharkd's label surely has
# As http.response_in: of a frame that comes later the first pass cannot know it.
LATER = {"mapihttp.response_in", "rop.response_in", "rop.piece_after_in"}
# Where the clock behind a device is early, what stands first is leg 0 until the leg before it shows.
NUMBERS = {"rpch.vc.leg", "mapihttp.leg", "outlook.verdict.leg", "outlook.verdict.whose"}
TABLES = "rpch,connections", "mapihttp,sessions", "outlook,auth", "outlook,clients"
STATISTICS = (*TABLES, "rpch,srt", "mapihttp,srt", "outlook,srt", "rop,srt", "rpch,tree", "mapihttp,tree", "mapihttp_code,tree",
              "outlook,tree", "rop,tree", "outlook,report,json")
# The session that a request begins is known by its response.
BEGINS = {"Connect", "Bind"}
BEGUN = {"mapihttp.session", "mapihttp.leg"}


def registered(tshark):
    """{name: type} of the plugin's fields."""
    found = {}
    for line in tshark.output(["-G", "fields"]).splitlines():
        row = line.split("\t")
        if row[0] == "F" and common.ours(row[2]):
            found[row[2]] = row[3]
    return found


def value(text):
    # From 4.4 on -T fields doubles the backslash.
    return TRUTH.get(text, common.moment(text).replace("\\\\", "\\"))


def without_later(fields):
    """fields without what the first pass may not know."""
    def kept(rows):
        begins = not any(name == "mapihttp.http_status" for name, _ in rows) and \
            any(name == "mapihttp.request_type" and text in BEGINS for name, text in rows)
        return [row for row in rows if row[0] not in LATER and not (begins and row[0] in BEGUN)]
    return {number: kept(rows) for number, rows in fields.items()}


def as_first(later, first):
    """Fields of later passes without what they know besides: of which virtual connection a TCP connection is, also on frames
    before it was numbered, and the lines that this takes; and that a leg is farther from the client."""
    found = {}
    for number, rows in later.items():
        names = {name for name, _ in first.get(number, [])}
        lacks = {"rpch.vc", "rpch.vc.leg"} - names
        if lacks:
            lacks |= {"rpch.channel", "rpch", "outlook"} - names
        kept = [row for row in rows if row[0] not in lacks]
        found[number] = [(name, said(name, text, first.get(number, []))) for name, text in kept]
    return found


def said(name, text, rows):
    """The text; that of the first pass, if it said a lower leg."""
    before = [old for one, old in rows if one == name]
    if name not in NUMBERS or len(before) != 1:
        return text
    legs = [[int(word) for word in re.findall(r"\d+$", one)] for one in (before[0], text)]
    return before[0] if legs[0] and legs[1] and legs[0] < legs[1] else text


def order(packets, hidden=True):
    """{frame: [(name, value)]} in the order shown, and {frame: [(item, severity, message)]}."""
    fields, items = {}, {}
    for packet in packets:
        fields[packet.number] = [
            (field.get("name"), "" if field.tag == "proto" else value(field.get("show", "")))
            for field in packet.element.iter()
            if common.ours(field.get("name", "")) and (hidden or field.get("hide") != "yes")]
        items[packet.number] = [(item.name, item.severity, item.message) for item in packet.our_items()]
    return fields, items


def by_name(fields, types):
    """What -T fields can tell: {frame: {name: values}}, FT_NONE as a number of times, bytes without colons."""
    out = {}
    for number, row in fields.items():
        found = {}
        for name, text in row:
            if name not in types:    # a protocol's own item
                continue
            found.setdefault(name, []).append(text.replace(":", "") if types.get(name) == "FT_BYTES" else text)
        # A single empty text cannot be told from none in -T fields.
        out[number] = {name: len(values) if types.get(name) == "FT_NONE" else values for name, values in found.items()
                       if values != [""] or types.get(name) == "FT_NONE"}
    return out


def fields_run(tshark, options, types):
    names = sorted(types)
    args = [*options, "-T", "fields", "-E", f"separator={FIELD}", "-E", f"aggregator={VALUE}", "-e", "frame.number"]
    for name in names:
        args += ["-e", name]
    out = {}
    for line in tshark.output(args).split("\n"):
        cells = line.split(FIELD)
        if len(cells) != len(names) + 1:
            continue
        out[int(cells[0])] = {name: cell.count(VALUE) + 1 if types[name] == "FT_NONE" else
                              [value(text.replace(":", "") if types[name] == "FT_BYTES" else text)
                               for text in cell.split(VALUE)] for name, cell in zip(names, cells[1:]) if cell}
    return out


# ---- sharkd --------------------------------------------------------------------------------

def unquote(text):
    if len(text) > 1 and text[0] == text[-1] == '"':
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return text


def sharkd_fields(nodes, fields, items):
    for node in nodes:
        filter_text = node.get("f", "")
        name, _, text = filter_text.partition(" == ")
        if name == "_ws.expert":
            inside = [child.get("f", "").partition(" == ") for child in node.get("n", [])]
            which = next((child[0] for child in inside if common.ours(child[0])), "")
            # sharkd has labels only, and they are cut at some 240 characters.
            label = re.match(r"[^(]*Expert Info[^(]*\((\w+)/[^)]*\): (.*)", node.get("l", ""), re.DOTALL)
            if which:
                fields.append((which, ""))
                items.append((which, label[1].lower() if label else "?", label[2][:CUT] if label else "?"))
            continue
        if common.ours(name):
            # From 4.4 on a filter for a single byte ends with a colon.
            text = text[:-1] if re.fullmatch("[0-9a-f]{2}:", text) else text
            fields.append((name, value(unquote(text))))
        sharkd_fields(node.get("n", []), fields, items)


def sharkd(tshark, sample, frames):
    """Fields and items of the frames in the order asked for; one list entry for each request."""
    options = sample.options(tshark)
    calls = []
    for name, text in zip(options, options[1:]):
        if name == "-o":
            key, _, preference = str(text).partition(":")
            calls.append({"method": "setconf", "params": {"name": key, "value": preference}})
    calls.append({"method": "load", "params": {"file": str(sample.copy)}})
    ready = len(calls)
    calls += [{"method": "frame", "params": {"frame": frame, "proto": True}} for frame in frames]
    calls.append({"method": "bye"})
    text = "".join(json.dumps({"jsonrpc": "2.0", "id": number, **call}) + "\n" for number, call in enumerate(calls, 1))
    process = tshark.popen(["-"], program="sharkd", stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                           stderr=subprocess.DEVNULL)
    try:
        out, _ = process.communicate(text.encode(), timeout=SHARKD_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise ValueError(f"sharkd took longer than {SHARKD_SECONDS} s") from None
    answers = {}
    for line in out.decode("utf-8", "replace").splitlines():
        answer = json.loads(line)
        answers[answer["id"]] = answer
    for number in range(1, ready + 1):
        if answers.get(number, {}).get("result", {}).get("status") != "OK":
            raise ValueError(f"sharkd: {calls[number - 1]['method']}: {answers.get(number)}")
    found = []
    for number in range(ready + 1, ready + 1 + len(frames)):
        if "result" not in answers.get(number, {}):
            raise ValueError(f"sharkd: no answer for frame {frames[number - ready - 1]} (exit {process.returncode})")
        fields, items = [], []
        sharkd_fields(answers[number]["result"]["tree"], fields, items)
        found.append((fields, items))
    return found


# ---- comparing -----------------------------------------------------------------------------

def differ(counter, mode, got, expected, what):
    for number in sorted(expected):
        one, other = got.get(number), expected[number]
        if one == other:
            counter.check(True, "")
            continue
        if isinstance(other, dict):
            one = one or {}
            names = sorted(name for name in {*one, *other} if one.get(name) != other.get(name))
            text = "; ".join(f"{name}: {one.get(name)} for {other.get(name)}" for name in names[:4])
        else:
            one = one or []
            text = f"too many {[row for row in one if row not in other][:4]}, " \
                   f"missing {[row for row in other if row not in one][:4]}"
            if sorted(one) == sorted(other):
                text = "the same in another order"
        counter.check(False, f"frame {number}: {what} in {mode} differ from one pass: {text}")


def statistics(tshark, options, frames, counter):
    half = f",frame.number <= {frames // 2}"
    for names in (STATISTICS, [name + half for name in TABLES]):
        args = [*options, "-q", *(part for name in names for part in ("-z", name))]
        once, twice = (tshark.output([*args, *more]).splitlines() for more in ([], ["-2"]))
        differing = [line for pair in itertools.zip_longest(once, twice) for line in pair if pair[0] != pair[1]]
        counter.check(once == twice, f"-z {names[0]} and more differ in one pass and in two: {differing[:6]}")


def test(tshark, types, sample, counter):
    options = sample.options(tshark)
    for name, preference in ((sample.expect or {}).get("preferences") or {}).items():
        options += ["-o", f"{name}:{preference}"]
    sample.options = lambda _: options
    first, table = common.packets(tshark, sample, table=True)
    fields, items = order(first)
    second, table_second = common.packets(tshark, sample, "-2", table=True)
    fields_second, items_second = order(second)
    differ(counter, "-2", as_first(without_later(fields_second), fields), without_later(fields), "fields")
    differ(counter, "-2", items_second, items, "expert items")
    counter.check(not any(name in LATER and int(text) > number for number, rows in fields.items() for name, text in rows),
                  f"one pass shows a later frame in one of {sorted(LATER)}")
    names, names_second = by_name(fields, types), by_name(fields_second, types)
    for mode, more, wanted in (("-T fields", [], names), ("-2 -T fields", ["-2"], names_second),
                               ("-2 -R frame -T fields", ["-2", "-R", "frame"], names_second)):
        differ(counter, mode, fields_run(tshark, [*options, *more], types), wanted, "fields")
    quiet = tshark.output([*options, "-q", *common.TABLES]).strip("\n").splitlines()
    counter.equal(table, quiet, "the tables with a tree and without")
    counter.equal(table_second, quiet, "the tables in two passes and in one")
    statistics(tshark, options, len(first), counter)
    # Any order, each frame twice; the same order in every run.
    frames = [packet.number for packet in first] * 2
    random.Random(sample.name).shuffle(frames)
    shown, _ = order(second, hidden=False)
    for frame, (one, one_items) in zip(frames, sharkd(tshark, sample, frames)):
        # A field without a value has a filter there, and so a name, only if it has no length.
        told = {name for name, _, _ in items[frame]}
        one, named = ([row for row in rows if types.get(row[0]) != "FT_NONE" or row[0] in told] for rows in (one, shown[frame]))
        differ(counter, "sharkd", {frame: one}, {frame: named}, "fields")
        wanted = [(name, severity, message[:CUT]) for name, severity, message in items[frame]]
        differ(counter, "sharkd", {frame: one_items}, {frame: wanted}, "expert items")


def main():
    subjects = common.Arguments().captures(kind=None)
    with wsrun.Tshark() as tshark:
        tshark.prove_loaded()
        types = registered(tshark)
        if not types:
            sys.exit("the plugin registers no fields")
        return common.run_all(lambda sample, counter: test(tshark, types, sample, counter), subjects)


if __name__ == "__main__":
    sys.exit(main())
