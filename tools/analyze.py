"""The driver of ./analyze: runs tshark -z outlook,report over each capture, and says how it went by its exit status.

What a capture holds is judged in the plugin: here is what stands around it. Files that are no captures get a sentence,
archives of HTTP sessions are made captures, files of one ring buffer are joined.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import argparse
import collections
import contextlib
import json
import os
import pathlib
import re
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
import textwrap
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import wsrun
from archive import convert, filekind
from archive.errors import BadArchive

HEALTHY, FAILED, CANNOT_TELL = 0, 1, 2
RESULTS = {"healthy": HEALTHY, "failed": FAILED}
DEFAULT_SAMPLE = "split-lb"
WIDTH = 100                          # of a page that is no terminal
INDENT = 9                           # of what goes on in a further line, as in the report
ARCHIVES = ("saz", "har")
# dumpcap -b names a file by its number in the ring and its time; from 4.4 on the other way round if asked to.
RING = re.compile(r"(?P<base>.+)_(?:(?P<number>\d{5})_(?P<time>\d{14})|(?P<time2>\d{14})_(?P<number2>\d{5}))(?P<ending>(?:\.\w+)*)$")
KEY_LINE = re.compile(rb"^(?:CLIENT_RANDOM|(?:CLIENT|SERVER)_\w+|EXPORTER_SECRET|EARLY_EXPORTER_SECRET|RSA|PMS_CLIENT_RANDOM) ", re.MULTILINE)
DOUBTFUL = "not a capture that tshark can read"


# ---- what is to be read ----------------------------------------------------------------------

class Input:
    """A capture: one file, the files of a ring in their order, or "-" for standard input."""

    def __init__(self, *paths, kind=None):
        self.paths, self.kind = paths, kind

    @property
    def name(self):
        if len(self.paths) == 1:
            return "standard input" if self.paths[0] == "-" else str(self.paths[0])
        first = pathlib.Path(self.paths[0])
        match = RING.match(first.name)
        return f"{first.parent / match['base']}_*{match['ending']} ({len(self.paths)} files of one ring)"


class Unreadable(Exception):
    """Its text says why, and what to do instead."""


def default_inputs():
    samples = sorted((wsrun.PROJECT / "test-captures").rglob("*.pcap*"))
    chosen = [path for path in samples if DEFAULT_SAMPLE in str(path.relative_to(wsrun.PROJECT))]
    if not chosen:
        raise Unreadable("test-captures/ has no mis-routed sample: name a capture")
    return [Input(chosen[0])]


def in_folder(folder):
    """The captures and archives of a folder, not of those in it."""
    try:
        paths = sorted(path for path in pathlib.Path(folder).iterdir() if path.is_file())
    except OSError as error:
        raise Unreadable(error.strerror or str(error)) from None
    found = []
    for path in paths:
        with contextlib.suppress(OSError):
            kind = filekind.of(path)
            if kind.name in ("capture", *ARCHIVES):
                found.append(path)
    if not found:
        raise Unreadable("a folder without a capture or an archive: name the files, or the folder that holds them")
    return found


def joined(paths):
    """Files of one ring as one input, where the first of them stands; a name that comes twice is read twice."""
    rings = collections.defaultdict(list)
    for path in paths:
        match = RING.match(path.name)
        if match:
            rings[path.parent, match["base"], match["ending"]].append(
                (match["time"] or match["time2"], match["number"] or match["number2"], path))
    done, inputs = set(), []
    for path in paths:
        match = RING.match(path.name)
        key = match and (path.parent, match["base"], match["ending"])
        members = [member for _, _, member in sorted(rings.get(key, []))]
        if len(set(members)) < 2 or len(set(members)) != len(members):
            inputs.append(Input(path))
        elif key not in done:
            done.add(key)
            inputs.append(Input(*members))
    return inputs


def inputs_of(names):
    """(inputs, [(name, why not)])."""
    paths, refused, standard = [], [], []
    for name in names:
        if name == "-":
            standard.append(Input("-"))
            continue
        try:
            paths += in_folder(name) if os.path.isdir(name) else [pathlib.Path(name)]
        except Unreadable as error:
            refused.append((name, str(error)))
    return joined(paths) + standard, refused


# ---- progress --------------------------------------------------------------------------------

class FileRead:
    """How much of a file tshark has read: its offset is that of the file here, too."""

    def __init__(self, file):
        self.number, self.size = file.fileno(), 0
        with contextlib.suppress(OSError):
            status = os.fstat(self.number)
            self.size = status.st_size if stat.S_ISREG(status.st_mode) else 0

    def part(self):
        """From 0 to 1; None if that cannot be told."""
        return os.lseek(self.number, 0, os.SEEK_CUR) / self.size if self.size else None


class RingRead:
    """How much of its files mergecap has read: Linux tells the offset of what another process has open."""

    def __init__(self, process, paths):
        self.process, self.sizes, self.opened = process, {}, set()
        for path in paths:
            with contextlib.suppress(OSError):
                status = os.stat(path)
                self.sizes[status.st_dev, status.st_ino] = status.st_size

    def offsets(self):
        """{file: how far it is read} of those that are open."""
        found, place = {}, pathlib.Path(f"/proc/{self.process.pid}")
        for link in (place / "fd").iterdir():
            with contextlib.suppress(OSError):
                status = link.stat()
                if (status.st_dev, status.st_ino) in self.sizes:
                    position = re.search(r"^pos:\s*(\d+)", (place / "fdinfo" / link.name).read_text(), re.MULTILINE)
                    found[status.st_dev, status.st_ino] = int(position[1]) if position else 0
        return found

    def part(self):
        """From 0 to 1; None if that cannot be told."""
        try:
            offsets = self.offsets()
        except OSError:
            return 1.0 if self.opened else None           # it has ended, or this is no Linux
        self.opened |= set(offsets)
        done = sum(offsets.get(file, self.sizes[file]) for file in self.opened)
        return done / max(1, sum(self.sizes.values()))


class Progress:
    """A bar on standard error while tshark reads, if that is a terminal."""

    BAR, STEP, QUIET = 30, 0.2, 0.4

    def __init__(self, name, source):
        self.name, self.source, self.end, self.thread = name, source, threading.Event(), None

    def __enter__(self):
        if sys.stderr.isatty():
            self.thread = threading.Thread(target=self.show, daemon=True)
            self.thread.start()
        return self

    def __exit__(self, *_):
        self.end.set()
        if self.thread:
            self.thread.join()

    def show(self):
        began, shown = time.monotonic(), False
        while not self.end.wait(self.STEP if shown else self.QUIET):
            shown = True
            sys.stderr.write("\r" + self.line(time.monotonic() - began) + "\x1b[K")
            sys.stderr.flush()
        if shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def line(self, seconds):
        width = shutil.get_terminal_size((WIDTH, 25)).columns - 1
        text = f" {seconds:.0f} s"
        part = None
        with contextlib.suppress(OSError):
            part = self.source.part()
        if part is not None:
            full = round(min(1.0, part) * self.BAR)
            text = f" [{'#' * full}{' ' * (self.BAR - full)}] {min(1.0, part):4.0%}{text}"
        return f"reading {clean(self.name)}"[:max(0, width - len(text))] + text


# ---- tshark ----------------------------------------------------------------------------------

def clean(text):
    """Nothing that a terminal would take for more than a character."""
    return "".join(char if char.isprintable() else "?" for char in text)


def arguments(options, keylog, width):
    args = ["-r", "-", "-n", "-q", "-o", "tcp.reassemble_out_of_order:TRUE", "-z", "outlook,report,json"]
    if not options.json:
        args += ["-z", f"outlook,report,width={width}"]
    if keylog:
        args += ["-o", f"tls.keylog_file:{keylog}"]
    return args


def complaint(status, said):
    """What tshark has against the file, in its words; "" if nothing."""
    if not status:
        return ""
    lines = [line for line in said.decode("utf-8", "replace").splitlines() if line and not line.startswith("Running as user")]
    text = next((line for line in lines if line.startswith("tshark: ")), lines[-1] if lines else "")
    text = text.removeprefix("tshark: ")
    text = re.sub(r'(?:The file "-"|The standard input)', "the file", text)
    if "isn't a capture file" in text:
        return f"{DOUBTFUL}: a pcap, a pcapng or another capture file is needed, packed by gzip or zstd or not"
    text = text or f"tshark ended with status {status}"
    return clean(f"tshark was ended by signal {-status}: {text}" if status < 0 else text)


def parted(out):
    """(screen, JSON) of what tshark printed, in whichever order it did."""
    begin = re.search(r"^\{$", out, re.MULTILINE)
    end = begin and re.compile(r"^\}\n", re.MULTILINE).search(out, begin.start())
    if not end:
        return out, ""
    return out[:begin.start()] + out[end.end():], out[begin.start():end.end()]


def run(tshark, source, name, args, read_of=None):
    """(screen, object or None, complaint). read_of: how much of source was read, unless it is a file."""
    with tempfile.TemporaryFile() as said, Progress(name, read_of or FileRead(source)):
        process = tshark.popen(args, stdin=source, stdout=subprocess.PIPE, stderr=said)
        out = process.stdout.read().decode("utf-8", "replace")
        status = process.wait()
        said.seek(0)
        problem = complaint(status, said.read(65536))
    screen, told = parted(out)
    try:
        return screen, json.loads(told), problem
    except ValueError:
        return screen, None, problem or "tshark printed no report"


# ---- from a file to tshark -------------------------------------------------------------------

@contextlib.contextmanager
def spooled(source):
    """Standard input as a file: archives and many a capture cannot be told, or read, from a pipe."""
    with tempfile.NamedTemporaryFile(prefix="analyze.") as copy:
        shutil.copyfileobj(source, copy)
        copy.flush()
        yield pathlib.Path(copy.name)


@contextlib.contextmanager
def converted(path, name):
    """A capture made of an archive, and what it says of itself."""
    with tempfile.TemporaryFile() as made:
        try:
            lines = convert.convert(str(path), made, name=name)
        except BadArchive as error:
            raise Unreadable(str(error)) from None
        made.seek(0)
        yield made, lines


@contextlib.contextmanager
def merged(paths):
    """The files of a ring one behind the other: mergecap's output, and how much of them it has read."""
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(["mergecap", "-a", "-F", "pcapng", "-w", "-", *map(str, paths)], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=said, cwd="/")
        try:
            yield process.stdout, RingRead(process, paths)
        finally:
            process.stdout.close()
            if process.wait() and not said.tell():
                raise Unreadable("mergecap could not join them")
        said.seek(0)
        if process.returncode:
            lines = said.read(65536).decode("utf-8", "replace").strip().splitlines()
            raise Unreadable(clean(lines[-1].removeprefix("mergecap: ")))


def read(tshark, one, args):
    """(screen, object or None, complaint, lines of an archive) of an input."""
    if len(one.paths) > 1:
        paths = [path.resolve() for path in one.paths]
        for path in paths:
            look_at(path)
        with merged(paths) as (source, read_of):
            return *run(tshark, source, one.name, args, read_of), []
    path = one.paths[0]
    if path == "-":
        with spooled(sys.stdin.buffer) as copy:
            return read_file(tshark, copy, one.name, args)
    return read_file(tshark, path, one.name, args)


def look_at(path):
    """The kind of a file, if it may be a capture or an archive."""
    kind = filekind.of(path)
    if kind.readable is False and kind.name not in ARCHIVES:
        raise Unreadable(kind.sentence)
    mode = os.stat(path).st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISFIFO(mode):
        raise Unreadable("a device or socket, not a capture: name a file, a pipe, or - for standard input")
    return kind


def read_file(tshark, path, name, args):
    if look_at(path).name in ARCHIVES:
        with converted(path, pathlib.Path(name).name) as (made, lines):
            return *run(tshark, made, name, args), lines
    with open(path, "rb", buffering=0) as source:
        return *run(tshark, source, name, args), []


# ---- what is shown ---------------------------------------------------------------------------

COLOURS = (
    (re.compile(r"^(FAILED)", re.MULTILINE), "1;31"),
    (re.compile(r"^(NOTE|CANNOT TELL)", re.MULTILINE), "1;33"),
    (re.compile(r"^(healthy)", re.MULTILINE), "1;32"),
    (re.compile(r"^(  (?:who|first|then|where|next|ids|also|among|see) )", re.MULTILINE), "2"),
)


class Page:
    """Where reports go: the width and colours of a terminal, or plain text."""

    def __init__(self):
        terminal = sys.stdout.isatty()
        self.colours = terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        self.width = max(60, min(160, shutil.get_terminal_size((WIDTH, 25)).columns)) if terminal else WIDTH
        self.first = True

    def paint(self, text, colour):
        return f"\x1b[{colour}m{text}\x1b[0m" if self.colours else text

    def show(self, name, screen, problem, lines):
        """One capture."""
        head = [] if self.first else [""]
        self.first = False
        name = clean(name)
        if screen:
            head.append(name)
            head += [f"  {clean(line)}" for line in lines]
            head += [f"  note: {problem}"] if problem else []
        else:
            head.append(f"{name}: {problem}")
        head = "\n".join(fit(line, self.width) for line in head).replace(name, self.paint(name, "1"), 1)
        for pattern, colour in COLOURS:
            if self.colours:
                screen = pattern.sub(lambda match, colour=colour: self.paint(match[1], colour), screen)
        print(head)
        print(screen, end="", flush=True)


def fit(line, width):
    """Broken at blanks; what it begins with stays."""
    if len(line) <= width:
        return line
    begin = line[:len(line) - len(line.lstrip(" "))]
    return "\n".join(textwrap.wrap(line.strip(), width, initial_indent=begin, subsequent_indent=" " * INDENT,
                                   break_long_words=False, break_on_hyphens=False))


def exit_status(statuses):
    """A failure anywhere is what the caller must know; else that something could not be told."""
    return FAILED if FAILED in statuses else CANNOT_TELL if CANNOT_TELL in statuses else HEALTHY


def keys_of(tshark, path):
    """A copy of the key log that tshark can read; one without a key is told of, and tried."""
    try:
        copy = tshark.private_copy(path)
    except OSError as error:
        raise Unreadable(f"-k {clean(path)}: {error.strerror or error}") from None
    with open(copy, "rb") as file:
        if not KEY_LINE.search(file.read(1 << 20)):
            print(f"./analyze: -k {clean(path)}: not a TLS key log, or an empty one: no line begins as CLIENT_RANDOM", file=sys.stderr)
    return copy


def analyze(tshark, options, inputs, refused):
    page, keylog = Page(), keys_of(tshark, options.k) if options.k else None
    args = arguments(options, keylog, page.width)
    statuses, objects = [], []
    for name, why in refused:
        statuses.append(CANNOT_TELL)
        tell(options, page, objects, name, "", None, why, [])
    for one in inputs:
        try:
            screen, told, problem, lines = read(tshark, one, args)
        except Unreadable as error:
            screen, told, problem, lines = "", None, str(error), []
        except OSError as error:
            screen, told, problem, lines = "", None, error.strerror or str(error), []
        # A capture without packets reads well, but says nothing.
        statuses.append(RESULTS.get(told["result"], CANNOT_TELL) if told else CANNOT_TELL)
        if problem and statuses[-1] == HEALTHY:
            statuses[-1] = CANNOT_TELL                     # of what lies behind the cut nobody knows
        tell(options, page, objects, one.name, screen, told, problem, lines)
    if options.json:
        single = len(objects) == 1 and len(options.captures) <= 1
        print(json.dumps(objects[0] if single else objects, indent=2, ensure_ascii=False))
    return exit_status(statuses)


def tell(options, page, objects, name, screen, told, problem, lines):
    if told is None or not told["capture"]["packets"] and problem:
        screen = ""
    if not options.json:
        way = [f"for Wireshark: tools/saz2pcapng {shlex.quote(name)} makes a capture of it"] if lines and os.path.exists(name) else []
        page.show(name, screen, problem, lines + way)
        return
    head = {"file": clean(name), "problem": problem or None}
    if lines:
        head["archive"] = lines
    objects.append({**head, **(told or {"format": 1, "result": "unreadable"})})


# ---- the command -----------------------------------------------------------------------------

EPILOG = """
CAPTURE is a file that Wireshark reads, packed by gzip or zstd or not; a folder of them; "-" for standard input; a Fiddler
archive (.saz) or HAR file. Files of one ring buffer (NAME_00001_20240131120000.pcapng) are read as one. Without a capture
a mis-routed sample is shown.

exit status:
  0  healthy
  1  something failed, in one of the captures at least
  2  it cannot be told, or a file could not be read

Colours follow NO_COLOR. The report itself: tshark -q -r FILE -z outlook,report.
"""


def version():
    text = (wsrun.PROJECT / "plugin" / "version.cmake").read_text(encoding="utf-8")
    mine = re.search(r"OUTLOOKHTTP_VERSION ([\d.]+)", text)[1]
    try:
        tshark = subprocess.run(["tshark", "--version"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
        first = tshark.stdout.split("\n", 1)[0]
    except (OSError, subprocess.CalledProcessError):
        first = "no tshark here"
    return f"outlookhttp {mine}, {first}"


class Version(argparse.Action):
    """Asks tshark only if it is wanted."""

    def __call__(self, parser, *_):
        print(version())
        parser.exit()


def parse(words):
    parser = argparse.ArgumentParser(
        prog="./analyze", description="Says on one screen what RPC over HTTP and MAPI/HTTP did in a capture, what failed, and whose "
        "doing it is.", epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-k", metavar="KEYLOG", help="TLS key log file (SSLKEYLOGFILE)")
    parser.add_argument("--json", action="store_true", help="for programs: one object, of several captures an array")
    parser.add_argument("--version", action=Version, nargs=0, help="of the plugin and of tshark")
    parser.add_argument("captures", metavar="CAPTURE", nargs="*")
    return parser.parse_args(words)


def main():
    options = parse(sys.argv[1:])
    try:
        inputs, refused = inputs_of(options.captures) if options.captures else (default_inputs(), [])
        with wsrun.Tshark() as tshark:
            tshark.prove_loaded()
            return analyze(tshark, options, inputs, refused)
    except (Unreadable, wsrun.NoPlugin, OSError, subprocess.CalledProcessError) as error:
        if isinstance(error, BrokenPipeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return CANNOT_TELL
        print(f"./analyze: {error}", file=sys.stderr)
        return CANNOT_TELL
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
