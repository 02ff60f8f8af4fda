"""rops.txt of test-captures/rops: what the generator (tests/synth/rops.py) put into each list of ROPs.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import dataclasses
import json
import pathlib
import re

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "test-captures" / "rops"
WORD = re.compile(r" *([\w.\[\]]+)=")
DECODER = json.JSONDecoder()


@dataclasses.dataclass
class Rop:
    id: int
    at: int
    size: int
    leaves: list                     # (path, number or text)
    answered: bool = True            # of a request: a response speaks of it

    @property
    def values(self):
        return dict(self.leaves)


@dataclasses.dataclass
class Put:
    """A list: the payload of one extended buffer."""
    asks: bool                       # of a request
    frame: int
    buffer: int
    size: int
    handles: list
    rops: list
    rest: tuple = None               # (place, size) of what cannot be read


def load(folder):
    """The lists of one sample, those of a request before those of its response."""
    found = []
    for line in (folder / "rops.txt").read_text(encoding="utf-8").split("\n"):
        if not line:
            continue
        words = line.split(" ")
        if not line.startswith(" "):
            frame, buffer, size = words[1], words[2], words[3].rstrip(":")
            found.append(Put(words[0] == ">", int(frame), int(buffer), int(size), [int(word, 16) for word in words[4:]], []))
        elif words[2] == "rest":
            found[-1].rest = tuple(int(word) for word in words[3].split("+"))
        else:
            at, size = words[3].split("+")
            found[-1].rops.append(Rop(int(words[2], 16), int(at), int(size), list(leaves(" ".join(words[4:])))))
    return found


def leaves(text):
    at = 0
    while match := WORD.match(text, at):
        value, at = DECODER.raw_decode(text, match.end())
        yield match[1], value
    if text[at:].strip():
        raise ValueError(f"rops.txt: {text[at:at + 40]!r}")


def folders():
    return sorted(path.parent for path in FOLDER.glob("*/rops.txt"))
