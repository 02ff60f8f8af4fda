"""ROPs as bytes, by the rows of tests/lib/roplayout.py, and beside them what was put in: a leaf for each field.

What a field holds is given by name, or drawn. given: a number or text for a field; a list for several; a dict for a
structure; (tag, value) for a tagged value; {"type": ...} for a restriction; {"flag": 1, "values": [...]} for a row.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import hashlib
import struct
import uuid

import roplayout as layout

ABSENT = object()                    # in a flagged row: no value


class Error(int):
    """In a flagged row: an error code in place of the value."""


class Dice:
    """Numbers that a name decides, the same with every version of Python."""

    def __init__(self, name):
        self.name, self.count = name, 0

    def below(self, limit):
        self.count += 1
        digest = hashlib.sha256(f"{self.name}/{self.count}".encode()).digest()
        return int.from_bytes(digest[:16], "big") % limit

    def of(self, choices):
        return choices[self.below(len(choices))]

    def bytes(self, size):
        return bytes(self.below(256) for _ in range(size))


NARROW = ["IPM.Note", "SMTP", "EX1.example.test", "Inbox", "Caf\xe9", "/o=Example/cn=EX1"]
WIDE = ["Отчёт", "Müller & Söhne", "Inbox", "日程", "Re: budget", "x"]
# What a field may hold, where not every number makes sense. Other fields of one byte: 0 or 1.
CHOICES = {
    "Origin": [0, 1, 2], "TableStatus": [0, 9, 0xB, 0xE], "FolderType": [1, 2], "CodePageId": [0x0FFF, 1252],
    "OpenModeFlags": [0, 1], "TableFlags": [0, 0x10, 0x40], "SaveFlags": [1, 2, 4], "ReadFlags": [0, 1, 4],
    "LockState": [0, 1, 2], "SynchronizationType": [1, 2], "SourceOperation": [1, 2, 3, 4], "RecipientType": [1, 2, 3],
    "SendOptions": [0, 1, 9], "DeleteFolderFlags": [0, 1, 5], "PermissionDataFlags": [1, 2, 4], "RuleDataFlags": [1, 2, 4],
    "Order": [0, 1], "RelOp": [0, 1, 2, 3, 4, 5], "FuzzyLevelLow": [0, 1, 2], "FuzzyLevelHigh": [0, 1, 2, 4],
    "TransferStatus": [1, 3], "PropertyTag": [0x0037001F, 0x0E080003, 0x3001001F], "Seconds": range(60),
    "Minutes": range(60), "Hour": range(24), "DayOfWeek": range(7), "Day": range(1, 29), "Month": range(1, 13),
    "Year": range(2013, 2027), "MaxRowCount": range(100), "OpenFlags": [0x01000404], "StoreState": [0, 0x01000000],
    "AddressPrefixUsed": range(1, 20), "ResponseFlags": [7, 0x17], "NotificationTypes": [0x78, 0x100], "ImportFlag": [0, 0x10],
    "SynchronizationFlags": [0x0021, 0x0181], "WantUnicode": [1], "ModifyRulesFlags": [0, 1], "Duration": range(1, 60000),
    "StateProperty": [0x40170102, 0x67960102, 0x67DA0102, 0x67D20102], "SearchFlags": [2, 0x00010002, 0x1001],
    "LID": range(0x8000, 0x9000), "BounceCode": [0x0D, 0x1F, 0x26], "UseUnicodeStrings": [1], "UseUnicode": [1],
    "GwartTime": [134000000000000000, 133987654321098765],
}
TAGS = [0x0037001F, 0x0E080003, 0x3001001F, 0x67480014, 0x0E060040, 0x0FFF0102, 0x360A000B, 0x0C1A001E]
# A tag of each type that a property may have (MS-OXCDATA 2.11.1), and of the multivalued ones.
TYPES = [0x0002, 0x0003, 0x0004, 0x0005, 0x0006, 0x0007, 0x000A, 0x000B, 0x0014, 0x001E, 0x001F, 0x0040, 0x0048, 0x00FB,
         0x00FD, 0x00FE, 0x0102]
MULTIPLE = [0x1002, 0x1003, 0x1004, 0x1005, 0x1006, 0x1007, 0x1014, 0x101E, 0x101F, 0x1040, 0x1048, 0x1102]


# Sizes of all that is behind them, by the field that comes next (MS-OXCROPS 2.2.8.6.1, 2.2.13.12.1).
REACHING = {"PropertyValueSize": "PropertyValueCount", "DataSize": "LongTermIdRangeCount"}
# XIDs with a GLOBCNT (MS-OXCFXICS 2.2.2.2).
KEYS = {"SourceFolderId", "SourceMessageId", "DestinationMessageId", "ChangeNumber", "MessageId"}
KEY_LEN = 22


def tag(kind, number=0x6A00):
    return number << 16 | kind


def every_type():
    return [tag(kind, 0x6A00 + number) for number, kind in enumerate(TYPES + MULTIPLE)]


def windowed(field):
    """Its size stands in the field before it."""
    return bool(field.frame) or field.type == "b" and not field.argument


class Writer:
    """Writes the fields of one ROP; leaves: (path, number or text) of what it wrote."""

    def __init__(self, dice, private=True, columns=None, recipients=None, requested=None):
        self.dice, self.private = dice, private
        self.known = {"table": columns, "recipient": recipients, "request": requested, "receive": layout.RECEIVE_FOLDER}
        self.data, self.leaves = bytearray(), []

    def put(self, path, data, value):
        self.data += data
        self.leaves.append((path, value))
        return value

    def number(self, path, size, value):
        return self.put(path, (value & (1 << 8 * size) - 1).to_bytes(size, "little"), value)

    # ---- rows ----

    def row(self, fields, given, path="", values=None):
        values = {"private": self.private} if values is None else values
        sizes = {}                   # where a size stands that is known once its field is written
        reach = None                 # the same of one that counts all fields behind it
        for place, field in enumerate(fields):
            if not field.there(values):
                continue
            name, at = f"{path}{field.name}", len(self.data)
            if field.name not in given and fields[place + 1:] and fields[place + 1].name == REACHING.get(field.name):
                reach = at, len(self.leaves), int(field.type)
            sized = next((other for other in fields[place + 1:] if other.before == field.name and windowed(other)), None)
            counted = next((other for other in fields[place + 1:] if other.count == field.name), None)
            if field.name in given or not (sized or counted) or field.type not in "1248":
                if windowed(field) and values[field.before] == 0 and field.before not in sizes:
                    values[field.name] = self.put(name, b"", "") if field.type == "b" else None
                    continue
                values[field.name] = self.field(field, given.get(field.name), values, name)
                if field.before in sizes:
                    self.patch(*sizes.pop(field.before), len(self.data) - at)
                    values[field.before] = len(self.data) - at
                elif windowed(field) and len(self.data) - at != values[field.before]:
                    raise ValueError(f"{name} has {len(self.data) - at} bytes, {values[field.before]} were announced")
            elif sized:
                sizes[field.name] = at, len(self.leaves), int(field.type)
                values[field.name] = self.number(name, int(field.type), 0)
            else:
                content = given.get(counted.name)
                count = 1 + self.dice.below(3) if content is None else len(content)
                values[field.name] = self.number(name, int(field.type), count)
            if field.name == "RecipientColumns":
                self.known["recipient"] = values[field.name]
        if reach:
            self.patch(*reach, len(self.data) - reach[0] - reach[2])
        return values

    def patch(self, at, leaf, size, value):
        self.data[at:at + size] = value.to_bytes(size, "little")
        self.leaves[leaf] = self.leaves[leaf][0], value

    def field(self, field, given, values, path):
        if field.frame == "~":
            items = given if given is not None else [None] * (1 + self.dice.below(2))
            return [self.one(field, item, values, f"{path}[{number}]") for number, item in enumerate(items)]
        if field.count is None:
            return self.one(field, given, values, path)
        count = field.count if isinstance(field.count, int) else values.get(field.count, 0)
        items = given if given is not None else [None] * count
        return [self.one(field, item, values, f"{path}[{number}]") for number, item in enumerate(items)]

    def one(self, field, given, values, path):
        kind, argument, dice = field.type, field.argument, self.dice
        if kind in layout.STRUCTURE:
            return self.row(layout.STRUCTURE[kind], given or {}, f"{path}.", {})
        if kind == "Row":
            return self.property_row(argument, given or {}, values, path)
        if kind == "Restriction":
            return self.restriction(given, path)
        if kind == "tagged":
            number, content = given if given is not None else (dice.of(TAGS), None)
            self.number(f"{path}.PropertyTag", 4, number)
            return [number, self.value(number & 0xFFFF, content, f"{path}.Value")]
        if kind == "b":
            if given is None and field.name in KEYS:
                given = dice.bytes(KEY_LEN)
            if given is None and field.name == "PredecessorChangeList":
                given = b"".join(bytes([KEY_LEN]) + dice.bytes(KEY_LEN) for _ in range(1 + dice.below(2)))
            if given is None:
                given = dice.bytes(int(argument) if argument not in (None, "end") else 1 + dice.below(12))
            return self.put(path, given, given.hex())
        if kind == "u":
            wide = layout.DERIVED[argument](values) if argument in layout.DERIVED else values.get(argument, 0)
            return self.text(path, wide, given)
        if field.name in CHOICES and given is None:
            given = dice.of(CHOICES[field.name])
        elif kind == "1" and given is None:
            given = dice.below(2)
        return self.simple(kind, given, path)

    def text(self, path, wide, given):
        text = given if given is not None else self.dice.of(WIDE if wide else NARROW)
        return self.put(path, text.encode("utf-16-le") + b"\0\0" if wide else text.encode("latin-1") + b"\0", text)

    def simple(self, kind, given, path):
        dice = self.dice
        if kind in "1248":
            return self.number(path, int(kind), dice.below(1 << 8 * int(kind)) if given is None else given)
        if kind in ("i2", "i4", "i8"):
            size = int(kind[1])
            return self.number(path, size, dice.below(1 << 8 * size) - (1 << 8 * size - 1) if given is None else given)
        if kind == "id":
            data = struct.pack("<H", 1 + dice.below(3)) + dice.below(1 << 40).to_bytes(6, "big") if given is None else \
                given.to_bytes(8, "big")
            return self.put(path, data, int.from_bytes(data, "big"))
        if kind == "tag":
            return self.number(path, 4, dice.of(TAGS) if given is None else given)
        if kind == "guid":
            data = dice.bytes(16) if given is None else given.bytes_le
            return self.put(path, data, str(uuid.UUID(bytes_le=data)))
        if kind == "ltid":
            data = dice.bytes(22) + b"\0\0"
            return self.put(path, data, data.hex())
        if kind == "z":
            return self.text(path, False, given)
        raise ValueError(f"no type: {kind}")

    # ---- MS-OXCDATA ----

    def value(self, kind, given, path):
        dice = self.dice
        if kind & 0x3000 == 0x1000:
            items = given if given is not None else [None] * (1 + dice.below(3))
            self.number(f"{path}.Count", 4, len(items))
            return [self.value(kind & ~0x1000, item, f"{path}[{number}]") for number, item in enumerate(items)]
        how = layout.VALUE[kind][1]
        if how == "typed":
            inner, content = given if given is not None else (0x0003, None)
            self.number(f"{path}.PropertyType", 2, inner)
            return [inner, self.value(inner, content, path)]
        if how == "s2":
            if given is None:
                given = b"\1" + dice.bytes(20) if kind == 0x00FB else dice.bytes(1 + dice.below(10))
            self.number(f"{path}.Size", 2, len(given))
            return self.put(path, given, given.hex())
        if how == "u":
            return self.text(path, True, given)
        if how == "Restriction":
            return self.restriction(given or {"type": 8}, path)
        if how == "RuleAction":
            return self.row(layout.STRUCTURE[how], given or {"ActionBlocks": [{"Action": {"ActionType": 0x0A}}]}, f"{path}.", {})
        if how == "b(0)":
            return None
        if how.startswith("b("):
            data = dice.bytes(int(how[2:-1])) if given is None else given
            if given is None and kind in (4, 5, 7):
                data = struct.pack("<f" if kind == 4 else "<d", dice.below(3600) / 4)
            return self.put(path, data, data.hex())
        if how == "8" and given is None:
            given = 131000000000000000 + dice.below(10**16)  # a FILETIME
        if kind == 0x000B and given is None:
            given = dice.below(2)
        return self.simple(how, given, path)

    def property_row(self, source, given, values, path):
        columns = self.known[source]
        if source == "recipient":
            columns = columns[:values["RecipientColumnCount"]]
        flag = self.number(f"{path}.Flag", 1, given.get("flag", 0))
        contents = given.get("values") or [None] * len(columns)
        for number, (column, content) in enumerate(zip(columns, contents, strict=True)):
            kind, place = column & 0xFFFF, f"{path}.Column[{number}]"
            if kind & 0x3000 == 0x3000:
                kind &= ~0x3000
            if flag and kind == 0:
                kind, content = content if isinstance(content, tuple) else (0x0003, content)
                self.number(f"{place}.PropertyType", 2, kind)
            if flag:
                state = 1 if content is ABSENT else 0x0A if isinstance(content, Error) else 0
                self.number(f"{place}.Flag", 1, state)
                if state == 0x0A:
                    self.number(f"{place}.ErrorCode", 4, int(content))
                if state:
                    continue
            self.value(kind, content, f"{place}.Value")
        return None

    def restriction(self, given, path):
        given = given or {"type": 8}
        kind = self.number(f"{path}.RestrictType", 1, given["type"])
        return self.row(layout.RESTRICTION[kind][1], given, f"{path}.", {"RestrictType": kind})
