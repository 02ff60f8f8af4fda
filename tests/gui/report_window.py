"""Opens Wireshark under Xvfb and looks at Tools > Outlook over HTTP report as its user does.

    report_window.py [--shots FOLDER]

The window opens and shows the report of the file; its first button filters the packet list by the first finding; a second
file that is opened leaves nothing of the first one's text; of more findings than it has numbers each number has its button,
and its filter. Wireshark draws the window by a timer, whether there is a file or not: it outlives the file, and opens where
there is none. What the window shows is read by its button Copy, the filter from what Wireshark writes down of filters when
it ends. --shots keeps pictures of each step.

Needs wireshark, xvfb, xdotool, imagemagick and xclip; without them it says so and passes.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import common
import gui
from common import capfile, wsrun

TITLE = "Outlook over HTTP report"
NUMBERS = 9                          # findings with a number, and buttons
DRAWN = 5                            # seconds: Wireshark draws every 3


# Of the dialogue's buttons, from its right edge: Close, then those that were added, the last one first.
BUTTON_WIDTH, FIRST, BOTTOM = 86, 51, 24


def button(window, report, number):
    """Presses the one that is so many places left of Close."""
    window.click_from_corner(report, FIRST + number * BUTTON_WIDTH, BOTTOM)


def copied(window, report, count, accept):
    """What Copy brings, which stands left of count buttons: once it is accepted, for it comes when it was read."""
    end = time.monotonic() + gui.PATIENCE
    text = ""
    while time.monotonic() < end:
        button(window, report, count + 1)
        time.sleep(0.5)
        text = window.clipboard()
        if accept(text):
            return text
    raise gui.NoGui(f"Copy brings {text[:200]!r}")


def open_file(window, path):
    """By the dialogue of File > Open."""
    to_main(window)
    window.key("ctrl+o")
    dialogue = window.find("Open Capture File")
    time.sleep(1)
    left, top, _, _ = window.place(dialogue)
    window.tool("mousemove", left + 60, top + 60)
    window.focus(dialogue)
    window.shot("open")
    window.type(path)
    window.key("Return")


def to_main(window):
    """Makes the main window the one that has the keys."""
    main = window.find(r"\.pcap|Network Analyzer")
    left, top, width, _ = window.place(main)
    window.click(left + width - 40, top + 8)     # of the menu bar, where no menu is: the page without a file has links
    window.focus(main)


def filters(window):
    """The display filters that Wireshark has written down, the last one first."""
    recent = "".join(path.read_text(encoding="utf-8") for path in window.home.rglob("recent_common"))
    return re.findall(r"^recent\.display_filter: (.*)$", recent, re.MULTILINE)


def leave(window, counter):
    to_main(window)
    window.key("ctrl+q")
    counter.equal(window.wireshark.wait(timeout=gui.PATIENCE), 0, "wireshark's exit status")
    window.close()


def play(window, counter, first, second):
    process = window.start("-n", "-r", first, "-z", "outlook,report")
    report = window.find(TITLE)
    text = copied(window, report, 1, lambda text: "packets" in text and "FAILED" in text)
    window.shot("window")
    counter.check("1  FAILED  1 of 1 RPC over HTTP connection never opened" in re.sub(r"\s*\n\s+", " ", text),
                  f"the window shows {text!r}")
    counter.check("see    rpch.vc == 0" in text and max(map(len, text.splitlines())) <= 72, f"the window shows {text!r}")
    button(window, report, 1)
    time.sleep(2)
    window.shot("filter")
    open_file(window, second)
    text = copied(window, report, 1, lambda text: "healthy" in text)
    window.shot("second")
    counter.check("FAILED" not in text and "44 packets" in text, f"with a second file the window shows {text!r}")
    button(window, report, 1)           # of a finding that this file does not have
    to_main(window)
    window.key("ctrl+w")
    text = copied(window, report, 1, lambda text: "packets" not in text)
    time.sleep(DRAWN)
    window.shot("closed")
    counter.check(text.startswith("No capture file is open") and process.poll() is None,
                  f"without a file the window shows {text!r}, Wireshark ended with {process.poll()}")
    button(window, report, 0)
    time.sleep(1)
    counter.check(not window.windows(TITLE) and process.poll() is None, "Close does not close the window, or more")
    to_main(window)
    window.tool("key", "--delay", "300", "alt+t", "Up", "Return")
    report = window.find(TITLE)
    time.sleep(DRAWN)
    window.shot("none")
    counter.equal(process.poll(), None, "how Wireshark ended when the window was opened without a file")
    button(window, report, 0)
    time.sleep(1)
    leave(window, counter)
    counter.check("rpch.vc == 0" in filters(window), "the button did not filter by rpch.vc == 0")


def many(window, counter, capture):
    """More findings than buttons: nine are numbered, in full, and each has its button, which filters by that finding."""
    told = json.loads(window.output(["-r", capture, "-n", "-q", "-z", "outlook,report,json"]))
    findings = [finding["filter"] for finding in told["findings"]]
    counter.check(len(findings) > NUMBERS and len(set(findings)) == len(findings), f"the capture has {findings}")
    for path in window.home.rglob("recent_common"):
        path.unlink()                   # a filter that is known already would keep its place in it
    window.start("-n", "-r", capture, "-z", "outlook,report")
    report = window.find(TITLE)
    text = copied(window, report, NUMBERS, lambda text: "packets" in text and "FAILED" in text)
    window.shot("many")
    numbers = [int(number) for number in re.findall(r"^(\d+)  (?:FAILED|NOTE)  ", text, re.MULTILINE)]
    counter.equal(numbers, list(range(1, NUMBERS + 1)), f"findings numbered in {text!r}")
    seen = re.findall(r"^  see    (.*(?:\n {9}.*)*)", text, re.MULTILINE)
    counter.equal([re.sub(r"\n +", " ", one) for one in seen], findings[:NUMBERS], "filters in full")
    counter.check(f"more in {len(findings) - NUMBERS} other finding" in text, f"the rest is not counted: {text!r}")
    for number in range(1, NUMBERS + 1):
        button(window, report, NUMBERS + 1 - number)
        time.sleep(1)
    window.shot("filter-9")
    button(window, report, 0)
    leave(window, counter)
    counter.equal(filters(window)[:NUMBERS], findings[NUMBERS - 1::-1], "what the buttons filtered by, the last one first")


def together(tshark):
    """A capture with a dozen findings: of four samples, a minute apart."""
    packets = []
    for minute, name in enumerate(("mapi-verdict-codes", "live-split-lb", "mapi-auth-ntlm-torn", "verdict-fault")):
        capture = capfile.load(common.samples(name, kind="dissection")[0].path)
        start = min(packet.time for packet in capture.packets)
        packets += [capfile.Packet(packet.time - start + (1700000000 + 60 * minute) * 10**9, packet.data, packet.length, packet.link)
                    for packet in capture.packets]
    path = tshark.home / "many.pcapng"
    capfile.save(path, capfile.Capture(packets))
    if tshark.user:
        os.chown(path, wsrun.NOBODY, wsrun.NOBODY)
    return path


def main():
    if gui.missing():
        print(f"SKIPPED: {', '.join(gui.missing())} not installed; the report window was not opened")
        return 0
    counter = common.Counter("report window")
    with gui.Gui(size=(1280, 900), shots=gui.shots(sys.argv)) as window:
        window.prove_loaded()
        try:
            play(window, counter, *(window.give(common.samples(name)[0].path, f"{name}.pcapng") for name in ("live-split-lb", "live-healthy")))
            many(window, counter, together(window))
        except (gui.NoGui, subprocess.TimeoutExpired) as error:
            window.shot("failed")
            counter.check(False, str(error))
    return common.ended(counter)


if __name__ == "__main__":
    sys.exit(main())
