"""python3 bench/compare.py [--quick] [--keep FOLDER] BASE_BUILD NEW_BUILD [ROW ...]

Two builds of the plugin in one run, in instructions (callgrind) against stock Wireshark, or against the same PDUs over plain
TCP: what traffic costs that owes the plugin nothing, and what its own protocols cost. A limit that NEW_BUILD exceeds
is marked; nothing here is a test. With --keep the folder keeps what was counted, so that a second run counts only the plugin
that is new, and callgrind's profile of each (callgrind_annotate).

SPDX-License-Identifier: GPL-2.0-or-later
"""

import argparse
import contextlib
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tools")]
sys.dont_write_bytecode = True

import captures  # noqa: E402
import measure  # noqa: E402
import wsrun  # noqa: E402

FILTER = ["-Y", "outlook.verdict or rpch.vc == 0"]
# Row: limit, mode, options, capture (name, function, arguments), and the baseline's capture if it is not the same.
PDUS = [(f"pdus-{carrier}", captures.rpc_calls, carrier, 20, 500) for carrier in ("http", "tcp")]
MAPI = ("mapi", captures.mapi, 4, 250)
ROWS = {
    "dns": (1.008, "-q", [], ("dns", captures.dns, 20000)),
    "tcp": (1.008, "-q", [], ("tcp", captures.plain_tcp, 20000)),
    "tls": (1.015, "-q", [], ("tls", captures.tls, 100, 50)),
    "handshakes": (1.03, "-q", [], ("handshakes", captures.tls, 2000, 0)),
    "http": (1.015, "-q", [], ("web", captures.web, 20000)),
    "http-claimed": (1.03, "-q", [], ("web-claimed", captures.web, 20000, True)),
    "pdus": (1.12, "-q", [], *PDUS),
    "pdus-V": (1.12, "-V", [], *PDUS),
    "execute": (1.45, "-q", [], MAPI),
    "execute-V": (2.0, "-V", [], MAPI),
    "small-executes": (1.45, "-q", [], ("mapi-small", captures.mapi, 4, 500, 2, True)),
    "sessions": (1.40, "-q", [], ("sessions", captures.mapi, 500, 2)),
    "filter": (1.45, "-q", FILTER, MAPI),
}
# Of connections: the plugin's share of each, many against few.
SCALE = (1000, 10000)


def waits_for_input(proc):
    """The process reads from what is its standard input, under whatever number."""
    try:
        number, *args = (proc / "syscall").read_text().split()
        return number == "0" and (proc / "fd" / str(int(args[0], 16))).readlink() == (proc / "fd" / "0").readlink()
    except (OSError, ValueError, IndexError):
        return False                 # it runs, or has ended


def seed_library(folder):
    """Wireshark's hash tables take their seed from g_random_int(). One that is drawn anew in each run makes chains of other
    lengths, up to 1 % of what a frame of plain TCP takes; this one does not."""
    library = folder / "seed.so"
    if not library.exists():
        source = "unsigned g_random_int(void); unsigned g_random_int(void) { return 0x9E3779B1u; }"
        subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-x", "c", "-", "-o", library], input=source.encode(), check=True)
        library.chmod(0o755)
    return library


class Counts:
    """Instructions by capture (name and digest), mode, options and plugin (its digest, or "stock"), in a file of the folder with the captures."""

    def __init__(self, folder):
        self.path = folder / "counts.json"
        self.of = json.loads(self.path.read_text()) if self.path.exists() else {}

    def keep(self, key, count):
        self.of[key] = count
        self.path.write_text(json.dumps(self.of, indent=1, sort_keys=True))


class Bench(measure.Bench):
    """With options of tshark behind the mode; for stock another filter stands for the one of the plugin's fields."""

    more = ()

    def __init__(self, tshark, folder, options, counts):
        super().__init__(tshark, folder, options)
        self.counts = counts
        self.digest = tshark.prove_loaded()[:16]

    @property
    def stock(self):
        return ["-Y", "tcp.analysis.flags or tcp.stream == 0"] if self.more else []

    def count(self, path, mode, plugin):
        options = [*measure.MODES[mode], *(self.more if plugin else self.stock)]
        key = " ".join([path.stem, wsrun.sha256(path)[:8], *options, "seeded", self.digest if plugin else "stock"])
        if key not in self.counts.of:
            profile = self.tshark.home / "callgrind.out"
            self.counts.keep(key, self.callgrind(path, options, plugin, profile))
            shutil.move(profile, self.folder / (re.sub("[^-.a-zA-Z0-9]+", "_", key) + ".callgrind"))
        return self.counts.of[key]

    def callgrind(self, path, options, plugin, profile):
        """Counts from the moment on that tshark waits for the first byte of the capture: it starts at full speed, and how
        many instructions that takes varies by more than what is looked for."""
        seed = seed_library(self.tshark.scratch)
        command = ["--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={profile}", "tshark", "-n", *options, "-r", "-"]
        with self.tshark.popen(command, plugin, "valgrind", env={"LD_PRELOAD": str(seed)}, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE) as process:
            proc = pathlib.Path(f"/proc/{process.pid}")
            while process.poll() is None and not waits_for_input(proc):
                time.sleep(0.1)
            subprocess.run(["vgdb", f"--pid={process.pid}", "instrumentation", "on"], env=self.tshark.env, **self.tshark.user,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True, timeout=60)
            _, errors = process.communicate(path.read_bytes())
        text = errors.decode("utf-8", "replace")
        if process.returncode:
            raise SystemExit(f"{' '.join(command)}: status {process.returncode}\n{text[-2000:]}")
        return int(re.search(r"Collected : (\d+)", text)[1])

    def instructions(self, path, mode, plugin):
        return self.count(path, mode, plugin) - self.count(self.capture("nothing", captures.nothing), mode, plugin)


def row(benches, name, quick):
    limit, mode, more, own, *base = ROWS[name]
    ratios = []
    for bench in benches:
        bench.more = more
        counts = []
        for (kind, function, *args), plugin in (own, True), (base[0] if base else own, False):
            args = [max(arg // 10, 1) if quick and type(arg) is int and arg > 10 else arg for arg in args]
            counts.append(bench.instructions(bench.capture(f"{kind}-quick" if quick else kind, function, *args), mode, plugin))
        ratios.append(counts[0] / counts[1])
    mark = "" if ratios[1] <= limit else "  EXCEEDED"
    print(f"{name:16} {ratios[0]:8.3f} {ratios[1]:8.3f}   limit {limit}{mark}", flush=True)


def scale(benches, quick):
    ratios = []
    for bench in benches:
        bench.more = ()
        costs = []
        for connections in SCALE:
            number = connections // 10 if quick else connections
            http, tcp = (bench.instructions(bench.capture(f"vc-{number}-{carrier}", captures.rpc_calls, carrier, number, 8), "-q",
                                            carrier == "http") for carrier in ("http", "tcp"))
            costs.append((http - tcp) / number)
        ratios.append(costs[1] / costs[0])
    print(f"{'connections':16} {ratios[0]:8.3f} {ratios[1]:8.3f}   limit 1.02{'' if ratios[1] <= 1.02 else '  EXCEEDED'}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[1])
    parser.add_argument("--quick", action="store_true", help="a tenth of it, to try the bench itself")
    parser.add_argument("--keep", type=pathlib.Path, help="a folder for the captures")
    parser.add_argument("builds", nargs=2, type=pathlib.Path)
    parser.add_argument("row", nargs="*", help=", ".join([*ROWS, "connections"]))
    options = parser.parse_args()
    names = options.row or [*ROWS, "connections"]
    if unknown := set(names) - {*ROWS, "connections"}:
        parser.error(f"no such row: {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory(prefix="bench.") as scratch, contextlib.ExitStack() as stack:
        folder = options.keep or pathlib.Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        counts = Counts(folder)
        benches = [Bench(stack.enter_context(wsrun.Tshark(build)), folder, options, counts) for build in options.builds]
        for bench in benches:
            print(f"{bench.tshark.version()}, plugin {bench.digest}")
            bench.made = benches[0].made
        print(f"{'':16} {'base':>8} {'new':>8}")
        for name in names:
            scale(benches, options.quick) if name == "connections" else row(benches, name, options.quick)


if __name__ == "__main__":
    main()
