"""Holds docs/verdicts.md against the table of verdicts, and shows each sample that it names.

    check_verdicts.py [--table] [--self-test]

A section a verdict, in the order of plugin/core/judge/verdicts.c: its heading is the filter, its first line says severity,
PRESENCE or ABSENCE and once of what as the table does, and the parts of PARTS follow. Each sample below **Sample.** exists
and shows that verdict in tshark; docs/user-guide.md names it. --table leaves samples and the guide out and needs no tshark.
--self-test breaks document and table in each way that must be found, and says whether it was.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import concurrent.futures
import pathlib
import re
import sys

PROJECT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = PROJECT / "docs" / "verdicts.md"
GUIDE = PROJECT / "docs" / "user-guide.md"
TABLE = PROJECT / "plugin" / "core" / "judge" / "verdicts.c"
PARTS = "Means", "Evidence", "Silent", "Whose", "Next", "Sample"
PROOF = {"PRESENCE": "Proved by what was seen (PRESENCE)", "ABSENCE": "Rests on what did not come (ABSENCE)"}
ONCE = {"ALWAYS": "Each time", "ONCE_A_LEG": "Once for each attempt on a leg", "ONCE_A_CHANNEL": "Once a channel",
        "ONCE_A_CONNECTION": "Once a TCP connection", "ONCE_A_REQUEST": "Once a request", "ONCE_A_RESPONSE": "Once a response",
        "ONCE_AN_ACCOUNT": "Once an account", "ONCE_A_CLIENT": "Once a client", "ONCE_A_HOST": "Once a host"}
ROW = re.compile(r'ROW\(V_\w+,\s*"([\w.]+)",\s*"[^"]*",\s*V_(\w+),\s*GROUP_\w+,\s*(\w+),\s*(\w+)\s*\)')


def table_of(source):
    """[(filter, the first line of its section)], in order."""
    return [(name, f"*{severity.capitalize()}. {PROOF.get(proof, proof)}. {ONCE.get(once, once)}.*")
            for name, severity, proof, once in ROW.findall(source)]


class Section:
    def __init__(self, text):
        heading, _, rest = text.partition("\n")
        self.name = heading.removeprefix("## ").strip()
        first, _, self.body = rest.strip("\n").partition("\n")
        self.first = first.strip()

    @property
    def parts(self):
        """[(name, text)], in order."""
        return [(name, " ".join(text.split())) for name, text in
                re.findall(r"^- \*\*(\w+)\.\*\*(.*?)(?=^- |\Z)", self.body, re.M | re.S)]

    @property
    def samples(self):
        return re.findall(r"`([\w-]+)`", dict(self.parts).get("Sample", ""))


def sections_of(document):
    """What stands below each heading of the second level, up to the next heading."""
    return [Section(text) for text in re.split(r"^(?=##? )", document, flags=re.M) if text.startswith("## ")]


def check_table(source, document):
    """[(whether it holds, what does not)]"""
    table, sections = table_of(source), sections_of(document)
    names, kinds = [section.name for section in sections], len(re.findall(r"^ *ROW\(V_", source, re.M))
    checks = [(kinds == len(table) > 0, f"{len(table)} of the table's {kinds} rows were read"),
              (names == [name for name, _ in table],
               f"no section, or not in the order of the table: {[name for name, _ in table if name not in names]}; "
               f"sections without a verdict: {[name for name in names if name not in dict(table)]}")]
    first = dict(table)
    for section in sections:
        wanted = first.get(section.name, section.first)
        checks.append((section.first == wanted, f"{section.name}: its first line is {section.first!r}, the table's {wanted!r}"))
        parts = section.parts
        checks.append(([name for name, _ in parts] == list(PARTS) and all(text for _, text in parts),
                       f"{section.name}: its parts are {[name for name, _ in parts]}"))
        checks.append((section.samples, f"{section.name}: no sample"))
    return checks


def check_samples(document, known, shown):
    """known: names of samples; shown: which verdicts each shows."""
    checks = []
    for section in sections_of(document):
        for sample in section.samples:
            if sample not in known:
                checks.append((False, f"{section.name}: there is no sample {sample}"))
            else:
                checks.append((section.name in shown[sample], f"{section.name}: {sample} shows {sorted(shown[sample])}"))
    return checks


def check_guide(source, guide):
    return [(f"`{name}`" in guide, f"{name}: not in docs/user-guide.md") for name, *_ in ROW.findall(source)]


def run_samples(document):
    sys.path.insert(0, str(PROJECT / "tests" / "lib"))
    import common
    import wsrun
    known = {sample.name: sample for sample in common.samples(kind=None)}
    named = sorted({sample for section in sections_of(document) for sample in section.samples} & set(known))
    with wsrun.Tshark() as tshark:
        def verdicts(name):
            text = tshark.output([*known[name].options(tshark), "-Y", "outlook.verdict", "-T", "fields", "-e", "outlook.verdict"])
            return set(re.split(r"[,\s]+", text)) - {""}
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            shown = dict(zip(named, pool.map(verdicts, named)))
    return check_samples(document, known, shown)


def self_test(source, document):
    """Each fault is found: [(whether it was, which was not)]"""
    table, sections = table_of(source), sections_of(document)
    name, first = table[3]
    shown = {sample: {other.name for other in sections if sample in other.samples}
             for section in sections for sample in section.samples}

    def failures(source, document, known=shown):
        return [text for good, text in check_table(source, document) + check_samples(document, known, shown) if not good]

    def of(name):
        """The text of its section."""
        return next(text for text in re.split(r"^(?=##? )", document, flags=re.M) if text.startswith(f"## {name}\n"))

    sample = next(section for section in sections if section.name == name).samples[0]
    stranger = next(other for other in shown if name not in shown[other])
    row = re.search(ROW.pattern.replace(r'"([\w.]+)"', f'"({re.escape(name)})"'), source)[0]
    faults = {
        "a verdict without a section": (source, document.replace(of(name), "")),
        "a section without a verdict": (source, document + f"\n{of(name)}".replace(name, "rpch.no.such.verdict")),
        "a section twice": (source, document.replace(of(name), of(name) * 2)),
        "two sections in another order": (source, document.replace(of(name), "").replace("## ", of(name) + "## ", 1)),
        "a row more": (source.replace(row, f"{row},\n{row.replace(name, 'rpch.new')}"), document),
        "a row that cannot be read": (source.replace(row, row.replace("GROUP_", "OTHER_")), document),
        "another filter": (source.replace(f'"{name}"', f'"{name}d"'), document),
        "another sample": (source, document.replace(of(name), of(name).replace(f"`{sample}`", f"`{stranger}`"))),
        "a sample that is not there": (source, document.replace(of(name), of(name).replace(f"`{sample}`", "`no-such-sample`"))),
        "no sample": (source, document.replace(of(name), of(name).replace(f"`{sample}`", "none"))),
    }
    for part in PARTS:
        faults[f"no {part}"] = source, document.replace(of(name), of(name).replace(f"**{part}.**", "**Other.**"))
    for words in (*PROOF.values(), *ONCE.values(), "Chat", "Note", "Warning", "Error"):
        for other in (*PROOF.values(),) if words in PROOF.values() else (*ONCE.values(),) if words in ONCE.values() else (
                "Chat", "Note", "Warning", "Error"):
            if other != words and words in first:
                faults[f"{words}: {other}"] = source, document.replace(of(name), of(name).replace(words, other, 1))
    checks = [(not failures(source, document), f"without a fault: {failures(source, document)}")]
    checks += [((changed, text) != (source, document) and failures(changed, text), f"not found: {what}")
               for what, (changed, text) in faults.items()]
    # Each column of each row.
    for match in ROW.finditer(source):
        severity, proof, once = match[2], match[3], match[4]
        others = {"severity": match[0].replace(f" V_{severity},", " V_CHAT," if severity != "CHAT" else " V_ERROR,"),
                  "proof": match[0].replace(f"{proof},", "ABSENCE," if proof == "PRESENCE" else "PRESENCE,"),
                  "once": re.sub(rf"{once}(\s*\))", r"ONCE_A_SIDE\1" if once == "ALWAYS" else r"ALWAYS\1", match[0])}
        for column, row in others.items():
            changed = source[:match.start()] + row + source[match.end():]
            checks.append((changed != source and failures(changed, document), f"not found: {match[1]}, another {column}"))
    return checks


def main():
    args = sys.argv[1:]
    if set(args) - {"--table", "--self-test"}:
        sys.exit(__doc__)
    source, document = TABLE.read_text(encoding="utf-8"), DOCUMENT.read_text(encoding="utf-8")
    if "--self-test" in args:
        checks = self_test(source, document)
    else:
        checks = check_table(source, document)
        if "--table" not in args:
            checks += check_guide(source, GUIDE.read_text(encoding="utf-8")) + run_samples(document)
    failed = [text for good, text in checks if not good]
    print("\n".join(failed + [f"{len(checks) - len(failed)} passed, {len(failed)} failed"]))
    return len(failed) != 0 or not checks


if __name__ == "__main__":
    sys.exit(main())
