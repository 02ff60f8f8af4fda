#!/usr/bin/python3
"""Live scenarios: real devices between clients and servers, test-captures/live/live-* made anew, and what is right of them.

    scenarios.py [--only NAME ...]     plays all of them, or those named, and writes capture, expect.json and README.md
    scenarios.py --into FOLDER ...     the same, into another folder than test-captures
    scenarios.py --list                what there is: name, device, health or failure
    scenarios.py --check [--only ...]  compares what the plugin says of the captures that are there (run_cases.py)
    scenarios.py --install             installs the devices (the rows `live` of tools/packages)

Run by hand as root, not by ./check: capturing needs rights that a test must not ask for, and each run has other ports,
times and cookies. A scenario whose device is not installed is SKIPPED with a line. Each plays in a network namespace of
its own (stage.py), several at once, for some wait for more than a minute. What is right stands in
scenarios_healthy.py and scenarios_failing.py and was written before the first run.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import textwrap

HERE = pathlib.Path(__file__).resolve().parent
PROJECT = HERE.parents[1]
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(PROJECT / "tests" / "lib"))
import places  # noqa: E402
import stage  # noqa: E402
import scenarios_healthy  # noqa: E402, F401
import scenarios_failing  # noqa: E402, F401
from scenario_rows import CLIENT_LEG, ROWS  # noqa: E402

LARGEST = 100_000          # bytes of a capture
into = None                # a folder in place of test-captures
AT_ONCE = 6                # scenarios; most of their time they wait


def folder_of(row):
    return into / row.name if into else places.folder(row.name)


def numbers(folder, display_filter):
    """Frames that stock tshark finds."""
    command = ["tshark", "-n", "-r", str(folder / "capture.pcapng"), "-Y", display_filter, "-T", "fields", "-e", "frame.number"]
    if (folder / "capture.keys").exists():
        command[1:1] = ["-o", f"tls.keylog_file:{folder / 'capture.keys'}"]
    environment = {**os.environ, "WIRESHARK_PLUGIN_DIR": "/nonexistent"}
    text = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True,
                          env=environment).stdout
    return [int(line) for line in text.split()]


def expectation(row, folder):
    """expect.json: the row's verdicts, with frames where it says how to find them."""
    verdicts = []
    for wanted in row.verdicts:
        wanted = dict(wanted)
        when, unless, at = (wanted.pop(name, None) for name in ("when", "unless", "at"))
        if when and not numbers(folder, when) or unless and numbers(folder, unless):
            continue
        if at:
            found = numbers(folder, at)
            if not found:
                raise SystemExit(f"{row.name}: no frame for {wanted['item']}: {at}")
            wanted["frame"] = found[0]
        verdicts.append(wanted)
    expect = {"keys": "capture.keys" if (folder / "capture.keys").exists() else None, "verdicts": verdicts}
    for name in ("rows", "no_rows", "report", "no_report"):
        if getattr(row, name):
            expect[name] = list(getattr(row, name))
    return expect


def readme(row):
    def fill(text):
        return textwrap.fill(text, 118)
    legs = "Both legs of the device are captured." if row.filter != CLIENT_LEG else "Only the clients' leg is captured."
    ours = "rpch_client.py` and `rpch_server.py" if row.protocol == "rpc" else "mapi_parts.py"
    made = (f"`tests/live/scenarios.py --only {row.name.removeprefix('live-')}` as root, in a network namespace of its own "
            "(loopback, MTU 1500, no segmentation offload), captured with dumpcap. Clients at 127.0.1.10 and up, "
            f"{stage.version(row.device)} at 127.0.2.10, servers at 127.0.3.11 (EX1) and 127.0.3.12 (EX2): "
            f"`tests/live/{ours}`. {legs} Nothing was rewritten afterwards.")
    return "\n\n".join([f"# {row.name}: {row.title}", fill(row.what), "## How it was made", fill(made), "## What is right",
                        fill(row.right)]) + "\n"


def keep(row, scratch):
    """The sample's folder, from what was captured."""
    folder = folder_of(row)
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        path.unlink()
    for name in ("capture.pcapng", "capture.keys"):
        if (scratch / name).exists():
            shutil.copy(scratch / name, folder / name)
    size = (folder / "capture.pcapng").stat().st_size
    if size > LARGEST:
        raise SystemExit(f"{row.name}: {size} bytes were captured, {LARGEST} are the most")
    note(row)
    for path in (folder, *folder.iterdir()):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return size


def note(row):
    folder = folder_of(row)
    (folder / "expect.json").write_text(json.dumps(expectation(row, folder), indent=1) + "\n", encoding="utf-8")
    (folder / "README.md").write_text(readme(row), encoding="utf-8")


def inside(row):
    """One scenario, within its namespace."""
    with tempfile.TemporaryDirectory(prefix="live.") as folder:
        scratch = pathlib.Path(folder)
        play = stage.Stage(row, scratch)
        try:
            play.play()
        except BaseException:
            print((scratch / "log").read_text()[-3000:])
            raise
        size = keep(row, scratch)
        print(f"{row.name}: {size} bytes" + (f" ({'; '.join(play.notes)})" if play.notes else ""))


def play_all(rows):
    """Each in a process and namespace of its own. Returns the exit status."""
    def one(row):
        lacks = stage.missing(row)
        if lacks:
            return f"{row.name}: SKIPPED: not installed: {' '.join(lacks)} (scenarios.py --install)", True
        done = subprocess.run(["unshare", "--net", sys.executable, __file__, "--inside", row.name,
                               *(["--into", str(into)] if into else [])], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
        return done.stdout.rstrip() or f"{row.name}: ended with {done.returncode}", done.returncode == 0
    good = True
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for task in concurrent.futures.as_completed([pool.submit(one, row) for row in rows]):
            text, well = task.result()
            good &= well
            print(text if well else f"FAILED: {text}", flush=True)
    return 0 if good else 1


def check(rows):
    names = [row.name for row in rows if (folder_of(row) / "expect.json").exists()]
    for row in rows:
        if row.name not in names:
            print(f"{row.name}: SKIPPED: no capture; play it first")
    return subprocess.run([sys.executable, str(PROJECT / "tests" / "tshark" / "run_cases.py"), *names], check=False).returncode \
        if names else 0


def main():
    parser = argparse.ArgumentParser(description="live scenarios with real devices")
    parser.add_argument("--only", nargs="+", default=[], help="names, with or without live-")
    actions = parser.add_mutually_exclusive_group()
    for name, what in (("--list", "names, devices, health or failure"), ("--check", "compare the plugin with the captures"),
                       ("--install", "install the devices"), ("--note", "write expect.json and README.md anew, from the "
                                                                        "captures that are there")):
        actions.add_argument(name, action="store_true", help=what)
    actions.add_argument("--inside", help=argparse.SUPPRESS)
    parser.add_argument("--into", type=pathlib.Path, help="a folder in place of test-captures")
    options = parser.parse_args()
    global into
    into = options.into
    if options.inside:
        inside(ROWS[options.inside])
        return 0
    wanted = ["live-" + name.removeprefix("live-") for name in options.only]
    unknown = [name for name in wanted if name not in ROWS]
    if unknown:
        parser.error(f"no such scenario: {' '.join(unknown)}")
    rows = [ROWS[name] for name in wanted or ROWS]
    if options.list:
        for row in rows:
            print(f"{row.name:36} {row.device:9} {row.protocol:5} {'health' if row.healthy else 'failure':8} {row.title}")
        return 0
    if options.install:
        return subprocess.run(["bash", "-c", f"project='{PROJECT}'; . \"$project/tools/setup.sh\"; need_packages live"],
                              check=False).returncode
    if options.check:
        return check(rows)
    if options.note:
        for row in rows:
            note(row)
        return 0
    if os.geteuid():
        sys.exit("scenarios.py: needs root to capture")
    return play_all(rows)


if __name__ == "__main__":
    sys.exit(main())
