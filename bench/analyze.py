"""python3 bench/analyze.py [--times N] [--small]

What ./analyze costs beside tshark -q with the three tables, which it may pass by 1.3: processor time of all that each
starts (user and system), on one capture of RPC over HTTP, MAPI/HTTP and plain HTTP, in turn, each time the other one
first. The ratio is that of the medians; that of each turn is shown, too. Run by hand; nothing here is a test.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tools")]
sys.dont_write_bytecode = True

import captures  # noqa: E402
import wsrun  # noqa: E402

TABLES = ["-n", "-q", "-o", "tcp.reassemble_out_of_order:TRUE", "-z", "rpch,connections", "-z", "mapihttp,sessions", "-z", "outlook,auth"]
LIMIT = 1.3


def make(folder, small):
    """All three kinds in one file, one behind the other."""
    share = 10 if small else 1
    parts = {"rpc": lambda path: captures.rpc_calls(path, "http", 2000 // share, 20),
             "mapi": lambda path: captures.mapi(path, 400 // share, 20),
             "web": lambda path: captures.web(path, 60000 // share)}
    frames = 0
    for name, write in parts.items():
        frames += write(folder / f"{name}.pcap")[0]
    path = folder / "all.pcapng"
    subprocess.run(["mergecap", "-a", "-w", path, *(folder / f"{name}.pcap" for name in parts)], check=True)
    return path, frames


def seconds(work):
    """Of the processor, by all that work starts and waits for."""
    before = os.times()
    work()
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", type=int, default=7)
    parser.add_argument("--small", action="store_true", help="a tenth of the packets")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, wsrun.Tshark() as tshark:
        path, frames = make(pathlib.Path(name), options.small)
        copy = tshark.private_copy(path)
        print(f"{frames:,} frames, {path.stat().st_size / 1e6:.0f} MB", flush=True)

        def tables():
            tshark.output(["-r", copy, *TABLES])

        def analyze():
            subprocess.run([sys.executable, HERE.parent / "tools" / "analyze.py", path], stdout=subprocess.DEVNULL, check=False)

        took = {tables: [], analyze: []}
        for turn in range(options.times):
            for work in (tables, analyze) if turn % 2 else (analyze, tables):
                took[work].append(seconds(work))
            print(f"   tables {took[tables][-1]:.2f} s, ./analyze {took[analyze][-1]:.2f} s, "
                  f"{took[analyze][-1] / took[tables][-1]:.3f}", flush=True)
    mine, base = statistics.median(took[analyze]), statistics.median(took[tables])
    print(f"./analyze {mine:.2f} s / tables {base:.2f} s = {mine / base:.3f} (limit {LIMIT}: "
          f"{'kept' if mine <= LIMIT * base else 'EXCEEDED'}); least {min(took[analyze]) / min(took[tables]):.3f}")


if __name__ == "__main__":
    main()
