"""What the tests of this folder share: samples, runs of tshark, and packets as PDML gives them.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import concurrent.futures
import datetime
import difflib
import fnmatch
import functools
import json
import os
import pathlib
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

PROJECT = pathlib.Path(__file__).resolve().parents[2]
SHARED = PROJECT.parent / "shared" / "captures"
sys.path.insert(0, str(PROJECT / "tools"))
import capfile
import places
import wsrun

# The protocols whose fields and items are the plugin's.
PREFIXES = ("rpch", "outlook", "mapihttp", "emsmdb", "rop", "mapiprop")
SEVERITY = {0x100000: "comment", 0x200000: "chat", 0x400000: "note", 0x600000: "warning", 0x800000: "error"}
ABOVE_CHAT = {"note", "warning", "error"}
PTYPES = {0: "request", 2: "response", 3: "fault", 11: "bind", 12: "bind_ack", 13: "bind_nak", 14: "alter_context",
          15: "alter_context_resp", 16: "auth3", 17: "shutdown", 18: "co_cancel", 19: "orphaned", 20: "RTS"}
OUT_OF_ORDER = ["-o", "tcp.reassemble_out_of_order:TRUE"]


def ours(name):
    return name.split(".", 1)[0] in PREFIXES


MONTH = re.compile(r"([A-Z][a-z]{2} +\d+, \d{4} \d\d:\d\d:\d\d)(\.\d+)? UTC$")
ISO = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(\.\d+)?(?:Z|\+0000| UTC)$")


def moment(text):
    """An absolute time in one form, however this version or program of Wireshark writes it; other text as it is."""
    if match := MONTH.match(text):
        when = datetime.datetime.strptime(re.sub(" +", " ", match[1]), "%b %d, %Y %H:%M:%S")
        return f"{when:%Y-%m-%d %H:%M:%S}{(match[2] or '').rstrip('0').rstrip('.')}Z"
    if match := ISO.match(text):
        return f"{match[1]} {match[2]}{(match[3] or '').rstrip('0').rstrip('.')}Z"
    return text


# ---- samples -------------------------------------------------------------------------------

class Sample:
    """A folder of test-captures/ or a capture of ../shared/captures."""

    def __init__(self, name, path, keys=None, expect=None):
        self.name, self.path, self.keys, self.expect = name, path, keys, expect
        self.copy = self.keys_copy = None

    @functools.cached_property
    def capture(self):
        return capfile.load(self.path)

    @functools.cached_property
    def walks(self):
        return capfile.walks(self.capture)

    @functools.cached_property
    def out_of_order(self):
        """A segment comes before one that it follows, and that one comes too."""
        for walk in self.walks:
            for half in walk.tcp.halves:
                end = 0
                for low, high, _ in half.lengths:
                    if low > end and any(other < low for other, _, _ in half.lengths[half.lengths.index((low, high, _)):]):
                        return True
                    end = max(end, high)
        return False

    def options(self, tshark):
        """-r, the key log, and the preferences the sample needs. The capture is copied: as nobody, tshark may
        not be able to open it, and -2 cannot read a pipe."""
        if self.copy is None:
            self.copy = tshark.private_copy(self.path)
            self.keys_copy = tshark.private_copy(self.keys) if self.keys else None
        options = ["-r", self.copy, "-n"]
        if self.keys_copy:
            options += ["-o", f"tls.keylog_file:{self.keys_copy}"]
        if self.out_of_order:
            options += OUT_OF_ORDER
        return options


def chosen(names, subjects, what):
    """Those subjects that names ask for, by a name, a word of it or a pattern ("legs-*"); all of them without names. A name
    that asks for none ends the script, with the names that are like it."""
    if not names:
        return list(subjects)
    wanted = [[subject for subject in subjects if name == subject.name or name in subject.name.split() or
               fnmatch.fnmatchcase(subject.name, name)] for name in names]
    for name, found in zip(names, wanted):
        if not found:
            words = sorted({word for subject in subjects for word in (subject.name, *subject.name.split())})
            like = difflib.get_close_matches(name, words, 4) or (words if len(words) <= 24 else [])
            sys.exit(f"{program()}: no {what} is named {name}" + (f"; there is {', '.join(like)}" if like else ""))
    return [subject for subject in subjects if any(subject in found for found in wanted)]


def program():
    return pathlib.Path(sys.argv[0]).name


def samples(*only, kind="connections"):
    """Every folder with expect.json, or those that only names, as chosen() has it; kind is what it speaks of: "connections" of
    RPC over HTTP, "messages" of MAPI/HTTP, "dissection" for either, "verdicts" of nothing else, None for all."""
    found = []
    kinds = ("connections", "messages") if kind == "dissection" else (kind,)
    for folder in chosen(only, places.folders(), "sample"):
        expect = json.loads((folder / "expect.json").read_text(encoding="utf-8"))
        if kind is not None and not any(part in expect for part in kinds):
            if folder.name in only:
                sys.exit(f"{program()}: {folder.name} is none for this: its expect.json has no {' or '.join(kinds)}")
            continue
        captures = sorted(folder.glob("capture.pcap*"))
        if len(captures) != 1:
            sys.exit(f"{folder.name}: {len(captures)} captures")
        keys = folder / expect["keys"] if expect.get("keys") else None
        found.append(Sample(folder.name, captures[0], keys, expect))
    if not found:
        sys.exit("no sample below test-captures/")
    if not only and (share := os.environ.get("OUTLOOKHTTP_SHARE")):
        print(f"note: {share} of {len(found)} samples (OUTLOOKHTTP_SHARE)")
        return shared_out(found, share)
    return found


def shared_out(subjects, share):
    """share "2/3": every third, from the second on."""
    first, step = map(int, share.split("/"))
    return subjects[first - 1::step]


def third_party(prefix=""):
    """The captures of ../shared/captures; none, with a line that says so, when the folder is absent."""
    if not SHARED.is_dir():
        print(f"SKIPPED: {SHARED} is absent, third-party captures were not tested")
        return []
    return [Sample(path.stem, path, path.with_suffix(".keys") if path.with_suffix(".keys").exists() else None)
            for path in sorted(SHARED.glob("*.pcap")) if path.name.startswith(prefix)]


# ---- what a script is called with -----------------------------------------------------------

class Part:
    """Of a script: a name, and what is done in it, called with a counter."""

    def __init__(self, name, function):
        self.name, self.function = name, function


class Arguments:
    """[--part N/M] [FLAG ...] [NAME ...], in any order: all that a script of tests/tshark takes. names: as chosen() has them;
    flags: those that stand there, of those that the script knows; values: what stands behind a flag that takes one."""

    def __init__(self, *flags, values=()):
        self.names, self.flags, self.values, self.share = [], set(), {}, None
        words = iter(sys.argv[1:])
        for word in words:
            if word in ("-h", "--help"):
                print(sys.modules["__main__"].__doc__)
                sys.exit(0)
            if word == "--part":
                self.share = next(words, "")
            elif word in values:
                self.values[word] = next(words, "")
            elif word in flags:
                self.flags.add(word)
            elif word.startswith("-"):
                sys.exit(f"{program()}: {word} is not known; --help says what is")
            else:
                self.names.append(word)
        if self.share is not None and not re.fullmatch(r"[1-9]\d*/[1-9]\d*", self.share):
            sys.exit(f"{program()}: --part N/M is every M-th from the N-th on, not {self.share!r}")

    def part(self, subjects):
        """Their share that --part names."""
        return shared_out(subjects, self.share) if self.share else subjects

    def of(self, subjects, what="part"):
        """Those of a script's own subjects that are asked for."""
        return self.part(chosen(self.names, subjects, what))

    def samples(self, *usual, kind="connections"):
        """Those named, else the usual ones, else all of that kind."""
        return self.part(samples(*(self.names or usual), kind=kind))

    def captures(self, kind="dissection", also=(), fit=lambda subject: True):
        """The same of samples, third parties' captures and what else a script has, as far as they fit; a share of them."""
        others = [*third_party(), *also]
        if not self.names:
            return self.part([subject for subject in samples(kind=kind) + others if fit(subject)])
        found = chosen(self.names, [*places.folders(), *others], "sample or capture")
        named = [folder.name for folder in found if isinstance(folder, pathlib.Path)]
        read = samples(*named, kind=kind) if named else []
        found = [subject for subject in read + [subject for subject in found if subject in others] if fit(subject)]
        return self.part(found or sys.exit(f"{program()}: {' '.join(self.names)}: none that this script looks at"))


# ---- counting ------------------------------------------------------------------------------

class Counter:
    """Counts checks of one sample; what fails is kept as text."""

    def __init__(self, name):
        self.name, self.passed, self.failures = name, 0, []

    def check(self, good, text):
        if good:
            self.passed += 1
        else:
            self.failures.append(f"{self.name}: {text}")
        return bool(good)

    def equal(self, got, expected, text):
        return self.check(got == expected, f"{text}: got {got!r}, expected {expected!r}")


def standing(items):
    """Those that hold to the end: what was told of a leg before its halves met after all does not."""
    late = {(item.get("vc"), item.get("leg")): item["frame"] for item in items if item["item"] == "rpch.routing.joined_late"}
    return [item for item in items if item["frame"] >= late.get((item.get("vc"), item.get("leg")), 0)]


def check_where(counter, prefix, packet, item):
    """Who is to blame, if the sample says so: one value, or one for each verdict of that name on the frame."""
    if "where" not in item:
        return
    found = [where for name, where in zip(packet.all("outlook.verdict"), packet.all("outlook.verdict.where"))
             if name == item["item"]]
    counter.check(item["where"] in found, f"{prefix}frame {packet.number}: {item['item']} blames {found}, expected "
                                          f"{item['where']!r}")


def run_all(test, subjects, most=12, at_once=2):
    """test(subject, counter) for each, two at a time unless it says otherwise; prints what failed and the sum. Returns the exit status."""
    counters = [Counter(subject.name) for subject in subjects]

    def one(subject, counter):
        try:
            test(subject, counter)
        except subprocess.CalledProcessError as error:
            said = (error.stderr or b"")[-400:]
            counter.check(False, f"tshark ended with {error.returncode}: "
                                 f"{said if isinstance(said, str) else said.decode('utf-8', 'replace')}")
        except (OSError, ValueError, KeyError, ElementTree.ParseError, capfile.BadCapture) as error:
            counter.check(False, f"{type(error).__name__}: {error}")

    with concurrent.futures.ThreadPoolExecutor(max_workers=min(at_once, os.cpu_count() or 1)) as pool:
        list(pool.map(one, subjects, counters))
    for counter in counters:
        for line in counter.failures[:most]:
            print(line)
        if len(counter.failures) > most:
            print(f"{counter.name}: and {len(counter.failures) - most} more")
    return total(counters)


def run_parts(parts, at_once=2):
    """The same of parts."""
    return run_all(lambda part, counter: part.function(counter), parts, at_once=at_once)


def total(counters):
    passed = sum(counter.passed for counter in counters)
    failed = sum(len(counter.failures) for counter in counters)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


def ended(counter, most=None):
    """What a script with one counter ends with: prints what failed, at most so much of it, and the sum. Its exit status."""
    for line in counter.failures[:most]:
        print(line)
    return total([counter])


# ---- packets -------------------------------------------------------------------------------

class Item:
    """An expert item; said: its message, of a verdict the parts of its text."""

    def __init__(self, element, around=None):
        self.name, self.message, self.severity = "", "", ""
        for field in element:
            name = field.get("name")
            if name == "_ws.expert.message":
                self.message = field.get("show", "")
            elif name == "_ws.expert.severity":
                self.severity = SEVERITY.get(int(field.get("show", "0")), "?")
            elif name != "_ws.expert.group" and not self.name:
                self.name = name
        parts = {field.get("name"): field.get("show", "") for field in around if around.get("name") == "outlook.verdict"}
        self.said = "; ".join(f"{part}: {parts[f'outlook.verdict.{part}']}" for part in ("seen", "inferred", "next")
                              if f"outlook.verdict.{part}" in parts) or self.message

    def __repr__(self):
        return f"{self.name} ({self.severity})"


class Pdu:
    """A PDU as it is shown; fields: those of its protocol item, by name, as lists of text."""

    def __init__(self, name, proto):
        self.name, self.proto = name, proto
        self.fields = {}
        for field in proto.iter():
            if field.get("name"):
                self.fields.setdefault(field.get("name"), []).append(field.get("show", ""))

    def number(self, name):
        values = self.fields.get(name)
        return int(values[0], 0) if values else None

    @property
    def length(self):
        for name in ("dcerpc.cn_frag_len", "rpch.rts.frag_length", "rpch.frag_length"):
            if name in self.fields:
                return self.number(name)
        return int(self.proto.get("size"))


class Packet:
    def __init__(self, element):
        self.element = element
        self.values = {}
        self.items = []
        self.order = []              # (name, value) of the plugin's fields
        above = {child: parent for parent in element.iter() for child in parent}
        for field in element.iter("field"):
            name = field.get("name")
            if name == "_ws.expert":
                self.items.append(Item(field, above[field]))
            elif name:
                self.values.setdefault(name, []).append(field.get("show", ""))
                if ours(name):
                    self.order.append((name, field.get("show", "")))
        self.number = int(self.one("frame.number"))
        self.stream = int(self.values["tcp.stream"][-1]) if "tcp.stream" in self.values else None
        if self.stream is not None:
            address = (self.values.get("ip.src") or self.values["ipv6.src"])[-1]
            self.source = f"[{address}]" if ":" in address else address
            self.source += ":" + self.values["tcp.srcport"][-1]

    def one(self, name):
        return self.values[name][0]

    def all(self, name):
        return self.values.get(name, [])

    def last(self, name):
        values = self.values.get(name)
        return values[-1] if values else None

    def has(self, name):
        return name in self.values

    @functools.cached_property
    def pdus(self):
        """In the order of the channel's bytes. RTS PDUs have rpch.rts.pdu; of the others rpch.pdu keeps the place, and
        DCE/RPC has them."""
        rpc = []
        for proto in self.element.iter("proto"):
            types = [field.get("show") for field in proto.iter("field") if field.get("name") == "dcerpc.pkt_type"]
            if proto.get("name") == "dcerpc" and types and int(types[0]) != 20:
                rpc.append(Pdu(PTYPES.get(int(types[0]), types[0]), proto))
        found, left = [], iter(rpc)
        for field in self.element.iter("field"):
            if field.get("name") != "rpch.pdu":
                continue
            rts = [inside.get("show") for inside in field.iter("field") if inside.get("name") == "rpch.rts.pdu"]
            if len(rts) > 1:
                raise ValueError("one rpch.pdu with several rpch.rts.pdu")
            if rts:
                found.append(Pdu(rts[0], field))
            elif field.get("show") != "broken PDU" and (pdu := next(left, None)):
                found.append(pdu)
        return found + list(left)

    def our_items(self):
        return [item for item in self.items if ours(item.name)]


def pdml(text):
    """(packets, what follows the document: tables of -z)."""
    document, mark, rest = text.partition("</pdml>")
    if not mark:
        raise ValueError("no PDML")
    return [Packet(element) for element in ElementTree.fromstring(document + mark).iter("packet")], rest


def clean(text):
    """PDML may hold characters that XML forbids."""
    return re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", "?", text)


TABLE = ["-z", "rpch,connections"]
TABLES = [*TABLE, "-z", "mapihttp,sessions", "-z", "outlook,auth"]


def packets(tshark, sample, *more, table=False):
    """The packets of one run with -T pdml; with table=True also the lines of the plugin's tables."""
    text = tshark.output([*sample.options(tshark), *more, "-T", "pdml", *(TABLES if table else [])])
    found, rest = pdml(clean(text))
    return (found, rest.strip("\n").splitlines()) if table else found


def twin(tshark, sample):
    """The sample with what TLS carried as plain TCP, as a sample; itself where there is no TLS."""
    if not any(bytes(half.data[:1]) == b"\x16" or b"CONNECT " in half.data for walk in sample.walks
               for half in walk.tcp.halves):
        return sample
    import twin as maker
    capture = maker.make(tshark, sample.path, sample.keys)
    found = Sample(f"{sample.name} (decrypted)", None, None, sample.expect)
    found.__dict__["capture"] = capture
    return found
