"""Opens Wireshark under Xvfb with two windows of one table, and copies the older one behind the newer.

    two_tables.py

Wireshark keeps pointers to the rows of a table in each of its windows, and has the table filled anew for the next one: what
the older window copies is still what it shows. What was freed is written over (MALLOC_PERTURB_), so that it would differ.

Needs wireshark, xvfb, xdotool, imagemagick and xclip; without them it says so and passes.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import common
import gui

TITLE = "Outlook RPC over HTTP Connections"
SAMPLE, FILTER = "verdict-gone-spread", "rpch.vc == 2"
# Of the buttons, from the window's right and lower edges.
APPLY, COPY = (52, 55), (236, 23)


def rows(text):
    """The first two columns."""
    return [line.split()[:2] for line in text.splitlines() if line[:3].strip().isdecimal()]


def copied(window, table):
    window.focus(table)
    window.click_from_corner(table, *COPY)
    time.sleep(1)
    window.key("Down", "Return")        # the menu's first entry: as CSV or text
    time.sleep(1)
    return window.clipboard()


def play(window, counter, sample, expected):
    table = "rpch,connections"
    process = window.start("-n", "-r", window.give(sample.path), "-z", table, "-z", f"{table},{FILTER}")
    window.find(TITLE, count=2)
    older, newer = window.windows(TITLE)
    time.sleep(5)
    window.tool("windowmove", "--sync", older, 0, 0)
    window.tool("windowmove", "--sync", newer, 600, 400)
    for one in (older, newer):          # at the start one of them may ask while the other one's packets are read
        window.click_from_corner(one, *APPLY)
        time.sleep(5)
    text = copied(window, older) if process.poll() is None else ""
    counter.equal(rows(text), expected, f"what the older window copies: {text}")
    counter.check(process.poll() is None, f"wireshark has ended: {process.poll()}")


def main():
    if gui.missing():
        print(f"SKIPPED: {', '.join(gui.missing())} not installed; no window of a table was opened")
        return 0
    counter = common.Counter("two windows of a table")
    with gui.Gui(MALLOC_PERTURB_="165") as window:
        window.prove_loaded()
        sample = common.samples(SAMPLE, kind=None)[0]
        lines = window.output([*sample.options(window), "-2", "-q", "-z", "rpch,connections"]).splitlines()
        expected = [[cell.strip() for cell in line.split("|")[:2]] for line in lines if line.split("|")[0].strip().isdecimal()]
        try:
            play(window, counter, sample, expected)
        except (gui.NoGui, subprocess.TimeoutExpired) as error:
            counter.check(False, str(error))
    return common.ended(counter)


if __name__ == "__main__":
    sys.exit(main())
