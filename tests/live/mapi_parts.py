"""A MAPI/HTTP server and client of the tests' own, to be put on both sides of a device that is not.

    mapi_parts.py serve ADDRESS:PORT [--name EX1] [--scheme basic|ntlm] [--delay S] [--pending N] [--think TYPE:S]
    mapi_parts.py ask ADDRESS:PORT [--source ADDRESS] [--scheme basic|ntlm] [--users alice,bob] [--executes N]
                                   [--reconnect] [--pause S] [--notify]
    mapi_parts.py expect FOLDER

The server keeps its sessions to itself, as one that is front end and back end in one does: a context of another
server is code 10. NTLM is per connection, with real messages and no password check (tests/synth/mapi_ntlm.py). The
client takes its users in turn, one request each; with --reconnect every request comes on a connection of its own. It
exits with 0 if every answer was code 0. expect writes expect.json: messages are where stock tshark shows them, items
are judged by hand in ITEMS, by what was configured.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import argparse
import base64
import http.client
import json
import pathlib
import socket
import socketserver
import subprocess
import sys
import time
import uuid

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "synth"))
import mapi_ntlm as ntlm
import mapiscene as m

PATH = "/mapi/emsmdb/?MailboxId=652401fd-75bf-585d-b0ba-68014712af98@example.test"
BODIES = {"Connect": (m.connect_body(), m.connect_answer()), "Execute": (m.execute_body(), m.execute_answer())}


def bodies(kind):
    return BODIES.get(kind) or (m.default_body(kind), m.default_answer(kind))


DEVICE = "127.0.0.4"
BEHIND = "ip.dst==127.0.0.2 || ip.dst==127.0.0.3"
# The segment with the head: the body may come in another.
TYPE3 = f'({BEHIND}) && tcp.payload contains "NTLM TlRMTVNTUAAD"'
REFUSED = 'http.response.line matches "(?i)x-responsecode: 1"'       # HAProxy writes names in lower case
SEEN, INFERRED, UNKNOWN = "NETWORK DEVICE (seen)", "NETWORK DEVICE (inferred)", "CANNOT TELL"
# Sample -> (item, severity, stock filter, which of the frames it finds; None: each; who is to blame, if that must show).
ITEMS = {
    "mapi-live-haproxy-cookie": [], "mapi-live-haproxy-ntlm": [], "mapi-live-nginx": [],
    # Every second connection goes to the server without the context; the device is the client of leg 1.
    "mapi-live-haproxy-roundrobin": [
        ("mapihttp.response_code.failed", "warning", REFUSED, None), ("mapihttp.session.lost", "error", REFUSED, None, SEEN),
        ("mapihttp.session.backend_changed", "warning", f"{REFUSED} && ip.src==127.0.0.3", None),
    ],
    # A new connection to the server for each message: no type 3 reaches the one that challenged. Three refusals.
    "mapi-live-haproxy-ntlm-close": [
        ("outlook.auth.ntlm_torn", "error", TYPE3, None, SEEN),
        ("outlook.auth.refused", "warning", "http.response.code==401 && ip.src==127.0.0.2", 5, INFERRED),
        ("outlook.auth.refused", "warning", "http.response.code==401 && ip.src==127.0.0.4", 5, INFERRED),
    ],
    # The device waits three seconds for the rest of Connect's response. Disconnect then has no context.
    "mapi-live-haproxy-timeout": [
        ("mapihttp.response.cut", "warning", "ip.src==127.0.0.4 && tcp.srcport==80 && tcp.flags.fin==1", 0, SEEN),
        ("mapihttp.response.cut.chat", "chat", "ip.dst==127.0.0.2 && (tcp.flags.reset==1 || tcp.flags.fin==1)", 0, UNKNOWN),
        ("mapihttp.response_code.failed", "warning", REFUSED, None),
    ],
    # One connection to the server for both users: bob's logon is the last when alice's Execute comes without one.
    "mapi-live-apache-ntlm-shared": [
        ("outlook.auth.shared_connection", "error", f'({BEHIND}) && http.request.line matches "(?i)x-requesttype: execute"', 0,
         SEEN),
    ],
}


# ---- server ---------------------------------------------------------------------------------

class Connection(socketserver.StreamRequestHandler):
    """One TCP connection."""

    def handle(self):
        self.user, self.target = None, None
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            while self.message():
                pass
        except (ConnectionError, ValueError):
            pass

    def message(self):
        line = self.rfile.readline()
        if not line:
            return False
        # RFC 9112 9.3: HTTP/1.0 is not kept, and knows no chunks.
        self.old = line.rstrip().endswith(b"HTTP/1.0")
        fields = {}
        while (field := self.rfile.readline().rstrip(b"\r\n")):
            name, _, value = field.decode("latin-1").partition(":")
            fields[name.strip().lower()] = value.strip()
        if fields.get("expect", "").lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if fields.get("transfer-encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                self.rfile.read(size + 2)
            self.rfile.readline()
        else:
            self.rfile.read(int(fields.get("content-length", 0)))
        if line.startswith(b"GET ") and b"/healthcheck.htm" in line:
            self.send("200 OK", ["Content-Type: text/html", f"X-FEServer: {self.server.options.name}"],
                      f"200 OK<br/>{self.server.options.name}".encode())
            return False
        challenge = self.logon(fields.get("authorization", ""))
        if challenge:
            self.send("401 Unauthorized", [f"WWW-Authenticate: {challenge}"], b"")
        else:
            self.answer(fields)
        return fields.get("connection", "").lower() != "close" and not self.old

    def logon(self, credentials):
        """What to challenge with, None if the user is known."""
        scheme, _, token = credentials.partition(" ")
        if self.server.options.scheme == "basic":
            return None if scheme == "Basic" else 'Basic realm="mail.example.test"'
        if scheme != "NTLM":
            return None if self.user else "NTLM"
        kind = base64.b64decode(token)[8]
        if kind == 1:
            self.server.challenges += 1          # no two with one timestamp
            self.user = None
            self.target = ntlm.Target(self.server.options.name, int(time.time()) + self.server.challenges)
            return ntlm.type2(self.target)
        if kind == 3 and self.target:
            self.user = "known"
            return None
        return "NTLM"

    def send(self, status, lines, body, tags=None):
        head = [f"HTTP/1.1 {status}", f"Server: {self.server.options.name}", *lines]
        head.append(f"Content-Length: {len(body)}" if not tags else "Connection: close" if self.old else
                    "Transfer-Encoding: chunked")
        self.wfile.write("\r\n".join(head).encode() + b"\r\n\r\n" + (b"" if tags else body))
        for number, part in enumerate(tags or ()):
            if number:
                time.sleep(self.server.options.delay)
            self.wfile.write(part if self.old else f"{len(part):x}\r\n".encode() + part + b"\r\n")
        if tags and not self.old:
            self.wfile.write(b"0\r\n\r\n")

    def answer(self, fields):
        server, kind = self.server, fields.get("x-requesttype", "")
        jar = dict(pair.strip().split("=", 1) for pair in fields.get("cookie", "").split(";") if "=" in pair)
        slow, _, seconds = server.options.think.partition(":")
        if kind == slow:
            time.sleep(float(seconds))
        code, context = 0, jar.get("sid")
        if kind in ("Connect", "Bind"):
            context = uuid.uuid4().hex
            server.sessions[context] = 0
        elif context not in server.sessions:
            code = 10 if context else 13
        lines = ["Content-Type: application/mapi-http" if not code else "Content-Type: text/html",
                 f"X-RequestType: {kind}", f"X-RequestId: {fields.get('x-requestid', '')}", f"X-ResponseCode: {code}"]
        if code:
            self.send("200 OK", lines, b"<html><body>There is no such context.</body></html>")
            return
        server.sessions[context] += 1
        lines += ["X-PendingPeriod: 1000", "X-ExpirationInfo: 900000", "X-ServerApplication: Exchange/15.02.1544.0004",
                  f"Set-Cookie: sid={context}; path=/mapi/emsmdb",
                  f"Set-Cookie: sequence={uuid.uuid4().hex}; path=/mapi/emsmdb"]
        pending = [b"PENDING\r\n"] * (server.options.pending if kind == "NotificationWait" else 0)
        end = b"DONE\r\nX-ElapsedTime: 1\r\nX-StartTime: Wed, 25 Nov 2026 09:46:40 GMT\r\n\r\n" + bodies(kind)[1]
        self.send("200 OK", lines, b"", [b"PROCESSING\r\n", *pending, end])


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True


def serve(options):
    address, port = options.address.rsplit(":", 1)
    with Server((address, int(port)), Connection) as server:
        server.options, server.sessions, server.challenges = options, {}, 0
        server.serve_forever()


# ---- client ---------------------------------------------------------------------------------

class User:
    def __init__(self, options, name):
        self.options, self.name, self.jar, self.count = options, name, {}, 0
        self.ids, self.client = uuid.uuid4(), uuid.uuid4()
        self.connection = None

    def connect(self):
        address, port = self.options.address.rsplit(":", 1)
        self.connection = http.client.HTTPConnection(address, int(port), timeout=self.options.patience,
                                                     source_address=(self.options.source, 0))
        self.connection.connect()
        self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.ready = False

    def once(self, kind, authorization):
        body = bodies(kind)[0]
        fields = {"Host": "mail.example.test", "Content-Type": "application/mapi-http", "X-RequestType": kind,
                  "X-RequestId": f"{{{str(self.ids).upper()}}}:{self.count}", "X-ClientInfo": f"{{{str(self.client).upper()}}}:1",
                  "X-ClientApplication": "Outlook/16.0.17126.20132"}
        if authorization:
            fields["Authorization"] = authorization
        if self.jar:
            fields["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.jar.items())
        self.send("POST", PATH, body, fields)
        response = self.connection.getresponse()
        content = response.read()
        for name, value in response.getheaders():
            if name.lower() == "set-cookie":
                self.jar.update([value.split(";")[0].split("=", 1)])
        return response, content

    def send(self, method, path, body, fields):
        self.connection.request(method, path, body, fields)

    def ask(self, kind):
        """True if the answer was code 0."""
        self.count += 1
        if self.options.reconnect or not self.connection or not self.connection.sock:
            if self.connection:
                self.connection.close()
            self.connect()
        if self.options.scheme == "basic":
            basic = base64.b64encode(f"example.test\\{self.name}:correct horse".encode()).decode()
            response, content = self.once(kind, f"Basic {basic}")
        else:
            response, content = self.once(kind, None if self.ready else ntlm.type1())
            if response.status == 401 and not self.ready:
                response, content = self.handshake(kind, response)
            self.ready = response.status == 200
        return response.status == 200 and response.getheader("X-ResponseCode") == "0" and b"DONE" in content

    def handshake(self, kind, response):
        token = response.getheader("WWW-Authenticate", "").removeprefix("NTLM").strip()
        if not token:
            return response, b""
        # The target information of a type 2, from the fields at 40 (MS-NLMP 2.2.1.2).
        blob = base64.b64decode(token)
        length, at = int.from_bytes(blob[40:42], "little"), int.from_bytes(blob[44:48], "little")
        info, stamp, server = blob[at:at + length], 0, ""
        while len(info) >= 4 and info[:2] != b"\0\0":
            size = int.from_bytes(info[2:4], "little")
            if info[0] == 7:
                stamp = int.from_bytes(info[4:12], "little") // 10**7 - 11644473600
            elif info[0] == 1:
                server = info[4:4 + size].decode("utf-16-le")
            info = info[4 + size:]
        return self.once(kind, ntlm.type3(ntlm.Target(server, stamp), user=self.name))


def ask(options):
    users, failed = [User(options, name) for name in options.users.split(",")], 0
    kinds = ["Connect", *["Execute"] * options.executes, *["NotificationWait"] * options.notify, "Disconnect"]
    for kind in kinds:
        for user in users:
            try:
                failed += not user.ask(kind)
            except (OSError, http.client.HTTPException) as error:
                print(f"{user.name}, {kind}: {error}", file=sys.stderr)
                user.connection = None
                failed += 1
        time.sleep(options.pause)
    return failed != 0


# ---- what a sample shows ----------------------------------------------------------------------

def stock(tshark, folder, display_filter, *fields):
    """Rows of stock tshark, each value a list."""
    args = ["-r", tshark.private_copy(folder / "capture.pcapng"), "-Y", display_filter, "-T", "fields", "-E", "aggregator=\x1f"]
    args += [word for name in fields for word in ("-e", name)]
    with tshark.popen(args, plugin=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        lines = process.stdout.read().decode().splitlines()
    return [[value.split("\x1f") if value else [] for value in line.split("\t")] for line in lines]


def header(lines, name):
    for line in lines:
        key, _, text = line.partition(":")
        if key.lower() == name:
            return text.replace("\\r\\n", "").strip()
    return None


def expect(options):
    sys.path.insert(0, str(HERE.parents[1] / "tools"))
    import wsrun
    messages, items, asked = [], [], {}
    with wsrun.Tshark() as tshark:
        for frame, stream, source, target, request, ask_lines, status, tell_lines in stock(
                tshark, options.folder, "http", "frame.number", "tcp.stream", "ip.src", "ip.dst", "http.request.method",
                "http.request.line", "http.response.code", "http.response.line"):
            row = {"frame": int(frame[0]), "stream": int(stream[0]), "to": "server" if request else "client"}
            server = target[0] if request else source[0]
            fields = {"mapihttp.endpoint": "emsmdb", "mapihttp.leg": "0" if server == DEVICE else "1"}
            if request:
                kind = asked[stream[0]] = header(ask_lines, "x-requesttype")
                fields["mapihttp.request_id.counter"] = header(ask_lines, "x-requestid").rpartition(":")[2]
            else:
                kind = asked[stream[0]]
                if header(tell_lines, "x-responsecode"):
                    fields["mapihttp.response_code"] = header(tell_lines, "x-responsecode")
            messages.append({**row, "type": kind, "fields": {"mapihttp.request_type": kind, **fields}})
        for item, severity, where, which, *blame in ITEMS[options.folder.name]:
            frames = [int(row[0][0]) for row in stock(tshark, options.folder, where, "frame.number")]
            items += [{"item": item, "severity": severity, "frame": frame, **({"where": blame[0]} if blame else {})}
                      for frame in (frames if which is None else [frames[which]])]
    items.sort(key=lambda item: item["frame"])
    text = json.dumps({"keys": None, "messages": messages, "items": items, "tolerated": []}, indent=1)
    (options.folder / "expect.json").write_text(text + "\n", encoding="utf-8")
    print(f"{options.folder.name}: {len(messages)} messages, items {[(item['item'], item['frame']) for item in items]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("serve")
    command.set_defaults(run=serve)
    command.add_argument("--name", default="EX1")
    command.add_argument("--delay", type=float, default=0.005, help="between meta-tags, seconds")
    command.add_argument("--think", default="", help="TYPE:SECONDS: how long a request of that type waits for its answer")
    command.add_argument("--pending", type=int, default=1, help="PENDING of a NotificationWait")
    ask_command = commands.add_parser("ask")
    ask_command.set_defaults(run=ask)
    ask_command.add_argument("--source", default="127.0.1.10")
    ask_command.add_argument("--users", default="alice")
    ask_command.add_argument("--executes", type=int, default=3)
    ask_command.add_argument("--notify", action="store_true", help="a NotificationWait before Disconnect")
    ask_command.add_argument("--reconnect", action="store_true", help="a connection for each request")
    ask_command.add_argument("--pause", type=float, default=0.02, help="between rounds, seconds")
    ask_command.add_argument("--patience", type=float, default=20, help="for an answer, seconds")
    expect_command = commands.add_parser("expect")
    expect_command.set_defaults(run=expect)
    expect_command.add_argument("folder", type=pathlib.Path)
    for one in (command, ask_command):
        one.add_argument("address", help="ADDRESS:PORT")
        one.add_argument("--scheme", choices=("basic", "ntlm"), default="basic")
    options = parser.parse_args()
    return options.run(options)


if __name__ == "__main__":
    sys.exit(main())
