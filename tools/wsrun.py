"""Runs tshark with the plugin that was built here, and with no other.

As root, Wireshark ignores WIRESHARK_PLUGIN_DIR and personal plugins without a word, so
root becomes nobody for tshark. HOME is an empty folder: no preference and no second copy
of the plugin is picked up from the user's own. Captures are opened by the caller and
handed over as standard input, so nobody need not be able to read their folder.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import hashlib
import itertools
import os
import pathlib
import shutil
import subprocess
import tempfile

PROJECT = pathlib.Path(__file__).resolve().parent.parent
NOBODY = 65534


class NoPlugin(Exception):
    """The plugin is not built, or tshark did not load the one that is."""


def sha256(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


class Tshark:
    """A scratch folder with the plugin and a HOME; use as a context manager."""

    def __init__(self, build=None):
        build = pathlib.Path(build or os.environ.get("OUTLOOKHTTP_BUILD") or PROJECT / "build")
        found = sorted((build / "plugins").glob("*/epan/outlookhttp.*"))
        if len(found) != 1:
            raise NoPlugin(f"{len(found)} plugins below {build}/plugins; run ./check or cmake first")
        self.plugin = found[0]
        self.scratch = None
        self.copies = itertools.count()

    def __enter__(self):
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="outlookhttp."))
        # A copy: the project may lie in a folder that nobody cannot enter.
        self.loaded = self.scratch / "plugins" / self.plugin.relative_to(self.plugin.parents[2])
        self.loaded.parent.mkdir(parents=True)
        shutil.copy(self.plugin, self.loaded)
        self.home = self.scratch / "home"
        self.home.mkdir()
        self.user = {}
        if os.geteuid() == 0:
            for path in [self.scratch, *self.scratch.rglob("*")]:
                path.chmod(0o755)
            os.chown(self.home, NOBODY, NOBODY)
            self.user = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        self.env = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "HOME": str(self.home),
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
            "WIRESHARK_PLUGIN_DIR": str(self.scratch / "plugins"),
        }
        # An empty plugin folder: without it the system's would be read, and an installed plugin with it.
        (self.scratch / "none").mkdir()
        self.stock_env = {**self.env, "WIRESHARK_PLUGIN_DIR": str(self.scratch / "none")}
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.scratch, ignore_errors=True)

    def private_copy(self, path):
        """A copy that only tshark's user can read (a key log, or a capture that -2 or sharkd must be able to
        seek in), gone with the scratch folder."""
        copy = self.home / f"private{next(self.copies)}"
        with open(path, "rb") as source, open(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            shutil.copyfileobj(source, out)
        if self.user:
            os.chown(copy, NOBODY, NOBODY)
        return copy

    def popen(self, args, plugin=True, program="tshark", env=None, **kwargs):
        """plugin=False runs it as it comes, with neither this plugin nor an installed one."""
        kwargs.setdefault("stdin", subprocess.DEVNULL)
        env = {**(self.env if plugin else self.stock_env), **(env or {})}
        return subprocess.Popen([program, *map(str, args)], cwd="/", env=env, **self.user, **kwargs)

    def output(self, args, **kwargs):
        """Standard output as text; raises CalledProcessError with stderr in it."""
        process = self.popen(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **kwargs)
        out, err = process.communicate()
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, process.args, out, err)
        return out.decode("utf-8", "replace")

    def version(self):
        return self.output(["--version"]).split("\n", 1)[0]

    def prove_loaded(self):
        """Returns the SHA-256 of the plugin after tshark has named it as the one it loaded."""
        rows = [line.split("\t") for line in self.output(["-G", "plugins"]).splitlines()]
        rows = [row for row in rows if row[0].strip().startswith("outlookhttp.")]
        if len(rows) != 1:
            raise NoPlugin(f"tshark -G plugins lists outlookhttp {len(rows)} times")
        path = rows[0][-1].strip()
        if path != str(self.loaded):
            raise NoPlugin(f"tshark loaded {path}, not {self.loaded}")
        digest = sha256(path)
        if digest != sha256(self.plugin):
            raise NoPlugin(f"{path} is not {self.plugin}")
        return digest


def main():
    try:
        with Tshark() as tshark:
            digest = tshark.prove_loaded()
            print(f"{tshark.version()} loads {tshark.plugin}, SHA-256 {digest[:16]}")
    except (NoPlugin, OSError, subprocess.CalledProcessError) as error:
        raise SystemExit(f"the plugin just built is not loaded: {error}")


if __name__ == "__main__":
    main()
