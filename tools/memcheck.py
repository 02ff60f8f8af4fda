"""Runs tshark with the plugin under valgrind and fails on what the plugin did.

    memcheck.py [CAPTURE ...]

Wireshark itself keeps memory until it ends, so only leaks and errors with a frame of the
plugin in their stack count.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import pathlib
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import wsrun

# What Wireshark still points to at its end.
IGNORED = ("Leak_PossiblyLost", "Leak_StillReachable")


def default_captures():
    """Of each protocol the largest sample that is small enough to take seconds: it meets the most code."""
    found = []
    for pattern, unless in (("*", "mapi-"), ("mapi-*", None)):
        samples = [path for path in (wsrun.PROJECT / "test-captures").rglob(f"{pattern}/*.pcap*")
                   if path.stat().st_size < 200_000 and not (unless and path.parent.name.startswith(unless))]
        found += sorted(samples, key=lambda path: (-path.stat().st_size, path))[:1]
    return found


def findings(xml, plugin):
    for error in ElementTree.parse(xml).getroot().iter("error"):
        kind = error.findtext("kind")
        frames = [(frame.findtext("obj") or "", frame.findtext("fn") or "?", frame.findtext("file") or "",
                   frame.findtext("line") or "") for frame in error.iter("frame")]
        if kind not in IGNORED and any(pathlib.PurePath(obj).name == plugin for obj, *_ in frames):
            yield kind, [f"{name} ({file}:{line})" for _, name, file, line in frames[:12]]


def main():
    captures = [pathlib.Path(name) for name in sys.argv[1:]] or default_captures()
    if not captures:
        sys.exit("no capture to run on")
    passed = failed = 0
    with wsrun.Tshark() as tshark:
        tshark.prove_loaded()
        tshark.env.update(G_SLICE="always-malloc", WIRESHARK_DEBUG_WMEM_OVERRIDE="simple")
        for capture in captures:
            xml = tshark.home / "valgrind.xml"
            command = ["valgrind", "--leak-check=full", "--num-callers=40", "--keep-debuginfo=yes", "--xml=yes",
                       f"--xml-file={xml}", "tshark", "-V", "-r", "-"]
            with open(capture, "rb") as source:
                process = subprocess.run(command, stdin=source, cwd="/", env=tshark.env, stdout=subprocess.DEVNULL,
                                         stderr=subprocess.PIPE, **tshark.user)
            found = list(findings(xml, tshark.plugin.name)) if process.returncode == 0 else [("exit", [
                f"status {process.returncode}: {process.stderr.decode('utf-8', 'replace')[-500:]}"])]
            for kind, stack in found:
                print(f"{capture.parent.name}/{capture.name}: {kind}\n    " + "\n    ".join(stack))
            if found:
                failed += 1
            else:
                passed += 1
                print(f"note: {capture.parent.name}: no leak, no error of the plugin")
            xml.unlink(missing_ok=True)
    print(f"{passed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
