"""Dissects input that was made to cost much, with the plugin and as tshark comes: user time at most three times stock's
and a quarter of a second, and of twice the bytes at most 2.2 times the instructions of the plugin's own share.

    run_hostile.py [--instructions] [CASE ...]

A case is one connection of RPC over HTTP or of MAPI/HTTP and a stretch of bytes after its first request, to the server
or to the client, in ordinary segments, in large ones, byte by byte or out of order. Instructions are counted by
callgrind, with --instructions only: they take minutes.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import common
import wsrun

sys.path.insert(0, str(common.PROJECT / "tests" / "synth"))
import mapiwire
import rpc
import scene
import wire

ORDINARY, LARGE, ONE = 1400, 60000, 1
REPEATS = 3                          # of a case that seems to cost too much: other work on the machine costs, too
SHARE, GRACE = 3, 0.25
GROWTH = 2.2
NO_LF = b"var a=function(b,c){return b+c};" * 40


def head(lines):
    return lines.encode()


def fill(pattern, size):
    return (pattern * (size // len(pattern) + 1))[:size]


PDU = rpc.ping().data
CASES = {
    # name: (protocol, way, bytes a segment, bytes, make(size))
    "text without a line end": ("rpch", scene.UP, ORDINARY, 100_000, lambda n: fill(NO_LF, n)),
    "the same to the client": ("rpch", scene.DOWN, ORDINARY, 100_000, lambda n: fill(NO_LF, n)),
    "the same in large segments": ("rpch", scene.UP, LARGE, 240_000, lambda n: fill(NO_LF, n)),
    "the same byte by byte": ("rpch", scene.UP, ONE, 6_000, lambda n: fill(NO_LF, n)),
    "the same out of order": ("rpch", "out of order", ORDINARY, 100_000, lambda n: fill(NO_LF, n)),
    "a request line without an end": ("rpch", scene.UP, ORDINARY, 100_000, lambda n: b"GET /" + fill(b"a", n)),
    "lines that are no start lines": ("rpch", scene.UP, LARGE, 240_000, lambda n: fill(b"GET / HTTP/1.1x\r\n", n)),
    "words of one line": ("rpch", scene.UP, LARGE, 240_000, lambda n: fill(b"A ", n - 1) + b"\n"),
    "start lines before a zero": ("rpch", scene.UP, LARGE, 240_000, lambda n: fill(b"\0" + b"GET / HTTP/1.1\n" * 4000, n)),
    "empty lines": ("rpch", scene.UP, LARGE, 240_000, lambda n: fill(b"\n" * 50_000 + b"\0", n)),
    "a head without an end": ("rpch", scene.UP, ORDINARY, 100_000, lambda n: b"GET / HTTP/1.1\r\n" + fill(b"a: b\r\n", n)),
    "the same head byte by byte": ("rpch", scene.UP, ONE, 6_000, lambda n: b"GET / HTTP/1.1\r\n" + fill(b"a: b\r\n", n)),
    "a status line without an end": ("rpch", scene.DOWN, ORDINARY, 100_000, lambda n: b"HTTP/1.1 200 " + fill(b"a", n)),
    "a chunk size without an end": ("rpch", scene.DOWN, ORDINARY, 100_000, lambda n: head(
        "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n") + fill(b"0", n)),
    "a trailer without an end": ("rpch", scene.DOWN, ORDINARY, 100_000, lambda n: head(
        "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n") + fill(b"a: b\r\n", n)),
    "chunks of one byte": ("rpch", scene.DOWN, ORDINARY, 100_000, lambda n: head(
        "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n") + fill(b"1\r\na\r\n", n)),
    "chunks without an end, byte by byte": ("rpch", scene.DOWN, ONE, 6_000, lambda n: head(
        "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n") + fill(b"1\r\na\r\n", n)),
    "a page without an end": ("rpch", scene.DOWN, ORDINARY, 400_000, lambda n: head(
        f"HTTP/1.1 404 Not Found\r\nContent-Length: {10 * n}\r\n\r\n") + fill(b"<p>", n)),
    "empty chunked messages": ("rpch", scene.DOWN, LARGE, 120_000, lambda n: fill(
        b"HTTP/1.1 404 N\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", n)),
    "a PDU byte by byte": ("rpch", scene.UP, ONE, 6_000, lambda n: b"\5\0\0\3\x10\0\0\0\xff\xff" + fill(b"x", n)),
    "PDUs before what is none": ("rpch", scene.UP, LARGE, 240_000, lambda n: fill(PDU * 2500 + b"\0", n)),
    "PDUs and what is none by turns": ("rpch", scene.UP, LARGE, 240_000, lambda n: fill(PDU + b"\0GET /", n)),
    "a MAPI request without an end": ("mapi", scene.UP, ORDINARY, 100_000, lambda n: b"POST /mapi/emsmdb HTTP/1.1\r\n" + fill(
        b"a: b\r\n", n)),
    "the same MAPI request byte by byte": ("mapi", scene.UP, ONE, 6_000, lambda n: b"POST /mapi/emsmdb HTTP/1.1\r\n" + fill(
        b"a: b\r\n", n)),
    "a MAPI response without an end": ("mapi", scene.DOWN, ONE, 6_000, lambda n: b"HTTP/1.1 200 OK\r\n" + fill(b"a: b\r\n", n)),
    "MAPI chunks byte by byte": ("mapi", scene.DOWN, ONE, 6_000, lambda n: head(
        "HTTP/1.1 200 OK\r\nContent-Type: application/mapi-http\r\nTransfer-Encoding: chunked\r\n\r\n") + fill(
        b"1\r\na\r\n", n)),
    "MAPI text without a line end": ("mapi", scene.UP, ORDINARY, 100_000, lambda n: fill(NO_LF, n)),
}


def capture(name, factor=1):
    protocol, way, size, count, make = CASES[name]
    cap = scene.Capture("hostile", "hostile")
    conn = cap.connect("10.0.0.21", "10.0.0.81:80")
    if protocol == "rpch":
        conn.up(rpc.ask_out())
        if way != scene.DOWN:
            conn.down(rpc.page(401, "Unauthorized", "WWW-Authenticate: Basic"))
    else:
        conn.up(b"POST /mapi/emsmdb?MailboxId=a HTTP/1.1\r\nHost: mail.example.test\r\nX-RequestType: Connect\r\n"
                b"Content-Type: application/mapi-http\r\nContent-Length: 4\r\n\r\n\0\0\0\0")
        if way != scene.DOWN:
            conn.down(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
    cap.mss = size
    data = make(count * factor)
    if way == "out of order":
        pieces = (len(data) + size - 1) // size
        order = [index ^ 1 if index ^ 1 < pieces else index for index in range(pieces)]
        conn.send(scene.UP, data, order=order)
    else:
        conn.send(way, data)
    cap.mss = ORDINARY
    conn.close()
    return wire.pcapng(cap.frames, 0)


def written(tshark, data):
    with tempfile.NamedTemporaryFile(suffix=".pcapng") as file:
        file.write(data)
        file.flush()
        return tshark.private_copy(file.name)


def user_time(tshark, path, plugin):
    """In seconds; None if tshark failed."""
    process = tshark.popen(["-r", path, "-n"], plugin=plugin, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return None if process.returncode else usage.ru_utime


def instructions(tshark, path, plugin):
    """Of the dissection and of the start, as callgrind counts them."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        out = pathlib.Path(folder) / "out"
        process = tshark.popen(["--tool=callgrind", f"--callgrind-out-file={out}", "tshark", "-r", path, "-n", "-q"],
                               plugin=plugin, program="valgrind", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        process.wait()
        return int(re.search(r"^(?:summary|totals): (\d+)", out.read_text(), re.MULTILINE)[1])


def test(tshark, name, counter, counts):
    path = written(tshark, capture(name))
    for _ in range(REPEATS):
        stock, ours = (user_time(tshark, path, plugin) for plugin in (False, True))
        if stock is None or ours is None:
            counter.check(False, f"tshark failed (stock {stock}, with the plugin {ours})")
            return
        if ours <= SHARE * stock + GRACE:
            break
    counter.check(ours <= SHARE * stock + GRACE, f"{ours:.2f} s of user time, stock {stock:.2f} s")
    print(f"{name}: {ours:.2f} s, stock {stock:.2f} s", flush=True)
    if not counts:
        return
    twice = written(tshark, capture(name, 2))
    start = instructions(tshark, written(tshark, wire.pcapng([], 0)), True)
    once, double = (instructions(tshark, where, True) - start for where in (path, twice))
    print(f"{name}: {once:,} instructions, {double / once:.2f} times for twice the bytes", flush=True)
    counter.check(double <= GROWTH * once, f"{double / once:.2f} times the instructions for twice the bytes")


def main():
    args = sys.argv[1:]
    counts = "--instructions" in args
    names = [arg for arg in args if arg != "--instructions"] or list(CASES)
    counters = [common.Counter(name) for name in names]
    with wsrun.Tshark() as tshark:
        tshark.prove_loaded()
        for name, counter in zip(names, counters):
            test(tshark, name, counter, counts)
    for counter in counters:
        for line in counter.failures:
            print(line)
    return common.total(counters)


if __name__ == "__main__":
    sys.exit(main())
