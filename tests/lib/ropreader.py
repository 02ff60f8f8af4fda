"""Reads ROP buffers (MS-OXCROPS 2.2.1) by the rows of roplayout.py, without the plugin: what the plugin shows is compared
with this, and this with captures, with examples of the specifications and with what the generator of samples put in.

    session = Session()
    asked = session.request([payload, ...])         # one list for each extended buffer, as it was unpacked
    answered = session.response(asked, [payload, ...])

Each gives Lists: rops, handles, and where and why a list stopped fitting. A request is read before its response, exchanges
of a session in their order: what a list means depends on what was opened before (columns of a table, recipient columns,
flags of the logon).

SPDX-License-Identifier: GPL-2.0-or-later
"""

import dataclasses
import struct
import uuid

import roplayout as layout

DEPTH = 32                           # of restrictions within each other
NO_HANDLE = 0xFFFFFFFF
LONGEST = 4096                       # values whose size is 0: a list of them may claim any number


class Unfit(Exception):
    """What stands at a byte cannot be what should stand there."""

    def __init__(self, at, why):
        super().__init__(f"byte {at}: {why}")
        self.at, self.why = at, why


@dataclasses.dataclass
class Leaf:
    """A field without smaller ones. Integers and ids are numbers, the rest is text: GUIDs in their usual form, bytes in
    hexadecimal, strings without their end."""
    path: str
    at: int
    size: int
    value: object

    @property
    def name(self):
        """The field's own name, without where it stands and its number in a list."""
        return self.path.rsplit(".", 1)[-1].split("[")[0]


@dataclasses.dataclass
class Read:
    """A ROP as it was read. values: by field name, a number or text; lists and structures as lists and dicts."""
    index: int
    id: int
    at: int
    size: int = 0
    values: dict = dataclasses.field(default_factory=dict)
    leaves: list = dataclasses.field(default_factory=list)
    form: str = ""
    asked: object = None             # of a response: the request's Read
    target: object = None            # the Object that it speaks of
    slot: int = None                 # and its place in the handle table
    bare: bool = False               # a failure without the body that should follow it

    @property
    def name(self):
        return layout.ALL[self.id].name


@dataclasses.dataclass
class List:
    """The payload of one extended buffer. stop: the byte from which on the list cannot be read, None if it ends as it
    should; notes: (byte, text) of what is odd inside a window of known size."""
    rops: list = dataclasses.field(default_factory=list)
    handles: list = dataclasses.field(default_factory=list)
    size: int = 0
    stop: int = None
    why: str = ""
    notes: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Object:
    """A server object, as far as lists depend on it."""
    kind: int                        # id of the ROP that made it
    columns: list = None
    recipients: list = None
    stream: int = None
    state: int = None


class Reader:
    """Reads fields from data[at:end]."""

    def __init__(self, data, at, end, columns=None, recipients=None, requested=None):
        self.data, self.at, self.end = data, at, end
        self.known = {"table": columns, "recipient": recipients, "request": requested, "receive": layout.RECEIVE_FOLDER}
        self.leaves, self.notes = [], []

    # ---- bytes ----

    def take(self, size):
        if size > self.end - self.at:
            raise Unfit(self.at, f"{size} bytes, {self.end - self.at} are left")
        self.at += size
        return self.data[self.at - size:self.at]

    def leaf(self, path, at, value):
        self.leaves.append(Leaf(path, at, self.at - at, value))
        return value

    def number(self, size, signed=False):
        return int.from_bytes(self.take(size), "little", signed=signed)

    def text(self, wide):
        step = 2 if wide else 1
        for end in range(self.at, self.end - step + 1, step):
            if not any(self.data[end:end + step]):
                value = self.take(end - self.at)
                self.take(step)
                return value.decode("utf-16-le" if wide else "latin-1", "replace")
        raise Unfit(self.at, "text without an end")

    # ---- rows ----

    def fields(self, row, values, path, depth=0):
        for field in row:
            if field.there(values):
                values[field.name] = self.field(field, values, f"{path}{field.name}", depth)
                if field.name == "RecipientColumns":
                    self.known["recipient"] = values[field.name]
        return values

    def field(self, field, values, path, depth):
        if not field.frame:
            return self.several(field, values, path, depth)
        end = self.at + values.get(field.before, 0)
        if end > self.end:
            raise Unfit(self.at, f"{field.name} of {values[field.before]} bytes, {self.end - self.at} are left")
        outer, self.end = self.end, end
        try:
            if field.frame == "~":
                found = []
                while self.at < end:
                    found.append(self.one(field, values, f"{path}[{len(found)}]", depth))
                return found
            return self.several(field, values, path, depth) if self.at < end else None
        except Unfit as error:
            # The window's size keeps what follows in its place.
            self.notes.append((error.at, error.why))
            return None
        finally:
            if self.at < end:
                self.notes.append((self.at, f"{end - self.at} bytes behind {field.name}"))
                start, self.at = self.at, end
                self.leaf(f"{path}.rest", start, self.data[start:end].hex())
            self.end = outer

    def several(self, field, values, path, depth):
        if field.count is None:
            return self.one(field, values, path, depth)
        count = field.count if isinstance(field.count, int) else values.get(field.count, 0)
        found = []
        for number in range(count):
            start = self.at
            found.append(self.one(field, values, f"{path}[{number}]", depth))
            if self.at == start and number >= LONGEST:
                raise Unfit(self.at, f"{count} values of no bytes")
        return found

    def one(self, field, values, path, depth):
        at, kind, argument = self.at, field.type, field.argument
        if kind in layout.STRUCTURE:
            return self.fields(layout.STRUCTURE[kind], {}, f"{path}.", depth)
        if kind == "Row":
            return self.row(argument, values, path, depth)
        if kind == "Restriction":
            return self.restriction(path, depth)
        if kind == "tagged":
            tag = self.leaf(f"{path}.PropertyTag", at, self.number(4))
            return [tag, self.value(tag & 0xFFFF, f"{path}.Value", depth)]
        if kind == "b":
            size = self.end - self.at if argument == "end" else int(argument) if argument else values.get(field.before, 0)
            return self.leaf(path, at, self.take(size).hex())
        if kind == "u":
            wide = layout.DERIVED[argument](values) if argument in layout.DERIVED else values.get(argument, 0)
            return self.leaf(path, at, self.text(bool(wide)))
        return self.simple(kind, path)

    def simple(self, kind, path):
        at = self.at
        if kind in "1248":
            return self.leaf(path, at, self.number(int(kind)))
        if kind in ("i2", "i4", "i8"):
            return self.leaf(path, at, self.number(int(kind[1]), signed=True))
        if kind == "id":
            return self.leaf(path, at, int.from_bytes(self.take(8), "big"))
        if kind == "tag":
            return self.leaf(path, at, self.number(4))
        if kind == "guid":
            return self.leaf(path, at, str(uuid.UUID(bytes_le=bytes(self.take(16)))))
        if kind == "ltid":
            return self.leaf(path, at, self.take(24).hex())
        if kind == "z":
            return self.leaf(path, at, self.text(False))
        raise ValueError(f"no type: {kind}")

    # ---- MS-OXCDATA ----

    def value(self, kind, path, depth):
        """A property value of a type."""
        at = self.at
        if kind & 0x3000 == 0x1000:
            count = self.leaf(f"{path}.Count", at, self.number(4))
            if kind & ~0x1000 not in layout.VALUE or kind & ~0x1000 < 2:
                raise Unfit(at, f"values of type 0x{kind:04x}")
            if count > self.end - self.at:
                raise Unfit(at, f"{count} values, {self.end - self.at} bytes are left")
            return [self.value(kind & ~0x1000, f"{path}[{number}]", depth) for number in range(count)]
        if kind not in layout.VALUE:
            raise Unfit(at, f"a value of type 0x{kind:04x}")
        how = layout.VALUE[kind][1]
        if how == "typed":
            inner = self.leaf(f"{path}.PropertyType", at, self.number(2))
            if inner == 0:
                raise Unfit(at, "a value of no type")
            return [inner, self.value(inner, path, depth)]
        if how == "s2":
            size = self.leaf(f"{path}.Size", at, self.number(2))
            at = self.at
            return self.leaf(path, at, self.take(size).hex())
        if how == "u":
            return self.leaf(path, at, self.text(True))
        if how == "Restriction":
            return self.restriction(path, depth)
        if how == "RuleAction":
            return self.fields(layout.STRUCTURE[how], {}, f"{path}.", depth + 1)
        if how == "b(0)":
            return None
        if how.startswith("b("):
            return self.leaf(path, at, self.take(int(how[2:-1])).hex())
        return self.simple(how, path)

    def row(self, source, values, path, depth):
        """PropertyRow, 2.8.1."""
        columns = self.known[source]
        if columns is None:
            raise Unfit(self.at, "a row whose columns are not known")
        if source == "recipient":
            columns = columns[:values["RecipientColumnCount"]]
        flag = self.leaf(f"{path}.Flag", self.at, self.number(1))
        if flag > 1:
            raise Unfit(self.at - 1, f"a row's flag is {flag}")
        found = []
        for number, tag in enumerate(columns):
            kind, place = tag & 0xFFFF, f"{path}.Column[{number}]"
            if kind & 0x3000 == 0x3000:
                kind &= ~0x3000                              # one of several values
            if kind == 0 and flag:
                kind = self.leaf(f"{place}.PropertyType", self.at, self.number(2))
            said = self.leaf(f"{place}.Flag", self.at, self.number(1)) if flag else 0
            if said == 0:
                found.append(self.value(kind, f"{place}.Value", depth))
            elif said == 0x0A:
                found.append(self.leaf(f"{place}.ErrorCode", self.at, self.number(4)))
            elif said == 1:
                found.append(None)
            else:
                raise Unfit(self.at - 1, f"a value's flag is {said}")
        return [flag, found]

    def restriction(self, path, depth):
        if depth >= DEPTH:
            raise Unfit(self.at, "restrictions too deep within each other")
        kind = self.leaf(f"{path}.RestrictType", self.at, self.number(1))
        if kind not in layout.RESTRICTION:
            raise Unfit(self.at - 1, f"a restriction of type {kind}")
        name, row = layout.RESTRICTION[kind]
        return self.fields(row, {"RestrictType": kind, "kind": name}, f"{path}.", depth + 1)


class Session:
    """What a session's exchanges tell of its objects."""

    def __init__(self):
        self.objects = {}            # by handle
        self.logons = {}             # LogonFlags by LogonId

    # ---- requests ----

    def request(self, payloads):
        logons = dict(self.logons)
        return [self._list(payload, self._requests, logons) for payload in payloads]

    @staticmethod
    def _list(payload, read, *more):
        found = List()
        if len(payload) < 2:
            found.stop, found.why = 0, "no RopSize"
            return found
        found.size, = struct.unpack_from("<H", payload)
        if not 2 <= found.size <= len(payload):
            found.stop, found.why = 0, f"RopSize {found.size} of {len(payload)} bytes"
            return found
        table = payload[found.size:]
        found.handles = [value for value, in struct.iter_unpack("<I", table[:len(table) & ~3])]
        if len(table) & 3:
            found.notes.append((len(payload) - (len(table) & 3), "a handle table of odd size"))
        try:
            read(payload, found, *more)
        except Unfit as error:
            found.stop, found.why = found.rops[-1].at if found.rops and not found.rops[-1].size else error.at, str(error)
            found.rops = [rop for rop in found.rops if rop.size]
        return found

    @staticmethod
    def _requests(payload, found, logons):
        at = 2
        while at < found.size:
            rop = Read(len(found.rops), payload[at], at, form="request")
            found.rops.append(rop)
            row = layout.ALL.get(rop.id)
            if not row or row.request is None:
                found.rops.pop()
                raise Unfit(at, f"no request has the id 0x{rop.id:02x}")
            private = logons.get(payload[at + 1] if at + 1 < found.size else 0, 1) & 1
            reader = Reader(payload, at, found.size)
            rop.values = reader.fields([layout.Field("RopId:1", None)], {"private": bool(private)}, "")
            reader.fields(row.request, rop.values, "")
            if rop.id == 0xFE:
                logons[rop.values["LogonId"]] = rop.values["LogonFlags"]
            _finish(rop, reader, found)
            at = reader.at

    # ---- responses ----

    def response(self, asked, payloads):
        """asked: what request() gave. Takes in what the exchange tells of objects."""
        found = []
        if not asked or not payloads:
            return found
        for number, payload in enumerate(payloads):
            requests = [rop for rop in asked[0].rops] if number == 0 else asked[0].rops[-1:]
            walk = Walk(self, asked[0].handles, requests, number > 0)
            found.append(self._list(payload, walk.read))
            walk.end(found[-1])
        return found


def _finish(rop, reader, found):
    rop.size, rop.leaves = reader.at - rop.at, reader.leaves
    rop.values.pop("private", None)
    found.notes += reader.notes


class Walk:
    """The way through one list of responses, beside the requests it answers."""

    def __init__(self, session, handles, requests, further):
        self.session, self.asked, self.table = session, handles, handles
        self.left = [rop for rop in requests if layout.ALL[rop.id].answers]
        self.all, self.done = list(requests), 0
        self.slots = {}              # Object by index, of those made by this list
        self.further, self.backed_off = further, False

    def object(self, index):
        if index in self.slots:
            return self.slots[index]
        handle = self.asked[index] if index is not None and index < len(self.asked) else NO_HANDLE
        return self.session.objects.get(handle)

    def met(self, rop):
        """The object of a handle that was given out before the capture began."""
        index = self.index(rop)
        made = Object(None)
        if index not in self.slots and index < len(self.asked) and self.asked[index] != NO_HANDLE:
            self.session.objects[self.asked[index]] = made
        return made

    @staticmethod
    def index(rop):
        return next((rop.values[name] for name in ("InputHandleIndex", "SourceHandleIndex") if name in rop.values), None)

    def fits(self, rop, number):
        """May this id be the answer to a request?"""
        if number == rop.id:
            return True
        if rop.id == 0x1F:
            return number == 0x20
        if rop.id == layout.PROGRESS:
            return number in layout.ASYNCHRONOUS
        return number == layout.PROGRESS and rop.id in layout.ASYNCHRONOUS and bool(rop.values.get("WantAsynchronous"))

    def follows(self, payload, at, end):
        """May a response begin at this byte, or the list end there?"""
        if at == end:
            return True
        number = payload[at]
        return number in layout.EXTRA or any(self.fits(rop, number) for rop in self.left[:None if self.backed_off else 1])

    def next(self, payload, at, end):
        """Does the response to the next request begin at this byte, or the list end there?"""
        if at == end or not self.left:
            return at == end or payload[at] in layout.EXTRA
        return self.fits(self.left[0], payload[at])

    def read(self, payload, found):
        at = 2
        while at < found.size:
            rop = Read(len(found.rops), payload[at], at, form="extra")
            if rop.id not in layout.EXTRA:
                while self.backed_off and self.left and not self.fits(self.left[0], rop.id):
                    self.left.pop(0)
                if not self.left:
                    raise Unfit(at, f"id 0x{rop.id:02x}, and no request is left")
                if not self.fits(self.left[0], rop.id):
                    raise Unfit(at, f"id 0x{rop.id:02x} does not answer {self.left[0].name}")
                rop.asked = self.left.pop(0)
                self.released(rop.asked)
            found.rops.append(rop)
            at = self.one(payload, rop, found)
            if rop.id == 0xF9:
                self.backed_off = True
            elif rop.id == 0xFF:
                self.left = []

    def released(self, until):
        """Takes in the RopReleases in front of a request."""
        while self.done < len(self.all):
            rop = self.all[self.done]
            self.done += 1
            if rop is until:
                return
            if rop.id == layout.RELEASE and not self.further:
                index = self.index(rop)
                if index in self.slots:
                    self.slots[index] = None
                elif index < len(self.asked):
                    self.session.objects.pop(self.asked[index], None)

    def one(self, payload, rop, found):
        row, asked = layout.ALL[rop.id], rop.asked
        private, code, target, requested = True, 0, None, None
        if asked:
            flags = asked.values.get("LogonFlags") if asked.id == 0xFE else \
                self.session.logons.get(asked.values.get("LogonId"), 1)
            private = bool(flags & 1)
            target, requested = self.object(self.index(asked)), asked.values.get("PropertyTags")
        elif rop.id == 0x2A and rop.at + 5 <= found.size:
            target = self.session.objects.get(struct.unpack_from("<I", payload, rop.at + 1)[0])
        rop.target = target
        reader = Reader(payload, rop.at, found.size, target.columns if target else None,
                        target.recipients if target else None, requested)
        rop.values = {"private": private}
        head = [layout.Field("RopId:1", None)]
        if row.index:
            head += [layout.Field(f"{row.index}:1", None), layout.Field("ReturnValue:4", None)]
        reader.fields(head, rop.values, "")
        code = rop.values.get("ReturnValue", 0)
        form = row.form(code, private)
        rop.form = form.when if form else "head" if not row.forms else "failure"
        if form:
            self.body(payload, rop, reader, form, code)
        _finish(rop, reader, found)
        if asked:
            self.learn(rop, asked, target)
        return reader.at

    def body(self, payload, rop, reader, form, code):
        """Reads a body; after a failure that may have none, and where layouts differ, by what follows."""
        start = reader.at, len(reader.leaves), dict(rop.values), len(reader.notes)

        def again():
            reader.at, rop.values = start[0], dict(start[2])
            del reader.leaves[start[1]:], reader.notes[start[3]:]

        rows = [form.fields]
        if rop.id == 0x52:
            rows.append(layout.fields("AttachmentIdCount:4 AttachmentIdArray:i4*"))
        if rop.id == 0x4A:
            rows.append(layout.fields("NoPropertiesReturned:1"))
        if code and form.sign != "=" and self.next(payload, reader.at, reader.end):
            rop.bare = True
            return
        wrong = None
        for row in rows:
            try:
                reader.fields(row, rop.values, "")
                if len(rows) == 1 or self.follows(payload, reader.at, reader.end):
                    return
            except Unfit as error:
                wrong = wrong or error
            again()
        if wrong:
            raise wrong
        reader.fields(rows[0], rop.values, "")

    def learn(self, rop, asked, target):
        good = rop.values.get("ReturnValue") == 0
        values = asked.values
        if rop.id == layout.PROGRESS:
            return
        if good and layout.ALL[asked.id].output:
            made = self.slots[values["OutputHandleIndex"]] = Object(asked.id)
            if asked.id == 0xFE:
                self.session.logons[values["LogonId"]] = values["LogonFlags"]
            if asked.id == 0x2B:
                made.stream = values["PropertyTag"]
            if asked.id == 0x3B and target:
                made.stream = target.stream
            if "RecipientColumns" in rop.values:
                made.recipients = rop.values["RecipientColumns"]
        elif target or asked.id in (0x10, 0x12):
            target = target or self.met(asked)
            if asked.id == 0x12:
                kept = good and rop.values.get("TableStatus") != 0x0D
                target.columns = values["PropertyTags"] if kept else None
            elif asked.id == 0x81:
                target.columns = None
            elif asked.id == 0x10 and good:
                target.recipients = rop.values["RecipientColumns"]
            elif asked.id in (0x75, 0x77):
                target.state = values.get("StateProperty")

    def end(self, found):
        """The list is read: objects get their handles, and what was released behind the last answer is gone."""
        handles = found.handles
        if found.stop is None and not self.backed_off and not any(rop.id == 0xFF for rop in found.rops):
            self.released(None)
        for index, made in self.slots.items():
            if made and index < len(handles) and handles[index] != NO_HANDLE:
                self.session.objects[handles[index]] = made
