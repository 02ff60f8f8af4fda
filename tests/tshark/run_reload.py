"""Shows that a second file, the first again, and a preference changed and changed back leave nothing behind.

    run_reload.py [--asan] [--part N/M] [SAMPLE ...]

In one sharkd: a sample, another one, the first again, the first with another preference, the
first with the preference as before. Each time the packet list, every frame's tree and the
plugin's tables must be what a fresh sharkd gives. --asan runs it with the plugin built with
ASan and UBSan (tools/robust.py), where what a file left behind and freed is noticed, too.
Without names every twelfth sample stands beside another one.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import common
import wsrun

SECONDS = 300
TABLES = "nstat:rpch,connections", "nstat:mapihttp,sessions", "nstat:outlook,auth", "srt:rop", "stat:rop"
# What is changed and changed back: the plugin's preferences, and one of tcp that decides what the plugin is given.
PREFERENCES = (("rpch.same_proxy_required", "TRUE", "FALSE"), ("tcp.desegment_tcp_streams", "FALSE", "TRUE"))


def forget_unset_streams(answer):
    """sharkd 4.6 gives a follow entry that has no filter a stream number that nobody set: stock's, and another each run."""
    result = answer.get("result")
    for entry in (result.get("follow") or []) if isinstance(result, dict) else []:
        if isinstance(entry, dict) and entry.get("filter") is None:
            entry.pop("stream", None)


class Talk:
    """Requests for one sharkd, and which answers belong together."""

    def __init__(self):
        self.calls, self.shows = [], []

    def call(self, method, **params):
        self.calls.append({"jsonrpc": "2.0", "id": len(self.calls) + 1, "method": method, "params": params})

    def set(self, name, value):
        self.call("setconf", name=name, value=value)

    def options(self, sample, tshark):
        options = sample.options(tshark)
        chosen = {**{str(text).partition(":")[0]: str(text).partition(":")[2]
                     for name, text in zip(options, options[1:]) if name == "-o"},
                  **((sample.expect or {}).get("preferences") or {})}
        for name, value in chosen.items():
            self.set(name, value)

    def show(self, sample):
        """Loads the file and asks for all there is to see of it."""
        first = len(self.calls)
        self.call("load", file=str(sample.copy))
        self.call("frames")
        for frame in range(len(sample.capture.packets), 0, -1):
            self.call("frame", frame=frame, proto=True)
        self.call("tap", **{f"tap{number}": table for number, table in enumerate(TABLES)})
        self.shows.append((first, len(self.calls)))

    def run(self, tshark, env):
        """The answers of each show(), as text."""
        text = "".join(json.dumps(call) + "\n" for call in [*self.calls, {"jsonrpc": "2.0", "id": 0, "method": "bye"}])
        process = tshark.popen(["-"], program="sharkd", env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
        try:
            out, err = process.communicate(text.encode(), timeout=SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise ValueError(f"sharkd took longer than {SECONDS} s") from None
        if process.returncode or b"ERROR: AddressSanitizer" in err or b"runtime error:" in err:
            raise ValueError(f"sharkd ended with {process.returncode}: {err[-600:].decode('utf-8', 'replace')}")
        answers = {}
        for line in out.decode("utf-8", "replace").splitlines():
            answer = json.loads(line)
            number = answer.pop("id")
            forget_unset_streams(answer)
            answers[number] = json.dumps(answer, sort_keys=True)
        return [[answers.get(number + 1, "no answer") for number in range(*show)] for show in self.shows]


def alike(counter, what, got, expected):
    if counter.check(len(got) == len(expected), f"{what}: {len(got)} answers, {len(expected)} in a fresh sharkd"):
        for number, (one, other) in enumerate(zip(got, expected)):
            at = next((i for i, (a, b) in enumerate(zip(one, other)) if a != b), min(len(one), len(other)))
            counter.check(one == other, f"{what}: answer {number} is not that of a fresh sharkd: "
                                        f"...{one[max(0, at - 60):at + 80]!r} for ...{other[max(0, at - 60):at + 80]!r}")


def test(tshark, env, pair, counter):
    first, second = pair.first, pair.second
    fresh = {}

    def alone(name, sample, *settings):
        talk = Talk()
        talk.options(sample, tshark)
        for key, value in settings:
            talk.set(key, value)
        talk.show(sample)
        fresh[name] = talk.run(tshark, env)[0]

    talk = Talk()
    talk.options(first, tshark)
    names = {call["params"]["name"] for call in talk.calls}
    other = Talk()
    other.options(second, tshark)
    if talk.calls or other.calls:    # what one needs would reach the other
        second = first
    alone("first", first)
    alone("second", second)
    talk.show(first)
    talk.show(second)
    talk.show(first)
    order = ["first", "second", "first"]
    for key, other, usual in PREFERENCES:
        if key in names:
            continue
        alone(key, first, (key, other))
        talk.set(key, other)
        talk.show(first)
        talk.set(key, usual)
        talk.show(first)
        order += [key, "first"]
    for number, (name, got) in enumerate(zip(order, talk.run(tshark, env))):
        alike(counter, f"file {number + 1} ({name})", got, fresh[name])


class Pair:
    def __init__(self, first, second):
        self.first, self.second, self.name = first, second, f"{first.name} and {second.name}"


def main():
    arguments = common.Arguments("--asan")
    env, build = None, None
    if "--asan" in arguments.flags:
        import robust
        env, build = robust.build(), robust.BUILD
    subjects = common.samples(*arguments.names, kind=None)
    step = 1 if arguments.names else 12
    pairs = arguments.part([Pair(sample, subjects[(number * step + len(subjects) // 2) % len(subjects)])
                    for number, sample in enumerate(subjects[::step])])
    with wsrun.Tshark(build) as tshark:
        return common.run_all(lambda pair, counter: test(tshark, env, pair, counter), pairs)


if __name__ == "__main__":
    sys.exit(main())
