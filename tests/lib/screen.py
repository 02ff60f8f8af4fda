"""Wireshark on a screen of its own, for tests that press what its user would.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import os
import re
import shutil
import signal
import subprocess
import time

from common import wsrun

PATIENCE = 90                        # seconds: of a slow machine that does other things besides


def missing():
    """What is not installed of all that this needs."""
    return [name for name in ("wireshark", "Xvfb", "xdotool", "xclip") if not shutil.which(name)]


class Gone(Exception):
    """Something did not come in time."""


class Screen:
    """Xvfb on a display of its own."""

    def __init__(self, folder=None, **more):
        """folder: for pictures; more: of the environment of what is started on it."""
        read, write = os.pipe()
        self.server = subprocess.Popen(["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x900x24", "-nolisten", "tcp"],
                                       pass_fds=[write], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(write)
        with os.fdopen(read) as pipe:
            number = pipe.readline().strip()
        if not number:
            raise Gone("Xvfb does not start")
        self.env = {**os.environ, "DISPLAY": f":{number}"}
        self.folder, self.more = folder, more
        self.shots = 0

    def tool(self, *args, **kwargs):
        return subprocess.run(["xdotool", *map(str, args)], env=self.env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              text=True, check=False, **kwargs).stdout

    def windows(self, title):
        return [int(line) for line in self.tool("search", "--onlyvisible", "--name", title).split()]

    def wait(self, title):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if found := self.windows(title):
                return found[-1]
            time.sleep(0.3)
        raise Gone(f"no window {title!r}")

    def place(self, window):
        return dict(re.findall(r"(X|Y|WIDTH|HEIGHT)=(-?\d+)", self.tool("getwindowgeometry", "--shell", window)))

    def click(self, window, right, bottom):
        """So far from the right and lower edge of the window."""
        place = {name: int(value) for name, value in self.place(window).items()}
        if not place:
            raise Gone(f"window {window} is gone")
        self.tool("mousemove", place["X"] + place["WIDTH"] - right, place["Y"] + place["HEIGHT"] - bottom)
        self.tool("click", 1)

    def focus(self, window):
        """There is no window manager that would do it."""
        self.tool("windowfocus", "--sync", window)
        time.sleep(0.3)

    def clipboard(self):
        return subprocess.run(["xclip", "-o", "-selection", "clipboard"], env=self.env, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True, check=False, timeout=20).stdout

    def shot(self, name):
        self.shots += 1
        if self.folder:
            subprocess.run(["import", "-window", "root", str(self.folder / f"{self.shots}-{name}.png")], env=self.env,
                           check=False)

    def end(self):
        self.server.terminate()
        self.server.wait()


def start(tshark, screen, args):
    """Wireshark with the plugin that tshark has."""
    runtime = tshark.home / "run"
    if not runtime.is_dir():
        runtime.mkdir(mode=0o700)
        if tshark.user:
            os.chown(runtime, wsrun.NOBODY, wsrun.NOBODY)
    env = {"DISPLAY": screen.env["DISPLAY"], "XDG_RUNTIME_DIR": str(runtime), "QT_QPA_PLATFORM": "xcb", **screen.more}
    return tshark.popen(args, program="wireshark", env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def stop(process):
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        process.wait()
