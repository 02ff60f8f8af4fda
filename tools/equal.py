#!/usr/bin/env python3
"""Compares what two builds of the plugin make of the same captures.

    equal.py BASE_BUILD NEW_BUILD [--part N/M] [--passes 1|2|both] [--only GLOB] [--text] [CAPTURE ...]

Every sample of test-captures/ with its key log and preferences, every capture of
../shared/captures and of ../shared/cases (--captures and --cases, or OUTLOOKHTTP_CAPTURES
and OUTLOOKHTTP_CASES, name other folders; one that is absent is left out): all of -T json
and the plugin's tables, in one pass and with -2; with --text also -V -P, for labels and
columns. CAPTURE is a sample's name, captures/NAME, cases/NAME or a file. What differs is
printed as capture, pass, frame, path of the field, old value and new value.

What BASE_BUILD says is kept in .work/equal of the project (or --cache, or
OUTLOOKHTTP_EQUAL_CACHE), under the digest of plugin, capture, key log and options.
Where BASE_BUILD comes to no end, nothing can be compared: that is listed.

tshark is started once for each set of options and forks for each capture (forkload.c);
--check-fork compares that with a tshark for each capture, of BASE_BUILD alone. Names of
manufacturers and services are not read: they are not the plugin's.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import argparse
import concurrent.futures
import difflib
import fnmatch
import hashlib
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import sys
import threading
import zlib

PROJECT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT / "tests" / "lib"))
import common
import wsrun

# What may differ, each with its reason.
#   VALUES  a field's value; that it is there, and where, is compared all the same
#   ABSENT  a field with all below it, there or not
#   LINES   what stands in a table or in text: a regular expression; what it matches is left out on both sides
VALUES = {}
ASKED = "tcp and tls are asked for nothing: what lies in several segments is put together by the plugin"
ABSENT = {name: ASKED for name in ("tcp.segment_data", "tcp.reassembled_in", "tcp.segments", "tls.segment.data",
                                   "tls.segments", "tls.reassembled_in")}
LINES = {}
# Captures that differ from 83c221e, each looked at: a difference there is shown, and is no failure.
CAPTURES = {
    "seg-401-expect": "the second RPC_OUT_DATA stands in the frame that brought it: tcp no longer waits for its body",
    "seg-gap": "a segment behind a gap that tcp would have kept back is shown as skipped, and counts as bytes of its channel",
    "bad-no-message-hang": "text that is no message is passed over at once, not scanned again with each segment",
}

SECONDS = 20                         # of CPU time for one capture: most take less than one
WALL = 900                           # and a limit for what does not use the CPU
SHOWN_FRAMES = 6                     # of a capture in one mode
SHOWN_ROWS = 8                       # of a frame
SHOWN_LINES = 12                     # of a table, or of text
WIDTH = 160
KEYS = "keys"                        # in HOME: the key log of the capture that is read
ENDED = {-signal.SIGXCPU: f"no end within {SECONDS} s of CPU time", -signal.SIGALRM: f"no end within {WALL} s"}


class Failed(Exception):
    """tshark came to no good end."""


# ---- running -------------------------------------------------------------------------------

def forkload(folder):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "forkload.so"
    made = folder / f"forkload.{os.getpid()}"
    subprocess.run(["gcc", "-std=c11", "-O2", "-fPIC", "-shared", "-o", made, PROJECT / "tools" / "forkload.c", "-ldl"],
                   check=True)
    made.replace(path)
    return path


class Mode:
    """A way to read a capture: how often, and what is written."""

    def __init__(self, passes, text):
        self.passes, self.text = passes, text
        self.name = ("one pass", "-2")[passes - 1] + (", -V" if text else "")
        self.options = [*(["-2"] if passes == 2 else []), *(["-V", "-P"] if text else ["-T", "json", *common.TABLES])]


class Runner:
    """One build. A tshark for each thread and set of options: its children take turns with one key log."""

    def __init__(self, build, preload):
        self.tshark = wsrun.Tshark(build)
        self.preload, self.started = preload, {}

    def __enter__(self):
        self.tshark.__enter__()
        self.digest = self.tshark.prove_loaded()
        # The preloaded library must be in a folder that tshark's user can enter.
        self.preload = shutil.copy(self.preload, self.tshark.scratch / "forkload.so")
        os.chmod(self.preload, 0o755)
        # Reading the names of manufacturers and services anew for each capture would take most of the time.
        data = self.tshark.scratch / "data"
        data.mkdir()
        for name in ("manuf", "services", "enterprises.tsv"):
            (data / name).touch()
        data.chmod(0o755)
        self.tshark.env["WIRESHARK_DATA_DIR"] = str(data)
        return self

    def __exit__(self, *error):
        for process in self.started.values():
            process.stdin.close()
            process.wait()
        self.tshark.__exit__(*error)

    def keys(self):
        return self.tshark.home / f"{KEYS}{threading.get_ident()}"

    def place(self, subject):
        """The capture's copy, and its key log where the options of this thread name it."""
        if subject.keys:
            source = self.tshark.private_copy(subject.keys)
            source.replace(self.keys())
        return self.tshark.private_copy(subject.path)

    def options(self, subject, mode):
        return [*(["-o", f"tls.keylog_file:{self.keys()}"] if subject.keys else []), *subject.preferences, *mode.options]

    @staticmethod
    def limit():
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 5))

    def run(self, subject, mode):
        """Standard output as bytes; raises Failed."""
        copy = self.place(subject)
        more = self.options(subject, mode)
        key = threading.get_ident(), *more
        if key not in self.started:
            self.started[key] = self.tshark.popen(["-r", copy, "-n", *more], env={"LD_PRELOAD": str(self.preload)},
                                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                                  stderr=subprocess.DEVNULL, preexec_fn=self.limit)
        process = self.started[key]
        out, err = (self.tshark.home / f"{threading.get_ident()}.{what}" for what in ("out", "err"))
        process.stdin.write(f"{copy}\t{out}\t{err}\t{WALL}\n".encode())
        process.stdin.flush()
        answer = process.stdout.readline().split()
        if len(answer) != 2:
            del self.started[key]
            raise Failed(f"tshark ended before the capture was opened, status {process.wait()}")
        code = os.waitstatus_to_exitcode(int(answer[0]))
        text, said = out.read_bytes() if code in (0, 2) else b"", err.read_bytes()[-300:]
        for path in (copy, out, err):
            path.unlink()
        return self.judge(code, text, said)

    def run_alone(self, subject, mode):
        """The same with a tshark of its own."""
        copy = self.place(subject)
        process = self.tshark.popen(["-r", copy, "-n", *self.options(subject, mode)], stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE, preexec_fn=self.limit)
        out, err = process.communicate()
        copy.unlink()
        return self.judge(process.returncode, out, err[-300:])

    @staticmethod
    def judge(code, out, err):
        if code in ENDED:
            raise Failed(ENDED[code])
        if code == -signal.SIGKILL:
            raise Failed(ENDED[-signal.SIGXCPU])
        # A capture cut short in a packet ends with 2 after all packets before it.
        if code not in (0, 2):
            raise Failed(f"status {code}: {err.decode('utf-8', 'replace').strip()}")
        return out + f"\nexit status {code}\n".encode()


class Cache:
    """What a build said of a capture, by the digest of all it depends on. A tshark that came to no end is kept, too."""

    def __init__(self, folder, version):
        self.folder, self.version = folder, version
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, digest, subject, mode):
        of = "\n".join([digest, self.version, subject.digest, *subject.preferences, *mode.options, str(SECONDS)])
        return self.folder / hashlib.sha256(of.encode()).hexdigest()

    def run(self, runner, subject, mode):
        path = self.path(runner.digest, subject, mode)
        if path.exists():
            kind, _, data = zlib.decompress(path.read_bytes()).partition(b"\n")
            if kind == b"failed":
                raise Failed(data.decode())
            return data
        try:
            data = runner.run(subject, mode)
            self.write(path, b"said\n" + data)
        except Failed as error:
            if str(error) == ENDED[-signal.SIGXCPU]:
                self.write(path, b"failed\n" + str(error).encode())
            raise
        return data

    @staticmethod
    def write(path, data):
        """At once, for others that share the folder."""
        made = path.with_suffix(f".{os.getpid()}.{threading.get_ident()}")
        made.write_bytes(zlib.compress(data, 1))
        made.replace(path)


# ---- captures ------------------------------------------------------------------------------

class Subject:
    """A capture, the key log and the preferences it is read with."""

    def __init__(self, name, path, keys=None, preferences=None):
        self.name, self.path, self.keys = name, pathlib.Path(path), keys
        self.preferences = [word for key, value in sorted((preferences or {}).items()) for word in ("-o", f"{key}:{value}")]
        self.digest = wsrun.sha256(path) + (wsrun.sha256(keys) if keys else "")

    def order(self, cache):
        """Asks tcp to reassemble out of order where the capture needs it, as the other tests do."""
        kept = cache.folder / f"{self.digest[:64]}.order"
        if not kept.exists():
            kept.write_text("1" if common.Sample(self.name, self.path).out_of_order else "0")
        if kept.read_text() == "1":
            self.preferences += common.OUT_OF_ORDER


def subjects(options):
    found = [Subject(sample.name, sample.path, sample.keys, sample.expect.get("preferences"))
             for sample in common.samples(kind=None)]
    for kind, folder, pattern in (("captures", options.captures, "*.pcap*"), ("cases", options.cases, "*/*.pcap*")):
        if not folder.is_dir():
            print(f"SKIPPED: {folder} is absent")
            continue
        for path in sorted(folder.glob(pattern)):
            keys = path.with_suffix(".keys")
            name = path.stem if kind == "captures" else path.parent.name
            found.append(Subject(f"{kind}/{name}", path, keys if keys.exists() else None))
    if options.named:
        by_name = {subject.name: subject for subject in found}
        chosen = []
        for name in options.named:
            if name not in by_name and not pathlib.Path(name).is_file():
                sys.exit(f"{name}: neither a sample nor a file")
            keys = pathlib.Path(name).with_suffix(".keys")
            chosen.append(by_name.get(name) or Subject(name, name, keys if keys.exists() else None))
        found = chosen
    if options.only:
        found = [subject for subject in found if fnmatch.fnmatchcase(subject.name, options.only)]
    if options.part:
        first, step = map(int, options.part.split("/"))
        found = found[first - 1::step]
    return found


# ---- comparing -----------------------------------------------------------------------------

def flatten(pairs, path, out):
    """(path, value) of all that JSON holds, in the order written; a name may stand several times."""
    for name, value in pairs:
        base = name.removesuffix("_tree")
        if base in ABSENT:
            continue
        here = f"{path} > {name}" if path else name
        for one in value if isinstance(value, list) and not isinstance(value, Pairs) else [value]:
            if isinstance(one, Pairs):
                out.append((here, None))
                flatten(one, here, out)
            else:
                out.append((here, "*" if base in VALUES else one))


class Pairs(list):
    """An object of JSON: its names and values in order."""


DECODER = json.JSONDecoder(object_pairs_hook=Pairs)


def without(lines):
    for pattern in LINES:
        lines = [re.sub(pattern, "", line) for line in lines]
    return lines


def read(text):
    """({frame: [(path, value)]}, lines after them) of -T json with tables."""
    start = len(text) - len(text.lstrip())
    packets, end = DECODER.raw_decode(text, start)
    frames = {}
    for number, packet in enumerate(packets, 1):
        source = dict(packet)["_source"]
        frames[number] = []
        flatten(dict(source)["layers"], "", frames[number])
    return frames, without([line for line in text[end:].splitlines() if line.strip()])


def cut(value):
    text = "(none)" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= WIDTH else f"{text[:WIDTH - 1]}…"


def row_differences(old, new):
    """Lines "path: old -> new" between two lists of (path, value)."""
    if [path for path, _ in old] == [path for path, _ in new]:
        return [f"{path}: {cut(one)} -> {cut(other)}" for (path, one), (_, other) in zip(old, new) if one != other]
    found = []
    for what, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if what == "equal":
            continue
        gone, come = old[a:b], new[c:d]
        if [path for path, _ in gone] == [path for path, _ in come]:
            found += row_differences(gone, come)
        else:
            found += [f"{path}: {cut(value)} -> absent" for path, value in gone]
            found += [f"{path}: absent -> {cut(value)}" for path, value in come]
    return found


def line_differences(what, old, new):
    found = []
    for line in difflib.unified_diff(old, new, lineterm="", n=0):
        if not line.startswith(("---", "+++", "@@")):
            found.append(f"{what}: {line[:WIDTH * 2]}")
    if len(found) > SHOWN_LINES:
        found[SHOWN_LINES:] = [f"{what}: and {len(found) - SHOWN_LINES} more lines"]
    return found


def compare(mode, old, new):
    """What differs, as lines; empty if nothing."""
    if old == new:
        return []
    old, new = (data.decode("utf-8", "replace") for data in (old, new))
    if mode.text:
        return line_differences("text", *(without(text.splitlines()) for text in (old, new)))
    try:
        (frames, rest), (new_frames, new_rest) = read(old), read(new)
    except (ValueError, KeyError) as error:
        return [f"not JSON: {error}"]
    found = []
    if len(frames) != len(new_frames):
        found.append(f"{len(frames)} frames -> {len(new_frames)}")
    differ = [number for number in frames if number in new_frames and frames[number] != new_frames[number]]
    for number in differ[:SHOWN_FRAMES]:
        rows = row_differences(frames[number], new_frames[number])
        found += [f"frame {number}: {row}" for row in rows[:SHOWN_ROWS]]
        if len(rows) > SHOWN_ROWS:
            found.append(f"frame {number}: and {len(rows) - SHOWN_ROWS} more")
    if len(differ) > SHOWN_FRAMES:
        found.append(f"and in {len(differ) - SHOWN_FRAMES} more frames: {' '.join(map(str, differ[SHOWN_FRAMES:][:40]))}")
    return found + line_differences("table", rest, new_rest)


class Result:
    """Of one capture: what differs, and what could not be compared."""

    def __init__(self, subject):
        self.subject, self.passed, self.different, self.not_compared = subject, 0, [], []


def check(subject, modes, base, new, cache, alone):
    result = Result(subject)
    for mode in modes:
        where = f"{subject.name}: {mode.name}"
        try:
            old = cache.run(base, subject, mode)
        except Failed as error:
            result.not_compared.append(f"{where}: {error}")
            continue
        try:
            found = compare(mode, old, base.run_alone(subject, mode) if alone else new.run(subject, mode))
        except Failed as error:
            found = [f"{error}"]
        if found:
            result.different.append([f"{where}: {line}" for line in found])
        else:
            result.passed += 1
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base", type=pathlib.Path)
    parser.add_argument("new", type=pathlib.Path)
    parser.add_argument("--part", help="N/M: every M-th capture from the N-th on")
    parser.add_argument("--passes", choices=("1", "2", "both"), default="both")
    parser.add_argument("--only", help="captures whose name matches")
    parser.add_argument("--text", action="store_true", help="compare -V -P, too")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1))
    shared = PROJECT.parent / "shared"
    if not shared.is_dir():
        shared = PROJECT.parents[1] / "shared"       # a worktree one folder down
    for name in ("captures", "cases"):
        parser.add_argument(f"--{name}", type=pathlib.Path,
                            default=pathlib.Path(os.environ.get(f"OUTLOOKHTTP_{name.upper()}", shared / name)))
    parser.add_argument("--cache", type=pathlib.Path,
                        default=pathlib.Path(os.environ.get("OUTLOOKHTTP_EQUAL_CACHE", PROJECT / ".work" / "equal")))
    parser.add_argument("--check-fork", action="store_true")
    parser.add_argument("named", nargs="*", metavar="CAPTURE")
    options = parser.parse_intermixed_args()
    modes = [Mode(passes, text) for text in ((False, True) if options.text else (False,)) for passes in (1, 2)
             if options.passes in (str(passes), "both")]
    preload = forkload(options.cache)
    with Runner(options.base, preload) as base, Runner(options.new, preload) as new:
        cache = Cache(options.cache, base.tshark.version())
        chosen = subjects(options)
        for subject in chosen:
            subject.order(cache)
        if base.digest == new.digest:
            print("note: both builds are the same plugin")
        results = []
        with concurrent.futures.ThreadPoolExecutor(max_workers=options.jobs) as pool:
            for result in pool.map(lambda one: check(one, modes, base, new, cache, options.check_fork), chosen):
                results.append(result)
                for lines in result.different:
                    print("\n".join(lines), flush=True)
    for result in results:
        for line in result.not_compared:
            print(f"not compared: {line}")
        if reason := CAPTURES.get(result.subject.name.rpartition("/")[2]):
            print(f"{result.subject.name}: {reason}" if result.different else
                  f"note: {result.subject.name} is listed as different and is not")
            result.different.clear()
    passed, failed = sum(result.passed for result in results), sum(len(result.different) for result in results)
    wrong = [result.subject.name for result in results if result.different]
    if wrong:
        print(f"different: {len(wrong)} of {len(results)} captures: {' '.join(wrong)}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
