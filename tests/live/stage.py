"""Where a live scenario plays: a network namespace with clients, a device that others made, and servers.

Clients are 127.0.1.10 and up, the device 127.0.2.10, the servers 127.0.3.11 and .12, so that legs are told apart by
address; MTU 1500 without segmentation offload makes segments as they are on Ethernet.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import argparse
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "synth"))
import mapi_parts  # noqa: E402
import mapiscene as m  # noqa: E402
import mapiwire as w  # noqa: E402
import rpc  # noqa: E402, F401
import rpch_client  # noqa: E402

# impacket is not needed here, but another python3 earlier in PATH may lack what the servers need.
PYTHON = "/usr/bin/python3"
CLIENT, PROXY, SERVERS = "127.0.1.10", "127.0.2.10", {"EX1": "127.0.3.11", "EX2": "127.0.3.12"}
FAILURES = (rpch_client.Ended, TimeoutError, ConnectionError, ssl.SSLError)

# Device -> what must be there, its configuration, and how it is run in the foreground.
DEVICES = {
    "haproxy": ("haproxy", "haproxy.cfg", ["haproxy", "-f", "CONF", "-db"]),
    "nginx": ("nginx", "nginx.conf", ["nginx", "-c", "CONF", "-g", "daemon off;"]),
    "apache": ("apache2", "apache.conf", ["apache2", "-f", "CONF", "-D", "FOREGROUND"]),
    "squid": ("squid", "squid.conf", ["squid", "-N", "-f", "CONF"]),
    "varnish": ("varnishd", "varnish.vcl", ["varnishd", "-F", "-j", "none", "-f", "CONF", "-n", "SCRATCH/varnish", "-a",
                                            f"{PROXY}:80", "-s", "malloc,8m"]),
    "lighttpd": ("lighttpd", "lighttpd.conf", ["lighttpd", "-D", "-f", "CONF"]),
    "pen": ("pen", None, ["pen", "-f"]),
}
VERSION = {"haproxy": ["haproxy", "-v"], "nginx": ["nginx", "-v"], "apache": ["apache2", "-v"], "squid": ["squid", "-v"],
           "varnish": ["varnishd", "-V"], "lighttpd": ["lighttpd", "-v"]}
TOOLS = ("dumpcap", "ip", "unshare")
os.environ["PATH"] = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"          # where Debian has most of them


def missing(row):
    """What is not installed of that which the scenario needs."""
    return [name for name in (*TOOLS, *row.needs, DEVICES[row.device][0]) if not shutil.which(name)]


def version(device):
    """The first line with a number that the device prints of itself; pen's is its package's."""
    if device not in VERSION:
        return subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${Version}", device], stdout=subprocess.PIPE, text=True,
                              check=False).stdout
    text = subprocess.run(VERSION[device], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False).stdout
    return next(line.strip() for line in text.splitlines() if any(letter.isdigit() for letter in line))


class Process:
    """A process and those that it starts."""

    def __init__(self, command, log):
        self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)

    def kill(self, how=signal.SIGKILL):
        try:
            os.killpg(self.process.pid, how)
        except ProcessLookupError:
            pass

    def end(self):
        self.kill(signal.SIGTERM)
        try:
            self.process.wait(3)
        except subprocess.TimeoutExpired:
            pass
        self.kill()
        self.process.wait()


class MapiUser(mapi_parts.User):
    """A MAPI/HTTP client: one session, one request at a time. how: "length", "expect" or "chunked", its requests."""

    def __init__(self, name, source, how="length", scheme="basic", patience=40, port=80, base=""):
        super().__init__(argparse.Namespace(address=f"{PROXY}:{port}", source=source, scheme=scheme, reconnect=False,
                                            patience=patience), name)
        self.how, self.base = how, base          # base: as in rpch_client.Outlook

    def send(self, method, path, body, fields):
        path = self.base + path
        if self.how == "length":
            super().send(method, path, body, fields)
            return
        more = {"Expect": "100-continue", "Content-Length": str(len(body))} if self.how == "expect" else \
            {"Transfer-Encoding": "chunked"}
        self.connection.putrequest(method, path, skip_host=True)
        for name, value in {**fields, **more}.items():
            self.connection.putheader(name, value)
        self.connection.endheaders()
        if self.how == "expect":
            # http.client reads over the 100; here it is only waited for.
            self.connection.sock.settimeout(2)
            if b" 100 " not in self.connection.sock.recv(64, socket.MSG_PEEK):
                raise ConnectionError("no 100")
            self.connection.sock.settimeout(self.options.patience)
            self.connection.send(body)
        else:
            half = len(body) // 2
            for part in (body[:half], body[half:]):
                self.connection.send(b"%x\r\n%s\r\n" % (len(part), part))
            self.connection.send(b"0\r\n\r\n")

    def ask(self, kind):
        """False, too, if there was no whole answer; the next request then comes on another connection."""
        try:
            return super().ask(kind)
        except (OSError, mapi_parts.http.client.HTTPException) as error:
            print(f"{self.name}, {kind}: {error!r}")
            self.connection.close()
            self.connection = None
            return False

    def ask_large(self, size):
        """An Execute of that many bytes and some."""
        plain = mapi_parts.BODIES["Execute"]
        mapi_parts.BODIES["Execute"] = m.execute_body(w.RELEASE * (size // len(w.RELEASE))), plain[1]
        try:
            return self.ask("Execute")
        finally:
            mapi_parts.BODIES["Execute"] = plain


class Stage:
    """What runs for one scenario. row: of scenario_rows.py."""

    def __init__(self, row, scratch):
        self.row, self.scratch, self.servers, self.device, self.dumpcap = row, scratch, {}, None, None
        self.command, self.former = [], []
        self.log = open(scratch / "log", "w", encoding="utf-8")
        self.notes, self.port = [], int(row.words.get("BIND", "80").split()[0])
        scratch.chmod(0o755)

    def network(self):
        # With an IPv6 address that is no loopback's beside them, getaddrinfo() finds loopback's IPv4 too poor for pen.
        six = ("addr add 2001:db8::10/64 dev lo nodad", "addr add 2001:db8::2/128 dev lo nodad")
        for command in ("link set lo mtu 1500 gso_max_segs 1 up",
                        # A device that cannot be told its own address comes from the right one all the same.
                        f"route replace local 127.0.3.0/24 dev lo src {PROXY} table local",
                        *(six if "2001:db8::2" in self.row.words.get("FRONT", "") else ())):
            subprocess.run(["ip", *command.split()], check=True)

    def configuration(self, text):
        words = {"SCRATCH": str(self.scratch), "PROXY": PROXY, "MODULES": "/usr/lib/apache2/modules", "MODE": "http",
                 "BIND": "80", **self.row.words}
        for _ in range(2):                       # a word may name another
            text = re.sub("@([A-Z]+)@", lambda match: words.get(match[1], ""), text)
        return text

    def start(self):
        self.network()
        for name, address in SERVERS.items():
            if self.row.servers is not None:
                self.start_server(name, address)
                self.until_listening(address, 80)
        _, template, command = DEVICES[self.row.device]
        if template:
            conf = self.scratch / template
            conf.write_text(self.configuration((HERE / "devices" / "scenarios" / template).read_text()))
            conf.chmod(0o644)
        if self.port == 443:
            self.certificate()
        self.command = [word.replace("CONF", str(self.scratch / (template or ""))).replace("SCRATCH", str(self.scratch))
                        for word in command] + list(self.row.more)
        self.device = Process(self.command, self.log)
        self.until_listening(PROXY, self.port)

    def start_server(self, name, address):
        script, *options = ["rpch_server.py", "--log", str(self.scratch / "pdus.jsonl")] if self.row.protocol == "rpc" else \
            ["mapi_parts.py"]
        head = ["serve"] if script == "mapi_parts.py" else []
        self.servers[name] = Process([PYTHON, str(HERE / script), *head, f"{address}:80", "--name", name, *options,
                                      *self.row.servers.get(name, self.row.servers.get("all", ()))], self.log)

    def certificate(self):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-subj",
                        "/CN=mail.example.test", "-addext", "subjectAltName=DNS:mail.example.test", "-keyout",
                        self.scratch / "key", "-out", self.scratch / "certificate"], check=True, stderr=subprocess.DEVNULL)
        (self.scratch / "pem").write_text((self.scratch / "certificate").read_text() + (self.scratch / "key").read_text())

    def until_listening(self, address, port):
        until = time.monotonic() + 30
        while time.monotonic() < until:
            for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
                local, state = line.split()[1], line.split()[3]
                where, _, number = local.partition(":")
                if state == "0A" and int(number, 16) == port and \
                        socket.inet_ntoa(int(where, 16).to_bytes(4, sys.byteorder)) == address:
                    return
            if self.device and self.device.process.poll() is not None:
                break
            time.sleep(0.1)
        raise SystemExit(f"{self.row.name}: nothing listens at {address}:{port}\n{(self.scratch / 'log').read_text()}")

    def capture(self):
        log = self.scratch / "dumpcap.log"
        with open(log, "w", encoding="utf-8") as out:
            self.dumpcap = Process(["dumpcap", "-q", "-i", "lo", "-f", self.row.filter, "-w",
                                    str(self.scratch / "capture.pcapng")], out)
        until = time.monotonic() + 30
        while "File:" not in log.read_text() and time.monotonic() < until:
            time.sleep(0.1)
        time.sleep(0.5)

    def play(self):
        try:
            self.start()
            self.capture()
            self.row.play(self)
            time.sleep(1)
            self.dumpcap.kill(signal.SIGINT)
            self.dumpcap.process.wait()
        finally:
            for process in (self.dumpcap, self.device, *self.former, *self.servers.values()):
                if process:
                    process.end()
            self.log.close()

    # ---- for the rows ----

    def outlook(self, number=0, name="alice", **how):
        """A client of RPC over HTTP; number: of its address."""
        how.setdefault("port", self.port)
        tls = None
        if self.port == 443:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
            tls.keylog_filename = str(self.scratch / "capture.keys")
        return rpch_client.Outlook(PROXY, f"127.0.1.{10 + number}", f"{self.row.name}/{number}/{name}",
                                   user=f"example.test\\{name}", tls=tls, **how)

    def mapi(self, number=0, name="alice", **how):
        return MapiUser(name, f"127.0.1.{10 + number}", port=self.port, **how)

    def reload(self):
        """What is open goes on, and a new process has the address: HAProxy's soft stop, nginx's SIGHUP."""
        if self.row.device == "nginx":
            os.kill(self.device.process.pid, signal.SIGHUP)
            time.sleep(1)
            return
        self.device.kill(signal.SIGUSR1)
        self.former.append(self.device)
        time.sleep(0.5)
        self.device = Process(self.command, self.log)
        self.until_listening(PROXY, self.port)

    @staticmethod
    def forget(sock):
        """From here on nothing of this connection gets through, either way, and nobody is told: a packet filter."""
        port = sock.getsockname()[1]
        for command in ("add table ip forget", "add chain ip forget everything { type filter hook input priority 0; }",
                        f"add rule ip forget everything tcp sport {port} drop",
                        f"add rule ip forget everything tcp dport {port} drop"):
            subprocess.run(["nft", command], check=True)

    def fails(self, function, *args, **how):
        """What must fail, by the device: else the scenario shows nothing."""
        try:
            done = function(*args, **how)
        except FAILURES as error:
            self.notes.append(str(error))
            return
        if done is not False:
            raise SystemExit(f"{self.row.name}: {function.__name__} did not fail")

    def works(self, done):
        if not done:
            raise SystemExit(f"{self.row.name}: a request failed that had to work\n{(self.scratch / 'log').read_text()}")
