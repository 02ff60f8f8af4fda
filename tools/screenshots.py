#!/usr/bin/env python3
"""Makes the pictures of docs/images: Wireshark with the plugin and the profile, under Xvfb.

    screenshots.py [NAME ...]

A scene is a row of SCENES: a sample (or what makes a capture), options of Wireshark, how its window is divided, and what is
done in it before the picture is taken. Look at what came out before committing it.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import dataclasses
import pathlib
import sys
import time
import typing

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = map(str, (HERE, HERE.parent / "tests" / "lib", HERE.parent / "tests" / "synth", HERE.parent / "tests" / "tshark"))
import gui
import mapiscene
import run_clients
import wsrun

IMAGES = wsrun.PROJECT / "docs" / "images"
SAMPLES = wsrun.PROJECT / "test-captures"
SPLIT = "live/live-split-lb"
# Without the bytes there is room for what the plugin says.
NO_BYTES = "gui.byte_view_show: FALSE\n"
LIST_ONLY = NO_BYTES + "gui.tree_view_show: FALSE\n"


def panes(upper):
    """The list has that many pixels; the tree has the rest."""
    return NO_BYTES + f"gui.geometry_main_upper_pane: {upper}\n"


def nothing(window):
    del window


def expand_verdict(window):
    """The verdict, last but one in the tree, all of it open."""
    window.click(300, window.size[1] - 120)
    # The first key only makes something current.
    window.key("Home", "End", "Up", "shift+Right")
    window.settle()


def dialog(title, width, height):
    """Puts the window of that title, which an option of the command line has opened, into the upper left."""
    def place(window):
        found = window.find(title)
        window.tool("windowsize", found, width, height)
        window.tool("windowmove", found, 0, 0)
        window.tool("windowraise", found)
        window.settle()
    return place


def conversation_menu(window):
    """The menu of a packet, open at its ninth entry, Conversation Filter."""
    window.click(300, 225, 3)
    time.sleep(1)
    window.key(*["Down"] * 9, "Right")
    window.settle()


def clients(folder):
    """Clients of every version: what the test of their table makes."""
    cap = mapiscene.MapiCapture("clients", "clients of all kinds")
    run_clients.everybody(cap)
    path = pathlib.Path(folder) / "clients.pcapng"
    path.write_bytes(cap.files()["capture.pcapng"])
    return path


@dataclasses.dataclass
class Scene:
    sample: str | typing.Callable
    options: tuple
    size: tuple
    recent: str = ""
    act: typing.Callable = nothing


SCENES = {
    "packet-list": Scene(SPLIT, ("-Y", "rpch.rts.pdu || http || outlook.verdict", "-g", "34"), (1440, 480), LIST_ONLY),
    "verdict-tree": Scene(SPLIT, ("-Y", "rpch.rts.pdu || outlook.verdict", "-g", "41"), (1440, 640), panes(195), expand_verdict),
    "conversation-filter": Scene("legs/legs-joined", ("-Y", "rpch"), (1280, 760), act=conversation_menu),
    "report": Scene(SPLIT, ("-z", "outlook,report"), (900, 560), act=dialog("Outlook over HTTP", 900, 560)),
    "srt": Scene("mapi/http/mapi-http-pending", ("-z", "mapihttp,srt"), (860, 400), act=dialog("Service Response Time", 860, 400)),
    "clients": Scene(clients, ("-z", "outlook,clients"), (1620, 400), act=dialog("Outlook Clients", 1620, 400)),
}


def take(name, scene):
    with gui.Gui(size=scene.size) as window:
        own = window.give_profile(scene.recent)
        made = callable(scene.sample)
        capture = scene.sample(window.scratch) if made else next((SAMPLES / scene.sample).glob("capture.pcap*"))
        window.open(capture, "-C", own, *scene.options)
        scene.act(window)
        # The pointer is no part of it.
        window.tool("mousemove", *scene.size)
        time.sleep(0.5)
        target = IMAGES / f"{name}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        window.picture(target, "+dither", "-colors", "64", "-strip", "-define", "png:format=png8")
    print(f"{target.relative_to(wsrun.PROJECT)}: {target.stat().st_size} bytes")


def main():
    names = sys.argv[1:] or list(SCENES)
    unknown = [name for name in names if name not in SCENES]
    if unknown:
        sys.exit(f"no scene {', '.join(unknown)}; there are {', '.join(SCENES)}")
    if gui.missing():
        sys.exit(f"needed: {', '.join(gui.missing())}")
    for name in names:
        take(name, SCENES[name])


if __name__ == "__main__":
    main()
