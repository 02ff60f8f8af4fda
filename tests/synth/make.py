"""python3 tests/synth/make.py [--check] [--list] [CASE ...]: writes the synthetic samples of test-captures/.

--check writes nothing and says whether the files there are what would be written.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import argparse
import importlib
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True

import scene  # noqa: E402

SAMPLES = HERE.parent.parent / "test-captures"
PARTS = "seg", "pdus", "verdict", "legs", "bad", "foreign", "mapi"


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
    folder = SAMPLES / name
    found = [f"{name}/{file}: not the one that make.py makes" for file, data in files.items()
             if not (folder / file).is_file() or (folder / file).read_bytes() != data]
    extra = {path.name for path in folder.glob("*")} - set(files)
    return found + [f"{name}/{file}: not made by make.py" for file in sorted(extra)]


def missing_pdus():
    """PDUs of MS-RPCH 2.2.4 that no sample shows."""
    names = set()
    for name in scene.CASES:
        expect = json.loads(compose(name)["expect.json"])
        names |= {part for row in expect.get("connections", ()) for pdu in row.get("pdus", ())
                  for part in pdu["name"].split(" or ")}
    return [name for name in sys.modules["pdus"].ALL if name not in names]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("case", nargs="*")
    options = parser.parse_args()
    for part in PARTS:
        if (HERE / f"{part}.py").exists():
            importlib.import_module(part)
    if unknown := set(options.case) - set(scene.CASES):
        raise SystemExit(f"no such case: {', '.join(sorted(unknown))}")
    names = options.case or list(scene.CASES)
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
        folder = SAMPLES / name
        folder.mkdir(parents=True, exist_ok=True)
        for file in folder.iterdir():
            if file.name not in files:
                file.unlink()
        for file, data in files.items():
            (folder / file).write_bytes(data)
    if options.check:
        if not options.case:
            prefixes = tuple(f"{part}-" for part in PARTS)
            stray = sorted(path.name for path in SAMPLES.iterdir()
                           if path.name.startswith(prefixes) and "-live-" not in path.name
                           and path.name not in scene.CASES)
            failed += len(stray)
            print("".join(f"{name}: no such case\n" for name in stray), end="")
            missing = missing_pdus()
            failed += bool(missing)
            print(f"in no sample: {', '.join(missing)}\n" if missing else "", end="")
        print(f"{len(names) - min(failed, len(names))} passed, {failed} failed")
        sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
