"""Samples of ROPs in Execute (MS-OXCROPS 2.2), one for each chapter: every request, every form of every response, with and
without what is optional; and how lists are packed, cut and answered. Beside each capture stands rops.txt: what was put in.

    > FRAME BUFFER SIZE: HANDLE ...          the request's extended buffer (< the response's), RopSize, its handle table
      ID PLACE+SIZE FIELD=VALUE ...          a ROP; text in JSON, numbers in decimal
      rest PLACE+SIZE                        what cannot be read

SPDX-License-Identifier: GPL-2.0-or-later
"""

import json

import fxwire
import mapiscene as m
import mapiwire as w
import roplayout as layout
import ropwire as r
import wire
from mapiscene import Context, MapiCapture, Outlook
from ropwire import ABSENT, Error
import scene

CHAPTERS = {3: "logon", 4: "folder", 5: "table", 6: "message", 7: "transport", 8: "property", 9: "stream", 10: "permission",
            11: "rule", 12: "fasttransfer", 13: "sync"}
FAILED = [0x8004010F, 0x80070005, 0x80040102, 0x000004B9]
WARNING = 4                          # the high half of a code that is no failure (MS-OXCDATA 2.4.2)
ECBACKOFF = 0x480                    # RopFastTransferSourceGetBuffer: come back after BackoffTime
PACKED = [w.LAST, w.LAST | w.XOR, w.LAST | w.COMPRESSED, w.LAST | w.COMPRESSED | w.XOR]
COLUMNS = [0x67480014, 0x674D0014, 0x0037001F, 0x0E080003, 0x0E060040, 0x0FFF0102, 0x360A000B, 0x66E0301F]
RECIPIENTS = [0x3FFE0003, 0x3900001E, 0x39FE001F]
BABE = 0xBABE
GETS, PUTS = 0x4E, {0x54, 0x9D}      # what carries a FastTransfer stream: responses, requests

# The object that a ROP is asked of, where it is not that of its chapter.
OBJECTS = {3: "logon", 4: "folder", 5: "table", 6: "message", 7: "logon", 8: "message", 9: "stream", 10: "folder", 11: "folder",
           12: "folder", 13: "collector", 14: "folder", 15: "folder"}
INPUT = {0x03: "folder", 0x06: "folder", 0x25: "attachment", 0x46: "attachment", 0x66: "folder", 0x1F: "folder", 0x20: "folder",
         0x32: "message", 0x4A: "message", 0x2B: "message", 0x4D: "message", 0x69: "message", 0x4E: "download", 0x86: "download",
         0x54: "upload", 0x9D: "upload", 0x70: "folder", 0x7E: "folder", 0x7F: "logon", 0x93: "folder", 0x34: "logon"}
SECOND = {"folder": "folder2", "message": "message2", "stream": "stream2"}


# ---- variants ----------------------------------------------------------------------------

def text(kind, words=None):
    """TypedString: 0 none, 1 empty, 2 8-bit, 3 16-bit with every high byte left out, 4 16-bit."""
    return {"StringType": kind, **({"String": words} if words is not None else {})}


def restrictions():
    """Each type, alone and within And, Or, Not, SubObject, Comment and Count."""
    subject, size = (0x0037001F, "Müller"), (0x0E080003, 4096)
    single = [{"type": 3, "PropertyTag": 0x0037001F, "TaggedValue": subject}, {"type": 4, "PropTag": 0x0E080003, "TaggedValue": size},
              {"type": 5}, {"type": 6}, {"type": 7}, {"type": 8}]
    return [{"type": 0, "Restrictions": single}, {"type": 1, "Restrictions": single[:2]}, {"type": 2, "Restriction": single[5]},
            *single, {"type": 9, "Subobject": 0x0E12000D, "Restriction": single[3]},
            {"type": 10, "TaggedValues": [subject, size], "RestrictionPresent": 1, "Restriction": single[4]},
            {"type": 10, "TaggedValues": [size], "RestrictionPresent": 0}, {"type": 11, "SubRestriction": single[0]},
            {"type": 0, "Restrictions": [{"type": 1, "Restrictions": [{"type": 2, "Restriction": single[2]}]}]},
            {"type": 0, "Restrictions": []}]


def limited(how):
    """Given for a ROP with RestrictionData."""
    return {"RestrictionDataSize": 0} if how is None else {"RestrictionData": how}


def recipients(columns):
    """A RecipientRow of each kind of address (MS-OXCDATA 2.8.3.1), in both widths, all and no names, and rows of each form."""
    rows = []
    for number, flags in enumerate((0x0651, 0x0411, 0x863B, 0x8438, 0x0001, 0x0006, 0x0216, 0x0007, 0x0003, 0x020B, 0x0004, 0x0002,
                                    0x0639, 0x8000, 0x0005, 0x061D)):
        count = number % (len(columns) + 1)
        given = {"RecipientFlags": flags, "RecipientColumnCount": count}
        if number % 3 == 2 and count:
            given["RecipientProperties"] = {"flag": 1, "values": [None, Error(0x8004010F), ABSENT][:count]}
        rows.append(given)
    return rows


def opened(columns, rows):
    return {"RecipientColumns": columns, "RecipientRows": [{"RecipientRow": row} for row in rows],
            "SubjectPrefix": text(4, "Re: "), "NormalizedSubject": text(4, "Отчёт")}


def actions():
    """A block for each type of MS-OXORULE 2.2.5.1, moves within the store and to another."""
    def block(kind, **given):
        return {"Action": {"ActionType": kind, **given}}
    ours = {"FolderInThisStore": 1, "StoreEID": b"\0", "FolderEIDSize": 21, "FolderEID": {"Ours": 1}}
    other = {"FolderInThisStore": 0, "FolderEIDSize": 22, "FolderEID": bytes(range(22))}
    people = {"RecipientBlocks": [{"Reserved": 1}, {"Reserved": 1, "PropertyValues": [(0x3001001F, "Bob")]}]}
    return [block(1, **ours), block(1, **other), block(2, **ours), block(2, **other), block(3), block(4), block(5), block(6),
            block(7, **people), block(8, **people), block(9, Value=(0x10900003, 2)), block(0x0A), block(0x0B)]


def names():
    return [{"Kind": 0}, {"Kind": 1, "Name": "Keywords".encode("utf-16-le") + b"\0\0"}, {"Kind": 0xFF}]


def every_value():
    return [(number, None) for number in r.every_type()] + [(0x6A50000D, b"\1\2\3"), (0x6A510001, None)]


def flagged(columns):
    """A flagged row with a value, an error and nothing, in turn."""
    return {"flag": 1, "values": [(None, Error(0x8004010F), ABSENT)[number % 3] for number in range(len(columns))]}


def requested():
    """RopGetPropertiesSpecific: tags of each type in rows of each form; a tag of no type carries it in the row."""
    every = r.every_type()
    unknown = [0x0037001F, 0x6A000000, 0x6A010000]
    pairs = [(every, {}), (every, flagged(every)), (unknown, {"values": ["x", (0x001E, "narrow"), (0x0102, b"\1\2")]}),
             (unknown, {"flag": 1, "values": [None, (0x001F, "wide"), (0x000A, Error(0x8004010F))]}), ([], {})]
    return [({"PropertyTags": tags}, 0, {"RowData": row}) for tags, row in pairs] + [({}, FAILED[0], {})]


def objects(names, **given):
    return [{**given, name: number} for name in names for number in (0, 1)]


def notifications():
    """What RopNotify tells, MS-OXCNOTIF 2.2.1.4.1.2: each type with the bits M, S, T and U that it may have."""
    found = [{"NotificationFlags": 0x8002, "UnicodeFlag": wide} for wide in (0, 1)]
    for kind in (0x0004, 0x0008, 0x0010, 0x0020, 0x0040, 0x0080):
        for bits in (0, 0x8000, 0xC000):
            found.append({"NotificationFlags": kind | bits, **({"Tags": [0x0037001F, 0x0E070003]} if kind in (4, 0x10) else {})})
    found += [{"NotificationFlags": kind, "TagCount": count} for kind in (4, 0x8010) for count in (0, 0xFFFF)]
    found += [{"NotificationFlags": 0x0010 | bits, "TagCount": 0} for bits in (0x1000, 0x2000, 0x3000)]
    found += [{"NotificationFlags": 0x8004 | bits, "TagCount": 0} for bits in (0x1000, 0x2000)]
    found += [{"NotificationFlags": 0x0100, "TableEventType": event} for event in (1, 2, 6, 7, 8)]
    for event in (3, 4, 5):
        found += [{"NotificationFlags": 0x0100 | bits, "TableEventType": event} for bits in (0, 0x8000, 0xC000)]
    found += [{"NotificationFlags": 0x8100, "TableEventType": 5, "TableRowData": flagged(COLUMNS)}, {"NotificationFlags": 0x0400}]
    return found


# Requests and responses that are not only what the row says: of a request what is given, of a response ReturnValue and what is
# given. A longer list repeats the shorter.
REQUESTS = {
    0x08: [{}], 0x0A: [{"PropertyValues": every_value()}, {"PropertyValues": []}], 0x79: [{"PropertyValues": every_value()[:6]}, {}],
    0x0E: [{"RecipientColumns": RECIPIENTS, "RecipientRows": [
        *({"RecipientRow": row} for row in recipients(RECIPIENTS)), {"RecipientRowSize": 0}]}, {"RecipientRows": []}],
    0x12: [{"PropertyTags": COLUMNS}],
    0x14: [limited(how) for how in [*restrictions(), None]], 0x30: [limited(how) for how in [*restrictions()[:4], None]],
    0x4F: [{**limited(how), **more} for how, more in zip([*restrictions()[:3], None], ({}, {"BookmarkSize": 0}, {"Origin": 3}, {}))],
    0x70: [limited(how) for how in (None, *restrictions()[:2])],
    0x18: [{"RowCount": -3}, {"RowCount": 50}], 0x19: [{"RowCount": -1}, {}],
    0x1C: [{"UseUnicodeStrings": 1}, {"UseUnicodeStrings": 0}],
    0x29: [{"NotificationTypes": 0x78, "WantWholeStore": 0}, {"NotificationTypes": 0x86, "WantWholeStore": 1},
           {"NotificationTypes": 0x0500, "WantWholeStore": 1}],
    0x2C: [{"ByteCount": 400}, {"ByteCount": BABE}], 0x4E: [{"BufferSize": 4096}, {"BufferSize": BABE}],
    0x2E: [{"Offset": -12}, {"Offset": 1 << 33}],
    0x35: [{"UseUnicode": 1, "WantAsynchronous": 0}, {"UseUnicode": 0, "WantAsynchronous": 0}],
    0x36: [{"UseUnicode": 0, "WantAsynchronous": 0}, {"UseUnicode": 1, "WantAsynchronous": 0}],
    0x40: [{"PermissionsData": [{"PermissionDataFlags": flag, "PropertyValues": [(0x66710014, -1), (0x66730003, 0x7FB)]}
                                for flag in (1, 2)]}, {}],
    0x41: [{"RulesData": [{"RuleDataFlags": 1, "PropertyValues": [
        (0x66740014, 5), (0x6682001F, "Rule"), (0x667900FD, how), (0x668000FE, {"ActionBlocks": actions()})]}
        for how in restrictions()[:1]]}, {"RulesData": [{"RuleDataFlags": 4, "PropertyValues": [(0x66740014, 5)]}]}],
    0x56: [{"PropertyNames": names()}, {"PropertyNames": []}], 0x5F: objects(["HasGuid"]),
    0x72: [{"PropertyValues": [(0x65E00102, None), (0x30080040, None)]}, {}],
    0x74: [{"PropertyValues": [(0x00001102, None)]}, {}], 0x80: [{"MessageReadStates": [{}, {}]}, {"MessageReadStatesSize": 0}],
    0x64: [{"DataOffset": 0}, {"DataOffset": 512}, {"DataOffset": 0, "LogonId": 1}],
    0x11: [{"LogonId": 0}, {"LogonId": 1}],
}
RESPONSES = {
    0x02: [(0, {"IsGhosted": 0}), (0, {"IsGhosted": 1}), (FAILED[0], {})],
    0x45: [(0, {"IsGhosted": 0}), (0, {"IsGhosted": 1}), (FAILED[0], {})],
    0x1C: [(0, {"IsExistingFolder": 0}), (0, {"IsExistingFolder": 1, "IsGhosted": 0}), (0, {"IsExistingFolder": 1, "IsGhosted": 1}),
           (FAILED[0], {})],
    0x06: [(0, {"HasMessageId": 0}), (0, {"HasMessageId": 1}), (FAILED[0], {})],
    0x03: [(0, opened(RECIPIENTS, recipients(RECIPIENTS))), (0, {**opened([], []), "SubjectPrefix": text(0),
           "NormalizedSubject": text(1)}), (0, {**opened(RECIPIENTS, recipients(RECIPIENTS)[:1]), "SubjectPrefix": text(2, "AW: "),
           "NormalizedSubject": text(3, "B\xfcro")}), (FAILED[0], {})],
    0x10: [(0, opened(RECIPIENTS, recipients(RECIPIENTS)[2:5])), (FAILED[0], {})],
    0x46: [(0, opened(RECIPIENTS, recipients(RECIPIENTS)[5:8])), (0, opened([], [])), (FAILED[0], {})],
    0x0F: [(0, {"RecipientRows": [{"RecipientRow": row} for row in recipients(RECIPIENTS)]}), (FAILED[0], {})],
    0x08: [(0, {"PropertyValues": every_value()}), (0, {"PropertyValues": []}), (FAILED[0], {})],
    0x11: [(0, {"ReadStatusChanged": 0}), (0, {"ReadStatusChanged": 1}), (FAILED[0], {})],
    0x15: [(0, {"RowData": [{}, flagged(COLUMNS), {}]}), (0, {"RowData": []}), (FAILED[0], {})],
    0x59: [(0, {"RowData": [{}, flagged(COLUMNS)]}), (FAILED[0], {})],
    0x4F: [(0, {"HasRowData": 1}), (0, {"HasRowData": 1, "RowData": flagged(COLUMNS)}), (0, {"HasRowData": 0}), (FAILED[0], {})],
    0x31: [*((0, limited(how)) for how in [*restrictions()[6:], None]), (FAILED[0], {})],
    0x4A: [(0, {"NoPropertiesReturned": 0, "PropertyValues": [(0x0037001F, None), (0x0E080003, None)]}),
           (0, {"NoPropertiesReturned": 1, "PropertyValues": []}), (FAILED[0], {})],
    0x2C: [(0, {}), (0, {"DataSize": 0}), (FAILED[0], {"DataSize": 0})],
    0x4E: [(0, {"TransferStatus": 1}), (0, {"TransferStatus": 3}), (ECBACKOFF, {"TransferBufferSize": 0}),
           (FAILED[0], {"TransferStatus": 0, "TransferBufferSize": 0})],
    0x52: [(0, {"AttachmentIdArray": [0, 1, 5]}), (FAILED[0], {})],
    0x55: [(0, {"PropertyNames": names()}), (0, {"PropertyNames": []}), (FAILED[0], {})],
    0x5F: [(0, {"IdCount": 3, "PropertyNames": names()}), (0, {"IdCount": 0}), (FAILED[0], {})],
    0x6F: [(0, {"HelpFile": b"\1\2"}), (0, {"HelpFileSize": 0, "OptionsInfoSize": 0}), (FAILED[0], {})],
    0x12: [(0, {"TableStatus": 0}), (0, {"TableStatus": 0xB}), (FAILED[0], {})],
    0x68: [(0, {"Rows": [{}, {"flag": 1, "values": [None, Error(0x8004010F), ABSENT]}]}), (0, {"Rows": []}), (FAILED[0], {})],
}
for _number, _name in ((0x39, "PropertyProblems"), (0x67, "PropertyProblems"), (0x0A, "PropertyProblems"), (0x0B, "PropertyProblems"),
                       (0x79, "PropertyProblems"), (0x7A, "PropertyProblems")):
    RESPONSES[_number] = [(0, {_name: []}), (0, {}), (FAILED[0], {})]
    if _number in layout.ASYNCHRONOUS:
        RESPONSES[_number].append((0x503, {}))
PAIRS = {
    0x07: requested(),
    0xFE: [({"LogonFlags": 1, "LogonId": 0, "Essdn": m.DN.encode() + b"\0"}, 0, {"LogonFlags": 1}),
           ({"LogonFlags": 0, "LogonId": 1, "EssdnSize": 0}, 0, {"LogonFlags": 0}),
           ({"LogonFlags": 1, "LogonId": 2, "Essdn": m.DN.encode() + b"\0"}, 0x478, {"ServerName": b"/o=Example/cn=EX2\0"}),
           ({"LogonFlags": 1, "LogonId": 3, "EssdnSize": 0}, FAILED[1], {})],
}


def pairs(rop):
    """[(of the request, ReturnValue, of the response)] that make up all its forms."""
    if rop.id in PAIRS:
        return PAIRS[rop.id]
    asked = REQUESTS.get(rop.id, [{}])
    told = RESPONSES.get(rop.id)
    if told is None:
        told = [(0, {}), (FAILED[rop.id % len(FAILED)], {})]
        told += [(code, {}) for form in rop.forms for code in form.codes if form.sign == "=" and code]
    if rop.id in layout.ASYNCHRONOUS:
        asked = [{**given, "WantAsynchronous": 0} for given in asked]
    count = max(len(asked), len(told))
    return [(asked[at % len(asked)], *told[at % len(told)]) for at in range(count)]


# ---- exchanges ---------------------------------------------------------------------------

class RopFiles:
    """A capture with rops.txt, and with what is expected of single ROPs."""

    def __init__(self, name, title):
        super().__init__(name, title)
        self.lines, self.largest = [], 256 * 1024
        self.stamps = False
        self.frames_of = {}                  # of items, by name
        self.shown = []                      # (frame, buffer, ROP, fields)

    def outcome(self, name, frame, *contains):
        """An item of which there are many."""
        self.items.append({"item": name, "severity": m.SEVERITY[name], "frame": frame, "contains": list(contains)})
        self.frames_of.setdefault(name, []).append(frame)

    def readme(self):
        for name, frames in self.frames_of.items():
            more = f" So in frames {', '.join(map(str, sorted(set(frames[1:]))))}." if frames[1:] else ""
            self.why.append((frames[0], name, m.SEVERITY[name], f"{SAID[name]}{more}"))
        self.frames_of = {}
        return super().readme()

    def expect(self):
        found = super().expect()
        for key in found.keys() & {"messages"}:
            found[key] = [row for row in found[key] if row["frame"]]
        rows = [{"frame": frame, "buffer": buffer, "rop": rop, "fields": {name: plain(value) for name, value in fields.items()}}
                for frame, buffer, rop, fields in self.shown]
        return {**found, **({"rops": rows} if rows else {})}

    def files(self):
        lines = {"rops.txt": ("\n".join(self.lines) + "\n").encode()} if self.lines else {}
        return {**super().files(), **lines}


def plain(value):
    """As it stands in expect.json: None, text or a list of it; a frame by its number."""
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    return None if value is None else str(value)


class Frame:
    """Of a message that may not have been sent yet."""

    def __init__(self):
        self.number = 0

    def __str__(self):
        if not self.number:
            raise SystemExit("a frame that never came is expected")
        return str(self.number)


class RopCapture(RopFiles, MapiCapture):
    """Over MAPI/HTTP."""


class RpcCapture(RopFiles, scene.Capture):
    """Over IN and OUT channels."""

    def outcome(self, name, frame, *_):
        self.items.append({"item": name, "severity": m.SEVERITY[name], "frame": frame})
        self.frames_of.setdefault(name, []).append(frame)


class List:
    """The payload of one extended buffer under way."""

    def __init__(self):
        self.data, self.rows, self.handles = bytearray(), [], []
        self.outcomes = []                   # items on its frame: name, words
        self.shown = []                      # what is expected of its ROPs: place in the list, fields

    def add(self, writer, shows=None):
        at = 2 + len(self.data)
        if shows:
            self.shown.append((len(self.rows), shows))
        self.data += writer.data
        words = [f"{path}={json.dumps(value, ensure_ascii=False)}" for path, value in writer.leaves if path != "RopId"]
        self.rows.append(f"  {writer.data[0]:02X} {at}+{len(writer.data)} {' '.join(words)}".rstrip())

    def further(self):
        """The next buffer of the same message, with the same handles."""
        other = List()
        other.handles, other.frame = list(self.handles), self.frame
        return other

    def rest(self, data):
        self.rows.append(f"  rest {2 + len(self.data)}+{len(data)}")
        self.data += data

    def payload(self):
        return w.u16(2 + len(self.data)) + bytes(self.data) + b"".join(map(w.u32, self.handles))

    def lines(self, sign, frame, number):
        handles = " ".join(f"{handle:x}" for handle in self.handles)
        return [f"{sign} {frame} {number} {2 + len(self.data)}: {handles}".rstrip(), *self.rows]


def packed(payload, flags):
    """An extended buffer, compressed only if that makes it smaller (MS-OXCRPC 2.2.2.1)."""
    if flags & w.COMPRESSED and len(w.lz77(payload)) >= len(payload):
        flags &= ~w.COMPRESSED
    return w.ext(payload, flags)


class World:
    """A session, its objects and what both sides know of them."""

    def __init__(self, cap, context=None, captured=True, code_page=1252):
        self.cap, self.captured, self.code_page = cap, captured, code_page
        self.dice, self.packing = r.Dice(cap.name), 0
        self.handle, self.objects = 0x40, {}
        self.columns, self.recipients, self.logons = {}, {}, {0: 1}
        self.streams = {"download": fxwire.Endless(), "upload": fxwire.Endless()}
        self.connect(context)

    def connect(self, context):
        self.context = context or Context(Outlook(self.cap), headers=False)
        if self.captured:
            self.context.connect(code_page=self.code_page)
            return
        self.context.conn = self.context.conn or self.context.outlook.open(captured=False)
        self.context.connect(captured=False, note=False, reply={"captured": False})
        self.context.number = None
        self.cap.sessions -= 1

    def carry(self, asked, told, ask=True, reply=True):
        """Request and response as they are captured; returns their frames, 0 where one is not."""
        ask, reply = (bool(one and self.captured) for one in (ask, reply))
        sent = self.context.ask("Execute", w.u32(3) + w.sized(asked) + w.u32(0x10008) + w.NO_AUX, captured=ask, note=ask)
        self.cap.wait(0.003)
        whose = {} if ask else {"mapihttp.session": None}
        return sent.frame, self.context.reply(sent, w.u32(0) + w.u32(0) + w.u32(0) + w.sized(told) + w.NO_AUX, captured=reply, fields=whose)

    def begin(self):
        """An exchange: asked, told."""
        self.asked, self.told, self.places = List(), List(), {}
        self.asked.frame, self.told.frame = Frame(), Frame()
        return self

    def slot(self, name):
        """The place of an object in the handle table; of one that this list opens, where its handle will stand."""
        if name in self.places:
            return self.places[name]
        handle = self.objects[name]
        if handle not in self.asked.handles:
            self.asked.handles.append(handle)
            self.told.handles.append(handle)
        return self.asked.handles.index(handle)

    def ask(self, number, given=None, on=None, makes=None, into=None, shows=None):
        """Adds a request; returns what its answer needs to know."""
        rop = layout.ALL[number]
        if on is None:
            on = INPUT.get(number) or OBJECTS[int(rop.section.split(".")[0])]
        heads = {"RopId": number, "LogonId": 0}
        for field in rop.request:
            if field.name in ("InputHandleIndex", "SourceHandleIndex", "ResponseHandleIndex"):
                heads[field.name] = self.slot(on) if isinstance(on, str) else on
            elif field.name == "DestHandleIndex":
                heads[field.name] = self.slot(into or SECOND.get(on, on))
            elif field.name == "OutputHandleIndex":
                heads[field.name] = len(self.asked.handles)
                self.asked.handles.append(w.NO_HANDLE)
                self.told.handles.append(w.NO_HANDLE)
        heads.update(given or {})
        if number in PUTS and "TransferData" not in heads:
            heads["TransferData"] = self.streams["upload"].take(1 + self.dice.below(30))
        writer = r.Writer(self.dice, bool(self.logons.get(heads["LogonId"], 1) & 1))
        values = writer.row([layout.Field("RopId:1", None), *rop.request], heads)
        if number == 0xFE:
            self.logons[values["LogonId"]] = values["LogonFlags"]
        self.asked.add(writer, shows)
        return rop, values, on, makes

    def tell(self, asked, code=0, given=None, number=None, bare=False, shows=None):
        """Adds the answer; number: another id that stands for it; bare: without the body that should follow."""
        rop, values, on, makes = asked
        answer = layout.ALL[number or rop.id]
        private = bool((values["LogonFlags"] if rop.id == 0xFE else self.logons.get(values.get("LogonId"), 1)) & 1)
        key = on if isinstance(on, str) else None
        writer = r.Writer(self.dice, private, self.columns.get(key), self.recipients.get(key), values.get("PropertyTags"))
        heads = {"RopId": number or rop.id, answer.index: values[answer.index if answer.index in values else rop.index],
                 "ReturnValue": code}
        if rop.id == 0x1F:
            heads["RopId"] = 0x20
        known = writer.row([layout.Field("RopId:1", None), layout.Field(f"{answer.index}:1", None), layout.Field("ReturnValue:4", None)],
                           heads)
        form = answer.form(code, private)
        given = dict(given or {})
        if heads["RopId"] == GETS and not code and "TransferBuffer" not in given and key in self.streams:
            given["TransferBuffer"] = self.streams[key].take(1 + self.dice.below(30))
        if form and not bare:
            known = writer.row(form.fields, given, "", known)
        self.told.add(writer, shows)
        if code and code >> 16 != WARNING:
            busy = code == ECBACKOFF
            self.told.outcomes.append(("rop.backoff" if busy else "rop.failed", "busy" if busy else f"{layout.ALL[heads['RopId']].name} failed",
                                  f"{known['BackoffTime']} ms" if "BackoffTime" in known else f"0x{code:08X}"))
        self.learn(rop, values, known, key, makes, code, number)

    def learn(self, rop, values, known, key, makes, code, number):
        if number == layout.PROGRESS:
            return
        if code == 0 and rop.output:
            self.handle += 1
            self.told.handles[values["OutputHandleIndex"]] = self.handle
            if makes:
                self.objects[makes] = self.handle
                self.recipients[makes] = known.get("RecipientColumns")
                self.places[makes] = values["OutputHandleIndex"]
        elif rop.id == 0x12:
            self.columns[key] = values["PropertyTags"] if code == 0 and known["TableStatus"] != 0x0D else None
        elif rop.id == 0x81:
            self.columns[key] = None
        elif rop.id == 0x10 and code == 0:
            self.recipients[key] = known["RecipientColumns"]

    def both(self, number, given=None, code=0, told=None, shows=None, answer=None, **how):
        """shows, answer: fields that are expected of the request and of its answer."""
        asked = self.ask(number, given, shows=shows, **how)
        if asked[0].answers:
            self.tell(asked, code, told, shows=answer)
        return asked

    def extra(self, number, given, on="table", shows=None):
        """A response that no request asks for."""
        writer = r.Writer(self.dice, True, self.columns.get(on))
        row = layout.ALL[number].forms[0].fields
        values = writer.row([layout.Field("RopId:1", None), *row], {"RopId": number, **given})
        self.told.add(writer, shows)
        if number == 0xF9:
            self.told.outcomes.append(("rop.backoff", f"{values['Duration']} ms"))
        elif number == 0xFF:
            self.told.outcomes.append(("rop.buffer_too_small", "sends the rest of its request again"))

    def send(self, further_asked=(), further_told=(), flags=None, **lost):
        """Request and response, each as one extended buffer and those behind it. ask=False, reply=False: it was not captured."""
        if flags is None:
            flags = PACKED[self.packing % len(PACKED)]
            self.packing += 1

        def pack(lists):
            return b"".join(packed(one.payload(), flags & (-1 if one is lists[-1] else ~w.LAST)) for one in lists)
        asked, told = [self.asked, *further_asked], [self.told, *further_told]
        self.note(asked, told, *self.carry(pack(asked), pack(told), **lost))
        self.cap.wait(0.02)

    def note(self, asked, told, *frames):
        """Puts down what the lists in these frames hold and what is expected of them."""
        for sign, number, lists in (*zip("><", frames, (asked, told)),):
            for place, one in enumerate(lists):
                one.frame.number = number
                if not number:
                    continue
                self.cap.lines += one.lines(sign, number, place)
                for name, *contains in one.outcomes:
                    self.cap.outcome(name, number, *contains)
                for rop, fields in one.shown:
                    self.cap.shown.append((number, place, rop, fields))

    def open(self):
        """Logons to a mailbox and to public folders, and one object of each kind, in one list: what is opened is used by its
        place further on in the same list."""
        self.begin()

        def make(name, number, on=None, given=None, told=None):
            self.both(number, given, 0, told, on=on, makes=name)
        for name, (given, _, told) in zip(("logon", "public"), PAIRS[0xFE]):
            make(name, 0xFE, None, given, told)
        make("folder", 0x02, "logon", told={"IsGhosted": 0})
        make("folder2", 0x02, "logon", told={"IsGhosted": 0})
        make("table", 0x05, "folder")
        self.both(0x12, {"PropertyTags": COLUMNS, "SetColumnsFlags": 0}, 0, {"TableStatus": 0}, on="table")
        for name in ("message", "message2"):
            make(name, 0x03, "logon", told=opened(RECIPIENTS, recipients(RECIPIENTS)[:1]))
        make("attachment", 0x22, "message")
        for name in ("stream", "stream2"):
            make(name, 0x2B, "message", {"PropertyTag": 0x10130102})
        make("download", 0x4B, "folder")
        make("upload", 0x53, "folder", {"SourceOperation": 3})
        make("collector", 0x7E, "folder")
        make("subscription", 0x29, "folder", {"NotificationTypes": 0x78, "WantWholeStore": 0})
        self.send()
        return self

    def close(self):
        self.context.leave()
        self.context.conn.close()


def case(name, title):
    def register(function):
        function.capture = RopCapture
        return scene.case(name, title)(function)
    return register


SAID = {"rop.failed": "ReturnValue of a response.", "rop.backoff": "The server is busy.", "rop.malformed": "A list that breaks here.",
        "rop.buffer_too_small": "RopBufferTooSmall.", "rop.context_unknown": "Only what was said before would tell how to read it."}
RULE = "Layouts after MS-OXCROPS 2.2; rops.txt says what was put in."


def forms(world, rop):
    """Every form of a ROP, in lists of its own."""
    for start in range(0, len(pairs(rop)), 6):
        world.begin()
        for given, code, told in pairs(rop)[start:start + 6]:
            on = None
            if given.get("LogonId") == 1 and rop.id != 0xFE:
                on = "public" if rop.id == 0x64 else None
            world.both(rop.id, given, code, told, on=on)
            if rop.id in (0x12, 0x81) and world.columns["table"] is None:
                world.both(0x12, {"PropertyTags": COLUMNS, "SetColumnsFlags": 0}, 0, {"TableStatus": 0})
        if start == 0 and rop.id == 0xFE:
            world.asked.handles.append(w.NO_HANDLE)          # a table longer than what is used
        world.send()


def chapter(number, word):
    @case(f"rops-{word}", f"ROPs of MS-OXCROPS 2.2.{number}, every form")
    def build(cap):
        world = World(cap).open()
        rows = [rop for rop in layout.ALL.values() if rop.section.split(".")[0] == str(number) and rop.id != layout.PROGRESS]
        rows.sort(key=lambda rop: int(rop.section.split(".")[1]))
        for rop in rows:
            forms(world, rop)
        world.close()
        cap.what = f"One session; the first list opens an object of each kind. Then, one list or more for each: " \
                   f"{', '.join(rop.name for rop in rows)}."
        cap.rule = RULE


for _chapter, _word in CHAPTERS.items():
    chapter(_chapter, _word)


@case("rops-progress", "RopProgress in the place of what runs asynchronously")
def progress(cap):
    world = World(cap).open()
    for number in sorted(layout.ASYNCHRONOUS):
        rop = layout.ALL[number]
        world.begin()
        asked = world.ask(number, {"WantAsynchronous": 1})
        world.tell(asked, 0, {}, number=layout.PROGRESS)
        world.send()
        world.begin()
        going = world.ask(layout.PROGRESS, {"WantCancel": 0}, on=asked[2])
        world.tell(going, 0, {})
        world.send()
        world.begin()
        going = world.ask(layout.PROGRESS, {"WantCancel": 0}, on=asked[2])
        world.tell((layout.ALL[number], {**asked[1], rop.index: going[1]["InputHandleIndex"]}, going[2], None), 0, {})
        world.send()
    world.begin()
    world.both(layout.PROGRESS, {"WantCancel": 1}, FAILED[0], {}, on="message")
    world.send()
    world.close()
    cap.what = "Each ROP that may run asynchronously: RopProgress answers it, and the next RopProgress; the last RopProgress is " \
               "answered by the ROP's own response. Then a RopProgress that fails."
    cap.rule = RULE


@case("rops-notification", "RopNotify of every kind, RopPending, RopRegisterNotification")
def notification(cap):
    world = World(cap).open()
    forms(world, layout.ALL[0x29])
    told = notifications()
    for start in range(0, len(told), 5):
        world.begin()
        if start % 2:
            world.both(0x16)
        for given in told[start:start + 5]:
            table = given["NotificationFlags"] & 0xFFF == 0x100
            world.extra(0x2A, {"NotificationHandle": world.objects["table" if table else "subscription"], "LogonId": 0,
                               "NotificationData": given})
        if start + 5 >= len(told):
            world.extra(0x6E, {})
        world.send()
    world.close()
    cap.what = f"{len(told)} notifications behind answers and alone: each type of MS-OXCNOTIF 2.2.1.4.1.2 with the bits that it may " \
               "have, rows of a table by the columns that were set. The last list ends with RopPending."
    cap.rule = RULE


@case("rops-list", "RopRelease, RopBackoff, RopBufferTooSmall; failures without a body; lists of several buffers")
def lists(cap):
    world = World(cap).open()
    # Release: no answer; the same place is used again.
    world.begin()
    world.both(0x02, {}, 0, {"IsGhosted": 0}, on="logon", makes="spare")
    world.both(0x01, on="spare")
    world.both(0x16, on="table")
    world.both(0x01, on="message2")
    world.send()
    # Backoff stands for what was not executed.
    for given in ({"BackoffRopData": []}, {"BackoffRopData": [{"RopIdBackoff": 0x15}, {"RopIdBackoff": 0x07}], "AdditionalDataSize": 0}):
        world.begin()
        world.both(0x16, on="table")
        world.ask(0x15)
        world.ask(0x07)
        world.extra(0xF9, {"LogonId": 0, **given})
        world.send()
    # BufferTooSmall: the rest of the requests comes back.
    world.begin()
    world.both(0x16, on="table")
    before = len(world.asked.data)
    world.ask(0x15)
    world.ask(0x37)
    world.extra(0xFF, {"RequestBuffers": bytes(world.asked.data[before:])})
    world.send()
    # Failures of servers that leave the body out, one behind the other.
    world.begin()
    for number in sorted(rop.id for rop in layout.ALL.values() if rop.index and any(form.sign in "*!" for form in rop.forms)):
        asked = world.ask(number, {"WantAsynchronous": 0} if number in layout.ASYNCHRONOUS else {})
        world.tell(asked, FAILED[0], bare=True)
        world.both(0x16, on="table")
    world.send()
    # Further buffers of a response: each as if the last ROP had been asked once more.
    for number, on, told in ((0x15, "table", {"RowData": [{}, {}]}), (0x2C, "stream", {}), (0x4E, "download", {"TransferStatus": 1})):
        world.begin()
        world.both(0x16, on="table")
        asked = world.ask(number, {"ByteCount": BABE, "BufferSize": BABE})
        world.tell(asked, 0, told)
        first, further = world.told, []
        for _ in range(2):
            world.told = first.further()
            world.tell(asked, 0, told)
            further.append(world.told)
        world.told = first
        world.send(further_told=further)
    # Further buffers of a request: each with one ROP; one answer to all.
    for number in sorted(layout.PACKED_REQUEST):
        world.begin()
        world.both(0x16, on="table")
        asked = world.ask(number)
        first, further = world.asked, []
        for _ in range(2):
            world.asked = first.further()
            world.ask(number, on=asked[1]["InputHandleIndex"])
            further.append(world.asked)
        world.asked = first
        world.tell(asked)
        world.send(further_asked=further)
    # No ROP at all, and a table without handles.
    world.begin().send()
    world.close()
    cap.what = "RopRelease, the place of its object used again; RopBackoff and RopBufferTooSmall; every response whose body should " \
               "follow a failure too, without it; responses of RopQueryRows, RopReadStream and RopFastTransferSourceGetBuffer in three " \
               "buffers; requests in three buffers of RopWriteStreamExtended and both ROPs that upload; an empty list."
    cap.rule = RULE


@case("rops-rest", "Lists that cannot be read to their end")
def rest(cap):
    world = World(cap).open()
    # No such request; the response has the one that came before.
    world.begin()
    world.both(0x16, on="table")
    world.asked.rest(b"\x28\0\0\1\2\3")
    world.asked.outcomes.append(("rop.malformed", "RopId of no request"))
    world.send()
    # Rows of a table whose columns were never set.
    world.begin()
    asked = world.ask(0x04, {}, on="folder", makes="tree")
    world.tell(asked)
    world.send()
    world.begin()
    world.ask(0x15, on="tree")
    world.told.rest(bytes([0x15, world.slot("tree"), 0, 0, 0, 0, 2, 1, 0, 0, 7, 7, 7]))
    world.told.outcomes.append(("rop.context_unknown", "columns"))
    world.send()
    # An answer to something else.
    world.begin()
    world.both(0x16, on="table")
    world.ask(0x17, on="table")
    world.told.rest(bytes([0x18, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0]))
    world.told.outcomes.append(("rop.malformed", "0x18", "QueryPosition"))
    world.send()
    # A size that is larger than what is there.
    world.begin()
    asked = world.ask(0x2C)
    world.told.rest(bytes([0x2C, 0, 0, 0, 0, 0, 0xFF, 0xFF, 1, 2, 3]))
    world.told.outcomes.append(("rop.malformed",))
    world.send()
    world.close()
    cap.what = "An id that no request has; rows whose columns are not known; an answer that does not fit its request; data of 65535 bytes " \
               "in a list of a few. What stands before is read, and so are the handle tables."
    cap.rule = RULE
