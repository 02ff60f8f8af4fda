"""A MAPI/HTTP client and server of the tests' own over real TLS, for test-captures/mapi/live/*.

    mapi_tls.py run --certificate FILE --key FILE --keylog FILE --tls 1.2|1.3 [--alpn]
    mapi_tls.py expect FOLDER

run plays one session through OpenSSL: Connect, an Execute whose body comes in two TLS records, PING, a
NotificationWait that is PENDING twice, Disconnect. Bodies come from tests/synth. expect writes
expect.json: frames are where stock tshark shows the HTTP messages, fields are what SCRIPT sent.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import argparse
import json
import pathlib
import socket
import ssl
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "synth"), str(HERE.parents[1] / "tools")]
import mapiscene as m
import mapiwire as w

CLIENT, SERVER = ("127.0.1.10", 0), ("127.0.0.2", 443)
MAILBOX = "652401fd-75bf-585d-b0ba-68014712af98@example.test"
GUID = "{2EF33AC2-95C1-5E0A-9C73-3A8A9E0D7E10}"
# Request type, body, typed body of the answer, meta-tags, fields of the request and of the answer.
SCRIPT = (
    ("Connect", m.connect_body(), m.connect_answer(), ("PROCESSING", "DONE"),
     {"mapihttp.connect.user_dn": m.DN}, {"mapihttp.connect.display_name": "Alice"}),
    ("Execute", m.execute_body(bytes([1, 0, 0]) * 400), m.execute_answer(), ("PROCESSING", "DONE"),
     {"rop.id": ["1"] * 400}, {}),
    ("PING", b"", b"", ("PROCESSING", "DONE"), {}, {}),
    ("NotificationWait", m.default_body("NotificationWait"), m.default_answer("NotificationWait"),
     ("PROCESSING", "PENDING", "PENDING", "DONE"), {}, {"mapihttp.notification_wait.event_pending": "1"}),
    ("Disconnect", m.default_body("Disconnect"), m.default_answer("Disconnect"), ("PROCESSING", "DONE"), {}, {}),
)


def cookies(step):
    return {"MapiContext": w.mapi_context("EX1", 1575012367), "MapiSequence": w.mapi_sequence(step + 1, "live")}


def request(step):
    kind, body = SCRIPT[step][:2]
    lines = [f"POST /mapi/emsmdb/?MailboxId={MAILBOX} HTTP/1.1", "Host: mail.example.test",
             "Content-Type: application/mapi-http", f"X-RequestType: {kind}", f"X-RequestId: {GUID}:{step + 1}",
             "X-ClientInfo: {5E59FD9D-0887-5004-A1CC-239F823AD656}:1", "X-ClientApplication: Outlook/16.0.17126.20132",
             "Authorization: Basic ZXhhbXBsZS50ZXN0XGFsaWNlOmNvcnJlY3QgaG9yc2U=", f"Content-Length: {len(body)}"]
    if step:
        lines.append("Cookie: " + "; ".join(f"{name}={value}" for name, value in cookies(step - 1).items()))
    return "\r\n".join(lines).encode() + b"\r\n\r\n", body


def answer(step):
    """The head and the chunks of an answer."""
    kind, _, typed, tags = SCRIPT[step][:4]
    lines = ["HTTP/1.1 200 OK", "Content-Type: application/mapi-http", f"X-RequestType: {kind}",
             f"X-RequestId: {GUID}:{step + 1}", "X-ResponseCode: 0", "X-PendingPeriod: 1000", "X-ExpirationInfo: 900000",
             "X-ServerApplication: Exchange/15.02.1544.0004", "X-FEServer: EX1", "X-CalculatedBETarget: ex1.example.test",
             "Transfer-Encoding: chunked"]
    lines += [f"Set-Cookie: {name}={value}; path=/mapi/emsmdb" for name, value in cookies(step).items()]
    last = b"DONE\r\nX-ElapsedTime: 1\r\nX-StartTime: Wed, 25 Nov 2026 09:46:40 GMT\r\n\r\n" + typed
    return "\r\n".join(lines).encode() + b"\r\n\r\n", [f"{tag}\r\n".encode() for tag in tags[:-1]] + [last]


def chunk(data):
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def read_message(stream):
    """A message with Content-Length or chunks."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += stream.readline()
    if b"chunked" in head:
        while size := int(stream.readline(), 16):
            stream.read(size + 2)
        stream.readline()
    else:
        stream.read(int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0]))


def serve(listener, context):
    connection = context.wrap_socket(listener.accept()[0], server_side=True)
    stream = connection.makefile("rb")
    for step in range(len(SCRIPT)):
        read_message(stream)
        head, parts = answer(step)
        connection.sendall(head + chunk(parts[0]))
        for part in parts[1:]:
            time.sleep(0.9 if len(parts) > 2 else 0.01)
            connection.sendall(chunk(part))
        connection.sendall(chunk(b""))
    stream.read()
    connection.close()


def run(options):
    version = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}[options.tls]
    ours, theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ours.load_cert_chain(options.certificate, options.key)
    theirs.check_hostname, theirs.verify_mode = False, ssl.CERT_NONE
    theirs.keylog_filename = options.keylog
    for context in (ours, theirs):
        context.minimum_version = context.maximum_version = version
        if options.alpn:
            context.set_alpn_protocols(["http/1.1"])
    listener = socket.create_server(SERVER)
    server = threading.Thread(target=serve, args=(listener, ours))
    server.start()
    plain = socket.create_connection(SERVER, source_address=CLIENT)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection = theirs.wrap_socket(plain, server_hostname="mail.example.test")
    stream = connection.makefile("rb")
    for step in range(len(SCRIPT)):
        head, body = request(step)
        connection.sendall(head)                 # a record of its own
        if body:
            connection.sendall(body[:len(body) // 2])
            connection.sendall(body[len(body) // 2:])
        read_message(stream)
        time.sleep(0.05)
    connection.unwrap()
    connection.close()
    server.join()


def expect(folder):
    import wsrun
    keys = folder / "capture.keys"
    with wsrun.Tshark() as tshark:
        args = ["-r", tshark.private_copy(folder / "capture.pcapng"), "-Y", "http", "-T", "fields", "-e", "frame.number",
                "-e", "http.request", "-e", "tcp.stream"]
        if keys.exists():
            args += ["-o", f"tls.keylog_file:{tshark.private_copy(keys)}"]
        with tshark.popen(args, plugin=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            rows = [line.split("\t") for line in process.stdout.read().decode().splitlines()]
    if len(rows) != 2 * len(SCRIPT):
        sys.exit(f"{folder}: {len(rows)} HTTP messages, {2 * len(SCRIPT)} were sent")
    messages = []
    for step, (kind, _, _, tags, of_request, of_answer) in enumerate(SCRIPT):
        (asked, _, stream), (told, _, _) = rows[2 * step:2 * step + 2]
        common = {"mapihttp.request_type": kind, "mapihttp.endpoint": "emsmdb", "mapihttp.leg": "0"}
        session = {"mapihttp.session": "0"}
        messages.append({"frame": int(asked), "stream": int(stream), "to": "server", "type": kind, "fields": {
            **common, **(session if step else {}), "mapihttp.request_id.counter": str(step + 1),
            "outlook.auth.scheme": "Basic", "outlook.auth.user": "example.test\\alice", **of_request}})
        messages.append({"frame": int(told), "stream": int(stream), "to": "client", "type": kind, "fields": {
            **common, **session, "mapihttp.response_code": "0", "mapihttp.request_in": asked,
            "mapihttp.meta_tag": list(tags), "outlook.back_end": "ex1.example.test", **of_answer}})
    text = json.dumps({"keys": keys.name if keys.exists() else None, "messages": messages, "items": [], "tolerated": []},
                      indent=1)
    (folder / "expect.json").write_text(text + "\n", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser()
    actions = parser.add_subparsers(dest="action", required=True)
    play = actions.add_parser("run")
    play.add_argument("--tls", choices=("1.2", "1.3"), required=True)
    play.add_argument("--alpn", action="store_true")
    for name in ("certificate", "key", "keylog"):
        play.add_argument(f"--{name}", required=True)
    judge = actions.add_parser("expect")
    judge.add_argument("folder", type=pathlib.Path)
    options = parser.parse_args()
    if options.action == "run":
        run(options)
    else:
        expect(options.folder)


if __name__ == "__main__":
    main()
