"""Opens Wireshark under Xvfb with two windows of one table, and copies the older one behind the newer.

    two_tables.py

Wireshark keeps pointers to the rows of a table in each of its windows, and has the table filled anew for the next one: what
the older window copies is still what it shows. What was freed is written over (MALLOC_PERTURB_), so that it would differ.

Needs wireshark, xvfb, xdotool and xclip; without them it says so and passes.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import common
from common import wsrun
from screen import PATIENCE, Gone, Screen, missing, start, stop

TITLE = "RPC over HTTP Connections"
SAMPLE, FILTER = "verdict-gone-spread", "rpch.vc == 2"
# Of the buttons, from the window's right and lower edges.
APPLY, COPY = (52, 55), (236, 23)


def rows(text):
    """The first two columns."""
    return [line.split()[:2] for line in text.splitlines() if line[:3].strip().isdecimal()]


def copied(screen, window):
    screen.focus(window)
    screen.click(window, *COPY)
    time.sleep(1)
    screen.tool("key", "Down")          # the menu's first entry: as CSV or text
    screen.tool("key", "Return")
    time.sleep(1)
    return screen.clipboard()


def both(screen):
    end = time.monotonic() + PATIENCE
    while len(found := screen.windows(TITLE)) < 2:
        if time.monotonic() > end:
            raise Gone(f"{len(found)} windows {TITLE!r}")
        time.sleep(0.5)
    return found[:2]


def play(tshark, screen, counter, capture, expected):
    table = "rpch,connections"
    process = start(tshark, screen, ["-n", "-r", capture, "-z", table, "-z", f"{table},{FILTER}"])
    try:
        older, newer = both(screen)
        time.sleep(5)
        screen.tool("windowmove", "--sync", older, 0, 0)
        screen.tool("windowmove", "--sync", newer, 600, 400)
        for window in (older, newer):   # at the start one of them may ask while the other one's packets are read
            screen.click(window, *APPLY)
            time.sleep(5)
        text = copied(screen, older) if process.poll() is None else ""
        counter.equal(rows(text), expected, f"what the older window copies: {text}")
        counter.check(process.poll() is None, f"wireshark has ended: {process.poll()}")
    finally:
        stop(process)


def main():
    if missing():
        print(f"SKIPPED: {', '.join(missing())} not installed; no window of a table was opened")
        return 0
    counter = common.Counter("two windows of a table")
    with wsrun.Tshark() as tshark:
        tshark.prove_loaded()
        sample = common.samples(SAMPLE, kind=None)[0]
        lines = tshark.output([*sample.options(tshark), "-2", "-q", "-z", "rpch,connections"]).splitlines()
        expected = [[cell.strip() for cell in line.split("|")[:2]] for line in lines if line.split("|")[0].strip().isdecimal()]
        screen = Screen(MALLOC_PERTURB_="165")
        try:
            play(tshark, screen, counter, tshark.private_copy(sample.path), expected)
        except (Gone, subprocess.TimeoutExpired) as error:
            counter.check(False, str(error))
        finally:
            screen.end()
    return common.ended(counter)


if __name__ == "__main__":
    sys.exit(main())
