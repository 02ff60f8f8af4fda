"""Shows that the plugin leaves alone what is neither RPC over HTTP nor MAPI/HTTP.

    run_stock.py [NAME ...]

`tshark -V` is byte for byte the same with and without the plugin: of captures without any
RPC_* or MAPI/HTTP request whole, of the others for the TCP connections that carry none. Which
those are is found without a dissector; those of EMSMDB over TCP are left out, too. Captures made here add what the samples lack: the same bytes
on other ports, half a connection, broken HTTP, and bodies that only look like PDUs.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import difflib
import pathlib
import re
import struct
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import common
import wsrun
from common import capfile

RPC_REQUESTS = (b"RPC_IN_DATA ", b"RPC_OUT_DATA ", b"RPC_CONNECT ", b"ncacn_http/1.")
# What makes a head one of MAPI/HTTP: the path, the content type (of HTTP/2 too), X-RequestType.
MAPI_HEAD = re.compile(rb"(?im)^[A-Z]+ [^ \r\n]*/mapi/(?:emsmdb|nspi)\b|^Content-Type:[ \t]*application/mapi-http|^X-RequestType:|"
                       rb"content-type\x15application/mapi-http")
EMSMDB = bytes.fromhex("00dbf1a447ca6710b31f00dd010662da")      # over TCP, too, this plugin shows its calls (run_emsmdb.py)
RST = 4
TABLE_MODES = (("one pass", []), ("-2", ["-2"]))


def claimable(sample):
    """The streams that carry one of the protocols, by their bytes; None stands for "cannot be told" (TLS)."""
    found = set()
    for walk in sample.walks:
        data = [bytes(half.data) for half in walk.tcp.halves]
        # Bytes behind a gap too: MAPI/HTTP is recognised by any head.
        whole = [b"".join(piece for _, piece, _, _ in half.pieces) for half in walk.tcp.halves]
        if any(mark in part for mark in (*RPC_REQUESTS, EMSMDB) for part in data) or any(
                MAPI_HEAD.search(part) for part in [*data, *whole]):
            found.add(walk.tcp.number)
        elif any(part[:1] == b"\x16" or b"CONNECT " in part for part in data):
            found.add(None)
        elif walk.tcp.halves[0].hole or walk.tcp.halves[1].hole or not walk.tcp.syn:
            # A start that was not captured may have carried the request.
            raw = b"".join(piece for half in walk.tcp.halves for _, piece, _, _ in half.pieces)
            if any(mark in raw for mark in RPC_REQUESTS) or b"\x05\x00\x14\x03" in raw:
                found.add(walk.tcp.number)
    return found


def is_refused(tcp):
    """A SYN that RST answers, and nothing else."""
    return not any(half.pieces for half in tcp.halves) and any(seg.flags & RST for _, way, seg in tcp.segments if way == 1)


def compare(tshark, counter, options, what):
    for mode, more in TABLE_MODES:
        texts = [tshark.output([*options, *more, "-V"], plugin=plugin) for plugin in (True, False)]
        if not counter.check(texts[0] == texts[1], ""):
            difference = list(difflib.unified_diff(texts[1].splitlines(), texts[0].splitlines(), "without", "with",
                                                   lineterm="", n=0))
            counter.failures[-1] = f"{counter.name}: {what}, {mode}: -V differs:\n      " + "\n      ".join(difference[2:14])


def test(tshark, sample, counter):
    options = sample.options(tshark)
    carries = claimable(sample)
    if not carries:
        compare(tshark, counter, options, "whole")
        return
    if sample.expect is not None:
        carries |= {row["stream"] for row in sample.expect.get("connections", []) if {"channel", "pdus"} & set(row)}
        carries |= {row["stream"] for row in sample.expect.get("messages", [])}
        if None in carries:
            carries |= claimable(common.twin(tshark, sample))
    elif None in carries:
        decrypted = common.twin(tshark, sample)
        carries = {walk.tcp.number for walk in decrypted.walks if walk.pdus} | claimable(decrypted)
    # A connection that one of our servers refuses tells of that server: a verdict may stand there.
    servers = {walk.tcp.server for walk in sample.walks if walk.tcp.number in carries}
    carries |= {walk.tcp.number for walk in sample.walks if walk.tcp.server in servers and is_refused(walk.tcp)}
    streams = [walk.tcp.number for walk in sample.walks]
    foreign = [number for number in streams if number not in carries]
    if foreign:
        # Other streams' packets stay in the capture: their state must not reach these.
        names = "streams " + ", ".join(map(str, foreign[:8]))
        chosen = " or ".join(f"tcp.stream=={number}" for number in foreign)
        compare(tshark, counter, [*options, "-Y", f"not tcp or {chosen}"], names)


# ---- captures made here --------------------------------------------------------------------

def rts(count=1):
    return b"".join(bytes.fromhex("0500140310000000140000000000000001000000") for _ in range(count))


def request(method, uri, body=b"", *lines):
    head = [f"{method} {uri} HTTP/1.1", "Host: www.example.test", *lines]
    if body:
        head.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*head, "", ""]).encode() + body


def response(status, body=b"", *lines):
    head = [f"HTTP/1.1 {status} X", *lines, f"Content-Length: {len(body)}"]
    return "\r\n".join([*head, "", ""]).encode() + body


def made():
    """{name: packets} of captures without either protocol."""
    out = {}
    plain = capfile.Talk().open().say(0, request("GET", "/")).say(1, response(200, b"hello"))
    plain.say(0, request("POST", "/rpc/rpcproxy.dll?a:6004", rts(3))).say(1, response(200, rts(5), "Content-Type: application/rpc"))
    out["post-to-rpcproxy"] = plain.close().packets
    out["rdg"] = capfile.Talk().open().say(0, request("RDG_OUT_DATA", "/remoteDesktopGateway/")).say(1, response(200, rts(2))).say(
        0, request("RDG_IN_DATA", "/remoteDesktopGateway/", rts(2))).close().packets
    out["method-look-alikes"] = capfile.Talk().open().say(0, request("RPC_IN_DATAX", "/"), request("XRPC_IN_DATA", "/"),
                                                  request("rpc_in_data", "/")).say(1, response(501)).packets
    out["named-in-a-body"] = capfile.Talk().open().say(0, request("POST", "/", b"x" * 40, "X-Note: RPC _IN_DATA")).say(
        1, response(200, b"y" * 40)).packets
    pipelined = capfile.Talk().open().say(0, b"".join(request("GET", f"/{number}") for number in range(5)))
    out["pipelined"] = pipelined.say(1, b"".join(response(200, b"z" * 3000) for _ in range(5))[:1400],
                                     b"".join(response(200, b"z" * 3000) for _ in range(5))[1400:2800]).packets
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n14\r\n" + rts() + b"\r\n"
    out["chunked"] = capfile.Talk().open().say(0, request("GET", "/")).say(1, chunked, b"14\r\n" + rts() + b"\r\n0\r\n\r\n").packets
    out["connect-tunnel"] = capfile.Talk(port=8080).open().say(0, request("CONNECT", "www.example.test:80")).say(
        1, b"HTTP/1.1 200 Connection established\r\n\r\n").say(0, request("GET", "/")).say(1, response(200, b"in")).packets
    out["rts-bytes-on-80"] = capfile.Talk().say(0, rts(4)).say(1, rts(4)).packets
    out["rts-bytes-on-8081"] = capfile.Talk(port=8081).open().say(0, rts(4)).say(1, rts(4)).close().packets
    x11 = struct.pack("<BxHHHHxx", 0x6c, 11, 0, 0, 0)
    for port in (6001, 6002, 6004):
        out[f"x11-{port}"] = capfile.Talk(port=port).open().say(0, x11).say(
            1, struct.pack("<BxHHH", 1, 11, 0, 0)).say(0, bytes(range(64))).close().packets
        out[f"dce-rpc-{port}"] = capfile.Talk(port=port).open().say(0, bytes.fromhex(
            "05000b0310000000480000000100000010b810b8000000000100000000000100f5cc5a18643b104d98ab0d8d0a49e1bc"
            "3800000004 5d888aeb1cc9119fe808002b10486002000000".replace(" ", "").ljust(144, "0"))).close().packets
        out[f"silence-then-rts-{port}"] = capfile.Talk(port=port).say(0, rts(2)).packets
    out["websocket"] = capfile.Talk().open().say(0, request("GET", "/ws", b"", "Connection: Upgrade", "Upgrade: websocket",
                                                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")).say(
        1, b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n").say(
        0, b"\x81\x05hello").packets
    mapi = capfile.Talk().open()
    for uri in ("/mapi/emsmdbx", "/mapi", "/mapi/nspi.aspx", "/owa/?u=/mapi/emsmdb"):
        mapi.say(0, request("GET", uri, b"", "Cookie: MapiContext=MAPIAAAA; sid=1", "X-RequestId: {a}:1")).say(
            1, response(401, b"PROCESSING\r\nDONE\r\n\r\n", "X-ResponseCode: 6", "WWW-Authenticate: NTLM",
                        "Content-Type: application/octet-stream"))
    out["mapi-look-alikes"] = mapi.close().packets
    named = capfile.Talk().open().say(0, request("POST", "/ews/exchange.asmx", b"x" * 30 + b"POST /mapi /emsmdb HTTP/1.1\r\n",
                                                 "Authorization: NTLM TlRMTVNTUAABAAAAB4IIogAAAAAAAAAAAAAAAAAAAAAGAbEdAAAADw=="))
    out["exchange-web-services"] = named.say(1, response(401, b"", "WWW-Authenticate: NTLM TlRMTVNTUAACAAAAAA==", "X-FEServer: EX1")).packets
    out["late-http"] = capfile.Talk().say(1, b"middle of a body\x05\0\x14\x03").say(0, request("GET", "/late")).packets
    return out


class Made:
    """A capture of this file, as a sample."""

    expect = None

    def __init__(self, name, path):
        self.name, self.path = f"made here: {name}", path
        self.sample = common.Sample(self.name, path)

    def __getattr__(self, name):
        return getattr(self.sample, name)


def main():
    arguments = common.Arguments()
    with wsrun.Tshark() as tshark, tempfile.TemporaryDirectory() as folder:
        tshark.prove_loaded()
        more = []
        for name, packets in made().items():
            path = pathlib.Path(folder) / f"{name}.pcapng"
            capfile.save(path, capfile.Capture(packets))
            more.append(Made(name, path))
        subjects = arguments.captures(also=more)
        return common.run_all(lambda sample, counter: test(tshark, sample, counter), subjects)


if __name__ == "__main__":
    sys.exit(main())
