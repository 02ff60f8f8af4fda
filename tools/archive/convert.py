"""An archive as a capture: finds out what it is, reads it twice, writes pcapng.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import os

import stat
import tempfile

from . import capture, filekind, pcapng
from .errors import BadArchive, Budget
from .har import Har
from .saz import Saz

GIB = 1 << 30
NOTES_SHOWN = 12
MADE_BY = "saz2pcapng"               # the interface: by this name the report knows what nobody captured


def open_archive(path, most):
    """A Saz or Har; BadArchive says why there is none."""
    kind = filekind.of(path)
    budget = Budget(most)
    if kind.name == "saz":
        return Saz(path, budget)
    if kind.name == "har":
        return Har(path, budget)
    if kind.readable or kind.name == "unknown":
        raise BadArchive("a capture already: open it in Wireshark" if kind.readable else
                         "neither a Fiddler archive (.saz) nor a HAR file")
    raise BadArchive(kind.sentence)


def seekable(path, most):
    """(path, temporary copy or None): what comes through a pipe is copied."""
    if path != "-" and not stat.S_ISFIFO(os.stat(path).st_mode):
        return path, None
    copy = tempfile.NamedTemporaryFile(prefix="saz2pcapng.", suffix=".archive")
    budget = Budget(most)
    with open(0 if path == "-" else path, "rb", closefd=path != "-") as source:
        while piece := source.read(1 << 20):
            budget.take(len(piece))
            copy.write(piece)
    copy.flush()
    return copy.name, copy


def convert(path, file, most=2 * GIB, name=None):
    """Writes the capture to file; returns lines that say what it holds. name: of the archive, for people."""
    place, copy = seekable(path, most)
    try:
        archive = open_archive(place, most)
        exchanges = list(archive.sessions())
        if not exchanges:
            raise BadArchive("it has no HTTP session that could be written: " + "; ".join(archive.notes[:3])
                             if archive.notes else "it has no HTTP session that could be written")
        shown = name or os.path.basename(path)
        plan = capture.Plan(exchanges, "Fiddler" if archive.kind.startswith("Fiddler") else "HAR")
        made = (f"Made from a {archive.kind} ({shown}{', by ' + archive.maker if archive.maker else ''}) by {MADE_BY}: no packet of "
                "this file was captured. TCP connections have neither start nor end, and no acknowledgements.")
        archive.budget.left = archive.budget.most          # bodies are read a second time
        packets = capture.write(file, plan, [pcapng.comment("\n".join([made, *archive.notes[:50]])),
                                             (pcapng.APPLICATION, MADE_BY)],
                                [(pcapng.NAME, MADE_BY), (pcapng.DESCRIPTION, f"{archive.kind} {shown}")])
        return summary(archive, plan, packets)
    finally:
        if copy:
            copy.close()


def count(number, what):
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def summary(archive, plan, packets):
    answered = sum(one.response is not None for one in plan.exchanges)
    lines = [f"{archive.kind}{' by ' + archive.maker if archive.maker else ''}: {count(len(plan.exchanges), 'request')}, "
             f"{count(answered, 'response')}, {count(plan.connections, 'TCP connection')}, {count(packets, 'packet')}"]
    by_proxy = sum(one.by_proxy for one in plan.exchanges)
    if by_proxy:
        lines.append(f"{count(by_proxy, 'response')} written by Fiddler itself, not by a server")
    lacking = sum(message is not None and message.lacks for one in plan.exchanges for message in (one.request, one.response))
    if lacking:
        lines.append(f"{count(lacking, 'message')} of which the archive has not all bytes")
    lines += archive.notes[:NOTES_SHOWN]
    if len(archive.notes) > NOTES_SHOWN:
        lines.append(f"and {len(archive.notes) - NOTES_SHOWN:,} more of such notes")
    return lines


def to_file(path, output, most=2 * GIB, replace=False):
    """The same into a file, which appears only when it is whole."""
    if os.path.exists(output) and not replace:
        raise BadArchive(f"{output} exists already: name another file, or use --force")
    folder = os.path.dirname(os.path.abspath(output))
    handle, partial = tempfile.mkstemp(prefix=".saz2pcapng.", suffix=".pcapng", dir=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            lines = convert(path, file, most)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(partial, 0o666 & ~mask)
        os.replace(partial, output)
        return lines
    except BaseException:
        if os.path.exists(partial):
            os.unlink(partial)
        raise


