"""Where samples are: test-captures/FAMILY/NAME, each with capture, README.md and expect.json. A family is the first word of
a name, of "mapi" the second, too: mapi-auth-bearer is in mapi/auth. Names stand once, so a name is enough to find a sample.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import pathlib

CASES = "cases"    # captures that others made: tests/tshark/run_cases.py
SAMPLES = pathlib.Path(__file__).resolve().parents[2] / "test-captures"


def family(name):
    if (SAMPLES / CASES / name).is_dir():
        return CASES
    first, second, *_ = *name.split("-"), "", ""
    return f"{first}/{second}" if first == "mapi" else first


def folder(name):
    """Of a sample, there or not."""
    return SAMPLES / family(name) / name


def folders():
    """Of all samples there are, by name."""
    return sorted((path.parent for path in SAMPLES.rglob("expect.json")), key=lambda path: path.name)
