#!/usr/bin/env python3
"""Shows that no part of the plugin uses what stands above it.

    structure.py [--edges] [--order] [--known] [--self-test] [BUILD]

From the object files in BUILD (./build): which file of plugin/core and plugin/ws uses a function
or data that another file defines. From the sources: which file includes which header. A failure
is a circle among files or among rooms, a room that uses or includes what ROOMS does not let it
see, a circle among headers, and a static of core that can be written. What was there before the
rooms were is in CIRCLES and UPWARDS below: those lists only shrink, so an entry that is not true
any more is a failure, too.

    --edges      every use of a file by a file
    --order      the rooms from the lowest up, and what each sees
    --known      CIRCLES and UPWARDS as they would have to be now
    --self-test  puts faults of each kind into a scratch copy and looks that each is found

What the objects cannot show is a use of a type, a macro or an enum: the includes show that. A call
through a pointer is seen by neither: that is how a listener is called.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import argparse
import collections
import contextlib
import io
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

PROJECT = pathlib.Path(__file__).resolve().parent.parent
PARTS = ("core", "ws")

# A room, and the rooms it may use. "names" after a room: its tables of names and no more.
# ws/input is what feeds the state, segment by segment and head by head: it calls core/track, whose
# types it has from core/outlook.h. The others see of the state what core and core/report tell.
ROOMS = {
    "core/base": (),
    "core/http": ("core/base",),
    "core/rpc": ("core/base",),
    "core/mapi": ("core/base",),
    "core/track": ("core/base", "core/http", "core/rpc", "core/mapi"),
    "core/judge": ("core/base", "core/track", "core/http names", "core/rpc names", "core/mapi names"),
    "core/report": ("core/base", "core/http", "core/rpc", "core/mapi", "core/track", "core/judge"),
    "core": ("core/base", "core/http", "core/rpc", "core/mapi", "core/track", "core/judge", "core/report"),
    "ws/base": ("core/base", "core/http", "core"),       # notes keep where the framing of a body stands
    "ws/input": ("core/base", "core/http", "core/rpc", "core/track", "core", "ws/base"),
    "ws/show": ("core/base", "core/http", "core/rpc", "core/mapi", "core/judge names", "core", "ws/base"),
    "ws/stats": ("core/base", "core/mapi names", "core/judge names", "core/report", "core", "ws/base"),
    "ws": ("core", "ws/base", "ws/input", "ws/show", "ws/stats"),
}
NAMES = re.compile(r"_names?$|_name_of$|_label$|_code_is_|\bverdict_(rows|filter)$")     # of values, and what kind of code it is

# Circles that were there before the rooms were.
CIRCLES = []
# "ROOM uses ROOM" and "ROOM includes ROOM" that were there before the rooms were.
UPWARDS = []


class NotMeasured(Exception):
    """The objects are not those of the sources."""


# ---- graphs --------------------------------------------------------------------------------

def circles(edges):
    """Strongly connected sets of more than one (Tarjan, without recursion)."""
    index, low, on, stack, found = {}, {}, set(), [], []
    for root in sorted({*edges, *(to for each in edges.values() for to in each)}):
        if root in index:
            continue
        index[root] = low[root] = len(index)
        stack.append(root)
        on.add(root)
        work = [(root, iter(sorted(edges.get(root, ()))))]
        while work:
            node, rest = work[-1]
            for to in rest:
                if to not in index:
                    index[to] = low[to] = len(index)
                    stack.append(to)
                    on.add(to)
                    work.append((to, iter(sorted(edges.get(to, ())))))
                    break
                if to in on:
                    low[node] = min(low[node], index[to])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    part = set()
                    while node not in part:
                        part.add(stack.pop())
                    on -= part
                    if len(part) > 1:
                        found.append(sorted(part))
    return sorted(found)


def shortest(part, edges):
    """The shortest way around in a circle: [a, b, ..., a]."""
    best = None
    for start in part:
        before, queue = {start: None}, collections.deque([start])
        while queue:
            node = queue.popleft()
            for to in sorted(set(edges.get(node, ())) & set(part)):
                if to == start:
                    way = [start]
                    while node is not None:
                        way.append(node)
                        node = before[node]
                    if best is None or len(way) < len(best):
                        best = way[::-1]
                    queue.clear()
                    break
                if to not in before:
                    before[to] = node
                    queue.append(to)
    return best


# ---- measuring -----------------------------------------------------------------------------

def room(name):
    return os.path.dirname(name)


def some(names, most=6):
    names = sorted(names)
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


class Symbols:
    """Of one object: what it defines and takes, by name, and its variables that can be written."""

    def __init__(self, path):
        self.gives, self.takes, self.writable = set(), set(), set()
        text = subprocess.run(["objdump", "-t", str(path)], check=True, stdout=subprocess.PIPE, text=True).stdout
        for line in text.splitlines():
            match = re.match(r"[0-9a-f]{8,16} (.{7}) (\S+)\s+[0-9a-f]+(?:\s+\.(?:hidden|protected|internal))? (\S+)$", line)
            if not match:
                continue
            flags, section, name = match.groups()
            bound, kind = flags[0], flags[6]
            if section == "*UND*":
                if flags[1] != "w":              # weak ones are the linker's and the sanitizers'
                    self.takes.add(name)
            elif bound in "gu!" and kind != "f":
                self.gives.add(name)
            if section == "*COM*" or kind == "O" and re.match(r"\.(t?data(?!\.rel\.ro)|t?bss)\b", section):
                self.writable.add(re.sub(r"\.\d+$", "", name))


def current(build):
    """The objects below build; what is left of sources that went is passed over."""
    found, commands = sorted(build.rglob("*.o")), build / "compile_commands.json"
    if commands.exists():
        made = {os.path.join(one["directory"], shlex.split(one["command"])[shlex.split(one["command"]).index("-o") + 1])
                for one in json.loads(commands.read_text())}
        found = [path for path in found if str(path) in made]
    return found


class House:
    """The files of plugin/ with their objects, uses and includes."""

    def __init__(self, build, plugin):
        self.build, self.plugin, self.wrong = build, plugin, []
        sources = {path.relative_to(plugin).as_posix() for part in PARTS for path in (plugin / part).rglob("*.c")}
        self.objects, self.tests = collections.defaultdict(list), []
        for path in current(build):
            parts = path.relative_to(build).as_posix()
            if match := re.search(r"^plugin/CMakeFiles/[^/]*\.dir/((?:core|ws)/.*\.c)\.o$", parts):
                self.objects[match[1]].append(path)
            elif parts.startswith("tests/"):
                self.tests.append(path)
        self.wrong += [f"{name} is not built" for name in sorted(sources - set(self.objects))]
        if not self.objects:
            raise NotMeasured(f"no object of {plugin} below {build}")
        self.symbols, self.by = {}, {}
        for name, paths in sorted(self.objects.items()):
            for path in paths:
                if path.stat().st_mtime < (plugin / name).stat().st_mtime:
                    self.wrong.append(f"{path.name} is older than {name}: build first")
            self.symbols[name] = Symbols(paths[0])
            for symbol in self.symbols[name].gives:
                if symbol in self.by:
                    self.wrong.append(f"{symbol} is defined in {self.by[symbol]} and in {name}")
                self.by[symbol] = name
        self.edges = {name: collections.defaultdict(set) for name in self.symbols}
        for name, symbols in self.symbols.items():
            for symbol in symbols.takes:
                if self.by.get(symbol, name) != name:
                    self.edges[name][self.by[symbol]].add(symbol)
        self.rooms = collections.defaultdict(lambda: collections.defaultdict(set))
        for name, uses in self.edges.items():
            for other, symbols in uses.items():
                if room(name) != room(other):
                    self.rooms[room(name)][room(other)] |= {f"{os.path.basename(name)}: {one}" for one in symbols}
        self.read_includes()

    def read_includes(self):
        """Headers are included by bare names, so a name may stand once only."""
        where = {}
        for path in sorted(path for part in PARTS for path in (self.plugin / part).rglob("*.h")):
            if path.name in where:
                self.wrong.append(f"two headers are called {path.name}")
            where[path.name] = path.relative_to(self.plugin).as_posix()
        self.includes = collections.defaultdict(dict)
        for path in sorted(path for part in PARTS for path in (self.plugin / part).rglob("*.[ch]")):
            for name in re.findall(r'^\s*#\s*include\s+"([^"]+)"', path.read_text(encoding="utf-8"), re.MULTILINE):
                if (name := os.path.basename(name)) in where:
                    self.includes[path.relative_to(self.plugin).as_posix()][where[name]] = {name}

    def circles(self):
        """[(names, edges)] among files, rooms and headers."""
        headers = {name: others for name, others in self.includes.items() if name.endswith(".h")}
        return [(part, edges) for edges in (self.edges, self.rooms, headers) for part in circles(edges)]

    def upwards(self):
        """{"ROOM uses ROOM": what} of all that ROOMS does not allow."""
        found = collections.defaultdict(set)
        for name, uses in self.rooms.items():
            for other, symbols in uses.items():
                if other in ROOMS.get(name, ()):
                    continue
                if f"{other} names" in ROOMS.get(name, ()):
                    symbols = {one for one in symbols if not NAMES.search(one)}
                if symbols:
                    found[f"{name} uses {other}"] |= symbols
        for name, headers in self.includes.items():
            for header in headers:
                seen = {room(name), *(one.removesuffix(" names") for one in ROOMS.get(room(name), ()))}
                if room(header) not in seen:
                    found[f"{room(name)} includes {room(header)}"].add(f"{os.path.basename(name)}: {header}")
        return found

    def unused(self):
        """(symbols that only tests use, symbols that nothing uses) outside the file that defines them."""
        used = {symbol for uses in self.edges.values() for symbols in uses.values() for symbol in symbols}
        tested = {symbol for path in self.tests for symbol in Symbols(path).takes}
        alone = {symbol for symbol in self.by if symbol not in used and not symbol.startswith("plugin_")}
        return sorted(alone & tested), sorted(alone - tested)


def layers(house):
    """The rooms from the lowest up; those in a circle are one layer."""
    level, rest = [], {room(name) for name in house.symbols}
    while rest:
        ready = {one for one in rest if not (set(house.rooms.get(one, ())) - {one}) & rest}
        level.append(sorted(ready or rest))
        rest -= ready or rest
    return level


# ---- judging -------------------------------------------------------------------------------

def show_circle(part, edges):
    uses = sum(len(edges[a][b]) for a in part for b in edges.get(a, ()) if b in part)
    print(f"a circle of {len(part)} with {uses} uses: {' '.join(part)}")
    way = shortest(part, edges)
    for a, b in zip(way, way[1:]):
        print(f"    {a} -> {b}: {some(edges[a][b])}")


def judge(house, known_circles=None, known_upwards=None):
    """Prints what is wrong; returns (good, wrong) as numbers of what was looked at."""
    known_circles = CIRCLES if known_circles is None else known_circles
    known_upwards = UPWARDS if known_upwards is None else known_upwards
    wrong = 0
    found = {" ".join(part): (part, edges) for part, edges in house.circles()}
    for text, (part, edges) in found.items():
        if text not in known_circles:
            wrong += 1
            show_circle(part, edges)
    for text in known_circles:
        if text not in found:
            wrong += 1
            print(f"listed as a circle, and is none any more (--known shows what is left): {text}")
    upwards = house.upwards()
    for text, what in sorted(upwards.items()):
        if text not in known_upwards:
            wrong += 1
            print(f"upwards: {text}: {some(what)}")
    for text in known_upwards:
        if text not in upwards:
            wrong += 1
            print(f"listed as upwards, and is not so any more: {text}")
    for name in sorted({room(name) for name in house.symbols} - set(ROOMS)):
        wrong += 1
        print(f"{name} is no room of ROOMS")
    for name, symbols in house.symbols.items():
        if name.startswith("core/") and symbols.writable:
            wrong += 1
            print(f"{name} has statics that can be written: {some(symbols.writable)}")
    return len(house.symbols), wrong


def summary(house):
    uses = sum(len(symbols) for each in house.edges.values() for symbols in each.values())
    print(f"{len(house.symbols)} files in {len({room(name) for name in house.symbols})} rooms, {len(house.by)} symbols, {uses} uses "
          f"between {sum(len(each) for each in house.edges.values())} pairs of files")
    if CIRCLES or UPWARDS:
        print(f"note: {len(CIRCLES)} circles and {len(UPWARDS)} looks upwards are left of before the rooms")
    tested, nothing = house.unused()
    print(f"note: {len(tested) + len(nothing)} symbols that no other file uses; {len(nothing)} of these no test either: "
          f"{' '.join(nothing) or '-'}")
    if tested:
        print(f"used by tests only: {' '.join(tested)}")
    written = {one for name, symbols in house.symbols.items() if name.startswith("ws/") for one in symbols.writable
               if not re.search(r"(^|_)(hf|ett|ei|handle|proto|tap)(_|$)|^of_", one)}
    print(f"statics of ws that can be written, but for fields, handles and the like: {' '.join(sorted(written)) or '-'}")


# ---- the test of the test ------------------------------------------------------------------

class Scratch:
    """A copy of the sources and objects that faults are put in."""

    def __init__(self, build, folder):
        self.build, self.folder = build, pathlib.Path(folder)
        for part in PARTS:
            shutil.copytree(PROJECT / "plugin" / part, self.folder / "source" / part)
        for path in current(build):
            to = self.folder / "build" / path.relative_to(build)
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, to)
        commands = json.loads((build / "compile_commands.json").read_text())
        self.commands = {os.path.relpath(one["file"], PROJECT / "plugin"): one for one in commands}

    def house(self):
        return House(self.folder / "build", self.folder / "source")

    def add(self, name, text, compiled=True):
        """The file with text behind it."""
        path = self.folder / "source" / name
        with open(path, "a", encoding="utf-8") as out:
            out.write(text)
        if not compiled:
            os.utime(path, (0, 0))
            return
        one = self.commands[name]
        words = shlex.split(one["command"])
        to = self.folder / "build" / words[words.index("-o") + 1]
        words[words.index("-o") + 1] = str(to)
        words[words.index("-c") + 1] = str(path)
        subprocess.run([*words, "-iquote", str(PROJECT / "plugin" / room(name)), "-w"], cwd=one["directory"], check=True)


def use(symbol):
    return f"\nextern const char {symbol}[];\nconst char *structure_use(void);\n" \
           f"const char *structure_use(void)\n{{\n    return {symbol};\n}}\n"


def faults(house):
    """(what, file, text, compiled): one fault of each kind, of files that are in no circle today."""
    def first(kind, symbols):
        return next(one for one in sorted(symbols) if kind(one))
    low = next(name for name in sorted(house.symbols) if room(name) == "core/base")
    in_circles = {name for part, _ in house.circles() for name in part}
    above = [name for name in sorted(house.symbols) if room(name) == "core/track"]
    symbol = next(one for name in above for one in sorted(house.symbols[name].gives))
    yield "a use of track by base", low, use(symbol), True
    a, b = next((a, b) for a in sorted(house.edges) for b in sorted(house.edges[a])
                if room(a) == room(b) and not {a, b} & in_circles and house.symbols[a].gives)
    yield f"a circle of {a} and {b}", b, use(first(bool, house.symbols[a].gives)), True
    ws = next(name for name in sorted(house.symbols) if name.startswith("ws") and house.symbols[name].gives)
    yield "a use of ws by core", above[0], use(first(bool, house.symbols[ws].gives)), True
    decoder = next(one for name in sorted(house.symbols) if room(name) == "core/mapi"
                   for one in sorted(house.symbols[name].gives) if not NAMES.search(one))
    judges = next(name for name in sorted(house.symbols) if room(name) == "core/judge")
    yield "a judge that decodes", judges, use(decoder), True
    yield "a static that can be written", low, "\nint *structure_static(void);\nint *structure_static(void)\n{\n" \
        "    static int kept = 1;\n    return &kept;\n}\n", True
    header = next(path for path in sorted(house.plugin.rglob("*.h")) if path.parent.name == "track").name
    yield "an include of track in base", low, f'\n#include "{header}"\n', False
    a, b = next((a, b) for a in sorted(house.includes) for b in sorted(house.includes[a]) if a.endswith(".h") and a != b)
    yield f"a circle of {a} and {b}", b, f'\n#include "{os.path.basename(a)}"\n', False


def self_test(build):
    failed = 0
    house = House(build, PROJECT / "plugin")
    cases = [("nothing", None, "", False), *faults(house)]
    for what, name, text, compiled in cases:
        with tempfile.TemporaryDirectory() as folder:
            scratch = Scratch(build, folder)
            if name:
                scratch.add(name, text, compiled)
            said = io.StringIO()
            with contextlib.redirect_stdout(said):
                _, wrong = judge(scratch.house())
        before = "found" if wrong else "not found"
        if bool(wrong) != bool(name):
            failed += 1
            print(f"{what}: {before}\n{said.getvalue()}")
        else:
            print(f"{what}: {before}")
    for lists in (([*CIRCLES, "core/base/a.c core/base/b.c"], None), (None, [*UPWARDS, "core/base uses core/judge"])):
        with contextlib.redirect_stdout(io.StringIO()):
            _, wrong = judge(house, *lists)
        if not wrong:
            failed += 1
            print(f"{lists}: an entry that is not true any more is not found")
    print(f"{len(cases) + 2 - failed} passed, {failed} failed")
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--edges", action="store_true")
    parser.add_argument("--order", action="store_true")
    parser.add_argument("--known", action="store_true")
    parser.add_argument("--self-test", action="store_true")
    parser.add_argument("build", nargs="?", type=pathlib.Path, default=PROJECT / "build")
    options = parser.parse_args()
    try:
        house = House(options.build.resolve(), PROJECT / "plugin")
        if house.wrong:
            raise NotMeasured("\n".join(house.wrong))
        if options.self_test:
            return self_test(options.build.resolve())
    except NotMeasured as error:
        print(error)
        return 2
    for name in sorted(house.edges) if options.edges else ():
        for other, symbols in sorted(house.edges[name].items()):
            print(f"{name} -> {other}: {', '.join(sorted(symbols))}")
    for number, names in enumerate(layers(house) if options.order else ()):
        for name in names:
            print(f"{number}: {name} sees {' '.join(sorted(house.rooms.get(name, ()))) or 'nothing'}")
    if options.known:
        print("CIRCLES:", *sorted(" ".join(part) for part, _ in house.circles()), "UPWARDS:", *sorted(house.upwards()), sep="\n    ")
    good, wrong = judge(house)
    summary(house)
    print(f"{good} passed, {wrong} failed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
