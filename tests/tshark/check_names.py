"""Holds every run_*.py to what docs/building.md says of their names.

    check_names.py [SCRIPT ...]

A name and a flag that a script does not know end it with one sentence that has them, and with failure; --help says what the
script shows. Names, their words and patterns choose what they should, in the order that there was.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import common

UNKNOWN = "no-such-name"


def called(script, *args):
    done = subprocess.run([sys.executable, script, *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300, check=False)
    return done.returncode, done.stdout.decode("utf-8", "replace")


def script_test(script, counter):
    for word, sentence in ((UNKNOWN, f"is named {UNKNOWN}"), ("--no-such-flag", "--no-such-flag is not known")):
        status, said = called(script, word)
        lines = [line for line in said.splitlines() if not line.startswith(("SKIPPED", "note"))]
        if lines == ["0 passed, 0 failed"] and "SKIPPED" in said:
            continue                 # without ../shared there is no name at all
        counter.check(status == 1 and len(lines) == 1 and lines[0].startswith(f"{script.name}: ") and sentence in lines[0],
                      f"{word}: {status}, {said[-400:]}")
    status, said = called(script, "--help")
    counter.check(status == 0 and script.name in said and "\n\n" in said, f"--help: {status}, {said[-200:]}")


def choice(counter):
    parts = [common.Part(name, None) for name in ("edge legs-joined", "edge legs-three", "least legs-joined", "mapi")]

    def names(*asked):
        return [part.name for part in common.chosen(asked, parts, "part")]
    for asked, expected in (((), "0123"), (("mapi",), "3"), (("legs-joined",), "02"), (("edge",), "01"), (("mapi", "edge legs-three"), "13"),
                            (("*three",), "1"), (("least*", "legs-joined"), "02")):
        counter.equal(names(*asked), [parts[int(number)].name for number in expected], f"{asked}")
    for asked, like in (("legs-joinde", "legs-joined"), ("legs", "there is")):
        try:
            counter.check(False, f"{asked}: {names(asked)}")
        except SystemExit as ended:
            counter.check(asked in str(ended) and like in str(ended), f"{asked}: {ended}")


def main():
    arguments = common.Arguments()
    scripts = sorted(pathlib.Path(__file__).parent.glob("run_*.py"))
    parts = [common.Part(script.stem, lambda counter, script=script: script_test(script, counter)) for script in scripts]
    return common.run_parts(arguments.of([*parts, common.Part("choice", choice)]))


if __name__ == "__main__":
    sys.exit(main())
