"""python3 bench/measure.py [--quick] [--no-callgrind] [--times N] [--keep FOLDER] [PART ...]

What the plugin costs, in instructions (callgrind: they repeat), user time and memory. Parts: http (plain HTTP, plugin
against none), pdus (RPC over HTTP against the same PDUs over TCP), scale (many connections against few), mapi (MAPI/HTTP,
plugin against none), sessions (many of them against few). Run by hand,
on a machine that does nothing else; nothing here is a test.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import argparse
import os
import pathlib
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tools")]
sys.dont_write_bytecode = True

import captures  # noqa: E402
import wsrun  # noqa: E402

# Without a tap -q would dissect nothing. This one never hears of anything here, and wants neither tree nor columns.
MODES = {"-q": ["-q", "-z", "rpc,programs"], "-V": ["-V"]}
CALLGRIND = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]


class Bench:
    """Runs tshark on captures and remembers what it cost."""

    def __init__(self, tshark, folder, options):
        self.tshark, self.folder, self.options = tshark, folder, options
        self.made, self.counted = {}, {}

    def capture(self, name, function, *args, **how):
        if name not in self.made:
            path = self.folder / f"{name}.pcap"
            frames, pdus = function(path, *args, **how)
            self.made[name] = path
            print(f"   {name}: {frames:,} frames, {pdus:,} RPC PDUs or round trips, {path.stat().st_size / 1e6:.0f} MB", flush=True)
        return self.made[name]

    def run(self, path, mode, plugin, before=(), options=()):
        """(user seconds, elapsed seconds, peak KiB, what it wrote to stderr)."""
        command = [*before, "tshark", "-n", *MODES[mode], *options, "-r", "-"]
        env = self.tshark.env if plugin else self.tshark.stock_env
        with open(path, "rb") as source, tempfile.TemporaryFile() as errors:
            begin = time.monotonic()
            process = subprocess.Popen(command, stdin=source, stdout=subprocess.DEVNULL, stderr=errors, cwd="/",
                                       env=env, **self.tshark.user)
            _, status, usage = os.wait4(process.pid, 0)
            elapsed = time.monotonic() - begin
            process.returncode = os.waitstatus_to_exitcode(status)
            errors.seek(0)
            text = errors.read().decode("utf-8", "replace")
        if process.returncode:
            raise SystemExit(f"{' '.join(command)}: status {process.returncode}\n{text[-2000:]}")
        return usage.ru_utime, elapsed, usage.ru_maxrss, text

    def instructions(self, path, mode, plugin):
        """Without those that start tshark: an empty capture's are taken off."""
        def count(capture):
            key = capture, mode, plugin
            if key not in self.counted:
                *_, text = self.run(capture, mode, plugin, CALLGRIND)
                self.counted[key] = int(re.search(r"Collected : (\d+)", text)[1])
            return self.counted[key]
        return count(path) - count(self.capture("nothing", captures.nothing))

    def alternate(self, runs, mode):
        """runs: (path, plugin), or with options of tshark behind them. The runs in turn, --times times; medians of user
        time, elapsed time and peak KiB."""
        seen = [[] for _ in runs]
        for _ in range(self.options.times):
            for results, (path, plugin, *more) in zip(seen, runs):
                results.append(self.run(path, mode, plugin, options=more)[:3])
        return [tuple(statistics.median(row[at] for row in results) for at in range(3)) for results in seen]

    def compare(self, what, limit, runs, mode, count=None):
        """A line: plugin against baseline. count: smaller captures for callgrind, as runs are."""
        (user, elapsed, peak), (base_user, base_elapsed, base_peak) = self.alternate(runs, mode)
        line = f"{what} {mode}: user {user:.2f} s / {base_user:.2f} s = {user / base_user:.3f}, " \
               f"elapsed {elapsed:.2f} s / {base_elapsed:.2f} s, " \
               f"peak {peak / 1024:.0f} MiB / {base_peak / 1024:.0f} MiB"
        if not self.options.no_callgrind:
            mine, base = (self.instructions(path, mode, plugin) for path, plugin in count or runs)
            ratio = mine / base
            line += f"; instructions {mine / 1e9:.3f} G / {base / 1e9:.3f} G = {ratio:.3f}" \
                    f" (limit {limit}: {'kept' if ratio <= limit else 'EXCEEDED'})"
        print(line, flush=True)


def plain_http(bench):
    web = bench.capture("web", captures.web, 20000 if bench.options.quick else 200000)
    bench.compare("plain HTTP", 1.03, [(web, True), (web, False)], "-q")
    small = bench.capture("web-small", captures.web, 20000)
    bench.compare("plain HTTP", 1.03, [(small, True), (small, False)], "-V")


def pdus(bench):
    def pair(name, connections, **how):
        return [(bench.capture(f"{name}-{carrier}", captures.rpc_calls, carrier, connections, 500, **how),
                 carrier == "http") for carrier in ("http", "tcp")]
    many, few = 20 if bench.options.quick else 200, 20
    whole, small = pair("pdus", many), pair("pdus-small", few)
    bench.compare(f"{many * 500:,} PDUs", 1.25, whole, "-q")
    bench.compare(f"{many * 500:,} PDUs (instructions: {few * 500:,})", 2.0, whole, "-V", small)
    for what, how in ("no pure acknowledgement", {"acks": 0}), ("NSPI", {"service": captures.rpc.Nspi}):
        runs = pair(f"pdus-{what.split()[0]}", few, **how)
        for mode, limit in ("-q", 1.25), ("-V", 2.0):
            bench.compare(f"{few * 500:,} PDUs, {what}", limit, runs, mode)


def scale(bench):
    few, some, many = (500, 2000, 5000) if bench.options.quick else (1000, 10000, 100000)

    def pair(connections):
        return [(bench.capture(f"vc-{connections}-{carrier}", captures.rpc_calls, carrier, connections, 8),
                 carrier == "http") for carrier in ("http", "tcp")]

    costs = {}
    for connections in few, some, many:
        http = pair(connections)[0][0]
        stock = [(http, False), (http, False, "--disable-protocol", "http")]
        (mine, _, peak), (base, _, base_peak), *others = bench.alternate(pair(connections) + stock, "-q")
        kept, of_stock, of_tcp = ((more - base_peak) * 1024 / connections
                                  for more in (peak, *(row[2] for row in others)))
        verdict = "kept" if kept - of_stock <= 10240 else "EXCEEDED"
        print(f"{connections:,} connections of 8 PDUs -q: (plugin - baseline) per connection: user "
              f"{(mine - base) / connections * 1e6:.1f} us ({mine:.2f} s, {base:.2f} s), peak memory {kept:,.0f} bytes, of "
              f"which the plugin's own share is {kept - of_stock:,.0f} (limit 10,240: {verdict})"
              f"; the same capture in stock tshark {of_stock:,.0f}"
              f", with http switched off too {of_tcp:,.0f}", flush=True)
        if not bench.options.no_callgrind and connections <= bench.options.counted:
            http, tcp = (bench.instructions(path, "-q", plugin) for path, plugin in pair(connections))
            costs[connections] = (http - tcp) / connections
            ratio = costs[connections] / costs[few]
            verdict = "kept" if ratio <= 1.15 else "EXCEEDED"
            print(f"   instructions: {http / 1e9:.3f} G - {tcp / 1e9:.3f} G = {costs[connections]:,.0f} per connection"
                  f", {ratio:.3f} of that of {few:,} (limit 1.15: {verdict})", flush=True)


def mapi(bench):
    """Round trips with 4 KB of compressed ROPs each way. Callgrind counts fewer of them."""
    many, few = (4, 4) if bench.options.quick else (100, 4)
    whole = bench.capture("mapi", captures.mapi, many, 500)
    small = bench.capture("mapi-small", captures.mapi, few, 250)
    for mode, limit in ("-q", 1.5), ("-V", 4.0):
        bench.compare(f"{many * 500:,} Execute (instructions: {few * 250:,})", limit, [(whole, True), (whole, False)], mode,
                      [(small, True), (small, False)])


def sessions(bench):
    few, some, many = (100, 300, 1000) if bench.options.quick else (500, 5000, 50000)
    costs = {}
    for number in few, some, many:
        capture = bench.capture(f"sessions-{number}", captures.mapi, number, 2)
        (mine, _, peak), (base, _, base_peak) = bench.alternate([(capture, True), (capture, False)], "-q")
        print(f"{number:,} sessions of 4 round trips -q: (plugin - stock) per session: user "
              f"{(mine - base) / number * 1e6:.1f} us ({mine:.2f} s, {base:.2f} s), peak memory "
              f"{(peak - base_peak) * 1024 / number:,.0f} bytes", flush=True)
        if not bench.options.no_callgrind and number <= bench.options.counted:
            counted, stock = (bench.instructions(capture, "-q", plugin) for plugin in (True, False))
            costs[number] = (counted - stock) / number
            ratio = costs[number] / costs[few]
            print(f"   instructions: {counted / 1e9:.3f} G - {stock / 1e9:.3f} G = {costs[number]:,.0f} per session, "
                  f"{ratio:.3f} of that of {few:,} (limit 1.15: {'kept' if ratio <= 1.15 else 'EXCEEDED'})", flush=True)


PARTS = {"http": plain_http, "pdus": pdus, "scale": scale, "mapi": mapi, "sessions": sessions}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[1])
    parser.add_argument("--quick", action="store_true", help="small captures, to try the bench itself")
    parser.add_argument("--no-callgrind", action="store_true", help="times and memory only")
    parser.add_argument("--times", type=int, default=3, help="runs of which the median time counts")
    parser.add_argument("--counted", type=int, default=100000, help="most connections that callgrind is run on")
    parser.add_argument("--keep", type=pathlib.Path, help="a folder for the captures")
    parser.add_argument("part", nargs="*", metavar="PART", help=", ".join(PARTS))
    options = parser.parse_args()
    if unknown := set(options.part) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    with wsrun.Tshark() as tshark, tempfile.TemporaryDirectory(prefix="bench.") as scratch:
        print(f"{tshark.version()}, plugin {tshark.prove_loaded()[:16]}, {platform.machine()}, {os.cpu_count()} CPUs, "
              f"{time.strftime('%Y-%m-%d')}")
        folder = options.keep or pathlib.Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        bench = Bench(tshark, folder, options)
        for part in options.part or PARTS:
            print(f"== {part}", flush=True)
            PARTS[part](bench)


if __name__ == "__main__":
    main()
