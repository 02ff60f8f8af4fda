"""Writes docs/filters.md: every field of the plugin with its type and meaning, as tshark -G fields gives them.

    filters.py [--check]

--check writes nothing and fails where the file is not what it would write.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import difflib
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import wsrun

DOCUMENT = wsrun.PROJECT / "docs" / "filters.md"
VERDICTS = wsrun.PROJECT / "docs" / "verdicts.md"

# In this order, with what one must know of each.
PROTOCOLS = {
    "outlook": "What both protocols have: verdicts, logons, and the headers of Exchange and of devices.",
    "rpch": "RPC over HTTP: channels, virtual connections and their RTS PDUs. Fields of the state (`rpch.vc.*`) say what this and earlier "
            "frames gave, and never what a later one will.",
    "mapihttp": "MAPI over HTTP: the envelope, sessions, and the bodies of each request type.",
    "emsmdb": "Calls of EMSMDB and AsyncEMSMDB, and what MAPI/HTTP shares with them: the extended buffer (`emsmdb.ext.*`) and auxiliary blocks "
              "(`emsmdb.aux.*`). Names are those of MS-OXCRPC.",
    "rop": "Remote operations. Names are those of MS-OXCROPS, FastTransfer's (`rop.fx.*`) those of MS-OXCFXICS.",
    "mapiprop": "Properties, wherever they are sent: values, restrictions, rules, entry IDs.",
}
TYPES = {
    "FT_NONE": "label", "FT_PROTOCOL": "protocol", "FT_BOOLEAN": "boolean", "FT_STRING": "text", "FT_STRINGZ": "text",
    "FT_BYTES": "bytes", "FT_GUID": "GUID", "FT_FRAMENUM": "frame number", "FT_RELATIVE_TIME": "time span",
    "FT_ABSOLUTE_TIME": "date and time", "FT_IPv4": "IPv4 address", "FT_IPv6": "IPv6 address", "FT_FLOAT": "floating point, 32 bits",
    "FT_DOUBLE": "floating point, 64 bits",
}


def kind(name):
    """A type in words."""
    match = re.fullmatch(r"FT_(U?)INT(\d+)", name)
    if match:
        return f"{'' if match[1] else 'signed '}integer, {match[2]} bits"
    return TYPES.get(name, name.removeprefix("FT_").lower())


def registered(tshark):
    """{protocol: {filter: (types, meanings)}} and {protocol: its name}."""
    fields, names = {name: {} for name in PROTOCOLS}, {}
    for line in tshark.output(["-G", "fields"]).splitlines():
        row = line.split("\t")
        if row[0] == "P" and row[2] in PROTOCOLS:
            names[row[2]] = row[1]
        if row[0] != "F" or row[4] not in PROTOCOLS:
            continue
        label, blurb = row[1], row[7].strip() if len(row) > 7 else ""
        meaning = label if not blurb or blurb.lower() == label.lower() else f"{label}. {blurb}"
        types, meanings = fields[row[4]].setdefault(row[2], ([], []))
        for value, values in ((kind(row[3]), types), (meaning, meanings)):
            if value not in values:
                values.append(value)
    return fields, names


def cell(values):
    return "; ".join(values).replace("|", "\\|")


def document(tshark):
    fields, names = registered(tshark)
    verdicts = re.findall(r"^## (\S+)$", VERDICTS.read_text(encoding="utf-8"), re.M)
    count = sum(map(len, fields.values()))
    lines = ["# Filters", "",
             f"All {count} fields of the plugin, with type and meaning, written by `python3 tools/filters.py` from what the plugin registers; "
             "`./check` compares. What to filter for first is in [user-guide.md](user-guide.md), verdicts are explained in "
             "[verdicts.md](verdicts.md).", "",
             "A *label* has no value: `rpch.channel.refused` finds the frames that have it. Text is compared with `==`, searched with `contains` "
             "and `matches`; a time span is in seconds (`mapihttp.time > 2`). A field that stands several times in a frame matches where one of "
             "them does.", "",
             "| protocol | fields |", "|---|---|"]
    lines += [f"| [`{name}`](#{name}) {names.get(name, '')} | {len(fields[name])} |" for name in PROTOCOLS]
    for name, about in PROTOCOLS.items():
        lines += ["", f"## {name}", "", about, "", "| filter | type | meaning |", "|---|---|---|"]
        for field, (types, meanings) in sorted(fields[name].items()):
            meaning = cell(meanings)
            if field in verdicts:
                meaning += f" ([verdict](verdicts.md#{re.sub(r'[^a-z0-9_-]', '', field)}))"
            lines.append(f"| `{field}` | {cell(types)} | {meaning} |")
    return "\n".join(lines) + "\n"


def main():
    if sys.argv[1:] not in ([], ["--check"]):
        sys.exit(__doc__)
    with wsrun.Tshark() as tshark:
        tshark.prove_loaded()
        text = document(tshark)
    if not sys.argv[1:]:
        DOCUMENT.write_text(text, encoding="utf-8")
        return 0
    there = DOCUMENT.read_text(encoding="utf-8") if DOCUMENT.exists() else ""
    sys.stdout.writelines(list(difflib.unified_diff(there.splitlines(keepends=True), text.splitlines(keepends=True),
                                                    "docs/filters.md", "tshark -G fields"))[:60])
    print("1 passed, 0 failed" if there == text else "0 passed, 1 failed")
    return there != text


if __name__ == "__main__":
    sys.exit(main())
