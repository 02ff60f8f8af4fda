#!/usr/bin/env python3
"""Counts what plugin/core and plugin/ws hold: tokens, and functions by complexity and lines.

    size.py [--base REVISION] [--most N]

Tokens are words, numbers, texts and signs (each character of an operator); comments and layout do not count, lines of
the preprocessor do. With --base the same of a revision of the repository, and the ratio. Functions
of more than 20 (pmccabe's first number) or of more than 100 lines are listed: --most N of each.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

PROJECT = pathlib.Path(__file__).resolve().parent.parent
PARTS = ("plugin/core", "plugin/ws")
COMPLEX, LONG = 20, 100
TOKEN = re.compile(r"""
    (?P<comment> /\*.*?\*/ | //[^\n]* )
  | (?P<token> (?:u8|[uUL])?"(?:\\.|[^"\\\n])*" | (?:[uUL])?'(?:\\.|[^'\\\n])*'
             | [A-Za-z_]\w* | \.?\d(?:[eEpP][+-]|[\w.])*
             | [^\s\\] )
""", re.DOTALL | re.VERBOSE)


def tokens(text):
    return sum(1 for match in TOKEN.finditer(text) if match["token"])


def sources(folder):
    return sorted(path for part in PARTS for path in (folder / part).rglob("*.[ch]"))


def total(folder):
    """{part: tokens}"""
    return {part: sum(tokens(path.read_text(encoding="utf-8")) for path in sorted((folder / part).rglob("*.[ch]")))
            for part in PARTS}


def functions(folder):
    """(complexity, lines, file, name) of each function, as pmccabe counts."""
    files = [str(path.relative_to(folder)) for path in sources(folder) if path.suffix == ".c"]
    text = subprocess.run(["pmccabe", *files], cwd=folder, check=True, stdout=subprocess.PIPE, text=True).stdout
    for line in text.splitlines():
        row = line.split("\t")
        name = row[5].rpartition(": ")
        yield int(row[0]), int(row[4]), re.sub(r"\(\d+\)$", "", name[0]), name[2]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base")
    parser.add_argument("--most", type=int, default=20)
    options = parser.parse_args()
    now = total(PROJECT)
    print("tokens:", ", ".join(f"{part} {count:,}" for part, count in now.items()), f"together {sum(now.values()):,}")
    if options.base:
        with tempfile.TemporaryDirectory() as folder:
            archive = subprocess.run(["git", "archive", options.base, *PARTS], cwd=PROJECT, check=True, stdout=subprocess.PIPE)
            subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)
            before = sum(total(pathlib.Path(folder)).values())
        print(f"{options.base}: {before:,}; now {sum(now.values()) / before:.3f} of that")
    try:
        rows = list(functions(PROJECT))
    except FileNotFoundError:
        print("no pmccabe: functions are not counted")
        return 0
    for what, limit, column in (("complexity", COMPLEX, 0), ("lines", LONG, 1)):
        over = sorted((row for row in rows if row[column] > limit), key=lambda row: -row[column])
        print(f"{len(over)} of {len(rows)} functions above {limit} {what}")
        for row in over[:options.most]:
            print(f"{row[column]:6} {row[3]} ({row[2]})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
