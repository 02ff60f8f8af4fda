"""The tests' own reader of ROP buffers (tests/lib/ropreader.py), against what others say of the same bytes; without tshark.

    check_ropreader.py [--facts | --self-test]

tests/rops/examples.txt: examples of specifications and open sources; forms.txt: a ROP of each form, as MAPI Inspector
reads it; captures.txt: its reading of ../shared/captures, where they are there (--facts leaves them out); the samples of
test-captures/rops: what their generator put in. --self-test: each of these must fail where the reader, or a fact, is made wrong.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import json
import pathlib
import re
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import common
import roplayout as layout
import ropreader
import ropsamples
import ropsources

import capfile


FACTS = pathlib.Path(__file__).resolve().parents[1] / "rops"
TO_COME = 0xFFFFFFFF
HANDLE = 0x51


def lines(name):
    return [line for line in (FACTS / name).read_text(encoding="utf-8").splitlines() if line.strip() and line[0] != "#"]


def payload(data, *handles):
    return struct.pack("<H", 2 + len(data)) + data + b"".join(struct.pack("<I", handle) for handle in handles)


def whole(counter, where, found, size):
    """One ROP that is all of the list, and every byte of it a field's."""
    if not counter.check(found.stop is None and not found.notes, f"{where}: {found.why or found.notes}"):
        return None
    if not counter.equal([(rop.at, rop.size) for rop in found.rops], [(2, size)], f"{where}: place and size"):
        return None
    at = 2
    for leaf in found.rops[0].leaves:
        counter.equal(leaf.at, at, f"{where}: byte where {leaf.path} begins")
        at = leaf.at + leaf.size
    counter.equal(at, 2 + size, f"{where}: end of the last field")
    return found.rops[0]


def deep(values, name):
    """A value by its path: A.B, A[0], A[0].B."""
    for part in re.findall(r"\w+", name):
        if values is None:
            return None
        values = values[int(part)] if isinstance(values, list) else values.get(part)
    return values


# ---- single ROPs -------------------------------------------------------------------------

def answer(number, data, request=None, columns=None, recipients=None):
    """Reads one response as the answer to a request, or to one that says no more than its id."""
    session = ropreader.Session()
    session.objects[HANDLE] = ropreader.Object(0x05, columns, recipients)
    handles = [0x50, HANDLE, TO_COME]
    if request:
        asked = session.request([payload(request, *handles)])
    else:
        names = [field.name for field in layout.ALL[number].request or () if field.name.endswith("HandleIndex")]
        values = {**dict.fromkeys(names, 1), "LogonId": 0, "WantAsynchronous": 1, "LogonFlags": 1, "PropertyTags": []}
        asked = [ropreader.List([ropreader.Read(0, number, 2, values=values)] if names else [], handles)]
    return session.response(asked, [payload(data, *handles)])[0]


def forms(counter):
    columns, recipients, request, rop = [], [], None, None
    for line in lines("forms.txt"):
        words = line.split()
        if words[0] == "columns":
            columns = [int(word, 16) for word in words[1:]]
        elif words[0] == "recipients":
            recipients = [int(word, 16) for word in words[1:]]
        elif not line.startswith(" "):
            number, direction, form = int(words[0], 16), words[1], words[2].rstrip(":")
            data, where, rop = bytes.fromhex(words[3]), f"forms.txt: {line[:40]}", None
            if direction == "request":
                request = data
                session = ropreader.Session()
                if number == 0x11 and len(data) > 5:
                    session.logons[data[1]] = 0
                found = session.request([payload(data, 0x50, HANDLE, TO_COME)])[0]
            else:
                asked = request if number not in layout.EXTRA else b"\x01\0\0"
                found = answer(number, data, asked, columns, recipients)
            rop = whole(counter, where, found, len(data))
            if rop and direction == "response" and form == "failure":
                counter.equal(rop.form, "failure", f"{where}: form")
        elif rop:
            for name, value in (word.split("=") for word in line.split("#")[0].split()):
                counter.equal(str(deep(rop.values, name)), value, f"{where}: {name}")


# ---- examples ----------------------------------------------------------------------------

ID = re.compile(r"([0-9A-Fa-f]{4})-([0-9A-Fa-f]{12})$")


def number_of(text):
    text = re.sub(r"\(\w[^()]*\)$", "", text.strip()) if not text.startswith("(") else text
    if match := ID.match(text):
        return int.from_bytes(struct.pack("<H", int(match[1], 16)) + bytes.fromhex(match[2]), "big")
    if re.fullmatch(r"0x[0-9A-Fa-f]+|\d+", text):
        return int(text, 0)
    return "" if text == "(empty)" else text


def example(counter, number, kind, data, facts):
    where = f"examples.txt: {number:02X} {kind}" if isinstance(number, int) else f"examples.txt: {kind}"
    if kind in ("request", "response"):
        if kind == "request":
            found = ropreader.Session().request([payload(data, 0x50, HANDLE, TO_COME)])[0]
        else:
            found = answer(number, data)
        rop = whole(counter, where, found, len(data))
        for fact in facts.split(";") if rop else ():
            name, _, text = fact.partition("=")
            value = deep(rop.values, name.replace(".Tag", "[0]").replace("].Value", "][1]"))
            if name == "RecipientRows[0].RecipientRow.RecipientFlags":
                counter.equal(value, int(text, 16), f"{where}: {name}")
            elif text.startswith("["):
                mine = json.dumps(numbers(value))
                counter.equal(mine, json.dumps(numbers(json.loads(text), True)), f"{where}: {name}")
            elif "," in text and text.startswith("0x"):
                counter.equal(value, [int(part, 16) for part in text.split(",")], f"{where}: {name}")
            else:
                counter.equal(value, number_of(text), f"{where}: {name}")
    elif kind == "rowdata":
        columns = [int(tag, 16) for tag in re.findall(r"0x([0-9A-F]{8})\(", facts)]
        reader = ropreader.Reader(data, 0, len(data), columns)
        count, rows = int(re.search(r"RowCount=(\d+)", facts)[1]), []
        while reader.at < len(data):
            rows.append(reader.row("table", {}, "row", 0))
        counter.equal(len(rows), count, f"{where}: rows")
        if "row[1]" in facts:
            counter.equal(rows[1], [0, ["MT Dummy From", "Body of message 9"]], f"{where}: the second row")
        else:
            counter.equal(rows[0], [1, ["MT Dummy From", 0x8004010F]], f"{where}: the first row")
    elif kind == "structure":
        reader = ropreader.Reader(data, 0, len(data))
        found = reader.restriction("r", 0)
        counter.equal(reader.at, len(data), f"{where}: bytes")
        inner = found["Restrictions"][0]["Restrictions"][0]["Restrictions"][0]
        counter.equal((found["RestrictType"], found["RestrictCount"], inner["FuzzyLevelLow"], inner["FuzzyLevelHigh"],
                       inner["PropertyTag"], inner["TaggedValue"][1]), (0, 2, 0, 1, 0x0C1F001F, "test@example.com"),
                      f"{where}: values")
    elif kind == "rgbIn":
        example.packed = data
    elif kind == "ropin":
        counter.equal(ropsources.payloads(example.packed), [data], f"{where}: unpacked")
        found = ropreader.Session().request([data])[0]
        said = dict(fact.split("=") for fact in facts.split(";"))
        counter.equal(found.size, int(said["RopSize"]), f"{where}: RopSize")
        counter.equal([rop.id for rop in found.rops], [int(text, 16) for text in said["RopIds"].split(",")], f"{where}: ids")
        counter.equal(found.handles, [int(text, 16) for text in said["ServerObjectHandleTable"].split(",")], f"{where}: handles")


def numbers(value, text=False):
    """Lists of numbers and text in one form: what stands in the file in hexadecimal becomes a number, structures their
    values in order."""
    kinds = {"AND": 0, "OR": 1, "NOT": 2, "CONTENT": 3, "PROPERTY": 4, "COMPAREPROPS": 5, "BITMASK": 6}
    if isinstance(value, dict):
        keep = [part for name, part in value.items() if name not in ("kind", "RestrictCount")]
        if value.get("kind") == "Content":
            keep[1:3] = [f"{keep[2]:04x}{keep[1]:04x}"]
        return [numbers(part, text) for part in keep]
    if isinstance(value, list):
        return [numbers(part, text) for part in value]
    if text and isinstance(value, str):
        if value in kinds:
            return kinds[value]
        return int(value, 16) if re.fullmatch(r"[0-9A-F]{8}", value) and value != "00000000" else value
    return value


def examples(counter):
    number, kind, data = None, None, b""
    for line in lines("examples.txt"):
        if not line.startswith(" "):
            head, text = line.split(": ")
            number, kind = head.split()
            number, data = int(number, 16) if number != "-" else None, bytes.fromhex(text)
            example.facts = None
        else:
            example(counter, number, kind, data, line.strip())


# ---- captures ----------------------------------------------------------------------------

def read(exchanges):
    """[(exchange, request's lists, response's lists)] of those with ROPs."""
    sessions, found = {}, []
    for exchange in exchanges:
        if exchange.opens or exchange.session not in sessions:
            sessions[exchange.session] = ropreader.Session()
        if not exchange.opens:
            session = sessions[exchange.session]
            asked = session.request(exchange.asked)
            found.append((exchange, asked, session.response(asked, exchange.answered)))
    return found


def captures(counter):
    import wsrun
    there = {sample.name: sample for sample in common.third_party()}
    found, want, name = [], [], None
    with wsrun.Tshark() as tshark:
        for line in [*lines("captures.txt"), "capture"] if there else ():
            words = line.split()
            if words[0] == "capture":
                if want:
                    rops(counter, want)
                name, want = words[-1], []
                if name in there:
                    walks = common.twin(tshark, there[name]).walks
                    found = sorted(read(ropsources.of_capture(walks)),
                                   key=lambda row: (row[0].stream if "mapihttp" in name else 0, row[0].frames[0]))
            elif line[0] != " ":
                number, way, buffer = int(words[0]), words[1], int(words[2].rstrip(":"))
                where = f"{name}: exchange {number}, {way}, buffer {buffer}"
                lists = found[number - 1][1 if way == "request" else 2]
                got = lists[buffer] if buffer < len(lists) else ropreader.List()
                counter.check(got.stop is None and not got.notes, f"{where}: {got.why or got.notes}")
                counter.equal(got.handles, [int(word, 16) for word in words[3:]], f"{where}: handles")
                want.append((where, got, []))
            else:
                want[-1][2].append(words)


def rops(counter, want):
    for where, got, rows in want:
        if not counter.equal([f"{rop.id:02X} {rop.at}+{rop.size}" for rop in got.rops], [" ".join(row[:2]) for row in rows],
                             f"{where}: ROPs"):
            continue
        for rop, row in zip(got.rops, rows):
            for fact in row[2:]:
                field, value = fact.split("=")
                counter.equal(deep(rop.values, field), int(value, 0), f"{where}: {rop.name} {field}")


# ---- samples -----------------------------------------------------------------------------

def samples(counter):
    """What the reader finds in each sample is what was put in, and no form is missing."""
    seen, found = set(), []
    for folder in ropsamples.folders():
        walks = capfile.walks(capfile.load(folder / "capture.pcapng"))
        put = ropsamples.load(folder)
        got = []
        for exchange, asked, told in read(ropsources.of_capture(walks)):
            for way, lists in ((0, asked), (1, told)):
                got += [(way == 0, exchange.frames[way], number, one) for number, one in enumerate(lists)]
        if not counter.equal([row[:3] for row in got], [(one.asks, one.frame, one.buffer) for one in put], f"{folder.name}: lists"):
            continue
        for (_, frame, number, one), wanted in zip(got, put):
            where = f"{folder.name}: frame {frame}, buffer {number}"
            compare(counter, where, one, wanted)
            seen |= {(rop.id, rop.form) for rop in one.rops}
            found += one.rops
    want = {(0x20 if rop.id == 0x1F else rop.id, form) for rop in layout.ALL.values() for form in all_forms(rop)}
    counter.equal(sorted(want - seen), [], "forms that no sample has")
    complete(counter, found)


def complete(counter, found):
    """Both sides of every condition of a ROP's own fields, and every kind of what ROPs carry."""
    there = {}
    for rop in found:
        row = layout.ALL[rop.id]
        form = next((form for form in row.forms if form.when == rop.form), None)
        for field in row.request or () if rop.form == "request" else form.fields if form and not rop.bare else ():
            if field.conditions:
                there.setdefault((row.name, rop.form, field.name), set()).add(field.name in rop.values)
    counter.equal([key for key, sides in there.items() if len(sides) < 2], [], "fields that are always there, or never")
    leaves = [leaf for rop in found for leaf in rop.leaves]

    def every(name):
        return {leaf.value for leaf in leaves if leaf.name == name}
    counter.equal(every("RestrictType"), set(layout.RESTRICTION), "types of restrictions")
    counter.equal(every("ActionType"), set(range(1, 0x0C)), "types of actions")
    counter.equal({flags & 7 for flags in every("RecipientFlags")}, set(range(8)), "kinds of recipients")
    counter.equal(every("StringType"), set(range(5)), "kinds of TypedString")
    counter.equal(every("Kind"), {0, 1, 0xFF}, "kinds of property names")
    counter.equal({leaf.value for leaf in leaves if leaf.name == "Flag"}, {0, 1, 0x0A}, "flags of rows and values")
    types = {leaf.value & 0xFFFF for leaf in leaves if leaf.name in ("PropertyTag", "PropertyTags")}
    counter.check(types >= set(layout.VALUE) | {0x1002, 0x1003, 0x1014, 0x101E, 0x101F, 0x1048, 0x1102, 0x301F},
                  f"types of properties: only {sorted(types)}")
    told = {tuple(sorted(rop.values["NotificationData"])) for rop in found if rop.id == 0x2A}
    count = sum(rop.id == 0x2A for rop in found)
    counter.check(count >= 44 and len(told) >= 15, f"{count} notifications, {len(told)} sets of fields")


def all_forms(rop):
    if rop.request is not None:
        yield "request"
    if rop.answers:
        yield from (form.when for form in rop.forms)
        if not rop.forms:
            yield "head"
        elif all(form.sign == "=" for form in rop.forms):
            yield "failure"


def compare(counter, where, one, wanted):
    counter.equal(one.size, wanted.size, f"{where}: RopSize")
    counter.equal(one.handles, wanted.handles, f"{where}: handles")
    counter.equal([(rop.id, rop.at, rop.size) for rop in one.rops], [(rop.id, rop.at, rop.size) for rop in wanted.rops],
                  f"{where}: ROPs ({one.why})")
    counter.equal(one.notes, [], f"{where}: notes")
    counter.equal((one.stop, one.size - one.stop) if one.stop is not None else None, wanted.rest, f"{where}: rest ({one.why})")
    for rop, put in zip(one.rops, wanted.rops):
        mine = [(leaf.path, leaf.value) for leaf in rop.leaves[1:]]
        if mine != put.leaves:
            odd = next((pair for pair in zip(mine, put.leaves) if pair[0] != pair[1]), (len(mine), len(put.leaves)))
            counter.check(False, f"{where}: {rop.name} at {rop.at}: got {odd[0]}, put in {odd[1]}")
        else:
            counter.passed += len(mine)


# ---- self test ---------------------------------------------------------------------------

def run(*tests):
    counter = common.Counter("")
    for test in tests:
        try:
            test(counter)
        except (IndexError, KeyError, TypeError, AttributeError, ropreader.Unfit) as error:
            counter.check(False, f"{test.__name__}: {type(error).__name__}: {error}")
    return counter


def broken(text, other):
    """The layouts with a row changed."""
    old = layout.ALL
    rows = layout.ROPS.replace(text, other)
    assert rows != layout.ROPS, text
    layout.ALL = {rop.id: rop for rop in map(layout.Rop, layout._rows(rows))}
    return old


WRONG = [
    ("RowCount:2 RowData:Row(table)*", "RowCount:4 RowData:Row(table)*"),
    ("RowCount:2 RowData:Row(table)*", "RowCount:1 RowData:Row(table)*"), ("HasRules:1 IsGhosted:1 GHOSTED", "HasRules:1"),
    ("=0/40380", "=1"), ("ClientData:b(24)?!private", "ClientData:b(24)"), ("| I *: WrittenSize:4", "| I *: WrittenSize:2"),
    ("Origin:1 RowCount:i4 Want", "Origin:1 RowCount:4 Want"), ("?!DataOffset,private", ""), ("=0,private", "=0,!private"),
    ("WantCopy:1", "WantCopy:2"), ("Essdn:b", "Essdn:z"), ("UseUnicode:1 FolderId:id NewFolderName:u(UseUnicode)",
                                                         "UseUnicode:1 FolderId:id NewFolderName:z"),
]


def self_test(counter):
    for text, other in WRONG:
        old = broken(text, other)
        counter.check(run(forms, examples, samples).failures, f"nothing fails with {other!r} in place of {text!r}")
        layout.ALL = old
    good = dict(layout.STRUCTURE)
    for name in layout.STRUCTURE:
        layout.STRUCTURE[name] = good[name][:-1]
        counter.check(run(forms, examples, samples).failures, f"nothing fails without the last field of {name}")
        layout.STRUCTURE.update(good)


def main():
    tests = [self_test] if "--self-test" in sys.argv else [examples, forms, samples]
    if len(sys.argv) == 1:
        tests.append(captures)       # tshark decrypts one of them
    counter = run(*tests)
    return common.ended(counter, most=40)


if __name__ == "__main__":
    sys.exit(main())
