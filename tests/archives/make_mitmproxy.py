"""Makes mitmproxy.har: what mitmproxy (Debian 12's 8.1.1, with the har_dump.py of its package) recorded of MAPI/HTTP
between a client and a server on this machine, both here: each sends what a sample of test-captures/ has of it.

    make_mitmproxy.py OUTPUT        needs the Debian package mitmproxy, which no test does

SPDX-License-Identifier: GPL-2.0-or-later
"""

import contextlib
import pathlib
import re
import signal
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
import time

PROJECT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "tests" / "lib"))
import archives
from archives import capfile

SAMPLES = "mapi/http/mapi-http-both-endpoints", "mapi/http/mapi-http-gzip", "rops/rops-logon", "mapi/verdict/mapi-verdict-codes"
DUMP = "/usr/share/doc/mitmproxy/examples/contrib/har_dump.py"
PROXY, SERVER = 18080, 18081


def message(connection):
    """One HTTP message with Content-Length or chunks; b"" at the end."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return b""
        data += more
    head, _ = archives.split(data)
    length = re.search(rb"(?im)^content-length: *(\d+)", head)
    while True:
        body = data[len(head) + 4:]
        if length and len(body) >= int(length[1]) or not length and (b"chunked" not in head.lower() or body.endswith(b"0\r\n\r\n")):
            return data
        more = connection.recv(65536)
        if not more:
            return data
        data += more


def main():
    sessions = []
    for name in SAMPLES:
        capture = next((PROJECT / "test-captures" / name).glob("capture.pcap*"))
        sessions.append(archives.of_capture(capfile.load(capture), legs=False))
    answers = {session.request: session.response for of_sample in sessions for session in of_sample if session.response}

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            while request := message(self.request):
                head, body = archives.split(request)
                ours = archives.field(head, "x-requestid"), body
                answer = next((found for asked, found in answers.items()
                               if (archives.field(asked, "x-requestid"), archives.split(asked)[1]) == ours), None)
                time.sleep(0.02)
                self.request.sendall(answer or b"HTTP/1.1 500 not in the sample\r\nContent-Length: 0\r\n\r\n")

    socketserver.ThreadingTCPServer.allow_reuse_address = True
    with socketserver.ThreadingTCPServer(("127.0.0.1", SERVER), Handler) as server, tempfile.TemporaryDirectory() as scratch:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        proxy = subprocess.Popen(["mitmdump", "-q", "--listen-host", "127.0.0.1", "-p", str(PROXY), "--set", f"confdir={scratch}",
                                  "--mode", f"reverse:http://127.0.0.1:{SERVER}", "--set", "keep_host_header=true",
                                  "-s", DUMP, "--set", f"hardump={sys.argv[1]}"])
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", PROXY), 1):
                break
            time.sleep(0.2)
        for of_sample in sessions:
            with socket.create_connection(("127.0.0.1", PROXY), 5) as client:
                for session in of_sample:
                    client.sendall(session.request)
                    message(client)
        proxy.send_signal(signal.SIGINT)
        proxy.wait(20)
        server.shutdown()


if __name__ == "__main__":
    main()
