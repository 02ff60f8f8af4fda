"""Dissects input that was made to cost much, with the plugin and as tshark comes: user time at most three times stock's
and a quarter of a second, and of twice the bytes at most 2.2 times the instructions.

    run_hostile.py [--instructions] [CASE ...]

A case is one connection of RPC over HTTP, of MAPI/HTTP or of TLS and a stretch of bytes after its first request, to the
server or to the client, in ordinary segments, in large ones, byte by byte or out of order; or many flights of TLS servers;
or many connections that belong together; or 16,000 requests and responses whose values were chosen to meet in a table
without a key. Instructions are counted by callgrind: of a few cases (COUNTED), and with --instructions of all, which takes
most of an hour. Byte by byte they are counted of half the bytes: there stock's own cost grows with their square.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import os
import pathlib
import random
import re
import shutil
import struct
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


# ---- TLS -----------------------------------------------------------------------------------

HELLO_BODY = b"\3\3" + bytes(range(32)) + b"\0"


def record(data, kind=22):
    return struct.pack(">BHH", kind, 0x303, len(data)) + data


def records(data, size):
    return b"".join(record(data[at:at + size]) for at in range(0, len(data), size))


def message(kind, body, length=None):
    return bytes([kind]) + (len(body) if length is None else length).to_bytes(3, "big") + body


def sized3(data):
    return len(data).to_bytes(3, "big") + data


CLIENT_HELLO = record(message(1, HELLO_BODY + b"\0\2\xc0\x2f\1\0"))
SERVER_HELLO = record(message(2, HELLO_BODY + b"\xc0\x2f\0"))
ENDLESS = message(11, b"\xff\xff\xfc", 0xFFFFFF)      # the begin of a Certificate message of 16 MB
FLIGHT = 8000                        # bytes of a leaf


def flight(number):
    """A server's first: a leaf of structures in structures, and no two of them alike."""
    leaf = fill(b"\x30\x82\xff\xff", FLIGHT - 4) + struct.pack(">I", number)
    return SERVER_HELLO + records(message(11, sized3(sized3(leaf))), 1 << 14)


# ---- Values that meet in a table -----------------------------------------------------------

REQUESTS = 16_000
BATCH = 20                           # requests in a segment


def digits(number, bases):
    for base in bases:
        yield number % base
        number //= base


def djb2(count):
    """Texts of one hash for g_str_hash(), which is djb2: in "h = 33 * h + c", "Ez" and "FY" are the same."""
    for number in range(count):
        yield "".join(("Ez", "FY")[bit] for bit in digits(number, [2] * (count - 1).bit_length()))


def fnv(count, prime, start, bits):
    """Texts that agree in the lowest bits of FNV-1a: after each piece the state is one of two that meet (Joux)."""
    mask, state, pieces, chance = (1 << bits) - 1, start, [], random.Random(bits)
    for _ in range((count - 1).bit_length()):
        seen = {}
        while True:
            letters = "".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=8))
            after = state
            for letter in letters:
                after = (after ^ ord(letter)) * prime & mask
            if seen.setdefault(after, letters) != letters:
                break
        pieces.append((seen[after], letters))
        state = after
    for number in range(count):
        yield "".join(pair[bit] for pair, bit in zip(pieces, digits(number, [2] * len(pieces))))


def guids(count):
    """GUIDs whose 16 bytes have one hash by djb2: 33 more in a byte is one more in that before."""
    for number in range(count):
        data = bytes(6) + b"".join(bytes([16 + step, 240 - 33 * step]) for step in digits(number, [7] * 5 + [1]))[:10]
        text = data.hex().upper()
        yield f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def dice(count):
    """For comparison: texts that nobody chose."""
    chance = random.Random(count)
    return ("%040x" % chance.getrandbits(160) for _ in range(count))


HASHES = {
    "nobody": dice,
    "djb2": djb2,
    "GUIDs and djb2": guids,
    "FNV-1a of 32 bits": lambda n: fnv(n, 0x01000193, 0x811C9DC5, 32),
    "the low bits of FNV-1a of 64": lambda n: fnv(n, 0x100000001B3, 0xCBF29CE484222325, 24),
}


def exchange(number, value):
    """A request with the value wherever one is kept, and its response."""
    guid = value if len(value) == 36 and value.count("-") == 4 else "00000000-0000-0000-0000-0000%08X" % number
    request = head(f"POST /mapi/emsmdb/?MailboxId={value}@example.test HTTP/1.1\r\nHost: {value}.example.test\r\n"
                   f"X-RequestType: Connect\r\nX-RequestId: {{{guid}}}:{number}\r\nX-ClientInfo: {{{guid}}}{value}\r\n"
                   f"X-User-Identity: {value}@example.test\r\nCookie: MapiContext={value}; MapiSequence={value}\r\n"
                   "Content-Type: application/mapi-http\r\nContent-Length: 4\r\n")
    request += rpc.basic(value, "x").encode() + b"\r\n\r\n\0\0\0\0"
    body = b"DONE\r\nX-ResponseCode: 0\r\n\r\n" + bytes(8)
    return request, head(f"HTTP/1.1 200 OK\r\nX-ResponseCode: 0\r\nX-RequestId: {{{guid}}}:{number}\r\n"
                         f"X-ServerApplication: Exchange/15.20\r\nSet-Cookie: MapiContext={value}; path=/mapi/emsmdb\r\n"
                         f"Set-Cookie: {value}={value}\r\nContent-Type: application/mapi-http\r\n"
                         f"Content-Length: {len(body)}\r\n\r\n") + body


# ---- Many connections that belong together --------------------------------------------------

def host(net, number):
    return f"{net}.{number >> 8}.{number & 255}"


def one_cookie(cap, count):
    """A virtual connection of many legs, each between hosts of its own."""
    cookies = rpc.Cookies("hostile")
    for number in range(count):
        leg = scene.Leg(cap, client=host("10.1", number), in_server=host("10.2", number) + ":80", cookies=cookies)
        leg.start(a3=False)


def early_backs(cap, count):
    """Sessions, each with devices of its own whose back leg stands first, and which X-Forwarded-For proves to be behind."""
    for number in range(count):
        client, device = host("10.1", number), host("10.2", number)
        back, front = (cap.connect(device, host("10.3", number) + ":80"), cap.connect(client, host("10.4", number) + ":80"))
        request, response = exchange(number, f"v{number}")
        back.up(request.replace(b"\r\n", f"\r\nX-Forwarded-For: {client}\r\n".encode(), 1))
        front.up(request)
        back.down(response)
        front.down(response)


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
    "TLS records of one byte": ("tls", scene.DOWN, LARGE, 60_000, lambda n: SERVER_HELLO + fill(record(b"x", 23), n)),
    "TLS records of one byte, no hello before": ("tls", scene.UP, LARGE, 60_000, lambda n: fill(record(b"x", 23), n)),
    "TLS records of nothing": ("tls", scene.DOWN, LARGE, 60_000, lambda n: fill(record(b""), n)),
    "TLS messages of nothing": ("tls", scene.DOWN, ORDINARY, 60_000, lambda n: records(fill(message(2, b""), n), 1 << 14)),
    "TLS handshake in records of one byte": ("tls", scene.DOWN, LARGE, 10_000, lambda n: SERVER_HELLO + records(
        fill(ENDLESS, n), 1)),
    "TLS handshake byte by byte": ("tls", scene.DOWN, ONE, 6_000, lambda n: SERVER_HELLO + records(fill(ENDLESS, n), 1 << 14)),
    "a certificate without an end": ("tls", scene.DOWN, ORDINARY, 400_000, lambda n: SERVER_HELLO + records(
        ENDLESS + fill(b"\0\xff\xff\x30\x82\xff\xff", n), 1 << 14)),
    "certificates of one byte": ("tls", scene.DOWN, ORDINARY, 100_000, lambda n: SERVER_HELLO + records(
        message(11, sized3(fill(sized3(b"x"), n // 4 * 4))), 1 << 14)),
    "certificate messages again and again": ("tls", scene.DOWN, ORDINARY, 100_000, lambda n: SERVER_HELLO + records(
        fill(message(11, sized3(sized3(fill(b"\x30\x82\xff\xff", 1000)))), n), 1 << 14)),
    "a cookie on many legs": ("connections", None, ORDINARY, 3_600, one_cookie),
    "many devices with early clocks": ("connections", None, ORDINARY, 1_200, early_backs),
    "many certificates": ("flights", scene.DOWN, ORDINARY, 800_000, flight),
    **{f"{'values that met in ' if hashed is not dice else 'values chosen by '}{name}":
       ("by turns", None, LARGE, REQUESTS, hashed) for name, hashed in HASHES.items()},
}

# Whose instructions are always counted, as that takes a minute.
COUNTED = {"text without a line end", "the same to the client", "the same in large segments", "many devices with early clocks"}


def capture(name, factor=1):
    protocol, way, size, count, make = CASES[name]
    cap = scene.Capture("hostile", "hostile")
    if protocol == "flights":
        for number in range(int(count * factor) // FLIGHT):
            conn = cap.connect("10.0.0.21", "10.0.0.81:443")
            conn.up(CLIENT_HELLO)
            conn.down(make(number))
            conn.close()
        return wire.pcapng(cap.frames, 0)
    if protocol == "connections":
        make(cap, int(count * factor))
        return wire.pcapng(cap.frames, 0)
    conn = cap.connect("10.0.0.21", "10.0.0.81:443" if protocol == "tls" else "10.0.0.81:80")
    if protocol == "by turns":
        cap.mss = size
        pairs = [exchange(number, value) for number, value in enumerate(make(int(count * factor)))]
        for first in range(0, len(pairs), BATCH):
            conn.up(b"".join(request for request, _ in pairs[first:first + BATCH]))
            conn.down(b"".join(response for _, response in pairs[first:first + BATCH]))
        conn.close()
        return wire.pcapng(cap.frames, 0)
    if protocol == "tls":
        conn.up(CLIENT_HELLO)
    elif protocol == "rpch":
        conn.up(rpc.ask_out())
        if way != scene.DOWN:
            conn.down(rpc.page(401, "Unauthorized", "WWW-Authenticate: Basic"))
    else:
        conn.up(b"POST /mapi/emsmdb?MailboxId=a HTTP/1.1\r\nHost: mail.example.test\r\nX-RequestType: Connect\r\n"
                b"Content-Type: application/mapi-http\r\nContent-Length: 4\r\n\r\n\0\0\0\0")
        if way != scene.DOWN:
            conn.down(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
    cap.mss = size
    data = make(int(count * factor))
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
    """Of the dissection and of the start, as callgrind counts them. Without a tap -q would dissect nothing: this one hears
    of nothing here."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        out = pathlib.Path(folder) / "out"
        process = tshark.popen(["--tool=callgrind", f"--callgrind-out-file={out}", "tshark", "-r", path, "-n", "-q", "-z",
                                "rpc,programs"],
                               plugin=plugin, program="valgrind", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        process.wait()
        return int(re.search(r"^(?:summary|totals): (\d+)", out.read_text(), re.MULTILINE)[1])


def grows(tshark, name, counter, nothing):
    """Compares the instructions for twice the bytes. nothing: a capture without a packet, which costs the start."""
    first = 0.5 if CASES[name][2] == ONE else 1
    paths = [nothing, *(written(tshark, capture(name, factor * first)) for factor in (1, 2))]

    def growth(plugin):
        start, once, double = (instructions(tshark, path, plugin) for path in paths)
        return once - start, (double - start) / (once - start)

    once, ratio = growth(True)
    print(f"{name}: {once:,} instructions, {ratio:.2f} times for twice the bytes", flush=True)
    if ratio > GROWTH:
        # Stock may be what grows (TLS puts fragments together so): then the plugin must not grow beyond that.
        stock = growth(False)[1]
        counter.check(ratio <= max(GROWTH, 1.02 * stock),
                      f"{ratio:.2f} times the instructions for twice the bytes, stock {stock:.2f} times")
    else:
        counter.check(True, "")


def test(tshark, name, counter):
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


def main():
    arguments = common.Arguments("--instructions")
    counts = "--instructions" in arguments.flags
    counters = arguments.of([common.Counter(name) for name in CASES], "case")
    with wsrun.Tshark() as tshark:
        tshark.prove_loaded()
        for counter in counters:
            test(tshark, counter.name, counter)
        chosen = [counter for counter in counters if counts or counter.name in COUNTED]
        if not shutil.which("valgrind"):
            print("SKIPPED: no valgrind, instructions were not counted")
        elif chosen:
            nothing = written(tshark, wire.pcapng([], 0))
            for counter in chosen:
                grows(tshark, counter.name, counter, nothing)
    for counter in counters:
        for line in counter.failures:
            print(line)
    return common.total(counters)


if __name__ == "__main__":
    sys.exit(main())
