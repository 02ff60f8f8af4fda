"""Runs Wireshark itself with the plugin that was built here, on a screen of its own (Xvfb).

The profile stands among those that come with Wireshark, as an installed plugin has it. A window is found by its title,
keys and clicks go through xdotool, what is on the screen is read with ImageMagick's import, what was copied with xclip.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import os
import pathlib
import re
import shutil
import subprocess
import time

import wsrun

NEEDED = "Xvfb", "xdotool", "xclip", "import", "wireshark"
PATIENCE = 90                        # seconds: of a slow machine that does other things besides


class NoGui(Exception):
    """No screen, or something did not come upon it in time."""


def missing():
    """The programs that are not installed."""
    return [name for name in NEEDED if not shutil.which(name)]


def shots(argv):
    """The folder that --shots names, made; None without."""
    if argv[1:2] != ["--shots"]:
        return None
    folder = pathlib.Path(argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    return folder


class Gui(wsrun.Tshark):
    """A screen, and folders for Wireshark; use as a context manager."""

    def __init__(self, build=None, size=(1280, 800), shots=None, **more):
        """shots: a folder for what shot() takes; more: of Wireshark's environment."""
        super().__init__(build)
        self.size, self.server, self.window, self.wireshark = size, None, None, None
        self.shots, self.taken, self.more = shots, 0, more

    def __enter__(self):
        super().__enter__()
        self.config = self.home / ".config" / "wireshark"
        self.config.mkdir(parents=True)
        width, height = self.size
        (self.config / "recent_common").write_text(
            f"gui.geometry_main_x: 0\ngui.geometry_main_y: 0\ngui.geometry_main_width: {width}\n"
            f"gui.geometry_main_height: {height}\ngui.geometry_main_maximized: FALSE\n", encoding="utf-8")
        (self.config / "preferences").write_text("gui.update.enabled: FALSE\n", encoding="utf-8")
        # Not only below HOME: Qt and dconf want folders of their own.
        runtime = self.scratch / "runtime"
        runtime.mkdir(mode=0o700)
        self.said = self.scratch / "said"
        self.data_with_profile()
        if self.user:
            for path in (runtime, self.home / ".config", *(self.home / ".config").rglob("*")):
                os.chown(path, wsrun.NOBODY, wsrun.NOBODY)
        self.env |= {"XDG_RUNTIME_DIR": str(runtime), "QT_QPA_PLATFORM": "xcb", "LANG": "C.UTF-8",
                     "WIRESHARK_DATA_DIR": str(self.scratch / "data")}
        self.start_screen()
        return self

    def data_with_profile(self):
        """Wireshark's data folder by links, and in it the profile."""
        folders = {}
        for line in self.output(["-G", "folders"]).splitlines():
            name, _, path = line.partition(":")
            folders[name] = pathlib.Path(path.strip())
        stock, data = folders["Global configuration"], self.scratch / "data"
        (data / "profiles").mkdir(parents=True)
        for source in stock.iterdir():
            if source.name != "profiles":
                (data / source.name).symlink_to(source)
        if (stock / "profiles").is_dir():
            for source in (stock / "profiles").iterdir():
                if source.name != "Outlook":
                    (data / "profiles" / source.name).symlink_to(source)
        shutil.copytree(self.plugin.parents[3] / "profile" / "Outlook", data / "profiles" / "Outlook")

    def give_profile(self, recent=""):
        """The profile among the user's own, with more lines of "recent" (how the window is divided); its name."""
        own = self.config / "profiles" / "Outlook"
        shutil.copytree(self.scratch / "data" / "profiles" / "Outlook", own)
        with open(own / "recent", "a", encoding="utf-8") as out:
            out.write(recent)
        if self.user:
            for path in (own.parent, own, *own.iterdir()):
                os.chown(path, wsrun.NOBODY, wsrun.NOBODY)
        return own.name

    def start_screen(self):
        read, write = os.pipe()
        width, height = self.size
        self.server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(write), "-screen", "0", f"{width}x{height}x24", "-nolisten", "tcp"],
            pass_fds=[write], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(write)
        with os.fdopen(read) as pipe:
            number = pipe.readline().strip()
        if not number:
            raise NoGui("Xvfb did not start")
        self.env["DISPLAY"] = f":{number}"

    def __exit__(self, *what):
        self.close()
        if self.server:
            self.server.terminate()
            self.server.wait()
        super().__exit__(*what)

    def on_screen(self, *args, **kwargs):
        """Runs a program of one's own on that screen."""
        return subprocess.run([*map(str, args)], env={**os.environ, "DISPLAY": self.env["DISPLAY"]}, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, check=False, **kwargs)

    def tool(self, *args):
        """xdotool; what it prints."""
        return self.on_screen("xdotool", *args, text=True).stdout.strip()

    def windows(self, title):
        return self.tool("search", "--onlyvisible", "--name", title).split()

    def find(self, title, seconds=PATIENCE, count=1):
        """The window whose title matches, of several the last; waits until there are so many of it."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.wireshark and self.wireshark.poll() is not None:
                said = self.said.read_text(encoding="utf-8", errors="replace")[-600:]
                raise NoGui(f"Wireshark ended with {self.wireshark.returncode}: {said}")
            if len(found := self.windows(title)) >= count:
                return found[-1]
            time.sleep(0.2)
        raise NoGui(f"no window {title!r}, but {[self.tool('getwindowname', window) for window in self.windows('.')]}")

    def place(self, window):
        """(left, top, width, height)"""
        place = dict(re.findall(r"(X|Y|WIDTH|HEIGHT)=(-?\d+)", self.tool("getwindowgeometry", "--shell", window)))
        if not place:
            raise NoGui(f"window {window} is gone")
        return tuple(int(place[name]) for name in ("X", "Y", "WIDTH", "HEIGHT"))

    def focus(self, window):
        """There is no window manager that would do it."""
        self.tool("windowfocus", "--sync", window)
        time.sleep(0.3)

    def give(self, capture, name=None):
        """A copy of the capture by its name, or that one, which Wireshark may read."""
        copy = self.private_copy(capture)
        return copy.rename(copy.with_name(name or pathlib.Path(capture).name))

    def start(self, *args):
        """Starts Wireshark and waits for nothing."""
        with open(self.said, "wb") as said:
            self.wireshark = self.popen(args, program="wireshark", env=self.more, stdout=said, stderr=said)
        return self.wireshark

    def open(self, capture, *options):
        """Starts Wireshark with a copy of the capture and waits until its packets are listed."""
        named = self.give(capture)
        self.start("-r", named, *options)
        self.window = self.find(re.escape(named.name))
        self.tool("windowmove", self.window, 0, 0)
        self.tool("windowsize", self.window, *self.size)
        self.tool("windowfocus", self.window)
        self.settle()
        return self.window

    def close(self):
        if self.wireshark:
            self.wireshark.terminate()
            try:
                self.wireshark.wait(20)
            except subprocess.TimeoutExpired:
                self.wireshark.kill()
                self.wireshark.wait()
            self.wireshark = None

    def key(self, *keys):
        self.tool("key", "--delay", 60, *keys)

    def type(self, text):
        self.tool("type", "--delay", 15, text)

    def click(self, x, y, button=1):
        self.tool("mousemove", x, y, "click", button)

    def click_from_corner(self, window, right, bottom):
        """So far from the right and lower edge of the window, where dialogues have their buttons; raised, for without a window
        manager another one may stand before it."""
        self.tool("windowraise", window)
        left, top, width, height = self.place(window)
        self.click(left + width - right, top + height - bottom)

    def clipboard(self):
        return self.on_screen("xclip", "-o", "-selection", "clipboard", text=True, errors="replace", timeout=20).stdout

    def picture(self, path=None, *how):
        """The whole screen as PNG: into a file, or as bytes; how: more options of import."""
        data = self.on_screen("import", "-window", "root", *how, "png:-").stdout
        if path:
            pathlib.Path(path).write_bytes(data)
        return data

    def shot(self, name):
        """A picture into the folder of shots, if there is one."""
        self.taken += 1
        if self.shots:
            self.picture(self.shots / f"{self.taken}-{name}.png")

    def pixels(self):
        """{(red, green, blue): how many} of the screen."""
        raw = self.on_screen("import", "-window", "root", "-depth", "8", "rgb:-").stdout
        counts = {}
        for place in range(0, len(raw) - 2, 3):
            colour = raw[place:place + 3]
            counts[colour] = counts.get(colour, 0) + 1
        return {tuple(colour): count for colour, count in counts.items()}

    def settle(self, seconds=PATIENCE):
        """Waits until nothing on the screen has changed for a second."""
        end, before = time.monotonic() + seconds, None
        while time.monotonic() < end:
            now = self.picture()
            if now == before:
                return
            before = now
            time.sleep(1)
        raise NoGui("the screen does not come to rest")
