"""Opens Wireshark under Xvfb and looks at Tools > Outlook over HTTP report as its user does.

    report_window.py [--shots FOLDER]

The window opens and shows the report of the file; its first button filters the packet list by the first finding; a second
file that is opened leaves nothing of the first one's text; of more findings than it has numbers each number has its button,
and its filter. Wireshark draws the window by a timer, whether there is a file or not: it outlives the file, and opens where
there is none. What the window shows is read by its button Copy, the filter from what Wireshark writes down of filters when
it ends. --shots keeps pictures of each step.

Needs wireshark, xvfb, xdotool and xclip; without them it says so and passes.

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
from common import capfile, wsrun
from screen import PATIENCE, Gone, Screen, missing, start, stop

TITLE = "Outlook over HTTP report"
NUMBERS = 9                          # findings with a number, and buttons
DRAWN = 5                            # seconds: Wireshark draws every 3


# Of the dialogue's buttons, from its right edge: Close, then those that were added, the last one first.
BUTTON_WIDTH, FIRST, BOTTOM = 86, 51, 24


def button(screen, window, number):
    """Presses the one that is so many places left of Close."""
    screen.click(window, FIRST + number * BUTTON_WIDTH, BOTTOM)


def copied(screen, window, count, accept):
    """What Copy brings, which stands left of count buttons: once it is accepted, for it comes when it was read."""
    end = time.monotonic() + PATIENCE
    text = ""
    while time.monotonic() < end:
        button(screen, window, count + 1)
        time.sleep(0.5)
        text = screen.clipboard()
        if accept(text):
            return text
    raise Gone(f"Copy brings {text[:200]!r}")


def open_file(screen, path):
    """By the dialogue of File > Open."""
    to_main(screen)
    screen.tool("key", "ctrl+o")
    window = screen.wait("Open Capture File")
    time.sleep(1)
    place = screen.place(window)
    screen.tool("mousemove", int(place["X"]) + 60, int(place["Y"]) + 60)
    screen.focus(window)
    screen.shot("open")
    screen.tool("type", "--delay", "20", str(path))
    screen.tool("key", "Return")


def to_main(screen):
    """Makes the main window the one that has the keys; what it is."""
    main = screen.wait(r"\.pcap|Network Analyzer")
    place = screen.place(main)
    screen.tool("mousemove", int(place["X"]) + 200, int(place["Y"]) + 150)
    screen.tool("click", 1)
    screen.focus(main)
    return main


def filters(tshark):
    """The display filters that Wireshark has written down, the last one first."""
    recent = "".join(path.read_text(encoding="utf-8") for path in tshark.home.rglob("recent_common"))
    return re.findall(r"^recent\.display_filter: (.*)$", recent, re.MULTILINE)


def leave(screen, process, counter):
    to_main(screen)
    screen.tool("key", "ctrl+q")
    counter.equal(process.wait(timeout=PATIENCE), 0, "wireshark's exit status")


def play(tshark, screen, counter, first, second):
    process = start(tshark, screen, ["-n", "-r", first, "-z", "outlook,report"])
    try:
        window = screen.wait(TITLE)
        text = copied(screen, window, 1, lambda text: "packets" in text and "FAILED" in text)
        screen.shot("window")
        counter.check("1  FAILED  1 of 1 RPC over HTTP connection never opened" in re.sub(r"\s*\n\s+", " ", text),
                      f"the window shows {text!r}")
        counter.check("see    rpch.vc == 0" in text and max(map(len, text.splitlines())) <= 72, f"the window shows {text!r}")
        button(screen, window, 1)
        time.sleep(2)
        screen.shot("filter")
        open_file(screen, second)
        text = copied(screen, window, 1, lambda text: "healthy" in text)
        screen.shot("second")
        counter.check("FAILED" not in text and "44 packets" in text, f"with a second file the window shows {text!r}")
        button(screen, window, 1)       # of a finding that this file does not have
        to_main(screen)
        screen.tool("key", "ctrl+w")
        text = copied(screen, window, 1, lambda text: "packets" not in text)
        time.sleep(DRAWN)
        screen.shot("closed")
        counter.check(text.startswith("No capture file is open") and process.poll() is None,
                      f"without a file the window shows {text!r}, Wireshark ended with {process.poll()}")
        button(screen, window, 0)
        time.sleep(1)
        counter.check(not screen.windows(TITLE) and process.poll() is None, "Close does not close the window, or more")
        to_main(screen)
        screen.tool("key", "--delay", "300", "alt+t", "Up", "Return")
        window = screen.wait(TITLE)
        time.sleep(DRAWN)
        screen.shot("none")
        counter.equal(process.poll(), None, "how Wireshark ended when the window was opened without a file")
        button(screen, window, 0)
        time.sleep(1)
        leave(screen, process, counter)
    finally:
        stop(process)
    counter.check("rpch.vc == 0" in filters(tshark), "the button did not filter by rpch.vc == 0")


def many(tshark, screen, counter, capture):
    """More findings than buttons: nine are numbered, in full, and each has its button, which filters by that finding."""
    report = json.loads(tshark.output(["-r", capture, "-n", "-q", "-z", "outlook,report,json"]))
    findings = [finding["filter"] for finding in report["findings"]]
    counter.check(len(findings) > NUMBERS and len(set(findings)) == len(findings), f"the capture has {findings}")
    for path in tshark.home.rglob("recent_common"):
        path.unlink()                   # a filter that is known already would keep its place in it
    process = start(tshark, screen, ["-n", "-r", capture, "-z", "outlook,report"])
    try:
        window = screen.wait(TITLE)
        text = copied(screen, window, NUMBERS, lambda text: "packets" in text and "FAILED" in text)
        screen.shot("many")
        numbers = [int(number) for number in re.findall(r"^(\d+)  (?:FAILED|NOTE)  ", text, re.MULTILINE)]
        counter.equal(numbers, list(range(1, NUMBERS + 1)), f"findings numbered in {text!r}")
        seen = re.findall(r"^  see    (.*(?:\n {9}.*)*)", text, re.MULTILINE)
        counter.equal([re.sub(r"\n +", " ", one) for one in seen], findings[:NUMBERS], "filters in full")
        counter.check(f"more in {len(findings) - NUMBERS} other finding" in text, f"the rest is not counted: {text!r}")
        for number in range(1, NUMBERS + 1):
            button(screen, window, NUMBERS + 1 - number)
            time.sleep(1)
        screen.shot("filter-9")
        button(screen, window, 0)
        leave(screen, process, counter)
    finally:
        stop(process)
    counter.equal(filters(tshark)[:NUMBERS], findings[NUMBERS - 1::-1], "what the buttons filtered by, the last one first")


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
    if missing():
        print(f"SKIPPED: {', '.join(missing())} not installed; the report window was not opened")
        return 0
    folder = pathlib.Path(sys.argv[2]) if sys.argv[1:2] == ["--shots"] else None
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    counter = common.Counter("report window")
    with wsrun.Tshark() as tshark:
        tshark.prove_loaded()
        files = []
        for name in ("live-split-lb", "live-healthy"):
            copy = tshark.private_copy(common.samples(name)[0].path)
            files.append(copy.rename(copy.with_name(f"{name}.pcapng")))
        screen = Screen(folder)
        try:
            play(tshark, screen, counter, *files)
            many(tshark, screen, counter, together(tshark))
        except (Gone, subprocess.TimeoutExpired) as error:
            screen.shot("failed")
            counter.check(False, str(error))
        finally:
            screen.end()
    return common.ended(counter)


if __name__ == "__main__":
    sys.exit(main())
