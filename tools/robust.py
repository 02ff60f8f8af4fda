"""Damages every sample and third-party capture and dissects it with the plugin under ASan and UBSan.

    robust.py [--seeds N] [--jobs N] [CAPTURE ...]

For each seed: `editcap -o 66 -E` 0.0005, 0.002 and 0.01, mutate.py, which keeps TCP and
HTTP valid, and segments of which only the beginning was captured; then `tshark -2 -V` with WIRESHARK_ABORT_ON_DISSECTOR_BUG. TLS captures are
damaged as their decrypted twins.

A crash, a sanitizer's report, a hang, or memory without bound is a failure; the file that
caused it is kept in build-asan/robust. What the same file causes without the plugin, or the
same PDUs over plain TCP, is upstream's and only listed; so is the same assertion or the same
place elsewhere, where damage parted the PDUs otherwise. The report ends with how many of the
PDUs and MAPI/HTTP messages were still reached, of those that a reassembler without the plugin finds undamaged.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import argparse
import collections
import concurrent.futures
import dataclasses
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "lib"))
import common
import capfile
import mapibodies
import mutate
import plain
import twin
import wsrun

BUILD = wsrun.PROJECT / "build-asan"
FORKLOAD = BUILD / "forkload.so"
SHARED = wsrun.PROJECT.parent / "shared" / "captures"
RATES = ("0.0005", "0.002", "0.01")
KINDS = (*RATES, "bodies", "snapped")
SECONDS = 60                         # a run takes less than one
MEMORY = 2_000_000                   # KiB; a run under ASan takes a fifth
REACHED = re.compile(rb"^ +\[Channel bytes: |^MAPI over HTTP, [^\n]* (?:request|response)", re.MULTILINE)
CAUSE = re.compile(r"(?:ERROR: AddressSanitizer: .*|.*runtime error: .*|.*(?:Bug|BUG|assertion failed|Err).*|\*\*.*)")
SUMMARY = re.compile(r"SUMMARY: \w+: (.*)")


def library(name):
    path = subprocess.run(["gcc", f"-print-file-name={name}"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    if not os.path.isabs(path):
        sys.exit(f"gcc has no {name}")
    return str(pathlib.Path(path).resolve())


def build():
    """The plugin with ASan and UBSan; returns what tshark needs in its environment."""
    for command in (["cmake", "-S", wsrun.PROJECT, "-B", BUILD, "-G", "Ninja", "-DCMAKE_C_COMPILER=gcc",
                     "-DOUTLOOKHTTP_SANITIZE=ON", "-DOUTLOOKHTTP_WERROR=ON", "-DOUTLOOKHTTP_TESTS=OFF"], ["cmake", "--build", BUILD]):
        process = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        if process.returncode:
            sys.exit(f"the build with ASan failed:\n{process.stdout[-4000:]}")
    subprocess.run(["gcc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-O2", "-fPIC", "-shared", "-o", FORKLOAD,
                    wsrun.PROJECT / "tools" / "forkload.c", "-ldl"], check=True)
    return {"LD_PRELOAD": f"{library('libasan.so')} {library('libubsan.so')}",
            # Wireshark keeps memory until it ends: tools/memcheck.py looks for leaks.
            "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1:disable_coredump=1:allocator_may_return_null=1",
            "UBSAN_OPTIONS": "halt_on_error=1:abort_on_error=1:print_stacktrace=1",
            "WIRESHARK_ABORT_ON_DISSECTOR_BUG": "1"}


class Subject:
    """A capture without TLS, or the decrypted twin of one with."""

    def __init__(self, tshark, path, keys):
        self.name = path.parent.name if path.stem == "capture" else path.stem
        self.capture = capfile.load(path)
        if any(bytes(half.data[:1]) == b"\x16" or b"CONNECT " in half.data
               for tcp in capfile.connections(self.capture) for half in tcp.halves):
            self.capture = twin.make(tshark, path, keys)
            self.name += " (decrypted)"
        self.pdus = 0                # of both protocols: what there is to reach
        for tcp in capfile.connections(self.capture):
            walk = capfile.Walk(tcp, resync=True)
            self.pdus += len(walk.pdus) + len(mapibodies.messages(walk))


def subjects(tshark, names):
    if names:
        paths = [pathlib.Path(name) for name in names]
    else:
        paths = sorted((wsrun.PROJECT / "test-captures").rglob("capture.pcap*"), key=lambda path: path.parent.name)
        if SHARED.is_dir():
            paths += sorted(SHARED.glob("*.pcap"))
        else:
            print(f"SKIPPED: {SHARED} is absent, third-party captures were not damaged")
        if share := os.environ.get("OUTLOOKHTTP_SHARE"):
            print(f"note: {share} of {len(paths)} captures (OUTLOOKHTTP_SHARE)")
            paths = common.shared_out(paths, share)
    found = []
    for path in paths:
        keys = path.with_suffix(".keys")
        found.append(Subject(tshark, path, keys if keys.exists() else None))
    return found


class Run:
    """What one run of tshark came to."""

    def __init__(self, code, memory, out, err):
        self.memory, self.problem = memory, ""       # KiB
        self.reached = len(REACHED.findall(out))
        self.said = err[:1_000_000].decode("utf-8", "replace")
        if code == -signal.SIGALRM:
            self.problem = f"stopped after {SECONDS} s"
        elif code < 0:
            self.problem = f"signal {-code}: {self.cause()}"
        elif code > 2 or "ERROR: AddressSanitizer" in self.said or "runtime error:" in self.said:
            self.problem = f"status {code}: {self.cause()}"
        elif self.memory > MEMORY:
            self.problem = f"{self.memory // 1024} MiB"

    def cause(self):
        if match := SUMMARY.search(self.said):
            return match[1]
        if match := CAUSE.search(self.said):
            return match[0].strip()[:200]
        return self.said.strip()[-200:]


class Tsharks:
    """tshark -2 -V, started once for each way to call it: forkload.c makes a child for each capture."""

    def __init__(self, tshark, env):
        self.tshark, self.env, self.started = tshark, env, {}
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.folder.chmod(0o777)                     # tshark's user writes there

    def run(self, path, *more, plugin=True):
        key = threading.get_ident(), plugin, more
        if key not in self.started:
            env = {**self.env, "LD_PRELOAD": f"{self.env['LD_PRELOAD']} {FORKLOAD}"}
            self.started[key] = self.tshark.popen(["-r", path, "-n", "-2", "-V", *more], plugin=plugin, env=env,
                                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                                  stderr=subprocess.DEVNULL)
        process = self.started[key]
        files = [self.folder / f"{threading.get_ident()}.{what}" for what in ("out", "err")]
        process.stdin.write(f"{path}\t{files[0]}\t{files[1]}\t{SECONDS}\n".encode())
        process.stdin.flush()
        answer = process.stdout.readline().split()
        if len(answer) != 2:
            raise SystemExit(f"tshark ended before the captures did: status {process.wait()}")
        result = Run(os.waitstatus_to_exitcode(int(answer[0])), int(answer[1]), *(file.read_bytes() for file in files))
        for file in files:
            file.unlink()
        return result

    def close(self):
        for process in self.started.values():
            process.stdin.close()
            process.wait()
        shutil.rmtree(self.folder)


def snapped(capture, seed):
    """A third of the segments cut at any length."""
    chance, packets = random.Random(seed), []
    for packet in capture.packets:
        segment = capfile.segment(packet)
        if segment and segment.captured and chance.random() < 1 / 3:
            packet = dataclasses.replace(packet, data=packet.data[:segment.payload + chance.randrange(segment.captured)])
        packets.append(packet)
    return capfile.Capture(packets, capture.secrets)


def damaged(subject, kind, seed, original):
    """The file as bytes."""
    if kind in ("bodies", "snapped"):
        make = mutate.make if kind == "bodies" else snapped
        with tempfile.NamedTemporaryFile(suffix=".pcapng") as file:
            capfile.save(file.name, make(subject.capture, f"{subject.name} {seed}"))
            return pathlib.Path(file.name).read_bytes()
    with tempfile.NamedTemporaryFile(suffix=".pcapng") as file:
        subprocess.run(["editcap", "--seed", str(seed), "-o", "66", "-E", kind, original, file.name], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return pathlib.Path(file.name).read_bytes()


def readable(tshark, data):
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        return tshark.private_copy(file.name)


def upstream(tsharks, copy):
    """What the same file does without the plugin, or its PDUs over plain TCP; empty if nothing."""
    run = tsharks.run(copy, plugin=False)
    if run.problem:
        return f"without the plugin: {run.problem}"
    try:
        capture = capfile.load(copy)
        pdus, _ = plain.make(capture, [capfile.Walk(tcp, resync=True) for tcp in capfile.connections(capture)])
    except (capfile.BadCapture, ValueError, IndexError):
        return ""
    with tempfile.NamedTemporaryFile(suffix=".pcapng") as file:
        capfile.save(file.name, pdus)
        other = tsharks.tshark.private_copy(file.name)
    run = tsharks.run(other, *plain.DECODE_AS, plugin=False)
    other.unlink()
    return f"over plain TCP: {run.problem}" if run.problem else ""


def one(tsharks, subject, kind, seed, original):
    data = damaged(subject, kind, seed, original)
    copy = readable(tsharks.tshark, data)
    run = tsharks.run(copy)
    theirs = upstream(tsharks, copy) if run.problem else ""
    copy.unlink()
    if run.problem and not theirs:
        kept = BUILD / "robust" / f"{subject.name.replace(' ', '-')}-{kind}-{seed}.pcapng"
        kept.parent.mkdir(exist_ok=True)
        kept.write_bytes(data)
    return subject, kind, seed, run, theirs


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("captures", nargs="*")
    options = parser.parse_args()
    env = build()
    shutil.rmtree(BUILD / "robust", ignore_errors=True)
    passed = failed = 0
    reached, there, runs = collections.Counter(), collections.Counter(), collections.Counter()
    listed, blamed, most = collections.Counter(), [], 0
    with wsrun.Tshark(BUILD) as tshark, tempfile.TemporaryDirectory() as folder:
        # `tshark -G plugins` runs all extcap programs, and some hang with ASan in them.
        env["WIRESHARK_EXTCAP_DIR"] = folder
        # Reading the names of manufacturers and services anew for each capture would take most of the time.
        for names in ("manuf", "services", "enterprises.tsv"):
            (pathlib.Path(folder) / names).touch()
        pathlib.Path(folder).chmod(0o755)
        env["WIRESHARK_DATA_DIR"] = folder
        tshark.env.update(env)
        tshark.prove_loaded()
        for name in env:
            tshark.env.pop(name)
        chosen = subjects(tshark, options.captures)
        work = []
        for number, subject in enumerate(chosen):
            original = pathlib.Path(folder) / f"{number}.pcapng"
            capfile.save(original, subject.capture)
            work += [(subject, kind, seed, original) for seed in range(1, options.seeds + 1) for kind in KINDS]
        tsharks = Tsharks(tshark, env)
        with concurrent.futures.ThreadPoolExecutor(max_workers=options.jobs) as pool:
            for subject, kind, seed, run, theirs in pool.map(lambda job: one(tsharks, *job), work):
                runs[kind] += 1
                most = max(most, run.memory)
                if theirs:
                    listed[run.problem, theirs] += 1
                    passed += 1
                    continue
                if run.problem:
                    blamed.append((run.problem, f"{subject.name}, {kind}, seed {seed}"))
                    continue
                passed += 1
                reached[kind] += run.reached
                there[kind] += subject.pdus
        tsharks.close()
    for kind in KINDS:
        if there[kind]:
            what = f"editcap -E {kind}" if kind in RATES else kind
            print(f"note: {what}: {reached[kind]:,} of {there[kind]:,} PDUs and messages still reached "
                  f"({100 * reached[kind] / there[kind]:.1f} %), {runs[kind]:,} runs")
    upstreams = {problem for problem, _ in listed if problem.startswith("signal")}
    for problem, where in blamed:
        if problem in upstreams:
            listed[problem, "as elsewhere"] += 1
            passed += 1
        else:
            failed += 1
            print(f"{where}: {problem}")
    for (problem, theirs), number in listed.most_common(20):
        print(f"upstream, {number} times: {problem} ({theirs})")
    print(f"largest run: {most // 1024} MiB")
    if not sum(reached.values()):
        print("no PDU and no message was reached")
        failed += 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
