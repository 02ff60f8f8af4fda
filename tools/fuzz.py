"""Runs every libFuzzer target of a folder for a share of the time.

    fuzz.py [--seconds N] [--seed N] FOLDER

A crash, a leak or a time-out is a failure; the input that caused it stays in FOLDER. The same seed makes the same inputs from
an empty corpus, so that what ./check finds is what a change did; without one they differ each time.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=60, help="for all targets together")
    parser.add_argument("--seed", type=int, default=0, help="of the inputs; 0: another each time")
    parser.add_argument("folder", type=pathlib.Path)
    options = parser.parse_args()
    targets = sorted(path for path in options.folder.glob("fuzz_*") if os.access(path, os.X_OK) and path.is_file())
    if not targets:
        sys.exit(f"no fuzz target in {options.folder}")
    # Two at a time at most: one would leave a core idle, more would share one.
    workers = max(1, min(len(targets), os.cpu_count() or 1))
    share = max(1, options.seconds * workers // len(targets))
    passed = failed = 0
    for first in range(0, len(targets), workers):
        running = []
        for target in targets[first:first + workers]:
            corpus = options.folder / "corpus" / target.name
            corpus.mkdir(parents=True, exist_ok=True)
            log = open(options.folder / f"{target.name}.log", "w+b")
            command = [str(target.resolve()), f"-max_total_time={share}", f"-seed={options.seed}", "-timeout=10", "-rss_limit_mb=1024",
                       "-max_len=66000", f"-artifact_prefix={options.folder.resolve()}/{target.name}.", str(corpus)]
            running.append((target, log, subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)))
        for target, log, process in running:
            status = process.wait()
            log.seek(0)
            text = log.read().decode("utf-8", "replace")
            runs = re.findall(r"Done (\d+) runs", text)
            if status == 0 and runs:
                passed += 1
                print(f"note: {target.name}: {int(runs[-1]):,} inputs in {share} s")
            else:
                failed += 1
                print(f"{target.name}: exit status {status}\n{text[-4000:]}")
            log.close()
    print(f"{passed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
