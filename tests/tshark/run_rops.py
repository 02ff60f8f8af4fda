"""Compares the ROPs that tshark shows with what stands in them.

    run_rops.py [SAMPLE ...]                samples of test-captures/rops and ../shared/captures, in one pass and in two: what was put in
    run_rops.py --third-party [NAME ...]    only the latter: what the tests' own reader finds (tests/lib/ropreader.py)
    run_rops.py --self-test                 without tshark: a tree made from rops.txt is as it should be, and one with a fault is not

Of each list: RopSize, the ROPs by id, place, size and label, every field of theirs by filter and value, in order, the handle
table, the rest that cannot be read, and of the samples what Info and the statistics say. A ROP is the item around rop.id. Its fields: rop.NAME, or rop.ROP.NAME where fields of
one name differ in kind; what stands in properties, restrictions and rules by their own filters.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import copy
import itertools
import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import common
import roplayout as layout
import ropsamples
import ropsources
import table
import wsrun
from check_ropreader import read

PLAIN = 4                            # RPC_HEADER_EXT: neither compressed nor obfuscated
RELEASE = 0x01

# What other readers show of what stands in ROPs, by the end of their filters.
RESTRICTIONS = {
    "RestrictType": "type", "RelOp": "relop", "BitmapRelOp": "bitmap_relop", "FuzzyLevelLow": "fuzzy_level_low",
    "FuzzyLevelHigh": "fuzzy_level_high", "Mask": "mask", "RestrictCount": "count", "TaggedValuesCount": "value_count",
    "RestrictionPresent": "present", "Size": "size", "Count": "maximum",
}
RULES = {
    "NoOfActions": "action_count", "ActionType": "action.type", "ActionLength": "action.length", "ActionFlavor": "action.flavor",
    "ActionFlags": "action.flags", "NoOfProperties": "action.property_count", "FolderInThisStore": "action.in_this_store",
    "BounceCode": "action.bounce_code", "StoreEIDSize": "action.store_size", "StoreEID": "action.store",
    "FolderEIDSize": "action.folder_size", "ReplyTemplateFID": "action.template_fid", "ReplyTemplateMID": "action.template_mid",
    "ReplyTemplateGUID": "action.template_guid", "RecipientCount": "action.recipient_count", "Reserved": "action.recipient_reserved",
}
TAGS = {"PropertyTag", "PropTag", "PropTag1", "PropTag2", "Subobject", "PropertyTags", "RecipientColumns", "ExcludedTags", "Tags",
        "StateProperty"}
VALUE = re.compile(r"\.Value(\[\d+\])*$|Column\[\d+\]\.ErrorCode$")
VALUE_PART = re.compile(r"(\.Value(\[\d+\])*\.(Count|Size|PropertyType)|Column\[\d+\]\.PropertyType)$")
SHOWN_PART = re.compile(r"mapiprop\.value\.(count_of_values|size)$")
SORT_PARTS = {"PropertyType": "mapiprop.type", "PropertyId": "mapiprop.id"}
OWN = re.compile(r"rop\.(\w+\.)?(\w+)$")
A_TAG, A_VALUE = "property tags", "property values"


def snake(name):
    """LogonId: logon_id; MinLongTermID: min_long_term_id; X500DN: x500_dn."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def last(path):
    return path.rsplit(".", 1)[-1].split("[")[0]


# ---- what is shown -----------------------------------------------------------------------

class Shown:
    """An extended buffer that holds a list: its item, and the one that its parts' positions count from."""

    def __init__(self, element):
        fields = list(element.iter("field"))
        flags = next(field for field in fields if field.get("name", "").endswith("ext.flags"))
        self.plain = not int(flags.get("show"), 0) & ~PLAIN
        self.size = next(field for field in fields if field.get("name") == "rop.buffer.rop_size")
        self.above = {child: parent for parent in element.iter() for child in parent}
        self.rops = [self.above[field] for field in fields if field.get("name") == "rop.id"]
        self.handles = [number(field) for field in fields if field.get("name") == "rop.buffer.handle"]
        self.rests = [field for field in fields if field.get("name") == "rop.buffer.rest"]

    def places(self, field):
        """Where a field may stand in the payload. PDML adds the position of the item around it to that of a field of another
        data source, where that is smaller."""
        at = int(field.get("pos"))
        if self.plain:
            return {at - int(self.size.get("pos"))}
        around = int(self.above[field].get("pos", "0")) if field in self.above else 0
        return {at, at - around}


def shown(packet):
    """The lists of a frame, in order."""
    found = []
    for element in packet.element.iter("field"):
        if any(child.get("name", "").endswith("ext.flags") for child in element) and \
                any(field.get("name") == "rop.buffer.rop_size" for field in element.iter("field")):
            found.append(Shown(element))
    return found


def number(field):
    """The value of a field as a number: as it is shown, of times by its bytes, lowest first. None if it has none."""
    text = field.get("show", "")
    text = {"True": "1", "False": "0"}.get(text, text)
    if re.fullmatch(r"-?\d+|0x[0-9a-fA-F]+", text):
        return int(text, 0) if text.startswith("0x") else int(text)
    return int.from_bytes(bytes.fromhex(field.get("value", "")), "little") if field.get("value") else None


def same(field, value):
    if isinstance(value, int) and field.get("name") == "mapiprop.value.id":
        return bytes.fromhex(field.get("value", "")) == value.to_bytes(8, "little", signed=value < 0)     # its digits stand as the bytes do
    if isinstance(value, int):
        got = number(field)
        if got == value:
            return True
        size = int(field.get("size", "0"))
        # A signed one may be shown unsigned in hexadecimal.
        return value < 0 and got == value + (1 << 8 * size)
    if isinstance(value, str) and value and field.get("value") == value.encode("latin-1", "replace").hex() + "00":
        return True                  # 8-bit text, by its bytes: in which code page is for run_rop_context.py
    if field.get("value", "") == value or field.get("show", "").replace(":", "") == value:
        return True
    return field.get("show") in (value, value.lower()) if value else field.get("show") in ("", "<MISSING>", "(empty)")


# ---- comparing ---------------------------------------------------------------------------

class Run:
    def __init__(self, counter, name, mode):
        self.counter, self.name, self.mode = counter, name, mode

    def check(self, good, text):
        return self.counter.check(good, f"{self.name}[{self.mode}] {text}")

    def equal(self, got, expected, text):
        return self.counter.equal(got, expected, f"{self.name}[{self.mode}] {text}")

    def all(self, packets, put):
        """put: the lists that must be shown."""
        frames, pairs = {}, partners(put)
        for one in put:
            frames.setdefault(one.frame, []).append(one)
        for packet in packets:
            got, wanted = shown(packet), frames.pop(packet.number, [])
            if self.equal(len(got), len(wanted), f"frame {packet.number}: lists of ROPs"):
                for one, row in zip(got, wanted):
                    self.list(one, row, pairs.get(id(row)))
        self.equal(sorted(frames), [], "frames that are not there")

    def list(self, one, row, partner):
        where = f"frame {row.frame}, buffer {row.buffer}"
        self.equal(number(one.size), row.size, f"{where}: rop.buffer.rop_size")
        self.equal(one.handles, row.handles, f"{where}: rop.buffer.handle")
        rests = [(sorted(one.places(field)), int(field.get("size"))) for field in one.rests]
        rops = one.rops
        if row.rest is not None and len(rops) == len(row.rops) + 1 and row.rest[0] in one.places(rops[-1]):
            # The one that could not be read to its end: its head is shown, the rest ends where the list does.
            rops = rops[:-1]
            self.check(len(rests) == 1 and sum(row.rest) in {at + rests[0][1] for at in rests[0][0]},
                       f"{where}: rop.buffer.rest: got {rests}, expected the end of {row.rest}")
        elif row.rest is None:
            self.equal(rests, [], f"{where}: rop.buffer.rest")
        else:
            self.check(len(rests) == 1 and row.rest[0] in rests[0][0] and rests[0][1] == row.rest[1],
                       f"{where}: rop.buffer.rest: got {rests}, expected {row.rest}")
        got = [number(next(field for field in group if field.get("name") == "rop.id")) for group in rops]
        if self.equal([f"{value:02X}" for value in got], [f"{rop.id:02X}" for rop in row.rops], f"{where}: rop.id"):
            for group, rop in zip(rops, row.rops):
                self.rop(one, group, rop, row, partner, where)

    def rop(self, one, group, rop, row, partner, where):
        name = layout.ALL[rop.id].name
        where = f"{where}: {name} at {rop.at}"
        self.check(rop.at in one.places(group), f"{where}: its item stands at {sorted(one.places(group))}")
        self.equal(int(group.get("size")), rop.size, f"{where}: size of its item")
        label = group.get("showname") or group.get("show", "")
        self.check(re.match(rf"(ROP: )?(Rop)?{name}\b", label), f"{where}: its label is {label!r}")
        fields = {}
        for field in group.iter("field"):
            if field.get("name", "").startswith("rop."):
                fields.setdefault(field.get("name"), []).append(field)
        self.equal([number(field) for field in fields.get("rop.size", [])], [rop.size], f"{where}: rop.size")
        known = {*row.handles, *(partner.handles if partner else ()), rop.values.get("NotificationHandle")}
        for field in fields.get("rop.handle", []):
            self.check(number(field) in known, f"{where}: rop.handle {field.get('show')} is in neither table")
        if not row.asks:
            asked = [partner.frame] if partner and rop.id not in layout.EXTRA else []
            self.equal([number(field) for field in fields.get("rop.request_in", [])], asked, f"{where}: rop.request_in")
        elif self.mode == "-2" and row.buffer == 0 and (rop.answered or not partner or not partner.rest):
            told = [partner.frame] if partner and rop.answered else []
            self.equal([number(field) for field in fields.get("rop.response_in", [])], told, f"{where}: rop.response_in")
        order = [field for field in group.iter("field") if field.get("name")]
        within = {snake(part) for part in [name, *(word for path, _ in rop.leaves for word in re.findall(r"\w+(?=[\[.])", path))]}
        for key, values in wanted(rop).items():
            found = matching(order, key, within)
            if key != A_VALUE:
                # What has no byte of its own need not be shown.
                found = [field for field in found if field.get("show") or int(field.get("size", "0"))]
                values = [value for value in values if value != ""] if all(field.get("show") for field in found) else values
            if key == A_VALUE:
                self.values(group, found, values, where)
            elif self.equal(len(found), len(values), f"{where}: how often {key} stands there"):
                for field, value in zip(found, values):
                    self.check(same(field, value), f"{where}: {field.get('name')} is {field.get('show')!r}, expected {value!r}")

    def values(self, group, found, values, where):
        """Bytes may be shown in parts instead: as the EntryID that they are."""
        left = list(found)
        for value in values:
            if left and (same(left[0], value) or "server_id." in left[0].get("name") and left[0].get("value") == value):
                self.check(True, "")
                left.pop(0)
            elif not any(field.get("value") == value for field in group.iter("field")):
                self.check(False, f"{where}: property value {value!r} is not there, but {left[0].get('show') if left else None!r}")
                return
        self.equal([field.get("name") for field in left], [], f"{where}: property values that are not there")


def matching(order, key, within):
    """The fields of a key of wanted(), in their order. within: what may stand between rop and the name."""
    if key == A_TAG:
        tags = tuple(f".{snake(name)}" for name in TAGS)
        return [field for field in order if int(field.get("size", "0")) and (
            field.get("name").endswith("mapiprop.tag") or field.get("name").startswith("rop.") and field.get("name").endswith(tags))]
    if key == A_VALUE:
        found, before = [], ""
        for field in order:
            if not field.get("show"):
                continue             # nothing: not every reader shows that
            name = field.get("name")
            if "mapiprop.value." in name and not SHOWN_PART.search(name):
                if "server_id." in name and "server_id." in before and not name.endswith(".ours"):
                    # The parts of one value.
                    found[-1].set("value", found[-1].get("value", "") + field.get("value", ""))
                else:
                    found.append(copy.copy(field) if "server_id." in name else field)
                before = name
            elif name.endswith("mapiprop.tag"):
                before = ""
        return found
    if key.startswith((".", "mapiprop.")):
        return [field for field in order if field.get("name").endswith(key)]
    return [field for field in order if (match := OWN.match(field.get("name"))) and match[2] == key and (
        not match[1] or match[1][:-1] in within)]


def key_of(path):
    """What a field is compared by: its own name, the end of another reader's filter, or one of the kinds above; None: every
    reader has its own way to show it."""
    field = last(path)
    if VALUE.search(path):
        return A_VALUE
    if field in ("rest", "Pad") or VALUE_PART.search(path):
        return None
    if field in TAGS:
        return A_TAG
    if path.startswith("SortOrders") and field in SORT_PARTS:
        return SORT_PARTS[field]     # a tag, but for the name
    if field == "Flag":
        return "mapiprop.flag" if path.endswith("].Flag") and "Column[" in path.rsplit(".", 2)[-2] else "mapiprop.row_flag"
    if field == "StoreEID":
        return None                  # opened as an EntryID where the folder is in another store
    if "ActionBlocks" in path or field == "NoOfActions":
        return f".rule.{RULES[field]}" if field in RULES else None
    if field in RESTRICTIONS and (path.startswith("RestrictionData.") or ".Value." in path):
        return f".restriction.{RESTRICTIONS[field]}"
    return snake(field)


def wanted(rop):
    """{key: [value]} of a ROP's fields, those of one key in their order."""
    found = {}
    for path, value in rop.leaves:
        if ".FolderEID." in path:
            # A ServerEid (MS-OXORULE 2.2.5.1.2.1.1), which is read as a property's value is.
            size, order = {"Ours": (1, "little"), "Instance": (4, "little")}.get(last(path), (8, "big"))
            values = found.setdefault(A_VALUE, [])
            if last(path) == "Ours":
                values.append("")
            values[-1] += value.to_bytes(size, order).hex()
            continue
        key = key_of(path)
        if key and (key != A_VALUE or value != ""):
            found.setdefault(key, []).append(value)
    return found


def partners(put):
    """{id of a list: that of the other way}: of requests the first list of the response, and the other way round."""
    found, asked = {}, None
    for one in put:
        if one.asks:
            asked = one if one.buffer == 0 else asked
        elif asked:
            found[id(one)] = asked
            if one.buffer == 0:
                found[id(asked)] = one
    for one in put:
        if one.asks:
            told = found.get(id(one))
            count = sum(rop.id not in layout.EXTRA for rop in told.rops) if told else 0
            for rop in one.rops:
                rop.answered = rop.id != RELEASE and count > 0
                count -= rop.answered
    return found


def plain_lists(capture):
    """What the tests' own reader finds, in the form of rops.txt."""
    found = []
    for exchange, asked, told in read(ropsources.of_capture(capture)):
        for way, lists in ((0, asked), (1, told)):
            for place, one in enumerate(lists):
                rest = (one.stop, one.size - one.stop) if one.stop is not None and one.stop else None
                rops = [ropsamples.Rop(rop.id, rop.at, rop.size, [(leaf.path, leaf.value) for leaf in rop.leaves[1:]])
                        for rop in one.rops]
                found.append(ropsamples.Put(way == 0, exchange.frames[way], place, one.size, one.handles, rops, rest))
    return found


# ---- the Info column ---------------------------------------------------------------------

NAMED = {0x8004010F: "NotFound", 0x80070005: "AccessDenied", 0x80040102: "NotSupported", 0x000004B9: "NullObject",
         0x00000503: "NullDestinationObject", 0x00000480: "ServerBusy", 0x00000478: "WrongServer"}
ERRORS_RETURNED = 0x00040380         # a warning
HAVE_ROWS, BACKOFF, TOO_SMALL = {0x15, 0x59}, 0xF9, 0xFF
SHOWN, FAILURES = 8, 4               # texts of a message; of these at least so many of failures


def told(rop, asks):
    """(whether it failed, what Info says of it)."""
    name, values = layout.ALL[rop.id].name, rop.values
    code = values.get("ReturnValue", 0)
    if asks:
        return False, name
    if rop.id == BACKOFF:
        return True, f"{name} {values['Duration']} ms"
    if code not in (0, ERRORS_RETURNED):
        return True, f"{name} {NAMED.get(code) or f'0x{code:08X}'}"
    if rop.id in HAVE_ROWS:
        return False, f"{name} {values['RowCount']} row{'s' * (values['RowCount'] != 1)}"
    return rop.id == TOO_SMALL, name


def folded(texts):
    groups = [(text, len(list(group))) for text, group in itertools.groupby(texts)]
    return [text + (f" x{count}" if count > 1 else "") for text, count in groups]


def info(lists):
    """What Info says of a message's ROPs."""
    asks, rops = lists[0].asks, [rop for one in lists for rop in one.rops]
    pairs = [told(rop, asks) for rop in rops]
    good, bad = (folded([text for failed, text in pairs if failed == which]) for which in (False, True))
    failures = bad[:max(FAILURES, SHOWN - len(good))]
    others = good[:SHOWN - len(failures)]
    text = "; ".join(", ".join(part) for part in (others, failures) if part)
    number = f" ({len(rops)} ROP{'s' * (len(rops) != 1)})"
    if len(others) + len(failures) < len(good) + len(bad):
        return f"{text}, ...{number}"
    return text + number * asks


def infos(tshark, sample, counter, put, mode, more):
    # The column, not _ws.col.Info: from 4.4 on that is taken before postdissectors are called.
    text = tshark.output(["-r", str(sample.path), *more, "-T", "tabs", "-o", 'gui.column.format:"F","%m","I","%i"'])
    got = {line.split("\t")[0].strip(): line.partition("\t")[2].strip() for line in text.splitlines()}
    rpc = sample.name.endswith("-rpc")
    for frame, lists in itertools.groupby(put, lambda one: one.frame):
        lists = list(lists)
        if not any(one.rest for one in lists):
            way, end = ("request", " :") if lists[0].asks else ("response", f"{';' if lists[0].rops else ','} Success")
            expected = f"{'EcDoRpcExt2' if rpc else 'Execute'} {way}{': ' + info(lists) if lists[0].rops else ''}{'' if rpc else end}"
            counter.check(got[str(frame)].startswith(expected), f"[{mode}] frame {frame}: Info {got[str(frame)]!r}, expected {expected!r}")


# ---- -z rop,srt and -z rop,tree ------------------------------------------------------------

def statistics(tshark, sample, counter, put, mode, more):
    calls, times, refused, unasked = {}, {}, {}, {}
    pairs = partners(put)
    answers = {one.frame: pairs[id(one)] for one in put if one.asks and id(one) in pairs}
    for one in put:
        if not one.asks:
            names, asked = [], pairs.get(id(one))
            if asked:
                names = [rop.id for other in put if other.frame == asked.frame for rop in other.rops if rop.id != RELEASE]
            for rop in one.rops:
                if rop.id in layout.EXTRA:
                    unasked[layout.ALL[rop.id].name] = unasked.get(layout.ALL[rop.id].name, 0) + 1
                    continue
                name = layout.ALL[names.pop(0)].name if one.buffer == 0 and names else layout.ALL[rop.id].name
                code = rop.values.get("ReturnValue", 0)
                if code not in (0, ERRORS_RETURNED):
                    key = name, NAMED.get(code) or f"0x{code:08X}"
                    refused[key] = refused.get(key, 0) + 1
            continue
        answer = answers.get(one.frame)
        for rop in one.rops:
            name = layout.ALL[rop.id].name
            calls[name] = calls.get(name, 0) + 1
            if answer and (rop.answered or rop.id == RELEASE or one.buffer > 0 and rop.id in layout.PACKED_REQUEST):
                took = sample.capture.packets[answer.frame - 1].time - sample.capture.packets[one.frame - 1].time
                times.setdefault((rop.id, name), []).append(took / 1e9)
    got_calls, got_times, got_refused, got_unasked = read_statistics(
        tshark.output(["-r", str(sample.path), *more, "-q", "-z", "rop,tree"]),
        tshark.output(["-r", str(sample.path), *more, "-q", "-z", "rop,srt"]))
    counter.equal(got_calls, calls, f"[{mode}] -z rop,tree: calls")
    counter.equal(got_refused, refused, f"[{mode}] -z rop,tree: refused")
    counter.equal(got_unasked, unasked, f"[{mode}] -z rop,tree: not asked for")
    counter.equal({key: row[0] for key, row in got_times.items()}, {key: len(each) for key, each in times.items()},
                  f"[{mode}] -z rop,srt: calls")
    for key, each in times.items():
        expected = [min(each), max(each), sum(each) / len(each), sum(each)]
        got = got_times.get(key, [0] * 5)[1:]
        counter.check(all(abs(one - other) < 2e-6 * len(each) for one, other in zip(got, expected)),
                      f"[{mode}] -z rop,srt: {key}: {got}, expected {expected}")


def session_row(tshark, sample, counter, put, mode, more):
    """The row of -z mapihttp,sessions."""
    if sample.name.startswith(("rops-two-", "rops-late-")) or sample.name.endswith("-rpc"):
        return                       # several sessions, or none of MAPI/HTTP
    (row,) = table.rows(tshark.output(["-r", str(sample.path), *more, "-q", *common.TABLES]).splitlines(), "sessions")
    counter.equal(row["rops"], str(sum(len(one.rops) for one in put if one.asks)), f"[{mode}] ROPs of the session")
    pairs, kinds = partners(put), {}
    for one in put:
        if not one.asks:
            asked = [rop.id for other in put if other.frame == pairs[id(one)].frame for rop in other.rops if rop.id != RELEASE]
            for rop in one.rops:
                name = layout.ALL[asked.pop(0) if one.buffer == 0 and rop.id not in layout.EXTRA else rop.id].name
                code = rop.values.get("ReturnValue", 0)
                if rop.id == BACKOFF or code not in (0, ERRORS_RETURNED):
                    text = f"{name} {NAMED.get(code) or f'0x{code:08X}'}" if code else name
                    kinds[text] = kinds.get(text, 0) + 1
    shown = {}
    for text in row["failed_rops"].split(", ") if row["failed_rops"] else ():
        match = re.fullmatch(r"(.+?)(?: x(\d+))?", text)
        shown[match[1]] = int(match[2] or 1)
    others = shown.pop("others", 0)
    counter.equal(sum(shown.values()) + others, sum(kinds.values()), f"[{mode}] failed ROPs in all: {row['failed_rops']}")
    counter.equal(list(shown.values()), sorted(kinds.values(), reverse=True)[:4], f"[{mode}] the worst: {row['failed_rops']}, of {kinds}")
    counter.equal({text: kinds.get(text) for text in shown}, shown, f"[{mode}] failed ROPs")
    times = [(sample.capture.packets[one.frame - 1].time - sample.capture.packets[pairs[id(one)].frame - 1].time, -one.frame)
             for one in put if not one.asks and one.buffer == 0 and pairs[id(one)].rops]
    took, frame = max(times)
    counter.check(row["slowest_rop"].endswith(f" {took / 1e6:.1f} ms (frame {-frame})"),
                  f"[{mode}] the slowest: {row['slowest_rop']!r}, expected {took / 1e6:.1f} ms in frame {-frame}")


def read_statistics(tree, srt):
    """Calls by name, {(id, name): [calls, min, max, avg, sum]}, refusals by name and error, responses that nobody asked for."""
    rows = [(len(row[1]), row[2], int(row[3])) for row in re.finditer(r"^( *)(\S+(?: \S+)*) {2,}(\d+) ", tree, re.MULTILINE)]
    calls, refused, unasked, asked, name = {}, {}, {}, True, None
    for depth, text, count in rows:
        if depth == 0:
            asked = text == "ROPs"
        elif depth == 1:
            name = text
            (calls if asked else unasked)[text] = count
        else:
            refused[name, text] = count
    times = {(int(row[1]), row[2]): [int(row[3]), *map(float, row[4].split())] for row in
             re.finditer(r"^ +(\d+) +(\w+) +(\d+)((?: +[\d.]+){4})$", srt, re.MULTILINE)}
    return calls, times, refused, unasked


# ---- self test ---------------------------------------------------------------------------

def tree(put, flags=PLAIN):
    """PDML as it should be: what a capture's lists look like, one packet for each frame."""
    frames, pairs = {}, partners(put)
    base = 100 if flags == PLAIN else 0

    def add(parent, name, show, at=None, size=0, value=None):
        return ElementTree.SubElement(parent, "field", {"name": name, "show": str(show), "size": str(size),
                                                        "pos": str(base + at if at is not None else 0),
                                                        **({"value": value} if value is not None else {})})
    for one in put:
        if one.frame not in frames:
            packet = frames[one.frame] = ElementTree.Element("packet")
            add(packet, "frame.number", one.frame)
        buffer = add(ElementTree.SubElement(frames[one.frame], "proto", {"name": "mapihttp"}), "", "Extended buffer", 0)
        add(buffer, "emsmdb.ext.flags", flags)
        add(buffer, "rop.buffer.rop_size", one.size, 0, 2)
        for rop in one.rops:
            name, partner = layout.ALL[rop.id].name, pairs.get(id(one))
            group = add(buffer, "", f"{name}: something", rop.at, rop.size)
            add(group, "rop.id", hex(rop.id), rop.at, 1)
            add(group, "rop.size", rop.size)
            if one.handles:
                add(group, "rop.handle", one.handles[0])
            if partner and (rop.answered if one.asks else rop.id not in layout.EXTRA):
                add(group, "rop.response_in" if one.asks else "rop.request_in", partner.frame)
            for key, values in wanted(rop).items():
                text = {A_TAG: "mapiprop.tag", A_VALUE: "mapiprop.value.string"}.get(key) or \
                    (f"mapihttp{key}" if key.startswith(".") else f"rop.{key}")
                for value in values:
                    add(group, text, value, rop.at, 1)
        for handle in one.handles:
            add(buffer, "rop.buffer.handle", handle)
        if one.rest:
            add(buffer, "rop.buffer.rest", "00", *one.rest)
    return [common.Packet(packet) for packet in frames.values()]


def faults(packets):
    """(what, a changed copy) for each kind of fault."""
    def changed(name, change, which=0):
        copies = copy.deepcopy(packets)
        found = [(parent, field) for packet in copies for parent in packet.element.iter() for field in parent
                 if field.get("name") == name]
        if found:
            change(*found[which * (len(found) - 1)])
            yield f"{name} {change.__name__}", copies

    def gone(parent, field):
        parent.remove(field)

    def twice(parent, field):
        parent.append(copy.deepcopy(field))

    def other(_, field):
        field.set("show", str((number(field) or 0) + 1))

    def far(_, field):
        field.set("show", "0xabcdef")

    def moved(parent, _):
        parent.set("pos", str(int(parent.get("pos")) + 1))

    def longer(parent, _):
        parent.set("size", str(int(parent.get("size")) + 1))

    def renamed(parent, _):
        parent.set("show", "Rop")

    for which in (0, 1):
        for name in ("rop.buffer.rop_size", "rop.id", "rop.size", "rop.buffer.handle", "rop.buffer.rest", "rop.request_in",
                     "rop.response_in"):
            for change in (gone, other, twice):
                if (name, change) not in (("rop.buffer.rop_size", twice), ("rop.buffer.rest", other)):
                    yield from changed(name, change, which)
        for change in (moved, longer, renamed):
            yield from changed("rop.id", change, which)
        yield from changed("rop.handle", far, which)
        names = sorted({field.get("name") for packet in packets for field in packet.element.iter("field")
                        if field.get("name", "").startswith(("rop.", "mapihttp.")) and not field.get("name").startswith("rop.buffer")
                        and field.get("name") not in ("rop.id", "rop.size", "rop.handle", "emsmdb.ext.flags")})
        for name in names:
            for change in (gone, other, twice):
                if which == 0:
                    yield from changed(name, change)


def self_test(counter, names):
    for folder in common.chosen(names, ropsamples.folders(), "sample"):
        put = ropsamples.load(folder)
        packets = tree(put)
        for flags in (PLAIN, 6):
            clean = common.Counter("")
            Run(clean, folder.name, "-2").all(tree(put, flags), put)
            counter.check(clean.passed and not clean.failures, f"{folder.name}: as it should be, yet {clean.failures[:3]}")
        if not names and folder.name not in ("rops-rest", "rops-rule", "rops-permission"):
            continue
        for what, changed in faults(packets):
            bad = common.Counter("")
            Run(bad, folder.name, "-2").all(changed, put)
            counter.check(bad.failures, f"{folder.name}: nothing fails: {what}")


# ---- runs --------------------------------------------------------------------------------

def test(tshark, sample, counter, put):
    for mode, more in (("one pass", []), ("-2", ["-2"])):
        Run(counter, "", mode).all(common.packets(tshark, sample, *more), put)
        if sample.name.startswith("rops-"):
            infos(tshark, sample, counter, put, mode, more)
            if not any(one.rest for one in put):
                statistics(tshark, sample, counter, put, mode, more)
                session_row(tshark, sample, counter, put, mode, more)


def main():
    arguments = common.Arguments("--self-test", "--third-party")
    if "--self-test" in arguments.flags:
        counter = common.Counter("self test")
        self_test(counter, arguments.names)
        return common.ended(counter, most=20)
    with wsrun.Tshark() as tshark:
        tshark.prove_loaded()
        samples = [] if "--third-party" in arguments.flags else [
            common.Sample(folder.name, folder / "capture.pcapng") for folder in ropsamples.folders()]
        subjects = {}
        for sample in arguments.of([*samples, *common.third_party()], "sample or capture"):
            put = ropsamples.load(sample.path.parent) if sample in samples else plain_lists(common.twin(tshark, sample).walks)
            if put:
                subjects[sample] = put
        if not subjects:
            print("0 passed, 0 failed")
            return 0
        return common.run_all(lambda sample, counter: test(tshark, sample, counter, subjects[sample]), list(subjects))


if __name__ == "__main__":
    sys.exit(main())
