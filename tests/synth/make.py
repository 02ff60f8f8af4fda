"""python3 tests/synth/make.py [--check] [--list] [--arrange] [CASE ...]: writes the synthetic samples of test-captures/, puts
each sample, live ones too, into the folder of its family, and writes the index of all, test-captures/INDEX.md.

--check writes nothing and says whether the files there are what would be written. --arrange writes no sample.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import argparse
import collections
import importlib
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "lib"))
sys.dont_write_bytecode = True

import places  # noqa: E402
import scene  # noqa: E402

INDEX = places.SAMPLES / "INDEX.md"
PARTS = "seg", "pdus", "verdict", "quiet", "legs", "bad", "foreign", "mapi", "told", "answers", "tokens", "closed", "sides", "several", "rops", \
    "ropcontext", "emsmdb"


def compose(name):
    title, function = scene.CASES[name]
    cap = getattr(function, "capture", scene.Capture)(name, title)
    function(cap)
    if not cap.what:
        raise SystemExit(f"{name}: says nothing about itself")
    files = cap.files()
    if max(map(len, files.values())) > cap.largest:
        raise SystemExit(f"{name}: larger than {cap.largest} bytes")
    return files


def differences(name, files):
    folder = places.folder(name)
    found = [f"{name}/{file}: not the one that make.py makes" for file, data in files.items()
             if not (folder / file).is_file() or (folder / file).read_bytes() != data]
    extra = {path.name for path in folder.glob("*")} - set(files)
    return found + [f"{name}/{file}: not made by make.py" for file in sorted(extra)]


def arrange():
    """Moves each sample into the folder of its family."""
    for folder in places.folders():
        place = places.folder(folder.name)
        if folder != place:
            if place.exists():
                raise SystemExit(f"two samples are called {folder.name}")
            place.parent.mkdir(parents=True, exist_ok=True)
            folder.rename(place)


def index():
    """What each sample shows and which verdicts it expects, from its own files."""
    lines = ["# Samples", "", "Written by `python3 tests/synth/make.py`, from each sample's `README.md` and `expect.json`. A sample is found "
             "in the folder of its family.", "Verdicts: what is expected, with how many times if more than once; - where nothing is.", ""]
    known = None
    for folder in sorted(places.folders(), key=lambda path: (places.family(path.name), path.name)):
        family = places.family(folder.name)
        if family != known:
            lines += [f"## {family}", "", "| sample | shows | verdicts |", "|---|---|---|"]
            known = family
        expect = json.loads((folder / "expect.json").read_text(encoding="utf-8"))
        title = (folder / "README.md").read_text(encoding="utf-8").split("\n", 1)[0].removeprefix("# ")
        counts = collections.Counter(f"{item['item']} ({item['severity']})" for item in expect.get("items", expect.get("verdicts", ())))
        verdicts = ", ".join(f"{name} x {count}" if count > 1 else name for name, count in sorted(counts.items()))
        shows = title.removeprefix(f"{folder.name}: ").replace("|", "\\|")
        lines.append(f"| [{folder.name}]({family}/{folder.name}/README.md) | {shows} | {verdicts or '-'} |")
    text = "\n".join(lines) + "\n"
    return text.replace("\n## ", "\n\n## ").replace("\n\n\n", "\n\n")


def missing_pdus():
    """PDUs of MS-RPCH 2.2.4 that no sample shows."""
    names = set()
    for name in scene.CASES:
        expect = json.loads(compose(name).get("expect.json", "{}"))
        names |= {part for row in expect.get("connections", ()) for pdu in row.get("pdus", ())
                  for part in pdu["name"].split(" or ")}
    return [name for name in sys.modules["pdus"].ALL if name not in names]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--arrange", action="store_true")
    parser.add_argument("case", nargs="*")
    options = parser.parse_args()
    for part in PARTS:
        if (HERE / f"{part}.py").exists():
            importlib.import_module(part)
    if unknown := set(options.case) - set(scene.CASES):
        raise SystemExit(f"no such case: {', '.join(sorted(unknown))}")
    if not options.check and not options.list:
        arrange()
    names = [] if options.arrange else options.case or list(scene.CASES)
    failed = 0
    for name in names:
        if options.list:
            print(f"{name:28} {scene.CASES[name][0]}")
            continue
        files = compose(name)
        if options.check:
            wrong = differences(name, files)
            failed += bool(wrong)
            print("\n".join(wrong), end="\n" if wrong else "")
            continue
        folder = places.folder(name)
        folder.mkdir(parents=True, exist_ok=True)
        for file in folder.iterdir():
            if file.name not in files:
                file.unlink()
        for file, data in files.items():
            (folder / file).write_bytes(data)
    if options.check:
        if not options.case:
            prefixes = tuple(f"{part}-" for part in PARTS)
            stray = sorted(path.name for path in places.folders()
                           if path.name.startswith(prefixes) and places.family(path.name) != places.CASES and "-live-" not in path.name
                           and path.name not in scene.CASES)
            stray += [str(path.relative_to(places.SAMPLES)) for path in places.folders() if path != places.folder(path.name)]
            failed += len(stray)
            print("".join(f"{name}: no such case\n" for name in stray), end="")
            if not INDEX.is_file() or INDEX.read_text(encoding="utf-8") != index():
                failed += 1
                print("INDEX.md: not the one that make.py makes")
            missing = missing_pdus()
            failed += bool(missing)
            print(f"in no sample: {', '.join(missing)}\n" if missing else "", end="")
        print(f"{len(names) - min(failed, len(names))} passed, {failed} failed")
        sys.exit(1 if failed else 0)
    if not options.list:
        INDEX.write_text(index(), encoding="utf-8")


if __name__ == "__main__":
    main()
