"""Holds README.md and docs/ against what they speak of.

    check_docs.py

README.md has at most 900 words, and CHANGELOG.md begins with the version that is built. Every link and anchor leads somewhere, every picture exists. Each name in `...` that is a
field's is registered, what stands behind -z exists, and each row of the README's table of symptoms finds frames in its samples.
What the README quotes of ./analyze is what it says.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import common
import wsrun
from common import PROJECT

WORDS = 900
README = PROJECT / "README.md"
PREFIXES = "rpch", "outlook", "mapihttp", "emsmdb", "rop", "mapiprop"
# Of stock's, or preferences: in the guides, and no field.
OTHERS = re.compile(r"rpch\.(same_proxy_required|server_ports|\w+_wait)|outlook\.auth_\w+|emsmdb\.(dissect|guess)|.*\.(c|h|py|md|exe|pcapng|zip)")
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^(?:    .*\n?)+", re.M)


def anchors(text):
    """As forges make them of headings."""
    found = []
    for heading in re.findall(r"^#+ (.*)$", text, re.M):
        found.append(re.sub(r"[^\w\- ]", "", heading.lower().replace("`", "")).replace(" ", "-"))
    return found


def check_links(counter, path):
    text = path.read_text(encoding="utf-8")
    for target in LINK.findall(FENCE.sub("\n", text)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        there = path.parent / name if name else path
        if counter.check(there.exists(), f"links to {target}, which does not exist") and anchor and there.suffix == ".md":
            counter.check(anchor in anchors(there.read_text(encoding="utf-8")), f"links to {target}: no such heading")


def check_fields(counter, path, fields):
    """A name, or one with * for several; what follows it is a comparison."""
    text = path.read_text(encoding="utf-8")
    for code in re.findall(r"`([^`\n]+)`", text):
        for name in re.findall(rf"(?<![\w./-])((?:{'|'.join(PREFIXES)})\.[a-z_0-9.]*[a-z_0-9*])", code):
            if OTHERS.fullmatch(name):
                continue
            stem = name.rstrip("*").rstrip(".")
            known = stem in fields or any(field.startswith(stem + ".") for field in fields)
            counter.check(known, f"`{name}` is no field")


def check_symptoms(counter, tshark):
    rows = re.findall(r"^\|([^|]*)\|([^|]*)\|([^|]*)\|$", README.read_text(encoding="utf-8").split("| symptom |", 1)[1].split("\n\n", 1)[0],
                      re.M)
    rows = [row for row in rows if "---" not in row[0] and "sample" not in row[2]]
    counter.check(len(rows) > 5, f"the table of symptoms has {len(rows)} rows")
    for what, filters, names in rows:
        filters, names = re.findall(r"`([^`]+)`", filters), re.findall(r"`([^`]+)`", names)
        for text in filters:
            shown = [name for name in names if tshark.output([*common.samples(name, kind=None)[0].options(tshark), "-Y", text])]
            counter.check(shown, f"{what.strip()}: {text} finds nothing in {names}")
        for name in names:
            sample = common.samples(name, kind=None)[0]
            counter.check(tshark.output([*sample.options(tshark), "-Y", " || ".join(f"({text})" for text in filters)]),
                          f"{what.strip()}: {name} shows none of {filters}")


def check_taps(counter, path, taps):
    for name in re.findall(r"-z (?:\\fB)?([a-z]+,[a-z]+)", path.read_text(encoding="utf-8")):
        counter.check(name in taps, f"-z {name}: tshark has no such table")


def squeezed(text):
    """Without the breaks of lines, which go by the width of a terminal."""
    return " ".join(text.split())


def check_quoted(counter):
    quoted = [block for block in FENCE.findall(README.read_text(encoding="utf-8")) if block.lstrip().startswith("FAILED")]
    if not counter.equal(len(quoted), 1, "blocks of the README that quote ./analyze"):
        return
    said = squeezed(subprocess.run([PROJECT / "analyze"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False).stdout)
    place = 0
    for part in squeezed(quoted[0]).split("..."):
        found = said.find(part.strip(), place)
        if not counter.check(found >= 0, f"./analyze does not say {part.strip()!r}"):
            print(said[:2000])
            return
        place = found + len(part.strip())


def main():
    if sys.argv[1:]:
        sys.exit(__doc__)
    counters = []
    with wsrun.Tshark() as tshark:
        fields = {line.split("\t")[2] for line in tshark.output(["-G", "fields"]).splitlines() if "\t" in line}
        process = tshark.popen(["-z", "help"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        taps = {line.strip().rstrip(",") for line in process.communicate()[0].decode("utf-8", "replace").splitlines()}
        for path in (README, *sorted((PROJECT / "docs").glob("*.md")), *(PROJECT / "docs").glob("*.in"), PROJECT / "profile" / "README.md"):
            counter = common.Counter(str(path.relative_to(PROJECT)))
            counters.append(counter)
            check_links(counter, path)
            if path.name != "filters.md":
                check_fields(counter, path, fields)
            check_taps(counter, path, taps)
        counter = counters[0]
        words = len(README.read_text(encoding="utf-8").split())
        counter.check(words <= WORDS, f"{words} words, {WORDS} at most")
        version = re.search(r"VERSION (\d[\d.]*)\)", (PROJECT / "plugin" / "version.cmake").read_text(encoding="utf-8"))[1]
        newest = re.search(r"^## (\S+?),? ", (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
        counter.check(newest and newest[1] == version, f"CHANGELOG.md begins with {newest and newest[1]}, the version is {version}")
        check_symptoms(counter, tshark)
    check_quoted(counter)
    for counter in counters:
        print("\n".join(counter.failures), end="\n" if counter.failures else "")
    return common.total(counters)


if __name__ == "__main__":
    sys.exit(main())
