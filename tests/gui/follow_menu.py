"""Opens Wireshark under Xvfb and follows a virtual connection and a session from the menu of a packet.

    follow_menu.py [--shots FOLDER]

The menu Follow offers a protocol where Wireshark lists it for the packet; what the plugin shows it adds itself, so each
packet that is tried here is one that no dissector of the plugin was called for by name: the FIN that a verdict stands on,
and a response of MAPI/HTTP. The window must have the bytes of both halves, as tshark -z follow gives them.

The menu of 4.0 is fixed: there this says so and passes. Needs wireshark, xvfb, xdotool, imagemagick and xclip.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import pathlib
import re
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import common
import gui

# Sample, its frames that are listed, follower, which entry of the menu it is there, its filter.
FOLLOWED = (("live-split-lb", "outlook.verdict == \"rpch.routing.backend_mismatch\"", "rpch", 1, "rpch.vc == 0 and rpch.vc.leg == 1"),
            ("mapi-http-pending", "mapihttp.response_code == 0", "mapihttp", 2, "mapihttp.session == 0"))
SHORT = {"rpch": "RPCH", "mapihttp": "MAPI/HTTP"}
FOLLOW_FROM_BELOW = 5                # its place in the menu of a packet
ROW = (300, 110)                     # of the first packet


def carried(tshark, capture, protocol):
    """What tshark says the first leg carried, which a device passes on as it is: as the window writes it, but for blanks
    and line ends."""
    out = tshark.output(["-r", capture, "-2", "-q", "-z", f"follow,{protocol},raw,0"])
    data = b"".join(bytes.fromhex(line.strip()) for line in out.splitlines() if re.fullmatch(r"\t?(?:[0-9a-f]{2})+", line))
    return "".join(chr(byte) if 32 < byte < 127 else "." for byte in data if byte not in b" \t\r\n")


def copied(window, seconds=30):
    """All that the window in front has, once it comes."""
    end, text = time.monotonic() + seconds, ""
    while time.monotonic() < end and not text:
        window.key("ctrl+a", "ctrl+c")
        time.sleep(0.5)
        text = window.clipboard()
    return text


def follow(counter, window, sample, frames, protocol, entry, text):
    capture = common.samples(sample, kind=None)[0].path
    window.open(capture, "-Y", frames)
    expected = carried(window, window.home / capture.name, protocol)
    counter.check(len(expected) > 150, f"tshark follows {expected!r}")
    window.click(*ROW)
    time.sleep(0.5)
    window.click(*ROW, 3)
    time.sleep(1)
    window.key(*["Up"] * FOLLOW_FROM_BELOW, "Right", *["Down"] * (entry - 1))
    window.shot(f"follow-{protocol}-menu")
    window.key("Return")
    found = window.find(re.escape(f"Follow {SHORT[protocol]} Stream ({text})"), 20)
    window.tool("windowfocus", found)
    window.settle()
    left, top, width, height = window.place(found)
    window.click(left + width // 2, top + height // 3)
    got = re.sub(r"\s+", "", copied(window))
    window.shot(f"follow-{protocol}")
    counter.equal(got, expected, f"{protocol}: what the window has")
    window.close()
    (window.home / capture.name).unlink()


def main():
    if gui.missing():
        print(f"SKIPPED: {', '.join(gui.missing())} not installed; the menu Follow was not tried")
        return 0
    counter = common.Counter("menu Follow")
    with gui.Gui(shots=gui.shots(sys.argv)) as window:
        if ") 4.0." in window.version():
            print("SKIPPED: the menu Follow of 4.0 takes no entries of plugins")
            return 0
        for row in FOLLOWED:
            try:
                follow(counter, window, *row)
            except (gui.NoGui, subprocess.TimeoutExpired) as error:
                window.shot("failed")
                counter.check(False, f"{row[2]}: {error}")
                window.close()
    return common.ended(counter)


if __name__ == "__main__":
    sys.exit(main())
